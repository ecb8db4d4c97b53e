/* operators.c - operators and scalar functions on values: scalars directly, arrays by a
 * loop over the result's axes (NumPy's broadcasting), records and tuples part by part. */
#include "elaborate/private.h"

/* ---- element types ------------------------------------------------------ */

static const char *prim_title(Elab *e, uint32_t prim) {
  return prim == P_NEG ? "`-`" : str_printf(e->c, "`%s`", prim_get(prim)->name);
}

static _Noreturn void fail_operand(Elab *e, uint32_t prim, const Val *v, Span at) {
  const char *help = NULL;
  PrimType type = prim_get(prim)->type;
  bool is_bool = v->kind == VAL_NODE && val_type(e, v)->elem == ELEM_BOOL;
  if (v->kind == VAL_FUNC) help = "call the function, as in f(x)";
  else if (is_bool) help = "write if c then 1 else 0 to count a condition";
  else if (type == PT_BOOL) help = "compare it, as in x != 0";
  else if (type == PT_INT || type == PT_INT_REAL || type == PT_REAL_INT)
    help = "int(e) makes an int of a real";
  fail_at(e->c, at, help, "%s does not take %s", prim_title(e, prim), val_type_text(e, v));
}

/* The element type operand k is converted to. */
static Elem wanted_elem(PrimType type, uint32_t k, bool any_real, Elem have) {
  switch (type) {
  case PT_REAL: case PT_TEST: return ELEM_REAL;
  case PT_INT: return ELEM_INT;
  case PT_BOOL: return ELEM_BOOL;
  case PT_INT_REAL: return k == 0 ? ELEM_INT : ELEM_REAL;
  case PT_REAL_INT: return k == 0 ? ELEM_REAL : ELEM_INT;
  case PT_SELECT: return k == 0 ? ELEM_BOOL : any_real ? ELEM_REAL : have;
  default: return any_real ? ELEM_REAL : have;
  }
}

static bool convertible(PrimType type, Elem have, Elem want) {
  if (have == ELEM_BOOL) return want == ELEM_BOOL && type != PT_NUM;
  return have == want || (have == ELEM_INT && want == ELEM_REAL);
}

/* Element types of the operands after conversion. */
static void join_elems(Elab *e, uint32_t prim, uint32_t n, const Val *const *arg, Elem *want,
                       Span at) {
  PrimType type = prim_get(prim)->type;
  uint32_t first = type == PT_SELECT ? 1 : 0;
  bool any_real = false, any_bool = false;
  for (uint32_t k = first; k < n; k++) {
    any_real |= val_type(e, arg[k])->elem == ELEM_REAL;
    any_bool |= val_type(e, arg[k])->elem == ELEM_BOOL;
  }
  for (uint32_t k = 0; k < n; k++) {
    Elem have = val_type(e, arg[k])->elem;
    want[k] = wanted_elem(type, k, any_real, have);
    if (!convertible(type, have, want[k])) fail_operand(e, prim, arg[k], at);
    if (k >= first && any_bool && have != ELEM_BOOL && (type == PT_CMP || type == PT_SELECT))
      fail_operand(e, prim, arg[k], at);
  }
}

static Ref to_elem(Elab *e, Ref scalar, Elem want) {
  return want == ELEM_REAL ? ir_toreal(e->p, scalar) : scalar;
}

/* A negative literal power of a whole number is real: 2^-3 is 0.125. */
static void real_power(Elab *e, uint32_t prim, Ref exponent, Elem *want) {
  double x;
  if (prim != P_POW || want[0] != ELEM_INT) return;
  if (ir_is_const(e->p, exponent, &x) && x < 0) want[0] = want[1] = ELEM_REAL;
}

/* ---- shapes ------------------------------------------------------------- */

static bool is_one(Size s) {
  int64_t n;
  return size_is_const(s, &n) && n == 1;
}

