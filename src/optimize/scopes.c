/* scopes.c - a step of opt_fuse: scopes of accumulators take in neighbours with which they
 * share work.
 *
 * Requires: barriers gone.  Reverse mode puts the loop that adds into accumulators into a scope
 * of its own, behind the forward loop that computed the same things.  Where the two run
 * over the same indices and have costly work in common (share.c), the forward loop moves into
 * the scope; so does a loop that only adds to elements to which a loop inside adds, too; and so
 * do two such scopes become one.  Then join.c makes one loop of both.  A later member moves up to
 * the first of its group (groups.h).
 * Maintains every value to the bit, but for the order in which accumulators add.  Linear: few
 * groups are looked back at. */
#include "optimize/groups.h"
#include "optimize/share.h"

enum { MAX_PARTS = 8, MAX_BACK = 32, MAX_MEMBERS = 8, MAX_NODES = 1000 };

/* A loop that could be joined: the member itself, or one straight in its scope. */
typedef struct Part { const Node *loop; Costly costly; } Part;

typedef struct Cluster {
  Group g;                  /* of LOOPs and ACCUMs */
  Part *part[MAX_PARTS];
  uint32_t nparts, nodes;
  uint64_t bits;            /* of what is costly in the parts */
  bool scope;               /* is one of them an ACCUM? */
} Cluster;

typedef struct Scopes {
  Groups groups;
  Prog *p;
  uint32_t *inside;         /* nodes in the regions of a node */
} Scopes;

/* ---- grouping ---------------------------------------------------------------------- */

static bool may_merge(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->flags & NODE_IO) return false;
  if (n->op == IR_LOOP && ir_has_effect(p, r)) return only_adds(p, n);
  return n->op == IR_ACCUM || (n->op == IR_LOOP && n->nargs);
}

/* Bits of the accumulators to which a body adds itself. */
static uint64_t adds_to(const Prog *p, const Region *body) {
  uint64_t bits = 0;
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    const Node *n = ir_node(p, body->nodes.at[k]);
    if (n->op == IR_UPD) bits |= UINT64_C(1) << n->arg[0] % 64;
  }
  return bits;
}

static void add_part(const Prog *p, Cluster *c, Ref loop) {
  if (c->nparts == MAX_PARTS) return;
  Part *part = NEW(p->ctx, Part);
  part->loop = ir_node(p, loop);
  costly_of(p, loop, &part->costly);
  c->part[c->nparts++] = part;
  c->bits |= part->costly.bits | adds_to(p, part->loop->regions[0]);
}

static void find_parts(const Prog *p, Cluster *c, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->op == IR_LOOP) {
    add_part(p, c, r);
    return;
  }
  const Region *body = n->regions[0];
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    const Node *m = ir_node(p, body->nodes.at[k]);
    if (m->op == IR_LOOP && m->nargs) add_part(p, c, body->nodes.at[k]);
  }
}

/* Constants may be said anew in a region inside. */
static bool same_extent(const Prog *p, Ref a, Ref b) {
  const Node *x = ir_node(p, a), *y = ir_node(p, b);
  return a == b || (x->op == IR_CONST && y->op == IR_CONST && x->aux.i == y->aux.i);
}

static bool same_space(const Prog *p, const Node *a, const Node *b) {
  if (a->nargs != b->nargs) return false;
  for (uint32_t k = 0; k < a->nargs; k++)
    if (!same_extent(p, a->arg[k], b->arg[k])) return false;
  return true;
}

/* A loop that only adds shares the elements to which it adds. */
static bool shares(const Prog *p, const Part *a, const Part *b) {
  if (costly_in_common(&a->costly, &b->costly)) return true;
  return (only_adds(p, a->loop) || only_adds(p, b->loop)) && adds_alike(p, a->loop, b->loop);
}

static bool share_work(const Scopes *s, const Cluster *g, const Cluster *c) {
  for (uint32_t k = 0; k < c->nparts; k++)
    for (uint32_t j = 0; j < g->nparts; j++) {
      const Part *a = g->part[j], *b = c->part[k];
      if (same_space(s->p, a->loop, b->loop) && shares(s->p, a, b) &&
          groups_own_rounds(&s->groups, &g->g, b->loop, b->loop))
        return true;
    }
  return false;
}

static bool fits(Scopes *s, const Cluster *g, const Cluster *c, Ref r) {
  if (!g->scope && !c->scope) return false;
  if (g->g.members.n == MAX_MEMBERS || g->nodes + c->nodes > MAX_NODES) return false;
  return share_work(s, g, c) && groups_may_join(&s->groups, &g->g, r);
}

static void add_member(Scopes *s, Cluster *g, const Cluster *c, Ref r) {
  groups_add(&s->groups, &g->g, r);
  g->nodes += c->nodes;
  g->scope |= c->scope;
  g->bits |= c->bits;
  for (uint32_t k = 0; k < c->nparts && g->nparts < MAX_PARTS; k++)
    g->part[g->nparts++] = c->part[k];
}

/* The latest groups of a region. */
typedef struct Recent { Cluster *at[MAX_BACK]; uint32_t n; } Recent;

