/* control.c - `if`, `and`, `or`, and blocks.
 *
 * A condition on ints or bools that is known here chooses a branch here: that is how
 * recursion ends.  One on reals does not, even if its value is known: the derivative is
 * that of the program as written, both branches of it. */
#include "elaborate/private.h"

/* ---- conditions --------------------------------------------------------- */

static bool known_bool(Elab *e, Ref c, bool *value) {
  const Node *n = ir_node(e->p, c);
  if (n->op != IR_CONST) return false;
  *value = n->aux.i != 0;
  return true;
}

static Ref condition(Elab *e, const Val *v, const Ast *a, const char *what) {
  if (v->kind != VAL_NODE || val_type(e, v)->elem != ELEM_BOOL)
    fail_at(e->c, a->span, "compare it, as in x != 0", "%s is a bool, not %s", what,
            val_type_text(e, v));
  if (val_type(e, v)->rank) {
    const char *f = e->st->frame ? e->st->frame->func->name : NULL;
    fail_at(e->c, a->span,
            f ? str_printf(e->c, "map `%s` over the array: [%s(v) for v in X]; or use "
                                 "any(…) or all(…)", f, f)
              : "map it over the array: [if … for v in X]; or use any(…) or all(…)",
            "%s is one bool, not %s", what, val_type_text(e, v));
  }
  return v->ref;
}

/* ---- if ----------------------------------------------------------------- */

typedef struct Branch {
  Region *region;
  const Val *v;
  Span at;
} Branch;

static Branch branch_open(Elab *e, Scope *s, const Ast *a) {
  Branch b = {.at = a->span};
  b.region = ir_begin(e->p);
  b.v = elab_expr(e, s, a);
  ir_end(e->p);
  return b;
}

/* Gives a branch its results, each of the type that both agreed on. */
static void branch_close(Elab *e, Branch *b, uint32_t n, const Val *const *leaf,
                         const Type *const *type) {
  Region *outside = e->p->cur;
  e->p->cur = b->region;
  for (uint32_t k = 0; k < n; k++)
    if (type[k]) ir_result(e->p, leaf_to_type(e, leaf[k], type[k], b->at, "the branches"));
  e->p->cur = outside;
}

static const Val *join_branches(Elab *e, Ref c, Branch *x, Branch *y, Span at) {
  if (!val_align(e, &x->v, &y->v))
    fail_note(e, y->at, NULL, x->at, str_printf(e->c, "this one is %s", val_type_text(e, x->v)),
              "the branches of the `if` differ: this one is %s", val_type_text(e, y->v));
  const Val **xs, **ys;
  uint32_t n = val_leaves(e, x->v, &xs), kept = 0;
  val_leaves(e, y->v, &ys);
  const Type **type = NEWN(e->c, const Type *, n);
  for (uint32_t k = 0; k < n; k++) {
    type[k] = leaf_join(e, xs[k], ys[k], at, "the branches of the `if`");
    if (type[k]) need_visible_sizes(e, type[k], at, "a branch of the `if`");
  }
  branch_close(e, x, n, xs, type);
  branch_close(e, y, n, ys, type);
  elab_place(e, at);
  Ref r = ir_if(e->p, c, x->region, y->region);
  const Val **out = NEWN(e->c, const Val *, n);
  for (uint32_t k = 0; k < n; k++)
    out[k] = type[k] ? val_node(e, ir_out(e->p, r, kept++)) : xs[k];
  return val_rebuild(e, x->v, out);
}

/* NULL where the condition is known: *chosen is then the branch to go on with. */
const Val *elab_if(Elab *e, Scope *s, const Ast *a, const Ast **chosen) {
  uint32_t tests = e->st->real_tests;
  bool value;
  elab_enter(e, a->span);
  const Val *v = elab_expr(e, s, a->kid[0]), *out = NULL;
  Ref c = condition(e, v, a->kid[0], "the condition of an `if`");
  if (known_bool(e, c, &value) && tests == e->st->real_tests) {
    *chosen = a->kid[value ? 1 : 2];
  } else {
    Branch x = branch_open(e, s, a->kid[1]);
    Branch y = branch_open(e, s, a->kid[2]);
    out = join_branches(e, c, &x, &y, a->span);
  }
  elab_leave(e);
  return out;
}

