/* main.c - the gradient of a batch: samples are shared out over threads, which all call the
 * same generated function, each with a workspace of its own.  The code keeps no state, so
 * nothing has to be locked.
 *
 *   $ gradc compile network.gc -o network.c --grad loss:W,b,v
 *   $ cc -std=c99 -O2 -ffp-contract=off -fno-builtin -fopenmp main.c network.c -lm -o batch
 *   $ ./batch
 *
 * The gradients of the samples are added in their order, so that the sum is the same to the
 * last bit for any number of threads; the program checks that. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

enum { D = 8, H = 16, BATCH = 256, G = H * D + H + H }; /* G: numbers in one gradient */

typedef struct Model { double W[H * D], b[H], v[H]; } Model;

static double wave(int k) { return sin(12.9898 * k) * 0.5; }

static void start(Model *m, double (*x)[D], double *y) {
  for (int k = 0; k < H * D; k++) m->W[k] = wave(k);
  for (int k = 0; k < H; k++) m->b[k] = wave(3 * k + 1), m->v[k] = wave(7 * k + 2);
  for (int s = 0; s < BATCH; s++) {
    for (int k = 0; k < D; k++) x[s][k] = wave(31 * s + k);
    y[s] = wave(5 * s);
  }
}

/* The mean loss of the batch; *sum gets the sum of the gradients W, b, v.  Not a number: a
 * check failed or memory ran out. */
static double batch(const Model *m, double (*x)[D], const double *y, double sum[G]) {
  static double each[BATCH][G], loss[BATCH];
  int failed = 0;
#pragma omp parallel reduction(| : failed)
  {
    size_t need = network_loss_grad_W_b_v_work(H, D);
    double *work = malloc((need ? need : 1) * sizeof *work);
    failed |= !work;
#pragma omp for schedule(dynamic, 8)
    for (int s = 0; s < BATCH; s++)
      if (work)
        failed |= network_loss_grad_W_b_v(H, D, m->W, m->b, m->v, x[s], y[s], &loss[s],
                                          each[s], each[s] + H * D, each[s] + H * D + H, work);
    free(work);
  }
  double total = 0;
  memset(sum, 0, G * sizeof *sum);
  for (int s = 0; s < BATCH; s++) {
    total += loss[s];
    for (int k = 0; k < G; k++) sum[k] += each[s][k];
  }
  return failed ? (double)NAN : total / BATCH;
}

int main(void) {
  static Model m;
  static double x[BATCH][D], y[BATCH], one[G], four[G];
  start(&m, x, y);
  omp_set_num_threads(1);
  double alone = batch(&m, x, y, one);
  omp_set_num_threads(4);
  double together = batch(&m, x, y, four);
  int same = memcmp(one, four, sizeof one) == 0 && memcmp(&alone, &together, sizeof alone) == 0;
  printf("1 and 4 threads: %s\n", same ? "the same to the last bit" : "they differ");
  for (int k = 0; k < 200; k++) {
    together = batch(&m, x, y, four);
    double *const part[] = {m.W, m.b, m.v};
    const int length[] = {H * D, H, H};
    for (int p = 0, at = 0; p < 3; p++)
      for (int j = 0; j < length[p]; j++) part[p][j] -= 0.1 / BATCH * four[at++];
  }
  printf("loss fell from %.3f to %.3f\n", alone, together);
  return !(same && together < alone);
}
