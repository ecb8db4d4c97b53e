/* expr.c - scalar expressions, with as few parentheses as C and the compilers' warnings
 * ask for.  The order of operations is the program's. */
#include "emit/private.h"
#include "optimize/optimize.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Decimal, reads back as the same number; 9 digits and an f in float. */
void real_text(File *f, Buf *b, double x) {
  bool negative = signbit(x) && !isnan(x);
  if (f->real_float) x = (double)(float)x;
  if (isnan(x) || isinf(x)) {
    f->uses_inf = true;
    const char *sign = negative ? "-" : "";
    const char *big = f->real_float ? "1e30f*1e30f" : "1e300*1e300";
    if (f->jit && isnan(x)) buf_printf(b, "(-(%s)*0)", big);
    else if (f->jit) buf_printf(b, "%s(%s)", sign, big);
    else if (isnan(x)) buf_printf(b, "(%s)NAN", f->real);
    else if (f->real_float) buf_printf(b, "%sINFINITY", sign);
    else buf_printf(b, "%s(double)INFINITY", sign);
    return;
  }
  Buf digits;
  buf_init(&digits, f->c);
  if (f->real_float) buf_printf(&digits, "%.9g", x);
  else buf_real(&digits, x);
  buf_puts(b, buf_text(&digits));
  if (!strpbrk(buf_text(&digits), ".e")) buf_puts(b, ".0");
  if (f->real_float) buf_puts(b, "f");
}

void put_real(Emit *e, double x, int prec) {
  bool paren = signbit(x) && !isnan(x) && prec > PREC_UNARY;
  if (paren) put(e, "(");
  real_text(e->f, &e->fn->body, x);
  if (paren) put(e, ")");
}

static void put_const(Emit *e, const Node *n, int prec) {
  if (n->type->elem == ELEM_REAL) put_real(e, n->aux.r, prec);
  else put_int(e, n->aux.i, prec);
}

/* A row at literal subscripts, in a region that is cut: written out where it is used. */
static const char *fixed_row(Emit *e, const Node *n) {
  Fn *fn = e->fn;
  Buf saved = fn->body;
  buf_init(&fn->body, e->c);
  put(e, "(");
  put_row(e, array_text(e, n->arg[0]), node(e, n->arg[0])->type, n->nargs - 1, n->arg + 1);
  put(e, ")");
  const char *text = buf_text(&fn->body);
  fn->body = saved;
  return text;
}

const char *array_text(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Info *x = info(e, r);
  if (x->cname) return ref_node(e, r);
  if (x->buffer) return ref_buffer(e, x->buffer);
  if (n->op == IR_RESHAPE) return array_text(e, n->arg[0]);
  if (n->op == IR_DATA) return data_text(e, r);
  if (n->op == IR_READ) return fixed_row(e, n);
  internal_error(e->c, "emission: array %u is nowhere", r);
}

/* ---- subscripts ------------------------------------------------------------------ */

static bool is_zero(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  return n->op == IR_CONST && n->type->elem == ELEM_INT && n->aux.i == 0;
}

static bool fixed_index(const Emit *e, const Type *t, uint32_t n, const Ref *index, int64_t *at) {
  *at = 0;
  for (uint32_t k = 0; k < n; k++) {
    const Node *i = node(e, index[k]);
    int64_t d = 0;
    if (i->op != IR_CONST || (k && !size_is_const(t->dim[k], &d))) return false;
    *at = *at * d + i->aux.i;
  }
  return true;
}

void put_flat(Emit *e, const Type *t, uint32_t n, const Ref *index, int prec) {
  int64_t at;
  bool zero = true;
  if (fixed_index(e, t, n, index, &at)) {
    put_int(e, at, prec);
    return;
  }
  for (uint32_t k = 0; k + 1 < n; k++) zero &= is_zero(e, index[k]);
  if (zero) {
    put_expr(e, index[n - 1], prec);
    return;
  }
  bool add = !is_zero(e, index[n - 1]);
  bool paren = prec > (add ? PREC_ADD : PREC_MUL);
  if (paren) put(e, "(");
  put_flat(e, t, n - 1, index, PREC_MUL);
  put(e, "*");
  put_size(e, t->dim[n - 1], PREC_UNARY);
  if (add) {
    put(e, " + ");
    put_expr(e, index[n - 1], PREC_ADD);
  }
  if (paren) put(e, ")");
}

