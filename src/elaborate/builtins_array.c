/* builtins_array.c - built-in functions that make arrays, take them apart and compare
 * them; conversions between element types. */
#include "elaborate/builtins.h"
#include "elaborate/private.h"

/* ---- filled arrays ---- */

static const Val *filled(APPLY_ARGS, double value, const char *what) {
  (void)s;
  Size dim[MAX_RANK];
  uint32_t rank = arg_sizes(e, call, 0, arg, n, what, dim);
  return val_node(e, ir_fill(e->p, ir_real(e->p, value), type_array(e->p, ELEM_REAL, rank, dim)));
}

const Val *apply_zeros(APPLY_ARGS) { return filled(e, s, call, arg, n, 0, "zeros"); }
const Val *apply_ones(APPLY_ARGS) { return filled(e, s, call, arg, n, 1, "ones"); }

const Val *apply_eye(APPLY_ARGS) {
  (void)s;
  Size dim[MAX_RANK];
  Span at = arg_span(e, call, 0);
  if (arg_sizes(e, call, 0, arg, n, "eye", dim) != 1)
    fail_at(e->c, at, "eye(n) is the n by n identity", "eye takes one size");
  const Val *size = val_node(e, size_node(e->p, dim[0]));
  return elab_prelude(e, "eye", &size, 1, at);
}

/* ---- products ---- */

const Val *apply_dot(APPLY_ARGS) {
  (void)s;
  Span at = call ? call->span : e->p->pos;
  bool scalar = false;
  for (uint32_t k = 0; k < n; k++) {
    if (arg[k]->kind == VAL_NONE) return arg[k];
    scalar |= ir_type(e->p, arg_node(e, arg[k], "dot", arg_span(e, call, k)))->rank == 0;
  }
  return scalar ? elab_binary(e, OP_MUL, arg[0], arg[1], at) : elab_matmul(e, arg[0], arg[1], at);
}

const Val *apply_outer(APPLY_ARGS) {
  (void)s;
  for (uint32_t k = 0; k < n; k++) {
    if (arg[k]->kind == VAL_NONE) return arg[k];
    Span at = arg_span(e, call, k);
    if (ir_type(e->p, arg_array(e, arg[k], "outer", at))->rank != 1)
      fail_at(e->c, at, "outer(u, v)[i, j] is u[i]*v[j]", "outer takes two vectors, not %s",
              val_type_text(e, arg[k]));
  }
  return elab_prelude(e, "outer", arg, n, arg_span(e, call, 0));
}

/* ---- axes and diagonals ---- */

/* All axes in reverse order. */
const Val *apply_transpose(APPLY_ARGS) {
  (void)s, (void)n;
  if (arg[0]->kind == VAL_NONE) return arg[0];
  Ref x = arg_node(e, arg[0], "transpose", arg_span(e, call, 0));
  uint32_t rank = ir_type(e->p, x)->rank, from[MAX_RANK];
  for (uint32_t k = 0; k < rank; k++) from[k] = rank - 1 - k;
  return val_node(e, permute(e, x, from));
}

/* The length of a matrix's diagonal: its smaller side. */
static Size diagonal_size(Elab *e, const Type *t, const char *what, Span at) {
  if (t->rank != 2)
    fail_at(e->c, at, "it works on the two axes of a matrix", "%s takes a matrix", what);
  if (size_nonneg(e->p, size_sub(e->p, t->dim[1], t->dim[0]))) return t->dim[0];
  if (size_nonneg(e->p, size_sub(e->p, t->dim[0], t->dim[1]))) return t->dim[1];
  fail_at(e->c, at, "give both axes the same size",
          "%s: which side of %s is the smaller is not known", what, type_words(e, t));
}

static const Val *with_size(Elab *e, const char *name, Ref x, Size size, Span at) {
  const Val *two[2] = {val_node(e, x), val_node(e, size_node(e->p, size))};
  return elab_prelude(e, name, two, 2, at);
}

