/* test_ir.c - nodes, regions, exact rules, copies, sweeping, verification. */
#include "ir/ir.h"

#include "checks.h"
#include <math.h>
#include <string.h>
#include <time.h>

static Ctx *c;
static Prog *p;
static const Type *real, *whole, *truth;
static Ref x, y, b, n, A;      /* real x, real y, bool b, size n, real A[n] */
static const Type *vector;

/* A program with the parameters above. */
static void begin(void) {
  p = prog_new(c);
  real = type_scalar(p, ELEM_REAL);
  whole = type_scalar(p, ELEM_INT);
  truth = type_scalar(p, ELEM_BOOL);
  n = ir_param(p, whole);
  x = ir_param(p, real);
  y = ir_param(p, real);
  b = ir_param(p, truth);
  Size dim = size_atom(p, n);
  vector = type_array(p, ELEM_REAL, 1, &dim);
  A = ir_param(p, vector);
}

static void setup(void) {
  c = ctx_new(NULL, NULL);
  begin();
}

static void teardown(void) {
  ctx_free(c);
}

static const Node *node(Ref r) {
  return ir_node(p, r);
}

static Ref prim1(uint32_t id, Ref a) {
  return ir_prim1(p, id, a);
}

static Ref prim2(uint32_t id, Ref u, Ref v) {
  return ir_prim2(p, id, u, v);
}

static bool internal(void (*fn)(void *)) {
  uint32_t before = diag_count(c);
  return ctx_try(c, fn, NULL) != GC_OK && diag_count(c) > before;
}

static uint32_t count_op(const Prog *q, Op op) {
  uint32_t count = 0;
  for (Ref r = 1; r < q->nnodes; r++) {
    const Node *m = ir_node(q, r);
    const Region *home = q->regions.at[m->region];
    if (m->op == op && (home == q->root || home->owner)) count++;
  }
  return count;
}

/* ---- nodes ----------------------------------------------------------------- */

START_TEST(equal_nodes_are_one) {
  Ref s = ir_add(p, x, y);
  ck_assert_uint_eq(ir_add(p, x, y), s);
  ck_assert_uint_ne(ir_add(p, y, x), s);
  ck_assert_uint_eq(ir_real(p, 1.5), ir_real(p, 1.5));
  ck_assert_uint_ne(ir_real(p, 0.0), ir_real(p, -0.0));
  ck_assert_uint_eq(ir_real(p, NAN), ir_real(p, NAN));
  ck_assert_uint_ne(ir_int(p, 1), ir_bool(p, true));
  ck_assert_uint_ne(ir_fill(p, x, vector), ir_fill(p, y, vector));
  ir_verify(p, "test");
}
END_TEST

START_TEST(variables_are_never_one) {
  ck_assert_uint_ne(ir_var(p, x), ir_var(p, x));
  ck_assert_uint_eq(ir_stop(p, x), ir_stop(p, x));
  ck_assert_uint_eq(ir_stop(p, ir_stop(p, x)), ir_stop(p, x));
  ck_assert_uint_ne(ir_scale(p, x, y, false), ir_scale(p, x, y, true));
  p->erased = true;
  ck_assert_uint_eq(ir_var(p, x), x);
  ck_assert_uint_eq(ir_scale(p, x, y, true), x);
  ck_assert_uint_eq(ir_straight(p, x, y), x);
  ck_assert_uint_eq(ir_tie(p, x, 1, &y), x);
}
END_TEST

START_TEST(a_value_is_stricter_than_a_derivative) {
  p->derivative = true;
  Ref s = ir_mul(p, x, y);
  ck_assert(node(s)->flags & NODE_DERIVATIVE);
  ck_assert_uint_eq(ir_mul(p, x, y), s);
  ck_assert(node(s)->flags & NODE_DERIVATIVE);
  p->derivative = false;
  ck_assert_uint_eq(ir_mul(p, x, y), s);
  ck_assert(!(node(s)->flags & NODE_DERIVATIVE));
}
END_TEST

START_TEST(inner_regions_see_outer_nodes) {
  Ref outer = ir_mul(p, x, y);
  ir_begin(p);
  ck_assert_uint_eq(ir_mul(p, x, y), outer);
  Ref inner = ir_add(p, x, y);
  ir_end(p);
  ir_begin(p);
  ck_assert_uint_ne(ir_add(p, x, y), inner);
  ir_end(p);
  ck_assert_uint_ne(ir_add(p, x, y), inner);
}
END_TEST

static void add_of_mixed(void *arg) {
  (void)arg;
  ir_add(p, x, n);
}
static void read_with_real(void *arg) {
  (void)arg;
  ir_read(p, A, 1, &x, false);
}
static void reshape_to_other_size(void *arg) {
  (void)arg;
  Size dim = size_add(p, size_atom(p, n), size_const(p, 3));
  ir_reshape(p, A, type_array(p, ELEM_REAL, 1, &dim));
}
static void branches_that_differ(void *arg) {
  (void)arg;
  Region *then = ir_begin(p);
  ir_result(p, x);
  ir_end(p);
  Region *other = ir_begin(p);
  ir_result(p, n);
  ir_end(p);
  ir_if(p, b, then, other);
}
static void out_of_scope(void *arg) {
  (void)arg;
  ir_begin(p);
  Ref inner = ir_mul(p, x, y);
  ir_end(p);
  ir_neg(p, inner);
}
static void no_operand(void *arg) {
  (void)arg;
  ir_add(p, x, 0);
}

START_TEST(ill_typed_nodes_are_refused) {
  ck_assert(internal(add_of_mixed));
  ck_assert(internal(read_with_real));
  ck_assert(internal(reshape_to_other_size));
  ck_assert(internal(branches_that_differ));
  ck_assert(internal(no_operand));
  ck_assert(internal(out_of_scope));
}
END_TEST

/* ---- exact rules ----------------------------------------------------------- */

START_TEST(rules_for_reals) {
  Ref one = ir_real(p, 1), zero = ir_real(p, 0), minus = ir_neg(p, x);
  ck_assert_uint_eq(ir_mul(p, x, one), x);
  ck_assert_uint_eq(ir_mul(p, one, x), x);
  ck_assert_uint_eq(ir_mul(p, x, ir_real(p, -1)), minus);
  ck_assert_uint_eq(prim2(P_DIV, x, one), x);
  ck_assert_uint_eq(ir_sub(p, x, zero), x);
  ck_assert_uint_ne(ir_sub(p, x, ir_real(p, -0.0)), x);
  ck_assert_uint_ne(ir_add(p, x, zero), x);
  ck_assert_uint_eq(ir_neg(p, minus), x);
  ck_assert_uint_eq(ir_sub(p, y, minus), ir_add(p, y, x));
  ck_assert_uint_eq(ir_add(p, y, minus), ir_sub(p, y, x));
  ck_assert_uint_eq(ir_mul(p, minus, ir_neg(p, y)), ir_mul(p, x, y));
  ck_assert_uint_eq(prim2(P_POW, x, one), x);
  ck_assert_int_eq(node(prim2(P_POW, x, ir_real(p, 2)))->op, IR_PRIM);
  ck_assert_int_eq(node(ir_mul(p, zero, x))->op, IR_PRIM);
  ck_assert_int_eq(node(ir_sub(p, x, x))->op, IR_PRIM);
}
END_TEST

