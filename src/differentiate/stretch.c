/* stretch.c - the reverse of `loop … while … at most N`, and of a fold under --checkpoint.
 *
 * States may be large, and how often a loop turned is known only when it has run, so the
 * backward pass keeps a bounded number of states: `checkpoints` evenly spaced ones, then as
 * many again inside the stretch at hand.  Up to checkpoints^2 trips each state is computed
 * three times in all; beyond that, steps between two checkpoints are run again one by one.
 * Where N is a number and no more than that, all states are kept, and each is computed twice.
 * For a fold of T trips, T known, there are sqrt(T) of them.  All of it is folds, so it can be
 * differentiated again. */
#include "differentiate/stretch.h"

enum { CHECKPOINTS = 256 };

/* ---- shared with fold.c ---- */

void seed_step(Reverse *v, Level *child, const Step *s) {
  Prog *p = v->p;
  const Region *body = s->n->regions[s->n->nregions - 1];
  uint32_t carried = s->n->nargs - 1;
  seed_updates(v, child, body);
  for (uint32_t j = 0; j < s->nactive; j++)
    add_adjoint(v, child, copy_ref(v->replay, body->results.at[s->active[j]]), s->adjoint[j]);
  if (s->n->op != IR_FOLD || !s->g) return;
  for (uint32_t k = carried; k < s->nresults; k++) {
    if (!s->g[k]) continue;
    Combiner c = s->n->aux.loop->comb[k - carried];
    if (c != BUILD && c != SUM) internal_error(p->ctx, "a fold's output is not a build or a sum");
    Ref seed = c == SUM ? s->g[k] : ir_read(p, s->g[k], 1, &s->t, false);
    add_adjoint(v, child, copy_ref(v->replay, body->results.at[k]), seed);
  }
}

void first_adjoints(Reverse *v, const Node *n, uint32_t nactive, const uint32_t *active,
                    const Ref *g, Ref *adjoint) {
  Prog *p = v->p;
  for (uint32_t j = 0; j < nactive; j++) {
    Ref arrived = g ? g[active[j]] : 0;
    Ref init = copy_ref(v->replay, n->arg[active[j] + 1]);
    adjoint[j] = arrived ? arrived : ir_zero(p, ir_type(p, init));
  }
}

void frees_give_sums(Reverse *v, const Frees *f, Level *child) {
  Ref *sums = NEWN(v->p->ctx, Ref, f->nscalars + 1);
  frees_scalar_sums(v, f, child, sums);
  for (uint32_t k = 0; k < f->nscalars; k++) ir_result(v->p, sums[k]);
}

Combiner *all_sums(Prog *p, uint32_t n) {
  Combiner *comb = NEWN(p->ctx, Combiner, n + 1);
  for (uint32_t k = 0; k < n; k++) comb[k] = SUM;
  return comb;
}

void hand_back(Reverse *v, Level *l, const Node *n, uint32_t nactive, const uint32_t *active,
               Frees *f, uint32_t nmore, Ref *out) {
  frees_close(v, f, nactive + f->nscalars + nmore, out);
  for (uint32_t j = 0; j < nactive; j++)
    add_adjoint(v, l, copy_ref(v->replay, n->arg[active[j] + 1]), out[j]);
  for (uint32_t k = 0; k < f->nscalars; k++) add_adjoint(v, l, f->scalar[k], out[nactive + k]);
}

/* ---- stretches ---- */

typedef struct Stretches {
  Reverse *v;
  Level *level;
  const Node *n;
  const Region *body;
  uint32_t first;          /* number of the body's first state parameter */
  uint32_t carried, nactive, nresults;
  uint32_t *active;
  const Ref *g;
  const Frees *frees;
  int64_t checkpoints;
  bool all;                /* no fewer than there are trips: each piece is a step */
} Stretches;

static Ref int_op(Stretches *w, uint32_t prim, Ref a, Ref b) { return ir_prim2(w->v->p, prim, a, b); }
static Ref int_of(Stretches *w, int64_t i) { return ir_int(w->v->p, i); }

/* a divided by b, rounded up. */
static Ref ceil_div(Stretches *w, Ref a, Ref b) {
  Ref up = int_op(w, P_SUB, int_op(w, P_ADD, a, b), int_of(w, 1));
  return int_op(w, P_FLOORDIV, up, b);
}

/* count-1-u: folds go up, the backward pass goes down. */
static Ref from_the_end(Stretches *w, Ref count, Ref u) {
  return int_op(w, P_SUB, int_op(w, P_SUB, count, int_of(w, 1)), u);
}

/* `total` steps from step `base` on, cut into `count` pieces of `size`, the last shorter. */
typedef struct Pieces { Ref base, total, size, count; } Pieces;

static Pieces cut(Stretches *w, Ref base, Ref total) {
  if (w->all) return (Pieces){base, total, int_of(w, 1), total};
  Ref size = ceil_div(w, total, int_of(w, w->checkpoints));
  size = int_op(w, P_MAX, size, int_of(w, 1));
  /* no more than that in any case: as a minimum it is seen */
  Ref count = int_op(w, P_MIN, ceil_div(w, total, size), int_of(w, w->checkpoints));
  return (Pieces){base, total, size, count};
}

