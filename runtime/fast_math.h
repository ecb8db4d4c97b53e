/* fast_math.h - exp, log and their kin for --fast-math-functions.
 *
 * Straight lines of +, -, *, / and integer operations: no branch, no table, no call, no
 * fma, so that compilers put several elements of a loop through them at once, and every
 * machine gets the same bits (under -ffp-contract=off).  NaNs, infinities, zeros and
 * subnormal numbers come and go as in <math.h>; nothing sets errno.  src/ir/fast_math.def
 * says how far off each may be.  Blocks are as in scalar.h, which comes first.
 *
 * Polynomials were fitted by weighted least squares in 200 bits, at Chebyshev nodes, with
 * Lawson's weights towards the smallest largest error, then rounded.  The error that is left is
 * given with each, relative to the function's value.
 *
 * Numbers are rounded to whole ones by adding 1.5*2^52 (in float 1.5*2^23), where a double
 * has no fraction: the sum's low bits then are the whole number, for the exponent of a
 * power of 2.  Unions look at bits: C99 defines that, and so do compilers of C++. */
#ifndef GRADC_FAST_MATH_H
#define GRADC_FAST_MATH_H

#include <math.h>
#include <stdint.h>

/* ---- bits ------------------------------------------------------------------------- */

/* gc_bits: the bits of a number */
static inline uint64_t gc_bits(double x) {
  union { double x; uint64_t u; } both;
  both.x = x;
  return both.u;
}

/* gc_bitsf: the bits of a number */
static inline uint32_t gc_bitsf(float x) {
  union { float x; uint32_t u; } both;
  both.x = x;
  return both.u;
}

/* gc_number: the number of these bits */
static inline double gc_number(uint64_t u) {
  union { double x; uint64_t u; } both;
  both.u = u;
  return both.x;
}

/* gc_numberf: the number of these bits */
static inline float gc_numberf(uint32_t u) {
  union { float x; uint32_t u; } both;
  both.u = u;
  return both.x;
}

/* gc_pick: a where c holds, else b; compilers know this form and make no branch of it, unless
 * b is 0 or both are constants */
/* needs: gc_bits gc_number */
static inline double gc_pick(int c, double a, double b) {
  const uint64_t mask = (uint64_t)(int64_t)-c;
  return gc_number(gc_bits(b) ^ ((gc_bits(a) ^ gc_bits(b)) & mask));
}

/* gc_pickf: a where c holds, else b; compilers know this form and make no branch of it, unless
 * b is 0 or both are constants */
/* needs: gc_bitsf gc_numberf */
static inline float gc_pickf(int c, float a, float b) {
  const uint32_t mask = (uint32_t)-c;
  return gc_numberf(gc_bitsf(b) ^ ((gc_bitsf(a) ^ gc_bitsf(b)) & mask));
}

/* ---- exponentials -------------------------------------------------------------------- */

/* gc_within: x, or the bound that it is beyond; gcc makes one instruction of a choice in place of
 * two, but no vectors where comparisons could trap */
/* needs: gc_pick */
static inline double gc_within(double x, double low, double high) {
#ifdef __NO_TRAPPING_MATH__
  x = x < low ? low : x;
  return x > high ? high : x;
#else
  x = gc_pick(x < low, low, x);
  return gc_pick(x > high, high, x);
#endif
}

/* gc_withinf: x, or the bound that it is beyond */
/* needs: gc_pickf */
static inline float gc_withinf(float x, float low, float high) {
#ifdef __NO_TRAPPING_MATH__
  x = x < low ? low : x;
  return x > high ? high : x;
#else
  x = gc_pickf(x < low, low, x);
  return gc_pickf(x > high, high, x);
#endif
}

/* gc_exp_tail: exp(r) - 1 - r for |r| <= log(2)/2; off by 2^-60 of exp(r) - 1.  Even and odd
 * powers apart are two short chains */
