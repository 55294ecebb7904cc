#!/usr/bin/env bash
# Formats our C and C++ files in place; --check only complains. Debian's clang-format 14 decides.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
cd "$root"

"$root/scripts/install-packages.sh" check
formatter=$(command -v clang-format-14 || command -v clang-format) || fail "clang-format is not installed"
list() { git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.hpp' '*.c' '*.h'; }
existing() { list | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done; }

if [ "${1:-}" = --check ]; then
  existing | xargs -0 -r "$formatter" --dry-run -Werror -ferror-limit=3 ||
    fail "these files are not formatted: run scripts/format.sh"
  say "  format: $(existing | tr -cd '\0' | wc -c) files as they should be"
else
  existing | xargs -0 -r "$formatter" -i
fi
