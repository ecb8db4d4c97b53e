/* lanes.c - sums in lanes: a reduction whose rounds are straight-line scalar code keeps
 * several partial results, which compilers turn into vector registers.
 *
 * The order is the same for every compiler and number of threads.  With W = 8 in double, 16
 * in float: the last n mod W rounds of the innermost axis are combined one by one; round k
 * of the others goes to lane k mod W; the lanes are combined, halves with halves; then the
 * two results.  So fewer than W rounds keep the order of the source.  Outer axes of one loop
 * share the lanes.  Blocks start where rows start: what one loop writes in vectors the next
 * one reads in the same vectors.
 *
 * gcc has to find the loop over the lanes as it is: GC_LANES keeps it from being unrolled
 * before it has been vectorised.  For libtcc, which does not optimize, the rounds of a block
 * are written one after another.
 *
 * A comparison waits for the one before.  So many rounds of a mere max or min go in quarters,
 * side by side; who wins is the same, for winners may be found in any brackets. */
#include "emit/private.h"

#include <string.h>

enum {
  LANES_OPS = 40,        /* operations in a round */
  UNROLL_OPS = 16,       /* the same where a block is written out */
  QUARTER_OPS = 8,       /* the same where quarters go side by side */
  QUARTERS_LEAST = 512,  /* and so many rounds at least */
};

static int width(const Emit *e) {
  return e->f->real_float ? 16 : 8;
}

/* ---- which loops ------------------------------------------------------------------- */

/* How an int of the round moves with the innermost index: not, by 1, by -1, otherwise. */
typedef enum Step { STEP_NONE, STEP_ON, STEP_BACK, STEP_OTHER } Step;

static Step step_of(const Emit *e, Ref r, const Region *body) {
  if (!region_inside(e, node(e, r)->region, body)) return STEP_NONE;
  return (Step)info(e, r)->step;
}

static Step turned(Step s) {
  return s == STEP_ON ? STEP_BACK : s == STEP_BACK ? STEP_ON : s;
}

static Step find_step(const Emit *e, const Node *n, const Region *body) {
  bool sum = n->op == IR_PRIM && (n->aux.i == P_ADD || n->aux.i == P_SUB);
  Step found = STEP_NONE;
  for (uint32_t k = 0; k < n->nargs; k++) {
    Step s = step_of(e, n->arg[k], body);
    if (s == STEP_NONE) continue;
    if (!sum || found) return STEP_OTHER;
    found = k && n->aux.i == P_SUB ? turned(s) : s;
  }
  return found;
}

/* Elements side by side, or one for all rounds? */
static bool walks_along(const Emit *e, const Ref *index, uint32_t n, const Region *body) {
  for (uint32_t k = 0; k < n; k++) {
    Step s = step_of(e, index[k], body);
    if (s == STEP_OTHER || (s && k + 1 < n)) return false;
  }
  return true;
}

bool prim_in_vectors(const Emit *e, const Node *n) {
  double x;
  switch (n->aux.i) {
    case P_ADD: case P_SUB: case P_MUL: case P_DIV: case P_NEG: case P_MAX: case P_MIN:
    case P_SELECT: case P_EQ: case P_NE: case P_LT: case P_LE: case P_GT: case P_GE: case P_AND:
    case P_OR: case P_NOT: case P_ISNAN: case P_ISINF: case P_ISFINITE: case P_SQRT: case P_ABS:
    case P_FABS: case P_SIGN: case P_RELU: case P_HEAVISIDE: case P_CLAMP: case P_FLOOR:
    case P_CEIL: case P_TRUNC: case P_RINT: case P_NEARBYINT: case P_COPYSIGN:
      return true;
    case P_POW: return ir_is_const(e->p, n->arg[1], &x) && x >= -16 && x <= 16 && x == (int)x;
    default: return fast_version(e, n->aux.i) != NULL;
  }
}

/* An element of its own for every round, of an array that is added into. */
static bool adds_along(const Emit *e, const Node *n, const Region *body) {
  return n->nargs > 2 && is_scalar(node(e, n->arg[1])) &&
         step_of(e, n->arg[n->nargs - 1], body) == STEP_ON &&
         walks_along(e, n->arg + 2, n->nargs - 2, body);
}