static Ref piece_begin(Stretches *w, Pieces c, Ref i) {
  return int_op(w, P_ADD, c.base, int_op(w, P_MUL, i, c.size));
}

static Ref piece_length(Stretches *w, Pieces c, Ref i) {
  Ref left = int_op(w, P_SUB, c.total, int_op(w, P_MUL, i, c.size));
  return int_op(w, P_MIN, c.size, left);
}

/* The body's parameters stand for step number t and these states. */
static void map_step(Stretches *w, Ref t, const Ref *state) {
  if (w->first) copy_set(w->v->replay, w->body->params.at[0], t);
  for (uint32_t k = 0; k < w->carried; k++)
    copy_set(w->v->replay, w->body->params.at[w->first + k], state[k]);
}

/* One step on, in the current region: next[k] for carried k. */
static void run_step(Stretches *w, const Ref *state, Ref t, Ref *next) {
  map_step(w, t, state);
  copy_nodes(w->v->replay, w->body);
  for (uint32_t k = 0; k < w->carried; k++)
    next[k] = copy_ref(w->v->replay, w->body->results.at[k]);
}

/* The states after `trips` more steps from step `base` on: results of a fold. */
static Ref run(Stretches *w, const Ref *state, Ref base, Ref trips) {
  Prog *p = w->v->p;
  Ref *now = NEWN(p->ctx, Ref, w->carried + 1);
  Ref i;
  Region *r = ir_begin_loop(p, 1, &trips, &i);
  for (uint32_t k = 0; k < w->carried; k++) now[k] = ir_param(p, ir_type(p, state[k]));
  run_step(w, now, int_op(w, P_ADD, base, i), now);
  for (uint32_t k = 0; k < w->carried; k++) ir_result(p, now[k]);
  ir_end(p);
  return ir_fold(p, trips, w->carried, state, r, NULL);
}

static const Type *tape_type(Stretches *w, const Type *t) {
  Prog *p = w->v->p;
  Size dim[MAX_RANK];
  dim[0] = size_const(p, w->checkpoints);
  for (uint32_t k = 0; k < t->rank; k++) dim[k + 1] = t->dim[k];
  return type_array(p, t->elem, t->rank + 1, dim);
}

/* The states after piece i. */
static void run_piece(Stretches *w, const Ref *state, Pieces c, Ref i, Ref *next) {
  Ref begin = piece_begin(w, c, i);
  if (w->all) {
    run_step(w, state, begin, next);
    return;
  }
  Ref ran = run(w, state, begin, piece_length(w, c, i));
  for (uint32_t k = 0; k < w->carried; k++) next[k] = ir_out(w->v->p, ran, k);
}

/* Runs the pieces forward and keeps the state each begins with: tape[k] for carried k. */
static void run_keeping(Stretches *w, const Ref *state, Pieces c, Ref *tape) {
  Prog *p = w->v->p;
  uint32_t n = w->carried;
  Ref *init = NEWN(p->ctx, Ref, 2 * n + 1), *now = NEWN(p->ctx, Ref, 2 * n + 1);
  Ref *next = NEWN(p->ctx, Ref, n + 1);
  for (uint32_t k = 0; k < n; k++) {
    init[k] = state[k];
    init[n + k] = ir_zero(p, tape_type(w, ir_type(p, state[k])));
  }
  Ref i;
  Region *r = ir_begin_loop(p, 1, &c.count, &i);
  for (uint32_t k = 0; k < 2 * n; k++) now[k] = ir_param(p, ir_type(p, init[k]));
  run_piece(w, now, c, i, next);
  for (uint32_t k = 0; k < n; k++) ir_result(p, next[k]);
  for (uint32_t k = 0; k < n; k++) ir_result(p, ir_with(p, now[n + k], now[k], 1, &i, false));
  ir_end(p);
  Ref fold = ir_fold(p, c.count, 2 * n, init, r, NULL);
  for (uint32_t k = 0; k < n; k++) tape[k] = ir_out(p, fold, n + k);
}

/* One step back from the state before it: next adjoints, then sums for free scalars, as
 * results of the current region. */
static void step_back(Stretches *w, const Ref *state, Ref t, const Ref *adjoint) {
  Reverse *v = w->v;
  Prog *p = v->p;
  Level child;
  level_begin(v, &child, w->level, false);
  frees_sinks(v, w->frees, &child);
  Ref *var = NEWN(p->ctx, Ref, w->carried + 1);
  for (uint32_t k = 0; k < w->carried; k++) var[k] = state[k];
  for (uint32_t j = 0; j < w->nactive; j++) {
    uint32_t k = w->active[j];
    var[k] = ir_var(p, state[k]);
    VEC_PUSH(p->ctx, &child.variables, var[k]);
  }
  map_step(w, t, var);
  replay(v, &child, w->body, NULL);
  Step s = {w->n, w->nactive, w->active, adjoint, w->nresults, w->g, t};
  seed_step(v, &child, &s);
  sweep(v, &child);
  for (uint32_t j = 0; j < w->nactive; j++) {
    Ref back = take_adjoint(v, &child, var[w->active[j]]);
    ir_result(p, back ? back : ir_zero(p, ir_type(p, state[w->active[j]])));
  }
  frees_give_sums(v, w->frees, &child);
}

