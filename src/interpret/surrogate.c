/* surrogate.c - what stands for a barrier while differences are taken.
 *
 * The derivative that the language gives to e at x0 is that of a surrogate: a function
 * with the same value at x0 whose plain derivative is the one asked for.
 *
 *   STOP e            e0                       (e0: the value at x0)
 *   SCALE e by s      e0 + s0*(e - e0)
 *   STRAIGHT h, s     h0 + (s - s0)
 *   CUSTOM f(a)       f0 + J*(a - a0)          J by the rule, at a0
 *
 * One run at x0 records the values, the runs beside it read them back in order: they take
 * the same way through the program, since every discrete outcome is recorded, too, and
 * another one ends the run.  J of a gradient's rule is found a row at a time, by unit
 * gradients arriving; that a rule is linear is tried on a few more. */
#include "interpret/private.h"

#include <math.h>

struct Log {
  bool replay;
  VEC(int64_t) outcome;
  VEC(Slot) value;
  uint32_t next_outcome, next_value;
  Num term, factor;
};

Log *log_new(Machine *m) {
  Log *l = NEW(m->c, Log);
  real_new(m, &l->term);
  real_new(m, &l->factor);
  return l;
}

void log_replay(Log *l) {
  l->replay = true;
  l->next_outcome = l->next_value = 0;
}

/* ---- outcomes ------------------------------------------------------------------ */

void log_outcome(Machine *m, int64_t outcome) {
  Log *l = m->log;
  if (!l->replay) {
    VEC_PUSH(m->c, &l->outcome, outcome);
    return;
  }
  uint32_t at = l->next_outcome++;
  if (at >= l->outcome.n || l->outcome.at[at] != outcome)
    diag_raise(m->c, (Status)DIFFERENCE_KINK);
}

static int64_t side_of_zero(Machine *m, const Num *x) {
  m->kind->from_int(&m->log->term, 0);
  return m->kind->order(x, &m->log->term);
}

/* The whole number q of out = x - q*y. */
static int64_t quotient(Machine *m, const Num *a, const Num *out) {
  double x = m->kind->to_double(&a[0]), y = m->kind->to_double(&a[1]);
  double q = (x - m->kind->to_double(out)) / y;
  return fabs(q) < 0x1p62 ? (int64_t)round(q) : 0;
}

void log_prim(Machine *m, uint32_t prim, const Num *a, const Num *out) {
  switch (prim) {
  case P_EQ: case P_NE: case P_LT: case P_LE: case P_GT: case P_GE:
  case P_ISNAN: case P_ISINF: case P_ISFINITE:
    log_outcome(m, out->i);
    break;
  case P_ABS: case P_FABS: case P_SIGN: case P_RELU: case P_HEAVISIDE:
    log_outcome(m, side_of_zero(m, &a[0]));
    break;
  case P_COPYSIGN:
    log_outcome(m, side_of_zero(m, &a[0]));
    log_outcome(m, side_of_zero(m, &a[1]));
    break;
  case P_MAX: case P_MIN: case P_FMAX: case P_FMIN: case P_FDIM:
    log_outcome(m, m->kind->order(&a[0], &a[1]));
    break;
  case P_CLAMP:
    log_outcome(m, m->kind->order(&a[0], &a[1]));
    log_outcome(m, m->kind->order(&a[0], &a[2]));
    break;
  case P_FLOOR: case P_CEIL: case P_TRUNC: case P_ROUND: case P_RINT: case P_NEARBYINT:
  case P_LOGB: case P_FLOORDIV:
    log_outcome(m, m->kind->to_int(out));
    break;
  case P_MOD: case P_FMOD: case P_REMAINDER:
    log_outcome(m, quotient(m, a, out));
    break;
  default: break;
  }
}

/* ---- values -------------------------------------------------------------------- */

static void record(Machine *m, const Slot *value, const Type *t) {
  Slot copy = {0};
  slot_copy(m, &copy, value, t);
  VEC_PUSH(m->c, &m->log->value, copy);
}

static void record_node(Machine *m, Ref r) {
  record(m, slot_of(m, r), ir_type(m->p, r));
}

/* The first of the next n values recorded. */
static Slot *recorded(Machine *m, uint32_t n) {
  Log *l = m->log;
  if (n > l->value.n - l->next_value) diag_raise(m->c, (Status)DIFFERENCE_KINK);
  l->next_value += n;
  return &l->value.at[l->next_value - n];
}

