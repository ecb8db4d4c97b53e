/* derivatives.c - grad, vjp and jvp of values, and f'(x).
 *
 * A value is taken apart into leaves, differentiate/ works on those, and the results
 * are put together in the shape that the operator promises.  A leaf that is not reached
 * becomes `none` and says why.
 *
 * Requires: the real leaves of x and held are VAR nodes. */
#include "elaborate/derivatives.h"
#include "elaborate/private.h"

/* ---- questions ---- */

static Leaves leaves_of(Elab *e, const Val *v) {
  Leaves l = {.whole = v};
  l.n = val_leaves(e, v, &l.val);
  l.ref = NEWN(e->c, Ref, l.n);
  for (uint32_t k = 0; k < l.n; k++)
    if (l.val[k]->kind == VAL_NODE && ir_type(e->p, l.val[k]->ref)->elem == ELEM_REAL)
      l.ref[k] = l.val[k]->ref;
  return l;
}

void deriv_ask(Deriv *d, Elab *e, const Val *y, const Val *x, uint32_t nheld,
               const Val *const *held, Span at) {
  VEC(Ref) constant = {0};
  *d = (Deriv){.e = e, .y = leaves_of(e, y), .x = leaves_of(e, x), .at = at};
  for (uint32_t k = 0; k < nheld; k++) {
    Leaves l = leaves_of(e, held[k]);
    for (uint32_t j = 0; j < l.n; j++)
      if (l.ref[j]) VEC_PUSH(e->c, &constant, l.ref[j]);
  }
  d->held = constant.at;
  d->nheld = constant.n;
}

/* The leaves that carry a derivative, side by side; `with` goes along with them. */
static uint32_t live(Elab *e, const Leaves *l, const Ref *with, Ref **ref, Ref **beside) {
  uint32_t n = 0;
  *ref = NEWN(e->c, Ref, l->n);
  *beside = NEWN(e->c, Ref, l->n);
  for (uint32_t k = 0; k < l->n; k++) {
    if (!l->ref[k]) continue;
    (*ref)[n] = l->ref[k];
    (*beside)[n++] = with ? with[k] : 0;
  }
  return n;
}

/* Results of the live leaves back at their places. */
static void place(const Leaves *l, const Ref *live_out, Ref *out) {
  for (uint32_t k = 0, j = 0; k < l->n; k++) out[k] = l->ref[k] ? live_out[j++] : 0;
}

void deriv_reverse(const Deriv *d, const Ref *seed, Ref *out) {
  Prog *p = d->e->p;
  Ref *y, *seeds, *x, *adjoint;
  uint32_t ny = live(d->e, &d->y, seed, &y, &seeds), nx = live(d->e, &d->x, NULL, &x, &adjoint);
  bool before = p->derivative;
  p->derivative = true;
  diff_reverse(p, ny, y, seeds, nx, x, d->nheld, d->held, adjoint);
  p->derivative = before;
  place(&d->x, adjoint, out);
}

void deriv_forward(const Deriv *d, const Ref *dx, Ref *out) {
  Prog *p = d->e->p;
  Ref *y, *tangent, *x, *dxs;
  uint32_t ny = live(d->e, &d->y, NULL, &y, &tangent), nx = live(d->e, &d->x, dx, &x, &dxs);
  bool before = p->derivative;
  p->derivative = true;
  diff_forward(p, ny, y, nx, x, dxs, d->nheld, d->held, d->at, tangent);
  p->derivative = before;
  place(&d->y, tangent, out);
}

bool deriv_forward_possible(const Deriv *d) {
  Ref *y, *x, *unused;
  uint32_t ny = live(d->e, &d->y, NULL, &y, &unused), nx = live(d->e, &d->x, NULL, &x, &unused);
  return diff_forward_possible(d->e->p, ny, y, nx, x);
}

/* ---- why there is none ---- */

static const char *leaf_why(Elab *e, const Val *v) {
  if (v->kind == VAL_NONE) return v->why ? v->why : "what is differentiated is none";
  return str_printf(e->c, "%s carries no derivative", val_type_text(e, v));
}

static const char *cut_why(Elab *e, Ref x, const Cut *cut) {
  const char *name = ir_node(e->p, x)->name;
  if (!name) name = "the variable";
  if (!cut->connected) return str_printf(e->c, "nothing connects the expression with %s", name);
  if (!cut->what) return str_printf(e->c, "every path from %s is stopped", name);
  if (!cut->stop.file)
    return str_printf(e->c, "every path from %s is stopped by %s", name, cut->what);
  uint32_t line, column;
  source_where(e->c, cut->stop, &line, &column);
  return str_printf(e->c, "every path from %s is stopped: %s at %s:%u:%u", name, cut->what,
                    source_get(e->c, cut->stop.file)->name, line, column);
}

