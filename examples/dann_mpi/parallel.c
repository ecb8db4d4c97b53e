#include "parallel.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "../dann/model.h"

/* ---- the parts of a step -------------------------------------------------------------- */

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static int shallow(const Run *r) { return r->task->layers == 3; }

static size_t width(const Run *r) { return r->task->layer[0].rows; } /* of the first layer */
static size_t heads_width(const Run *r) { return r->task->layer[3].rows; }

static size_t work_size(const Run *r, size_t l) {
  size_t h = width(r), f = r->task->features, n = model_linear_work(h, INPUTS, 2 * l);
  n = larger(n, model_below_work(h, INPUTS, 2 * l));
  return larger(n, shallow(r) ? model_shallow_above_work(CLASSES, h, l)
                              : model_deep_above_work(f, h, CLASSES, heads_width(r), l));
}

/* Losses, the gradient of all layers but the first, and of what the first one gave. */
static int above(Parallel *p, Run *r, const int64_t *class_) {
  size_t at[2 * MAX_LAYERS], h = width(r), f = r->task->features;
  const double *w = r->weight;
  double *g = r->gradient, alpha = run_alpha(r);
  network_offsets(r->task, at);
  if (shallow(r))
    return model_shallow_above(CLASSES, h, p->share, w + at[2], w + at[3], w + at[4],
                               w + at[5], p->a, class_, alpha, &r->loss[0], &r->loss[1],
                               g + at[2], g + at[3], g + at[4], g + at[5], p->up, p->work);
  return model_deep_above(f, h, CLASSES, heads_width(r), p->share, w + at[2], w + at[3],
                          w + at[4], w + at[5], w + at[6], w + at[7], w + at[8], w + at[9],
                          p->a, class_, alpha, &r->loss[0], &r->loss[1], g + at[2], g + at[3],
                          g + at[4], g + at[5], g + at[6], g + at[7], g + at[8], g + at[9],
                          p->up, p->work);
}

/* ---- a step ------------------------------------------------------------------------------ */

int parallel_new(Parallel *p, const Run *r, int rank, int ranks) {
  size_t at[2 * MAX_LAYERS];
  network_offsets(r->task, at);
  *p = (Parallel){.rank = rank, .ranks = ranks, .share = BATCH / (size_t)ranks, .first = at[2]};
  size_t n = 2 * p->share * width(r);
  p->a = malloc((2 * n + work_size(r, p->share)) * sizeof *p->a);
  if (!p->a) return 1;
  p->up = p->a + n;
  p->work = p->up + n;
  return 0;
}

void parallel_free(Parallel *p) {
  free(p->a);
  p->a = NULL;
}

/* The rows of the batch that are this rank's: some of the source, as many of the target. */
static const int64_t *take_share(const Parallel *p, const Run *r, double (*x)[INPUTS]) {
  size_t begin = (size_t)p->rank * p->share;
  memcpy(x, r->x[begin], p->share * sizeof *x);
  memcpy(x + p->share, r->x[BATCH + begin], p->share * sizeof *x);
  return r->class_ + begin;
}

/* The gradient is one array, the first layer's at its beginning, the losses at its end.  All
 * but the first layer's is summed over the ranks while that is computed, which comes last in
 * the backward pass. */
int parallel_step(Parallel *p, Run *r) {
  double x[2 * BATCH][INPUTS], *first = r->gradient, *others = r->gradient + p->first;
  size_t h = width(r), n = r->weights - p->first;
  MPI_Request sum;
  run_draw(r);
  const int64_t *class_ = take_share(p, r, x);
  int check = model_linear(h, INPUTS, 2 * p->share, r->weight, r->weight + h * INPUTS, &x[0][0],
                           p->a, p->work);
  if (check || (check = above(p, r, class_))) return check;
  MPI_Iallreduce(MPI_IN_PLACE, others, (int)n + 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, &sum);
  check = model_below(h, INPUTS, 2 * p->share, r->weight, r->weight + h * INPUTS, &x[0][0],
                      p->up, first, first + h * INPUTS, p->work);
  if (check) return check;
  MPI_Wait(&sum, MPI_STATUS_IGNORE);
  MPI_Allreduce(MPI_IN_PLACE, first, (int)p->first, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  run_move(r, 0, r->weights);
  r->step++;
  return 0;
}

/* ---- are the ranks alike? ------------------------------------------------------------------ */

static uint64_t hash_of(uint64_t hash, const double *x, size_t n) {
  const unsigned char *at = (const unsigned char *)x;
  for (size_t i = 0; i < n * sizeof *x; i++) hash = (hash ^ at[i]) * 1099511628211u;
  return hash;
}

uint64_t parallel_hash(const Run *r) {
  double alpha = run_alpha(r);
  uint64_t hash = hash_of(14695981039346656037u, &alpha, 1);
  return hash_of(hash_of(hash, r->weight, r->weights), r->momentum, r->weights);
}

int parallel_agree(uint64_t hash) {
  uint64_t most[2] = {hash, ~hash};
  MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
  return most[0] == ~most[1];
}
