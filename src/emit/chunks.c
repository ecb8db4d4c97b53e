/* chunks.c - very long regions are cut in pieces that become C functions of their own.
 *
 * A piece is a run of statements of one region.  It ends where, within a window, the
 * fewest of its scalars are still to be read.  Those live in a `keep` array, whose
 * elements are used again once the last piece that reads them is over; arrays are in
 * buffers anyway, and an element of an input is read again.  A row seen from another piece
 * becomes an array of its own.  A list of more elements than a piece has statements stands alone,
 * in pieces of its own, and so do results (put_wide).
 *
 * What a C compiler takes for a piece grows faster than the number of its operations, so
 * that a long statement counts for several.  And compilers try to make vectors of numbers
 * that are stored side by side, which for these is in vain and half of clang's time: what
 * is kept in a row has a gap between each and the next. */
#include "emit/private.h"

enum {
  FOREVER = UINT32_MAX,
  OPERATIONS = 4,        /* so many in a statement count as one statement more */
  APART = 256,           /* kept values with gaps between them, in blocks of twice as many */
};

typedef struct Cuts {
  uint32_t *place;       /* by node: of its text in its region, from 1, or FOREVER: at the end */
  uint32_t *last;        /* by node: the place where it is read last; 0: nowhere */
  uint32_t *dies;        /* by place: values of the piece that are read there last */
} Cuts;

/* What runs again and again stays whole as long as it can: cut, it does not become vectors. */
static bool is_repeated(const Emit *e, const Region *r) {
  for (; r->owner; r = region_of(e, r->owner)) {
    uint16_t op = node(e, r->owner)->op;
    if (op == IR_LOOP || op == IR_FOLD || op == IR_WHILE) return true;
  }
  return false;
}

static uint32_t max_stmts(const Emit *e, const Region *r) {
  if (e->f->o && e->f->o->max_stmts) return e->f->o->max_stmts;
  return for_tcc(e) ? TCC_STMTS : is_repeated(e, r) ? BODY_STMTS : DEFAULT_STMTS;
}

static bool is_statement(const Emit *e, Ref r) {
  const Info *x = info(e, r);
  uint16_t op = node(e, r)->op;
  return x->need && !x->inlined && op != IR_CONST && op != IR_DATA && op != IR_PROJ;
}

/* ---- where values are read ------------------------------------------------------------ */

/* What is written inside another statement stands where that one does; a result, where
 * its node does. */
static void find_places(Emit *e, Cuts *s) {
  for (uint32_t id = 0; id < e->p->regions.n; id++)
    for (uint32_t k = 0; k < e->order[id].n; k++) s->place[e->order[id].at[k]] = k + 1;
  for (Ref r = e->ninfo; r-- > 1;) {
    const Info *x = info(e, r);
    if (x->inlined) s->place[r] = x->user == RESULT_USE ? FOREVER : s->place[x->user];
    if (x->need && node(e, r)->op == IR_PROJ) s->place[r] = s->place[node(e, r)->arg[0]];
  }
}

static void read_at(Cuts *s, Ref a, uint32_t place) {
  if (place > s->last[a]) s->last[a] = place;
}

/* Node u reads a. */
static void read_by(Emit *e, Cuts *s, Ref a, Ref u) {
  while (u && node(e, u)->region != node(e, a)->region) u = region_of(e, u)->owner;
  read_at(s, a, u ? s->place[u] : FOREVER);
}

static void find_reads(Emit *e, Cuts *s) {
  for (Ref r = 1; r < e->ninfo; r++) {
    Node *n = node(e, r);
    if (!info(e, r)->need) continue;
    for (uint32_t k = 0; k < n->nargs; k++) read_by(e, s, n->arg[k], r);
    if (info(e, r)->atom) read_at(s, r, FOREVER);
    for (uint32_t j = 0; j < n->nregions; j++) {
      Region *in = n->regions[j];
      for (uint32_t k = 0; k < in->results.n; k++) {
        Ref a = in->results.at[k];
        if (!info(e, a)->need) continue;
        if (node(e, a)->region == in->id) read_at(s, a, FOREVER);
        else read_by(e, s, a, r);
      }
    }
  }
  const Region *root = e->p->root;
  for (uint32_t k = 0; k < root->results.n; k++)
    if (root->results.at[k]) read_at(s, root->results.at[k], FOREVER);
}

/* ---- cuts ------------------------------------------------------------------------------- */

static uint32_t cut_region(Emit *e, Cuts *s, Region *r);

/* Do operations count?  In the body of a loop they do not, nor for libtcc. */
static bool counts_operations(const Emit *e, const Region *r) {
  return !for_tcc(e) && !is_repeated(e, r);
}

/* Of a statement that says the value. */
static uint32_t value_weight(const Emit *e, Ref r, bool counted) {
  return counted && is_scalar(node(e, r)) ? 1 + info(e, r)->size / OPERATIONS : 1;
}

