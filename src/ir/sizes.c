/* sizes.c - polynomials with rational coefficients over int nodes, in normal form.
 *
 * Terms are sorted by degree (highest first), then by their atoms; coefficients are
 * not zero, reduced, with a positive denominator.  Polynomials are interned: equal
 * ones are one pointer.  The poly_ functions give NULL where a coefficient leaves 64
 * bits or the result grows too long; the size_ functions raise instead. */
#include "ir/private.h"

#include <stdlib.h>

#undef HASH_KEYCMP
#define HASH_KEYCMP(a, b, n) (!poly_same((const Poly *)(a), (const Poly *)(b)))

static bool poly_same(const Poly *a, const Poly *b);

#include <uthash.h>

enum { SMALL = 4, FEW_TERMS = 8, MAX_TERMS = 256, MAX_SEEN_THROUGH = 32, MAX_DEGREE = 64 };

typedef struct PolyEntry {
  Poly poly;
  UT_hash_handle hh;
} PolyEntry;

struct PolyTable {
  PolyEntry *all;
  VEC(Size) memo;        /* size_atom by Ref */
  VEC(unsigned char) seen; /* by Ref: some array has this size */
  Size small[SMALL];     /* of the first constants, once they were asked for */
};

void sizes_init(Prog *p) {
  p->polys = PROG_NEW(p, struct PolyTable);
}

/* ---- terms ----------------------------------------------------------------- */

static uint32_t degree(const Mono *m) {
  uint32_t d = 0;
  for (uint32_t k = 0; k < m->n; k++) d += m->exp[k];
  return d;
}

/* The order of terms: by degree, then by atoms, the older atom first. */
static int compare_terms(const void *va, const void *vb) {
  const Mono *a = va, *b = vb;
  uint32_t da = degree(a), db = degree(b);
  if (da != db) return da > db ? -1 : 1;
  for (uint32_t k = 0; k < a->n && k < b->n; k++) {
    if (a->atom[k] != b->atom[k]) return a->atom[k] < b->atom[k] ? -1 : 1;
    if (a->exp[k] != b->exp[k]) return a->exp[k] > b->exp[k] ? -1 : 1;
  }
  return a->n == b->n ? 0 : a->n > b->n ? -1 : 1;
}

static bool same_atoms(const Mono *x, const Mono *y) {
  if (x->n != y->n) return false;
  for (uint32_t k = 0; k < x->n; k++)
    if (x->atom[k] != y->atom[k] || x->exp[k] != y->exp[k]) return false;
  return true;
}

static bool poly_same(const Poly *a, const Poly *b) {
  if (a->n != b->n) return false;
  for (uint32_t k = 0; k < a->n; k++) {
    const Mono *x = &a->mono[k], *y = &b->mono[k];
    if (x->num != y->num || x->den != y->den || !same_atoms(x, y)) return false;
  }
  return true;
}

static uint32_t poly_hash(const Poly *s) {
  uint32_t h = s->n;
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    h = hash_mix64(hash_mix64(h, (uint64_t)m->num), (uint64_t)m->den);
    for (uint32_t a = 0; a < m->n; a++) h = hash_mix(hash_mix(h, m->atom[a]), m->exp[a]);
  }
  return h;
}

static uint64_t gcd(uint64_t a, uint64_t b) {
  while (b) {
    uint64_t t = a % b;
    a = b;
    b = t;
  }
  return a;
}

static uint64_t magnitude(int64_t x) {
  return x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
}

/* Reduces num/den; false where that cannot be written with a positive denominator. */
static bool reduce(int64_t *num, int64_t *den) {
  if (*den == 0 || *num == INT64_MIN || *den == INT64_MIN) return false;
  int64_t g = (int64_t)gcd(magnitude(*num), magnitude(*den));
  if (*den < 0) g = -g;
  *num /= g;
  *den /= g;
  return true;
}

/* a += b, as fractions. */
static bool fraction_add(int64_t *num, int64_t *den, int64_t num2, int64_t den2) {
  int64_t x, y, sum, d;
  if (*den == 1 && den2 == 1) return !__builtin_add_overflow(*num, num2, num) && *num != INT64_MIN;
  if (__builtin_mul_overflow(*num, den2, &x) || __builtin_mul_overflow(num2, *den, &y) ||
      __builtin_add_overflow(x, y, &sum) || __builtin_mul_overflow(*den, den2, &d))
    return false;
  *num = sum;
  *den = d;
  return reduce(num, den);
}

