/* accumulate.c - accumulators that a person would not have written.
 *
 * Requires: subscripts in range where they are not checked.  Reverse mode makes every
 * adjoint an accumulator; here those with simple updates become plain values:
 *
 *   at an index of each axis             the BUILD output of the loop that updates
 *   the same, summing over inner loops   BUILD of SUM
 *   summing over any of a nest's loops   a nest of its own, behind (matrix products)
 *   at constant subscripts               a STACK of sums
 *   at an index, then constants          BUILD of such STACKs
 *   of the whole array                   a sum of arrays
 *   of one row                           the array with that row replaced
 *   never                                the initial array
 *
 * A handle is replaced as a whole or not at all; a scope without handles is dissolved.
 * The order of additions to one element is kept but for that of different groups.
 * Maintains everything else; leaves dead nodes behind (sweep).  Linear. */
#include "optimize/accumulate.h"
#include "optimize/optimize.h"

/* A finished value of a group, on its way out to the scope. */
typedef struct Pending { Group *group; Ref value; } Pending;
typedef VEC(Pending) PendingVec;

typedef struct Accumulate {
  Plan *plan;
  PendingVec *pending;   /* by number of the old region whose results they join */
} Accumulate;

static Ref add_values(Prog *to, Ref a, Ref b) {
  return a ? ir_map2(to, P_ADD, a, b) : b;
}

/* ---- updates ----------------------------------------------------------------------- */

static void push_pending(Rewrite *w, uint32_t region, Group *g, Ref value) {
  Accumulate *a = w->self;
  VEC_PUSH(w->k.to->ctx, &a->pending[region], ((Pending){g, value}));
}

static Ref stack_places(Prog *to, const Type *array, Ref *place, uint32_t first, uint32_t axes);

/* The group's row, if this was the last update of it; else 0. */
static Ref add_to_place(Rewrite *w, Group *g, Ref old, Ref v) {
  Prog *to = w->k.to;
  if (!g->place) g->place = NEWN(to->ctx, Ref, tail_places(g));
  Ref *place = &g->place[tail_position(w->k.from, g, old)];
  *place = add_values(to, *place, v);
  if (++g->seen < g->upds.n) return 0;
  const Type *acc = pass_type(w, g->handle->type);
  const Type *array = type_array(to, acc->elem, acc->rank, acc->dim);
  return stack_places(to, array, g->place, g->nindex, g->tail);
}

static Ref visit_update(Rewrite *w, Ref old) {
  Accumulate *a = w->self;
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  Handle *h = a->plan->handle[n->arg[0]];
  if (h->stays) return 0;
  Group *g = a->plan->group[old];
  if (g && g->contract) return REWRITE_GONE;
  Ref v = copy_ref(&w->k, n->arg[1]);
  if (g && g->tail) {
    Ref row = add_to_place(w, g, old, v);
    if (row) push_pending(w, n->region, g, row);
  } else if (g) {
    g->sum = add_values(to, g->sum, v);
    if (++g->seen == g->upds.n) push_pending(w, n->region, g, g->sum);
  } else if (n->nargs == 2) {
    VEC_PUSH(to->ctx, &h->parts, v);
  } else {
    Ref *slot = &h->slot[slot_position(w->k.from, h, old)];
    *slot = add_values(to, *slot, v);
  }
  return REWRITE_GONE;
}

/* ---- loops that get outputs ------------------------------------------------------------ */

static Ref *copy_operands(Rewrite *w, const Node *n) {
  Ref *arg = NEWN(w->k.to->ctx, Ref, n->nargs + 1);
  for (uint32_t k = 0; k < n->nargs; k++) arg[k] = copy_ref(&w->k, n->arg[k]);
  return arg;
}

static void copy_results(Rewrite *w, const Region *r) {
  for (uint32_t k = 0; k < r->results.n; k++) ir_result(w->k.to, copy_ref(&w->k, r->results.at[k]));
}

