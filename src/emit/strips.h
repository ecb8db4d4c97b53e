/* strips.h - what strips_plan.c and strips.c share: a straight-line body as a list of operations
 * on many rounds at once. */
#ifndef GRADC_EMIT_STRIPS_H
#define GRADC_EMIT_STRIPS_H

#include "emit/private.h"

/* A kernel, gc_each_NAME.  `args` tells its operands: r an array of reals, R one or a number for
 * all, b an array of bools, I ints at any distance, D reals at any distance, f a function, s an
 * int, c the numbers of a count.  `to` is r or b. */
typedef struct Kernel {
  const char *name, *args;
  char to;
  bool into;             /* all into one, or into lanes */
} Kernel;

/* SCALAR: the same in all rounds.  PLACE: in an array, at `at`, which moves by `step` with the index.
 * COUNT: an int that does.  VALUE: what an operation gives. */
typedef enum OperandKind { NO_OPERAND, SCALAR, PLACE, COUNT, VALUE } OperandKind;
typedef struct Operand {
  OperandKind kind;
  Ref r;                 /* SCALAR: the node; PLACE: the array, or 0: that of the buffer */
  uint32_t buffer;       /* PLACE: where the array is stored, or 0: nobody writes there */
  Size at, step;
  uint32_t op;           /* VALUE */
} Operand;

typedef struct Sweep {
  const Kernel *kernel;
  Ref function;          /* the node whose function is called for each element */
  Operand arg[3];
  Operand to;            /* PLACE, or none: a room of the strip */
  uint32_t result;       /* what is reduced: the number of the result, plus 1 */
  bool dead;             /* done with another one */
  uint32_t last, room;   /* the last operation that needs it */
} Sweep;

typedef struct Strip {
  Emit *e;
  Ref loop, index, from; /* from: the first node of the body */
  const Region *body;    /* of the loop */
  bool *lane;            /* by Ref - from: does it differ from round to round? */
  Operand *value;        /* the same */
  VEC(Sweep) ops;
  VEC(Ref) shared;       /* nodes of the body that do not differ, in order */
  VEC(Operand) written;
  uint32_t rooms[2];     /* of reals, of bools */
  bool bad;              /* an operand is none that kernels take */
} Strip;

/* What `inside` comes to, with these results; NULL: it is no plain arithmetic. */
Strip *plan_strip(Emit *e, Ref r, const Region *inside, const Ref *results);

#endif
