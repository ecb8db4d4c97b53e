/* normal.c - the normal form of a scalar expression of derivative code.
 *
 * An expression is a sum of terms, a term a coefficient num/den times powers of bases;
 * a base is any node that is not opened further.  Like terms are collected, equal
 * bases merged, literals folded.  Terms stand in the order in which they first appear;
 * factors go by kind (names, then calls, then sums) and then by age, so a*b and b*a
 * are one node.  Products of sums are not multiplied out.
 *
 * Nothing is remembered between calls: the form is read off the operands, which are
 * in normal form themselves, and no more than MAX_VISITS nodes are looked at; beyond that
 * an operand is a base.  So the work for a node is bounded, and so is the recursion. */
#include "optimize/normal.h"

#include <math.h>
#include <string.h>

enum { MAX_TERMS = 16, MAX_FACTORS = 16, MAX_VISITS = 48, MAX_SELECTS = 8 };

typedef struct Factor { Ref base; double exp; } Factor;
typedef struct Term { double num, den; uint32_t n; Factor f[MAX_FACTORS]; } Term;
typedef struct Form {
  Prog *p;
  Opener opener;
  uint32_t visits;
  uint32_t selects;   /* how many selections a factor was moved into */
  uint32_t n;
  Term t[MAX_TERMS];
} Form;

static Ref build_form(Form *f, uint32_t prim, const Ref *arg);

/* The terms are left as they are: most forms have one or two. */
static void form_init(Form *f, Prog *p, Opener opener, uint32_t selects) {
  f->p = p, f->opener = opener, f->selects = selects;
  f->visits = f->n = 0;
}

static void term_init(Term *t, double sign) {
  t->num = sign, t->den = 1, t->n = 0;
}

/* ---- reading ------------------------------------------------------------------ */

static bool whole(double x) {
  return x == trunc(x) && fabs(x) < 1e15;
}

static bool is_prim(const Node *n, uint32_t prim) {
  return n->op == IR_PRIM && n->aux.i == prim;
}

static bool literal(const Form *f, Ref r, double *v) {
  const Node *n = ir_node(f->p, r);
  if (n->op != IR_CONST || n->type->elem != ELEM_REAL || !isfinite(n->aux.r)) return false;
  *v = n->aux.r;
  return true;
}

/* x + 1: a sum that costs nothing to add to another. */
static bool shift(const Form *f, const Node *n) {
  double v;
  return literal(f, n->arg[0], &v) || literal(f, n->arg[1], &v);
}

/* 2*x, x/2, 2/x: its powers are no more work than itself. */
static bool scaled(const Form *f, const Node *n) {
  double v;
  if (!is_prim(n, P_MUL) && !is_prim(n, P_DIV)) return false;
  return literal(f, n->arg[0], &v) || literal(f, n->arg[1], &v);
}

/* A minus or a literal factor: seen through even where the node has other users. */
static bool cheap(const Form *f, const Node *n) {
  return is_prim(n, P_NEG) || (is_prim(n, P_MUL) && scaled(f, n));
}

static bool opens(const Form *f, Ref r) {
  return f->opener.open(f->opener.self, r) || cheap(f, ir_node(f->p, r));
}

/* Of base^exp, where the base is no quotient, or one that nothing cancels with. */
static bool put_base(Term *t, Ref base, double exp) {
  for (uint32_t i = 0; i < t->n; i++) {
    if (t->f[i].base != base) continue;
    t->f[i].exp += exp;
    if (t->f[i].exp == 0) t->f[i] = t->f[--t->n];
    return true;
  }
  if (t->n == MAX_FACTORS) return false;
  t->f[t->n++] = (Factor){base, exp};
  return true;
}

/* Is q a quotient by d? */
static bool divides(const Form *f, Ref q, Ref d) {
  const Node *n = ir_node(f->p, q);
  return is_prim(n, P_DIV) && n->arg[1] == d;
}

/* The factor of t that base^exp cancels with, q = a/d being a value at hand that is not
 * opened: q^k*d^k is a^k.  Its position, or t->n. */
static uint32_t find_quotient(const Form *f, const Term *t, Ref base, double exp) {
  uint32_t i = 0;
  for (; i < t->n && whole(exp); i++) {
    Ref other = t->f[i].base;
    bool together = (t->f[i].exp > 0) == (exp > 0) && whole(t->f[i].exp);
    if (together && (divides(f, base, other) || divides(f, other, base))) return i;
  }
  return t->n;
}

static bool put_product(Form *f, Term *t, Ref r, double exp);

