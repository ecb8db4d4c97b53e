/* test_reference.c - every example and every test program against the reference
 * interpreter.
 *
 * A program is each examples/NAME.gc and each block of tests/programs/NAME.test that
 * succeeds, with its inputs and further files (but for sessions, whose lines are no file).  For
 * each: the IR printed and read back is the same after every pass; the program as elaborated, run
 * by the interpreter in double, prints what the optimized one prints when compiled; and in MPFR,
 * with 160 bits, as much of it as double can hold.  A program that cannot take part is in one of
 * the tables below with its reason; one that is in no table and cannot is a failure.
 *
 * top_srcdir names the source tree (default "."). */
#include "checks.h"
#include <ctype.h>
#include <ftw.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elaborate/elaborate.h"
#include "interpret/interpret.h"
#include "jit/jit.h"
#include "optimize/optimize.h"

/* ---- tables ------------------------------------------------------------------ */

/* Programs that are not interpreted, by a part of their name. */
static const struct {
  const char *name, *reason;
} excluded[] = {
    {"examples/dann.gc", "half a million weights, trained: hours in the interpreter"},
    {"examples/dann_train.gc", "trained for a thousand steps, twice: minutes in the interpreter"},
};

/* Blocks whose file is no script by itself (besides those whose command has no FILE). */
static const struct {
  const char *file, *title, *reason;
} no_script[] = {
    {"language.test:", ": a matrix of reals from .npy", "its command makes its input"},
    {"language.test:", ": ints and bools from .npy, and reals of single precision",
     "its command makes its inputs"},
};

/* Where double loses more digits than usual, or a control takes an addition away: the
 * largest relative difference from the interpreter in double, and in MPFR (INFINITY: they
 * are not compared). */
static const struct {
  const char *name;
  double in_double, in_mpfr;
  const char *reason;
} loose[] = {
    {"--real=float", 2e-6, INFINITY, "float holds 7 digits"},
    {"examples/add_gradient.gc", INFINITY, 1e-7,
     "at 1e20 only the cancelled form keeps any digit of double"},
    {": the value is f where frameworks print", INFINITY, INFINITY,
     "the cancelled form keeps what float loses"},
    {"examples/logsumexp.gc", 1e-9, INFINITY, "it shows where double overflows"},
};

static const double in_double = 1e-9, in_mpfr = 1e-7, nothing = 1e-12;

/* ---- the programs ------------------------------------------------------------ */

typedef struct Program {
  char *name;    /* "controls.test:12: title" */
  char *folder;  /* where it runs */
  char *file;    /* its name there */
  char *command; /* "gradc run FILE --set n=3" */
} Program;

static Program *program;
static int nprograms, nfailing, nsessions;
static char workshop[] = "/tmp/test_reference.XXXXXX";

static char *copy_text(const char *s) {
  char *t = malloc(strlen(s) + 1);
  if (!t) abort();
  return strcpy(t, s);
}

static void add_program(const char *name, const char *folder, const char *file,
                        const char *command) {
  program = realloc(program, sizeof *program * (size_t)(nprograms + 1));
  if (!program) abort();
  program[nprograms++] =
      (Program){copy_text(name), copy_text(folder), copy_text(file), copy_text(command)};
}

/* One block while its file is read. */
typedef struct Block {
  char name[512], folder[512], command[1024];
  int status;
  bool open;
  FILE *out;
} Block;

static int nno_script;

static bool is_no_script(const char *name, const char *command) {
  bool found = strstr(command, "FILE") == NULL;
  for (size_t k = 0; k < sizeof no_script / sizeof *no_script; k++)
    found |= !strncmp(name, no_script[k].file, strlen(no_script[k].file)) &&
             !strcmp(strstr(name, ": "), no_script[k].title);
  nno_script += found;
  return found;
}

static void end_block(Block *b) {
  if (b->out) fclose(b->out);
  b->out = NULL;
  if (!b->open) return;
  if (strstr(b->command, "gradc repl"))
    nsessions++;
  else if (b->status == 0 && is_no_script(b->name, b->command))
    printf("no script: %s\n", b->name);
  else if (b->status == 0)
    add_program(b->name, b->folder, "test.gc", b->command);
  else
    nfailing++;
  b->open = false;
}

