/* print.c - the tree as text in the language again.
 *
 * Gives: a text that parses to the same tree, with parentheses only where they
 * are needed.  The work still to do is kept on a stack of its own, so that a
 * tree may be as deep as memory allows; each node puts its parts on it. */
#include <math.h>
#include <string.h>

#include "syntax/syntax.h"

/* How tightly a phrase binds; a part is put in parentheses where its own level
 * is below what its place asks for. */
typedef enum Level {
  L_EXPR, L_WITH, L_OR, L_AND, L_NOT, L_COMPARE, L_SUM, L_PRODUCT, L_UNARY, L_POWER, L_POSTFIX,
  L_PRIMARY,
} Level;

/* Blocks nested deeper than this, and those in a text, stand on one line. */
enum { INDENT_MOST = 20, FLAT = 1000 };

/* One thing to be printed: a node, a text, a number, or a new line. */
typedef struct Job {
  const Ast *a;
  const char *text;
  Level level;
  uint32_t indent;
  bool line;
  bool quoted; /* text stands between '"' */
} Job;

typedef struct Printer {
  Ctx *c;
  Buf *out;
  VEC(Job) jobs;
  uint32_t indent; /* of the node at hand */
} Printer;

/* ---- putting parts on the stack ------------------------------------------- */

static void say(Printer *p, const char *text) {
  VEC_PUSH(p->c, &p->jobs, ((Job){.text = text}));
}

static void put(Printer *p, const Ast *a, Level level) {
  if (a) VEC_PUSH(p->c, &p->jobs, ((Job){.a = a, .level = level, .indent = p->indent}));
}

static void quote(Printer *p, const char *text) {
  VEC_PUSH(p->c, &p->jobs, ((Job){.text = text, .quoted = true}));
}

/* A new line, or what stands for it on one line. */
static void new_line(Printer *p, uint32_t indent, const char *flat) {
  Job job = {.text = flat, .indent = indent, .line = indent <= INDENT_MOST};
  VEC_PUSH(p->c, &p->jobs, job);
}

static void put_list(Printer *p, const Ast *a, uint32_t from, const char *between, Level level) {
  for (uint32_t k = from; k < a->nkids; k++) {
    if (k > from) say(p, between);
    put(p, a->kid[k], level);
  }
}

static void put_bracketed(Printer *p, const char *open, const Ast *a, uint32_t from,
                          const char *close) {
  say(p, open);
  put_list(p, a, from, ", ", L_EXPR);
  say(p, close);
}

static void put_type(Printer *p, const Ast *type) {
  if (type) say(p, ": ");
  put(p, type, L_EXPR);
}

/* ---- levels ---------------------------------------------------------------- */

static Level op_level(AstOp op) {
  switch (op) {
  case OP_OR: return L_OR;
  case OP_AND: return L_AND;
  case OP_NOT: return L_NOT;
  case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_GT: case OP_GE: return L_COMPARE;
  case OP_ADD: case OP_SUB: return L_SUM;
  case OP_MUL: case OP_DIV: case OP_FLOORDIV: case OP_MOD: case OP_MATMUL: return L_PRODUCT;
  case OP_NEG: return L_UNARY;
  case OP_POW: return L_POWER;
  }
  return L_PRIMARY;
}

static bool is_number(const Ast *a) {
  return a->kind == AST_INT || a->kind == AST_REAL;
}

static bool is_negative(const Ast *a) {
  return a->kind == AST_INT ? a->i < 0 : a->r < 0;
}

static Level level_of(const Ast *a) {
  switch (a->kind) {
  case AST_LAMBDA: case AST_IF: return L_EXPR;
  case AST_WITH: case AST_WITH_FIELD: return L_WITH;
  case AST_UNARY: case AST_BINARY: return op_level(a->op);
  case AST_INT: case AST_REAL: return is_negative(a) ? L_UNARY : L_POWER; /* 2(x) is no call */
  case AST_CALL: case AST_INDEX: case AST_GET: return L_POSTFIX;
  default: return L_PRIMARY;
  }
}

/* ---- parts of the language ---------------------------------------------------- */

static void lay_power(Printer *p, const Ast *a) {
  put(p, a->kid[0], is_number(a->kid[0]) ? L_POWER : L_POSTFIX);
  say(p, "^");
  put(p, a->kid[1], L_UNARY);
}

