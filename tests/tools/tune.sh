#!/bin/bash
# One way of running motet-tune, checked by its exit status and what it writes: tune.sh MOTET_TUNE MOTET_PERF WHAT
set -euo pipefail
unset RANK WORLD_SIZE OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE PMI_RANK PMI_SIZE SLURM_PROCID SLURM_NTASKS MOTET_TUNING
tune=$1 perf=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_CONFIG_HOME=$folder/config

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect STATUS PATTERN COMMAND...: it ends with that status and prints a line that matches.
expect() {
  local wanted=$1 pattern=$2 output status=0
  shift 2
  output=$("$@" 2>&1) || status=$?
  echo "$output"
  (( status == wanted )) || fail "$* exited with $status, not $wanted"
  grep -aqE -- "$pattern" <<< "$output" || fail "no line of $* matches '$pattern'"
}

quick=(--ranks 2 --transport shm -b 1K -e 64K --rounds 3 --sample-ms 0.2)

saves() {
  expect 0 'wrote .*\.tuning' "$tune" "${quick[@]}" --save
  # The library finds it, and explain quotes it.
  expect 0 'measured [0-9.]+' "$perf" allreduce --ranks 2 -b 8K -e 8K --explain
  local without
  without=$(MOTET_TUNING=typical "$perf" allreduce --ranks 2 -b 8K -e 8K --explain)
  grep -q measured <<< "$without" && fail 'the typical model has measured times'
  return 0
}
saves_tcp() {
  expect 0 'wrote .*\.tuning' "$tune" --ranks 2 --transport tcp -b 1K -e 8K --rounds 3 --sample-ms 0.2 --save
  expect 0 'measured [0-9.]+' "$perf" allreduce --ranks 2 --transport tcp -b 8K -e 8K --explain
}
keeps_rows() {
  expect 0 'measured calls' "$tune" "${quick[@]}" --keep-rows "$folder/rows" -o "$folder/a"
  expect 0 'measured calls' "$tune" --rows "$folder/rows" --model-only -o "$folder/b"
  grep -q '^measured ' "$folder/a" || fail 'no measured times'
  grep -q '^measured ' "$folder/b" && fail 'measured times in spite of --model-only'
  diff <(grep '^message' "$folder/a") <(grep '^message' "$folder/b") || fail 'the fits differ'
}
prefers() {
  echo 'use allreduce 1 x 2 shared_memory 1 KiB to 1 MiB ring' > "$folder/tuning"
  MOTET_TUNING=$folder/tuning expect 0 'preferred by the tuning' "$perf" allreduce --ranks 2 -b 8K -e 8K --explain
  MOTET_TUNING=$folder/tuning expect 0 'ring$' "$perf" allreduce --ranks 2 -b 8K -e 8K -n 5
}
refuses() {
  printf 'switch 2 us\nlatency shm 1 us\n' > "$folder/tuning"
  MOTET_TUNING=$folder/tuning expect 2 'rank 1: .*line 2, column 9: expected .shared_memory' "$perf" allreduce --ranks 2
  printf '# \xb1 5 %%\nswich 2 us\n' > "$folder/tuning"  # not UTF-8
  MOTET_TUNING=$folder/tuning expect 2 'rank 1: .*did you mean .switch' "$perf" allreduce --ranks 2
  MOTET_TUNING=$folder expect 2 'it cannot be read' "$perf" allreduce --ranks 2
  MOTET_TUNING=/nonexistent expect 2 'tuning file /nonexistent of rank 0: No such file' "$perf" allreduce --ranks 2
}
warns() {
  printf 'machine 00000000\n' > "$folder/tuning"
  MOTET_TUNING=$folder/tuning expect 0 'of=machine-00000000' "$perf" barrier --ranks 2 -n 5
}
wrong_usage() {
  expect 2 'one of|not in' "$tune" --transport carrier-pigeon
  expect 2 'at most -e' "$tune" -b 1M -e 1K
  expect 1 'could not be read' "$tune" --rows /nonexistent
  local row='"collective":"allreduce","count":256,"transport":"shm"'
  echo "{$row,\"algorithm\":\"rong\",\"ranks\":2,\"time_us\":1}" > "$folder/rows"
  expect 1 'there is no such algorithm' "$tune" --rows "$folder/rows"
  echo "{$row,\"algorithm\":\"ring\",\"ranks\":0,\"time_us\":1}" > "$folder/rows"
  expect 1 '2 to 512 ranks' "$tune" --rows "$folder/rows"
}
help() { expect 0 'MOTET_TUNING' "$tune" --help; }

"$3"
