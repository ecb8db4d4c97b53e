/* language_expression.c - expressions as text, in the language or as LaTeX.
 *
 * A stack holds what is still to be written: pieces of text, and nodes with the binding
 * strength that their place asks for.  A node pushes its pieces; so a chain of a million
 * operations needs no recursion.  Loops and branches with regions come from language.c. */
#include "emit/language.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct Work {
  const char *text;   /* or, where NULL: */
  Ref node;
  int at;
  bool real;
} Work;

typedef struct Writer {
  Printer *w;
  Buf *out;
  VEC(Work) stack;
} Writer;

static void text(Writer *x, const char *s) {
  Work k = {.text = s};
  VEC_PUSH(x->w->c, &x->stack, k);
}

static void part(Writer *x, Ref r, int at, bool real) {
  Work k = {.node = r, .at = at, .real = real};
  VEC_PUSH(x->w->c, &x->stack, k);
}

static const Node *node_of(const Writer *x, Ref r) {
  return ir_node(x->w->p, r);
}

/* ---- numbers and sizes --------------------------------------------------------- */

static void scientific(Printer *w, Buf *out, const char *s) {
  const char *e = strchr(s, 'e');
  if (!w->latex || !e) {
    buf_puts(out, s);
    return;
  }
  buf_add(out, s, (size_t)(e - s));
  e += 1 + (e[1] == '+');
  buf_printf(out, " \\cdot 10^{%s}", e);
}

void number_text(Printer *w, Buf *out, double v, bool real) {
  Buf b;
  buf_init(&b, w->c);
  if (v == 3.14159265358979323846) buf_puts(&b, w->latex ? "\\pi" : "pi");
  else if (isinf(v)) buf_printf(&b, w->latex ? "%s\\infty" : "%sinf", v < 0 ? "-" : "");
  else if (isnan(v)) buf_puts(&b, "nan");
  else if (v == trunc(v) && fabs(v) < 1e15) buf_printf(&b, real && !w->latex ? "%.1f" : "%.0f", v);
  else buf_real(&b, v);
  scientific(w, out, buf_text(&b));
}

static void monomial(Printer *w, Buf *out, const Mono *m, int64_t factor) {
  bool one = factor == 1 && m->n;
  if (!one) buf_printf(out, "%" PRId64, factor);
  for (uint32_t a = 0; a < m->n; a++) {
    if (a || !one) buf_puts(out, w->latex ? " " : "*");
    expression(w, out, m->atom[a], AT_ATOM, false, false);
    if (m->exp[a] > 1) buf_printf(out, w->latex ? "^{%" PRIu32 "}" : "^%" PRIu32, m->exp[a]);
  }
}

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t r = a % b;
    a = b, b = r;
  }
  return a < 0 ? -a : a;
}

/* A polynomial over one denominator, (d^2 - d)/2; in an expression the quotient is //. */
void size_expression(Printer *w, Buf *out, Size s, bool in_type, int at) {
  int64_t den = 1;
  for (uint32_t i = 0; i < s->n; i++) den *= s->mono[i].den / gcd(den, s->mono[i].den);
  if (!s->n) buf_puts(out, "0");
  bool sum = s->n > 1, group = (den > 1 && sum) || (sum && at > AT_SUM && den == 1);
  bool product = !group && at > AT_PRODUCT && s->n == 1 && (den > 1 || s->mono[0].n);
  if (group || product) buf_puts(out, "(");
  for (uint32_t i = 0; i < s->n; i++) {
    int64_t f = s->mono[i].num * (den / s->mono[i].den);
    if (i) buf_puts(out, f < 0 ? " - " : " + ");
    monomial(w, out, &s->mono[i], i && f < 0 ? -f : f);
  }
  if (group) buf_puts(out, ")");
  if (den > 1) buf_printf(out, "%s%" PRId64, in_type || w->latex ? "/" : "//", den);
  if (product) buf_puts(out, ")");
}

static const char *size_string(Printer *w, Size s, int at) {
  Buf b;
  buf_init(&b, w->c);
  size_expression(w, &b, s, false, at);
  return buf_text(&b);
}

/* ---- constants and arrays ---------------------------------------------------------- */

