/* private.h - what the files of ir/ share and nobody else includes.
 *
 * Files that use uthash have a `Ctx *c` and a `Prog *p` in scope where they add to a table. */
#ifndef GRADC_IR_PRIVATE_H
#define GRADC_IR_PRIVATE_H

#include "ir/ir.h"

#include <string.h>

#define uthash_malloc(size) zone_alloc(c, p->zone, (size))
#define uthash_free(block, size) zone_release(c, p->zone, (block), (size))
#define uthash_fatal(message) internal_error(c, "%s", message)

/* What belongs to a program lies in its zone, whatever pass is at work. */
#define PROG_NEW(p, T) ((T *)zone_alloc((p)->ctx, (p)->zone, sizeof(T)))
#define PROG_NEWN(p, T, n) ((T *)zone_alloc((p)->ctx, (p)->zone, sizeof(T) * (size_t)(n)))
#define PROG_PUSH(p, v, x) ZONE_PUSH((p)->ctx, (p)->zone, v, x)

/* Mixes one more word into a hash. */
static inline uint32_t hash_mix(uint32_t h, uint32_t v) {
  h = (h ^ v) * 0x9e3779b1u;
  return h ^ h >> 15;
}

static inline uint32_t hash_mix64(uint32_t h, uint64_t v) {
  return hash_mix(hash_mix(h, (uint32_t)v), (uint32_t)(v >> 32));
}

/* The least power of two that is not below n; lists that ir_add_output lengthens have
 * this much room. */
static inline uint32_t room_for(uint32_t n) {
  uint32_t room = 1;
  while (room < n) room *= 2;
  return room;
}

/* ---- types.c, sizes.c ---- */
void types_init(Prog *p);
void sizes_init(Prog *p);
uint32_t type_hash(const Type *t);
/* Calls visit(self, atom) for each atom of a type's sizes, maybe more than once. */
void type_atoms(const Type *t, void (*visit)(void *self, Ref atom), void *self);
/* The number of elements of a type whose sizes are all known; false otherwise. */
bool type_count(const Type *t, uint64_t *count);
/* The product of all sizes. */
Size type_volume(Prog *p, const Type *t);
/* Notes that an array has this size, so that it is not negative. */
void size_seen(Prog *p, Size s);
/* Forgets which sizes arrays have. */
void sizes_forget_seen(Prog *p);
bool size_is_seen(const Prog *p, Ref atom);
/* As size_add, size_mul, size_scale, but NULL where that overflows or grows too long. */
Size poly_add(Prog *p, Size a, Size b);
Size poly_mul(Prog *p, Size a, Size b);
Size poly_scale(Prog *p, Size a, int64_t num, int64_t den);
/* The polynomial that is one atom, not seen through. */
Size poly_atom(Prog *p, Ref atom);

/* ---- infer.c: the typing rules, for constructors and verify ---- */

/* The type of a node from its operator, operands and aux.  For PARAM CONST DATA
 * RESHAPE FILL, n->type is what was asked for and is checked.  Gives false and a
 * reason where the operands do not fit. */
bool infer_type(Prog *p, const Node *n, const Type **type, const char **why);
/* For structured nodes: results and their types, from operands and regions. */
bool infer_results(Prog *p, const Node *n, uint32_t *nresults, const Type ***types,
                   const char **why);
/* The type of output `value` of a LOOP or FOLD with n extents put together by comb. */
bool infer_output(Prog *p, uint32_t n, const Ref *extent, const Type *value, Combiner comb,
                  const Type **type, const char **why);

/* ---- build.c ---- */

/* A node not yet in the program; operands stay the caller's until node_add. */
Node node_draft(const Prog *p, Op op, const Type *type, uint32_t nargs, const Ref *arg);
/* Infers the type, then gives an equal visible node, or appends the draft. */
Ref node_make(Prog *p, Node *draft);
/* Appends it whether or not there is an equal one. */
Ref node_append(Prog *p, Node *draft);
/* The same where it is known whether the node may fail. */
Ref node_put(Prog *p, const Node *draft);
/* Can constructors see the node from p->cur? */
static inline bool node_visible(const Prog *p, const Node *n) {
  return n->region == p->cur->id || region_around(p->cur, p->regions.at[n->region]);
}
_Noreturn void ill_typed(Prog *p, const Node *n, const char *why);
/* Queues an error at p->pos about a limit reached and raises GC_LIMIT. */
_Noreturn void limit_reached(Prog *p, const char *what, uint64_t limit);

/* ---- cons.c ---- */

