/* pipeline.c - the passes in their order: from the program as elaborated, barriers in it,
 * to what emission takes.  Checking builds verify after each. */
#include "optimize/optimize.h"

#include <string.h>

typedef Prog *(*PassFn)(Prog *p);

static Prog *settle(Prog *p) {
  Prog *collected = opt_gather(p);
  Prog *to = opt_accumulate(collected);
  if (collected != p && to != collected) return prog_replace(collected, to);
  return to;
}

static const struct { const char *name; PassFn run; } passes[] = {
  {"erase", opt_erase},            /* differentiation is over */
  {"sweep", ir_sweep},
  {"simplify", opt_simplify},
  {"check", opt_bounds},           /* fusion asks which reads cannot fail */
  {"gather", opt_gather},
  {"accumulate", opt_accumulate},
  {"unroll", opt_unroll},
  {"settle", settle},              /* updates that were written out */
  {"fuse", opt_fuse},
  {"tidy", opt_simplify},          /* joined code has common parts */
  {"branches", opt_branches},
  {"reciprocals", opt_reciprocals},
  {"hoist", opt_hoist},
  {"twins", opt_twins},
  {"split", opt_split},
  {"bounds", opt_bounds},
  {"ranges", opt_ranges},
  {"flatten", opt_flatten},
  {"final", ir_sweep},
};

enum { PASSES = sizeof passes / sizeof *passes };

#ifdef GRADC_CHECKING
#define VERIFY(p, after) ir_verify((p), (after))
#else
#define VERIFY(p, after) ((void)0)
#endif

/* No name asks for all of them. */
static void show(const Dump *dump, const char *pass, Prog *p) {
  if (dump && dump->show && (!dump->pass || strcmp(dump->pass, pass) == 0))
    dump->show(dump->user, pass, p);
}

/* `given` is its owner's: it stays. */
static Prog *run_passes(Prog *p, const Prog *given, const Dump *dump) {
  show(dump, "ir", p);
  for (int k = 0; k < PASSES; k++) {
    Prog *next = passes[k].run(p);
    p = p == given ? next : prog_replace(p, next);
    VERIFY(p, passes[k].name);
    show(dump, passes[k].name, p);
  }
  return p;
}

Prog *optimize(Prog *p, const Dump *dump) {
  return run_passes(p, p, dump);
}

Prog *optimize_in_place(Prog *p, const Dump *dump) {
  return run_passes(p, NULL, dump);
}

const char *const *optimize_pass_names(void) {
  static const char *const names[] = {
    "ir", "erase", "sweep", "simplify", "check", "gather", "accumulate", "unroll",
    "settle", "fuse", "tidy", "branches", "reciprocals", "hoist", "twins", "split", "bounds",
    "ranges", "flatten", "final", NULL,
  };
  _Static_assert(sizeof names / sizeof *names == PASSES + 2, "a name for each pass");
  return names;
}

/* For people.  The barriers stay; joined loops and plain builds read better than what reverse
 * mode wrote. */
Prog *optimize_for_reading(Prog *p) {
  static const PassFn reading[] = {ir_sweep, opt_simplify, opt_bounds, opt_accumulate, opt_fuse,
                                   opt_simplify, ir_sweep};
  const Prog *given = p;
  for (size_t k = 0; k < sizeof reading / sizeof *reading; k++) {
    Prog *next = reading[k](p);
    p = p == given ? next : prog_replace(p, next);
    VERIFY(p, "reading");
  }
  return p;
}
