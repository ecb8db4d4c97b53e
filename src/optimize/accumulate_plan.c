/* accumulate_plan.c - which accumulators can be something simpler.
 *
 * One walk collects the updates of each handle; then each handle is judged by itself.
 * Linear: chains and cones that are looked into have a fixed length at most. */
#include "optimize/accumulate.h"
#include "optimize/optimize.h"

/* ---- collecting ------------------------------------------------------------------ */

static bool constant_subscripts(const Prog *p, const Node *upd) {
  for (uint32_t k = 2; k < upd->nargs; k++)
    if (ir_node(p, upd->arg[k])->op != IR_CONST) return false;
  return true;
}

static uint32_t slot_count(const Type *t, uint32_t from, uint32_t to);

/* How many constant subscripts stand behind others, where the rows that these name have a few
 * known places. */
static uint32_t find_tail(const Prog *p, const Type *t, const Node *upd) {
  uint32_t n = upd->nargs - 2, tail = 0;
  if (n != t->rank || constant_subscripts(p, upd)) return 0;
  while (tail < n && ir_node(p, upd->arg[n + 1 - tail])->op == IR_CONST &&
         slot_count(t, n - tail - 1, n))
    tail++;
  return tail;
}

static bool same_subscripts(const Group *g, const Node *upd, uint32_t tail) {
  if (g->nindex != upd->nargs - 2 - tail || g->tail != tail) return false;
  for (uint32_t k = 0; k < g->nindex; k++)
    if (g->index[k] != upd->arg[k + 2]) return false;
  return true;
}

static Group *group_for(Plan *plan, Handle *h, const Node *upd) {
  uint32_t tail = find_tail(plan->p, h->type, upd);
  for (uint32_t k = 0; k < h->groups.n; k++) {
    Group *g = h->groups.at[k];
    if (ir_node(plan->p, g->upds.at[0])->region == upd->region && same_subscripts(g, upd, tail))
      return g;
  }
  if (h->groups.n == MAX_GROUPS) return NULL;
  Group *g = NEW(plan->p->ctx, Group);
  g->handle = h;
  g->index = upd->arg + 2;
  g->nindex = upd->nargs - 2 - tail;
  g->tail = tail;
  g->slotted = upd->nargs > 2 && constant_subscripts(plan->p, upd);
  VEC_PUSH(plan->p->ctx, &h->groups, g);
  return g;
}

static void note_update(Plan *plan, Ref r) {
  const Node *n = ir_node(plan->p, r);
  Handle *h = plan->handle[n->arg[0]];
  bool straight = n->region == h->region->id;
  h->nupd++;
  if (straight && n->nargs == 2) {
    VEC_PUSH(plan->p->ctx, &h->whole, r);
  } else if (straight && constant_subscripts(plan->p, n)) {
    VEC_PUSH(plan->p->ctx, &h->slots, r);
  } else {
    Group *g = group_for(plan, h, n);
    if (g) VEC_PUSH(plan->p->ctx, &g->upds, r);
    else h->stays = true;
    plan->group[r] = g;
  }
}

static void note_handle(Plan *plan, Ref r) {
  const Node *n = ir_node(plan->p, r);
  Handle *h = NEW(plan->p->ctx, Handle);
  h->param = r;
  h->region = plan->p->regions.at[n->region];
  h->type = n->type;
  plan->handle[r] = h;
}

/* ---- slots -------------------------------------------------------------------------- */

/* How many slots these axes make, 0 if not a small known number. */
static uint32_t slot_count(const Type *t, uint32_t from, uint32_t to) {
  int64_t count = 1, dim;
  for (uint32_t k = from; k < to; k++) {
    if (!size_is_const(t->dim[k], &dim) || dim < 1 || dim > MAX_SLOTS) return 0;
    count *= dim;
    if (count > MAX_SLOTS) return 0;
  }
  return (uint32_t)count;
}

uint32_t tail_places(const Group *g) {
  return slot_count(g->handle->type, g->nindex, g->nindex + g->tail);
}

/* The place that the subscripts from number `first` on, behind those of the handle's row, name;
 * or -1. */
static int64_t position_from(const Prog *p, const Handle *h, Ref upd, uint32_t first) {
  const Node *n = ir_node(p, upd);
  int64_t at = 0, dim = 0;
  const Ref *subscript = n->arg + 2 + h->nrow;
  for (uint32_t k = first; k + 2 + h->nrow < n->nargs; k++) {
    int64_t i = ir_node(p, subscript[k])->aux.i;
    if (!size_is_const(h->type->dim[k], &dim) || i < 0 || i >= dim) return -1;
    at = at * dim + i;
  }
  return at;
}

