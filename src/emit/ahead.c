/* ahead.c - subscripts that do not change in a loop are checked in front of it, and once.
 *
 *   for (j…) { if (t < 0 || t >= n) return 1; sum += x[t*m + j]*y[j]; }
 *   if (m > 0) { if (t < 0 || t >= n) return 1; }   for (j…) sum += x[t*m + j]*y[j];
 *
 * as in x[idx[i]], a row that is given: without a way out the loop can become vectors.  Only what
 * each round asks for moves, and only as far as no round would have no check.  A loop that
 * prints or traces keeps its checks, for their order shows.  From plan_ahead to end_ahead the
 * accesses count as unchecked, and the loop as a node that is checked. */
#include "emit/private.h"

#include "optimize/optimize.h"

enum { MOST_AHEAD = 16 };   /* accesses of a loop; further ones stay as they are */

/* ---- where --------------------------------------------------------------------------------- */

/* The loop or fold whose rounds all come to this region, or 0. */
static Ref loop_of(const Emit *e, const Region *r) {
  while (r->owner && node(e, r->owner)->op == IR_ACCUM) r = r->parent;
  const uint16_t op = r->owner ? node(e, r->owner)->op : IR_ACCUM;
  return op == IR_LOOP || op == IR_FOLD ? r->owner : 0;
}

/* How many of its operands tell how often it turns: the first ones. */
static uint32_t extents_of(const Node *n) { return n->op == IR_LOOP ? n->nargs : 1; }

static bool stands_outside(const Emit *e, Ref r, Ref loop) {
  return !region_inside(e, node(e, r)->region, node(e, loop)->regions[0]);
}

/* Are all that the access's checks ask, and the sizes, known in front of the loop? */
static bool known_outside(const Emit *e, const Node *n, const bool *asks, Ref loop) {
  const uint32_t first = first_subscript(n);
  const Type *t = node(e, n->arg[0])->type;
  if (!stands_outside(e, n->arg[0], loop)) return false;
  for (uint32_t k = first; k < n->nargs; k++)
    if (asks[k - first] && !stands_outside(e, n->arg[k], loop)) return false;
  for (uint32_t d = 0; d < t->rank; d++)
    for (uint32_t m = 0; m < t->dim[d]->n; m++)
      for (uint32_t a = 0; a < t->dim[d]->mono[m].n; a++)
        if (!stands_outside(e, t->dim[d]->mono[m].atom[a], loop)) return false;
  return true;
}

/* Are the extents of all loops from `inner` out to `loop` known in front of that? */
static bool extents_outside(const Emit *e, Ref inner, Ref loop) {
  for (Ref at = inner; ; at = loop_of(e, region_of(e, at))) {
    for (uint32_t k = 0; k < extents_of(node(e, at)); k++)
      if (!stands_outside(e, node(e, at)->arg[k], loop)) return false;
    if (at == loop) return true;
  }
}

/* The outermost loop in front of which the access can be checked, or 0. */
static Ref find_front(Emit *e, Ref r, Ref inner) {
  const Node *n = node(e, r);
  bool asks[MAX_RANK] = {false};
  const uint32_t first = first_subscript(n);
  Ref place = 0;
  for (uint32_t k = first; k < n->nargs; k++) asks[k - first] = !subscript_holds(e->p, r, k - first);
  for (Ref at = inner; at; at = loop_of(e, region_of(e, at))) {
    if (node(e, at)->flags & NODE_IO || !known_outside(e, n, asks, at) ||
        !extents_outside(e, inner, at))
      break;
    place = at;
  }
  return place;
}

/* The subscripts stand there, too. */
static void use_subscripts(Emit *e, const Node *n) {
  for (uint32_t k = first_subscript(n); k < n->nargs; k++) info(e, n->arg[k])->uses++;
}

/* ---- from here to there -------------------------------------------------------------------- */

