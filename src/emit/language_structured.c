/* language_structured.c - loops, choices and folds as text: one expression for each node,
 * whose value is the tuple of its results and then of the arrays that it updates. */
#include "emit/language.h"

#include <inttypes.h>

static const char state_letters[] = "suvwyz", index_letters[] = "ijklmn", time_letters[] = "tk";

/* ---- accumulators ---- */

/* The handles with a present value that a structured node updates. */
uint32_t live_handles(Printer *w, const Node *s, Ref **handles) {
  uint32_t n = 0;
  *handles = NEWN(w->c, Ref, s->nfree + 1);
  for (uint32_t i = 0; i < s->nfree; i++)
    if (w->version[s->free[i]]) (*handles)[n++] = s->free[i];
  return n;
}

/* Turns handles' values off while outputs are printed alone; and on again. */
static const char **hide(Printer *w, const Node *s) {
  const char **old = NEWN(w->c, const char *, s->nfree + 1);
  for (uint32_t i = 0; i < s->nfree; i++) {
    old[i] = w->version[s->free[i]];
    w->version[s->free[i]] = NULL;
  }
  return old;
}

static void unhide(Printer *w, const Node *s, const char **old) {
  for (uint32_t i = 0; i < s->nfree; i++) w->version[s->free[i]] = old[i];
}

/* ---- loops ---- */

static const char *const reductions[] = {
  "", "sum", "prod", "max", "min", "any", "all", "argmax", "argmin",
};

/* `for i < n, j < m`; names the indices. */
static const char *clauses(Printer *w, const Node *l) {
  Buf b;
  buf_init(&b, w->c);
  const char **extent = NEWN(w->c, const char *, l->nargs + 1);
  for (uint32_t i = 0; i < l->nargs; i++) extent[i] = expression_text(w, l->arg[i], AT_SUM, false);
  for (uint32_t i = 0; i < l->nargs; i++) {
    const char *name = language_bind(w, l->regions[0]->params.at[i], index_letters);
    buf_printf(&b, "%s%s < %s", i ? ", " : "", name, extent[i]);
  }
  return buf_text(&b);
}

static const char *latex_bounds(Printer *w, const Node *l, const char *sign) {
  Buf b;
  buf_init(&b, w->c);
  for (uint32_t i = 0; i < l->nargs; i++) {
    const Node *e = ir_node(w->p, l->arg[i]);
    const char *extent = expression_text(w, l->arg[i], AT_SUM, false);
    const char *name = language_bind(w, l->regions[0]->params.at[i], index_letters);
    if (e->op == IR_CONST) buf_printf(&b, "%s_{%s=0}^{%" PRId64 "} ", sign, name, e->aux.i - 1);
    else buf_printf(&b, "%s_{%s=0}^{%s-1} ", sign, name, extent);
  }
  return buf_text(&b);
}

static int latex_loop(Printer *w, Buf *out, const Node *l, Ref e, Combiner comb) {
  static const char *const sign[] = {
    "", "\\sum", "\\prod", "\\max", "\\min", "\\bigvee", "\\bigwedge",
    "\\operatorname{argmax}", "\\operatorname{argmin}",
  };
  Items items = {0};
  add_item(w, &items, "", e, comb == BUILD ? AT_ALL : AT_PRODUCT, "");
  if (comb == BUILD) {
    const char *range = clauses(w, l);
    const char *body = region_text(w, l->regions[0], &items, false);
    buf_printf(out, "\\left[%s\\right]_{%s}", body, range);
    return AT_ATOM;
  }
  buf_puts(out, latex_bounds(w, l, sign[comb]));
  buf_puts(out, region_text(w, l->regions[0], &items, false));
  return AT_SUM;
}

static int loop_result(Printer *w, Buf *out, const Node *l, uint32_t k) {
  Combiner comb = l->aux.loop->comb[k];
  Ref e = l->regions[0]->results.at[k];
  const char **hidden = hide(w, l);
  uint32_t mark = names_mark(w);
  int at = AT_ATOM;
  if (w->latex) {
    at = latex_loop(w, out, l, e, comb);
  } else {
    Items items = {0};
    add_item(w, &items, "", e, AT_ALL, "");
    const char *range = clauses(w, l);
    const char *body = region_text(w, l->regions[0], &items, false);
    const char *form = comb == BUILD ? "%s[%s for %s]" : "%s(%s for %s)";
    buf_printf(out, form, reductions[comb], body, range);
  }
  names_release(w, mark);
  unhide(w, l, hidden);
  return at;
}

