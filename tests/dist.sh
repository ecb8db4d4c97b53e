#!/usr/bin/env bash
# dist.sh - what `make dist` packs: it can be put together, and no file of the sources is
# missing in it.
set -uo pipefail
: "${top_srcdir:?}" "${top_builddir:?}"
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
passed=0 failed=0

check() {
  if eval "$2"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL dist.sh: $1"; fi
}

# The folder of the test is its own, so that it does not meet another make.
packed=$work/packed
check "make distdir puts it together" \
  'make -s -C "$top_builddir" distdir distdir="$packed" >"$work/log" 2>&1 || { cat "$work/log"; false; }'
check "as files, none of them a folder's copy" '[[ -f $packed/examples/dann.out ]]'
check "with what autoreconf makes" '[[ -x $packed/configure && -f $packed/Makefile.in ]]'
if git -C "$top_srcdir" rev-parse --git-dir >/dev/null 2>&1; then
  git -C "$top_srcdir" ls-files | grep -v -e '^\.git' | sort >"$work/sources"
  (cd "$packed" && find . -type f | sed 's,^\./,,' | sort) >"$work/files"
  comm -23 "$work/sources" "$work/files" >"$work/missing"
  check "every file that git keeps: missing $(tr '\n' ' ' <"$work/missing")" '[[ ! -s $work/missing ]]'
else
  echo "not a git checkout: which files there should be is not known"
fi
echo "tests/dist.sh: $passed passed, $failed failed"
((failed == 0))
