/* nonneg.c - proofs that a size is not negative.
 *
 * What is known: an index lies in 0 .. extent-1; an extent around an index is >= 1;
 * size names, and whatever an array has for a size, are >= 0.  Indices are taken out
 * innermost first, by the ends of their range (a polynomial that is linear or concave
 * in one is smallest at an end); then the other atoms are shifted by what is known
 * about extents (n >= 1 makes n = 1 + n'), about quotients among them (q = (h - 1)//2
 * makes h = 1 + 2*q + h'), about the least of two and the trips of a loop, and every coefficient must be >= 0.  An atom between two numbers,
 * as i % 2 is, is taken out like an index.  Sound, not complete. */
#include "ir/private.h"

enum { MAX_STEPS = 2000, MAX_FACTS = 64, MAX_DEEP = 8 };

/* "s >= low" for a size made of atoms. */
typedef struct Fact { Size s; int64_t low; } Fact;

/* What is known, and the atoms that stand for what they have above their least value. */
typedef struct Facts { VEC(Fact) list; VEC(Ref) shifted; } Facts;

typedef struct Proof {
  Prog *p;
  uint32_t steps;
  Facts known;
} Proof;

/* What parameter r runs over, or 0: r is not an index. */
static Ref extent_of(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->op != IR_PARAM) return 0;
  const Region *region = p->regions.at[n->region];
  return n->aux.i < region->extents.n ? region->extents.at[n->aux.i] : 0;
}

static bool later(const Prog *p, Ref a, Ref b) {
  uint32_t da = p->regions.at[ir_node(p, a)->region]->depth;
  uint32_t db = p->regions.at[ir_node(p, b)->region]->depth;
  return da != db ? da > db : a > b;
}

/* The innermost index in s, or 0. */
static Ref innermost(const Prog *p, Size s) {
  Ref best = 0;
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t a = 0; a < s->mono[k].n; a++) {
      Ref r = s->mono[k].atom[a];
      if (extent_of(p, r) && (!best || later(p, r, best))) best = r;
    }
  return best;
}

static uint32_t power_of(const Mono *m, Ref atom) {
  for (uint32_t k = 0; k < m->n; k++)
    if (m->atom[k] == atom) return m->exp[k];
  return 0;
}

static uint32_t degree_in(Size s, Ref atom) {
  uint32_t d = 0;
  for (uint32_t k = 0; k < s->n; k++)
    if (power_of(&s->mono[k], atom) > d) d = power_of(&s->mono[k], atom);
  return d;
}

/* One term with `atom` replaced by `by`. */
static Size term_with(Prog *p, const Mono *m, Ref atom, Size by) {
  Size s = poly_scale(p, size_const(p, m->num), 1, m->den);
  for (uint32_t k = 0; s && k < m->n; k++) {
    Size x = m->atom[k] == atom ? by : poly_atom(p, m->atom[k]);
    for (uint32_t e = 0; s && e < m->exp[k]; e++) s = poly_mul(p, s, x);
  }
  return s;
}

Size size_replaced(Prog *p, Size s, Ref atom, Size by) {
  Size sum = size_const(p, 0);
  if (!by || !s) return NULL;
  for (uint32_t k = 0; sum && k < s->n; k++) {
    Size term = term_with(p, &s->mono[k], atom, by);
    sum = term ? poly_add(p, sum, term) : NULL;
  }
  return sum;
}

/* The coefficient of atom^2 as a polynomial in the others. */
static Size square_part(Prog *p, Size s, Ref atom) {
  Size sum = size_const(p, 0), one = size_const(p, 1);
  for (uint32_t k = 0; sum && k < s->n; k++)
    if (power_of(&s->mono[k], atom) == 2) {
      Size term = term_with(p, &s->mono[k], atom, one);
      sum = term ? poly_add(p, sum, term) : NULL;
    }
  return sum;
}

/* ---- the end: no index is left that can be taken out ----------------------- */

