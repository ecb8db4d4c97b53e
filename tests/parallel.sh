#!/usr/bin/env bash
# compile --openmp: the same bits for any number of threads and without OpenMP; --blas: the
# same numbers; both accepted without a warning; and --main, --static, --max-stmts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.bash"
find_gradc
read -ra cc <<<"${CC:-cc}"
strict=(-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Werror)
skipped=0

skip() {
  skipped=$((skipped + 1))
  echo "parallel: skipped $1"
}

model() { # model FOLDER OPTION...: values and a gradient, compiled strictly
  local dir=$work/$1
  shift
  mkdir -p "$dir"
  gradc compile "$here/compiled/kinds.gc" -o "$dir/model.c" --grad loss:x,w,y --grad pairs:x --grad hidden:x,W --grad blend:W,b,x --selftest "$@"
  "${cc[@]}" "${strict[@]}" -O1 -ffp-contract=off -c -o "$dir/model.o" "$dir/model.c"
}

driver() { # driver FOLDER FLAG...
  local dir=$work/$1
  shift
  "${cc[@]}" -std=c99 -O1 -I"$dir" -o "$dir/driver" "$here/compiled/parallel_driver.c" "$dir/model.o" "$@" -lm
  "$dir/driver" >"$dir/out"
}

# Two texts of numbers, within a relative 1e-9.
close_numbers() {
  "${AWK:-awk}" 'NR == FNR { for (i = 2; i <= NF; i++) want[FNR, i] = $i; next }
    { for (i = 2; i <= NF; i++) { d = $i - want[FNR, i]; s = want[FNR, i]
        if (d < 0) d = -d; if (s < 0) s = -s
        if (d > 1e-9*(1 + s)) { print $1 ": " $i " is not " want[FNR, i]; bad = 1 } } }
    END { exit bad || FNR == 0 }' "$@"
}

cd "$work"
check "plain code" model plain
check "plain driver" driver plain
check "code for OpenMP, without it" model serial --openmp
check "its driver" driver serial
check "its numbers" close_numbers plain/out serial/out
check "copies of accumulators" grep -q 'part\[j\] +=' serial/model.c
check "rooms of blocks" grep -q 'room = ' serial/model.c
check "blocks of rows side by side" grep -q 'first = n/16\*block.*\*16;' serial/model.c
check "rounds that may fail" grep -q 'failed\[block' serial/model.c
check "the self-test" bash -c 'printf "int model_selftest(void);\nint main(void) { return model_selftest(); }\n" >t.c
  "$@" -o t t.c serial/model.o -lm && ./t' - "${cc[@]}"
accepted() { # FILE.gc
  gradc compile "$1" -o accepted.c --openmp --no-warn=none && "${cc[@]}" "${strict[@]}" -c accepted.c
}
for file in "$here"/compiled/*.gc; do
  [[ $file == */casadi.gc ]] || check "$(basename "$file") for OpenMP" accepted "$file"
done
if echo 'int main(void) { return 0; }' >omp.c && "${cc[@]}" -fopenmp omp.c -o omp 2>/dev/null; then
  mkdir -p omp.d
  check "with OpenMP" "${cc[@]}" "${strict[@]}" -O1 -ffp-contract=off -fopenmp -c -o omp.d/model.o serial/model.c
  cp serial/model.h omp.d
  check "its driver" driver omp.d -fopenmp
  for threads in 1 2 3 8; do
    OMP_NUM_THREADS=$threads omp.d/driver >omp.d/out.$threads
    check "$threads threads, bit by bit" cmp serial/out "omp.d/out.$threads"
  done
else
  skip "OpenMP: ${cc[*]} does not know -fopenmp"
fi
gradc compile "$top_srcdir/examples/dann.gc" -f train --blas -o dann.c
products() { [[ $(grep -c '^ *gc_blas_matmul(' dann.c) == 17 ]]; }
check "every product of a network and its gradient may be BLAS's" products
blas=
for library in -lcblas -lopenblas; do
  printf '#include <cblas.h>\nint main(void) { return (int)cblas_ddot(0, 0, 1, 0, 1); }\n' >blas.c
  "${cc[@]}" blas.c -o blas "$library" 2>/dev/null && blas=$library && break
done
if [[ -n $blas ]]; then
  check "code for BLAS" model blas.d --blas
  check "it calls it" grep -q cblas_dgemm blas.d/model.c
  check "its driver" driver blas.d "$blas"
  check "its numbers" close_numbers plain/out blas.d/out
else
  skip "BLAS: there is no cblas to link with"
fi

# A program that reads files.
gradc compile "$here/compiled/kinds.gc" -o main.c --prefix model --main --grad loss:w
check "the program" "${cc[@]}" "${strict[@]}" -O1 -o main main.c main_main.c -lm
printf '# a comment\n1,2\n3 4\n5;6\n' >x.csv
printf '0.5 0.25\n' >w.txt
printf '0.5\n-1\n2\n' >y.txt
printf 'out\n5.53125\ngrad_w[2]\n14.1,18.05\n' >want
check "its output" bash -c './main loss_grad_w x.csv w.txt y.txt >got && '"$(declare -f close_numbers)"'; tr , " " <want | sed "s/^[0-9]/v &/" >a; tr , " " <got | sed "s/^[0-9]/v &/" >b; close_numbers a b || { cat got; exit 1; }'
check "a .npy file" bash -c 'gradc run -e "x = 1" >/dev/null; head=$(printf "%-117s" "{'"'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"'"); { printf "\x93NUMPY\x01\x00v\x00"; printf "%s\n" "$head"; printf "\0\0\0\0\0\0\340\077\0\0\0\0\0\0\320\077"; } >w.npy; ./main loss_grad_w x.csv w.npy y.txt >got2 && cmp got got2'
check "sizes that do not fit" bash -c '! ./main loss_grad_w x.csv x.csv y.txt 2>err && grep -q "w: " err'

gradc compile "$here/compiled/edges.gc" -o edges.c --main --wrapper --openmp --blas --selftest
for file in edges.c edges_main.c; do
  check "names that C takes: $file" "${cc[@]}" "${strict[@]}" -O1 -c "$file"
done

# One header, twice in one file; and the code cut in pieces.
gradc compile "$here/compiled/kinds.gc" -o one.h --static --prefix one --selftest --wrapper
gradc compile "$here/compiled/kinds.gc" -o two.h --static --prefix two --selftest --real=float
printf '#include "one.h"\n#include "two.h"\nint main(void) { return one_selftest() || two_selftest(); }\n' >both.c
check "two static headers" "${cc[@]}" "${strict[@]}" -O1 -o both both.c -lm
check "their tests" ./both
check "small pieces" bash -c 'gradc compile "$1" -o cut.c --max-stmts 10 --selftest --grad long:x && grep -q _part2 cut.c' - "$here/compiled/kinds.gc"
printf 'int cut_selftest(void);\nint main(void) { return cut_selftest(); }\n' >cut_main.c
check "their code" "${cc[@]}" "${strict[@]}" -Wno-missing-prototypes -O1 -o cut cut.c cut_main.c -lm
check "their test" ./cut
check "results in pieces" bash -c 'gradc compile "$1" -o cut.c -f results,list --max-stmts 10 --selftest --vjp list:x &&
  grep -q results_results_2 cut.c && grep -q "list_part[0-9]*_2" cut.c' - "$here/compiled/pieces.gc"
check "their code" "${cc[@]}" "${strict[@]}" -Wno-missing-prototypes -O1 -o cut cut.c cut_main.c -lm
check "their test" ./cut
echo "parallel: $skipped skipped"
finish parallel
