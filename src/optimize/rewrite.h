/* rewrite.h - the walk that erase.c and simplify.c share: a program is copied node by
 * node, and a hook may put something else in a node's place. */
#ifndef GRADC_REWRITE_H
#define GRADC_REWRITE_H

#include "ir/ir.h"

enum { REWRITE_GONE = UINT32_MAX };   /* the node is left out */

typedef struct Rewrite Rewrite;
struct Rewrite {
  Copy k;
  /* The image of `old`, whose operands have theirs; 0: a copy; REWRITE_GONE: nothing.
   * p->pos and p->derivative are those of `old`. */
  Ref (*node)(Rewrite *w, Ref old);
  void *self;
  bool *busy;   /* by number of a region: may something in it change?  NULL: in all of them */
  bool erases;  /* the new program is an erased one */
  Ref **outs;   /* outs[structured old node][k]: what its result k became, where
                   the node itself is gone */
};

/* A new program; the hook has seen every node of every region, in order. */
Prog *rewrite_program(Rewrite *w, Prog *from);
/* The region that r is in, and those around it, are busy. */
void rewrite_busy(bool *busy, const Prog *p, Ref r);
/* For hooks: all nodes of a region go into the current one (parameters are mapped). */
void rewrite_nodes(Rewrite *w, const Region *r);
/* For hooks: the plain copy of a node, its regions rewritten. */
Ref rewrite_copy(Rewrite *w, Ref old);
/* For hooks: an IF whose condition has become a constant is its branch; 0: it has not. */
Ref rewrite_decided(Rewrite *w, Ref old);
/* For hooks: the result `k` of a BUILD loop of the new program that only copies an
 * array, [A[i] for i < n], is that array; 0 otherwise. */
Ref rewrite_eta(Prog *p, Ref loop, uint32_t k);

#endif
