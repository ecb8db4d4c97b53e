/* region.c - regions and the nodes that own them: begin and end, structured
 * constructors, what a region mentions from outside, equality of structure. */
#include "ir/private.h"

#include <stdlib.h>

/* ---- begin, end ------------------------------------------------------------ */

/* Room in an empty list for as many as there will be. */
#define LIST_ROOM(p, list, count)                                                   \
  do {                                                                              \
    if ((count) && !(list)->cap) {                                                  \
      (list)->at = PROG_NEWN(p, Ref, count);                                        \
      (list)->cap = (count);                                                        \
    }                                                                               \
  } while (0)

/* Jumps double while their lengths agree, as in a skew-binary number: a way of n levels is a
 * logarithm of jumps. */
void region_place(Region *r, Region *parent) {
  const Region *j = parent->jump;
  bool longer = j && j->jump && parent->depth - j->depth == j->depth - j->jump->depth;
  r->parent = parent;
  r->depth = parent->depth + 1;
  r->jump = longer ? j->jump : parent;
}

void region_expect(Prog *p, Region *r, const Region *like) {
  LIST_ROOM(p, &r->params, like->params.n);
  LIST_ROOM(p, &r->nodes, like->nodes.n);
  LIST_ROOM(p, &r->results, like->results.n);
  LIST_ROOM(p, &r->extents, like->extents.n);
}

Region *ir_begin_like(Prog *p, const Region *like) {
  Region *r = ir_begin(p);
  region_expect(p, r, like);
  return r;
}

Region *ir_begin(Prog *p) {
  Ctx *c = p->ctx;
  Region *r = PROG_NEW(p, Region);
  r->id = p->regions.n;
  region_place(r, p->cur);
  if (c->limits.depth && r->depth > c->limits.depth)
    limit_reached(p, "levels of nesting", c->limits.depth);
  PROG_PUSH(p, &p->regions, r);
  p->cur = r;
  return r;
}

void hash_param(Node *n) {
  const Type *t = n->type;
  n->hash = hash_mix(hash_mix(IR_PARAM, n->ordinal), t->elem * 64u + t->rank * 2u + t->acc);
}

Ref ir_param(Prog *p, const Type *t) {
  Node n = node_draft(p, IR_PARAM, t, 0, NULL);
  n.aux.i = p->cur->params.n;
  n.ordinal = p->cur->params.n;
  hash_param(&n);
  Ref r = node_append(p, &n);
  PROG_PUSH(p, &p->cur->params, r);
  return r;
}

void ir_result(Prog *p, Ref r) {
  if (r == 0 || r >= p->nnodes || !ir_type(p, r)) internal_error(p->ctx, "a result is no value");
  if (!ir_in_scope(p, r, p->cur)) internal_error(p->ctx, "a result is out of scope");
  PROG_PUSH(p, &p->cur->results, r);
}

Region *ir_begin_loop(Prog *p, uint32_t n, const Ref *extent, Ref *index) {
  Region *r = ir_begin(p);
  ir_set_extents(p, n, extent);
  for (uint32_t k = 0; k < n; k++) index[k] = ir_param(p, type_scalar(p, ELEM_INT));
  return r;
}

static void set_extents(Prog *p, Region *r, uint32_t n, const Ref *extent) {
  r->extents.n = 0;
  for (uint32_t k = 0; k < n; k++) PROG_PUSH(p, &r->extents, extent[k]);
}

void ir_set_extents(Prog *p, uint32_t n, const Ref *extent) {
  set_extents(p, p->cur, n, extent);
}

void hash_region(const Prog *p, Region *r) {
  uint32_t h = hash_mix(r->params.n, r->nodes.n);
  for (uint32_t k = 0; k < r->nodes.n; k++) h = hash_mix(h, ir_node(p, r->nodes.at[k])->hash);
  for (uint32_t k = 0; k < r->results.n; k++)
    h = hash_mix(h, ir_node(p, r->results.at[k])->hash);
  r->hash = h;
}

void ir_end(Prog *p) {
  Region *r = p->cur;
  if (!r->parent) internal_error(p->ctx, "the root region ends");
  cons_close(p, r);
  hash_region(p, r);
  p->cur = r->parent;
}