/* The loop whose number of trips r is, or NULL. */
static const Node *trips_of(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->op != IR_PROJ) return NULL;
  const Node *loop = ir_node(p, n->arg[0]);
  return loop->op == IR_WHILE && n->aux.i + 1 == loop->nargs ? loop : NULL;
}

static bool known_nonneg(const Prog *p, Ref atom) {
  if (extent_of(p, atom) || size_is_seen(p, atom) || trips_of(p, atom)) return true;
  for (uint32_t k = 0; k < p->sig.params.n; k++)
    if (p->sig.params.at[k].ref == atom) return p->sig.params.at[k].is_size;
  return false;
}

static bool is_shifted(const Facts *facts, Ref atom) {
  for (uint32_t k = 0; facts && k < facts->shifted.n; k++)
    if (facts->shifted.at[k] == atom) return true;
  return false;
}

/* Every term is a non-negative number times what is not negative. */
static bool all_positive(const Prog *p, Size s, const Facts *facts) {
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    if (m->num < 0) return false;
    for (uint32_t a = 0; a < m->n; a++)
      if (m->exp[a] % 2 && !known_nonneg(p, m->atom[a]) && !is_shifted(facts, m->atom[a]))
        return false;
  }
  return true;
}

/* An atom that stands in s once, alone, with coefficient 1, and not as an index; the
 * youngest such, as it may be defined by others. */
static Ref solvable(const Prog *p, Size s) {
  Ref best = 0;
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    if (m->n != 1 || m->exp[0] != 1 || m->num != 1 || m->den != 1) continue;
    Ref r = m->atom[0];
    uint32_t times = 0;
    for (uint32_t j = 0; j < s->n; j++) times += power_of(&s->mono[j], r) > 0;
    if (times == 1 && !extent_of(p, r) && r > best) best = r;
  }
  return best;
}

/* Says no more than that its atoms are not negative. */
static bool implied(Prog *p, const Fact *fact, const Facts *facts) {
  Size above = poly_add(p, fact->s, size_const(p, -fact->low));
  return above && all_positive(p, above, facts);
}

/* The largest int that divides the coefficients of all atoms; 1 where some are no ints. */
static int64_t content(Size s) {
  int64_t all = 0;
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    int64_t x = m->num;
    if (m->den != 1 || m->num == INT64_MIN) return 1;
    if (!m->n) continue;
    while (x) { int64_t rest = all % x; all = x; x = rest; }
  }
  return all > 0 ? all : all < -1 ? -all : 1;
}

/* Atoms are ints: 2*h - 2*k >= 1 says h - k >= 1. */
static void divide(Prog *p, Fact *fact) {
  int64_t by = fact->s ? content(fact->s) : 1;
  if (by == 1) return;
  const Mono *last = &fact->s->mono[fact->s->n - 1];
  int64_t rest = last->n ? 0 : last->num, low;
  Size whole = poly_add(p, fact->s, size_const(p, -rest));
  whole = whole ? poly_scale(p, whole, 1, by) : NULL;
  if (!whole || __builtin_sub_overflow(fact->low, rest, &low)) return;
  *fact = (Fact){whole, low/by + (low % by > 0)};
}

static Facts facts_copy(const Proof *proof) {
  Facts copy = {0};
  for (uint32_t k = 0; k < proof->known.list.n; k++)
    VEC_PUSH(proof->p->ctx, &copy.list, proof->known.list.at[k]);
  for (uint32_t k = 0; k < proof->known.shifted.n; k++)
    VEC_PUSH(proof->p->ctx, &copy.shifted, proof->known.shifted.at[k]);
  return copy;
}

/* A fact that cannot be rewritten becomes one that says nothing (s is NULL). */
static void facts_replace(Prog *p, Facts *facts, Ref atom, Size by) {
  for (uint32_t k = 0; k < facts->list.n; k++)
    facts->list.at[k].s = size_replaced(p, facts->list.at[k].s, atom, by);
}

/* Is s not below f - low, which is not negative? */
static bool above_fact(Prog *p, Size s, const Fact *fact, const Facts *facts) {
  Size rest = fact->s ? poly_add(p, s, poly_scale(p, fact->s, -1, 1)) : NULL;
  rest = rest ? poly_add(p, rest, size_const(p, fact->low)) : NULL;
  return rest && all_positive(p, rest, facts);
}

