/* elab.h - what the files of this room share with the built-ins.
 *
 *   module.c     items of files, imports, constants
 *   resolve.c    lexical scopes before elaboration: free names, differentiated names
 *   scope.c      names
 *   values.c     values: leaves, conversions, texts of types
 *   types.c      type expressions, size matching
 *   expr.c       the walk over expressions (a stack, not recursion)
 *   operators.c  operators and scalar functions, broadcasting; matmul.c
 *   index.c      subscripts, slices, gathers; update.c: with
 *   comprehension.c  [e for …] and sum(e for …)
 *   control.c    if, blocks, patterns; fold.c: fold, scan, loop
 *   call.c       functions, lambdas, inlining, the memory of calls; rules.c: custom rules
 *   text.c       print, trace, assert
 *   script.c     script items; function.c: whole functions as programs
 *   builtins.c   the table of built-in functions
 *   builtins_{args,array,axis,join}.c, controls.c   what its rows do
 *   prelude.c    elab_prelude: functions written in the language, read on demand
 *   derivatives.c, jacobian.c   grad, jvp, vjp, jacobian, hessian, hvp, primes
 *   derivative_calls.c   the same as they are called
 */
#ifndef GRADC_ELAB_H
#define GRADC_ELAB_H

#include "elaborate/elaborate.h"

typedef struct Elab Elab;
typedef struct Scope Scope;
typedef struct Func Func;
typedef struct Val Val;

/* A value of the language while elaborating.  Immutable. */
typedef enum ValKind { VAL_NODE, VAL_NONE, VAL_TUPLE, VAL_RECORD, VAL_FUNC } ValKind;
struct Val {
  ValKind kind;
  Ref ref;                /* NODE */
  const char *why;        /* NONE: what cut the paths, for the warning */
  uint32_t n;             /* TUPLE, RECORD */
  uint32_t depth;         /* of tuples and records in one another; limited like nesting */
  const Val **kid;
  const char **field;     /* RECORD: names, in order of the type */
  const Func *func;       /* FUNC */
};

/* A function value: a module's function, a built-in, or `x -> e` with its scope. */
struct Func {
  const char *name;
  const Ast *def;         /* AST_FUNCTION or AST_LAMBDA; NULL: built-in */
  Scope *scope;           /* LAMBDA: what it closes over */
  const struct Builtin *builtin;
  const Module *home;     /* FUNCTION: whose names it sees; NULL: e->m's */
  const Func *base;       /* f' as a value: the function, and the number of primes */
  uint32_t primes;
};

struct Elab {
  Ctx *c;
  Module *m;
  Prog *p;
  uint32_t depth;         /* of calls and regions; checked against limits.depth */
  Module *prelude;        /* what prelude.c has read so far; NULL at first */
  struct ElabState *st;   /* the core's own: private.h */
};

/* A built-in function: one row of the table in builtins.c. */
typedef struct Arg { const Val *v; const Ast *ast; } Arg;  /* v NULL where lazy */
typedef struct Builtin {
  const char *name;
  int min_args, max_args;  /* positional; max -1: any number */
  /* Given the call's AST, the values of the positional arguments (already elaborated
   * unless `lazy`), and the scope for named and lazy ones. */
  const Val *(*apply)(Elab *e, Scope *s, const Ast *call, const Val *const *arg, uint32_t n);
  bool lazy;               /* arguments are handed over as syntax: grad, jacobian… */
  const char *named;       /* named arguments it takes: "axis", "stop", or NULL */
  const char *doc, *example;
} Builtin;
const Builtin *builtin_find(const char *name);
/* All of their names, for suggestions; returns how many. */
uint32_t builtin_names(const char *const **names);
/* `sum(e for …)` and its kin never reach apply: comprehension.c takes them by the name of
 * the built-in (sum prod max min mean any all argmax argmin logsumexp).  It calls
 * logsumexp's apply with one array of rank 1. */

/* ---- values ---- */
const Val *val_node(Elab *e, Ref r);
const Val *val_none(Elab *e, const char *why);
const Val *val_tuple(Elab *e, uint32_t n, const Val *const *kid);
const Val *val_record(Elab *e, uint32_t n, const char *const *field, const Val *const *kid);
/* Leaves of a value in order (NONE leaves too), and the value rebuilt on other leaves. */
uint32_t val_leaves(Elab *e, const Val *v, const Val ***leaves);
const Val *val_rebuild(Elab *e, const Val *like, const Val *const *leaves);
const Shape *val_shape(Elab *e, const Val *v);
bool val_is_scalar(Elab *e, const Val *v);
/* The node of v as a real / int / bool scalar or array; NONE counts as zeros of `like`'s
 * type (or scalar 0); an error at `at` otherwise.  ints become reals where asked. */
Ref val_real(Elab *e, const Val *v, Span at);
Ref val_int(Elab *e, const Val *v, Span at);
Ref val_bool(Elab *e, const Val *v, Span at);
const char *val_type_text(Elab *e, const Val *v);   /* "real[3, n]", for messages */

