/* loops.c - if, loop, fold, while and accumulators. */
#include "emit/private.h"

#include <math.h>

/* ---- results --------------------------------------------------------------------- */

Ref needed_proj(const Emit *e, Ref r, uint32_t k) {
  Ref proj = info(e, r)->out[k].proj;
  return proj && info(e, proj)->need ? proj : 0;
}

bool scalar_out(const Emit *e, Ref r, uint32_t k) {
  const Type *t = node(e, r)->result_type[k];
  return t && t->rank == 0 && needed_proj(e, r, k);
}

bool array_out(const Emit *e, Ref r, uint32_t k) {
  const Type *t = node(e, r)->result_type[k];
  return t && t->rank > 0 && needed_proj(e, r, k);
}

/* Names of scalar results, in the scope around. */
void name_outs(Emit *e, Ref r) {
  const Node *n = node(e, r);
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!scalar_out(e, r, k)) continue;
    Ref proj = needed_proj(e, r, k);
    const char *otherwise = NULL;
    if (n->op == IR_LOOP || (n->op == IR_FOLD && k >= n->nargs - 1)) {
      static const char *const by_comb[] = {NULL, "sum", "prod", "top", "bottom", "any", "all",
                                            "argmax", "argmin"};
      uint32_t first = n->op == IR_FOLD ? n->nargs - 1 : 0;
      otherwise = by_comb[n->aux.loop->comb[k - first]];
    } else if (n->op == IR_FOLD || n->op == IR_WHILE) {
      uint32_t skip = n->op == IR_FOLD;
      otherwise = k + 1 < n->nargs ? node(e, n->regions[0]->params.at[k + skip])->name : "trips";
    }
    info(e, proj)->cname = c_fresh(e, want_name(e, proj, otherwise));
    info(e, proj)->home = e->fn->id;
  }
}

const char *out_type(Emit *e, Ref r, uint32_t k) {
  return c_type(e->f, node(e, r)->result_type[k]->elem, false);
}

static void keep_outs(Emit *e, Ref r) {
  const Node *n = node(e, r);
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!scalar_out(e, r, k)) continue;
    Ref proj = needed_proj(e, r, k);
    if (info(e, proj)->keep) line(e, "%s = %s;", ref_keep(e, proj), info(e, proj)->cname);
  }
}

/* ---- if ------------------------------------------------------------------------------ */

static bool no_statements(const Emit *e, const Region *r) {
  for (uint32_t k = 0; k < order_of(e, r)->n; k++) {
    const Info *x = info(e, order_of(e, r)->at[k]);
    uint16_t op = node(e, order_of(e, r)->at[k])->op;
    if (x->need && !x->inlined && !x->lazy && op != IR_CONST && op != IR_DATA) return false;
  }
  return true;
}

/* Scalars chosen without a statement in either branch: c ? a : b. */
bool simple_if(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  uint32_t outs = 0;
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (array_out(e, r, k)) return false;
    outs += scalar_out(e, r, k);
  }
  return outs > 0 && outs <= 2 && no_statements(e, n->regions[0]) &&
         no_statements(e, n->regions[1]);
}

static void emit_choice(Emit *e, Ref r) {
  const Node *n = node(e, r);
  uint32_t outs = 0;
  for (uint32_t k = 0; k < n->nresults; k++) outs += scalar_out(e, r, k);
  if (outs > 1) make_simple(e, n->arg[0], "which");
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!scalar_out(e, r, k)) continue;
    line_start(e);
    putf(e, "const %s %s = ", out_type(e, r, k), info(e, needed_proj(e, r, k))->cname);
    put_expr(e, n->arg[0], PREC_EQ);
    put(e, " ? ");
    put_expr(e, n->regions[0]->results.at[k], PREC_OR);
    put(e, " : ");
    put_expr(e, n->regions[1]->results.at[k], PREC_OR);
    line_end(e, ";");
  }
}

