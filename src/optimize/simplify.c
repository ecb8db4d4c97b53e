/* simplify.c - the same program, shorter.
 *
 * Takes a program of either stage.  What keeps every bit holds everywhere: the
 * constructors' own rules, loops and branches whose results need no computing, reads of
 * fills.  The algebra of real numbers (normal.c) holds for nodes that nobody wrote,
 * NODE_DERIVATIVE.  Before erasure the controls stay as they are, nothing is seen through
 * them; VAR and TIE go, since nothing is left to ask for a name (so this is for
 * what is printed, not for what is differentiated again).
 *
 * Two rounds: what the first one leaves without users no longer counts as one in the
 * second.  Linear in the program. */
#include <math.h>

#include "optimize/normal.h"
#include "optimize/optimize.h"
#include "optimize/passes.h"

enum { ROUNDS = 2, SAID_AGAIN = 3, MANY = 64 };

typedef struct Simplify {
  Prog *from;
  uint32_t *users;        /* of each old node: how many operands and results it is */
  VEC(uint32_t) now;      /* of each new node: the users of the nodes it is the image of */
  bool *updated;          /* by old Ref of an accumulator's handle: is an update left? */
  Copy again;             /* from the new program to itself; see sum_at_one */
} Simplify;

/* ---- users -------------------------------------------------------------------- */

static void count_users(Simplify *s) {
  const Prog *p = s->from;
  s->users = NEWN(p->ctx, uint32_t, p->nnodes);
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    for (uint32_t i = 0; i < n->nargs; i++) s->users[n->arg[i]]++;
  }
  for (uint32_t k = 0; k < p->regions.n; k++) {
    const Region *g = p->regions.at[k];
    for (uint32_t i = 0; i < g->results.n; i++) s->users[g->results.at[i]]++;
  }
}

static void note_users(Simplify *s, Ref r, uint32_t users) {
  while (s->now.n <= r) VEC_PUSH(s->from->ctx, &s->now, 0);
  s->now.at[r] += users;
}

/* A node of this region with one user can be taken apart for it.  What people read has
 * more terms to collect if a product is said again, too. */
static bool may_open(void *self, Ref r) {
  Rewrite *w = self;
  const Simplify *s = w->self;
  const Prog *p = w->k.to;
  const Node *n = ir_node(p, r);
  if (n->region != p->cur->id) return false;
  bool product = n->op == IR_PRIM && (n->aux.i == P_MUL || n->aux.i == P_DIV);
  uint32_t users = r < s->now.n ? s->now.at[r] : 0;
  return users <= (product && !p->erased ? SAID_AGAIN : 1);
}

/* ---- constants ------------------------------------------------------------------- */

static bool zero(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  double v;
  if (n->op == IR_FILL) return zero(p, n->arg[0]);
  return n->op == IR_CONST && ir_is_const(p, r, &v) && v == 0;
}

/* The scalar constant r, said in the current region. */
static Ref constant_here(Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->op != IR_CONST) return 0;
  switch (n->type->elem) {
  case ELEM_REAL: return ir_real(p, n->aux.r);
  case ELEM_INT: return ir_int(p, n->aux.i);
  default: return ir_bool(p, n->aux.i != 0);
  }
}

/* A scalar constant, or a node that stands outside `inner`: usable after it. */
static Ref known_outside(Prog *p, Ref r) {
  Ref c = constant_here(p, r);
  if (c) return c;
  return ir_in_scope(p, r, p->cur) ? r : 0;
}

/* ---- results of structured nodes --------------------------------------------------- */

/* How often the loop's body runs, as a real. */
static Ref trips(Prog *p, const Node *loop) {
  Ref all = 0;
  for (uint32_t i = 0; i < loop->nargs; i++) {
    Ref n = loop->arg[i];
    if (!size_nonneg(p, size_atom(p, n))) n = ir_prim2(p, P_MAX, n, ir_int(p, 0));
    all = all ? ir_prim2(p, P_MUL, all, n) : n;
  }
  return ir_toreal(p, all);
}

static bool same_sizes(const Type *a, const Type *b) {
  if (a->rank != b->rank) return false;
  for (uint32_t k = 0; k < a->rank; k++)
    if (a->dim[k] != b->dim[k]) return false;
  return true;
}