void cons_init(Prog *p);
/* As node_make for a draft whose type (or results) is known to be right. */
Ref node_intern(Prog *p, Node *draft);
/* The same where draft->hash is known: that of a node of the same structure. */
Ref node_intern_like(Prog *p, Node *draft);
/* n->hash and n->key. */
void hash_node(const Prog *p, Node *n);
/* Makes a node of p->cur known to later constructors. */
void cons_know(Prog *p, Ref r);
/* Forgets the nodes of a region that closes; forgets one node. */
void cons_close(Prog *p, const Region *r);
void cons_forget(Prog *p, Ref r);
/* Gives back the room of its table. */
void cons_free(Prog *p);
/* Gives the room of from's table of known nodes to `to`; from knows none any more. */
void cons_move(Prog *from, Prog *to);
/* No node is known any more. */
void cons_forget_all(Prog *p);

/* ---- copy.c ---- */

/* Room for the operands of most nodes. */
typedef struct Few { Ref at[MAX_RANK + 2]; } Few;
/* The copies of a node's operands, in `few` if they fit; those left out are 0. */
Ref *copy_args(Copy *k, const Node *n, Few *few);

/* What ir_sweep wants copied, or left where it is. */
typedef struct Keep {
  bool *live;               /* by Ref: this node */
  const uint32_t *first;    /* by Ref: where a structured node's results start below */
  const bool *result;       /* this result */
  const uint32_t *number;   /* and its number among those that are copied */
} Keep;
/* Is this result of a structured node (0: all are) among what is kept?  NULL keeps everything. */
bool keeps_result(const Keep *keep, Ref structured, uint32_t j);
/* The same of a region's parameter: a carried value's, or a handle, goes with that result. */
bool keeps_param(const Keep *keep, const Prog *p, const Region *r, uint32_t j);
/* Operands from `first` on that belong to results kept; gives how many operands are left. */
uint32_t keep_args(const Keep *keep, const Prog *p, Ref old, Ref *arg, uint32_t first);
/* A region whose first parameters run over `extent`.  Its result j is result from + j of
 * `of` (0: all results are wanted). */
Region *copy_over(Copy *k, const Region *r, uint32_t n, const Ref *extent, Ref of, uint32_t from);

/* ---- drop.c ---- */

/* What is not kept leaves an erased program, where that stands; nodes stay as they are. */
void drop_rest(Prog *p, const Keep *keep);

/* ---- region.c ---- */

/* A parameter's hash, from its place. */
void hash_param(Node *n);
/* The list of what a structured node's regions mention outside, and the flags it has from them. */
void inherit(Prog *p, Node *n);
/* Makes room for as many parameters, nodes and results as another region has. */
void region_expect(Prog *p, Region *r, const Region *like);
/* Puts a region inside another. */
void region_place(Region *r, Region *parent);

/* Same structure; both belong to this program and to nodes of one place. */
bool region_same(Prog *p, const Region *a, const Region *b);
/* Gives a's nodes the stricter of both's flags; after region_same. */
void region_merge_flags(Prog *p, const Region *a, const Region *b);
/* What is put together by these combiners. */
LoopAttr *loop_attr(Prog *p, uint32_t nout, const Combiner *comb);
/* The free list that a structured node with these regions has to have. */
void region_free_list(Prog *p, uint32_t nregions, Region *const *regions, uint32_t *nfree,
                      Ref **free_refs);
/* Sorts and drops repetitions; gives the number left. */
uint32_t refs_unique(Ref *at, uint32_t n);
/* Does a node of this draft reach outside with an effect? */
bool node_is_pure(const Prog *p, const Node *n);

/* ---- lift.c ---- */

/* Is the draft (not structured) one that may fail where a loop around it does not run? */
bool node_may_fail(Prog *p, const Node *n);
/* Moves the nodes of a region that has ended and whose owner is about to be built, a loop,
 * to p->cur where they depend on nothing of the region. */
void lift_invariants(Prog *p, Region *body);
/* ---- nest.c ---- */

/* The body of a loop over *n indices that is about to be built, or, if something in it follows
 * from the first indices alone, that of a loop over these around one over the others. */
Region *nest_invariants(Prog *p, uint32_t *n, const Ref *extent, Region *body,
                        const Combiner *comb);
void hash_region(const Prog *p, Region *r);

/* ---- fold.c: exact rules; 0 where none applies ---- */
Ref fold_prim(Prog *p, uint32_t prim, const Ref *arg);
Ref fold_toreal(Prog *p, Ref a);
Ref fold_toint(Prog *p, Ref a);
Ref fold_stack(Prog *p, uint32_t n, const Ref *e);
Ref fold_read(Prog *p, Ref a, uint32_t n, const Ref *index, bool checked);
Ref fold_reshape(Prog *p, Ref a, const Type *t);
Ref fold_barrier(Prog *p, Op op, Ref x);
Ref fold_out(Prog *p, Ref structured, uint32_t k);

#endif