static void emit_branch(Emit *e, Ref r, Region *in) {
  uint32_t scope = scope_open(e);
  emit_region(e, in);
  for (uint32_t k = 0; k < in->results.n; k++) {
    if (array_out(e, r, k)) copy_into(e, info(e, r)->out[k].buffer, in->results.at[k]);
    if (!scalar_out(e, r, k)) continue;
    line_start(e);
    putf(e, "%s = ", info(e, needed_proj(e, r, k))->cname);
    put_expr(e, in->results.at[k], PREC_ANY);
    line_end(e, ";");
  }
  scope_close(e, scope);
}

static bool empty_branch(const Emit *e, Ref r, const Region *in) {
  for (uint32_t k = 0; k < in->results.n; k++)
    if (needed_proj(e, r, k)) return false;
  return no_statements(e, in);
}

static void emit_if(Emit *e, Ref r) {
  const Node *n = node(e, r);
  bool empty[2];
  for (int j = 0; j < 2; j++) empty[j] = empty_branch(e, r, n->regions[j]);
  if (empty[0] && empty[1]) return;
  for (uint32_t k = 0; k < n->nresults; k++)
    if (scalar_out(e, r, k))
      line(e, "%s %s;", out_type(e, r, k), info(e, needed_proj(e, r, k))->cname);
  line_start(e);
  put(e, empty[0] ? "if (!" : "if (");
  put_expr(e, n->arg[0], empty[0] ? PREC_PRIMARY : PREC_ANY);
  block_open(e, ")");
  emit_branch(e, r, n->regions[empty[0]]);
  if (!empty[0] && !empty[1]) {
    e->fn->indent--;
    line_start(e);
    block_open(e, "} else");
    emit_branch(e, r, n->regions[1]);
  }
  block_close(e);
}

/* ---- outputs of loops and folds ---------------------------------------------------------- */

void put_over_nothing(Emit *e, Elem elem, Combiner comb) {
  int64_t whole = comb == PROD ? 1 : comb == MAX ? INT64_MIN : comb == MIN ? INT64_MAX : 0;
  double over_nothing = comb == PROD ? 1 : comb == MAX ? -HUGE_VAL : comb == MIN ? HUGE_VAL : 0;
  switch (comb) {
    case ANY: put(e, "0"); break;
    case ALL: put(e, "1"); break;
    case ARGMAX: case ARGMIN: put(e, "-1"); break;
    default:
      if (elem == ELEM_REAL) put_real(e, over_nothing, PREC_ANY);
      else put_int(e, whole, PREC_ANY);
  }
}

static void declare_reduction(Emit *e, Ref r, uint32_t k, Combiner comb) {
  if (comb == BUILD || !scalar_out(e, r, k)) return;
  line_start(e);
  putf(e, "%s %s = ", out_type(e, r, k), info(e, needed_proj(e, r, k))->cname);
  put_over_nothing(e, node(e, r)->result_type[k]->elem, comb);
  line_end(e, ";");
}

/* The best value so far of an argmax; comb: that of what it is over nothing. */
static const char *declare_best(Emit *e, Ref value, Combiner comb) {
  const char *best = c_fresh(e, "best");
  line_start(e);
  putf(e, "%s %s = ", c_type(e->f, node(e, value)->type->elem, false), best);
  put_over_nothing(e, node(e, value)->type->elem, comb);
  line_end(e, ";");
  return best;
}

/* if (v > top || v != v) top = v; */
void emit_extreme(Emit *e, const char *name, Ref value, Combiner comb) {
  make_simple(e, value, "v");
  bool real = node(e, value)->type->elem == ELEM_REAL;
  line_start(e);
  put(e, "if (");
  put_expr(e, value, PREC_REL);
  putf(e, comb == MAX ? " > %s" : " < %s", name);
  if (real) {
    put(e, " || ");
    put_expr(e, value, PREC_REL);
    put(e, " != ");
    put_expr(e, value, PREC_REL);
  }
  putf(e, ") %s = ", name);
  put_expr(e, value, PREC_ANY);
  line_end(e, ";");
}

