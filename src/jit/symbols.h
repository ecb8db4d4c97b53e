/* symbols.h - the functions that compiled code may call. */
#ifndef GRADC_JIT_SYMBOLS_H
#define GRADC_JIT_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "jit/run.h"

typedef struct Symbol { const char *name; const void *address; } Symbol;

/* What the host does for a running function (run.c). */
void *gc_temp(void *run, double bytes);
void *gc_mark(void *run);
void gc_release(void *run, void *mark);
int gc_effect(void *run, unsigned node, const JitLeaf *leaf, unsigned n);
int gc_fail(void *run, unsigned node, int axis, long long index, long long size);
JitStop *gc_stop(void *run);
int gc_stopped(void *run);

/* kernels.c: what runtime/matmul.h has under gc_, in double and in float. */
#define KERNELS(real, f)                                                                         \
  void jit_matmul##f(int64_t m, int64_t n, int64_t depth, const real *a, int64_t a_row,         \
                     int64_t a_column, const real *b, int64_t b_row, int64_t b_column, real *c, \
                     int64_t c_row, int add);                                                   \
  void jit_matvec##f(int64_t m, int64_t depth, const real *a, int64_t a_row, const real *b,     \
                     real *c, int add);                                                         \
  void jit_vecmat##f(int64_t n, int64_t depth, const real *a, int64_t a_column, const real *b,  \
                     int64_t b_row, real *c, int add);
KERNELS(double, )
KERNELS(float, f)
#undef KERNELS

/* each.c: sums in lanes, */
void jit_lanes_start(double *lane);
void jit_lanes_startf(float *lane);
double jit_lanes_sum(const double *lane);
float jit_lanes_sumf(const float *lane);
/* and the kernels of ir/each.def, which code calls under gc_ */
#define real double
#define EACH(name) jit_each_##name
#include "jit/each.h"
#undef real
#undef EACH
#define real float
#define EACH(name) jit_each_##name##f
#include "jit/each.h"
#undef real
#undef EACH
void jit_each_and(int64_t n, int64_t *to, const int64_t *xs, const int64_t *ys);
void jit_each_or(int64_t n, int64_t *to, const int64_t *xs, const int64_t *ys);
void jit_each_not(int64_t n, int64_t *to, const int64_t *xs);
void jit_each_fill(int64_t n, int64_t *to, int64_t x);

/* Calls take(user, name, address) for every function that is known, but for the kernels of each.c,
 * which are many; for these. */
typedef void TakeSymbol(void *user, const char *name, const void *address);
void jit_symbols(TakeSymbol *take, void *user);
void jit_kernels(TakeSymbol *take, void *user);

#endif
