/* test_interpret.c - the reference interpreter: every operator in every kind of number,
 * and derivatives by differences under the controls. */
#include "interpret/interpret.h"
#include "interpret/special.h"

#include "checks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static Ctx *c;
static Host host;
static Buf written;

static void keep(void *user, const char *text, size_t n) {
  buf_add(user, text, n);
}

static void setup(void) {
  c = ctx_new(NULL, NULL);
  buf_init(&written, c);
  host = (Host){.ctx = c, .write = keep, .user = &written};
}

static void teardown(void) {
  ctx_free(c);
}

typedef struct Reading { const char *text; Prog *p; } Reading;

static void read_program(void *self) {
  Reading *r = self;
  r->p = ir_read_text(c, source_add(c, "test.ir", r->text, strlen(r->text)));
}

static Prog *program(const char *text) {
  Reading r = {text, NULL};
  if (ctx_try(c, read_program, &r) != GC_OK) {
    Buf b;
    buf_init(&b, c);
    diag_render(c, 0, &b, false);
    ck_abort_msg("%s", buf_text(&b));
  }
  return r.p;
}

enum { MOST = 8 };
typedef struct Values { Value at[MOST]; uint32_t n; } Values;

typedef struct Literals { const char *text; Values v; } Literals;

static void read_literals(void *self) {
  Literals *l = self;
  for (const char *s = l->text; *s;) { /* separated by semicolons */
    size_t n = strcspn(s, ";");
    l->v.at[l->v.n++] = literal_read(c, str_printf(c, "%.*s", (int)n, s));
    s += n + (s[n] == ';');
  }
}

static Values values(const char *text) {
  Literals l = {.text = text};
  ck_assert_int_eq(ctx_try(c, read_literals, &l), GC_OK);
  return l.v;
}

static const char *shown(const Value *v, uint32_t n) {
  Buf b;
  buf_init(&b, c);
  for (uint32_t k = 0; k < n; k++) {
    if (k) buf_puts(&b, " ");
    value_print(&v[k], NULL, &b);
  }
  return buf_text(&b);
}

/* Results of a program with these bits, or the first message. */
static const char *run_with(const char *text, const char *in, unsigned bits) {
  Prog *p = program(text);
  Values args = values(in);
  Value out[MOST];
  diag_clear(c);
  if (interpret(p, args.at, args.n, bits, &host, out) != GC_OK)
    return diag_count(c) ? diag_get(c, 0)->text : "no message";
  return shown(out, p->root->results.n);
}

/* The same in double and in MPFR. */
static const char *run(const char *text, const char *in) {
  const char *in_double = run_with(text, in, 0), *in_mpfr = run_with(text, in, 120);
  ck_assert_str_eq(in_double, in_mpfr);
  return in_double;
}

/* ---- scalars ---------------------------------------------------------------- */

typedef struct OnePrim { uint32_t id; Elem elem; Prog *p; } OnePrim;

/* A program that is one primitive of its operands. */
static void build_prim(void *self) {
  OnePrim *one = self;
  const Prim *prim = prim_get(one->id);
  Ref arg[3] = {0};
  one->p = prog_new(c);
  for (uint32_t k = 0; k < prim->arity; k++) {
    Elem e = one->elem;
    if (prim->type == PT_INT_REAL && k == 0) e = ELEM_INT;
    if (prim->type == PT_REAL_INT && k == 1) e = ELEM_INT;
    if (prim->type == PT_SELECT && k == 0) e = ELEM_BOOL;
    arg[k] = ir_param(one->p, type_scalar(one->p, e));
  }
  ir_result(one->p, ir_prim(one->p, one->id, arg));
}

static double random_in(double lo, double hi) {
  return lo + (hi - lo) * ((double)rand() / RAND_MAX);
}

static double as_real(const Value *v) {
  return v->elem == ELEM_REAL ? *(const double *)v->data : (double)*(const int64_t *)v->data;
}

