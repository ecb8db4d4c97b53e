/* ranges_plan.c - questions that a loop's body asks of its indices.
 *
 * Comparisons of ints, remainders, min and max are questions; d = ±i + rest with `rest` known
 * outside is what they look at.  A threshold near an end of the axis, by a literal distance,
 * makes the rounds beyond it an edge; one that is known to lie outside the axis is none; any
 * other one may be the middle of the last axis, the first such. */
#include "optimize/optimize.h"
#include "optimize/ranges.h"

enum {
  EDGE = 32,            /* rounds of an edge at most */
  ROUNDS = 12,          /* of an axis at least, if it is literal */
  MAX_BODY = 400,       /* nodes that are said twice */
  MAX_ANSWERS = 64,
  MAX_DEEP = 4,
};

/* d = i + rest, or rest - i. */
typedef struct Line { uint32_t axis; bool back; Size rest; } Line;

/* Where the rounds of the axis lie, seen from a threshold. */
typedef enum Side { SIDE_BELOW, SIDE_ABOVE, SIDE_BOTH } Side;
typedef struct Sight { Side side; int64_t low, high; } Sight;

static const Node *loop_of(const Ranges *s) { return ir_node(s->p, s->loop); }

static const Region *outside(const Ranges *s) {
  return s->p->regions.at[loop_of(s)->region];
}

static bool index_of(const Ranges *s, Ref r, uint32_t *axis) {
  const Region *body = loop_of(s)->regions[0];
  for (*axis = 0; *axis < body->params.n; ++*axis)
    if (body->params.at[*axis] == r) return true;
  return false;
}

static bool is_line(const Ranges *s, Size d, Line *line) {
  Prog *p = s->p;
  Size moving = NULL;
  for (uint32_t k = 0; k < d->n; k++) {
    const Mono *m = &d->mono[k];
    if (m->den != 1) return false;
    for (uint32_t a = 0; a < m->n; a++) {
      if (ir_in_scope(p, m->atom[a], outside(s))) continue;
      bool single = m->n == 1 && m->exp[0] == 1 && (m->num == 1 || m->num == -1);
      if (moving || !single || !index_of(s, m->atom[a], &line->axis)) return false;
      line->back = m->num < 0;
      moving = size_scale(p, size_atom(p, m->atom[a]), m->num, 1);
    }
  }
  if (moving) line->rest = size_sub(p, d, moving);
  return moving != NULL;
}

/* ---- thresholds --------------------------------------------------------------------- */

static Size extent_of(const Ranges *s, uint32_t axis) {
  return size_atom(s->p, loop_of(s)->arg[axis]);
}

/* Of the rounds i < t and the rounds i >= t. */
static Sight look(const Ranges *s, uint32_t axis, Size t) {
  Prog *p = s->p;
  Size extent = extent_of(s, axis), left = size_sub(p, extent, t);
  int64_t at, rest, all;
  bool literal = size_is_const(extent, &all), early = size_is_const(t, &at);
  if (literal && early && at > all / 2) early = false;
  if (early && at <= EDGE) return (Sight){SIDE_ABOVE, at > 0 ? at : 0, 0};
  if (size_is_const(left, &rest) && rest <= EDGE)
    return (Sight){SIDE_BELOW, 0, rest > 0 ? rest : 0};
  if (size_nonneg(p, size_scale(p, t, -1, 1))) return (Sight){SIDE_ABOVE, 0, 0};
  if (size_nonneg(p, size_scale(p, left, -1, 1))) return (Sight){SIDE_BELOW, 0, 0};
  return (Sight){SIDE_BOTH, 0, 0};
}

static void take(Ranges *s, uint32_t axis, Sight x) {
  if (x.low > s->low[axis]) s->low[axis] = x.low;
  if (x.high > s->high[axis]) s->high[axis] = x.high;
}

static bool may_halve(const Ranges *s, uint32_t axis, Size t) {
  if (axis + 1 != loop_of(s)->nargs || s->ring) return false;
  return !s->middle || s->middle == t;
}

/* The answer of i < t: true if known. */
static bool below(Ranges *s, uint32_t axis, Size t, bool truth[2]) {
  Sight x = look(s, axis, t);
  if (x.side == SIDE_BOTH && !may_halve(s, axis, t)) return false;
  if (x.side == SIDE_BOTH) s->middle = t;
  take(s, axis, x);
  truth[0] = x.side != SIDE_ABOVE;
  truth[1] = x.side == SIDE_BELOW;
  return true;
}

