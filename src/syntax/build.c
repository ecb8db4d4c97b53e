/* build.c - what the grammar's actions call: a node from its parts.
 *
 * Tuples, calls and names are read as expressions; those that turn out to be
 * patterns, parameters or the head of a definition are checked and changed in
 * place here, with a message that says what may stand there. */
#include <string.h>

#include "syntax/reader.h"
/* after it, for the tokens */
#include "grammar/parser.h"

/* ---- plain nodes --------------------------------------------------------- */

Ast *make_leaf(Reader *r, AstKind k, Span at, const char *name) {
  Ast *a = ast_new(r->ctx, k, at, 0);
  a->name = name;
  return a;
}

Ast *make_word(Reader *r, AstKind k, Span at, int64_t i) {
  Ast *a = ast_new(r->ctx, k, at, 0);
  a->i = i;
  return a;
}

Ast *make_unary(Reader *r, Span at, AstOp op, Ast *e) {
  Ast *a = ast_new(r->ctx, AST_UNARY, at, 1, e);
  a->op = op;
  return a;
}

Ast *make_binary(Reader *r, Span at, AstOp op, Ast *x, Ast *y) {
  Ast *a = ast_new(r->ctx, AST_BINARY, at, 2, x, y);
  a->op = op;
  return a;
}

/* A node with a name and one child, which may be NULL. */
Ast *make_named(Reader *r, AstKind k, Span at, Span name_at, const char *name, Ast *e) {
  Ast *a = ast_new(r->ctx, k, at, 1, e);
  a->name = name;
  a->name_span = name_at;
  return a;
}

/* A node with a name and two children. */
Ast *make_pair(Reader *r, AstKind k, Span at, Span name_at, const char *name, Ast *x, Ast *y) {
  Ast *a = ast_new(r->ctx, k, at, 2, x, y);
  a->name = name;
  a->name_span = name_at;
  return a;
}

/* ---- lists --------------------------------------------------------------- */

Ast *make_list(Reader *r, AstKind k, Span at, Ast *first) {
  return ast_new(r->ctx, k, at, 1, first);
}

/* A list whose first child is known only later, when make_filled puts it in. */
Ast *make_hollow(Reader *r, AstKind k, Span at, Ast *second) {
  return ast_new(r->ctx, k, at, 2, NULL, second);
}

/* Ends a list: its whole span, and the first child if one was left open. */
Ast *make_filled(Span at, Ast *list, Ast *first) {
  list->span = at;
  if (first) list->kid[0] = first;
  return list;
}

/* ---- names, fields, arguments --------------------------------------------- */

static void need_name(Reader *r, const Ast *a, const char *what) {
  if (a->kind != AST_NAME)
    fail_at(r->ctx, a->span, "'=' gives a name its value; '==' compares", "%s", what);
}

Ast *make_field(Reader *r, Span at, Ast *name, Ast *e) {
  need_name(r, name, "the left of '=' in a record is a name");
  return make_named(r, AST_FIELD, at, name->span, name->name, e);
}

Ast *make_argument(Reader *r, Span at, AstKind k, Ast *name, Ast *e) {
  if (k == AST_NAMED) need_name(r, name, "the left of '=' among arguments is a name");
  if (name->kind != AST_NAME)
    fail_at(r->ctx, name->span, "a slice stands in [ ]; a parameter is written name: type",
            "only the name of a parameter has a ':' and a type here");
  return make_named(r, k, at, name->span, name->name, e);
}

Ast *make_push_argument(Reader *r, Ast *args, Ast *arg) {
  const Ast *last = args->kid[args->nkids - 1];
  if (last->kind == AST_NAMED && arg->kind != AST_NAMED)
    fail_at(r->ctx, arg->span,
            "move it before the named ones; a record is passed as f((W = a, b = c))",
            "this argument comes after a named one");
  return ast_push(r->ctx, args, arg);
}

static bool has_typed(const Ast *call) {
  for (uint32_t k = 1; k < call->nkids; k++)
    if (call->kid[k]->kind == AST_PARAM) return true;
  return false;
}

