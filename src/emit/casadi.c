/* casadi.c - CasADi's external functions (its manual: "Using external functions").
 *
 *   NAME, fwd1_NAME, adj1_NAME, jac_NAME    the function and its derivatives
 *   …_n_in, _n_out, _name_in, _name_out, _sparsity_in, _sparsity_out, _work,
 *   _incref, _decref, _checkout, _release
 *
 * Everything is dense double.  CasADi's matrices are column-major: a vector of n is n by 1,
 * an array of more axes is a matrix of its first axis by all others.  A null argument
 * stands for zeros.  Ints and bools come and go as doubles.  The plain function below it
 * (NAME_c) is static; its arrays lie in w where they are not CasADi's own.
 *
 * A null result is not computed: where some results are null, each of the others comes from
 * a function of its own (NAME_c0, …).  Above MOST_PARTS results there are none such, and a
 * null result is computed but not stored. */
#include "emit/private.h"

/* An argument or a result as CasADi sees it. */
typedef struct Matrix {
  const char *name;
  int64_t rows, columns;
  int part;                /* number of the program's parameter or result, or -1 */
  bool jacobian;
  int64_t from_rows, from_columns, to_rows, to_columns;  /* shapes of what it is made of */
} Matrix;

enum { MOST_PARTS = 16 };

typedef struct Casadi {
  Emit *e;
  int64_t work;            /* elements of workspace, of the function that needs most */
  const EmitFunction *f;
  const char *name;
  VEC(Matrix) in, out;
} Casadi;

static const char types[] =
  "#ifndef casadi_real\n#define casadi_real double\n#endif\n"
  "#ifndef casadi_int\n#define casadi_int long long int\n#endif\n"
  "#ifndef CASADI_SYMBOL_EXPORT\n"
  "#if defined(_WIN32)\n#define CASADI_SYMBOL_EXPORT __declspec(dllexport)\n"
  "#elif defined(__GNUC__)\n"
  "#define CASADI_SYMBOL_EXPORT __attribute__((visibility(\"default\")))\n"
  "#else\n#define CASADI_SYMBOL_EXPORT\n#endif\n#endif\n\n";

static const struct { const char *name, *text; } copies[] = {
  {"gc_rows",
   "/* Row-major from column-major; of a null pointer zeros. */\n"
   "static void gc_rows(double *to, const double *from, int64_t rows, int64_t columns) {\n"
   "  for (int64_t i = 0; i < rows; i++)\n    for (int64_t j = 0; j < columns; j++)\n"
   "      to[i*columns + j] = from ? from[i + j*rows] : 0.0;\n}\n\n"},
  {"gc_rows_i",
   "static void gc_rows_i(int64_t *to, const double *from, int64_t rows, int64_t columns) {\n"
   "  for (int64_t i = 0; i < rows; i++)\n    for (int64_t j = 0; j < columns; j++)\n"
   "      to[i*columns + j] = from ? (int64_t)from[i + j*rows] : 0;\n}\n\n"},
  {"gc_columns",
   "/* Column-major from row-major; nothing to a null pointer. */\n"
   "static void gc_columns(double *to, const double *from, int64_t rows, int64_t columns) {\n"
   "  for (int64_t i = 0; to && i < rows; i++)\n    for (int64_t j = 0; j < columns; j++)\n"
   "      to[i + j*rows] = from[i*columns + j];\n}\n\n"},
  {"gc_columns_i",
   "static void gc_columns_i(double *to, const int64_t *from, int64_t rows, int64_t columns) {\n"
   "  for (int64_t i = 0; to && i < rows; i++)\n    for (int64_t j = 0; j < columns; j++)\n"
   "      to[i + j*rows] = (double)from[i*columns + j];\n}\n\n"},
  {"gc_columns_j",
   "/* The same of a Jacobian, whose rows and columns are themselves matrices: y by x. */\n"
   "static void gc_columns_j(double *to, const double *from, int64_t yr, int64_t yc, int64_t xr,\n"
   "    int64_t xc) {\n"
   "  for (int64_t i = 0; to && i < yr; i++)\n    for (int64_t j = 0; j < yc; j++)\n"
   "      for (int64_t k = 0; k < xr; k++)\n        for (int64_t l = 0; l < xc; l++)\n"
   "          to[i + j*yr + (k + l*xr)*yr*yc] = from[((i*yc + j)*xr + k)*xc + l];\n}\n\n"},
  {"gc_zeros",
   "static void gc_zeros(double *to, int64_t n) {\n"
   "  for (int64_t i = 0; to && i < n; i++) to[i] = 0.0;\n}\n\n"},
};

