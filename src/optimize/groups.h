/* groups.h - nodes of a region that become one: where that is possible, and what moves.
 *
 * A later member moves up to the first of its group, and what it needs with it: other nodes,
 * and other groups as a whole.  So a node remembers the groups that it depends on, a group
 * those that its members depend on, and what depends on a group never joins it.  Groups are
 * counted in stretches of EPOCH: those of earlier stretches are closed. */
#ifndef GRADC_GROUPS_H
#define GRADC_GROUPS_H

#include "optimize/passes.h"

enum { EPOCH = 256 };

typedef struct GroupSet { uint64_t word[EPOCH / 64]; } GroupSet;

typedef struct Group {
  uint32_t number;          /* in its region, from 1; 0: not there yet */
  Refs members;             /* the first is the place */
  bool joining;             /* its members are being copied */
} Group;

/* What a node depends on: groups of a stretch, and the latest node with IO. */
typedef struct Needs { GroupSet groups; uint32_t epoch, io; } Needs;

typedef struct Groups {
  Prog *p;
  Group **of;               /* by Ref of a member */
  Needs *needs;             /* by Ref */
  bool *done;               /* already copied */
  bool any;                 /* is there a group of two? */
  uint32_t count, epoch;    /* of the region: groups so far; stretches in the program */
  uint32_t base;            /* groups before this stretch */
  GroupSet reach[EPOCH];    /* the groups that one of this stretch depends on */
} Groups;

void groups_start(Groups *s, Prog *p);
/* The program with every group of two and more made by w's hook; the groups are given back. */
Prog *groups_end(Groups *s, Rewrite w);
/* Before the nodes of a region are looked at, in order. */
void groups_region(Groups *s);
/* r depends on these; arrays that are results of `but` do not count. */
void groups_depend(Groups *s, Ref r, const Ref *on, uint32_t n, const Group *but);
void groups_depend_on_sizes(Groups *s, Ref r, const Type *t);
/* r is a node with IO, which stays behind earlier ones. */
void groups_stay(Groups *s, Ref r);
/* May r move up to group g? */
bool groups_may_join(const Groups *s, const Group *g, Ref r);
/* Makes r, whose needs are known, a member; of a new group if it has no number yet. */
void groups_add(Groups *s, Group *g, Ref r);

/* Is r a result of a LOOP that is a member of g?  g may be NULL. */
bool groups_result(const Groups *s, const Group *g, Ref r);
/* Is r a member, or a result of one, of a group whose members are being copied? */
bool groups_joining(const Groups *s, Ref r);
/* Does `loop` use the group's results, in the regions of `in` (itself, to start with), only to
 * read in each round what the group made in the same round? */
bool groups_own_rounds(const Groups *s, const Group *g, const Node *loop, const Node *in);
/* Copies what the members need and what has not been copied yet, but for results of the
 * group itself. */
void groups_copy_needs(Rewrite *w, Groups *s, const Group *g);
/* For the hook of a Rewrite: what to give for a node that has been copied before. */
Ref groups_copied(const Rewrite *w, Ref old);

#endif
