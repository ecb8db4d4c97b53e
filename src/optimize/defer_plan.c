/* defer_plan.c - which linear maps can wait for the end of a loop; see defer.c.
 *
 * A node of the loop *changes* if it differs from round to round.  From each update of the scope
 * that could leave the loop one goes back through what is linear in nodes that change: to scalars
 * from which on nothing is gained, the *terms*.  Something is gained where additions of the map
 * stand in more loops than its terms.  Work that somebody else needs, too, does not go away: there
 * the map begins behind it.  Linear, times the nesting. */
#include "optimize/defer.h"
#include "optimize/optimize.h"

#include <string.h>

enum { ROUNDS = 4, NEVER = 1000, MAX_OUTER = 8, MAX_LEVEL = 3, MAX_UPDATES = 8, MAX_TRIES = 8 };

/* Loops around the deepest term, and around the deepest addition on the way from there. */
typedef struct Cost { int32_t terms, work; } Cost;

typedef struct Search {
  Prog *p;
  DeferPlan *plan;
  Ref scope, loop;
  Refs all;               /* nodes in the loop, operands first */
  Ref *in;                /* by Ref: the loop in which the node was seen last */
  bool *mentioned;        /* by Ref: does a subscript of the update that is looked at need it? */
  Refs summed;            /* indices over which the map's terms are added up */
  bool *changes;          /* by Ref */
  bool *only;             /* by Ref: do only linear nodes use it? */
  bool *spoiled;          /* by Ref of a handle: an update of it is not linear */
  bool *root;             /* by Ref of an UPD: may leave */
  bool *through;          /* by Ref: the map goes on behind it */
  Cost *cost;             /* by Ref; of a handle: of its updates */
  int32_t *depth;         /* by region: loops of the map around it */
  bool *fixed;            /* by region: runs in the same way in every round */
  Deferred *d;
} Search;

static const Node *node(const Search *s, Ref r) { return ir_node(s->p, r); }
static const Region *region_of(const Search *s, Ref r) {
  return s->p->regions.at[node(s, r)->region];
}
static const Region *scope_body(const Search *s) { return node(s, s->scope)->regions[0]; }
static bool inside(const Search *s, Ref r) { return s->in[r] == s->loop; }
static bool changes(const Search *s, Ref r) { return inside(s, r) && s->changes[r]; }
static bool is_real(const Node *n) { return n->type && !n->type->acc && n->type->elem == ELEM_REAL; }

/* ---- what changes ----------------------------------------------------------------------- */

static void collect(Search *s, const Region *r) {
  for (uint32_t k = 0; k < r->params.n; k++) s->in[r->params.at[k]] = s->loop;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref at = r->nodes.at[k];
    const Node *n = node(s, at);
    for (uint32_t j = 0; j < n->nregions; j++) collect(s, n->regions[j]);
    s->in[at] = s->loop;
    VEC_PUSH(s->p->ctx, &s->all, at);
  }
}

static bool updates_scope(const Search *s, const Node *n) {
  return n->op == IR_UPD && node(s, n->arg[0])->region == scope_body(s)->id;
}

static bool any_changes(const Search *s, uint32_t n, const Ref *at) {
  for (uint32_t k = 0; k < n; k++)
    if (changes(s, at[k])) return true;
  return false;
}

static bool type_changes(const Search *s, const Type *t) {
  for (uint32_t d = 0; t && d < t->rank; d++)
    for (uint32_t k = 0; k < t->dim[d]->n; k++)
      if (any_changes(s, t->dim[d]->mono[k].n, t->dim[d]->mono[k].atom)) return true;
  return false;
}

static bool node_changes(const Search *s, Ref r) {
  const Node *n = node(s, r);
  return any_changes(s, n->nargs, n->arg) || any_changes(s, n->nfree, n->free) ||
         type_changes(s, n->type) || ir_has_effect(s->p, r);
}

