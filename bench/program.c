/* program.c - a case as a program of the compiler's, and what that costs. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

#include "emit/emit.h"
#include "optimize/optimize.h"

static const DerivKind kinds[] = {
  [GRADC_VALUE] = DERIV_VALUE, [GRADC_GRAD] = DERIV_GRAD, [GRADC_VJP] = DERIV_VJP,
  [GRADC_JVP] = DERIV_JVP, [GRADC_JACOBIAN] = DERIV_JACOBIAN, [GRADC_HESSIAN] = DERIV_HESSIAN,
  [GRADC_HVP] = DERIV_HVP,
};

/* "n=10 m=3" */
static void name_sizes(const Case *of, Ctx *c, Request *q) {
  q->named = NEWN(c, SizeValue, MANY);
  for (const char *s = of->values; *s && q->nnamed < MANY; s += strspn(s, " ")) {
    size_t n = strcspn(s, "=");
    q->named[q->nnamed++] = (SizeValue){.name = intern(c, s, n), .n = atoll(s + n + 1)};
    s += strcspn(s, " ");
  }
}

/* "x,y" */
static uint32_t names_of(const char *list, Ctx *c, const char *names[MANY]) {
  uint32_t n = 0;
  while (list && n < MANY) {
    size_t length = strcspn(list, ",");
    names[n++] = intern(c, list, length);
    list = list[length] ? list + length + 1 : NULL;
  }
  return n;
}

Prog *program_of(const Case *of, Ctx *c, int gradient, bool sized) {
  char function[64];
  int what = GRADC_VALUE;
  const char *wrt = NULL;
  if (gradient < 0) snprintf(function, sizeof function, "%s", of->row->value);
  else request(of->row, gradient, function, &what, &wrt);
  c->opt.real_float = of->single;
  c->opt.fast_math = fast_math(of->row);
  Module *m = module_new(c);
  uint32_t file = source_add(c, of->row->name, of->row->text, strlen(of->row->text));
  module_add(m, parse(c, file, PARSE_FILE, NULL), false);
  const char *names[MANY];
  Request q = {.function = intern_z(c, function), .kind = kinds[what], .wrt = names,
               .nwrt = names_of(wrt, c, names)};
  if (sized) name_sizes(of, c, &q);
  return optimize(elaborate_function(m, &q), NULL);
}

/* ---- what it costs ---------------------------------------------------------------------- */

typedef struct Costs { Ctx *c; const Case *of; Cost cost; } Costs;

/* The value of an int parameter, which no size stands for. */
static double parameter(const Case *of, const Prog *p, Ref atom) {
  for (uint32_t k = 0; k < p->sig.params.n; k++)
    if (p->root->params.at[k] == atom) return (double)size_value(of->values, p->sig.params.at[k].name);
  return 0;
}

static double number(const Case *of, const Prog *p, Size s) {
  double sum = 0;
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    double term = (double)m->num / (double)m->den;
    for (uint32_t j = 0; j < m->n; j++)
      for (uint32_t e = 0; e < m->exp[j]; e++) term *= parameter(of, p, m->atom[j]);
    sum += term;
  }
  return sum;
}

static void count(void *arg) {
  Costs *x = arg;
  EmitReport r;
  Buf body, header;
  EmitOptions o = {.prefix = "x", .source_name = "x.gc", .header_name = "x.h", .report = &r};
  Prog *p = program_of(x->of, x->c, x->of->gradient, true);
  buf_init(&body, x->c);
  buf_init(&header, x->c);
  emit_c(x->c, &p, 1, &o, &body, &header);
  x->cost.functions = number(x->of, r.p, r.count[EMIT_FUNCTIONS]);
  for (int k = EMIT_ADDITIONS; k < EMIT_FUNCTIONS; k++)
    x->cost.operations += number(x->of, r.p, r.count[k]);
  x->cost.bytes = number(x->of, r.p, r.moved);
}

Cost cost_of(const Case *of) {
  Costs x = {.of = of, .c = ctx_new(NULL, NULL)};
  if (!x.c) die("out of memory");
  if (ctx_try(x.c, count, &x) != GC_OK) x.cost = (Cost){0};
  ctx_free(x.c);
  return x.cost;
}