static void open_part(Block *b, const char *file) {
  char path[1100];
  if (b->out) fclose(b->out);
  snprintf(path, sizeof path, "%s/%s", b->folder, file);
  for (char *s = path + strlen(b->folder) + 1; (s = strchr(s, '/')); *s++ = '/') {
    *s = '\0';
    mkdir(path, 0777);
  }
  b->out = fopen(path, "w");
  if (!b->out) abort();
}

static void begin_block(Block *b, const char *file, int line, const char *title) {
  static int number;
  end_block(b);
  const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
  *b = (Block){.open = true};
  snprintf(b->name, sizeof b->name, "%s:%d: %s", base, line, title);
  snprintf(b->folder, sizeof b->folder, "%s/%d", workshop, ++number);
  strcpy(b->command, "gradc run FILE");
  mkdir(b->folder, 0777);
  open_part(b, "test.gc");
}

/* A line of a test file; the format is at the head of tests/run-programs. */
static void take_line(Block *b, char *line, bool *head) {
  if (*head && strncmp(line, "$ ", 2) == 0) {
    snprintf(b->command, sizeof b->command, "%s", line + 2);
    return;
  }
  *head = false;
  if (strncmp(line, "--- file ", 9) == 0) {
    open_part(b, line + 9);
    return;
  }
  if (strncmp(line, "---", 3) == 0 && (line[3] == '\0' || line[3] == ' ')) {
    if (b->out) fclose(b->out);
    b->out = NULL;
    if (strncmp(line, "--- exit ", 9) == 0) b->status = atoi(line + 9);
    return;
  }
  if (b->out) fprintf(b->out, "%s\n", line);
}

static void read_test_file(const char *path) {
  FILE *f = fopen(path, "r");
  if (!f) abort();
  Block b = {0};
  char *line = NULL;
  size_t room = 0;
  bool blank = true, head = false;
  int number = 0;
  for (ssize_t n; (n = getline(&line, &room, f)) >= 0;) {
    number++;
    if (n && line[n - 1] == '\n') line[n - 1] = '\0';
    if (blank && strncmp(line, "## ", 3) == 0) {
      begin_block(&b, path, number, line + 3);
      head = true;
    } else if (b.open) {
      take_line(&b, line, &head);
    }
    blank = *line == '\0';
  }
  end_block(&b);
  free(line);
  fclose(f);
}

static void read_example(const char *path) {
  char folder[1024], first[1024] = "", name[1100];
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
  snprintf(name, sizeof name, "examples%s", slash);
  FILE *f = fopen(path, "r");
  if (!f || !fgets(first, sizeof first, f)) abort();
  fclose(f);
  first[strcspn(first, "\n")] = '\0';
  add_program(name, folder, slash + 1, strncmp(first, "# $ ", 4) ? "gradc run FILE" : first + 4);
}

static void read_all(const char *pattern, void (*take)(const char *path)) {
  const char *top = getenv("top_srcdir");
  char full[1024], *found;
  glob_t g;
  snprintf(full, sizeof full, "%s/%s", top ? top : ".", pattern);
  if (glob(full, 0, NULL, &g) != 0) return;
  for (size_t k = 0; k < g.gl_pathc; k++) {
    found = realpath(g.gl_pathv[k], NULL);
    if (!found) abort();
    take(found);
    free(found);
  }
  globfree(&g);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)st, (void)type, (void)at;
  return remove(path);
}

/* ---- the command line of a program ------------------------------------------- */

typedef struct Words {
  char *at[64];
  int n;
  char text[1024];
} Words;

/* Cuts as a shell does, quotes and all; false where it would do more than that. */
static bool cut_words(const char *command, Words *w) {
  char *out = w->text, quote = 0;
  bool in = false;
  w->n = 0;
  for (const char *s = command;; s++) {
    if (!quote && (*s == '\0' || *s == ' ')) {
      if (in) *out++ = '\0';
      in = false;
      if (!*s) return true;
      continue;
    }
    if (!quote && strchr("|;&<>$`", *s)) return false;
    if (!in && w->n < 63) w->at[w->n++] = out;
    in = true;
    if (quote ? *s == quote : *s == '\'' || *s == '"')
      quote = quote ? 0 : *s;
    else
      *out++ = *s;
  }
}

/* ---- one run ----------------------------------------------------------------- */

typedef struct Case {
  const Program *program;
  Ctx *c;
  Words words;
  Prog *p, *best;
  InputValue input[16];
  Value value[16];
  uint32_t ninputs;
  Buf out;
  const char *failure; /* what a step found */
} Case;

