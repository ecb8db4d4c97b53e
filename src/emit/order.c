/* order.c - the order of statements within a region: the program's own, but that a node
 * which replaces an element (`with`) goes behind the last read of the old array, where
 * nothing needs the new one before.  Then it can be done in place. */
#include "emit/private.h"

#include <stdlib.h>

typedef struct Move { uint32_t after, k; } Move;   /* node k of the region goes after another */

static int by_target(const void *a, const void *b) {
  const Move *x = a, *y = b;
  if (x->after != y->after) return x->after < y->after ? -1 : 1;
  return x->k < y->k ? -1 : x->k > y->k;
}

/* The place in `region` of the node that a use belongs to; UINT32_MAX: the end. */
static uint32_t place_of(const Emit *e, const Use *u, const Region *region, const uint32_t *place) {
  Ref r = u->user;
  if (r == RESULT_USE) {
    if (u->region == region->id) return UINT32_MAX;
    r = e->p->regions.at[u->region]->owner;
  }
  while (node(e, r)->region != region->id) {
    r = region_of(e, r)->owner;
    if (!r) return UINT32_MAX;
  }
  return place[r];
}

static void span_of(const Emit *e, Ref a, const Region *in, const uint32_t *place, Ref but,
                    uint32_t *first, uint32_t *last) {
  *first = UINT32_MAX;
  *last = 0;
  for (uint32_t k = info(e, a)->use_head; k; k = e->uses.at[k].next) {
    const Use *u = &e->uses.at[k];
    if (u->user == but || u->early || !region_inside(e, u->region, in)) continue;
    uint32_t at = place_of(e, u, in, place);
    if (at < *first) *first = at;
    if (at > *last) *last = at;
  }
}

/* Where node k, a `with`, should go: behind the place given, or 0: it stays. */
static uint32_t target(const Emit *e, const Region *r, uint32_t k, const uint32_t *place) {
  Ref w = r->nodes.at[k], a = node(e, w)->arg[0];
  uint32_t first, last, first_use, last_use;
  if (node(e, a)->op != IR_PARAM && region_of(e, a) != r) return 0;
  span_of(e, a, r, place, w, &first, &last);
  span_of(e, w, r, place, 0, &first_use, &last_use);
  if (last <= place[w] || last == UINT32_MAX || first_use <= last) return 0;
  return last;
}

static void reorder(Emit *e, Region *r, const uint32_t *place) {
  VEC(Move) moves = {0};
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref w = r->nodes.at[k];
    if (node(e, w)->op != IR_WITH || !info(e, w)->need) continue;
    uint32_t after = target(e, r, k, place);
    if (after) VEC_PUSH(e->c, &moves, ((Move){after, k}));
  }
  if (!moves.n) return;
  qsort(moves.at, moves.n, sizeof *moves.at, by_target);
  Ref *at = NEWN(e->c, Ref, r->nodes.n);
  bool *moved = NEWN(e->c, bool, r->nodes.n);
  for (uint32_t m = 0; m < moves.n; m++) moved[moves.at[m].k] = true;
  uint32_t n = 0, m = 0;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    if (!moved[k]) at[n++] = r->nodes.at[k];
    for (; m < moves.n && moves.at[m].after == k + 1; m++) at[n++] = r->nodes.at[moves.at[m].k];
  }
  e->order[r->id] = (Order){at, n};
}

void plan_order(Emit *e) {
  uint32_t *place = NEWN(e->c, uint32_t, e->ninfo); /* in its region, from 1 */
  bool any = false;
  for (uint32_t id = 0; id < e->p->regions.n; id++) {
    const Region *r = e->p->regions.at[id];
    for (uint32_t k = 0; r && k < r->nodes.n; k++) {
      place[r->nodes.at[k]] = k + 1;
      any |= node(e, r->nodes.at[k])->op == IR_WITH;
    }
  }
  for (uint32_t id = 0; any && id < e->p->regions.n; id++) {
    Region *r = e->p->regions.at[id];
    if (r && (r->owner || r == e->p->root)) reorder(e, r, place);
  }
}
