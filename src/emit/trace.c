/* trace.c - traces as printf, for compiled C with --trace.  Values look as `run` prints
 * them, but that the columns of a matrix are not aligned. */
#include "emit/private.h"

#include <inttypes.h>
#include <string.h>

enum { USES_REAL = 1, USES_REALS = 2, USES_INTS = 4 };

static const char put_real_text[] =
  "/* The fewest digits that read back; in an array 8 decimals, trailing zeros dropped. */\n"
  "static void gc_put_real(double x, int digits, int in_array) {\n"
  "  char text[400];\n"
  "  size_t n;\n"
  "  if (!(x - x == 0.0)) {\n"
  "    fputs(x != x ? \"nan\" : x < 0.0 ? \"-inf\" : \"inf\", stdout);\n"
  "    return;\n"
  "  }\n"
  "  if (!in_array) {\n"
  "    if (digits == 0)\n"
  "      for (digits = 15; digits < 17; digits++) {\n"
  "        snprintf(text, sizeof text, \"%.*g\", digits, x);\n"
  "        if (!(strtod(text, NULL) < x) && !(strtod(text, NULL) > x)) break;\n"
  "      }\n"
  "    printf(\"%.*g\", digits, x);\n"
  "    return;\n"
  "  }\n"
  "  snprintf(text, sizeof text, \"%.8f\", x);\n"
  "  for (n = strlen(text); n > 1 && text[n - 1] == '0'; n--) text[n - 1] = 0;\n"
  "  if (text[n - 1] == '.') text[n - 1] = 0;\n"
  "  fputs(strcmp(text, \"-0\") ? text : \"0\", stdout);\n"
  "}\n\n";

static const char put_axes_text[] =
  "/* What stands between element k - 1 and element k; k == count: behind the last. */\n"
  "static void gc_put_axes(int64_t k, int rank, const int64_t *dim) {\n"
  "  int64_t part = 1;\n"
  "  int begun = 0, a;\n"
  "  for (a = rank - 1; a >= 0; a--) {\n"
  "    part *= dim[a];\n"
  "    if (k % part == 0) begun++;\n"
  "  }\n"
  "  if (k > 0) {\n"
  "    for (a = 0; a < begun; a++) putchar(']');\n"
  "    if (k == part) return;\n"
  "    if (begun == 0) putchar(' ');\n"
  "    for (a = 0; a < begun; a++) putchar('\\n');\n"
  "    for (a = begun; begun > 0 && a < rank; a++) putchar(' ');\n"
  "  }\n"
  "  for (a = 0; a < begun; a++) putchar('[');\n"
  "}\n\n";

static const char put_reals_text[] =
  "static void %s(const %s *x, int rank, const int64_t *dim, const char *format) {\n"
  "  int64_t n = 1, k;\n"
  "  for (k = 0; k < rank; k++) n *= dim[k];\n"
  "  if (n == 0) fputs(\"[]\", stdout);\n"
  "  for (k = 0; k < n; k++) {\n"
  "    gc_put_axes(k, rank, dim);\n"
  "    if (format) printf(format, (double)x[k]);\n"
  "    else gc_put_real((double)x[k], 0, 1);\n"
  "  }\n"
  "  if (n > 0) gc_put_axes(n, rank, dim);\n"
  "}\n\n";

static const char put_ints_text[] =
  "static void gc_put_ints(const int64_t *x, int rank, const int64_t *dim, int truth) {\n"
  "  int64_t n = 1, k;\n"
  "  for (k = 0; k < rank; k++) n *= dim[k];\n"
  "  if (n == 0) fputs(\"[]\", stdout);\n"
  "  for (k = 0; k < n; k++) {\n"
  "    gc_put_axes(k, rank, dim);\n"
  "    if (truth) fputs(x[k] ? \"true\" : \"false\", stdout);\n"
  "    else printf(\"%lld\", (long long)x[k]);\n"
  "  }\n"
  "  if (n > 0) gc_put_axes(n, rank, dim);\n"
  "}\n\n";

static const char *reals_name(const File *f) {
  return f->real_float ? "gc_put_reals_f" : "gc_put_reals";
}

/* One function; two headers may be included in one file. */
static void put_helper(const File *f, Buf *out, const char *name, const char *text) {
  if (f->o->single) buf_printf(out, "#ifndef GC_HAVE_%s\n#define GC_HAVE_%s\n", name, name);
  buf_puts(out, text);
  if (f->o->single) buf_puts(out, "#endif\n\n");
}

void trace_helpers(const File *f, Buf *out) {
  const char *reals = reals_name(f);
  if (f->uses_trace & (USES_REAL | USES_REALS)) put_helper(f, out, "gc_put_real", put_real_text);
  if (f->uses_trace & (USES_REALS | USES_INTS)) put_helper(f, out, "gc_put_axes", put_axes_text);
  if (f->uses_trace & USES_REALS)
    put_helper(f, out, reals, str_printf(f->c, put_reals_text, reals, f->real));
  if (f->uses_trace & USES_INTS) put_helper(f, out, "gc_put_ints", put_ints_text);
}