/* a *= b, reducing crosswise first so that fewer products overflow. */
static bool fraction_mul(int64_t *num, int64_t *den, int64_t num2, int64_t den2) {
  if (*den == 1 && den2 == 1)
    return !__builtin_mul_overflow(*num, num2, num) && *num != INT64_MIN;
  if (!reduce(num, &den2) || !reduce(&num2, den)) return false;
  if (__builtin_mul_overflow(*num, num2, num) || __builtin_mul_overflow(*den, den2, den))
    return false;
  return reduce(num, den);
}

static bool term_mul(Ctx *c, const Mono *a, const Mono *b, Mono *out) {
  *out = (Mono){.num = a->num, .den = a->den};
  if (!fraction_mul(&out->num, &out->den, b->num, b->den)) return false;
  if (degree(a) + degree(b) > MAX_DEGREE) return false;
  out->atom = NEWN(c, Ref, a->n + b->n);
  out->exp = NEWN(c, uint32_t, a->n + b->n);
  uint32_t i = 0, j = 0;
  while (i < a->n || j < b->n) {
    bool left = j == b->n || (i < a->n && a->atom[i] <= b->atom[j]);
    bool right = i == a->n || (j < b->n && b->atom[j] <= a->atom[i]);
    out->atom[out->n] = left ? a->atom[i] : b->atom[j];
    out->exp[out->n++] = (left ? a->exp[i] : 0) + (right ? b->exp[j] : 0);
    i += left;
    j += right;
  }
  return true;
}

/* ---- polynomials ----------------------------------------------------------- */

static Mono *keep_terms(Prog *p, const Poly *draft) {
  Mono *term = PROG_NEWN(p, Mono, draft->n);
  for (uint32_t k = 0; k < draft->n; k++) {
    const Mono *m = &draft->mono[k];
    term[k] = *m;
    if (!m->n) continue;
    term[k].atom = memcpy(PROG_NEWN(p, Ref, m->n), m->atom, m->n * sizeof *m->atom);
    term[k].exp = memcpy(PROG_NEWN(p, uint32_t, m->n), m->exp, m->n * sizeof *m->exp);
  }
  return term;
}

/* The draft's terms are copied where they are new. */
static Size poly_intern(Prog *p, Poly draft) {
  Ctx *c = p->ctx;
  draft.hash = poly_hash(&draft);
  PolyEntry *e = NULL;
  HASH_FIND_BYHASHVALUE(hh, p->polys->all, &draft, sizeof draft, draft.hash, e);
  if (e) return &e->poly;
  e = PROG_NEW(p, PolyEntry);
  e->poly = draft;
  e->poly.mono = draft.n ? keep_terms(p, &draft) : NULL;
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, p->polys->all, &e->poly, sizeof e->poly, e->poly.hash, e);
  return &e->poly;
}

/* A few are put in order by hand: a call of qsort costs more than that. */
static void sort_terms(Mono *term, uint32_t n) {
  if (n > FEW_TERMS) qsort(term, n, sizeof *term, compare_terms);
  for (uint32_t k = 1; k < n && n <= FEW_TERMS; k++) {
    Mono m = term[k];
    uint32_t j = k;
    for (; j && compare_terms(&term[j - 1], &m) > 0; j--) term[j] = term[j - 1];
    term[j] = m;
  }
}

/* The polynomial of n terms in any order, equal ones among them; sorts the array. */
static Size poly_collect(Prog *p, Mono *term, uint32_t n) {
  sort_terms(term, n);
  uint32_t kept = 0;
  for (uint32_t k = 0; k < n;) {
    Mono m = term[k++];
    for (; k < n && compare_terms(&m, &term[k]) == 0; k++)
      if (!fraction_add(&m.num, &m.den, term[k].num, term[k].den)) return NULL;
    if (m.num) term[kept++] = m;
  }
  if (kept > MAX_TERMS) return NULL;
  return poly_intern(p, (Poly){.n = kept, .mono = term});
}

Size poly_atom(Prog *p, Ref atom) {
  uint32_t once = 1;
  Mono m = {.num = 1, .den = 1, .n = 1, .atom = &atom, .exp = &once};
  return poly_intern(p, (Poly){.n = 1, .mono = &m});
}

