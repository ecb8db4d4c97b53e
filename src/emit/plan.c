/* plan.c - what is needed, how often it is used, what is written inside its user, and
 * when everything is computed.
 *
 * Time.  A clock ticks along the text: each node has the time at which it begins and
 * (structured ones) ends, each region the time of its end.  A use in a region inside
 * counts, in the region around, at the end of the node that owns it: what a loop reads
 * lives until the loop is over.
 *
 * A scalar that is used once, in its own region, is written inside its user; then
 * what it reads is used at that later time. */
#include "emit/private.h"

#include "optimize/optimize.h"

static void time_region(Emit *e, Region *r) {
  for (uint32_t k = 0; k < r->params.n; k++) info(e, r->params.at[k])->begin = e->clock;
  e->clock++;
  const Order *o = order_of(e, r);
  for (uint32_t k = 0; k < o->n; k++) {
    Info *x = info(e, o->at[k]);
    Node *n = node(e, o->at[k]);
    x->begin = x->end = e->clock++;
    if (!n->nregions) continue;
    for (uint32_t j = 0; j < n->nregions; j++) time_region(e, n->regions[j]);
    x->end = e->clock++;
  }
  e->region_end[r->id] = e->clock++;
}

bool divides_by_zero(const Emit *e, const Node *n) {
  if (n->op != IR_PRIM || (n->aux.i != P_FLOORDIV && n->aux.i != P_MOD)) return false;
  return n->type->elem == ELEM_INT && !divisor_holds(e->p, n);
}

static bool own_effect(const Node *n) {
  switch (n->op) {
    case IR_UPD: case IR_TRACE: case IR_PRINT: case IR_ASSERT: case IR_CHECK: return true;
    default: return false;
  }
}

/* A node that holds an effect is one. */
static void mark_effects(Emit *e) {
  for (Ref r = 1; r < e->ninfo; r++) {
    if (!info(e, r)->begin || !own_effect(node(e, r))) continue;
    if (node(e, r)->op == IR_TRACE && !e->f->jit && !e->f->o->trace) continue;
    for (Ref k = r; k && !info(e, k)->effect; k = region_of(e, k)->owner)
      info(e, k)->effect = true;
  }
}

static void make_outs(Emit *e) {
  for (Ref r = 1; r < e->ninfo; r++) {
    if (!info(e, r)->begin) continue;
    Node *n = node(e, r);
    if (n->nregions) info(e, r)->out = NEWN(e->c, Out, n->nresults);
    if (n->op == IR_PROJ) info(e, n->arg[0])->out[n->aux.i].proj = r;
  }
}

static void use(Emit *e, Ref a, Ref user, uint32_t region, bool early) {
  Info *x = info(e, a);
  x->need = true;
  x->uses++;
  x->user = user;
  x->use_region = region;
  if (!is_array(node(e, a))) return;
  Use u = {.user = user, .region = region, .next = x->use_head, .early = early};
  VEC_PUSH(e->c, &e->uses, u);
  x->use_head = e->uses.n - 1;
}

static void use_result(Emit *e, const Region *r, uint32_t k) {
  use(e, r->results.at[k], RESULT_USE, r->id, false);
}

/* Is result k of structured node r read? */
static bool out_needed(const Emit *e, Ref r, uint32_t k) {
  Ref proj = info(e, r)->out[k].proj;
  return proj && info(e, proj)->need;
}

bool records_state(const Emit *e, Ref r, uint32_t k) {
  const Node *n = node(e, r);
  if (n->op != IR_FOLD || k + 1 < n->nargs) return false;
  Ref value = n->regions[0]->results.at[k];
  return is_array(node(e, value)) && node(e, value)->op == IR_PARAM &&
         node(e, value)->region == n->regions[0]->id;
}

static void use_results(Emit *e, Ref r) {
  Node *n = node(e, r);
  uint32_t carried = n->nargs - 1;
  switch (n->op) {
    case IR_IF:
      for (uint32_t k = 0; k < n->nresults; k++)
        if (out_needed(e, r, k))
          for (int j = 0; j < 2; j++) use_result(e, n->regions[j], k);
      break;
    case IR_WHILE:
      use_result(e, n->regions[0], 0);
      for (uint32_t k = 0; k < carried; k++) use_result(e, n->regions[1], k);
      break;
    case IR_FOLD:
      for (uint32_t k = 0; k < n->nresults; k++)
        if (k < carried || out_needed(e, r, k))
          use(e, n->regions[0]->results.at[k], RESULT_USE, n->regions[0]->id,
              records_state(e, r, k));
      break;
    case IR_LOOP:
      for (uint32_t k = 0; k < n->nresults; k++)
        if (out_needed(e, r, k)) use_result(e, n->regions[0], k);
      break;
    case IR_ACCUM:
      for (uint32_t k = n->nargs; k < n->nresults; k++)
        if (out_needed(e, r, k)) use_result(e, n->regions[0], k - n->nargs);
      break;
    default: break;
  }
}

