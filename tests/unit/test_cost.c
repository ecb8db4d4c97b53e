/* test_cost.c - what derivatives cost, counted: the scalar operations that the optimized
 * program executes, and the nodes that the passes make.
 *
 * A count is a walk over the final program: every primitive on reals, and every element
 * that a reduction or an accumulator takes in, is one; a loop's body counts as often as it
 * runs; of an if the dearer branch counts.  Work on ints (subscripts) is left out.  Where
 * it matters that no array is copied, every element that a loop or a fill writes counts too.
 *
 *   test_cost [-v]     shows every count */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elaborate/elaborate.h"
#include "optimize/optimize.h"

static uint64_t passed, failed;
static bool verbose;

static void check(bool good, const char *name, const char *what, double got, double bound) {
  if (good) passed++;
  else failed++;
  if (!good || verbose)
    printf("%s %s: %s is %.4g (at most %.4g)\n", good ? "  " : "FAIL", name, what, got, bound);
}

/* ---- counting ------------------------------------------------------------------------- */

typedef struct Count { const Prog *p; const int64_t *size; bool writes; } Count;

/* The value of an int node: sizes are given, and only they and constants may bound loops. */
static double int_value(const Count *c, Ref r) {
  const Node *n = ir_node(c->p, r);
  double a[3] = {0};
  if (n->op == IR_CONST) return (double)n->aux.i;
  if (n->op == IR_PARAM && n->region == c->p->root->id) return (double)c->size[n->aux.i];
  for (uint32_t k = 0; k < n->nargs && k < 3; k++) a[k] = int_value(c, n->arg[k]);
  if (n->op == IR_PRIM && n->aux.i == P_ADD) return a[0] + a[1];
  if (n->op == IR_PRIM && n->aux.i == P_SUB) return a[0] - a[1];
  if (n->op == IR_PRIM && n->aux.i == P_MUL) return a[0]*a[1];
  internal_error(c->p->ctx, "a bound that cannot be counted: %%%u", r);
}

static double elements(const Count *c, const Type *t) {
  double n = 1;
  int64_t size;
  for (uint32_t k = 0; k < t->rank; k++) {
    if (size_is_const(t->dim[k], &size)) n *= (double)size;
    else n *= int_value(c, size_node((Prog *)c->p, t->dim[k]));
  }
  return n;
}

static double region_cost(const Count *c, const Region *r);

static double loop_cost(const Count *c, const Node *n) {
  double times = 1, each = region_cost(c, n->regions[0]);
  for (uint32_t k = 0; k < (n->op == IR_FOLD ? 1 : n->nargs); k++) times *= int_value(c, n->arg[k]);
  for (uint32_t k = 0; k < n->aux.loop->nout; k++)
    each += n->aux.loop->comb[k] != BUILD || c->writes;
  return times*each;
}

static double node_cost(const Count *c, const Node *n) {
  double a, b;
  switch (n->op) {
  case IR_PRIM: return ir_type(c->p, n->arg[n->nargs - 1])->elem == ELEM_REAL;
  case IR_UPD: return elements(c, ir_type(c->p, n->arg[1]));
  case IR_LOOP: case IR_FOLD: return loop_cost(c, n);
  case IR_WHILE:
    return int_value(c, n->arg[0])*(region_cost(c, n->regions[0]) + region_cost(c, n->regions[1]));
  case IR_IF:
    a = region_cost(c, n->regions[0]);
    b = region_cost(c, n->regions[1]);
    return a > b ? a : b;
  case IR_ACCUM: return region_cost(c, n->regions[0]);
  case IR_FILL: case IR_STACK: return c->writes ? elements(c, n->type) : 0;
  case IR_WITH: return c->writes ? elements(c, ir_type(c->p, n->arg[1])) : 0;
  default: return 0;
  }
}

static double region_cost(const Count *c, const Region *r) {
  double sum = 0;
  for (uint32_t k = 0; k < r->nodes.n; k++) sum += node_cost(c, ir_node(c->p, r->nodes.at[k]));
  return sum;
}

