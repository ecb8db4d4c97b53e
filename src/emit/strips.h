/* strips.h - what strips_plan.c and strips.c share: a straight-line body as a list of operations
 * on many rounds at once. */
#ifndef GRADC_EMIT_STRIPS_H
#define GRADC_EMIT_STRIPS_H

#include "emit/private.h"

enum {
  MOST_INSIDE = 8,       /* loops, one in the other */
  STRIP_ROUNDS = 256,    /* of a strip; */
  OWN_ROUNDS = 64        /* where rounds have arrays of their own, interleaved */
};

/* A kernel, gc_each_NAME.  `args` tells its operands: r an array of reals, R one or a number for
 * all, b an array of bools, I ints at any distance, D reals at any distance, f a function, s an
 * int, c the numbers of a count.  `to` is r or b. */
typedef struct Kernel {
  const char *name, *args;
  char to;
  bool into;             /* all into one, or into lanes */
} Kernel;

/* SCALAR: the same in all rounds.  NUMBER: what a reduction is over nothing.  PLACE: in an array, at `at`, which moves by `step` with the index.
 * own: each round has an array of its own.  COUNT: an int that moves.  VALUE: what an operation gives. */
typedef enum OperandKind { NO_OPERAND, SCALAR, NUMBER, PLACE, COUNT, VALUE } OperandKind;
typedef struct Operand {
  OperandKind kind;
  Ref r;                 /* SCALAR: the node; PLACE: the array, or 0: that of the buffer */
  uint32_t buffer;       /* PLACE: where the array is stored, or 0: nobody writes there */
  Size at, step;
  bool own;
  uint32_t born;         /* own: the operation in front of which it is read */
  uint32_t op;           /* VALUE */
  Combiner comb;         /* NUMBER */
} Operand;

/* A call of a kernel; a node as it is, which all rounds share; a loop inside, up to its end. */
typedef enum SweepKind { CALL, SHARED, OPEN, CLOSE } SweepKind;
typedef struct Sweep {
  SweepKind kind;
  Ref node;              /* SHARED, OPEN, CLOSE */
  uint32_t around;       /* the innermost OPEN around it, plus 1 */
  uint32_t end;          /* OPEN: its CLOSE */
  const Kernel *kernel;
  Ref function;          /* the node whose function is called for each element */
  Operand arg[3];
  Operand to;            /* PLACE; VALUE: where that stands; or none: a room of the strip */
  uint32_t result;       /* what is reduced: the number of the result, plus 1 */
  bool variable;         /* later operations change it */
  bool dead;             /* done with another one */
  uint32_t last, room;   /* the last operation that needs it */
} Sweep;

/* Where the results of a loop inside stand, by their numbers. */
typedef struct InnerLoop { Ref loop; Operand *out; } InnerLoop;

typedef struct Strip {
  Emit *e;
  Ref loop, index, from; /* from: the first node of the body */
  const Region *body;    /* of the loop */
  bool *lane;            /* by Ref - from: does it differ from round to round? */
  Operand *value;        /* the same */
  VEC(Sweep) ops;
  VEC(InnerLoop) loops;
  uint32_t depth;        /* loops that are open while it is planned; */
  uint32_t around;       /* the innermost of them, plus 1 */
  VEC(Operand) written;
  uint32_t rooms[2];     /* of reals, of bools */
  bool rows;             /* may loops stand inside? */
  bool own;              /* have rounds arrays of their own? */
  bool early;            /* not yet with room for them */
  bool bad;              /* an operand is none that kernels take */
} Strip;

/* What `inside` comes to, with these results; NULL: it is no plain arithmetic. */
Strip *plan_strip(Emit *e, Ref r, const Region *inside, const Ref *results);
static inline int strip_rounds(const Strip *s) { return s->own ? OWN_ROUNDS : STRIP_ROUNDS; }

#endif
