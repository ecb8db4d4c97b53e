/* optimize.h - passes from program to program.  Each file has one public function of
 * this form; pipeline.c lists them in order. */
#ifndef GRADC_OPTIMIZE_H
#define GRADC_OPTIMIZE_H

#include "ir/ir.h"

/* Passes print themselves through this when --dump=PASS asks. */
typedef struct Dump { const char *pass; void (*show)(void *user, const char *pass, Prog *p); void *user; } Dump;

Prog *opt_erase(Prog *p);       /* erase.c: barriers go; added and taken terms cancel (not --ieee) */
Prog *opt_simplify(Prog *p);    /* simplify.c: exact rules everywhere, algebra in derivatives */
Prog *opt_support(Prog *p);     /* support.c: a sum runs over what can be other than 0 */
Prog *opt_defer(Prog *p);       /* defer.c: linear maps of all rounds are applied once, behind */
Prog *opt_gather(Prog *p);      /* gather.c: updates at shifted indices are collected by place */
Prog *opt_accumulate(Prog *p);  /* accumulate.c: accumulators that are plain builds, sums, slots */
Prog *opt_unroll(Prog *p);      /* unroll.c: loops of a few known rounds are written out */
Prog *opt_fuse(Prog *p);        /* fuse.c: reads of builds become their elements where cheap; neighbours join */
Prog *opt_branches(Prog *p);    /* branches.c: what an `if` computed, later ones by its condition read */
Prog *opt_reciprocals(Prog *p); /* reciprocals.c: what divides often is inverted once */
Prog *opt_hoist(Prog *p);       /* hoist.c: loop-invariant nodes move out */
Prog *opt_twins(Prog *p);       /* keep.c: reductions that an earlier loop has made already */
Prog *opt_split(Prog *p);       /* split.c: products of matrices in loops of their own */
/* split.c: m rows, n columns, sums of k terms (-1: not literal): better left as they are? */
bool product_is_small(int64_t m, int64_t n, int64_t k);
/* Is the subscript of a READ, WITH or UPD on this axis proved to be in range? */
bool subscript_holds(Prog *p, Ref r, uint32_t axis);
/* Is the divisor of an int division proved to be positive (or literal, and not 0)?  The node
 * must stay where it is. */
bool divisor_holds(Prog *p, const Node *n);
/* Is this int proved not to be negative? */
bool int_at_least_0(Prog *p, Ref r);
Prog *opt_ranges(Prog *p);      /* ranges.c: a version of a loop's body for each range of its index */
Prog *opt_flatten(Prog *p);     /* flatten.c: element by element, several axes are one */
Prog *opt_saved(Prog *p);       /* saved.c: rows that are replaced and still wanted */
Prog *opt_final(Prog *p);       /* final.c: sweeps; no subscript is checked twice */
Prog *opt_checks(Prog *p);      /* checks.c: checks of what does not change leave loops */
Prog *opt_bounds(Prog *p);      /* bounds.c: proved subscripts lose NODE_CHECKED */
/* sweep is ir_sweep in ir/ */

/* All of them, in order, to what emission takes. */
Prog *optimize(Prog *p, const Dump *dump);
/* The same where nobody looks at p again: its storage serves what comes. */
Prog *optimize_in_place(Prog *p, const Dump *dump);
/* For people: what `diff` prints.  The barriers stay, so that it can be differentiated. */
Prog *optimize_for_reading(Prog *p);
const char *const *optimize_pass_names(void);   /* NULL-terminated, for --dump= */

#endif
