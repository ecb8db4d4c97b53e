/* determinant.plain.c - the plain recursion, forwards and backwards: no minor is shared. */
#include <string.h>

#include "determinant.h"

enum { N = 10 };

static double det(const double *A, int row, unsigned columns) {
  double sum = 0, sign = 1;
  if (row == N) return 1;
  for (int j = 0; j < N; j++) {
    if (!(columns & (1u << j))) continue;
    sum += sign * A[row * N + j] * det(A, row + 1, columns ^ (1u << j));
    sign = -sign;
  }
  return sum;
}

/* The same, and the sum of each minor's gradient times what arrives. */
static double det_back(const double *A, int row, unsigned columns, double up, double *grad_A) {
  double sum = 0, sign = 1;
  if (row == N) return 1;
  for (int j = 0; j < N; j++) {
    if (!(columns & (1u << j))) continue;
    double a = A[row * N + j];
    double minor = det_back(A, row + 1, columns ^ (1u << j), sign * a * up, grad_A);
    sum += sign * a * minor;
    grad_A[row * N + j] += sign * minor * up;
    sign = -sign;
  }
  return sum;
}

int determinant_det10(const double *A, double *restrict out, double *restrict work) {
  (void)work;
  *out = det(A, 0, (1u << N) - 1);
  return 0;
}

int determinant_det10_grad_A(const double *A, double *restrict out, double *restrict grad_A,
                             double *restrict work) {
  (void)work;
  memset(grad_A, 0, N * N * sizeof *grad_A);
  *out = det_back(A, 0, (1u << N) - 1, 1, grad_A);
  return 0;
}
