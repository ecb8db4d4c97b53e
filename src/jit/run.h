/* run.h - one call of a compiled function, whichever compiler made it and whoever calls. */
#ifndef GRADC_JIT_RUN_H
#define GRADC_JIT_RUN_H

#include "jit/jit.h"

typedef int (*JitEntry)(const JitArg *in, void *const *out, void *work, void *host);
typedef double (*JitWork)(const JitArg *in);

/* The part of a Jit that running needs. */
typedef struct JitCode { Prog *p; JitEntry entry; JitWork work; } JitCode;

struct Jit {
  JitCode code;
  struct TCCState *tcc;   /* of tcc.c */
  void *library;          /* of cc.c: what dlopen gave */
  Ctx *ctx;
};

/* What code looks at where loops turn back (gc_stop in the preamble of emit/c.c): it ends
 * when *flag is not 0 or trips fall below 0. */
typedef struct JitStop { const volatile int *flag; int64_t trips; } JitStop;

/* One call at work: what the code is given as its host.  The functions report; none may
 * unwind, for compiled code stands in between. */
typedef struct JitRun JitRun;
struct JitRun {
  AllocFn alloc;          /* for arrays of a size known only at run time */
  void *alloc_user;
  double memory;          /* most bytes of them at a time */
  double used;
  struct Temp *temps;
  JitStop stop;
  Status status;          /* why the code ended early */
  int (*effect)(JitRun *r, unsigned node, const JitLeaf *leaf, unsigned n);
  void (*fail)(JitRun *r, unsigned node, int axis, long long index, long long size);
  void (*no_memory)(JitRun *r, double bytes);  /* status tells: NOMEM or LIMIT */
};
extern const int jit_never;              /* 0: the flag of those who have none */

/* Arrays begin where a line of the cache does: a vector that lies in two is read twice. */
enum { JIT_ALIGN = 64 };
void *jit_aligned(void *block);          /* the first such place in a block */
void *jit_temp(JitRun *r, double bytes); /* NULL: reported */
void jit_release(JitRun *r);             /* frees what the call still holds */

/* What a failed check says: of a CHECK what it is, of a PRIM its number, of a READ, WITH or
 * UPD the array. */
typedef struct JitSite { Op op; uint32_t prim; const char *text; } JitSite;
JitSite jit_site(const Prog *p, const Node *n);
void jit_site_text(const JitSite *s, int axis, long long index, long long size, char *to,
                   size_t room);

/* Hands over the machine code: it lives until jit_drop, whatever becomes of j and its
 * context; code->p does not outlive the context. */
void *jit_take(Jit *j, JitCode *code);
void jit_drop(void *machine);

/* A call with a Host for its effects; messages are queued. */
Status jit_run(const JitCode *code, const JitArg *in, void *const *out, Host *host);
/* The same, but the first *effects effects, which another code of this program has had with
 * these arguments, are left out; *effects is then the number of all that have been. */
Status jit_run_from(const JitCode *code, const JitArg *in, void *const *out, Host *host,
                    uint64_t *effects);

/* The C for the system's compiler (cc.c), in the context's arena. */
const char *jit_cc_text(Prog *p);

/* tier.c: a second, faster code, made in the background. */
typedef struct JitTier JitTier;
/* Of an optimized program; NULL where there can be none (no folder to keep it, no memory).
 * It needs neither program nor context any more, but code->p. */
JitTier *jit_tier_new(Prog *p);
/* Sets the thread to work after a delay, once; *flag becomes 1 when the code is ready. */
void jit_tier_start(JitTier *t, unsigned delay_ms, volatile int *flag);
bool jit_tier_started(const JitTier *t);
/* The code once it is ready, from any thread; NULL before. */
const JitCode *jit_tier_code(const JitTier *t);
/* Stops what is at work.  Nobody runs its code any more.  NULL is allowed. */
void jit_tier_free(JitTier *t);

#endif
