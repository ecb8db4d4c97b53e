#include "run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FORM = 1, TEXT = 16 }; /* of checkpoints: changes when their arrays do */

/* ---- memory, data, weights ------------------------------------------------------------- */

int run_new(Run *r, const Task *task) {
  size_t at[2 * MAX_LAYERS], work = task->work(task);
  memset(r, 0, sizeof *r);
  r->task = task;
  r->weights = network_offsets(task, at);
  r->weight = calloc(3 * r->weights + 2 + work, sizeof *r->weight);
  if (!r->weight) return 1;
  r->momentum = r->weight + r->weights;
  r->gradient = r->momentum + r->weights;
  r->loss = r->gradient + r->weights;
  r->work = r->loss + 2;
  return 0;
}

void run_free(Run *r) {
  free(r->weight);
  r->weight = NULL;
}

static void start_weights(Run *r) {
  double *w = r->weight;
  for (size_t i = 0; i < r->task->layers; i++) {
    const Layer *layer = &r->task->layer[i];
    for (size_t k = 0; k < layer->rows * layer->columns; k++) {
      double n;
      do n = random_normal(&r->weight_stream);
      while (fabs(n) > 2);
      *w++ = 0.1 * n;
    }
    for (size_t k = 0; k < layer->rows; k++) *w++ = 0.1;
  }
}

void run_start(Run *r, uint64_t seed, int64_t steps, double strength) {
  r->seed = seed;
  r->steps = steps;
  r->step = 0;
  r->strength = strength;
  r->data_stream = random_stream(seed);
  r->weight_stream = random_stream(seed + 1000);
  r->batch_stream = random_stream(seed + 2000);
  r->task->data(&r->data, &r->data_stream);
  start_weights(r);
  memset(r->momentum, 0, r->weights * sizeof *r->momentum);
}

/* ---- a step ---------------------------------------------------------------------------- */

static double done(const Run *r) { return (double)r->step / (double)r->steps; }

double run_alpha(const Run *r) { return r->strength * (2 / (1 + exp(-10 * done(r))) - 1); }

void run_draw(Run *r) {
  for (size_t i = 0; i < 2 * BATCH; i++) {
    size_t k = (size_t)(random_uniform(&r->batch_stream) * POINTS) + (i < BATCH ? 0 : POINTS);
    memcpy(r->x[i], r->data.x[k], sizeof r->x[i]);
    if (i < BATCH) r->class_[i] = r->data.class_[k];
  }
}

void run_move(Run *r, size_t first, size_t n) {
  double rate = r->task->rate / pow(1 + 10 * done(r), 0.75);
  for (size_t i = first; i < first + n; i++) {
    r->momentum[i] = 0.9 * r->momentum[i] + r->gradient[i];
    r->weight[i] -= rate * r->momentum[i];
  }
}

int run_step(Run *r) {
  run_draw(r);
  int check = r->task->step(r->task, r->weight, BATCH, &r->x[0][0], r->class_, run_alpha(r),
                            r->loss, r->gradient, r->work);
  if (check) return check;
  run_move(r, 0, r->weights);
  r->step++;
  return 0;
}

/* Features may be null, or have room for those of all points. */
int run_measure(Run *r, double accuracy[MEASURES], double *features) {
  double *own = features ? NULL : malloc(DATA * r->task->features * sizeof *own);
  double class_[DATA][CLASSES], domain[DATA][2];
  if (!features && !own) return -1;
  int check = r->task->scores(r->task, r->weight, DATA, &r->data.x[0][0], features ? features : own,
                              &class_[0][0], &domain[0][0], r->work);
  free(own);
  memset(accuracy, 0, MEASURES * sizeof *accuracy);
  for (int i = 0; i < DATA; i++) {
    int target = i >= POINTS;
    accuracy[target ? TARGET : SOURCE] += (class_[i][1] > class_[i][0]) == r->data.class_[i];
    accuracy[DOMAIN] += (domain[i][1] > domain[i][0]) == target;
  }
  accuracy[SOURCE] /= POINTS;
  accuracy[TARGET] /= POINTS;
  accuracy[DOMAIN] /= DATA;
  return check;
}

/* ---- checkpoints ------------------------------------------------------------------------- */

