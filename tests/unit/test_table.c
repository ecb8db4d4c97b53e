/* test_table.c - every built-in and every control of the gradient, crossed with
 *
 *   scalar / vector / matrix / record,
 *   plain / inside a comprehension / inside a fold / inside an if,
 *   forward / reverse / forward over reverse / reverse over reverse / hvp /
 *   the gradient printed in the language and read back / differentiated again,
 *   double / float (the last three in double alone).
 *
 * Each is a function of one argument, made from a row: a call of a scalar primitive,
 * written from src/ir/primitives.def, or an expression of table_rows.h.  Its derivatives are
 * elaborated, optimized, compiled by the JIT, and run by the interpreter too.  What they
 * have to be comes from interpret_difference: differences of the function, with what is
 * stopped held at its value; for second order differences of its first derivative.  A rule
 * that is not linear has no forward mode, which has to say so, and by hand a linear rule
 * that does the same here.
 *
 *   test_table [TEXT]     only rows whose name contains TEXT
 *
 * Sanitizers make this slow: with them one case in SAMPLE runs, unless FULL=1. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elaborate/elaborate.h"
#include "emit/emit.h"
#include "interpret/interpret.h"
#include "jit/jit.h"
#include "optimize/optimize.h"
#include "table_rows.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SAMPLE = 3 };
#else
enum { SAMPLE = 1 };
#endif

enum { MOST = 6, LEAVES = 2, RESULTS = 2*LEAVES, WORKERS = 2 };

typedef enum Form { SCALAR, VECTOR, MATRIX, RECORD, FORMS } Form;
typedef enum Context { PLAIN, COMPREHENSION, IN_FOLD, IN_IF, CONTEXTS } Context;
typedef enum Mode {
  FORWARD, REVERSE, FORWARD_REVERSE, REVERSE_REVERSE, HVP, PRINTED, PRINTED_AGAIN, MODES
} Mode;
enum { FLOAT_MODES = HVP, BOTH_MODES = MODES + FLOAT_MODES };

static const char *const form_names[] = {"scalar", "vector", "matrix", "record"};
static const char *const context_names[] = {"plain", "comprehension", "fold", "if"};
static const char *const mode_names[] = {
  "forward", "reverse", "forward over reverse", "reverse over reverse", "hvp",
  "printed", "printed and differentiated",
};

/* One row: what is differentiated. */
typedef struct Row {
  const char *name, *defs;
  const char *expression;   /* element by element in x (y and z beside it), or NULL */
  const ArrayRow *array;
  const ClipRow *clip;
  double lo, hi;
} Row;

/* A value of the argument's type, leaf by leaf. */
typedef struct Point { uint32_t nleaves; Value leaf[LEAVES]; double number[MOST]; uint32_t n; } Point;

/* One row in one form and context: its text, where it is taken, and the truth. */
typedef struct Case {
  const Row *row;
  Form form;
  Context context;
  Ctx *c;
  Module *m;
  const char *text;
  Point x, v;
  Mode mode;
  double value, truth[MODES][MOST];
} Case;

static uint64_t passed, failed, left_out;
static uint32_t worker;   /* which share of the cases is this process's */

/* ---- the text --------------------------------------------------------------------- */

/* Does an expression of a vector count on 3 elements?  If not, its size is a name. */
static bool counts_on_three(const char *s) {
  for (const char *p = s; *p; p++)
    if (*p == '3' && (p == s || p[-1] != '^')) return true;
  return strpbrk(s, "[@") != NULL;
}

static const char *type_words(const Case *k) {
  const Row *r = k->row;
  switch (k->form) {
  case SCALAR: return "real";
  case VECTOR: return r->array && counts_on_three(r->array->vector) ? "real[3]" : "real[n]";
  case MATRIX: return "real[2, 3]";
  default: return r->array ? "(a: real, b: real[3])" : "(a: real, b: real[2])";
  }
}

