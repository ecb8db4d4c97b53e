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

#include <string.h>

enum { LINE = 72 };

/* ---- small texts ---- */

const char *word(const Printer *w, const char *s) {
  return w->latex ? str_printf(w->c, "\\text{%s}", s) : s;
}

void statement(Printer *w, Body *b, const char *left, const char *right) {
  Stmt s = {left, right};
  VEC_PUSH(w->c, &b->st, s);
}

/* (a, b), or a alone. */
const char *tuple(Printer *w, uint32_t n, const char *const *part) {
  if (n == 1) return part[0];
  Buf b;
  buf_init(&b, w->c);
  buf_puts(&b, "(");
  for (uint32_t i = 0; i < n; i++) buf_printf(&b, "%s%s", i ? ", " : "", part[i]);
  buf_puts(&b, ")");
  return buf_text(&b);
}

const char *language_bind(Printer *w, Ref r, const char *other) {
  return w->name[r] = name_fresh(w, ir_node(w->p, r)->name, other);
}

void add_item(Printer *w, Items *t, const char *before, Ref r, int at, const char *after) {
  Item i = {before, r, at, after, false};
  VEC_PUSH(w->c, &t->v, i);
}

void result_items(Printer *w, Items *t, const Region *r, int at) {
  for (uint32_t i = 0; i < r->results.n; i++) add_item(w, t, "", r->results.at[i], at, "");
}

static const char *item_text(Printer *w, const Item *i) {
  Buf b;
  buf_init(&b, w->c);
  buf_puts(&b, i->before);
  if (i->node) expression(w, &b, i->node, i->at, !i->loose, false);
  buf_puts(&b, i->after);
  return buf_text(&b);
}

/* ---- statements ---- */

/* The pattern (a, _, A1): results that are used, then the handles' new values. */
static const char *pattern(Printer *w, Ref s, uint32_t nresults, uint32_t nh, const Ref *handle) {
  const char **part = NEWN(w->c, const char *, nresults + nh + 1);
  Ref *proj = w->results[s];
  for (uint32_t k = 0; k < nresults; k++)
    part[k] = proj && proj[k] ? language_bind(w, proj[k], NULL) : "_";
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

/* ---- regions ---- */

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

/* A plain result of an accumulator's scope. */
static void accumulated_value(Printer *w, Body *b, Ref value, Ref proj) {
  if (w->name[value]) {
    w->name[proj] = w->name[value];
    return;
  }
  const char *text = expression_text(w, value, AT_ALL, true);
  statement(w, b, language_bind(w, proj, NULL), text);
}

/* Is the start of these arrays mentioned once, as the start of a fold? */
static bool starts_one_fold(const Printer *w, const Region *r) {
  uint32_t effects = 0;
  Op last = IR_TRACE;
  for (uint32_t i = 0; i < r->nodes.n; i++) {
    const Node *n = ir_node(w->p, r->nodes.at[i]);
    if (shows(w, n)) effects++, last = n->op;
  }
  return effects == 1 && (last == IR_LOOP || last == IR_FOLD || last == IR_WHILE);
}

/* Where an accumulator's arrays start: as text in place, or under a name. */
static void accumulator_starts(Printer *w, Body *b, const Node *n) {
  const Ref *handle = n->regions[0]->params.at;
  for (uint32_t i = 0; i < n->nargs; i++)
    w->version[handle[i]] = expression_text(w, n->arg[i], AT_ATOM, true);
  if (starts_one_fold(w, n->regions[0])) return;
  for (uint32_t i = 0; i < n->nargs; i++) {
    if (ir_node(w->p, n->arg[i])->op == IR_PARAM || w->bound[n->arg[i]]) continue;
    const char *name = name_fresh(w, ir_node(w->p, handle[i])->name, "ABCDEFGH");
    statement(w, b, name, w->version[handle[i]]);
    w->version[handle[i]] = name;
  }
}

/* An accumulator's scope is printed where it stands; then its arrays have names. */
static void accumulate(Printer *w, Body *b, Ref s) {
  const Node *n = ir_node(w->p, s);
  const Region *r = n->regions[0];
  accumulator_starts(w, b, n);
  region_statements(w, b, r, mark_region(w, r, NULL));
  for (uint32_t k = 0; k < n->nresults; k++) {
    Ref proj = w->results[s] ? w->results[s][k] : 0;
    if (!proj) continue;
    if (k < n->nargs) w->name[proj] = w->version[r->params.at[k]];
    else accumulated_value(w, b, r->results.at[k - n->nargs], proj);
  }
  for (uint32_t i = 0; i < n->nargs; i++) w->version[r->params.at[i]] = NULL;
}

static void value_statement(Printer *w, Body *b, Ref r) {
  Buf t;
  buf_init(&t, w->c);
  expression(w, &t, r, AT_ALL, true, true);
  statement(w, b, language_bind(w, r, NULL), buf_text(&t));
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

/* Names that a region gave are its own; an accumulator's scope is printed as part of it. */
static void forget_names(Printer *w, const Region *r) {
  for (uint32_t i = 0; i < r->nodes.n; i++) {
    const Node *n = ir_node(w->p, r->nodes.at[i]);
    w->name[r->nodes.at[i]] = NULL;
    if (n->op == IR_ACCUM) forget_names(w, n->regions[0]);
  }
}

static const char *line(const Printer *w, const Stmt *s) {
  return s->left ? str_printf(w->c, "%s = %s", s->left, s->right) : s->right;
}

/* The lines after the first, one step further left: they were meant for a block. */
static const char *outdented(Printer *w, const char *s) {
  if (!strchr(s, '\n')) return s;
  Buf b;
  buf_init(&b, w->c);
  for (const char *end; *s; s = end) {
    end = strchr(s, '\n');
    end = end ? end + 1 : s + strlen(s);
    buf_add(&b, s, (size_t)(end - s));
    if (!strncmp(end, "  ", 2)) end += 2;
  }
  return buf_text(&b);
}

static const char *block_text(Printer *w, Body *b, const char *result, bool braces) {
  if (b->st.n) {
    const Stmt *last = &b->st.at[b->st.n - 1];
    if (last->left && !strcmp(last->left, result)) result = last->right, b->st.n--;
  }
  if (!b->st.n) result = outdented(w, result);
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

const char *region_after(Printer *w, Body *b, const Region *r, const Items *items, bool braces) {
  uint32_t mark = names_mark(w);
  w->indent++;
  region_statements(w, b, r, mark_region(w, r, items));
  const char *text = block_text(w, b, items_text(w, items), braces);
  w->indent--;
  forget_names(w, r);
  names_release(w, mark);
  return text;
}

const char *region_text(Printer *w, const Region *r, const Items *items, bool braces) {
  Body b = {0};
  return region_after(w, &b, r, items, braces);
}

/* ---- the program ---- */

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
    if (!w->name[r->params.at[i]]) language_bind(w, r->params.at[i], "xyzuvw");
}

static void function_head(Printer *w, Buf *b, const char *name) {
  buf_printf(b, "%s%s", name, w->latex ? "\\left(" : "(");
  bool first = true;
  for (uint32_t i = 0; i < w->p->sig.params.n; i++) {
    const SigParam *s = &w->p->sig.params.at[i];
    if (s->is_size && bound_by_types(w, s->ref)) continue;
    buf_printf(b, "%s%s", first ? "" : ", ", w->name[s->ref]);
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