START_TEST(rules_for_ints) {
  Ref one = ir_int(p, 1), zero = ir_int(p, 0);
  ck_assert_uint_eq(ir_add(p, n, zero), n);
  ck_assert_uint_eq(ir_add(p, zero, n), n);
  ck_assert_uint_eq(ir_mul(p, n, one), n);
  ck_assert_uint_eq(ir_mul(p, n, zero), zero);
  ck_assert_uint_eq(ir_sub(p, n, n), zero);
  ck_assert_uint_eq(ir_sub(p, ir_add(p, n, one), one), n);
  ck_assert_uint_eq(ir_add(p, ir_sub(p, n, one), one), n);
  ck_assert_uint_eq(ir_add(p, ir_add(p, n, one), one), ir_add(p, n, ir_int(p, 2)));
  ck_assert_uint_eq(ir_sub(p, ir_sub(p, n, one), one), ir_sub(p, n, ir_int(p, 2)));
  ck_assert_uint_eq(ir_sub(p, n, ir_sub(p, n, one)), one);
  ck_assert_uint_eq(prim2(P_FLOORDIV, n, one), n);
  ck_assert_uint_eq(prim2(P_MOD, n, one), zero);
  ck_assert_uint_eq(prim2(P_LE, n, n), ir_bool(p, true));
  ck_assert_uint_eq(prim2(P_LT, n, n), ir_bool(p, false));
  ck_assert_uint_eq(ir_neg(p, ir_sub(p, n, one)), ir_sub(p, one, n));
}
END_TEST

START_TEST(rules_for_bools) {
  Ref yes = ir_bool(p, true), no = ir_bool(p, false), less = prim2(P_LT, x, y);
  ck_assert_uint_eq(prim2(P_AND, b, yes), b);
  ck_assert_uint_eq(prim2(P_AND, no, b), no);
  ck_assert_uint_eq(prim2(P_OR, b, yes), yes);
  ck_assert_uint_eq(prim2(P_OR, no, b), b);
  ck_assert_uint_eq(prim2(P_OR, b, b), b);
  ck_assert_uint_eq(prim1(P_NOT, prim1(P_NOT, b)), b);
  ck_assert_uint_eq(prim1(P_NOT, prim2(P_EQ, x, y)), prim2(P_NE, x, y));
  ck_assert_int_eq(node(prim1(P_NOT, less))->aux.i, P_NOT); /* a NaN is not >= */
  ck_assert_int_eq(node(prim1(P_NOT, prim2(P_LT, n, ir_int(p, 3))))->aux.i, P_GE);
  ck_assert_int_eq(node(prim2(P_LE, x, x))->op, IR_PRIM);
}
END_TEST

static Ref choose(Ref cond, Ref u, Ref v) {
  Ref arg[] = {cond, u, v};
  return ir_prim(p, P_SELECT, arg);
}

START_TEST(rules_for_select) {
  Ref yes = ir_bool(p, true);
  ck_assert_uint_eq(choose(b, x, x), x);
  ck_assert_uint_eq(choose(prim1(P_NOT, b), x, y), choose(b, y, x));
  ck_assert_uint_eq(choose(yes, n, ir_int(p, 1)), n);
  ck_assert_int_eq(node(choose(yes, x, y))->op, IR_PRIM);
  p->erased = true;
  ck_assert_uint_eq(choose(yes, x, y), x);
}
END_TEST

START_TEST(constants_fold) {
  double v;
  ck_assert(ir_is_const(p, prim2(P_POW, ir_real(p, 2), ir_real(p, 10)), &v));
  ck_assert_double_eq(v, 1024);
  ck_assert(ir_is_const(p, prim2(P_FLOORDIV, ir_int(p, -7), ir_int(p, 2)), &v));
  ck_assert_double_eq(v, -4);
  ck_assert(ir_is_const(p, prim2(P_MOD, ir_int(p, -7), ir_int(p, 2)), &v));
  ck_assert_double_eq(v, 1);
  ck_assert(!ir_is_const(p, prim2(P_FLOORDIV, ir_int(p, 1), ir_int(p, 0)), &v));
  ck_assert(!ir_is_const(p, prim2(P_POW, ir_int(p, 2), ir_int(p, -1)), &v));
  ck_assert(!ir_is_const(p, ir_add(p, ir_int(p, INT64_MAX), ir_int(p, 1)), &v));
  ck_assert(!ir_is_const(p, prim2(P_POW, ir_int(p, 10), ir_int(p, 40)), &v));
  ck_assert(ir_is_const(p, ir_toint(p, ir_real(p, -2.7)), &v));
  ck_assert_double_eq(v, -2);
  ck_assert(!ir_is_const(p, ir_toint(p, ir_real(p, 1e300)), &v));
  ck_assert(!ir_is_const(p, ir_toint(p, ir_real(p, NAN)), &v));
  ck_assert_uint_eq(ir_toreal(p, ir_int(p, 3)), ir_real(p, 3));
  ck_assert_uint_eq(prim2(P_LT, ir_real(p, NAN), ir_real(p, 1)), ir_bool(p, false));
}
END_TEST

START_TEST(float_constants_round) {
  c->opt.real_float = true;
  double v;
  ck_assert(ir_is_const(p, prim2(P_DIV, ir_real(p, 1), ir_real(p, 3)), &v));
  ck_assert_double_eq(v, (double)(1.0f / 3.0f));
  ck_assert(ir_is_const(p, ir_real(p, 0.1), &v));
  ck_assert_double_eq(v, (double)0.1f);
}
END_TEST

