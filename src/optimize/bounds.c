/* bounds.c - subscripts proved to be in range are not checked at run time.
 *
 * Requires: nothing; works at any stage.  Clears NODE_CHECKED of each READ, WITH and UPD
 * whose subscripts lie in 0 .. size-1 for all values of the sizes, by size_nonneg, seen
 * through min, max, clamp, select, remainders and positions.  Changes no other thing, in
 * place.  Linear: a proof is bounded. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

enum { MAX_DEEP = 6 };   /* nested min, max, …: deeper ones are not looked into */

static bool at_least_0(Prog *p, Ref r, int deep);
static bool positive(Prog *p, Size b, Size near);

/* a^2 + a or a^2 - a, as in i*(i - 1): ints next to each other have one sign. */
static bool neighbours(Size s) {
  if (s->n != 2) return false;
  const Mono *x = &s->mono[0], *y = &s->mono[1];
  if (x->n != 1 || y->n != 1 || x->atom[0] != y->atom[0]) return false;
  if (x->exp[0] != 2 || y->exp[0] != 1 || x->num <= 0 || x->den != y->den) return false;
  return y->num == x->num || y->num == -x->num;
}

static bool nonneg(Prog *p, Size s) {
  int64_t value;
  return size_is_const(s, &value) ? value >= 0 : neighbours(s) || size_nonneg(p, s);
}

/* Does polynomial a's value never exceed most? */
static bool within(Prog *p, Size a, Size most) {
  return nonneg(p, size_sub(p, most, a));
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
static bool position_found(Prog *p, const Node *loop) {
  for (uint32_t k = 0; k < loop->nargs; k++) {
    Size extent = size_atom(p, loop->arg[k]);
    if (!nonneg(p, size_sub(p, extent, size_const(p, 1)))) return false;
  }
  return true;
}

static bool position_below(Prog *p, const Node *loop, Size most) {
  Size volume = size_const(p, 1);
  for (uint32_t k = 0; k < loop->nargs; k++)
    volume = size_mul(p, volume, size_atom(p, loop->arg[k]));
  return within(p, size_sub(p, volume, size_const(p, 1)), most);
}

static bool prim_at_least_0(Prog *p, const Node *n, int deep) {
  const Ref *a = n->arg;
  switch (n->aux.i) {
    case P_MAX: return at_least_0(p, a[0], deep) || at_least_0(p, a[1], deep);
    case P_MIN: return at_least_0(p, a[0], deep) && at_least_0(p, a[1], deep);
    case P_CLAMP:
    case P_SELECT: return at_least_0(p, a[1], deep) && at_least_0(p, a[2], deep);
    case P_MOD: return positive(p, size_atom(p, a[1]), size_atom(p, a[0]));
    case P_FLOORDIV: return at_least_0(p, a[0], deep) && at_least_0(p, a[1], deep);
    case P_ABS:
    case P_RELU: return true;
    default: return false;
  }
}

static bool at_least_0(Prog *p, Ref r, int deep) {
  const Node *n = ir_node(p, r), *loop = position_of(p, n);
  if (nonneg(p, size_atom(p, r))) return true;
  if (loop) return position_found(p, loop);
  return n->op == IR_PRIM && deep < MAX_DEEP && prim_at_least_0(p, n, deep + 1);
}

static bool at_most(Prog *p, Ref r, Size most, int deep);

/* b >= 1?  An index in `near` that b bounds shows it, too. */
static bool positive(Prog *p, Size b, Size near) {
  Size less = size_sub(p, b, size_const(p, 1));
  if (nonneg(p, less)) return true;
  for (uint32_t k = 0; k < near->n; k++)
    for (uint32_t a = 0; a < near->mono[k].n; a++)
      if (within(p, size_atom(p, near->mono[k].atom[a]), less)) return true;
  return false;
}

/* a//b <= most where a < (most + 1)*b. */
static bool quotient_at_most(Prog *p, const Node *n, Size most) {
  Size b = size_atom(p, n->arg[1]), one = size_const(p, 1);
  if (!positive(p, b, size_atom(p, n->arg[0]))) return false;
  Size limit = size_sub(p, size_mul(p, size_add(p, most, one), b), one);
  return within(p, size_atom(p, n->arg[0]), limit);
}

static bool prim_at_most(Prog *p, const Node *n, Size most, int deep) {
  const Ref *a = n->arg;
  switch (n->aux.i) {
    case P_MIN: return at_most(p, a[0], most, deep) || at_most(p, a[1], most, deep);
    case P_MAX: return at_most(p, a[0], most, deep) && at_most(p, a[1], most, deep);
    case P_CLAMP:
    case P_SELECT: return at_most(p, a[1], most, deep) && at_most(p, a[2], most, deep);
    case P_MOD:
      return positive(p, size_atom(p, a[1]), size_atom(p, a[0])) &&
             within(p, size_sub(p, size_atom(p, a[1]), size_const(p, 1)), most);
    case P_FLOORDIV: return quotient_at_most(p, n, most);
    default: return false;
  }
}

static bool at_most(Prog *p, Ref r, Size most, int deep) {
  const Node *n = ir_node(p, r), *loop = position_of(p, n);
  if (within(p, size_atom(p, r), most)) return true;
  if (loop) return position_below(p, loop, most);
  return n->op == IR_PRIM && deep < MAX_DEEP && prim_at_most(p, n, most, deep + 1);
}

bool int_at_least_0(Prog *p, Ref r) {
  return at_least_0(p, r, 0);
}

bool subscript_holds(Prog *p, Ref r, uint32_t axis) {
  const Node *n = ir_node(p, r);
  Ref at = n->arg[axis + (n->op == IR_READ ? 1 : 2)];
  Size last = size_sub(p, ir_type(p, n->arg[0])->dim[axis], size_const(p, 1));
  return at_least_0(p, at, 0) && at_most(p, at, last, 0);
}

bool bounds_hold(Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  uint32_t axes = n->nargs - (n->op == IR_READ ? 1 : 2);
  for (uint32_t k = 0; k < axes; k++)
    if (!subscript_holds(p, r, k)) return false;
  return true;
}

Prog *opt_bounds(Prog *p) {
  for (Ref r = 1; r < p->nnodes; r++) {
    Node *n = ir_node(p, r);
    bool subscripted = n->op == IR_READ || n->op == IR_WITH || n->op == IR_UPD;
    if (subscripted && n->flags & NODE_CHECKED && bounds_hold(p, r)) n->flags &= ~NODE_CHECKED;
  }
  return p;
}
