/* expr.c - the walk over expressions: a stack of tasks and a stack of values.
 *
 * A node is visited: it pushes a task that applies it, and visits of its children above
 * that.  So `x + x + … + x` and sin(sin(…)) of any length take no C stack.  What opens a
 * scope or a region (blocks, `for`, folds, `if`, calls of functions) recurses, and is
 * limited by elab_enter. */
#include "elaborate/private.h"

/* ---- stacks ------------------------------------------------------------- */

static void push_task(Elab *e, const Ast *a, bool apply, uint32_t n) {
  Task t = {a, n, apply};
  VEC_PUSH(e->c, &e->st->tasks, t);
}

static void push_val(Elab *e, const Val *v) {
  VEC_PUSH(e->c, &e->st->vals, v);
}

/* Applies a to all of its children, from the first. */
static void visit_kids(Elab *e, const Ast *a) {
  push_task(e, a, true, a->nkids);
  for (uint32_t k = a->nkids; k-- > 0;) push_task(e, a->kid[k], false, 0);
}

/* ---- leaves ------------------------------------------------------------- */

static const Val *name_value(Elab *e, Scope *s, const Ast *a) {
  const Val *v = scope_find(e, s, a->name);
  if (!v) unknown_name(e, s, a->name, a->span);
  return v;
}

static const Val *lambda_value(Elab *e, Scope *s, const Ast *a) {
  Func *f = NEW(e->c, Func);
  f->def = a;
  f->scope = s;
  Val *v = NEW(e->c, Val);
  v->kind = VAL_FUNC;
  v->func = f;
  return v;
}

static const Val *prime_value(Elab *e, const Ast *a, const Val *of) {
  if (of->kind != VAL_FUNC)
    fail_at(e->c, a->span, "grad(e, x) differentiates a value; A.T is a transpose",
            "%s is not a function: a prime does not apply", val_type_text(e, of));
  Func *f = NEW(e->c, Func);
  f->name = of->func->name;
  f->base = of->func;
  f->primes = (uint32_t)a->i;
  Val *v = NEW(e->c, Val);
  v->kind = VAL_FUNC;
  v->func = f;
  return v;
}

static const Val *number(Elab *e, const Ast *a) {
  switch (a->kind) {
  case AST_INT: return val_node(e, ir_int(e->p, a->i));
  case AST_REAL: return val_node(e, ir_real(e->p, a->r));
  case AST_BOOL: return val_node(e, ir_bool(e->p, a->i != 0));
  default: return val_none(e, "it is written `none`");
  }
}

/* ---- calls -------------------------------------------------------------- */

static void check_builtin_call(Elab *e, const Ast *a, const Builtin *b) {
  int n = 0;
  for (uint32_t k = 1; k < a->nkids; k++) {
    const Ast *arg = a->kid[k];
    if (arg->kind != AST_NAMED) {
      n++;
      continue;
    }
    if (!b->named || strcmp(b->named, arg->name))
      fail_at(e->c, arg->name_span,
              b->named ? str_printf(e->c, "it takes `%s = …`", b->named) : NULL,
              "`%s` takes no argument named `%s`", b->name, arg->name);
  }
  if (n >= b->min_args && (b->max_args < 0 || n <= b->max_args)) return;
  const char *help = b->example ? str_printf(e->c, "for example %s", b->example) : NULL;
  if (b->max_args == b->min_args)
    fail_at(e->c, a->span, help, "`%s` takes %d argument%s, not %d", b->name, b->min_args,
            b->min_args == 1 ? "" : "s", n);
  fail_at(e->c, a->span, help, "`%s` takes %s%d argument%s%s, not %d", b->name,
          b->max_args < 0 ? "at least " : "", b->min_args, b->min_args == 1 ? "" : "s",
          b->max_args < 0 ? "" : str_printf(e->c, " to %d", b->max_args), n);
}

static _Noreturn void fail_callee(Elab *e, const Ast *a, const Val *v) {
  const char *name = a->kid[0]->kind == AST_NAME ? a->kid[0]->name : NULL;
  fail_at(e->c, a->kid[0]->span, "a product is written with *",
          name ? "`%s` is not a function: it is %s" : "this is not a function%.0s: it is %s",
          name ? name : "", val_type_text(e, v));
}

