/* builtins_args.c - what the built-in functions have in common: their arguments, the
 * named one, and loops over an index space.
 *
 * Requires: an elaboration under way.  Maintains: everything is built in p->cur. */
#include "elaborate/builtins.h"

/* ---- texts ---- */

const char *type_words(Elab *e, const Type *t) {
  Buf text;
  buf_init(&text, e->c);
  type_text(e->p, t, &text);
  return buf_text(&text);
}

const char *node_type_text(Elab *e, Ref r) { return type_words(e, ir_type(e->p, r)); }

/* ---- arguments ---- */

Span arg_span(Elab *e, const Ast *call, uint32_t k) {
  if (!call) return e->p->pos;
  if (call->kind != AST_CALL || k + 1 >= call->nkids) return call->span;
  return call->kid[k + 1]->span;
}

Ref arg_node(Elab *e, const Val *v, const char *what, Span at) {
  if (v->kind == VAL_NODE) return v->ref;
  if (v->kind == VAL_NONE)
    fail_at(e->c, at, "a derivative that is `none` has no size; use zeros(…) in its place",
            "%s has nothing to work on: the argument is `none`", what);
  if (v->kind == VAL_FUNC)
    fail_at(e->c, at, "call the function first", "%s takes an array, not a function", what);
  fail_at(e->c, at, "name one part of it, as in p.W, or take the tuple apart: (a, b) = p",
          "%s takes an array, not %s", what, val_type_text(e, v));
}

Ref arg_array(Elab *e, const Val *v, const char *what, Span at) {
  Ref r = arg_node(e, v, what, at);
  if (ir_type(e->p, r)->rank == 0)
    fail_at(e->c, at, "an array literal is [a, b, c]", "%s takes an array, not a scalar %s", what,
            val_type_text(e, v));
  return r;
}

static const char *axes_there_are(Elab *e, uint32_t rank) {
  if (rank == 0) return "a scalar has no axes";
  if (rank == 1) return "the only axis is 0, or -1 from the end";
  return str_printf(e->c, "axes are 0 to %u, or -%u to -1 from the end", rank - 1, rank);
}

static int named_axis(Elab *e, Scope *s, const Ast *a, uint32_t rank, const char *what) {
  double value;
  if (!ir_is_const(e->p, elab_scalar_int(e, s, a), &value))
    fail_at(e->c, a->span, "write it as a number", "the axis of %s must be known at compile time",
            what);
  if (value < -(double)rank || value >= (double)rank)
    fail_at(e->c, a->span, axes_there_are(e, rank),
            "%s: axis %.0f is out of range for an array of rank %u", what, value, rank);
  return (int)value + (value < 0 ? (int)rank : 0);
}

int arg_axis(Elab *e, Scope *s, const Ast *call, uint32_t rank, const char *what) {
  const Ast *a = call && call->kind == AST_CALL ? call_named(call, "axis") : NULL;
  return a ? named_axis(e, s, a, rank, what) : -1;
}

/* ---- sizes as arguments ---- */

static Size one_size(Elab *e, Ref n, const char *what, Span at) {
  Size size = size_of(e, n);
  if (!size_nonneg(e->p, size))
    elab_check(e, ir_prim2(e->p, P_GE, n, ir_int(e->p, 0)), at, "%s: a size is negative", what);
  return size;
}

/* Element k of a vector of ints, without a read where it is seen. */
static Ref int_element(Elab *e, Ref vector, uint32_t k) {
  const Node *v = ir_node(e->p, vector);
  Ref index = ir_int(e->p, k);
  return v->op == IR_STACK ? v->arg[k] : ir_read(e->p, vector, 1, &index, false);
}

uint32_t arg_sizes(Elab *e, const Ast *call, uint32_t from, const Val *const *arg, uint32_t n,
                   const char *what, Size *dim) {
  uint32_t rank = 0;
  for (uint32_t k = from; k < n; k++) {
    Span at = arg_span(e, call, k);
    Ref r = val_int(e, arg[k], at);
    const Type *t = ir_type(e->p, r);
    int64_t count = 1;
    if (t->rank > 1 || (t->rank == 1 && !size_is_const(t->dim[0], &count)))
      fail_at(e->c, at, "write the sizes one by one", "%s takes ints as sizes, not %s", what,
              val_type_text(e, arg[k]));
    if (count > MAX_RANK - (int64_t)rank)
      fail_at(e->c, at, NULL, "%s: an array has %d axes at most", what, MAX_RANK);
    for (uint32_t j = 0; j < (uint32_t)count; j++)
      dim[rank++] = one_size(e, t->rank ? int_element(e, r, j) : r, what, at);
  }
  return rank;
}

