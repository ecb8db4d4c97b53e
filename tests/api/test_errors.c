/* test_errors.c - what a host hears of wrong texts, wrong arguments and failed checks, and
 * the limits for untrusted texts.  Only gradc.h is used. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "host.h"

static void expect(int have, int code, const char *message, unsigned line, unsigned column) {
  const gradc_note *n = gradc_message(g);
  ck_assert_int_eq(have, code);
  ck_assert_int_eq(n->code, code);
  ck_assert_str_eq(n->message, message);
  ck_assert_uint_eq(n->line, line);
  ck_assert_uint_eq(n->column, column);
}

/* ---- texts ------------------------------------------------------------------------ */

START_TEST(errors_tell_the_place) {
  expect(load("f(x: real) = x\nh(x: real) = (x + 1"), GRADC_ERROR, "this '(' is never closed", 2,
         14);
  ck_assert_str_eq(gradc_message(g)->file, "test.gc");
  ck_assert_ptr_null(gradc_name(g, 0));
  ck_assert_int_eq(load("f(x: real) = sinn(x)"), GRADC_OK);
  ck_assert_ptr_null(gradc_compile(g, "f", GRADC_VALUE, NULL));
  expect(GRADC_ERROR, GRADC_ERROR, "unknown name `sinn`", 1, 14);
  ck_assert_str_eq(gradc_message(g)->help, "did you mean `sin`?");
  ck_assert_ptr_nonnull(strstr(gradc_message(g)->full, "test.gc:1:14: error: "));
  ck_assert_ptr_nonnull(strstr(gradc_message(g)->full, "^"));
  ck_assert_int_eq(load("f(x: real) = x"), GRADC_OK);
  ck_assert_int_eq(gradc_message(g)->code, GRADC_OK);
  ck_assert_str_eq(gradc_message(g)->message, "");
}
END_TEST

START_TEST(requests_are_checked) {
  ck_assert_int_eq(load("f(x: real, k: int, u) = x"), GRADC_OK);
  ck_assert_ptr_null(gradc_compile(g, "g", GRADC_VALUE, NULL));
  ck_assert_ptr_nonnull(strstr(gradc_message(g)->message, "no function `g`"));
  ck_assert_ptr_null(gradc_compile(g, NULL, GRADC_VALUE, NULL));
  ck_assert_int_eq(gradc_message(g)->code, GRADC_USAGE);
  ck_assert_ptr_null(gradc_compile(g, "f", 99, NULL));
  ck_assert_int_eq(gradc_message(g)->code, GRADC_USAGE);
  ck_assert_ptr_null(gradc_compile(g, "f", GRADC_VALUE, NULL));
  ck_assert_ptr_nonnull(strstr(gradc_message(g)->message, "parameter `u` of `f` needs a type"));
  ck_assert_int_eq(load("f(x: real, k: int) = x\nh(k: int) = k\nv(x: real) = [x, x]"), GRADC_OK);
  ck_assert_ptr_null(gradc_compile(g, "f", GRADC_GRAD, "k"));
  ck_assert_ptr_null(gradc_compile(g, "f", GRADC_GRAD, "y"));
  ck_assert_ptr_null(gradc_compile(g, "f", GRADC_GRAD, ""));
  ck_assert_ptr_null(gradc_compile(g, "h", GRADC_GRAD, NULL));
  ck_assert_ptr_null(gradc_compile(g, "v", GRADC_GRAD, NULL));
  ck_assert_int_eq(gradc_message(g)->code, GRADC_ERROR);
  ck_assert_int_eq(gradc_load(g, NULL, "", 0), GRADC_USAGE);
  ck_assert_int_eq(gradc_set_limit(g, 77, 1), GRADC_USAGE);
  ck_assert_int_eq(gradc_set_option(g, GRADC_FLOAT, 2), GRADC_USAGE);
}
END_TEST

