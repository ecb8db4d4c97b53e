#!/usr/bin/env bash
# Loops over single elements become vector instructions: of each function of src/ir/fast_math.def
# under --fast-math-functions, and of choices, roots and roundings under the flags that
# docs/build-systems.md names.  The compilers' own reports tell, a function of C on each line.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.bash"
find_gradc
awk=${AWK:-awk}
cd "$work"

case $(uname -m) in
  x86_64 | i?86) ;;
  *)
    echo "vectorize: 0 passed, 0 failed, 1 skipped: the machine is not an x86"
    exit 77
    ;;
esac

{
  sed -n 's/^FAST([A-Z0-9]*, \([a-z0-9]*\),.*/\1/p' "$here/../src/ir/fast_math.def" |
    while read -r name; do echo "f_$name(x: real[n]) = [$name(v) for v in x]"; done
} >functions.gc
cat >choices.gc <<'E2'
f_max(x: real[n], y: real[n]) = [max(x[i], y[i]) for i < n]
f_abs(x: real[n]) = [abs(v) for v in x]
f_relu(x: real[n]) = [relu(v) for v in x]
f_clamp(x: real[n]) = [clamp(v, -1, 1) for v in x]
f_sign(x: real[n]) = [sign(v) for v in x]
f_heaviside(x: real[n]) = [heaviside(v) for v in x]
f_branch(x: real[n]) = [if v > 0 then v*2 else v*0.1 for v in x]
f_within(x: real[n], y: real[n]) = [if x[i] > 0 and x[i] < 1 then x[i] else y[i] for i < n]
f_huber(x: real[n], y: real[n]) = [{ r = abs(x[i] - y[i]); if r < 1 then 0.5*r*r else r - 0.5 } for i < n]
f_isnan(x: real[n]) = [if isnan(v) then 0 else v for v in x]
f_isfinite(x: real[n]) = [if isfinite(v) then v else 0 for v in x]
f_sqrt(x: real[n]) = [sqrt(v) for v in x]
f_floor(x: real[n]) = [floor(v) for v in x]
f_ring(x: real[n]) = [x[(i + 1) % n] - x[(i + n - 2) % n] for i < n]
f_rolled(x: real[n], k: int) = [x[(i + k) % n] for i < n]
f_fixed(x: real[n]) = [if i == 0 or i == n - 1 then 0 else x[i + 1] - x[i - 1] for i < n]
f_free(x: real[n]) = [x[min(i + 1, n - 1)] - x[max(i - 1, 0)] for i < n]
g_ring(x: real[n], y: real[n]) = grad(dot(y, [x[(i + 1) % n]*x[(i - 1) % n] for i < n]), x)
g_steps(x: real[n], y: real[n - 1]) = grad(dot(y, [(x[i + 1] - x[i])^2 for i < n - 1]), x)
g_relu(x: real[n]) = grad(sum(relu(v)^2 for v in x), x)
g_max(x: real[n], y: real[n]) = grad(sum(max(x[i], y[i])*x[i] for i < n), x)
E2

# missing FILE.c CC FLAG...: the functions of FILE.c without a vectorized loop.
missing() {
  local file=$1 cc=$2 report
  shift 2
  case $cc in
    gcc) report=-fopt-info-vec-optimized ;;
    clang) report=-Rpass=loop-vectorize ;;
  esac
  "$cc" -std=c99 -O3 -ffp-contract=off -fno-builtin "$@" "$report" -c -o out.o "$file" 2>report
  "$awk" -F: '
    FNR == NR { if (/loop vectorized|vectorized loop/) done[$2]; next }
    /^int [a-z0-9_]*_[fg]_[a-z0-9]*\(/ {
      name = $0
      sub(/^int /, "", name)
      sub(/\(.*/, "", name)
      head = 1
    }
    head && /[;{]$/ { head = 0; if (/;$/) name = "" } # a prototype
    /^}/ { if (name != "" && !any) print name; name = ""; any = 0 }
    name != "" && (FNR in done) { any = 1 }' report "$file"
}

# vectorizes TITLE FILE.c CC FLAG...
vectorizes() {
  local title=$1 left
  left=$(missing "${@:2}")
  if [[ -z $left ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "not ok: $title: no vectors in" $left
  fi
}

relaxed=(-fno-math-errno -fno-trapping-math)
for cc in gcc clang; do
  if ! command -v "$cc" >/dev/null; then
    echo "vectorize: $cc is not installed"
    continue
  fi
  for real in double float; do
    gradc compile functions.gc -o functions.c --real=$real --fast-math-functions
    gradc compile choices.gc -o choices.c --real=$real
    vectorizes "$cc, $real, functions" functions.c "$cc"
    vectorizes "$cc, $real, functions, AVX2" functions.c "$cc" -mavx2
    vectorizes "$cc, $real, functions, AVX-512" functions.c "$cc" -mavx512f -mavx512dq
    vectorizes "$cc, $real, choices, AVX2" choices.c "$cc" "${relaxed[@]}" -mavx2
    vectorizes "$cc, $real, choices, AVX-512" choices.c "$cc" "${relaxed[@]}" -mavx512f -mavx512dq
  done
done
finish vectorize