static void compare_kinds(Prog *p, uint32_t id, const double *r, const int64_t *i) {
  Value in[3], native, exact;
  for (uint32_t k = 0; k < p->root->params.n; k++) {
    Elem e = ir_type(p, p->root->params.at[k])->elem;
    in[k] = (Value){.elem = e, .data = e == ELEM_REAL ? (const void *)&r[k] : (const void *)&i[k]};
  }
  double folded_real = 0;
  int64_t folded_int = 0;
  ck_assert_int_eq(interpret(p, in, p->root->params.n, 0, NULL, &native), GC_OK);
  ck_assert_int_eq(interpret(p, in, p->root->params.n, 150, NULL, &exact), GC_OK);
  double a = as_real(&native), b = as_real(&exact);
  ck_assert_msg(fabs(a - b) <= 1e-13 * fmax(1, fabs(b)), "%s of %.17g %.17g %.17g: %.17g and %.17g",
                prim_get(id)->name, r[0], r[1], r[2], a, b);
  Elem last = in[p->root->params.n - 1].elem;
  if (!prim_fold(id, false, last, r, i, &folded_real, &folded_int)) return;
  double f = native.elem == ELEM_REAL ? folded_real : (double)folded_int;
  ck_assert_msg(fabs(f - b) <= 1e-13 * fmax(1, fabs(b)), "%s of %.17g %.17g %.17g: %.17g and %.17g",
                prim_get(id)->name, r[0], r[1], r[2], f, b);
}

static bool takes(uint32_t id, Elem e) {
  PrimType t = prim_get(id)->type;
  if (t == PT_BOOL) return e == ELEM_BOOL;
  if (t == PT_NUM || t == PT_CMP || t == PT_SELECT) return e != ELEM_BOOL;
  return e == ELEM_REAL;
}

START_TEST(kinds_agree_on_every_primitive) {
  srand(1);
  for (uint32_t id = 0; id < PRIM_COUNT; id++)
    for (Elem e = ELEM_REAL; e <= ELEM_BOOL; e++) {
      OnePrim one = {id, e, NULL};
      if (!takes(id, e)) continue;
      ck_assert_int_eq(ctx_try(c, build_prim, &one), GC_OK);
      for (int trial = 0; trial < 40; trial++) {
        double r[3];
        int64_t i[3];
        for (int k = 0; k < 3; k++) {
          r[k] = random_in(prim_get(id)->lo, prim_get(id)->hi);
          i[k] = e == ELEM_BOOL || prim_get(id)->type == PT_SELECT ? rand() % 2 : 1 + rand() % 5;
        }
        compare_kinds(one.p, id, r, i);
      }
    }
}
END_TEST

START_TEST(kinds_agree_at_the_edges) {
  static const double edge[] = {0, -0.0, 1, -1, 0.5, -0.5, 2.5, -2.5, 7, -7, 1e10, 745, -745,
                                1e-300, INFINITY, -INFINITY, NAN};
  static const uint32_t ids[] = {
    P_MAX, P_MIN, P_FLOORDIV, P_MOD, P_POW, P_SIGN, P_RELU, P_HEAVISIDE, P_CLAMP, P_SIGMOID,
    P_SOFTPLUS, P_LOGB, P_ROUND, P_RINT, P_FMAX, P_FMIN, P_FDIM, P_COPYSIGN, P_EQ, P_NE, P_LT,
    P_LE, P_ISNAN, P_ISINF, P_ISFINITE, P_FMOD, P_REMAINDER, P_HYPOT, P_SQRT,
  };
  enum { EDGES = sizeof edge / sizeof *edge };
  for (size_t k = 0; k < sizeof ids / sizeof *ids; k++) {
    OnePrim one = {ids[k], ELEM_REAL, NULL};
    ck_assert_int_eq(ctx_try(c, build_prim, &one), GC_OK);
    for (int a = 0; a < EDGES * EDGES; a++) {
      double r[3] = {edge[a / EDGES], edge[a % EDGES], 3}, folded;
      int64_t whole;
      Value in[3] = {{.data = &r[0]}, {.data = &r[1]}, {.data = &r[2]}}, got[2];
      prim_fold(ids[k], false, ELEM_REAL, r, (int64_t[3]){0}, &folded, &whole);
      interpret(one.p, in, prim_get(ids[k])->arity, 0, NULL, &got[0]);
      interpret(one.p, in, prim_get(ids[k])->arity, 200, NULL, &got[1]);
      double f = got[0].elem == ELEM_REAL ? folded : (double)whole;
      for (int j = 0; j < 2; j++) {
        double x = as_real(&got[j]);
        bool same = x == f || (isnan(x) && isnan(f)) || fabs(x - f) < 1e-12 * fabs(f);
        ck_assert_msg(same || fabs(f) > 1e300, "%s of %g, %g (kind %d): %.17g and %.17g", prim_get(ids[k])->name, r[0], r[1],
                      j, x, f); /* double overflows, MPFR does not */
      }
    }
  }
}
END_TEST

