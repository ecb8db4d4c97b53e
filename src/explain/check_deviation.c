/* check_deviation.c - controlled minus true gradient, and which control it comes from.
 *
 * The true gradient is that of the program without its controls.  Each control alone is
 * put back in turn: those that change the gradient by themselves are the cause, or all of
 * them where none does.  Of many the first are tried one by one and the rest together. */
#include "differentiate/differentiate.h"
#include "emit/emit.h"
#include "explain/check_private.h"
#include "optimize/optimize.h"
#include "optimize/rewrite.h"

#include <math.h>
#include <string.h>

enum { LONGEST_FORMULA = 72, MOST_TRIED = 16, MOST_NAMED = 8 };

/* ---- programs without some of their controls ---- */

typedef struct Keeping {
  bool (*keep)(void *self, const Node *n);
  void *self;
} Keeping;

bool keep_all(void *self, const Node *n) {
  (void)self, (void)n;
  return true;
}

bool keep_none(void *self, const Node *n) {
  (void)self, (void)n;
  return false;
}

static bool is_control(const Node *n) {
  return n->op == IR_STOP || n->op == IR_SCALE || n->op == IR_STRAIGHT || n->op == IR_CUSTOM;
}

/* A call with a rule becomes its body. */
static Ref without_rule(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  const Region *body = n->regions[0];
  for (uint32_t k = 0; k < body->params.n; k++)
    copy_set(&w->k, body->params.at[k], copy_ref(&w->k, n->arg[k]));
  rewrite_nodes(w, body);
  w->outs[old] = NEWN(w->k.to->ctx, Ref, body->results.n + 1);
  for (uint32_t k = 0; k < body->results.n; k++)
    w->outs[old][k] = copy_ref(&w->k, body->results.at[k]);
  return REWRITE_GONE;
}

static Ref drop_control(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  const Keeping *keeping = w->self;
  if (!is_control(n) || keeping->keep(keeping->self, n)) return 0;
  return n->op == IR_CUSTOM ? without_rule(w, old) : copy_ref(&w->k, n->arg[0]);
}

Prog *program_keeping(Prog *p, bool (*keep)(void *self, const Node *n), void *self) {
  Keeping keeping = {keep, self};
  Rewrite w = {.node = drop_control, .self = &keeping};
  return rewrite_program(&w, p);
}

/* ---- gradients ---- */

static Ref seed_param(Prog *p, const Type *t) {
  Ref r = ir_param(p, t);
  ir_node(p, r)->name = "up";
  prog_param(p, ((SigParam){.name = "up", .ref = r}));
  return r;
}

/* The seeds of real results: new parameters, or 1. */
static Ref *seeds_of(Prog *p, bool ones) {
  Ref *seed = NEWN(p->ctx, Ref, p->root->results.n + 1);
  for (uint32_t k = 0; k < p->root->results.n; k++) {
    const Type *t = ir_type(p, p->root->results.at[k]);
    if (t->elem == ELEM_REAL) seed[k] = ones ? ir_fill(p, ir_real(p, 1), t) : seed_param(p, t);
  }
  return seed;
}

static Ref *gradient_in(Prog *p, const CheckArg *a, const Ref *seed) {
  uint32_t n = 0, nx = a->leaf.n;
  Ref *y = NEWN(p->ctx, Ref, p->root->results.n + 1),
      *u = NEWN(p->ctx, Ref, p->root->results.n + 1);
  Ref *x = NEWN(p->ctx, Ref, nx + 1), *out = NEWN(p->ctx, Ref, nx + 1);
  for (uint32_t k = 0; k < p->root->results.n; k++)
    if (seed[k]) y[n] = p->root->results.at[k], u[n++] = seed[k];
  for (uint32_t k = 0; k < nx; k++) x[k] = p->root->params.at[a->leaf.at[k].param];
  bool before = p->derivative;
  p->derivative = true;
  diff_reverse(p, n, y, u, nx, x, 0, NULL, out);
  for (uint32_t k = 0; k < nx; k++)
    if (!out[k]) out[k] = ir_zero(p, ir_type(p, x[k]));
  p->derivative = before;
  return out;
}

static void set_results(Prog *p, uint32_t n, const Ref *r) {
  p->root->results.n = p->sig.results.n = 0;
  for (uint32_t k = 0; k < n; k++) {
    ir_result(p, r[k]);
    prog_result(p, ((SigResult){"out", r[k]}));
  }
}

void append_gradient(Target *t, Prog *p, const CheckArg *a) {
  (void)t;
  set_results(p, a->leaf.n, gradient_in(p, a, seeds_of(p, false)));
}

/* ---- controls ---- */

