/* totals.c - a step of opt_fuse: what all rounds of a loop add to one place is added behind it.
 *
 *   for j < i { h[j] += f; h[i] += g }
 *   for j < i { h[j] += f; total += g }; h[i] += total
 *
 * Memory that a loop changes in each round keeps C compilers from vectors, and each addition waits
 * for the one before to come back.  The place must be there even if the loop has no round: each
 * subscript is the index of a loop around it that runs over the axis.
 *
 * Requires: barriers gone.  A total is in the order of its sum; under --ieee nothing moves. */
#include "optimize/passes.h"

/* An update on its way out of a loop. */
typedef struct Total { const Node *upd; Ref value; } Total;
typedef VEC(Total) TotalVec;

typedef struct Totals {
  TotalVec *pending;        /* by old region id: for what is behind the loop */
  bool *gives;              /* by old region id: does an update leave it? */
} Totals;

/* Is the axis as long as the loop of which the subscript is the index? */
static bool runs_along(Prog *p, Ref subscript, Size axis) {
  const Node *n = ir_node(p, subscript);
  if (n->op != IR_PARAM || !p->regions.at[n->region]->owner) return false;
  const Node *loop = ir_node(p, p->regions.at[n->region]->owner);
  if (loop->op != IR_LOOP && (loop->op != IR_FOLD || n->aux.i)) return false;
  return size_atom(p, loop->arg[n->aux.i]) == axis;
}

/* May the update stand behind the loop whose body r is? */
static bool leaves(Prog *p, const Node *upd, const Region *r) {
  if (!r->owner || ir_node(p, r->owner)->op != IR_LOOP || (upd->flags & NODE_CHECKED)) return false;
  const Region *outside = p->regions.at[ir_node(p, r->owner)->region];
  const Type *t = ir_type(p, upd->arg[0]);
  if (upd->nargs != t->rank + 2u || !ir_in_scope(p, upd->arg[0], outside)) return false;
  for (uint32_t k = 0; k < t->rank; k++) {
    Ref s = upd->arg[k + 2];
    double at;
    int64_t n;
    bool known = ir_is_const(p, s, &at) && size_is_const(t->dim[k], &n) &&
                 at >= 0 && at < (double)n;
    if (!known && !(ir_in_scope(p, s, outside) && runs_along(p, s, t->dim[k]))) return false;
  }
  return true;
}

static bool find_leaving(Prog *p, Totals *s) {
  bool any = false;
  for (Ref u = 1; u < p->nnodes; u++) {
    const Node *n = ir_node(p, u);
    if (n->op != IR_UPD) continue;
    for (const Region *r = p->regions.at[n->region]; leaves(p, n, r); r = r->parent)
      any = s->gives[r->id] = true;
  }
  return any;
}

/* Out of the region, or into the program where it stays. */
static void put_total(Rewrite *w, const Region *r, Total u) {
  Totals *s = w->self;
  Prog *to = w->k.to;
  Ref index[MAX_RANK];
  if (leaves(w->k.from, u.upd, r)) {
    VEC_PUSH(to->ctx, &s->pending[r->id], u);
    return;
  }
  for (uint32_t k = 2; k < u.upd->nargs; k++) index[k - 2] = pass_extent(w, u.upd->arg[k]);
  pass_as(w, u.upd);
  ir_upd(to, copy_ref(&w->k, u.upd->arg[0]), u.value, u.upd->nargs - 2, index, false);
}

static Ref visit_loop(Rewrite *w, const Node *n) {
  Totals *s = w->self;
  Prog *to = w->k.to;
  const Region *body = n->regions[0];
  TotalVec *out = &s->pending[body->id];
  uint32_t had = n->aux.loop->nout;
  Ref extent[MAX_RANK];
  for (uint32_t k = 0; k < n->nargs; k++) extent[k] = copy_ref(&w->k, n->arg[k]);
  out->n = 0;
  Region *r = ir_begin(to);
  ir_set_extents(to, n->nargs, extent);
  for (uint32_t k = 0; k < body->params.n; k++) pass_param(w, body->params.at[k]);
  rewrite_nodes(w, body);
  for (uint32_t k = 0; k < had; k++) ir_result(to, copy_ref(&w->k, body->results.at[k]));
  for (uint32_t k = 0; k < out->n; k++) ir_result(to, out->at[k].value);
  ir_end(to);
  Combiner *comb = NEWN(to->ctx, Combiner, had + out->n + 1);
  for (uint32_t k = 0; k < had + out->n; k++) comb[k] = k < had ? n->aux.loop->comb[k] : SUM;
  Ref loop = pass_structured(w, n, n->nargs, extent, &r, comb);
  for (uint32_t k = 0; k < out->n; k++)
    put_total(w, w->k.from->regions.at[n->region],
              (Total){out->at[k].upd, ir_out(to, loop, had + k)});
  return loop;
}

static Ref visit(Rewrite *w, Ref old) {
  const Totals *s = w->self;
  const Node *n = ir_node(w->k.from, old);
  if (n->op == IR_LOOP && s->gives[n->regions[0]->id]) return visit_loop(w, n);
  if (n->op != IR_UPD || !s->gives[n->region]) return 0;
  const Region *r = w->k.from->regions.at[n->region];
  if (!leaves(w->k.from, n, r)) return 0;
  put_total(w, r, (Total){n, copy_ref(&w->k, n->arg[1])});
  return REWRITE_GONE;
}

Prog *fuse_totals(Prog *p) {
  if (p->ctx->opt.ieee) return p;
  Totals s = {NULL, NEWN(p->ctx, bool, p->regions.n)};
  if (!find_leaving(p, &s)) return p;
  s.pending = arena_alloc(p->ctx, sizeof *s.pending * p->regions.n);
  for (uint32_t k = 0; k < p->regions.n; k++) s.pending[k] = (TotalVec){0};
  return rewrite_program(&(Rewrite){.node = visit, .self = &s}, p);
}
