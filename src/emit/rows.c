/* rows.c - rounds of a loop ("rows") side by side, in lanes, as rows_plan.c chose them.
 *
 *   for (int64_t i = 0; i < whole; i += 16) {
 *     double s[16];
 *     for (int64_t l = 0; l < 16; l++) s[l] = x[i + l];
 *     for (int64_t k = 0; k < n; k++) {
 *       for (int64_t l = 0; l < 16; l++) s[l] = s[l]*s[l] + c[k];
 *     }
 *     ...
 *   }
 *
 * Loops inside a row stand once around its lanes.  Each run of statements between them is
 * one loop over the lanes; what differs from row to row and is used in more than one run is
 * an array with an element for each lane, everything else a local of its run.  A run has
 * neither branches nor anything that waits for the lane before, and no row reads what another
 * one writes (GC_APART), so that C compilers make vectors of it; what goes from row to row in
 * order comes in a loop of its own behind, and so does a statement that no vector unit takes: an
 * update of what the row has chosen.
 * The rows that are left over follow in the plain loop; or the last block starts earlier, so that
 * it is full, and what goes from row to row starts at the first that is new.  Then the plain loop
 * is for fewer rows than a block has.  A row gives the same the second time. */
#include "emit/private.h"

#include <string.h>

/* An update behind a run; kept: the name of its term, where the run's end may change it. */
typedef struct Later { Ref update; const char *kept; } Later;

struct Rows {
  Ref index;             /* of the row */
  const char *lane;      /* the lane's name in C */
  const char *first;     /* the first that is new */
  bool open;             /* is a run being written? */
  bool apart;            /* does it write into arrays? */
  Buf before;            /* the text up to it */
  Buf arrays;            /* declarations in front of it */
  VEC(Later) updates;    /* behind it */
  bool around;           /* is a loop around one over lanes being opened? */
  const KeptStrip *strip;    /* the innermost one that keeps terms */
};

uint32_t lanes_of(const File *f) {
  return f->real_float ? FLOAT_LANES : LANES;
}

/* ---- subscripts ---------------------------------------------------------------------------- */

bool is_lane_index(const Emit *e, Ref r) {
  return e->rows && r == e->rows->index;
}

void put_lane_index(Emit *e, int prec) {
  putf(e, prec > PREC_ADD ? "(%s + %s)" : "%s + %s", ref_node(e, e->rows->index), e->rows->lane);
}

