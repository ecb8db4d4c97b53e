/* support_plan.c - conditions without which a term is 0, and what they leave of an index.
 *
 * A term is what a round adds: to a sum, or to an accumulator.  It is 0 unless its factors are
 * not, unless the branch is taken in which it is not; so each term has a list of facts, and those
 * that all terms of a loop share decide.  A fact that compares the index itself, ±index + rest
 * with a rest that does not change with it, gives one round or a bound. */
#include "optimize/support.h"

enum { MAX_DEEP = 8, MAX_BEFORE = 16, EDGE = 32, MAX_UPDATES = 4, MAX_TWICE = 24 };

typedef struct Plan { Prog *p; const Node *loop; const Region *body; } Plan;

static Facts facts_of(const Plan *s, Ref r, Ref read, int deep);

/* ---- facts ------------------------------------------------------------------------------ */

static const Facts nothing = {0}, nowhere = {.nowhere = true};

static bool has_fact(const Facts *f, const Fact *x) {
  for (uint32_t k = 0; k < f->n; k++)
    if (f->at[k].condition == x->condition && f->at[k].contrary == x->contrary &&
        f->at[k].read == x->read)
      return true;
  return f->nowhere;
}

static void add_fact(Facts *f, Fact x) {
  if (f->n < MAX_LITERALS && !has_fact(f, &x)) f->at[f->n++] = x;
}

static Facts both(Facts a, const Facts *b) {
  for (uint32_t k = 0; k < b->n; k++) add_fact(&a, b->at[k]);
  a.nowhere |= b->nowhere;
  return a;
}

static Facts shared(const Facts *a, const Facts *b) {
  if (a->nowhere) return *b;
  Facts out = nothing;
  for (uint32_t k = 0; k < a->n; k++)
    if (has_fact(b, &a->at[k])) add_fact(&out, a->at[k]);
  return out;
}

/* The comparisons that hold where `condition` does, or its contrary. */
static void add_condition(const Plan *s, Facts *f, Fact x, int deep) {
  const Node *n = ir_node(s->p, x.condition);
  if (n->op != IR_PRIM || deep == MAX_DEEP) return;
  switch (n->aux.i) {
    case P_NOT: add_condition(s, f, (Fact){n->arg[0], !x.contrary, x.read}, deep + 1); return;
    case P_AND: case P_OR:
      if (x.contrary != (n->aux.i == P_OR)) return;
      for (int k = 0; k < 2; k++)
        add_condition(s, f, (Fact){n->arg[k], x.contrary, x.read}, deep + 1);
      return;
    case P_LT: case P_LE: case P_GT: case P_GE: case P_EQ: case P_NE:
      if (ir_type(s->p, n->arg[0])->elem == ELEM_INT) add_fact(f, x);
      return;
    default: return;
  }
}

/* Of what is a where the condition holds, and b elsewhere. */
static Facts of_choice(const Plan *s, Ref condition, const Facts *a, const Facts *b, Ref read) {
  if (!a->nowhere && !b->nowhere) return nothing;
  Facts f = a->nowhere ? *b : *a;
  add_condition(s, &f, (Fact){condition, a->nowhere, read}, 0);
  return f;
}

/* An element of an array that a loop builds, read at known subscripts. */
static Facts of_read(const Plan *s, const Node *n, Ref r, int deep) {
  const Node *array = ir_node(s->p, n->arg[0]);
  if (array->op != IR_PROJ || n->flags & NODE_CHECKED) return nothing;
  const Node *loop = ir_node(s->p, array->arg[0]);
  uint32_t k = (uint32_t)array->aux.i;
  if (loop->op != IR_LOOP || loop->aux.loop->comb[k] != BUILD || n->nargs != loop->nargs + 1)
    return nothing;
  if (ir_has_effect(s->p, array->arg[0])) return nothing;   /* its body cannot be said again */
  return facts_of(s, loop->regions[0]->results.at[k], r, deep + 1);
}

