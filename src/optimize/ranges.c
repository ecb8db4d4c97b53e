/* ranges.c - what is asked of a loop's index has one answer for whole ranges of it.
 *
 *   [x[(i + 1) % n] for i < n]
 *
 * becomes [if i < n - 1 then x[i + 1] else x[(i + 1) % n] for i < n], whose choice is the
 * whole body, and which emission writes as one loop for each range.  In most of them then
 * stands arithmetic alone, of unit stride; the edges keep the body as it was.  So for
 * `if i == 0`, min(i + 1, n - 1), and a threshold anywhere, as in an array put together
 * from two, which gives two ranges.  (i + s) % n with an s that nothing is known of gives
 * two as well.
 *
 * Requires: barriers gone, subscripts proved (what has been proved stays so).  Late, for
 * nothing sees through the choice.  Values are the same to the bit, and the order of each sum
 * in the program is. */
#include "optimize/optimize.h"
#include "optimize/ranges.h"

typedef struct State {
  const Answer **answer;  /* by old Ref: what the node is in the version being written */
  bool *answered;         /* … whether it is asked already, in a loop around */
} State;

/* ---- answers ------------------------------------------------------------------------ */

static Size map_size(Rewrite *w, Size s) { return size_map(w->k.to, s, pass_image, &w->k); }

static Ref number(Rewrite *w, const Answer *a) {
  Prog *to = w->k.to;
  Size x = map_size(w, a->number[a->of->part]);
  return size_node(to, a->rolled ? size_add(to, x, size_atom(to, a->of->rolled)) : x);
}

static Ref answered(Rewrite *w, const Answer *a) {
  switch (a->kind) {
    case ANSWER_TRUTH: return ir_bool(w->k.to, a->truth[a->of->part]);
    case ANSWER_NUMBER: return number(w, a);
    default: return copy_ref(&w->k, a->operand[a->of->part]);
  }
}

/* ---- versions -------------------------------------------------------------------------- */

static void activate(Rewrite *w, const Ranges *r, bool on) {
  State *s = w->self;
  for (uint32_t k = 0; k < r->answers.n; k++) {
    const Answer *a = &r->answers.at[k];
    s->answer[a->node] = on ? a : NULL;
    s->answered[a->node] = on;
  }
}

static void write_body(Rewrite *w, const Region *body) {
  rewrite_nodes(w, body);
  for (uint32_t k = 0; k < body->results.n; k++)
    ir_result(w->k.to, copy_ref(&w->k, body->results.at[k]));
}

/* A version in a region of its own. */
static Region *version(Rewrite *w, Ranges *ranges, const Region *body, int part) {
  Region *r = ir_begin(w->k.to);
  ranges->part = part;
  write_body(w, body);
  ir_end(w->k.to);
  return r;
}

/* The results of a choice are those of the current region. */
static void hand_on(Rewrite *w, const Node *loop, Ref choice) {
  for (uint32_t k = 0; k < loop->regions[0]->results.n; k++)
    ir_result(w->k.to, ir_out(w->k.to, choice, k));
}

static void write_known(Rewrite *w, Ranges *r, Ref middle) {
  Prog *to = w->k.to;
  const Node *loop = ir_node(w->k.from, r->loop);
  const Region *body = loop->regions[0];
  r->part = 0;
  if (!middle) {
    write_body(w, body);
    return;
  }
  Ref index = copy_ref(&w->k, body->params.at[loop->nargs - 1]);
  Ref early = ir_prim2(to, P_LT, index, middle);
  Region *first = version(w, r, body, 0), *second = version(w, r, body, 1);
  pass_as(w, loop);
  hand_on(w, loop, ir_if(to, early, first, second));
}