static void classify(Search *s, Ref owner, const Region *r, int32_t depth, bool fixed) {
  bool loop = node(s, owner)->op == IR_LOOP;
  for (uint32_t k = 0; k < r->params.n; k++) {
    Ref at = r->params.at[k];
    s->changes[at] = !loop || refs_have(&s->summed, at);
    s->spoiled[at] = false;
    depth += !s->changes[at];
  }
  s->depth[r->id] = depth;
  s->fixed[r->id] = fixed;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref at = r->nodes.at[k];
    const Node *n = node(s, at);
    bool same = n->op == IR_ACCUM || (n->op == IR_LOOP && !any_changes(s, n->nargs, n->arg));
    for (uint32_t j = 0; j < n->nregions; j++)
      classify(s, at, n->regions[j], depth, fixed && same);
    s->changes[at] = node_changes(s, at);
  }
}

/* ---- what is linear ------------------------------------------------------------------------- */

/* Between the region of `from` and the one of `to` inside, is there a loop that the map leaves
 * out?  What comes from further out would be used once instead of many times. */
static bool repeated(const Search *s, Ref from, uint32_t to) {
  for (const Region *r = s->p->regions.at[to]; r->id != node(s, from)->region; r = r->parent) {
    if (node(s, r->owner)->op != IR_LOOP) continue;
    for (uint32_t k = 0; k < r->params.n; k++)
      if (s->changes[r->params.at[k]]) return true;
  }
  return false;
}

static bool index_is_built(const Search *s, const Node *loop) {
  return !any_changes(s, loop->regions[0]->params.n, loop->regions[0]->params.at);
}

/* The value or handle behind a result, if it is one of a LOOP or ACCUM. */
static Ref behind_result(const Search *s, const Node *proj) {
  const Node *n = node(s, proj->arg[0]);
  uint32_t k = (uint32_t)proj->aux.i;
  if (n->op == IR_ACCUM && k < n->nargs) return n->regions[0]->params.at[k];
  if (n->op == IR_ACCUM) return n->regions[0]->results.at[k - n->nargs];
  return n->op == IR_LOOP ? n->regions[0]->results.at[k] : 0;
}

static uint32_t result_operands(const Search *s, const Node *proj, Ref *from) {
  const Node *n = node(s, proj->arg[0]);
  uint32_t k = (uint32_t)proj->aux.i;
  from[0] = behind_result(s, proj);
  if (!from[0] || !s->fixed[n->regions[0]->id]) return 0;
  if (n->op == IR_LOOP) {
    Combiner comb = n->aux.loop->comb[k];
    bool linear = comb == BUILD ? index_is_built(s, n) :
                  comb == SUM && n->flags & NODE_DERIVATIVE;
    return linear && changes(s, from[0]);
  }
  if (k >= n->nargs) return changes(s, from[0]);
  if (s->spoiled[from[0]]) return 0;
  from[1] = n->arg[k];
  if (pass_zero(s->p, from[1])) return 1;
  return changes(s, from[1]) && !repeated(s, from[1], proj->region) ? 2 : 0;
}

static uint32_t prim_operands(const Search *s, const Node *n, Ref *from) {
  bool a = changes(s, n->arg[0]), b = n->nargs > 1 && changes(s, n->arg[1]);
  if (!(n->flags & NODE_DERIVATIVE) || n->type->elem != ELEM_REAL) return 0;
  from[0] = n->arg[a ? 0 : n->nargs - 1];
  from[1] = n->arg[n->nargs - 1];
  switch (n->aux.i) {
    case P_NEG: return 1;
    case P_ADD:
    case P_SUB: return a && b ? 2 : 0;
    case P_MUL: return a != b;
    case P_DIV: return !b;
    default: return 0;
  }
}

/* The operands that change (handles, too), if the node is linear in them; else none. */
static uint32_t linear_operands(const Search *s, Ref r, Ref *from) {
  const Node *n = node(s, r);
  uint32_t count = 0;
  if (!changes(s, r) || !is_real(n) || !s->fixed[n->region] || n->flags & NODE_CHECKED) return 0;
  if (n->op == IR_PROJ) return result_operands(s, n, from);
  if (n->op == IR_PRIM) count = prim_operands(s, n, from);
  if (n->op == IR_READ || n->op == IR_RESHAPE) {
    from[0] = n->arg[0];
    count = changes(s, from[0]) && !any_changes(s, n->nargs - 1, n->arg + 1) &&
            !type_changes(s, n->type);
  }
  for (uint32_t k = 0; k < count; k++)
    if (repeated(s, from[k], n->region)) return 0;
  return count;
}

