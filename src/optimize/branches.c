/* branches.c - what a choice has computed, later choices by the same condition read.
 *
 * Requires: barriers gone; consing has made equal nodes of a region one.  Reverse mode says the
 * body of an `if` again in the `if` that it makes, which cannot join the first where it
 * needs what came of it.  In a branch, a real number that a branch taken under the same conditions
 * has computed before becomes one more result of that earlier `if`, and is read:
 *
 *   a = if c then f(sqrt(x)) else 0      (a, r) = if c then (f(sqrt(x)), sqrt(x)) else (0, 0)
 *   b = if c then g(a, sqrt(x)) else 1   b = if c then g(a, r) else 1
 *
 * What costs no more than to remember it is computed again.  Values are the same to the bit.
 * Linear: one lookup for each node, and no `if` gets more than MAX_KEPT results. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

enum { MAX_KEPT = 64, CALL_COST = 20, DIVISION_COST = 8, KEEP_COST = 3, COST_LIMIT = 1000 };

typedef struct Kept { Refs side[2]; } Kept;

typedef struct Branches {
  Prog *p;
  uint32_t *facts;       /* by number of a region: the conditions under which it runs, 0: none */
  uint32_t nfacts;
  Ref *same;             /* by Ref: the first node that gives the same under the same facts */
  uint32_t *cost;        /* by Ref: of what it is computed from in its branch */
  Ref *slot;             /* a table of such first nodes; a power of two of them */
  uint32_t room;
  Ref *fact;             /* by number of facts: an `if` of these conditions … */
  uint8_t *side;         /* … and which branch of it */
  Ref *read;             /* by Ref: the node that is read instead */
  Kept *kept;            /* by Ref of an `if`: nodes inside that become results */
  bool *busy;            /* by number of a region: is something in it read or kept? */
  bool any;
} Branches;

static Region *region_of(const Prog *p, Ref r) { return p->regions.at[ir_node(p, r)->region]; }

/* ---- equal nodes under equal conditions ------------------------------------------------- */

static bool same_operands(const Branches *b, const Node *m, const Node *n) {
  for (uint32_t k = 0; k < n->nargs; k++)
    if (b->same[m->arg[k]] != b->same[n->arg[k]]) return false;
  return true;
}

/* A constant is said anew in each region that needs it. */
static uint32_t facts_of(const Branches *b, const Node *n) {
  return n->op == IR_CONST ? 0 : b->facts[n->region];
}

static uint32_t mix(uint32_t h, uint64_t v) {
  h = (h ^ (uint32_t)v ^ (uint32_t)(v >> 32)) * 0x9e3779b1u;
  return h ^ h >> 15;
}

static uint32_t hash_of(const Branches *b, const Node *n) {
  uint32_t h = mix(n->op, facts_of(b, n));
  if (n->op == IR_CONST || n->op == IR_PRIM || n->op == IR_PROJ) h = mix(h, (uint64_t)n->aux.i);
  for (uint32_t k = 0; k < n->nargs; k++) h = mix(h, b->same[n->arg[k]]);
  return h;
}

/* Does m come to where n is as a result of `if`s alone? */
static bool reaches(const Prog *p, Ref m, Ref n) {
  const Region *here = region_of(p, n), *at = region_of(p, m);
  for (; !region_around(here, at); at = at->parent)
    if (ir_node(p, at->owner)->op != IR_IF) return false;
  return true;
}

static bool can_be_same(const Branches *b, const Node *n) {
  switch (n->op) {
  case IR_CONST: return true;
  case IR_PRIM: case IR_TOREAL: case IR_TOINT: case IR_READ: return b->facts[n->region] != 0;
  default: return false;
  }
}

/* The first node like r, or r itself, which is known from here on. */
static Ref first_like(Branches *b, Ref r) {
  const Node *n = ir_node(b->p, r);
  if (!can_be_same(b, n)) return r;
  uint32_t mask = b->room - 1, at = hash_of(b, n) & mask;
  for (; b->slot[at]; at = (at + 1) & mask) {
    const Node *m = ir_node(b->p, b->slot[at]);
    if (facts_of(b, m) != facts_of(b, n) || m->type != n->type) continue;
    if (!ir_alike(m, n) || !same_operands(b, m, n)) continue;
    if (n->op == IR_CONST || reaches(b->p, b->slot[at], r)) return b->slot[at];
    break;
  }
  b->slot[at] = r;
  return r;
}

