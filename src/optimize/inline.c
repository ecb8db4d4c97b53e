/* inline.c - a step of opt_fuse: an element of a loop's array is computed where it is read.
 *
 * Requires: reads that may fail are marked as checked; those stay.  A read of [e for i]
 * becomes a copy of e with the subscripts for the indices
 *   - always, if e only looks elsewhere (a transpose, a slice, a broadcast);
 *   - if it is the only use of the array, and reads each element once at most;
 *   - if e is a few cheap operations and all uses are reads; one operation at most where
 *     that is repeated, and not as a factor in a product of matrices, which is one of arrays.
 * An e that holds loops moves only to a single element, or where all elements are but put
 * into another order: fused with more, a matrix product is no longer seen as one.  No loop
 * inside e is ever run more often than before.  A loop that nothing needs any more is left
 * out.  Values are the same to the bit.  Linear: what is copied has a fixed size at most,
 * and chains of copies in copies have a fixed length. */
#include "optimize/passes.h"

enum { MAX_CONE = 64, MAX_WEIGHT = 200, MAX_CHAIN = 48, MAX_IF_CHAIN = 4, CHEAP = 4 };

/* One output of a LOOP. */
typedef struct Out {
  uint32_t reads, others;   /* uses as the array of a READ; all others */
  uint32_t inlined;         /* reads that become copies */
  bool measured, big;       /* too big to be copied */
  Refs cone;                /* the nodes of the body that it needs, increasing */
  uint32_t weight;          /* nodes in a copy */
  uint32_t ops, loads;      /* scalar operations but for index arithmetic; reads */
  bool costly, loops, ifs, checked;
} Out;

typedef struct Inline {
  Prog *p;
  Out **outs;               /* by Ref of a LOOP */
  uint32_t *inside;         /* nodes in the regions of a node */
  uint32_t *chain;          /* by Ref of a LOOP: copies within copies in its body */
  uint32_t *extra;          /* by Ref of a READ that becomes a copy: its weight */
  bool *chosen;             /* by Ref of a READ */
  bool *dead;               /* by Ref of a LOOP: all its uses are copies */
  bool any;                 /* is there anything to do? */
} Inline;

/* ---- uses ------------------------------------------------------------------------- */

static Out *output_of(const Inline *s, Ref r) {
  const Node *n = ir_node(s->p, r);
  if (n->op != IR_PROJ || !s->outs[n->arg[0]]) return NULL;
  return &s->outs[n->arg[0]][n->aux.i];
}

static void count_use(Inline *s, Ref r, bool read) {
  Out *o = r ? output_of(s, r) : NULL;
  if (!o) return;
  if (read) o->reads++;
  else o->others++;
}

static void count_uses(Inline *s) {
  const Prog *p = s->p;
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    if (n->op == IR_LOOP && !ir_has_effect(p, r))
      s->outs[r] = NEWN(p->ctx, Out, n->aux.loop->nout + 1);
  }
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    for (uint32_t k = 0; k < n->nargs; k++) count_use(s, n->arg[k], n->op == IR_READ && k == 0);
  }
  for (uint32_t k = 0; k < p->regions.n; k++)
    for (uint32_t j = 0; j < p->regions.at[k]->results.n; j++)
      count_use(s, p->regions.at[k]->results.at[j], false);
  for (uint32_t k = 0; k < p->sig.results.n; k++) count_use(s, p->sig.results.at[k].ref, false);
}

/* ---- what a copy costs ---------------------------------------------------------------- */

/* A read in the body that is a copy itself. */
static void weigh_copy(Out *o, const Out *inner) {
  o->ops += inner->ops;
  o->loads += inner->loads;
  o->costly |= inner->costly;
  o->loops |= inner->loops;
  o->ifs |= inner->ifs;
  o->checked |= inner->checked;
}

static void weigh(const Inline *s, Out *o, Ref r) {
  const Node *n = ir_node(s->p, r);
  o->weight += 1 + s->inside[r] + s->extra[r];
  switch (n->op) {
    case IR_CONST: case IR_PROJ: break;
    case IR_READ:
      if (n->flags & NODE_CHECKED) o->checked = true;
      if (s->chosen[r]) weigh_copy(o, output_of(s, n->arg[0]));
      else o->loads++;
      break;
    case IR_PRIM:
      if (n->type->elem == ELEM_INT && pass_cheap(s->p, n)) break;
      o->ops++;
      if (!pass_cheap(s->p, n)) o->costly = true;
      break;
    case IR_TOREAL: case IR_FILL: o->ops++; break;
    case IR_IF: o->ifs = o->costly = true; break;
    case IR_LOOP: case IR_FOLD: case IR_WHILE: case IR_ACCUM: o->loops = o->costly = true; break;
    case IR_WITH: case IR_STACK: case IR_DATA: case IR_RESHAPE: o->costly = true; break;
    default: o->ops++; o->costly = true;
  }
}

