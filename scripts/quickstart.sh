#!/usr/bin/env bash
# From a fresh clone to measured collectives: installs what the build needs, builds `release`, runs motet-perf on as
# many ranks as there are cores.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
cd "$root"

began=$SECONDS
"$root/scripts/install-packages.sh" build
lean=()
[ -e build/release/CMakeCache.txt ] || lean=(-DBUILD_TESTING=OFF -DMOTET_BUILD_BENCH=OFF)
step "configure release" "CMake could not configure the release build" cmake --preset release "${lean[@]}"
step "build motet-perf" "the release build failed" cmake --build --preset release --target motet-perf
say "  ready after $((SECONDS - began)) s"
say
set -- allreduce --ranks "$cores" -b 8 -e 64M -f 2
say "\$ build/release/tools/motet-perf $*"
build/release/tools/motet-perf "$@" || fail "motet-perf ended with status $? (see above)"
