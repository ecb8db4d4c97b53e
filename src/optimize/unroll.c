/* unroll.c - loops over a few known rounds become straight-line code: 3-vectors, 3 by 3 and
 * 4 by 4 matrices end as scalars.
 *
 * Takes and gives an erased program.  A LOOP whose extents are constants of at most MOST_TRIPS, or
 * become such ones when the loops around it are written out, and a FOLD of so few rounds, is
 * written out if no other loop in it stays and the whole has at most MOST_NODES nodes; what it
 * built is a STACK, whose elements reads then find.  A LOOP whose index decides between pieces
 * (concat, a row with a one in it) may have more rounds, for nothing is left of the decision.
 * Sums keep their order; a term that is a product with a literal 0 is left out of them (not
 * --ieee).  The program grows by no more than a fixed factor.  Arrays of a few elements become
 * scalars along with it: scalars.c. */
#include "optimize/optimize.h"
#include "optimize/unroll.h"

enum {
  MOST_TRIPS = 4, MOST_ROUNDS = 16,  /* of any loop */
  MOST_PIECES = 32,                  /* of one whose index decides between pieces */
  MOST_NODES = 1024, MOST_VISITS = 4096, MOST_GROWTH = 8, MOST_DEPTH = 8, NEVER = UINT32_MAX
};

/* ---- which -------------------------------------------------------------------------- */

static Ref owner_of(const Prog *p, Ref r) { return p->regions.at[ir_node(p, r)->region]->owner; }

/* What an int can be at most and at least, as the extents of the loops around tell. */
typedef struct Between { int64_t low, high; } Between;

static bool limits_of(const Prog *p, Ref r, Between *x, int depth) {
  const Node *n = ir_node(p, r);
  Between a, b;
  if (n->op == IR_CONST) {
    *x = (Between){n->aux.i, n->aux.i};
    return n->aux.i >= -MOST_PIECES && n->aux.i <= MOST_PIECES;
  }
  if (n->op == IR_PARAM) {
    Ref o = owner_of(p, r);
    const Node *loop = o ? ir_node(p, o) : NULL;
    if (!loop || (loop->op != IR_LOOP && (loop->op != IR_FOLD || n->aux.i))) return false;
    if (depth > MOST_DEPTH || !limits_of(p, loop->arg[n->aux.i], &a, depth + 1)) return false;
    *x = (Between){0, a.high > 0 ? a.high - 1 : 0};
    return true;
  }
  bool sum = n->op == IR_PRIM && (n->aux.i == P_ADD || n->aux.i == P_SUB);
  if (!sum || depth > MOST_DEPTH) return false;
  if (!limits_of(p, n->arg[0], &a, depth + 1) || !limits_of(p, n->arg[1], &b, depth + 1))
    return false;
  *x = n->aux.i == P_ADD ? (Between){a.low + b.low, a.high + b.high}
                         : (Between){a.low - b.high, a.high - b.low};
  return true;
}

/* The rounds of a loop as far as its extents go, each at most `trips`; 0: too many, or not
 * known.  An extent may change with the loops around. */
static uint32_t rounds_of(const Prog *p, const Node *n, uint32_t trips, uint32_t most) {
  uint32_t rounds = 1, axes = n->op == IR_FOLD ? 1 : n->nargs;
  if (n->op != IR_FOLD && n->op != IR_LOOP) return 0;
  for (uint32_t k = 0; k < axes; k++) {
    Between x;
    if (!limits_of(p, n->arg[k], &x, 0) || x.high <= 0 || x.high > trips) return 0;
    rounds *= (uint32_t)x.high;
    if (rounds > most) return 0;
  }
  return rounds;
}

/* What the nodes of a region come to: how many are left once everything in it is written out
 * (NEVER: a loop stays), and how many are looked at for that. */
typedef struct Inside { uint32_t left, visits; } Inside;

/* What is chosen so far; the nodes of a region come before its owner. */
typedef struct Choice {
  Unroll *u;
  const Prog *p;
  Inside *inside;        /* by number of a region */
  bool *pieces;          /* by Ref of a loop: an `if` or select asks about its index alone */
  Ref *upds, *next_upd;  /* updates by handle */
  uint64_t left;         /* nodes by which the program may still grow */
} Choice;

