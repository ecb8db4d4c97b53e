#include "data.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

Random random_stream(uint64_t seed) {
  return (Random){(uint32_t)(seed * 2654435761u + 1)};
}

double random_uniform(Random *r) {
  r->state = 1664525u * r->state + 1013904223u;
  return (r->state >> 8) / 16777216.0;
}

double random_normal(Random *r) {
  double sum = 0;
  for (int i = 0; i < 12; i++) sum += random_uniform(r);
  return sum - 6;
}

void data_blobs(Data *d, Random *r) {
  for (int i = 0; i < DATA; i++) {
    int y = i % CLASSES, target = i >= POINTS;
    d->class_[i] = y;
    d->x[i][0] = (target ? 1 : 0) + 0.2 * random_normal(r);
    d->x[i][1] = (target ? y - 1 : y) + 0.2 * random_normal(r);
  }
}

/* The moons' centre is the origin. */
void data_moons(Data *d, Random *r) {
  for (int i = 0; i < DATA; i++) {
    int y = i % CLASSES, target = i >= POINTS;
    double side = y ? -1 : 1, along = pi * random_uniform(r), turn = target ? 30 * pi / 180 : 0;
    double u = side * (cos(along) - 0.5) + 0.1 * random_normal(r);
    double v = side * (sin(along) - 0.25) + 0.1 * random_normal(r);
    d->class_[i] = y;
    d->x[i][0] = cos(turn) * u - sin(turn) * v;
    d->x[i][1] = sin(turn) * u + cos(turn) * v;
  }
}