/* Multiplies t by base^exp, which is not opened. */
static bool put_factor(Form *f, Term *t, Ref base, double exp) {
  uint32_t i = find_quotient(f, t, base, exp);
  if (i == t->n) return put_base(t, base, exp);
  Factor with = t->f[i];
  double k = fabs(exp) < fabs(with.exp) ? exp : with.exp;
  Ref q = divides(f, base, with.base) ? base : with.base;
  t->f[i].exp -= k;
  if (t->f[i].exp == 0) t->f[i] = t->f[--t->n];
  return put_product(f, t, ir_node(f->p, q)->arg[0], k) &&
         (exp == k || put_base(t, base, exp - k));
}

/* Multiplies by v^exp; false where that is not a number one can calculate with. */
static bool put_literal(Term *t, double v, double exp) {
  double power = pow(v, fabs(exp));
  if (!isfinite(power) || (power == 0 && (v != 0 || exp < 0))) return false;
  if (!whole(exp)) return false;
  if (exp > 0) t->num *= power; else t->den *= power;
  return isfinite(t->num) && isfinite(t->den);
}

/* b^k to the power exp: powers multiply where both are whole, or one of them is trivial. */
static bool put_power(Form *f, Term *t, Ref r, double exp) {
  const Node *n = ir_node(f->p, r);
  double k;
  if (!literal(f, n->arg[1], &k) || k == 0) return put_factor(f, t, r, exp);
  if (!f->opener.open(f->opener.self, r) && fabs(k) > 4) return put_factor(f, t, r, exp);
  if (fabs(exp) != 1 && !(whole(exp) && whole(k))) return put_factor(f, t, r, exp);
  const Node *base = ir_node(f->p, n->arg[0]);
  bool goes_on = is_prim(base, P_POW) || scaled(f, base);
  if (goes_on && whole(exp * k)) return put_product(f, t, n->arg[0], exp * k);
  return put_factor(f, t, n->arg[0], exp * k);
}

/* Multiplies t by r^exp. */
static bool put_product(Form *f, Term *t, Ref r, double exp) {
  if (++f->visits > MAX_VISITS) return false;
  const Node *n = ir_node(f->p, r);
  double v;
  if (literal(f, r, &v)) {
    double num = t->num, den = t->den;
    if (put_literal(t, v, exp)) return true;
    t->num = num, t->den = den;
    return put_factor(f, t, r, exp);
  }
  if (is_prim(n, P_POW)) return put_power(f, t, r, exp);
  if (n->op != IR_PRIM || !whole(exp) || !opens(f, r)) return put_factor(f, t, r, exp);
  if (n->aux.i == P_NEG) {
    if (fmod(exp, 2) != 0) t->num = -t->num;
    return put_product(f, t, n->arg[0], exp);
  }
  if (n->aux.i != P_MUL && n->aux.i != P_DIV) return put_factor(f, t, r, exp);
  if (fabs(exp) != 1 && !scaled(f, n)) return put_factor(f, t, r, exp);
  return put_product(f, t, n->arg[0], exp) &&
         put_product(f, t, n->arg[1], n->aux.i == P_MUL ? exp : -exp);
}

/* Names, then calls, then sums. */
static int kind_of(const Form *f, Ref base) {
  const Node *n = ir_node(f->p, base);
  if (n->op != IR_PRIM) return n->op == IR_PROJ;
  return n->aux.i == P_ADD || n->aux.i == P_SUB ? 2 : 1;
}

static bool before(const Form *f, Factor a, Factor b) {
  int x = kind_of(f, a.base), y = kind_of(f, b.base);
  return x != y ? x < y : a.base < b.base;
}

static void sort_factors(const Form *f, Term *t) {
  for (uint32_t i = 1; i < t->n; i++) {
    Factor x = t->f[i];
    uint32_t k = i;
    for (; k && before(f, x, t->f[k - 1]); k--) t->f[k] = t->f[k - 1];
    t->f[k] = x;
  }
}

/* Where the quotient is exact it is one number: 1/2 is 0.5, but 1/3 stays. */
static void reduce(Term *t) {
  if (t->den < 0) t->num = -t->num, t->den = -t->den;
  double q = t->num / t->den;
  bool exact = isfinite(q) && fabs(q) > 1e-100 && fma(q, t->den, -t->num) == 0;
  if (exact) t->num = q, t->den = 1;
}

static bool same_factors(const Term *a, const Term *b) {
  if (a->n != b->n) return false;
  for (uint32_t i = 0; i < a->n; i++)
    if (a->f[i].base != b->f[i].base || a->f[i].exp != b->f[i].exp) return false;
  return true;
}