/* The weights and the momentum of each layer are arrays of their own, named after it. */
static void save_layers(const Run *r, Npz *z, const char *before, const double *from) {
  char name[NPZ_NAME];
  for (size_t i = 0; i < r->task->layers; i++) {
    const Layer *layer = &r->task->layer[i];
    const size_t dim[2] = {layer->rows, layer->columns};
    snprintf(name, sizeof name, "%s%s_W", before, layer->name);
    npz_put(z, name, "f8", 2, dim, from);
    from += dim[0] * dim[1];
    snprintf(name, sizeof name, "%s%s_b", before, layer->name);
    npz_put(z, name, "f8", 1, dim, from);
    from += dim[0];
  }
}

static int load_layers(Run *r, Npz *z, const char *before, double *to) {
  char name[NPZ_NAME];
  for (size_t i = 0; i < r->task->layers; i++) {
    const Layer *layer = &r->task->layer[i];
    const size_t dim[2] = {layer->rows, layer->columns};
    snprintf(name, sizeof name, "%s%s_W", before, layer->name);
    if (npz_get(z, name, "f8", 2, dim, to)) return 1;
    to += dim[0] * dim[1];
    snprintf(name, sizeof name, "%s%s_b", before, layer->name);
    if (npz_get(z, name, "f8", 1, dim, to)) return 1;
    to += dim[0];
  }
  return 0;
}

void run_save(const Run *r, Npz *z) {
  const int64_t form = FORM, seed = (int64_t)r->seed;
  const size_t streams = 3;
  const uint32_t random[] = {r->data_stream.state, r->weight_stream.state,
                             r->batch_stream.state};
  char task[TEXT] = "";
  strncpy(task, r->task->name, TEXT - 1);
  npz_put(z, "dann_checkpoint", "i8", 0, NULL, &form);
  npz_put(z, "data", "S16", 0, NULL, task);
  npz_put(z, "seed", "i8", 0, NULL, &seed);
  npz_put(z, "steps", "i8", 0, NULL, &r->steps);
  npz_put(z, "step", "i8", 0, NULL, &r->step);
  npz_put(z, "strength", "f8", 0, NULL, &r->strength);
  npz_put(z, "random", "u4", 1, &streams, random);
  save_layers(r, z, "", r->weight);
  save_layers(r, z, "momentum_", r->momentum);
}

static int refuse(Npz *z, const char *what) {
  if (!z->error[0]) snprintf(z->error, sizeof z->error, "%s: %s", z->path, what);
  return 1;
}

static const Task *load_task(Npz *z) {
  int64_t form;
  char name[TEXT];
  if (!npz_has(z, "dann_checkpoint")) {
    refuse(z, "it is an archive, but not a checkpoint of this program");
    return NULL;
  }
  if (npz_get(z, "dann_checkpoint", "i8", 0, NULL, &form)) return NULL;
  if (form != FORM) {
    refuse(z, "it is a checkpoint of another version of this program");
    return NULL;
  }
  if (npz_get(z, "data", "S16", 0, NULL, name)) return NULL;
  name[TEXT - 1] = 0;
  const Task *task = task_find(name);
  if (!task) refuse(z, "it is of data that this program does not know");
  return task;
}

int run_load(Run *r, Npz *z) {
  int64_t seed, steps, step;
  double strength;
  uint32_t random[3];
  const size_t streams = 3;
  const Task *task = load_task(z);
  if (!task || npz_get(z, "seed", "i8", 0, NULL, &seed) ||
      npz_get(z, "steps", "i8", 0, NULL, &steps) || npz_get(z, "step", "i8", 0, NULL, &step) ||
      npz_get(z, "strength", "f8", 0, NULL, &strength) ||
      npz_get(z, "random", "u4", 1, &streams, random))
    return 1;
  if (seed < 0 || steps < 1 || step < 0 || step > steps)
    return refuse(z, "its seed, its steps or its step make no sense");
  if (run_new(r, task)) return refuse(z, "out of memory");
  run_start(r, (uint64_t)seed, steps, strength); /* the data are made anew */
  r->step = step;
  r->data_stream.state = random[0];
  r->weight_stream.state = random[1];
  r->batch_stream.state = random[2];
  return load_layers(r, z, "", r->weight) || load_layers(r, z, "momentum_", r->momentum);
}
