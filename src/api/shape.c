/* shape.c - shapes as formulas over sizes, which stand on their own: evaluated for given
 * sizes, and solved for the sizes that the shapes of arguments tell. */
#include <string.h>

#include "api/private.h"

/* ---- from the program ------------------------------------------------------- */

typedef struct Build {
  Ctx *c;
  Pool *pool;
  Prog *p;
  VEC(Slot) slots;
  VEC(Ref) refs;          /* the node of each slot */
  VEC(uint32_t) params;   /* of each variable */
} Build;

enum { NO_SLOT = UINT32_MAX, DEEPEST = 64 };

static uint32_t slot_add(Build *b, Ref r, Slot s) {
  VEC_PUSH(b->c, &b->slots, s);
  VEC_PUSH(b->c, &b->refs, r);
  return b->slots.n - 1;
}

static uint32_t slot_of_param(Build *b, Ref r, const Node *n) {
  if (n->region != b->p->root->id) return NO_SLOT;
  VEC_PUSH(b->c, &b->params, (uint32_t)n->aux.i);
  return slot_add(b, r, (Slot){.is_var = true, .var = b->params.n - 1});
}

static uint32_t slot_of(Build *b, Ref r, int depth) {
  for (uint32_t k = 0; k < b->refs.n; k++)
    if (b->refs.at[k] == r) return k;
  const Node *n = ir_node(b->p, r);
  if (n->op == IR_PARAM) return slot_of_param(b, r, n);
  if (n->op == IR_CONST) return slot_add(b, r, (Slot){.is_const = true, .value = n->aux.i});
  if (n->op != IR_PRIM || n->nargs > 3 || depth > DEEPEST || n->type->elem != ELEM_INT)
    return NO_SLOT;
  Slot s = {.prim = (uint32_t)n->aux.i, .nargs = n->nargs};
  for (uint32_t k = 0; k < n->nargs; k++) {
    if (ir_type(b->p, n->arg[k])->elem != ELEM_INT) return NO_SLOT;
    s.arg[k] = slot_of(b, n->arg[k], depth + 1);
    if (s.arg[k] == NO_SLOT) return NO_SLOT;
  }
  return slot_add(b, r, s);
}

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t r = a % b;
    a = b;
    b = r;
  }
  return a;
}

static bool term_build(Build *b, const Mono *m, int64_t den, Term *t) {
  if (__builtin_mul_overflow(m->num, den / m->den, &t->coef)) return false;
  t->n = m->n;
  t->slot = POOL_NEED(b->c, b->pool, uint32_t, m->n);
  t->exp = POOL_NEED(b->c, b->pool, uint32_t, m->n);
  for (uint32_t k = 0; k < m->n; k++) {
    t->slot[k] = slot_of(b, m->atom[k], 0);
    t->exp[k] = m->exp[k];
    if (t->slot[k] == NO_SLOT) return false;
  }
  return true;
}

static bool formula_build(Build *b, Size s, Formula *f) {
  f->den = 1;
  for (uint32_t k = 0; k < s->n; k++) {
    int64_t d = s->mono[k].den;
    if (__builtin_mul_overflow(f->den / gcd(f->den, d), d, &f->den)) return false;
  }
  f->n = s->n;
  f->term = POOL_NEED(b->c, b->pool, Term, s->n);
  for (uint32_t k = 0; k < s->n; k++)
    if (!term_build(b, &s->mono[k], f->den, &f->term[k])) return false;
  return true;
}

static void leaf_build(Build *b, Leaf *leaf, const Type *t, Span at) {
  leaf->dim = POOL_NEED(b->c, b->pool, Formula, t->rank);
  for (uint32_t k = 0; k < t->rank; k++)
    if (!formula_build(b, t->dim[k], &leaf->dim[k]))
      fail_at(b->c, at, "give the size a name of its own, or make it an int parameter",
              "the shape of `%s` is known only while the function runs", leaf->pub.name);
}