/* a + b over one denominator; false where that would round. */
static bool add_like(Term *a, const Term *b) {
  if (a->den == b->den) {
    a->num += b->num;
    reduce(a);
    return true;
  }
  double num = a->num * b->den + b->num * a->den, den = a->den * b->den;
  if (!whole(a->num) || !whole(b->num) || !whole(a->den) || !whole(b->den)) return false;
  if (!whole(num) || !whole(den)) return false;
  a->num = num, a->den = den;
  reduce(a);
  return true;
}

static bool put_term(Form *f, Term *t) {
  sort_factors(f, t);
  reduce(t);
  if (t->num == 0) return true;
  for (uint32_t i = 0; i < f->n; i++)
    if (same_factors(&f->t[i], t) && add_like(&f->t[i], t)) return true;
  if (f->n == MAX_TERMS) return false;
  f->t[f->n++] = *t;
  return true;
}

/* Adds sign*r. */
static bool put_sum(Form *f, Ref r, double sign) {
  if (++f->visits > MAX_VISITS) return false;
  const Node *n = ir_node(f->p, r);
  bool sum = is_prim(n, P_ADD) || is_prim(n, P_SUB);
  if (sum && (shift(f, n) || f->opener.open(f->opener.self, r)))
    return put_sum(f, n->arg[0], sign) &&
           put_sum(f, n->arg[1], n->aux.i == P_ADD ? sign : -sign);
  if (is_prim(n, P_NEG)) return put_sum(f, n->arg[0], -sign);
  Term t;
  term_init(&t, sign);
  return put_product(f, &t, r, 1) && put_term(f, &t);
}

/* ---- writing --------------------------------------------------------------------- */

static Ref power(Form *f, Ref base, double exp) {
  if (exp == 1) return base;
  return ir_prim2(f->p, P_POW, base, ir_real(f->p, exp));
}

/* start * the factors whose exponent has this sign; start may be 0. */
static Ref product(Form *f, const Term *t, Ref start, double sign) {
  for (uint32_t i = 0; i < t->n; i++) {
    if (t->f[i].exp * sign < 0) continue;
    Ref x = power(f, t->f[i].base, fabs(t->f[i].exp));
    start = start ? ir_mul(f->p, start, x) : x;
  }
  return start;
}

/* A factor that is a selection with a branch of 0: u * select(c, e, 0) is
 * select(c, u*e, 0).  Its position, or t->n. */
static uint32_t find_select(const Form *f, const Term *t) {
  double v;
  for (uint32_t i = 0; i < t->n; i++) {
    const Node *n = ir_node(f->p, t->f[i].base);
    if (!is_prim(n, P_SELECT) || t->f[i].exp != 1) continue;
    bool b = literal(f, n->arg[1], &v), b0 = b && v == 0;
    bool c = literal(f, n->arg[2], &v), c0 = c && v == 0;
    if ((b0 || c0) && ((b && c) || f->opener.open(f->opener.self, t->f[i].base))) return i;
  }
  return t->n;
}

static Ref write_term(Form *f, const Term *t);

static Ref write_select(Form *f, const Term *t, uint32_t at) {
  Prog *p = f->p;
  const Node *n = ir_node(p, t->f[at].base);
  Term rest = *t;
  rest.n--;
  memmove(rest.f + at, rest.f + at + 1, (rest.n - at) * sizeof *rest.f);
  f->selects++;
  Ref u = write_term(f, &rest), arg[3] = {n->arg[0], 0, 0};
  for (int k = 1; k < 3; k++) {
    double v;
    Ref both[2] = {u, n->arg[k]};
    bool zero = literal(f, n->arg[k], &v) && v == 0;
    arg[k] = zero ? n->arg[k] : build_form(f, P_MUL, both);
  }
  return ir_prim(p, P_SELECT, arg);
}

/* |num|/den times the factors; the sign is the caller's. */
static Ref write_magnitude(Form *f, const Term *t) {
  Prog *p = f->p;
  double num = fabs(t->num);
  Ref over = product(f, t, num == 1 ? 0 : ir_real(p, num), 1);
  Ref under = product(f, t, t->den == 1 ? 0 : ir_real(p, t->den), -1);
  if (!over) over = ir_real(p, 1);
  return under ? ir_prim2(p, P_DIV, over, under) : over;
}