/* The best reason there is: a path that is stopped says more than no path. */
static const char *none_why(const Deriv *d, Part part) {
  const char *why = "nothing connects the expression with the variable";
  for (uint32_t j = part.from; j < part.to; j++)
    for (uint32_t k = part.xfrom; k < part.xto; k++) {
      Cut cut = {0};
      if (!d->y.ref[j]) { why = leaf_why(d->e, d->y.val[j]); continue; }
      if (!d->x.ref[k]) { why = leaf_why(d->e, d->x.val[k]); continue; }
      diff_reaches(d->e->p, d->y.ref[j], d->x.ref[k], d->nheld, d->held, &cut);
      why = cut_why(d->e, d->x.ref[k], &cut);
      if (cut.connected) return why;
    }
  return why;
}

const Val *deriv_part(const Deriv *d, Ref g, Part part, uint32_t nalso, const Ref *also) {
  VEC(Ref) tie = {0};
  if (!g) return val_none(d->e, none_why(d, part));
  for (uint32_t j = part.from; j < part.to; j++)
    if (d->y.ref[j]) VEC_PUSH(d->e->c, &tie, d->y.ref[j]);
  for (uint32_t k = 0; k < nalso; k++)
    if (also[k] && ir_node(d->e->p, also[k])->op != IR_CONST) VEC_PUSH(d->e->c, &tie, also[k]);
  return val_node(d->e, ir_tie(d->e->p, g, tie.n, tie.at));
}

void val_warn_none(Elab *e, const char *what, const Val *v, Span at) {
  const Val **leaf;
  uint32_t n = val_leaves(e, v, &leaf);
  for (uint32_t k = 0; k < n; k++) {
    if (leaf[k]->kind != VAL_NONE) continue;
    const char *text = str_printf(e->c, "%s gives none: %s", what, leaf_why(e, leaf[k]));
    bool told = false;
    for (uint32_t j = 0; !told && j < diag_count(e->c); j++) {
      const Diag *g = diag_get(e->c, j);
      told = g->span.start == at.start && g->span.file == at.file && strcmp(g->text, text) == 0;
    }
    if (!told) warn(e->c, "none", at, "%s", text);
  }
}

/* ---- seeds and directions ---- */

/* r of the type t, whose sizes may have to be compared while running. */
static Ref fitted(Deriv *d, Ref r, const Type *t, const char *what) {
  Elab *e = d->e;
  const Type *have = ir_type(e->p, r);
  if (have == t) return r;
  if (have->rank != t->rank)
    fail_at(e->c, d->at, "they must have the same shape",
            "the %s is %s and goes with %s", what, type_words(e, have),
            type_words(e, t));
  for (uint32_t k = 0; k < t->rank; k++)
    sizes_agree(e, have->dim[k], t->dim[k], d->at,
                str_printf(e->c, "the %s and of what it goes with", what));
  return ir_reshape(e->p, r, t);
}

/* The leaves of u, which must be shaped as l; 0 where it is none. */
static Ref *directions(Deriv *d, const Leaves *l, const Val *u, const char *what) {
  Elab *e = d->e;
  const Val *like = l->whole, **leaf;
  bool alike = val_align(e, &like, &u);
  uint32_t n = val_leaves(e, u, &leaf);
  Ref *out = NEWN(e->c, Ref, l->n);
  if (!alike || n != l->n)
    fail_at(e->c, d->at, "they must have the same shape",
            "the %s is %s and goes with %s", what, val_type_text(e, u),
            val_type_text(e, l->whole));
  for (uint32_t k = 0; k < n; k++)
    if (l->ref[k] && leaf[k]->kind != VAL_NONE)
      out[k] = fitted(d, val_real(e, leaf[k], d->at), ir_type(e->p, l->ref[k]), what);
  return out;
}

/* ---- grad, vjp, jvp ---- */

void deriv_need_scalar(Elab *e, const Val *y, const char *what, Span at) {
  if (y->kind == VAL_NONE || val_is_scalar(e, y)) return;
  fail_at(e->c, at, "make it one number, as with sum(e), or ask for jacobian(e, x)",
          "%s takes a scalar, not %s", what, val_type_text(e, y));
}

static const Val *shaped_as_x(Deriv *d, const Ref *seed) {
  Ref *g = NEWN(d->e->c, Ref, d->x.n);
  const Val **part = NEWN(d->e->c, const Val *, d->x.n);
  deriv_reverse(d, seed, g);
  for (uint32_t k = 0; k < d->x.n; k++)
    part[k] = deriv_part(d, g[k], (Part){0, d->y.n, k, k + 1}, d->y.n, seed);
  return val_rebuild(d->e, d->x.whole, part);
}

