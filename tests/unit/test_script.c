/* test_script.c - values as text and JSON, effects, literals, .npy and .csv files. */
#include "script/value.h"

#include "checks.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static Ctx *c;
static Host host;
static Buf written;
static char folder[] = "/tmp/gradc-script-XXXXXX";

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

static Value real(double x) {
  double *at = NEW(c, double);
  *at = x;
  return (Value){.elem = ELEM_REAL, .data = at};
}

static Value whole(int64_t x) {
  int64_t *at = NEW(c, int64_t);
  *at = x;
  return (Value){.elem = ELEM_INT, .data = at};
}

static Value truth(bool x) {
  Value v = whole(x);
  v.elem = ELEM_BOOL;
  return v;
}

/* The value of a literal, its ints made reals. */
static Value reals(const char *text) {
  Value v = literal_read(c, text);
  return value_to_real(c, &v);
}

static const char *printed(Value v) {
  Buf b;
  buf_init(&b, c);
  value_print(&v, &host, &b);
  return buf_text(&b);
}

static const char *json(Value v) {
  Buf b;
  buf_init(&b, c);
  value_json(&v, &b);
  return buf_text(&b);
}

/* ---- printing ------------------------------------------------------------ */

START_TEST(scalars_have_the_fewest_digits) {
  ck_assert_str_eq(printed(real(1024)), "1024");
  ck_assert_str_eq(printed(real(0.1)), "0.1");
  ck_assert_str_eq(printed(real(1.0 / 3)), "0.3333333333333333");
  ck_assert_str_eq(printed(real(1e300)), "1e+300");
  ck_assert_str_eq(printed(real(NAN)), "nan");
  ck_assert_str_eq(printed(real(-INFINITY)), "-inf");
  ck_assert_str_eq(printed(whole(-7)), "-7");
  ck_assert_str_eq(printed(truth(true)), "true");
  Value single = real((double)0.1f);
  single.is_float = true;
  ck_assert_str_eq(printed(single), "0.100000001");
}
END_TEST

START_TEST(arrays_have_eight_decimals) {
  ck_assert_str_eq(printed(reals("[6.534010423, 0.019003591, 1.3061169]")),
                   "[6.53401042 0.01900359 1.3061169]");
  ck_assert_str_eq(printed(reals("[1, 2.5, -3]")), "[1 2.5 -3]");
  ck_assert_str_eq(printed(literal_read(c, "[1, 2, 3]")), "[1 2 3]");
  ck_assert_str_eq(printed(literal_read(c, "[true, false]")), "[true false]");
  ck_assert_str_eq(printed(reals("[100, -1e-12]")), "[100 0]");
  ck_assert_str_eq(printed(reals("[1, nan, inf, -inf]")), "[1 nan inf -inf]");
  ck_assert_str_eq(printed(reals("[1e16, 1]")), "[1e+16 1]");
  ck_assert_str_eq(printed(reals("[1e15, 1]")), "[1000000000000000 1]");
  ck_assert_str_eq(printed(reals("[1e-5, -2.5e-7]")), "[1e-05 -2.5e-07]");
  ck_assert_str_eq(printed(reals("[0, 0]")), "[0 0]");
  ck_assert_str_eq(printed(reals("[]")), "[]");
}
END_TEST

START_TEST(rows_stand_below_each_other) {
  ck_assert_str_eq(printed(reals("[[1, 2], [3, 4]]")), "[[1 2]\n [3 4]]");
  ck_assert_str_eq(printed(reals("[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]")),
                   "[[[1 2]\n  [3 4]]\n\n [[5 6]\n  [7 8]]]");
  Buf b;
  buf_init(&b, c);
  buf_puts(&b, "A = ");
  Value a = reals("[[1, 2], [3, 4]]");
  value_print(&a, &host, &b);
  ck_assert_str_eq(buf_text(&b), "A = [[1 2]\n     [3 4]]");
}
END_TEST

