/* rows_updates.c - what rows side by side add into arrays that they share (rows_plan.c).
 *
 * All rows of a block add to the same elements.  So that each element gets the terms of all rows
 * at once, no row may come to an element twice.  Where a loop inside walks along the array, as in
 * `for c { …; h[c] += a[c]*b; }`, the update goes into a loop of its own behind it: each element
 * is read once, gets the terms of all rows, and is written once.  Such a loop computes again what
 * its terms need and the first one has not kept.  Where it goes along its walk (not `abreast`),
 * arrays of the rows that only such loops read lie row after row, along the walk, and a loop that
 * only builds such arrays goes row by row.
 *
 * Sets Info.behind of updates, Info.now and later of the nodes beside them, Info.turned of loops. */
#include "emit/private.h"

enum { SHORT_WALK = 8, MAX_INDICES = 16, MAX_TERM = 24 };

/* ---- steps ------------------------------------------------------------------------------ */

static int step(const Emit *e, Ref r, Ref p, int depth) {
  const Node *n = node(e, r);
  if (r == p) return 1;
  if (n->op == IR_CONST || !region_inside(e, n->region, region_of(e, p))) return 0;
  if (n->op == IR_PARAM) {
    uint16_t owner = node(e, region_of(e, r)->owner)->op;
    return owner == IR_LOOP || (owner == IR_FOLD && n->aux.i == 0) ? 0 : 2;
  }
  if (n->op != IR_PRIM || depth > 8 || (n->aux.i != P_ADD && n->aux.i != P_SUB)) return 2;
  int a = step(e, n->arg[0], p, depth + 1), b = step(e, n->arg[1], p, depth + 1);
  int s = n->aux.i == P_ADD ? a + b : a - b;
  return a == 2 || b == 2 || s > 1 || s < -1 ? 2 : s;
}

/* The step of an int expression as loop index p steps by 1: -1, 0 or 1; 2: another. */
static int step_in(const Emit *e, Ref r, Ref p) {
  return step(e, r, p, 0);
}

int memory_step(const Emit *e, const Node *n, uint32_t first, Ref p) {
  int last = 0;
  for (uint32_t k = first; k < n->nargs; k++) {
    int s = step_in(e, n->arg[k], p);
    if (s && k + 1 < n->nargs) return 2;
    last = s;
  }
  for (Ref a = n->arg[0]; is_view(node(e, a)) && !info(e, a)->buffer; a = node(e, a)->arg[0])
    for (uint32_t k = 1; node(e, a)->op == IR_READ && k < node(e, a)->nargs; k++)
      if (step_in(e, node(e, a)->arg[k], p)) return 2;
  return last;
}

/* ---- elements told apart ---------------------------------------------------------------- */

/* The indices of the loops between an update and its row, outermost last. */
typedef struct Indices { Ref at[MAX_INDICES], extent[MAX_INDICES]; uint32_t n; } Indices;

static bool find_indices(const Emit *e, const Region *r, const Region *row, Indices *x) {
  for (x->n = 0; r != row; r = r->parent) {
    const Node *owner = node(e, r->owner);
    uint32_t count = owner->op == IR_LOOP ? owner->nargs : owner->op == IR_FOLD;
    if (x->n + count > MAX_INDICES) return false;
    for (uint32_t p = count; p-- > 0; x->n++) {
      x->at[x->n] = r->params.at[p];
      x->extent[x->n] = owner->arg[p];
    }
  }
  return true;
}

/* Is all that it is made of known outside the row, but for the indices? */
static bool of_indices(const Emit *e, Size s, const Indices *x, const Region *row) {
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t j = 0; j < s->mono[k].n; j++) {
      Ref atom = s->mono[k].atom[j];
      bool index = false;
      for (uint32_t i = 0; i < x->n; i++) index |= x->at[i] == atom;
      if (!index && region_inside(e, node(e, atom)->region, row)) return false;
    }
  return true;
}

/* Does s grow from each round to the next, over the indices of which it is made?  From the last
 * round of the inner ones to their first in the next round of an outer one. */
