/* test_calls.c - signatures, arguments, results, every derivative.  Only gradc.h is used. */
#include <math.h>
#include <stdio.h>

#include "host.h"

#define NEAR(a, b) ck_assert_double_eq_tol((a), (b), 1e-12)

/* ---- what a context tells ------------------------------------------------------- */

START_TEST(functions_are_listed_in_order) {
  ck_assert_int_eq(load("b(x: real) = x\na(x) = b(x)\nc = 3"), GRADC_OK);
  ck_assert_str_eq(gradc_name(g, 0), "b");
  ck_assert_str_eq(gradc_name(g, 1), "a");
  ck_assert_ptr_null(gradc_name(g, 2));
}
END_TEST

START_TEST(a_text_replaces_one_of_its_name) {
  ck_assert_int_eq(load("f(x: real) = x"), GRADC_OK);
  ck_assert_int_eq(load("f(x: real) = 2*x\nh(x: real) = x"), GRADC_OK);
  gradc_function *f = gradc_compile(g, "f", GRADC_VALUE, NULL);
  gradc_call *c = gradc_call_new(f);
  double x = 3, y;
  ck_assert_int_eq(gradc_eval(c, &x, &y), GRADC_OK);
  NEAR(y, 6);
  ck_assert_int_eq(gradc_unload(g, "test.gc"), GRADC_OK);
  ck_assert_ptr_null(gradc_name(g, 0));
  ck_assert_int_eq(gradc_unload(g, "test.gc"), GRADC_USAGE);
  gradc_release(f);
  ck_assert_int_eq(gradc_eval(c, &x, &y), GRADC_OK); /* it lives on in its call */
  gradc_call_free(c);
}
END_TEST

START_TEST(texts_see_each_other) {
  ck_assert_int_eq(gradc_load(g, "a", "f(x) = x^2", 10), GRADC_OK);
  ck_assert_int_eq(gradc_load(g, "b", "h(x: real) = f(x) + 1", 21), GRADC_OK);
  gradc_function *f = gradc_compile(g, "h", GRADC_VALUE, NULL);
  ck_assert_ptr_nonnull(f);
  gradc_release(f);
  ck_assert_int_eq(gradc_load(g, "c", "f(x) = x^3", 10), GRADC_ERROR);
  ck_assert_str_eq(gradc_message(g)->message, "function `f` is defined twice");
  ck_assert_str_eq(gradc_message(g)->help, "give one of them another name");
  ck_assert_str_eq(gradc_name(g, 1), "h");
  ck_assert_ptr_null(gradc_name(g, 2));
}
END_TEST

START_TEST(signatures_are_told) {
  gradc_function *f = compiled(
    "type P[n] = (W: real[n, 2*n], b: real[n])\n"
    "f(p: P[n], k: int, on: bool, y: int[m]) = (sum(p.W) + sum(p.b), [y[0] > i for i < k])",
    "f", GRADC_VALUE, NULL);
  ck_assert_uint_eq(gradc_inputs(f), 5);
  static const struct { const char *name; int kind; unsigned rank; const char *shape; } want[] = {
    {"p.W", GRADC_REAL, 2, "[n, 2*n]"}, {"p.b", GRADC_REAL, 1, "[n]"}, {"k", GRADC_INT, 0, ""},
    {"on", GRADC_BOOL, 0, ""}, {"y", GRADC_INT, 1, "[m]"},
  };
  for (size_t k = 0; k < 5; k++) {
    const gradc_leaf *leaf = gradc_input(f, k);
    ck_assert_str_eq(leaf->name, want[k].name);
    ck_assert_int_eq(leaf->kind, want[k].kind);
    ck_assert_uint_eq(leaf->rank, want[k].rank);
    ck_assert_str_eq(leaf->shape, want[k].shape);
    ck_assert_int_eq(gradc_input_find(f, want[k].name), (int)k);
  }
  ck_assert_ptr_null(gradc_input(f, 5));
  ck_assert_uint_eq(gradc_outputs(f), 2);
  ck_assert_int_eq(gradc_output(f, 1)->kind, GRADC_BOOL);
  ck_assert_str_eq(gradc_output(f, 1)->shape, "[k]");
  ck_assert_int_eq(gradc_output_find(f, "nothing"), -1);
  ck_assert_uint_eq(gradc_sizes(f), 3);
  ck_assert_str_eq(gradc_size_name(f, 0), "n");
  ck_assert_str_eq(gradc_size_name(f, 1), "m");
  ck_assert_str_eq(gradc_size_name(f, 2), "k");
  int64_t shape[2];
  ck_assert_int_eq(gradc_input_shape(f, 0, (int64_t[]){3, 4, 5}, shape), GRADC_OK);
  ck_assert_int_eq(shape[0], 3);
  ck_assert_int_eq(shape[1], 6);
  ck_assert_int_eq(gradc_output_shape(f, 1, (int64_t[]){3, 4, 5}, shape), GRADC_OK);
  ck_assert_int_eq(shape[0], 5);
  ck_assert_int_eq(gradc_output_shape(f, 1, (int64_t[]){3, 4, -5}, shape), GRADC_USAGE);
  ck_assert_int_eq(gradc_input_shape(f, 0, (int64_t[]){INT64_MAX, 4, 5}, shape), GRADC_USAGE);
  gradc_release(f);
}
END_TEST