void casadi_types(Buf *out) {
  buf_puts(out, types);
}

void casadi_head(File *f, Buf *out) {
  for (size_t k = 0; k < sizeof copies / sizeof *copies; k++)
    if (function_used(f, copies[k].name)) buf_puts(out, copies[k].text);
}

/* ---- shapes ------------------------------------------------------------------------ */

static Matrix matrix(const char *name, const Type *t, int part) {
  Matrix m = {.name = name, .rows = 1, .columns = 1, .part = part};
  for (uint32_t d = 0; d < t->rank; d++) {
    int64_t n = 0;
    size_is_const(t->dim[d], &n);
    *(d ? &m.columns : &m.rows) *= n;
  }
  return m;
}

static int64_t count(const Matrix *m) { return m->rows * m->columns; }

static const Type *input(const Casadi *s, uint32_t k) { return sig_param(s->e, k)->type; }

static const Type *result(const Casadi *s, uint32_t k) {
  return node(s->e, s->e->p->root->results.at[k])->type;
}

static void add(Casadi *s, bool out, const char *prefix, Matrix m) {
  Ctx *c = s->e->c;
  m.name = str_printf(c, "%s%s", prefix, m.name);
  if (out) VEC_PUSH(c, &s->out, m);
  else VEC_PUSH(c, &s->in, m);
}

/* The part of the program that belongs to m, if it has one of that size. */
static int part_or_none(const Casadi *s, uint32_t k, const Matrix *m) {
  if (k >= s->e->p->root->results.n) return -1;
  Matrix got = matrix("", result(s, k), 0);
  return count(&got) == count(m) ? (int)k : -1;
}

static void add_own(Casadi *s) {
  const EmitFunction *f = s->f;
  bool value = f->role == CASADI_VALUE;
  for (uint32_t k = 0; k < f->nin; k++)
    add(s, false, "", matrix(s->e->param_name[k], input(s, k), (int)k));
  for (uint32_t k = 0; k < f->nout; k++)
    add(s, value, value ? "" : "out_",
        matrix(s->e->out_name[k], result(s, k), value ? (int)k : -1));
}

static void add_forward(Casadi *s) {
  const EmitFunction *f = s->f;
  uint32_t seed = f->nin;
  for (uint32_t k = 0; k < f->nin; k++) {
    bool real = input(s, k)->elem == ELEM_REAL;
    add(s, false, "fwd_", matrix(s->e->param_name[k], input(s, k), real ? (int)seed : -1));
    seed += real;
  }
  for (uint32_t k = 0; k < f->nout; k++) {
    Matrix m = matrix(s->e->out_name[k], result(s, k), -1);
    m.part = part_or_none(s, f->nout + k, &m);
    add(s, true, "fwd_", m);
  }
}

static void add_adjoint(Casadi *s) {
  const EmitFunction *f = s->f;
  uint32_t seed = f->nin, grad = f->nout;
  for (uint32_t k = 0; k < f->nout; k++) {
    bool real = result(s, k)->elem == ELEM_REAL;
    add(s, false, "adj_", matrix(s->e->out_name[k], result(s, k), real ? (int)seed : -1));
    seed += real;
  }
  for (uint32_t k = 0; k < f->nin; k++) {
    bool real = input(s, k)->elem == ELEM_REAL;
    Matrix m = matrix(s->e->param_name[k], input(s, k), -1);
    if (real) m.part = part_or_none(s, grad++, &m);
    add(s, true, "adj_", m);
  }
}

static void add_jacobians(Casadi *s) {
  const EmitFunction *f = s->f;
  uint32_t at = f->nout;
  for (uint32_t y = 0; y < f->nout; y++)
    for (uint32_t x = 0; x < f->nin; x++) {
      Matrix a = matrix(s->e->out_name[y], result(s, y), 0);
      Matrix b = matrix(s->e->param_name[x], input(s, x), 0);
      Matrix m = {.rows = count(&a), .columns = count(&b), .part = -1, .jacobian = true,
                  .from_rows = a.rows, .from_columns = a.columns, .to_rows = b.rows,
                  .to_columns = b.columns};
      m.name = str_printf(s->e->c, "%s_%s", a.name, b.name);
      if (input(s, x)->elem == ELEM_REAL) m.part = part_or_none(s, at++, &m);
      add(s, true, "jac_", m);
    }
}

