/* arguments.c - the inputs and results of one case, from the signature that the library
 * tells; inputs by formula, so that each run and each contender has the same. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* "grad f:x" as the library wants it. */
void request(const Row *r, int gradient, char function[64], int *what, const char **wrt) {
  static const char *const kinds[] = {"value", "grad", "vjp", "jvp", "jacobian", "hessian", "hvp"};
  const char *s = r->gradient[gradient], *blank = strchr(s, ' ');
  *what = GRADC_VALUE;
  *wrt = NULL;
  for (int k = 1; blank && k <= GRADC_HVP; k++)
    if (strlen(kinds[k]) == (size_t)(blank - s) && !strncmp(s, kinds[k], strlen(kinds[k])))
      *what = k;
  if (blank) s = blank + 1;
  size_t n = strcspn(s, ":");
  snprintf(function, 64, "%.*s", (int)n, s);
  if (*what) *wrt = s + n + 1;
}

static double noise(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 11) / 9007199254740992.0;
}

/* The description that fits best: the longest name that begins the input's. */
static const Input *described(const Row *r, const char *name) {
  const Input *best = NULL;
  for (int k = 0; k < r->ninputs; k++) {
    size_t n = strlen(r->input[k].name);
    if (!strncmp(r->input[k].name, name, n) && (!best || n > strlen(best->name)))
      best = &r->input[k];
  }
  return best;
}

static void fill(const Case *c, Array *a, int number) {
  static const Input standard = {.lo = -1, .hi = 1};
  const Input *x = described(c->row, a->name);
  uint64_t state = 12345u + 977u * (uint64_t)number;
  if (!x) x = &standard;
  if (a->kind != GRADC_REAL) {
    int64_t *at = a->data, modulo = *x->modulo ? size_value(c->values, x->modulo) : 0;
    for (size_t i = 0; i < a->n; i++)
      at[i] = modulo > 0 ? (int64_t)((i * 7919 + i / 13) % (size_t)modulo)
                         : size_value(c->values, a->name);
    return;
  }
  for (size_t i = 0; i < a->n; i++) {
    double v = x->lo + (x->hi - x->lo) * noise(&state);
    if (c->single) ((float *)a->data)[i] = (float)v;
    else ((double *)a->data)[i] = v;
  }
}

static void allocate(const Case *c, Array *a, const gradc_leaf *leaf) {
  a->name = leaf->name;
  a->kind = leaf->kind;
  a->rank = leaf->rank;
  a->n = 1;
  for (unsigned d = 0; d < a->rank; d++) a->n *= (size_t)a->shape[d];
  a->bytes = a->n * (a->kind == GRADC_REAL && c->single ? sizeof(float) : 8);
  a->data = aligned_alloc(64, (a->bytes / 64 + 1) * 64);
  if (!a->data) die("out of memory");
  memset(a->data, 0, a->bytes);
}

bool fast_math(const Row *r) { return strstr(r->options, "--fast-math-functions") != NULL; }

gradc_context *new_context(const Row *r, bool single) {
  gradc_context *g = gradc_new();
  if (!g || gradc_set_limit(g, GRADC_LIMIT_MEMORY, 0) || gradc_set_limit(g, GRADC_LIMIT_NODES, 0) ||
      gradc_set_option(g, GRADC_FLOAT, single) ||
      gradc_set_option(g, GRADC_FAST_MATH, fast_math(r)))
    die("no context");
  if (gradc_load(g, r->name, r->text, strlen(r->text)))
    die("%s: %s", r->name, gradc_message(g)->full);
  return g;
}

/* From the text to a function that can be called, and how long that took. */
static void compile(Case *c) {
  enum { RUNS = 5 };
  char function[64];
  int what;
  const char *wrt;
  request(c->row, c->gradient, function, &what, &wrt);
  for (int run = 0; run < RUNS; run++) {
    gradc_release(c->f);
    gradc_free(c->g);
    double start = wall_seconds(), took;
    c->g = new_context(c->row, c->single);
    c->f = gradc_compile(c->g, function, what, wrt);
    took = wall_seconds() - start;
    if (!c->f) die("%s: %s", c->row->name, gradc_message(c->g)->full);
    if (run == 0 || took < c->latency) c->latency = took;
  }
  gradc_function *value = gradc_describe(c->g, c->row->value, GRADC_VALUE, NULL);
  if (!value) die("%s: %s", c->row->name, gradc_message(c->g)->full);
  c->nvalue_in = (int)gradc_inputs(value);
  gradc_release(value);
}

void case_open(Case *c) {
  int64_t size[MANY];
  compile(c);
  for (size_t k = 0; k < gradc_sizes(c->f) && k < MANY; k++)
    if ((size[k] = size_value(c->values, gradc_size_name(c->f, k))) < 0)
      die("%s: no value for the size %s", c->row->name, gradc_size_name(c->f, k));
  c->nin = (int)gradc_inputs(c->f);
  c->nout = (int)gradc_outputs(c->f);
  if (c->nin > MANY || c->nout > MANY) die("%s: too many arguments", c->row->name);
  for (int k = 0; k < c->nin; k++) {
    gradc_input_shape(c->f, (size_t)k, size, c->in[k].shape);
    allocate(c, &c->in[k], gradc_input(c->f, (size_t)k));
    fill(c, &c->in[k], k);
  }
  for (int k = 0; k < c->nout; k++) {
    gradc_output_shape(c->f, (size_t)k, size, c->out[k].shape);
    allocate(c, &c->out[k], gradc_output(c->f, (size_t)k));
  }
}

void case_close(Case *c) {
  for (int k = 0; k < c->nin; k++) free(c->in[k].data);
  for (int k = 0; k < c->nout; k++) free(c->out[k].data);
  gradc_release(c->f);
  gradc_free(c->g);
}
