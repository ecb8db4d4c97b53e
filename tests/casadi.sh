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

count() { # count WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "casadi: $what failed"
    indent "$work/log"
  fi
}

cd "$work"
"${cc[@]}" -O1 -o driver "$here/compiled/casadi_driver.c" -ldl -lm
gradc compile "$here/compiled/casadi.gc" -o model.c --abi=casadi --selftest --size n=3 --size m=2
count compiling "${cc[@]}" "${strict[@]}" -O1 -fPIC -shared -o model.so model.c -lm
printf '#include "model.h"\nint main(void) { return model_f_n_in() != 4; }\n' >user.c
count "its header" "${cc[@]}" "${strict[@]}" -c user.c
for name in f g h names; do count "$name" ./driver ./model.so "model_$name"; done
count reversed ./driver ./model.so model_reversed reversed

# What cannot be is said.
count "a size without a value" bash -c \
  '! gradc compile "$1" -o m.c --abi=casadi --size n=3 2>err && grep -q "size .m. of .f. has no value" err' \
  - "$here/compiled/casadi.gc"
count "float refused" bash -c \
  '! gradc compile "$1" -o m.c --abi=casadi --real=float 2>err && grep -q "numbers are double" err' \
  - "$here/compiled/casadi.gc"
finish casadi
