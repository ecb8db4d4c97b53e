/* builtins_axis.c - built-in functions that work along an axis: reductions of arrays, and
 * the vector functions of the prelude applied to every lane of an array.
 *
 * A lane is the vector that is left when all axes but one are fixed.  Only the axis
 * handling is done here; what is computed stands in runtime/prelude.gc. */
#include "elaborate/builtins.h"

/* ---- reductions ---- */

/* All of x, or along one axis (axis >= 0). */
static Ref reduce(Elab *e, Ref x, int axis, Combiner comb) {
  const Type *t = ir_type(e->p, x);
  Space outer = {0}, inner = {0};
  Ref index[MAX_RANK];
  for (uint32_t k = 0; k < t->rank; k++)
    if (axis >= 0 && k != (uint32_t)axis) space_axis(e, &outer, t->dim[k]);
  for (uint32_t k = 0; k < t->rank; k++)
    if (axis < 0 || k == (uint32_t)axis) space_axis(e, &inner, t->dim[k]);
  space_open(e, &outer);
  space_open(e, &inner);
  for (uint32_t k = 0, o = 0, i = 0; k < t->rank; k++)
    index[k] = axis < 0 || k == (uint32_t)axis ? inner.index[i++] : outer.index[o++];
  Ref element = t->rank ? ir_read(e->p, x, t->rank, index, false) : x;
  return space_close(e, &outer, space_close(e, &inner, element, comb), BUILD);
}

static const Val *numbers(APPLY_ARGS, Combiner comb, const char *what) {
  (void)n;
  if (arg[0]->kind == VAL_NONE) return arg[0];
  Ref x = arg_node(e, arg[0], what, arg_span(e, call, 0));
  int axis = arg_axis(e, s, call, ir_type(e->p, x)->rank, what);
  return val_node(e, reduce(e, bools_to_ints(e, x), axis, comb));
}

static const Val *logic(APPLY_ARGS, Combiner comb, const char *what) {
  (void)n;
  Ref x = arg_node(e, arg[0], what, arg_span(e, call, 0));
  if (ir_type(e->p, x)->elem != ELEM_BOOL)
    fail_at(e->c, arg_span(e, call, 0), "compare it first, as in x != 0", "%s takes bools, not %s",
            what, val_type_text(e, arg[0]));
  int axis = arg_axis(e, s, call, ir_type(e->p, x)->rank, what);
  return val_node(e, reduce(e, x, axis, comb));
}

/* max(x) reduces; max(a, b, …) compares element by element. */
static const Val *extreme(APPLY_ARGS, Combiner comb, uint32_t prim, const char *what) {
  if (n == 1) return numbers(e, s, call, arg, n, comb, what);
  if (call && call->kind == AST_CALL && call_named(call, "axis"))
    fail_at(e->c, call->span, "give one array and an axis, or several values without",
            "%s of several values has no axis", what);
  const Val *best = arg[0];
  for (uint32_t k = 1; k < n; k++) {
    const Val *two[2] = {best, arg[k]};
    best = elab_prim(e, prim, two, 2, call ? call->span : e->p->pos);
  }
  return best;
}

/* The position of a winner: over nothing there is none. */
static const Val *position(APPLY_ARGS, Combiner comb, const char *what) {
  (void)n;
  Ref x = arg_node(e, arg[0], what, arg_span(e, call, 0));
  const Type *t = ir_type(e->p, x);
  int axis = arg_axis(e, s, call, t->rank, what);
  Size count = axis < 0 ? element_count(e->p, t) : t->dim[axis];
  int64_t known;
  if (t->rank == 0) return val_node(e, ir_int(e->p, 0));
  if (size_is_const(count, &known) && known <= 0)
    fail_at(e->c, arg_span(e, call, 0), "it needs one element at least",
            "%s of an array without elements", what);
  if (!size_nonneg(e->p, size_sub(e->p, count, size_const(e->p, 1)))) {
    Ref some = ir_prim2(e->p, P_GT, size_node(e->p, count), ir_int(e->p, 0));
    elab_check(e, some, arg_span(e, call, 0), "%s of an array without elements", what);
  }
  return val_node(e, reduce(e, bools_to_ints(e, x), axis, comb));
}

const Val *apply_sum(APPLY_ARGS) { return numbers(e, s, call, arg, n, SUM, "sum"); }
const Val *apply_prod(APPLY_ARGS) { return numbers(e, s, call, arg, n, PROD, "prod"); }
const Val *apply_any(APPLY_ARGS) { return logic(e, s, call, arg, n, ANY, "any"); }
const Val *apply_all(APPLY_ARGS) { return logic(e, s, call, arg, n, ALL, "all"); }
const Val *apply_max(APPLY_ARGS) { return extreme(e, s, call, arg, n, MAX, P_MAX, "max"); }
const Val *apply_min(APPLY_ARGS) { return extreme(e, s, call, arg, n, MIN, P_MIN, "min"); }
const Val *apply_argmax(APPLY_ARGS) { return position(e, s, call, arg, n, ARGMAX, "argmax"); }
const Val *apply_argmin(APPLY_ARGS) { return position(e, s, call, arg, n, ARGMIN, "argmin"); }

const Val *apply_mean(APPLY_ARGS) {
  (void)n;
  if (arg[0]->kind == VAL_NONE) return arg[0];
  Span at = arg_span(e, call, 0);
  Ref x = bools_to_ints(e, arg_node(e, arg[0], "mean", at));
  const Type *t = ir_type(e->p, x);
  int axis = arg_axis(e, s, call, t->rank, "mean");
  Size count = axis < 0 ? element_count(e->p, t) : t->dim[axis];
  Ref total = reduce(e, val_real(e, val_node(e, x), at), axis, SUM);
  const Val *size = val_node(e, ir_toreal(e->p, size_node(e->p, count)));
  return elab_binary(e, OP_DIV, val_node(e, total), size, at);
}

