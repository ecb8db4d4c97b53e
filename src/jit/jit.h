/* jit.h - from C text to a function that can be called. */
#ifndef GRADC_JIT_H
#define GRADC_JIT_H

#include "ir/ir.h"
#include "script/value.h"

typedef union JitArg { double r; int64_t i; const void *p; } JitArg;  /* gc_arg of emit.h */
/* A leaf of an effect: a scalar by value, or an array with its sizes. */
typedef struct JitLeaf { JitArg v; const int64_t *dim; } JitLeaf;

typedef struct Jit Jit;
/* Compiles p (optimized) with libtcc; the result lives until jit_free or, if `owned`,
 * until the innermost ctx_try ends. */
Jit *jit_tcc(Prog *p, bool owned);
/* The same, owned, for code that jit_take hands over: nothing of p is in it. */
Jit *jit_tcc_to_keep(Prog *p);
/* The same with the system's C compiler at -O3, cached by content; raises where there is
 * none. */
Jit *jit_cc(Prog *p, bool owned);
void jit_free(Jit *j);
/* Runs it once, with libtcc's code at first; where that takes long, with the system's
 * compiler's from some moment on: the same effects, the same bits.  As jit_call otherwise. */
Status jit_auto(Prog *p, const JitArg *in, void *const *out, Host *host);
/* Runs it.  in: one for each root parameter, out: one buffer for each result (may be NULL
 * when there are none).  Real arrays are double, or float under --real=float.  Workspace
 * is the function's own business.  GC_OK; GC_ERROR after a failed check (its message is
 * queued); GC_STOPPED; what the host's effects gave. */
Status jit_call(Jit *j, const JitArg *in, void *const *out, Host *host);

#endif
