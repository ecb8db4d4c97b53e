/* multiple.c - numbers of MPFR, with the primitives that primitives.def names. */
#include "interpret/number.h"
#include "interpret/special.h"

#include <stddef.h>

/* One function a row: its operands by the type of the primitive and their number. */
#define CALL_PT_REAL_1(f) f(out->m, a[0].m, MPFR_RNDN)
#define CALL_PT_REAL_2(f) f(out->m, a[0].m, a[1].m, MPFR_RNDN)
#define CALL_PT_REAL_3(f) f(out->m, a[0].m, a[1].m, a[2].m, MPFR_RNDN)
#define CALL_PT_NUM_1 CALL_PT_REAL_1
#define CALL_PT_NUM_2 CALL_PT_REAL_2
#define CALL_PT_NUM_3 CALL_PT_REAL_3
#define CALL_PT_CMP_2(f) out->i = f(a[0].m, a[1].m)
#define CALL_PT_TEST_1(f) out->i = f(a[0].m)
#define CALL_PT_SELECT_3(f) f(out->m, a[0].i, a[1].m, a[2].m, MPFR_RNDN)
#define CALL_PT_INT_REAL_2(f) f(out->m, a[0].i, a[1].m, MPFR_RNDN)
#define CALL_PT_REAL_INT_2(f) f(out->m, a[0].m, a[1].i, MPFR_RNDN)
#define CALL_PT_BOOL_1(f) out->i = !a[0].i /* never called: whole.c has them */
#define CALL_PT_BOOL_2(f) out->i = a[0].i

#define PRIM(id, name, arity, type, c, mp, d0, d1, d2, lo, hi, doc) \
  static void do_##id(Num *out, const Num *a) { CALL_##type##_##arity(mp); }
#include "ir/primitives.def"
#undef PRIM

static void set(Num *out, const Num *a) {
  mpfr_set(out->m, a->m, MPFR_RNDN);
}

static void from_double(Num *out, double x) {
  mpfr_set_d(out->m, x, MPFR_RNDN);
}

static void from_int(Num *out, int64_t x) {
  mpfr_set_sj(out->m, x, MPFR_RNDN);
}

static double to_double(const Num *a) {
  return mpfr_get_d(a->m, MPFR_RNDN);
}

static int64_t to_int(const Num *a) {
  if (!mpfr_number_p(a->m) || !mpfr_fits_intmax_p(a->m, MPFR_RNDZ)) return INT64_MIN;
  return mpfr_get_sj(a->m, MPFR_RNDZ);
}

static Order order(const Num *a, const Num *b) {
  if (mpfr_unordered_p(a->m, b->m)) return UNORDERED;
  int sign = mpfr_cmp(a->m, b->m);
  return sign < 0 ? LESS : sign > 0 ? GREATER : EQUAL;
}

const Kind kind_mpfr = {
  set, from_double, from_int, to_double, to_int, order,
  {
#define PRIM(id, name, arity, type, c, mp, d0, d1, d2, lo, hi, doc) [P_##id] = do_##id,
#include "ir/primitives.def"
#undef PRIM
  },
};