START_TEST(a_session_aligns_and_shortens) {
  host.session = true;
  ck_assert_str_eq(printed(reals("[[1, 20.5], [-300, 4]]")), "[[   1 20.5]\n [-300    4]]");
  double *many = NEWN(c, double, 2000);
  for (int k = 0; k < 2000; k++) many[k] = k;
  Value v = {.elem = ELEM_REAL, .rank = 1, .dim = {2000}, .data = many};
  ck_assert_str_eq(printed(v), "[   0    1    2 ... 1997 1998 1999]");
  v = (Value){.elem = ELEM_REAL, .rank = 2, .dim = {1000, 2}, .data = many};
  ck_assert_str_eq(printed(v), "[[   0    1]\n [   2    3]\n [   4    5]\n ...\n"
                               " [1994 1995]\n [1996 1997]\n [1998 1999]]");
  host.session = false;
  ck_assert_uint_gt(strlen(printed(v)), 9000);
}
END_TEST

START_TEST(digits_can_be_chosen) {
  host.digits = 3;
  ck_assert_str_eq(printed(real(1.0 / 3)), "0.333");
  ck_assert_str_eq(printed(reals("[0.33333333, 2]")), "[0.333 2]");
}
END_TEST

START_TEST(json_has_seventeen_digits) {
  ck_assert_str_eq(json(real(0.1)), "0.10000000000000001");
  ck_assert_str_eq(json(real(2)), "2.0");
  ck_assert_str_eq(json(whole(2)), "2");
  ck_assert_str_eq(json(truth(false)), "false");
  ck_assert_str_eq(json(reals("[[1, nan], [inf, -inf]]")),
                   "[[1.0, \"nan\"], [\"inf\", \"-inf\"]]");
  ck_assert_str_eq(json(reals("[]")), "[]");
}
END_TEST

/* ---- print, trace ----------------------------------------------------------- */

static const Shape leaf_shape = {.kind = SHAPE_LEAF};
static const Shape none_shape = {.kind = SHAPE_NONE, .why = "nothing connects them"};

static const char *effect(Op op, TextAttr *t, uint32_t n, const Value *leaf) {
  Node node = {.op = (uint16_t)op, .aux.text = t};
  written.n = 0;
  ck_assert_int_eq(host_effect(&host, &node, leaf, n), GC_OK);
  return buf_text(&written);
}

static const char *formatted(const char *format, Value v) {
  Piece piece = {.shape = &leaf_shape, .format = format};
  TextAttr t = {.n = 1, .piece = &piece};
  return effect(IR_PRINT, &t, 1, &v);
}

START_TEST(formats_are_applied_to_elements) {
  ck_assert_str_eq(formatted("%.3f", real(2.0 / 3)), "0.667\n");
  ck_assert_str_eq(formatted("%.1f", reals("[1, 2.25]")), "[1.0 2.2]\n");
  ck_assert_str_eq(formatted("%.2f", whole(3)), "3.00\n");
  ck_assert_str_eq(formatted("%d", real(3.9)), "3\n");
  ck_assert_str_eq(formatted("%d", real(NAN)), "nan\n");
  ck_assert_str_eq(formatted("%d", real(1e300)), formatted("%.0f", real(1e300)));
  ck_assert_str_eq(formatted("%05ld", whole(42)), "00042\n");
  ck_assert_str_eq(formatted("%-6d|", whole(42)), "42    |\n");
  ck_assert_str_eq(formatted("%+e", real(1)), "+1.000000e+00\n");
  ck_assert_str_eq(formatted("%x", whole(255)), "ff\n");
  ck_assert_str_eq(formatted("%6s", truth(true)), "  true\n");
  ck_assert_uint_lt(strlen(formatted("%.99999999999f", real(1))), 1000);
  ck_assert_uint_lt(strlen(formatted("%999999999d", whole(1))), 1000);
}
END_TEST

START_TEST(shapes_print_as_they_are_written) {
  Shape *kids[] = {(Shape *)&leaf_shape, (Shape *)&none_shape, (Shape *)&leaf_shape};
  const char *fields[] = {"W", "b", "c"};
  Shape record = {SHAPE_RECORD, 3, fields, kids, NULL}, tuple = {SHAPE_TUPLE, 3, NULL, kids, NULL};
  Piece piece[] = {{.shape = &record}, {.shape = &tuple}};
  TextAttr t = {.n = 2, .piece = piece, .newline_pieces = true,
                .source = "f(a, \"x, y\"), g[1, 2]"};
  Value leaf[] = {reals("[1, 2]"), real(3), real(4), truth(true)};
  ck_assert_str_eq(effect(IR_PRINT, &t, 4, leaf),
                   "(W = [1 2], b = none, c = 3) (4, none, true)\n");
  host.json = true;
  ck_assert_str_eq(effect(IR_PRINT, &t, 4, leaf),
                   "{\"expr\": \"f(a, \\\"x, y\\\")\", \"value\": "
                   "{\"W\": [1.0, 2.0], \"b\": null, \"c\": 3.0}}\n"
                   "{\"expr\": \"g[1, 2]\", \"value\": [4.0, null, true]}\n");
}
END_TEST