static int constant(Writer *x, const Node *n, bool real) {
  Buf b;
  buf_init(&b, x->w->c);
  double v = n->type->elem == ELEM_REAL ? n->aux.r : (double)n->aux.i;
  switch (n->type->elem) {
  case ELEM_REAL: number_text(x->w, &b, v, real); break;
  case ELEM_INT: buf_printf(&b, "%" PRId64, n->aux.i); break;
  default: buf_puts(&b, n->aux.i ? "true" : "false");
  }
  text(x, buf_text(&b));
  return v < 0 || (v == 0 && signbit(v)) ? AT_MINUS : AT_ATOM;
}

static void data_element(Printer *w, Buf *out, const Type *t, const void *data, uint64_t k) {
  if (t->elem == ELEM_REAL) number_text(w, out, ((const double *)data)[k], k == 0);
  else if (t->elem == ELEM_INT) buf_printf(out, "%" PRId64, ((const int64_t *)data)[k]);
  else buf_puts(out, ((const int64_t *)data)[k] ? "true" : "false");
}

/* [[1.0, 2], [3, 4]]: brackets open where an axis begins and close where it ends. */
static int data_array(Writer *x, const Node *n) {
  Buf b;
  buf_init(&b, x->w->c);
  int64_t dim[MAX_RANK], count = 1;
  uint32_t rank = n->type->rank;
  for (uint32_t i = 0; i < rank; i++) {
    if (!size_is_const(n->type->dim[i], &dim[i])) dim[i] = 0;
    count *= dim[i];
  }
  for (int64_t k = 0; k < count; k++) {
    int64_t block = 1;
    uint32_t opens = 0, closes = 0;
    for (uint32_t i = rank; i-- > 0;) {
      block *= dim[i];
      opens += k % block == 0;
      closes += (k + 1) % block == 0;
    }
    if (k) buf_puts(&b, ", ");
    while (opens--) buf_puts(&b, "[");
    data_element(x->w, &b, n->type, n->aux.data, (uint64_t)k);
    while (closes--) buf_puts(&b, "]");
  }
  if (!count) {
    static const char *const zero[] = {"0.0", "0", "false"};   /* by Elem */
    buf_printf(&b, "[%s for", zero[n->type->elem]);
    for (uint32_t i = 0; i < rank; i++)
      buf_printf(&b, "%s i%u < %" PRId64, i ? "," : "", i, dim[i]);
    buf_puts(&b, "]");
  }
  text(x, buf_text(&b));
  return AT_ATOM;
}

static int list(Writer *x, const char *open, const Ref *arg, uint32_t n, const char *close,
                bool real) {
  text(x, open);
  for (uint32_t i = 0; i < n; i++) {
    if (i) text(x, ", ");
    part(x, arg[i], AT_ALL, real && i == 0);
  }
  text(x, close);
  return AT_ATOM;
}

static void sizes(Writer *x, const Type *t) {
  for (uint32_t i = 0; i < t->rank; i++) {
    if (i) text(x, ", ");
    text(x, size_string(x->w, t->dim[i], AT_ALL));
  }
}

static int fill(Writer *x, const Node *n) {
  const Node *e = node_of(x, n->arg[0]);
  bool plain = e->op == IR_CONST && n->type->elem == ELEM_REAL;
  if (plain && (e->aux.r == 0 || e->aux.r == 1) && !signbit(e->aux.r)) {
    bool one = e->aux.r == 1;
    if (x->w->latex) text(x, one ? "\\mathbf{1}_{" : "\\mathbf{0}_{");
    else text(x, one ? "ones(" : "zeros(");
    sizes(x, n->type);
    text(x, x->w->latex ? "}" : ")");
    return AT_ATOM;
  }
  text(x, "[");
  part(x, n->arg[0], AT_ALL, true);
  text(x, x->w->latex ? "]_{" : " for ");
  uint32_t mark = names_mark(x->w);
  for (uint32_t i = 0; i < n->type->rank; i++) {
    if (i) text(x, ", ");
    const char *name = name_fresh(x->w, NULL, "ijklmn");
    text(x, str_printf(x->w->c, "%s < %s", name, size_string(x->w, n->type->dim[i], AT_SUM)));
  }
  names_release(x->w, mark);
  text(x, x->w->latex ? "}" : "]");
  return AT_ATOM;
}

static int read_array(Writer *x, const Node *n) {
  text(x, x->w->latex ? "{" : "");
  part(x, n->arg[0], AT_ATOM, false);
  text(x, x->w->latex ? "}" : "");
  bool l = x->w->latex;
  return list(x, l ? "_{" : "[", n->arg + 1, n->nargs - 1, l ? "}" : "]", false);
}

