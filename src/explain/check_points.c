/* check_points.c - random values inside a function's domain.
 *
 * Sizes are small and distinct, ints small and positive.  Reals are drawn from one
 * interval after another until the function runs and all its results are finite. */
#include "explain/check_private.h"

#include <math.h>

enum { TRIES = 60 };

/* splitmix64 */
uint64_t random_bits(Check *k) {
  uint64_t z = k->random += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double random_real(Check *k, double lo, double hi) {
  return lo + (hi - lo) * ((double)(random_bits(k) >> 11) * 0x1p-53);
}

uint64_t elements_of(const Value *v) {
  uint64_t n = 1;
  for (uint32_t k = 0; k < v->rank; k++) n *= (uint64_t)v->dim[k];
  return n;
}

/* ---- sizes ---- */

/* The value of an int node that is a parameter of the root; -1 if it is none. */
static int64_t atom_value(const Prog *p, Ref atom, const Value *in) {
  const Node *n = ir_node(p, atom);
  if (n->op != IR_PARAM || n->region != p->root->id) return -1;
  return *(const int64_t *)in[n->aux.i].data;
}

static int64_t size_value(const Prog *p, Size s, const Value *in) {
  double sum = 0;
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    double term = (double)m->num / (double)m->den;
    for (uint32_t j = 0; j < m->n; j++)
      term *= pow((double)atom_value(p, m->atom[j], in), m->exp[j]);
    sum += term;
  }
  return sum >= 0 && sum < 1e4 ? (int64_t)llround(sum) : -1;
}

Value new_value(Check *k, const Prog *p, const Type *t, const Value *in) {
  Value v = {.elem = t->elem, .rank = t->rank};
  for (uint32_t j = 0; j < t->rank; j++)
    if ((v.dim[j] = size_value(p, t->dim[j], in)) < 0) return v;
  v.data = NEWN(k->c, double, elements_of(&v) + 1);
  return v;
}

/* ---- elements ---- */

static const struct {
  double lo, hi;
} intervals[] = {
    {-2, 2}, {0.1, 0.9}, {0.5, 2}, {1.1, 3}, {-0.9, 0.9}, {0.01, 0.2}, {3, 9},
};
enum { INTERVALS = sizeof intervals / sizeof *intervals };

Value random_value(Check *k, Prog *p, const Type *t, const Value *in, double lo, double hi) {
  Value v = new_value(k, p, t, in);
  double *x = (double *)(uintptr_t)v.data;
  for (uint64_t j = 0; x && j < elements_of(&v); j++) x[j] = random_real(k, lo, hi);
  return v;
}

/* A square matrix with a heavy diagonal can be factored and inverted. */
static void heavy_diagonal(Value *v) {
  double *x = (double *)(uintptr_t)v->data;
  int64_t n = v->rank == 2 && v->dim[0] == v->dim[1] ? v->dim[0] : 0;
  for (int64_t i = 0; i < n; i++) x[i * n + i] += 4 * (double)n;
}

static Value whole_value(Check *k, const Prog *p, const SigParam *s, const Type *t, const Value *in,
                         uint32_t seen, uint32_t attempt) {
  static const int64_t distinct[] = {3, 2, 4, 5};
  Value v = new_value(k, p, t, in);
  int64_t *x = (int64_t *)(uintptr_t)v.data;
  for (uint64_t j = 0; x && j < elements_of(&v); j++) {
    if (t->elem == ELEM_BOOL || t->rank)
      x[j] = (int64_t)(random_bits(k) % 2);
    else if (attempt % 3 == 0)
      x[j] = distinct[seen % 4];
    else
      x[j] = s->is_size ? 3 : 1 + (int64_t)(random_bits(k) % 3);
  }
  return v;
}

/* Values for all parameters, or NULL where a size is not known. */
static Value *draw(Target *t, uint32_t attempt) {
  Check *k = t->k;
  Prog *p = t->value;
  Value *in = NEWN(k->c, Value, p->sig.params.n + 1);
  uint32_t whole = 0, pick = attempt % (2 * INTERVALS);
  for (uint32_t j = 0; j < p->sig.params.n; j++) {
    const SigParam *s = &p->sig.params.at[j];
    const Type *type = ir_type(p, s->ref);
    uint32_t which = pick < INTERVALS ? pick : (uint32_t)(random_bits(k) % INTERVALS);
    if (type->elem == ELEM_REAL) {
      in[j] = random_value(k, p, type, in, intervals[which].lo, intervals[which].hi);
      if (in[j].data && attempt % 2) heavy_diagonal(&in[j]);
    } else {
      in[j] = whole_value(k, p, s, type, in, whole++, attempt / INTERVALS);
    }
    if (!in[j].data) return NULL;
  }
  return in;
}

/* ---- points ---- */

static bool all_finite(const Value *v) {
  for (uint64_t j = 0; v->elem == ELEM_REAL && j < elements_of(v); j++)
    if (!isfinite(real_at(v, j))) return false;
  return true;
}

static bool inside(Target *t, const Value *in) {
  const Value *out = run_interpreted(t->k, t->value, in, 0);
  for (uint32_t j = 0; out && j < t->value->root->results.n; j++)
    if (!all_finite(&out[j])) return false;
  return out != NULL;
}

void check_points(Target *t, uint32_t n) {
  uint32_t attempt = 0;
  for (uint32_t tries = 0; t->point.n < n && tries < TRIES + n; tries++) {
    Value *in = draw(t, attempt);
    if (in && inside(t, in))
      VEC_PUSH(t->k->c, &t->point, in);
    else
      attempt++;
  }
  if (!t->point.n) t->why_not = "no point was found where it is finite";
}

Value *point_extended(Check *k, const Value *known, uint32_t n, Prog *p) {
  Value *in = NEWN(k->c, Value, p->root->params.n + 1);
  for (uint32_t j = 0; j < n; j++) in[j] = known[j];
  for (uint32_t j = n; j < p->root->params.n; j++) {
    in[j] = random_value(k, p, ir_type(p, p->root->params.at[j]), in, 0.5, 1.5);
    double *x = (double *)(uintptr_t)in[j].data;
    for (uint64_t i = 0; x && i < elements_of(&in[j]); i++)
      if (random_bits(k) & 1) x[i] = -x[i];
  }
  return in;
}