/* All arrays of a loop at once: [(a, b) for i < n]. */
const char *built_together(Printer *w, const Node *l) {
  Items items = {0};
  for (uint32_t k = 0; k < l->nresults; k++)
    add_item(w, &items, "", l->regions[0]->results.at[k], AT_ALL, "");
  const char **hidden = hide(w, l);
  uint32_t mark = names_mark(w);
  const char *range = clauses(w, l);
  const char *body = region_text(w, l->regions[0], &items, false);
  names_release(w, mark);
  unhide(w, l, hidden);
  return str_printf(w->c, "[%s%s%s]", body, word(w, " for "), range);
}

/* ---- what is carried ---- */

/* Several values that a fold hands on: their names inside, and where they start. */
typedef struct Carried {
  uint32_t n;
  const char **name, **init;
  Items next;
} Carried;

static void carry(Printer *w, Carried *s, const char *name, const char *init) {
  uint32_t n = s->n++;
  s->name = arena_grow(w->c, s->name, n * sizeof *s->name, s->n * sizeof *s->name);
  s->init = arena_grow(w->c, s->init, n * sizeof *s->init, s->n * sizeof *s->init);
  s->name[n] = name, s->init[n] = init;
}

/* Handles are carried under names of their own inside. */
static void carry_handles(Printer *w, Carried *s, uint32_t n, const Ref *handle) {
  for (uint32_t i = 0; i < n; i++) {
    const char *init = w->version[handle[i]];
    const char *name = name_fresh(w, ir_node(w->p, handle[i])->name, "ABCDEFGH");
    carry(w, s, name, init);
    w->version[handle[i]] = name;
  }
}

static void handle_items(Printer *w, Items *t, uint32_t n, const Ref *handle) {
  for (uint32_t i = 0; i < n; i++) add_item(w, t, NULL, handle[i], AT_ALL, NULL);
}

static void save_versions(Printer *w, uint32_t n, const Ref *handle, const char **old) {
  for (uint32_t i = 0; i < n; i++) old[i] = w->version[handle[i]];
}

static void set_versions(Printer *w, uint32_t n, const Ref *handle, const char *const *to) {
  for (uint32_t i = 0; i < n; i++) w->version[handle[i]] = to[i];
}

static const char *fold_text(Printer *w, const Carried *s, const char *clause, const char *body) {
  return str_printf(w->c, "%s%s = %s%s%s %s", word(w, "fold "), tuple(w, s->n, s->name),
                    tuple(w, s->n, s->init), word(w, " for "), clause, body);
}

/* An array for T elements of a type, to be written one by one. */
static const char *blank(Printer *w, const Type *t) {
  Buf b;
  buf_init(&b, w->c);
  bool real = t->elem == ELEM_REAL;
  buf_puts(&b, real ? "zeros(" : t->elem == ELEM_INT ? "[0 for " : "[false for ");
  for (uint32_t i = 0; i < t->rank; i++) {
    buf_puts(&b, i ? ", " : "");
    if (!real) buf_printf(&b, "%c < ", index_letters[i % 6]);
    size_expression(w, &b, t->dim[i], false, AT_SUM);
  }
  buf_puts(&b, real ? ")" : "]");
  return buf_text(&b);
}

/* How an output of a fold is put together from one trip to the next. */
static void carry_output(Printer *w, Carried *s, const Node *f, uint32_t k, const char *time) {
  static const char *const start[] = {"", "0.0", "1.0", "-inf", "inf", "false", "true"};
  static const char *const sign[] = {
    "", "%s + ", "%s*", "max(%s, ", "min(%s, ", "%s or ", "%s and ",
  };
  uint32_t ncarry = f->nargs - 1;
  Combiner comb = f->aux.loop->comb[k];
  const Type *t = f->result_type[ncarry + k];
  Ref e = f->regions[0]->results.at[ncarry + k];
  if (comb > ALL) internal_error(w->c, "language: a fold that keeps a position");
  const char *name = name_fresh(w, NULL, "ABCDEFGH");
  const char *first = start[comb];
  if (t->elem == ELEM_INT && comb == SUM) first = "0";
  if (t->elem == ELEM_INT && comb == PROD) first = "1";
  carry(w, s, name, comb == BUILD ? blank(w, t) : first);
  const char *before = str_printf(w->c, "%s%s[%s] = ", name, word(w, " with "), time);
  if (comb != BUILD) before = str_printf(w->c, sign[comb], name);
  const char *after = comb == MAX || comb == MIN ? ")" : "";
  add_item(w, &s->next, before, e, comb == BUILD ? AT_OR : AT_POWER, after);
}

