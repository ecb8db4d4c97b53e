/* read.c - a dump back into a program; docs/ir.md has the grammar, print.c its mirror.
 *
 * The text is built through the constructors of build.c, so what comes back is a program
 * like any other: consed, folded, verified.  Newlines do not count, `#` starts a comment,
 * literals may stand wherever a scalar may.  A mistake in the text is an error at its place.
 * Linear in the text; recursion over the nesting of regions and shapes only. */
#include "ir/ir.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef enum TokenKind {
  TOK_END, TOK_VALUE, TOK_WORD, TOK_STRING, TOK_INT, TOK_REAL, TOK_SIGN
} TokenKind;

typedef struct Token {
  TokenKind kind;
  Span at;
  const char *text;   /* WORD STRING SIGN: interned; INT REAL: the digits */
  uint32_t number;    /* VALUE */
} Token;

typedef struct Reader {
  Ctx *c;
  Prog *p;
  const Source *src;
  uint32_t file, depth;
  size_t next;        /* first byte not yet scanned */
  Token tok;          /* the token at hand */
  VEC(Ref) value;     /* node of %number, 0 while it has none */
} Reader;

typedef VEC(Ref) RefVec;

/* The line being read, as it was introduced. */
typedef struct Line {
  bool derivative;
  Span at;
  const Type *type;   /* NULL where the dump does not say */
} Line;

/* ---- scanner ---------------------------------------------------------------- */

static _Noreturn void wrong(Reader *r, const char *wanted) {
  fail_at(r->c, r->tok.at, "docs/ir.md describes the syntax of dumps", "%s expected here", wanted);
}

static void skip_blanks(Reader *r) {
  const char *s = r->src->text;
  for (;;) {
    while (isspace((unsigned char)s[r->next])) r->next++;
    if (s[r->next] != '#') return;
    while (r->next < r->src->size && s[r->next] != '\n') r->next++;
  }
}

static void scan_string(Reader *r, Token *t) {
  const char *s = r->src->text;
  size_t i = r->next + 1;
  Buf b;
  buf_init(&b, r->c);
  for (; s[i] != '"'; i++) {
    if (i >= r->src->size) wrong(r, "a closing \"");
    char ch = s[i];
    if (ch == '\\' && i + 1 < r->src->size) {
      ch = s[++i];
      if (ch == 'n') ch = '\n';
      if (ch == 't') ch = '\t';
    }
    buf_add(&b, &ch, 1);
  }
  t->kind = TOK_STRING;
  t->text = intern(r->c, buf_text(&b), b.n);
  r->next = i + 1;
}

static void scan_number(Reader *r, Token *t) {
  const char *s = r->src->text;
  size_t i = r->next;
  t->kind = TOK_INT;
  while (isdigit((unsigned char)s[i])) i++;
  if (s[i] == '.' && isdigit((unsigned char)s[i + 1])) {
    t->kind = TOK_REAL;
    for (i++; isdigit((unsigned char)s[i]);) i++;
  }
  size_t e = i + 1 + (s[i] == 'e' && (s[i + 1] == '+' || s[i + 1] == '-'));
  if (s[i] == 'e' && isdigit((unsigned char)s[e])) {
    t->kind = TOK_REAL;
    for (i = e; isdigit((unsigned char)s[i]);) i++;
  }
  t->text = intern(r->c, s + r->next, i - r->next);
  r->next = i;
}

static void scan_word(Reader *r, Token *t) {
  const char *s = r->src->text;
  size_t i = r->next;
  while (isalnum((unsigned char)s[i]) || s[i] == '_') i++;
  t->kind = TOK_WORD;
  t->text = intern(r->c, s + r->next, i - r->next);
  r->next = i;
}

/* %12.  No dump needs a number larger than its text has bytes. */
static void scan_value(Reader *r, Token *t) {
  const char *s = r->src->text;
  uint64_t number = 0;
  for (r->next++; isdigit((unsigned char)s[r->next]); r->next++)
    if (number <= r->src->size) number = 10 * number + (uint64_t)(s[r->next] - '0');
  if (number > r->src->size || number >= UINT32_MAX) wrong(r, "a smaller number");
  t->kind = TOK_VALUE;
  t->number = (uint32_t)number;
}

