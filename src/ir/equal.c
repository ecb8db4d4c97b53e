/* equal.c - are two programs the same but for names, places and the history of their
 * numbering?  A scalar constant is its value, wherever it stands; every other node must
 * have its counterpart at the same place of the same region.  Linear in the programs;
 * recursion over the nesting of regions only. */
#include "ir/ir.h"

#include <string.h>

typedef struct Match {
  const Prog *a, *b;
  Ref *map;   /* from nodes of a to their counterparts in b */
} Match;

static bool same_constant(const Node *x, const Node *y) {
  if (y->op != IR_CONST || x->type->elem != y->type->elem) return false;
  if (x->type->elem != ELEM_REAL) return x->aux.i == y->aux.i;
  if (x->aux.r != x->aux.r) return y->aux.r != y->aux.r;
  return memcmp(&x->aux.r, &y->aux.r, sizeof x->aux.r) == 0;
}

static bool same_operand(const Match *m, Ref x, Ref y) {
  if (!x || !y) return x == y;
  const Node *n = ir_node(m->a, x);
  if (n->op == IR_CONST) return same_constant(n, ir_node(m->b, y));
  return m->map[x] == y;
}

static bool same_operands(const Match *m, const Ref *x, const Ref *y, uint32_t n) {
  for (uint32_t k = 0; k < n; k++)
    if (!same_operand(m, x[k], y[k])) return false;
  return true;
}

/* ---- types -------------------------------------------------------------------- */

/* Atoms of a monomial stand in order of their numbers, which may differ. */
static bool same_mono(const Match *m, const Mono *x, const Mono *y) {
  if (x->num != y->num || x->den != y->den || x->n != y->n) return false;
  for (uint32_t i = 0; i < x->n; i++) {
    uint32_t j = 0;
    while (j < y->n && y->atom[j] != m->map[x->atom[i]]) j++;
    if (j == y->n || x->exp[i] != y->exp[j]) return false;
  }
  return true;
}

static bool same_size(const Match *m, Size x, Size y) {
  if (x->n != y->n) return false;
  for (uint32_t i = 0; i < x->n; i++) {
    uint32_t j = 0;
    while (j < y->n && !same_mono(m, &x->mono[i], &y->mono[j])) j++;
    if (j == y->n) return false;
  }
  return true;
}

static bool same_type(const Match *m, const Type *x, const Type *y) {
  if (!x || !y) return x == y;
  if (x->elem != y->elem || x->acc != y->acc || x->rank != y->rank) return false;
  for (uint32_t k = 0; k < x->rank; k++)
    if (!same_size(m, x->dim[k], y->dim[k])) return false;
  return true;
}

/* ---- attributes ----------------------------------------------------------------- */

static bool same_string(const char *x, const char *y) {
  return x && y ? strcmp(x, y) == 0 : x == y;
}

static bool same_shape(const Shape *x, const Shape *y) {
  if (!x || !y) return x == y;
  if (x->kind != y->kind || x->n != y->n) return false;
  for (uint32_t k = 0; k < x->n; k++) {
    if (x->kind == SHAPE_RECORD && !same_string(x->field[k], y->field[k])) return false;
    if (!same_shape(x->kid[k], y->kid[k])) return false;
  }
  return true;
}

static bool same_text(const TextAttr *x, const TextAttr *y) {
  if (x->n != y->n || x->newline_pieces != y->newline_pieces) return false;
  for (uint32_t k = 0; k < x->n; k++) {
    const Piece *p = &x->piece[k], *q = &y->piece[k];
    if (!same_string(p->text, q->text) || !same_string(p->format, q->format)) return false;
    if (!p->text && !same_shape(p->shape, q->shape)) return false;
  }
  return same_string(x->source, y->source);
}

static bool same_assertion(const AssertAttr *x, const AssertAttr *y) {
  return x->equality == y->equality && same_shape(x->shape, y->shape) &&
         same_string(x->source, y->source);
}

static bool same_custom(const CustomAttr *x, const CustomAttr *y, uint32_t nargs) {
  if (x->tangent != y->tangent || x->has_value != y->has_value) return false;
  for (uint32_t k = 0; k < nargs; k++)
    if (x->gives[k] != y->gives[k]) return false;
  return x->nresults == y->nresults;
}

