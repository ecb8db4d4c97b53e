/* test_fast_math.c - the functions of --fast-math-functions against MPFR, in double and in float.
 *
 * Each is tried at special values, at powers of 2 and their neighbours, where its exponent
 * changes, where it overflows, underflows or saturates, and at random numbers: of any bits, of
 * any size that matters, near 0 and near 1.  No error may be above the limit that
 * src/ir/fast_math.def states; where a NaN, an infinity or a signed zero is due, or a number that
 * is exact (log10(1000)), it has to come.
 * What was measured is printed, and libm's own error beside it.
 *
 *   test_fast_math [POINTS]     so many random points of each kind */
#include <float.h>
#include <math.h>
#include <mpfr.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/scalar.h"
#include "../../runtime/fast_math.h"
#include "interpret/special.h"

#define mpfr_sigmoid mp_sigmoid
#define mpfr_softplus mp_softplus
#define sigmoid gc_sigmoid
#define softplus gc_softplus
#define sigmoidf gc_sigmoidf
#define softplusf gc_softplusf

typedef int Exact(mpfr_t, mpfr_srcptr, mpfr_rnd_t);

typedef struct Function {
  const char *name;
  Exact *exact;
  double (*fast)(double), (*libm)(double);
  float (*fastf)(float), (*libmf)(float);
  double limit, limitf;
} Function;

