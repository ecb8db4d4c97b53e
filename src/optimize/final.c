/* final.c - the last pass: nothing dead is left, and no subscript is checked twice.
 *
 * Derivative code reads and adds at the subscripts of the program that it is of, and checks
 * them like that program: the access that they come from may be dead.  Where it, or another
 * with the same subscript and size, stands in front, in the same region or in one around, the
 * check is not repeated.  A `with` shows nothing to others, since emission may move it; a
 * program with traces stays, for C may leave them out, with what they alone ask for.  Changes
 * no other thing, in place.  Linear: few sizes are remembered for a subscript. */
#include "optimize/optimize.h"

enum { MOST_SIZES = 8 };

/* A check that was made, and the one before of the same subscript: its place plus 1, or 0. */
typedef struct Made { Ref index; Size size; uint32_t before; } Made;

typedef struct Final {
  Prog *p;
  VEC(Made) made;              /* in this region and those around it */
  uint32_t *latest;            /* by Ref of a subscript */
} Final;

static bool is_made(const Final *f, Ref index, Size size) {
  uint32_t at = f->latest[index];
  for (uint32_t k = 0; at && k < MOST_SIZES; k++, at = f->made.at[at - 1].before)
    if (f->made.at[at - 1].size == size) return true;
  return false;
}

static void note(Final *f, Ref index, Size size) {
  VEC_PUSH(f->p->ctx, &f->made, ((Made){index, size, f->latest[index]}));
  f->latest[index] = f->made.n;
}

static void forget(Final *f, uint32_t from) {
  while (f->made.n > from) {
    const Made *last = &f->made.at[--f->made.n];
    f->latest[last->index] = last->before;
  }
}

static void visit(Final *f, Ref r) {
  Node *n = ir_node(f->p, r);
  const uint32_t first = first_subscript(n);
  const Type *t = ir_type(f->p, n->arg[0]);
  bool all = true;
  for (uint32_t k = first; k < n->nargs; k++) {
    if (is_made(f, n->arg[k], t->dim[k - first]) || subscript_holds(f->p, r, k - first)) continue;
    all = false;
    if (n->op != IR_WITH) note(f, n->arg[k], t->dim[k - first]);
  }
  if (all) n->flags &= (uint16_t)~NODE_CHECKED;
}

static void walk(Final *f, const Region *r) {
  const uint32_t outside = f->made.n;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Node *n = ir_node(f->p, r->nodes.at[k]);
    const bool subscripted = n->op == IR_READ || n->op == IR_WITH || n->op == IR_UPD;
    if (subscripted && n->flags & NODE_CHECKED) visit(f, r->nodes.at[k]);
    for (uint32_t j = 0; j < n->nregions; j++) walk(f, n->regions[j]);
  }
  forget(f, outside);
}

static bool has_traces(const Prog *p) {
  for (Ref r = 1; r < p->nnodes; r++)
    if (ir_node(p, r)->op == IR_TRACE) return true;
  return false;
}

Prog *opt_final(Prog *p) {
  Prog *to = ir_sweep(p);
  if (has_traces(to)) return to;
  Final f = {.p = to, .latest = NEWN(to->ctx, uint32_t, to->nnodes)};
  walk(&f, to->root);
  arena_release(to->ctx, f.latest, sizeof *f.latest * to->nnodes);
  return to;
}