static void scan_sign(Reader *r, Token *t) {
  static const char *const pairs[] = {"=>", "==", "!=", "<=", ">=", "//", "+="};
  const char *s = r->src->text + r->next;
  size_t n = 1;
  for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
    if (strncmp(s, pairs[k], 2) == 0) n = 2;
  t->kind = TOK_SIGN;
  t->text = intern(r->c, s, n);
  r->next += n;
}

static void advance(Reader *r) {
  skip_blanks(r);
  Token *t = &r->tok;
  const char *s = r->src->text + r->next;
  uint32_t start = (uint32_t)r->next;
  *t = (Token){.at = {r->file, start, start + 1}, .text = ""};
  if (r->next >= r->src->size) t->kind = TOK_END;
  else if (*s == '"') scan_string(r, t);
  else if (*s == '%' && isdigit((unsigned char)s[1])) scan_value(r, t);
  else if (isdigit((unsigned char)*s)) scan_number(r, t);
  else if (isalpha((unsigned char)*s) || *s == '_') scan_word(r, t);
  else scan_sign(r, t);
  if (t->kind != TOK_END) t->at.end = (uint32_t)r->next;
}

static bool at_sign(const Reader *r, const char *s) {
  return r->tok.kind == TOK_SIGN && strcmp(r->tok.text, s) == 0;
}

static bool at_word(const Reader *r, const char *s) {
  return r->tok.kind == TOK_WORD && strcmp(r->tok.text, s) == 0;
}

static bool take_sign(Reader *r, const char *s) {
  bool here = at_sign(r, s);
  if (here) advance(r);
  return here;
}

static bool take_word(Reader *r, const char *s) {
  bool here = at_word(r, s);
  if (here) advance(r);
  return here;
}

static void need_sign(Reader *r, const char *s) {
  if (!take_sign(r, s)) wrong(r, s);
}

static const char *need_string(Reader *r) {
  const char *text = r->tok.text;
  if (r->tok.kind != TOK_STRING) wrong(r, "a text in quotes");
  advance(r);
  return text;
}

static const char *need_name(Reader *r) {
  const char *text = r->tok.text;
  if (r->tok.kind != TOK_STRING && r->tok.kind != TOK_WORD) wrong(r, "a name");
  advance(r);
  return text;
}

static void enter(Reader *r) {
  uint32_t most = r->c->limits.depth ? r->c->limits.depth : 1000;
  if (++r->depth > most) fail_at(r->c, r->tok.at, NULL, "the dump is nested too deeply");
}

/* ---- values, sizes, types ---------------------------------------------------- */

static void define(Reader *r, uint32_t number, Span at, Ref ref) {
  while (r->value.n <= number) VEC_PUSH(r->c, &r->value, 0);
  if (r->value.at[number])
    fail_at(r->c, at, "give it a number of its own", "%%%u is defined twice", number);
  r->value.at[number] = ref;
}

static Ref need_value(Reader *r) {
  if (r->tok.kind != TOK_VALUE) wrong(r, "a value, as %3,");
  uint32_t k = r->tok.number;
  Ref ref = k < r->value.n ? r->value.at[k] : 0;
  if (!ref || !ir_in_scope(r->p, ref, r->p->cur))
    fail_at(r->c, r->tok.at, "a value is defined above its use, in this region or one around it",
            "%%%u is not known here", k);
  advance(r);
  return ref;
}

static int64_t need_int(Reader *r, bool negative) {
  if (r->tok.kind != TOK_INT) wrong(r, "a whole number");
  errno = 0;
  uint64_t x = strtoull(r->tok.text, NULL, 10);
  if (errno || x > (uint64_t)INT64_MAX + negative)
    fail_at(r->c, r->tok.at, NULL, "the number does not fit into 64 bits");
  advance(r);
  return (int64_t)(negative ? 0 - x : x);
}

static bool at_literal(const Reader *r) {
  return r->tok.kind == TOK_INT || r->tok.kind == TOK_REAL || at_sign(r, "-") ||
         at_word(r, "true") || at_word(r, "false") || at_word(r, "inf") || at_word(r, "nan");
}

static double need_real(Reader *r, bool negative) {
  double x;
  if (at_word(r, "inf") || at_word(r, "nan") || r->tok.kind == TOK_REAL)
    x = strtod(r->tok.text, NULL);
  else
    wrong(r, "a real number");
  advance(r);
  return negative ? -x : x;
}

