/* restore.c - see restore.h.  Recursion goes over the nesting of folds alone. */
#include "differentiate/restore.h"

enum { MAX_NESTED = 4, MAX_SAID = 8 };

/* ---- what follows from the numbers of the steps ---------------------------------------- */

/* Can an int be said again where the steps of `top`, and of folds inside, are numbered? */
static bool follows_steps(const Prog *p, const Region *top, Ref r, int deep) {
  const Node *n = ir_node(p, r);
  if (n->op == IR_CONST || ir_in_scope(p, r, top->parent)) return true;
  if (n->op == IR_PARAM) return n->aux.i == 0;
  if (n->op != IR_PRIM || deep == MAX_SAID) return false;
  if (n->aux.i != P_ADD && n->aux.i != P_SUB && n->aux.i != P_MUL) return false;
  return follows_steps(p, top, n->arg[0], deep + 1) && follows_steps(p, top, n->arg[1], deep + 1);
}

/* v->replay has the numbers. */
static Ref said_again(Reverse *v, const Region *top, Ref r) {
  Prog *p = v->p;
  const Node *n = ir_node(p, r);
  if (n->op == IR_CONST) return ir_int(p, n->aux.i);
  if (n->op != IR_PRIM || ir_in_scope(p, r, top->parent)) return copy_ref(v->replay, r);
  const uint32_t prim = (uint32_t)n->aux.i;
  Ref second = n->arg[1], a = said_again(v, top, n->arg[0]);
  return ir_prim2(p, prim, a, said_again(v, top, second));
}

/* How s moves with an index: 1 or -1 if it grows or falls, 0 if it does not, else 2. */
static int trend(Size s, Ref index) {
  int sign = 0;
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t a = 0; a < s->mono[k].n; a++) {
      const Mono *m = &s->mono[k];
      if (m->atom[a] != index) continue;
      if (sign || m->n != 1 || m->exp[0] != 1) return 2;
      sign = m->num > 0 ? 1 : -1;
    }
  return sign;
}

static const Region *region_around_fold(const Prog *p, const Region *body) {
  return p->regions.at[ir_node(p, body->owner)->region];
}

/* The trips of a fold in `body` at most, over the steps of all folds around; NULL where that is
 * not known. */
static Size most_trips(Prog *p, const Region *top, const Region *body, Ref trips) {
  if (!follows_steps(p, top, trips, 0)) return NULL;
  Size s = size_atom(p, trips);
  for (bool more = true; s && more; body = region_around_fold(p, body)) {
    int sign = trend(s, body->params.at[0]);
    if (sign == 2) return NULL;
    Size end = sign < 0 ? size_const(p, 0) : size_atom(p, ir_node(p, body->owner)->arg[0]);
    if (sign) s = size_replaced(p, s, body->params.at[0], end);
    more = body != top;
  }
  for (uint32_t k = 0; s && k < s->n; k++)
    for (uint32_t a = 0; a < s->mono[k].n; a++)
      if (!ir_in_scope(p, s->mono[k].atom[a], top->parent)) return NULL;
  return s;
}

/* ---- finding --------------------------------------------------------------------------- */

static Restored *find_chain(Prog *p, const Region *top, const Node *fold, uint32_t k, int deep);

/* An update by the fold whose result r is: gives the array before it, or 0. */
static Ref find_inside(Prog *p, const Region *top, const Region *body, Ref r, Update *u, int deep) {
  const Node *proj = ir_node(p, r);
  const Node *fold = proj->op == IR_PROJ ? ir_node(p, proj->arg[0]) : NULL;
  if (!fold || fold->op != IR_FOLD || fold->region != body->id || deep == MAX_NESTED) return 0;
  if (proj->aux.i + 1 >= fold->nargs || ir_has_effect(p, proj->arg[0])) return 0;
  *u = (Update){.node = proj->arg[0], .carried = (uint32_t)proj->aux.i};
  u->most = most_trips(p, top, body, fold->arg[0]);
  u->inner = u->most ? find_chain(p, top, fold, u->carried, deep + 1) : NULL;
  return u->inner ? fold->arg[u->carried + 1] : 0;
}

