/* addresses.c - for libtcc, which computes every subscript as it stands: what a subscript asks
 * anew in each round is computed where it changes.
 *
 *   for (i…) for (j…) … a[(i*n + j)*d + 2] …          becomes
 *   for (i…) { double *row = a + i*n*d; for (j…) { double *at = row + j*d; … at[2] … } }
 *
 * An address is a sum of terms: a subscript's atoms (what is no sum, difference or product of
 * ints) times how far its axis moves.  A term belongs to the innermost loop in which one of its
 * atoms changes.  Those of outer loops are added up in pointers, one in front of each loop inside,
 * which accesses to the same rows share; those of the loop that the access stands in are written
 * there, or added up first in a round where several accesses differ by numbers alone.  How far an
 * axis moves is a number, a name, or computed in front of all loops.
 *
 * The plan changes nothing else: what is inlined, in lanes or a call is decided as for the other
 * compilers, whose bits are to be the same.  Ints that subscripts alone were made of get no text.
 * Where a pointer is not at hand, in a C function that was moved out, all terms are written. */
#include "emit/private.h"

#include <inttypes.h>

enum {
  MAX_TERMS = 12,        /* of an address; one with more stays as it is, */
  MAX_DEPTH = 6,         /* and so does one that is nested deeper, */
  MAX_LEVELS = 16,       /* or in more loops */
  MAX_SEARCH = 32,       /* pointers of a loop that may be the same */
  ATOMS = 2              /* a term's */
};

/* times * atom * atom * stride, of a loop's level; an atom may be 0. */
typedef struct Term {
  int64_t times;
  Ref atom[ATOMS];
  Size stride;
  uint32_t level;
} Term;

typedef struct Terms { Term at[MAX_TERMS]; uint32_t n; } Terms;

/* Where an array's rows begin for all rounds of an axis of a loop inside; or a stride. */
typedef struct Pointer {
  Ref array;                  /* one that is read or added into, a result of a loop, or 0 */
  Size stride;
  uint32_t base;              /* the pointer that it goes on from, or 0 */
  const Term *term;
  uint32_t nterms;
  uint32_t axis;              /* in front of which it is made */
  uint32_t before, next;      /* in the list of its loop or region */
  bool written, wanted;
  uint32_t users;             /* of a region's */
  const char *cname;          /* while it is there; of the C function */
  uint32_t home;
} Pointer;

/* What stands in place of an element's or row's address: a pointer, and terms. */
typedef struct Access {
  uint32_t pointer;
  const Term *term;
  uint32_t nterms;
  bool gains;                 /* without a pointer in its round, too */
} Access;

/* The axes around a node, by level from 1. */
typedef struct Path { Ref loop[MAX_LEVELS + 1]; uint32_t axis[MAX_LEVELS + 1], n; } Path;

struct Addresses {
  VEC(Pointer) pointers;      /* from 1 */
  VEC(Access) accesses;       /* from 1 */
  uint32_t *access;           /* by node: an element, a row, or what is built */
  uint32_t *first, *last;     /* the pointers of each loop, by node; and of regions, behind */
  uint32_t *level;            /* by region: axes around it, plus 1 */
  bool *mute;                 /* by node: asked by subscripts alone */
};

/* ---- levels ---------------------------------------------------------------------- */

static uint32_t axes_of(const Node *n) {
  return n->op == IR_LOOP ? n->nargs : n->op == IR_FOLD || n->op == IR_WHILE;
}

static uint32_t level_of(const Emit *e, const Region *r) {
  uint32_t *known = &e->addresses->level[r->id];
  if (!*known)
    *known = r->owner ? level_of(e, region_of(e, r->owner)) + axes_of(node(e, r->owner)) + 1 : 1;
  return *known - 1;
}

/* The innermost level in which an int changes. */
static uint32_t level_of_int(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Region *in = region_of(e, r);
  uint32_t level = level_of(e, in);
  if (n->op == IR_CONST) return 0;
  if (n->op != IR_PARAM || !in->owner || node(e, in->owner)->op != IR_LOOP) return level;
  for (uint32_t a = 0; a < in->params.n; a++)
    if (in->params.at[a] == r) return level - (node(e, in->owner)->nargs - 1 - a);
  return level;
}

