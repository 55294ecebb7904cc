#!/bin/bash
# What scripts/multihost.sh promises: script.sh MULTIHOST WHAT
set -euo pipefail
multihost=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect STATUS ARGUMENTS...: the script ends with it; its output is in $output.
expect() {
  local wanted=$1 status=0
  shift
  output=$("$multihost" "$@" 2>&1) || status=$?
  echo "$output"
  (( status == wanted )) || fail "multihost.sh $* exited with $status, not $wanted"
}
expect_line() { grep -qE -- "$1" <<< "$output" || fail "no line matches '$1'"; }
processes() { pgrep -fc "^sleep $1\$" || true; }

highest_status() { expect 5 3 --ranks 2,1,1 -- bash -c 'exit $(( RANK + 2 ))'; }
time_limit() {
  expect 124 2 --timeout 1 -- bash -c '(( RANK == 0 )) || sleep 600.1'
  expect_line 'time limit of 1 s; still running: rank 1$'
  (( $(processes 600.1) == 0 )) || fail "a rank outlived the script"
}
# killed SIGNAL SECONDS: all ranks die with it. Only SIGKILL may leave its folder.
killed() {
  TMPDIR=$folder "$multihost" 2 -- sleep "$2" &
  until (( $(processes "$2") == 2 )); do sleep 0.05; done
  kill "-$1" $!
  wait $! && fail "it ended well"
  for _ in {1..200}; do (( $(processes "$2") > 0 )) || break; sleep 0.05; done
  (( $(processes "$2") == 0 )) || fail "ranks outlived the script"
}
terminated() {
  killed TERM 600.2
  [ -z "$(ls "$folder")" ] || fail "left behind: $(ls "$folder")"
}
killed_hard() { killed KILL 600.3; }
separate() {
  expect 0 2 --prefix -- bash -c 'hostname; touch /dev/shm/$RANK; ls /dev/shm'
  expect_line '^\[1 h1\] h1$'
  expect_line '^\[1 h1\] 1$'
  if grep -qE '^\[1 h1\] 0$' <<< "$output"; then fail "/dev/shm is shared"; fi
}
placed() {
  expect 0 2 --ranks 2,1 --round-robin --prefix -- bash -c 'echo $RANK of $WORLD_SIZE is $LOCAL_RANK'
  expect_line '^\[0 h0\] 0 of 3 is 0$'
  expect_line '^\[1 h1\] 1 of 3 is 0$'
  expect_line '^\[2 h0\] 2 of 3 is 1$'
}
shaped() {
  expect 0 4 --rails 2 --rate 1gbit --rate-of 3=100mbit --uplink 500mbit --prefix -- bash -c '
    tc qdisc show dev eth1; until (exec 3<> "/dev/tcp/h$(( RANK ^ 2 ))/22") 2>&1 | grep refused; do sleep 0.1; done'
  expect_line '^\[2 h2\] .*tbf.* rate 1Gbit'
  expect_line '^\[3 h3\] .*tbf.* rate 100Mbit'
}
ipv6_only() {
  expect 0 2 --ipv6-only --prefix -- bash -c 'ip -brief address show eth0; echo $MASTER_ADDR'
  expect_line 'eth0.* fd77::2/64'
  expect_line '^\[1 h1\] fd77:0::1$'
  if grep -q '10\.77' <<< "$output"; then fail "there is IPv4"; fi
}
wrong_usage() {
  expect 2 0 -- true
  expect 2 2 --ranks 1 -- true
  expect 2 2 --frobnicate -- true
  expect 2 2 --rate
  expect 2 2
  expect 0 --help
  expect_line '--rails R'
}

# Where hosts cannot be emulated at all the script says so with 77, and so does this.
[ "$2" = wrong_usage ] || "$multihost" 1 -- true || exit $?
"$2"
