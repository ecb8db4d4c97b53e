/* unroll.c - loops over a few known rounds become straight-line code: 3-vectors, 3 by 3 and
 * 4 by 4 matrices end as scalars.
 *
 * Takes and gives an erased program.  A LOOP whose extents are constants of at most MOST_TRIPS,
 * and a FOLD of so few rounds, is written out if no other loop in it stays and the whole has
 * at most MOST_NODES nodes; what it built is a STACK, whose elements reads then find.  Sums
 * keep their order.  The program grows by no more than a fixed factor.  Arrays of a few elements
 * become scalars along with it: scalars.c. */
#include "optimize/optimize.h"
#include "optimize/unroll.h"

enum { MOST_TRIPS = 4, MOST_ROUNDS = 16, MOST_NODES = 1024, MOST_GROWTH = 8, NEVER = UINT32_MAX };

/* ---- which -------------------------------------------------------------------------- */

static uint32_t trips_of(const Prog *p, Ref extent) {
  const Node *n = ir_node(p, extent);
  return n->op == IR_CONST && n->aux.i > 0 && n->aux.i <= MOST_TRIPS ? (uint32_t)n->aux.i : 0;
}

/* The rounds of a loop as far as its extents go; 0: too many, or not known. */
static uint32_t rounds_of(const Prog *p, const Node *n) {
  uint32_t rounds = 1;
  if (n->op == IR_FOLD) return trips_of(p, n->arg[0]);
  if (n->op != IR_LOOP) return 0;
  for (uint32_t k = 0; k < n->nargs && rounds <= MOST_ROUNDS; k++)
    rounds *= trips_of(p, n->arg[k]);
  return rounds <= MOST_ROUNDS ? rounds : 0;
}

/* What is chosen so far; the nodes of a region come before its owner. */
typedef struct Choice {
  Unroll *u;
  const Prog *p;
  uint32_t *inside;      /* by Ref: nodes of its regions, written out; NEVER: a loop stays */
  Ref *upds, *next_upd;  /* updates by handle */
  uint64_t left;         /* nodes by which the program may still grow */
} Choice;

static Ref owner_of(const Prog *p, Ref r) { return p->regions.at[ir_node(p, r)->region]->owner; }

/* Will this int be a constant once the marked loops around it are written out? */
static bool becomes_const(const Choice *c, Ref r, int depth) {
  const Node *n = ir_node(c->p, r);
  if (n->op == IR_CONST) return true;
  if (n->op == IR_PARAM) {
    Ref o = owner_of(c->p, r);
    const Node *loop = o ? ir_node(c->p, o) : NULL;
    return loop && c->u->rounds[o] && (loop->op == IR_LOOP || n->aux.i == 0);
  }
  if (n->op != IR_PRIM || depth > 8) return false;
  if (n->aux.i != P_ADD && n->aux.i != P_SUB && n->aux.i != P_MUL && n->aux.i != P_NEG)
    return false;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (!becomes_const(c, n->arg[k], depth + 1)) return false;
  return true;
}

/* Does the update come to additions at known places of the scope `accum`? */
static bool becomes_plain(const Choice *c, Ref upd, Ref accum) {
  const Node *n = ir_node(c->p, upd);
  if (n->flags & NODE_CHECKED) return false;
  for (uint32_t k = 2; k < n->nargs; k++)
    if (!becomes_const(c, n->arg[k], 0)) return false;
  for (Ref o = owner_of(c->p, upd); o != accum; o = owner_of(c->p, o)) {
    const Node *around = ir_node(c->p, o);
    bool gone = around->op == IR_ACCUM ? c->u->opens[o] : c->u->rounds[o] != 0;
    if (around->op != IR_IF && !gone) return false;
  }
  return true;
}

/* Its elements if the scope's arrays can become scalars, else 0. */
static uint32_t scope_elements(const Choice *c, Ref r) {
  const Node *n = ir_node(c->p, r);
  uint32_t total = 0;
  for (uint32_t k = 0; k < n->nargs; k++) {
    Ref handle = n->regions[0]->params.at[k];
    uint32_t few = few_elements(n->result_type[k]);
    if (!few) return 0;
    total += few;
    for (Ref x = c->upds[handle]; x; x = c->next_upd[x])
      if (!becomes_plain(c, x, r)) return 0;
  }
  return total;
}

