/* reader.h - what the scanner, the token filter, the grammar and its actions
 * share while one source is read.  Private to src/syntax and grammar/.
 *
 *   lexer.l    bytes -> tokens          (scan_token)
 *   tokens.c   newlines, brackets, contextual words, slips  (syntax_lex)
 *   parser.y   tokens -> calls of build.c (syntax_parse)
 *   slips.c    the words of every message
 *
 * Everything is in the context's arena; any of these may raise. */
#ifndef GRADC_READER_H
#define GRADC_READER_H

#include "syntax/syntax.h"

/* What a token or a phrase of the grammar carries. */
typedef union Value {
  const char *name; /* NAME, PIECE, FORMAT: the text, interned */
  int64_t i;        /* PRIMES: how many */
  Ast *ast;         /* NUMBER, and every phrase */
  AstOp op;         /* a comparison */
} Value;

typedef struct Token {
  int kind; /* as in grammar/parser.h */
  Span span;
  Value value;
  bool newline_before;
} Token;

/* An open bracket. */
typedef struct Frame {
  int open;       /* '(' '[' '{', INTERP; 0 for the file itself */
  Span at;
  uint32_t heads; /* heads of folds in it that wait for their '{' */
} Frame;

typedef struct Reader {
  Ctx *ctx;
  uint32_t file;
  const char *text;
  ParseStart start;
  /* scanner */
  void *scanner;
  uint32_t offset; /* of the next byte to be scanned */
  bool newline;    /* a line ended since the last token */
  uint32_t depth;  /* brackets open inside the current `{e}` of a text */
  Span text_start; /* of the text being scanned */
  Span piece_start; /* of its current `{` */
  /* filter */
  Token ahead;
  bool has_ahead;
  Token last[4]; /* given to the parser, latest first */
  VEC(Frame) frames;
  /* parser */
  VEC(Ast *) typed; /* calls with typed arguments, not yet taken as a head */
  Ast *result;
  bool may_go_on;  /* an entry may end too early: more lines can come */
  bool incomplete;
} Reader;

/* ---- lexer.l ----------------------------------------------------------- */

void scanner_open(Reader *r, size_t size);
int scan_token(Value *value, Span *at, void *scanner);

/* ---- literal.c --------------------------------------------------------- */

Ast *literal_int(Reader *r, Span at, const char *digits, size_t n);
Ast *literal_real(Reader *r, Span at, const char *text, size_t n);
const char *literal_text(Reader *r, const char *raw, size_t n);
const char *literal_format(Reader *r, Span at, const char *text, size_t n);
/* Raises for a NUL byte or one that is not UTF-8. */
void literal_check_bytes(Reader *r, const char *text, size_t n);

/* ---- tokens.c ---------------------------------------------------------- */

int syntax_lex(Value *value, Span *at, Reader *r);
bool token_ends_operand(int kind);
bool token_continues(int kind);

/* ---- build.c: one call per grammar action ------------------------------- */

