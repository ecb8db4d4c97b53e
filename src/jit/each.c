/* each.c - kernels for libtcc's code, which does not optimize: one operation on many elements.
 *
 * A loop that is plain arithmetic calls them for some hundred rounds at a time (emit/strips.c);
 * what stands between two operations lies in the first cache.  An operand is an array (step 1) or
 * one number for all (step 0); a result may stand where an operand stood.  The operations are those
 * of expressions, and sums go in the order that emission says: the bits are the same as
 * everywhere. */
#include "jit/symbols.h"

#include <math.h>

#include "jit/clones.h"

#include "../../runtime/scalar.h"
#include "../../runtime/fast_math.h"

/* ---- one element after the other ------------------------------------------------------------ */

#define LOOP GC_APART for (int64_t k = 0; k < n; k++)

#define LOOP1(value)                           \
  LOOP {                                       \
    const real x = xs[k];                      \
    to[k] = value;                             \
  }

/* X, Y, Z: is it an array? */
#define LOOP2(X, Y, value)                     \
  {                                            \
    if (n < 1) return;                         \
    const real x0 = *xs, y0 = *ys;             \
    LOOP {                                     \
      const real x = X ? xs[k] : x0;           \
      const real y = Y ? ys[k] : y0;           \
      to[k] = value;                           \
    }                                          \
    return;                                    \
  }

#define LOOP3(X, Y, Z, value)                  \
  {                                            \
    if (n < 1) return;                         \
    const real x0 = *xs, y0 = *ys, z0 = *zs;   \
    LOOP {                                     \
      const real x = X ? xs[k] : x0;           \
      const real y = Y ? ys[k] : y0;           \
      const real z = Z ? zs[k] : z0;           \
      to[k] = value;                           \
    }                                          \
    return;                                    \
  }

#define UNARY(name, type, value)                                                            \
  CLONES void EACH(name)(int64_t n, type *to, const real *xs) { LOOP1(value) }

#define BINARY(name, type, value)                                                           \
  CLONES void EACH(name)(int64_t n, type *to, const real *xs, int64_t dx, const real *ys,   \
                         int64_t dy) {                                                      \
    if (dx && dy) LOOP2(1, 1, value)                                                        \
    if (dx) LOOP2(1, 0, value)                                                              \
    LOOP2(0, 1, value)                                                                      \
  }

#define TERNARY(name, value)                                                                \
  CLONES void EACH(name)(int64_t n, real *to, const real *xs, int64_t dx, const real *ys,   \
                         int64_t dy, const real *zs, int64_t dz) {                          \
    if (dx && dy && dz) LOOP3(1, 1, 1, value)                                               \
    if (dy && dz) LOOP3(0, 1, 1, value)                                                     \
    if (dx && dz) LOOP3(1, 0, 1, value)                                                     \
    if (dx && dy) LOOP3(1, 1, 0, value)                                                     \
    if (dx) LOOP3(1, 0, 0, value)                                                           \
    if (dy) LOOP3(0, 1, 0, value)                                                           \
    LOOP3(0, 0, 1, value)                                                                   \
  }

#define EACH1(id, name, value) UNARY(name, real, value)
#define TEST1(id, name, value) UNARY(name, int64_t, value)
#define EACH2(id, name, value) BINARY(name, real, value)
#define TEST2(id, name, value) BINARY(name, int64_t, value)
#define PLAIN2(name, value) BINARY(name, real, value)
#define EACH3(id, name, value) TERNARY(name, value)
#define FUSED(name, value) TERNARY(name, value)
#define PLAIN1(name, value) UNARY(name, real, value)
#define FAST(id, name, most, mostf) UNARY(fast_##name, real, F(gc_fast_##name)(x))

/* ---- all into one ---------------------------------------------------------------------------- */

/* Round k goes into lane k mod LANES; n is a multiple of that. */
#define IN_LANES(value)                                        \
  real lanes[LANES];                                           \
  for (int l = 0; l < LANES; l++) lanes[l] = total[l];         \
  for (int64_t start = 0; start < n; start += LANES)           \
    GC_LANES for (int l = 0; l < LANES; l++) {             \
      const int64_t k = start + l;                             \
      const real t = lanes[l];                                 \
      lanes[l] = value;                                        \
    }                                                          \
  for (int l = 0; l < LANES; l++) total[l] = lanes[l];

#define IN_ORDER(value)                                        \
  real t = *total;                                             \
  for (int64_t k = 0; k < n; k++) t = value;                   \
  *total = t;