void ir_more_result(Prog *p, Region *r, Ref x) {
  PROG_PUSH(p, &r->results, x);
  hash_region(p, r);
}

/* ---- what a region mentions from outside ----------------------------------- */

enum { FEW_FOUND = 48 };

/* Gathers the Refs mentioned that lie in none of the (one or two) regions. */
typedef struct Gather {
  const Prog *p;
  uint32_t region[2];
  Ref *at;               /* `few`, as long as they fit */
  uint32_t n, cap;
  Ref few[FEW_FOUND];
} Gather;

static void gather_open(Gather *g, const Prog *p, uint32_t nregions, Region *const *regions) {
  g->p = p;
  g->region[0] = regions[0]->id;
  g->region[1] = regions[nregions - 1]->id;
  g->at = g->few;
  g->n = 0;
  g->cap = FEW_FOUND;
}

static void more_room(Gather *g) {
  Ref *wide = NEWN(g->p->ctx, Ref, 2 * g->cap);
  memcpy(wide, g->at, sizeof *wide * g->cap);
  if (g->at != g->few) arena_release(g->p->ctx, g->at, sizeof *wide * g->cap);
  g->at = wide;
  g->cap *= 2;
}

static inline void found(Gather *g, Ref r) {
  uint32_t region = ir_node(g->p, r)->region;
  if (region == g->region[0] || region == g->region[1]) return;
  if (g->n && g->at[g->n - 1] == r) return;
  if (g->n == g->cap) more_room(g);
  g->at[g->n++] = r;
}

static void mention(void *self, Ref r) { found(self, r); }

static void mention_node(Gather *g, const Node *n) {
  for (uint32_t k = 0; k < n->nargs; k++) found(g, n->arg[k]);
  for (uint32_t k = 0; k < n->nfree; k++) found(g, n->free[k]);
  if (n->type && n->type->rank) type_atoms(n->type, mention, g);
  for (uint32_t k = 0; k < n->nresults; k++) type_atoms(n->result_type[k], mention, g);
}

static void mention_region(Gather *g, const Region *r) {
  for (uint32_t k = 0; k < r->params.n; k++) type_atoms(ir_type(g->p, r->params.at[k]), mention, g);
  for (uint32_t k = 0; k < r->nodes.n; k++) mention_node(g, ir_node(g->p, r->nodes.at[k]));
  for (uint32_t k = 0; k < r->results.n; k++) found(g, r->results.at[k]);
}

static int by_ref(const void *a, const void *b) {
  Ref x = *(const Ref *)a, y = *(const Ref *)b;
  return (x > y) - (x < y);
}

/* Few are put in order by hand: a call of qsort costs more than that. */
static void sort_refs(Ref *at, uint32_t n) {
  if (n > FEW_FOUND) qsort(at, n, sizeof *at, by_ref);
  for (uint32_t k = 1; k < n && n <= FEW_FOUND; k++) {
    Ref r = at[k];
    uint32_t j = k;
    for (; j && at[j - 1] > r; j--) at[j] = at[j - 1];
    at[j] = r;
  }
}

uint32_t refs_unique(Ref *at, uint32_t n) {
  uint32_t kept = 0;
  sort_refs(at, n);
  for (uint32_t k = 0; k < n; k++)
    if (kept == 0 || at[kept - 1] != at[k]) at[kept++] = at[k];
  return kept;
}

void region_free_list(Prog *p, uint32_t nregions, Region *const *regions, uint32_t *nfree,
                      Ref **free_refs) {
  Gather g;
  gather_open(&g, p, nregions, regions);
  for (uint32_t k = 0; k < nregions; k++) mention_region(&g, regions[k]);
  *nfree = refs_unique(g.at, g.n);
  *free_refs = *nfree ? PROG_NEWN(p, Ref, *nfree) : NULL;
  if (*nfree) memcpy(*free_refs, g.at, *nfree * sizeof(Ref));
  if (g.at != g.few) arena_release(p->ctx, g.at, sizeof(Ref) * g.cap);
}

/* ---- effects --------------------------------------------------------------- */

bool node_is_pure(const Prog *p, const Node *n) {
  if (n->op == IR_UPD || n->flags & NODE_IO) return false;
  for (uint32_t k = 0; k < n->nfree; k++)
    if (ir_type(p, n->free[k])->acc) return false;
  return true;
}

