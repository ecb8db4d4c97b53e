/* accumulate.h - how each accumulator is used, and what it becomes: accumulate_plan.c
 * finds out, accumulate.c does it. */
#ifndef GRADC_ACCUMULATE_H
#define GRADC_ACCUMULATE_H

#include "optimize/passes.h"

enum { MAX_GROUPS = 16, MAX_ARRAYS = 4, MAX_CHAIN = 16, MAX_CONE = 16, MAX_SLOTS = 64 };

typedef struct Handle Handle;

/* Updates of one handle in one region at the same subscripts, or at constant places of the row
 * that the same subscripts name. */
typedef struct Group {
  Handle *handle;
  Refs upds;
  const Ref *index;       /* of the first update */
  uint32_t nindex;
  Ref chain[MAX_CHAIN];   /* LOOPs and ACCUMs around it, outermost first */
  uint32_t nchain;
  bool slotted;           /* its subscripts are constants */
  uint32_t tail;          /* constant subscripts behind these: places in a row */
  Ref *place;             /* … and the sum at each, in the new program */
  bool contract;          /* becomes a loop nest of its own behind chain[0] */
  Refs cone;              /* contract: nodes to compute again, increasing */
  Refs stored;            /* contract: scalars of chain[0]'s body, to be stored */
  Refs arrays;            /* … and where they are, in the new program */
  uint32_t seen;          /* updates met in the rewriting */
  Ref sum;                /* … and the sum of their values */
} Group;

struct Handle {
  Ref param;
  const Region *region;   /* the scope's */
  const Type *type;
  VEC(Group *) groups;
  Refs slots;             /* updates straight in the scope at constant subscripts */
  Refs whole;             /* updates straight in the scope of the whole array */
  uint32_t nupd;
  const Ref *row;         /* subscripts in front that all updates have in common: the row of the */
  uint32_t nrow;          /* array that gets them; then `type` and the groups are the row's */
  bool stays;             /* is an accumulator afterwards, too */
  Refs parts;             /* new arrays that make up its final value */
  Ref *slot;              /* new values at constant subscripts */
  uint32_t nslot, slot_axes;
};

typedef struct Plan {
  Prog *p;
  Handle **handle;        /* by Ref of a handle */
  Group **group;          /* by Ref of an UPD that belongs to one */
  VEC(Group *) *behind;   /* by Ref of a LOOP: the contractions it starts */
  bool *grows;            /* by Ref of a LOOP or ACCUM: gets more results */
  bool any;               /* some handle is replaced */
} Plan;

Plan *accumulate_plan(Prog *p);
/* The LOOP of the chain whose parameter r is, or NULL. */
const Node *chain_loop(const Prog *p, const Group *g, Ref r);
/* Axes of a built array stand in the order of the chain's indices: position of each
 * subscript among them.  True if that is the order of the subscripts. */
bool axis_order(const Prog *p, const Group *g, uint32_t *position);
/* Is parameter r one of the subscripts? */
bool is_subscript(const Group *g, Ref r);
/* The number of places in the rows of a group with a tail. */
uint32_t tail_places(const Group *g);
/* The place of an update in the group's row, or -1. */
int64_t tail_position(const Prog *p, const Group *g, Ref upd);
/* Position of a slot update among the handle's slots, or -1. */
int64_t slot_position(const Prog *p, const Handle *h, Ref upd);

#endif
