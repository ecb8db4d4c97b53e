#!/usr/bin/env bash
# jit.sh - code by the system's compiler: the same output as libtcc's, to the bit; its cache is
# used, is shared by runs at a time, and survives damage.
set -uo pipefail
: "${GRADC:?}" "${top_srcdir:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache
passed=0 failed=0

check() {
  if eval "$2"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL jit.sh: $1"; fi
}
run() { "$GRADC" run --json "$@" 2>&1; }

for name in examples/{adam,gmm,runge_kutta,tricks} tests/compiled/rows; do
  file=$top_srcdir/$name.gc
  run "$file" >"$work/tcc"
  run --jit=cc "$file" >"$work/cc"
  check "$name: cc and tcc agree" 'cmp -s "$work/tcc" "$work/cc"'
done

objects() { ls "$XDG_CACHE_HOME/gradc" | grep -c '\.so$'; }
before=$(objects)
run --jit=cc "$top_srcdir/examples/tricks.gc" >"$work/again"
check "a second run makes no new object" '[[ $(objects) == "$before" ]]'
check "and prints the same" 'cmp -s <(run "$top_srcdir/examples/tricks.gc") "$work/again"'

for object in "$XDG_CACHE_HOME"/gradc/*.so; do printf 'damaged' >"$object"; done
run --jit=cc "$top_srcdir/examples/tricks.gc" >"$work/mended"
check "a damaged object is made again" 'cmp -s "$work/again" "$work/mended"'

rm -rf "$XDG_CACHE_HOME"
for i in 1 2 3 4; do run --jit=cc "$top_srcdir/examples/tricks.gc" >"$work/par$i" & done
wait
for i in 1 2 3 4; do check "writer $i of four at a time" 'cmp -s "$work/again" "$work/par$i"'; done
check "no temporary file is left" '[[ -z $(ls "$XDG_CACHE_HOME/gradc" | grep -v -E "^[0-9a-f]{32}\.(so|sum)$") ]]'

check "a missing compiler is an error that says so" \
  '[[ $(CC=/nowhere/cc run --jit=cc -e "print 1.25") == *"cannot run the C compiler"* ]]'
echo "tests/jit.sh: $passed passed, $failed failed"
((failed == 0))