/* Is the round away from all edges?  `end`: of each axis, where the last edge starts. */
static Ref away_from_edges(Rewrite *w, const Ranges *r, const Ref *end) {
  Prog *to = w->k.to;
  const Node *loop = ir_node(w->k.from, r->loop);
  Ref all = 0;
  for (uint32_t k = 0; k < loop->nargs; k++) {
    Ref i = copy_ref(&w->k, loop->regions[0]->params.at[k]);
    Ref part[] = {r->low[k] ? ir_prim2(to, P_GE, i, ir_int(to, r->low[k])) : 0,
                  r->high[k] ? ir_prim2(to, P_LT, i, end[k]) : 0};
    for (int j = 0; j < 2; j++)
      if (part[j]) all = all ? ir_prim2(to, P_AND, all, part[j]) : part[j];
  }
  return all;
}

static void write_versions(Rewrite *w, Ranges *r, const Ref *end, Ref middle) {
  Prog *to = w->k.to;
  const Node *loop = ir_node(w->k.from, r->loop);
  if (!ranges_have_edges(r)) {
    activate(w, r, true);
    write_known(w, r, middle);
    activate(w, r, false);
    return;
  }
  Ref away = away_from_edges(w, r, end);
  activate(w, r, true);
  Region *known = ir_begin(to);
  write_known(w, r, middle);
  ir_end(to);
  activate(w, r, false);
  pass_as(w, loop);
  Region *edges = version(w, r, loop->regions[0], 0);
  pass_as(w, loop);
  hand_on(w, loop, ir_if(to, away, known, edges));
}

/* ---- the loop ----------------------------------------------------------------------------- */

/* Where the second part starts, in front of the loop; 0: there is one part. */
static Ref find_middle(Rewrite *w, Ranges *r) {
  Prog *to = w->k.to;
  if (r->middle) return size_node(to, map_size(w, r->middle));
  if (!r->ring) return 0;
  Ref ring = size_node(to, map_size(w, r->ring));
  Ref whole = ir_prim2(to, P_MAX, ring, ir_int(to, 1));   /* of no rounds, perhaps */
  r->rolled = ir_prim2(to, P_MOD, size_node(to, map_size(w, r->roll)), whole);
  return r->back ? ir_add(to, r->rolled, ir_int(to, 1)) : ir_sub(to, ring, r->rolled);
}

static Ref write_loop(Rewrite *w, Ranges *r) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, r->loop);
  Ref extent[MAX_RANK], end[MAX_RANK];
  for (uint32_t k = 0; k < n->nargs; k++) {
    extent[k] = pass_extent(w, n->arg[k]);
    Size last = size_sub(to, size_atom(to, extent[k]), size_const(to, r->high[k]));
    end[k] = size_node(to, last);
  }
  Ref middle = find_middle(w, r);
  Region *body = ir_begin(to);
  ir_set_extents(to, n->nargs, extent);
  for (uint32_t k = 0; k < n->nargs; k++) pass_param(w, n->regions[0]->params.at[k]);
  write_versions(w, r, end, middle);
  ir_end(to);
  return pass_structured(w, n, n->nargs, extent, &body, n->aux.loop->comb);
}

static Ref visit(Rewrite *w, Ref old) {
  const State *s = w->self;
  const Node *n = ir_node(w->k.from, old);
  if (s->answer[old]) return answered(w, s->answer[old]);
  if (n->op == IR_IF) return rewrite_decided(w, old);
  Ranges *r = find_ranges(w->k.from, old, s->answered);
  return r ? write_loop(w, r) : 0;
}

static bool any_ranges(Prog *p, const bool *none) {
  for (Ref r = 1; r < p->nnodes; r++)
    if (find_ranges(p, r, none)) return true;
  return false;
}

Prog *opt_ranges(Prog *p) {
  State s = {.answered = NEWN(p->ctx, bool, p->nnodes)};
  if (!any_ranges(p, s.answered)) return p;
  s.answer = NEWN(p->ctx, const Answer *, p->nnodes);
  Rewrite w = {.node = visit, .self = &s};
  Prog *to = rewrite_program(&w, p);
  return to;
}
