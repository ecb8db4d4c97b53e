/* check_lints.c - what is suspicious in the program as written, controls in it. */
#include "differentiate/differentiate.h"
#include "explain/check_private.h"

#include <string.h>

/* What is known about each node, found in one walk: operands come before their users. */
typedef struct Walk {
  Target *t;
  Prog *p;
  bool *depends; /* on a real argument, stopped or not */
  Ref *reversal; /* the last one on a path to here */
  Ref *fragile;  /* a node whose derivative can be infinite, on a path to here */
} Walk;

static bool own_source(const Walk *w, Span at) {
  const Source *s = source_get(w->p->ctx, at.file);
  return s && s->name[0] != '<';
}

/* ---- facts ---- */

static void inherit(Walk *w, Ref r, Ref from) {
  w->depends[r] |= w->depends[from];
  if (!w->reversal[r]) w->reversal[r] = w->reversal[from];
  if (!w->fragile[r]) w->fragile[r] = w->fragile[from];
}

/* Parameters of a region see what the node that owns it sees. */
static void enter_regions(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  for (uint32_t k = 0; k < n->nregions; k++)
    for (uint32_t j = 0; j < n->regions[k]->params.n; j++)
      for (uint32_t i = 0; i < n->nargs; i++) inherit(w, n->regions[k]->params.at[j], n->arg[i]);
}

static bool can_be_infinite(const Node *n) {
  if (n->op != IR_PRIM) return false;
  switch (n->aux.i) {
  case P_SQRT:
  case P_CBRT:
  case P_LOG:
  case P_LOG10:
  case P_LOG1P:
  case P_LOG2:
  case P_DIV:
  case P_POW:
  case P_ASIN:
  case P_ACOS:
  case P_ATANH:
  case P_ACOSH:
  case P_LOGIT: return true;
  default: return false;
  }
}

/* Does the derivative of a quotient or a power blow up: does what it depends on move the
 * part that can be 0? */
static bool is_fragile(const Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  double power;
  if (!can_be_infinite(n)) return false;
  if (n->aux.i == P_DIV) return w->depends[n->arg[1]];
  if (n->aux.i == P_POW)
    return w->depends[n->arg[0]] && (!ir_is_const(w->p, n->arg[1], &power) || power < 1);
  return w->depends[n->arg[0]];
}

/* ---- lints ---- */

/* Other built-ins are made of stops, too. */
static bool written_stop(const Walk *w, const Node *n) {
  if (n->op != IR_STOP || !own_source(w, n->pos)) return false;
  const char *text = source_get(w->p->ctx, n->pos.file)->text + n->pos.start;
  return !strncmp(text, "stop_gradient", 13) || !strncmp(text, "detach", 6);
}

static void stop_lint(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  if (written_stop(w, n) && !w->depends[n->arg[0]])
    warn(w->p->ctx, "idle-stop", n->pos, "nothing is stopped here: no argument of `%s` reaches it",
         w->t->name);
}

static void reversal_lints(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  double s;
  if (n->op != IR_SCALE || !(n->flags & NODE_REVERSAL) || !own_source(w, n->pos)) return;
  Ref factor = n->arg[1];
  while (ir_node(w->p, factor)->op == IR_STOP) factor = ir_node(w->p, factor)->arg[0];
  if (ir_is_const(w->p, factor, &s) && s > 0)
    warn(w->p->ctx, "negative-alpha", n->pos,
         "the gradient is reversed by a negative number: it keeps its direction");
  Ref before = w->reversal[n->arg[0]];
  if (!before) return;
  uint32_t line, column;
  source_where(w->p->ctx, ir_node(w->p, before)->pos, &line, &column);
  warn(w->p->ctx, "double-reversal", n->pos,
       "a gradient reversed here is reversed again at line %u: the signs cancel", line);
}

static void branch_lint(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  if (n->op != IR_PRIM || n->aux.i != P_SELECT || !own_source(w, n->pos)) return;
  for (uint32_t k = 1; k < 3; k++)
    if (w->fragile[n->arg[k]]) {
      warn(w->p->ctx, "branch-not-taken", n->pos,
           "select evaluates both sides: an infinite derivative of the one not taken makes nan "
           "(use if)");
      return;
    }
}

static void look_at(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  for (uint32_t k = 0; k < n->nargs; k++) inherit(w, r, n->arg[k]);
  for (uint32_t k = 0; k < n->nfree; k++) inherit(w, r, n->free[k]);
  for (uint32_t k = 0; k < n->nregions; k++)
    for (uint32_t j = 0; j < n->regions[k]->results.n; j++)
      inherit(w, r, n->regions[k]->results.at[j]);
  stop_lint(w, r);
  reversal_lints(w, r);
  branch_lint(w, r);
  if (n->op == IR_SCALE && n->flags & NODE_REVERSAL) w->reversal[r] = r;
  if (n->op == IR_STOP) w->reversal[r] = w->fragile[r] = 0;
  if (is_fragile(w, r)) w->fragile[r] = r;
}

/* Regions are numbered before the node that owns them, so the walk goes down by itself. */
static void walk_region(Walk *w, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref at = r->nodes.at[k];
    const Node *n = ir_node(w->p, at);
    enter_regions(w, at);
    for (uint32_t j = 0; j < n->nregions; j++) walk_region(w, n->regions[j]);
    look_at(w, at);
  }
}

/* ---- arguments nothing reaches ---- */

/* What sets the strength of a control is stopped by it: that is no surprise. */
static bool by_design(const char *what) {
  return !strcmp(what, "grad_reverse") || !strcmp(what, "grad_scale");
}

static void argument_lint(Target *t, const CheckArg *a) {
  Prog *p = t->value;
  Cut why = {0};
  bool connected = false;
  for (uint32_t k = 0; k < p->root->results.n; k++)
    for (uint32_t j = 0; j < a->leaf.n; j++) {
      Cut cut = {0};
      if (diff_reaches(p, p->root->results.at[k], p->root->params.at[a->leaf.at[j].param], 0, NULL,
                       &cut))
        return;
      if (cut.connected && !connected) why = cut, connected = true;
    }
  if (!connected || (why.what && by_design(why.what))) return;
  uint32_t line = 0, column = 0;
  if (why.stop.file) source_where(p->ctx, why.stop, &line, &column);
  if (line)
    warn(p->ctx, "all-stopped", t->def->name_span,
         "every path from `%s` to the value of `%s` is stopped: %s at line %u", a->name, t->name,
         why.what ? why.what : "a control", line);
  else
    warn(p->ctx, "all-stopped", t->def->name_span,
         "every path from `%s` to the value of `%s` is stopped", a->name, t->name);
}

void check_lints(Target *t) {
  Prog *p = t->value;
  Ctx *c = p->ctx;
  Walk w = {t, p, NEWN(c, bool, p->nnodes), NEWN(c, Ref, p->nnodes), NEWN(c, Ref, p->nnodes)};
  for (uint32_t k = 0; k < t->arg.n; k++)
    for (uint32_t j = 0; j < t->arg.at[k].leaf.n; j++)
      w.depends[p->root->params.at[t->arg.at[k].leaf.at[j].param]] = true;
  walk_region(&w, p->root);
  for (uint32_t k = 0; k < t->arg.n; k++) argument_lint(t, &t->arg.at[k]);
}
