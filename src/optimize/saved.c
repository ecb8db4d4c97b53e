/* saved.c - a row that a fold replaces is saved where it is still wanted, not the whole array.
 *
 *   b = a with [i] = v; … a[i, k] …
 *   row = [a[i, k] for k < n]; b = a with [i] = v; … row[k] …
 *
 * where a is what the fold carries, and something needs both: the old row is kept for the way back,
 * or the reverse of such a step reads what arrived at the row while it adds to the rest.  Nothing
 * reads a then, once b is there, and emission changes it in place: a step costs a row and not an
 * array.  Subscripts that are checked are so where the row is copied.  Requires: barriers gone.  Maintains every value to the bit. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

typedef struct Saved {
  bool *saves;              /* by Ref of a WITH, or of a read of the row in front that is a result */
  Ref *with, *row;          /* by Ref of a carried array: its one WITH, and the row once it is there */
} Saved;

/* ---- which ------------------------------------------------------------------------------- */

static bool is_carried(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  const Region *body = p->regions.at[n->region];
  if (n->op != IR_PARAM || !n->type->rank || n->type->acc || !body->owner) return false;
  uint16_t op = ir_node(p, body->owner)->op;
  return op == IR_FOLD || op == IR_WHILE;
}

/* Is it a read of the row that w replaces, or of an element of it? */
static bool reads_row(const Node *n, const Node *w) {
  if (n->op != IR_READ || n->arg[0] != w->arg[0] || n->nargs + 1u < w->nargs) return false;
  for (uint32_t k = 2; k < w->nargs; k++)
    if (n->arg[k - 1] != w->arg[k]) return false;
  return true;
}

static bool mentions(const Node *n, Ref r) {
  for (uint32_t k = 0; k < n->nargs; k++)
    if (n->arg[k] == r) return true;
  for (uint32_t k = 0; k < n->nfree; k++)
    if (n->free[k] == r) return true;
  return false;
}

static bool is_result(const Region *r, Ref x) {
  for (uint32_t k = 0; k < r->results.n; k++)
    if (r->results.at[k] == x) return true;
  return false;
}

/* Does what reads at r, seen from the region of w, wait for the new array, too? */
static bool needs_both(const Prog *p, Ref r, Ref w) {
  const Region *here = p->regions.at[ir_node(p, w)->region];
  if (ir_node(p, r)->region == here->id) return is_result(here, r);
  while (ir_node(p, r)->region != here->id) {
    r = p->regions.at[ir_node(p, r)->region]->owner;
    if (!r) return false;
  }
  return mentions(ir_node(p, r), w);
}

/* The latest replaced row of each carried array, and whether anything else reads the array. */
typedef struct Search { Ref *with; bool *wanted, *other; } Search;

static void note_with(Prog *p, Search *s, Ref w) {
  const Node *n = ir_node(p, w);
  Ref a = n->arg[0];
  if (!is_carried(p, a) || n->nargs - 2 >= n->type->rank) return;
  s->with[a] = s->with[a] ? UINT32_MAX : w;   /* two: neither is looked at */
}

static void note_use(const Prog *p, Search *s, Ref user, Ref a) {
  Ref w = s->with[a];
  if (!w || w == UINT32_MAX || user == w) return;
  if (ir_node(p, user)->nregions) return;     /* what stands inside counts */
  if (reads_row(ir_node(p, user), ir_node(p, w))) s->wanted[w] |= needs_both(p, user, w);
  else s->other[w] = true;
}

/* A view of the row that the step gives as a result stands in front: it is read at the end. */
static bool is_early(const Prog *p, const Search *s, Ref r) {
  const Node *n = ir_node(p, r);
  Ref w = n->op == IR_READ ? s->with[n->arg[0]] : 0;
  if (!w || w == UINT32_MAX || r > w || n->nargs + 1u != ir_node(p, w)->nargs) return false;
  return n->region == ir_node(p, w)->region && reads_row(n, ir_node(p, w)) &&
         is_result(p->regions.at[n->region], r);
}

static bool find_saved(Prog *p, Saved *saved) {
  Search s = {NEWN(p->ctx, Ref, p->nnodes), NEWN(p->ctx, bool, p->nnodes),
              NEWN(p->ctx, bool, p->nnodes)};
  bool any = false;
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    for (uint32_t k = 0; n->op != IR_CONST && k < n->nargs; k++) note_use(p, &s, r, n->arg[k]);
    if (n->op == IR_WITH) note_with(p, &s, r);
  }
  for (Ref r = 1; r < p->nnodes; r++)
    if (is_early(p, &s, r)) s.wanted[r] = s.wanted[s.with[ir_node(p, r)->arg[0]]] = true;
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    Ref w = n->op == IR_READ ? s.with[n->arg[0]] : r;
    any |= saved->saves[r] = s.wanted[r] && !s.other[w];
  }
  saved->with = s.with;
  return any;
}

/* ---- rewriting ----------------------------------------------------------------------------- */

/* [a[i, k] for k < n] */
static Ref copy_row(Rewrite *w, const Node *with) {
  Prog *to = w->k.to;
  Ref a = copy_ref(&w->k, with->arg[0]), index[MAX_RANK], extent[MAX_RANK];
  uint32_t fixed = with->nargs - 2, rank = with->type->rank;
  const Type *t = ir_type(to, a);
  for (uint32_t k = 0; k < fixed; k++) index[k] = copy_ref(&w->k, with->arg[k + 2]);
  for (uint32_t k = fixed; k < rank; k++) extent[k - fixed] = size_node(to, t->dim[k]);
  Region *r = ir_begin(to);
  ir_set_extents(to, rank - fixed, extent);
  for (uint32_t k = fixed; k < rank; k++) index[k] = ir_param(to, type_scalar(to, ELEM_INT));
  ir_result(to, ir_read(to, a, rank, index, with->flags & NODE_CHECKED));
  ir_end(to);
  pass_as(w, with);
  return ir_out(to, ir_loop(to, rank - fixed, extent, r, &(Combiner){BUILD}), 0);
}

static Ref read_saved(Rewrite *w, const Node *read) {
  const Saved *s = w->self;
  Prog *to = w->k.to;
  Ref a = read->arg[0], index[MAX_RANK];
  if (!s->row[a] || !ir_in_scope(to, s->row[a], to->cur)) return 0;
  const Node *with = ir_node(w->k.from, s->with[a]);
  if (!reads_row(read, with)) return 0;
  uint32_t n = 0;
  for (uint32_t k = with->nargs - 1; k < read->nargs; k++)
    index[n++] = copy_ref(&w->k, read->arg[k]);
  if (!n) return s->row[a];
  Ref saved = ir_read(to, s->row[a], n, index, read->flags & NODE_CHECKED);
  if (ir_node(to, saved)->region == to->cur->id && bounds_hold(to, saved))
    ir_node(to, saved)->flags &= (uint16_t)~NODE_CHECKED;
  return saved;
}

static Ref visit(Rewrite *w, Ref old) {
  Saved *s = w->self;
  const Node *n = ir_node(w->k.from, old);
  if (n->nargs && s->saves[old] && !s->row[n->arg[0]])
    s->row[n->arg[0]] = copy_row(w, ir_node(w->k.from, s->with[n->arg[0]]));
  return n->op == IR_READ ? read_saved(w, n) : 0;
}

Prog *opt_saved(Prog *p) {
  Saved s = {.saves = NEWN(p->ctx, bool, p->nnodes)};
  if (!find_saved(p, &s)) return p;
  s.row = NEWN(p->ctx, Ref, p->nnodes);
  return rewrite_program(&(Rewrite){.node = visit, .self = &s}, p);
}
