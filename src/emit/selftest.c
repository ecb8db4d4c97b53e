/* selftest.c - PREFIX_selftest: calls every function at a point for which the compiler
 * knows the results, computed with many digits, and compares.  It allocates nothing: its
 * arrays are constants and locals of fixed size. */
#include "emit/private.h"

#include <math.h>

enum { TEST_WORK = 1 << 13 };  /* elements on the stack of one test */

/* ---- constants ------------------------------------------------------------------- */

static void put_elements(Emit *e, Buf *b, const EmitValue *v) {
  size_t column = b->n;
  for (uint64_t k = 0; k < v->n; k++) {
    if (k) buf_puts(b, b->n - column < 80 ? ", " : ",\n    ");
    if (k && b->n - column >= 80) column = b->n;
    if (v->r) real_text(e->f, b, v->r[k]);
    else buf_printf(b, "%lld", (long long)v->i[k]);
  }
  if (v->n == 0) buf_puts(b, "0");
}

static bool all_finite(const EmitValue *v) {
  for (uint64_t k = 0; v->r && k < v->n; k++)
    if (!isfinite(v->r[k])) return false;
  return true;
}

/* tcc does not take INFINITY for a constant. */
static void put_array(Emit *e, Buf *b, const char *name, Elem elem, const EmitValue *v) {
  buf_printf(b, "  %sconst %s %s[%llu] = {\n    ", all_finite(v) ? "static " : "",
             c_type(e->f, elem, true), name, (unsigned long long)(v->n ? v->n : 1));
  put_elements(e, b, v);
  buf_puts(b, "\n  };\n");
}

/* ---- one test ---------------------------------------------------------------------- */

static const EmitCase *case_of(const Emit *e) {
  return e->f->o->function ? e->f->o->function[e->f->at].test : NULL;
}

static int64_t work_of(Emit *e, const EmitCase *t) {
  int64_t *value = NEWN(e->c, int64_t, e->p->root->params.n + 1);
  for (uint32_t k = 0; k < e->p->root->params.n; k++)
    if (t->in[k].i && t->in[k].n == 1) value[k] = t->in[k].i[0];
  return e->has_work ? work_at(e, value) : 0;
}

static void put_data(Emit *e, Buf *b, const EmitCase *t) {
  const Region *root = e->p->root;
  for (uint32_t k = 0; k < root->params.n; k++)
    if (is_array(sig_param(e, k)))
      put_array(e, b, e->param_name[k], sig_param(e, k)->type->elem, &t->in[k]);
  for (uint32_t k = 0; k < root->results.n; k++) {
    Elem elem = node(e, root->results.at[k])->type->elem;
    if (t->out[k].n == 0) continue;
    put_array(e, b, str_printf(e->c, "gc_want_%s", e->out_name[k]), elem, &t->out[k]);
  }
  for (uint32_t k = 0; k < root->results.n; k++) {
    Elem elem = node(e, root->results.at[k])->type->elem;
    uint64_t n = t->out[k].n ? t->out[k].n : 1;
    buf_printf(b, "  %s %s[%llu];\n", c_type(e->f, elem, true), e->out_name[k],
               (unsigned long long)n);
  }
}

static void put_call(Emit *e, Buf *b, const EmitCase *t) {
  const Region *root = e->p->root;
  size_t column = b->n;
  bool any = false;
  buf_printf(b, "  if (%s(", e->cname);
  for (uint32_t k = 0; k < root->params.n; k++, any = true) {
    if (any) put_comma(b, &column);
    if (is_array(sig_param(e, k))) buf_puts(b, e->param_name[k]);
    else put_elements(e, b, &t->in[k]);
  }
  for (uint32_t k = 0; k < root->results.n; k++, any = true) {
    if (any) put_comma(b, &column);
    buf_puts(b, e->out_name[k]);
  }
  if (e->has_work) buf_puts(b, any ? ", work" : "work");
  buf_puts(b, ") != 0) return 1;\n");
}

