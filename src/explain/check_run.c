/* check_run.c - a program run at a point, interpreted and compiled. */
#include "explain/check_private.h"
#include "interpret/interpret.h"
#include "jit/jit.h"
#include "optimize/optimize.h"

/* The host of programs whose effects nobody wants to see. */
static Host silent(Check *k) {
  return (Host){.ctx = k->c, .stop = k->host->stop};
}

/* ---- interpreted ---- */

typedef struct Run {
  Prog *p;
  const Value *in;
  unsigned bits;
  Value *out;
} Run;

static void interpret_it(void *self) {
  Run *r = self;
  r->out = NEWN(r->p->ctx, Value, r->p->root->results.n + 1);
  Status s = interpret(r->p, r->in, r->p->root->params.n, r->bits, NULL, r->out);
  if (s != GC_OK) diag_raise(r->p->ctx, s);
}

Value *run_interpreted(Check *k, Prog *p, const Value *in, unsigned bits) {
  Run r = {p, in, bits, NULL};
  return check_quietly(k, interpret_it, &r) == GC_OK ? r.out : NULL;
}

/* ---- compiled ---- */

struct Compiled {
  Prog *p;
  Jit *jit;
};

/* The code lives as long as the try around the function that is checked, so this does not
 * go through check_quietly. */
Compiled *compiled_program(Check *k, Prog *p) {
  Compiled *j = NEW(k->c, Compiled);
  j->p = optimize(p, NULL);
  j->jit = jit_tcc(j->p, true);
  return j;
}

typedef struct Call {
  Check *k;
  Compiled *j;
  const Value *in;
  Value *out;
} Call;

static JitArg argument(const Value *v) {
  if (v->rank) return (JitArg){.p = v->data};
  if (v->elem == ELEM_REAL) return (JitArg){.r = *(const double *)v->data};
  return (JitArg){.i = *(const int64_t *)v->data};
}

static void call_it(void *self) {
  Call *x = self;
  Ctx *c = x->k->c;
  Prog *p = x->j->p;
  Host host = silent(x->k);
  JitArg *in = NEWN(c, JitArg, p->root->params.n + 1);
  void **out = NEWN(c, void *, p->root->results.n + 1);
  for (uint32_t n = 0; n < p->root->params.n; n++) in[n] = argument(&x->in[n]);
  for (uint32_t n = 0; n < p->root->results.n; n++) out[n] = (void *)(uintptr_t)x->out[n].data;
  Status s = jit_call(x->j->jit, in, out, &host);
  if (s != GC_OK) diag_raise(c, s);
}

/* Room for the results; where a size is not one of the parameters, the interpreter tells. */
static Value *room_for_results(Check *k, Prog *p, const Value *in) {
  Value *out = NEWN(k->c, Value, p->root->results.n + 1);
  for (uint32_t n = 0; n < p->root->results.n; n++) {
    out[n] = new_value(k, p, ir_type(p, p->root->results.at[n]), in);
    if (!out[n].data) return run_interpreted(k, p, in, 0);
  }
  return out;
}

Value *run_compiled(Check *k, Compiled *j, const Value *in) {
  Value *out = room_for_results(k, j->p, in);
  Call x = {k, j, in, out};
  return out && check_quietly(k, call_it, &x) == GC_OK ? out : NULL;
}

/* ---- differences ---- */

typedef struct Difference {
  Check *k;
  Prog *p;
  const Value *in;
  uint32_t param;
  uint64_t element;
  Value *out;
} Difference;

static void difference(void *self) {
  Difference *d = self;
  Status s =
      interpret_difference(d->p, d->in, d->p->root->params.n, d->param, d->element, NULL, d->out);
  if (s != GC_OK) diag_raise(d->p->ctx, s);
}

Status run_difference(Check *k, Prog *p, const Value *in, uint32_t param, uint64_t element,
                      Value *out) {
  Difference d = {k, p, in, param, element, out};
  return check_quietly(k, difference, &d);
}