const Val *apply_diag(APPLY_ARGS) {
  (void)s, (void)n;
  if (arg[0]->kind == VAL_NONE) return arg[0];
  Span at = arg_span(e, call, 0);
  Ref x = bools_to_ints(e, arg_array(e, arg[0], "diag", at));
  const Type *t = ir_type(e->p, x);
  if (t->rank == 1) return with_size(e, "diagonal_matrix", x, t->dim[0], at);
  return with_size(e, "diagonal_of", x, diagonal_size(e, t, "diag", at), at);
}

const Val *apply_trace_of(APPLY_ARGS) {
  (void)s, (void)n;
  if (arg[0]->kind == VAL_NONE) return arg[0];
  Span at = arg_span(e, call, 0);
  Ref x = bools_to_ints(e, arg_array(e, arg[0], "trace_of", at));
  return with_size(e, "trace_of", x, diagonal_size(e, ir_type(e->p, x), "trace_of", at), at);
}

/* ---- shapes ---- */

const Val *apply_shape(APPLY_ARGS) {
  (void)s, (void)n;
  const Type *t = ir_type(e->p, arg_node(e, arg[0], "shape", arg_span(e, call, 0)));
  Ref size[MAX_RANK];
  Size none = size_const(e->p, 0);
  if (t->rank == 0) return val_node(e, ir_data(e->p, type_array(e->p, ELEM_INT, 1, &none), ""));
  for (uint32_t k = 0; k < t->rank; k++) size[k] = size_node(e->p, t->dim[k]);
  return val_node(e, ir_stack(e->p, t->rank, size));
}

/* Is this argument the literal -1, which stands for what is left? */
static bool is_rest(Elab *e, const Val *v) {
  double value;
  return v->kind == VAL_NODE && ir_type(e->p, v->ref)->rank == 0 &&
         ir_is_const(e->p, v->ref, &value) && value == -1;
}

static Size rest_size(Elab *e, Size total, uint32_t rank, const Size *dim, uint32_t rest, Span at) {
  Size known = size_const(e->p, 1);
  int64_t part, whole;
  for (uint32_t k = 0; k < rank; k++)
    if (k != rest) known = size_mul(e->p, known, dim[k]);
  if (known == total) return size_const(e->p, 1);
  if (!size_is_const(known, &part) || part <= 0)
    fail_at(e->c, at, "write this size out", "reshape: what -1 stands for is not known here");
  if (size_is_const(total, &whole) && whole % part)
    fail_at(e->c, at, NULL, "reshape: %lld elements cannot be cut into parts of %lld",
            (long long)whole, (long long)part);
  return size_scale(e->p, total, 1, part);
}

/* Both types must have as many elements. */
static void check_count(Elab *e, const Type *from, const Type *to, Span at) {
  Size a = element_count(e->p, from), b = element_count(e->p, to);
  int64_t x, y;
  if (size_is_const(a, &x) && size_is_const(b, &y) && x != y)
    fail_at(e->c, at, "both must have as many elements",
            "reshape: %s has %lld elements, %s has %lld", type_words(e, from), (long long)x,
            type_words(e, to), (long long)y);
  sizes_agree(e, a, b, at, "the numbers of elements in `reshape`");
}

/* The new sizes of reshape(x, …); one of them may be -1. */
static const Type *new_type(Elab *e, const Type *t, const Ast *call, const Val *const *arg,
                            uint32_t n) {
  Size dim[MAX_RANK];
  uint32_t rank = 0, rest = UINT32_MAX;
  Span at = arg_span(e, call, 0);
  for (uint32_t k = 1; k < n; k++) {
    if (!is_rest(e, arg[k])) {
      rank += arg_sizes(e, call, k, arg, k + 1, "reshape", dim + rank);
      continue;
    }
    at = arg_span(e, call, k);
    if (rest != UINT32_MAX) fail_at(e->c, at, NULL, "reshape: only one size can be -1");
    rest = rank++;
  }
  Size total = element_count(e->p, t);
  if (rest != UINT32_MAX) dim[rest] = rest_size(e, total, rank, dim, rest, at);
  const Type *to = type_array(e->p, t->elem, rank, dim);
  check_count(e, t, to, at);
  return to;
}