static void lay_binary(Printer *p, const Ast *a) {
  Level level = op_level(a->op);
  put(p, a->kid[0], level == L_COMPARE ? L_SUM : level);
  say(p, " ");
  say(p, ast_op_text(a->op));
  say(p, " ");
  put(p, a->kid[1], (Level)(level + 1));
}

static void lay_unary(Printer *p, const Ast *a) {
  say(p, a->op == OP_NOT ? "not " : "-");
  put(p, a->kid[0], op_level(a->op));
}

static void lay_if(Printer *p, const Ast *a) {
  static const char *const words[] = {"if ", " then ", " else "};
  for (uint32_t k = 0; k < a->nkids; k++) {
    say(p, words[k]);
    put(p, a->kid[k], L_EXPR);
  }
}

static void lay_lambda(Printer *p, const Ast *a) {
  bool one = a->nkids == 2;
  if (!one) say(p, "(");
  for (uint32_t k = 0; k + 1 < a->nkids; k++) {
    if (k) say(p, ", ");
    put(p, a->kid[k], L_EXPR);
  }
  say(p, one ? " -> " : ") -> ");
  put(p, a->kid[a->nkids - 1], L_EXPR);
}

static void lay_with(Printer *p, const Ast *a) {
  put(p, a->kid[0], L_WITH);
  say(p, " with ");
  if (a->kind == AST_WITH) {
    put_bracketed(p, "[", a, 2, "]");
  } else {
    say(p, ".");
    say(p, a->name);
  }
  say(p, " = ");
  put(p, a->kid[1], L_OR);
}

static void lay_clauses(Printer *p, const Ast *a) {
  put(p, a->kid[0], L_EXPR);
  say(p, " for ");
  put_list(p, a, 1, ", ", L_EXPR);
}

static void lay_call(Printer *p, const Ast *a) {
  const Ast *arg = a->nkids == 2 ? a->kid[1] : NULL;
  put(p, a->kid[0], L_POSTFIX);
  if (!arg || arg->kind != AST_FOR || !arg->i) {
    put_bracketed(p, "(", a, 1, ")");
    return;
  }
  say(p, "(");
  lay_clauses(p, arg);
  say(p, ")");
}

static void lay_slice(Printer *p, const Ast *a) {
  put(p, a->kid[0], L_EXPR);
  say(p, ":");
  put(p, a->kid[1], L_EXPR);
}

static void lay_prime(Printer *p, const Ast *a) {
  put(p, a->kid[0], L_PRIMARY);
  for (int64_t k = 0; k < a->i; k++) say(p, "'");
}

static void lay_clause(Printer *p, const Ast *a) {
  if (a->kind == AST_FOR_EACH) put(p, a->kid[0], L_EXPR);
  else say(p, a->name);
  if (a->kind == AST_FOR_BARE) return;
  say(p, a->kind == AST_FOR_COUNT ? " < " : " in ");
  put(p, a->kid[a->kind == AST_FOR_EACH], L_SUM);
  if (a->kind != AST_FOR_RANGE) return;
  say(p, "..");
  put(p, a->kid[1], L_SUM);
}

static void lay_body(Printer *p, const Ast *body) {
  bool braces = body->kind != AST_BLOCK;
  say(p, braces ? " { " : " ");
  put(p, body, L_EXPR);
  if (braces) say(p, " }");
}

static void lay_fold(Printer *p, const Ast *a) {
  say(p, a->kind == AST_FOLD ? "fold " : a->kind == AST_SCAN ? "scan " : "loop ");
  put(p, a->kid[0], L_EXPR);
  say(p, " = ");
  put(p, a->kid[1], L_EXPR);
  say(p, a->kind == AST_LOOP ? " while " : " for ");
  put(p, a->kid[2], L_EXPR);
  if (a->kind == AST_LOOP) {
    say(p, " at most ");
    put(p, a->kid[3], L_EXPR);
  }
  lay_body(p, a->kid[a->nkids - 1]);
}

static void lay_block(Printer *p, const Ast *a) {
  bool flat = a->nkids == 1 || p->indent >= INDENT_MOST;
  uint32_t outer = p->indent, inner = flat ? FLAT : outer + 1;
  p->indent = inner;
  say(p, "{");
  new_line(p, inner, " ");
  for (uint32_t k = 0; k < a->nkids; k++) {
    if (k) new_line(p, inner, "; ");
    put(p, a->kid[k], L_EXPR);
  }
  new_line(p, flat ? FLAT : outer, " ");
  say(p, "}");
  p->indent = outer;
}

