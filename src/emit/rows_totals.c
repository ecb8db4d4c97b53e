/* rows_totals.c - partial sums that run over all blocks of rows side by side.
 *
 * To add up the partial sums of a block for each element (rows_sums.c) costs more than the terms
 * where walks are short.  So where the arrays that the rows share are small, each of their elements
 * has 8 partial sums in the workspace, from the first block to the last.  With 16 rows, number q
 * gets the terms of rows q and q + 8 of each block, one after the other; in the end the element
 * gets ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7])).  Small is what the first
 * cache holds beside all else, or the second where the innermost walk is short; and not much for
 * each row, for the sums are cleared and added up.
 *
 *   if (8*n <= (n <= 24 ? 65536 : 2048) && 8*n <= 64*m) {
 *     for (int64_t i = 0; i < 8*n; i++) w[i] = 0.0;
 *     for (int64_t i = 0; i < m - m%16; i += 16) {
 *       …
 *         double *const p = w + k*8;
 *         for (int64_t q = 0; q < 8; q++) {
 *           int64_t l = q;
 *           double total = p[q];
 *           total += v[l];
 *           l += 8;
 *           total += v[l];
 *           p[q] = total;
 *         }
 *     }
 *     for (int64_t i = 0; i < n; i++) {
 *       const double *const p = w + i*8;
 *       h[i] += …;
 *     }
 *   } else {
 *     …
 *   }
 *
 * What the sizes of the program tell beforehand is not asked.  Updates whose loop goes along the
 * walk stay as they are. */
#include "emit/private.h"

enum {
  SHORT_WALK = 24,       /* rounds */
  MOST = 65536,          /* partial sums of a loop with such a walk; */
  LONG_MOST = 2048,      /* with another; */
  ROW_MOST = 64,         /* so many for each row */
  NODES_MOST = 300       /* of a body, which is written once more */
};

typedef struct Total {
  Ref update;
  Size first, count;     /* of its array: where they begin, in elements; how many there are */
  const char *cname;     /* while they are there */
} Total;

struct Totals {
  Ref loop;
  VEC(Total) at;
  Size count;            /* partial sums of all */
  Size walk;             /* most rounds of the loop around the innermost of them, if known in front */
  uint32_t depth;        /* so many loops of the row are around that; 0: none */
  uint32_t buffer;
};

/* ---- plan -------------------------------------------------------------------------------- */

/* Is the update's array one that stands at the start of its buffer, of a size known in front? */
static bool add_total(Emit *e, Totals *t, Ref r) {
  const Node *n = node(e, r);
  Ref array = n->arg[0];
  const Type *type = node(e, array)->type;
  if (!type->rank || n->nargs - 2 != type->rank || !info(e, array)->buffer) return false;
  Total x = {.update = r, .first = t->count, .count = array_size(e, type)};
  if (size_bound(e, x.count) != x.count) return false;
  t->count = size_add(e->p, t->count, x.count);
  VEC_PUSH(e->c, &t->at, x);
  return true;
}

/* The longer of two walks, if that is known. */
static Size longer(Emit *e, Size a, Size b) {
  if (!a || !b) return NULL;
  if (size_nonneg(e->p, size_sub(e->p, a, b))) return a;
  return size_nonneg(e->p, size_sub(e->p, b, a)) ? b : NULL;
}

/* The loops of the row around a region: how many, and the innermost. */
typedef struct Nest { uint32_t depth; Ref inner; } Nest;

static void note_walk(Emit *e, Totals *t, Nest in) {
  const Node *n = node(e, in.inner);
  if (!in.depth || in.depth < t->depth) return;
  Size walk = size_bound(e, size_atom(e->p, n->arg[n->op == IR_FOLD ? 0 : n->nargs - 1]));
  t->walk = in.depth > t->depth ? walk : longer(e, t->walk, walk);
  t->depth = in.depth;
}