Size poly_add(Prog *p, Size a, Size b) {
  if (a->n == 0) return b;
  if (b->n == 0) return a;
  Mono *term = NEWN(p->ctx, Mono, a->n + b->n);
  memcpy(term, a->mono, a->n * sizeof *term);
  memcpy(term + a->n, b->mono, b->n * sizeof *term);
  return poly_collect(p, term, a->n + b->n);
}

Size poly_scale(Prog *p, Size a, int64_t num, int64_t den) {
  if (num == 1 && den == 1) return a;
  if (num == 0) return size_const(p, 0);
  Mono *term = NEWN(p->ctx, Mono, a->n);
  for (uint32_t k = 0; k < a->n; k++) {
    int64_t num2 = num, den2 = den;
    term[k] = a->mono[k];
    if (!fraction_mul(&term[k].num, &term[k].den, num2, den2)) return NULL;
  }
  return poly_intern(p, (Poly){.n = a->n, .mono = term});
}

/* The value of a constant polynomial as a fraction. */
static bool constant(Size s, int64_t *num, int64_t *den) {
  if (s->n > 1 || (s->n == 1 && s->mono[0].n)) return false;
  *num = s->n ? s->mono[0].num : 0;
  *den = s->n ? s->mono[0].den : 1;
  return true;
}

Size poly_mul(Prog *p, Size a, Size b) {
  int64_t num, den;
  if (constant(a, &num, &den)) return poly_scale(p, b, num, den);
  if (constant(b, &num, &den)) return poly_scale(p, a, num, den);
  if (a->n * b->n > 4 * MAX_TERMS) return NULL;
  Mono *term = NEWN(p->ctx, Mono, a->n * b->n);
  for (uint32_t i = 0; i < a->n; i++)
    for (uint32_t j = 0; j < b->n; j++)
      if (!term_mul(p->ctx, &a->mono[i], &b->mono[j], &term[i * b->n + j])) return NULL;
  return poly_collect(p, term, a->n * b->n);
}

/* ---- the public operations ------------------------------------------------- */

static Size checked(Prog *p, Size s) {
  if (s) return s;
  diag(p->ctx, SEV_ERROR, p->pos, "the formula of a size is too large");
  diag(p->ctx, SEV_HELP, p->pos,
       "write the size with smaller numbers, or give it a name of its own");
  diag_raise(p->ctx, GC_LIMIT);
}

Size size_const(Prog *p, int64_t n) {
  if (n == INT64_MIN) return checked(p, NULL);
  Size *known = n >= 0 && n < SMALL ? &p->polys->small[n] : NULL;
  if (known && *known) return *known;
  Mono m = {.num = n, .den = 1};
  Size s = poly_intern(p, (Poly){.n = n != 0, .mono = &m});
  if (known) *known = s;
  return s;
}

Size size_add(Prog *p, Size a, Size b) {
  return checked(p, poly_add(p, a, b));
}

static Size poly_sub(Prog *p, Size a, Size b) {
  Size minus = poly_scale(p, b, -1, 1);
  return minus ? poly_add(p, a, minus) : NULL;
}

Size size_sub(Prog *p, Size a, Size b) {
  return checked(p, poly_sub(p, a, b));
}

Size size_mul(Prog *p, Size a, Size b) {
  return checked(p, poly_mul(p, a, b));
}

Size size_scale(Prog *p, Size a, int64_t num, int64_t den) {
  if (den == 0) internal_error(p->ctx, "a size divided by 0");
  return checked(p, poly_scale(p, a, num, den));
}

bool size_is_const(Size s, int64_t *value) {
  int64_t num, den;
  if (!constant(s, &num, &den) || den != 1) return false;
  *value = num;
  return true;
}

/* ---- from nodes ------------------------------------------------------------ */

/* value of s at the atoms' values, times den; false on overflow. */
static bool evaluate(Size s, uint32_t natoms, const Ref *atom, const int64_t *value, int64_t den,
                     int64_t *out) {
  *out = 0;
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    int64_t x;
    if (__builtin_mul_overflow(m->num, den / m->den, &x)) return false;
    for (uint32_t a = 0; a < m->n; a++) {
      uint32_t at = 0;
      while (at < natoms && atom[at] != m->atom[a]) at++;
      for (uint32_t e = 0; e < m->exp[a]; e++)
        if (__builtin_mul_overflow(x, value[at], &x)) return false;
    }
    if (__builtin_add_overflow(*out, x, out)) return false;
  }
  return true;
}

enum { WHOLE_ATOMS = 6, WHOLE_POINTS = 1024 };