/* ---- the entry ---------------------------------------------------------------------- */

static int find(const Casadi *s, bool out, uint32_t part) {
  uint32_t n = out ? s->out.n : s->in.n;
  for (uint32_t k = 0; k < n; k++)
    if ((out ? s->out.at[k].part : s->in.at[k].part) == (int)part) return (int)k;
  return -1;
}

static const char *copy_name(Casadi *s, const char *name) {
  use_function(s->e->f, name, NULL);
  return name;
}

/* An argument: a local of its name.  Gives the elements of w that it takes. */
static int64_t put_input(Casadi *s, Buf *b, uint32_t k, int64_t at) {
  const Type *t = input(s, k);
  const char *name = s->e->param_name[k];
  int i = find(s, false, k);
  if (t->rank == 0) {
    const char *type = c_type(s->e->f, t->elem, false);
    if (t->elem == ELEM_REAL)
      buf_printf(b, "  const double %s = gc_arg[%d] ? gc_arg[%d][0] : 0.0;\n", name, i, i);
    else if (t->elem == ELEM_INT)
      buf_printf(b, "  const %s %s = gc_arg[%d] ? (int64_t)gc_arg[%d][0] : 0;\n", type, name, i, i);
    else buf_printf(b, "  const int %s = gc_arg[%d] && gc_arg[%d][0] > 0.0;\n", name, i, i);
    return 0;
  }
  bool ints = t->elem != ELEM_REAL;
  const Matrix *m = &s->in.at[i];
  buf_printf(b, ints ? "  int64_t *const %s = (int64_t *)(void *)(gc_w + %lld);\n"
                     : "  double *const %s = gc_w + %lld;\n", name, (long long)at);
  buf_printf(b, "  %s(%s, gc_arg[%d], %lld, %lld);\n", copy_name(s, ints ? "gc_rows_i" : "gc_rows"),
             name, i, (long long)m->rows, (long long)m->columns);
  return count(m);
}

static int64_t result_count(const Casadi *s, uint32_t k) {
  Matrix m = matrix("", result(s, k), 0);
  return count(&m);
}

static int64_t put_room(Casadi *s, Buf *b, uint32_t k, int64_t at) {
  bool ints = result(s, k)->elem != ELEM_REAL;
  buf_printf(b, ints ? "  int64_t *const %s = (int64_t *)(void *)(gc_w + %lld);\n"
                     : "  double *const %s = gc_w + %lld;\n", s->e->out_name[k], (long long)at);
  return result_count(s, k);
}

/* From the inputs to the plain function's results from..to; `at`: its workspace in w. */
static void put_plain_call(Casadi *s, Buf *b, const Emit *plain, uint32_t from, uint32_t to,
                           int64_t at) {
  uint32_t nin = s->e->p->root->params.n;
  size_t column = b->n;
  buf_printf(b, "    const int code = %s(", plain->cname);
  for (uint32_t k = 0; k < nin; k++) {
    if (k) put_comma(b, &column);
    buf_puts(b, s->e->param_name[k]);
  }
  for (uint32_t k = from; k < to; k++) {
    if (nin || k > from) put_comma(b, &column);
    buf_puts(b, s->e->out_name[k]);
  }
  if (plain->has_work) buf_printf(b, ", gc_w + %lld", (long long)at);
  buf_puts(b, ");\n    if (code) return code;\n");
}

static void put_output(Casadi *s, Buf *b, int k) {
  const Matrix *m = &s->out.at[k];
  const char *name = m->part < 0 ? "" : s->e->out_name[m->part];
  if (m->part < 0) {
    buf_printf(b, "  %s(gc_res[%d], %lld);\n", copy_name(s, "gc_zeros"), k, (long long)count(m));
  } else if (m->jacobian) {
    buf_printf(b, "  %s(gc_res[%d], %s, %lld, %lld, %lld, %lld);\n", copy_name(s, "gc_columns_j"),
               k, name, (long long)m->from_rows, (long long)m->from_columns, (long long)m->to_rows,
               (long long)m->to_columns);
  } else {
    bool ints = result(s, (uint32_t)m->part)->elem != ELEM_REAL;
    buf_printf(b, "  %s(gc_res[%d], %s, %lld, %lld);\n",
               copy_name(s, ints ? "gc_columns_i" : "gc_columns"), k, name, (long long)m->rows,
               (long long)m->columns);
  }
}

