/* ctx.c - the context: its birth and death, and how a raise unwinds. */
#include "base/private.h"

#include <stdlib.h>
#include <string.h>

/* What one compilation may take unless its owner says otherwise (0: no limit). */
static const Limits default_limits = {
  .nodes = 100u * 1000 * 1000,
  .calls = 1000 * 1000,
  .depth = 400,
  .memory = (uint64_t)8 << 30,
};

static void *plain_alloc(void *user, void *old, size_t old_size, size_t new_size) {
  (void)user;
  (void)old_size;
  if (new_size) return realloc(old, new_size);
  free(old);
  return NULL;
}

Ctx *ctx_new(AllocFn alloc, void *user) {
  if (!alloc) alloc = plain_alloc;
  Ctx *c = alloc(user, NULL, 0, sizeof *c);
  if (!c) return NULL;
  memset(c, 0, sizeof *c);
  c->alloc = alloc;
  c->alloc_user = user;
  c->arena = arena_new(alloc, user);
  if (!c->arena) {
    alloc(user, c, sizeof *c, 0);
    return NULL;
  }
  diag_init(c);
  c->limits = default_limits;
  return c;
}

/* Runs the releases registered since `mark`, latest first.  Each is unlinked
 * before it runs, so that none can run twice. */
static void release_to(Ctx *c, Defer *mark) {
  while (c->defers != mark) {
    Defer *d = c->defers;
    c->defers = d->next;
    d->fn(d->arg);
  }
}

void ctx_free(Ctx *c) {
  if (!c) return;
  release_to(c, NULL);
  AllocFn alloc = c->alloc;
  void *user = c->alloc_user;
  arena_free(c->arena, alloc, user);
  alloc(user, c, sizeof *c, 0);
}

Status ctx_try(Ctx *c, void (*fn)(void *arg), void *arg) {
  jmp_buf here;
  jmp_buf *const outer = c->unwind;
  Defer *const mark = c->defers;
  Zone *const zone = zone_enter(c, NULL);
  zone_enter(c, zone);
  volatile Status status = GC_OK;
  if (setjmp(here) == 0) {
    c->unwind = &here;
    fn(arg);
  } else {
    status = c->status;
    zone_enter(c, zone);
  }
  c->unwind = outer;
  release_to(c, mark);
  return status;
}

void ctx_defer(Ctx *c, void (*release)(void *), void *arg) {
  Status why;
  Zone *zone = zone_enter(c, NULL); /* it may have to wait longer than a zone */
  Defer *d = arena_take(c, sizeof *d, &why);
  zone_enter(c, zone);
  if (!d) { /* nobody else will release it */
    release(arg);
    arena_raise(c, why);
  }
  *d = (Defer){.next = c->defers, .fn = release, .arg = arg};
  c->defers = d;
}