void put_position(Emit *e, Ref loop) {
  const Node *n = node(e, loop);
  uint32_t naxes = n->op == IR_FOLD ? 1 : n->nargs;
  for (uint32_t a = 2; a < naxes; a++) put(e, "(");
  for (uint32_t a = 0; a < naxes; a++) {
    if (a) {
      put(e, "*");
      put_expr(e, n->arg[a], PREC_UNARY);
      put(e, " + ");
    }
    put_expr(e, n->regions[0]->params.at[a], PREC_UNARY);
    if (a && a + 1 < naxes) put(e, ")");
  }
}

/* The first winner; a NaN wins: if (argmax < 0 || (!(v <= best) && best == best)) …, two
 * comparisons for most values, or none of them a branch. */
static void emit_arg(Emit *e, const char *name, const char *best, Ref value, Combiner comb,
                     Ref loop) {
  make_simple(e, value, "v");
  bool real = node(e, value)->type->elem == ELEM_REAL;
  const char *v = expr_text(e, value, PREC_REL);
  line_start(e);
  if (real) putf(e, "if (%s < 0 || (!(%s %s %s) && %s == %s)", name, v,
                 comb == ARGMAX ? "<=" : ">=", best, best, best);
  else putf(e, "if (%s < 0 || %s %s %s", name, v, comb == ARGMAX ? ">" : "<", best);
  block_open(e, ")");
  line_start(e);
  putf(e, "%s = ", best);
  put_expr(e, value, PREC_ANY);
  line_end(e, ";");
  line_start(e);
  putf(e, "%s = ", name);
  put_position(e, loop);
  line_end(e, ";");
  block_close(e);
}

/* Pointers to the rows that the body writes. */
static void declare_rows(Emit *e, Ref r, uint32_t first, const Region *body, uint32_t naxes) {
  const Node *n = node(e, r);
  for (uint32_t k = first; k < n->nresults; k++) {
    const Out *o = &info(e, r)->out[k];
    if (!array_out(e, r, k) || !o->next || storage_of(e, body->results.at[k]) != o->next) continue;
    Buffer *row = &e->buffers.at[o->next];
    const char *name = node(e, body->results.at[k])->name;
    row->cname = c_fresh(e, name ? name : "row");
    row->home = e->fn->id;
    line_start(e);
    putf(e, "%s *const %s = ", c_type(e->f, row->type->elem, true), row->cname);
    put_row(e, ref_buffer(e, o->buffer), n->result_type[k], naxes, body->params.at);
    line_end(e, ";");
  }
}

static void emit_build(Emit *e, Ref r, uint32_t k, Ref value, const Region *body, uint32_t naxes) {
  const Out *o = &info(e, r)->out[k];
  const Type *whole = node(e, r)->result_type[k];
  if (is_array(node(e, value))) {
    if (storage_of(e, value) == o->next) return;
    Fn *fn = e->fn;
    Buf saved = fn->body;
    buf_init(&fn->body, e->c);
    put_row(e, ref_buffer(e, o->buffer), whole, naxes, body->params.at);
    const char *to = buf_text(&fn->body);
    fn->body = saved;
    store_array(e, to, value);
    return;
  }
  line_start(e);
  if (!put_at_pointer(e, needed_proj(e, r, k))) {
    putf(e, "%s[", ref_buffer(e, o->buffer));
    put_lane_flat(e, o->buffer, whole, naxes, body->params.at);
    put(e, "]");
  }
  put(e, " = ");
  put_expr(e, value, PREC_ANY);
  line_end(e, ";");
}