Ast *make_call(Reader *r, Span at, Ast *callee, Ast *args) {
  Ast *call = args ? make_filled(at, args, callee) : ast_new(r->ctx, AST_CALL, at, 1, callee);
  call->name_span = callee->span;
  if (has_typed(call)) VEC_PUSH(r->ctx, &r->typed, call);
  return call;
}

/* callee(body for clauses), where body and clauses cover `inner`. */
Ast *make_reduction(Reader *r, Span at, Ast *callee, Span inner, Ast *body, Ast *clauses) {
  make_filled(inner, clauses, body)->i = 1;
  return make_call(r, at, callee, make_hollow(r, AST_CALL, inner, clauses));
}

Ast *make_prime(Reader *r, Span at, Span name_at, const char *name, int64_t n) {
  Ast *a = ast_new(r->ctx, AST_PRIME, at, 1, make_leaf(r, AST_NAME, name_at, name));
  a->i = n;
  return a;
}

/* ---- types ----------------------------------------------------------------- */

static bool is_element_type(const char *name) {
  return !strcmp(name, "real") || !strcmp(name, "int") || !strcmp(name, "bool");
}

/* real[n] is an array; Linear[m, n] the type Linear at two sizes. */
Ast *make_array_type(Reader *r, Span at, Span name_at, const char *name, Ast *sizes) {
  Ast *type = make_leaf(r, AST_T_NAME, name_at, name);
  if (!sizes) return type;
  if (is_element_type(name)) return make_filled(at, sizes, type);
  for (uint32_t k = 1; k < sizes->nkids; k++) ast_push(r->ctx, type, sizes->kid[k]);
  return make_filled(at, type, NULL);
}

/* ---- patterns ---------------------------------------------------------------- */

/* Takes an expression as a pattern, in place. */
static Ast *as_pattern(Reader *r, Ast *whole) {
  VEC(Ast *) left = {0};
  VEC_PUSH(r->ctx, &left, whole);
  while (left.n) {
    Ast *a = left.at[--left.n];
    if (a->kind == AST_TUPLE) {
      a->kind = AST_P_TUPLE;
      for (uint32_t k = a->nkids; k-- > 0;) VEC_PUSH(r->ctx, &left, a->kid[k]);
    } else if (a->kind != AST_NAME) {
      const char *what = a->kind == AST_NONE || a->kind == AST_BOOL
                             ? str_printf(r->ctx, "%s is a reserved word and cannot be a name",
                                          slip_quote(r, a->span))
                             : NULL;
      fail_at(r->ctx, a->span, what, "a pattern is a name, _ or a tuple of patterns");
    }
  }
  return whole;
}

Ast *make_lambda(Reader *r, Span at, Ast *pattern) {
  if (pattern->kind == AST_CALL)
    fail_at(r->ctx, pattern->span, "a function is written f(x) = e, or f = x -> e in a block",
            "the left of '->' is a name or (a, b)");
  as_pattern(r, pattern);
  if (pattern->kind == AST_NAME) return ast_new(r->ctx, AST_LAMBDA, at, 1, pattern);
  pattern->kind = AST_LAMBDA;
  return make_filled(at, pattern, NULL);
}

Ast *make_lambda_body(Reader *r, Span at, Ast *lambda, Ast *body) {
  return make_filled(at, ast_push(r->ctx, lambda, body), NULL);
}

/* ---- with, folds ---------------------------------------------------------------- */

/* base with [i, …] = , or base with .field = ; the value follows. */
Ast *make_with(Reader *r, Span at, Ast *base, Ast *target) {
  if (target->kind == AST_GET)
    return make_pair(r, AST_WITH_FIELD, at, target->name_span, target->name, base, NULL);
  Ast *with = ast_new(r->ctx, AST_WITH, at, 2, base, NULL);
  for (uint32_t k = 1; k < target->nkids; k++) ast_push(r->ctx, with, target->kid[k]);
  with->name_span = target->span;
  return with;
}

Ast *make_with_value(Span at, Ast *with, Ast *value) {
  with->kid[1] = value;
  with->span = at;
  return with;
}

