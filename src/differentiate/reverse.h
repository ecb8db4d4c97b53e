/* reverse.h - what the files of reverse mode share.
 *
 *   reverse.c     the sweep: from a node's adjoint to its operands'
 *   adjoint.c     where adjoints are kept: slots, pending updates, sinks, accumulators
 *   replay.c      copies of bodies to sweep
 *   structured.c  if, accum, custom
 *   loop.c        parallel loops
 *   fold.c        sequential ones
 *   restore.c     arrays that a fold changes element by element
 *   stretch.c     while, and folds of which few states are kept
 *   transpose.c   rules in the other mode
 *
 * A *level* is a list of nodes of one region that is swept backwards.  The outermost one
 * is the program as it stands.  To reverse a structured node, its region is copied into
 * a new one (the replay), the copy is a level of its own, and the reverse of it
 * follows in the same region: no tape.  A node of a level has a slot for its adjoint.
 * What a level uses from outside has a sink instead: an accumulator's handle for an
 * array, a sum that the structure hands out for a scalar. */
#ifndef GRADC_REVERSE_H
#define GRADC_REVERSE_H

/* Tables live in the arena of the `Ctx *hash_ctx` in scope. */
#define uthash_malloc(n) arena_alloc(hash_ctx, (n))
#define uthash_free(p, n) ((void)(p))
#include <uthash.h>

#include "differentiate/activity.h"
#include "differentiate/rules.h"

/* handle[index…] += v, waiting until the array's adjoint is asked for. */
typedef struct Pending {
  Ref v;
  uint32_t n;
  const Ref *index;
  uint32_t next;
  bool checked;
} Pending;

typedef struct Slot {
  Ref dense;            /* sum of the whole contributions so far, or 0 */
  uint32_t pending;     /* newest pending update plus one, or 0 */
  Ref *result;          /* structured node: the adjoints of its results */
} Slot;

typedef struct Sink {
  Ref node;
  Ref handle;           /* array: where to add; 0 for a scalar */
  Ref sum;              /* scalar: contributions so far, or 0 */
  UT_hash_handle hh;
} Sink;

/* What stands for an accumulator's handle: its adjoint where it is being reversed, the handle
 * of its tangents in forward mode. */
typedef struct HandleValue { Ref handle, value; UT_hash_handle hh; } HandleValue;

/* A reduction inside a replayed body whose value was kept by the forward loop: its
 * results are read from there, and it is reversed without being computed again. */
typedef struct Kept { Ref source; Ref first; Ref *result; UT_hash_handle hh; } Kept;
typedef struct StandIn { Ref var; Kept *kept; uint32_t result; UT_hash_handle hh; } StandIn;

/* An array that the reverse of a fold has put back as it was before the fold (restore.c). */
typedef struct PutBack { Ref source; uint32_t carried; Ref array; } PutBack;

typedef struct Reverse {
  Prog *p;
  Copy *replay;
  HandleValue *handles;
  VEC(Pending) pending;
  VEC(PutBack) put_back;
  struct StepBack *step;   /* of a fold, that is being gone through (restore.h) */
} Reverse;

typedef struct Level {
  struct Level *parent;
  bool in_line;         /* shares the parent's region: contributions pass up to it */
  Activity act;         /* of nodes act.lo .. act.hi */
  Slot *slot;
  Ref *source;          /* copied structured node -> what it is a copy of; NULL: itself */
  Sink *sinks;
  StandIn *standins;
  VEC(Ref) variables;   /* nodes that are active whatever they come from */
} Level;

/* Where a forward run can be made to keep values of its body: the loop as it stands in the
 * program, and the subscripts by which the replay finds them. */
typedef struct Keeper {
  Ref loop;
  const Region *body;   /* the loop's */
  bool is_source;       /* the loop is the source itself, not a copy of it */
  uint32_t n;
  const Ref *index;
} Keeper;

/* ---- adjoint.c ---- */
bool level_active(const Level *l, Ref r);
void level_begin(Reverse *v, Level *l, Level *parent, bool in_line);
/* After the copy: slots and activity of what was built since level_begin.  `region` is
 * where its nodes stand (all of them from act.lo on). */
