/* groups.c - see groups.h.  Linear: a stretch has a fixed number of groups. */
#include "optimize/groups.h"

void groups_start(Groups *s, Prog *p) {
  s->p = p;
  s->of = NEWN(p->ctx, Group *, p->nnodes);
  s->needs = NEWN(p->ctx, Needs, p->nnodes);
  s->done = NEWN(p->ctx, bool, p->nnodes);
}

static bool *busy_regions(const Groups *s) {
  bool *busy = NEWN(s->p->ctx, bool, s->p->regions.n);
  for (Ref r = 1; r < s->p->nnodes; r++)
    if (s->of[r] && s->of[r]->members.n > 1) rewrite_busy(busy, s->p, r);
  return busy;
}

Prog *groups_end(Groups *s, Rewrite w) {
  Prog *p = s->p, *to = p;
  if (s->any) {
    w.busy = busy_regions(s);
    to = rewrite_program(&w, p);
  }
  arena_release(p->ctx, s->of, sizeof *s->of * p->nnodes);
  arena_release(p->ctx, s->needs, sizeof *s->needs * p->nnodes);
  arena_release(p->ctx, s->done, sizeof *s->done * p->nnodes);
  return to;
}

/* ---- sets of groups ------------------------------------------------------------------- */

static void next_epoch(Groups *s) {
  s->epoch++;
  s->base = s->count;
}

static bool in_epoch(const Groups *s, const Group *g) {
  return g->number > s->base;
}

static uint32_t bit_of(const Groups *s, const Group *g) {
  return g->number - s->base - 1;
}

static bool has(const GroupSet *set, uint32_t bit) {
  return set->word[bit / 64] >> bit % 64 & 1;
}