static Size plus(const Ranges *s, Size a, int64_t c) {
  return size_add(s->p, a, size_const(s->p, c));
}

static Size minus(const Ranges *s, Size a) { return size_scale(s->p, a, -1, 1); }

/* d < 0 */
static bool negative(Ranges *s, const Line *d, bool truth[2]) {
  if (!d->back) return below(s, d->axis, minus(s, d->rest), truth);
  if (!below(s, d->axis, plus(s, d->rest, 1), truth)) return false;
  for (int k = 0; k < 2; k++) truth[k] = !truth[k];
  return true;
}

/* d == 0, which one round at most knows. */
static bool never_zero(Ranges *s, const Line *d) {
  Size at = d->back ? d->rest : minus(s, d->rest);
  Sight here = look(s, d->axis, at), next = look(s, d->axis, plus(s, at, 1));
  if (here.side == SIDE_BELOW) take(s, d->axis, here);
  else if (next.side == SIDE_ABOVE) take(s, d->axis, next);
  else return false;
  return true;
}

/* ---- questions ------------------------------------------------------------------------ */

static bool compare(Ranges *s, Answer *a, int64_t prim, Size x, Size y) {
  Line d;
  bool turn = prim == P_GE || prim == P_LE || prim == P_NE;
  bool swap = prim == P_GT || prim == P_LE;
  if (!is_line(s, swap ? size_sub(s->p, y, x) : size_sub(s->p, x, y), &d)) return false;
  a->truth[0] = a->truth[1] = false;
  bool known = prim == P_EQ || prim == P_NE ? never_zero(s, &d) : negative(s, &d, a->truth);
  for (int k = 0; k < 2 && turn; k++) a->truth[k] = !a->truth[k];
  return known;
}

/* d < 0, or d <= 0 where that leaves shorter edges: at 0 either will do. */
static bool no_more(Ranges *s, const Line *d, bool truth[2]) {
  Line most = {d->axis, d->back, plus(s, d->rest, -1)};
  Size strict = d->back ? plus(s, d->rest, 1) : minus(s, d->rest);
  Size at_most = plus(s, strict, d->back ? -1 : 1);
  Sight x = look(s, d->axis, strict), y = look(s, d->axis, at_most);
  bool shorter = y.side != SIDE_BOTH && y.low + y.high < x.low + x.high;
  return negative(s, shorter ? &most : d, truth);
}

static bool choose(Ranges *s, Answer *a, const Node *n) {
  bool first[2];
  Line d;
  Size x = size_atom(s->p, n->arg[0]), y = size_atom(s->p, n->arg[1]);
  if (!is_line(s, size_sub(s->p, x, y), &d) || !no_more(s, &d, first)) return false;
  a->kind = ANSWER_OPERAND;
  for (int k = 0; k < 2; k++) a->operand[k] = n->arg[first[k] == (n->aux.i == P_MIN) ? 0 : 1];
  return true;
}

/* The rounds in which x = d mod m is d - q*m are those from *first to below *end. */
static void turn_of(const Ranges *s, const Line *d, Size m, int64_t q, Size *first, Size *end) {
  Size here = size_sub(s->p, size_scale(s->p, m, q, 1), d->rest);
  Size next = size_sub(s->p, size_scale(s->p, m, q + 1, 1), d->rest);
  *first = d->back ? plus(s, minus(s, next), 1) : here;
  *end = d->back ? plus(s, minus(s, here), 1) : next;
}

/* One turn of the ring but for edges. */
static bool one_turn(Ranges *s, Answer *a, const Line *d, Size whole, Size m) {
  for (int64_t q = -1; q <= 1; q++) {
    Size first, end;
    turn_of(s, d, m, q, &first, &end);
    Sight x = look(s, d->axis, first), y = look(s, d->axis, end);
    if (x.side != SIDE_ABOVE || y.side != SIDE_BELOW) continue;
    take(s, d->axis, x);
    take(s, d->axis, y);
    a->number[0] = a->number[1] = size_sub(s->p, whole, size_scale(s->p, m, q, 1));
    return true;
  }
  return false;
}

/* (i + r) mod m over at most m rounds passes the seam once: r mod m, known in front of the
 * loop, tells where. */
