/* private.h - what the files of interpret/ share.
 *
 *   number.h     kinds of number: native.c (native_kind.h), multiple.c (special.c), whole.c
 *   memory.c     slots and arrays
 *   extents.c    sizes of types, now that their atoms have values
 *   nodes.c      scalars, arrays, barriers: one function an operator
 *   structured.c if, loop, fold, while, accum, custom
 *   effects.c    print, trace, assert, check
 *   surrogate.c  what stands for a barrier while differences are taken
 *   interpret.c, difference.c  the two public functions
 *
 * A Machine runs one program.  Every node has a slot for its value, found by its Ref: a
 * region is never entered twice at a time, so that evaluating it again may overwrite.
 * Arrays are counted references and never change once made, but for those that an
 * accumulator owns. */
#ifndef GRADC_INTERPRET_PRIVATE_H
#define GRADC_INTERPRET_PRIVATE_H

#include "interpret/interpret.h"
#include "interpret/number.h"

typedef struct Array {
  struct Array *next, *prev;   /* of all that are alive */
  size_t bytes;
  uint32_t refs;
  Elem elem;
  uint32_t rank;
  int64_t dim[MAX_RANK];
  uint64_t n;                  /* elements */
  Num *at;
} Array;

/* The value of a node, or the results of a structured one. */
typedef struct Slot {
  Num num;
  Array *array;                /* NULL: a scalar */
  bool real_ready;             /* num has its precision */
  struct Slot *result;
  struct Output *output;       /* LOOP FOLD: outputs being put together */
} Slot;

typedef struct Log Log;

typedef struct Machine {
  Ctx *c;
  Prog *p;
  const Kind *kind;
  mpfr_prec_t bits;            /* 0: not MPFR */
  size_t limbs;                /* bytes of an MPFR number's digits */
  Slot *slot;                  /* by Ref */
  Array *arrays;
  uint64_t bytes;              /* of them */
  Host *host;                  /* NULL: no effects */
  volatile int *stop;
  void *scratch;               /* leaves of effects */
  size_t scratch_size;
  Log *log;                    /* of the surrogates, or NULL */
  Num sum;                     /* for combine_num */
} Machine;

/* ---- memory.c ------------------------------------------------------------------ */
/* A machine for p; what it holds goes with the innermost ctx_try. */
Machine *machine_new(Prog *p, unsigned bits);
static inline Slot *slot_of(const Machine *m, Ref r) { return &m->slot[r]; }
/* The scalar of a slot, with its precision if `real`; its array, if any, is dropped. */
Num *slot_num(Machine *m, Slot *s, bool real);
void slot_copy(Machine *m, Slot *to, const Slot *from, const Type *t);
/* Gives an array to a slot, which takes over one reference. */
void slot_set_array(Machine *m, Slot *s, Array *a);
/* A new array with one reference; elements 0, reals with their precision. */
Array *array_new(Machine *m, Elem e, uint32_t rank, const int64_t *dim);
Array *array_copy(Machine *m, const Array *a);
void array_drop(Machine *m, Array *a);
/* A real with precision that lives as long as the arena. */
void real_new(Machine *m, Num *x);
/* Copies n elements. */
void nums_copy(Machine *m, Elem e, Num *to, const Num *from, uint64_t n);
/* The elements of a slot's value, one for a scalar; their number in *n. */
Num *slot_elements(Slot *s, uint64_t *n);

/* ---- extents.c ----------------------------------------------------------------- */
int64_t extent_value(Machine *m, Size s);
void type_extents(Machine *m, const Type *t, int64_t *dim);

/* ---- nodes.c, structured.c ----------------------------------------------------- */
void run_region(Machine *m, const Region *r);
void run_structured(Machine *m, const Node *n, Slot *out);
/* Row-major position of the subscripts that are n's operands from `first` on; raises where
 * one is out of range.  *size: elements of the part that they name. */
uint64_t subscript(Machine *m, const Node *n, const Array *a, uint32_t first, uint64_t *size);
/* Raises GC_STOPPED when told to stop. */
void look_at_stop(const Machine *m);
/* to = prim(to, x). */
void combine_num(Machine *m, uint32_t prim, Elem e, Num *to, const Num *x);

/* ---- effects.c ----------------------------------------------------------------- */
void run_effect(Machine *m, const Node *n);
/* A slot's value as doubles or ints, its elements in *room, which moves on past them. */
Value slot_value(Machine *m, Slot *s, const Type *t, double **room);
/* The bytes that the elements of a slot need there. */
size_t slot_bytes(Slot *s);

/* ---- interpret.c --------------------------------------------------------------- */
/* Sets the parameters of the root region; raises where a value does not fit. */
void set_params(Machine *m, const Value *in, uint32_t nin);

/* ---- surrogate.c: differences under the language's derivatives ----------------- */

/* A log of one run: first recorded, then replayed in each run beside it. */
Log *log_new(Machine *m);
void log_replay(Log *l);
/* A discrete outcome: raises DIFFERENCE_KINK if it was another when recorded. */
void log_outcome(Machine *m, int64_t outcome);
/* The outcome of a primitive of reals that jumps or bends somewhere. */
void log_prim(Machine *m, uint32_t prim, const Num *a, const Num *out);
/* STOP, SCALE, STRAIGHT: puts what stands for it into `out`. */
void surrogate_barrier(Machine *m, const Node *n, Slot *out);
void surrogate_custom(Machine *m, const Node *n, Slot *out);
/* CUSTOM as it is. */
void run_custom(Machine *m, const Node *n, Slot *out);

#endif