static Facts of_result(const Plan *s, const Node *proj, Ref read, int deep) {
  const Node *n = ir_node(s->p, proj->arg[0]);
  uint32_t k = (uint32_t)proj->aux.i;
  if (n->op == IR_LOOP && n->aux.loop->comb[k] == SUM)
    return facts_of(s, n->regions[0]->results.at[k], read, deep + 1);
  if (n->op != IR_IF) return nothing;
  Facts a = facts_of(s, n->regions[0]->results.at[k], read, deep + 1);
  Facts b = facts_of(s, n->regions[1]->results.at[k], read, deep + 1);
  return of_choice(s, n->arg[0], &a, &b, read);
}

static Facts of_prim(const Plan *s, const Node *n, Ref read, int deep) {
  uint32_t first = n->aux.i == P_SELECT;
  Facts a = facts_of(s, n->arg[first], read, deep + 1), b;
  switch (n->aux.i) {
    case P_NEG: case P_DIV: return a;
    case P_MUL: case P_SELECT: b = facts_of(s, n->arg[first + 1], read, deep + 1); break;
    default: return nothing;
  }
  return n->aux.i == P_MUL ? both(a, &b) : of_choice(s, n->arg[0], &a, &b, read);
}

/* Facts without which r is 0; in the body of the built array if `read`. */
static Facts facts_of(const Plan *s, Ref r, Ref read, int deep) {
  const Node *n = ir_node(s->p, r);
  if (deep > MAX_DEEP || !n->type || n->type->rank) return nothing;
  if (pass_zero(s->p, r)) return nowhere;
  switch (n->op) {
    case IR_PROJ: return of_result(s, n, read, deep);
    case IR_READ: return read ? nothing : of_read(s, n, r, deep);
    case IR_PRIM: return of_prim(s, n, read, deep);
    default: return nothing;
  }
}

/* ---- terms ------------------------------------------------------------------------------ */

static bool has_effects(const Prog *p, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n; k++)
    if (ir_has_effect(p, r->nodes.at[k])) return true;
  return false;
}

/* Of an effect: what it adds where; `nothing` if it may matter everywhere. */
static Facts of_effect(const Plan *s, const Node *n) {
  if (n->op == IR_UPD) return facts_of(s, n->arg[1], 0, 0);
  if (n->op != IR_IF) return nothing;
  Facts a = has_effects(s->p, n->regions[0]) ? nothing : nowhere;
  Facts b = has_effects(s->p, n->regions[1]) ? nothing : nowhere;
  return of_choice(s, n->arg[0], &a, &b, 0);
}

/* What all terms of the loop share; of one update alone, if that is asked. */
static Facts of_terms(const Plan *s, Ref update) {
  const LoopAttr *out = s->loop->aux.loop;
  Facts all = nowhere;
  for (uint32_t k = 0; k < out->nout && !update; k++) {
    Facts f = out->comb[k] == SUM ? facts_of(s, s->body->results.at[k], 0, 0) : nothing;
    all = shared(&all, &f);
    if (!all.n && !all.nowhere) return nothing;
  }
  for (uint32_t k = 0; k < s->body->nodes.n; k++) {
    Ref r = s->body->nodes.at[k];
    const Node *n = ir_node(s->p, r);
    if (n->flags & NODE_IO) return nothing;
    if (!ir_has_effect(s->p, r) || (update && r != update)) continue;
    Facts f = of_effect(s, n);
    all = shared(&all, &f);
    if (!all.n && !all.nowhere) return nothing;
  }
  return all.nowhere || pass_checks(s->p, s->body) ? nothing : all;
}

/* ---- bounds ----------------------------------------------------------------------------- */

/* Might it stop the program where the loop would not have run? */
static bool may_stop(const Prog *p, const Node *n) {
  bool divides = n->op == IR_PRIM && (n->aux.i == P_MOD || n->aux.i == P_FLOORDIV);
  return n->flags & NODE_CHECKED || (divides && ir_node(p, n->arg[1])->op != IR_CONST);
}