static bool straight_region(Emit *e, const Region *r, const Region *body, uint32_t *ops);

static bool is_straight(Emit *e, const Node *n, const Region *body, uint32_t *ops) {
  bool checked = (n->flags & NODE_CHECKED) && !e->c->opt.unchecked;
  if (checked || divides_by_zero(e, n)) return false;
  switch (n->op) {
    case IR_CONST: case IR_TOREAL: return true;
    case IR_PROJ: return is_scalar(n);
    case IR_PRIM: return prim_in_vectors(e, n);
    case IR_READ: return is_scalar(n) && walks_along(e, n->arg + 1, n->nargs - 1, body);
    case IR_UPD: return adds_along(e, n, body);
    case IR_IF:
      return straight_region(e, n->regions[0], body, ops) &&
             straight_region(e, n->regions[1], body, ops);
    default: return false;
  }
}

/* Is all of it arithmetic, in `ops` operations?  A choice is a mask in vector units. */
static bool straight_region(Emit *e, const Region *r, const Region *body, uint32_t *ops) {
  if (e->cut[r->id] || e->locals[r->id] || e->scratch[r->id]) return false;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Info *x = info(e, r->nodes.at[k]);
    const Node *n = node(e, r->nodes.at[k]);
    if (!x->need) continue;
    if (x->effect && (n->op != IR_UPD || r != body)) return false;
    if (x->keep || ++*ops > LANES_OPS || !is_straight(e, n, body, ops)) return false;
    bool chosen = n->op == IR_IF || n->op == IR_PROJ;
    x->step = (uint8_t)(chosen ? STEP_OTHER : find_step(e, n, body));
  }
  return true;
}

bool straight_body(Emit *e, const Region *body, const Region *inside, uint32_t naxes) {
  uint32_t ops = 0;
  for (uint32_t a = 0; a < naxes; a++)
    info(e, body->params.at[a])->step = a + 1 < naxes ? STEP_NONE : STEP_ON;
  return straight_region(e, inside, inside, &ops);
}

/* The best value of an argmax is found like a max, by that max where it is wanted, too. */
static bool is_lane(const Emit *e, Ref r, uint32_t k) {
  switch (node(e, r)->aux.loop->comb[k]) {
    case SUM: case PROD: case MAX: case MIN: return needed_proj(e, r, k) != 0;
    case ARGMAX: case ARGMIN: return needed_proj(e, r, k) && !has_extreme(e, r, k);
    default: return false;
  }
}

static Combiner lane_combiner(const Emit *e, Ref r, uint32_t k) {
  return extreme_for(node(e, r)->aux.loop->comb[k]);
}

/* Sums of ints alone may be reordered by the compiler. */
static bool gains(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  bool found = false;
  if (has_search(e, r)) return plan_search(e, r);
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!needed_proj(e, r, k)) continue;
    if (is_lane(e, r, k)) found |= n->result_type[k]->elem == ELEM_REAL;
    else if (n->aux.loop->comb[k] != BUILD) return false;
    else if (is_array(node(e, n->regions[0]->results.at[k]))) return false;
    else if (n->nargs != n->result_type[k]->rank) return false;
  }
  return found;
}

bool plan_lanes_in(Emit *e, Ref r, const Region *inside) {
  const Node *n = node(e, r);
  if (e->c->opt.ieee || n->nargs == 0 || inside_rows(e, r) || !gains(e, r)) return false;
  const Node *last = node(e, n->arg[n->nargs - 1]);
  if (last->op == IR_CONST && last->aux.i < width(e)) return false;
  return straight_body(e, n->regions[0], inside, n->nargs);
}

bool plan_lanes(Emit *e, Ref r) {
  return plan_lanes_in(e, r, node(e, r)->regions[0]);
}

/* ---- the lanes ---------------------------------------------------------------------------- */

/* A function for libtcc, which is long at it if all lanes are written out. */
static void call_for_lanes(Emit *e, const char *type, const char *function, const char *lane) {
  const char *name = str_printf(e->c, "gc_lanes_%s%s", function, e->f->real_float ? "f" : "");
  if (!function_used(e->f, name))
    use_function(e->f, name, str_printf(e->c, "%s %s(%s *);", type, name, e->f->real));
  putf(e, "%s(%s)", name, lane);
}

