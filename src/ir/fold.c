/* fold.c - the exact rules: rewriting that keeps every bit of the value.
 *
 * Before erasure a rule may not drop an operand that is real, since the program as
 * written depends on it; literals and ints carry no derivative and may go. */
#include "ir/private.h"

#include <math.h>

/* ---- what operands are ----------------------------------------------------- */

static const Node *prim_node(const Prog *p, Ref r, uint32_t prim) {
  const Node *n = ir_node(p, r);
  return n->op == IR_PRIM && (uint32_t)n->aux.i == prim ? n : NULL;
}

/* Is it the literal v?  (0 is +0.0, not -0.0.) */
static bool is(const Prog *p, Ref r, int v) {
  const Node *n = ir_node(p, r);
  if (n->op != IR_CONST) return false;
  if (n->type->elem != ELEM_REAL) return n->aux.i == v;
  return n->aux.r == (double)v && !signbit(n->aux.r) == (v >= 0);
}

static bool is_int(const Prog *p, Ref r) {
  return ir_type(p, r)->elem == ELEM_INT;
}

static bool int_const(const Prog *p, Ref r, int64_t *v) {
  const Node *n = ir_node(p, r);
  if (n->op != IR_CONST || n->type->elem == ELEM_REAL) return false;
  *v = n->aux.i;
  return true;
}

/* May an operand of this element type be dropped? */
static bool may_drop(const Prog *p, Elem e) {
  return p->erased || e != ELEM_REAL;
}

/* ---- constants ------------------------------------------------------------- */

/* Sums and products of reals as written wait until controls are erased: what a control
 * added and took away must still be seen in `1e60 + f - stop_gradient(1e60)`. */
static bool waits(const Prog *p, uint32_t prim, Ref arg) {
  bool sum = prim == P_ADD || prim == P_SUB || prim == P_MUL;
  return sum && !p->erased && !p->derivative && ir_type(p, arg)->elem == ELEM_REAL;
}

static Ref fold_constants(Prog *p, uint32_t prim, const Ref *arg) {
  if (waits(p, prim, arg[0])) return 0;
  double r[3] = {0}, real = 0;
  int64_t i[3] = {0}, whole = 0;
  uint32_t n = prim_get(prim)->arity;
  for (uint32_t k = 0; k < n; k++) {
    const Node *a = ir_node(p, arg[k]);
    if (a->op != IR_CONST) return 0;
    if (a->type->elem == ELEM_REAL) r[k] = a->aux.r;
    else i[k] = a->aux.i;
  }
  Elem last = ir_type(p, arg[n - 1])->elem;
  if (!prim_fold(prim, p->ctx->opt.real_float, last, r, i, &real, &whole)) return 0;
  switch (prim_elem(prim, ir_type(p, arg[0])->elem, last)) {
  case ELEM_REAL: return ir_real(p, real);
  case ELEM_INT: return ir_int(p, whole);
  case ELEM_BOOL: return ir_bool(p, whole != 0);
  }
  return 0;
}

/* ---- sums of ints ---------------------------------------------------------- */

/* x of `x + c` or `x - c`, and c with its sign. */
static bool plus_const(const Prog *p, Ref r, Ref *x, int64_t *c) {
  const Node *n = prim_node(p, r, P_ADD);
  if (n && int_const(p, n->arg[1], c)) return *x = n->arg[0], true;
  if (n && int_const(p, n->arg[0], c)) return *x = n->arg[1], true;
  n = prim_node(p, r, P_SUB);
  if (!n || !int_const(p, n->arg[1], c) || *c == INT64_MIN) return false;
  *c = -*c;
  return *x = n->arg[0], true;
}

/* (x + c) + d, without a detour: one literal, of the sign that reads better. */
static Ref int_shift(Prog *p, Ref a, int64_t d) {
  Ref x;
  int64_t c;
  if (!plus_const(p, a, &x, &c) || __builtin_add_overflow(c, d, &c) || c == INT64_MIN) return 0;
  return c < 0 ? ir_sub(p, x, ir_int(p, -c)) : ir_add(p, x, ir_int(p, c));
}

