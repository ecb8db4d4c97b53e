/* test_emit.c - programs as dumps, run by the JIT; and the C that they become. */
#include "emit/emit.h"
#include "jit/jit.h"

#include "checks.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Ctx *c;
static Host host;
static Buf written;

static void take_text(void *user, const char *text, size_t n) {
  (void)user;
  buf_add(&written, text, n);
}

static void setup(void) {
  c = ctx_new(NULL, NULL);
  ck_assert_ptr_nonnull(c);
  buf_init(&written, c);
  host = (Host){.ctx = c, .write = take_text};
}

static void teardown(void) {
  ctx_free(c);
}

/* What a test hands over: the dump, its arguments, room for results. */
typedef struct Case {
  const char *dump;
  const JitArg *in;
  void *const *out;
  Status status;
  const char *text;     /* of the C, instead of running it */
  uint32_t max_stmts;
} Case;

static Prog *read_dump(const char *dump) {
  uint32_t file = source_add(c, "test.gc", dump, strlen(dump));
  Prog *p = ir_read_text(c, file);
  p->erased = true;
  return p;
}

static void do_run(void *arg) {
  Case *k = arg;
  Jit *j = jit_tcc(read_dump(k->dump), true);
  k->status = jit_call(j, k->in, k->out, &host);
}

static void do_emit(void *arg) {
  Case *k = arg;
  Prog *p = read_dump(k->dump);
  Buf body, header;
  buf_init(&body, c);
  buf_init(&header, c);
  EmitOptions o = {.prefix = "t", .source_name = "test.gc", .max_stmts = k->max_stmts};
  emit_c(c, &p, 1, &o, &body, &header);
  buf_add(&body, buf_text(&header), header.n);
  k->text = buf_text(&body);
}

static const char *first_message(void) {
  return diag_count(c) ? diag_get(c, 0)->text : "";
}

static Status run(const char *dump, const JitArg *in, void *const *out) {
  Case k = {.dump = dump, .in = in, .out = out};
  Status raised = ctx_try(c, do_run, &k);
  ck_assert_msg(raised == GC_OK, "%s", first_message());
  return k.status;
}

static const char *emitted(const char *dump) {
  Case k = {.dump = dump};
  Status raised = ctx_try(c, do_emit, &k);
  ck_assert_msg(raised == GC_OK, "%s", first_message());
  return k.text;
}

static void has(const char *text, const char *part) {
  ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in:\n%s", part, text);
}

static void has_not(const char *text, const char *part) {
  ck_assert_msg(strstr(text, part) == NULL, "\"%s\" in:\n%s", part, text);
}

/* ---- running ------------------------------------------------------------------- */

START_TEST(scalars) {
  double y;
  JitArg in[] = {{.r = 0.5}, {.r = 2.0}};
  void *out[] = {&y};
  ck_assert_int_eq(run("program \"f\" erased (%1 x: real, %2 y: real) {\n"
                       "  %3: real = %1 ^ 3.0\n  %4: real = sin(%2)\n  %5: real = %3 + %4\n"
                       "  %6: bool = %1 < %2\n  %7: real = select(%6, %5, nan)\n  => %7\n}\n"
                       "takes x = %1, y = %2\ngives out = %7\n", in, out), GC_OK);
  ck_assert_double_eq(y, 0.125 + sin(2.0));
}
END_TEST

static const char reductions_dump[] =
  "program \"f\" erased (%1 n: int, %2 x: real[%1]) {\n"
  "  %3 = loop(%1) (%4 i: int) {\n    %5: real = %2[%4]\n    %6: real = %5 * %5\n"
  "    => build %6, sum %5, max %5, min %5, argmax %5, argmin %5\n  }\n"
  "  %7: real[%1] = %3.0\n  %8: real = %3.1\n  %9: real = %3.2\n  %10: real = %3.3\n"
  "  %11: int = %3.4\n  %12: int = %3.5\n  => %7, %8, %9, %10, %11, %12\n}\n"
  "takes size n = %1, x = %2\n";

