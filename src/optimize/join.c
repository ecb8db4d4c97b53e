/* join.c - a step of opt_fuse: neighbouring loops over the same index space become one,
 * with the outputs of all; so do folds of the same length that carry something alike, and
 * choices by the same condition.
 *
 * Requires: barriers gone.  Consing then shares what the bodies have in common: the
 * forward values that a reverse loop computes again, the run of a fold that its taped or
 * dual copy repeats.  Loops that hold loops of their own, or add into accumulators anywhere but
 * at their own indices, join only if they share work that costs something (share.c) or add to
 * the same elements.
 *
 * A later loop moves up to the first of its group (groups.h).  What it reads of the group's
 * own arrays in its own round, a[i] with its own i, is the value of that round.  Linear but
 * for sorting. */
#include "optimize/groups.h"
#include "optimize/share.h"

enum { MAX_OUTPUTS = 16, MAX_NODES = 400, MAX_DISTANCE = 64, MAX_INNER = 32, MAX_DEEP = 8 };

typedef struct Band {
  Group g;                  /* of loops */
  uint32_t outputs, nodes;
  uint32_t inner[MAX_INNER];/* hashes of loops inside, and of carried values */
  uint32_t ninner;
  bool effect, derivative;  /* does one add into accumulators? are all derivative code? */
  bool straight;            /* do all only build, reduce, or add at their own indices? */
  Costly costly;
} Band;

typedef struct Join {
  Groups groups;
  Prog *p;
  uint32_t *inside;         /* nodes in the regions of a node */
  Band **latest;            /* by Ref of a first extent: the latest group there */
} Join;

/* ---- grouping ----------------------------------------------------------------------- */

static bool may_join(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->op == IR_LOOP || n->op == IR_IF) return n->nargs && !(n->flags & NODE_IO);
  return n->op == IR_FOLD && !ir_has_effect(p, r);
}

static bool same_space(const Node *a, const Node *b) {
  if (a->op != b->op || a->region != b->region) return false;
  if (a->op != IR_LOOP) return a->arg[0] == b->arg[0];
  if (a->nargs != b->nargs) return false;
  for (uint32_t k = 0; k < a->nargs; k++)
    if (a->arg[k] != b->arg[k]) return false;
  return true;
}

/* A fold's carried value, by how it steps: that of a fold inside, which may give more results, by
 * how it steps there. */
static uint32_t step_hash(const Prog *p, const Node *fold, uint32_t k) {
  uint32_t hash = 1;
  for (int deep = 0; deep < MAX_DEEP; deep++) {
    const Node *n = ir_node(p, fold->regions[0]->results.at[k]);
    const Node *inside = n->op == IR_PROJ ? ir_node(p, n->arg[0]) : n;
    if (inside->op != IR_FOLD || n->aux.i + 1 >= inside->nargs) return hash * 31 + n->hash;
    k = (uint32_t)n->aux.i;
    fold = inside;
    hash = hash * 31 + IR_FOLD;
  }
  return hash;
}

/* How a carried value starts: what a fold around carries, by how it starts and steps there. */
static uint32_t start_hash(const Prog *p, Ref r) {
  uint32_t hash = 1;
  for (int deep = 0; deep < MAX_DEEP; deep++) {
    const Node *n = ir_node(p, r);
    const Region *in = p->regions.at[n->region];
    if (n->op != IR_PARAM || !in->owner || n->aux.i == 0) break;
    const Node *fold = ir_node(p, in->owner);
    if (fold->op != IR_FOLD || (uint64_t)n->aux.i >= fold->nargs) break;
    hash = hash * 31 + step_hash(p, fold, (uint32_t)n->aux.i - 1);
    r = fold->arg[n->aux.i];
  }
  return hash * 31 + r;
}

/* Hashes by which bodies are alike: loops inside; carried values by start and step. */
static uint32_t list_inner(const Prog *p, const Node *n, uint32_t *hash) {
  const Region *body = n->regions[0];
  uint32_t count = 0;
  for (uint32_t k = 1; n->op == IR_FOLD && k < n->nargs && count < MAX_INNER; k++)
    hash[count++] = step_hash(p, n, k - 1) * 31 + start_hash(p, n->arg[k]);
  if (n->op == IR_FOLD) return count;
  for (uint32_t k = 0; k < body->nodes.n && count < MAX_INNER; k++) {
    const Node *m = ir_node(p, body->nodes.at[k]);
    if (m->nregions && m->op != IR_IF) hash[count++] = m->hash;
  }
  return count;
}

static bool inner_in_common(const Band *g, const uint32_t *hash, uint32_t n) {
  for (uint32_t k = 0; k < n; k++)
    for (uint32_t j = 0; j < g->ninner; j++)
      if (hash[k] == g->inner[j]) return true;
  return false;
}