static inline double gc_exp_tail(double r) {
  const double square = r * r;
  double even = 2.092448331765234e-09, odd = 2.510904236926759e-08;
  even = even * square + 2.755724260305193e-07;
  odd = odd * square + 2.7557244190302394e-06;
  even = even * square + 2.4801587360787972e-05;
  odd = odd * square + 0.00019841269886148477;
  even = even * square + 0.0013888888888866678;
  odd = odd * square + 0.00833333333332162;
  even = even * square + 0.0416666666666667;
  odd = odd * square + 0.16666666666666677;
  even = even * square + 0.5;
  return square * (odd * r + even);
}

/* gc_exp_tailf: exp(r) - 1 - r for |r| <= log(2)/2; off by 2^-28 of exp(r) - 1.  Even and odd
 * powers apart are two short chains */
static inline float gc_exp_tailf(float r) {
  const float square = r * r;
  float even = 0.00139410014f, odd = 0.000199122791f;
  even = even * square + 0.041666355f;
  odd = odd * square + 0.00833327603f;
  even = even * square + 0.5f;
  odd = odd * square + 0.166666672f;
  return square * (odd * r + even);
}

/* gc_scaled: y times 2^n in two steps, where t is 1.5*2^52 + 2046 + n */
/* needs: gc_bits gc_number */
static inline double gc_scaled(double y, double t) {
  const uint64_t whole = gc_bits(t), half = whole >> 1;
  return y * gc_number(half << 52) * gc_number((whole - half) << 52);
}

/* gc_scaledf: y times 2^n in two steps, where t is 1.5*2^23 + 254 + n */
/* needs: gc_bitsf gc_numberf */
static inline float gc_scaledf(float y, float t) {
  const uint32_t whole = gc_bitsf(t), half = whole >> 1;
  return y * gc_numberf(half << 23) * gc_numberf((whole - half) << 23);
}

/* gc_exp_parts: e to the power x = n*log(2) + r for -746 <= x <= 710, and what its rounding
 * left out */
/* needs: gc_exp_tail gc_scaled */
static inline double gc_exp_parts(double x, double *low) {
  const double shift = 6755399441057790.0; /* 1.5*2^52 + 2046 */
  double t, n, r, rest, y;
  t = x * 1.4426950408889634 + shift;
  n = t - shift;
  r = x - n * 0.6931471805601177;      /* exact */
  rest = n * -1.7239444525614835e-13;
  r += gc_exp_tail(r - rest) - rest;
  y = 1.0 + r;
  *low = gc_scaled((1.0 - y) + r, t);
  return gc_scaled(y, t);
}

/* gc_exp_partsf: e to the power x = n*log(2) + r for -105 <= x <= 89, and what its rounding
 * left out */
/* needs: gc_exp_tailf gc_scaledf */
static inline float gc_exp_partsf(float x, float *low) {
  const float shift = 12583166.0f; /* 1.5*2^23 + 254 */
  float t, n, r, rest, y;
  t = x * 1.44269502f + shift;
  n = t - shift;
  r = x - n * 0.69317627f;             /* exact */
  rest = n * -2.90889711e-05f;
  r += gc_exp_tailf(r - rest) - rest;
  y = 1.0f + r;
  *low = gc_scaledf((1.0f - y) + r, t);
  return gc_scaledf(y, t);
}

/* gc_fast_exp: e to the power x */
/* needs: gc_within gc_exp_parts */
static inline double gc_fast_exp(double x) {
  double low;
  x = gc_within(x, -746.0, 710.0);
  return gc_exp_parts(x, &low);
}

/* gc_fast_expf: e to the power x */
/* needs: gc_withinf gc_exp_partsf */
static inline float gc_fast_expf(float x) {
  float low;
  x = gc_withinf(x, -105.0f, 89.0f);
  return gc_exp_partsf(x, &low);
}