/* The place of an element; where each row has an array of its own, of the lane's. */
void put_lane_flat(Emit *e, uint32_t buffer, const Type *t, uint32_t n, const Ref *index) {
  const Buffer *b = &e->buffers.at[buffer];
  uint32_t lanes = e->rows && buffer ? b->lanes : 0;
  if (lanes && b->along) {
    putf(e, "%s*", e->rows->lane);
    put_size(e, array_size(e, b->type), PREC_UNARY);
    put(e, " + ");
  }
  put_flat(e, t, n, index, !lanes ? PREC_ANY : b->along ? PREC_ADD : PREC_MUL);
  if (lanes && !b->along) putf(e, "*%u + %s", lanes, e->rows->lane);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void run_open(Emit *e) {
  Rows *w = e->rows;
  if (w->open) return;
  w->open = true;
  w->apart = false;
  w->before = e->fn->body;
  buf_init(&e->fn->body, e->c);
  buf_init(&w->arrays, e->c);
  e->fn->indent++;
}

const char *lane_name(const Emit *e) {
  return e->rows ? e->rows->lane : NULL;
}

bool is_around(const Emit *e) {
  return e->rows && e->rows->around && !for_tcc(e);
}

static void lane_head(Emit *e, const char *before, const char *first) {
  const char *l = e->rows->lane;
  line_start(e);
  if (for_tcc(e)) before = "";
  putf(e, "%sfor (int64_t %s = %s; %s < %u; %s++)", before, l, first, l, lanes_of(e->f), l);
}

void open_lane_loop(Emit *e) {
  lane_head(e, "", "0");
  block_open(e, "");
}

/* For one new row after the other. */
static void open_new_rows(Emit *e) {
  lane_head(e, "", e->rows->first);
  block_open(e, "");
}

/* h[i] += v; for one row after the other. */
static void emit_update(Emit *e, Later u) {
  const Node *n = node(e, u.update);
  if (info(e, u.update)->parts) {
    emit_row_sum(e, u.update, u.kept);
    return;
  }
  lane_head(e, "", e->rows->first);
  put(e, " ");
  put_element(e, n->arg[0], n->nargs - 2, n->arg + 2);
  if (u.kept) putf(e, " += %s", u.kept);
  else put_increment(e, n->arg[1]);
  line_end(e, ";");
}

static void run_close(Emit *e) {
  Rows *w = e->rows;
  if (!w->open) return;
  w->open = false;
  Buf run = e->fn->body;
  e->fn->body = w->before;
  e->fn->indent--;
  buf_add(&e->fn->body, buf_text(&w->arrays), w->arrays.n);
  if (run.n) {
    use_macro(e->f, MACRO_LANES, true);
    use_macro(e->f, MACRO_APART, w->apart && !for_tcc(e));
    lane_head(e, w->apart ? "GC_APART GC_LANES " : "GC_LANES ", "0");
    block_open(e, "");
    buf_add(&e->fn->body, buf_text(&run), run.n);
    block_close(e);
  }
  for (uint32_t k = 0; k < w->updates.n; k++) emit_update(e, w->updates.at[k]);
  w->updates.n = 0;
}

/* ---- values --------------------------------------------------------------------------------- */

/* An array with an element for each lane, declared in front of the run; gives the element. */
const char *lane_array(Emit *e, const char *name, Elem el) {
  Rows *w = e->rows;
  for (uint32_t k = 1; k < e->fn->indent; k++) buf_puts(&w->arrays, "  ");
  buf_printf(&w->arrays, "%s %s[%u];\n", c_type(e->f, el, false), name, lanes_of(e->f));
  e->fn->bytes += 8u * lanes_of(e->f);
  return str_printf(e->c, "%s[%s]", name, w->lane);
}

/* C compilers compute both sides of a choice only where they stand in front of it. */
static void hoist(Emit *e, Ref r) {
  const Node *n = node(e, r);
  for (uint32_t k = 0; k < n->nargs; k++)
    if (info(e, n->arg[k])->inlined) hoist(e, n->arg[k]);
  if (n->op != IR_PRIM) return;
  uint32_t first = n->aux.i == P_SELECT ? 1 : 0;
  if (!first && n->aux.i != P_AND && n->aux.i != P_OR) return;
  for (uint32_t k = first; k < n->nargs; k++) make_simple(e, n->arg[k], "t");
}

static void hoist_inlined(Emit *e, Ref r) {
  if (info(e, r)->inlined) hoist(e, r);
}

static void assign(Emit *e, const char *to, Ref r) {
  line_start(e);
  putf(e, "%s = ", to);
  put_expr(e, r, PREC_ANY);
  line_end(e, ";");
}

/* An expression becomes an element of an array. */
static void spread(Emit *e, Ref r, const char *want) {
  Info *x = info(e, r);
  if (!x->inlined || !x->lane) return;
  hoist(e, r);
  const char *at = lane_array(e, c_fresh(e, want), node(e, r)->type->elem);
  assign(e, at, r);
  x->inlined = false;
  x->cname = at;
  x->home = e->fn->id;
}

/* What a fold carries is overwritten before the updates behind the run: a copy of it, or NULL. */
static const char *keep_carried(Emit *e, Ref r) {
  const Node *n = node(e, r);
  if (n->op != IR_PARAM || node(e, region_of(e, r)->owner)->op != IR_FOLD || !info(e, r)->lane)
    return NULL;
  const char *at = lane_array(e, c_fresh(e, "v"), n->type->elem);
  assign(e, at, r);
  return at;
}

static void define_lane(Emit *e, Ref r) {
  Info *x = info(e, r);
  hoist(e, r);
  if (!x->crosses) {
    define_scalar(e, r);
    return;
  }
  const char *at = lane_array(e, c_fresh(e, want_name(e, r, NULL)), node(e, r)->type->elem);
  x->inlined = true;
  assign(e, at, r);
  x->inlined = false;
  x->cname = at;
  x->home = e->fn->id;
}

/* The names that a structured node's scalar results were given are arrays. */
static void spread_outs(Emit *e, Ref r, uint32_t first) {
  const Node *n = node(e, r);
  for (uint32_t k = first; k < n->nresults; k++) {
    if (!scalar_out(e, r, k)) continue;
    Info *x = info(e, needed_proj(e, r, k));
    x->cname = lane_array(e, x->cname, n->result_type[k]->elem);
  }
}

/* ---- if ------------------------------------------------------------------------------------- */

static void emit_statements(Emit *e, const Region *r);

static bool reads(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  if (!info(e, r)->inlined) return false;
  if (n->op == IR_READ) return true;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (reads(e, n->arg[k])) return true;
  return false;
}

/* Both sides, then the choice; a side that reads stays where it is read only if taken. */
static void emit_select(Emit *e, Ref r) {
  const Node *n = node(e, r);
  name_outs(e, r);
  hoist_inlined(e, n->arg[0]);
  make_simple(e, n->arg[0], "which");
  for (int j = 0; j < 2; j++) emit_statements(e, n->regions[j]);
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!scalar_out(e, r, k)) continue;
    Info *x = info(e, needed_proj(e, r, k));
    Ref side[2] = {n->regions[0]->results.at[k], n->regions[1]->results.at[k]};
    for (int j = 0; j < 2; j++) {
      if (reads(e, side[j]) || node(e, side[j])->type->elem == ELEM_INT) continue;
      hoist_inlined(e, side[j]);
      make_simple(e, side[j], "t");
    }
    if (x->crosses) x->cname = lane_array(e, x->cname, n->result_type[k]->elem);
    line_start(e);
    if (!x->crosses) putf(e, "const %s ", out_type(e, r, k));
    putf(e, "%s = ", x->cname);
    put_expr(e, n->arg[0], PREC_EQ);
    put(e, " ? ");
    put_expr(e, side[0], PREC_OR);
    put(e, " : ");
    put_expr(e, side[1], PREC_OR);
    line_end(e, ";");
  }
}