/* A loop that may join a group. */
typedef struct Candidate {
  Ref loop;
  const Node *n;
  bool effect;              /* adds into accumulators */
  bool straight;            /* if so, each round at its own indices, straight in the body */
  uint32_t inner[MAX_INNER], ninner;
  Costly costly;
} Candidate;

/* Does each round add at all indices of its own, as they are? */
static bool adds_at_own_indices(const Node *loop, const Node *upd) {
  const Region *body = loop->regions[0];
  if (upd->flags & NODE_CHECKED) return false;
  for (uint32_t k = 0; k < body->params.n; k++) {
    uint32_t j = 2;
    while (j < upd->nargs && upd->arg[j] != body->params.at[k]) j++;
    if (j == upd->nargs) return false;
  }
  return true;
}

/* Are its effects, if any, such updates straight in the body? */
static bool adds_straight(const Prog *p, const Node *loop) {
  const Region *body = loop->regions[0];
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    Ref r = body->nodes.at[k];
    if (!ir_has_effect(p, r)) continue;
    const Node *n = ir_node(p, r);
    if (n->op != IR_UPD || !adds_at_own_indices(loop, n)) return false;
  }
  return true;
}

/* Does it go on with what the group made?  A bare reduction is left alone: loops around it
 * that do nothing else are seen as one, a matrix product for example. */
static bool goes_on(const Join *s, const Group *g, const Candidate *c) {
  for (uint32_t k = 0; k < c->n->nfree; k++) {
    if (!groups_result(&s->groups, g, c->n->free[k])) continue;
    const Node *proj = ir_node(s->p, c->n->free[k]), *made = ir_node(s->p, proj->arg[0]);
    const Node *e = ir_node(s->p, made->regions[0]->results.at[proj->aux.i]);
    return e->op != IR_PROJ;
  }
  return false;
}

/* Is one a loop that only adds, to elements to which the other adds, too? */
static bool join_adds(const Join *s, const Band *g, const Candidate *c) {
  if (c->n->op != IR_LOOP) return false;
  for (uint32_t k = 0; k < g->g.members.n && k < MAX_INNER; k++) {
    const Node *m = ir_node(s->p, g->g.members.at[k]);
    if ((only_adds(s->p, m) || only_adds(s->p, c->n)) && adds_alike(s->p, m, c->n)) return true;
  }
  return false;
}

/* Is there something to share, or nothing to lose? */
static bool alike(const Join *s, const Band *g, const Candidate *c) {
  if (c->n->op == IR_FOLD)
    return (!c->ninner && !g->ninner) || inner_in_common(g, c->inner, c->ninner);
  if (c->effect && g->effect && !(g->derivative && c->n->flags & NODE_DERIVATIVE)) return false;
  if (c->effect && g->effect && join_adds(s, g, c)) return true;
  bool plain = c->n->op == IR_LOOP && c->straight && g->straight && !c->ninner;
  if (plain && (!g->ninner || goes_on(s, &g->g, c))) return true;
  return costly_in_common(&g->costly, &c->costly);
}

static void add_member(Join *s, Band *g, const Candidate *c) {
  groups_add(&s->groups, &g->g, c->loop);
  g->outputs += c->n->nresults;
  g->nodes += s->inside[c->loop];
  g->effect |= c->effect;
  g->straight &= c->straight;
  g->derivative &= (c->n->flags & NODE_DERIVATIVE) != 0;
  for (uint32_t k = 0; k < c->ninner && g->ninner < MAX_INNER; k++)
    g->inner[g->ninner++] = c->inner[k];
  costly_join(&g->costly, &c->costly);
}

static bool fits(const Join *s, const Band *g, const Candidate *c) {
  return same_space(ir_node(s->p, g->g.members.at[0]), c->n) &&
         s->groups.count - g->g.number <= MAX_DISTANCE &&
         g->outputs + c->n->nresults <= MAX_OUTPUTS &&
         g->nodes + s->inside[c->loop] <= MAX_NODES && alike(s, g, c) &&
         groups_own_rounds(&s->groups, &g->g, c->n, c->n) &&
         groups_may_join(&s->groups, &g->g, c->loop);
}

static void assign(Join *s, Ref r) {
  Candidate c = {.loop = r, .n = ir_node(s->p, r), .effect = ir_has_effect(s->p, r)};
  Band *g = s->latest[c.n->arg[0]];
  c.ninner = list_inner(s->p, c.n, c.inner);
  if (c.n->op != IR_FOLD) costly_of(s->p, r, &c.costly);
  c.straight = !c.effect || (c.n->op == IR_LOOP && adds_straight(s->p, c.n));
  groups_depend(&s->groups, r, c.n->free, c.n->nfree, g ? &g->g : NULL);
  if (!g || !fits(s, g, &c)) {
    groups_depend(&s->groups, r, c.n->free, c.n->nfree, NULL);
    g = NEW(s->p->ctx, Band);
    g->derivative = g->straight = true;
    s->latest[c.n->arg[0]] = g;
  }
  add_member(s, g, &c);
}

