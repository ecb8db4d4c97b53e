/* run.h - one training: its state, its steps, and its part of a checkpoint. */
#ifndef RUN_H
#define RUN_H

#include "network.h"
#include "npz.h"

typedef struct Run {
  const Task *task;
  uint64_t seed;
  int64_t steps, step;            /* how many there are, and how many are done */
  double strength;                /* of the reversal: alpha grows to it */
  Random data_stream, weight_stream, batch_stream;
  size_t weights;                 /* how many; the next three are as long */
  double *weight, *momentum, *gradient;
  double *loss;                   /* of the last batch: of the classes, of the domains; they
                                     stand at the gradient's end */
  double *work;
  double x[2 * BATCH][INPUTS];    /* the last batch, the classes of its source points */
  int64_t class_[BATCH];
  Data data;
} Run;

/* How often a network is right on all points: source and target by class, and by domain. */
enum { SOURCE, TARGET, DOMAIN, MEASURES };

/* Memory for a task; 0: done.  run_free whatever came back. */
int run_new(Run *r, const Task *task);
void run_free(Run *r);

/* Data and weights of a seed, before the first step. */
void run_start(Run *r, uint64_t seed, int64_t steps, double strength);

double run_alpha(const Run *r);             /* of the next step */
void run_draw(Run *r);                      /* its batch, into x and class_ */
/* Moves n weights from `first` on along their gradients. */
void run_move(Run *r, size_t first, size_t n);
int run_step(Run *r);                       /* one whole step; else a failed check */
int run_measure(Run *r, double accuracy[MEASURES], double *features);

/* The arrays of a run in a checkpoint.  run_load fills a new run by the file's task. */
void run_save(const Run *r, Npz *z);
int run_load(Run *r, Npz *z);               /* 0: done; else see z->error */

#endif