/* E(x), what the row is about. */
static void put_row(Buf *b, const Case *k) {
  const Row *r = k->row;
  double middle = (r->lo + r->hi)/2;
  if (r->defs) buf_puts(b, r->defs);
  if (r->array && k->form == MATRIX) buf_printf(b, "E(A) = %s\n", r->array->matrix);
  else if (r->array) buf_printf(b, "E(v) = %s\n", r->array->vector);
  else if (r->clip) buf_printf(b, "E(e) = %s\n", r->clip->expression);
  else
    buf_printf(b, "E(x) = { y = %.17g - 0.6*(x - %.17g); z = %.17g + 0.35*(x - %.17g); %s }\n",
               middle, middle, middle, middle, r->expression);
}

/* w0 … w3, wr: sums with weights, so that nothing cancels; and products with a direction. */
static const char sums[] =
  "w0(y) = 0.7*y\n"
  "w1(y) = sum((0.7 - 0.4*i)*y[i] for i)\n"
  "w2(y) = sum((0.7 - 0.4*i + 0.3*j)*y[i, j] for i, j)\n"
  "w3(y) = sum((0.7 - 0.4*i + 0.3*j - 0.1*k)*y[i, j, k] for i, j, k)\n"
  "wr(y) = w0(y.a) + w1(y.b)\n";

static const char *const along[FORMS] = {
  "along(p, q) = p*q\n", "along(p, q) = sum(p*q)\n", "along(p, q) = sum(p*q)\n",
  "along(p, q) = p.a*q.a + sum(p.b*q.b)\n",
};

/* total(x, c): a scalar made from E(x); c is for clip_by_hand alone. */
static void put_total(Buf *b, const Case *k) {
  static const char *const by_element[] = {"w0", "w1", "w2", "wr"};
  static const char *const arguments[] = {"[x, 0.5*x + 0.3, x*x]", "x", "x", "x.a*x.b"};
  const ArrayRow *a = k->row->array;
  if (k->row->clip) buf_printf(b, "total(x, c) = %s(E(sin(x)))\n", by_element[k->form]);
  else if (a)
    buf_printf(b, "total(x, c) = { t = w%d(E(%s)); t + 0.1*t^2 }\n",
               k->form == MATRIX ? a->matrix_rank : a->vector_rank, arguments[k->form]);
  else
    buf_printf(b, "total(x, c) = { t = %s(E(x)*(1 + 0.2*x)); t + 0.1*t^2 }\n",
               by_element[k->form]);
}

/* The same total with each element's factor put there by a linear control: what arrives is
 * c times its weight. */
static void put_total_by_hand(Buf *b, const Case *k) {
  static const char *const total[] = {
    "h0(x, c)",
    "h1(x, c, n)",
    "{ W = [0.7 - 0.4*i + 0.3*j for i < 2, j < 3]; sum(W*grad_scale(sin(x), factor(c*W))) }",
    "h0(x.a, c) + h1(x.b, c, 2)",
  };
  buf_printf(b, "factor(u) = %s\n", k->row->clip->factor);
  buf_puts(b, "h0(x, c) = 0.7*grad_scale(sin(x), factor(0.7*c))\n"
              "h1(x, c, n) = { W = [0.7 - 0.4*i for i < n]; sum(W*grad_scale(sin(x), factor(c*W))) }\n");
  if (k->form == VECTOR) buf_puts(b, "total(x, c) = h1(x, c, 3)\n");
  else buf_printf(b, "total(x, c) = %s\n", total[k->form]);
}

