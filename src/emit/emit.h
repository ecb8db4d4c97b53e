/* emit.h - from optimized IR to C99, and from unoptimized IR to the language again. */
#ifndef GRADC_EMIT_H
#define GRADC_EMIT_H

#include "ir/ir.h"

/* The elements of a leaf: reals as double, ints and bools as int64_t. */
typedef struct EmitValue { uint64_t n; const double *r; const int64_t *i; } EmitValue;

/* A call whose results are known, for a self-test: a value for each parameter and each
 * result of the root, and how far each result may be off. */
typedef struct EmitCase {
  const EmitValue *in, *out;
  const double *tolerance;
} EmitCase;

/* What a program is for CasADi: the function itself, or a derivative of one with `nin`
 * inputs and `nout` results of its own. */
typedef enum CasadiRole {
  CASADI_VALUE,
  CASADI_FORWARD,
  CASADI_ADJOINT,
  CASADI_JACOBIAN
} CasadiRole;

/* What is known of a function beside its program. */
typedef struct EmitFunction {
  Span definition;         /* of the function or the one it is a derivative of; file 0: none */
  const EmitCase *test;    /* or NULL */
  CasadiRole role;
  const char *base;        /* CasADi: the name of the function itself */
  uint32_t nin, nout;
} EmitFunction;

/* What a function costs (report.c): polynomials over its sizes, counted on the program. */
enum { EMIT_ADDITIONS, EMIT_MULTIPLICATIONS, EMIT_DIVISIONS, EMIT_FUNCTIONS, EMIT_COMPARISONS,
       EMIT_COUNTS };
typedef struct EmitReport {
  const Prog *p;           /* whose sizes they are over */
  const char *name;        /* of the C function */
  Size count[EMIT_COUNTS]; /* operations on reals */
  Size moved, workspace;   /* bytes */
  uint64_t sums;           /* for some sizes, at most so many bytes of workspace more */
  uint64_t stack;          /* at most so many bytes */
} EmitReport;

typedef struct EmitOptions {
  const char *prefix;      /* "model" */
  const char *source_name; /* for comments: "model.gc" */
  const char *header_name; /* for --main: "model.h" */
  uint32_t max_stmts;      /* statements a chunk; 0: the default */
  bool trace;              /* keep traces, as printf */
  bool single;             /* everything in the header, as static inline functions */
  bool wrapper;            /* a struct a function that owns its workspace */
  bool selftest;           /* PREFIX_selftest, of the functions' `test` */
  bool casadi;             /* CasADi's interface; all sizes are literal */
  bool openmp, blas;
  Buf *program;            /* --main: a file of its own, or NULL */
  const EmitFunction *function;  /* for each program, or NULL */
  EmitReport *report;      /* the same; filled in */
} EmitOptions;

/* Files of C for a list of functions: the body (none where `single`) and its header. */
void emit_c(Ctx *c, Prog *const *functions, uint32_t n, const EmitOptions *o, Buf *body,
            Buf *header);

/* The same body for the JIT, under its preamble of bare prototypes.  The entry is
 *   int NAME(const union gc_arg *in, void *const *out, void *work, void *host)
 * in: one for each parameter of the root (sizes and ints in .i, real scalars in .r (a
 * double in every mode), arrays in .p); out: a pointer for each result; work: as many bytes
 * as emit_jit tells through an expression function NAME_work(const union gc_arg *in).
 * Effects call gc_effect(host, node's Ref, leaves, count); a non-zero result returns at once.
 * Arrays of a size known only at run time come from gc_temp(host, bytes).
 * Constant arrays are named by their address in this process, or written out if the text has
 * to do without the program. */
typedef enum JitText {
  JIT_TEXT_HERE,       /* for libtcc, run while the program is there */
  JIT_TEXT_KEPT,       /* for libtcc, and the code outlives the program */
  JIT_TEXT_STANDALONE  /* for another compiler */
} JitText;
void emit_jit(Prog *p, const char *name, JitText kind, Buf *text);

/* The functions of runtime/matmul.h, in double or float, as static inline functions. */
void emit_matmul(Ctx *c, bool single, Buf *text);

/* The macros that code of JIT_TEXT_STANDALONE may use; see macros.c. */
void emit_macros(Buf *out);

/* The program as text in the language (`gradc diff`): readable, reparsable, controls
 * that a further derivative could reach still in it. */
void emit_language(Prog *p, Buf *out, bool latex);

#endif