static bool grows(Emit *e, Size s, const Indices *x) {
  Prog *p = e->p;
  const Size one = size_const(p, 1);
  Size first = s, last = s;
  for (uint32_t k = 0; k < x->n; k++) {
    if (!size_mentions(s, x->at[k])) continue;
    Size next = size_add(p, size_atom(p, x->at[k]), one);
    Size after = size_replaced(p, first, x->at[k], next);
    if (!after || !last) return false;
    Size more = size_sub(p, size_sub(p, after, last), one);
    int64_t value;
    if (size_is_const(more, &value) ? value < 0 : !size_nonneg(p, more)) return false;
    first = size_replaced(p, first, x->at[k], size_const(p, 0));
    last = size_replaced(p, last, x->at[k], size_sub(p, size_atom(p, x->extent[k]), one));
  }
  return first && last;
}

/* Each index moves one subscript, and that in one direction. */
bool tells_rounds_apart(Emit *e, const Node *n, const Region *row) {
  Indices x;
  if (!find_indices(e, e->p->regions.at[n->region], row, &x)) return false;
  uint32_t moved[MAX_INDICES] = {0};
  for (uint32_t k = 2; k < n->nargs; k++) {
    Size s = size_atom(e->p, n->arg[k]);
    bool moves = false;
    if (!of_indices(e, s, &x, row)) return false;
    for (uint32_t i = 0; i < x.n; i++) {
      if (!size_mentions(s, x.at[i])) continue;
      moved[i]++;
      moves = true;
    }
    if (moves && !grows(e, s, &x) && !grows(e, size_scale(e->p, s, -1, 1), &x)) return false;
  }
  for (uint32_t i = 0; i < x.n; i++)
    if (moved[i] != 1) return false;
  return true;
}

/* ---- updates behind their loop ----------------------------------------------------------- */

/* Can the term be computed again: straight arithmetic on elements? */
static bool is_again(const Emit *e, Ref r, const Region *body, uint32_t *count) {
  const Node *n = node(e, r);
  if (n->region != body->id || n->op == IR_PARAM || n->op == IR_CONST) return true;
  if (++*count > MAX_TERM) return false;
  if (n->op == IR_PRIM && n->type->elem == ELEM_REAL) {
    const char *c = prim_get((uint32_t)n->aux.i)->c;
    if (n->aux.i == P_DIV || (*c >= 'a' && *c <= 'z')) return false;
  } else if (n->op == IR_PRIM) {
    if (divides_by_zero(e, n)) return false;
  } else if (n->op == IR_READ) {
    const Region *at = region_of(e, n->arg[0]);
    if (is_array(n) || (n->flags & NODE_CHECKED) || region_inside(e, at->id, body)) return false;
  } else if (n->op != IR_TOREAL) {
    return false;
  }
  for (uint32_t k = n->op == IR_READ ? 1 : 0; k < n->nargs; k++)
    if (!is_again(e, n->arg[k], body, count)) return false;
  return true;
}

/* Has the body no loop inside? */
static bool is_innermost(const Emit *e, const Region *body) {
  for (uint32_t k = 0; k < body->nodes.n; k++)
    if (node(e, body->nodes.at[k])->nregions && info(e, body->nodes.at[k])->need) return false;
  return true;
}

bool goes_behind(const Emit *e, Ref r) {
  const Node *n = node(e, r), *loop = node(e, region_of(e, r)->owner);
  const Region *body = region_of(e, r);
  double trips;
  uint32_t count = 0;
  if (loop->op != IR_LOOP || n->nargs < 3 || !is_innermost(e, body)) return false;
  if (ir_is_const(e->p, loop->arg[loop->nargs - 1], &trips) && trips <= SHORT_WALK) return false;
  if (memory_step(e, n, 2, body->params.at[loop->nargs - 1]) != 1) return false;
  for (uint32_t k = 1; k < n->nargs; k++)
    if (!is_again(e, n->arg[k], body, &count)) return false;
  return true;
}