START_TEST(reductions) {
  double x[] = {1, 5, -2, 5}, squares[4], sum, top, bottom;
  int64_t imax, imin;
  JitArg in[] = {{.i = 4}, {.p = x}};
  void *out[] = {squares, &sum, &top, &bottom, &imax, &imin};
  ck_assert_int_eq(run(reductions_dump, in, out), GC_OK);
  ck_assert_double_eq(squares[2], 4);
  ck_assert_double_eq(sum, 9);
  ck_assert_double_eq(top, 5);
  ck_assert_double_eq(bottom, -2);
  ck_assert_int_eq(imax, 1);
  ck_assert_int_eq(imin, 2);
}
END_TEST

START_TEST(reductions_over_nothing) {
  double squares[1], sum, top, bottom;
  int64_t imax, imin;
  JitArg in[] = {{.i = 0}, {.p = squares}};
  void *out[] = {squares, &sum, &top, &bottom, &imax, &imin};
  ck_assert_int_eq(run(reductions_dump, in, out), GC_OK);
  ck_assert_double_eq(sum, 0);
  ck_assert(isinf(top) && top < 0);
  ck_assert(isinf(bottom) && bottom > 0);
  ck_assert_int_eq(imax, -1);
}
END_TEST

START_TEST(a_nan_wins) {
  double x[] = {1, NAN, 7}, squares[3], sum, top, bottom;
  int64_t imax, imin;
  JitArg in[] = {{.i = 3}, {.p = x}};
  void *out[] = {squares, &sum, &top, &bottom, &imax, &imin};
  ck_assert_int_eq(run(reductions_dump, in, out), GC_OK);
  ck_assert(isnan(top) && isnan(bottom));
  ck_assert_int_eq(imax, 1);
  ck_assert_int_eq(imin, 1);
}
END_TEST

static const char swap_dump[] =
  "program \"f\" erased (%1 n: int, %2 x: real[%1], %3 y: real[%1], %4 k: int) {\n"
  "  %5 = fold(%4, %2, %3, 1.0, 2.0) (%6 t: int, %7 a: real[%1], %8 b: real[%1], %9 p: real,"
  " %10 q: real) {\n    %11: real = %9 + %10\n    => %8, %7, %10, %11\n  }\n"
  "  %12: real[%1] = %5.0\n  %13: real[%1] = %5.1\n  %14: real = %5.2\n  %15: real = %5.3\n"
  "  => %12, %13, %14, %15\n}\ntakes size n = %1, x = %2, y = %3, k = %4\n";

START_TEST(carried_all_at_once) {
  double x[] = {1, 2}, y[] = {3, 4}, a[2], b[2], p, q;
  JitArg in[] = {{.i = 2}, {.p = x}, {.p = y}, {.i = 3}};
  void *out[] = {a, b, &p, &q};
  ck_assert_int_eq(run(swap_dump, in, out), GC_OK);
  ck_assert_double_eq(a[1], 4);
  ck_assert_double_eq(b[0], 1);
  ck_assert_double_eq(p, 5);
  ck_assert_double_eq(q, 8);
}
END_TEST

/* Element k of the old array is read, replaced and recorded. */
static const char with_dump[] =
  "program \"f\" erased (%1 n: int, %2 x: real[%1]) {\n"
  "  %3 = fold(%1, %2) (%4 t: int, %5 a: real[%1]) {\n    %6: real = %5[%4]\n"
  "    %7: real = %6 * 2.0\n    %8: real[%1] = %5 with [%4] = %7\n    => %8, build %6\n  }\n"
  "  %9: real[%1] = %3.0\n  %10: real[%1] = %3.1\n  => %9, %10\n}\n"
  "takes size n = %1, x = %2\n";

START_TEST(elements_replaced_in_place) {
  double x[] = {1, 2, 3}, a[3], old[3];
  JitArg in[] = {{.i = 3}, {.p = x}};
  void *out[] = {a, old};
  ck_assert_int_eq(run(with_dump, in, out), GC_OK);
  for (int k = 0; k < 3; k++) {
    ck_assert_double_eq(a[k], 2 * x[k]);
    ck_assert_double_eq(old[k], x[k]);
  }
  const char *text = emitted(with_dump);
  has(text, "out[t] = t1*2.0;");
  has_not(text, "_next");
}
END_TEST