static void measure(Inline *s, const Node *loop, uint32_t k, Out *o) {
  const Region *body = loop->regions[0];
  Refs todo = {0};
  o->measured = true;
  VEC_PUSH(s->p->ctx, &todo, body->results.at[k]);
  while (todo.n) {
    Ref r = todo.at[--todo.n];
    const Node *n = ir_node(s->p, r);
    if (n->region != body->id || n->op == IR_PARAM || refs_have(&o->cone, r)) continue;
    if (o->cone.n == MAX_CONE) o->big = true;
    if (o->big) return;
    refs_insert(s->p->ctx, &o->cone, r);
    weigh(s, o, r);
    for (uint32_t j = 0; j < n->nargs; j++) VEC_PUSH(s->p->ctx, &todo, n->arg[j]);
    for (uint32_t j = 0; j < n->nfree && j <= MAX_CONE; j++) VEC_PUSH(s->p->ctx, &todo, n->free[j]);
    if (n->nfree > MAX_CONE || o->weight > MAX_WEIGHT) o->big = true;
    for (uint32_t j = 0; j < n->nregions && !o->big; j++)
      if (pass_checks(s->p, n->regions[j])) o->checked = true;
  }
}

/* ---- how often a read runs --------------------------------------------------------------- */

/* The loops between a read and the array's place. */
typedef struct Path {
  const Node *owner[MAX_CHAIN];
  uint32_t n;
  uint32_t indices;     /* of all LOOPs on it */
  bool known;           /* not too long */
  bool straight;        /* nothing repeats */
  bool sequential;      /* in a FOLD or WHILE */
} Path;

static Path find_path(const Prog *p, const Node *read, const Node *loop) {
  Path path = {.known = true, .straight = true};
  const Region *r = p->regions.at[read->region];
  for (; r->id != loop->region; r = r->parent) {
    const Node *owner = ir_node(p, r->owner);
    if (path.n == MAX_CHAIN) {
      path.known = false;
      break;
    }
    path.owner[path.n++] = owner;
    if (owner->op == IR_FOLD || owner->op == IR_WHILE) path.sequential = true;
    if (owner->op == IR_LOOP) path.indices += owner->nargs;
    if (owner->op != IR_IF && owner->op != IR_ACCUM) path.straight = false;
  }
  return path;
}

static bool on_path(const Prog *p, const Path *path, Ref r) {
  const Node *n = ir_node(p, r);
  for (uint32_t k = 0; k < path->n; k++)
    if (n->op == IR_PARAM && path->owner[k]->op == IR_LOOP &&
        path->owner[k]->regions[0]->id == n->region)
      return true;
  return false;
}

/* The one index of the path that this subscript is linear in, all else fixed; or 0. */
static Ref single_index(Prog *p, const Path *path, const Region *outside, Ref subscript) {
  Size s = size_atom(p, subscript);
  Ref index = 0;
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    for (uint32_t a = 0; a < m->n; a++) {
      if (ir_in_scope(p, m->atom[a], outside)) continue;
      if (index || m->n != 1 || m->exp[0] != 1 || !on_path(p, path, m->atom[a])) return 0;
      index = m->atom[a];
    }
  }
  return index;
}

/* Different trips read different elements. */
static bool reads_once(Prog *p, const Path *path, const Node *read, const Node *loop) {
  const Region *outside = p->regions.at[loop->region];
  Ref index[MAX_RANK];
  uint32_t n = 0;
  if (path->straight) return true;
  if (path->sequential || !path->known) return false;
  for (uint32_t k = 0; k < loop->nargs; k++) {
    Ref i = single_index(p, path, outside, read->arg[k + 1]);
    for (uint32_t j = 0; j < n && i; j++)
      if (index[j] == i) i = 0;
    if (i) index[n++] = i;
  }
  return n == path->indices;
}