/* The array of which an update makes the next. */
static Ref updated(const Prog *p, const Update *u) {
  return ir_node(p, u->node)->arg[u->inner ? u->carried + 1 : 0];
}

/* An array of the chain, before its last update. */
static bool is_early(const Prog *p, const Restored *a, Ref r) {
  for (uint32_t j = 0; j < a->n; j++)
    if (updated(p, &a->update[j]) == r) return true;
  return false;
}

/* Does node r take an array of the chain as it is before the last update, but as the update that
 * it is? */
static bool looks_early(const Prog *p, const Restored *a, Ref r) {
  const Node *n = ir_node(p, r);
  uint32_t uses = 0;
  for (uint32_t i = 0; i < n->nargs; i++) uses += is_early(p, a, n->arg[i]);
  for (uint32_t i = 0; i < n->nfree; i++) uses += is_early(p, a, n->free[i]);
  for (uint32_t j = 0; j < a->n; j++)
    if (a->update[j].node == r) return uses > 1;
  return uses > 0;
}

static bool mentions(const Node *n, Ref r) {
  for (uint32_t i = 0; i < n->nargs; i++)
    if (n->arg[i] == r) return true;
  for (uint32_t i = 0; i < n->nfree; i++)
    if (n->free[i] == r) return true;
  return false;
}

/* How a step looks at the array, but for its updates. */
static void find_looks(const Prog *p, const Region *body, Restored *a, uint32_t k) {
  Ref last = body->results.at[k];
  for (uint32_t i = 0; i < body->nodes.n; i++) {
    a->early |= looks_early(p, a, body->nodes.at[i]);
    a->late |= mentions(ir_node(p, body->nodes.at[i]), last);
  }
  for (uint32_t i = 0; i < body->results.n; i++) {
    a->early |= is_early(p, a, body->results.at[i]);
    a->late |= i != k && body->results.at[i] == last;
  }
  a->early |= a->late && !a->update[a->n - 1].inner;
}

static Restored *find_chain(Prog *p, const Region *top, const Node *fold, uint32_t k, int deep) {
  const Region *body = fold->regions[0];
  Ref r = body->results.at[k], param = body->params.at[k + 1];
  Update chain[MAX_UPDATES];
  uint32_t count = 0;
  if (!ir_type(p, param)->rank) return NULL;
  for (; r != param; count++) {
    const Node *w = ir_node(p, r);
    if (w->region != body->id || count == MAX_UPDATES) return NULL;
    if (w->op == IR_WITH) {
      chain[count] = (Update){.node = r};
      r = w->arg[0];
    } else if (!(r = find_inside(p, top, body, r, &chain[count], deep))) {
      return NULL;
    }
  }
  if (!count) return NULL;
  Restored *made = NEW(p->ctx, Restored);
  made->n = count;
  for (uint32_t j = 0; j < count; j++) made->update[j] = chain[count - 1 - j];
  find_looks(p, body, made, k);
  return made;
}

/* ---- is it worth it? --------------------------------------------------------------------- */

static Size volume(Prog *p, const Type *t) {
  Size s = size_const(p, 1);
  for (uint32_t d = 0; d < t->rank; d++) s = size_mul(p, s, t->dim[d]);
  return s;
}

/* How many elements a step replaces, and keeps. */
static Size replaced(Prog *p, const Restored *a) {
  Size sum = size_const(p, 0);
  for (uint32_t j = 0; j < a->n; j++) {
    const Update *u = &a->update[j];
    Size one = u->inner ? size_mul(p, u->most, replaced(p, u->inner))
                        : volume(p, ir_type(p, ir_node(p, u->node)->arg[1]));
    sum = size_add(p, sum, one);
  }
  return sum;
}

