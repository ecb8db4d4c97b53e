/* test_parser.c - the front end, from data.
 *
 * The files of tests/syntax hold cases:
 *
 *     --- name of the case
 *     the program
 *     === tree          (or: error, entry)
 *     what must come out: the tree, the whole message, or for an entry of a
 *     session the tree, the message, or "incomplete"
 *
 * Every program that parses is printed and parsed again: the tree must be the
 * same, and the second text the same as the first.  TEST_DATA names the
 * directory of the data, UPDATE=1 prints the data with what comes out now. */
#include "checks.h"
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syntax/syntax.h"

/* ---- trees as text ------------------------------------------------------- */

typedef struct Step { const Ast *a; const char *text; } Step;

static void show_head(const Ast *a, Buf *out) {
  for (const char *k = ast_kind_name(a->kind); *k; k++) {
    char lower = (char)tolower(*k);
    buf_add(out, &lower, 1);
  }
  if (a->kind == AST_UNARY || a->kind == AST_BINARY) buf_printf(out, " %s", ast_op_text(a->op));
  if (a->kind == AST_PRIME || (a->kind == AST_FOR && a->i)) buf_printf(out, " %d", (int)a->i);
  if (a->name && a->kind != AST_PIECE) buf_printf(out, " %s", a->name);
}

static void show_string(const char *s, Buf *out) {
  buf_puts(out, "\"");
  for (; *s; s++) {
    if (*s == '\n') buf_puts(out, "\\n");
    else if (*s == '\t') buf_puts(out, "\\t");
    else if (*s == '"' || *s == '\\') buf_printf(out, "\\%c", *s);
    else buf_add(out, s, 1);
  }
  buf_puts(out, "\"");
}

static bool show_leaf(const Ast *a, Buf *out) {
  switch (a ? a->kind : AST_COUNT) {
  case AST_COUNT: buf_puts(out, "-"); return true;
  case AST_NAME: buf_puts(out, a->name); return true;
  case AST_INT: buf_printf(out, "%" PRId64, a->i); return true;
  case AST_REAL: buf_puts(out, "real "); buf_real(out, a->r); return true;
  case AST_BOOL: buf_puts(out, a->i ? "true" : "false"); return true;
  case AST_PIECE:
    if (!a->nkids) show_string(a->name, out);
    return !a->nkids;
  default: return false;
  }
}

static const char *show_tree(Ctx *c, const Ast *root) {
  Buf out;
  buf_init(&out, c);
  VEC(Step) steps = {0};
  VEC_PUSH(c, &steps, ((Step){root, NULL}));
  while (steps.n) {
    Step s = steps.at[--steps.n];
    if (s.text) buf_puts(&out, s.text);
    if (s.text || show_leaf(s.a, &out)) continue;
    buf_puts(&out, "(");
    show_head(s.a, &out);
    if (s.a->kind == AST_PIECE && s.a->name) buf_printf(&out, " :%s", s.a->name);
    VEC_PUSH(c, &steps, ((Step){NULL, ")"}));
    const char *between = s.a->kind == AST_FILE ? "\n" : " ";
    for (uint32_t k = s.a->nkids; k-- > 0;) {
      VEC_PUSH(c, &steps, ((Step){s.a->kid[k], NULL}));
      VEC_PUSH(c, &steps, ((Step){NULL, between}));
    }
  }
  return buf_text(&out);
}

/* ---- one parse ------------------------------------------------------------- */

typedef struct Attempt {
  Ctx *c;
  const char *text;
  size_t size;
  ParseStart start;
  Ast *tree;
  bool incomplete;
} Attempt;

static void run_parse(void *arg) {
  Attempt *a = arg;
  uint32_t file = source_add(a->c, "t.gc", a->text, a->size);
  a->tree = parse(a->c, file, a->start, &a->incomplete);
}

static const char *messages(Ctx *c) {
  Buf out;
  buf_init(&out, c);
  for (uint32_t k = 0; k < diag_count(c); k++) diag_render(c, k, &out, false);
  return buf_text(&out);
}

/* Spans of children lie within those of their parents. */
static void check_spans(Ctx *c, const Ast *root, size_t size) {
  VEC(const Ast *) left = {0};
  VEC_PUSH(c, &left, root);
  while (left.n) {
    const Ast *a = left.at[--left.n];
    ck_assert_uint_le(a->span.start, a->span.end);
    ck_assert_uint_le(a->span.end, size);
    for (uint32_t k = 0; k < a->nkids; k++) {
      const Ast *b = a->kid[k];
      if (!b) continue;
      ck_assert_msg(a->span.start <= b->span.start && b->span.end <= a->span.end,
                    "the span of %s is not within that of %s", ast_kind_name(b->kind),
                    ast_kind_name(a->kind));
      VEC_PUSH(c, &left, b);
    }
  }
}