void emit_output(Emit *e, Ref r, uint32_t k, Combiner comb, Ref value, const char *best,
                 const Region *body, uint32_t naxes) {
  if (comb == BUILD) {
    if (array_out(e, r, k)) emit_build(e, r, k, value, body, naxes);
    return;
  }
  if (!scalar_out(e, r, k)) return;
  const char *name = info(e, needed_proj(e, r, k))->cname;
  if (comb == MAX || comb == MIN) {
    if (!best) emit_extreme(e, name, value, comb);   /* or the search for its place does it */
    return;
  }
  if (comb == ARGMAX || comb == ARGMIN) {
    emit_arg(e, name, best, value, comb, r);
    return;
  }
  line_start(e);
  if (comb == SUM) put(e, name);
  if (comb == PROD) putf(e, "%s *= ", name);
  if (comb == ANY) put(e, "if (");
  if (comb == ALL) put(e, "if (!");
  if (comb == SUM) put_increment(e, value);
  else put_expr(e, value, comb == ALL ? PREC_PRIMARY : PREC_ANY);
  if (comb == ANY) putf(e, ") %s = 1", name);
  if (comb == ALL) putf(e, ") %s = 0", name);
  line_end(e, ";");
}

uint32_t extreme_of(const Emit *e, Ref r, uint32_t first, uint32_t k) {
  const Node *n = node(e, r);
  const Combiner *comb = n->aux.loop->comb;
  for (uint32_t j = first; j < n->nresults; j++) {
    bool fits = comb[j - first] == (comb[k - first] == ARGMAX ? MAX : MIN);
    if (fits && scalar_out(e, r, j) && n->result_type[j]->elem == ELEM_REAL &&
        n->regions[0]->results.at[j] == n->regions[0]->results.at[k])
      return j;
  }
  return n->nresults;
}

bool has_extreme(const Emit *e, Ref r, uint32_t k) {
  return extreme_of(e, r, 0, k) < node(e, r)->nresults;
}

/* lanes: the best values are found in lanes, their places later. */
static Outputs declare_outputs(Emit *e, Ref r, uint32_t first, bool lanes) {
  const Node *n = node(e, r);
  Outputs o = {first, NEWN(e->c, const char *, n->nresults + 1)};
  for (uint32_t k = first; k < n->nresults; k++) {
    Combiner comb = n->aux.loop->comb[k - first];
    declare_reduction(e, r, k, comb);
    if ((comb != ARGMAX && comb != ARGMIN) || !scalar_out(e, r, k)) continue;
    uint32_t j = extreme_of(e, r, first, k);
    if (j < n->nresults) o.best[k] = o.best[j] = info(e, needed_proj(e, r, j))->cname;
    else o.best[k] = declare_best(e, n->regions[0]->results.at[k], lanes ? extreme_for(comb) : SUM);
  }
  return o;
}

static void emit_outputs(Emit *e, Ref r, const Outputs *o, uint32_t naxes) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  for (uint32_t k = o->first; k < n->nresults; k++)
    if (!records_state(e, r, k))
      emit_output(e, r, k, n->aux.loop->comb[k - o->first], body->results.at[k], o->best[k], body,
                naxes);
}

/* Carried arrays that are recorded as they are when the body starts. */
static void record_states(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  for (uint32_t k = n->nargs - 1; k < n->nresults; k++)
    if (records_state(e, r, k) && array_out(e, r, k) && !is_track(e, r, k))
      emit_build(e, r, k, body->results.at[k], body, 1);
}

/* ---- loops ---------------------------------------------------------------------------------- */

/* So few rounds that a stop can wait for their end. */
static bool is_short(const Emit *e, Ref extent) {
  const Node *n = node(e, extent);
  return n->op == IR_CONST && n->aux.i <= 64;
}

void stop_in_loop(Emit *e, Ref extent) {
  if (e->loop_depth == 0 || (e->c->opt.guarded && !is_short(e, extent))) emit_stop(e);
}

void name_index(Emit *e, Ref index) {
  static const char *const letters[] = {"i", "j", "k", "l", "m", "n"};
  Info *x = info(e, index);
  x->cname = c_fresh(e, want_name(e, index, letters[e->loop_depth % 6]));
  x->home = e->fn->id;
}

void declare_index(Emit *e, Ref r, Ref index, const char *start, const char *lane) {
  bool stored = false;
  name_index(e, index);
  for (uint32_t k = 0; k < node(e, r)->nresults; k++) stored |= array_out(e, r, k);
  if (!stored && !info(e, index)->uses) return;
  line(e, "const int64_t %s = %s + %s;", info(e, index)->cname, start, lane);
}

