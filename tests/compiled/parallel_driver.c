/* parallel_driver.c - calls functions of kinds.gc on large arrays and prints every result with
 * all its digits, so that two builds or numbers of threads can be compared. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

enum { N = 700, D = 61, M = 53 };

static double *numbers(size_t n, double shift) {
  double *x = malloc((n + 1) * sizeof *x);
  for (size_t k = 0; k < n; k++) x[k] = sin((double)(k % 9973) * 0.7 + shift);
  return x;
}

static void show(const char *name, const double *x, size_t n) {
  double sum = 0;
  for (size_t k = 0; k < n; k++) sum += x[k] * (double)(k % 7 + 1);
  printf("%s %.17g %.17g %.17g\n", name, x[0], x[n - 1], sum);
}

int main(void) {
  double *x = numbers((size_t)N * D, 0.1), *w = numbers(D, 0.2), *y = numbers(N, 0.3);
  double *b = numbers((size_t)D * M, 0.4), *out = numbers((size_t)N * M, 0), value;
  double *gx = numbers((size_t)N * D, 0), *gw = numbers(D, 0), *gy = numbers(N, 0);
  double *work = malloc((model_loss_grad_x_w_y_work(N, D) + model_product_work(N, D, M) +
                         model_extremes_work(N) + model_recurrence_work(N, 5) +
                         model_pairs_grad_x_work(N) + 1) *
                        sizeof *work);
  int code = model_loss(N, D, x, w, y, &value, work);
  show("loss", &value, 1);
  code |= model_loss_grad_x_w_y(N, D, x, w, y, &value, gx, gw, gy, work);
  show("value", &value, 1);
  show("grad_x", gx, (size_t)N * D);
  show("grad_w", gw, D);
  show("grad_y", gy, N);
  code |= model_product(N, D, M, x, b, out, work);
  show("product", out, (size_t)N * M);
  code |= model_extremes(N, y, &value, work);
  show("extremes", &value, 1);
  code |= model_pairs_grad_x(N, y, &value, gy, work);
  show("pairs", &value, 1);
  show("grad_pairs", gy, N);
  code |= model_recurrence(N, y, 5, gy, work);
  show("recurrence", gy, N);
  free(x); free(w); free(y); free(b); free(out); free(gx); free(gw); free(gy); free(work);
  return code;
}
