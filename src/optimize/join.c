/* join.c - a step of opt_fuse: neighbouring loops over the same index space become one,
 * with the outputs of all; so do folds of the same length that carry something alike.
 *
 * Requires: barriers gone.  Consing then shares what the bodies have in common: the
 * forward values that a reverse loop computes again, the run of a fold that its taped or
 * dual copy repeats.  Loops that hold loops of their own join only if they have one of
 * those in common.
 *
 * A later loop moves up to the first of its group, and what it needs with it.  Groups of a
 * region are numbered as they start; a node remembers the latest group (or effect) that
 * it depends on, and a loop joins only a group later than that: so nothing that moves
 * depends on what it moves in front of.  Linear but for sorting. */
#include "optimize/passes.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_OUTPUTS = 16, MAX_NODES = 400, MAX_DISTANCE = 24, MAX_INNER = 32 };

typedef struct Group {
  uint32_t number;          /* in its region, from 1 */
  Refs loops;               /* the first is the place */
  uint32_t outputs, nodes;
  uint32_t inner[MAX_INNER];/* hashes of loops inside, and of carried values */
  uint32_t ninner;
} Group;

typedef struct Join {
  Prog *p;
  uint32_t *inside;         /* nodes in the regions of a node */
  uint32_t *after;          /* number of the latest group that a node depends on */
  Group **group;            /* by Ref of a LOOP or FOLD that may join */
  Group **latest;           /* by Ref of a first extent: the latest group there */
  bool *done;               /* already copied */
  bool any;                 /* is there a group of two? */
} Join;

/* ---- grouping ----------------------------------------------------------------------- */

static bool may_join(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  return (n->op == IR_LOOP || n->op == IR_FOLD) && n->nargs && !ir_has_effect(p, r);
}

static bool same_space(const Node *a, const Node *b) {
  if (a->op != b->op || a->region != b->region) return false;
  if (a->op == IR_FOLD) return a->arg[0] == b->arg[0];
  if (a->nargs != b->nargs) return false;
  for (uint32_t k = 0; k < a->nargs; k++)
    if (a->arg[k] != b->arg[k]) return false;
  return true;
}

/* Hashes by which bodies are alike: loops inside; carried values by start and step. */
static uint32_t list_inner(const Prog *p, const Node *n, uint32_t *hash) {
  const Region *body = n->regions[0];
  uint32_t count = 0;
  for (uint32_t k = 1; n->op == IR_FOLD && k < n->nargs && count < MAX_INNER; k++)
    hash[count++] = ir_node(p, body->results.at[k - 1])->hash * 31 + n->arg[k];
  if (n->op == IR_FOLD) return count;
  for (uint32_t k = 0; k < body->nodes.n && count < MAX_INNER; k++) {
    const Node *m = ir_node(p, body->nodes.at[k]);
    if (m->nregions && m->op != IR_IF) hash[count++] = m->hash;
  }
  return count;
}

/* Is there something to share, or nothing to lose? */
static bool alike(const Group *g, const uint32_t *hash, uint32_t n) {
  if (!n && !g->ninner) return true;
  for (uint32_t k = 0; k < n; k++)
    for (uint32_t j = 0; j < g->ninner; j++)
      if (hash[k] == g->inner[j]) return true;
  return false;
}

static void add_member(Join *s, Group *g, Ref r, const uint32_t *hash, uint32_t n) {
  const Node *loop = ir_node(s->p, r);
  VEC_PUSH(s->p->ctx, &g->loops, r);
  g->outputs += loop->nresults;
  g->nodes += s->inside[r];
  for (uint32_t k = 0; k < n && g->ninner < MAX_INNER; k++) g->inner[g->ninner++] = hash[k];
  s->group[r] = g;
  if (g->loops.n > 1) s->any = true;
}

static bool fits(const Join *s, const Group *g, Ref r, uint32_t count) {
  const Node *n = ir_node(s->p, r);
  return same_space(ir_node(s->p, g->loops.at[0]), n) && s->after[r] < g->number &&
         count - g->number <= MAX_DISTANCE && g->outputs + n->nresults <= MAX_OUTPUTS &&
         g->nodes + s->inside[r] <= MAX_NODES;
}

