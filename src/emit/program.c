/* program.c - --main: a program that reads the arguments of a function from the command
 * line and from files, calls it and prints the results.  Sizes are those of the arrays. */
#include "emit/private.h"

static const char reader_text[] =
#include "runtime/program.inc"
  ;

/* ---- sizes ---------------------------------------------------------------------- */

/* The size parameter that this axis tells: its extent is the size times num/den. */
static const Mono *alone(const Emit *e, Size s) {
  if (s->n != 1 || s->mono[0].n != 1 || s->mono[0].exp[0] != 1) return NULL;
  Ref atom = s->mono[0].atom[0];
  bool is_size = root_param(e, atom) && sig_is_size(e, (uint32_t)node(e, atom)->aux.i);
  return is_size ? &s->mono[0] : NULL;
}

/* Each size from the first axis that tells it; false: one is told by none. */
static bool put_sizes(Emit *e, Buf *b) {
  const Region *root = e->p->root;
  bool *known = NEWN(e->c, bool, root->params.n + 1);
  for (uint32_t k = 0; k < root->params.n; k++) {
    const Type *t = sig_param(e, k)->type;
    for (uint32_t d = 0; d < t->rank; d++) {
      const Mono *m = alone(e, t->dim[d]);
      if (!m || known[node(e, m->atom[0])->aux.i]) continue;
      uint32_t size = (uint32_t)node(e, m->atom[0])->aux.i;
      known[size] = true;
      buf_printf(b, "  const int64_t %s = in[%u].dim[%u]", e->param_name[size], k, d);
      if (m->den != 1) buf_printf(b, "*%lld", (long long)m->den);
      if (m->num != 1) buf_printf(b, "/%lld", (long long)m->num);
      buf_puts(b, ";\n");
    }
  }
  for (uint32_t k = 0; k < root->params.n; k++)
    if (sig_is_size(e, k) && !known[k]) return false;
  return true;
}

static void put_product(Emit *e, Buf *b, const Type *t) {
  if (t->rank == 0) buf_puts(b, "1");
  for (uint32_t d = 0; d < t->rank; d++) {
    if (d) buf_puts(b, "*");
    size_c(e, b, t->dim[d], PREC_UNARY, named_atom);
  }
}

/* ---- one function ------------------------------------------------------------------- */

static uint32_t put_readers(Emit *e, Buf *b) {
  const Region *root = e->p->root;
  uint32_t n = 0;
  for (uint32_t k = 0; k < root->params.n; k++) {
    const Type *t = sig_param(e, k)->type;
    const char *name = e->param_name[k];
    if (sig_is_size(e, k)) continue;
    buf_printf(b, "  gc_read(&in[%u], \"%s\", gc_argv[%u]);\n  gc_rank(&in[%u], %u);\n", k, name,
               n++, k, t->rank);
    if (t->rank == 0) {
      const char *type = c_type(e->f, t->elem, false);
      if (t->elem == ELEM_BOOL)
        buf_printf(b, "  const int %s = in[%u].at[0] > 0.0 || in[%u].at[0] < 0.0;\n", name, k, k);
      else
        buf_printf(b, "  const %s %s = (%s)in[%u].at[0];\n", type, name, type, k);
    }
  }
  return n;
}

/* The elements in the function's own type, their number checked. */
static void put_array(Emit *e, Buf *b, uint32_t k) {
  const Type *t = sig_param(e, k)->type;
  const char *type = c_type(e->f, t->elem, true), *name = e->param_name[k];
  for (uint32_t d = 0; d < t->rank; d++) {
    buf_printf(b, "  gc_axis(&in[%u], %u, ", k, d);
    size_c(e, b, t->dim[d], PREC_ANY, named_atom);
    buf_puts(b, ");\n");
  }
  buf_printf(b, "  %s *const %s = (%s *)gc_room(in[%u].n, sizeof(%s));\n", type, name, type, k,
             type);
  buf_printf(b,
             "  for (size_t gc_k = 0; gc_k < in[%u].n; gc_k++) %s[gc_k] = (%s)in[%u].at[gc_k];\n",
             k, name, type, k);
}

static void put_results(Emit *e, Buf *b) {
  for (uint32_t k = 0; k < e->p->root->results.n; k++) {
    const Type *t = node(e, e->p->root->results.at[k])->type;
    const char *type = c_type(e->f, t->elem, true);
    buf_printf(b, "  %s *const %s = (%s *)gc_room((size_t)(", type, e->out_name[k], type);
    put_product(e, b, t);
    buf_printf(b, "), sizeof(%s));\n", type);
  }
  if (!e->has_work) return;
  buf_printf(b, "  %s *const work = (%s *)gc_room(%s_work(", e->f->real, e->f->real, e->cname);
  bool any = false;
  for (uint32_t k = 0; k < e->p->root->params.n; k++) {
    if (!in_work(e, k)) continue;
    buf_printf(b, "%s%s%s", any ? ", " : "", sig_is_size(e, k) ? "(size_t)" : "", e->param_name[k]);
    any = true;
  }
  buf_printf(b, "), sizeof(%s));\n", e->f->real);
}

