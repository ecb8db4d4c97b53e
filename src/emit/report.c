/* report.c - what a function costs, counted on its program and not by running it: operations
 * on reals by kind, bytes of arrays that move, workspace, stack.
 *
 * Counts are polynomials over the sizes.  A loop counts as its body summed over its indices,
 * exactly where extents are polynomials of outer indices (Faulhaber); of an `if` the larger
 * branch counts, of a `while` as many rounds as it may take.  Signs, copies and arithmetic
 * of subscripts do not count.
 *
 * Bytes move where arrays are met outside of all parallel loops or carried by a fold: a loop
 * moves each array that it mentions once, or as many elements as it reads if those are fewer;
 * what is made inside a loop stays in caches.  A step of a fold keeps nothing for the next. */
#include "emit/private.h"

#include <string.h>

/* Elements of one array that a region reads or writes. */
typedef struct Touch { Ref array; Size elements; } Touch;
typedef VEC(Touch) Touches;

typedef struct Cost {
  Size count[EMIT_COUNTS];
  Touches touches;
} Cost;

typedef struct Report {
  Emit *e;
  uint32_t *at;          /* by Ref: place in the list being made, plus 1 */
} Report;

/* ---- sums over an index ------------------------------------------------------------- */

/* Degree of a polynomial in one atom. */
static uint32_t degree_in(Size s, Ref atom) {
  uint32_t d = 0;
  for (uint32_t m = 0; m < s->n; m++)
    for (uint32_t k = 0; k < s->mono[m].n; k++)
      if (s->mono[m].atom[k] == atom && s->mono[m].exp[k] > d) d = s->mono[m].exp[k];
  return d;
}

/* The factor of atom^power. */
static Size coefficient(Prog *p, Size s, Ref atom, uint32_t power) {
  Size sum = size_const(p, 0);
  for (uint32_t m = 0; m < s->n; m++) {
    const Mono *t = &s->mono[m];
    Size product = size_scale(p, size_const(p, 1), t->num, t->den);
    uint32_t have = 0;
    for (uint32_t k = 0; k < t->n; k++) {
      if (t->atom[k] == atom) have = t->exp[k];
      for (uint32_t x = 0; t->atom[k] != atom && x < t->exp[k]; x++)
        product = size_mul(p, product, size_atom(p, t->atom[k]));
    }
    if (have == power) sum = size_add(p, sum, product);
  }
  return sum;
}

enum { POWERS = 12 };

/* Sums of i^0, …, i^d over 0 <= i < n, from n^(j+1) = sum over k of C(j+1, k) S_k. */
static void power_sums(Prog *p, Size n, uint32_t d, Size *sum) {
  Size power = n;
  for (uint32_t j = 0; j <= d; j++) {
    int64_t choose = 1;
    Size rest = power;
    for (uint32_t k = 0; k < j; k++) {
      rest = size_sub(p, rest, size_scale(p, sum[k], choose, 1));
      choose = choose * (j + 1 - k) / (k + 1);
    }
    sum[j] = size_scale(p, rest, 1, j + 1);
    power = size_mul(p, power, n);
  }
}

/* The sum of s over 0 <= index < n. */
static Size summed(Prog *p, Size s, Ref index, Size n) {
  uint32_t d = degree_in(s, index);
  Size power[POWERS + 1], sum = size_const(p, 0);
  if (d == 0) return size_mul(p, s, n);
  if (d > POWERS) d = POWERS;
  power_sums(p, n, d, power);
  for (uint32_t k = 0; k <= d; k++)
    sum = size_add(p, sum, size_mul(p, coefficient(p, s, index, k), power[k]));
  return sum;
}

/* ---- extents ------------------------------------------------------------------------- */

static bool is_index(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  return n->op == IR_PARAM && region_of(e, r)->owner;
}

/* The number of rounds that a WHILE took. */
static bool is_trips(const Emit *e, Ref r) {
  const Node *n = node(e, r), *of = n->op == IR_PROJ ? node(e, n->arg[0]) : n;
  return of->op == IR_WHILE && n != of && n->aux.i + 1 == of->nresults;
}

/* What an int comes to, as a polynomial over parameters and indices; of other ints that are
 * known beforehand only by a bound, the bound. */