#define INTO(name, next)                                                                    \
  static inline real EACH(next_##name)(real t, real x) { return next; }                     \
  CLONES void EACH(name)(int64_t n, real *total, const real *xs) {                          \
    IN_ORDER(EACH(next_##name)(t, xs[k]))                                                   \
  }                                                                                         \
  CLONES void EACH(lanes_##name)(int64_t n, real *total, const real *xs) {                  \
    IN_LANES(EACH(next_##name)(t, xs[k]))                                                   \
  }

#define INTO2(name, next)                                                                   \
  static inline real EACH(next_##name)(real t, real x, real y) { return next; }             \
  CLONES void EACH(name)(int64_t n, real *total, const real *xs, const real *ys) {          \
    IN_ORDER(EACH(next_##name)(t, xs[k], ys[k]))                                            \
  }                                                                                         \
  CLONES void EACH(lanes_##name)(int64_t n, real *total, const real *xs, const real *ys) {  \
    IN_LANES(EACH(next_##name)(t, xs[k], ys[k]))                                            \
  }

/* ---- what is no primitive ---------------------------------------------------------------------- */

#define OTHERS                                                                              \
  CLONES void EACH(copy)(int64_t n, real *to, const real *xs, int64_t dx) {                 \
    if (n < 1) return;                                                                      \
    const real x0 = *xs;                                                                    \
    if (dx == 1) LOOP to[k] = xs[k];                                                        \
    else if (dx == 0) LOOP to[k] = x0;                                                      \
    else LOOP to[k] = xs[k * dx];                                                           \
  }                                                                                         \
  CLONES void EACH(select)(int64_t n, real *to, const int64_t *is, const real *xs,          \
                           int64_t dx, const real *ys, int64_t dy) {                        \
    if (dx && dy) LOOP2(1, 1, is[k] ? x : y)                                                \
    if (dx) LOOP2(1, 0, is[k] ? x : y)                                                      \
    if (dy) LOOP2(0, 1, is[k] ? x : y)                                                      \
    LOOP2(0, 0, is[k] ? x : y)                                                              \
  }                                                                                         \
  CLONES void EACH(count)(int64_t n, real *to, int64_t first, int64_t step) {               \
    LOOP to[k] = (real)(first + k * step);                                                  \
  }                                                                                         \
  CLONES void EACH(real)(int64_t n, real *to, const int64_t *xs, int64_t dx) {              \
    LOOP to[k] = (real)xs[k * dx];                                                          \
  }                                                                                         \
  void EACH(call1)(int64_t n, real *to, real (*f)(real), const real *xs) {                  \
    for (int64_t k = 0; k < n; k++) to[k] = f(xs[k]);                                       \
  }                                                                                         \
  void EACH(call2)(int64_t n, real *to, real (*f)(real, real), const real *xs, int64_t dx,  \
                   const real *ys, int64_t dy) {                                            \
    for (int64_t k = 0; k < n; k++) to[k] = f(xs[k * dx], ys[k * dy]);                      \
  }                                                                                         \
  void EACH(call3)(int64_t n, real *to, real (*f)(real, real, real), const real *xs,        \
                   int64_t dx, const real *ys, int64_t dy, const real *zs, int64_t dz) {    \
    for (int64_t k = 0; k < n; k++) to[k] = f(xs[k * dx], ys[k * dy], zs[k * dz]);          \
  }

/* ---- lanes --------------------------------------------------------------------------------------- */

/* Sums in lanes begin at 0, and are added up as a tree (emit/lanes.c). */
#define LANES_ALONE                                                                         \
  void KERNEL(lanes_start)(real *lane) {                                                    \
    for (int l = 0; l < LANES; l++) lane[l] = 0;                                            \
  }                                                                                         \
  real KERNEL(lanes_sum)(const real *lane) {                                                \
    real sum[LANES / 2];                                                                    \
    for (int l = 0; l < LANES / 2; l++) sum[l] = lane[l] + lane[l + LANES / 2];             \
    for (int half = LANES / 4; half; half /= 2)                                             \
      for (int l = 0; l < half; l++) sum[l] += sum[l + half];                               \
    return sum[0];                                                                          \
  }

/* ---- in double, in float ---------------------------------------------------------------------- */

#define real double
#define F(name) name
#define EACH(name) jit_each_##name
#define KERNEL(name) jit_##name
#define LANES 8
#include "ir/each.def"
#include "ir/fast_math.def"
OTHERS
LANES_ALONE
#undef real
#undef F
#undef EACH
#undef KERNEL
#undef LANES

#define real float
#define F(name) name##f
#define EACH(name) jit_each_##name##f
#define KERNEL(name) jit_##name##f
#define LANES 16
#include "ir/each.def"
#include "ir/fast_math.def"
OTHERS
LANES_ALONE
#undef real

CLONES void jit_each_and(int64_t n, int64_t *to, const int64_t *xs, const int64_t *ys) {
  LOOP to[k] = xs[k] && ys[k];
}

CLONES void jit_each_or(int64_t n, int64_t *to, const int64_t *xs, const int64_t *ys) {
  LOOP to[k] = xs[k] || ys[k];
}

CLONES void jit_each_not(int64_t n, int64_t *to, const int64_t *xs) {
  LOOP to[k] = !xs[k];
}

CLONES void jit_each_fill(int64_t n, int64_t *to, int64_t x) {
  LOOP to[k] = x;
}