/* gc_fast_exp2: 2 to the power x = n + r; the polynomial is off by 2^-57 */
/* needs: gc_within gc_scaled */
static inline double gc_fast_exp2(double x) {
  const double shift = 6755399441057790.0; /* 1.5*2^52 + 2046 */
  double t, r, p;
  x = gc_within(x, -1076.0, 1025.0);
  t = x + shift;
  r = x - (t - shift);
  p = 4.4361289710069114e-10;
  p = p * r + 7.0735723947249645e-09;
  p = p * r + 1.0178185746447306e-07;
  p = p * r + 1.3215436651799666e-06;
  p = p * r + 1.5252733544456979e-05;
  p = p * r + 0.00015403530453975492;
  p = p * r + 0.0013333558146688337;
  p = p * r + 0.00961812910759706;
  p = p * r + 0.05550410866482073;
  p = p * r + 0.24022650695910122;
  p = r * 2.3190468138462996e-17 + r * r * p;
  return gc_scaled(1.0 + (r * 0.6931471805599453 + p), t);
}

/* gc_fast_exp2f: 2 to the power x = n + r; the polynomial is off by 2^-28 */
/* needs: gc_withinf gc_scaledf */
static inline float gc_fast_exp2f(float x) {
  const float shift = 12583166.0f; /* 1.5*2^23 + 254 */
  float t, r, p;
  x = gc_withinf(x, -151.0f, 129.0f);
  t = x + shift;
  r = x - (t - shift);
  p = 0.000153237823f;
  p = p * r + 0.00133901322f;
  p = p * r + 0.00961851794f;
  p = p * r + 0.0555036217f;
  p = p * r + 0.240226477f;
  p = r * -1.90465421e-09f + r * r * p;
  return gc_scaledf(1.0f + (r * 0.693147182f + p), t);
}

/* gc_expm1_parts: exp(x) - 1 for -50 <= x <= 710 as 2*(2^(n-1) - 1/2 + 2^(n-1)*(exp(r) - 1)),
 * the sum with its error; and what the last rounding left out */
/* needs: gc_bits gc_number gc_exp_tail */
static inline double gc_expm1_parts(double x, double *low) {
  const double shift = 6755399441057790.0; /* 1.5*2^52 + 2046 */
  double t, n, r, rest, half, whole, sum, y;
  t = x * 1.4426950408889634 + shift;
  n = t - shift;
  r = x - n * 0.6931471805601177;      /* exact */
  rest = n * -1.7239444525614835e-13;
  rest = gc_exp_tail(r - rest) - rest;
  half = gc_number((gc_bits(t) - 1024) << 52);
  whole = half - 0.5;
  sum = whole + half * r;
  rest = ((whole - sum) + half * r) + half * rest;
  y = sum + rest;
  *low = 2.0 * ((sum - y) + rest);
  return 2.0 * y;
}

/* gc_expm1_partsf: exp(x) - 1 for -30 <= x <= 89 as 2*(2^(n-1) - 1/2 + 2^(n-1)*(exp(r) - 1)),
 * the sum with its error; and what the last rounding left out */
/* needs: gc_bitsf gc_numberf gc_exp_tailf */
static inline float gc_expm1_partsf(float x, float *low) {
  const float shift = 12583166.0f; /* 1.5*2^23 + 254 */
  float t, n, r, rest, half, whole, sum, y;
  t = x * 1.44269502f + shift;
  n = t - shift;
  r = x - n * 0.69317627f;             /* exact */
  rest = n * -2.90889711e-05f;
  rest = gc_exp_tailf(r - rest) - rest;
  half = gc_numberf((gc_bitsf(t) - 128) << 23);
  whole = half - 0.5f;
  sum = whole + half * r;
  rest = ((whole - sum) + half * r) + half * rest;
  y = sum + rest;
  *low = 2.0f * ((sum - y) + rest);
  return 2.0f * y;
}

