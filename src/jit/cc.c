/* cc.c - a program compiled by the system's C compiler, as a shared object.
 *
 * The C is what libtcc would get, under headers instead of bare prototypes, and with the
 * functions of runtime/scalar.h (and fast_math.h) in it, so that they can be inlined.  What the host does
 * for running code is reached through pointers that are set after loading.
 *
 * Objects are kept in $XDG_CACHE_HOME/gradc (or ~/.cache/gradc) under the hash of the text
 * and the flags.  Beside KEY.so stands KEY.sum with its checksum; both are written under
 * other names and renamed, so readers and writers may meet, and an object that does not
 * agree with its sum is compiled again. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emit/emit.h"
#include "jit/run.h"
#include "jit/symbols.h"

extern char **environ;

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
  "int (*gc_stopped)(void *);\n";

/* No contraction and no builtins: the same bits as libtcc's code.  That nobody looks at errno
 * or traps changes no bit, and lets loops with a choice in them become vector instructions. */
static const char *const flags[] = {
  "-std=c99", "-O3", "-march=native", "-ffp-contract=off", "-fno-builtin", "-fno-math-errno",
  "-fno-trapping-math", "-fPIC", "-shared", "-w",
};
enum { FLAGS = sizeof flags / sizeof *flags };

static const char *compiler(void) {
  const char *cc = getenv("CC");
  return cc && *cc && !strchr(cc, ' ') ? cc : "cc";
}

/* ---- the text and its name ---- */

static const char *source_text(Prog *p) {
  Buf jit, text;
  buf_init(&jit, p->ctx);
  buf_init(&text, p->ctx);
  emit_jit(p, "gc_main", true, &jit);
  const char *code = strstr(buf_text(&jit), "\n\n");   /* after prototypes of its own */
  buf_puts(&text, head);
  buf_puts(&text, emit_lanes_head);
  buf_puts(&text, scalar_text);
  if (p->ctx->opt.fast_math) buf_puts(&text, fast_math_text);
  if (code && (strstr(code, "gc_mat") || strstr(code, "gc_vecmat")))
    emit_matmul(p->ctx, p->ctx->opt.real_float, &text);
  buf_puts(&text, code ? code : "");
  return buf_text(&text);
}

/* Two words of FNV-1a, from different beginnings. */
typedef struct Hash { uint64_t a, b; } Hash;

static void hash_bytes(Hash *h, const void *bytes, size_t n) {
  const unsigned char *s = bytes;
  for (size_t i = 0; i < n; i++) {
    h->a = (h->a ^ s[i]) * 0x100000001b3u;
    h->b = (h->b ^ s[i]) * 0x100000001b3u + 0x9e3779b97f4a7c15u;
  }
}

static const char *key_of(Ctx *c, const char *text) {
  Hash h = {0xcbf29ce484222325u, 0x84222325cbf29ce4u};
  hash_bytes(&h, compiler(), strlen(compiler()));
  for (int i = 0; i < FLAGS; i++) hash_bytes(&h, flags[i], strlen(flags[i]) + 1);
  hash_bytes(&h, text, strlen(text));
  return str_printf(c, "%016llx%016llx", (unsigned long long)h.a, (unsigned long long)h.b);
}

/* ---- the cache ---- */

static bool make_folders(char *path) {
  for (char *s = path + 1; *s; s++) {
    if (*s != '/') continue;
    *s = '\0';
    mkdir(path, 0700);
    *s = '/';
  }
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static const char *cache_folder(Ctx *c) {
  const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  const char *dir = xdg && *xdg ? str_printf(c, "%s/gradc", xdg)
                    : home && *home ? str_printf(c, "%s/.cache/gradc", home) : "/tmp/gradc-cache";
  if (!make_folders((char *)(uintptr_t)dir))
    fail_at(c, (Span){0}, "set XDG_CACHE_HOME to a folder that can be written",
            "cannot make the cache folder '%s': %s", dir, strerror(errno));
  return dir;
}

static bool sum_of_file(const char *path, Hash *h) {
  FILE *f = fopen(path, "rb");
  unsigned char block[1 << 14];
  *h = (Hash){0xcbf29ce484222325u, 1};
  if (!f) return false;
  for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) hash_bytes(h, block, n);
  bool good = !ferror(f);
  fclose(f);
  return good;
}