static Ref read_literal(Reader *r) {
  if (take_word(r, "true")) return ir_bool(r->p, true);
  if (take_word(r, "false")) return ir_bool(r->p, false);
  bool negative = take_sign(r, "-");
  if (r->tok.kind == TOK_INT) return ir_int(r->p, need_int(r, negative));
  return ir_real(r->p, need_real(r, negative));
}

static Ref read_operand(Reader *r) {
  return at_literal(r) ? read_literal(r) : need_value(r);
}

/* a, b, … up to the closing sign. */
static void read_operands(Reader *r, RefVec *list, const char *close) {
  while (!take_sign(r, close)) {
    if (list->n) need_sign(r, ",");
    VEC_PUSH(r->c, list, read_operand(r));
  }
}

/* 1/2*%3^2*%4 */
static Size read_mono(Reader *r, bool negative) {
  Size s = size_const(r->p, 1);
  int64_t num = 1, den = 1;
  bool first = true;
  if (r->tok.kind == TOK_INT) {
    num = need_int(r, false);
    if (take_sign(r, "/")) den = need_int(r, false);
    if (den == 0) wrong(r, "a divisor other than 0");
    first = false;
  }
  for (; first || take_sign(r, "*"); first = false) {
    Size atom = size_atom(r->p, need_value(r));
    int64_t exp = take_sign(r, "^") ? need_int(r, false) : 1;
    if (exp > 64) wrong(r, "an exponent of at most 64");
    while (exp-- > 0) s = size_mul(r->p, s, atom);
  }
  return size_scale(r->p, s, negative ? -num : num, den);
}

static Size read_size(Reader *r) {
  Size s = read_mono(r, take_sign(r, "-"));
  for (;;) {
    if (take_sign(r, "+")) s = size_add(r->p, s, read_mono(r, false));
    else if (take_sign(r, "-")) s = size_add(r->p, s, read_mono(r, true));
    else return s;
  }
}

static const Type *read_type(Reader *r) {
  bool acc = take_word(r, "acc");
  Elem e = ELEM_REAL;
  if (take_word(r, "int")) e = ELEM_INT;
  else if (take_word(r, "bool")) e = ELEM_BOOL;
  else if (!take_word(r, "real")) wrong(r, "a type");
  Size dim[MAX_RANK];
  uint32_t rank = 0;
  if (take_sign(r, "[")) {
    do {
      if (rank == MAX_RANK) wrong(r, "an array of at most 16 axes");
      dim[rank++] = read_size(r);
    } while (take_sign(r, ","));
    need_sign(r, "]");
  }
  const Type *t = rank ? type_array(r->p, e, rank, dim) : type_scalar(r->p, e);
  return acc ? type_acc(r->p, t) : t;
}

static const char *type_as_text(Reader *r, const Type *t) {
  if (!t) return "no value";
  Buf b;
  buf_init(&b, r->c);
  type_text(r->p, t, &b);
  return buf_text(&b);
}

static const Type *need_type(Reader *r, const Line *line, const char *what) {
  if (!line->type || line->type->acc)
    fail_at(r->c, line->at, "write it as %3: real[2] = …", "%s needs its type", what);
  return line->type;
}

/* ---- attributes ---------------------------------------------------------------- */

static Shape *read_shape(Reader *r);

static void read_shape_kids(Reader *r, Shape *s) {
  VEC(const char *) field = {0};
  VEC(Shape *) kid = {0};
  s->kind = SHAPE_TUPLE;
  while (!take_sign(r, ")")) {
    if (kid.n) need_sign(r, ",");
    bool named = r->tok.kind == TOK_STRING ||
                 (r->tok.kind == TOK_WORD && !at_word(r, "_") && !at_word(r, "none"));
    if (named) {
      s->kind = SHAPE_RECORD;
      VEC_PUSH(r->c, &field, need_name(r));
      need_sign(r, "=");
    }
    VEC_PUSH(r->c, &kid, read_shape(r));
  }
  if (s->kind == SHAPE_RECORD && field.n != kid.n) wrong(r, "a record with a name for each field");
  s->n = kid.n;
  s->kid = kid.at;
  s->field = s->kind == SHAPE_RECORD ? field.at : NULL;
}

static Shape *read_shape(Reader *r) {
  Shape *s = NEW(r->c, Shape);
  enter(r);
  if (take_word(r, "_")) {
    s->kind = SHAPE_LEAF;
  } else if (take_word(r, "none")) {
    s->kind = SHAPE_NONE;
    if (r->tok.kind == TOK_STRING) s->why = need_string(r);
  } else {
    need_sign(r, "(");
    read_shape_kids(r, s);
  }
  r->depth--;
  return s;
}

