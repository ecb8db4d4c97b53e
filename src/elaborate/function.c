/* function.c - one function as a program: its parameters become parameters of the root,
 * size names first, records flattened; then the value, and what derivative is asked for. */
#include "elaborate/private.h"

typedef struct Whole {
  Elab *e;
  const Function *f;
  const Ast *params;
  uint32_t n;
  TypeExpr **type;
  const Val **arg;
  SizeEnv env;
  VEC(const char *) sizes;  /* size names in order */
} Whole;

/* ---- size names --------------------------------------------------------- */

static bool is_int(const TypeExpr *t) {
  return t->kind == TYPE_ARRAY && t->rank == 0 && t->elem == ELEM_INT;
}

static bool is_int_param(const Whole *w, const char *name) {
  for (uint32_t k = 0; k < w->n; k++)
    if (w->params->kid[k]->name == name && is_int(w->type[k])) return true;
  return false;
}

static bool has_size(const Whole *w, const char *name) {
  for (uint32_t k = 0; k < w->sizes.n; k++)
    if (w->sizes.at[k] == name) return true;
  return false;
}

static bool is_alone(Size s) {
  return s->n == 1 && s->mono[0].n == 1 && s->mono[0].exp[0] == 1 && s->mono[0].num == 1 &&
         s->mono[0].den == 1;
}

/* Adds the names of s; those that stand alone in the first round, the others later, when
 * a constant of that name takes its place. */
static void add_size(Whole *w, Size s, bool alone) {
  if (alone && !is_alone(s)) return;
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t j = 0; j < s->mono[k].n; j++) {
      const char *name = size_atom_name(w->e, s->mono[k].atom[j]);
      const Named *d = module_binding(w->e->m, name);
      if (is_int_param(w, name) || has_size(w, name)) continue;
      if (!alone && d && d->constant) continue;
      VEC_PUSH(w->e->c, &w->sizes, name);
    }
}

static void add_sizes(Whole *w, const TypeExpr *t, bool alone) {
  for (uint32_t k = 0; k < t->rank; k++) add_size(w, t->dim[k], alone);
  for (uint32_t k = 0; k < t->n; k++) add_sizes(w, t->kid[k], alone);
}

static void bind_constant_sizes(Whole *w, const TypeExpr *t) {
  Elab *e = w->e;
  for (uint32_t k = 0; k < t->rank; k++)
    for (uint32_t i = 0; i < t->dim[k]->n; i++)
      for (uint32_t j = 0; j < t->dim[k]->mono[i].n; j++) {
        const char *name = size_atom_name(e, t->dim[k]->mono[i].atom[j]);
        if (has_size(w, name) || is_int_param(w, name) || env_find(&w->env, name)) continue;
        const Val *v = scope_find(e, scope_root(e, e->m, false), name);
        env_bind(e, &w->env, name, size_of(e, val_int(e, v, t->at)), t->at, "the constant");
      }
  for (uint32_t k = 0; k < t->n; k++) bind_constant_sizes(w, t->kid[k]);
}

/* ---- parameters of the root --------------------------------------------- */

static Ref root_param(Elab *e, const Type *t, const char *name, bool is_size, Span at) {
  Ref r = ir_param(e->p, t);
  ir_node(e->p, r)->name = name;
  SigParam s = {name, r, is_size, at};
  prog_param(e->p, s);
  return r;
}

/* The value that the request gives to size number k, or NULL. */
static const int64_t *size_given(const Whole *w, const Request *q, uint32_t k) {
  if (!q) return NULL;
  for (uint32_t j = 0; j < q->nnamed; j++) {
    if (q->named[j].name != w->sizes.at[k]) continue;
    q->named[j].used = true;
    return &q->named[j].n;
  }
  return q->sizes && k < q->nsizes ? &q->sizes[k] : NULL;
}

static void size_params(Whole *w, const Request *q) {
  Elab *e = w->e;
  for (uint32_t k = 0; k < w->n; k++) add_sizes(w, w->type[k], true);
  for (uint32_t k = 0; k < w->n; k++) add_sizes(w, w->type[k], false);
  for (uint32_t k = 0; k < w->sizes.n; k++) {
    const char *name = w->sizes.at[k];
    const int64_t *given = size_given(w, q, k);
    Size s = given ? size_const(e->p, *given)
                   : size_of(e, root_param(e, type_scalar(e->p, ELEM_INT), name, true,
                                           w->params->span));
    env_bind(e, &w->env, name, s, w->params->span, "its size");
  }
  for (uint32_t k = 0; k < w->n; k++) bind_constant_sizes(w, w->type[k]);
}