static Ref known_atom(void *self, Ref atom) {
  Emit *e = self;
  while (is_trips(e, atom)) atom = node(e, node(e, atom)->arg[0])->arg[0];
  if (root_param(e, atom) || is_index(e, atom)) return atom;
  Size bound = size_bound(e, size_atom(e->p, atom));
  if (!bound || bound->n != 1 || bound->mono[0].n != 1 || bound->mono[0].exp[0] != 1) return atom;
  return bound->mono[0].atom[0];
}

static Size extent(Emit *e, Ref r) {
  return size_map(e->p, size_atom(e->p, r), known_atom, e);
}

/* ---- operations ----------------------------------------------------------------------- */

static const struct { uint8_t prim; uint8_t kind; } kinds[] = {
  {P_ADD, EMIT_ADDITIONS}, {P_SUB, EMIT_ADDITIONS}, {P_FDIM, EMIT_ADDITIONS},
  {P_MUL, EMIT_MULTIPLICATIONS}, {P_LDEXP, EMIT_MULTIPLICATIONS},
  {P_DIV, EMIT_DIVISIONS}, {P_SQRT, EMIT_DIVISIONS}, {P_FMOD, EMIT_DIVISIONS},
  {P_REMAINDER, EMIT_DIVISIONS}, {P_MOD, EMIT_DIVISIONS}, {P_FLOORDIV, EMIT_DIVISIONS},
  {P_MAX, EMIT_COMPARISONS}, {P_MIN, EMIT_COMPARISONS}, {P_SELECT, EMIT_COMPARISONS},
  {P_EQ, EMIT_COMPARISONS}, {P_NE, EMIT_COMPARISONS}, {P_LT, EMIT_COMPARISONS},
  {P_LE, EMIT_COMPARISONS}, {P_GT, EMIT_COMPARISONS}, {P_GE, EMIT_COMPARISONS},
  {P_ISNAN, EMIT_COMPARISONS}, {P_ISINF, EMIT_COMPARISONS}, {P_ISFINITE, EMIT_COMPARISONS},
  {P_FLOOR, EMIT_COMPARISONS}, {P_CEIL, EMIT_COMPARISONS}, {P_TRUNC, EMIT_COMPARISONS},
  {P_ROUND, EMIT_COMPARISONS}, {P_RINT, EMIT_COMPARISONS}, {P_NEARBYINT, EMIT_COMPARISONS},
  {P_SIGN, EMIT_COMPARISONS}, {P_FMAX, EMIT_COMPARISONS}, {P_FMIN, EMIT_COMPARISONS},
  {P_RELU, EMIT_COMPARISONS}, {P_HEAVISIDE, EMIT_COMPARISONS}, {P_CLAMP, EMIT_COMPARISONS},
  {P_NEG, EMIT_COUNTS}, {P_ABS, EMIT_COUNTS}, {P_FABS, EMIT_COUNTS}, {P_COPYSIGN, EMIT_COUNTS},
};

/* EMIT_COUNTS: it costs nothing worth telling.  What the table leaves out is a function. */
static unsigned kind_of(const Emit *e, const Node *n) {
  bool real = n->type->elem == ELEM_REAL;
  for (uint32_t k = 0; k < n->nargs; k++) real |= ir_type(e->p, n->arg[k])->elem == ELEM_REAL;
  if (!real) return EMIT_COUNTS;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    if (kinds[k].prim == n->aux.i) return kinds[k].kind;
  return EMIT_FUNCTIONS;
}

/* A small whole power is written as products. */
static bool small_power(const Emit *e, const Node *n, uint32_t plain[]) {
  double x;
  if (!ir_is_const(e->p, n->arg[1], &x) || x != (double)(int)x || x < -16 || x > 16) return false;
  if (x < 0) plain[EMIT_DIVISIONS]++;
  for (int k = x < 0 ? -(int)x : (int)x; k > 1; k = k % 2 ? k - 1 : k / 2)
    plain[EMIT_MULTIPLICATIONS]++;
  return true;
}

static void count_prim(const Emit *e, const Node *n, uint32_t plain[]) {
  unsigned kind = kind_of(e, n);
  if (kind == EMIT_FUNCTIONS && n->aux.i == P_POW && small_power(e, n, plain)) return;
  if (kind == EMIT_FUNCTIONS && n->aux.i == P_FMA) {
    plain[EMIT_ADDITIONS]++;
    kind = EMIT_MULTIPLICATIONS;
  }
  plain[kind]++;
}

static unsigned combining(Combiner c) {
  return c == BUILD || c == ANY || c == ALL ? EMIT_COUNTS
         : c == SUM ? EMIT_ADDITIONS
         : c == PROD ? EMIT_MULTIPLICATIONS : EMIT_COMPARISONS;
}