/* Sizes are written with the names of their atoms. */
static void use_atoms(Emit *e, const Type *t) {
  for (uint32_t d = 0; t && d < t->rank; d++)
    for (uint32_t m = 0; m < t->dim[d]->n; m++)
      for (uint32_t k = 0; k < t->dim[d]->mono[m].n; k++) {
        Info *x = info(e, t->dim[d]->mono[m].atom[k]);
        x->need = x->atom = true;
      }
}

static void find_needed(Emit *e) {
  const Region *root = e->p->root;
  for (uint32_t k = 0; k < root->results.n; k++)
    if (root->results.at[k]) use_result(e, root, k);
  const Type *seen = NULL;
  for (Ref r = e->ninfo; r-- > 1;) {
    Info *x = info(e, r);
    Node *n = node(e, r);
    if (!x->begin || (!x->need && !x->effect)) continue;
    x->need = true;
    e->copy_by_loops |= !e->f->jit && divides_by_zero(e, n);
    if (n->type != seen) use_atoms(e, n->type);
    if (is_array(n)) seen = n->type;
    for (uint32_t k = 0; k < n->nargs; k++) use(e, n->arg[k], r, n->region, false);
    if (!n->nregions) continue;
    for (uint32_t k = 0; k < n->nresults; k++) use_atoms(e, n->result_type[k]);
    use_results(e, r);
  }
}

bool is_view(const Node *n) {
  return is_array(n) && (n->op == IR_READ || n->op == IR_RESHAPE);
}

/* Arrays that some node may change in place: what they hold is read before. */
static void mark_mutable(Emit *e) {
  for (Ref r = 1; r < e->ninfo; r++) {
    if (!info(e, r)->need) continue;
    Node *n = node(e, r);
    if (n->op == IR_WITH) info(e, n->arg[0])->mutable_base = true;
    if (n->op == IR_ACCUM || n->op == IR_FOLD || n->op == IR_WHILE)
      for (uint32_t k = n->op != IR_ACCUM; k < n->nargs; k++)
        info(e, n->arg[k])->mutable_base = true;
    if (n->op == IR_FOLD || n->op == IR_WHILE)
      for (uint32_t j = 0; j < n->nregions; j++)
        for (uint32_t k = 0; k < n->regions[j]->params.n; k++)
          info(e, n->regions[j]->params.at[k])->mutable_base = true;
    if (is_view(n) && info(e, n->arg[0])->mutable_base) info(e, r)->mutable_base = true;
  }
}

/* Is the array only copied somewhere, by all who use it? */
static bool only_copied(const Emit *e, Ref r) {
  for (uint32_t k = info(e, r)->use_head; k; k = e->uses.at[k].next) {
    Ref user = e->uses.at[k].user;
    if (user == RESULT_USE) continue;
    const Node *u = node(e, user);
    if (u->op == IR_WITH ? u->arg[1] == r
                         : u->op != IR_FOLD && u->op != IR_WHILE && u->op != IR_ACCUM)
      return false;
  }
  return true;
}

static void find_lazy(Emit *e) {
  for (Ref r = 1; r < e->ninfo; r++) {
    const Node *n = node(e, r);
    if (info(e, r)->need && n->op == IR_FILL && node(e, n->arg[0])->op == IR_CONST)
      info(e, r)->lazy = only_copied(e, r);
  }
}

/* Does the user write this operand exactly once, as an expression? */
static bool user_takes(const Emit *e, Ref r, Ref user) {
  const Node *u = node(e, user);
  if (divides_by_zero(e, u)) return false;
  switch (u->op) {
    case IR_PRIM:
      return !(u->aux.i == P_POW && u->arg[0] == r);
    case IR_TOREAL: case IR_TOINT: case IR_STACK: case IR_FILL: case IR_IF: case IR_CHECK:
      return true;
    case IR_READ: case IR_WITH: case IR_UPD:
      if (is_array(u) && u->op == IR_READ) return false;
      if (u->op == IR_UPD && is_array(node(e, u->arg[1]))) return u->arg[1] == r;
      if (u->op == IR_WITH && is_array(node(e, u->arg[1]))) return false;
      return !(u->flags & NODE_CHECKED) || (u->op != IR_READ && u->arg[1] == r);
    case IR_FOLD: case IR_WHILE:
      return u->arg[0] != r;
    default: return false;
  }
}