static const Val *param_value(Whole *w, const TypeExpr *t, const char *path, Span at) {
  Elab *e = w->e;
  if (t->kind == TYPE_ARRAY) {
    Size dim[MAX_RANK];
    for (uint32_t k = 0; k < t->rank; k++) dim[k] = env_size(e, &w->env, t->dim[k], t->at);
    return val_node(e, root_param(e, type_array(e->p, t->elem, t->rank, dim), path, false, at));
  }
  const Val **kid = NEWN(e->c, const Val *, t->n);
  for (uint32_t k = 0; k < t->n; k++) {
    const char *part = t->kind == TYPE_RECORD ? str_printf(e->c, "%s.%s", path, t->field[k])
                                              : str_printf(e->c, "%s.%u", path, k);
    kid[k] = param_value(w, t->kid[k], intern_z(e->c, part), at);
  }
  return t->kind == TYPE_RECORD ? val_record(e, t->n, t->field, kid) : val_tuple(e, t->n, kid);
}

static void value_params(Whole *w) {
  Elab *e = w->e;
  for (uint32_t k = 0; k < w->n; k++) {
    const Ast *a = w->params->kid[k];
    w->arg[k] = param_value(w, w->type[k], a->name, a->name_span);
    if (is_int(w->type[k]))
      env_bind(e, &w->env, a->name, size_of(e, w->arg[k]->ref), a->name_span, "its value");
  }
}

static TypeExpr *scalar_real(Elab *e, Span at) {
  TypeExpr *t = NEW(e->c, TypeExpr);
  t->kind = TYPE_ARRAY;
  t->elem = ELEM_REAL;
  t->at = at;
  return t;
}

static const Function *need_function(Module *m, const char *name) {
  const Function *f = module_find(m, intern_z(m->c, name));
  if (f) return f;
  const char **names;
  uint32_t n = module_functions(m, &names);
  const char *near = nearest_word(name, names, n);
  fail_at(m->c, (Span){0}, near ? str_printf(m->c, "did you mean `%s`?", near)
               : "-f names a function that the file defines or imports",
          "there is no function `%s`", name);
}

static Whole whole_open(Module *m, const Function *f, bool typed) {
  Whole w = {.e = elab_new(m), .f = f, .params = f->def->kid[0]};
  w.n = w.params->nkids;
  w.type = NEWN(m->c, TypeExpr *, w.n);
  w.arg = NEWN(m->c, const Val *, w.n);
  for (uint32_t k = 0; k < w.n; k++) {
    const Ast *a = w.params->kid[k];
    if (a->kid[0]) w.type[k] = type_resolve(w.e, m, a->kid[0]);
    else if (!typed) w.type[k] = scalar_real(w.e, a->span);
    else
      fail_at(m->c, a->name_span,
              str_printf(m->c, "write %s: real, or %s: real[n]", a->name, a->name),
              "parameter `%s` of `%s` needs a type here", a->name, f->name);
  }
  return w;
}

/* ---- what is differentiated with respect to ----------------------------- */

static const char *underscored(Ctx *c, const char *path) {
  char *s = NEWN(c, char, strlen(path) + 1);
  for (size_t k = 0; path[k]; k++) s[k] = path[k] == '.' ? '_' : path[k];
  return s;
}

static _Noreturn void fail_wrt(Whole *w, const char *path) {
  VEC(const char *) words = {0};
  for (uint32_t k = 0; k < w->e->p->sig.params.n; k++)
    if (!w->e->p->sig.params.at[k].is_size)
      VEC_PUSH(w->e->c, &words, w->e->p->sig.params.at[k].name);
  const char *near = nearest_word(path, words.at, words.n);
  fail_at(w->e->c, w->f ? w->f->def->name_span : (Span){0},
          near ? str_printf(w->e->c, "did you mean `%s`?", near)
               : "name parameters of the function, or fields of one: p.W",
          "there is no parameter `%s` to differentiate with respect to", path);
}