/* ---- lanes ---- */

/* The vector along `axis` at the other axes' indices, which stand in `index`. */
static Ref read_lane(Elab *e, Ref x, Ref *index, uint32_t axis) {
  const Type *t = ir_type(e->p, x);
  if (axis + 1 == t->rank) return ir_read(e->p, x, axis, index, false);
  Space lane = {0};
  space_axis(e, &lane, t->dim[axis]);
  space_open(e, &lane);
  index[axis] = lane.index[0];
  return space_close(e, &lane, ir_read(e->p, x, t->rank, index, false), BUILD);
}

/* The last axis moved to place `axis`. */
static Ref last_axis_to(Elab *e, Ref x, uint32_t axis) {
  uint32_t rank = ir_type(e->p, x)->rank, from[MAX_RANK];
  for (uint32_t k = 0; k < rank; k++) from[k] = k < axis ? k : k == axis ? rank - 1 : k - 1;
  return permute(e, x, from);
}

/* The prelude's function `name` of the lanes along `axis` of nx arrays of one shape. */
static Ref along(Elab *e, const char *name, uint32_t nx, const Ref *x, uint32_t axis, Span at) {
  const Type *t = ir_type(e->p, x[0]);
  Space outer = {0};
  const Val *lane[2];
  for (uint32_t k = 0; k < t->rank; k++)
    if (k != axis) space_axis(e, &outer, t->dim[k]);
  space_open(e, &outer);
  for (uint32_t j = 0; j < nx; j++) {
    Ref index[MAX_RANK];
    for (uint32_t k = 0, o = 0; k < t->rank; k++)
      if (k != axis) index[k] = outer.index[o++];
    lane[j] = val_node(e, t->rank == 1 ? x[j] : read_lane(e, x[j], index, axis));
  }
  Ref r = elab_prelude(e, name, lane, nx, at)->ref;
  bool vector = ir_type(e->p, r)->rank == 1;
  r = space_close(e, &outer, r, BUILD);
  return vector ? last_axis_to(e, r, axis) : r;
}

/* One array of reals, along the axis named or the last one. */
static const Val *lanes(APPLY_ARGS, const char *name) {
  (void)n;
  Span at = arg_span(e, call, 0);
  arg_array(e, arg[0], name, at);
  Ref x = val_real(e, arg[0], at);
  uint32_t rank = ir_type(e->p, x)->rank;
  int axis = arg_axis(e, s, call, rank, name);
  return val_node(e, along(e, name, 1, &x, axis < 0 ? rank - 1 : (uint32_t)axis, at));
}

const Val *apply_softmax(APPLY_ARGS) { return lanes(e, s, call, arg, n, "softmax"); }
const Val *apply_log_softmax(APPLY_ARGS) { return lanes(e, s, call, arg, n, "log_softmax"); }
const Val *apply_logsumexp(APPLY_ARGS) { return lanes(e, s, call, arg, n, "logsumexp"); }

const Val *apply_cumsum(APPLY_ARGS) {
  (void)n;
  if (arg[0]->kind == VAL_NONE) return arg[0];
  Span at = arg_span(e, call, 0);
  Ref x = bools_to_ints(e, arg_array(e, arg[0], "cumsum", at));
  uint32_t rank = ir_type(e->p, x)->rank;
  int axis = arg_axis(e, s, call, rank, "cumsum");
  return val_node(e, along(e, "cumsum", 1, &x, axis < 0 ? rank - 1 : (uint32_t)axis, at));
}

/* Of all elements, unless an axis is named. */
const Val *apply_norm(APPLY_ARGS) {
  (void)n;
  if (arg[0]->kind == VAL_NONE) return arg[0];
  Span at = arg_span(e, call, 0);
  arg_node(e, arg[0], "norm", at);
  Ref x = val_real(e, arg[0], at);
  const Type *t = ir_type(e->p, x);
  int axis = arg_axis(e, s, call, t->rank, "norm");
  if (t->rank == 0) return elab_prim(e, P_ABS, (const Val *[]){val_node(e, x)}, 1, at);
  if (axis < 0) {
    Size count = element_count(e->p, t);
    x = ir_reshape(e->p, x, type_array(e->p, ELEM_REAL, 1, &count));
    axis = 0;
  }
  return val_node(e, along(e, "norm", 1, &x, (uint32_t)axis, at));
}

const Val *apply_cross(APPLY_ARGS) {
  (void)n;
  Ref x[2];
  for (uint32_t k = 0; k < 2; k++) {
    if (arg[k]->kind == VAL_NONE) return arg[k];
    x[k] = arg_array(e, arg[k], "cross", arg_span(e, call, k));
  }
  const Type *t = ir_type(e->p, x[0]);
  int axis = arg_axis(e, s, call, t->rank, "cross");
  if (axis < 0) axis = (int)t->rank - 1;
  int64_t size;
  if (!size_is_const(t->dim[axis], &size) || size != 3)
    fail_at(e->c, arg_span(e, call, 0), "cross is the product of vectors of 3 elements",
            "cross takes vectors of 3 elements, not %s", val_type_text(e, arg[0]));
  if (ir_type(e->p, x[1])->elem != t->elem)
    for (uint32_t k = 0; k < 2; k++) x[k] = val_real(e, arg[k], arg_span(e, call, k));
  x[1] = spread(e, x[1], ir_type(e->p, x[0]), "cross", arg_span(e, call, 1));
  return val_node(e, along(e, "cross", 2, x, (uint32_t)axis, arg_span(e, call, 0)));
}
