/* linear.c - places in arrays as polynomials over indices: how far a step of one moves. */
#include "emit/private.h"

static Size of_mono(Prog *p, const Mono *m, Ref without) {
  Size s = size_scale(p, size_const(p, 1), m->num, m->den);
  for (uint32_t k = 0; k < m->n; k++)
    for (uint32_t x = 0; m->atom[k] != without && x < m->exp[k]; x++)
      s = size_mul(p, s, size_atom(p, m->atom[k]));
  return s;
}

bool take_linear(Prog *p, Size s, Ref atom, Size *step, Size *rest) {
  *step = *rest = size_const(p, 0);
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    Size *to = rest;
    for (uint32_t j = 0; j < m->n; j++) {
      if (m->atom[j] != atom) continue;
      if (m->exp[j] > 1) return false;
      to = step;
    }
    *to = size_add(p, *to, of_mono(p, m, to == step ? atom : 0));
  }
  return true;
}

bool size_is_one(Size s) {
  int64_t n;
  return size_is_const(s, &n) && n == 1;
}

bool size_mentions(Size s, Ref atom) {
  for (uint32_t k = 0; s && k < s->n; k++)
    for (uint32_t j = 0; j < s->mono[k].n; j++)
      if (s->mono[k].atom[j] == atom) return true;
  return false;
}

Size flat_of(Emit *e, const Type *t, const Ref *index) {
  Size s = size_const(e->p, 0);
  for (uint32_t d = 0; d < t->rank; d++)
    s = size_add(e->p, s, size_mul(e->p, size_atom(e->p, index[d]), row_size(e, t, d + 1)));
  return s;
}
