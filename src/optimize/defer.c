/* defer.c - a linear map that is the same in all rounds of a loop is applied once, behind it.
 *
 *   for i { for r { for c < r { h[c] += Q[r, c]*v(i, r) } } }
 *
 * becomes
 *
 *   for i { for r { t[r] += v(i, r) } };   for r { for c < r { h[c] += Q[r, c]*t[r] } }
 *
 * Reverse mode writes such maps: the gradient with respect to a mean, a bias or a centre is the
 * transpose of what the differences are multiplied by, the same for all samples.  The map may go
 * through local arrays and accumulators, which then are made once behind the loop; what goes into
 * it, the terms, is added up in accumulators of its own.  Every path from a term to an update has
 * more loops than the term, so fewer additions are left.
 *
 * Requires: barriers gone, subscripts in range where they are not checked; updates still where
 * reverse mode put them.  Sums are in another order and factors are taken out of them: derivative
 * code alone, not with --ieee.  Maintains everything else; leaves dead nodes to the sweep at its
 * end. */
#include "optimize/defer.h"
#include "optimize/optimize.h"

typedef struct State {
  const DeferPlan *plan;
  const Deferred *d;   /* whose loop or map is written */
  bool behind;         /* the map, behind the loop */
} State;

/* ---- the loop ------------------------------------------------------------------------- */

/* The place of a term's total: its indices, or the only one in an array of one. */
static uint32_t total_place(Rewrite *w, Ref term, Ref *place) {
  const State *s = w->self;
  const Region *r = w->k.from->regions.at[ir_node(w->k.from, term)->region];
  Refs indices = defer_indices(w->k.from, s->plan, s->d, r);
  for (uint32_t k = 0; k < indices.n; k++) place[k] = copy_ref(&w->k, indices.at[k]);
  if (!indices.n) place[0] = ir_int(w->k.to, 0);
  return indices.n ? indices.n : 1;
}

static Ref add_term(Rewrite *w, Ref old) {
  const State *s = w->self;
  Ref place[MAX_RANK], value = rewrite_copy(w, old);
  pass_as(w, ir_node(w->k.from, s->d->roots.at[0]));
  uint32_t n = total_place(w, old, place);
  ir_upd(w->k.to, s->d->total.at[refs_find(&s->d->terms, old)], value, n, place, false);
  return value;
}

static Ref write_loop(Rewrite *w, Ref old) {
  State *s = w->self;
  s->d = s->plan->at[old];
  Ref r = rewrite_copy(w, old);
  s->d = NULL;
  return r;
}

/* ---- the map ---------------------------------------------------------------------------- */

static void write_map(Rewrite *w, const Region *r);

static bool is_wanted(const Rewrite *w, Ref structured, uint32_t k) {
  const State *s = w->self;
  const bool *wanted = s->plan->wanted[structured];
  return wanted && wanted[k];
}

/* The parameters of a loop that the map runs over, and their extents. */
static uint32_t loop_indices(Rewrite *w, const Node *loop, Ref *param, Ref *extent) {
  const State *s = w->self;
  uint32_t n = 0;
  for (uint32_t k = 0; loop->op == IR_LOOP && k < loop->nargs; k++) {
    Ref at = loop->regions[0]->params.at[k];
    if (s->plan->role[at] != DEFER_INDEX) continue;
    param[n] = at;
    extent[n++] = pass_extent(w, loop->arg[k]);
  }
  return n;
}

/* The loop over these indices; none: what is in it, once. */
static void write_map_loop(Rewrite *w, Ref old) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  const Region *body = n->regions[0];
  Ref param[MAX_RANK], extent[MAX_RANK];
  uint32_t indices = loop_indices(w, n, param, extent), nout = 0;
  Ref *out = NEWN(to->ctx, Ref, n->nresults + 1);
  Combiner *comb = NEWN(to->ctx, Combiner, n->nresults + 1);
  Region *r = indices ? ir_begin(to) : NULL;
  if (r) ir_set_extents(to, indices, extent);
  for (uint32_t k = 0; k < indices; k++) pass_param(w, param[k]);
  write_map(w, body);
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!is_wanted(w, old, k)) continue;
    out[k] = copy_ref(&w->k, body->results.at[k]);
    if (r) ir_result(to, out[k]);
    comb[nout++] = n->aux.loop->comb[k];
  }
  w->outs[old] = out;
  if (!r) return;
  ir_end(to);
  pass_as(w, n);
  Ref loop = ir_loop(to, indices, extent, r, comb);
  nout = 0;
  for (uint32_t k = 0; k < n->nresults; k++)
    if (is_wanted(w, old, k)) out[k] = ir_out(to, loop, nout++);
}

