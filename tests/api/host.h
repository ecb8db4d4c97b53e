/* host.h - what the tests of the library share: a host in a few lines. */
#ifndef GRADC_TESTS_HOST_H
#define GRADC_TESTS_HOST_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "gradc.h"

static gradc_context *g;

static void setup(void) {
  g = gradc_new();
  ck_assert_ptr_nonnull(g);
}

static void teardown(void) { gradc_free(g); }

static inline int load(const char *text) { return gradc_load(g, "test.gc", text, strlen(text)); }

/* Loads the text and compiles a function of it; both must go well. */
static inline gradc_function *compiled(const char *text, const char *name, int what,
                                       const char *wrt) {
  ck_assert_msg(load(text) == GRADC_OK, "%s", gradc_message(g)->full);
  gradc_function *f = gradc_compile(g, name, what, wrt);
  ck_assert_msg(f != NULL, "%s", gradc_message(g)->full);
  return f;
}

/* A call of it, which owns it alone. */
static inline gradc_call *called(const char *text, const char *name, int what, const char *wrt) {
  gradc_function *f = compiled(text, name, what, wrt);
  gradc_call *c = gradc_call_new(f);
  ck_assert_ptr_nonnull(c);
  gradc_release(f);
  return c;
}

static inline void runs(gradc_call *c) {
  int status = gradc_run(c);
  ck_assert_msg(status == GRADC_OK, "%d: %s", status, gradc_call_message(c)->full);
}

static inline void set(gradc_call *c, size_t k, const void *data, unsigned rank, int64_t n,
                       int64_t m) {
  int status = gradc_set_array(c, k, data, rank, (int64_t[]){n, m});
  ck_assert_msg(status == GRADC_OK, "%d: %s", status, gradc_call_message(c)->full);
}

/* Runs the tests of a suite; the process's exit status. */
static inline int run_suite(const char *name, const TTest *const *const *test, size_t n) {
  Suite *s = suite_create(name);
  TCase *t = tcase_create(name);
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 120);
  for (size_t k = 0; k < n; k++) tcase_add_test(t, *test[k]);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_NORMAL);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
