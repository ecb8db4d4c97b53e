/* ranges.c - a loop whose body is a choice by ranges of its last index (optimize/ranges.c)
 * is written as a loop for each range:
 *
 *   if (i >= 2 && i < n - 1) { A } else { B }       becomes, for i from 0 to below n,
 *   for (i = 0; i < first; i++) B
 *   for (i = first; i < last; i++) A
 *   for (i = last; i < n; i++) B
 *
 * with first = min(2, n) and last = max(first, n - 1).  Conditions on indices of other axes make
 * a whole row an edge: then first is n.  The rounds come in their order, so all results
 * have the bits of the loop with the choice in it, but for sums in lanes (lanes.c). */
#include "emit/private.h"

#include <math.h>
#include <string.h>

enum { MAX_TERMS = 2*MAX_RANK };

/* The choice that makes up a region. */
typedef struct Choice {
  Ref branch;                       /* the IF */
  Ref low, high;                    /* of the last index, or 0 */
  Ref row[MAX_TERMS];               /* what is asked of the others */
  uint32_t nrow;
} Choice;

/* A loop being written in ranges. */
typedef struct Writing {
  Ref loop;
  const Outputs *outputs;
  bool pragma;                      /* in front of the longest range */
  const char **lane;                /* the lanes of all ranges, or NULL */
} Writing;

/* From..to of the last index, and what a round computes there. */
typedef struct Range {
  Region *body;
  const Ref *results;
  const char *from, *to;
  bool edge;
} Range;

/* ---- what is a choice by ranges -------------------------------------------------------- */

static bool is_outside(const Emit *e, Ref r, const Region *body) {
  return node(e, r)->op == IR_CONST || !region_inside(e, node(e, r)->region, body);
}

static bool add_term(const Emit *e, Choice *c, const Node *loop, Ref term) {
  const Region *body = loop->regions[0];
  const Node *n = node(e, term);
  if (n->op != IR_PRIM || (n->aux.i != P_GE && n->aux.i != P_LT)) return false;
  if (node(e, n->arg[0])->op != IR_PARAM || node(e, n->arg[0])->region != body->id) return false;
  if (!is_outside(e, n->arg[1], body)) return false;
  if (n->arg[0] != body->params.at[loop->nargs - 1]) {
    if (c->nrow == MAX_TERMS) return false;
    c->row[c->nrow++] = term;
    return true;
  }
  Ref *bound = n->aux.i == P_GE ? &c->low : &c->high;
  if (*bound) return false;
  *bound = n->arg[1];
  return true;
}

static bool add_terms(const Emit *e, Choice *c, const Node *loop, Ref condition) {
  while (node(e, condition)->op == IR_PRIM && node(e, condition)->aux.i == P_AND) {
    if (!add_term(e, c, loop, node(e, condition)->arg[1])) return false;
    condition = node(e, condition)->arg[0];
  }
  return add_term(e, c, loop, condition);
}

/* Is there nothing but the choice, its condition, and its results? */
static bool is_alone(const Emit *e, const Region *r, Ref choice) {
  if (e->cut[r->id] || e->locals[r->id] || e->scratch[r->id]) return false;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref x = r->nodes.at[k];
    const Node *n = node(e, x);
    const Info *i = info(e, x);
    if (!i->need || x == choice) continue;
    if (n->op == IR_PROJ ? n->arg[0] != choice || i->keep : n->op != IR_CONST && n->op != IR_PRIM)
      return false;
    if (n->op == IR_PRIM && n->type->elem != ELEM_BOOL) return false;
  }
  for (uint32_t k = 0; k < node(e, choice)->nresults; k++)
    if (array_out(e, choice, k)) return false;
  return !info(e, choice)->made_before;
}

static bool find_choice(const Emit *e, Ref loop, const Region *r, Choice *c) {
  *c = (Choice){0};
  for (uint32_t k = 0; k < r->nodes.n; k++)
    if (info(e, r->nodes.at[k])->need && node(e, r->nodes.at[k])->op == IR_IF)
      c->branch = r->nodes.at[k];
  return c->branch && is_alone(e, r, c->branch) &&
         add_terms(e, c, node(e, loop), node(e, c->branch)->arg[0]);
}

bool in_ranges(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  Choice c;
  if (n->nargs == 0 || info(e, r)->rows || inside_rows(e, r) || has_search(e, r)) return false;
  for (uint32_t k = 0; k < n->nresults; k++)
    if (needed_proj(e, r, k) && is_array(node(e, n->regions[0]->results.at[k]))) return false;
  return find_choice(e, r, n->regions[0], &c);
}

