#!/usr/bin/env bash
# bench.sh - the contenders of `make bench` agree with each other, at tiny sizes: gradc's C
# from a file and from the JIT, C by hand, and ADOL-C and PyTorch where they are installed.
source "$(dirname "$0")/lib.bash"
: "${top_srcdir:?}" "${top_builddir:?}"
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LIBS
find_gradc
export ROWS_PROGRAM=${top_builddir}/bench/rows ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"

status=0
bash "$top_srcdir/bench/run.sh" --check >"$work/out" 2>"$work/err" || status=$?
grep -E '^(ADOL-C|PyTorch):' "$work/out" || true
passed=$(grep -c '^ok ' "$work/out" || true)
failed=$(grep -c '^FAIL ' "$work/out" || true)
grep '^FAIL ' "$work/out" || true

# The rows are all there, each by hand, too.
for program in "$top_srcdir"/bench/programs/*.gc; do
  title=$(sed -n 's/^#: title *//p' "$program")
  for name in gradc hand tcc; do
    check "$title: $name" awk -v title="ok   $title" -v name="$name" \
      'index($0, title) == 1 && $NF == name { found = 1 } END { exit !found }' "$work/out"
  done
done
((status == 0)) || { echo "run.sh ended with $status"; indent <"$work/err"; failed=$((failed + 1)); }
finish bench