/* For the JIT: rounds so quick that it looks at the stop flag once in a strip of them; the
 * loop over a strip can become vector code. */
enum { STRIP = 1024 };

static bool is_quick(const Emit *e, const Region *body) {
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    const Node *n = node(e, body->nodes.at[k]);
    if (info(e, body->nodes.at[k])->need && (n->nregions || is_array(n))) return false;
  }
  return true;
}

/* `axes`: how many of the loop's are not open yet. */
static bool in_strips(const Emit *e, Ref r, const Region *inside, uint32_t axes) {
  const Node *n = node(e, r);
  if (!e->f->jit || n->nargs == 0 || is_short(e, n->arg[n->nargs - 1])) return false;
  bool stops = e->loop_depth + axes == 1 || e->c->opt.guarded;
  return stops && is_quick(e, inside);
}

/* The loop over strips; gives the name of a strip's first round, and of its end. */
static const char *open_strips(Emit *e, const char *from, const char *count, const char **end) {
  const char *start = c_fresh(e, "start");
  *end = c_fresh(e, "end");
  line_start(e);
  putf(e, "for (int64_t %s = %s; %s < %s; %s += %d)", start, from, start, count, start, STRIP);
  block_open(e, "");
  emit_stop(e);
  line(e, "const int64_t %s = %s - %s < %d ? %s : %s + %d;", *end, count, start, STRIP, count,
       start, STRIP);
  return start;
}

/* for (int64_t i = from; i < to; i++) { … }, in which libtcc jumps twice a round more than in
 * for (int64_t i = from; i < to;) do { … } while (++i < to); */
void open_count(Emit *e, const char *i, const char *from, const char *to) {
  putf(e, "for (int64_t %s = %s; %s < %s;", i, from, i, to);
  if (for_tcc(e)) {
    VEC_PUSH(e->c, &e->closing, str_printf(e->c, "} while (++%s < %s);", i, to));
    block_open(e, ") do");
  } else {
    putf(e, " %s++)", i);
    block_open(e, "");
  }
}

void close_count(Emit *e) {
  if (!for_tcc(e)) {
    block_close(e);
    return;
  }
  e->fn->indent--;
  line(e, "%s", e->closing.at[--e->closing.n]);
}

/* One axis; blocks: of a parallel loop, from: where it starts, or NULL; apart: may it be said that
 * its rounds are? few: too few rounds to stop in. */
typedef struct Axis {
  Ref index, extent;
  const InBlocks *blocks;
  const char *from;
  bool strips, apart, few;
} Axis;

static void open_axis(Emit *e, Ref r, const Axis *a) {
  const char *first = a->from ? a->from : "0", *end = NULL;
  if (!a->from) emit_trips(e, a->extent);
  if (a->strips) first = open_strips(e, first, expr_text(e, a->extent, PREC_ADD), &end);
  name_index(e, a->index);
  const char *i = info(e, a->index)->cname;
  line_start(e);
  if (a->apart) put_apart(e, r, node(e, r)->regions[0]);
  if (is_around(e)) {
    use_macro(e->f, MACRO_AROUND, true);
    put(e, "GC_AROUND ");
  }
  if (a->blocks && !a->from) {
    put_block_range(e, r, i, a->blocks);
    block_open(e, "");
  } else {
    if (a->blocks) end = a->blocks->end;
    open_count(e, i, first, end ? end : expr_text(e, a->extent, PREC_ADD));
  }
  if (!a->strips && !a->few) stop_in_loop(e, a->extent);
  e->loop_depth++;
  open_addresses_after(e, r, a->index);
}

void open_for(Emit *e, Ref r, Ref index, Ref extent, const InBlocks *blocks, const char *from) {
  open_axis(e, r, &(Axis){index, extent, blocks, from, false, false, false});
}