void level_ready(Reverse *v, Level *l, const Region *region);
void add_adjoint(Reverse *v, Level *l, Ref node, Ref g);
void add_adjoint_at(Reverse *v, Level *l, Ref node, Ref g, uint32_t n, const Ref *index,
                    bool checked);
Ref take_adjoint(Reverse *v, Level *l, Ref node);  /* 0 where nothing arrived */
/* The same of an array that a fold carries: a chain of WITHs on what the fold brought. */
Ref take_carried(Reverse *v, Level *l, Ref node);
/* Hands on what arrived at `from` to `to`, elements as elements; false where it cannot. */
bool pass_adjoint(Reverse *v, Level *l, Ref from, Ref to);
Ref add_values(Prog *p, Ref a, Ref b);             /* scalars or arrays */

/* The values that a structured node takes from outside and that carry a derivative. */
typedef struct Frees {
  uint32_t narrays, nscalars;
  Ref *array; Level **home; Ref *handle;  /* handle 0 until opened: own[k] */
  Ref *scalar;
  uint32_t nopened;
  Region *scope;          /* of the ACCUM, or NULL */
} Frees;
/* Opens an accumulator for every active free array that has none yet.  False: nothing
 * that carries a derivative is taken from outside. */
bool frees_open(Reverse *v, Level *l, const Node *structured, Frees *f);
/* Gives a new level its sinks. */
void frees_sinks(Reverse *v, const Frees *f, Level *child);
/* Closes it; `extra` values of inside come out in place. */
void frees_close(Reverse *v, Frees *f, uint32_t nextra, Ref *extra);
/* Closes it around a structured node whose results are the sums for the free scalars, and
 * hands these on. */
void frees_hand_out(Reverse *v, Level *l, Frees *f, Ref made);
/* The sums of the child's scalar sinks, in order, zeros where nothing came. */
void frees_scalar_sums(Reverse *v, const Frees *f, Level *child, Ref *sum);

/* ---- reverse.c ---- */
void sweep(Reverse *v, Level *l);
/* Contributions that no adjoint of the level waits for: updates of accumulators being
 * reversed, straight in `region` or in structured nodes whose copy is empty. */
void seed_updates(Reverse *v, Level *l, const Region *region);

/* ---- replay.c ---- */
/* The program's own copy-in-place, for bodies: effects are left out.  Only nodes inside
 * regions are ever mapped, and each before it is used, so one serves all derivatives. */
Copy *replay_of(Prog *p);
/* Copies the nodes of a region, without effects, into the current one and makes the level
 * (begun by level_begin) of them.  keep may be NULL. */
void replay(Reverse *v, Level *l, const Region *r, const Keeper *keep);

/* ---- structured.c, loop.c, fold.c ---- */
/* `node` is in the level (0: it was not copied), `source` what it is a copy of, or itself;
 * g: the adjoints of its results, 0 where none arrived. */
void reverse_structured(Reverse *v, Level *l, Ref node, Ref source, const Ref *g);
void reverse_loop(Reverse *v, Level *l, Ref node, Ref source, const Ref *g);
void reverse_fold(Reverse *v, Level *l, Ref node, Ref source, const Ref *g);
void map_params(Reverse *v, const Region *r, uint32_t n, const Ref *to);
Ref handle_value(HandleValue *all, Ref handle);   /* 0: none */
void handle_set(Ctx *c, HandleValue **all, Ref handle, Ref value);
/* The subscripts of row-major position `at`; where a max or min was won (-1: nowhere). */
void unrank(Prog *p, Ref at, uint32_t n, const Ref *extent, Ref *index);
Ref winner(Prog *p, Ref loop, uint32_t k);
/* g times s, element by element where g is an array. */
Ref scale_value(Prog *p, Ref g, Ref s);

/* ---- linear.c ---- */
/* Are the rule's results linear in its parameters [first, first + n), seen from the
 * structure? */
bool rule_is_linear(Prog *p, const Region *rule, uint32_t first, uint32_t n);

/* ---- transpose.c ---- */
/* Copies a rule here with its parameters [first, first + n) unknown and the others given,
 * and finds the adjoints of the unknown ones for seeds of its results. */
void transpose_rule(Prog *p, const Region *rule, uint32_t first, uint32_t n, const Ref *other,
                    const Ref *seed, Ref *out);

#endif
