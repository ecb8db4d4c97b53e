/* rows_sums.c - what rows side by side add into arrays that they share, as C.
 *
 * All rows of a block add to the same elements.  Their terms go into partial sums first: with 16
 * rows, number q of 4 gets those of the rows q, q + 4, q + 8 and q + 12 in this order, and the
 * element gets (part[0] + part[2]) + (part[1] + part[3]).  A vector unit adds up four of them at a
 * time, and none of its additions waits for another.  The order is the same wherever the text is
 * written, which for sums like these libtcc gets, too.  With --ieee an element gets its terms row
 * by row.
 *
 * Updates that walk along an array stand in a loop of their own behind the one they belong to
 * (rows_updates.c).  The loop goes along the walk, where the terms are next to each other that
 * way; or else in strips, in which what is partial is stored, as compilers find vectors in the one
 * and in the other but not in both at once:
 *
 *   for (int64_t start = 0; start < n; start += 16) {
 *     const int64_t end = n - start < 16 ? n : start + 16;
 *     double part[64];
 *     for (int64_t k = start; k < end; k++) {
 *       for (int64_t q = 0; q < 4; q++) {
 *         int64_t l = q;
 *         double total = w[k*16 + l]*t[l];
 *         l += 4;
 *         total += w[k*16 + l]*t[l];
 *         …
 *         part[(k - start)*4 + q] = total;
 *       }
 *     }
 *     for (int64_t k = start; k < end; k++) {
 *       const double *const p = part + (k - start)*4;
 *       h[k] += (p[0] + p[2]) + (p[1] + p[3]);
 *     }
 *   }
 *
 * The same with an update that stays in its loop: there the strip keeps the terms of all rows.
 *
 * Where partial sums run over all blocks of rows (rows_totals.c), terms go into these at once. */
#include "emit/private.h"

#include <ctype.h>
#include <string.h>

enum {
  CHAIN = 4,             /* rows of a partial sum */
  STRIP = 16,            /* rounds of a walk */
  LITERAL_MOST = 64      /* letters of a term that is written out for each row */
};

static uint32_t parts_of(const Emit *e) { return lanes_of(e->f)/CHAIN; }

/* ---- writing it again ----------------------------------------------------------------------- */

/* The body is written more than once: what is known of its nodes is as before. */
void restore_infos(Emit *e, const Info *saved, Ref from, Ref to) {
  for (Ref r = from; r < to; r++)
    if (node(e, r)->op != IR_DATA) e->info[r] = saved[r - from];
}

Info *save_infos(Emit *e, Ref from, Ref to) {
  Info *saved = NEWN(e->c, Info, to - from);
  memcpy(saved, &e->info[from], (to - from) * sizeof *saved);
  return saved;
}

/* The nodes of a loop's body that terms or subscripts need: written where they are needed. */
typedef struct Again {
  Ref loop, from;
  const Region *body;
  bool *wanted;
  const Info *saved;
} Again;

static Again again(Emit *e, Ref loop, const Info *saved) {
  const Region *body = node(e, loop)->regions[0];
  Ref from = body->params.at[0];
  return (Again){loop, from, body, NEWN(e->c, bool, loop - from), saved};
}

static void want(Emit *e, Again *x, Ref a) {
  const Node *n = node(e, a);
  if (n->region != x->body->id || n->op == IR_PARAM || n->op == IR_CONST) return;
  x->wanted[a - x->from] = true;
  for (uint32_t k = 0; k < n->nargs; k++) want(e, x, n->arg[k]);
}

static void want_subscripts(Emit *e, Again *x, const Node *n) {
  for (uint32_t k = 2; k < n->nargs; k++) want(e, x, n->arg[k]);
}