START_TEST(texts_mix_words_and_values) {
  Piece piece[] = {{.text = "x="}, {.shape = &leaf_shape, .format = "%.1f"}, {.text = "\ty"}};
  TextAttr t = {.n = 3, .piece = piece, .source = "\"x={x:.1f}\\ty\""};
  Value x = real(2);
  ck_assert_str_eq(effect(IR_TRACE, &t, 1, &x), "x=2.0\ty\n");
  host.json = true;
  ck_assert_str_eq(effect(IR_TRACE, &t, 1, &x), "{\"trace\": \"x=2.0\\ty\"}\n");
  ck_assert_str_eq(effect(IR_PRINT, &t, 1, &x),
                   "{\"expr\": \"\\\"x={x:.1f}\\\\ty\\\"\", \"value\": \"x=2.0\\ty\"}\n");
}
END_TEST

START_TEST(one_value_in_json) {
  Piece piece = {.shape = &leaf_shape};
  TextAttr t = {.n = 1, .piece = &piece, .source = "grad(a, b)"};
  Value x = real(2);
  host.json = true;
  ck_assert_str_eq(effect(IR_PRINT, &t, 1, &x), "{\"expr\": \"grad(a, b)\", \"value\": 2.0}\n");
}
END_TEST

START_TEST(long_lines_are_whole) {
  double *many = NEWN(c, double, 5000);
  Value v = {.elem = ELEM_REAL, .rank = 1, .dim = {5000}, .data = many};
  Piece piece = {.shape = &leaf_shape};
  TextAttr t = {.n = 1, .piece = &piece};
  ck_assert_uint_eq(strlen(effect(IR_PRINT, &t, 1, &v)), 2 * 5000 + 2);
}
END_TEST

/* ---- assert, check ------------------------------------------------------------ */

static bool holds(Value a, Value b) {
  AssertAttr attr = {.source = "a == b", .equality = true, .shape = &leaf_shape};
  Node node = {.op = IR_ASSERT, .aux.assertion = &attr};
  Value leaf[] = {a, b};
  host.asserts_failed = 0;
  diag_clear(c);
  ck_assert_int_eq(host_effect(&host, &node, leaf, 2), GC_OK);
  ck_assert_uint_eq(host.asserts_failed != 0, diag_count(c) != 0);
  return host.asserts_failed == 0;
}

START_TEST(equality_is_relative) {
  ck_assert(holds(real(1), real(1 + 5e-11)));
  ck_assert(!holds(real(1), real(1 + 5e-10)));
  ck_assert(holds(real(1e-200), real(1e-200 * (1 + 1e-11))));
  ck_assert(!holds(real(1e-200), real(2e-200)));
  ck_assert(!holds(real(0), real(1e-17)));
  ck_assert(holds(reals("[1, 0]"), reals("[1, 1e-17]")));
  ck_assert(!holds(reals("[1, 0]"), reals("[1, 1e-9]")));
  ck_assert(!holds(real(NAN), real(NAN)));
  ck_assert(holds(real(INFINITY), real(INFINITY)));
  ck_assert(!holds(real(INFINITY), real(-INFINITY)));
  ck_assert(!holds(real(DBL_MAX), real(-DBL_MAX)));
  ck_assert(holds(whole(3), whole(3)));
  ck_assert(!holds(whole(INT64_MAX), whole(INT64_MAX - 1)));
  ck_assert(!holds(reals("[1, 2]"), reals("[1, 2, 3]")));
  ck_assert(holds(reals("[2, 2]"), real(2)));
  Value x = real(1), y = real(1 + 5e-6);
  x.is_float = y.is_float = true;
  ck_assert(holds(x, y));
}
END_TEST