START_TEST(warnings_are_kept) {
  ck_assert_int_eq(load("f(x: real, y: real) = x"), GRADC_OK);
  gradc_function *f = gradc_compile(g, "f", GRADC_GRAD, "y");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_ge(gradc_notes(g), 1);
  ck_assert_int_eq(gradc_note_at(g, 0)->code, GRADC_OK);
  ck_assert_ptr_nonnull(strstr(gradc_message(g)->message, "none"));
  ck_assert_ptr_null(gradc_note_at(g, gradc_notes(g)));
  gradc_release(f);
}
END_TEST

START_TEST(nothing_is_read_or_written) {
  ck_assert_int_eq(load("import \"/etc/passwd\""), GRADC_ERROR);
  ck_assert_str_eq(gradc_message(g)->message, "import is not allowed here");
  ck_assert_int_eq(gradc_set_option(g, GRADC_IMPORTS, 1), GRADC_OK);
  ck_assert_int_eq(load("import \"/nowhere/at/all.gc\""), GRADC_ERROR);
  ck_assert_ptr_nonnull(strstr(gradc_message(g)->message, "cannot read"));
  gradc_call *c = called("f(x: real) = { trace \"x={x}\"; x }\nprint 1\nassert false", "f",
                         GRADC_VALUE, NULL);
  double x = 1, y;
  ck_assert_int_eq(gradc_eval(c, &x, &y), GRADC_OK);
  gradc_call_free(c);
}
END_TEST

START_TEST(bytes_that_are_no_text) {
  char text[256];
  for (int k = 0; k < 256; k++) text[k] = (char)k;
  ck_assert_int_eq(gradc_load(g, "bytes", text, sizeof text), GRADC_ERROR);
  ck_assert_int_eq(gradc_load(g, "nul", "f(x: real) = x\0y", 16), GRADC_ERROR);
  ck_assert_int_eq(gradc_load(g, "", "", 0), GRADC_OK);
}
END_TEST

/* ---- arguments ----------------------------------------------------------------------- */

static void says(gradc_call *c, int have, int code, const char *message) {
  ck_assert_str_eq(gradc_call_message(c)->message, message);
  ck_assert_int_eq(have, code);
  ck_assert_int_eq(gradc_call_message(c)->code, code);
}

START_TEST(arguments_are_checked) {
  static const double x[6] = {0};
  gradc_call *c = called("f(x: real[n, d], w: real[d], k: int, a: real) = sum(x @ w) + k*a", "f",
                         GRADC_GRAD, "w");
  says(c, gradc_run(c), GRADC_USAGE, "input `x` is not set");
  says(c, gradc_set_real(c, 9, 1), GRADC_USAGE, "there is no input number 9");
  says(c, gradc_set_real(c, 0, 1), GRADC_USAGE, "`x` is an array [n, d], not one number");
  says(c, gradc_set_real(c, 2, 1), GRADC_USAGE, "`k` is int and takes no real");
  says(c, gradc_set_array(c, 3, x, 1, (int64_t[]){2}), GRADC_USAGE,
       "`a` is one number: use gradc_set_real or gradc_set_int");
  says(c, gradc_set_array(c, 0, x, 1, (int64_t[]){2}), GRADC_USAGE, "`x` has 2 axes [n, d], not 1");
  says(c, gradc_set_array(c, 1, NULL, 1, (int64_t[]){2}), GRADC_USAGE, "`w` has no address");
  says(c, gradc_set_array(c, 1, x, 1, (int64_t[]){-1}), GRADC_USAGE, "axis 0 of `w` has no size");
  set(c, 0, x, 2, 3, 2);
  set(c, 1, x, 1, 3, 0);
  gradc_set_int(c, 2, 1);
  gradc_set_real(c, 3, 1);
  says(c, gradc_run(c), GRADC_USAGE,
       "axis 0 of `w` is 3 long; its shape [d] asks for 2 for d = 2 (from `x`)");
  set(c, 1, x, 1, 2, 0);
  runs(c);
  says(c, gradc_run(c), GRADC_OK, "");
  gradc_call_free(c);
}
END_TEST