const Val *apply_reshape(APPLY_ARGS) {
  (void)s;
  if (n > MAX_RANK + 1)
    fail_at(e->c, arg_span(e, call, n - 1), NULL, "an array has %d axes at most", MAX_RANK);
  if (arg[0]->kind == VAL_NONE) return arg[0];
  Ref x = arg_node(e, arg[0], "reshape", arg_span(e, call, 0));
  const Type *to = new_type(e, ir_type(e->p, x), call, arg, n);
  if (ir_type(e->p, x)->rank == 0) return val_node(e, ir_fill(e->p, x, to));
  return val_node(e, ir_reshape(e->p, x, to));
}

/* ---- comparing ---- */

static Ref leaf_close(Elab *e, const Val *a, const Val *b, const Val *tol, Span at) {
  const Val *zero = val_node(e, ir_real(e->p, 0));
  const Val *three[3] = {a->kind == VAL_NONE ? zero : a, b->kind == VAL_NONE ? zero : b, tol};
  if (!tol) three[2] = val_node(e, ir_real(e->p, e->c->opt.real_float ? 1e-5 : 1e-10));
  elab_binary(e, OP_SUB, three[0], three[1], at); /* so that what does not fit is told here */
  const Val *same = elab_prelude(e, tol ? "within" : "within_rounding", three, 3, at);
  return apply_all(e, NULL, NULL, &same, 1)->ref;
}

/* One bool for all of both: equal within rounding, or within tol (relative where the
 * values are larger than 1). */
const Val *apply_close(APPLY_ARGS) {
  Span at = call ? call->span : e->p->pos;
  const Ast *named = call && call->kind == AST_CALL ? call_named(call, "tol") : NULL;
  const Val *tol = n > 2 ? arg[2] : named ? elab_expr(e, s, named) : NULL;
  const Val *left = arg[0], *right = arg[1], **a, **b;
  bool alike = val_align(e, &left, &right);
  uint32_t na = val_leaves(e, left, &a), nb = val_leaves(e, right, &b);
  if (!alike || na != nb)
    fail_at(e->c, at, "compare them part by part", "close: %s and %s have different parts",
            val_type_text(e, arg[0]), val_type_text(e, arg[1]));
  Ref all = ir_bool(e->p, true);
  for (uint32_t k = 0; k < na; k++)
    all = ir_prim2(e->p, P_AND, all, leaf_close(e, a[k], b[k], tol, at));
  return val_node(e, all);
}

/* ---- conversions ---- */

static const Val *leaf_int(Elab *e, const Val *v, Span at) {
  if (v->kind == VAL_NONE) return v;
  Ref x = bools_to_ints(e, arg_node(e, v, "int", at));
  const Type *t = ir_type(e->p, x);
  if (t->elem == ELEM_INT) return val_node(e, x);
  Space sp = {0};
  for (uint32_t k = 0; k < t->rank; k++) space_axis(e, &sp, t->dim[k]);
  space_open(e, &sp);
  Ref element = t->rank ? ir_read(e->p, x, t->rank, sp.index, false) : x;
  return val_node(e, space_close(e, &sp, ir_toint(e->p, element), BUILD));
}

static const Val *leaf_real(Elab *e, const Val *v, Span at) {
  if (v->kind == VAL_NONE) return v;
  Ref x = bools_to_ints(e, arg_node(e, v, "real", at));
  return val_node(e, val_real(e, val_node(e, x), at));
}

static const Val *leaf_by_leaf(Elab *e, const Ast *call, const Val *v,
                               const Val *(*convert)(Elab *, const Val *, Span)) {
  const Val **leaf;
  uint32_t n = val_leaves(e, v, &leaf);
  const Val **out = NEWN(e->c, const Val *, n);
  for (uint32_t k = 0; k < n; k++) out[k] = convert(e, leaf[k], arg_span(e, call, 0));
  return val_rebuild(e, v, out);
}

const Val *apply_int(APPLY_ARGS) {
  (void)s, (void)n;
  return leaf_by_leaf(e, call, arg[0], leaf_int);
}

const Val *apply_real(APPLY_ARGS) {
  (void)s, (void)n;
  return leaf_by_leaf(e, call, arg[0], leaf_real);
}
