/* rules.c - partial derivatives, read off the table of primitives.
 *
 * A row of primitives.def gives its derivatives as formulas of the language over x, y, z
 * (the operands) and r (the result).  They are parsed when first asked for, and
 * built into IR with the smallest of elaborators: numbers, those names, operators and
 * primitives. */
#include "differentiate/rules.h"

#include "syntax/syntax.h"

#include <string.h>

struct Partials { const Ast *formula[PRIM_COUNT][3]; };

static const Ast *formula_of(Prog *p, uint32_t prim, uint32_t k) {
  if (!p->partials) p->partials = NEW(p->ctx, struct Partials);
  const Ast **slot = &p->partials->formula[prim][k];
  if (!*slot) {
    const char *text = prim_get(prim)->d[k];
    uint32_t file = source_add(p->ctx, "primitives.def", text, strlen(text));
    *slot = parse(p->ctx, file, PARSE_ENTRY, NULL)->kid[0]->kid[0];
  }
  return *slot;
}

static Ref build(Prog *p, const Ast *a, const Node *n, Ref result, Elem want);

static uint32_t operator_prim(AstOp op) {
  static const uint32_t prim[] = {
    [OP_OR] = P_OR, [OP_AND] = P_AND, [OP_NOT] = P_NOT, [OP_EQ] = P_EQ, [OP_NE] = P_NE,
    [OP_LT] = P_LT, [OP_LE] = P_LE, [OP_GT] = P_GT, [OP_GE] = P_GE, [OP_ADD] = P_ADD,
    [OP_SUB] = P_SUB, [OP_MUL] = P_MUL, [OP_DIV] = P_DIV, [OP_NEG] = P_NEG, [OP_POW] = P_POW,
  };
  return prim[op];
}

static Ref operand(Prog *p, const char *name, const Node *n, Ref result, Elem want) {
  if (!strcmp(name, "pi")) return ir_real(p, 3.14159265358979323846);
  Ref r = !strcmp(name, "r") ? result : n->arg[name[0] - 'x'];
  return want == ELEM_REAL && ir_type(p, r)->elem == ELEM_INT && ir_type(p, result)->elem == ELEM_REAL
           && prim_get((uint32_t)n->aux.i)->type != PT_INT_REAL
             ? ir_toreal(p, r) : r;
}

static Ref call(Prog *p, const char *name, const Ast *a, uint32_t first, const Node *n, Ref result) {
  int prim = prim_find(name);
  Ref arg[3] = {0};
  PrimType t = prim_get((uint32_t)prim)->type;
  for (uint32_t i = first; i < a->nkids; i++) {
    uint32_t k = i - first;
    bool whole = (t == PT_INT_REAL && k == 0) || (t == PT_REAL_INT && k == 1);
    arg[k] = build(p, a->kid[i], n, result, whole ? ELEM_INT : ELEM_REAL);
  }
  const Node *cond = ir_node(p, arg[0]);
  if (prim == P_SELECT && cond->op == IR_CONST) return cond->aux.i ? arg[1] : arg[2];
  return ir_prim(p, (uint32_t)prim, arg);
}

/* The tables' formulas are a few levels deep, so this may recurse. */
static Ref build(Prog *p, const Ast *a, const Node *n, Ref result, Elem want) {
  switch (a->kind) {
  case AST_INT: return want == ELEM_INT ? ir_int(p, a->i) : ir_real(p, (double)a->i);
  case AST_REAL: return ir_real(p, a->r);
  case AST_NAME: return operand(p, a->name, n, result, want);
  case AST_UNARY: return ir_prim1(p, operator_prim(a->op), build(p, a->kid[0], n, result, want));
  case AST_BINARY: {
    Ref x = build(p, a->kid[0], n, result, want), y = build(p, a->kid[1], n, result, want);
    return ir_prim2(p, operator_prim(a->op), x, y);
  }
  case AST_CALL: return call(p, a->kid[0]->name, a, 1, n, result);
  default: internal_error(p->ctx, "a formula of primitives.def uses %s", ast_kind_name(a->kind));
  }
}

Ref rule_times(Prog *p, Ref g, Ref s) {
  double v;
  const Node *n = ir_node(p, s), *m = ir_node(p, g);
  if (ir_is_const(p, s, &v) && v == 1) return g;
  if (ir_is_const(p, g, &v) && v == 1) return s;
  if (ir_is_const(p, s, &v) && v == -1) return ir_neg(p, g);
  if (n->op == IR_PRIM && n->aux.i == P_NEG) return ir_neg(p, rule_times(p, g, n->arg[0]));
  if (m->op == IR_PRIM && m->aux.i == P_NEG) return ir_neg(p, rule_times(p, m->arg[0], s));
  if (n->op == IR_PRIM && n->aux.i == P_DIV && ir_is_const(p, n->arg[0], &v) && v == 1)
    return ir_prim2(p, P_DIV, g, n->arg[1]);
  return ir_mul(p, g, s);
}

/* A partial that is a choice of 0 and something chooses, so that no 0*inf arises. */
static Ref times_choice(Prog *p, Ref g, Ref partial) {
  const Node *n = ir_node(p, partial);
  double v;
  if (ir_is_const(p, partial, &v) && v == 0) return partial;
  if (n->op != IR_PRIM || n->aux.i != P_SELECT) return rule_times(p, g, partial);
  Ref a = times_choice(p, g, n->arg[1]), b = times_choice(p, g, n->arg[2]);
  return ir_prim(p, P_SELECT, (Ref[]){n->arg[0], a, b});
}

Ref rule_times_partial(Prog *p, Ref r, uint32_t k, Ref g) {
  const Node *n = ir_node(p, r);
  const Prim *prim = prim_get((uint32_t)n->aux.i);
  if (!prim->d[k] || !strcmp(prim->d[k], "0")) return 0;
  Ref partial = build(p, formula_of(p, (uint32_t)n->aux.i, k), n, r, ELEM_REAL);
  double v;
  Ref product = times_choice(p, g, partial);
  return ir_is_const(p, product, &v) && v == 0 ? 0 : product;
}
