#!/usr/bin/env bash
# Two headers of `compile --static` in one file: of doubles and of floats, both with traces,
# checks, helper functions and constant arrays.  Every compiler that is here accepts them
# without a warning, and the program prints what `run` prints.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.bash"
find_gradc
flags='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Werror'

cd "$work"
cat >model.gc <<'END'
f(x: real[n], k: int): real = {
  y = [x[i]*weight[i % 3] for i < n]
  m = k // 2 + [k, 2*k][k % 2]
  trace "y {y}, m {m}, sum {sum(y)}, some {m > 3}"
  m + sum(y)
}
weight = [0.5, 0.25, 2.0]
END
gradc compile model.gc -o one.h --static --trace
gradc compile model.gc -o two.h --static --trace --real=float
cat >main.c <<'END'
#include "one.h"
#include "two.h"
int main(void) {
  const double x[3] = {1.0, 2.0, 4.0};
  const float y[3] = {1.0f, 2.0f, 4.0f};
  double out, work[64];
  float out_f, work_f[64];
  return one_f(3, x, 3, &out, work) || two_f(3, y, 3, &out_f, work_f) ||
         (out_f - (float)out > 0.0f || out_f - (float)out < 0.0f);
}
END
printf '%s\n' "$(cat model.gc)" 'print f([1.0, 2.0, 4.0], 3)' >run.gc
gradc run run.gc | sed '$d' >want
cat want >>want.both
cat want >>want.both
check_compiler() { # NAME COMMAND…
  if ! command -v "$1" >/dev/null; then
    echo "static: $1 is not installed: what it would say is not known"
    return
  fi
  check "$1" "$@" main.c -o main -lm
  check "what $1 made" bash -c './main >got && cmp got want.both'
}
check_compiler gcc -std=c99 $flags -O1
check_compiler clang -std=c99 $flags
check_compiler g++ -std=c++11 $flags -x c++
check_compiler tcc -std=c99 -Wall -Werror
finish static
