/* hoist.c - what does not change in a loop is computed in front of it.
 *
 * Requires: barriers gone.  A node moves out of LOOP, FOLD, WHILE and ACCUM bodies as far
 * as its operands allow; never out of a branch of an `if`, no effect, and nothing
 * that can go wrong (a subscript not proved, an int quotient) past a loop that may not
 * run at all.  In derivative code, a factor that does not change in a SUM is taken in front
 * of it: sum(c*e) is c*sum(e).  Maintains values to the bit but for those sums.  Linear,
 * times the nesting. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

enum { MAX_FACTORS = 64 };

/* Must a node not run where it would not have run? */
typedef enum Risk { UNKNOWN, SAFE, RISKY } Risk;

typedef struct Hoist {
  uint8_t *risk;           /* by old Ref, of those that were asked for */
  VEC(uint32_t) from;      /* by number of a new region: that of the old one */
} Hoist;

/* ---- what may go wrong ------------------------------------------------------------ */

/* Only asked where it matters: proofs take time.  Recursion goes over regions. */
static bool is_risky(Hoist *h, Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (h->risk[r] != UNKNOWN) return h->risk[r] == RISKY;
  bool risky = pass_may_fail(p, r);
  for (uint32_t j = 0; j < n->nregions && !risky; j++)
    for (uint32_t k = 0; k < n->regions[j]->nodes.n && !risky; k++)
      risky = is_risky(h, p, n->regions[j]->nodes.at[k]);
  h->risk[r] = risky ? RISKY : SAFE;
  return risky;
}

/* ---- how far ------------------------------------------------------------------------- */

static bool at_least_once(const Prog *p, Ref count) {
  double n;
  return ir_is_const(p, count, &n) && n >= 1;
}

/* Does this region of its owner run whenever the owner does? */
static bool surely_runs(const Prog *p, const Region *r) {
  const Node *owner = ir_node(p, r->owner);
  if (owner->op == IR_ACCUM) return true;
  if (owner->op == IR_WHILE) return r == owner->regions[0];
  if (owner->op == IR_FOLD) return at_least_once(p, owner->arg[0]);
  for (uint32_t k = 0; k < owner->nargs; k++)
    if (!at_least_once(p, owner->arg[k])) return false;
  return owner->op == IR_LOOP;
}

static bool may_leave(const Rewrite *w, const Region *here, Ref r) {
  Hoist *h = w->self;
  if (!here->parent || here->id >= h->from.n) return false;
  const Region *old = w->k.from->regions.at[h->from.at[here->id]];
  if (!old->owner) return false;
  uint16_t op = ir_node(w->k.from, old->owner)->op;
  if (op == IR_IF || op == IR_CUSTOM) return false;
  return surely_runs(w->k.from, old) || !is_risky(h, w->k.from, r);
}

/* The deepest region that the copies of these are in. */
static Region *deepest(Rewrite *w, Region *best, const Ref *old, uint32_t n) {
  Prog *to = w->k.to;
  for (uint32_t k = 0; k < n; k++) {
    Region *r = to->regions.at[ir_node(to, copy_ref(&w->k, old[k]))->region];
    if (r->depth > best->depth) best = r;
  }
  return best;
}

static Region *deepest_size(Rewrite *w, Region *best, const Type *t) {
  for (uint32_t d = 0; t && d < t->rank; d++)
    for (uint32_t k = 0; k < t->dim[d]->n; k++)
      best = deepest(w, best, t->dim[d]->mono[k].atom, t->dim[d]->mono[k].n);
  return best;
}

/* The outermost region where a copy of `old` can stand. */
static Region *home(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  Region *here = w->k.to->cur;
  Region *needs = deepest(w, w->k.to->root, n->arg, n->nargs);
  needs = deepest(w, needs, n->free, n->nfree);
  if (n->op == IR_FILL || n->op == IR_RESHAPE || n->op == IR_DATA)
    needs = deepest_size(w, needs, n->type);
  while (here->depth > needs->depth && may_leave(w, here, old)) here = here->parent;
  return here;
}

/* ---- factors of sums ------------------------------------------------------------------ */

typedef struct Factors {
  Ref factor[MAX_FACTORS], divisor[MAX_FACTORS];
  uint32_t nfactor, ndivisor;
  bool negative;
} Factors;