/* ---- updates of what rows share ------------------------------------------------------------- */

static void emit_shared(Emit *e, Ref r) {
  const char *kept = kept_place(e, e->rows->strip, r);
  Ref value = node(e, r)->arg[1];
  if (!kept) {
    spread(e, value, "v");
    Later u = {r, keep_carried(e, value)};
    VEC_PUSH(e->c, &e->rows->updates, u);
    return;
  }
  e->rows->apart = true;
  hoist_inlined(e, value);
  assign(e, kept, value);
}

/* ---- statements ----------------------------------------------------------------------------- */

/* row[l] = …; row[16 + l] = …; */
static void emit_lane_stack(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const char *row = ref_buffer(e, info(e, r)->buffer);
  uint32_t lanes = e->buffers.at[info(e, r)->buffer].lanes;
  e->rows->apart = true;
  for (uint32_t k = 0; k < n->nargs; k++) {
    hoist_inlined(e, n->arg[k]);
    line_start(e);
    if (!lanes) putf(e, "%s[%u] = ", row, k);
    else if (k) putf(e, "%s[%u + %s] = ", row, k * lanes, e->rows->lane);
    else putf(e, "%s[%s] = ", row, e->rows->lane);
    put_expr(e, n->arg[k], PREC_ANY);
    line_end(e, ";");
  }
}

static void emit_lane(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Info *x = info(e, r);
  bool stack = n->op == IR_STACK && !is_state_of(e, r, region_of(e, r));
  if (!x->need || x->inlined || n->op == IR_PROJ || only_later(e, r)) return;
  if (is_array(n) && !stack) return;
  run_open(e);
  comment_for(e, n);
  switch (n->op) {
    case IR_UPD:
      if (is_own_lane(e, n->arg[0])) {
        e->rows->apart = true;
        hoist_inlined(e, n->arg[1]);
        emit_upd(e, r);
        break;
      }
      emit_shared(e, r);
      break;
    case IR_IF: emit_select(e, r); break;
    case IR_STACK: emit_lane_stack(e, r); break;
    default: define_lane(e, r);
  }
}

static void emit_statements(Emit *e, const Region *r) {
  const Order *o = order_of(e, r);
  for (uint32_t k = 0; k < o->n; k++) {
    if (info(e, o->at[k])->lane) emit_lane(e, o->at[k]);
    else if (!only_later(e, o->at[k])) emit_node(e, o->at[k]);
  }
}

/* ---- loops inside --------------------------------------------------------------------------- */

