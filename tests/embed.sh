#!/usr/bin/env bash
# The example of a host builds with gradc.h and libgradc alone, and runs.
set -euo pipefail
library=$top_builddir/.libs/libgradc.so
[[ -e $library ]] || { echo "no shared library was built"; exit 77; }
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
# shellcheck disable=SC2086
${CC:-cc} -std=c99 ${INSTRUMENT-} -Wall -Wextra -Wpedantic -Werror -I"$top_srcdir/src" \
  "$top_srcdir/examples/embed/plugin.c" "$library" -Wl,-rpath,"$(dirname "$library")" -lm \
  -o "$folder/plugin"

# expect FORMULA OUTPUT
expect() {
  local have
  have=$("$folder/plugin" "$1" 2>&1) || true
  [[ $have == *"$2"* ]] || { echo "$1: expected '$2', got '$have'"; exit 1; }
}
expect '(x - 1)^2 + exp(y) - 2*y' 'x = 1, y = 0.693147181, f = 0.613705639'
expect 'x^2 + y^2 + 3' 'x = 0, y = 0, f = 3'
expect 'x^2 + sinn(y)' 'did you mean `sin`?'
expect 'x^2 + sum(1.0 for i < 10000000000)*y^2' 'the loops have used up'
