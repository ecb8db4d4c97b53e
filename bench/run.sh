#!/usr/bin/env bash
# run.sh - what `make bench` runs: figures, no test.
set -euo pipefail
printf 'machine: %s, %s\n' "$(uname -m)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
"${COMPILE_TIME:?}"
"${LIBRARY:?}"
