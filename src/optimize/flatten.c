/* flatten.c - a loop over several axes that looks at arrays at its own position alone becomes
 * a loop over one axis, the product of theirs:
 *
 *   [x[i, j]*y[i, j] for i < n, j < m]   is   [x'[k]*y'[k] for k < n*m], reshaped
 *
 * Then short rows fill vector registers as well as long ones.
 *
 * Requires: barriers gone.  The last step, for other passes and proofs know loops by their
 * axes.  Elements are in row-major order either way, so positions (argmax) stay as well.
 * Emission stores a reshaped array in the place that is wanted where it has one use; where it
 * has more, and is wanted in a place, the loop stays.  So does a step of a state, which
 * is changed in place. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

/* What is known of the result of a loop: its users, and whether one stores it somewhere. */
typedef struct Users { uint32_t n; bool placed, state; } Users;

static void note_users(const Node *n, Users *users) {
  bool places = n->op == IR_FOLD || n->op == IR_WHILE || n->op == IR_ACCUM || n->op == IR_WITH ||
                n->op == IR_STACK;
  for (uint32_t k = 0; k < n->nargs; k++) {
    users[n->arg[k]].n++;
    users[n->arg[k]].placed |= places;
  }
  for (uint32_t j = 0; j < n->nregions; j++)
    for (uint32_t k = 0; k < n->regions[j]->results.n; k++) {
      Users *u = &users[n->regions[j]->results.at[k]];
      u->n++;
      u->placed = true;
      u->state |= n->op == IR_FOLD || n->op == IR_WHILE;
    }
}

static Users *find_users(const Prog *p) {
  Users *users = NEWN(p->ctx, Users, p->nnodes);
  for (Ref r = 1; r < p->nnodes; r++) note_users(ir_node(p, r), users);
  for (uint32_t k = 0; k < p->root->results.n; k++) {
    users[p->root->results.at[k]].n++;
    users[p->root->results.at[k]].placed = true;
  }
  return users;
}

/* ---- which loops ------------------------------------------------------------------------ */

static bool inside(const Prog *p, Ref r, const Region *body) {
  const Region *at = p->regions.at[ir_node(p, r)->region];
  while (at && at->depth > body->depth) at = at->parent;
  return at == body;
}

/* A state of a fold is changed in place element by element, which its axes tell. */
static bool is_state(const Prog *p, Ref array) {
  const Node *n = ir_node(p, array);
  while (n->op == IR_RESHAPE || n->op == IR_READ) n = ir_node(p, n->arg[0]);
  if (n->op != IR_PARAM) return false;
  Ref owner = p->regions.at[n->region]->owner;
  return owner && ir_node(p, owner)->op != IR_LOOP;
}

/* A[i, j] of an array as large as the index space. */
static bool at_own_position(Prog *p, const Node *read, const Node *loop) {
  const Region *body = loop->regions[0];
  const Type *t = ir_type(p, read->arg[0]);
  if (t->rank != loop->nargs || read->nargs != loop->nargs + 1) return false;
  if (is_state(p, read->arg[0])) return false;
  for (uint32_t a = 0; a < loop->nargs; a++)
    if (read->arg[a + 1] != body->params.at[a] || t->dim[a] != size_atom(p, loop->arg[a]))
      return false;
  return true;
}

/* Does nothing look at an index of the loop but reads at its own position? */
static bool is_flat(Prog *p, const Node *n, const Node *loop) {
  const Region *body = loop->regions[0];
  switch (n->op) {
    case IR_CONST: case IR_PROJ: return true;
    case IR_PRIM: case IR_TOREAL: case IR_TOINT: case IR_IF: break;
    case IR_READ:
      if (n->type->rank || (n->flags & NODE_CHECKED) || inside(p, n->arg[0], body)) return false;
      if (at_own_position(p, n, loop)) return true;
      for (uint32_t k = 1; k < n->nargs; k++)
        if (inside(p, n->arg[k], body)) return false;
      return true;
    default: return false;
  }
  for (uint32_t k = 0; k < n->nargs; k++)
    for (uint32_t a = 0; a < loop->nargs; a++)
      if (n->arg[k] == body->params.at[a]) return false;
  return true;
}