/* Those that differ from row to row, or those that do not, in order. */
static void emit_wanted(Emit *e, const Again *x, bool lane) {
  for (uint32_t k = 0; k < order_of(e, x->body)->n; k++) {
    Ref a = order_of(e, x->body)->at[k];
    if (a < x->from || !x->wanted[a - x->from]) continue;
    if (info(e, a)->lane != lane || info(e, a)->inlined) continue;
    info(e, a)->crosses = false;
    emit_node(e, a);
  }
}

/* ---- one element ---------------------------------------------------------------------------- */

static void put_target(Emit *e, Ref r) {
  const Node *n = node(e, r);
  if (!put_at_pointer(e, r)) put_element(e, n->arg[0], n->nargs - 2, n->arg + 2);
}

/* What is to be added: of an update in `again`, computed again; of another its value; or what the
 * strip kept of it. */
typedef struct Term {
  Ref update;
  const Again *again;
  const char *kept;
} Term;

static void put_term(Emit *e, const Term *t, const char *total, bool first) {
  Ref value = node(e, t->update)->arg[1];
  if (t->again) emit_wanted(e, t->again, true);
  line_start(e);
  if (first) putf(e, "%s ", e->f->real);
  put(e, total);
  if (t->kept) putf(e, "%s%s", first ? " = " : " += ", t->kept);
  else if (!first) put_increment(e, value);
  else {
    put(e, " = ");
    put_expr(e, value, PREC_ANY);
  }
  line_end(e, ";");
}

/* The nodes of the term are as they were before each row. */
static void forget_term(Emit *e, const Term *t, const Info *before) {
  if (t->again) restore_infos(e, before, t->again->from, t->again->loop);
}

/* Where the partial sums go, so many; `on`: they go on from what is there. */
typedef struct Sums {
  const char *to, *at;
  uint32_t parts;
  bool on;
} Sums;

/* The text with this number in the place of the lane. */
static const char *in_lane(Emit *e, const char *text, uint32_t number) {
  const char *lane = lane_name(e);
  size_t n = strlen(lane);
  Buf b;
  buf_init(&b, e->c);
  while (*text) {
    size_t word = 0;
    while (isalnum((unsigned char)text[word]) || text[word] == '_') word++;
    if (word == n && strncmp(text, lane, n) == 0) buf_printf(&b, "%u", number);
    else buf_add(&b, text, word ? word : 1);
    text += word ? word : 1;
  }
  return buf_text(&b);
}

/* to[0] = v[0]; to[0] += v[4]; …  In libtcc's code, where each name is a trip to memory, that takes a
 * quarter of the time of a loop.  False: the term is long, or no mere expression. */
static bool put_chains(Emit *e, const Term *t, const Sums *s) {
  Ref value = node(e, t->update)->arg[1];
  if (!for_tcc(e) || t->again) return false;
  const char *term = t->kept ? t->kept : expr_text(e, value, PREC_ANY);
  if (strlen(term) > LITERAL_MOST) return false;
  const char *first = str_printf(e->c, " = %s", term);
  const char *more = t->kept ? str_printf(e->c, " += %s", term) : increment_text(e, value);
  for (uint32_t l = 0; l < lanes_of(e->f); l++)
    line(e, "%s[%s%u]%s;", s->to, s->at, l % s->parts,
         in_lane(e, l < s->parts && !s->on ? first : more, l));
  return true;
}

