/* parallel.h - one step of a training, shared out over the ranks of MPI. */
#ifndef PARALLEL_H
#define PARALLEL_H

#include "../dann/run.h"

typedef struct Parallel {
  int rank, ranks;
  size_t share;            /* points of either domain that this rank looks at in a step */
  size_t first;            /* weights of the first layer, which stand first */
  double *a, *up, *work;   /* what the first layer gives, and what comes back to it */
} Parallel;

/* 0: done.  BATCH must be a multiple of the number of ranks. */
int parallel_new(Parallel *p, const Run *r, int rank, int ranks);
void parallel_free(Parallel *p);

/* The step of run_step on all ranks together: each takes its share of the same batch, and
 * all have the same losses, gradient and weights after it.  0, or a check that failed here,
 * and then the others wait for this one. */
int parallel_step(Parallel *p, Run *r);

/* A hash of alpha, the weights and the momentum. */
uint64_t parallel_hash(const Run *r);

/* Whether it is the same on every rank. */
int parallel_agree(uint64_t hash);

#endif
