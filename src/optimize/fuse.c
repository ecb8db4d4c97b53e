/* fuse.c - arrays that are only passed on are not made.
 *
 * Requires: barriers gone; reads that may fail are checked, all others not.  Steps, each
 * in a file of its own: nests of loops that build are one loop (nests.c); elements are
 * computed where they are read (inline.c); neighbouring loops become one (join.c), once
 * more for the loops that this brings together inside; as two reads in one loop are one
 * read then, this is done twice; equal carried values of folds become one (carries.c).
 * Maintains every value to the bit, every check and effect. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

enum { ROUNDS = 2 };

/* A step that finds nothing to do gives the program as it is. */
static Prog *step(Prog *p, Prog *(*run)(Prog *p)) {
  Prog *to = run(p);
  return to == p ? p : ir_sweep(to);
}

Prog *opt_fuse(Prog *p) {
  p = step(p, fuse_nests);
  for (int round = 0; round < ROUNDS; round++) {
    p = step(p, fuse_inline);
    p = step(p, fuse_join);
    p = step(p, fuse_join);
  }
  return step(p, fuse_carries);
}
