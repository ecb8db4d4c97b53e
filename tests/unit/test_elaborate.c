/* test_elaborate.c - elaboration, from data and by its own interface.
 *
 * The files of tests/elaborate hold cases:
 *
 *     --- name of the case
 *     the program
 *     === error         (or: output)
 *     all messages of the program, which must be wrong; or what it prints when the
 *     reference interpreter runs it, messages first
 *
 * TEST_DATA names the directory of the data, UPDATE=1 prints the data with what comes
 * out now. */
#include "checks.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "elaborate/elaborate.h"
#include "interpret/interpret.h"

/* ---- running a program -------------------------------------------------- */

typedef struct Run {
  Ctx *c;
  const char *text;
  InputValue *input;
  uint32_t ninputs;
  Value *value;             /* of the root's parameters */
  bool elaborate_only;
  Buf out;
  Prog *p;
} Run;

static void collect_output(void *user, const char *text, size_t n) {
  buf_add(user, text, n);
}

static void run_program(void *arg) {
  Run *r = arg;
  Module *m = module_new(r->c);
  uint32_t file = source_add(r->c, "t.gc", r->text, strlen(r->text));
  module_add(m, parse(r->c, file, PARSE_FILE, NULL), false);
  r->p = elaborate_script(m, r->input, r->ninputs);
  if (r->elaborate_only) return;
  ir_verify(r->p, "elaboration");
  Host host = {.ctx = r->c, .write = collect_output, .user = &r->out};
  Status s = interpret(r->p, r->value, r->p->sig.params.n, 0, &host, NULL);
  if (s != GC_OK) diag_raise(r->c, s);
}

static const char *messages(Ctx *c) {
  Buf out;
  buf_init(&out, c);
  for (uint32_t k = 0; k < diag_count(c); k++) diag_render(c, k, &out, false);
  return buf_text(&out);
}

static Run run_new(const char *text) {
  Run r = {.c = ctx_new(NULL, NULL), .text = text};
  buf_init(&r.out, r.c);
  return r;
}

/* Messages, then what was printed. */
static const char *outcome(Run *r, Status *status) {
  *status = ctx_try(r->c, run_program, r);
  buf_puts(&r->out, "");
  return str_printf(r->c, "%s%s", messages(r->c), r->out.at);
}

/* ---- data files --------------------------------------------------------- */

static char *slurp(const char *path) {
  FILE *f = fopen(path, "rb");
  ck_assert_msg(f != NULL, "cannot open %s", path);
  char *text = NULL;
  size_t n = 0, room = 0;
  for (int ch; (ch = fgetc(f)) != EOF; text[n++] = (char)ch)
    if (n + 1 >= room) text = realloc(text, room = 2 * room + 4096);
  fclose(f);
  if (text) text[n] = 0;
  return text;
}

static char *next_line(char **at) {
  char *line = *at, *end = strchr(line, '\n');
  *at = end ? end + 1 : line + strlen(line);
  if (end) *end = 0;
  return line;
}

static bool is_line(const char *at, const char *mark) {
  return !strncmp(at, mark, strlen(mark));
}

/* Copies lines up to one that begins with `mark`, or to the end. */
static void collect(char **at, const char *mark, char *out) {
  *out = 0;
  while (**at && !is_line(*at, mark)) {
    char *line = next_line(at);
    out += sprintf(out, "%s\n", line);
  }
}

static void run_case(const char *path, const char *name, const char *program, const char *kind,
                     const char *expected) {
  Run r = run_new(program);
  Status status;
  const char *got = outcome(&r, &status);
  if (getenv("UPDATE")) printf("--- %s\n%s=== %s\n%s\n", name, program, kind, got);
  else {
    size_t n = strlen(expected); /* the blank line before the next case */
    while (n > 1 && expected[n - 1] == '\n' && expected[n - 2] == '\n') n--;
    bool same = strlen(got) == n && !strncmp(got, expected, n);
    ck_assert_msg(same, "%s: %s\n%s--- expected\n%.*s--- actual\n%s", path, name, program, (int)n,
                  expected, got);
    ck_assert_msg((status != GC_OK) == !strcmp(kind, "error"), "%s: %s is marked '%s'", path, name,
                  kind);
  }
  ctx_free(r.c);
}