/* ---- bounds -------------------------------------------------------------------------------- */

/* The results of a branch for those of the choice. */
static const Ref *results_in(const Emit *e, const Range *x, Ref choice, const Region *branch,
                             uint32_t n) {
  Ref *results = NEWN(e->c, Ref, n + 1);
  for (uint32_t k = 0; k < n; k++) {
    const Node *out = node(e, x->results[k]);
    bool chosen = out->op == IR_PROJ && out->arg[0] == choice;
    results[k] = chosen ? branch->results.at[out->aux.i] : x->results[k];
  }
  return results;
}

static bool is_zero(const char *from) { return strcmp(from, "0") == 0; }

/* const int64_t first = low < n ? low : n; */
static const char *put_first(Emit *e, const Range *x, const Choice *c) {
  if (!c->low && !c->nrow) return x->from;
  const char *first = c_fresh(e, "first");
  line_start(e);
  putf(e, "const int64_t %s = ", first);
  for (uint32_t k = c->nrow; k--;) {
    put_expr(e, c->row[k], PREC_EQ);
    put(e, k ? " && " : " ? ");
  }
  if (!c->low) {
    put(e, x->from);
  } else {
    const char *low = expr_text(e, c->low, PREC_ADD);
    if (c->nrow) put(e, "(");
    if (!is_zero(x->from)) putf(e, "%s < %s ? %s : ", low, x->from, x->from);
    putf(e, "%s < %s ? %s : %s", low, x->to, low, x->to);
    if (c->nrow) put(e, ")");
  }
  if (c->nrow) putf(e, " : %s", x->to);
  line_end(e, ";");
  return first;
}

/* Is the range known to end with the axis or later? */
static bool ends_inside(Emit *e, const Writing *w, const Range *x, Ref high) {
  const Node *n = node(e, w->loop);
  Ref extent = n->arg[n->nargs - 1];
  if (strcmp(x->to, expr_text(e, extent, PREC_ADD)) != 0) return false;
  return size_nonneg(e->p, size_sub(e->p, size_atom(e->p, extent), size_atom(e->p, high)));
}

/* const int64_t last = high < first ? first : high; */
static const char *put_last(Emit *e, const Writing *w, const Range *x, const Choice *c,
                            const char *first) {
  if (!c->high) return x->to;
  const char *last = c_fresh(e, "last"), *high = expr_text(e, c->high, PREC_ADD);
  line_start(e);
  putf(e, "const int64_t %s = ", last);
  if (!is_zero(first) || !size_nonneg(e->p, size_atom(e->p, c->high)))
    putf(e, "%s < %s ? %s : ", high, first, first);
  if (ends_inside(e, w, x, c->high)) put(e, high);
  else putf(e, "%s < %s ? %s : %s", high, x->to, high, x->to);
  line_end(e, ";");
  return last;
}

/* ---- rounds -------------------------------------------------------------------------------- */

static void put_plain(Emit *e, const Writing *w, const Range *x) {
  const Node *n = node(e, w->loop);
  bool pragma = w->pragma && !x->edge;
  const char *from = NULL;
  if (!x->edge)
    from = for_tcc(e) ? emit_strips(e, w->loop, x->body, x->results, x->from, x->to)
                      : emit_stream(e, w->loop, x->body, x->results, w->outputs, x->from, x->to);
  if (!from) from = x->from;
  uint32_t scope = scope_open(e);
  if (pragma) put_pragma(e, w->loop, x->body);
  bool strips = open_range(e, w->loop, x->body, from, x->to, !pragma && !x->edge);
  emit_region(e, x->body);
  for (uint32_t k = 0; k < n->nresults; k++)
    emit_output(e, w->loop, k, n->aux.loop->comb[k], x->results[k], w->outputs->best[k],
                n->regions[0], n->nargs);
  close_for(e);
  if (strips) block_close(e);
  scope_close(e, scope);
}

static void put_range(Emit *e, const Writing *w, const Range *x);

static void put_branch(Emit *e, const Writing *w, const Range *x, const Choice *c, int branch,
                       const char *from, const char *to, bool edge) {
  if (from == to) return;
  const Node *n = node(e, c->branch);
  Range y = {n->regions[branch], NULL, from, to, x->edge || edge};
  y.results = results_in(e, x, c->branch, y.body, node(e, w->loop)->nresults);
  put_range(e, w, &y);
}

/* Is the second branch for edges, or for as many rounds as may be? */
static bool has_edges(const Emit *e, Ref loop, const Choice *c) {
  int64_t rounds;
  Ref extent = node(e, loop)->arg[node(e, loop)->nargs - 1];
  if (c->low || c->nrow) return true;
  Size left = size_sub(e->p, size_atom(e->p, extent), size_atom(e->p, c->high));
  return size_is_const(left, &rounds);
}