Ast *make_range(Reader *r, Span at, Ast *pattern, Ast *from, Ast *to) {
  if (pattern->kind != AST_NAME)
    fail_at(r->ctx, pattern->span, "write for i in a..b", "a range gives one number at a time");
  return make_pair(r, AST_FOR_RANGE, at, pattern->span, pattern->name, from, to);
}

Ast *make_fold(Reader *r, AstKind k, Span at, Ast *pattern, Ast *init, Ast *clause, Ast *body) {
  if (clause->kind == AST_FOR_BARE)
    fail_at(r->ctx, clause->span, "write for t < T, for t in a..b or for v in xs",
            "the 'for' of a fold needs its range");
  return ast_new(r->ctx, k, at, 4, pattern, init, clause, body);
}

Ast *make_loop(Reader *r, Span at, Ast *pattern, Ast *init, Ast *cond, Ast *most, Ast *body) {
  return ast_new(r->ctx, AST_LOOP, at, 5, pattern, init, cond, most, body);
}

/* ---- definitions -------------------------------------------------------------------- */

static Ast *as_parameter(Reader *r, Ast *a) {
  if (a->kind == AST_PARAM) return a;
  if (a->kind == AST_NAME) return make_named(r, AST_PARAM, a->span, a->span, a->name, NULL);
  const char *help = "write name(p, q) = expression";
  if (a->kind == AST_TUPLE) help = "give it a name, and take it apart in the body: (a, b) = p";
  if (a->kind == AST_NAMED) help = "a parameter has no default";
  fail_at(r->ctx, a->span, help, "a parameter is a name, or name: type");
}

static Ast *function_head(Reader *r, Span at, Ast *call, Ast *type) {
  Ast *callee = call->kid[0];
  if (callee->kind == AST_PRIME)
    fail_at(r->ctx, callee->span, "write custom_gradient f(x; up) = e",
            "a derivative is not defined with '='");
  if (callee->kind != AST_NAME)
    fail_at(r->ctx, callee->span, "write name(p, q) = expression",
            "a function is defined under a name");
  if (r->typed.n && r->typed.at[r->typed.n - 1] == call) r->typed.n--;
  Ast *params = ast_new(r->ctx, AST_PARAMS, call->span, 0);
  for (uint32_t k = 1; k < call->nkids; k++)
    ast_push(r->ctx, params, as_parameter(r, call->kid[k]));
  Ast *f = ast_new(r->ctx, AST_FUNCTION, at, 3, params, type, NULL);
  f->name = callee->name;
  f->name_span = callee->span;
  return f;
}

static _Noreturn void fail_part(Reader *r, const Ast *left) {
  if (left->kind == AST_GET)
    fail_at(r->ctx, left->span,
            str_printf(r->ctx, "write q = p with .%s = e, with a new name", left->name),
            "'=' cannot change a field");
  fail_at(r->ctx, left->span, "write y = x with [i] = e, with a new name",
          "'=' cannot change an element");
}

/* What stands on the left of an item's '='. */
Ast *make_head(Reader *r, Span at, Ast *left, Ast *type) {
  if (left->kind == AST_CALL) return function_head(r, at, left, type);
  if (type)
    fail_at(r->ctx, type->span, "leave it out, or write input name: type = default",
            "only parameters, results and inputs have types");
  if (left->kind == AST_INDEX || left->kind == AST_GET) fail_part(r, left);
  bool fits = left->kind == AST_NAME || left->kind == AST_TUPLE || left->kind == AST_BOOL ||
              left->kind == AST_NONE;
  if (!fits)
    fail_at(r->ctx, left->span, "'==' compares",
            "the left of '=' is a name, a tuple of names, or a function's name(p, q)");
  return ast_new(r->ctx, AST_BIND, at, 2, as_pattern(r, left), NULL);
}

Ast *make_definition(Reader *r, Span at, Ast *head, Ast *body) {
  (void)r;
  head->kid[head->nkids - 1] = body;
  return make_filled(at, head, NULL);
}

