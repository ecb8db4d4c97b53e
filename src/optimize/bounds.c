/* bounds.c - subscripts proved to be in range are not checked at run time.
 *
 * Requires: nothing; works at any stage.  Clears NODE_CHECKED of each READ, WITH and UPD
 * whose subscripts lie in 0 .. size-1 for all values of the sizes, by size_nonneg, seen
 * through min, max, clamp, select, remainders and positions.  What is known where the node
 * stands is used, too: the loops around it run, the conditions of the branches around it
 * hold.  So a node that moves out of a loop or a branch has to be proved once more
 * (bounds_hold).  Changes no other thing, in place.  Linear: a proof is bounded. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

enum {
  MAX_DEEP = 6,    /* nested min, max, …: deeper ones are not looked into */
  MAX_FACTS = 8,
};

/* Where a proof is made; each fact is a size that is not negative there. */
typedef struct Place { Prog *p; Size fact[MAX_FACTS]; uint32_t n; } Place;

static bool at_least_0(Place *w, Ref r, int deep);
static bool positive(Place *w, Size b, Size near);

/* a^2 + a or a^2 - a, as in i*(i - 1): ints next to each other have one sign. */
static bool neighbours(Size s) {
  if (s->n != 2) return false;
  const Mono *x = &s->mono[0], *y = &s->mono[1];
  if (x->n != 1 || y->n != 1 || x->atom[0] != y->atom[0]) return false;
  if (x->exp[0] != 2 || y->exp[0] != 1 || x->num <= 0 || x->den != y->den) return false;
  return y->num == x->num || y->num == -x->num;
}

static bool nonneg_anywhere(Prog *p, Size s) {
  int64_t value;
  return size_is_const(s, &value) ? value >= 0 : neighbours(s) || size_nonneg(p, s);
}

static bool nonneg(Place *w, Size s) {
  if (nonneg_anywhere(w->p, s)) return true;
  for (uint32_t k = 0; k < w->n; k++)
    if (nonneg_anywhere(w->p, size_sub(w->p, s, w->fact[k]))) return true;
  return false;
}

/* Does polynomial a's value never exceed most? */
static bool within(Place *w, Size a, Size most) {
  return nonneg(w, size_sub(w->p, most, a));
}

/* The loop whose ARGMAX or ARGMIN r is, or NULL. */
static const Node *position_of(const Prog *p, const Node *n) {
  if (n->op != IR_PROJ) return NULL;
  const Node *loop = ir_node(p, n->arg[0]);
  if (loop->op != IR_LOOP) return NULL;
  Combiner comb = loop->aux.loop->comb[n->aux.i];
  return comb == ARGMAX || comb == ARGMIN ? loop : NULL;
}

/* A position is -1 over nothing. */
static bool position_found(Place *w, const Node *loop) {
  for (uint32_t k = 0; k < loop->nargs; k++) {
    Size extent = size_atom(w->p, loop->arg[k]);
    if (!nonneg(w, size_sub(w->p, extent, size_const(w->p, 1)))) return false;
  }
  return true;
}

static bool position_below(Place *w, const Node *loop, Size most) {
  Size volume = size_const(w->p, 1);
  for (uint32_t k = 0; k < loop->nargs; k++)
    volume = size_mul(w->p, volume, size_atom(w->p, loop->arg[k]));
  return within(w, size_sub(w->p, volume, size_const(w->p, 1)), most);
}

static bool prim_at_least_0(Place *w, const Node *n, int deep) {
  const Ref *a = n->arg;
  switch (n->aux.i) {
    case P_MAX: return at_least_0(w, a[0], deep) || at_least_0(w, a[1], deep);
    case P_MIN: return at_least_0(w, a[0], deep) && at_least_0(w, a[1], deep);
    case P_CLAMP:
    case P_SELECT: return at_least_0(w, a[1], deep) && at_least_0(w, a[2], deep);
    case P_MOD: return positive(w, size_atom(w->p, a[1]), size_atom(w->p, a[0]));
    case P_FLOORDIV: return at_least_0(w, a[0], deep) && at_least_0(w, a[1], deep);
    case P_ABS:
    case P_RELU: return true;
    default: return false;
  }
}

