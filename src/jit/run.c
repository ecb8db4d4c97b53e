/* run.c - what compiled code calls (gc_…): memory for arrays of a size known only now, the
 * stop flag, and the ways out to whoever calls. */
#include "jit/run.h"

#include <stdio.h>

#include "jit/symbols.h"

/* A block of memory that lives until the call, or the round of a loop, ends. */
typedef struct Temp { struct Temp *next; size_t size; } Temp;

const int jit_never = 0;

/* ---- memory --------------------------------------------------------------------- */

static void *refuse(JitRun *r, double bytes, Status why) {
  r->status = why;
  r->no_memory(r, bytes);
  return NULL;
}

void *jit_aligned(void *block) {
  return (char *)block + (JIT_ALIGN - (uintptr_t)block % JIT_ALIGN) % JIT_ALIGN;
}

void *jit_temp(JitRun *r, double bytes) {
  if (!(bytes > 0)) bytes = 0;
  if (bytes > r->memory - r->used) return refuse(r, bytes, r->memory < 1e15 ? GC_LIMIT : GC_NOMEM);
  size_t size = sizeof(Temp) + JIT_ALIGN + (size_t)bytes;
  Temp *t = r->alloc(r->alloc_user, NULL, 0, size);
  if (!t) return refuse(r, bytes, GC_NOMEM);
  t->next = r->temps;
  t->size = size;
  r->temps = t;
  r->used += (double)size;
  return jit_aligned(t + 1);
}

void jit_release(JitRun *r) {
  gc_release(r, NULL);
}

void *gc_temp(void *run, double bytes) {
  return jit_temp(run, bytes);
}

void *gc_mark(void *run) {
  return ((JitRun *)run)->temps;
}

/* Gives back what came after the mark. */
void gc_release(void *run, void *mark) {
  JitRun *r = run;
  while (r->temps != mark) {
    Temp *t = r->temps;
    r->temps = t->next;
    r->used -= (double)t->size;
    r->alloc(r->alloc_user, t, t->size, 0);
  }
}

/* ---- effects, checks, stops ------------------------------------------------------- */

int gc_effect(void *run, unsigned node, const JitLeaf *leaf, unsigned n) {
  JitRun *r = run;
  return r->effect(r, node, leaf, n);
}

int gc_fail(void *run, unsigned node, int axis, long long index, long long size) {
  JitRun *r = run;
  r->status = GC_ERROR;
  r->fail(r, node, axis, index, size);
  return 1;
}

JitStop *gc_stop(void *run) {
  return &((JitRun *)run)->stop;
}

int gc_stopped(void *run) {
  JitRun *r = run;
  r->status = r->stop.trips < 0 ? GC_LIMIT : GC_STOPPED;
  return 1;
}

JitSite jit_site(const Prog *p, const Node *n) {
  JitSite s = {.op = (Op)n->op};
  if (n->op == IR_CHECK) s.text = n->aux.str;
  else if (n->op == IR_PRIM) s.prim = (uint32_t)n->aux.i;
  else s.text = ir_node(p, n->arg[0])->name;
  return s;
}

void jit_site_text(const JitSite *s, int axis, long long index, long long size, char *to,
                   size_t room) {
  const char *name = s->text ? s->text : "";
  if (s->op == IR_CHECK)
    snprintf(to, room, "%s", *name ? name : "a check failed");
  else if (s->op == IR_PRIM)
    snprintf(to, room, "%s", s->prim == P_MOD ? "modulo by zero" : "division by zero");
  else
    snprintf(to, room, "index %lld is out of range for axis %d%s%.120s of size %lld", index, axis,
             *name ? " of " : "", name, size);
}
