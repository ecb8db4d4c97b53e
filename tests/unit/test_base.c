/* test_base.c - the arena and its limits, interning, texts, messages; the arithmetic of this build. */
#include "base/base.h"

#include "checks.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a host allocator that counts, and fails when told to ---------------- */

typedef struct Host {
  size_t live;  /* bytes not given back */
  int calls;
  int fail_at;  /* this call, and all after it unless `once`, give NULL; 0 is never */
  bool once;
} Host;

static void *host_alloc(void *user, void *old, size_t old_size, size_t new_size) {
  Host *h = user;
  if (new_size == 0) {
    h->live -= old ? old_size : 0;
    free(old);
    return NULL;
  }
  h->calls++;
  if (h->fail_at && (h->once ? h->calls == h->fail_at : h->calls >= h->fail_at)) return NULL;
  void *p = realloc(old, new_size);
  if (p) h->live += new_size - (old ? old_size : 0);
  return p;
}

static Ctx *c;
static Host host;

static void setup(void) {
  host = (Host){0};
  c = ctx_new(host_alloc, &host);
  ck_assert_ptr_nonnull(c);
}

static void teardown(void) {
  ctx_free(c);
  c = NULL;
  ck_assert_uint_eq(host.live, 0);
}

static const char *rendered(uint32_t k) {
  Buf b;
  buf_init(&b, c);
  diag_render(c, k, &b, false);
  return buf_text(&b);
}

static const char *all_rendered(void) {
  Buf b;
  buf_init(&b, c);
  for (uint32_t k = 0; k < diag_count(c); k++) diag_render(c, k, &b, false);
  return buf_text(&b);
}

/* ---- arena --------------------------------------------------------------- */

START_TEST(arena_zeroes_and_aligns) {
  for (size_t size = 0; size < 3000; size = size * 3 / 2 + 1) {
    char *p = arena_alloc(c, size);
    ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
    for (size_t i = 0; i < size; i++) ck_assert_int_eq(p[i], 0);
    memset(p, 'x', size);
  }
  ck_assert_uint_gt(arena_used(c), 3000);
}
END_TEST

START_TEST(arena_grow_keeps_contents) {
  size_t size = 8;
  char *p = arena_alloc(c, size), *first = p;
  memset(p, 'a', size);
  while (size < 10u << 20) {
    p = arena_grow(c, p, size, 2 * size);
    ck_assert_int_eq(p[0], 'a');
    ck_assert_int_eq(p[size - 1], 'a');
    ck_assert_int_eq(p[size], 0);
    ck_assert_int_eq(p[2 * size - 1], 0);
    memset(p, 'a', 2 * size);
    size *= 2;
  }
  ck_assert_int_eq(first[7], 'a'); /* the old block is still memory */
}
END_TEST

START_TEST(arena_calls_the_host_seldom) {
  for (int i = 0; i < 1000000; i++) arena_alloc(c, 24);
  ck_assert_int_lt(host.calls, 40);
}
END_TEST

START_TEST(vec_grows) {
  VEC(int) v = {0};
  for (int i = 0; i < 100000; i++) VEC_PUSH(c, &v, i);
  ck_assert_uint_eq(v.n, 100000);
  for (int i = 0; i < 100000; i++) ck_assert_int_eq(v.at[i], i);
}
END_TEST

static void eat(void *arg) {
  size_t piece = *(size_t *)arg;
  for (;;) arena_alloc(c, piece);
}

static void eat_all_at_once(void *arg) {
  (void)arg;
  arena_alloc(c, SIZE_MAX - 8);
}

START_TEST(memory_limit_raises) {
  size_t piece = 1000;
  c->limits.memory = 1 << 20;
  ck_assert_int_eq(ctx_try(c, eat, &piece), GC_LIMIT);
  ck_assert_int_eq(c->status, GC_LIMIT);
  ck_assert_uint_le(arena_used(c), 1 << 20);
  ck_assert_str_eq(rendered(0),
                   "gradc: error: this needs more than the limit of 1048576 bytes of memory\n");
  /* It stays at its limit, and can say so as often as it is asked. */
  for (int i = 0; i < 100; i++) {
    diag_clear(c);
    ck_assert_int_eq(ctx_try(c, eat, &piece), GC_LIMIT);
    ck_assert_uint_gt(strlen(rendered(0)), 0);
  }
  ck_assert_uint_le(arena_used(c), (1 << 20) + 100 * (32 << 10));
}
END_TEST

START_TEST(huge_block_raises) {
  ck_assert_int_eq(ctx_try(c, eat_all_at_once, NULL), GC_NOMEM);
  ck_assert_uint_eq(diag_count(c), 1);
}
END_TEST

/* ---- running out of memory ------------------------------------------------ */

static int released;

static void count_release(void *arg) {
  released += *(int *)arg;
}