static uint32_t degree(const Mono *m) {
  uint32_t d = 0;
  for (uint32_t k = 0; k < m->n; k++) d += m->exp[k];
  return d;
}

/* What of s grows the most, with the power `most` at least. */
static Size of_degree(Prog *p, Size s, uint32_t most) {
  Size sum = size_const(p, 0);
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    if (degree(m) < most) continue;
    Size term = size_const(p, m->num);
    for (uint32_t a = 0; a < m->n; a++)
      for (uint32_t e = 0; e < m->exp[a]; e++) term = size_mul(p, term, size_atom(p, m->atom[a]));
    sum = size_add(p, sum, size_scale(p, term, 1, m->den));
  }
  return sum;
}

/* Folds inside that replace most of an array: it is as well kept as a whole, and then what the
 * steps inside compute is kept, too (keep.c). */
static bool replaces_most(Prog *p, const Restored *a, const Type *t) {
  bool nested = false;
  for (uint32_t j = 0; j < a->n; j++) nested |= a->update[j].inner != NULL;
  if (!nested) return false;
  Size all = volume(p, t);
  uint32_t most = all->n ? degree(&all->mono[0]) : 0;
  Size twice = size_scale(p, of_degree(p, replaced(p, a), most), 2, 1);
  return size_nonneg(p, size_sub(p, twice, of_degree(p, all, most)));
}

Restored *find_updates(Prog *p, const Node *fold, uint32_t k) {
  Restored *a = find_chain(p, fold->regions[0], fold, k, 0);
  if (!a || replaces_most(p, a, ir_type(p, fold->regions[0]->params.at[k + 1]))) return NULL;
  return a;
}

/* ---- what the forward run keeps --------------------------------------------------------- */

uint32_t keep_output(Prog *p, Ref value) {
  ir_result(p, value);
  return p->cur->results.n - 1;
}

/* What an update by WITH replaces, read before it is made. */
static void read_old(Reverse *v, Update *u) {
  Prog *p = v->p;
  const Node *w = ir_node(p, u->node);
  uint32_t nidx = w->nargs - 2;
  Ref *at = NEWN(p->ctx, Ref, nidx + 1);
  for (uint32_t i = 0; i < nidx; i++) at[i] = copy_ref(v->replay, w->arg[i + 2]);
  Ref array = copy_ref(v->replay, w->arg[0]);
  u->old = ir_read(p, array, nidx, at, w->flags & NODE_CHECKED);
}

static void keep_element(Reverse *v, const Region *top, Update *u) {
  Prog *p = v->p;
  const Node *w = ir_node(p, u->node);
  uint32_t nidx = w->nargs - 2;
  u->index = NEWN(p->ctx, Ref, nidx + 1);
  u->old = keep_output(p, u->old);
  for (uint32_t i = 0; i < nidx; i++)
    if (!follows_steps(p, top, w->arg[i + 2], 0))
      u->index[i] = keep_output(p, copy_ref(v->replay, w->arg[i + 2]));
}

static Ref image(void *copy, Ref old) { return copy_ref(copy, old); }

/* One result of an `if` that reads the tape at this place or is 0. */
static Ref read_or_zero(Prog *p, Ref tape, Ref there, uint32_t n, const Ref *index) {
  Region *yes = ir_begin(p);
  ir_result(p, ir_read(p, tape, n, index, false));
  ir_end(p);
  Region *no = ir_begin(p);
  const Type *t = type_drop(p, ir_type(p, tape), n);
  ir_result(p, t->elem == ELEM_REAL ? ir_real(p, 0) : ir_int(p, 0));
  ir_end(p);
  return ir_out(p, ir_if(p, there, yes, no), 0);
}