static void check_user_call(Elab *e, const Ast *a) {
  for (uint32_t k = 1; k < a->nkids; k++) {
    if (a->kid[k]->kind == AST_NAMED)
      fail_at(e->c, a->kid[k]->name_span,
              "give the arguments in order; a record is passed as f((W = a, b = c))",
              "only built-in functions take named arguments");
    if (a->kid[k]->kind == AST_FOR && a->kid[k]->i == 1)
      fail_at(e->c, a->kid[k]->span, "write [e for …]",
              "a `for` without brackets is the argument of sum and its kin alone");
  }
}

/* Lazy built-ins and sum(e for …) take their arguments as syntax. */
static const Val *call_on_syntax(Elab *e, Scope *s, const Ast *a, const Builtin *b) {
  const Val *v = NULL;
  bool clauses = a->nkids > 1 && a->kid[1]->kind == AST_FOR && a->kid[1]->i == 1;
  if (!b->lazy && !(clauses && is_reduction(b->name))) return NULL;
  elab_enter(e, a->span);
  v = b->lazy ? b->apply(e, s, a, NULL, 0) : elab_reduction(e, s, a, b->name);
  elab_leave(e);
  return v;
}

static void visit_call(Elab *e, Scope *s, const Ast *a) {
  const Ast *callee = a->kid[0];
  const Val *f = NULL;
  if (callee->kind == AST_NAME) {
    f = name_value(e, s, callee);
    if (f->kind != VAL_FUNC) fail_callee(e, a, f);
    const Builtin *b = f->func->builtin;
    if (b) check_builtin_call(e, a, b);
    const Val *v = b ? call_on_syntax(e, s, a, b) : NULL;
    if (v) {
      push_val(e, v);
      return;
    }
    if (!b) check_user_call(e, a);
    push_val(e, f);
  }
  uint32_t n = 0;
  for (uint32_t k = 1; k < a->nkids; k++) n += a->kid[k]->kind != AST_NAMED;
  push_task(e, a, true, n + 1);
  for (uint32_t k = a->nkids; k-- > 1;)
    if (a->kid[k]->kind != AST_NAMED) push_task(e, a->kid[k], false, 0);
  if (!f) push_task(e, callee, false, 0);
}

static const Val *apply_call(Elab *e, Scope *s, const Ast *a, const Val *const *v, uint32_t n) {
  if (v[0]->kind != VAL_FUNC) fail_callee(e, a, v[0]);
  if (!v[0]->func->builtin) check_user_call(e, a);
  return call_value(e, s, v[0], a, v + 1, n - 1, a->span);
}

/* ---- subscripts --------------------------------------------------------- */

/* Children that are slices stand for their bounds. */
static void visit_subscripts(Elab *e, const Ast *a) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < a->nkids; k++) {
    const Ast *s = a->kid[k];
    n += s->kind == AST_SLICE ? (s->kid[0] != NULL) + (s->kid[1] != NULL) : 1;
  }
  push_task(e, a, true, n);
  for (uint32_t k = a->nkids; k-- > 0;) {
    const Ast *s = a->kid[k];
    if (s->kind != AST_SLICE) push_task(e, s, false, 0);
    else
      for (int j = 1; j >= 0; j--)
        if (s->kid[j]) push_task(e, s->kid[j], false, 0);
  }
}

/* ---- literals ----------------------------------------------------------- */

static const Val *record_value(Elab *e, const Ast *a, const Val *const *v) {
  const char **field = NEWN(e->c, const char *, a->nkids);
  for (uint32_t k = 0; k < a->nkids; k++) {
    field[k] = a->kid[k]->name;
    for (uint32_t j = 0; j < k; j++)
      if (field[j] == field[k])
        fail_at(e->c, a->kid[k]->name_span, "give each field a name of its own",
                "two fields are called `%s`", field[k]);
  }
  return val_record(e, a->nkids, field, v);
}

static void visit_array(Elab *e, const Ast *a) {
  const Val *v = constant_array(e, a);
  if (v) push_val(e, v);
  else visit_kids(e, a);
}

/* A branch chosen here and now takes the place of the `if`. */
static void visit_if(Elab *e, Scope *s, const Ast *a) {
  const Ast *chosen;
  const Val *v = elab_if(e, s, a, &chosen);
  if (v) push_val(e, v);
  else push_task(e, chosen, false, 0);
}

/* ---- the walk ----------------------------------------------------------- */

