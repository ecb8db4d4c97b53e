/* drop.c - what is not needed leaves a program where that stands.
 *
 * Requires an erased program without choices on constants, and a fold that is to become a loop in
 * none.  What is left stays at its Ref; its types, flags and hashes, and the numbers
 * of regions, are those that a copy would have.  A node that goes becomes a constant
 * that is in no list, so that who looks at all Refs finds nothing.  Only what has changed is
 * hashed again.  Linear; recursion goes over the nesting of regions alone. */
#include "ir/private.h"

typedef struct Drop {
  Prog *p;
  const Keep *keep;
  bool *changed;         /* by Ref: its hash, or which results it has */
  const Type *seen;      /* the last array type met */
  uint32_t nregions;     /* numbered so far */
} Drop;

static bool drop_region(Drop *d, Region *r, Ref of, uint32_t from);

/* ---- nodes ------------------------------------------------------------------ */

/* The sizes of an array that is left are sizes that arrays have. */
static void see(Drop *d, const Type *t) {
  if (!t || !t->rank || t->acc || t == d->seen) return;
  for (uint32_t k = 0; k < t->rank; k++) size_seen(d->p, t->dim[k]);
  d->seen = t;
}

/* Did the node become another in its hash? */
static bool hash_again(const Prog *p, Node *n) {
  uint32_t before = n->hash;
  hash_node(p, n);
  return n->hash != before;
}

/* May a node fail that could not be ruled out to? */
static bool flag_again(Prog *p, Node *n) {
  if (!(n->flags & NODE_STAYS) || node_may_fail(p, n)) return false;
  n->flags &= (uint16_t)~NODE_STAYS;
  return true;
}

static bool drop_in_plain(Drop *d, Ref at) {
  Node *n = ir_node(d->p, at);
  bool other = false;
  see(d, n->type);
  if (n->op == IR_CONST) n->name = NULL;
  for (uint32_t k = 0; k < n->nargs; k++) other |= d->changed[n->arg[k]];
  if (n->op == IR_PROJ) n->aux.i = d->keep->number[d->keep->first[n->arg[0]] + n->aux.i];
  d->changed[at] = other && hash_again(d->p, n);
  return flag_again(d->p, n) || d->changed[at];
}

/* ---- structured nodes --------------------------------------------------------- */

static bool drop_outputs(Drop *d, Ref at) {
  Node *n = ir_node(d->p, at);
  uint32_t kept = 0, first = n->nresults, nout = 0;
  LoopAttr *a = n->op == IR_LOOP || n->op == IR_FOLD ? n->aux.loop : NULL;
  if (a) first -= a->nout;
  for (uint32_t k = 0; k < n->nresults; k++) {
    bool trips = n->op == IR_WHILE && k + 1 == n->nresults;
    if (!trips && !keeps_result(d->keep, at, k)) continue;
    see(d, n->result_type[k]);
    n->result_type[kept++] = n->result_type[k];
    if (a && k >= first) a->comb[nout++] = a->comb[k - first];
  }
  bool fewer = kept < n->nresults;
  n->nresults = kept;
  if (a) a->nout = nout;
  return fewer;
}

static void drop_operands(Drop *d, Ref at) {
  Node *n = ir_node(d->p, at);
  if (n->op == IR_FOLD || n->op == IR_WHILE) n->nargs = keep_args(d->keep, d->p, at, n->arg, 1);
  if (n->op == IR_ACCUM) n->nargs = keep_args(d->keep, d->p, at, n->arg, 0);
}

static bool drop_in_structured(Drop *d, Ref at) {
  Node *n = ir_node(d->p, at);
  bool other = false;
  for (uint32_t k = 0; k < n->nargs; k++) other |= d->changed[n->arg[k]];
  for (uint32_t k = 0; k < n->nregions; k++) {
    bool condition = n->op == IR_WHILE && k == 0;
    uint32_t from = n->op == IR_ACCUM ? n->nargs : 0;
    other |= drop_region(d, n->regions[k], condition ? 0 : at, from);
  }
  other |= drop_outputs(d, at);
  drop_operands(d, at);
  d->changed[at] = other;
  if (!other) return false;
  n->flags &= (uint16_t)~NODE_STAYS;
  inherit(d->p, n);
  hash_node(d->p, n);
  return true;
}

/* ---- regions -------------------------------------------------------------------- */

static bool drop_params(Drop *d, Region *r) {
  uint32_t kept = 0;
  for (uint32_t k = 0; k < r->params.n; k++) {
    Ref at = r->params.at[k];
    Node *n = ir_node(d->p, at);
    if (!keeps_param(d->keep, d->p, r, k)) continue;
    d->keep->live[at] = true; /* that of a loop may have no user */
    n->region = r->id;
    see(d, n->type);
    if (kept < k) {
      n->aux.i = n->ordinal = kept;
      hash_param(n);
      d->changed[at] = true;
    }
    r->params.at[kept++] = at;
  }
  bool fewer = kept < r->params.n;
  r->params.n = kept;
  return fewer;
}

static bool drop_nodes(Drop *d, Region *r) {
  uint32_t kept = 0;
  bool other = false;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref at = r->nodes.at[k];
    Node *n = ir_node(d->p, at);
    if (!d->keep->live[at]) continue;
    n->region = r->id;
    n->ordinal = kept;
    r->nodes.at[kept++] = at;
    other |= n->nregions ? drop_in_structured(d, at) : drop_in_plain(d, at);
  }
  other |= kept < r->nodes.n;
  r->nodes.n = kept;
  return other;
}

static bool drop_results(Drop *d, Region *r, Ref of, uint32_t from) {
  uint32_t kept = 0;
  for (uint32_t k = 0; k < r->results.n; k++)
    if (keeps_result(d->keep, of, from + k)) r->results.at[kept++] = r->results.at[k];
  bool fewer = kept < r->results.n;
  r->results.n = kept;
  return fewer;
}

/* The region's result k is result from + k of `of` (0: all are kept).  Has anything changed? */
static bool drop_region(Drop *d, Region *r, Ref of, uint32_t from) {
  r->id = d->nregions;
  d->p->regions.at[d->nregions++] = r;
  bool other = drop_params(d, r);
  other |= drop_nodes(d, r);
  other |= drop_results(d, r, of, from);
  if (other && r->owner) hash_region(d->p, r);
  return other;
}

/* ---- programs ------------------------------------------------------------------- */

static void bury(Drop *d) {
  const Type *type = type_scalar(d->p, ELEM_INT);
  for (Ref r = 1; r < d->p->nnodes; r++)
    if (!d->keep->live[r])
      *ir_node(d->p, r) = (Node){.op = IR_CONST, .type = type, .ordinal = UINT32_MAX};
}

void drop_rest(Prog *p, const Keep *keep) {
  Drop d = {.p = p, .keep = keep, .changed = NEWN(p->ctx, bool, p->nnodes)};
  cons_forget_all(p);
  sizes_forget_seen(p);
  drop_region(&d, p->root, 0, 0);
  p->regions.n = d.nregions;
  bury(&d);
  p->derivative = p->fresh = false;
  p->pos = (Span){0};
  p->call = NULL;
  arena_release(p->ctx, d.changed, sizeof *d.changed * p->nnodes);
}