bool ir_has_effect(const Prog *p, Ref r) {
  return !node_is_pure(p, ir_node(p, r));
}

bool ir_is_structured(const Prog *p, Ref r) {
  return ir_node(p, r)->nregions > 0;
}

/* The flags that a structured node has from the nodes of its regions. */
static uint16_t inherited(const Prog *p, const Region *r) {
  uint16_t flags = 0;
  for (uint32_t k = 0; k < r->nodes.n; k++) flags |= ir_node(p, r->nodes.at[k])->flags;
  return flags & (NODE_IO | NODE_STAYS);
}

bool ir_in_scope(const Prog *p, Ref r, const Region *here) {
  return region_around(here, p->regions.at[ir_node(p, r)->region]);
}

bool ir_is_const(const Prog *p, Ref r, double *value) {
  const Node *n = ir_node(p, r);
  if (n->op != IR_CONST || n->type->elem == ELEM_BOOL) return false;
  *value = n->type->elem == ELEM_REAL ? n->aux.r : (double)n->aux.i;
  return true;
}

/* ---- structured constructors ----------------------------------------------- */

typedef struct Hidden { const Prog *p; const Region *cur; bool found; } Hidden;

static void check_visible(void *self, Ref atom) {
  Hidden *h = self;
  if (!ir_in_scope(h->p, atom, h->cur)) h->found = true;
}

/* A result may not have a size that only its region knows. */
static void check_escape(Prog *p, const Node *n) {
  Hidden h = {p, p->cur, false};
  for (uint32_t k = 0; k < n->nresults; k++) type_atoms(n->result_type[k], check_visible, &h);
  if (h.found) ill_typed(p, n, "the size of a result is not known outside");
}

static void check_regions(Prog *p, const Node *n) {
  for (uint32_t k = 0; k < n->nregions; k++) {
    const Region *r = n->regions[k];
    if (r->owner || r->parent != p->cur) ill_typed(p, n, "a region is of another place");
  }
}

static void set_regions(Prog *p, Node *n, uint32_t nregions, Region *const *regions) {
  n->nregions = nregions;
  n->regions = PROG_NEWN(p, Region *, nregions);
  memcpy(n->regions, regions, nregions * sizeof *regions);
}

void inherit(Prog *p, Node *n) {
  region_free_list(p, n->nregions, n->regions, &n->nfree, &n->free);
  for (uint32_t k = 0; k < n->nregions; k++) n->flags |= inherited(p, n->regions[k]);
}

static void own(const Node *n, Ref r) {
  for (uint32_t k = 0; k < n->nregions; k++) n->regions[k]->owner = r;
}

/* Completes a structured draft: results, what is free, effects; then as node_intern. */
static Ref make_structured(Prog *p, Node *n, uint32_t nregions, Region *const *regions) {
  const char *why;
  set_regions(p, n, nregions, regions);
  check_regions(p, n);
  if (!infer_results(p, n, &n->nresults, &n->result_type, &why)) ill_typed(p, n, why);
  check_escape(p, n);
  inherit(p, n);
  uint32_t before = p->nnodes;
  Ref r = node_intern(p, n);
  if (p->nnodes > before) own(n, r);
  return r;
}

Ref ir_if(Prog *p, Ref c, Region *a, Region *b) {
  Region *regions[] = {a, b};
  Node n = node_draft(p, IR_IF, NULL, 1, &c);
  return make_structured(p, &n, 2, regions);
}

LoopAttr *loop_attr(Prog *p, uint32_t nout, const Combiner *comb) {
  LoopAttr *a = zone_alloc(p->ctx, p->zone, sizeof *a + sizeof(Combiner) * room_for(nout));
  a->nout = nout;
  a->comb = (Combiner *)(a + 1);
  if (nout) memcpy(a->comb, comb, nout * sizeof *comb);
  return a;
}

Ref ir_loop(Prog *p, uint32_t n, const Ref *extent, Region *body, const Combiner *comb) {
  body = nest_invariants(p, &n, extent, body, comb);
  Node draft = node_draft(p, IR_LOOP, NULL, n, extent);
  draft.aux.loop = loop_attr(p, body->results.n, comb);
  set_extents(p, body, n, extent);
  lift_invariants(p, body);
  return make_structured(p, &draft, 1, &body);
}