static double polygamma_gap(int64_t n, double x, mpfr_prec_t bits, mpfr_srcptr expected) {
  mpfr_t at, got;
  mpfr_inits2(bits, at, got, (mpfr_ptr)NULL);
  mpfr_set_d(at, x, MPFR_RNDN);
  mp_polygamma(got, n, at, MPFR_RNDN);
  mpfr_reldiff(got, got, expected, MPFR_RNDN);
  double gap = fabs(mpfr_get_d(got, MPFR_RNDN));
  mpfr_clears(at, got, (mpfr_ptr)NULL);
  return gap;
}

/* polygamma(n, 1) is (-1)^(n+1)*n!*zeta(n + 1), polygamma(1, 1/2) is pi^2/2. */
START_TEST(polygamma_has_all_digits) {
  static const mpfr_prec_t bits[] = {53, 120, 320, 1000};
  for (size_t b = 0; b < sizeof bits / sizeof *bits; b++) {
    mpfr_t want, fact;
    mpfr_inits2(bits[b] + 64, want, fact, (mpfr_ptr)NULL);
    for (unsigned long n = 1; n <= 12; n++) {
      mpfr_zeta_ui(want, n + 1, MPFR_RNDN);
      mpfr_fac_ui(fact, n, MPFR_RNDN);
      mpfr_mul(want, want, fact, MPFR_RNDN);
      if (n % 2 == 0) mpfr_neg(want, want, MPFR_RNDN);
      ck_assert_double_lt(polygamma_gap((int64_t)n, 1, bits[b], want), ldexp(1, 2 - (int)bits[b]));
    }
    mpfr_const_pi(want, MPFR_RNDN);
    mpfr_sqr(want, want, MPFR_RNDN);
    mpfr_div_ui(want, want, 2, MPFR_RNDN);
    ck_assert_double_lt(polygamma_gap(1, 0.5, bits[b], want), ldexp(1, 2 - (int)bits[b]));
    mpfr_add_ui(want, want, 4, MPFR_RNDN); /* trigamma(-1/2) = pi^2/2 + 4 */
    ck_assert_double_lt(polygamma_gap(1, -0.5, bits[b], want), ldexp(1, 2 - (int)bits[b]));
    mpfr_clears(want, fact, (mpfr_ptr)NULL);
  }
  mpfr_free_cache();
}
END_TEST

START_TEST(ints_wrap_and_round_down) {
  static const char text[] = "program (%1: int, %2: int) { %3 = %1 // %2 %4 = %1 % %2 "
                             "%5 = %1 + %2 %6 = %1 ^ %2 => %3, %4, %5, %6 }";
  ck_assert_str_eq(run(text, "7;2"), "3 1 9 49");
  ck_assert_str_eq(run(text, "-7;2"), "-4 1 -5 49");
  ck_assert_str_eq(run(text, "7;-2"), "-4 -1 5 0");
  ck_assert_str_eq(run(text, "7;0"), "division by zero");
  ck_assert_str_eq(run(text, "9223372036854775807;1"),
                   "9223372036854775807 0 -9223372036854775808 9223372036854775807");
}
END_TEST

START_TEST(conversions) {
  static const char text[] = "program (%1: real, %2: int) { %3 = int(%1) %4 = real(%2) => %3, %4 }";
  ck_assert_str_eq(run(text, "-2.7;3"), "-2 3");
  ck_assert_str_eq(run(text, "nan;3"), "-9223372036854775808 3");
}
END_TEST

START_TEST(floats_are_rounded_each_time) {
  static const char text[] = "program (%1: real, %2: real) { %3 = %1 + %2 %4 = %3 - %1 => %3, %4 }";
  c->opt.real_float = true;
  ck_assert_str_eq(run_with(text, "16777216;1", 0), "16777216 0");
  ck_assert_str_eq(run_with(text, "0.1;0.2", 0), "0.300000012 0.200000018");
}
END_TEST

