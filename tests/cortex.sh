#!/usr/bin/env bash
# The example for a Cortex-M4F under qemu; and the functions of --fast-math-functions there, whose
# bits are those of the host.  Automake's 77: skipped, where a tool is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.bash"
find_gradc
example=$here/../examples/cortex_m4f
mkdir "$work/cortex" "$work/fast"
status=0
bash "$example/run.sh" "$work/cortex" >"$work/out" 2>&1 || status=$?
cat "$work/out"
if ((status == 77)); then
  echo "cortex: 0 passed, 0 failed, 1 skipped"
  exit 77
fi
if ((status == 0)); then passed=1; else failed=1; fi

fast_functions() (
  set -e
  cd "$work/fast"
  flags=(-std=c99 -O2 -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion -Wshadow
         -Wdouble-promotion -Werror)
  board=(-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16)
  gradc compile "$here/compiled/elementary.gc" -o elementary.c --real=float --fast-math-functions \
    --grad chain:x
  cp "$here/compiled/elementary_driver.c" .
  ${CC:-cc} "${flags[@]}" -o host elementary.c elementary_driver.c -lm
  arm-none-eabi-gcc "${flags[@]}" "${board[@]}" -c elementary.c elementary_driver.c
  arm-none-eabi-gcc -std=gnu99 -O2 "${board[@]}" -nostartfiles -T "$example/board.ld" \
    --specs=rdimon.specs -o board.elf "$example/startup.c" elementary.o elementary_driver.o -lm 2>log
  ./host >host.txt
  timeout 60 qemu-system-arm -machine mps2-an386 -nographic -monitor none -serial none \
    -semihosting-config enable=on,target=native -kernel board.elf >board.txt </dev/null
  wc -l <host.txt
  cmp host.txt board.txt
)
if fast_functions >"$work/out" 2>&1; then
  echo "fast functions: $(cat "$work/out") lines of bits, the same on the host"
  passed=$((passed + 1))
else
  echo "not ok: fast functions have the host's bits"
  indent "$work/out"
  failed=$((failed + 1))
fi
finish cortex
