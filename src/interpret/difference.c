/* difference.c - derivatives by differences, for tests and for `gradc check`.
 *
 * With f at x - h, x - h/2, x + h/2 and x + h, the combination
 *   4/3 * (f(x + h/2) - f(x - h/2))/h - 1/3 * (f(x + h) - f(x - h))/(2*h)
 * is the derivative but for terms of h^4.  h is |x|*2^-STEP (2^-STEP for 0), far below
 * the distance of doubles, and BITS leave enough of the differences; where f is so large
 * or h so small that rounding of f, divided by h, passes 2^-EXACT, it is done again with more. */
#include "interpret/private.h"

enum { BITS = 320, STEP = 64, EXACT = 128, MOST_BITS = 4096 };

typedef struct Difference {
  Prog *p;
  const Value *in;
  uint32_t nin, wrt;
  uint64_t k;
  Host *host;
  Value *out;
  Slot base;        /* the parameter at x */
  Num step, at, factor;
  Array **sum;      /* for each result */
  mpfr_exp_t largest; /* exponent of any result that was added */
} Difference;

static const Type *param_type(const Difference *d) {
  return ir_type(d->p, d->p->root->params.at[d->wrt]);
}

static void check_request(Difference *d) {
  uint64_t n = d->wrt < d->nin && d->wrt < d->p->root->params.n;
  if (n && param_type(d)->elem != ELEM_REAL) n = 0;
  for (uint32_t k = 0; n && k < d->in[d->wrt].rank; k++) n *= (uint64_t)d->in[d->wrt].dim[k];
  if (d->k < n) return;
  diag(d->p->ctx, SEV_ERROR, (Span){0}, "there is no such element to differentiate by");
  diag_raise(d->p->ctx, GC_USAGE);
}

/* Sets d->step to h. */
static void choose_step(Difference *d) {
  uint64_t n;
  const Num *x = &slot_elements(&d->base, &n)[d->k];
  mpfr_abs(d->step.m, x->m, MPFR_RNDN);
  if (mpfr_zero_p(x->m)) mpfr_set_ui(d->step.m, 1, MPFR_RNDN);
  mpfr_div_2ui(d->step.m, d->step.m, STEP, MPFR_RNDN);
}

/* Sets the parameter to x + times*h, in an array of its own: others may hold the old one. */
static void move_to(Machine *m, Difference *d, double times) {
  Slot *s = slot_of(m, d->p->root->params.at[d->wrt]);
  uint64_t n;
  if (d->base.array) slot_set_array(m, s, array_copy(m, d->base.array));
  else slot_copy(m, s, &d->base, param_type(d));
  Num *x = &slot_elements(s, &n)[d->k];
  mpfr_mul_d(d->at.m, d->step.m, times, MPFR_RNDN);
  mpfr_add(x->m, x->m, d->at.m, MPFR_RNDN);
}

/* sum += factor/h * results. */
static void add_results(Machine *m, Difference *d) {
  const Region *root = d->p->root;
  mpfr_div(d->at.m, d->factor.m, d->step.m, MPFR_RNDN);
  for (uint32_t k = 0; k < root->results.n; k++) {
    uint64_t n;
    const Num *y = slot_elements(slot_of(m, root->results.at[k]), &n);
    if (ir_type(d->p, root->results.at[k])->elem != ELEM_REAL) continue;
    if (n != d->sum[k]->n) internal_error(m->c, "a result changes its size");
    for (uint64_t j = 0; j < n; j++) {
      if (mpfr_regular_p(y[j].m) && mpfr_get_exp(y[j].m) > d->largest)
        d->largest = mpfr_get_exp(y[j].m);
      mpfr_mul(m->sum.m, d->at.m, y[j].m, MPFR_RNDN);
      mpfr_add(d->sum[k]->at[j].m, d->sum[k]->at[j].m, m->sum.m, MPFR_RNDN);
    }
  }
}

/* Sums of each result's sizes, 0. */
static void start_sums(Machine *m, Difference *d) {
  const Region *root = d->p->root;
  d->sum = NEWN(m->c, Array *, root->results.n + 1);
  for (uint32_t k = 0; k < root->results.n; k++) {
    const Array *a = slot_of(m, root->results.at[k])->array;
    d->sum[k] = array_new(m, ELEM_REAL, a ? a->rank : 0, a ? a->dim : NULL);
  }
}

static void take_sums(Machine *m, Difference *d) {
  for (uint32_t k = 0; k < d->p->root->results.n; k++) {
    const Array *a = d->sum[k];
    double *data = NEWN(m->c, double, a->n);
    for (uint64_t j = 0; j < a->n; j++) data[j] = mpfr_get_d(a->at[j].m, MPFR_RNDN);
    d->out[k] = (Value){.elem = ELEM_REAL, .rank = a->rank, .data = data};
    for (uint32_t j = 0; j < a->rank; j++) d->out[k].dim[j] = a->dim[j];
  }
}

/* Runs beside x: where, and with which factor (sixths) the result counts. */
static const struct { double times; long sixths; } runs[] = {
  {0.5, 8}, {-0.5, -8}, {1, -1}, {-1, 1},
};

/* Returns how many bits it takes. */
static unsigned difference_with(Difference *d, unsigned bits) {
  Machine *m = machine_new(d->p, bits);
  d->largest = mpfr_get_emin();
  m->stop = d->host ? d->host->stop : NULL;
  check_request(d);
  real_new(m, &d->step);
  real_new(m, &d->at);
  real_new(m, &d->factor);
  set_params(m, d->in, d->nin);
  slot_copy(m, &d->base, slot_of(m, d->p->root->params.at[d->wrt]), param_type(d));
  choose_step(d);
  m->log = log_new(m);
  run_region(m, d->p->root);
  start_sums(m, d);
  for (uint32_t k = 0; k < sizeof runs / sizeof *runs; k++) {
    log_replay(m->log);
    move_to(m, d, runs[k].times);
    run_region(m, d->p->root);
    mpfr_set_si(d->factor.m, runs[k].sixths, MPFR_RNDN);
    mpfr_div_ui(d->factor.m, d->factor.m, 6, MPFR_RNDN);
    add_results(m, d);
  }
  take_sums(m, d);
  mpfr_exp_t most = d->largest - mpfr_get_exp(d->step.m) + EXACT;
  return most < 0 ? 0 : most < MOST_BITS ? (unsigned)most : MOST_BITS;
}

static void difference(void *self) {
  Difference *d = self;
  unsigned bits = difference_with(d, BITS);
  if (bits > BITS) difference_with(d, bits);
}

Status interpret_difference(Prog *p, const Value *in, uint32_t nin, uint32_t wrt, uint64_t k,
                            Host *host, Value *out) {
  Difference d = {.p = p, .in = in, .nin = nin, .wrt = wrt, .k = k, .host = host, .out = out};
  Span pos = p->pos;
  Status s = ctx_try(p->ctx, difference, &d);
  p->pos = pos;
  return s;
}
