/* unexpected.c - the message for a token that the grammar has no place for.
 *
 * The parser gives the names of the tokens that could have come.  The checks
 * below go from the special to the general; the first that fits raises. */
#include <string.h>

#include "syntax/reader.h"
/* after it, for the tokens */
#include "grammar/parser.h"

typedef struct Surprise {
  Reader *r;
  const char *const *expected;
  int n;
  const Token *got, *before;
  const char *found; /* the unexpected token, in words */
} Surprise;

/* ---- words -------------------------------------------------------------- */

static bool wants(const Surprise *s, const char *name) {
  for (int k = 0; k < s->n; k++)
    if (!strcmp(s->expected[k], name)) return true;
  return false;
}

static bool is_end(const Token *t) {
  return t->kind == END || t->kind == SEP;
}

/* After a ',' the parser may already have decided that the list ends. */
static bool wants_expression(const Surprise *s) {
  bool closing = wants(s, "')'") || wants(s, "']'");
  return wants(s, "a number") || (s->before->kind == ',' && closing);
}

static bool at_item_start(const Surprise *s) {
  int before = s->before->kind;
  return before == 0 || before == SEP || (before == '{' && !is_end(s->got));
}

static const char *found_text(Reader *r, const Token *t) {
  if (t->kind == END) return "the end of the file";
  if (t->kind == TEXT_BEGIN) return "a text";
  if (t->kind != SEP) return slip_quote(r, t->span);
  const char *p = r->text + t->span.start;
  while (*p == ' ' || *p == '\t') p++;
  return *p == ';' ? "';'" : "the end of the line";
}

static const char *before_text(const Surprise *s) {
  return s->before->kind == TEXT_END ? "the text" : slip_quote(s->r, s->before->span);
}

/* The reserved words stand together in the grammar's list of tokens. */
static bool is_reserved(int kind) {
  return kind >= IF && kind <= RESERVED;
}

/* Raises.  Where something is missing at the end of a line, the caret stands at
 * the last token before it.  A bracket left open on an earlier line is shown. */
static _Noreturn void stop(const Surprise *s, const char *help, const char *text) {
  Reader *r = s->r;
  const Frame *f = &r->frames.at[r->frames.n - 1];
  Span at = is_end(s->got) && s->before->span.file ? s->before->span : s->got->span;
  bool open = (f->open == '(' || f->open == '[') && f->at.end <= at.start &&
              memchr(r->text + f->at.end, '\n', at.start - f->at.end);
  if (open)
    fail_with_note(r, at, help, f->at,
                   str_printf(r->ctx, "the %s opened here is still open", slip_quote(r, f->at)),
                   text);
  fail_at(r->ctx, at, help, "%s", text);
}

static const char *reserved_help(const Surprise *s) {
  const Token *t = s->got;
  if (!is_reserved(t->kind) && is_reserved(s->before->kind) && t->kind == '=') t = s->before;
  bool name = wants(s, "a name") || wants_expression(s) || at_item_start(s) ||
              t->kind == RESERVED;
  if (!is_reserved(t->kind) || !name) return NULL;
  return str_printf(s->r->ctx, "%s is a reserved word and cannot be a name",
                    slip_quote(s->r, t->span));
}

/* ---- an entry of a session that could go on ------------------------------ */

static bool could_go_on(const Surprise *s) {
  static const char *const on_next_line[] = {"then", "else", "for", "in", "while", "at most"};
  if (s->got->kind != END || !s->r->may_go_on) return false;
  if (s->r->frames.n > 1 || token_continues(s->before->kind)) return true;
  for (size_t k = 0; k < sizeof on_next_line / sizeof *on_next_line; k++)
    if (wants(s, on_next_line[k])) return true;
  return false;
}

/* ---- habits -------------------------------------------------------------- */

static const char bind_help[] = "a binding is written name = expression";
static const char function_help[] = "a function is written name(p, q) = expression";

