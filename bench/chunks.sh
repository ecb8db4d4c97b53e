#!/usr/bin/env bash
# chunks.sh - what `make bench-chunks` runs: how long C compilers take, and how much memory, for
# long functions and their gradients cut in pieces of different sizes (--max-stmts).
#
#   chunks.sh [SIZE...]      sizes of pieces; without one 100 200 500 1000 2000
#
# OPERATIONS (20000) is the length of the programs that are made here, LONGEST (100000) that of a
# last chain, in pieces as they are without the option; COMPILERS are commands with a comma
# between them.  A time is the processor's, of one run; us are microseconds of it for a line that
# ends in a semicolon.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
operations=${OPERATIONS:-20000}
IFS=, read -ra compilers <<<"${COMPILERS:-gcc -O2,gcc -O3,clang -O2,tcc}"
sizes=("$@")
((${#sizes[@]})) || sizes=(100 200 500 1000 2000)
folder=$(mktemp -d "${TMPDIR:-/tmp}/gradc-chunks.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"

names() { seq -s, -f "$1%g" 0 $(($2 - 1)); }
parameters() { names "$1" "$2" | sed 's/,/: real, /g; s/$/: real/'; }

# Each value is made of the one before.
chain() {
  echo "h(x: real, y: real, z: real): real = { v0 = x"
  awk -v n=$((operations / 3)) 'BEGIN {
    for (k = 1; k <= n; k++)
      printf "v%d = sin(v%d)*%s + %s\n", k, k - 1, substr("xyz", k%3 + 1, 1), substr("yzx", k%3 + 1, 1)
    printf "v%d }\n", n }'
}

# 300 inputs; each value is made of three of 300 that are there.
wide() {
  echo "h($(parameters x 300)): real = {"
  awk -v n=$((operations / 4)) 'BEGIN {
    for (k = 0; k < 300; k++) name[k] = "x" k
    for (k = 0; k < n; k++) {
      printf "y%d = %s*%s - 0.5*sin(%s)\n", k, name[k%300], name[k*11%300], name[k*13%300]
      name[k%300] = "y" k
    }
    for (k = 0; k < 300; k++) printf "%s%s", k ? " + " : "", name[k]
    print "\n}" }'
}

# Layers of 20, weights as literals.
network() {
  echo "h($(parameters x 20)): real = {"
  awk -v n=$((operations / 800)) 'BEGIN {
    for (l = 0; l < n; l++)
      for (j = 0; j < 20; j++) {
        printf "a%d_%d = tanh(", l, j
        for (i = 0; i < 20; i++)
          printf "%s%.3f*%s%d", i ? " + " : "", sin(l + 20*j + i), l ? "a" (l - 1) "_" : "x", i
        print ")"
      }
    for (j = 0; j < 20; j++) printf "%sa%d_%d", j ? " + " : "", n - 1, j
    print "\n}" }'
}

# Ten arrays of literals.
arrays() {
  local m=$((operations / 10))
  echo "h(x: real[$m]): real = {"
  awk -v m="$m" 'BEGIN {
    for (k = 0; k < 10; k++) {
      printf "a%d = [", k
      for (i = 0; i < m; i++) printf "%s%.6f", i ? ", " : "", sin(m*k + i)
      print "]"
    }
    for (k = 0; k < 10; k++) printf "%sdot(a%d, x^%d)", k ? " + " : "", k, k + 1
    print "\n}" }'
}

for shape in chain wide network arrays; do "$shape" >"$shape.gc"; done
cp "$here/programs/determinant.gc" .

# line PROGRAM SIZE: what each compiler takes for PROGRAM.c.
line() {
  local compiler statements
  statements=$(grep -c ';$' "$1.c")
  printf '%-12s %7s %10d' "$1" "$2" "$statements"
  for compiler in "${compilers[@]}"; do
    # shellcheck disable=SC2086
    /usr/bin/time -f '%U %S %M' -o cost $compiler -c -o "$1.o" "$1.c"
    awk -v n="$statements" '{ t = $1 + $2
      printf " %6.1f s %4.0f us %4.0f MB", t, t/n*1e6, $3/1024 }' cost
  done
  echo
}

# row PROGRAM VALUE VARIABLES: a line for each size of pieces.
row() {
  local size
  for size in "${sizes[@]}"; do
    "$GRADC" compile "$1.gc" -o "$1.c" -f "$2" --grad "$2:$3" --max-stmts "$size" --no-warn=all
    line "$1" "$size"
  done
}

# A chain of so many operations, in pieces as they are.
longest() {
  operations=${LONGEST:-100000} chain >longest.gc
  "$GRADC" compile longest.gc -o longest.c -f h --grad h:x,y,z --no-warn=all
  line longest default
}

printf '%-12s %7s %10s' program pieces statements
for compiler in "${compilers[@]}"; do printf ' %24s' "$compiler"; done
echo
row chain h x,y,z
row wide h "$(names x 300)"
row network h "$(names x 20)"
row determinant det10 A
row arrays h x
longest
