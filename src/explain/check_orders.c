/* check_orders.c - derivatives of order 1 and 2, in both modes, against differences.
 *
 * A Base is a program some of whose results are differentiated; a Mode is a program with
 * the same parameters, then seeds, that gives their derivatives.  For order 1 the Base is
 * the function and the Modes are its vjp and jvp; for order 2 the Base is the vjp, its
 * controls still in it, and the Modes are made of it once more.  Both run in the
 * interpreter and compiled; the differences are those of the Base's surrogate.
 *
 * Many arguments are checked as one: a few of their elements, and all of them along a random
 * direction, so that it takes a number of runs that does not grow with theirs.  Where the
 * direction shows a difference, each element is moved alone, to name those that are wrong. */
#include "differentiate/differentiate.h"
#include "explain/check_private.h"
#include "interpret/interpret.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Elements of arguments that are moved at a point: at most so many, and fewer in a large
 * program, whose nodes times elements are kept to WORK. */
enum { MOST_ELEMENTS = 24, FEW_ELEMENTS = 3, WORK = 20000, MOST_WRONG = 3, ORDER_2_POINTS = 2 };

typedef struct Element {
  uint32_t leaf;
  uint64_t at;
} Element;

typedef struct Base {
  Prog *p;
  uint32_t first, n; /* results first .. first+n are differentiated */
  const CheckLeaf *leaf;
  uint32_t nleaves, order;
  const Together *all; /* what many arguments have in common, or NULL */
  Prog *line;          /* p along a line: its parameters, the place on it, the direction */
} Base;

typedef struct Mode {
  const char *name;
  Prog *p;
  uint32_t first;
  Compiled *jit;
  bool used;
} Mode;

/* ---- comparing ---- */

static const double tolerance = 1e-9;

bool finding_take(Finding *f, double got, double want, double size, double slack) {
  if (got == want || (isnan(got) && isnan(want))) return true;
  double scale = fmax(fmax(fabs(got), fabs(want)), 1e-3 * size), gap = fabs(got - want);
  double relative = gap / scale;
  if (!(relative <= tolerance)) return gap <= slack;
  if (relative > f->largest) f->largest = relative;
  return true;
}