/* for (q…) { int64_t l = q; double total = …; l += 4; total += …; to[q] = total; } */
static void emit_chains(Emit *e, const Term *t, const Sums *s) {
  if (put_chains(e, t, s)) return;
  uint32_t scope = scope_open(e), parts = s->parts;
  const char *q = c_fresh(e, "q"), *l = lane_name(e), *total = c_fresh(e, "total");
  bool lane = t->kept || info(e, node(e, t->update)->arg[1])->lane;
  const Info *before = t->again ? save_infos(e, t->again->from, t->again->loop) : NULL;
  line_start(e);
  if (s->on && !for_tcc(e)) {
    put(e, "GC_APART GC_LANES ");
    use_macro(e->f, MACRO_APART, true);
    use_macro(e->f, MACRO_LANES, true);
  }
  putf(e, "for (int64_t %s = 0; %s < %u; %s++)", q, q, parts, q);
  block_open(e, "");
  if (lane) line(e, "int64_t %s = %s;", l, q);
  if (s->on) line(e, "%s %s = %s[%s%s];", e->f->real, total, s->to, s->at, q);
  for (uint32_t row = 0; row < lanes_of(e->f)/parts; row++) {
    if (row && lane) line(e, "%s += %u;", l, parts);
    if (row) forget_term(e, t, before);
    put_term(e, t, total, !row && !s->on);
  }
  line(e, "%s[%s%s] = %s;", s->to, s->at, q, total);
  block_close(e);
  scope_close(e, scope);
}

static void emit_parts(Emit *e, const Term *t, const char *to, const char *at) {
  emit_chains(e, t, &(Sums){to, at, parts_of(e), false});
}

static void emit_into_total(Emit *e, const Term *t) {
  emit_chains(e, t, &(Sums){declare_total(e, t->update), "", TOTAL_PARTS, true});
}

/* h[k] += (part[0] + part[2]) + (part[1] + part[3]); */
static void put_sum(Emit *e, Ref r, const char *part) {
  line_start(e);
  put_target(e, r);
  put(e, " += ");
  put_tree(e, part, " + ", parts_of(e));
  line_end(e, ";");
}

static const char *declare_parts(Emit *e, uint32_t count) {
  const char *part = c_fresh(e, "part");
  e->fn->bytes += 8 * (uint64_t)(count*parts_of(e));
  line(e, "%s %s[%u];", e->f->real, part, count*parts_of(e));
  return part;
}

static void emit_sum(Emit *e, const Term *t) {
  if (in_totals(e, t->update)) {
    emit_into_total(e, t);
    return;
  }
  const char *part = declare_parts(e, 1);
  emit_parts(e, t, part, "");
  put_sum(e, t->update, part);
}

void emit_row_sum(Emit *e, Ref r, const char *kept) {
  emit_sum(e, &(Term){.update = r, .kept = kept});
}

/* ---- strips ---------------------------------------------------------------------------------- */

typedef struct Walk {
  Ref index;
  const char *start, *end;
} Walk;

static void open_walk(Emit *e, const Walk *w, bool around) {
  name_index(e, w->index);
  const char *k = info(e, w->index)->cname;
  around &= !for_tcc(e);
  use_macro(e->f, MACRO_AROUND, around);
  line_start(e);
  if (around) put(e, "GC_AROUND ");
  open_count(e, k, w->start, w->end);
  e->loop_depth++;
}

/* The last axis of a loop, or the only one of a fold. */
static uint32_t walk_axis(const Node *n) { return n->op == IR_LOOP ? n->nargs - 1 : 0; }

static Walk open_strip(Emit *e, Ref loop, bool counts) {
  const Node *n = node(e, loop);
  uint32_t axis = walk_axis(n);
  Walk w = {n->regions[0]->params.at[axis], c_fresh(e, "start"), c_fresh(e, "end")};
  open_row_axes(e, loop, axis, counts, true);
  if (counts) emit_trips(e, n->arg[axis]);
  const char *count = expr_text(e, n->arg[axis], PREC_ADD);
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < %s; %s += %d)", w.start, w.start, count, w.start, STRIP);
  block_open(e, "");
  line(e, "const int64_t %s = %s - %s < %d ? %s : %s + %d;", w.end, count, w.start, STRIP, count,
       w.start, STRIP);
  return w;
}

static void close_strip(Emit *e, Ref loop) {
  block_close(e);
  for (uint32_t a = 0; a < walk_axis(node(e, loop)); a++) close_for(e);
}