void put_row(Emit *e, const char *array, const Type *t, uint32_t n, const Ref *index) {
  int64_t at, size;
  put(e, array);
  if (n == 0) return;
  Size row = row_size(e, t, n);
  if (fixed_index(e, t, n, index, &at)) {
    if (at == 0) return;
    if (size_is_const(row, &size)) {
      putf(e, " + %lld", (long long)(at * size));
      return;
    }
  }
  put(e, " + ");
  if (fixed_index(e, t, n, index, &at) && at == 1) {
    put_size(e, row, PREC_MUL);
    return;
  }
  bool one = size_is_const(row, &size) && size == 1;
  put_flat(e, t, n, index, one ? PREC_ADD : PREC_MUL);
  if (one) return;
  put(e, "*");
  put_size(e, row, PREC_UNARY);
}

void put_element(Emit *e, Ref array, uint32_t n, const Ref *index) {
  const Type *t = node(e, array)->type;
  put(e, array_text(e, array));
  put(e, "[");
  put_lane_flat(e, storage_of(e, array), t, n, index);
  put(e, "]");
}

/* ---- primitives --------------------------------------------------------------------- */

static void put_powers(Emit *e, Ref base, int n) {
  if (n == 1) {
    put_expr(e, base, PREC_UNARY);
  } else if (n % 2) {
    if (n > 3) put(e, "(");
    put_powers(e, base, n - 1);
    put(e, n > 3 ? ")*" : "*");
    put_expr(e, base, PREC_UNARY);
  } else {
    bool paren = n > 2;
    for (int k = 0; k < 2; k++) {
      if (k) put(e, "*");
      if (paren) put(e, "(");
      put_powers(e, base, n / 2);
      if (paren) put(e, ")");
    }
  }
}

bool whole_power(const Emit *e, const Node *n, int *exponent) {
  double x;
  if (!ir_is_const(e->p, n->arg[1], &x) || x != floor(x) || fabs(x) > 16) return false;
  *exponent = (int)x;
  return true;
}

/* x^2 is x*x; only for small whole exponents. */
static bool put_power(Emit *e, const Node *n, int prec) {
  int k;
  if (!whole_power(e, n, &k)) return false;
  bool real = n->type->elem == ELEM_REAL;
  if (k < 0 && !real) return false;
  bool paren = prec > PREC_MUL;
  if (paren) put(e, "(");
  if (k == 0) real ? put_real(e, 1, PREC_ANY) : put(e, "1");
  if (k < 0) {
    put_real(e, 1, PREC_ANY);
    put(e, k < -1 ? "/(" : "/");
  }
  if (k) put_powers(e, n->arg[0], k < 0 ? -k : k);
  if (k < -1) put(e, ")");
  if (paren) put(e, ")");
  return true;
}

/* The prototype of a primitive's function, for the JIT. */
static const char *prototype(Emit *e, const char *name, const Node *n) {
  Buf b;
  buf_init(&b, e->c);
  buf_printf(&b, "%s %s(", c_type(e->f, n->type->elem, false), name);
  for (uint32_t k = 0; k < n->nargs; k++)
    buf_printf(&b, "%s%s", k ? ", " : "", c_type(e->f, node(e, n->arg[k])->type->elem, false));
  buf_puts(&b, ");");
  return buf_text(&b);
}

const char *fast_version(const Emit *e, int64_t prim) {
  if (!e->c->opt.fast_math) return NULL;
  switch (prim) {
#define FAST(id, name, most, mostf) case P_##id: return "gc_fast_" #name;
#include "ir/fast_math.def"
#undef FAST
    default: return NULL;
  }
}

