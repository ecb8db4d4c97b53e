#!/usr/bin/env bash
# run.sh - builds the controller for the host and for a Cortex-M4F, runs both, the second
# under qemu, and compares their numbers.
#
#   GRADC=gradc examples/cortex_m4f/run.sh [FOLDER for what is built]
#
# Needs (Debian) gcc-arm-none-eabi, libnewlib-arm-none-eabi, qemu-system-arm; exits with 77,
# saying what is missing, without them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
gradc=${GRADC:-gradc}
to=${1:-$(mktemp -d)}

for tool in arm-none-eabi-gcc qemu-system-arm; do
  command -v "$tool" >/dev/null || { echo "cortex_m4f: $tool is not installed"; exit 77; }
done
if ! echo '#include <math.h>' | arm-none-eabi-gcc -E - >/dev/null 2>&1; then
  echo "cortex_m4f: newlib for ARM (libnewlib-arm-none-eabi) is not installed"
  exit 77
fi

flags=(-std=c99 -O2 -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Werror)
cd "$to"
"$gradc" compile "$here/pendulum.gc" -o pendulum.c --real=float --grad cost:u --selftest
cp "$here/control.c" .
${CC:-cc} "${flags[@]}" -o host pendulum.c control.c -lm
arm-none-eabi-gcc "${flags[@]}" -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -c pendulum.c control.c
arm-none-eabi-gcc -std=gnu99 -O2 -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 \
  -nostartfiles -T "$here/board.ld" --specs=rdimon.specs -o control.elf "$here/startup.c" pendulum.o control.o \
  -lm -Wl,--no-warn-rwx-segments 2>/dev/null ||
arm-none-eabi-gcc -std=gnu99 -O2 -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 \
  -nostartfiles -T "$here/board.ld" --specs=rdimon.specs -o control.elf "$here/startup.c" pendulum.o control.o -lm
arm-none-eabi-size control.elf
./host >host.txt
timeout 60 qemu-system-arm -machine mps2-an386 -nographic -monitor none -serial none \
  -semihosting-config enable=on,target=native -kernel control.elf >board.txt </dev/null
cat board.txt

# Numbers of the board against the host's: newlib's sine and cosine may be off in the last
# place, and the loop carries that on, so 16 units in the last place of the larger of the
# number and 0.01 are allowed.
awk '
  function abs(v) { return v < 0 ? -v : v }
  { for (i = 1; i <= NF; i++) if (NR == FNR) host[FNR, i] = $i
    else {
      if ($i == host[FNR, i]) continue
      if ($i + 0 == 0 && $i != "0") { print "differs: " host[FNR, i] " " $i; bad = 1; continue }
      top = abs($i) > 0.01 ? abs($i) : 0.01
      units = abs($i - host[FNR, i]) / (top * 2^-23)
      if (units > most) most = units
      if (units > 16) bad = 1
    } }
  NR == FNR { lines++ }
  END { if (FNR != lines || lines < 2) { print "the board printed " FNR " lines, the host " lines; bad = 1 }
        printf "host and board agree within %.1f units in the last place\n", most; exit bad }
' host.txt board.txt