/* Element k, or the scalar that stands for every element. */
static Num *element(Slot *s, uint64_t k) {
  return s->array ? &s->array->at[k] : &s->num;
}

/* Makes `out` a real value of the same sizes, its elements 0. */
static void shaped_as(Machine *m, Slot *out, const Slot *like) {
  if (like->array) {
    const Array *a = like->array;
    slot_set_array(m, out, array_new(m, ELEM_REAL, a->rank, a->dim));
  } else {
    m->kind->from_int(slot_num(m, out, true), 0);
  }
}

static uint64_t count_of(Slot *s) {
  uint64_t n;
  slot_elements(s, &n);
  return n;
}

static void add_to(Machine *m, Num *to, const Num *x) {
  combine_num(m, P_ADD, ELEM_REAL, to, x);
}

/* to += f*(x - x0); f NULL is 1. */
static void add_change(Machine *m, Num *to, const Num *f, const Num *x, const Num *x0) {
  Num *change = &m->log->term;
  m->kind->prim[P_SUB](change, (Num[2]){*x, *x0});
  if (f) combine_num(m, P_MUL, ELEM_REAL, change, f);
  add_to(m, to, change);
}

/* ---- barriers ------------------------------------------------------------------ */

/* base + f*(x - x0), element by element. */
static void changed(Machine *m, Slot *out, Slot *base, Slot *f, Slot *x, Slot *x0) {
  uint64_t n = count_of(base);
  shaped_as(m, out, base);
  for (uint64_t k = 0; k < n; k++) {
    m->kind->set(element(out, k), element(base, k));
    add_change(m, element(out, k), f ? element(f, k) : NULL, element(x, k), element(x0, k));
  }
}

void surrogate_barrier(Machine *m, const Node *n, Slot *out) {
  if (!m->log->replay) {
    for (uint32_t k = 0; k < n->nargs; k++) record_node(m, n->arg[k]);
    slot_copy(m, out, slot_of(m, n->arg[0]), n->type);
    return;
  }
  Slot *held = recorded(m, n->nargs);
  if (n->op == IR_STOP) slot_copy(m, out, &held[0], n->type);
  else if (n->op == IR_SCALE) changed(m, out, &held[0], &held[1], slot_of(m, n->arg[0]), &held[0]);
  else changed(m, out, &held[0], NULL, slot_of(m, n->arg[1]), &held[1]);
}

/* ---- custom: the rule ---------------------------------------------------------- */

/* Runs a region of a rule's, without a log of its own. */
static void run_silent(Machine *m, const Region *r) {
  Log *log = m->log;
  m->log = NULL;
  run_region(m, r);
  m->log = log;
}

static bool is_real(const Type *t) {
  return t->elem == ELEM_REAL;
}

static void set_params_from(Machine *m, const Region *r, uint32_t first, uint32_t n, Slot *from) {
  for (uint32_t k = 0; k < n; k++) {
    Ref param = r->params.at[first + k];
    slot_copy(m, slot_of(m, param), &from[k], ir_type(m->p, param));
  }
}

/* What is tried on a gradient's rule: one gradient that arrives, or a combination. */
typedef struct Seed {
  uint64_t unit;     /* this element is 1, all others 0 */
  int trial;         /* from 0: all elements by coefficient(); -1: a unit */
} Seed;

enum { TRIALS = 3 };

/* Sizes of three orders of magnitude and both signs. */
static double coefficient(int trial, uint64_t k) {
  double size = 1 + (double)(k * 37 % 101) / 128;
  bool minus = (k + (uint64_t)trial) % 2 != 0;
  return ldexp(minus ? -size : size, 20 * (trial - 1));
}

/* Sets the parameters for what arrives; elements are counted over all real results. */
static void set_ups(Machine *m, const Node *n, Slot *result, Seed seed) {
  uint64_t at = 0;
  for (uint32_t k = 0; k < n->nresults; k++) {
    Slot *up = slot_of(m, n->regions[1]->params.at[n->nargs + k]);
    if (!is_real(n->result_type[k])) {
      slot_copy(m, up, &result[k], n->result_type[k]);
      continue;
    }
    shaped_as(m, up, &result[k]);
    uint64_t count = count_of(up);
    for (uint64_t j = 0; j < count; j++, at++) {
      double x = seed.trial < 0 ? at == seed.unit : coefficient(seed.trial, at);
      m->kind->from_double(element(up, j), x);
    }
  }
}