int64_t slot_position(const Prog *p, const Handle *h, Ref upd) {
  return position_from(p, h, upd, 0);
}

int64_t tail_position(const Prog *p, const Group *g, Ref upd) {
  return position_from(p, g->handle, upd, g->nindex);
}

static Ref initial(const Plan *plan, const Handle *h) {
  const Node *accum = ir_node(plan->p, h->region->owner);
  return accum->arg[ir_node(plan->p, h->param)->aux.i];
}

/* All of them name a slot of the same kind. */
static bool all_slots(const Plan *plan, const Handle *h, const Refs *upds, uint32_t nargs) {
  for (uint32_t k = 0; k < upds->n; k++) {
    if (ir_node(plan->p, upds->at[k])->nargs != nargs) return false;
    if (slot_position(plan->p, h, upds->at[k]) < 0) return false;
  }
  return true;
}

static bool slots_fit(Plan *plan, Handle *h) {
  Ref first = h->slots.n ? h->slots.at[0] : 0;
  for (uint32_t k = 0; k < h->groups.n; k++)
    if (h->groups.at[k]->slotted) first = h->groups.at[k]->upds.at[0];
  if (!first) return true;
  uint32_t n = ir_node(plan->p, first)->nargs;
  h->slot_axes = n - 2;
  h->nslot = slot_count(h->type, 0, n - 2);
  if (!h->nslot || !pass_zero(plan->p, initial(plan, h))) return false;
  h->slot = NEWN(plan->p->ctx, Ref, h->nslot);
  for (uint32_t k = 0; k < h->groups.n; k++)
    if (h->groups.at[k]->slotted && !all_slots(plan, h, &h->groups.at[k]->upds, n)) return false;
  return all_slots(plan, h, &h->slots, n);
}

/* ---- rows --------------------------------------------------------------------------------- */

/* So many subscripts in front are those of the first update, and known outside of the scope. */
static uint32_t common_subscripts(const Plan *plan, const Handle *h, const Group *first) {
  const Node *accum = ir_node(plan->p, h->region->owner);
  const Region *outside = plan->p->regions.at[accum->region];
  uint32_t n = first->nindex;
  for (uint32_t k = 0; k < h->groups.n; k++) {
    const Group *g = h->groups.at[k];
    uint32_t same = 0;
    if (g->slotted) return 0;
    while (same < n && same < g->nindex && g->index[same] == first->index[same] &&
           ir_in_scope(plan->p, first->index[same], outside))
      same++;
    n = same;
  }
  return n;
}

/* Updates of one row alone are updates of a smaller array.  The row must surely be there, for
 * it is written even if there is no update. */
static void find_row(Plan *plan, Handle *h) {
  if (h->stays || !h->groups.n || h->whole.n || h->slots.n) return;
  Group *first = h->groups.at[0];
  uint32_t n = common_subscripts(plan, h, first);
  for (uint32_t k = 0; k < n; k++)
    if (!subscript_holds(plan->p, first->upds.at[0], k)) return;
  if (!n) return;
  h->row = first->index;
  h->nrow = n;
  h->type = type_array(plan->p, h->type->elem, h->type->rank - n, h->type->dim + n);
  for (uint32_t k = 0; k < h->groups.n; k++) {
    h->groups.at[k]->index += n;
    h->groups.at[k]->nindex -= n;
  }
}

/* ---- groups inside loops --------------------------------------------------------------- */

const Node *chain_loop(const Prog *p, const Group *g, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->op != IR_PARAM) return NULL;
  for (uint32_t k = 0; k < g->nchain; k++) {
    const Node *owner = ir_node(p, g->chain[k]);
    if (owner->op == IR_LOOP && owner->regions[0]->id == n->region) return owner;
  }
  return NULL;
}

bool is_subscript(const Group *g, Ref r) {
  for (uint32_t k = 0; k < g->nindex; k++)
    if (g->index[k] == r) return true;
  return false;
}

/* The nodes between the update and its scope: LOOPs and ACCUMs alone. */
static bool find_chain(const Plan *plan, Group *g) {
  const Region *r = plan->p->regions.at[ir_node(plan->p, g->upds.at[0])->region];
  Ref inner[MAX_CHAIN];
  for (; r != g->handle->region; r = r->parent) {
    uint16_t op = ir_node(plan->p, r->owner)->op;
    if ((op != IR_LOOP && op != IR_ACCUM) || g->nchain == MAX_CHAIN) return false;
    inner[g->nchain++] = r->owner;
  }
  for (uint32_t k = 0; k < g->nchain; k++) g->chain[k] = inner[g->nchain - 1 - k];
  return true;
}

