/* effects.c - values handed to the host, and effects. */
#include "interpret/private.h"

size_t slot_bytes(Slot *s) {
  uint64_t n;
  slot_elements(s, &n);
  return (size_t)n * sizeof(double);
}

Value slot_value(Machine *m, Slot *s, const Type *t, double **room) {
  uint64_t n;
  const Num *from = slot_elements(s, &n);
  Value v = {.elem = t->elem, .data = *room};
  v.is_float = t->elem == ELEM_REAL && m->c->opt.real_float;
  if (s->array) {
    v.rank = s->array->rank;
    for (uint32_t k = 0; k < v.rank; k++) v.dim[k] = s->array->dim[k];
  }
  double *real = *room;
  int64_t *whole = (int64_t *)(void *)*room;
  for (uint64_t k = 0; k < n; k++)
    if (t->elem == ELEM_REAL) real[k] = m->kind->to_double(&from[k]);
    else whole[k] = from[k].i;
  *room += n;
  return v;
}

/* Memory that the next effect uses again. */
static void *scratch(Machine *m, size_t bytes) {
  if (bytes > m->scratch_size) {
    m->scratch_size = 2 * bytes;
    m->scratch = arena_alloc(m->c, m->scratch_size);
  }
  return m->scratch;
}

/* A check holds also where nobody listens. */
static void check_alone(Machine *m, const Node *n) {
  if (n->op != IR_CHECK || slot_of(m, n->arg[0])->num.i) return;
  fail_at(m->c, n->pos, NULL, "%s", n->aux.str ? n->aux.str : "a check failed");
}

void run_effect(Machine *m, const Node *n) {
  size_t bytes = sizeof(Value) * (n->nargs + 1);
  if (!m->host || m->host->watch) {
    check_alone(m, n);
    return;
  }
  for (uint32_t k = 0; k < n->nargs; k++) bytes += slot_bytes(slot_of(m, n->arg[k]));
  Value *leaf = scratch(m, bytes);
  double *room = (double *)(void *)(leaf + n->nargs + 1);
  for (uint32_t k = 0; k < n->nargs; k++)
    leaf[k] = slot_value(m, slot_of(m, n->arg[k]), ir_type(m->p, n->arg[k]), &room);
  Status s = host_effect(m->host, n, leaf, n->nargs);
  if (s != GC_OK) diag_raise(m->c, s);
}
