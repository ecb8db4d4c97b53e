#!/usr/bin/env bash
# Generated C: every typed function of the examples, of tests/compiled and of the test programs
# with a derivative of each, in double and in float; of tests/compiled/elementary.gc also with
# --fast-math-functions.  Each compiler that is here accepts it without a warning,
# the self-test passes, no frame is larger than the header says, and two runs write the same
# bytes.  Prints what was accepted by whom, and the stack and workspace of each function.
# (That it gives the same bits as the JIT, and that $CC finds nothing to warn of when it
# optimizes, is in tests/unit/test_compiled.c: here code is only looked at, and run unoptimized.)
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

# compile_with CC FILE.c: gcc makes the object that is run, and measures its frames.
compile_with() {
  case $1 in
    gcc) gcc -std=c99 $flags -O0 -fstack-usage -ffp-contract=off -fno-builtin -c -o "${2%.c}.o" "$2" ;;
    clang) clang -std=c99 $flags -fsyntax-only "$2" ;;
    g++) g++ -std=c++11 $flags -x c++ -fsyntax-only "$2" ;;
    tcc) tcc -std=c99 -Wall -c -o "$2.tcc.o" "$2" >"$2.said" 2>&1 && ! grep warning "$2.said" ;;
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

# The options for derivatives that gradc accepts, in $derivatives: nearly always all of them.
find_derivatives() { # FILE.gc DIR
  local option line options
  derivatives=()
  mapfile -t options < <("$awk" -f "$here/compiled/derivatives.awk" "$2/values.h")
  for line in "${options[@]}"; do derivatives+=($line); done
  if gradc compile "$1" -o "$2/try.c" "${own[@]}" "${derivatives[@]}" 2>/dev/null; then return; fi
  derivatives=()
  for line in "${options[@]}"; do
    option=($line)
    gradc compile "$1" -o "$2/try.c" "${own[@]}" -f "${option[1]%%:*}" "${option[@]}" 2>/dev/null ||
      continue
    derivatives+=("${option[@]}")
  done
}

# Frames that gcc measures without optimization against the header's bound.
check_frames() { # DIR
  "$awk" -F'[:\t ]+' '
    FNR == NR { if (/Stack: at most/) bound = $6; if (/^int model_/) { n = $2; sub(/\(.*/, "", n); most[n] = bound } next }
    ($4 in most) && $5 + 0 > most[$4] + 0 { print "frame of " $4 ": " $5 " > " most[$4]; bad = 1 }
    END { exit bad }' "$1/model.h" "$1/model.su"
}

# The values alone: what there is to differentiate, in $derivatives.  1 for a file that has no
# model, 2 for one that ought to have.
find_model() { # FILE.gc DIR
  local file=$1 dir=$2
  mkdir -p "$dir"
  find_own_options "$file"
  if ! gradc compile "$file" -o "$dir/values.c" "${own[@]}" 2>"$dir/log"; then
    grep -q 'no function whose parameters are all typed' "$dir/log" && return 1
    if [[ $file == "$work"/* ]]; then   # a script is not asked to be a model
      echo "$(basename "$file"): $(sed -n '1s/.*error: //p' "$dir/log")"
      return 1
    fi
    cat "$dir/log"
    return 2
  fi
  find_derivatives "$file" "$dir"
}

check_model() { # FILE.gc DIR OPTION...
  local file=$1 dir=$2 extra=("${@:3}") accepted=() cc
  local options=("${own[@]}" "${extra[@]}" --selftest --wrapper --no-warn=none "${derivatives[@]}")
  mkdir -p "$dir/again"
  gradc compile "$file" -o "$dir/model.c" "${options[@]}" || return 1
  (cd "$dir/again" && gradc compile "$file" -o model.c "${options[@]}") || return 1
  cmp "$dir/model.c" "$dir/again/model.c" && cmp "$dir/model.h" "$dir/again/model.h" || return 1
  for cc in "${compilers[@]}"; do
    compile_with "$cc" "$dir/model.c" || { echo "$cc complains"; return 1; }
    accepted+=("$cc")
  done
  printf 'int model_selftest(void);\nint main(void) { return model_selftest(); }\n' >"$dir/run.c"
  gcc -o "$dir/run" "$dir/run.c" "$dir/model.o" -lm || return 1
  local status=0
  "$dir/run" || status=$?
  ((status == 0)) || { echo "self-test: function number $status differs"; return 1; }
  check_frames "$dir" || return 1
  echo "$(basename "$file") (${extra[*]#--real=})"
  "$awk" -v compilers="${accepted[*]}" -f "$here/compiled/table.awk" "$dir/model.h"
}

# Each line of variants is a model of the file; its output and status are in DIR/LINE.
check_file() { # FILE.gc DIR
  local file=$1 dir=$2 variant number=0 status=0 own derivatives
  mkdir -p "$dir"
  find_model "$file" "$dir/0" >"$dir/0.out" 2>&1 || status=$?
  echo "$((status == 2))" >"$dir/0.status"
  ((status == 0)) || return 0
  while read -ra variant; do
    number=$((number + 1)) status=0
    check_model "$file" "$dir/$number" "${variant[@]}" >"$dir/$number.out" 2>&1 || status=$?
    echo "$status" >"$dir/$number.status"
  done < <(variants "$file")
  rm -rf "$dir"/*/
}

variants() { # FILE.gc
  printf '%s\n' --real=double --real=float
  [[ $1 != */compiled/elementary.gc ]] ||
    printf '%s\n' '--real=double --fast-math-functions' '--real=float --fast-math-functions'
}

shopt -s nullglob globstar
top=${top_srcdir:-$here/..}
mkdir "$work/programs"
"$awk" -v dir="$work/programs" -f "$here/compiled/programs.awk" "$here"/programs/*.test
files=("$top"/examples/**/*.gc "$here"/compiled/*.gc "$work"/programs/*.gc)

# Two at a time.
for number in "${!files[@]}"; do
  ((number < 2)) || wait -n || true
  check_file "${files[number]}" "$work/$number" &
done
wait
for number in "${!files[@]}"; do
  for status in "$work/$number"/*.status; do
    out=${status%.status}.out
    if [[ $(<"$status") != 0 ]]; then
      failed=$((failed + 1))
      echo "not ok: ${files[number]#"$top/"}"
      indent "$out"
    elif [[ -s $out ]]; then
      passed=$((passed + 1))
      cat "$out"
    fi
  done
done
finish compiled
