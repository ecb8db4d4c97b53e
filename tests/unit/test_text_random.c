/* test_text_random.c - random programs compiled, and by the reference interpreter.
 *
 *   test_text_random [COUNT [SEED [show|cc|run]]]
 *
 * A program is text: a function of arrays whose sizes only the run knows, with comprehensions,
 * reductions, folds, branches, gathers and controls; its value, its gradient, and the gradient
 * along a direction by reverse and by forward mode are printed.  The program as elaborated, run by
 * the interpreter, prints the same as the optimized one compiled; and the two modes agree.  With
 * `cc` the system's compiler is used as well, and must print the same to the bit; with `show` the
 * texts are shown and nothing is run. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elaborate/elaborate.h"
#include "interpret/interpret.h"
#include "jit/jit.h"
#include "optimize/optimize.h"

enum { N, M, DIMS, VARS = 24, INDICES = 8, MOST_ELEMENTS = 64 * 64 };

typedef struct Var { const char *name; int rank, dim[2]; bool exact; } Var;
typedef struct Index { const char *name; int dim; } Index;

/* What is in scope, and the text so far. */
typedef struct Gen {
  Ctx *c;
  Buf out;
  uint64_t state;
  Var var[VARS];
  Index index[INDICES];
  int nvars, nindices, loops, names;
} Gen;

static const char *const size_name[DIMS] = {"n", "m"};

static int pick(Gen *g, int below) {
  g->state = g->state * 6364136223846793005u + 1442695040888963407u;
  return (int)((g->state >> 33) % (uint64_t)below);
}

static void put(Gen *g, const char *text) {
  buf_puts(&g->out, text);
}

static const char *new_name(Gen *g, const char *stem) {
  return str_printf(g->c, "%s%d", stem, ++g->names);
}

static void bind(Gen *g, const char *name, int rank, int dim0, int dim1) {
  if (g->nvars == VARS) g->nvars--;
  g->var[g->nvars++] = (Var){.name = name, .rank = rank, .dim = {dim0, dim1}};
}

/* ---- elements ------------------------------------------------------------------------ */

static const char *index_of(Gen *g, int dim) {
  int found[INDICES], n = 0;
  for (int k = 0; k < g->nindices; k++)
    if (g->index[k].dim == dim) found[n++] = k;
  return n ? g->index[found[pick(g, n)]].name : NULL;
}

/* An int that is a place along `dim`: mostly an index as it is. */
static void put_place(Gen *g, int dim) {
  const char *i = index_of(g, dim), *other = index_of(g, N), *n = size_name[dim];
  if (!i) {
    if (dim == M && other && pick(g, 2)) buf_printf(&g->out, "k[%s]", other);
    else put(g, pick(g, 2) ? "0" : "-1");
    return;
  }
  switch (pick(g, 14)) {
    case 0: buf_printf(&g->out, "(%s + %d) %% %s", i, 1 + pick(g, 3), n); break;
    case 1: buf_printf(&g->out, "%s - 1 - %s", n, i); break;
    case 2: buf_printf(&g->out, "(%s + %s - 1) %% %s", i, n, n); break;
    case 3:
      if (dim == M && other) buf_printf(&g->out, "k[%s]", other);
      else put(g, i);
      break;
    case 4: put(g, "0"); break;
    case 5: buf_printf(&g->out, "min(%s + %d, %s - 1)", i, 1 + pick(g, 3), n); break;
    case 6: buf_printf(&g->out, "max(%s - %d, 0)", i, 1 + pick(g, 3)); break;
    default: put(g, i);
  }
}

static void put_element(Gen *g, const Var *v) {
  put(g, v->name);
  for (int k = 0; k < v->rank; k++) {
    put(g, k ? ", " : "[");
    put_place(g, v->dim[k]);
  }
  if (v->rank) put(g, "]");
}

/* Later ones more often. */
static const Var *some_var(Gen *g) {
  int a = pick(g, g->nvars), b = pick(g, g->nvars);
  return &g->var[a > b ? a : b];
}

