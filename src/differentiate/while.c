/* while.c - the reverse of `loop … while … at most N`.
 *
 * How often it turned, K, is known only when it has run, and states may be large, so the
 * backward pass keeps a bounded number of them: CHECKPOINTS evenly spaced ones, then as many
 * again inside the stretch at hand.  Up to CHECKPOINTS^2 trips each state is computed
 * three times in all; beyond that, steps between two checkpoints are run again one by one.
 * All of it is folds, so it can be differentiated again. */
#include "differentiate/reverse.h"

enum { CHECKPOINTS = 256 };

typedef struct WhileReverse {
  Reverse *v;
  Level *level;
  const Node *n;
  const Region *body;
  uint32_t carried, nactive;
  uint32_t *active;
  const Frees *frees;
} WhileReverse;

static Ref int_op(WhileReverse *w, uint32_t prim, Ref a, Ref b) { return ir_prim2(w->v->p, prim, a, b); }
static Ref int_of(WhileReverse *w, int64_t i) { return ir_int(w->v->p, i); }

/* a divided by b, rounded up. */
static Ref ceil_div(WhileReverse *w, Ref a, Ref b) {
  Ref up = int_op(w, P_SUB, int_op(w, P_ADD, a, b), int_of(w, 1));
  return int_op(w, P_FLOORDIV, up, b);
}

/* count-1-u: folds go up, the backward pass goes down. */
static Ref from_the_end(WhileReverse *w, Ref count, Ref u) {
  return int_op(w, P_SUB, int_op(w, P_SUB, count, int_of(w, 1)), u);
}

/* A stretch of `total` steps cut into `count` pieces of `size` steps, the last one shorter. */
typedef struct Pieces { Ref total, size, count; } Pieces;

static Pieces cut(WhileReverse *w, Ref total) {
  Ref size = ceil_div(w, total, int_of(w, CHECKPOINTS));
  size = int_op(w, P_MAX, size, int_of(w, 1));
  return (Pieces){total, size, ceil_div(w, total, size)};
}

static Ref piece_length(WhileReverse *w, Pieces c, Ref i) {
  Ref left = int_op(w, P_SUB, c.total, int_op(w, P_MUL, i, c.size));
  return int_op(w, P_MIN, c.size, left);
}

/* The states after `trips` more steps: results of a fold. */
static Ref run(WhileReverse *w, const Ref *state, Ref trips) {
  Prog *p = w->v->p;
  Region *r = ir_begin(p);
  ir_param(p, type_scalar(p, ELEM_INT));
  for (uint32_t k = 0; k < w->carried; k++)
    copy_set(w->v->replay, w->body->params.at[k], ir_param(p, ir_type(p, state[k])));
  copy_nodes(w->v->replay, w->body);
  for (uint32_t k = 0; k < w->carried; k++) ir_result(p, copy_ref(w->v->replay, w->body->results.at[k]));
  ir_end(p);
  return ir_fold(p, trips, w->carried, state, r, NULL);
}

static const Type *tape_type(Prog *p, const Type *t) {
  Size dim[MAX_RANK];
  dim[0] = size_const(p, CHECKPOINTS);
  for (uint32_t k = 0; k < t->rank; k++) dim[k + 1] = t->dim[k];
  return type_array(p, t->elem, t->rank + 1, dim);
}

/* Runs the pieces forward and keeps the state each begins with: tape[k] for carried k. */
static void run_keeping(WhileReverse *w, const Ref *state, Pieces c, Ref *tape) {
  Prog *p = w->v->p;
  uint32_t n = w->carried;
  Ref *init = NEWN(p->ctx, Ref, 2 * n), *now = NEWN(p->ctx, Ref, 2 * n);
  for (uint32_t k = 0; k < n; k++) {
    init[k] = state[k];
    init[n + k] = ir_zero(p, tape_type(p, ir_type(p, state[k])));
  }
  Region *r = ir_begin(p);
  Ref i = ir_param(p, type_scalar(p, ELEM_INT));
  for (uint32_t k = 0; k < 2 * n; k++) now[k] = ir_param(p, ir_type(p, init[k]));
  Ref ran = run(w, now, piece_length(w, c, i));
  for (uint32_t k = 0; k < n; k++) ir_result(p, ir_out(p, ran, k));
  for (uint32_t k = 0; k < n; k++) ir_result(p, ir_with(p, now[n + k], now[k], 1, &i, false));
  ir_end(p);
  Ref fold = ir_fold(p, c.count, 2 * n, init, r, NULL);
  for (uint32_t k = 0; k < n; k++) tape[k] = ir_out(p, fold, n + k);
}

/* One step back from the state before it: next adjoints, then sums for free scalars, as
 * results of the current region. */