/* The nodes that r comes to once everything in it is written out; NEVER: it holds a loop
 * that stays, or speaks. */
static uint32_t choose_one(Choice *c, Ref r) {
  const Node *n = ir_node(c->p, r);
  uint32_t inside = c->inside[r], rounds = rounds_of(c->p, n), few;
  if (n->op == IR_TRACE || n->op == IR_PRINT || n->op == IR_ASSERT) return NEVER;
  if (n->op == IR_UPD) {
    c->next_upd[r] = c->upds[n->arg[0]];
    c->upds[n->arg[0]] = r;
  }
  if (!n->nregions) return n->op != IR_CONST && n->op != IR_PARAM && n->op != IR_PROJ;
  if (n->op == IR_ACCUM && (few = scope_elements(c, r)) > 0) {
    c->u->opens[r] = true;
    return inside == NEVER ? NEVER : inside + few;
  }
  if (inside == NEVER || n->op == IR_IF) return inside;
  if (!rounds || inside > MOST_NODES / rounds || rounds * inside > c->left) return NEVER;
  c->u->rounds[r] = rounds;
  c->left -= rounds * inside;
  return rounds * inside;
}

/* Is there anything that the hooks would change? */
static bool choose(Unroll *u, const Prog *p) {
  Choice c = {u, p, NEWN(p->ctx, uint32_t, p->nnodes), NEWN(p->ctx, Ref, p->nnodes),
              NEWN(p->ctx, Ref, p->nnodes), (uint64_t)p->nnodes * MOST_GROWTH + MOST_NODES};
  bool any = false;
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    Ref owner = owner_of(p, r);
    uint32_t cost = choose_one(&c, r);
    any |= u->rounds[r] || u->opens[r];
    for (uint32_t k = 0; k < n->nresults; k++) any |= few_elements(n->result_type[k]) != 0;
    if (!owner) continue;
    bool never = cost == NEVER || c.inside[owner] == NEVER || c.inside[owner] + cost > MOST_NODES;
    c.inside[owner] = never ? NEVER : c.inside[owner] + cost;
  }
  arena_release(p->ctx, c.inside, sizeof *c.inside * p->nnodes);
  arena_release(p->ctx, c.upds, sizeof *c.upds * p->nnodes);
  arena_release(p->ctx, c.next_upd, sizeof *c.next_upd * p->nnodes);
  return any;
}

/* ---- results --------------------------------------------------------------------------- */

static Ref or_nan(Prog *p, uint32_t compare, Ref v, Ref best) {
  Ref better = ir_prim2(p, compare, v, best);
  if (ir_type(p, v)->elem != ELEM_REAL) return better;
  Ref first_nan = ir_prim2(p, P_AND, ir_prim1(p, P_ISNAN, v),
                           ir_prim1(p, P_NOT, ir_prim1(p, P_ISNAN, best)));
  return ir_prim2(p, P_OR, better, first_nan);
}

/* The position of the first winner. */
static Ref position(Prog *p, Combiner comb, const Ref *v, uint32_t n) {
  Ref best = v[0], at = ir_int(p, 0);
  for (uint32_t k = 1; k < n; k++) {
    Ref wins = or_nan(p, comb == ARGMAX ? P_GT : P_LT, v[k], best);
    Ref which[] = {wins, ir_int(p, k), at}, value[] = {wins, v[k], best};
    at = ir_prim(p, P_SELECT, which);
    best = ir_prim(p, P_SELECT, value);
  }
  return at;
}

static Ref chain(Prog *p, uint32_t prim, const Ref *v, uint32_t n) {
  Ref sum = v[0];
  for (uint32_t k = 1; k < n; k++) sum = ir_prim2(p, prim, sum, v[k]);
  return sum;
}

/* The new value before the old one: where they are equal it makes no difference. */
static Ref extreme(Prog *p, uint32_t prim, const Ref *v, uint32_t n) {
  Ref best = v[0];
  for (uint32_t k = 1; k < n; k++) best = ir_prim2(p, prim, v[k], best);
  return best;
}

