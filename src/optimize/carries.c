/* carries.c - a step of opt_fuse: carried values of a fold that are always equal become one.
 *
 * Requires: barriers gone.  Two carried values are equal throughout if they start as the
 * same node and, supposing that they are equal, step to the same node.  The body is built on
 * that supposition; consing then tells whether it holds, and where it does not the
 * classes are split and the body is built once more.  Results of a loop inside that prove to
 * be equal so become one, too: else what is made of them would differ by name.
 * Values are the same to the bit.  Linear: a body is built a fixed number of times at most. */
#include "optimize/passes.h"

enum { MAX_ROUNDS = 3, MAX_CARRIED = 64 };

typedef struct Classes {
  uint32_t n;
  uint32_t of[MAX_CARRIED];   /* the first carried value that each is equal to */
} Classes;

static bool steps_alike(const Prog *p, const Node *fold, uint32_t a, uint32_t b) {
  const Node *x = ir_node(p, fold->regions[0]->results.at[a]);
  const Node *y = ir_node(p, fold->regions[0]->results.at[b]);
  return x->op == y->op && x->nargs == y->nargs && x->type == y->type &&
         (x->op != IR_PRIM || x->aux.i == y->aux.i);
}

static bool any_equal(const Classes *c) {
  for (uint32_t k = 0; k < c->n; k++)
    if (c->of[k] != k) return true;
  return false;
}

static Classes suppose(Rewrite *w, const Node *fold, const Ref *init) {
  Classes c = {.n = fold->nargs - 1};
  for (uint32_t k = 0; k < c.n; k++) {
    c.of[k] = k;
    for (uint32_t j = 0; j < k && c.of[k] == k; j++)
      if (c.of[j] == j && init[j] == init[k] && steps_alike(w->k.from, fold, j, k)) c.of[k] = j;
  }
  return c;
}

/* Splits classes whose steps differ; true if any did. */
static bool split(Rewrite *w, const Region *body, Classes *c) {
  Classes old = *c;
  bool changed = false;
  for (uint32_t k = 0; k < c->n; k++) {
    c->of[k] = k;
    for (uint32_t j = 0; j < k && c->of[k] == k; j++)
      if (c->of[j] == j && old.of[j] == old.of[k] &&
          copy_ref(&w->k, body->results.at[j]) == copy_ref(&w->k, body->results.at[k]))
        c->of[k] = j;
    if (c->of[k] != old.of[k]) changed = true;
  }
  return changed;
}

static Region *build_body(Rewrite *w, const Node *fold, Ref trips, const Classes *c) {
  const Region *body = fold->regions[0];
  Region *r = ir_begin(w->k.to);
  ir_set_extents(w->k.to, 1, &trips);
  pass_param(w, body->params.at[0]);
  for (uint32_t k = 0; k < c->n; k++) {
    Ref old = body->params.at[k + 1];
    if (c->of[k] == k) pass_param(w, old);
    else copy_set(&w->k, old, copy_ref(&w->k, body->params.at[c->of[k] + 1]));
  }
  rewrite_nodes(w, body);
  return r;
}

/* The fold that carries one value for each class, and what the old results are now. */
static void finish(Rewrite *w, Ref old, Region *r, Ref trips, const Ref *init, const Classes *c) {
  const Node *fold = ir_node(w->k.from, old);
  const Region *body = fold->regions[0];
  Prog *to = w->k.to;
  Ref arg[MAX_CARRIED + 1] = {trips};
  uint32_t n = 0, place[MAX_CARRIED];
  for (uint32_t k = 0; k < c->n; k++) {
    if (c->of[k] != k) continue;
    place[k] = n++;
    arg[n] = init[k];
    ir_result(to, copy_ref(&w->k, body->results.at[k]));
  }
  for (uint32_t k = c->n; k < body->results.n; k++)
    ir_result(to, copy_ref(&w->k, body->results.at[k]));
  ir_end(to);
  Ref made = pass_structured(w, fold, n + 1, arg, &r, fold->aux.loop->comb);
  Ref *outs = NEWN(to->ctx, Ref, body->results.n + 1);
  for (uint32_t k = 0; k < c->n; k++) outs[k] = ir_out(to, made, place[c->of[k]]);
  for (uint32_t k = c->n; k < body->results.n; k++) outs[k] = ir_out(to, made, n + k - c->n);
  w->outs[old] = outs;
}

/* The first result of the new body that is the same as result k, by the same combiner. */
static uint32_t first_like(const Node *n, const Region *r, uint32_t k) {
  uint32_t j = 0;
  while (r->results.at[j] != r->results.at[k] || n->aux.loop->comb[j] != n->aux.loop->comb[k]) j++;
  return j;
}

/* A loop with each of its results once, and what the old results are now. */
static Ref copy_loop(Rewrite *w, Ref old) {
  Prog *to = w->k.to;
  Ref made = rewrite_copy(w, old);
  const Node *n = ir_node(to, made);
  const Region *r = n->regions[0];
  bool equal = false;
  for (uint32_t k = 0; k < n->nresults && !equal; k++) equal = first_like(n, r, k) != k;
  if (!equal) return made;
  Ref *outs = NEWN(to->ctx, Ref, n->nresults + 1);
  for (uint32_t k = 0; k < n->nresults; k++) outs[k] = ir_out(to, made, first_like(n, r, k));
  w->outs[old] = outs;
  return made;
}

static Ref visit(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  Ref init[MAX_CARRIED];
  w->outs[old] = NULL; /* set if a body around was built on another supposition */
  if (n->op == IR_LOOP && n->nresults > 1) return copy_loop(w, old);
  if (n->op != IR_FOLD || n->nargs < 3 || n->nargs > MAX_CARRIED + 1) return 0;
  if (ir_has_effect(w->k.from, old)) return 0;
  Ref trips = copy_ref(&w->k, n->arg[0]);
  for (uint32_t k = 1; k < n->nargs; k++) init[k - 1] = copy_ref(&w->k, n->arg[k]);
  Classes c = suppose(w, n, init);
  for (int round = 0; round < MAX_ROUNDS && any_equal(&c); round++) {
    Region *r = build_body(w, n, trips, &c);
    if (!split(w, n->regions[0], &c)) {
      finish(w, old, r, trips, init, &c);
      return REWRITE_GONE;
    }
    ir_end(w->k.to);
    pass_as(w, n);
  }
  return 0;
}

static bool any_fold(const Prog *p) {
  for (Ref r = 1; r < p->nnodes; r++)
    if (ir_node(p, r)->op == IR_FOLD && ir_node(p, r)->nargs > 2) return true;
  return false;
}

Prog *fuse_carries(Prog *p) {
  if (!any_fold(p)) return p;
  Rewrite w = {.node = visit};
  Prog *to = rewrite_program(&w, p);
  return to;
}