/* f, in its context; points move toward the middle, where the row is defined. */
static void put_function(Buf *b, const Case *k) {
  static const char *const first[] = {"x", "x[0]", "x[0, 0]", "x.a"};
  double middle = (k->row->lo + k->row->hi)/2;
  buf_printf(b, "f(x: %s): real = ", type_words(k));
  switch (k->context) {
  case PLAIN: buf_puts(b, "total(x, 1.0)\n"); break;
  case COMPREHENSION:
    buf_printf(b, "sum(total(x + 0.1*k*(%.17g - x), 1.0) for k < 3)\n", middle);
    break;
  case IN_FOLD:
    if (k->row->clip)
      buf_printf(b, "fold s = 0.0 for t < 3 { 0.5*s + total(x + 0.1*t*(%.17g - x), 0.5^(2 - t)) }\n",
                 middle);
    else
      buf_printf(b, "{\n  (p, q) = fold (s, z) = (0.0, x) for t < 3 {\n"
                 "    (0.5*s + total(z, 1.0), z + (0.1 + 0.05*tanh(s))*(%.17g - z))\n  }\n  p\n}\n",
                 middle);
    break;
  default:
    buf_printf(b, "if %s > -100 then total(x, 1.0) else log(-1 - %s^2)\n", first[k->form],
               first[k->form]);
  }
}

static void put_text(Buf *b, const Case *k, bool by_hand) {
  const char *t = type_words(k);
  buf_puts(b, sums);
  buf_puts(b, along[k->form]);
  put_row(b, k);
  if (by_hand) put_total_by_hand(b, k);
  else put_total(b, k);
  put_function(b, k);
  buf_printf(b, "fr(x: %s, v: %s): %s = jvp(grad(f(x), x), x, v)\n", t, t, t);
  buf_printf(b, "rr(x: %s, v: %s): %s = grad(along(grad(f(x), x), v), x)\n", t, t, t);
}

static Module *read_module(Case *k, bool by_hand) {
  Buf b;
  buf_init(&b, k->c);
  put_text(&b, k, by_hand);
  k->text = intern_z(k->c, buf_text(&b));
  Module *m = module_new(k->c);
  uint32_t file = source_add(k->c, "row.gc", k->text, strlen(k->text));
  module_add(m, parse(k->c, file, PARSE_FILE, NULL), false);
  return m;
}

/* ---- points ------------------------------------------------------------------------ */

static void add_leaf(Point *p, uint32_t rank, const int64_t *dim) {
  Value *leaf = &p->leaf[p->nleaves++];
  *leaf = (Value){.elem = ELEM_REAL, .rank = rank, .data = p->number + p->n};
  uint32_t n = 1;
  for (uint32_t k = 0; k < rank; k++) n *= (uint32_t)(leaf->dim[k] = dim[k]);
  p->n += n;
}

/* Numbers that float holds, too. */
static void set_point(Point *p, const Case *k, const double unit[MOST], double middle, double half) {
  static const int64_t two = 2, three = 3, two_by_three[] = {2, 3};
  *p = (Point){.n = 0};
  if (k->form == VECTOR) add_leaf(p, 1, &three);
  else if (k->form == MATRIX) add_leaf(p, 2, two_by_three);
  else add_leaf(p, 0, NULL);
  if (k->form == RECORD) add_leaf(p, 1, k->row->array ? &three : &two);
  for (uint32_t i = 0; i < p->n; i++)
    p->number[i] = (double)(float)(middle + half*unit[(i + k->form) % MOST]);
}

static void set_points(Case *k) {
  static const double place[MOST] = {0.37, -0.61, 0.73, -0.29, 0.8, -0.47};
  static const double direction[MOST] = {0.6, -1.1, 0.8, 1.3, -0.7, 0.4};
  const Row *r = k->row;
  set_point(&k->x, k, place, (r->lo + r->hi)/2, (r->hi - r->lo)/2);
  set_point(&k->v, k, direction, 0, 1);
}

/* ---- programs ------------------------------------------------------------------------ */

static Prog *program(Case *k, const char *function, DerivKind kind) {
  const char *wrt[] = {"x"};
  Request q = {.function = function, .kind = kind, .wrt = wrt, .nwrt = kind != DERIV_VALUE};
  return elaborate_function(k->m, &q);
}

