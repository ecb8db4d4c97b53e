/* verbatim.c - structured nodes copied as they are, with all that is in them.
 *
 * Where a pass has nothing to do in a node's regions, the constructors would infer, fold and look
 * up what is known already.  Requires erased programs.  What the node mentions must have kept its
 * operator and type; then types, flags and the order of nodes inside are those of the old program.
 * Linear; recursion goes over the nesting of regions alone. */
#include "ir/private.h"

static Ref image(void *copy, Ref old) {
  return copy_ref(copy, old);
}

enum { TYPES = 16 };

/* Types are few: the copies of the last ones are at hand. */
typedef struct Whole {
  Copy *k;
  bool other_hashes;   /* not those of the old program */
  struct { const Type *old, *copy; } type[TYPES];
} Whole;

static const Type *type_of(Whole *w, const Type *old) {
  if (!old) return NULL;
  if (old->rank == 0 && !old->acc) return type_scalar(w->k->to, old->elem);
  size_t at = (uintptr_t)old / sizeof(void *) / 4 % TYPES;
  if (w->type[at].old != old) {
    w->type[at].old = old;
    w->type[at].copy = type_map(w->k->to, old, image, w->k);
  }
  return w->type[at].copy;
}

/* ---- may it be done? --------------------------------------------------------- */

/* Is the copy of `old` to those who mention it what `old` was: the same operator and type?  What
 * that is made of may have changed, and then hashes have. */
static bool looks_the_same(Whole *w, Ref old) {
  const Copy *k = w->k;
  Ref r = k->map[old];
  if (!r) return false;
  const Node *n = ir_node(k->from, old), *m = ir_node(k->to, r);
  if (m->hash != n->hash) {
    if (!ir_alike(m, n) || m->op == IR_DATA) return false;
    w->other_hashes = true;
  }
  return m->op == n->op && node_visible(k->to, m) && m->type == type_of(w, n->type);
}

/* The copies of what is mentioned, in order; false: two have become one. */
static bool copy_free(const Copy *k, const Node *n, Ref *copy) {
  for (uint32_t j = 0; j < n->nfree; j++) copy[j] = k->map[n->free[j]];
  return refs_unique(copy, n->nfree) == n->nfree;
}

static bool all_look_the_same(Whole *w, const Node *n) {
  for (uint32_t j = 0; j < n->nargs; j++)
    if (!looks_the_same(w, n->arg[j])) return false;
  for (uint32_t j = 0; j < n->nfree; j++)
    if (!looks_the_same(w, n->free[j])) return false;
  return true;
}

/* ---- regions ------------------------------------------------------------------ */

static void copy_param(Whole *w, Ref old) {
  Copy *k = w->k;
  const Node *n = ir_node(k->from, old);
  Ref r = ir_param(k->to, type_of(w, n->type));
  Node *m = ir_node(k->to, r);
  m->name = n->name;
  m->pos = n->pos;
  m->flags = n->flags;
  copy_set(k, old, r);
}

static void copy_inside(Whole *w, Ref old);

static Region *copy_whole(Whole *w, const Region *r) {
  Copy *k = w->k;
  Region *copy = ir_begin_like(k->to, r);
  for (uint32_t j = 0; j < r->params.n; j++) copy_param(w, r->params.at[j]);
  for (uint32_t j = 0; j < r->nodes.n; j++) copy_inside(w, r->nodes.at[j]);
  for (uint32_t j = 0; j < r->results.n; j++) ir_result(k->to, copy_ref(k, r->results.at[j]));
  if (w->other_hashes) hash_region(k->to, copy);
  else copy->hash = r->hash;
  k->to->cur = copy->parent;
  return copy;
}

/* A region's parameters run over its loop's operands. */
static void copy_extents(Prog *to, const Node *n, Region *r, const Region *old) {
  Region *here = to->cur;
  to->cur = r;
  if (n->op == IR_LOOP || n->op == IR_FOLD) ir_set_extents(to, old->extents.n, n->arg);
  to->cur = here;
}

/* ---- nodes -------------------------------------------------------------------- */

/* The node with copies of its operands, in `few` if they fit; the rest is the old one's. */
static Node draft_of(Whole *w, const Node *n, Few *few) {
  Node d = *n;
  d.call = NULL;
  if (d.op == IR_CONST) d.name = NULL;
  d.type = type_of(w, n->type);
  d.arg = copy_args(w->k, n, few);
  return d;
}

/* The rest of a structured node. */
static void copy_rest(Whole *w, const Node *n, Node *d) {
  Prog *to = w->k->to;
  d->regions = PROG_NEWN(to, Region *, n->nregions);
  for (uint32_t j = 0; j < n->nregions; j++) {
    d->regions[j] = copy_whole(w, n->regions[j]);
    copy_extents(to, d, d->regions[j], n->regions[j]);
  }
  d->result_type = PROG_NEWN(to, const Type *, room_for(n->nresults));
  for (uint32_t j = 0; j < n->nresults; j++) d->result_type[j] = type_of(w, n->result_type[j]);
  if (n->op == IR_LOOP || n->op == IR_FOLD)
    d->aux.loop = loop_attr(to, n->aux.loop->nout, n->aux.loop->comb);
}

static void copy_inside(Whole *w, Ref old) {
  Copy *k = w->k;
  const Node *n = ir_node(k->from, old);
  Few few;
  Node d = draft_of(w, n, &few);
  if (n->nregions) {
    copy_rest(w, n, &d);
    d.free = PROG_NEWN(k->to, Ref, n->nfree);
    copy_free(k, n, d.free);
  }
  if (w->other_hashes) hash_node(k->to, &d);
  Ref r = node_put(k->to, &d);
  for (uint32_t j = 0; j < n->nregions; j++) d.regions[j]->owner = r;
  copy_set(k, old, r);
}

Ref copy_as_it_is(Copy *k, Ref old) {
  Prog *to = k->to;
  const Node *n = ir_node(k->from, old);
  Whole w = {.k = k};
  if (!to->erased || !k->from->erased || to->fresh || !all_look_the_same(&w, n)) return 0;
  Ref *free_refs = PROG_NEWN(to, Ref, n->nfree);
  if (!copy_free(k, n, free_refs)) return 0;
  Few few;
  Node d = draft_of(&w, n, &few);
  copy_rest(&w, n, &d);
  d.free = free_refs;
  uint32_t before = to->nnodes;
  Ref r = w.other_hashes ? node_intern(to, &d) : node_intern_like(to, &d);
  for (uint32_t j = 0; j < n->nregions && to->nnodes > before; j++) d.regions[j]->owner = r;
  return r;
}
