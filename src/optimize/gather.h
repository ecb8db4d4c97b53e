/* gather.h - which updates of a loop can be collected instead: gather_plan.c finds out,
 * gather.c writes it. */
#ifndef GRADC_GATHER_H
#define GRADC_GATHER_H

#include "optimize/passes.h"

enum { MAX_MOVES = 32, MAX_BRANCHES = 4, MAX_STORED = 4, MAX_BEYOND = 4 };

/* Subscript k of an update, as its axis of the array sees it. */
typedef struct Along {
  bool moves;           /* with an index of the loop: i + rest, or rest - i */
  uint32_t axis;
  bool back, ring;      /* the latter; modulo the array's size */
  Size rest;
  uint32_t below, above; /* rounds that would lie beyond an end and are held there, by
                            max(0, i - 1) or min(n - 1, i + 1) */
  uint32_t only;        /* or: rounds in which a branch adds to a place that does not move */
  Size round;           /* of one of these alone, or NULL */
  Size place;           /* where it adds, then, and where nothing moves */
} Along;

/* An update of a loop's body, or of branches in it; what rounds beyond the ends add by it is a
 * move of its own. */
typedef struct Move {
  Ref upd;
  Along along[MAX_RANK];
  Ref branch[MAX_BRANCHES];   /* the IFs around it, outermost first */
  bool taken[MAX_BRANCHES];   /* … and whether it stands in the first branch */
  uint32_t nbranch;
  Refs cone;                  /* nodes of the body that it is computed from, increasing */
} Move;

typedef struct Moves {
  Prog *p;
  Ref loop;
  VEC(Move) all;
  Refs stored;          /* scalars of the body that are kept in arrays */
} Moves;

/* NULL: none can be, or none should. */
Moves *find_moves(Prog *p, Ref loop);

#endif
