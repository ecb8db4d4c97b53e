#!/usr/bin/env bash
# What nobody writes but somebody sends: files that are no programs, programs far too
# long or far too deep, outputs that cannot be written.  The answer is a result or a
# message; never a crash, a sanitizer's report, an internal error, or another exit
# status than 0 to 3.  Times of the long programs are printed, not judged.
source "$(dirname "$0")/lib.bash"
find_gradc
cd "$work"

fail() {
  failed=$((failed + 1))
  printf 'FAIL robust: %s\n' "$1"
  shift
  [[ $# == 0 ]] || printf '  %s\n' "$@"
  [[ ! -s err ]] || { echo '  standard error:'; cut -c -300 err | head -n 8 | indent; }
}

# try NAME STATUSES TEXT COMMAND...: the command ends with one of the statuses ("0 1")
# and says TEXT (may be empty) on standard error.
try() {
  local name=$1 statuses=$2 text=$3 status=0
  shift 3
  timeout "$limit" "$@" >out 2>err </dev/null || status=$?
  if has_finding err || grep -qE 'internal error|mistake in gradc' err; then
    fail "$name" 'a mistake in gradc'
  elif [[ " $statuses " != *" $status "* ]]; then
    fail "$name" "exit status $status, expected one of: $statuses"
  elif [[ -n $text ]] && ! grep -qF -- "$text" err; then
    fail "$name" "the message does not say: $text"
  else
    passed=$((passed + 1))
  fi
}

# n copies of a text
copies() {
  "${AWK:-awk}" -v text="$1" -v n="$2" 'BEGIN { while (n-- > 0) printf "%s", text }'
}

# ---- files that are no programs ----------------------------------------------
: >empty.gc
printf 'print 1\0\nprint 2\n' >nul.gc
printf 'print "\xff\xfe"\n' >latin.gc
printf '\xc0\x80print 1\n' >overlong.gc
printf '\xef\xbb\xbfprint 1\r\nprint 2\r\n' >windows.gc
head -c 20000 "$GRADC" >binary.gc
mkdir folder
try 'an empty file' 0 '' gradc run empty.gc
for command in run 'diff -f f' 'compile -o m.c' 'check -f f'; do
  set -- $command
  try "$1: an empty file" '0 1' '' gradc "$@" empty.gc
  try "$1: a NUL byte" 1 'is NUL' gradc "$@" nul.gc
  try "$1: not UTF-8" 1 'is not UTF-8' gradc "$@" latin.gc
  try "$1: an overlong character" 1 'is not UTF-8' gradc "$@" overlong.gc
  try "$1: a binary" 1 '' gradc "$@" binary.gc
  try "$1: no file" 1 'there is no such file' gradc "$@" nothing.gc
  try "$1: a directory" 1 'it is a directory' gradc "$@" folder
  [[ ! -e m.c ]] || fail "$1: wrote m.c"
done
try 'a byte order mark and \r' 0 '' gradc run windows.gc
[[ $(<out) == $'1\n2' ]] || fail 'a byte order mark and \r: other output'

# ---- long lines --------------------------------------------------------------
a=$(copies a 1000000)
echo "print $a" >name.gc
echo "print \"$a\"" >text.gc
{ echo "# $a"; echo 'print 1'; } >comment.gc
echo "print $(copies 1 1000000)" >number.gc
echo "x = [$(copies '1.5, ' 200000)1]; print sum(x)" >array.gc
try 'a name of a megabyte' 1 'unknown name' gradc run name.gc
[[ $(wc -c <err) -lt 4000000 ]] || fail 'a name of a megabyte: a message of many megabytes'
try 'a text of a megabyte' 0 '' gradc run text.gc
try 'a comment of a megabyte' 0 '' gradc run comment.gc
try 'a number of a megabyte' 1 'does not fit into an int' gradc run number.gc
try 'a literal of a megabyte' 0 '' gradc run array.gc

# ---- deep nesting ------------------------------------------------------------
# deep NAME OPEN MIDDLE CLOSE
deep() {
  local n
  for n in 300 100000; do
    { echo 'x = 1.0'; echo 'f(x) = x + 1'
      echo "print $(copies "$2" $n)$3$(copies "$4" $n)"; } >deep.gc
    try "$1, $n deep" '0 1' '' gradc run deep.gc
  done
}
deep parentheses '(' x ')'
deep 'parentheses that stay open' '(' x ''
deep brackets '[' x ']'
deep braces '{' x '}'
deep minus '-' x ''
deep not 'not ' true ''
deep powers 'x^' x ''
deep calls 'sin(' x ')'
deep 'calls of a function' 'f(' x ')'
deep 'if in then' 'if x > 0 then ' x ' else 0'
deep 'if in else' 'if x > 0 then 0 else ' x ''
deep functions 'a -> ' x ''
deep subscripts 'x[' 0 ']'
deep tuples '(x, ' x ')'
deep gradients 'grad(' x ', x)'
deep sums 'sum(' x ' for i < 2)'
deep folds 'fold x = x for t < 2 { ' x ' }'
deep 'with' '' '[1.0]' ' with [0] = 1.0'
deep conditions '' true ' and x > 0'

# ---- too much ----------------------------------------------------------------
# program NAME STATUSES TEXT: standard input is the program
program() {
  cat >program.gc
  try "$1" "$2" "$3" gradc run program.gc
}
program 'an array of 1e12 elements' 1 'memory' <<<'print zeros(1000000000000)'
program 'an array of 1e24 elements' 1 '' <<<'print zeros(1000000, 1000000, 1000000, 1000000)'
program 'a scan of 1e12 steps' 1 'memory' \
  <<<'print sum(scan s = 0.0 for t < 1000000000000 { s + 1 })'
program 'a size of nan' 1 'negative size' <<'END'
input r: real = nan
x = [1.0*i for i < int(r)]
print sum(x), x
END
program 'a size below 0' 1 'negative size' <<'END'
input r: real = -5
x = [1.0*i for i < int(r)]
print sum(x), x
END
program 'the largest int and one' 0 '' <<<'print 9223372036854775807 + 1'
program 'the smallest int by -1' 0 '' <<<'print (-9223372036854775807 - 1) // -1'
program 'an index near 2^63' 1 'out of range' <<<'x = [1.0]; print x[9223372036854775807]'
program 'a power of 2^63 - 1' 0 '' <<<'x = 1.5; print x^9223372036854775807'
program '17 axes' 1 '16 axes' <<<"print zeros($(copies '1, ' 16)1)"
program 'the 30th derivative' 0 '' <<<"f(x) = sin(exp(x)); print f$(copies "'" 30)(1.0)"
program 'a recursion without end' 1 'does not settle' <<<'f(n: int) = f(n + 1); print f(0)'

# ---- long programs, in linear time ------------------------------------------------------------
# timed NAME COMMAND...: also prints how long it took
timed() {
  local name=$1 start=$EPOCHREALTIME
  shift
  try "$name" 0 '' "$@"
  printf '%-44s %8.2f s\n' "$name" \
    "$("${AWK:-awk}" -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')"
}
long=${GRADC_LONG:-20000}   # operations; 1000000 shows the growth
for n in $((long / 10)) "$long"; do
  echo "f(x: real) = $(copies 'x + ' $((n - 1)))x" >chain.gc
  "${AWK:-awk}" -v n="$n" 'BEGIN {
    print "f(x: real) = {\n  a0 = x"
    for (i = 1; i < n; i++) printf "  a%d = sin(a%d) + x\n", i, i - 1
    printf "  a%d\n}\n", n - 1
  }' >block.gc
  for name in chain block; do
    timed "diff of a $name of $n" gradc diff $name.gc -f f --wrt x
    timed "run of a $name of $n" gradc run $name.gc -e "print f'(0.5)"
  done
done

# ---- outputs -----------------------------------------------------------------
echo 'f(x: real) = x^2' >good.gc
echo 'f(x: real) = x^2 + y' >bad.gc
echo kept >m.c
cp m.c m.h
try 'a wrong program over an old file' 1 'unknown name' gradc compile bad.gc -o m.c
[[ $(cat m.c m.h) == $'kept\nkept' ]] || fail 'a wrong program: the old file is gone'
if mkfifo pipe 2>/dev/null; then
  cat pipe >from_pipe &
  gradc compile good.gc -o pipe
  wait "$!"
  check 'a pipe stays one, and gets the text' test -p pipe -a -s from_pipe
fi
try 'an output in no directory' 1 'cannot write' gradc compile good.gc -o none/m.c
try 'an output that is a directory' 1 'directory' gradc compile good.gc -o folder
mkdir taken taken/m.h
try 'a header that is a directory' 1 'directory' gradc compile good.gc -o taken/m.c
[[ $(ls taken folder) == $'folder:\n\ntaken:\nm.h' ]] ||
  fail 'something was left behind' "$(ls taken folder)"
if ((EUID != 0)); then
  mkdir -m 555 locked
  try 'a directory that cannot be written' 1 'cannot write' gradc compile good.gc -o locked/m.c
fi
if [[ -c /dev/full ]]; then
  for command in 'run bad.gc -e "print 1"' 'diff good.gc -f f' '--help' 'run --help'; do
    try "a full disk: $command" 1 '' bash -c "gradc $command >/dev/full"
  done
fi
try 'standard output closed' '0 1' '' bash -c "gradc run -e 'print 1' >&-"
try 'standard error closed' 1 '' bash -c "gradc run name.gc 2>&-"
try 'a reader that has gone' '0 1 141' '' bash -c "set -o pipefail; gradc run text.gc | head -c 10"
try 'no colour in a pipe' 1 '' bash -c "unset NO_COLOR; TERM=xterm gradc run name.gc"
if grep -q $'\033' err; then fail 'colour in a pipe'; fi

# ---- data --------------------------------------------------------------------
# npy NAME DESCR ORDER SHAPE BYTES: a file of version 1.0 with so many zero bytes of data
npy() {
  local head="{'descr': '$2', 'fortran_order': $3, 'shape': $4, }" pad
  pad=$((118 - 1 - ${#head}))
  { printf '\x93NUMPY\x01\x00\x76\x00%s%*s\n' "$head" "$pad" ''; head -c "$5" /dev/zero; } >"$1"
}
echo 'input x: real[n]; print sum(x)' >vector.gc
echo 'input x: real[n, m]; print sum(x)' >matrix.gc
npy good.npy '<f8' False '(3,)' 24
try 'a good .npy' 0 '' gradc run vector.gc --set x=@good.npy
npy short.npy '<f8' False '(3,)' 23
try 'a truncated .npy' 1 'short.npy' gradc run vector.gc --set x=@short.npy
npy long.npy '<f8' False '(3,)' 25
try 'a .npy that is too long' '0 1' '' gradc run vector.gc --set x=@long.npy
npy big.npy '>f8' False '(3,)' 24
try 'a big-endian .npy' '0 1' '' gradc run vector.gc --set x=@big.npy
npy fortran.npy '<f8' True '(2, 3)' 48
try 'a Fortran .npy' '0 1' '' gradc run matrix.gc --set x=@fortran.npy
npy complex.npy '<c16' False '(3,)' 48
try 'a complex .npy' 1 'complex.npy' gradc run vector.gc --set x=@complex.npy
npy text.npy '<U4' False '(3,)' 48
try 'a .npy of text' 1 'text.npy' gradc run vector.gc --set x=@text.npy
npy huge.npy '<f8' False '(4611686018427387904, 16)' 24
try 'a .npy that says it is huge' 1 'huge.npy' gradc run matrix.gc --set x=@huge.npy
npy negative.npy '<f8' False '(-3,)' 24
try 'a .npy of negative size' 1 'negative.npy' gradc run vector.gc --set x=@negative.npy
for n in 1 6 8 10 20 127; do
  head -c $n good.npy >cut.npy
  try "a .npy of $n bytes" 1 'cut.npy' gradc run vector.gc --set x=@cut.npy
done
try 'no .npy' 1 'nothing.npy' gradc run vector.gc --set x=@nothing.npy
try 'a directory for data' 1 'folder' gradc run vector.gc --set x=@folder
cp binary.gc binary.csv
try 'a binary for a table' 1 'binary.csv' gradc run vector.gc --set x=@binary.csv
printf '1,2,3\n4,5\n' >ragged.csv
try 'a ragged .csv' 1 'line 2' gradc run matrix.gc --set x=@ragged.csv
printf '' >empty.csv
try 'an empty .csv' '0 1' '' gradc run matrix.gc --set x=@empty.csv
printf '1,2\n3,x\n' >word.csv
try 'a word in a .csv' 1 'word.csv' gradc run matrix.gc --set x=@word.csv
try 'a deep value' 2 '' gradc run matrix.gc --set "x=$(copies '[' 50000)"
try 'a value that is no number' '1 2' '' gradc run vector.gc --set x=hello

# ---- the command line --------------------------------------------------------
try 'no command' 2 '' gradc
try 'no such command' 2 "did you mean 'run'" gradc rnu good.gc
for command in run diff compile check explain flow repl; do
  try "$command --help" 0 '' gradc $command --help
  [[ -s out ]] || fail "$command --help: says nothing"
  try "$command with an unknown option" 2 '--nonsense' gradc $command --nonsense good.gc
done
for options in 'run good.gc good.gc' 'run good.gc --real=half' 'run good.gc --dump=nothing' \
  'run good.gc --set' 'run good.gc --jit=none' 'diff good.gc' 'diff good.gc -f f --order 0' \
  'diff good.gc -f f --order x' 'compile good.gc' 'compile good.gc -o n.c --grad f' \
  'compile good.gc -o n.c --grad :x' 'run good.gc --set x' 'run good.gc --set x=1'; do
  try "$options" 2 '' gradc $options
done
[[ ! -e n.c ]] || fail 'a wrong command line wrote n.c'

finish robust