/* An update of what changes, in the same way in every round? */
static bool adds_linearly(const Search *s, const Node *upd) {
  return s->fixed[upd->region] && !any_changes(s, upd->nargs - 2, upd->arg + 2) &&
         changes(s, upd->arg[1]) && !repeated(s, upd->arg[1], upd->region) &&
         !(upd->flags & NODE_CHECKED);
}

static void judge_updates(Search *s) {
  for (uint32_t k = 0; k < s->all.n; k++) {
    const Node *n = node(s, s->all.at[k]);
    s->root[s->all.at[k]] = false;
    if (n->op != IR_UPD) continue;
    bool linear = adds_linearly(s, n);
    if (updates_scope(s, n)) s->root[s->all.at[k]] = linear && is_real(node(s, n->arg[1]));
    else if (inside(s, n->arg[0]) && !linear) s->spoiled[n->arg[0]] = true;
  }
}

/* ---- who uses it ------------------------------------------------------------------------------ */

static void spoil(Search *s, uint32_t n, const Ref *at) {
  for (uint32_t k = 0; k < n; k++) s->only[at[k]] = false;
}

static void spoil_results(Search *s, const Node *n) {
  for (uint32_t j = 0; j < n->nregions; j++)
    spoil(s, n->regions[j]->results.n, n->regions[j]->results.at);
}

static void spoil_proj(Search *s, const Node *proj) {
  const Node *n = node(s, proj->arg[0]);
  Ref behind = behind_result(s, proj);
  if (behind) spoil(s, 1, &behind);
  if (n->op == IR_ACCUM && proj->aux.i < n->nargs) spoil(s, 1, &n->arg[proj->aux.i]);
}

static void judge_uses(Search *s, Ref r) {
  const Node *n = node(s, r);
  Ref from[2];
  if (n->op == IR_LOOP || n->op == IR_ACCUM) return;  /* by their results */
  if (n->op == IR_UPD) {
    if (s->root[r] || (inside(s, n->arg[0]) && s->only[n->arg[0]] && !s->spoiled[n->arg[0]])) return;
  } else if (s->only[r] && linear_operands(s, r, from)) {
    return;
  }
  if (n->op == IR_PROJ) spoil_proj(s, n);
  spoil_results(s, n);
  spoil(s, n->nargs, n->arg);
}

static void find_users(Search *s) {
  for (uint32_t k = 0; k < s->all.n; k++) {
    const Node *n = node(s, s->all.at[k]);
    s->only[s->all.at[k]] = true;
    for (uint32_t j = 0; n->op == IR_ACCUM && j < n->nargs; j++) {
      s->only[n->regions[0]->params.at[j]] = true;
      s->cost[n->regions[0]->params.at[j]] = (Cost){-1, -1};
    }
  }
  spoil_results(s, node(s, s->loop));
  for (uint32_t k = s->all.n; k--;) judge_uses(s, s->all.at[k]);
}

/* ---- what it saves ------------------------------------------------------------------------------ */

static Cost worse(Cost a, Cost b) {
  return (Cost){a.terms > b.terms ? a.terms : b.terms, a.work > b.work ? a.work : b.work};
}

static bool gains(Cost c, int32_t depth) {
  return c.terms < (c.work > depth ? c.work : depth);
}

static int32_t depth_of(const Search *s, const Node *n) { return s->depth[n->region]; }

/* A sign or factor is nothing to add up a second time for. */
static bool only_scales(const Search *s, const Node *n, Cost c) {
  return n->op == IR_PRIM && n->aux.i != P_ADD && n->aux.i != P_SUB && c.terms <= depth_of(s, n);
}