static void assign(Scopes *s, Ref r, Recent *recent) {
  const Node *n = ir_node(s->p, r);
  Cluster *c = NEW(s->p->ctx, Cluster), *g = NULL;
  const Needs needs = s->groups.needs[r];
  c->nodes = s->inside[r];
  c->scope = n->op == IR_ACCUM;
  if (c->nodes <= MAX_NODES) find_parts(s->p, c, r);
  for (uint32_t k = 0; k < MAX_BACK && k < recent->n && !g; k++) {
    Cluster *back = recent->at[(recent->n - 1 - k) % MAX_BACK];
    if (!(back->bits & c->bits)) continue;
    s->groups.needs[r] = needs;
    groups_depend(&s->groups, r, n->free, n->nfree, &back->g);
    if (fits(s, back, c, r)) g = back;
  }
  if (!g) {
    groups_depend(&s->groups, r, n->free, n->nfree, NULL);
    recent->at[recent->n++ % MAX_BACK] = g = NEW(s->p->ctx, Cluster);
  }
  add_member(s, g, c, r);
}

static void group_region(Scopes *s, const Region *region) {
  Recent recent = {0};
  groups_region(&s->groups);
  for (uint32_t k = 0; k < region->nodes.n; k++) {
    Ref r = region->nodes.at[k];
    const Node *n = ir_node(s->p, r);
    groups_depend(&s->groups, r, n->arg, n->nargs, NULL);
    groups_depend_on_sizes(&s->groups, r, n->type);
    if (may_merge(s->p, r)) {
      assign(s, r, &recent);
      continue;
    }
    groups_depend(&s->groups, r, n->free, n->nfree, NULL);
    if (n->flags & NODE_IO) groups_stay(&s->groups, r);
  }
}

/* ---- one scope --------------------------------------------------------------------- */

/* What a member takes from earlier ones is in the scope. */
static void map_results(Rewrite *w, const Group *g, const Node *member) {
  const Scopes *s = w->self;
  for (uint32_t k = 0; k < member->nfree; k++) {
    if (!groups_result(&s->groups, g, member->free[k])) continue;
    const Node *proj = ir_node(s->p, member->free[k]);
    copy_set(&w->k, member->free[k], w->outs[proj->arg[0]][proj->aux.i]);
  }
}

/* A member's body in the scope, and its results among those of the scope. */
static void put_member(Rewrite *w, const Group *g, Ref old) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  map_results(w, g, n);
  if (n->op == IR_ACCUM) {
    rewrite_nodes(w, n->regions[0]);
    for (uint32_t k = 0; k < n->regions[0]->results.n; k++)
      ir_result(to, copy_ref(&w->k, n->regions[0]->results.at[k]));
    return;
  }
  Ref loop = rewrite_copy(w, old);
  w->outs[old] = NEWN(to->ctx, Ref, n->nresults + 1);
  for (uint32_t k = 0; k < n->nresults; k++) {
    w->outs[old][k] = ir_out(to, loop, k);
    ir_result(to, w->outs[old][k]);
  }
}

/* What the members' results are now: finals first, then the others. */
static void give_results(Rewrite *w, const Group *g, Ref accum, uint32_t nfinal) {
  uint32_t final = 0, other = nfinal;
  for (uint32_t j = 0; j < g->members.n; j++) {
    const Node *n = ir_node(w->k.from, g->members.at[j]);
    uint32_t handles = n->op == IR_ACCUM ? n->nargs : 0;
    Ref *outs = NEWN(w->k.to->ctx, Ref, n->nresults + 1);
    for (uint32_t k = 0; k < n->nresults; k++)
      outs[k] = ir_out(w->k.to, accum, k < handles ? final++ : other++);
    w->outs[g->members.at[j]] = outs;
  }
}

static void merge(Rewrite *w, Group *g) {
  Scopes *s = w->self;
  Prog *to = w->k.to;
  Refs init = {0};
  const Node *scope = NULL;
  g->joining = true;
  groups_copy_needs(w, &s->groups, g);
  g->joining = false;
  for (uint32_t j = 0; j < g->members.n; j++) {
    const Node *n = ir_node(s->p, g->members.at[j]);
    s->groups.done[g->members.at[j]] = true;
    for (uint32_t k = 0; n->op == IR_ACCUM && k < n->nargs; k++)
      VEC_PUSH(to->ctx, &init, copy_ref(&w->k, n->arg[k]));
    if (n->op == IR_ACCUM) scope = n;
  }
  Region *r = ir_begin(to);
  for (uint32_t j = 0; j < g->members.n; j++) {
    const Node *n = ir_node(s->p, g->members.at[j]);
    for (uint32_t k = 0; n->op == IR_ACCUM && k < n->nargs; k++)
      pass_param(w, n->regions[0]->params.at[k]);
  }
  for (uint32_t j = 0; j < g->members.n; j++) put_member(w, g, g->members.at[j]);
  ir_end(to);
  give_results(w, g, pass_structured(w, scope, init.n, init.at, &r, NULL), init.n);
}

static Ref visit(Rewrite *w, Ref old) {
  Scopes *s = w->self;
  Group *g = s->groups.of[old];
  if (s->groups.done[old]) return groups_copied(w, old);
  s->groups.done[old] = true;
  if (!g || g->members.n < 2) return 0;
  merge(w, g);
  return REWRITE_GONE;
}

static bool any_scope(const Prog *p) {
  for (Ref r = 1; r < p->nnodes; r++)
    if (ir_node(p, r)->op == IR_ACCUM) return true;
  return false;
}

Prog *fuse_scopes(Prog *p) {
  if (!any_scope(p)) return p;
  Scopes s = {.p = p, .inside = pass_inside(p)};
  groups_start(&s.groups, p);
  for (uint32_t k = 0; k < p->regions.n; k++) group_region(&s, p->regions.at[k]);
  Prog *to = groups_end(&s.groups, (Rewrite){.node = visit, .self = &s});
  arena_release(p->ctx, s.inside, sizeof *s.inside * p->nnodes);
  return to;
}