/* Parameter number of a path's first name. */
static uint32_t path_param(Whole *w, const char *path) {
  size_t n = strcspn(path, ".");
  for (uint32_t k = 0; k < w->n; k++) {
    const char *name = w->params->kid[k]->name;
    if (strlen(name) == n && strncmp(name, path, n) == 0) return k;
  }
  fail_wrt(w, path);
}

static const Val *path_value(Whole *w, const char *path) {
  const Val *v = w->arg[path_param(w, path)];
  for (const char *p = strchr(path, '.'); p; p = strchr(p + 1, '.')) {
    size_t n = strcspn(p + 1, ".");
    const Val *field = NULL;
    for (uint32_t k = 0; v->kind == VAL_RECORD && k < v->n; k++)
      if (strlen(v->field[k]) == n && strncmp(v->field[k], p + 1, n) == 0) field = v->kid[k];
    if (!field) fail_wrt(w, path);
    v = field;
  }
  const Val **leaf;
  uint32_t n = val_leaves(w->e, v, &leaf);
  for (uint32_t k = 0; k < n; k++)
    if (val_type(w->e, leaf[k])->elem == ELEM_REAL) return v;
  fail_at(w->e->c, w->params->kid[path_param(w, path)]->span, NULL,
          "only reals have derivatives: `%s` is %s", path, val_type_text(w->e, v));
}

/* The variables: a tuple unless there is one. */
static const Val *variables(Whole *w, const char **wrt, uint32_t nwrt) {
  const Val **part = NEWN(w->e->c, const Val *, nwrt);
  bool *done = NEWN(w->e->c, bool, w->n);
  for (uint32_t k = 0; k < nwrt; k++) {
    uint32_t param = path_param(w, wrt[k]);
    if (!done[param]) w->arg[param] = val_vars_typed(w->e, w->arg[param]);
    done[param] = true;
  }
  for (uint32_t k = 0; k < nwrt; k++) part[k] = path_value(w, wrt[k]);
  return nwrt == 1 ? part[0] : val_tuple(w->e, nwrt, part);
}

/* All real parameters. */
static uint32_t all_real(Whole *w, const char ***wrt) {
  VEC(const char *) names = {0};
  for (uint32_t k = 0; k < w->n; k++) {
    const Val **leaf;
    uint32_t n = val_leaves(w->e, w->arg[k], &leaf);
    bool real = false;
    for (uint32_t j = 0; j < n; j++) real |= val_type(w->e, leaf[j])->elem == ELEM_REAL;
    if (real) VEC_PUSH(w->e->c, &names, w->params->kid[k]->name);
  }
  *wrt = names.at;
  return names.n;
}

/* ---- results ------------------------------------------------------------ */

static void add_result(Elab *e, const char *name, const Val *leaf, bool keep_none) {
  Ref r = 0;
  if (leaf->kind == VAL_NODE) r = leaf->ref;
  else if (leaf->kind == VAL_FUNC)
    fail_at(e->c, e->p->pos, NULL, "a function is not a result");
  else if (!keep_none) r = ir_real(e->p, 0);
  if (r) ir_result(e->p, r);
  SigResult s = {name, r};
  prog_result(e->p, s);
}

/* The leaves of v under names that begin with `path`. */
static void add_results(Elab *e, const char *path, const Val *v, bool keep_none) {
  if (v->kind != VAL_TUPLE && v->kind != VAL_RECORD) {
    add_result(e, path, v, keep_none);
    return;
  }
  for (uint32_t k = 0; k < v->n; k++) {
    const char *name = v->kind == VAL_RECORD ? str_printf(e->c, "%s_%s", path, v->field[k])
                                             : str_printf(e->c, "%s_%u", path, k);
    add_results(e, name, v->kid[k], keep_none);
  }
}

/* none in the shape of x: zeros of its leaves. */
static const Val *zeros_like(Elab *e, const Val *v, const Val *like) {
  const Val *shape = like, *out = v, **leaf, **want;
  if (!val_align(e, &shape, &out)) return v;
  uint32_t n = val_leaves(e, out, &leaf);
  val_leaves(e, shape, &want);
  for (uint32_t k = 0; k < n; k++)
    if (leaf[k]->kind == VAL_NONE && want[k]->kind == VAL_NODE)
      leaf[k] = val_node(e, ir_zero(e->p, type_with_elem(e, val_type(e, want[k]), ELEM_REAL)));
  return val_rebuild(e, out, leaf);
}