static uint32_t level_of_size(const Emit *e, Size s) {
  uint32_t level = 0;
  for (uint32_t m = 0; m < s->n; m++)
    for (uint32_t k = 0; k < s->mono[m].n; k++) {
      uint32_t l = level_of_int(e, s->mono[m].atom[k]);
      if (l > level) level = l;
    }
  return level;
}

static bool find_path(const Emit *e, const Region *r, Path *p) {
  uint32_t level = p->n = level_of(e, r);
  if (level > MAX_LEVELS) return false;
  for (; r->owner; r = region_of(e, r->owner))
    for (uint32_t a = axes_of(node(e, r->owner)); a--; level--) {
      p->loop[level] = r->owner;
      p->axis[level] = a;
    }
  return true;
}

/* ---- terms ----------------------------------------------------------------------- */

static bool is_int_prim(const Node *n) {
  if (n->op != IR_PRIM || n->type->elem != ELEM_INT) return false;
  return n->aux.i == P_ADD || n->aux.i == P_SUB || n->aux.i == P_MUL || n->aux.i == P_NEG;
}

static bool same_factors(const Term *a, const Term *b) {
  return a->atom[0] == b->atom[0] && a->atom[1] == b->atom[1] && a->stride == b->stride;
}

static int64_t wrap_mul(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }
static int64_t wrap_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }

static bool add_term(Terms *t, Term x) {
  for (uint32_t k = 0; k < t->n; k++)
    if (same_factors(&t->at[k], &x)) {
      t->at[k].times = wrap_add(t->at[k].times, x.times);
      return true;
    }
  if (t->n == MAX_TERMS) return false;
  t->at[t->n++] = x;
  return true;
}

static bool multiply(const Terms *a, const Terms *b, Terms *to) {
  for (uint32_t j = 0; j < a->n; j++)
    for (uint32_t k = 0; k < b->n; k++) {
      Term x = a->at[j];
      const Term *y = &b->at[k];
      x.times = wrap_mul(x.times, y->times);
      for (int i = 0; i < ATOMS && y->atom[i]; i++) {
        if (x.atom[1]) return false;
        x.atom[x.atom[0] != 0] = y->atom[i];
      }
      if (!add_term(to, x)) return false;
    }
  return true;
}

/* What is an atom of sizes has a name there. */
static bool is_size_atom(const Emit *e, Ref r) {
  Size s = size_atom(e->p, r);
  return s->n == 1 && s->mono[0].n == 1 && s->mono[0].atom[0] == r;
}

/* Adds times*r; a product that is no sum of few terms is an atom. */
static bool add_int(const Emit *e, Terms *to, Ref r, int64_t times, unsigned depth) {
  const Node *n = node(e, r);
  if (n->op == IR_CONST) return add_term(to, (Term){.times = wrap_mul(times, n->aux.i)});
  if (depth > 0 && is_int_prim(n) && !is_size_atom(e, r)) {
    Terms a = {.n = 0}, b = {.n = 0};
    switch (n->aux.i) {
      case P_NEG: return add_int(e, to, n->arg[0], wrap_mul(times, -1), depth - 1);
      case P_ADD: case P_SUB:
        return add_int(e, to, n->arg[0], times, depth - 1) &&
               add_int(e, to, n->arg[1], n->aux.i == P_ADD ? times : wrap_mul(times, -1), depth - 1);
      default: {
        Terms all = {.n = 0};
        bool few = add_int(e, &a, n->arg[0], times, depth - 1) &&
                   add_int(e, &b, n->arg[1], 1, depth - 1) && multiply(&a, &b, &all);
        for (uint32_t k = 0; few && k < all.n; k++)
          if (!add_term(to, all.at[k])) return false;
        if (few) return true;
      }
    }
  }
  return add_term(to, (Term){.times = times, .atom = {r}});
}

/* Is the value of the atom the same wherever the loop that it changes in may ask for it?  What
 * pieces of a region hand on is not; the state of a fold changes at the end of a round. */