/* ---- scalars ------------------------------------------------------------------------- */

static void put_scalar(Gen *g, int depth);

static const char *open_index(Gen *g, int dim) {
  const char *name = new_name(g, "i");
  g->index[g->nindices++] = (Index){name, dim};
  g->loops++;
  return name;
}

static void close_index(Gen *g) {
  g->nindices--;
  g->loops--;
}

static void put_reduction(Gen *g, int depth) {
  static const char *const head[] = {"sum(", "mean(", "max(", "min(", "logsumexp(",
                                     "prod(1 + 0.1*tanh(", "sum(sin("};
  int kind = pick(g, 3) ? 0 : pick(g, 7), dim = pick(g, DIMS);
  const char *outer = pick(g, 4) ? NULL : index_of(g, dim);
  put(g, head[kind]);
  const char *i = open_index(g, dim);
  put_scalar(g, depth - 1);
  put(g, kind >= 5 ? ")" : "");
  if (outer && pick(g, 2)) buf_printf(&g->out, " for %s in %s..%s)", i, outer, size_name[dim]);
  else if (outer) buf_printf(&g->out, " for %s < %s + 1)", i, outer);
  else buf_printf(&g->out, " for %s < %s)", i, size_name[dim]);
  close_index(g);
}

/* A condition that rounding does not touch. */
static void put_condition(Gen *g) {
  int dim = pick(g, DIMS);
  const char *i = index_of(g, dim), *j = index_of(g, dim);
  const Var *v = &g->var[pick(g, 5)];   /* the parameters come first */
  switch (i ? pick(g, 4) : 3) {
    case 0: buf_printf(&g->out, "%s == 0", i); break;
    case 1: buf_printf(&g->out, "%s < %s", i, j == i ? "2" : j); break;
    case 2: buf_printf(&g->out, "%s < %s - 1", i, size_name[dim]); break;
    default: put_element(g, v), put(g, " > 0.25");
  }
}

static void put_branches(Gen *g, int depth) {
  put(g, "(if ");
  put_condition(g);
  put(g, " then ");
  put_scalar(g, depth - 1);
  put(g, " else ");
  put_scalar(g, depth - 1);
  put(g, ")");
}

static void put_fold(Gen *g, int depth) {
  const char *s = new_name(g, "s");
  Gen before = *g;
  buf_printf(&g->out, "(fold %s = ", s);
  put_scalar(g, depth - 1);
  const char *i = new_name(g, "i");
  int dim = pick(g, DIMS);
  if (pick(g, 2)) {
    buf_printf(&g->out, " for %s < 3 { tanh(", i);
    g->loops++;
  } else {
    buf_printf(&g->out, " for %s < %s { tanh(", i, size_name[dim]);
    g->index[g->nindices++] = (Index){i, dim};
    g->loops++;
  }
  bind(g, s, 0, 0, 0);
  put_scalar(g, depth - 1);
  buf_printf(&g->out, " + 0.5*%s) })", s);
  g->nvars = before.nvars, g->nindices = before.nindices, g->loops = before.loops;
  memcpy(g->var, before.var, sizeof g->var);
}

/* A derivative within: of a function of one of the values, at that value. */
static void put_inner(Gen *g, int depth) {
  const char *u = new_name(g, "u");
  Gen before = *g;
  buf_printf(&g->out, "({ %s = ", u);
  put_scalar(g, depth - 1);
  buf_printf(&g->out, "; grad(sin(%s)*", u);
  bind(g, u, 0, 0, 0);
  put_scalar(g, depth - 1);
  buf_printf(&g->out, ", %s) })", u);
  g->nvars = before.nvars;
  memcpy(g->var, before.var, sizeof g->var);
}