/* Real leaves alone: int parameters in a record have no gradient. */
static void add_gradient(Whole *w, const char *name, const Val *v, const Val *x) {
  Elab *e = w->e;
  if (x->kind == VAL_TUPLE || x->kind == VAL_RECORD) {
    for (uint32_t k = 0; k < x->n; k++) {
      const char *part = x->kind == VAL_RECORD ? str_printf(e->c, "%s_%s", name, x->field[k])
                                               : str_printf(e->c, "%s_%u", name, k);
      add_gradient(w, part, v->kind == VAL_NONE ? v : v->kid[k], x->kid[k]);
    }
    return;
  }
  if (val_type(e, x)->elem == ELEM_REAL) add_result(e, name, zeros_like(e, v, x), false);
}

/* One result for each of the names, shaped as the variables. */
static void add_gradients(Whole *w, const char *prefix, const Val *v, const Val *x,
                          const Request *q) {
  for (uint32_t k = 0; k < q->nwrt; k++) {
    const char *name = str_printf(w->e->c, "%s_%s", prefix, underscored(w->e->c, q->wrt[k]));
    const Val *part = q->nwrt == 1 || v->kind == VAL_NONE ? v : v->kid[k];
    add_gradient(w, name, part, q->nwrt == 1 ? x : x->kid[k]);
  }
}

/* New parameters of the root beside the real leaves of v: cotangents, tangents. */
static const Val *seeds(Elab *e, const char *name, const Val *v, Span at) {
  if (v->kind == VAL_TUPLE || v->kind == VAL_RECORD) {
    const Val **kid = NEWN(e->c, const Val *, v->n);
    for (uint32_t k = 0; k < v->n; k++) {
      const char *part = v->kind == VAL_RECORD ? str_printf(e->c, "%s_%s", name, v->field[k])
                                               : str_printf(e->c, "%s_%u", name, k);
      kid[k] = seeds(e, part, v->kid[k], at);
    }
    return v->kind == VAL_RECORD ? val_record(e, v->n, v->field, kid) : val_tuple(e, v->n, kid);
  }
  if (v->kind != VAL_NODE || val_type(e, v)->elem != ELEM_REAL)
    return val_none(e, "it is not real");
  if (!type_is_early(e->p, val_type(e, v)))
    fail_at(e->c, at, "give the size a name, or make it an int parameter",
            "the shape of `%s` would be known only while the function runs", name);
  return val_node(e, root_param(e, val_type(e, v), intern_z(e->c, name), false, at));
}

static const Val *tangents(Whole *w, const Val *x, const Request *q, Span at) {
  Elab *e = w->e;
  const Val **part = NEWN(e->c, const Val *, q->nwrt);
  for (uint32_t k = 0; k < q->nwrt; k++)
    part[k] = seeds(e, str_printf(e->c, "d_%s", underscored(e->c, q->wrt[k])),
                    q->nwrt == 1 ? x : x->kid[k], at);
  return q->nwrt == 1 ? part[0] : val_tuple(e, q->nwrt, part);
}

static void need_scalar(Whole *w, const Val *y, const char *what) {
  if (y->kind == VAL_NODE && val_type(w->e, y)->rank == 0 && val_type(w->e, y)->elem != ELEM_BOOL)
    return;
  fail_at(w->e->c, w->f->def->name_span, "of an array ask for the jacobian, a vjp or a jvp",
          "%s needs a scalar result: `%s` gives %s", what, w->f->name, val_type_text(w->e, y));
}

