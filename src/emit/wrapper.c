/* wrapper.c - for each function a struct that knows its sizes and owns its workspace, so
 * that nobody computes a length by hand: NAME_new, NAME_call, NAME_free.  Memory is asked
 * for in NAME_new alone. */
#include "emit/private.h"

static void put_struct(Emit *e, Buf *b) {
  buf_printf(
      b, "/* %s with a workspace of its own, for these sizes; used by one thread at a time. */\n",
      e->cname);
  buf_printf(b, "typedef struct %s_fn {\n", e->cname);
  for (uint32_t k = 0; k < e->p->root->params.n; k++)
    if (in_work(e, k))
      buf_printf(b, "  %s %s;\n", sig_is_size(e, k) ? "size_t" : "int64_t", e->param_name[k]);
  buf_printf(b, "  %s *work;\n} %s_fn;\n", e->f->real, e->cname);
}

static void put_new(Emit *e, Buf *b) {
  buf_printf(b, "%s%s_fn *%s_new(", linkage(e->f), e->cname, e->cname);
  work_args(e, b, true);
  buf_puts(b, ")");
}

static void put_call(Emit *e, Buf *b) {
  const Region *root = e->p->root;
  size_t column = b->n;
  buf_printf(b, "%sint %s_call(const %s_fn *gc_self", linkage(e->f), e->cname, e->cname);
  for (uint32_t k = 0; k < root->params.n; k++) {
    if (in_work(e, k)) continue;
    put_comma(b, &column);
    put_param(e, b, k, true);
  }
  for (uint32_t k = 0; k < root->results.n; k++) {
    put_comma(b, &column);
    Elem elem = node(e, root->results.at[k])->type->elem;
    buf_printf(b, "%s *GC_RESTRICT %s", c_type(e->f, elem, true), e->out_name[k]);
  }
  buf_puts(b, ")");
}

static void put_free(Emit *e, Buf *b) {
  buf_printf(b, "%svoid %s_free(%s_fn *gc_self)", linkage(e->f), e->cname, e->cname);
}

static void declare(Emit *e, Buf *b) {
  put_struct(e, b);
  if (e->f->o->single) return;
  buf_puts(b, "/* NULL: out of memory. */\n");
  put_new(e, b);
  buf_printf(b, ";\n/* As %s. */\n", e->cname);
  put_call(e, b);
  buf_puts(b, ";\n/* NULL is allowed. */\n");
  put_free(e, b);
  buf_puts(b, ";\n\n");
}

static void define_new(Emit *e, Buf *b) {
  put_new(e, b);
  buf_printf(b, " {\n  %s_fn *const gc_self = (%s_fn *)malloc(sizeof(%s_fn));\n", e->cname,
             e->cname, e->cname);
  if (e->has_work) {
    buf_printf(b, "  const size_t gc_length = %s_work(", e->cname);
    work_args(e, b, false);
    buf_puts(b, ");\n");
  }
  buf_puts(b, "  if (!gc_self) return NULL;\n");
  for (uint32_t k = 0; k < e->p->root->params.n; k++)
    if (in_work(e, k)) buf_printf(b, "  gc_self->%s = %s;\n", e->param_name[k], e->param_name[k]);
  buf_puts(b, "  gc_self->work = NULL;\n");
  if (e->has_work) {
    const char *real = e->f->real;
    buf_printf(b, "  if (gc_length == 0) return gc_self;\n"
               "  if (gc_length <= (size_t)-1 / sizeof(%s))\n"
               "    gc_self->work = (%s *)malloc(gc_length * sizeof(%s));\n"
               "  if (gc_self->work) return gc_self;\n  free(gc_self);\n  return NULL;\n}\n\n",
               real, real, real);
  } else {
    buf_puts(b, "  return gc_self;\n}\n\n");
  }
}

static void define_call(Emit *e, Buf *b) {
  const Region *root = e->p->root;
  bool any = false, uses = e->has_work;
  for (uint32_t k = 0; k < root->params.n; k++) uses |= in_work(e, k);
  put_call(e, b);
  buf_puts(b, " {\n");
  if (!uses) buf_puts(b, "  (void)gc_self;\n");
  buf_printf(b, "  return %s(", e->cname);
  size_t column = b->n;
  for (uint32_t k = 0; k < root->params.n + root->results.n; k++, any = true) {
    bool in = k < root->params.n;
    if (any) put_comma(b, &column);
    if (in && in_work(e, k)) buf_puts(b, "gc_self->");
    buf_puts(b, in ? e->param_name[k] : e->out_name[k - root->params.n]);
  }
  buf_puts(b, e->has_work ? ", gc_self->work);\n}\n\n" : ");\n}\n\n");
}

void wrapper_functions(Emit *e) {
  Buf *b = &e->f->data;
  if (e->f->o->single) {
    declare(e, b);
  } else {
    declare(e, &e->f->header);
    declare(e, &e->f->prototypes);
  }
  define_new(e, b);
  define_call(e, b);
  put_free(e, b);
  buf_puts(b, " {\n  if (gc_self) free(gc_self->work);\n  free(gc_self);\n}\n\n");
}
