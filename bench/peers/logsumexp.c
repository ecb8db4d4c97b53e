/* logsumexp.c - by hand: one exponential an element, kept in the gradient's place. */
#include <math.h>

#include "logsumexp.h"

static double largest(size_t n, const double *x) {
  double m = -INFINITY;
  for (size_t i = 0; i < n; i++) m = x[i] > m ? x[i] : m;
  return m;
}

int logsumexp_stable(size_t n, const double *x, double *restrict out, double *restrict work) {
  (void)work;
  double m = largest(n, x), sum = 0;
  for (size_t i = 0; i < n; i++) sum += exp(x[i] - m);
  *out = m + log(sum);
  return 0;
}

int logsumexp_stable_grad_x(size_t n, const double *x, double *restrict out,
                            double *restrict grad_x, double *restrict work) {
  (void)work;
  double m = largest(n, x), sum = 0;
  for (size_t i = 0; i < n; i++) sum += grad_x[i] = exp(x[i] - m);
  *out = m + log(sum);
  double scale = 1 / sum;
  for (size_t i = 0; i < n; i++) grad_x[i] *= scale;
  return 0;
}
