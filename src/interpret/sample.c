/* sample.c - a point for a function, to try compiled code at: small sizes, numbers that
 * float holds exactly, and the results there.
 *
 * What a function asks of its inputs is not known (subscripts in range, sizes that fit, a
 * domain), so several points are tried: the first whose results are all finite is taken,
 * else the first that has results at all. */
#include "interpret/interpret.h"

#include <math.h>

enum { DIGITS = 160, MOST_ELEMENTS = 4096, SIZE_CHOICES = 5, INT_CHOICES = 3 };

typedef struct Point {
  Prog *p;
  Ctx *c;
  Value *in, *exact, *near;
  uint32_t nin, nout;
  int sizes, ints;
} Point;

/* ---- inputs ------------------------------------------------------------------------- */

static int64_t size_choice(int choice, uint32_t k) {
  static const int64_t distinct[] = {3, 2, 4, 5};
  static const int64_t same[] = {0, 3, 2, 4, 1};
  return choice ? same[choice] : distinct[k % 4];
}

static int64_t int_choice(int choice, uint64_t k) {
  return choice == 0 ? (int64_t)(k % 2) : choice == 1 ? 0 : 1;
}

static double real_choice(uint32_t param, uint64_t k) {
  return (double)((k * 23 + param * 11) % 59 + 3) / 64;
}

/* Size s for the values of parameters in x->in; -1: it depends on something else. */
static int64_t size_value(const Point *x, Size s) {
  double sum = 0;
  for (uint32_t m = 0; m < s->n; m++) {
    double product = (double)s->mono[m].num / (double)s->mono[m].den;
    for (uint32_t k = 0; k < s->mono[m].n; k++) {
      const Node *n = ir_node(x->p, s->mono[m].atom[k]);
      if (n->op != IR_PARAM || n->region != x->p->root->id) return -1;
      product *= pow((double)*(const int64_t *)x->in[n->aux.i].data, s->mono[m].exp[k]);
    }
    sum += product;
  }
  return sum < 0 || sum > MOST_ELEMENTS || sum != floor(sum) ? -1 : (int64_t)sum;
}

static bool set_scalar(Point *x, uint32_t k, const Node *n) {
  Value *v = &x->in[k];
  bool size = k < x->p->sig.params.n && x->p->sig.params.at[k].is_size;
  if (n->type->elem == ELEM_REAL) {
    double *r = NEW(x->c, double);
    *r = real_choice(k, 0);
    v->data = r;
  } else {
    int64_t *i = NEW(x->c, int64_t);
    *i = size ? size_choice(x->sizes, k) : n->type->elem == ELEM_BOOL ? x->ints != 1 : 2 - x->ints;
    v->data = i;
  }
  return true;
}

static bool set_array(Point *x, uint32_t k, const Type *t) {
  Value *v = &x->in[k];
  uint64_t n = 1;
  for (uint32_t d = 0; d < t->rank; d++) {
    v->dim[d] = size_value(x, t->dim[d]);
    if (v->dim[d] < 0) return false;
    n *= (uint64_t)v->dim[d];
    if (n > MOST_ELEMENTS) return false;
  }
  double *r = NEWN(x->c, double, n + 1);
  int64_t *i = (int64_t *)r;
  for (uint64_t j = 0; j < n; j++) {
    if (t->elem == ELEM_REAL) r[j] = real_choice(k, j);
    else i[j] = int_choice(x->ints, j);
  }
  v->data = r;
  return true;
}

static bool set_inputs(Point *x) {
  for (uint32_t k = 0; k < x->nin; k++) {
    const Node *n = ir_node(x->p, x->p->root->params.at[k]);
    x->in[k] = (Value){.elem = n->type->elem, .rank = n->type->rank};
    if (n->type->rank == 0 && !set_scalar(x, k, n)) return false;
  }
  for (uint32_t k = 0; k < x->nin; k++) {
    const Type *t = ir_node(x->p, x->p->root->params.at[k])->type;
    if (t->rank && !set_array(x, k, t)) return false;
  }
  return true;
}

/* ---- results -------------------------------------------------------------------------- */

static uint64_t count(const Value *v) {
  uint64_t n = 1;
  for (uint32_t d = 0; d < v->rank; d++) n *= (uint64_t)v->dim[d];
  return n;
}

static void write_nothing(void *user, const char *text, size_t n) {
  (void)user;
  (void)text;
  (void)n;
}

/* Runs it both ways; what it has to say is not for the user. */
static bool run(Point *x) {
  Host host = {.ctx = x->c, .write = write_nothing};
  uint32_t said = x->c->diags.n;
  bool ok = interpret(x->p, x->in, x->nin, DIGITS, &host, x->exact) == GC_OK &&
            interpret(x->p, x->in, x->nin, 0, &host, x->near) == GC_OK;
  x->c->diags.n = said;
  return ok;
}

static bool all_finite(const Point *x) {
  for (uint32_t k = 0; k < x->nout; k++) {
    const double *r = x->exact[k].data;
    uint64_t n = count(&x->exact[k]);
    for (uint64_t j = 0; x->exact[k].elem == ELEM_REAL && j < n; j++)
      if (!isfinite(r[j])) return false;
  }
  return true;
}

bool interpret_sample(Prog *p, Sample *out) {
  Ctx *c = p->ctx;
  bool found = false;
  Point x = {.p = p, .c = c, .nin = p->root->params.n, .nout = p->root->results.n};
  for (x.sizes = 0; x.sizes < SIZE_CHOICES; x.sizes++)
    for (x.ints = 0; x.ints < INT_CHOICES; x.ints++) {
      x.in = NEWN(c, Value, x.nin + 1);
      x.exact = NEWN(c, Value, x.nout + 1);
      x.near = NEWN(c, Value, x.nout + 1);
      if (!set_inputs(&x) || !run(&x)) continue;
      bool finite = all_finite(&x);
      if (finite || !found) *out = (Sample){x.in, x.exact, x.near};
      found = true;
      if (finite) return true;
    }
  return found;
}