static Piece read_piece(Reader *r) {
  Piece piece = {0};
  if (r->tok.kind == TOK_STRING) {
    piece.text = need_string(r);
    return piece;
  }
  need_sign(r, "{");
  piece.shape = read_shape(r);
  if (take_word(r, "format")) piece.format = need_string(r);
  need_sign(r, "}");
  return piece;
}

static TextAttr *read_text(Reader *r) {
  TextAttr *t = NEW(r->c, TextAttr);
  VEC(Piece) piece = {0};
  while (r->tok.kind == TOK_STRING || at_sign(r, "{")) VEC_PUSH(r->c, &piece, read_piece(r));
  t->n = piece.n;
  t->piece = piece.at;
  t->newline_pieces = take_word(r, "list");
  if (take_word(r, "source")) t->source = need_string(r);
  return t;
}

static AssertAttr *read_assertion(Reader *r) {
  AssertAttr *a = NEW(r->c, AssertAttr);
  a->equality = take_word(r, "equal");
  if (take_sign(r, "{")) {
    a->shape = read_shape(r);
    need_sign(r, "}");
  }
  if (take_word(r, "source")) a->source = need_string(r);
  return a;
}

static CustomAttr *read_custom(Reader *r, uint32_t nargs) {
  CustomAttr *a = NEW(r->c, CustomAttr);
  a->tangent = take_word(r, "tangent");
  if (!a->tangent && !take_word(r, "gradient")) wrong(r, "gradient or tangent");
  a->name = need_string(r);
  a->has_value = take_word(r, "value");
  a->gives = NEWN(r->c, bool, nargs + 1);
  if (!take_word(r, "for")) wrong(r, "for (yes, no, …)");
  need_sign(r, "(");
  for (uint32_t k = 0; k < nargs; k++) {
    if (k) need_sign(r, ",");
    a->gives[k] = take_word(r, "yes");
    if (!a->gives[k] && !take_word(r, "no")) wrong(r, "yes or no");
  }
  need_sign(r, ")");
  return a;
}

/* ---- regions -------------------------------------------------------------------- */

typedef struct Block {
  Region *region;
  VEC(Combiner) comb;  /* of the results that have one: the last ones */
} Block;

static void read_line(Reader *r);

static void read_params(Reader *r) {
  need_sign(r, "(");
  for (uint32_t k = 0; !take_sign(r, ")"); k++) {
    if (k) need_sign(r, ",");
    Token t = r->tok;
    if (t.kind != TOK_VALUE) wrong(r, "a parameter, as %3: real,");
    advance(r);
    const char *name = at_sign(r, ":") ? NULL : need_name(r);
    need_sign(r, ":");
    r->p->pos = t.at;
    Ref ref = ir_param(r->p, read_type(r));
    ir_node(r->p, ref)->name = name;
    define(r, t.number, t.at, ref);
  }
}

static bool take_combiner(Reader *r, Combiner *comb) {
  static const char *const text[] = {
    "build", "sum", "prod", "max", "min", "any", "all", "argmax", "argmin",
  };
  for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
    if (!take_word(r, text[k])) continue;
    *comb = (Combiner)k;
    return true;
  }
  return false;
}

static void read_results(Reader *r, Block *b) {
  do {
    Combiner comb;
    if (take_combiner(r, &comb)) VEC_PUSH(r->c, &b->comb, comb);
    else if (b->comb.n) wrong(r, "build, sum or another combiner");
    ir_result(r->p, read_operand(r));
  } while (take_sign(r, ","));
}

static void read_body(Reader *r, Block *b) {
  need_sign(r, "{");
  while (!at_sign(r, "}") && !at_sign(r, "=>")) read_line(r);
  if (take_sign(r, "=>")) read_results(r, b);
  need_sign(r, "}");
}

static Block read_block(Reader *r, bool params) {
  Block b = {0};
  enter(r);
  b.region = ir_begin(r->p);
  if (params) read_params(r);
  read_body(r, &b);
  ir_end(r->p);
  r->depth--;
  return b;
}

/* ---- operations -------------------------------------------------------------------- */

static void resume(Reader *r, const Line *line) {
  r->p->derivative = line->derivative;
  r->p->pos = line->at;
}

