/* test_simplify.c - derivatives as people read them: expression in, text out.
 *
 * Each derivative is also read back and printed again, which has to give the same text.
 * The passes themselves are tested by tests/passes/erase.txt and simplify.txt. */
#include "elaborate/elaborate.h"
#include "emit/emit.h"
#include "optimize/optimize.h"

#include "checks.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Ctx *c;

static void setup(void) {
  c = ctx_new(NULL, NULL);
  ck_assert_ptr_nonnull(c);
}

static void teardown(void) {
  ctx_free(c);
  c = NULL;
}

/* ---- derivatives as text ---------------------------------------------------- */

typedef struct Job {
  const char *source, *function, *expression, *wrt;
  uint32_t order;
  bool latex;
  const char *text;
} Job;

static Ast *parse_text(const char *text, ParseStart start) {
  return parse(c, source_add(c, "test", text, strlen(text)), start, NULL);
}

static void derive(void *arg) {
  Job *j = arg;
  Module *m = module_new(c);
  if (j->source) module_add(m, parse_text(j->source, PARSE_FILE), false);
  Ast *e = j->expression ? parse_text(j->expression, PARSE_ENTRY)->kid[0]->kid[0] : NULL;
  const char *wrt = intern_z(c, j->wrt);
  Prog *p = elaborate_diff(m, j->function ? intern_z(c, j->function) : NULL, e, &wrt, 1, j->order);
  if (e) p->sig.name = NULL;
  p = optimize_for_reading(p);
  ir_verify(p, "reading");
  Buf b;
  buf_init(&b, c);
  emit_language(p, &b, j->latex);
  j->text = buf_text(&b);
}

static const char *messages(void) {
  Buf b;
  buf_init(&b, c);
  for (uint32_t k = 0; k < diag_count(c); k++) diag_render(c, k, &b, false);
  return buf_text(&b);
}

/* The derivative's text without its last newline. */
static const char *text_of(Job j) {
  if (ctx_try(c, derive, &j)) return str_printf(c, "failed: %s", messages());
  return str_printf(c, "%.*s", (int)strlen(j.text) - 1, j.text);
}

typedef struct Row { const char *expression; uint32_t order; const char *text; } Row;

static const Row rows[] = {
  {"x^2*sin(x)", 1, "2*x*sin(x) + x^2*cos(x)"},
  {"x^2*sin(x)", 2, "4*x*cos(x) + 2*sin(x) - x^2*sin(x)"},
  {"x^3 + x^2", 1, "3*x^2 + 2*x"},
  {"x^2 + x^3 - stop_gradient(x^3)", 1, "2*x + 3*x^2"},
  {"2*stop_gradient(x^2) - x^2", 1, "-2*x"},
  {"exp(-x^2)", 1, "-2*x*exp(-x^2)"},
  {"exp(-x^2)", 2, "4*x^2*exp(-x^2) - 2*exp(-x^2)"},
  {"log(x)", 1, "1/x"},
  {"log(x)", 2, "-1/x^2"},
  {"log(x)", 3, "2/x^3"},
  {"sqrt(x)", 1, "0.5/sqrt(x)"},
  {"sqrt(x)", 2, "-0.25/sqrt(x)^3"},
  {"tanh(x)", 1, "1 - tanh(x)^2"},
  {"x^n", 1, "if n == 0 then 0 else n*x^(n - 1)"},
  {"sin(cos(x))", 1, "-cos(cos(x))*sin(x)"},
  {"1/x", 1, "-1/x^2"},
  {"x/n", 1, "1/n"},
  {"(n*x - 1)^2", 1, "2*n*(n*x - 1)"},
  {"sigmoid(x)", 1, "sigmoid(x)*(1 - sigmoid(x))"},
  {"x^2.5", 1, "2.5*x^1.5"},
  {"(x + 1)*(x - 1)", 1, "2*x"},
  {"x*exp(x)", 1, "x*exp(x) + exp(x)"},
  {"sin(x)/x", 1, "cos(x)/x - sin(x)/x^2"},
  {"3*x", 1, "3"},
  {"x - x^2/2 + x^3/6", 1, "1 - x + 0.5*x^2"},
  {"cos(x)*cos(x)", 1, "-2*cos(x)*sin(x)"},
  {"relu(x)*n", 1, "n*heaviside(x)"},
  {"max(x, n)", 1, "if x > n then 1 else if x == n then 0.5 else 0"},
  {"if x > 0 then x^2 else -x", 1, "if x > 0 then 2*x else -1"},
  {"stop_gradient(x)*x", 1, "stop_gradient(x)"},
  {"grad_reverse(x)^2", 1, "-2*grad_reverse(x)"},
  {"grad_reverse(x, n)^3", 1, "-3*stop_gradient(n)*grad_reverse(x, n)^2"},
  {"grad_scale(x, n)^3", 1, "3*stop_gradient(n)*grad_scale(x, n)^2"},
  {"straight_through(round(x), x^2)", 1, "2*x"},
};