bool open_range(Emit *e, Ref r, const Region *inside, const char *from, const char *to,
                bool apart) {
  const Node *n = node(e, r);
  const char *first = from, *end = to;
  Ref index = n->regions[0]->params.at[n->nargs - 1], extent = n->arg[n->nargs - 1];
  bool strips = in_strips(e, r, inside, 1);
  if (strips) first = open_strips(e, from, to, &end);
  name_index(e, index);
  const char *i = info(e, index)->cname;
  line_start(e);
  if (apart) put_apart(e, r, inside);
  open_count(e, i, first, end);
  if (!strips) stop_in_loop(e, extent);
  e->loop_depth++;
  return strips;
}

void close_for(Emit *e) {
  e->loop_depth--;
  close_count(e);
}

/* Around a round that allocates (gc_temp): gives the name of the mark, or NULL. */
static const char *open_scratch(Emit *e, const Region *body) {
  if (!e->scratch[body->id]) return NULL;
  const char *mark = c_fresh(e, "mark"), *host = ref_host(e);
  use_function(e->f, "gc_mark", "void *gc_mark(void *);");
  use_function(e->f, "gc_release", "void gc_release(void *, void *);");
  line(e, "void *const %s = gc_mark(%s);", mark, host);
  return mark;
}

static void close_scratch(Emit *e, const char *mark) {
  if (mark) line(e, "gc_release(%s, %s);", ref_host(e), mark);
}

static bool holds_regions(const Emit *e, const Region *body) {
  for (uint32_t k = 0; k < body->nodes.n; k++)
    if (node(e, body->nodes.at[k])->nregions) return true;
  return false;
}

/* The last axis, from `rest` on or, if that is NULL, all of it. */
static void emit_innermost(Emit *e, Ref r, const Outputs *o, const InBlocks *blocks,
                           const char *rest) {
  const Node *n = node(e, r);
  Region *body = n->regions[0];
  uint32_t a = n->nargs - 1, scope = scope_open(e);
  const InBlocks *cut = a == 0 && blocks->block ? blocks : NULL;
  bool marked = a == 0 && (cut || blocks->pragma);
  bool strips = !rest && in_strips(e, r, body, 1);
  bool few = rest && !has_rows(e, r) && !holds_regions(e, body);
  if (n->nargs)
    open_axis(e, r, &(Axis){body->params.at[a], n->arg[a], cut, rest, strips, !rest && !marked,
                            few});
  const char *mark = open_scratch(e, body);
  declare_rows(e, r, 0, body, n->nargs);
  emit_round(e, blocks, body);
  emit_outputs(e, r, o, n->nargs);
  close_scratch(e, mark);
  if (n->nargs) close_for(e);
  if (strips) block_close(e);
  scope_close(e, scope);
}

/* Rounds side by side, or many of them in calls of kernels: gives the text of the index where
 * others begin, or NULL; `all`: there are no others. */
static const char *emit_many(Emit *e, Ref r, const Outputs *o, const InBlocks *blocks, bool *all) {
  const Node *n = node(e, r);
  Region *body = n->regions[0];
  Ref extent = n->arg[n->nargs - 1];
  if (blocks->failed) return NULL;
  if (has_rows(e, r)) return emit_rows(e, r, o, blocks);
  if (for_tcc(e)) return emit_axis_in_strips(e, r, all);
  const char *rest =
    emit_stream(e, r, body, body->results.at, o, "0", expr_text(e, extent, PREC_ADD));
  if (rest) emit_trips(e, extent);
  return rest;
}

static void emit_rounds(Emit *e, Ref r, const Outputs *o, const InBlocks *blocks) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  uint32_t outer = n->nargs ? n->nargs - 1 : 0, scope = outer ? scope_open(e) : 0;
  for (uint32_t a = 0; a < outer; a++)
    open_for(e, r, body->params.at[a], n->arg[a], a || !blocks->block ? NULL : blocks, NULL);
  bool all = false;
  const char *rest = n->nargs ? emit_many(e, r, o, blocks, &all) : NULL;
  if (!all) emit_innermost(e, r, o, blocks, rest);
  for (uint32_t a = 0; a < outer; a++) {
    leave_axis(e, blocks);
    close_for(e);
  }
  if (outer) scope_close(e, scope);
}