START_TEST(a_description_has_no_code) {
  ck_assert_int_eq(load("f(x: real[n, n]) = sum(x)"), GRADC_OK);
  gradc_function *f = gradc_describe(g, "f", GRADC_HESSIAN, "x");
  ck_assert_ptr_nonnull(f);
  ck_assert_str_eq(gradc_signature(f), "f(x: real[n, n]) -> real");
  ck_assert_str_eq(gradc_doc(f), "Hessian of f with respect to x, and its value");
  ck_assert_str_eq(gradc_output(f, 1)->shape, "[n, n, n, n]");
  ck_assert_ptr_null(gradc_call_new(f));
  gradc_release(f);
}
END_TEST

/* ---- every derivative -------------------------------------------------------------- */

static const char bowl[] = "f(x: real[n], a: real) = a*sum(x[i]^3 for i < n)";
static const double x3[] = {1, 2, 3};

static void check_array(const gradc_call *c, size_t k, size_t n, const double *want) {
  const double *have = gradc_array(c, k, NULL);
  ck_assert_ptr_nonnull(have);
  for (size_t i = 0; i < n; i++) NEAR(have[i], want[i]);
}

START_TEST(gradients) {
  gradc_call *c = called(bowl, "f", GRADC_GRAD, NULL);
  set(c, 0, x3, 1, 3, 0);
  ck_assert_int_eq(gradc_set_real(c, 1, 2), GRADC_OK);
  runs(c);
  NEAR(gradc_real(c, 0), 72);
  check_array(c, 1, 3, (double[]){6, 24, 54});
  NEAR(gradc_real(c, 2), 36);
  gradc_call_free(c);
}
END_TEST

START_TEST(hessians_and_products) {
  gradc_call *c = called(bowl, "f", GRADC_HESSIAN, "x");
  set(c, 0, x3, 1, 3, 0);
  ck_assert_int_eq(gradc_set_int(c, 1, 2), GRADC_OK);
  runs(c);
  int64_t shape[2];
  ck_assert_ptr_nonnull(gradc_array(c, 1, shape));
  ck_assert_int_eq(shape[0], 3);
  ck_assert_int_eq(shape[1], 3);
  check_array(c, 1, 9, (double[]){12, 0, 0, 0, 24, 0, 0, 0, 36});
  gradc_call_free(c);
  c = called(bowl, "f", GRADC_HVP, "x");
  set(c, 0, x3, 1, 3, 0);
  ck_assert_int_eq(gradc_set_real(c, 1, 2), GRADC_OK);
  set(c, 2, (double[]){1, 0, -1}, 1, 3, 0);
  runs(c);
  check_array(c, 1, 3, (double[]){12, 0, -36});
  gradc_call_free(c);
}
END_TEST

