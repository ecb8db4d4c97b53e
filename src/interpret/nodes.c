/* nodes.c - the operators without regions: scalars, arrays, barriers, updates. */
#include "interpret/private.h"

#include <math.h>

#include <string.h>

static Elem elem_of(const Machine *m, Ref r) {
  return ir_type(m->p, r)->elem;
}

static Num *result_num(Machine *m, const Node *n, Slot *out) {
  return slot_num(m, out, n->type->elem == ELEM_REAL);
}

/* ---- constants ----------------------------------------------------------------- */

static void run_const(Machine *m, const Node *n, Slot *out) {
  Num *x = result_num(m, n, out);
  if (n->type->elem == ELEM_REAL) m->kind->from_double(x, n->aux.r);
  else x->i = n->aux.i;
}

static void run_data(Machine *m, const Node *n, Slot *out) {
  int64_t dim[MAX_RANK];
  type_extents(m, n->type, dim);
  Array *a = array_new(m, n->type->elem, n->type->rank, dim);
  slot_set_array(m, out, a);
  for (uint64_t k = 0; k < a->n; k++)
    if (a->elem == ELEM_REAL) m->kind->from_double(&a->at[k], ((const double *)n->aux.data)[k]);
    else a->at[k].i = ((const int64_t *)n->aux.data)[k];
}

/* ---- scalars ------------------------------------------------------------------- */

/* The element type that decides whether a primitive is one of reals. */
static bool is_of_reals(const Machine *m, const Node *n) {
  PrimType t = prim_get((uint32_t)n->aux.i)->type;
  if (t == PT_INT_REAL || t == PT_REAL_INT) return true;
  return elem_of(m, n->arg[n->nargs - 1]) == ELEM_REAL;
}

static void check_divisor(Machine *m, const Node *n, uint32_t prim, const Num *arg) {
  if ((prim != P_FLOORDIV && prim != P_MOD) || arg[1].i) return;
  fail_at(m->c, n->pos, NULL, prim == P_MOD ? "modulo by zero" : "division by zero");
}

static void run_prim(Machine *m, const Node *n, Slot *out) {
  uint32_t prim = (uint32_t)n->aux.i;
  Num arg[3], *x = result_num(m, n, out);
  for (uint32_t k = 0; k < n->nargs; k++) arg[k] = slot_of(m, n->arg[k])->num;
  if (!is_of_reals(m, n)) {
    check_divisor(m, n, prim, arg);
    x->i = whole_prim(prim, arg);
    return;
  }
  m->kind->prim[prim](x, arg);
  if (m->log) log_prim(m, prim, arg, x);
}

static void run_toreal(Machine *m, const Node *n, Slot *out) {
  m->kind->from_int(result_num(m, n, out), slot_of(m, n->arg[0])->num.i);
}

static void run_toint(Machine *m, const Node *n, Slot *out) {
  Num *x = result_num(m, n, out);
  x->i = m->kind->to_int(&slot_of(m, n->arg[0])->num);
  if (m->log) log_outcome(m, x->i);
}

/* ---- arrays -------------------------------------------------------------------- */

static void run_stack(Machine *m, const Node *n, Slot *out) {
  int64_t dim[MAX_RANK];
  uint64_t each;
  type_extents(m, n->type, dim);
  Array *a = array_new(m, n->type->elem, n->type->rank, dim);
  for (uint32_t k = 0; k < n->nargs; k++) {
    Num *from = slot_elements(slot_of(m, n->arg[k]), &each);
    nums_copy(m, a->elem, a->at + k * each, from, each);
  }
  slot_set_array(m, out, a);
}

_Noreturn static void out_of_range(Machine *m, const Node *n, int64_t i, uint32_t axis,
                                   int64_t size) {
  const char *name = ir_node(m->p, n->arg[0])->name;
  fail_at(m->c, n->pos, NULL, "index %lld is out of range for axis %u%s%s of size %lld",
          (long long)i, axis, name ? " of " : "", name ? name : "", (long long)size);
}

uint64_t subscript(Machine *m, const Node *n, const Array *a, uint32_t first, uint64_t *size) {
  uint64_t at = 0;
  uint32_t axis = 0;
  for (uint32_t k = first; k < n->nargs; k++, axis++) {
    int64_t i = slot_of(m, n->arg[k])->num.i;
    if (i < 0 || i >= a->dim[axis]) out_of_range(m, n, i, axis, a->dim[axis]);
    at = at * (uint64_t)a->dim[axis] + (uint64_t)i;
  }
  for (*size = 1; axis < a->rank; axis++) *size *= (uint64_t)a->dim[axis];
  return at * *size;
}

static void run_read(Machine *m, const Node *n, Slot *out) {
  const Array *a = slot_of(m, n->arg[0])->array;
  uint64_t size, at = subscript(m, n, a, 1, &size);
  uint32_t taken = n->nargs - 1;
  if (taken == a->rank) {
    nums_copy(m, a->elem, result_num(m, n, out), &a->at[at], 1);
    return;
  }
  Array *part = array_new(m, a->elem, a->rank - taken, a->dim + taken);
  nums_copy(m, a->elem, part->at, a->at + at, size);
  slot_set_array(m, out, part);
}

