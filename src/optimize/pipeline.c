/* pipeline.c - the passes in their order: from the program as elaborated, barriers in it,
 * to what emission takes.  Checking builds verify after each. */
#include "optimize/optimize.h"
#include "optimize/passes.h"

#include <string.h>

typedef struct Pass {
  const char *name;
  PassFn run;                                  /* or, of passes in several: */
  Prog *(*steps)(Prog *p, const Prog *given);
} Pass;

static Prog *settle_steps(Prog *p, const Prog *given) {
  return accumulate_steps(pass_run(p, given, opt_gather), given);
}

static Prog *check_steps(Prog *p, const Prog *given) {
  return pass_run(pass_run(p, given, opt_checks), given, opt_bounds);
}

static const Pass passes[] = {
  {"erase", opt_erase, NULL},         /* differentiation is over */
  {"sweep", NULL, pass_trim},
  {"simplify", NULL, simplify_steps},
  {"check", NULL, check_steps},       /* fusion asks which reads and loops cannot fail */
  {"support", opt_support, NULL},     /* while updates still stand where they belong */
  {"defer", opt_defer, NULL},
  {"gather", opt_gather, NULL},
  {"accumulate", NULL, accumulate_steps},
  {"unroll", opt_unroll, NULL},
  {"settle", NULL, settle_steps},     /* updates that were written out */
  {"fuse", NULL, fuse_steps},
  {"tidy", NULL, simplify_steps},     /* joined code has common parts */
  {"branches", opt_branches, NULL},
  {"reciprocals", opt_reciprocals, NULL},
  {"hoist", NULL, hoist_steps},
  {"twins", opt_twins, NULL},
  {"split", opt_split, NULL},
  {"bounds", opt_bounds, NULL},
  {"ranges", opt_ranges, NULL},
  {"flatten", opt_flatten, NULL},
  {"saved", opt_saved, NULL},
  {"final", opt_final, NULL},
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

Prog *pass_run(Prog *p, const Prog *given, PassFn run) {
  Ctx *c = p->ctx;
  Zone *own = zone_new(c), *before = zone_enter(c, own);
  Prog *next = run(p);
  zone_enter(c, before);
  zone_free(c, own);
  return p == given ? next : prog_replace(p, next);
}

Prog *pass_trim(Prog *p, const Prog *given) {
  return pass_run(p, given, p == given ? ir_sweep : ir_trim_here);
}

static Prog *pass(Prog *p, const Prog *given, const Pass *x) {
  return x->run ? pass_run(p, given, x->run) : x->steps(p, given);
}

static Prog *run_passes(Prog *p, const Prog *given, const Dump *dump) {
  show(dump, "ir", p);
  for (int k = 0; k < PASSES; k++) {
    p = pass(p, given, &passes[k]);
    VERIFY(p, passes[k].name);
    show(dump, passes[k].name, p);
  }
  return p;
}

Prog *optimize(Prog *p, const Dump *dump) {
  return run_passes(p, p, dump);
}

Prog *optimize_in_place(Prog *p, const Dump *dump) {
  p->ctx->explain = NULL; /* elaboration is over, and its program goes */
  return run_passes(p, NULL, dump);
}

const char *const *optimize_pass_names(void) {
  static const char *const names[] = {
    "ir", "erase", "sweep", "simplify", "check", "support", "defer", "gather", "accumulate",
    "unroll", "settle", "fuse", "tidy", "branches", "reciprocals", "hoist", "twins", "split", "bounds",
    "ranges", "flatten", "saved", "final", NULL,
  };
  _Static_assert(sizeof names / sizeof *names == PASSES + 2, "a name for each pass");
  return names;
}

/* For people.  The barriers stay; joined loops and plain builds read better than what reverse
 * mode wrote. */
Prog *optimize_for_reading(Prog *p) {
  static const Pass reading[] = {
    {"sweep", ir_sweep, NULL}, {"simplify", NULL, simplify_steps}, {"check", opt_bounds, NULL},
    {"accumulate", NULL, accumulate_steps}, {"fuse", NULL, fuse_steps},
    {"tidy", NULL, simplify_steps}, {"final", ir_sweep, NULL},
  };
  const Prog *given = p;
  for (size_t k = 0; k < sizeof reading / sizeof *reading; k++) {
    p = pass(p, given, &reading[k]);
    VERIFY(p, "reading");
  }
  return p;
}
