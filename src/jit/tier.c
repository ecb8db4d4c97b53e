/* tier.c - two tiers: code by libtcc at once, and later, where it pays, by the system's
 * compiler.
 *
 * A tier is the second one of a program: a text, made with the program, that a thread
 * compiles and opens while the first one runs.  The thread touches neither the program nor
 * its context.  Both codes follow one order of operations, so their results have the same
 * bits, and whoever calls may change from one to the other between any two calls.  Where
 * there is no compiler, or anything else is missing, the first tier stays; nothing is said.
 *
 * A script is one call.  When its second code is ready, the first is stopped, where a loop
 * turns back, and the second begins anew; effects that have been are not repeated. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "emit/emit.h"
#include "jit/cache.h"

enum { SCRIPT_DELAY_MS = 100 };

struct JitTier {
  AllocFn alloc;
  void *user;
  size_t size;             /* of this block, the text behind it */
  CcUnit unit;
  pthread_t thread;
  pthread_mutex_t lock;    /* of `leave` */
  pthread_cond_t wake;
  bool leave;
  atomic_bool started;
  bool running;            /* there is a thread; set before anybody can free */
  unsigned delay;
  atomic_int *flag;        /* set when the code is ready, or NULL */
  void *library;
  JitCode code;
  _Atomic(const JitCode *) ready;
  char text[];
};

/* ---- the thread ------------------------------------------------------------- */

static bool leaves(void *arg) {
  JitTier *t = arg;
  pthread_mutex_lock(&t->lock);
  bool leave = t->leave;
  pthread_mutex_unlock(&t->lock);
  return leave;
}

/* Is it still wanted after the delay? */
static bool waits(JitTier *t) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += (long)(t->delay % 1000) * 1000000;
  until.tv_sec += (time_t)(t->delay / 1000) + until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_mutex_lock(&t->lock);
  while (!t->leave && pthread_cond_timedwait(&t->wake, &t->lock, &until) == 0) continue;
  bool leave = t->leave;
  pthread_mutex_unlock(&t->lock);
  return !leave;
}

static void announce(JitTier *t) {
  atomic_store(&t->ready, &t->code);
  if (t->flag) atomic_store(t->flag, 1);
}

static void *work(void *arg) {
  JitTier *t = arg;
  if (!waits(t)) return NULL;
  if (cc_build(&t->unit, leaves, t) != CC_GOOD || leaves(t)) return NULL;
  t->library = cc_open(&t->unit, &t->code);
  if (t->library) announce(t);
  return NULL;
}

/* ---- its life --------------------------------------------------------------- */

JitTier *jit_tier_new(Prog *p) {
  Ctx *c = p->ctx;
  const char *text = jit_cc_text(p);
  size_t size = sizeof(JitTier) + strlen(text) + 1;
  JitTier *t = c->alloc(c->alloc_user, NULL, 0, size);
  if (!t) return NULL;
  memset(t, 0, sizeof *t);
  t->alloc = c->alloc;
  t->user = c->alloc_user;
  t->size = size;
  memcpy(t->text, text, size - sizeof *t);
  pthread_mutex_init(&t->lock, NULL);
  pthread_cond_init(&t->wake, NULL);
  if (cc_unit(&t->unit, t->text) != CC_GOOD) {
    jit_tier_free(t);
    return NULL;
  }
  t->unit.quiet = true;
  t->code.p = p;
  if ((t->library = cc_open(&t->unit, &t->code))) {
    atomic_store(&t->started, true);
    announce(t);
  }
  return t;
}

/* The thread takes no signal: those are the host's. */
static void start(JitTier *t) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool running = pthread_create(&t->thread, NULL, work, t) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  t->running = running;
}

void jit_tier_start(JitTier *t, unsigned delay_ms, volatile int *flag) {
  if (atomic_exchange(&t->started, true)) return;
  t->delay = delay_ms;
  t->flag = (atomic_int *)(uintptr_t)flag;
  start(t);
}

bool jit_tier_started(const JitTier *t) { return atomic_load(&t->started); }

const JitCode *jit_tier_code(const JitTier *t) { return atomic_load(&t->ready); }

void jit_tier_free(JitTier *t) {
  if (!t) return;
  pthread_mutex_lock(&t->lock);
  t->leave = true;
  pthread_cond_signal(&t->wake);
  pthread_mutex_unlock(&t->lock);
  if (t->running) pthread_join(t->thread, NULL);
  cc_close(t->library);
  pthread_cond_destroy(&t->wake);
  pthread_mutex_destroy(&t->lock);
  t->alloc(t->user, t, t->size, 0);
}

/* ---- a script --------------------------------------------------------------- */

static void release(void *tier) { jit_tier_free(tier); }

/* Code for libtcc that can be stopped; the other kind is as the options say. */
static Jit *first_tier(Prog *p) {
  bool guarded = p->ctx->opt.guarded;
  p->ctx->opt.guarded = true;
  Jit *j = jit_tcc(p, true);
  p->ctx->opt.guarded = guarded;
  return j;
}

Status jit_auto(Prog *p, const JitArg *in, void *const *out, Host *host) {
  JitTier *t = jit_tier_new(p);
  if (!t) return jit_call(jit_tcc(p, true), in, out, host);
  ctx_defer(p->ctx, release, t);
  if (jit_tier_code(t)) return jit_run(jit_tier_code(t), in, out, host);
  int *own = NEW(p->ctx, int);
  volatile int *outside = host->stop, *flag = outside ? outside : own;
  uint64_t effects = 0;
  Jit *first = first_tier(p);
  host->stop = flag;
  jit_tier_start(t, SCRIPT_DELAY_MS, flag);
  Status s = jit_run_from(&first->code, in, out, host, &effects);
  if (s == GC_STOPPED && jit_tier_code(t)) {
    *flag = 0;
    s = jit_run_from(jit_tier_code(t), in, out, host, &effects);
  }
  host->stop = outside;
  return s;
}