static bool by_calls(const Emit *e, Elem elem, Combiner comb) {
  return for_tcc(e) && elem == ELEM_REAL && comb == SUM;
}

/* double lane[8] = {0.0}; libtcc sets one element after another faster than it calls memset. */
static const char *declare_lane(Emit *e, Elem elem, Combiner comb, int count) {
  const char *lane = c_fresh(e, count > width(e) ? "part" : "lane");
  int given = comb == SUM && !for_tcc(e) ? 1 : count;
  e->fn->bytes += 8 * (uint64_t)count;
  line_start(e);
  putf(e, "%s %s[%d]", c_type(e->f, elem, false), lane, count);
  if (count == width(e) && by_calls(e, elem, comb)) {
    line_end(e, ";");
    line_start(e);
    call_for_lanes(e, "void", "start", lane);
    line_end(e, ";");
    return lane;
  }
  if ((comb == MAX || comb == MIN) && !for_tcc(e)) {
    uint32_t scope = scope_open(e);
    const char *l = c_fresh(e, "l");
    line_end(e, ";");
    line_start(e);
    putf(e, "for (int64_t %s = 0; %s < %d; %s++) %s[%s] = ", l, l, count, l, lane, l);
    put_over_nothing(e, elem, comb);
    line_end(e, ";");
    scope_close(e, scope);
    return lane;
  }
  put(e, " = {");
  for (int l = 0; l < given; l++) {
    if (l) put(e, ", ");
    put_over_nothing(e, elem, comb);
  }
  line_end(e, "};");
  return lane;
}

/* The arrays, one for each reduction, by the number of the result; each for so many blocks. */
static const char **declare_lanes(Emit *e, Ref r, int blocks) {
  const Node *n = node(e, r);
  const char **lane = NEWN(e->c, const char *, n->nresults);
  for (uint32_t k = 0; k < n->nresults; k++)
    if (is_lane(e, r, k))
      lane[k] = declare_lane(e, node(e, n->regions[0]->results.at[k])->type->elem,
                             lane_combiner(e, r, k), blocks*width(e));
  return lane;
}

/* Lanes first, first + stride, …, of `width` as a tree. */
static void put_branch(Emit *e, const char *lane, const char *sign, uint32_t width, uint32_t first,
                       uint32_t stride) {
  if (stride == width) {
    putf(e, "%s[%u]", lane, first);
    return;
  }
  if (stride > 1) put(e, "(");
  put_branch(e, lane, sign, width, first, 2*stride);
  if (stride == 1 && width > 8) {
    put(e, "\n");
    line_start(e);
    put(e, " ");
  }
  put(e, sign);
  put_branch(e, lane, sign, width, first + stride, 2*stride);
  if (stride > 1) put(e, ")");
}

void put_tree(Emit *e, const char *lane, const char *sign, uint32_t width) {
  put_branch(e, lane, sign, width, 0, 1);
}

/* if (from > to || from != from) to = from; a NaN wins.  A vector unit compares with what is
 * there in one instruction, if that stands alone; libtcc stores less with an if. */
void put_winner(Emit *e, const char *to, const char *from, Combiner comb, bool real) {
  const char *than = comb == MAX ? ">" : "<";
  if (for_tcc(e)) {
    line_start(e);
    putf(e, "if (%s %s %s", from, than, to);
    if (real) putf(e, " || %s != %s", from, from);
    putf(e, ") %s = %s", to, from);
    line_end(e, ";");
    return;
  }
  if (!real) {
    line(e, "%s = %s %s %s ? %s : %s;", to, from, than, to, from, to);
    return;
  }
  const char *best = c_fresh(e, comb == MAX ? "larger" : "smaller");
  line(e, "const %s %s = %s %s %s ? %s : %s;", e->f->real, best, from, than, to, from, to);
  line(e, "%s = %s != %s ? %s : %s;", to, from, from, from, best);
}

static const char *element(Emit *e, const char *lane, int l) {
  return str_printf(e->c, "%s[%d]", lane, l);
}