START_TEST(rules_for_reads) {
  Ref zero = ir_int(p, 0), one = ir_int(p, 1), xy[] = {x, y};
  Ref pair = ir_stack(p, 2, xy);
  ck_assert_int_eq(node(ir_read(p, pair, 1, &one, true))->op, IR_READ);
  Ref rows[] = {pair, pair}, M = ir_stack(p, 2, rows), i[] = {n, one};
  Ref row = ir_read(p, M, 1, &n, true);
  ck_assert_uint_eq(ir_read(p, row, 1, &one, false), ir_read(p, M, 2, i, true));
  ck_assert(node(ir_read(p, M, 2, i, false))->flags & NODE_CHECKED);
  ck_assert_uint_eq(ir_read(p, ir_fill(p, x, vector), 1, &n, false), x);
  ck_assert_int_eq(node(ir_read(p, ir_fill(p, x, vector), 1, &n, true))->op, IR_READ);
  p->erased = true;
  ck_assert_uint_eq(ir_read(p, pair, 1, &one, true), y);
  Ref at[] = {one, zero};
  ck_assert_uint_eq(ir_read(p, M, 2, at, true), x);
  Ref w = ir_with(p, A, x, 1, &n, false);
  ck_assert_uint_eq(ir_read(p, w, 1, &n, false), x);
  w = ir_with(p, ir_with(p, A, x, 1, &zero, false), y, 1, &one, false);
  ck_assert_uint_eq(ir_read(p, w, 1, &zero, false), x);
  ck_assert_int_eq(node(ir_read(p, w, 1, &n, false))->op, IR_READ);
  w = ir_with(p, A, y, 1, &n, true); /* its check must stay */
  ck_assert_int_eq(node(ir_read(p, w, 1, &n, false))->op, IR_READ);
  ir_verify(p, "test");
}
END_TEST

START_TEST(arrays_of_constants) {
  Ref e[] = {ir_real(p, 1), ir_real(p, 2), ir_real(p, 3)};
  Ref row = ir_stack(p, 3, e), rows[] = {row, row};
  Ref M = ir_stack(p, 2, rows), at[] = {ir_int(p, 1), ir_int(p, 2)};
  ck_assert_int_eq(node(row)->op, IR_DATA);
  ck_assert_int_eq(node(M)->op, IR_DATA);
  ck_assert_uint_eq(ir_stack(p, 3, e), row);
  ck_assert_int_eq(node(ir_read(p, M, 2, at, true))->op, IR_READ);
  p->erased = true;
  ck_assert_uint_eq(ir_read(p, M, 2, at, true), e[2]);
  Size six = size_const(p, 6);
  const Type *flat = type_array(p, ELEM_REAL, 1, &six);
  ck_assert_int_eq(node(ir_reshape(p, M, flat))->op, IR_DATA);
  ck_assert_uint_eq(ir_reshape(p, ir_reshape(p, M, flat), ir_type(p, M)), M);
}
END_TEST

START_TEST(reshapes) {
  Size dim[] = {size_atom(p, n), size_const(p, 1)};
  const Type *column = type_array(p, ELEM_REAL, 2, dim);
  Ref r = ir_reshape(p, A, column);
  ck_assert_int_eq(node(r)->op, IR_RESHAPE);
  ck_assert_uint_eq(ir_reshape(p, r, vector), A);
  ck_assert_uint_eq(ir_reshape(p, A, vector), A);
  Size three = size_const(p, 3); /* compared at run time */
  const Type *short_vector = type_array(p, ELEM_REAL, 1, &three);
  ck_assert_ptr_eq(ir_type(p, ir_reshape(p, A, short_vector)), short_vector);
  ir_verify(p, "test");
}
END_TEST

/* ---- primitives ------------------------------------------------------------ */

START_TEST(primitives_have_values) {
  for (uint32_t id = 0; id < PRIM_COUNT; id++) {
    const Prim *prim = prim_get(id);
    double at = (prim->lo + prim->hi) / 2, r[] = {at, at, at}, real_out, close;
    int64_t i[] = {1, 1, 1}, int_out;
    Elem elem = prim->type == PT_BOOL ? ELEM_BOOL : ELEM_REAL;
    ck_assert_msg(prim_fold(id, false, elem, r, i, &real_out, &int_out), "%s", prim->name);
    ck_assert_msg(prim_fold(id, true, elem, r, i, &close, &int_out), "%s as float", prim->name);
    if (prim_elem(id, elem, elem) == ELEM_REAL)
      ck_assert_msg(fabs(close - real_out) <= 1e-5 * (1 + fabs(real_out)), "%s", prim->name);
    if (prim->type != PT_NUM) continue;
    ck_assert_msg(id == P_DIV || prim_fold(id, false, ELEM_INT, r, i, &real_out, &int_out), "%s",
                  prim->name);
  }
}
END_TEST

START_TEST(primitives_have_names) {
  ck_assert_int_eq(prim_find("sin"), P_SIN);
  ck_assert_int_eq(prim_find("polygamma"), P_POLYGAMMA);
  ck_assert_int_eq(prim_find("+"), -1);
  ck_assert_int_eq(prim_find("and"), -1);
  ck_assert_int_eq(prim_find("sine"), -1);
}
END_TEST

static double value(uint32_t id, double u, double v, double w) {
  double r[] = {u, v, w}, out = 0;
  int64_t i[] = {0, 0, 0}, whole_out;
  ck_assert(prim_fold(id, false, ELEM_REAL, r, i, &out, &whole_out));
  return out;
}

START_TEST(primitives_at_the_edges) {
  ck_assert(isnan(value(P_MAX, NAN, 1, 0)) && isnan(value(P_MAX, 1, NAN, 0)));
  ck_assert(isnan(value(P_MIN, NAN, 1, 0)) && isnan(value(P_MIN, 1, NAN, 0)));
  ck_assert(isnan(value(P_RELU, NAN, 0, 0)) && isnan(value(P_SIGN, NAN, 0, 0)));
  ck_assert(isnan(value(P_CLAMP, NAN, 0, 1)));
  ck_assert_double_eq(value(P_CLAMP, 3, 0, 1), 1);
  ck_assert_double_eq(value(P_HEAVISIDE, 0, 0, 0), 0);
  ck_assert_double_eq(value(P_MOD, -7, 3, 0), 2);
  ck_assert_double_eq(value(P_MOD, 7, -3, 0), -2);
  ck_assert_double_eq(value(P_FLOORDIV, -7, 2, 0), -4);
  ck_assert_double_eq(value(P_FLOORDIV, 9007199254740993.0, 1, 0), 9007199254740993.0);
  ck_assert_double_eq(value(P_SIGMOID, -1000, 0, 0), 0);
  ck_assert_double_eq(value(P_SIGMOID, 1000, 0, 0), 1);
  ck_assert_double_eq(value(P_SOFTPLUS, 1000, 0, 0), 1000);
  ck_assert_double_eq_tol(value(P_SOFTPLUS, 0, 0, 0), log(2), 1e-16);
  ck_assert_double_eq_tol(value(P_LOGIT, 0.5 + 0x1p-40, 0, 0), 0x1p-38, 1e-27);
  ck_assert_double_eq_tol(value(P_DIGAMMA, 1, 0, 0), -0.57721566490153286, 1e-15);
  ck_assert_double_eq_tol(value(P_DIGAMMA, -0.5, 0, 0), 0.036489973978576520, 1e-14);
  ck_assert_double_eq_tol(value(P_DIGAMMA, 1.4616321449683623, 0, 0), 0, 1e-15);
  ck_assert(isnan(value(P_DIGAMMA, -2, 0, 0)));
}
END_TEST

