/* elaborate.h - from syntax tree to IR: names, types, sizes.  Calls are inlined (and
 * remembered by function and arguments), tuples and records taken apart, derivative
 * operators expanded by differentiate/. */
#ifndef GRADC_ELABORATE_H
#define GRADC_ELABORATE_H

#include "ir/ir.h"
#include "syntax/syntax.h"

typedef struct Module Module;

/* Collects the items of parsed files: functions, rules, types, constants, inputs,
 * script.  Imports are read and parsed as they are met (if the context's options
 * allow).  A later function of the same name is an error unless `replace`. */
Module *module_new(Ctx *c);
void module_add(Module *m, Ast *file, bool replace);
/* For a session: what has been added so far is kept for its definitions, bindings and
 * inputs alone; its statements and the traces of its bindings are not run again. */
void module_mute(Module *m);
/* For a session: the values that this item binds, functions aside, go to Host.bound. */
void module_capture(Module *m, const Ast *item);

/* A value of a script's input, as the command line or the host set it. */
typedef struct InputValue {
  const char *name;       /* "X", or "p.W" for a field */
  Elem elem;
  uint32_t rank;
  int64_t dim[MAX_RANK];
  const void *data;       /* double[] or int64_t[] (bool as 0 and 1) */
  bool used;              /* set when an input took it: an unknown name is an error */
} InputValue;

/* The script as one program without parameters but for its inputs: PRINT, ASSERT and
 * TRACE in order.  Inputs' values are parameters of the root (so that nothing is folded
 * away); their sizes are constants. */
Prog *elaborate_script(Module *m, InputValue *inputs, uint32_t ninputs);

/* What `compile` and the library ask of a function. */
typedef enum DerivKind {
  DERIV_VALUE, DERIV_GRAD, DERIV_VJP, DERIV_JVP, DERIV_JACOBIAN, DERIV_HESSIAN, DERIV_HVP
} DerivKind;
/* The value of a size name; `used` is set where a function has such a size. */
typedef struct SizeValue { const char *name; int64_t n; bool used; } SizeValue;
typedef struct Request {
  const char *function;
  DerivKind kind;
  const char **wrt;       /* parameter names, "p.W" for a field; n of them */
  uint32_t nwrt;
  int64_t *sizes;         /* sizes at hand by the order of size names, or NULL: symbolic */
  uint32_t nsizes;
  SizeValue *named;       /* the same by their names, which are interned; n of them */
  uint32_t nnamed;
} Request;

/* One function, every parameter typed (else an error), as a program: size names
 * first, then parameters flattened; results: for GRAD the value, then one gradient for
 * each leaf of each wrt (zeros for `none`, with a warning); VJP takes the cotangents of
 * the results after the inputs, JVP and HVP the tangents; Sig filled in. */
Prog *elaborate_function(Module *m, const Request *q);

/* `diff`: the derivative of order `order` of a function (or of an expression over free
 * scalar names, function NULL) as a program whose barriers are still in it. */
Prog *elaborate_diff(Module *m, const char *function, Ast *expression,
                     const char **wrt, uint32_t nwrt, uint32_t order);

uint32_t module_functions(const Module *m, const char ***names);
bool module_function_typed(const Module *m, const char *name); /* all parameters typed */
const Ast *module_function(const Module *m, const char *name); /* its FUNCTION item, or NULL */

/* The built-in functions one by one, for help, completion and the manual: name, one line,
 * an example (NULL for a scalar function); false past the last. */
bool builtin_doc(uint32_t k, const char **name, const char **doc, const char **example);

#endif