/* An operand, then the initial values. */
static Ref *before_init(Prog *p, Ref first, uint32_t n, const Ref *init) {
  Ref *arg = NEWN(p->ctx, Ref, n + 1);
  arg[0] = first;
  if (n) memcpy(arg + 1, init, n * sizeof *init);
  return arg;
}

Ref ir_fold(Prog *p, Ref trips, uint32_t ncarry, const Ref *init, Region *body,
            const Combiner *comb) {
  Node n = node_draft(p, IR_FOLD, NULL, ncarry + 1, before_init(p, trips, ncarry, init));
  if (body->results.n < ncarry) ill_typed(p, &n, "the body gives too few values");
  n.aux.loop = loop_attr(p, body->results.n - ncarry, comb);
  set_extents(p, body, 1, &trips);
  lift_invariants(p, body);
  return make_structured(p, &n, 1, &body);
}

Ref ir_while(Prog *p, Ref most, uint32_t n, const Ref *init, Region *cond, Region *body) {
  Region *regions[] = {cond, body};
  Node draft = node_draft(p, IR_WHILE, NULL, n + 1, before_init(p, most, n, init));
  return make_structured(p, &draft, 2, regions);
}

Ref ir_accum(Prog *p, uint32_t n, const Ref *init, Region *body) {
  Node draft = node_draft(p, IR_ACCUM, NULL, n, init);
  return make_structured(p, &draft, 1, &body);
}

Ref ir_custom(Prog *p, uint32_t n, const Ref *arg, Region *primal, Region *rule, CustomAttr *a) {
  Region *regions[] = {primal, rule};
  Node draft = node_draft(p, IR_CUSTOM, NULL, n, arg);
  draft.aux.custom = a;
  return make_structured(p, &draft, 2, regions);
}

Ref ir_out(Prog *p, Ref structured, uint32_t k) {
  Node n = node_draft(p, IR_PROJ, NULL, 1, &structured);
  const char *why;
  n.aux.i = k;
  if (!infer_type(p, &n, &n.type, &why)) ill_typed(p, &n, why);
  Ref folded = fold_out(p, structured, k);
  if (folded) return folded;
  Region *here = p->cur;
  p->cur = p->regions.at[ir_node(p, structured)->region];
  Ref out = node_intern(p, &n);
  p->cur = here;
  return out;
}

/* ---- one more output ------------------------------------------------------- */

/* A list with room for one more: its room is room_for(n). */
static void *longer(Prog *p, const void *old, uint32_t n, size_t each) {
  if (n < room_for(n)) return (void *)(uintptr_t)old;
  void *more = zone_alloc(p->ctx, p->zone, room_for(n + 1) * each);
  if (n) memcpy(more, old, n * each);
  return more;
}

/* Adds to the free list what lies outside and is not there yet. */
static void add_free(Prog *p, Node *n, Ref value) {
  Gather g;
  gather_open(&g, p, n->nregions, n->regions);
  found(&g, value);
  uint32_t k = 0;
  while (k < n->nfree && n->free[k] < value) k++;
  if (!g.n || (k < n->nfree && n->free[k] == value)) return;
  Ref *more = PROG_NEWN(p, Ref, n->nfree + 1);
  if (k) memcpy(more, n->free, k * sizeof *more);
  more[k] = value;
  if (k < n->nfree) memcpy(more + k + 1, n->free + k, (n->nfree - k) * sizeof *more);
  n->free = more;
  n->nfree++;
}

/* The result that is this output already, or nresults. */
static uint32_t find_output(const Node *n, Ref value, Combiner comb) {
  const LoopAttr *a = n->aux.loop;
  uint32_t first = n->nresults - a->nout;
  for (uint32_t k = 0; k < a->nout; k++)
    if (a->comb[k] == comb && n->regions[0]->results.at[first + k] == value) return first + k;
  return n->nresults;
}