void finding_wrong(Target *t, Finding *f, const char *fmt, ...) {
  char line[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(line, sizeof line, fmt, ap);
  va_end(ap);
  f->failed++;
  if (f->wrong.n < MOST_WRONG) VEC_PUSH(t->k->c, &f->wrong, str_printf(t->k->c, "%s", line));
}

static bool is_real(const Prog *p, uint32_t result) {
  return ir_type(p, p->root->results.at[result])->elem == ELEM_REAL;
}

/* ---- at one point ---- */

typedef struct Here {
  Target *t;
  Finding *f;
  const Base *b;
  Value *in; /* of the Base */
  VEC(Element) element;
  Value **column; /* for each of them: the Base's results */
  const Value *direction; /* of all leaves, or NULL */
  Value *moved;           /* along it: the Base's results */
  Status status;
} Here;

/* What is found for one leaf is its argument's. */
static Finding *finding_of(const Here *h, uint32_t leaf) {
  const Together *all = h->b->all;
  return all ? &all->own[all->arg[leaf]] : h->f;
}

static void take_all_elements(Here *h) {
  Check *k = h->t->k;
  h->element.n = 0;
  for (uint32_t l = 0; l < h->b->nleaves; l++)
    for (uint64_t j = 0, n = elements_of(&h->in[h->b->leaf[l].param]); j < n && j < 4096; j++)
      VEC_PUSH(k->c, &h->element, ((Element){l, j}));
}

static void choose_elements(Here *h) {
  Check *k = h->t->k;
  take_all_elements(h);
  uint32_t most = WORK / h->b->p->nnodes;
  most = most < FEW_ELEMENTS || h->b->line ? FEW_ELEMENTS
         : most > MOST_ELEMENTS            ? MOST_ELEMENTS
                                           : most;
  for (; h->element.n > most; h->element.n--)
    h->element.at[random_bits(k) % h->element.n] = h->element.at[h->element.n - 1];
}

static void take_columns(Here *h) {
  Ctx *c = h->t->k->c;
  h->column = NEWN(c, Value *, h->element.n + 1);
  for (uint32_t e = 0; e < h->element.n && h->status == GC_OK; e++) {
    Element x = h->element.at[e];
    h->column[e] = NEWN(c, Value, h->b->p->root->results.n + 1);
    h->status =
        run_difference(h->t->k, h->b->p, h->in, h->b->leaf[x.leaf].param, x.at, h->column[e]);
  }
}

static void take_direction(Here *h) {
  static const double start = 0;
  Check *k = h->t->k;
  uint32_t known = h->b->p->root->params.n;
  if (!h->b->line || h->status != GC_OK) return;
  Value *in = point_extended(k, h->in, known, h->b->line);
  in[known].data = &start;
  h->direction = in + known + 1;
  h->moved = NEWN(k->c, Value, h->b->p->root->results.n + 1);
  h->status = run_difference(k, h->b->line, in, known, 0, h->moved);
}

static const char *element_name(const Here *h, Element x) {
  Ctx *c = h->t->k->c;
  const CheckLeaf *l = &h->b->leaf[x.leaf];
  const Value *v = &h->in[l->param];
  Buf b;
  buf_init(&b, c);
  buf_puts(&b, l->name);
  uint64_t size = elements_of(v), at = x.at;
  for (uint32_t k = 0; k < v->rank; k++) {
    size /= (uint64_t)v->dim[k];
    buf_printf(&b, "%s%llu%s", k ? ", " : "[", (unsigned long long)(at / size),
               k + 1 < v->rank ? "" : "]");
    at %= size;
  }
  return buf_text(&b);
}

/* The largest difference of two runs of a result. */
static double rounding(const Value *a, const Value *b) {
  double most = 0;
  for (uint64_t j = 0; a && b && j < elements_of(a) && j < elements_of(b); j++)
    most = fmax(most, fabs(real_at(a, j) - real_at(b, j)));
  return isfinite(most) ? most : 0;
}

/* A derivative as it comes out of the interpreter and of compiled code. */
typedef struct Runs {
  Value *exact, *native, *compiled;
} Runs;

static bool run_mode(Here *h, const Mode *m, const Value *in, Runs *r) {
  Check *k = h->t->k;
  r->exact = run_interpreted(k, m->p, in, CHECK_BITS);
  r->native = run_interpreted(k, m->p, in, 0);
  r->compiled = run_compiled(k, m->jit, in);
  if (r->exact && r->native && r->compiled) return true;
  finding_wrong(h->t, h->f, "%s mode, order %u: %s does not run", m->name, h->b->order,
                r->exact ? "the compiled code" : "the derivative");
  return false;
}

/* A NaN has no sign for us. */
static const char *shown(Ctx *c, double x) {
  return isnan(x) ? "nan" : str_printf(c, "%.10g", x);
}

/* One number of a derivative: exact, compiled, and what rounding does to it. */
typedef struct Got { double exact, compiled, rounding; } Got;

static Got number_of(const Runs *r, uint32_t k, uint64_t j) {
  return (Got){real_at(&r->exact[k], j), real_at(&r->compiled[k], j),
               rounding(&r->native[k], &r->exact[k])};
}

/* Against what it should be. */
static void compare(Here *h, Finding *f, const Mode *m, Got got, double want, double size,
                    const char *what) {
  Ctx *c = h->t->k->c;
  double noise = 1e-14 * (1 + size); /* what doubles leave of terms that cancel */
  if (!finding_take(f, got.exact, want, size, 1e-25 * (1 + size)))
    finding_wrong(h->t, f, "%s mode, order %u, %s: the derivative is %s, its surrogate's %s",
                  m->name, h->b->order, what, shown(c, got.exact), shown(c, want));
  else if (!finding_take(f, got.compiled, want, size, noise + 1000 * got.rounding))
    finding_wrong(h->t, f, "%s mode, order %u, %s: compiled it is %s, its surrogate's %s",
                  m->name, h->b->order, what, shown(c, got.compiled), shown(c, want));
}

/* ---- reverse ---- */

/* The sum of seeds times a column. */
static double against_seeds(const Here *h, const Value *seed, const Value *column, double *size) {
  double sum = 0;
  *size = 0;
  for (uint32_t k = h->b->first, s = 0; k < h->b->first + h->b->n; k++) {
    if (!is_real(h->b->p, k)) continue;
    const Value *u = &seed[s++], *col = &column[k];
    for (uint64_t j = 0; j < elements_of(col); j++) {
      sum += real_at(u, j) * real_at(col, j);
      *size += fabs(real_at(u, j) * real_at(col, j));
    }
  }
  return sum;
}

/* The gradient times the direction. */
static Got along(const Here *h, const Mode *m, const Runs *r) {
  Got sum = {0};
  for (uint32_t l = 0; l < h->b->nleaves; l++)
    for (uint64_t j = 0, n = elements_of(&h->direction[l]); j < n; j++) {
      double d = real_at(&h->direction[l], j);
      sum.exact += d * real_at(&r->exact[m->first + l], j);
      sum.compiled += d * real_at(&r->compiled[m->first + l], j);
      sum.rounding += fabs(d) * fabs(real_at(&r->native[m->first + l], j) -
                                     real_at(&r->exact[m->first + l], j));
    }
  return sum;
}

/* Each element alone, so that those which are wrong get a name; false: none was. */
static bool name_wrong(Here *h, const Mode *m, const Runs *r, const Value *seed) {
  Ctx *c = h->t->k->c;
  bool any = false;
  Value *column = NEWN(c, Value, h->b->p->root->results.n + 1);
  for (uint32_t l = 0; l < h->b->nleaves; l++)
    for (uint64_t j = 0, n = elements_of(&h->direction[l]); j < n; j++) {
      uint32_t param = h->b->leaf[l].param, before = finding_of(h, l)->failed;
      double size = 0, want;
      if (run_difference(h->t->k, h->b->p, h->in, param, j, column) != GC_OK) continue;
      want = against_seeds(h, seed, column, &size);
      compare(h, finding_of(h, l), m, number_of(r, m->first + l, j), want, size,
              element_name(h, (Element){l, j}));
      any |= finding_of(h, l)->failed > before;
    }
  return any;
}

static void reverse_along(Here *h, const Mode *m, const Runs *r, const Value *seed) {
  double size = 0, want = against_seeds(h, seed, h->moved, &size);
  Finding f = {0};
  compare(h, &f, m, along(h, m, r), want, size, "along a direction");
  if (f.largest > h->f->largest) h->f->largest = f.largest;
  if (!f.failed || name_wrong(h, m, r, seed)) return;
  finding_wrong(h->t, h->f, "%s", f.wrong.at[0]);
}

static void reverse_at(Here *h, Mode *m) {
  Value *in = point_extended(h->t->k, h->in, h->b->p->root->params.n, m->p);
  Runs r;
  Value *clip = NULL;
  const Value *seed = in + h->b->p->root->params.n;
  if (h->status == (Status)DIFFERENCE_NONLINEAR) {
    const ClipAsk ask = {h->b->p, h->b->first, h->b->n, h->b->leaf, h->b->nleaves};
    clip = NEWN(h->t->k->c, Value, h->b->nleaves + 1);
    if (!clip_gradient(h->t->k, &ask, h->in, seed, clip)) {
      h->f->in_loop = true;
      return;
    }
  }
  if (!run_mode(h, m, in, &r)) return;
  m->used = true;
  if (clip && h->b->all) take_all_elements(h); /* there is no direction, and all are known */
  for (uint32_t e = 0; e < h->element.n; e++) {
    Element x = h->element.at[e];
    double size = 0, want;
    if (clip)
      size = fabs(want = real_at(&clip[x.leaf], x.at));
    else
      want = against_seeds(h, seed, h->column[e], &size);
    compare(h, finding_of(h, x.leaf), m, number_of(&r, m->first + x.leaf, x.at), want, size,
            element_name(h, x));
  }
  if (h->moved && !clip) reverse_along(h, m, &r, seed);
}

/* ---- forward ---- */

/* Tangents of elements that were not chosen are 0; or all are those of the direction. */
static void only_chosen(const Here *h, Value *tangent) {
  for (uint32_t l = 0; h->moved && l < h->b->nleaves; l++) tangent[l] = h->direction[l];
  if (h->moved) return;
  for (uint32_t l = 0; l < h->b->nleaves; l++) {
    double *x = (double *)(uintptr_t)tangent[l].data;
    for (uint64_t j = 0, n = elements_of(&tangent[l]); j < n; j++) {
      bool chosen = false;
      for (uint32_t e = 0; e < h->element.n; e++)
        chosen |= h->element.at[e].leaf == l && h->element.at[e].at == j;
      if (!chosen) x[j] = 0;
    }
  }
}

static void forward_at(Here *h, Mode *m) {
  Value *in = point_extended(h->t->k, h->in, h->b->p->root->params.n, m->p);
  Value *tangent = in + h->b->p->root->params.n;
  Runs r;
  if (h->status != GC_OK) return;
  only_chosen(h, tangent);
  if (!run_mode(h, m, in, &r)) return;
  m->used = true;
  for (uint32_t k = 0; k < h->b->n; k++) {
    if (!is_real(h->b->p, h->b->first + k)) continue;
    for (uint64_t j = 0, n = elements_of(&r.exact[m->first + k]); j < n; j++) {
      double want = 0, size = 0;
      for (uint32_t e = 0; e < h->element.n; e++) {
        double term = real_at(&h->column[e][h->b->first + k], j) *
                      real_at(&tangent[h->element.at[e].leaf], h->element.at[e].at);
        want += term;
        size += fabs(term);
      }
      if (h->moved) size = fabs(want = real_at(&h->moved[h->b->first + k], j));
      compare(h, h->f, m, number_of(&r, m->first + k, j), want, size, "along a direction");
    }
  }
}

/* ---- an order ---- */

static void check_order(Target *t, Finding *f, const Base *b, Mode *reverse, Mode *forward,
                        uint32_t points) {
  Check *k = t->k;
  for (uint32_t n = 0; n < points && n < t->point.n; n++) {
    Here h = {.t = t, .f = f, .b = b};
    h.in = point_extended(k, t->point.at[n], t->value->root->params.n, b->p);
    choose_elements(&h);
    take_columns(&h);
    take_direction(&h);
    if (h.status == (Status)DIFFERENCE_KINK) {
      f->kinks++;
      continue;
    }
    if (h.status == (Status)DIFFERENCE_NONLINEAR)
      f->nonlinear = true;
    else if (h.status != GC_OK)
      continue;
    if (reverse->p) reverse_at(&h, reverse);
    if (forward->p) forward_at(&h, forward);
    f->compared += reverse->used || forward->used;
  }
  f->derivatives += (uint32_t)reverse->used + forward->used;
}

static bool compile_mode(Check *k, Mode *m) {
  if (m->p) m->jit = compiled_program(k, m->p);
  return m->p != NULL;
}

/* ---- many arguments ---- */

typedef struct Moving {
  const Base *b;
  Prog *p;
} Moving;

static Ref new_param(Prog *p, const Type *t);

/* The program at x + s*d: d for each leaf, and s, are parameters. */
static void move_leaves(void *self) {
  Moving *w = self;
  Copy k;
  Prog *to = prog_start(&k, w->b->p);
  Ref s = new_param(to, type_scalar(to, ELEM_REAL));
  Ref *d = NEWN(to->ctx, Ref, w->b->nleaves);
  for (uint32_t l = 0; l < w->b->nleaves; l++)
    d[l] = new_param(to, ir_type(to, copy_ref(&k, w->b->p->root->params.at[w->b->leaf[l].param])));
  for (uint32_t l = 0; l < w->b->nleaves; l++) {
    Ref old = w->b->p->root->params.at[w->b->leaf[l].param], x = copy_ref(&k, old);
    Ref far = ir_map2(to, P_MUL, ir_fill(to, s, ir_type(to, x)), d[l]);
    copy_set(&k, old, ir_map2(to, P_ADD, x, far));
  }
  copy_nodes(&k, w->b->p->root);
  prog_finish(&k);
  w->p = to;
}

static Prog *along_a_line(Target *t, const Base *b) {
  Moving w = {b, NULL};
  if (!b->all) return NULL;
  return check_quietly(t->k, move_leaves, &w) == GC_OK ? w.p : NULL;
}

/* ---- order 2 ---- */

typedef struct Again {
  Prog *p;
  const Base *b;
  bool forward, done;
} Again;

static void drop_results(Prog *p) {
  p->root->results.n = p->sig.results.n = 0;
}

static void new_result(Prog *p, Ref r, const Type *t) {
  if (!r) r = ir_zero(p, t);
  ir_result(p, r);
  prog_result(p, ((SigResult){"derivative", r}));
}

static Ref new_param(Prog *p, const Type *t) {
  Ref r = ir_param(p, t);
  ir_node(p, r)->name = "seed";
  prog_param(p, ((SigParam){.name = "seed", .ref = r}));
  return r;
}

static void differentiate_again(void *self) {
  Again *a = self;
  Prog *p = a->p;
  const Base *b = a->b;
  uint32_t n = b->n, nx = b->nleaves;
  Ref *y = NEWN(p->ctx, Ref, n + 1), *x = NEWN(p->ctx, Ref, nx + 1);
  for (uint32_t k = 0; k < n; k++) y[k] = p->root->results.at[b->first + k];
  for (uint32_t k = 0; k < nx; k++) x[k] = p->root->params.at[b->leaf[k].param];
  if (a->forward && !diff_forward_possible(p, n, y, nx, x)) return;
  Ref *seed = NEWN(p->ctx, Ref, n + nx), *out = NEWN(p->ctx, Ref, n + nx);
  const Ref *like = a->forward ? x : y, *of = a->forward ? y : x;
  for (uint32_t k = 0; k < (a->forward ? nx : n); k++) seed[k] = new_param(p, ir_type(p, like[k]));
  p->derivative = true;
  if (a->forward)
    diff_forward(p, n, y, nx, x, seed, 0, NULL, (Span){0}, out);
  else
    diff_reverse(p, n, y, seed, nx, x, 0, NULL, out);
  drop_results(p);
  for (uint32_t k = 0; k < (a->forward ? n : nx); k++) new_result(p, out[k], ir_type(p, of[k]));
  a->done = true;
}

static Prog *once_more(Target *t, const CheckArg *arg, const Base *b, bool forward) {
  Again a = {.p = target_program(t, DERIV_VJP, arg), .b = b, .forward = forward};
  if (!a.p || check_quietly(t->k, differentiate_again, &a) != GC_OK) return NULL;
  return a.done ? a.p : NULL;
}

/* All real leaves of the function. */
static uint32_t all_leaves(Target *t, CheckLeaf **leaf) {
  VEC(CheckLeaf) all = {0};
  for (uint32_t k = 0; k < t->arg.n; k++)
    for (uint32_t j = 0; j < t->arg.at[k].leaf.n; j++)
      VEC_PUSH(t->k->c, &all, t->arg.at[k].leaf.at[j]);
  *leaf = all.at;
  return all.n;
}

static void order_2(Target *t, const CheckArg *a, Finding *f, Prog *vjp, const Together *all) {
  CheckLeaf *leaf;
  uint32_t n = all_leaves(t, &leaf), nv = t->value->root->results.n;
  Base b = {vjp, nv, vjp->root->results.n - nv, leaf, n, 2, all, NULL};
  Mode reverse = {.name = "reverse", .p = once_more(t, a, &b, false)};
  Mode forward = {.name = "forward", .p = once_more(t, a, &b, true)};
  if (!reverse.p)
    finding_wrong(t, f, "reverse mode, order 2: it cannot be differentiated once more");
  compile_mode(t->k, &reverse);
  compile_mode(t->k, &forward);
  b.line = along_a_line(t, &b);
  check_order(t, f, &b, &reverse, &forward, ORDER_2_POINTS);
}

/* ---- both ---- */

static uint32_t real_results(const Prog *p) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < p->root->results.n; k++) n += is_real(p, k);
  return n;
}

