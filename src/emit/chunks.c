/* chunks.c - very long regions are cut in pieces that become C functions of their own.
 *
 * A piece is a run of statements of one region.  Scalars that a later piece (or what
 * comes after the region) uses live in a `keep` array, whose elements are used again
 * once the last piece that reads them is over; arrays are in buffers anyway.  A row
 * seen from another piece becomes an array of its own. */
#include "emit/private.h"

static uint32_t max_stmts(const Emit *e) {
  if (e->f->o && e->f->o->max_stmts) return e->f->o->max_stmts;
  return e->f->jit ? JIT_STMTS : DEFAULT_STMTS;
}

static bool is_statement(const Emit *e, Ref r) {
  const Info *x = info(e, r);
  uint16_t op = node(e, r)->op;
  return x->need && !x->inlined && op != IR_CONST && op != IR_DATA && op != IR_PROJ;
}

static uint32_t cut_region(Emit *e, Region *r);

static uint32_t weight(Emit *e, Ref r) {
  uint32_t w = 1;
  const Node *n = node(e, r);
  if (!is_statement(e, r)) return 0;
  if (n->op == IR_STACK) w = n->nargs;
  for (uint32_t k = 0; k < n->nregions; k++) w += cut_region(e, n->regions[k]);
  return w;
}

/* Cuts it if it is long; gives the statements that are left in its owner. */
static uint32_t cut_region(Emit *e, Region *r) {
  uint32_t total = 0, max = max_stmts(e);
  uint32_t *w = NEWN(e->c, uint32_t, order_of(e, r)->n + 1);
  for (uint32_t k = 0; k < order_of(e, r)->n; k++) total += w[k] = weight(e, order_of(e, r)->at[k]);
  if (total <= max + max / 4) return total;
  e->cut[r->id] = true;
  uint32_t filled = max, pieces = 0;
  for (uint32_t k = 0; k < order_of(e, r)->n; k++) {
    if (filled >= max && w[k]) {
      e->nchunks++;
      pieces++;
      filled = 0;
    }
    filled += w[k];
    if (w[k]) info(e, order_of(e, r)->at[k])->chunk = e->nchunks;
  }
  return pieces;
}

/* What is written inside another statement belongs to that one's piece; a result to
 * its node's. */
static void spread_chunks(Emit *e) {
  for (Ref r = e->ninfo; r-- > 1;) {
    Info *x = info(e, r);
    if (!x->need || !e->cut[node(e, r)->region]) continue;
    if (x->inlined) x->chunk = x->user == RESULT_USE ? 0 : info(e, x->user)->chunk;
    if (node(e, r)->op == IR_PROJ) x->chunk = info(e, node(e, r)->arg[0])->chunk;
  }
}

/* The piece of region `in` from which node u is seen. */
static uint32_t chunk_seen(const Emit *e, Ref u, uint32_t in) {
  while (node(e, u)->region != in) {
    Ref owner = region_of(e, u)->owner;
    if (!owner) return 0;
    u = owner;
  }
  return info(e, u)->chunk;
}

static bool fixed_view(const Emit *e, const Node *n) {
  for (uint32_t k = 1; k < n->nargs; k++)
    if (node(e, n->arg[k])->op != IR_CONST) return false;
  return true;
}

enum { FOREVER = UINT32_MAX };

typedef struct Keeps { uint32_t *last; } Keeps;  /* by node: last piece that reads it */

static void cross(Emit *e, Keeps *s, Ref a, uint32_t seen) {
  Info *x = info(e, a);
  const Node *n = node(e, a);
  if (!x->chunk || x->inlined || seen == x->chunk || n->op == IR_CONST || n->op == IR_DATA) return;
  if (is_view(n) && n->op == IR_READ && !fixed_view(e, n) && !x->buffer) {
    x->buffer = buffer_new(e, BUF_SLOT, n->type, region_of(e, a), a);
    buffer_live(e, x->buffer, x->begin, x->last);
  }
  if (!is_scalar(n)) return;
  uint32_t until = seen ? seen : FOREVER;
  if (until > s->last[a]) s->last[a] = until;
}