static bool holds(const Emit *e, const Term *x, uint32_t level) {
  for (int k = 0; k < ATOMS && x->atom[k]; k++) {
    const Node *n = node(e, x->atom[k]);
    const Region *r = region_of(e, x->atom[k]);
    if (e->cut[r->id]) return false;
    if (n->op != IR_PARAM || !r->owner || x->level != level) continue;
    uint16_t op = node(e, r->owner)->op;
    if (op == IR_WHILE || (op == IR_FOLD && x->atom[k] != r->params.at[0])) return false;
  }
  return true;
}

/* Those of a subscript, times its stride; literal strides are part of the numbers. */
static bool add_subscript(const Emit *e, Terms *to, Ref index, Size stride, uint32_t level) {
  Terms t = {.n = 0};
  int64_t literal = 1;
  if (size_is_const(stride, &literal)) stride = NULL;
  else literal = 1;
  if (!add_int(e, &t, index, literal, MAX_DEPTH)) return false;
  for (uint32_t k = 0; k < t.n; k++) {
    Term x = t.at[k];
    x.stride = stride;
    x.level = stride ? level_of_size(e, stride) : x.atom[0] ? 0 : level;
    for (int j = 0; j < ATOMS && x.atom[j]; j++) {
      uint32_t l = level_of_int(e, x.atom[j]);
      if (l > x.level) x.level = l;
    }
    if (!holds(e, &x, level) || !add_term(to, x)) return false;
  }
  return true;
}

static bool is_number(const Term *x) { return !x->atom[0] && !x->stride; }

static bool comes_behind(const Term *a, const Term *b) {
  return a->level != b->level ? a->level > b->level : is_number(a);
}

/* Terms that cancelled go; outer ones come first, a number last; none is of an array that is not
 * there yet. */
static void order_terms(Terms *t, uint32_t array_level) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < t->n; k++) {
    Term x = t->at[k];
    if (!x.times) continue;
    if (x.level < array_level) x.level = array_level;
    uint32_t j = n++;
    for (; j > 0 && comes_behind(&t->at[j - 1], &x); j--) t->at[j] = t->at[j - 1];
    t->at[j] = x;
  }
  t->n = n;
}

/* ---- what an address costs: names and numbers loaded, operations --------------------------- */

static unsigned cost_of_size(Size s) {
  unsigned cost = s->n > 1 ? s->n - 1 : 0;
  for (uint32_t m = 0; m < s->n; m++)
    for (uint32_t k = 0; k < s->mono[m].n; k++) cost += 2 * s->mono[m].exp[k] - (k == 0);
  return cost;
}

/* One that is written in its place; one that has a name, which may go. */
static unsigned cost_of_int(const Emit *e, Ref r) {
  const Info *x = info(e, r);
  return x->inlined ? 2u * x->size + 1 : 1u + is_int_prim(node(e, r));
}

/* As the subscripts stand. */
static unsigned cost_before(const Emit *e, const Type *t, const Ref *index, uint32_t n) {
  unsigned cost = 0;
  for (uint32_t k = 0; k < n; k++) {
    cost += node(e, index[k])->op == IR_CONST ? k > 0 : cost_of_int(e, index[k]);
    if (k) cost += 2 + cost_of_size(t->dim[k]);
  }
  return cost;
}

static unsigned cost_after(const Terms *t, uint32_t from) {
  unsigned cost = 0;
  for (uint32_t k = from; k < t->n; k++) {
    const Term *x = &t->at[k];
    unsigned factors = (x->times != 1) + (x->stride != NULL);
    for (int j = 0; j < ATOMS && x->atom[j]; j++) factors++;
    cost += 2 * (factors ? factors : 1) - (k == from);
  }
  return cost;
}

/* ---- the plan -------------------------------------------------------------------- */

static bool same_terms(const Pointer *p, const Term *term, uint32_t n) {
  if (p->nterms != n) return false;
  for (uint32_t k = 0; k < n; k++)
    if (!same_factors(&p->term[k], &term[k]) || p->term[k].times != term[k].times) return false;
  return true;
}

static bool same_pointer(const Pointer *a, const Pointer *b) {
  return a->array == b->array && a->stride == b->stride && a->base == b->base &&
         a->axis == b->axis && a->written == b->written && same_terms(a, b->term, b->nterms);
}

