/* language.c - a program as text in the language: what `gradc diff` prints.
 *
 * Takes a program of either stage, best after opt_simplify; gives text that is read back
 * as a program of the same value, its controls included: a function where the Sig has a
 * name, else the expression alone, ending with a newline.  Calls with a rule come with
 * their function and rule in front.
 *
 * Updates of an accumulator become a chain of values: in every region that updates one, the
 * array is carried like the state of a fold, A with [i] = A[i] + v.
 * Checks, prints and asserts are left out: elaboration makes its own.
 *
 * Work is linear but for loops with several outputs of mixed kinds, printed one by one. */
#include "emit/language.h"

#include "emit/emit.h"

#include <inttypes.h>
#include <string.h>

#define uthash_malloc(size) arena_alloc(c, (size))
#define uthash_free(p, size) ((void)(p))
#define uthash_fatal(message) internal_error(c, "%s", message)
#include <uthash.h>

typedef struct Stmt { const char *left, *right; } Stmt;   /* left NULL: a trace */
typedef struct Body { VEC(Stmt) st; } Body;

/* One component of a region's value: text around a node, or (node 0) text alone. */
typedef struct Item {
  const char *before;   /* NULL: the present value of handle `node` */
  Ref node;
  int at;
  const char *after;
  bool loose;           /* 2 will do for a real 2 */
} Item;
typedef struct Items { VEC(Item) v; } Items;

struct Printed { const char *text, *name; UT_hash_handle hh; };

enum { LINE = 72 };
static const char state_letters[] = "suvwyz", index_letters[] = "ijklmn", time_letters[] = "tk";

static const char *region_text(Printer *w, const Region *r, const Items *items, bool braces);

/* ---- small texts -------------------------------------------------------------- */

static const char *word(const Printer *w, const char *s) {
  return w->latex ? str_printf(w->c, "\\text{%s}", s) : s;
}

static void statement(Printer *w, Body *b, const char *left, const char *right) {
  Stmt s = {left, right};
  VEC_PUSH(w->c, &b->st, s);
}

/* (a, b), or a alone. */
static const char *tuple(Printer *w, uint32_t n, const char *const *part) {
  if (n == 1) return part[0];
  Buf b;
  buf_init(&b, w->c);
  buf_puts(&b, "(");
  for (uint32_t i = 0; i < n; i++) buf_printf(&b, "%s%s", i ? ", " : "", part[i]);
  buf_puts(&b, ")");
  return buf_text(&b);
}

static const char *bind_name(Printer *w, Ref r, const char *other) {
  return w->name[r] = name_fresh(w, ir_node(w->p, r)->name, other);
}

static void add_item(Printer *w, Items *t, const char *before, Ref r, int at, const char *after) {
  Item i = {before, r, at, after, false};
  VEC_PUSH(w->c, &t->v, i);
}

static const char *item_text(Printer *w, const Item *i) {
  Buf b;
  buf_init(&b, w->c);
  buf_puts(&b, i->before);
  if (i->node) expression(w, &b, i->node, i->at, !i->loose, false);
  buf_puts(&b, i->after);
  return buf_text(&b);
}

/* ---- accumulators ---------------------------------------------------------------- */

/* The handles with a present value that a structured node updates. */
static uint32_t live_handles(Printer *w, const Node *s, Ref **handles) {
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

static void update(Printer *w, Body *b, const Node *n) {
  const char *now = w->version[n->arg[0]];
  if (!now) return;
  Buf t;
  buf_init(&t, w->c);
  buf_puts(&t, now);
  if (n->nargs > 2) {
    Buf index;
    buf_init(&index, w->c);
    for (uint32_t i = 2; i < n->nargs; i++)
      buf_printf(&index, "%s%s", i > 2 ? ", " : "", expression_text(w, n->arg[i], AT_ALL, false));
    const char *at = buf_text(&index);
    buf_printf(&t, "%s[%s] = %s[%s]", word(w, " with "), at, now, at);
  }
  buf_printf(&t, " + %s", expression_text(w, n->arg[1], AT_PRODUCT, false));
  const char *next = name_fresh(w, ir_node(w->p, n->arg[0])->name, "ABCDEFGH");
  statement(w, b, next, buf_text(&t));
  w->version[n->arg[0]] = next;
}

/* ---- loops -------------------------------------------------------------------------- */

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
    const char *name = bind_name(w, l->regions[0]->params.at[i], index_letters);
    buf_printf(&b, "%s%s < %s", i ? ", " : "", name_text(w, name), extent[i]);
  }
  return buf_text(&b);
}

