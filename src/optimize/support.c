/* support.c - a sum runs over the terms that can be other than 0, and over no other.
 *
 *   sum((if j <= i then L[i, j] else 0)*x[j] for j < n)    runs over j < i + 1,
 *   sum((if j == k then 1 else 0)*A[j] for j < n)          is A[k], if there is one.
 *
 * So for updates of accumulators, and through arrays that loops build: a triangular factor, a
 * band or a row with a single one is as cheap as if it had been written by its bounds.  Bounds
 * that change with other indices of the loop make it a nest, the bounded index innermost.
 *
 * Requires: barriers gone, subscripts proved (what is read stays in range, for fewer rounds run).
 * Early: before updates are collected by place, and once more when they are arrays.  A product
 * with a zero of this kind counts as 0, whatever the other factor is; not with --ieee.  Linear. */
#include "optimize/optimize.h"
#include "optimize/support.h"

typedef struct State {
  Support **at;     /* by Ref of a LOOP */
  uint8_t *truth;   /* by Ref of a condition: what it is in the rounds being written */
  Ref update;       /* the only one to be written; 0: all are */
  const Support **within;  /* by Ref of a READ: in these rounds it is its element, said anew */
} State;
enum { UNKNOWN, FALSE, TRUE, MAX_LIGHT = 12 };

/* The facts of the body of the array that `read` is of (0: the loop's own) are told, or no more. */
static void tell(State *s, const Support *x, Ref read, bool known) {
  for (uint32_t k = 0; k < x->known.n; k++) {
    const Fact *f = &x->known.at[k];
    if (f->read == read) s->truth[f->condition] = !known ? UNKNOWN : f->contrary ? FALSE : TRUE;
  }
}

/* ---- elements of built arrays ----------------------------------------------------------- */

static const Node *built_by(const Prog *p, const Node *read) {
  return ir_node(p, ir_node(p, read->arg[0])->arg[0]);
}

/* The element that `read` takes, said here, where the facts hold. */
static Ref element(Rewrite *w, const Support *x, Ref old) {
  State *s = w->self;
  const Node *read = ir_node(w->k.from, old), *loop = built_by(w->k.from, read);
  const Region *body = loop->regions[0];
  for (uint32_t k = 0; k < loop->nargs; k++)
    copy_set(&w->k, body->params.at[k], copy_ref(&w->k, read->arg[k + 1]));
  tell(s, x, old, true);
  rewrite_nodes(w, body);
  tell(s, x, old, false);
  pass_as(w, read);
  return copy_ref(&w->k, body->results.at[ir_node(w->k.from, read->arg[0])->aux.i]);
}

static Size map_size(Rewrite *w, Size s) { return size_map(w->k.to, s, pass_image, &w->k); }

/* The nodes of bodies that the bounds need, said in the current region. */
static void write_before(Rewrite *w, const Support *x) {
  const Prog *p = w->k.from;
  for (uint32_t k = 0; k < x->known.n; k++) {
    if (!x->known.at[k].read) continue;
    const Node *read = ir_node(p, x->known.at[k].read);
    const Node *built = built_by(p, read);
    for (uint32_t j = 0; j < built->nargs; j++) {
      Ref index = w->k.map[read->arg[j + 1]];   /* the bounded one is not there yet */
      if (index) copy_set(&w->k, built->regions[0]->params.at[j], index);
    }
  }
  rewrite_nodes(w, &(Region){.nodes = {x->before.at, x->before.n, x->before.cap}});
}

/* Elements of light arrays are said anew, or are the arrays' again. */
static void say_elements(Rewrite *w, const Support *x, bool anew) {
  State *s = w->self;
  for (uint32_t k = 0; k < x->known.n; k++) {
    Ref read = x->known.at[k].read;
    uint32_t left = MAX_LIGHT;
    if (read && is_light(w->k.from, built_by(w->k.from, ir_node(w->k.from, read))->regions[0], &left))
      s->within[read] = anew ? x : NULL;
  }
}