/* The atoms of s and the highest power of each; false where there are too many. */
static bool atoms_of(Size s, uint32_t *natoms, Ref *atom, uint32_t *power) {
  *natoms = 0;
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t a = 0; a < s->mono[k].n; a++) {
      uint32_t at = 0;
      while (at < *natoms && atom[at] != s->mono[k].atom[a]) at++;
      if (at == WHOLE_ATOMS) return false;
      if (at == *natoms) {
        atom[(*natoms)++] = s->mono[k].atom[a];
        power[at] = 0;
      }
      if (s->mono[k].exp[a] > power[at]) power[at] = s->mono[k].exp[a];
    }
  return true;
}

/* Least common denominator; 0 on overflow. */
static int64_t denominator(Size s) {
  int64_t den = 1;
  for (uint32_t k = 0; k < s->n; k++) {
    int64_t g = (int64_t)gcd((uint64_t)den, (uint64_t)s->mono[k].den);
    if (__builtin_mul_overflow(den, s->mono[k].den / g, &den)) return 0;
  }
  return den;
}

/* Is s whole wherever its atoms are?  A polynomial of degree d_k in atom k takes whole
 * values everywhere exactly if it does on the grid 0..d_1 x 0..d_2 x … */
static bool always_whole(Size s) {
  uint32_t n, power[WHOLE_ATOMS], points = 1;
  Ref atom[WHOLE_ATOMS];
  int64_t at[WHOLE_ATOMS] = {0}, value, den = denominator(s);
  if (den == 0 || !atoms_of(s, &n, atom, power)) return false;
  if (den == 1) return true;
  for (uint32_t k = 0; k < n; k++) {
    points *= power[k] + 1;
    if (points > WHOLE_POINTS) return false;
  }
  for (uint32_t point = 0; point < points; point++) {
    uint32_t rest = point;
    for (uint32_t k = 0; k < n; k++) {
      at[k] = rest % (power[k] + 1);
      rest /= power[k] + 1;
    }
    if (!evaluate(s, n, atom, at, den, &value) || value % den) return false;
  }
  return true;
}

static Size quotient(Prog *p, Size a, Size b) {
  int64_t by;
  if (!size_is_const(b, &by) || by == 0) return NULL;
  Size q = poly_scale(p, a, 1, by);
  return q && always_whole(q) ? q : NULL;
}

static bool seen_through(const Node *n) {
  if (n->op != IR_PRIM || n->type->elem != ELEM_INT) return false;
  switch (n->aux.i) {
  case P_ADD: case P_SUB: case P_MUL: case P_NEG: case P_FLOORDIV: return true;
  default: return false;
  }
}

/* The size of a node whose operands' sizes are known, or NULL: it is an atom. */
static Size combine(Prog *p, const Node *n, const Size *memo) {
  if (n->op == IR_CONST) return n->aux.i == INT64_MIN ? NULL : size_const(p, n->aux.i);
  if (!seen_through(n)) return NULL;
  Size a = memo[n->arg[0]], b = n->nargs > 1 ? memo[n->arg[1]] : NULL;
  switch (n->aux.i) {
  case P_ADD: return poly_add(p, a, b);
  case P_SUB: return poly_sub(p, a, b);
  case P_MUL: return poly_mul(p, a, b);
  case P_NEG: return poly_scale(p, a, -1, 1);
  default: return quotient(p, a, b);
  }
}

static void memo_room(Prog *p) {
  struct PolyTable *t = p->polys;
  if (t->memo.n >= p->nnodes) return;
  uint32_t room = p->nnodes + p->nnodes / 2;
  t->memo.at = zone_move(p->ctx, p->zone, t->memo.at, sizeof(Size) * t->memo.n, sizeof(Size) * room);
  t->memo.n = t->memo.cap = room;
}

Size size_atom(Prog *p, Ref r) {
  struct PolyTable *t = p->polys;
  memo_room(p);
  if (t->memo.at[r]) return t->memo.at[r];
  VEC(Ref) todo = {0};
  VEC_PUSH(p->ctx, &todo, r);
  while (todo.n) {
    Ref at = todo.at[todo.n - 1];
    const Node *n = ir_node(p, at);
    uint32_t before = todo.n;
    if (seen_through(n))
      for (uint32_t k = 0; k < n->nargs; k++)
        if (!t->memo.at[n->arg[k]]) VEC_PUSH(p->ctx, &todo, n->arg[k]);
    if (todo.n > before) continue;
    todo.n--;
    if (t->memo.at[at]) continue;
    Size s = combine(p, n, t->memo.at);
    t->memo.at[at] = s && s->n <= MAX_SEEN_THROUGH ? s : poly_atom(p, at);
  }
  return t->memo.at[r];
}