START_TEST(accumulators_scatter) {
  double x[] = {1, 2, 4}, a[2];
  int64_t idx[] = {1, 0, 1};
  JitArg in[] = {{.i = 3}, {.p = x}, {.p = idx}};
  void *out[] = {a};
  ck_assert_int_eq(run("program \"f\" erased (%1 n: int, %2 x: real[%1], %3 idx: int[%1]) {\n"
                       "  %4: real[2] = fill(0.0)\n  %5 = accum(%4) (%6: acc real[2]) {\n"
                       "    %7 = loop(%1) (%8 i: int) {\n      %9: int = %3[%8]\n"
                       "      %10: real = %2[%8]\n      %6[%9] += %10 checked\n    }\n  }\n"
                       "  %11: real[2] = %5.0\n  => %11\n}\n"
                       "takes size n = %1, x = %2, idx = %3\n", in, out), GC_OK);
  ck_assert_double_eq(a[0], 2);
  ck_assert_double_eq(a[1], 5);
}
END_TEST

START_TEST(loops_that_end) {
  double y;
  int64_t trips;
  JitArg in[] = {{.r = 5.0}, {.i = 100}};
  void *out[] = {&y, &trips};
  const char *dump =
    "program \"f\" erased (%1 x: real, %2 n: int) {\n  %3 = while(%2, %1) (%4: real) {\n"
    "    %5: bool = %4 > 1.0\n    => %5\n  } (%6: real) {\n    %7: real = %6 / 2.0\n    => %7\n"
    "  }\n  %8: real = %3.0\n  %9: int = %3.1\n  => %8, %9\n}\ntakes x = %1, n = %2\n";
  ck_assert_int_eq(run(dump, in, out), GC_OK);
  ck_assert_double_eq(y, 0.625);
  ck_assert_int_eq(trips, 3);
  ck_assert_uint_eq(diag_count(c), 0);
  in[1].i = 2;
  ck_assert_int_eq(run(dump, in, out), GC_OK);
  ck_assert_int_eq(trips, 2);
  ck_assert_uint_eq(diag_count(c), 1); /* a warning: the trips are used up */
}
END_TEST

START_TEST(sizes_known_at_run_time) {
  double x[] = {3.0, 1.0}, y;
  JitArg in[] = {{.p = x}};
  void *out[] = {&y};
  ck_assert_int_eq(run("program \"f\" erased (%1 x: real[2]) {\n  %2: real = %1[0]\n"
                       "  %3: int = int(%2)\n  %4 = loop(%3) (%5 i: int) {\n"
                       "    %6: real = real(%5)\n    => build %6\n  }\n  %7: real[%3] = %4.0\n"
                       "  %8 = loop(%3) (%9 i: int) {\n    %10: int = %3 - 1\n"
                       "    %11: int = %10 - %9\n    %12: real = %7[%11] checked\n"
                       "    %13: real = %7[%9]\n    %14: real = %12 * %13\n    => sum %14\n  }\n"
                       "  %15: real = %8.0\n  => %15\n}\ntakes x = %1\n", in, out), GC_OK);
  ck_assert_double_eq(y, 0 * 2 + 1 * 1 + 2 * 0);
}
END_TEST

/* ---- failures and effects -------------------------------------------------------- */

START_TEST(subscripts_are_checked) {
  double x[] = {1, 2, 3}, y;
  JitArg in[] = {{.i = 3}, {.p = x}, {.i = 7}};
  void *out[] = {&y};
  const char *dump = "program \"f\" erased (%1 n: int, %2 x: real[%1], %3 k: int) {\n"
                     "  %4: real = %2[%3] checked\n  => %4\n}\ntakes size n = %1, x = %2, k = %3\n";
  ck_assert_int_eq(run(dump, in, out), GC_ERROR);
  ck_assert_str_eq(first_message(), "index 7 is out of range for axis 0 of x of size 3");
  has(emitted(dump), "if (k < 0 || k >= n) return 1;");
  has(emitted(dump), "1  test.gc:2:");
}
END_TEST

