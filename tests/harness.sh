#!/usr/bin/env bash
# The scripts that run tests, tried on a gradc that only repeats its input: they
# must pass what is right, and say where and how what is wrong differs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >fake <<'EOF'
#!/bin/sh
# run FILE: prints FILE; a line "fail N" ends it with a message and that status.
shift
file=$1; shift
n=0
while IFS= read -r line; do
  n=$((n + 1))
  case $line in
    "fail "*) echo "$file:$n:1: error: failed" >&2; exit "${line#fail }" ;;
    "warn") echo "$file:$n:1: warning: warned" >&2 ;;
    "bug") echo "x.c:1:1: runtime error: overflow" >&2 ;;
    "cat "*) cat "${line#cat }" ;;
    *) echo "$line$*" ;;
  esac
done <"$file"
EOF
chmod +x fake
export GRADC=$work/fake

problems=0
# expect STATUS TEXT COMMAND...: the command ends so and its output holds TEXT.
expect() {
  local status=$1 text=$2 got=0 out
  shift 2
  out=$("$@" 2>&1) || got=$?
  if [[ $got != "$status" || $out != *"$text"* ]]; then
    printf 'FAIL %s\n  expected status %s and: %s\n  actual status %s and:\n%s\n' \
      "$*" "$status" "$text" "$got" "$out"
    problems=$((problems + 1))
  fi
}

cat >good.test <<'EOF'
what stands here is a comment

## plain, with a blank line inside

a

b
---

a

b

## a command
$ gradc run FILE --json
a
---
a--json

## two commands and a pipe
$ gradc run FILE x | tr a z
$ gradc run FILE
ab
---
zbx
ab

## an error
a
fail 1
---
a
--- stderr
test.gc:2:1: error: failed
--- exit 1

## a warning need not be shown
warn
---

## a file beside
cat sub/b.csv
# ## not a title
## nor this
---
1,2
# ## not a title
## nor this
--- file sub/b.csv
1,2

## ends with a blank line of its own
a

---
a

--- exit 0


EOF
expect 0 'good.test: 7 passed, 0 failed' "$here/run-programs" good.test
expect 0 'good.test: 1 passed, 0 failed' "$here/run-programs" --only pipe good.test
cp good.test again.test
"$here/run-programs" --update again.test >/dev/null
expect 0 'again.test: 7 passed, 0 failed' "$here/run-programs" again.test
expect 0 'total: 14 passed, 0 failed' "$here/run-programs" good.test again.test

# bad TEXT BLOCK: one failing block, with TEXT in the report.
bad() {
  printf '%s\n' '## first' a --- a '' '## the bad one' "${@:2}" >bad.test
  expect 1 "FAIL bad.test:6: the bad one" "$here/run-programs" bad.test
  expect 1 "$1" "$here/run-programs" bad.test
  expect 1 'bad.test: 1 passed, 1 failed' "$here/run-programs" bad.test
}
bad '-b' a --- b
bad '+a' a --- b
bad 'exit status: expected 0, actual 3' 'fail 3' ---
bad 'exit status: expected 2, actual 3' \
  'fail 3' --- '--- stderr' 'test.gc:1:1: error: failed' '--- exit 2'
bad 'must show its message' 'fail 1' --- '--- exit 1'
bad '-another' 'fail 1' --- '--- stderr' 'another' '--- exit 1'
bad 'a sanitizer found a mistake' bug ---
printf '%s\n' '## slow' '$ sleep 5' --- >bad.test
GRADC_TEST_TIMEOUT=1 expect 1 'stopped after 1 s' "$here/run-programs" bad.test
sed -i 's/--- stderr/--- sdterr/' good.test
expect 1 'unknown section' "$here/run-programs" good.test
echo nothing >empty.test
expect 1 'holds no block' "$here/run-programs" empty.test

mkdir examples
printf 'a\n' >examples/one.gc
expect 0 'one.gc: 1 passed, 0 failed' "$here/run-example" examples/one.gc
printf 'a\n' >examples/one.out
expect 0 '1 passed' "$here/run-example" examples/one.gc
printf 'b\n' >examples/one.out
expect 1 '-b' "$here/run-example" examples/one.gc
printf '# $ gradc run FILE +x\nfail 1\n' >examples/two.gc
expect 1 'exit status: expected 0, actual 1' "$here/run-example" examples/two.gc

mkdir tree tree/tests
cp "$here/lib.bash" "$here/run-document" tree/tests
cp -r examples tree
cat >tree/doc.md <<'EOF'
Text.

```
$ false
```

```gc
# mine.gc
x
```

```sh
$ gradc run examples/one.gc
a
$ gradc run mine.gc \
    z
# mine.gcz
xz
$ true
```

```sh
./setup run
```
EOF
expect 0 'doc.md: 3 passed, 0 failed' tree/tests/run-document tree/doc.md
sed -i 's/^xz$/xy/; s/^\$ true/$ false/' tree/doc.md
expect 1 'doc.md: 1 passed, 2 failed' tree/tests/run-document tree/doc.md
expect 1 'FAIL tree/doc.md:15: gradc run mine.gc' tree/tests/run-document tree/doc.md

echo "harness: $((problems ? 0 : 1)) passed, $problems failed"
((problems == 0))
