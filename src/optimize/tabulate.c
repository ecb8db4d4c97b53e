/* tabulate.c - a step of opt_fuse: what changes only with inner indices is computed once for
 * all rounds of the loop around.
 *
 * Requires: barriers gone.  In a nest of loops over i, j and r a call such as exp(s[j, r])
 * cannot be hoisted, but it has no business to be repeated for each i: a table over j and r
 * is made in front of the loop over i, and read inside.  So also for a long sum.  A loop
 * around with few rounds, or a table larger than any array that is there anyway, is left
 * alone; so is what stands in a branch, and what may fail.
 * Maintains every value to the bit.  Linear: cones have a fixed size at most. */
#include "optimize/share.h"

enum { MAX_TABLE_CONE = 48, MAX_LEVELS = 63, FEW_ROUNDS = 4 };

/* The table of a node: the loops that it runs over, outermost first. */
typedef struct Table {
  Ref node;
  Ref loop[MAX_RANK];
  uint32_t nloops, axes;
  Refs cone;                /* what it is computed from, inside */
  Ref array;                /* in the new program */
} Table;

typedef struct Tabulate {
  Prog *p;
  uint64_t *varies;         /* by Ref: bit d, changes with the region at depth d around it */
  VEC(Table *) *before;     /* by Ref of a LOOP or FOLD: tables in front of it */
  Table **table;            /* by Ref of a node */
  Present present;
  bool any;
} Tabulate;

/* ---- what changes with what ----------------------------------------------------------- */

static uint64_t level(const Prog *p, uint32_t region) {
  uint32_t depth = p->regions.at[region]->depth;
  return UINT64_C(1) << (depth < MAX_LEVELS ? depth : MAX_LEVELS);
}

static uint64_t operand_varies(const Tabulate *s, Ref r) {
  return ir_node(s->p, r)->op == IR_PARAM ? level(s->p, ir_node(s->p, r)->region) : s->varies[r];
}

/* Only of what is around: the bits of regions inside end with them. */
static void find_varies(Tabulate *s) {
  for (Ref r = 1; r < s->p->nnodes; r++) {
    const Node *n = ir_node(s->p, r);
    uint64_t bits = ir_has_effect(s->p, r) && n->nregions ? level(s->p, n->region) : 0;
    for (uint32_t k = 0; k < n->nargs; k++) bits |= operand_varies(s, n->arg[k]);
    for (uint32_t k = 0; k < n->nfree; k++) bits |= operand_varies(s, n->free[k]);
    for (uint32_t d = 0; n->type && d < n->type->rank; d++)
      for (uint32_t k = 0; k < n->type->dim[d]->n; k++)
        for (uint32_t a = 0; a < n->type->dim[d]->mono[k].n; a++)
          bits |= operand_varies(s, n->type->dim[d]->mono[k].atom[a]);
    s->varies[r] = bits;
  }
}

/* ---- which ------------------------------------------------------------------------------ */

static bool worth_a_table(const Prog *p, const Node *n) {
  if (!n->type || n->type->rank || n->type->elem != ELEM_REAL) return false;
  if (n->op != IR_PROJ) return costly_call(p, n);
  const Node *loop = ir_node(p, n->arg[0]);
  return loop->op == IR_LOOP && long_loop(p, loop);
}

static bool many_rounds(const Prog *p, const Node *loop) {
  double trips = 1, extent;
  uint32_t n = loop->op == IR_FOLD ? 1 : loop->nargs;
  for (uint32_t k = 0; k < n; k++) {
    if (!ir_is_const(p, loop->arg[k], &extent)) return true;
    trips *= extent;
  }
  return trips >= FEW_ROUNDS;
}

/* The loop in front of which the table goes, or 0: the outermost that repeats the node for
 * nothing and that all between leads to. */
static Ref find_place(const Tabulate *s, Ref r) {
  const Prog *p = s->p;
  Ref place = 0;
  bool inner = false;   /* does it change with a loop further in? */
  for (const Region *at = p->regions.at[ir_node(p, r)->region]; at->owner; at = at->parent) {
    const Node *owner = ir_node(p, at->owner);
    bool varies = s->varies[r] & level(p, at->id);
    if (at->depth >= MAX_LEVELS) return 0;
    if (owner->op == IR_IF || owner->op == IR_CUSTOM || owner->op == IR_WHILE) break;
    if (varies && owner->op != IR_LOOP) break;
    if (!varies && inner && owner->op != IR_ACCUM && many_rounds(p, owner)) place = at->owner;
    inner |= varies;
  }
  return place;
}

/* The loops inside the place that the node changes with; false if their number of rounds is
 * not known in front of it. */
static bool find_loops(const Tabulate *s, Table *t, const Region *outside) {
  const Prog *p = s->p;
  Ref found[MAX_RANK];
  const Region *at = p->regions.at[ir_node(p, t->node)->region];
  for (; at != outside; at = at->parent) {
    if (!(s->varies[t->node] & level(p, at->id))) continue;
    const Node *loop = ir_node(p, at->owner);
    for (uint32_t k = 0; k < loop->nargs; k++)
      if (!ir_in_scope(p, loop->arg[k], outside) && ir_node(p, loop->arg[k])->op != IR_CONST)
        return false;
    if (t->axes + loop->nargs > MAX_RANK) return false;
    found[t->nloops++] = at->owner;
    t->axes += loop->nargs;
  }
  for (uint32_t k = 0; k < t->nloops; k++) t->loop[k] = found[t->nloops - 1 - k];
  return true;
}