/* Different indices of the chain that run over exactly the axes. */
static bool subscripts_cover(Plan *plan, const Group *g) {
  for (uint32_t k = 0; k < g->nindex; k++) {
    const Node *loop = chain_loop(plan->p, g, g->index[k]);
    if (!loop) return false;
    Ref extent = loop->arg[ir_node(plan->p, g->index[k])->aux.i];
    if (size_atom(plan->p, extent) != g->handle->type->dim[k]) return false;
    for (uint32_t j = 0; j < k; j++)
      if (g->index[j] == g->index[k]) return false;
  }
  return true;
}

static uint32_t count_subscripts(const Group *g, const Region *body) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < body->params.n; k++) n += is_subscript(g, body->params.at[k]);
  return n;
}

static bool scalar_values(const Plan *plan, const Group *g) {
  return ir_type(plan->p, ir_node(plan->p, g->upds.at[0])->arg[1])->rank == 0;
}

/* Loops over subscripts, then loops over none: BUILD outputs around SUM outputs. */
static bool fits_in_place(const Plan *plan, const Group *g) {
  bool summing = false;
  for (uint32_t k = 0; k < g->nchain; k++) {
    const Node *owner = ir_node(plan->p, g->chain[k]);
    if (owner->op != IR_LOOP) continue;
    uint32_t n = count_subscripts(g, owner->regions[0]);
    if (n && (n < owner->nargs || summing)) return false;
    if (!n) summing = true;
  }
  return !summing || scalar_values(plan, g);
}

/* ---- contractions ------------------------------------------------------------------------- */

static bool cheap_again(const Prog *p, const Node *n) {
  switch (n->op) {
    case IR_CONST: case IR_TOREAL: return true;
    case IR_READ: return !(n->flags & NODE_CHECKED) && n->type->rank == 0;
    case IR_PRIM: return n->type->elem == ELEM_INT || pass_cheap(p, n) ||
                         n->aux.i == P_DIV;
    default: return false;
  }
}

/* A scalar that is more than a plain read or an index. */
static bool costly(const Node *n) {
  if (n->op == IR_CONST || !n->type || n->type->rank) return false;
  if (n->op == IR_READ) return (n->flags & NODE_CHECKED) != 0;
  return n->op != IR_PRIM || n->type->elem != ELEM_INT;
}

/* Work inside the first loop of the chain is stored if an inner loop repeats it often. */
static bool worth_storing(const Plan *plan, const Group *g) {
  int64_t trips = 1, extent;
  for (uint32_t k = 1; k < g->nchain; k++) {
    const Node *loop = ir_node(plan->p, g->chain[k]);
    for (uint32_t j = 0; j < loop->nargs; j++) {
      if (!size_is_const(size_atom(plan->p, loop->arg[j]), &extent)) return true;
      trips = trips < MAX_SLOTS ? trips * extent : trips;
    }
  }
  return trips >= 16;
}

/* What the values are computed from, inside the chain: cheap nodes are computed again,
 * others must be scalars of the first loop's body, to be stored. */
static bool find_cone(const Plan *plan, Group *g) {
  const Prog *p = plan->p;
  const Node *first = ir_node(p, g->chain[0]);
  const Region *outside = p->regions.at[first->region];
  Refs todo = {0};
  for (uint32_t k = 0; k < g->upds.n; k++)
    VEC_PUSH(p->ctx, &todo, ir_node(p, g->upds.at[k])->arg[1]);
  while (todo.n) {
    Ref r = todo.at[--todo.n];
    const Node *n = ir_node(p, r);
    if (ir_in_scope(p, r, outside) || n->op == IR_PARAM) continue;
    if (refs_have(&g->cone, r) || refs_have(&g->stored, r)) continue;
    if (g->cone.n + g->stored.n == MAX_CONE) return false;
    bool deep = n->region != first->regions[0]->id;
    if (!deep && costly(n) && worth_storing(plan, g)) {
      refs_insert(p->ctx, &g->stored, r);
      continue;
    }
    if (!cheap_again(p, n)) return false;
    refs_insert(p->ctx, &g->cone, r);
    for (uint32_t k = 0; k < n->nargs; k++) VEC_PUSH(p->ctx, &todo, n->arg[k]);
  }
  return true;
}