static void put_wrapped(Gen *g, int depth) {
  static const char *const wrap[][2] = {
    {"tanh(", ")"}, {"sin(", ")"}, {"exp(-(", ")^2)"}, {"1/(1 + (", ")^2)"},
    {"sqrt(1 + (", ")^2)"}, {"log(1 + (", ")^2)"}, {"sigmoid(", ")"}, {"abs(", ")"},
    {"-(", ")"}, {"stop_gradient(", ")"}, {"grad_reverse(", ", 0.5)"},
    {"grad_scale(", ", 2)"}, {"(", ")^2"}, {"relu(", ")"},
  };
  int k = pick(g, (int)(sizeof wrap / sizeof *wrap));
  put(g, wrap[k][0]);
  put_scalar(g, depth - 1);
  put(g, wrap[k][1]);
}

static void put_leaf(Gen *g) {
  if (pick(g, 6) == 0) buf_printf(&g->out, "%d.%d", pick(g, 2), pick(g, 10));
  else put_element(g, some_var(g));
}

static void put_scalar(Gen *g, int depth) {
  if (depth <= 0) {
    put_leaf(g);
    return;
  }
  int kind = pick(g, 20);
  if (kind < 8) {
    static const char *const op[] = {" + ", " - ", "*", "*"};
    put(g, "(");
    put_scalar(g, depth - 1);
    put(g, op[pick(g, 4)]);
    put_scalar(g, depth - 1);
    put(g, ")");
  } else if (kind < 12) put_wrapped(g, depth);
  else if (kind < 14 && g->loops < 3) put_reduction(g, depth);
  else if (kind == 14) put_branches(g, depth);
  else if (kind == 15 && g->loops < 2) put_fold(g, depth);
  else if (kind == 16 && g->loops < 2) put_inner(g, depth - 1);
  else put_leaf(g);
}

/* ---- statements ---------------------------------------------------------------------- */

static void put_vector(Gen *g, int dim, int depth) {
  const char *i = open_index(g, dim);
  put(g, "[");
  put_scalar(g, depth);
  buf_printf(&g->out, " for %s < %s]", i, size_name[dim]);
  close_index(g);
}

static void make_vector(Gen *g) {
  const char *name = new_name(g, "v");
  int dim = pick(g, DIMS);
  buf_printf(&g->out, "  %s = ", name);
  put_vector(g, dim, 3);
  bind(g, name, 1, dim, 0);
}

static void make_matrix(Gen *g) {
  const char *name = new_name(g, "B");
  int a = pick(g, DIMS), b = pick(g, DIMS);
  buf_printf(&g->out, "  %s = [", name);
  const char *i = open_index(g, a), *j = open_index(g, b);
  put_scalar(g, 2);
  buf_printf(&g->out, " for %s < %s, %s < %s]", i, size_name[a], j, size_name[b]);
  close_index(g);
  close_index(g);
  bind(g, name, 2, a, b);
}

static void make_scalar(Gen *g) {
  const char *name = new_name(g, "c");
  buf_printf(&g->out, "  %s = ", name);
  put_scalar(g, 3);
  bind(g, name, 0, 0, 0);
}

/* A fold or a scan over a whole array, or one that replaces an element a round. */
static void make_carried(Gen *g) {
  const char *name = new_name(g, "w"), *s = new_name(g, "s"), *t = new_name(g, "i");
  int dim = pick(g, DIMS), kind = pick(g, 3);
  Gen before = *g;
  buf_printf(&g->out, "  %s = %s %s = ", name, kind == 2 ? "scan" : "fold", s);
  if (kind == 2) put_scalar(g, 1);
  else put_vector(g, dim, 1);
  if (kind == 1) {
    buf_printf(&g->out, " for %s < 3 { ", t);
  } else {
    buf_printf(&g->out, " for %s < %s { ", t, size_name[dim]);
    g->index[g->nindices++] = (Index){t, dim};
  }
  g->loops++;
  bind(g, s, kind == 2 ? 0 : 1, dim, 0);
  if (kind == 0) buf_printf(&g->out, "%s with [%s] = tanh(", s, t);
  if (kind == 0) put_scalar(g, 2), put(g, ")");
  if (kind == 1) put_vector(g, dim, 2);
  if (kind == 2) put(g, "tanh("), put_scalar(g, 2), buf_printf(&g->out, " + %s)", s);
  put(g, " }");
  g->nvars = before.nvars, g->nindices = before.nindices, g->loops = before.loops;
  memcpy(g->var, before.var, sizeof g->var);
  bind(g, name, 1, dim, 0);
}

