/* special.c - primitives on MPFR numbers that MPFR lacks, to about the precision of `out`.
 *
 * Each works with GUARD bits more, rounds once at the end and leaves its operands alone. */
#include "interpret/special.h"

#include <limits.h>

enum { GUARD = 64 };

static mpfr_prec_t inner(mpfr_srcptr out) {
  return mpfr_get_prec(out) + GUARD;
}

/* ---- division ------------------------------------------------------------------ */

/* fmod(x, y) with the sign of y where it is not 0. */
static void modulo(mpfr_t r, mpfr_srcptr x, mpfr_srcptr y) {
  mpfr_fmod(r, x, y, MPFR_RNDN);
  if (mpfr_zero_p(r)) mpfr_copysign(r, r, y, MPFR_RNDN);
  else if (!mpfr_nan_p(r) && mpfr_signbit(r) != mpfr_signbit(y)) mpfr_add(r, r, y, MPFR_RNDN);
}

int mp_mod(mpfr_t out, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd) {
  mpfr_t r;
  mpfr_init2(r, inner(out));
  modulo(r, x, y);
  int inexact = mpfr_set(out, r, rnd);
  mpfr_clear(r);
  return inexact;
}

int mp_floordiv(mpfr_t out, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd) {
  mpfr_t q;
  if (mpfr_zero_p(y)) return mpfr_div(out, x, y, rnd);
  mpfr_init2(q, inner(out));
  mpfr_fmod(q, x, y, MPFR_RNDN);
  int borrow = !mpfr_zero_p(q) && mpfr_signbit(q) != mpfr_signbit(y);
  mpfr_sub(q, x, q, MPFR_RNDN);
  mpfr_div(q, q, y, MPFR_RNDN);
  mpfr_round(q, q);
  if (borrow) mpfr_sub_ui(q, q, 1, MPFR_RNDN);
  int inexact = mpfr_set(out, q, rnd);
  mpfr_clear(q);
  return inexact;
}

/* MPFR follows C99: x^0 is 1 for every x, 1^y too. */
int mp_pow(mpfr_t out, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd) {
  return mpfr_pow(out, x, y, rnd);
}

/* ---- choices ------------------------------------------------------------------- */

int mp_max(mpfr_t out, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd) {
  return mpfr_set(out, mpfr_nan_p(x) || mpfr_greaterequal_p(x, y) ? x : y, rnd);
}

int mp_min(mpfr_t out, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd) {
  return mpfr_set(out, mpfr_nan_p(x) || mpfr_lessequal_p(x, y) ? x : y, rnd);
}

int mp_select(mpfr_t out, int64_t c, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd) {
  return mpfr_set(out, c ? x : y, rnd);
}

int mp_clamp(mpfr_t out, mpfr_srcptr x, mpfr_srcptr lo, mpfr_srcptr hi, mpfr_rnd_t rnd) {
  return mpfr_set(out, mpfr_less_p(x, lo) ? lo : mpfr_greater_p(x, hi) ? hi : x, rnd);
}

int mp_eq(mpfr_srcptr x, mpfr_srcptr y) { return mpfr_equal_p(x, y) != 0; }
int mp_ne(mpfr_srcptr x, mpfr_srcptr y) { return mpfr_equal_p(x, y) == 0; }
int mp_lt(mpfr_srcptr x, mpfr_srcptr y) { return mpfr_less_p(x, y) != 0; }
int mp_le(mpfr_srcptr x, mpfr_srcptr y) { return mpfr_lessequal_p(x, y) != 0; }
int mp_gt(mpfr_srcptr x, mpfr_srcptr y) { return mpfr_greater_p(x, y) != 0; }
int mp_ge(mpfr_srcptr x, mpfr_srcptr y) { return mpfr_greaterequal_p(x, y) != 0; }
int mp_isnan(mpfr_srcptr x) { return mpfr_nan_p(x) != 0; }
int mp_isinf(mpfr_srcptr x) { return mpfr_inf_p(x) != 0; }
int mp_isfinite(mpfr_srcptr x) { return mpfr_number_p(x) != 0; }

/* ---- rounding, parts, signs ---------------------------------------------------- */

int mp_floor(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) { (void)rnd; return mpfr_floor(out, x); }
int mp_ceil(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) { (void)rnd; return mpfr_ceil(out, x); }
int mp_trunc(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) { (void)rnd; return mpfr_trunc(out, x); }
int mp_round(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) { (void)rnd; return mpfr_round(out, x); }
int mp_rint(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) { (void)rnd; return mpfr_roundeven(out, x); }

int mp_logb(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) {
  if (mpfr_regular_p(x)) return mpfr_set_si(out, (long)mpfr_get_exp(x) - 1, rnd);
  mpfr_abs(out, x, rnd);
  if (mpfr_zero_p(out)) mpfr_set_inf(out, -1);
  return 0;
}

int mp_sign(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) {
  if (mpfr_nan_p(x)) return mpfr_set(out, x, rnd);
  return mpfr_set_si(out, mpfr_sgn(x), rnd);
}

