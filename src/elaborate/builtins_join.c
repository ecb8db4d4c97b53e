/* builtins_join.c - concat and stack: several arrays as one. */
#include "elaborate/builtins.h"

/* The parts as nodes of one element type: real where one is, zeros where one is none and
 * another one says what size that has (stack only). */
static Ref *parts(APPLY_ARGS, const char *what, bool none_fits) {
  (void)s;
  Ref *part = NEWN(e->c, Ref, n);
  bool real = false, number = false;
  const Type *like = NULL;
  for (uint32_t k = 0; k < n; k++) {
    if (none_fits && arg[k]->kind == VAL_NONE) { real = true; continue; }
    part[k] = arg_node(e, arg[k], what, arg_span(e, call, k));
    like = ir_type(e->p, part[k]);
    real |= like->elem == ELEM_REAL;
    number |= like->elem != ELEM_BOOL;
  }
  if (!like) fail_at(e->c, arg_span(e, call, 0), NULL, "%s: every part is `none`", what);
  for (uint32_t k = 0; k < n; k++) {
    if (!part[k]) part[k] = ir_zero(e->p, type_array(e->p, ELEM_REAL, like->rank, like->dim));
    if (number || real) part[k] = bools_to_ints(e, part[k]);
    if (real) part[k] = val_real(e, val_node(e, part[k]), arg_span(e, call, k));
  }
  return part;
}

_Noreturn static void unlike(Elab *e, Ref a, Ref b, const char *what, const char *help, Span at) {
  fail_at(e->c, at, help, "%s: %s does not go with %s", what, node_type_text(e, b),
          node_type_text(e, a));
}

/* ---- concat ---- */

typedef struct Joint {
  const Ref *part;
  const Ref *start;      /* where each part starts on the axis */
  uint32_t axis, rank;
  Ref *index;            /* into the whole */
} Joint;

static Ref joint_element(Elab *e, const Joint *j, uint32_t from, uint32_t to);

static Region *joint_side(Elab *e, const Joint *j, uint32_t from, uint32_t to) {
  Region *side = ir_begin(e->p);
  ir_result(e->p, joint_element(e, j, from, to));
  ir_end(e->p);
  return side;
}

/* The element at index, which lies in one of the parts from .. to-1: a balanced tree of
 * ifs, so that the nesting is the logarithm of their number. */
static Ref joint_element(Elab *e, const Joint *j, uint32_t from, uint32_t to) {
  Ref at = j->index[j->axis];
  if (to - from == 1) {
    Ref index[MAX_RANK];
    for (uint32_t k = 0; k < j->rank; k++) index[k] = j->index[k];
    index[j->axis] = ir_sub(e->p, at, j->start[from]);
    return ir_read(e->p, j->part[from], j->rank, index, false);
  }
  uint32_t middle = from + (to - from) / 2;
  Ref before = ir_prim2(e->p, P_LT, at, j->start[middle]);
  Region *left = joint_side(e, j, from, middle), *right = joint_side(e, j, middle, to);
  return ir_out(e->p, ir_if(e->p, before, left, right), 0);
}

static void check_parts(Elab *e, const Ast *call, const Ref *part, uint32_t n, uint32_t axis) {
  const Type *t = ir_type(e->p, part[0]);
  for (uint32_t j = 1; j < n; j++) {
    const Type *u = ir_type(e->p, part[j]);
    Span at = arg_span(e, call, j);
    if (u->rank != t->rank)
      unlike(e, part[0], part[j], "concat", "[x] makes an array of a scalar", at);
    for (uint32_t k = 0; k < t->rank; k++)
      if (k != axis) sizes_agree(e, t->dim[k], u->dim[k], at, "the arrays of `concat`");
  }
}

const Val *apply_concat(APPLY_ARGS) {
  Ref *part = parts(e, s, call, arg, n, "concat", false), index[MAX_RANK];
  arg_array(e, arg[0], "concat", arg_span(e, call, 0));
  uint32_t rank = ir_type(e->p, part[0])->rank;
  int axis = arg_axis(e, s, call, rank, "concat");
  if (axis < 0) axis = 0;
  check_parts(e, call, part, n, (uint32_t)axis);
  if (n == 1) return val_node(e, part[0]);
  Ref *start = NEWN(e->c, Ref, n);
  Size total = size_const(e->p, 0);
  for (uint32_t k = 0; k < n; k++) {
    start[k] = size_node(e->p, total);
    total = size_add(e->p, total, ir_type(e->p, part[k])->dim[axis]);
  }
  Space sp = {0};
  for (uint32_t k = 0; k < rank; k++)
    space_axis(e, &sp, k == (uint32_t)axis ? total : ir_type(e->p, part[0])->dim[k]);
  space_open(e, &sp);
  for (uint32_t k = 0; k < rank; k++) index[k] = sp.index[k];
  Joint joint = {part, start, (uint32_t)axis, rank, index};
  return val_node(e, space_close(e, &sp, joint_element(e, &joint, 0, n), BUILD));
}

/* ---- stack ---- */

const Val *apply_stack(APPLY_ARGS) {
  Ref *part = parts(e, s, call, arg, n, "stack", true);
  const Type *t = ir_type(e->p, part[0]);
  for (uint32_t k = 1; k < n; k++) {
    if (ir_type(e->p, part[k])->rank != t->rank)
      unlike(e, part[0], part[k], "stack", "all parts must have the same shape",
             arg_span(e, call, k));
    part[k] = spread(e, part[k], t, "stack", arg_span(e, call, k));
  }
  if (t->rank == MAX_RANK)
    fail_at(e->c, arg_span(e, call, 0), NULL, "an array has %d axes at most", MAX_RANK);
  int axis = arg_axis(e, s, call, t->rank + 1, "stack");
  uint32_t from[MAX_RANK], place = axis < 0 ? 0 : (uint32_t)axis;
  for (uint32_t k = 0; k <= t->rank; k++) from[k] = k < place ? k + 1 : k == place ? 0 : k;
  return val_node(e, permute(e, ir_stack(e->p, n, part), from));
}