static uint32_t add_pointer(Emit *e, uint32_t place, Pointer p) {
  Addresses *x = e->addresses;
  uint32_t k = x->last[place];
  for (int tries = 0; k && tries < MAX_SEARCH; tries++, k = x->pointers.at[k].before)
    if (same_pointer(&x->pointers.at[k], &p)) return k;
  p.before = x->last[place];
  VEC_PUSH(e->c, &x->pointers, p);
  k = x->pointers.n - 1;
  if (x->first[place]) x->pointers.at[x->last[place]].next = k;
  else x->first[place] = k;
  return x->last[place] = k;
}

/* A stride that is more than a name, in front of the outermost loop. */
static void add_stride(Emit *e, const Path *path, const Term *x) {
  if (!x->stride || x->level == 0 || cost_of_size(x->stride) < 2 || level_of_size(e, x->stride))
    return;
  add_pointer(e, path->loop[1], (Pointer){.stride = x->stride, .axis = path->axis[1], .wanted = true});
}

/* An address in the making: of what is at r, in an array of so many levels. */
typedef struct Making {
  Ref r, array;
  uint32_t array_level;
  bool written;
  const Region *in;
  Path path;
  Terms terms;
} Making;

/* The terms of outer loops, from the outermost on; gives the last pointer. */
static uint32_t add_outer(Emit *e, const Making *m, const Term *term, uint32_t *from) {
  const Path *path = &m->path;
  uint32_t pointer = 0, n = m->terms.n;
  for (uint32_t to = 0; *from < n && term[*from].level < path->n; *from = to) {
    uint32_t level = term[*from].level;
    for (to = *from; to < n && term[to].level == level;) to++;
    pointer = add_pointer(e, path->loop[level + 1],
                          (Pointer){.array = m->array, .base = pointer, .term = term + *from,
                                    .nterms = to - *from, .axis = path->axis[level + 1],
                                    .written = m->written, .wanted = true});
  }
  return pointer;
}

/* Is it there as the region begins? */
static bool known_at_start(const Emit *e, Ref r, const Region *in) {
  return node(e, r)->region != in->id || node(e, r)->op == IR_PARAM;
}

/* Those of the loop itself but the number behind them, as a pointer for all accesses in the region
 * that share them, or 0. */
static uint32_t add_inner(Emit *e, const Making *m, uint32_t pointer, const Term *term,
                          uint32_t n) {
  Terms t = {.n = n};
  if (n == 0 || e->cut[m->in->id] || !known_at_start(e, m->array, m->in)) return 0;
  for (uint32_t k = 0; k < n; k++) {
    t.at[k] = term[k];
    for (int j = 0; j < ATOMS && term[k].atom[j]; j++)
      if (!known_at_start(e, term[k].atom[j], m->in)) return 0;
  }
  uint32_t own = add_pointer(e, e->ninfo + m->in->id,
                             (Pointer){.array = m->array, .base = pointer, .term = term,
                                       .nterms = n, .written = m->written});
  Pointer *p = &e->addresses->pointers.at[own];
  unsigned cost = cost_after(&t, 0);
  p->users++;
  p->wanted = p->users * (cost + 1) > cost + 4;
  return own;
}

static void take_address(Emit *e, const Making *m, bool gains) {
  Addresses *x = e->addresses;
  uint32_t n = m->terms.n, from = 0;
  Term *term = NEWN(e->c, Term, n + 1);
  for (uint32_t k = 0; k < n; k++) {
    term[k] = m->terms.at[k];
    add_stride(e, &m->path, &term[k]);
  }
  uint32_t pointer = gains ? add_outer(e, m, term, &from) : 0;
  uint32_t inner = n - from - (n > from && is_number(&term[n - 1]));
  uint32_t own = add_inner(e, m, pointer, term + from, inner);
  Access a = {.pointer = own ? own : pointer, .gains = gains};
  if (own) from += inner;
  a.term = term + from;
  a.nterms = n - from;
  if (!own && !gains) return;
  VEC_PUSH(e->c, &x->accesses, a);
  x->access[m->r] = x->accesses.n - 1;
}