/* Prints the tree, parses the text, compares; gives the text. */
static void check_round_trip(const Attempt *first) {
  Buf text, again_text;
  buf_init(&text, first->c);
  ast_print(first->tree, &text);
  buf_text(&text);
  Attempt again = {first->c, text.at, text.n, first->start, NULL, false};
  Status status = ctx_try(first->c, run_parse, &again);
  ck_assert_msg(status == GC_OK && again.tree, "does not parse again:\n%.2000s\n%s", text.at,
                messages(first->c));
  const char *a = show_tree(first->c, first->tree), *b = show_tree(first->c, again.tree);
  ck_assert_msg(!strcmp(a, b), "another tree after printing:\n%.2000s\n%.2000s\n%.2000s", a, b,
                text.at);
  buf_init(&again_text, first->c);
  ast_print(again.tree, &again_text);
  ck_assert_msg(!strcmp(text.at, buf_text(&again_text)), "printed twice differs:\n%.2000s\n%.2000s",
                text.at, again_text.at);
}

/* What comes out of a program, as the data files write it. */
static const char *outcome(Attempt *a) {
  if (ctx_try(a->c, run_parse, a) != GC_OK) return messages(a->c);
  if (a->incomplete) return "incomplete\n";
  check_spans(a->c, a->tree, a->size);
  check_round_trip(a);
  return str_printf(a->c, "%s\n", show_tree(a->c, a->tree));
}

/* ---- data files -------------------------------------------------------------- */

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

/* The line at *at, which moves past it. */
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

static bool updating(void) {
  return getenv("UPDATE") != NULL;
}

