#!/bin/bash
# One use of the installed package; CMakeLists.txt gives BUILD, SOURCE, PLACE, LIBDIR, CMAKE, CC, CXX and the flags.
# Status 77: cannot be tried here, and why.
set -euo pipefail

prefix=$PLACE/prefix
library=$prefix/$LIBDIR/libmotet.so
export PKG_CONFIG_PATH=$prefix/$LIBDIR/pkgconfig

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
skip() {
  echo "SKIPPED: $*"
  exit 77
}

# expect PATTERN TIMES COMMAND...: it succeeds and prints so many lines that match.
expect() {
  local pattern=$1 times=$2 output
  shift 2
  output=$("$@" 2>&1) || { echo "$output"; fail "$* exited with an error"; }
  echo "$output"
  (( $(grep -cE -- "$pattern" <<< "$output") == times )) || fail "expected $times x '$pattern' of $*"
}

setup() {
  rm -rf "$PLACE"
  "$CMAKE" --install "$BUILD" --prefix "$prefix" > /dev/null
  "$CMAKE" -S "$SOURCE/examples" -B "$PLACE/examples" -DCMAKE_PREFIX_PATH="$prefix"
  "$CMAKE" --build "$PLACE/examples"
}

exports() {
  local others
  others=$(nm -D --defined-only "$library" | awk '$3 !~ /^motet_/')
  [[ -z $others ]] || fail "exported besides motet_*: $others"
  expect 'SONAME.*\[libmotet\.so\.0\]' 1 readelf -d "$library"
  [[ -e $prefix/include/motet/motet.h ]] || fail "no motet.h"
}

pkg_config() {
  local flags
  command -v pkg-config > /dev/null || skip "no pkg-config"
  flags=$(pkg-config --cflags --libs motet)
  # shellcheck disable=SC2086  # flags are words
  $CC ${CFLAGS:-} -std=c11 "$SOURCE/examples/c_allreduce.c" $flags -o "$PLACE/by_pkg_config"
  LD_LIBRARY_PATH=$prefix/$LIBDIR expect 'rank 0 of 1: every element is 1, 0 wrong' 1 \
    "$SOURCE/examples/run.sh" 1 "$PLACE/by_pkg_config"
}

c_allreduce() {
  expect 'rank [012] of 3: every element is 6, 0 wrong' 3 \
    "$SOURCE/examples/run.sh" 3 "$PLACE/examples/c_allreduce"
}

cpp_sgd() {
  expect 'loss .*e-(0[6-9]|[1-9][0-9]), weights 3\.000 -2\.000 0\.500, equal on all 3 ranks' 1 \
    "$SOURCE/examples/run.sh" 3 "$PLACE/examples/cpp_sgd"
}

perf() {
  [[ -x $prefix/bin/motet-perf ]] || skip "built without motet-perf"
  expect 'all results right' 1 "$prefix/bin/motet-perf" allreduce --ranks 2 -e 4K -f 8 -n 20
}

fabrics() {
  [[ -x $prefix/bin/motet-perf ]] || skip "built without tools"
  diff -r "$SOURCE/share/fabrics" "$prefix/share/motet/fabrics" || fail "fabrics are not installed as they are"
}

# by_mpi NAME [OPTIONS OF MPIRUN]: the adapter compiled by that MPI, and motet-perf under its mpirun.
by_mpi() {
  local name=$1 flags
  shift
  for program in "mpicc.$name" "mpirun.$name" pkg-config; do
    command -v "$program" > /dev/null || skip "no $program"
  done
  flags=$(pkg-config --cflags --libs motet)
  export LD_LIBRARY_PATH=$prefix/$LIBDIR
  # shellcheck disable=SC2086
  "mpicc.$name" ${CFLAGS:-} "$SOURCE/examples/mpi_bootstrap.c" $flags -o "$PLACE/by_$name"
  expect 'product over 3 ranks: motet 6, mpi 6' 1 "mpirun.$name" "$@" -n 3 "$PLACE/by_$name"
  [[ -x $prefix/bin/motet-perf ]] || return 0
  # A script between the launcher and the rank, as for binding.
  printf '#!/bin/sh\n"$@"\n' > "$PLACE/wrapped_by_$name"
  chmod +x "$PLACE/wrapped_by_$name"
  expect 'all results right' 1 "mpirun.$name" "$@" -n 3 "$PLACE/wrapped_by_$name" \
    "$prefix/bin/motet-perf" allreduce -e 4K -f 8 -n 20
  expect 'all results right' 1 "mpirun.$name" "$@" -n 3 "$prefix/bin/motet-perf" broadcast -e 4K -f 8 -n 20
}

mpi_openmpi() {
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  by_mpi openmpi --oversubscribe
}

mpi_mpich() {
  by_mpi mpich
}

"$1"