/* Every element is read: the loop that reads runs over exactly the same indices. */
static bool reads_all(Prog *p, const Path *path, const Node *read, const Node *loop) {
  if (path->n != 1 || path->owner[0]->op != IR_LOOP) return false;
  const Node *reader = path->owner[0];
  if (reader->nargs != loop->nargs) return false;
  for (uint32_t k = 0; k < loop->nargs; k++) {
    const Node *index = ir_node(p, read->arg[k + 1]);
    if (!on_path(p, path, read->arg[k + 1])) return false;
    if (size_atom(p, reader->arg[index->aux.i]) != size_atom(p, loop->arg[k])) return false;
  }
  return reads_once(p, path, read, loop);
}

/* The loop that reads does nothing else: it puts the elements into another order. */
static bool only_reads(const Path *path) {
  return path->n == 1 && path->owner[0]->op == IR_LOOP &&
         path->owner[0]->regions[0]->nodes.n == 1 && path->owner[0]->aux.loop->nout == 1;
}

/* A factor of sum(a*b for k), where b is read, too? */
static bool is_factor(const Prog *p, Ref read) {
  const Region *body = p->regions.at[ir_node(p, read)->region];
  const Node *loop = body->owner ? ir_node(p, body->owner) : NULL;
  if (!loop || loop->op != IR_LOOP) return false;
  for (uint32_t k = 0; k < loop->aux.loop->nout; k++) {
    const Node *times = ir_node(p, body->results.at[k]);
    if (loop->aux.loop->comb[k] != SUM || times->op != IR_PRIM || times->aux.i != P_MUL) continue;
    const Ref *a = times->arg, other = a[0] == read ? a[1] : a[1] == read ? a[0] : 0;
    if (other && ir_node(p, other)->op == IR_READ) return true;
  }
  return false;
}

/* More elements by a whole axis, which may be long, than there are trips of the reader. */
static bool reads_few(Prog *p, const Path *path, const Node *loop) {
  Size trips = size_const(p, 1), elements = trips;
  for (uint32_t k = 0; k < path->n; k++)
    for (uint32_t j = 0; path->owner[k]->op == IR_LOOP && j < path->owner[k]->nargs; j++)
      trips = size_mul(p, trips, size_atom(p, path->owner[k]->arg[j]));
  for (uint32_t k = 0; k < loop->nargs; k++)
    elements = size_mul(p, elements, size_atom(p, loop->arg[k]));
  if (path->sequential || !path->known || trips->n != 1 || elements->n != 1) return false;
  const Mono *a = &trips->mono[0], *b = &elements->mono[0];
  if (a->n >= b->n || a->den != 1 || b->den != 1 || a->num > b->num) return false;
  for (uint32_t k = 0, j = 0; k < a->n; k++, j++) {
    while (j < b->n && b->atom[j] != a->atom[k]) j++;
    if (j == b->n || a->exp[k] > b->exp[j]) return false;
  }
  return true;
}

/* ---- choosing ------------------------------------------------------------------------------ */

static bool is_view(const Out *o) {
  return !o->ops && !o->costly && !o->checked && o->loads <= 1;
}

static bool worth_copying(Inline *s, Ref r, Ref at, const Node *loop, const Out *o) {
  const Node *read = ir_node(s->p, r);
  Path path = find_path(s->p, read, loop);
  bool once = o->reads == 1 && o->others == 0 && loop->aux.loop->nout == 1;
  if (!path.known || s->chain[at] >= MAX_CHAIN) return false;
  if (is_view(o)) return true;
  if (o->checked) return once && !o->loops && reads_all(s->p, &path, read, loop);
  if (o->loops)
    return once && (path.straight || reads_few(s->p, &path, loop) ||
                    (only_reads(&path) && reads_all(s->p, &path, read, loop)));
  if (o->ifs && s->chain[at] >= MAX_IF_CHAIN) return false;
  bool repeats = !reads_once(s->p, &path, read, loop);
  if (once && !repeats) return true;
  if (o->costly || o->others || o->ops + o->loads > CHEAP) return false;
  return !repeats || (o->ops <= 1 && o->loads <= 1 && !is_factor(s->p, r));
}

/* A copy in the body of a loop makes the chain through it longer. */
static void note_chain(Inline *s, Ref read, Ref loop) {
  const Region *stop = s->p->regions.at[ir_node(s->p, loop)->region];
  const Region *r = s->p->regions.at[ir_node(s->p, read)->region];
  for (; r != stop; r = r->parent)
    if (s->chain[r->owner] <= s->chain[loop]) s->chain[r->owner] = s->chain[loop] + 1;
}