static void cost_of(Search *s, Ref r) {
  const Node *n = node(s, r);
  bool array = n->type && n->type->rank;
  Cost c = {-1, -1};
  Ref from[2];
  s->through[r] = false;
  s->cost[r] = (Cost){array ? NEVER : depth_of(s, n), -1};
  uint32_t count = s->only[r] ? linear_operands(s, r, from) : 0;
  if (!count) return;
  for (uint32_t k = 0; k < count; k++) c = worse(c, s->cost[from[k]]);
  if (n->op == IR_PROJ && node(s, n->arg[0])->op == IR_LOOP && !array)
    c = worse(c, (Cost){-1, depth_of(s, node(s, from[0]))});
  if (c.terms == NEVER || !(array || gains(c, depth_of(s, n)) || only_scales(s, n, c))) return;
  s->through[r] = true;
  s->cost[r] = c;
}

static void find_costs(Search *s) {
  for (uint32_t k = 0; k < s->all.n; k++) {
    Ref r = s->all.at[k];
    const Node *n = node(s, r);
    if (n->op == IR_UPD && inside(s, n->arg[0])) {
      Cost *h = &s->cost[n->arg[0]];
      *h = worse(*h, worse(s->cost[n->arg[1]], (Cost){-1, depth_of(s, n)}));
    } else if (changes(s, r) && is_real(n)) {
      cost_of(s, r);
    }
  }
}

/* Updates that gain nothing stay; gives their number. */
static uint32_t drop_roots(Search *s) {
  uint32_t dropped = 0;
  for (uint32_t k = 0; k < s->all.n; k++) {
    Ref r = s->all.at[k];
    if (node(s, r)->op != IR_UPD || !s->root[r]) continue;
    if (gains(s->cost[node(s, r)->arg[1]], depth_of(s, node(s, r)))) continue;
    s->root[r] = false;
    dropped++;
  }
  return dropped;
}

/* What stays needs what it needs, and that spoils others. */
static bool find_roots(Search *s) {
  for (int round = 0; round < ROUNDS; round++) {
    find_users(s);
    find_costs(s);
    if (drop_roots(s)) continue;
    for (uint32_t k = 0; k < s->all.n; k++)
      if (s->root[s->all.at[k]]) VEC_PUSH(s->p->ctx, &s->d->roots, s->all.at[k]);
    return s->d->roots.n > 0;
  }
  return false;
}

/* ---- the map -------------------------------------------------------------------------------------- */

static uint8_t *role(const Search *s, Ref r) { return &s->plan->role[r]; }

/* Is it there behind the scope? */
static bool outside(const Search *s, Ref r) {
  return ir_in_scope(s->p, r, region_of(s, s->scope));
}

/* May it fail behind the loop, where that has no round? */
static bool may_fail(const Search *s, Ref r) {
  const Node *n = node(s, r);
  if (n->flags & (NODE_CHECKED | NODE_IO) || pass_may_fail(s->p, r)) return true;
  for (uint32_t j = 0; j < n->nregions; j++)
    for (uint32_t k = 0; k < n->regions[j]->nodes.n; k++)
      if (may_fail(s, n->regions[j]->nodes.at[k])) return true;
  return false;
}

static void need(Search *s, Ref r) {
  if (inside(s, r)) {
    bool term = changes(s, r) && !s->through[r] && !node(s, r)->nregions && node(s, r)->type &&
                !node(s, r)->type->acc;
    if (*role(s, r)) return;
    *role(s, r) = term ? DEFER_TERM : DEFER_COPIED;
    if (term) VEC_PUSH(s->p->ctx, &s->d->terms, r);
  } else if (!outside(s, r) && !refs_have(&s->d->outer, r)) {
    VEC_PUSH(s->p->ctx, &s->d->outer, r);
  }
}

static void need_all(Search *s, uint32_t n, const Ref *at) {
  for (uint32_t k = 0; k < n; k++) need(s, at[k]);
}

static void need_sizes(Search *s, const Type *t) {
  for (uint32_t d = 0; t && d < t->rank; d++)
    for (uint32_t k = 0; k < t->dim[d]->n; k++)
      need_all(s, t->dim[d]->mono[k].n, t->dim[d]->mono[k].atom);
}