/* The scope with the accumulators of the map. */
static void write_map_scope(Rewrite *w, Ref old) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  const Region *body = n->regions[0];
  Refs init = {0};
  for (uint32_t k = 0; k < n->nargs; k++)
    if (is_wanted(w, old, k)) VEC_PUSH(to->ctx, &init, copy_ref(&w->k, n->arg[k]));
  Ref *out = NEWN(to->ctx, Ref, n->nresults + 1);
  Region *r = init.n ? ir_begin(to) : NULL;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (is_wanted(w, old, k)) pass_param(w, body->params.at[k]);
  write_map(w, body);
  for (uint32_t k = n->nargs; k < n->nresults; k++) {
    if (!is_wanted(w, old, k)) continue;
    out[k] = copy_ref(&w->k, body->results.at[k - n->nargs]);
    if (r) ir_result(to, out[k]);
  }
  w->outs[old] = out;
  if (!r) return;
  ir_end(to);
  pass_as(w, n);
  Ref scope = ir_accum(to, init.n, init.at, r);
  for (uint32_t k = 0, next = 0; k < n->nresults; k++)
    if (is_wanted(w, old, k)) out[k] = ir_out(to, scope, next++);
}

/* The part of a region that belongs to the map, with totals for terms. */
static void write_map(Rewrite *w, const Region *r) {
  const State *s = w->self;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref old = r->nodes.at[k], place[MAX_RANK];
    switch ((DeferRole)s->plan->role[old]) {
      case DEFER_TERM:
        pass_as(w, ir_node(w->k.from, s->d->roots.at[0]));
        uint32_t n = total_place(w, old, place);
        Ref total = s->d->total.at[refs_find(&s->d->terms, old)];
        copy_set(&w->k, old, ir_read(w->k.to, total, n, place, false));
        break;
      case DEFER_AROUND:
        if (ir_node(w->k.from, old)->op == IR_ACCUM) write_map_scope(w, old);
        else write_map_loop(w, old);
        break;
      case DEFER_ROOT:
      case DEFER_COPIED: rewrite_nodes(w, &(Region){.nodes = {&old, 1, 1}}); break;
      case DEFER_NONE:
      case DEFER_INDEX: break;
    }
  }
}

/* ---- the scope ---------------------------------------------------------------------------- */

/* An array of zeros for the totals of a term. */
static Ref no_totals(Rewrite *w, const Deferred *d, Ref term) {
  const State *s = w->self;
  const Prog *p = w->k.from;
  Prog *to = w->k.to;
  Size dim[MAX_RANK] = {size_const(to, 1)};
  Refs indices = defer_indices(p, s->plan, d, p->regions.at[ir_node(p, term)->region]);
  for (uint32_t k = 0; k < indices.n; k++) {
    const Node *index = ir_node(p, indices.at[k]);
    const Node *loop = ir_node(p, p->regions.at[index->region]->owner);
    dim[k] = size_atom(to, pass_extent(w, loop->arg[index->aux.i]));
  }
  return ir_zero(to, type_array(to, ELEM_REAL, indices.n ? indices.n : 1, dim));
}