static void plan_address(Emit *e, Making *m, const Type *type, const Ref *index, uint32_t n) {
  if (n == 0 || level_of(e, m->in) == 0 || !find_path(e, m->in, &m->path)) return;
  for (uint32_t k = 0; k < n; k++)
    if (!add_subscript(e, &m->terms, index[k], row_size(e, type, k + 1), m->path.n)) return;
  order_terms(&m->terms, m->array_level);
  uint32_t from = 0;
  while (from < m->terms.n && m->terms.at[from].level < m->path.n) from++;
  take_address(e, m, cost_after(&m->terms, from) < cost_before(e, type, index, n));
}

static void plan_results(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  for (uint32_t k = 0; k < n->nresults; k++) {
    const Type *t = n->result_type[k];
    if (n->aux.loop->comb[k] != BUILD || !array_out(e, r, k) || t->rank != n->nargs) continue;
    Ref proj = needed_proj(e, r, k);
    Making m = {.r = proj, .array = proj, .array_level = level_of(e, region_of(e, r)),
                .written = true, .in = body};
    plan_address(e, &m, t, body->params.at, n->nargs);
  }
}

/* Does the fold change the array in its place? */
static bool stays_in_place(const Emit *e, Ref fold, uint32_t buffer) {
  const Node *n = node(e, fold);
  for (uint32_t k = 0; n->op == IR_FOLD && k + 1 < n->nargs; k++) {
    const Out *o = &info(e, fold)->out[k];
    if (o->buffer == buffer && is_array(node(e, n->arg[k + 1]))) return !o->next && !o->track;
  }
  return false;
}

/* The level in which the array that r replaces an element of has its place. */
static uint32_t level_of_place(const Emit *e, Ref r) {
  const Region *in = region_of(e, r);
  while (in->owner && !axes_of(node(e, in->owner))) in = region_of(e, in->owner);
  bool stays = in->owner && stays_in_place(e, in->owner, info(e, r)->buffer);
  return level_of(e, stays ? region_of(e, in->owner) : in);
}

/* The array of the address at r: what is built or changed is not there before. */
static Ref array_of(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  return n->op == IR_PROJ || n->op == IR_WITH ? r : n->arg[0];
}

/* Rows that libtcc's code has side by side, too, have their subscripts in lanes. */
static bool is_in_rows(const Emit *e, Ref r) {
  for (Ref o = r; o; o = region_of(e, o)->owner)
    if (node(e, o)->op == IR_LOOP && has_rows(e, o)) return true;
  return false;
}

static void plan_node(Emit *e, Ref r) {
  const Node *n = node(e, r);
  uint32_t skip = first_subscript(n);
  if (n->op == IR_LOOP) plan_results(e, r);
  if (n->op != IR_READ && n->op != IR_UPD && n->op != IR_WITH) return;
  if (n->op != IR_READ && is_array(node(e, n->arg[1]))) return;
  if (n->op == IR_READ && is_array(n) && (info(e, r)->buffer || e->cut[n->region])) return;
  Ref array = array_of(e, r);
  Making m = {.r = r, .array = array, .written = n->op != IR_READ, .in = region_of(e, r)};
  m.array_level = array == r ? level_of_place(e, r) : level_of(e, region_of(e, array));
  plan_address(e, &m, node(e, array)->type, n->arg + skip, n->nargs - skip);
}

/* What gains neither by outer pointers nor by one that it shares in its round stays as it is. */
static void drop_lone(Emit *e) {
  Addresses *x = e->addresses;
  for (Ref r = 1; r < e->ninfo; r++) {
    const Access *a = &x->accesses.at[x->access[r]];
    if (x->access[r] && !a->gains && !x->pointers.at[a->pointer].wanted) x->access[r] = 0;
  }
}

/* ---- what nobody asks any more ------------------------------------------------------ */

static void speak(Emit *e, Ref r) { e->addresses->mute[r] = false; }

static void speak_terms(Emit *e, const Term *term, uint32_t n) {
  for (uint32_t k = 0; k < n; k++)
    for (int j = 0; j < ATOMS && term[k].atom[j]; j++) speak(e, term[k].atom[j]);
}

