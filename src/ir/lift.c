/* lift.c - what does not depend on a loop leaves it, before differentiation.
 *
 * `[log_softmax(s)[i, y[i]] for i < n]` says the whole log_softmax inside the loop.  Hoisting
 * it after differentiation would be too late: its reverse would be paid n times.  So when a
 * loop or fold is built, nodes of its body that mention nothing of the body move to the
 * region around.  Numbers stay, so operands still come first.  Effects stay, and so does
 * what may fail, since the loop may not run at all. */
#include "ir/private.h"

/* A subscript that lies in 0 .. dim-1 whatever loops outside of its own run. */
static bool always_inside(Prog *p, Ref at, Size dim) {
  const Node *n = ir_node(p, at);
  int64_t size;
  if (n->op == IR_CONST) return size_is_const(dim, &size) && n->aux.i >= 0 && n->aux.i < size;
  if (n->op != IR_PARAM) return false;
  const Region *r = p->regions.at[n->region];
  return n->aux.i < (int64_t)r->extents.n && size_atom(p, r->extents.at[n->aux.i]) == dim;
}

bool node_may_fail(Prog *p, const Node *n) {
  double divisor;
  if (n->op == IR_PRIM && (n->aux.i == P_FLOORDIV || n->aux.i == P_MOD))
    return n->type->elem == ELEM_INT && !(ir_is_const(p, n->arg[1], &divisor) && divisor != 0);
  if (n->op != IR_READ && n->op != IR_WITH) return false;
  if (n->flags & NODE_CHECKED) return true;
  uint32_t first = first_subscript(n);
  const Type *t = ir_type(p, n->arg[0]);
  for (uint32_t k = first; k < n->nargs; k++)
    if (!always_inside(p, n->arg[k], t->dim[k - first])) return true;
  return false;
}

/* Does what is mentioned keep a node in the body? */
typedef struct Ties { const Prog *p; const Region *body; const bool *moves; bool tied; } Ties;

static void mention(void *self, Ref r) {
  Ties *t = self;
  const Node *n = ir_node(t->p, r);
  if (n->region != t->body->id) return;
  if (n->op == IR_PARAM || !t->moves[n->ordinal]) t->tied = true;
}

static bool can_leave(Ties *t, Ref r) {
  const Prog *p = t->p;
  const Node *n = ir_node(p, r);
  if (n->flags & (NODE_STAYS | NODE_IO) || !node_is_pure(p, n)) return false;
  t->tied = false;
  for (uint32_t k = 0; k < n->nargs; k++) mention(t, n->arg[k]);
  for (uint32_t k = 0; k < n->nfree; k++) mention(t, n->free[k]);
  type_atoms(n->type, mention, t);
  for (uint32_t k = 0; k < n->nresults; k++) type_atoms(n->result_type[k], mention, t);
  return !t->tied;
}

/* Regions of a node that moved one level out: their place in the tree follows. */
static void reparent(Prog *p, Region *r, Region *parent) {
  region_place(r, parent);
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Node *n = ir_node(p, r->nodes.at[k]);
    for (uint32_t j = 0; j < n->nregions; j++) reparent(p, n->regions[j], r);
  }
}

static void settle(Prog *p, Region *home, uint32_t at, Ref r) {
  Node *n = ir_node(p, r);
  home->nodes.at[at] = r;
  n->ordinal = at;
  if (n->region == home->id) return;
  n->region = home->id;
  for (uint32_t j = 0; j < n->nregions; j++) reparent(p, n->regions[j], home);
}

/* Puts `n` nodes among those of a region, by number: some of its own may be newer. */
static void insert(Prog *p, Region *home, uint32_t n, const Ref *moved) {
  uint32_t own = home->nodes.n;
  for (uint32_t k = 0; k < n; k++) PROG_PUSH(p, &home->nodes, moved[k]);
  for (uint32_t at = home->nodes.n, left = n; left > 0; at--) {
    bool take_own = own > 0 && home->nodes.at[own - 1] > moved[left - 1];
    settle(p, home, at - 1, take_own ? home->nodes.at[--own] : moved[--left]);
  }
}

void lift_invariants(Prog *p, Region *body) {
  if (p->erased || !body->nodes.n) return;
  bool *moves = NEWN(p->ctx, bool, body->nodes.n);
  Ref *moved = NEWN(p->ctx, Ref, body->nodes.n);
  Ties ties = {.p = p, .body = body, .moves = moves};
  uint32_t n = 0;
  for (uint32_t k = 0; k < body->nodes.n; k++)
    if ((moves[k] = can_leave(&ties, body->nodes.at[k]))) moved[n++] = body->nodes.at[k];
  if (!n) return;
  uint32_t kept = 0;
  for (uint32_t k = 0; k < body->nodes.n; k++)
    if (!moves[k]) settle(p, body, kept++, body->nodes.at[k]);
  body->nodes.n = kept;
  insert(p, p->cur, n, moved);
  for (uint32_t k = 0; k < n; k++)
    if (ir_node(p, moved[k])->op != IR_VAR && !p->fresh) cons_know(p, moved[k]);
  hash_region(p, body);
}
