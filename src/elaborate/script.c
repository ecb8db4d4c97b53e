/* script.c - a script as one program: inputs become parameters of the root, bindings
 * and statements run from top to bottom. */
#include "elaborate/private.h"

typedef struct Script {
  Elab *e;
  Scope *s;
  InputValue *input;
  uint32_t ninputs;
  SizeEnv env;              /* size names, shared by all inputs */
} Script;

/* ---- inputs ------------------------------------------------------------- */

static InputValue *find_input(Script *p, const char *name) {
  for (uint32_t k = 0; k < p->ninputs; k++)
    if (strcmp(p->input[k].name, name) == 0) return &p->input[k];
  return NULL;
}

/* Is the input `path` or a field below it set? */
static bool is_set(Script *p, const char *path) {
  size_t n = strlen(path);
  for (uint32_t k = 0; k < p->ninputs; k++) {
    const char *name = p->input[k].name;
    if (strncmp(name, path, n) == 0 && (name[n] == '\0' || name[n] == '.')) return true;
  }
  return false;
}

/* A parameter of the root for a value that was set, in the value's own type.  A single
 * int may be a size, so it is a constant. */
static const Val *input_param(Script *p, InputValue *in, const TypeExpr *t, const char *path,
                              Span at) {
  Prog *prog = p->e->p;
  in->used = true;
  if (in->elem == ELEM_INT && in->rank == 0 && t->elem == ELEM_INT && t->rank == 0)
    return val_node(p->e, ir_int(prog, *(const int64_t *)in->data));
  Size dim[MAX_RANK];
  for (uint32_t k = 0; k < in->rank; k++) dim[k] = size_const(prog, in->dim[k]);
  Ref r = ir_param(prog, type_array(prog, in->elem, in->rank, dim));
  ir_node(prog, r)->name = path;
  SigParam param = {.name = path, .ref = r, .pos = at};
  prog_param(prog, param);
  return val_node(p->e, r);
}

static _Noreturn void fail_unset(Script *p, const char *path, Span at) {
  fail_at(p->e->c, at,
          str_printf(p->e->c, "set it with --set %s=VALUE or --set %s=@FILE.npy, or give it a "
                              "default: input … = e", path, path),
          "input `%s` has no value", path);
}

static const Val *part_of(const Val *v, const TypeExpr *t, uint32_t k) {
  if (!v) return NULL;
  if (t->kind == TYPE_TUPLE) return v->kind == VAL_TUPLE && k < v->n ? v->kid[k] : NULL;
  for (uint32_t j = 0; v->kind == VAL_RECORD && j < v->n; j++)
    if (v->field[j] == t->field[k]) return v->kid[j];
  return NULL;
}

/* The value of an input of type t: what was set, field by field, else its default. */
static const Val *input_value(Script *p, const TypeExpr *t, const char *path,
                              const Val *otherwise, Span at) {
  Elab *e = p->e;
  InputValue *in = find_input(p, path);
  if (t->kind == TYPE_ARRAY) {
    if (in) return input_param(p, in, t, path, at);
    if (!otherwise) fail_unset(p, path, at);
    return otherwise;
  }
  if (in)
    fail_at(e->c, at, str_printf(e->c, "set %s.%s and its other parts", path,
                                 t->kind == TYPE_RECORD ? t->field[0] : "0"),
            "input `%s` is set part by part", path);
  const Val **kid = NEWN(e->c, const Val *, t->n);
  for (uint32_t k = 0; k < t->n; k++) {
    const char *part = t->kind == TYPE_RECORD ? str_printf(e->c, "%s.%s", path, t->field[k])
                                              : str_printf(e->c, "%s.%u", path, k);
    kid[k] = input_value(p, t->kid[k], intern_z(e->c, part), part_of(otherwise, t, k), at);
  }
  return t->kind == TYPE_RECORD ? val_record(e, t->n, t->field, kid) : val_tuple(e, t->n, kid);
}

static bool all_set(Script *p, const TypeExpr *t, const char *path) {
  if (t->kind == TYPE_ARRAY) return find_input(p, path) != NULL;
  for (uint32_t k = 0; k < t->n; k++) {
    const char *part = t->kind == TYPE_RECORD ? str_printf(p->e->c, "%s.%s", path, t->field[k])
                                              : str_printf(p->e->c, "%s.%u", path, k);
    if (!all_set(p, t->kid[k], part)) return false;
  }
  return true;
}

/* Size names are ints of the script from the input on that binds them. */
static void bind_sizes(Script *p) {
  Elab *e = p->e;
  for (uint32_t k = 0; k < p->env.bound.n; k++) {
    const SizeBound *b = &p->env.bound.at[k];
    if (!scope_own(p->s, b->name) && !module_binding(e->m, b->name))
      scope_bind(e, p->s, b->name, b->at, val_node(e, size_ref(e, b->value)));
  }
}