START_TEST(sizes_are_solved) {
  static const double x[100] = {0};
  gradc_call *c = called("f(x: real[2*l], t: real[k, l*(l-1)/2]) = sum(x) + sum(t)", "f",
                         GRADC_VALUE, NULL);
  set(c, 0, x, 1, 7, 0);
  set(c, 1, x, 2, 2, 6);
  ck_assert_int_eq(gradc_run(c), GRADC_USAGE);
  ck_assert_ptr_nonnull(strstr(gradc_call_message(c)->message, "axis 0 of `x` is 7 long"));
  set(c, 0, x, 1, 8, 0);
  runs(c);
  set(c, 1, x, 2, 2, 5);
  ck_assert_int_eq(gradc_run(c), GRADC_USAGE);
  gradc_call_free(c);
}
END_TEST

START_TEST(checks_that_fail_tell_the_place) {
  gradc_call *c = called("f(x: real[n], k: int) =\n  x[k]^2", "f", GRADC_GRAD, "x");
  static const double x[3] = {1, 2, 3};
  set(c, 0, x, 1, 3, 0);
  static const int64_t wrong[] = {3, -1, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < 4; i++) {
    char want[120];
    snprintf(want, sizeof want, "index %lld is out of range for axis 0 of x of size 3",
             (long long)wrong[i]);
    gradc_set_int(c, 1, wrong[i]);
    says(c, gradc_run(c), GRADC_ERROR, want);
    ck_assert_str_eq(gradc_call_message(c)->file, "test.gc");
    ck_assert_uint_eq(gradc_call_message(c)->line, 2);
    ck_assert_uint_eq(gradc_call_message(c)->column, 5);
    ck_assert_ptr_nonnull(strstr(gradc_call_message(c)->full, "test.gc:2:5: index "));
  }
  gradc_set_int(c, 1, 2);
  runs(c);
  ck_assert_double_eq(gradc_real(c, 0), 9);
  gradc_call_free(c);
}
END_TEST

/* ---- limits ----------------------------------------------------------------------------- */

START_TEST(limits_hold_while_compiling) {
  ck_assert_int_eq(load("f(x: real) = fold s = x for t < 10 { sin(s) + cos(s)*t }\n"
                        "r(x: real) = r(x + 1)"),
                   GRADC_OK);
  ck_assert_ptr_null(gradc_compile(g, "r", GRADC_VALUE, NULL));
  ck_assert_int_ne(gradc_message(g)->code, GRADC_OK);
  ck_assert_int_eq(gradc_set_limit(g, GRADC_LIMIT_NODES, 5), GRADC_OK);
  ck_assert_ptr_null(gradc_compile(g, "f", GRADC_VALUE, NULL));
  ck_assert_int_eq(gradc_message(g)->code, GRADC_LIMIT);
  ck_assert_int_eq(gradc_set_limit(g, GRADC_LIMIT_NODES, 0), GRADC_OK);
  ck_assert_int_eq(gradc_set_limit(g, GRADC_LIMIT_MEMORY, 20000), GRADC_OK);
  ck_assert_ptr_null(gradc_compile(g, "f", GRADC_VALUE, NULL));
  ck_assert_int_eq(gradc_message(g)->code, GRADC_LIMIT);
  ck_assert_int_eq(gradc_set_limit(g, GRADC_LIMIT_DEPTH, 0), GRADC_USAGE);
}
END_TEST

START_TEST(memory_of_calls_is_limited) {
  ck_assert_int_eq(gradc_set_limit(g, GRADC_LIMIT_MEMORY, 10 << 20), GRADC_OK);
  gradc_call *c = called("f(n: int) = [sin(i) for i < n]\n", "f", GRADC_VALUE, NULL);
  static const int64_t sizes[] = {1 << 30, (int64_t)1 << 40, (int64_t)1 << 62, INT64_MAX};
  for (size_t k = 0; k < 4; k++) {
    gradc_set_int(c, 0, sizes[k]);
    ck_assert_int_eq(gradc_run(c), GRADC_LIMIT);
  }
  gradc_set_int(c, 0, -3);
  ck_assert_int_ne(gradc_run(c), GRADC_OK);
  gradc_set_int(c, 0, 1000);
  runs(c);
  gradc_call_free(c);
  c = called("f(n: int) = { a = [sin(i) for i < n]; sum(a[i]*a[n - 1 - i] + a[0] for i < n) }", "f",
             GRADC_VALUE, NULL);
  gradc_set_int(c, 0, (int64_t)1 << 40);
  ck_assert_int_eq(gradc_run(c), GRADC_LIMIT);
  gradc_call_free(c);
}
END_TEST

