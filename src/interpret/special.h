/* special.h - the primitives that MPFR does not have under the name and with the operands
 * that primitives.def gives them. */
#ifndef GRADC_INTERPRET_SPECIAL_H
#define GRADC_INTERPRET_SPECIAL_H

#include <mpfr.h>
#include <stdint.h>

int mp_floordiv(mpfr_t out, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd);
int mp_mod(mpfr_t out, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd);
int mp_pow(mpfr_t out, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd);
int mp_max(mpfr_t out, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd);
int mp_min(mpfr_t out, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd);
int mp_select(mpfr_t out, int64_t c, mpfr_srcptr x, mpfr_srcptr y, mpfr_rnd_t rnd);
int mp_clamp(mpfr_t out, mpfr_srcptr x, mpfr_srcptr lo, mpfr_srcptr hi, mpfr_rnd_t rnd);

int mp_eq(mpfr_srcptr x, mpfr_srcptr y);
int mp_ne(mpfr_srcptr x, mpfr_srcptr y);
int mp_lt(mpfr_srcptr x, mpfr_srcptr y);
int mp_le(mpfr_srcptr x, mpfr_srcptr y);
int mp_gt(mpfr_srcptr x, mpfr_srcptr y);
int mp_ge(mpfr_srcptr x, mpfr_srcptr y);
int mp_isnan(mpfr_srcptr x);
int mp_isinf(mpfr_srcptr x);
int mp_isfinite(mpfr_srcptr x);

int mp_logb(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_lgamma(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
/* The n-th derivative of digamma; a NaN for n < 0. */
int mp_polygamma(mpfr_t out, int64_t n, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_floor(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_ceil(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_trunc(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_round(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_rint(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_sign(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_ldexp(mpfr_t out, mpfr_srcptr x, int64_t n, mpfr_rnd_t rnd);
int mp_sigmoid(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_softplus(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_relu(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_heaviside(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);
int mp_logit(mpfr_t out, mpfr_srcptr x, mpfr_rnd_t rnd);

#endif