/* Extremes in lanes, then their places; a few values one by one, which has fewer branches. */
static void emit_places(Emit *e, Ref r, const Outputs *o) {
  Ref extent = node(e, r)->arg[0];
  bool known = node(e, extent)->op == IR_CONST;
  if (!known) {
    line_start(e);
    putf(e, "if (%s < %d)", expr_text(e, extent, PREC_REL), SEARCH_BLOCK);
    block_open(e, "");
    emit_rounds(e, r, o, &(InBlocks){0});
    e->fn->indent--;
    line_start(e);
    block_open(e, "} else");
  }
  emit_lanes(e, r, o, NULL);
  emit_search(e, r, o);
  if (!known) block_close(e);
}

static void emit_loop(Emit *e, Ref r) {
  Parallel parallel = plan_parallel(e, r);
  if (parallel) e->in_parallel = true;
  InBlocks blocks = {0};
  if (parallel == PARALLEL_BLOCKS) blocks = open_blocks(e, r);
  bool ranges = in_ranges(e, r) && !blocks.failed, lanes = !ranges && plan_lanes(e, r);
  Outputs o = declare_outputs(e, r, 0, lanes);
  blocks.pragma = parallel == PARALLEL_BUILD;
  const Region *next = node(e, r)->nargs == 1 ? node(e, r)->regions[0] : NULL;
  if (blocks.pragma && !ranges) put_pragma(e, r, next);
  if (ranges) emit_ranges(e, r, &o, &blocks);
  else if (lanes && has_search(e, r)) emit_places(e, r, &o);
  else if (lanes) emit_lanes(e, r, &o, blocks.block ? &blocks : NULL);
  else emit_rounds(e, r, &o, &blocks);
  if (blocks.block) close_blocks(e, r, &blocks, declare_reduction);
  if (parallel) e->in_parallel = false;
}

/* ---- folds and whiles ------------------------------------------------------------------------ */

static void emit_fold(Emit *e, Ref r) {
  const Node *n = node(e, r);
  Region *body = n->regions[0];
  uint32_t ncarry = n->nargs - 1;
  declare_carried(e, r);
  Outputs o = declare_outputs(e, r, ncarry, false);
  uint32_t scope = scope_open(e);
  open_for(e, r, body->params.at[0], n->arg[0], NULL, NULL);
  const char *mark = open_scratch(e, body);
  declare_rows(e, r, ncarry, body, 1);
  open_step(e, r);
  record_states(e, r);
  emit_region(e, body);
  emit_outputs(e, r, &o, 1);
  assign_carried(e, r, body);
  close_scratch(e, mark);
  close_for(e);
  scope_close(e, scope);
  end_carried(e, r);
}

static bool has_checks(const Emit *e, const Region *r) {
  for (uint32_t k = 0; k < order_of(e, r)->n; k++) {
    const Node *n = node(e, order_of(e, r)->at[k]);
    if ((n->flags & NODE_CHECKED) || divides_by_zero(e, n) ||
        info(e, order_of(e, r)->at[k])->effect)
      return true;
    for (uint32_t j = 0; j < n->nregions; j++)
      if (has_checks(e, n->regions[j])) return true;
  }
  return false;
}

static void break_unless(Emit *e, Ref cond) {
  line_start(e);
  put(e, "if (!");
  put_expr(e, cond, PREC_PRIMARY);
  line_end(e, ") break;");
}

