#!/bin/bash
# One way of running motet-topo, checked by its exit status and what it prints: topo.sh MOTET_TOPO MACHINES WHAT
set -euo pipefail
unset RANK WORLD_SIZE OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE PMI_RANK PMI_SIZE SLURM_PROCID SLURM_NTASKS
topo=$1 machines=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect STATUS PATTERN ARGUMENTS...: motet-topo ends with it and prints a line that matches.
expect() {
  local wanted=$1 pattern=$2 output status=0
  shift 2
  output=$("$topo" "$@" 2>&1) || status=$?
  echo "$output"
  (( status == wanted )) || fail "motet-topo $* exited with $status, not $wanted"
  grep -aqE -- "$pattern" <<< "$output" || fail "no line of motet-topo $* matches '$pattern'"
}

here() { expect 0 '^machine of .*CPU'; }
ranks() {
  expect 0 'shm +2 peers' --ranks 3
  expect 0 'node +1 group: +0-2' --ranks 3
}
reach() {
  expect 0 '^rank 2 on host .* shm,tcp +shm,tcp +-' --reach --ranks 3
  expect 0 '"works": true' --reach --json --ranks 2
  MOTET_TRANSPORT=tcp MOTET_INTERFACE=lo expect 0 'rank 0 on host .* to rank 1, tcp: (127.0.0.1|::1)' --reach --ranks 2
  MOTET_INTERFACE=eth77 expect 2 'no network interface fits "eth77"; up are .*lo' --reach --ranks 2
  expect 2 '--reach needs ranks' --reach
}
topology_file() {
  echo 'rank 0: package 0, node 0, pod a
rank 1: package 0, node 0, pod a
rank 2: package 1, node 0, pod a
rank 3: package 1, node 0, pod a' > "$folder/tiers"
  MOTET_TOPOLOGY=$folder/tiers expect 0 'package +2 groups: 0-1 . 2-3' --ranks 4
  MOTET_TOPOLOGY=$folder/tiers expect 2 'places 4 ranks, and there are 2' --ranks 2
  echo 'hosts name=* pod' > "$folder/tiers"
  MOTET_TOPOLOGY=$folder/tiers expect 2 "line 1, column 17: expected '=' after pod" --ranks 2
  MOTET_TOPOLOGY=/nonexistent expect 2 'topology file /nonexistent of rank 0: No such file' --ranks 2
}
environment() {
  local other port=$(( 20000 + RANDOM % 10000 ))
  RANK=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port "$topo" &
  other=$!
  RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port expect 0 '^world|shm +1 peer$'
  wait "$other" || fail "rank 1 exited with $?"
}
files() {
  expect 0 cuda7 --load "$machines/two_sockets.xml" --ranks 8 --save "$folder/a" --svg "$folder/a.svg"
  expect 0 '\[rank 6-7\]' --load "$folder/a" --save "$folder/b"
  cmp "$folder/a" "$folder/b" || fail "what was saved is not what was loaded"
  grep -q '</svg>' "$folder/a.svg" || fail "no picture"
  expect 0 '"accelerators"' --json --load "$folder/a"
  expect 0 '^graph machines' --dot --load "$folder/a"
  expect 0 '^-> ' --explain --load "$folder/a"
  expect 0 'CPU' --xml "$folder/here.xml"
  expect 0 'CPU' --load "$folder/here.xml"
  HWLOC_XMLFILE=$machines/laptop.xml expect 0 '^machine of laptop'
}
wrong_usage() {
  printf 'machine\npackage id=0 cpus=3-1\n' > "$folder/bad"
  expect 2 'line 2, column 19: expected a list of CPUs' --load "$folder/bad"
  expect 2 '/nonexistent cannot be read' --load /nonexistent
  expect 2 'ranks' --ranks 0
  expect 2 'excludes' --json --dot
  expect 1 'cannot be written' --svg "$folder/no/such/folder"
  WORLD_SIZE=2 expect 2 'WORLD_SIZE'
}
help() { expect 0 '^  MOTET_TOPOLOGY' --help; }

"$3"
