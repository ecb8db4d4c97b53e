/* report.h - what is told of the trainings: a table, and data for plot.gp. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "run.h"

enum { WITHOUT, WITH, KINDS }; /* of training: without and with reversal */

typedef double Accuracies[KINDS][MEASURES];

/* Median, mean and worst of the accuracies of as many seeds. */
int report_table(FILE *out, Accuracies *of_seed, size_t seeds);

/* A line of the curves: the mean losses of some steps, and the accuracies after them. */
void report_curve(FILE *out, const Run *r, const double loss[2], const double accuracy[MEASURES]);

/* Every point: itself, its features seen along the two axes in which they differ most, its
 * domain and its class.  0: done; else memory ran out, or a check failed. */
int report_features(FILE *out, Run *r);

#endif