START_TEST(reads_as_written_by_hand) {
  const Row *r = &rows[_i];
  Job j = {.expression = r->expression, .wrt = "x", .order = r->order};
  ck_assert_str_eq(text_of(j), r->text);
}
END_TEST

/* The text of an expression: its "derivative of order 0". */
static const char *again(const char *text) {
  Job j = {.expression = text, .wrt = "x", .order = 0};
  return text_of(j);
}

START_TEST(reads_back) {
  ck_assert_str_eq(again(rows[_i].text), rows[_i].text);
}
END_TEST

static const Row latex_rows[] = {
  {"x^2*sin(x)", 1, "2 x \\sin\\left(x\\right) + x^{2} \\cos\\left(x\\right)"},
  {"sqrt(x)", 1, "\\frac{0.5}{\\sqrt{x}}"},
  {"exp(-x^2)", 1, "-2 x e^{-x^{2}}"},
  {"2^3*x*alpha*w_1", 1, "8 \\alpha w_{1}"},
  {"x^n", 1, "\\begin{cases} 0 & \\text{if } n = 0 \\\\ n x^{n - 1} & \\text{otherwise} "
             "\\end{cases}"},
};

START_TEST(latex) {
  const Row *r = &latex_rows[_i];
  Job j = {.expression = r->expression, .wrt = "x", .order = r->order, .latex = true};
  ck_assert_str_eq(text_of(j), r->text);
}
END_TEST

/* ---- functions ------------------------------------------------------------------- */

static const char *const source =
  "f(x) = x^2\n"
  "g(x) = x^3\n"
  "add_gradient(x) = f(x) + g(x) - stop_gradient(g(x))\n"
  "reverse(x) = 2*stop_gradient(f(x)) - f(x)\n"
  "cube(x) = x^3\n"
  "custom_gradient cube(x; up) = up*x\n"
  "twice(x: real) = cube(cube(x))\n"
  "powers(n: int, x: real) = sum(x^i for i < n)\n";

typedef struct Call { const char *function, *text; } Call;

static const Call calls[] = {
  {"add_gradient", "add_gradient_grad_x(x: real) = 2*x + 3*x^2"},
  {"reverse", "reverse_grad_x(x: real) = -2*x"},
  {"twice", "cube(x) = x^3\ncustom_gradient cube(x; up) = up*x\n"
            "twice_grad_x(x: real) = cube(x)*x"},
  {"powers", "powers_grad_x(n: int, x: real) = "
             "sum(if i == 0 then 0 else i*x^(i - 1) for i < n)"},
};

START_TEST(functions) {
  const Call *k = &calls[_i];
  Job j = {.source = source, .function = k->function, .wrt = "x", .order = 1};
  ck_assert_str_eq(text_of(j), k->text);
}
END_TEST

/* ---- structured programs, from dumps -------------------------------------------------- */

typedef struct Dumped { const char *dump, *text; } Dumped;

