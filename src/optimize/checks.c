/* checks.c - what a program must hold whatever a loop's round it is, is checked in front of the
 * loop, and once.
 *
 * Requires: barriers gone.  A CHECK in a loop or fold, of a condition from outside, as that the
 * size of an array made in it is not negative, moves in front: it holds, or there is no round.
 * Loops that then speak of nothing can be joined, as the value's with its derivative's.  A loop
 * with prints, asserts or traces keeps its checks, for their order shows.  Of several checks
 * that fail, another than before may be the one that is told.  Linear. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

enum { MOST_EXTENTS = 8, MOST_MADE = 32 };

typedef struct Checks {
  bool *speaks;              /* by Ref: does it print, trace or assert, or something in it? */
  Ref made[MOST_MADE];       /* the latest conditions, and where they were checked */
  const Region *where[MOST_MADE];
  uint32_t nmade;
} Checks;

/* A place further out, and the extents of the loops that are left on the way there. */
typedef struct Way { Region *to; Ref extent[MOST_EXTENTS]; uint32_t n; } Way;

/* Can the loop around `from`, whose copy is being built in way->to, be left? */
static bool leave(Rewrite *w, const Region *from, Ref cond, Way *way) {
  Checks *c = w->self;
  const Node *loop = from->owner ? ir_node(w->k.from, from->owner) : NULL;
  if (!loop || (loop->op != IR_LOOP && loop->op != IR_FOLD) || c->speaks[from->owner]) return false;
  const uint32_t axes = loop->op == IR_LOOP ? loop->nargs : 1;
  if (way->n + axes > MOST_EXTENTS) return false;
  for (uint32_t k = 0; k < axes; k++) way->extent[way->n + k] = copy_ref(&w->k, loop->arg[k]);
  if (!ir_in_scope(w->k.to, cond, way->to->parent)) return false;
  for (uint32_t k = 0; k < way->n + axes; k++)
    if (!ir_in_scope(w->k.to, way->extent[k], way->to->parent)) return false;
  way->n += axes;
  way->to = way->to->parent;
  return true;
}

/* The condition, or that one of the loops has no round. */
static Ref unless_idle(Prog *p, Ref cond, const Way *way) {
  for (uint32_t k = 0; k < way->n; k++) {
    double trips;
    if (ir_is_const(p, way->extent[k], &trips) && trips > 0) continue;
    cond = ir_prim2(p, P_OR, cond, ir_prim2(p, P_LE, way->extent[k], ir_int(p, 0)));
  }
  return cond;
}

/* Has it been checked in this place, or around it? */
static bool is_made(Checks *c, const Region *here, Ref cond) {
  for (uint32_t k = 0; k < c->nmade && k < MOST_MADE; k++)
    if (c->made[k] == cond && region_around(here, c->where[k])) return true;
  c->made[c->nmade % MOST_MADE] = cond;
  c->where[c->nmade++ % MOST_MADE] = here;
  return false;
}

static Ref visit(Rewrite *w, Ref old) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  if (n->op != IR_CHECK) return 0;
  Region *here = to->cur;
  Way way = {.to = here};
  Ref cond = copy_ref(&w->k, n->arg[0]);
  const Region *from = w->k.from->regions.at[n->region];
  while (leave(w, from, cond, &way)) from = from->parent;
  to->cur = way.to;
  cond = unless_idle(to, cond, &way);
  if (!is_made(w->self, to->cur, cond)) ir_check(to, cond, n->aux.str);
  to->cur = here;
  return REWRITE_GONE;
}

/* Is there a check in a loop? */
static bool find(const Prog *p, Checks *c) {
  bool any = false;
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    const Ref owner = p->regions.at[n->region]->owner;
    any |= n->op == IR_CHECK && owner;
    c->speaks[r] |= n->op == IR_PRINT || n->op == IR_TRACE || n->op == IR_ASSERT;
    if (owner) c->speaks[owner] |= c->speaks[r];
  }
  return any;
}

Prog *opt_checks(Prog *p) {
  Checks c = {.speaks = NEWN(p->ctx, bool, p->nnodes)};
  Rewrite w = {.node = visit, .self = &c};
  Prog *to = find(p, &c) ? rewrite_program(&w, p) : p;
  arena_release(p->ctx, c.speaks, sizeof *c.speaks * p->nnodes);
  return to;
}