Ast *make_leaf(Reader *r, AstKind k, Span at, const char *name);
Ast *make_word(Reader *r, AstKind k, Span at, int64_t i);
Ast *make_unary(Reader *r, Span at, AstOp op, Ast *e);
Ast *make_binary(Reader *r, Span at, AstOp op, Ast *a, Ast *b);
Ast *make_named(Reader *r, AstKind k, Span at, Span name_at, const char *name, Ast *e);
Ast *make_pair(Reader *r, AstKind k, Span at, Span name_at, const char *name, Ast *a, Ast *b);
Ast *make_list(Reader *r, AstKind k, Span at, Ast *first);
Ast *make_hollow(Reader *r, AstKind k, Span at, Ast *second);
Ast *make_filled(Span at, Ast *list, Ast *first);
Ast *make_field(Reader *r, Span at, Ast *name, Ast *e);
Ast *make_parameter_list(Reader *r, Ast *list, Span at, const char *name);
Ast *make_argument(Reader *r, Span at, AstKind k, Ast *name, Ast *e);
Ast *make_call(Reader *r, Span at, Ast *callee, Ast *args);
Ast *make_push_argument(Reader *r, Ast *args, Ast *arg);
Ast *make_reduction(Reader *r, Span at, Ast *callee, Span inner, Ast *body, Ast *clauses);
Ast *make_prime(Reader *r, Span at, Span name_at, const char *name, int64_t n);
Ast *make_array_type(Reader *r, Span at, Span name_at, const char *name, Ast *sizes);
Ast *make_lambda(Reader *r, Span at, Ast *pattern);
Ast *make_lambda_body(Reader *r, Span at, Ast *lambda, Ast *body);
Ast *make_with(Reader *r, Span at, Ast *base, Ast *target);
Ast *make_with_value(Span at, Ast *with, Ast *value);
Ast *make_fold(Reader *r, AstKind k, Span at, Ast *pattern, Ast *init, Ast *clause, Ast *body);
Ast *make_range(Reader *r, Span at, Ast *pattern, Ast *from, Ast *to);
Ast *make_loop(Reader *r, Span at, Ast *pattern, Ast *init, Ast *cond, Ast *most, Ast *body);
Ast *make_head(Reader *r, Span at, Ast *left, Ast *type);
Ast *make_definition(Reader *r, Span at, Ast *head, Ast *body);
Ast *make_lone(Reader *r, Span at, Ast *e);
Ast *make_block(Reader *r, Span at, Ast *items);
Ast *make_rule(Reader *r, AstKind k, Span at, Span name_at, const char *name, Ast *params,
               Ast *seeds, Ast *body);
Ast *make_import(Reader *r, Span at, Ast *text);
Ast *make_push_item(Reader *r, Ast *file, Ast *item);
Ast *make_push_text(Reader *r, Ast *text, Span at, const char *piece);
Ast *make_push_value(Reader *r, Ast *text, Span at, Ast *e, const char *format);

/* ---- slips.c, unexpected.c ----------------------------------------------------------- */

/* The slips that the grammar itself has a place for. */
typedef enum Slip {
  SLIP_CHAIN, SLIP_EMPTY_TUPLE, SLIP_ONE_TUPLE, SLIP_GENERATOR, SLIP_EMPTY_INDEX, SLIP_STEP,
  SLIP_BOUND, SLIP_ASSIGN_CLAUSE, SLIP_FILTER, SLIP_SECOND_FOR, SLIP_NO_AT_MOST,
  SLIP_FOLD_CLAUSES, SLIP_EMPTY_BLOCK, SLIP_STATEMENT, SLIP_FOR_STATEMENT,
  SLIP_WHILE_STATEMENT, SLIP_RULE_TYPE, SLIP_RULE_SEED, SLIP_EMPTY_PIECE, SLIP_INNER_ITEM,
} Slip;
_Noreturn void slip(Reader *r, Span at, Slip which);

/* An operator of some other language. */
_Noreturn void slip_operator(Reader *r, Span at);
/* A character that begins no token. */
_Noreturn void slip_character(Reader *r, Span at);
_Noreturn void slip_closer(Reader *r, Span at, const Frame *open);
_Noreturn void slip_unclosed(Reader *r, const Frame *open);
/* Looks at a token beside the ones before it; raises if it is a slip. */
void slip_neighbours(Reader *r, const Token *t);
void slip_prime(Reader *r, const Token *t, const Token *next);
/* An error with a second place that belongs to it. */
_Noreturn void fail_with_note(Reader *r, Span at, const char *help, Span where, const char *note,
                              const char *text);
/* The parser met r->last[0]; `expected` are aliases of the grammar's tokens.
 * Raises, or sets r->incomplete for an entry that could go on. */
void slip_unexpected(Reader *r, const char *const *expected, int n);
/* The bytes of a span, short enough for a message. */
const char *slip_quote(Reader *r, Span at);

#endif