/* Words that begin an item elsewhere. */
static const struct { const char *word, *help; } openers[] = {
    {"let", bind_help},   {"var", bind_help},     {"const", bind_help},
    {"val", bind_help},   {"auto", bind_help},    {"def", function_help},
    {"fn", function_help}, {"func", function_help}, {"fun", function_help},
    {"function", function_help},
    {"return", "the value of a block is its last expression, without 'return'"},
    {"real", "only parameters, results and inputs have types: input x: real"},
    {"double", bind_help}, {"float", bind_help},  {"int", bind_help},
    {"import", "write import \"file.gc\""},
    {"from", "write import \"file.gc\""},
    {"struct", "write type Name = (a: real, b: real[n])"},
    {"class", "write type Name = (a: real, b: real[n])"},
};

/* Words that join two operands elsewhere, or begin one. */
static const struct { const char *word, *help; } joiners[] = {
    {"elif", "write else if c then …"},     {"elseif", "write else if c then …"},
    {"mod", "write a % b"},                 {"div", "write a // b"},
    {"is", "write a == b"},                 {"xor", "of two bools, a != b is the exclusive or"},
    {"where", "write { name = e; … } with the bindings first"},
    {"lambda", "a function is written x -> e"},
};

static bool says(Reader *r, const Token *t, const char *word) {
  size_t n = t->span.end - t->span.start;
  return t->kind == NAME && strlen(word) == n && !memcmp(r->text + t->span.start, word, n);
}

static const char *habit_help(const Surprise *s) {
  Reader *r = s->r;
  bool touches = s->before->span.end == s->got->span.start;
  if (touches && s->got->kind == NUMBER && r->text[s->got->span.start] == '.')
    return "an element is x[0], a field p.name; a tuple is taken apart by (a, b) = p";
  int start = r->last[2].kind;
  bool first = start == 0 || start == SEP || start == '{';
  for (size_t k = 0; first && k < sizeof openers / sizeof *openers; k++)
    if (says(r, s->before, openers[k].word)) return openers[k].help;
  for (size_t k = 0; k < sizeof joiners / sizeof *joiners; k++)
    if (says(r, s->before, joiners[k].word) || says(r, s->got, joiners[k].word))
      return joiners[k].help;
  return NULL;
}

/* ---- two values side by side --------------------------------------------- */

static bool starts_operand(int kind) {
  static const int starts[] = {NAME, NUMBER, TRUE, FALSE, NONE, FOLD, SCAN, LOOP, '{', '(', '[',
                               NOT, PRINT, ASSERT, TYPE, INPUT, IMPORT, TRACE, CUSTOM_GRADIENT,
                               CUSTOM_TANGENT, TEXT_BEGIN};
  for (size_t k = 0; k < sizeof starts / sizeof *starts; k++)
    if (starts[k] == kind) return true;
  return false;
}

static _Noreturn void fail_text_as_value(const Surprise *s) {
  stop(s, "a text can only stand after print, trace and import", "a text is not a value");
}

/* A word of an 'if', a fold or a loop is missing: that says more. */
static bool wants_part(const Surprise *s) {
  return wants(s, "then") || wants(s, "for") || wants(s, "while");
}

/* A value on a new line, where a bracket is open: most often that should have been closed. */
static void check_left_open(const Surprise *s) {
  Reader *r = s->r;
  const Frame *f = &r->frames.at[r->frames.n - 1];
  if (!s->got->newline_before || (f->open != '(' && f->open != '[')) return;
  fail_with_note(r, f->at,
                 str_printf(r->ctx, "close it with '%c'; or put a ',' or an operator between "
                                    "the two lines", f->open == '(' ? ')' : ']'),
                 s->got->span, str_printf(r->ctx, "nothing joins %s to the line before", s->found),
                 str_printf(r->ctx, "this %s is not closed", slip_quote(r, f->at)));
}

static void check_side_by_side(const Surprise *s) {
  Reader *r = s->r;
  if (!token_ends_operand(s->before->kind) || !starts_operand(s->got->kind)) return;
  if (s->got->kind == '{' && wants_part(s)) return;
  const char *help = habit_help(s);
  if (!help) check_left_open(s);
  if (!help && (s->got->kind == TEXT_BEGIN || s->before->kind == TEXT_END))
    help = "what print shows is separated by ',', and two items on one line by ';'";
  if (!help && r->last[2].kind == FLOORDIV) help = "'//' divides; a comment begins with '#'";
  if (!help && s->got->kind == '{')
    help = "a definition has its '=' before the '{'; a record is (a = 1, b = 2)";
  int open = r->frames.at[r->frames.n - 1].open;
  if (!help && (open == '(' || open == '['))
    help = "two elements are separated by ',', a product has its '*'";
  if (!help) help = "a product has its '*', and ';' separates two items on one line";
  stop(s, help, str_printf(r->ctx, "nothing joins %s and %s", before_text(s), s->found));
}

