/* signature.c - how a function looks from outside: its prototype, what its first lines
 * do with the arguments.
 *
 * Order: sizes, inputs, results, workspace.  Scalars go by value, arrays by pointer to
 * const, results by pointer.  A size n arrives as `size_t size_n` and is the int64_t n
 * in the body.  The JIT's entry takes its arguments from arrays instead. */
#include "emit/private.h"

#include <string.h>

bool sig_is_size(const Emit *e, uint32_t k) {
  return k < e->p->sig.params.n && e->p->sig.params.at[k].is_size;
}

const Node *sig_param(const Emit *e, uint32_t k) {
  return node(e, e->p->root->params.at[k]);
}

/* Number of the Sig's result that result k of the root is: those without a node have
 * none in the root. */
static const SigResult *sig_result(const Emit *e, uint32_t k) {
  const Sig *s = &e->p->sig;
  if (s->results.n == e->p->root->results.n) return &s->results.at[k];
  for (uint32_t j = 0; j < s->results.n; j++)
    if (s->results.at[j].ref && k-- == 0) return &s->results.at[j];
  return NULL;
}

static void name_params(Emit *e) {
  const Region *root = e->p->root;
  e->param_name = NEWN(e->c, const char *, root->params.n + 1);
  e->param_used = NEWN(e->c, bool, root->params.n + 1);
  for (uint32_t k = 0; k < root->params.n; k++) {
    const char *name = k < e->p->sig.params.n ? e->p->sig.params.at[k].name : sig_param(e, k)->name;
    e->param_name[k] = c_fresh(e, name ? name : "x");
    Info *x = info(e, root->params.at[k]);
    x->cname = e->param_name[k];
    x->home = 0;
  }
}

static void name_results(Emit *e) {
  const Region *root = e->p->root;
  e->out_name = NEWN(e->c, const char *, root->results.n + 1);
  e->out_used = NEWN(e->c, bool, root->results.n + 1);
  for (uint32_t k = 0; k < root->results.n; k++) {
    const SigResult *s = sig_result(e, k);
    e->out_name[k] = c_fresh(e, s && s->name ? s->name : "out");
    uint32_t b = e->out_buffer[k];
    if (!b) continue;
    e->buffers.at[b].cname = e->out_name[k];
    e->buffers.at[b].home = 0;
  }
}

void sig_names(Emit *e) {
  name_params(e);
  name_results(e);
  for (uint32_t k = 0; k < e->slots.n; k++) {
    Slot *s = &e->slots.at[k];
    const Buffer *b = &e->buffers.at[s->buffer];
    const char *name = b->type ? node(e, b->root)->name : "keep";
    const char *otherwise = s->ints ? "iw" : "w";
    s->cname = c_fresh(e, s->buffers == 1 && name ? name : otherwise);
  }
}

/* ---- linkage --------------------------------------------------------------------------- */

const char *linkage(const File *f) {
  if (f->jit) return "";
  return f->o->single ? "static inline " : f->o->casadi ? "static " : "";
}

const char *inner_linkage(const File *f) {
  return !f->jit && f->o->single ? "static inline " : "static ";
}

/* ---- prototypes --------------------------------------------------------------------- */

void put_param(Emit *e, Buf *b, uint32_t k, bool plain) {
  const Node *n = sig_param(e, k);
  if (sig_is_size(e, k)) buf_printf(b, "size_t %s%s", plain ? "" : "gc_size_", e->param_name[k]);
  else if (is_array(n))
    buf_printf(b, "const %s *%s", c_type(e->f, n->type->elem, true), e->param_name[k]);
  else buf_printf(b, "%s %s", c_type(e->f, n->type->elem, false), e->param_name[k]);
}

void put_comma(Buf *b, size_t *column) {
  if (b->n - *column < 64) {
    buf_puts(b, ", ");
  } else {
    buf_puts(b, ",\n    ");
    *column = b->n;
  }
}

static const char *result_type(Emit *e, uint32_t k) {
  return c_type(e->f, node(e, e->p->root->results.at[k])->type->elem, true);
}

static void put_prototype(Emit *e, Buf *b, bool plain) {
  const Region *root = e->p->root;
  size_t column = b->n;
  bool any = false;
  buf_printf(b, "%sint %s(", linkage(e->f), e->cname);
  for (uint32_t k = 0; k < root->params.n; k++, any = true) {
    if (any) put_comma(b, &column);
    put_param(e, b, k, plain);
  }
  for (uint32_t k = 0; k < root->results.n; k++, any = true) {
    if (any) put_comma(b, &column);
    buf_printf(b, "%s *GC_RESTRICT %s", result_type(e, k), e->out_name[k]);
  }
  if (e->has_work) {
    if (any) put_comma(b, &column);
    buf_printf(b, "%s *GC_RESTRICT work", e->f->real);
    any = true;
  }
  buf_puts(b, any ? ")" : "void)");
}

/* ---- the finished function ----------------------------------------------------------- */

