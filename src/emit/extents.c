/* extents.c - compiled C asks of every array that its size be known from the arguments:
 * a polynomial in size names and int parameters (an index of a loop around is bounded by
 * the loop's extent).  `run` and the library allocate where that is not so; compiled C
 * cannot, and names the array. */
#include "emit/private.h"

static bool has_known_sizes(const bool *known, const Type *t) {
  for (uint32_t k = 0; t && k < t->rank; k++)
    for (uint32_t i = 0; i < t->dim[k]->n; i++)
      for (uint32_t j = 0; j < t->dim[k]->mono[i].n; j++)
        if (!known[t->dim[k]->mono[i].atom[j]]) return false;
  return true;
}

_Noreturn void fail_unknown_size(const Prog *p, const Node *n) {
  bool named = n->name != NULL;
  fail_at(p->ctx, n->pos, "make it a polynomial of size names and int parameters (run allocates at run time)",
          "the size of %s%s%s is known at run time only, so compiled C has no place for it",
          named ? "'" : "", named ? n->name : "this array", named ? "'" : "");
}

void refuse_run_time_sizes(const Prog *p) {
  const bool *known = type_early_ints(p, true);
  for (Ref r = 1; r < p->nnodes; r++)
    if (!has_known_sizes(known, ir_type(p, r))) fail_unknown_size(p, ir_node(p, r));
}
