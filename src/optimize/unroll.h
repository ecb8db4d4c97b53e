/* unroll.h - what unroll.c (loops of a few rounds) and scalars.c (arrays of a few elements)
 * share. */
#ifndef GRADC_UNROLL_H
#define GRADC_UNROLL_H

#include "optimize/passes.h"

enum { FEW_ELEMENTS = 16 };

typedef struct Unroll {
  Rewrite w;
  uint32_t *rounds;      /* by Ref: how many a loop is written out in; 0: it stays */
  bool *opens;           /* by Ref of an ACCUM: its arrays become scalars */
  Ref **sum;             /* by Ref of a handle of such a one, while its scope is open: the
                            new program's value of each element */
  uint32_t idle;         /* loops around without a round: nothing is added in them */
} Unroll;

/* The number of elements if all sizes are constant and it is at most FEW_ELEMENTS; else 0. */
uint32_t few_elements(const Type *t);
/* The elements as nodes of p, row-major. */
void take_apart(Prog *p, Ref array, Ref *element);
/* The array of these elements, which is a scalar if `t` is. */
Ref put_together(Prog *p, const Type *t, const Ref *element);
/* Rows of rows: count elements in place, the last axis first. */
Ref stack_axes(Prog *p, const uint32_t *length, uint32_t axes, Ref *v, uint32_t count);

/* Hooks of the rewriting walk: 0 where they have nothing to do. */
Ref open_scope(Unroll *u, Ref accum);
Ref open_update(Unroll *u, Ref upd);
Ref split_if(Unroll *u, Ref old);
Ref split_fold(Unroll *u, Ref old);

#endif