START_TEST(polygamma_values) {
  static const struct { int64_t n; double x, want; } cases[] = {
    {1, 1, 1.6449340668482264}, {2, 1, -2.4041138063191886}, {1, -0.5, 8.9348022005446793},
    {3, 0.25, 1538.7821440091884}, {0, 1, -0.57721566490153286}, {1, 1e6, 1.0000005000001667e-6},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    double r[] = {0, cases[k].x}, out;
    int64_t i[] = {cases[k].n, 0}, whole_out;
    ck_assert(prim_fold(P_POLYGAMMA, false, ELEM_REAL, r, i, &out, &whole_out));
    ck_assert_double_eq_tol(out / cases[k].want, 1, 4e-15);
  }
}
END_TEST

/* ---- structured nodes ------------------------------------------------------ */

static const Combiner build = BUILD, sum = SUM;

/* sum(sum(A[i]*A[j] for j < n) for i < n) */
static Ref nested_sum(void) {
  Region *outer = ir_begin(p);
  ir_set_extents(p, 1, &n);
  Ref i = ir_param(p, whole), Ai = ir_read(p, A, 1, &i, false);
  Region *inner = ir_begin(p);
  ir_set_extents(p, 1, &n);
  Ref j = ir_param(p, whole);
  ir_result(p, ir_mul(p, Ai, ir_read(p, A, 1, &j, false)));
  ir_end(p);
  ir_result(p, ir_out(p, ir_loop(p, 1, &n, inner, &sum), 0));
  ir_end(p);
  return ir_out(p, ir_loop(p, 1, &n, outer, &sum), 0);
}

START_TEST(equal_loops_are_one) {
  Ref s = nested_sum();
  uint32_t loops = count_op(p, IR_LOOP);
  ck_assert_uint_eq(nested_sum(), s);
  ck_assert_uint_eq(count_op(p, IR_LOOP), loops);
  ck_assert_uint_eq(ir_add(p, s, s), ir_add(p, nested_sum(), nested_sum()));
  ir_begin(p);
  ck_assert_uint_eq(nested_sum(), s); /* seen from inside, too */
  ir_end(p);
  ir_verify(p, "test");
}
END_TEST

/* [A[i] + value for i < n] */
static Ref shifted(Ref value) {
  Region *body = ir_begin(p);
  Ref i = ir_param(p, whole);
  ir_result(p, ir_add(p, ir_read(p, A, 1, &i, false), value));
  ir_end(p);
  return ir_out(p, ir_loop(p, 1, &n, body, &build), 0);
}

START_TEST(loops_that_differ_are_two) {
  ck_assert_uint_ne(shifted(x), shifted(y));
  ck_assert_uint_eq(shifted(x), shifted(x));
  ck_assert_ptr_eq(ir_type(p, shifted(x)), vector);
  const Node *loop = node(node(shifted(x))->arg[0]);
  ck_assert_uint_eq(loop->nfree, 2);
  ck_assert_uint_eq(loop->free[0], x);
  ck_assert_uint_eq(loop->free[1], A);
}
END_TEST

START_TEST(merged_loops_keep_what_is_stricter) {
  p->derivative = true;
  Ref s = shifted(x);
  p->derivative = false;
  const Region *body = node(node(s)->arg[0])->regions[0];
  ck_assert(node(body->nodes.at[0])->flags & NODE_DERIVATIVE);
  ck_assert_uint_eq(shifted(x), s);
  ck_assert(!(node(body->nodes.at[0])->flags & NODE_DERIVATIVE));
}
END_TEST

/* Rows whose size is an index: types in the two bodies mention different nodes. */
static Ref ragged(void) {
  Region *body = ir_begin(p);
  Ref i = ir_param(p, whole);
  Size dim = size_atom(p, i);
  Ref zeros = ir_zero(p, type_array(p, ELEM_REAL, 1, &dim));
  Ref at = ir_int(p, 0);
  ir_result(p, ir_read(p, ir_with(p, zeros, x, 1, &at, true), 1, &at, true));
  ir_end(p);
  return ir_out(p, ir_loop(p, 1, &n, body, &sum), 0);
}

START_TEST(types_are_compared_by_their_place) {
  ck_assert_uint_eq(ragged(), ragged());
  ir_verify(p, "test");
}
END_TEST

static void escaping_size(void *arg) {
  (void)arg;
  Region *body = ir_begin(p);
  Ref i = ir_param(p, whole);
  Size dim = size_atom(p, i);
  ir_result(p, ir_zero(p, type_array(p, ELEM_REAL, 1, &dim)));
  ir_end(p);
  ir_loop(p, 1, &n, body, &build);
}

START_TEST(sizes_do_not_escape) {
  ck_assert(internal(escaping_size));
}
END_TEST

static void trace(Ref leaf) {
  TextAttr *t = NEW(c, TextAttr);
  ir_text(p, IR_TRACE, t, 1, &leaf);
}

static Ref loud(void) {
  Region *body = ir_begin(p);
  Ref i = ir_param(p, whole), v = ir_read(p, A, 1, &i, false);
  trace(v);
  ir_result(p, v);
  ir_end(p);
  return ir_loop(p, 1, &n, body, &sum);
}

START_TEST(effects_are_never_one) {
  trace(x);
  trace(x);
  ck_assert_uint_eq(count_op(p, IR_TRACE), 2);
  Ref first = loud(), second = loud();
  ck_assert_uint_ne(first, second);
  ck_assert(ir_has_effect(p, first));
  ck_assert(node(first)->flags & NODE_IO);
  ir_verify(p, "test");
}
END_TEST

/* zeros(n) with acc[i] += value for every i, as an ACCUM around a LOOP. */
static Ref accumulated(Ref value, bool twice) {
  Ref init = ir_zero(p, vector);
  Region *body = ir_begin(p);
  Ref h = ir_param(p, type_acc(p, vector));
  Region *loop = ir_begin(p);
  Ref i = ir_param(p, whole);
  ir_upd(p, h, value, 1, &i, true);
  if (twice) ir_upd(p, h, value, 1, &i, true);
  ir_end(p);
  Ref l = ir_loop(p, 1, &n, loop, NULL);
  ck_assert(ir_has_effect(p, l));
  ir_end(p);
  return ir_accum(p, 1, &init, body);
}

