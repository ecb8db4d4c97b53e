/* scalar.h - the scalar functions that C99's <math.h> does not have.
 *
 * The compiler folds constants with them and copies those that a program uses into its
 * C.  Each block starts with a line that is a comment "NAME: what it is" and ends at
 * the first line that is a closing brace alone; a comment line "needs: A B" names the blocks
 * it calls, which stand above it.  A name ending in f is the float twin, in _i
 * that of 64-bit ints.  Strict C99, and C++. */
#ifndef GRADC_SCALAR_H
#define GRADC_SCALAR_H

#include <math.h>
#include <stdint.h>

/* ---- what machines have instructions for ------------------------------------------ */
/* Exact in every C library.  Compilers that are told not to know the library's functions
 * (-fno-builtin) still know them under these names. */

/* gc_abs: absolute value */
static inline double gc_abs(double x) {
#ifdef __GNUC__
  return __builtin_fabs(x);
#else
  return fabs(x);
#endif
}

/* gc_absf: absolute value */
static inline float gc_absf(float x) {
#ifdef __GNUC__
  return __builtin_fabsf(x);
#else
  return fabsf(x);
#endif
}

/* gc_sqrt: square root */
static inline double gc_sqrt(double x) {
#ifdef __GNUC__
  return __builtin_sqrt(x);
#else
  return sqrt(x);
#endif
}

/* gc_sqrtf: square root */
static inline float gc_sqrtf(float x) {
#ifdef __GNUC__
  return __builtin_sqrtf(x);
#else
  return sqrtf(x);
#endif
}

/* gc_floor: the largest whole number not above x */
static inline double gc_floor(double x) {
#ifdef __GNUC__
  return __builtin_floor(x);
#else
  return floor(x);
#endif
}

/* gc_floorf: the largest whole number not above x */
static inline float gc_floorf(float x) {
#ifdef __GNUC__
  return __builtin_floorf(x);
#else
  return floorf(x);
#endif
}

/* gc_ceil: the smallest whole number not below x */
static inline double gc_ceil(double x) {
#ifdef __GNUC__
  return __builtin_ceil(x);
#else
  return ceil(x);
#endif
}

/* gc_ceilf: the smallest whole number not below x */
static inline float gc_ceilf(float x) {
#ifdef __GNUC__
  return __builtin_ceilf(x);
#else
  return ceilf(x);
#endif
}

/* gc_trunc: x rounded toward zero */
static inline double gc_trunc(double x) {
#ifdef __GNUC__
  return __builtin_trunc(x);
#else
  return trunc(x);
#endif
}

/* gc_truncf: x rounded toward zero */
static inline float gc_truncf(float x) {
#ifdef __GNUC__
  return __builtin_truncf(x);
#else
  return truncf(x);
#endif
}

/* gc_rint: the nearest whole number, halves to even */
static inline double gc_rint(double x) {
#ifdef __GNUC__
  return __builtin_rint(x);
#else
  return rint(x);
#endif
}

/* gc_rintf: the nearest whole number, halves to even */
static inline float gc_rintf(float x) {
#ifdef __GNUC__
  return __builtin_rintf(x);
#else
  return rintf(x);
#endif
}

/* gc_copysign: x with the sign of y */
static inline double gc_copysign(double x, double y) {
#ifdef __GNUC__
  return __builtin_copysign(x, y);
#else
  return copysign(x, y);
#endif
}

/* gc_copysignf: x with the sign of y */
static inline float gc_copysignf(float x, float y) {
#ifdef __GNUC__
  return __builtin_copysignf(x, y);
#else
  return copysignf(x, y);
#endif
}

/* ---- whole numbers ------------------------------------------------------------------ */

/* gc_int: x rounded toward zero; the least int where that is none */
static inline int64_t gc_int(double x) {
  return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (int64_t)x : INT64_MIN;
}

/* gc_intf: x rounded toward zero; the least int where that is none */
static inline int64_t gc_intf(float x) {
  return x >= -9223372036854775808.0f && x < 9223372036854775808.0f ? (int64_t)x : INT64_MIN;
}

/* ---- division ----------------------------------------------------------------- */

/* gc_mod: x modulo y with the sign of y */
static inline double gc_mod(double x, double y) {
  double r = fmod(x, y);
  if (r == 0.0) return copysign(0.0, y);
  return (r < 0.0) != (y < 0.0) ? r + y : r;
}

