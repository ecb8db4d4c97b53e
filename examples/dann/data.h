/* data.h - random numbers, and points of two domains made with them. */
#ifndef DATA_H
#define DATA_H

#include <stdint.h>

/* A stream of random numbers: the same on every machine. */
typedef struct Random { uint32_t state; } Random;

Random random_stream(uint64_t seed);
double random_uniform(Random *r); /* in [0, 1) */
double random_normal(Random *r);

enum { POINTS = 300, DATA = 2 * POINTS, INPUTS = 2, CLASSES = 2 };

/* The points of the source domain, then as many of the target domain; point i of either is
 * of class i mod 2. */
typedef struct Data {
  double x[DATA][INPUTS];
  int64_t class_[DATA];
} Data;

/* Two blobs; in the target they stand elsewhere. */
void data_blobs(Data *d, Random *r);

/* Two moons, one in the arms of the other; in the target they are turned by 30 degrees. */
void data_moons(Data *d, Random *r);

#endif