static void emit_while(Emit *e, Ref r) {
  const Node *n = node(e, r);
  Region *cond = n->regions[0], *body = n->regions[1];
  Ref proj = needed_proj(e, r, n->nargs - 1);
  const char *trips = proj ? info(e, proj)->cname : c_fresh(e, "trips");
  bool looks_again = e->f->jit && !has_checks(e, cond);
  bool short_form = !looks_again && no_statements(e, cond) && !e->locals[cond->id];
  declare_carried(e, r);
  line(e, "int64_t %s = 0;", trips);
  uint32_t scope = scope_open(e);
  line_start(e);
  if (looks_again) {
    put(e, "for (;;)");
  } else {
    putf(e, "while (%s < ", trips);
    put_expr(e, n->arg[0], PREC_ADD);
    if (short_form) {
      put(e, " && ");
      put_expr(e, cond->results.at[0], PREC_EQ);
    }
    put(e, ")");
  }
  block_open(e, "");
  emit_stop(e);
  emit_trips(e, 0);
  e->loop_depth++;
  if (!short_form) {
    emit_region(e, cond);
    break_unless(e, cond->results.at[0]);
  }
  if (looks_again) {
    line_start(e);
    putf(e, "if (%s >= ", trips);
    put_expr(e, n->arg[0], PREC_ADD);
    block_open(e, ")");
    emit_used_up(e, r);
    line(e, "break;");
    block_close(e);
  }
  const char *mark = open_scratch(e, body);
  emit_region(e, body);
  assign_carried(e, r, body);
  close_scratch(e, mark);
  line(e, "%s++;", trips);
  e->loop_depth--;
  block_close(e);
  if (e->f->jit && !looks_again) {
    line_start(e);
    putf(e, "if (%s >= ", trips);
    put_expr(e, n->arg[0], PREC_ADD);
    block_open(e, ")");
    emit_used_up(e, r);
    block_close(e);
  }
  scope_close(e, scope);
  end_carried(e, r);
}

/* ---- accumulators ------------------------------------------------------------------------ */

static void emit_accum(Emit *e, Ref r) {
  const Node *n = node(e, r);
  Region *body = n->regions[0];
  for (uint32_t k = 0; k < n->nargs; k++) copy_into(e, info(e, r)->out[k].buffer, n->arg[k]);
  emit_region(e, body);
  for (uint32_t k = n->nargs; k < n->nresults; k++) {
    Ref value = body->results.at[k - n->nargs];
    if (array_out(e, r, k)) copy_into(e, info(e, r)->out[k].buffer, value);
    if (!scalar_out(e, r, k)) continue;
    Info *proj = info(e, needed_proj(e, r, k)), *x = info(e, value);
    if (!x->inlined && !x->keep && x->cname && x->home == e->fn->id && !root_param(e, value)) {
      proj->cname = x->cname; /* it is in scope here */
      continue;
    }
    line_start(e);
    putf(e, "const %s %s = ", out_type(e, r, k), proj->cname);
    put_expr(e, value, PREC_ANY);
    line_end(e, ";");
  }
}

/* ---- any of them -------------------------------------------------------------------------- */

static void emit_plain(Emit *e, Ref r) {
  open_addresses(e, r);
  switch (node(e, r)->op) {
    case IR_IF:
      if (simple_if(e, r)) emit_choice(e, r);
      else emit_if(e, r);
      break;
    case IR_LOOP: emit_loop(e, r); break;
    case IR_FOLD: emit_fold(e, r); break;
    case IR_WHILE: emit_while(e, r); break;
    default: emit_accum(e, r); break;
  }
  close_addresses(e, r);
}

void emit_structured(Emit *e, Ref r) {
  const Node *n = node(e, r);
  name_outs(e, r);
  bool moved = e->fn->indent > BRACE_MAX && n->op != IR_ACCUM;
  if (moved) {
    fn_open(e, str_printf(e->c, "%s_inner%u", e->cname, e->nfns));
    for (uint32_t k = 0; k < n->nresults; k++)
      if (scalar_out(e, r, k)) info(e, needed_proj(e, r, k))->home = e->fn->id;
  }
  emit_ahead(e, r);
  emit_whole_packs(e, r);
  if (!emit_contraction(e, r)) emit_plain(e, r);
  keep_outs(e, r);
  if (!moved) return;
  for (uint32_t k = 0; k < n->nresults; k++)
    if (scalar_out(e, r, k)) fn_result(e, needed_proj(e, r, k));
  fn_close(e);
}