static void put_prologue(Emit *e, Buf *b, const char *slots) {
  const Region *root = e->p->root;
  for (uint32_t k = 0; k < root->params.n; k++) {
    const char *name = e->param_name[k];
    if (sig_is_size(e, k) && e->param_used[k])
      buf_printf(b, "  const int64_t %s = (int64_t)gc_size_%s;\n", name, name);
    else if (!e->param_used[k])
      buf_printf(b, "  (void)%s%s;\n", sig_is_size(e, k) ? "gc_size_" : "", name);
  }
  for (uint32_t k = 0; k < root->results.n; k++)
    if (!e->out_used[k]) buf_printf(b, "  (void)%s;\n", e->out_name[k]);
  if (e->has_work && !e->uses_work) buf_puts(b, "  (void)work;\n");
  buf_puts(b, slots);
}

static void put_jit_prologue(Emit *e, Buf *b, const char *slots) {
  const Region *root = e->p->root;
  for (uint32_t k = 0; k < root->params.n; k++) {
    if (!e->param_used[k]) continue;
    const Node *n = sig_param(e, k);
    const char *type = c_type(e->f, n->type->elem, is_array(n));
    if (is_array(n))
      buf_printf(b, "  const %s *const %s = in[%u].p;\n", type, e->param_name[k], k);
    else if (n->type->elem == ELEM_BOOL)
      buf_printf(b, "  const int %s = in[%u].i != 0;\n", e->param_name[k], k);
    else
      buf_printf(b, "  const %s %s = (%s)in[%u].%s;\n", type, e->param_name[k], type, k,
                 n->type->elem == ELEM_REAL ? "r" : "i");
  }
  for (uint32_t k = 0; k < root->results.n && !e->f->standalone; k++)
    if (e->out_used[k])
      buf_printf(b, "  %s *const %s = outs[%u];\n", result_type(e, k), e->out_name[k], k);
  buf_puts(b, slots);
  if (e->uses_stop) buf_puts(b, "  struct gc_stop *const stop = gc_stop(host);\n");
}

static const char jit_params[] =
  "(const union gc_arg *in, void *const *outs, void *work, void *host) {\n";

/* The head of the code's own function.  Another compiler than libtcc is told that results and
 * workspace overlap nothing, as it is in a file, which only parameters can say; the function
 * that is called then hands them on (put_jit_entry). */
static void put_jit_head(Emit *e, Buf *b) {
  if (!e->f->standalone) {
    buf_printf(b, "int %s%s", e->cname, jit_params);
    return;
  }
  buf_printf(b, "static int %s_code(const union gc_arg *in, ", e->cname);
  for (uint32_t k = 0; k < e->p->root->results.n; k++)
    buf_printf(b, "%s *GC_RESTRICT %s, ", result_type(e, k), e->out_name[k]);
  buf_puts(b, "void *GC_RESTRICT work, void *host) {\n");
}

static void put_jit_entry(Emit *e, Buf *b) {
  buf_printf(b, "int %s%s  return %s_code(in, ", e->cname, jit_params, e->cname);
  for (uint32_t k = 0; k < e->p->root->results.n; k++) buf_printf(b, "outs[%u], ", k);
  buf_puts(b, "work, host);\n}\n\n");
}

/* Above the code: all that is known, where there is no header to say it. */
static void put_doc(Emit *e, Buf *b) {
  const Sig *s = &e->p->sig;
  if (e->f->o->single) {
    document(e, b);
    if (e->has_work) work_prototype(e, b);
    return;
  }
  buf_puts(b, "/* ");
  put_clean(b, s->doc && strcmp(s->doc, s->name) != 0 ? s->doc : s->source ? s->source : s->name);
  buf_puts(b, " */\n");
}

void sig_function(Emit *e, const Fn *fn) {
  Buf *b = &e->f->data, slots;
  const EmitOptions *o = e->f->o;
  buf_init(&slots, e->c);
  work_declare(e, &slots);
  e->fn->names += e->p->root->params.n + e->p->root->results.n + e->slots.n;
  if (e->f->jit) {
    put_narrow(e, b, false);
    put_jit_head(e, b);
    put_jit_prologue(e, b, buf_text(&slots));
    put_rooms(e, b, fn);
  } else {
    put_doc(e, b);
    put_narrow(e, b, false);
    put_prototype(e, b, false);
    buf_puts(b, " {\n");
    put_prologue(e, b, buf_text(&slots));
  }
  buf_add(b, buf_text((Buf *)&fn->body), fn->body.n);
  buf_puts(b, "  return 0;\n}\n\n");
  if (e->f->standalone) put_jit_entry(e, b);
  if (e->has_work && !(o && o->casadi)) work_function(e, b);
}

/* ---- the header -------------------------------------------------------------------------- */

static void put_prototypes(Emit *e, Buf *b) {
  if (e->has_work && !e->f->o->casadi) work_prototype(e, b);
  put_prototype(e, b, true);
  buf_puts(b, ";\n");
}

void sig_header(Emit *e) {
  if (e->f->o->single || e->f->o->casadi) return;
  put_prototypes(e, &e->f->prototypes);
  document(e, &e->f->header);
  put_prototypes(e, &e->f->header);
  buf_puts(&e->f->header, "\n");
}
