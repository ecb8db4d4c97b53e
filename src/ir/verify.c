/* verify.c - does a program keep what ir.h promises?
 *
 * Checks numbering, scopes, types, owners, free lists, the placement of effects, and the
 * outside view, in one walk over the region tree; anything wrong is an internal error
 * that names the pass.  Linear in the program. */
#include "ir/private.h"

typedef struct Verify {
  Prog *p;
  const char *after;
  bool *open;      /* by region number: on the way from the root to here */
  bool *listed;    /* by Ref: met in its region */
} Verify;

static _Noreturn void broken(const Verify *v, Ref r, const char *what) {
  const Node *n = ir_node(v->p, r);
  internal_error(v->p->ctx, "after %s, node %u (operator %u): %s", v->after, r, n->op, what);
}

static void demand(const Verify *v, bool holds, Ref r, const char *what) {
  if (!holds) broken(v, r, what);
}

/* A mention of `r` by `user` is all right: older, listed, in a region that is open. */
static void check_mention(const Verify *v, Ref user, Ref r) {
  demand(v, r > 0 && r < v->p->nnodes, user, "an operand does not exist");
  demand(v, r < user, user, "an operand is younger than its user");
  demand(v, v->open[ir_node(v->p, r)->region], user, "an operand is out of scope");
  demand(v, v->listed[r], user, "an operand is in no region's list");
}

typedef struct Mention { const Verify *v; Ref user; } Mention;

static void check_atom(void *self, Ref atom) {
  const Mention *m = self;
  check_mention(m->v, m->user, atom);
  demand(m->v, ir_type(m->v->p, atom) == type_scalar(m->v->p, ELEM_INT), m->user,
         "a size mentions what is not an int");
}

static void check_sizes(const Verify *v, Ref user, const Type *t) {
  Mention m = {v, user};
  type_atoms(t, check_atom, &m);
}

/* ---- nodes ----------------------------------------------------------------- */

static void check_type(const Verify *v, Ref r, const Node *n) {
  const Type *t;
  const char *why;
  bool fits = infer_type(v->p, n, &t, &why);
  demand(v, fits, r, why);
  demand(v, t == n->type, r, "its type is not what its operands give");
  check_sizes(v, r, t);
}

static bool is_io(const Node *n) {
  return n->op == IR_TRACE || n->op == IR_PRINT || n->op == IR_ASSERT || n->op == IR_CHECK;
}

static void check_erased(const Verify *v, Ref r, const Node *n) {
  switch ((Op)n->op) {
  case IR_VAR: case IR_TIE: case IR_STOP: case IR_SCALE: case IR_STRAIGHT: case IR_CUSTOM:
    broken(v, r, "a barrier in an erased program");
  default: break;
  }
}

/* An accumulator's handle is mentioned by updates and free lists alone. */
static void check_handles(const Verify *v, Ref r, const Node *n) {
  for (uint32_t k = 0; k < n->nargs; k++) {
    const Type *t = ir_type(v->p, n->arg[k]);
    demand(v, t || n->op == IR_PROJ, r, "an operand has no value");
    if (t && t->acc) {
      demand(v, n->op == IR_UPD && k == 0, r, "a handle is used as a value");
      demand(v, ir_node(v->p, n->arg[0])->op == IR_PARAM, r, "a handle is not a parameter");
    }
  }
}

/* ---- structured nodes ------------------------------------------------------ */

static void check_region(Verify *v, const Region *r);

static uint32_t expected_regions(Op op) {
  switch (op) {
  case IR_IF: case IR_WHILE: case IR_CUSTOM: return 2;
  case IR_LOOP: case IR_FOLD: case IR_ACCUM: return 1;
  default: return 0;
  }
}

static void check_results(const Verify *v, Ref r, const Node *n) {
  uint32_t count;
  const Type **types;
  const char *why;
  bool fit = infer_results(v->p, n, &count, &types, &why);
  demand(v, fit, r, why);
  demand(v, count == n->nresults, r, "the wrong number of results");
  for (uint32_t k = 0; k < count; k++) {
    demand(v, types[k] == n->result_type[k], r, "a result's type is not what its regions give");
    check_sizes(v, r, types[k]);
  }
}

