/* share.h - what bodies of loops have in common. */
#ifndef GRADC_SHARE_H
#define GRADC_SHARE_H

#include "optimize/passes.h"

enum { MAX_COSTLY = 48 };

/* Hashes of the nodes in a body, at any depth, that cost more than a trip through memory:
 * results of loops, what folds carry, and calls such as exp.  Equal work has equal hashes. */
typedef struct Costly {
  uint64_t bits;              /* one of 64 for each hash: few common ones, quick answers */
  uint32_t n, hash[MAX_COSTLY];
} Costly;

void costly_of(const Prog *p, Ref structured, Costly *c);
bool costly_in_common(const Costly *a, const Costly *b);
/* Adds those of b to a, as many as there is room for. */
void costly_join(Costly *a, const Costly *b);

#endif