/* ---- measuring ------------------------------------------------------------------------ */

/* One function of one text. */
typedef struct Job {
  Ctx *c;
  const char *text, *function;
  DerivKind kind;
  const int64_t *size;    /* values of the root's int parameters */
  double cost, writes;    /* operations executed; with elements written */
  double nodes, final;    /* nodes made by elaboration, and in the optimized program */
  double memory;          /* bytes, the most at any time */
} Job;

static void measure(void *arg) {
  Job *j = arg;
  const char *wrt[] = {"x"};
  Request q = {.function = j->function, .kind = j->kind, .wrt = wrt, .nwrt = j->kind != DERIV_VALUE};
  Module *m = module_new(j->c);
  module_add(m, parse(j->c, source_add(j->c, "cost.gc", j->text, strlen(j->text)), PARSE_FILE, NULL),
             false);
  Prog *p = elaborate_function(m, &q);
  j->nodes = p->nnodes;
  p = optimize(p, NULL);
  j->final = p->nnodes;
  j->cost = region_cost(&(Count){p, j->size, false}, p->root);
  j->writes = region_cost(&(Count){p, j->size, true}, p->root);
  j->memory = (double)arena_peak(j->c);
}

static Job run(const char *text, const char *function, DerivKind kind, const int64_t *size) {
  Job j = {.c = ctx_new(NULL, NULL), .text = text, .function = function, .kind = kind, .size = size};
  if (!j.c) abort();
  if (ctx_try(j.c, measure, &j) != GC_OK) {
    printf("FAIL %s: %s\n%s\n", function, diag_count(j.c) ? diag_get(j.c, 0)->text : "", text);
    failed++;
  }
  ctx_free(j.c);
  return j;
}

/* ---- straight-line code ---------------------------------------------------------------- */

/* A program of `n` statements over 8 inputs, by `seed`; its one input is an array, whose
 * gradient has 8 elements. */
static char *straight_line(uint32_t n, uint64_t seed, const char *const *forms, uint32_t nforms) {
  char *text = malloc(400 + 64*(size_t)n), *at = text;
  if (!text) abort();
  at += sprintf(at, "f(x: real[8]): real = {\n");
  for (int k = 0; k < 8; k++) at += sprintf(at, "  a%d = x[%d]\n", k, k);
  for (uint32_t k = 8; k < n + 8; k++) {
    uint32_t from[2];
    seed = seed*6364136223846793005u + 1442695040888963407u;
    const char *form = forms[(seed >> 33) % nforms];
    /* The one before, so that nothing is dead, and one of those near. */
    from[0] = k - 1;
    from[1] = k - 1 - (uint32_t)(seed >> 40) % 8;
    at += sprintf(at, "  a%u = ", k);
    for (const char *p = form; *p; p++)
      if (*p == 'P' || *p == 'Q') at += sprintf(at, "a%u", from[*p == 'Q']);
      else *at++ = *p;
    *at++ = '\n';
  }
  sprintf(at, "  a%u\n}\n", n + 7);
  return text;
}

static const char *const products[] = {"P*Q", "P*Q", "P + Q", "P - Q"};
static const char *const mixed[] = {"P*Q", "P + Q", "P/Q", "sin(P)", "exp(P)*Q", "tanh(P)", "sqrt(P)",
                                    "P^2", "log(P) - Q", "max(P, Q)"};
static const char *const speelpenning =
  "f(x: real[8]): real = x[0]*x[1]*x[2]*x[3]*x[4]*x[5]*x[6]*x[7]\n";
static const char *const rosenbrock =
  "g(a, b) = 100*(b - a^2)^2 + (1 - a)^2\n"
  "f(x: real[8]): real =\n"
  "  g(x[0], x[1]) + g(x[1], x[2]) + g(x[2], x[3]) + g(x[3], x[4]) + g(x[4], x[5]) + g(x[5], x[6])\n";