START_TEST(many_bits_are_more_than_double) {
  static const char text[] = "program (%1: real, %2: real) { %3 = %1 + %2 %4 = %3 - %1 => %4 }";
  ck_assert_str_eq(run_with(text, "1e20;1", 0), "0");
  ck_assert_str_eq(run_with(text, "1e20;1", 120), "1");
}
END_TEST

/* ---- arrays ------------------------------------------------------------------- */

START_TEST(arrays_are_built_and_read) {
  ck_assert_str_eq(run("program (%1: int, %2: real[%1, 2], %3: int) {"
                       "  %4 = %2[%3] checked  %5 = %2[%3, 1] checked"
                       "  %6 = %2 with [%3] = %4 checked  %7 = %2 with [%3, 0] = 9.0 checked"
                       "  %8: real[2*%1] = reshape(%2)  %9: real[%1] = fill(%5)"
                       "  %10 = stack(%5, 1.5)  => %4, %5, %7, %8, %9, %10 }",
                       "2;[[1, 2], [3, 4]];1"),
                   "[3 4] 4 [[1 2]\n         [9 4]] [1 2 3 4] [4 4] [4 1.5]");
}
END_TEST

START_TEST(a_wrong_index_is_named) {
  static const char read[] = "program (%1: int, %2: real[%1], %3: int) {"
                             "  %4 = %2[%3] checked => %4 }";
  ck_assert_str_eq(run(read, "3;[1, 2, 3];-1"), "index -1 is out of range for axis 0 of size 3");
  ck_assert_str_eq(run(read, "3;[1, 2, 3];3"), "index 3 is out of range for axis 0 of size 3");
  static const char with[] = "program (%1: int, %2: real[2, %1], %3: int) {"
                             "  %4 = %2 with [0, %3] = 1.0 checked => %4 }";
  ck_assert_str_eq(run(with, "1;[[1], [2]];7"), "index 7 is out of range for axis 1 of size 1");
}
END_TEST

START_TEST(values_must_fit_the_parameters) {
  static const char text[] = "program (%1: int, %2 x: real[%1]) { %3 = %2[0] => %3 }";
  ck_assert_str_eq(run(text, "3;[1, 2]"), "parameter x has another size");
  ck_assert_str_eq(run(text, "3;1"), "parameter x has another number of axes");
  ck_assert_str_eq(run(text, "1.5;[1]"), "parameter of the program is of another type");
  ck_assert_str_eq(run(text, "3"), "1 values for 2 parameters");
}
END_TEST

/* ---- structure ------------------------------------------------------------------ */

START_TEST(one_branch_is_taken) {
  static const char text[] = "program (%1: real) { %2 = %1 > 0.0"
    " %3 = if(%2) { %4 = log(%1) => %4, 1 } else { => 0.0, 2 } %5 = %3.0 %6 = %3.1 => %5, %6 }";
  ck_assert_str_eq(run(text, "1"), "0 1");
  ck_assert_str_eq(run(text, "-1"), "0 2");
}
END_TEST

static const char reductions[] =
  "program (%1: int, %2: real[%1]) {"
  "  %3 = loop(%1) (%4: int) { %5 = %2[%4] %6 = %5 > 2.0"
  "    => build %5, sum %5, prod %5, max %5, min %5, any %6, all %6, argmax %5, argmin %5 }"
  "  %10 = %3.1 %11 = %3.2 %12 = %3.3 %13 = %3.4 %14 = %3.5 %15 = %3.6 %16 = %3.7 %17 = %3.8"
  "  => %10, %11, %12, %13, %14, %15, %16, %17 }";

START_TEST(loops_combine) {
  const char *text = reductions;
  Prog *p = program(text);
  Value out[MOST];
  Values in = values("3;[3, 1, 3]");
  ck_assert_int_eq(interpret(p, in.at, 2, 0, NULL, out), GC_OK);
  ck_assert_str_eq(shown(out, 8), "7 9 3 1 true false 0 1");
  in = values("3;[3, nan, nan]");
  ck_assert_int_eq(interpret(p, in.at, 2, 90, NULL, out), GC_OK);
  ck_assert_str_eq(shown(out, 8), "nan nan nan nan true false 1 1");
  in = values("0;[]");
  ck_assert_int_eq(interpret(p, in.at, 2, 0, NULL, out), GC_OK);
  ck_assert_str_eq(shown(out, 8), "0 1 -inf inf false true -1 -1");
}
END_TEST