static void differentiate(Whole *w, const Request *q, const Val *y, const Val *x) {
  static const char *const names[] = {"value", "grad", "vjp", "jvp", "jacobian", "hessian", "hvp"};
  Elab *e = w->e;
  Span at = w->f->def->name_span;
  const char *name = names[q->kind];
  const Val *v = NULL;
  if (q->kind == DERIV_GRAD || q->kind == DERIV_HESSIAN || q->kind == DERIV_HVP)
    need_scalar(w, y, name);
  switch (q->kind) {
  case DERIV_VALUE: return;
  case DERIV_GRAD: v = deriv_grad(e, y, x, 0, NULL, at); break;
  case DERIV_VJP: v = deriv_vjp(e, y, x, seeds(e, "up", y, at), 0, NULL, at); break;
  case DERIV_JVP: v = deriv_jvp(e, y, x, tangents(w, x, q, at), 0, NULL, at); break;
  case DERIV_JACOBIAN: v = deriv_jacobian(e, y, x, 0, NULL, at); break;
  case DERIV_HESSIAN: v = deriv_hessian(e, y, x, 0, NULL, at); break;
  case DERIV_HVP: v = deriv_hvp(e, y, x, tangents(w, x, q, at), 0, NULL, at); break;
  }
  val_warn_none(e, name, v, at);
  if (q->kind == DERIV_GRAD || q->kind == DERIV_VJP) add_gradients(w, "grad", v, x, q);
  else if (q->kind == DERIV_HVP) add_gradients(w, "hvp", v, x, q);
  else if (q->kind == DERIV_JVP) add_results(e, "d_out", zeros_like(e, v, y), false);
  else add_results(e, name, v, false);
}

/* ---- a function as a whole ---------------------------------------------- */

static const char *type_source(Elab *e, const Ast *type) {
  return span_text(e, type->span);
}

static const char *signature_text(Whole *w) {
  Elab *e = w->e;
  Buf b;
  buf_init(&b, e->c);
  buf_printf(&b, "%s(", w->f->name);
  for (uint32_t k = 0; k < w->n; k++) {
    const Ast *a = w->params->kid[k];
    buf_printf(&b, "%s%s: %s", k ? ", " : "", a->name,
               a->kid[0] ? type_source(e, a->kid[0]) : "real");
  }
  buf_puts(&b, ")");
  return intern_z(e->c, buf_text(&b));
}

static const char *joined(Ctx *c, const char **wrt, uint32_t n, const char *between, bool plain) {
  Buf b;
  buf_init(&b, c);
  for (uint32_t k = 0; k < n; k++)
    buf_printf(&b, "%s%s", k ? between : "", plain ? underscored(c, wrt[k]) : wrt[k]);
  return b.n ? intern_z(c, buf_text(&b)) : "";
}

static void describe(Whole *w, const Request *q, const Val *y) {
  static const char *const title[] = {
    "value", "gradient", "vector-Jacobian product", "Jacobian-vector product", "Jacobian",
    "Hessian", "Hessian-vector product",
  };
  static const char *const suffix[] = {"", "grad", "vjp", "jvp", "jacobian", "hessian", "hvp"};
  Ctx *c = w->e->c;
  Sig *s = &w->e->p->sig;
  const char *f = w->f->name;
  s->source = str_printf(c, "%s -> %s", signature_text(w), val_type_text(w->e, y));
  s->name = s->doc = f;
  if (q->kind == DERIV_VALUE) return;
  s->name = str_printf(c, "%s_%s_%s", f, suffix[q->kind], joined(c, q->wrt, q->nwrt, "_", true));
  s->doc = str_printf(c, "%s of %s with respect to %s, and its value", title[q->kind], f,
                      joined(c, q->wrt, q->nwrt, ", ", false));
}

static const Val *whole_value(Whole *w) {
  CallPlace place = {NULL, w->f->def->name_span};
  return call_file_function(w->e, w->f, w->arg, w->n, place, &w->env);
}

Prog *elaborate_function(Module *m, const Request *q) {
  Whole w = whole_open(m, need_function(m, q->function), true);
  size_params(&w, q);
  value_params(&w);
  const Val *x = q->kind == DERIV_VALUE ? NULL : variables(&w, q->wrt, q->nwrt);
  const Val *y = whole_value(&w);
  add_results(w.e, "out", y, false);
  differentiate(&w, q, y, x);
  describe(&w, q, y);
  return w.e->p;
}

/* ---- diff --------------------------------------------------------------- */

static const Val *derive(Whole *w, const Val *y, const Val *x, uint32_t order, Span at) {
  const Val *v = y;
  for (uint32_t k = 0; k < order; k++) {
    bool scalar = v->kind == VAL_NODE && val_type(w->e, v)->rank == 0;
    if (v->kind == VAL_NONE) break;
    v = scalar ? deriv_grad(w->e, v, x, 0, NULL, at) : deriv_jacobian(w->e, v, x, 0, NULL, at);
  }
  if (order) val_warn_none(w->e, "diff", v, at);
  return v;
}