/* The loops and scopes that a node of the map stands in. */
static void need_around(Search *s, Ref r) {
  for (const Region *at = region_of(s, r); at != scope_body(s); at = at->parent) {
    const Node *n = node(s, at->owner);
    if (*role(s, at->owner) == DEFER_AROUND) return;
    *role(s, at->owner) = DEFER_AROUND;
    for (uint32_t k = 0; n->op == IR_LOOP && k < n->nargs; k++)
      if (!s->changes[at->params.at[k]]) need(s, n->arg[k]);
  }
}

static void want_result(Search *s, const Node *proj) {
  const Node *n = node(s, proj->arg[0]);
  bool **wanted = &s->plan->wanted[proj->arg[0]];
  if (!*wanted) *wanted = NEWN(s->p->ctx, bool, n->nresults);
  (*wanted)[proj->aux.i] = true;
}

/* A result that changes needs what is behind it, and how an accumulator begins. */
static void need_result(Search *s, const Node *proj) {
  const Node *n = node(s, proj->arg[0]);
  Ref behind = behind_result(s, proj);
  want_result(s, proj);
  need(s, behind);
  if (n->op == IR_ACCUM && proj->aux.i < n->nargs) need(s, n->arg[proj->aux.i]);
}

static void need_operands(Search *s, Ref r) {
  const Node *n = node(s, r);
  if (n->op == IR_PROJ && changes(s, r)) {
    need_result(s, n);
    return;
  }
  need_all(s, n->op == IR_UPD ? n->nargs - 1 : n->nargs, n->arg + (n->op == IR_UPD));
  need_all(s, n->nfree, n->free);
  need_sizes(s, n->type);
  for (uint32_t k = 0; k < n->nresults; k++) need_sizes(s, n->result_type[k]);
}

/* From the updates back to the terms; false: something may fail. */
static bool find_map(Search *s) {
  for (uint32_t k = s->all.n; k--;) {
    Ref r = s->all.at[k];
    const Node *n = node(s, r);
    if (n->op == IR_UPD && s->root[r]) *role(s, r) = DEFER_ROOT;
    else if (n->op == IR_UPD && *role(s, n->arg[0])) *role(s, r) = DEFER_COPIED;
    if (*role(s, r) == DEFER_NONE || *role(s, r) == DEFER_AROUND) continue;
    need_around(s, r);
    if (*role(s, r) == DEFER_TERM) continue;
    if (may_fail(s, r)) return false;
    need_operands(s, r);
  }
  return true;
}

/* ---- the terms -------------------------------------------------------------------------------------- */

Refs defer_indices(const Prog *p, const DeferPlan *plan, const Deferred *d, const Region *r) {
  Refs inner = {0}, all = {0};
  for (bool last = false; !last; r = r->parent) {
    last = r->owner == d->loop;
    for (uint32_t k = r->params.n; k--;)
      if (plan->role[r->params.at[k]] == DEFER_INDEX) VEC_PUSH(p->ctx, &inner, r->params.at[k]);
  }
  for (uint32_t k = inner.n; k--;) VEC_PUSH(p->ctx, &all, inner.at[k]);
  return all;
}

/* An index that nothing of the map asks for would only make totals larger. */
static bool name_indices(Search *s, Ref loop) {
  const Node *n = node(s, loop);
  for (uint32_t k = 0; n->op == IR_LOOP && k < n->nargs; k++) {
    Ref param = n->regions[0]->params.at[k];
    if (s->changes[param]) continue;
    if (*role(s, param) == DEFER_NONE) return false;
    *role(s, param) = DEFER_INDEX;
  }
  return true;
}

/* Are there totals for this term: is known outside how many? */
static bool has_totals(Search *s, Ref term) {
  if (node(s, term)->op == IR_PARAM || !is_real(node(s, term))) return false;
  Refs indices = defer_indices(s->p, s->plan, s->d, region_of(s, term));
  for (uint32_t k = 0; k < indices.n; k++) {
    const Node *param = node(s, indices.at[k]);
    Ref extent = node(s, s->p->regions.at[param->region]->owner)->arg[param->aux.i];
    if (!outside(s, extent) && node(s, extent)->op != IR_CONST) return false;
  }
  return indices.n <= MAX_RANK;
}