/* ---- conditions ------------------------------------------------------------------------ */

/* What is known in a branch of the `if` r besides what is known around it: the number of an
 * earlier branch under the same conditions, or a new one. */
static uint32_t branch_facts(Branches *b, Ref r, uint32_t side) {
  const Node *n = ir_node(b->p, r);
  Ref c = b->same[n->arg[0]];
  uint32_t mask = b->room - 1;
  uint32_t at = mix(mix(mix(IR_IF, c), side), b->facts[n->region]) & mask;
  for (; b->fact[at]; at = (at + 1) & mask) {
    const Node *m = ir_node(b->p, b->fact[at]);
    if (b->side[at] == side && b->same[m->arg[0]] == c &&
        b->facts[m->region] == b->facts[n->region])
      return at + 1;
  }
  b->fact[at] = r;
  b->side[at] = (uint8_t)side;
  return at + 1;
}

static uint32_t own_cost(const Prog *p, const Node *n) {
  if (n->op != IR_PRIM || n->type->elem != ELEM_REAL) return 0;
  if (pass_cheap(p, n)) return 1;
  return n->aux.i == P_DIV || n->aux.i == P_SQRT ? DIVISION_COST : CALL_COST;
}

static uint32_t cost_of(const Branches *b, const Node *n) {
  uint32_t cost = own_cost(b->p, n);
  for (uint32_t k = 0; k < n->nargs && cost && cost < COST_LIMIT; k++)
    if (b->facts[ir_node(b->p, n->arg[k])->region] == b->facts[n->region])
      cost += b->cost[n->arg[k]];
  return cost;
}

static void look_at(Branches *b, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref x = r->nodes.at[k];
    const Node *n = ir_node(b->p, x);
    b->same[x] = first_like(b, x);
    b->cost[x] = cost_of(b, n);
    for (uint32_t j = 0; j < n->nregions; j++) {
      b->facts[n->regions[j]->id] = n->op == IR_IF ? branch_facts(b, x, j) : b->facts[r->id];
      look_at(b, n->regions[j]);
    }
  }
}

/* ---- what is kept ---------------------------------------------------------------------- */

static uint32_t side_of(const Prog *p, const Region *branch) {
  return ir_node(p, branch->owner)->regions[1] == branch;
}

/* The list among an `if`'s results in which what its branch `at` computes is kept. */
static Refs *list_of(const Branches *b, const Region *at) {
  return &b->kept[at->owner].side[side_of(b->p, at)];
}

static bool has_room(const Branches *b, Ref m, const Region *here) {
  for (const Region *at = region_of(b->p, m); !region_around(here, at); at = at->parent)
    if (list_of(b, at)->n == MAX_KEPT) return false;
  return true;
}

/* m becomes a result of each `if` on the way to `here`. */
static void keep(Branches *b, Ref m, const Region *here) {
  for (const Region *at = region_of(b->p, m); !region_around(here, at); at = at->parent) {
    Refs *list = list_of(b, at);
    if (!refs_have(list, m)) VEC_PUSH(b->p->ctx, list, m);
  }
  rewrite_busy(b->busy, b->p, m);
}

static bool worth_it(const Branches *b, Ref r) {
  const Node *n = ir_node(b->p, r);
  return n->op == IR_PRIM && n->type->elem == ELEM_REAL && b->cost[r] >= KEEP_COST;
}

/* From the last node back, so that only what is asked for by something new is read. */
static void choose(Branches *b) {
  const Prog *p = b->p;
  bool *asked = NEWN(p->ctx, bool, p->nnodes);
  for (uint32_t k = 0; k < p->regions.n; k++) {
    const Region *r = p->regions.at[k];
    for (uint32_t j = 0; j < r->results.n; j++)
      if (r->results.at[j]) asked[r->results.at[j]] = true;
  }
  for (Ref r = p->nnodes; --r;) {
    const Node *n = ir_node(p, r);
    Ref m = b->same[r];
    if (m != r && asked[r] && worth_it(b, r) && has_room(b, m, region_of(p, r))) {
      keep(b, m, region_of(p, r));
      b->read[r] = m;
      rewrite_busy(b->busy, p, r);
      b->any = true;
    }
    for (uint32_t k = 0; k < n->nargs && !b->read[r] && (m == r || asked[r]); k++)
      asked[n->arg[k]] = true;
  }
  arena_release(p->ctx, asked, sizeof *asked * p->nnodes);
}