/* A literal array of ints, element by element as reals, is one of reals. */
static Ref literal_as_reals(Prog *p, const Node *l, uint32_t k) {
  const Region *body = l->regions[0];
  const Node *e = ir_node(p, body->results.at[k]), *read = ir_node(p, e->arg[0]);
  if (e->op != IR_TOREAL || read->op != IR_READ || read->nargs != body->params.n + 1) return 0;
  const Node *data = ir_node(p, read->arg[0]);
  if (data->op != IR_DATA || !same_sizes(data->type, l->result_type[k])) return 0;
  size_t count = 1;
  for (uint32_t i = 0; i < body->params.n; i++) {
    int64_t dim = 0;
    if (read->arg[i + 1] != body->params.at[i]) return 0;
    count *= size_is_const(data->type->dim[i], &dim) ? (size_t)dim : 0;
  }
  double *element = zone_alloc(p->ctx, NULL, sizeof *element * (count + 1)); /* copies share it */
  for (size_t i = 0; i < count; i++) element[i] = (double)((const int64_t *)data->aux.data)[i];
  return ir_data(p, l->result_type[k], element);
}

/* [c for i < n] is a fill. */
static Ref result_of_build(Prog *p, Ref loop, uint32_t k) {
  const Node *l = ir_node(p, loop);
  Ref e = l->regions[0]->results.at[k], same = rewrite_eta(p, loop, k);
  if (!same && ir_node(p, e)->nargs) same = literal_as_reals(p, l, k);
  if (same) return same;
  if (ir_node(p, e)->op == IR_FILL) e = ir_node(p, e)->arg[0];
  Ref c = ir_type(p, e)->rank ? 0 : known_outside(p, e);
  return c ? ir_fill(p, c, l->result_type[k]) : 0;
}

/* `i == k`, alone or in a conjunction: k. */
static Ref asked_index(const Prog *p, Ref condition, Ref i, int depth) {
  const Node *c = ir_node(p, condition);
  if (c->op != IR_PRIM || depth > 8) return 0;
  if (c->aux.i == P_EQ && c->arg[0] == i) return c->arg[1];
  if (c->aux.i == P_EQ && c->arg[1] == i) return c->arg[0];
  if (c->aux.i != P_AND) return 0;
  Ref k = asked_index(p, c->arg[0], i, depth + 1);
  return k ? k : asked_index(p, c->arg[1], i, depth + 1);
}

/* In sum(if i == k then e else 0 for i < n), k, if it is known outside; 0 otherwise. */
static Ref only_index(Prog *p, const Node *l, Ref element) {
  const Node *s = ir_node(p, element);
  if (l->nargs != 1 || s->op != IR_PRIM || s->aux.i != P_SELECT || !zero(p, s->arg[2])) return 0;
  Ref k = asked_index(p, s->arg[0], l->regions[0]->params.at[0], 0);
  return k ? known_outside(p, k) : 0;
}

static bool surely_inside(Prog *p, Ref at, Ref n) {
  Size a = size_atom(p, at), last = size_sub(p, size_atom(p, n), size_const(p, 1));
  return size_nonneg(p, a) && size_nonneg(p, size_sub(p, last, a));
}

/* The loop's element at an index, computed here. */
static Ref element_at(Simplify *s, Prog *p, const Node *l, Ref element, Ref at) {
  if (!s->again.to) copy_init(&s->again, p, p);
  copy_set(&s->again, l->regions[0]->params.at[0], at);
  copy_nodes(&s->again, l->regions[0]);
  return copy_ref(&s->again, element);
}

/* The sum that has one term only: its element at that index if it is in range. */
static Ref sum_at_one(Rewrite *w, Ref loop, Ref element) {
  Prog *p = w->k.to;
  const Node *l = ir_node(p, loop);
  Ref at = ir_has_effect(p, loop) ? 0 : only_index(p, l, element);
  if (!at) return 0;
  if (surely_inside(p, at, l->arg[0])) return element_at(w->self, p, l, element, at);
  Ref low = ir_prim2(p, P_GE, at, ir_int(p, 0)), high = ir_prim2(p, P_LT, at, l->arg[0]);
  Ref inside = ir_prim2(p, P_AND, low, high);
  Region *then = ir_begin(p);
  ir_result(p, element_at(w->self, p, l, element, at));
  ir_end(p);
  Region *otherwise = ir_begin(p);
  ir_result(p, ir_zero(p, ir_type(p, element)));
  ir_end(p);
  return ir_out(p, ir_if(p, inside, then, otherwise), 0);
}

static Ref result_of_sum(Rewrite *w, Ref loop, Ref e, bool derivative) {
  Prog *p = w->k.to;
  const Node *l = ir_node(p, loop);
  if (zero(p, e)) return ir_zero(p, ir_type(p, e));
  if (!derivative || ir_type(p, e)->elem != ELEM_REAL || !l->nargs) return 0;
  Ref outside = known_outside(p, e);
  return outside ? ir_mul(p, outside, trips(p, l)) : sum_at_one(w, loop, e);
}

