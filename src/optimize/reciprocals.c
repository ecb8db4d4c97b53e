/* reciprocals.c - in derivative code, what divides often is inverted once.
 *
 * Requires: barriers gone.  Quotients x/d and y/d of derivative code become x*r and y*r with
 * r = 1/d: where a region has two of them, or where d stays the same in a loop and r can be
 * computed in front of it.  1/(d*d) is r*r.  A division takes as long as ten products.
 * Values that somebody wrote as quotients stay quotients; so does all with --ieee.  Linear, times
 * the nesting. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

typedef struct Count { Ref divisor; uint32_t region, n; } Count;

typedef struct Reciprocals {
  const Prog *p;
  Count *table;          /* quotients by divisor and region; a power of two of them */
  uint32_t room;
  bool *busy;            /* by number of a region: are quotients to become products in it? */
  bool any;
} Reciprocals;

/* ---- which -------------------------------------------------------------------------------- */

static bool derivative_prim(const Node *n, uint32_t prim) {
  return n->op == IR_PRIM && n->aux.i == prim && n->flags & NODE_DERIVATIVE &&
         n->type->elem == ELEM_REAL;
}

/* a, if d is a*a or a^2 of derivative code; else d. */
static Ref root_of(const Prog *p, Ref d) {
  const Node *n = ir_node(p, d);
  double two;
  if (derivative_prim(n, P_MUL) && n->arg[0] == n->arg[1]) return n->arg[0];
  if (derivative_prim(n, P_POW) && ir_is_const(p, n->arg[1], &two) && two == 2) return n->arg[0];
  return d;
}

/* What r is divided by, if it may be a product as well; 0: nothing. */
static Ref divisor_of(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (!derivative_prim(n, P_DIV) || ir_node(p, n->arg[1])->op == IR_CONST) return 0;
  return n->arg[1];
}

static Count *find(const Reciprocals *s, Ref divisor, uint32_t region) {
  uint32_t at = (divisor * 0x9e3779b1u ^ region * 0x85ebca6bu) & (s->room - 1);
  while (s->table[at].n && (s->table[at].divisor != divisor || s->table[at].region != region))
    at = (at + 1) & (s->room - 1);
  return &s->table[at];
}

static void count(Reciprocals *s, Ref divisor, uint32_t region) {
  Count *c = find(s, divisor, region);
  *c = (Count){divisor, region, c->n + 1};
}

/* Is the reciprocal of `divisor` wanted in region `in`: there or around it are two quotients, or
 * a loop stands between? */
static bool wanted(const Reciprocals *s, Ref divisor, uint32_t in) {
  const Prog *p = s->p;
  const Region *home = p->regions.at[ir_node(p, divisor)->region];
  for (const Region *at = p->regions.at[in];; at = at->parent) {
    if (find(s, divisor, at->id)->n > 1) return true;
    if (at == home) return false;
    uint16_t op = ir_node(p, at->owner)->op;
    if (op == IR_LOOP || op == IR_FOLD || op == IR_WHILE) return true;
  }
}

static bool becomes_product(const Reciprocals *s, Ref r) {
  Ref d = divisor_of(s->p, r);
  return d && wanted(s, root_of(s->p, d), ir_node(s->p, r)->region);
}

static void choose(Reciprocals *s) {
  const Prog *p = s->p;
  for (Ref r = 1; r < p->nnodes; r++) {
    Ref d = divisor_of(p, r);
    if (d) count(s, root_of(p, d), ir_node(p, r)->region);
  }
  for (Ref r = 1; r < p->nnodes; r++) {
    if (!becomes_product(s, r)) continue;
    rewrite_busy(s->busy, p, r);
    s->any = true;
  }
}

/* ---- the new program ------------------------------------------------------------------------ */

static Ref visit(Rewrite *w, Ref old) {
  const Reciprocals *s = w->self;
  Prog *to = w->k.to;
  if (!becomes_product(s, old)) return 0;
  const Node *n = ir_node(w->k.from, old);
  Ref root = root_of(w->k.from, n->arg[1]);
  Ref r = ir_prim2(to, P_DIV, ir_real(to, 1.0), copy_ref(&w->k, root));
  if (root != n->arg[1]) r = ir_mul(to, r, r);
  return ir_mul(to, copy_ref(&w->k, n->arg[0]), r);
}

static uint32_t quotients(const Prog *p) {
  uint32_t n = 0;
  for (Ref r = 1; r < p->nnodes; r++) n += divisor_of(p, r) != 0;
  return n;
}

Prog *opt_reciprocals(Prog *p) {
  uint32_t n = quotients(p);
  Reciprocals s = {.p = p, .room = 16};
  if (!n || p->ctx->opt.ieee) return p;
  while (s.room < 2 * n) s.room *= 2;
  s.table = NEWN(p->ctx, Count, s.room);
  s.busy = NEWN(p->ctx, bool, p->regions.n);
  choose(&s);
  Prog *to = p;
  if (s.any) {
    Rewrite w = {.node = visit, .self = &s, .busy = s.busy};
    to = rewrite_program(&w, p);
    to = prog_replace(to, ir_trim_here(to));
  }
  arena_release(p->ctx, s.table, sizeof *s.table * s.room);
  return to;
}