/* An update of a term itself takes the total that is there anyway. */
static void add_roots(Search *s) {
  for (uint32_t k = 0; k < s->all.n; k++) {
    Ref r = s->all.at[k];
    const Node *n = node(s, r);
    if (n->op != IR_UPD || s->root[r] || !updates_scope(s, n) || !adds_linearly(s, n)) continue;
    if (*role(s, n->arg[1]) != DEFER_TERM) continue;
    s->root[r] = true;
    VEC_PUSH(s->p->ctx, &s->d->roots, r);
  }
}

static bool find_totals(Search *s) {
  if (!find_map(s)) return false;
  add_roots(s);
  if (!find_map(s) || !s->d->terms.n || s->d->terms.n > DEFER_MAX_TERMS) return false;
  if (s->d->outer.n > MAX_OUTER || !name_indices(s, s->loop)) return false;
  for (uint32_t k = 0; k < s->all.n; k++)
    if (*role(s, s->all.at[k]) == DEFER_AROUND && !name_indices(s, s->all.at[k])) return false;
  for (uint32_t k = 0; k < s->d->terms.n; k++)
    if (!has_totals(s, s->d->terms.at[k])) return false;
  return true;
}

/* ---- loops ------------------------------------------------------------------------------------------- */

static void forget(Search *s, Ref r) {
  const Node *n = node(s, r);
  *role(s, r) = DEFER_NONE;
  s->plan->wanted[r] = NULL;
  for (uint32_t j = 0; j < n->nregions; j++)
    for (uint32_t k = 0; k < n->regions[j]->params.n; k++)
      *role(s, n->regions[j]->params.at[k]) = DEFER_NONE;
}

/* Marks what the subscripts of an update are made of. */
static void mark_mentioned(Search *s, Ref upd) {
  for (uint32_t k = 0; k < s->all.n; k++) {
    const Node *n = node(s, s->all.at[k]);
    s->mentioned[s->all.at[k]] = false;
    for (uint32_t j = 0; j < n->nregions; j++)
      for (uint32_t i = 0; i < n->regions[j]->params.n; i++)
        s->mentioned[n->regions[j]->params.at[i]] = false;
  }
  const Region *body = node(s, s->loop)->regions[0];
  for (uint32_t k = 0; k < body->params.n; k++) s->mentioned[body->params.at[k]] = false;
  for (uint32_t k = s->all.n; k--;) {
    const Node *n = node(s, s->all.at[k]);
    bool it = s->all.at[k] == upd;
    if (!it && !s->mentioned[s->all.at[k]]) continue;
    for (uint32_t j = it ? 2 : 0; j < n->nargs; j++) s->mentioned[n->arg[j]] = true;
  }
}

/* The indices that the marked update does not mention, of the loop and of so many of the loops
 * inside it that are around the update. */
static Refs indices_to_sum(const Search *s, Ref upd, uint32_t level) {
  const Region *around[MAX_LEVEL + 1] = {node(s, s->loop)->regions[0]};
  Refs all = {0};
  uint32_t inner = 0;
  for (const Region *r = region_of(s, upd); r != around[0]; r = r->parent) {
    if (node(s, r->owner)->op != IR_LOOP) continue;
    for (uint32_t k = inner < MAX_LEVEL ? ++inner : inner; k > 1; k--) around[k] = around[k - 1];
    around[1] = r;
  }
  for (uint32_t k = 0; k <= level && k <= inner; k++)
    for (uint32_t j = 0; j < around[k]->params.n; j++)
      if (!s->mentioned[around[k]->params.at[j]]) VEC_PUSH(s->p->ctx, &all, around[k]->params.at[j]);
  return all;
}

