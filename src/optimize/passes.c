/* passes.c - see passes.h. */
#include "optimize/passes.h"

uint32_t refs_find(const Refs *list, Ref r) {
  uint32_t k = 0;
  while (k < list->n && list->at[k] != r) k++;
  return k;
}

void refs_insert(Ctx *c, Refs *list, Ref r) {
  VEC_PUSH(c, list, r);
  uint32_t k = list->n - 1;
  for (; k && list->at[k - 1] > r; k--) list->at[k] = list->at[k - 1];
  list->at[k] = r;
}

Ref pass_structured(Rewrite *w, const Node *old, uint32_t narg, const Ref *arg, Region **r,
                    const Combiner *comb) {
  Prog *to = w->k.to;
  pass_as(w, old);
  switch (old->op) {
    case IR_IF: return ir_if(to, arg[0], r[0], r[1]);
    case IR_LOOP: return ir_loop(to, narg, arg, r[0], comb);
    case IR_FOLD: return ir_fold(to, arg[0], narg - 1, arg + 1, r[0], comb);
    case IR_WHILE: return ir_while(to, arg[0], narg - 1, arg + 1, r[0], r[1]);
    case IR_ACCUM: return ir_accum(to, narg, arg, r[0]);
    case IR_CUSTOM: return ir_custom(to, narg, arg, r[0], r[1], old->aux.custom);
    default: internal_error(to->ctx, "operator %d has no regions", old->op);
  }
}

Ref pass_extent(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  return n->op == IR_CONST ? ir_int(w->k.to, n->aux.i) : copy_ref(&w->k, old);
}

/* x^2 and its like become products when they are written. */
static bool small_power(const Prog *p, const Node *n) {
  enum { HIGHEST = 4 };
  double x;
  return ir_is_const(p, n->arg[1], &x) && x >= 1 && x <= HIGHEST && x == (int)x;
}

bool pass_cheap(const Prog *p, const Node *prim) {
  switch (prim->aux.i) {
    case P_POW: return small_power(p, prim);
    case P_ADD: case P_SUB: case P_MUL: case P_NEG: case P_MAX: case P_MIN: case P_SELECT:
    case P_EQ: case P_NE: case P_LT: case P_LE: case P_GT: case P_GE:
    case P_AND: case P_OR: case P_NOT:
    case P_ABS: case P_FABS: case P_SIGN: case P_RELU: case P_HEAVISIDE: case P_CLAMP:
      return true;
    default: return false;
  }
}

uint32_t *pass_inside(const Prog *p) {
  uint32_t *inside = NEWN(p->ctx, uint32_t, p->nnodes);
  for (Ref r = 1; r < p->nnodes; r++) {
    const Region *in = p->regions.at[ir_node(p, r)->region];
    if (in->owner) inside[in->owner] += 1 + inside[r];
  }
  return inside;
}

static bool divides_by_0(const Prog *p, const Node *n) {
  double divisor;
  if (n->type->elem != ELEM_INT || (n->aux.i != P_FLOORDIV && n->aux.i != P_MOD)) return false;
  return !ir_is_const(p, n->arg[1], &divisor) || divisor == 0;
}

bool pass_may_fail(Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  switch (n->op) {
    case IR_READ:
    case IR_WITH:
    case IR_UPD: return !bounds_hold(p, r);
    case IR_PRIM: return divides_by_0(p, n);
    case IR_TOINT: return true;
    default: return false;
  }
}

bool pass_checks(const Prog *p, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    const Node *n = ir_node(p, r->nodes.at[k]);
    if (n->flags & NODE_CHECKED) return true;
    for (uint32_t j = 0; j < n->nregions; j++)
      if (pass_checks(p, n->regions[j])) return true;
  }
  return false;
}

static bool all_zero(const Node *n) {
  uint64_t count = 1;
  int64_t dim = 0;
  for (uint32_t k = 0; k < n->type->rank; k++)
    count *= size_is_const(n->type->dim[k], &dim) ? (uint64_t)dim : 0;
  for (uint64_t k = 0; k < count; k++) {
    bool zero = n->type->elem == ELEM_REAL ? ((const double *)n->aux.data)[k] == 0
                                           : ((const int64_t *)n->aux.data)[k] == 0;
    if (!zero) return false;
  }
  return true;
}

bool pass_zero(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->op == IR_FILL) n = ir_node(p, n->arg[0]);
  if (n->op == IR_DATA) return all_zero(n);
  if (n->op != IR_CONST) return false;
  return n->type->elem == ELEM_REAL ? n->aux.r == 0 : n->aux.i == 0;
}
