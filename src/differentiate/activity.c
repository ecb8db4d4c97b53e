/* activity.c - which nodes carry a derivative.
 *
 * One walk in increasing order: a node is active when an operand that its derivative
 * looks at is.  Regions of loops are walked in place; a carried value of a fold makes the
 * walk go round until nothing changes, which is at most once per carried value and in
 * practice twice. */
#include "differentiate/activity.h"

#include <string.h>

bool is_variable(const Activity *a, Ref r) {
  for (uint32_t i = 0; i < a->nx; i++)
    if (a->x[i] == r) return true;
  return false;
}

bool is_held(const Activity *a, Ref r) {
  for (uint32_t i = 0; i < a->nheld; i++)
    if (a->held[i] == r) return true;
  return false;
}

bool is_active(const Activity *a, Ref r) {
  if (r >= a->lo && r <= a->hi) return a->active[r - a->lo];
  return a->outer && a->outer(a->self, r);
}

static bool set(Activity *a, Ref r, bool on) {
  if (r < a->lo || r > a->hi || a->active[r - a->lo] == on) return false;
  a->active[r - a->lo] = on;
  return true;
}

static bool any_active(const Activity *a, const Node *n) {
  for (uint32_t i = 0; i < n->nargs; i++)
    if (is_active(a, n->arg[i])) return true;
  return false;
}

static bool prim_active(const Activity *a, const Node *n) {
  const Prim *prim = prim_get((uint32_t)n->aux.i);
  for (uint32_t i = 0; i < n->nargs; i++)
    if (prim->d[i] && is_active(a, n->arg[i])) return true;
  return false;
}

static bool custom_active(const Activity *a, const Node *n) {
  for (uint32_t i = 0; i < n->nargs; i++)
    if (n->aux.custom->gives[i] && is_active(a, n->arg[i])) return true;
  return a->through_stops && any_active(a, n);
}

bool activity_of_result(const Activity *a, const Node *n, uint32_t k) {
  switch (n->op) {
  case IR_IF:
    if (a->through_stops && is_active(a, n->arg[0])) return true;
    return is_active(a, n->regions[0]->results.at[k]) || is_active(a, n->regions[1]->results.at[k]);
  case IR_LOOP:
    return n->aux.loop->comb[k] <= MIN && is_active(a, n->regions[0]->results.at[k]);
  case IR_FOLD: {
    const Region *r = n->regions[0];
    uint32_t carried = n->nargs - 1;
    return k < carried ? is_active(a, r->params.at[k + 1]) : is_active(a, r->results.at[k]);
  }
  case IR_WHILE:
    return k + 1 < n->nargs && is_active(a, n->regions[1]->params.at[k]);
  case IR_ACCUM: {
    const Region *r = n->regions[0];
    return k < n->nargs ? is_active(a, r->params.at[k]) : is_active(a, r->results.at[k - n->nargs]);
  }
  case IR_CUSTOM:
    return custom_active(a, n);
  default:
    return false;
  }
}

/* Parameters first..  of r carry what init brings and what the body hands on. */
static void carried_activity(Activity *a, const Region *r, uint32_t first, const Ref *init,
                             uint32_t n) {
  for (uint32_t k = 0; k < n; k++) set(a, r->params.at[first + k], is_active(a, init[k]));
  for (bool changed = true; changed;) {
    activity_of_region(a, r);
    changed = false;
    for (uint32_t k = 0; k < n; k++)
      if (is_active(a, r->results.at[k])) changed |= set(a, r->params.at[first + k], true);
  }
}

static void structured_activity(Activity *a, const Node *n) {
  switch (n->op) {
  case IR_IF:
    activity_of_region(a, n->regions[0]);
    activity_of_region(a, n->regions[1]);
    break;
  case IR_LOOP:
    activity_of_region(a, n->regions[0]);
    break;
  case IR_FOLD:
    carried_activity(a, n->regions[0], 1, n->arg + 1, n->nargs - 1);
    break;
  case IR_WHILE:
    carried_activity(a, n->regions[1], 0, n->arg + 1, n->nargs - 1);
    break;
  case IR_ACCUM:
    for (uint32_t k = 0; k < n->nargs; k++)
      set(a, n->regions[0]->params.at[k], is_active(a, n->arg[k]));
    activity_of_region(a, n->regions[0]);
    break;
  default:
    break;
  }
}

static bool value_active(Activity *a, const Node *n) {
  if (n->type && n->type->elem != ELEM_REAL) return a->through_stops && any_active(a, n);
  switch (n->op) {
  case IR_PRIM: return a->through_stops ? any_active(a, n) : prim_active(a, n);
  case IR_READ: case IR_RESHAPE: case IR_FILL: case IR_VAR: return is_active(a, n->arg[0]);
  case IR_WITH: return is_active(a, n->arg[0]) || is_active(a, n->arg[1]);
  case IR_STACK: return any_active(a, n);
  case IR_TOREAL: case IR_STOP: return a->through_stops && is_active(a, n->arg[0]);
  case IR_SCALE: return is_active(a, n->arg[0]) || (a->through_stops && is_active(a, n->arg[1]));
  case IR_STRAIGHT: return is_active(a, n->arg[1]) || (a->through_stops && is_active(a, n->arg[0]));
  case IR_TIE: return a->through_ties ? any_active(a, n) : is_active(a, n->arg[0]);
  case IR_PROJ: return activity_of_result(a, ir_node(a->p, n->arg[0]), (uint32_t)n->aux.i);
  default: return false;
  }
}

