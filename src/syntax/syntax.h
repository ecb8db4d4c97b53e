/* syntax.h - the syntax tree: uniform nodes that the parser makes and
 * elaboration reads.  Every node has a kind, a span, a name or a number where
 * the kind has one, and children.  A walk over the tree needs no knowledge of
 * kinds; `a + b + … + z` leans left a million deep, so walk with a stack. */
#ifndef GRADC_SYNTAX_H
#define GRADC_SYNTAX_H

#include "base/base.h"

/* kind, its children in order.  [x] may be NULL, x* is any number. */
#define AST_KINDS(X)                                                            \
  X(FILE)      /* item* */                                                      \
  /* items */                                                                   \
  X(FUNCTION)  /* name; PARAMS, [type of the result], body */                   \
  X(GRADIENT)  /* name; PARAMS, PARAMS (up, then value if named), body */       \
  X(TANGENT)   /* name; PARAMS, PARAMS (one tangent a parameter), body */       \
  X(TYPEDEF)   /* name; PARAMS (the size names), type */                        \
  X(INPUT)     /* name; type, [default] */                                      \
  X(BIND)      /* pattern, value; in blocks too */                              \
  X(PRINT)     /* expression-or-TEXT* */                                        \
  X(ASSERT)    /* condition */                                                  \
  X(TRACE)     /* TEXT; in blocks too */                                        \
  X(IMPORT)    /* name is the path */                                           \
  X(EXPR)      /* expression: an entry of a session */                          \
  X(PARAMS)    /* PARAM* */                                                     \
  X(PARAM)     /* name; [type] */                                               \
  /* types */                                                                   \
  X(T_NAME)    /* name (real, int, bool, or a typedef's); size* */              \
  X(T_ARRAY)   /* element type, size* */                                        \
  X(T_TUPLE)   /* type* */                                                      \
  X(T_RECORD)  /* FIELD* (name; type) */                                        \
  X(FIELD)     /* name; type or expression */                                   \
  /* expressions */                                                             \
  X(INT)       /* i */                                                          \
  X(REAL)      /* r */                                                          \
  X(BOOL)      /* i is 0 or 1 */                                                \
  X(NONE)      /* */                                                            \
  X(NAME)      /* name */                                                       \
  X(TEXT)      /* PIECE* */                                                     \
  X(PIECE)     /* literal text in name, no child; or [expression], name is its format or NULL */ \
  X(UNARY)     /* op; e */                                                      \
  X(BINARY)    /* op; a, b */                                                   \
  X(IF)        /* c, a, b */                                                    \
  X(LAMBDA)    /* pattern* then body; one pattern per parameter */              \
  X(CALL)      /* NAME or any expression, then argument* (NAMED ones last) */   \
  X(NAMED)     /* name; e: `axis = 0`, `stop = (a, b)` */                       \
  X(PRIME)     /* i is the number of primes; callee: f' in f'(x) */             \
  X(INDEX)     /* e, subscript*: an expression or SLICE */                      \
  X(SLICE)     /* [from], [to] */                                               \
  X(GET)       /* name; e: e.name, `.T` too */                                  \
  X(ARRAY)     /* e* */                                                         \
  X(FOR)       /* body, clause*: [e for …]; i is 1 for the argument of sum(e for …) */ \
  X(FOR_COUNT) /* name; n            for i < n */                               \
  X(FOR_RANGE) /* name; a, b         for i in a..b */                           \
  X(FOR_EACH)  /* pattern, e         for v in xs */                             \
  X(FOR_BARE)  /* name               for i */                                   \
  X(FOLD)      /* pattern, init, clause, body */                                \
  X(SCAN)      /* pattern, init, clause, body */                                \
  X(LOOP)      /* pattern, init, condition, at most, body */                    \
  X(BLOCK)     /* (BIND | TRACE)* then the value */                             \
  X(TUPLE)     /* e* (two or more; `()` is an error) */                         \
  X(RECORD)    /* FIELD* (name; e) */                                           \
  X(WITH)      /* base, value, subscript*: base with [s, …] = value */          \
  X(WITH_FIELD)/* name; base, value */                                          \
  /* patterns: NAME (`_` too), P_TUPLE */                                       \
  X(P_TUPLE)   /* pattern* */

typedef enum AstKind {
#define X(k) AST_##k,
  AST_KINDS(X)
#undef X
  AST_COUNT
} AstKind;

/* Operators of UNARY and BINARY, by precedence, loosest first. */
typedef enum AstOp {
  OP_OR, OP_AND, OP_NOT,
  OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE,
  OP_ADD, OP_SUB,
  OP_MUL, OP_DIV, OP_FLOORDIV, OP_MOD, OP_MATMUL,
  OP_NEG, OP_POW,
} AstOp;

typedef struct Ast {
  AstKind kind : 8;
  AstOp op : 8;
  uint32_t nkids;
  Span span;         /* the whole of it */
  Span name_span;    /* where `name` stands, for messages */
  const char *name;  /* interned, or NULL */
  int64_t i;
  double r;
  struct Ast **kid;
} Ast;

/* What the parser was asked to read. */
typedef enum ParseStart { PARSE_FILE, PARSE_ENTRY } ParseStart;

/* Parses source `file` of the context.  Raises on a syntax error.  For
 * PARSE_ENTRY the result is an AST_FILE of the entry's items; when the text ends
 * too early and could go on, *incomplete is set and NULL returned, no message. */
Ast *parse(Ctx *c, uint32_t file, ParseStart start, bool *incomplete);

/* The tree as text in the language again, fully reparsable. */
void ast_print(const Ast *a, Buf *out);
const char *ast_kind_name(AstKind k);
const char *ast_op_text(AstOp op);

/* Constructors for the grammar's actions (syntax.c). */
Ast *ast_new(Ctx *c, AstKind k, Span at, uint32_t nkids, ...); /* nkids Ast* follow */
Ast *ast_push(Ctx *c, Ast *list, Ast *kid); /* appends; grows list's span */

#endif
