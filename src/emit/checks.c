/* checks.c - what can go wrong at run time, and what a program does to the outside.
 *
 * A check that fails returns its number, which the header lists; code for the JIT tells
 * gc_fail the node, the axis, the index and the size. */
#include "emit/private.h"

#include <string.h>

#include "optimize/optimize.h"

/* The number of a part's check is the one that the whole's header lists.  Both are written in
 * the same order, so the search goes on where the last one ended. */
static uint32_t number_in(Emit *e, Ref r, const char *what) {
  const uint32_t n = e->whole->checks.n;
  for (uint32_t k = 0; k < n; k++) {
    const uint32_t at = (e->whole_check + k) % n;
    const Check *c = &e->whole->checks.at[at];
    if (c->node != r || strcmp(c->what, what) != 0) continue;
    e->whole_check = at + 1;
    return c->number;
  }
  return n + 1;
}

static uint32_t number(Emit *e, Ref r, const char *what) {
  for (uint32_t k = e->again_from; k < e->again_to; k++)
    if (e->checks.at[k].node == r && strcmp(e->checks.at[k].what, what) == 0)
      return e->checks.at[k].number;
  Check c = {.number = e->checks.n + 1, .node = r, .what = what};
  if (e->whole) c.number = number_in(e, r, what);
  VEC_PUSH(e->c, &e->checks, c);
  e->fn->fails = true;
  return c.number;
}

static void use_fail(Emit *e) {
  use_function(e->f, "gc_fail", "int gc_fail(void *, unsigned, int, long long, long long);");
}

/* Is a literal subscript inside a literal size? */
static bool surely_inside(const Emit *e, Ref index, Size size) {
  const Node *i = node(e, index);
  int64_t n;
  return i->op == IR_CONST && size_is_const(size, &n) && i->aux.i >= 0 && i->aux.i < n;
}

static void check_subscript(Emit *e, Ref r, Ref index, Size size, uint32_t axis) {
  const Node *a = node(e, node(e, r)->arg[0]);
  if (surely_inside(e, index, size)) return;
  bool literal = node(e, index)->op == IR_CONST && node(e, index)->aux.i >= 0;
  line_start(e);
  put(e, "if (");
  if (!literal) {
    put_expr(e, index, PREC_REL);
    put(e, " < 0 || ");
  }
  put_expr(e, index, PREC_REL);
  put(e, " >= ");
  put_size(e, size, PREC_ADD);
  put(e, ") return ");
  uint32_t k = number(e, r, str_printf(e->c, "index out of range for axis %u%s%s", axis,
                                       a->name ? " of " : "", a->name ? a->name : ""));
  if (!e->f->jit) {
    putf(e, "%u;\n", k);
    return;
  }
  use_fail(e);
  putf(e, "gc_fail(%s, %u, %u, ", ref_host(e), r, axis);
  put_expr(e, index, PREC_COND);
  put(e, ", ");
  put_size(e, size, PREC_COND);
  line_end(e, ");");
}

void emit_subscript_checks(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Type *t = node(e, n->arg[0])->type;
  uint32_t first = first_subscript(n);
  for (uint32_t k = first; k < n->nargs; k++)
    if (!subscript_holds(e->p, r, k - first)) check_subscript(e, r, n->arg[k], t->dim[k - first], k - first);
}

void emit_checks(Emit *e, Ref r) {
  const Node *n = node(e, r);
  if (divides_by_zero(e, n)) {
    line_start(e);
    put(e, "if (");
    put_expr(e, n->arg[1], PREC_EQ);
    put(e, " == 0) return ");
    uint32_t k = number(e, r, n->aux.i == P_MOD ? "modulo by zero" : "division by zero");
    if (e->f->jit) {
      use_fail(e);
      putf(e, "gc_fail(%s, %u, 0, 0, 0);\n", ref_host(e), r);
    } else {
      putf(e, "%u;\n", k);
    }
    return;
  }
  if (!(n->flags & NODE_CHECKED) || e->c->opt.unchecked) return;
  if (n->op == IR_READ || n->op == IR_WITH || n->op == IR_UPD) emit_subscript_checks(e, r);
}

void emit_check(Emit *e, Ref r) {
  const Node *n = node(e, r);
  line_start(e);
  put(e, "if (!");
  put_expr(e, n->arg[0], PREC_PRIMARY);
  put(e, ") return ");
  uint32_t k = number(e, r, n->aux.str ? n->aux.str : "a check failed");
  if (!e->f->jit) {
    putf(e, "%u;\n", k);
    return;
  }
  use_fail(e);
  putf(e, "gc_fail(%s, %u, 0, 0, 0);\n", ref_host(e), r);
}