/* Four: a product of two is one operation forwards; backwards two products, and one
 * addition since every value but one is used twice.  Everything else that has two operands
 * costs less, and what has one needs at most its partial, a product, and (tanh) a
 * square. */
static void try_straight(const char *name, const char *text) {
  double value = run(text, "f", DERIV_VALUE, NULL).cost, gradient = run(text, "f", DERIV_GRAD, NULL).cost;
  check(value > 0 && gradient <= 4*value, name, "gradient / function", gradient/value, 4);
}

static void straight_code(void) {
  try_straight("Speelpenning's product", speelpenning);
  try_straight("Rosenbrock's function", rosenbrock);
  for (uint64_t seed = 1; seed <= 5; seed++) {
    char *text = straight_line(200, seed, products, 4);
    try_straight("sums and products", text);
    free(text);
    text = straight_line(200, seed, mixed, 10);
    try_straight("functions", text);
    free(text);
  }
}

/* ---- nests ------------------------------------------------------------------------------ */

/* The derivatives of f of orders 1 to 3, along a fixed direction but for the last. */
static const char orders[] =
  "d1(x: real[n]): real[n] = grad(f(x), x)\n"
  "d2(x: real[n], v: real[n]): real[n] = grad(dot(grad(f(x), x), v), x)\n"
  "d3(x: real[n], v: real[n]): real[n] = grad(dot(grad(dot(grad(f(x), x), v), x), v), x)\n";

/* Sums in sums, each used by a function that is not linear; all indices reach the innermost. */
static void put_sums(Buf *b, int depth) {
  buf_puts(b, "f(x: real[n]): real = { s0 = 0.5; ");
  for (int k = 1; k <= depth; k++)
    buf_printf(b, "tanh(sum({ s%d = s%d*x[i%d]; sin(s%d)%s", k, k - 1, k, k, k < depth ? "*" : "");
  for (int k = depth; k >= 1; k--) buf_printf(b, " } for i%d < n))", k);
  buf_puts(b, " }\n");
}

/* Comprehensions in comprehensions, summed up one axis after the other. */
static void put_arrays(Buf *b, int depth) {
  buf_puts(b, "f(x: real[n]): real = {\n  y0 = 0.5\n");
  for (int k = 1; k <= depth; k++) {
    buf_printf(b, "  y%d = [", k);
    buf_printf(b, "sin(x[i%d]*y%d", k, k - 1);
    for (int j = 1; j < k; j++) buf_printf(b, "%si%d%s", j == 1 ? "[" : ", ", j, j == k - 1 ? "]" : "");
    buf_puts(b, ")");
    for (int j = 1; j <= k; j++) buf_printf(b, "%s i%d < n", j == 1 ? " for" : ",", j);
    buf_puts(b, "]\n");
  }
  buf_printf(b, "  sum(y%d^2)\n}\n", depth);
}

/* Folds in folds. */
static void put_folds(Buf *b, int depth) {
  buf_puts(b, "f(x: real[n]): real = { s0 = 0.5; ");
  for (int k = 1; k <= depth; k++)
    buf_printf(b, "fold s%d = s%d for t%d < n { ", k, k - 1, k);
  buf_printf(b, "sin(s%d*x[t%d])", depth, depth);
  for (int k = depth; k >= 1; k--) buf_puts(b, k > 1 ? " + 0.1*x[t1] }" : " }");
  buf_puts(b, " }\n");
}

/* Layer after layer of a network with one matrix, made from x. */
static void put_layers(Buf *b, int depth) {
  buf_puts(b, "f(x: real[n]): real = {\n  y0 = x\n");
  for (int k = 1; k <= depth; k++)
    buf_printf(b, "  y%d = [tanh(sum(x[i]*x[j]*y%d[j] for j < n)) for i < n]\n", k, k - 1);
  buf_printf(b, "  sum(y%d)\n}\n", depth);
}

