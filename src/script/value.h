/* value.h - values at run time, and what a running program does to the outside. */
#ifndef GRADC_VALUE_H
#define GRADC_VALUE_H

#include "ir/ir.h"

/* A scalar or an array; reals as double (is_float: they were float, print fewer digits),
 * ints and bools as int64_t. */
typedef struct Value {
  Elem elem;
  bool is_float;
  uint32_t rank;
  int64_t dim[MAX_RANK];
  const void *data;
} Value;

/* Where effects go.  `write` gets whole lines; asserts that fail are counted. */
typedef struct Host {
  Ctx *ctx;
  void (*write)(void *user, const char *text, size_t n);  /* standard output */
  void *user;
  bool json;               /* PRINT writes one JSON object a line */
  int digits;              /* 0: the default */
  bool session;            /* arrays aligned and shortened, as in the REPL */
  uint32_t asserts_failed; /* each queued as a diagnostic with both values */
  /* In a session: takes the value of a binding (t->binding), as leaves of t->piece[0]. */
  void (*bound)(void *user, const TextAttr *t, const Value *leaf, uint32_t nleaf);
  bool watch;              /* the interpreter: no effects; the first real value that is not
                              finite is reported at its place, and clears this */
  volatile int *stop;      /* looked at where loops turn back, or NULL */
} Host;

/* The effect of a PRINT, TRACE, ASSERT or CHECK node with its operands' values.  GC_OK, or
 * what stops the program (a failed CHECK: GC_ERROR, queued; a failed ASSERT: GC_FAILED). */
Status host_effect(Host *h, const Node *n, const Value *leaf, uint32_t nleaf);

/* [1 2.5 3], [[1 2]\n [3 4]], true, none; scalars with the fewest digits that read back
 * (float: %.9g), arrays with 8 decimals, trailing zeros dropped. */
void value_print(const Value *v, const Host *h, Buf *out);
void value_json(const Value *v, Buf *out);  /* 17 significant digits, "nan", "inf", "-inf" */

/* v, or its elements as reals where they are ints. */
Value value_to_real(Ctx *c, const Value *v);

/* Files (npy.c, csv.c): read into the arena; raise with the file's name and what is wrong. */
Value npy_read(Ctx *c, const char *path);
Value csv_read(Ctx *c, const char *path);
/* "1.5", "[[1, 2], [3, 4]]", "true": literal text of --set.  It and csv_read give ints
 * where every number is written as one. */
Value literal_read(Ctx *c, const char *text);
void npy_write(Ctx *c, const char *path, const Value *v);

/* Is it a device or a pipe?  Such a thing is written to as it is: nothing may take the place of
 * /dev/null. */
bool file_is_special(const char *path);

#endif