/* The combiners of a loop with its new outputs: the pending ones, then stored scalars. */
static Combiner *loop_combiners(Rewrite *w, const Node *n, const PendingVec *pending,
                                uint32_t nstored) {
  uint32_t had = n->aux.loop->nout, k = 0;
  Combiner *comb = NEWN(w->k.to->ctx, Combiner, had + pending->n + nstored + 1);
  for (; k < had; k++) comb[k] = n->aux.loop->comb[k];
  for (uint32_t j = 0; j < pending->n; j++) {
    bool build = n->nargs && is_subscript(pending->at[j].group, n->regions[0]->params.at[0]);
    comb[k++] = build ? BUILD : SUM;
  }
  while (k < had + pending->n + nstored) comb[k++] = BUILD;
  return comb;
}

/* The scalars that the contractions behind a loop want stored, each once. */
static Refs scalars_to_store(const Rewrite *w, Ref old) {
  const Accumulate *a = w->self;
  Refs all = {0};
  for (uint32_t k = 0; k < a->plan->behind[old].n; k++) {
    const Refs *stored = &a->plan->behind[old].at[k]->stored;
    for (uint32_t j = 0; j < stored->n; j++)
      if (!refs_have(&all, stored->at[j])) VEC_PUSH(w->k.to->ctx, &all, stored->at[j]);
  }
  return all;
}

static void contract(Rewrite *w, Group *g);

/* The new outputs of a loop go where they are wanted. */
static void after_loop(Rewrite *w, Ref old, Ref loop, const PendingVec *pending,
                       const Refs *stored) {
  Accumulate *a = w->self;
  const Node *n = ir_node(w->k.from, old);
  uint32_t out = n->aux.loop->nout;
  for (uint32_t k = 0; k < pending->n; k++)
    push_pending(w, n->region, pending->at[k].group, ir_out(w->k.to, loop, out++));
  for (uint32_t k = 0; k < a->plan->behind[old].n; k++) {
    Group *g = a->plan->behind[old].at[k];
    for (uint32_t j = 0; j < g->stored.n; j++) {
      uint32_t at = refs_find(stored, g->stored.at[j]);
      VEC_PUSH(w->k.to->ctx, &g->arrays, ir_out(w->k.to, loop, out + at));
    }
    contract(w, g);
  }
}

static Ref visit_loop(Rewrite *w, Ref old) {
  Accumulate *a = w->self;
  const Node *n = ir_node(w->k.from, old);
  if (!a->plan->grows[old] && !a->plan->behind[old].n) return 0;
  Prog *to = w->k.to;
  const Region *body = n->regions[0];
  Ref *arg = copy_operands(w, n);
  Region *r = ir_begin(to);
  ir_set_extents(to, n->nargs, arg);
  for (uint32_t k = 0; k < body->params.n; k++) pass_param(w, body->params.at[k]);
  rewrite_nodes(w, body);
  copy_results(w, body);
  PendingVec *pending = &a->pending[body->id];
  for (uint32_t k = 0; k < pending->n; k++) ir_result(to, pending->at[k].value);
  Refs stored = scalars_to_store(w, old);
  for (uint32_t k = 0; k < stored.n; k++) ir_result(to, copy_ref(&w->k, stored.at[k]));
  ir_end(to);
  Ref loop = pass_structured(w, n, n->nargs, arg, &r, loop_combiners(w, n, pending, stored.n));
  after_loop(w, old, loop, pending, &stored);
  return loop;
}

/* ---- contractions ------------------------------------------------------------------------ */

typedef struct Nest { Refs param; Refs extent; } Nest;

/* The indices of a chain that are subscripts, in their order; or the others. */
static Nest subscript_nest(Rewrite *w, const Group *g) {
  Nest nest = {0};
  for (uint32_t k = 0; k < g->nindex; k++) {
    const Node *loop = chain_loop(w->k.from, g, g->index[k]);
    Ref extent = loop->arg[ir_node(w->k.from, g->index[k])->aux.i];
    VEC_PUSH(w->k.to->ctx, &nest.param, g->index[k]);
    VEC_PUSH(w->k.to->ctx, &nest.extent, pass_extent(w, extent));
  }
  return nest;
}

static Nest other_nest(Rewrite *w, const Group *g) {
  Nest nest = {0};
  for (uint32_t k = 0; k < g->nchain; k++) {
    const Node *loop = ir_node(w->k.from, g->chain[k]);
    for (uint32_t j = 0; j < loop->nargs; j++) {
      Ref param = loop->regions[0]->params.at[j];
      if (is_subscript(g, param)) continue;
      VEC_PUSH(w->k.to->ctx, &nest.param, param);
      VEC_PUSH(w->k.to->ctx, &nest.extent, pass_extent(w, loop->arg[j]));
    }
  }
  return nest;
}