/* s >= 0 given the facts: each fact `f >= low` with f = b + rest lets b be written as
 * low + b' - rest with b' >= 0. */
static bool by_shifts(Proof *proof, Size s) {
  Prog *p = proof->p;
  if (all_positive(p, s, &proof->known)) return true;
  Facts left = facts_copy(proof);
  for (uint32_t k = 0; k < left.list.n; k++) {
    Fact *fact = &left.list.at[k];
    divide(p, fact);
    if (above_fact(p, s, fact, &left)) return true;
    Size f = fact->s;
    Ref b = f && !implied(p, fact, &left) ? solvable(p, f) : 0;
    if (!b) continue;
    Size rest = poly_scale(p, f, -1, 1);
    rest = rest ? poly_add(p, rest, poly_atom(p, b)) : NULL;
    Size by = rest ? poly_add(p, size_const(p, fact->low), rest) : NULL;
    by = by ? poly_add(p, by, poly_atom(p, b)) : NULL;
    Size next = size_replaced(p, s, b, by);
    if (!next) continue;
    s = next;
    facts_replace(p, &left, b, by);
    VEC_PUSH(p->ctx, &left.shifted, b);
    if (all_positive(p, s, &left)) return true;
  }
  return false;
}

/* ---- atoms between numbers -------------------------------------------------- */

typedef struct Ends { int64_t low, high; bool known; } Ends;

static Ends ends_of(const Prog *p, Ref r, int deep);

static Ends ends_union(Ends a, Ends b) {
  return (Ends){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high,
                a.known && b.known};
}

static int64_t floor_of(int64_t x, int64_t by) { return x/by - (x % by < 0); }

/* a//b and a % b for a number b > 0. */
static Ends ends_divided(const Prog *p, const Node *n, int deep) {
  const Node *b = ir_node(p, n->arg[1]);
  if (b->op != IR_CONST || b->aux.i < 1) return (Ends){0};
  if (n->aux.i == P_MOD) return (Ends){0, b->aux.i - 1, true};
  Ends a = ends_of(p, n->arg[0], deep + 1);
  return (Ends){floor_of(a.low, b->aux.i), floor_of(a.high, b->aux.i), a.known};
}

/* The position of a winner among a known number. */
static Ends ends_of_place(const Prog *p, const Node *n) {
  const Node *loop = ir_node(p, n->arg[0]);
  if (loop->op != IR_LOOP) return (Ends){0};
  const Combiner comb = loop->aux.loop->comb[n->aux.i];
  if (comb != ARGMAX && comb != ARGMIN) return (Ends){0};
  int64_t volume = 1;
  for (uint32_t k = 0; k < loop->nargs; k++) {
    const Node *extent = ir_node(p, loop->arg[k]);
    if (extent->op != IR_CONST || extent->aux.i < 1) return (Ends){0};
    if (__builtin_mul_overflow(volume, extent->aux.i, &volume)) return (Ends){0};
  }
  return (Ends){0, volume - 1, true};
}

static Ends ends_of(const Prog *p, Ref r, int deep) {
  const Node *n = ir_node(p, r);
  if (n->op == IR_PROJ) return ends_of_place(p, n);
  if (n->op == IR_CONST) return (Ends){n->aux.i, n->aux.i, true};
  if (n->op != IR_PRIM || deep == MAX_DEEP) return (Ends){0};
  switch (n->aux.i) {
    case P_FLOORDIV: case P_MOD: return ends_divided(p, n, deep);
    case P_MIN: case P_MAX:
      return ends_union(ends_of(p, n->arg[0], deep + 1), ends_of(p, n->arg[1], deep + 1));
    case P_SELECT:
      return ends_union(ends_of(p, n->arg[1], deep + 1), ends_of(p, n->arg[2], deep + 1));
    default: return (Ends){0};
  }
}