typedef struct Axes { uint32_t axes, length[MAX_RANK]; } Axes;

static Ref combine(Prog *p, Combiner comb, const Axes *x, Ref *v, uint32_t n) {
  switch (comb) {
  case BUILD: return stack_axes(p, x->length, x->axes, v, n);
  case SUM: return chain(p, P_ADD, v, n);
  case PROD: return chain(p, P_MUL, v, n);
  case MAX: return extreme(p, P_MAX, v, n);
  case MIN: return extreme(p, P_MIN, v, n);
  case ANY: return chain(p, P_OR, v, n);
  case ALL: return chain(p, P_AND, v, n);
  default: return position(p, comb, v, n);
  }
}

/* ---- writing out ------------------------------------------------------------------------- */

static Axes axes_of(const Prog *p, const Node *n) {
  Axes x = {.axes = n->op == IR_FOLD ? 1 : n->nargs};
  for (uint32_t a = 0; a < x.axes; a++) x.length[a] = (uint32_t)ir_node(p, n->arg[a])->aux.i;
  return x;
}

/* The indices of round number k, row-major. */
static void set_indices(Rewrite *w, const Region *body, const Axes *x, uint32_t k) {
  for (uint32_t a = x->axes; a-- > 0;) {
    copy_set(&w->k, body->params.at[a], ir_int(w->k.to, k % x->length[a]));
    k /= x->length[a];
  }
}

static Ref write_out(Rewrite *w, Ref old, uint32_t rounds) {
  const Node *n = ir_node(w->k.from, old);
  Ctx *c = w->k.to->ctx;
  const Region *body = n->regions[0];
  const Axes x = axes_of(w->k.from, n);
  uint32_t ncarry = n->op == IR_FOLD ? n->nargs - 1 : 0, nout = body->results.n - ncarry;
  Ref *state = NEWN(c, Ref, ncarry + 1), *value = NEWN(c, Ref, nout * rounds + 1);
  for (uint32_t k = 0; k < ncarry; k++) state[k] = copy_ref(&w->k, n->arg[k + 1]);
  for (uint32_t j = 0; j < rounds; j++) {
    set_indices(w, body, &x, j);
    for (uint32_t k = 0; k < ncarry; k++) copy_set(&w->k, body->params.at[k + 1], state[k]);
    rewrite_nodes(w, body);
    for (uint32_t k = 0; k < ncarry; k++) state[k] = copy_ref(&w->k, body->results.at[k]);
    for (uint32_t k = 0; k < nout; k++)
      value[k * rounds + j] = copy_ref(&w->k, body->results.at[ncarry + k]);
  }
  pass_as(w, n);
  w->outs[old] = NEWN(c, Ref, n->nresults + 1);
  for (uint32_t k = 0; k < ncarry; k++) w->outs[old][k] = state[k];
  for (uint32_t k = 0; k < nout; k++)
    w->outs[old][ncarry + k] =
      combine(w->k.to, n->aux.loop->comb[k], &x, value + k * rounds, rounds);
  return REWRITE_GONE;
}

static Ref visit(Rewrite *w, Ref old) {
  Unroll *u = w->self;
  if (u->rounds[old]) return write_out(w, old, u->rounds[old]);
  switch (ir_node(w->k.from, old)->op) {
  case IR_ACCUM: return open_scope(u, old);
  case IR_UPD: return open_update(u, old);
  case IR_IF: return split_if(u, old);
  case IR_FOLD: case IR_WHILE: return split_fold(u, old);
  default: return 0;
  }
}

Prog *opt_unroll(Prog *p) {
  Unroll u = {.w = {.node = visit}, .rounds = NEWN(p->ctx, uint32_t, p->nnodes),
              .opens = NEWN(p->ctx, bool, p->nnodes), .sum = NEWN(p->ctx, Ref *, p->nnodes)};
  u.w.self = &u;
  Prog *to = choose(&u, p) ? rewrite_program(&u.w, p) : p;
  arena_release(p->ctx, u.rounds, sizeof *u.rounds * p->nnodes);
  arena_release(p->ctx, u.opens, sizeof *u.opens * p->nnodes);
  arena_release(p->ctx, u.sum, sizeof *u.sum * p->nnodes);
  return to;
}
