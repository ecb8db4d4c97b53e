/* language_custom.c - calls with a rule: the function and its rule are printed once, in front
 * of the program, and the call by name.  Free values of their regions (sizes, say)
 * become parameters that get no gradient. */
#include "emit/language.h"

#include <string.h>

#define uthash_malloc(size) arena_alloc(c, (size))
#define uthash_free(p, size) ((void)(p))
#define uthash_fatal(message) internal_error(c, "%s", message)
#include <uthash.h>

struct Printed { const char *text, *name; UT_hash_handle hh; };

/* Adds to a list in brackets; `(x; ` and `(` start a new one. */
static void push_text(Buf *b, const char *s) {
  char last = b->at[b->n - 1];
  if (last != '(' && last != ' ') buf_puts(b, ", ");
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
    push_text(b, language_bind(w, r->params.at[i], "xyzuvw"));
  for (uint32_t i = 0; i < e->n; i++) {
    w->bound[e->ref[i]] = true;
    push_text(b, language_bind(w, e->ref[i], "nmkl"));
  }
}

static const char *primal_text(Printer *w, const Node *n, const Extra *e) {
  const Region *r = n->regions[0];
  Outside o = leave(w);
  Buf b;
  buf_init(&b, w->c);
  header(w, &b, n, r, e);
  Items items = {0};
  result_items(w, &items, r, AT_ALL);
  buf_printf(&b, ") = %s\n", region_text(w, r, &items, false));
  come_back(w, o);
  return buf_text(&b);
}

/* Names for what arrives (or the value) where there are several: `(up1, up2) = up`. */
static void take_apart(Printer *w, Buf *head, Body *b, const char *whole, const Ref *param,
                       uint32_t n) {
  const char *name = name_fresh(w, whole, NULL);
  push_text(head, name);
  if (n == 1) {
    w->name[param[0]] = name;
    return;
  }
  const char **part = NEWN(w->c, const char *, n);
  for (uint32_t i = 0; i < n; i++) part[i] = w->name[param[i]] = name_fresh(w, whole, NULL);
  statement(w, b, tuple(w, n, part), name);
}

static void rule_items(Printer *w, Items *t, const Node *n, const Extra *e) {
  const CustomAttr *a = n->aux.custom;
  const Region *r = n->regions[1];
  if (a->tangent) {
    result_items(w, t, r, AT_ALL);
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
  Body body = {0};
  const Ref *rest = r->params.at + n->nargs;
  if (a->tangent) {
    for (uint32_t i = 0; i < n->nargs; i++) push_text(&b, language_bind(w, rest[i], "abcdef"));
    for (uint32_t i = 0; i < e->n; i++) push_text(&b, name_fresh(w, "unused", NULL));
  } else {
    take_apart(w, &b, &body, "up", rest, a->nresults);
    if (a->has_value) take_apart(w, &b, &body, "value", rest + a->nresults, a->nresults);
  }
  Items items = {0};
  rule_items(w, &items, n, e);
  buf_printf(&b, ") = %s\n", region_after(w, &body, r, &items, false));
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

/* What the call hands over, in brackets. */
static const char *arguments(Printer *w, const Node *n, const Extra *e) {
  Buf b;
  buf_init(&b, w->c);
  buf_puts(&b, "(");
  for (uint32_t i = 0; i < n->nargs; i++)
    push_text(&b, expression_text(w, n->arg[i], AT_ALL, true));
  for (uint32_t i = 0; i < e->n; i++) push_text(&b, expression_text(w, e->ref[i], AT_ALL, true));
  buf_puts(&b, ")");
  return buf_text(&b);
}

/* Is x clamped between the second and the third argument of the call? */
static bool clamps(const Printer *w, const Node *n, Ref r, Ref x) {
  const Region *rule = n->regions[1];
  const Node *c = ir_node(w->p, r);
  return c->op == IR_PRIM && c->aux.i == P_CLAMP && c->arg[0] == x &&
         c->arg[1] == rule->params.at[1] && c->arg[2] == rule->params.at[2];
}

/* The library's own grad_clip(x, lo, hi) needs no definition. */
static bool is_grad_clip(const Printer *w, const Node *n) {
  const CustomAttr *a = n->aux.custom;
  if (n->nargs != 3 || a->tangent || !a->name || strcmp(a->name, "grad_clip")) return false;
  if (n->regions[0]->results.at[0] != n->regions[0]->params.at[0]) return false;
  if (n->regions[1]->results.n != 1 || !a->gives[0]) return false;
  Ref r = n->regions[1]->results.at[0], up = n->regions[1]->params.at[3];
  if (clamps(w, n, r, up)) return true;
  const Node *proj = ir_node(w->p, r), *loop = proj;
  if (proj->op == IR_PROJ) loop = ir_node(w->p, proj->arg[0]);
  if (loop->op != IR_LOOP || loop->nresults != 1 || loop->aux.loop->comb[0] != BUILD) return false;
  const Region *body = loop->regions[0];
  const Node *c = ir_node(w->p, body->results.at[0]);
  if (c->op != IR_PRIM) return false;
  const Node *read = ir_node(w->p, c->arg[0]);
  return read->op == IR_READ && read->arg[0] == up && clamps(w, n, body->results.at[0], c->arg[0]);
}

const char *custom_node(Printer *w, const Node *n) {
  Extra e = {0};
  if (is_grad_clip(w, n)) return str_printf(w->c, "grad_clip%s", arguments(w, n, &e));
  e = extras(w, n);
  const char *list = arguments(w, n, &e);
  const char *name = custom_function(w, n, &e);
  for (uint32_t i = 0; i < e.n; i++) {
    w->name[e.ref[i]] = e.name[i];
    w->bound[e.ref[i]] = e.bound[i];
  }
  return str_printf(w->c, "%s%s", name, list);
}