/* for (int64_t w = 4; w > 0; w /= 2) … lane[l] = the winner of lane[l] and lane[l + w]; */
static void halve_lanes(Emit *e, const char *lane, Combiner comb, Elem elem) {
  uint32_t scope = scope_open(e);
  const char *w = c_fresh(e, "w"), *l = c_fresh(e, "l"), *v = c_fresh(e, "v");
  line_start(e);
  putf(e, "for (int64_t %s = %d; %s > 0; %s /= 2)", w, width(e)/2, w, w);
  block_open(e, "");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < %s; %s++)", l, l, w, l);
  block_open(e, "");
  line(e, "const %s %s = %s[%s + %s];", c_type(e->f, elem, false), v, lane, l, w);
  put_winner(e, str_printf(e->c, "%s[%s]", lane, l), v, comb, elem == ELEM_REAL);
  block_close(e);
  block_close(e);
  scope_close(e, scope);
}

static void combine_extremes(Emit *e, const char *name, const char *lane, Combiner comb,
                             Elem elem) {
  bool real = elem == ELEM_REAL;
  for (int half = width(e)/2; for_tcc(e) && half > 0; half /= 2)
    for (int l = 0; l < half; l++)
      put_winner(e, element(e, lane, l), element(e, lane, l + half), comb, real);
  if (!for_tcc(e)) halve_lanes(e, lane, comb, elem);
  put_winner(e, name, element(e, lane, 0), comb, real);
}

static void combine_lanes(Emit *e, Ref r, const Outputs *o, const char *const *lane) {
  const Node *n = node(e, r);
  for (uint32_t k = 0; k < n->nresults; k++) {
    Combiner comb = lane_combiner(e, r, k);
    if (!lane[k]) continue;
    const char *name = o->best[k] ? o->best[k] : info(e, needed_proj(e, r, k))->cname;
    if (comb == MAX || comb == MIN) {
      combine_extremes(e, name, lane[k], comb, node(e, n->regions[0]->results.at[k])->type->elem);
      continue;
    }
    line_start(e);
    putf(e, comb == SUM ? "%s += " : "%s *= ", name);
    if (by_calls(e, node(e, n->regions[0]->results.at[k])->type->elem, comb))
      call_for_lanes(e, e->f->real, "sum", lane[k]);
    else
      put_tree(e, lane[k], comb == SUM ? " + " : "*", (uint32_t)width(e));
    line_end(e, ";");
  }
}

/* ---- the rounds ------------------------------------------------------------------------------ */

/* Those of the last axis: from `first` in blocks, from `rest` to `last` one by one. */
typedef struct Rounds {
  Ref index, extent;
  const char *first, *rest, *last, *count;
  Region *body;          /* what a round computes, and its results */
  const Ref *results;
} Rounds;

static Rounds find_rounds(Emit *e, Ref r, const InBlocks *b) {
  const Node *n = node(e, r);
  Ref index = n->regions[0]->params.at[n->nargs - 1], extent = n->arg[n->nargs - 1];
  const char *count = expr_text(e, extent, PREC_MUL), *last = expr_text(e, extent, PREC_ADD);
  Region *body = n->regions[0];
  Rounds x = {index, extent, "0", NULL, last, count, body, body->results.at};
  if (b) {
    x.first = c_fresh(e, "first");
    x.rest = c_fresh(e, "rest");
    x.last = c_fresh(e, "last");
    x.count = str_printf(e->c, "%s - %s", x.last, x.first);
    declare_block_bounds(e, b, count, x.first, x.last);
    line(e, "const int64_t %s = %s - (%s) %% %d;", x.rest, x.last, x.count, width(e));
  } else if (node(e, extent)->op == IR_CONST) {
    int64_t all = node(e, extent)->aux.i;
    x.rest = str_printf(e->c, "%lld", (long long)(all - all % width(e)));
  } else if (for_tcc(e)) { /* no division there, in no round of the loop */
    x.rest = c_fresh(e, "rest");
    line(e, "const int64_t %s = %s > 0 ? %s & %d : 0;", x.rest, last, last, -width(e));
  } else {
    x.rest = str_printf(e->c, "%s - %s %% %d", last, count, width(e));
  }
  return x;
}

/* lane[l] += value; */
static void put_in_lane(Emit *e, const char *lane, Combiner comb, Ref value) {
  bool real = node(e, value)->type->elem == ELEM_REAL;
  if (comb == MAX || comb == MIN) {
    make_simple(e, value, "v");
    put_winner(e, lane, expr_text(e, value, PREC_REL), comb, real);
    return;
  }
  line_start(e);
  put(e, lane);
  if (comb == PROD) put(e, " *= ");
  if (comb == PROD) put_expr(e, value, PREC_ANY);
  else put_increment(e, value);
  line_end(e, ";");
}

