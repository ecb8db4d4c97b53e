/* fold.c - the reverse of a fold: the forward run keeps the states that its steps start
 * with, and a fold over the same trips goes through them from the last to the first,
 * carrying the adjoints of the state.
 *
 * An array that a step changes by `A with [i] = v` alone is not kept as a whole: the forward
 * run keeps i and the element that v replaced, and the backward pass carries A itself and
 * puts the old elements back, so that a step costs an element in both directions.  An i that
 * is the step's own number, or that plus or minus something, is not kept but said again: what
 * the step reads at i is then seen to be the old element.  With --checkpoint nothing is kept
 * here: stretch.c keeps a few states and runs stretches again. */
#include "differentiate/stretch.h"

enum { MAX_UPDATES = 16 };   /* of one array in one step */

/* A carried array that is restored: the WITH nodes of the source's body, first to last,
 * and for each the tapes of its old value and its subscripts. */
typedef struct Restored {
  uint32_t nupdates;
  Ref update[MAX_UPDATES];
  Ref old[MAX_UPDATES];
  Ref *index[MAX_UPDATES]; /* 0: known from the step's number */
  Ref last;                /* the array after the forward run, then as the fold carries it */
} Restored;

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

/* Does the step make carried value k from itself by a chain of WITHs alone? */
static Restored *find_updates(Prog *p, const Node *n, uint32_t k) {
  const Region *body = n->regions[0];
  Ref r = body->results.at[k], param = body->params.at[k + 1], chain[MAX_UPDATES];
  uint32_t count = 0;
  if (!ir_type(p, param)->rank) return NULL;
  while (r != param) {
    const Node *w = ir_node(p, r);
    if (w->op != IR_WITH || w->region != body->id || count == MAX_UPDATES) return NULL;
    chain[count++] = r;
    r = w->arg[0];
  }
  if (!count) return NULL;
  Restored *made = NEW(p->ctx, Restored);
  made->nupdates = count;
  for (uint32_t j = 0; j < count; j++) made->update[j] = chain[count - 1 - j];
  return made;
}

static void keep_by_new_outputs(Prog *p, Ref fold, FoldReverse *r) {
  const Region *body = ir_node(p, fold)->regions[0];
  for (uint32_t k = 0; k < r->carried; k++)
    r->tape[k] = ir_out(p, fold, ir_add_output(p, fold, body->params.at[k + 1], BUILD));
}

/* Adds a value of the region being built as one more kept output; gives its number. */
static uint32_t keep(Prog *p, Ref value) {
  ir_result(p, value);
  return p->cur->results.n - 1;
}

/* Is it the number of the step, a constant, or from outside of the steps? */
static bool known_in_step(const Prog *p, const Region *body, Ref r) {
  if (r == body->params.at[0] || ir_node(p, r)->op == IR_CONST) return true;
  return ir_in_scope(p, r, body->parent);
}

/* Is it that, or the sum or difference of two such? */
static bool follows_step(const Prog *p, const Region *body, Ref r) {
  const Node *n = ir_node(p, r);
  if (known_in_step(p, body, r)) return true;
  return n->op == IR_PRIM && (n->aux.i == P_ADD || n->aux.i == P_SUB) &&
         known_in_step(p, body, n->arg[0]) && known_in_step(p, body, n->arg[1]);
}

static Ref known_again(Reverse *v, Ref r) {
  const Node *n = ir_node(v->p, r);
  return n->op == IR_CONST ? ir_int(v->p, n->aux.i) : copy_ref(v->replay, r);
}

/* Such a subscript in the step that is gone through: v->replay has its number. */
static Ref subscript_again(Reverse *v, const Region *body, Ref r) {
  if (known_in_step(v->p, body, r)) return known_again(v, r);
  const uint32_t prim = (uint32_t)ir_node(v->p, r)->aux.i;
  Ref a = known_again(v, ir_node(v->p, r)->arg[0]), b = known_again(v, ir_node(v->p, r)->arg[1]);
  return ir_prim2(v->p, prim, a, b);
}

/* In a body copied here: keeps what each update of carried value k replaces, and where. */
static void keep_updates(Reverse *v, const Region *body, Restored *a) {
  Prog *p = v->p;
  for (uint32_t j = 0; j < a->nupdates; j++) {
    const Node *w = ir_node(p, a->update[j]);
    uint32_t nidx = w->nargs - 2;
    a->index[j] = NEWN(p->ctx, Ref, nidx + 1);
    Ref *at = NEWN(p->ctx, Ref, nidx + 1);
    for (uint32_t i = 0; i < nidx; i++) at[i] = copy_ref(v->replay, w->arg[i + 2]);
    Ref array = copy_ref(v->replay, w->arg[0]);
    a->old[j] = keep(p, ir_read(p, array, nidx, at, w->flags & NODE_CHECKED));
    for (uint32_t i = 0; i < nidx; i++)
      if (!follows_step(p, body, w->arg[i + 2])) a->index[j][i] = keep(p, at[i]);
  }
}

