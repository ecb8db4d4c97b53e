#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ----------------------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Of the domains the worst is the highest: there the features still tell them apart. */
static void cell(FILE *out, double *value, size_t n, int measure) {
  double mean = 0;
  qsort(value, n, sizeof *value, ascending);
  for (size_t i = 0; i < n; i++) mean += value[i] / (double)n;
  fprintf(out, "   %6.3f %6.3f %6.3f", (value[(n - 1) / 2] + value[n / 2]) / 2, mean,
          value[measure == DOMAIN ? n - 1 : 0]);
}

int report_table(FILE *out, Accuracies *of_seed, size_t seeds) {
  static const char *const title[MEASURES] = {"source", "target", "domain"};
  double *value = malloc(seeds * sizeof *value);
  if (!value) return 1;
  fprintf(out, "             without reversal          with reversal\n"
               "accuracy    median   mean  worst   median   mean  worst\n");
  for (int m = 0; m < MEASURES; m++) {
    fprintf(out, "%-9s", title[m]);
    for (int k = 0; k < KINDS; k++) {
      for (size_t i = 0; i < seeds; i++) value[i] = of_seed[i][k][m];
      cell(out, value, seeds, m);
    }
    fprintf(out, "\n");
  }
  free(value);
  return 0;
}

/* ---- curves ---------------------------------------------------------------------------- */

void report_curve(FILE *out, const Run *r, const double loss[2], const double accuracy[MEASURES]) {
  fprintf(out, "%lld %.6g %.6g %.4f %.4f %.4f\n", (long long)r->step, loss[0], loss[1],
          accuracy[SOURCE], accuracy[TARGET], accuracy[DOMAIN]);
}

/* ---- features --------------------------------------------------------------------------- */

static double dot(const double *a, const double *b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static void centre(double *f, size_t n) {
  for (size_t j = 0; j < n; j++) {
    double mean = 0;
    for (size_t i = 0; i < DATA; i++) mean += f[i * n + j] / DATA;
    for (size_t i = 0; i < DATA; i++) f[i * n + j] -= mean;
  }
}

/* The axis along which the rows of f differ most: the power method on f's covariance. */
static void widest_axis(const double *f, size_t n, double *axis, double *next) {
  for (size_t j = 0; j < n; j++) axis[j] = 1 + 0.1 * (double)j;
  for (int turn = 0; turn < 200; turn++) {
    memset(next, 0, n * sizeof *next);
    for (size_t i = 0; i < DATA; i++) {
      double along = dot(f + i * n, axis, n);
      for (size_t j = 0; j < n; j++) next[j] += along * f[i * n + j];
    }
    double length = sqrt(dot(next, next, n));
    for (size_t j = 0; j < n; j++) axis[j] = length > 0 ? next[j] / length : 0;
  }
}

/* Two coordinates of each row of f, which is overwritten. */
static void two_axes(double *f, size_t n, double (*seen)[2], double *axis, double *next) {
  centre(f, n);
  for (int k = 0; k < 2; k++) {
    widest_axis(f, n, axis, next);
    for (size_t i = 0; i < DATA; i++) {
      seen[i][k] = dot(f + i * n, axis, n);
      for (size_t j = 0; j < n; j++) f[i * n + j] -= seen[i][k] * axis[j];
    }
  }
}

int report_features(FILE *out, Run *r) {
  size_t n = r->task->features;
  double accuracy[MEASURES], seen[DATA][2], *f = malloc((DATA + 2) * n * sizeof *f);
  if (!f) return -1;
  int check = run_measure(r, accuracy, f);
  two_axes(f, n, seen, f + DATA * n, f + (DATA + 1) * n);
  for (int i = 0; i < DATA; i++)
    fprintf(out, "%.5f %.5f %.5f %.5f %d %d\n", r->data.x[i][0], r->data.x[i][1], seen[i][0],
            seen[i][1], i >= POINTS, (int)r->data.class_[i]);
  free(f);
  return check;
}
