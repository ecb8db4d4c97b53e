/* private.h - what the files of the public library share.
 *
 *   ../gradc.c   contexts: loading texts, compiling, the passes in their order
 *   pool.c       memory that the host sees: blocks that go together
 *   notes.c      messages kept after a compilation is gone
 *   function.c   the compiled function: signature, places of checks
 *   shape.c      shapes as formulas over sizes: evaluated, and solved for their sizes
 *   late.c       results whose shape is known only while the function runs
 *   call.c       one call: arguments, results, running
 *
 * Every compilation has a Ctx of its own, made of the texts that the context holds and
 * freed at its end; what lasts is copied into pools.  So nothing grows, an error changes
 * nothing, and a function stands on its own. */
#ifndef GRADC_API_PRIVATE_H
#define GRADC_API_PRIVATE_H

#include <stdatomic.h>

#include "elaborate/elaborate.h"
#include "gradc.h"
#include "jit/run.h"

/* ---- pool.c ---------------------------------------------------------------- */

typedef struct Pool {
  AllocFn alloc;
  void *user;
  struct PoolBlock *blocks;
} Pool;

/* Zeroed and aligned for any type; NULL when out of memory. */
void *pool_take(Pool *p, size_t size);
void pool_free(Pool *p);
/* The same for use inside ctx_try: raises GC_NOMEM. */
void *pool_need(Ctx *c, Pool *p, size_t size);
const char *pool_text(Ctx *c, Pool *p, const char *s, size_t n);
#define POOL_NEED(c, p, T, n) ((T *)pool_need((c), (p), sizeof(T) * ((size_t)(n) + 1)))

/* ---- notes.c --------------------------------------------------------------- */

typedef struct Notes {
  Pool pool;
  gradc_note *note;
  size_t n;
  gradc_note first;       /* what gradc_message gives */
} Notes;

extern const gradc_note no_note;
void notes_clear(Notes *n);
/* Takes over what c has queued, after a step that ended with `status`. */
void notes_take(Notes *n, Ctx *c, int status);
/* One note without a place; `message` lives for ever. */
void notes_say(Notes *n, int code, const char *message);

/* ---- shape.c --------------------------------------------------------------- */

/* An int that shapes are made of: a variable (a size name or an int parameter), or an
 * operation of ints on earlier slots. */
typedef struct Slot {
  bool is_var, is_const;
  uint32_t var;           /* number of the variable */
  int64_t value;          /* of a constant */
  uint32_t prim, nargs, arg[3];
} Slot;
typedef struct Term { int64_t coef; uint32_t n; uint32_t *slot, *exp; } Term;
/* The sum of the terms divided by `den`, which is whole. */
typedef struct Formula { int64_t den; uint32_t n; Term *term; } Formula;

typedef struct Sizes {
  uint32_t nvars;
  uint32_t *param;        /* the root parameter of each variable */
  const char **name;
  uint32_t nslots;
  Slot *slot;             /* the operands of each come earlier */
} Sizes;

typedef struct Leaf {
  gradc_leaf pub;
  uint32_t param;         /* inputs: number of the root parameter */
  bool in_shapes;         /* inputs: an int that shapes are made of */
  uint32_t place;         /* results: number among those that the code is given a place for */
  Ref late;               /* results: the effect that hands it over instead, or 0 */
  Formula *dim;           /* NULL: late */
} Leaf;

/* Fills in sizes and formulas of a function's leaves; raises where a shape is not known
 * before the function runs. */
void shape_build(Ctx *c, struct gradc_function *f, Prog *p);
/* Values of all slots from those of the variables that are known. */
void shape_values(const Sizes *s, int64_t *value, bool *known);
/* The value of a formula, all of whose slots are known; false: not whole, or too large. */
bool shape_eval(const Formula *f, const int64_t *value, int64_t *result);
/* If the formula has one unknown variable, alone and linear, gives it the value with which
 * the formula is `result`; 1 found, 0 nothing to find, -1 no whole number does. */
int shape_solve(const Sizes *s, const Formula *f, int64_t result, int64_t *value, bool *known);

/* ---- late.c ---------------------------------------------------------------- */

/* Makes effects of the results of p, not yet optimized, whose shape comes only with the run:
 * they are no longer results of its root, but still of its signature. */
void late_results(Prog *p);
/* The effect of each late result, by its number; nothing is done to the others. */
void late_effects(const Prog *p, Ref *effect);

/* ---- function.c ------------------------------------------------------------ */

/* Where a check stands that can fail while the code runs. */
typedef struct Site {
  Ref ref;
  JitSite site;
  const char *file;
  uint32_t line, column;
} Site;

struct gradc_function {
  atomic_uint owners;
  Pool pool;              /* everything below, and this */
  void *machine;
  JitEntry entry;
  JitWork work;
  JitTier *tier;          /* GRADC_TIERS: a faster code, made when the function is hot */
  _Atomic uint64_t spent; /* nanoseconds in calls, until then */
  bool is_float;
  uint64_t memory, trips;
  uint32_t nparams;       /* of the root: sizes, then inputs */
  uint32_t ninputs, noutputs, nsites;
  Leaf *input, *output;
  Sizes sizes;
  Site *site;             /* by ref */
  const char *signature, *doc;
  bool flat;              /* real scalars in, reals out: gradc_eval */
};

/* The description of an optimized program; raises.  The code is put in afterwards. */
struct gradc_function *function_new(const gradc_context *g, Ctx *c, Prog *p);

/* ---- gradc.c --------------------------------------------------------------- */

typedef struct Text { struct Text *next; char *name, *text; size_t size; } Text;

struct gradc_context {
  AllocFn alloc;
  void *user;
  Limits limits;
  Options opt;
  uint64_t trips;
  bool tiers;
  Text *texts;
  Pool names;
  const char **name;
  size_t nnames;
  Notes notes;
  Pool texts_out;         /* of gradc_derivative and gradc_emit_c */
};

#endif