static void emit_lane_region(Emit *e, Region *r);
static void emit_lane_accum(Emit *e, Ref r);

/* states: those that keep scalars as the fold carries them.  They come behind the next values:
 * what is copied from lanes to memory before, gcc makes a call of memcpy, and lanes whose
 * address is taken stay in no register. */
static void emit_outs(Emit *e, Ref r, uint32_t first, uint32_t naxes, const char *const *best,
                      bool states) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  for (uint32_t k = first; k < n->nresults; k++) {
    bool state = is_state_of(e, body->results.at[k], body);
    if (!needed_proj(e, r, k) || state != states) continue;
    Combiner comb = n->aux.loop->comb[k - first];
    run_open(e);
    e->rows->apart |= comb == BUILD;
    hoist_inlined(e, body->results.at[k]);
    if (state && is_array(node(e, body->results.at[k]))) emit_lane_stack(e, body->results.at[k]);
    if (comb == MAX || comb == MIN || comb == ARGMAX || comb == ARGMIN)
      emit_lane_extreme(e, r, first, k, best);
    else
      emit_output(e, r, k, comb, body->results.at[k], NULL, body, naxes);
  }
}

/* What reductions start with. */
static void start_outs(Emit *e, Ref r, uint32_t first, const char *const *best) {
  const Node *n = node(e, r);
  for (uint32_t k = first; k < n->nresults; k++) {
    Combiner comb = n->aux.loop->comb[k - first];
    if (!scalar_out(e, r, k) || comb == SUM) continue;
    if (comb == ARGMAX || comb == ARGMIN) {
      start_search(e, r, first, k, best);
      continue;
    }
    line_start(e);
    putf(e, "%s = ", info(e, needed_proj(e, r, k))->cname);
    put_over_nothing(e, n->result_type[k]->elem, comb);
    line_end(e, ";");
  }
}

/* Sums start in a loop of their own, which gcc unrolls: one that it takes for memset costs as
 * much as a short sum. */
static void start_sums(Emit *e, Ref r, uint32_t first) {
  const Node *n = node(e, r);
  for (uint32_t k = first; k < n->nresults; k++) {
    if (!scalar_out(e, r, k) || n->aux.loop->comb[k - first] != SUM) continue;
    lane_head(e, "", "0");
    putf(e, " %s = ", info(e, needed_proj(e, r, k))->cname);
    put_over_nothing(e, n->result_type[k]->elem, SUM);
    line_end(e, ";");
  }
}

/* The variables that a fold carries. */
static void start_carried(Emit *e, Ref r) {
  const Node *n = node(e, r);
  for (uint32_t k = 0; k + 1 < n->nargs; k++) {
    Ref proj = needed_proj(e, r, k), param = n->regions[0]->params.at[k + 1];
    hoist_inlined(e, n->arg[k + 1]);
    Info *x = info(e, param);
    x->cname = proj ? info(e, proj)->cname
                    : lane_array(e, c_fresh(e, want_name(e, param, "s")),
                                 n->result_type[k]->elem);
    x->home = e->fn->id;
    assign(e, x->cname, n->arg[k + 1]);
  }
}

/* double *const row = w + j*d*16; */
static void declare_inner_rows(Emit *e, Ref r, uint32_t first, uint32_t naxes) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  for (uint32_t k = first; k < n->nresults; k++) {
    const Out *o = &info(e, r)->out[k];
    Ref value = body->results.at[k];
    if (!array_out(e, r, k) || !is_array(node(e, value))) continue;
    Buffer *row = &e->buffers.at[o->next];
    row->cname = c_fresh(e, node(e, value)->name ? node(e, value)->name : "row");
    row->home = e->fn->id;
    line_start(e);
    putf(e, "%s *const %s = %s + ", c_type(e->f, row->type->elem, true), row->cname,
         ref_buffer(e, o->buffer));
    put_flat(e, n->result_type[k], naxes, body->params.at, PREC_MUL);
    put(e, "*");
    put_size(e, array_size(e, row->type), PREC_UNARY);
    putf(e, "*%u", row->lanes);
    line_end(e, ";");
  }
}

/* The first axes of a loop.  `counts`: do its rounds count as trips?  `around`: is it around
 * loops over lanes? */
