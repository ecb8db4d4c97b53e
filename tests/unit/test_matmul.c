/* test_matmul.c - runtime/matmul.h against plain loops, at the edges of its tiles, panels and
 * lanes: each element to the bit, in the order that is promised; what stands around the result
 * stays as it is; and what libtcc's code calls gives the same bits. */
#include "jit/symbols.h"

#include "checks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#endif

#define GC_LANES
#define GC_RESTRICT restrict
#define real double
#include "../../runtime/matmul.h"

enum { ROOM = 1 << 16, MOST = 10500 };

static double a[ROOM], b[ROOM], c[MOST], by_jit[MOST], by_loops[MOST];
static float af[ROOM], bf[ROOM], by_jitf[MOST];

/* How the operands lie. */
typedef struct Product { int64_t m, n, k, a_row, a_column, b_row, b_column, c_row; } Product;

static double term(const Product *s, int64_t i, int64_t j, int64_t k) {
  return a[i*s->a_row + k*s->a_column]*b[k*s->b_row + j*s->b_column];
}

/* start + a[i, k]*b[k, j] + …, from k on. */
static double in_order(const Product *s, int64_t i, int64_t j, double start, int64_t k) {
  for (; k < s->k; k++) start += term(s, i, j, k);
  return start;
}

/* As a sum along memory: what fills no block at the end, and eight lanes as a tree. */
static double in_lanes(const Product *s, int64_t i, int64_t j) {
  double lane[8] = {0};
  int64_t whole = s->k - s->k % 8;
  for (int64_t k = 0; k < whole; k++) lane[k % 8] += term(s, i, j, k);
  double even = (lane[0] + lane[4]) + (lane[2] + lane[6]);
  double odd = (lane[1] + lane[5]) + (lane[3] + lane[7]);
  return in_order(s, i, j, 0, whole) + (even + odd);
}

static void fill(void) {
  for (int64_t k = 0; k < MOST; k++) {
    c[k] = by_jit[k] = by_loops[k] = (double)(k % 13)/8 + 3;
    by_jitf[k] = (float)c[k];
  }
}

static void by_hand(const Product *s, bool add) {
  bool lanes = s->m < 4 && s->a_column == 1 && s->b_row == 1 && s->k > 1;
  for (int64_t i = 0; i < s->m; i++)
    for (int64_t j = 0; j < s->n; j++) {
      double *x = &by_loops[i*s->c_row + j], old = add ? *x : 0;
      *x = !lanes ? in_order(s, i, j, old, 0) : add ? old + in_lanes(s, i, j) : in_lanes(s, i, j);
    }
}

static void try_product(Product s) {
  for (int add = 0; add < 2; add++) {
    fill();
    by_hand(&s, add);
    gc_matmul(s.m, s.n, s.k, a, s.a_row, s.a_column, b, s.b_row, s.b_column, c, s.c_row, add);
    jit_matmul(s.m, s.n, s.k, a, s.a_row, s.a_column, b, s.b_row, s.b_column, by_jit, s.c_row, add);
    ck_assert_msg(memcmp(c, by_loops, sizeof c) == 0, "%d %d %d: not the bits of the loops",
                  (int)s.m, (int)s.n, (int)s.k);
    ck_assert_msg(memcmp(c, by_jit, sizeof c) == 0, "%d %d %d: not the bits of the JIT's",
                  (int)s.m, (int)s.n, (int)s.k);
    jit_matmulf(s.m, s.n, s.k, af, s.a_row, s.a_column, bf, s.b_row, s.b_column, by_jitf, s.c_row,
                add);
    double off = 0;
    for (int64_t i = 0; i < MOST; i++) off = fmax(off, fabs((double)by_jitf[i] - c[i]));
    ck_assert_msg(off < 1e-3, "%d %d %d: float is off by %g", (int)s.m, (int)s.n, (int)s.k, off);
  }
}

static void try_layouts(int64_t m, int64_t n, int64_t k) {
  try_product((Product){m, n, k, k, 1, n, 1, n});
  try_product((Product){m, n, k, 1, m, n, 1, n + 2});
  try_product((Product){m, n, k, k + 3, 1, 1, k, n});
  try_product((Product){m, n, k, 1, m, 1, k, n});
  try_product((Product){m, n, k, 2*k, 2, 2*n, 2, n + 1});
}

START_TEST(test_edges) {
  static const int64_t rows[] = {0, 1, 3, 4, 5, 8, 9}, columns[] = {0, 1, 3, 15, 16, 17, 33};
  static const int64_t depths[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 130};
  for (size_t i = 0; i < sizeof rows/sizeof *rows; i++)
    for (size_t j = 0; j < sizeof columns/sizeof *columns; j++)
      for (size_t k = 0; k < sizeof depths/sizeof *depths; k++)
        try_layouts(rows[i], columns[j], depths[k]);
}
END_TEST

START_TEST(test_large) {
  try_layouts(37, 70, 131);
  try_layouts(64, 64, 64);
  try_layouts(3, 150, 100);
}
END_TEST

int main(void) {
  for (int64_t k = 0; k < ROOM; k++) {
    a[k] = (double)((k*37 + 11) % 101 - 50)/97;
    b[k] = (double)((k*53 + 7) % 103 - 51)/89;
    af[k] = (float)a[k];
    bf[k] = (float)b[k];
  }
  Suite *s = suite_create("matmul");
  TCase *t = tcase_create("matmul");
  tcase_set_timeout(t, 120);
  tcase_add_test(t, test_edges);
  tcase_add_test(t, test_large);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_NORMAL);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