static const char *latex_bounds(Printer *w, const Node *l, const char *sign) {
  Buf b;
  buf_init(&b, w->c);
  for (uint32_t i = 0; i < l->nargs; i++) {
    const Node *e = ir_node(w->p, l->arg[i]);
    const char *extent = expression_text(w, l->arg[i], AT_SUM, false);
    const char *name = name_text(w, bind_name(w, l->regions[0]->params.at[i], index_letters));
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
    buf_printf(out, "\\left[%s\\right]_{%s}", region_text(w, l->regions[0], &items, false), range);
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
    buf_printf(out, comb == BUILD ? "%s[%s for %s]" : "%s(%s for %s)", reductions[comb], body, range);
  }
  names_release(w, mark);
  unhide(w, l, hidden);
  return at;
}

/* All arrays of a loop at once: [(a, b) for i < n]. */
static const char *built_together(Printer *w, const Node *l) {
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

/* ---- what is carried ------------------------------------------------------------------ */

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
  static const char *const sign[] = {"", "%s + ", "%s*", "max(%s, ", "min(%s, ", "%s or ", "%s and "};
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
  add_item(w, &s->next, before, e, comb == BUILD ? AT_OR : AT_POWER, comb == MAX || comb == MIN ? ")" : "");
}

/* ---- structured nodes as one expression: the tuple of results, then of handles ---------- */

