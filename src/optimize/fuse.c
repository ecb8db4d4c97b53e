/* fuse.c - arrays that are only passed on are not made.
 *
 * Requires: barriers gone; reads that may fail are checked, all others not.  Steps, each
 * in a file of its own: nests of loops that build are one loop (nests.c); elements are
 * computed where they are read (inline.c); neighbouring loops become one (join.c), once
 * more for the loops that this brings together inside; as two reads in one loop are one
 * read then, this is done twice; equal carried values of folds become one (carries.c).  Maintains every value to the bit, every check and effect. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

enum { ROUNDS = 2 };

Prog *opt_fuse(Prog *p) {
  p = ir_sweep(fuse_nests(p));
  for (int round = 0; round < ROUNDS; round++) {
    p = ir_sweep(fuse_inline(p));
    p = fuse_join(p);
    p = ir_sweep(fuse_join(p));
  }
  return ir_sweep(fuse_carries(p));
}