/* Whole arrays, by the functions of the language. */
static void make_whole(Gen *g) {
  static const char *const whole[] = {"tanh(%s)*0.5", "softmax(%s)", "cumsum(%s)*0.1",
                                      "%s/norm(1 + %s^2)", "concat(%s[1:], [c])"};
  const Var *v = NULL, *a = NULL;
  for (int k = 0; k < 8; k++) {
    const Var *u = some_var(g);
    if (u->rank == 1) v = u;
    if (u->rank == 2) a = u;
  }
  if (!v) return;
  const char *name = new_name(g, "z");
  int dim = v->dim[0], kind = pick(g, 5);
  buf_printf(&g->out, "  %s = ", name);
  if (a && a->dim[1] == dim && pick(g, 2)) {
    buf_printf(&g->out, "0.2*(%s @ %s)", a->name, v->name);
    dim = a->dim[0];
  } else if (a && a->dim[0] == dim && pick(g, 2)) {
    buf_printf(&g->out, "0.2*(%s.T @ %s)", a->name, v->name);
    dim = a->dim[1];
  } else {
    for (const char *s = whole[kind]; *s; s++)
      if (*s == '%') put(g, v->name), s++;
      else buf_printf(&g->out, "%c", *s);
  }
  bind(g, name, 1, dim, 0);
}

static void make_product(Gen *g) {
  const char *name = new_name(g, "P");
  bool square = pick(g, 2);
  buf_printf(&g->out, "  %s = 0.2*(%s)", name, square ? "A @ A.T" : "A.T @ tanh(A)");
  bind(g, name, 2, square ? N : M, square ? N : M);
}

static void put_statement(Gen *g) {
  switch (pick(g, 9)) {
    case 0: case 1: case 2: make_vector(g); break;
    case 3: make_matrix(g); break;
    case 4: case 5: make_carried(g); break;
    case 6: make_whole(g); break;
    case 7: pick(g, 2) ? make_product(g) : make_whole(g); break;
    default: make_scalar(g);
  }
  put(g, "\n");
}

static const char *random_text(Ctx *c, uint64_t seed) {
  Gen g = {.c = c, .state = seed * 7919 + 12345};
  buf_init(&g.out, c);
  for (int k = 0; k < 5; k++) pick(&g, 1);
  put(&g, "input x: real[n]\ninput y: real[m]\ninput A: real[n, m]\ninput c: real\n"
          "input k: int[n]\ninput d: real[n]\n"
          "f(x: real[n], y: real[m], A: real[n, m], c: real, k: int[n]) = {\n");
  bind(&g, "c", 0, 0, 0);
  bind(&g, "x", 1, N, 0);
  bind(&g, "y", 1, M, 0);
  bind(&g, "A", 2, N, M);
  bind(&g, "x", 1, N, 0);
  for (int s = 1 + pick(&g, 4); s > 0; s--) put_statement(&g);
  put(&g, "  sum(");
  const char *i = open_index(&g, pick(&g, DIMS));
  put_scalar(&g, 3);
  buf_printf(&g.out, " for %s < %s) + 0.1*(c + sum(x) + sum(y) + sum(sum(A)))\n}\n", i, size_name[g.index[0].dim]);
  put(&g, "e = f(x, y, A, c, k)\n"
          "print e\nprint grad(e, x)\nprint grad(e, y)\nprint grad(e, A)\nprint grad(e, c)\n"
          "print sum(grad(e, x)*d)\nprint jvp(e, x, d)\n");
  if (pick(&g, 4) == 0) put(&g, "print hvp(e, x, d)\n");
  return buf_text(&g.out);
}