static void run_file(const char *path) {
  char *text = slurp(path), *at = text;
  char *program = malloc(strlen(text) + 2), *expected = malloc(strlen(text) + 2);
  while (*at && !is_line(at, "---")) next_line(&at);
  while (*at) {
    const char *name = next_line(&at) + 4;
    collect(&at, "===", program);
    const char *kind = next_line(&at) + 4;
    collect(&at, "---", expected);
    run_case(path, name, program, kind, expected);
  }
  free(program);
  free(expected);
  free(text);
}

static const char *data_directory(void) {
  const char *given = getenv("TEST_DATA"), *source = getenv("srcdir");
  static char path[4096];
  if (given) return given;
  snprintf(path, sizeof path, "%s/tests/elaborate", source ? source : ".");
  return path;
}

START_TEST(data_files) {
  DIR *d = opendir(data_directory());
  ck_assert_msg(d != NULL, "no directory %s", data_directory());
  int files = 0;
  const char *only = getenv("ONLY");
  for (struct dirent *e; (e = readdir(d));) {
    const char *dot = strrchr(e->d_name, '.');
    if (!dot || strcmp(dot, ".txt") || (only && strcmp(only, e->d_name))) continue;
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", data_directory(), e->d_name);
    run_file(path);
    files++;
  }
  closedir(d);
  ck_assert_int_gt(files, 0);
}
END_TEST

/* ---- inputs ------------------------------------------------------------- */

static const double matrix[] = {1, 2, 3, 4, 5, 6}, vector[] = {10, 20, 30};
static const int64_t whole[] = {4};

/* The values of the root's parameters in order, from the inputs of these names. */
static Value *param_values(Run *r) {
  Value *v = NEWN(r->c, Value, r->p->sig.params.n + 1);
  for (uint32_t k = 0; k < r->p->sig.params.n; k++)
    for (uint32_t i = 0; i < r->ninputs; i++)
      if (!strcmp(r->input[i].name, r->p->sig.params.at[k].name)) {
        const InputValue *in = &r->input[i];
        v[k] = (Value){.elem = in->elem, .rank = in->rank, .data = in->data};
        memcpy(v[k].dim, in->dim, sizeof v[k].dim);
      }
  return v;
}

static void expect_inputs(const char *text, InputValue *input, uint32_t n, const char *expected) {
  Run r = run_new(text);
  r.input = input;
  r.ninputs = n;
  r.elaborate_only = true;
  Status status = ctx_try(r.c, run_program, &r);
  if (status == GC_OK) {
    r.value = param_values(&r);
    r.elaborate_only = false;
  }
  const char *got = status == GC_OK ? outcome(&r, &status) : messages(r.c);
  ck_assert_str_eq(got, expected);
  ctx_free(r.c);
}

START_TEST(inputs_are_set) {
  InputValue in[] = {
    {.name = "p.W", .elem = ELEM_REAL, .rank = 2, .dim = {2, 3}, .data = matrix},
    {.name = "x", .elem = ELEM_REAL, .rank = 1, .dim = {3}, .data = vector},
    {.name = "k", .elem = ELEM_INT, .data = whole},
  };
  const char *text = "input p: (W: real[m, n], c: real) = (c = 2, W = [[0, 0, 0], [0, 0, 0]])\n"
                     "input x: real[n]\ninput k: int = 1\n"
                     "print p.W @ x, p.c, m, n, [i for i < k]\n";
  expect_inputs(text, in, 3, "[140 320] 2 2 3 [0 1 2 3]\n");
  in[1].dim[0] = 2;
  expect_inputs(text, in, 3,
                "t.gc:2:7: error: input `x` has size 2 where n = 3 is wanted\n"
                "  2 | input x: real[n]\n"
                "    |       ^\n"
                "t.gc:1:7: note: n is 3 by field `W` of input `p`\n"
                "  1 | input p: (W: real[m, n], c: real) = (c = 2, W = [[0, 0, 0], [0, 0, 0]])\n"
                "    |       ^\n"
                "t.gc:2:10: note: its type is written here\n"
                "  2 | input x: real[n]\n"
                "    |          ^~~~~~~\n"
                "  help: a size name stands for one size everywhere in a call\n");
}
END_TEST