static void work(void *arg) {
  static int one = 1;
  ctx_defer(c, count_release, &one);
  char name[32];
  for (int i = 0; i < 20000; i++) {
    snprintf(name, sizeof name, "name%d", i);
    intern_z(c, name);
  }
  Buf b;
  buf_init(&b, c);
  for (int i = 0; i < 20000; i++) buf_printf(&b, "%d, ", i);
  source_add(c, "f.gc", buf_text(&b), b.n);
  *(bool *)arg = true;
}

START_TEST(every_failing_allocation_is_survived) {
  int survived = 0;
  for (int once = 0; once < 2; once++)
    for (int k = 1;; k++) {
      Host h = {.fail_at = k, .once = once};
      bool done = false;
      Ctx *mine = ctx_new(host_alloc, &h);
      if (mine) {
        Ctx *outer = c;
        c = mine;
        released = 0;
        Status s = ctx_try(c, work, &done);
        ck_assert_int_eq(released, 1);
        ck_assert_int_eq(s, done ? GC_OK : GC_NOMEM);
        if (!done) ck_assert_ptr_nonnull(strstr(rendered(0), "error: out of memory"));
        c = outer;
      }
      ctx_free(mine);
      ck_assert_uint_eq(h.live, 0);
      survived++;
      if (done) break;
    }
  ck_assert_int_gt(survived, 10);
}
END_TEST

/* ---- try and defer -------------------------------------------------------- */

static char order[8];

static void note_release(void *arg) {
  strncat(order, arg, 1);
}

static void inner(void *arg) {
  (void)arg;
  ctx_defer(c, note_release, "b");
  ctx_defer(c, note_release, "a");
  fail_at(c, (Span){0}, "mend it", "broken");
}

static void outer(void *arg) {
  ctx_defer(c, note_release, "d");
  *(Status *)arg = ctx_try(c, inner, NULL);
  ctx_defer(c, note_release, "c");
}

START_TEST(tries_nest_and_release_latest_first) {
  Status s = GC_OK;
  order[0] = '\0';
  ck_assert_int_eq(ctx_try(c, outer, &s), GC_OK);
  ck_assert_int_eq(s, GC_ERROR);
  ck_assert_str_eq(order, "abcd");
  ck_assert_ptr_null(c->unwind);
  ck_assert_str_eq(all_rendered(), "gradc: error: broken\n  help: mend it\n");
}
END_TEST

START_TEST(a_release_without_a_try_runs_at_the_end) {
  Ctx *mine = ctx_new(NULL, NULL);
  order[0] = '\0';
  ctx_defer(mine, note_release, "z");
  ctx_free(mine);
  ck_assert_str_eq(order, "z");
  ctx_free(NULL);
}
END_TEST

static void mistake(void *arg) {
  (void)arg;
  internal_error(c, "node %d has no type", 7);
}

START_TEST(internal_errors_say_so) {
  ck_assert_int_eq(ctx_try(c, mistake, NULL), GC_ERROR);
  ck_assert_str_eq(all_rendered(),
                   "gradc: error: internal error: node 7 has no type\n"
                   "  help: this is a mistake in gradc, not in the program; please report it\n");
}
END_TEST

/* ---- strings -------------------------------------------------------------- */

START_TEST(interning) {
  const char *a = intern(c, "alphabet", 5);
  ck_assert_str_eq(a, "alpha");
  ck_assert_ptr_eq(a, intern_z(c, "alpha"));
  ck_assert_ptr_ne(a, intern_z(c, "beta"));
  ck_assert_ptr_eq(intern(c, "", 0), intern_z(c, ""));
  const char *nul = intern(c, "a\0b", 3);
  ck_assert_ptr_ne(nul, intern_z(c, "a"));
  ck_assert_ptr_eq(nul, intern(c, "a\0b", 3));
  char name[32];
  const char *kept[2000];
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 2000; i++) {
      snprintf(name, sizeof name, "x%d", i);
      if (round == 0) kept[i] = intern_z(c, name);
      else ck_assert_ptr_eq(kept[i], intern_z(c, name));
    }
}
END_TEST

START_TEST(texts) {
  ck_assert_str_eq(str_printf(c, "%s %d", "a", 3), "a 3");
  Buf b;
  buf_init(&b, c);
  ck_assert_str_eq(buf_text(&b), "");
  for (int i = 0; i < 1000; i++) buf_printf(&b, "%03d", i);
  ck_assert_uint_eq(b.n, 3000);
  ck_assert_int_eq(strncmp(buf_text(&b) + 2997, "999", 4), 0);
  buf_printf(&b, "%*s", 5000, "!");
  ck_assert_uint_eq(strlen(buf_text(&b)), 8000);
}
END_TEST