/* ---- expressions ---- */
const Val *elab_expr(Elab *e, Scope *s, const Ast *a);
Ref elab_scalar_int(Elab *e, Scope *s, const Ast *a);
/* Applies a function value to argument values (inlining). */
const Val *elab_apply(Elab *e, const Val *f, const Val *const *arg, uint32_t n, Span at);
/* A function of the prelude (runtime/prelude.gc), by name. */
const Val *elab_prelude(Elab *e, const char *name, const Val *const *arg, uint32_t n, Span at);
/* Binary and unary operators on values: broadcasting, records field by field,
 * int -> real. */
const Val *elab_binary(Elab *e, AstOp op, const Val *a, const Val *b, Span at);
const Val *elab_unary(Elab *e, AstOp op, const Val *a, Span at);
/* A scalar primitive mapped over arrays and records with broadcasting. */
const Val *elab_prim(Elab *e, uint32_t prim, const Val *const *arg, uint32_t n, Span at);
/* The named argument of a call, or NULL. */
const Ast *call_named(const Ast *call, const char *name);
const Val *elab_matmul(Elab *e, const Val *a, const Val *b, Span at);

/* ---- scope ---- */
Scope *scope_new(Elab *e, Scope *outer);
void scope_bind(Elab *e, Scope *s, const char *name, Span at, const Val *v);
const Val *scope_find(Elab *e, Scope *s, const char *name);  /* NULL: unknown */
/* Replaces what a visible name stands for, in the scope where it is bound. */
void scope_rebind(Elab *e, Scope *s, const char *name, const Val *v);
_Noreturn void unknown_name(Elab *e, Scope *s, const char *name, Span at);

/* A name that some derivative operator in its scope differentiates with respect to gets
 * a VAR node of its own for every real leaf at its binding; ints become real. */
const Val *val_vars(Elab *e, const Val *v);

/* ---- regions and sizes ---- */
/* Depth of calls and regions: enter before recursing, leave after. */
void elab_enter(Elab *e, Span at);
void elab_leave(Elab *e);
/* The size an int node stands for, and an int node for a size. */
Size size_of(Elab *e, Ref int_node);
Ref size_ref(Elab *e, Size s);
/* The common size of two axes: an error if they provably differ, a check at run time
 * if they may; `what` names them in the message ("the operands of `+`"). */
Size sizes_agree(Elab *e, Size a, Size b, Span at, const char *what);
/* A check at run time, or an error at once where the condition is constant. */
void elab_check(Elab *e, Ref cond, Span at, const char *fmt, ...) GC_PRINTF(4, 5);
/* Tells IR building that `index` (a parameter of a loop's region) runs below `extent`:
 * reads by it need no check. */
void index_extent(Elab *e, Ref index, Size extent);
bool index_in_range(Elab *e, Ref index, Size size);
/* A[i, …] with scalar ints, negative constants as written (no counting from the end);
 * a constant out of range is an error at `at`. */
Ref elab_read(Elab *e, Ref a, uint32_t n, const Ref *index, Span at);
const Val *elab_transpose(Elab *e, const Val *a, Span at);
/* Both nodes (scalars or arrays of one rank) with one element type; ints become real. */
Ref node_to_real(Elab *e, Ref r);
/* Two values made alike, leaf by leaf (int -> real, none -> zeros); sizes must agree. */
void vals_unify(Elab *e, const Val **a, const Val **b, Span at, const char *what);

/* ---- derivatives (derivatives.c) ----
 * Values in, values out; x (and held) are values whose real leaves are VAR nodes.  A leaf
 * that is not reached is NONE with its reason; none of them warns (val_warn_none does).
 * grad: shaped as x; y must be a scalar.  vjp: u shaped as y; result as x.  jvp: dx shaped
 * as x; result as y.  jacobian: shaped as y then x.  hessian: as x then x.  hvp: as x. */
void deriv_need_scalar(Elab *e, const Val *y, const char *what, Span at);
const Val *deriv_grad(Elab *e, const Val *y, const Val *x, uint32_t nheld,
                      const Val *const *held, Span at);
const Val *deriv_vjp(Elab *e, const Val *y, const Val *x, const Val *u, uint32_t nheld,
                     const Val *const *held, Span at);
const Val *deriv_jvp(Elab *e, const Val *y, const Val *x, const Val *dx, uint32_t nheld,
                     const Val *const *held, Span at);
const Val *deriv_jacobian(Elab *e, const Val *y, const Val *x, uint32_t nheld,
                          const Val *const *held, Span at);
const Val *deriv_hessian(Elab *e, const Val *y, const Val *x, uint32_t nheld,
                         const Val *const *held, Span at);
const Val *deriv_hvp(Elab *e, const Val *y, const Val *x, const Val *v, uint32_t nheld,
                     const Val *const *held, Span at);
/* f'(x), f''(x), … by the number of primes; f of one argument. */
const Val *deriv_prime(Elab *e, const Val *f, uint32_t order, const Val *x, Span at);
/* Queues the warning "none" for every NONE leaf of what `what` ("grad") gave. */
void val_warn_none(Elab *e, const char *what, const Val *v, Span at);

#endif
