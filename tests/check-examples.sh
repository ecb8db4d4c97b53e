#!/usr/bin/env bash
# check-examples.sh - gradc check over every example and over every test program that
# succeeds: each derivative in them against differences of its surrogate.  Prints how many
# were checked and the largest difference.
#
# A program in which something is wrong on purpose, or that cannot be checked, is in the
# table with its reason.
source "$(dirname "$0")/lib.bash"
find_gradc
top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}

# title -> why its check does not exit with 0
declare -A expected=(
)

# Cuts the programs that succeed out of a test file: $1/N/test.gc with its further files,
# $1/N/title.
cut='
function open_to(name) { if (out != "") close(out); out = name; printf "" > out }
function end_block() {
  if (out != "") close(out)
  out = ""
  if (n && status != 0) system("rm -rf " work "/" n)
}
BEGIN { blank = 1 }
/^## / && blank {
  end_block()
  at = work "/" ++n; status = 0; head = 1; blank = 0
  system("mkdir -p " at)
  print FILENAME ": " substr($0, 4) > (at "/title"); close(at "/title")
  open_to(at "/test.gc"); next
}
{ blank = $0 == "" }
head && /^\$ / { if (/gradc repl/) status = -1; next }   # lines of a session, not a file
{ head = 0 }
/^--- file / {
  dir = $3
  if (sub(/\/[^\/]*$/, "", dir)) system("mkdir -p " at "/" dir)
  open_to(at "/" $3); next
}
/^--- exit / { status = $3 }
/^---( |$)/ { if (out != "") close(out); out = ""; next }
out != "" { print > out }
END { end_block() }
'

derivatives=0 largest=0 functions=0 asserts=0 skipped=0

# The value of a field of a line of JSON.
field() { sed -E 's/.*"'"$1"'": ([-+.0-9e]+|"[a-z]+").*/\1/' <<<"$2"; }

# check_one FILE TITLE
check_one() {
  local status=0 total
  (cd "$(dirname "$1")" && timeout "$limit" gradc check --json "$(basename "$1")") \
    >"$work/out" 2>"$work/err" || status=$?
  total=$(tail -n 1 "$work/out")
  if has_finding "$work/err"; then status=99; fi
  if [[ $status != "${expected[$2]:-0}" || $total != '{"functions"'* && $status == 0 ]]; then
    failed=$((failed + 1))
    echo "FAIL $2: gradc check exits with $status"
    grep -E '"failed": [1-9]|FAILS' "$work/out" | indent || true
    (cd "$(dirname "$1")" && timeout "$limit" gradc check "$(basename "$1")" 2>&1) |
      head -n 40 | indent || true
    return
  fi
  passed=$((passed + 1))
  [[ $total == '{"functions"'* ]] || return 0
  derivatives=$((derivatives + $(field derivatives "$total")))
  functions=$((functions + $(field functions "$total")))
  skipped=$((skipped + $(field skipped "$total")))
  asserts=$((asserts + $(field asserts "$total")))
  largest=$("${AWK:-awk}" -v a="$largest" -v b="$(field largest "$total")" \
    'BEGIN { print (a + 0 > b + 0 ? a : b) }')
}

for file in "$top"/examples/*.gc; do
  check_one "$file" "examples/$(basename "$file")"
done
for file in "$top"/tests/programs/*.test; do
  blocks=$(mktemp -d "$work/blocks.XXXXXX")
  (cd "$(dirname "$file")" && "${AWK:-awk}" -v work="$blocks" "$cut" "$(basename "$file")")
  for block in "$blocks"/*/; do
    [[ -e $block/test.gc ]] || continue
    check_one "$block/test.gc" "$(<"$block/title")"
  done
done

echo "$derivatives derivatives of $functions functions checked, largest difference $largest;" \
  "$asserts asserts; $skipped functions not checked"
finish check-examples