static Ref int_add(Prog *p, Ref a, Ref b) {
  const Node *s;
  int64_t d;
  if (is(p, a, 0)) return b;
  if (is(p, b, 0)) return a;
  if ((s = prim_node(p, a, P_SUB)) && s->arg[1] == b) return s->arg[0];
  if ((s = prim_node(p, b, P_SUB)) && s->arg[1] == a) return s->arg[0];
  if (int_const(p, b, &d)) return int_shift(p, a, d);
  if (int_const(p, a, &d)) return int_shift(p, b, d);
  return 0;
}

static Ref int_sub(Prog *p, Ref a, Ref b) {
  const Node *s;
  int64_t d;
  if (a == b) return ir_int(p, 0);
  if (is(p, b, 0)) return a;
  if (is(p, a, 0)) return ir_neg(p, b);
  if ((s = prim_node(p, a, P_ADD)) && s->arg[1] == b) return s->arg[0];
  if ((s = prim_node(p, a, P_ADD)) && s->arg[0] == b) return s->arg[1];
  if ((s = prim_node(p, b, P_SUB)) && s->arg[0] == a) return s->arg[1];
  if (int_const(p, b, &d) && d != INT64_MIN) return int_shift(p, a, -d);
  return 0;
}

/* ---- arithmetic ------------------------------------------------------------ */

static Ref rule_add(Prog *p, const Ref *a) {
  const Node *n;
  if (is_int(p, a[0])) {
    Ref r = int_add(p, a[0], a[1]);
    if (r) return r;
  }
  if ((n = prim_node(p, a[1], P_NEG))) return ir_sub(p, a[0], n->arg[0]);
  if ((n = prim_node(p, a[0], P_NEG))) return ir_sub(p, a[1], n->arg[0]);
  return 0;
}

static Ref rule_sub(Prog *p, const Ref *a) {
  const Node *n = prim_node(p, a[1], P_NEG);
  if (is_int(p, a[0])) {
    Ref r = int_sub(p, a[0], a[1]);
    if (r) return r;
  }
  if (n) return ir_add(p, a[0], n->arg[0]);
  return is(p, a[1], 0) ? a[0] : 0;
}

static Ref rule_mul(Prog *p, const Ref *a) {
  const Node *x = prim_node(p, a[0], P_NEG), *y = prim_node(p, a[1], P_NEG);
  if (is(p, a[0], 1)) return a[1];
  if (is(p, a[1], 1)) return a[0];
  if (is(p, a[0], -1)) return ir_neg(p, a[1]);
  if (is(p, a[1], -1)) return ir_neg(p, a[0]);
  if (x && y) return ir_mul(p, x->arg[0], y->arg[0]);
  if (!is_int(p, a[0])) return 0;
  return is(p, a[0], 0) || is(p, a[1], 0) ? ir_int(p, 0) : 0;
}

static Ref rule_div(Prog *p, const Ref *a) {
  const Node *x = prim_node(p, a[0], P_NEG), *y = prim_node(p, a[1], P_NEG);
  if (is(p, a[1], 1)) return a[0];
  if (is(p, a[1], -1)) return ir_neg(p, a[0]);
  return x && y ? ir_prim2(p, P_DIV, x->arg[0], y->arg[0]) : 0;
}

static Ref rule_neg(Prog *p, const Ref *a) {
  const Node *n = prim_node(p, a[0], P_NEG);
  if (n) return n->arg[0];
  n = prim_node(p, a[0], P_SUB);
  return n && is_int(p, a[0]) ? ir_sub(p, n->arg[1], n->arg[0]) : 0;
}

static Ref rule_floordiv(Prog *p, const Ref *a) {
  return is_int(p, a[0]) && is(p, a[1], 1) ? a[0] : 0;
}

static Ref rule_mod(Prog *p, const Ref *a) {
  return is_int(p, a[0]) && is(p, a[1], 1) ? ir_int(p, 0) : 0;
}