int mp_ldexp(mpfr_t out, mpfr_srcptr x, int64_t n, mpfr_rnd_t rnd) {
  const int64_t most = 1L << 30; /* far outside of any double */
  return mpfr_mul_2si(out, x, (long)(n > most ? most : n < -most ? -most : n), rnd);
}

int mp_relu(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) {
  if (mpfr_nan_p(x) || mpfr_sgn(x) > 0) return mpfr_set(out, x, rnd);
  return mpfr_set_zero(out, 1), 0;
}

int mp_heaviside(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) {
  return mpfr_set_si(out, !mpfr_nan_p(x) && mpfr_sgn(x) > 0, rnd);
}

/* ---- smooth functions ---------------------------------------------------------- */

int mp_sigmoid(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) {
  mpfr_t t;
  mpfr_init2(t, inner(out));
  mpfr_neg(t, x, MPFR_RNDN);
  mpfr_exp(t, t, MPFR_RNDN);
  mpfr_add_ui(t, t, 1, MPFR_RNDN);
  int inexact = mpfr_ui_div(out, 1, t, rnd);
  mpfr_clear(t);
  return inexact;
}

int mp_softplus(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) {
  mpfr_t t;
  mpfr_init2(t, inner(out));
  mpfr_abs(t, x, MPFR_RNDN);
  mpfr_neg(t, t, MPFR_RNDN);
  mpfr_exp(t, t, MPFR_RNDN);
  mpfr_log1p(t, t, MPFR_RNDN);
  if (!mpfr_nan_p(x) && mpfr_sgn(x) > 0) mpfr_add(t, t, x, MPFR_RNDN);
  int inexact = mpfr_set(out, t, rnd);
  mpfr_clear(t);
  return inexact;
}

/* log(x/(1 - x)); near 1/2 as log1p((2*x - 1)/(1 - x)), where 2*x - 1 is exact. */
int mp_logit(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) {
  mpfr_t t, rest;
  mpfr_inits2(inner(out), t, rest, (mpfr_ptr)NULL);
  mpfr_ui_sub(rest, 1, x, MPFR_RNDN);
  if (mpfr_cmp_d(x, 0.25) > 0 && mpfr_cmp_d(x, 0.75) < 0) {
    mpfr_mul_2ui(t, x, 1, MPFR_RNDN);
    mpfr_sub_ui(t, t, 1, MPFR_RNDN);
    mpfr_div(t, t, rest, MPFR_RNDN);
    mpfr_log1p(t, t, MPFR_RNDN);
  } else {
    mpfr_div(t, x, rest, MPFR_RNDN);
    mpfr_log(t, t, MPFR_RNDN);
  }
  int inexact = mpfr_set(out, t, rnd);
  mpfr_clears(t, rest, (mpfr_ptr)NULL);
  return inexact;
}

/* ---- gamma functions ----------------------------------------------------------- */

int mp_lgamma(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd) {
  int sign;
  return mpfr_lgamma(out, &sign, x, rnd);
}

/* What the sums for the Hurwitz zeta function work with. */
typedef struct Hurwitz {
  mpfr_prec_t bits;
  int64_t s;               /* the exponent */
  mpfr_t sum, y, term, power, zeta;
} Hurwitz;

/* Is term too small beside sum to count? */
static int negligible(const Hurwitz *h) {
  if (mpfr_zero_p(h->term)) return 1;
  return mpfr_regular_p(h->sum) && mpfr_regular_p(h->term) &&
         mpfr_get_exp(h->term) < mpfr_get_exp(h->sum) - h->bits;
}

/* sum = the sum of y^-s for y = x, x + 1, … until y is large; 1 if the rest is nothing. */
static int hurwitz_head(Hurwitz *h, mpfr_srcptr x) {
  const double large = (double)h->s + (double)h->bits / 4;
  mpfr_set(h->y, x, MPFR_RNDN);
  mpfr_set_zero(h->sum, 1);
  for (; mpfr_cmp_d(h->y, large) < 0; mpfr_add_ui(h->y, h->y, 1, MPFR_RNDN)) {
    mpfr_pow_si(h->term, h->y, (long)-h->s, MPFR_RNDN);
    mpfr_add(h->sum, h->sum, h->term, MPFR_RNDN);
    if (negligible(h)) return 1;
  }
  return 0;
}

/* The rest by the formula of Euler and Maclaurin: y^(1-s)/(s-1) + y^-s/2 and then, for
 * k = 1, 2, …, B(2k)/(2k)! * s*(s+1)*…*(s+2k-2) * y^(-s-2k+1), where B(2k)/(2k)! is
 * -2*zeta(2k)/(2*pi*i)^(2k). */