/* How much dearer than the function may the derivative be?  By this factor for each order:
 * `base`, and `level` more for each level of the nest.
 *
 * Where every level's results are arrays or are read by the next one, they are stored, and
 * the factor is that of straight-line code whatever the depth.  A fold keeps its states but not
 * what an inner fold does in between: that is run again once for each fold around it, so
 * each level adds one.  Sums in sums keep the sums that storing pays for, about half of
 * the levels. */
typedef struct Nest { const char *name; void (*put)(Buf *b, int depth); double base, level; } Nest;

static const Nest nests[] = {
  {"sums in sums", put_sums, 3, 0.5},
  {"arrays of arrays", put_arrays, 3.5, 0},
  {"folds in folds", put_folds, 3, 1},
  {"layers", put_layers, 4, 0},
};

static void try_nest(const Nest *nest, int depth) {
  static const int64_t size[] = {6};
  static const char *const functions[] = {"d1", "d2", "d3"};
  Ctx *c = ctx_new(NULL, NULL);
  if (!c) abort();
  Buf b;
  buf_init(&b, c);
  nest->put(&b, depth);
  buf_puts(&b, orders);
  double value = run(buf_text(&b), "f", DERIV_VALUE, size).cost, bound = 1;
  for (int k = 0; k < 3; k++) {
    bound *= nest->base + nest->level*depth;
    double cost = run(buf_text(&b), functions[k], DERIV_VALUE, size).cost;
    const char *name = str_printf(c, "%s, depth %d, order %d", nest->name, depth, k + 1);
    check(value > 0 && cost <= bound*value, name, "derivative / function", cost/value, bound);
  }
  ctx_free(c);
}

/* ---- one element at a time ------------------------------------------------------------ */

/* Twice as many steps on an array twice as long are twice the work where each step touches
 * a few elements: a copy of the array in each would make it four times. */
static const struct { const char *name, *text; } in_place[] = {
  {"a recurrence", "f(x: real[n]): real = { A = fold A = x for i in 1..n { A with [i] = A[i]*sin(A[i - 1]) }; sum(A^2) }\n"},
  {"two at a time", "f(x: real[n]): real = { A = fold A = x for i in 1..n { A with [i] = A[i - 1]*A[i] with [0] = sin(A[i]) }; sum(A^2) }\n"},
  {"every other one", "f(x: real[n]): real = { (A, s) = fold (A, s) = (x, 0.5) for i < n { (A with [i] = s*A[i], s + A[i]) }; s*sum(A) }\n"},
};

static void try_in_place(void) {
  static const int64_t once[] = {200}, twice[] = {400};
  static const char *const functions[] = {"f", "d1", "d2"};
  char text[1000], name[80];
  for (size_t k = 0; k < sizeof in_place / sizeof *in_place; k++)
    for (int order = 0; order < 3; order++) {
      snprintf(text, sizeof text, "%s%s", in_place[k].text, orders);
      double a = run(text, functions[order], DERIV_VALUE, once).writes;
      double b = run(text, functions[order], DERIV_VALUE, twice).writes;
      snprintf(name, sizeof name, "%s, order %d", in_place[k].name, order);
      check(a > 0 && b <= 2.05*a, name, "work for twice the steps", b/a, 2.05);
    }
}

/* ---- programs twice as long --------------------------------------------------------------- */

/* One chain of statements with the functions that ask for its derivatives. */
static char *long_text(const char *kind, uint32_t n) {
  char *text;
  if (!strcmp(kind, "statements")) text = straight_line(n, 3, mixed, 10);
  else {
    char *at = text = malloc(400 + 160*(size_t)n);
    if (!text) abort();
    at += sprintf(at, "f(x: real[8]): real = {\n  a0 = x\n");
    for (uint32_t k = 1; k <= n; k++) {
      if (!strcmp(kind, "loops"))
        at += sprintf(at, "  a%u = [sin(a%u[i]*x[%u]) for i < 8]\n", k, k - 1, k % 8);
      else if (!strcmp(kind, "sums"))
        at += sprintf(at, "  a%u = a%u*tanh(sum(a%u*x))\n", k, k - 1, k - 1);
      else if (!strcmp(kind, "folds"))
        at += sprintf(at, "  a%u = fold s = a%u for t < 9 { sin(s)*x[%u] }\n", k, k - 1, k % 8);
      else
        at += sprintf(at, "  a%u = if x[%u] > %u then sin(a%u) else a%u*x\n", k, k % 8, k, k - 1, k - 1);
    }
    sprintf(at, "  sum(a%u)\n}\n", n);
  }
  return text;
}

