/* structured.c - the operators with regions.  This recurses over the nesting of regions
 * and nothing else. */
#include "interpret/private.h"

#include <math.h>

void look_at_stop(const Machine *m) {
  if (m->stop && *m->stop) diag_raise(m->c, GC_STOPPED);
}

static void set_index(Machine *m, Ref param, int64_t i) {
  slot_num(m, slot_of(m, param), false)->i = i;
}

/* Copies results of a region from the one numbered `first` on. */
static void take_results(Machine *m, const Region *r, uint32_t first, uint32_t n, Slot *to) {
  for (uint32_t k = 0; k < n; k++) {
    Ref from = r->results.at[first + k];
    slot_copy(m, &to[k], slot_of(m, from), ir_type(m->p, from));
  }
}

/* ---- if ------------------------------------------------------------------------ */

static void run_if(Machine *m, const Node *n, Slot *result) {
  const Region *r = n->regions[slot_of(m, n->arg[0])->num.i ? 0 : 1];
  run_region(m, r);
  take_results(m, r, 0, r->results.n, result);
}

/* ---- outputs of loops and folds ------------------------------------------------ */

/* An output being put together. */
typedef struct Output {
  Combiner comb;
  const Type *value;   /* the type of what each trip gives */
  Slot best;           /* ARGMAX ARGMIN: the winning value */
  int64_t winner;      /* MAX MIN ARGMAX ARGMIN: its trip, -1 before the first */
} Output;

/* What a reduction over nothing gives. */
static void neutral(Machine *m, Combiner comb, Elem e, Num *out) {
  if (e == ELEM_REAL) {
    double x = comb == PROD ? 1 : comb == MAX ? -INFINITY : comb == MIN ? INFINITY : 0;
    m->kind->from_double(out, x);
    return;
  }
  out->i = comb == PROD || comb == ALL ? 1 : comb == MAX ? INT64_MIN : comb == MIN ? INT64_MAX : 0;
}

static void output_begin(Machine *m, Output *o, Combiner comb, const Type *value,
                         const Type *result, Slot *out) {
  int64_t dim[MAX_RANK];
  o->comb = comb;
  o->value = value;
  o->winner = -1;
  if (comb == BUILD) {
    type_extents(m, result, dim);
    slot_set_array(m, out, array_new(m, result->elem, result->rank, dim));
    return;
  }
  Num *x = slot_num(m, out, result->elem == ELEM_REAL);
  if (comb == ARGMAX || comb == ARGMIN) {
    slot_num(m, &o->best, value->elem == ELEM_REAL);
    x->i = -1;
  } else {
    neutral(m, comb, result->elem, x);
  }
}

static Order order_of(Machine *m, Elem e, const Num *a, const Num *b) {
  if (e == ELEM_REAL) return m->kind->order(a, b);
  return a->i < b->i ? LESS : a->i > b->i ? GREATER : EQUAL;
}

/* Does x take the place of the best so far?  The first NaN wins for good. */
static bool wins(Machine *m, const Output *o, const Num *x, const Num *best) {
  Elem e = o->value->elem;
  if (o->winner < 0) return true;
  if (order_of(m, e, best, best) == UNORDERED) return false;
  if (order_of(m, e, x, x) == UNORDERED) return true;
  bool larger = o->comb == MAX || o->comb == ARGMAX;
  return order_of(m, e, x, best) == (larger ? GREATER : LESS);
}

static void add_extreme(Machine *m, Output *o, int64_t trip, const Num *x, Num *best) {
  if (!wins(m, o, x, best)) return;
  nums_copy(m, o->value->elem, best, x, 1);
  o->winner = trip;
}

static void add_part(Machine *m, int64_t trip, Slot *from, Array *to) {
  uint64_t n;
  Num *part = slot_elements(from, &n);
  uint64_t at = (uint64_t)trip * n;
  if (at + n > to->n) internal_error(m->c, "an element of a loop does not fit its array");
  nums_copy(m, to->elem, to->at + at, part, n);
}

/* Adds what trip number `trip` gave. */
static void output_add(Machine *m, Output *o, int64_t trip, Slot *from, Slot *out) {
  switch (o->comb) {
  case BUILD: add_part(m, trip, from, out->array); break;
  case SUM: combine_num(m, P_ADD, o->value->elem, &out->num, &from->num); break;
  case PROD: combine_num(m, P_MUL, o->value->elem, &out->num, &from->num); break;
  case MAX: case MIN: add_extreme(m, o, trip, &from->num, &out->num); break;
  case ANY: out->num.i |= from->num.i; break;
  case ALL: out->num.i &= from->num.i; break;
  case ARGMAX: case ARGMIN: add_extreme(m, o, trip, &from->num, &o->best.num); break;
  }
}

static void output_end(Machine *m, const Output *o, Slot *out) {
  bool extreme = o->comb == MAX || o->comb == MIN, place = o->comb == ARGMAX || o->comb == ARGMIN;
  if (place) out->num.i = o->winner;
  if (m->log && (extreme || place) && o->value->elem == ELEM_REAL) log_outcome(m, o->winner);
}

/* A LOOP or FOLD on its way: its outputs are the region's results from `first` on. */
typedef struct Trips {
  const Node *n;
  const Region *body;
  Slot *result;
  Output *output;
  uint32_t first;
  int64_t trip;
} Trips;

static Trips trips_begin(Machine *m, const Node *n, Slot *out, uint32_t first) {
  Trips t = {n, n->regions[0], out->result, out->output, first, 0};
  if (!t.output) t.output = out->output = NEWN(m->c, Output, n->aux.loop->nout + 1);
  for (uint32_t k = 0; k < n->aux.loop->nout; k++) {
    const Type *value = ir_type(m->p, t.body->results.at[first + k]);
    output_begin(m, &t.output[k], n->aux.loop->comb[k], value, n->result_type[first + k],
                 &t.result[first + k]);
  }
  return t;
}

