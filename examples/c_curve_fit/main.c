/* main.c - fits a curve to measurements by the method of Gauss and Newton; the residuals and
 * their Jacobian are C that gradc wrote from decay.gc.
 *
 *   $ gradc compile decay.gc -o decay.c --jacobian residual:p
 *   $ cc -std=c99 -O2 -ffp-contract=off -fno-builtin main.c decay.c -lm -o fit
 *   $ ./fit
 *
 * Prints a line a step and then the curve found. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "decay.h"

enum { N = 25, P = 3 };

/* Measurements of 2*exp(-0.7*t) + 0.5, a little off. */
static void measure(double *t, double *y) {
  for (int i = 0; i < N; i++) {
    t[i] = 0.2 * i;
    y[i] = 2 * exp(-0.7 * t[i]) + 0.5 + 0.01 * sin(17.0 * i);
  }
}

/* Solves A x = b for a symmetric positive matrix A, which is overwritten, as is b by x. */
static void solve(double a[P][P], double b[P]) {
  for (int k = 0; k < P; k++)
    for (int i = k + 1; i < P; i++) {
      double f = a[i][k] / a[k][k];
      for (int j = k; j < P; j++) a[i][j] -= f * a[k][j];
      b[i] -= f * b[k];
    }
  for (int k = P - 1; k >= 0; k--) {
    for (int j = k + 1; j < P; j++) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
}

/* One step p -= (J^T J)^-1 J^T r; its length. */
static double step(double *p, const double *r, const double *jacobian) {
  double a[P][P] = {{0}}, b[P] = {0}, length = 0;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < P; j++) {
      b[j] += jacobian[i * P + j] * r[i];
      for (int k = 0; k < P; k++) a[j][k] += jacobian[i * P + j] * jacobian[i * P + k];
    }
  solve(a, b);
  for (int j = 0; j < P; j++) {
    p[j] -= b[j];
    length += b[j] * b[j];
  }
  return sqrt(length);
}

int main(void) {
  double t[N], y[N], r[N], jacobian[N * P], p[P] = {1, 1, 0}, length = 1;
  size_t need = decay_residual_jacobian_p_work(N);
  double *work = malloc((need ? need : 1) * sizeof *work);
  if (!work) return 1;
  measure(t, y);
  for (int k = 0; k < 50 && length > 1e-10; k++) {
    int check = decay_residual_jacobian_p(N, p, t, y, r, jacobian, work);
    if (check) return fprintf(stderr, "check %d failed\n", check), 1;
    length = step(p, r, jacobian);
    printf("step %d: length %.1e\n", k, length);
  }
  free(work);
  printf("%.2f*exp(-%.2f*t) + %.2f\n", p[0], p[1], p[2]);
  return length > 1e-10;
}