/* One round; lane: where partial results go, at the subscript `at`, or NULL. */
static void put_round(Emit *e, Ref r, const Outputs *o, const Rounds *x, const char *const *lane,
                      const char *at) {
  const Node *n = node(e, r);
  emit_region(e, x->body);
  for (uint32_t k = 0; k < n->nresults; k++) {
    Combiner comb = lane_combiner(e, r, k);
    if (lane && lane[k])
      put_in_lane(e, str_printf(e->c, "%s[%s]", lane[k], at), comb, x->results[k]);
    else if (o->best[k] && is_lane(e, r, k))
      emit_extreme(e, o->best[k], x->results[k], comb);
    else if (!o->best[k])
      emit_output(e, r, k, comb, x->results[k], NULL, n->regions[0], n->nargs);
  }
}

/* The rounds that fill no block. */
static void put_rest(Emit *e, Ref r, const Outputs *o, const Rounds *x) {
  if (strcmp(x->rest, x->last) == 0) return;
  uint32_t scope = scope_open(e);
  name_index(e, x->index);
  const char *i = info(e, x->index)->cname;
  line_start(e);
  put_apart(e, r, x->body);
  open_count(e, i, x->rest, x->last);
  put_round(e, r, o, x, NULL, NULL);
  close_count(e);
  scope_close(e, scope);
}

static void open_blocks_from(Emit *e, const Rounds *x, const char *start, int step) {
  line_start(e);
  putf(e, "for (int64_t %s = %s; %s < %s; %s += %d)", start, x->first, start, x->rest, start, step);
  block_open(e, "");
  stop_in_loop(e, x->extent);
}

/* for (start…) { GC_LANES for (l < 8) { const int64_t i = start + l; … } } */
static void put_blocks(Emit *e, Ref r, const Outputs *o, const Rounds *x, const char *const *lane) {
  uint32_t scope = scope_open(e);
  const char *start = c_fresh(e, "start"), *l = c_fresh(e, "l");
  use_macro(e->f, MACRO_LANES, true);
  open_blocks_from(e, x, start, width(e));
  line_start(e);
  put_apart(e, r, x->body);
  putf(e, "GC_LANES for (int64_t %s = 0; %s < %d; %s++)", l, l, width(e), l);
  block_open(e, "");
  declare_index(e, r, x->index, start, l);
  put_round(e, r, o, x, lane, l);
  block_close(e);
  block_close(e);
  scope_close(e, scope);
}

/* The lane of round i. */
static const char *lane_of(Emit *e, const Rounds *x, const char *i) {
  if (strcmp(x->first, "0") == 0) return str_printf(e->c, "%s & %d", i, width(e) - 1);
  return str_printf(e->c, "(%s - %s) & %d", i, x->first, width(e) - 1);
}

/* For libtcc: a block written out, or its lanes in turn. */
static void put_plain_blocks(Emit *e, Ref r, const Outputs *o, const Rounds *x,
                             const char *const *lane) {
  uint32_t scope = scope_open(e);
  bool unroll = x->body->nodes.n <= UNROLL_OPS;
  name_index(e, x->index);
  const char *i = info(e, x->index)->cname;
  open_blocks_from(e, x, i, unroll ? width(e) : 1);
  if (!unroll) put_round(e, r, o, x, lane, lane_of(e, x, i));
  for (int l = 0; unroll && l < width(e); l++) {
    if (l) info(e, x->index)->cname = str_printf(e->c, "(%s + %d)", i, l);
    put_round(e, r, o, x, lane, str_printf(e->c, "%d", l));
  }
  block_close(e);
  scope_close(e, scope);
}

/* ---- quarters ------------------------------------------------------------------------------- */

/* Extremes alone, of few operations: each comparison waits for the one before, and memory for
 * a single stream.  Four streams side by side, each in order and combined in order, give the
 * same winners. */