/* The loop that this index belongs to, if it has few rounds. */
static Ref loop_of_index(const Choice *c, Ref r) {
  Ref o = owner_of(c->p, r);
  const Node *n = ir_node(c->p, r), *loop = o ? ir_node(c->p, o) : NULL;
  if (!loop || (loop->op != IR_LOOP && n->aux.i != 0)) return 0;
  return rounds_of(c->p, loop, MOST_PIECES, MOST_PIECES) ? o : 0;
}

static bool folds(const Node *n) {
  if (n->op != IR_PRIM) return n->op == IR_TOREAL;
  switch (n->aux.i) {
  case P_ADD: case P_SUB: case P_MUL: case P_NEG: case P_EQ: case P_NE: case P_LT: case P_LE:
  case P_GT: case P_GE: case P_AND: case P_OR: case P_NOT: return true;
  default: return false;
  }
}

/* Will this be a constant once the loops of few rounds around it are written out? */
static bool may_be_const(const Choice *c, Ref r, int depth) {
  const Node *n = ir_node(c->p, r);
  if (n->op == IR_CONST) return true;
  if (n->op == IR_PARAM) return loop_of_index(c, r) != 0;
  if (!folds(n) || depth > MOST_DEPTH) return false;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (!may_be_const(c, n->arg[k], depth + 1)) return false;
  return true;
}

/* The same where it has been chosen which loops are written out. */
static bool becomes_const(const Choice *c, Ref r, int depth) {
  const Node *n = ir_node(c->p, r);
  if (n->op == IR_PARAM) {
    Ref o = loop_of_index(c, r);
    return o && c->u->rounds[o];
  }
  if (n->op == IR_CONST) return true;
  if (!folds(n) || depth > MOST_DEPTH) return false;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (!becomes_const(c, n->arg[k], depth + 1)) return false;
  return true;
}

/* Notes the loops whose indices decide a condition that will be constant. */
static void note_pieces(const Choice *c, Ref r, int depth) {
  const Node *n = ir_node(c->p, r);
  if (n->op == IR_PARAM) c->pieces[owner_of(c->p, r)] = true;
  for (uint32_t k = 0; k < n->nargs && depth <= MOST_DEPTH; k++)
    note_pieces(c, n->arg[k], depth + 1);
}

/* may_be_const while loops further out are still to be judged, becomes_const afterwards. */
typedef bool (*Known)(const Choice *c, Ref r, int depth);

/* Does the update come to additions at known places of the scope `accum`? */
static bool becomes_plain(const Choice *c, Ref upd, Ref accum, Known known) {
  const Node *n = ir_node(c->p, upd);
  if (n->flags & NODE_CHECKED) return false;
  for (uint32_t k = 2; k < n->nargs; k++)
    if (!known(c, n->arg[k], 0)) return false;
  for (Ref o = owner_of(c->p, upd); o != accum; o = owner_of(c->p, o)) {
    const Node *around = ir_node(c->p, o);
    bool gone = around->op == IR_ACCUM ? c->u->opens[o] : c->u->rounds[o] != 0;
    if (around->op != IR_IF && !gone) return false;
    uint32_t extents = around->op == IR_LOOP ? around->nargs : around->op == IR_FOLD;
    for (uint32_t k = 0; k < extents; k++)
      if (!known(c, around->arg[k], 0)) return false;
  }
  return true;
}

/* Its elements if the scope's arrays can become scalars, else 0. */
static uint32_t scope_elements(const Choice *c, Ref r, Known known) {
  const Node *n = ir_node(c->p, r);
  uint32_t total = 0;
  for (uint32_t k = 0; k < n->nargs; k++) {
    Ref handle = n->regions[0]->params.at[k];
    uint32_t few = few_elements(n->result_type[k]);
    if (!few) return 0;
    total += few;
    for (Ref x = c->upds[handle]; x; x = c->next_upd[x])
      if (!becomes_plain(c, x, r, known)) return 0;
  }
  return total;
}

/* Scopes in loops that stay after all stay, too.  Inner ones come first. */
static void judge_scopes(const Choice *c) {
  for (Ref r = 1; r < c->p->nnodes; r++)
    if (c->u->opens[r] && !scope_elements(c, r, becomes_const)) c->u->opens[r] = false;
}

static const Inside never = {NEVER, NEVER};

static Inside both(Inside a, Inside b) {
  if (a.left == NEVER || b.left == NEVER) return never;
  Inside sum = {a.left + b.left, a.visits + b.visits};
  return sum.left > MOST_NODES || sum.visits > MOST_VISITS ? never : sum;
}