static Region *begin_nest(Rewrite *w, const Nest *nest) {
  Region *r = ir_begin(w->k.to);
  ir_set_extents(w->k.to, nest->extent.n, nest->extent.at);
  for (uint32_t k = 0; k < nest->param.n; k++) pass_param(w, nest->param.at[k]);
  return r;
}

/* Stored scalars are read back, the rest of the cone is computed again. */
static void copy_cone(Rewrite *w, const Group *g) {
  Prog *to = w->k.to;
  const Region *body = ir_node(w->k.from, g->chain[0])->regions[0];
  Ref *index = NEWN(to->ctx, Ref, body->params.n + 1);
  for (uint32_t k = 0; k < body->params.n; k++) index[k] = copy_ref(&w->k, body->params.at[k]);
  for (uint32_t k = 0; k < g->stored.n; k++)
    copy_set(&w->k, g->stored.at[k], ir_read(to, g->arrays.at[k], body->params.n, index, false));
  Region cone = {.nodes = {g->cone.at, g->cone.n, g->cone.cap}};
  rewrite_nodes(w, &cone);
}

static Ref cone_value(Rewrite *w, const Group *g) {
  Ref sum = 0;
  for (uint32_t k = 0; k < g->upds.n; k++) {
    const Node *upd = ir_node(w->k.from, g->upds.at[k]);
    pass_as(w, upd);
    sum = add_values(w->k.to, sum, copy_ref(&w->k, upd->arg[1]));
  }
  return sum;
}

/* [sum(value for others) for subscripts], right behind the loop that held the updates. */
static void contract(Rewrite *w, Group *g) {
  Prog *to = w->k.to;
  const Node *upd = ir_node(w->k.from, g->upds.at[0]);
  const Combiner build = BUILD, sum = SUM;
  pass_as(w, upd);
  Nest outer = subscript_nest(w, g), inner = other_nest(w, g);
  Region *outside = begin_nest(w, &outer);
  Region *inside = inner.extent.n ? begin_nest(w, &inner) : NULL;
  copy_cone(w, g);
  ir_result(to, cone_value(w, g));
  ir_end(to);
  pass_as(w, upd);
  if (inside) {
    ir_result(to, ir_out(to, ir_loop(to, inner.extent.n, inner.extent.at, inside, &sum), 0));
    ir_end(to);
  }
  pass_as(w, upd);
  Ref loop = ir_loop(to, outer.extent.n, outer.extent.at, outside, &build);
  VEC_PUSH(to->ctx, &g->handle->parts, ir_out(to, loop, 0));
}

/* ---- the scope ------------------------------------------------------------------------------ */

/* A built array with its axes in the order of the subscripts. */
static Ref in_subscript_order(Rewrite *w, const Group *g, Ref built) {
  Prog *to = w->k.to;
  uint32_t position[MAX_RANK];
  const Combiner build = BUILD;
  Ref extent[MAX_RANK], index[MAX_RANK];
  if (axis_order(w->k.from, g, position)) return built;
  for (uint32_t s = 0; s < g->nindex; s++) extent[s] = ir_extent(to, built, position[s]);
  Region *r = ir_begin(to);
  ir_set_extents(to, g->nindex, extent);
  for (uint32_t s = 0; s < g->nindex; s++)
    index[position[s]] = ir_param(to, type_scalar(to, ELEM_INT));
  ir_result(to, ir_read(to, built, g->nindex, index, false));
  ir_end(to);
  return ir_out(to, ir_loop(to, g->nindex, extent, r, &build), 0);
}

/* The values at all places of these axes as an array; where there is none it is 0.  The last
 * axis is stacked first. */
static Ref stack_places(Prog *to, const Type *array, Ref *place, uint32_t first, uint32_t axes) {
  uint32_t left = 1;
  int64_t dim = 1;
  for (uint32_t axis = first; axis < first + axes; axis++)
    if (size_is_const(array->dim[axis], &dim)) left *= (uint32_t)dim;
  for (uint32_t k = 0; k < left; k++)
    if (!place[k]) place[k] = ir_zero(to, type_drop(to, array, first + axes));
  for (uint32_t axis = first + axes; axis-- > first;) {
    size_is_const(array->dim[axis], &dim);
    left /= (uint32_t)dim;
    for (uint32_t k = 0; k < left; k++) place[k] = ir_stack(to, (uint32_t)dim, place + k * dim);
  }
  return place[0];
}

