#!/bin/bash
# One way of running motet-perf, checked by its exit status and what it prints: perf.sh MOTET_PERF WHAT
set -euo pipefail
unset RANK WORLD_SIZE OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE PMI_RANK PMI_SIZE SLURM_PROCID SLURM_NTASKS
perf=$1

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect STATUS PATTERN ARGUMENTS...: motet-perf ends with it and prints a line that matches.
expect() {
  local wanted=$1 pattern=$2 output status=0
  shift 2
  output=$("$perf" "$@" 2>&1) || status=$?
  echo "$output"
  (( status == wanted )) || fail "motet-perf $* exited with $status, not $wanted"
  grep -qE -- "$pattern" <<< "$output" || fail "no line of motet-perf $* matches '$pattern'"
}

processes() { expect 0 'all results right' allreduce --ranks 3 -e 64K -f 8 -n 20; }
threads() { expect 0 'all results right' allgather --ranks 3 --threads -e 64K -f 8 -n 20; }
every_collective() { expect 0 'all results right' all --ranks 3 -b 8 -e 300K -f 200 -n 5 -r 1; }
one_rank() {
  expect 0 'all results right' all --ranks 1 -e 64K -f 32 -n 5
  expect 2 'sendrecv needs two ranks' sendrecv --ranks 1
}
by_plans() {
  expect 0 'all results right' all --ranks 3 -e 300K -f 64 -n 5 -r 1 --plan
  expect 0 'all results right' alltoallv --ranks 3 -b 8 -e 300K -f 40 -n 5 --skew 100 --plan
  expect 0 '"planned":true,' allreduce --ranks 2 -e 8 -n 5 --plan --json
}
uneven() {
  expect 0 'all results right' alltoallv --ranks 3 -b 8 -e 300K -f 40 -n 5 --skew 100
  expect 0 '^# allgatherv \(skew 0 %\)$' allgatherv --ranks 3 --threads -e 64K -f 32 -n 5 --skew 0
  expect 0 '"collective":"gatherv".*"skew_percent":50,' gatherv --ranks 2 -e 8 --json
  expect 0 '"collective":"gather",.*"skew_percent":null,' gather --ranks 2 -e 8 --json
  expect 0 '^-> mesh ' alltoallv --ranks 2 -b 1M -e 1M --explain
  expect 2 '--skew' scatterv --ranks 2 --skew 101
}
every_type() { expect 0 'all results right' allreduce --ranks 2 -b 1K -e 1K -n 2 -w 1 -d all -o all; }

# Tiers inside a node, which this machine may not have.
packages() {
  tiers=$(mktemp)  # not local: the trap runs after this function
  trap 'rm -f "$tiers"' EXIT
  echo '1 nodes x 2 packages x 2' > "$tiers"
  MOTET_TOPOLOGY=$tiers expect 0 'all results right' allreduce --ranks 4 -e 300K -f 8 -n 5 --algorithm hierarchical
}

# Ranks plan by what rank 0 is told of their links.
fabric() {
  folder=$(mktemp -d)  # not local: the trap runs after this function
  trap 'rm -rf "$folder"' EXIT
  cat > "$folder/line" <<'TEXT'
fabric line
ranks 3 nodes x 4
class slow 1 GB/s 1 us
class fast 5 GB/s 1 us
edge node 0-1 fast
edge node 1-2 fast
edge node 2-3 slow
switch node slow
switch world slow of node
TEXT
  export MOTET_FABRIC=$folder/line
  # The first node of it. 3/4 of 1 MiB have to get to rank 3, over two slow links.
  expect 0 'bound +393.22 us: no algorithm takes less$' allgather --ranks 4 -b 1M -e 1M --explain
  expect 0 '^-> forest .* us \(9[0-9] % of bound\) = latency .* \+ links ' allgather --ranks 4 -b 1M -e 1M --explain
  expect 0 'all results right' all --ranks 4 -e 300K -f 64 -n 5
  expect 0 ' forest$' allreduce --ranks 4 -e 300K -f 64 -n 5 --algorithm forest
  expect 2 'rank 1: .*fabric file .*line of rank 0: it joins 4 ranks on 1 node, the job has 3 on 1 node' barrier --ranks 3
  # Two pods: the first one's nodes. A single rank needs no links.
  sed -i 's/^ranks.*/ranks 2 pods x 3 nodes x 4/' "$folder/line"
  expect 0 'fabric line$' allgather --ranks 4 -b 1M -e 1M --explain
  expect 0 'all results right' allreduce --ranks 1 -e 8
  sed -i 's/^ranks.*/ranks 1 nodes x 2/; /^edge node [12]/d' "$folder/line"
  expect 2 'it joins 2 ranks on 1 node, the job has 4' barrier --ranks 4
  printf 'fabric hub\nranks 1 nodes x 3\nclass a 1 GB/s 1 us\nedge node 0-1 a\nedge node 0-2 a\n' > "$folder/line"
  expect 2 'rank 1: .*no way .* joins rank 1 and rank 2' barrier --ranks 3
  echo 'nodes 3' > "$folder/line"
  expect 2 'rank 1: .*line 1, column 1: expected' barrier --ranks 2
}

