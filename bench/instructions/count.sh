#!/usr/bin/env bash
# Instructions of one cached small allreduce in its caller's path: count.sh BUILD [BYTES]. Needs valgrind, which has no
# AVX-512: where the CPU has it, this counts the AVX2 kernel. The difference between two runs, so set-up does not count;
# what the measuring function itself spends to pass the arguments on is in it (some 10).
set -euo pipefail
program=${1:?which build folder?}/bench/instructions/motet-instructions
bytes=${2:-8}
few=1000 many=3000

count() {  # calls
  valgrind --tool=callgrind --toggle-collect=measured --callgrind-out-file=/dev/null "$program" "$1" "$bytes" 2>&1 |
    awk '/Collected/ {print $4}'
}
echo "$(((($(count $many) - $(count $few)) * 10 / (many - few) + 5) / 10)) instructions for $bytes bytes"
