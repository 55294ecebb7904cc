#!/usr/bin/env bash
# Instructions of one cached small allreduce in its caller's path: count.sh BUILD [BYTES [plan]]; with plan, of a run of
# its plan. Needs valgrind, which has no AVX-512: where the CPU has it, this counts the AVX2 kernel. The difference between
# two runs, so set-up does not count; what the measuring function itself spends to pass the arguments on is in it (some 10,
# for a plan 2).
set -euo pipefail
program=${1:?which build folder?}/bench/instructions/motet-instructions
bytes=${2:-8}
way=${3:-call}
case $way in call) arguments=("$bytes") ;; plan) arguments=("$bytes" plan) ;; *) echo "call or plan, not $way" >&2 && exit 2 ;; esac
few=1000 many=3000

count() {  # calls
  valgrind --tool=callgrind --toggle-collect="measured_$way" --callgrind-out-file=/dev/null "$program" "$1" "${arguments[@]}" 2>&1 |
    awk '/Collected/ {print $4}'
}
echo "$(((($(count $many) - $(count $few)) * 10 / (many - few) + 5) / 10)) instructions for $bytes bytes by a $way"