static void add_count(Report *r, Cost *c, unsigned kind, Size n) {
  if (kind < EMIT_COUNTS) c->count[kind] = size_add(r->e->p, c->count[kind], n);
}

/* ---- arrays ----------------------------------------------------------------------------- */

/* A polynomial over sizes that are not known: the one that grows more slowly, where neither
 * is surely smaller; `otherwise` where that does not tell either. */
static uint32_t degree(Size s) {
  uint32_t d = 0;
  for (uint32_t k = 0; s->n && k < s->mono[0].n; k++) d += s->mono[0].exp[k];
  return d;
}

static Size smaller(Prog *p, Size a, Size otherwise) {
  if (size_nonneg(p, size_sub(p, otherwise, a))) return a;
  if (size_nonneg(p, size_sub(p, a, otherwise))) return otherwise;
  return degree(a) < degree(otherwise) ? a : otherwise;
}

static Size larger(Prog *p, Size a, Size b) {
  Size less = smaller(p, a, b);
  return less == a ? b : a;
}

static void touch(Report *r, Cost *c, Ref array, Size elements) {
  Emit *e = r->e;
  Touches *t = &c->touches;
  uint32_t at = r->at[array];
  if (at && at <= t->n && t->at[at - 1].array == array) {
    t->at[at - 1].elements = size_add(e->p, t->at[at - 1].elements, elements);
    return;
  }
  VEC_PUSH(e->c, t, ((Touch){array, elements}));
  r->at[array] = t->n;
}

/* An array used as a whole: one that is seen through a view is copied. */
static void touch_value(Report *r, Cost *c, Ref value) {
  const Node *n = node(r->e, value);
  if (is_array(n) && is_view(n)) touch(r, c, base_of(r->e, value), array_size(r->e, n->type));
}

/* What starts a fold or an accumulator, or is a result: a copy of an input or of a part, or
 * one number all over, is written there; other arrays are made in their place. */
static void touch_copy(Report *r, Cost *c, Ref value) {
  Emit *e = r->e;
  if (!is_array(node(e, value))) return;
  Ref base = base_of(e, value);
  Size n = array_size(e, node(e, value)->type);
  if (info(e, base)->lazy) touch(r, c, base, n);
  else if (node(e, base)->op == IR_PARAM || is_view(node(e, value)))
    touch(r, c, base, size_scale(e->p, n, 2, 1));
}

/* ---- nodes ------------------------------------------------------------------------------ */

static Cost region_cost(Report *r, const Region *region);

static Cost no_cost(Report *r) {
  Cost c = {.touches = {0}};
  for (unsigned k = 0; k < EMIT_COUNTS; k++) c.count[k] = size_const(r->e->p, 0);
  return c;
}

/* A body's cost summed over an index; arrays of a parallel loop's own are gone, and of the
 * others no more than all of it is touched. */
static void repeat(Report *r, Cost *c, Ref index, Size n) {
  Prog *p = r->e->p;
  for (unsigned k = 0; k < EMIT_COUNTS; k++) c->count[k] = summed(p, c->count[k], index, n);
  for (uint32_t k = 0; k < c->touches.n; k++)
    c->touches.at[k].elements = summed(p, c->touches.at[k].elements, index, n);
}

static Size whole(Report *r, Ref array) {
  return array_size(r->e, node(r->e, array)->type);
}

static void leave_loop(Report *r, Cost *c, const Region *body) {
  Touches *t = &c->touches;
  uint32_t left = 0;
  for (uint32_t k = 0; k < t->n; k++) {
    Touch x = t->at[k];
    if (region_inside(r->e, node(r->e, x.array)->region, body)) continue;
    Size all = whole(r, x.array);
    if (node(r->e, x.array)->type->acc) all = size_scale(r->e->p, all, 2, 1);
    x.elements = smaller(r->e->p, x.elements, all);
    t->at[left++] = x;
  }
  t->n = left;
}

static Ref result_of(const Emit *e, Ref r, uint32_t k) {
  return info(e, r)->out[k].proj;
}

