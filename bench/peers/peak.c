/* peak.c - what the machine does at best: bytes a second of a copy that no cache holds, and
 * floating-point operations a second of independent multiply-adds. */
#include <stdlib.h>
#include <string.h>

enum { LANES = 64, ROUNDS = 4000000 };

double peak_copy(double (*now)(void)) {
  static double *from, *to;
  const size_t n = (size_t)48 << 20;   /* numbers */
  if (!from) {
    from = malloc(n * sizeof *from);
    to = malloc(n * sizeof *to);
    if (!from || !to) return 0;
    memset(from, 1, n * sizeof *from);
    memset(to, 1, n * sizeof *to);
  }
  double start = now();
  for (size_t i = 0; i < n; i++) to[i] = from[i];
  from[0] += to[n - 1];
  return 2.0 * (double)(n * sizeof *from) / (now() - start);
}

double peak_multiply_add(double (*now)(void)) {
  double a[LANES];
  volatile double factor = 0.999999, term = 1e-6;
  double f = factor, t = term, sum = 0;
  for (int j = 0; j < LANES; j++) a[j] = j;
  double start = now();
  for (int i = 0; i < ROUNDS; i++)
    for (int j = 0; j < LANES; j++) a[j] = a[j] * f + t;
  double took = now() - start;
  for (int j = 0; j < LANES; j++) sum += a[j];
  term = sum;
  return 2.0 * LANES * ROUNDS / took;
}