static void visit(Elab *e, Scope *s, const Ast *a) {
  elab_place(e, a->span);
  switch (a->kind) {
  case AST_INT: case AST_REAL: case AST_BOOL: case AST_NONE: push_val(e, number(e, a)); break;
  case AST_NAME: push_val(e, name_value(e, s, a)); break;
  case AST_LAMBDA: push_val(e, lambda_value(e, s, a)); break;
  case AST_CALL: visit_call(e, s, a); break;
  case AST_INDEX: case AST_WITH: visit_subscripts(e, a); break;
  case AST_ARRAY: visit_array(e, a); break;
  case AST_FOR: push_val(e, elab_for(e, s, a)); break;
  case AST_IF: visit_if(e, s, a); break;
  case AST_BLOCK: push_val(e, elab_block(e, s, a)); break;
  case AST_FOLD: case AST_SCAN: push_val(e, elab_fold(e, s, a)); break;
  case AST_LOOP: push_val(e, elab_loop(e, s, a)); break;
  case AST_BINARY:
    if (a->op == OP_AND || a->op == OP_OR) push_val(e, elab_logic(e, s, a));
    else visit_kids(e, a);
    break;
  case AST_UNARY: case AST_PRIME: case AST_GET: case AST_TUPLE: case AST_RECORD: case AST_FIELD:
  case AST_WITH_FIELD:
    visit_kids(e, a);
    break;
  case AST_TEXT:
    fail_at(e->c, a->span, "a text stands in print and trace", "a text is not a value");
  case AST_NAMED:
    fail_at(e->c, a->span, NULL, "a named argument is not a value");
  case AST_SLICE:
    fail_at(e->c, a->span, "a slice stands in [ ]", "a slice is not a value");
  default: internal_error(e->c, "an expression of kind %s", ast_kind_name(a->kind));
  }
}

static const Val *apply(Elab *e, Scope *s, const Ast *a, const Val *const *v, uint32_t n) {
  elab_place(e, a->span);
  switch (a->kind) {
  case AST_BINARY: return elab_binary(e, a->op, v[0], v[1], a->span);
  case AST_UNARY: return elab_unary(e, a->op, v[0], a->span);
  case AST_CALL: return apply_call(e, s, a, v, n);
  case AST_PRIME: return prime_value(e, a, v[0]);
  case AST_GET: return apply_get(e, a, v[0]);
  case AST_INDEX: return apply_index(e, a, v, n);
  case AST_WITH: return apply_with(e, a, v, n);
  case AST_WITH_FIELD: return apply_with_field(e, a, v, n);
  case AST_ARRAY: return apply_array(e, a, v, n);
  case AST_TUPLE: return val_tuple(e, n, v);
  case AST_RECORD: return record_value(e, a, v);
  default: return v[0]; /* FIELD */
  }
}

/* The values of a task leave the stack before it is applied: applying may recurse and
 * move the stack. */
static void run_apply(Elab *e, Scope *s, Task t) {
  enum { FEW = 8 };
  const Val *few[FEW], **v = t.n <= FEW ? few : NEWN(e->c, const Val *, t.n);
  ElabState *st = e->st;
  st->vals.n -= t.n;
  if (t.n) memcpy(v, st->vals.at + st->vals.n, t.n * sizeof *v);
  push_val(e, apply(e, s, t.a, v, t.n));
}

const Val *elab_expr(Elab *e, Scope *s, const Ast *a) {
  ElabState *st = e->st;
  uint32_t base = st->tasks.n;
  push_task(e, a, false, 0);
  while (st->tasks.n > base) {
    Task t = st->tasks.at[--st->tasks.n];
    if (t.apply) run_apply(e, s, t);
    else visit(e, s, t.a);
  }
  return st->vals.at[--st->vals.n];
}

Ref elab_scalar_int(Elab *e, Scope *s, const Ast *a) {
  const Val *v = elab_expr(e, s, a);
  if (!val_is_scalar(e, v))
    fail_at(e->c, a->span, "int(e) makes an int of a real; x[i] takes one element",
            "one int is wanted here, not %s", val_type_text(e, v));
  return val_int(e, v, a->span);
}

const Ast *call_named(const Ast *call, const char *name) {
  if (!call) return NULL;
  for (uint32_t k = 1; k < call->nkids; k++)
    if (call->kid[k]->kind == AST_NAMED && strcmp(call->kid[k]->name, name) == 0)
      return call->kid[k]->kid[0];
  return NULL;
}
