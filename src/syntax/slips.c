/* slips.c - what people write out of habit from elsewhere, each with its cure.
 * What the grammar or the filter has a special place for is here; everything
 * else that does not fit is in unexpected.c. */
#include <string.h>

#include "syntax/reader.h"
/* after it, for the tokens */
#include "grammar/parser.h"

/* ---- helpers ------------------------------------------------------------ */

const char *slip_quote(Reader *r, Span at) {
  const size_t most = 32;
  size_t n = at.end - at.start;
  const char *text = r->text + at.start;
  if (n <= most) return str_printf(r->ctx, "'%.*s'", (int)n, text);
  n = most;
  while (n && ((unsigned char)text[n] & 0xC0) == 0x80) n--;
  return str_printf(r->ctx, "'%.*s…'", (int)n, text);
}

/* The text of a span as it is, cut where it is long. */
static const char *plain(Reader *r, Span at) {
  const char *quoted = slip_quote(r, at);
  return str_printf(r->ctx, "%.*s", (int)strlen(quoted) - 2, quoted + 1);
}

_Noreturn void fail_with_note(Reader *r, Span at, const char *help, Span where, const char *note,
                              const char *text) {
  diag(r->ctx, SEV_ERROR, at, "%s", text);
  diag(r->ctx, SEV_NOTE, where, "%s", note);
  if (help) diag(r->ctx, SEV_HELP, (Span){0}, "%s", help);
  diag_raise(r->ctx, GC_ERROR);
}

/* ---- slips with a production of their own ------------------------------- */

static const struct { const char *text, *help; } slips[] = {
    [SLIP_CHAIN] = {"comparisons do not chain", "write 0 < x and x < 1"},
    [SLIP_EMPTY_TUPLE] = {"() is empty", "a tuple has at least two parts"},
    [SLIP_ONE_TUPLE] = {"a tuple has at least two parts", "(a) is a itself; leave out the ','"},
    [SLIP_GENERATOR] = {"a 'for' cannot stand in plain parentheses",
                        "an array is written [e for i < n], a reduction sum(e for i < n)"},
    [SLIP_EMPTY_INDEX] = {"an index is missing", "write A[i], or A[:] for all of it"},
    [SLIP_STEP] = {"a slice has no step", "write [x[2*i] for i < n] to take every second element"},
    [SLIP_BOUND] = {"a 'for' counts with '<'", "for i <= n is written for i < n + 1"},
    [SLIP_ASSIGN_CLAUSE] = {"a 'for' has no '='",
                            "write for i < n, for i in a..b (b left out), or for v in xs"},
    [SLIP_FILTER] = {"a 'for' has no filter",
                     "put the condition into the element: sum(if c then e else 0 for i < n)"},
    [SLIP_SECOND_FOR] = {"one 'for' holds all the indices", "write for i < n, j < m"},
    [SLIP_NO_AT_MOST] = {"a loop says how often it may turn",
                         "write loop s = s0 while c at most N { … }"},
    [SLIP_FOLD_CLAUSES] = {"a fold counts over one index", "put a fold into the body of another"},
    [SLIP_EMPTY_BLOCK] = {"{} is empty", "a block ends with its value: { a = e; a*a }"},
    [SLIP_STATEMENT] = {"this stands in a file, not in a block",
                        "print inside it by trace \"x={x}\""},
    [SLIP_FOR_STATEMENT] = {"'for' is not a statement",
                            "an array is written [e for i < n], and what changes from step to "
                            "step fold s = s0 for t < T { … }"},
    [SLIP_WHILE_STATEMENT] = {"'while' is not a statement",
                              "write loop s = s0 while c at most N { … }"},
    [SLIP_RULE_TYPE] = {"a rule has names alone",
                        "the types are those of its function; leave out the ':' and the type"},
    [SLIP_RULE_SEED] = {"the part after ';' is missing",
                        "write custom_gradient f(x, y; up) = (gx, gy), or "
                        "custom_tangent f(x, y; dx, dy) = e"},
    [SLIP_EMPTY_PIECE] = {"nothing stands between these braces",
                          "write {e} to print a value, {{ and }} for braces"},
    [SLIP_INNER_ITEM] = {"this stands in a file, not in a block", "move it out of the braces"},
};

/* Where the `{` around stands on an earlier line, it may be what is wrong. */
static void check_open_block(Reader *r, Span at, Slip which) {
  const Frame *f = &r->frames.at[r->frames.n - 1];
  bool item = which == SLIP_STATEMENT || which == SLIP_INNER_ITEM;
  if (!item || f->open != '{' || !memchr(r->text + f->at.end, '\n', at.start - f->at.end)) return;
  fail_with_note(r, at, str_printf(r->ctx, "close the block with '}', or %s", slips[which].help),
                 f->at, "the '{' opened here is still open", slips[which].text);
}

_Noreturn void slip(Reader *r, Span at, Slip which) {
  check_open_block(r, at, which);
  fail_at(r->ctx, at, slips[which].help, "%s", slips[which].text);
}

/* ---- operators of other languages --------------------------------------- */

static const char compound[] = "a name is bound once; what changes from step to step is a fold, "
                               "and `A with [i] = e` is A with a part replaced";

static const struct { const char *op, *help; } operators[] = {
    {"&", "write 'and'"},
    {"&&", "write 'and'"},
    {"|", "write 'or'"},
    {"||", "write 'or'"},
    {"!", "write 'not'"},
    {"~", "write 'not'"},
    {"?", "write if c then a else b"},
    {"$", NULL},
    {":=", "write '='"},
    {"=>", "a function is written x -> e, a comparison a >= b"},
    {"<>", "write '!='"},
    {"=<", "write '<='"},
    {"===", "write '=='"},
    {"!==", "write '!='"},
    {"++", "write x + 1; there is no unary '+'"},
    {"...", "leave the other axes out: x[0] is row 0; name them by ':' where they come first: "
            "x[:, 0]"},
    {"::", "a slice has no step; write [x[2*i] for i < n] to take every second element"},
    {"/*", "a comment begins with '#' and goes to the end of the line"},
};

