/* scalars.c - hooks of unroll.c: arrays of a few elements that an `if` gives, a fold carries or
 * updates add up become scalars, one for each element.
 *
 * What is left is a STACK where the array itself is wanted; reads at known places find its
 * elements.  Updates at known places of an accumulator are additions in their order; an `if`
 * around them gives the sums of the branch that is taken. */
#include "optimize/unroll.h"

#include <string.h>

/* ---- arrays and their elements ------------------------------------------------------- */

uint32_t few_elements(const Type *t) {
  uint32_t count = 1;
  int64_t n;
  if (!t || t->rank == 0) return 0;
  for (uint32_t k = 0; k < t->rank; k++) {
    if (!size_is_const(t->dim[k], &n) || n <= 0 || n > FEW_ELEMENTS) return 0;
    count *= (uint32_t)n;
    if (count > FEW_ELEMENTS) return 0;
  }
  return count;
}

/* The sizes of an array that has few elements. */
static void lengths(const Type *t, uint32_t *length) {
  for (uint32_t k = 0; k < t->rank; k++) {
    int64_t n = 0;
    size_is_const(t->dim[k], &n);
    length[k] = (uint32_t)n;
  }
}

static Ref element_at(Prog *p, Ref array, uint32_t k) {
  const Type *t = ir_type(p, array);
  uint32_t length[MAX_RANK];
  Ref index[MAX_RANK];
  lengths(t, length);
  for (uint32_t a = t->rank; a-- > 0;) {
    index[a] = ir_int(p, k % length[a]);
    k /= length[a];
  }
  return ir_read(p, array, t->rank, index, false);
}

void take_apart(Prog *p, Ref array, Ref *element) {
  uint32_t n = few_elements(ir_type(p, array));
  for (uint32_t k = 0; k < n; k++) element[k] = element_at(p, array, k);
}

Ref stack_axes(Prog *p, const uint32_t *length, uint32_t axes, Ref *v, uint32_t count) {
  for (uint32_t a = axes; a-- > 0;) {
    count /= length[a];
    for (uint32_t k = 0; k < count; k++) v[k] = ir_stack(p, length[a], v + k * length[a]);
  }
  return v[0];
}

Ref put_together(Prog *p, const Type *t, const Ref *element) {
  uint32_t length[MAX_RANK], n = few_elements(t);
  Ref row[FEW_ELEMENTS];
  if (t->rank == 0) return element[0];
  memcpy(row, element, sizeof *row * n);
  lengths(t, length);
  return stack_axes(p, length, t->rank, row, n);
}

static uint32_t parts_of(const Type *t) {
  uint32_t n = few_elements(t);
  return n ? n : 1;
}

/* A value as one result of the region, or as one for each of its few elements. */
static void add_results(Unroll *u, Ref r) {
  Prog *p = u->w.k.to;
  Ref element[FEW_ELEMENTS] = {r};
  if (few_elements(ir_type(p, r))) take_apart(p, r, element);
  for (uint32_t k = 0; k < parts_of(ir_type(p, r)); k++) ir_result(p, element[k]);
}

/* The results of `old` from those of `node`, in which the first `split` of them (0: all) stand
 * as their elements. */
static void take_results(Unroll *u, Ref old, Ref node, uint32_t split) {
  Rewrite *w = &u->w;
  Prog *p = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  uint32_t at = 0;
  w->outs[old] = NEWN(p->ctx, Ref, n->nresults + 1);
  for (uint32_t k = 0; k < n->nresults; k++) {
    const Type *t = n->result_type[k];
    uint32_t parts = split && k >= split ? 0 : few_elements(t);
    Ref element[FEW_ELEMENTS];
    for (uint32_t j = 0; j < parts; j++) element[j] = ir_out(p, node, at + j);
    w->outs[old][k] = parts ? put_together(p, pass_type(w, t), element) : ir_out(p, node, at);
    at += parts ? parts : 1;
  }
}

/* ---- accumulators ------------------------------------------------------------------------ */