static void lay_text(Printer *p, const Ast *a) {
  say(p, "\"");
  p->indent = FLAT;
  put_list(p, a, 0, "", L_EXPR);
  say(p, "\"");
}

static void lay_piece(Printer *p, const Ast *a) {
  if (!a->nkids) {
    quote(p, a->name);
    return;
  }
  say(p, "{");
  put(p, a->kid[0], L_EXPR);
  if (a->name) say(p, ":");
  if (a->name) say(p, a->name);
  say(p, "}");
}

/* ---- items ---------------------------------------------------------------------- */

static void lay_function(Printer *p, const Ast *a) {
  say(p, a->name);
  put_bracketed(p, "(", a->kid[0], 0, ")");
  put_type(p, a->kid[1]);
  say(p, " = ");
  put(p, a->kid[2], L_EXPR);
}

static void lay_rule(Printer *p, const Ast *a) {
  say(p, a->kind == AST_GRADIENT ? "custom_gradient " : "custom_tangent ");
  say(p, a->name);
  put_bracketed(p, "(", a->kid[0], 0, "; ");
  put_list(p, a->kid[1], 0, ", ", L_EXPR);
  say(p, ") = ");
  put(p, a->kid[2], L_EXPR);
}

static void lay_typedef(Printer *p, const Ast *a) {
  say(p, "type ");
  say(p, a->name);
  if (a->kid[0]->nkids) put_bracketed(p, "[", a->kid[0], 0, "]");
  say(p, " = ");
  put(p, a->kid[1], L_EXPR);
}

static void lay_input(Printer *p, const Ast *a) {
  say(p, "input ");
  say(p, a->name);
  put_type(p, a->kid[0]);
  if (a->kid[1]) say(p, " = ");
  put(p, a->kid[1], L_EXPR);
}

static void lay_import(Printer *p, const Ast *a) {
  say(p, "import \"");
  quote(p, a->name);
  say(p, "\"");
}

static void lay_words(Printer *p, const Ast *a) {
  say(p, a->kind == AST_PRINT ? "print " : a->kind == AST_ASSERT ? "assert "
         : a->kind == AST_TRACE ? "trace " : "");
  put_list(p, a, 0, ", ", L_EXPR);
}

static void lay_file(Printer *p, const Ast *a) {
  for (uint32_t k = 0; k < a->nkids; k++) {
    put(p, a->kid[k], L_EXPR);
    new_line(p, 0, "");
  }
}

static void lay_bind(Printer *p, const Ast *a) {
  put(p, a->kid[0], L_EXPR);
  say(p, " = ");
  put(p, a->kid[1], L_EXPR);
}

static void lay_param(Printer *p, const Ast *a) {
  say(p, a->name);
  put_type(p, a->nkids ? a->kid[0] : NULL);
}

static void lay_named(Printer *p, const Ast *a) {
  say(p, a->name);
  say(p, " = ");
  put(p, a->kid[0], L_EXPR);
}

static void lay_type_field(Printer *p, const Ast *field) {
  say(p, field->name);
  put_type(p, field->kid[0]);
}

static void lay_type_record(Printer *p, const Ast *a) {
  say(p, "(");
  for (uint32_t k = 0; k < a->nkids; k++) {
    if (k) say(p, ", ");
    lay_type_field(p, a->kid[k]);
  }
  say(p, ")");
}

static void lay_type_name(Printer *p, const Ast *a) {
  say(p, a->name);
  if (a->nkids) put_bracketed(p, "[", a, 0, "]");
}

/* ---- numbers ----------------------------------------------------------------------- */

static void lay_real(Printer *p, const Ast *a) {
  Buf b;
  buf_init(&b, p->c);
  buf_real(&b, a->r);
  if (isfinite(a->r) && !strpbrk(buf_text(&b), ".eE")) buf_puts(&b, ".0");
  say(p, buf_text(&b));
}

/* ---- any node ------------------------------------------------------------------------ */