static Ref write_term(Form *f, const Term *t) {
  Prog *p = f->p;
  bool bare = t->n == 1 && t->num == 1 && t->den == 1;
  uint32_t at = bare || f->selects >= MAX_SELECTS ? t->n : find_select(f, t);
  if (at < t->n) return write_select(f, t, at);
  if (t->num > 0) return write_magnitude(f, t);
  bool over = false;
  for (uint32_t i = 0; i < t->n; i++) over |= t->f[i].exp > 0;
  if (t->num == -1 && over) return ir_neg(p, write_magnitude(f, t));
  Ref top = product(f, t, ir_real(p, t->num), 1);   /* -2*x, -1/x */
  Ref under = product(f, t, t->den == 1 ? 0 : ir_real(p, t->den), -1);
  return under ? ir_prim2(p, P_DIV, top, under) : top;
}

static Ref write_sum(Form *f) {
  Prog *p = f->p;
  Ref r = 0;
  for (uint32_t i = 0; i < f->n; i++) {
    Term *t = &f->t[i];
    if (t->num == 0) continue;
    if (!r) {
      r = write_term(f, t);
      continue;
    }
    bool minus = t->num < 0;
    t->num = fabs(t->num);
    Ref x = write_term(f, t);
    r = minus ? ir_sub(p, r, x) : ir_add(p, r, x);
  }
  return r ? r : ir_real(p, 0);
}

/* ---- the whole --------------------------------------------------------------------- */

/* Reads prim(arg…) into an empty form; false where it does not fit. */
static bool read_form(Form *f, uint32_t prim, const Ref *arg) {
  Term t;
  term_init(&t, 1);
  f->n = f->visits = 0;
  switch (prim) {
  case P_ADD: return put_sum(f, arg[0], 1) && put_sum(f, arg[1], 1);
  case P_SUB: return put_sum(f, arg[0], 1) && put_sum(f, arg[1], -1);
  case P_NEG: return put_sum(f, arg[0], -1);
  case P_MUL:
    if (!put_product(f, &t, arg[0], 1) || !put_product(f, &t, arg[1], 1)) return false;
    break;
  case P_DIV:
    if (!put_product(f, &t, arg[0], 1) || !put_product(f, &t, arg[1], -1)) return false;
    break;
  default: return false;
  }
  /* one sum and a sign: the sign goes in */
  if (t.n == 1 && t.f[0].exp == 1 && t.den == 1 && fabs(t.num) == 1)
    return put_sum(f, t.f[0].base, t.num);
  return put_term(f, &t);
}

/* Where the whole does not fit, the left operand's own left part is a base, so that the
 * end of a long sum is still collected. */
static bool read_tail(Form *f, uint32_t prim, const Ref *arg) {
  if (prim != P_ADD && prim != P_SUB) return false;
  const Node *left = ir_node(f->p, arg[0]);
  if (!is_prim(left, P_ADD) && !is_prim(left, P_SUB)) return false;
  if (!f->opener.open(f->opener.self, arg[0])) return false;
  f->n = f->visits = 0;
  Term t;
  term_init(&t, 1);
  put_base(&t, left->arg[0], 1);
  return put_term(f, &t) && put_sum(f, left->arg[1], left->aux.i == P_ADD ? 1 : -1) &&
         put_sum(f, arg[1], prim == P_ADD ? 1 : -1);
}

static Ref build_power(Form *f, const Ref *arg) {
  double k;
  Term t;
  term_init(&t, 1);
  if (!literal(f, arg[1], &k)) return ir_prim(f->p, P_POW, arg);
  if (k == 0) return ir_real(f->p, 1);
  f->n = f->visits = 0;
  const Node *base = ir_node(f->p, arg[0]);
  if (!whole(k) || !is_prim(base, P_POW) || !put_power(f, &t, arg[0], k))
    return power(f, arg[0], k);
  return put_term(f, &t) ? write_sum(f) : power(f, arg[0], k);
}

static Ref build_form(Form *f, uint32_t prim, const Ref *arg) {
  if (prim == P_POW) return build_power(f, arg);
  Form *inner = f;
  Form fresh;
  if (f->selects) {   /* called while another form is being written */
    form_init(&fresh, f->p, f->opener, f->selects);
    inner = &fresh;
  }
  if (!read_form(inner, prim, arg) && !read_tail(inner, prim, arg))
    return ir_prim(f->p, prim, arg);
  return write_sum(inner);
}

Ref normal_prim(Prog *p, uint32_t prim, const Ref *arg, Opener opener) {
  Form f;
  form_init(&f, p, opener, 0);
  switch (prim) {
  case P_ADD: case P_SUB: case P_NEG: case P_MUL: case P_DIV: case P_POW:
    return build_form(&f, prim, arg);
  default:
    return ir_prim(p, prim, arg);
  }
}