/* The body, for rounds in which the facts are known. */
static void write_body(Rewrite *w, const Support *x) {
  const Node *loop = ir_node(w->k.from, x->loop);
  tell(w->self, x, 0, true);
  say_elements(w, x, true);
  rewrite_nodes(w, loop->regions[0]);
  say_elements(w, x, false);
  tell(w->self, x, 0, false);
  pass_as(w, loop);
}

/* ---- one round ---------------------------------------------------------------------------- */

/* Whether the round is one of the loop's; 0: surely. */
static Ref is_round(Prog *to, Size at, Size extent) {
  Size last = size_sub(to, extent, size_const(to, 1));
  Ref i = size_node(to, at), inside = 0;
  if (!size_nonneg(to, at)) inside = ir_prim2(to, P_GE, i, ir_int(to, 0));
  if (size_nonneg(to, size_sub(to, last, at))) return inside;
  Ref below = ir_prim2(to, P_LT, i, size_node(to, extent));
  return inside ? ir_prim2(to, P_AND, inside, below) : below;
}

/* The terms of that round, in the current region: 0 if there is none. */
static void write_round(Rewrite *w, const Support *x, Ref *term) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, x->loop);
  const Region *body = n->regions[0];
  Size at = map_size(w, x->only);
  Ref inside = is_round(to, at, size_atom(to, pass_extent(w, n->arg[x->index])));
  Region *then = inside ? ir_begin(to) : NULL;
  copy_set(&w->k, body->params.at[x->index], size_node(to, at));
  write_body(w, x);
  for (uint32_t k = 0; k < body->results.n; k++) {
    term[k] = copy_ref(&w->k, body->results.at[k]);
    if (inside) ir_result(to, term[k]);
  }
  if (!inside) return;
  ir_end(to);
  Region *otherwise = ir_begin(to);
  for (uint32_t k = 0; k < body->results.n; k++)
    ir_result(to, ir_zero(to, pass_type(w, ir_type(w->k.from, body->results.at[k]))));
  ir_end(to);
  Ref choice = ir_if(to, inside, then, otherwise);
  for (uint32_t k = 0; k < body->results.n; k++) term[k] = ir_out(to, choice, k);
}

/* ---- a range of rounds ------------------------------------------------------------------ */

static Size larger(Prog *to, Size a, Size b, uint32_t prim) {
  Size d = prim == P_MAX ? size_sub(to, a, b) : size_sub(to, b, a);
  if (size_nonneg(to, d)) return a;
  if (size_nonneg(to, size_scale(to, d, -1, 1))) return b;
  return size_atom(to, ir_prim2(to, prim, size_node(to, a), size_node(to, b)));
}

typedef struct Range { Size low; Ref rounds; } Range;

static Range find_range(Rewrite *w, const Support *x) {
  Prog *to = w->k.to;
  Size low = size_const(to, 0), zero = low;
  Size high = size_atom(to, pass_extent(w, ir_node(w->k.from, x->loop)->arg[x->index]));
  for (uint32_t k = 0; k < x->nlow; k++) low = larger(to, low, map_size(w, x->low[k]), P_MAX);
  for (uint32_t k = 0; k < x->nhigh; k++) high = larger(to, high, map_size(w, x->high[k]), P_MIN);
  return (Range){low, size_node(to, larger(to, size_sub(to, high, low), zero, P_MAX))};
}

/* The loop over its indices but `without`; `range` bounds the one of x, if it is there. */
static void begin_loop(Rewrite *w, const Support *x, bool bounded, bool others, const Range *range,
                       Ref *extent, uint32_t *n) {
  Prog *to = w->k.to;
  const Node *loop = ir_node(w->k.from, x->loop);
  const Region *body = loop->regions[0];
  *n = 0;
  for (uint32_t k = 0; k < loop->nargs; k++)
    if (k == x->index ? bounded : others)
      extent[(*n)++] = k == x->index ? range->rounds : pass_extent(w, loop->arg[k]);
  ir_begin(to);
  ir_set_extents(to, *n, extent);
  for (uint32_t k = 0; k < loop->nargs; k++)
    if (k == x->index ? bounded : others) pass_param(w, body->params.at[k]);
  if (!bounded) return;
  Ref index = copy_ref(&w->k, body->params.at[x->index]);
  Size moved = size_add(to, size_atom(to, index), range->low);
  copy_set(&w->k, body->params.at[x->index], size_node(to, moved));
}