static bool may_inline(const Emit *e, Ref r) {
  const Info *x = info(e, r);
  const Node *n = node(e, r);
  if (x->uses != 1 || x->atom || !is_scalar(n) || n->name) return false;
  if (n->op == IR_READ) {
    if ((n->flags & NODE_CHECKED) || info(e, n->arg[0])->mutable_base) return false;
  } else if (n->op == IR_PRIM) {
    if (divides_by_zero(e, n)) return false;
  } else if (n->op != IR_TOREAL && n->op != IR_TOINT) {
    return false;
  }
  if (x->use_region != n->region) return false;
  return x->user == RESULT_USE || user_takes(e, r, x->user);
}

static void find_inlined(Emit *e) {
  for (Ref r = 1; r < e->ninfo; r++) {
    Info *x = info(e, r);
    Node *n = node(e, r);
    if (!x->need || !is_scalar(n)) continue;
    unsigned depth = 1, size = 1;
    for (uint32_t k = 0; k < n->nargs; k++) {
      const Info *a = info(e, n->arg[k]);
      if (!a->inlined) continue;
      if (a->depth + 1u > depth) depth = a->depth + 1u;
      size += a->size;
    }
    x->depth = (uint8_t)depth;
    x->size = (uint8_t)(size > 250 ? 250 : size);
    x->inlined = depth < INLINE_DEPTH && size <= INLINE_SIZE && may_inline(e, r);
  }
}

static void find_times(Emit *e) {
  for (Ref r = e->ninfo; r-- > 1;) {
    Info *x = info(e, r);
    x->at = x->begin;
    if (!x->need || !x->inlined) continue;
    x->at = x->user == RESULT_USE ? e->region_end[node(e, r)->region] : info(e, x->user)->at;
  }
}

bool region_inside(const Emit *e, uint32_t region, const Region *in) {
  const Region *r = e->p->regions.at[region];
  while (r && r->depth > in->depth) r = r->parent;
  return r == in;
}

uint32_t lift_time(const Emit *e, uint32_t region, uint32_t time, const Region *to) {
  for (const Region *r = e->p->regions.at[region]; r != to && r->owner;) {
    time = info(e, r->owner)->end;
    r = region_of(e, r->owner);
  }
  return time;
}

/* When array a is used so, in the region of the use. */
static uint32_t use_time(const Emit *e, Ref a, const Use *u) {
  if (u->early) return info(e, a)->begin;
  return u->user == RESULT_USE ? e->region_end[u->region] : info(e, u->user)->at;
}

uint32_t last_use_in(Emit *e, Ref a, const Region *r) {
  uint32_t last = 0;
  for (uint32_t k = info(e, a)->use_head; k; k = e->uses.at[k].next) {
    Use *u = &e->uses.at[k];
    if (!region_inside(e, u->region, r)) continue;
    uint32_t t = use_time(e, a, u);
    t = lift_time(e, u->region, t, r);
    if (t > last) last = t;
    if (u->user == RESULT_USE || !is_view(node(e, u->user))) continue;
    t = last_use_in(e, u->user, r);
    if (t > last) last = t;
  }
  return last;
}

/* As last_use_in, with what is known of views already. */
static void find_last(Emit *e) {
  for (Ref r = e->ninfo; r-- > 1;) {
    Info *x = info(e, r);
    if (!x->need || !is_array(node(e, r))) continue;
    const Region *own = region_of(e, r);
    for (uint32_t k = x->use_head; k; k = e->uses.at[k].next) {
      Use *u = &e->uses.at[k];
      uint32_t t = use_time(e, r, u);
      if (u->user != RESULT_USE && is_view(node(e, u->user)) && info(e, u->user)->last > t)
        t = info(e, u->user)->last;
      t = lift_time(e, u->region, t, own);
      if (t > x->last) x->last = t;
    }
  }
}

/* At first the program's own order. */
static void copy_order(Emit *e) {
  e->order = NEWN(e->c, Order, e->p->regions.n);
  for (uint32_t k = 0; k < e->p->regions.n; k++) {
    const Region *r = e->p->regions.at[k];
    if (r) e->order[k] = (Order){r->nodes.at, r->nodes.n};
  }
}

void plan_uses(Emit *e) {
  e->clock = 1;
  copy_order(e);
  e->ninfo = e->p->nnodes;
  e->info = NEWN(e->c, Info, e->ninfo);
  e->region_end = NEWN(e->c, uint32_t, e->p->regions.n);
  VEC_PUSH(e->c, &e->uses, (Use){0});
  time_region(e, e->p->root);
  mark_effects(e);
  make_outs(e);
  find_needed(e);
  mark_mutable(e);
  find_lazy(e);
  plan_order(e);
  e->clock = 1;
  time_region(e, e->p->root);
  find_inlined(e);
  find_times(e);
  find_last(e);
}