static void need_args(Reader *r, const Line *line, const RefVec *a, uint32_t least, uint32_t most) {
  if (a->n < least || a->n > most)
    fail_at(r->c, line->at, NULL, "%u operands are wrong here, %u are needed", a->n, least);
}

static void need_combiners(Reader *r, const Line *line, const Block *b, uint32_t plain) {
  if (b->region->results.n - b->comb.n != plain)
    fail_at(r->c, line->at, "the outputs after those have a combiner: build, sum, …",
            "%u plain results are needed here", plain);
}

static Ref read_structured(Reader *r, const Line *line, Op op, RefVec *a) {
  CustomAttr *custom = op == IR_CUSTOM ? read_custom(r, a->n) : NULL;
  Span io_at = r->tok.at;
  bool io = take_word(r, "io"), two = op == IR_IF || op == IR_WHILE || op == IR_CUSTOM;
  Block b = read_block(r, op != IR_IF), b2 = {0};
  if (op == IR_IF && !take_word(r, "else")) wrong(r, "else");
  if (two) b2 = read_block(r, op != IR_IF);
  resume(r, line);
  need_args(r, line, a, op == IR_IF || op == IR_FOLD || op == IR_WHILE, UINT32_MAX);
  if (op == IR_LOOP) need_combiners(r, line, &b, 0);
  if (op == IR_FOLD) need_combiners(r, line, &b, a->n - 1);
  Ref ref = 0;
  switch (op) {
    case IR_IF: ref = ir_if(r->p, a->at[0], b.region, b2.region); break;
    case IR_LOOP: ref = ir_loop(r->p, a->n, a->at, b.region, b.comb.at); break;
    case IR_FOLD:
      ref = ir_fold(r->p, a->at[0], a->n - 1, a->at + 1, b.region, b.comb.at);
      break;
    case IR_WHILE:
      ref = ir_while(r->p, a->at[0], a->n - 1, a->at + 1, b.region, b2.region);
      break;
    case IR_ACCUM: ref = ir_accum(r->p, a->n, a->at, b.region); break;
    default:
      custom->nresults = b.region->results.n;
      ref = ir_custom(r->p, a->n, a->at, b.region, b2.region, custom);
  }
  if (io && !(ir_node(r->p, ref)->flags & NODE_IO))
    fail_at(r->c, io_at, "leave out io", "nothing in it has an effect");
  return ref;
}

static const void *data_elements(Reader *r, const Type *t, uint32_t *count) {
  VEC(double) reals = {0};
  VEC(int64_t) ints = {0};
  for (uint32_t k = 0; !take_sign(r, ")"); k++) {
    if (k) need_sign(r, ",");
    if (t->elem == ELEM_BOOL) {
      bool yes = take_word(r, "true");
      if (!yes && !take_word(r, "false")) wrong(r, "true or false");
      VEC_PUSH(r->c, &ints, yes);
      continue;
    }
    bool negative = take_sign(r, "-");
    if (t->elem == ELEM_INT) VEC_PUSH(r->c, &ints, need_int(r, negative));
    else VEC_PUSH(r->c, &reals, need_real(r, negative));
  }
  *count = t->elem == ELEM_REAL ? reals.n : ints.n;
  return t->elem == ELEM_REAL ? (const void *)reals.at : (const void *)ints.at;
}

static Ref read_data(Reader *r, const Line *line) {
  const Type *t = need_type(r, line, "data");
  int64_t count = 1, dim = -1;
  for (uint32_t k = 0; k < t->rank; k++)
    count *= size_is_const(t->dim[k], &dim) && dim <= INT32_MAX && count <= INT32_MAX ? dim : -1;
  uint32_t n = 0;
  need_sign(r, "(");
  const void *elements = data_elements(r, t, &n);
  if (count != (int64_t)n)
    fail_at(r->c, line->at, NULL, "%u elements do not fill %s", n, type_as_text(r, t));
  return ir_data(r->p, t, elements);
}

static Ref read_prim(Reader *r, const Line *line, const char *name, RefVec *a) {
  for (uint32_t id = 0; id < PRIM_COUNT; id++) {
    const Prim *prim = prim_get(id);
    if (strcmp(prim->name, name) != 0) continue;
    need_args(r, line, a, prim->arity, prim->arity);
    return ir_prim(r->p, id, a->at);
  }
  fail_at(r->c, line->at, "docs/ir.md lists the operators", "no operator is called '%s'", name);
}