static bool is_whole(const char *object, const char *sum) {
  Hash have, want = {0, 0};
  unsigned long long a, b;
  FILE *f = fopen(sum, "r");
  if (!f) return false;
  if (fscanf(f, "%llx %llx", &a, &b) == 2) want = (Hash){a, b};
  fclose(f);
  return sum_of_file(object, &have) && have.a == want.a && have.b == want.b;
}

static bool write_text(const char *path, const char *text) {
  FILE *f = fopen(path, "w");
  if (!f) return false;
  bool good = fputs(text, f) >= 0;
  return fclose(f) == 0 && good;
}

/* ---- compiling ---- */

static int run_compiler(const char *source, const char *object) {
  const char *argv[FLAGS + 6] = {compiler()};
  int n = 1, status = -1;
  for (int i = 0; i < FLAGS; i++) argv[n++] = flags[i];
  argv[n++] = "-o";
  argv[n++] = object;
  argv[n++] = source;
  argv[n++] = "-lm";
  pid_t child;
  if (posix_spawnp(&child, argv[0], NULL, NULL, (char **)(uintptr_t)argv, environ) != 0) return -1;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

typedef struct Temporary { const char *source, *object, *sum; } Temporary;

static void remove_temporary(void *arg) {
  Temporary *t = arg;
  unlink(t->source);
  unlink(t->object);
  unlink(t->sum);
}

static void compile(Ctx *c, const char *text, const char *dir, const char *key) {
  Temporary *t = NEW(c, Temporary);
  const char *base = str_printf(c, "%s/%s.%ld", dir, key, (long)getpid());
  *t = (Temporary){str_printf(c, "%s.c", base), str_printf(c, "%s.tmp", base), str_printf(c, "%s.txt", base)};
  ctx_defer(c, remove_temporary, t);
  Hash h;
  if (!write_text(t->source, text))
    fail_at(c, (Span){0}, NULL, "cannot write '%s': %s", t->source, strerror(errno));
  int status = run_compiler(t->source, t->object);
  if (status == -1)
    fail_at(c, (Span){0}, "install a C compiler, or use --jit=tcc", "cannot run the C compiler '%s'", compiler());
  if (status != 0 || !sum_of_file(t->object, &h))
    internal_error(c, "the C compiler '%s' does not take the JIT's code", compiler());
  const char *sum = str_printf(c, "%llx %llx\n", (unsigned long long)h.a, (unsigned long long)h.b);
  bool kept = write_text(t->sum, sum) && rename(t->object, str_printf(c, "%s/%s.so", dir, key)) == 0 &&
              rename(t->sum, str_printf(c, "%s/%s.sum", dir, key)) == 0;
  if (!kept) fail_at(c, (Span){0}, NULL, "cannot write to the cache '%s': %s", dir, strerror(errno));
}

/* ---- loading ---- */

static void set_pointer(void *library, const char *name, const void *address) {
  void *at = dlsym(library, name);
  if (at && !strncmp(name, "gc_", 3)) memcpy(at, &address, sizeof address);
}

static bool load(Jit *j, const char *object) {
  j->library = dlopen(object, RTLD_NOW | RTLD_LOCAL);
  if (!j->library) return false;
  jit_symbols(set_pointer, j->library);
  void *entry = dlsym(j->library, "gc_main"), *work = dlsym(j->library, "gc_main_work");
  memcpy(&j->code.entry, &entry, sizeof entry);
  memcpy(&j->code.work, &work, sizeof work);
  return entry && work;
}

static void release(void *jit) { jit_free(jit); }

Jit *jit_cc(Prog *p, bool owned) {
  Ctx *c = p->ctx;
  Jit *j = NEW(c, Jit);
  j->ctx = c;
  j->code.p = p;
  const char *text = source_text(p), *dir = cache_folder(c), *key = key_of(c, text);
  const char *object = str_printf(c, "%s/%s.so", dir, key);
  if (owned) ctx_defer(c, release, j);
  if (!is_whole(object, str_printf(c, "%s/%s.sum", dir, key))) compile(c, text, dir, key);
  if (load(j, object)) return j;
  internal_error(c, "the compiled code cannot be loaded: %s", dlerror());
}
