/* cc.c - a program compiled by the system's C compiler, as a shared object.
 *
 * The C is what libtcc would get, under headers instead of bare prototypes, and with the
 * functions of runtime/scalar.h in it, so that they can be inlined.  What the host does
 * for running code is reached through pointers that are set after loading.  Where objects
 * are kept: cache.c. */
#include <string.h>

#include "emit/emit.h"
#include "jit/cache.h"

static const char scalar_text[] =
#include "runtime/scalar.inc"
;
static const char fast_math_text[] =
#include "runtime/fast_math.inc"
;

static const char head[] =
  "#define GC_RESTRICT restrict\n"
  "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n"
  "union gc_arg { double r; int64_t i; const void *p; };\n"
  "struct gc_leaf { union gc_arg v; const int64_t *dim; };\n"
  "struct gc_stop { const volatile int *flag; int64_t trips; };\n"
  "void *(*gc_temp)(void *, double);\n"
  "void *(*gc_mark)(void *);\n"
  "void (*gc_release)(void *, void *);\n"
  "int (*gc_effect)(void *, unsigned, const struct gc_leaf *, unsigned);\n"
  "int (*gc_fail)(void *, unsigned, int, long long, long long);\n"
  "struct gc_stop *(*gc_stop)(void *);\n"
  "int (*gc_stopped)(void *);\n"
  "#if defined __GNUC__ && !defined __TINYC__\n"   /* known in spite of -fno-builtin */
  "#define memcpy __builtin_memcpy\n"
  "#define memmove __builtin_memmove\n"
  "#define memset __builtin_memset\n"
  "#endif\n";

/* Where lanes add and take away in turns, as in a product of complex numbers, gcc 12 takes
 * x86's vfmaddsub and vfmsubadd, which do not round the product, although it is told
 * -ffp-contract=off; clang and newer ones do not.  As macros with these names they are errors
 * of the assembler, which reads every instruction anyway. */
static const char unfused_head[] =
  "#if defined __GNUC__ && !defined __clang__ && !defined __TINYC__ && defined __x86_64__\n"
  "__asm__(\".irp turns, addsub, subadd\\n\"\n"
  "  \".irp order, 132pd, 213pd, 231pd, 132ps, 213ps, 231ps, pd, ps\\n\"\n"
  "  \".macro vfm\\\\turns\\\\order operands:vararg\\n\"\n"
  "  \".error \\\"the product is not rounded\\\"\\n\"\n"
  "  \".endm\\n.endr\\n.endr\\n\");\n"
  "#endif\n";

const char *jit_cc_text(Prog *p) {
  Buf jit, text;
  buf_init(&jit, p->ctx);
  buf_init(&text, p->ctx);
  emit_jit(p, "gc_main", JIT_TEXT_STANDALONE, &jit);
  const char *code = strstr(buf_text(&jit), "\n\n");   /* after prototypes of its own */
  buf_puts(&text, head);
  buf_puts(&text, unfused_head);
  emit_macros(&text);
  buf_puts(&text, scalar_text);
  if (p->ctx->opt.fast_math) buf_puts(&text, fast_math_text);
  if (code && (strstr(code, "gc_mat") || strstr(code, "gc_vecmat")))
    emit_matmul(p->ctx, p->ctx->opt.real_float, &text);
  buf_puts(&text, code ? code : "");
  return buf_text(&text);
}

/* Waiting for the compiler is work that can be stopped, and that shows. */
static bool looked_after(void *arg) {
  Ctx *c = arg;
  if (c->tick) c->tick(c->tick_user);
  return c->stop && *c->stop;
}

_Noreturn static void failed(Ctx *c, const CcUnit *u, CcResult why) {
  const char *other = "install a C compiler, or use --jit=tcc";
  switch (why) {
  case CC_NO_FOLDER:
    fail_at(c, (Span){0}, "set XDG_CACHE_HOME to a folder that can be written",
            "cannot make the cache folder '%s': %s", u->folder, strerror(u->error));
  case CC_NOT_OURS:
    fail_at(c, (Span){0}, "take it away, or set XDG_CACHE_HOME to a folder of your own",
            "others can write to the cache folder '%s': its code is not run", u->folder);
  case CC_NOT_WRITTEN:
    fail_at(c, (Span){0}, NULL, "cannot write to the cache '%s': %s", u->folder,
            strerror(u->error));
  case CC_NO_COMPILER:
    fail_at(c, (Span){0}, other, "cannot run the C compiler '%s'", u->compiler);
  case CC_STOPPED: diag_raise(c, GC_STOPPED);
  default:
    internal_error(c, "the C compiler '%s' does not take the JIT's code", u->compiler);
  }
}

static void release(void *jit) { jit_free(jit); }

Jit *jit_cc(Prog *p, bool owned) {
  Ctx *c = p->ctx;
  Jit *j = NEW(c, Jit);
  CcUnit *u = NEW(c, CcUnit);
  j->ctx = c;
  j->code.p = p;
  CcResult r = cc_unit(u, jit_cc_text(p));
  if (r != CC_GOOD) failed(c, u, r);
  if (owned) ctx_defer(c, release, j);
  if ((j->library = cc_open(u, &j->code))) return j;
  c->stage = "compiling the C";
  r = cc_build(u, looked_after, c);
  if (r != CC_GOOD) failed(c, u, r);
  if ((j->library = cc_open(u, &j->code))) return j;
  internal_error(c, "the compiled code cannot be loaded");
}