/* Names end in f in float, in _i for ints. */
const char *function_of(Emit *e, const Node *n) {
  const Prim *prim = prim_get((uint32_t)n->aux.i);
  const char *fast = fast_version(e, n->aux.i);
  const char *base = fast ? fast : prim->c;
  char name[40];
  Elem el = node(e, n->arg[n->nargs - 1])->type->elem;
  if (prim->type == PT_REAL_INT) el = ELEM_REAL;
  bool ints = el != ELEM_REAL;
  bool gc = strncmp(base, "gc_", 3) == 0;
  e->fn->branches |= gc || ints;
  snprintf(name, sizeof name, "%s%s%s", ints && !gc ? "gc_" : "", base,
           ints ? "_i" : e->f->real_float ? "f" : "");
  if (!function_used(e->f, name))
    use_function(e->f, name, e->f->jit ? prototype(e, name, n) : NULL);
  return str_printf(e->c, "%s", name);
}

static void put_call(Emit *e, const Node *n) {
  put(e, function_of(e, n));
  put(e, "(");
  for (uint32_t k = 0; k < n->nargs; k++) {
    if (k) put(e, ", ");
    put_expr(e, n->arg[k], PREC_COND);
  }
  put(e, ")");
}

static void put_infix(Emit *e, const Node *n, const char *op, int mine, int left, int right,
                      int prec) {
  if (prec > mine) put(e, "(");
  put_expr(e, n->arg[0], left);
  put(e, op);
  put_expr(e, n->arg[1], right);
  if (prec > mine) put(e, ")");
}

static void put_prefix(Emit *e, const Node *n, const char *op, int prec) {
  if (prec > PREC_UNARY) put(e, "(");
  put(e, op);
  put_expr(e, n->arg[0], PREC_PRIMARY);
  if (prec > PREC_UNARY) put(e, ")");
}

static void put_select(Emit *e, const Node *n, int prec) {
  e->fn->branches = true;
  if (prec > PREC_COND) put(e, "(");
  put_expr(e, n->arg[0], PREC_EQ);
  put(e, " ? ");
  put_expr(e, n->arg[1], PREC_OR);
  put(e, " : ");
  put_expr(e, n->arg[2], PREC_OR);
  if (prec > PREC_COND) put(e, ")");
}

/* A quotient or remainder of ints that C gives as it is meant: nothing is negative. */
static bool divides_plainly(Emit *e, const Node *n) {
  double divisor;
  return n->type->elem == ELEM_INT && ir_is_const(e->p, n->arg[1], &divisor) && divisor > 0 &&
         int_at_least_0(e->p, n->arg[0]);
}

static void put_prim(Emit *e, const Node *n, int prec) {
  switch (n->aux.i) {
    case P_ADD: put_infix(e, n, " + ", PREC_ADD, PREC_ADD, PREC_MUL, prec); return;
    case P_SUB: put_infix(e, n, " - ", PREC_ADD, PREC_ADD, PREC_MUL, prec); return;
    case P_MUL: put_infix(e, n, "*", PREC_MUL, PREC_MUL, PREC_UNARY, prec); return;
    case P_DIV: put_infix(e, n, "/", PREC_MUL, PREC_MUL, PREC_UNARY, prec); return;
    case P_EQ: put_infix(e, n, " == ", PREC_EQ, PREC_ADD, PREC_ADD, prec); return;
    case P_NE: put_infix(e, n, " != ", PREC_EQ, PREC_ADD, PREC_ADD, prec); return;
    case P_LT: put_infix(e, n, " < ", PREC_REL, PREC_ADD, PREC_ADD, prec); return;
    case P_LE: put_infix(e, n, " <= ", PREC_REL, PREC_ADD, PREC_ADD, prec); return;
    case P_GT: put_infix(e, n, " > ", PREC_REL, PREC_ADD, PREC_ADD, prec); return;
    case P_GE: put_infix(e, n, " >= ", PREC_REL, PREC_ADD, PREC_ADD, prec); return;
    case P_AND: put_infix(e, n, " && ", PREC_AND, PREC_AND, PREC_EQ, prec); return;
    case P_OR: put_infix(e, n, " || ", PREC_OR, PREC_EQ, PREC_EQ, prec); return;
    case P_NOT: put_prefix(e, n, "!", prec); return;
    case P_NEG: put_prefix(e, n, "-", prec); return;
    case P_SELECT: put_select(e, n, prec); return;
    case P_FLOORDIV:
    case P_MOD:
      if (!divides_plainly(e, n)) break;
      put_infix(e, n, n->aux.i == P_MOD ? " % " : "/", PREC_MUL, PREC_MUL, PREC_UNARY, prec);
      return;
    case P_POW:
      if (put_power(e, n, prec)) return;
      break;
    default: break;
  }
  put_call(e, n);
}