/* The tape of a fold inside, as long for every step. */
static Ref as_long(Reverse *v, Ref tape, Size most) {
  Prog *p = v->p;
  const Type *t = ir_type(p, tape);
  Size length = size_map(p, most, image, v->replay);
  if (t->dim[0] == length) return tape;
  Ref extent[MAX_RANK], index[MAX_RANK];
  for (uint32_t d = 0; d < t->rank; d++) extent[d] = d ? ir_extent(p, tape, d) : size_node(p, length);
  Ref trips = ir_extent(p, tape, 0);
  Region *body = ir_begin_loop(p, t->rank, extent, index);
  ir_result(p, read_or_zero(p, tape, ir_prim2(p, P_LT, index[0], trips), t->rank, index));
  ir_end(p);
  return ir_out(p, ir_loop(p, t->rank, extent, body, (Combiner[]){BUILD}), 0);
}

static void keep_lifted(Reverse *v, Ref *tape, Size most) {
  *tape = keep_output(v->p, as_long(v, *tape, most));
}

/* Tapes that a fold inside gives, of which this one keeps one for each step. */
static void lift_tapes(Reverse *v, Restored *a, Size most) {
  for (uint32_t j = 0; j < a->n; j++) {
    Update *u = &a->update[j];
    if (u->inner) {
      lift_tapes(v, u->inner, most);
      continue;
    }
    uint32_t nidx = ir_node(v->p, u->node)->nargs - 2;
    keep_lifted(v, &u->old, most);
    for (uint32_t i = 0; i < nidx; i++)
      if (u->index[i]) keep_lifted(v, &u->index[i], most);
  }
}

static void keep_chain(Reverse *v, const Region *top, Restored *a) {
  for (uint32_t j = 0; j < a->n; j++) {
    Update *u = &a->update[j];
    if (u->inner) lift_tapes(v, u->inner, u->most);
    else keep_element(v, top, u);
  }
}

void restored_keep(Reverse *v, const Region *body, Restored *a) { keep_chain(v, body, a); }

void restored_take(Prog *p, Ref fold, Restored *a) {
  for (uint32_t j = 0; j < a->n; j++) {
    Update *u = &a->update[j];
    if (u->inner) {
      restored_take(p, fold, u->inner);
      continue;
    }
    u->old = ir_out(p, fold, u->old);
    uint32_t nidx = ir_node(p, u->node)->nargs - 2;
    for (uint32_t i = 0; i < nidx; i++)
      if (u->index[i]) u->index[i] = ir_out(p, fold, u->index[i]);
  }
}

/* ---- the run that keeps ------------------------------------------------------------------ */

static void copy_chain(Reverse *v, const Region *top, const Region *body, Restored **all,
                       uint32_t carried);

/* A fold inside, run with tapes as further outputs. */
static Ref run_inside(Reverse *v, const Region *top, Ref source, Restored **all) {
  Prog *p = v->p;
  const Node *n = ir_node(p, source);
  const Region *body = n->regions[0];
  uint32_t carried = n->nargs - 1, nout = body->results.n - carried;
  Ref trips = copy_ref(v->replay, n->arg[0]), t;
  Ref *init = NEWN(p->ctx, Ref, carried + 1);
  for (uint32_t k = 0; k < carried; k++) init[k] = copy_ref(v->replay, n->arg[k + 1]);
  Region *again = ir_begin_loop(p, 1, &trips, &t);
  copy_set(v->replay, body->params.at[0], t);
  for (uint32_t k = 0; k < carried; k++)
    copy_set(v->replay, body->params.at[k + 1], ir_param(p, ir_type(p, init[k])));
  copy_chain(v, top, body, all, carried);
  for (uint32_t k = 0; k < carried + nout; k++)
    ir_result(p, copy_ref(v->replay, body->results.at[k]));
  for (uint32_t k = 0; k < carried; k++)
    if (all[k]) keep_chain(v, top, all[k]);
  Combiner *comb = NEWN(p->ctx, Combiner, again->results.n + 1);
  for (uint32_t k = 0; k < again->results.n; k++)
    comb[k] = k < nout ? ir_node(p, source)->aux.loop->comb[k] : BUILD;
  ir_end(p);
  Ref fold = ir_fold(p, trips, carried, init, again, comb);
  for (uint32_t k = 0; k < carried; k++)
    if (all[k]) restored_take(p, fold, all[k]);
  return fold;
}