void activity_of_node(Activity *a, Ref r) {
  const Node *n = ir_node(a->p, r);
  if (n->op == IR_UPD) {
    if (is_active(a, n->arg[1])) set(a, n->arg[0], true);
  } else if (is_variable(a, r)) {
    set(a, r, true);
  } else if (is_held(a, r)) {
    set(a, r, false);
  } else if (n->nregions) {
    structured_activity(a, n);
  } else {
    set(a, r, value_active(a, n));
  }
}

void activity_of_region(Activity *a, const Region *r) {
  for (uint32_t i = 0; i < r->nodes.n; i++) activity_of_node(a, r->nodes.at[i]);
}

/* Marks what y depends on, seen from the outside of regions. */
static void mark_needed(Activity *a, uint32_t ny, const Ref *y) {
  uint8_t *need = a->need;
  VEC(Ref) work = {0};
  Ctx *c = a->p->ctx;
#define VISIT(r)                                                          \
  do {                                                                    \
    Ref v_ = (r);                                                         \
    if (v_ >= a->lo && v_ <= a->hi && !need[v_ - a->lo]) {                \
      need[v_ - a->lo] = 1;                                               \
      VEC_PUSH(c, &work, v_);                                             \
    }                                                                     \
  } while (0)
  for (uint32_t i = 0; i < ny; i++) VISIT(y[i]);
  while (work.n) {
    const Node *n = ir_node(a->p, work.at[--work.n]);
    for (uint32_t i = 0; i < n->nargs; i++) VISIT(n->arg[i]);
    for (uint32_t i = 0; i < n->nfree; i++) VISIT(n->free[i]);
  }
#undef VISIT
}

void activity_of_results(Activity *a, Prog *p, uint32_t ny, const Ref *y, uint32_t nx,
                         const Ref *x, uint32_t nheld, const Ref *held) {
  a->p = p;
  a->nx = nx; a->x = x;
  a->nheld = nheld; a->held = held;
  a->lo = p->nnodes; a->hi = 0;
  for (uint32_t i = 0; i < nx; i++) if (x[i] < a->lo) a->lo = x[i];
  for (uint32_t i = 0; i < ny; i++) if (y[i] > a->hi) a->hi = y[i];
  if (a->lo > a->hi) { a->lo = 1; a->hi = 0; return; }
  size_t span = (size_t)(a->hi - a->lo) + 1;
  a->need = NEWN(p->ctx, uint8_t, span);
  a->active = NEWN(p->ctx, uint8_t, span);
  mark_needed(a, ny, y);
  for (size_t i = 0; i < span; i++)
    if (a->need[i]) activity_of_node(a, a->lo + (Ref)i);
}

/* What a node lets no derivative through by, or NULL. */
static const char *cut_by(const Activity *all, const Activity *held, Ref r) {
  const Node *n = ir_node(all->p, r);
  const Node *call = n->op == IR_PROJ ? ir_node(all->p, n->arg[0]) : n;
  if (is_held(held, r)) return "stop";
  if (n->op == IR_STOP) return "stop_gradient";
  if (n->op == IR_STRAIGHT && is_active(all, n->arg[0])) return "straight_through";
  for (uint32_t k = 0; call->op == IR_CUSTOM && k < call->nargs; k++)
    if (!call->aux.custom->gives[k] && is_active(all, call->arg[k])) return call->aux.custom->name;
  if (n->type && n->type->elem == ELEM_BOOL) return "a comparison";
  return n->type && n->type->elem == ELEM_INT ? "int" : NULL;
}

/* The first node that paths meet and do not pass.  A control's factor stands under a STOP of
 * its own, for which the control is named. */
static void explain_cut(Prog *p, Ref y, Ref x, uint32_t nheld, const Ref *held, Cut *why) {
  Activity all = {.through_ties = true, .through_stops = true};
  activity_of_results(&all, p, 1, &y, 1, &x, 0, NULL);
  *why = (Cut){.connected = is_active(&all, y)};
  if (!why->connected) return;
  Activity held_only = {.nheld = nheld, .held = held};
  Ref cut = 0;
  for (Ref r = all.lo; r <= all.hi; r++) {
    const Node *n = ir_node(p, r);
    if (!is_active(&all, r)) continue;
    const char *what = cut ? NULL : cut_by(&all, &held_only, r);
    if (what) { cut = r; why->what = what; why->stop = n->pos; }
    if (cut && n->op == IR_SCALE && n->arg[1] == cut) {
      why->what = n->flags & NODE_REVERSAL ? "grad_reverse" : "grad_scale";
      why->stop = n->pos;
    }
  }
}

bool diff_reaches(Prog *p, Ref y, Ref x, uint32_t nheld, const Ref *held, Cut *why) {
  Activity a = {.through_ties = true};
  activity_of_results(&a, p, 1, &y, 1, &x, nheld, held);
  bool reached = is_active(&a, y);
  if (!reached && why) explain_cut(p, y, x, nheld, held, why);
  return reached;
}
