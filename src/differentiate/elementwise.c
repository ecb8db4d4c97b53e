/* elementwise.c - is an array a function of another one element by element?
 *
 * A value of k axes fewer than x stands under k enclosing builds; it is elementwise when it
 * depends on x only through the element (or slab) that these builds' indices name.  So
 * every read of an elementwise array must use exactly those indices. */
#include "differentiate/activity.h"

enum { FREE, ALIGNED, MIXED };   /* does not depend on x; elementwise; anything else */

typedef struct Aligned {
  Prog *p;
  Ref lo, hi, x;
  uint8_t *state;
  uint32_t rank;              /* of x */
  uint32_t nindex;
  Ref index[MAX_RANK];        /* of the builds around */
} Aligned;

static int state_of(const Aligned *a, Ref r) {
  return r >= a->lo && r <= a->hi ? a->state[r - a->lo] : FREE;
}

static void set_state(Aligned *a, Ref r, int s) {
  if (r >= a->lo && r <= a->hi) a->state[r - a->lo] = (uint8_t)s;
}

static int worst(const Aligned *a, const Node *n) {
  int s = FREE;
  for (uint32_t i = 0; i < n->nargs; i++) {
    int t = state_of(a, n->arg[i]);
    if (t > s) s = t;
  }
  return s;
}

static int read_state(const Aligned *a, const Node *n) {
  int s = state_of(a, n->arg[0]);
  if (s != ALIGNED) return s;
  uint32_t gone = a->rank - ir_type(a->p, n->arg[0])->rank;
  for (uint32_t k = 1; k < n->nargs; k++)
    if (gone + k - 1 >= a->nindex || n->arg[k] != a->index[gone + k - 1]) return MIXED;
  return ALIGNED;
}

static void walk(Aligned *a, const Region *r);

static void walk_fold(Aligned *a, const Node *n) {
  const Region *r = n->regions[0];
  for (int round = 0; round < 3; round++) {
    for (uint32_t k = 1; k < n->nargs; k++) {
      int s = round ? state_of(a, r->results.at[k - 1]) : FREE, t = state_of(a, n->arg[k]);
      int old = round ? state_of(a, r->params.at[k]) : FREE;
      s = s > t ? s : t;
      set_state(a, r->params.at[k], s > old ? s : old);
    }
    walk(a, r);
  }
}

static void walk_loop(Aligned *a, const Node *n) {
  bool builds = true;
  for (uint32_t k = 0; k < n->aux.loop->nout; k++) builds &= n->aux.loop->comb[k] == BUILD;
  uint32_t before = a->nindex;
  if (builds && a->nindex + n->nargs <= MAX_RANK)
    for (uint32_t k = 0; k < n->nargs; k++) a->index[a->nindex++] = n->regions[0]->params.at[k];
  walk(a, n->regions[0]);
  a->nindex = before;
}

static void walk_structured(Aligned *a, const Node *n) {
  if (n->op == IR_FOLD) { walk_fold(a, n); return; }
  if (n->op == IR_LOOP) { walk_loop(a, n); return; }
  const Region *first = n->regions[0];
  for (uint32_t k = 0; n->op == IR_CUSTOM && k < n->nargs; k++)
    set_state(a, first->params.at[k], state_of(a, n->arg[k]));
  for (uint32_t i = 0; i < n->nregions && (n->op != IR_CUSTOM || i == 0); i++) walk(a, n->regions[i]);
}

/* The axes that an aligned value still has must be those of x that no build has taken. */
static int checked_rank(const Aligned *a, Ref r, int s) {
  const Type *t = ir_type(a->p, r);
  if (s != ALIGNED || !t) return s;
  return t->rank + a->nindex == a->rank || t->rank == a->rank ? s : MIXED;
}

static int result_state(const Aligned *a, const Node *n, uint32_t k) {
  const Region *r = n->regions[0];
  switch (n->op) {
  case IR_IF: {
    int s = state_of(a, n->arg[0]), t = state_of(a, r->results.at[k]);
    int u = state_of(a, n->regions[1]->results.at[k]);
    return s > t ? (s > u ? s : u) : (t > u ? t : u);
  }
  case IR_LOOP: case IR_CUSTOM: return state_of(a, r->results.at[k]);
  case IR_FOLD: return k + 1 < n->nargs ? state_of(a, r->params.at[k + 1]) : worst(a, n) ? MIXED : FREE;
  default: {
    int s = worst(a, n);
    for (uint32_t i = 0; i < n->nfree; i++) if (state_of(a, n->free[i])) s = MIXED;
    return s ? MIXED : FREE;
  }
  }
}

static int node_state(const Aligned *a, Ref r) {
  const Node *n = ir_node(a->p, r);
  switch (n->op) {
  case IR_READ: return read_state(a, n);
  case IR_PRIM: case IR_TOREAL: case IR_TOINT: case IR_VAR: case IR_TIE: case IR_SCALE: case IR_STRAIGHT:
    return worst(a, n);
  case IR_STOP: return worst(a, n);
  case IR_PROJ: return result_state(a, ir_node(a->p, n->arg[0]), (uint32_t)n->aux.i);
  default: return worst(a, n) ? MIXED : FREE;
  }
}

static void walk_node(Aligned *a, Ref r) {
  const Node *n = ir_node(a->p, r);
  if (r == a->x) set_state(a, r, ALIGNED);
  else if (n->nregions) walk_structured(a, n);
  else if (n->op != IR_UPD) set_state(a, r, checked_rank(a, r, node_state(a, r)));
}

static void walk(Aligned *a, const Region *r) {
  for (uint32_t i = 0; i < r->nodes.n; i++) walk_node(a, r->nodes.at[i]);
}

bool diff_elementwise(Prog *p, Ref y, Ref x) {
  const Type *ty = ir_type(p, y), *tx = ir_type(p, x);
  if (ty->rank != tx->rank) return false;
  for (uint32_t k = 0; k < tx->rank; k++)
    if (ty->dim[k] != tx->dim[k]) return false;
  Activity need = {0};
  activity_of_results(&need, p, 1, &y, 1, &x, 0, NULL);
  if (!is_active(&need, y)) return true;
  Aligned a = {.p = p, .lo = x, .hi = y, .x = x, .rank = tx->rank};
  a.state = NEWN(p->ctx, uint8_t, (size_t)(y - x) + 1);
  for (Ref r = x; r <= y; r++)
    if (need.need[r - x]) walk_node(&a, r);
  return state_of(&a, y) == ALIGNED;
}