/* ---- running ------------------------------------------------------------------------- */

enum { INPUTS = 6 };

typedef struct Trial {
  Ctx *c;
  uint64_t seed;
  const char *mode;
  double x[64], y[64], a[MOST_ELEMENTS], c0, d[64];
  int64_t k[64];
  InputValue input[INPUTS];
  Buf out;
} Trial;

static double number(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 40) / (1 << 23) - 1;
}

static void fill(Trial *t) {
  static const int64_t sizes[] = {1, 2, 3, 5, 8, 17, 33, 40, 16, 4};
  uint64_t state = t->seed * 31 + 7;
  int64_t n = sizes[t->seed % 10], m = sizes[t->seed / 10 % 10];
  for (int i = 0; i < 64; i++) t->x[i] = number(&state), t->y[i] = number(&state);
  for (int i = 0; i < 64; i++) t->d[i] = number(&state), t->k[i] = (i * 7 + 3) % m;
  for (int i = 0; i < MOST_ELEMENTS; i++) t->a[i] = number(&state);
  t->c0 = number(&state);
  t->input[0] = (InputValue){.name = "x", .elem = ELEM_REAL, .rank = 1, .dim = {n}, .data = t->x};
  t->input[1] = (InputValue){.name = "y", .elem = ELEM_REAL, .rank = 1, .dim = {m}, .data = t->y};
  t->input[2] = (InputValue){.name = "A", .elem = ELEM_REAL, .rank = 2, .dim = {n, m}, .data = t->a};
  t->input[3] = (InputValue){.name = "c", .elem = ELEM_REAL, .data = &t->c0};
  t->input[4] = (InputValue){.name = "k", .elem = ELEM_INT, .rank = 1, .dim = {n}, .data = t->k};
  t->input[5] = (InputValue){.name = "d", .elem = ELEM_REAL, .rank = 1, .dim = {n}, .data = t->d};
  for (int i = 0; i < INPUTS; i++)
    t->input[i].name = intern(t->c, t->input[i].name, strlen(t->input[i].name));
}

static void keep_output(void *user, const char *text, size_t n) {
  buf_add(user, text, n);
}

static const InputValue *input_of(const Trial *t, const char *name) {
  for (int i = 0; i < INPUTS; i++)
    if (!strcmp(t->input[i].name, name)) return &t->input[i];
  return NULL;
}

static const char *taken(Trial *t, Status s) {
  if (s != GC_OK) diag_raise(t->c, s);
  return str_printf(t->c, "%s", buf_text(&t->out));
}

static Host host_for(Trial *t) {
  buf_init(&t->out, t->c);
  return (Host){.ctx = t->c, .write = keep_output, .user = &t->out, .json = true};
}

static const char *interpreted(Trial *t, const Prog *p) {
  Host host = host_for(t);
  Value in[16] = {{0}}, none[1];
  for (uint32_t i = 0; i < p->sig.params.n; i++) {
    const InputValue *v = input_of(t, p->sig.params.at[i].name);
    in[i] = (Value){.elem = v->elem, .rank = v->rank, .data = v->data};
    memcpy(in[i].dim, v->dim, sizeof v->dim);
  }
  return taken(t, interpret((Prog *)(uintptr_t)p, in, p->sig.params.n, 0, &host, none));
}

static const char *compiled(Trial *t, Prog *p, Jit *code) {
  Host host = host_for(t);
  JitArg in[16] = {{0}};
  for (uint32_t i = 0; i < p->sig.params.n; i++) {
    const InputValue *v = input_of(t, p->sig.params.at[i].name);
    if (v->rank) in[i].p = v->data;
    else in[i].r = *(const double *)v->data;
  }
  return taken(t, jit_call(code, in, NULL, &host));
}

/* ---- comparing ----------------------------------------------------------------------- */