/* Does r stay the same when the index runs?  Nodes of bodies that it needs go to `before`. */
static bool stays(const Plan *s, Support *x, Ref r, const Fact *f) {
  Prog *p = s->p;
  Refs todo = {0};
  VEC_PUSH(p->ctx, &todo, r);
  while (todo.n) {
    Ref at = todo.at[--todo.n];
    const Node *n = ir_node(p, at);
    const Region *home = p->regions.at[n->region];
    const Node *owner = home->owner ? ir_node(p, home->owner) : NULL;
    bool own = home == s->body, built = false;
    if (f->read && !own) built = ir_node(p, ir_node(p, f->read)->arg[0])->arg[0] == home->owner;
    if (!own && !built && ir_in_scope(p, at, s->p->regions.at[s->loop->region])) continue;
    if (!owner || (!own && !built) || n->nregions || may_stop(p, n)) return false;
    if (n->op == IR_PARAM) {
      uint32_t k = (uint32_t)n->aux.i;
      if (own && k == x->index) return false;
      if (own) x->others = true;
      else VEC_PUSH(p->ctx, &todo, ir_node(p, f->read)->arg[k + 1]);
      continue;
    }
    if (refs_have(&x->before, at)) continue;
    if (x->before.n == MAX_BEFORE || (n->op != IR_PRIM && n->op != IR_READ && n->op != IR_CONST))
      return false;
    refs_insert(p->ctx, &x->before, at);
    for (uint32_t k = 0; k < n->nargs; k++) VEC_PUSH(p->ctx, &todo, n->arg[k]);
  }
  return true;
}

/* The int of a condition, over the loop's own indices. */
static Size seen_here(const Plan *s, const Fact *f, Ref r) {
  Size x = size_atom(s->p, r);
  if (!f->read) return x;
  const Node *read = ir_node(s->p, f->read);
  const Node *built = ir_node(s->p, ir_node(s->p, read->arg[0])->arg[0]);
  for (uint32_t k = 0; k < built->nargs; k++)
    x = size_replaced(s->p, x, built->regions[0]->params.at[k], size_atom(s->p, read->arg[k + 1]));
  return x;
}

/* slope*index + rest, with a slope of 1 or -1. */
static bool is_line(Prog *p, Size s, Ref index, int64_t *slope, Size *rest) {
  if (!s) return false;
  Size next = size_add(p, size_atom(p, index), size_const(p, 1));
  Size step = size_replaced(p, s, index, next);
  if (!step || !size_is_const(size_sub(p, step, s), slope)) return false;
  *rest = size_replaced(p, s, index, size_const(p, 0));
  return *rest && (*slope == 1 || *slope == -1);
}

/* Edges of a few rounds are left to ranges.c: a loop that skips them joins no other. */
static bool only_an_edge(Prog *p, Size bound, Size end) {
  int64_t n;
  return size_is_const(size_sub(p, bound, end), &n) && n >= -EDGE && n <= EDGE;
}

/* a - b >= 0, of the index. */
static bool take_bound(const Plan *s, Support *x, int64_t slope, Size rest) {
  Prog *p = s->p;
  Size extent = size_atom(p, s->loop->arg[x->index]);
  if (slope > 0) {
    Size low = size_scale(p, rest, -1, 1);
    if (only_an_edge(p, low, size_const(p, 0))) return false;
    x->low[x->nlow++] = low;
  } else {
    Size high = size_add(p, rest, size_const(p, 1));
    if (only_an_edge(p, high, extent)) return false;
    x->high[x->nhigh++] = high;
  }
  return true;
}