/* ---- items ------------------------------------------------------------------------ */

/* The parser has looked one token ahead: does an item end here?  If not, a
 * better message follows from the parser. */
static bool item_ends_here(const Reader *r) {
  return r->last[0].kind == SEP || r->last[0].kind == END;
}

Ast *make_lone(Reader *r, Span at, Ast *e) {
  if (r->start == PARSE_FILE && item_ends_here(r) && !r->typed.n) {
    bool equal = e->kind == AST_BINARY && e->op == OP_EQ;
    fail_at(r->ctx, at,
            equal ? "'=' gives a name its value, assert a == b checks, print shows"
                  : "write print e to see it, or give it a name: y = e",
            "an expression alone does nothing in a file");
  }
  return ast_new(r->ctx, AST_EXPR, at, 1, e);
}

static void check_typed(Reader *r) {
  if (!r->typed.n || !item_ends_here(r)) return;
  const Ast *call = r->typed.at[0];
  uint32_t k = 1;
  while (call->kid[k]->kind != AST_PARAM) k++;
  fail_at(r->ctx, call->kid[k]->span,
          "name(p: type) = expression defines a function; a call gives values alone",
          "an argument has no type");
}

/* file is NULL for its first item. */
Ast *make_push_item(Reader *r, Ast *file, Ast *item) {
  check_typed(r);
  if (!file) return make_list(r, AST_FILE, item->span, item);
  return ast_push(r->ctx, file, item);
}

Ast *make_rule(Reader *r, AstKind k, Span at, Span name_at, const char *name, Ast *params,
               Ast *seeds, Ast *body) {
  if (k == AST_GRADIENT && seeds->nkids > 2)
    fail_at(r->ctx, seeds->kid[2]->span, "write custom_gradient f(x; up, value) = e",
            "after ';' stand the gradient that arrives and, if wanted, the value");
  if (k == AST_TANGENT && seeds->nkids != params->nkids)
    fail_at(r->ctx, seeds->span, "write custom_tangent f(x, y; dx, dy) = e",
            "a rule needs one tangent for each parameter: %u, not %u", params->nkids,
            seeds->nkids);
  Ast *rule = ast_new(r->ctx, k, at, 3, params, seeds, body);
  rule->name = name;
  rule->name_span = name_at;
  return rule;
}

Ast *make_import(Reader *r, Span at, Ast *text) {
  if (text->nkids != 1 || text->kid[0]->nkids)
    fail_at(r->ctx, text->span, "write import \"layers.gc\"", "an import names one file");
  Ast *a = make_leaf(r, AST_IMPORT, at, text->kid[0]->name);
  a->name_span = text->span;
  return a;
}

/* ---- blocks and texts ----------------------------------------------------------------- */

static bool is_value(const Ast *a) {
  return a->kind != AST_BIND && a->kind != AST_TRACE && a->kind != AST_FUNCTION;
}

/* Bindings and traces, then one value. */
Ast *make_block(Reader *r, Span at, Ast *items) {
  for (uint32_t k = 0; k < items->nkids; k++) {
    const Ast *a = items->kid[k];
    if (a->kind == AST_FUNCTION)
      fail_at(r->ctx, a->span, str_printf(r->ctx, "write %s = x -> e", a->name),
              "inside a block a function is bound by '->'");
    if (k + 1 < items->nkids && is_value(a))
      fail_at(r->ctx, a->span, "give it a name, or put it last",
              "only the last part of a block is its value");
  }
  const Ast *last = items->kid[items->nkids - 1];
  if (!is_value(last))
    fail_at(r->ctx, last->span, "add an expression at the end: { a = e; a }",
            "a block ends with its value");
  return make_filled(at, items, NULL);
}

Ast *make_push_text(Reader *r, Ast *text, Span at, const char *piece) {
  return ast_push(r->ctx, text, make_leaf(r, AST_PIECE, at, piece));
}

Ast *make_push_value(Reader *r, Ast *text, Span at, Ast *e, const char *format) {
  return ast_push(r->ctx, text, make_named(r, AST_PIECE, at, at, format, e));
}