typedef struct Control {
  uint32_t number;
  Span at;
  const char *name;
  Span rule;
  bool cause;
} Control;
typedef struct Deviation {
  Target *t;
  const CheckArg *a;
  VEC(Control *) control;
  Prog *controlled, *bare;
  uint32_t first, end; /* the controls that are put back */
  bool others;         /* some of those that were not tried by themselves are a cause */
  Control **slot;      /* the controls by place; a power of two of slots */
  uint32_t room;
  double most;   /* largest deviation */
  double *by_leaf; /* the same for each leaf, if anybody asks, or NULL */
  const char *formula;
} Deviation;

static bool in_prelude(Ctx *c, Span at) {
  const Source *s = source_get(c, at.file);
  return !s || !strncmp(s->name, "<prelude", 8);
}

/* The word of the source there, if it is one of these. */
static const char *control_name(Ctx *c, const Node *n) {
  static const char *const words[] = {"stop_gradient", "detach", "grad_reverse", "grad_scale",
                                      "straight_through"};
  if (n->op == IR_CUSTOM) return n->aux.custom->name;
  const char *text = source_get(c, n->pos.file)->text + n->pos.start;
  for (size_t k = 0; k < sizeof words / sizeof *words; k++)
    if (strncmp(text, words[k], strlen(words[k])) == 0) return words[k];
  if (n->op == IR_SCALE) return n->flags & NODE_REVERSAL ? "grad_reverse" : "grad_scale";
  return n->op == IR_STOP ? "stop_gradient" : "straight_through";
}

static bool same_place(const Control *k, const Node *n) {
  return k->at.file == n->pos.file && k->at.start == n->pos.start;
}

/* Where the control at this node's place stands in the table, or where it is to be put. */
static uint32_t slot_for(const Deviation *d, const Node *n) {
  uint32_t at = (n->pos.start * 0x9e3779b1u ^ n->pos.file) & (d->room - 1);
  while (d->slot[at] && !same_place(d->slot[at], n)) at = (at + 1) & (d->room - 1);
  return at;
}

static void make_table(Deviation *d) {
  uint32_t n = 0;
  for (Ref r = 1; r < d->t->value->nnodes; r++) n += is_control(ir_node(d->t->value, r));
  for (d->room = 16; d->room < 2 * n;) d->room *= 2;
  d->slot = NEWN(d->t->k->c, Control *, d->room);
}

/* The factor of a scaling is stopped by it. */
static void name_factors(Deviation *d) {
  Prog *p = d->t->value;
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    const Node *factor = n->op == IR_SCALE ? ir_node(p, n->arg[1]) : NULL;
    Control *known = factor ? d->slot[slot_for(d, factor)] : NULL;
    if (known) known->name = control_name(p->ctx, n);
  }
}

static void find_controls(Deviation *d) {
  Prog *p = d->t->value;
  make_table(d);
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    if (!is_control(n) || in_prelude(p->ctx, n->pos)) continue;
    Control **known = &d->slot[slot_for(d, n)];
    bool again = *known != NULL;
    if (again && n->op == IR_STOP) continue; /* the factor of one that scales */
    if (!again) {
      *known = NEW(p->ctx, Control);
      VEC_PUSH(p->ctx, &d->control, *known);
    }
    **known = (Control){.number = again ? (*known)->number : d->control.n - 1, .at = n->pos,
                        .name = control_name(p->ctx, n)};
    if (n->op == IR_CUSTOM) (*known)->rule = n->aux.custom->rule;
  }
  name_factors(d);
}

static bool keep_some(void *self, const Node *n) {
  const Deviation *d = self;
  const Control *x = d->slot[slot_for(d, n)];
  return x && d->first <= x->number && x->number < d->end;
}

/* ---- how much ---- */

static bool one_real_scalar(const Prog *p) {
  if (p->root->results.n != 1) return false;
  const Type *t = ir_type(p, p->root->results.at[0]);
  return t->elem == ELEM_REAL && t->rank == 0;
}

static double note_gap(Deviation *d, uint32_t leaf, double most, double gap) {
  if (d->by_leaf && gap > d->by_leaf[leaf]) d->by_leaf[leaf] = gap;
  return fmax(most, gap);
}

/* The largest difference of two gradient programs over the points; infinite where one of
 * them is not finite. */
