/* interpret.c - one run of a program on values. */
#include "interpret/private.h"

/* ---- parameters ---------------------------------------------------------------- */

_Noreturn static void refuse(Machine *m, const Node *param, const char *what) {
  const char *name = param->name ? param->name : "of the program";
  diag(m->c, SEV_ERROR, param->pos, "parameter %s %s", name, what);
  diag_raise(m->c, GC_USAGE);
}

static void check_param(Machine *m, const Node *n, const Value *v) {
  int64_t dim[MAX_RANK];
  bool whole_to_real = n->type->elem == ELEM_REAL && v->elem == ELEM_INT;
  if (v->elem != n->type->elem && !whole_to_real) refuse(m, n, "is of another type");
  if (v->rank != n->type->rank) refuse(m, n, "has another number of axes");
  type_extents(m, n->type, dim);
  for (uint32_t k = 0; k < v->rank; k++)
    if (v->dim[k] != dim[k]) refuse(m, n, "has another size");
}

static void set_element(Machine *m, Elem e, const Value *v, uint64_t k, Num *out) {
  if (e != ELEM_REAL) out->i = ((const int64_t *)v->data)[k];
  else if (v->elem == ELEM_REAL) m->kind->from_double(out, ((const double *)v->data)[k]);
  else m->kind->from_int(out, ((const int64_t *)v->data)[k]);
}

static void set_param(Machine *m, Ref param, const Value *v) {
  const Node *n = ir_node(m->p, param);
  Slot *s = slot_of(m, param);
  check_param(m, n, v);
  if (v->rank == 0) {
    set_element(m, n->type->elem, v, 0, slot_num(m, s, n->type->elem == ELEM_REAL));
    return;
  }
  Array *a = array_new(m, n->type->elem, v->rank, v->dim);
  slot_set_array(m, s, a);
  for (uint64_t k = 0; k < a->n; k++) set_element(m, a->elem, v, k, &a->at[k]);
}

void set_params(Machine *m, const Value *in, uint32_t nin) {
  const Region *root = m->p->root;
  if (nin != root->params.n) {
    diag(m->c, SEV_ERROR, (Span){0}, "%u values for %u parameters", nin, root->params.n);
    diag_raise(m->c, GC_USAGE);
  }
  for (uint32_t k = 0; k < nin; k++) set_param(m, root->params.at[k], &in[k]);
}

/* ---- the run ------------------------------------------------------------------- */

typedef struct Run {
  Prog *p;
  const Value *in;
  uint32_t nin;
  unsigned bits;
  Host *host;
  Value *out;
} Run;

static void take_values(Machine *m, Value *out) {
  const Region *root = m->p->root;
  for (uint32_t k = 0; k < root->results.n; k++) {
    Ref r = root->results.at[k];
    double *room = arena_alloc(m->c, slot_bytes(slot_of(m, r)));
    out[k] = slot_value(m, slot_of(m, r), ir_type(m->p, r), &room);
  }
}

static void run(void *self) {
  Run *r = self;
  Machine *m = machine_new(r->p, r->bits);
  m->host = r->host;
  m->stop = r->host ? r->host->stop : NULL;
  set_params(m, r->in, r->nin);
  run_region(m, r->p->root);
  take_values(m, r->out);
}

Status interpret(Prog *p, const Value *in, uint32_t nin, unsigned bits, Host *host, Value *out) {
  Run r = {p, in, nin, bits, host, out};
  Span pos = p->pos;
  Status s = ctx_try(p->ctx, run, &r);
  p->pos = pos;
  return s;
}