START_TEST(unknown_input) {
  InputValue in[] = {{.name = "rat", .elem = ELEM_INT, .data = whole}};
  expect_inputs("input rate: int = 1\nprint rate\n", in, 1,
                "gradc: error: the script has no input `rat`\n  help: did you mean `rate`?\n");
}
END_TEST

/* ---- whole functions ---------------------------------------------------- */

typedef struct Ask {
  Ctx *c;
  const char *text;
  Request q;
  uint32_t order;           /* 0: elaborate_function */
  Prog *p;
} Ask;

static void ask(void *arg) {
  Ask *a = arg;
  Module *m = module_new(a->c);
  uint32_t file = source_add(a->c, "t.gc", a->text, strlen(a->text));
  module_add(m, parse(a->c, file, PARSE_FILE, NULL), false);
  a->p = a->order ? elaborate_diff(m, a->q.function, NULL, a->q.wrt, a->q.nwrt, a->order)
                  : elaborate_function(m, &a->q);
  ir_verify(a->p, "elaboration");
}

/* "name(size n, x) -> out, grad_x" */
static const char *shape_of(const Ask *a) {
  Buf b;
  buf_init(&b, a->c);
  const Sig *s = &a->p->sig;
  buf_printf(&b, "%s(", s->name);
  for (uint32_t k = 0; k < s->params.n; k++)
    buf_printf(&b, "%s%s%s", k ? ", " : "", s->params.at[k].is_size ? "size " : "",
               s->params.at[k].name);
  buf_puts(&b, ") ->");
  for (uint32_t k = 0; k < s->results.n; k++)
    buf_printf(&b, "%s %s", k ? "," : "", s->results.at[k].name);
  return buf_text(&b);
}

static void expect_ask(const char *text, Request q, uint32_t order, const char *expected) {
  Ask a = {.c = ctx_new(NULL, NULL), .text = text, .q = q, .order = order};
  Status status = ctx_try(a.c, ask, &a);
  ck_assert_str_eq(status == GC_OK ? shape_of(&a) : messages(a.c), expected);
  ctx_free(a.c);
}

START_TEST(functions_as_programs) {
  const char *text = "f(p: (W: real[m, n], b: real[n]), x: real[m], k: int) = "
                     "sum(x @ p.W + p.b)*k\n"
                     "g(c: real[d*(d - 1)/2], s: real[2*l]) = (sum(c)*d, s*l)\n";
  const char *wrt[] = {"p.W", "x"};
  expect_ask(text, (Request){.function = "f"}, 0, "f(size m, size n, p.W, p.b, x, k) -> out");
  expect_ask(text, (Request){.function = "f", .kind = DERIV_GRAD, .wrt = wrt, .nwrt = 2}, 0,
             "f_grad_p_W_x(size m, size n, p.W, p.b, x, k) -> out, grad_p_W, grad_x");
  expect_ask(text, (Request){.function = "f", .kind = DERIV_HVP, .wrt = wrt + 1, .nwrt = 1}, 0,
             "f_hvp_x(size m, size n, p.W, p.b, x, k, d_x) -> out, hvp_x");
  expect_ask(text, (Request){.function = "g"}, 0, "g(size d, size l, c, s) -> out_0, out_1");
  expect_ask("h(x, y) = x^2*y\n", (Request){.function = "h"}, 2,
             "h_grad2_x_y(x, y) -> out_0_0, out_0_1, out_1_0, out_1_1");
  expect_ask("h(x, y) = x^2*y\n", (Request){.function = "h"}, 0,
             "t.gc:1:3: error: parameter `x` of `h` needs a type here\n"
             "  1 | h(x, y) = x^2*y\n"
             "    |   ^\n"
             "  help: write x: real, or x: real[n]\n");
}
END_TEST

