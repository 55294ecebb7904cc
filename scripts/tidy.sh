#!/usr/bin/env bash
# Runs clang-tidy over our files in parallel: tidy.sh [PATH-PREFIX...], default everything. A file whose preprocessed
# text was clean before is not looked at again.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
cd "$root"

"$root/scripts/install-packages.sh" build test check
step "configure tidy" "CMake could not configure 'tidy'" cmake --preset tidy
# PyPI's clang-tidy leaves the system's headers alone and takes a quarter of the time that Debian's takes, which serves
# where it is not to be had.
environment=$root/build/tidy-environment
if [ ! -x "$environment/bin/clang-tidy" ]; then
  "$root/scripts/install-packages.sh" python
  { python3 -m venv --clear "$environment" &&
    "$environment/bin/pip" install --quiet --disable-pip-version-check clang-tidy==23.1.4; } ||
    say "  clang-tidy of PyPI cannot be had: Debian's instead"
fi
PATH=$environment/bin:$PATH
python3 -B "$root/scripts/tidy.py" "$root" "$@" || fail "clang-tidy complained (see above)"