/* ---- structured nodes as one expression: the tuple of results, then of handles ---- */

static const char *fold_node(Printer *w, const Node *f, uint32_t nh, const Ref *handle) {
  const Region *r = f->regions[0];
  uint32_t ncarry = f->nargs - 1, mark = names_mark(w);
  const char **old = NEWN(w->c, const char *, nh + 1);
  save_versions(w, nh, handle, old);
  Carried s = {0};
  const char *trips = expression_text(w, f->arg[0], AT_SUM, false);
  const char **init = NEWN(w->c, const char *, ncarry + 1);
  for (uint32_t i = 0; i < ncarry; i++) init[i] = expression_text(w, f->arg[i + 1], AT_OR, true);
  const char *time = language_bind(w, r->params.at[0], time_letters);
  for (uint32_t i = 0; i < ncarry; i++) {
    carry(w, &s, language_bind(w, r->params.at[i + 1], state_letters), init[i]);
    add_item(w, &s.next, "", r->results.at[i], AT_ALL, "");
  }
  for (uint32_t k = 0; k < f->aux.loop->nout; k++) carry_output(w, &s, f, k, time);
  carry_handles(w, &s, nh, handle);
  handle_items(w, &s.next, nh, handle);
  const char *body = region_text(w, r, &s.next, true);
  const char *clause = str_printf(w->c, "%s < %s", time, trips);
  names_release(w, mark);
  set_versions(w, nh, handle, old);
  return fold_text(w, &s, clause, body);
}

static const char *while_text(Printer *w, const Node *n, Carried *s, const char *most) {
  Items cond = {0};
  add_item(w, &cond, "", n->regions[0]->results.at[0], AT_OR, "");
  const char **hidden = hide(w, n);
  const char *c = region_text(w, n->regions[0], &cond, false);
  unhide(w, n, hidden);
  if (*c == '{') c = str_printf(w->c, "(%s)", c);
  const char *body = region_text(w, n->regions[1], &s->next, true);
  const char *names = tuple(w, s->n, s->name), *init = tuple(w, s->n, s->init);
  return str_printf(w->c, "%s%s = %s%s%s%s%s %s", word(w, "loop "), names, init,
                    word(w, " while "), c, word(w, " at most "), most, body);
}

/* Results: the states, the count of trips (if asked for), the handles. */
static const char *while_node(Printer *w, const Node *n, bool count, uint32_t nh,
                              const Ref *handle) {
  uint32_t ncarry = n->nargs - 1, mark = names_mark(w);
  const char **old = NEWN(w->c, const char *, nh + 1);
  Carried s = {0};
  const char *most = expression_text(w, n->arg[0], AT_SUM, false);
  const char **init = NEWN(w->c, const char *, ncarry + 1);
  for (uint32_t i = 0; i < ncarry; i++) init[i] = expression_text(w, n->arg[i + 1], AT_OR, true);
  for (uint32_t i = 0; i < ncarry; i++) {
    carry(w, &s, language_bind(w, n->regions[1]->params.at[i], state_letters), init[i]);
    w->name[n->regions[0]->params.at[i]] = s.name[i];
    add_item(w, &s.next, "", n->regions[1]->results.at[i], AT_ALL, "");
  }
  if (count) {
    const char *name = name_fresh(w, "count", NULL);
    carry(w, &s, name, "0");
    add_item(w, &s.next, str_printf(w->c, "%s + 1", name), 0, AT_ALL, "");
  }
  save_versions(w, nh, handle, old);
  carry_handles(w, &s, nh, handle);
  handle_items(w, &s.next, nh, handle);
  const char *text = while_text(w, n, &s, most);
  names_release(w, mark);
  set_versions(w, nh, handle, old);
  return text;
}

/* Where the other branch is a real for certain, 2 will do for a real 2 here. */
static const char *branch(Printer *w, const Region *r, const Region *other, uint32_t nh,
                          const Ref *handle) {
  const char **old = NEWN(w->c, const char *, nh + 1);
  Items items = {0};
  result_items(w, &items, r, other ? AT_OR : AT_ALL);
  for (uint32_t i = 0; i < items.v.n; i++)
    items.v.at[i].loose = !other || is_real_text(w, other->results.at[i]);
  handle_items(w, &items, nh, handle);
  save_versions(w, nh, handle, old);
  const char *text = region_text(w, r, &items, false);
  set_versions(w, nh, handle, old);
  return text;
}