static uint32_t count_ahead(const Emit *e, Ref loop) {
  uint32_t n = 0;
  for (uint32_t k = info(e, loop)->ahead; k; k = e->ahead.at[k].next) n++;
  return n;
}

void plan_ahead(Emit *e) {
  VEC_PUSH(e->c, &e->ahead, (Ahead){0});
  if (e->c->opt.unchecked) return;
  for (Ref r = 1; r < e->ninfo; r++) {
    Node *n = node(e, r);
    if ((!info(e, r)->need && !info(e, r)->effect) || !(n->flags & NODE_CHECKED)) continue;
    if (n->op != IR_READ && n->op != IR_UPD) continue;
    if (!is_scalar(n->op == IR_READ ? n : node(e, n->arg[1]))) continue;
    Ref inner = loop_of(e, region_of(e, r)), place = inner ? find_front(e, r, inner) : 0;
    if (!place || count_ahead(e, place) == MOST_AHEAD) continue;
    VEC_PUSH(e->c, &e->ahead, ((Ahead){r, inner, info(e, place)->ahead}));
    info(e, place)->ahead = e->ahead.n - 1;
    use_subscripts(e, n);
    info(e, r)->guarded = true;
    n->flags &= (uint16_t)~NODE_CHECKED;
    node(e, place)->flags |= NODE_CHECKED;
  }
}

void end_ahead(Emit *e) {
  for (Ref r = 1; r < e->ninfo; r++)
    for (uint32_t k = info(e, r)->ahead; k; k = e->ahead.at[k].next) {
      node(e, e->ahead.at[k].node)->flags |= NODE_CHECKED;
      node(e, r)->flags &= (uint16_t)~NODE_CHECKED;
    }
}

/* ---- the checks ------------------------------------------------------------------------------ */

/* Do both ask for the same, in the same loops? */
static bool same_checks(const Emit *e, const Ahead *a, const Ahead *b) {
  const Node *x = node(e, a->node), *y = node(e, b->node);
  const uint32_t i = first_subscript(x), j = first_subscript(y);
  if (a->inner != b->inner || x->nargs - i != y->nargs - j) return false;
  for (uint32_t k = 0; i + k < x->nargs; k++) {
    const Type *t = node(e, x->arg[0])->type, *u = node(e, y->arg[0])->type;
    if (x->arg[i + k] != y->arg[j + k] || t->dim[k] != u->dim[k]) return false;
  }
  return true;
}

/* if (n > 0 && m > 0) {, for the extents that may be 0; false: none may. */
static bool open_guard(Emit *e, Ref inner, Ref loop) {
  bool open = false;
  for (Ref at = inner; ; at = loop_of(e, region_of(e, at))) {
    for (uint32_t k = 0; k < extents_of(node(e, at)); k++) {
      Ref extent = node(e, at)->arg[k];
      Size more = size_sub(e->p, size_atom(e->p, extent), size_const(e->p, 1));
      if (size_nonneg(e->p, more)) continue;
      if (!open) line_start(e);
      put(e, open ? " && " : "if (");
      put_expr(e, extent, PREC_REL);
      put(e, " > 0");
      open = true;
    }
    if (at == loop) break;
  }
  if (open) block_open(e, ")");
  return open;
}

void emit_ahead(Emit *e, Ref loop) {
  Ahead list[MOST_AHEAD];
  uint32_t n = 0, k = info(e, loop)->ahead;
  for (; k; k = e->ahead.at[k].next) list[MOST_AHEAD - ++n] = e->ahead.at[k];
  const Ahead *first = list + MOST_AHEAD - n;
  bool guard = false;
  for (k = 0; k < n; k++) {
    bool said = false, opens = k == 0 || first[k].inner != first[k - 1].inner;
    for (uint32_t j = 0; j < k && !said; j++) said = same_checks(e, &first[j], &first[k]);
    if (opens && guard) block_close(e);
    if (opens) guard = open_guard(e, first[k].inner, loop);
    if (!said) emit_subscript_checks(e, first[k].node);
  }
  if (guard) block_close(e);
}
