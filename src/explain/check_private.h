/* check_private.h - what the files behind `gradc check` share.
 *
 *   check.c             the functions of a file, one after another, and the report
 *   check_target.c      a function as a program whose arguments are all typed
 *   check_points.c      random values inside its domain
 *   check_run.c         a program run at a point, interpreted and compiled
 *   check_orders.c      derivatives of order 1 and 2 against differences
 *   check_clip.c        the backward pass of a rule that is not linear, by its definition
 *   check_deviation.c   controlled minus true gradient, and which control it comes from
 *   check_rules.c       rules against the bodies of their functions
 *   check_lints.c       what is suspicious in the program as written
 *   check_asserts.c     asserts: proved, or tested at random points
 *
 * Everything is in one arena; a function is checked inside a ctx_try of its own. */
#ifndef GRADC_CHECK_PRIVATE_H
#define GRADC_CHECK_PRIVATE_H

#include "explain/check.h"

enum { CHECK_BITS = 160 };

/* ---- check.c ---- */

typedef struct Check {
  Ctx *c;
  Module *m;
  const CheckOptions *o;
  Host *host;
  CheckTotals *totals;
  uint64_t random;   /* state of the generator */
  const char *error; /* the first error of the last quiet run, or NULL */
  Span error_at;
} Check;

/* One line of the report. */
void check_line(Check *k, const char *fmt, ...) GC_PRINTF(2, 3);
/* Runs fn(arg); messages that it queues are dropped.  Gives what ctx_try gives. */
Status check_quietly(Check *k, void (*fn)(void *), void *arg);
/* "3e-11". */
const char *check_number(Ctx *c, double x);

/* ---- check_target.c ---- */

/* A real parameter of the function's program: a leaf of an argument. */
typedef struct CheckLeaf {
  const char *name;
  uint32_t param;
} CheckLeaf;
typedef struct CheckArg {
  const char *name;
  Span at;
  VEC(CheckLeaf) leaf;
} CheckArg;

typedef struct Target {
  Check *k;
  const char *name; /* as in the file */
  const char *call; /* a function with typed arguments that is the same */
  const char *how;  /* " with x: real[3]", "" where the file types them */
  const Ast *def;
  int64_t *sizes;      /* at hand, or NULL: symbolic */
  Prog *value;         /* the value, barriers in it */
  VEC(CheckArg) arg;   /* those with real leaves */
  VEC(Value *) point;  /* values for the parameters of `value` */
  const char *why_not; /* it could not be elaborated, or no point was found */
  const char *error;   /* what elaboration said first, or NULL */
  Span error_at;
} Target;

void check_target(Target *t, Check *k, const char *name);
/* A derivative of it with respect to one argument (without a name: to all; NULL: the value),
 * made anew. */
Prog *target_program(Target *t, DerivKind kind, const CheckArg *arg);

/* ---- check_points.c ---- */
void check_points(Target *t, uint32_t n);
double random_real(Check *k, double lo, double hi);
uint64_t random_bits(Check *k);
uint64_t elements_of(const Value *v);
/* Values for p, whose first parameters are the n of `in`; the others, all real, are drawn
 * between 0.5 and 1.5 with either sign. */
Value *point_extended(Check *k, const Value *in, uint32_t n, Prog *p);
/* Room for a value of the type; data is NULL where a size is not known. */
Value new_value(Check *k, const Prog *p, const Type *t, const Value *in);
/* A new real value of the type. */
Value random_value(Check *k, Prog *p, const Type *t, const Value *in, double lo, double hi);

/* ---- check_run.c ---- */
/* Results by the interpreter; NULL if it does not run there. */
Value *run_interpreted(Check *k, Prog *p, const Value *in, unsigned bits);
typedef struct Compiled Compiled;
Compiled *compiled_program(Check *k, Prog *p); /* optimizes; NULL: it has no compiled form */
Value *run_compiled(Check *k, Compiled *j, const Value *in);
/* Column k of the Jacobian of p with respect to a parameter; see interpret_difference. */
Status run_difference(Check *k, Prog *p, const Value *in, uint32_t param, uint64_t element,
                      Value *out);
static inline double real_at(const Value *v, uint64_t k) {
  return ((const double *)v->data)[k];
}

/* ---- check_orders.c ---- */

/* What came out for one argument. */
typedef struct Finding {
  uint32_t derivatives, failed;
  uint32_t kinks;      /* points left out */
  uint32_t compared;   /* points compared */
  bool nonlinear;      /* a rule without a forward mode is on the way */
  bool in_loop;        /* and it stands in a loop, where this check does not follow it */
  const char *why_not; /* nothing could be compared */
  double largest;
  VEC(const char *) wrong; /* a line each */
} Finding;

/* Many arguments that are checked as one. */
typedef struct Together {
  Finding *own;  /* by argument */
  uint32_t *arg; /* by leaf: its argument */
} Together;

/* One number against another.  size: of the terms it is summed from; slack: what rounding
 * may do to it.  False if they differ by more. */
bool finding_take(Finding *f, double got, double want, double size, double slack);
void finding_wrong(Target *t, Finding *f, const char *fmt, ...) GC_PRINTF(3, 4);
/* `all`: a is all arguments together, and what is found for one of them goes there; or NULL. */
void check_orders(Target *t, const CheckArg *a, Finding *f, const Together *all);

/* ---- check_clip.c ---- */
/* The gradient of results first .. first+n of p times `up`, by the definition: out[leaf] as
 * the leaf; false if it cannot be had (a rule in a loop). */
typedef struct ClipAsk {
  Prog *p;
  uint32_t first, n;
  const CheckLeaf *leaf;
  uint32_t nleaves;
} ClipAsk;
bool clip_gradient(Check *k, const ClipAsk *q, const Value *in, const Value *up, Value *out);

/* ---- check_deviation.c ---- */
/* The value with the barriers where keep(self, node) is false replaced by what they hide. */
Prog *program_keeping(Prog *p, bool (*keep)(void *self, const Node *n), void *self);
bool keep_all(void *self, const Node *n);
bool keep_none(void *self, const Node *n);
/* Adds the gradient of results times new parameters `up` to p, as its only results. */
void append_gradient(Target *t, Prog *p, const CheckArg *a);
/* "; deviates from …" or "" */
const char *check_deviation(Target *t, const CheckArg *a);
/* The same for each of many arguments; causes are those of all. */
const char **check_deviations(Target *t, const CheckArg *every, const Together *all);

/* ---- check_rules.c, check_lints.c, check_asserts.c ---- */
void check_rules(Target *t);
void check_lints(Target *t);
void check_asserts(Check *k);

#endif