static int with(Writer *x, const Node *n) {
  part(x, n->arg[0], AT_OR, false);
  text(x, x->w->latex ? " \\text{ with } " : " with ");
  list(x, "[", n->arg + 2, n->nargs - 2, "]", false);
  text(x, " = ");
  part(x, n->arg[1], AT_OR, false);
  return AT_ALL;
}

/* ---- controls ------------------------------------------------------------------------ */

static const char *call_open(Writer *x, const char *name) {
  if (!x->w->latex) return str_printf(x->w->c, "%s(", name);
  Buf b;
  buf_init(&b, x->w->c);
  buf_puts(&b, "\\operatorname{");
  for (; *name; name++) buf_printf(&b, *name == '_' ? "\\_" : "%c", *name);
  buf_puts(&b, "}\\left(");
  return buf_text(&b);
}

static const char *call_close(Writer *x) {
  return x->w->latex ? "\\right)" : ")";
}

/* SCALE by -alpha is written with alpha. */
static int reversal(Writer *x, const Node *n, bool real) {
  const Node *s = node_of(x, n->arg[1]);
  text(x, call_open(x, "grad_reverse"));
  part(x, n->arg[0], AT_ALL, real);
  if (s->op == IR_CONST && s->aux.r != -1) {
    Buf b;
    buf_init(&b, x->w->c);
    number_text(x->w, &b, -s->aux.r, false);
    text(x, ", ");
    text(x, buf_text(&b));
  } else if (s->op == IR_PRIM && s->aux.i == P_NEG) {
    text(x, ", ");
    part(x, s->arg[0], AT_ALL, false);
  } else if (s->op != IR_CONST) {
    text(x, ", -");
    part(x, n->arg[1], AT_POWER, false);
  }
  text(x, call_close(x));
  return AT_ATOM;
}

static int control(Writer *x, const Node *n, bool real) {
  if (n->op == IR_SCALE && n->flags & NODE_REVERSAL) return reversal(x, n, real);
  const char *name = n->op == IR_STOP    ? "stop_gradient"
                     : n->op == IR_SCALE ? "grad_scale"
                                         : "straight_through";
  return list(x, call_open(x, name), n->arg, n->nargs, call_close(x), real);
}

/* ---- scalar primitives ------------------------------------------------------------------ */

static bool negative_literal(const Writer *x, Ref r, double *v) {
  const Node *n = node_of(x, r);
  if (n->op != IR_CONST || n->type->elem == ELEM_BOOL) return false;
  *v = n->type->elem == ELEM_REAL ? n->aux.r : (double)n->aux.i;
  return *v < 0 && *v > -INFINITY && (n->type->elem == ELEM_REAL || *v > -1e15);
}

/* a + -2 is written a - 2. */
static int sum(Writer *x, const Node *n, bool real) {
  bool minus = n->aux.i == P_SUB;
  double v;
  part(x, n->arg[0], AT_SUM, real);
  if (!minus && negative_literal(x, n->arg[1], &v)) {
    Buf b;
    buf_init(&b, x->w->c);
    number_text(x->w, &b, -v, false);
    text(x, " - ");
    text(x, buf_text(&b));
    return AT_SUM;
  }
  text(x, minus ? " - " : " + ");
  part(x, n->arg[1], AT_PRODUCT, false);
  return AT_SUM;
}

static bool starts_with_digit(const Writer *x, Ref r) {
  for (int steps = 0; steps < 64; steps++) {
    const Node *n = node_of(x, r);
    if (x->w->bound[r]) return false;
    if (n->op == IR_CONST) return true;
    bool goes_on = n->op == IR_PRIM && (n->aux.i == P_POW || n->aux.i == P_MUL);
    if (!goes_on && n->op != IR_TOREAL) return false;
    r = n->arg[0];
  }
  return true;
}

static int product(Writer *x, const Node *n, const char *sign, bool real) {
  if (x->w->latex && n->aux.i == P_MUL)
    sign = starts_with_digit(x, n->arg[1]) ? " \\cdot " : " ";
  part(x, n->arg[0], AT_PRODUCT, real);
  text(x, sign);
  part(x, n->arg[1], AT_POWER, false);
  return AT_PRODUCT;
}

static int quotient(Writer *x, const Node *n) {
  if (!x->w->latex) return product(x, n, "/", false);
  text(x, "\\frac{");
  part(x, n->arg[0], AT_ALL, false);
  text(x, "}{");
  part(x, n->arg[1], AT_ALL, false);
  text(x, "}");
  return AT_PRODUCT;
}

