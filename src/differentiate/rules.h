/* rules.h - partial derivatives of primitives, from the table. */
#ifndef GRADC_RULES_H
#define GRADC_RULES_H

#include "ir/ir.h"

/* g times the partial derivative of PRIM node n with respect to operand k; 0 where it is
 * flat or the table has none. */
Ref rule_times_partial(Prog *p, Ref n, uint32_t k, Ref g);

/* g * s with the algebra that keeps derivatives readable: 1 and -1, quotients. */
Ref rule_times(Prog *p, Ref g, Ref s);

#endif
