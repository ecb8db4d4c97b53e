/* least_squares.c - by hand: the powers of a row are kept while its value is computed, and
 * used again for its part of the gradient. */
#include <stdlib.h>
#include <string.h>

#include "least_squares.h"

int least_squares_residual(size_t n, size_t m, const double *c, const double *t, const double *y,
                           double *restrict out, double *restrict work) {
  (void)work;
  double sum = 0;
  for (size_t i = 0; i < m; i++) {
    double power = 1, total = 0;
    for (size_t k = 0; k < n; k++) {
      total += c[k] * power;
      power *= t[i];
    }
    sum += (total - y[i]) * (total - y[i]);
  }
  *out = 0.5 * sum;
  return 0;
}

int least_squares_residual_grad_c(size_t n, size_t m, const double *c, const double *t,
                                  const double *y, double *restrict out, double *restrict grad_c,
                                  double *restrict work) {
  (void)work;
  double sum = 0, *powers = malloc((n ? n : 1) * sizeof *powers);
  if (!powers) return 1;
  memset(grad_c, 0, n * sizeof *grad_c);
  for (size_t i = 0; i < m; i++) {
    double power = 1, total = 0;
    for (size_t k = 0; k < n; k++) {
      powers[k] = power;
      total += c[k] * power;
      power *= t[i];
    }
    double r = total - y[i];
    sum += r * r;
    for (size_t k = 0; k < n; k++) grad_c[k] += r * powers[k];
  }
  free(powers);
  *out = 0.5 * sum;
  return 0;
}