static void take_setting(Case *k, const char *text) {
  const char *eq = strchr(text, '='), *end = strrchr(text, '.');
  Value v = eq[1] != '@'                  ? literal_read(k->c, eq + 1)
            : end && !strcmp(end, ".csv") ? csv_read(k->c, eq + 2)
                                          : npy_read(k->c, eq + 2);
  InputValue *in = &k->input[k->ninputs++];
  *in = (InputValue){.name = intern(k->c, text, (size_t)(eq - text)),
                     .elem = v.elem,
                     .rank = v.rank,
                     .data = v.data};
  memcpy(in->dim, v.dim, sizeof in->dim);
}

static uint32_t add_source(Case *k, const char *path) {
  FILE *f = fopen(path, "r");
  ck_assert_msg(f != NULL, "%s: cannot read %s", k->program->name, path);
  Buf b;
  buf_init(&b, k->c);
  char part[4096];
  for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;) buf_add(&b, part, n);
  fclose(f);
  return source_add(k->c, path, buf_text(&b), b.n);
}

/* The statements of -e come after the file. */
static Module *read_module(Case *k) {
  Module *m = module_new(k->c);
  module_add(m, parse(k->c, add_source(k, k->program->file), PARSE_FILE, NULL), false);
  for (int i = 0; i + 1 < k->words.n; i++) {
    if (strcmp(k->words.at[i], "-e")) continue;
    const char *text = k->words.at[i + 1];
    uint32_t file = source_add(k->c, "-e", text, strlen(text));
    module_add(m, parse(k->c, file, PARSE_FILE, NULL), false);
  }
  return m;
}

static void take_options(Case *k) {
  k->c->opt.allow_import = true;
  if (k->words.n < 2 || strcmp(k->words.at[1], "run")) return;
  for (int i = 0; i < k->words.n; i++) {
    const char *w = k->words.at[i];
    if (!strcmp(w, "--real=float")) k->c->opt.real_float = true;
    if (!strcmp(w, "--ieee")) k->c->opt.ieee = true;
    if (!strcmp(w, "--fast-math-functions")) k->c->opt.fast_math = true;
    if (!strcmp(w, "--checkpoint")) k->c->opt.checkpoint = true;
    if (!strcmp(w, "--unchecked")) k->c->opt.unchecked = true;
    if (!strcmp(w, "--set") && i + 1 < k->words.n)
      take_setting(k, k->words.at[++i]);
    else if (!strncmp(w, "--set=", 6))
      take_setting(k, w + 6);
  }
}

/* The value of each parameter of the root. */
static void find_values(Case *k) {
  for (uint32_t i = 0; i < k->p->sig.params.n; i++)
    for (uint32_t j = 0; j < k->ninputs; j++) {
      const InputValue *in = &k->input[j];
      if (strcmp(in->name, k->p->sig.params.at[i].name)) continue;
      k->value[i] = (Value){.elem = in->elem, .rank = in->rank, .data = in->data};
      memcpy(k->value[i].dim, in->dim, sizeof in->dim);
    }
}

static void elaborate(void *self) {
  Case *k = self;
  take_options(k);
  k->p = elaborate_script(read_module(k), k->input, k->ninputs);
  find_values(k);
}

static void keep_output(void *user, const char *text, size_t n) {
  buf_add(user, text, n);
}

static Host host_for(Case *k) {
  buf_init(&k->out, k->c);
  return (Host){.ctx = k->c, .write = keep_output, .user = &k->out, .json = true};
}

static JitArg argument(Case *k, const Value *v, const Type *t) {
  if (v->rank == 0 && t->elem != ELEM_REAL) return (JitArg){.i = *(const int64_t *)v->data};
  if (v->rank == 0)
    return (JitArg){.r = v->elem == ELEM_REAL ? *(const double *)v->data
                                              : (double)*(const int64_t *)v->data};
  if (v->elem != ELEM_REAL || !k->c->opt.real_float) return (JitArg){.p = v->data};
  size_t n = 1;
  for (uint32_t i = 0; i < v->rank; i++) n *= (size_t)v->dim[i];
  float *narrow = NEWN(k->c, float, n + 1);
  for (size_t i = 0; i < n; i++) narrow[i] = (float)((const double *)v->data)[i];
  return (JitArg){.p = narrow};
}