/* gc_fast_expm1: exp(x) - 1, exact near 0 */
/* needs: gc_pick gc_within gc_abs gc_expm1_parts */
static inline double gc_fast_expm1(double x) {
  double low, y;
  x = gc_within(x, -50.0, 710.0);
  y = gc_expm1_parts(x, &low);
  return gc_pick(gc_abs(x) < 5.5e-17, x, y);
}

/* gc_fast_expm1f: exp(x) - 1, exact near 0 */
/* needs: gc_pickf gc_withinf gc_absf gc_expm1_partsf */
static inline float gc_fast_expm1f(float x) {
  float low, y;
  x = gc_withinf(x, -30.0f, 89.0f);
  y = gc_expm1_partsf(x, &low);
  return gc_pickf(gc_absf(x) < 2.9e-8f, x, y);
}

/* ---- logarithms ----------------------------------------------------------------------- */

/* gc_log_parts: the bits of x = 2^k*(1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), f in the low
 * 52 and k + 1023 above; x is not subnormal */
/* needs: gc_bits */
static inline uint64_t gc_log_parts(double x) {
  return gc_bits(x) + (UINT64_C(0x3ff0000000000000) - UINT64_C(0x3fe6a09e667f3bcd));
}

/* gc_log_partsf: the bits of x = 2^k*(1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), f in the low
 * 23 and k + 127 above; x is not subnormal */
/* needs: gc_bitsf */
static inline uint32_t gc_log_partsf(float x) {
  return gc_bitsf(x) + (UINT32_C(0x3f800000) - UINT32_C(0x3f3504f3));
}

/* gc_log_k: the k of such parts */
/* needs: gc_number */
static inline double gc_log_k(uint64_t parts) {
  return gc_number((parts >> 52) | UINT64_C(0x4330000000000000)) - 4503599627371519.0;
}

/* gc_log_kf: the k of such parts */
/* needs: gc_numberf */
static inline float gc_log_kf(uint32_t parts) {
  return gc_numberf((parts >> 23) | UINT32_C(0x4b000000)) - 8388735.0f;
}

/* gc_log_f: the f of such parts */
/* needs: gc_number */
static inline double gc_log_f(uint64_t parts) {
  return gc_number((parts & UINT64_C(0x000fffffffffffff)) + UINT64_C(0x3fe6a09e667f3bcd)) - 1.0;
}

/* gc_log_ff: the f of such parts */
/* needs: gc_numberf */
static inline float gc_log_ff(uint32_t parts) {
  return gc_numberf((parts & UINT32_C(0x007fffff)) + UINT32_C(0x3f3504f3)) - 1.0f;
}

/* gc_log_split: k and f of x > 0, subnormal numbers too */
/* needs: gc_pick gc_log_parts gc_log_k gc_log_f */
static inline double gc_log_split(double x, double *f) {
  const int small = x < 2.2250738585072014e-308;
  const uint64_t parts = gc_log_parts(gc_pick(small, x * 18014398509481984.0, x));
  const double k = gc_log_k(parts);
  *f = gc_log_f(parts);
  return gc_pick(small, k - 54.0, k);
}

/* gc_log_splitf: k and f of x > 0, subnormal numbers too */
/* needs: gc_pickf gc_log_partsf gc_log_kf gc_log_ff */
static inline float gc_log_splitf(float x, float *f) {
  const int small = x < 1.17549435e-38f;
  const uint32_t parts = gc_log_partsf(gc_pickf(small, x * 33554432.0f, x));
  const float k = gc_log_kf(parts);
  *f = gc_log_ff(parts);
  return gc_pickf(small, k - 25.0f, k);
}

