/* derivatives.h - what the files behind the derivative operators share. */
#ifndef GRADC_DERIVATIVES_H
#define GRADC_DERIVATIVES_H

#include "differentiate/differentiate.h"
#include "elaborate/builtins.h"

/* The leaves of a value; ref is 0 where a leaf carries no derivative: none, int, bool. */
typedef struct Leaves {
  const Val *whole;
  uint32_t n;
  const Val **val;
  Ref *ref;
} Leaves;

/* One question: how does y change with x, some nodes held constant? */
typedef struct Deriv {
  Elab *e;
  Leaves y, x;
  uint32_t nheld;
  Ref *held;
  Span at;
} Deriv;

void deriv_ask(Deriv *d, Elab *e, const Val *y, const Val *x, uint32_t nheld,
               const Val *const *held, Span at);

/* Adjoints of the leaves of x for seeds of those of y, and tangents the other way; 0 stands
 * for a zero seed, and in `out` for a leaf that is not reached. */
void deriv_reverse(const Deriv *d, const Ref *seed, Ref *out);
void deriv_forward(const Deriv *d, const Ref *dx, Ref *out);
bool deriv_forward_possible(const Deriv *d);

/* The derivative g (0: none) as a value: tied to the leaves y[from .. to) that it is the
 * derivative of, so that what can be differentiated again is decided from the
 * program as written; `also` are more nodes it is made of.  Where it is none, it says
 * why no leaf of y in from .. to is reached from those of x in xfrom .. xto. */
typedef struct Part { uint32_t from, to, xfrom, xto; } Part;
const Val *deriv_part(const Deriv *d, Ref g, Part part, uint32_t nalso, const Ref *also);

#endif