uint32_t ir_add_output(Prog *p, Ref structured, Ref value, Combiner comb) {
  Node *n = ir_node(p, structured);
  const Type *t;
  const char *why = "not a value of a loop";
  bool fold = n->op == IR_FOLD;
  if ((!fold && n->op != IR_LOOP) || !ir_in_scope(p, value, n->regions[0]) ||
      !infer_output(p, fold ? 1 : n->nargs, n->arg, ir_type(p, value), comb, &t, &why))
    ill_typed(p, n, why);
  uint32_t known = find_output(n, value, comb);
  if (known < n->nresults) return known;
  cons_forget(p, structured);
  LoopAttr *a = n->aux.loop;
  a->comb = longer(p, a->comb, a->nout, sizeof *a->comb);
  a->comb[a->nout++] = comb;
  n->result_type = longer(p, n->result_type, n->nresults, sizeof *n->result_type);
  n->result_type[n->nresults] = t;
  PROG_PUSH(p, &n->regions[0]->results, value);
  add_free(p, n, value);
  return n->nresults++;
}

/* ---- equality of structure ------------------------------------------------- */

/* Pairs of regions compared right now, the outermost first. */
typedef struct Pairs {
  Prog *p;
  const struct Pairs *outer;
  const Region *a, *b;
} Pairs;

/* The node of b's side that stands where r stands on a's; r itself from outside. */
static Ref partner(void *self, Ref r) {
  const Pairs *at = self;
  const Prog *p = at->p;
  const Node *n = ir_node(p, r);
  while (at && at->a->id != n->region) at = at->outer;
  if (!at) return r;
  return n->op == IR_PARAM ? at->b->params.at[n->ordinal] : at->b->nodes.at[n->ordinal];
}

static bool same_type(Pairs *at, const Type *a, const Type *b) {
  if (a == b) return true;
  if (!a || !b || a->elem != b->elem || a->acc != b->acc || a->rank != b->rank) return false;
  for (uint32_t k = 0; k < a->rank; k++)
    if (size_map(at->p, a->dim[k], partner, at) != b->dim[k]) return false;
  return true;
}

static bool same_regions(Prog *p, const Pairs *outer, const Region *a, const Region *b);

static bool same_node(Pairs *at, Ref ra, Ref rb) {
  const Node *a = ir_node(at->p, ra), *b = ir_node(at->p, rb);
  if (a->hash != b->hash || a->nresults != b->nresults || !same_type(at, a->type, b->type))
    return false;
  if (!ir_alike(a, b)) return false;
  for (uint32_t k = 0; k < a->nargs; k++)
    if (partner(at, a->arg[k]) != b->arg[k]) return false;
  for (uint32_t k = 0; k < a->nregions; k++)
    if (!same_regions(at->p, at, a->regions[k], b->regions[k])) return false;
  return true;
}

static bool same_regions(Prog *p, const Pairs *outer, const Region *a, const Region *b) {
  Pairs at = {p, outer, a, b};
  if (a == b) return true;
  if (a->params.n != b->params.n || a->nodes.n != b->nodes.n || a->results.n != b->results.n)
    return false;
  for (uint32_t k = 0; k < a->params.n; k++)
    if (!same_type(&at, ir_type(p, a->params.at[k]), ir_type(p, b->params.at[k]))) return false;
  for (uint32_t k = 0; k < a->nodes.n; k++)
    if (!same_node(&at, a->nodes.at[k], b->nodes.at[k])) return false;
  for (uint32_t k = 0; k < a->results.n; k++)
    if (partner(&at, a->results.at[k]) != b->results.at[k]) return false;
  return true;
}

bool region_same(Prog *p, const Region *a, const Region *b) {
  return a->hash == b->hash && same_regions(p, NULL, a, b);
}

void region_merge_flags(Prog *p, const Region *a, const Region *b) {
  for (uint32_t k = 0; k < a->nodes.n; k++) {
    Node *n = ir_node(p, a->nodes.at[k]);
    const Node *m = ir_node(p, b->nodes.at[k]);
    if (!(m->flags & NODE_DERIVATIVE)) n->flags &= (uint16_t)~NODE_DERIVATIVE;
    n->flags |= m->flags & NODE_CHECKED;
    for (uint32_t j = 0; j < n->nregions; j++)
      region_merge_flags(p, n->regions[j], m->regions[j]);
  }
}