Ref open_scope(Unroll *u, Ref old) {
  Rewrite *w = &u->w;
  Prog *p = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  const Region *body = n->regions[0];
  if (!u->opens[old]) return 0;
  for (uint32_t k = 0; k < n->nargs; k++) {
    Ref *sum = u->sum[body->params.at[k]] = NEWN(p->ctx, Ref, FEW_ELEMENTS);
    take_apart(p, copy_ref(&w->k, n->arg[k]), sum);
  }
  rewrite_nodes(w, body);
  pass_as(w, n);
  w->outs[old] = NEWN(p->ctx, Ref, n->nresults + 1);
  for (uint32_t k = 0; k < n->nargs; k++)
    w->outs[old][k] = put_together(p, n->result_type[k], u->sum[body->params.at[k]]);
  for (uint32_t k = 0; k < body->results.n; k++)
    w->outs[old][n->nargs + k] = copy_ref(&w->k, body->results.at[k]);
  return REWRITE_GONE;
}

Ref open_update(Unroll *u, Ref old) {
  Copy *k = &u->w.k;
  const Node *n = ir_node(k->from, old);
  Ref *sum = u->sum[n->arg[0]], element[FEW_ELEMENTS] = {copy_ref(k, n->arg[1])};
  if (!sum) return 0;
  if (u->idle) return REWRITE_GONE;
  const Type *t = ir_type(k->from, n->arg[0]), *added = ir_type(k->to, element[0]);
  uint32_t length[MAX_RANK], at = 0, count = parts_of(added);
  lengths(t, length);
  if (added->rank) take_apart(k->to, element[0], element);
  for (uint32_t a = 0; a < t->rank; a++) {
    int64_t i = a + 2 < n->nargs ? ir_node(k->to, copy_ref(k, n->arg[a + 2]))->aux.i : 0;
    if (i < 0 || i >= length[a]) return REWRITE_GONE;   /* where no program gets */
    at = at * length[a] + (uint32_t)i;
  }
  for (uint32_t j = 0; j < count; j++) sum[at + j] = ir_add(k->to, sum[at + j], element[j]);
  return REWRITE_GONE;
}

/* ---- if ---------------------------------------------------------------------------------- */

/* The open handles that the branches of an `if` add into, each element of theirs, and its sum
 * before. */
typedef struct Open { uint32_t n; Ref **sum; Ref *before; } Open;

static bool is_open(const Unroll *u, Ref r) {
  const Type *t = ir_type(u->w.k.from, r);
  return t && t->acc && u->sum[r];
}

static Open find_open(const Unroll *u, const Node *n) {
  const Prog *from = u->w.k.from;
  Open o = {0};
  for (uint32_t k = 0; k < n->nfree; k++)
    if (is_open(u, n->free[k])) o.n += few_elements(ir_type(from, n->free[k]));
  o.sum = NEWN(from->ctx, Ref *, o.n + 1);
  o.before = NEWN(from->ctx, Ref, o.n + 1);
  o.n = 0;
  for (uint32_t k = 0; k < n->nfree; k++) {
    if (!is_open(u, n->free[k])) continue;
    for (uint32_t j = 0; j < few_elements(ir_type(from, n->free[k])); j++) {
      o.sum[o.n] = &u->sum[n->free[k]][j];
      o.before[o.n] = *o.sum[o.n];
      o.n++;
    }
  }
  return o;
}

/* A branch in the new program; its sums go to `after`, the old ones are back in place. */
static Region *branch(Unroll *u, const Region *r, const Open *o, Ref *after) {
  Rewrite *w = &u->w;
  Region *mine = ir_begin(w->k.to);
  rewrite_nodes(w, r);
  for (uint32_t k = 0; k < r->results.n; k++) add_results(u, copy_ref(&w->k, r->results.at[k]));
  for (uint32_t j = 0; j < o->n; j++) {
    after[j] = *o->sum[j];
    *o->sum[j] = o->before[j];
  }
  ir_end(w->k.to);
  return mine;
}

static bool has_few(uint32_t n, const Type *const *t) {
  for (uint32_t k = 0; k < n; k++)
    if (few_elements(t[k])) return true;
  return false;
}

/* The branch that is always taken, in place of the `if`. */
static Ref only_branch(Unroll *u, Ref old, const Region *r) {
  Rewrite *w = &u->w;
  rewrite_nodes(w, r);
  w->outs[old] = NEWN(w->k.to->ctx, Ref, r->results.n + 1);
  for (uint32_t k = 0; k < r->results.n; k++) w->outs[old][k] = copy_ref(&w->k, r->results.at[k]);
  return REWRITE_GONE;
}

