/* helpers.c - the functions of the headers in runtime/ that a file calls, with those they call.  Their text is part of the compiler (runtime/NAME.inc, made from the headers). */
#include "emit/private.h"

#include <ctype.h>
#include <string.h>

static const char scalar_text[] =
#include "runtime/scalar.inc"
  ;
static const char fast_math_text[] =
#include "runtime/fast_math.inc"
  ;
static const char matmul_text[] =
#include "runtime/matmul.inc"
  ;
static const char blas_text[] =
#include "runtime/blas.inc"
  ;
static const char parallel_text[] =
#include "runtime/parallel.inc"
  ;

typedef struct Block { const char *start, *end; const char *name; bool used; } Block;
typedef VEC(Block) Blocks;

/* The first word after `p`, up to a colon, a blank or the comment's end. */
static const char *word(Ctx *c, const char **p) {
  while (**p == ' ') ++*p;
  const char *start = *p;
  while (**p && **p != ' ' && **p != ':' && **p != '*' && **p != '\n') ++*p;
  return *p == start ? NULL : intern(c, start, (size_t)(*p - start));
}

/* The text for one type: `real` is that, and in float names end in f. */
static const char *for_type(Ctx *c, const char *text, bool single) {
  Buf b;
  buf_init(&b, c);
  for (const char *p = text; *p;) {
    const char *end = p;
    while (isalnum((unsigned char)*end) || *end == '_') end++;
    size_t n = (size_t)(end - p);
    if (n == 4 && !strncmp(p, "real", 4)) buf_puts(&b, single ? "float" : "double");
    else if (n > 7 && !strncmp(p, "cblas_x", 7))
      buf_printf(&b, "cblas_%c%.*s", single ? 's' : 'd', (int)n - 7, p + 7);
    else buf_add(&b, p, n);
    if (single && n > 3 && !strncmp(p, "gc_", 3)) buf_puts(&b, "f");
    if (n == 0) buf_add(&b, end++, 1);
    p = end;
  }
  return buf_text(&b);
}

void emit_matmul(Ctx *c, bool single, Buf *text) {
  buf_puts(text, for_type(c, matmul_text, single));
}

static void find_blocks(Ctx *c, Blocks *b, const char *text) {
  for (const char *p = strstr(text, "\n/* gc_"); p; p = strstr(p + 1, "\n/* gc_")) {
    const char *end = strstr(p, "\n}\n"), *name = p + 4;
    if (!end) break;
    Block x = {.start = p + 1, .end = end + 3, .name = word(c, &name)};
    VEC_PUSH(c, b, x);
  }
}

/* Marks what `b` needs: the names after "needs:". */
static void mark_needs(Ctx *c, Blocks *all, const Block *b) {
  const char *p = strstr(b->start, "/* needs:");
  if (!p || p > b->end) return;
  p += strlen("/* needs:");
  for (const char *w = word(c, &p); w; w = word(c, &p))
    for (uint32_t k = 0; k < all->n; k++)
      if (all->at[k].name == w) all->at[k].used = true;
}

void helpers_text(File *f, Buf *out) {
  Blocks b = {0};
  find_blocks(f->c, &b, scalar_text);
  find_blocks(f->c, &b, fast_math_text);
  find_blocks(f->c, &b, for_type(f->c, matmul_text, f->real_float));
  find_blocks(f->c, &b, for_type(f->c, blas_text, f->real_float));
  find_blocks(f->c, &b, for_type(f->c, parallel_text, f->real_float));
  for (uint32_t k = b.n; k-- > 0;) {
    b.at[k].used |= function_used(f, b.at[k].name);
    if (b.at[k].used) mark_needs(f->c, &b, &b.at[k]);
  }
  for (uint32_t k = 0; k < b.n; k++) {
    if (!b.at[k].used) continue;
    /* two headers may be included in one file */
    if (f->o->single) buf_printf(out, "#ifndef GC_HAVE_%s\n#define GC_HAVE_%s\n", b.at[k].name, b.at[k].name);
    buf_add(out, b.at[k].start, (size_t)(b.at[k].end - b.at[k].start));
    buf_puts(out, f->o->single ? "#endif\n\n" : "\n");
  }
}