static const char endless[] =
  "f(x: real, n: int) = loop s = x while s > -1 at most n { s + 1 }\n"
  "h(x: real, n: int) = sum(sum(sin(x + i*j) for j < n) for i < 3)\n"
  "k(x: real, n: int) = fold s = x for t < n { sin(s) }\n"
  "empty(x: real, n: int) = sum(sum(x for j < -n) for i < 1000)\n";

START_TEST(trips_are_limited) {
  static const char *const names[] = {"f", "h", "k"};
  ck_assert_int_eq(gradc_set_limit(g, GRADC_LIMIT_TRIPS, 1000), GRADC_OK);
  for (size_t k = 0; k < 3; k++)
    for (int what = GRADC_VALUE; what <= GRADC_GRAD; what++) {
      gradc_call *c = called(endless, names[k], what, "x");
      gradc_set_real(c, 0, 1);
      gradc_set_int(c, 1, INT64_MAX / 4);
      int status = gradc_run(c);
      ck_assert_msg(status == GRADC_LIMIT, "%s %d: %d", names[k], what, status);
      gradc_set_int(c, 1, 20);
      runs(c);
      gradc_set_trips(c, 10);
      ck_assert_int_eq(gradc_run(c), GRADC_LIMIT);
      ck_assert_str_eq(gradc_call_message(c)->message,
                       "the loops have used up the 10 trips they may take");
      gradc_call_free(c);
    }
}
END_TEST

/* A loop that takes a negative number of rounds gives no trips back. */
START_TEST(trips_cannot_be_earned) {
  gradc_call *c = called(endless, "empty", GRADC_VALUE, NULL);
  gradc_set_real(c, 0, 1);
  gradc_set_int(c, 1, 1 << 20);
  gradc_set_trips(c, 999);
  ck_assert_int_eq(gradc_run(c), GRADC_LIMIT);
  gradc_call_free(c);
}
END_TEST

static volatile int stop_flag;

static void *stop_soon(void *unused) {
  (void)unused;
  nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
  stop_flag = 1;
  return NULL;
}

START_TEST(calls_are_stopped_from_another_thread) {
  static const char *const names[] = {"f", "h", "k"};
  for (size_t k = 0; k < 3; k++) {
    gradc_call *c = called(endless, names[k], GRADC_VALUE, NULL);
    gradc_set_real(c, 0, 1);
    gradc_set_int(c, 1, INT64_MAX / 4);
    stop_flag = 0;
    gradc_set_stop(c, &stop_flag);
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, stop_soon, NULL), 0);
    ck_assert_int_eq(gradc_run(c), GRADC_STOPPED);
    pthread_join(t, NULL);
    gradc_set_int(c, 1, 3);
    ck_assert_int_eq(gradc_run(c), GRADC_STOPPED);
    gradc_set_stop(c, NULL);
    runs(c);
    gradc_call_free(c);
  }
}
END_TEST

int main(void) {
  static const TTest *const *const tests[] = {
    &errors_tell_the_place, &requests_are_checked, &warnings_are_kept,
    &nothing_is_read_or_written, &bytes_that_are_no_text, &arguments_are_checked,
    &sizes_are_solved, &checks_that_fail_tell_the_place, &limits_hold_while_compiling,
    &memory_of_calls_is_limited, &trips_are_limited, &trips_cannot_be_earned,
    &calls_are_stopped_from_another_thread,
  };
  return run_suite("errors", tests, sizeof tests / sizeof *tests);
}