/* Reads what node r replaces, if it is an update.  Of a fold inside gives what it does to its
 * arrays, else NULL. */
static Restored **updates_of(Reverse *v, Ref r, Restored **all, uint32_t carried) {
  Restored **mine = NULL;
  for (uint32_t k = 0; k < carried; k++)
    for (uint32_t j = 0; all[k] && j < all[k]->n; j++) {
      Update *u = &all[k]->update[j];
      if (u->node != r) continue;
      if (!u->inner) {
        read_old(v, u);
        continue;
      }
      if (!mine) mine = NEWN(v->p->ctx, Restored *, ir_node(v->p, r)->nargs);
      mine[u->carried] = u->inner;
    }
  return mine;
}

static void copy_chain(Reverse *v, const Region *top, const Region *body, Restored **all,
                       uint32_t carried) {
  for (uint32_t i = 0; i < body->nodes.n; i++) {
    Ref r = body->nodes.at[i];
    Restored **mine = updates_of(v, r, all, carried);
    if (mine) copy_set(v->replay, r, run_inside(v, top, r, mine));
    else copy_node(v->replay, r);
  }
}

void copy_keeping(Reverse *v, const Region *body, Restored **all, uint32_t carried) {
  copy_chain(v, body, body, all, carried);
}

/* ---- putting back -------------------------------------------------------------------------- */

/* The numbers of the steps that are gone through, outermost first. */
typedef struct Steps { Ref at[MAX_NESTED + 1]; uint32_t n; } Steps;

static Ref put_back(Reverse *v, const Region *top, const Update *u, Ref array, const Steps *t) {
  Prog *p = v->p;
  const Node *w = ir_node(p, u->node);
  uint32_t nidx = w->nargs - 2;
  Ref *at = NEWN(p->ctx, Ref, nidx + 1), *said = NEWN(p->ctx, Ref, nidx + 1);
  for (uint32_t i = 0; i < nidx; i++) said[i] = w->arg[i + 2];
  for (uint32_t i = 0; i < nidx; i++)
    at[i] = u->index[i] ? ir_read(p, u->index[i], t->n, t->at, false) : said_again(v, top, said[i]);
  return ir_with(p, array, ir_read(p, u->old, t->n, t->at, false), nidx, at, false);
}

static Ref back_over(Reverse *v, const Region *top, const Restored *a, uint32_t n, Ref array,
                     const Steps *t);

/* The steps of a fold inside, from the last to the first. */
static Ref back_inside(Reverse *v, const Region *top, const Update *u, Ref array, const Steps *t) {
  Prog *p = v->p;
  const Node *n = ir_node(p, u->node);
  const Region *steps = n->regions[0];
  Ref trips = said_again(v, top, n->arg[0]), count;
  Steps in = *t;
  Region *body = ir_begin_loop(p, 1, &trips, &count);
  Ref carried = ir_param(p, ir_type(p, array));
  Ref step = ir_sub(p, ir_sub(p, trips, ir_int(p, 1)), count);
  in.at[in.n++] = step;
  copy_set(v->replay, steps->params.at[0], step);
  ir_result(p, back_over(v, top, u->inner, u->inner->n, carried, &in));
  ir_end(p);
  return ir_out(p, ir_fold(p, trips, 1, &array, body, NULL), 0);
}

/* The array before the first n updates of a step, from the array after them. */
static Ref back_over(Reverse *v, const Region *top, const Restored *a, uint32_t n, Ref array,
                     const Steps *t) {
  while (n-- > 0) {
    const Update *u = &a->update[n];
    array = u->inner ? back_inside(v, top, u, array, t) : put_back(v, top, u, array, t);
  }
  return array;
}

Ref restored_before(Reverse *v, const Region *body, Restored *a, Ref t) {
  return a->last = back_over(v, body, a, a->n, a->last, &(Steps){{t}, 1});
}

