/* share.h - what is costly, what bodies of loops have in common, what room there is to keep
 * it. */
#ifndef GRADC_SHARE_H
#define GRADC_SHARE_H

#include "optimize/passes.h"

/* Does this cost more than a trip through memory: a call such as exp; a loop of many rounds,
 * whose result it is worth keeping? */
bool costly_call(const Prog *p, const Node *n);
bool long_loop(const Prog *p, const Node *n);

/* The arrays of a program that are there anyway: inputs, and those that it makes outside of
 * loops. */
typedef VEC(const Type *) Present;
Present find_present(Prog *p);
/* Is one of them as large as an array of so many elements, or is that a small number? */
bool present_has_room(Prog *p, const Present *present, Size elements);
Size type_elements(Prog *p, const Type *t);
/* Does a grow no faster than b? */
bool no_more_elements(Size a, Size b);

/* updates.c: do both loops add to the same elements, each in the rounds of its own?  Does a
 * loop nothing but add? */
bool adds_alike(const Prog *p, const Node *a, const Node *b);
bool only_adds(const Prog *p, const Node *n);

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
