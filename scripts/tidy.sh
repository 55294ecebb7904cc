#!/usr/bin/env bash
# Runs clang-tidy over our files in parallel: tidy.sh [PATH-PREFIX...], default everything. A file whose preprocessed
# text was clean before is not looked at again.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
cd "$root"

"$root/scripts/install-packages.sh" build test check
step "configure tidy" "CMake could not configure 'tidy'" cmake --preset tidy
# PyPI's clang-tidy leaves the system's headers alone, which takes a third of the time; Debian's will do.
if programs=$("$root/scripts/python.sh" --prepare); then PATH=$programs:$PATH; fi
python3 -B "$root/scripts/tidy.py" "$root" "$@" || fail "clang-tidy complained (see above)"