/* Looks at the loop with terms added up over these indices. */
static bool try_with(Search *s, const Refs *summed) {
  const Region *body = node(s, s->loop)->regions[0];
  s->summed = *summed;
  s->d = NEW(s->p->ctx, Deferred);
  s->d->loop = s->loop;
  classify(s, s->loop, body, 0, true);
  judge_updates(s);
  if (find_roots(s) && find_totals(s)) return true;
  for (uint32_t k = 0; k < s->all.n; k++) forget(s, s->all.at[k]);
  forget(s, s->loop);
  return false;
}

/* Were they tried before? */
static bool is_new(const Refs *tried, uint32_t n, const Refs *summed) {
  for (uint32_t k = 0; k < n; k++)
    if (tried[k].n == summed->n &&
        !memcmp(tried[k].at, summed->at, summed->n * sizeof *summed->at))
      return false;
  return true;
}

/* Adds up over as many indices as some update allows. */
static Deferred *search(Search *s) {
  Refs tried[MAX_TRIES], choice[MAX_LEVEL + 1][MAX_UPDATES] = {0};
  uint32_t ntried = 0, n = 0;
  s->all.n = 0;
  collect(s, node(s, s->loop)->regions[0]);
  for (uint32_t k = 0; k < s->all.n && n < MAX_UPDATES; k++) {
    if (!updates_scope(s, node(s, s->all.at[k]))) continue;
    mark_mentioned(s, s->all.at[k]);
    for (uint32_t level = 0; level <= MAX_LEVEL; level++)
      choice[level][n] = indices_to_sum(s, s->all.at[k], level);
    n++;
  }
  for (uint32_t level = MAX_LEVEL + 1; level--;)
    for (uint32_t k = 0; k < n && ntried < MAX_TRIES; k++) {
      const Refs *summed = &choice[level][k];
      if (!summed->n || !is_new(tried, ntried, summed)) continue;
      if (try_with(s, summed)) return s->d;
      tried[ntried++] = *summed;
    }
  return NULL;
}

/* A loop in a scope, with loops inside? */
static bool is_candidate(const Search *s, Ref r) {
  const Node *n = node(s, r);
  const Region *around = region_of(s, r);
  if ((n->op != IR_LOOP && n->op != IR_FOLD) || n->flags & NODE_IO || !around->owner) return false;
  if (node(s, around->owner)->op != IR_ACCUM || !ir_has_effect(s->p, r)) return false;
  for (; around->owner; around = around->parent)
    if (*role(s, around->owner) == DEFER_AROUND) return false;
  return true;
}

static void look_at(Search *s, Ref loop) {
  s->loop = loop;
  s->scope = region_of(s, loop)->owner;
  s->p->cur = s->p->regions.at[node(s, s->scope)->region];
  Deferred *d = search(s);
  if (!d) return;
  d->next = s->plan->of[s->scope];
  s->plan->of[s->scope] = s->plan->at[loop] = d;
  s->plan->any = true;
}

DeferPlan *defer_plan(Prog *p) {
  DeferPlan *plan = NEW(p->ctx, DeferPlan);
  Ctx *c = p->ctx;
  Region *cur = p->cur;
  plan->of = NEWN(c, Deferred *, p->nnodes);
  plan->at = NEWN(c, Deferred *, p->nnodes);
  plan->role = NEWN(c, uint8_t, p->nnodes);
  plan->wanted = NEWN(c, bool *, p->nnodes);
  Search s = {
    .p = p, .plan = plan, .in = NEWN(c, Ref, p->nnodes), .mentioned = NEWN(c, bool, p->nnodes),
    .changes = NEWN(c, bool, p->nnodes), .only = NEWN(c, bool, p->nnodes),
    .spoiled = NEWN(c, bool, p->nnodes), .root = NEWN(c, bool, p->nnodes),
    .through = NEWN(c, bool, p->nnodes), .cost = NEWN(c, Cost, p->nnodes),
    .depth = NEWN(c, int32_t, p->regions.n), .fixed = NEWN(c, bool, p->regions.n),
  };
  for (Ref r = p->nnodes; --r;)
    if (is_candidate(&s, r)) look_at(&s, r);
  p->cur = cur;
  return plan;
}
