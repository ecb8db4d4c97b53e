/* native.c - double and float, by C's operators and the C library. */
#include "interpret/number.h"
#include "interpret/special.h"

#include <math.h>

static double to_double(const Num *a) {
  return a->r;
}

static int64_t to_int(const Num *a) {
  return fabs(a->r) < 0x1p63 ? (int64_t)a->r : INT64_MIN;
}

static Order order(const Num *a, const Num *b) {
  if (isunordered(a->r, b->r)) return UNORDERED;
  return a->r < b->r ? LESS : a->r > b->r ? GREATER : EQUAL;
}

/* Further than any exponent goes, and no further. */
static long shift_count(int64_t n) {
  const int64_t most = 5000;
  return (long)(n > most ? most : n < -most ? -most : n);
}

/* The gamma functions correctly rounded, but for a rare last bit: the C library's lgamma
 * sets a global, and the others it does not have. */
static double by_mpfr(uint32_t prim, int64_t n, double x) {
  mpfr_t value, at;
  mpfr_init2(at, 53);
  mpfr_init2(value, 80);
  mpfr_set_d(at, x, MPFR_RNDN);
  if (prim == P_LGAMMA) mp_lgamma(value, at, MPFR_RNDN);
  else mp_polygamma(value, n, at, MPFR_RNDN);
  double result = mpfr_get_d(value, MPFR_RNDN);
  mpfr_clear(value);
  mpfr_clear(at);
  return result;
}

#define REAL double
#define M(fn) fn
#define KIND(x) double_##x
#define KIND_NAME kind_double
#include "interpret/native_kind.h"
#undef REAL
#undef M
#undef KIND
#undef KIND_NAME

#define REAL float
#define M(fn) fn##f
#define KIND(x) float_##x
#define KIND_NAME kind_float
#include "interpret/native_kind.h"
