/* test_optimize.c - dumps read back, and each optimizer pass does what its tests say.
 *
 *   test_optimize              run the tests in $top_srcdir/tests/passes
 *   test_optimize FILE…        run the tests of these files
 *   test_optimize --show FILE  print what each pass makes of its input
 *
 * A file holds tests one after the other: a line `== PASS: title`, the dump of the program
 * that goes in after `in:`, and what comes out after `out:`.  PASS is a pass of
 * optimize.h, `sweep`, `read` (no pass: what the reader makes of it) or `all`.  An `error:`
 * in place of `out:` gives the message with which reading has to fail.  Every input that
 * can be read makes the round trip through text, too. */
#include "ir/ir.h"
#include "optimize/optimize.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Test {
  Ctx *c;
  const char *file, *title, *pass, *in, *out, *error;
  int line;
  bool show, failed;
} Test;

static Prog *read_dump(Ctx *c, const char *name, const char *text) {
  Prog *p = ir_read_text(c, source_add(c, name, text, strlen(text)));
  ir_verify(p, "reading");
  return p;
}

static const char *dump(const Prog *p) {
  Buf b;
  buf_init(&b, p->ctx);
  ir_print(p, &b);
  return buf_text(&b);
}

static Prog *all_passes(Prog *p) {
  return optimize(p, NULL);
}

static Prog *no_pass(Prog *p) {
  return p;
}

static const struct { const char *name; Prog *(*run)(Prog *p); } passes[] = {
  {"read", no_pass},           {"sweep", ir_sweep}, {"checks", opt_checks},
  {"support", opt_support}, {"defer", opt_defer}, {"gather", opt_gather},
  {"accumulate", opt_accumulate},
  {"unroll", opt_unroll},
  {"fuse", opt_fuse}, {"branches", opt_branches}, {"reciprocals", opt_reciprocals},
  {"hoist", opt_hoist}, {"twins", opt_twins}, {"split", opt_split}, {"bounds", opt_bounds},
  {"ranges", opt_ranges}, {"flatten", opt_flatten}, {"saved", opt_saved}, {"final", opt_final},
  {"simplify", opt_simplify},  {"erase", opt_erase}, {"all", all_passes},
};

static Prog *run_pass(Ctx *c, const char *name, Prog *p) {
  for (size_t k = 0; k < sizeof passes / sizeof *passes; k++)
    if (strcmp(passes[k].name, name) == 0) return passes[k].run(p);
  fail_at(c, (Span){0}, NULL, "no pass is called '%s'", name);
}

static void failed(Test *t, const char *what, const char *expected, const char *actual) {
  printf("%s:%d: %s: %s\nexpected:\n%s\nactual:\n%s\n", t->file, t->line, t->title, what,
         expected, actual);
  t->failed = true;
}

static void check_round_trip(Test *t, const Prog *p) {
  const char *text = dump(p);
  Prog *again = read_dump(p->ctx, "dump", text);
  if (!ir_equal(p, again)) failed(t, "reads back as another program", text, dump(again));
  if (strcmp(text, dump(again)) != 0) failed(t, "prints differently", text, dump(again));
}

static void run_test(void *arg) {
  Test *t = arg;
  Prog *in = read_dump(t->c, t->title, t->in);
  check_round_trip(t, in);
  Prog *p = run_pass(t->c, t->pass, in);
  ir_verify(p, t->pass);
  check_round_trip(t, p);
  if (t->show) {
    printf("== %s: %s\nin:\n%s\nout:\n%s\n", t->pass, t->title, t->in, dump(p));
    return;
  }
  if (!t->out) {
    failed(t, "an error was expected", t->error ? t->error : "", dump(p));
    return;
  }
  Prog *wanted = read_dump(t->c, "expected", t->out);
  if (!ir_equal(p, wanted)) failed(t, "another program comes out", dump(wanted), dump(p));
}

static void judge(Test *t, Status status) {
  Ctx *c = t->c;
  if (status == GC_OK) return;
  const char *text = diag_count(c) ? diag_get(c, 0)->text : "(no message)";
  if (t->error && strstr(t->error, text) && strlen(text) + 2 > strlen(t->error)) return;
  Buf b;
  buf_init(&b, c);
  for (uint32_t k = 0; k < diag_count(c); k++) diag_render(c, k, &b, false);
  failed(t, "it fails", t->error ? t->error : "no error", buf_text(&b));
}

static bool run_one(Test *t) {
  t->c = ctx_new(NULL, NULL);
  if (!t->c) return false;
  judge(t, ctx_try(t->c, run_test, t));
  ctx_free(t->c);
  return !t->failed;
}

/* ---- files of tests ------------------------------------------------------------------ */

static char *read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  rewind(f);
  char *text = calloc((size_t)size + 1, 1);
  if (text && fread(text, 1, (size_t)size, f) != (size_t)size) text[0] = '\0';
  fclose(f);
  return text;
}