static bool two_turns(Ranges *s, Answer *a, const Line *d, Size m) {
  Prog *p = s->p;
  bool seen = s->ring == m && s->roll == d->rest && s->back == d->back;
  if (d->axis + 1 != loop_of(s)->nargs || s->middle || (s->ring && !seen)) return false;
  if (!size_nonneg(p, size_sub(p, m, extent_of(s, d->axis)))) return false;
  s->ring = m;
  s->roll = d->rest;
  s->back = d->back;
  a->rolled = true;
  Size index = size_atom(p, loop_of(s)->regions[0]->params.at[d->axis]);
  a->number[0] = d->back ? minus(s, index) : index;
  a->number[1] = d->back ? size_add(p, a->number[0], m) : size_sub(p, index, m);
  return true;
}

static bool remainder_of(Ranges *s, Answer *a, const Node *n) {
  Line d;
  Size whole = size_atom(s->p, n->arg[0]), m = size_atom(s->p, n->arg[1]);
  if (!ir_in_scope(s->p, n->arg[1], outside(s)) && ir_node(s->p, n->arg[1])->op != IR_CONST)
    return false;
  if (!is_line(s, whole, &d) || !divisor_holds(s->p, n)) return false;
  a->kind = ANSWER_NUMBER;
  return one_turn(s, a, &d, whole, m) || two_turns(s, a, &d, m);
}

static bool is_asked(const Prog *p, const Node *n) {
  if (n->op != IR_PRIM || n->nargs != 2 || ir_type(p, n->arg[0])->elem != ELEM_INT) return false;
  switch (n->aux.i) {
    case P_MOD: case P_MIN: case P_MAX:
    case P_LT: case P_LE: case P_GT: case P_GE: case P_EQ: case P_NE: return true;
    default: return false;
  }
}

static bool ask(Ranges *s, Answer *a, const Node *n) {
  switch (n->aux.i) {
    case P_MOD: return remainder_of(s, a, n);
    case P_MIN: case P_MAX: return choose(s, a, n);
    default:
      return compare(s, a, n->aux.i, size_atom(s->p, n->arg[0]), size_atom(s->p, n->arg[1]));
  }
}

/* ---- all of them ------------------------------------------------------------------------- */

typedef struct Body { uint32_t nodes; bool loops, inner; } Body;

static void ask_region(Ranges *s, const Region *r, const bool *answered, bool in_loop, int deep,
                       Body *b) {
  for (uint32_t k = 0; k < r->nodes.n && b->nodes <= MAX_BODY; k++) {
    Ref x = r->nodes.at[k];
    const Node *n = ir_node(s->p, x);
    Answer a = {.of = s, .node = x};
    b->nodes++;
    bool known = is_asked(s->p, n) && !answered[x] && s->answers.n < MAX_ANSWERS && ask(s, &a, n);
    if (known) VEC_PUSH(s->p->ctx, &s->answers, a);
    bool loops = n->nregions && n->op != IR_IF;
    b->loops |= loops;
    b->inner |= (known && in_loop) || (n->op == IR_IF && n->nregions);
    for (uint32_t j = 0; j < n->nregions && deep < MAX_DEEP; j++)
      ask_region(s, n->regions[j], answered, in_loop || loops, deep + 1, b);
  }
}

bool ranges_have_edges(const Ranges *s) {
  for (uint32_t k = 0; k < loop_of(s)->nargs; k++)
    if (s->low[k] || s->high[k]) return true;
  return false;
}

/* Are the axes long, for all that is known? */
static bool is_long(const Ranges *s) {
  int64_t n;
  for (uint32_t k = 0; k < loop_of(s)->nargs; k++) {
    bool edges = s->low[k] || s->high[k];
    bool asked = edges || k + 1 == loop_of(s)->nargs;
    if (!asked || !size_is_const(extent_of(s, k), &n)) continue;
    if (n < ROUNDS || n < 4 * (s->low[k] + s->high[k])) return false;
  }
  return true;
}

static bool builds_rows(const Node *n) {
  for (uint32_t k = 0; k < n->nresults; k++)
    if (n->result_type[k]->rank > (n->aux.loop->comb[k] == BUILD ? n->nargs : 0)) return true;
  return false;
}

Ranges *find_ranges(Prog *p, Ref loop, const bool *answered) {
  const Node *n = ir_node(p, loop);
  if (n->op != IR_LOOP || n->nargs == 0 || builds_rows(n) || n->flags & NODE_IO) return NULL;
  Ranges *s = NEW(p->ctx, Ranges);
  *s = (Ranges){.p = p, .loop = loop};
  Body b = {0};
  Region *cur = p->cur;
  p->cur = n->regions[0];
  ask_region(s, n->regions[0], answered, false, 0, &b);
  p->cur = cur;
  return s->answers.n && b.nodes <= MAX_BODY && is_long(s) && (!b.loops || b.inner) ? s : NULL;
}