static bool is_one_atom(Size s) {
  if (s->n != 1 || s->mono[0].n != 1) return false;
  return s->mono[0].num == 1 && s->mono[0].den == 1 && s->mono[0].exp[0] == 1;
}

static void mark_seen(Prog *p, Ref atom) {
  struct PolyTable *t = p->polys;
  while (t->seen.n <= atom) PROG_PUSH(p, &t->seen, 0);
  t->seen.at[atom] = 1;
}

void size_seen(Prog *p, Size s) {
  if (s->n == 1 && s->mono[0].n == 1 && s->mono[0].num > 0) mark_seen(p, s->mono[0].atom[0]);
}

void sizes_forget_seen(Prog *p) {
  p->polys->seen.n = 0;
}

bool size_is_seen(const Prog *p, Ref atom) {
  return atom < p->polys->seen.n && p->polys->seen.at[atom];
}

/* ---- to nodes -------------------------------------------------------------- */

static Ref power_node(Prog *p, Ref x, uint32_t e) {
  Ref r = x;
  while (--e) r = ir_mul(p, r, x);
  return r;
}

/* |num| * scale * atoms… */
static Ref term_node(Prog *p, const Mono *m, int64_t factor) {
  Ref r = 0;
  for (uint32_t k = 0; k < m->n; k++) {
    Ref x = power_node(p, m->atom[k], m->exp[k]);
    r = r ? ir_mul(p, r, x) : x;
  }
  if (!r) return ir_int(p, factor);
  return factor == 1 ? r : ir_mul(p, ir_int(p, factor), r);
}

Ref size_node(Prog *p, Size s) {
  int64_t den = denominator(s);
  Ref sum = 0;
  if (den == 0) checked(p, NULL);
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    int64_t factor;
    if (__builtin_mul_overflow(m->num, den / m->den, &factor)) checked(p, NULL);
    bool minus = factor < 0 && sum;
    Ref term = term_node(p, m, minus ? -factor : factor);
    sum = !sum ? term : minus ? ir_sub(p, sum, term) : ir_add(p, sum, term);
  }
  if (!sum) return ir_int(p, 0);
  return den == 1 ? sum : ir_prim2(p, P_FLOORDIV, sum, ir_int(p, den));
}

Size size_map(Prog *to, Size s, RefMap map, void *self) {
  if (is_one_atom(s)) return size_atom(to, map(self, s->mono[0].atom[0]));
  Size sum = size_const(to, 0);
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    Size term = size_scale(to, size_const(to, m->num), 1, m->den);
    for (uint32_t a = 0; a < m->n; a++) {
      Size x = size_atom(to, map(self, m->atom[a]));
      for (uint32_t e = 0; e < m->exp[a]; e++) term = size_mul(to, term, x);
    }
    sum = size_add(to, sum, term);
  }
  return sum;
}

/* ---- text ------------------------------------------------------------------ */

static void term_text(const Prog *p, const Mono *m, uint64_t factor, Buf *out) {
  if (factor != 1 || !m->n) buf_printf(out, "%llu", (unsigned long long)factor);
  for (uint32_t k = 0; k < m->n; k++) {
    const char *name = ir_node(p, m->atom[k])->name;
    if (k || factor != 1) buf_puts(out, "*");
    if (name) buf_puts(out, name);
    else buf_printf(out, "%%%u", m->atom[k]);
    if (m->exp[k] > 1) buf_printf(out, "^%u", m->exp[k]);
  }
}

/* "(d^2 - d)/2": over the common denominator. */
void size_text(const Prog *p, Size s, Buf *out) {
  int64_t den = denominator(s);
  bool bracket = den != 1 && s->n > 1;
  if (!s->n) buf_puts(out, "0");
  if (bracket) buf_puts(out, "(");
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    bool minus = m->num < 0;
    if (k) buf_puts(out, minus ? " - " : " + ");
    else if (minus) buf_puts(out, "-");
    uint64_t whole = den ? (uint64_t)(den / m->den) : 1;
    term_text(p, m, magnitude(m->num) * whole, out);
  }
  if (bracket) buf_puts(out, ")");
  if (den > 1) buf_printf(out, "/%lld", (long long)den);
}
