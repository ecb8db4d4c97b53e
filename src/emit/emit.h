/* emit.h - from optimized IR to C99, and from unoptimized IR to the language again. */
#ifndef GRADC_EMIT_H
#define GRADC_EMIT_H

#include "ir/ir.h"

typedef struct EmitOptions {
  const char *prefix;      /* "model" */
  const char *source_name; /* for comments: "model.gc" */
  uint32_t max_stmts;      /* statements a chunk; 0: the default */
  bool trace;              /* keep traces, as printf */
} EmitOptions;

/* Files of C for a list of functions: the body and its header. */
void emit_c(Ctx *c, Prog *const *functions, uint32_t n, const EmitOptions *o, Buf *body, Buf *header);

/* The same body for the JIT, under its preamble of bare prototypes.  The entry is
 *   int NAME(const union gc_arg *in, void *const *out, void *work, void *host)
 * in: one for each parameter of the root (sizes and ints in .i, real scalars in .r (a
 * double in every mode), arrays in .p); out: a pointer for each result; work: as many bytes
 * as emit_jit tells through an expression function NAME_work(const union gc_arg *in).
 * Effects call gc_effect(host, node's Ref, leaves, count); a non-zero result returns at once.
 * Arrays of a size known only at run time come from gc_temp(host, bytes). */
void emit_jit(Prog *p, const char *name, Buf *text);

/* The program as text in the language (`gradc diff`): readable, reparsable, controls
 * that a further derivative could reach still in it. */
void emit_language(Prog *p, Buf *out, bool latex);

#endif