static int minus(Writer *x, const Node *n, bool real) {
  const Node *a = node_of(x, n->arg[0]);
  bool real_product = !x->w->bound[n->arg[0]] && a->op == IR_PRIM && n->type->elem == ELEM_REAL &&
                      (a->aux.i == P_MUL || a->aux.i == P_DIV);
  text(x, "-");
  part(x, n->arg[0], real_product ? AT_PRODUCT : AT_POWER, real);
  return real_product ? AT_PRODUCT : AT_MINUS;
}

static int power(Writer *x, const Node *n, bool real) {
  const Printer *w = x->w;
  bool plain = n->type->elem == ELEM_INT || is_real_text(w, n->arg[0]) ||
               is_real_text(w, n->arg[1]);
  bool literal = node_of(x, n->arg[1])->op == IR_CONST;
  part(x, n->arg[0], AT_ATOM, !plain || (real && !is_real_text(w, n->arg[1])));
  text(x, w->latex ? "^{" : "^");
  part(x, n->arg[1], w->latex ? AT_ALL : literal ? AT_MINUS : AT_POWER, false);
  if (w->latex) text(x, "}");
  return AT_POWER;
}

static int choice(Writer *x, const Node *n, bool real) {
  bool l = x->w->latex;
  bool force = real && !is_real_text(x->w, n->arg[2]);
  text(x, l ? "\\begin{cases} " : "if ");
  part(x, n->arg[l ? 1 : 0], AT_OR, l && force);
  text(x, l ? " & \\text{if } " : " then ");
  part(x, n->arg[l ? 0 : 1], AT_OR, !l && force);
  text(x, l ? " \\\\ " : " else ");
  part(x, n->arg[2], AT_ALL, false);
  text(x, l ? " & \\text{otherwise} \\end{cases}" : "");
  return l ? AT_ATOM : AT_ALL;
}

static int logic(Writer *x, const Node *n, int at, const char *sign, const char *latex) {
  part(x, n->arg[0], at == AT_COMPARE ? AT_SUM : at, false);
  text(x, x->w->latex ? latex : sign);
  part(x, n->arg[1], at + 1, false);
  return at;
}

/* Functions that LaTeX knows by a name of their own. */
static const char *const known[] = {
  "sin", "cos", "tan", "sinh", "cosh", "tanh", "log", "exp", "max", "min",
};

static int call(Writer *x, const Node *n, bool real) {
  const char *name = prim_get((uint32_t)n->aux.i)->name;
  bool l = x->w->latex;
  if (l && n->aux.i == P_SQRT) return list(x, "\\sqrt{", n->arg, 1, "}", false);
  if (l && n->aux.i == P_EXP) {
    list(x, "e^{", n->arg, 1, "}", false);
    return AT_POWER;
  }
  if (l && (n->aux.i == P_ABS || n->aux.i == P_FABS))
    return list(x, "\\left|", n->arg, 1, "\\right|", false);
  const char *open = call_open(x, name);
  for (size_t i = 0; l && i < sizeof known / sizeof *known; i++)
    if (!strcmp(known[i], name)) open = str_printf(x->w->c, "\\%s\\left(", name);
  return list(x, open, n->arg, n->nargs, call_close(x), real);
}

static int primitive(Writer *x, const Node *n, bool real) {
  bool rounds = !is_real_text(x->w, n->arg[0]) && !is_real_text(x->w, n->arg[n->nargs - 1]) &&
                n->type->elem == ELEM_REAL;
  switch (n->aux.i) {
  case P_ADD: case P_SUB: return sum(x, n, real);
  case P_MUL: return product(x, n, "*", real);
  case P_DIV: return quotient(x, n);
  case P_FLOORDIV: return product(x, n, x->w->latex ? " \\mathbin{//} " : "//", rounds);
  case P_MOD: return product(x, n, x->w->latex ? " \\bmod " : " % ", rounds);
  case P_NEG: return minus(x, n, real);
  case P_POW: return power(x, n, real);
  case P_SELECT: return choice(x, n, real);
  case P_EQ: return logic(x, n, AT_COMPARE, " == ", " = ");
  case P_NE: return logic(x, n, AT_COMPARE, " != ", " \\ne ");
  case P_LT: return logic(x, n, AT_COMPARE, " < ", " < ");
  case P_LE: return logic(x, n, AT_COMPARE, " <= ", " \\le ");
  case P_GT: return logic(x, n, AT_COMPARE, " > ", " > ");
  case P_GE: return logic(x, n, AT_COMPARE, " >= ", " \\ge ");
  case P_AND: return logic(x, n, AT_AND, " and ", " \\land ");
  case P_OR: return logic(x, n, AT_OR, " or ", " \\lor ");
  case P_NOT:
    text(x, x->w->latex ? "\\lnot " : "not ");
    part(x, n->arg[0], AT_COMPARE, false);
    return AT_NOT;
  default: return call(x, n, real);
  }
}