/* ---- tokens that explain themselves --------------------------------------- */

static void check_python_words(const Surprise *s) {
  if (!token_ends_operand(s->before->kind)) return;
  if (s->got->kind == IF)
    stop(s, "write if c then a else b", "an 'if' comes before its values");
  if (s->got->kind == FOR)
    stop(s, "write [e for i < n], sum(e for i < n) or fold s = s0 for t < T { … }",
         "a 'for' stands in [ ], in a reduction or in a fold");
  if (s->got->kind == IN)
    stop(s, "any(x == v for v in xs) asks whether x is in xs", "'in' belongs to a 'for'");
  if ((s->got->kind == THEN || s->got->kind == ELSE) && !wants(s, "then") && !wants(s, "else"))
    stop(s, "write if c then a else b",
         str_printf(s->r->ctx, "%s belongs to no 'if'", s->found));
  if (s->got->kind == DOTS)
    stop(s, "write [i for i in a..b] for the array of its numbers",
         "a range stands after the 'in' of a 'for'");
}

static void check_punctuation(const Surprise *s) {
  Reader *r = s->r;
  int open = r->frames.at[r->frames.n - 1].open;
  switch (token_ends_operand(s->before->kind) ? s->got->kind : 0) {
  case '=':
    if (r->last[2].kind == INPUT)
      stop(s, "write input x: real = 3", "an input needs its type");
    if (wants(s, "then") || open != '(' || !wants(s, "')'"))
      stop(s, "'==' compares; '=' binds a name, once for each item", "'=' cannot stand here");
    stop(s, "in a record each part has its name: (a = 1, b = 2)", "'=' cannot stand here");
  case ':':
    stop(s,
         "':' gives a parameter, a result or an input its type, and makes a slice in [ ]; "
         "a record is (a = 1, b = 2)",
         "':' cannot stand here");
  case ',':
    if (open == '(' || open == '[') return;
    stop(s, "a tuple stands in parentheses: (a, b)", "',' cannot stand here");
  case ';':
    stop(s, "arguments and elements are separated by ','; ';' stands between items",
         "';' cannot stand here");
  default: return;
  }
}

/* ---- something is missing -------------------------------------------------- */

static void check_item_start(const Surprise *s) {
  if (at_item_start(s))
    stop(s, reserved_help(s),
         str_printf(s->r->ctx, "an item cannot begin with %s", s->found));
}

static const char *missing_help(const Surprise *s) {
  const char *before = before_text(s);
  if (token_continues(s->before->kind))
    return str_printf(s->r->ctx, "write what comes after %s, or remove it", before);
  return s->before->kind == PRINT ? "write what to print: an expression, or a \"text\"" : NULL;
}

static void check_missing_expression(const Surprise *s) {
  Reader *r = s->r;
  if (!wants_expression(s)) return;
  int got = s->got->kind;
  const char *help = reserved_help(s);
  if (got == TEXT_BEGIN) fail_text_as_value(s);
  if (got == IF || got == NOT)
    stop(s, str_printf(r->ctx, "write (%s …)", got == IF ? "if" : "not"),
         str_printf(r->ctx, "%s inside an operator needs parentheses", s->found));
  if (got == '+' && !help) help = "there is no unary '+'";
  if (!help) help = missing_help(s);
  if (is_end(s->got))
    stop(s, help, str_printf(r->ctx, "an expression is missing after %s", before_text(s)));
  stop(s, help, str_printf(r->ctx, "expected an expression after %s, found %s", before_text(s),
                           s->found));
}