typedef struct FreeNames {
  Whole *w;
  VEC(const char *) names;
} FreeNames;

static void see_free(void *self, const Ast *a) {
  FreeNames *f = self;
  for (uint32_t k = 0; k < f->names.n; k++)
    if (f->names.at[k] == a->name) return;
  if (scope_find(f->w->e, scope_root(f->w->e, f->w->e->m, false), a->name)) return;
  VEC_PUSH(f->w->e->c, &f->names, a->name);
}

/* An expression: the names that nothing stands behind are real parameters. */
static const Val *expression_params(Whole *w, const Ast *expression, const char **wrt,
                                    uint32_t nwrt, Scope **scope) {
  Elab *e = w->e;
  FreeNames f = {.w = w};
  for (uint32_t k = 0; k < nwrt; k++) VEC_PUSH(e->c, &f.names, intern_z(e->c, wrt[k]));
  resolve_free(e->c, expression, see_free, &f);
  Ast *params = ast_new(e->c, AST_PARAMS, expression->span, 0);
  for (uint32_t k = 0; k < f.names.n; k++) {
    Ast *a = ast_new(e->c, AST_PARAM, expression->span, 1, NULL);
    a->name = f.names.at[k];
    ast_push(e->c, params, a);
  }
  w->params = params;
  w->n = f.names.n;
  w->arg = NEWN(e->c, const Val *, w->n);
  for (uint32_t k = 0; k < w->n; k++)
    w->arg[k] = val_node(e, root_param(e, type_scalar(e->p, ELEM_REAL), f.names.at[k], false,
                                       expression->span));
  *scope = scope_root(e, e->m, false);
  const char **all = f.names.at;
  uint32_t n = nwrt ? nwrt : f.names.n;
  if (n == 0)
    fail_at(e->c, expression->span, "give the names by --wrt x,y",
            "there is no name to differentiate with respect to");
  const Val *x = variables(w, all, n);
  for (uint32_t k = 0; k < w->n; k++)
    scope_bind(e, *scope, f.names.at[k], expression->span, w->arg[k]);
  return x;
}

static Prog *diff_expression(Module *m, Ast *expression, const char **wrt, uint32_t nwrt,
                             uint32_t order) {
  Whole w = {.e = elab_new(m)};
  Scope *scope;
  const Ast *a = expression;
  while (a->kind == AST_FILE || a->kind == AST_EXPR) a = a->kid[0];
  resolve_marks(m, &a, 1);
  const Val *x = expression_params(&w, a, wrt, nwrt, &scope);
  const Val *y = elab_expr(w.e, scope, a);
  add_results(w.e, "out", derive(&w, y, x, order, a->span), true);
  w.e->p->sig.name = "f";
  w.e->p->sig.source = span_text(w.e, a->span);
  w.e->p->sig.doc = "derivative";
  return w.e->p;
}

Prog *elaborate_diff(Module *m, const char *function, Ast *expression, const char **wrt,
                     uint32_t nwrt, uint32_t order) {
  if (!function) return diff_expression(m, expression, wrt, nwrt, order);
  Whole w = whole_open(m, need_function(m, function), false);
  size_params(&w, NULL);
  value_params(&w);
  if (nwrt == 0) nwrt = all_real(&w, &wrt);
  if (nwrt == 0)
    fail_at(m->c, w.f->def->name_span, "only reals have derivatives: give it one",
            "`%s` has no real parameter", w.f->name);
  const Val *x = variables(&w, wrt, nwrt);
  const Val *y = whole_value(&w);
  add_results(w.e, "out", derive(&w, y, x, order, w.f->def->name_span), true);
  Sig *s = &w.e->p->sig;
  const char *list = joined(m->c, wrt, nwrt, "_", true);
  s->name = order == 1 ? str_printf(m->c, "%s_grad_%s", function, list)
                       : str_printf(m->c, "%s_grad%u_%s", function, order, list);
  s->doc = str_printf(m->c, "derivative of %s", function);
  s->source = signature_text(&w);
  return w.e->p;
}
