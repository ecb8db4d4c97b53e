/* run.h - one call of a compiled function, whichever compiler made it. */
#ifndef GRADC_JIT_RUN_H
#define GRADC_JIT_RUN_H

#include "jit/jit.h"

typedef int (*JitEntry)(const JitArg *in, void *const *out, void *work, void *host);
typedef double (*JitWork)(const JitArg *in);

/* The part of a Jit that running needs. */
typedef struct JitCode { Prog *p; JitEntry entry; JitWork work; } JitCode;

Status jit_run(const JitCode *code, const JitArg *in, void *const *out, Host *host);

#endif