START_TEST(accumulators_are_pure_as_a_whole) {
  Ref once = accumulated(x, false);
  ck_assert(!ir_has_effect(p, once));
  ck_assert_uint_eq(accumulated(x, false), once);
  ck_assert_uint_ne(accumulated(x, true), once);
  ck_assert_uint_ne(accumulated(y, false), once);
  ck_assert_ptr_eq(ir_type(p, ir_out(p, once, 0)), vector);
  ir_verify(p, "test");
}
END_TEST

START_TEST(one_more_output) {
  Region *body = ir_begin(p);
  Ref t = ir_param(p, whole), s = ir_param(p, real);
  Ref grown = ir_mul(p, s, y), tape = prim1(P_SIN, s), many[40] = {0};
  (void)t;
  for (uint32_t k = 3; k < 40; k++) many[k] = ir_add(p, s, ir_real(p, k));
  ir_result(p, grown);
  ir_end(p);
  Ref f = ir_fold(p, n, 1, &x, body, NULL);
  ck_assert_uint_eq(ir_add_output(p, f, tape, BUILD), 1);
  ck_assert_uint_eq(ir_add_output(p, f, A, BUILD), 2);
  for (uint32_t k = 3; k < 40; k++) ck_assert_uint_eq(ir_add_output(p, f, many[k], SUM), k);
  ck_assert_uint_eq(ir_add_output(p, f, many[7], SUM), 7); /* it has that one */
  ck_assert_ptr_eq(ir_type(p, ir_out(p, f, 1)), vector);
  ck_assert_uint_eq(ir_type(p, ir_out(p, f, 2))->rank, 2);
  ck_assert_ptr_eq(ir_type(p, ir_out(p, f, 39)), real);
  ck_assert_uint_eq(ir_type(p, ir_out(p, f, 0))->rank, 0);
  ir_verify(p, "test");
  /* an equal plain fold is not taken for it */
  body = ir_begin(p);
  t = ir_param(p, whole);
  s = ir_param(p, real);
  grown = ir_mul(p, s, y);
  prim1(P_SIN, s);
  ir_result(p, grown);
  ir_end(p);
  ck_assert_uint_ne(ir_fold(p, n, 1, &x, body, NULL), f);
  ir_verify(p, "test");
}
END_TEST

START_TEST(results_that_change_nothing) {
  Region *body = ir_begin(p);
  Ref init[] = {x, y};
  ir_param(p, whole);
  Ref s = ir_param(p, real), u = ir_param(p, real);
  ir_result(p, ir_mul(p, s, u));
  ir_result(p, u);
  ir_end(p);
  Ref f = ir_fold(p, n, 2, init, body, NULL);
  ck_assert_uint_eq(ir_out(p, f, 1), y);
  ck_assert_int_eq(node(ir_out(p, f, 0))->op, IR_PROJ);
}
END_TEST

static Ref choice(Ref u, Ref v) {
  Region *then = ir_begin(p);
  ir_result(p, u);
  ir_end(p);
  Region *other = ir_begin(p);
  ir_result(p, v);
  ir_end(p);
  return ir_out(p, ir_if(p, b, then, other), 0);
}

START_TEST(branches) {
  ck_assert_uint_eq(choice(x, y), choice(x, y));
  ck_assert_uint_ne(choice(x, y), choice(y, x));
  ck_assert_int_eq(node(choice(x, x))->op, IR_PROJ);
  p->erased = true;
  ck_assert_uint_eq(choice(x, x), x);
}
END_TEST

/* ---- copies ---------------------------------------------------------------- */

/* fold (s, v) = (x, A) for t < n { (s*y, v with [t] = s) }, s's of every step kept */
static Ref nested_program(void) {
  Ref init[] = {x, A};
  Region *body = ir_begin(p);
  ir_set_extents(p, 1, &n);
  Ref t = ir_param(p, whole), s = ir_param(p, real), v = ir_param(p, vector);
  ir_node(p, s)->name = "s";
  Ref part = choice(s, ir_real(p, 2));
  ir_result(p, ir_mul(p, part, y));
  ir_result(p, ir_with(p, v, s, 1, &t, true));
  ir_result(p, s);
  ir_end(p);
  return ir_fold(p, n, 2, init, body, &build);
}

static Prog *copied(Prog *from) {
  Copy k;
  Prog *to = prog_start(&k, from);
  copy_nodes(&k, from->root);
  prog_finish(&k);
  return to;
}

START_TEST(copy_of_a_program) {
  Ref f = nested_program();
  VEC_PUSH(c, &p->sig.params, ((SigParam){.name = "n", .ref = n, .is_size = true}));
  ir_result(p, ir_out(p, f, 0));
  ir_result(p, ir_out(p, f, 2));
  VEC_PUSH(c, &p->sig.results, ((SigResult){.name = "out", .ref = p->root->results.at[0]}));
  trace(x);
  p = copied(p);   /* what a loop does not change leaves it: a copy has an order of its own */
  Prog *to = copied(p);
  ir_verify(to, "copy");
  ck_assert_uint_eq(to->nnodes, p->nnodes);
  ck_assert_uint_eq(to->root->results.n, 2);
  ck_assert_uint_eq(to->sig.params.n, 1);
  ck_assert_uint_eq(to->sig.results.at[0].ref, to->root->results.at[0]);
  for (Ref r = 1; r < p->nnodes; r++) {
    ck_assert_int_eq(ir_node(to, r)->op, node(r)->op);
    ck_assert_ptr_eq(ir_node(to, r)->name, node(r)->name);
  }
}
END_TEST

START_TEST(copy_within_a_program) {
  Ref f = nested_program();
  Copy k;
  copy_init(&k, p, p);
  copy_set(&k, x, y);
  Ref g = copy_node(&k, f);
  ck_assert_uint_ne(g, f);
  ck_assert_uint_eq(node(g)->arg[1], y);
  copy_init(&k, p, p);
  ck_assert_uint_eq(copy_node(&k, f), f); /* nothing replaced: an equal one is known */
  ir_verify(p, "test");
}
END_TEST

/* A larger n: types follow their atoms. */
START_TEST(copy_maps_sizes) {
  Ref f = nested_program();
  Copy k;
  copy_init(&k, p, p);
  Ref two = ir_add(p, n, n);
  Size dim = size_atom(p, two);
  copy_set(&k, n, two);
  copy_set(&k, A, ir_zero(p, type_array(p, ELEM_REAL, 1, &dim)));
  Ref g = copy_node(&k, f);
  ck_assert_ptr_eq(node(g)->result_type[2]->dim[0], dim);
  ir_verify(p, "test");
}
END_TEST