START_TEST(jacobians_and_products) {
  static const char text[] = "f(x: real[n]) = [x[i]*x[0] for i < n]";
  gradc_call *c = called(text, "f", GRADC_JACOBIAN, "x");
  set(c, 0, x3, 1, 3, 0);
  runs(c);
  check_array(c, 0, 3, (double[]){1, 2, 3});
  check_array(c, 1, 9, (double[]){2, 0, 0, 2, 1, 0, 3, 0, 1});
  gradc_call_free(c);
  c = called(text, "f", GRADC_JVP, "x");
  set(c, 0, x3, 1, 3, 0);
  set(c, 1, (double[]){1, 1, 1}, 1, 3, 0);
  runs(c);
  check_array(c, 1, 3, (double[]){2, 3, 4});
  gradc_call_free(c);
  c = called(text, "f", GRADC_VJP, "x");
  ck_assert_int_eq(gradc_set_array(c, 0, x3, 1, (int64_t[]){3}), GRADC_OK);
  set(c, 1, (double[]){1, 1, 1}, 1, 3, 0);
  runs(c);
  check_array(c, 1, 3, (double[]){7, 1, 1});
  gradc_call_free(c);
}
END_TEST

START_TEST(sizes_at_hand) {
  ck_assert_int_eq(load("p(n: int, x: real) = if n == 0 then 1.0 else x*p(n - 1, x)\n"
                        "f(x: real[n]) = sum(p(n, x[i]) for i < n)"),
                   GRADC_OK);
  ck_assert_ptr_null(gradc_compile(g, "f", GRADC_GRAD, "x"));
  gradc_function *f = gradc_compile_for(g, "f", GRADC_GRAD, "x", (int64_t[]){3}, 1);
  ck_assert_msg(f != NULL, "%s", gradc_message(g)->full);
  ck_assert_uint_eq(gradc_sizes(f), 0);
  gradc_call *c = gradc_call_new(f);
  set(c, 0, x3, 1, 3, 0);
  runs(c);
  NEAR(gradc_real(c, 0), 36);
  check_array(c, 1, 3, (double[]){3, 12, 27});
  ck_assert_int_eq(gradc_set_array(c, 0, x3, 1, (int64_t[]){2}), GRADC_OK);
  ck_assert_int_eq(gradc_run(c), GRADC_USAGE);
  gradc_call_free(c);
  gradc_release(f);
}
END_TEST

/* ---- arguments and results ---------------------------------------------------------- */

START_TEST(results_go_where_the_host_says) {
  gradc_call *c = called(bowl, "f", GRADC_GRAD, "x");
  double value, gradient[3];
  set(c, 0, x3, 1, 3, 0);
  gradc_set_real(c, 1, 1);
  ck_assert_int_eq(gradc_set_output(c, 0, &value, 0, NULL), GRADC_OK);
  ck_assert_int_eq(gradc_set_output(c, 1, gradient, 1, (int64_t[]){3}), GRADC_OK);
  runs(c);
  NEAR(value, 36);
  NEAR(gradient[2], 27);
  ck_assert_ptr_eq(gradc_array(c, 1, NULL), gradient);
  double other[3] = {0};                 /* another place of the same shape */
  ck_assert_int_eq(gradc_set_output(c, 1, other, 1, (int64_t[]){3}), GRADC_OK);
  ck_assert_ptr_null(gradc_array(c, 1, NULL));
  set(c, 0, (double[]){1, 1, 2}, 1, 3, 0);
  runs(c);
  NEAR(value, 10);
  NEAR(other[2], 12);
  NEAR(gradient[2], 27);
  ck_assert_ptr_eq(gradc_array(c, 1, NULL), other);
  ck_assert_int_eq(gradc_set_output(c, 1, gradient, 1, (int64_t[]){2}), GRADC_OK);
  ck_assert_int_eq(gradc_run(c), GRADC_USAGE);
  ck_assert_int_eq(gradc_set_output(c, 1, NULL, 0, NULL), GRADC_OK);
  runs(c);
  ck_assert_ptr_ne(gradc_array(c, 1, NULL), gradient);
  gradc_call_free(c);
}
END_TEST

START_TEST(ints_and_bools) {
  gradc_call *c = called("f(k: int[n], m: int, up: bool, mask: bool[n]) =\n"
                         "  ([if mask[i] then k[i] // m else -1 for i < n], up and k[0] > 2)",
                         "f", GRADC_VALUE, NULL);
  set(c, 0, (int64_t[]){7, -7, 9}, 1, 3, 0);
  gradc_set_int(c, 1, 2);
  gradc_set_int(c, 2, 5);
  set(c, 3, (int64_t[]){1, 1, 0}, 1, 3, 0);
  runs(c);
  const int64_t *have = gradc_array(c, 0, NULL);
  ck_assert_int_eq(have[0], 3);
  ck_assert_int_eq(have[1], -4);
  ck_assert_int_eq(have[2], -1);
  ck_assert_int_eq(gradc_int(c, 1), 1);
  gradc_set_int(c, 1, 0);
  ck_assert_int_eq(gradc_run(c), GRADC_ERROR);
  ck_assert_str_eq(gradc_call_message(c)->message, "division by zero");
  gradc_call_free(c);
}
END_TEST

