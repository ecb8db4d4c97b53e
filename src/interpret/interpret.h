/* interpret.h - the reference: the IR run directly, in double and in MPFR.  Shares no
 * code with differentiate/, optimize/ and emit/. */
#ifndef GRADC_INTERPRET_H
#define GRADC_INTERPRET_H

#include "script/value.h"

/* Runs p (any stage, barriers included) on values for the root's parameters (ints and
 * sizes as rank-0 int values).  Results are arena values, one for each result of the
 * root.  bits 0: double (float rounding after each operation under --real=float); else
 * MPFR with so many bits, results rounded to double. */
Status interpret(Prog *p, const Value *in, uint32_t nin, unsigned bits, Host *host, Value *out);

/* Derivative of results by differences: d results / d (parameter `wrt`, element `k`) by
 * Richardson extrapolation of central differences in MPFR, with everything that a STOP,
 * SCALE, STRAIGHT or CUSTOM changes treated as the surrogate of the language manual.
 * Results are real, of each result's shape; those of ints and bools are 0.  No effects
 * (`host` is only asked whether to stop, and may be NULL).
 *
 * Besides the codes of Status it gives one of these, with no message queued; `out` is
 * then not set. */
enum {
  DIFFERENCE_KINK = 64,      /* a comparison, a rounding or the winner of a max comes out
                                otherwise right beside the point: it has no derivative,
                                or one that the manual fixes by convention */
  DIFFERENCE_NONLINEAR = 65, /* a rule is not linear in what arrives (grad_clip): only
                                the backward pass knows its effect */
};
Status interpret_difference(Prog *p, const Value *in, uint32_t nin, uint32_t wrt, uint64_t k,
                            Host *host, Value *out);

/* A point at which p has results: values for the parameters of the root, and the results
 * with 160 bits and in the precision of the program.  No effects and no messages; false:
 * none of the points tried has results. */
typedef struct Sample { Value *in, *exact, *near; } Sample;
bool interpret_sample(Prog *p, Sample *out);

#endif