START_TEST(replays_leave_effects_out) {
  Copy k;
  Ref l = loud();
  copy_init(&k, p, p);
  k.drop_io = true;
  Ref quiet = copy_node(&k, l);
  ck_assert(!ir_has_effect(p, quiet));
  /* updates of an accumulator inside what is copied stay */
  Ref a = accumulated(x, true);
  copy_init(&k, p, p);
  k.drop_upd = true;
  copy_set(&k, x, y);
  Ref again = copy_node(&k, a);
  const Region *body = node(again)->regions[0];
  ck_assert_uint_eq(node(body->nodes.at[0])->regions[0]->nodes.n, 2);
  /* those of one outside go */
  Ref init = ir_zero(p, vector);
  ir_begin(p);
  Region *r = p->cur;
  Ref h = ir_param(p, type_acc(p, vector));
  Region *loop = ir_begin(p);
  Ref i = ir_param(p, whole);
  ir_upd(p, h, x, 1, &i, true);
  ir_end(p);
  Ref inner = ir_loop(p, 1, &n, loop, NULL);
  copy_init(&k, p, p);
  k.drop_upd = true;
  ck_assert(!ir_has_effect(p, copy_node(&k, inner)));
  ir_end(p);
  ir_accum(p, 1, &init, r);
  ir_verify(p, "test");
}
END_TEST

START_TEST(erased_copies_take_the_branch) {
  Ref v = ir_var(p, x), yes = ir_bool(p, true);
  Region *then = ir_begin(p);
  ir_result(p, ir_mul(p, v, y));
  ir_end(p);
  Region *other = ir_begin(p);
  ir_result(p, prim1(P_LOG, v));
  ir_end(p);
  Ref cond = ir_out(p, ir_if(p, yes, then, other), 0);
  ir_result(p, ir_stop(p, ir_add(p, cond, v)));
  Copy k;
  Prog *to = prog_start(&k, p);
  to->erased = true;
  copy_nodes(&k, p->root);
  prog_finish(&k);
  ir_verify(to, "erase");
  ck_assert_uint_eq(count_op(to, IR_IF), 0);
  ck_assert_uint_eq(count_op(to, IR_PRIM), 2);
  ck_assert_uint_eq(count_op(to, IR_STOP) + count_op(to, IR_VAR), 0);
}
END_TEST

/* ---- sweeping -------------------------------------------------------------- */

START_TEST(sweep_drops_what_nobody_reads) {
  prim1(P_EXP, x);
  nested_program();
  ir_result(p, ir_add(p, x, y));
  Prog *to = ir_sweep(p);
  ir_verify(to, "sweep");
  ck_assert_uint_eq(to->root->nodes.n, 1);
  ck_assert_uint_eq(to->root->params.n, p->root->params.n);
}
END_TEST

START_TEST(sweep_drops_carried_values) {
  Ref f = nested_program();
  ir_result(p, ir_out(p, f, 2)); /* the tape alone: v goes, s stays */
  Prog *to = ir_sweep(p);
  ir_verify(to, "sweep");
  ck_assert_uint_eq(count_op(to, IR_WITH), 0);
  Ref fold = ir_node(to, to->root->results.at[0])->arg[0];
  ck_assert_uint_eq(ir_node(to, fold)->nargs, 2);
  ck_assert_uint_eq(ir_node(to, fold)->nresults, 2);
  ck_assert_int_eq(ir_node(to, to->root->results.at[0])->aux.i, 1);
}
END_TEST

/* Two carried values that need only each other. */
START_TEST(sweep_drops_a_cycle) {
  Ref init[] = {x, y, x};
  Region *body = ir_begin(p);
  Ref t = ir_param(p, whole), s = ir_param(p, real), u = ir_param(p, real);
  Ref w = ir_param(p, real);
  ir_result(p, ir_mul(p, s, u));
  ir_result(p, ir_sub(p, u, s));
  ir_result(p, ir_add(p, w, ir_toreal(p, t)));
  ir_end(p);
  ir_result(p, ir_out(p, ir_fold(p, n, 3, init, body, NULL), 2));
  Prog *to = ir_sweep(p);
  ir_verify(to, "sweep");
  const Node *f = ir_node(to, ir_node(to, to->root->results.at[0])->arg[0]);
  ck_assert_uint_eq(f->nresults, 1);
  ck_assert_uint_eq(f->regions[0]->nodes.n, 2);
}
END_TEST

START_TEST(sweep_drops_accumulators) {
  Ref init[] = {ir_zero(p, vector), A};
  Region *body = ir_begin(p);
  Ref h = ir_param(p, type_acc(p, vector)), g = ir_param(p, type_acc(p, vector));
  Region *loop = ir_begin(p);
  Ref i = ir_param(p, whole);
  ir_upd(p, h, prim1(P_SIN, x), 1, &i, true);
  ir_upd(p, g, prim1(P_COS, x), 1, &i, true);
  ir_result(p, x);
  ir_end(p);
  ir_result(p, ir_out(p, ir_loop(p, 1, &n, loop, &sum), 0));
  ir_end(p);
  ir_result(p, ir_out(p, ir_accum(p, 2, init, body), 1));
  Prog *to = ir_sweep(p);
  ir_verify(to, "sweep");
  ck_assert_uint_eq(count_op(to, IR_UPD), 1);
  ck_assert_uint_eq(count_op(to, IR_PRIM), 1);
  ck_assert_uint_eq(count_op(to, IR_FILL), 0);
  ck_assert_uint_eq(ir_node(to, ir_node(to, to->root->results.at[0])->arg[0])->nresults, 1);
}
END_TEST

START_TEST(sweep_keeps_effects_and_sizes) {
  Ref k = ir_toint(p, prim1(P_FLOOR, x)); /* a size known at run time only */
  Size dim = size_atom(p, k);
  const Type *t = type_array(p, ELEM_REAL, 1, &dim);
  loud();
  ir_result(p, ir_fill(p, y, t));
  Prog *to = ir_sweep(p);
  ir_verify(to, "sweep");
  ck_assert_uint_eq(count_op(to, IR_TRACE), 1);
  ck_assert_uint_eq(count_op(to, IR_TOINT), 1);
  const Node *loop = NULL;
  for (uint32_t j = 0; j < to->root->nodes.n; j++)
    if (ir_node(to, to->root->nodes.at[j])->op == IR_LOOP)
      loop = ir_node(to, to->root->nodes.at[j]);
  ck_assert_ptr_nonnull(loop);
  ck_assert_uint_eq(loop->nresults, 0);
}
END_TEST

