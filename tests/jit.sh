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

# The compiler, which writes down each time that it is called.
printf '#!/bin/sh\necho >>%s/calls\nexec %s "$@"\n' "$work" "${CC:-cc}" >"$work/noted-cc"
chmod +x "$work/noted-cc"
export CC=$work/noted-cc
calls() { wc -l <"$work/calls"; }

for name in examples/{adam,gmm,runge_kutta,tricks} tests/compiled/{rows,updates}; do
  file=$top_srcdir/$name.gc
  run "$file" >"$work/tcc"
  run --jit=cc "$file" >"$work/cc"
  check "$name: cc and tcc agree" 'cmp -s "$work/tcc" "$work/cc"'
done
check "one compilation each, or one more for products added and taken away in turns" \
  '[[ $(calls) == [67] ]]'

# gcc 12 fuses where lanes add and take away in turns; nobody else does.
cat >"$work/turns.gc" <<'E'
input x: real[n, 4]
input y: real[n, 4]
turns(a: real[n, 4], b: real[n, 4], c: real[n, 4]) =
  [[a[i, 0]*b[i, 0] - c[i, 0], a[i, 1]*b[i, 1] + c[i, 1],
    a[i, 2]*b[i, 2] - c[i, 2], a[i, 3]*b[i, 3] + c[i, 3]] for i < n]
print turns(x, y, y), turns(y, y, x)
E
for k in 1 2; do
  awk -v k=$k 'BEGIN { for (i = 0; i < 32; i++) printf "%.17g%s", sin(k*i + k), (i + 1) % 4 ? "," : "\n" }' \
    >"$work/$k.csv"
done
turns() { run "$work/turns.gc" --set "x=@$work/1.csv" --set "y=@$work/2.csv" "$@"; }
check "products that are added and taken away in turns are rounded" \
  'turns | grep -q 0\.5 && cmp -s <(turns) <(turns --jit=cc)'

# So long that the system's compiler gets it in pieces.
awk 'BEGIN {
  print "h(x: real): real = {\nv0 = x"
  for (k = 1; k <= 300; k++) printf "v%d = sin(v%d)*x + v%d\n", k, k - 1, (k > 7 ? k - 7 : 0)
  print "v300\n}\nx = 0.5\ny = h(x)\nprint y, grad(y, x)" }' >"$work/long.gc"
check "pieces of a long function agree with it" \
  'cmp -s <(run "$work/long.gc") <(run --jit=cc "$work/long.gc") && run "$work/long.gc" | grep -q "grad(y, x)"'

objects() { ls "$XDG_CACHE_HOME/gradc" | grep -c '\.so$'; }
before=$(objects)
run --jit=cc "$top_srcdir/examples/tricks.gc" >"$work/again"
check "a second run makes no new object" '[[ $(objects) == "$before" ]]'
check "and prints the same" 'cmp -s <(run "$top_srcdir/examples/tricks.gc") "$work/again"'

