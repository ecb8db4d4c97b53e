/* document.c - what the header says of a function: its mathematics as the source has it,
 * what goes in and comes out, workspace, stack, and the numbers of its checks.  What holds
 * for all of them stands once in the file's head (c.c). */
#include "emit/private.h"

#include <string.h>

enum {
  DEFINITION_LINES = 40,  /* of a function's source */
  FRAME_BASE = 320,       /* registers saved, and the frames of the helpers (gc_…) */
  FRAME_NAME = 24,        /* a scalar and the temporaries of its expression, unoptimized */
};

uint64_t frame_size(const Fn *fn) {
  return FRAME_BASE + (uint64_t)fn->names * FRAME_NAME + fn->bytes + fn->below;
}

const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* A backslash could splice lines or, with what stands around it, end a comment. */
static char harmless(char x) {
  return x == '\\' ? '/' : x;
}

void put_clean(Buf *b, const char *s) {
  for (; *s; s++) {
    char x = harmless(s[0]), next = harmless(s[1]);
    bool joins =
        (x == '*' && next == '/') || (x == '/' && next == '*') || (x == '?' && next == '?');
    buf_add(b, &x, 1);
    if (joins) buf_puts(b, " ");
  }
}

/* ---- mathematics ----------------------------------------------------------------- */

static Span definition_of(const Emit *e) {
  const EmitFunction *f = e->f->o->function;
  return f ? f[e->f->at].definition : (Span){0};
}

static void put_definition(Emit *e, Buf *b) {
  Span at = definition_of(e);
  if (!at.file) return;
  const Source *s = source_get(e->c, at.file);
  const char *p = s->text + at.start, *end = s->text + at.end;
  buf_puts(b, " *\n");
  for (int lines = 0; p < end; lines++) {
    size_t n = strcspn(p, "\n");
    if (n > (size_t)(end - p)) n = (size_t)(end - p);
    if (lines == DEFINITION_LINES) {
      buf_puts(b, " *     ...\n");
      break;
    }
    const char *text = intern(e->c, p, n);
    buf_puts(b, *text ? " *     " : " *");
    put_clean(b, text);
    buf_puts(b, "\n");
    p += n + 1;
  }
  buf_puts(b, " *\n");
}

static void put_summary(Emit *e, Buf *b) {
  const Sig *s = &e->p->sig;
  bool doc = s->doc && strcmp(s->doc, s->name) != 0;
  buf_puts(b, "/* ");
  if (doc) put_clean(b, s->doc);
  else put_clean(b, s->source ? s->source : s->name);
  buf_puts(b, "\n");
  if (doc && s->source) {
    buf_puts(b, " * ");
    put_clean(b, s->source);
    buf_puts(b, "\n");
  }
}

/* ---- arguments --------------------------------------------------------------------- */

static void put_extent(Emit *e, Buf *b, const Type *t) {
  for (uint32_t d = 0; d < t->rank; d++) {
    buf_puts(b, d ? ", " : "[");
    size_text(e->p, t->dim[d], b);
  }
  if (t->rank) buf_puts(b, "]");
}

static void put_leaf(Emit *e, Buf *b, const char *name, const Type *t) {
  static const char *const one[] = {"one number", "one int", "one bool, 0 or 1"};
  static const char *const many[] = {"", ", ints", ", bools as 0 and 1"};
  buf_printf(b, " *   %s", name);
  put_extent(e, b, t);
  buf_printf(b, "%s%s\n", t->rank ? "" : ": ", t->rank ? many[t->elem] : one[t->elem]);
}

static void put_inputs(Emit *e, Buf *b) {
  const Region *root = e->p->root;
  bool sizes = false, inputs = false;
  for (uint32_t k = 0; k < root->params.n; k++) {
    if (!sig_is_size(e, k)) continue;
    buf_printf(b, "%s%s", sizes ? ", " : " * Sizes: ", e->param_name[k]);
    sizes = true;
  }
  if (sizes) buf_puts(b, "\n");
  for (uint32_t k = 0; k < root->params.n; k++) {
    if (sig_is_size(e, k)) continue;
    if (!inputs) buf_puts(b, " * Inputs:\n");
    inputs = true;
    put_leaf(e, b, e->param_name[k], sig_param(e, k)->type);
  }
}

static void put_results(Emit *e, Buf *b) {
  const Region *root = e->p->root;
  buf_puts(b, " * Results:\n");
  for (uint32_t k = 0; k < root->results.n; k++)
    put_leaf(e, b, e->out_name[k], node(e, root->results.at[k])->type);
}

static void put_memory(Emit *e, Buf *b) {
  if (e->has_work && !e->f->o->casadi) {
    buf_puts(b, " * Workspace: ");
    if (e->slots.n == 0) buf_puts(b, "0, so work may be null");
    else work_length(e, b);
    buf_printf(b, "%s.\n", e->slots.n ? e->f->real_float ? " floats" : " doubles" : "");
  }
  buf_printf(b, " * Stack: at most %llu bytes.\n", (unsigned long long)frame_size(e->fn));
}

/* ---- checks -------------------------------------------------------------------------- */

static void put_checks(Emit *e, Buf *b) {
  if (e->checks.n == 0) {
    buf_puts(b, " * Returns 0. */\n");
    return;
  }
  buf_puts(b, " * Returns 0, or the number of the check that failed:\n");
  for (uint32_t k = 0; k < e->checks.n; k++) {
    const Check *c = &e->checks.at[k];
    const Node *n = node(e, c->node);
    buf_printf(b, " *   %u  ", c->number);
    if (n->pos.file) {
      uint32_t row, column;
      source_where(e->c, n->pos, &row, &column);
      put_clean(b, base_name(source_get(e->c, n->pos.file)->name));
      buf_printf(b, ":%u:%u: ", row, column);
    }
    put_clean(b, c->what);
    buf_puts(b, k + 1 == e->checks.n ? " */\n" : "\n");
  }
}

void document(Emit *e, Buf *b) {
  put_summary(e, b);
  put_definition(e, b);
  put_inputs(e, b);
  put_results(e, b);
  put_memory(e, b);
  put_checks(e, b);
}
