/* differentiate.h - the chain rule on a program under construction.
 *
 * Every function here appends to p->cur.  Nodes it makes are marked NODE_DERIVATIVE;
 * they use the barriers (STOP SCALE STRAIGHT CUSTOM VAR TIE) as they find them, so
 * their results can be differentiated again. */
#ifndef GRADC_DIFFERENTIATE_H
#define GRADC_DIFFERENTIATE_H

#include "ir/ir.h"

/* Why a derivative is `none`. */
typedef struct Cut {
  bool connected;         /* is there any path at all, stopped ones included? */
  Span stop;              /* the first STOP (or integer step) that cuts one */
  const char *what;       /* "stop_gradient", "int", "comparison", a rule's name, … */
} Cut;

/* Does x reach y along a path that carries a derivative, in the program as written?
 * `held`: n more nodes counted as constant (grad's stop =): blocks what flows through
 * them, not what arrives at them. */
bool diff_reaches(Prog *p, Ref y, Ref x, uint32_t nheld, const Ref *held, Cut *why);

/* Reverse mode.  Adjoints of x[0..nx) given seeds for y[0..ny) (same types; seed 0 means
 * zero).  out[k] is 0 where no y is reached from x[k]; zeros of x's type where it is
 * reached but nothing flows. */
void diff_reverse(Prog *p, uint32_t ny, const Ref *y, const Ref *seed, uint32_t nx,
                  const Ref *x, uint32_t nheld, const Ref *held, Ref *out);

/* Forward mode.  Tangents of y[0..ny) given tangents dx of x (0 means zero); out[k] is 0
 * where y[k] is not reached.  A rule that has no forward reading (not linear in `up`)
 * is an error at `at` that points at the rule. */
void diff_forward(Prog *p, uint32_t ny, const Ref *y, uint32_t nx, const Ref *x,
                  const Ref *dx, uint32_t nheld, const Ref *held, Span at, Ref *out);

/* Can forward mode pass every rule between x and y? (jacobian and hessian choose.) */
bool diff_forward_possible(Prog *p, uint32_t ny, const Ref *y, uint32_t nx, const Ref *x);

/* Is array y, as a function of array x, element by element? (f' of an array result) */
bool diff_elementwise(Prog *p, Ref y, Ref x);

#endif
