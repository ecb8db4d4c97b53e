/* compile_time.c - how long and how much memory the compiler takes.
 *
 *   compile_time latency   from text to a callable gradient, for one-line programs
 *   compile_time growth    differentiating programs of 10^3 … 10^6 operations
 *
 * Medians of RUNS runs, in time of the processor; memory is the most that a context's
 * arena had given out at any time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "elaborate/elaborate.h"
#include "jit/jit.h"
#include "optimize/optimize.h"

enum { RUNS = 15 };

typedef struct Work {
  Ctx *c;
  const char *text;
  bool compile;       /* to machine code, or only to optimized IR */
} Work;

static void gradient(void *arg) {
  Work *w = arg;
  Ctx *c = w->c;
  Module *m = module_new(c);
  uint32_t file = source_add(c, "bench", w->text, strlen(w->text));
  module_add(m, parse(c, file, PARSE_FILE, NULL), false);
  const char *wrt[] = {intern_z(c, "x")};
  Request q = {.function = intern_z(c, "h"), .kind = DERIV_GRAD, .wrt = wrt, .nwrt = 1};
  Prog *p = elaborate_function(m, &q);
  if (!w->compile) return;
  jit_free(jit_tcc(optimize(p, NULL), false));
}

/* One run: seconds, and the most bytes of arena. */
static double once(const char *text, bool compile, size_t *bytes) {
  double t = now();
  Ctx *c = ctx_new(NULL, NULL);
  Work w = {c, text, compile};
  if (!c || ctx_try(c, gradient, &w) != GC_OK) {
    fprintf(stderr, "compile_time: a program does not compile: %.60s\n", text);
    exit(1);
  }
  *bytes = arena_peak(c);
  ctx_free(c);
  return now() - t;
}

/* A program of about a hundred lines: ten layers of arrays, reductions, folds and choices. */
static char *hundred_lines(void) {
  char *s = malloc(1 << 14), *at = s;
  if (!s) exit(1);
  for (int k = 0; k < 10; k++)
    at += sprintf(at,
      "layer%d(a: real[n], w: real[n, n]): real[n] = {\n"
      "  s = w @ a\n"
      "  m = max(s)\n"
      "  e = [exp(v - m) for v in s]\n"
      "  p = [v/sum(e) for v in e]\n"
      "  t = fold t = 0.5 for i < n { tanh(t*p[i] + %d/7) }\n"
      "  g = if t > 0.25 then [t*v^2 for v in p] else [v*sin(t) for v in p]\n"
      "  h = [sum(g[j]*a[j] for j < i) + g[i] for i < n]\n"
      "  h + a\n}\n", k, k);
  at += sprintf(at, "h(x: real[n], w: real[n, n]): real = {\n  a0 = x\n");
  for (int k = 0; k < 10; k++) at += sprintf(at, "  a%d = layer%d(a%d, w)\n", k + 1, k, k);
  sprintf(at, "  sum(a10^2)\n}\n");
  return s;
}

static void latency(void) {
  static const char *const program[][2] = {
    {"f + g - stop(g), scalar", "h(x: real) = x^2 + x^3 - stop_gradient(x^3)\n"},
    {"stop(2f) - f, scalar", "h(x: real) = stop_gradient(2*x^2) - x^2\n"},
    {"f + g - stop(g), array", "h(x: real[n]) = sum(x^2 + x^3 - stop_gradient(x^3))\n"},
    {"hard sign, own rule", "s(x) = if x > 0 then 1 else -1\ncustom_gradient s(x; up) = up*sigmoid(x)*(1 - sigmoid(x))\n"
                            "h(x: real) = 0.5*(s(x) + 1)^2\n"},
    {"matrix product, reversed", "h(x: real[m, n], w: real[n, k]) = sum(grad_reverse(x @ w))\n"},
  };
  puts("text to callable gradient (libtcc)          median ms");
  for (size_t k = 0; k < sizeof program / sizeof *program; k++) {
    double t[RUNS];
    size_t bytes;
    for (int i = 0; i < RUNS; i++) t[i] = once(program[k][1], true, &bytes);
    printf("%-42s %10.3f\n", program[k][0], 1e3 * median(t, RUNS));
  }
  char *text = hundred_lines();
  double t[RUNS];
  size_t bytes;
  for (int i = 0; i < RUNS; i++) t[i] = once(text, true, &bytes);
  printf("%-42s %10.3f\n", "a program of 113 lines", 1e3 * median(t, RUNS));
  free(text);
}

