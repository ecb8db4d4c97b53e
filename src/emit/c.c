/* c.c - whole files of C. */
#include "emit/private.h"

#include <ctype.h>

static void init(Emit *e, File *f, Prog *p, const char *cname) {
  e->f = f;
  e->c = p->ctx;
  e->p = p;
  e->cname = cname;
  names_init(e);
  plan_uses(e);
  plan_places(e);
  plan_chunks(e);
  plan_slots(e);
}

static void emit_results(Emit *e) {
  const Region *root = e->p->root;
  for (uint32_t k = 0; k < root->results.n; k++) {
    Ref r = root->results.at[k];
    if (e->out_buffer[k]) {
      copy_into(e, e->out_buffer[k], r);
      continue;
    }
    e->out_used[k] = true;
    line_start(e);
    putf(e, "*%s = ", e->out_name[k]);
    put_expr(e, r, PREC_ANY);
    line_end(e, ";");
  }
}

void emit_program(File *f, Prog *p, const char *cname) {
  Emit *e = NEW(p->ctx, Emit);
  init(e, f, p, cname);
  sig_names(e);
  Fn *fn = fn_open(e, cname);
  emit_region(e, p->root);
  emit_results(e);
  sig_function(e, fn);
  if (!f->jit) sig_header(e);
}

static void file_init(File *f, Ctx *c, const EmitOptions *o, bool jit) {
  *f = (File){.c = c, .o = o, .jit = jit, .real_float = c->opt.real_float};
  f->real = f->real_float ? "float" : "double";
  buf_init(&f->data, c);
  buf_init(&f->header, c);
}

/* ---- compile ---------------------------------------------------------------------- */

static const char restrict_macro[] =
  "#ifndef GC_RESTRICT\n"
  "#ifdef __cplusplus\n"
  "#define GC_RESTRICT __restrict\n"
  "#else\n"
  "#define GC_RESTRICT restrict\n"
  "#endif\n"
  "#endif\n\n";
static const char open_c[] = "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
static const char close_c[] = "#ifdef __cplusplus\n}\n#endif\n";

static const char *guard(Ctx *c, const char *prefix) {
  Buf b;
  buf_init(&b, c);
  for (const char *s = prefix; *s; s++) {
    char x = (char)(isalnum((unsigned char)*s) ? toupper((unsigned char)*s) : '_');
    buf_add(&b, &x, 1);
  }
  buf_puts(&b, "_H");
  return buf_text(&b);
}

static void head_line(Buf *b, const File *f) {
  const char *source = f->o->source_name ? f->o->source_name : "a program";
  buf_printf(b, "/* Made by gradc from %s.", source);
}

static void write_header(File *f, Buf *out) {
  const char *name = guard(f->c, f->o->prefix);
  head_line(out, f);
  buf_printf(out,
             "\n *\n * Every function is reentrant, allocates nothing, and writes only its results"
             "\n * and its workspace, which overlap nothing else.  Arrays are row-major.  Where there"
             "\n * is a workspace, NAME_work tells its length in elements of %s; it is aligned"
             "\n * as malloc's memory is, and may be null where the length is 0. */\n",
             f->real);
  buf_printf(out, "#ifndef %s\n#define %s\n\n", name, name);
  buf_puts(out, "#include <stddef.h>\n#include <stdint.h>\n\n");
  buf_puts(out, restrict_macro);
  buf_puts(out, open_c);
  buf_add(out, buf_text(&f->header), f->header.n);
  buf_puts(out, close_c);
  buf_puts(out, "\n#endif\n");
}

static void write_body(File *f, Buf *out) {
  head_line(out, f);
  buf_puts(out, " */\n");
  buf_puts(out, "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n");
  if (f->uses_stdio) buf_puts(out, "#include <stdio.h>\n#include <stdlib.h>\n");
  if (f->uses_string) buf_puts(out, "#include <string.h>\n");
  buf_puts(out, "\n#ifdef __clang__\n#pragma STDC FP_CONTRACT OFF\n#endif\n\n");
  buf_puts(out, restrict_macro);
  buf_puts(out, open_c);
  buf_add(out, buf_text(&f->header), f->header.n);
  helpers_text(f, out);
  trace_helpers(f, out);
  buf_add(out, buf_text(&f->data), f->data.n);
  buf_puts(out, close_c);
}

void emit_c(Ctx *c, Prog *const *functions, uint32_t n, const EmitOptions *o, Buf *body,
            Buf *header) {
  File f;
  file_init(&f, c, o, false);
  for (uint32_t k = 0; k < n; k++)
    emit_program(&f, functions[k], str_printf(c, "%s_%s", o->prefix, functions[k]->sig.name));
  write_body(&f, body);
  write_header(&f, header);
}

/* ---- the JIT ------------------------------------------------------------------------- */

static const char jit_preamble[] =
  "typedef long long int64_t;\n"
  "typedef unsigned long size_t;\n"
  "union gc_arg { double r; int64_t i; const void *p; };\n"
  "struct gc_leaf { union gc_arg v; const int64_t *dim; };\n"
  "struct gc_stop { const volatile int *flag; int64_t trips; };\n"
  "void *memcpy(void *, const void *, size_t);\n"
  "void *memmove(void *, const void *, size_t);\n"
  "void *memset(void *, int, size_t);\n";

void emit_jit(Prog *p, const char *name, Buf *text) {
  File f;
  file_init(&f, p->ctx, NULL, true);
  emit_program(&f, p, name);
  buf_puts(text, jit_preamble);
  for (uint32_t k = 0; k < f.used_order.n; k++) {
    buf_puts(text, f.used_order.at[k]);
    buf_puts(text, "\n");
  }
  buf_puts(text, "\n");
  buf_add(text, buf_text(&f.data), f.data.n);
}