START_TEST(division_by_zero) {
  int64_t y;
  JitArg in[] = {{.i = 3}, {.i = 0}};
  void *out[] = {&y};
  ck_assert_int_eq(run("program \"f\" erased (%1 a: int, %2 b: int) {\n  %3: int = %1 // %2\n"
                       "  => %3\n}\ntakes a = %1, b = %2\n", in, out), GC_ERROR);
  ck_assert_str_eq(first_message(), "division by zero");
}
END_TEST

START_TEST(effects_in_order) {
  JitArg in[] = {{.i = 2}};
  ck_assert_int_eq(run("program \"f\" erased (%1 n: int) {\n  %2 = loop(%1) (%3 i: int) {\n"
                       "    print(%3) \"i = \" {_}\n  }\n  print() \"done\"\n}\ntakes size n = %1\n",
                       in, NULL), GC_OK);
  ck_assert_str_eq(buf_text(&written), "i = 0\ni = 1\ndone\n");
}
END_TEST

START_TEST(stopped_from_outside) {
  volatile int stop = 1;
  double y;
  JitArg in[] = {{.i = 10}};
  void *out[] = {&y};
  host.stop = &stop;
  ck_assert_int_eq(run("program \"f\" erased (%1 n: int) {\n  %2 = fold(%1, 0.0) (%3: int, %4: real)"
                       " {\n    %5: real = %4 + 1.5\n    => %5\n  }\n  %6: real = %2.0\n  => %6\n}\n"
                       "takes n = %1\n", in, out), GC_STOPPED);
}
END_TEST

/* ---- text ---------------------------------------------------------------------------- */

START_TEST(interface) {
  const char *text = emitted(reductions_dump);
  has(text, "size_t t_f_work(size_t n);");
  has(text, "int t_f(size_t n, const double *x, double *GC_RESTRICT out");
  text = emitted("program \"g\" erased (%1 x: real) {\n  %2: real = %1 * 2.0\n  => %2\n}\n"
                 "takes \"p.W\" = %1\ngives out = %2\n");
  has(text, "int t_g(double p_W, double *GC_RESTRICT out);");
  has_not(text, "work(");
  has(text, "*out = p_W*2.0;");
}
END_TEST

START_TEST(small_powers_are_products) {
  const char *text = emitted("program \"g\" erased (%1 x: real) {\n  %2: real = %1 ^ 3.0\n"
                             "  %3: real = %1 ^ -1.0\n  %4: real = %1 ^ 0.5\n  %5: real = %2 + %3\n"
                             "  %6: real = %5 + %4\n  => %6\n}\ntakes x = %1\n");
  has(text, "x*x*x + 1.0/x + pow(x, 0.5)");
}
END_TEST

START_TEST(float_mode) {
  c->opt.real_float = true;
  const char *text = emitted("program \"g\" erased (%1 x: real) {\n  %2: real = sin(%1)\n"
                             "  %3: real = %2 * 0.1\n  => %3\n}\ntakes x = %1\n");
  has(text, "sinf(x)*0.100000001f");
  has_not(text, "double x");
}
END_TEST

START_TEST(unknown_sizes_are_named) {
  Case k = {.dump = "program \"f\" erased (%1 x: real) {\n  %2: int = int(%1)\n"
                    "  %3 = loop(%2) (%4: int) {\n    %5: real = real(%4)\n    => build %5\n  }\n"
                    "  %6 steps: real[%2] = %3.0\n  %7: real = %6[0] checked\n"
                    "  %8 = fold(%2, %7) (%9: int, %10: real) {\n    %11: real = %6[%9]\n"
                    "    %12: real = %10 + %11\n    => %12\n  }\n  %13: real = %8.0\n"
                    "  => %13\n}\ntakes x = %1\n"};
  ck_assert_int_eq(ctx_try(c, do_emit, &k), GC_ERROR);
  has(first_message(), "the size of 'steps' is known at run time only");
}
END_TEST