static bool find_totals(Emit *e, Totals *t, const Region *body, Nest in, uint32_t *nodes) {
  *nodes += body->nodes.n;
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    Ref r = body->nodes.at[k];
    const Node *n = node(e, r);
    if (!info(e, r)->need) continue;
    if (info(e, r)->parts && (!info(e, r)->behind || info(e, body->owner)->abreast)) {
      if (!add_total(e, t, r)) return false;
      note_walk(e, t, in);
    }
    bool loop = n->op == IR_LOOP || n->op == IR_FOLD;
    Nest inside = {in.depth + loop, loop ? r : in.inner};
    for (uint32_t j = 0; j < n->nregions; j++)
      if (!find_totals(e, t, n->regions[j], inside, nodes)) return false;
  }
  return true;
}

static Ref last_extent(const Emit *e, Ref loop) {
  return node(e, loop)->arg[node(e, loop)->nargs - 1];
}

/* What can be told beforehand. */
typedef enum Holds { NEVER, ASK, SURELY } Holds;

static Holds at_most(Size s, int64_t most) {
  int64_t n;
  return !s ? NEVER : !size_is_const(s, &n) ? ASK : n <= most ? SURELY : NEVER;
}

static Holds is_short(const Totals *t) { return at_most(t->walk, SHORT_WALK); }

static Holds few_at_all(const Totals *t) {
  Holds few = at_most(t->count, is_short(t) == NEVER ? LONG_MOST : MOST);
  if (few != SURELY || is_short(t) != ASK) return few;
  return at_most(t->count, LONG_MOST) == SURELY ? SURELY : ASK;
}

static Holds few_for_rows(const Emit *e, const Totals *t, bool blocks) {
  double rows;
  if (blocks || !ir_is_const(e->p, last_extent(e, t->loop), &rows)) return ASK;
  return at_most(t->count, (int64_t)(ROW_MOST*rows));
}

static void take_buffer(Emit *e, Totals *t) {
  const Type *type = type_array(e->p, ELEM_REAL, 1, &t->count);
  uint32_t b = t->buffer = buffer_new(e, BUF_SLOT, type, node(e, t->loop)->regions[0], t->loop);
  e->buffers.at[b].no_local = true;
  if (few_at_all(t) == ASK) e->buffers.at[b].most = is_short(t) == NEVER ? LONG_MOST : MOST;
  buffer_live(e, b, info(e, t->loop)->begin, info(e, t->loop)->end);
}

void plan_totals(Emit *e, Ref loop) {
  Totals t = {.loop = loop, .count = size_const(e->p, 0)};
  uint32_t nodes = 0;
  if (!has_rows(e, loop) || !find_totals(e, &t, node(e, loop)->regions[0], (Nest){0, loop}, &nodes))
    return;
  if (!t.depth || nodes > NODES_MOST) return;
  t.count = size_scale(e->p, t.count, TOTAL_PARTS, 1);
  if (few_at_all(&t) == NEVER || few_for_rows(e, &t, for_openmp(e)) == NEVER) return;
  take_buffer(e, &t);
  Totals *kept = NEW(e->c, Totals);
  *kept = t;
  VEC_PUSH(e->c, &e->all_totals, kept);
  info(e, loop)->totals = e->all_totals.n;
}

/* ---- text -------------------------------------------------------------------------------- */

/* 8*n <= (n <= 24 ? 65536 : 2048) */
static void put_at_all(Emit *e, const Totals *t) {
  put_size(e, t->count, PREC_ADD);
  put(e, " <= ");
  if (is_short(t) == ASK) {
    put(e, "(");
    put_size(e, t->walk, PREC_ADD);
    putf(e, " <= %d ? %d : %d)", SHORT_WALK, MOST, LONG_MOST);
  } else {
    putf(e, "%d", is_short(t) == SURELY ? MOST : LONG_MOST);
  }
}

