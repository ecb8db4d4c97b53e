/* split.c - products of matrices on their own: [f(sum(A[i, k]*B[k, j] for k)) for i, j] becomes
 * t = [sum(A[i, k]*B[k, j] for k) for i, j] and [f(t[i, j]) for i, j], for emission computes
 * a plain product in tiles.
 *
 * Requires: barriers gone, nothing fused after it.  A loop is split where the elements of B lie
 * side by side along the last index, or where A does not move with it and B with another one;
 * and where it builds arrays, or has one index, so that t is not larger than what there is.
 * Products of small literal sizes stay.  Values are the same, to the order of each sum. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

bool product_is_small(int64_t m, int64_t n, int64_t k) {
  enum { LEAST = 4, MATRIX = 512, VECTOR = 64, UNKNOWN = 1 << 10 };
  if ((n >= 0 && n < LEAST) || (k >= 0 && k < LEAST)) return true;
  double rows = (double)(m < 0 ? UNKNOWN : m), columns = (double)(n < 0 ? UNKNOWN : n);
  double rounds = rows*columns*(double)(k < 0 ? UNKNOWN : k);
  return rounds < (m == 1 ? VECTOR : MATRIX);
}

static int64_t literal(const Prog *p, Ref extent) {
  const Node *n = ir_node(p, extent);
  return n->op == IR_CONST ? n->aux.i : -1;
}

/* ---- what the sum is --------------------------------------------------------------- */

/* Does the subscript move with this index? */
static bool follows(const Prog *p, Ref subscript, Ref index) {
  if (subscript == index) return true;
  const Node *n = ir_node(p, subscript);
  if (n->op != IR_PRIM) return false;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (n->arg[k] == index) return true;
  return false;
}

static bool moves(const Prog *p, const Node *read, Ref index) {
  for (uint32_t k = 1; k < read->nargs; k++)
    if (follows(p, read->arg[k], index)) return true;
  return false;
}

static const Node *plain_read(const Prog *p, Ref r, const Region *outside) {
  const Node *n = ir_node(p, r);
  bool plain = n->op == IR_READ && n->type->rank == 0 && !(n->flags & NODE_CHECKED) &&
               ir_in_scope(p, n->arg[0], outside);
  return plain ? n : NULL;
}

/* Output `out` of a loop over k: sum(a*b) of two elements of arrays from outside? */
static bool sums_products(const Prog *p, const Node *n, uint32_t out, const Region *outside,
                          const Node **a, const Node **b) {
  const Node *times = ir_node(p, n->regions[0]->results.at[out]);
  if (n->aux.loop->comb[out] != SUM || times->op != IR_PRIM || times->aux.i != P_MUL) return false;
  *a = plain_read(p, times->arg[0], outside);
  *b = plain_read(p, times->arg[1], outside);
  return *a && *b && (*a)->type->elem == ELEM_REAL;
}

static bool gains(const Prog *p, const Node *loop, const Node *sum, const Node *a, const Node *b) {
  const Region *body = loop->regions[0];
  Ref last = body->params.at[loop->nargs - 1], k = sum->regions[0]->params.at[0];
  int64_t n = literal(p, loop->arg[loop->nargs - 1]), depth = literal(p, sum->arg[0]);
  if (moves(p, a, last)) {
    const Node *other = a;
    a = b;
    b = other;
  }
  if (moves(p, a, last) || !moves(p, b, last) || !moves(p, a, k) || !moves(p, b, k)) return false;
  for (uint32_t i = 0; i + 1 < loop->nargs; i++) {
    Ref index = body->params.at[i];
    if (moves(p, a, index) && !moves(p, b, index))
      return !product_is_small(literal(p, loop->arg[i]), n, depth);
  }
  return follows(p, b->arg[b->nargs - 1], last) && !product_is_small(1, n, depth);
}

/* ---- what moves in front --------------------------------------------------------------- */

/* Can it be said again in a loop of its own: an index, from outside, or ints of these? */
static bool is_index_like(const Prog *p, Ref r, const Region *body) {
  const Node *n = ir_node(p, r);
  if (n->region != body->id || n->op == IR_PARAM || n->op == IR_CONST) return true;
  if (n->op != IR_PRIM || n->type->elem != ELEM_INT || !pass_cheap(p, n)) return false;
  for (uint32_t k = 0; k < n->nargs; k++) {
    const Node *a = ir_node(p, n->arg[k]);
    if (a->region == body->id && a->op != IR_PARAM && a->op != IR_CONST) return false;
  }
  return true;
}

static bool is_candidate(const Prog *p, const Node *loop, Ref r) {
  const Node *a, *b, *n = ir_node(p, r);
  const Region *body = loop->regions[0];
  if (n->op != IR_LOOP || n->nargs != 1 || n->aux.loop->nout == 0) return false;
  if (!ir_in_scope(p, n->arg[0], body->parent) && literal(p, n->arg[0]) < 0) return false;
  for (uint32_t k = 0; k < n->nfree; k++)
    if (!is_index_like(p, n->free[k], body)) return false;
  for (uint32_t k = 0; k < n->aux.loop->nout; k++)
    if (!sums_products(p, n, k, body->parent, &a, &b) || !gains(p, loop, n, a, b)) return false;
  return true;
}

/* Does it build something as large as the products are, and is it more than a product? */
static bool may_split(const Prog *p, const Node *n) {
  if (n->op != IR_LOOP || n->nargs == 0) return false;
  bool builds = n->nargs == 1;
  for (uint32_t k = 0; k < n->aux.loop->nout; k++) builds |= n->aux.loop->comb[k] == BUILD;
  if (!builds || n->aux.loop->nout != 1) return builds;
  const Node *out = ir_node(p, n->regions[0]->results.at[0]);
  return n->aux.loop->comb[0] != BUILD || out->op != IR_PROJ || out->region != n->regions[0]->id;
}

