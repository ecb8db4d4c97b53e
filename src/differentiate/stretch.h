/* stretch.h - what the reverses of fold and while share. */
#ifndef GRADC_STRETCH_H
#define GRADC_STRETCH_H

#include "differentiate/reverse.h"

/* One step to be reversed: adjoints of the carried values after it, and of a fold's
 * outputs over all steps. */
typedef struct Step {
  const Node *n;
  uint32_t nactive;
  const uint32_t *active;
  const Ref *adjoint;
  uint32_t nresults;       /* of n that g knows */
  const Ref *g;            /* NULL: no outputs */
  Ref t;
} Step;

/* Adjoints of the copied body's results, and updates. */
void seed_step(Reverse *v, Level *child, const Step *s);
/* What arrives at the final values, zeros where nothing does. */
void first_adjoints(Reverse *v, const Node *n, uint32_t nactive, const uint32_t *active,
                    const Ref *g, Ref *adjoint);
/* Makes the sums for free scalars results of the region being built. */
void frees_give_sums(Reverse *v, const Frees *f, Level *child);
Combiner *all_sums(Prog *p, uint32_t n);
/* Closes the accumulators and hands out: adjoints of the initial values, then sums; nmore values
 * behind these come out in place. */
void hand_back(Reverse *v, Level *l, const Node *n, uint32_t nactive, const uint32_t *active,
               Frees *f, uint32_t nmore, Ref *out);

/* The reverse of a fold or while with few states kept (stretch.c). */
void reverse_in_stretches(Reverse *v, Level *l, Ref node, Ref source, const Ref *g);

#endif
