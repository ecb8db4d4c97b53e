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

/* ---- if ------------------------------------------------------------------------------- */

static void run_if(Machine *m, const Node *n, Slot *result) {
  const Region *r = n->regions[slot_of(m, n->arg[0])->num.i ? 0 : 1];
  run_region(m, r);
  take_results(m, r, 0, r->results.n, result);
}

/* ---- outputs of loops and folds --------------------------------------------------------- */

/* An output being put together. */
typedef struct Output {
  Combiner comb;
  const Type *value;   /* the type of what each trip gives */
  Num best;            /* ARGMAX ARGMIN: of MPFR, digits are the slot's below */
  Slot held;
  int64_t winner;      /* MAX MIN ARGMAX ARGMIN: its trip, -1 before the first */
} Output;

void neutral(Machine *m, Combiner comb, Elem e, Num *out) {
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
  *o = (Output){.comb = comb, .value = value, .held = {.num = {0}}, .winner = -1};
  if (comb == BUILD) {
    type_extents(m, result, dim);
    slot_set_array(m, out, array_new(m, result->elem, result->rank, dim));
    return;
  }
  Num *x = slot_num(m, out, result->elem == ELEM_REAL);
  if (comb == ARGMAX || comb == ARGMIN) {
    slot_num(m, &o->held, value->elem == ELEM_REAL);
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

static void add_arithmetic(Machine *m, Output *o, uint32_t prim, const Num *x, Num *sum) {
  Num both[] = {*sum, *x};
  if (o->value->elem == ELEM_REAL) m->kind->prim[prim](sum, both);
  else sum->i = whole_prim(prim, both);
}

static void add_part(Machine *m, Output *o, int64_t trip, Slot *from, Array *to) {
  uint64_t n;
  Num *part = slot_elements(from, &n);
  uint64_t at = (uint64_t)trip * n;
  if (at + n > to->n) internal_error(m->c, "an element of a loop does not fit its array");
  nums_copy(m, to->elem, to->at + at, part, n);
}

/* Adds what trip number `trip` gave. */
static void output_add(Machine *m, Output *o, int64_t trip, Slot *from, Slot *out) {
  switch (o->comb) {
  case BUILD: add_part(m, o, trip, from, out->array); break;
  case SUM: add_arithmetic(m, o, P_ADD, &from->num, &out->num); break;
  case PROD: add_arithmetic(m, o, P_MUL, &from->num, &out->num); break;
  case MAX: case MIN: add_extreme(m, o, trip, &from->num, &out->num); break;
  case ANY: out->num.i |= from->num.i; break;
  case ALL: out->num.i &= from->num.i; break;
  case ARGMAX: case ARGMIN: add_extreme(m, o, trip, &from->num, &o->held.num); break;
  }
}

static void output_end(Machine *m, const Output *o, Slot *out) {
  bool extreme = o->comb == MAX || o->comb == MIN, place = o->comb == ARGMAX || o->comb == ARGMIN;
  if (place) out->num.i = o->winner;
  if (m->log && (extreme || place) && o->value->elem == ELEM_REAL) log_outcome(m, o->winner);
}

/* The outputs of a node: the results of its region from `first` on. */
typedef struct Outputs {
  uint32_t n, first;
  const Region *body;
  Slot *result;
  Output *at;
} Outputs;

static Outputs outputs_begin(Machine *m, const Node *n, uint32_t first, Slot *result) {
  const Region *body = n->regions[0];
  Outputs all = {n->aux.loop->nout, first, body, result + first, NULL};
  all.at = (Output *)array_new(m, ELEM_INT, 1, (int64_t[]){0});
  return all;
}