START_TEST(a_failed_assert_shows_both_sides) {
  ck_assert(!holds(reals("[1, 2]"), reals("[1, 2.5]")));
  ck_assert_uint_eq(diag_count(c), 4);
  ck_assert_str_eq(diag_get(c, 0)->text, "assert failed: a == b");
  ck_assert_str_eq(diag_get(c, 1)->text, "left:  [1 2]");
  ck_assert_str_eq(diag_get(c, 2)->text, "right: [  1 2.5]");
  ck_assert_str_eq(diag_get(c, 3)->text, "the largest difference is 0.5 at [1]");
}
END_TEST

START_TEST(an_assert_of_an_array_means_all) {
  AssertAttr attr = {.source = "x > 0"};
  Node node = {.op = IR_ASSERT, .aux.assertion = &attr};
  Value v = literal_read(c, "[[true, true], [false, true]]");
  host_effect(&host, &node, &v, 1);
  ck_assert_uint_eq(host.asserts_failed, 1);
  ck_assert_str_eq(diag_get(c, 1)->text, "1 of 4 elements are false, the first at [1, 0]");
}
END_TEST

START_TEST(a_failed_check_stops) {
  Node node = {.op = IR_CHECK, .aux.str = "the sizes 2 and 3 differ"};
  Value good = truth(true), bad = truth(false);
  ck_assert_int_eq(host_effect(&host, &node, &good, 1), GC_OK);
  ck_assert_int_eq(host_effect(&host, &node, &bad, 1), GC_ERROR);
  ck_assert_str_eq(diag_get(c, 0)->text, "the sizes 2 and 3 differ");
}
END_TEST

/* ---- what raises ------------------------------------------------------------------ */

typedef struct Attempt { Value (*read)(Ctx *, const char *); const char *arg; Value v; } Attempt;

static void attempt(void *self) {
  Attempt *a = self;
  a->v = a->read(c, a->arg);
}

/* The first message of a reader that raises, or "read". */
static const char *refusal(Value (*read)(Ctx *, const char *), const char *arg) {
  Attempt a = {read, arg, {0}};
  diag_clear(c);
  if (ctx_try(c, attempt, &a) == GC_OK) return "read";
  const char *text = diag_get(c, 0)->text, *base = strrchr(text, '/');
  return base ? base + 1 : text;
}

/* ---- literals ------------------------------------------------------------------------ */

START_TEST(literals_are_read) {
  ck_assert_str_eq(json(literal_read(c, " 1.5 ")), "1.5");
  ck_assert_str_eq(json(literal_read(c, "-3")), "-3");
  ck_assert_str_eq(json(literal_read(c, "99999999999999999999")), "1e+20");
  ck_assert_str_eq(json(literal_read(c, "[[1, 2], [3, 4.5]]")), "[[1.0, 2.0], [3.0, 4.5]]");
  ck_assert_str_eq(json(literal_read(c, "[[1 2]\n [3 4]]")), "[[1, 2], [3, 4]]");
  ck_assert_str_eq(json(literal_read(c, "[true, false]")), "[true, false]");
  ck_assert_str_eq(json(literal_read(c, "[inf, -inf, nan]")), "[\"inf\", \"-inf\", \"nan\"]");
  ck_assert_str_eq(json(literal_read(c, "[.5, 1., 1e-3]")), "[0.5, 1.0, 0.001]");
  ck_assert_uint_eq(literal_read(c, "[[], []]").rank, 2);
}
END_TEST

START_TEST(bad_literals_are_refused) {
  ck_assert_str_eq(refusal(literal_read, ""), "'': a number is missing");
  ck_assert_str_eq(refusal(literal_read, "[1, 2"), "'[1, 2': a ']' is missing");
  ck_assert_str_eq(refusal(literal_read, "[1, 2]]"), "'[1, 2]]': there is more after the value");
  ck_assert_str_eq(refusal(literal_read, "[[1], [2, 3]]"),
                   "'[[1], [2, 3]]': rows differ in length");
  ck_assert_str_eq(refusal(literal_read, "[1, [2]]"), "'[1, [2]]': rows and numbers are mixed");
  ck_assert_str_eq(refusal(literal_read, "[1, true]"), "'[1, true]': numbers and bools are mixed");
  ck_assert_str_eq(refusal(literal_read, "0x10"), "'0x10': this is not a number");
  ck_assert_str_eq(refusal(literal_read, "[1,,2]"), "'[1,,2]': a number is missing");
  ck_assert_str_eq(refusal(literal_read, "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"),
                   "'[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]': more brackets than an array has axes");
}
END_TEST

