/* determinant.c - by hand: the minors of the last rows by their sets of columns, each once,
 * from small sets to large; then backwards. */
#include <string.h>

#include "determinant.h"

enum { N = 10, SETS = 1 << N };

static void minors(const double *A, double *minor) {
  minor[0] = 1;
  for (unsigned set = 1; set < SETS; set++) {
    int row = N - __builtin_popcount(set);
    double sum = 0, sign = 1;
    for (unsigned left = set; left; left &= left - 1) {
      int j = __builtin_ctz(left);
      sum += sign * A[row * N + j] * minor[set ^ (1u << j)];
      sign = -sign;
    }
    minor[set] = sum;
  }
}

int determinant_det10(const double *A, double *restrict out, double *restrict work) {
  (void)work;
  double minor[SETS];
  minors(A, minor);
  *out = minor[SETS - 1];
  return 0;
}

int determinant_det10_grad_A(const double *A, double *restrict out, double *restrict grad_A,
                             double *restrict work) {
  (void)work;
  double minor[SETS], up[SETS] = {0};
  minors(A, minor);
  *out = minor[SETS - 1];
  memset(grad_A, 0, N * N * sizeof *grad_A);
  up[SETS - 1] = 1;
  for (unsigned set = SETS; set-- > 1;) {
    int row = N - __builtin_popcount(set);
    double signed_up = up[set];
    for (unsigned left = set; left; left &= left - 1) {
      int j = __builtin_ctz(left);
      unsigned rest = set ^ (1u << j);
      grad_A[row * N + j] += signed_up * minor[rest];
      up[rest] += signed_up * A[row * N + j];
      signed_up = -signed_up;
    }
  }
  return 0;
}