/* An int that no shape is made of, which arrays inside the function are all the same. */
START_TEST(ints_change) {
  gradc_call *c = called("f(x: real, k: int) = {\n"
                         "  a = [x*(i + 1) for i < k]\n"
                         "  b = [a[k - 1 - i]*a[i] + sum(a) for i < k]\n"
                         "  sum(b[k - 1 - i]*b[i] for i < k)\n}",
                         "f", GRADC_GRAD, "x");
  ck_assert_int_eq(gradc_set_real(c, 0, 1), GRADC_OK);
  static const int ks[] = {1, 3, 300, 2, 1000, 1, -1, 4};
  for (size_t j = 0; j < sizeof ks / sizeof *ks; j++) {
    double want = 0, k = ks[j] < 0 ? 0 : ks[j], sum = k*(k + 1)/2;
    for (int i = 0; i < ks[j]; i++) want += (sum + (k - i)*(i + 1))*(sum + (i + 1)*(k - i));
    ck_assert_int_eq(gradc_set_int(c, 1, ks[j]), GRADC_OK);
    if (ks[j] < 0) {
      ck_assert_int_ne(gradc_run(c), GRADC_OK);
      continue;
    }
    runs(c);
    NEAR(gradc_real(c, 0) / want, 1);
  }
  gradc_call_free(c);
}
END_TEST

/* Vectors of 64 bytes are read whole. */
START_TEST(results_are_aligned) {
  gradc_call *c = called("f(x: real[n]) = (x + 1, 2*x, sum(x))", "f", GRADC_VALUE, NULL);
  for (int64_t n = 1; n < 40; n += 13) {
    static const double x[40];
    ck_assert_int_eq(gradc_set_array(c, 0, x, 1, &n), GRADC_OK);
    runs(c);
    for (size_t k = 0; k < 2; k++)
      ck_assert_uint_eq((uintptr_t)gradc_array(c, k, NULL) % 64, 0);
  }
  gradc_call_free(c);
}
END_TEST

START_TEST(sizes_grow_and_shrink) {
  gradc_call *c = called("f(x: real[n]) = [x[i]*x[n - 1 - i] for i < n]", "f", GRADC_VALUE, NULL);
  static double x[1000];
  for (int k = 0; k < 1000; k++) x[k] = k;
  for (int64_t n = 1000; n >= 0; n -= 125) {
    int64_t shape;
    set(c, 0, x, 1, n, 0);
    runs(c);
    const double *y = gradc_array(c, 0, &shape);
    ck_assert_int_eq(shape, n);
    if (n > 1) NEAR(y[1], (double)(n - 2));
  }
  ck_assert_int_eq(gradc_set_array(c, 0, NULL, 1, (int64_t[]){0}), GRADC_OK);
  runs(c);
  gradc_call_free(c);
}
END_TEST

START_TEST(a_size_that_stands_nowhere_alone) {
  gradc_call *c = called("f(x: real[n*m]) = sum(x)/n", "f", GRADC_VALUE, NULL);
  set(c, 0, x3, 1, 3, 0);
  ck_assert_int_eq(gradc_run(c), GRADC_USAGE);
  ck_assert_str_eq(gradc_call_message(c)->message,
                   "no shape tells the size `n`: use gradc_set_size");
  ck_assert_int_eq(gradc_set_size(c, 0, 3), GRADC_OK);
  runs(c);
  NEAR(gradc_real(c, 0), 2);
  ck_assert_int_eq(gradc_set_size(c, 0, 2), GRADC_OK);
  ck_assert_int_eq(gradc_run(c), GRADC_USAGE);
  gradc_call_free(c);
}
END_TEST