/* ---- effects, for the JIT ------------------------------------------------------- */

static void put_leaf(Emit *e, Ref leaf, uint32_t k, const char *dims) {
  const Node *n = node(e, leaf);
  line_start(e);
  if (is_array(n)) {
    putf(e, "leaf[%u].v.p = %s; ", k, array_text(e, leaf));
    putf(e, "leaf[%u].dim = %s;\n", k, dims);
    return;
  }
  putf(e, "leaf[%u].v.%s = ", k, n->type->elem == ELEM_REAL ? "r" : "i");
  put_expr(e, leaf, PREC_ANY);
  putf(e, "; leaf[%u].dim = 0;\n", k);
}

static const char *put_dims(Emit *e, Ref leaf, uint32_t k) {
  const Type *t = node(e, leaf)->type;
  const char *name = str_printf(e->c, "dim%u", k);
  line_start(e);
  putf(e, "int64_t %s[%u];\n", name, t->rank);
  for (uint32_t d = 0; d < t->rank; d++) {
    line_start(e);
    putf(e, "%s[%u] = ", name, d);
    put_size(e, t->dim[d], PREC_ANY);
    line_end(e, ";");
  }
  return name;
}

static void use_effect(Emit *e) {
  use_function(e->f, "gc_effect",
               "int gc_effect(void *, unsigned, const struct gc_leaf *, unsigned);");
  e->fn->fails = true;
}

void emit_effect(Emit *e, Ref r) {
  const Node *n = node(e, r);
  use_effect(e);
  line(e, "{");
  e->fn->indent++;
  line(e, "struct gc_leaf leaf[%u];", n->nargs ? n->nargs : 1);
  const char **dims = NEWN(e->c, const char *, n->nargs + 1);
  for (uint32_t k = 0; k < n->nargs; k++)
    if (is_array(node(e, n->arg[k]))) dims[k] = put_dims(e, n->arg[k], k);
  for (uint32_t k = 0; k < n->nargs; k++) put_leaf(e, n->arg[k], k, dims[k]);
  line(e, "if (gc_effect(%s, %u, leaf, %u)) return 1;", ref_host(e), r, n->nargs);
  block_close(e);
}

void emit_used_up(Emit *e, Ref r) {
  use_effect(e);
  line(e, "if (gc_effect(%s, %u, 0, 0)) return 1;", ref_host(e), r);
}

static void use_stop(Emit *e) {
  use_function(e->f, "gc_stop", "struct gc_stop *gc_stop(void *);");
  use_function(e->f, "gc_stopped", "int gc_stopped(void *);");
  e->fn->fails = true;
}

void emit_stop(Emit *e) {
  if (!e->f->jit) return;
  use_stop(e);
  line(e, "if (*%s->flag) return gc_stopped(%s);", ref_stop(e), ref_host(e));
}

void emit_trips(Emit *e, Ref rounds) {
  if (!e->f->jit || !e->c->opt.guarded) return;
  use_stop(e);
  line_start(e);
  put(e, "if (");
  if (rounds) {
    put_expr(e, rounds, PREC_REL);
    put(e, " > 0 && ");
  }
  putf(e, "(%s->trips -= ", ref_stop(e));
  if (e->rows) putf(e, "%u*", lanes_of(e->f));
  if (e->rounds) putf(e, "%s*", e->rounds);
  if (rounds) put_expr(e, rounds, e->rows || e->rounds ? PREC_UNARY : PREC_ADD);
  else put(e, "1");
  putf(e, ") < 0) return gc_stopped(%s);\n", ref_host(e));
}

void emit_trips_over(Emit *e, const Size *extent, uint32_t n) {
  if (!e->f->jit || !e->c->opt.guarded) return;
  use_stop(e);
  line_start(e);
  put(e, "if (");
  for (uint32_t k = 0; k < n; k++) {
    put_size(e, extent[k], PREC_REL);
    put(e, " > 0 && ");
  }
  putf(e, "(%s->trips -= ", ref_stop(e));
  for (uint32_t k = 0; k < n; k++) {
    if (k) put(e, "*");
    put_size(e, extent[k], PREC_UNARY);
  }
  putf(e, ") < 0) return gc_stopped(%s);\n", ref_host(e));
}