static uint32_t list_weight(const Emit *e, const Ref *values, uint32_t n, bool counted) {
  uint32_t w = 0;
  for (uint32_t k = 0; k < n; k++)
    w += value_weight(e, values[k], counted && info(e, values[k])->inlined);
  return w;
}

/* `counted`: do its operations count? */
static uint32_t weight(Emit *e, Cuts *s, Ref r, bool counted) {
  const Node *n = node(e, r);
  if (!is_statement(e, r)) return 0;
  uint32_t w = n->op == IR_STACK ? list_weight(e, n->arg, n->nargs, counted)
                                 : value_weight(e, r, counted);
  for (uint32_t k = 0; k < n->nregions; k++) w += cut_region(e, s, n->regions[k]);
  return w;
}

/* Is it a value that some statement behind number k of its region reads? */
static bool outlives(const Emit *e, const Cuts *s, Ref a, uint32_t k) {
  return is_scalar(node(e, a)) && node(e, a)->op != IR_CONST && !info(e, a)->inlined &&
         s->last[a] > k + 1;
}

/* The most that a piece may have; and the least. */
static uint32_t most(uint32_t max) { return max + max / 4; }
static uint32_t fewest(uint32_t max) { return max - max / 4; }

/* A list that has pieces of its own? */
static bool is_wide(const Emit *e, Ref r, uint32_t weight, uint32_t max) {
  const Node *n = node(e, r);
  return n->op == IR_STACK && weight > most(max) && is_scalar(node(e, n->arg[0]));
}

/* The end of the piece that begins with number `from`: where the fewest values are live, among
 * these the place next to `max`. */
static uint32_t piece_end(const Emit *e, Cuts *s, const Order *o, const uint32_t *w, uint32_t from,
                          uint32_t max) {
  uint32_t live = 0, least = UINT32_MAX, filled = 0, end = from, k = from;
  if (is_wide(e, o->at[k], w[k], max)) return k + 1;
  for (; k < o->n && filled < most(max); k++) {
    if (is_wide(e, o->at[k], w[k], max)) {
      end = k;
      break;
    }
    uint32_t last = s->last[o->at[k]];
    if (outlives(e, s, o->at[k], k)) {
      live++;
      if (last != FOREVER) s->dies[last]++;
    }
    live -= s->dies[k + 1];
    s->dies[k + 1] = 0;
    filled += w[k];
    if (filled < fewest(max) || !w[k] || live > least || (live == least && filled > max)) continue;
    least = live;
    end = k + 1;
  }
  for (uint32_t j = from; j < k; j++)
    if (s->last[o->at[j]] != FOREVER) s->dies[s->last[o->at[j]]] = 0;
  return end;
}

/* Cuts it if it is long; gives the statements that are left in its owner. */
static uint32_t cut_region(Emit *e, Cuts *s, Region *r) {
  const Order *o = order_of(e, r);
  uint32_t left = 0, max = max_stmts(e, r), pieces = 0;
  uint32_t *w = NEWN(e->c, uint32_t, o->n + 1);
  bool counted = counts_operations(e, r);
  for (uint32_t k = 0; k < o->n; k++) left += w[k] = weight(e, s, o->at[k], counted);
  if (left <= most(max)) return left;
  e->cut[r->id] = true;
  for (uint32_t from = 0, end; left; from = end, pieces++) {
    end = left <= most(max) ? o->n : piece_end(e, s, o, w, from, max);
    e->nchunks++;
    for (uint32_t k = from; k < end; k++) {
      left -= w[k];
      if (w[k]) info(e, o->at[k])->chunk = e->nchunks;
    }
  }
  return pieces;
}

/* What has no statement of its own belongs to the piece where its text or its node is. */
static void spread_chunks(Emit *e) {
  for (Ref r = e->ninfo; r-- > 1;) {
    Info *x = info(e, r);
    if (!x->need || !e->cut[node(e, r)->region]) continue;
    if (x->inlined) x->chunk = x->user == RESULT_USE ? 0 : info(e, x->user)->chunk;
    if (node(e, r)->op == IR_PROJ) x->chunk = info(e, node(e, r)->arg[0])->chunk;
  }
}

/* ---- what crosses them ------------------------------------------------------------------ */

static bool fixed_view(const Emit *e, const Node *n) {
  for (uint32_t k = 1; k < n->nargs; k++)
    if (node(e, n->arg[k])->op != IR_CONST) return false;
  return true;
}

/* The last piece that reads it, or FOREVER; 0: it does not leave its own. */
static uint32_t crosses_to(const Emit *e, const Cuts *s, Ref a) {
  const Info *x = info(e, a);
  const Node *n = node(e, a);
  uint32_t last = s->last[a];
  if (!x->chunk || x->inlined || !last || n->op == IR_CONST || n->op == IR_DATA) return 0;
  if (last == FOREVER) return FOREVER;
  uint32_t piece = info(e, order_of(e, region_of(e, a))->at[last - 1])->chunk;
  return piece == x->chunk ? 0 : piece;
}