START_TEST(the_same_bytes) {
  const char *one = emitted(swap_dump), *two = emitted(swap_dump);
  ck_assert_str_eq(one, two);
}
END_TEST

/* ---- long and deep ---------------------------------------------------------------------- */

START_TEST(long_programs) {
  Buf b;
  double y;
  JitArg in[] = {{.r = 1.0}};
  void *out[] = {&y};
  enum { N = 60000 };
  buf_init(&b, c);
  buf_puts(&b, "program \"f\" erased (%1 x: real) {\n  %2: real = %1 * 0.5\n");
  for (int k = 3; k < N; k++)
    buf_printf(&b, "  %%%d: real = %%%d %s %%%d\n", k, k - 1, k % 2 ? "+" : "-", k > 40 ? k - 37 : 1);
  buf_printf(&b, "  => %%%d\n}\ntakes x = %%1\n", N - 1);
  ck_assert_int_eq(run(buf_text(&b), in, out), GC_OK);
  double *v = calloc(N, sizeof *v);
  v[1] = 1;
  v[2] = 0.5;
  for (int k = 3; k < N; k++) {
    double other = v[k > 40 ? k - 37 : 1];
    v[k] = k % 2 ? v[k - 1] + other : v[k - 1] - other;
  }
  ck_assert(y == v[N - 1] || (isnan(y) && isnan(v[N - 1])));
  free(v);
}
END_TEST

/* Each row adds to all elements below the diagonal; `at` is the subscript. */
static const char *added_by_rows(const char *at) {
  return str_printf(c,
    "program \"f\" erased (%%1 n: int, %%2 d: int, %%3 x: real[%%1, %%2], "
    "%%35 y: real[%%2]) {\n"
    "  %%4: real[%%2^2] = fill(0.0)\n"
    "  %%5 = accum(%%4) (%%6: acc real[%%2^2]) {\n"
    "    %%7 = loop(%%1) (%%8: int) {\n"
    "      %%9 = loop(%%2) (%%10: int) {\n"
    "        %%11: real = %%3[%%8, %%10]\n        %%12: real = %%11 * %%11\n        => build %%12\n"
    "      }\n"
    "      %%13: real[%%2] = %%9.0\n"
    "      %%14 = loop(%%2) (%%15: int) {\n"
    "        %%16: real = %%3[%%8, %%15]\n        %%17: int = %%15 - 1\n"
    "        %%18: int = %%15 * %%17\n        %%19: int = %%18 // 2\n"
    "        %%20 = loop(%%15) (%%21: int) {\n"
    "          %%22: real = %%13[%%21]\n          %%23: real = %%22 * %%16\n"
    "          %%24: int = %s + %%21\n          %%6[%%24] += %%23\n"
    "        }\n"
    "        %%25 = loop(%%15) (%%26: int) {\n"
    "          %%28: real = %%35[%%26]\n"
    "          %%29: real = %%28 * %%16\n          => sum %%29\n"
    "        }\n"
    "        %%30: real = %%25.0\n        => sum %%30\n"
    "      }\n"
    "      %%31: real = %%14.0\n      => sum %%31\n    }\n"
    "    %%32: real = %%7.0\n    => %%32\n  }\n"
    "  %%33: real[%%2^2] = %%5.0\n  %%34: real = %%5.1\n  => %%33, %%34\n}\n"
    "takes size n = %%1, size d = %%2, x = %%3, y = %%35\n", at);
}

/* The rows of a packed triangle never meet; where they do, no rows go side by side. */
START_TEST(rows_add_where_they_do_not_meet) {
  const char *text = emitted(added_by_rows("%19"));
  has(text, "double total = ");
  has(text, "[l*d + ");
  has_not(emitted(added_by_rows("%15")), "double total = ");
}
END_TEST

static void do_emit_jit(void *arg) {
  Case *k = arg;
  Buf text;
  buf_init(&text, c);
  emit_jit(read_dump(k->dump), "f", JIT_TEXT_HERE, &text);
  k->text = buf_text(&text);
}

