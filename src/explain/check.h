/* check.h - are the derivatives of a file right?  Each is compared with differences of its
 * surrogate, which the reference interpreter computes in MPFR; beside it stands how far
 * the controlled gradient is from the true one, and which control does it. */
#ifndef GRADC_CHECK_H
#define GRADC_CHECK_H

#include "elaborate/elaborate.h"
#include "script/value.h"

typedef struct CheckOptions {
  const char *function; /* this one alone, or NULL: all of the file, and its asserts */
  uint64_t seed;
  uint32_t points; /* random points for each derivative */
  bool json;       /* one object a line */
  const Ast *file; /* its functions and asserts are checked, not those it imports */
} CheckOptions;

typedef struct CheckTotals {
  uint32_t functions, skipped;
  uint32_t derivatives; /* function x argument x order x mode */
  uint32_t failed;      /* of these, and of asserts and rules */
  uint32_t asserts;
  double largest; /* relative difference among those that agree */
} CheckTotals;

/* Checks the module; what is found is written to `host` a line at a time, and lints are
 * queued as warnings. */
void check_module(Module *m, const CheckOptions *o, Host *host, CheckTotals *totals);

#endif