/* Puts a loop into a group; `count` groups have started in this region. */
static void assign(Join *s, Ref r, uint32_t *count) {
  const Node *n = ir_node(s->p, r);
  uint32_t hash[MAX_INNER], nhash = list_inner(s->p, n, hash);
  Group *g = s->latest[n->arg[0]];
  if (!g || !fits(s, g, r, *count) || !alike(g, hash, nhash)) {
    g = NEW(s->p->ctx, Group);
    g->number = ++*count;
    s->latest[n->arg[0]] = g;
  }
  add_member(s, g, r, hash, nhash);
}

static void depend(Join *s, Ref r, const Ref *on, uint32_t n) {
  uint32_t region = ir_node(s->p, r)->region;
  for (uint32_t k = 0; k < n; k++) {
    Ref o = on[k];
    if (ir_node(s->p, o)->region != region) continue;
    uint32_t after = s->group[o] ? s->group[o]->number : 0;
    if (s->after[o] > after) after = s->after[o];
    if (after > s->after[r]) s->after[r] = after;
  }
}

static void depend_on_sizes(Join *s, Ref r, const Type *t) {
  for (uint32_t d = 0; t && d < t->rank; d++)
    for (uint32_t k = 0; k < t->dim[d]->n; k++)
      depend(s, r, t->dim[d]->mono[k].atom, t->dim[d]->mono[k].n);
}

static void group_region(Join *s, const Region *region) {
  uint32_t count = 0;
  for (uint32_t k = 0; k < region->nodes.n; k++) {
    Ref r = region->nodes.at[k];
    const Node *n = ir_node(s->p, r);
    depend(s, r, n->arg, n->nargs);
    depend(s, r, n->free, n->nfree);
    depend_on_sizes(s, r, n->type);
    if (may_join(s->p, r)) assign(s, r, &count);
    else if (n->nregions && ir_has_effect(s->p, r)) s->after[r] = ++count;
  }
}

/* ---- moving up ------------------------------------------------------------------------ */

static void want(const Join *s, Refs *todo, uint32_t region, const Ref *r, uint32_t n) {
  for (uint32_t k = 0; k < n; k++) {
    const Node *o = ir_node(s->p, r[k]);
    if (o->region == region && o->op != IR_PARAM && !s->done[r[k]])
      VEC_PUSH(s->p->ctx, todo, r[k]);
  }
}

static void want_all(const Join *s, Refs *todo, Ref r) {
  const Node *n = ir_node(s->p, r);
  want(s, todo, n->region, n->arg, n->nargs);
  want(s, todo, n->region, n->free, n->nfree);
  for (uint32_t d = 0; n->type && d < n->type->rank; d++)
    for (uint32_t k = 0; k < n->type->dim[d]->n; k++)
      want(s, todo, n->region, n->type->dim[d]->mono[k].atom, n->type->dim[d]->mono[k].n);
}

static int by_number(const void *a, const void *b) {
  Ref x = *(const Ref *)a, y = *(const Ref *)b;
  return x < y ? -1 : x > y;
}

/* Copies what the members need and what has not been copied yet. */
static void copy_needs(Rewrite *w, const Group *g) {
  Join *s = w->self;
  Refs todo = {0}, needs = {0};
  for (uint32_t k = 1; k < g->loops.n; k++) want_all(s, &todo, g->loops.at[k]);
  while (todo.n) {
    Ref r = todo.at[--todo.n];
    if (s->done[r]) continue;
    s->done[r] = true;
    VEC_PUSH(s->p->ctx, &needs, r);
    want_all(s, &todo, r);
  }
  if (!needs.n) return;
  qsort(needs.at, needs.n, sizeof *needs.at, by_number);
  for (uint32_t k = 0; k < needs.n; k++) s->done[needs.at[k]] = false;
  Region some = {.nodes = {needs.at, needs.n, needs.cap}};
  rewrite_nodes(w, &some);
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
  const Node *first = ir_node(w->k.from, g->loops.at[0]);
  uint32_t shared = first->op == IR_FOLD ? 1 : first->nargs;
  for (uint32_t k = 0; k < shared; k++) {
    Ref index = pass_param(w, first->regions[0]->params.at[k]);
    for (uint32_t j = 1; j < g->loops.n; j++)
      copy_set(&w->k, ir_node(w->k.from, g->loops.at[j])->regions[0]->params.at[k], index);
  }
  for (uint32_t j = 0; j < g->loops.n; j++) {
    const Node *n = ir_node(w->k.from, g->loops.at[j]);
    for (uint32_t k = 0; k < carried(n); k++) pass_param(w, n->regions[0]->params.at[k + 1]);
  }
}