/* The strip computes the subscripts again. */
bool can_keep(const Emit *e, Ref r) {
  const Node *n = node(e, r), *loop = node(e, region_of(e, r)->owner);
  double trips;
  uint32_t count = 0;
  if (loop->op != IR_LOOP && loop->op != IR_FOLD) return false;
  Ref extent = loop->arg[loop->op == IR_LOOP ? loop->nargs - 1 : 0];
  if (ir_is_const(e->p, extent, &trips) && trips <= SHORT_WALK) return false;
  for (uint32_t k = 2; k < n->nargs; k++)
    if (!is_again(e, n->arg[k], region_of(e, r), &count)) return false;
  return true;
}

/* What a node needs, it needs for the same; what loops inside need they need now. */
static void mark_needs(Emit *e, const Region *body, const Ref *r, uint32_t n, bool now, bool later) {
  for (uint32_t k = 0; k < n; k++) {
    Info *x = info(e, r[k]);
    if (node(e, r[k])->region != body->id) continue;
    x->now |= now;
    x->later |= later;
  }
}

static void mark_body(Emit *e, const Region *body) {
  bool any = false;
  for (uint32_t k = 0; k < body->nodes.n; k++) any |= info(e, body->nodes.at[k])->behind;
  if (!any) return;
  mark_needs(e, body, body->results.at, body->results.n, true, false);
  for (uint32_t k = body->nodes.n; k-- > 0;) {
    Ref r = body->nodes.at[k];
    const Node *n = node(e, r);
    Info *x = info(e, r);
    if (!x->need) continue;
    if (x->behind) x->later = true;
    else if (x->effect) x->now = true;
    mark_needs(e, body, n->arg, n->nargs, x->now, x->later);
    mark_needs(e, body, n->free, n->nfree, x->now, x->later);
  }
}

bool only_later(const Emit *e, Ref r) {
  return info(e, r)->later && !info(e, r)->now;
}

/* Is every use of the array a read by terms that go along it? */
static bool read_along(const Emit *e, Ref array) {
  for (uint32_t k = info(e, array)->use_head; k; k = e->uses.at[k].next) {
    const Use *u = &e->uses.at[k];
    const Node *n = u->user ? node(e, u->user) : NULL;
    if (!n || n->op != IR_READ || is_array(n) || !only_later(e, u->user)) return false;
    const Region *body = region_of(e, u->user);
    const Node *loop = node(e, body->owner);
    if (info(e, body->owner)->abreast) return false;
    if (memory_step(e, n, 1, body->params.at[loop->nargs - 1]) != 1) return false;
  }
  return info(e, array)->use_head != 0;
}

void plan_updates(Emit *e, const Region *body) {
  mark_body(e, body);
  for (uint32_t k = 0; k < body->nodes.n; k++)
    for (uint32_t j = 0; j < node(e, body->nodes.at[k])->nregions; j++)
      plan_updates(e, node(e, body->nodes.at[k])->regions[j]);
}

/* Does the loop only build such arrays? */
static bool builds_along(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  bool any = false;
  if (n->op != IR_LOOP || n->nargs != 1 || !info(e, r)->need || info(e, r)->effect) return false;
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!needed_proj(e, r, k)) continue;
    any = true;
    if (!array_out(e, r, k) || !e->buffers.at[info(e, r)->out[k].buffer].along) return false;
  }
  return any && is_innermost(e, n->regions[0]);
}

/* Arrays that the body's loops build for their row: how they lie. */
void plan_layout(Emit *e, const Region *body) {
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    Ref r = body->nodes.at[k];
    const Node *n = node(e, r);
    if (n->op == IR_PROJ && is_array(n) && node(e, n->arg[0])->op == IR_LOOP && info(e, r)->need) {
      Buffer *b = &e->buffers.at[info(e, r)->buffer];
      b->along = b->kind == BUF_SLOT && b->lanes && read_along(e, r);
    }
    for (uint32_t j = 0; j < n->nregions; j++) plan_layout(e, n->regions[j]);
  }
  for (uint32_t k = 0; k < body->nodes.n; k++)
    info(e, body->nodes.at[k])->turned = builds_along(e, body->nodes.at[k]);
}

bool reads_along(const Emit *e, Ref read) {
  const Info *loop = info(e, region_of(e, read)->owner);
  return (only_later(e, read) && !loop->abreast) || loop->turned;
}
