/* number.h - the kinds of number that the interpreter computes in.
 *
 * A Kind is a table of functions; everything else works on Nums without knowing which.
 * Reals are .r in double and float (each result rounded to float), .m in MPFR; ints and
 * bools are .i in all.  A real Num of MPFR must have its precision before it is used. */
#ifndef GRADC_INTERPRET_NUMBER_H
#define GRADC_INTERPRET_NUMBER_H

#include "ir/ir.h"

#include <mpfr.h>

typedef union Num {
  double r;
  int64_t i;
  mpfr_t m;
} Num;

typedef enum Order { LESS = -1, EQUAL = 0, GREATER = 1, UNORDERED = 2 } Order;

typedef struct Kind {
  void (*set)(Num *out, const Num *a);
  void (*from_double)(Num *out, double x);
  void (*from_int)(Num *out, int64_t x);
  double (*to_double)(const Num *a);
  int64_t (*to_int)(const Num *a);  /* toward zero; INT64_MIN where it does not fit */
  Order (*order)(const Num *a, const Num *b);
  /* Primitives of reals: operands (in .m or .r, ints in .i) to a result.  NULL for
   * those of bools alone.  out is none of the operands. */
  void (*prim[PRIM_COUNT])(Num *out, const Num *a);
} Kind;

extern const Kind kind_double, kind_float;  /* native.c */
extern const Kind kind_mpfr;                /* multiple.c */

/* Primitives of ints and bools (whole.c): wrapping around, 0 for division by 0. */
int64_t whole_prim(uint32_t prim, const Num *a);

#endif