static bool take_fact(const Plan *s, Support *x, const Fact *f) {
  Prog *p = s->p;
  const Node *n = ir_node(p, f->condition);
  static const struct { bool swapped; int64_t gap; uint32_t contrary; } order[] = {
    [P_GE] = {false, 0, P_LT}, [P_GT] = {false, 1, P_LE},
    [P_LE] = {true, 0, P_GT},  [P_LT] = {true, 1, P_GE},
  };
  uint32_t prim = (uint32_t)n->aux.i;
  bool equal = prim == (f->contrary ? P_NE : P_EQ);
  if (!equal && (prim == P_EQ || prim == P_NE)) return false;
  if (!equal && f->contrary) prim = order[prim].contrary;
  bool swapped = !equal && order[prim].swapped;
  Size a = seen_here(s, f, n->arg[swapped]), b = seen_here(s, f, n->arg[!swapped]), rest;
  int64_t slope;
  if (!a || !b) return false;
  Size d = size_sub(p, a, b);
  if (!equal) d = size_sub(p, d, size_const(p, order[prim].gap));
  if (!is_line(p, d, s->body->params.at[x->index], &slope, &rest)) return false;
  for (uint32_t k = 0; k < rest->n; k++)
    for (uint32_t j = 0; j < rest->mono[k].n; j++)
      if (!stays(s, x, rest->mono[k].atom[j], f)) return false;
  if (!equal) return take_bound(s, x, slope, rest);
  x->only = size_scale(p, rest, -slope, 1);
  return true;
}

/* What the facts leave of this index. */
static Support of_index(const Plan *s, Ref loop, uint32_t index, const Facts *f) {
  Support x = {.loop = loop, .index = index};
  for (uint32_t k = 0; k < f->n && !x.only; k++) {
    Support with = x;
    with.before = (Refs){0};
    for (uint32_t j = 0; j < x.before.n; j++) VEC_PUSH(s->p->ctx, &with.before, x.before.at[j]);
    if (!take_fact(s, &with, &f->at[k])) continue;
    x = with;
    if (x.only) x.known.n = 0;   /* in that round the bounds are conditions like others */
    add_fact(&x.known, f->at[k]);
  }
  return x;
}

/* What is known of one update, or of all terms. */
static Support *find(const Plan *s, Ref loop, Ref update) {
  Facts f = of_terms(s, update);
  Support *best = NEW(s->p->ctx, Support);
  for (uint32_t k = 0; k < s->loop->nargs && f.n; k++) {
    Support x = of_index(s, loop, k, &f);
    if (x.known.n && (x.only || !best->only)) *best = x;
  }
  best->loop = loop;
  best->update = update;
  return best;
}

/* ---- loops with several updates ------------------------------------------------------------ */

bool is_light(const Prog *p, const Region *r, uint32_t *left) {
  if (r->nodes.n > *left) return false;
  *left -= r->nodes.n;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    const Node *n = ir_node(p, r->nodes.at[k]);
    bool light = n->op == IR_PRIM ? pass_cheap(p, n)
               : n->op == IR_READ ? !(n->flags & NODE_CHECKED)
               : n->op == IR_CONST || n->op == IR_PROJ || n->op == IR_IF || n->op == IR_UPD;
    for (uint32_t j = 0; j < n->nregions; j++) light &= is_light(p, n->regions[j], left);
    if (!light) return false;
  }
  return true;
}

/* The loop's updates; 0 if it does anything else, or is not worth doing twice. */
static uint32_t updates_of(const Plan *s, Ref *update) {
  uint32_t n = 0, left = MAX_TWICE;
  if (s->loop->aux.loop->nout || !is_light(s->p, s->body, &left)) return 0;
  for (uint32_t k = 0; k < s->body->nodes.n; k++) {
    Ref r = s->body->nodes.at[k];
    if (!ir_has_effect(s->p, r)) continue;
    if (ir_node(s->p, r)->op != IR_UPD || n == MAX_UPDATES) return 0;
    update[n++] = r;
  }
  return n;
}

/* One after the other: a list, if anything is known of any. */
static Support *find_each(const Plan *s, Ref loop) {
  Ref update[MAX_UPDATES];
  uint32_t n = updates_of(s, update);
  Support *list = NULL;
  bool any = false;
  for (uint32_t k = n; n > 1 && k--;) {
    Support *x = find(s, loop, update[k]);
    any |= x->known.n > 0;
    x->next = list;
    list = x;
  }
  return any ? list : NULL;
}

Support *find_support(Prog *p, Ref loop) {
  const Node *n = ir_node(p, loop);
  if (n->op != IR_LOOP || n->flags & NODE_IO) return NULL;
  Plan s = {p, n, n->regions[0]};
  Support *all = find(&s, loop, 0);
  return all->known.n ? all : find_each(&s, loop);
}
