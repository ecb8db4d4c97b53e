/* parallel_plan.c - --openmp: which loops run in parallel.
 *
 * The outermost loop whose rounds share nothing that they write is parallel: it only builds
 * arrays, reduces to scalars or adds into accumulators, and has no trace.  Loops that reduce,
 * add, fail, need scratch or have rows side by side go in blocks, whose number does not depend
 * on the threads: each has a scalar of its own for a reduction, a copy of each accumulator and a
 * room for each array of its rounds in the workspace, and the number of a check that failed.
 * These are combined in order.  So every number of threads, and a compiler without OpenMP, gives
 * the same bits. */
#include "emit/private.h"

/* ---- copies of accumulators ---------------------------------------------------------- */

static void add_handle(Emit *e, Ref loop, uint32_t buffer, uint32_t own) {
  uint32_t first = info(e, loop)->copies;
  for (uint32_t k = first ? first - 1 : e->copies.n; k < e->copies.n; k++) {
    if (e->copies.at[k].of != buffer) continue;
    e->copies.at[k].own &= own;
    return;
  }
  AccCopy c = {.loop = loop, .own = own, .of = buffer};
  VEC_PUSH(e->c, &e->copies, c);
  if (!first) info(e, loop)->copies = e->copies.n;
}

/* The axes along which blocks of rounds have parts of their own. */
static uint32_t own_axes(const Node *upd, Ref index) {
  uint32_t axes = 0;
  for (uint32_t k = 2; k < upd->nargs; k++) axes |= upd->arg[k] == index ? 1u << k : 0;
  return axes;
}

static void find_handles(Emit *e, Ref loop, const Region *r) {
  const Region *body = node(e, loop)->regions[0];
  Ref index = body->params.n ? body->params.at[0] : 0;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref x = r->nodes.at[k];
    const Node *n = node(e, x);
    if (!info(e, x)->need) continue;
    if (n->op == IR_UPD && !region_inside(e, node(e, n->arg[0])->region, body))
      add_handle(e, loop, storage_of(e, n->arg[0]), own_axes(n, index));
    for (uint32_t j = 0; j < n->nregions; j++) find_handles(e, loop, n->regions[j]);
  }
}

/* Is it inside a loop that has copies already? */
static bool inside_one(const Emit *e, Ref r) {
  for (Ref o = region_of(e, r)->owner; o; o = region_of(e, o)->owner)
    if (info(e, o)->copies) return true;
  return false;
}

/* Room for them; what the text does not use then is left out of the workspace. */
void plan_copies(Emit *e) {
  if (!for_openmp(e)) return;
  for (Ref r = e->ninfo; r-- > 1;) {
    if (!info(e, r)->need || node(e, r)->op != IR_LOOP || inside_one(e, r)) continue;
    uint32_t first = e->copies.n;
    find_handles(e, r, node(e, r)->regions[0]);
    for (uint32_t k = first; k < e->copies.n; k++) {
      const Buffer *of = &e->buffers.at[e->copies.at[k].of];
      Size size = size_bound(e, of->size);
      if (!size || e->copies.at[k].own) continue;
      const Type *type = of->type;
      uint32_t b = buffer_new(e, BUF_SLOT, type, region_of(e, r), r);
      e->buffers.at[b].size = size_scale(e->p, size, PARALLEL_COPIES, 1);
      e->buffers.at[b].no_local = e->buffers.at[b].copies = true;
      buffer_live(e, b, info(e, r)->begin, info(e, r)->end);
      e->copies.at[k].buffer = b;
    }
  }
}

static bool has_copy(const Emit *e, Ref loop, uint32_t buffer) {
  uint32_t first = info(e, loop)->copies;
  if (!first) return false;
  for (uint32_t k = first - 1; k < e->copies.n && e->copies.at[k].loop == loop; k++)
    if (e->copies.at[k].of == buffer) return e->copies.at[k].buffer || e->copies.at[k].own;
  return false;
}

static AccCopy *copy_from(const Emit *e, Ref loop, uint32_t k) {
  for (; k < e->copies.n && e->copies.at[k].loop == loop; k++)
    if (!e->copies.at[k].own) return &e->copies.at[k];
  return NULL;
}

AccCopy *first_copy(const Emit *e, Ref loop) {
  uint32_t first = info(e, loop)->copies;
  return first ? copy_from(e, loop, first - 1) : NULL;
}

AccCopy *next_copy(const Emit *e, const AccCopy *c) {
  return copy_from(e, c->loop, (uint32_t)(c - e->copies.at) + 1);
}

int blocks_of(const Emit *e, Ref loop) {
  return first_copy(e, loop) ? PARALLEL_COPIES : PARALLEL_BLOCKS_MOST;
}

/* ---- which ------------------------------------------------------------------------ */

/* Traces, updates of what has no copy, pieces: what may not happen in parallel. */
static bool is_bound(const Emit *e, Ref loop, const Region *r) {
  const Region *body = node(e, loop)->regions[0];
  if (e->cut[r->id]) return true;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref x = r->nodes.at[k];
    const Node *n = node(e, x);
    if (!info(e, x)->need) continue;
    if (info(e, x)->keep || n->op == IR_TRACE) return true;
    if (n->op == IR_UPD && !region_inside(e, node(e, n->arg[0])->region, body) &&
        !has_copy(e, loop, storage_of(e, n->arg[0])))
      return true;
    for (uint32_t j = 0; j < n->nregions; j++)
      if (is_bound(e, loop, n->regions[j])) return true;
  }
  return false;
}