void open_row_axes(Emit *e, Ref r, uint32_t naxes, bool counts, bool around) {
  const Node *n = node(e, r);
  e->rows->around = around;
  for (uint32_t a = 0; a < naxes; a++)
    open_for(e, r, n->regions[0]->params.at[a], n->arg[a], NULL, counts ? NULL : "0");
  e->rows->around = false;
}

/* A round of a loop inside. */
static void emit_inner_round(Emit *e, Ref r, uint32_t first, uint32_t naxes,
                             const char *const *best) {
  const Node *n = node(e, r);
  Region *body = n->regions[0];
  declare_inner_rows(e, r, first, naxes);
  emit_lane_region(e, body);
  emit_outs(e, r, first, naxes, best, false);
  if (n->op == IR_FOLD && first) {
    run_open(e);
    for (uint32_t k = 0; k < first; k++) hoist_inlined(e, body->results.at[k]);
    const char **later = next_scalars(e, r, body);
    emit_outs(e, r, first, naxes, best, true);
    assign_later(e, r, body, later);
  }
  run_close(e);
}

/* The loop, but for what goes behind it. */
static void emit_rounds(Emit *e, Ref r, uint32_t first, uint32_t naxes, const char *const *best) {
  uint32_t scope = scope_open(e);
  const KeptStrip *around = e->rows->strip;
  KeptStrip strip = find_strip(e, r);
  e->rows->strip = strip.kept.n ? &strip : NULL;
  if (strip.kept.n) open_kept(e, r, &strip);
  else open_row_axes(e, r, naxes, true, true);
  emit_inner_round(e, r, first, naxes, best);
  e->rows->strip = around;
  if (strip.kept.n) close_kept(e, r, &strip);
  else for (uint32_t a = 0; a < naxes; a++) close_for(e);
  scope_close(e, scope);
}

/* A statement that no vector unit takes. */
static void emit_serial(Emit *e, Ref r) {
  run_close(e);
  uint32_t scope = scope_open(e);
  open_new_rows(e);
  emit_node(e, r);
  block_close(e);
  scope_close(e, scope);
}

/* for (l…) for (k…) a[l*d + k] = …; */
static void emit_turned(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  comment_for(e, n);
  run_close(e);
  emit_trips(e, n->arg[0]);
  uint32_t scope = scope_open(e);
  open_lane_loop(e);
  open_row_axes(e, r, 1, false, false);
  for (uint32_t k = 0; k < order_of(e, body)->n; k++) emit_node(e, order_of(e, body)->at[k]);
  for (uint32_t k = 0; k < n->nresults; k++)
    if (needed_proj(e, r, k)) emit_output(e, r, k, BUILD, body->results.at[k], NULL, body, 1);
  close_for(e);
  block_close(e);
  scope_close(e, scope);
}

static void emit_lane_loop(Emit *e, Ref r) {
  const Node *n = node(e, r);
  if (info(e, r)->turned) {
    emit_turned(e, r);
    return;
  }
  bool fold = n->op == IR_FOLD;
  uint32_t first = fold ? n->nargs - 1 : 0, naxes = fold ? 1 : n->nargs;
  comment_for(e, n);
  run_open(e);
  name_outs(e, r);
  spread_outs(e, r, 0);
  if (fold) start_carried(e, r);
  const char **best = name_bests(e, r, first);
  start_outs(e, r, first, best);
  run_close(e);
  start_sums(e, r, first);
  Behind behind = find_behind(e, r);
  if (!behind.alone) emit_rounds(e, r, first, naxes, best);
  emit_behind(e, r, &behind);
}

/* Each row's accumulators, one after the other or interleaved: they start alike. */
static void start_accumulators(Emit *e, Ref r) {
  const Node *n = node(e, r);
  for (uint32_t k = 0; k < n->nargs; k++) {
    const Buffer *b = &e->buffers.at[info(e, r)->out[k].buffer];
    Ref value = node(e, n->arg[k])->arg[0];
    make_simple(e, value, "fill");
    uint32_t scope = scope_open(e);
    const char *i = c_fresh(e, "i");
    line_start(e);
    putf(e, "for (int64_t %s = 0; %s < ", i, i);
    put_size(e, b->room ? b->room : b->size, PREC_ADD);
    putf(e, "; %s++) %s[%s] = ", i, ref_buffer(e, info(e, r)->out[k].buffer), i);
    put_expr(e, value, PREC_ANY);
    line_end(e, ";");
    scope_close(e, scope);
  }
}