static const char second[] = "d2(x: real[8], v: real[8]): real[8] = grad(dot(grad(f(x), x), v), x)\n";

/* Twice the program, twice the nodes and twice the memory; a tenth for what grows by
 * doubling. */
static void try_long(const char *kind, const char *function, DerivKind kind_of, uint32_t n) {
  Job job[2];
  char name[80];
  for (int k = 0; k < 2; k++) {
    char *text = long_text(kind, k ? 2*n : n);
    char *both = malloc(strlen(text) + sizeof second);
    if (!both) abort();
    sprintf(both, "%s%s", text, second);
    job[k] = run(both, function, kind_of, NULL);
    free(text);
    free(both);
  }
  snprintf(name, sizeof name, "%u and %u %s, %s", n, 2*n, kind,
           kind_of == DERIV_GRAD ? "gradient" : "second order");
  check(job[1].nodes <= 2.1*job[0].nodes, name, "nodes elaborated", job[1].nodes/job[0].nodes, 2.1);
  check(job[1].final <= 2.1*job[0].final, name, "nodes at the end", job[1].final/job[0].final, 2.1);
  check(job[1].memory <= 2.4*job[0].memory, name, "memory", job[1].memory/job[0].memory, 2.4);
}

static void long_programs(void) {
  static const struct { const char *kind; uint32_t n; } programs[] = {
    {"statements", 1000}, {"loops", 40}, {"sums", 40}, {"folds", 30}, {"branches", 30},
  };
  for (size_t k = 0; k < sizeof programs / sizeof *programs; k++) {
    try_long(programs[k].kind, "f", DERIV_GRAD, programs[k].n);
    try_long(programs[k].kind, "d2", DERIV_VALUE, programs[k].n);
  }
}

/* Under the address sanitizer every piece of an arena has a guard behind it. */
#if defined(__SANITIZE_ADDRESS__)
enum { STATEMENT_BYTES = 4500 };
#else
enum { STATEMENT_BYTES = 4100 };
#endif

/* What a long program takes for each of its statements: values that nothing needs in an
 * order of their own ("wide"), and a chain.  Arena bytes and nodes, parsing included. */
static void try_statements(const char *name, const char *form, uint32_t n, double bytes) {
  char *text = malloc(100 + 40*(size_t)n), *at = text;
  if (!text) abort();
  at += sprintf(at, "f(x: real): real = {\n  y0 = x\n");
  for (uint32_t k = 1; k <= n; k++) at += sprintf(at, form, k, k - 1, k);
  sprintf(at, "  y%u\n}\n", n);
  Job j = run(text, "f", DERIV_GRAD, NULL);
  free(text);
  check(j.nodes <= 8.5*n, name, "nodes for each statement", j.nodes/n, 8.5);
  check(j.memory <= bytes*n, name, "bytes for each statement", j.memory/n, bytes);
}

int main(int argc, char **argv) {
  verbose = argc > 1 && !strcmp(argv[1], "-v");
  straight_code();
  for (size_t k = 0; k < sizeof nests / sizeof *nests; k++)
    for (int depth = 1; depth <= 5; depth++) try_nest(&nests[k], depth);
  try_in_place();
  long_programs();
  try_statements("a chain", "  y%u = sin(y%u)*x\n", 20000, STATEMENT_BYTES);
  try_statements("a sum", "  y%u = y%u + sin(x + %u)\n", 20000, STATEMENT_BYTES);
  printf("costs: %llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)failed);
  return failed != 0;
}
