/* tcc.c - a program compiled in memory by libtcc: no file is read or written, no header,
 * no library.
 *
 * libtcc 0.9.27 keeps its state in globals while it compiles, so a lock lets one thread
 * in at a time; nothing that can raise runs under it.  Finished code needs no lock. */
#include <dlfcn.h>
#include <libtcc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "emit/emit.h"
#include "jit/run.h"
#include "jit/symbols.h"

static pthread_mutex_t tcc_lock = PTHREAD_MUTEX_INITIALIZER;

/* The first complaint; later ones follow from it. */
typedef struct Messages { char text[240]; } Messages;

static void take_message(void *user, const char *message) {
  Messages *m = user;
  if (!*m->text) snprintf(m->text, sizeof m->text, "%s", message);
}

static void add_symbol(void *tcc, const char *name, const void *address) {
  tcc_add_symbol(tcc, name, address);
}

static int relocate(TCCState *tcc) {
#if defined(HAVE_TCC_RELOCATE_TWO_ARGS) || !defined(PACKAGE)
  return tcc_relocate(tcc, TCC_RELOCATE_AUTO);
#else
  return tcc_relocate(tcc);
#endif
}

static bool build(Jit *j, const char *text, Messages *m) {
  j->tcc = tcc_new();
  if (!j->tcc) return false;
  tcc_set_error_func(j->tcc, m, take_message);
  tcc_set_options(j->tcc, "-nostdlib -nostdinc");
  tcc_set_output_type(j->tcc, TCC_OUTPUT_MEMORY);
  if (tcc_compile_string(j->tcc, text) < 0) return false;
  jit_symbols(add_symbol, j->tcc);
  if (strstr(text, " gc_each_")) jit_kernels(add_symbol, j->tcc);
  if (relocate(j->tcc) < 0) return false;
  void *entry = tcc_get_symbol(j->tcc, "gc_main"), *work = tcc_get_symbol(j->tcc, "gc_main_work");
  memcpy(&j->code.entry, &entry, sizeof entry);
  memcpy(&j->code.work, &work, sizeof work);
  return entry && work;
}

static void drop(void *jit) {
  Jit *j = jit;
  jit_drop(j->tcc);
  j->tcc = NULL;
  if (j->library) dlclose(j->library);
  j->library = NULL;
}

static Jit *make(Prog *p, bool owned, JitText kind) {
  Ctx *c = p->ctx;
  Jit *j = NEW(c, Jit);
  Messages m = {{0}};
  Buf text;
  j->ctx = c;
  j->code.p = p;
  buf_init(&text, c);
  emit_jit(p, "gc_main", kind, &text);
  const char *source = buf_text(&text);
  if (owned) ctx_defer(c, drop, j);
  pthread_mutex_lock(&tcc_lock);
  bool good = build(j, source, &m);
  pthread_mutex_unlock(&tcc_lock);
  if (good) return j;
  if (!owned) drop(j);
  internal_error(c, "the JIT does not take its code: %s", *m.text ? m.text : "out of memory");
}

Jit *jit_tcc(Prog *p, bool owned) { return make(p, owned, JIT_TEXT_HERE); }
Jit *jit_tcc_to_keep(Prog *p) { return make(p, true, JIT_TEXT_KEPT); }

void *jit_take(Jit *j, JitCode *code) {
  void *machine = j->tcc;
  *code = j->code;
  j->tcc = NULL;
  return machine;
}

void jit_drop(void *machine) {
  if (!machine) return;
  pthread_mutex_lock(&tcc_lock);
  tcc_delete(machine);
  pthread_mutex_unlock(&tcc_lock);
}

void jit_free(Jit *j) {
  if (j) drop(j);
}

Status jit_call(Jit *j, const JitArg *in, void *const *out, Host *host) {
  return jit_run(&j->code, in, out, host);
}