static void emit_lane_accum(Emit *e, Ref r) {
  const Node *n = node(e, r);
  Region *body = n->regions[0];
  run_open(e);
  name_outs(e, r);
  spread_outs(e, r, n->nargs);
  run_close(e);
  start_accumulators(e, r);
  emit_lane_region(e, body);
  run_open(e);
  for (uint32_t k = n->nargs; k < n->nresults; k++) {
    if (!scalar_out(e, r, k)) continue;
    Ref value = body->results.at[k - n->nargs];
    hoist_inlined(e, value);
    assign(e, info(e, needed_proj(e, r, k))->cname, value);
  }
  run_close(e);
}

static bool ends_run(const Emit *e, Ref r) {
  uint16_t op = node(e, r)->op;
  if (!info(e, r)->need) return false;
  return op == IR_LOOP || op == IR_FOLD || op == IR_ACCUM || info(e, r)->serial;
}

/* What all rows share comes first in a run, outside its loop.  The last run stays open. */
static void emit_lane_region(Emit *e, Region *r) {
  declare_locals(e, r);
  const Order *o = order_of(e, r);
  for (uint32_t k = 0, end; k < o->n; k = end + 1) {
    for (end = k; end < o->n && !ends_run(e, o->at[end]); end++)
      if (!info(e, o->at[end])->lane && !only_later(e, o->at[end])) emit_node(e, o->at[end]);
    for (uint32_t j = k; j < end; j++)
      if (info(e, o->at[j])->lane) emit_lane(e, o->at[j]);
    if (end == o->n) break;
    if (info(e, o->at[end])->serial) emit_serial(e, o->at[end]);
    else if (node(e, o->at[end])->op == IR_ACCUM) emit_lane_accum(e, o->at[end]);
    else emit_lane_loop(e, o->at[end]);
  }
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* An inner loop writes straight into the row of an array that is built. */
static void name_rows(Emit *e, Ref r) {
  const Node *n = node(e, r);
  for (uint32_t k = 0; k < n->nresults; k++) {
    const Out *o = &info(e, r)->out[k];
    if (!array_out(e, r, k) || !is_array(node(e, n->regions[0]->results.at[k]))) continue;
    Buffer *row = &e->buffers.at[o->next];
    Buf saved = e->fn->body;
    buf_init(&e->fn->body, e->c);
    put(e, "(");
    put_row(e, ref_buffer(e, o->buffer), n->result_type[k], n->nargs, n->regions[0]->params.at);
    put(e, ")");
    row->cname = buf_text(&e->fn->body);
    row->home = e->fn->id;
    e->fn->body = saved;
  }
}

/* Rows one after the other: what they reduce. */
static void emit_reductions(Emit *e, Ref r, const Outputs *o) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  bool any = false;
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!scalar_out(e, r, k)) continue;
    if (!any) open_new_rows(e);
    any = true;
    emit_output(e, r, k, n->aux.loop->comb[k], body->results.at[k], o->best[k], body, n->nargs);
  }
  if (any) block_close(e);
}

static void emit_block(Emit *e, Ref r, const Outputs *o) {
  const Node *n = node(e, r);
  Region *body = n->regions[0];
  name_rows(e, r);
  emit_packs(e, r);
  emit_lane_region(e, body);
  for (uint32_t k = 0; k < n->nresults; k++) {
    Ref value = body->results.at[k];
    if (!needed_proj(e, r, k) || is_array(node(e, value))) continue;
    run_open(e);
    hoist_inlined(e, value);
    if (n->aux.loop->comb[k] != BUILD) spread(e, value, "v");
    else emit_output(e, r, k, BUILD, value, NULL, body, n->nargs);
    e->rows->apart |= n->aux.loop->comb[k] == BUILD;
  }
  run_close(e);
  emit_reductions(e, r, o);
}

/* Braces that the body needs; more than there can be where it is cut in pieces or allocates. */
uint32_t row_braces(const Emit *e, const Region *r) {
  uint32_t most = e->cut[r->id] || (e->scratch && e->scratch[r->id]) ? BRACE_MAX : 0;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    const Node *n = node(e, r->nodes.at[k]);
    for (uint32_t j = 0; j < n->nregions; j++) {
      uint32_t in = (n->op == IR_LOOP ? n->nargs + 2 : 1) + row_braces(e, n->regions[j]);
      if (in > most) most = in;
    }
  }
  return most;
}

