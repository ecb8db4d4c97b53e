/* literal.c - array literals: numbers alone become one block of data, in linear time;
 * anything else is a stack of its elements. */
#include "elaborate/private.h"

bool literal_number(const Ast *a, bool *is_int, int64_t *i, double *r) {
  bool minus = a->kind == AST_UNARY && a->op == OP_NEG;
  if (minus) a = a->kid[0];
  if (a->kind != AST_INT && a->kind != AST_REAL) return false;
  *is_int = a->kind == AST_INT;
  *i = minus ? -a->i : a->i;
  *r = *is_int ? (double)*i : minus ? -a->r : a->r;
  return true;
}

typedef struct Data {
  Elab *e;
  uint32_t rank;
  int64_t dim[MAX_RANK];
  bool any_real;
  VEC(double) real;
  VEC(int64_t) whole;
} Data;

/* The rank of a literal by its first elements; 0 where it is not numbers alone. */
static uint32_t literal_rank(const Ast *a) {
  uint32_t rank = 0;
  while (a->kind == AST_ARRAY) {
    if (a->nkids == 0 || ++rank > MAX_RANK) return 0;
    a = a->kid[0];
  }
  bool is_int;
  int64_t i;
  double r;
  return literal_number(a, &is_int, &i, &r) ? rank : 0;
}

/* Takes the numbers below a, whose axis is `axis`; false: something else is there. */
static bool take(Data *d, const Ast *a, uint32_t axis) {
  if (axis == d->rank) {
    bool is_int;
    int64_t i;
    double r;
    if (!literal_number(a, &is_int, &i, &r)) return false;
    d->any_real |= !is_int;
    VEC_PUSH(d->e->c, &d->real, r);
    VEC_PUSH(d->e->c, &d->whole, i);
    return true;
  }
  if (a->kind != AST_ARRAY) return false;
  if (d->dim[axis] < 0) d->dim[axis] = a->nkids;
  if (d->dim[axis] != a->nkids) return false; /* the message comes from apply_array */
  for (uint32_t k = 0; k < a->nkids; k++)
    if (!take(d, a->kid[k], axis + 1)) return false;
  return true;
}

const Val *constant_array(Elab *e, const Ast *a) {
  Data d = {.e = e, .rank = literal_rank(a)};
  Size size[MAX_RANK];
  if (d.rank == 0) return NULL;
  for (uint32_t k = 0; k < d.rank; k++) d.dim[k] = -1;
  if (!take(&d, a, 0)) return NULL;
  for (uint32_t k = 0; k < d.rank; k++) size[k] = size_const(e->p, d.dim[k]);
  const Type *t = type_array(e->p, d.any_real ? ELEM_REAL : ELEM_INT, d.rank, size);
  elab_place(e, a->span);
  return val_node(e, ir_data(e->p, t, d.any_real ? (const void *)d.real.at : d.whole.at));
}

/* ---- computed elements -------------------------------------------------- */

static const Val *empty_array(Elab *e) {
  Size zero = size_const(e->p, 0);
  return val_node(e, ir_data(e->p, type_array(e->p, ELEM_REAL, 1, &zero), NEWN(e->c, double, 1)));
}

static _Noreturn void fail_elements(Elab *e, const Ast *a, uint32_t k, const Val *first,
                                    const Val *v) {
  fail_note(e, a->kid[k]->span, "(a, b) makes a tuple of different things", a->kid[0]->span,
            str_printf(e->c, "the first is %s", val_type_text(e, first)),
            "the elements of an array have one type: this one is %s", val_type_text(e, v));
}

/* The type of all elements at leaf position `at`. */
static const Type *common_type(Elab *e, const Ast *a, uint32_t n, const Val ***leaf, uint32_t at,
                               const Val *const *v) {
  const Type *t = NULL;
  for (uint32_t k = 0; k < n; k++) {
    const Val *x = leaf[k][at];
    if (x->kind == VAL_FUNC) fail_at(e->c, a->kid[k]->span, NULL, "an array cannot hold functions");
    if (x->kind == VAL_NONE) continue;
    const Type *have = val_type(e, x);
    if (!t) t = have;
    if (t == have) continue;
    if (t->rank != have->rank || (t->elem == ELEM_BOOL) != (have->elem == ELEM_BOOL))
      fail_elements(e, a, k, v[0], v[k]);
    for (uint32_t j = 0; j < t->rank; j++) {
      int64_t gap;
      if (size_is_const(size_sub(e->p, t->dim[j], have->dim[j]), &gap) && gap)
        fail_elements(e, a, k, v[0], v[k]);
    }
    if (have->elem == ELEM_REAL) t = type_with_elem(e, t, ELEM_REAL);
  }
  return t ? t : type_scalar(e->p, ELEM_REAL);
}

/* [(a, b), (c, d)] is a tuple of arrays, as comprehensions of tuples are. */
const Val *apply_array(Elab *e, const Ast *a, const Val *const *given, uint32_t n) {
  if (n == 0) return empty_array(e);
  const Val **v = NEWN(e->c, const Val *, n), ***leaf = NEWN(e->c, const Val **, n);
  memcpy(v, given, n * sizeof *v);
  const Val *like = v[0];
  for (uint32_t k = 1; k < n && like->kind == VAL_NONE; k++) like = v[k];
  for (uint32_t k = 0; k < n; k++) {
    const Val *shape = like;
    if (!val_align(e, &shape, &v[k])) fail_elements(e, a, k, like, v[k]);
    val_leaves(e, v[k], &leaf[k]);
  }
  const Val **first;
  uint32_t leaves = val_leaves(e, v[0], &first);
  Ref *element = NEWN(e->c, Ref, n);
  for (uint32_t at = 0; at < leaves; at++) {
    const Type *t = common_type(e, a, n, leaf, at, v);
    if (t->rank == MAX_RANK)
      fail_at(e->c, a->span, "use fewer brackets, or one axis with computed indices",
              "an array has at most %d axes", MAX_RANK);
    for (uint32_t k = 0; k < n; k++)
      element[k] = leaf_to_type(e, leaf[k][at], t, a->kid[k]->span, "the elements of an array");
    elab_place(e, a->span);
    first[at] = val_node(e, ir_stack(e->p, n, element));
  }
  return val_rebuild(e, v[0], first);
}