static void speak_access(Emit *e, const Access *a) {
  const Addresses *x = e->addresses;
  speak_terms(e, a->term, a->nterms);
  for (uint32_t k = a->pointer; k; k = x->pointers.at[k].base)
    speak_terms(e, x->pointers.at[k].term, x->pointers.at[k].nterms);
}

/* An element's checks ask for its subscripts, too. */
static bool asks_subscripts(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  bool checked = n->flags & NODE_CHECKED || info(e, r)->guarded;
  return !e->addresses->access[r] || n->op == IR_PROJ || checked;
}

static void find_mute(Emit *e) {
  Addresses *x = e->addresses;
  for (Ref r = 1; r < e->ninfo; r++)
    x->mute[r] = info(e, r)->need && is_int_prim(node(e, r)) && !info(e, r)->atom &&
                 !info(e, r)->keep;
  const Region *root = e->p->root;
  for (uint32_t k = 0; k < root->results.n; k++) speak(e, root->results.at[k]);
  for (Ref r = e->ninfo; r-- > 1;) {
    const Node *n = node(e, r);
    if (!info(e, r)->need || x->mute[r]) continue;
    bool all = asks_subscripts(e, r);
    for (uint32_t k = 0; k < n->nargs; k++)
      if (all || k < first_subscript(n)) speak(e, n->arg[k]);
    if (x->access[r]) speak_access(e, &x->accesses.at[x->access[r]]);
    for (uint32_t j = 0; j < n->nregions; j++)
      for (uint32_t k = 0; k < n->regions[j]->results.n; k++) speak(e, n->regions[j]->results.at[k]);
  }
}

void plan_addresses(Emit *e) {
  if (!for_tcc(e)) return;
  Addresses *x = e->addresses = NEW(e->c, Addresses);
  x->access = NEWN(e->c, uint32_t, e->ninfo);
  x->first = NEWN(e->c, uint32_t, e->ninfo + e->p->regions.n);
  x->last = NEWN(e->c, uint32_t, e->ninfo + e->p->regions.n);
  x->level = NEWN(e->c, uint32_t, e->p->regions.n);
  x->mute = NEWN(e->c, bool, e->ninfo);
  VEC_PUSH(e->c, &x->pointers, (Pointer){0});
  VEC_PUSH(e->c, &x->accesses, (Access){0});
  for (Ref r = 1; r < e->ninfo; r++)
    if (info(e, r)->need && !is_in_rows(e, r)) plan_node(e, r);
  if (x->accesses.n == 1) return;
  drop_lone(e);
  find_mute(e);
}

bool is_mute(const Emit *e, Ref r) { return e->addresses && e->addresses->mute[r]; }

/* ---- text ------------------------------------------------------------------------ */

static void put_stride(Emit *e, Size stride) {
  const Addresses *x = e->addresses;
  for (uint32_t k = x->pointers.n, tries = 0; k-- > 1 && tries < 4 * MAX_SEARCH; tries++)
    if (x->pointers.at[k].stride == stride && x->pointers.at[k].cname &&
        x->pointers.at[k].home == e->fn->id) {
      put(e, x->pointers.at[k].cname);
      return;
    }
  put_size(e, stride, PREC_UNARY);
}

/* " - 2*i*n", or "i" where nothing stands in front. */
static void put_term(Emit *e, const Term *x, bool first) {
  bool minus = x->times < 0 && x->times != INT64_MIN;
  int64_t times = minus ? -x->times : x->times;
  bool any = times != 1 || (!x->atom[0] && !x->stride);
  if (!first) put(e, minus ? " - " : " + ");
  else if (minus) put(e, "-");
  if (any) put_int(e, times, PREC_UNARY);
  for (int k = 0; k < ATOMS && x->atom[k]; k++, any = true) {
    if (any) put(e, "*");
    put_expr(e, x->atom[k], PREC_UNARY);
  }
  if (!x->stride) return;
  if (any) put(e, "*");
  put_stride(e, x->stride);
}

/* What is built is not there yet: only its buffer has a name. */
static const char *array_name(Emit *e, Ref array, bool written) {
  const Node *n = node(e, array);
  if (written && n->op == IR_WITH) return ref_buffer(e, info(e, array)->buffer);
  if (!written || n->op != IR_PROJ) return array_text(e, array);
  return ref_buffer(e, info(e, n->arg[0])->out[n->aux.i].buffer);
}