START_TEST(single_precision) {
  ck_assert_int_eq(gradc_set_option(g, GRADC_FLOAT, 1), GRADC_OK);
  gradc_call *c = called("f(x: real[n], a: real) = (sum(x)*a, [2*v for v in x])", "f",
                         GRADC_VALUE, NULL);
  set(c, 0, (float[]){1, 2, 3.5f}, 1, 3, 0);
  gradc_set_real(c, 1, 2);
  runs(c);
  NEAR(gradc_real(c, 0), 13);
  ck_assert(((const float *)gradc_array(c, 1, NULL))[2] == 7.0f);
  gradc_call_free(c);
  c = called("f(x: real, y: real) = x^2*y", "f", GRADC_GRAD, NULL);
  double y[3];
  ck_assert_int_eq(gradc_eval(c, (double[]){3, 4}, y), GRADC_OK);
  NEAR(y[0], 36);
  NEAR(y[1], 24);
  NEAR(y[2], 9);
  gradc_call_free(c);
}
END_TEST

START_TEST(the_short_way) {
  gradc_call *c = called("f(x: real, y: real) = x^2*sin(y)", "f", GRADC_HESSIAN, "x,y");
  double out[5], x[] = {3, 0.5};
  ck_assert_int_eq(gradc_eval(c, x, out), GRADC_OK);
  NEAR(out[0], 9*sin(0.5));
  NEAR(out[1], 2*sin(0.5));
  NEAR(out[2], 6*cos(0.5));
  NEAR(out[3], 6*cos(0.5));
  NEAR(out[4], -9*sin(0.5));
  runs(c); /* on the inputs of gradc_eval */
  NEAR(gradc_real(c, 0), 9*sin(0.5));
  gradc_call_free(c);
  c = called(bowl, "f", GRADC_VALUE, NULL);
  ck_assert_int_eq(gradc_eval(c, x, out), GRADC_USAGE);
  gradc_call_free(c);
}
END_TEST

/* ---- texts -------------------------------------------------------------------------------- */

START_TEST(derivatives_as_text) {
  ck_assert_int_eq(load("f(x) = x^2 + x^3"), GRADC_OK);
  const char *text = gradc_derivative(g, "f", NULL, 1, GRADC_PLAIN);
  ck_assert_msg(text != NULL, "%s", gradc_message(g)->full);
  ck_assert_ptr_nonnull(strstr(text, "2*x + 3*x^2"));
  char copy[200];
  snprintf(copy, sizeof copy, "%s", text);
  ck_assert_int_eq(gradc_load(g, "derivative", copy, strlen(copy)), GRADC_OK);
  ck_assert_str_eq(gradc_name(g, 1), "f_grad_x");
  text = gradc_derivative(g, "f_grad_x", NULL, 1, GRADC_PLAIN);
  ck_assert_ptr_nonnull(strstr(text, "2 + 6*x"));
  text = gradc_formula(g, "3*x^2 + a", "x", 1, GRADC_PLAIN);
  ck_assert_msg(text && strcmp(text, "6*x\n") == 0, "%s", text);
  text = gradc_formula(g, "x/y", "x,y", 1, GRADC_LATEX);
  ck_assert_ptr_nonnull(strstr(text, "\\frac"));
  ck_assert_ptr_null(gradc_formula(g, "x +", NULL, 1, GRADC_PLAIN));
  ck_assert_ptr_null(gradc_formula(g, "x", NULL, 0, GRADC_PLAIN));
  ck_assert_int_eq(gradc_message(g)->code, GRADC_USAGE);
}
END_TEST

START_TEST(c_as_text) {
  const char *body, *header;
  const gradc_request q[] = {{"f", GRADC_VALUE, NULL}, {"f", GRADC_GRAD, "x"}};
  ck_assert_int_eq(load(bowl), GRADC_OK);
  ck_assert_int_eq(gradc_emit_c(g, "model", q, 2, &body, &header), GRADC_OK);
  ck_assert_ptr_nonnull(strstr(header, "int model_f(size_t n, const double *x, double a"));
  ck_assert_ptr_nonnull(strstr(body, "int model_f_grad_x(size_t"));
  ck_assert_int_eq(gradc_emit_c(g, "a-b", q, 2, &body, &header), GRADC_USAGE);
  ck_assert_ptr_null(body);
  ck_assert_int_eq(gradc_emit_c(g, "m", q, 0, NULL, NULL), GRADC_USAGE);
  ck_assert_int_eq(load("f(x: real[n]) = sum(x)\nf_work(x: real) = x"), GRADC_OK);
  const gradc_request clash[] = {{"f", GRADC_VALUE, NULL}, {"f_work", GRADC_VALUE, NULL}};
  ck_assert_int_eq(gradc_emit_c(g, "m", clash, 2, NULL, NULL), GRADC_ERROR);
  ck_assert_str_eq(gradc_message(g)->message, "two functions would be called `f_work` in C");
}
END_TEST