/* where[j][k]: number of member j's output k among the outputs of the whole. */
static void join_bodies(Rewrite *w, const Group *g, Whole *all, uint32_t **where) {
  Ctx *c = w->k.to->ctx;
  for (uint32_t j = 0; j < g->loops.n; j++) {
    const Node *n = ir_node(w->k.from, g->loops.at[j]);
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
  for (uint32_t j = 0; j < g->loops.n; j++) {
    const Node *n = ir_node(w->k.from, g->loops.at[j]);
    Ref *outs = NEWN(w->k.to->ctx, Ref, n->nresults + 1);
    for (uint32_t k = 0; k < carried(n); k++) outs[k] = ir_out(w->k.to, loop, carry++);
    for (uint32_t k = 0; k < n->aux.loop->nout; k++)
      outs[carried(n) + k] = ir_out(w->k.to, loop, ncarry + where[j][k]);
    w->outs[g->loops.at[j]] = outs;
  }
}

static void join(Rewrite *w, const Group *g) {
  Join *s = w->self;
  Prog *to = w->k.to;
  const Node *first = ir_node(s->p, g->loops.at[0]);
  uint32_t **where = NEWN(to->ctx, uint32_t *, g->loops.n);
  uint32_t index = first->op == IR_FOLD ? 1 : first->nargs;
  Ref extent[MAX_RANK];
  Whole all = {.derivative = true};
  copy_needs(w, g);
  for (uint32_t k = 0; k < index; k++) extent[k] = copy_ref(&w->k, first->arg[k]);
  for (uint32_t j = 0; j < g->loops.n; j++) {
    const Node *n = ir_node(s->p, g->loops.at[j]);
    s->done[g->loops.at[j]] = true;
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
  Ref loop = build_whole(w, first, extent, r, &all);
  give_results(w, g, loop, all.init.n, where);
}

static Ref visit(Rewrite *w, Ref old) {
  Join *s = w->self;
  const Group *g = s->group[old];
  if (s->done[old]) return w->outs[old] || !w->k.map[old] ? REWRITE_GONE : copy_ref(&w->k, old);
  s->done[old] = true;
  if (!g || g->loops.n < 2) return 0;
  join(w, g);
  return REWRITE_GONE;
}

static void release(Join *s, uint32_t nodes) {
  Ctx *c = s->p->ctx;
  arena_release(c, s->inside, sizeof *s->inside * nodes);
  arena_release(c, s->after, sizeof *s->after * nodes);
  arena_release(c, s->group, sizeof *s->group * nodes);
  arena_release(c, s->latest, sizeof *s->latest * nodes);
  arena_release(c, s->done, sizeof *s->done * nodes);
}

Prog *fuse_join(Prog *p) {
  Join s = {.p = p};
  s.inside = NEWN(p->ctx, uint32_t, p->nnodes);
  s.after = NEWN(p->ctx, uint32_t, p->nnodes);
  s.group = NEWN(p->ctx, Group *, p->nnodes);
  s.latest = NEWN(p->ctx, Group *, p->nnodes);
  s.done = NEWN(p->ctx, bool, p->nnodes);
  for (Ref r = 1; r < p->nnodes; r++) {
    const Region *in = p->regions.at[ir_node(p, r)->region];
    if (in->owner) s.inside[in->owner] += 1 + s.inside[r];
  }
  for (uint32_t k = 0; k < p->regions.n; k++) group_region(&s, p->regions.at[k]);
  Prog *to = p;
  if (s.any) {
    Rewrite w = {.node = visit, .self = &s};
    to = rewrite_program(&w, p);
    to->erased = p->erased;
  }
  release(&s, p->nnodes);
  return to;
}
