/* test_sizes.c - sizes: normal form, from and to nodes, proofs that they are not negative. */
#include "ir/ir.h"

#include "checks.h"
#include <string.h>

static Ctx *c;
static Prog *p;
static Ref n, m, d;       /* size names */
static Size N, M, D;

static Ref size_param(const char *name) {
  Ref r = ir_param(p, type_scalar(p, ELEM_INT));
  ir_node(p, r)->name = name;
  VEC_PUSH(c, &p->sig.params, ((SigParam){.name = name, .ref = r, .is_size = true}));
  return r;
}

static void setup(void) {
  c = ctx_new(NULL, NULL);
  p = prog_new(c);
  n = size_param("n");
  m = size_param("m");
  d = size_param("d");
  N = size_atom(p, n);
  M = size_atom(p, m);
  D = size_atom(p, d);
}

static void teardown(void) {
  ctx_free(c);
}

static const char *text(Size s) {
  Buf b;
  buf_init(&b, c);
  size_text(p, s, &b);
  return buf_text(&b);
}

static Size num(int64_t x) {
  return size_const(p, x);
}

/* d*(d-1)/2 */
static Size triangle(Size x) {
  return size_scale(p, size_mul(p, x, size_sub(p, x, num(1))), 1, 2);
}

START_TEST(equal_sizes_are_equal_pointers) {
  Size a = size_mul(p, size_add(p, N, M), size_sub(p, N, M));
  Size b = size_sub(p, size_mul(p, N, N), size_mul(p, M, M));
  ck_assert_ptr_eq(a, b);
  ck_assert_ptr_eq(size_sub(p, a, b), num(0));
  ck_assert_ptr_ne(a, N);
  ck_assert_ptr_eq(size_scale(p, size_scale(p, N, 1, 6), 3, 1), size_scale(p, N, -2, -4));
}
END_TEST

START_TEST(texts) {
  ck_assert_str_eq(text(triangle(D)), "(d^2 - d)/2");
  ck_assert_str_eq(text(num(0)), "0");
  ck_assert_str_eq(text(num(-3)), "-3");
  ck_assert_str_eq(text(size_sub(p, num(1), size_mul(p, N, M))), "-n*m + 1");
  ck_assert_str_eq(text(size_scale(p, N, 1, 2)), "n/2");
}
END_TEST

START_TEST(constants) {
  int64_t v;
  ck_assert(size_is_const(size_sub(p, size_add(p, N, num(4)), N), &v));
  ck_assert_int_eq(v, 4);
  ck_assert(!size_is_const(N, &v));
  ck_assert(!size_is_const(size_scale(p, num(1), 1, 2), &v));
  ck_assert(size_is_const(size_scale(p, num(6), 1, 2), &v));
  ck_assert_int_eq(v, 3);
}
END_TEST

START_TEST(nodes_are_seen_through) {
  Ref prod = ir_mul(p, d, ir_sub(p, d, ir_int(p, 1)));
  Ref half = ir_prim2(p, P_FLOORDIV, prod, ir_int(p, 2));
  ck_assert_ptr_eq(size_atom(p, half), triangle(D));
  /* d^2 is not always even */
  Ref other = ir_prim2(p, P_FLOORDIV, ir_mul(p, d, d), ir_int(p, 2));
  ck_assert_str_eq(text(size_atom(p, ir_neg(p, other))), str_printf(c, "-%%%u", other));
  Ref max = ir_prim2(p, P_MAX, n, m);
  ck_assert_ptr_ne(size_atom(p, max), N);
  ck_assert_ptr_eq(size_atom(p, ir_add(p, ir_sub(p, n, m), m)), N);
}
END_TEST

START_TEST(sizes_become_nodes_and_back) {
  Size all[] = {N, num(7), num(0), triangle(D), size_sub(p, size_mul(p, N, M), num(1)),
                size_scale(p, size_mul(p, D, size_mul(p, N, N)), -3, 1),
                size_sub(p, num(5), N)};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++)
    ck_assert_ptr_eq(size_atom(p, size_node(p, all[k])), all[k]);
  ck_assert_uint_eq(size_node(p, N), n);
  ir_verify(p, "test");
}
END_TEST

static Ref twice(void *self, Ref r) {
  (void)self;
  return r == d ? ir_add(p, d, d) : r;
}

