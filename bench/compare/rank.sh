#!/usr/bin/env bash
# Starts one rank, under any launcher, on a CPU of its own: of local rank i the i-th word of COMPARE_CPUS; anywhere if
# that is empty. Two ranks that the scheduler puts on one core wait a time slice for each message: chance would decide.
set -eu
export RANK=${RANK:-${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}}
export WORLD_SIZE=${WORLD_SIZE:-${OMPI_COMM_WORLD_SIZE:-${PMI_SIZE:-1}}}
read -r -a cpus <<<"${COMPARE_CPUS:-}"
[ ${#cpus[@]} -gt "$RANK" ] || exec "$@"
exec taskset -c "${cpus[$RANK]}" "$@"
