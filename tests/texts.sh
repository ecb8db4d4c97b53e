#!/usr/bin/env bash
# runtime/text.awk makes of a text a string literal that is the text again.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}

printf '%s\n' 'plain' '' 'a "quote", a \ and \n' $'tab\there' '??/ ??= ?' '%d é # x' >"$work/text"
"${AWK:-awk}" -f "$top/runtime/text.awk" "$work/text" >"$work/text.inc"
cat >"$work/t.c" <<'EOF'
#include <stdio.h>
static const char text[] =
#include "text.inc"
  ;
int main(void) { return fputs(text, stdout) < 0; }
EOF
${CC:-cc} -std=c11 -Wall -Werror -o "$work/t" "$work/t.c"
"$work/t" | diff "$work/text" - && echo "texts: 1 passed, 0 failed"
