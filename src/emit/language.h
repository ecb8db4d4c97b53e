/* language.h - what the files that print the language share.
 *
 *   language.c             programs, functions, regions, structured nodes
 *   language_expression.c  expressions, by an explicit stack
 *   language_names.c       names, and which nodes get one
 */
#ifndef GRADC_LANGUAGE_H
#define GRADC_LANGUAGE_H

#include "ir/ir.h"

/* Binding strength of an expression, loosest first (language manual). */
enum {
  AT_ALL = 0,   /* if, with, -> */
  AT_OR, AT_AND, AT_NOT, AT_COMPARE, AT_SUM, AT_PRODUCT, AT_MINUS, AT_POWER, AT_ATOM
};

typedef struct Taken Taken;

typedef struct Printer {
  Prog *p;
  Ctx *c;
  bool latex;
  uint32_t indent;
  /* each node: */
  const char **name;      /* what it is called where it is bound, or NULL */
  bool *bound;            /* gets a name of its own */
  bool *evident;          /* its text is a real whatever stands around it */
  uint32_t *needed;       /* the number of the last region printing that needs it */
  const char **version;   /* accumulator handle: the text of its present array, or NULL */
  Ref **results;          /* structured node: its PROJ nodes by number (0: unused) */
  uint32_t printing;
  /* names: */
  Taken *taken;
  VEC(const char *) scope;
  uint32_t temp;
  /* functions with rules printed so far: */
  Buf functions;
  struct Printed *printed;
} Printer;

/* ---- language_names.c ---- */
void naming_init(Printer *w);
void naming_plan(Printer *w);               /* bound, evident, results */
const char *name_fresh(Printer *w, const char *hint, const char *other);
uint32_t names_mark(const Printer *w);      /* names made after a mark … */
void names_release(Printer *w, uint32_t mark); /* … are free again */
bool is_group(const Printer *w, Ref structured); /* printed as a binding of a tuple */
const char *name_text(Printer *w, const char *name); /* as it is written (LaTeX) */

/* ---- language_expression.c ---- */
/* The node as an expression; in brackets if it binds looser than `at`.  `real`: the text
 * has to be a real by itself (2.0, not 2).  Names the node unless `inner`: then what the
 * name stands for. */
void expression(Printer *w, Buf *out, Ref r, int at, bool real, bool inner);
const char *expression_text(Printer *w, Ref r, int at, bool real);
void size_expression(Printer *w, Buf *out, Size s, bool in_type, int at);
void number_text(Printer *w, Buf *out, double v, bool real);

/* ---- language.c ---- */
/* The text of result k of a structured node that is not a group; how it binds. */
int structured_result(Printer *w, Buf *out, Ref structured, uint32_t k);

#endif