/* Runs the body, whose parameters are set, and takes its outputs. */
static void run_trip(Machine *m, Trips *t) {
  look_at_stop(m);
  run_region(m, t->body);
  for (uint32_t k = 0; k < t->n->aux.loop->nout; k++) {
    uint32_t at = t->first + k;
    output_add(m, &t->output[k], t->trip, slot_of(m, t->body->results.at[at]), &t->result[at]);
  }
  t->trip++;
}

static void trips_end(Machine *m, Trips *t) {
  for (uint32_t k = 0; k < t->n->aux.loop->nout; k++)
    output_end(m, &t->output[k], &t->result[t->first + k]);
}

/* ---- loop, fold, while --------------------------------------------------------- */

/* Sets all indices to 0; false where there is nothing to run over. */
static bool first_index(Machine *m, const Node *n) {
  bool any = true;
  for (uint32_t k = 0; k < n->nargs; k++) {
    set_index(m, n->regions[0]->params.at[k], 0);
    if (slot_of(m, n->arg[k])->num.i <= 0) any = false;
  }
  return any;
}

/* The next place of the index space, row by row; false after the last. */
static bool next_index(Machine *m, const Node *n) {
  for (uint32_t k = n->nargs; k-- > 0;) {
    Slot *index = slot_of(m, n->regions[0]->params.at[k]);
    if (++index->num.i < slot_of(m, n->arg[k])->num.i) return true;
    index->num.i = 0;
  }
  return false;
}

static void run_loop(Machine *m, const Node *n, Slot *out) {
  Trips t = trips_begin(m, n, out, 0);
  for (bool more = first_index(m, n); more; more = next_index(m, n)) run_trip(m, &t);
  trips_end(m, &t);
}

/* Carried values live in the node's first results. */
static void start_carried(Machine *m, const Node *n, Slot *result) {
  for (uint32_t k = 1; k < n->nargs; k++)
    slot_copy(m, &result[k - 1], slot_of(m, n->arg[k]), ir_type(m->p, n->arg[k]));
}

/* They go into the parameters of a region from `skip` on. */
static void set_carried(Machine *m, const Node *n, const Region *r, uint32_t skip, Slot *result) {
  for (uint32_t k = 0; k + 1 < n->nargs; k++) {
    Ref param = r->params.at[k + skip];
    slot_copy(m, slot_of(m, param), &result[k], ir_type(m->p, param));
  }
}

static void run_fold(Machine *m, const Node *n, Slot *out) {
  uint32_t carried = n->nargs - 1;
  int64_t most = slot_of(m, n->arg[0])->num.i;
  Trips t = trips_begin(m, n, out, carried);
  start_carried(m, n, t.result);
  while (t.trip < most) {
    set_index(m, t.body->params.at[0], t.trip);
    set_carried(m, n, t.body, 1, t.result);
    run_trip(m, &t);
    take_results(m, t.body, 0, carried, t.result);
  }
  trips_end(m, &t);
}

static bool goes_on(Machine *m, const Node *n, Slot *result) {
  const Region *cond = n->regions[0];
  set_carried(m, n, cond, 0, result);
  run_region(m, cond);
  return slot_of(m, cond->results.at[0])->num.i != 0;
}

static void run_while(Machine *m, const Node *n, Slot *result) {
  const Region *body = n->regions[1];
  uint32_t carried = n->nargs - 1;
  int64_t most = slot_of(m, n->arg[0])->num.i, trip = 0;
  start_carried(m, n, result);
  for (; trip < most && goes_on(m, n, result); trip++) {
    look_at_stop(m);
    set_carried(m, n, body, 0, result);
    run_region(m, body);
    take_results(m, body, 0, carried, result);
  }
  slot_num(m, &result[carried], false)->i = trip;
}

/* ---- accum, custom ------------------------------------------------------------- */

static void run_accum(Machine *m, const Node *n, Slot *result) {
  const Region *r = n->regions[0];
  for (uint32_t k = 0; k < n->nargs; k++) {
    Slot *handle = slot_of(m, r->params.at[k]), *init = slot_of(m, n->arg[k]);
    if (init->array) slot_set_array(m, handle, array_copy(m, init->array));
    else slot_copy(m, handle, init, ir_type(m->p, n->arg[k]));
  }
  run_region(m, r);
  for (uint32_t k = 0; k < n->nargs; k++) {
    Slot *handle = slot_of(m, r->params.at[k]);
    slot_copy(m, &result[k], handle, n->result_type[k]);
    slot_set_array(m, handle, NULL);
  }
  take_results(m, r, 0, r->results.n, result + n->nargs);
}

void run_custom(Machine *m, const Node *n, Slot *result) {
  const Region *r = n->regions[0];
  for (uint32_t k = 0; k < n->nargs; k++)
    slot_copy(m, slot_of(m, r->params.at[k]), slot_of(m, n->arg[k]), ir_type(m->p, n->arg[k]));
  run_region(m, r);
  take_results(m, r, 0, r->results.n, result);
}

void run_structured(Machine *m, const Node *n, Slot *out) {
  if (!out->result) out->result = NEWN(m->c, Slot, n->nresults + 1);
  switch ((Op)n->op) {
  case IR_IF: run_if(m, n, out->result); break;
  case IR_LOOP: run_loop(m, n, out); break;
  case IR_FOLD: run_fold(m, n, out); break;
  case IR_WHILE: run_while(m, n, out->result); break;
  case IR_ACCUM: run_accum(m, n, out->result); break;
  default:
    if (m->log) surrogate_custom(m, n, out->result);
    else run_custom(m, n, out->result);
    break;
  }
}
