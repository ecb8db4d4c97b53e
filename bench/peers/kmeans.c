/* kmeans.c - by hand: the nearest centre of each point; derivatives touch it alone. */
#include <math.h>
#include <string.h>

#include "kmeans.h"

/* Four sums side by side, for the additions would wait for each other. */
static double distance(size_t d, const double *a, const double *b) {
  double s[4] = {0};
  size_t i = 0;
  for (; i + 4 <= d; i += 4)
    for (size_t l = 0; l < 4; l++) s[l] += (a[i + l] - b[i + l]) * (a[i + l] - b[i + l]);
  for (; i < d; i++) s[0] += (a[i] - b[i]) * (a[i] - b[i]);
  return (s[0] + s[1]) + (s[2] + s[3]);
}

static double nearest(size_t k, size_t d, const double *c, const double *x, size_t *at) {
  double best = INFINITY;
  for (size_t j = 0; j < k; j++) {
    double s = distance(d, x, c + j * d);
    if (s < best) {
      best = s;
      *at = j;
    }
  }
  return best;
}

int kmeans_cost(size_t k, size_t d, size_t n, const double *c, const double *x,
                double *restrict out, double *restrict work) {
  (void)work;
  double sum = 0;
  size_t at = 0;
  for (size_t i = 0; i < n; i++) sum += nearest(k, d, c, x + i * d, &at);
  *out = sum;
  return 0;
}

int kmeans_cost_grad_c(size_t k, size_t d, size_t n, const double *c, const double *x,
                       double *restrict out, double *restrict grad_c, double *restrict work) {
  (void)work;
  double sum = 0;
  memset(grad_c, 0, k * d * sizeof *grad_c);
  for (size_t i = 0; i < n; i++) {
    size_t at = 0;
    sum += nearest(k, d, c, x + i * d, &at);
    for (size_t a = 0; a < d; a++) grad_c[at * d + a] += 2 * (c[at * d + a] - x[i * d + a]);
  }
  *out = sum;
  return 0;
}

int kmeans_cost_hvp_c(size_t k, size_t d, size_t n, const double *c, const double *x,
                      const double *d_c, double *restrict out, double *restrict hvp_c,
                      double *restrict work) {
  (void)work;
  double sum = 0;
  memset(hvp_c, 0, k * d * sizeof *hvp_c);
  for (size_t i = 0; i < n; i++) {
    size_t at = 0;
    sum += nearest(k, d, c, x + i * d, &at);
    for (size_t a = 0; a < d; a++) hvp_c[at * d + a] += 2 * d_c[at * d + a];
  }
  *out = sum;
  return 0;
}