static void hurwitz_tail(Hurwitz *h) {
  mpfr_t circle;
  mpfr_init2(circle, h->bits);
  mpfr_pow_si(h->power, h->y, (long)-h->s, MPFR_RNDN);
  mpfr_mul(h->term, h->power, h->y, MPFR_RNDN);
  mpfr_div_si(h->term, h->term, (long)h->s - 1, MPFR_RNDN);
  mpfr_add(h->sum, h->sum, h->term, MPFR_RNDN);
  mpfr_div_2ui(h->term, h->power, 1, MPFR_RNDN);
  mpfr_add(h->sum, h->sum, h->term, MPFR_RNDN);
  mpfr_const_pi(circle, MPFR_RNDN);
  mpfr_mul_2ui(circle, circle, 1, MPFR_RNDN);
  mpfr_mul(circle, circle, h->y, MPFR_RNDN);
  mpfr_sqr(circle, circle, MPFR_RNDN); /* (2*pi*y)^2 */
  mpfr_mul(h->power, h->power, h->y, MPFR_RNDN);
  mpfr_mul_2ui(h->power, h->power, 1, MPFR_RNDN);
  for (long k = 1; k <= (long)h->bits; k++) {
    long rise = (long)h->s + 2 * k;
    if (k > 1) mpfr_mul_si(h->power, h->power, rise - 3, MPFR_RNDN);
    mpfr_mul_si(h->power, h->power, rise - 2, MPFR_RNDN);
    mpfr_div(h->power, h->power, circle, MPFR_RNDN);
    mpfr_zeta_ui(h->zeta, (unsigned long)(2 * k), MPFR_RNDN);
    mpfr_mul(h->term, h->power, h->zeta, MPFR_RNDN);
    if (k % 2 == 0) mpfr_neg(h->term, h->term, MPFR_RNDN);
    mpfr_add(h->sum, h->sum, h->term, MPFR_RNDN);
    if (negligible(h)) break;
  }
  mpfr_clear(circle);
}

/* out = n! times the sum of (x + k)^-(n + 1) over k >= 0, for x > 0 and n >= 1. */
static void hurwitz(mpfr_t out, int64_t n, mpfr_srcptr x) {
  Hurwitz h = {.bits = inner(out), .s = n + 1};
  mpfr_inits2(h.bits, h.sum, h.y, h.term, h.power, h.zeta, (mpfr_ptr)NULL);
  if (!hurwitz_head(&h, x)) hurwitz_tail(&h);
  mpfr_set_si(h.term, (long)h.s, MPFR_RNDN);
  mpfr_gamma(h.term, h.term, MPFR_RNDN);
  mpfr_mul(out, h.sum, h.term, MPFR_RNDN);
  mpfr_clears(h.sum, h.y, h.term, h.power, h.zeta, (mpfr_ptr)NULL);
}

/* x < 0 and not whole: the terms with x + k > 0 begin at x - floor(x), those below 0 are
 * what lies between ceil(x) - x and -x. */
static void polygamma_reflected(mpfr_t out, int64_t n, mpfr_srcptr x) {
  mpfr_t at, sum, part;
  mpfr_prec_t bits = inner(out) + (mpfr_get_exp(x) > 0 ? mpfr_get_exp(x) : 0);
  mpfr_inits2(bits, at, sum, part, (mpfr_ptr)NULL);
  mpfr_floor(at, x);
  mpfr_sub(at, x, at, MPFR_RNDN);
  hurwitz(sum, n, at);
  if (n % 2 == 0) mpfr_neg(sum, sum, MPFR_RNDN);
  mpfr_ceil(at, x);
  mpfr_sub(at, at, x, MPFR_RNDN);
  hurwitz(part, n, at);
  mpfr_add(sum, sum, part, MPFR_RNDN);
  mpfr_ui_sub(at, 1, x, MPFR_RNDN);
  hurwitz(part, n, at);
  mpfr_sub(out, sum, part, MPFR_RNDN);
  mpfr_clears(at, sum, part, (mpfr_ptr)NULL);
}

/* 0 and the whole numbers below are poles, with one sign on both sides for odd n. */
static void polygamma_pole(mpfr_t out, int64_t n) {
  if (n % 2 != 0) mpfr_set_inf(out, 1);
  else mpfr_set_nan(out);
}

int mp_polygamma(mpfr_t out, int64_t n, mpfr_srcptr x, mpfr_rnd_t rnd) {
  if (n == 0) return mpfr_digamma(out, x, rnd);
  if (n < 0 || n >= LONG_MAX / 4 || mpfr_nan_p(x)) {
    mpfr_set_nan(out);
  } else if (mpfr_inf_p(x) && mpfr_sgn(x) > 0) {
    mpfr_set_zero(out, n % 2 != 0 ? 1 : -1);
  } else if (mpfr_sgn(x) > 0) {
    hurwitz(out, n, x);
    if (n % 2 == 0) mpfr_neg(out, out, MPFR_RNDN);
  } else if (mpfr_inf_p(x)) {
    mpfr_set_nan(out);
  } else if (mpfr_integer_p(x)) {
    polygamma_pole(out, n);
  } else {
    polygamma_reflected(out, n, x);
  }
  return 0;
}