static uint64_t real_elements(const Node *n, Slot *result) {
  uint64_t count = 0;
  for (uint32_t k = 0; k < n->nresults; k++)
    if (is_real(n->result_type[k])) count += count_of(&result[k]);
  return count;
}

static void run_rule(Machine *m, const Node *n, Slot *result, Seed seed) {
  const Region *rule = n->regions[1];
  for (uint32_t k = 0; k < n->nargs; k++)
    slot_copy(m, slot_of(m, rule->params.at[k]), slot_of(m, n->arg[k]), ir_type(m->p, n->arg[k]));
  set_ups(m, n, result, seed);
  if (n->aux.custom->has_value)
    set_params_from(m, rule, n->nargs + n->nresults, n->nresults, result);
  run_silent(m, rule);
}

/* Is got the sum over the rows of coefficient*row, for element j of the rule's result k? */
static bool adds_up(Machine *m, const Num *got, Slot *rows, uint32_t nrules, uint64_t nrows,
                    uint32_t k, uint64_t j, int trial) {
  Num *term = &m->log->term;
  double size = 0;
  mpfr_t exact, part;
  mpfr_inits2(m->bits, exact, part, (mpfr_ptr)NULL);
  mpfr_set_zero(exact, 1);
  for (uint64_t row = 0; row < nrows; row++) {
    m->kind->set(term, element(&rows[row * nrules + k], j));
    mpfr_mul_d(part, term->m, coefficient(trial, row), MPFR_RNDN);
    mpfr_add(exact, exact, part, MPFR_RNDN);
    size += fabs(mpfr_get_d(part, MPFR_RNDN));
  }
  mpfr_sub(exact, exact, got->m, MPFR_RNDN);
  double gap = fabs(mpfr_get_d(exact, MPFR_RNDN));
  mpfr_clears(exact, part, (mpfr_ptr)NULL);
  return !(gap > ldexp(size, -100));
}

/* Tries the rule on combinations of the unit gradients, whose rows have been recorded. */
static void try_linear(Machine *m, const Node *n, Slot *result, uint32_t first, uint64_t nrows) {
  const Region *rule = n->regions[1];
  uint32_t nrules = rule->results.n;
  for (int trial = 0; trial < TRIALS; trial++) {
    run_rule(m, n, result, (Seed){.trial = trial});
    Slot *rows = &m->log->value.at[first];
    for (uint32_t k = 0; k < nrules; k++) {
      Slot *got = slot_of(m, rule->results.at[k]);
      uint64_t count = is_real(ir_type(m->p, rule->results.at[k])) ? count_of(got) : 0;
      for (uint64_t j = 0; j < count; j++)
        if (!adds_up(m, element(got, j), rows, nrules, nrows, k, j, trial))
          diag_raise(m->c, (Status)DIFFERENCE_NONLINEAR);
    }
  }
}

/* Records the rule's answer to each unit gradient. */
static void record_rows(Machine *m, const Node *n, Slot *result) {
  const Region *rule = n->regions[1];
  uint32_t first = m->log->value.n;
  uint64_t nrows = real_elements(n, result);
  for (uint64_t row = 0; row < nrows; row++) {
    run_rule(m, n, result, (Seed){.unit = row, .trial = -1});
    for (uint32_t k = 0; k < rule->results.n; k++) record_node(m, rule->results.at[k]);
  }
  if (nrows) try_linear(m, n, result, first, nrows);
}

/* to += row * (args - args0), over the arguments that the rule has a part for. */
static void add_row(Machine *m, const Node *n, Num *to, Slot *row, Slot *args0) {
  for (uint32_t k = 0; k < n->nargs; k++) {
    if (!n->aux.custom->gives[k]) continue;
    uint64_t count = count_of(row);
    Slot *arg = slot_of(m, n->arg[k]);
    for (uint64_t j = 0; j < count; j++)
      add_change(m, to, element(row, j), element(arg, j), element(&args0[k], j));
    row++;
  }
}

