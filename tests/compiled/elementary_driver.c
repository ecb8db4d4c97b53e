/* elementary_driver.c - prints the bits of what tests/compiled/elementary.gc gives in float, at
 * numbers of every size: they are the same on every machine. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "elementary.h"

enum { N = 64, RESULTS = 10 };

static void print_bits(const float *x, int n) {
  for (int k = 0; k < n; k++) {
    uint32_t bits;
    memcpy(&bits, &x[k], sizeof bits);
    printf("%08" PRIx32 "%c", bits, k % 8 == 7 || k == n - 1 ? '\n' : ' ');
  }
}

int main(void) {
  static float x[N], y[RESULTS][N], sum, gradient[N], work[4096];
  for (int k = 0; k < N; k++) x[k] = (k % 2 ? -1.0f : 1.0f) * (float)k * (float)k * 0.025f;
  x[1] = 1e-30f;
  x[2] = 1e-42f; /* subnormal */
  elementary_exponentials(N, x, y[0], y[1], y[2], work);
  elementary_logarithms(N, x, y[3], y[4], y[5], y[6], work);
  elementary_sigmoids(N, x, y[7], y[8], y[9], work);
  for (int k = 0; k < RESULTS; k++)
    for (int i = 0; i < N; i++)
      if (y[k][i] != y[k][i]) y[k][i] = 0.0f; /* a NaN's bits are the machine's own */
  for (int k = 0; k < RESULTS; k++) print_bits(y[k], N);
  elementary_chain_grad_x(8, x + 1, &sum, gradient, work);
  print_bits(&sum, 1);
  print_bits(gradient, 8);
  return 0;
}
