/* sizes.c - numbers and sizes as C. */
#include "emit/private.h"

#include <inttypes.h>
#include <stdio.h>

static void buf_int(Buf *b, int64_t i, int prec) {
  if (i == INT64_MIN) {
    buf_puts(b, "(-9223372036854775807 - 1)");
    return;
  }
  bool paren = i < 0 && prec > PREC_UNARY;
  buf_printf(b, paren ? "(%" PRId64 ")" : "%" PRId64, i);
}

void put_int(Emit *e, int64_t i, int prec) {
  buf_int(&e->fn->body, i, prec);
}

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t r = a % b;
    a = b;
    b = r;
  }
  return a < 0 ? -a : a;
}

static void put_mono(Emit *e, Buf *b, const Mono *m, int64_t factor, PutAtom atom) {
  bool first = true;
  if (factor != 1 || m->n == 0) {
    buf_int(b, factor, PREC_MUL);
    first = false;
  }
  for (uint32_t k = 0; k < m->n; k++)
    for (uint32_t x = 0; x < m->exp[k]; x++) {
      if (!first) buf_puts(b, "*");
      atom(e, b, m->atom[k]);
      first = false;
    }
}

/* Terms of one sign, each after " + " or " - " unless it is the very first. */
static bool put_terms(Emit *e, Buf *b, Size s, int64_t den, bool negative, bool any, PutAtom atom) {
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    if ((m->num < 0) != negative) continue;
    int64_t factor = m->num * (den / m->den);
    if (negative) factor = -factor;
    if (any) buf_puts(b, negative ? " - " : " + ");
    else if (negative) buf_puts(b, "-");
    put_mono(e, b, m, factor, atom);
    any = true;
  }
  return any;
}

void size_c(Emit *e, Buf *b, Size s, int prec, PutAtom atom) {
  int64_t den = 1;
  for (uint32_t k = 0; k < s->n; k++) den = den / gcd(den, s->mono[k].den) * s->mono[k].den;
  if (s->n == 0) {
    buf_puts(b, "0");
    return;
  }
  const Mono *m = &s->mono[0];
  bool plain = s->n == 1 && den == 1 && m->num > 0;
  int mine = s->n == 1 && den == 1 && m->num < 0 ? PREC_ADD : PREC_MUL;
  if (plain && (m->n == 0 || (m->num == 1 && m->n == 1 && m->exp[0] == 1))) mine = PREC_PRIMARY;
  if (s->n > 1) mine = den > 1 ? PREC_MUL : PREC_ADD;
  if (prec > mine) buf_puts(b, "(");
  if (den > 1) buf_puts(b, "(");
  bool any = put_terms(e, b, s, den, false, false, atom);
  put_terms(e, b, s, den, true, any, atom);
  if (den > 1) buf_printf(b, ")/%" PRId64, den);
  if (prec > mine) buf_puts(b, ")");
}

void named_atom(Emit *e, Buf *b, Ref atom) {
  buf_puts(b, ref_node(e, atom));
}

void put_size(Emit *e, Size s, int prec) {
  size_c(e, &e->fn->body, s, prec, named_atom);
}

Size row_size(Emit *e, const Type *t, uint32_t nsub) {
  Size s = NULL;
  for (uint32_t k = nsub; k < t->rank; k++) s = s ? size_mul(e->p, s, t->dim[k]) : t->dim[k];
  return s ? s : size_const(e->p, 1);
}

Size array_size(Emit *e, const Type *t) {
  return row_size(e, t, 0);
}
