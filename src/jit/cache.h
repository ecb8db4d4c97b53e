/* cache.h - machine code by the system's compiler, kept in files.
 *
 * Nothing here needs a context, so that a thread beside a running program can do it. */
#ifndef GRADC_JIT_CACHE_H
#define GRADC_JIT_CACHE_H

#include "jit/run.h"

/* A text to compile, and where its code belongs. */
typedef struct CcUnit {
  const char *text;
  char compiler[512];
  char folder[1024];
  char key[33];           /* of text, flags, compiler and processor */
  bool quiet;             /* in the background: nothing is shown, and it is a group of its own */
  int error;              /* the errno behind what failed, or 0 */
} CcUnit;

typedef enum CcResult {
  CC_GOOD,
  CC_NO_FOLDER,           /* the folder cannot be made */
  CC_NOT_OURS,            /* others can write to it */
  CC_NOT_WRITTEN,
  CC_NO_COMPILER,
  CC_REFUSED,             /* the compiler does not take the text, or died */
  CC_STOPPED,
} CcResult;

/* Finds the key, and the folder, which is made if need be; `text` stays the caller's. */
CcResult cc_unit(CcUnit *u, const char *text);
/* Opens the code if it is there and whole, and says where to enter; NULL otherwise. */
void *cc_open(const CcUnit *u, JitCode *code);
void cc_close(void *library);
/* Compiles, once more where the first attempt is refused; asks stopped(user) (unless it is NULL)
 * about every 5 ms. */
CcResult cc_build(CcUnit *u, bool (*stopped)(void *user), void *user);

#endif