static void run_case(const char *path, const char *name, const char *program, const char *kind,
                     const char *expected) {
  Ctx *c = ctx_new(NULL, NULL);
  Attempt a = {c, program, strlen(program), PARSE_FILE, NULL, false};
  if (strstr(kind, "entry")) a.start = PARSE_ENTRY;
  const char *got = outcome(&a);
  if (updating()) printf("--- %s\n%s=== %s\n%s\n", name, program, kind, got);
  else {
    size_t n = strlen(expected); /* the blank line before the next case */
    while (n > 1 && expected[n - 1] == '\n' && expected[n - 2] == '\n') n--;
    bool same = strlen(got) == n && !strncmp(got, expected, n);
    ck_assert_msg(same, "%s: %s\n%s--- expected\n%.*s--- actual\n%s", path, name, program, (int)n,
                  expected, got);
    ck_assert_msg((a.tree != NULL) == (strstr(kind, "tree") != NULL) || strstr(kind, "entry"),
                  "%s: %s is marked '%s'", path, name, kind);
  }
  ctx_free(c);
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
  snprintf(path, sizeof path, "%s/tests/syntax", source ? source : ".");
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

/* ---- bytes that a data file cannot hold ---------------------------------------- */

static void expect_bytes(const char *text, size_t n, const char *part) {
  Ctx *c = ctx_new(NULL, NULL);
  Attempt a = {c, text, n, PARSE_FILE, NULL, false};
  const char *got = outcome(&a);
  ck_assert_msg(strstr(got, part) != NULL, "expected %s in\n%s", part, got);
  ctx_free(c);
}

START_TEST(bytes) {
  expect_bytes("", 0, "(file)");
  expect_bytes("\n\n # nothing\n;;\n", 15, "(file)");
  expect_bytes("x = \0 1", 7, "byte 4 of the file is NUL");
  expect_bytes("x = 1 # \xff", 9, "byte 8 of the file (0xFF) is not UTF-8");
  expect_bytes("print \"\xc3(\"", 10, "byte 7 of the file (0xC3) is not UTF-8");
  expect_bytes("x = \xed\xa0\x80", 7, "byte 4 of the file (0xED) is not UTF-8");
  expect_bytes("\xef\xbb\xbfx = 1", 8, "(bind x 1)");
  expect_bytes("x = 1\r\ny = x +\r\n 2\r\n", 20, "(bind y (binary + x 2))");
  expect_bytes("print \"\xc3\xa9\" # \xc3\xa9", 14, "\xc3\xa9");
  expect_bytes("x = 1\ry = 2", 11, "t.gc:1:6: error: '\\x0d' cannot stand here");
}
END_TEST

/* ---- sizes ------------------------------------------------------------------------ */

static char *add(char *at, const char *part, size_t times) {
  size_t n = strlen(part);
  for (size_t k = 0; k < times; k++, at += n) memcpy(at, part, n);
  return at;
}

/* head, `part` times `n`, middle, `back` times `n`, tail. */
static void expect_large(const char *head, const char *part, const char *middle, const char *back,
                         const char *tail, size_t n, bool good) {
  size_t room = strlen(head) + strlen(middle) + strlen(tail) + n * (strlen(part) + strlen(back));
  char *text = malloc(room + 1), *at = text;
  at = add(at, head, 1);
  at = add(at, part, n);
  at = add(at, middle, 1);
  at = add(at, back, n);
  *add(at, tail, 1) = 0;
  Ctx *c = ctx_new(NULL, NULL);
  Attempt a = {c, text, strlen(text), PARSE_FILE, NULL, false};
  const char *got = outcome(&a);
  ck_assert_msg((a.tree != NULL) == good, "%s%s…: %.500s", head, part, got);
  ctx_free(c);
  free(text);
}

START_TEST(deep) {
  enum { N = 100000 };
  expect_large("x = ", "(", "1", ")", "\n", N, true);
  expect_large("x = ", "[", "1", "]", "\n", N, true);
  expect_large("x = ", "{", "1", "}", "\n", N, true);
  expect_large("x = ", "{ a = ", "1", "; a }", "\n", N, true);
  expect_large("x = ", "f(", "1", ")", "\n", N, true);
  expect_large("x = ", "-", "1", "", "\n", N, true);
  expect_large("assert ", "not ", "a", "", "\n", N, true);
  expect_large("x = ", "if a then b else ", "1", "", "\n", N, true);
  expect_large("x = ", "if ", "a", " then b else c", "\n", N, true);
  expect_large("x = ", "y -> ", "1", "", "\n", N, true);
  expect_large("x = ", "2^", "1", "", "\n", N, true);
  expect_large("x = A", "[0]", "", "", "\n", N, true);
  expect_large("x = A", " with [0] = 1", "", "", "\n", N, true);
  expect_large("", "(", "a", ", b)", " = c\n", N, true);
  expect_large("x = ", "fold s = ", "1", " for t < 2 { s }", "\n", N, true);
  expect_large("input x: ", "(", "real", ", real)", "\n", N, true);
  expect_large("x = ", "(", "1", "", "\n", N, false);
  expect_large("x = ", "[(", "1", "]", "\n", N, false);
}
END_TEST

START_TEST(long_programs) {
  expect_large("y = x", " + x", "", "", "\n", 1000000, true);
  expect_large("", "a = 1\n", "", "", "", 100000, true);
  expect_large("x = [0", ", 1.5", "", "", "]\n", 200000, true);
  expect_large("print \"", "0123456789\\t", "", "", "\"\n", 100000, true);
  expect_large("print \"", "{x:.3f}", "", "", "\"\n", 50000, true);
  expect_large("x = 0.", "0123456789", "", "", "\n", 100000, true);
  expect_large("x = ", "0123456789", "", "", "\n", 100000, false);
  expect_large("y = 1", "         \t", "", "", "z\n", 100000, false);
  expect_large("# ", "0123456789", "", "", "\nx = 1", 100000, true);
}
END_TEST

/* ---- memory ----------------------------------------------------------------------- */

static const char sample[] = "f(x: real[n]) = fold (a, b) = (x, 1.5e3) for t < n {\n"
                             "  c = a with [t] = if x[t] > 0 then -b^2 else sum(x)\n"
                             "  trace \"c={c:.3f}\"\n"
                             "  (c, b)\n"
                             "}\n";

/* Wherever memory ends, the parse raises and nothing is left behind. */
START_TEST(out_of_memory) {
  int refused = 0;
  for (uint64_t more = 0; more < 40000; more += 97) {
    Ctx *c = ctx_new(NULL, NULL);
    c->limits.memory = arena_used(c) + more;
    Attempt a = {c, sample, strlen(sample), PARSE_FILE, NULL, false};
    Status status = ctx_try(c, run_parse, &a);
    ck_assert(status == GC_OK || status == GC_LIMIT || status == GC_NOMEM);
    refused += status != GC_OK;
    ctx_free(c);
  }
  ck_assert_int_gt(refused, 3);
}
END_TEST

static Suite *suite(void) {
  Suite *s = suite_create("parser");
  TCase *t = tcase_create("syntax");
  tcase_set_timeout(t, 300);
  TCase *d = tcase_create("data");
  tcase_set_tags(d, "data");
  tcase_set_timeout(d, 300);
  tcase_add_test(d, data_files);
  suite_add_tcase(s, d);
  tcase_add_test(t, bytes);
  tcase_add_test(t, deep);
  tcase_add_test(t, long_programs);
  tcase_add_test(t, out_of_memory);
  suite_add_tcase(s, t);
  return s;
}

int main(void) {
  SRunner *runner = srunner_create(suite());
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