/* ---- files ------------------------------------------------------------------------------ */

static const char *file_with(const char *name, const void *bytes, size_t n) {
  const char *path = str_printf(c, "%s/%s", folder, name);
  FILE *f = fopen(path, "wb");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
  fclose(f);
  return path;
}

static const char *text_file(const char *text) {
  return file_with("data.csv", text, strlen(text));
}

START_TEST(csv_files_are_read) {
  ck_assert_str_eq(json(csv_read(c, text_file("a,b\n1,2\n3,4.5\n"))), "[[1.0, 2.0], [3.0, 4.5]]");
  ck_assert_str_eq(json(csv_read(c, text_file("1;2\r\n3;4\r\n\r\n"))), "[[1, 2], [3, 4]]");
  ck_assert_str_eq(json(csv_read(c, text_file("# numbers\n 1 2\n"))), "[[1, 2]]");
  ck_assert_str_eq(json(csv_read(c, text_file("1 2   3\n4 5 6"))), "[[1, 2, 3], [4, 5, 6]]");
  ck_assert_str_eq(json(csv_read(c, text_file("x\n1\n2\n-3\n"))), "[1, 2, -3]");
  ck_assert_str_eq(json(csv_read(c, text_file("\xEF\xBB\xBF" "1,nan\n"))), "[[1.0, \"nan\"]]");
}
END_TEST

START_TEST(bad_csv_files_are_refused) {
  ck_assert_str_eq(refusal(csv_read, text_file("1,2\n3\n")),
                   "data.csv: line 2 has 1 numbers, line 1 has 2");
  ck_assert_str_eq(refusal(csv_read, text_file("a,b\n1,2\n3,x\n")),
                   "data.csv: line 3, column 2: 'x' is not a number");
  ck_assert_str_eq(refusal(csv_read, text_file("1,,2\n")), "data.csv: line 1, column 2 is empty");
  ck_assert_str_eq(refusal(csv_read, text_file("")), "data.csv: there are no numbers in this file");
  ck_assert_str_eq(refusal(csv_read, str_printf(c, "%s/none.csv", folder)),
                   "none.csv: cannot be opened: No such file or directory");
}
END_TEST

START_TEST(npy_files_make_the_round_trip) {
  const char *path = str_printf(c, "%s/round.npy", folder);
  Value all[] = {reals("[[1, 2.5], [-3, nan]]"), reals("[0.1]"), real(7),
                 literal_read(c, "[1, -2, 3]"), literal_read(c, "[[true], [false]]"), reals("[]")};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    npy_write(c, path, &all[k]);
    Value back = npy_read(c, path);
    ck_assert_int_eq(back.elem, all[k].elem);
    ck_assert_str_eq(json(back), json(all[k]));
  }
  Value single = real((double)0.1f);
  single.is_float = true;
  npy_write(c, path, &single);
  ck_assert_double_eq(*(const double *)npy_read(c, path).data, (double)0.1f);
}
END_TEST

/* A file of version 1 with this dict and elements. */
static const char *npy_file(const char *dict, const void *elements, size_t n) {
  Buf b;
  buf_init(&b, c);
  char length[] = {(char)strlen(dict), 0};
  buf_add(&b, "\x93NUMPY\x01\x00", 8);
  buf_add(&b, length, 2);
  buf_puts(&b, dict);
  buf_add(&b, elements, n);
  return file_with("in.npy", b.at, b.n);
}

START_TEST(npy_types_are_widened) {
  ck_assert_str_eq(json(npy_read(c, npy_file("{'descr': '<i2', 'fortran_order': False, "
                                             "'shape': (2,), }", "\xFF\xFF\x02\x01", 4))),
                   "[-1, 258]");
  ck_assert_str_eq(json(npy_read(c, npy_file("{'descr': '|u1', 'fortran_order': False, "
                                             "'shape': (2,), }", "\xFF\x01", 2))), "[255, 1]");
  ck_assert_str_eq(json(npy_read(c, npy_file("{'shape': (1, 1), 'descr': '|i1', "
                                             "'fortran_order': False}", "\x80", 1))), "[[-128]]");
  ck_assert_str_eq(json(npy_read(c, npy_file("{'descr': '<i4', 'fortran_order': False, "
                                             "'shape': ()}", "\xFE\xFF\xFF\xFF", 4))), "-2");
  ck_assert_str_eq(json(npy_read(c, npy_file("{'descr': '<f4', 'fortran_order': False, "
                                             "'shape': ()}", "\0\0\xC0\x3F", 4))), "1.5");
}
END_TEST

