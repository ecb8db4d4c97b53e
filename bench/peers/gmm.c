/* gmm.c - by hand: for each point the differences and transformed differences of all
 * components are kept, so that the backward pass computes nothing twice. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gmm.h"

typedef struct Gmm {
  size_t k, d, tri;
  const double *weights, *means, *lower;
  double *diagonal;   /* exp of the logs, k by d */
  double *constant;   /* weight plus sum of the logs, k */
} Gmm;

/* diff = x - mean, q = Q diff; the exponent of component j. */
static double component(const Gmm *g, size_t j, const double *x, double *restrict diff,
                        double *restrict q) {
  const double *mean = g->means + j * g->d, *row = g->lower + j * g->tri;
  const double *diagonal = g->diagonal + j * g->d;
  double square = 0;
  for (size_t c = 0; c < g->d; c++) diff[c] = x[c] - mean[c];
  for (size_t r = 0; r < g->d; row += r++) {
    double sum = diagonal[r] * diff[r];
    for (size_t c = 0; c < r; c++) sum += row[c] * diff[c];
    q[r] = sum;
    square += sum * sum;
  }
  return g->constant[j] - 0.5 * square;
}

/* log(sum(exp(v))); v becomes exp(v)/sum. */
static double logsumexp(size_t k, double *v) {
  double m = -INFINITY, sum = 0;
  for (size_t j = 0; j < k; j++) m = v[j] > m ? v[j] : m;
  for (size_t j = 0; j < k; j++) sum += v[j] = exp(v[j] - m);
  for (size_t j = 0; j < k; j++) v[j] /= sum;
  return m + log(sum);
}

static double *prepare(Gmm *g, const double *logs) {
  size_t k = g->k, d = g->d;
  double *memory = calloc(k * d * 3 + 2 * k + d, sizeof *memory);
  if (!memory) return NULL;
  g->diagonal = memory;
  g->constant = memory + k * d;
  for (size_t j = 0; j < k; j++) {
    double sum = 0;
    for (size_t c = 0; c < d; c++) {
      g->diagonal[j * d + c] = exp(logs[j * d + c]);
      sum += logs[j * d + c];
    }
    g->constant[j] = g->weights[j] + sum;
  }
  return memory + k * d + k;
}

static double constant_part(size_t k, size_t d, size_t n, const double *weights, double *v) {
  memcpy(v, weights, k * sizeof *v);
  return (double)n * (logsumexp(k, v) + 0.5 * (double)d * log(2 * 3.14159265358979323846));
}

int gmm_log_likelihood(size_t k, size_t d, size_t n, const double *m_weights,
                       const double *m_means, const double *m_logs, const double *m_lower,
                       const double *x, double *restrict out, double *restrict work) {
  (void)work;
  Gmm g = {k, d, d * (d - 1) / 2, m_weights, m_means, m_lower, NULL, NULL};
  double *v = prepare(&g, m_logs), *diff = v + k, *q = diff + k * d, sum = 0;
  if (!v) return 1;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < k; j++) v[j] = component(&g, j, x + i * d, diff, q);
    sum += logsumexp(k, v);
  }
  *out = sum - constant_part(k, d, n, m_weights, v);
  free(g.diagonal);
  return 0;
}

int gmm_log_likelihood_grad_m(size_t k, size_t d, size_t n, const double *m_weights,
                              const double *m_means, const double *m_logs, const double *m_lower,
                              const double *x, double *restrict out, double *restrict grad_m_weights,
                              double *restrict grad_m_means, double *restrict grad_m_logs,
                              double *restrict grad_m_lower, double *restrict work) {
  (void)work;
  Gmm g = {k, d, d * (d - 1) / 2, m_weights, m_means, m_lower, NULL, NULL};
  double *v = prepare(&g, m_logs), *kept = v + k, sum = 0;
  double *diffs = kept, *qs = malloc((k * d + d + 1) * sizeof *qs), *back = qs ? qs + k * d : NULL;
  if (!v || !qs) return 1;
  memset(grad_m_weights, 0, k * sizeof(double));
  memset(grad_m_means, 0, k * d * sizeof(double));
  memset(grad_m_logs, 0, k * d * sizeof(double));
  memset(grad_m_lower, 0, k * g.tri * sizeof(double));
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < k; j++)
      v[j] = component(&g, j, x + i * d, diffs + j * d, qs + j * d);
    sum += logsumexp(k, v);
    for (size_t j = 0; j < k; j++) {
      const double *diff = diffs + j * d, *q = qs + j * d, *row = m_lower + j * g.tri;
      const double *diagonal = g.diagonal + j * d;
      double *restrict grad_row = grad_m_lower + j * g.tri;
      grad_m_weights[j] += v[j];
      for (size_t r = 0; r < d; row += r, grad_row += r, r++) {
        double u = -v[j] * q[r];
        grad_m_logs[j * d + r] += v[j] + u * diff[r] * diagonal[r];
        back[r] = u * diagonal[r];
        for (size_t c = 0; c < r; c++) {
          grad_row[c] += u * diff[c];
          back[c] += u * row[c];
        }
      }
      for (size_t c = 0; c < d; c++) grad_m_means[j * d + c] -= back[c];
    }
  }
  *out = sum - constant_part(k, d, n, m_weights, v);
  for (size_t j = 0; j < k; j++) grad_m_weights[j] -= (double)n * v[j];
  free(qs);
  free(g.diagonal);
  return 0;
}