static Ref slot_array(Rewrite *w, const Handle *h) {
  const Type *acc = pass_type(w, h->type);
  const Type *array = type_array(w->k.to, acc->elem, acc->rank, acc->dim);
  return stack_places(w->k.to, array, h->slot, 0, h->slot_axes);
}

/* Values that have arrived at this scope join their handles; others go further out. */
static void settle(Rewrite *w, const Region *scope, PendingVec *further) {
  Accumulate *a = w->self;
  PendingVec *pending = &a->pending[scope->id];
  for (uint32_t k = 0; k < pending->n; k++) {
    Group *g = pending->at[k].group;
    Ref value = pending->at[k].value;
    if (g->handle->region != scope) {
      VEC_PUSH(w->k.to->ctx, further, pending->at[k]);
    } else if (g->slotted) {
      Ref *slot = &g->handle->slot[slot_position(w->k.from, g->handle, g->upds.at[0])];
      *slot = add_values(w->k.to, *slot, value);
    } else {
      VEC_PUSH(w->k.to->ctx, &g->handle->parts, in_subscript_order(w, g, value));
    }
  }
}

/* What was added to a handle that goes; 0: nothing. */
static Ref total(Rewrite *w, Handle *h) {
  Ref sum = 0;
  if (h->slot) VEC_PUSH(w->k.to->ctx, &h->parts, slot_array(w, h));
  for (uint32_t k = 0; k < h->parts.n; k++) sum = add_values(w->k.to, sum, h->parts.at[k]);
  return sum;
}

/* A scope being rewritten. */
typedef struct Scope {
  const Node *n;
  Ref *init;           /* of all handles, in the new program */
  Ref *added;          /* per handle that goes: what was added, 0: nothing */
  Refs kept;           /* inits of those that stay */
  PendingVec further;
  Refs extra;          /* results behind the old ones: totals, then further ones */
} Scope;

static Handle *handle_of(const Accumulate *a, const Node *accum, uint32_t k) {
  return a->plan->handle[accum->regions[0]->params.at[k]];
}

static void scope_body(Rewrite *w, Scope *s) {
  Accumulate *a = w->self;
  const Region *body = s->n->regions[0];
  for (uint32_t k = 0; k < s->n->nargs; k++)
    if (handle_of(a, s->n, k)->stays) pass_param(w, body->params.at[k]);
  rewrite_nodes(w, body);
  pass_as(w, s->n);
  settle(w, body, &s->further);
  for (uint32_t k = 0; k < s->n->nargs; k++) {
    Handle *h = handle_of(a, s->n, k);
    s->added[k] = h->stays ? 0 : total(w, h);
    if (s->added[k]) VEC_PUSH(w->k.to->ctx, &s->extra, s->added[k]);
  }
  for (uint32_t k = 0; k < s->further.n; k++)
    VEC_PUSH(w->k.to->ctx, &s->extra, s->further.at[k].value);
}

/* The scope without its replaced handles; what its extra results are afterwards. */
static Ref close_scope(Rewrite *w, Scope *s, Region *r) {
  Prog *to = w->k.to;
  const Region *body = s->n->regions[0];
  copy_results(w, body);
  for (uint32_t k = 0; k < s->extra.n; k++) ir_result(to, s->extra.at[k]);
  ir_end(to);
  Ref accum = pass_structured(w, s->n, s->kept.n, s->kept.at, &r, NULL);
  for (uint32_t k = 0; k < s->extra.n; k++)
    s->extra.at[k] = ir_out(to, accum, s->kept.n + body->results.n + k);
  return accum;
}

