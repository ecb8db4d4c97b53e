/* lstm.c - by hand: the gates of every step and layer are kept for the backward pass. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lstm.h"

enum { FORGET, ENTER, LEAVE, CHANGE, OLD_HIDDEN, OLD_CELL, INPUT, TANH, KEPT };

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* One layer; x becomes its output.  `kept` gets KEPT rows of d numbers. */
static void layer(size_t d, const double *w, const double *b, double *restrict hidden,
                  double *restrict cell, double *restrict x, double *restrict kept) {
  for (size_t i = 0; i < d; i++) {
    double forget = sigmoid(x[i] * w[i] + b[i]);
    double enter = sigmoid(hidden[i] * w[d + i] + b[d + i]);
    double leave = sigmoid(x[i] * w[2 * d + i] + b[2 * d + i]);
    double change = tanh(hidden[i] * w[3 * d + i] + b[3 * d + i]);
    double next = cell[i] * forget + enter * change, bent = tanh(next);
    kept[FORGET * d + i] = forget;
    kept[ENTER * d + i] = enter;
    kept[LEAVE * d + i] = leave;
    kept[CHANGE * d + i] = change;
    kept[OLD_HIDDEN * d + i] = hidden[i];
    kept[OLD_CELL * d + i] = cell[i];
    kept[INPUT * d + i] = x[i];
    kept[TANH * d + i] = bent;
    cell[i] = next;
    x[i] = hidden[i] = leave * bent;
  }
}

typedef struct Net {
  size_t l, d, s;
  const double *weight, *bias, *inward, *outward, *shift, *x;
} Net;

/* Step t: `kept` gets its layers' rows, u the last layer's output, y the prediction. */
static double step(const Net *p, size_t t, double *hidden, double *cell, double *restrict u,
                   double *restrict y, double *kept, size_t stride) {
  size_t d = p->d;
  double sum = 0, match = 0, all = 0;
  for (size_t i = 0; i < d; i++) u[i] = p->x[t * d + i] * p->inward[i];
  for (size_t k = 0; k < p->l; k++)
    layer(d, p->weight + 4 * k * d, p->bias + 4 * k * d, hidden + k * d, cell + k * d, u,
          kept + k * stride);
  for (size_t i = 0; i < d; i++) {
    y[i] = u[i] * p->outward[i] + p->shift[i];
    sum += exp(y[i]);
    match += p->x[(t + 1) * d + i] * y[i];
    all += p->x[(t + 1) * d + i];
  }
  return match - all * log(sum + 2);
}

static double *start(const Net *p, size_t kept, const double *hidden, const double *cell) {
  size_t ld = p->l * p->d;
  double *memory = calloc(kept + 4 * ld + 4 * p->d + 1, sizeof *memory);
  if (!memory) return NULL;
  memcpy(memory + kept, hidden, ld * sizeof *memory);
  memcpy(memory + kept + ld, cell, ld * sizeof *memory);
  return memory;
}

int lstm_loss(size_t l, size_t d, size_t s, const double *p_weight, const double *p_bias,
              const double *p_inward, const double *p_outward, const double *p_shift,
              const double *hidden, const double *cell, const double *x, double *restrict out,
              double *restrict work) {
  (void)work;
  Net p = {l, d, s, p_weight, p_bias, p_inward, p_outward, p_shift, x};
  double *kept = start(&p, KEPT * d, hidden, cell), total = 0;
  if (!kept) return 1;
  double *h = kept + KEPT * d, *c = h + l * d, *u = c + l * d, *y = u + d;
  for (size_t t = 0; t + 1 < s; t++) total += step(&p, t, h, c, u, y, kept, 0);
  *out = -total / ((double)d * (double)(s - 1));
  free(kept);
  return 0;
}

