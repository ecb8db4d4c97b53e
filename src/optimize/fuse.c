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

enum { ROUNDS = 2, STEPS = 16 };  /* at most so many different steps */

/* A step that has found nothing to do is not asked again before another one has. */
typedef struct Steps {
  Prog *p;
  const Prog *given;
  uint32_t nidle;
  PassFn idle[STEPS];
} Steps;

static bool is_idle(const Steps *s, PassFn run) {
  for (uint32_t k = 0; k < s->nidle; k++)
    if (s->idle[k] == run) return true;
  return false;
}

/* Did the step find something to do? */
static bool step(Steps *s, PassFn run) {
  if (is_idle(s, run)) return false;
  const Prog *before = s->p;
  s->p = pass_run(s->p, s->given, run);
  if (s->p == before) return s->idle[s->nidle++] = run, false;
  s->p = pass_trim(s->p, s->given);
  s->nidle = 0;
  return true;
}

Prog *fuse_steps(Prog *p, const Prog *given) {
  Steps s = {.p = p, .given = given};
  step(&s, fuse_built);
  step(&s, fuse_nests);
  for (int round = 0; round < ROUNDS; round++) {
    step(&s, fuse_inline);
    if (!round) step(&s, opt_support);
    if (!round) step(&s, fuse_tabulate);
    step(&s, fuse_scopes);
    if (step(&s, fuse_join)) step(&s, fuse_join);
    step(&s, fuse_updates);
  }
  step(&s, fuse_carries);
  if (step(&s, fuse_keep)) step(&s, fuse_inline);   /* rows of what is kept */
  if (step(&s, fuse_keep_nested)) step(&s, fuse_inline);
  step(&s, fuse_totals);
  return s.p;
}

Prog *opt_fuse(Prog *p) {
  return fuse_steps(p, p);
}
