#!/usr/bin/env bash
# Formats our C, C++ and Python files in place; --check only complains. Debian's clang-format 14 decides, and PyPI's ruff,
# which complains about more than it can format (ruff.toml).
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

# Where there is no Python, and so no ruff, nobody has changed it.
python_folders=(python examples bench/torch)
if programs=$("$root/scripts/python.sh" --prepare 2> /dev/null); then
  ruff=$programs/ruff
  if [ "${1:-}" = --check ]; then
    "$ruff" format --quiet --check "${python_folders[@]}" || fail "Python files are not formatted: run scripts/format.sh"
  else
    "$ruff" format --quiet "${python_folders[@]}"
  fi
  "$ruff" check --quiet "${python_folders[@]}" || fail "ruff complained (see above)"
else
  say "  format: Python files were not looked at, since there is no ruff"
fi