/* e = factor*rest/divisor with what is known outside: gives rest. */
static Ref take_factors(const Prog *p, Ref e, const Region *outside, Factors *f) {
  for (;;) {
    const Node *n = ir_node(p, e);
    if (n->op != IR_PRIM || !(n->flags & NODE_DERIVATIVE) || n->type->elem != ELEM_REAL) return e;
    if (n->aux.i == P_NEG) {
      f->negative = !f->negative;
      e = n->arg[0];
    } else if (n->aux.i == P_MUL && f->nfactor < MAX_FACTORS &&
               (ir_in_scope(p, n->arg[0], outside) || ir_in_scope(p, n->arg[1], outside))) {
      uint32_t k = !ir_in_scope(p, n->arg[0], outside);
      f->factor[f->nfactor++] = n->arg[k];
      e = n->arg[1 - k];
    } else if (n->aux.i == P_DIV && f->ndivisor < MAX_FACTORS &&
               ir_in_scope(p, n->arg[1], outside)) {
      f->divisor[f->ndivisor++] = n->arg[1];
      e = n->arg[0];
    } else {
      return e;
    }
  }
}

static Ref give_factors(Prog *p, Ref sum, const Factors *f) {
  for (uint32_t k = f->nfactor; k--;) sum = ir_mul(p, f->factor[k], sum);
  for (uint32_t k = 0; k < f->ndivisor; k++) sum = ir_prim2(p, P_DIV, sum, f->divisor[k]);
  return f->negative ? ir_neg(p, sum) : sum;
}

/* ---- the pass --------------------------------------------------------------------------- */

static bool sums_derivative(const Node *n) {
  if (n->op != IR_LOOP || !(n->flags & NODE_DERIVATIVE)) return false;
  for (uint32_t k = 0; k < n->aux.loop->nout; k++)
    if (n->aux.loop->comb[k] == SUM) return true;
  return false;
}

static Region *begin_like(Rewrite *w, const Node *n, Ref *arg) {
  Region *r = ir_begin(w->k.to);
  for (uint32_t k = 0; k < n->nargs; k++) arg[k] = copy_ref(&w->k, n->arg[k]);
  ir_set_extents(w->k.to, n->nargs, arg);
  const Region *body = n->regions[0];
  for (uint32_t k = 0; k < body->params.n; k++) pass_param(w, body->params.at[k]);
  rewrite_nodes(w, body);
  return r;
}

/* A loop with sums: invariant factors go in front. */
static Ref hoist_sums(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  Prog *to = w->k.to;
  Region *outside = to->cur;
  uint32_t nout = n->aux.loop->nout;
  Ref *arg = NEWN(to->ctx, Ref, n->nargs + 1);
  Factors *factors = NEWN(to->ctx, Factors, nout);
  Region *r = begin_like(w, n, arg);
  for (uint32_t k = 0; k < nout; k++) {
    Ref e = copy_ref(&w->k, n->regions[0]->results.at[k]);
    bool sum = n->aux.loop->comb[k] == SUM;
    ir_result(to, sum ? take_factors(to, e, outside, &factors[k]) : e);
  }
  ir_end(to);
  Ref loop = pass_structured(w, n, n->nargs, arg, &r, n->aux.loop->comb);
  w->outs[old] = NEWN(to->ctx, Ref, nout);
  for (uint32_t k = 0; k < nout; k++)
    w->outs[old][k] = give_factors(to, ir_out(to, loop, k), &factors[k]);
  return REWRITE_GONE;
}

static Ref hoist_node(Rewrite *w, Ref old) {
  Hoist *h = w->self;
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  while (h->from.n <= to->cur->id) VEC_PUSH(to->ctx, &h->from, 0);
  h->from.at[to->cur->id] = n->region;
  if (n->op == IR_PROJ) return 0;
  Region *here = to->cur;
  if (!ir_has_effect(w->k.from, old)) to->cur = home(w, old);
  Ref r = sums_derivative(n) ? hoist_sums(w, old) : rewrite_copy(w, old);
  to->cur = here;
  return r ? r : REWRITE_GONE;
}

static Prog *hoist(Prog *p) {
  if (p->regions.n == 1) return p;
  Hoist h = {.risk = NEWN(p->ctx, uint8_t, p->nnodes)};
  Rewrite w = {.node = hoist_node, .self = &h};
  Prog *to = rewrite_program(&w, p);
  return to;
}

Prog *hoist_steps(Prog *p, const Prog *given) {
  return pass_trim(pass_run(p, given, hoist), given);
}

Prog *opt_hoist(Prog *p) {
  return hoist_steps(p, p);
}