/* Seeds are parameters, so what they go with must have sizes that parameters give. */
static bool sizes_known(Target *t) {
  const Prog *p = t->value;
  for (uint32_t k = 0; k < p->root->results.n; k++)
    if (!new_value(t->k, p, ir_type(p, p->root->results.at[k]), t->point.at[0]).data) return false;
  return true;
}

void check_orders(Target *t, const CheckArg *a, Finding *f, const Together *all) {
  if (!real_results(t->value))
    f->why_not = "its result has no derivative";
  else if (!sizes_known(t))
    f->why_not = "the size of its result is known at run time only";
  if (f->why_not) return;
  uint32_t nv = t->value->root->results.n;
  Base b = {t->value, 0, nv, a->leaf.at, a->leaf.n, 1, all, NULL};
  Mode reverse = {.name = "reverse", .p = target_program(t, DERIV_VJP, a), .first = nv};
  Mode forward = {.name = "forward", .p = target_program(t, DERIV_JVP, a), .first = nv};
  if (reverse.p && reverse.p->root->params.n - t->value->root->params.n != real_results(t->value)) {
    f->why_not = "a part of its value is none";
    return;
  }
  if (!compile_mode(t->k, &reverse))
    finding_wrong(t, f, "reverse mode: it cannot be differentiated");
  compile_mode(t->k, &forward);
  b.line = along_a_line(t, &b);
  check_order(t, f, &b, &reverse, &forward, t->point.n);
  if (!forward.p && !f->nonlinear) finding_wrong(t, f, "forward mode: it cannot be differentiated");
  if (reverse.p) order_2(t, a, f, reverse.p, all);
  if (f->compared) return;
  f->why_not = f->in_loop ? "a rule that is not linear stands in a loop"
               : f->kinks ? "there is a kink at every point tried"
                          : "no difference could be taken";
}