/* sum(x[i, j, k]*y[t[i] + k]*tanh(z[t[i] + k]) for i < n, j < n, k < d), the sums of k in a loop
 * of their own. */
static const char rows_of_rows[] =
  "program \"f\" erased (%1 n: int, %2 d: int, %3 x: real[%1, %1, %2], %4 y: real[%1 + %2],\n"
  "    %5 t: int[%1], %6 z: real[%1 + %2]) {\n"
  "  %10 = loop(%1, %1) (%11: int, %12: int) {\n"
  "    %13: int = %5[%11]\n"
  "    %20 = loop(%2) (%21: int) {\n"
  "      %22: real = %3[%11, %12, %21]\n      %23: int = %13 + %21\n"
  "      %24: real = %4[%23]\n      %25: real = %22 * %24\n      %26: real = %6[%23]\n"
  "      %27: real = tanh(%26)\n      %28: real = %25 * %27\n      => sum %28\n    }\n"
  "    %29: real = %20.0\n    => sum %29\n  }\n"
  "  %30: real = %10.0\n  => %30\n}\ntakes size n = %1, size d = %2, x = %3, y = %4, t = %5, z = %6\n";

/* libtcc gets a pointer for each loop in which a part of the subscripts changes. */
START_TEST(rows_are_pointers_for_libtcc) {
  Case k = {.dump = rows_of_rows};
  ck_assert_msg(ctx_try(c, do_emit_jit, &k) == GC_OK, "%s", first_message());
  has(k.text, "const int64_t stride = n*d;");
  has(k.text, "*const x_at = x + i*stride;");
  has(k.text, "*const x_at_2 = x_at + j*d;");
  has(k.text, "*const y_at = y + t1;");
  has(k.text, "*const z_at = z + t1;");
  has(k.text, "x_at_2[k]");
  has_not(k.text, " + k]");
  has(k.text, "y_at[k]");
  has(k.text, "} while (++k < d);");
  has(emitted(rows_of_rows), "x[(i*n + j)*d + k]");
}
END_TEST

/* depth folds inside one another, each adding x once on its way out. */
static const char *nest(int depth) {
  Buf b;
  buf_init(&b, c);
  buf_puts(&b, "program \"f\" erased (%1 x: real, %2 n: int) {\n");
  for (int k = 0; k < depth; k++)
    buf_printf(&b, "%%%d = fold(%%2, %%%d) (%%%d: int, %%%d: real) {\n", 10 * k + 10,
               k ? 10 * k + 2 : 1, 10 * k + 11, 10 * k + 12);
  for (int k = depth - 1; k >= 0; k--) {
    int value = k == depth - 1 ? 10 * k + 12 : 10 * k + 14;
    if (k < depth - 1) buf_printf(&b, "%%%d: real = %%%d.0\n", value, 10 * k + 20);
    buf_printf(&b, "%%%d: real = %%%d + %%1\n=> %%%d\n}\n", 10 * k + 15, value, 10 * k + 15);
  }
  buf_puts(&b, "%5: real = %10.0\n=> %5\n}\ntakes x = %1, n = %2\n");
  return buf_text(&b);
}

/* Blocks of nine statements that end in one value: where they end is where they are cut.  The
 * fifth calls a helper, the others are plain arithmetic. */