void shape_build(Ctx *c, struct gradc_function *f, Prog *p) {
  Build b = {.c = c, .pool = &f->pool, .p = p};
  const Region *root = p->root;
  for (uint32_t k = 0; k < p->sig.params.n; k++)
    if (p->sig.params.at[k].is_size) slot_of(&b, root->params.at[k], 0);
  for (uint32_t k = 0; k < f->ninputs; k++)
    leaf_build(&b, &f->input[k], ir_type(p, root->params.at[f->input[k].param]), p->pos);
  for (uint32_t k = 0; k < f->noutputs; k++) {
    if (f->output[k].late) continue;
    const Node *n = ir_node(p, root->results.at[f->output[k].place]);
    leaf_build(&b, &f->output[k], n->type, n->pos);
  }
  Sizes *s = &f->sizes;
  s->nslots = b.slots.n;
  s->slot = POOL_NEED(c, &f->pool, Slot, b.slots.n);
  if (b.slots.n) memcpy(s->slot, b.slots.at, sizeof(Slot) * b.slots.n);
  s->nvars = b.params.n;
  s->param = POOL_NEED(c, &f->pool, uint32_t, b.params.n);
  s->name = POOL_NEED(c, &f->pool, const char *, b.params.n);
  for (uint32_t k = 0; k < b.params.n; k++) {
    s->param[k] = b.params.at[k];
    const char *name = p->sig.params.at[s->param[k]].name;
    s->name[k] = pool_text(c, &f->pool, name, strlen(name));
    for (uint32_t j = 0; j < f->ninputs; j++)
      f->input[j].in_shapes |= f->input[j].param == s->param[k];
  }
}

/* ---- values ------------------------------------------------------------------- */

void shape_values(const Sizes *s, int64_t *value, bool *known) {
  for (uint32_t k = 0; k < s->nslots; k++) {
    const Slot *x = &s->slot[k];
    int64_t arg[3] = {0};
    double unused, reals[3] = {0};
    bool all = true;
    if (x->is_var) continue;
    if (x->is_const) value[k] = x->value;
    for (uint32_t j = 0; j < x->nargs; j++) {
      arg[j] = value[x->arg[j]];
      all &= known[x->arg[j]];
    }
    known[k] = all && (x->is_const || prim_fold(x->prim, false, ELEM_INT, reals, arg, &unused,
                                                &value[k]));
  }
}

/* The product of a term's factors, but for slot `without`. */
static bool product(const Term *t, const int64_t *value, uint32_t without, int64_t *result) {
  *result = t->coef;
  for (uint32_t k = 0; k < t->n; k++)
    for (uint32_t e = 0; e < t->exp[k] && t->slot[k] != without; e++)
      if (__builtin_mul_overflow(*result, value[t->slot[k]], result)) return false;
  return true;
}

bool shape_eval(const Formula *f, const int64_t *value, int64_t *result) {
  int64_t sum = 0, part;
  for (uint32_t k = 0; k < f->n; k++)
    if (!product(&f->term[k], value, NO_SLOT, &part) || __builtin_add_overflow(sum, part, &sum))
      return false;
  *result = sum / f->den;
  return sum % f->den == 0;
}

/* The one slot of the formula whose value is not known, if it is a variable. */
static uint32_t unknown_of(const Sizes *s, const Formula *f, const bool *known) {
  uint32_t found = NO_SLOT;
  for (uint32_t k = 0; k < f->n; k++)
    for (uint32_t j = 0; j < f->term[k].n; j++) {
      uint32_t slot = f->term[k].slot[j];
      if (known[slot] || slot == found) continue;
      if (found != NO_SLOT || !s->slot[slot].is_var) return NO_SLOT;
      found = slot;
    }
  return found;
}

static bool has_factor(const Term *t, uint32_t slot, uint32_t *exp) {
  for (uint32_t k = 0; k < t->n; k++)
    if (t->slot[k] == slot) {
      *exp = t->exp[k];
      return true;
    }
  return false;
}

int shape_solve(const Sizes *s, const Formula *f, int64_t result, int64_t *value, bool *known) {
  uint32_t x = unknown_of(s, f, known), exp;
  int64_t slope = 0, rest, part;
  if (x == NO_SLOT) return 0;
  if (__builtin_mul_overflow(result, f->den, &rest)) return -1;
  for (uint32_t k = 0; k < f->n; k++) {
    const Term *t = &f->term[k];
    bool in = has_factor(t, x, &exp);
    if (in && exp != 1) return 0;
    if (!product(t, value, x, &part)) return -1;
    if (in ? __builtin_add_overflow(slope, part, &slope) : __builtin_sub_overflow(rest, part, &rest))
      return -1;
  }
  if (slope == 0) return 0;
  if ((slope == -1 && rest == INT64_MIN) || rest % slope != 0) return -1;
  value[x] = rest / slope;
  known[x] = true;
  return 1;
}
