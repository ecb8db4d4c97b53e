#include "network.h"

#include <string.h>

#include "model.h"

size_t network_offsets(const Task *t, size_t at[2 * MAX_LAYERS]) {
  size_t n = 0;
  for (size_t i = 0; i < t->layers; i++) {
    at[2 * i] = n;
    n += t->layer[i].rows * t->layer[i].columns;
    at[2 * i + 1] = n;
    n += t->layer[i].rows;
  }
  return n;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* ---- 2-15, and heads of one layer -------------------------------------------------- */

static size_t hidden(const Task *t) { return t->layer[0].rows; }

static int shallow_step(const Task *t, const double *p, size_t l, const double *x,
                        const int64_t *class_, double alpha, double loss[2], double *g,
                        double *work) {
  size_t at[2 * MAX_LAYERS];
  network_offsets(t, at);
  return model_shallow_step(hidden(t), INPUTS, CLASSES, l, p + at[0], p + at[1], p + at[2],
                            p + at[3], p + at[4], p + at[5], x, class_, alpha, &loss[0],
                            &loss[1], g + at[0], g + at[1], g + at[2], g + at[3], g + at[4],
                            g + at[5], work);
}

static int shallow_scores(const Task *t, const double *p, size_t k, const double *x,
                          double *features, double *class_, double *domain, double *work) {
  size_t at[2 * MAX_LAYERS];
  network_offsets(t, at);
  return model_shallow_scores(hidden(t), INPUTS, CLASSES, k, p + at[0], p + at[1], p + at[2],
                              p + at[3], p + at[4], p + at[5], x, features, class_, domain,
                              work);
}

static size_t shallow_work(const Task *t) {
  return larger(model_shallow_step_work(hidden(t), INPUTS, CLASSES, BATCH),
                model_shallow_scores_work(hidden(t), INPUTS, CLASSES, DATA));
}

/* ---- 2-32-32, a class head of one layer, a domain head of two ------------------------- */

static int deep_step(const Task *t, const double *p, size_t l, const double *x,
                     const int64_t *class_, double alpha, double loss[2], double *g,
                     double *work) {
  size_t at[2 * MAX_LAYERS];
  network_offsets(t, at);
  return model_deep_step(hidden(t), INPUTS, t->features, CLASSES, t->layer[3].rows, l,
                         p + at[0], p + at[1], p + at[2], p + at[3], p + at[4], p + at[5],
                         p + at[6], p + at[7], p + at[8], p + at[9], x, class_, alpha,
                         &loss[0], &loss[1], g + at[0], g + at[1], g + at[2], g + at[3],
                         g + at[4], g + at[5], g + at[6], g + at[7], g + at[8], g + at[9],
                         work);
}

static int deep_scores(const Task *t, const double *p, size_t k, const double *x,
                       double *features, double *class_, double *domain, double *work) {
  size_t at[2 * MAX_LAYERS];
  network_offsets(t, at);
  return model_deep_scores(hidden(t), INPUTS, t->features, CLASSES, t->layer[3].rows, k,
                           p + at[0], p + at[1], p + at[2], p + at[3], p + at[4], p + at[5],
                           p + at[6], p + at[7], p + at[8], p + at[9], x, features, class_,
                           domain, work);
}

static size_t deep_work(const Task *t) {
  size_t f = t->features, d = t->layer[3].rows;
  return larger(model_deep_step_work(hidden(t), INPUTS, f, CLASSES, d, BATCH),
                model_deep_scores_work(hidden(t), INPUTS, f, CLASSES, d, DATA));
}

/* ---- the tasks ------------------------------------------------------------------------- */

const Task tasks[TASKS] = {
  {"blobs", data_blobs, 0.001, 10000, 15, 3,
   {{"extractor", 15, INPUTS}, {"class", CLASSES, 15}, {"domain", 2, 15}},
   shallow_step, shallow_scores, shallow_work},
  {"moons", data_moons, 0.002, 5000, 32, 5,
   {{"extractor", 32, INPUTS}, {"features", 32, 32}, {"class", CLASSES, 32},
    {"hidden", 32, 32}, {"domain", 2, 32}},
   deep_step, deep_scores, deep_work},
};

const Task *task_find(const char *name) {
  for (int i = 0; i < TASKS; i++)
    if (strcmp(tasks[i].name, name) == 0) return &tasks[i];
  return NULL;
}
