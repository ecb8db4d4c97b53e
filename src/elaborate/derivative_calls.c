/* derivative_calls.c - grad(e, x, stop = …), jvp, vjp, jacobian, hessian and hvp as they
 * are called: the first argument is elaborated in the current scope, the second one
 * is a name, a field of one, or a tuple of such. */
#include "elaborate/derivatives.h"

#include <string.h>

/* ---- what is differentiated with respect to ---- */

_Noreturn static void not_a_name(Elab *e, const Ast *a, const char *what) {
  const char *help = str_printf(e->c, "name it first, as in u = x^2 and then %s(…, u)", what);
  if (a->kind == AST_INDEX)
    help = str_printf(e->c, "differentiate with respect to the array, and index the result: "
                      "%s(…, x)[i]", what);
  fail_at(e->c, a->span, help, "%s differentiates with respect to a name, not an expression", what);
}

static const Val *field_of(Elab *e, const Ast *a, const Val *base, const char *what) {
  if (base->kind == VAL_RECORD)
    for (uint32_t k = 0; k < base->n; k++)
      if (strcmp(base->field[k], a->name) == 0) return base->kid[k];
  if (base->kind != VAL_RECORD) not_a_name(e, a, what);
  fail_at(e->c, a->name_span, NULL, "%s has no field '%s'", val_type_text(e, base), a->name);
}

/* For messages, a variable is called as the program calls it. */
static void name_leaves(Elab *e, const Val *v, const char *name) {
  if (v->kind == VAL_NODE && ir_node(e->p, v->ref)->op == IR_VAR &&
      !ir_node(e->p, v->ref)->name)
    ir_node(e->p, v->ref)->name = name;
  if (v->kind == VAL_RECORD)
    for (uint32_t k = 0; k < v->n; k++)
      name_leaves(e, v->kid[k], str_printf(e->c, "%s.%s", name, v->field[k]));
  if (v->kind == VAL_TUPLE)
    for (uint32_t k = 0; k < v->n; k++) name_leaves(e, v->kid[k], name);
}

static const Val *named_value(Elab *e, Scope *s, const Ast *a) {
  const Val *v = scope_find(e, s, a->name);
  if (!v) unknown_name(e, s, a->name, a->name_span);
  name_leaves(e, v, a->name);
  return v;
}

static const Val *variable(Elab *e, Scope *s, const Ast *a, const char *what) {
  if (a->kind == AST_NAME) return named_value(e, s, a);
  if (a->kind == AST_GET) return field_of(e, a, variable(e, s, a->kid[0], what), what);
  if (a->kind != AST_TUPLE) not_a_name(e, a, what);
  const Val **part = NEWN(e->c, const Val *, a->nkids);
  for (uint32_t k = 0; k < a->nkids; k++) part[k] = variable(e, s, a->kid[k], what);
  return val_tuple(e, a->nkids, part);
}

/* A variable that is one number or array must be real; in a record, ints may go along. */
static void check_variable(Elab *e, const Ast *a, const Val *v, const char *what) {
  if (a->kind == AST_TUPLE) {
    for (uint32_t k = 0; k < a->nkids; k++) check_variable(e, a->kid[k], v->kid[k], what);
    return;
  }
  if (v->kind == VAL_FUNC)
    fail_at(e->c, a->span, "f'(x) is the derivative of a function",
            "%s differentiates with respect to a number or an array, not a function", what);
  if (v->kind == VAL_NODE && ir_type(e->p, v->ref)->elem != ELEM_REAL)
    fail_at(e->c, a->span, "only reals have derivatives: make it one, as with x = real(n)",
            "%s: the variable is %s", what, val_type_text(e, v));
}

/* ---- calls ---- */

typedef struct Question {
  const Val *y, *x, *third;
  uint32_t nheld;
  const Val **held;
} Question;

static void stop_values(Elab *e, Scope *s, const Ast *a, const char *what, Question *q) {
  uint32_t n = a->kind == AST_TUPLE ? a->nkids : 1;
  q->held = NEWN(e->c, const Val *, n);
  q->nheld = n;
  for (uint32_t k = 0; k < n; k++)
    q->held[k] = variable(e, s, a->kind == AST_TUPLE ? a->kid[k] : a, what);
}

/* Elaborates the arguments of a call: e, x, and a third one where nargs is 3. */
static Question ask(Elab *e, Scope *s, const Ast *call, uint32_t nargs, const char *what) {
  Question q = {0};
  uint32_t given = 0;
  if (!call || call->kind != AST_CALL)
    fail_at(e->c, call ? call->span : e->p->pos, "pass x -> grad(f(x), x)",
            "%s is no function of values and cannot be passed on", what);
  while (given + 1 < call->nkids && call->kid[given + 1]->kind != AST_NAMED) given++;
  if (given != nargs)
    fail_at(e->c, call->span, nargs == 2 ? "the expression, then the name" :
            "the expression, then the name, then the direction",
            "%s takes %u arguments, not %u", what, nargs, given);
  q.y = elab_expr(e, s, call->kid[1]);
  q.x = variable(e, s, call->kid[2], what);
  check_variable(e, call->kid[2], q.x, what);
  if (nargs > 2) q.third = elab_expr(e, s, call->kid[3]);
  const Ast *stop = call_named(call, "stop");
  if (stop) stop_values(e, s, stop, what, &q);
  return q;
}

static const Val *answer(Elab *e, const Ast *call, const char *what, const Val *v) {
  val_warn_none(e, what, v, call->span);
  return v;
}

const Val *apply_grad(APPLY_ARGS) {
  (void)arg, (void)n;
  Question q = ask(e, s, call, 2, "grad");
  return answer(e, call, "grad", deriv_grad(e, q.y, q.x, q.nheld, q.held, call->span));
}

const Val *apply_jacobian(APPLY_ARGS) {
  (void)arg, (void)n;
  Question q = ask(e, s, call, 2, "jacobian");
  return answer(e, call, "jacobian", deriv_jacobian(e, q.y, q.x, q.nheld, q.held, call->span));
}

const Val *apply_hessian(APPLY_ARGS) {
  (void)arg, (void)n;
  Question q = ask(e, s, call, 2, "hessian");
  return answer(e, call, "hessian", deriv_hessian(e, q.y, q.x, q.nheld, q.held, call->span));
}

const Val *apply_jvp(APPLY_ARGS) {
  (void)arg, (void)n;
  Question q = ask(e, s, call, 3, "jvp");
  return answer(e, call, "jvp", deriv_jvp(e, q.y, q.x, q.third, q.nheld, q.held, call->span));
}

const Val *apply_vjp(APPLY_ARGS) {
  (void)arg, (void)n;
  Question q = ask(e, s, call, 3, "vjp");
  return answer(e, call, "vjp", deriv_vjp(e, q.y, q.x, q.third, q.nheld, q.held, call->span));
}

const Val *apply_hvp(APPLY_ARGS) {
  (void)arg, (void)n;
  Question q = ask(e, s, call, 3, "hvp");
  return answer(e, call, "hvp", deriv_hvp(e, q.y, q.x, q.third, q.nheld, q.held, call->span));
}