static void group_region(Join *s, const Region *region) {
  groups_region(&s->groups);
  for (uint32_t k = 0; k < region->nodes.n; k++) {
    Ref r = region->nodes.at[k];
    const Node *n = ir_node(s->p, r);
    groups_depend(&s->groups, r, n->arg, n->nargs, NULL);
    groups_depend_on_sizes(&s->groups, r, n->type);
    if (may_join(s->p, r)) {
      assign(s, r);
      continue;
    }
    groups_depend(&s->groups, r, n->free, n->nfree, NULL);
    if (n->flags & NODE_IO) groups_stay(&s->groups, r);
  }
}

/* ---- joining ---------------------------------------------------------------------------- */

/* The one loop: its results as they come together. */
typedef struct Whole {
  Refs init, next, out;      /* FOLD: carried values; outputs */
  VEC(Combiner) comb;
  bool derivative;
} Whole;

static uint32_t carried(const Node *n) {
  return n->op == IR_FOLD ? n->nargs - 1 : 0;
}

/* The number of this output in the whole, where equal ones are one. */
static uint32_t add_output(Ctx *c, Whole *all, Ref e, Combiner comb) {
  for (uint32_t k = 0; k < all->out.n; k++)
    if (all->out.at[k] == e && all->comb.at[k] == comb) return k;
  VEC_PUSH(c, &all->out, e);
  VEC_PUSH(c, &all->comb, comb);
  return all->out.n - 1;
}

static void join_params(Rewrite *w, const Group *g) {
  const Node *first = ir_node(w->k.from, g->members.at[0]);
  uint32_t shared = first->op == IR_FOLD ? 1 : first->nargs;
  for (uint32_t k = 0; k < shared; k++) {
    Ref index = pass_param(w, first->regions[0]->params.at[k]);
    for (uint32_t j = 1; j < g->members.n; j++)
      copy_set(&w->k, ir_node(w->k.from, g->members.at[j])->regions[0]->params.at[k], index);
  }
  for (uint32_t j = 0; j < g->members.n; j++) {
    const Node *n = ir_node(w->k.from, g->members.at[j]);
    for (uint32_t k = 0; k < carried(n); k++) pass_param(w, n->regions[0]->params.at[k + 1]);
  }
}

/* where[j][k]: number of member j's output k among the outputs of the whole. */
static void join_bodies(Rewrite *w, const Group *g, Whole *all, uint32_t **where) {
  Ctx *c = w->k.to->ctx;
  for (uint32_t j = 0; j < g->members.n; j++) {
    const Node *n = ir_node(w->k.from, g->members.at[j]);
    const Region *body = n->regions[0];
    rewrite_nodes(w, body);
    for (uint32_t k = 0; k < carried(n); k++)
      VEC_PUSH(c, &all->next, copy_ref(&w->k, body->results.at[k]));
    where[j] = NEWN(c, uint32_t, n->aux.loop->nout + 1);
    for (uint32_t k = 0; k < n->aux.loop->nout; k++)
      where[j][k] = add_output(c, all, copy_ref(&w->k, body->results.at[carried(n) + k]),
                               n->aux.loop->comb[k]);
  }
}

static Ref build_whole(Rewrite *w, const Node *first, Ref *extent, Region *r, Whole *all) {
  Prog *to = w->k.to;
  to->pos = first->pos;
  to->derivative = all->derivative;
  if (first->op == IR_FOLD)
    return ir_fold(to, extent[0], all->init.n, all->init.at, r, all->comb.at);
  return ir_loop(to, first->nargs, extent, r, all->comb.at);
}

/* What the members' results are now. */
static void give_results(Rewrite *w, const Group *g, Ref loop, uint32_t ncarry, uint32_t **where) {
  uint32_t carry = 0;
  for (uint32_t j = 0; j < g->members.n; j++) {
    const Node *n = ir_node(w->k.from, g->members.at[j]);
    Ref *outs = NEWN(w->k.to->ctx, Ref, n->nresults + 1);
    for (uint32_t k = 0; k < carried(n); k++) outs[k] = ir_out(w->k.to, loop, carry++);
    for (uint32_t k = 0; k < n->aux.loop->nout; k++)
      outs[carried(n) + k] = ir_out(w->k.to, loop, ncarry + where[j][k]);
    w->outs[g->members.at[j]] = outs;
  }
}