/* "(k - start)*16 + " */
static const char *place_in_strip(Emit *e, const Walk *w, uint32_t each) {
  return str_printf(e->c, "(%s - %s)*%u + ", info(e, w->index)->cname, w->start, each);
}

/* The partial sums of a strip, then what becomes of them. */
static void emit_strip(Emit *e, const Walk *w, Again *x, Term *t) {
  const Node *n = node(e, t->update);
  const char *part = declare_parts(e, STRIP), *kept = t->kept;
  uint32_t scope = scope_open(e);
  open_walk(e, w, true);
  if (kept)
    t->kept = str_printf(e->c, "%s[%s%s]", kept, place_in_strip(e, w, lanes_of(e->f)), lane_name(e));
  else emit_wanted(e, x, false);
  emit_parts(e, t, part, place_in_strip(e, w, parts_of(e)));
  close_for(e);
  scope_close(e, scope);
  scope = scope_open(e);
  restore_infos(e, x->saved, x->from, x->loop);
  memset(x->wanted, 0, (x->loop - x->from) * sizeof *x->wanted);
  want_subscripts(e, x, n);
  open_walk(e, w, false);
  emit_wanted(e, x, false);
  const char *p = c_fresh(e, "p");
  line(e, "const %s *const %s = %s + (%s - %s)*%u;", e->f->real, p, part, info(e, w->index)->cname,
       w->start, parts_of(e));
  put_sum(e, t->update, p);
  close_for(e);
  scope_close(e, scope);
}

/* ---- behind a loop -------------------------------------------------------------------------- */

Behind find_behind(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  Behind b = {.alone = true, .from = body->params.at[0]};
  for (uint32_t k = 0; k < order_of(e, body)->n; k++) {
    Ref x = order_of(e, body)->at[k];
    if (info(e, x)->behind) VEC_PUSH(e->c, &b.updates, x);
    else if (info(e, x)->effect) b.alone = false;
  }
  for (uint32_t k = 0; k < n->nresults; k++)
    if (needed_proj(e, r, k)) b.alone = false;
  b.alone &= b.updates.n > 0;
  if (b.updates.n) b.saved = save_infos(e, b.from, r);
  return b;
}

/* So many rows at a time that compilers write them out. */
enum { ROWS_BEHIND = 16 };

/* double total = h[c]; for (l…) total += …; h[c] = total; in parts from `part` on, or all. */
static void emit_total(Emit *e, Ref r, const Again *x, const char *part) {
  const Node *n = node(e, r);
  emit_wanted(e, x, false);
  const char *total = c_fresh(e, "total"), *l = lane_name(e);
  line_start(e);
  putf(e, "%s %s = ", e->f->real, total);
  put_target(e, r);
  line_end(e, ";");
  uint32_t scope = scope_open(e);
  line_start(e);
  if (part) putf(e, "for (int64_t %s = %s; %s < %s + %d; %s++)", l, part, l, part, ROWS_BEHIND, l);
  else putf(e, "for (int64_t %s = 0; %s < %u; %s++)", l, l, lanes_of(e->f), l);
  block_open(e, "");
  emit_wanted(e, x, true);
  line_start(e);
  put(e, total);
  put_increment(e, n->arg[1]);
  line_end(e, ";");
  block_close(e);
  scope_close(e, scope);
  line_start(e);
  put_target(e, r);
  putf(e, " = %s", total);
  line_end(e, ";");
}

static const char *open_rows_behind(Emit *e) {
  if (lanes_of(e->f) <= ROWS_BEHIND) return NULL;
  const char *part = c_fresh(e, "part");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < %u; %s += %d)", part, part, lanes_of(e->f), part,
       ROWS_BEHIND);
  block_open(e, "");
  return part;
}

/* Row by row. */
static void emit_in_order(Emit *e, Ref r, const Again *x, bool counts) {
  uint32_t naxes = node(e, x->loop)->nargs;
  const char *part = open_rows_behind(e);
  open_row_axes(e, x->loop, naxes, counts && !part, false);
  emit_total(e, r, x, part);
  for (uint32_t a = 0; a < naxes; a++) close_for(e);
  if (part) block_close(e);
}

