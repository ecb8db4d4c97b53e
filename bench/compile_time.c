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

/* ---- programs of about a hundred lines ----------------------------------------------- */

typedef void TextOf(char *at, int n);

/* Steps that mention their own number, %1$d, and the next, %2$d. */
static char *put_steps(char *at, const char *step, int n) {
  for (int k = 0; k < n; k++) at += sprintf(at, step, k, k + 1);
  return at;
}

/* Layers of arrays, reductions, folds and choices. */
static void layers(char *at, int n) {
  for (int k = 0; k < n; k++)
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
  for (int k = 0; k < n; k++) at += sprintf(at, "  a%d = layer%d(a%d, w)\n", k + 1, k, k);
  sprintf(at, "  sum(a%d^2)\n}\n", n);
}

static void scalars(char *at, int n) {
  static const char *const line[] = {
    "  y%1$d = sin(y%2$d)*x\n", "  y%1$d = exp(-y%2$d^2) + x\n", "  y%1$d = y%2$d/(1 + x^2)\n",
    "  y%1$d = tanh(y%2$d + x)\n", "  y%1$d = sqrt(1 + y%2$d^2) - x\n",
  };
  at += sprintf(at, "h(x: real) = {\n  y0 = x\n");
  for (int k = 0; k < n; k++) at += sprintf(at, line[k % 5], k + 1, k);
  sprintf(at, "  y%d\n}\n", n);
}

/* Layers with normalization, a gate and a bypass. */
static void network(char *at, int n) {
  at += sprintf(at, "h(x: real[n], w: real[%d, n, n], b: real[%d, n]) = {\n  a0 = x\n", n, n);
  at = put_steps(at,
    "  z%1$d = w[%1$d] @ a%1$d + b[%1$d]\n"
    "  m%1$d = sum(z%1$d)/n\n"
    "  v%1$d = sum((z%1$d - m%1$d)^2)/n\n"
    "  q%1$d = (z%1$d - m%1$d)/sqrt(v%1$d + 1e-5)\n"
    "  r%1$d = relu(q%1$d)*0.9\n"
    "  g%1$d = sigmoid(r%1$d)\n"
    "  a%2$d = r%1$d*g%1$d + a%1$d\n", n);
  sprintf(at, "  sum(a%d^2)\n}\n", n);
}

/* Steps of a filter whose gain is a vector. */
static void filter(char *at, int n) {
  at += sprintf(at, "h(x: real[n], f: real[n, n], q: real[n, n], z: real[%d, n]) = {\n", n);
  at += sprintf(at, "  x0 = x\n  p0 = q\n");
  at = put_steps(at,
    "  y%1$d = f @ x%1$d\n"
    "  r%1$d = f @ p%1$d @ transpose(f) + q\n"
    "  e%1$d = z[%1$d] - y%1$d\n"
    "  s%1$d = sum([r%1$d[i, i] for i < n]) + 1\n"
    "  g%1$d = [sum(r%1$d[i, j] for j < n)/s%1$d for i < n]\n"
    "  x%2$d = y%1$d + g%1$d*sum(e%1$d)\n"
    "  p%2$d = [[r%1$d[i, j] - g%1$d[i]*s%1$d*g%1$d[j] for j < n] for i < n]\n"
    "  l%2$d = sum(e%1$d^2)/s%1$d + log(s%1$d)\n", n);
  at += sprintf(at, "  l1");
  for (int k = 2; k <= n; k++) at += sprintf(at, " + l%d", k);
  sprintf(at, "\n}\n");
}

/* Controls of the gradient, one after another. */
static void controls(char *at, int n) {
  static const char *const line[] = {
    "  y%1$d = [sgn(v)*v for v in y%2$d]\n", "  y%1$d = y%2$d + stop_gradient(y%2$d^2)\n",
    "  y%1$d = grad_reverse(y%2$d, 0.5)*2\n", "  y%1$d = grad_clip(y%2$d, -1, 1) + x\n",
    "  y%1$d = straight_through([round(v) for v in y%2$d], y%2$d)\n",
  };
  at += sprintf(at, "sgn(x) = if x > 0 then 1 else -1\n"
                    "custom_gradient sgn(x; up) = up*sigmoid(x)*(1 - sigmoid(x))\n"
                    "h(x: real[n]) = {\n  y0 = x\n");
  for (int k = 0; k < n; k++) at += sprintf(at, line[k % 5], k + 1, k);
  sprintf(at, "  sum(y%d*x)\n}\n", n);
}

static void time_text(const char *name, const char *text) {
  double t[RUNS];
  size_t bytes;
  for (int i = 0; i < RUNS; i++) t[i] = once(text, true, &bytes);
  printf("%-42s %10.3f\n", name, 1e3 * median(t, RUNS));
}

static void time_maker(const char *name, TextOf *text_of, int n) {
  char *text = malloc(1 << 14);
  if (!text) exit(1);
  text_of(text, n);
  time_text(name, text);
  free(text);
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
  for (size_t k = 0; k < sizeof program / sizeof *program; k++)
    time_text(program[k][0], program[k][1]);
  time_maker("a program of 113 lines", layers, 10);
  time_maker("a hundred lines of scalars", scalars, 98);
  time_maker("a network of 12 layers, 87 lines", network, 12);
  time_maker("a filter of 12 steps, 101 lines", filter, 12);
  time_maker("controls of the gradient, 100 lines", controls, 94);
}

/* ---- long programs ------------------------------------------------------------------- */

/* Programs of about n operations; h is differentiated with respect to x. */
static char *put_lines(char *at, const char *line, int n) {
  for (int k = 1; k <= n; k++) at += sprintf(at, line, k, k - 1, k);
  return at;
}

/* y = sin(y)*x, each needed by the next. */
static void chain_from(char *at, const char *head, int n) {
  at += sprintf(at, "%s", head);
  at = put_lines(at, "y%d=sin(y%d)*x\n", n / 2);
  sprintf(at, "y%d }\n", n / 2);
}

static void chain(char *at, int n) { chain_from(at, "h(x: real) = {\n y0 = x\n", n); }

static void steps(char *at, int n) {
  chain_from(at, "h(x: real) = fold s = x for t < 10 {\n y0 = s\n", n);
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
static double try_long(TextOf *text_of, int n, double *mib) {
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

static void growth(const char *name, TextOf *text_of, int most) {
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