const Val *deriv_grad(Elab *e, const Val *y, const Val *x, uint32_t nheld,
                      const Val *const *held, Span at) {
  Deriv d;
  deriv_need_scalar(e, y, "grad", at);
  deriv_ask(&d, e, y, x, nheld, held, at);
  Ref one = ir_real(e->p, 1);
  return shaped_as_x(&d, &one);
}

const Val *deriv_vjp(Elab *e, const Val *y, const Val *x, const Val *u, uint32_t nheld,
                     const Val *const *held, Span at) {
  Deriv d;
  deriv_ask(&d, e, y, x, nheld, held, at);
  return shaped_as_x(&d, directions(&d, &d.y, u, "cotangent"));
}

const Val *deriv_jvp(Elab *e, const Val *y, const Val *x, const Val *dx, uint32_t nheld,
                     const Val *const *held, Span at) {
  Deriv d;
  deriv_ask(&d, e, y, x, nheld, held, at);
  Ref *direction = directions(&d, &d.x, dx, "direction"), *g = NEWN(e->c, Ref, d.y.n);
  const Val **part = NEWN(e->c, const Val *, d.y.n);
  deriv_forward(&d, direction, g);
  for (uint32_t j = 0; j < d.y.n; j++)
    part[j] = deriv_part(&d, g[j], (Part){j, j + 1, 0, d.x.n}, d.x.n, direction);
  return val_rebuild(e, y, part);
}

/* ---- primes ---- */

static const char *function_name(const Val *f) {
  return f->kind == VAL_FUNC && f->func->name ? f->func->name : "f";
}

static int parameters(const Val *f) {
  if (f->func->base) return parameters(&(Val){.kind = VAL_FUNC, .func = f->func->base});
  if (f->func->builtin) return f->func->builtin->lazy ? -1 : f->func->builtin->min_args;
  const Ast *def = f->func->def;
  return def->kind == AST_LAMBDA ? (int)def->nkids - 1 : (int)def->kid[0]->nkids;
}

static void check_prime(Elab *e, const Val *f, Span at) {
  if (f->kind != VAL_FUNC)
    fail_at(e->c, at, "grad(e, x) differentiates an expression; A.T is the transpose",
            "f'(x) needs a function, not %s", val_type_text(e, f));
  int n = parameters(f);
  const char *name = function_name(f);
  if (n < 0)
    fail_at(e->c, at, "nest the operators: grad(grad(e, x), x)",
            "%s is itself a derivative operator", name);
  if (n != 1)
    fail_at(e->c, at, str_printf(e->c, "name the variable, as in grad(%s(…), x)", name),
            "%s'(x) needs a function of one argument, and %s has %d", name, name, n);
}

/* The derivative of an array that is element by element a function of array x: the
 * Jacobian is diagonal, so ones against it give the diagonal. */
static const Val *diagonal(Elab *e, const Val *y, const Val *x, Span at) {
  const Val *ones;
  if (y->kind != VAL_NODE || ir_type(e->p, y->ref)->elem != ELEM_REAL) ones = y;
  else ones = val_node(e, ir_fill(e->p, ir_real(e->p, 1), ir_type(e->p, y->ref)));
  return deriv_vjp(e, y, x, ones, 0, NULL, at);
}

static void check_elementwise(Elab *e, const Val *f, const Val *y, const Val *x, Span at) {
  const char *name = function_name(f);
  bool arrays = y->kind == VAL_NODE && x->kind == VAL_NODE;
  if (arrays && diff_elementwise(e->p, y->ref, x->ref)) return;
  if (arrays && !diff_reaches(e->p, y->ref, x->ref, 0, NULL, &(Cut){0})) return;
  fail_at(e->c, at, str_printf(e->c, "jacobian(%s(x), x) gives all of it", name),
          "%s'(x): the result %s is not a scalar and %s does not work element by element", name,
          val_type_text(e, y), name);
}

const Val *deriv_prime(Elab *e, const Val *f, uint32_t order, const Val *arg, Span at) {
  check_prime(e, f, at);
  const Val *x = val_vars(e, arg), *y = elab_apply(e, f, &x, 1, at);
  bool scalar = y->kind == VAL_NONE || val_is_scalar(e, y);
  if (!scalar) check_elementwise(e, f, y, x, at);
  for (uint32_t k = 0; k < order; k++) {
    if (!scalar) y = diagonal(e, y, x, at);
    else if (k == 0) y = deriv_grad(e, y, x, 0, NULL, at);
    else y = deriv_jacobian(e, y, x, 0, NULL, at);
    if (y->kind == VAL_NONE) break;
  }
  return y;
}