static void emit_along(Emit *e, Ref r, const Again *x, bool counts) {
  uint32_t naxes = node(e, x->loop)->nargs;
  open_row_axes(e, x->loop, naxes, counts, in_totals(e, r));
  emit_wanted(e, x, false);
  emit_sum(e, &(Term){.update = r, .again = x});
  for (uint32_t a = 0; a < naxes; a++) close_for(e);
}

static void emit_in_strips(Emit *e, Ref r, Again *x, bool counts) {
  Walk w = open_strip(e, x->loop, counts);
  emit_strip(e, &w, x, &(Term){.update = r, .again = x});
  close_strip(e, x->loop);
}

void emit_behind(Emit *e, Ref loop, const Behind *b) {
  for (uint32_t k = 0; k < b->updates.n; k++) {
    Ref r = b->updates.at[k];
    bool counts = b->alone && k == 0;
    restore_infos(e, b->saved, b->from, loop);
    Again x = again(e, loop, b->saved);
    want(e, &x, node(e, r)->arg[1]);
    bool strips = info(e, r)->parts && info(e, loop)->abreast && !in_totals(e, r);
    if (!strips) want_subscripts(e, &x, node(e, r));
    uint32_t scope = scope_open(e);
    comment_for(e, node(e, r));
    if (strips) emit_in_strips(e, r, &x, counts);
    else if (!info(e, r)->parts) emit_in_order(e, r, &x, counts);
    else emit_along(e, r, &x, counts);
    scope_close(e, scope);
  }
}

/* ---- terms that a strip keeps ----------------------------------------------------------------- */

KeptStrip find_strip(Emit *e, Ref loop) {
  KeptStrip s = {.body = node(e, loop)->regions[0]};
  for (uint32_t k = 0; k < order_of(e, s.body)->n; k++) {
    Ref r = order_of(e, s.body)->at[k];
    Kept kept = {.update = r};
    if (info(e, r)->keeps && !in_totals(e, r)) VEC_PUSH(e->c, &s.kept, kept);
  }
  if (s.kept.n) s.saved = save_infos(e, s.body->params.at[0], loop);
  return s;
}

void open_kept(Emit *e, Ref loop, KeptStrip *s) {
  Walk w = open_strip(e, loop, true);
  s->index = w.index;
  s->start = w.start;
  s->end = w.end;
  for (uint32_t k = 0; k < s->kept.n; k++) {
    const char *kept = s->kept.at[k].name = c_fresh(e, "kept");
    e->fn->bytes += 8 * (uint64_t)(STRIP*lanes_of(e->f));
    line(e, "%s %s[%u];", e->f->real, kept, STRIP*lanes_of(e->f));
  }
  open_walk(e, &w, true);
}

/* The place of a term, of the row that is being written. */
const char *kept_place(Emit *e, const KeptStrip *s, Ref r) {
  for (uint32_t k = 0; s && k < s->kept.n; k++)
    if (s->kept.at[k].update == r)
      return str_printf(e->c, "%s[(%s - %s)*%u + %s]", s->kept.at[k].name,
                        info(e, s->index)->cname, s->start,
                        lanes_of(e->f), lane_name(e));
  return NULL;
}

void close_kept(Emit *e, Ref loop, const KeptStrip *s) {
  close_for(e);
  for (uint32_t k = 0; k < s->kept.n; k++) {
    Again x = again(e, loop, s->saved);
    restore_infos(e, s->saved, x.from, loop);
    Walk w = {s->index, s->start, s->end};
    emit_strip(e, &w, &x, &(Term){.update = s->kept.at[k].update, .kept = s->kept.at[k].name});
  }
  close_strip(e, loop);
}