/* Values for the root's parameters: sizes, the leaves of x, those of v. */
static Value *arguments(Case *k, Prog *p) {
  static const int64_t three = 3;
  Value *in = NEWN(k->c, Value, p->sig.params.n + 1);
  uint32_t leaf = 0;
  for (uint32_t i = 0; i < p->sig.params.n; i++) {
    if (p->sig.params.at[i].is_size) in[i] = (Value){.elem = ELEM_INT, .data = &three};
    else if (leaf < k->x.nleaves) in[i] = k->x.leaf[leaf++];
    else in[i] = k->v.leaf[leaf++ - k->x.nleaves];
  }
  return in;
}

static uint32_t first_leaf(const Prog *p) {
  uint32_t k = 0;
  while (k < p->sig.params.n && p->sig.params.at[k].is_size) k++;
  return k;
}

static uint32_t count_of(const Value *v) {
  uint32_t n = 1;
  for (uint32_t k = 0; k < v->rank; k++) n *= (uint32_t)v->dim[k];
  return n;
}

/* ---- the truth ------------------------------------------------------------------------ */

/* d results[from…] / d x[at], element by element. */
static void differences(Case *k, Prog *p, uint32_t at, uint32_t from, double *to) {
  Value *out = NEWN(k->c, Value, p->root->results.n);
  uint32_t leaf = 0, element = at;
  while (element >= count_of(&k->x.leaf[leaf])) element -= count_of(&k->x.leaf[leaf++]);
  Status s = interpret_difference(p, arguments(k, p), p->sig.params.n, first_leaf(p) + leaf,
                                  element, NULL, out);
  if (s == (Status)DIFFERENCE_KINK) internal_error(k->c, "the point is at a kink");
  if (s == (Status)DIFFERENCE_NONLINEAR) internal_error(k->c, "the rule is not linear");
  if (s != GC_OK) diag_raise(k->c, s);
  for (uint32_t r = from; r < p->root->results.n; r++)
    for (uint32_t j = 0; j < count_of(&out[r]); j++) *to++ = ((const double *)out[r].data)[j];
}

/* A rule need not be the derivative of anything, so the matrix of second derivatives need
 * not be symmetric: forward mode goes along its columns, reverse mode along its rows. */
static void find_truth(void *arg) {
  Case *k = arg;
  double second[MOST];
  k->m = read_module(k, k->row->clip != NULL);
  Prog *value = program(k, "f", DERIV_VALUE), *gradient = program(k, "f", DERIV_GRAD);
  Value out;
  if (interpret(value, arguments(k, value), value->sig.params.n, 128, NULL, &out) != GC_OK)
    internal_error(k->c, "the value cannot be interpreted");
  k->value = *(const double *)out.data;
  for (uint32_t i = 0; i < k->x.n; i++) {
    differences(k, value, i, 0, &k->truth[REVERSE][i]);
    k->truth[FORWARD][0] += k->truth[REVERSE][i]*k->v.number[i];
    differences(k, gradient, i, 1, second);
    for (uint32_t j = 0; j < k->x.n; j++) {
      k->truth[FORWARD_REVERSE][j] += second[j]*k->v.number[i];
      k->truth[REVERSE_REVERSE][i] += second[j]*k->v.number[j];
    }
  }
  memcpy(k->truth[HVP], k->truth[k->row->clip ? REVERSE_REVERSE : FORWARD_REVERSE],
         sizeof k->truth[HVP]);
  memcpy(k->truth[PRINTED], k->truth[REVERSE], sizeof k->truth[HVP]);
  memcpy(k->truth[PRINTED_AGAIN], k->truth[REVERSE_REVERSE], sizeof k->truth[HVP]);
}

/* ---- what comes out ------------------------------------------------------------------- */