static void run_compiled(void *self) {
  Case *k = self;
  Host host = host_for(k);
  k->best = optimize(k->p, NULL);
  JitArg in[16] = {{0}};
  for (uint32_t i = 0; i < k->p->sig.params.n; i++)
    in[i] = argument(k, &k->value[i], ir_type(k->best, k->best->sig.params.at[i].ref));
  Status s = jit_call(jit_tcc(k->best, true), in, NULL, &host);
  if (s != GC_OK) diag_raise(k->c, s);
}

static void run_reference(Case *k, unsigned bits) {
  Host host = host_for(k);
  Value out[1];
  Status s = interpret(k->p, k->value, k->p->sig.params.n, bits, &host, out);
  if (s != GC_OK) diag_raise(k->c, s);
}

static void run_double(void *self) {
  run_reference(self, 0);
}

static void run_mpfr(void *self) {
  run_reference(self, 160);
}

/* ---- comparing what is printed ------------------------------------------------ */

static bool number_starts(const char *from, const char *s) {
  if (s > from && (isalnum((unsigned char)s[-1]) || s[-1] == '_')) return false;
  if (*s == '-') s++;
  return isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1]));
}

static bool numbers_agree(double a, double b, double tolerance) {
  double size = fmax(fabs(a), fabs(b));
  return a == b || fabs(a - b) <= tolerance * size || fabs(a - b) <= nothing * (tolerance / 1e-9);
}

/* The first place where the texts differ by more than rounding; *line counts lines. */
static bool texts_agree(const char *want, const char *have, double tolerance, int *line) {
  const char *a = want, *b = have;
  for (*line = 1; *a || *b;) {
    if (number_starts(want, a) && number_starts(have, b)) {
      char *enda, *endb;
      if (!numbers_agree(strtod(a, &enda), strtod(b, &endb), tolerance)) return false;
      a = enda, b = endb;
      continue;
    }
    if (*a != *b) return false;
    *line += *a == '\n';
    a++, b++;
  }
  return true;
}

static const char *line_of(Ctx *c, const char *text, int line) {
  for (; line > 1 && strchr(text, '\n'); line--) text = strchr(text, '\n') + 1;
  return str_printf(c, "%.*s", (int)strcspn(text, "\n"), text);
}

static const char *messages(Ctx *c) {
  Buf b;
  buf_init(&b, c);
  for (uint32_t k = 0; k < diag_count(c); k++) diag_render(c, k, &b, false);
  return buf_text(&b);
}

/* Runs a step that must succeed; gives what it prints. */
static const char *step(Case *k, const char *what, void (*run)(void *)) {
  buf_init(&k->out, k->c);
  k->failure = NULL;
  if (ctx_try(k->c, run, k) != GC_OK)
    ck_abort_msg("%s: %s:\n%.1500s", k->program->name, what, messages(k->c));
  ck_assert_msg(!k->failure, "%s: %s: %s", k->program->name, what, k->failure);
  return k->out.n ? str_printf(k->c, "%s", buf_text(&k->out)) : "";
}

static void compare(Case *k, const char *what, const char *want, const char *have,
                    double tolerance) {
  int line;
  if (isinf(tolerance)) return;
  if (texts_agree(want, have, tolerance, &line)) return;
  ck_abort_msg("%s: %s, line %d of the output:\nexpected %.900s\nactual   %.900s", k->program->name,
               what, line, line_of(k->c, want, line), line_of(k->c, have, line));
}

static void tolerances(const Program *p, double *d, double *m) {
  *d = in_double;
  *m = in_mpfr;
  for (size_t i = 0; i < sizeof loose / sizeof *loose; i++) {
    if (!strstr(p->name, loose[i].name) && !strstr(p->command, loose[i].name)) continue;
    *d = loose[i].in_double;
    *m = loose[i].in_mpfr;
  }
}

/* ---- the tests ------------------------------------------------------------------ */

static const char *why_excluded(const Program *p) {
  for (size_t i = 0; i < sizeof excluded / sizeof *excluded; i++)
    if (strstr(p->name, excluded[i].name)) return excluded[i].reason;
  return NULL;
}