static bool at_hand(const Emit *e, const Pointer *p) {
  return p->cname && p->home == e->fn->id;
}

/* The terms of pointers that are not at hand, in front of those that follow; gives the name that
 * they are added to. */
static const char *gather(Emit *e, uint32_t pointer, Ref array, bool written, Terms *to) {
  const Addresses *x = e->addresses;
  for (; pointer && !at_hand(e, &x->pointers.at[pointer]); pointer = x->pointers.at[pointer].base)
    for (uint32_t k = 0; k < x->pointers.at[pointer].nterms; k++)
      to->at[to->n++] = x->pointers.at[pointer].term[k];
  return pointer ? x->pointers.at[pointer].cname : array_name(e, array, written);
}

static void put_terms(Emit *e, const Terms *t, const Term *term, uint32_t n, bool first) {
  for (uint32_t k = 0; k < n; k++, first = false) put_term(e, &term[k], first);
  for (uint32_t k = 0; k < t->n; k++, first = false) put_term(e, &t->at[k], first);
  if (first) put(e, "0");
}

/* The access at r, or NULL; puts the name that the terms are added to. */
static const Access *put_start(Emit *e, Ref r, Terms *t) {
  if (!e->addresses || !e->addresses->access[r]) return NULL;
  const Access *a = &e->addresses->accesses.at[e->addresses->access[r]];
  put(e, gather(e, a->pointer, array_of(e, r), node(e, r)->op != IR_READ, t));
  return a;
}

bool put_at_pointer(Emit *e, Ref r) {
  Terms t = {.n = 0};
  const Access *a = put_start(e, r, &t);
  if (!a) return false;
  put(e, "[");
  put_terms(e, &t, a->term, a->nterms, true);
  put(e, "]");
  return true;
}

bool put_row_at_pointer(Emit *e, Ref r) {
  Terms t = {.n = 0};
  const Access *a = put_start(e, r, &t);
  if (a && t.n + a->nterms) put_terms(e, &t, a->term, a->nterms, false);
  return a != NULL;
}

static void declare(Emit *e, Pointer *p) {
  Terms t = {.n = 0};
  line_start(e);
  if (p->stride) {
    const char *name = c_fresh(e, "stride");
    putf(e, "const int64_t %s = ", name);
    put_size(e, p->stride, PREC_ANY);
    p->cname = name;
  } else {
    Elem elem = node(e, p->array)->type->elem;
    const char *base = gather(e, p->base, p->array, p->written, &t);
    const char *of = node(e, p->array)->name;
    const char *name = c_fresh(e, of ? str_printf(e->c, "%s_at", of) : "at");
    putf(e, "%s%s *const %s = %s", p->written ? "" : "const ", c_type(e->f, elem, true), name, base);
    put_terms(e, &t, p->term, p->nterms, false);
    p->cname = name;
  }
  p->home = e->fn->id;
  line_end(e, ";");
}

static void declare_all(Emit *e, uint32_t place, uint32_t axis) {
  Addresses *x = e->addresses;
  for (uint32_t k = x->first[place]; k; k = x->pointers.at[k].next)
    if (x->pointers.at[k].axis == axis && x->pointers.at[k].wanted) declare(e, &x->pointers.at[k]);
}

void open_addresses(Emit *e, Ref loop) {
  if (e->addresses) declare_all(e, loop, 0);
}

void open_addresses_after(Emit *e, Ref loop, Ref index) {
  const Region *body = node(e, loop)->regions[0];
  if (!e->addresses) return;
  for (uint32_t a = 0; a + 1 < axes_of(node(e, loop)); a++)
    if (body->params.at[a] == index) declare_all(e, loop, a + 1);
}

void open_addresses_in(Emit *e, const Region *r) {
  if (e->addresses) declare_all(e, e->ninfo + r->id, 0);
}

void close_addresses(Emit *e, Ref loop) {
  Addresses *x = e->addresses;
  if (!x) return;
  for (uint32_t k = x->first[loop]; k; k = x->pointers.at[k].next) x->pointers.at[k].cname = NULL;
}