/* gc_log_tail: f - log(1 + f) - rest, by the series in s = f/(2 + f); off by 2^-59 of log(1 + f) */
static inline double gc_log_tail(double f, double rest) {
  const double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
  double p = 0.14799332029997958;
  p = p * z + 0.15313731932924815;
  p = p * z + 0.1818357599371112;
  p = p * z + 0.2222219836427952;
  p = p * z + 0.285714287442687;
  p = p * z + 0.399999999994069;
  p = p * z + 0.6666666666666735;
  return half - (s * (half + p * z) + rest);
}

/* gc_log_tailf: f - log(1 + f) - rest, by the series in s = f/(2 + f); off by 2^-30 of log(1 + f) */
static inline float gc_log_tailf(float f, float rest) {
  const float s = f / (2.0f + f), z = s * s, half = 0.5f * f * f;
  float p = 0.298739135f;
  p = p * z + 0.3997747f;
  p = p * z + 0.666667759f;
  return half - (s * (half + p * z) + rest);
}

/* gc_log_edge: y, a logarithm of x > 0, or what it is of any other x */
/* needs: gc_pick */
static inline double gc_log_edge(double x, double y) {
  y = gc_pick(x > 0.0, y, (double)NAN);
  y = gc_pick(x == 0.0, -HUGE_VAL, y);
  return gc_pick(x < HUGE_VAL, y, x);
}

/* gc_log_edgef: y, a logarithm of x > 0, or what it is of any other x */
/* needs: gc_pickf */
static inline float gc_log_edgef(float x, float y) {
  y = gc_pickf(x > 0.0f, y, NAN);
  y = gc_pickf(x == 0.0f, -HUGE_VALF, y);
  return gc_pickf(x < HUGE_VALF, y, x);
}

/* gc_fast_log: k*log(2) + log(1 + f) */
/* needs: gc_log_split gc_log_tail gc_log_edge */
static inline double gc_fast_log(double x) {
  double f;
  const double k = gc_log_split(x, &f);
  const double tail = gc_log_tail(f, k * -1.7239444525614835e-13);
  return gc_log_edge(x, k * 0.6931471805601177 - (tail - f));
}

/* gc_fast_logf: k*log(2) + log(1 + f) */
/* needs: gc_log_splitf gc_log_tailf gc_log_edgef */
static inline float gc_fast_logf(float x) {
  float f;
  const float k = gc_log_splitf(x, &f);
  const float tail = gc_log_tailf(f, k * -2.90889711e-05f);
  return gc_log_edgef(x, k * 0.69317627f - (tail - f));
}

/* gc_fast_log1p: log of 1 + x, rounded to u = 2^k*(1 + f), and what the rounding left out times
 * 1/u, roughly: 2^(1-k)*(1/2 - f/2 + f*f/2) */
/* needs: gc_number gc_pick gc_log_parts gc_log_k gc_log_f gc_log_tail gc_log_edge */
static inline double gc_fast_log1p(double x) {
  const double u = 1.0 + x, v = u - 1.0, lost = (x - v) + (1.0 - (u - v));
  const uint64_t parts = gc_log_parts(u);
  const double k = gc_log_k(parts), f = gc_log_f(parts);
  const uint64_t scale = UINT64_C(0x7ff0000000000000) - (parts & UINT64_C(0xfff0000000000000));
  const double more = lost * gc_number(scale) * (0.5 - 0.5 * (f - f * f));
  const double tail = gc_log_tail(f, k * -1.7239444525614835e-13 + more);
  const double y = gc_log_edge(u, k * 0.6931471805601177 - (tail - f));
  return gc_pick(x == 0.0, x, y);
}

/* gc_fast_log1pf: log of 1 + x, rounded to u = 2^k*(1 + f), and what the rounding left out times
 * 1/u, roughly: 2^(1-k)*(1/2 - f/2 + f*f/2) */
