# For the other scripts, which source it: steps that are quiet while they go well, show progress, and say what failed.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/build/logs
cores=$(nproc)
# What one checkout has compiled, another finds in the compiler's cache.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1

say() { printf '%s\n' "$*"; }

fail() {
  printf '\nFAILED: %s\n' "$*" >&2
  exit 1
}

# One line that changes on a terminal, a line every minute elsewhere (so that nobody takes silence for a hang).
show_progress() {  # pid log title
  local pid=$1 log=$2 title=$3 seconds=0
  while kill -0 "$pid" 2>/dev/null; do
    if [ -t 1 ]; then
      printf '\r\033[K  %s  %ds  %s' "$title" $seconds "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-70)"
    elif [ $seconds -gt 0 ] && [ $((seconds % 60)) -eq 0 ]; then
      say "  ... $title, $seconds s: $(tail -n 1 "$log" | tr -d '\r' | cut -c1-100)"
    fi
    sleep 1
    seconds=$((seconds + 1))
  done
  [ ! -t 1 ] || printf '\r\033[K'
}

# step "title" "sentence for when it fails" command...: its output goes to a log, and its end is shown on failure.
step() {
  local title=$1 sentence=$2 log began=$SECONDS status=0
  shift 2
  mkdir -p "$logs"
  log=$logs/$(printf '%s' "$title" | tr -cs 'a-zA-Z0-9' '-').log
  "$@" >"$log" 2>&1 </dev/null &
  local pid=$!
  trap 'kill '"$pid"' 2>/dev/null; exit 130' INT TERM
  show_progress "$pid" "$log" "$title"
  wait "$pid" || status=$?
  trap - INT TERM
  if [ $status -ne 0 ]; then
    digest "$log" >&2
    fail "$sentence (exit status $status; everything is in ${log#"$root"/})"
  fi
  say "  $title: $((SECONDS - began)) s"
}

# The part of a log that explains a failure: what CTest or the compiler complained about, else its end.
digest() {
  if grep -q '^The following tests FAILED' "$1"; then
    awk '/\*\*\*Failed|\*\*\*Exception|\*\*\*Timeout|\*\*\*Not Run/ {show = 1} /^ *[0-9]+\/[0-9]+ Test.* Passed/ {show = 0}
         /^The following tests FAILED/ {show = 1} show' "$1" | tail -n 200
  elif grep -qE '(error:|^FAILED:)' "$1"; then
    grep -E -A 12 '(error:|^FAILED:)' "$1" | head -n 80
  else
    tail -n 60 "$1"
  fi
}