static bool flat_region(Prog *p, const Region *r, const Node *loop) {
  for (uint32_t k = 0; k < r->results.n; k++)
    if (ir_node(p, r->results.at[k])->op == IR_PARAM) return false;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    const Node *n = ir_node(p, r->nodes.at[k]);
    if (!is_flat(p, n, loop)) return false;
    for (uint32_t j = 0; j < n->nregions; j++)
      if (!flat_region(p, n->regions[j], loop)) return false;
  }
  return true;
}

static bool is_candidate(Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->op != IR_LOOP || n->nargs < 2 || ir_has_effect(p, r)) return false;
  for (uint32_t k = 0; k < n->nresults; k++)
    if (n->aux.loop->comb[k] == BUILD && n->result_type[k]->rank != n->nargs) return false;
  return flat_region(p, n->regions[0], n);
}

/* By Ref: is the loop to be flattened? */
static bool *choose(Prog *p, bool *any) {
  bool *flat = NEWN(p->ctx, bool, p->nnodes);
  const Users *users = find_users(p);
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    if (n->op == IR_LOOP) *any |= flat[r] = is_candidate(p, r);
    bool fixed = users[r].state || (users[r].placed && users[r].n > 1);
    if (n->op == IR_PROJ && n->type->rank && fixed) flat[n->arg[0]] = false;
  }
  return flat;
}

/* ---- the loop over one axis ----------------------------------------------------------------- */

typedef struct Flatten { const bool *flat; Ref loop, index; Size size; } Flatten;

/* The array in one axis, in front of the loop. */
static Ref flattened(Rewrite *w, Ref old, Size size) {
  Prog *to = w->k.to;
  Ref a = copy_ref(&w->k, old);
  return ir_reshape(to, a, type_array(to, ir_type(to, a)->elem, 1, &size));
}

static void flatten_arrays(Rewrite *w, const Region *r, const Node *loop, Size size) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    const Node *n = ir_node(w->k.from, r->nodes.at[k]);
    if (n->op == IR_READ && at_own_position(w->k.from, n, loop)) flattened(w, n->arg[0], size);
    for (uint32_t j = 0; j < n->nregions; j++) flatten_arrays(w, n->regions[j], loop, size);
  }
}

static Ref flatten_loop(Rewrite *w, Ref old) {
  Flatten *f = w->self, outer = *f;
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  const Region *body = n->regions[0];
  Size size = size_const(to, 1);
  for (uint32_t a = 0; a < n->nargs; a++)
    size = size_mul(to, size, size_atom(to, copy_ref(&w->k, n->arg[a])));
  Ref extent = size_node(to, size);
  flatten_arrays(w, body, n, size);
  Region *r = ir_begin(to);
  ir_set_extents(to, 1, &extent);
  *f = (Flatten){f->flat, old, ir_param(to, type_scalar(to, ELEM_INT)), size};
  rewrite_nodes(w, body);
  for (uint32_t k = 0; k < body->results.n; k++)
    ir_result(to, copy_ref(&w->k, body->results.at[k]));
  ir_end(to);
  *f = outer;
  pass_as(w, n);
  Ref made = ir_loop(to, 1, &extent, r, n->aux.loop->comb);
  Ref *outs = NEWN(to->ctx, Ref, n->nresults);
  for (uint32_t k = 0; k < n->nresults; k++) {
    outs[k] = ir_out(to, made, k);
    if (n->aux.loop->comb[k] == BUILD)
      outs[k] = ir_reshape(to, outs[k], pass_type(w, n->result_type[k]));
  }
  w->outs[old] = outs;
  return REWRITE_GONE;
}

static Ref visit(Rewrite *w, Ref old) {
  const Flatten *f = w->self;
  const Node *n = ir_node(w->k.from, old);
  if (f->flat[old]) return flatten_loop(w, old);
  if (!f->loop || n->op != IR_READ) return 0;
  if (!at_own_position(w->k.from, n, ir_node(w->k.from, f->loop))) return 0;
  return ir_read(w->k.to, flattened(w, n->arg[0], f->size), 1, &f->index, false);
}

Prog *opt_flatten(Prog *p) {
  if (p->regions.n == 1) return p;   /* no loop */
  bool any = false;
  Flatten f = {.flat = choose(p, &any)};
  Rewrite w = {.node = visit, .self = &f};
  return any ? rewrite_program(&w, p) : p;
}