static bool can_fail(Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->flags & (NODE_CHECKED | NODE_IO)) return true;
  if (n->op == IR_READ || n->op == IR_WITH) return !bounds_hold(p, r);
  return n->op == IR_TOINT || (n->op == IR_PRIM && n->type->elem == ELEM_INT &&
                               (n->aux.i == P_FLOORDIV || n->aux.i == P_MOD));
}

static bool region_can_fail(Prog *p, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    const Node *n = ir_node(p, r->nodes.at[k]);
    if (can_fail(p, r->nodes.at[k])) return true;
    for (uint32_t j = 0; j < n->nregions; j++)
      if (region_can_fail(p, n->regions[j])) return true;
  }
  return false;
}

static bool find_cone(const Tabulate *s, Table *t, const Region *outside) {
  Prog *p = s->p;
  Refs todo = {0};
  VEC_PUSH(p->ctx, &todo, t->node);
  while (todo.n) {
    Ref r = todo.at[--todo.n];
    const Node *n = ir_node(p, r);
    if (n->op == IR_PARAM || ir_in_scope(p, r, outside) || refs_have(&t->cone, r)) continue;
    if (t->cone.n == MAX_TABLE_CONE || n->nfree > MAX_TABLE_CONE) return false;
    if (can_fail(p, r) || ir_has_effect(p, r)) return false;   /* an update is done where it is */
    refs_insert(p->ctx, &t->cone, r);
    for (uint32_t k = 0; k < n->nargs; k++) VEC_PUSH(p->ctx, &todo, n->arg[k]);
    for (uint32_t k = 0; k < n->nfree; k++) VEC_PUSH(p->ctx, &todo, n->free[k]);
    for (uint32_t k = 0; k < n->nregions; k++)
      if (region_can_fail(p, n->regions[k])) return false;
  }
  return true;
}

static bool has_room(const Tabulate *s, const Table *t) {
  Size all = size_const(s->p, 1);
  for (uint32_t k = 0; k < t->nloops; k++) {
    const Node *loop = ir_node(s->p, t->loop[k]);
    for (uint32_t j = 0; j < loop->nargs; j++)
      all = size_mul(s->p, all, size_atom(s->p, loop->arg[j]));
  }
  return present_has_room(s->p, &s->present, all);
}

static void choose(Tabulate *s, Ref r) {
  Prog *p = s->p;
  if (!worth_a_table(p, ir_node(p, r))) return;
  Ref place = find_place(s, r);
  if (!place) return;
  const Region *outside = p->regions.at[ir_node(p, place)->region];
  Table *t = NEW(p->ctx, Table);
  t->node = r;
  if (!find_loops(s, t, outside) || !has_room(s, t) || !find_cone(s, t, outside)) return;
  s->table[r] = t;
  VEC_PUSH(p->ctx, &s->before[place], t);
  s->any = true;
}

/* ---- rewriting ---------------------------------------------------------------------------- */

/* The new region's indices stand for those of the loops. */
static Region *begin_table(Rewrite *w, const Table *t, Ref *extent) {
  uint32_t axis = 0;
  for (uint32_t k = 0; k < t->nloops; k++) {
    const Node *loop = ir_node(w->k.from, t->loop[k]);
    for (uint32_t j = 0; j < loop->nargs; j++) extent[axis++] = pass_extent(w, loop->arg[j]);
  }
  Region *r = ir_begin(w->k.to);
  ir_set_extents(w->k.to, t->axes, extent);
  for (uint32_t k = 0; k < t->nloops; k++) {
    const Region *body = ir_node(w->k.from, t->loop[k])->regions[0];
    for (uint32_t j = 0; j < body->params.n; j++) pass_param(w, body->params.at[j]);
  }
  return r;
}

static void make_table(Rewrite *w, Table *t) {
  Prog *to = w->k.to;
  const Combiner build = BUILD;
  Ref extent[MAX_RANK];
  Region *r = begin_table(w, t, extent);
  Region cone = {.nodes = {t->cone.at, t->cone.n, t->cone.cap}};
  rewrite_nodes(w, &cone);
  ir_result(to, copy_ref(&w->k, t->node));
  ir_end(to);
  pass_as(w, ir_node(w->k.from, t->node));
  t->array = ir_out(to, ir_loop(to, t->axes, extent, r, &build), 0);
}

static Ref read_table(Rewrite *w, const Table *t) {
  Ref index[MAX_RANK];
  uint32_t n = 0;
  for (uint32_t k = 0; k < t->nloops; k++) {
    const Region *body = ir_node(w->k.from, t->loop[k])->regions[0];
    for (uint32_t j = 0; j < body->params.n; j++) index[n++] = copy_ref(&w->k, body->params.at[j]);
  }
  return ir_read(w->k.to, t->array, n, index, false);
}

static Ref visit(Rewrite *w, Ref old) {
  const Tabulate *s = w->self;
  if (s->table[old] && s->table[old]->array) return read_table(w, s->table[old]);
  for (uint32_t k = 0; k < s->before[old].n; k++) make_table(w, s->before[old].at[k]);
  return 0;
}

Prog *fuse_tabulate(Prog *p) {
  if (p->regions.n == 1) return p;   /* no loop */
  Tabulate s = {.p = p};
  s.varies = NEWN(p->ctx, uint64_t, p->nnodes);
  s.before = arena_alloc(p->ctx, sizeof *s.before * p->nnodes);
  s.table = NEWN(p->ctx, Table *, p->nnodes);
  s.present = find_present(p);
  find_varies(&s);
  for (Ref r = 1; r < p->nnodes; r++)
    if (p->regions.at[ir_node(p, r)->region]->depth > 1) choose(&s, r);
  if (!s.any) return p;
  Rewrite w = {.node = visit, .self = &s};
  Prog *to = rewrite_program(&w, p);
  return to;
}