/* Ends the section before `mark` there and gives what follows it, or NULL. */
static char *section(char *text, const char *mark) {
  char *at = strstr(text, mark);
  if (!at) return NULL;
  *at = '\0';
  return at + strlen(mark);
}

static int line_of(const char *start, const char *at) {
  int line = 1;
  for (; start < at; start++) line += *start == '\n';
  return line;
}

/* The test that begins at `text`, which ends where the next one begins. */
static bool parse_test(Test *t, char *text) {
  char *in = section(text, "\nin:\n");
  char *colon = strchr(text, ':');
  if (!in || !colon) return false;
  *colon = '\0';
  t->pass = text;
  t->title = colon + 2;
  t->out = section(in, "\nout:\n");
  t->error = t->out ? NULL : section(in, "\nerror:\n");
  t->in = in;
  return true;
}

static int run_file(const char *path, bool show, int *count) {
  char *text = read_file(path), *copy = text ? strdup(text) : NULL;
  int bad = 0;
  if (!copy) {
    printf("%s: cannot be read\n", path);
    free(text);
    return 1;
  }
  char *at = strncmp(text, "== ", 3) == 0 ? text : strstr(text, "\n== ");
  while (at) {
    char *next = strstr(at + 1, "\n== ");
    if (next) *next = '\0';
    Test t = {.file = path, .line = line_of(copy, copy + (at - text) + 1), .show = show};
    at += at[0] == '\n' ? 4 : 3;
    ++*count;
    if (!parse_test(&t, at)) {
      printf("%s:%d: not a test\n", path, t.line);
      bad++;
    } else if (!run_one(&t)) {
      bad++;
    }
    at = next;
    if (next) *next = '\n';
  }
  free(text);
  free(copy);
  return bad;
}

/* ---- size ------------------------------------------------------------------------------ */

/* A long chain of scalars: nothing recurses over it, and it reads back. */
static void long_chain(void *arg) {
  Ctx *c = arg;
  Prog *p = prog_new(c);
  Ref x = ir_param(p, type_scalar(p, ELEM_REAL)), y = x;
  p->erased = true;
  for (int k = 0; k < 200000; k++) y = ir_prim1(p, k % 2 ? P_SIN : P_COS, y);
  ir_result(p, y);
  Prog *again = read_dump(c, "chain", dump(p));
  if (!ir_equal(p, again)) internal_error(c, "a long chain does not read back");
  optimize(again, NULL);
}

/* Loops that each read the one before: fused in pieces, in linear time. */
static void long_fusion(void *arg) {
  Ctx *c = arg;
  Prog *p = prog_new(c);
  Size n = size_const(p, 1000);
  Ref x = ir_param(p, type_array(p, ELEM_REAL, 1, &n));
  p->erased = true;
  for (int k = 0; k < 5000; k++) {
    Ref i, extent = ir_int(p, 1000);
    const Combiner build = BUILD;
    Region *r = ir_begin(p);
    i = ir_param(p, type_scalar(p, ELEM_INT));
    ir_result(p, ir_prim1(p, k % 2 ? P_SIN : P_EXP, ir_read(p, x, 1, &i, false)));
    ir_end(p);
    x = ir_out(p, ir_loop(p, 1, &extent, r, &build), 0);
  }
  ir_result(p, x);
  ir_verify(optimize(p, NULL), "long fusion");
}

static int run_long(const char *title, void (*fn)(void *)) {
  Ctx *c = ctx_new(NULL, NULL);
  Status s = c ? ctx_try(c, fn, c) : GC_NOMEM;
  if (s != GC_OK) printf("%s: %s\n", title, c && diag_count(c) ? diag_get(c, 0)->text : "?");
  ctx_free(c);
  return s != GC_OK;
}

static int run_directory(int *count) {
  const char *top = getenv("top_srcdir");
  char pattern[4096];
  glob_t found;
  int bad = 0;
  snprintf(pattern, sizeof pattern, "%s/tests/passes/*.txt", top ? top : ".");
  if (glob(pattern, 0, NULL, &found) != 0) {
    printf("%s: no tests there\n", pattern);
    return 1;
  }
  for (size_t k = 0; k < found.gl_pathc; k++) bad += run_file(found.gl_pathv[k], false, count);
  globfree(&found);
  return bad;
}

int main(int argc, char **argv) {
  int bad = 0, count = 2, first = 1;
  bool show = argc > 1 && strcmp(argv[1], "--show") == 0;
  if (show) first++;
  for (int k = first; k < argc; k++) bad += run_file(argv[k], show, &count);
  if (show) return bad != 0;
  if (first == argc) bad += run_directory(&count);
  bad += run_long("a long chain", long_chain);
  bad += run_long("a long fusion", long_fusion);
  printf("optimize: %d passed, %d failed\n", count - bad, bad);
  return bad != 0;
}