static Ref rule_pow(Prog *p, const Ref *a) {
  return is(p, a[1], 1) ? a[0] : 0;
}

/* max, min, and, or: of one thing twice. */
static Ref rule_idempotent(Prog *p, const Ref *a) {
  (void)p;
  return a[0] == a[1] ? a[0] : 0;
}

/* ---- logic ----------------------------------------------------------------- */

static Ref rule_select(Prog *p, const Ref *a) {
  const Node *n = prim_node(p, a[0], P_NOT);
  Elem e = ir_type(p, a[1])->elem;
  int64_t c;
  if (a[1] == a[2]) return a[1];
  if (int_const(p, a[0], &c) && may_drop(p, e)) return a[c ? 1 : 2];
  if (e == ELEM_BOOL && is(p, a[1], 1) && is(p, a[2], 0)) return a[0];
  if (e == ELEM_BOOL && is(p, a[1], 0) && is(p, a[2], 1)) return ir_prim1(p, P_NOT, a[0]);
  if (!n) return 0;
  Ref turned[] = {n->arg[0], a[2], a[1]};
  return ir_prim(p, P_SELECT, turned);
}

static Ref rule_and(Prog *p, const Ref *a) {
  if (is(p, a[0], 1)) return a[1];
  if (is(p, a[1], 1)) return a[0];
  if (is(p, a[0], 0) || is(p, a[1], 0)) return ir_bool(p, false);
  return rule_idempotent(p, a);
}

static Ref rule_or(Prog *p, const Ref *a) {
  if (is(p, a[0], 0)) return a[1];
  if (is(p, a[1], 0)) return a[0];
  if (is(p, a[0], 1) || is(p, a[1], 1)) return ir_bool(p, true);
  return rule_idempotent(p, a);
}

/* The comparison that holds where this one does not; of reals a NaN leaves only == and
 * != such a pair. */
static Ref rule_not(Prog *p, const Ref *a) {
  static const struct { uint32_t is, becomes; bool reals; } opposite[] = {
    {P_EQ, P_NE, true}, {P_NE, P_EQ, true}, {P_LT, P_GE, false},
    {P_LE, P_GT, false}, {P_GT, P_LE, false}, {P_GE, P_LT, false},
  };
  const Node *n = prim_node(p, a[0], P_NOT);
  if (n) return n->arg[0];
  for (uint32_t k = 0; k < sizeof opposite / sizeof *opposite; k++) {
    n = prim_node(p, a[0], opposite[k].is);
    if (n && (opposite[k].reals || ir_type(p, n->arg[0])->elem != ELEM_REAL))
      return ir_prim(p, opposite[k].becomes, n->arg);
  }
  return 0;
}

/* A comparison of an int with itself. */
static Ref always(Prog *p, const Ref *a, bool value) {
  return a[0] == a[1] && ir_type(p, a[0])->elem != ELEM_REAL ? ir_bool(p, value) : 0;
}

static Ref rule_reflexive(Prog *p, const Ref *a) {
  return always(p, a, true);
}

static Ref rule_irreflexive(Prog *p, const Ref *a) {
  return always(p, a, false);
}

static Ref (*const rule[PRIM_COUNT])(Prog *p, const Ref *a) = {
  [P_ADD] = rule_add, [P_SUB] = rule_sub, [P_MUL] = rule_mul, [P_DIV] = rule_div,
  [P_NEG] = rule_neg, [P_FLOORDIV] = rule_floordiv, [P_MOD] = rule_mod, [P_POW] = rule_pow,
  [P_MAX] = rule_idempotent, [P_MIN] = rule_idempotent, [P_SELECT] = rule_select,
  [P_AND] = rule_and, [P_OR] = rule_or, [P_NOT] = rule_not,
  [P_EQ] = rule_reflexive, [P_LE] = rule_reflexive, [P_GE] = rule_reflexive,
  [P_NE] = rule_irreflexive, [P_LT] = rule_irreflexive, [P_GT] = rule_irreflexive,
};