static bool at_least_0(Place *w, Ref r, int deep) {
  const Node *n = ir_node(w->p, r), *loop = position_of(w->p, n);
  if (nonneg(w, size_atom(w->p, r))) return true;
  if (loop) return position_found(w, loop);
  return n->op == IR_PRIM && deep < MAX_DEEP && prim_at_least_0(w, n, deep + 1);
}

static bool at_most(Place *w, Ref r, Size most, int deep);

/* max(x, 1) */
static bool max_with_1(const Prog *p, const Mono *m) {
  double least;
  const Node *n = m->n == 1 && m->num > 0 ? ir_node(p, m->atom[0]) : NULL;
  return n && n->op == IR_PRIM && n->aux.i == P_MAX && ir_is_const(p, n->arg[1], &least) &&
         least >= 1;
}

/* b >= 1?  An index in `near` that b bounds shows it, too. */
static bool positive(Place *w, Size b, Size near) {
  Size less = size_sub(w->p, b, size_const(w->p, 1));
  if (nonneg(w, less) || (b->n == 1 && max_with_1(w->p, &b->mono[0]))) return true;
  for (uint32_t k = 0; k < near->n; k++)
    for (uint32_t a = 0; a < near->mono[k].n; a++)
      if (within(w, size_atom(w->p, near->mono[k].atom[a]), less)) return true;
  return false;
}

/* a//b <= most where a < (most + 1)*b. */
static bool quotient_at_most(Place *w, const Node *n, Size most) {
  Size b = size_atom(w->p, n->arg[1]), one = size_const(w->p, 1);
  if (!positive(w, b, size_atom(w->p, n->arg[0]))) return false;
  Size limit = size_sub(w->p, size_mul(w->p, size_add(w->p, most, one), b), one);
  return within(w, size_atom(w->p, n->arg[0]), limit);
}

static bool prim_at_most(Place *w, const Node *n, Size most, int deep) {
  const Ref *a = n->arg;
  switch (n->aux.i) {
    case P_MIN: return at_most(w, a[0], most, deep) || at_most(w, a[1], most, deep);
    case P_MAX: return at_most(w, a[0], most, deep) && at_most(w, a[1], most, deep);
    case P_CLAMP:
    case P_SELECT: return at_most(w, a[1], most, deep) && at_most(w, a[2], most, deep);
    case P_MOD:
      return positive(w, size_atom(w->p, a[1]), size_atom(w->p, a[0])) &&
             within(w, size_sub(w->p, size_atom(w->p, a[1]), size_const(w->p, 1)), most);
    case P_FLOORDIV: return quotient_at_most(w, n, most);
    default: return false;
  }
}

static bool at_most(Place *w, Ref r, Size most, int deep) {
  const Node *n = ir_node(w->p, r), *loop = position_of(w->p, n);
  if (within(w, size_atom(w->p, r), most)) return true;
  if (loop) return position_below(w, loop, most);
  return n->op == IR_PRIM && deep < MAX_DEEP && prim_at_most(w, n, most, deep + 1);
}

/* ---- what a branch knows -------------------------------------------------------------- */

static void add_fact(Place *w, Size s) {
  if (w->n < MAX_FACTS) w->fact[w->n++] = s;
}

static Size less_one(Place *w, Size s) { return size_sub(w->p, s, size_const(w->p, 1)); }

/* a != b says more where the one is known not to be above the other. */
static void add_unequal(Place *w, Size above) {
  Size below = size_scale(w->p, above, -1, 1);
  if (nonneg(w, above)) add_fact(w, less_one(w, above));
  else if (nonneg(w, below)) add_fact(w, less_one(w, below));
}

