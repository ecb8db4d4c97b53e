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

/* The number of the first check that fails, whichever thread meets it. */
static int failing(const double *x, const double *W, int64_t *idx, double *out, double *work) {
  double value;
  int64_t kept[2] = {idx[300], idx[20]};
  idx[300] = N;
  int late = model_hidden(N, D, M, x, W, idx, &value, work);
  idx[20] = N - 1;                 /* a division by 0, in a round before */
  int early = model_hidden(N, D, M, x, W, idx, &value, work);
  printf("failed %d %d %d\n", late, early, model_exponentials(N, D, M, x, W, idx, out, work));
  idx[300] = kept[0];
  idx[20] = kept[1];
  return late == 0 || early == 0 || late == early;
}

static int rounds(const double *x, const double *W) {
  int64_t *idx = malloc(N * sizeof *idx);
  double value, *out = numbers((size_t)N * M, 0), *gx = numbers((size_t)N * D, 0);
  double *gW = numbers((size_t)M * D, 0);
  double *work = malloc((model_hidden_work(N, D, M) + model_hidden_grad_x_W_work(N, D, M) +
                         model_exponentials_work(N, D, M) + 1) * sizeof *work);
  for (int k = 0; k < N; k++) idx[k] = k * 37 % (N - 1);
  int code = model_hidden_grad_x_W(N, D, M, x, W, idx, &value, gx, gW, work);
  show("hidden", &value, 1);
  show("hidden_x", gx, (size_t)N * D);
  show("hidden_W", gW, (size_t)M * D);
  code |= model_exponentials(N, D, M, x, W, idx, out, work);
  show("exponentials", out, (size_t)N * M);
  code |= failing(x, W, idx, out, work);
  free(idx); free(out); free(gx); free(gW); free(work);
  return code;
}

static int rows(const double *W, const double *b, const double *x) {
  double value, *out = numbers(N, 0), *gb = numbers(M, 0), *gx = numbers((size_t)N * D, 0);
  double *gW = numbers((size_t)M * D, 0);
  double *work = malloc((model_blend_work(M, D, N) + model_blend_grad_W_b_x_work(M, D, N) +
                         model_middles_work(M, D, N) + 1) * sizeof *work);
  int code = model_blend_grad_W_b_x(M, D, N, W, b, x, &value, gW, gb, gx, work);
  show("blend", &value, 1);
  show("blend_W", gW, (size_t)M * D);
  show("blend_b", gb, M);
  show("blend_x", gx, (size_t)N * D);
  for (int n = 1; n <= N; n += 233) {
    code |= model_blend(M, D, (size_t)n, W, b, x, &value, work);
    show("blends", &value, 1);
    code |= model_middles(M, D, (size_t)n, W, x, out, work);
    show("middles", out, (size_t)n);
  }
  free(out); free(gb); free(gx); free(gW); free(work);
  return code;
}

int main(void) {
  double *x = numbers((size_t)N * D, 0.1), *w = numbers(D, 0.2), *y = numbers(N, 0.3);
  double *b = numbers((size_t)D * M, 0.4), *out = numbers((size_t)N * M, 0), value;
  double *gx = numbers((size_t)N * D, 0), *gw = numbers(D, 0), *gy = numbers(N, 0);
  double *work = malloc((model_loss_grad_x_w_y_work(N, D) + model_product_work(N, D, M) +
                         model_extremes_work((size_t)N * D) + model_recurrence_work((size_t)N * D, 5) +
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
  code |= model_extremes((size_t)N * D, x, &value, work);
  show("extremes", &value, 1);
  code |= model_pairs_grad_x(N, y, &value, gy, work);
  show("pairs", &value, 1);
  show("grad_pairs", gy, N);
  code |= model_recurrence((size_t)N * D, x, 5, gx, work);
  show("recurrence", gx, (size_t)N * D);
  code |= rounds(x, b);
  code |= rows(b, y, x);
  free(x); free(w); free(y); free(b); free(out); free(gx); free(gw); free(gy); free(work);
  return code;
}