/* Opens a case in the folder of its program. */
static void open_case(Case *k, int i) {
  *k = (Case){.program = &program[i], .c = ctx_new(NULL, NULL)};
  if (!cut_words(k->program->command, &k->words))
    k->words.n = 0; /* more than a run: without options */
  ck_assert_int_eq(chdir(k->program->folder), 0);
  step(k, "elaboration", elaborate);
}

/* The same nodes through the constructors again, which share what has become equal since
 * it was built (reading a program does so, too). */
static Prog *built_again(Prog *p) {
  Copy k;
  Prog *to = prog_start(&k, p);
  copy_nodes(&k, p->root);
  prog_finish(&k);
  return to;
}

static Prog *printed_and_read(Case *k, Prog *p) {
  Buf b;
  buf_init(&b, k->c);
  ir_print(p, &b);
  const char *text = buf_text(&b);
  return ir_read_text(k->c, source_add(k->c, "dump", text, b.n));
}

static const char *output_of(Case *k, Prog *p) {
  Host host = host_for(k);
  Value out[1];
  if (interpret(p, k->value, p->sig.params.n, 0, &host, out) != GC_OK) return "it does not run";
  return buf_text(&k->out);
}

/* What a pass left is printed, read, and compared.  Where a constant was made in another
 * region, reading may find two loops equal that the pass kept apart: then what it gives has
 * to print and read as itself, and to do the same as the program. */
static void round_trip(void *user, const char *pass, Prog *p) {
  Case *k = user;
  Prog *again = printed_and_read(k, p);
  if (ir_equal(p, again) || ir_equal(built_again(p), again)) return;
  bool settled = ir_equal(again, printed_and_read(k, again));
  if (!settled || (!why_excluded(k->program) && strcmp(output_of(k, p), output_of(k, again))))
    k->failure = str_printf(
        k->c, "after the pass %s the program printed and read back is another one", pass);
}

static void read_back(void *self) {
  Case *k = self;
  Dump all = {NULL, round_trip, k};
  optimize(k->p, &all);
}

START_TEST(prints_and_reads_back) {
  Case k;
  open_case(&k, _i);
  step(&k, "print and read back", read_back);
  ctx_free(k.c);
}
END_TEST

START_TEST(agrees_with_the_interpreter) {
  Case k;
  double d, m;
  open_case(&k, _i);
  if (!why_excluded(k.program)) {
    tolerances(k.program, &d, &m);
    const char *compiled = step(&k, "compiled", run_compiled);
    const char *reference = step(&k, "interpreted in double", run_double);
    compare(&k, "interpreted in double and compiled", reference, compiled, d);
    if (!isinf(m))
      compare(&k, "interpreted in MPFR and compiled", step(&k, "interpreted in MPFR", run_mpfr),
              compiled, m);
  }
  ctx_free(k.c);
}
END_TEST

START_TEST(nothing_is_left_out_unsaid) {
  int out = 0;
  for (int i = 0; i < nprograms; i++) out += why_excluded(&program[i]) != NULL;
  ck_assert_int_eq(out, (int)(sizeof excluded / sizeof *excluded));
  ck_assert_int_ge(nno_script, (int)(sizeof no_script / sizeof *no_script));
  ck_assert_int_gt(nprograms, 150);
}
END_TEST

static Suite *reference_suite(void) {
  Suite *s = suite_create("reference");
  TCase *t = tcase_create("programs");
  tcase_set_timeout(t, 60);
  tcase_add_test(t, nothing_is_left_out_unsaid);
  tcase_add_loop_test(t, prints_and_reads_back, 0, nprograms);
  tcase_add_loop_test(t, agrees_with_the_interpreter, 0, nprograms);
  suite_add_tcase(s, t);
  return s;
}

int main(void) {
  if (!mkdtemp(workshop)) return 1;
  read_all("examples/*.gc", read_example);
  read_all("tests/programs/*.test", read_test_file);
  printf("%d programs, %d not interpreted; besides, %d that must fail, %d sessions, %d without a "
         "script\n",
         nprograms, (int)(sizeof excluded / sizeof *excluded), nfailing, nsessions, nno_script);
  for (size_t i = 0; i < sizeof excluded / sizeof *excluded; i++)
    printf("not interpreted: %s (%s)\n", excluded[i].name, excluded[i].reason);
  fflush(stdout);
  SRunner *r = srunner_create(reference_suite());
  srunner_run_all(r, CK_NORMAL);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  nftw(workshop, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return failed ? 1 : 0;
}