/* The number of results that fit is in the arguments; their gradient goes through. */
START_TEST(a_shape_known_only_afterwards) {
  gradc_call *c = called(
    "firsts(x: real[n], k: int[m]) = (sum(x), [x[i]^2 for i < k[0], j < k[1]], n)", "firsts",
    GRADC_VALUE, NULL);
  const double x[3] = {1, 2, 3};
  int64_t k[2] = {2, 1}, shape[2];
  double own[6];
  set(c, 0, x, 1, 3, 0);
  set(c, 1, k, 1, 2, 0);
  runs(c);
  NEAR(gradc_real(c, 0), 6);
  ck_assert_int_eq(gradc_int(c, 2), 3);
  const double *y = gradc_array(c, 1, shape);
  ck_assert_int_eq(shape[0], 2);
  ck_assert_int_eq(shape[1], 1);
  NEAR(y[1], 4);
  k[0] = 3, k[1] = 2;                   /* as long again, without telling */
  runs(c);
  y = gradc_array(c, 1, shape);
  ck_assert_int_eq(shape[0], 3);
  NEAR(y[5], 9);
  k[0] = 0;
  runs(c);
  ck_assert_ptr_nonnull(gradc_array(c, 1, shape));
  ck_assert_int_eq(shape[0], 0);
  k[0] = 4;
  ck_assert_int_eq(gradc_run(c), GRADC_ERROR);
  ck_assert_int_eq(gradc_set_output(c, 1, own, 2, (int64_t[]){3, 2}), GRADC_OK);
  ck_assert_int_eq(gradc_run(c), GRADC_ERROR);
  k[0] = 3;
  runs(c);
  ck_assert_ptr_eq(gradc_array(c, 1, shape), own);
  NEAR(own[4], 9);
  k[0] = 2;
  ck_assert_int_eq(gradc_run(c), GRADC_USAGE);
  ck_assert_str_eq(gradc_call_message(c)->message,
                   "axis 0 of `out_1` came out 2 long; its memory has 3");
  gradc_call_free(c);
  gradc_function *f = gradc_compile(g, "firsts", GRADC_VALUE, NULL);
  ck_assert_int_eq(gradc_output_shape(f, 1, (int64_t[]){3, 2}, shape), GRADC_USAGE);
  gradc_release(f);
}
END_TEST

/* A Jacobian of such a result, and a vector into it. */
START_TEST(derivatives_of_a_late_shape) {
  static const char text[] = "firsts(x: real[n], k: int[m]) = [x[i]^2 for i < k[0]]";
  const double x[3] = {1, 2, 3};
  const int64_t k[1] = {2};
  int64_t shape[2];
  gradc_call *c = called(text, "firsts", GRADC_JACOBIAN, "x");
  set(c, 0, x, 1, 3, 0);
  set(c, 1, k, 1, 1, 0);
  runs(c);
  const double *J = gradc_array(c, 1, shape);
  ck_assert_int_eq(shape[0], 2);
  ck_assert_int_eq(shape[1], 3);
  NEAR(J[4], 4);
  NEAR(J[3], 0);
  gradc_call_free(c);
}
END_TEST

int main(void) {
  static const TTest *const *const tests[] = {
    &functions_are_listed_in_order, &a_text_replaces_one_of_its_name, &texts_see_each_other,
    &signatures_are_told, &a_description_has_no_code, &gradients, &hessians_and_products,
    &jacobians_and_products, &sizes_at_hand, &results_go_where_the_host_says, &ints_and_bools,
    &ints_change, &results_are_aligned,
    &sizes_grow_and_shrink, &a_size_that_stands_nowhere_alone, &single_precision,
    &the_short_way, &derivatives_as_text, &c_as_text,
    &a_shape_known_only_afterwards, &derivatives_of_a_late_shape,
  };
  return run_suite("calls", tests, sizeof tests / sizeof *tests);
}