/* A nest of loops alone whose extents are known before it starts. */
static bool rectangular(const Plan *plan, const Group *g) {
  if (!g->nchain) return false;
  const Region *outside = plan->p->regions.at[ir_node(plan->p, g->chain[0])->region];
  for (uint32_t k = 0; k < g->nchain; k++) {
    const Node *loop = ir_node(plan->p, g->chain[k]);
    if (loop->op != IR_LOOP) return false;
    for (uint32_t j = 0; j < loop->nargs; j++) {
      bool known = ir_in_scope(plan->p, loop->arg[j], outside);
      if (!known && ir_node(plan->p, loop->arg[j])->op != IR_CONST) return false;
    }
  }
  return outside == g->handle->region;
}

bool axis_order(const Prog *p, const Group *g, uint32_t *position) {
  uint32_t next = 0;
  for (uint32_t k = 0; k < g->nchain; k++) {
    const Node *owner = ir_node(p, g->chain[k]);
    for (uint32_t j = 0; owner->op == IR_LOOP && j < owner->nargs; j++)
      for (uint32_t s = 0; s < g->nindex; s++)
        if (g->index[s] == owner->regions[0]->params.at[j]) position[s] = next++;
  }
  for (uint32_t s = 0; s < g->nindex; s++)
    if (position[s] != s) return false;
  return true;
}

/* Built in place it would be turned afterwards: is it cheap to say it again in its own order? */
static bool better_in_order(const Plan *plan, Group *g) {
  uint32_t position[MAX_RANK], indices = 0;
  for (uint32_t k = 0; k < g->nchain; k++) {
    const Node *owner = ir_node(plan->p, g->chain[k]);
    if (owner->op != IR_LOOP) return false;
    indices += owner->nargs;
  }
  if (indices != g->nindex || axis_order(plan->p, g, position)) return false;
  if (rectangular(plan, g) && scalar_values(plan, g) && find_cone(plan, g)) return true;
  g->cone = g->stored = (Refs){0};
  return false;
}

/* ---- judging ---------------------------------------------------------------------------- */

/* Is each update of the group at a place of its row, in a loop over rows? */
static bool places_fit(const Plan *plan, const Group *g) {
  for (uint32_t k = 0; k < g->upds.n; k++)
    if (tail_position(plan->p, g, g->upds.at[k]) < 0) return false;
  for (uint32_t k = 0; k < g->nchain; k++) {
    const Node *owner = ir_node(plan->p, g->chain[k]);
    if (owner->op == IR_LOOP && count_subscripts(g, owner->regions[0]) < owner->nargs) return false;
  }
  return true;
}

static bool judge_group(Plan *plan, Group *g) {
  if (!find_chain(plan, g)) return false;
  if (g->slotted) return scalar_values(plan, g) && fits_in_place(plan, g);
  if (!subscripts_cover(plan, g)) return false;
  if (g->tail) return places_fit(plan, g);
  if (fits_in_place(plan, g)) {
    g->contract = better_in_order(plan, g);
    return true;
  }
  g->contract = true;
  return rectangular(plan, g) && scalar_values(plan, g) && find_cone(plan, g);
}

static void judge(Plan *plan, Handle *h) {
  if (!slots_fit(plan, h)) h->stays = true;
  find_row(plan, h);
  uint32_t arrays = 0;
  for (uint32_t k = 0; k < h->groups.n && !h->stays; k++) {
    if (!h->groups.at[k]->slotted && ++arrays > MAX_ARRAYS) h->stays = true;
    else if (!judge_group(plan, h->groups.at[k])) h->stays = true;
  }
  if (h->stays) return;
  plan->grows[h->region->owner] = plan->any = true;
  for (uint32_t k = 0; k < h->groups.n; k++) {
    Group *g = h->groups.at[k];
    if (g->contract) VEC_PUSH(plan->p->ctx, &plan->behind[g->chain[0]], g);
    else
      for (uint32_t j = 0; j < g->nchain; j++) plan->grows[g->chain[j]] = true;
  }
}

Plan *accumulate_plan(Prog *p) {
  Plan *plan = NEW(p->ctx, Plan);
  plan->p = p;
  plan->handle = NEWN(p->ctx, Handle *, p->nnodes);
  plan->group = NEWN(p->ctx, Group *, p->nnodes);
  plan->behind = arena_alloc(p->ctx, sizeof *plan->behind * p->nnodes);
  plan->grows = NEWN(p->ctx, bool, p->nnodes);
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    if (n->op == IR_PARAM && n->type->acc) note_handle(plan, r);
    if (n->op == IR_UPD) note_update(plan, r);
  }
  for (Ref r = 1; r < p->nnodes; r++)
    if (plan->handle[r] && plan->handle[r]->region->owner) judge(plan, plan->handle[r]);
  return plan;
}