static void run_input(Script *p, const Ast *a) {
  Elab *e = p->e;
  TypeExpr *t = type_resolve(e, e->m, a->kid[0]);
  const char *what = str_printf(e->c, "input `%s`", a->name);
  bool set = is_set(p, a->name);
  const Val *otherwise = a->kid[1] && !(set && all_set(p, t, a->name))
                             ? elab_expr(e, p->s, a->kid[1]) : NULL;
  const Val *v = otherwise && !set ? otherwise
                                   : input_value(p, t, a->name, otherwise, a->name_span);
  Span at = a->kid[1] && !set ? a->kid[1]->span : a->name_span;
  match_value(e, &p->env, t, v, at, what);
  match_solve(e, &p->env, e->m);
  v = match_convert(e, &p->env, t, v, at, what);
  if (is_differentiated(e, a, a->name)) v = val_vars_typed(e, v);
  scope_bind(e, p->s, a->name, a->name_span, v);
  if (v->kind == VAL_NODE && val_type(e, v)->elem == ELEM_INT && val_type(e, v)->rank == 0)
    env_bind(e, &p->env, a->name, size_of(e, v->ref), a->name_span, what);
  bind_sizes(p);
}

/* ---- statements --------------------------------------------------------- */

/* A constant may have been asked for by a function before its line is reached. */
static bool is_bound_constant(Script *p, const Ast *a) {
  const Ast *name = a->kid[0];
  const Binding *b = name->kind == AST_NAME ? scope_own(p->s, name->name) : NULL;
  if (!b || b->at.file != name->span.file || b->at.start != name->span.start) return false;
  const Named *d = module_binding(p->e->m, name->name);
  return d && d->constant && d->def == a;
}

/* The values that a binding of a session gave its names. */
static void hand_over(Script *p, const Ast *pattern) {
  VEC(const Ast *) todo = {0};
  VEC_PUSH(p->e->c, &todo, pattern);
  while (todo.n) {
    const Ast *a = todo.at[--todo.n];
    for (uint32_t k = a->nkids; k-- > 0;) VEC_PUSH(p->e->c, &todo, a->kid[k]);
    const Binding *b = a->kind == AST_NAME ? scope_own(p->s, a->name) : NULL;
    const Named *d = b ? module_binding(p->e->m, a->name) : NULL;
    if (b) elab_bound(p->e, a->name, b->v, d && d->constant, a->span);
  }
}

static bool in_rule(const Prog *p, Ref r) {
  for (const Region *g = p->regions.at[ir_node(p, r)->region]; g && g->owner; g = g->parent)
    if (ir_node(p, g->owner)->op == IR_CUSTOM) return true;
  return false;
}

/* What an old item of a session differentiates ran the traces of rules when it was new. */
static void silence(Prog *p, Ref from) {
  for (Ref r = from; r < p->nnodes; r++) {
    Node *n = ir_node(p, r);
    if (n->op != IR_TRACE || in_rule(p, r)) continue;
    TextAttr *t = NEW(p->ctx, TextAttr);
    *t = *n->aux.text;
    t->binding = "";
    n->aux.text = t;
  }
}

static void run_item(Script *p, const Ast *a) {
  Elab *e = p->e;
  elab_place(e, a->span);
  switch (a->kind) {
  case AST_INPUT: run_input(p, a); break;
  case AST_BIND:
    if (!is_bound_constant(p, a))
      bind_pattern(e, p->s, a->kid[0], elab_expr(e, p->s, a->kid[1]), false);
    if (mark_has(e->m->captured, a)) hand_over(p, a->kid[0]);
    break;
  case AST_PRINT:
  case AST_EXPR: elab_print(e, p->s, a); break;
  case AST_ASSERT: elab_assert(e, p->s, a); break;
  case AST_TRACE: elab_trace(e, p->s, a); break;
  default: internal_error(e->c, "a statement of kind %s", ast_kind_name(a->kind));
  }
}

static const char *listed(Ctx *c, const char *const *word, uint32_t n) {
  Buf b;
  buf_init(&b, c);
  for (uint32_t k = 0; k < n; k++) buf_printf(&b, "%s%s", k ? ", " : "", word[k]);
  return buf_text(&b);
}

/* Everything that was set belongs to an input. */
static void check_used(Script *p) {
  Ctx *c = p->e->c;
  for (uint32_t k = 0; k < p->ninputs; k++) {
    if (p->input[k].used) continue;
    VEC(const char *) words = {0};
    for (uint32_t j = 0; j < p->e->m->script.n; j++)
      if (p->e->m->script.at[j]->kind == AST_INPUT)
        VEC_PUSH(c, &words, p->e->m->script.at[j]->name);
    const char *near = nearest_word(p->input[k].name, words.at, words.n);
    const char *help = near ? str_printf(c, "did you mean `%s`?", near)
                       : words.n ? str_printf(c, "its inputs are %s", listed(c, words.at, words.n))
                                 : "write in it: input name: type = default";
    diag(c, SEV_ERROR, (Span){0}, "the script has no input `%s`", p->input[k].name);
    diag(c, SEV_HELP, (Span){0}, "%s", help);
    diag_raise(c, GC_USAGE);
  }
}

Prog *elaborate_script(Module *m, InputValue *inputs, uint32_t ninputs) {
  Elab *e = elab_new(m);
  Script p = {.e = e, .input = inputs, .ninputs = ninputs};
  p.s = scope_root(e, m, true);
  e->st->script = p.s;
  resolve_marks(m, m->script.at, m->script.n);
  e->p->sig.name = "script";
  for (uint32_t k = 0; k < m->script.n; k++) {
    e->st->muted = k < m->muted;
    Ref from = e->p->nnodes;
    run_item(&p, m->script.at[k]);
    if (e->st->muted) silence(e->p, from);
  }
  check_used(&p);
  return e->p;
}