/* The reverse of layer: up arrives at its output and becomes what goes to its input. */
static void layer_back(size_t d, const double *w, const double *kept, double *restrict gw,
                       double *restrict gb, double *restrict gh, double *restrict gc,
                       double *restrict up) {
  for (size_t i = 0; i < d; i++) {
    double forget = kept[FORGET * d + i], enter = kept[ENTER * d + i];
    double leave = kept[LEAVE * d + i], change = kept[CHANGE * d + i];
    double hidden = kept[OLD_HIDDEN * d + i], x = kept[INPUT * d + i], bent = kept[TANH * d + i];
    double dh = up[i] + gh[i];
    double dc = gc[i] + dh * leave * (1 - bent * bent);
    double df = dc * kept[OLD_CELL * d + i] * forget * (1 - forget);
    double de = dc * change * enter * (1 - enter);
    double dl = dh * bent * leave * (1 - leave);
    double da = dc * enter * (1 - change * change);
    gw[i] += df * x;
    gw[d + i] += de * hidden;
    gw[2 * d + i] += dl * x;
    gw[3 * d + i] += da * hidden;
    gb[i] += df;
    gb[d + i] += de;
    gb[2 * d + i] += dl;
    gb[3 * d + i] += da;
    gc[i] = dc * forget;
    gh[i] = de * w[d + i] + da * w[3 * d + i];
    up[i] = df * w[i] + dl * w[2 * d + i];
  }
}

int lstm_loss_grad_p(size_t l, size_t d, size_t s, const double *p_weight, const double *p_bias,
                     const double *p_inward, const double *p_outward, const double *p_shift,
                     const double *hidden, const double *cell, const double *x,
                     double *restrict out, double *restrict grad_p_weight,
                     double *restrict grad_p_bias, double *restrict grad_p_inward,
                     double *restrict grad_p_outward, double *restrict grad_p_shift,
                     double *restrict work) {
  (void)work;
  Net p = {l, d, s, p_weight, p_bias, p_inward, p_outward, p_shift, x};
  size_t steps = s - 1, row = l * KEPT * d + 2 * d;
  double *kept = start(&p, steps * row, hidden, cell), total = 0;
  if (!kept) return 1;
  double *h = kept + steps * row, *c = h + l * d, *gh = c + l * d, *gc = gh + l * d;
  double *up = gc + l * d, scale = -1 / ((double)d * (double)steps);
  for (size_t t = 0; t < steps; t++) {
    double *mine = kept + t * row, *u = mine + l * KEPT * d;
    total += step(&p, t, h, c, u, u + d, mine, KEPT * d);
  }
  *out = total * scale;
  memset(grad_p_weight, 0, 4 * l * d * sizeof(double));
  memset(grad_p_bias, 0, 4 * l * d * sizeof(double));
  memset(grad_p_inward, 0, d * sizeof(double));
  memset(grad_p_outward, 0, d * sizeof(double));
  memset(grad_p_shift, 0, d * sizeof(double));
  for (size_t t = steps; t-- > 0;) {
    const double *mine = kept + t * row, *u = mine + l * KEPT * d, *y = u + d;
    const double *gold = x + (t + 1) * d;
    double sum = 2, all = 0;
    for (size_t i = 0; i < d; i++) {
      up[i] = exp(y[i]);
      sum += up[i];
      all += gold[i];
    }
    for (size_t i = 0; i < d; i++) {
      double dy = scale * (gold[i] - all * up[i] / sum);
      grad_p_outward[i] += dy * u[i];
      grad_p_shift[i] += dy;
      up[i] = dy * p_outward[i];
    }
    for (size_t k = l; k-- > 0;)
      layer_back(d, p_weight + 4 * k * d, mine + k * KEPT * d, grad_p_weight + 4 * k * d,
                 grad_p_bias + 4 * k * d, gh + k * d, gc + k * d, up);
    for (size_t i = 0; i < d; i++) grad_p_inward[i] += up[i] * x[t * d + i];
  }
  free(kept);
  return 0;
}
