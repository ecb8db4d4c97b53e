/* text.c - print, trace, assert: what is written is literal text and the leaves of
 * values, as the node's operands in order. */
#include "elaborate/private.h"

typedef struct Text {
  VEC(Piece) piece;
  VEC(Ref) leaf;
} Text;

static void add_literal(Elab *e, Text *t, const char *text) {
  Piece p = {.text = text};
  VEC_PUSH(e->c, &t->piece, p);
}

static void add_value(Elab *e, Text *t, const Val *v, const char *format, Span at) {
  if (val_has_function(v))
    fail_at(e->c, at, "call it, as in f(x)", "a function cannot be printed");
  const Val **leaf;
  uint32_t n = val_leaves(e, v, &leaf);
  for (uint32_t k = 0; k < n; k++)
    if (leaf[k]->kind == VAL_NODE) VEC_PUSH(e->c, &t->leaf, leaf[k]->ref);
  Piece p = {.shape = val_shape(e, v), .format = format ? str_printf(e->c, "%%%s", format) : NULL};
  VEC_PUSH(e->c, &t->piece, p);
}

static void add_text(Elab *e, Scope *s, Text *t, const Ast *a) {
  for (uint32_t k = 0; k < a->nkids; k++) {
    const Ast *p = a->kid[k];
    if (p->nkids) add_value(e, t, elab_expr(e, s, p->kid[0]), p->name, p->span);
    else add_literal(e, t, p->name);
  }
  if (a->nkids == 0) add_literal(e, t, "");
}

static void emit_text(Elab *e, Op op, Text *t, Span source, bool list, Span at) {
  TextAttr *attr = NEW(e->c, TextAttr);
  attr->source = span_text(e, source);
  attr->n = t->piece.n;
  attr->piece = t->piece.at;
  attr->newline_pieces = list;
  elab_place(e, at);
  ir_text(e->p, op, attr, t->leaf.n, t->leaf.at);
}

void elab_trace(Elab *e, Scope *s, const Ast *a) {
  Text t = {0};
  add_text(e, s, &t, a->kid[0]);
  if (e->st->muted) e->st->effects++; /* not one to be remembered */
  else emit_text(e, IR_TRACE, &t, a->kid[0]->span, false, a->span);
}

/* Is each part of the list one piece, so that the pieces are the parts? */
static bool one_piece_each(const Ast *a) {
  for (uint32_t k = 0; k < a->nkids; k++)
    if (a->kid[k]->kind == AST_TEXT && a->kid[k]->nkids > 1) return false;
  return true;
}

/* `print a, b`; an entry of a session prints as if by `print`. */
void elab_print(Elab *e, Scope *s, const Ast *a) {
  Text t = {0};
  bool list = a->nkids > 1 && one_piece_each(a);
  for (uint32_t k = 0; k < a->nkids; k++) {
    const Ast *part = a->kid[k];
    if (k && !list) add_literal(e, &t, " ");
    if (part->kind == AST_TEXT) add_text(e, s, &t, part);
    else add_value(e, &t, elab_expr(e, s, part), NULL, part->span);
  }
  Span source = span_join(a->kid[0]->span, a->kid[a->nkids - 1]->span);
  emit_text(e, IR_PRINT, &t, source, list, a->span);
}

/* Hands the value of a name to the host. */
void elab_bound(Elab *e, const char *name, const Val *v, bool constant, Span at) {
  Text t = {0};
  if (val_has_function(v)) return;
  add_value(e, &t, v, NULL, at);
  TextAttr *attr = NEW(e->c, TextAttr);
  *attr = (TextAttr){.source = name, .n = t.piece.n, .piece = t.piece.at, .binding = name,
                     .constant = constant};
  elab_place(e, at);
  ir_text(e->p, IR_PRINT, attr, t.leaf.n, t.leaf.at);
}

/* ---- assert ------------------------------------------------------------- */

static void emit_assert(Elab *e, const Ast *a, bool equality, const Val *shape, uint32_t n,
                        const Ref *leaf) {
  AssertAttr *attr = NEW(e->c, AssertAttr);
  attr->source = span_text(e, a->kid[0]->span);
  attr->equality = equality;
  attr->shape = shape ? val_shape(e, shape) : NULL;
  elab_place(e, a->span);
  ir_assert(e->p, attr, n, leaf);
}

/* A scalar beside an array stands for all of its elements; none for zeros. */
static Ref spread_leaf(Elab *e, const Val *v, const Val *other, Span at) {
  if (v->kind == VAL_NONE)
    return ir_zero(e->p, other->kind == VAL_NODE ? val_type(e, other)
                                                 : type_scalar(e->p, ELEM_REAL));
  if (v->kind != VAL_NODE) fail_at(e->c, at, "call them", "functions are not compared");
  if (other->kind != VAL_NODE) return v->ref;
  const Type *have = val_type(e, v), *want = val_type(e, other);
  if (have->elem == ELEM_INT && want->elem == ELEM_REAL)
    v = val_node(e, node_to_real(e, v->ref)), have = val_type(e, v);
  if (have->rank == 0 && want->rank)
    return ir_fill(e->p, v->ref, type_with_elem(e, want, have->elem));
  return v->ref;
}

static const Val *zero_of(Elab *e, const Val *v) {
  if (v->kind == VAL_NONE) return v;
  if (v->kind == VAL_NODE) {
    const Type *t = val_type(e, v);
    return t->elem == ELEM_BOOL ? v : val_node(e, ir_zero(e->p, t));
  }
  return v;
}

/* a == b as values that differ at most by rounding: leaf beside leaf. */
static void assert_equal(Elab *e, Scope *s, const Ast *a) {
  const Ast *q = a->kid[0];
  const Val *x = elab_expr(e, s, q->kid[0]), *y = elab_expr(e, s, q->kid[1]);
  if (!val_align(e, &x, &y))
    fail_at(e->c, q->span, "both sides need one structure", "%s is compared with %s", val_type_text(e, x),
            val_type_text(e, y));
  const Val **xs, **ys;
  uint32_t n = val_leaves(e, x, &xs);
  val_leaves(e, y, &ys);
  Ref *leaf = NEWN(e->c, Ref, 2 * n);
  for (uint32_t k = 0; k < n; k++) {
    const Val *u = xs[k], *v = ys[k];
    if (u->kind == VAL_NONE && v->kind == VAL_NODE) u = zero_of(e, v);
    if (v->kind == VAL_NONE && u->kind == VAL_NODE) v = zero_of(e, u);
    const Val *left = val_node(e, spread_leaf(e, u, v, q->span));
    const Val *right = val_node(e, spread_leaf(e, v, left, q->span));
    vals_unify(e, &left, &right, q->span, "the sides of `==`");
    leaf[k] = left->ref;
    leaf[n + k] = right->ref;
    xs[k] = left;
  }
  emit_assert(e, a, true, val_rebuild(e, x, xs), 2 * n, leaf);
}

void elab_assert(Elab *e, Scope *s, const Ast *a) {
  const Ast *q = a->kid[0];
  if (q->kind == AST_BINARY && q->op == OP_EQ) {
    assert_equal(e, s, a);
    return;
  }
  const Val *v = elab_expr(e, s, q);
  Ref c = val_bool(e, v, q->span);
  emit_assert(e, a, false, NULL, 1, &c);
}
