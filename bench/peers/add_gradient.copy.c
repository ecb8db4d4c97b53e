/* add_gradient.copy.c - a copy that moves the same bytes: n read and 2n written there, so
 * n + n/2 read and as many written here. */
#include <string.h>

#include "add_gradient.h"

int add_gradient_values(size_t n, const real *x, real *restrict out, real *restrict work) {
  (void)work;
  memcpy(out, x, n * sizeof *x);
  return 0;
}

int add_gradient_both(size_t n, const real *x, real *restrict out_y, real *restrict out_slope,
                      real *restrict work) {
  (void)work;
  memcpy(out_y, x, n * sizeof *x);
  memcpy(out_slope, x + n / 2, n / 2 * sizeof *x);
  return 0;
}