static void join(Rewrite *w, Group *g) {
  Join *s = w->self;
  Prog *to = w->k.to;
  const Node *first = ir_node(s->p, g->members.at[0]);
  uint32_t **where = NEWN(to->ctx, uint32_t *, g->members.n);
  uint32_t index = first->op == IR_FOLD ? 1 : first->nargs;
  Ref extent[MAX_RANK];
  Whole all = {.derivative = true};
  g->joining = true;
  groups_copy_needs(w, &s->groups, g);
  for (uint32_t k = 0; k < index; k++) extent[k] = copy_ref(&w->k, first->arg[k]);
  for (uint32_t j = 0; j < g->members.n; j++) {
    const Node *n = ir_node(s->p, g->members.at[j]);
    s->groups.done[g->members.at[j]] = true;
    if (!(n->flags & NODE_DERIVATIVE)) all.derivative = false;
    for (uint32_t k = 0; k < carried(n); k++)
      VEC_PUSH(to->ctx, &all.init, copy_ref(&w->k, n->arg[k + 1]));
  }
  Region *r = ir_begin(to);
  ir_set_extents(to, index, extent);
  join_params(w, g);
  join_bodies(w, g, &all, where);
  for (uint32_t k = 0; k < all.next.n; k++) ir_result(to, all.next.at[k]);
  for (uint32_t k = 0; k < all.out.n; k++) ir_result(to, all.out.at[k]);
  ir_end(to);
  g->joining = false;
  Ref loop = build_whole(w, first, extent, r, &all);
  give_results(w, g, loop, all.init.n, where);
}

/* One choice with the results of all. */
static void join_choices(Rewrite *w, Group *g) {
  Join *s = w->self;
  Prog *to = w->k.to;
  const Node *first = ir_node(s->p, g->members.at[0]);
  Ref cond = copy_ref(&w->k, first->arg[0]);
  Region *branch[2];
  g->joining = true;
  groups_copy_needs(w, &s->groups, g);
  for (uint32_t k = 0; k < 2; k++) {
    branch[k] = ir_begin(to);
    for (uint32_t j = 0; j < g->members.n; j++) {
      const Region *r = ir_node(s->p, g->members.at[j])->regions[k];
      rewrite_nodes(w, r);
      for (uint32_t i = 0; i < r->results.n; i++) ir_result(to, copy_ref(&w->k, r->results.at[i]));
    }
    ir_end(to);
  }
  g->joining = false;
  Ref whole = pass_structured(w, first, 1, &cond, branch, NULL);
  for (uint32_t j = 0, out = 0; j < g->members.n; j++) {
    Ref member = g->members.at[j];
    uint32_t n = ir_node(s->p, member)->nresults;
    s->groups.done[member] = true;
    w->outs[member] = NEWN(to->ctx, Ref, n + 1);
    for (uint32_t k = 0; k < n; k++) w->outs[member][k] = ir_out(to, whole, out++);
  }
}

/* A read of what an earlier member made in the same round. */
static Ref value_of_round(Rewrite *w, const Node *read) {
  const Node *proj = ir_node(w->k.from, read->arg[0]);
  const Node *member = ir_node(w->k.from, proj->arg[0]);
  Ref e = copy_ref(&w->k, member->regions[0]->results.at[proj->aux.i]), index[MAX_RANK];
  uint32_t n = 0;
  for (uint32_t k = member->nargs + 1; k < read->nargs; k++)
    index[n++] = copy_ref(&w->k, read->arg[k]);
  return n ? ir_read(w->k.to, e, n, index, read->flags & NODE_CHECKED) : e;
}

static Ref visit(Rewrite *w, Ref old) {
  Join *s = w->self;
  Groups *gs = &s->groups;
  Group *g = gs->of[old];
  const Node *n = ir_node(s->p, old);
  if (n->op == IR_READ && groups_joining(gs, n->arg[0])) return value_of_round(w, n);
  if (gs->done[old]) return groups_copied(w, old);
  gs->done[old] = true;
  if (!g || g->members.n < 2) return 0;
  if (n->op == IR_IF) join_choices(w, g);
  else join(w, g);
  return REWRITE_GONE;
}

Prog *fuse_join(Prog *p) {
  if (p->regions.n == 1) return p;   /* no loop */
  Join s = {.p = p};
  groups_start(&s.groups, p);
  s.inside = pass_inside(p);
  s.latest = NEWN(p->ctx, Band *, p->nnodes);
  for (uint32_t k = 0; k < p->regions.n; k++) group_region(&s, p->regions.at[k]);
  Prog *to = groups_end(&s.groups, (Rewrite){.node = visit, .self = &s});
  arena_release(p->ctx, s.inside, sizeof *s.inside * p->nnodes);
  arena_release(p->ctx, s.latest, sizeof *s.latest * p->nnodes);
  return to;
}
