/* language.h - what the files that print the language share.
 *
 *   language.c             programs, regions, statements
 *   language_structured.c  loops, choices, folds
 *   language_custom.c      calls with a rule
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

typedef struct Stmt { const char *left, *right; } Stmt;   /* left NULL: a trace */
typedef struct Body { VEC(Stmt) st; } Body;

/* One component of a region's value: text around a node, or (node 0) text alone. */
typedef struct Item {
  const char *before;   /* NULL: the present value of handle `node` */
  Ref node;
  int at;
  const char *after;
  bool loose;           /* 2 will do for a real 2 */
} Item;
typedef struct Items { VEC(Item) v; } Items;

typedef struct Printer {
  Prog *p;
  Ctx *c;
  bool latex;
  uint32_t indent;
  /* each node: */
  const char **name;      /* what it is called where it is bound, or NULL */
  bool *bound;            /* gets a name of its own */
  bool *evident;          /* its own text is a real whatever stands around it */
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
/* A name that is free here, like `hint` or one of the letters `other`, as it is written. */
const char *name_fresh(Printer *w, const char *hint, const char *other);
uint32_t names_mark(const Printer *w);      /* names made after a mark … */
void names_release(Printer *w, uint32_t mark); /* … are free again */
/* Is what stands for the node, its name or its text, a real by itself? */
bool is_real_text(const Printer *w, Ref r);
bool is_group(const Printer *w, Ref structured); /* printed as a binding of a tuple */

/* ---- language_expression.c ---- */
/* The node as an expression; in brackets if it binds looser than `at`.  `real`: the text
 * has to be a real by itself (2.0, not 2).  Names the node unless `inner`: then what the
 * name stands for. */
void expression(Printer *w, Buf *out, Ref r, int at, bool real, bool inner);
const char *expression_text(Printer *w, Ref r, int at, bool real);
void size_expression(Printer *w, Buf *out, Size s, bool in_type, int at);
void number_text(Printer *w, Buf *out, double v, bool real);

/* ---- language_structured.c ---- */
/* The text of result k of a structured node that is not a group; how it binds. */
int structured_result(Printer *w, Buf *out, Ref structured, uint32_t k);
/* All results and then the handles of a group that is not a loop; count: with the trips. */
const char *group_text(Printer *w, const Node *n, bool count, uint32_t nh, const Ref *handle);
/* The handles with a present value that a structured node updates. */
uint32_t live_handles(Printer *w, const Node *s, Ref **handles);
const char *built_together(Printer *w, const Node *loop);  /* [(a, b) for i < n] */
const char *loop_updates(Printer *w, const Node *l, uint32_t nh, const Ref *handle);

/* ---- language_custom.c ---- */
/* The call; its function and rule go to w->functions. */
const char *custom_node(Printer *w, const Node *n);

/* ---- language.c ---- */
/* A region as an expression: its statements in a block, then the tuple of items. */
const char *region_text(Printer *w, const Region *r, const Items *items, bool braces);
/* The same with statements in front. */
const char *region_after(Printer *w, Body *b, const Region *r, const Items *items, bool braces);
const char *word(const Printer *w, const char *s);   /* a keyword, as text in LaTeX */
void statement(Printer *w, Body *b, const char *left, const char *right);
const char *tuple(Printer *w, uint32_t n, const char *const *part);  /* (a, b), or a alone */
const char *language_bind(Printer *w, Ref r, const char *other);  /* gives r a name of its own */
void add_item(Printer *w, Items *t, const char *before, Ref r, int at, const char *after);
void result_items(Printer *w, Items *t, const Region *r, int at);

#endif
