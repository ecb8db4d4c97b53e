/* network.h - what there is to learn: points, a network for them, and how it is trained.
 * The weights of a network are one array: of each layer W, row by row, then b.  Gradients
 * and momentum are arrays of the same form. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>

#include "data.h"

enum { MAX_LAYERS = 5, BATCH = 8 }; /* BATCH: points of either domain in one step */

typedef struct Layer { const char *name; size_t rows, columns; } Layer;

typedef struct Task Task;
struct Task {
  const char *name;
  void (*data)(Data *, Random *);
  double rate;     /* of learning, at the start */
  int64_t steps;
  size_t features; /* of a point */
  size_t layers;
  Layer layer[MAX_LAYERS];
  /* The class loss and the domain loss of l source points x and then l target points, and
   * the gradient of their sum: 0, or the number of a check in model.h that failed. */
  int (*step)(const Task *t, const double *weights, size_t l, const double *x,
              const int64_t *class_, double alpha, double loss[2], double *gradient, double *work);
  /* Features, class scores and domain scores of k points; the same result. */
  int (*scores)(const Task *t, const double *weights, size_t k, const double *x,
                double *features, double *class_, double *domain, double *work);
  size_t (*work)(const Task *t); /* elements of work that either needs */
};

extern const Task tasks[];
enum { TASKS = 2 };

const Task *task_find(const char *name); /* null: there is none */

/* Where layer i's W and b begin: at[2*i] and at[2*i + 1].  The weights' number. */
size_t network_offsets(const Task *t, size_t at[2 * MAX_LAYERS]);

#endif