bool round_may_fail(const Emit *e, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref x = r->nodes.at[k];
    const Node *n = node(e, x);
    if (!info(e, x)->need) continue;
    bool checked = (n->flags & NODE_CHECKED) && !e->c->opt.unchecked;
    if (checked || divides_by_zero(e, n) || n->op == IR_CHECK) return true;
    for (uint32_t j = 0; j < n->nregions; j++)
      if (round_may_fail(e, n->regions[j])) return true;
  }
  return false;
}

bool has_row_blocks(const Emit *e, Ref r) {
  return has_rows(e, r) && node(e, r)->nargs == 1;
}

static Parallel kind_of(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  bool blocks = has_row_blocks(e, r) || first_copy(e, r) || info(e, r)->rooms ||
                round_may_fail(e, n->regions[0]);
  Parallel kind = blocks ? PARALLEL_BLOCKS : PARALLEL_BUILD;
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!needed_proj(e, r, k)) continue;
    switch (n->aux.loop->comb[k]) {
      case BUILD: break;
      case SUM: case PROD: case MAX: case MIN: kind = PARALLEL_BLOCKS; break;
      default: return PARALLEL_NO;
    }
  }
  return kind;
}

static void add_axis(Emit *e, Extents *p, Ref extent) {
  Size s = size_bound(e, size_atom(e->p, extent));
  if (s && p->n < EXTENTS_MOST) p->extent[p->n++] = s;
}

/* The axes of a loop or fold, then those inside; of another node those inside. */
static Extents extents_from(Emit *e, const Node *n) {
  Extents most = {0}, p = {0};
  for (uint32_t k = 0; n->op == IR_LOOP && k < n->nargs; k++) add_axis(e, &p, n->arg[k]);
  if (n->op == IR_FOLD) add_axis(e, &p, n->arg[0]);
  for (uint32_t k = 0; k < n->nregions; k++) {
    Extents inside = extents_inside(e, n->regions[k]);
    if (inside.n > most.n) most = inside;
  }
  for (uint32_t k = 0; k < most.n && p.n < EXTENTS_MOST; k++) p.extent[p.n++] = most.extent[k];
  return p;
}

Extents extents_inside(Emit *e, const Region *r) {
  Extents most = {0};
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    if (!info(e, r->nodes.at[k])->need || !node(e, r->nodes.at[k])->nregions) continue;
    Extents p = extents_from(e, node(e, r->nodes.at[k]));
    if (p.n > most.n) most = p;
  }
  return most;
}

/* Surely over in no time. */
static bool is_small(Emit *e, const Node *n) {
  Extents p = extents_inside(e, n->regions[0]);
  double total = 1, extent;
  int64_t inside;
  for (uint32_t k = 0; k < n->nargs; k++) {
    if (!ir_is_const(e->p, n->arg[k], &extent)) return false;
    total *= extent;
  }
  for (uint32_t k = 0; k < p.n; k++) {
    if (!size_is_const(p.extent[k], &inside)) return false;
    total *= (double)inside;
  }
  return total < PARALLEL_SMALL;
}

static bool runs_apart(Emit *e, Ref r) {
  const Node *n = node(e, r);
  return n->op == IR_LOOP && info(e, r)->need && n->nargs > 0 && !is_small(e, n) &&
         kind_of(e, r) != PARALLEL_NO && !is_bound(e, r, n->regions[0]);
}

/* ---- rooms for the arrays of rounds ------------------------------------------------------- */

/* The outermost loop around b that can run in parallel, or 0. */
static Ref loop_around(const Emit *e, const Buffer *b, const bool *apart) {
  Ref found = 0;
  for (Ref o = b->region->owner; o; o = region_of(e, o)->owner)
    if (apart[o]) found = o;
  return found;
}

static void give_room(Emit *e, uint32_t k, Ref loop) {
  Buffer *b = &e->buffers.at[k];
  b->room = size_bound(e, b->size);
  if (!b->room) return;
  b->no_local = true;
  b->nrooms = (uint32_t)blocks_of(e, loop);
  b->next_room = info(e, loop)->rooms;
  info(e, loop)->rooms = k;
  buffer_live(e, k, info(e, loop)->begin, info(e, loop)->end);
}

/* Copies are used by no loop inside one that runs in parallel. */
static bool is_shared(const Buffer *b) {
  return !b->copies && (b->kind == BUF_SLOT || b->kind == BUF_TEMP) && b->region && b->from != UINT32_MAX;
}

void plan_rooms(Emit *e) {
  int64_t n;
  if (!for_openmp(e)) return;
  bool *apart = NEWN(e->c, bool, e->ninfo);
  for (Ref r = 1; r < e->ninfo; r++) apart[r] = runs_apart(e, r);
  for (uint32_t k = 1; k < e->buffers.n; k++) {
    const Buffer *b = &e->buffers.at[k];
    if (b->kind != BUF_SLOT || !is_shared(b) || (size_is_const(b->size, &n) && n <= LOCAL_MAX))
      continue;
    Ref loop = loop_around(e, b, apart);
    if (loop) give_room(e, k, loop);
  }
}

/* Rounds that write into one place of the workspace cannot run in parallel. */
void mark_shared(Emit *e) {
  if (!for_openmp(e)) return;
  for (uint32_t k = 1; k < e->buffers.n; k++) {
    const Buffer *b = &e->buffers.at[k];
    if (!is_shared(b) || b->room) continue;
    for (Ref o = b->region->owner; o; o = region_of(e, o)->owner) info(e, o)->shares = true;
  }
}

Parallel plan_parallel(Emit *e, Ref r) {
  if (!for_openmp(e) || e->in_parallel || info(e, r)->shares || !runs_apart(e, r))
    return PARALLEL_NO;
  return kind_of(e, r);
}