/* ---- long programs ------------------------------------------------------------------- */

/* Programs of about n operations; h is differentiated with respect to x. */
static char *put_lines(char *at, const char *line, int n) {
  for (int k = 1; k <= n; k++) at += sprintf(at, line, k, k - 1, k);
  return at;
}

/* y = sin(y)*x, each needed by the next. */
static void chain(char *at, int n) {
  at += sprintf(at, "h(x: real) = {\n y0 = x\n");
  at = put_lines(at, "y%d=sin(y%d)*x\n", n / 2);
  sprintf(at, "y%d }\n", n / 2);
}

static void steps(char *at, int n) {
  at += sprintf(at, "h(x: real) = fold s = x for t < 10 {\n y0 = s\n");
  at = put_lines(at, "y%d=sin(y%d)*x\n", n / 2);
  sprintf(at, "y%d }\n", n / 2);
}

static void parentheses(char *at, int n) {
  at += sprintf(at, "h(x: real) = ");
  for (int k = 0; k < n; k++) *at++ = '(';
  *at++ = 'x';
  for (int k = 0; k < n; k++) at += sprintf(at, "*x)");
  sprintf(at, "\n");
}

static void one_line(char *at, int n) {
  at += sprintf(at, "h(x: real) = x");
  for (int k = 0; k < n / 3; k++) at += sprintf(at, " + x*sin(x + %d)", k);
  sprintf(at, "\n");
}

static void functions(char *at, int n) {
  for (int k = 1; k <= n / 2; k++) at += sprintf(at, "f%d(x) = sin(x)*%d\n", k, k);
  at += sprintf(at, "h(x: real) = x");
  for (int k = 1; k <= n / 2; k++) at += sprintf(at, " + f%d(x)", k);
  sprintf(at, "\n");
}

static void literal(char *at, int n) {
  at += sprintf(at, "h(x: real) = {\n a = [0.5");
  for (int k = 1; k < n; k++) at += sprintf(at, ", %d.5", k);
  sprintf(at, "]\n sum([sin(x*v) for v in a]) }\n");
}

static void loops(char *at, int n) {
  at += sprintf(at, "h(x: real[n]) = {\n y0 = x\n");
  at = put_lines(at, "y%d=[sin(v) for v in y%d]\n", n / 10);
  sprintf(at, "sum(y%d) }\n", n / 10);
}

static void choices(char *at, int n) {
  at += sprintf(at, "h(x: real) = {\n y0 = x\n");
  at = put_lines(at, "y%1$d=if y%2$d > 0.%1$d then sin(y%2$d) else y%2$d*x\n", n / 10);
  sprintf(at, "y%d }\n", n / 10);
}

/* So many operations of one kind: seconds and MiB. */
static double try_long(void (*text_of)(char *at, int n), int n, double *mib) {
  char *text = malloc((size_t)n * 24 + 128);
  double t[5];
  size_t bytes = 0;
  if (!text) exit(1);
  text_of(text, n);
  int runs = n < 1000000 ? 5 : 1;
  for (int i = 0; i < runs; i++) t[i] = once(text, false, &bytes);
  free(text);
  *mib = (double)bytes / 1048576;
  return median(t, runs);
}

static void growth(const char *name, void (*text_of)(char *at, int n), int most) {
  double before_t = 0, before_m = 0, mib;
  for (int n = 1000; n <= most; n *= 10) {
    double seconds = try_long(text_of, n, &mib);
    printf("%-25s %9d %10.4f", n == 1000 ? name : "", n, seconds);
    if (before_t > 0) printf(" %8.1f %8.1f %8.1f\n", seconds / before_t, mib, mib / before_m);
    else printf(" %8s %8.1f\n", "", mib);
    before_t = seconds;
    before_m = mib;
  }
}

static void long_programs(void) {
  puts("\ndifferentiated           operations    seconds   growth      MiB   growth");
  growth("chain", chain, 1000000);
  growth("body of a fold", steps, 100000);
  growth("parentheses", parentheses, 100000);
  growth("one line", one_line, 100000);
  growth("functions", functions, 100000);
  growth("array constant", literal, 100000);
  growth("loops", loops, 10000);
  growth("choices", choices, 10000);
}

int main(int argc, char **argv) {
  bool all = argc < 2;
  if (all || !strcmp(argv[1], "latency")) latency();
  if (all || !strcmp(argv[1], "growth")) long_programs();
  return 0;
}
