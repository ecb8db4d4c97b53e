/* tokens.c - the filter between scanner and grammar, one token of lookahead.
 *
 * It decides what the grammar could not without conflicts: which newlines end
 * an item (SEP), which words are contextual, whether brackets match; and it
 * catches the slips that two neighbouring tokens give away.  The grammar sees
 * no newline, and SEP only between two items. */
#include <string.h>

#include "syntax/reader.h"
/* after it, for the tokens */
#include "grammar/parser.h"

/* ---- what a token can do ------------------------------------------------ */

static bool one_of(int kind, const int *kinds) {
  for (; *kinds >= 0; kinds++)
    if (*kinds == kind) return true;
  return false;
}
#define ONE_OF(kind, ...) one_of((kind), (const int[]){__VA_ARGS__, -1})

bool token_ends_operand(int kind) {
  return ONE_OF(kind, NAME, NUMBER, ')', ']', '}', TRUE, FALSE, NONE, TEXT_END, PRIMES);
}

static bool is_binary(int kind) {
  return ONE_OF(kind, '+', '-', '*', '/', FLOORDIV, '%', '@', '^', EQ, NE, '<', LE, '>', GE, AND,
                OR);
}

/* No item ends after this. */
bool token_continues(int kind) {
  return is_binary(kind) || ONE_OF(kind, '=', ',', ARROW, ':', DOTS, THEN, ELSE, FOR, IN, WHILE,
                                   WITH, AT_MOST, NOT);
}

/* No item ends before this. */
static bool goes_on(int kind) {
  return (is_binary(kind) && kind != '-') ||
         ONE_OF(kind, THEN, ELSE, FOR, IN, WHILE, WITH, AT_MOST);
}

/* ---- the scanner with one token of lookahead ---------------------------- */

static Token take(Reader *r) {
  Token t = r->ahead;
  if (r->has_ahead) {
    r->has_ahead = false;
    return t;
  }
  memset(&t, 0, sizeof t);
  r->newline = false;
  t.kind = scan_token(&t.value, &t.span, r->scanner);
  t.newline_before = r->newline;
  return t;
}

static void put_back(Reader *r, Token t) {
  r->ahead = t;
  r->has_ahead = true;
}

static Token peek(Reader *r) {
  Token t = take(r);
  put_back(r, t);
  return t;
}

/* ---- the end of an item ------------------------------------------------- */

static Frame *innermost(Reader *r) {
  return &r->frames.at[r->frames.n - 1];
}

static bool newlines_count(Reader *r) {
  int open = innermost(r)->open;
  return open == 0 || open == '{';
}

static bool at_item_start(const Reader *r) {
  int last = r->last[0].kind;
  return last == 0 || last == SEP || last == '{';
}

static bool blank_after(const Reader *r, Span at) {
  return strchr(" \t\r\n", r->text[at.end]) != NULL;
}

/* Does the newline before t end the item? */
static bool newline_ends(Reader *r, const Token *t) {
  if (at_item_start(r) || token_continues(r->last[0].kind) || goes_on(t->kind)) return false;
  if (t->kind == '-' && blank_after(r, t->span))
    fail_at(r->ctx, t->span,
            "end the line before with the '-' to go on with it, or write the '-' of a new item "
            "against its operand",
            "a line cannot begin with '-' and a space");
  return true;
}

/* Folds and indices keep their bracket on the line of what it belongs to. */
static void check_bracket_line(Reader *r, const Token *t) {
  if (!t->newline_before || !token_ends_operand(r->last[0].kind)) return;
  if (t->kind == '{' && innermost(r)->heads)
    fail_at(r->ctx, t->span, "move it up to the end of the head",
            "the '{' of a fold stands on the line of its head");
  if (t->kind == '[' && !newlines_count(r))
    fail_at(r->ctx, t->span, "to begin a new element, end the line before with ','",
            "the '[' of an index stands on the line of what it indexes");
}

/* True if an item ends here; then *t is the first token after the end. */
static bool item_ends(Reader *r, Token *t) {
  if (!newlines_count(r)) return false;
  bool ends = false;
  while (t->kind == ';') {
    ends = true;
    *t = take(r);
  }
  if (!ends && t->newline_before && t->kind != END) ends = newline_ends(r, t);
  return ends && t->kind != END && t->kind != '}' && !at_item_start(r);
}

/* ---- contextual words --------------------------------------------------- */

static const struct { const char *word; int kind, next; } contextual[] = {
    {"type", TYPE, NAME},
    {"input", INPUT, NAME},
    {"import", IMPORT, TEXT_BEGIN},
    {"trace", TRACE, TEXT_BEGIN},
    {"custom_gradient", CUSTOM_GRADIENT, NAME},
    {"custom_tangent", CUSTOM_TANGENT, NAME},
};

static int contextual_kind(Reader *r, const char *word) {
  for (size_t k = 0; k < sizeof contextual / sizeof *contextual; k++) {
    if (strcmp(word, contextual[k].word)) continue;
    Token next = peek(r);
    if (next.kind == contextual[k].next && !next.newline_before) return contextual[k].kind;
  }
  return NAME;
}

/* ---- brackets ----------------------------------------------------------- */

static void open_bracket(Reader *r, const Token *t) {
  Frame *f = innermost(r);
  if (t->kind == '{' && f->heads && token_ends_operand(r->last[0].kind)) f->heads--;
  VEC_PUSH(r->ctx, &r->frames, ((Frame){t->kind, t->span, 0}));
}

static void close_bracket(Reader *r, const Token *t) {
  int open = t->kind == ')' ? '(' : t->kind == ']' ? '[' : t->kind == '}' ? '{' : INTERP;
  Frame *f = innermost(r);
  if (f->open != open) slip_closer(r, t->span, f);
  r->frames.n--;
}

static void follow_brackets(Reader *r, const Token *t) {
  if (ONE_OF(t->kind, FOLD, SCAN, LOOP)) innermost(r)->heads++;
  if (ONE_OF(t->kind, '(', '[', '{', INTERP)) open_bracket(r, t);
  if (ONE_OF(t->kind, ')', ']', '}', INTERP_END)) close_bracket(r, t);
  if (t->kind == SEP) innermost(r)->heads = 0;
  if (t->kind == END && r->frames.n > 1 && r->start == PARSE_FILE) slip_unclosed(r, innermost(r));
}

/* ---- one token for the grammar ------------------------------------------ */

static Token next_token(Reader *r) {
  Token t = take(r);
  check_bracket_line(r, &t);
  if (item_ends(r, &t)) {
    Token end = {.kind = SEP, .span = r->last[0].span};
    end.span.start = end.span.end;
    t.newline_before = false;
    put_back(r, t);
    return end;
  }
  if (t.kind == NAME && at_item_start(r)) t.kind = contextual_kind(r, t.value.name);
  if (t.kind == PRIMES) {
    Token next = peek(r);
    slip_prime(r, &t, &next);
  }
  slip_neighbours(r, &t);
  return t;
}

int syntax_lex(Value *value, Span *at, Reader *r) {
  Token t = next_token(r);
  follow_brackets(r, &t);
  memmove(r->last + 1, r->last, sizeof r->last - sizeof *r->last);
  r->last[0] = t;
  *value = t.value;
  *at = t.span;
  return t.kind;
}