START_TEST(pieces_end_where_little_is_live) {
  enum { BLOCKS = 10 };
  Buf b;
  buf_init(&b, c);
  buf_puts(&b, "program \"f\" erased (%1 x: real) {\n");
  for (int k = 0; k < BLOCKS; k++) {
    int v = 1 + 9*k;
    buf_printf(&b, "%%%d a%d = sin(%%%d)\n%%%d b%d = cos(%%%d)\n", v + 1, k, v, v + 2, k, v);
    buf_printf(&b, "%%%d d%d = %%%d * %%%d\n", v + 3, k, v + 1, v + 2);
    buf_printf(&b, k == 4 ? "%%%d e%d = max(%%%d, %%%d)\n" : "%%%d e%d = %%%d + %%%d\n", v + 4, k,
               v + 1, v + 2);
    buf_printf(&b, "%%%d g%d = %%%d * %%%d\n", v + 5, k, v + 2, v);
    buf_printf(&b, "%%%d h%d = %%%d + %%%d\n", v + 6, k, v + 3, v + 4);
    buf_printf(&b, "%%%d p%d = %%%d * %%%d\n", v + 7, k, v + 5, v + 6);
    buf_printf(&b, "%%%d q%d = %%%d + %%%d\n", v + 8, k, v + 7, v + 1);
    buf_printf(&b, "%%%d v%d = tanh(%%%d)\n", v + 9, k, v + 8);
  }
  buf_printf(&b, "=> %%%d\n}\ntakes x = %%1\n", 1 + 9*BLOCKS);
  Case k = {.dump = buf_text(&b), .max_stmts = 10};
  ck_assert_msg(ctx_try(c, do_emit, &k) == GC_OK, "%s", first_message());
  has(k.text, "}\n\nstatic GC_PLAIN_PIECE void t_f_part9(const struct t_f_parts_env *env) {\n"
              "  double *const keep = env->keep;\n  /* test.gc");
  has(k.text, "static GC_SCALAR_PIECE void t_f_part5(");
  has(k.text, "const double v0 = tanh(q0);\n  keep[0] = v0;\n}\n");
  has(k.text, "  double keep[2];\n");
  has_not(k.text, "env2");
}
END_TEST

/* 30 values, all of them read by the piece behind; 23 are of the first piece.  Their
 * places have gaps between them: 12, and 11 in these. */
START_TEST(kept_values_lie_apart) {
  enum { VALUES = 30, AT = 2 + VALUES };
  Buf b;
  buf_init(&b, c);
  buf_puts(&b, "program \"f\" erased (%1 x: real) {\n");
  for (int k = 0; k < VALUES; k++)
    buf_printf(&b, "%%%d v%d = %s(%%%d)\n", 2 + k, k, k % 2 ? "sin" : "cos", 1 + k);
  for (int k = 0; k < VALUES; k++)
    buf_printf(&b, "%%%d s%d = %%%d + %%%d\n", AT + k, k, k ? AT + k - 1 : 1, 1 + VALUES - k);
  buf_printf(&b, "=> %%%d\n}\ntakes x = %%1\n", AT + VALUES - 1);
  Case k = {.dump = buf_text(&b), .max_stmts = 30};
  ck_assert_msg(ctx_try(c, do_emit, &k) == GC_OK, "%s", first_message());
  has(k.text, "  const double v0 = cos(x);\n  keep[0] = v0;\n");
  has(k.text, "  const double v1 = sin(v0);\n  keep[2] = v1;\n");
  has(k.text, "  const double v20 = cos(v19);\n  keep[17] = v20;\n");
}
END_TEST

/* 40 statements of 9 operations each count as 120: four times as many pieces as of short ones. */
START_TEST(long_statements_count_more) {
  enum { STATEMENTS = 40, TERMS = 8 };
  Buf b;
  buf_init(&b, c);
  buf_puts(&b, "program \"f\" erased (%1 x: real) {\n");
  int v = 1;
  for (int k = 0; k < STATEMENTS; k++) {
    int last = v;
    for (int j = 0; j < TERMS; j++, v++)
      buf_printf(&b, "%%%d = %%%d + %%%d\n", v + 1, v, last);
    v++;
    buf_printf(&b, "%%%d y%d = sin(%%%d)\n", v, k, v - 1);
  }
  buf_printf(&b, "=> %%%d\n}\ntakes x = %%1\n", v);
  Case k = {.dump = buf_text(&b), .max_stmts = 30};
  ck_assert_msg(ctx_try(c, do_emit, &k) == GC_OK, "%s", first_message());
  has(k.text, "t_f_part4(");
  has_not(k.text, "t_f_part6(");
}
END_TEST

START_TEST(deep_nests) {
  double y;
  JitArg in[] = {{.r = 1.0}, {.i = 1}};
  void *out[] = {&y};
  ck_assert_int_eq(run(nest(100), in, out), GC_OK);
  ck_assert_double_eq(y, 101);
}
END_TEST