/* One of two branches where it will be known which. */
static Inside inside_if(const Choice *c, const Node *n) {
  Inside a = c->inside[n->regions[0]->id], b = c->inside[n->regions[1]->id];
  Inside sum = both(a, b);
  if (sum.left == NEVER || !may_be_const(c, n->arg[0], 0)) return sum;
  note_pieces(c, n->arg[0], 0);
  return (Inside){a.left > b.left ? a.left : b.left, sum.visits};
}

static Inside inside_loop(Choice *c, Ref r) {
  const Node *n = ir_node(c->p, r);
  Inside in = c->inside[n->regions[0]->id];
  bool pieces = n->op == IR_LOOP && c->pieces[r];
  uint32_t rounds = pieces ? rounds_of(c->p, n, MOST_PIECES, MOST_PIECES)
                           : rounds_of(c->p, n, MOST_TRIPS, MOST_ROUNDS);
  if (!rounds || in.left == NEVER) return never;
  if (in.left > MOST_NODES / rounds || in.visits > MOST_VISITS / rounds) return never;
  if (rounds * in.left > c->left) return never;
  c->u->rounds[r] = rounds;
  c->left -= rounds * in.left;
  return (Inside){rounds * in.left, rounds * in.visits};
}

/* Is it an element of a small literal array that holds zeros for the most part? */
static bool reads_zeros(const Prog *p, const Node *n) {
  uint32_t length = 1, zeros = 0;
  int64_t dim = 0;
  if (n->op != IR_READ || n->type->rank) return false;
  const Node *data = ir_node(p, n->arg[0]);
  if (data->op != IR_DATA) return false;
  for (uint32_t d = 0; d < data->type->rank && length <= MOST_NODES; d++)
    length *= size_is_const(data->type->dim[d], &dim) && dim <= MOST_PIECES ? (uint32_t)dim
                                                                             : MOST_NODES;
  for (uint32_t k = 0; k < length && length < MOST_NODES; k++)
    zeros += data->type->elem == ELEM_REAL ? ((const double *)data->aux.data)[k] == 0
                                           : ((const int64_t *)data->aux.data)[k] == 0;
  return 2 * zeros >= length && length < MOST_NODES;
}

static bool will_be_known(const Choice *c, const Node *n) {
  if (n->op == IR_PRIM && n->aux.i == P_SELECT) return may_be_const(c, n->arg[0], 0);
  if (!reads_zeros(c->p, n)) return false;
  for (uint32_t k = 1; k < n->nargs; k++)
    if (!may_be_const(c, n->arg[k], 0)) return false;
  return true;
}

/* What r comes to; NEVER: it holds a loop that stays, or speaks. */
static Inside choose_one(Choice *c, Ref r) {
  const Node *n = ir_node(c->p, r);
  uint32_t few;
  switch (n->op) {
  case IR_TRACE: case IR_PRINT: case IR_ASSERT: return never;
  case IR_CONST: case IR_PARAM: case IR_PROJ: return (Inside){0, 0};
  case IR_IF: return inside_if(c, n);
  case IR_ACCUM:
    few = scope_elements(c, r, may_be_const);
    c->u->opens[r] = few != 0;
    return few ? both(c->inside[n->regions[0]->id], (Inside){few, few}) : never;
  case IR_UPD:
    c->next_upd[r] = c->upds[n->arg[0]];
    c->upds[n->arg[0]] = r;
    return (Inside){1, 1};
  default: break;
  }
  if (n->nregions) return inside_loop(c, r);
  if (will_be_known(c, n))
    for (uint32_t k = n->op == IR_READ; k < (n->op == IR_READ ? n->nargs : 1); k++)
      note_pieces(c, n->arg[k], 0);
  return (Inside){!may_be_const(c, r, 0), 1};
}

/* Is there anything that the hooks would change? */
static bool choose(Unroll *u, const Prog *p) {
  Choice c = {u, p, NEWN(p->ctx, Inside, p->regions.n), NEWN(p->ctx, bool, p->nnodes),
              NEWN(p->ctx, Ref, p->nnodes), NEWN(p->ctx, Ref, p->nnodes),
              (uint64_t)ir_count(p) * MOST_GROWTH + MOST_NODES};
  bool any = false;
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    Inside *in = &c.inside[n->region];
    *in = both(*in, choose_one(&c, r));
    any |= u->rounds[r] || u->opens[r];
    for (uint32_t k = 0; k < n->nresults; k++) any |= few_elements(n->result_type[k]) != 0;
  }
  judge_scopes(&c);
  arena_release(p->ctx, c.inside, sizeof *c.inside * p->regions.n);
  arena_release(p->ctx, c.pieces, sizeof *c.pieces * p->nnodes);
  arena_release(p->ctx, c.upds, sizeof *c.upds * p->nnodes);
  arena_release(p->ctx, c.next_upd, sizeof *c.next_upd * p->nnodes);
  return any;
}

