/* check_rules.c - rules against the bodies of their functions.
 *
 * A rule is run on random gradients that arrive.  It is odd if it is not linear in them,
 * ignores them, gives the true derivative (the rule can go), or gives it but for the sign
 * (unless that is what is wanted: grad_reverse says so). */
#include "differentiate/differentiate.h"
#include "explain/check_private.h"

#include <math.h>
#include <string.h>

/* The rule of the function itself, as a program: its arguments, then what arrives;
 * results: the rule's parts, then the true ones. */
typedef struct Rule {
  Target *t;
  const CustomAttr *attr;
  Prog *p;
  uint32_t nargs, nups, nparts;
} Rule;

/* ---- the program ---- */

/* The call of the function in its own program. */
static Ref own_call(const Prog *p, const char *name) {
  for (uint32_t k = 0; k < p->root->nodes.n; k++) {
    const Node *n = ir_node(p, p->root->nodes.at[k]);
    if (n->op == IR_CUSTOM && n->aux.custom->name && !strcmp(n->aux.custom->name, name))
      return p->root->nodes.at[k];
  }
  return 0;
}

static void map_params(Copy *k, const Region *r, uint32_t from, uint32_t n, const Ref *to) {
  for (uint32_t j = 0; j < n; j++) copy_set(k, r->params.at[from + j], to[j]);
}

static void true_parts(Rule *r, const Node *n, const Ref *y, const Ref *up, const Ref *arg) {
  Prog *p = r->p;
  Ref *out = NEWN(p->ctx, Ref, r->nargs + 1);
  bool before = p->derivative;
  p->derivative = true;
  diff_reverse(p, n->nresults, y, up, r->nargs, arg, 0, NULL, out);
  p->derivative = before;
  for (uint32_t k = 0; k < r->nargs; k++)
    if (r->attr->gives[k]) ir_result(p, out[k] ? out[k] : ir_zero(p, ir_type(p, arg[k])));
}

/* The function's program with the call taken apart in it. */
static void take_apart(void *self) {
  Rule *r = self;
  Target *t = r->t;
  Prog *p = r->p = target_program(t, DERIV_VALUE, NULL);
  Ref call = p ? own_call(p, t->name) : 0;
  if (!call) return;
  const Node *n = ir_node(p, call);
  Ref *arg = NEWN(p->ctx, Ref, n->nargs + 1), *up = NEWN(p->ctx, Ref, n->nresults + 1);
  Ref *y = NEWN(p->ctx, Ref, n->nresults + 1);
  Copy k;
  r->nargs = n->nargs;
  r->nups = n->nresults;
  for (uint32_t j = 0; j < n->nargs; j++)
    arg[j] = ir_type(p, n->arg[j])->elem == ELEM_REAL ? ir_var(p, n->arg[j]) : n->arg[j];
  for (uint32_t j = 0; j < n->nresults; j++) {
    if (n->result_type[j]->elem != ELEM_REAL) return;
    up[j] = ir_param(p, n->result_type[j]);
  }
  r->attr = n->aux.custom;
  copy_init(&k, p, p);
  k.drop_io = true;
  map_params(&k, n->regions[0], 0, n->nargs, arg);
  copy_nodes(&k, n->regions[0]);
  for (uint32_t j = 0; j < n->nresults; j++) y[j] = copy_ref(&k, n->regions[0]->results.at[j]);
  map_params(&k, n->regions[1], 0, n->nargs, arg);
  map_params(&k, n->regions[1], n->nargs, n->nresults, up);
  if (r->attr->has_value) map_params(&k, n->regions[1], n->nargs + n->nresults, n->nresults, y);
  copy_nodes(&k, n->regions[1]);
  p->root->results.n = 0;
  for (uint32_t j = 0; j < n->regions[1]->results.n; j++)
    ir_result(p, copy_ref(&k, n->regions[1]->results.at[j]));
  r->nparts = p->root->results.n;
  true_parts(r, n, y, up, arg);
}

/* ---- trying it ---- */

typedef struct Trial {
  bool linear, ignores, is_true, reversed, zero, ran;
} Trial;

static bool near(double a, double b) {
  return a == b || fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b)) || (isnan(a) && isnan(b));
}

/* Values that arrive: c times those of `from`. */
static Value *scaled_ups(Rule *r, const Value *from, double c) {
  Check *k = r->t->k;
  uint32_t first = r->t->value->root->params.n;
  Value *in = NEWN(k->c, Value, r->p->root->params.n + 1);
  for (uint32_t j = 0; j < r->p->root->params.n; j++) in[j] = from[j];
  for (uint32_t j = first; j < first + r->nups; j++) {
    double *x = NEWN(k->c, double, elements_of(&from[j]) + 1);
    for (uint64_t i = 0; i < elements_of(&from[j]); i++) x[i] = c * real_at(&from[j], i);
    in[j].data = x;
  }
  return in;
}

static void try_at(Rule *r, uint32_t point, Trial *s) {
  Check *k = r->t->k;
  uint32_t known = r->t->value->root->params.n;
  Value *in = point_extended(k, r->t->point.at[point], known, r->p);
  const Value *once = run_interpreted(k, r->p, in, CHECK_BITS);
  const Value *more = run_interpreted(k, r->p, scaled_ups(r, in, -37.5), CHECK_BITS);
  if (!once || !more) return;
  s->ran = true;
  for (uint32_t j = 0; j < r->nparts; j++)
    for (uint64_t i = 0; i < elements_of(&once[j]); i++) {
      double a = real_at(&once[j], i), b = real_at(&more[j], i),
             body = real_at(&once[r->nparts + j], i);
      s->linear &= near(-37.5 * a, b);
      s->ignores &= near(a, b);
      s->is_true &= near(a, body);
      s->reversed &= near(a, -body);
      s->zero &= a == 0;
    }
}

/* ---- verdicts ---- */

static void say(Target *t, const Rule *r, const char *lint, const char *what) {
  warn(t->k->c, lint, r->attr->rule, "the rule of `%s` %s", t->name, what);
}

static void judge(Rule *r, const Trial *s) {
  Target *t = r->t;
  if (!s->ran || s->zero) return;
  if (s->ignores)
    say(t, r, "rule-ignores-up", "ignores the gradient that arrives");
  else if (!s->linear)
    say(t, r, "rule-nonlinear",
        "is not linear in the gradient that arrives: it has no forward mode");
  if (s->is_true) say(t, r, "rule-true", "gives the true derivative: it can be left out");
  if (s->reversed)
    say(t, r, "rule-sign",
        "gives the true derivative but for the sign (grad_reverse says that it is meant)");
}

void check_rules(Target *t) {
  Rule r = {.t = t};
  Trial s = {.linear = true, .ignores = true, .is_true = true, .reversed = true, .zero = true};
  if (check_quietly(t->k, take_apart, &r) != GC_OK || !r.attr || r.attr->tangent || !r.nparts)
    return;
  for (uint32_t n = 0; n < t->point.n; n++) try_at(&r, n, &s);
  judge(&r, &s);
}