/* Plain arithmetic and a sum; then a fold in each round, s = s*x[i] + t. */
static const char sweeps[] =
  "program \"f\" erased (%1 n: int, %2 x: real[%1], %3 t: real) {\n"
  "  %10 = loop(%1) (%11 i: int) {\n    %12: real = %2[%11]\n    %13: real = %12 * %3\n"
  "    %14: real = exp(%13)\n    %15: real = %14 - %12\n    => build %15, sum %14\n  }\n"
  "  %16: real[%1] = %10.0\n  %17: real = %10.1\n"
  "  %20 = loop(%1) (%21 i: int) {\n    %22: real = %2[%21]\n"
  "    %23 = fold(%1, 1.0) (%24: int, %25 s: real) {\n      %26: real = %25 * %22\n"
  "      %27: real = %26 + %3\n      => %27\n    }\n    %28: real = %23.0\n    => build %28\n  }\n"
  "  %29: real[%1] = %20.0\n  => %16, %17, %29\n}\ntakes size n = %1, x = %2, t = %3\n";

/* libtcc gets calls of kernels for many rounds at a time, and plain loops for a few. */
START_TEST(kernels_for_libtcc) {
  enum { MOST = 600 };
  static double x[MOST], y[MOST], z[MOST];
  static const int sizes[] = {0, 1, 15, 16, 17, 63, 64, 65, 256, 257, MOST};
  Case k = {.dump = sweeps};
  ck_assert_msg(ctx_try(c, do_emit_jit, &k) == GC_OK, "%s", first_message());
  has(k.text, "gc_each_call1(rounds, room[0], exp, room[0]);");
  has(k.text, "gc_each_sum(rounds, &sum, room[0]);");
  has(k.text, "gc_each_muladd(rounds, room[0], out_3 + i, 1, x + i, 1, &t, 0);");
  has_not(emitted(sweeps), "gc_each_");
  for (int i = 0; i < MOST; i++) x[i] = sin(i);
  for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) {
    int n = sizes[at];
    double sum, all = 0;
    JitArg in[] = {{.i = n}, {.p = x}, {.r = 0.25}};
    void *out[] = {y, &sum, z};
    ck_assert_int_eq(run(sweeps, in, out), GC_OK);
    for (int i = 0; i < n; i++) {
      double s = 1;
      for (int j = 0; j < n; j++) s = s*x[i] + 0.25;
      ck_assert_double_eq(y[i], exp(x[i]*0.25) - x[i]);
      ck_assert_double_eq(z[i], s);
      all += exp(x[i]*0.25);
    }
    ck_assert_double_eq_tol(sum, all, 1e-12*(1 + all));
  }
}
END_TEST

#define CASE(name, ...)                                               \
  do {                                                                \
    TCase *t = tcase_create(name);                                    \
    tcase_add_checked_fixture(t, setup, teardown);                    \
    const TTest *tests[] = {__VA_ARGS__};                             \
    for (size_t k = 0; k < sizeof tests / sizeof *tests; k++)         \
      tcase_add_test(t, tests[k]);                                    \
    tcase_set_timeout(t, 60);                                         \
    suite_add_tcase(s, t);                                            \
  } while (0)

int main(void) {
  Suite *s = suite_create("emit");
  CASE("run", scalars, reductions, reductions_over_nothing, a_nan_wins, carried_all_at_once,
       elements_replaced_in_place, accumulators_scatter, loops_that_end, sizes_known_at_run_time);
  CASE("effects", subscripts_are_checked, division_by_zero, effects_in_order, stopped_from_outside);
  CASE("text", interface, small_powers_are_products, float_mode, unknown_sizes_are_named,
       the_same_bytes, rows_add_where_they_do_not_meet, rows_are_pointers_for_libtcc, kernels_for_libtcc);
  CASE("size", long_programs, pieces_end_where_little_is_live, kept_values_lie_apart,
       long_statements_count_more, deep_nests);
  SRunner *runner = srunner_create(s);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