/* The numbers of a line: how many there are, and the largest. */
static int numbers_of(const char *line, double *at, int room, double *largest) {
  int n = 0;
  line = strstr(line, "\"value\":");
  for (line = line ? line + 8 : ""; *line && *line != '\n'; line++) {
    char *end;
    if (!isdigit((unsigned char)*line) && *line != '-') continue;
    double v = strtod(line, &end);
    if (end == line) continue;
    if (n < room) at[n] = v;
    n++;
    *largest = fmax(*largest, fabs(v));
    line = end - 1;
  }
  return n;
}

/* Do two lines hold the same numbers, within rounding of the largest? */
static bool lines_agree(const char *a, const char *b, double tolerance) {
  static double x[MOST_ELEMENTS], y[MOST_ELEMENTS];
  double size = 1;
  int n = numbers_of(a, x, MOST_ELEMENTS, &size), m = numbers_of(b, y, MOST_ELEMENTS, &size);
  if (n != m) return false;
  for (int k = 0; k < n && k < MOST_ELEMENTS; k++)
    if (!(fabs(x[k] - y[k]) <= tolerance * size)) return false;
  return true;
}

static const char *next_line(const char *s) {
  s += strcspn(s, "\n");
  return *s ? s + 1 : s;
}

static void compare(Trial *t, const char *what, const char *a, const char *b) {
  for (int line = 1; *a || *b; a = next_line(a), b = next_line(b), line++)
    if (!lines_agree(a, b, 1e-8))
      internal_error(t->c, "%s: line %d\n  %.400s\n  %.400s", what, line, a, b);
}

/* Lines 6 and 7: the gradient along d, by reverse and by forward mode. */
static void compare_modes(Trial *t, const char *out) {
  const char *reverse = out;
  for (int k = 0; k < 5; k++) reverse = next_line(reverse);
  if (!lines_agree(reverse, next_line(reverse), 1e-7))
    internal_error(t->c, "reverse and forward mode: %.200s", reverse);
}

static void trial(void *arg) {
  Trial *t = arg;
  const char *text = random_text(t->c, t->seed);
  fill(t);
  if (!strcmp(t->mode, "show")) {
    printf("# seed %llu\n%s\n", (unsigned long long)t->seed, text);
    return;
  }
  t->c->opt.fast_math = t->seed % 7 == 0;
  t->c->opt.checkpoint = t->seed % 11 == 0;
  Module *m = module_new(t->c);
  module_add(m, parse(t->c, source_add(t->c, "random.gc", text, strlen(text)), PARSE_FILE, NULL), false);
  Prog *p = elaborate_script(m, t->input, INPUTS), *best = optimize(p, NULL);
  const char *reference = interpreted(t, p), *ours = compiled(t, best, jit_tcc(best, true));
  compare(t, "interpreted and compiled", reference, ours);
  compare_modes(t, ours);
  if (!strcmp(t->mode, "cc") && strcmp(ours, compiled(t, best, jit_cc(best, true))))
    internal_error(t->c, "libtcc's code and the C compiler's print different bits");
}

/* Behind warnings, and in front of what helps. */
static const char *last_error(Ctx *c) {
  uint32_t k = (uint32_t)diag_count(c);
  while (k > 1 && diag_get(c, k - 1)->severity != SEV_ERROR) k--;
  return k ? diag_get(c, k - 1)->text : "no message";
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 150;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, bad = 0;
  for (uint64_t k = 0; k < count; k++) {
    Trial *t = calloc(1, sizeof *t);
    if (!t || !(t->c = ctx_new(NULL, NULL))) return 1;
    t->seed = seed + k;
    t->mode = argc > 3 ? argv[3] : "run";
    if (ctx_try(t->c, trial, t) != GC_OK) {
      printf("seed %llu: %s\n", (unsigned long long)t->seed, last_error(t->c));
      bad++;
    }
    ctx_free(t->c);
    free(t);
  }
  printf("random texts: %llu passed, %llu failed\n", (unsigned long long)(count - bad),
         (unsigned long long)bad);
  return bad != 0;
}
