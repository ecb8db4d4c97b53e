/* cancel.h - what erase.c asks of cancel.c. */
#ifndef GRADC_CANCEL_H
#define GRADC_CANCEL_H

#include "optimize/rewrite.h"

typedef struct Cancel Cancel;

/* Finds the trees of + and - in `from` that hold a control. */
Cancel *cancel_plan(Prog *from);
/* The image of `old` where terms of its tree cancel; 0: nothing to do. */
Ref cancel_tree(Cancel *c, Rewrite *w, Ref old);
/* The array or scalar that a control or a name's node (VAR TIE STOP SCALE STRAIGHT, a CUSTOM
 * that hands its argument on) erases to, one step; 0 for other nodes.  *inside is set
 * where the node is a control. */
Ref cancel_under(const Prog *p, Ref r, bool *inside);

#endif