static const char *if_node(Printer *w, const Node *n, uint32_t nh, const Ref *handle) {
  const char *c = expression_text(w, n->arg[0], AT_OR, false);
  const char *a = branch(w, n->regions[0], n->regions[1], nh, handle);
  const char *b = branch(w, n->regions[1], NULL, nh, handle);
  if (w->latex)
    return str_printf(w->c, "\\begin{cases} %s & \\text{if } %s \\\\ %s & \\text{otherwise} "
                            "\\end{cases}", a, c, b);
  return str_printf(w->c, "if %s then %s else %s", c, a, b);
}

static bool is_literal(const Printer *w, Ref r, bool value) {
  const Node *n = ir_node(w->p, r);
  return n->op == IR_CONST && (n->aux.i != 0) == value;
}

/* `a and b` computes b only where a holds, and is `if a then b else false`. */
static int if_result(Printer *w, Buf *out, const Node *n) {
  Ref a = n->regions[0]->results.at[0], b = n->regions[1]->results.at[0];
  bool boolean = n->result_type[0]->elem == ELEM_BOOL && !n->result_type[0]->rank && !w->latex;
  bool both = boolean && is_literal(w, b, false), either = boolean && is_literal(w, a, true);
  if (!both && !either) {
    buf_puts(out, if_node(w, n, 0, NULL));
    return w->latex ? AT_ATOM : AT_ALL;
  }
  int at = both ? AT_AND : AT_OR;
  Items items = {0};
  add_item(w, &items, "", both ? a : b, at + 1, "");
  buf_printf(out, "%s %s %s", expression_text(w, n->arg[0], at, false), both ? "and" : "or",
             region_text(w, n->regions[!both], &items, false));
  return at;
}

/* The updates of a parallel loop, in order of its indices: folds in each other. */
const char *loop_updates(Printer *w, const Node *l, uint32_t nh, const Ref *handle) {
  uint32_t mark = names_mark(w);
  const char **old = NEWN(w->c, const char *, nh + 1);
  save_versions(w, nh, handle, old);
  Carried *level = NEWN(w->c, Carried, l->nargs + 1);
  const char **clause = NEWN(w->c, const char *, l->nargs + 1);
  for (uint32_t i = 0; i < l->nargs; i++)
    clause[i] = expression_text(w, l->arg[i], AT_SUM, false);
  for (uint32_t i = 0; i < l->nargs; i++) {
    const char *index = language_bind(w, l->regions[0]->params.at[i], index_letters);
    clause[i] = str_printf(w->c, "%s < %s", index, clause[i]);
    carry_handles(w, &level[i], nh, handle);
  }
  Items items = {0};
  handle_items(w, &items, nh, handle);
  const char *body = region_text(w, l->regions[0], &items, true);
  for (uint32_t i = l->nargs; i-- > 0;) {
    body = fold_text(w, &level[i], clause[i], body);
    if (i) body = str_printf(w->c, "{ %s }", body);
  }
  names_release(w, mark);
  set_versions(w, nh, handle, old);
  return body;
}

/* ---- all of them ---- */

int structured_result(Printer *w, Buf *out, Ref s, uint32_t k) {
  const Node *n = ir_node(w->p, s);
  switch (n->op) {
  case IR_LOOP: return loop_result(w, out, n, k);
  case IR_CUSTOM: buf_puts(out, custom_node(w, n)); return AT_ATOM;
  case IR_FOLD: buf_puts(out, fold_node(w, n, 0, NULL)); return AT_ALL;
  case IR_WHILE: buf_puts(out, while_node(w, n, false, 0, NULL)); return AT_ALL;
  case IR_IF: return if_result(w, out, n);
  default: internal_error(w->c, "language: result of operator %d", n->op);
  }
}

const char *group_text(Printer *w, const Node *n, bool count, uint32_t nh,
                              const Ref *handle) {
  switch (n->op) {
  case IR_IF: return if_node(w, n, nh, handle);
  case IR_FOLD: return fold_node(w, n, nh, handle);
  case IR_WHILE: return while_node(w, n, count, nh, handle);
  case IR_CUSTOM: return custom_node(w, n);
  default: internal_error(w->c, "language: statement of operator %d", n->op);
  }
}
