/* erase.c - differentiation is over: the barriers go.
 *
 * Requires: nothing left to differentiate.  VAR TIE STOP SCALE STRAIGHT become the value
 * that they stand for, CUSTOM its function (the rule is dropped; traces of the function
 * stay).  What a control added and took away cancels (cancel.c), unless the user
 * asked for IEEE additions as written.  Ensures: p->erased; everything else as it was,
 * in its order, to the bit. */
#include "optimize/cancel.h"
#include "optimize/optimize.h"

/* A call with a rule becomes the function's nodes, here. */
static Ref inline_custom(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  const Region *f = n->regions[0];
  for (uint32_t i = 0; i < f->params.n; i++)
    copy_set(&w->k, f->params.at[i], copy_ref(&w->k, n->arg[i]));
  rewrite_nodes(w, f);
  Ref *outs = NEWN(w->k.from->ctx, Ref, f->results.n + 1);
  for (uint32_t i = 0; i < f->results.n; i++) outs[i] = copy_ref(&w->k, f->results.at[i]);
  w->outs[old] = outs;
  return REWRITE_GONE;
}

static Ref erase_node(Rewrite *w, Ref old) {
  const Prog *from = w->k.from;
  const Node *n = ir_node(from, old);
  Cancel *cancel = w->self;
  Ref r = cancel ? cancel_tree(cancel, w, old) : 0;
  if (r) return r;
  bool inside = false;
  Ref under = cancel_under(from, old, &inside);
  if (under) return copy_ref(&w->k, under);
  if (n->op == IR_CUSTOM) return inline_custom(w, old);
  if (n->op == IR_PROJ && !w->outs[n->arg[0]])
    return rewrite_eta(w->k.to, copy_ref(&w->k, n->arg[0]), (uint32_t)n->aux.i);
  return 0;
}

Prog *opt_erase(Prog *p) {
  Rewrite w = {.node = erase_node, .erases = true};
  if (!p->ctx->opt.ieee) w.self = cancel_plan(p);
  return rewrite_program(&w, p);
}
