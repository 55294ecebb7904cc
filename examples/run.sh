#!/bin/bash
# Starts N ranks of a program on this machine, as torchrun would: ./run.sh 4 build/c_allreduce
# Ends them all when one fails; exits with the first failure's status.
set -euo pipefail

if (( $# < 2 )); then
  echo "usage: $0 N PROGRAM [ARGUMENTS]" >&2
  exit 2
fi
ranks=$1
shift

# Below the ports that the kernel hands out by itself.
free_port() {
  local port
  for _ in {1..100}; do
    port=$(( 20000 + RANDOM % 10000 ))
    (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null || { echo "$port"; return; }
  done
  echo "$0: no free port between 20000 and 30000" >&2
  return 1
}

export WORLD_SIZE=$ranks MASTER_ADDR=127.0.0.1 MASTER_PORT
MASTER_PORT=$(free_port)
export MOTET_SECRET
MOTET_SECRET=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')

pids=()
trap '(( ${#pids[@]} == 0 )) || kill "${pids[@]}" 2> /dev/null || true' EXIT
for (( rank = 0; rank < ranks; ++rank )); do
  RANK=$rank LOCAL_RANK=$rank "$@" &
  pids+=($!)
done
for _ in "${pids[@]}"; do
  wait -n || exit $?
done
pids=()