/* gc_modf: x modulo y with the sign of y */
static inline float gc_modf(float x, float y) {
  float r = fmodf(x, y);
  if (r == 0.0f) return copysignf(0.0f, y);
  return (r < 0.0f) != (y < 0.0f) ? r + y : r;
}

/* gc_mod_i: x modulo y with the sign of y; 0 where y is 0 */
static inline int64_t gc_mod_i(int64_t x, int64_t y) {
  int64_t r;
  if (y == 0 || y == -1) return 0;
  r = x % y;
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

/* gc_floordiv: the largest whole number not above x/y */
static inline double gc_floordiv(double x, double y) {
  double r, q, whole;
  if (y == 0.0) return x / y;
  r = fmod(x, y);
  q = (x - r) / y;
  if (r != 0.0 && (r < 0.0) != (y < 0.0)) q -= 1.0;
  if (q == 0.0) return copysign(0.0, x / y);
  whole = floor(q);
  return q - whole > 0.5 ? whole + 1.0 : whole;
}

/* gc_floordivf: the largest whole number not above x/y */
static inline float gc_floordivf(float x, float y) {
  float r, q, whole;
  if (y == 0.0f) return x / y;
  r = fmodf(x, y);
  q = (x - r) / y;
  if (r != 0.0f && (r < 0.0f) != (y < 0.0f)) q -= 1.0f;
  if (q == 0.0f) return copysignf(0.0f, x / y);
  whole = floorf(q);
  return q - whole > 0.5f ? whole + 1.0f : whole;
}

/* gc_floordiv_i: the largest int not above x/y; 0 where y is 0 */
static inline int64_t gc_floordiv_i(int64_t x, int64_t y) {
  int64_t q;
  if (y == 0) return 0;
  if (y == -1) return (int64_t)(0 - (uint64_t)x);
  q = x / y;
  return x % y != 0 && (x < 0) != (y < 0) ? q - 1 : q;
}

/* gc_pow_i: x^n; of a negative n the whole part, which is 0 but for x = 1 and -1 */
static inline int64_t gc_pow_i(int64_t x, int64_t n) {
  uint64_t r = 1, b = (uint64_t)x;
  if (n < 0) {
    if (x == 1) return 1;
    return x == -1 ? (n % 2 != 0 ? -1 : 1) : 0;
  }
  for (; n > 0; n /= 2) {
    if (n % 2 != 0) r *= b;
    b *= b;
  }
  return (int64_t)r;
}

/* ---- the larger, the smaller ----------------------------------------------------- */

/* gc_max: the larger of two; a NaN wins */
static inline double gc_max(double x, double y) {
  if (x != x) return x;
  return x >= y ? x : y;
}

/* gc_maxf: the larger of two; a NaN wins */
static inline float gc_maxf(float x, float y) {
  if (x != x) return x;
  return x >= y ? x : y;
}

/* gc_max_i: the larger of two */
static inline int64_t gc_max_i(int64_t x, int64_t y) {
  return x >= y ? x : y;
}

/* gc_min: the smaller of two; a NaN wins */
static inline double gc_min(double x, double y) {
  if (x != x) return x;
  return x <= y ? x : y;
}

/* gc_minf: the smaller of two; a NaN wins */
static inline float gc_minf(float x, float y) {
  if (x != x) return x;
  return x <= y ? x : y;
}

/* gc_min_i: the smaller of two */
static inline int64_t gc_min_i(int64_t x, int64_t y) {
  return x <= y ? x : y;
}

/* gc_clamp: x kept within lo .. hi; a NaN stays */
static inline double gc_clamp(double x, double lo, double hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

/* gc_clampf: x kept within lo .. hi; a NaN stays */
static inline float gc_clampf(float x, float lo, float hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

/* gc_clamp_i: x kept within lo .. hi */
static inline int64_t gc_clamp_i(int64_t x, int64_t lo, int64_t hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

/* gc_select: a where c holds, else b */
static inline double gc_select(int c, double a, double b) {
  return c ? a : b;
}

/* gc_selectf: a where c holds, else b */
static inline float gc_selectf(int c, float a, float b) {
  return c ? a : b;
}

/* gc_select_i: a where c holds, else b */
static inline int64_t gc_select_i(int c, int64_t a, int64_t b) {
  return c ? a : b;
}

/* ---- signs ----------------------------------------------------------------------- */

/* gc_abs_i: absolute value */
static inline int64_t gc_abs_i(int64_t x) {
  return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
}

/* gc_sign: -1, 0 or 1; of a NaN itself */
static inline double gc_sign(double x) {
  return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x != x ? x : 0.0;
}

/* gc_signf: -1, 0 or 1; of a NaN itself */
static inline float gc_signf(float x) {
  return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x != x ? x : 0.0f;
}

/* gc_sign_i: -1, 0 or 1 */
static inline int64_t gc_sign_i(int64_t x) {
  return (x > 0) - (x < 0);
}

/* gc_relu: x where positive, else 0; of a NaN itself */
static inline double gc_relu(double x) {
  return x > 0.0 ? x : x != x ? x : 0.0;
}

/* gc_reluf: x where positive, else 0; of a NaN itself */
static inline float gc_reluf(float x) {
  return x > 0.0f ? x : x != x ? x : 0.0f;
}

/* gc_relu_i: x where positive, else 0 */
static inline int64_t gc_relu_i(int64_t x) {
  return x > 0 ? x : 0;
}

/* gc_heaviside: 1 where x > 0, else 0 */
static inline double gc_heaviside(double x) {
  return x > 0.0 ? 1.0 : 0.0;
}

/* gc_heavisidef: 1 where x > 0, else 0 */
static inline float gc_heavisidef(float x) {
  return x > 0.0f ? 1.0f : 0.0f;
}

/* ---- tests ------------------------------------------------------------------------- */

/* gc_isnan: is it not a number? */
static inline int gc_isnan(double x) {
  return x != x;
}

/* gc_isnanf: is it not a number? */
static inline int gc_isnanf(float x) {
  return x != x;
}

/* gc_isinf: is it infinite? */
static inline int gc_isinf(double x) {
  return x == x && x - x != 0.0;
}

/* gc_isinff: is it infinite? */
static inline int gc_isinff(float x) {
  return x == x && x - x != 0.0f;
}

/* gc_isfinite: is it finite? */
static inline int gc_isfinite(double x) {
  return x - x == 0.0;
}

/* gc_isfinitef: is it finite? */
static inline int gc_isfinitef(float x) {
  return x - x == 0.0f;
}

/* ---- smooth functions ----------------------------------------------------------------- */

/* gc_ldexp: x times 2 to the power n */
static inline double gc_ldexp(double x, int64_t n) {
  return ldexp(x, n > 5000 ? 5000 : n < -5000 ? -5000 : (int)n);
}

/* gc_ldexpf: x times 2 to the power n */
static inline float gc_ldexpf(float x, int64_t n) {
  return ldexpf(x, n > 5000 ? 5000 : n < -5000 ? -5000 : (int)n);
}

/* gc_sigmoid: 1/(1 + exp(-x)), without overflow */
/* needs: gc_abs */
static inline double gc_sigmoid(double x) {
  double e = exp(-gc_abs(x));
  return x >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

/* gc_sigmoidf: 1/(1 + exp(-x)), without overflow */
/* needs: gc_absf */
static inline float gc_sigmoidf(float x) {
  float e = expf(-gc_absf(x));
  return x >= 0.0f ? 1.0f / (1.0f + e) : e / (1.0f + e);
}

/* gc_softplus: log(1 + exp(x)), without overflow */
/* needs: gc_abs */
static inline double gc_softplus(double x) {
  double e = log1p(exp(-gc_abs(x)));
  return x > 0.0 ? x + e : e;
}

/* gc_softplusf: log(1 + exp(x)), without overflow */
/* needs: gc_absf */
static inline float gc_softplusf(float x) {
  float e = log1pf(expf(-gc_absf(x)));
  return x > 0.0f ? x + e : e;
}

/* gc_logit: log(x/(1 - x)), exact near 1/2 */
static inline double gc_logit(double x) {
  if (x > 0.3 && x < 0.65) return log1p((2.0 * x - 1.0) / (1.0 - x));
  return log(x / (1.0 - x));
}

/* gc_logitf: log(x/(1 - x)), exact near 1/2 */
static inline float gc_logitf(float x) {
  if (x > 0.3f && x < 0.65f) return log1pf((2.0f * x - 1.0f) / (1.0f - x));
  return logf(x / (1.0f - x));
}

/* gc_digamma: derivative of lgamma */
static inline double gc_digamma(double x) {
  /* Taylor coefficients at the positive root, which is root + rest; of the asymptotic series */
  static const double root = 1.4616321449683622, rest = 9.549995429965697e-17;
  static const double at_root[24] = {
    0.9676722454476212, -0.4427631689835921, 0.258499760955651, -0.16394270544240652,
    0.10782405069126237, -0.07219956125645471, 0.04880428816414311, -0.03316112647484736,
    0.022597648232218104, -0.01542476590494896, 0.010538791616612175,
    -0.007204534386356869, 0.004926781395729853, -0.003369801655439328,
    0.002305126326734928, -0.0015769367714301972, 0.0010788252019162967,
    -0.0007380709389960052, 0.000504953265834602, -0.0003454680251063077,
    0.00023635601564027053, -0.00016170622091974803, 0.0001106337276874741,
    -7.569179582195066e-05
  };
  static const double at_inf[8] = {
    0.08333333333333333, -0.008333333333333333, 0.003968253968253968,
    -0.004166666666666667, 0.007575757575757576, -0.021092796092796094,
    0.08333333333333333, -0.4432598039215686
  };
  const double pi = 3.14159265358979323846;
  double sum = 0.0, series = 0.0, z;
  int k;
  if (x == 0.0) return -1.0 / x;
  if (x < 0.0) { /* reflected */
    z = x - floor(x + 0.5);
    if (z == 0.0) return z / z;
    if (fabs(z) < 0.5) sum = -pi / tan(pi * z);
    x = 1.0 - x;
  }
  if (sum == 0.0 && fabs(x - root) < 0.3) {
    z = (x - root) - rest;
    for (k = 23; k >= 0; k--) series = (series + at_root[k]) * z;
    return series;
  }
  for (; x < 10.0; x += 1.0) sum -= 1.0 / x;
  z = 1.0 / (x * x);
  for (k = 7; k >= 0; k--) series = (series + at_inf[k]) * z;
  return sum + (log(x) - 0.5 / x - series);
}

/* gc_digammaf: derivative of lgamma */
/* needs: gc_digamma */
static inline float gc_digammaf(float x) {
  return (float)gc_digamma((double)x);
}

/* gc_hurwitz: n! times the sum of (x + k)^-(n + 1) over k >= 0, for x > 0 and n >= 1 */
static inline double gc_hurwitz(int64_t n, double x) {
  static const double em[10] = { /* of Euler and Maclaurin's formula */
    0.08333333333333333, -0.001388888888888889, 3.306878306878307e-05,
    -8.267195767195768e-07, 2.08767569878681e-08, -5.284190138687493e-10,
    1.3382536530684679e-11, -3.3896802963225827e-13, 8.586062056277845e-15,
    -2.174868698558062e-16
  };
  const double s = (double)n + 1.0;
  double sum = 0.0, y = x, term = 1.0, tail, rise;
  int64_t k;
  for (; y < s + 15.0; y += 1.0) {
    term = pow(x / y, s);
    sum += term;
    if (term < 1e-18 * sum) break;
  }
  term = pow(x / y, s);
  rise = s / y;
  tail = y / (s - 1.0) + 0.5;
  for (k = 0; k < 10 && y >= s + 15.0; k++) {
    tail += em[k] * rise;
    rise *= (s + 2.0 * (double)k + 1.0) / y * ((s + 2.0 * (double)k + 2.0) / y);
  }
  sum = (sum + term * tail) / x;
  for (k = 1; k <= n && sum > 0.0 && sum - sum == 0.0; k++) sum *= (double)k / x;
  return sum;
}

/* gc_polygamma: the n-th derivative of digamma */
/* needs: gc_digamma gc_hurwitz */
static inline double gc_polygamma(int64_t n, double x) {
  double odd = n % 2 != 0 ? 1.0 : -1.0, f, u;
  if (n == 0) return gc_digamma(x);
  if (n < 0 || x != x) return n < 0 ? (x - x) / (x - x) : x;
  if (x > 0.0) return x - x == 0.0 ? odd * gc_hurwitz(n, x) : odd * 0.0;
  u = ceil(x) - x;
  if (u == 0.0) return odd > 0.0 ? 1.0 / u : u / u; /* a pole */
  f = x - floor(x);
  return odd * gc_hurwitz(n, f) + (gc_hurwitz(n, u) - gc_hurwitz(n, 1.0 - x));
}

/* gc_polygammaf: the n-th derivative of digamma */
/* needs: gc_polygamma */
static inline float gc_polygammaf(int64_t n, float x) {
  return (float)gc_polygamma(n, (double)x);
}

#endif
