/* fast_math.c - the time of an element of the functions of --fast-math-functions and of the C
 * library's, in loops such as compiled C has, one after the other in turn.
 *
 * Prints, for each function in double and in float, nanoseconds an element (the least of
 * ROUNDS) and how many times faster the former is. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "../runtime/scalar.h"
#include "../runtime/fast_math.h"
#include "clock.h"

#define sigmoid gc_sigmoid
#define sigmoidf gc_sigmoidf
#define softplus gc_softplus
#define softplusf gc_softplusf

enum { N = 1024, PASSES = 50, ROUNDS = 41 };

typedef void Sweep(const void *x, void *y);

#define SWEEP(real, label, function)                                              \
  static void label(const void *from, void *to) {                                 \
    const real *restrict x = from;                                                \
    real *restrict y = to;                                                        \
    for (int i = 0; i < N; i++) y[i] = function(x[i]);                            \
  }
#define FAST(id, name, most, mostf)          \
  SWEEP(double, fast_##name, gc_fast_##name) \
  SWEEP(double, libm_##name, name)           \
  SWEEP(float, fast_##name##f, gc_fast_##name##f) \
  SWEEP(float, libm_##name##f, name##f)
#include "ir/fast_math.def"
#undef FAST

static const struct { const char *name; Sweep *fast[2], *libm[2]; } rows[] = {
#define FAST(id, name, most, mostf) \
  {#name, {fast_##name, fast_##name##f}, {libm_##name, libm_##name##f}},
#include "ir/fast_math.def"
#undef FAST
};

static void take(Sweep *sweep, const void *x, void *y, double *least) {
  double start = now();
  for (int k = 0; k < PASSES; k++) sweep(x, y);
  double each = (now() - start) / (PASSES * (double)N) * 1e9;
  if (each < *least) *least = each;
}

int main(void) {
  static double x[N], y[N];
  static float xf[N], yf[N];
  uint64_t state = 1;
  for (int i = 0; i < N; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x[i] = 1e-3 + 10 * (double)(state >> 11) * 0x1p-53;
    xf[i] = (float)x[i];
  }
  puts("function   double: fast   libm  times   float: fast   libm  times");
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    double fast[2] = {1e9, 1e9}, libm[2] = {1e9, 1e9};
    for (int round = 0; round < ROUNDS; round++)
      for (int single = 0; single < 2; single++) {
        take(rows[k].fast[single], single ? (void *)xf : x, single ? (void *)yf : y, &fast[single]);
        take(rows[k].libm[single], single ? (void *)xf : x, single ? (void *)yf : y, &libm[single]);
      }
    printf("%-9s %12.2f %6.2f %6.1f %13.2f %6.2f %6.1f\n", rows[k].name, fast[0], libm[0],
           libm[0] / fast[0], fast[1], libm[1], libm[1] / fast[1]);
  }
  return 0;
}
