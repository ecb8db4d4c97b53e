/* verbatim.c - copies of nodes as they are.
 *
 * Where a program only loses nodes and results, the constructors would infer, fold and look up
 * what is known already.  Requires an erased program without choices on constants, and a fold that
 * is to become a loop in none (see ir_trim).  Numbers, types, flags and hashes come out as the
 * constructors would make them. */
#include "ir/private.h"

static Ref image(void *copy, Ref old) {
  return copy_ref(copy, old);
}

static const Type *type_of(Copy *k, const Type *old) {
  if (!old) return NULL;
  if (old->rank == 0 && !old->acc) return type_scalar(k->to, old->elem);
  Verbatim *v = k->verbatim;
  size_t at = (uintptr_t)old / sizeof(void *) * 2 % (sizeof v->type / sizeof *v->type);
  if (v->type[at].old != old) {
    v->type[at].old = old;
    v->type[at].copy = type_map(k->to, old, image, k);
  }
  return v->type[at].copy;
}

/* The node itself; what it points to is still the old program's. */
static Node draft_of(const Node *n) {
  Node d = *n;
  d.flags &= (uint16_t)~NODE_STAYS; /* node_append finds out again */
  d.call = NULL;
  if (d.op == IR_CONST) d.name = NULL;
  return d;
}

/* ---- nodes without regions -------------------------------------------------- */

/* The copies of the operands; are they of the same structure as the operands were? */
static bool copy_operands(Copy *k, const Node *n, Ref *arg) {
  bool same = true;
  for (uint32_t j = 0; j < n->nargs; j++) {
    arg[j] = copy_ref(k, n->arg[j]);
    same &= ir_node(k->to, arg[j])->hash == ir_node(k->from, n->arg[j])->hash;
  }
  return same;
}

static Ref copy_plain(Copy *k, Ref old) {
  const Node *n = ir_node(k->from, old);
  Ref few[MAX_RANK + 2];
  Node d = draft_of(n);
  d.arg = n->nargs <= MAX_RANK + 2 ? few : NEWN(k->to->ctx, Ref, n->nargs);
  bool same = copy_operands(k, n, d.arg) && n->op != IR_PROJ;
  d.type = type_of(k, n->type);
  if (n->op == IR_PROJ) d.aux.i = k->keep->number[k->keep->first[n->arg[0]] + n->aux.i];
  if (!same) hash_node(k->to, &d);
  return node_append(k->to, &d);
}

/* ---- structured nodes ------------------------------------------------------- */

/* Results that are left, with their types; WHILE always tells how many trips it took. */
static void copy_results(Copy *k, Ref old, Node *d) {
  const Node *n = ir_node(k->from, old);
  d->result_type = PROG_NEWN(k->to, const Type *, room_for(n->nresults));
  d->nresults = 0;
  for (uint32_t j = 0; j < n->nresults; j++)
    if (keeps_result(k->keep, old, j) || (n->op == IR_WHILE && j + 1 == n->nresults))
      d->result_type[d->nresults++] = type_of(k, n->result_type[j]);
}

static void copy_outputs(Copy *k, Ref old, Node *d) {
  const Node *n = ir_node(k->from, old);
  const LoopAttr *a = n->aux.loop;
  d->aux.loop = zone_alloc(k->to->ctx, k->to->zone, sizeof *a + sizeof(Combiner) * room_for(a->nout));
  LoopAttr *mine = d->aux.loop;
  mine->comb = (Combiner *)(mine + 1);
  for (uint32_t j = 0; j < a->nout; j++)
    if (keeps_result(k->keep, old, n->nresults - a->nout + j)) mine->comb[mine->nout++] = a->comb[j];
}

/* The regions; `arg` are the copies of all operands. */
static void copy_regions(Copy *k, Ref old, const Ref *arg, Region **regions) {
  const Node *n = ir_node(k->from, old);
  uint32_t nextents = n->op == IR_LOOP ? n->nargs : n->op == IR_FOLD;
  for (uint32_t j = 0; j < n->nregions; j++) {
    bool condition = n->op == IR_WHILE && j == 0;
    regions[j] = copy_over(k, n->regions[j], nextents, arg, condition ? 0 : old,
                           n->op == IR_ACCUM ? n->nargs : 0);
  }
}

static uint32_t operands_left(Copy *k, Ref old, Ref *arg) {
  const Node *n = ir_node(k->from, old);
  switch ((Op)n->op) {
  case IR_FOLD: case IR_WHILE: return keep_args(k->keep, k->from, old, arg, 1);
  case IR_ACCUM: return keep_args(k->keep, k->from, old, arg, 0);
  default: return n->nargs;
  }
}

static Ref copy_with_regions(Copy *k, Ref old) {
  const Node *n = ir_node(k->from, old);
  Node d = draft_of(n);
  Region *regions[2];
  Ref few[MAX_RANK + 2];
  d.arg = n->nargs <= MAX_RANK + 2 ? few : NEWN(k->to->ctx, Ref, n->nargs);
  for (uint32_t j = 0; j < n->nargs; j++)
    d.arg[j] = k->keep->live[n->arg[j]] ? copy_ref(k, n->arg[j]) : 0;
  copy_regions(k, old, d.arg, regions);
  copy_results(k, old, &d);
  if (n->op == IR_LOOP || n->op == IR_FOLD) copy_outputs(k, old, &d);
  d.nargs = operands_left(k, old, d.arg);
  return region_owner(k->to, &d, n->nregions, regions);
}

Ref copy_verbatim(Copy *k, Ref old) {
  Ref r = ir_node(k->from, old)->nregions ? copy_with_regions(k, old) : copy_plain(k, old);
  copy_set(k, old, r);
  return r;
}