/* Operators with plain operands, by name; 0 after an effect. */
static Ref read_plain(Reader *r, const Line *line, const char *name, Op op, RefVec *a) {
  Prog *p = r->p;
  uint32_t least = op == IR_SCALE || op == IR_STRAIGHT ? 2 : 1;
  bool any = op == IR_STACK || op == IR_TIE || op == IR_TRACE || op == IR_PRINT || op == IR_ASSERT;
  if (op == IR_TRACE || op == IR_PRINT) least = 0;
  if (op != IR_OP_COUNT) need_args(r, line, a, least, any ? UINT32_MAX : least);
  switch (op) {
    case IR_TOREAL: return ir_toreal(p, a->at[0]);
    case IR_TOINT: return ir_toint(p, a->at[0]);
    case IR_STACK: return ir_stack(p, a->n, a->at);
    case IR_RESHAPE: return ir_reshape(p, a->at[0], need_type(r, line, name));
    case IR_FILL: return ir_fill(p, a->at[0], need_type(r, line, name));
    case IR_VAR: return ir_var(p, a->at[0]);
    case IR_TIE: return ir_tie(p, a->at[0], a->n - 1, a->at + 1);
    case IR_STOP: return ir_stop(p, a->at[0]);
    case IR_SCALE: return ir_scale(p, a->at[0], a->at[1], take_word(r, "reversal"));
    case IR_STRAIGHT: return ir_straight(p, a->at[0], a->at[1]);
    case IR_TRACE:
    case IR_PRINT: ir_text(p, op, read_text(r), a->n, a->at); return 0;
    case IR_ASSERT: ir_assert(p, read_assertion(r), a->n, a->at); return 0;
    case IR_CHECK: ir_check(p, a->at[0], need_string(r)); return 0;
    default: return read_prim(r, line, name, a);
  }
}

static Op find_op(const char *name) {
  static const char *const text[] = {
#define X(op, text) text,
    IR_OPS(X)
#undef X
  };
  for (uint32_t k = 0; k < IR_OP_COUNT; k++)
    if (strcmp(text[k], name) == 0) return (Op)k;
  return IR_OP_COUNT;
}

/* name(a, b) …: everything that begins with a word. */
static Ref read_named(Reader *r, const Line *line) {
  const char *name = need_name(r);
  Op op = find_op(name);
  if (op == IR_DATA) return read_data(r, line);
  RefVec a = {0};
  need_sign(r, "(");
  read_operands(r, &a, ")");
  resume(r, line);
  switch (op) {
    case IR_IF: case IR_LOOP: case IR_FOLD: case IR_WHILE: case IR_ACCUM: case IR_CUSTOM:
      return read_structured(r, line, op, &a);
    default: return read_plain(r, line, name, op, &a);
  }
}

/* What follows `a[`; 0 after an update. */
static Ref read_subscripted(Reader *r, Ref array) {
  RefVec index = {0};
  read_operands(r, &index, "]");
  if (take_sign(r, "+=")) {
    Ref v = read_operand(r);
    ir_upd(r->p, array, v, index.n, index.at, take_word(r, "checked"));
    return 0;
  }
  return ir_read(r->p, array, index.n, index.at, take_word(r, "checked"));
}

static Ref read_with(Reader *r, Ref array) {
  RefVec index = {0};
  need_sign(r, "[");
  read_operands(r, &index, "]");
  need_sign(r, "=");
  Ref v = read_operand(r);
  return ir_with(r->p, array, v, index.n, index.at, take_word(r, "checked"));
}

static Ref read_infix(Reader *r, const Line *line, Ref a) {
  bool infix = r->tok.kind == TOK_SIGN && (at_sign(r, "==") || !strchr("'}=", r->tok.text[0]));
  if (!infix) return a;
  const char *sign = r->tok.text;
  advance(r);
  RefVec both = {0};
  VEC_PUSH(r->c, &both, a);
  VEC_PUSH(r->c, &both, read_operand(r));
  return read_prim(r, line, sign, &both);
}

/* Everything that begins with an operand. */
static Ref read_operation(Reader *r, const Line *line) {
  if (r->tok.kind == TOK_WORD && !at_literal(r)) return read_named(r, line);
  Ref a = read_operand(r);
  resume(r, line);
  if (take_sign(r, "[")) return read_subscripted(r, a);
  if (take_word(r, "with")) return read_with(r, a);
  if (take_sign(r, ".")) {
    int64_t k = need_int(r, false);
    if (!ir_is_structured(r->p, a) || k >= (int64_t)ir_node(r->p, a)->nresults)
      fail_at(r->c, line->at, NULL, "there is no such result");
    return ir_out(r->p, a, (uint32_t)k);
  }
  return read_infix(r, line, a);
}

