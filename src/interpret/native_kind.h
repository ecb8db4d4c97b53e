/* native_kind.h - one kind of native number; native.c includes it for each.
 *
 * Before: REAL is the type, M(f) the name of a libm function for it, KIND(x) a name of
 * our own for it, KIND_NAME the table's. */

static void KIND(set)(Num *out, const Num *a) {
  out->r = a->r;
}

static void KIND(from_double)(Num *out, double x) {
  out->r = (REAL)x;
}

static void KIND(from_int)(Num *out, int64_t x) {
  out->r = (REAL)x;
}

/* Rows: the result of operands x, y, z. */
#define ROW(id, value)                                         \
  static void KIND(id)(Num *out, const Num *a) {               \
    REAL x = (REAL)a[0].r;                                     \
    out->r = (REAL)(value);                                    \
  }
#define ROW2(id, value)                                        \
  static void KIND(id)(Num *out, const Num *a) {               \
    REAL x = (REAL)a[0].r, y = (REAL)a[1].r;                   \
    out->r = (REAL)(value);                                    \
  }
#define ROW3(id, value)                                        \
  static void KIND(id)(Num *out, const Num *a) {               \
    REAL x = (REAL)a[0].r, y = (REAL)a[1].r, z = (REAL)a[2].r; \
    out->r = (REAL)(value);                                    \
  }
#define TEST(id, value)                                        \
  static void KIND(id)(Num *out, const Num *a) {               \
    REAL x = (REAL)a[0].r;                                     \
    out->i = (value);                                          \
  }
#define COMPARE(id, value)                                     \
  static void KIND(id)(Num *out, const Num *a) {               \
    REAL x = (REAL)a[0].r, y = (REAL)a[1].r;                   \
    out->i = (value);                                          \
  }

static REAL KIND(modulo)(REAL x, REAL y) {
  REAL r = M(fmod)(x, y);
  if (r == 0) return M(copysign)(r, y);
  return (r < 0) == (y < 0) ? r : r + y;
}

static REAL KIND(floor_quotient)(REAL x, REAL y) {
  if (y == 0) return x / y;
  REAL r = M(fmod)(x, y), q = M(round)((x - r) / y);
  if (r != 0 && (r < 0) != (y < 0)) q -= 1;
  return q == 0 ? M(copysign)(q, x / y) : q;
}

static REAL KIND(sigmoid)(REAL x) {
  REAL e = M(exp)(-M(fabs)(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

static REAL KIND(logit)(REAL x) {
  if (x > (REAL)0.25 && x < (REAL)0.75) return M(log1p)((2 * x - 1) / (1 - x));
  return M(log)(x / (1 - x));
}

ROW2(ADD, x + y) ROW2(SUB, x - y) ROW2(MUL, x * y) ROW2(DIV, x / y) ROW(NEG, -x)
ROW2(FLOORDIV, KIND(floor_quotient)(x, y)) ROW2(MOD, KIND(modulo)(x, y))
ROW2(POW, M(pow)(x, y))
ROW2(MAX, isnan(x) || x >= y ? x : y) ROW2(MIN, isnan(x) || x <= y ? x : y)
COMPARE(EQ, x == y) COMPARE(NE, x != y) COMPARE(LT, x < y) COMPARE(LE, x <= y)
COMPARE(GT, x > y) COMPARE(GE, x >= y)
TEST(ISNAN, isnan(x) != 0) TEST(ISINF, isinf(x) != 0) TEST(ISFINITE, isfinite(x) != 0)
ROW(SQRT, M(sqrt)(x)) ROW(CBRT, M(cbrt)(x)) ROW2(HYPOT, M(hypot)(x, y))
ROW(EXP, M(exp)(x)) ROW(EXP2, M(exp2)(x)) ROW(EXPM1, M(expm1)(x)) ROW(LOG, M(log)(x))
ROW(LOG10, M(log10)(x)) ROW(LOG1P, M(log1p)(x)) ROW(LOG2, M(log2)(x)) ROW(LOGB, M(logb)(x))
ROW(SIN, M(sin)(x)) ROW(COS, M(cos)(x)) ROW(TAN, M(tan)(x))
ROW(ASIN, M(asin)(x)) ROW(ACOS, M(acos)(x)) ROW(ATAN, M(atan)(x)) ROW2(ATAN2, M(atan2)(x, y))
ROW(SINH, M(sinh)(x)) ROW(COSH, M(cosh)(x)) ROW(TANH, M(tanh)(x))
ROW(ASINH, M(asinh)(x)) ROW(ACOSH, M(acosh)(x)) ROW(ATANH, M(atanh)(x))
ROW(ERF, M(erf)(x)) ROW(ERFC, M(erfc)(x)) ROW(TGAMMA, M(tgamma)(x))
ROW(FLOOR, M(floor)(x)) ROW(CEIL, M(ceil)(x)) ROW(TRUNC, M(trunc)(x)) ROW(ROUND, M(round)(x))
ROW(RINT, M(rint)(x)) ROW(NEARBYINT, M(nearbyint)(x))
ROW2(FMOD, M(fmod)(x, y)) ROW2(REMAINDER, M(remainder)(x, y))
ROW(ABS, M(fabs)(x)) ROW(FABS, M(fabs)(x))
ROW(SIGN, isnan(x) ? x : (REAL)((x > 0) - (x < 0)))
ROW2(COPYSIGN, M(copysign)(x, y)) ROW2(FDIM, M(fdim)(x, y))
ROW2(FMAX, M(fmax)(x, y)) ROW2(FMIN, M(fmin)(x, y)) ROW3(FMA, M(fma)(x, y, z))
ROW(SIGMOID, KIND(sigmoid)(x))
ROW(SOFTPLUS, M(log1p)(M(exp)(-M(fabs)(x))) + (x > 0 ? x : 0))
ROW(RELU, x > 0 || isnan(x) ? x : 0) ROW(HEAVISIDE, x > 0)
ROW3(CLAMP, x < y ? y : x > z ? z : x) ROW(LOGIT, KIND(logit)(x))

/* These have an int or a bool among their operands, or are MPFR's. */
static void KIND(SELECT)(Num *out, const Num *a) {
  out->r = a[0].i ? a[1].r : a[2].r;
}

static void KIND(LDEXP)(Num *out, const Num *a) {
  out->r = (REAL)M(scalbln)((REAL)a[0].r, shift_count(a[1].i));
}

static void KIND(LGAMMA)(Num *out, const Num *a) {
  out->r = (REAL)by_mpfr(P_LGAMMA, 0, a[0].r);
}

static void KIND(DIGAMMA)(Num *out, const Num *a) {
  out->r = (REAL)by_mpfr(P_DIGAMMA, 0, a[0].r);
}

static void KIND(POLYGAMMA)(Num *out, const Num *a) {
  out->r = (REAL)by_mpfr(P_POLYGAMMA, a[0].i, a[1].r);
}

/* Logic is whole.c's; the table has a row for it all the same. */
ROW(AND, x) ROW(OR, x) ROW(NOT, x)

const Kind KIND_NAME = {
  KIND(set), KIND(from_double), KIND(from_int), to_double, to_int, order,
  {
#define PRIM(id, name, arity, type, c, mp, d0, d1, d2, lo, hi, doc) [P_##id] = KIND(id),
#include "ir/primitives.def"
#undef PRIM
  },
};

#undef ROW
#undef ROW2
#undef ROW3
#undef TEST
#undef COMPARE
