/* normal.h - what simplify.c asks of normal.c. */
#ifndef GRADC_NORMAL_H
#define GRADC_NORMAL_H

#include "ir/ir.h"

/* May the normal form see through node r, computing again what it computes? */
typedef struct Opener {
  bool (*open)(void *self, Ref r);
  void *self;
} Opener;

/* prim(arg…) of real scalars by the algebra of real numbers, in p->cur.  For ADD SUB NEG
 * MUL DIV POW; other primitives are built as they are. */
Ref normal_prim(Prog *p, uint32_t prim, const Ref *arg, Opener opener);

#endif