static void put_ranges(Emit *e, const Writing *w, const Range *x, const Choice *c) {
  const char *first = put_first(e, x, c), *last = put_last(e, w, x, c, first);
  bool edges = has_edges(e, w->loop, c);
  uint32_t again_from = e->again_from, again_to = e->again_to, checks = e->checks.n;
  put_branch(e, w, x, c, 1, x->from, first, edges);
  if (first != x->from && e->again_from == e->again_to) {
    e->again_from = checks;
    e->again_to = e->checks.n;
  }
  put_branch(e, w, x, c, 0, first, last, false);
  put_branch(e, w, x, c, 1, last, x->to, edges);
  e->again_from = again_from;
  e->again_to = again_to;
}

/* What the branches ask again is said again, for it has no statement of its own. */
static void say_conditions_in_place(Emit *e, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n; k++)
    if (node(e, r->nodes.at[k])->op == IR_PRIM) info(e, r->nodes.at[k])->inlined = true;
}

static bool may_matter(const Emit *e, Ref r) {
  return info(e, r)->effect || (info(e, r)->need && node(e, r)->flags & NODE_CHECKED);
}

/* Do rounds that add 0 and nothing else come to nothing?  No sum is ever -0. */
static bool is_idle(const Emit *e, Ref loop, const Range *x) {
  const Node *n = node(e, loop);
  double value;
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!needed_proj(e, loop, k)) continue;
    if (n->aux.loop->comb[k] != SUM) return false;
    if (!ir_is_const(e->p, x->results[k], &value) || value != 0 || signbit(value)) return false;
  }
  for (uint32_t k = 0; k < x->body->nodes.n; k++)
    if (may_matter(e, x->body->nodes.at[k])) return false;
  return true;
}

static void put_range(Emit *e, const Writing *w, const Range *x) {
  Choice c;
  if (is_idle(e, w->loop, x)) return;
  bool chosen = find_choice(e, w->loop, x->body, &c);
  if (chosen) say_conditions_in_place(e, x->body);
  if (chosen) put_ranges(e, w, x, &c);
  else if (!x->edge && plan_lanes_in(e, w->loop, x->body))
    emit_lanes_in(e, w->loop, x->body, x->results, w->outputs, x->from, x->to, w->lane);
  else put_plain(e, w, x);
}

/* ---- the loop ------------------------------------------------------------------------- */

/* Has any range lanes, which all rows share? */
static bool any_lanes(Emit *e, Ref loop, Region *r) {
  Choice c;
  if (!find_choice(e, loop, r, &c)) return plan_lanes_in(e, loop, r);
  const Node *n = node(e, c.branch);
  return any_lanes(e, loop, n->regions[0]) ||
         (!has_edges(e, loop, &c) && any_lanes(e, loop, n->regions[1]));
}

/* The last axis, or the block's part of it where it is the only one. */
static void put_last_axis(Emit *e, const Writing *w, const InBlocks *b) {
  const Node *n = node(e, w->loop);
  Region *body = n->regions[0];
  Ref extent = n->arg[n->nargs - 1];
  Range x = {body, body->results.at, "0", expr_text(e, extent, PREC_ADD), false};
  emit_trips(e, extent);
  if (b) {
    const char *count = expr_text(e, extent, PREC_MUL);
    x.from = c_fresh(e, "from");
    x.to = c_fresh(e, "to");
    declare_block_bounds(e, b, count, x.from, x.to);
  }
  put_range(e, w, &x);
}

void emit_ranges(Emit *e, Ref r, const Outputs *o, const InBlocks *b) {
  const Node *n = node(e, r);
  uint32_t outer = n->nargs - 1;
  Writing w = {r, o, b->pragma && outer == 0, NULL};
  if (b->pragma && outer) put_pragma(e, r, NULL);
  if (outer && any_lanes(e, r, n->regions[0])) w.lane = open_lanes(e, r);
  uint32_t scope = outer ? scope_open(e) : 0;
  for (uint32_t a = 0; a < outer; a++)
    open_for(e, r, n->regions[0]->params.at[a], n->arg[a], a || !b->block ? NULL : b, NULL);
  put_last_axis(e, &w, outer || !b->block ? NULL : b);
  for (uint32_t a = 0; a < outer; a++) close_for(e);
  if (outer) scope_close(e, scope);
  if (w.lane) close_lanes(e, r, o, w.lane);
}
