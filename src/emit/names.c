/* names.c - names that are valid C and C++, each once in its scope and those around
 * (so that nothing shadows anything), and the list of functions that a file calls. */
#include "emit/private.h"

#include <stdio.h>
#include <string.h>

#define uthash_malloc(size) arena_alloc(c, (size))
#define uthash_free(p, size) ((void)(p))
#define uthash_fatal(message) internal_error(c, "%s", message)
#include <uthash.h>

/* Keys are interned: equal names are equal pointers. */
struct NameTable {
  const char *name;
  uint32_t next;         /* the suffix to try next */
  UT_hash_handle hh;
};

struct Used {
  const char *name;
  UT_hash_handle hh;
};

static const char *const taken[] = {
  /* C, and C++ which compiles the same text */
  "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else",
  "enum", "extern", "float", "for", "goto", "if", "inline", "int", "long", "register",
  "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef",
  "union", "unsigned", "void", "volatile", "while", "alignas", "alignof", "and", "and_eq", "asm",
  "bitand", "bitor", "bool", "catch", "class", "compl", "concept", "constexpr", "const_cast",
  "decltype", "delete", "dynamic_cast", "explicit", "export", "false", "friend", "module",
  "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
  "or_eq", "private", "protected", "public", "reinterpret_cast", "requires", "static_assert",
  "static_cast", "template", "this", "thread_local", "throw", "true", "try", "typeid",
  "typename", "typeof", "using", "virtual", "wchar_t", "xor", "xor_eq", "char16_t", "char32_t",
  /* <stdint.h>, <stddef.h>, <math.h>, <string.h>, <stdio.h> */
  "int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t",
  "size_t", "ptrdiff_t", "NULL", "INFINITY", "NAN", "HUGE_VAL", "EOF", "BUFSIZ", "FILE",
  "stdin", "stdout", "stderr", "printf", "fputs", "puts", "putchar", "snprintf", "remove",
  "rename", "memcpy", "memmove", "memset", "offsetof", "errno", "linux", "unix", "i386", "std",
  "main", "abs", "div", "exit", "index", "signgam", "gamma", "y0", "y1", "yn", "j0", "j1", "jn",
  "isnan", "isinf", "isfinite", "isnormal", "signbit", "isgreater", "isless", "fpclassify",
  "DOMAIN", "SING", "OVERFLOW", "UNDERFLOW", "PLOSS", "TLOSS", "HUGE", "MAXFLOAT",
  "exp10", "pow10", "drem", "significand", "scalb", "nan", "logb", "ilogb", "scalbn", "modf",
  "frexp", "nextafter", "llrint", "llround", "lrint", "lround", "time", "read", "write", "link",
  "malloc", "free", "realloc", "calloc", "fprintf", "strcmp", "strlen", "strtod", "strtoll",
  "fopen", "fread", "fclose", "ferror", "atoi", "cblas_dgemm", "cblas_sgemm",
  /* ours */
  "env", "work", "host", "stop", "code", "in", "outs",
};

static void take(Emit *e, const char *name) {
  Ctx *c = e->c;
  struct NameTable *t = NEW(c, struct NameTable);
  t->name = name;
  t->next = 2;
  HASH_ADD_PTR(e->names, name, t);
}

static bool is_taken(const Emit *e, const char *name) {
  struct NameTable *t;
  HASH_FIND_PTR(e->names, &name, t);
  return t != NULL;
}

void names_init(Emit *e) {
  for (size_t k = 0; k < sizeof taken / sizeof *taken; k++) {
    const char *name = intern_z(e->c, taken[k]);
    if (!is_taken(e, name)) take(e, name);
  }
  if (for_tcc(e)) {
    take(e, intern_z(e->c, "room"));
    take(e, intern_z(e->c, "truth"));
  }
#define PRIM(id, text, arity, type, cname, mp, d0, d1, d2, lo, hi, doc)                       \
  if ((text)[0] >= 'a') {                                                                     \
    const char *name = intern_z(e->c, text);                                                  \
    if (!is_taken(e, name)) take(e, name);                                                    \
  }
#include "ir/primitives.def"
#undef PRIM
}

static bool is_letter(char x) {
  return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z');
}

/* The name with everything that C does not take replaced; ours begin with gc_ and env,
 * the implementation's with _ or are macros in capitals (M_PI, INT64_MAX). */
static const char *clean(Ctx *c, const char *want) {
  char text[64];
  size_t n = 0;
  const char *const macros[] = {"M_", "FP_", "INT", "UINT", "SIZE_", "PTRDIFF_", "MATH_", "gc_",
                                "GC_", "env"};
  bool guard = !is_letter(want[0]);
  for (size_t k = 0; k < sizeof macros / sizeof *macros; k++)
    guard |= strncmp(want, macros[k], strlen(macros[k])) == 0;
  if (guard) n = (size_t)snprintf(text, sizeof text, "v_");
  for (; *want && n < sizeof text - 16; want++)
    text[n++] = is_letter(*want) || (*want >= '0' && *want <= '9') ? *want : '_';
  return intern(c, text, n);
}

const char *c_fresh(Emit *e, const char *want) {
  Ctx *c = e->c;
  const char *base = clean(c, want), *name = base;
  struct NameTable *t;
  HASH_FIND_PTR(e->names, &base, t);
  while (t && is_taken(e, name)) name = intern_z(c, str_printf(c, "%s_%u", base, t->next++));
  take(e, name);
  VEC_PUSH(c, &e->scope_log, name);
  if (e->fn) e->fn->names++;
  return name;
}

uint32_t scope_open(Emit *e) {
  return e->scope_log.n;
}

void scope_close(Emit *e, uint32_t mark) {
  while (e->scope_log.n > mark) {
    const char *name = e->scope_log.at[--e->scope_log.n];
    struct NameTable *t;
    HASH_FIND_PTR(e->names, &name, t);
    if (t) HASH_DEL(e->names, t);
  }
}

bool function_used(const File *f, const char *name) {
  Used *u;
  HASH_FIND_STR(f->used, name, u);
  return u != NULL;
}

void use_function(File *f, const char *name, const char *prototype) {
  Ctx *c = f->c;
  if (function_used(f, name)) return;
  Used *u = NEW(c, Used);
  u->name = intern_z(c, name);
  HASH_ADD_KEYPTR(hh, f->used, u->name, strlen(u->name), u);
  if (prototype) VEC_PUSH(c, &f->used_order, prototype);
}