static double apart(Deviation *d, Prog *p, Prog *q) {
  static const double one = 1;
  Check *k = d->t->k;
  uint32_t known = d->t->value->root->params.n;
  double most = 0;
  for (uint32_t n = 0; n < d->t->point.n; n++) {
    Value *in = point_extended(k, d->t->point.at[n], known, p);
    if (one_real_scalar(d->t->value)) in[known].data = &one; /* the gradient of it */
    Value *a = run_interpreted(k, p, in, CHECK_BITS), *b = run_interpreted(k, q, in, CHECK_BITS);
    for (uint32_t l = 0; a && b && l < d->a->leaf.n; l++)
      for (uint64_t j = 0; j < elements_of(&a[l]); j++) {
        double x = real_at(&a[l], j), y = real_at(&b[l], j), gap = fabs(x - y);
        if (!isfinite(gap) && x == y) return most;
        if (!isfinite(gap)) gap = (double)INFINITY;
        if (gap > 1e-12 * fmax(fabs(x), fabs(y)) + 1e-30) most = note_gap(d, l, most, gap);
      }
  }
  return most;
}

static Prog *gradient_keeping(Deviation *d, bool (*keep)(void *self, const Node *n)) {
  Prog *p = program_keeping(d->t->value, keep, d);
  append_gradient(d->t, p, d->a);
  return p;
}

static void measure(void *self) {
  Deviation *d = self;
  d->controlled = gradient_keeping(d, keep_all);
  d->bare = gradient_keeping(d, keep_none);
  d->most = apart(d, d->controlled, d->bare);
}

/* Do these controls alone change the gradient?  What the answer takes goes again. */
static bool deviates(Deviation *d, uint32_t first, uint32_t end) {
  Ctx *c = d->t->k->c;
  Zone *own = zone_new(c), *before = zone_enter(c, own);
  d->first = first;
  d->end = end;
  Prog *p = gradient_keeping(d, keep_some);
  bool yes = apart(d, p, d->bare) > 0;
  prog_replace(p, NULL);
  zone_enter(c, before);
  zone_free(c, own);
  return yes;
}

static void find_causes(void *self) {
  Deviation *d = self;
  bool any = false;
  for (uint32_t k = 0; k < d->control.n && k < MOST_TRIED; k++)
    any |= d->control.at[k]->cause = deviates(d, k, k + 1);
  if (d->control.n > MOST_TRIED) any |= d->others = deviates(d, MOST_TRIED, d->control.n);
  for (uint32_t k = 0; !any && k < d->control.n; k++) d->control.at[k]->cause = true;
}

/* ---- as a formula ---- */

/* Copies the nodes of `from` behind those of `to`; the image of each of n results. */
static void copy_behind(Prog *from, Prog *to, uint32_t n, Ref *r) {
  Copy k;
  copy_init(&k, from, to);
  for (uint32_t j = 0; j < from->root->params.n; j++)
    copy_set(&k, from->root->params.at[j], to->root->params.at[j]);
  copy_nodes(&k, from->root);
  for (uint32_t j = 0; j < n; j++) r[j] = copy_ref(&k, r[j]);
}

static void find_formula(void *self) {
  Deviation *d = self;
  Prog *p = program_keeping(d->t->value, keep_all, d),
       *q = program_keeping(d->t->value, keep_none, d);
  Ref g = *gradient_in(p, d->a, seeds_of(p, true)), h = *gradient_in(q, d->a, seeds_of(q, true));
  p->root->results.n = p->sig.results.n = 0;
  copy_behind(q, p, 1, &h);
  p->derivative = true;
  Ref gap = ir_type(p, g)->rank ? ir_map2(p, P_SUB, g, h) : ir_sub(p, g, h);
  set_results(p, 1, &gap);
  p->sig.name = NULL;
  p = optimize_for_reading(opt_erase(p));
  Buf b;
  buf_init(&b, p->ctx);
  emit_language(p, &b, false);
  while (b.n && (b.at[b.n - 1] == '\n' || b.at[b.n - 1] == ' ')) b.n--;
  const char *text = buf_text(&b);
  if (b.n <= LONGEST_FORMULA && !strchr(text, '\n')) d->formula = str_printf(p->ctx, "%s", text);
}

/* ---- in words ---- */

static const char *where(Ctx *c, Span at) {
  uint32_t line, column;
  source_where(c, at, &line, &column);
  const char *name = source_get(c, at.file)->name, *slash = strrchr(name, '/');
  return str_printf(c, "%s:%u", slash ? slash + 1 : name, line);
}

static const char *cause_text(Ctx *c, const Control *x) {
  if (x->rule.file && !in_prelude(c, x->rule))
    return str_printf(c, "the rule of %s at %s", x->name, where(c, x->rule));
  return str_printf(c, "%s at %s", x->name, where(c, x->at));
}