/* What the outputs of a loop or a fold cost in one round; arrays are written whole. */
static void outputs(Report *r, Cost *body, Ref owner, uint32_t first, Size rounds, Cost *out) {
  Emit *e = r->e;
  const Node *n = node(e, owner);
  const Region *region = n->regions[0];
  for (uint32_t k = 0; k < n->aux.loop->nout; k++) {
    Ref value = region->results.at[first + k], proj = result_of(e, owner, first + k);
    add_count(r, body, ir_type(e->p, value)->elem == ELEM_REAL ? combining(n->aux.loop->comb[k])
                                                               : EMIT_COUNTS,
              size_const(e->p, 1));
    if (n->aux.loop->comb[k] != BUILD) continue;
    touch_value(r, body, value);
    if (proj) touch(r, out, proj, size_mul(e->p, rounds, array_size(e, ir_type(e->p, value))));
  }
}

static void merge(Report *r, Cost *c, const Cost *x) {
  for (unsigned k = 0; k < EMIT_COUNTS; k++) add_count(r, c, k, x->count[k]);
  for (uint32_t k = 0; k < x->touches.n; k++)
    touch(r, c, x->touches.at[k].array, x->touches.at[k].elements);
}

static void forget(Report *r, const Cost *c) {
  for (uint32_t k = 0; k < c->touches.n; k++) r->at[c->touches.at[k].array] = 0;
}

static Cost loop_cost(Report *r, Ref owner, Cost *written) {
  Emit *e = r->e;
  const Node *n = node(e, owner);
  const Region *body = n->regions[0];
  Cost c = region_cost(r, body);
  Size rounds = size_const(e->p, 1);
  for (uint32_t k = 0; k < n->nargs; k++) rounds = size_mul(e->p, rounds, extent(e, n->arg[k]));
  outputs(r, &c, owner, 0, rounds, written);
  for (uint32_t k = 0; k < n->nargs; k++) repeat(r, &c, body->params.at[k], extent(e, n->arg[k]));
  leave_loop(r, &c, body);
  return c;
}

static Cost fold_cost(Report *r, Ref owner, Cost *written) {
  Emit *e = r->e;
  const Node *n = node(e, owner);
  Cost c = region_cost(r, n->regions[0]);
  outputs(r, &c, owner, n->nargs - 1, extent(e, n->arg[0]), written);
  repeat(r, &c, n->regions[0]->params.at[0], extent(e, n->arg[0]));
  for (uint32_t k = 1; k < n->nargs; k++) touch_copy(r, written, n->arg[k]);
  return c;
}

static Cost accum_cost(Report *r, Ref owner, Cost *written) {
  const Node *n = node(r->e, owner);
  for (uint32_t k = 0; k < n->nargs; k++) touch_copy(r, written, n->arg[k]);
  forget(r, written);
  return region_cost(r, n->regions[0]);
}

static Cost while_cost(Report *r, Ref owner) {
  const Node *n = node(r->e, owner);
  Cost c = region_cost(r, n->regions[0]), body = region_cost(r, n->regions[1]);
  merge(r, &c, &body);
  repeat(r, &c, 0, extent(r->e, n->arg[0]));
  return c;
}

/* The larger of both branches, kind by kind and array by array. */
static Cost if_cost(Report *r, Ref owner) {
  Emit *e = r->e;
  const Node *n = node(e, owner);
  Cost c = region_cost(r, n->regions[0]);
  forget(r, &c);
  Cost other = region_cost(r, n->regions[1]);
  forget(r, &other);
  for (unsigned k = 0; k < EMIT_COUNTS; k++) c.count[k] = larger(e->p, c.count[k], other.count[k]);
  for (uint32_t k = 0; k < c.touches.n; k++) r->at[c.touches.at[k].array] = k + 1;
  for (uint32_t k = 0; k < other.touches.n; k++) {
    Touch x = other.touches.at[k];
    uint32_t at = r->at[x.array];
    if (!at) touch(r, &c, x.array, x.elements);
    else c.touches.at[at - 1].elements = larger(e->p, c.touches.at[at - 1].elements, x.elements);
  }
  return c;
}

static Cost structured_cost(Report *r, Ref owner, Cost *written) {
  const Node *n = node(r->e, owner);
  Cost c;
  switch (n->op) {
    case IR_LOOP: c = loop_cost(r, owner, written); break;
    case IR_FOLD: c = fold_cost(r, owner, written); break;
    case IR_WHILE: c = while_cost(r, owner); break;
    case IR_IF: c = if_cost(r, owner); break;
    default: c = accum_cost(r, owner, written); break;
  }
  forget(r, &c);
  forget(r, written);
  return c;
}