static bool has_quarters(const Emit *e, Ref r, const Rounds *x) {
  const Node *n = node(e, r), *extent = node(e, x->extent);
  if (extent->op == IR_CONST && extent->aux.i < QUARTERS_LEAST) return false;
  for (uint32_t k = 0; k < n->nresults; k++) {
    Combiner comb = lane_combiner(e, r, k);
    if (needed_proj(e, r, k) && (!is_lane(e, r, k) || (comb != MAX && comb != MIN))) return false;
  }
  uint32_t ops = 0;
  for (uint32_t k = 0; k < x->body->nodes.n; k++) {
    const Info *of = info(e, x->body->nodes.at[k]);
    if (of->need && (of->effect || ++ops > QUARTER_OPS)) return false;
  }
  return true;
}

/* for (start…) for (q < 4) GC_LANES for (l < 8) { const int64_t i = q*quarter + start + l; … } */
static void put_quarter_blocks(Emit *e, Ref r, const Outputs *o, const Rounds *x,
                               const char *quarter, const char *const *part) {
  uint32_t scope = scope_open(e);
  const char *start = c_fresh(e, "start"), *q = c_fresh(e, "q"), *l = c_fresh(e, "l");
  const char *before = strcmp(x->first, "0") ? str_printf(e->c, "%s + ", x->first) : "";
  use_macro(e->f, MACRO_LANES, true);
  open_blocks_from(e, &(Rounds){.extent = x->extent, .first = "0", .rest = quarter}, start,
                   width(e));
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < 4; %s++)", q, q, q);
  block_open(e, "");
  line_start(e);
  put_apart(e, r, x->body);
  putf(e, "GC_LANES for (int64_t %s = 0; %s < %d; %s++)", l, l, width(e), l);
  block_open(e, "");
  declare_index(e, r, x->index, str_printf(e->c, "%s%s*%s + %s", before, q, quarter, start), l);
  put_round(e, r, o, x, part, str_printf(e->c, "%d*%s + %s", width(e), q, l));
  block_close(e);
  block_close(e);
  block_close(e);
  scope_close(e, scope);
}

static void combine_quarters(Emit *e, Ref r, const char *const *lane, const char *const *part) {
  const Node *n = node(e, r);
  uint32_t scope = scope_open(e);
  const char *q = c_fresh(e, "q"), *l = c_fresh(e, "l");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < 4; %s++)", q, q, q);
  block_open(e, "");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < %d; %s++)", l, l, width(e), l);
  block_open(e, "");
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!lane[k]) continue;
    Elem elem = node(e, n->regions[0]->results.at[k])->type->elem;
    const char *v = c_fresh(e, "v");
    line(e, "const %s %s = %s[%d*%s + %s];", c_type(e->f, elem, false), v, part[k], width(e), q, l);
    put_winner(e, str_printf(e->c, "%s[%s]", lane[k], l), v, lane_combiner(e, r, k),
               elem == ELEM_REAL);
  }
  block_close(e);
  block_close(e);
  scope_close(e, scope);
}

static void put_quarters(Emit *e, Ref r, const Outputs *o, const Rounds *x, const char *quarter,
                         const char *const *lane) {
  const char **part = declare_lanes(e, r, 4);
  put_quarter_blocks(e, r, o, x, quarter, part);
  combine_quarters(e, r, lane, part);
}

/* Returns where the blocks go on. */
static const char *put_known_quarters(Emit *e, Ref r, const Outputs *o, const Rounds *x,
                                      const char *const *lane) {
  long long quarter = node(e, x->extent)->aux.i/(4*width(e))*width(e);
  put_quarters(e, r, o, x, str_printf(e->c, "%lld", quarter), lane);
  return str_printf(e->c, "%lld", 4*quarter);
}

/* int64_t done = 0; if (n >= 512) { const int64_t quarter = n/32*8; … done += 4*quarter; } */
static const char *put_guarded_quarters(Emit *e, Ref r, const Outputs *o, const Rounds *x,
                                        const char *const *lane) {
  const char *done = c_fresh(e, "done"), *quarter = c_fresh(e, "quarter");
  bool sum = strchr(x->count, ' ');
  line(e, "int64_t %s = %s;", done, x->first);
  line_start(e);
  putf(e, "if (%s >= %d)", x->count, QUARTERS_LEAST);
  block_open(e, "");
  uint32_t scope = scope_open(e);
  line(e, sum ? "const int64_t %s = (%s)/%d*%d;" : "const int64_t %s = %s/%d*%d;", quarter,
       x->count, 4*width(e), width(e));
  put_quarters(e, r, o, x, quarter, lane);
  line(e, "%s += 4*%s;", done, quarter);
  scope_close(e, scope);
  block_close(e);
  return done;
}