START_TEST(sweep_turns_an_idle_fold_into_a_loop) {
  Region *body = ir_begin(p);
  Ref t = ir_param(p, whole), s = ir_param(p, real);
  ir_result(p, ir_mul(p, s, y));
  ir_result(p, ir_toreal(p, t));
  ir_end(p);
  ir_result(p, ir_out(p, ir_fold(p, n, 1, &x, body, &build), 1));
  Prog *to = ir_sweep(p);
  ir_verify(to, "sweep");
  ck_assert_uint_eq(count_op(to, IR_FOLD), 0);
  ck_assert_uint_eq(count_op(to, IR_LOOP), 1);
}
END_TEST

START_TEST(sweep_of_while) {
  Ref init[] = {x, y};
  Region *cond = ir_begin(p);
  Ref s = ir_param(p, real);
  ir_param(p, real);
  ir_result(p, prim2(P_LT, s, ir_real(p, 100)));
  ir_end(p);
  Region *body = ir_begin(p);
  s = ir_param(p, real);
  Ref u = ir_param(p, real);
  ir_result(p, ir_mul(p, s, ir_real(p, 2)));
  ir_result(p, ir_add(p, u, s));
  ir_end(p);
  Ref w = ir_while(p, n, 2, init, cond, body);
  ck_assert_uint_eq(node(w)->nresults, 3);
  ir_result(p, ir_out(p, w, 2)); /* trips alone: s is needed by the condition */
  Prog *to = ir_sweep(p);
  ir_verify(to, "sweep");
  const Node *m = ir_node(to, ir_node(to, to->root->results.at[0])->arg[0]);
  ck_assert_uint_eq(m->nargs, 2);
  ck_assert_uint_eq(m->nresults, 2);
}
END_TEST

/* ---- random programs ------------------------------------------------------- */

typedef struct Random {
  uint64_t state;
  VEC(Ref) reals, vectors;   /* what is in scope */
} Random;

static uint32_t pick(Random *r, uint32_t below) {
  r->state = r->state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(r->state >> 33) % below;
}

static Ref some_real(Random *r) {
  return r->reals.at[pick(r, r->reals.n)];
}

static Ref some_vector(Random *r) {
  return r->vectors.at[pick(r, r->vectors.n)];
}

static void random_nodes(Random *r, uint32_t count, uint32_t depth);

/* A region with nodes of its own; its results are one real, then one vector if asked. */
static void random_body(Random *r, uint32_t depth, bool with_vector) {
  random_nodes(r, 2 + pick(r, 4), depth);
  ir_result(p, some_real(r));
  if (with_vector) ir_result(p, some_vector(r));
}

static Ref random_if(Random *r, uint32_t depth) {
  Ref cond = prim2(P_LT, some_real(r), some_real(r));
  Region *side[2];
  for (int k = 0; k < 2; k++) {
    Random inner = {.state = r->state + (uint64_t)k};
    for (uint32_t j = 0; j < r->reals.n; j++) VEC_PUSH(c, &inner.reals, r->reals.at[j]);
    for (uint32_t j = 0; j < r->vectors.n; j++) VEC_PUSH(c, &inner.vectors, r->vectors.at[j]);
    side[k] = ir_begin(p);
    random_body(&inner, depth, true);
    ir_end(p);
  }
  return ir_if(p, cond, side[0], side[1]);
}

/* LOOP, FOLD or WHILE; as r is a copy, what is made inside does not leak. */
static Ref random_loop(Random r, uint32_t depth) {
  static const Combiner combs[] = {SUM, BUILD, MAX};
  uint32_t kind = pick(&r, 3);
  Ref init[] = {some_real(&r), some_vector(&r)}, carried[2];
  VEC(Ref) reals = {0}, vectors = {0};
  for (uint32_t j = 0; j < r.reals.n; j++) VEC_PUSH(c, &reals, r.reals.at[j]);
  for (uint32_t j = 0; j < r.vectors.n; j++) VEC_PUSH(c, &vectors, r.vectors.at[j]);
  memcpy(&r.reals, &reals, sizeof reals);
  memcpy(&r.vectors, &vectors, sizeof vectors);
  Region *cond = NULL;
  if (kind == 2) {
    cond = ir_begin(p);
    carried[0] = ir_param(p, real);
    ir_param(p, vector);
    ir_result(p, prim2(P_LT, carried[0], some_real(&r)));
    ir_end(p);
  }
  Region *body = ir_begin(p);
  if (kind != 2) VEC_PUSH(c, &r.reals, ir_read(p, A, 1, &(Ref){ir_param(p, whole)}, true));
  if (kind != 0) {
    carried[0] = ir_param(p, real);
    carried[1] = ir_param(p, vector);
    VEC_PUSH(c, &r.reals, carried[0]);
    VEC_PUSH(c, &r.vectors, carried[1]);
  }
  random_body(&r, depth, kind != 0);
  if (kind != 2) ir_result(p, some_real(&r));
  if (kind == 0) ir_result(p, some_real(&r));
  ir_end(p);
  if (kind == 0) return ir_loop(p, 1, &n, body, combs);
  if (kind == 1) return ir_fold(p, n, 2, init, body, combs + 1);
  return ir_while(p, n, 2, init, cond, body);
}

static void keep_results(Random *r, Ref structured) {
  uint32_t count = node(structured)->nresults;
  for (uint32_t k = 0; k < count; k++) {
    Ref out = ir_out(p, structured, k);
    if (ir_type(p, out) == real) VEC_PUSH(c, &r->reals, out);
    else if (ir_type(p, out) == vector) VEC_PUSH(c, &r->vectors, out);
  }
}

static void random_nodes(Random *r, uint32_t count, uint32_t depth) {
  Ref zero = ir_int(p, 0);
  for (uint32_t k = 0; k < count; k++)
    switch (pick(r, depth ? 8 : 5)) {
    case 0: VEC_PUSH(c, &r->reals, ir_mul(p, some_real(r), some_real(r))); break;
    case 1: VEC_PUSH(c, &r->reals, prim1(P_SIN, some_real(r))); break;
    case 2:
      VEC_PUSH(c, &r->vectors, ir_with(p, some_vector(r), some_real(r), 1, &zero, true));
      break;
    case 3: VEC_PUSH(c, &r->reals, ir_read(p, some_vector(r), 1, &zero, true)); break;
    case 4:
      if (pick(r, 6) == 0) trace(some_real(r));
      break;
    case 5: keep_results(r, random_if(r, depth - 1)); break;
    case 6: keep_results(r, accumulated(some_real(r), pick(r, 2))); break;
    default: keep_results(r, random_loop(*r, depth - 1)); break;
    }
}