/* An atom of s that lies between numbers, or 0. */
static Ref between_numbers(const Prog *p, Size s, Ends *ends) {
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t a = 0; a < s->mono[k].n; a++) {
      *ends = ends_of(p, s->mono[k].atom[a], 0);
      if (ends->known && degree_in(s, s->mono[k].atom[a]) == 1) return s->mono[k].atom[a];
    }
  return 0;
}

/* ---- taking indices out ---------------------------------------------------- */

static bool prove(Proof *proof, Size s, Ref before);

/* The least value that the facts give for this index: its own, or as an extent. */
static int64_t low_of(const Proof *proof, Ref index) {
  int64_t low = 0;
  for (uint32_t k = 0; k < proof->known.list.n; k++) {
    Size s = proof->known.list.at[k].s;
    int64_t more = 0;
    if (!s || !s->n || s->n > 2 || s->mono[0].n != 1 || s->mono[0].atom[0] != index) continue;
    if (s->mono[0].exp[0] != 1 || s->mono[0].num != 1 || s->mono[0].den != 1) continue;
    if (s->n == 2 && (s->mono[1].n || s->mono[1].den != 1)) continue;
    if (s->n == 2) more = s->mono[1].num;
    int64_t bound;
    if (__builtin_sub_overflow(proof->known.list.at[k].low, more, &bound)) continue;
    if (bound > low && bound < INT64_MAX) low = bound;
  }
  return low;
}

static bool at_value(Proof *proof, Size s, Ref index, Size value) {
  Size t = size_replaced(proof->p, s, index, value);
  return t && prove(proof, t, index);
}

static bool at_number(Proof *proof, Size s, Ref atom, int64_t value, Ref before) {
  Size t = size_replaced(proof->p, s, atom, size_const(proof->p, value));
  return t && prove(proof, t, before);
}

/* May s be judged by its two ends in this index? */
static bool smallest_at_end(Proof *proof, Size s, Ref index) {
  uint32_t d = degree_in(s, index);
  if (d != 2) return d == 1;
  Size square = square_part(proof->p, s, index);
  square = square ? poly_scale(proof->p, square, -1, 1) : NULL;
  return square && prove(proof, square, index);
}

/* Proves s with the index standing for what it has above its least value. */
static bool above_low(Proof *proof, Size s, Ref index, int64_t low) {
  Prog *p = proof->p;
  Facts outer = proof->known;
  Size by = poly_add(p, poly_atom(p, index), size_const(p, low));
  Size t = size_replaced(p, s, index, by);
  proof->known = facts_copy(proof);
  facts_replace(p, &proof->known, index, by);
  bool ok = t && by_shifts(proof, t);
  proof->known = outer;
  return ok;
}

/* Proves s with this index between its ends. */
static bool between(Proof *proof, Size s, Ref index) {
  Prog *p = proof->p;
  int64_t low = low_of(proof, index);
  Size extent = size_atom(p, extent_of(p, index));
  return smallest_at_end(proof, s, index)
             ? at_value(proof, s, index, size_const(p, low)) &&
                   at_value(proof, s, index, poly_add(p, extent, size_const(p, -1)))
             : above_low(proof, s, index, low);
}

/* `before`: the index taken out last; only what lies further out is left. */
static bool prove(Proof *proof, Size s, Ref before) {
  Prog *p = proof->p;
  if (++proof->steps > MAX_STEPS) return false;
  if (all_positive(p, s, &proof->known)) return true;
  Ends ends;
  Ref atom = between_numbers(p, s, &ends);
  if (atom)
    return at_number(proof, s, atom, ends.low, before) &&
           at_number(proof, s, atom, ends.high, before);
  Ref index = innermost(p, s);
  if (!index) return by_shifts(proof, s);
  if (before && !later(p, before, index)) return false;
  return between(proof, s, index) || by_shifts(proof, s);
}

/* ---- what is known at the start -------------------------------------------- */

typedef struct Indices { Prog *p; VEC(Ref) list; } Indices;

static void add_index(Indices *all, Ref r) {
  for (uint32_t k = 0; k < all->list.n; k++)
    if (all->list.at[k] == r) return;
  VEC_PUSH(all->p->ctx, &all->list, r);
}