/* ---- results --------------------------------------------------------------------------- */

static Ref or_nan(Prog *p, uint32_t compare, Ref v, Ref best) {
  Ref better = ir_prim2(p, compare, v, best);
  if (ir_type(p, v)->elem != ELEM_REAL) return better;
  Ref first_nan = ir_prim2(p, P_AND, ir_prim1(p, P_ISNAN, v),
                           ir_prim1(p, P_NOT, ir_prim1(p, P_ISNAN, best)));
  return ir_prim2(p, P_OR, better, first_nan);
}

/* The position of the first winner. */
static Ref position(Prog *p, Combiner comb, const Ref *v, uint32_t n) {
  Ref best = v[0], at = ir_int(p, 0);
  for (uint32_t k = 1; k < n; k++) {
    Ref wins = or_nan(p, comb == ARGMAX ? P_GT : P_LT, v[k], best);
    Ref which[] = {wins, ir_int(p, k), at}, value[] = {wins, v[k], best};
    at = ir_prim(p, P_SELECT, which);
    best = ir_prim(p, P_SELECT, value);
  }
  return at;
}

static Ref chain(Prog *p, uint32_t prim, const Ref *v, uint32_t n) {
  Ref sum = v[0];
  for (uint32_t k = 1; k < n; k++) sum = ir_prim2(p, prim, sum, v[k]);
  return sum;
}

/* Is it a product with a literal 0 in it, so that a sum is the same without it? */
static bool vanishes(const Prog *p, Ref r, int depth) {
  const Node *n = ir_node(p, r);
  if (pass_zero(p, r)) return true;
  if (n->op != IR_PRIM || depth > MOST_DEPTH) return false;
  if (n->aux.i == P_NEG) return vanishes(p, n->arg[0], depth + 1);
  return n->aux.i == P_MUL && (vanishes(p, n->arg[0], depth + 1) ||
                               vanishes(p, n->arg[1], depth + 1));
}

/* The zeros that a matrix has by its making, the last row of a rigid transform, cost nothing. */
static Ref add_up(Prog *p, const Ref *v, uint32_t n) {
  Ref sum = 0;
  if (p->ctx->opt.ieee || ir_type(p, v[0])->rank) return chain(p, P_ADD, v, n);
  for (uint32_t k = 0; k < n; k++)
    if (!vanishes(p, v[k], 0)) sum = sum ? ir_prim2(p, P_ADD, sum, v[k]) : v[k];
  return sum ? sum : ir_zero(p, ir_type(p, v[0]));
}

/* The new value before the old one: where they are equal it makes no difference. */
static Ref extreme(Prog *p, uint32_t prim, const Ref *v, uint32_t n) {
  Ref best = v[0];
  for (uint32_t k = 1; k < n; k++) best = ir_prim2(p, prim, v[k], best);
  return best;
}

typedef struct Axes { uint32_t axes, length[MAX_RANK]; } Axes;

static Ref combine(Prog *p, Combiner comb, const Axes *x, Ref *v, uint32_t n) {
  switch (comb) {
  case BUILD: return stack_axes(p, x->length, x->axes, v, n);
  case SUM: return add_up(p, v, n);
  case PROD: return chain(p, P_MUL, v, n);
  case MAX: return extreme(p, P_MAX, v, n);
  case MIN: return extreme(p, P_MIN, v, n);
  case ANY: return chain(p, P_OR, v, n);
  case ALL: return chain(p, P_AND, v, n);
  default: return position(p, comb, v, n);
  }
}

/* ---- writing out ------------------------------------------------------------------------- */

/* The lengths as they are now; false if one is not known: a loop around stays. */
static bool find_axes(Rewrite *w, const Node *n, Axes *x) {
  *x = (Axes){.axes = n->op == IR_FOLD ? 1 : n->nargs};
  for (uint32_t a = 0; a < x->axes; a++) {
    const Node *extent = ir_node(w->k.to, copy_ref(&w->k, n->arg[a]));
    if (extent->op != IR_CONST) return false;
    x->length[a] = extent->aux.i > 0 ? (uint32_t)extent->aux.i : 0;
  }
  return true;
}