for object in "$XDG_CACHE_HOME"/gradc/*.so; do printf 'damaged' >"$object"; done
run --jit=cc "$top_srcdir/examples/tricks.gc" >"$work/mended"
check "a damaged object is made again" 'cmp -s "$work/again" "$work/mended"'

# Each writer has objects of its own bytes (they name their sources), and reads whichever is
# there when it has written: a dozen at a time, so that some meet between the two.
rm -rf "$XDG_CACHE_HOME"
for i in {1..12}; do run --jit=cc -e 'print 1.25 + 1' >"$work/par$i" & done
wait
for i in {1..12}; do check "writer $i of twelve at a time" '[[ $(<"$work/par$i") == *2.25* ]]'; done
check "no temporary file is left" '[[ -z $(ls "$XDG_CACHE_HOME/gradc" | grep -v -E "^[0-9a-f]{32}\.so$") ]]'

check "a missing compiler is an error that says so" \
  '[[ $(CC=/nowhere/cc run --jit=cc -e "print 1.25") == *"cannot run the C compiler"* ]]'

# A foreign cache, a damaged one, none at all.
cache=$XDG_CACHE_HOME/gradc
for object in "$cache"/*.so; do head -c 3000 "$object" >"$object.cut" && mv "$object.cut" "$object"; done
run --jit=cc "$top_srcdir/examples/tricks.gc" >"$work/mended"
check "an object cut short is made again" 'cmp -s "$work/again" "$work/mended"'
for object in "$cache"/*.so; do rm "$object"; mkdir "$object"; done
check "what stands in the object's place is an error" \
  '[[ $(run --jit=cc "$top_srcdir/examples/tricks.gc") == *"cannot write to the cache"* ]]'
rm -rf "$cache"
mkdir -m 777 "$cache" && chmod 777 "$cache"
check "a folder that others can write to is refused" \
  '[[ $(run --jit=cc -e "print 1.25") == *"others can write to the cache folder"* ]]'
check "and --jit=auto does without" '[[ $(run --jit=auto -e "print 1.25") == *1.25* ]]'
rm -rf "$cache"
printf '' >"$work/file"
check "a cache that cannot be made is an error" \
  '[[ $(XDG_CACHE_HOME=$work/file run --jit=cc -e "print 1.25") == *"cannot make the cache folder"* ]]'
check "without names of folders there is a folder of this user" \
  '[[ $(env -u HOME -u XDG_CACHE_HOME "$GRADC" run --jit=cc -e "print 1.25" 2>&1) == 1.25 ]]'
check "which is for this user alone" '[[ $(stat -c %a "/tmp/gradc-$(id -u)") == 700 ]]'

# auto: the second code takes over within a call.
cat >"$work/long.gc" <<'END'
m(x: real[n, n]) = [[sum(x[i, k]*x[k, j] for k < n) for j < n] for i < n]
step(s: real[n, n]) = { r = m(s)
 [[r[i, j]/(1 + abs(r[i, j])) for j < n] for i < n] }
f(x: real, n: int) = { y = fold s = [[x/(i + j + 1) for j < 48] for i < 48] for t < n { step(s) }
 sum(sum(y[i, j] for j < 48) for i < 48) }
t(k: int) = {
 v = f(1 + k/100, 80)
 trace "{k}: {v}"
 v }
print [t(k) for k < 60]
print f(1.3, 60000)
END
run "$work/long.gc" >"$work/tcc"
run --jit=auto "$work/long.gc" >"$work/auto"
check "auto prints the same" 'cmp -s "$work/tcc" "$work/auto"'
# On a busy machine the run may be over before the compiler is: longer ones, until it is not.
for trips in 20000 160000; do
  [[ $(objects) -ge 1 ]] || run --jit=auto "$work/long.gc" -e "print f(1.3, $trips)" >/dev/null
done
check "auto kept the second code" '[[ $(objects) -ge 1 ]]'
run --jit=auto "$work/long.gc" >"$work/auto"
check "auto from the cache prints the same" 'cmp -s "$work/tcc" "$work/auto"'
rm -rf "$cache"
printf '#!/bin/sh\nexec sleep 600\n' >"$work/slow-cc"
printf '#!/bin/sh\nkill -9 $$\n' >"$work/dying-cc"
printf '#!/bin/sh\necho noise; echo noise >&2; exit 1\n' >"$work/bad-cc"
printf '#!/bin/sh\ntrap "" TERM\nsleep 6%s\nsleep 6%s\n' $$ $$ >"$work/stubborn-cc"
printf '#!/bin/sh\nsleep 7%s\n' $$ >"$work/parent-cc"
chmod +x "$work"/*-cc
sed 's/60000/20000/' "$work/long.gc" >"$work/brief.gc"
run "$work/brief.gc" >"$work/tcc"
for cc in slow-cc dying-cc bad-cc missing-cc stubborn-cc parent-cc; do
  CC=$work/$cc timeout 60 "$GRADC" run --json --jit=auto "$work/brief.gc" >"$work/auto" 2>&1
  check "auto without its compiler: $cc" 'cmp -s "$work/tcc" "$work/auto"'
  check "and leaves nothing behind: $cc" '[[ -z $(ls "$cache") ]]'
done
check "no compiler runs on" '! pgrep -f "^sleep [67]$$\$" >/dev/null'
echo "tests/jit.sh: $passed passed, $failed failed"
((failed == 0))