static bool near(Case *k, const double *got, uint32_t n) {
  const double *want = k->truth[k->mode];
  double scale = 0.1;
  for (uint32_t i = 0; i < n; i++) scale = fmax(scale, fabs(want[i]));
  for (uint32_t i = 0; i < n; i++)
    if (!(fabs(got[i] - want[i]) <= (k->c->opt.real_float ? 1e-4 : 1e-9)*scale)) return false;
  return true;
}

static const char *numbers(Ctx *c, const double *x, uint32_t n) {
  Buf b;
  buf_init(&b, c);
  for (uint32_t i = 0; i < n; i++) buf_printf(&b, " %.17g", x[i]);
  return buf_text(&b);
}

static void compare(Case *k, const char *who, const double *got, uint32_t n) {
  if (n != (k->mode == FORWARD ? 1 : k->x.n)) internal_error(k->c, "%u results by %s", n, who);
  if (near(k, got, n)) return;
  fail_at(k->c, (Span){0}, NULL, "%s gives%s, but it is%s", who, numbers(k->c, got, n),
          numbers(k->c, k->truth[k->mode], n));
}

/* Elements of the results after the first `from`, as double. */
static uint32_t gather(Prog *p, const Value *out, uint32_t from, double got[MOST]) {
  uint32_t n = 0;
  for (uint32_t r = from; r < p->root->results.n; r++)
    for (uint32_t j = 0; j < count_of(&out[r]) && n < MOST; j++)
      got[n++] = ((const double *)out[r].data)[j];
  return n;
}

/* Is the first result the value? */
static bool gives_value(const Case *k) {
  return k->mode == FORWARD || k->mode == REVERSE || k->mode == HVP;
}

/* Differentiating changes no value. */
static void compare_value(Case *k, const char *who, double got) {
  double gap = fabs(got - k->value), size = fmax(fabs(k->value), 0.1);
  if (gap <= (k->c->opt.real_float ? 1e-5 : 1e-12)*size) return;
  fail_at(k->c, (Span){0}, NULL, "the value by %s is %.17g, but it is %.17g", who, got, k->value);
}

static void run_interpreter(Case *k, Prog *p, uint32_t from) {
  Host host = {.ctx = k->c};
  Value *out = NEWN(k->c, Value, p->root->results.n);
  double got[MOST];
  Status s = interpret(p, arguments(k, p), p->sig.params.n, 0, &host, out);
  if (s != GC_OK) diag_raise(k->c, s);
  compare(k, "the interpreter", got, gather(p, out, from, got));
  if (gives_value(k)) compare_value(k, "the interpreter", *(const double *)out[0].data);
}

static JitArg jit_argument(Case *k, const Value *v) {
  if (v->elem == ELEM_INT) return (JitArg){.i = *(const int64_t *)v->data};
  const double *x = v->data;
  if (v->rank == 0) return (JitArg){.r = *x};
  if (!k->c->opt.real_float) return (JitArg){.p = x};
  float *narrow = NEWN(k->c, float, MOST);
  for (uint32_t i = 0; i < count_of(v); i++) narrow[i] = (float)x[i];
  return (JitArg){.p = narrow};
}

/* Sizes of results are those of x, or none. */
static void run_jit(Case *k, Prog *p, uint32_t from) {
  Host host = {.ctx = k->c};
  const Value *in = arguments(k, p);
  JitArg arg[2*LEAVES + 1];
  void *out[RESULTS];
  double got[MOST];
  uint32_t n = 0;
  for (uint32_t i = 0; i < p->sig.params.n; i++) arg[i] = jit_argument(k, &in[i]);
  for (uint32_t r = 0; r < p->root->results.n; r++) out[r] = NEWN(k->c, double, MOST);
  Status s = jit_call(jit_tcc(p, true), arg, out, &host);
  if (s != GC_OK) diag_raise(k->c, s);
  for (uint32_t r = from; r < p->root->results.n; r++) {
    uint32_t count = k->mode == FORWARD ? 1 : count_of(&k->x.leaf[r - from]);
    for (uint32_t j = 0; j < count; j++)
      got[n++] = k->c->opt.real_float ? (double)((float *)out[r])[j] : ((double *)out[r])[j];
  }
  compare(k, "the JIT", got, n);
  if (gives_value(k)) compare_value(k, "the JIT", k->c->opt.real_float ? (double)*(float *)out[0] : *(double *)out[0]);
}