/* ---- all nodes ---------------------------------------------------------------------------- */

/* An int that has to be a real. */
static int conversion(Writer *x, const Node *n) {
  text(x, "1.0*");
  part(x, n->arg[0], AT_POWER, false);
  return AT_PRODUCT;
}

static int structured(Writer *x, const Node *n) {
  Buf b;
  buf_init(&b, x->w->c);
  int at = structured_result(x->w, &b, n->arg[0], (uint32_t)n->aux.i);
  text(x, buf_text(&b));
  return at;
}

/* Pushes the pieces of a node; gives how it binds. */
static int pieces(Writer *x, Ref r, bool real) {
  const Node *n = node_of(x, r);
  switch (n->op) {
  case IR_CONST: return constant(x, n, real);
  case IR_DATA: return data_array(x, n);
  case IR_PRIM: return primitive(x, n, real);
  case IR_TOREAL: return conversion(x, n);
  case IR_TOINT: return list(x, call_open(x, "int"), n->arg, 1, call_close(x), false);
  case IR_STACK: return list(x, "[", n->arg, n->nargs, "]", n->type->elem == ELEM_REAL);
  case IR_READ: return read_array(x, n);
  case IR_WITH: return with(x, n);
  case IR_RESHAPE:
    text(x, call_open(x, "reshape"));
    part(x, n->arg[0], AT_ALL, false);
    text(x, ", ");
    sizes(x, n->type);
    text(x, call_close(x));
    return AT_ATOM;
  case IR_FILL: return fill(x, n);
  case IR_PROJ: return structured(x, n);
  case IR_STOP: case IR_SCALE: case IR_STRAIGHT: return control(x, n, real);
  default: internal_error(x->w->c, "language: operator %d has no text", n->op);
  }
}

/* A name's own node stands for its value. */
static Ref seen_through(const Printer *w, Ref r) {
  for (const Node *n; n = ir_node(w->p, r), !w->bound[r] && (n->op == IR_VAR || n->op == IR_TIE);)
    r = n->arg[0];
  return r;
}

static void write_node(Writer *x, Work k, bool inner) {
  Printer *w = x->w;
  Ref r = inner ? k.node : seen_through(w, k.node);
  if (!inner && (w->bound[r] || node_of(x, r)->op == IR_PARAM) && w->name[r]) {
    buf_puts(x->out, w->name[r]);
    return;
  }
  if (inner && (node_of(x, r)->op == IR_VAR || node_of(x, r)->op == IR_TIE)) {
    part(x, node_of(x, r)->arg[0], k.at, k.real);
    return;
  }
  const Node *n = node_of(x, r);
  if (n->op == IR_TOREAL && !k.real) {   /* an int will do, as tight as the place asks */
    part(x, n->arg[0], k.at, false);
    return;
  }
  uint32_t start = x->stack.n;
  int at = pieces(x, r, k.real && !w->evident[r]);
  if (at < k.at) {
    buf_puts(x->out, w->latex ? "\\left(" : "(");
    text(x, w->latex ? "\\right)" : ")");
  }
  for (uint32_t i = start, j = x->stack.n; i + 1 < j; i++) {
    Work t = x->stack.at[i];
    x->stack.at[i] = x->stack.at[--j];
    x->stack.at[j] = t;
  }
}

void expression(Printer *w, Buf *out, Ref r, int at, bool real, bool inner) {
  Writer x = {.w = w, .out = out};
  part(&x, r, at, real);
  while (x.stack.n) {
    Work k = x.stack.at[--x.stack.n];
    if (k.text) buf_puts(out, k.text);
    else write_node(&x, k, inner);
    inner = false;
  }
}

const char *expression_text(Printer *w, Ref r, int at, bool real) {
  Buf b;
  buf_init(&b, w->c);
  expression(w, &b, r, at, real, false);
  return buf_text(&b);
}
