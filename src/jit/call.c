/* call.c - one call for a program's own sake: effects go to a Host, messages are queued. */
#include <stdio.h>

#include "jit/run.h"

typedef struct Run {
  JitRun base;
  const JitCode *code;
  Host *host;
  Ctx *ctx;
  Ref last_warned;       /* a loop that used up its trips, told once in a row */
  uint64_t seen, before; /* effects of this call; those that have been before it */
} Run;

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

static void used_up(Run *r, const Node *n, Ref node) {
  if (r->last_warned != node)
    warn(r->ctx, "trips", n->pos, "the loop was stopped after as many rounds as it may take");
  r->last_warned = node;
}

static void do_effect(void *arg) {
  Effect *x = arg;
  Ctx *c = x->run->ctx;
  Value *v = NEWN(c, Value, x->n + 1);
  for (unsigned k = 0; k < x->n; k++)
    v[k] = leaf_value(c, ir_type(x->run->code->p, x->node->arg[k]), &x->leaf[k]);
  x->status = host_effect(x->run->host, x->node, v, x->n);
}

typedef struct UsedUp { Run *run; Ref node; } UsedUp;

static void do_used_up(void *arg) {
  UsedUp *u = arg;
  used_up(u->run, ir_node(u->run->code->p, u->node), u->node);
}

/* What is raised ends here, as a status. */
static int effect(JitRun *base, unsigned node, const JitLeaf *leaf, unsigned n) {
  Run *r = (Run *)base;
  if (r->seen++ < r->before) return 0;
  Effect e = {.run = r, .node = ir_node(r->code->p, node), .leaf = leaf, .n = n};
  UsedUp u = {r, node};
  Status raised = e.node->op == IR_WHILE ? ctx_try(r->ctx, do_used_up, &u)
                                         : ctx_try(r->ctx, do_effect, &e);
  base->status = raised ? raised : e.status;
  return base->status != GC_OK;
}

/* ---- what fails ------------------------------------------------------------------ */

typedef struct Complaint { Ctx *ctx; Span at; const char *text; } Complaint;

static void do_complain(void *arg) {
  Complaint *x = arg;
  diag(x->ctx, SEV_ERROR, x->at, "%s", x->text);
}

static void complain(Run *r, Span at, const char *text) {
  Complaint x = {r->ctx, at, text};
  Status raised = ctx_try(r->ctx, do_complain, &x);
  if (raised) r->base.status = raised;
}

static void fail(JitRun *base, unsigned node, int axis, long long index, long long size) {
  Run *r = (Run *)base;
  const Node *n = ir_node(r->code->p, node);
  JitSite s = jit_site(r->code->p, n);
  char text[512];
  jit_site_text(&s, axis, index, size, text, sizeof text);
  complain(r, n->pos, text);
}

static void no_memory(JitRun *base, double bytes) {
  char text[80];
  snprintf(text, sizeof text, "out of memory: an array of %.0f bytes", bytes);
  complain((Run *)base, (Span){0}, text);
}

/* ---- the call ------------------------------------------------------------------------ */

static Status run(Run *r, const JitArg *in, void *const *out) {
  const JitCode *code = r->code;
  void *work = NULL;
  double bytes = code->work(in);
  if (bytes > 0 && !(work = jit_temp(&r->base, bytes))) return r->base.status;
  int failed = code->entry(in, out, work, r);
  jit_release(&r->base);
  if (!failed) return GC_OK;
  return r->base.status ? r->base.status : GC_ERROR;
}

Status jit_run(const JitCode *code, const JitArg *in, void *const *out, Host *host) {
  uint64_t effects = 0;
  return jit_run_from(code, in, out, host, &effects);
}

Status jit_run_from(const JitCode *code, const JitArg *in, void *const *out, Host *host,
                    uint64_t *effects) {
  Ctx *c = host ? host->ctx : code->p->ctx;
  Run r = {.code = code, .host = host, .ctx = c, .before = *effects};
  r.base = (JitRun){
    .alloc = c->alloc,
    .alloc_user = c->alloc_user,
    .memory = c->limits.memory ? (double)c->limits.memory : 1e15,
    .stop = {host && host->stop ? host->stop : &jit_never, INT64_MAX},
    .effect = effect,
    .fail = fail,
    .no_memory = no_memory,
  };
  Status s = run(&r, in, out);
  *effects = r.seen;
  return s;
}