/* The gradient as `diff` prints it, read back: itself, or a product with its Jacobian.  There
 * a record's leaves are parameters of their own. */
static Prog *printed_program(Case *k, DerivKind kind) {
  const char *x[] = {"x"}, *leaves[] = {"x_a", "x_b"};
  Buf b;
  buf_init(&b, k->c);
  Prog *p = optimize_for_reading(elaborate_diff(k->m, "f", NULL, x, 1, 1));
  emit_language(p, &b, false);
  Request q = {.function = p->sig.name, .kind = kind, .wrt = k->form == RECORD ? leaves : x};
  if (kind != DERIV_VALUE) q.nwrt = k->x.nleaves;
  Module *m = module_new(k->c);
  uint32_t file = source_add(k->c, "printed.gc", buf_text(&b), b.n);
  module_add(m, parse(k->c, file, PARSE_FILE, NULL), false);
  return elaborate_function(m, &q);
}

static Prog *mode_program(Case *k) {
  switch (k->mode) {
  case FORWARD: return program(k, "f", DERIV_JVP);
  case REVERSE: return program(k, "f", DERIV_GRAD);
  case FORWARD_REVERSE: return program(k, "fr", DERIV_VALUE);
  case REVERSE_REVERSE: return program(k, "rr", DERIV_VALUE);
  case HVP: return program(k, "f", DERIV_HVP);
  case PRINTED: return printed_program(k, DERIV_VALUE);
  default: return printed_program(k, DERIV_VJP);
  }
}

/* The derivative is the last results, after the value. */
static void run_mode(void *arg) {
  Case *k = arg;
  Prog *p = optimize(mode_program(k), NULL);
  uint32_t wanted_results = k->mode == FORWARD ? 1 : k->x.nleaves;
  if (p->root->results.n > RESULTS) internal_error(k->c, "too many results");
  run_interpreter(k, p, p->root->results.n - wanted_results);
  run_jit(k, p, p->root->results.n - wanted_results);
}

/* ---- cases ------------------------------------------------------------------------------ */

static const char *first_error(Ctx *c) {
  for (uint32_t k = 0; k < diag_count(c); k++)
    if (diag_get(c, k)->severity == SEV_ERROR) return diag_get(c, k)->text;
  return "no message";
}

static void complain(const Case *k, const char *mode, const char *what) {
  printf("FAIL %s, %s, %s, %s, %s: %s\n", k->row->name, form_names[k->form],
         context_names[k->context], mode, k->c->opt.real_float ? "float" : "double", what);
  if (getenv("TEXT")) printf("%s\n", k->text ? k->text : "");
}

/* Forward mode through a rule that is not linear: the error that names it. */
static bool refused(Case *k, Status s) {
  const char *what = first_error(k->c), *name = k->row->clip->expression;
  return s == GC_ERROR && strstr(what, "not linear") && !strncmp(strchr(what, '\'') + 1, name,
                                                                strcspn(name, "("));
}

static void try_mode(Case *k, Mode mode) {
  k->mode = mode;
  diag_clear(k->c);
  Status s = ctx_try(k->c, run_mode, k);
  bool forward = mode == FORWARD || mode == FORWARD_REVERSE;
  bool good = k->row->clip && forward ? refused(k, s) : s == GC_OK;
  if (good) {
    passed++;
    return;
  }
  failed++;
  complain(k, mode_names[mode], s == GC_OK ? "there is no error" : first_error(k->c));
}