START_TEST(bad_npy_files_are_refused) {
  static const char zeros[64];
  ck_assert_str_eq(refusal(npy_read, npy_file("{'descr': '>f8', 'fortran_order': False, "
                                              "'shape': (2,)}", zeros, 16)),
                   "in.npy: the elements are big-endian ('>f8')");
  ck_assert_str_eq(refusal(npy_read, npy_file("{'descr': '<f8', 'fortran_order': True, "
                                              "'shape': (2, 2)}", zeros, 32)),
                   "in.npy: the elements stand column by column (Fortran order)");
  ck_assert_str_eq(refusal(npy_read, npy_file("{'descr': '<f8', 'fortran_order': False, "
                                              "'shape': (3,)}", zeros, 16)),
                   "in.npy: the file is cut off: its elements take 24 bytes, and 16 are there");
  ck_assert_str_eq(refusal(npy_read, npy_file("{'descr': '<c16', 'fortran_order': False, "
                                              "'shape': (1,)}", zeros, 16)),
                   "in.npy: elements of type '<c16' are not read");
  ck_assert_str_eq(refusal(npy_read, npy_file("{'descr': [('a', '<f8')], 'shape': (1,)}",
                                              zeros, 8)),
                   "in.npy: this is an array of records");
  ck_assert_str_eq(refusal(npy_read, npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': "
                                              "(4611686018427387904, 8)}", zeros, 16)),
                   "in.npy: the shape is too large");
  ck_assert_str_eq(refusal(npy_read, npy_file("{'descr': '<f8', 'fortran_order': False}", "", 0)),
                   "in.npy: the header has no 'shape'");
  ck_assert_str_eq(refusal(npy_read, file_with("in.npy", "PK\3\4 an archive", 15)),
                   "in.npy: this is not a .npy file "
                   "(a .npz archive holds several: save one array)");
  ck_assert_str_eq(refusal(npy_read, file_with("in.npy", "\x93NUMPY\x01\x00\xFF\x00{", 11)),
                   "in.npy: the file is cut off in its header");
}
END_TEST

static void write_nowhere(void *arg) {
  (void)arg;
  Value v = real(1);
  npy_write(c, "/nowhere/at/all.npy", &v);
}

START_TEST(a_file_that_cannot_be_written_is_an_error) {
  ck_assert_int_eq(ctx_try(c, write_nowhere, NULL), GC_ERROR);
  ck_assert_str_eq(diag_get(c, 0)->text,
                   "/nowhere/at/all.npy: cannot be written: No such file or directory");
}
END_TEST

static Suite *suite(void) {
  const TTest *const tests[] = {
    scalars_have_the_fewest_digits, arrays_have_eight_decimals, rows_stand_below_each_other,
    a_session_aligns_and_shortens, digits_can_be_chosen, json_has_seventeen_digits,
    formats_are_applied_to_elements, shapes_print_as_they_are_written, texts_mix_words_and_values,
    one_value_in_json, long_lines_are_whole, equality_is_relative,
    a_failed_assert_shows_both_sides, an_assert_of_an_array_means_all, a_failed_check_stops,
    literals_are_read, bad_literals_are_refused, csv_files_are_read, bad_csv_files_are_refused,
    npy_files_make_the_round_trip, npy_types_are_widened, bad_npy_files_are_refused,
    a_file_that_cannot_be_written_is_an_error,
  };
  Suite *s = suite_create("script");
  TCase *all = tcase_create("all");
  tcase_add_checked_fixture(all, setup, teardown);
  for (size_t k = 0; k < sizeof tests / sizeof *tests; k++) tcase_add_test(all, tests[k]);
  suite_add_tcase(s, all);
  return s;
}

static void clean(void) {
  static const char *const names[] = {"data.csv", "round.npy", "in.npy"};
  char path[128];
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[k]);
    unlink(path);
  }
  rmdir(folder);
}

int main(void) {
  if (!mkdtemp(folder)) return EXIT_FAILURE;
  SRunner *r = srunner_create(suite());
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  clean();
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
