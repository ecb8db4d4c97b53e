/* network.c - by hand: three layers, loops ordered so that the innermost has unit stride. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

/* y[k, m] = x[k, n] W[m, n]^T + b; W is transposed first, so that the inner loop runs along
 * rows. */
static void linear(size_t k, size_t m, size_t n, const real *x, const real *W, const real *b,
                   real *restrict y, real *restrict turned) {
  for (size_t j = 0; j < m; j++)
    for (size_t i = 0; i < n; i++) turned[i * m + j] = W[j * n + i];
  for (size_t r = 0; r < k; r++) {
    memcpy(y + r * m, b, m * sizeof *y);
    for (size_t i = 0; i < n; i++) {
      real a = x[r * n + i];
      for (size_t j = 0; j < m; j++) y[r * m + j] += a * turned[i * m + j];
    }
  }
}

static void relu(size_t n, const real *x, real *restrict y) {
  for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

/* gW, gb from up[k, m]; down[k, n], unless it is NULL. */
static void linear_back(size_t k, size_t m, size_t n, const real *x, const real *W,
                        const real *up, real *restrict gW, real *restrict gb,
                        real *restrict down) {
  memset(gW, 0, m * n * sizeof *gW);
  memset(gb, 0, m * sizeof *gb);
  for (size_t r = 0; r < k; r++) {
    if (down) memset(down + r * n, 0, n * sizeof *down);
    for (size_t j = 0; j < m; j++) {
      real u = up[r * m + j];
      if (u == 0) continue;
      gb[j] += u;
      for (size_t i = 0; i < n; i++) gW[j * n + i] += u * x[r * n + i];
      if (down)
        for (size_t i = 0; i < n; i++) down[r * n + i] += u * W[j * n + i];
    }
  }
}

/* The mean cross-entropy; scores become its gradient. */
static real entropy(size_t k, size_t c, real *scores, const int64_t *label) {
  real total = 0;
  for (size_t r = 0; r < k; r++) {
    real *row = scores + r * c, most = row[0], own = row[label[r]], sum = 0;
    for (size_t j = 0; j < c; j++) most = row[j] > most ? row[j] : most;
    for (size_t j = 0; j < c; j++) sum += row[j] = (real)exp((double)(row[j] - most));
    for (size_t j = 0; j < c; j++)
      row[j] = (row[j] / sum - (j == (size_t)label[r] ? 1 : 0)) / (real)k;
    total += most + (real)log((double)sum) - own;
  }
  return total / (real)k;
}

typedef struct Net { real *y1, *h1, *y2, *h2, *y3, *turned; } Net;

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static real *forward(size_t a, size_t n, size_t b, size_t c, size_t k, const real *W1,
                     const real *b1, const real *W2, const real *b2, const real *W3,
                     const real *b3, const real *x, Net *t) {
  real *memory = malloc((2 * k * (a + b) + k * c + larger(a * n, b * a)) * sizeof *memory);
  if (!memory) return NULL;
  t->y1 = memory;
  t->h1 = t->y1 + k * a;
  t->y2 = t->h1 + k * a;
  t->h2 = t->y2 + k * b;
  t->y3 = t->h2 + k * b;
  t->turned = t->y3 + k * c;
  linear(k, a, n, x, W1, b1, t->y1, t->turned);
  relu(k * a, t->y1, t->h1);
  linear(k, b, a, t->h1, W2, b2, t->y2, t->turned);
  relu(k * b, t->y2, t->h2);
  linear(k, c, b, t->h2, W3, b3, t->y3, t->turned);
  return memory;
}

int network_loss(size_t a, size_t n, size_t b, size_t c, size_t k, const real *p_first_W,
                 const real *p_first_b, const real *p_second_W, const real *p_second_b,
                 const real *p_third_W, const real *p_third_b, const real *x,
                 const int64_t *label, real *restrict out, real *restrict work) {
  (void)work;
  Net t;
  real *memory = forward(a, n, b, c, k, p_first_W, p_first_b, p_second_W, p_second_b, p_third_W,
                         p_third_b, x, &t);
  if (!memory) return 1;
  *out = entropy(k, c, t.y3, label);
  free(memory);
  return 0;
}

static void relu_back(size_t n, const real *y, real *restrict up) {
  for (size_t i = 0; i < n; i++) up[i] = y[i] > 0 ? up[i] : 0;
}

int network_loss_grad_p(size_t a, size_t n, size_t b, size_t c, size_t k, const real *p_first_W,
                        const real *p_first_b, const real *p_second_W, const real *p_second_b,
                        const real *p_third_W, const real *p_third_b, const real *x,
                        const int64_t *label, real *restrict out, real *restrict grad_p_first_W,
                        real *restrict grad_p_first_b, real *restrict grad_p_second_W,
                        real *restrict grad_p_second_b, real *restrict grad_p_third_W,
                        real *restrict grad_p_third_b, real *restrict work) {
  (void)work;
  Net t;
  real *memory = forward(a, n, b, c, k, p_first_W, p_first_b, p_second_W, p_second_b, p_third_W,
                         p_third_b, x, &t);
  real *up = malloc((k * a + k * b) * sizeof *up), *up2 = up + k * a;
  if (!memory || !up) return 1;
  *out = entropy(k, c, t.y3, label);
  linear_back(k, c, b, t.h2, p_third_W, t.y3, grad_p_third_W, grad_p_third_b, up2);
  relu_back(k * b, t.y2, up2);
  linear_back(k, b, a, t.h1, p_second_W, up2, grad_p_second_W, grad_p_second_b, up);
  relu_back(k * a, t.y1, up);
  linear_back(k, a, n, x, p_first_W, up, grad_p_first_W, grad_p_first_b, NULL);
  free(up);
  free(memory);
  return 0;
}