static const char *fold_node(Printer *w, const Node *f, uint32_t nh, const Ref *handle) {
  const Region *r = f->regions[0];
  uint32_t ncarry = f->nargs - 1, mark = names_mark(w);
  const char **old = NEWN(w->c, const char *, nh + 1);
  save_versions(w, nh, handle, old);
  Carried s = {0};
  const char *trips = expression_text(w, f->arg[0], AT_SUM, false);
  const char **init = NEWN(w->c, const char *, ncarry + 1);
  for (uint32_t i = 0; i < ncarry; i++) init[i] = expression_text(w, f->arg[i + 1], AT_OR, true);
  const char *time = bind_name(w, r->params.at[0], time_letters);
  for (uint32_t i = 0; i < ncarry; i++) {
    carry(w, &s, bind_name(w, r->params.at[i + 1], state_letters), init[i]);
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
  return str_printf(w->c, "%s%s = %s%s%s%s%s %s", word(w, "loop "), tuple(w, s->n, s->name),
                    tuple(w, s->n, s->init), word(w, " while "), c, word(w, " at most "), most, body);
}

/* Results: the states, the count of trips (if asked for), the handles. */
static const char *while_node(Printer *w, const Node *n, bool count, uint32_t nh, const Ref *handle) {
  uint32_t ncarry = n->nargs - 1, mark = names_mark(w);
  const char **old = NEWN(w->c, const char *, nh + 1);
  Carried s = {0};
  const char *most = expression_text(w, n->arg[0], AT_SUM, false);
  const char **init = NEWN(w->c, const char *, ncarry + 1);
  for (uint32_t i = 0; i < ncarry; i++) init[i] = expression_text(w, n->arg[i + 1], AT_OR, true);
  for (uint32_t i = 0; i < ncarry; i++) {
    carry(w, &s, bind_name(w, n->regions[1]->params.at[i], state_letters), init[i]);
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

static const char *branch(Printer *w, const Region *r, uint32_t nh, const Ref *handle) {
  const char **old = NEWN(w->c, const char *, nh + 1);
  Items items = {0};
  for (uint32_t i = 0; i < r->results.n; i++) add_item(w, &items, "", r->results.at[i], AT_OR, "");
  handle_items(w, &items, nh, handle);
  save_versions(w, nh, handle, old);
  const char *text = region_text(w, r, &items, false);
  set_versions(w, nh, handle, old);
  return text;
}

static const char *if_node(Printer *w, const Node *n, uint32_t nh, const Ref *handle) {
  const char *c = expression_text(w, n->arg[0], AT_OR, false);
  const char *a = branch(w, n->regions[0], nh, handle);
  const char *b = branch(w, n->regions[1], nh, handle);
  if (w->latex)
    return str_printf(w->c, "\\begin{cases} %s & \\text{if } %s \\\\ %s & \\text{otherwise} \\end{cases}",
                      a, c, b);
  return str_printf(w->c, "if %s then %s else %s", c, a, b);
}

/* The updates of a parallel loop, in order of its indices: folds in each other. */
static const char *loop_updates(Printer *w, const Node *l, uint32_t nh, const Ref *handle) {
  uint32_t mark = names_mark(w);
  const char **old = NEWN(w->c, const char *, nh + 1);
  save_versions(w, nh, handle, old);
  Carried *level = NEWN(w->c, Carried, l->nargs + 1);
  const char **clause = NEWN(w->c, const char *, l->nargs + 1);
  for (uint32_t i = 0; i < l->nargs; i++)
    clause[i] = expression_text(w, l->arg[i], AT_SUM, false);
  for (uint32_t i = 0; i < l->nargs; i++) {
    const char *index = bind_name(w, l->regions[0]->params.at[i], index_letters);
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

/* ---- calls with a rule ------------------------------------------------------------------- */

static void push_text(Printer *w, Buf *b, const char *s) {
  (void)w;
  if (b->n && b->at[b->n - 1] != '(' && strcmp(s, "; ")) {
    if (b->at[b->n - 1] != ' ') buf_puts(b, ", ");
  }
  buf_puts(b, s);
}

/* What is printed in a function of its own: fresh names, nothing of the outside. */
typedef struct Outside { Taken *taken; uint32_t scope, indent; } Outside;

static Outside leave(Printer *w) {
  Outside o = {w->taken, w->scope.n, w->indent};
  w->taken = NULL, w->indent = 0;
  naming_init(w);
  return o;
}

static void come_back(Printer *w, Outside o) {
  w->taken = o.taken, w->scope.n = o.scope, w->indent = o.indent;
}

/* The free values of a call's regions become parameters too. */
typedef struct Extra { uint32_t n; Ref *ref; const char **name; bool *bound; } Extra;

static Extra extras(Printer *w, const Node *n) {
  Extra e = {0};
  e.ref = NEWN(w->c, Ref, n->nfree + 1);
  e.name = NEWN(w->c, const char *, n->nfree + 1);
  e.bound = NEWN(w->c, bool, n->nfree + 1);
  for (uint32_t i = 0; i < n->nfree; i++) {
    const Node *f = ir_node(w->p, n->free[i]);
    if (f->op == IR_CONST || !f->type || f->type->acc) continue;
    e.ref[e.n] = n->free[i], e.name[e.n] = w->name[n->free[i]];
    e.bound[e.n++] = w->bound[n->free[i]];
  }
  return e;
}

/* "(x, y, n" - the parameters of one region, unclosed. */
static void header(Printer *w, Buf *b, const Node *n, const Region *r, const Extra *e) {
  buf_puts(b, "(");
  for (uint32_t i = 0; i < n->nargs; i++)
    push_text(w, b, bind_name(w, r->params.at[i], "xyzuvw"));
  for (uint32_t i = 0; i < e->n; i++) {
    w->bound[e->ref[i]] = true;
    push_text(w, b, bind_name(w, e->ref[i], "nmkl"));
  }
}

static const char *primal_text(Printer *w, const Node *n, const Extra *e) {
  const Region *r = n->regions[0];
  Outside o = leave(w);
  Buf b;
  buf_init(&b, w->c);
  header(w, &b, n, r, e);
  Items items = {0};
  for (uint32_t i = 0; i < r->results.n; i++) add_item(w, &items, "", r->results.at[i], AT_ALL, "");
  buf_printf(&b, ") = %s\n", region_text(w, r, &items, false));
  come_back(w, o);
  return buf_text(&b);
}

/* Names for what arrives (or the value) where there are several: `(up1, up2) = up`. */
static const char *take_apart(Printer *w, Buf *head, const char *whole, const Ref *param, uint32_t n) {
  const char *name = name_fresh(w, whole, NULL);
  push_text(w, head, name);
  if (n == 1) {
    w->name[param[0]] = name;
    return NULL;
  }
  const char **part = NEWN(w->c, const char *, n);
  for (uint32_t i = 0; i < n; i++) part[i] = w->name[param[i]] = name_fresh(w, whole, NULL);
  return str_printf(w->c, "%s = %s", tuple(w, n, part), name);
}

static void rule_items(Printer *w, Items *t, const Node *n, const Extra *e) {
  const CustomAttr *a = n->aux.custom;
  const Region *r = n->regions[1];
  if (a->tangent) {
    for (uint32_t i = 0; i < r->results.n; i++) add_item(w, t, "", r->results.at[i], AT_ALL, "");
    return;
  }
  uint32_t next = 0;
  for (uint32_t i = 0; i < n->nargs; i++) {
    if (a->gives[i]) add_item(w, t, "", r->results.at[next++], AT_ALL, "");
    else add_item(w, t, "none", 0, AT_ALL, "");
  }
  for (uint32_t i = 0; i < e->n; i++) add_item(w, t, "none", 0, AT_ALL, "");
}

static const char *rule_text(Printer *w, const Node *n, const Extra *e) {
  const CustomAttr *a = n->aux.custom;
  const Region *r = n->regions[1];
  Outside o = leave(w);
  Buf b;
  buf_init(&b, w->c);
  header(w, &b, n, r, e);
  buf_puts(&b, "; ");
  const char *apart[2] = {0};
  const Ref *rest = r->params.at + n->nargs;
  if (a->tangent) {
    for (uint32_t i = 0; i < n->nargs; i++) push_text(w, &b, bind_name(w, rest[i], "abcdef"));
    for (uint32_t i = 0; i < e->n; i++) push_text(w, &b, name_fresh(w, "unused", NULL));
  } else {
    apart[0] = take_apart(w, &b, "up", rest, a->nresults);
    if (a->has_value) apart[1] = take_apart(w, &b, "value", rest + a->nresults, a->nresults);
  }
  Items items = {0};
  rule_items(w, &items, n, e);
  const char *body = region_text(w, r, &items, false);
  for (int k = 1; k >= 0; k--)
    if (apart[k]) body = str_printf(w->c, "{ %s; %s }", apart[k], body);
  buf_printf(&b, ") = %s\n", body);
  come_back(w, o);
  return buf_text(&b);
}

/* Prints a call's function and rule, once for equal ones; gives the function's name. */
static const char *custom_function(Printer *w, const Node *n, const Extra *e) {
  Ctx *c = w->c;
  const CustomAttr *a = n->aux.custom;
  const char *primal = primal_text(w, n, e), *rule = rule_text(w, n, e);
  const char *key = str_printf(c, "%s%s%s", a->name ? a->name : "", primal, rule);
  struct Printed *f = NULL;
  HASH_FIND_STR(w->printed, key, f);
  if (f) return f->name;
  f = NEW(c, struct Printed);
  f->text = key;
  uint32_t scope = w->scope.n;
  f->name = name_fresh(w, a->name ? a->name : "rule", NULL);
  w->scope.n = scope;   /* this name stays taken */
  HASH_ADD_KEYPTR(hh, w->printed, f->text, strlen(f->text), f);
  buf_printf(&w->functions, "%s%s%s %s%s", f->name, primal,
             a->tangent ? "custom_tangent" : "custom_gradient", f->name, rule);
  return f->name;
}

static const char *custom_node(Printer *w, const Node *n) {
  Extra e = extras(w, n);
  Buf b;
  buf_init(&b, w->c);
  buf_puts(&b, "(");
  for (uint32_t i = 0; i < n->nargs; i++) push_text(w, &b, expression_text(w, n->arg[i], AT_ALL, true));
  for (uint32_t i = 0; i < e.n; i++) push_text(w, &b, expression_text(w, e.ref[i], AT_ALL, true));
  buf_puts(&b, ")");
  const char *name = custom_function(w, n, &e);
  for (uint32_t i = 0; i < e.n; i++) {
    w->name[e.ref[i]] = e.name[i];
    w->bound[e.ref[i]] = e.bound[i];
  }
  return str_printf(w->c, "%s%s", name_text(w, name), buf_text(&b));
}

/* ---- structured nodes in place and as statements ---------------------------------------------- */

int structured_result(Printer *w, Buf *out, Ref s, uint32_t k) {
  const Node *n = ir_node(w->p, s);
  switch (n->op) {
  case IR_LOOP: return loop_result(w, out, n, k);
  case IR_CUSTOM: buf_puts(out, custom_node(w, n)); return AT_ATOM;
  case IR_FOLD: buf_puts(out, fold_node(w, n, 0, NULL)); return AT_ALL;
  case IR_WHILE: buf_puts(out, while_node(w, n, false, 0, NULL)); return AT_ALL;
  case IR_IF: buf_puts(out, if_node(w, n, 0, NULL)); return w->latex ? AT_ATOM : AT_ALL;
  default: internal_error(w->c, "language: result of operator %d", n->op);
  }
}

static const char *group_text(Printer *w, const Node *n, bool count, uint32_t nh, const Ref *handle) {
  switch (n->op) {
  case IR_IF: return if_node(w, n, nh, handle);
  case IR_FOLD: return fold_node(w, n, nh, handle);
  case IR_WHILE: return while_node(w, n, count, nh, handle);
  case IR_CUSTOM: return custom_node(w, n);
  default: internal_error(w->c, "language: statement of operator %d", n->op);
  }
}

/* The pattern (a, _, A1): results that are used, then the handles' new values. */
static const char *pattern(Printer *w, Ref s, uint32_t nresults, uint32_t nh, const Ref *handle) {
  const char **part = NEWN(w->c, const char *, nresults + nh + 1);
  Ref *proj = w->results[s];
  for (uint32_t k = 0; k < nresults; k++)
    part[k] = proj && proj[k] ? bind_name(w, proj[k], NULL) : "_";
  for (uint32_t i = 0; i < nh; i++) {
    part[nresults + i] = name_fresh(w, ir_node(w->p, handle[i])->name, "ABCDEFGH");
    w->version[handle[i]] = part[nresults + i];
  }
  return tuple(w, nresults + nh, part);
}

static void loop_group(Printer *w, Body *b, Ref s, const Node *n) {
  bool together = n->nresults > 1;
  for (uint32_t k = 0; k < n->nresults; k++) together &= n->aux.loop->comb[k] == BUILD;
  uint32_t used = 0;
  for (uint32_t k = 0; k < n->nresults; k++) used += w->results[s] && w->results[s][k];
  if (together && used > 1) {
    const char *text = built_together(w, n);
    statement(w, b, pattern(w, s, n->nresults, 0, NULL), text);
  }
  Ref *handle;
  uint32_t nh = live_handles(w, n, &handle);
  if (!nh) return;
  const char *text = loop_updates(w, n, nh, handle);
  statement(w, b, pattern(w, s, 0, nh, handle), text);
}

static void group_statement(Printer *w, Body *b, Ref s) {
  const Node *n = ir_node(w->p, s);
  if (n->op == IR_LOOP) {
    loop_group(w, b, s, n);
    return;
  }
  Ref *handle;
  uint32_t nh = live_handles(w, n, &handle), nresults = n->nresults;
  bool count = false;
  if (n->op == IR_WHILE) {
    count = w->results[s] && w->results[s][nresults - 1];
    nresults -= !count;
  }
  if (nresults + nh == 0) return;
  const char *text = group_text(w, n, count, nh, handle);
  statement(w, b, pattern(w, s, nresults, nh, handle), text);
}

/* ---- regions --------------------------------------------------------------------------------------- */

/* Marks what the roots need of a region. */
static void mark_needed(Printer *w, const Region *r, const Ref *root, uint32_t n, uint32_t stamp) {
  VEC(Ref) todo = {0};
  for (uint32_t i = 0; i < n; i++) VEC_PUSH(w->c, &todo, root[i]);
  while (todo.n) {
    Ref x = todo.at[--todo.n];
    const Node *m = x ? ir_node(w->p, x) : NULL;
    if (!m || m->region != r->id || w->needed[x] == stamp) continue;
    w->needed[x] = stamp;
    for (uint32_t i = 0; i < m->nargs; i++) VEC_PUSH(w->c, &todo, m->arg[i]);
    for (uint32_t i = 0; i < m->nfree; i++) VEC_PUSH(w->c, &todo, m->free[i]);
    if (m->op != IR_FILL && m->op != IR_RESHAPE) continue;
    for (uint32_t d = 0; d < m->type->rank; d++)
      for (uint32_t k = 0; k < m->type->dim[d]->n; k++)
        for (uint32_t a = 0; a < m->type->dim[d]->mono[k].n; a++)
          VEC_PUSH(w->c, &todo, m->type->dim[d]->mono[k].atom[a]);
  }
}

/* Does an effect of this node show here: a trace, an update of an array that is followed? */
static bool shows(const Printer *w, const Node *n) {
  if (n->op == IR_TRACE) return true;
  if (n->op == IR_UPD) return w->version[n->arg[0]] != NULL;
  for (uint32_t i = 0; i < n->nfree; i++)
    if (w->version[n->free[i]]) return true;
  return false;
}

static uint32_t mark_region(Printer *w, const Region *r, const Items *items) {
  VEC(Ref) roots = {0};
  for (uint32_t i = 0; items && i < items->v.n; i++)
    if (items->v.at[i].before) VEC_PUSH(w->c, &roots, items->v.at[i].node);
  for (uint32_t i = 0; !items && i < r->results.n; i++) VEC_PUSH(w->c, &roots, r->results.at[i]);
  for (uint32_t i = 0; i < r->nodes.n; i++)
    if (shows(w, ir_node(w->p, r->nodes.at[i]))) VEC_PUSH(w->c, &roots, r->nodes.at[i]);
  uint32_t stamp = ++w->printing;
  mark_needed(w, r, roots.at, roots.n, stamp);
  return stamp;
}

static void shape_text(Printer *w, Buf *b, const Shape *s, const Ref **leaf) {
  if (s->kind == SHAPE_NONE) buf_puts(b, "none");
  if (s->kind == SHAPE_LEAF) buf_puts(b, expression_text(w, *(*leaf)++, AT_ALL, true));
  if (s->kind != SHAPE_TUPLE && s->kind != SHAPE_RECORD) return;
  buf_puts(b, "(");
  for (uint32_t i = 0; i < s->n; i++) {
    if (i) buf_puts(b, ", ");
    if (s->kind == SHAPE_RECORD) buf_printf(b, "%s = ", s->field[i]);
    shape_text(w, b, s->kid[i], leaf);
  }
  buf_puts(b, ")");
}

static void quoted(Buf *b, const char *s) {
  for (; *s; s++) {
    if (*s == '\n') buf_puts(b, "\\n");
    else if (*s == '\t') buf_puts(b, "\\t");
    else if (*s == '"' || *s == '\\') buf_printf(b, "\\%c", *s);
    else if (*s == '{' || *s == '}') buf_printf(b, "%c%c", *s, *s);
    else buf_add(b, s, 1);
  }
}

static void trace_statement(Printer *w, Body *body, const Node *n) {
  Buf b;
  buf_init(&b, w->c);
  const Ref *leaf = n->arg;
  buf_puts(&b, "trace \"");
  for (uint32_t i = 0; i < n->aux.text->n; i++) {
    const Piece *p = &n->aux.text->piece[i];
    if (p->text) {
      quoted(&b, p->text);
      continue;
    }
    buf_puts(&b, "{");
    shape_text(w, &b, p->shape, &leaf);
    if (p->format) buf_printf(&b, ":%s", p->format + (*p->format == '%'));
    buf_puts(&b, "}");
  }
  buf_puts(&b, "\"");
  if (!w->latex) statement(w, body, NULL, buf_text(&b));
}

static void region_statements(Printer *w, Body *b, const Region *r, uint32_t stamp);

/* An accumulator's scope is printed where it stands; then its arrays have names. */
static void accumulate(Printer *w, Body *b, Ref s) {
  const Node *n = ir_node(w->p, s);
  const Region *r = n->regions[0];
  for (uint32_t i = 0; i < n->nargs; i++)
    w->version[r->params.at[i]] = expression_text(w, n->arg[i], AT_ATOM, true);
  uint32_t effects = 0;
  for (uint32_t i = 0; i < r->nodes.n; i++) effects += shows(w, ir_node(w->p, r->nodes.at[i]));
  for (uint32_t i = 0; i < n->nargs; i++) {
    const Node *a = ir_node(w->p, n->arg[i]);
    bool named = a->op == IR_PARAM || w->bound[n->arg[i]];
    bool one_loop = effects == 1 && ir_node(w->p, r->nodes.at[r->nodes.n - 1])->op == IR_LOOP;
    if (named || one_loop) continue;
    const char *name = name_fresh(w, ir_node(w->p, r->params.at[i])->name, "ABCDEFGH");
    statement(w, b, name, w->version[r->params.at[i]]);
    w->version[r->params.at[i]] = name;
  }
  region_statements(w, b, r, mark_region(w, r, NULL));
  for (uint32_t k = 0; k < n->nresults; k++) {
    Ref proj = w->results[s] ? w->results[s][k] : 0;
    if (!proj) continue;
    if (k < n->nargs) w->name[proj] = w->version[r->params.at[k]];
    else statement(w, b, bind_name(w, proj, NULL),
                   expression_text(w, r->results.at[k - n->nargs], AT_ALL, true));
  }
  for (uint32_t i = 0; i < n->nargs; i++) w->version[r->params.at[i]] = NULL;
}

static void value_statement(Printer *w, Body *b, Ref r) {
  Buf t;
  buf_init(&t, w->c);
  expression(w, &t, r, AT_ALL, true, true);
  statement(w, b, bind_name(w, r, NULL), buf_text(&t));
}

static void region_statements(Printer *w, Body *b, const Region *r, uint32_t stamp) {
  for (uint32_t i = 0; i < r->nodes.n; i++) {
    Ref x = r->nodes.at[i];
    const Node *n = ir_node(w->p, x);
    if (w->needed[x] != stamp) continue;
    if (n->op == IR_TRACE) trace_statement(w, b, n);
    else if (n->op == IR_UPD) update(w, b, n);
    else if (n->op == IR_ACCUM) accumulate(w, b, x);
    else if (n->nregions && is_group(w, x)) group_statement(w, b, x);
    else if (w->bound[x] && !w->name[x]) value_statement(w, b, x);
  }
}

/* Names that a region gave are its own. */
static void forget_names(Printer *w, const Region *r) {
  for (uint32_t i = 0; i < r->nodes.n; i++) w->name[r->nodes.at[i]] = NULL;
}

static const char *line(const Printer *w, const Stmt *s) {
  return s->left ? str_printf(w->c, "%s = %s", s->left, s->right) : s->right;
}

static const char *block_text(Printer *w, Body *b, const char *result, bool braces) {
  if (b->st.n) {
    const Stmt *last = &b->st.at[b->st.n - 1];
    if (last->left && !strcmp(last->left, result)) result = last->right, b->st.n--;
  }
  if (!b->st.n && !braces) return result;
  size_t length = strlen(result);
  bool lines = strchr(result, '\n') != NULL;
  for (uint32_t i = 0; i < b->st.n; i++) {
    length += strlen(b->st.at[i].right) + 8;
    lines |= strchr(b->st.at[i].right, '\n') != NULL;
  }
  lines = (lines || length > LINE) && b->st.n;
  Buf out;
  buf_init(&out, w->c);
  uint32_t in = 2 * w->indent;
  buf_puts(&out, w->latex ? "\\left\\{ " : "{");
  for (uint32_t i = 0; i < b->st.n; i++) {
    const char *s = line(w, &b->st.at[i]);
    if (lines && !w->latex) buf_printf(&out, "\n%*s%s", (int)in, "", s);
    else buf_printf(&out, w->latex ? "%s;\\; " : " %s;", s);
  }
  if (w->latex) buf_printf(&out, "%s \\right\\}", result);
  else if (lines) buf_printf(&out, "\n%*s%s\n%*s}", (int)in, "", result, (int)in - 2, "");
  else buf_printf(&out, " %s }", result);
  return buf_text(&out);
}

static const char *items_text(Printer *w, const Items *items) {
  const char **part = NEWN(w->c, const char *, items->v.n + 1);
  for (uint32_t i = 0; i < items->v.n; i++) {
    const Item *it = &items->v.at[i];
    part[i] = it->before ? item_text(w, it) : w->version[it->node];
  }
  return tuple(w, items->v.n, part);
}

/* A region as an expression: its statements in a block, then the tuple of items. */
static const char *region_text(Printer *w, const Region *r, const Items *items, bool braces) {
  uint32_t mark = names_mark(w);
  Body b = {0};
  w->indent++;
  region_statements(w, &b, r, mark_region(w, r, items));
  const char *text = block_text(w, &b, items_text(w, items), braces);
  w->indent--;
  forget_names(w, r);
  names_release(w, mark);
  return text;
}

/* ---- the program ---------------------------------------------------------------------------------------- */

static void type_expression(Printer *w, Buf *b, const Type *t) {
  buf_puts(b, t->elem == ELEM_REAL ? "real" : t->elem == ELEM_INT ? "int" : "bool");
  for (uint32_t i = 0; i < t->rank; i++) {
    buf_puts(b, i ? ", " : "[");
    size_expression(w, b, t->dim[i], true, AT_ALL);
  }
  if (t->rank) buf_puts(b, "]");
}

static bool is_alone(Size s, Ref atom) {
  return s->n == 1 && s->mono[0].n == 1 && s->mono[0].num == 1 && s->mono[0].den == 1 &&
         s->mono[0].exp[0] == 1 && s->mono[0].atom[0] == atom;
}

/* A size name that some parameter's type binds need not be a parameter itself. */
static bool bound_by_types(const Printer *w, Ref size) {
  for (uint32_t i = 0; i < w->p->sig.params.n; i++) {
    const Type *t = ir_type(w->p, w->p->sig.params.at[i].ref);
    for (uint32_t d = 0; d < t->rank; d++)
      if (is_alone(t->dim[d], size)) return true;
  }
  return false;
}

static void name_params(Printer *w) {
  const Region *r = w->p->root;
  for (uint32_t i = 0; i < w->p->sig.params.n; i++) {
    const SigParam *s = &w->p->sig.params.at[i];
    w->name[s->ref] = name_fresh(w, s->name, NULL);
  }
  for (uint32_t i = 0; i < r->params.n; i++)
    if (!w->name[r->params.at[i]]) bind_name(w, r->params.at[i], "xyzuvw");
}

static void function_head(Printer *w, Buf *b, const char *name) {
  buf_printf(b, "%s%s", name_text(w, name), w->latex ? "\\left(" : "(");
  bool first = true;
  for (uint32_t i = 0; i < w->p->sig.params.n; i++) {
    const SigParam *s = &w->p->sig.params.at[i];
    if (s->is_size && bound_by_types(w, s->ref)) continue;
    buf_printf(b, "%s%s", first ? "" : ", ", name_text(w, w->name[s->ref]));
    first = false;
    if (w->latex) continue;
    buf_puts(b, ": ");
    type_expression(w, b, ir_type(w->p, s->ref));
  }
  buf_puts(b, w->latex ? "\\right) = " : ") = ");
}

static void root_items(Printer *w, Items *items) {
  const Sig *s = &w->p->sig;
  for (uint32_t i = 0; i < s->results.n; i++)
    add_item(w, items, s->results.at[i].ref ? "" : "none", s->results.at[i].ref, AT_ALL, "");
  for (uint32_t i = 0; !s->results.n && i < w->p->root->results.n; i++)
    add_item(w, items, "", w->p->root->results.at[i], AT_ALL, "");
  for (uint32_t i = 0; i < items->v.n; i++) items->v.at[i].loose = true;
}

static Printer *printer_new(Prog *p, bool latex) {
  Printer *w = NEW(p->ctx, Printer);
  w->p = p, w->c = p->ctx, w->latex = latex;
  w->name = NEWN(w->c, const char *, p->nnodes);
  w->bound = NEWN(w->c, bool, p->nnodes);
  w->evident = NEWN(w->c, bool, p->nnodes);
  w->needed = NEWN(w->c, uint32_t, p->nnodes);
  w->version = NEWN(w->c, const char *, p->nnodes);
  w->results = NEWN(w->c, Ref *, p->nnodes);
  buf_init(&w->functions, w->c);
  naming_init(w);
  naming_plan(w);
  return w;
}

void emit_language(Prog *p, Buf *out, bool latex) {
  p = ir_sweep(p);
  Printer *w = printer_new(p, latex);
  Buf head;
  buf_init(&head, w->c);
  const char *name = p->sig.name ? name_fresh(w, p->sig.name, NULL) : NULL;
  name_params(w);
  if (name) function_head(w, &head, name);
  Items items = {0};
  root_items(w, &items);
  const char *body = region_text(w, p->root, &items, false);
  if (!latex) buf_puts(out, buf_text(&w->functions));
  buf_printf(out, "%s%s\n", buf_text(&head), body);
}
