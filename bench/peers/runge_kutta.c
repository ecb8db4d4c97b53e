/* runge_kutta.c - by hand: each step's start is kept; going back, its stages are computed
 * once more.  Sites at the ring's seam are taken out of the inner loops. */
#include <stdlib.h>
#include <string.h>

#include "runge_kutta.h"

static const double H = 0.005;

static double at(const double *y, size_t n, size_t i) {
  return (y[(i + 1) % n] - y[(i + n - 2) % n]) * y[(i + n - 1) % n] - y[i] + 8;
}

static void change(size_t n, const double *y, double *restrict dy) {
  for (size_t i = 0; i < 2; i++) dy[i] = at(y, n, i);
  for (size_t i = 2; i + 1 < n; i++) dy[i] = (y[i + 1] - y[i - 2]) * y[i - 1] - y[i] + 8;
  dy[n - 1] = at(y, n, n - 1);
}

static double back_at(const double *y, const double *up, size_t n, size_t i) {
  size_t p = (i + 1) % n, pp = (i + 2) % n, m = (i + n - 1) % n, mm = (i + n - 2) % n;
  return up[m] * y[mm] - up[pp] * y[p] + up[p] * (y[pp] - y[m]) - up[i];
}

/* What arrives at change's result, against its Jacobian. */
static void change_back(size_t n, const double *y, const double *up, double *restrict down) {
  for (size_t i = 0; i < 2; i++) down[i] = back_at(y, up, n, i);
  for (size_t i = 2; i + 2 < n; i++)
    down[i] = up[i - 1] * y[i - 2] - up[i + 2] * y[i + 1] + up[i + 1] * (y[i + 2] - y[i - 1]) - up[i];
  for (size_t i = n - 2; i < n; i++) down[i] = back_at(y, up, n, i);
}

static void ahead(size_t n, const double *y, double h, const double *k, double *restrict to) {
  for (size_t i = 0; i < n; i++) to[i] = y[i] + h * k[i];
}

/* The stages of a step from y: where each looks (u) and what it sees (k). */
static void stages(size_t n, const double *y, double *u[4], double *k[4]) {
  static const double part[4] = {0, 0.5, 0.5, 1};
  memcpy(u[0], y, n * sizeof *y);
  for (int j = 0; j < 4; j++) {
    if (j) ahead(n, y, part[j] * H, k[j - 1], u[j]);
    change(n, u[j], k[j]);
  }
}

/* `to` may be y itself. */
static void step(size_t n, const double *y, double *u[4], double *k[4], double *to) {
  stages(n, y, u, k);
  for (size_t i = 0; i < n; i++)
    to[i] = y[i] + H / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
}

static void split(double *memory, size_t n, double *u[4], double *k[4]) {
  for (int j = 0; j < 4; j++) {
    u[j] = memory + (size_t)j * n;
    k[j] = memory + (size_t)(j + 4) * n;
  }
}

static double miss(size_t n, const double *y, const double *target) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (y[i] - target[i]) * (y[i] - target[i]);
  return sum / (double)n;
}

int runge_kutta_miss(size_t n, const double *start, const double *target, int64_t s,
                     double *restrict out, double *restrict work) {
  (void)work;
  double *y = malloc(9 * n * sizeof *y), *u[4], *k[4];
  if (!y) return 1;
  split(y + n, n, u, k);
  memcpy(y, start, n * sizeof *y);
  for (int64_t t = 0; t < s; t++) step(n, y, u, k, y);
  *out = miss(n, y, target);
  free(y);
  return 0;
}

/* up becomes what arrives at the step's start; v is room for n numbers. */
static void step_back(size_t n, const double *y, double *u[4], double *k[4], double *restrict up,
                      double *restrict v) {
  static const double weight[4] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}, part[4] = {0.5, 0.5, 1, 0};
  stages(n, y, u, k);
  /* k[j] turns into what arrives at the stage's argument, u[j] no longer needed. */
  for (int j = 3; j >= 0; j--) {
    for (size_t i = 0; i < n; i++)
      v[i] = H * weight[j] * up[i] + (j < 3 ? part[j] * H * k[j + 1][i] : 0);
    change_back(n, u[j], v, k[j]);
  }
  for (size_t i = 0; i < n; i++) up[i] += (k[0][i] + k[1][i]) + (k[2][i] + k[3][i]);
}

int runge_kutta_miss_grad_start(size_t n, const double *start, const double *target, int64_t s,
                             double *restrict out, double *restrict grad_start,
                             double *restrict work) {
  (void)work;
  size_t steps = (size_t)s;
  double *memory = malloc((steps + 10) * n * sizeof *memory), *u[4], *k[4];
  if (!memory) return 1;
  double *y = memory, *v = memory + (steps + 9) * n;
  split(memory + (steps + 1) * n, n, u, k);
  memcpy(y, start, n * sizeof *y);
  for (size_t t = 0; t < steps; t++) step(n, y + t * n, u, k, y + (t + 1) * n);
  y += steps * n;
  *out = miss(n, y, target);
  for (size_t i = 0; i < n; i++) grad_start[i] = 2 * (y[i] - target[i]) / (double)n;
  for (size_t t = steps; t-- > 0;) step_back(n, memory + t * n, u, k, grad_start, v);
  free(memory);
  return 0;
}