static const Dumped dumps[] = {
  {"program \"g\" (%1 n: int, %2 X: real[%1], %3 idx: int[5]) {\n"
   " %4: real[%1] = fill(0.0)\n"
   " %5 = accum(%4) (%6 A: acc real[%1]) {\n"
   "  %7 = loop(5) (%8 k: int) {\n"
   "   %9 = %3[%8]\n"
   "   %10 = %2[%9] checked\n"
   "   '%11 = 2.0 * %10\n"
   "   %6[%9] += %11 checked\n"
   "  }\n }\n %12 = %5.0\n => %12 }\n"
   "takes size n = %1, X = %2, idx = %3 gives out = %12",
   "g(X: real[n], idx: int[5]) = "
   "fold A = zeros(n) for k < 5 { A with [idx[k]] = A[idx[k]] + 2*X[idx[k]] }\n"},
  {"program \"w\" (%1 x: real, %2 c: bool) {\n"
   " %3 = while(100, %1) (%4 a: real) { %5 = %4 < 10.0 => %5 }\n"
   "  (%6 a: real) { %7 = %6 * 2.0 => %7 }\n"
   " %8 = %3.0\n %9 = %3.1\n"
   " %10 = if(%2) { %11 = sin(%8) => %11, 1.0 } else { => %8, 2.0 }\n"
   " %12 = %10.0\n %13 = %10.1\n => %12, %13, %9 }\n"
   "takes x = %1, c = %2 gives p = %12, q = %13, r = %9",
   "w(x: real, c: bool) = {\n"
   "  (t1, t2) = loop (a, count) = (x, 0) while a < 10 at most 100 { (a*2, count + 1) }\n"
   "  (t3, t4) = if c then (sin(t1), 1.0) else (t1, 2)\n"
   "  (t3, t4, t2)\n}\n"},
  {"program \"s\" (%1 n: int, %2 A: real[%1, %1]) {\n"
   " %3 = loop(%1, %1) (%4 i: int, %5 j: int) {\n"
   "  %6 = %2[%4, %5] %7 = real(%4) %8 = %6 * %7 => sum %8, max %6, build %8 }\n"
   " %9 = %3.0\n %10 = %3.1\n %11 = %3.2\n => %9, %10, %11 }\n"
   "takes size n = %1, A = %2 gives a = %9, b = %10, c = %11",
   "s(A: real[n, n]) = (sum(A[i, j]*i for i < n, j < n), max(A[i, j] for i < n, j < n), "
   "[A[i, j]*i for i < n, j < n])\n"},
};


static void print_dump(void *arg) {
  Dumped *k = arg;
  Prog *p = ir_read_text(c, source_add(c, "dump", k->dump, strlen(k->dump)));
  Buf b;
  buf_init(&b, c);
  emit_language(p, &b, false);
  k->text = buf_text(&b);
}

START_TEST(structured) {
  Dumped k = {.dump = dumps[_i].dump};
  ck_assert_msg(!ctx_try(c, print_dump, &k), "%s", messages());
  ck_assert_str_eq(k.text, dumps[_i].text);
}
END_TEST

/* ---- long programs ------------------------------------------------------------------------ */

enum { LONG = 50000 };

/* Deep in every way: nested calls, products, a sum with controls at each step. */
static void long_chain(void *arg) {
  size_t *length = arg;
  Prog *p = prog_new(c);
  Ref x = ir_param(p, type_scalar(p, ELEM_REAL)), y = x, sum = x;
  p->derivative = true;
  for (int i = 0; i < LONG; i++) {
    y = ir_mul(p, ir_prim1(p, P_SIN, y), ir_real(p, 1 + i));
    sum = ir_sub(p, ir_add(p, sum, y), ir_stop(p, y));
  }
  ir_result(p, sum);
  SigParam param = {.name = "x", .ref = x};
  SigResult result = {.name = "out", .ref = sum};
  VEC_PUSH(c, &p->sig.params, param);
  VEC_PUSH(c, &p->sig.results, result);
  Buf b;
  buf_init(&b, c);
  emit_language(opt_simplify(p), &b, false);
  *length = b.n;
  buf_init(&b, c);
  emit_language(opt_simplify(opt_erase(p)), &b, false);
  ck_assert_str_eq(buf_text(&b), "x\n");
}

START_TEST(a_long_chain) {
  size_t length = 0;
  ck_assert_msg(!ctx_try(c, long_chain, &length), "%s", messages());
  ck_assert_uint_gt(length, LONG);
}
END_TEST

int main(void) {
  Suite *s = suite_create("simplify");
  TCase *t = tcase_create("simplify");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 120);
  tcase_add_loop_test(t, reads_as_written_by_hand, 0, sizeof rows / sizeof *rows);
  tcase_add_loop_test(t, reads_back, 0, sizeof rows / sizeof *rows);
  tcase_add_loop_test(t, latex, 0, sizeof latex_rows / sizeof *latex_rows);
  tcase_add_loop_test(t, functions, 0, sizeof calls / sizeof *calls);
  tcase_add_loop_test(t, structured, 0, sizeof dumps / sizeof *dumps);
  tcase_add_test(t, a_long_chain);
  suite_add_tcase(s, t);
  SRunner *run = srunner_create(s);
  srunner_run_all(run, CK_ENV);
  int failed = srunner_ntests_failed(run);
  srunner_free(run);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
