/* test_memory.c - the host's allocator: every failure is a code, nothing is lost, and all
 * is given back.  Only gradc.h is used. */
#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "gradc.h"

/* An allocator that counts, and fails at the block number `fail_at`. */
typedef struct Counter {
  size_t blocks, bytes;       /* in use */
  size_t asked, fail_at;      /* 0: never */
  bool wrong_size;
  bool stays_failed;
} Counter;

typedef struct Head { size_t size; max_align_t align; } Head;

static void *counting(void *user, void *old, size_t old_size, size_t new_size) {
  Counter *c = user;
  Head *h = old ? (Head *)old - 1 : NULL;
  if (h && h->size != old_size) c->wrong_size = true;
  if (!new_size) {
    if (!h) return NULL;
    c->blocks--;
    c->bytes -= h->size;
    free(h);
    return NULL;
  }
  c->asked++;
  if (c->fail_at && (c->asked == c->fail_at || (c->stays_failed && c->asked > c->fail_at)))
    return NULL;
  Head *n = malloc(sizeof *n + new_size);
  ck_assert_ptr_nonnull(n);
  n->size = new_size;
  if (h) {
    memcpy(n + 1, h + 1, old_size < new_size ? old_size : new_size);
    c->bytes -= h->size;
    free(h);
  } else {
    c->blocks++;
  }
  c->bytes += new_size;
  return n + 1;
}

static const char model[] =
  "type P[n] = (W: real[n, n], b: real[n])\n"
  "g(x: real) = if x > 0 then log(x) else x^2\n"
  "loss(p: P[n], x: real[n], k: int) =\n"
  "  sum(relu(sum(p.W[i, j]*x[j] for j < n) + p.b[i])^2 for i < n)\n"
  "  + (fold s = x[k] for t < k { g(s) + p.b[t] })\n"
  "late(x: real[n], k: int[m]) = [x[i]^2 for i < k[0]]\n";

/* A result whose memory is found only while the code runs. */
static int late_life(gradc_context *g) {
  static const double x[2] = {0.5, 2};
  static const int64_t k[1] = {2}, line[] = {2}, one[] = {1};
  gradc_function *f = gradc_compile(g, "late", GRADC_VALUE, NULL);
  if (!f) return gradc_message(g)->code;
  gradc_call *c = gradc_call_new(f);
  gradc_release(f);
  if (!c) return GRADC_NOMEM;
  int status = gradc_set_array(c, 0, x, 1, line);
  if (!status) status = gradc_set_array(c, 1, k, 1, one);
  if (!status) status = gradc_run(c);
  gradc_call_free(c);
  return status;
}

/* One step after another until one fails; the first code that is not 0. */
static int whole_life(Counter *counter) {
  gradc_context *g = gradc_new_with(counting, counter);
  if (!g) return GRADC_NOMEM;
  gradc_function *f = NULL;
  gradc_call *c = NULL;
  static const double W[4] = {1, 2, 3, 4}, b[2] = {1, -1}, x[2] = {0.5, 2};
  static const int64_t square[] = {2, 2}, line[] = {2};
  const char *body, *header;
  const gradc_request request = {"loss", GRADC_GRAD, "p.b"};
  int status = gradc_load(g, "model", model, sizeof model - 1);
  if (!status && !(f = gradc_compile(g, "loss", GRADC_GRAD, NULL)))
    status = gradc_message(g)->code;
  if (!status && !(c = gradc_call_new(f))) status = GRADC_NOMEM;
  if (!status) status = gradc_set_array(c, 0, W, 2, square);
  if (!status) status = gradc_set_array(c, 1, b, 1, line);
  if (!status) status = gradc_set_array(c, 2, x, 1, line);
  if (!status) status = gradc_set_int(c, 3, 1);
  if (!status) status = gradc_run(c);
  if (!status) status = late_life(g);
  if (!status && !gradc_derivative(g, "g", NULL, 2, GRADC_PLAIN)) status = gradc_message(g)->code;
  if (!status) status = gradc_emit_c(g, "m", &request, 1, &body, &header);
  if (!status) status = gradc_unload(g, "model");
  gradc_free(g);
  gradc_call_free(c);
  gradc_release(f);
  return status;
}