START_TEST(random_programs) {
  for (uint64_t seed = 0; seed < 300; seed++) {
    Random r = {.state = seed * 977};
    begin();
    VEC_PUSH(c, &r.reals, x);
    VEC_PUSH(c, &r.reals, y);
    VEC_PUSH(c, &r.vectors, A);
    random_nodes(&r, 30, 3);
    ir_result(p, some_real(&r));
    ir_result(p, some_vector(&r));
    ir_verify(p, "building");
    Prog *twin = copied(p);
    ir_verify(twin, "copying");
    Prog *less = ir_sweep(p);
    ir_verify(less, "sweeping");
    Prog *least = ir_sweep(less);
    ir_verify(least, "sweeping twice");
    ck_assert_uint_le(least->nnodes, less->nnodes); /* what left a loop may meet its equal */
    ck_assert_uint_eq(ir_sweep(least)->nnodes, least->nnodes);
    ck_assert_uint_le(less->nnodes, p->nnodes);
    ck_assert_uint_eq(count_op(less, IR_TRACE), count_op(p, IR_TRACE));
    Prog *erased = copied((p->erased = true, p));
    ir_verify(erased, "copying once erased");
  }
}
END_TEST

/* ---- verification ---------------------------------------------------------- */

static void verify(void *arg) {
  (void)arg;
  ir_verify(p, "test");
}

START_TEST(verify_finds_broken_programs) {
  Ref s = nested_sum(), loop = node(s)->arg[0];
  Node *inner = ir_node(p, node(loop)->regions[0]->nodes.at[0]);
  ir_verify(p, "test");
  Ref kept = inner->arg[1];
  inner->arg[1] = s; /* younger than its user */
  ck_assert(internal(verify));
  inner->arg[1] = x; /* a real as a subscript */
  ck_assert(internal(verify));
  inner->arg[1] = kept;
  ir_verify(p, "test");
  ir_node(p, loop)->nfree--;
  ck_assert(internal(verify));
  ir_node(p, loop)->nfree++;
  VEC_PUSH(c, &p->root->results, node(loop)->regions[0]->nodes.at[0]); /* out of scope */
  ck_assert(internal(verify));
}
END_TEST

/* ---- size ------------------------------------------------------------------ */

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

START_TEST(a_million_nodes) {
  double start = seconds();
  Ref r = x;
  for (int k = 0; k < 1000 * 1000; k++) r = k % 2 ? prim1(P_SIN, r) : ir_add(p, r, y);
  ir_result(p, r);
  ir_verify(p, "test");
  Prog *to = ir_sweep(p);
  ck_assert_uint_eq(to->root->nodes.n, 1000 * 1000);
  ck_assert_double_lt(seconds() - start, 20);
}
END_TEST

/* Many loops that are alike but for one operand, and many constants in closed regions. */
START_TEST(many_regions) {
  double start = seconds();
  Ref r = x;
  for (int k = 0; k < 30000; k++) {
    Region *body = ir_begin(p);
    Ref i = ir_param(p, whole);
    Ref v = ir_mul(p, ir_read(p, A, 1, &i, false), ir_real(p, 3));
    ir_result(p, ir_add(p, v, r));
    ir_end(p);
    r = ir_out(p, ir_loop(p, 1, &n, body, &sum), 0);
  }
  ir_result(p, r);
  ir_verify(p, "test");
  ck_assert_uint_eq(count_op(ir_sweep(p), IR_LOOP), 30000);
  ck_assert_double_lt(seconds() - start, 10);
}
END_TEST

/* An int chain that doubles: sizes must not grow without bound. */
START_TEST(int_chain) {
  Ref r = n;
  for (int k = 0; k < 200000; k++) r = ir_add(p, prim2(P_MAX, r, ir_int(p, k)), n);
  ck_assert_ptr_nonnull(size_atom(p, r));
}
END_TEST

static void deep_nest(void *arg) {
  (void)arg;
  for (int k = 0; k < 1000; k++) ir_begin(p);
}

static void too_many_nodes(void *arg) {
  (void)arg;
  for (int k = 0; k < 100; k++) ir_real(p, k);
}

START_TEST(limits_are_kept) {
  ck_assert_int_eq(ctx_try(c, deep_nest, NULL), GC_LIMIT);
  begin();
  c->limits.nodes = 50;
  ck_assert_int_eq(ctx_try(c, too_many_nodes, NULL), GC_LIMIT);
}
END_TEST

/* ---- main ------------------------------------------------------------------ */

#define CASE(suite, ...)                                                        \
  do {                                                                          \
    const TTest *const tests[] = {__VA_ARGS__};                                 \
    TCase *t = tcase_create(suite);                                             \
    tcase_add_checked_fixture(t, setup, teardown);                              \
    tcase_set_timeout(t, 120);                                                  \
    for (size_t k = 0; k < sizeof tests / sizeof *tests; k++)                   \
      tcase_add_test(t, tests[k]);                                              \
    suite_add_tcase(s, t);                                                      \
  } while (0)

int main(void) {
  Suite *s = suite_create("ir");
  CASE("nodes", equal_nodes_are_one, variables_are_never_one,
       a_value_is_stricter_than_a_derivative, inner_regions_see_outer_nodes,
       ill_typed_nodes_are_refused);
  CASE("rules", rules_for_reals, rules_for_ints, rules_for_bools, rules_for_select,
       constants_fold, float_constants_round, rules_for_reads, arrays_of_constants, reshapes);
  CASE("primitives", primitives_have_values, primitives_have_names, primitives_at_the_edges,
       polygamma_values);
  CASE("regions", equal_loops_are_one, loops_that_differ_are_two,
       merged_loops_keep_what_is_stricter, types_are_compared_by_their_place,
       sizes_do_not_escape, effects_are_never_one, accumulators_are_pure_as_a_whole,
       one_more_output, results_that_change_nothing, branches);
  CASE("copy", copy_of_a_program, copy_within_a_program, copy_maps_sizes,
       replays_leave_effects_out, erased_copies_take_the_branch);
  CASE("sweep", sweep_drops_what_nobody_reads, sweep_drops_carried_values, sweep_drops_a_cycle,
       sweep_drops_accumulators, sweep_keeps_effects_and_sizes,
       sweep_turns_an_idle_fold_into_a_loop, sweep_of_while);
  CASE("whole", random_programs, verify_finds_broken_programs, a_million_nodes, many_regions, int_chain,
       limits_are_kept);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed != 0;
}