# The replays that come with it, and one that has a call of every kind under way at the same time.
replay() {
  local shipped=$(dirname "${BASH_SOURCE[0]}")/../../bench/replay line='^ *102228128 +5 .* 0 +[0-9]+'
  folder=$(mktemp -d)  # not local: the trap runs after this function
  trap 'rm -rf "$folder"' EXIT
  expect 0 "$line" --replay "$shipped/resnet50-ddp.txt" --ranks 3 -n 1 -w 1
  expect 0 'all results right' --replay "$shipped/fsdp-layer.txt" --ranks 3 -n 1 -w 1
  cat > "$folder/step" <<'TEXT'
allreduce float32 sum 100000
allreduce bfloat16 avg 100000
reduce_scatter int64 max 50001
sendrecv float64 70000
wait
allgatherv half 70000
broadcast uint8 3000
barrier
reduce int32 xor 1000
alltoallv float 100000
allreduce float32 sum 0
wait
gather int16 100
allgather float32 1
TEXT
  expect 0 'all results right' --replay "$folder/step" --ranks 3 -n 3 -r 1
  expect 0 'all results right' --replay "$folder/step" --ranks 4 --threads -n 3 --plan --fresh --memory shared
  expect 0 '^\{"collective":"step","ranks":2,.*"planned":false,"replay":".*/step",.*"wrong":0,' \
    --replay "$folder/step" --ranks 2 -n 3 --json --out-of-place
  expect 2 'sendrecv needs two ranks' --replay "$folder/step" --ranks 1
  echo 'allreduce float32 total 8' >> "$folder/step"
  expect 2 "^motet-perf: $folder/step:15: unknown op 'total'; choose from sum, prod," --replay "$folder/step" --ranks 2
  expect 2 'say what to measure: a collective, all or --replay FILE' --ranks 2
  expect 2 '^motet-perf: -d cannot be given with --replay: its file says it$' --replay "$folder/step" -d half
  expect 2 '/none: No such file' --replay "$folder/none" --ranks 2
}

wrong_usage() {
  expect 2 "unknown collective 'all_reduce'; choose from allreduce" all_reduce --ranks 2
  expect 2 "root 2 with 2 ranks" broadcast --ranks 2 -r 2
  expect 2 'nonsense' allreduce --ranks 2 --algorithm nonsense
  expect 2 '^--ranks: 0 is less than 1$' allreduce --ranks 0
  expect 2 '^--root: -1 is less than 0$' broadcast --ranks 2 -r -1
  WORLD_SIZE=2 expect 2 'WORLD_SIZE but no RANK' allreduce
  RANK=0 WORLD_SIZE=abc expect 2 'WORLD_SIZE=abc is no number of ranks' allreduce
}

help() { expect 0 '^  MOTET_TIMEOUT_MS  *integer \(ms\)' --help; }

prediction() {
  expect 0 ' predicted  algorithm$' allreduce --ranks 2 -e 8
  expect 0 '"predicted_us":[0-9.]+,"bound_us":[0-9.e-]+,"share_of_bound":[0-9]' allgather --ranks 2 -b 64K -e 64K --json
  expect 0 '"predicted_us":null,"bound_us":null' sendrecv --ranks 2 -b 8 -e 8 --json
}

json() { expect 0 '^\{"collective":"reduce","ranks":2,.*"wrong":0,' reduce --ranks 2 -e 8 --json; }

# A rank is killed in the middle of a long run: the launcher names it and ends.
killed_rank() {
  local launcher victim deadline=$(( SECONDS + 60 )) status=0
  log=$(mktemp)  # not local: the trap runs after this function
  trap 'rm -f "$log"' EXIT
  "$perf" allreduce --ranks 3 -b 1M -e 1M -n 1000000 > "$log" 2>&1 &
  launcher=$!
  # Rank 0 prints its heading when all have met.
  until grep -q '^# time' "$log"; do
    (( SECONDS < deadline )) || fail "no rank started: $(cat "$log")"
    sleep 0.05
  done
  victim=$(ps -o pid=,args= --ppid "$launcher" | awk '/--join-rank=1 / {print $1}')
  kill -9 "$victim"
  wait "$launcher" || status=$?
  cat "$log"
  (( status != 0 )) || fail "exit status 0 although a rank was killed"
  grep -q 'rank 1 (pid [0-9]*) was killed by signal 9' "$log" || fail "the killed rank is not named"
}

"$2"