START_TEST(map_replaces_atoms) {
  Size s = size_map(p, triangle(D), twice, NULL);
  ck_assert_ptr_eq(s, triangle(size_scale(p, D, 2, 1)));
  Size dim[] = {N, triangle(D)};
  const Type *t = type_map(p, type_array(p, ELEM_INT, 2, dim), twice, NULL);
  ck_assert_ptr_eq(t->dim[0], N);
  ck_assert_ptr_eq(t->dim[1], s);
}
END_TEST

static void huge(void *arg) {
  (void)arg;
  Size s = size_add(p, N, num(1));
  for (int k = 0; k < 400; k++) s = size_mul(p, s, size_add(p, N, num(1000003)));
}

static void large_number(void *arg) {
  (void)arg;
  size_add(p, num(INT64_MAX), num(1));
}

START_TEST(overflow_is_an_error) {
  ck_assert_int_eq(ctx_try(c, huge, NULL), GC_LIMIT);
  ck_assert_int_eq(ctx_try(c, large_number, NULL), GC_LIMIT);
}
END_TEST

START_TEST(long_formulas_of_nodes_are_atoms) {
  Ref r = n;
  for (int k = 0; k < 3000; k++) r = ir_mul(p, r, ir_add(p, r, m));
  ck_assert_ptr_nonnull(size_atom(p, r));
}
END_TEST

/* ---- proofs ------------------------------------------------------------------------ */

/* Begins a loop over `extent` and gives its index as a size. */
static Size index_over(Size extent, Ref *index) {
  Ref e = size_node(p, extent);
  ir_begin(p);
  ir_set_extents(p, 1, &e);
  Ref i = ir_param(p, type_scalar(p, ELEM_INT));
  if (index) *index = i;
  return size_atom(p, i);
}

static bool below(Size i, Size bound) {
  return size_nonneg(p, size_sub(p, size_sub(p, bound, i), num(1)));
}

START_TEST(sizes_alone) {
  ck_assert(size_nonneg(p, N));
  ck_assert(size_nonneg(p, num(0)));
  ck_assert(!size_nonneg(p, num(-1)));
  ck_assert(!size_nonneg(p, size_sub(p, N, num(1))));
  ck_assert(!size_nonneg(p, size_sub(p, N, M)));
  ck_assert(size_nonneg(p, size_mul(p, N, M)));
  Ref k = ir_param(p, type_scalar(p, ELEM_INT));
  ck_assert(!size_nonneg(p, size_atom(p, k)));
  Size dim = size_atom(p, k);
  type_array(p, ELEM_REAL, 1, &dim);
  ck_assert(size_nonneg(p, dim));
}
END_TEST

START_TEST(index_in_its_range) {
  Size i = index_over(N, NULL);
  ck_assert(size_nonneg(p, i));
  ck_assert(below(i, N));
  ck_assert(!below(i, size_sub(p, N, num(1))));
  ck_assert(!size_nonneg(p, size_sub(p, i, num(1))));
  Size last = size_sub(p, size_sub(p, N, num(1)), i); /* n-1-i */
  ck_assert(size_nonneg(p, last));
  ck_assert(below(last, N));
  ck_assert(size_nonneg(p, size_sub(p, N, num(1)))); /* the loop around runs */
}
END_TEST

START_TEST(stencil) {
  Size i = index_over(size_sub(p, N, num(2)), NULL);
  ck_assert(below(size_add(p, i, num(2)), N));
  ck_assert(!below(size_add(p, i, num(3)), N));
}
END_TEST

/* y + r of a window over 3 in an image of 2*n + 2 */
START_TEST(window_in_a_doubled_size) {
  Size y = index_over(size_scale(p, N, 2, 1), NULL), r = index_over(num(3), NULL);
  Size at = size_add(p, y, r), room = size_add(p, size_scale(p, N, 2, 1), num(2));
  ck_assert(below(at, room));
  ck_assert(!below(size_add(p, at, num(1)), room));
}
END_TEST

static Ref quotient(Size a, int64_t by) {
  return ir_prim2(p, P_FLOORDIV, size_node(p, a), ir_int(p, by));
}

/* 2*y + r in every second place of an image of n */
START_TEST(strided_window) {
  Size y = index_over(size_atom(p, quotient(size_sub(p, N, num(1)), 2)), NULL);
  Size at = size_add(p, size_scale(p, y, 2, 1), index_over(num(3), NULL));
  ck_assert(below(at, N));
  ck_assert(!below(size_add(p, at, num(1)), N));
}
END_TEST

