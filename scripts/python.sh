#!/usr/bin/env bash
# Installs ./python into a virtual environment under build/ and runs its tests. Takes the library of build/ci or
# build/release where one of them is built; else pip builds it.
#   --python PROGRAM     this interpreter (3.10 or newer) instead of the first python3 that will do
#   --torch              with PyTorch: the newest of PyPI, kept under build/ (6 GB) and taken from there from then on;
#                        runs python/tests/distributed too
#   --torch-from FOLDER  likewise, with the PyTorch of the site-packages there
#   --all                also the tests marked slow: minutes each, most of them of parallel training
#   --prepare            only makes the environment of the tests and tools; prints where its programs are
#   -- ARGUMENTS         for pytest
# Exit status 77 where Python, or what the build needs from PyPI, is not to be had; one line says why.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
cd "$root"

requirements=("scikit-build-core>=0.11" "nanobind>=2.9" numpy ml_dtypes pytest mypy ruff)
python='' torch=no torch_folder='' only_prepare=no everything=no
place=$root/build/python

leave_out() {
  say "  The Python tests are left out: $*" >&2
  exit 77
}

while [ $# -gt 0 ]; do
  case $1 in
    --python) python=${2:?--python needs a program}; shift 2 ;;
    --torch) torch=yes; shift ;;
    --torch-from) torch=yes; torch_folder=$(realpath "${2:?--torch-from needs a folder}"); shift 2 ;;
    --all) everything=yes; shift ;;
    --prepare) only_prepare=yes; shift ;;
    --) shift; break ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "python.sh: unknown argument '$1' (try --help)" ;;
  esac
done

will_do() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' > /dev/null 2>&1; }
can_make_environments() {
  "$1" -c 'import ensurepip, os, sysconfig, venv
assert os.path.exists(sysconfig.get_path("include") + "/Python.h")' > /dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in ${python:-python3 /usr/bin/python3}; do
    if will_do "$candidate" && can_make_environments "$candidate"; then python=$candidate; return; fi
  done
  [ -z "$python" ] || leave_out "$python is not Python 3.10 or newer with venv and headers"
  ("$root/scripts/install-packages.sh" python >&2) || leave_out "there is no Python 3.10 with venv and headers"
  python=/usr/bin/python3
  will_do $python && can_make_environments $python || leave_out "Debian's Python here is older than 3.10"
}

# What was installed before is not asked for again: then no network is needed.
prepare() {  # environment requirement...
  local environment=$1 wanted
  shift
  wanted=$(printf '%s\n' "$("$python" -c 'import sys; print(sys.version, sys.prefix)')" "$torch_folder" "$@")
  [ "$wanted" != "$(cat "$environment/prepared" 2> /dev/null)" ] || return 0
  rm -rf "$environment"
  mkdir -p "$logs"
  "$python" -m venv "$environment"
  if [ -n "$torch_folder" ]; then
    echo "$torch_folder" > "$environment/$("$environment/bin/python" -c 'import sysconfig
print(sysconfig.get_path("purelib", vars={"base": "."}))')/torch_folder.pth"
  fi
  say "  installing $* from PyPI" >&2
  "$environment/bin/pip" install --quiet --disable-pip-version-check "$@" > "$logs/pip.log" 2>&1 ||
    leave_out "pip cannot install what they need: $(grep -i error "$logs/pip.log" | tail -n 1)"
  echo "$wanted" > "$environment/prepared"
}

# The library that was built last of those that are, installed where pip can take it from.
installed_library() {
  local preset
  for preset in ci release; do
    [ -e "build/$preset/src/communicator/libmotet.so" ] && [ -e "build/$preset/tools/motet-perf" ] || continue
    cmake --install "build/$preset" --prefix "$place/motet" > "$logs/install-motet.log" 2>&1 || continue
    echo "$place/motet"
    return
  done
}

find_python
environment=$place/environment
[ ! -e "$environment-with-torch/prepared" ] || torch=yes
if [ $torch = yes ]; then
  environment+=-with-torch
  requirements+=(expecttest)  # of PyTorch's own suite
  if [ -n "$torch_folder" ]; then environment+=-from-elsewhere; else requirements+=(torch); fi
fi
prepare "$environment" "${requirements[@]}"
if [ $only_prepare = yes ]; then
  say "$environment/bin"
  exit 0
fi

prefix=$(installed_library)
step "install python" "pip could not build the Python package" \
  "$environment/bin/pip" install --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall -v \
  -C "build-dir=$environment/build" -C "cmake.define.MOTET_PREFIX=$prefix" ./python
tests=(python/tests)
[ $everything = yes ] || tests+=(-m "not slow")
if [ $torch = no ]; then
  say "  The tests with PyTorch are left out: it is not installed here (scripts/python.sh --torch)"
  tests+=(--ignore python/tests/distributed)
fi
step "test python" "tests of the Python package failed; run one again with: scripts/python.sh -- -k NAME" \
  "$environment/bin/python" -m pytest -p no:cacheprovider -q "${tests[@]}" "$@"
say "    $(tail -n 1 "$logs/test-python.log")"