/* ---- sessions ----------------------------------------------------------- */

static void muted_session(void *arg) {
  Run *r = arg;
  Module *m = module_new(r->c);
  const char *entry[] = {"f(x) = { trace \"f of {x}\"; x^2 }\ny = f(3.0)\nprint y",
                         "y = y + f(3.0)", "print y"};
  for (int k = 0; k < 3; k++) {
    if (k) module_mute(m);
    uint32_t file = source_add(r->c, "t.gc", entry[k], strlen(entry[k]));
    module_add(m, parse(r->c, file, PARSE_ENTRY, NULL), true);
    Host host = {.ctx = r->c, .write = collect_output, .user = &r->out};
    interpret(elaborate_script(m, NULL, 0), NULL, 0, 0, &host, NULL);
    buf_puts(&r->out, ";");
  }
}

START_TEST(session_runs_entries_once) {
  Run r = run_new("");
  ck_assert_int_eq(ctx_try(r.c, muted_session, &r), GC_OK);
  ck_assert_str_eq(r.out.at, "f of 3\n9\n;f of 3\n;18\n;");
  ctx_free(r.c);
}
END_TEST

/* ---- size --------------------------------------------------------------- */

static char *repeat(const char *head, const char *part, size_t n, const char *tail) {
  size_t room = strlen(head) + n * strlen(part) + strlen(tail) + 1;
  char *text = malloc(room), *at = text;
  at += sprintf(at, "%s", head);
  for (size_t k = 0; k < n; k++) at += sprintf(at, "%s", part);
  sprintf(at, "%s", tail);
  return text;
}

static double seconds(const char *text, uint32_t least_nodes) {
  Run r = run_new(text);
  r.elaborate_only = true;
  clock_t from = clock();
  Status status = ctx_try(r.c, run_program, &r);
  double time = (double)(clock() - from) / CLOCKS_PER_SEC;
  ck_assert_msg(status == GC_OK, "%s", messages(r.c));
  ck_assert_uint_ge(r.p->nnodes, least_nodes);
  ctx_free(r.c);
  return time;
}

static void expect_linear(const char *head, const char *part, const char *tail) {
  enum { FEW = 10000, TIMES = 10 };
  char *few = repeat(head, part, FEW, tail), *many = repeat(head, part, FEW * TIMES, tail);
  double one = seconds(few, FEW), ten = seconds(many, FEW * TIMES);
  ck_assert_msg(ten < 4 * TIMES * one + 1, "%d parts take %g s, %d take %g s", FEW, one,
                FEW * TIMES, ten);
  free(few);
  free(many);
}

START_TEST(long_programs_are_linear) {
  expect_linear("x = 2.0\nprint grad(x", " + x", ", x)\n");
  char *deep = repeat("f(x) = ", "sin(", 100000, "x");
  char *text = repeat(deep, ")", 100000, "\nx = 0.5\nprint grad(f(x), x)\n");
  ck_assert_double_lt(seconds(text, 100000), 30);
  free(deep);
  free(text);
}
END_TEST

int main(void) {
  Suite *s = suite_create("elaborate");
  TCase *t = tcase_create("elaborate");
  tcase_set_timeout(t, 300);
  tcase_add_test(t, data_files);
  tcase_add_test(t, inputs_are_set);
  tcase_add_test(t, unknown_input);
  tcase_add_test(t, functions_as_programs);
  tcase_add_test(t, session_runs_entries_once);
  tcase_add_test(t, long_programs_are_linear);
  suite_add_tcase(s, t);
  SRunner *runner = srunner_create(s);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
