#!/usr/bin/env bash
# The shared library shows gradc_* and nothing else, and shows something.
set -euo pipefail
library=$top_builddir/.libs/libgradc.so
[[ -e $library ]] || { echo "no shared library was built"; exit 77; }
shown=$(nm -D --defined-only "$library" | awk '$2 ~ /[TDBRVWi]/ { print $3 }' | sed 's/@.*//')
tools='^__(gcov|asan|odr_asan|ubsan|lsan|sanitizer)' # what instrumentation adds
others=$(grep -vE '^gradc_|^GRADC_[0-9]' <<<"$shown" | grep -vE "$tools" || true)
[[ -z $others ]] || { echo "libgradc.so shows too much:"; echo "$others"; exit 1; }
grep -q '^gradc_' <<<"$shown" || { echo "libgradc.so shows no gradc_ function"; exit 1; }