START_TEST(index_spaces_run_row_by_row) {
  ck_assert_str_eq(run("program (%1: int, %2: int) {"
                       "  %3 = loop(%1, %2) (%4: int, %5: int) { %6 = %4 * 10 %7 = %6 + %5"
                       "    %8 = stack(%7, 0) => build %8, sum %7 }"
                       "  %9 = %3.0 %10 = %3.1 => %9, %10 }",
                       "2;2"),
                   "[[[0 0]\n  [1 0]]\n\n [[10 0]\n  [11 0]]] 22");
}
END_TEST

START_TEST(folds_carry_and_swap) {
  ck_assert_str_eq(run("program (%1: int, %2: real, %3: real) {"
                       "  %4 = fold(%1, %2, %3) (%5: int, %6: real, %7: real)"
                       "    { %8 = %6 + %7 => %7, %8, build %8, sum %6 }"
                       "  %9 = %4.0 %10 = %4.1 %11 = %4.2 %12 = %4.3 => %9, %10, %11, %12 }",
                       "5;0;1"),
                   "5 8 [1 2 3 5 8] 7");
}
END_TEST

START_TEST(a_fold_updates_its_array) {
  ck_assert_str_eq(run("program (%1: int, %2: real[%1]) {"
                       "  %3 = fold(%1, %2) (%4: int, %5: real[%1]) { %6 = %5[%4] %7 = %6 * %6"
                       "    %8 = %5 with [%4] = %7 => %8 } %9 = %3.0 => %9, %2 }",
                       "3;[1, 2, 3]"),
                   "[1 4 9] [1 2 3]");
}
END_TEST

START_TEST(while_counts_its_trips) {
  static const char text[] =
    "program (%1: int, %2: real) {"
    "  %3 = while(%1, %2) (%4: real) { %5 = %4 < 100.0 => %5 } (%6: real) { %7 = %6 * 2.0 => %7 }"
    "  %8 = %3.0 %9 = %3.1 => %8, %9 }";
  ck_assert_str_eq(run(text, "50;1"), "128 7");
  ck_assert_str_eq(run(text, "3;1"), "8 3");
  ck_assert_str_eq(run(text, "0;1"), "1 0");
}
END_TEST

START_TEST(accumulators_add_up) {
  ck_assert_str_eq(run("program (%1: int, %2: int[%1], %3: real[3]) {"
                       "  %4 = accum(%3) (%5: acc real[3]) {"
                       "    %6 = loop(%1) (%7: int) { %8 = %2[%7] %9 = real(%7)"
                       "      %5[%8] += %9 checked  => sum %9 } %5[] += %3 %10 = %6.0 => %10 }"
                       "  %11 = %4.0 %12 = %4.1 => %11, %12, %3 }",
                       "4;[0, 2, 2, 0];[10, 20, 30]"),
                   "[23 40 63] 6 [10 20 30]");
}
END_TEST

START_TEST(barriers_are_transparent) {
  ck_assert_str_eq(run("program (%1: real, %2: real[2]) { %3 = var(%1) %4 = tie(%3, %1)"
                       " %5 = stop(%2) %6 = scale(%5, %1) %7 = straight(%4, %1) => %6, %7 }",
                       "3;[1, 2]"),
                   "[1 2] 3");
}
END_TEST

START_TEST(custom_runs_its_function) {
  ck_assert_str_eq(run("program (%1: real) {"
                       "  %2 = custom(%1) gradient \"f\" for (yes)"
                       "    (%3: real) { %4 = %3 * %3 => %4 } (%5: real, %6: real) { => %6 }"
                       "  %7 = %2.0 => %7 }", "3"),
                   "9");
}
END_TEST

START_TEST(sizes_are_polynomials) {
  ck_assert_str_eq(run("program (%1: int) { %2: real[1/2*%1^2 - 1/2*%1] = fill(1.5) => %2 }", "3"),
                   "[1.5 1.5 1.5]");
}
END_TEST

/* ---- effects ------------------------------------------------------------------------ */

static const char talking[] =
  "program (%1: int) { %2 = loop(%1) io (%3: int) { trace(%3) \"i=\" {_} => sum %3 } %4 = %2.0"
  "  print(%4) {_} %5 = %4 == 3 assert(%5) source \"s == 3\" check(%5) \"no more\" => %4 }";

