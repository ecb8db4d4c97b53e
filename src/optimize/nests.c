/* nests.c - a step of opt_fuse: loops that only build rows become one loop over both
 * indices, [[e for j < m] for i < n] as [e for i < n, j < m].
 *
 * Requires: barriers gone.  Around the inner loop there may be constants, reads and index
 * arithmetic, which move inside.  The array is the same, element by element. */
#include "optimize/passes.h"

enum { MAX_NEST = 8, MAX_AROUND = 4 };

typedef struct Nest { const Node *loop[MAX_NEST]; uint32_t n, axes; } Nest;

static bool moves_inside(const Prog *p, const Node *n) {
  if (n->op == IR_CONST) return true;
  if (n->op == IR_READ) return !(n->flags & NODE_CHECKED);
  return n->op == IR_PRIM && n->type->elem == ELEM_INT && pass_cheap(p, n);
}

static bool builds_one(const Node *n) {
  return n->op == IR_LOOP && n->aux.loop->nout == 1 && n->aux.loop->comb[0] == BUILD;
}

/* The loop that makes up the whole body of `outer`, or NULL. */
static const Node *inner_loop(const Prog *p, const Node *outer) {
  const Region *body = outer->regions[0], *around = p->regions.at[outer->region];
  const Node *out = ir_node(p, body->results.at[0]);
  if (out->op != IR_PROJ || out->region != body->id) return NULL;
  const Node *inner = ir_node(p, out->arg[0]);
  if (!builds_one(inner) || inner->region != body->id) return NULL;
  if (body->nodes.n > MAX_AROUND + 2) return NULL;
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    const Node *n = ir_node(p, body->nodes.at[k]);
    if (n != inner && n != out && !moves_inside(p, n)) return NULL;
  }
  for (uint32_t k = 0; k < inner->nargs; k++) {
    bool known = ir_in_scope(p, inner->arg[k], around);
    if (!known && ir_node(p, inner->arg[k])->op != IR_CONST) return NULL;
  }
  return inner;
}

static void find_nest(const Prog *p, const Node *n, Nest *nest) {
  while (n && nest->n < MAX_NEST && nest->axes + n->nargs <= MAX_RANK) {
    nest->loop[nest->n++] = n;
    nest->axes += n->nargs;
    n = inner_loop(p, n);
  }
}

static void copy_around(Rewrite *w, const Node *outer, const Node *inner) {
  const Region *body = outer->regions[0];
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    Ref r = body->nodes.at[k];
    const Node *n = ir_node(w->k.from, r);
    if (n == inner || n->op == IR_PROJ) continue;
    Region one = {.nodes = {&r, 1, 1}};
    rewrite_nodes(w, &one);
  }
}

static Ref visit(Rewrite *w, Ref old) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  Nest nest = {0};
  if (!builds_one(n)) return 0;
  find_nest(w->k.from, n, &nest);
  if (nest.n < 2) return 0;
  Ref extent[MAX_RANK];
  uint32_t axis = 0;
  for (uint32_t k = 0; k < nest.n; k++)
    for (uint32_t j = 0; j < nest.loop[k]->nargs; j++)
      extent[axis++] = pass_extent(w, nest.loop[k]->arg[j]);
  Region *r = ir_begin(to);
  ir_set_extents(to, axis, extent);
  for (uint32_t k = 0; k < nest.n; k++)
    for (uint32_t j = 0; j < nest.loop[k]->nargs; j++)
      pass_param(w, nest.loop[k]->regions[0]->params.at[j]);
  for (uint32_t k = 0; k + 1 < nest.n; k++) copy_around(w, nest.loop[k], nest.loop[k + 1]);
  const Region *last = nest.loop[nest.n - 1]->regions[0];
  rewrite_nodes(w, last);
  ir_result(to, copy_ref(&w->k, last->results.at[0]));
  ir_end(to);
  return pass_structured(w, n, axis, extent, &r, n->aux.loop->comb);
}

static bool any_nest(const Prog *p) {
  for (Ref r = 1; r < p->nnodes; r++)
    if (builds_one(ir_node(p, r)) && inner_loop(p, ir_node(p, r))) return true;
  return false;
}

Prog *fuse_nests(Prog *p) {
  if (!any_nest(p)) return p;
  Rewrite w = {.node = visit};
  Prog *to = rewrite_program(&w, p);
  return to;
}