static bool is_computed(const Casadi *s, uint32_t k) { return s->out.at[k].part >= 0; }

static uint32_t count_computed(const Casadi *s) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < s->out.n; k++) n += is_computed(s, k);
  return n;
}

/* "gc_res[0] && gc_res[2]", of the results that are computed */
static void put_asked(const Casadi *s, Buf *b, const char *between) {
  bool any = false;
  for (uint32_t k = 0; k < s->out.n; k++) {
    if (!is_computed(s, k)) continue;
    buf_printf(b, "%sgc_res[%u]", any ? between : "", k);
    any = true;
  }
}

static void needs_work(Casadi *s, Emit *plain) {
  int64_t *none = NEWN(s->e->c, int64_t, s->e->p->root->params.n + 1);
  int64_t n = work_at(plain, none);
  if (n > s->work) s->work = n;
}

/* All results that are computed, together, if `between` holds between them. */
static void put_whole(Casadi *s, Buf *b, int64_t at, const char *between) {
  needs_work(s, s->e);
  buf_puts(b, "  if (");
  put_asked(s, b, between);
  buf_puts(b, ") {\n");
  put_plain_call(s, b, s->e, 0, s->e->p->root->results.n, at);
  for (uint32_t k = 0; k < s->out.n; k++) {
    if (!is_computed(s, k)) continue;
    buf_puts(b, "  ");
    put_output(s, b, (int)k);
  }
}

/* The results that are asked for, each by a function of its own. */
static void put_parts(Casadi *s, Buf *b, int64_t at) {
  for (uint32_t k = 0; k < s->out.n; k++) {
    if (!is_computed(s, k)) continue;
    uint32_t part = (uint32_t)s->out.at[k].part;
    Emit *own = emit_part(s->e, part, str_printf(s->e->c, "%s%u", s->e->cname, part));
    needs_work(s, own);
    buf_printf(b, "  if (gc_res[%u]) {\n", k);
    put_plain_call(s, b, own, part, part + 1, at);
    buf_puts(b, "  ");
    put_output(s, b, (int)k);
    buf_puts(b, "  }\n");
  }
}

/* Gives the elements of w that it takes beside the workspace. */
static int64_t put_entry(Casadi *s, Buf *b) {
  const Region *root = s->e->p->root;
  uint32_t computed = count_computed(s);
  int64_t at = 0;
  buf_printf(b, "CASADI_SYMBOL_EXPORT int %s(const casadi_real **gc_arg, casadi_real **gc_res,\n"
             "    casadi_int *gc_iw, casadi_real *gc_w, int gc_mem) {\n"
             "  (void)gc_arg;\n  (void)gc_iw;\n  (void)gc_w;\n  (void)gc_mem;\n", s->name);
  for (uint32_t k = 0; k < root->params.n; k++) at += put_input(s, b, k, at);
  for (uint32_t k = 0; k < root->results.n; k++) at += put_room(s, b, k, at);
  for (uint32_t k = 0; k < s->out.n; k++)
    if (!is_computed(s, k)) put_output(s, b, (int)k);
  const bool parts = computed > 1 && computed <= MOST_PARTS;
  if (computed) {
    put_whole(s, b, at, parts ? " && " : " || ");
    buf_puts(b, parts ? "    return 0;\n  }\n" : "  }\n");
  }
  if (parts) put_parts(s, b, at);
  buf_puts(b, "  return 0;\n}\n\n");
  return at;
}

/* ---- what CasADi asks ------------------------------------------------------------------ */

static void put_names(Casadi *s, Buf *b, const char *way, const Matrix *m, uint32_t n) {
  buf_printf(b, "CASADI_SYMBOL_EXPORT casadi_int %s_n_%s(void) { return %u; }\n\n", s->name, way,
             n);
  buf_printf(b, "CASADI_SYMBOL_EXPORT const char *%s_name_%s(casadi_int i) {\n  switch (i) {\n",
             s->name, way);
  for (uint32_t k = 0; k < n; k++) buf_printf(b, "    case %u: return \"%s\";\n", k, m[k].name);
  buf_puts(b, "    default: return NULL;\n  }\n}\n\n");
}