/* Numbers of results become the results themselves. */
static void take_tapes(Prog *p, Ref fold, FoldReverse *r) {
  for (uint32_t k = 0; k < r->carried; k++) {
    Restored *a = r->restored[k];
    if (!a) { r->tape[k] = ir_out(p, fold, r->tape[k]); continue; }
    a->last = ir_out(p, fold, k);
    for (uint32_t j = 0; j < a->nupdates; j++) {
      a->old[j] = ir_out(p, fold, a->old[j]);
      uint32_t nidx = ir_node(p, a->update[j])->nargs - 2;
      for (uint32_t i = 0; i < nidx; i++)
        if (a->index[j][i]) a->index[j][i] = ir_out(p, fold, a->index[j][i]);
    }
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
  copy_nodes(v->replay, body);
  for (uint32_t k = 0; k < r->carried; k++) ir_result(p, copy_ref(v->replay, body->results.at[k]));
  for (uint32_t k = 0; k < r->carried; k++) {
    if (r->restored[k]) keep_updates(v, body, r->restored[k]);
    else r->tape[k] = keep(p, copy_ref(v->replay, body->params.at[k + 1]));
  }
  Combiner *comb = NEWN(p->ctx, Combiner, again->results.n);
  for (uint32_t k = 0; k < again->results.n; k++) comb[k] = BUILD;
  ir_end(p);
  take_tapes(p, ir_fold(p, trips, r->carried, init, again, comb), r);
}

static void keep_states(Reverse *v, Ref fold, FoldReverse *r) {
  Ctx *c = v->p->ctx;
  r->tape = NEWN(c, Ref, r->carried + 1);
  r->restored = NEWN(c, Restored *, r->carried + 1);
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

/* The array before step t, from the array after it: the old elements put back. */
static Ref restore(Reverse *v, const Region *body, Restored *a, Ref t) {
  Prog *p = v->p;
  Ref array = a->last;
  for (uint32_t j = a->nupdates; j-- > 0;) {
    const Node *w = ir_node(p, a->update[j]);
    uint32_t nidx = w->nargs - 2;
    Ref *at = NEWN(p->ctx, Ref, nidx + 1);
    for (uint32_t i = 0; i < nidx; i++)
      at[i] = a->index[j][i] ? ir_read(p, a->index[j][i], 1, &t, false)
                             : subscript_again(v, body, w->arg[i + 2]);
    array = ir_with(p, array, ir_read(p, a->old[j], 1, &t, false), nidx, at, false);
  }
  return a->last = array;
}

/* The states before step t, as variables of the level where they have adjoints. */
static void load_states(Reverse *v, Level *child, FoldReverse *r, Ref t) {
  Prog *p = v->p;
  const Region *body = r->n->regions[0];
  copy_set(v->replay, body->params.at[0], t);
  for (uint32_t k = 0, j = 0; k < r->carried; k++) {
    Restored *a = r->restored[k];
    r->state[k] = a ? restore(v, body, a, t) : ir_read(p, r->tape[k], 1, &t, false);
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
  level_begin(v, &child, l, false);
  frees_sinks(v, f, &child);
  load_states(v, &child, r, t);
  replay(v, &child, r->n->regions[0], NULL);
  Step s = {r->n, r->nactive, r->active, r->adjoint, r->nresults, g, t};
  seed_step(v, &child, &s);
  sweep(v, &child);
  for (uint32_t j = 0; j < r->nactive; j++) {
    Ref state = r->state[r->active[j]];
    Ref back = take_carried(v, &child, state);
    ir_result(p, back ? back : ir_zero(p, ir_type(p, state)));
  }
  for (uint32_t k = 0; k < r->carried; k++)
    if (r->restored[k]) ir_result(p, r->restored[k]->last);
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
  keep_states(v, fold, &r);
  Frees f;
  frees_open(v, l, n, &f);
  Ref back = backward_fold(v, l, &r, &f, g);
  Ref *out = NEWN(p->ctx, Ref, r.nactive + f.nscalars + 1);
  for (uint32_t j = 0; j < r.nactive; j++) out[j] = ir_out(p, back, j);
  for (uint32_t k = 0; k < f.nscalars; k++)
    out[r.nactive + k] = ir_out(p, back, r.nactive + r.nrestored + k);
  hand_back(v, l, n, r.nactive, r.active, &f, out);
}
