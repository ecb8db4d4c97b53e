/* matmul.c - `@` by NumPy's cases: vectors are rows on the left and columns on the right,
 * axes before the last two run in parallel and are broadcast. */
#include "elaborate/private.h"

typedef struct Matmul {
  Ref a, b;
  const Type *ta, *tb;
  bool row, column;         /* a, b is a vector */
  uint32_t batch;           /* axes before the last two in the result */
  Size dim[MAX_RANK + 2], inner;
  uint32_t rank;
} Matmul;

static bool is_one(Size s) {
  int64_t n;
  return size_is_const(s, &n) && n == 1;
}

static Ref operand(Elab *e, const Val *v, Span at) {
  if (v->kind != VAL_NODE || val_type(e, v)->rank == 0 || val_type(e, v)->elem == ELEM_BOOL)
    fail_at(e->c, at, v->kind == VAL_NODE && val_type(e, v)->rank == 0
                          ? "a number times an array is written with *" : NULL,
            "`@` takes arrays of numbers, not %s", val_type_text(e, v));
  return v->ref;
}

static uint32_t batch_axes(const Type *t) {
  return t->rank > 2 ? t->rank - 2 : 0;
}

static void join_batch(Elab *e, Matmul *m, Span at) {
  uint32_t na = batch_axes(m->ta), nb = batch_axes(m->tb);
  m->batch = na > nb ? na : nb;
  for (uint32_t k = 0; k < m->batch; k++) {
    Size x = k + na >= m->batch ? m->ta->dim[k + na - m->batch] : NULL;
    Size y = k + nb >= m->batch ? m->tb->dim[k + nb - m->batch] : NULL;
    if (!x || !y) m->dim[k] = x ? x : y;
    else if (is_one(x)) m->dim[k] = y;
    else m->dim[k] = is_one(y) ? x : sizes_agree(e, x, y, at, "the operands of `@`");
  }
}

static void join_inner(Elab *e, Matmul *m, Span at) {
  Size x = m->ta->dim[m->ta->rank - 1];
  Size y = m->tb->dim[m->column ? 0 : m->tb->rank - 2];
  int64_t gap;
  if (x != y && size_is_const(size_sub(e->p, x, y), &gap))
    fail_at(e->c, at, "the last axis of the left and the first of the right must have one size",
            "`@` of %s and %s: the sizes %s and %s do not fit", type_name(e, m->ta),
            type_name(e, m->tb), size_name(e, x), size_name(e, y));
  m->inner = sizes_agree(e, x, y, at, "the operands of `@`");
}

/* The element of an operand: its batch axes from the result's, then i and k. */
static Ref element(Elab *e, const Matmul *m, Ref r, const Ref *index, const Ref *own, uint32_t n) {
  const Type *t = ir_type(e->p, r);
  uint32_t lead = batch_axes(t);
  Ref at[MAX_RANK];
  for (uint32_t k = 0; k < lead; k++)
    at[k] = is_one(t->dim[k]) ? ir_int(e->p, 0) : index[m->batch - lead + k];
  for (uint32_t k = 0; k < n; k++) at[lead + k] = own[k];
  return ir_read(e->p, r, lead + n, at, false);
}

static Ref inner_sum(Elab *e, const Matmul *m, const Ref *index) {
  Prog *p = e->p;
  Ref extent = size_ref(e, m->inner);
  Ref k;
  Region *body = ir_begin_loop(p, 1, &extent, &k);
  Ref left[2] = {k}, right[2] = {k};
  uint32_t at = m->batch;
  if (!m->row) {
    left[0] = index[at++];
    left[1] = k;
  }
  if (!m->column) right[1] = index[at];
  Ref x = element(e, m, m->a, index, left, m->row ? 1 : 2);
  Ref y = element(e, m, m->b, index, right, m->column ? 1 : 2);
  ir_result(p, ir_mul(p, x, y));
  ir_end(p);
  Combiner comb = SUM;
  return ir_out(p, ir_loop(p, 1, &extent, body, &comb), 0);
}

static Ref product(Elab *e, const Matmul *m) {
  Prog *p = e->p;
  Ref extent[MAX_RANK], index[MAX_RANK];
  if (m->rank == 0) return inner_sum(e, m, NULL);
  for (uint32_t k = 0; k < m->rank; k++) extent[k] = size_ref(e, m->dim[k]);
  Region *body = ir_begin_loop(p, m->rank, extent, index);
  ir_result(p, inner_sum(e, m, index));
  ir_end(p);
  Combiner comb = BUILD;
  return ir_out(p, ir_loop(p, m->rank, extent, body, &comb), 0);
}

const Val *elab_matmul(Elab *e, const Val *a, const Val *b, Span at) {
  Matmul m = {.a = operand(e, a, at), .b = operand(e, b, at)};
  elab_place(e, at);
  if (ir_type(e->p, m.a)->elem != ir_type(e->p, m.b)->elem) {
    m.a = node_to_real(e, m.a);
    m.b = node_to_real(e, m.b);
  }
  m.ta = ir_type(e->p, m.a);
  m.tb = ir_type(e->p, m.b);
  m.row = m.ta->rank == 1;
  m.column = m.tb->rank == 1;
  join_batch(e, &m, at);
  join_inner(e, &m, at);
  m.rank = m.batch;
  if (!m.row) m.dim[m.rank++] = m.ta->dim[m.ta->rank - 2];
  if (!m.column) m.dim[m.rank++] = m.tb->dim[m.tb->rank - 1];
  return val_node(e, product(e, &m));
}

/* As NumPy's A.T: the axes in reverse; a vector is its own transpose. */
const Val *elab_transpose(Elab *e, const Val *a, Span at) {
  Prog *p = e->p;
  if (a->kind != VAL_NODE)
    fail_at(e->c, at, NULL, "an array is transposed, not %s", val_type_text(e, a));
  const Type *t = val_type(e, a);
  if (t->rank < 2) return a;
  Ref extent[MAX_RANK], index[MAX_RANK], from[MAX_RANK];
  for (uint32_t k = 0; k < t->rank; k++) extent[k] = size_ref(e, t->dim[t->rank - 1 - k]);
  Region *body = ir_begin_loop(p, t->rank, extent, index);
  for (uint32_t k = 0; k < t->rank; k++) from[k] = index[t->rank - 1 - k];
  ir_result(p, ir_read(p, a->ref, t->rank, from, false));
  ir_end(p);
  Combiner comb = BUILD;
  return val_node(e, ir_out(p, ir_loop(p, t->rank, extent, body, &comb), 0));
}