static const struct { const char *word, *text, *help; } parts[] = {
    {"then", "expected 'then' and the value of this 'if'", "write if c then a else b"},
    {"else", "an 'if' needs its 'else'", "write if c then a else b"},
    {"at most", "expected 'at most' and a number of turns",
     "write loop s = s0 while c at most N { … }"},
    {"while", "expected 'while' and a condition", "write loop s = s0 while c at most N { … }"},
    {"for", "expected 'for' and what the fold goes over", "write fold s = s0 for t < T { … }"},
};

static void check_missing_part(const Surprise *s) {
  Reader *r = s->r;
  for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
    if (wants(s, parts[k].word) && !wants(s, "')'") && !wants(s, "']'"))
      stop(s, parts[k].help, str_printf(r->ctx, "%s, found %s", parts[k].text, s->found));
  if (wants(s, "'{'") && !wants_expression(s))
    stop(s, "the body stands in braces, on the line of the head: fold s = s0 for t < T { … }",
         str_printf(r->ctx, "expected the body, '{ … }', found %s", s->found));
  if (s->before->kind == ':' && wants(s, "a name"))
    stop(s,
         r->frames.at[r->frames.n - 1].open == '{'
             ? "a record is (a = 1, b = 2)"
             : "a type is real, int, bool, a name, real[n] or (a: real, b: real[n])",
         str_printf(r->ctx, "expected a type after ':', found %s", s->found));
  if (s->before->kind == WITH)
    stop(s, "write A with [i] = e, or p with .field = e",
         str_printf(r->ctx, "expected '[' or '.' after 'with', found %s", s->found));
  if (wants(s, "'='") && s->n == 1 && r->frames.at[r->frames.n - 1].open == '(')
    stop(s, "in a record each part has its name: (a = 1, b = 2)",
         str_printf(r->ctx, "expected '=' after %s, found %s", before_text(s), s->found));
}

/* ---- the general case ------------------------------------------------------ */

/* Operators and what may follow any operand say nothing in a list. */
static bool is_noise(const char *name) {
  static const char *const noise[] = {"and", "or", "with", "->", "==", "!=", "<=", ">=", "//",
                                      "..", "'+'", "'-'", "'*'", "'/'", "'%'", "'@'", "'^'",
                                      "'<'", "'>'", "'.'", "the end of the file",
                                      "the end of the item"};
  for (size_t k = 0; k < sizeof noise / sizeof *noise; k++)
    if (!strcmp(noise[k], name)) return true;
  return false;
}

/* Aliases that are words of the language get quotes; the others have them, or
 * are a description. */
static const char *in_words(Reader *r, const char *name) {
  bool described = strchr(name, '\'') || !strncmp(name, "a ", 2) || !strncmp(name, "the ", 4);
  return described ? name : str_printf(r->ctx, "'%s'", name);
}

static const char *list_expected(const Surprise *s) {
  enum { MOST = 5 };
  const char *names[MOST];
  int n = 0;
  for (int k = 0; k < s->n; k++) {
    if (is_noise(s->expected[k])) continue;
    if (n == MOST) return NULL;
    names[n++] = in_words(s->r, s->expected[k]);
  }
  if (!n) return NULL;
  Buf out;
  buf_init(&out, s->r->ctx);
  for (int k = 0; k < n; k++)
    buf_printf(&out, "%s%s", k == 0 ? "" : k + 1 < n ? ", " : " or ", names[k]);
  return buf_text(&out);
}

static _Noreturn void fail_generally(const Surprise *s) {
  Reader *r = s->r;
  const char *list = list_expected(s);
  const char *after = s->before->span.file && s->before->kind != SEP
                          ? str_printf(r->ctx, " after %s", before_text(s))
                          : "";
  if (list)
    stop(s, reserved_help(s),
         str_printf(r->ctx, "expected %s%s, found %s", list, after, s->found));
  stop(s, reserved_help(s), str_printf(r->ctx, "%s cannot stand here", s->found));
}

void slip_unexpected(Reader *r, const char *const *expected, int n) {
  const Surprise s = {r, expected, n, &r->last[0], &r->last[1], found_text(r, &r->last[0])};
  if (could_go_on(&s)) {
    r->incomplete = true;
    return;
  }
  check_side_by_side(&s);
  check_python_words(&s);
  check_punctuation(&s);
  check_item_start(&s);
  check_missing_expression(&s);
  check_missing_part(&s);
  fail_generally(&s);
}