/* ---- lines ---------------------------------------------------------------------------- */

static void check_type(Reader *r, const Line *line, Ref ref) {
  const Type *t = ir_type(r->p, ref);
  if (line->type && t != line->type)
    fail_at(r->c, line->at, NULL, "the dump says %s, the operation gives %s",
            type_as_text(r, line->type), type_as_text(r, t));
}

/* The rest of `%7 name: type = operation`. */
static void read_definition(Reader *r, Line *line, uint32_t number) {
  const char *name = NULL;
  if (r->tok.kind == TOK_WORD || r->tok.kind == TOK_STRING) name = need_name(r);
  if (take_sign(r, ":")) line->type = read_type(r);
  need_sign(r, "=");
  resume(r, line);
  Ref ref = read_operation(r, line);
  if (!ref) fail_at(r->c, line->at, "leave out the value's name", "an effect has no value");
  check_type(r, line, ref);
  if (name && !ir_node(r->p, ref)->name) ir_node(r->p, ref)->name = name;
  define(r, number, line->at, ref);
}

static void read_line(Reader *r) {
  Line line = {.derivative = take_sign(r, "'"), .at = r->tok.at};
  Token t = r->tok;
  if (t.kind == TOK_END) wrong(r, "}");
  if (t.kind != TOK_VALUE) {
    resume(r, &line);
    if (t.kind != TOK_WORD) wrong(r, "a definition or an effect");
    if (read_named(r, &line)) fail_at(r->c, line.at, "write %3 = …", "the value has no name");
    return;
  }
  advance(r);
  if (!at_sign(r, "[")) {
    read_definition(r, &line, t.number);
    return;
  }
  Ref handle = t.number < r->value.n ? r->value.at[t.number] : 0;
  if (!handle || !ir_in_scope(r->p, handle, r->p->cur) || !ir_type(r->p, handle) ||
      !ir_type(r->p, handle)->acc)
    fail_at(r->c, t.at, NULL, "%%%u is not an accumulator that is known here", t.number);
  advance(r);
  resume(r, &line);
  if (read_subscripted(r, handle)) fail_at(r->c, line.at, "write %3 = …", "the value has no name");
}

/* ---- the program ------------------------------------------------------------------------ */

static void read_takes(Reader *r) {
  do {
    SigParam s = {.pos = r->tok.at};
    Token t = r->tok;
    s.name = need_name(r);
    if (t.kind == TOK_WORD && strcmp(s.name, "size") == 0 && !at_sign(r, "=")) {
      s.is_size = true;
      s.name = need_name(r);
    }
    need_sign(r, "=");
    s.ref = need_value(r);
    prog_param(r->p, s);
  } while (take_sign(r, ","));
}

static void read_gives(Reader *r) {
  do {
    SigResult s = {.name = need_name(r)};
    need_sign(r, "=");
    s.ref = take_word(r, "none") ? 0 : read_operand(r);
    prog_result(r->p, s);
  } while (take_sign(r, ","));
}

static void read_head(Reader *r) {
  Sig *s = &r->p->sig;
  if (!take_word(r, "program")) wrong(r, "program");
  if (r->tok.kind == TOK_STRING) s->name = need_string(r);
  r->p->erased = take_word(r, "erased");
  if (take_word(r, "doc")) s->doc = need_string(r);
  if (take_word(r, "source")) s->source = need_string(r);
}

Prog *ir_read_text(Ctx *c, uint32_t file) {
  Reader r = {.c = c, .file = file, .src = source_get(c, file)};
  r.p = prog_new(c);
  advance(&r);
  read_head(&r);
  read_params(&r);
  Block root = {.region = r.p->root};
  read_body(&r, &root);
  if (root.comb.n) wrong(&r, "plain results");
  if (take_word(&r, "takes")) read_takes(&r);
  if (take_word(&r, "gives")) read_gives(&r);
  if (r.tok.kind != TOK_END) wrong(&r, "the end of the dump");
  r.p->derivative = false;
  r.p->pos = (Span){0};
  return r.p;
}
