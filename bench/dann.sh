#!/usr/bin/env bash
# dann.sh - trains the 784-256-128-64-10/2 network of dann/model.gc, float, on one thread: C
# that gradc wrote, the same with its products by a BLAS, and PyTorch.  Weights and data come
# from one formula, so loss, the norm of every gradient, and the loss after ten steps must
# agree; then all make some steps in turn, again and again.
#
#   bench/dann.sh [ROUNDS]       (11)
#
# Prints, for batches of 32 and 256, the median of the steps a second (of processor time:
# others may be at work on the machine), the peak memory, and both against PyTorch.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)/dann
GRADC=${GRADC:-gradc} CC=${CC:-cc} python=/usr/bin/python3
rounds=${1:-11}

# shellcheck source=bench/openblas.bash
source "$here/../openblas.bash"

read -ra cc <<<"${CC:-gcc}"
work=$(mktemp -d "${TMPDIR:-/tmp}/gradc-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

# build NAME LIBRARY [OPTION]: the training with C that gradc wrote with the option.
build() {
  mkdir "$work/$1"
  (cd "$work/$1" && "$GRADC" compile "$here/model.gc" -o model.c --real=float --grad loss:p ${3-} &&
    "${cc[@]}" -O3 -march=native -I. "$here/main.c" model.c -o train -lm $2)
}

names=() commands=()
build plain '' && names+=('gradc') && commands+=("$work/plain/train")
if build blas -lopenblas --blas 2>/dev/null; then
  names+=('gradc --blas') commands+=("$work/blas/train")
else
  echo 'dann: without OpenBLAS (libopenblas-dev)'
fi
if "$python" -c 'import torch, numpy' 2>/dev/null; then
  names+=('PyTorch') commands+=("$python $here/train.py")
else
  echo 'dann: without PyTorch (python3-torch, python3-numpy)'
fi

# Program k writes to in[k] what it is asked and is read from out[k].
start() { # start BATCH
  local k
  for k in "${!names[@]}"; do
    rm -f "$work/in$k" "$work/out$k"
    mkfifo "$work/in$k" "$work/out$k"
    ${commands[k]} "$1" <"$work/in$k" >"$work/out$k" &
    exec {to[k]}>"$work/in$k" {from[k]}<"$work/out$k"
    read -r -u "${from[k]}" 'figures[k]'
  done
}
end() {
  local k
  for k in "${!names[@]}"; do
    echo 0 >&"${to[k]}"
    read -r -u "${from[k]}" 'memory[k]'
    exec {to[k]}>&- {from[k]}<&-
  done
  wait
}

# Whether two lines of numbers agree within what float leaves.
agree() {
  awk -v a="$1" -v b="$2" 'BEGIN {
    n = split(a, x); m = split(b, y)
    for (i = 1; i <= n; i++) { d = x[i] - y[i]; if (d < 0) d = -d; if (!(d <= 1e-4*x[i])) bad = 1 }
    exit bad || n != m || n != 14
  }'
}
median() {
  sort -g "$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1)/2)] + v[int(NR/2) + 1])/2 }'
}

measure() { # measure BATCH STEPS
  local k round time last=$((${#names[@]} - 1)) rate=()
  start "$1"
  for k in "${!names[@]}"; do
    agree "${figures[0]}" "${figures[k]}" || {
      printf 'dann: %s and %s differ:\n%s\n%s\n' "${names[0]}" "${names[k]}" "${figures[0]}" \
        "${figures[k]}"
      exit 1
    }
    : >"$work/times$k"
  done
  for ((round = 0; round < rounds; round++)); do
    for k in "${!names[@]}"; do
      echo "$2" >&"${to[k]}"
      read -r -u "${from[k]}" time
      echo "$time" >>"$work/times$k"
    done
  done
  end
  for k in "${!names[@]}"; do
    rate[k]=$(awk -v t="$(median "$work/times$k")" -v n="$2" 'BEGIN { print n/t }')
  done
  for k in "${!names[@]}"; do
    awk -v b="$1" -v name="${names[k]}" -v rate="${rate[k]}" -v base="${rate[last]}" \
      -v mem="${memory[k]}" -v most="${memory[last]}" 'BEGIN {
        printf "%5d  %-13s %9.1f %8.1f   %6.2f   %7.3f\n", b, name, rate, mem/1024, rate/base,
          mem/most
      }'
  done
}

echo
echo "784-256-128-64-10/2 in float, one thread; losses and gradients agree; against ${names[-1]}"
echo "(OpenBLAS for ${OPENBLAS_CORETYPE-the processor it finds}):"
echo "batch  program        steps/s       MB    speed    memory"
measure 32 50
measure 256 10
