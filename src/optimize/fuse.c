/* fuse.c - arrays that are only passed on are not made.
 *
 * Requires: barriers gone; reads that may fail are checked, all others not.  Steps, each
 * in a file of its own: arrays that a fold writes row by row are built (built.c); nests of
 * loops that build are one loop (nests.c); elements are computed where they are read
 * (inline.c); what a nest repeats for nothing is put into a
 * table in front of it (tabulate.c); accumulators' scopes take in the loops that share
 * work with theirs (scopes.c); neighbouring loops become one (join.c), once more for the
 * loops that this brings together inside; what then adds to one element twice adds once
 * (updates.c); as two reads in one loop are one read then, this is done twice; equal carried
 * values of folds become one (carries.c); what a later loop would compute again is kept where
 * that costs less (keep.c).
 * Maintains every value to the bit, but for the order in which accumulators add; every check
 * and effect. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

enum { ROUNDS = 2 };

/* A step that finds nothing to do gives the program as it is.  What was given to the pass
 * itself is its owner's and stays. */
static Prog *step(const Prog *given, Prog *p, Prog *(*run)(Prog *p)) {
  Prog *to = run(p);
  if (to == p) return p;
  Prog *next = prog_replace(to, ir_sweep(to));
  return p == given ? next : prog_replace(p, next);
}

Prog *opt_fuse(Prog *p) {
  const Prog *given = p;
  p = step(given, p, fuse_built);
  p = step(given, p, fuse_nests);
  for (int round = 0; round < ROUNDS; round++) {
    p = step(given, p, fuse_inline);
    if (!round) p = step(given, p, fuse_tabulate);
    p = step(given, p, fuse_scopes);
    p = step(given, p, fuse_join);
    p = step(given, p, fuse_join);
    p = step(given, p, fuse_updates);
  }
  p = step(given, p, fuse_carries);
  Prog *before = p;
  p = step(given, p, fuse_keep);
  if (p != before) p = step(given, p, fuse_inline);   /* rows of what is kept */
  before = p;
  p = step(given, p, fuse_keep_nested);
  return p == before ? p : step(given, p, fuse_inline);
}