static void run_with(Machine *m, const Node *n, Slot *out) {
  uint64_t size, count;
  Array *a = array_copy(m, slot_of(m, n->arg[0])->array);
  slot_set_array(m, out, a);
  uint64_t at = subscript(m, n, a, 2, &size);
  Num *part = slot_elements(slot_of(m, n->arg[1]), &count);
  nums_copy(m, a->elem, a->at + at, part, count);
}

static void run_reshape(Machine *m, const Node *n, Slot *out) {
  int64_t dim[MAX_RANK];
  uint64_t count;
  Num *from = slot_elements(slot_of(m, n->arg[0]), &count);
  if (n->type->rank == 0) {
    nums_copy(m, n->type->elem, result_num(m, n, out), from, 1);
    return;
  }
  type_extents(m, n->type, dim);
  Array *a = array_new(m, n->type->elem, n->type->rank, dim);
  slot_set_array(m, out, a);
  if (a->n != count) internal_error(m->c, "a reshape changes the number of elements");
  nums_copy(m, a->elem, a->at, from, count);
}

static void run_fill(Machine *m, const Node *n, Slot *out) {
  int64_t dim[MAX_RANK];
  type_extents(m, n->type, dim);
  Array *a = array_new(m, n->type->elem, n->type->rank, dim);
  slot_set_array(m, out, a);
  const Num *x = &slot_of(m, n->arg[0])->num;
  for (uint64_t k = 0; k < a->n; k++) nums_copy(m, a->elem, &a->at[k], x, 1);
}

void combine_num(Machine *m, uint32_t prim, Elem e, Num *to, const Num *x) {
  Num both[] = {*to, *x};
  if (e != ELEM_REAL) {
    to->i = whole_prim(prim, both);
    return;
  }
  m->kind->prim[prim](&m->sum, both);
  m->kind->set(to, &m->sum);
}

/* An accumulator's array is its handle's own; a scalar one is the handle's number. */
static void run_upd(Machine *m, const Node *n) {
  Slot *handle = slot_of(m, n->arg[0]);
  uint64_t count, size = 1, at = 0;
  Num *v = slot_elements(slot_of(m, n->arg[1]), &count);
  Num *to = slot_elements(handle, &size);
  if (handle->array) at = subscript(m, n, handle->array, 2, &size);
  if (size != count) internal_error(m->c, "an update of another size");
  Elem e = elem_of(m, n->arg[1]);
  for (uint64_t k = 0; k < count; k++) combine_num(m, P_ADD, e, &to[at + k], &v[k]);
}

/* ---- all ----------------------------------------------------------------------- */

static void run_proj(Machine *m, const Node *n, Slot *out) {
  slot_copy(m, out, &slot_of(m, n->arg[0])->result[n->aux.i], n->type);
}

static void run_barrier(Machine *m, const Node *n, Slot *out) {
  bool changes = n->op == IR_STOP || n->op == IR_SCALE || n->op == IR_STRAIGHT;
  if (m->log && changes && n->type->elem == ELEM_REAL) surrogate_barrier(m, n, out);
  else slot_copy(m, out, slot_of(m, n->arg[0]), n->type);
}

static void run_node(Machine *m, Ref r) {
  const Node *n = ir_node(m->p, r);
  Slot *out = slot_of(m, r);
  m->p->pos = n->pos;
  switch ((Op)n->op) {
  case IR_PARAM: break;
  case IR_CONST: run_const(m, n, out); break;
  case IR_DATA: run_data(m, n, out); break;
  case IR_PRIM: run_prim(m, n, out); break;
  case IR_TOREAL: run_toreal(m, n, out); break;
  case IR_TOINT: run_toint(m, n, out); break;
  case IR_STACK: run_stack(m, n, out); break;
  case IR_READ: run_read(m, n, out); break;
  case IR_WITH: run_with(m, n, out); break;
  case IR_RESHAPE: run_reshape(m, n, out); break;
  case IR_FILL: run_fill(m, n, out); break;
  case IR_IF: case IR_LOOP: case IR_FOLD: case IR_WHILE: case IR_ACCUM: case IR_CUSTOM:
    run_structured(m, n, out);
    break;
  case IR_PROJ: run_proj(m, n, out); break;
  case IR_UPD: run_upd(m, n); break;
  case IR_TRACE: case IR_PRINT: case IR_ASSERT: case IR_CHECK: run_effect(m, n); break;
  case IR_VAR: case IR_TIE: case IR_STOP: case IR_SCALE: case IR_STRAIGHT:
    run_barrier(m, n, out);
    break;
  case IR_OP_COUNT: break;
  }
}

/* `run --nan`: where the first value, or adjoint, that is not finite comes from. */
static void watch_value(Machine *m, Ref r) {
  const Node *n = ir_node(m->p, r);
  uint64_t count;
  if (!n->type || n->type->elem != ELEM_REAL || n->type->acc || n->op == IR_CONST) return;
  const Num *at = slot_elements(slot_of(m, r), &count);
  for (uint64_t k = 0; k < count; k++) {
    double x = m->kind->to_double(&at[k]);
    if (isfinite(x)) continue;
    bool adjoint = n->flags & NODE_DERIVATIVE;
    m->host->watch = false;
    diag(m->c, SEV_WARNING, n->pos, "the first %s that is not finite is %s, here",
         adjoint ? "adjoint" : "value", isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
    return;
  }
}

void run_region(Machine *m, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    run_node(m, r->nodes.at[k]);
    if (m->host && m->host->watch) watch_value(m, r->nodes.at[k]);
  }
}
