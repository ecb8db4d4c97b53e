#!/usr/bin/env bash
# run.sh - what `make bench` runs: one table of gradc against its peers, then how long the
# compiler takes, then a training.  Figures, and a test of agreement.
#
#   run.sh [--check] [ROW...]
#
# A row is the name of a program in bench/programs; without one there are all rows, and what
# comes after the table.  --check compares the contenders at tiny sizes and times nothing.  The
# table goes to standard output and, in seconds with tabs between, to bench/results.tsv where
# make was called.  RUNS (9) is the number of runs whose medians count.
set -euo pipefail
export PYTHONWARNINGS=ignore

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=bench/openblas.bash
source "$here/openblas.bash"
python=${PYTHON:-/usr/bin/python3}
read -ra cc <<<"${CC:-gcc}"
read -ra cxx <<<"${CXX:-g++}"
check='' rows=()
for word; do
  case $word in
    --check) check=--check ;;
    -*) echo "run.sh: what is $word?" >&2; exit 2 ;;
    *) rows+=("$word") ;;
  esac
done
named=${#rows[@]}
((named)) || for program in "$here"/programs/*.gc; do rows+=("$(basename "$program" .gc)"); done

folder=$(mktemp -d "${TMPDIR:-/tmp}/gradc-bench.XXXXXX")
trap 'rm -rf "$folder"' EXIT

flags=(-O3 -march=native)
[[ -z $check ]] || flags=(-O0)
common=(-std=gnu11 -fPIC -Wall -Wextra -Werror -fno-math-errno -fno-trapping-math)

described() { sed -n "s/^#: $2 *//p" "$1"; }

# object OUT SOURCE...: a shared object; what stands in extra[] goes to the compiler, too.
extra=()
object() {
  "${cc[@]}" "${common[@]}" "${flags[@]}" "${extra[@]}" -shared -o "$1" "${@:2}" "${libs[@]}" -lm
}

# The C functions of a row: the value first, then what is timed ("grad f:x,W" is NAME_f_grad_x_W).
function_names() {
  local request wrt
  printf '%s_%s' "$1" "$(described "$program" value)"
  for request in "${requests[@]}"; do
    wrt=${request##*:}
    case $request in
      *' '*) request=${request%:*}; printf ' %s_%s_%s_%s' "$1" "${request#* }" "${request% *}" "${wrt//[,.]/_}" ;;
      *) printf ' %s_%s' "$1" "$request" ;;
    esac
  done
}

build_row() {
  local name=$1 real request peer program=$here/programs/$1.gc asked=() plain
  [[ -r $program ]] || { echo "run.sh: no row $name" >&2; exit 2; }
  mapfile -t requests < <(described "$program" gradient)
  read -ra libs <<<"$(described "$program" libs)"
  read -ra options <<<"$(described "$program" options)"
  plain=$(described "$program" value)
  for request in "${requests[@]}"; do
    if [[ $request == *' '* ]]; then asked+=("--${request%% *}" "${request#* }"); else plain+=,$request; fi
  done
  for real in $(described "$program" real | grep . || echo double); do
    local dir=$folder/$name.$real
    mkdir "$dir"
    "$GRADC" compile "$program" -o "$dir/$name.c" -f "$plain" "${asked[@]}" "--real=$real" \
      ${options[@]} --no-warn=all
    awk -v name="$name" -v functions="$(function_names "$name")" -f "$here/adapter.awk" \
      "$dir/$name.h" >"$dir/adapter.c"
    extra=(-I"$dir" -Dreal="$real")
    object "$dir/gradc.so" "$dir/$name.c" "$dir/adapter.c"
    extra+=(-DPEER)
    object "$dir/hand.so" "$here/peers/$name.c" "$dir/adapter.c"
    for peer in $(described "$program" peer); do
      object "$dir/$peer.so" "$here/peers/$name.$peer.c" "$dir/adapter.c"
    done
    [[ $real != double ]] || { adapters+=("$dir/adapter.c"); includes+=(-I"$dir"); defined+=("-DROW_$name"); }
  done
}

# ADOL-C has double alone.  One object serves all rows.
build_adolc() {
  libs=()
  local parts=() k=0
  for file in "${adapters[@]}"; do
    "${cc[@]}" "${common[@]}" -O2 "${includes[@]}" -DPEER -c -o "$folder/adapter$k.o" "$file"
    parts+=("$folder/adapter$k.o")
    k=$((k + 1))
  done
  "${cxx[@]}" -std=c++17 -fPIC "${flags[@]}" "${includes[@]}" "${defined[@]}" -shared \
    -o "$folder/adolc.so" "$here/peers/adolc.cpp" "${parts[@]}" -ladolc 2>"$folder/adolc.log" ||
    echo "ADOL-C: none here ($(head -n 1 "$folder/adolc.log"))"
}

adapters=() includes=() defined=() programs=()
for row in "${rows[@]}"; do
  build_row "$row"
  programs+=("$here/programs/$row.gc")
done
((${#adapters[@]} == 0)) || build_adolc
libs=() extra=()
object "$folder/peak.so" "$here/peers/peak.c"

if [[ -z $check ]]; then
  printf 'machine: %s, %s\n' "$(uname -m)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
  printf 'compiled by: %s %s (gradc and by hand)\n' "$("${cc[@]}" --version | head -n 1)" "${flags[*]} ${common[*]}"
fi
cd "$folder"
"${ROWS_PROGRAM:?}" $check --runs "${RUNS:-9}" --tsv "${TSV:-/dev/null}" \
  --torch "$python $here/peers/torch_peer.py" "$folder" "${programs[@]}"
[[ -n $check ]] || ((named)) || { "${COMPILE_TIME:?}"; "${LIBRARY:?}"; bash "$here/dann.sh"; }