/* As a C string literal, for fputs or (percent doubled) for printf. */
static void put_string(Emit *e, const char *s, bool format) {
  put(e, "\"");
  for (; *s; s++) {
    unsigned char x = (unsigned char)*s;
    if (x == '"' || x == '\\') putf(e, "\\%c", x);
    else if (x == '\n') put(e, "\\n");
    else if (x < 32 || x == 127 || x == '?') putf(e, "\\%03o", x);
    else if (x == '%' && format) put(e, "%%");
    else buf_add(&e->fn->body, s, 1);
  }
  put(e, "\"");
}

static void print_text(Emit *e, const char *s) {
  if (!*s) return;
  line_start(e);
  put(e, "fputs(");
  put_string(e, s, false);
  line_end(e, ", stdout);");
}

/* The printf format of one number: length letters dropped, ll for ints. */
static char put_format(Emit *e, const char *format) {
  const char *p = strchr(format, '%');
  char conversion = 'g';
  Buf b;
  buf_init(&b, e->c);
  if (p) {
    size_t n = 1 + strspn(p + 1, "-+ #0123456789.");
    const char *rest = p + n + strspn(p + n, "hlLqjzt");
    if (*rest) conversion = *rest++;
    bool ints = strchr("diuxXo", conversion) != NULL;
    buf_add(&b, p, n);
    buf_printf(&b, "%s%c", ints ? "ll" : "", conversion);
    putf(e, "\"%s\"", buf_text(&b));
    return conversion;
  }
  put(e, "\"%g\"");
  return conversion;
}

static void print_scalar(Emit *e, Ref r, const char *format) {
  const Node *n = node(e, r);
  line_start(e);
  if (format && strpbrk(format, "eEfFgGaAdiuxXo")) {
    put(e, "printf(");
    char conversion = put_format(e, format);
    put(e, strchr("diuxXo", conversion) ? ", (long long)" : ", (double)");
    put_expr(e, r, PREC_UNARY);
  } else if (n->type->elem == ELEM_REAL) {
    e->f->uses_trace |= USES_REAL;
    put(e, "gc_put_real(");
    if (e->f->real_float) put(e, "(double)");
    put_expr(e, r, PREC_UNARY);
    put(e, e->f->real_float ? ", 9, 0" : ", 0, 0");
  } else if (n->type->elem == ELEM_INT) {
    put(e, "printf(\"%lld\", (long long)");
    put_expr(e, r, PREC_UNARY);
  } else {
    put(e, "fputs(");
    put_expr(e, r, PREC_EQ);
    put(e, " ? \"true\" : \"false\", stdout");
  }
  line_end(e, ");");
}

static void print_array(Emit *e, Ref r, const char *format) {
  const Type *t = node(e, r)->type;
  bool real = t->elem == ELEM_REAL;
  e->f->uses_trace |= real ? USES_REALS : USES_INTS;
  line(e, "{");
  e->fn->indent++;
  const char *dim = c_fresh(e, "dim");
  line(e, "int64_t %s[%u];", dim, t->rank);
  for (uint32_t d = 0; d < t->rank; d++) {
    line_start(e);
    putf(e, "%s[%u] = ", dim, d);
    put_size(e, t->dim[d], PREC_ANY);
    line_end(e, ";");
  }
  line_start(e);
  putf(e, "%s(%s, %u, %s, ", real ? reals_name(e->f) : "gc_put_ints", array_text(e, r), t->rank, dim);
  if (!real) put(e, t->elem == ELEM_BOOL ? "1" : "0");
  else if (format && strpbrk(format, "eEfFgGaA")) put_format(e, format);
  else put(e, "NULL");
  line_end(e, ");");
  block_close(e);
}

/* Leaves are taken in order; tuples and records get their brackets. */
static const Ref *print_shape(Emit *e, const Shape *s, const Ref *leaf, const char *format) {
  switch (s->kind) {
    case SHAPE_NONE: print_text(e, "none"); return leaf;
    case SHAPE_LEAF:
      if (is_array(node(e, *leaf))) print_array(e, *leaf, format);
      else print_scalar(e, *leaf, format);
      return leaf + 1;
    default: break;
  }
  print_text(e, "(");
  for (uint32_t k = 0; k < s->n; k++) {
    if (k) print_text(e, ", ");
    if (s->kind == SHAPE_RECORD) print_text(e, str_printf(e->c, "%s = ", s->field[k]));
    leaf = print_shape(e, s->kid[k], leaf, format);
  }
  print_text(e, ")");
  return leaf;
}

void emit_trace(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const TextAttr *t = n->aux.text;
  const Ref *leaf = n->arg;
  if (n->op == IR_ASSERT) return;
  e->f->uses_stdio = e->f->uses_string = true;
  for (uint32_t k = 0; k < t->n; k++) {
    if (k && t->newline_pieces) print_text(e, " ");
    if (t->piece[k].text) print_text(e, t->piece[k].text);
    else leaf = print_shape(e, t->piece[k].shape, leaf, t->piece[k].format);
  }
  print_text(e, "\n");
}