static const struct { double x; const char *text; } reals[] = {
  {0, "0"}, {-0.0, "-0"}, {1, "1"}, {1024, "1024"}, {0.1, "0.1"},
  {0.1 + 0.2, "0.30000000000000004"}, {1.0 / 3, "0.3333333333333333"},
  {1e300, "1e+300"}, {5e-324, "5e-324"}, {123456789012, "123456789012"},
  {2.2250738585072014e-308, "2.2250738585072014e-308"}, {INFINITY, "inf"}, {-INFINITY, "-inf"},
  {NAN, "nan"}, {9007199254740993.0, "9007199254740992"},
};

START_TEST(reals_are_short_and_exact) {
  Buf b;
  buf_init(&b, c);
  buf_real(&b, reals[_i].x);
  ck_assert_str_eq(buf_text(&b), reals[_i].text);
}
END_TEST

/* ---- messages ------------------------------------------------------------- */

static uint32_t add(const char *text) {
  return source_add(c, "f.gc", text, strlen(text));
}

START_TEST(places) {
  uint32_t f = add("ab\n\nh\xc3\xa9llo\r\n"), line, column;
  static const struct { uint32_t at, line, column; } want[] = {
    {0, 1, 1}, {2, 1, 3}, {3, 2, 1}, {4, 3, 1}, {7, 3, 3}, {12, 4, 1}, {99, 4, 1},
  };
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    source_where(c, (Span){f, want[i].at, want[i].at}, &line, &column);
    ck_assert_uint_eq(line, want[i].line);
    ck_assert_uint_eq(column, want[i].column);
  }
  ck_assert_ptr_null(source_get(c, 0));
  ck_assert_ptr_null(source_get(c, f + 1));
  Span j = span_join((Span){f, 5, 7}, (Span){f, 2, 6});
  ck_assert(j.file == f && j.start == 2 && j.end == 7);
  j = span_join((Span){0}, (Span){f, 2, 6});
  ck_assert(j.file == f && j.start == 2 && j.end == 6);
}
END_TEST

START_TEST(a_caret_with_help) {
  uint32_t f = add("x = 1\ny = stop_gradent(x) + 1\n");
  diag(c, SEV_ERROR, (Span){f, 10, 22}, "unknown name '%s'", "stop_gradent");
  diag(c, SEV_HELP, (Span){0}, "did you mean 'stop_gradient'?");
  diag(c, SEV_NOTE, (Span){f, 0, 1}, "x is here");
  ck_assert_str_eq(all_rendered(),
                   "f.gc:2:5: error: unknown name 'stop_gradent'\n"
                   "  2 | y = stop_gradent(x) + 1\n"
                   "    |     ^~~~~~~~~~~~\n"
                   "  help: did you mean 'stop_gradient'?\n"
                   "f.gc:1:1: note: x is here\n"
                   "  1 | x = 1\n"
                   "    | ^\n");
}
END_TEST

START_TEST(strange_bytes_are_safe) {
  uint32_t f = add("\ta\x01\xff\xc3\xa9\xe2\x80\xaez\x1b[31m\xe4\xb8\xad+b");
  diag(c, SEV_ERROR, (Span){f, 19, 20}, "bad \x1b\xff byte");
  ck_assert_str_eq(all_rendered(),
                   "f.gc:1:15: error: bad \\x1b\\xff byte\n"
                   "  1 |     a\\x01\\xff\xc3\xa9\\u{202e}z\\x1b[31m\xe4\xb8\xad+b\n"
                   "    |                                   ^\n");
}
END_TEST

START_TEST(spans_over_lines_and_at_the_end) {
  uint32_t f = add("f(x) = {\n  1\n}");
  diag(c, SEV_ERROR, (Span){f, 7, 14}, "one");
  diag(c, SEV_ERROR, (Span){f, 14, 14}, "two");
  diag(c, SEV_ERROR, (Span){f, 8, 9}, "three");
  ck_assert_str_eq(all_rendered(),
                   "f.gc:1:8: error: one\n  1 | f(x) = {\n    |        ^\n"
                   "f.gc:3:2: error: two\n  3 | }\n    |  ^\n"
                   "f.gc:1:9: error: three\n  1 | f(x) = {\n    |         ^\n");
  diag_clear(c);
  diag(c, SEV_ERROR, (Span){add(""), 0, 0}, "empty");
  ck_assert_str_eq(all_rendered(), "f.gc:1:1: error: empty\n  1 |\n    | ^\n");
}
END_TEST