static bool same_loop(const LoopAttr *x, const LoopAttr *y) {
  if (x->nout != y->nout) return false;
  for (uint32_t k = 0; k < x->nout; k++)
    if (x->comb[k] != y->comb[k]) return false;
  return true;
}

static bool same_data(const Node *x, const Node *y) {
  size_t count = 1;
  int64_t dim = 0;
  for (uint32_t k = 0; k < x->type->rank; k++)
    count *= size_is_const(x->type->dim[k], &dim) ? (size_t)dim : 0;
  return count == 0 || memcmp(x->aux.data, y->aux.data, count * sizeof(int64_t)) == 0;
}

static bool same_attribute(const Node *x, const Node *y) {
  switch (x->op) {
    case IR_PARAM: case IR_PRIM: case IR_PROJ: return x->aux.i == y->aux.i;
    case IR_DATA: return same_data(x, y);
    case IR_LOOP: case IR_FOLD: return same_loop(x->aux.loop, y->aux.loop);
    case IR_CUSTOM: return same_custom(x->aux.custom, y->aux.custom, x->nargs);
    case IR_TRACE: case IR_PRINT: return same_text(x->aux.text, y->aux.text);
    case IR_ASSERT: return same_assertion(x->aux.assertion, y->aux.assertion);
    case IR_CHECK: return same_string(x->aux.str, y->aux.str);
    default: return true;
  }
}

/* ---- nodes and regions ------------------------------------------------------------- */

static bool same_region(Match *m, const Region *x, const Region *y);

static bool same_node(Match *m, Ref x, Ref y) {
  const Node *n = ir_node(m->a, x), *o = ir_node(m->b, y);
  uint16_t differ = (uint16_t)((n->flags ^ o->flags) & ~NODE_STAYS);
  if (n->op != o->op || (differ && n->op != IR_PARAM)) return false;
  if (n->nargs != o->nargs || n->nregions != o->nregions) return false;
  if (!same_type(m, n->type, o->type) || !same_operands(m, n->arg, o->arg, n->nargs)) return false;
  if (!same_attribute(n, o)) return false;
  for (uint32_t k = 0; k < n->nregions; k++)
    if (!same_region(m, n->regions[k], o->regions[k])) return false;
  m->map[x] = y;
  return true;
}

/* The next node from k on that is not a constant, or the end. */
static uint32_t skip_constants(const Prog *p, const Region *r, uint32_t k) {
  while (k < r->nodes.n && ir_node(p, r->nodes.at[k])->op == IR_CONST) k++;
  return k;
}

static bool same_nodes(Match *m, const Region *x, const Region *y) {
  uint32_t i = skip_constants(m->a, x, 0), j = skip_constants(m->b, y, 0);
  while (i < x->nodes.n && j < y->nodes.n) {
    if (!same_node(m, x->nodes.at[i], y->nodes.at[j])) return false;
    i = skip_constants(m->a, x, i + 1);
    j = skip_constants(m->b, y, j + 1);
  }
  return i == x->nodes.n && j == y->nodes.n;
}

static bool same_region(Match *m, const Region *x, const Region *y) {
  if (x->params.n != y->params.n || x->results.n != y->results.n) return false;
  for (uint32_t k = 0; k < x->params.n; k++)
    if (!same_node(m, x->params.at[k], y->params.at[k])) return false;
  return same_nodes(m, x, y) &&
         same_operands(m, x->results.at, y->results.at, x->results.n);
}

static bool same_signature(const Match *m, const Sig *x, const Sig *y) {
  if (x->params.n != y->params.n || x->results.n != y->results.n) return false;
  for (uint32_t k = 0; k < x->params.n; k++) {
    if (x->params.at[k].is_size != y->params.at[k].is_size) return false;
    if (!same_operand(m, x->params.at[k].ref, y->params.at[k].ref)) return false;
  }
  for (uint32_t k = 0; k < x->results.n; k++)
    if (!same_operand(m, x->results.at[k].ref, y->results.at[k].ref)) return false;
  return true;
}

bool ir_equal(const Prog *a, const Prog *b) {
  Match m = {.a = a, .b = b, .map = NEWN(a->ctx, Ref, a->nnodes)};
  return a->erased == b->erased && same_region(&m, a->root, b->root) &&
         same_signature(&m, &a->sig, &b->sig);
}
