/* nest.c - what changes with the first indices of a loop alone is computed for these alone.
 *
 * `[exp(x[i])*y[j] for i < n, j < m]` says exp(x[i]) for each j.  So when a loop over several
 * indices is built, and something dear in its body follows from the first few, it becomes a
 * loop over these with one over the others inside, which lift.c then leaves it to:
 * `[[e*y[j] for j < m] …]` with e = exp(x[i]) in between.  Before differentiation, or the reverse
 * of what is dear would be paid for each j as well.  A sum is then a sum of sums; not with --ieee,
 * and not for positions of a winner, which count over all indices. */
#include "ir/private.h"

#include <ctype.h>

/* By ordinal: which indices a node changes with, a bit for each. */
typedef struct Varies { const Prog *p; const Region *body; uint32_t *bits; uint32_t now; } Varies;

static void mention(void *self, Ref r) {
  Varies *v = self;
  const Node *n = ir_node(v->p, r);
  if (n->region != v->body->id) return;
  v->now |= n->op == IR_PARAM ? UINT32_C(1) << n->aux.i : v->bits[n->ordinal];
}

static uint32_t varies_with(Varies *v, const Node *n) {
  v->now = 0;
  for (uint32_t k = 0; k < n->nargs; k++) mention(v, n->arg[k]);
  for (uint32_t k = 0; k < n->nfree; k++) mention(v, n->free[k]);
  type_atoms(n->type, mention, v);
  for (uint32_t k = 0; k < n->nresults; k++) type_atoms(n->result_type[k], mention, v);
  return v->now;
}

/* A call of the C library, or something with loops in it. */
static bool is_dear(const Node *n) {
  if (n->flags & NODE_STAYS) return false;
  if (n->op == IR_LOOP || n->op == IR_FOLD || n->op == IR_WHILE) return true;
  if (n->op != IR_PRIM || n->type->elem != ELEM_REAL) return false;
  const Prim *prim = prim_get((uint32_t)n->aux.i);
  switch (n->aux.i) {
    case P_ABS: case P_FABS: case P_MAX: case P_MIN: case P_SIGN: case P_RELU: case P_HEAVISIDE:
    case P_CLAMP: case P_SELECT: return false;
    default: return isalpha((unsigned char)prim->c[0]);
  }
}

/* How many of the first indices something dear follows from, as few as there are; 0: nothing. */
static uint32_t first_indices(const Prog *p, const Region *body) {
  Varies v = {.p = p, .body = body, .bits = NEWN(p->ctx, uint32_t, body->nodes.n)};
  uint32_t n = body->params.n, least = n;
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    const Node *node = ir_node(p, body->nodes.at[k]);
    if (!node_is_pure(p, node) || node->flags & NODE_IO) return 0;
    uint32_t bits = v.bits[k] = varies_with(&v, node), first = 0;
    while (bits >> first) first++;
    if (first && first < least && is_dear(node)) least = first;
  }
  return least < n ? least : 0;
}

static bool may_nest(const Prog *p, const Region *body, const Combiner *comb) {
  if (p->erased || p->fresh || p->ctx->opt.ieee || body->params.n < 2) return false;
  for (uint32_t k = 0; k < body->results.n; k++)
    if (comb[k] == ARGMAX || comb[k] == ARGMIN) return false;
  return true;
}

/* Copies of the body's parameters, from `first` to `end`, for the current region. */
static void parameters(Prog *p, Copy *k, const Region *body, uint32_t first, uint32_t end) {
  for (; first < end; first++) {
    const Node *old = ir_node(p, body->params.at[first]);
    Ref r = ir_param(p, old->type);
    ir_node(p, r)->name = old->name;
    ir_node(p, r)->pos = old->pos;
    copy_set(k, body->params.at[first], r);
  }
}

Region *nest_invariants(Prog *p, uint32_t *n, const Ref *extent, Region *body,
                        const Combiner *comb) {
  uint32_t first = may_nest(p, body, comb) ? first_indices(p, body) : 0;
  if (!first) return body;
  Copy k;
  copy_init(&k, p, p);
  Region *outer = ir_begin(p);
  ir_set_extents(p, first, extent);
  parameters(p, &k, body, 0, first);
  Region *inner = ir_begin(p);
  ir_set_extents(p, *n - first, extent + first);
  parameters(p, &k, body, first, *n);
  copy_nodes(&k, body);
  for (uint32_t j = 0; j < body->results.n; j++) ir_result(p, copy_ref(&k, body->results.at[j]));
  ir_end(p);
  Ref loop = ir_loop(p, *n - first, extent + first, inner, comb);
  for (uint32_t j = 0; j < body->results.n; j++) ir_result(p, ir_out(p, loop, j));
  ir_end(p);
  *n = first;
  return outer;
}