/* Rows, columns, then either 1 for dense, or where each column starts and its rows. */
static void put_sparsity(Casadi *s, Buf *b, const char *way, const Matrix *m, uint32_t n) {
  enum { WRITTEN_OUT = 256 };
  buf_printf(b, "CASADI_SYMBOL_EXPORT const casadi_int *%s_sparsity_%s(casadi_int i) {\n", s->name,
             way);
  for (uint32_t k = 0; k < n; k++) {
    buf_printf(b, "  static const casadi_int s%u[] = {%lld, %lld", k, (long long)m[k].rows,
               (long long)m[k].columns);
    if (count(&m[k]) > WRITTEN_OUT) {
      buf_puts(b, ", 1");
    } else {
      for (int64_t j = 0; j <= m[k].columns; j++)
        buf_printf(b, ", %lld", (long long)(j * m[k].rows));
      for (int64_t j = 0; j < count(&m[k]); j++)
        buf_printf(b, ", %lld", (long long)(j % m[k].rows));
    }
    buf_puts(b, "};\n");
  }
  buf_puts(b, "  switch (i) {\n");
  for (uint32_t k = 0; k < n; k++) buf_printf(b, "    case %u: return s%u;\n", k, k);
  buf_puts(b, "    default: return NULL;\n  }\n}\n\n");
}

static void put_questions(Casadi *s, Buf *b, int64_t room) {
  put_names(s, b, "in", s->in.at, s->in.n);
  put_names(s, b, "out", s->out.at, s->out.n);
  put_sparsity(s, b, "in", s->in.at, s->in.n);
  put_sparsity(s, b, "out", s->out.at, s->out.n);
  buf_printf(
      b,
      "CASADI_SYMBOL_EXPORT int %s_work(casadi_int *sz_arg, casadi_int *sz_res, casadi_int *sz_iw,\n"
      "    casadi_int *sz_w) {\n  if (sz_arg) *sz_arg = %u;\n  if (sz_res) *sz_res = %u;\n"
      "  if (sz_iw) *sz_iw = 0;\n  if (sz_w) *sz_w = %lld;\n  return 0;\n}\n\n",
      s->name, s->in.n, s->out.n, (long long)(room + s->work));
  buf_printf(b, "CASADI_SYMBOL_EXPORT void %s_incref(void) {}\n", s->name);
  buf_printf(b, "CASADI_SYMBOL_EXPORT void %s_decref(void) {}\n", s->name);
  buf_printf(b, "CASADI_SYMBOL_EXPORT int %s_checkout(void) { return 0; }\n", s->name);
  buf_printf(b, "CASADI_SYMBOL_EXPORT void %s_release(int mem) { (void)mem; }\n\n", s->name);
}

static void declare(Casadi *s, Buf *b) {
  buf_printf(
      b,
      "int %s(const casadi_real **arg, casadi_real **res, casadi_int *iw, casadi_real *w, int mem);\n",
      s->name);
  static const char *const way[] = {"in", "out"};
  for (int k = 0; k < 2; k++)
    buf_printf(b,
               "casadi_int %s_n_%s(void);\nconst char *%s_name_%s(casadi_int i);\n"
               "const casadi_int *%s_sparsity_%s(casadi_int i);\n",
               s->name, way[k], s->name, way[k], s->name, way[k]);
  buf_printf(
      b,
      "int %s_work(casadi_int *sz_arg, casadi_int *sz_res, casadi_int *sz_iw, casadi_int *sz_w);\n"
      "void %s_incref(void);\nvoid %s_decref(void);\nint %s_checkout(void);\n"
      "void %s_release(int mem);\n\n",
      s->name, s->name, s->name, s->name, s->name);
}

void casadi_functions(Emit *e) {
  static const char *const before[] = {"", "fwd1_", "adj1_", "jac_"};
  Casadi s = {.e = e, .f = &e->f->o->function[e->f->at]};
  s.name = str_printf(e->c, "%s%s_%s", before[s.f->role], e->f->o->prefix, s.f->base);
  add_own(&s);
  if (s.f->role == CASADI_FORWARD) add_forward(&s);
  if (s.f->role == CASADI_ADJOINT) add_adjoint(&s);
  if (s.f->role == CASADI_JACOBIAN) add_jacobians(&s);
  document(e, &e->f->header);
  declare(&s, &e->f->header);
  declare(&s, &e->f->prototypes);
  int64_t room = put_entry(&s, &e->f->casadi);
  put_questions(&s, &e->f->casadi, room);
}