static bool splits(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (!may_split(p, n)) return false;
  const Region *body = n->regions[0];
  for (uint32_t k = 0; k < body->nodes.n; k++)
    if (is_candidate(p, n, body->nodes.at[k])) return true;
  return false;
}

/* ---- the pass ------------------------------------------------------------------------- */

static Region *begin_like(Rewrite *w, const Node *n, const Ref *extent) {
  Region *r = ir_begin(w->k.to);
  ir_set_extents(w->k.to, n->nargs, extent);
  for (uint32_t k = 0; k < n->nargs; k++) pass_param(w, n->regions[0]->params.at[k]);
  return r;
}

static void copy_one(Rewrite *w, Ref r) {
  Region one = {.nodes = {&r, 1, 1}};
  rewrite_nodes(w, &one);
}

/* t = [sum(…) for i, j] */
static Ref product(Rewrite *w, const Node *loop, Ref sum, uint32_t out, const Ref *extent) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, sum);
  Combiner comb = BUILD;
  Region *r = begin_like(w, loop, extent);
  for (uint32_t k = 0; k < n->nfree; k++) {
    const Node *free = ir_node(w->k.from, n->free[k]);
    if (free->region == loop->regions[0]->id && free->op != IR_PARAM) copy_one(w, n->free[k]);
  }
  ir_result(to, ir_out(to, rewrite_copy(w, sum), out));
  ir_end(to);
  pass_as(w, n);
  return ir_out(to, ir_loop(to, loop->nargs, extent, r, &comb), 0);
}

/* A loop of sums, and the arrays that they became. */
typedef struct Split { Ref sums; Ref *product; } Split;

static Split split_off(Rewrite *w, const Node *loop, Ref sums, const Ref *extent) {
  uint32_t n = ir_node(w->k.from, sums)->aux.loop->nout;
  Split s = {sums, NEWN(w->k.to->ctx, Ref, n)};
  for (uint32_t k = 0; k < n; k++) s.product[k] = product(w, loop, sums, k, extent);
  return s;
}

/* Result k: the product itself, or 0. */
static Ref bare_product(const Prog *p, const Node *loop, uint32_t k, const Split *s, uint32_t n) {
  const Node *out = ir_node(p, loop->regions[0]->results.at[k]);
  if (loop->aux.loop->comb[k] != BUILD || out->op != IR_PROJ) return 0;
  for (uint32_t j = 0; j < n; j++)
    if (out->arg[0] == s[j].sums) return s[j].product[out->aux.i];
  return 0;
}

/* The loop again, with elements of the products for its sums. */
static void copy_rest(Rewrite *w, const Node *loop, const Split *s, uint32_t n) {
  Prog *to = w->k.to;
  const Region *body = loop->regions[0];
  Ref index[MAX_RANK];
  for (uint32_t k = 0; k < loop->nargs; k++) index[k] = copy_ref(&w->k, body->params.at[k]);
  for (uint32_t k = 0, at = 0; k < body->nodes.n; k++) {
    Ref r = body->nodes.at[k];
    if (at == n || s[at].sums != r) {
      copy_one(w, r);
      continue;
    }
    uint32_t nout = ir_node(w->k.from, r)->aux.loop->nout;
    w->outs[r] = NEWN(to->ctx, Ref, nout);
    for (uint32_t j = 0; j < nout; j++)
      w->outs[r][j] = ir_read(to, s[at].product[j], loop->nargs, index, false);
    at++;
  }
}

static Ref split_loop(Rewrite *w, Ref old) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  const Region *body = n->regions[0];
  Ref extent[MAX_RANK];
  VEC(Split) sums = {0};
  for (uint32_t k = 0; k < n->nargs; k++) extent[k] = pass_extent(w, n->arg[k]);
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    Ref r = body->nodes.at[k];
    if (!is_candidate(w->k.from, n, r)) continue;
    Split s = split_off(w, n, r, extent);
    VEC_PUSH(to->ctx, &sums, s);
  }
  uint32_t nout = n->aux.loop->nout, kept = 0;
  Combiner *comb = NEWN(to->ctx, Combiner, nout + 1);
  Ref *outs = NEWN(to->ctx, Ref, nout + 1);
  Region *r = begin_like(w, n, extent);
  copy_rest(w, n, sums.at, sums.n);
  for (uint32_t k = 0; k < nout; k++) {
    outs[k] = bare_product(w->k.from, n, k, sums.at, sums.n);
    if (outs[k]) continue;
    ir_result(to, copy_ref(&w->k, body->results.at[k]));
    comb[kept++] = n->aux.loop->comb[k];
  }
  ir_end(to);
  Ref rest = pass_structured(w, n, n->nargs, extent, &r, comb);
  kept = 0;
  for (uint32_t k = 0; k < nout; k++)
    if (!outs[k]) outs[k] = ir_out(to, rest, kept++);
  w->outs[old] = outs;
  return REWRITE_GONE;
}

static Ref visit(Rewrite *w, Ref old) {
  return splits(w->k.from, old) ? split_loop(w, old) : 0;
}

Prog *opt_split(Prog *p) {
  bool any = false;
  for (Ref r = 1; r < p->nnodes && !any; r++) any = splits(p, r);
  if (!any) return p;
  Rewrite w = {.node = visit};
  Prog *to = rewrite_program(&w, p);
  return to;
}