static void replay_gradient(Machine *m, const Node *n, Slot *out, Slot *args0, Slot *result0) {
  uint32_t nrules = n->regions[1]->results.n;
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!is_real(n->result_type[k])) continue;
    uint64_t count = count_of(&out[k]);
    shaped_as(m, &out[k], &result0[k]);
    for (uint64_t j = 0; j < count; j++) {
      m->kind->set(element(&out[k], j), element(&result0[k], j));
      add_row(m, n, element(&out[k], j), recorded(m, nrules), args0);
    }
  }
}

/* ---- custom: a tangent's rule -------------------------------------------------- */

/* Runs it on the change of the arguments times `factor`. */
static void run_tangent(Machine *m, const Node *n, Slot *args0, double factor) {
  const Region *rule = n->regions[1];
  Num *f = &m->log->factor;
  m->kind->from_double(f, factor);
  set_params_from(m, rule, 0, n->nargs, args0);
  for (uint32_t k = 0; k < n->nargs; k++) {
    Slot *dx = slot_of(m, rule->params.at[n->nargs + k]);
    Slot *arg = slot_of(m, n->arg[k]);
    if (!is_real(ir_type(m->p, n->arg[k]))) {
      slot_copy(m, dx, &args0[k], ir_type(m->p, n->arg[k]));
      continue;
    }
    shaped_as(m, dx, &args0[k]);
    for (uint64_t j = 0; j < count_of(dx); j++)
      add_change(m, element(dx, j), f, element(arg, j), element(&args0[k], j));
  }
  run_silent(m, rule);
}

/* The rule's answer to the change times factor has to be `factor` times that to it, which
 * `out` has been given on top of result0. */
static void try_tangent(Machine *m, const Node *n, Slot *out, Slot *args0, Slot *result0,
                        double factor) {
  run_tangent(m, n, args0, factor);
  for (uint32_t k = 0; k < n->nresults; k++) {
    Slot *got = slot_of(m, n->regions[1]->results.at[k]);
    uint64_t count = is_real(n->result_type[k]) ? count_of(got) : 0;
    for (uint64_t j = 0; j < count; j++) {
      Num *base = element(&result0[k], j);
      m->kind->prim[P_SUB](&m->log->term, (Num[2]){*element(&out[k], j), *base});
      double once = m->kind->to_double(&m->log->term) * factor;
      double noise = ldexp(fabs(m->kind->to_double(base) * factor), -200);
      double gap = fabs(m->kind->to_double(element(got, j)) - once);
      if (gap > 1e-6 * fabs(once) + noise) diag_raise(m->c, (Status)DIFFERENCE_NONLINEAR);
    }
  }
}

static void replay_tangent(Machine *m, const Node *n, Slot *out, Slot *args0, Slot *result0) {
  run_tangent(m, n, args0, 1);
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!is_real(n->result_type[k])) continue;
    Slot *change = slot_of(m, n->regions[1]->results.at[k]);
    shaped_as(m, &out[k], &result0[k]);
    for (uint64_t j = 0; j < count_of(&out[k]); j++) {
      m->kind->set(element(&out[k], j), element(&result0[k], j));
      add_to(m, element(&out[k], j), element(change, j));
    }
  }
  try_tangent(m, n, out, args0, result0, -0x1p40);
}

/* ---- custom -------------------------------------------------------------------- */

static void record_custom(Machine *m, const Node *n, Slot *out) {
  Log *log = m->log;
  for (uint32_t k = 0; k < n->nargs; k++) record_node(m, n->arg[k]);
  m->log = NULL;
  run_custom(m, n, out);
  m->log = log;
  for (uint32_t k = 0; k < n->nresults; k++) record(m, &out[k], n->result_type[k]);
  if (!n->aux.custom->tangent) record_rows(m, n, out);
}

void surrogate_custom(Machine *m, const Node *n, Slot *out) {
  if (!m->log->replay) {
    record_custom(m, n, out);
    return;
  }
  Slot *args0 = recorded(m, n->nargs), *result0 = recorded(m, n->nresults);
  for (uint32_t k = 0; k < n->nresults; k++) slot_copy(m, &out[k], &result0[k], n->result_type[k]);
  if (n->aux.custom->tangent) replay_tangent(m, n, out, args0, result0);
  else replay_gradient(m, n, out, args0, result0);
}
