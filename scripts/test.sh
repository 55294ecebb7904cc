#!/usr/bin/env bash
# Installs, builds and tests. Without arguments: every test of `release`, then the fixed sample under `dev`'s sanitizers.
#   --only PRESET   this preset instead (may be given several times): release, ci, dev, tsan, minimal, fuzz
#   --torch         the Python package with PyTorch, which is downloaded (3 GB)
#   --all           also the slow and full tests, under every sanitizer, and all those with PyTorch
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
cd "$root"

# Half of the time of all tests is spent waiting for deadlines; those that keep cores busy ask for more PROCESSORS.
at_once=$((2 * cores))

presets=()
everything=no
python_options=()
while [ $# -gt 0 ]; do
  case $1 in
    --only) presets+=("${2:?--only needs the name of a preset}"); shift 2 ;;
    --torch) python_options+=(--torch); shift ;;
    --all) everything=yes python_options+=(--torch --all); shift ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "test.sh: unknown argument '$1' (try --help)" ;;
  esac
done
if [ ${#presets[@]} -eq 0 ]; then
  presets=(release dev)
  [ $everything = no ] || presets+=(tsan)
fi

# Sanitizers make everything several times slower: they get the fixed sample. The style of the text is no concern of
# theirs, and the code that crosses hosts they see on one host already.
tests_left_out() {
  case $1 in
    release | ci) [ $everything = yes ] || echo '^slow$' ;;
    *) [ $everything = yes ] && echo '^(style|rdma)$' || echo '^(slow|full|style|multihost|rdma)$' ;;
  esac
}

# GCC 12's thread sanitizer cannot live with the address randomisation of recent kernels.
without_randomisation() {
  if [ "$1" = tsan ] && setarch -R true 2>/dev/null; then echo "setarch -R"; fi
}

passed() { grep -oE '[0-9]+% tests passed.*|^Total Test time.*' "$logs/test-$1.log" | tr '\n' ' ' | tr -s ' '; }

run_preset() {
  local preset=$1 left_out wrapper targets=()
  local options=(-DBUILD_TESTING=ON)
  case $preset in
    release | ci) options+=(-DMOTET_BUILD_BENCH=ON) ;;
    minimal) options=() ;;
    fuzz) "$root/scripts/install-packages.sh" fuzz; targets=(--target fuzz_programs) ;;
  esac
  wrapper=$(without_randomisation "$preset")
  step "configure $preset" "CMake could not configure '$preset'" cmake --preset "$preset" "${options[@]}"
  # shellcheck disable=SC2086  # words on purpose
  step "build $preset" "the '$preset' build failed" $wrapper cmake --build --preset "$preset" "${targets[@]}"
  [ "$preset" != minimal ] || return 0
  if [ "$preset" = fuzz ]; then
    step "test fuzz" "a parser failed; its log names the input" \
      ctest --test-dir build/fuzz --output-on-failure --no-tests=error -j "$cores" -L '^fuzz$'
    return 0
  fi
  left_out=$(tests_left_out "$preset")
  # shellcheck disable=SC2086
  step "test $preset" "tests of '$preset' failed; run one again with: ctest --test-dir build/$preset -R NAME -V" \
    $wrapper ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$at_once" ${left_out:+-LE "$left_out"}
  say "    $(passed "$preset")"
}

# Where the machine cannot have them, a line says why.
run_python() {
  local status=0
  "$root/scripts/python.sh" "${python_options[@]}" || status=$?
  [ $status -eq 0 ] || [ $status -eq 77 ] || fail "the Python package failed (see above)"
}

"$root/scripts/install-packages.sh" build test
# A guest to prepare and verbs by software emulation take minutes: where this is not asked for, those tests say why they
# are left out.
[ $everything = no ] || "$root/scripts/install-packages.sh" rdma
for preset in "${presets[@]}"; do run_preset "$preset"; done
# The Python package takes the library of one of these two.
if [[ " ${presets[*]} " =~ \ (ci|release)\  ]]; then run_python; fi
say "All tests passed: ${presets[*]}."