/* Ends the loop over these results; gives the sums. */
static void end_loop(Rewrite *w, const Support *x, uint32_t n, const Ref *extent, Ref *term) {
  Prog *to = w->k.to;
  const Node *loop = ir_node(w->k.from, x->loop);
  Region *body = to->cur;
  for (uint32_t k = 0; k < loop->nresults; k++) ir_result(to, term[k]);
  ir_end(to);
  Ref made = pass_structured(w, loop, n, extent, &body, loop->aux.loop->comb);
  for (uint32_t k = 0; k < loop->nresults; k++) term[k] = ir_out(to, made, k);
}

static void write_range(Rewrite *w, const Support *x, bool others, Ref *term) {
  const Region *body = ir_node(w->k.from, x->loop)->regions[0];
  Ref extent[MAX_RANK];
  uint32_t n;
  Range range = find_range(w, x);
  begin_loop(w, x, true, others, &range, extent, &n);
  write_body(w, x);
  for (uint32_t k = 0; k < body->results.n; k++) term[k] = copy_ref(&w->k, body->results.at[k]);
  end_loop(w, x, n, extent, term);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void write_loop(Rewrite *w, const Support *x, Ref *term) {
  const Node *n = ir_node(w->k.from, x->loop);
  Ref extent[MAX_RANK];
  uint32_t outer;
  bool nest = n->nargs > 1 && (x->only || x->others);
  if (nest) begin_loop(w, x, false, true, NULL, extent, &outer);
  write_before(w, x);
  if (x->only) write_round(w, x, term);
  else write_range(w, x, !nest, term);
  if (nest) end_loop(w, x, outer, extent, term);
}

/* A loop for each update. */
static Ref write_each(Rewrite *w, const Support *x) {
  State *s = w->self;
  for (; x; x = x->next) {
    s->update = x->update;
    if (x->known.n) write_loop(w, x, NULL);
    else rewrite_copy(w, x->loop);
  }
  s->update = 0;
  return REWRITE_GONE;
}

static Ref visit(Rewrite *w, Ref old) {
  const State *s = w->self;
  const Node *n = ir_node(w->k.from, old);
  if (s->truth[old]) return ir_bool(w->k.to, s->truth[old] == TRUE);
  if (s->within[old]) return element(w, s->within[old], old);
  if (n->op == IR_IF) return rewrite_decided(w, old);
  if (n->op == IR_UPD && s->update && s->update != old) return REWRITE_GONE;
  if (n->nregions) w->outs[old] = NULL;
  if (!s->at[old]) return 0;
  if (s->at[old]->update) return write_each(w, s->at[old]);
  Ref *term = NEWN(w->k.to->ctx, Ref, n->nresults + 1);
  write_loop(w, s->at[old], term);
  w->outs[old] = term;
  return REWRITE_GONE;
}

Prog *opt_support(Prog *p) {
  State s = {0};
  if (p->ctx->opt.ieee || p->regions.n == 1) return p;
  for (Ref r = 1; r < p->nnodes; r++) {
    if (ir_node(p, r)->op != IR_LOOP) continue;
    Support *x = find_support(p, r);
    if (!x) continue;
    if (!s.at) s.at = NEWN(p->ctx, Support *, p->nnodes);
    s.at[r] = x;
  }
  if (!s.at) return p;
  s.within = NEWN(p->ctx, const Support *, p->nnodes);
  s.truth = NEWN(p->ctx, uint8_t, p->nnodes);
  Rewrite w = {.node = visit, .self = &s};
  Prog *to = rewrite_program(&w, p);
  return prog_replace(to, ir_sweep(to));
}
