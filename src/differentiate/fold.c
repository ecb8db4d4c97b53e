/* fold.c - the reverse of a fold: the forward run keeps the states that its steps start
 * with, and a fold over the same trips goes through them from the last to the first,
 * carrying the adjoints of the state.
 *
 * An array that a step changes by `A with [i] = v` alone, itself or in a fold within it, is not
 * kept as a whole: the forward run keeps i and the element that v replaced, and the backward
 * pass carries A itself and puts the old elements back, so that a step costs an element in both
 * directions (restore.c).  An i that follows from the numbers of the steps is not kept but said
 * again: what the step reads at i is then seen to be the old element.  With --checkpoint nothing is kept
 * here: stretch.c keeps a few states and runs stretches again. */
#include "differentiate/restore.h"
#include "differentiate/stretch.h"

typedef struct FoldReverse {
  const Node *n;           /* the fold whose body is reversed */
  uint32_t carried, nresults; /* results before the tapes were added */
  Ref *tape;               /* for each carried value: its states, 0 if restored */
  Restored **restored;     /* for each carried value, or NULL */
  uint32_t nrestored;
  uint32_t nactive;
  uint32_t *active;        /* which carried values have adjoints */
  Ref *adjoint;            /* theirs, after the step */
  Ref *state;              /* for each carried value: before the step */
} FoldReverse;

/* ---- what the forward run keeps ---- */

static void keep_by_new_outputs(Prog *p, Ref fold, FoldReverse *r) {
  const Region *body = ir_node(p, fold)->regions[0];
  for (uint32_t k = 0; k < r->carried; k++)
    r->tape[k] = ir_out(p, fold, ir_add_output(p, fold, body->params.at[k + 1], BUILD));
}

/* Numbers of results become the results themselves. */
static void take_tapes(Prog *p, Ref fold, FoldReverse *r) {
  for (uint32_t k = 0; k < r->carried; k++) {
    Restored *a = r->restored[k];
    if (!a) { r->tape[k] = ir_out(p, fold, r->tape[k]); continue; }
    a->last = ir_out(p, fold, k);
    restored_take(p, fold, a);
  }
}

/* The forward run once more, keeping old elements; the optimizer joins the two. */
static void keep_by_second_run(Reverse *v, FoldReverse *r) {
  Prog *p = v->p;
  const Region *body = r->n->regions[0];
  Ref trips = copy_ref(v->replay, r->n->arg[0]);
  Ref *init = NEWN(p->ctx, Ref, r->carried);
  for (uint32_t k = 0; k < r->carried; k++) init[k] = copy_ref(v->replay, r->n->arg[k + 1]);
  Ref t;
  Region *again = ir_begin_loop(p, 1, &trips, &t);
  copy_set(v->replay, body->params.at[0], t);
  for (uint32_t k = 0; k < r->carried; k++)
    copy_set(v->replay, body->params.at[k + 1], ir_param(p, ir_type(p, init[k])));
  copy_keeping(v, body, r->restored, r->carried);
  for (uint32_t k = 0; k < r->carried; k++) ir_result(p, copy_ref(v->replay, body->results.at[k]));
  for (uint32_t k = 0; k < r->carried; k++) {
    if (r->restored[k]) restored_keep(v, body, r->restored[k]);
    else r->tape[k] = keep_output(p, copy_ref(v->replay, body->params.at[k + 1]));
  }
  Combiner *comb = NEWN(p->ctx, Combiner, again->results.n);
  for (uint32_t k = 0; k < again->results.n; k++) comb[k] = BUILD;
  ir_end(p);
  take_tapes(p, ir_fold(p, trips, r->carried, init, again, comb), r);
}

static void keep_states(Reverse *v, Ref fold, Ref source, FoldReverse *r) {
  Ctx *c = v->p->ctx;
  r->tape = NEWN(c, Ref, r->carried + 1);
  r->restored = NEWN(c, Restored *, r->carried + 1);
  if (restored_within(v, source, r->restored)) {
    r->nrestored = r->carried;
    return;
  }
  for (uint32_t k = 0; k < r->carried; k++) {
    r->restored[k] = find_updates(v->p, r->n, k);
    r->nrestored += r->restored[k] != NULL;
  }
  if (r->nrestored) keep_by_second_run(v, r);
  else keep_by_new_outputs(v->p, fold, r);
}