static void put_comparisons(Emit *e, Buf *b, const EmitCase *t) {
  const Region *root = e->p->root;
  for (uint32_t k = 0; k < root->results.n; k++) {
    const char *name = e->out_name[k];
    bool real = node(e, root->results.at[k])->type->elem == ELEM_REAL;
    if (t->out[k].n == 0) continue;
    const char *differs = !real ? "gc_differs_i" : e->f->real_float ? "gc_differsf" : "gc_differs";
    use_function(e->f, differs, NULL);
    buf_printf(b, "  if (%s(%s, gc_want_%s, %llu", differs, name, name,
               (unsigned long long)t->out[k].n);
    if (real) {
      buf_puts(b, ", ");
      real_text(e->f, b, t->tolerance[k]);
    }
    buf_puts(b, ")) return 1;\n");
  }
}

void selftest_case(Emit *e) {
  const EmitCase *t = case_of(e);
  Buf *b = &e->f->tests;
  int64_t work = t ? work_of(e, t) : -1, room = work;
  for (uint32_t k = 0; t && k < e->p->root->results.n; k++) room += (int64_t)t->out[k].n;
  if (work < 0 || room > TEST_WORK) return;
  buf_printf(b, "%sint %s_agrees(void) {\n", inner_linkage(e->f), e->cname);
  put_data(e, b, t);
  if (e->has_work) buf_printf(b, "  %s work[%lld];\n", e->f->real, (long long)(work ? work : 1));
  put_call(e, b, t);
  put_comparisons(e, b, t);
  buf_puts(b, "  return 0;\n}\n\n");
  VEC_PUSH(e->c, &e->f->tested, e->cname);
}

/* ---- all of them ------------------------------------------------------------------------ */

static void open_guard(const File *f, Buf *b, const char *name) {
  if (f->o->single) buf_printf(b, "#ifndef GC_HAVE_%s\n#define GC_HAVE_%s\n", name, name);
}

static void close_guard(const File *f, Buf *b) {
  buf_puts(b, f->o->single ? "#endif\n\n" : "\n");
}

static void put_differs(File *f, Buf *b) {
  const char *real = f->real, *name = f->real_float ? "gc_differsf" : "gc_differs";
  if (function_used(f, name)) {
    open_guard(f, b, name);
    buf_printf(
        b,
        "/* Is an element farther from what it should be than tolerance?  Where that is not finite\n"
        " * it must not be either: the algebra of derivatives may turn one NaN or inf into another. */\n"
        "%sint %s(const %s *got, const %s *want, size_t n, %s tolerance) {\n"
        "  for (size_t k = 0; k < n; k++) {\n"
        "    const %s off = got[k] > want[k] ? got[k] - want[k] : want[k] - got[k];\n"
        "    const int finite = want[k] - want[k] >= 0;\n"
        "    if (finite ? !(off <= tolerance) : got[k] - got[k] >= 0) return 1;\n"
        "  }\n  return 0;\n}\n",
        inner_linkage(f), name, real, real, real, real);
    close_guard(f, b);
  }
  if (function_used(f, "gc_differs_i")) {
    open_guard(f, b, "gc_differs_i");
    buf_printf(b,
      "%sint gc_differs_i(const int64_t *got, const int64_t *want, size_t n) {\n"
      "  for (size_t k = 0; k < n; k++)\n    if (got[k] != want[k]) return 1;\n  return 0;\n}\n",
      inner_linkage(f));
    close_guard(f, b);
  }
}

static void put_document(File *f, Buf *b) {
  buf_puts(
      b, "/* Calls functions at points where the compiler knows the results, and compares.\n"
         " * Returns 0 if they agree on this machine, or the number of the first that does not:\n");
  for (uint32_t k = 0; k < f->tested.n; k++)
    buf_printf(b, " *   %u  %s\n", k + 1, f->tested.at[k]);
  buf_printf(b, " */\n%sint %s_selftest(void)", f->o->single ? linkage(f) : "", f->o->prefix);
}

void selftest_function(File *f) {
  Buf *b = &f->data;
  put_differs(f, b);
  buf_add(b, buf_text(&f->tests), f->tests.n);
  if (f->o->single) {
    put_document(f, b);
  } else {
    put_document(f, &f->header);
    buf_puts(&f->header, ";\n\n");
    buf_printf(&f->prototypes, "int %s_selftest(void);\n", f->o->prefix);
    buf_printf(b, "int %s_selftest(void)", f->o->prefix);
  }
  buf_puts(b, " {\n");
  for (uint32_t k = 0; k < f->tested.n; k++)
    buf_printf(b, "  if (%s_agrees()) return %u;\n", f->tested.at[k], k + 1);
  buf_puts(b, "  return 0;\n}\n\n");
}