void restored_note(Reverse *v, Ref source, uint32_t k, Ref array) {
  VEC_PUSH(v->p->ctx, &v->put_back, ((PutBack){source, k, array}));
}

/* What the reverse of a fold inside, in the region being built, has put back; or 0. */
static Ref noted(const Reverse *v, const Update *u) {
  for (uint32_t k = v->put_back.n; k-- > 0;) {
    const PutBack *b = &v->put_back.at[k];
    if (ir_node(v->p, b->array)->region != v->p->cur->id) return 0;
    if (b->source == u->node && b->carried == u->carried) return b->array;
  }
  return 0;
}

Ref restored_behind(Reverse *v, const Region *body, Restored *a, Ref t, Ref before) {
  for (uint32_t j = 0; j < a->n && !a->early; j++) {
    Ref array = a->update[j].inner ? noted(v, &a->update[j]) : 0;
    if (array) return back_over(v, body, a, j, array, &(Steps){{t}, 1});
  }
  return before;
}

/* ---- a fold within the step ---------------------------------------------------------------- */

/* The tapes of step t, out of those of all. */
static Restored *tapes_of_step(Reverse *v, const Restored *a, Ref t) {
  Prog *p = v->p;
  Restored *made = NEW(p->ctx, Restored);
  *made = *a;
  for (uint32_t j = 0; j < made->n; j++) {
    Update *u = &made->update[j];
    if (u->inner) {
      u->inner = tapes_of_step(v, u->inner, t);
      continue;
    }
    uint32_t nidx = ir_node(p, u->node)->nargs - 2;
    const Ref *index = u->index;
    u->old = ir_read(p, u->old, 1, &t, false);
    u->index = NEWN(p->ctx, Ref, nidx + 1);
    for (uint32_t i = 0; i < nidx; i++)
      if (index[i]) u->index[i] = ir_read(p, index[i], 1, &t, false);
  }
  return made;
}

/* Array k right behind update j of a step that has been reversed so far. */
static Ref behind(Reverse *v, const StepBack *step, uint32_t k, uint32_t j) {
  const Restored *a = step->restored[k];
  const Steps t = {{step->t}, 1};
  Ref array = step->after[k];
  for (uint32_t n = a->n; n-- > j + 1;) {
    const Update *u = &a->update[n];
    Ref back = u->inner ? noted(v, u) : put_back(v, step->body, u, array, &t);
    array = back ? back : back_inside(v, step->body, u, array, &t);
  }
  return array;
}

/* The array of the step that is carried value k of the fold inside, as it was behind it. */
static Restored *within(Reverse *v, const StepBack *step, Ref source, uint32_t k) {
  for (uint32_t i = 0; i < step->carried; i++) {
    const Restored *a = step->restored[i];
    for (uint32_t j = 0; a && j < a->n; j++) {
      const Update *u = &a->update[j];
      if (u->node != source || !u->inner || u->carried != k) continue;
      Restored *made = tapes_of_step(v, u->inner, step->t);
      made->last = behind(v, step, i, j);
      return made;
    }
  }
  return NULL;
}

bool restored_within(Reverse *v, Ref source, Restored **all) {
  const StepBack *step = v->step;
  uint32_t carried = ir_node(v->p, source)->nargs - 1;
  if (!step || step->region != v->p->cur) return false;
  for (uint32_t k = 0; k < carried; k++)
    if (!(all[k] = within(v, step, source, k))) return false;
  return true;
}

void restored_stand_in(Reverse *v, Ref source) {
  const StepBack *step = v->step;
  if (!step || step->region != v->p->cur) return;
  for (uint32_t k = 0; k < step->carried; k++) {
    const Restored *a = step->restored[k];
    if (!a || !a->late || a->early || step->body->results.at[k] != source) continue;
    copy_set(v->replay, source, ir_straight(v->p, step->after[k], copy_ref(v->replay, source)));
  }
}
