#!/bin/bash
# One way of running motet-sim, checked by its exit status and what it prints: sim.sh MOTET_SIM WHAT
set -euo pipefail
sim=$1

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect STATUS PATTERN ARGUMENTS...: motet-sim ends with it and prints a line that matches.
expect() {
  local wanted=$1 pattern=$2 output status=0
  shift 2
  output=$("$sim" "$@" 2>&1) || status=$?
  echo "$output"
  (( status == wanted )) || fail "motet-sim $* exited with $status, not $wanted"
  grep -qE -- "$pattern" <<< "$output" || fail "no line of motet-sim $* matches '$pattern'"
}

every_collective() {
  for collective in allreduce allgather reduce_scatter broadcast reduce alltoall gather scatter; do
    expect 0 '^ +64K ' "$collective" --topology atlas900 --nodes 2 --sizes 64K,1M
  done
  expect 0 '^ +0 ' barrier --topology atlas900 --nodes 2
}

table() {
  expect 0 '^# bound: algbw .* GB/s; ' allreduce --topology dgx-h100 --nodes 2 -b 8 -e 1M -f 64
  expect 0 '^ +1M .* ring +[0-9]+% ' allreduce --topology atlas900 --nodes 1 --sizes 1M --algorithm ring \
    --params chunks=1
  expect 0 '^ +1M .* ring chunks=2,channels=4 +[0-9]+% ' allreduce --topology atlas900 --nodes 1 --sizes 1M \
    --algorithm ring --params chunks=2,channels=4
}

compare() { expect 0 '^ +4K .* recursive_doubling ' allreduce --topology dgx2 --nodes 1 --sizes 4K --compare; }

json() {
  expect 0 '^\{"collective":"allreduce","ranks":16,.*"time_us":.*"busbw_gbps":.*"share_of_bound":0\.' allreduce \
    --topology atlas900 --nodes 2 --sizes 1M --json --mode max-min
}

# Twice as fast links: half the time of a large ring between nodes.
settings() {
  local slow fast
  one() {
    "$sim" allreduce --topology atlas900 --nodes 4 --sizes 256M --algorithm ring --params chunks=1 --json "$@" |
      sed -E 's/.*"time_us":([0-9]+).*/\1/'
  }
  slow=$(one --set roce=5GB/s)
  fast=$(one --set roce=10GB/s)
  (( slow > fast * 19 / 10 && slow < fast * 21 / 10 )) || fail "$slow us at 5 GB/s, $fast us at 10 GB/s"
}

picture() {
  folder=$(mktemp -d)  # not local: the trap runs after this function
  trap 'rm -rf "$folder"' EXIT
  expect 0 ' ring ' allreduce --topology atlas900 --nodes 1 --sizes 64K --algorithm ring --svg "$folder/a.svg"
  grep -q '^<svg ' "$folder/a.svg" || fail "no picture"
  grep -q '>rank 7</text>' "$folder/a.svg" || fail "no lane for rank 7"
  tail -n 1 "$folder/a.svg" | grep -q '</svg>' || fail "the picture has no end"
  expect 1 'cannot write' allreduce --topology atlas900 --nodes 1 --sizes 64K --svg "$folder/none/a.svg"
}

wrong_usage() {
  expect 2 "unknown collective 'all_reduce'; choose from allreduce, " all_reduce --topology atlas900
  expect 2 "there is no fabric 'atlas': give a path, or one of atlas900, " allreduce --topology atlas
  expect 2 "no algorithm 'nonsense' for this; choose from mesh, " allreduce --topology atlas900 --nodes 1 \
    --algorithm nonsense
  expect 2 "no algorithm 'hierarchical' for this" allreduce --topology dgx2 --nodes 1 --params around_percent=20 \
    --algorithm hierarchical
  expect 2 "unknown parameter 'chunk'; choose from chunks, " allreduce --topology atlas900 --params chunk=2
  expect 2 'chunks=0: expected a number from 1 to 4096' allreduce --topology atlas900 --params chunks=0
  expect 2 "expected .*'roce'.* found 'ib'" allreduce --topology atlas900 --set ib=3GB/s
  expect 2 'root 8 with 8 ranks' broadcast --topology atlas900 --nodes 1 -r 8
  expect 2 'svg draws one size' allreduce --topology atlas900 --nodes 1 --svg a.svg
  expect 2 'mode' allreduce --topology atlas900 --mode quick
  expect 2 'topology is required' allreduce
}

help() { expect 0 '^Fabrics: .*atlas900' --help; }

"$2"
