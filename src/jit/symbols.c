/* symbols.c - the functions that compiled code may call: the C library's mathematics,
 * runtime/scalar.h, fast_math.h and matmul.h, kernels, and what the host does for it. */
#include "jit/symbols.h"

#include <math.h>
#include <string.h>

#include "../../runtime/scalar.h"
#include "../../runtime/fast_math.h"

typedef void (*Function)(void);
typedef struct Entry { const char *name; Function f; } Entry;

#define ONE(name) {#name, (Function)name},
#define BOTH(name) ONE(name) ONE(name##f)
#define ALL(name) BOTH(name) ONE(name##_i)

#define KERNEL(name) {"gc_" #name, (Function)jit_##name}, {"gc_" #name "f", (Function)jit_##name##f},

static const Entry entries[] = {
  BOTH(pow) BOTH(cbrt) BOTH(hypot) BOTH(exp) BOTH(exp2) BOTH(expm1) BOTH(log)
  BOTH(log10) BOTH(log1p) BOTH(log2) BOTH(logb) BOTH(sin) BOTH(cos) BOTH(tan) BOTH(asin)
  BOTH(acos) BOTH(atan) BOTH(atan2) BOTH(sinh) BOTH(cosh) BOTH(tanh) BOTH(asinh) BOTH(acosh)
  BOTH(atanh) BOTH(erf) BOTH(erfc) BOTH(tgamma) BOTH(lgamma)
  BOTH(round) BOTH(fmod) BOTH(remainder) BOTH(fdim) BOTH(fmax) BOTH(fmin) BOTH(fma)
  ALL(gc_mod) ALL(gc_floordiv) ALL(gc_max) ALL(gc_min) ALL(gc_clamp) ALL(gc_select)
  BOTH(gc_int) BOTH(gc_sqrt) BOTH(gc_floor) BOTH(gc_ceil) BOTH(gc_trunc) BOTH(gc_rint) BOTH(gc_copysign)
  ALL(gc_abs) ALL(gc_sign) ALL(gc_relu) ONE(gc_pow_i)
  BOTH(gc_heaviside) BOTH(gc_isnan) BOTH(gc_isinf) BOTH(gc_isfinite) BOTH(gc_ldexp)
  BOTH(gc_sigmoid) BOTH(gc_softplus) BOTH(gc_logit) BOTH(gc_digamma) BOTH(gc_polygamma)
#define FAST(id, name, most, mostf) BOTH(gc_fast_##name)
#include "ir/fast_math.def"
#undef FAST
  KERNEL(matmul) KERNEL(matvec) KERNEL(vecmat) KERNEL(lanes_start) KERNEL(lanes_sum)
  ONE(memcpy) ONE(memmove) ONE(memset)
  ONE(gc_temp) ONE(gc_mark) ONE(gc_release) ONE(gc_effect) ONE(gc_fail) ONE(gc_stop) ONE(gc_stopped)
};

#define PLAIN(name) {"gc_" #name, (Function)jit_##name},

static const Entry kernels[] = {
#define EACH1(id, name, value) KERNEL(each_##name)
#define TEST1(id, name, value) KERNEL(each_##name)
#define EACH2(id, name, value) KERNEL(each_##name)
#define TEST2(id, name, value) KERNEL(each_##name)
#define EACH3(id, name, value) KERNEL(each_##name)
#define PLAIN1(name, value) KERNEL(each_##name)
#define PLAIN2(name, value) KERNEL(each_##name)
#define FUSED(name, value) KERNEL(each_##name)
#define FAST(id, name, most, mostf) KERNEL(each_fast_##name)
#define INTO(name, next) KERNEL(each_##name) KERNEL(each_lanes_##name)
#define INTO2(name, next) KERNEL(each_##name) KERNEL(each_lanes_##name)
#include "ir/each.def"
#include "ir/fast_math.def"
  KERNEL(each_copy) KERNEL(each_select) KERNEL(each_count) KERNEL(each_real)
  KERNEL(each_call1) KERNEL(each_call2) KERNEL(each_call3)
  PLAIN(each_and) PLAIN(each_or) PLAIN(each_not) PLAIN(each_fill)
};

static void give(const Entry *from, size_t n, TakeSymbol *take, void *user) {
  for (size_t k = 0; k < n; k++) {
    const void *address; /* POSIX: a function's address fits; C has no cast for it */
    memcpy(&address, &from[k].f, sizeof address);
    take(user, from[k].name, address);
  }
}

void jit_symbols(TakeSymbol *take, void *user) {
  give(entries, sizeof entries / sizeof *entries, take, user);
}

void jit_kernels(TakeSymbol *take, void *user) {
  give(kernels, sizeof kernels / sizeof *kernels, take, user);
}
