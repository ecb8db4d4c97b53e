/* passes.h - what the later passes share: questions about nodes, and steps of opt_fuse
 * that have a file of their own. */
#ifndef GRADC_PASSES_H
#define GRADC_PASSES_H

#include "optimize/rewrite.h"

/* pipeline.c: runs one pass; what it makes for itself goes with it, and so does p, unless it is
 * `given`, its owner's, or there is nothing to do. */
typedef Prog *(*PassFn)(Prog *p);
Prog *pass_run(Prog *p, const Prog *given, PassFn run);
/* What nothing needs goes. */
Prog *pass_trim(Prog *p, const Prog *given);

typedef VEC(Ref) Refs;
/* Where r stands in a short list, or list->n. */
uint32_t refs_find(const Refs *list, Ref r);
static inline bool refs_have(const Refs *list, Ref r) { return refs_find(list, r) < list->n; }
/* Into a short list that increases. */
void refs_insert(Ctx *c, Refs *list, Ref r);

/* bounds.c: are all subscripts of a READ, WITH or UPD proved to be in range? */
bool bounds_hold(Prog *p, Ref r);

/* Passes in several steps: each takes the place of p, unless that is `given`. */
Prog *simplify_steps(Prog *p, const Prog *given);
Prog *accumulate_steps(Prog *p, const Prog *given);
Prog *fuse_steps(Prog *p, const Prog *given);
Prog *hoist_steps(Prog *p, const Prog *given);

/* Steps of opt_fuse give the same program back where they find nothing to do. */

/* built.c: carried arrays that are written row by row become outputs. */
Prog *fuse_built(Prog *p);
/* nests.c: [[e for j < m] for i < n] is one loop over i and j. */
Prog *fuse_nests(Prog *p);
/* inline.c: reads of a loop's elements become the elements. */
Prog *fuse_inline(Prog *p);
/* join.c: neighbouring loops over the same index space become one, and folds of the same
 * length with parts in common. */
Prog *fuse_join(Prog *p);
/* updates.c: two updates of one element are one. */
Prog *fuse_updates(Prog *p);
/* totals.c: what a loop adds to one place is added behind it. */
Prog *fuse_totals(Prog *p);
/* tabulate.c: what changes only with inner indices is computed in front of the nest. */
Prog *fuse_tabulate(Prog *p);
/* scopes.c: scopes of accumulators take in neighbours with which they share work. */
Prog *fuse_scopes(Prog *p);
/* keep.c: what a later loop would compute again is kept, where that costs less. */
Prog *fuse_keep(Prog *p);
/* The same for folds inside of folds, once it is known what is kept of them. */
Prog *fuse_keep_nested(Prog *p);
/* carries.c: carried values of a fold that are always equal become one. */
Prog *fuse_carries(Prog *p);

/* A new child region of w->k.to->cur, entered, with copies of r's parameters. */
static inline Ref pass_image(void *copy, Ref old) { return copy_ref(copy, old); }
static inline const Type *pass_type(Rewrite *w, const Type *t) {
  return type_map(w->k.to, t, pass_image, &w->k);
}
static inline Ref pass_param(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  Ref r = ir_param(w->k.to, pass_type(w, n->type));
  ir_node(w->k.to, r)->name = n->name;
  ir_node(w->k.to, r)->pos = n->pos;
  copy_set(&w->k, old, r);
  return r;
}
/* Nodes to come have the place of n and are derivative code where n is. */
static inline void pass_as(Rewrite *w, const Node *n) {
  w->k.to->pos = n->pos;
  w->k.to->derivative = (n->flags & NODE_DERIVATIVE) != 0;
}
/* Is computing this primitive again cheaper than a trip through memory? */
bool pass_cheap(const Prog *p, const Node *prim);
/* By Ref: the number of nodes in its regions. */
uint32_t *pass_inside(const Prog *p);
/* Must a node without regions not run where it would not have run: a subscript that is not proved,
 * an int quotient? */
bool pass_may_fail(Prog *p, Ref r);
/* Is a subscript checked in the region, or in those inside? */
bool pass_checks(const Prog *p, const Region *r);
/* Is this zero, or an array of zeros? */
bool pass_zero(const Prog *p, Ref r);
/* The copy of an extent; a constant one is said anew, as it may stand further in. */
Ref pass_extent(Rewrite *w, Ref old);
/* The structured node like `old` on other operands and regions. */
Ref pass_structured(Rewrite *w, const Node *old, uint32_t narg, const Ref *arg, Region **r,
                    const Combiner *comb);

#endif