/* The array with what was added to its one row. */
static Ref add_to_row(Rewrite *w, const Handle *h, Ref init, Ref added) {
  Prog *to = w->k.to;
  Ref at[MAX_RANK];
  for (uint32_t k = 0; k < h->nrow; k++) at[k] = copy_ref(&w->k, h->row[k]);
  Ref row = ir_read(to, init, h->nrow, at, false);
  const Node *n = ir_node(to, init);
  bool replaced = n->op == IR_WITH && n->nargs == h->nrow + 2;
  for (uint32_t k = 0; k < h->nrow && replaced; k++) replaced = n->arg[k + 2] == at[k];
  added = add_values(to, pass_zero(to, row) ? 0 : row, added);
  return ir_with(to, replaced ? n->arg[0] : init, added, h->nrow, at, false);
}

/* outs: the finals, then the other results. */
static Ref *scope_results(Rewrite *w, Scope *s, Ref accum) {
  Accumulate *a = w->self;
  Prog *to = w->k.to;
  const Region *body = s->n->regions[0];
  Ref *outs = NEWN(to->ctx, Ref, s->n->nargs + body->results.n + 1);
  uint32_t kept = 0, extra = 0;
  for (uint32_t k = 0; k < s->n->nargs; k++) {
    const Handle *h = handle_of(a, s->n, k);
    Ref zero = pass_zero(to, s->init[k]) ? 0 : s->init[k];
    if (h->stays) outs[k] = ir_out(to, accum, kept++);
    else if (!s->added[k]) outs[k] = s->init[k];
    else if (h->nrow) outs[k] = add_to_row(w, h, s->init[k], s->extra.at[extra++]);
    else outs[k] = add_values(to, zero, s->extra.at[extra++]);
  }
  for (uint32_t k = 0; k < body->results.n; k++)
    outs[s->n->nargs + k] = accum ? ir_out(to, accum, kept + k)
                                  : copy_ref(&w->k, body->results.at[k]);
  for (uint32_t k = 0; k < s->further.n; k++)
    push_pending(w, s->n->region, s->further.at[k].group, s->extra.at[extra++]);
  return outs;
}

static Ref visit_scope(Rewrite *w, Ref old) {
  Accumulate *a = w->self;
  Scope s = {.n = ir_node(w->k.from, old)};
  if (!a->plan->grows[old]) return 0;
  s.init = copy_operands(w, s.n);
  s.added = NEWN(w->k.to->ctx, Ref, s.n->nargs + 1);
  for (uint32_t k = 0; k < s.n->nargs; k++)
    if (handle_of(a, s.n, k)->stays) VEC_PUSH(w->k.to->ctx, &s.kept, s.init[k]);
  Region *r = s.kept.n ? ir_begin(w->k.to) : NULL;
  scope_body(w, &s);
  Ref accum = r ? close_scope(w, &s, r) : 0;
  pass_as(w, s.n);
  w->outs[old] = scope_results(w, &s, accum);
  return REWRITE_GONE;
}

static Ref visit(Rewrite *w, Ref old) {
  switch (ir_node(w->k.from, old)->op) {
    case IR_UPD: return visit_update(w, old);
    case IR_LOOP: return visit_loop(w, old);
    case IR_ACCUM: return visit_scope(w, old);
    default: return 0;
  }
}

static bool any_scope(const Prog *p) {
  for (Ref r = 1; r < p->nnodes; r++)
    if (ir_node(p, r)->op == IR_ACCUM) return true;
  return false;
}

/* Updates that go, and the loops and scopes that give what was added. */
static bool *busy_regions(const Prog *p, const Plan *plan) {
  bool *busy = NEWN(p->ctx, bool, p->regions.n);
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    bool goes = n->op == IR_UPD && !plan->handle[n->arg[0]]->stays;
    if (goes || plan->grows[r] || plan->behind[r].n) rewrite_busy(busy, p, r);
  }
  return busy;
}

static Prog *accumulate(Prog *p) {
  if (!any_scope(p)) return p;
  Accumulate a = {.plan = accumulate_plan(p)};
  if (!a.plan->any) return p;
  a.pending = NEWN(p->ctx, PendingVec, p->regions.n);
  Rewrite w = {.node = visit, .self = &a, .busy = busy_regions(p, a.plan)};
  Prog *to = rewrite_program(&w, p);
  return to;
}

Prog *accumulate_steps(Prog *p, const Prog *given) {
  Prog *to = pass_run(p, given, accumulate);
  return to == p ? p : pass_trim(to, given);
}

Prog *opt_accumulate(Prog *p) {
  return accumulate_steps(p, p);
}