static void add_indices_of(Indices *all, Size s) {
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t a = 0; a < s->mono[k].n; a++)
      if (extent_of(all->p, s->mono[k].atom[a])) add_index(all, s->mono[k].atom[a]);
}

static void add_around(Indices *all) {
  for (const Region *r = all->p->cur; r; r = r->parent)
    for (uint32_t k = 0; k < r->extents.n && k < r->params.n; k++) add_index(all, r->params.at[k]);
}

/* The indices in s, those around p->cur, and those in their extents; innermost first. */
static Indices find_indices(Prog *p, Size s) {
  Indices all = {.p = p};
  add_indices_of(&all, s);
  add_around(&all);
  for (uint32_t k = 0; k < all.list.n; k++)
    add_indices_of(&all, size_atom(p, extent_of(p, all.list.at[k])));
  for (uint32_t k = 1; k < all.list.n; k++) {
    Ref r = all.list.at[k];
    uint32_t j = k;
    for (; j > 0 && later(p, r, all.list.at[j - 1]); j--) all.list.at[j] = all.list.at[j - 1];
    all.list.at[j] = r;
  }
  return all;
}

static void add_fact(Proof *proof, Size s, int64_t low) {
  if (s && proof->known.list.n < MAX_FACTS)
    VEC_PUSH(proof->p->ctx, &proof->known.list, ((Fact){s, low}));
}

/* Of an atom q = a//b with a number b: what is left of a is 0 .. b-1. */
static void add_quotient(Proof *proof, Ref atom) {
  Prog *p = proof->p;
  const Node *n = ir_node(p, atom);
  if (n->op != IR_PRIM || n->aux.i != P_FLOORDIV) return;
  const Node *divisor = ir_node(p, n->arg[1]);
  if (divisor->op != IR_CONST || divisor->aux.i < 1) return;
  Size most = poly_scale(p, poly_atom(p, atom), divisor->aux.i, 1);
  Size rest = most ? poly_scale(p, most, -1, 1) : NULL;
  rest = rest ? poly_add(p, size_atom(p, n->arg[0]), rest) : NULL;
  add_fact(proof, rest, 0);
  add_fact(proof, rest ? poly_scale(p, rest, -1, 1) : NULL, 1 - divisor->aux.i);
}

/* Of the trips of a loop, at most a number; of min(a, b), no more than either. */
static void add_limits(Proof *proof, Ref atom) {
  Prog *p = proof->p;
  const Node *n = ir_node(p, atom), *loop = trips_of(p, atom);
  Size below = size_scale(p, poly_atom(p, atom), -1, 1);
  const Node *most = loop ? ir_node(p, loop->arg[0]) : NULL;
  if (most && most->op == IR_CONST && most->aux.i >= 0)
    add_fact(proof, poly_add(p, below, size_const(p, most->aux.i)), 0);
  if (n->op != IR_PRIM || n->aux.i != P_MIN) return;
  for (int k = 0; k < 2; k++) add_fact(proof, poly_add(p, size_atom(p, n->arg[k]), below), 0);
}

/* What the atoms of s tell by what they are. */
static void add_atoms(Proof *proof, Size s) {
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t a = 0; a < s->mono[k].n; a++) {
      add_quotient(proof, s->mono[k].atom[a]);
      add_limits(proof, s->mono[k].atom[a]);
    }
}

bool size_nonneg(Prog *p, Size s) {
  Proof proof = {.p = p};
  if (all_positive(p, s, NULL)) return true;
  Indices all = find_indices(p, s);
  for (uint32_t k = 0; k < all.list.n; k++) {
    Ref index = all.list.at[k];
    add_fact(&proof, size_atom(p, extent_of(p, index)), low_of(&proof, index) + 1);
  }
  add_atoms(&proof, s);
  for (uint32_t k = 0; k < all.list.n; k++)
    add_atoms(&proof, size_atom(p, extent_of(p, all.list.at[k])));
  return prove(&proof, s, 0);
}
