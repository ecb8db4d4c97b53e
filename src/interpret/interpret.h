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
 * SCALE, STRAIGHT or CUSTOM changes treated as the surrogate of the language manual. */
Status interpret_difference(Prog *p, const Value *in, uint32_t nin, uint32_t wrt, uint64_t k,
                            Host *host, Value *out);

#endif