static void add_comparison(Place *w, int64_t prim, Size a, Size b) {
  Size above = size_sub(w->p, a, b), below = size_sub(w->p, b, a);
  switch (prim) {
    case P_LT: add_fact(w, less_one(w, below)); break;
    case P_LE: add_fact(w, below); break;
    case P_GT: add_fact(w, less_one(w, above)); break;
    case P_GE: add_fact(w, above); break;
    case P_EQ:
      add_fact(w, above);
      add_fact(w, below);
      break;
    default: add_unequal(w, above);
  }
}

static int64_t opposite(int64_t prim) {
  switch (prim) {
    case P_LT: return P_GE;
    case P_LE: return P_GT;
    case P_GT: return P_LE;
    case P_GE: return P_LT;
    case P_EQ: return P_NE;
    default: return P_EQ;
  }
}

/* The condition has this value. */
static void add_condition(Place *w, Ref condition, bool holds, int deep) {
  const Node *n = ir_node(w->p, condition);
  if (n->op != IR_PRIM || deep > MAX_DEEP) return;
  switch (n->aux.i) {
    case P_NOT: add_condition(w, n->arg[0], !holds, deep + 1); return;
    case P_AND: case P_OR:
      if (holds != (n->aux.i == P_AND)) return;
      add_condition(w, n->arg[0], holds, deep + 1);
      add_condition(w, n->arg[1], holds, deep + 1);
      return;
    case P_LT: case P_LE: case P_GT: case P_GE: case P_EQ: case P_NE:
      if (ir_type(w->p, n->arg[0])->elem == ELEM_INT)
        add_comparison(w, holds ? n->aux.i : opposite(n->aux.i), size_atom(w->p, n->arg[0]),
                       size_atom(w->p, n->arg[1]));
      return;
    default: return;
  }
}

/* What holds where a node stands. */
static Place place_of(Prog *p, const Node *n) {
  Place w = {.p = p};
  for (const Region *at = p->regions.at[n->region]; at->owner; at = at->parent) {
    const Node *owner = ir_node(p, at->owner);
    if (owner->op == IR_IF) add_condition(&w, owner->arg[0], at == owner->regions[0], 0);
  }
  return w;
}

/* ---- questions ------------------------------------------------------------------------- */

bool int_at_least_0(Prog *p, Ref r) {
  Place w = {.p = p};
  return at_least_0(&w, r, 0);
}

static bool axis_holds(Place *w, Ref r, uint32_t axis) {
  const Node *n = ir_node(w->p, r);
  Ref at = n->arg[axis + first_subscript(n)];
  Size last = less_one(w, ir_type(w->p, n->arg[0])->dim[axis]);
  return at_least_0(w, at, 0) && at_most(w, at, last, 0);
}

static bool axes_hold(Place *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  uint32_t axes = n->nargs - first_subscript(n);
  for (uint32_t k = 0; k < axes; k++)
    if (!axis_holds(w, r, k)) return false;
  return true;
}

bool subscript_holds(Prog *p, Ref r, uint32_t axis) {
  Place w = {.p = p};
  return axis_holds(&w, r, axis);
}

bool bounds_hold(Prog *p, Ref r) {
  Place w = {.p = p};
  return axes_hold(&w, r);
}

bool divisor_holds(Prog *p, const Node *n) {
  double d;
  if (ir_is_const(p, n->arg[1], &d)) return d != 0;
  Region *cur = p->cur;
  p->cur = p->regions.at[n->region];
  Place w = place_of(p, n);
  bool holds = positive(&w, size_atom(p, n->arg[1]), size_atom(p, n->arg[0]));
  p->cur = cur;
  return holds;
}

Prog *opt_bounds(Prog *p) {
  Region *cur = p->cur;
  for (Ref r = 1; r < p->nnodes; r++) {
    Node *n = ir_node(p, r);
    bool subscripted = n->op == IR_READ || n->op == IR_WITH || n->op == IR_UPD;
    if (!subscripted || !(n->flags & NODE_CHECKED)) continue;
    p->cur = p->regions.at[n->region];
    Place w = place_of(p, n);
    if (axes_hold(&w, r)) n->flags &= ~NODE_CHECKED;
  }
  p->cur = cur;
  return p;
}