static void step_back(WhileReverse *w, const Ref *state, const Ref *adjoint) {
  Reverse *v = w->v;
  Prog *p = v->p;
  Level child;
  level_begin(v, &child, w->level, false);
  frees_sinks(v, w->frees, &child);
  Ref *var = NEWN(p->ctx, Ref, w->carried + 1);
  for (uint32_t k = 0, j = 0; k < w->carried; k++) {
    var[k] = state[k];
    if (j < w->nactive && w->active[j] == k) {
      var[k] = ir_var(p, state[k]);
      VEC_PUSH(p->ctx, &child.variables, var[k]);
      j++;
    }
    copy_set(v->replay, w->body->params.at[k], var[k]);
  }
  replay(v, &child, w->body, NULL);
  seed_updates(v, &child, w->body);
  for (uint32_t j = 0; j < w->nactive; j++)
    add_adjoint(v, &child, copy_ref(v->replay, w->body->results.at[w->active[j]]), adjoint[j]);
  sweep(v, &child);
  for (uint32_t j = 0; j < w->nactive; j++) {
    Ref back = take_adjoint(v, &child, var[w->active[j]]);
    ir_result(p, back ? back : ir_zero(p, ir_type(p, state[w->active[j]])));
  }
  Ref *sums = NEWN(p->ctx, Ref, w->frees->nscalars + 1);
  frees_scalar_sums(v, w->frees, &child, sums);
  for (uint32_t k = 0; k < w->frees->nscalars; k++) ir_result(p, sums[k]);
}

/* Goes back over a stretch that begins with `state`: a fold that carries adjoints and gives
 * the sums too.  depth 2 and 1 cut it into pieces; depth 0 runs each step again. */
static Ref stretch_back(WhileReverse *w, const Ref *state, Ref total, const Ref *adjoint, int depth) {
  Prog *p = w->v->p;
  Pieces c = {total, 0, total};
  Ref *tape = NEWN(p->ctx, Ref, w->carried + 1), *start = NEWN(p->ctx, Ref, w->carried + 1);
  if (depth) {
    c = cut(w, total);
    run_keeping(w, state, c, tape);
  }
  Region *r = ir_begin(p);
  Ref u = ir_param(p, type_scalar(p, ELEM_INT));
  Ref *now = NEWN(p->ctx, Ref, w->nactive + 1);
  for (uint32_t j = 0; j < w->nactive; j++) now[j] = ir_param(p, ir_type(p, adjoint[j]));
  Ref i = from_the_end(w, c.count, u);
  if (depth) {
    for (uint32_t k = 0; k < w->carried; k++) start[k] = ir_read(p, tape[k], 1, &i, false);
    Ref inner = stretch_back(w, start, piece_length(w, c, i), now, depth - 1);
    for (uint32_t k = 0; k < w->nactive + w->frees->nscalars; k++) ir_result(p, ir_out(p, inner, k));
  } else {
    Ref ran = run(w, state, i);
    for (uint32_t k = 0; k < w->carried; k++) start[k] = ir_out(p, ran, k);
    step_back(w, start, now);
  }
  ir_end(p);
  Combiner *comb = NEWN(p->ctx, Combiner, w->frees->nscalars + 1);
  for (uint32_t k = 0; k < w->frees->nscalars; k++) comb[k] = SUM;
  return ir_fold(p, c.count, w->nactive, adjoint, r, comb);
}

void reverse_while(Reverse *v, Level *l, Ref node, Ref source, const Ref *g) {
  Prog *p = v->p;
  const Node *n = ir_node(p, source);
  WhileReverse w = {.v = v, .level = l, .n = n, .body = n->regions[1], .carried = n->nargs - 1};
  w.active = NEWN(p->ctx, uint32_t, w.carried + 1);
  for (uint32_t k = 0; k < w.carried; k++)
    if (level_active(l, ir_node(p, node)->regions[1]->params.at[k])) w.active[w.nactive++] = k;
  Ref trips = ir_out(p, node, w.carried);
  Ref *state = NEWN(p->ctx, Ref, w.carried + 1), *adjoint = NEWN(p->ctx, Ref, w.nactive + 1);
  for (uint32_t k = 0; k < w.carried; k++) state[k] = copy_ref(v->replay, n->arg[k + 1]);
  for (uint32_t j = 0; j < w.nactive; j++) {
    Ref arrived = g ? g[w.active[j]] : 0;
    adjoint[j] = arrived ? arrived : ir_zero(p, ir_type(p, state[w.active[j]]));
  }
  Frees f;
  frees_open(v, l, n, &f);
  w.frees = &f;
  Ref back = stretch_back(&w, state, trips, adjoint, 2);
  uint32_t nout = w.nactive + f.nscalars;
  Ref *out = NEWN(p->ctx, Ref, nout + 1);
  for (uint32_t k = 0; k < nout; k++) out[k] = ir_out(p, back, k);
  frees_close(v, l, &f, nout, out);
  for (uint32_t j = 0; j < w.nactive; j++) add_adjoint(v, l, state[w.active[j]], out[j]);
  for (uint32_t k = 0; k < f.nscalars; k++) add_adjoint(v, l, f.scalar[k], out[w.nactive + k]);
}
