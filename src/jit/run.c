/* run.c - one call of a compiled function: its workspace, arrays of a size known only
 * now, effects, failed checks.  What the code calls (gc_…) gets the Run as its host. */
#include "jit/run.h"

#include <string.h>

#include "jit/symbols.h"

/* A block of memory that lives until the call ends. */
typedef struct Temp { struct Temp *next; size_t size; } Temp;

typedef struct Run {
  const JitCode *code;
  Host *host;
  Ctx *ctx;
  Temp *temps;
  Status status;
  Ref last_warned;       /* a loop that used up its trips, told once in a row */
} Run;

static const int never = 0;

enum { TEMP_HEAD = 64 };

static void *out_of_memory(Run *r, double bytes) {
  Span nowhere = {0};
  diag(r->ctx, SEV_ERROR, nowhere, "out of memory: an array of %.0f bytes", bytes);
  r->status = GC_NOMEM;
  return NULL;
}

void *gc_temp(void *run, double bytes) {
  Run *r = run;
  if (!(bytes > 0)) bytes = 0;
  double limit = r->ctx->limits.memory ? (double)r->ctx->limits.memory : 1e15;
  if (bytes > limit) return out_of_memory(r, bytes);
  size_t size = (size_t)bytes + TEMP_HEAD;
  Temp *t = r->ctx->alloc(r->ctx->alloc_user, NULL, 0, size);
  if (!t) return out_of_memory(r, bytes);
  t->next = r->temps;
  t->size = size;
  r->temps = t;
  return (char *)t + TEMP_HEAD;
}

void *gc_mark(void *run) {
  return ((Run *)run)->temps;
}

/* Gives back what came after the mark. */
void gc_release(void *run, void *mark) {
  Run *r = run;
  while (r->temps != mark) {
    Temp *t = r->temps;
    r->temps = t->next;
    r->ctx->alloc(r->ctx->alloc_user, t, t->size, 0);
  }
}

/* ---- effects ------------------------------------------------------------------- */

typedef struct Effect {
  Run *run;
  Node *node;
  const JitLeaf *leaf;
  unsigned n;
  Status status;
} Effect;

static size_t count(const Value *v) {
  size_t n = 1;
  for (uint32_t k = 0; k < v->rank; k++) n *= (size_t)(v->dim[k] > 0 ? v->dim[k] : 0);
  return n;
}

static const void *widened(Ctx *c, const float *x, size_t n) {
  double *d = NEWN(c, double, n ? n : 1);
  for (size_t k = 0; k < n; k++) d[k] = (double)x[k];
  return d;
}

static Value leaf_value(Ctx *c, const Type *t, const JitLeaf *leaf) {
  Value v = {.elem = t->elem, .rank = t->rank};
  v.is_float = t->elem == ELEM_REAL && c->opt.real_float;
  for (uint32_t k = 0; k < t->rank; k++) v.dim[k] = leaf->dim[k];
  v.data = t->rank ? leaf->v.p : (const void *)&leaf->v;
  if (v.is_float && t->rank) v.data = widened(c, leaf->v.p, count(&v));
  return v;
}

static void do_effect(void *arg) {
  Effect *x = arg;
  Ctx *c = x->run->ctx;
  Value *v = NEWN(c, Value, x->n + 1);
  for (unsigned k = 0; k < x->n; k++)
    v[k] = leaf_value(c, ir_type(x->run->code->p, x->node->arg[k]), &x->leaf[k]);
  x->status = host_effect(x->run->host, x->node, v, x->n);
}

static int used_up(Run *r, Ref node) {
  if (r->last_warned != node)
    warn(r->ctx, "trips", ir_node(r->code->p, node)->pos,
         "the loop was stopped after as many rounds as it may take");
  r->last_warned = node;
  return 0;
}

/* Nothing may unwind through compiled code: what is raised ends here, as a status. */
int gc_effect(void *run, unsigned node, const JitLeaf *leaf, unsigned n) {
  Run *r = run;
  Node *x = ir_node(r->code->p, node);
  if (x->op == IR_WHILE) return used_up(r, node);
  Effect e = {.run = r, .node = x, .leaf = leaf, .n = n};
  Status raised = ctx_try(r->ctx, do_effect, &e);
  r->status = raised ? raised : e.status;
  return r->status != GC_OK;
}

/* ---- failed checks ----------------------------------------------------------------- */

static const char *array_name(const Run *r, const Node *n) {
  const char *name = ir_node(r->code->p, n->arg[0])->name;
  return name ? name : "";
}

int gc_fail(void *run, unsigned node, int axis, long long index, long long size) {
  Run *r = run;
  const Node *n = ir_node(r->code->p, node);
  r->status = GC_ERROR;
  if (n->op == IR_CHECK) {
    diag(r->ctx, SEV_ERROR, n->pos, "%s", n->aux.str ? n->aux.str : "a check failed");
  } else if (n->op == IR_PRIM) {
    diag(r->ctx, SEV_ERROR, n->pos, n->aux.i == P_MOD ? "modulo by zero" : "division by zero");
  } else {
    const char *name = array_name(r, n);
    diag(r->ctx, SEV_ERROR, n->pos, "index %lld is out of range for axis %d%s%s of size %lld",
         index, axis, *name ? " of " : "", name, size);
  }
  return 1;
}

volatile int *gc_stop(void *run) {
  Run *r = run;
  return r->host && r->host->stop ? r->host->stop : (volatile int *)&never;
}

int gc_stopped(void *run) {
  ((Run *)run)->status = GC_STOPPED;
  return 1;
}

/* ---- the call ------------------------------------------------------------------------ */

Status jit_run(const JitCode *code, const JitArg *in, void *const *out, Host *host) {
  Run r = {.code = code, .host = host, .ctx = host ? host->ctx : code->p->ctx};
  void *work = NULL;
  double bytes = code->work(in);
  if (bytes > 0 && !(work = gc_temp(&r, bytes))) return r.status;
  int failed = code->entry(in, out, work, &r);
  gc_release(&r, NULL);
  if (!failed) return GC_OK;
  return r.status ? r.status : GC_ERROR;
}