/* needs: gc_numberf gc_pickf gc_log_partsf gc_log_kf gc_log_ff gc_log_tailf gc_log_edgef */
static inline float gc_fast_log1pf(float x) {
  const float u = 1.0f + x, v = u - 1.0f, lost = (x - v) + (1.0f - (u - v));
  const uint32_t parts = gc_log_partsf(u);
  const float k = gc_log_kf(parts), f = gc_log_ff(parts);
  const uint32_t scale = UINT32_C(0x7f800000) - (parts & UINT32_C(0xff800000));
  const float more = lost * gc_numberf(scale) * (0.5f - 0.5f * (f - f * f));
  const float tail = gc_log_tailf(f, k * -2.90889711e-05f + more);
  const float y = gc_log_edgef(u, k * 0.69317627f - (tail - f));
  return gc_pickf(x == 0.0f, x, y);
}

/* gc_log_base: k*unit + rest + log(1 + f)*(high + low), where the first two of these products and
 * the leading part of the third are exact */
/* needs: gc_bits gc_number gc_log_tail */
static inline double gc_log_base(double f, double whole, double rest, double high, double low) {
  const double tail = gc_log_tail(f, 0.0);
  const double top = gc_number(gc_bits(f - tail) & UINT64_C(0xfffffffff8000000));
  const double left = (f - top) - tail, lead = top * high, sum = whole + lead;
  return sum + (((whole - sum) + lead) + (rest + (left * (high + low) + top * low)));
}

/* gc_log_basef: k*unit + rest + log(1 + f)*(high + low), where the first two of these products and
 * the leading part of the third are exact */
/* needs: gc_bitsf gc_numberf gc_log_tailf */
static inline float gc_log_basef(float f, float whole, float rest, float high, float low) {
  const float tail = gc_log_tailf(f, 0.0f);
  const float top = gc_numberf(gc_bitsf(f - tail) & UINT32_C(0xfffff000));
  const float left = (f - top) - tail, lead = top * high, sum = whole + lead;
  return sum + (((whole - sum) + lead) + (rest + (left * (high + low) + top * low)));
}

/* gc_fast_log2: k + log(1 + f)/log(2) */
/* needs: gc_log_split gc_log_base gc_log_edge */
static inline double gc_fast_log2(double x) {
  double f;
  const double k = gc_log_split(x, &f);
  return gc_log_edge(x, gc_log_base(f, k, 0.0, 1.4426950514316559,
                                    -1.0542692476429138e-08));
}

/* gc_fast_log2f: k + log(1 + f)/log(2) */
/* needs: gc_log_splitf gc_log_basef gc_log_edgef */
static inline float gc_fast_log2f(float x) {
  float f;
  const float k = gc_log_splitf(x, &f);
  return gc_log_edgef(x, gc_log_basef(f, k, 0.0f, 1.44287109f, -0.000176052867f));
}

/* gc_fast_log10: (k*log(2) + log(1 + f))/log(10) */
/* needs: gc_log_split gc_log_base gc_log_edge */
static inline double gc_fast_log10(double x) {
  double f;
  const double k = gc_log_split(x, &f);
  return gc_log_edge(x, gc_log_base(f, k * 0.3010299956640665, k * -8.532344317057107e-14, 0.4342944845557213, -2.6524694553078553e-09));
}

/* gc_fast_log10f: (k*log(2) + log(1 + f))/log(10) */
/* needs: gc_log_splitf gc_log_basef gc_log_edgef */
static inline float gc_fast_log10f(float x) {
  float f;
  const float k = gc_log_splitf(x, &f);
  return gc_log_edgef(x, gc_log_basef(f, k * 0.301025391f, k * 4.60503907e-06f, 0.434326172f, -3.16899714e-05f));
}

/* ---- what is made of them ---------------------------------------------------------------- */

/* gc_fast_tanh: hyperbolic tangent, of |x| as e/(2 + e) where e = exp(2|x|) - 1; what the
 * roundings of e and 2 + e left out is made good */