/* A row that another piece sees. */
static void store_rows(Emit *e, const Cuts *s) {
  for (Ref a = 1; a < e->ninfo; a++) {
    Info *x = info(e, a);
    const Node *n = node(e, a);
    if (!x->need || !is_view(n) || n->op != IR_READ || x->buffer || fixed_view(e, n) ||
        !crosses_to(e, s, a))
      continue;
    x->buffer = buffer_new(e, BUF_SLOT, n->type, region_of(e, a), a);
    buffer_live(e, x->buffer, x->begin, x->last);
  }
}

/* Of `size` elements, number k with gaps: first each second one of a block, then those between. */
static uint32_t with_gaps(uint32_t k, uint32_t size) {
  uint32_t start = k - k % (2 * APART), half = (size - start + 1) / 2;
  if (half > APART) half = APART;
  k -= start;
  return start + (k < half ? 2 * k : 2 * (k - half) + 1);
}

static void spread_keeps(Emit *e, const Region *r, uint32_t size) {
  for (uint32_t k = 0; k < order_of(e, r)->n; k++) {
    Info *x = info(e, order_of(e, r)->at[k]);
    if (x->keep == 1) x->keep_at = with_gaps(x->keep_at, size);
  }
}

/* An element of an input, at a place that is known: any piece can read it. */
static bool can_read_again(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  return n->op == IR_READ && is_scalar(n) && !(n->flags & NODE_CHECKED) && !info(e, r)->atom &&
         node(e, n->arg[0])->op == IR_PARAM && root_param(e, n->arg[0]) &&
         !info(e, n->arg[0])->mutable_base && fixed_view(e, n);
}

static void read_again(Emit *e, const Cuts *s) {
  for (Ref r = 1; r < e->ninfo; r++)
    if (info(e, r)->need && can_read_again(e, r) && crosses_to(e, s, r)) info(e, r)->inlined = true;
}

/* Elements of the keep arrays of one region, used again as pieces pass. */
static void assign_keeps(Emit *e, Region *r, const Cuts *s, uint32_t *expire, uint32_t *next) {
  VEC(uint32_t) unused[2] = {{0}, {0}};
  uint32_t size[2] = {0, 0}, swept = 0;
  for (uint32_t k = 0; k < order_of(e, r)->n; k++) {
    Ref a = order_of(e, r)->at[k];
    Info *x = info(e, a);
    uint32_t until = is_scalar(node(e, a)) ? crosses_to(e, s, a) : 0;
    if (!until) continue;
    if (!swept) swept = x->chunk;
    for (; swept < x->chunk; swept++)
      for (Ref old = expire[swept]; old; old = next[old]) {
        int ints = node(e, old)->type->elem != ELEM_REAL;
        VEC_PUSH(e->c, &unused[ints], info(e, old)->keep_at);
      }
    int ints = node(e, a)->type->elem != ELEM_REAL;
    x->keep_at = unused[ints].n ? unused[ints].at[--unused[ints].n] : size[ints]++;
    x->keep = 1u + (unsigned)ints;
    if (until == FOREVER) continue;
    next[a] = expire[until];
    expire[until] = a;
  }
  spread_keeps(e, r, size[0]);
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
  if (e->ninfo <= max_stmts(e, e->p->root)) return;
  Cuts s = {.place = NEWN(e->c, uint32_t, e->ninfo),
            .last = NEWN(e->c, uint32_t, e->ninfo),
            .dies = NEWN(e->c, uint32_t, e->ninfo + 1)};
  find_places(e, &s);
  find_reads(e, &s);
  cut_region(e, &s, e->p->root);
  if (!e->nchunks) return;
  spread_chunks(e);
  store_rows(e, &s);
  read_again(e, &s);
  uint32_t *expire = NEWN(e->c, uint32_t, e->nchunks + 1), *next = NEWN(e->c, uint32_t, e->ninfo);
  for (uint32_t k = 0; k < nregions; k++)
    if (e->cut[k]) assign_keeps(e, e->p->regions.at[k], &s, expire, next);
}

/* ---- lists in pieces of their own ----------------------------------------------------------- */

void put_wide(Emit *e, const Region *r, const Ref *values, uint32_t n, PutOne *put_one,
              Ref owner) {
  bool counted = counts_operations(e, r), inside = e->fn->parts;
  uint32_t max = max_stmts(e, r), number = inside, filled = inside ? 0 : max;
  bool wide = list_weight(e, values, n, counted) > most(max);
  const char *name = inside ? e->fn->cname : str_printf(e->c, "%s_results", e->cname);
  Parts *parts = wide && !inside ? parts_open(e) : e->fn->parts;
  for (uint32_t k = 0; k < n; k++) {
    if (wide && filled >= max) {
      if (number) fn_close(e);
      part_open(e, parts, str_printf(e->c, "%s_%u", name, ++number));
      filled = 0;
    }
    filled += list_weight(e, &values[k], 1, counted);
    e->fn->mixed |= wide && is_array(node(e, values[k]));
    put_one(e, owner, k);
  }
  if (!wide || inside) return;
  fn_close(e);
  parts_close(e, parts);
}
