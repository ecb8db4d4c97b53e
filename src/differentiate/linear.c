/* linear.c - is a rule linear in what arrives?  Decided from the structure: every value is
 * zero, constant, linear or neither in the parameters in question. */
#include "differentiate/reverse.h"

typedef enum Degree { ZERO, CONSTANT, LINEAR, NEITHER } Degree;

typedef struct Linear {
  Prog *p;
  Ref lo, hi;
  uint8_t *degree;
} Linear;

static bool is_zero(const Prog *p, Ref r) {
  double v;
  const Node *n = ir_node(p, r);
  if (n->op == IR_FILL) return is_zero(p, n->arg[0]);
  return ir_is_const(p, r, &v) && v == 0;
}

static Degree degree_of(const Linear *a, Ref r) {
  if (is_zero(a->p, r)) return ZERO;
  return r >= a->lo && r <= a->hi ? (Degree)a->degree[r - a->lo] : CONSTANT;
}

static bool set_degree(Linear *a, Ref r, Degree d) {
  if (r < a->lo || r > a->hi || a->degree[r - a->lo] == d) return false;
  a->degree[r - a->lo] = (uint8_t)d;
  return true;
}

/* Of a sum, or of a choice, or of a collection. */
static Degree join(Degree a, Degree b) {
  if (a == ZERO) return b;
  if (b == ZERO || a == b) return a;
  return NEITHER;
}

static Degree product(Degree a, Degree b) {
  if (a == NEITHER || b == NEITHER || (a == LINEAR && b == LINEAR)) return NEITHER;
  if (a == ZERO || b == ZERO) return ZERO;
  return a == LINEAR || b == LINEAR ? LINEAR : CONSTANT;
}

static Degree other(Degree d) { return d >= LINEAR ? NEITHER : CONSTANT; }

static Degree all_args(const Linear *a, const Node *n) {
  Degree d = ZERO;
  for (uint32_t i = 0; i < n->nargs; i++) d = join(d, degree_of(a, n->arg[i]));
  return d;
}

static Degree prim_degree(const Linear *a, const Node *n) {
  Degree x = degree_of(a, n->arg[0]), y = n->nargs > 1 ? degree_of(a, n->arg[1]) : ZERO;
  switch (n->aux.i) {
  case P_ADD: case P_SUB: return join(x, y);
  case P_NEG: return x;
  case P_MUL: return product(x, y);
  case P_DIV: return y >= LINEAR ? NEITHER : x == ZERO ? ZERO : x;
  case P_SELECT: return x >= LINEAR ? NEITHER : join(y, degree_of(a, n->arg[2]));
  default: break;
  }
  for (uint32_t i = 0; i < n->nargs; i++)
    if (degree_of(a, n->arg[i]) >= LINEAR) return NEITHER;
  return CONSTANT;
}

static void walk(Linear *a, const Region *r);

static Degree result_degree(const Linear *a, const Node *n, uint32_t k) {
  const Region *r = n->regions[0];
  switch (n->op) {
  case IR_IF: {
    if (degree_of(a, n->arg[0]) >= LINEAR) return NEITHER;
    return join(degree_of(a, r->results.at[k]), degree_of(a, n->regions[1]->results.at[k]));
  }
  case IR_LOOP: {
    Degree d = degree_of(a, r->results.at[k]);
    return n->aux.loop->comb[k] <= SUM ? d : other(d);
  }
  case IR_FOLD:
    return degree_of(a, k + 1 < n->nargs ? r->params.at[k + 1] : r->results.at[k]);
  case IR_ACCUM:
    return degree_of(a, k < n->nargs ? r->params.at[k] : r->results.at[k - n->nargs]);
  default:
    for (uint32_t i = 0; i < n->nargs; i++)
      if (degree_of(a, n->arg[i]) >= LINEAR) return NEITHER;
    for (uint32_t i = 0; i < n->nfree; i++)
      if (degree_of(a, n->free[i]) >= LINEAR) return NEITHER;
    return CONSTANT;
  }
}

static void walk_fold(Linear *a, const Node *n) {
  const Region *r = n->regions[0];
  for (uint32_t k = 1; k < n->nargs; k++) set_degree(a, r->params.at[k], degree_of(a, n->arg[k]));
  set_degree(a, r->params.at[0], CONSTANT);
  for (bool changed = true; changed;) {
    walk(a, r);
    changed = false;
    for (uint32_t k = 1; k < n->nargs; k++) {
      Degree d = join(degree_of(a, r->params.at[k]), degree_of(a, r->results.at[k - 1]));
      changed |= set_degree(a, r->params.at[k], d);
    }
  }
}

static void walk_structured(Linear *a, const Node *n) {
  if (n->op == IR_FOLD) { walk_fold(a, n); return; }
  if (n->op == IR_WHILE || n->op == IR_CUSTOM) return;
  for (uint32_t k = 0; k < n->regions[0]->params.n; k++)
    set_degree(a, n->regions[0]->params.at[k],
               n->op == IR_ACCUM ? degree_of(a, n->arg[k]) : CONSTANT);
  for (uint32_t i = 0; i < n->nregions; i++) walk(a, n->regions[i]);
}

static Degree node_degree(const Linear *a, const Node *n) {
  switch (n->op) {
  case IR_CONST: case IR_DATA: return CONSTANT;
  case IR_PRIM: return prim_degree(a, n);
  case IR_READ: case IR_RESHAPE: case IR_FILL: case IR_VAR: case IR_TIE: return degree_of(a, n->arg[0]);
  case IR_STACK: return all_args(a, n);
  case IR_WITH: return join(degree_of(a, n->arg[0]), degree_of(a, n->arg[1]));
  case IR_PROJ: return result_degree(a, ir_node(a->p, n->arg[0]), (uint32_t)n->aux.i);
  default: return other(all_args(a, n));
  }
}

static void walk(Linear *a, const Region *r) {
  for (uint32_t i = 0; i < r->nodes.n; i++) {
    Ref ref = r->nodes.at[i];
    const Node *n = ir_node(a->p, ref);
    if (n->nregions) walk_structured(a, n);
    else if (n->op == IR_UPD)
      set_degree(a, n->arg[0], join(degree_of(a, n->arg[0]), degree_of(a, n->arg[1])));
    else set_degree(a, ref, node_degree(a, n));
  }
}

bool rule_is_linear(Prog *p, const Region *rule, uint32_t first, uint32_t n) {
  Linear a = {.p = p, .lo = rule->params.at[0]};
  a.hi = rule->nodes.n ? rule->nodes.at[rule->nodes.n - 1] : rule->params.at[rule->params.n - 1];
  if (rule->params.at[rule->params.n - 1] > a.hi) a.hi = rule->params.at[rule->params.n - 1];
  a.degree = NEWN(p->ctx, uint8_t, (size_t)a.hi - a.lo + 1);
  for (uint32_t i = 0; i < rule->params.n; i++)
    set_degree(&a, rule->params.at[i], i >= first && i < first + n ? LINEAR : CONSTANT);
  walk(&a, rule);
  for (uint32_t i = 0; i < rule->results.n; i++) {
    Degree d = degree_of(&a, rule->results.at[i]);
    if (d != LINEAR && d != ZERO) return false;
  }
  return true;
}