static _Noreturn void fail_shapes(Elab *e, uint32_t prim, const Type *a, const Type *b, Span at,
                                  Size x, Size y) {
  bool row = a->rank == 2 && b->rank == 1 && a->dim[0] == b->dim[0];
  fail_at(e->c, at,
          row ? "axes are matched from the last one back; [… for i, j] says which is which"
              : "axes are matched from the last one back; an axis of size 1 fits any other",
          "%s of %s and %s: the sizes %s and %s do not fit", prim_title(e, prim),
          type_name(e, a), type_name(e, b), size_name(e, x), size_name(e, y));
}

/* The result's axes after operand t has joined those of `whole` so far. */
static void join_shape(Elab *e, uint32_t prim, const Type *whole, const Type *t, Size *dim,
                       uint32_t *rank, Span at) {
  for (uint32_t k = *rank; k < t->rank; k++) {
    memmove(dim + 1, dim, *rank * sizeof *dim);
    dim[0] = t->dim[t->rank - 1 - k];
    ++*rank;
  }
  for (uint32_t k = 0; k < t->rank; k++) {
    Size *have = &dim[*rank - 1 - k], other = t->dim[t->rank - 1 - k];
    int64_t gap;
    if (*have == other || is_one(other)) continue;
    if (is_one(*have)) {
      *have = other;
      continue;
    }
    if (size_is_const(size_sub(e->p, *have, other), &gap))
      fail_shapes(e, prim, whole, t, at, *have, other);
    *have = sizes_agree(e, *have, other, at,
                        str_printf(e->c, "the operands of %s", prim_title(e, prim)));
  }
}

/* The element of operand r at `index` of the result. */
static Ref element(Elab *e, Ref r, uint32_t rank, const Ref *index) {
  const Type *t = ir_type(e->p, r);
  Ref at[MAX_RANK];
  for (uint32_t k = 0; k < t->rank; k++)
    at[k] = is_one(t->dim[k]) ? ir_int(e->p, 0) : index[rank - t->rank + k];
  return t->rank ? ir_read(e->p, r, t->rank, at, false) : r;
}

static Ref map_arrays(Elab *e, uint32_t prim, uint32_t n, const Ref *arg, const Elem *want,
                      Span at) {
  Prog *p = e->p;
  Size dim[MAX_RANK];
  uint32_t rank = 0;
  Ref extent[MAX_RANK] = {0}, index[MAX_RANK], part[3];
  for (uint32_t k = 0; k < n; k++)
    join_shape(e, prim, ir_type(p, arg[0]), ir_type(p, arg[k]), dim, &rank, at);
  for (uint32_t k = 0; k < rank; k++) extent[k] = size_ref(e, dim[k]);
  Region *body = ir_begin_loop(p, rank, extent, index);
  for (uint32_t k = 0; k < n; k++) part[k] = to_elem(e, element(e, arg[k], rank, index), want[k]);
  ir_result(p, ir_prim(p, prim, part));
  ir_end(p);
  Combiner comb = BUILD;
  return ir_out(p, ir_loop(p, rank, extent, body, &comb), 0);
}

/* ---- leaves ------------------------------------------------------------- */

static const Val *map_leaf(Elab *e, uint32_t prim, const Val *const *given, uint32_t n, Span at) {
  const Val *arg[3];
  Ref ref[3];
  Elem want[3] = {ELEM_REAL};
  bool scalars = true;
  elab_place(e, at);
  if (prim == P_NEG && given[0]->kind == VAL_NONE) /* 0, not -0 */
    return val_node(e, ir_real(e->p, 0));
  for (uint32_t k = 0; k < n; k++) {
    arg[k] = given[k]->kind == VAL_NONE ? val_node(e, ir_real(e->p, 0)) : given[k];
    if (arg[k]->kind != VAL_NODE) fail_operand(e, prim, arg[k], at);
    ref[k] = arg[k]->ref;
    scalars &= ir_type(e->p, ref[k])->rank == 0;
  }
  join_elems(e, prim, n, arg, want, at);
  real_power(e, prim, ref[n - 1], want);
  if (!scalars) return val_node(e, map_arrays(e, prim, n, ref, want, at));
  bool reals = want[0] == ELEM_REAL;
  for (uint32_t k = 0; k < n; k++) ref[k] = to_elem(e, ref[k], want[k]);
  Ref r = ir_prim(e->p, prim, ref);
  if (reals && ir_type(e->p, r)->elem == ELEM_BOOL && ir_node(e->p, r)->op == IR_CONST)
    e->st->real_tests++;
  return val_node(e, r);
}

