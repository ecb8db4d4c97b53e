# lib.bash - what the test scripts share.  Sourced, not run.
#
# $GRADC is the program under test (default: ./gradc).  It is called `gradc` in
# the commands of tests, which find it first on their PATH.
set -euo pipefail
export LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1 TERM=dumb
# A mistake found by a sanitizer ends the program at once, with a status of its own.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1}:exitcode=99"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}:exitcode=99"

limit=${GRADC_TEST_TIMEOUT:-120} # seconds a command may take

passed=0 failed=0

work=$(mktemp -d "${TMPDIR:-/tmp}/gradc-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

find_gradc() {
  GRADC=${GRADC:-./gradc}
  [[ -x $GRADC ]] || { echo "$0: no program at $GRADC (set GRADC)" >&2; exit 99; }
  GRADC=$(cd "$(dirname "$GRADC")" && pwd)/$(basename "$GRADC")
  mkdir "$work/bin"
  ln -s "$GRADC" "$work/bin/gradc"
  export GRADC PATH=$work/bin:$PATH
}

# check WHAT COMMAND...: counts whether the command succeeds; shows what it said if not.
check() {
  local what=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL $(basename "$0"): $what"
    tail -n 40 "$work/log" | indent
  fi
}

# run_command DIR SCRIPT OUT ERR: runs a file of shell commands in DIR; the
# status is theirs.
run_command() {
  local status=0
  (cd "$1" && exec timeout "$limit" bash "$2" >"$3" 2>"$4" </dev/null) || status=$?
  return $status
}

# Whether a file of messages tells of a sanitizer's finding.
has_finding() {
  grep -qE 'runtime error:|(Address|Leak|UndefinedBehavior)Sanitizer' "$1"
}

indent() {
  sed 's/^/    /' "$@"
}

# show_difference WHAT WANT GOT
show_difference() {
  echo "  $1 differs (- expected, + actual):"
  diff -u --label expected "$2" --label actual "$3" | tail -n +3 | head -n 200 | indent || true
}

# The closing line of a script; its status.
finish() {
  echo "$1: $passed passed, $failed failed"
  ((failed == 0))
}
