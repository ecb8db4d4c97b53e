#!/usr/bin/env bash
# Generated C: every typed function of the examples, of tests/compiled and of the test programs
# with a derivative of each, in double and in float; of tests/compiled/elementary.gc also with
# --fast-math-functions.  Each compiler that is here accepts it without a warning,
# the self-test passes, no frame is larger than the header says, and two runs write the same
# bytes.  Prints what was accepted by whom, and the stack and workspace of each function.
# (That it gives the same bits as the JIT is in tests/unit/test_compiled.c.)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.bash"
find_gradc
flags='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Werror'
awk=${AWK:-awk}

compilers=()
for cc in gcc clang g++ tcc; do
  if command -v "$cc" >/dev/null; then compilers+=("$cc")
  else echo "compiled: $cc is not installed: what it would say is not known"; fi
done

# compile_with CC FILE.c
compile_with() {
  case $1 in
    gcc) gcc -std=c99 $flags -O1 -ffp-contract=off -fno-builtin -c -o "$2.gcc.o" "$2" ;;
    clang) clang -std=c99 $flags -fsyntax-only "$2" ;;
    g++) g++ -std=c++11 $flags -x c++ -c -o "$2.g++.o" "$2" ;;
    tcc) tcc -std=c99 -Wall -Werror -c -o "$2.tcc.o" "$2" && ! tcc -std=c99 -Wall -c -o "$2.tcc.o" "$2" 2>&1 | grep -q warning ;;
  esac
}

# The options without which a file cannot be compiled, in $own.
find_own_options() { # FILE.gc
  local name options
  own=()
  while read -r name options; do
    [[ $name != "$(basename "$1")" ]] || read -ra own <<<"$options"
  done <"$here/compiled/options"
}

# The options for derivatives that gradc accepts, in $derivatives.
find_derivatives() { # FILE.gc DIR
  local option
  derivatives=()
  while read -ra option; do
    gradc compile "$1" -o "$2/try.c" "${own[@]}" -f "${option[1]%%:*}" "${option[@]}" 2>/dev/null ||
      continue
    derivatives+=("${option[@]}")
  done < <("$awk" -f "$here/compiled/derivatives.awk" "$2/values.h")
}

# Frames that gcc measures without optimization against the header's bound.
check_frames() { # DIR
  command -v gcc >/dev/null || return 0
  (cd "$1" && gcc -std=c99 -O0 -fstack-usage -c -o frames.o model.c)
  "$awk" -F'[:\t ]+' '
    FNR == NR { if (/Stack: at most/) bound = $6; if (/^int model_/) { n = $2; sub(/\(.*/, "", n); most[n] = bound } next }
    ($4 in most) && $5 + 0 > most[$4] + 0 { print "frame of " $4 ": " $5 " > " most[$4]; bad = 1 }
    END { exit bad }' "$1/model.h" "$1"/*.su
}

check_model() { # FILE.gc REAL DIR [OPTION...]
  local file=$1 real=$2 dir=$3 extra=("${@:4}") accepted=() cc
  mkdir -p "$dir"
  find_own_options "$file"
  if ! gradc compile "$file" -o "$dir/values.c" "${own[@]}" --real="$real" 2>"$dir/log"; then
    grep -q 'no function whose parameters are all typed' "$dir/log" && return 0
    if [[ $file == "$work"/* ]]; then   # a script is not asked to be a model
      echo "$(basename "$file") ($real): $(sed -n '1s/.*error: //p' "$dir/log")"
      return 0
    fi
    cat "$dir/log"
    return 1
  fi
  find_derivatives "$file" "$dir"
  local options=("${own[@]}" "${extra[@]}" --real="$real" --selftest --wrapper --no-warn=none
                 "${derivatives[@]}")
  gradc compile "$file" -o "$dir/model.c" "${options[@]}" || return 1
  mkdir -p "$dir/again"
  (cd "$dir/again" && gradc compile "$file" -o model.c "${options[@]}") || return 1
  cmp "$dir/model.c" "$dir/again/model.c" && cmp "$dir/model.h" "$dir/again/model.h" || return 1
  for cc in "${compilers[@]}"; do
    compile_with "$cc" "$dir/model.c" || { echo "$cc complains"; return 1; }
    accepted+=("$cc")
  done
  printf 'int model_selftest(void);\nint main(void) { return model_selftest(); }\n' >"$dir/run.c"
  cc=${compilers[0]}
  "$cc" -o "$dir/run" "$dir/run.c" "$dir/model.c.$cc.o" -lm || return 1
  local status=0
  "$dir/run" || status=$?
  ((status == 0)) || { echo "self-test: function number $status differs"; return 1; }
  check_frames "$dir" || return 1
  echo "$(basename "$file") ($real${extra[*]:+ ${extra[*]}})"
  "$awk" -v compilers="${accepted[*]}" -f "$here/compiled/table.awk" "$dir/model.h"
}

shopt -s nullglob globstar
top=${top_srcdir:-$here/..}
jobs=()
mkdir "$work/programs"
"$awk" -v dir="$work/programs" -f "$here/compiled/programs.awk" "$here"/programs/*.test
for file in "$top"/examples/**/*.gc "$here"/compiled/*.gc "$work"/programs/*.gc; do
  for real in double float; do jobs+=("$file $real"); done
done

for real in double float; do jobs+=("$here/compiled/elementary.gc $real --fast-math-functions"); done

# Two at a time.
number=0
for job in "${jobs[@]}"; do
  read -r file real extra <<<"$job"
  number=$((number + 1))
  (
    status=0
    check_model "$file" "$real" "$work/$number" $extra >"$work/$number.out" 2>&1 || status=$?
    echo "$status" >"$work/$number.status"
  ) &
  ((number % 2)) || wait
done
wait
number=0
for job in "${jobs[@]}"; do
  number=$((number + 1))
  if [[ $(cat "$work/$number.status") == 0 ]]; then
    [[ ! -s $work/$number.out ]] || passed=$((passed + 1))
    cat "$work/$number.out"
  else
    failed=$((failed + 1))
    echo "not ok: ${job#"$top/"}"
    indent "$work/$number.out"
  fi
done
finish compiled