_Noreturn void slip_operator(Reader *r, Span at) {
  const char *op = plain(r, at), *help = compound;
  for (size_t k = 0; k < sizeof operators / sizeof *operators; k++)
    if (!strcmp(op, operators[k].op)) help = operators[k].help;
  fail_at(r->ctx, at, help, "there is no '%s'", op);
}

/* ---- characters --------------------------------------------------------- */

static const struct { const char *from, *to; } lookalikes[] = {
    {"×", "write '*'"},     {"·", "write '*'"},     {"⋅", "write '*'"},
    {"÷", "write '/'"},     {"−", "write '-'"},     {"–", "write '-'"},
    {"—", "write '-'"},     {"≤", "write '<='"},    {"≥", "write '>='"},
    {"≠", "write '!='"},    {"→", "write '->'"},    {"π", "write 'pi'"},
    {"∞", "write 'inf'"},   {"²", "write '^2'"},    {"³", "write '^3'"},
    {"√", "write sqrt(x)"}, {"∑", "write sum(e for i < n)"},
    {"“", "write '\"'"},    {"”", "write '\"'"},    {"„", "write '\"'"},
    {"‘", "texts stand in '\"'"}, {"’", "a derivative is written f'(x)"},
    {"\xC2\xA0", "this is a blank that does not break; write a plain one"},
};

_Noreturn void slip_character(Reader *r, Span at) {
  const char *help = NULL;
  while (((unsigned char)r->text[at.end] & 0xC0) == 0x80) at.end++;
  size_t n = at.end - at.start;
  if (n > 1) help = "names are made of the letters a to z and A to Z, digits and '_'";
  for (size_t k = 0; k < sizeof lookalikes / sizeof *lookalikes; k++)
    if (strlen(lookalikes[k].from) == n && !memcmp(lookalikes[k].from, r->text + at.start, n))
      help = lookalikes[k].to;
  fail_at(r->ctx, at, help, "%s cannot stand here", slip_quote(r, at));
}

/* ---- brackets ----------------------------------------------------------- */

_Noreturn void slip_closer(Reader *r, Span at, const Frame *open) {
  const char *closer = slip_quote(r, at);
  if (!open->open)
    fail_at(r->ctx, at, "remove it, or open it earlier", "%s closes nothing", closer);
  const char *opener = slip_quote(r, open->at);
  fail_with_note(r, at, NULL, open->at, str_printf(r->ctx, "%s is opened here", opener),
                 str_printf(r->ctx, "%s does not close %s", closer, opener));
}

_Noreturn void slip_unclosed(Reader *r, const Frame *open) {
  const char *closer = open->open == '(' ? ")" : open->open == '[' ? "]" : "}";
  fail_at(r->ctx, open->at, str_printf(r->ctx, "add the '%s'", closer), "this %s is never closed",
          slip_quote(r, open->at));
}

/* ---- neighbours --------------------------------------------------------- */

/* sin^2(x), or x^-1(y): a power directly before the bracket. */
static bool is_power_of_function(const Reader *r) {
  const Token *before = r->last + (r->last[1].kind == '-' ? 2 : 1);
  return before->kind == '^' && before[1].kind == NAME;
}

static _Noreturn void fail_number_call(Reader *r, const Token *t) {
  const Token *number = &r->last[0];
  const char *n = plain(r, number->span);
  if (!is_power_of_function(r))
    fail_at(r->ctx, t->span, str_printf(r->ctx, "write %s*(…)", n),
            "a product needs its '*'; a number cannot be called");
  bool minus = r->last[1].kind == '-';
  Span name = r->last[minus ? 3 : 2].span;
  fail_at(r->ctx, span_join(name, number->span),
          str_printf(r->ctx, "the power of a value is written %s(x)^%s%s, a product with '*'",
                     plain(r, name), minus ? "-" : "", n),
          "a number cannot be called");
}

static _Noreturn void fail_number_name(Reader *r, const Token *t) {
  Span number = r->last[0].span;
  Span both = span_join(number, t->span);
  const char *n = plain(r, number), *name = plain(r, t->span);
  if (name[0] == '_')
    fail_at(r->ctx, both, "leave out the '_'", "a number is written without '_'");
  if (!strcmp(n, "0") && strchr("xXbBoO", name[0]))
    fail_at(r->ctx, both, "write it in decimal", "numbers are decimal");
  fail_at(r->ctx, both, str_printf(r->ctx, "write %s*%s", n, name), "a product needs its '*'");
}

void slip_neighbours(Reader *r, const Token *t) {
  if (r->last[0].kind != NUMBER) return;
  if (t->kind == '(') fail_number_call(r, t);
  if (t->kind == NAME && t->span.start == r->last[0].span.end) fail_number_name(r, t);
}

void slip_prime(Reader *r, const Token *t, const Token *next) {
  const Token *before = &r->last[0];
  bool touches = before->span.end == t->span.start && before->span.file;
  if (!touches || !(before->kind == NAME || before->kind == ')' || before->kind == ']'))
    fail_at(r->ctx, t->span, "write it in '\"': print \"text\"",
            "texts do not stand in single quotes");
  const char *help = "the transpose of A is A.T; the derivative of f is called: f'(x), "
                     "and passed on as x -> f'(x)";
  if (before->kind != NAME || next->kind != '(' || next->newline_before)
    fail_at(r->ctx, t->span, help, "a prime belongs between a function's name and its argument");
}