START_TEST(all_memory_is_given_back) {
  Counter n = {0};
  ck_assert_int_eq(whole_life(&n), GRADC_OK);
  ck_assert_uint_gt(n.asked, 20);
  ck_assert_uint_eq(n.blocks, 0);
  ck_assert_uint_eq(n.bytes, 0);
  ck_assert(!n.wrong_size);
}
END_TEST

/* The first block fails, then the second, the third, … */
static void fail_each(bool stays_failed) {
  Counter whole = {0};
  whole_life(&whole);
  for (size_t k = 1; k <= whole.asked; k++) {
    Counter n = {.fail_at = k, .stays_failed = stays_failed};
    int status = whole_life(&n);
    ck_assert_msg(status == GRADC_NOMEM, "block %zu: status %d", k, status);
    ck_assert_msg(n.blocks == 0 && n.bytes == 0, "block %zu: %zu blocks lost", k, n.blocks);
    ck_assert(!n.wrong_size);
  }
}

START_TEST(any_block_may_fail) { fail_each(false); }
END_TEST

START_TEST(all_blocks_may_fail_from_one_on) { fail_each(true); }
END_TEST

START_TEST(a_failure_changes_nothing) {
  Counter n = {0};
  gradc_context *g = gradc_new_with(counting, &n);
  ck_assert_int_eq(gradc_load(g, "a", "f(x: real) = x^3", 16), GRADC_OK);
  for (size_t k = 1;; k++) {
    n.asked = 0;
    n.fail_at = k;
    int status = gradc_load(g, "a", "f(x: real) = x^2; h(x: real) = x", 32);
    if (!status) break;
    ck_assert_int_eq(status, GRADC_NOMEM);
    ck_assert_int_eq(gradc_message(g)->code, GRADC_NOMEM);
    ck_assert_str_eq(gradc_name(g, 0), "f");
    ck_assert_ptr_null(gradc_name(g, 1));
  }
  n.fail_at = 0;
  ck_assert_str_eq(gradc_name(g, 1), "h");
  gradc_free(g);
  ck_assert_uint_eq(n.blocks, 0);
}
END_TEST

/* A run after the first asks for nothing. */
START_TEST(runs_ask_for_no_memory) {
  Counter n = {0};
  gradc_context *g = gradc_new_with(counting, &n);
  const char text[] = "f(x: real[n]) = sum(sin(x[i])*x[i] for i < n)";
  ck_assert_int_eq(gradc_load(g, "a", text, sizeof text - 1), GRADC_OK);
  gradc_function *f = gradc_compile(g, "f", GRADC_GRAD, "x");
  gradc_call *c = gradc_call_new(f);
  const double x[3] = {1, 2, 3}, y[3] = {4, 5, 6};
  const int64_t shape[] = {3};
  ck_assert_int_eq(gradc_set_array(c, 0, x, 1, shape), GRADC_OK);
  ck_assert_int_eq(gradc_run(c), GRADC_OK);
  size_t asked = n.asked;
  ck_assert_int_eq(gradc_set_array(c, 0, y, 1, shape), GRADC_OK);
  for (int k = 0; k < 100; k++) ck_assert_int_eq(gradc_run(c), GRADC_OK);
  ck_assert_uint_eq(n.asked, asked);
  gradc_release(f);
  gradc_free(g);
  gradc_call_free(c);
  ck_assert_uint_eq(n.blocks, 0);
}
END_TEST

/* A thousand compilations take no more than one. */
START_TEST(contexts_do_not_grow) {
  Counter n = {0};
  gradc_context *g = gradc_new_with(counting, &n);
  size_t after_one = 0;
  for (int k = 0; k < 1000; k++) {
    ck_assert_int_eq(gradc_load(g, "a", "f(x: real) = x^3", 16), GRADC_OK);
    gradc_release(gradc_compile(g, "f", GRADC_GRAD, "x"));
    if (k == 0) after_one = n.bytes;
    ck_assert_uint_eq(n.bytes, after_one);
  }
  gradc_free(g);
}
END_TEST

int main(void) {
  Suite *s = suite_create("memory");
  TCase *t = tcase_create("allocator");
  tcase_set_timeout(t, 120);
  tcase_add_test(t, all_memory_is_given_back);
  tcase_add_test(t, any_block_may_fail);
  tcase_add_test(t, all_blocks_may_fail_from_one_on);
  tcase_add_test(t, a_failure_changes_nothing);
  tcase_add_test(t, runs_ask_for_no_memory);
  tcase_add_test(t, contexts_do_not_grow);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_NORMAL);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
