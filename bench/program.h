/* program.h - a case as a program of the compiler's, for what gradc.h does not offer. */
#ifndef GRADC_BENCH_PROGRAM_H
#define GRADC_BENCH_PROGRAM_H

#include "bench.h"
#include "elaborate/elaborate.h"

/* The optimized program of a gradient, or of the value (-1); with `sized` it is for the
 * case's sizes alone.  Raises in c. */
Prog *program_of(const Case *of, Ctx *c, int gradient, bool sized);

#endif