static Ref result_of_loop(Rewrite *w, Ref loop, uint32_t k, bool derivative) {
  Prog *p = w->k.to;
  const Node *l = ir_node(p, loop);
  Ref e = l->regions[0]->results.at[k];
  for (uint32_t j = 0; j < k && j < MANY; j++)
    if (l->regions[0]->results.at[j] == e && l->aux.loop->comb[j] == l->aux.loop->comb[k])
      return ir_out(p, loop, j);
  switch (l->aux.loop->comb[k]) {
  case BUILD: return result_of_build(p, loop, k);
  case SUM: return result_of_sum(w, loop, e, derivative);
  default: return 0;
  }
}

static bool has_sign(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  return n->op == IR_CONST && n->type->elem == ELEM_REAL && signbit(n->aux.r);
}

/* Both branches give the same, or what needs no branch to compute; -0 is not 0. */
static Ref result_of_if(Prog *p, const Node *n, uint32_t k) {
  Ref a = n->regions[0]->results.at[k], b = n->regions[1]->results.at[k];
  if (zero(p, a) && zero(p, b) && !has_sign(p, a) && !has_sign(p, b))
    return ir_zero(p, n->result_type[k]);
  a = known_outside(p, a);
  b = a ? known_outside(p, b) : 0;
  if (!a || !b) return 0;
  if (a == b) return a;
  Ref arg[] = {n->arg[0], a, b};
  return n->result_type[k]->rank ? 0 : ir_prim(p, P_SELECT, arg);
}

/* An accumulator that nothing is added to is what it starts as. */
static Ref result_of_accum(Rewrite *w, const Node *old, uint32_t k) {
  const Simplify *s = w->self;
  if (k >= old->nargs || s->updated[old->regions[0]->params.at[k]]) return 0;
  return copy_ref(&w->k, old->arg[k]);
}

/* A carried value that never changes. */
static Ref result_of_fold(Prog *p, const Node *n, uint32_t k) {
  const Region *r = n->op == IR_FOLD ? n->regions[0] : n->regions[1];
  bool fold = n->op == IR_FOLD;
  if (k + 1 >= n->nargs) return 0;
  Ref next = r->results.at[k], init = n->arg[k + 1];
  if (next == r->params.at[fold ? k + 1 : k]) return init;
  next = known_outside(p, next);
  return next == init ? init : 0;
}

static Ref simplify_proj(Rewrite *w, const Node *n) {
  Prog *p = w->k.to;
  if (w->outs[n->arg[0]]) return 0;
  Ref s = copy_ref(&w->k, n->arg[0]);
  const Node *m = ir_node(p, s);
  uint32_t k = (uint32_t)n->aux.i;
  bool derivative = (ir_node(w->k.from, n->arg[0])->flags & NODE_DERIVATIVE) != 0;
  switch (m->op) {
  case IR_LOOP: return result_of_loop(w, s, k, derivative);
  case IR_IF: return result_of_if(p, m, k);
  case IR_FOLD: case IR_WHILE: return result_of_fold(p, m, k);
  case IR_ACCUM: return result_of_accum(w, ir_node(w->k.from, n->arg[0]), k);
  default: return 0;
  }
}

/* ---- other nodes --------------------------------------------------------------------- */

/* A choice inside a choice on the same condition is made already. */
static Ref simplify_select(Prog *p, Ref *arg) {
  const Node *c = ir_node(p, arg[0]);
  if (c->op == IR_CONST) return arg[c->aux.i ? 1 : 2];
  for (int k = 1; k < 3; k++) {
    const Node *inner = ir_node(p, arg[k]);
    if (inner->op == IR_PRIM && inner->aux.i == P_SELECT && inner->arg[0] == arg[0])
      arg[k] = inner->arg[k];
  }
  return ir_prim(p, P_SELECT, arg);
}

static Ref simplify_prim(Rewrite *w, const Node *n) {
  Prog *p = w->k.to;
  if (!p->derivative || n->type->elem != ELEM_REAL || n->nargs > 3) return 0;
  Ref arg[3] = {0};
  for (uint32_t i = 0; i < n->nargs; i++) arg[i] = copy_ref(&w->k, n->arg[i]);
  if (n->aux.i == P_SELECT) return simplify_select(p, arg);
  return normal_prim(p, (uint32_t)n->aux.i, arg, (Opener){may_open, w});
}

/* A choice between whole numbers, as a real, is one between reals. */
static Ref simplify_toreal(Rewrite *w, const Node *n) {
  Prog *p = w->k.to;
  const Node *s = ir_node(p, copy_ref(&w->k, n->arg[0]));
  if (s->op != IR_PRIM || s->aux.i != P_SELECT) return 0;
  for (int k = 1; k < 3; k++)
    if (ir_node(p, s->arg[k])->op != IR_CONST) return 0;
  Ref arg[] = {s->arg[0], ir_toreal(p, s->arg[1]), ir_toreal(p, s->arg[2])};
  return ir_prim(p, P_SELECT, arg);
}