START_TEST(long_lines_are_cut) {
  enum { N = 100000 };
  char *text = malloc(N + 1);
  memset(text, 'a', N);
  text[N] = '\0';
  text[N / 2] = '!';
  uint32_t f = source_add(c, "f.gc", text, N);
  free(text);
  uint32_t at[] = {0, 10, N / 2, N - 10, N};
  for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
    diag_clear(c);
    diag(c, SEV_ERROR, (Span){f, at[i], at[i] + 500}, "long");
    const char *r = all_rendered();
    ck_assert_uint_lt(strlen(r), 400);
    if (at[i] != N / 2) continue;
    const char *bang = strchr(r, '!'), *caret = strchr(r, '^');
    const char *line = strstr(r, "  1 | "), *under = strstr(r, "    | ");
    /* the ellipsis is three bytes and one column */
    ck_assert_int_eq(bang - line - 2, caret - under);
  }
}
END_TEST

START_TEST(warnings) {
  uint32_t f = add("x = 1\n");
  Span s = {f, 0, 1};
  VEC_PUSH(c, &c->no_warn, "hidden");
  warn(c, "none", s, "x is %s", "none");
  diag(c, SEV_HELP, (Span){0}, "kept");
  warn(c, "none", s, "x is %s", "none"); /* said already */
  diag(c, SEV_HELP, (Span){0}, "dropped");
  warn(c, "hidden", s, "not wanted");
  diag(c, SEV_NOTE, s, "dropped");
  diag(c, SEV_HELP, (Span){0}, "dropped");
  ck_assert_uint_eq(diag_count(c), 2);
  ck_assert_str_eq(all_rendered(),
                   "f.gc:1:1: warning: x is none [none]\n  1 | x = 1\n    | ^\n  help: kept\n");
  diag(c, SEV_ERROR, s, "error");
  diag(c, SEV_HELP, (Span){0}, "kept too");
  ck_assert_uint_eq(diag_count(c), 4);
  ck_assert_ptr_null(diag_get(c, 4));
}
END_TEST

START_TEST(colour_only_when_asked) {
  uint32_t f = add("x\n");
  diag(c, SEV_ERROR, (Span){f, 0, 1}, "e");
  ck_assert_ptr_null(strchr(rendered(0), '\033'));
  Buf b;
  buf_init(&b, c);
  diag_render(c, 0, &b, true);
  ck_assert_ptr_nonnull(strstr(buf_text(&b), "\033[1;31merror:\033[0m e\n"));
}
END_TEST

static const char *const words[] = {
  "stop_gradient", "grad", "grad_scale", "sum", "softmax", "x", "tanh",
};
static const struct { const char *word, *want; } near[] = {
  {"stop_gradent", "stop_gradient"}, {"stpo_gradient", "stop_gradient"}, {"grda", "grad"},
  {"gard", "grad"}, {"SUM", "sum"}, {"summ", "sum"}, {"sotfmax", "softmax"}, {"X", "x"},
  {"y", NULL}, {"banana", NULL}, {"", NULL}, {"tanhh", "tanh"}, {"graad_scale", "grad_scale"},
};

START_TEST(nearest) {
  const char *got = nearest_word(near[_i].word, words, sizeof words / sizeof *words);
  ck_assert_pstr_eq(got, near[_i].want);
}
END_TEST

/* Else the interpreter, constants and kernels would differ from generated code on machines that
 * have fma. */
START_TEST(no_product_is_fused_with_a_sum) {
  volatile double volatile_x = 1 + ldexp(1, -30);
  double x = volatile_x, square = x * x;
  volatile double rounded = square;
  ck_assert_double_eq(x * x - rounded, 0);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

int main(void) {
  Suite *s = suite_create("base");
  TCase *t = tcase_create("base");
  suite_add_tcase(s, t);
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_set_timeout(t, 60);
  tcase_add_test(t, arena_zeroes_and_aligns);
  tcase_add_test(t, arena_grow_keeps_contents);
  tcase_add_test(t, arena_calls_the_host_seldom);
  tcase_add_test(t, vec_grows);
  tcase_add_test(t, memory_limit_raises);
  tcase_add_test(t, huge_block_raises);
  tcase_add_test(t, every_failing_allocation_is_survived);
  tcase_add_test(t, tries_nest_and_release_latest_first);
  tcase_add_test(t, a_release_without_a_try_runs_at_the_end);
  tcase_add_test(t, internal_errors_say_so);
  tcase_add_test(t, interning);
  tcase_add_test(t, texts);
  tcase_add_loop_test(t, reals_are_short_and_exact, 0, COUNT(reals));
  tcase_add_test(t, places);
  tcase_add_test(t, a_caret_with_help);
  tcase_add_test(t, strange_bytes_are_safe);
  tcase_add_test(t, spans_over_lines_and_at_the_end);
  tcase_add_test(t, long_lines_are_cut);
  tcase_add_test(t, warnings);
  tcase_add_test(t, colour_only_when_asked);
  tcase_add_loop_test(t, nearest, 0, COUNT(near));
  tcase_add_test(t, no_product_is_fused_with_a_sum);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