Ref fold_prim(Prog *p, uint32_t prim, const Ref *arg) {
  Ref r = fold_constants(p, prim, arg);
  return r || !rule[prim] ? r : rule[prim](p, arg);
}

Ref fold_toreal(Prog *p, Ref a) {
  int64_t i;
  if (!int_const(p, a, &i)) return 0;
  return ir_real(p, p->ctx->opt.real_float ? (double)(float)i : (double)i);
}

Ref fold_toint(Prog *p, Ref a) {
  const Node *n = ir_node(p, a);
  if (n->op != IR_CONST || !(fabs(n->aux.r) < 0x1p63)) return 0;
  return ir_int(p, (int64_t)n->aux.r);
}

/* ---- arrays ---------------------------------------------------------------- */

/* An array of constants becomes one constant. */
Ref fold_stack(Prog *p, uint32_t n, const Ref *e) {
  const Type *t = ir_type(p, e[0]);
  uint64_t count;
  for (uint32_t k = 0; k < n; k++) {
    Op op = ir_node(p, e[k])->op;
    if (op != IR_CONST && op != IR_DATA) return 0;
  }
  if (!type_count(t, &count) || count > SIZE_MAX / 8 / n) return 0;
  char *all = zone_alloc(p->ctx, NULL, count * n * 8); /* its copies share it */
  for (uint32_t k = 0; k < n; k++) {
    const Node *x = ir_node(p, e[k]);
    const void *from = x->op == IR_CONST ? (const void *)&x->aux.i : x->aux.data;
    if (count) memcpy(all + k * count * 8, from, count * 8);
  }
  Size dim[MAX_RANK];
  dim[0] = size_const(p, n);
  for (uint32_t k = 0; k < t->rank; k++) dim[k + 1] = t->dim[k];
  return ir_data(p, type_array(p, t->elem, t->rank + 1u, dim), all);
}

/* All subscripts are literals inside the array. */
static bool in_range(const Prog *p, const Type *t, uint32_t n, const Ref *index) {
  for (uint32_t k = 0; k < n; k++) {
    int64_t i, size;
    if (!int_const(p, index[k], &i) || !size_is_const(t->dim[k], &size)) return false;
    if (i < 0 || i >= size) return false;
  }
  return true;
}

static Ref read_data(Prog *p, const Node *data, const Ref *index) {
  const Type *t = data->type;
  uint64_t at = 0;
  for (uint32_t k = 0; k < t->rank; k++) {
    int64_t size = 0;
    size_is_const(t->dim[k], &size);
    at = at * (uint64_t)size + (uint64_t)ir_node(p, index[k])->aux.i;
  }
  if (t->elem == ELEM_REAL) return ir_real(p, ((const double *)data->aux.data)[at]);
  int64_t i = ((const int64_t *)data->aux.data)[at];
  return t->elem == ELEM_INT ? ir_int(p, i) : ir_bool(p, i != 0);
}

typedef enum Hit { HIT_SAME, HIT_OTHER, HIT_UNKNOWN } Hit;

/* Does the read's place lie in the part that a WITH replaced? */
static Hit with_hit(const Prog *p, const Node *with, uint32_t n, const Ref *index) {
  uint32_t part = with->nargs - 2;
  bool same = n >= part;
  for (uint32_t k = 0; k < part && k < n; k++) {
    int64_t i, j;
    if (with->arg[k + 2] == index[k]) continue;
    if (int_const(p, with->arg[k + 2], &i) && int_const(p, index[k], &j) && i != j)
      return HIT_OTHER;
    same = false;
  }
  return same ? HIT_SAME : HIT_UNKNOWN;
}

enum { MAX_WITHS = 64 }; /* looked through at most, to stay linear */