static void put_toreal(Emit *e, const Node *n, int prec) {
  if (prec > PREC_UNARY) put(e, "(");
  putf(e, "(%s)", e->f->real);
  put_expr(e, n->arg[0], PREC_UNARY);
  if (prec > PREC_UNARY) put(e, ")");
}

/* Not a cast: what does not fit has a value, too. */
static void put_toint(Emit *e, const Node *n) {
  const char *name = e->f->real_float ? "gc_intf" : "gc_int";
  e->fn->branches = true;
  if (!function_used(e->f, name))
    use_function(e->f, name, e->f->jit ? prototype(e, name, n) : NULL);
  putf(e, "%s(", name);
  put_expr(e, n->arg[0], PREC_COND);
  put(e, ")");
}

/* A bool that is stored as a whole number. */
static void put_truth(Emit *e, Ref r, bool stored, int prec, const char *text) {
  const Node *n = node(e, r);
  bool test = stored && n->type->elem == ELEM_BOOL;
  bool paren = test && prec > PREC_EQ;
  if (paren) put(e, "(");
  if (text) put(e, text);
  else if (!put_at_pointer(e, r)) put_element(e, n->arg[0], n->nargs - 1, n->arg + 1);
  if (test) put(e, " != 0");
  if (paren) put(e, ")");
}

void put_expr(Emit *e, Ref r, int prec) {
  const Node *n = node(e, r);
  const Info *x = info(e, r);
  if (n->op == IR_CONST) {
    put_const(e, n, prec);
  } else if (is_lane_index(e, r)) {
    put_lane_index(e, prec);
  } else if (!x->inlined) {
    put_truth(e, r, is_kept(e, r), prec, ref_node(e, r));
  } else {
    switch (n->op) {
      case IR_PRIM: put_prim(e, n, prec); break;
      case IR_TOREAL: put_toreal(e, n, prec); break;
      case IR_TOINT: put_toint(e, n); break;
      case IR_READ:
        if (!put_packed(e, r)) put_truth(e, r, true, prec, NULL);
        break;
      default: internal_error(e->c, "emission: operator %d inside an expression", n->op);
    }
  }
}

void put_increment(Emit *e, Ref r) {
  const Node *n = node(e, r);
  bool minus = n->op == IR_PRIM && n->aux.i == P_NEG && info(e, r)->inlined && !is_lane_index(e, r);
  put(e, minus ? " -= " : " += ");
  put_expr(e, minus ? n->arg[0] : r, PREC_ANY);
}

/* From here on text is put aside, until it is taken. */
static Buf aside(Emit *e) {
  Buf saved = e->fn->body;
  buf_init(&e->fn->body, e->c);
  return saved;
}

static const char *take_aside(Emit *e, Buf saved) {
  const char *text = buf_text(&e->fn->body);
  e->fn->body = saved;
  return text;
}

const char *expr_text(Emit *e, Ref r, int prec) {
  Buf saved = aside(e);
  put_expr(e, r, prec);
  return take_aside(e, saved);
}

const char *increment_text(Emit *e, Ref r) {
  Buf saved = aside(e);
  put_increment(e, r);
  return take_aside(e, saved);
}

void make_simple(Emit *e, Ref r, const char *want) {
  Info *x = info(e, r);
  if (!x->inlined) return;
  const char *name = c_fresh(e, want);
  line_start(e);
  putf(e, "const %s %s = ", c_type(e->f, node(e, r)->type->elem, false), name);
  put_expr(e, r, PREC_ANY);
  line_end(e, ";");
  x->inlined = false;
  x->cname = name;
  x->home = e->fn->id;
}

/* Does the text of `expr` mention leaf? */
bool expr_mentions(const Emit *e, Ref expr, Ref leaf) {
  if (expr == leaf) return true;
  if (!info(e, expr)->inlined) return false;
  const Node *n = node(e, expr);
  for (uint32_t k = 0; k < n->nargs; k++)
    if (expr_mentions(e, n->arg[k], leaf)) return true;
  return false;
}