static void lay_out(Printer *p, const Ast *a) {
  switch (a->kind) {
  case AST_FILE: lay_file(p, a); break;
  case AST_FUNCTION: lay_function(p, a); break;
  case AST_GRADIENT: case AST_TANGENT: lay_rule(p, a); break;
  case AST_TYPEDEF: lay_typedef(p, a); break;
  case AST_INPUT: lay_input(p, a); break;
  case AST_BIND: lay_bind(p, a); break;
  case AST_PRINT: case AST_ASSERT: case AST_TRACE: case AST_EXPR: lay_words(p, a); break;
  case AST_IMPORT: lay_import(p, a); break;
  case AST_PARAMS: put_bracketed(p, "(", a, 0, ")"); break;
  case AST_PARAM: lay_param(p, a); break;
  case AST_T_NAME: lay_type_name(p, a); break;
  case AST_T_ARRAY: case AST_INDEX:
    put(p, a->kid[0], L_POSTFIX);
    put_bracketed(p, "[", a, 1, "]");
    break;
  case AST_T_TUPLE: case AST_TUPLE: case AST_P_TUPLE: case AST_RECORD:
    put_bracketed(p, "(", a, 0, ")");
    break;
  case AST_T_RECORD: lay_type_record(p, a); break;
  case AST_FIELD: case AST_NAMED: lay_named(p, a); break;
  case AST_INT: say(p, str_printf(p->c, "%lld", (long long)a->i)); break;
  case AST_REAL: lay_real(p, a); break;
  case AST_BOOL: say(p, a->i ? "true" : "false"); break;
  case AST_NONE: say(p, "none"); break;
  case AST_NAME: say(p, a->name); break;
  case AST_TEXT: lay_text(p, a); break;
  case AST_PIECE: lay_piece(p, a); break;
  case AST_UNARY: lay_unary(p, a); break;
  case AST_BINARY:
    if (a->op == OP_POW) lay_power(p, a);
    else lay_binary(p, a);
    break;
  case AST_IF: lay_if(p, a); break;
  case AST_LAMBDA: lay_lambda(p, a); break;
  case AST_CALL: lay_call(p, a); break;
  case AST_PRIME: lay_prime(p, a); break;
  case AST_SLICE: lay_slice(p, a); break;
  case AST_GET:
    put(p, a->kid[0], L_POSTFIX);
    say(p, ".");
    say(p, a->name);
    break;
  case AST_ARRAY: put_bracketed(p, "[", a, 0, "]"); break;
  case AST_FOR:
    say(p, "[");
    lay_clauses(p, a);
    say(p, "]");
    break;
  case AST_FOR_COUNT: case AST_FOR_RANGE: case AST_FOR_EACH: case AST_FOR_BARE:
    lay_clause(p, a);
    break;
  case AST_FOLD: case AST_SCAN: case AST_LOOP: lay_fold(p, a); break;
  case AST_BLOCK: lay_block(p, a); break;
  case AST_WITH: case AST_WITH_FIELD: lay_with(p, a); break;
  case AST_COUNT: break;
  }
}

/* ---- the stack --------------------------------------------------------------------------- */

static void put_quoted(Buf *out, const char *s) {
  for (; *s; s++) {
    if (*s == '\t') buf_puts(out, "\\t");
    else if (*s == '\n') buf_puts(out, "\\n");
    else if (*s == '"' || *s == '\\') buf_printf(out, "\\%c", *s);
    else if (*s == '{' || *s == '}') buf_printf(out, "%c%c", *s, *s);
    else buf_add(out, s, 1);
  }
}

static void put_text(Printer *p, const Job *job) {
  Buf *out = p->out;
  /* "{{" in a text would be a literal brace */
  if (job->text && job->text[0] == '{' && out->n && out->at[out->n - 1] == '{') buf_puts(out, " ");
  if (job->line) buf_printf(out, "\n%*s", (int)(2 * job->indent), "");
  else if (job->quoted) put_quoted(out, job->text);
  else buf_puts(out, job->text);
}

/* Parts are laid out first to last; the stack wants the first on top. */
static void reverse_from(Printer *p, uint32_t mark) {
  for (uint32_t i = mark, j = p->jobs.n; i + 1 < j; i++) {
    Job job = p->jobs.at[i];
    p->jobs.at[i] = p->jobs.at[--j];
    p->jobs.at[j] = job;
  }
}

static void visit(Printer *p, const Job *job) {
  uint32_t mark = p->jobs.n;
  bool parens = level_of(job->a) < job->level;
  p->indent = job->indent;
  if (parens) say(p, "(");
  lay_out(p, job->a);
  if (parens) say(p, ")");
  reverse_from(p, mark);
}

void ast_print(const Ast *a, Buf *out) {
  Printer p = {.c = out->c, .out = out};
  put(&p, a, L_EXPR);
  while (p.jobs.n) {
    Job job = p.jobs.at[--p.jobs.n];
    if (job.a) visit(&p, &job);
    else put_text(&p, &job);
  }
}
