/* defer.h - linear maps that wait for the end of a loop: defer_plan.c finds them, defer.c lets them
 * wait. */
#ifndef GRADC_DEFER_H
#define GRADC_DEFER_H

#include "optimize/passes.h"

/* What becomes of a node of the loop. */
typedef enum DeferRole {
  DEFER_NONE,
  DEFER_TERM,     /* a scalar that changes with the rounds: is added up */
  DEFER_ROOT,     /* an update that leaves the loop */
  DEFER_COPIED,   /* is part of the map, or says with what */
  DEFER_AROUND,   /* a LOOP or ACCUM: is there again for what is in it */
  DEFER_INDEX,    /* a parameter of such a LOOP that the map runs over, too */
} DeferRole;

/* A loop straight in a scope of accumulators, and the map that waits for its end. */
typedef struct Deferred {
  Ref loop;
  Refs roots, terms;
  Refs outer;             /* nodes of the scope's own region that the map mentions */
  Refs total;             /* by term: its accumulator, then the total, in the new program */
  struct Deferred *next;  /* another loop of the same scope */
} Deferred;

typedef struct DeferPlan {
  Deferred **of;          /* by Ref of an ACCUM: of the loops in it */
  Deferred **at;          /* by Ref of such a loop */
  uint8_t *role;          /* by Ref */
  bool **wanted;          /* by Ref of a node with the role AROUND: the results that the map reads */
  bool any;
} DeferPlan;

enum { DEFER_MAX_TERMS = 8 };

DeferPlan *defer_plan(Prog *p);
/* The indices of the map around a region, outermost first, of all loops up to d->loop. */
Refs defer_indices(const Prog *p, const DeferPlan *plan, const Deferred *d, const Region *r);

#endif
