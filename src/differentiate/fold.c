/* fold.c - the reverse of a fold: the forward run keeps the states that its steps start
 * with, and a fold over the same trips goes through them from the last to the first,
 * carrying the adjoints of the state. */
#include "differentiate/reverse.h"

typedef struct FoldReverse {
  const Node *n;           /* the fold whose body is reversed */
  uint32_t carried, nresults; /* results before the tapes were added */
  Ref *tape;               /* for each carried value: its states */
  uint32_t nactive;
  uint32_t *active;        /* which carried values have adjoints */
  Ref *adjoint;            /* theirs, after the step */
  Ref *state;              /* for each carried value: before the step */
} FoldReverse;

static void keep_states(Prog *p, Ref fold, FoldReverse *r) {
  const Region *body = ir_node(p, fold)->regions[0];
  r->tape = NEWN(p->ctx, Ref, r->carried + 1);
  for (uint32_t k = 0; k < r->carried; k++)
    r->tape[k] = ir_out(p, fold, ir_add_output(p, fold, body->params.at[k + 1], BUILD));
}

static void find_active(Reverse *v, Level *l, Ref fold, FoldReverse *r) {
  const Region *body = ir_node(v->p, fold)->regions[0];
  Ctx *c = v->p->ctx;
  r->active = NEWN(c, uint32_t, r->carried + 1);
  r->adjoint = NEWN(c, Ref, r->carried + 1);
  r->state = NEWN(c, Ref, r->carried + 1);
  for (uint32_t k = 0; k < r->carried; k++)
    if (level_active(l, body->params.at[k + 1])) r->active[r->nactive++] = k;
}

/* The states before step t, as variables of the level where they have adjoints. */
static void load_states(Reverse *v, Level *child, FoldReverse *r, Ref t) {
  Prog *p = v->p;
  const Region *body = r->n->regions[0];
  copy_set(v->replay, body->params.at[0], t);
  uint32_t j = 0;
  for (uint32_t k = 0; k < r->carried; k++) {
    r->state[k] = ir_read(p, r->tape[k], 1, &t, false);
    if (j < r->nactive && r->active[j] == k) {
      r->state[k] = ir_var(p, r->state[k]);
      VEC_PUSH(p->ctx, &child->variables, r->state[k]);
      j++;
    }
    copy_set(v->replay, body->params.at[k + 1], r->state[k]);
  }
}

static void seed_step(Reverse *v, Level *child, const FoldReverse *r, Ref t, const Ref *g) {
  Prog *p = v->p;
  const Region *body = r->n->regions[0];
  seed_updates(v, child, body);
  for (uint32_t j = 0; j < r->nactive; j++)
    add_adjoint(v, child, copy_ref(v->replay, body->results.at[r->active[j]]), r->adjoint[j]);
  for (uint32_t k = r->carried; g && k < r->nresults; k++) {
    if (!g[k]) continue;
    Combiner c = r->n->aux.loop->comb[k - r->carried];
    if (c != BUILD && c != SUM) internal_error(p->ctx, "a fold's output is not a build or a sum");
    Ref seed = c == SUM ? g[k] : ir_read(p, g[k], 1, &t, false);
    add_adjoint(v, child, copy_ref(v->replay, body->results.at[k]), seed);
  }
}

/* One step back, in the body of the backward fold: results are the adjoints of the state
 * before the step, then the sums for free scalars. */
static void step_back(Reverse *v, Level *l, FoldReverse *r, const Frees *f, Ref t, const Ref *g) {
  Prog *p = v->p;
  Level child;
  level_begin(v, &child, l, false);
  frees_sinks(v, f, &child);
  load_states(v, &child, r, t);
  replay(v, &child, r->n->regions[0], NULL);
  seed_step(v, &child, r, t, g);
  sweep(v, &child);
  for (uint32_t j = 0; j < r->nactive; j++) {
    Ref state = r->state[r->active[j]];
    Ref back = take_adjoint(v, &child, state);
    ir_result(p, back ? back : ir_zero(p, ir_type(p, state)));
  }
  Ref *sums = NEWN(p->ctx, Ref, f->nscalars + 1);
  frees_scalar_sums(v, f, &child, sums);
  for (uint32_t k = 0; k < f->nscalars; k++) ir_result(p, sums[k]);
}

static Ref backward_fold(Reverse *v, Level *l, FoldReverse *r, const Frees *f, const Ref *g) {
  Prog *p = v->p;
  Ref trips = copy_ref(v->replay, r->n->arg[0]);
  Ref *init = NEWN(p->ctx, Ref, r->nactive + 1);
  for (uint32_t j = 0; j < r->nactive; j++) {
    uint32_t k = r->active[j];
    init[j] = g && g[k] ? g[k] : ir_zero(p, ir_type(p, copy_ref(v->replay, r->n->arg[k + 1])));
  }
  Region *body = ir_begin(p);
  Ref u = ir_param(p, type_scalar(p, ELEM_INT));
  for (uint32_t j = 0; j < r->nactive; j++) r->adjoint[j] = ir_param(p, ir_type(p, init[j]));
  Ref t = ir_sub(p, ir_sub(p, trips, ir_int(p, 1)), u);
  step_back(v, l, r, f, t, g);
  ir_end(p);
  Combiner *comb = NEWN(p->ctx, Combiner, f->nscalars + 1);
  for (uint32_t k = 0; k < f->nscalars; k++) comb[k] = SUM;
  return ir_fold(p, trips, r->nactive, init, body, comb);
}

void reverse_fold(Reverse *v, Level *l, Ref fold, Ref source, const Ref *g) {
  Prog *p = v->p;
  const Node *n = ir_node(p, source);
  FoldReverse r = {.n = n, .carried = n->nargs - 1, .nresults = n->nresults};
  keep_states(p, fold, &r);
  find_active(v, l, fold, &r);
  Frees f;
  frees_open(v, l, n, &f);
  Ref back = backward_fold(v, l, &r, &f, g);
  uint32_t nout = r.nactive + f.nscalars;
  Ref *out = NEWN(p->ctx, Ref, nout + 1);
  for (uint32_t k = 0; k < nout; k++) out[k] = ir_out(p, back, k);
  frees_close(v, l, &f, nout, out);
  for (uint32_t j = 0; j < r.nactive; j++)
    add_adjoint(v, l, copy_ref(v->replay, n->arg[r.active[j] + 1]), out[j]);
  for (uint32_t k = 0; k < f.nscalars; k++) add_adjoint(v, l, f.scalar[k], out[r.nactive + k]);
}
