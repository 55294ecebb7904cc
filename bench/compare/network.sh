#!/usr/bin/env bash
# Compares Motet with its peers between emulated hosts: compare.sh's arguments, and --hosts N (default 4), --rate SPEED
# (default 200mbit: as much as few cores can drive), --rails R. --hosts 1: over loopback TCP.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/compare.sh" --hosts 4 --rate 200mbit --ranks 8 --collectives allreduce,allgather,broadcast --mode hot \
  --sizes 8,1K,16K,128K,1M,4M,16M,64M --foreign-percent 100 --pin off --cell-seconds 60 "$@"