/* A read through WITHs that certainly hit, or certainly miss, the place. */
static Ref read_with(Prog *p, Ref a, uint32_t n, const Ref *index, bool checked) {
  Ref at = a;
  for (uint32_t steps = 0; steps < MAX_WITHS; steps++) {
    const Node *w = ir_node(p, at);
    if (w->op != IR_WITH) break;
    if (w->flags & NODE_CHECKED && !in_range(p, w->type, w->nargs - 2, w->arg + 2)) break;
    Hit hit = with_hit(p, w, n, index);
    uint32_t part = w->nargs - 2;
    if (hit == HIT_SAME) return ir_read(p, w->arg[1], n - part, index + part, checked);
    if (hit == HIT_UNKNOWN) break;
    at = w->arg[0];
  }
  return at == a ? 0 : ir_read(p, at, n, index, checked);
}

/* a[i…][j…] is a[i…, j…]. */
static Ref read_read(Prog *p, const Node *inner, uint32_t n, const Ref *index, bool checked) {
  Ref all[MAX_RANK];
  uint32_t had = inner->nargs - 1;
  memcpy(all, inner->arg + 1, had * sizeof(Ref));
  memcpy(all + had, index, n * sizeof(Ref));
  return ir_read(p, inner->arg[0], had + n, all, checked || inner->flags & NODE_CHECKED);
}

Ref fold_read(Prog *p, Ref a, uint32_t n, const Ref *index, bool checked) {
  const Node *from = ir_node(p, a);
  bool literal = in_range(p, from->type, n, index), drop = may_drop(p, from->type->elem);
  switch ((Op)from->op) {
  case IR_READ: return read_read(p, from, n, index, checked);
  case IR_FILL:
    return literal || !checked ? ir_fill(p, from->arg[0], type_drop(p, from->type, n)) : 0;
  case IR_STACK:
    if (!drop || !in_range(p, from->type, 1, index)) return 0;
    return ir_read(p, from->arg[ir_node(p, index[0])->aux.i], n - 1, index + 1, checked);
  case IR_DATA: return drop && literal && n == from->type->rank ? read_data(p, from, index) : 0;
  case IR_WITH: return drop ? read_with(p, a, n, index, checked) : 0;
  default: return 0;
  }
}

Ref fold_reshape(Prog *p, Ref a, const Type *t) {
  const Node *n = ir_node(p, a);
  uint64_t had, has;
  switch ((Op)n->op) {
  case IR_RESHAPE: return ir_reshape(p, n->arg[0], t);
  case IR_FILL: return ir_fill(p, n->arg[0], t);
  case IR_DATA:
    if (!type_count(n->type, &had) || !type_count(t, &has) || had != has) return 0;
    return ir_data(p, t, n->aux.data);
  default: return 0;
  }
}

/* ---- barriers and results -------------------------------------------------- */

Ref fold_barrier(Prog *p, Op op, Ref x) {
  const Node *n = ir_node(p, x);
  if (p->erased || n->type->elem != ELEM_REAL) return x;
  return op == IR_STOP && n->op == IR_STOP ? x : 0;
}

/* What both branches give alike, and what a fold carries unchanged. */
Ref fold_out(Prog *p, Ref structured, uint32_t k) {
  const Node *s = ir_node(p, structured);
  const Region *body = s->regions[s->nregions - 1];
  if (s->op == IR_FOLD && k + 1 < s->nargs && body->results.at[k] == body->params.at[k + 1])
    return s->arg[k + 1];
  if (s->op == IR_WHILE && k + 1 < s->nargs && body->results.at[k] == body->params.at[k])
    return s->arg[k + 1];
  if (s->op != IR_IF || !may_drop(p, s->result_type[k]->elem)) return 0;
  const Region *then = s->regions[0];
  const Node *a = ir_node(p, then->results.at[k]), *b = ir_node(p, body->results.at[k]);
  if (a == b) return then->results.at[k];
  if (a->op != IR_CONST || b->op != IR_CONST || a->aux.i != b->aux.i) return 0;
  return a->type->elem == ELEM_REAL ? ir_real(p, a->aux.r)
         : a->type->elem == ELEM_INT ? ir_int(p, a->aux.i) : ir_bool(p, a->aux.i != 0);
}