/* ---- the new program ------------------------------------------------------------------- */

/* Where the kept values of one branch stand among the results of the new `if`. */
typedef struct Places { uint32_t at[MAX_KEPT], end; } Places;

/* Some are results already; the others follow these. */
static Places find_places(const Region *branch, const Refs *kept) {
  Places places = {.end = branch->results.n};
  for (uint32_t k = 0; k < kept->n; k++) {
    uint32_t at = 0;
    while (at < branch->results.n && branch->results.at[at] != kept->at[k]) at++;
    places.at[k] = at < branch->results.n ? at : places.end++;
  }
  return places;
}

/* A branch with its results and what is kept of it; where the other branch keeps more, that is
 * zero here. */
static Region *copy_branch(Rewrite *w, const Region *r, const Refs *kept, const Places *places,
                           uint32_t end) {
  Prog *to = w->k.to;
  Region *mine = ir_begin(to);
  rewrite_nodes(w, r);
  for (uint32_t k = 0; k < r->results.n; k++) ir_result(to, copy_ref(&w->k, r->results.at[k]));
  for (uint32_t k = 0; k < kept->n; k++)
    if (places->at[k] >= r->results.n) ir_result(to, copy_ref(&w->k, kept->at[k]));
  for (uint32_t k = places->end; k < end; k++) ir_result(to, ir_real(to, 0.0));
  ir_end(to);
  return mine;
}

static Ref copy_if(Rewrite *w, Ref old, const Kept *kept) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  Ref cond = copy_ref(&w->k, n->arg[0]);
  Places places[2];
  Region *side[2];
  for (int k = 0; k < 2; k++) places[k] = find_places(n->regions[k], &kept->side[k]);
  uint32_t end = places[0].end > places[1].end ? places[0].end : places[1].end;
  for (int k = 0; k < 2; k++)
    side[k] = copy_branch(w, n->regions[k], &kept->side[k], &places[k], end);
  Ref node = pass_structured(w, n, 1, &cond, side, NULL);
  for (int j = 0; j < 2; j++)
    for (uint32_t k = 0; k < kept->side[j].n; k++)
      copy_set(&w->k, kept->side[j].at[k], ir_out(to, node, places[j].at[k]));
  return node;
}

static Ref visit(Rewrite *w, Ref old) {
  const Branches *b = w->self;
  if (b->read[old]) return copy_ref(&w->k, b->read[old]);
  const Kept *kept = &b->kept[old];
  return kept->side[0].n || kept->side[1].n ? copy_if(w, old, kept) : 0;
}

static uint32_t room_for_all(const Prog *p) {
  uint32_t room = 64;
  while (room < 2 * p->nnodes + 2 * p->regions.n) room *= 2;
  return room;
}

static bool any_choice(const Prog *p) {
  for (Ref r = 1; r < p->nnodes; r++)
    if (ir_node(p, r)->op == IR_IF) return true;
  return false;
}

Prog *opt_branches(Prog *p) {
  if (!any_choice(p)) return p;
  Ctx *c = p->ctx;
  uint32_t room = room_for_all(p);
  Branches b = {.p = p, .room = room, .facts = NEWN(c, uint32_t, p->regions.n),
                .same = NEWN(c, Ref, p->nnodes), .cost = NEWN(c, uint32_t, p->nnodes),
                .slot = NEWN(c, Ref, room), .fact = NEWN(c, Ref, room),
                .side = NEWN(c, uint8_t, room), .read = NEWN(c, Ref, p->nnodes),
                .kept = NEWN(c, Kept, p->nnodes), .busy = NEWN(c, bool, p->regions.n)};
  for (Ref r = 1; r < p->nnodes; r++) b.same[r] = r;
  look_at(&b, p->root);
  choose(&b);
  Prog *to = p;
  if (b.any) {
    Rewrite w = {.node = visit, .self = &b, .busy = b.busy};
    to = rewrite_program(&w, p);
    to = prog_replace(to, ir_trim_here(to));
  }
  return to;
}