Ref split_if(Unroll *u, Ref old) {
  Rewrite *w = &u->w;
  Prog *p = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  const Node *known = ir_node(p, copy_ref(&w->k, n->arg[0]));
  if (known->op == IR_CONST) return only_branch(u, old, n->regions[known->aux.i == 0]);
  Open o = find_open(u, n);
  if (!o.n && !has_few(n->nresults, n->result_type)) return 0;
  Ref c = copy_ref(&w->k, n->arg[0]), *after[2];
  Region *side[2];
  for (int b = 0; b < 2; b++) {
    after[b] = NEWN(p->ctx, Ref, o.n + 1);
    side[b] = branch(u, n->regions[b], &o, after[b]);
  }
  uint32_t own = side[0]->results.n;
  for (uint32_t j = 0; j < o.n; j++)
    for (int b = 0; b < 2 && (after[0][j] != o.before[j] || after[1][j] != o.before[j]); b++)
      ir_more_result(p, side[b], after[b][j]);
  pass_as(w, n);
  Ref node = ir_if(p, c, side[0], side[1]);
  take_results(u, old, node, 0);
  for (uint32_t j = 0; j < o.n; j++)
    if (after[0][j] != o.before[j] || after[1][j] != o.before[j]) *o.sum[j] = ir_out(p, node, own++);
  return REWRITE_GONE;
}

/* ---- fold, while ------------------------------------------------------------------------- */

/* The carried values from parameter number `skip` on: parameters of few elements become one for
 * each. */
static void split_params(Unroll *u, const Region *r, uint32_t skip) {
  Rewrite *w = &u->w;
  Prog *p = w->k.to;
  Ref element[FEW_ELEMENTS];
  for (uint32_t k = 0; k < skip; k++) pass_param(w, r->params.at[k]);
  for (uint32_t k = skip; k < r->params.n; k++) {
    const Type *t = ir_type(w->k.from, r->params.at[k]);
    uint32_t n = few_elements(t);
    if (!n) pass_param(w, r->params.at[k]);
    for (uint32_t j = 0; j < n; j++) element[j] = ir_param(p, type_scalar(p, t->elem));
    if (n) copy_set(&w->k, r->params.at[k], put_together(p, pass_type(w, t), element));
  }
}

static Region *split_body(Unroll *u, const Region *r, uint32_t skip, uint32_t ncarry,
                          Ref trips) {
  Rewrite *w = &u->w;
  Region *mine = ir_begin(w->k.to);
  if (trips) ir_set_extents(w->k.to, 1, &trips);
  split_params(u, r, skip);
  rewrite_nodes(w, r);
  for (uint32_t k = 0; k < r->results.n; k++) {
    Ref x = copy_ref(&w->k, r->results.at[k]);
    if (k < ncarry) add_results(u, x);
    else ir_result(w->k.to, x);
  }
  ir_end(w->k.to);
  return mine;
}

Ref split_fold(Unroll *u, Ref old) {
  Rewrite *w = &u->w;
  Prog *p = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  uint32_t ncarry = n->nargs - 1;
  bool fold = n->op == IR_FOLD;
  if (!has_few(ncarry, n->result_type)) return 0;
  VEC(Ref) init = {0};
  Ref element[FEW_ELEMENTS], trips = copy_ref(&w->k, n->arg[0]);
  for (uint32_t k = 0; k < ncarry; k++) {
    element[0] = copy_ref(&w->k, n->arg[k + 1]);
    uint32_t parts = few_elements(n->result_type[k]);
    if (parts) take_apart(p, element[0], element);
    for (uint32_t j = 0; j < (parts ? parts : 1); j++) VEC_PUSH(p->ctx, &init, element[j]);
  }
  Region *cond = fold ? NULL : split_body(u, n->regions[0], 0, 0, 0);
  Region *body = split_body(u, n->regions[n->nregions - 1], fold, ncarry, fold ? trips : 0);
  pass_as(w, n);
  Ref node = fold ? ir_fold(p, trips, init.n, init.at, body, n->aux.loop->comb)
                  : ir_while(p, trips, init.n, init.at, cond, body);
  take_results(u, old, node, ncarry);
  return REWRITE_GONE;
}
