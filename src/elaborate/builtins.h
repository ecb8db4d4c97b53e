/* builtins.h - what the files behind the table of built-in functions share. */
#ifndef GRADC_BUILTINS_H
#define GRADC_BUILTINS_H

#include "elaborate/elab.h"

/* The parameters of Builtin.apply. */
#define APPLY_ARGS Elab *e, Scope *s, const Ast *call, const Val *const *arg, uint32_t n
typedef const Val *Apply(APPLY_ARGS);

/* ---- arguments (builtins_args.c) ---- */

/* "real[3, n]", of a type and of a node; the text is the context's. */
const char *type_words(Elab *e, const Type *t);
const char *node_type_text(Elab *e, Ref r);

/* Where argument k of a call stands; without a call, where elaboration is. */
Span arg_span(Elab *e, const Ast *call, uint32_t k);
/* The node of an argument: a scalar or an array; an error for tuples, functions, none. */
Ref arg_node(Elab *e, const Val *v, const char *what, Span at);
/* The same with at least one axis. */
Ref arg_array(Elab *e, const Val *v, const char *what, Span at);
/* bools as ints 0 and 1, element by element. */
Ref bools_to_ints(Elab *e, Ref r);
/* The argument `axis =` of a call as 0 .. rank-1; -1 where it is not given. */
int arg_axis(Elab *e, Scope *s, const Ast *call, uint32_t rank, const char *what);
/* x of an array's type t: itself where it has it, repeated where it is a scalar or has
 * axes of size 1; an error where it does not fit, a check in the running program where
 * the sizes cannot be compared yet. */
Ref spread(Elab *e, Ref x, const Type *t, const char *what, Span at);
/* The value of a size argument, or of every element of one that is a vector of ints of
 * known length, as shape(x) is; gives their number. */
uint32_t arg_sizes(Elab *e, const Ast *call, uint32_t from, const Val *const *arg, uint32_t n,
                   const char *what, Size *dim);

/* ---- loops over an index space (builtins_args.c) ---- */

/* Add the axes, open, build the element from `index`, close.  Without an axis there is
 * no loop and the element is the result. */
typedef struct Space {
  uint32_t n;
  Ref extent[MAX_RANK], index[MAX_RANK];
  Region *body;
} Space;
void space_axis(Elab *e, Space *sp, Size size);
void space_open(Elab *e, Space *sp);
Ref space_close(Elab *e, Space *sp, Ref element, Combiner comb);
/* Result axis k is x's axis axis[k]. */
Ref permute(Elab *e, Ref x, const uint32_t *axis);
/* The array's number of elements. */
Size element_count(Prog *p, const Type *t);

/* ---- rows: what each name of builtins.def does ---- */

#define BUILTIN(name, least, most, apply, lazy, named, doc, example) Apply apply;
#include "elaborate/builtins.def"
#undef BUILTIN

#endif