/* Goes back over `total` steps from step `base`, where the state is `state`: a fold that
 * carries adjoints and gives the sums too.  depth 2 and 1 cut the steps into pieces; depth
 * 0 runs each step again. */
static Ref stretch_back(Stretches *w, const Ref *state, Ref base, Ref total, const Ref *adjoint,
                        int depth) {
  Prog *p = w->v->p;
  Pieces c = {base, total, 0, total};
  Ref *tape = NEWN(p->ctx, Ref, w->carried + 1), *start = NEWN(p->ctx, Ref, w->carried + 1);
  if (depth) {
    c = cut(w, base, total);
    run_keeping(w, state, c, tape);
  }
  Ref u;
  Region *r = ir_begin_loop(p, 1, &c.count, &u);
  Ref *now = NEWN(p->ctx, Ref, w->nactive + 1);
  for (uint32_t j = 0; j < w->nactive; j++) now[j] = ir_param(p, ir_type(p, adjoint[j]));
  Ref i = from_the_end(w, c.count, u);
  if (depth) {
    for (uint32_t k = 0; k < w->carried; k++) start[k] = ir_read(p, tape[k], 1, &i, false);
  }
  if (depth && w->all) {
    step_back(w, start, piece_begin(w, c, i), now);
  } else if (depth) {
    Ref inner = stretch_back(w, start, piece_begin(w, c, i), piece_length(w, c, i), now, depth - 1);
    for (uint32_t k = 0; k < w->nactive + w->frees->nscalars; k++) ir_result(p, ir_out(p, inner, k));
  } else {
    Ref ran = run(w, state, base, i);
    for (uint32_t k = 0; k < w->carried; k++) start[k] = ir_out(p, ran, k);
    step_back(w, start, int_op(w, P_ADD, base, i), now);
  }
  ir_end(p);
  return ir_fold(p, c.count, w->nactive, adjoint, r, all_sums(p, w->frees->nscalars));
}

static void find_active(Reverse *v, Level *l, Ref node, Stretches *w) {
  const Node *run_node = ir_node(v->p, node);
  const Region *body = run_node->regions[run_node->nregions - 1];
  w->active = NEWN(v->p->ctx, uint32_t, w->carried + 1);
  for (uint32_t k = 0; k < w->carried; k++)
    if (level_active(l, body->params.at[w->first + k])) w->active[w->nactive++] = k;
}

/* About the square root of a fold's trips, where they are known; of a loop all that it may take,
 * if those are few. */
static int64_t how_many(const Prog *p, const Node *n, bool *all) {
  double trips;
  if (!ir_is_const(p, n->arg[0], &trips)) return CHECKPOINTS;
  *all = n->op == IR_WHILE && trips >= 1 && trips <= CHECKPOINTS;
  if (*all) return (int64_t)trips;
  if (n->op != IR_FOLD) return CHECKPOINTS;
  int64_t k = 1;
  while ((double)k * (double)k < trips) k++;
  return k;
}

void reverse_in_stretches(Reverse *v, Level *l, Ref node, Ref source, const Ref *g) {
  Prog *p = v->p;
  const Node *n = ir_node(p, source);
  Stretches w = {.v = v, .level = l, .n = n, .body = n->regions[n->nregions - 1], .g = g,
                 .first = n->op == IR_FOLD, .carried = n->nargs - 1, .nresults = n->nresults};
  w.checkpoints = how_many(p, n, &w.all);
  find_active(v, l, node, &w);
  Ref trips = n->op == IR_FOLD ? copy_ref(v->replay, n->arg[0]) : ir_out(p, node, w.carried);
  Ref *state = NEWN(p->ctx, Ref, w.carried + 1), *adjoint = NEWN(p->ctx, Ref, w.nactive + 1);
  for (uint32_t k = 0; k < w.carried; k++) state[k] = copy_ref(v->replay, n->arg[k + 1]);
  first_adjoints(v, n, w.nactive, w.active, g, adjoint);
  Frees f;
  frees_open(v, l, n, &f);
  w.frees = &f;
  Ref back = stretch_back(&w, state, ir_int(p, 0), trips, adjoint, 2);
  Ref *out = NEWN(p->ctx, Ref, w.nactive + f.nscalars + 1);
  for (uint32_t k = 0; k < w.nactive + f.nscalars; k++) out[k] = ir_out(p, back, k);
  hand_back(v, l, n, w.nactive, w.active, &f, 0, out);
}