static const Function functions[] = {
#define FAST(id, name, most, mostf) \
  {#name, mpfr_##name, gc_fast_##name, name, gc_fast_##name##f, name##f, most, mostf},
#include "ir/fast_math.def"
#undef FAST
};

/* What is found of a function in one precision. */
typedef struct Found {
  const Function *f;
  bool single;
  double worst, where, libm;
  unsigned wrong;
  uint64_t points;
} Found;

static mpfr_t argument, exact, error;
static unsigned failed;

static uint64_t random_bits(void) {
  static uint64_t state = 0x853c49e6748fea9bu;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state * 0x2545f4914f6cdd1du;
}

/* In lo .. hi. */
static double uniform(double lo, double hi) {
  return lo + (hi - lo) * ((double)(random_bits() >> 11) * 0x1p-53);
}

/* The distance of one from the next number at the exact value, in powers of 2. */
static long last_place(bool single) {
  long least = single ? FLT_MIN_EXP - FLT_MANT_DIG : DBL_MIN_EXP - DBL_MANT_DIG;
  long digits = single ? FLT_MANT_DIG : DBL_MANT_DIG;
  long place = mpfr_zero_p(exact) ? least : mpfr_get_exp(exact) - digits;
  return place > least ? place : least;
}

static double nearest(bool single) {
  return single ? (double)mpfr_get_flt(exact, MPFR_RNDN) : mpfr_get_d(exact, MPFR_RNDN);
}

/* How far off y is, in units of the last place; inf where it is wrong altogether. */
static double off(bool single, double y) {
  double rounded = nearest(single);
  if (isnan(rounded) || isnan(y)) return isnan(rounded) && isnan(y) ? 0 : INFINITY;
  if (mpfr_zero_p(exact) || mpfr_inf_p(exact))
    return y == rounded && !signbit(y) == !signbit(rounded) ? 0 : INFINITY;
  if (isinf(rounded) && y == rounded) return 0;
  if (rounded != 0 && y != 0 && signbit(y) != signbit(rounded)) return INFINITY;
  if (isinf(y)) { /* as if the numbers went on */
    mpfr_set_ui_2exp(error, 1, single ? FLT_MAX_EXP : DBL_MAX_EXP, MPFR_RNDN);
    if (y < 0) mpfr_neg(error, error, MPFR_RNDN);
  } else {
    mpfr_set_d(error, y, MPFR_RNDN);
  }
  mpfr_sub(error, error, exact, MPFR_RNDN);
  mpfr_mul_2si(error, error, -last_place(single), MPFR_RNDN);
  return fabs(mpfr_get_d(error, MPFR_RNDN));
}

static void try(Found *found, double x) {
  const Function *f = found->f;
  if (found->single) x = (double)(float)x;
  double y = found->single ? (double)f->fastf((float)x) : f->fast(x);
  double libm = found->single ? (double)f->libmf((float)x) : f->libm(x);
  mpfr_set_d(argument, x, MPFR_RNDN);
  bool all_bits = f->exact(exact, argument, MPFR_RNDN) == 0;
  double far = off(found->single, y), theirs = off(found->single, libm);
  if (all_bits && far > 0 && mpfr_cmp_d(exact, nearest(found->single)) == 0) far = INFINITY;
  found->points++;
  if (theirs > found->libm && isfinite(theirs)) found->libm = theirs;
  if (far > (found->single ? f->limitf : f->limit) && found->wrong++ < 5)
    printf("%s%s(%.17g) = %.17g is off by %.3g\n", f->name, found->single ? "f" : "", x, y, far);
  if (far > found->worst) found->worst = far, found->where = x;
}

static void try_near(Found *found, double x) {
  double up = x, down = x;
  try(found, x);
  for (int k = 0; k < 3; k++) {
    up = found->single ? (double)nextafterf((float)up, INFINITY) : nextafter(up, INFINITY);
    down = found->single ? (double)nextafterf((float)down, -INFINITY) : nextafter(down, -INFINITY);
    try(found, up);
    try(found, down);
  }
}

static void special_points(Found *found) {
  static const double at[] = {0, 1, 2, 0.5, 1e-300, 1e300, DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN,
                              INFINITY, 22, 19.0625, 11, 9.01, 30, 37, 50, 1.5, M_SQRT2, M_SQRT1_2};
  try(found, NAN);
  for (size_t k = 0; k < sizeof at / sizeof *at; k++) {
    try_near(found, at[k]);
    try_near(found, -at[k]);
  }
  for (int k = -1074; k < 1024; k++) {
    try_near(found, ldexp(1, k));
    try_near(found, -ldexp(1, k));
    try_near(found, 1 + ldexp(1, k));
    try_near(found, -1 + ldexp(1, k));
    try_near(found, 1 - ldexp(1, k));
  }
  for (int k = -2200; k <= 2200; k++) { /* where exp changes its exponent, exp2 */
    try_near(found, k * (M_LN2 / 2));
    try_near(found, k * 0.5);
  }
  for (double power = 1; power < 1e300; power *= 10) {
    try_near(found, power);
    try_near(found, 1 / power);
  }
}

static void random_points(Found *found, long n) {
  for (long k = 0; k < n; k++) {
    double any = gc_number(random_bits());
    if (!isnan(any) && !found->single) try(found, any);
    if (found->single) try(found, (double)gc_numberf((uint32_t)random_bits()));
    try(found, uniform(-1, 1));
    try(found, uniform(0, 4));
    try(found, uniform(-20, 20));
    try(found, uniform(-750, 750));
    try(found, uniform(0.5, 1.5));
    try(found, ldexp(uniform(-1, 1), (int)(random_bits() % 30) - 30));
    try(found, uniform(-746, -700));
    try(found, uniform(-105, -80));
  }
}

static void measure(const Function *f, bool single, long n) {
  Found found = {.f = f, .single = single};
  special_points(&found);
  random_points(&found, n);
  printf("%-9s %-6s %6.3f %6.1f %6.3f   %8llu points, worst at %.17g\n", f->name,
         single ? "float" : "double", found.worst, single ? f->limitf : f->limit, found.libm,
         (unsigned long long)found.points, found.where);
  failed += found.wrong > 0;
}

int main(int argc, char **argv) {
  long n = argc > 1 ? strtol(argv[1], NULL, 10) : 2000;
  mpfr_inits2(160, argument, exact, error, (mpfr_ptr)NULL);
  puts("function  real    error  limit   libm");
  for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
    measure(&functions[k], false, n);
    measure(&functions[k], true, n);
  }
  mpfr_clears(argument, exact, error, (mpfr_ptr)NULL);
  mpfr_free_cache();
  return failed != 0;
}