static void read_again(void *arg) {
  Case *k = arg;
  k->m = read_module(k, false);
}

/* All modes in one precision. */
static void try_modes(Case *k, Ctx *c) {
  k->c = c;
  if (ctx_try(c, read_again, k) != GC_OK) {
    complain(k, "reading", first_error(c));
    failed += c->opt.real_float ? FLOAT_MODES : MODES;
    return;
  }
  for (int mode = 0; mode < (c->opt.real_float ? FLOAT_MODES : MODES); mode++)
    try_mode(k, (Mode)mode);
}

static Ctx *new_context(void) {
  Ctx *c = ctx_new(NULL, NULL);
  if (!c) abort();
  return c;
}

static void try_case(const Row *row, Form form, Context context) {
  Case k = {.row = row, .form = form, .context = context, .c = new_context()};
  Ctx *in_double = k.c, *in_float = new_context();
  in_float->opt.real_float = true;
  set_points(&k);
  Status s = ctx_try(k.c, find_truth, &k);
  if (s == GC_OK) {
    try_modes(&k, in_double);
    try_modes(&k, in_float);
  } else {
    complain(&k, "differences", first_error(k.c));
    failed += BOTH_MODES;
  }
  ctx_free(in_double);
  ctx_free(in_float);
}

static void try_row(const Row *row) {
  static uint32_t number;
  const char *full = getenv("FULL");
  uint32_t sample = full && *full && strcmp(full, "0") ? 1 : SAMPLE;
  for (Form form = 0; form < FORMS; form++)
    for (Context context = 0; context < CONTEXTS; context++, number++) {
      if (number / sample % WORKERS != worker) continue;
      if (number % sample) left_out += BOTH_MODES;
      else try_case(row, form, context);
    }
}

/* ---- rows ------------------------------------------------------------------------------- */

static const char *only = "";

static bool wanted(const char *name) {
  return strstr(name, only) != NULL;
}

static void check(bool good, const char *name, const char *what) {
  if (worker) return;
  if (good) passed++;
  else failed++;
  if (!good) printf("FAIL %s: %s\n", name, what);
}

static bool takes_real(const Prim *p, uint32_t k) {
  switch (p->type) {
  case PT_REAL: case PT_NUM: return true;
  case PT_SELECT: case PT_INT_REAL: return k > 0;
  case PT_REAL_INT: return k == 0;
  default: return false;
  }
}

/* A call of a primitive on x, y, z. */
static const char *call_text(Ctx *c, uint32_t id) {
  const Prim *p = prim_get(id);
  if (id == P_NEG) return "-x*x";
  switch (p->type) {
  case PT_SELECT: return "select(x > y, x^2, sin(y))";
  case PT_CMP: return str_printf(c, "select(x %s y, x^2, sin(y))", p->name);
  case PT_BOOL:
    return p->arity == 1 ? str_printf(c, "select(%s (x > y), x^2, sin(y))", p->name)
                         : str_printf(c, "select((x > y) %s (z > y), x^2, sin(y))", p->name);
  case PT_TEST: return str_printf(c, "select(%s(x), x^2, sin(y))", p->name);
  case PT_INT_REAL: return str_printf(c, "%s(1, x)", p->name);
  case PT_REAL_INT: return str_printf(c, "%s(x, 2)", p->name);
  default: break;
  }
  if (id == P_CLAMP) return "clamp(x, 0.3*x - 0.8, 0.2*x + 0.9)";
  if (!isalpha((unsigned char)*p->name)) return str_printf(c, "x %s y", p->name);
  return str_printf(c, "%s(%s)", p->name, p->arity == 1 ? "x" : p->arity == 2 ? "x, y" : "x, y, z");
}