/* The scope with accumulators for the totals; among its results is what the maps mention. */
static Ref write_scope(Rewrite *w, Ref old, Deferred *first) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  const Region *body = n->regions[0];
  Refs init = {0};
  pass_as(w, n);
  for (uint32_t k = 0; k < n->nargs; k++) VEC_PUSH(to->ctx, &init, copy_ref(&w->k, n->arg[k]));
  for (Deferred *d = first; d; d = d->next)
    for (uint32_t k = 0; k < d->terms.n; k++)
      VEC_PUSH(to->ctx, &init, no_totals(w, d, d->terms.at[k]));
  Region *r = ir_begin(to);
  for (uint32_t k = 0; k < n->nargs; k++) pass_param(w, body->params.at[k]);
  uint32_t next = n->nargs;
  for (Deferred *d = first; d; d = d->next)
    for (uint32_t k = 0; k < d->terms.n; k++, next++)
      VEC_PUSH(to->ctx, &d->total, ir_param(to, type_acc(to, ir_type(to, init.at[next]))));
  rewrite_nodes(w, body);
  for (uint32_t k = 0; k < body->results.n; k++) ir_result(to, copy_ref(&w->k, body->results.at[k]));
  for (Deferred *d = first; d; d = d->next)
    for (uint32_t k = 0; k < d->outer.n; k++) ir_result(to, copy_ref(&w->k, d->outer.at[k]));
  ir_end(to);
  pass_as(w, n);
  return ir_accum(to, init.n, init.at, r);
}

/* What stands behind the scope instead of what was in it. */
static void take_results(Rewrite *w, Ref old, Ref scope, Deferred *first) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  uint32_t next = n->nargs;
  w->outs[old] = NEWN(to->ctx, Ref, n->nresults + 1);
  for (uint32_t k = 0; k < n->nargs; k++) w->outs[old][k] = ir_out(to, scope, k);
  for (Deferred *d = first; d; d = d->next)
    for (uint32_t k = 0; k < d->terms.n; k++) d->total.at[k] = ir_out(to, scope, next++);
  for (uint32_t k = n->nargs; k < n->nresults; k++) w->outs[old][k] = ir_out(to, scope, next++);
  for (Deferred *d = first; d; d = d->next)
    for (uint32_t k = 0; k < d->outer.n; k++)
      copy_set(&w->k, d->outer.at[k], ir_out(to, scope, next++));
}

/* The accumulators to which the maps add. */
static Refs targets(const Rewrite *w, const Deferred *d) {
  Refs all = {0};
  for (; d; d = d->next)
    for (uint32_t k = 0; k < d->roots.n; k++) {
      Ref handle = ir_node(w->k.from, d->roots.at[k])->arg[0];
      if (!refs_have(&all, handle)) refs_insert(w->k.to->ctx, &all, handle);
    }
  return all;
}

/* The maps add to what the scope has made, in a scope of their own. */
static void write_maps(Rewrite *w, Ref old, const Deferred *d) {
  State *s = w->self;
  Prog *to = w->k.to;
  Refs all = targets(w, d), init = {0};
  for (uint32_t k = 0; k < all.n; k++)
    VEC_PUSH(to->ctx, &init, w->outs[old][ir_node(w->k.from, all.at[k])->aux.i]);
  Region *r = ir_begin(to);
  for (uint32_t k = 0; k < all.n; k++) pass_param(w, all.at[k]);
  s->behind = true;
  for (; d; d = d->next) {
    s->d = d;
    write_map_loop(w, d->loop);
  }
  s->behind = false;
  s->d = NULL;
  ir_end(to);
  pass_as(w, ir_node(w->k.from, old));
  Ref scope = ir_accum(to, init.n, init.at, r);
  for (uint32_t k = 0; k < all.n; k++)
    w->outs[old][ir_node(w->k.from, all.at[k])->aux.i] = ir_out(to, scope, k);
}

/* ---- the pass ------------------------------------------------------------------------------- */

static Ref visit(Rewrite *w, Ref old) {
  const State *s = w->self;
  Deferred *d = s->plan->of[old];
  if (s->behind) return 0;
  if (s->plan->role[old] == DEFER_ROOT) return REWRITE_GONE;
  if (s->plan->role[old] == DEFER_TERM) return add_term(w, old);
  if (s->plan->at[old]) return write_loop(w, old);
  if (!d) return 0;
  take_results(w, old, write_scope(w, old, d), d);
  write_maps(w, old, d);
  return REWRITE_GONE;
}

Prog *opt_defer(Prog *p) {
  if (p->ctx->opt.ieee || p->regions.n == 1) return p;
  State s = {.plan = defer_plan(p)};
  if (!s.plan->any) return p;
  Rewrite w = {.node = visit, .self = &s};
  Prog *to = rewrite_program(&w, p);
  return prog_replace(to, ir_sweep(to));
}