static bool counts_all(Emit *e, const Rounds *x) {
  return node(e, x->extent)->op == IR_CONST &&
         strcmp(x->count, expr_text(e, x->extent, PREC_MUL)) == 0;
}

static void put_rounds(Emit *e, Ref r, const Outputs *o, const Rounds *x, const char *const *lane) {
  if (emit_strips_in_lanes(e, r, x->body, x->results, x->first, x->rest, lane)) return;
  if (for_tcc(e)) {
    put_plain_blocks(e, r, o, x, lane);
    return;
  }
  Rounds rest = *x;
  if (has_quarters(e, r, x))
    rest.first = counts_all(e, x) ? put_known_quarters(e, r, o, x, lane)
                                  : put_guarded_quarters(e, r, o, x, lane);
  if (strcmp(rest.first, rest.rest)) put_blocks(e, r, o, &rest, lane);
}

/* How many rounds there are is known when the code runs: no lanes where they stay empty. */
static void put_guarded(Emit *e, Ref r, const Outputs *o, const Rounds *x) {
  uint32_t scope = scope_open(e);
  put_rest(e, r, o, x);
  line_start(e);
  putf(e, "if (%s >= %d)", x->count, width(e));
  block_open(e, "");
  const char **lane = declare_lanes(e, r, 1);
  put_rounds(e, r, o, x, lane);
  combine_lanes(e, r, o, lane);
  block_close(e);
  scope_close(e, scope);
}

static void emit_guarded(Emit *e, Ref r, const Outputs *o, const InBlocks *b) {
  emit_trips(e, node(e, r)->arg[0]);
  Rounds x = find_rounds(e, r, b);
  put_guarded(e, r, o, &x);
}

void emit_lanes(Emit *e, Ref r, const Outputs *o, const InBlocks *b) {
  const Node *n = node(e, r);
  uint32_t outer = n->nargs - 1;
  if (outer == 0 && (b || node(e, n->arg[0])->op != IR_CONST) && !has_search(e, r)) {
    emit_guarded(e, r, o, b);
    return;
  }
  const char **lane = declare_lanes(e, r, 1);
  uint32_t scope = scope_open(e);
  for (uint32_t a = 0; a < outer; a++)
    open_for(e, r, n->regions[0]->params.at[a], n->arg[a], a ? NULL : b, NULL);
  emit_trips(e, n->arg[outer]);
  Rounds x = find_rounds(e, r, NULL);
  put_rest(e, r, o, &x);
  put_rounds(e, r, o, &x, lane);
  for (uint32_t a = 0; a < outer; a++) close_for(e);
  scope_close(e, scope);
  combine_lanes(e, r, o, lane);
}

/* ---- ranges of the last index (ranges.c) ------------------------------------------------------ */

const char **open_lanes(Emit *e, Ref r) { return declare_lanes(e, r, 1); }

void close_lanes(Emit *e, Ref r, const Outputs *o, const char *const *lane) {
  combine_lanes(e, r, o, lane);
}

void emit_lanes_in(Emit *e, Ref r, Region *inside, const Ref *results, const Outputs *o,
                   const char *from, const char *to, const char *const *lane) {
  const Node *n = node(e, r);
  const char *count = c_fresh(e, "count"), *rest = c_fresh(e, "rest");
  if (strcmp(from, "0") == 0) line(e, "const int64_t %s = %s;", count, to);
  else line(e, "const int64_t %s = %s - %s;", count, to, from);
  line(e, for_tcc(e) ? "const int64_t %s = %s - (%s & %d);" : "const int64_t %s = %s - %s %% %d;",
       rest, to, count, for_tcc(e) ? width(e) - 1 : width(e));
  Rounds x = {n->regions[0]->params.at[n->nargs - 1], n->arg[n->nargs - 1],
              from, rest, to, count, inside, results};
  if (!lane) {
    put_guarded(e, r, o, &x);
    return;
  }
  put_rest(e, r, o, &x);
  put_rounds(e, r, o, &x, lane);
}