static void find_crossings(Emit *e, Keeps *s) {
  for (Ref r = 1; r < e->ninfo; r++) {
    Node *n = node(e, r);
    if (!info(e, r)->need) continue;
    for (uint32_t k = 0; k < n->nargs; k++)
      if (info(e, n->arg[k])->chunk)
        cross(e, s, n->arg[k], chunk_seen(e, r, node(e, n->arg[k])->region));
    if (info(e, r)->atom) cross(e, s, r, 0);
    for (uint32_t j = 0; j < n->nregions; j++) {
      Region *in = n->regions[j];
      for (uint32_t k = 0; k < in->results.n; k++) {
        Ref a = in->results.at[k];
        if (info(e, a)->need && info(e, a)->chunk)
          cross(e, s, a, node(e, a)->region == in->id ? 0 : chunk_seen(e, r, node(e, a)->region));
      }
    }
  }
  const Region *root = e->p->root;
  for (uint32_t k = 0; k < root->results.n; k++)
    if (root->results.at[k]) cross(e, s, root->results.at[k], 0);
}

/* Elements of the keep arrays of one region, used again as pieces pass. */
static void assign_keeps(Emit *e, Region *r, const Keeps *s, uint32_t *expire, uint32_t *next) {
  VEC(uint32_t) unused[2] = {{0}, {0}};
  uint32_t size[2] = {0, 0}, swept = 0;
  for (uint32_t k = 0; k < order_of(e, r)->n; k++) {
    Ref a = order_of(e, r)->at[k];
    Info *x = info(e, a);
    if (!s->last[a]) continue;
    if (!swept) swept = x->chunk;
    for (; swept < x->chunk; swept++)
      for (Ref old = expire[swept]; old; old = next[old]) {
        int ints = node(e, old)->type->elem != ELEM_REAL;
        VEC_PUSH(e->c, &unused[ints], info(e, old)->keep_at);
      }
    int ints = node(e, a)->type->elem != ELEM_REAL;
    x->keep_at = unused[ints].n ? unused[ints].at[--unused[ints].n] : size[ints]++;
    x->keep = 1u + (unsigned)ints;
    if (s->last[a] == FOREVER) continue;
    next[a] = expire[s->last[a]];
    expire[s->last[a]] = a;
  }
  /* Pointers of arrays allocated at run time. */
  for (uint32_t k = 1; k < e->buffers.n; k++)
    if (e->buffers.at[k].region == r && e->buffers.at[k].kind == BUF_SLOT && e->f->jit &&
        !size_bound(e, e->buffers.at[k].size))
      e->buffers.at[k].kept = ++size[1];
  for (int ints = 0; ints < 2; ints++) {
    if (!size[ints]) continue;
    uint32_t b = buffer_new(e, BUF_SLOT, NULL, r, order_of(e, r)->at[0]);
    e->buffers.at[b].size = size_const(e->p, size[ints]);
    e->buffers.at[b].ints = ints;
    e->buffers.at[b].no_local = true;
    buffer_live(e, b, info(e, order_of(e, r)->at[0])->begin, e->region_end[r->id]);
    e->keep[ints][r->id] = b;
  }
}

void plan_chunks(Emit *e) {
  uint32_t nregions = e->p->regions.n;
  e->cut = NEWN(e->c, bool, nregions);
  for (int k = 0; k < 2; k++) e->keep[k] = NEWN(e->c, uint32_t, nregions);
  cut_region(e, e->p->root);
  if (!e->nchunks) return;
  spread_chunks(e);
  Keeps s = {NEWN(e->c, uint32_t, e->ninfo)};
  find_crossings(e, &s);
  uint32_t *expire = NEWN(e->c, uint32_t, e->nchunks + 1), *next = NEWN(e->c, uint32_t, e->ninfo);
  for (uint32_t k = 0; k < nregions; k++)
    if (e->cut[k]) assign_keeps(e, e->p->regions.at[k], &s, expire, next);
}
