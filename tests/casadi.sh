#!/usr/bin/env bash
# CasADi's interface (compile --abi=casadi), used by a driver that knows of it only what
# CasADi's external() knows.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.bash"
find_gradc
cc=${CC:-cc}
read -ra cc <<<"$cc"
strict=(-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Werror)

cd "$work"
"${cc[@]}" -O1 -o driver "$here/compiled/casadi_driver.c" -ldl -lm
gradc compile "$here/compiled/casadi.gc" -o model.c --abi=casadi --selftest --size n=3 --size m=2
check compiling "${cc[@]}" "${strict[@]}" -O1 -fPIC -shared -o model.so model.c -lm
printf '#include "model.h"\nint main(void) { return model_f_n_in() != 4; }\n' >user.c
check "its header" "${cc[@]}" "${strict[@]}" -c user.c
for name in f g h names; do check "$name" ./driver ./model.so "model_$name"; done
check "null results" ./driver ./model.so model_apart apart
check reversed ./driver ./model.so model_reversed reversed

# What cannot be is said.
check "a size without a value" bash -c \
  '! gradc compile "$1" -o m.c --abi=casadi --size n=3 2>err && grep -q "size .m. of .f. has no value" err' \
  - "$here/compiled/casadi.gc"
check "float refused" bash -c \
  '! gradc compile "$1" -o m.c --abi=casadi --real=float 2>err && grep -q "numbers are double" err' \
  - "$here/compiled/casadi.gc"
finish casadi