/* An element of a fill is what it is filled with. */
static Ref simplify_read(Rewrite *w, const Node *n) {
  Prog *p = w->k.to;
  const Node *a = ir_node(p, copy_ref(&w->k, n->arg[0]));
  if (a->op != IR_FILL || n->flags & NODE_CHECKED) return 0;
  return ir_fill(p, a->arg[0], type_drop(p, a->type, n->nargs - 1));
}

/* The branch that is known to be taken stands in place of the choice. */
static Ref simplify_if(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  const Node *c = ir_node(w->k.to, copy_ref(&w->k, n->arg[0]));
  if (c->op != IR_CONST) return 0;
  const Region *r = n->regions[c->aux.i ? 0 : 1];
  rewrite_nodes(w, r);
  Ref *outs = NEWN(w->k.to->ctx, Ref, r->results.n + 1);
  for (uint32_t k = 0; k < r->results.n; k++) outs[k] = copy_ref(&w->k, r->results.at[k]);
  w->outs[old] = outs;
  return REWRITE_GONE;
}

static bool constant(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  return n->op == IR_CONST || n->op == IR_DATA || (n->op == IR_FILL && constant(p, n->arg[0]));
}

/* What y is when nothing asks for its derivative. */
static Ref unstopped(Prog *p, Ref y) {
  const Node *n = ir_node(p, y);
  if (n->op == IR_STOP) return unstopped(p, n->arg[0]);
  bool minus = n->op == IR_PRIM && n->aux.i == P_NEG;
  return minus && ir_node(p, n->arg[0])->op == IR_STOP ? ir_neg(p, unstopped(p, n->arg[0])) : y;
}

/* A control acts on no constant, and what it scales by is constant to it anyway. */
static Ref simplify_control(Rewrite *w, const Node *n) {
  Ref x = copy_ref(&w->k, n->arg[0]);
  if (n->op == IR_STRAIGHT) return 0;
  if (constant(w->k.to, x)) return x;
  const Node *minus = ir_node(w->k.to, x);
  if (n->op == IR_STOP && minus->op == IR_PRIM && minus->aux.i == P_NEG)
    return ir_neg(w->k.to, ir_stop(w->k.to, minus->arg[0]));
  if (n->op != IR_SCALE) return 0;
  Ref s = unstopped(w->k.to, copy_ref(&w->k, n->arg[1]));
  return ir_scale(w->k.to, x, s, (n->flags & NODE_REVERSAL) != 0);
}

static Ref simplify_update(Rewrite *w, const Node *n) {
  Simplify *s = w->self;
  if (zero(w->k.to, copy_ref(&w->k, n->arg[1]))) return REWRITE_GONE;
  s->updated[n->arg[0]] = true;
  return 0;
}

static Ref simplify_node(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  switch (n->op) {
  case IR_VAR: case IR_TIE: return copy_ref(&w->k, n->arg[0]);
  case IR_STOP: case IR_SCALE: case IR_STRAIGHT: return simplify_control(w, n);
  case IR_PRIM: return simplify_prim(w, n);
  case IR_TOREAL: return simplify_toreal(w, n);
  case IR_READ: return simplify_read(w, n);
  case IR_PROJ: return simplify_proj(w, n);
  case IR_IF: return simplify_if(w, old);
  case IR_UPD: return simplify_update(w, n);
  default: return 0;
  }
}

static Ref simplify_one(Rewrite *w, Ref old) {
  Simplify *s = w->self;
  Ref r = simplify_node(w, old);
  if (r == REWRITE_GONE) return r;
  if (!r) r = rewrite_copy(w, old);
  if (!r) return REWRITE_GONE;   /* an effect: it stands, and has no value */
  note_users(s, r, s->users[old]);
  return r;
}

static Prog *simplify_round(Prog *p) {
  Simplify s = {.from = p, .updated = NEWN(p->ctx, bool, p->nnodes)};
  count_users(&s);
  Rewrite w = {.node = simplify_one, .self = &s};
  Prog *to = rewrite_program(&w, p);
  arena_release(p->ctx, s.updated, sizeof *s.updated * p->nnodes);
  arena_release(p->ctx, s.users, sizeof *s.users * p->nnodes);
  arena_release(p->ctx, s.now.at, sizeof *s.now.at * s.now.cap);
  return to;
}

Prog *simplify_steps(Prog *p, const Prog *given) {
  for (int i = 0; i < ROUNDS; i++) {
    uint32_t before = ir_count(p);
    p = pass_run(p, given, simplify_round);
    p = p->erased ? pass_trim(p, given) : pass_run(p, given, ir_sweep);
    if (ir_count(p) == before) break;
  }
  return p;
}

Prog *opt_simplify(Prog *p) {
  return simplify_steps(pass_run(p, p, ir_sweep), p);
}
