/* main.c - trains the network of model.gc on one batch, for bench/dann.sh: prints the loss,
 * the norm of every gradient, and the loss after ten steps; then, for each number that it
 * reads, makes as many steps and prints their processor seconds; at 0 its peak memory. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "model.h"

enum { INPUTS = 784, HIDDEN = 256, FEATURES = 128, HEAD = 64, CLASSES = 10, LAYERS = 6 };

static const struct { size_t m, n; } layer[LAYERS] = {
  {HIDDEN, INPUTS}, {FEATURES, HIDDEN}, {HEAD, FEATURES}, {CLASSES, HEAD}, {HEAD, FEATURES},
  {2, HEAD},
};

typedef struct Training {
  size_t batch, weights;
  float *weight, *gradient, *momentum, *x, *work;
  float *w[2 * LAYERS], *g[2 * LAYERS];   /* where W and b of each layer stand */
  int64_t *class_, *domain;
} Training;

static double hash(size_t s, size_t i, size_t j) {
  return (double)((7919 * i + 10473 * j + 31 * i * j + 613 * s + 17) % 2003) / 2003 - 0.5;
}

static void *need(size_t n, size_t size) {
  void *p = calloc(n ? n : 1, size);
  if (!p) exit(1);
  return p;
}

static void start(Training *t) {
  for (size_t l = 0; l < LAYERS; l++) t->weights += layer[l].m * (layer[l].n + 1);
  t->weight = need(t->weights, sizeof *t->weight);
  t->gradient = need(t->weights, sizeof *t->gradient);
  t->momentum = need(t->weights, sizeof *t->momentum);
  t->x = need(t->batch * INPUTS, sizeof *t->x);
  t->class_ = need(t->batch, sizeof *t->class_);
  t->domain = need(t->batch, sizeof *t->domain);
  t->work = need(model_loss_grad_p_work(HIDDEN, INPUTS, FEATURES, HEAD, CLASSES, t->batch),
                 sizeof *t->work);
  size_t k = 0;
  for (size_t l = 0; l < LAYERS; l++) {
    size_t m = layer[l].m, n = layer[l].n;
    t->w[2 * l] = t->weight + k, t->g[2 * l] = t->gradient + k;
    for (size_t i = 0; i < m * n; i++)
      t->weight[k++] = (float)(2 * hash(l + 1, i / n, i % n) / sqrt((double)n));
    t->w[2 * l + 1] = t->weight + k, t->g[2 * l + 1] = t->gradient + k;
    for (size_t i = 0; i < m; i++)
      t->weight[k++] = (float)(2 * hash(l + 1, i, 1) / sqrt((double)n));
  }
  for (size_t r = 0; r < t->batch; r++) {
    for (size_t c = 0; c < INPUTS; c++) t->x[r * INPUTS + c] = (float)(hash(7, r, c) + 0.5);
    t->class_[r] = (int64_t)((7 * r + 3) % CLASSES);
    t->domain[r] = r >= t->batch / 2;
  }
}

static float gradient(Training *t) {
  float loss, **w = t->w, **g = t->g;
  int check = model_loss_grad_p(
    HIDDEN, INPUTS, FEATURES, HEAD, CLASSES, t->batch, w[0], w[1], w[2], w[3], w[4], w[5], w[6],
    w[7], w[8], w[9], w[10], w[11], t->x, t->class_, t->domain, 1, &loss, g[0], g[1], g[2], g[3],
    g[4], g[5], g[6], g[7], g[8], g[9], g[10], g[11], t->work);
  if (check) exit(1);
  return loss;
}

/* Gradient descent with momentum. */
static void steps(Training *t, int n) {
  float *restrict w = t->weight, *restrict v = t->momentum;
  const float *restrict g = t->gradient;
  while (n-- > 0) {
    gradient(t);
    for (size_t i = 0; i < t->weights; i++) {
      v[i] = 0.9f * v[i] + g[i];
      w[i] -= 0.01f * v[i];
    }
  }
}

int main(int argc, char **argv) {
  Training t = {.batch = argc > 1 ? strtoul(argv[1], NULL, 10) : 32};
  int n;
  start(&t);
  printf("%.7g", (double)gradient(&t));
  for (size_t l = 0; l < 2 * LAYERS; l++) {
    double sum = 0;
    size_t length = layer[l / 2].m * (l % 2 ? 1 : layer[l / 2].n);
    for (size_t i = 0; i < length; i++) sum += (double)t.g[l][i] * (double)t.g[l][i];
    printf(" %.7g", sqrt(sum));
  }
  steps(&t, 10);
  printf(" %.7g\n", (double)gradient(&t));
  fflush(stdout);
  while (scanf("%d", &n) == 1 && n > 0) {
    clock_t begin = clock();
    steps(&t, n);
    printf("%.6f\n", (double)(clock() - begin) / CLOCKS_PER_SEC);
    fflush(stdout);
  }
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  printf("%ld\n", used.ru_maxrss);
  return 0;
}
