/* support.h - where the terms of a sum can be other than 0: support_plan.c finds out,
 * support.c lets the loop run there alone. */
#ifndef GRADC_SUPPORT_H
#define GRADC_SUPPORT_H

#include "optimize/passes.h"

/* What holds wherever a term is not 0: the condition, or its contrary.  It stands in the loop's
 * body or around it; or in the body of a loop that builds an array, of which `read` takes an
 * element. */
typedef struct Fact { Ref condition; bool contrary; Ref read; } Fact;

enum { MAX_LITERALS = 8 };
typedef struct Facts { Fact at[MAX_LITERALS]; uint32_t n; bool nowhere; } Facts;

/* One index of a loop, and the only rounds of it that matter. */
typedef struct Support {
  Ref loop;
  Ref update;                            /* of this update alone, the next have others; 0: of all */
  struct Support *next;
  uint32_t index;
  Size only;                             /* this one; NULL: a range */
  Size low[MAX_LITERALS], high[MAX_LITERALS];  /* low <= index < high, all of them */
  uint32_t nlow, nhigh;
  bool others;                           /* bounds change with the loop's other indices */
  Facts known;                           /* what is true in these rounds; none: all matter */
  Refs before;                           /* nodes of bodies that the bounds need, increasing */
} Support;

/* NULL: all rounds matter, as far as is known.  Where that is so for some of a loop's updates
 * only, there is a list, for a loop of its own for each. */
Support *find_support(Prog *p, Ref loop);
/* Is all that the region computes, of at most *left nodes, cheaper than a trip through memory? */
bool is_light(const Prog *p, const Region *r, uint32_t *left);

#endif