static void choose(Inline *s, Ref r) {
  const Node *n = ir_node(s->p, r);
  Out *o = output_of(s, n->arg[0]);
  if (!o || n->flags & NODE_CHECKED) return;
  const Node *proj = ir_node(s->p, n->arg[0]);
  const Node *loop = ir_node(s->p, proj->arg[0]);
  uint32_t k = (uint32_t)proj->aux.i;
  if (loop->aux.loop->comb[k] != BUILD || n->nargs <= loop->nargs) return;
  if (!o->measured) measure(s, loop, k, o);
  bool row = n->nargs > loop->nargs + 1;
  if (row && ir_node(s->p, loop->regions[0]->results.at[k])->op == IR_PROJ) return;
  if (o->big || !worth_copying(s, r, proj->arg[0], loop, o)) return;
  s->chosen[r] = s->any = true;
  s->extra[r] = o->weight;
  o->inlined++;
  note_chain(s, r, proj->arg[0]);
}

static void find_dead(Inline *s) {
  for (Ref r = 1; r < s->p->nnodes; r++) {
    if (!s->outs[r]) continue;
    s->dead[r] = true;
    for (uint32_t k = 0; k < ir_node(s->p, r)->aux.loop->nout; k++) {
      const Out *o = &s->outs[r][k];
      if (o->others || o->inlined < o->reads) s->dead[r] = false;
    }
  }
}

/* ---- rewriting ------------------------------------------------------------------------------- */

static Ref copy_element(Rewrite *w, const Node *read) {
  Inline *s = w->self;
  Prog *to = w->k.to;
  const Node *proj = ir_node(s->p, read->arg[0]);
  const Node *loop = ir_node(s->p, proj->arg[0]);
  const Out *o = &s->outs[proj->arg[0]][proj->aux.i];
  Ref index[MAX_RANK];
  uint32_t n = read->nargs - 1;
  for (uint32_t k = 0; k < n; k++) index[k] = copy_ref(&w->k, read->arg[k + 1]);
  for (uint32_t k = 0; k < loop->nargs; k++)
    copy_set(&w->k, loop->regions[0]->params.at[k], index[k]);
  Region cone = {.nodes = {o->cone.at, o->cone.n, o->cone.cap}};
  rewrite_nodes(w, &cone);
  pass_as(w, read);
  Ref e = copy_ref(&w->k, loop->regions[0]->results.at[proj->aux.i]);
  return n > loop->nargs ? ir_read(to, e, n - loop->nargs, index + loop->nargs, false) : e;
}

static Ref visit(Rewrite *w, Ref old) {
  Inline *s = w->self;
  const Node *n = ir_node(s->p, old);
  if (n->op == IR_READ && s->chosen[old]) return copy_element(w, n);
  if (s->dead[old] || (n->op == IR_PROJ && s->dead[n->arg[0]])) return REWRITE_GONE;
  return 0;
}

static void release(Inline *s) {
  Ctx *c = s->p->ctx;
  uint32_t n = s->p->nnodes;
  arena_release(c, s->outs, sizeof *s->outs * n);
  arena_release(c, s->inside, sizeof *s->inside * n);
  arena_release(c, s->chain, sizeof *s->chain * n);
  arena_release(c, s->extra, sizeof *s->extra * n);
  arena_release(c, s->chosen, sizeof *s->chosen * n);
  arena_release(c, s->dead, sizeof *s->dead * n);
}

static Prog *rewritten(Inline *s) {
  find_dead(s);
  bool *busy = NEWN(s->p->ctx, bool, s->p->regions.n);
  for (Ref r = 1; r < s->p->nnodes; r++)
    if (s->chosen[r] || s->dead[r]) rewrite_busy(busy, s->p, r);
  Rewrite w = {.node = visit, .self = s, .busy = busy};
  return rewrite_program(&w, s->p);
}

Prog *fuse_inline(Prog *p) {
  if (p->regions.n == 1) return p;   /* no loop */
  Inline s = {.p = p};
  s.outs = NEWN(p->ctx, Out *, p->nnodes);
  s.inside = pass_inside(p);
  s.chain = NEWN(p->ctx, uint32_t, p->nnodes);
  s.extra = NEWN(p->ctx, uint32_t, p->nnodes);
  s.chosen = NEWN(p->ctx, bool, p->nnodes);
  s.dead = NEWN(p->ctx, bool, p->nnodes);
  count_uses(&s);
  for (Ref r = 1; r < p->nnodes; r++)
    if (ir_node(p, r)->op == IR_READ) choose(&s, r);
  Prog *to = s.any ? rewritten(&s) : p;
  release(&s);
  return to;
}