static void plain_cost(Report *r, Cost *c, uint32_t plain[EMIT_COUNTS + 1], Ref ref) {
  Emit *e = r->e;
  const Node *n = node(e, ref);
  switch (n->op) {
    case IR_PRIM: count_prim(e, n, plain); break;
    case IR_READ:
      if (!is_array(n)) touch(r, c, base_of(e, n->arg[0]), size_const(e->p, 1));
      break;
    case IR_UPD: {
      Size row = row_size(e, ir_type(e->p, n->arg[0]), n->nargs - 2);
      add_count(r, c, EMIT_ADDITIONS, row);
      touch(r, c, n->arg[0], size_scale(e->p, row, 2, 1));
      touch_value(r, c, n->arg[1]);
      break;
    }
    case IR_WITH:
      touch(r, c, ref, row_size(e, n->type, n->nargs - 2));
      touch_value(r, c, n->arg[1]);
      break;
    case IR_STACK:
      touch(r, c, ref, array_size(e, n->type));
      for (uint32_t k = 0; k < n->nargs; k++) touch_value(r, c, n->arg[k]);
      break;
    case IR_FILL:
      if (!info(e, ref)->lazy) touch(r, c, ref, array_size(e, n->type));
      break;
    default: break;
  }
}

/* Regions inside come first: the list of this one is then made in one go. */
static Cost region_cost(Report *r, const Region *region) {
  Emit *e = r->e;
  Cost c = no_cost(r);
  uint32_t plain[EMIT_COUNTS + 1] = {0}, inside = 0;
  for (uint32_t k = 0; k < region->nodes.n; k++)
    inside += node(e, region->nodes.at[k])->nregions > 0 && info(e, region->nodes.at[k])->need;
  Cost *parts = NEWN(e->c, Cost, 2 * inside + 1);
  inside = 0;
  for (uint32_t k = 0; k < region->nodes.n; k++) {
    Ref ref = region->nodes.at[k];
    if (!node(e, ref)->nregions || !info(e, ref)->need) continue;
    parts[inside + 1] = no_cost(r);
    parts[inside] = structured_cost(r, ref, &parts[inside + 1]);
    inside += 2;
  }
  for (uint32_t k = 0; k < inside; k++) merge(r, &c, &parts[k]);
  for (uint32_t k = 0; k < region->nodes.n; k++)
    if (info(e, region->nodes.at[k])->need) plain_cost(r, &c, plain, region->nodes.at[k]);
  for (unsigned k = 0; k < EMIT_COUNTS; k++) add_count(r, &c, k, size_const(e->p, plain[k]));
  return c;
}

/* ---- the report ------------------------------------------------------------------------------ */

static Size bytes(Emit *e, Size elements, Elem elem) {
  return size_scale(e->p, elements, elem == ELEM_REAL && e->f->real_float ? 4 : 8, 1);
}

static Size workspace(Emit *e) {
  Size sum = size_const(e->p, 0);
  for (uint32_t k = 0; k < e->slots.n && e->has_work; k++) {
    const Slot *s = &e->slots.at[k];
    if (s->used && !s->most)
      sum = size_add(e->p, sum, bytes(e, s->size, s->ints ? ELEM_INT : ELEM_REAL));
  }
  return sum;
}

/* Of the slices that are there for some sizes alone. */
static uint64_t most_sums(const Emit *e) {
  uint64_t most = 0;
  for (uint32_t k = 0; k < e->slots.n && e->has_work; k++)
    if (e->slots.at[k].used) most += e->slots.at[k].most * (e->f->real_float ? 4 : 8);
  return most;
}

static void touch_results(Report *r, Cost *c) {
  const Region *root = r->e->p->root;
  for (uint32_t k = 0; k < root->results.n; k++)
    if (root->results.at[k]) touch_copy(r, c, root->results.at[k]);
}

void report_program(Emit *e, EmitReport *out) {
  Report r = {e, NEWN(e->c, uint32_t, e->ninfo)};
  Cost c = region_cost(&r, e->p->root);
  touch_results(&r, &c);
  *out = (EmitReport){.p = e->p, .name = e->cname, .workspace = workspace(e),
                      .sums = most_sums(e),
                      .moved = size_const(e->p, 0), .stack = frame_size(e->fn)};
  memcpy(out->count, c.count, sizeof c.count);
  for (uint32_t k = 0; k < c.touches.n; k++) {
    const Type *t = node(e, c.touches.at[k].array)->type;
    out->moved = size_add(e->p, out->moved, bytes(e, c.touches.at[k].elements, t->elem));
  }
}