const char *whole_blocks(Emit *e, Ref extent) {
  const Node *n = node(e, extent);
  if (n->op == IR_CONST)
    return str_printf(e->c, "%lld", (long long)(n->aux.i - n->aux.i % lanes_of(e->f)));
  return str_printf(e->c, "%s - %s%%%u", expr_text(e, extent, PREC_ADD),
                    expr_text(e, extent, PREC_MUL), lanes_of(e->f));
}

/* Gives the text of the index where the plain loop begins. */
static const char *open_row_blocks(Emit *e, const Rows *w, Ref extent, const InBlocks *b) {
  const char *i = info(e, w->index)->cname, *first = b->first ? b->first : "0";
  uint32_t lanes = lanes_of(e->f);
  const char *whole = b->first ? str_printf(e->c, "%s - %s%%%u", b->end, b->end, lanes)
                               : whole_blocks(e, extent);
  line_start(e);
  putf(e, "for (int64_t %s = %s; %s < %s; %s += %u)", i, first, i, whole, i, lanes);
  block_open(e, "");
  return whole;
}

/* The last block starts earlier where it would not be full.  Gives the text of the index where the
 * plain loop begins. */
static const char *open_full_blocks(Emit *e, Rows *w, Ref extent, const InBlocks *b) {
  const char *i = info(e, w->index)->cname, *next = c_fresh(e, "next");
  const char *first = b->first ? b->first : "0";
  const char *n = b->first ? b->end : expr_text(e, extent, PREC_ADD);
  const char *count = b->first ? str_printf(e->c, "%s - %s", n, first) : n;
  uint32_t lanes = lanes_of(e->f);
  line_start(e);
  putf(e, "for (int64_t %s = %s; %s >= %u && %s < %s; %s += %u)", next, first, count, lanes, next,
       n, next, lanes);
  block_open(e, "");
  line(e, "const int64_t %s = %s < %s - %u ? %s : %s - %u;", i, next, n, lanes, next, n, lanes);
  w->first = str_printf(e->c, "%s - %s", next, i);
  return str_printf(e->c, "%s < %u ? %s : %s", count, lanes, first, n);
}

static const char *emit_row_blocks(Emit *e, Ref r, const Outputs *o, const InBlocks *blocks) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  Ref from = body->params.at[0], extent = n->arg[n->nargs - 1];
  Info *saved = save_infos(e, from, r);
  Rows w = {.index = body->params.at[n->nargs - 1], .first = "0"};
  uint32_t scope = scope_open(e);
  name_index(e, w.index);
  const char *rest = info(e, r)->again ? open_full_blocks(e, &w, extent, blocks)
                                       : open_row_blocks(e, &w, extent, blocks);
  stop_in_loop(e, extent);
  e->loop_depth++;
  w.lane = c_fresh(e, "l");
  e->rows = &w;
  emit_block(e, r, o);
  e->rows = NULL;
  e->loop_depth--;
  block_close(e);
  scope_close(e, scope);
  restore_infos(e, saved, from, r);
  return rest;
}

const char *emit_rows(Emit *e, Ref r, const Outputs *o, const InBlocks *blocks) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  if (!has_rows(e, r)) return NULL;
  if (e->fn->indent + row_braces(e, body) + 4 > BRACE_MAX) return NULL;
  uint32_t first_check = e->checks.n;
  emit_trips(e, n->arg[n->nargs - 1]);
  InBlocks all = {0};
  if (n->nargs > 1) blocks = &all;   /* they cut the first axis */
  bool sure = false;
  const char *rest = NULL;
  if (open_totals(e, r, blocks, &sure)) {
    rest = emit_row_blocks(e, r, o, blocks);
    close_totals(e);
    e->again_from = first_check;
    e->again_to = e->checks.n;
    if (sure) return rest;
    e->fn->indent--;
    line_start(e);
    block_open(e, "} else");
  }
  bool both = rest != NULL;
  rest = emit_row_blocks(e, r, o, blocks);
  if (both) block_close(e);
  e->again_from = first_check;
  e->again_to = e->checks.n;
  return rest;
}
