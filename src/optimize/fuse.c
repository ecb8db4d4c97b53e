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
 * that costs less (keep.c); what all rounds add to one place is added behind them (totals.c).
 * Maintains every value to the bit, but for the order in which accumulators add; every check
 * and effect. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

enum { ROUNDS = 2 };

/* Did the step find something to do? */
static bool step(Prog **p, const Prog *given, PassFn run) {
  const Prog *before = *p;
  *p = pass_run(*p, given, run);
  if (*p == before) return false;
  *p = pass_trim(*p, given);
  return true;
}

Prog *fuse_steps(Prog *p, const Prog *given) {
  step(&p, given, fuse_built);
  step(&p, given, fuse_nests);
  for (int round = 0; round < ROUNDS; round++) {
    step(&p, given, fuse_inline);
    if (!round) step(&p, given, opt_support);
    if (!round) step(&p, given, fuse_tabulate);
    step(&p, given, fuse_scopes);
    if (step(&p, given, fuse_join)) step(&p, given, fuse_join);
    step(&p, given, fuse_updates);
  }
  step(&p, given, fuse_carries);
  if (step(&p, given, fuse_keep)) step(&p, given, fuse_inline);   /* rows of what is kept */
  if (step(&p, given, fuse_keep_nested)) step(&p, given, fuse_inline);
  step(&p, given, fuse_totals);
  return p;
}

Prog *opt_fuse(Prog *p) {
  return fuse_steps(p, p);
}
