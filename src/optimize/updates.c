/* updates.c - a step of opt_fuse: what one region adds to one element twice, it adds once.
 *
 * Requires: barriers gone.  `h[i] += a; … h[i] += b` in one region becomes `h[i] += a + b` in
 * the place of the last: each update is a trip through memory.  Not with --ieee.  Linear: updates
 * are looked for among the latest of their region. */
#include "optimize/share.h"

enum { MAX_ADDED = 8 };

/* ---- loops that add to the same elements ------------------------------------------------- */

/* Is it the same index, where the loops' rounds are the same? */
static bool same_subscript(const Region *a, const Region *b, Ref x, Ref y) {
  if (x == y) return true;
  for (uint32_t k = 0; k < a->params.n && k < b->params.n; k++)
    if (a->params.at[k] == x && b->params.at[k] == y) return true;
  return false;
}

static bool same_elements(const Node *x, const Region *a, const Node *y, const Region *b) {
  if (x->arg[0] != y->arg[0] || x->nargs != y->nargs || x->nargs < 3) return false;
  if ((x->flags | y->flags) & NODE_CHECKED) return false;
  for (uint32_t k = 2; k < x->nargs; k++)
    if (!same_subscript(a, b, x->arg[k], y->arg[k])) return false;
  return true;
}

static uint32_t find_updates(const Prog *p, const Region *r, const Node **found) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < r->nodes.n && n < MAX_ADDED; k++) {
    const Node *m = ir_node(p, r->nodes.at[k]);
    if (m->op == IR_UPD && ir_type(p, m->arg[1])->rank == 0) found[n++] = m;
  }
  return n;
}

bool adds_alike(const Prog *p, const Node *a, const Node *b) {
  const Node *in_a[MAX_ADDED], *in_b[MAX_ADDED];
  const Region *x = a->regions[0], *y = b->regions[0];
  uint32_t n = find_updates(p, x, in_a), m = n ? find_updates(p, y, in_b) : 0;
  for (uint32_t k = 0; k < n; k++)
    for (uint32_t j = 0; j < m; j++)
      if (same_elements(in_a[k], x, in_b[j], y)) return true;
  return false;
}

bool only_adds(const Prog *p, const Node *n) {
  const Region *body = n->regions[0];
  if (n->op != IR_LOOP || n->nresults || !n->nargs || (n->flags & NODE_IO)) return false;
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    const Node *m = ir_node(p, body->nodes.at[k]);
    if (m->nregions || (m->flags & NODE_CHECKED)) return false;
  }
  return true;
}

/* ---- one update of two -------------------------------------------------------------------- */

typedef struct Updates {
  Ref *next;                /* by Ref of an update: a later one of the same element, or 0 */
  Ref *before;              /* the earlier one, or 0 */
  bool any;
} Updates;

static void chain_region(Updates *s, const Prog *p, const Region *r) {
  Ref latest[MAX_ADDED];
  uint32_t n = 0;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref u = r->nodes.at[k];
    const Node *m = ir_node(p, u);
    if (m->op != IR_UPD || ir_type(p, m->arg[1])->rank) continue;
    for (uint32_t j = 0; j < n && j < MAX_ADDED && !s->before[u]; j++) {
      if (!same_elements(ir_node(p, latest[j]), r, m, r)) continue;
      s->next[latest[j]] = u;
      s->before[u] = latest[j];
      latest[j] = u;
      s->any = true;
    }
    if (!s->before[u]) latest[n++ % MAX_ADDED] = u;
  }
}

static Ref visit(Rewrite *w, Ref old) {
  const Updates *s = w->self;
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  if (n->op != IR_UPD) return 0;
  if (s->next[old]) return REWRITE_GONE;
  if (!s->before[old]) return 0;
  Ref sum = copy_ref(&w->k, n->arg[1]), index[MAX_RANK];
  for (Ref u = s->before[old]; u; u = s->before[u])
    sum = ir_add(to, copy_ref(&w->k, ir_node(w->k.from, u)->arg[1]), sum);
  for (uint32_t k = 2; k < n->nargs; k++) index[k - 2] = copy_ref(&w->k, n->arg[k]);
  ir_upd(to, copy_ref(&w->k, n->arg[0]), sum, n->nargs - 2, index, false);
  return REWRITE_GONE;
}

Prog *fuse_updates(Prog *p) {
  if (p->ctx->opt.ieee) return p;
  Updates s = {NEWN(p->ctx, Ref, p->nnodes), NEWN(p->ctx, Ref, p->nnodes), false};
  for (uint32_t k = 0; k < p->regions.n; k++) chain_region(&s, p, p->regions.at[k]);
  Prog *to = p;
  if (s.any) to = rewrite_program(&(Rewrite){.node = visit, .self = &s}, p);
  arena_release(p->ctx, s.next, sizeof *s.next * p->nnodes);
  arena_release(p->ctx, s.before, sizeof *s.before * p->nnodes);
  return to;
}