static void try_primitives(Ctx *c) {
  for (uint32_t id = 0; id < PRIM_COUNT; id++) {
    const Prim *p = prim_get(id);
    if (!wanted(p->name)) continue;
    for (uint32_t k = 0; k < p->arity; k++)
      if (takes_real(p, k)) check(p->d[k] != NULL, p->name, "there is no derivative");
    Row row = {.name = p->name, .expression = call_text(c, id), .lo = p->lo, .hi = p->hi};
    try_row(&row);
  }
}

static void try_arrays(void) {
  for (size_t k = 0; k < sizeof array_rows / sizeof *array_rows; k++) {
    const ArrayRow *a = &array_rows[k];
    Row row = {.name = a->name, .defs = a->defs, .array = a, .lo = -1.3, .hi = 1.7};
    if (wanted(a->name)) try_row(&row);
  }
}

static void try_controls(void) {
  for (size_t k = 0; k < sizeof control_rows / sizeof *control_rows; k++) {
    const ControlRow *r = &control_rows[k];
    Row row = {.name = r->name, .defs = r->defs, .expression = r->expression, .lo = -1.3, .hi = 1.7};
    if (wanted(r->name)) try_row(&row);
  }
  for (size_t k = 0; k < sizeof clip_rows / sizeof *clip_rows; k++) {
    const ClipRow *r = &clip_rows[k];
    Row row = {.name = r->name, .defs = r->defs, .clip = r, .lo = -1.3, .hi = 1.7};
    if (wanted(r->name)) try_row(&row);
  }
}

static bool has_row(const char *name) {
  for (size_t k = 0; k < sizeof array_rows / sizeof *array_rows; k++)
    if (!strcmp(array_rows[k].name, name)) return true;
  for (size_t k = 0; k < sizeof control_rows / sizeof *control_rows; k++)
    if (!strcmp(control_rows[k].name, name)) return true;
  for (size_t k = 0; k < sizeof clip_rows / sizeof *clip_rows; k++)
    if (!strcmp(clip_rows[k].name, name)) return true;
  return prim_find(name) >= 0;
}

/* Every built-in that help lists is in a table. */
static void look_for_rows(void) {
  const char *name, *doc, *example;
  for (uint32_t k = 0; builtin_doc(k, &name, &doc, &example); k++)
    if (wanted(name)) check(has_row(name), name, "there is no row of table_rows.h for it");
}

static void try_all(void) {
  Ctx *c = new_context();
  look_for_rows();
  try_primitives(c);
  try_arrays();
  try_controls();
  ctx_free(c);
}

/* A process for the second half, which sends its counts. */
static pid_t start_worker(int from[2]) {
  if (pipe(from) != 0) return -1;
  fflush(stdout);
  pid_t child = fork();
  if (child != 0) return child;
  worker = 1;
  try_all();
  uint64_t counts[] = {passed, failed, left_out};
  bool sent = write(from[1], counts, sizeof counts) == (ssize_t)sizeof counts;
  fflush(stdout);
  _exit(sent ? 0 : 1);
}

/* A worker that died is a failure. */
static void add_worker(pid_t child, const int from[2]) {
  uint64_t counts[3] = {0, 1, 0};
  int status;
  close(from[1]);
  if (read(from[0], counts, sizeof counts) != (ssize_t)sizeof counts)
    printf("FAIL the second process ended early\n");
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  passed += counts[0];
  failed += counts[1];
  left_out += counts[2];
}

int main(int argc, char **argv) {
  int from[2];
  if (argc > 1) only = argv[1];
  pid_t child = start_worker(from);
  if (child < 0) return perror("test_table"), 1;
  try_all();
  add_worker(child, from);
  if (left_out)
    printf("%llu of %llu cases left out (FULL=1 runs them)\n", (unsigned long long)left_out,
           (unsigned long long)(left_out + passed + failed));
  printf("table of derivatives: %llu passed, %llu failed\n", (unsigned long long)passed,
         (unsigned long long)failed);
  return failed != 0;
}