static void put_call(Emit *e, Buf *b) {
  const Region *root = e->p->root;
  size_t column = b->n;
  buf_printf(b, "  const int code = %s(", e->cname);
  for (uint32_t k = 0; k < root->params.n + root->results.n; k++) {
    bool in = k < root->params.n;
    if (k) put_comma(b, &column);
    if (in && sig_is_size(e, k)) buf_puts(b, "(size_t)");
    buf_puts(b, in ? e->param_name[k] : e->out_name[k - root->params.n]);
  }
  buf_puts(b, e->has_work ? ", work);\n" : ");\n");
  buf_printf(
      b,
      "  if (code) {\n    fprintf(stderr, \"%s: check %%d failed (see the header)\\n\", code);\n"
      "    return 3;\n  }\n",
      e->cname);
}

static void put_printing(Emit *e, Buf *b) {
  for (uint32_t k = 0; k < e->p->root->results.n; k++) {
    const Type *t = node(e, e->p->root->results.at[k])->type;
    const char *name = e->out_name[k];
    buf_puts(b, "  {\n    const int64_t gc_dim[] = {");
    for (uint32_t d = 0; d < t->rank; d++) {
      if (d) buf_puts(b, ", ");
      size_c(e, b, t->dim[d], PREC_ANY, named_atom);
    }
    buf_puts(b, t->rank ? "};\n    const size_t gc_n = (size_t)("
                        : "1};\n    const size_t gc_n = (size_t)(");
    put_product(e, b, t);
    buf_printf(b, ");\n    double *const gc_x = (double *)gc_room(gc_n, sizeof(double));\n"
               "    for (size_t gc_k = 0; gc_k < gc_n; gc_k++) gc_x[gc_k] = (double)%s[gc_k];\n"
               "    gc_print(\"%s\", gc_x, %u, gc_dim, %d);\n    free(gc_x);\n    free(%s);\n  }\n",
               name, name, t->rank, e->f->real_float && t->elem == ELEM_REAL ? 9 : 17, name);
  }
}

static void put_frees(Emit *e, Buf *b) {
  for (uint32_t k = 0; k < e->p->root->params.n; k++) {
    if (sig_is_size(e, k)) continue;
    buf_printf(b, "  free(in[%u].at);\n", k);
    if (sig_param(e, k)->type->rank) buf_printf(b, "  free(%s);\n", e->param_name[k]);
  }
  if (e->has_work) buf_puts(b, "  free(work);\n");
}

static void put_usage(Emit *e, Buf *b) {
  buf_printf(b, "  {\"%s\", \"", e->p->sig.name);
  for (uint32_t k = 0; k < e->p->root->params.n; k++)
    if (!sig_is_size(e, k)) buf_printf(b, " %s", e->param_name[k]);
}

void program_case(Emit *e) {
  Buf b, *all = &e->f->programs, *table = &e->f->program_table;
  buf_init(&b, e->c);
  uint32_t nparams = e->p->root->params.n;
  buf_printf(&b, "static int call_%u(char **gc_argv) {\n  gc_input in[%u];\n", e->f->at,
             nparams ? nparams : 1);
  uint32_t n = put_readers(e, &b);
  if (!n) buf_puts(&b, "  (void)in;\n  (void)gc_argv;\n");
  bool possible = put_sizes(e, &b);
  put_usage(e, table);
  if (!possible) {
    buf_printf(table, " (a size stands nowhere alone: not to be called from here)\", 0, NULL},\n");
    return;
  }
  for (uint32_t k = 0; k < nparams; k++)
    if (sig_param(e, k)->type->rank) put_array(e, &b, k);
  put_results(e, &b);
  put_call(e, &b);
  put_printing(e, &b);
  put_frees(e, &b);
  buf_puts(&b, "  return 0;\n}\n\n");
  buf_add(all, buf_text(&b), b.n);
  buf_printf(table, "\", %u, call_%u},\n", n, e->f->at);
}

/* ---- the file --------------------------------------------------------------------------- */

static const char main_text[] =
    "/* The function's name, then a number or a file (.npy, or rows of numbers) for each input;\n"
    " * prints each result's name and sizes, and its rows with commas.  3: a check failed. */\n"
    "int main(int argc, char **argv) {\n"
    "  const int n = (int)(sizeof functions / sizeof *functions);\n"
    "  int k;\n"
    "  for (k = 0; argc > 1 && k < n; k++)\n"
    "    if (strcmp(argv[1], functions[k].name) == 0 && functions[k].call && functions[k].n == argc - 2)\n"
    "      return functions[k].call(argv + 2);\n"
    "  for (k = 0; k < n; k++)\n"
    "    fprintf(stderr, \"%s %s %s%s\\n\", k ? \"      \" : \"usage:\", argv[0], functions[k].name,\n"
    "            functions[k].inputs);\n"
    "  return 2;\n"
    "}\n";

void program_text(File *f, Buf *out) {
  buf_printf(out, "/* Calls the functions of %s with arguments from files. */\n#include \"%s\"\n\n",
             f->o->header_name, f->o->header_name);
  buf_puts(out, reader_text);
  buf_puts(out, "\n");
  buf_add(out, buf_text(&f->programs), f->programs.n);
  buf_puts(out, "static const struct {\n  const char *name, *inputs;\n  int n;\n"
                "  int (*call)(char **argv);\n} functions[] = {\n");
  buf_add(out, buf_text(&f->program_table), f->program_table.n);
  buf_puts(out, "};\n\n");
  buf_puts(out, main_text);
}