/* ---- loops ---- */

void space_axis(Elab *e, Space *sp, Size size) { sp->extent[sp->n++] = size_node(e->p, size); }

void space_open(Elab *e, Space *sp) {
  if (sp->n == 0) return;
  sp->body = ir_begin_loop(e->p, sp->n, sp->extent, sp->index);
}

Ref space_close(Elab *e, Space *sp, Ref element, Combiner comb) {
  if (sp->n == 0) return element;
  ir_result(e->p, element);
  ir_end(e->p);
  return ir_out(e->p, ir_loop(e->p, sp->n, sp->extent, sp->body, &comb), 0);
}

Size element_count(Prog *p, const Type *t) {
  Size n = size_const(p, 1);
  for (uint32_t k = 0; k < t->rank; k++) n = size_mul(p, n, t->dim[k]);
  return n;
}

Ref permute(Elab *e, Ref x, const uint32_t *axis) {
  const Type *t = ir_type(e->p, x);
  Space sp = {0};
  Ref index[MAX_RANK];
  bool moved = false;
  for (uint32_t k = 0; k < t->rank; k++) {
    space_axis(e, &sp, t->dim[axis[k]]);
    moved |= axis[k] != k;
  }
  if (!moved) return x;
  space_open(e, &sp);
  for (uint32_t k = 0; k < t->rank; k++) index[axis[k]] = sp.index[k];
  return space_close(e, &sp, ir_read(e->p, x, t->rank, index, false), BUILD);
}

/* ---- conversions ---- */

Ref bools_to_ints(Elab *e, Ref r) {
  const Type *t = ir_type(e->p, r);
  if (t->elem != ELEM_BOOL) return r;
  Space sp = {0};
  for (uint32_t k = 0; k < t->rank; k++) space_axis(e, &sp, t->dim[k]);
  space_open(e, &sp);
  Ref b = t->rank ? ir_read(e->p, r, t->rank, sp.index, false) : r;
  Ref arg[3] = {b, ir_int(e->p, 1), ir_int(e->p, 0)};
  return space_close(e, &sp, ir_prim(e->p, P_SELECT, arg), BUILD);
}

_Noreturn static void misfit(Elab *e, Ref x, const Type *t, const char *what, Span at) {
  fail_at(e->c, at, "the sizes must be the same, or 1", "%s: %s does not fit %s", what,
          node_type_text(e, x), type_words(e, t));
}

Ref spread(Elab *e, Ref x, const Type *t, const char *what, Span at) {
  const Type *have = ir_type(e->p, x);
  bool repeated[MAX_RANK] = {false}, any = have->rank < t->rank;
  int64_t one;
  if (have == t) return x;
  if (have->rank == 0) return ir_fill(e->p, x, t);
  if (have->rank > t->rank) misfit(e, x, t, what, at);
  uint32_t skip = t->rank - have->rank;
  for (uint32_t k = 0; k < have->rank; k++) {
    Size a = have->dim[k], b = t->dim[k + skip];
    if (a == b) continue;
    repeated[k] = size_is_const(a, &one) && one == 1;
    any |= repeated[k];
    if (!repeated[k]) sizes_agree(e, a, b, at, str_printf(e->c, "the arrays of `%s`", what));
  }
  if (!any) return ir_reshape(e->p, x, t);
  Space sp = {0};
  for (uint32_t k = 0; k < t->rank; k++) space_axis(e, &sp, t->dim[k]);
  space_open(e, &sp);
  Ref index[MAX_RANK];
  for (uint32_t k = 0; k < have->rank; k++)
    index[k] = repeated[k] ? ir_int(e->p, 0) : sp.index[k + skip];
  return space_close(e, &sp, ir_read(e->p, x, have->rank, index, false), BUILD);
}