/* ---- the backward fold ---- */

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
  for (uint32_t k = 0, j = 0; k < r->carried; k++) {
    Restored *a = r->restored[k];
    r->state[k] = a ? restored_before(v, body, a, t) : ir_read(p, r->tape[k], 1, &t, false);
    if (j < r->nactive && r->active[j] == k) {
      r->state[k] = ir_var(p, r->state[k]);
      VEC_PUSH(p->ctx, &child->variables, r->state[k]);
      j++;
    }
    copy_set(v->replay, body->params.at[k + 1], r->state[k]);
  }
}

/* One step back, in the body of the backward fold: results are the adjoints of the state
 * before the step, the restored arrays, then the sums for free scalars. */
static void step_back(Reverse *v, Level *l, FoldReverse *r, const Frees *f, Ref t, const Ref *g) {
  Prog *p = v->p;
  Level child;
  StepBack step = {.region = p->cur, .body = r->n->regions[0], .restored = r->restored,
                   .carried = r->carried, .t = t, .around = v->step};
  step.after = NEWN(p->ctx, Ref, r->carried + 1);
  for (uint32_t k = 0; k < r->carried; k++)
    if (r->restored[k]) step.after[k] = r->restored[k]->last;
  level_begin(v, &child, l, false);
  frees_sinks(v, f, &child);
  load_states(v, &child, r, t);
  v->step = &step;
  replay(v, &child, r->n->regions[0], NULL);
  Step s = {r->n, r->nactive, r->active, r->adjoint, r->nresults, g, t};
  seed_step(v, &child, &s);
  sweep(v, &child);
  v->step = step.around;
  for (uint32_t j = 0; j < r->nactive; j++) {
    Ref state = r->state[r->active[j]];
    Ref back = take_carried(v, &child, state);
    ir_result(p, back ? back : ir_zero(p, ir_type(p, state)));
  }
  copy_set(v->replay, r->n->regions[0]->params.at[0], t);
  for (uint32_t k = 0; k < r->carried; k++) {
    Restored *a = r->restored[k];
    if (a) ir_result(p, restored_behind(v, r->n->regions[0], a, t, a->last));
  }
  frees_give_sums(v, f, &child);
}

static Ref backward_fold(Reverse *v, Level *l, FoldReverse *r, const Frees *f, const Ref *g) {
  Prog *p = v->p;
  Ref trips = copy_ref(v->replay, r->n->arg[0]);
  Ref *init = NEWN(p->ctx, Ref, r->nactive + r->nrestored + 1);
  first_adjoints(v, r->n, r->nactive, r->active, g, init);
  uint32_t at = r->nactive;
  for (uint32_t k = 0; k < r->carried; k++)
    if (r->restored[k]) init[at++] = r->restored[k]->last;
  Ref u;
  Region *body = ir_begin_loop(p, 1, &trips, &u);
  for (uint32_t j = 0; j < r->nactive; j++) r->adjoint[j] = ir_param(p, ir_type(p, init[j]));
  at = r->nactive;
  for (uint32_t k = 0; k < r->carried; k++)
    if (r->restored[k]) r->restored[k]->last = ir_param(p, ir_type(p, init[at++]));
  Ref t = ir_sub(p, ir_sub(p, trips, ir_int(p, 1)), u);
  step_back(v, l, r, f, t, g);
  ir_end(p);
  return ir_fold(p, trips, at, init, body, all_sums(p, f->nscalars));
}

void reverse_fold(Reverse *v, Level *l, Ref fold, Ref source, const Ref *g) {
  Prog *p = v->p;
  const Node *n = ir_node(p, source);
  if (p->ctx->opt.checkpoint) {
    reverse_in_stretches(v, l, fold, source, g);
    return;
  }
  FoldReverse r = {.n = n, .carried = n->nargs - 1, .nresults = n->nresults};
  find_active(v, l, fold, &r);
  keep_states(v, fold, source, &r);
  Frees f;
  frees_open(v, l, n, &f);
  Ref back = backward_fold(v, l, &r, &f, g);
  Ref *out = NEWN(p->ctx, Ref, r.nactive + f.nscalars + r.nrestored + 1);
  for (uint32_t j = 0; j < r.nactive; j++) out[j] = ir_out(p, back, j);
  for (uint32_t k = 0; k < f.nscalars; k++)
    out[r.nactive + k] = ir_out(p, back, r.nactive + r.nrestored + k);
  for (uint32_t k = 0; k < r.nrestored; k++)
    out[r.nactive + f.nscalars + k] = ir_out(p, back, r.nactive + k);
  hand_back(v, l, n, r.nactive, r.active, &f, r.nrestored, out);
  for (uint32_t k = 0, j = r.nactive + f.nscalars; k < r.carried; k++)
    if (r.restored[k]) restored_note(v, source, k, out[j++]);
}
