/* extents.c - the sizes of a type as numbers.  A size is a polynomial with rational
 * coefficients over int nodes whose values stand in their slots. */
#include "interpret/private.h"

typedef struct Fraction { int64_t num, den; } Fraction;

_Noreturn static void overflow(Machine *m) {
  diag(m->c, SEV_ERROR, m->p->pos, "a size does not fit 64 bits");
  diag_raise(m->c, GC_ERROR);
}

/* a + b over a common denominator. */
static Fraction add(Machine *m, Fraction a, Fraction b) {
  int64_t x, y, den;
  if (a.den == b.den) {
    if (__builtin_add_overflow(a.num, b.num, &a.num)) overflow(m);
    return a;
  }
  if (__builtin_mul_overflow(a.num, b.den, &x) || __builtin_mul_overflow(b.num, a.den, &y) ||
      __builtin_mul_overflow(a.den, b.den, &den) || __builtin_add_overflow(x, y, &x))
    overflow(m);
  return (Fraction){x, den};
}

static Fraction monomial(Machine *m, const Mono *t) {
  int64_t product = t->num;
  for (uint32_t k = 0; k < t->n; k++)
    for (uint32_t e = 0; e < t->exp[k]; e++)
      if (__builtin_mul_overflow(product, slot_of(m, t->atom[k])->num.i, &product)) overflow(m);
  return (Fraction){product, t->den};
}

int64_t extent_value(Machine *m, Size s) {
  Fraction sum = {0, 1};
  for (uint32_t k = 0; k < s->n; k++) sum = add(m, sum, monomial(m, &s->mono[k]));
  int64_t whole = sum.num / sum.den;
  if (whole * sum.den != sum.num) {
    diag(m->c, SEV_ERROR, m->p->pos, "a size is not a whole number: %lld/%lld",
         (long long)sum.num, (long long)sum.den);
    diag_raise(m->c, GC_ERROR);
  }
  return whole > 0 ? whole : 0;
}

void type_extents(Machine *m, const Type *t, int64_t *dim) {
  for (uint32_t k = 0; k < t->rank; k++) dim[k] = extent_value(m, t->dim[k]);
}
