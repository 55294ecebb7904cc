#!/usr/bin/env bash
# Compares Motet with its peers on this machine: installs them (once), then measures. Arguments are those of compare.py
# (--help), and --folder DIR for the peers (default: build/peers).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$root/build/peers
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --folder) folder=${2:?--folder needs a path}; shift 2 ;;
    *) arguments+=("$1"); shift ;;
  esac
done
case " ${arguments[*]:-} " in
  *" --help "* | *" -h "*) ;;
  *) "$here/peers.sh" "$folder" ;;
esac
exec python3 -B "$here/compare.py" --peers "$folder" "${arguments[@]}"
