/* primitives.c - the table of primitives.def, and their values on constants. */
#include "ir/private.h"
#include "../../runtime/scalar.h"

#include <math.h>

static const Prim table[PRIM_COUNT] = {
#define PRIM(id, name, arity, type, c, mp, d0, d1, d2, lo, hi, doc) \
  {name, arity, type, c, {d0, d1, d2}, lo, hi, doc},
#include "ir/primitives.def"
#undef PRIM
};

const Prim *prim_get(uint32_t id) {
  return &table[id];
}

static bool is_word(const char *s) {
  return (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
}

/* Names that the grammar writes as operators. */
static bool is_operator(uint32_t id) {
  return id == P_AND || id == P_OR || id == P_NOT || !is_word(table[id].name);
}

int prim_find(const char *name) {
  for (uint32_t id = 0; id < PRIM_COUNT; id++)
    if (!is_operator(id) && strcmp(table[id].name, name) == 0) return (int)id;
  return -1;
}

/* ---- reals ----------------------------------------------------------------- */

static inline double gc_add(double x, double y) { return x + y; }
static inline float gc_addf(float x, float y) { return x + y; }
static inline double gc_sub(double x, double y) { return x - y; }
static inline float gc_subf(float x, float y) { return x - y; }
static inline double gc_mul(double x, double y) { return x * y; }
static inline float gc_mulf(float x, float y) { return x * y; }
static inline double gc_div(double x, double y) { return x / y; }
static inline float gc_divf(float x, float y) { return x / y; }
static inline double gc_neg(double x) { return -x; }
static inline float gc_negf(float x) { return -x; }

/* A primitive as a pair of C functions, by its number of operands. */
typedef struct RealFn {
  double (*d1)(double); float (*f1)(float);
  double (*d2)(double, double); float (*f2)(float, float);
  double (*d3)(double, double, double); float (*f3)(float, float, float);
} RealFn;

#define FN1(id, fn) [P_##id] = {.d1 = fn, .f1 = fn##f}
#define FN2(id, fn) [P_##id] = {.d2 = fn, .f2 = fn##f}
#define FN3(id, fn) [P_##id] = {.d3 = fn, .f3 = fn##f}
static const RealFn real_fn[PRIM_COUNT] = {
  FN2(ADD, gc_add), FN2(SUB, gc_sub), FN2(MUL, gc_mul), FN2(DIV, gc_div), FN1(NEG, gc_neg),
  FN2(FLOORDIV, gc_floordiv), FN2(MOD, gc_mod), FN2(POW, pow), FN2(MAX, gc_max),
  FN2(MIN, gc_min), FN1(SQRT, sqrt), FN1(CBRT, cbrt), FN2(HYPOT, hypot), FN1(EXP, exp),
  FN1(EXP2, exp2), FN1(EXPM1, expm1), FN1(LOG, log), FN1(LOG10, log10), FN1(LOG1P, log1p),
  FN1(LOG2, log2), FN1(LOGB, logb), FN1(SIN, sin), FN1(COS, cos), FN1(TAN, tan),
  FN1(ASIN, asin), FN1(ACOS, acos), FN1(ATAN, atan), FN2(ATAN2, atan2), FN1(SINH, sinh),
  FN1(COSH, cosh), FN1(TANH, tanh), FN1(ASINH, asinh), FN1(ACOSH, acosh), FN1(ATANH, atanh),
  FN1(ERF, erf), FN1(ERFC, erfc), FN1(TGAMMA, tgamma), FN1(LGAMMA, lgamma),
  FN1(DIGAMMA, gc_digamma), FN1(FLOOR, floor), FN1(CEIL, ceil), FN1(TRUNC, trunc),
  FN1(ROUND, round), FN1(RINT, rint), FN1(NEARBYINT, nearbyint), FN2(FMOD, fmod),
  FN2(REMAINDER, remainder), FN1(ABS, gc_abs), FN1(FABS, fabs), FN1(SIGN, gc_sign),
  FN2(COPYSIGN, copysign), FN2(FDIM, fdim), FN2(FMAX, fmax), FN2(FMIN, fmin), FN3(FMA, fma),
  FN1(SIGMOID, gc_sigmoid), FN1(SOFTPLUS, gc_softplus), FN1(RELU, gc_relu),
  FN1(HEAVISIDE, gc_heaviside), FN3(CLAMP, gc_clamp), FN1(LOGIT, gc_logit),
};

static bool fold_float(const RealFn *fn, const double *r, double *out) {
  float x = (float)r[0], y = (float)r[1], z = (float)r[2];
  if (fn->f1) *out = (double)fn->f1(x);
  else if (fn->f2) *out = (double)fn->f2(x, y);
  else if (fn->f3) *out = (double)fn->f3(x, y, z);
  return fn->f1 || fn->f2 || fn->f3;
}

static bool fold_double(const RealFn *fn, const double *r, double *out) {
  if (fn->d1) *out = fn->d1(r[0]);
  else if (fn->d2) *out = fn->d2(r[0], r[1]);
  else if (fn->d3) *out = fn->d3(r[0], r[1], r[2]);
  return fn->d1 || fn->d2 || fn->d3;
}

/* Those with an int among their operands. */
static bool fold_mixed(uint32_t id, bool is_float, const double *r, const int64_t *i,
                       double *out) {
  switch (id) {
  case P_POLYGAMMA:
    *out = is_float ? (double)gc_polygammaf(i[0], (float)r[1]) : gc_polygamma(i[0], r[1]);
    return true;
  case P_LDEXP:
    *out = is_float ? (double)gc_ldexpf((float)r[0], i[1]) : gc_ldexp(r[0], i[1]);
    return true;
  default: return false;
  }
}

/* ---- ints, comparisons, logic ---------------------------------------------- */

static bool overflows(uint32_t id, int64_t x, int64_t y) {
  int64_t r;
  switch (id) {
  case P_ADD: return __builtin_add_overflow(x, y, &r);
  case P_SUB: return __builtin_sub_overflow(x, y, &r);
  case P_MUL: return __builtin_mul_overflow(x, y, &r);
  case P_NEG: case P_ABS: return x == INT64_MIN;
  case P_FLOORDIV: case P_MOD: return y == 0 || (x == INT64_MIN && y == -1);
  default: return false;
  }
}

static bool power_fits(int64_t x, int64_t n) {
  int64_t r = 1;
  if (n < 0) return false;
  if (x >= -1 && x <= 1) return true;
  for (int64_t k = 0; k < n; k++)
    if (__builtin_mul_overflow(r, x, &r)) return false;
  return true;
}

static bool fold_int(uint32_t id, const int64_t *i, int64_t *out) {
  int64_t x = i[0], y = i[1];
  if (overflows(id, x, y) || (id == P_POW && !power_fits(x, y))) return false;
  switch (id) {
  case P_ADD: *out = x + y; return true;
  case P_SUB: *out = x - y; return true;
  case P_MUL: *out = x * y; return true;
  case P_NEG: *out = -x; return true;
  case P_FLOORDIV: *out = gc_floordiv_i(x, y); return true;
  case P_MOD: *out = gc_mod_i(x, y); return true;
  case P_POW: *out = gc_pow_i(x, y); return true;
  case P_MAX: *out = gc_max_i(x, y); return true;
  case P_MIN: *out = gc_min_i(x, y); return true;
  case P_ABS: *out = gc_abs_i(x); return true;
  case P_SIGN: *out = gc_sign_i(x); return true;
  case P_RELU: *out = gc_relu_i(x); return true;
  case P_CLAMP: *out = gc_clamp_i(x, y, i[2]); return true;
  default: return false;
  }
}

/* Unordered (a NaN) makes less, equal and greater all false. */
static bool fold_compare(uint32_t id, bool less, bool equal, bool greater, int64_t *out) {
  switch (id) {
  case P_EQ: *out = equal; return true;
  case P_NE: *out = !equal; return true;
  case P_LT: *out = less; return true;
  case P_LE: *out = less || equal; return true;
  case P_GT: *out = greater; return true;
  case P_GE: *out = greater || equal; return true;
  default: return false;
  }
}

static bool fold_logic(uint32_t id, const int64_t *i, int64_t *out) {
  switch (id) {
  case P_AND: *out = i[0] && i[1]; return true;
  case P_OR: *out = i[0] || i[1]; return true;
  case P_NOT: *out = !i[0]; return true;
  default: return false;
  }
}

static bool fold_test(uint32_t id, double x, int64_t *out) {
  switch (id) {
  case P_ISNAN: *out = gc_isnan(x); return true;
  case P_ISINF: *out = gc_isinf(x); return true;
  case P_ISFINITE: *out = gc_isfinite(x); return true;
  default: return false;
  }
}

static bool fold_number(uint32_t id, bool is_float, Elem elem, const double *r, const int64_t *i,
                        double *real_out, int64_t *int_out) {
  if (elem == ELEM_INT) return fold_int(id, i, int_out);
  return is_float ? fold_float(&real_fn[id], r, real_out) : fold_double(&real_fn[id], r, real_out);
}

bool prim_fold(uint32_t id, bool is_float, Elem elem, const double *r, const int64_t *i,
               double *real_out, int64_t *int_out) {
  switch (table[id].type) {
  case PT_CMP:
    if (elem == ELEM_REAL)
      return fold_compare(id, r[0] < r[1], r[0] == r[1], r[0] > r[1], int_out);
    return fold_compare(id, i[0] < i[1], i[0] == i[1], i[0] > i[1], int_out);
  case PT_BOOL: return fold_logic(id, i, int_out);
  case PT_TEST: return fold_test(id, r[0], int_out);
  case PT_INT_REAL: case PT_REAL_INT: return fold_mixed(id, is_float, r, i, real_out);
  case PT_SELECT:
    *real_out = i[0] ? r[1] : r[2];
    *int_out = i[0] ? i[1] : i[2];
    return true;
  default: return fold_number(id, is_float, elem, r, i, real_out, int_out);
  }
}