START_TEST(effects_come_in_order) {
  ck_assert_str_eq(run_with(talking, "3", 0), "3");
  ck_assert_str_eq(buf_text(&written), "i=0\ni=1\ni=2\n3\n");
  ck_assert_uint_eq(host.asserts_failed, 0);
}
END_TEST

START_TEST(a_check_stops_the_run) {
  ck_assert_str_eq(run_with(talking, "2", 100), "assert failed: s == 3");
  ck_assert_uint_eq(host.asserts_failed, 1);
  ck_assert_str_eq(diag_get(c, 1)->text, "no more");
  Prog *p = program(talking);
  Value out;
  Values in = values("2");
  written.n = 0;
  ck_assert_int_eq(interpret(p, in.at, 1, 0, NULL, &out), GC_ERROR);
  ck_assert_uint_eq(written.n, 0);
}
END_TEST

START_TEST(a_run_can_be_stopped) {
  volatile int stop = 1;
  host.stop = &stop;
  Prog *p = program("program (%1: real) { %3 = while(1000000000, %1) (%4: real) { => true }"
                    " (%6: real) { %7 = %6 + 1.0 => %7 } %8 = %3.0 => %8 }");
  Value out;
  Values in = values("1.5");
  ck_assert_int_eq(interpret(p, in.at, 1, 0, &host, &out), GC_STOPPED);
}
END_TEST

typedef struct Chain { Prog *p; uint32_t n; } Chain;

static void build_chain(void *self) {
  Chain *chain = self;
  Prog *p = chain->p = prog_new(c);
  Ref x = ir_param(p, type_scalar(p, ELEM_REAL)), y = x;
  for (uint32_t k = 0; k < chain->n; k++) y = ir_add(p, ir_prim1(p, P_SIN, y), x);
  ir_result(p, y);
}

START_TEST(long_programs_need_no_stack) {
  Chain chain = {.n = 100000};
  Value out;
  Values in = values("0.5");
  ck_assert_int_eq(ctx_try(c, build_chain, &chain), GC_OK);
  ck_assert_int_eq(interpret(chain.p, in.at, 1, 0, NULL, &out), GC_OK);
  ck_assert_int_eq(interpret(chain.p, in.at, 1, 64, NULL, &out), GC_OK);
}
END_TEST

/* ---- differences ---------------------------------------------------------------------- */

/* d results / d (parameter wrt, element k), or what stopped it. */
static const char *slope(const char *text, const char *in, uint32_t wrt, uint64_t k) {
  Prog *p = program(text);
  Values args = values(in);
  Value out[MOST];
  Status s = interpret_difference(p, args.at, args.n, wrt, k, NULL, out);
  if ((int)s == DIFFERENCE_KINK) return "kink";
  if ((int)s == DIFFERENCE_NONLINEAR) return "nonlinear";
  if (s != GC_OK) return diag_get(c, 0)->text;
  return shown(out, p->root->results.n);
}

START_TEST(differences_have_all_digits) {
  ck_assert_str_eq(slope("program (%1: real) { %2 = %1 ^ 3.0 => %2 }", "2", 0, 0), "12");
  ck_assert_str_eq(slope("program (%1: real) { %2 = exp(%1) => %2 }", "0", 0, 0), "1");
  ck_assert_str_eq(slope("program (%1: real) { %2 = log(%1) => %2 }", "0.25", 0, 0), "4");
  ck_assert_str_eq(slope("program (%1: int, %2: real[%1]) { %3 = loop(%1) (%4: int) { %5 = %2[%4]"
                         " %6 = %5 * %5 => sum %6, build %6 } %7 = %3.0 %8 = %3.1 %9 = %1 + 1"
                         " => %7, %8, %9 }", "3;[1, 2, 3]", 1, 1), "4 [0 4 0] 0");
  ck_assert_str_eq(slope("program (%1: real) { => %1 }", "2", 1, 0),
                   "there is no such element to differentiate by");
  ck_assert_str_eq(slope("program (%1: int) { => %1 }", "2", 0, 0),
                   "there is no such element to differentiate by");
}
END_TEST

START_TEST(stopped_values_are_held) {
  ck_assert_str_eq(slope("program (%1: real) { %2 = %1 * %1 %3 = stop(%2) %4 = %3 * %1"
                         " %5 = %1 - %3 => %4, %3, %5 }", "3", 0, 0), "9 0 1");
  ck_assert_str_eq(slope("program (%1: real[2]) { %2 = stop(%1) %3 = %2[0] %4 = %1[0] %5 = %3 * %4"
                         " => %5, %2 }", "[3, 4]", 0, 0), "3 [0 0]");
}
END_TEST