static void include(GroupSet *set, uint32_t bit) {
  set->word[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void unite(GroupSet *a, const GroupSet *b) {
  for (uint32_t k = 0; k < EPOCH / 64; k++) a->word[k] |= b->word[k];
}

/* The set, and what its groups depend on. */
static GroupSet closure(const Groups *s, const Needs *needs) {
  GroupSet all = needs->groups;
  for (uint32_t bit = 0; bit < s->count - s->base; bit++)
    if (has(&needs->groups, bit)) unite(&all, &s->reach[bit]);
  return all;
}

/* ---- members ---------------------------------------------------------------------------- */

void groups_region(Groups *s) {
  s->count = 0;
  next_epoch(s);
}

bool groups_may_join(const Groups *s, const Group *g, Ref r) {
  const Needs *needs = &s->needs[r];
  if (!in_epoch(s, g) || needs->io > g->number) return false;
  if (needs->epoch != s->epoch) return true;
  GroupSet all = closure(s, needs);
  return !has(&all, bit_of(s, g));
}

void groups_add(Groups *s, Group *g, Ref r) {
  if (!g->number) {
    if (s->count - s->base == EPOCH) next_epoch(s);
    g->number = ++s->count;
    s->reach[bit_of(s, g)] = (GroupSet){{0}};
  }
  VEC_PUSH(s->p->ctx, &g->members, r);
  s->of[r] = g;
  if (g->members.n > 1) s->any = true;
  if (s->needs[r].epoch != s->epoch) return;
  GroupSet all = closure(s, &s->needs[r]);
  uint32_t mine = bit_of(s, g);
  unite(&s->reach[mine], &all);
  for (uint32_t bit = 0; bit < s->count - s->base; bit++)
    if (has(&s->reach[bit], mine)) unite(&s->reach[bit], &all);
}

bool groups_result(const Groups *s, const Group *g, Ref r) {
  const Node *n = ir_node(s->p, r);
  if (!g || n->op != IR_PROJ || s->of[n->arg[0]] != g) return false;
  return ir_node(s->p, n->arg[0])->op == IR_LOOP;
}

/* ---- what depends on what ------------------------------------------------------------ */

static void depend_on(Groups *s, Needs *mine, Ref on) {
  const Needs *its = &s->needs[on];
  const Group *g = s->of[on];
  if (its->io > mine->io) mine->io = its->io;
  if (mine->epoch != s->epoch) *mine = (Needs){.epoch = s->epoch, .io = mine->io};
  if (g && in_epoch(s, g)) include(&mine->groups, bit_of(s, g));
  else if (!g && its->epoch == s->epoch) unite(&mine->groups, &its->groups);
}

void groups_depend(Groups *s, Ref r, const Ref *on, uint32_t n, const Group *but) {
  uint32_t region = ir_node(s->p, r)->region;
  for (uint32_t k = 0; k < n; k++) {
    const Node *m = ir_node(s->p, on[k]);
    if (m->region != region) continue;
    if (m->type && m->type->rank && groups_result(s, but, on[k])) continue;
    depend_on(s, &s->needs[r], on[k]);
  }
}

void groups_stay(Groups *s, Ref r) {
  s->needs[r].io = ++s->count;
  if (s->count - s->base > EPOCH) next_epoch(s);
  else s->reach[s->count - s->base - 1] = (GroupSet){{0}};
}

void groups_depend_on_sizes(Groups *s, Ref r, const Type *t) {
  for (uint32_t d = 0; t && d < t->rank; d++)
    for (uint32_t k = 0; k < t->dim[d]->n; k++)
      groups_depend(s, r, t->dim[d]->mono[k].atom, t->dim[d]->mono[k].n, NULL);
}

bool groups_joining(const Groups *s, Ref r) {
  const Node *n = ir_node(s->p, r);
  const Group *g = s->of[n->op == IR_PROJ ? n->arg[0] : r];
  return g && g->joining;
}

static bool own_round(const Groups *s, const Group *g, const Node *loop, const Node *read) {
  if (loop->op != IR_LOOP || read->op != IR_READ) return false;
  if (!groups_result(s, g, read->arg[0])) return false;
  const Node *proj = ir_node(s->p, read->arg[0]), *member = ir_node(s->p, proj->arg[0]);
  if (member->nargs != loop->nargs || read->nargs <= loop->nargs) return false;
  if (member->aux.loop->comb[proj->aux.i] != BUILD) return false;
  for (uint32_t k = 0; k < loop->nargs; k++)
    if (read->arg[k + 1] != loop->regions[0]->params.at[k]) return false;
  return true;
}

bool groups_own_rounds(const Groups *s, const Group *g, const Node *loop, const Node *in) {
  for (uint32_t k = 0; k < in->nregions; k++) {
    const Region *r = in->regions[k];
    for (uint32_t j = 0; j < r->nodes.n; j++) {
      const Node *n = ir_node(s->p, r->nodes.at[j]);
      for (uint32_t a = own_round(s, g, loop, n); a < n->nargs; a++)
        if (groups_result(s, g, n->arg[a])) return false;
      if (!groups_own_rounds(s, g, loop, n)) return false;
    }
    for (uint32_t j = 0; j < r->results.n; j++)
      if (groups_result(s, g, r->results.at[j])) return false;
  }
  return true;
}

/* ---- moving up ------------------------------------------------------------------------ */

/* A node, or a group by its first member, on the way to be copied after what it needs. */
typedef struct Step { Ref r; bool ready; } Step;
typedef VEC(Step) Steps;

/* These, for a node of this region; if it is a member of `own`, which makes its results for
 * its members itself, but for those. */
static void want(const Groups *s, Steps *todo, uint32_t region, const Group *own, const Ref *r,
                 uint32_t n) {
  for (uint32_t k = 0; k < n; k++) {
    const Node *o = ir_node(s->p, r[k]);
    if (o->region != region || o->op == IR_PARAM || s->done[r[k]]) continue;
    if (groups_joining(s, r[k]) || groups_result(s, own, r[k])) continue;
    const Group *g = s->of[r[k]];
    VEC_PUSH(s->p->ctx, todo, ((Step){g ? g->members.at[0] : r[k], false}));
  }
}

static void want_needs(const Groups *s, Steps *todo, Ref r) {
  const Node *n = ir_node(s->p, r);
  const Group *own = s->of[r];
  want(s, todo, n->region, own, n->arg, n->nargs);
  want(s, todo, n->region, own, n->free, n->nfree);
  for (uint32_t d = 0; n->type && d < n->type->rank; d++)
    for (uint32_t k = 0; k < n->type->dim[d]->n; k++)
      want(s, todo, n->region, own, n->type->dim[d]->mono[k].atom, n->type->dim[d]->mono[k].n);
}

static void want_all(const Groups *s, Steps *todo, Ref r) {
  const Group *g = s->of[r];
  if (!g) want_needs(s, todo, r);
  for (uint32_t k = 0; g && k < g->members.n; k++) want_needs(s, todo, g->members.at[k]);
}

void groups_copy_needs(Rewrite *w, Groups *s, const Group *g) {
  Steps todo = {0};
  want_all(s, &todo, g->members.at[0]);
  while (todo.n) {
    Step *top = &todo.at[todo.n - 1];
    Ref r = top->r;
    if (s->done[r] || top->ready) {
      todo.n--;
      if (s->done[r]) continue;
      Region one = {.nodes = {&r, 1, 1}};
      rewrite_nodes(w, &one);
    } else {
      top->ready = true;
      want_all(s, &todo, r);
    }
  }
}

Ref groups_copied(const Rewrite *w, Ref old) {
  return w->outs[old] || !w->k.map[old] ? REWRITE_GONE : w->k.map[old];
}