static void check_free(const Verify *v, Ref r, const Node *n) {
  uint32_t count;
  Ref *refs;
  region_free_list(v->p, n->nregions, n->regions, &count, &refs);
  bool same = count == n->nfree && (!count || !memcmp(refs, n->free, count * sizeof *refs));
  demand(v, same, r, "its list of outer nodes is wrong");
  for (uint32_t k = 0; k < count; k++) check_mention(v, r, refs[k]);
}

static bool any_io(const Verify *v, const Node *n) {
  for (uint32_t k = 0; k < n->nregions; k++)
    for (uint32_t j = 0; j < n->regions[k]->nodes.n; j++)
      if (ir_node(v->p, n->regions[k]->nodes.at[j])->flags & NODE_IO) return true;
  return false;
}

static void check_structured(Verify *v, Ref r, const Node *n) {
  demand(v, n->nregions == expected_regions((Op)n->op), r, "the wrong number of regions");
  demand(v, n->type == NULL, r, "a structured node has a type of its own");
  for (uint32_t k = 0; k < n->nregions; k++) {
    demand(v, n->regions[k]->owner == r, r, "a region does not know its owner");
    check_region(v, n->regions[k]);
  }
  check_results(v, r, n);
  check_free(v, r, n);
  demand(v, any_io(v, n) == !!(n->flags & NODE_IO), r, "the mark of effects is wrong");
}

static void check_node(Verify *v, Ref r) {
  const Node *n = ir_node(v->p, r);
  demand(v, n->op < IR_OP_COUNT && n->op != IR_PARAM, r, "not a node of a list");
  for (uint32_t k = 0; k < n->nargs; k++) check_mention(v, r, n->arg[k]);
  check_handles(v, r, n);
  if (v->p->erased) check_erased(v, r, n);
  if (expected_regions((Op)n->op) || n->nregions) {
    check_structured(v, r, n);
    return;
  }
  check_type(v, r, n);
  demand(v, is_io(n) == !!(n->flags & NODE_IO), r, "the mark of effects is wrong");
}

/* ---- regions --------------------------------------------------------------- */

static void check_params(Verify *v, const Region *r) {
  for (uint32_t k = 0; k < r->params.n; k++) {
    Ref at = r->params.at[k];
    const Node *n = ir_node(v->p, at);
    demand(v, n->op == IR_PARAM && n->region == r->id && n->aux.i == k && n->ordinal == k, at,
           "not the parameter of its region");
    check_sizes(v, at, n->type);
    v->listed[at] = true;
  }
}

/* Nodes of one region stand in increasing order, all before the owner. */
static void check_region(Verify *v, const Region *r) {
  v->open[r->id] = true;
  check_params(v, r);
  Ref last = 0;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref at = r->nodes.at[k];
    const Node *n = ir_node(v->p, at);
    demand(v, at > last && (!r->owner || at < r->owner), at, "out of order");
    demand(v, n->region == r->id && n->ordinal == k, at, "listed in a region not its own");
    last = at;
    check_node(v, at);
    v->listed[at] = true;
  }
  Ref end = r->owner ? r->owner : v->p->nnodes;
  for (uint32_t k = 0; k < r->results.n; k++)
    demand(v, r->results.at[k] < end && v->listed[r->results.at[k]] &&
                v->open[ir_node(v->p, r->results.at[k])->region],
           r->owner, "a result is out of scope");
  v->open[r->id] = false;
}

static void check_outside(const Verify *v) {
  const Sig *s = &v->p->sig;
  for (uint32_t k = 0; k < s->params.n; k++)
    demand(v, ir_node(v->p, s->params.at[k].ref)->op == IR_PARAM, s->params.at[k].ref,
           "the signature names what is not a parameter");
  for (uint32_t k = 0; k < s->results.n; k++) {
    Ref r = s->results.at[k].ref;
    demand(v, !r || (v->listed[r] && ir_node(v->p, r)->region == v->p->root->id), r,
           "the signature names what is no result");
  }
}

void ir_verify(Prog *p, const char *after) {
  Verify v = {.p = p, .after = after};
  v.open = NEWN(p->ctx, bool, p->regions.n);
  v.listed = NEWN(p->ctx, bool, p->nnodes);
  check_region(&v, p->root);
  check_outside(&v);
}