/* Two on one line are said once, and of many the first. */
static void say_causes(Deviation *d, Buf *b) {
  Ctx *c = d->t->k->c;
  VEC(const char *) said = {0};
  bool more = d->others;
  for (uint32_t k = 0; k < d->control.n; k++) {
    if (!d->control.at[k]->cause) continue;
    const char *text = cause_text(c, d->control.at[k]);
    bool again = false;
    for (uint32_t j = 0; j < said.n; j++) again |= !strcmp(said.at[j], text);
    if (again) continue;
    if (said.n == MOST_NAMED) {
      more = true;
      break;
    }
    buf_printf(b, "%s%s", said.n ? " and " : ", because of ", text);
    VEC_PUSH(c, &said, text);
  }
  if (more) buf_puts(b, said.n ? " and of others" : ", because of later controls");
}

static const char *deviation_text(Deviation *d) {
  Buf b;
  buf_init(&b, d->t->k->c);
  if (d->formula)
    buf_printf(&b, "; deviates from the true derivative by %s", d->formula);
  else if (isinf(d->most))
    buf_puts(&b, "; deviates from the true derivative, which is not finite");
  else
    buf_printf(&b, "; deviates from the true derivative by up to %.3g", d->most);
  say_causes(d, &b);
  return buf_text(&b);
}

const char *check_deviation(Target *t, const CheckArg *a) {
  Check *k = t->k;
  Deviation d = {.t = t, .a = a};
  find_controls(&d);
  if (!d.control.n || check_quietly(k, measure, &d) != GC_OK || d.most == 0) return "";
  check_quietly(k, find_causes, &d);
  if (a->leaf.n == 1 && one_real_scalar(t->value)) check_quietly(k, find_formula, &d);
  return deviation_text(&d);
}

/* ---- many arguments ---- */

typedef struct Many {
  Deviation d;
  const Together *all;
  uint32_t nargs, ntrials;
  double *most; /* trial by argument; behind the trials, that of all controls */
} Many;

static double *most_of(const Many *m, uint32_t trial) {
  return m->most + (size_t)trial * m->nargs;
}

/* From what was noted for each leaf. */
static void note_arguments(const Many *m, double *most) {
  for (uint32_t l = 0; l < m->d.a->leaf.n; l++) {
    double *own = &most[m->all->arg[l]];
    *own = fmax(*own, m->d.by_leaf[l]);
    m->d.by_leaf[l] = 0;
  }
}

static void measure_many(void *self) {
  Many *m = self;
  measure(&m->d);
  note_arguments(m, most_of(m, m->ntrials));
}

static void try_controls(void *self) {
  Many *m = self;
  for (uint32_t k = 0; k < m->ntrials; k++) {
    deviates(&m->d, k, k < MOST_TRIED ? k + 1 : m->d.control.n);
    note_arguments(m, most_of(m, k));
  }
}

static const char *deviation_of(Many *m, uint32_t arg, bool formula) {
  Deviation d = m->d;
  d.a = &d.t->arg.at[arg];
  d.most = most_of(m, m->ntrials)[arg];
  if (d.most == 0) return "";
  bool any = false;
  for (uint32_t k = 0; k < m->ntrials; k++) any |= most_of(m, k)[arg] > 0;
  for (uint32_t k = 0; k < d.control.n; k++)
    d.control.at[k]->cause = !any || (k < MOST_TRIED && most_of(m, k)[arg] > 0);
  d.others = any && m->ntrials > MOST_TRIED && most_of(m, MOST_TRIED)[arg] > 0;
  if (formula && d.a->leaf.n == 1 && one_real_scalar(d.t->value))
    check_quietly(d.t->k, find_formula, &d);
  return deviation_text(&d);
}

const char **check_deviations(Target *t, const CheckArg *every, const Together *all) {
  Check *k = t->k;
  Many m = {.d = {.t = t, .a = every}, .all = all, .nargs = t->arg.n};
  const char **text = NEWN(k->c, const char *, m.nargs);
  for (uint32_t j = 0; j < m.nargs; j++) text[j] = "";
  find_controls(&m.d);
  m.ntrials = m.d.control.n > MOST_TRIED ? MOST_TRIED + 1 : m.d.control.n;
  m.most = NEWN(k->c, double, (size_t)(m.ntrials + 1) * m.nargs);
  m.d.by_leaf = NEWN(k->c, double, every->leaf.n);
  if (!m.ntrials || check_quietly(k, measure_many, &m) != GC_OK) return text;
  if (m.d.most > 0) check_quietly(k, try_controls, &m);
  for (uint32_t j = 0, said = 0; j < m.nargs && m.d.most > 0; j++) {
    text[j] = deviation_of(&m, j, said < MOST_NAMED);
    said += *text[j] != '\0';
  }
  return text;
}