/* 8*n <= 64*m */
static void put_for_rows(Emit *e, const Totals *t, const InBlocks *b) {
  put_size(e, t->count, PREC_ADD);
  if (b->first) putf(e, " <= %d*(%s - %s)", ROW_MOST, b->end, b->first);
  else putf(e, " <= %d*%s", ROW_MOST, expr_text(e, last_extent(e, t->loop), PREC_MUL));
}

/* if (…), as far as that has to be asked. */
static bool open_question(Emit *e, const Totals *t, const InBlocks *b) {
  bool at_all = few_at_all(t) == ASK, for_rows = few_for_rows(e, t, b->first != NULL) == ASK;
  if (!at_all && !for_rows) return false;
  line_start(e);
  put(e, "if (");
  if (at_all) put_at_all(e, t);
  if (at_all && for_rows) put(e, " && ");
  if (for_rows) put_for_rows(e, t, b);
  put(e, ")");
  block_open(e, "");
  return true;
}

/* for (int64_t i = 0; i < n; i++) */
static const char *open_elements(Emit *e, Size count) {
  const char *i = c_fresh(e, "i");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < ", i, i);
  put_size(e, count, PREC_ADD);
  putf(e, "; %s++)", i);
  return i;
}

static void clear_totals(Emit *e, Totals *t) {
  const char *all = ref_buffer(e, t->buffer);
  uint32_t scope = scope_open(e);
  const char *i = open_elements(e, t->count);
  putf(e, " %s[%s] = ", all, i);
  put_real(e, 0, PREC_ANY);
  line_end(e, ";");
  scope_close(e, scope);
  for (uint32_t k = 0; k < t->at.n; k++) {
    Total *x = &t->at.at[k];
    x->cname = all;
    if (!x->first->n) continue;
    x->cname = c_fresh(e, "sums");
    line_start(e);
    putf(e, "%s *const %s = %s + ", e->f->real, x->cname, all);
    put_size(e, size_scale(e->p, x->first, TOTAL_PARTS, 1), PREC_ADD);
    line_end(e, ";");
  }
}

bool open_totals(Emit *e, Ref loop, const InBlocks *blocks, bool *sure) {
  if (!info(e, loop)->totals) return false;
  Totals *t = e->all_totals.at[info(e, loop)->totals - 1];
  if (few_for_rows(e, t, blocks->first != NULL) == NEVER) return false;
  *sure = !open_question(e, t, blocks);
  clear_totals(e, t);
  e->totals = t;
  return true;
}

void close_totals(Emit *e) {
  const Totals *t = e->totals;
  e->totals = NULL;
  for (uint32_t k = 0; k < t->at.n; k++) {
    const Total *x = &t->at.at[k];
    uint32_t scope = scope_open(e);
    const char *i = open_elements(e, x->count), *p = c_fresh(e, "p");
    block_open(e, "");
    line(e, "const %s *const %s = %s + %s*%d;", e->f->real, p, x->cname, i, TOTAL_PARTS);
    line_start(e);
    putf(e, "%s[%s] += ", ref_buffer(e, info(e, node(e, x->update)->arg[0])->buffer), i);
    put_tree(e, p, " + ", TOTAL_PARTS);
    line_end(e, ";");
    block_close(e);
    scope_close(e, scope);
  }
}

static const Total *total_of(const Emit *e, Ref r) {
  for (uint32_t k = 0; e->totals && k < e->totals->at.n; k++)
    if (e->totals->at.at[k].update == r) return &e->totals->at.at[k];
  return NULL;
}

bool in_totals(const Emit *e, Ref r) { return total_of(e, r) != NULL; }

const char *declare_total(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const char *p = c_fresh(e, "p");
  line_start(e);
  putf(e, "%s *const %s = %s + ", e->f->real, p, total_of(e, r)->cname);
  put_flat(e, node(e, n->arg[0])->type, n->nargs - 2, n->arg + 2, PREC_MUL);
  putf(e, "*%d", TOTAL_PARTS);
  line_end(e, ";");
  return p;
}