START_TEST(scales_and_reversals) {
  static const char text[] =
    "program (%1: real, %2: real) { %3 = scale(%1, %2) reversal %4 = %3 * %3 %5 = %4 + %1 => %5 }";
  ck_assert_str_eq(slope(text, "3;-2", 0, 0), "-11");
  ck_assert_str_eq(slope(text, "3;-2", 1, 0), "0");
  ck_assert_str_eq(slope("program (%1: real[2], %2: real[2]) { %3 = scale(%1, %2) => %3 }",
                         "[1, 2];[10, 20]", 0, 1), "[0 20]");
}
END_TEST

START_TEST(straight_through) {
  ck_assert_str_eq(slope("program (%1: real) { %2 = sin(%1) %3 = floor(%1) %4 = straight(%3, %2)"
                         " %5 = %4 * %4 => %5 }", "2.5", 0, 0),
                   slope("program (%1: real) { %2 = sin(%1) %3 = 4.0 * %2 => %3 }", "2.5", 0, 0));
}
END_TEST

#define CUSTOM(rule) \
  "program (%1: int, %2: real[%1], %3: real) {" \
  "  %4 = custom(%1, %2, %3) gradient \"f\" for (no, yes, yes)" \
  "    (%5: int, %6: real[%1], %7: real) { %8 = loop(%5) (%9: int) { %10 = %6[%9] => sum %10 }" \
  "      %11 = %8.0 %12 = %11 * %7 => %12 }" \
  "    (%20: int, %21: real[%1], %22: real, %23: real) {" rule "}" \
  "  %40 = %4.0 %41 = %40 * %40 => %41 }"

START_TEST(gradient_rules_make_the_jacobian) {
  static const char text[] = CUSTOM("%24 = %23 * 7.0 %25: real[%1] = fill(%24)"
                                    " %26 = %22 * %23 => %25, %26");
  ck_assert_str_eq(slope(text, "2;[1, 2];5", 1, 0), "210"); /* 2*15*7 */
  ck_assert_str_eq(slope(text, "2;[1, 2];5", 2, 0), "150"); /* 2*15*5 */
}
END_TEST

START_TEST(clipping_rules_are_not_linear) {
  static const char text[] = CUSTOM("%24 = clamp(%23, -1.0, 1.0) %25: real[%1] = fill(%24)"
                                    " => %25, %24");
  ck_assert_str_eq(slope(text, "2;[1, 2];5", 1, 0), "nonlinear");
}
END_TEST

#define TANGENT(rule) \
  "program (%1: real) { %2 = custom(%1) tangent \"f\" for (yes) (%3: real) { %4 = %3 * %3 => %4 }" \
  " (%5: real, %6: real) {" rule "} %10 = %2.0 %11 = sin(%10) => %10, %11 }"

START_TEST(tangent_rules_give_the_change) {
  ck_assert_str_eq(slope(TANGENT("%7 = %5 * 10.0 %8 = %7 * %6 => %8"), "0.5", 0, 0),
                   shown((Value[]){{.data = &(double){5}}, {.data = &(double){5 * cos(0.25)}}}, 2));
  ck_assert_str_eq(slope(TANGENT("%7 = abs(%6) => %7"), "0.5", 0, 0), "nonlinear");
}
END_TEST

START_TEST(values_in_loops_are_held_in_order) {
  ck_assert_str_eq(slope("program (%1: int, %2: real) {"
                         "  %3 = fold(%1, %2) (%4: int, %5: real)"
                         "    { %6 = stop(%5) %7 = %6 * %2 => %7 }"
                         "  %8 = %3.0 => %8 }", "3;2", 1, 0), "8");
}
END_TEST