static bool has_parts(const Val *v) {
  return v->kind == VAL_TUPLE || v->kind == VAL_RECORD;
}

/* Operands with parts brought into the order of the first that has them. */
static const Val *map_parts(Elab *e, uint32_t prim, const Val *const *arg, uint32_t n,
                            const Val *like, Span at) {
  const Val *whole[3];
  for (uint32_t k = 0; k < n; k++) {
    const Val *shape = like;
    whole[k] = arg[k];
    if (!has_parts(arg[k])) continue;
    const Val *aligned = arg[k];
    bool fits = arg[k]->kind == like->kind && arg[k]->n == like->n &&
                val_align(e, &shape, &aligned);
    if (!fits)
      fail_at(e->c, at, "operators go part by part through values of one type",
              "%s of %s and %s", prim_title(e, prim), val_type_text(e, like),
              val_type_text(e, arg[k]));
    whole[k] = aligned;
  }
  const Val **kid = NEWN(e->c, const Val *, like->n);
  for (uint32_t j = 0; j < like->n; j++) {
    const Val *part[3];
    for (uint32_t k = 0; k < n; k++) part[k] = has_parts(whole[k]) ? whole[k]->kid[j] : whole[k];
    kid[j] = elab_prim(e, prim, part, n, at);
  }
  return like->kind == VAL_TUPLE ? val_tuple(e, like->n, kid)
                                 : val_record(e, like->n, like->field, kid);
}

const Val *elab_prim(Elab *e, uint32_t prim, const Val *const *arg, uint32_t n, Span at) {
  if (n != prim_get(prim)->arity)
    fail_at(e->c, at, "arguments are separated by ','; an array is one argument",
            "%s takes %u argument%s, not %u", prim_title(e, prim),
            prim_get(prim)->arity, prim_get(prim)->arity == 1 ? "" : "s", n);
  for (uint32_t k = 0; k < n; k++)
    if (has_parts(arg[k])) return map_parts(e, prim, arg, n, arg[k], at);
  return map_leaf(e, prim, arg, n, at);
}

/* ---- operators ---------------------------------------------------------- */

static uint32_t prim_of(AstOp op) {
  static const uint32_t prims[] = {
    [OP_OR] = P_OR, [OP_AND] = P_AND, [OP_NOT] = P_NOT, [OP_EQ] = P_EQ, [OP_NE] = P_NE,
    [OP_LT] = P_LT, [OP_LE] = P_LE, [OP_GT] = P_GT, [OP_GE] = P_GE, [OP_ADD] = P_ADD,
    [OP_SUB] = P_SUB, [OP_MUL] = P_MUL, [OP_DIV] = P_DIV, [OP_FLOORDIV] = P_FLOORDIV,
    [OP_MOD] = P_MOD, [OP_NEG] = P_NEG, [OP_POW] = P_POW,
  };
  return prims[op];
}

static void check_int_division(Elab *e, AstOp op, const Val *a, const Val *b, Span at) {
  double x;
  if ((op != OP_FLOORDIV && op != OP_MOD) || a->kind != VAL_NODE || b->kind != VAL_NODE) return;
  if (val_type(e, a)->elem != ELEM_INT || val_type(e, b)->elem != ELEM_INT) return;
  if (ir_is_const(e->p, b->ref, &x) && x == 0)
    fail_at(e->c, at, "guard it: if n == 0 then … else a // n; reals divide by 0 as IEEE says",
            "division of an int by 0");
}

const Val *elab_binary(Elab *e, AstOp op, const Val *a, const Val *b, Span at) {
  if (op == OP_MATMUL) return elab_matmul(e, a, b, at);
  const Val *arg[2] = {a, b};
  check_int_division(e, op, a, b, at);
  return elab_prim(e, prim_of(op), arg, 2, at);
}

const Val *elab_unary(Elab *e, AstOp op, const Val *a, Span at) {
  return elab_prim(e, prim_of(op), &a, 1, at);
}