/* ---- and, or ------------------------------------------------------------ */

/* Could evaluating it fail, or cost more than a few operations? */
bool may_fail(const Ast *a) {
  enum { LOOK = 64 };
  const Ast *todo[LOOK];
  uint32_t n = 0, seen = 0;
  todo[n++] = a;
  while (n) {
    a = todo[--n];
    if (++seen > LOOK || n + a->nkids > LOOK) return true;
    switch (a->kind) {
    case AST_INT: case AST_REAL: case AST_BOOL: case AST_NAME: case AST_UNARY: break;
    case AST_BINARY:
      if (a->op == OP_FLOORDIV || a->op == OP_MOD || a->op == OP_MATMUL) return true;
      break;
    case AST_GET: break;
    default: return true;
    }
    for (uint32_t k = 0; k < a->nkids; k++) todo[n++] = a->kid[k];
  }
  return false;
}

/* `a and b` where b may fail, or is long: b is evaluated where it decides. */
static const Val *decide(Elab *e, Scope *s, const Ast *a, Ref left) {
  bool and = a->op == OP_AND;
  Region *long_way = ir_begin(e->p);
  const Val *v = elab_expr(e, s, a->kid[1]);
  ir_result(e->p, condition(e, v, a->kid[1], "the right side of `and` and `or`"));
  ir_end(e->p);
  Region *short_way = ir_begin(e->p);
  ir_result(e->p, ir_bool(e->p, !and));
  ir_end(e->p);
  elab_place(e, a->span);
  Ref r = and ? ir_if(e->p, left, long_way, short_way) : ir_if(e->p, left, short_way, long_way);
  return val_node(e, ir_out(e->p, r, 0));
}

/* The left side of a chain `a and b and c` is a chain again: it is gone down without
 * recursion. */
const Val *elab_logic(Elab *e, Scope *s, const Ast *a) {
  elab_enter(e, a->span);
  VEC(const Ast *) chain = {0};
  const Ast *left = a;
  for (; left->kind == AST_BINARY && (left->op == OP_AND || left->op == OP_OR); left = left->kid[0])
    VEC_PUSH(e->c, &chain, left);
  const Val *v = elab_expr(e, s, left);
  while (chain.n) {
    a = chain.at[--chain.n];
    bool value, scalar = v->kind == VAL_NODE && val_type(e, v)->rank == 0 &&
                         val_type(e, v)->elem == ELEM_BOOL;
    if (scalar && known_bool(e, v->ref, &value)) {
      if (value == (a->op == OP_OR)) continue; /* decided */
      v = elab_expr(e, s, a->kid[1]);
      if (v->kind != VAL_NODE || val_type(e, v)->elem != ELEM_BOOL)
        condition(e, v, a->kid[1], "the right side of `and` and `or`");
    } else if (scalar && may_fail(a->kid[1])) {
      v = decide(e, s, a, v->ref);
    } else {
      v = elab_binary(e, a->op, v, elab_expr(e, s, a->kid[1]), a->span);
    }
  }
  elab_leave(e);
  return v;
}

/* ---- blocks ------------------------------------------------------------- */

static void warn_hidden(Elab *e, const Ast *pattern) {
  if (pattern->kind == AST_NAME) {
    warn_hidden_builtin(e->c, pattern->name, pattern->span);
    return;
  }
  for (uint32_t k = 0; k < pattern->nkids; k++) warn_hidden(e, pattern->kid[k]);
}

const Val *elab_block(Elab *e, Scope *outer, const Ast *a) {
  elab_enter(e, a->span);
  Scope *s = scope_new(e, outer);
  for (uint32_t k = 0; k + 1 < a->nkids; k++) {
    const Ast *item = a->kid[k];
    if (item->kind == AST_TRACE) {
      elab_trace(e, s, item);
      continue;
    }
    const Val *v = elab_expr(e, s, item->kid[1]);
    if (!e->st->in_prelude) warn_hidden(e, item->kid[0]);
    bind_pattern(e, s, item->kid[0], v, true);
  }
  const Val *v = elab_expr(e, s, a->kid[a->nkids - 1]);
  elab_leave(e);
  return v;
}