START_TEST(kinks_are_seen) {
  static const char branch[] = "program (%1: real) { %2 = %1 > 1.0 %3 = if(%2) { => %1 } else"
                               " { => 0.0 } %4 = %3.0 => %4 }";
  ck_assert_str_eq(slope(branch, "1", 0, 0), "kink");
  ck_assert_str_eq(slope(branch, "1.0000001", 0, 0), "1");
  ck_assert_str_eq(slope("program (%1: real) { %2 = abs(%1) => %2 }", "0", 0, 0), "kink");
  ck_assert_str_eq(slope("program (%1: real) { %2 = floor(%1) => %2 }", "2", 0, 0), "kink");
  ck_assert_str_eq(slope("program (%1: real) { %2 = floor(%1) => %2 }", "2.5", 0, 0), "0");
  ck_assert_str_eq(slope("program (%1: real) { %2 = %1 % 2.0 => %2 }", "4", 0, 0), "kink");
  ck_assert_str_eq(slope("program (%1: real) { %2 = %1 % 2.0 => %2 }", "3", 0, 0), "1");
  ck_assert_str_eq(slope("program (%1: real) { %2 = clamp(%1, 0.0, 1.0) => %2 }", "1", 0, 0),
                   "kink");
  ck_assert_str_eq(slope("program (%1: real[2]) { %2 = loop(2) (%3: int) { %4 = %1[%3] => max %4 }"
                         " %5 = %2.0 => %5 }", "[1, 1]", 0, 1), "kink");
  ck_assert_str_eq(slope("program (%1: real[2]) { %2 = loop(2) (%3: int) { %4 = %1[%3] => max %4 }"
                         " %5 = %2.0 => %5 }", "[1, 2]", 0, 1), "1");
}
END_TEST

/* Inputs near 1 for every primitive of reals: the slope of MPFR's value by steps of
 * the double one is the same to a few digits. */
START_TEST(slopes_of_primitives) {
  for (uint32_t id = 0; id < PRIM_COUNT; id++) {
    OnePrim one = {id, ELEM_REAL, NULL};
    const Prim *prim = prim_get(id);
    if ((prim->type != PT_REAL && prim->type != PT_NUM) || prim->arity != 1) continue;
    ck_assert_int_eq(ctx_try(c, build_prim, &one), GC_OK);
    double x = prim->lo + 0.37 * (prim->hi - prim->lo), h = 1e-5;
    Value in = {.data = &(double){x}}, slope_out, up, down;
    Value above = {.data = &(double){x + h}}, below = {.data = &(double){x - h}};
    ck_assert_int_eq(interpret_difference(one.p, &in, 1, 0, 0, NULL, &slope_out), GC_OK);
    ck_assert_int_eq(interpret(one.p, &above, 1, 200, NULL, &up), GC_OK);
    ck_assert_int_eq(interpret(one.p, &below, 1, 200, NULL, &down), GC_OK);
    double rough = (as_real(&up) - as_real(&down)) / (2 * h), fine = as_real(&slope_out);
    ck_assert_msg(fabs(rough - fine) < 1e-6 * fmax(1, fabs(fine)), "%s: %g and %g", prim->name,
                  rough, fine);
  }
}
END_TEST

static Suite *suite(void) {
  const TTest *const tests[] = {
    kinds_agree_on_every_primitive, kinds_agree_at_the_edges, polygamma_has_all_digits,
    ints_wrap_and_round_down, conversions, floats_are_rounded_each_time,
    many_bits_are_more_than_double, arrays_are_built_and_read, a_wrong_index_is_named,
    values_must_fit_the_parameters, one_branch_is_taken, loops_combine,
    index_spaces_run_row_by_row, folds_carry_and_swap, a_fold_updates_its_array,
    while_counts_its_trips, accumulators_add_up, barriers_are_transparent,
    custom_runs_its_function, sizes_are_polynomials, effects_come_in_order,
    a_check_stops_the_run, a_run_can_be_stopped, long_programs_need_no_stack,
    differences_have_all_digits, stopped_values_are_held, scales_and_reversals,
    straight_through, gradient_rules_make_the_jacobian, clipping_rules_are_not_linear,
    tangent_rules_give_the_change, values_in_loops_are_held_in_order, kinks_are_seen,
    slopes_of_primitives,
  };
  Suite *s = suite_create("interpret");
  TCase *all = tcase_create("all");
  tcase_add_checked_fixture(all, setup, teardown);
  tcase_set_timeout(all, 120);
  for (size_t k = 0; k < sizeof tests / sizeof *tests; k++) tcase_add_test(all, tests[k]);
  suite_add_tcase(s, all);
  return s;
}

int main(void) {
  SRunner *r = srunner_create(suite());
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