/* needs: gc_bits gc_number gc_pick gc_abs gc_expm1_parts */
static inline double gc_fast_tanh(double x) {
  const double size = gc_abs(x);
  double low, high = gc_expm1_parts(2.0 * gc_pick(size > 22.0, 22.0, size), &low);
  const double sum = 2.0 + high;
  const double lost = low + gc_pick(high < 2.0, (2.0 - sum) + high, (high - sum) + 2.0);
  double y = high / sum;
  y += (low - y * lost) * (0.5 - 0.5 * y);
  y = gc_pick(size < 1e-10, size, y);
  return gc_number(gc_bits(y) | (gc_bits(x) & UINT64_C(0x8000000000000000)));
}

/* gc_fast_tanhf: hyperbolic tangent, of |x| as e/(2 + e) where e = exp(2|x|) - 1; what the
 * roundings of e and 2 + e left out is made good */
/* needs: gc_bitsf gc_numberf gc_pickf gc_absf gc_expm1_partsf */
static inline float gc_fast_tanhf(float x) {
  const float size = gc_absf(x);
  float low, high = gc_expm1_partsf(2.0f * gc_pickf(size > 11.0f, 11.0f, size), &low);
  const float sum = 2.0f + high;
  const float lost = low + gc_pickf(high < 2.0f, (2.0f - sum) + high, (high - sum) + 2.0f);
  float y = high / sum;
  y += (low - y * lost) * (0.5f - 0.5f * y);
  y = gc_pickf(size < 1e-5f, size, y);
  return gc_numberf(gc_bitsf(y) | (gc_bitsf(x) & UINT32_C(0x80000000)));
}

/* gc_fast_sigmoid: 1/(1 + exp(-x)) without overflow, e/(1 + e) for x < 0; what the roundings
 * of e and 1 + e left out is made good */
/* needs: gc_pick gc_abs gc_exp_parts */
static inline double gc_fast_sigmoid(double x) {
  const int below = x < 0.0;
  const double size = -gc_abs(x);
  double low, high = gc_exp_parts(gc_pick(size < -746.0, -746.0, size), &low);
  const double sum = 1.0 + high, lost = ((1.0 - sum) + high) + low;
  const double y = gc_pick(below, high, 1.0) / sum, left = -(y * lost);
  return y + gc_pick(below, low + left, left) * gc_pick(below, 1.0 - y, y);
}

/* gc_fast_sigmoidf: 1/(1 + exp(-x)) without overflow, e/(1 + e) for x < 0; what the roundings
 * of e and 1 + e left out is made good */
/* needs: gc_pickf gc_absf gc_exp_partsf */
static inline float gc_fast_sigmoidf(float x) {
  const int below = x < 0.0f;
  const float size = -gc_absf(x);
  float low, high = gc_exp_partsf(gc_pickf(size < -105.0f, -105.0f, size), &low);
  const float sum = 1.0f + high, lost = ((1.0f - sum) + high) + low;
  const float y = gc_pickf(below, high, 1.0f) / sum, left = -(y * lost);
  return y + gc_pickf(below, low + left, left) * gc_pickf(below, 1.0f - y, y);
}

/* gc_fast_softplus: log(1 + exp(x)), without overflow */
/* needs: gc_pick gc_abs gc_exp_parts gc_fast_log1p */
static inline double gc_fast_softplus(double x) {
  const double size = -gc_abs(x);
  double low;
  const double e = gc_fast_log1p(gc_exp_parts(gc_pick(size < -746.0, -746.0, size), &low));
  return gc_pick(x > 0.0, x + e, e);
}

/* gc_fast_softplusf: log(1 + exp(x)), without overflow */
/* needs: gc_pickf gc_absf gc_exp_partsf gc_fast_log1pf */
static inline float gc_fast_softplusf(float x) {
  const float size = -gc_absf(x);
  float low;
  const float e = gc_fast_log1pf(gc_exp_partsf(gc_pickf(size < -105.0f, -105.0f, size), &low));
  return gc_pickf(x > 0.0f, x + e, e);
}

#endif