static uint32_t count_rounds(const Axes *x) {
  uint32_t rounds = 1;
  for (uint32_t a = 0; a < x->axes; a++) rounds *= x->length[a];
  return rounds;
}

/* No round at all: the sums are 0, what is carried stays, and no array of nothing is asked for. */
static bool only_sums(const Node *n) {
  for (uint32_t k = 0; k < n->aux.loop->nout; k++)
    if (n->aux.loop->comb[k] != SUM) return false;
  return true;
}

/* The indices of round number k, row-major. */
static void set_indices(Rewrite *w, const Region *body, const Axes *x, uint32_t k) {
  for (uint32_t a = x->axes; a-- > 0;) {
    copy_set(&w->k, body->params.at[a], ir_int(w->k.to, k % x->length[a]));
    k /= x->length[a];
  }
}

/* idle: it has no round, but stays. */
static Ref write_out(Rewrite *w, Ref old, bool *idle) {
  const Node *n = ir_node(w->k.from, old);
  Ctx *c = w->k.to->ctx;
  const Region *body = n->regions[0];
  Axes x;
  if (!find_axes(w, n, &x)) return 0;
  uint32_t rounds = count_rounds(&x);
  *idle = !rounds && !only_sums(n);
  if (*idle) return 0;
  uint32_t ncarry = n->op == IR_FOLD ? n->nargs - 1 : 0, nout = body->results.n - ncarry;
  Ref *state = NEWN(c, Ref, ncarry + 1), *value = NEWN(c, Ref, nout * rounds + 1);
  for (uint32_t k = 0; k < ncarry; k++) state[k] = copy_ref(&w->k, n->arg[k + 1]);
  for (uint32_t j = 0; j < rounds; j++) {
    set_indices(w, body, &x, j);
    for (uint32_t k = 0; k < ncarry; k++) copy_set(&w->k, body->params.at[k + 1], state[k]);
    rewrite_nodes(w, body);
    for (uint32_t k = 0; k < ncarry; k++) state[k] = copy_ref(&w->k, body->results.at[k]);
    for (uint32_t k = 0; k < nout; k++)
      value[k * rounds + j] = copy_ref(&w->k, body->results.at[ncarry + k]);
  }
  pass_as(w, n);
  w->outs[old] = NEWN(c, Ref, n->nresults + 1);
  for (uint32_t k = 0; k < ncarry; k++) w->outs[old][k] = state[k];
  for (uint32_t k = 0; k < nout; k++)
    w->outs[old][ncarry + k] =
      rounds ? combine(w->k.to, n->aux.loop->comb[k], &x, value + k * rounds, rounds)
             : ir_zero(w->k.to, pass_type(w, n->result_type[k]));
  return REWRITE_GONE;
}

static Ref take_apart_node(Unroll *u, Ref old) {
  Rewrite *w = &u->w;
  switch (ir_node(w->k.from, old)->op) {
  case IR_ACCUM: return open_scope(u, old);
  case IR_UPD: return open_update(u, old);
  case IR_IF: return split_if(u, old);
  case IR_FOLD: case IR_WHILE: return split_fold(u, old);
  default: return 0;
  }
}

static Ref visit(Rewrite *w, Ref old) {
  Unroll *u = w->self;
  bool idle = false;
  w->outs[old] = NULL;   /* set if it stood in a round before, where something else was known */
  Ref r = u->rounds[old] ? write_out(w, old, &idle) : 0;
  if (r) return r;
  u->idle += idle;
  r = take_apart_node(u, old);
  if (!r && idle) r = rewrite_copy(w, old);
  u->idle -= idle;
  return r;
}

Prog *opt_unroll(Prog *p) {
  if (p->regions.n == 1) return p;   /* no loop */
  Unroll u = {.w = {.node = visit}, .rounds = NEWN(p->ctx, uint32_t, p->nnodes),
              .opens = NEWN(p->ctx, bool, p->nnodes), .sum = NEWN(p->ctx, Ref *, p->nnodes)};
  u.w.self = &u;
  Prog *to = choose(&u, p) ? rewrite_program(&u.w, p) : p;
  arena_release(p->ctx, u.rounds, sizeof *u.rounds * p->nnodes);
  arena_release(p->ctx, u.opens, sizeof *u.opens * p->nnodes);
  arena_release(p->ctx, u.sum, sizeof *u.sum * p->nnodes);
  return to;
}