/* What a division leaves: i//2 of 0 .. n-1 has (n + 1)//2 values, for i < n alone. */
START_TEST(quotients_of_sizes) {
  Size half = size_atom(p, quotient(N, 2)), up = size_atom(p, quotient(size_add(p, N, num(1)), 2));
  ck_assert(size_nonneg(p, size_sub(p, N, size_scale(p, half, 2, 1))));
  ck_assert(size_nonneg(p, size_sub(p, size_scale(p, up, 2, 1), N)));
  ck_assert(!size_nonneg(p, size_sub(p, size_scale(p, half, 2, 1), N)));
}
END_TEST

/* A position in a window of 2 by 2, as the reverse of max pooling adds at. */
START_TEST(atoms_between_numbers) {
  Size i = index_over(N, NULL), extent = size_scale(p, N, 2, 1);
  Ref place = ir_prim2(p, P_MOD, size_node(p, i), ir_int(p, 4));
  Size row = size_atom(p, ir_prim2(p, P_FLOORDIV, place, ir_int(p, 2)));
  Size column = size_atom(p, ir_prim2(p, P_MOD, place, ir_int(p, 2)));
  Size twice = size_scale(p, i, 2, 1);
  ck_assert(below(size_add(p, twice, row), extent));
  ck_assert(below(size_add(p, twice, column), extent));
  ck_assert(!below(size_add(p, twice, size_atom(p, place)), extent));
  ck_assert(!below(size_add(p, twice, size_add(p, row, column)), extent));
}
END_TEST

START_TEST(flat_index_of_a_matrix) {
  Size i = index_over(N, NULL), j = index_over(M, NULL);
  Size flat = size_add(p, size_mul(p, i, M), j);
  ck_assert(size_nonneg(p, flat));
  ck_assert(below(flat, size_mul(p, N, M)));
  ck_assert(!below(size_add(p, flat, num(1)), size_mul(p, N, M)));
}
END_TEST

START_TEST(triangular_loops) {
  Size i = index_over(D, NULL), j = index_over(i, NULL);
  ck_assert(below(j, D));
  ck_assert(below(j, size_sub(p, D, num(1))));
  ck_assert(!below(i, size_sub(p, D, num(1))));
  Size flat = size_add(p, triangle(i), j);
  ck_assert(size_nonneg(p, flat));
  ck_assert(below(flat, triangle(D)));
  ck_assert(!below(size_add(p, flat, num(1)), triangle(D)));
}
END_TEST

START_TEST(upper_triangle) {
  Size i = index_over(N, NULL);
  Size k = index_over(size_sub(p, size_sub(p, N, i), num(1)), NULL); /* j in i+1..n */
  Size j = size_add(p, size_add(p, i, k), num(1));
  ck_assert(size_nonneg(p, size_sub(p, j, num(1))));
  ck_assert(below(j, N));
  ck_assert(!below(size_add(p, j, num(1)), N));
  ck_assert(below(i, size_sub(p, N, num(1)))); /* since the inner loop runs */
}
END_TEST

START_TEST(blocks) {
  Size b = index_over(N, NULL), k = index_over(num(4), NULL);
  Size i = size_add(p, size_scale(p, b, 4, 1), k);
  ck_assert(below(i, size_scale(p, N, 4, 1)));
  ck_assert(!below(i, size_sub(p, size_scale(p, N, 4, 1), num(1))));
}
END_TEST

int main(void) {
  Suite *s = suite_create("sizes");
  TCase *t = tcase_create("sizes");
  tcase_add_checked_fixture(t, setup, teardown);
  tcase_add_test(t, equal_sizes_are_equal_pointers);
  tcase_add_test(t, texts);
  tcase_add_test(t, constants);
  tcase_add_test(t, nodes_are_seen_through);
  tcase_add_test(t, sizes_become_nodes_and_back);
  tcase_add_test(t, map_replaces_atoms);
  tcase_add_test(t, overflow_is_an_error);
  tcase_add_test(t, long_formulas_of_nodes_are_atoms);
  tcase_add_test(t, sizes_alone);
  tcase_add_test(t, index_in_its_range);
  tcase_add_test(t, stencil);
  tcase_add_test(t, window_in_a_doubled_size);
  tcase_add_test(t, strided_window);
  tcase_add_test(t, quotients_of_sizes);
  tcase_add_test(t, atoms_between_numbers);
  tcase_add_test(t, flat_index_of_a_matrix);
  tcase_add_test(t, triangular_loops);
  tcase_add_test(t, upper_triangle);
  tcase_add_test(t, blocks);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed != 0;
}
