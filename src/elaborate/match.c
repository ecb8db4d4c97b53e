/* match.c - values against types: what the size names stand for, and whether all fits.
 *
 * match_value() checks structure and elements and collects one equation an axis, the
 * size as written = the size at hand.  match_solve() takes names that stand alone
 * first, then constants, then solves what has one open name (`2*l` = 6); what is left
 * over is compared: an error that names both sizes and both places, or a check at
 * run time. */
#include "elaborate/private.h"

void env_bind(Elab *e, SizeEnv *env, const char *name, Size value, Span at, const char *by) {
  SizeBound b = {name, value, at, by};
  VEC_PUSH(e->c, &env->bound, b);
}

const SizeBound *env_find(const SizeEnv *env, const char *name) {
  for (uint32_t k = 0; k < env->bound.n; k++)
    if (env->bound.at[k].name == name) return &env->bound.at[k];
  return NULL;
}

/* ---- structure ---------------------------------------------------------- */

static _Noreturn void fail_match(Elab *e, const TypeExpr *t, const Val *v, Span at,
                                 const char *what) {
  Buf want;
  buf_init(&want, e->c);
  type_expr_text(e, t, &want);
  bool real_for_int = t->kind == TYPE_ARRAY && t->elem == ELEM_INT && v->kind == VAL_NODE &&
                      val_type(e, v)->elem == ELEM_REAL && val_type(e, v)->rank == t->rank;
  bool scalar_for_array = t->kind == TYPE_ARRAY && t->rank == 0 && v->kind == VAL_NODE &&
                          val_type(e, v)->rank > 0;
  const char *help = real_for_int ? "int(e) makes an int of a real"
                     : scalar_for_array ? "map it over the array: [f(v) for v in x]"
                     : t->kind == TYPE_RECORD ? "give the fields of the type, each once, in any order"
                     : "give a value of that type, or declare another";
  fail_note(e, at, help, t->at, "its type is written here", "%s is declared %s, and given %s", what,
            buf_text(&want), val_type_text(e, v));
}

static const Val *field_of(const Val *v, const char *name) {
  for (uint32_t k = 0; k < v->n; k++)
    if (v->field[k] == name) return v->kid[k];
  return NULL;
}

static void match_parts(Elab *e, SizeEnv *env, const TypeExpr *t, const Val *v, Span at,
                        const char *what) {
  bool record = t->kind == TYPE_RECORD;
  if (v->kind != (record ? VAL_RECORD : VAL_TUPLE) || v->n != t->n)
    fail_match(e, t, v, at, what);
  for (uint32_t k = 0; k < t->n; k++) {
    const Val *part = record ? field_of(v, t->field[k]) : v->kid[k];
    if (!part) fail_match(e, t, v, at, what);
    const char *name = record ? str_printf(e->c, "field `%s` of %s", t->field[k], what)
                              : str_printf(e->c, "part %u of %s", k, what);
    match_value(e, env, t->kid[k], part, at, name);
  }
}

void match_value(Elab *e, SizeEnv *env, const TypeExpr *t, const Val *v, Span at,
                 const char *what) {
  if (v->kind == VAL_NONE) return;
  if (t->kind != TYPE_ARRAY) {
    match_parts(e, env, t, v, at, what);
    return;
  }
  if (v->kind != VAL_NODE) fail_match(e, t, v, at, what);
  const Type *have = val_type(e, v);
  bool fits = have->elem == t->elem || (t->elem == ELEM_REAL && have->elem == ELEM_INT);
  if (!fits || have->rank != t->rank) fail_match(e, t, v, at, what);
  for (uint32_t k = 0; k < t->rank; k++) {
    Equation q = {t->dim[k], have->dim[k], at, t->at, what};
    VEC_PUSH(e->c, &env->todo, q);
  }
}

/* ---- sizes -------------------------------------------------------------- */

static bool is_alone(Size s) {
  return s->n == 1 && s->mono[0].n == 1 && s->mono[0].exp[0] == 1 && s->mono[0].num == 1 &&
         s->mono[0].den == 1;
}

/* The names of s without a value: how many (2 counts as many), and the last of them. */
static uint32_t open_names(Elab *e, const SizeEnv *env, Size s, Ref *open) {
  uint32_t n = 0;
  *open = 0;
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t j = 0; j < s->mono[k].n; j++) {
      Ref atom = s->mono[k].atom[j];
      if (atom == *open || env_find(env, size_atom_name(e, atom))) continue;
      *open = atom;
      n++;
    }
  return n;
}

/* The sum of the terms of s that hold `open` to the power `power`, that power left out
 * (open 0: all terms), at the values of the other names. */
static Size evaluate(Elab *e, const SizeEnv *env, Size s, Ref open, uint32_t power) {
  Prog *p = e->p;
  Size sum = size_const(p, 0);
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    Size term = size_scale(p, size_const(p, m->num), 1, m->den);
    uint32_t has = 0;
    for (uint32_t j = 0; j < m->n; j++) {
      if (m->atom[j] == open) {
        has = m->exp[j];
        continue;
      }
      const SizeBound *b = env_find(env, size_atom_name(e, m->atom[j]));
      for (uint32_t x = 0; x < m->exp[j]; x++) term = size_mul(p, term, b->value);
    }
    if (has == power) sum = size_add(p, sum, term);
  }
  return sum;
}

static uint32_t highest_power(Size s, Ref open) {
  uint32_t most = 0;
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t j = 0; j < s->mono[k].n; j++)
      if (s->mono[k].atom[j] == open && s->mono[k].exp[j] > most) most = s->mono[k].exp[j];
  return most;
}

static double fraction(Size s) {
  return s->n ? (double)s->mono[0].num / (double)s->mono[0].den : 0;
}

/* A whole root of a polynomial that grows (d*(d - 1)/2 = 6), all numbers known. */
static bool solve_by_search(Elab *e, const SizeEnv *env, const Equation *q, Ref open,
                            uint32_t most, int64_t *root) {
  enum { DEGREE = 8, TRIES = 1000000 };
  double part[DEGREE + 1];
  int64_t want;
  if (most > DEGREE || !size_is_const(q->actual, &want)) return false;
  for (uint32_t k = 0; k <= most; k++) {
    Size s = evaluate(e, env, q->symbolic, open, k);
    if (s->n > 1 || (s->n == 1 && s->mono[0].n)) return false;
    part[k] = fraction(s);
  }
  bool found = false;
  for (int64_t x = 0; x <= TRIES; x++) {
    double y = 0;
    for (uint32_t k = most + 1; k-- > 0;) y = y * (double)x + part[k];
    if (y == (double)want) {
      found = true;
      *root = x; /* the largest: 0 = d*(d - 1)/2 holds for 0 too */
    }
    if (y > (double)want && x > 1) break;
  }
  return found;
}

static _Noreturn void fail_solve(Elab *e, const Equation *q, const char *name) {
  Buf b;
  buf_init(&b, e->c);
  size_text(e->st->names, q->symbolic, &b);
  fail_note(e, q->at, "give it an array of a size that the type allows", q->type_at,
            "its type is written here", "%s has size %s, and no whole %s makes %s of it", q->what, size_name(e, q->actual),
            name, buf_text(&b));
}

/* Is s a whole number?  *constant: a number at all. */
static bool whole_constant(Size s, bool *constant) {
  int64_t unused;
  *constant = s->n == 0 || (s->n == 1 && s->mono[0].n == 0);
  return size_is_const(s, &unused);
}

static bool has_fraction(Size s) {
  for (uint32_t k = 0; k < s->n; k++)
    if (s->mono[k].den != 1) return true;
  return false;
}

/* What is known only when it runs: is rest/factor whole, and not negative? */
static void check_root(Elab *e, const Equation *q, Size rest, int64_t factor, Size root) {
  Prog *p = e->p;
  if (has_fraction(root)) {
    Ref left = ir_prim2(p, P_MOD, size_ref(e, rest), ir_int(p, factor));
    elab_check(e, ir_prim2(p, P_EQ, left, ir_int(p, 0)), q->at,
               "%s has size %s, not a multiple of %lld", q->what, size_name(e, q->actual),
               (long long)factor);
  }
  if (!size_nonneg(p, root))
    elab_check(e, ir_prim2(p, P_GE, size_ref(e, rest), ir_int(p, 0)), q->at,
               "%s has size %s, which is too small", q->what, size_name(e, q->actual));
}

/* factor*name + … = actual, or NULL where the factor is not a number. */
static Size solve_linear(Elab *e, SizeEnv *env, const Equation *q, Ref open) {
  Size factor = evaluate(e, env, q->symbolic, open, 1);
  Size rest = size_sub(e->p, q->actual, evaluate(e, env, q->symbolic, open, 0));
  if (factor->n != 1 || factor->mono[0].n) return NULL;
  int64_t num = factor->mono[0].num, den = factor->mono[0].den, x;
  Size root = size_scale(e->p, rest, den, num);
  bool constant, whole = whole_constant(root, &constant);
  if (constant && (!whole || (size_is_const(root, &x) && x < 0)))
    fail_solve(e, q, size_atom_name(e, open));
  if (!constant && num > 0) check_root(e, q, size_scale(e->p, rest, den, 1), num, root);
  return root;
}

static void solve_one(Elab *e, SizeEnv *env, const Equation *q, Ref open) {
  const char *name = size_atom_name(e, open);
  uint32_t most = highest_power(q->symbolic, open);
  Size root = NULL;
  int64_t x;
  if (most == 1) root = solve_linear(e, env, q, open);
  else if (solve_by_search(e, env, q, open, most, &x)) root = size_const(e->p, x);
  else if (size_is_const(q->actual, &x)) fail_solve(e, q, name);
  if (!root)
    fail_note(e, q->at, "let a parameter have it as a size of its own, or pass it as an int",
              q->type_at, "its type is written here", "the size `%s` cannot be told from %s", name,
              q->what);
  env_bind(e, env, name, root, q->at, q->what);
}

static void bind_constants(Elab *e, SizeEnv *env, const Module *home) {
  for (uint32_t k = 0; k < env->todo.n; k++) {
    Size s = env->todo.at[k].symbolic;
    for (uint32_t i = 0; i < s->n; i++)
      for (uint32_t j = 0; j < s->mono[i].n; j++) {
        const char *name = size_atom_name(e, s->mono[i].atom[j]);
        const Named *d = module_binding(home, name);
        if (env_find(env, name) || !d || !d->constant) continue;
        const Val *v = scope_find(e, scope_root(e, home, false), name);
        int64_t n;
        if (v && v->kind == VAL_NODE && val_type(e, v)->elem == ELEM_INT &&
            val_type(e, v)->rank == 0 && size_is_const(size_of(e, v->ref), &n))
          env_bind(e, env, name, size_const(e->p, n), d->binder->span, "the constant");
      }
  }
}

static void bind_alone(Elab *e, SizeEnv *env) {
  for (uint32_t k = 0; k < env->todo.n; k++) {
    const Equation *q = &env->todo.at[k];
    if (!is_alone(q->symbolic)) continue;
    const char *name = size_atom_name(e, q->symbolic->mono[0].atom[0]);
    if (!env_find(env, name)) env_bind(e, env, name, q->actual, q->at, q->what);
  }
}

static void bind_solved(Elab *e, SizeEnv *env) {
  bool more = true;
  const Equation *stuck = NULL;
  while (more) {
    more = false;
    stuck = NULL;
    for (uint32_t k = 0; k < env->todo.n; k++) {
      Ref open;
      uint32_t n = open_names(e, env, env->todo.at[k].symbolic, &open);
      if (n > 1) stuck = &env->todo.at[k];
      if (n != 1) continue;
      Equation q = env->todo.at[k];
      solve_one(e, env, &q, open);
      more = true;
    }
  }
  if (!stuck) return;
  Buf b;
  buf_init(&b, e->c);
  size_text(e->st->names, stuck->symbolic, &b);
  fail_note(e, stuck->at, "let a parameter have each of them as a size of its own",
            stuck->type_at, "its type is written here",
            "the sizes in %s cannot be told from %s alone", buf_text(&b), stuck->what);
}

/* Has atom j of monomial k stood further left? */
static bool stood_before(Size s, uint32_t k, uint32_t j) {
  for (uint32_t a = 0; a <= k; a++)
    for (uint32_t b = 0; b < (a < k ? s->mono[a].n : j); b++)
      if (s->mono[a].atom[b] == s->mono[k].atom[j]) return true;
  return false;
}

/* "2*l (l = 3 by parameter `y` of `f`)". */
static const char *bound_by(Elab *e, const SizeEnv *env, Size symbolic, Span *where) {
  Buf b;
  buf_init(&b, e->c);
  *where = (Span){0};
  for (uint32_t k = 0; k < symbolic->n; k++)
    for (uint32_t j = 0; j < symbolic->mono[k].n; j++) {
      const SizeBound *s = env_find(env, size_atom_name(e, symbolic->mono[k].atom[j]));
      if (!s || stood_before(symbolic, k, j)) continue;
      buf_printf(&b, "%s%s is %s by %s", b.n ? ", " : "", s->name, size_name(e, s->value), s->by);
      if (!where->file) *where = s->at;
    }
  return b.n ? buf_text(&b) : NULL;
}

static void compare(Elab *e, const SizeEnv *env, const Equation *q) {
  Size want = evaluate(e, env, q->symbolic, 0, 0);
  if (want == q->actual) return;
  Buf b;
  buf_init(&b, e->c);
  size_text(e->st->names, q->symbolic, &b);
  int64_t gap;
  if (size_is_const(size_sub(e->p, want, q->actual), &gap)) {
    Span where;
    const char *why = bound_by(e, env, q->symbolic, &where);
    diag(e->c, SEV_ERROR, q->at, "%s has size %s where %s%s%s is wanted", q->what,
         size_name(e, q->actual), buf_text(&b), why ? " = " : "",
         why ? size_name(e, want) : "");
    if (why) diag(e->c, SEV_NOTE, where, "%s", why);
    diag(e->c, SEV_NOTE, q->type_at, "its type is written here");
    diag(e->c, SEV_HELP, (Span){0}, why ? "a size name stands for one size everywhere in a call"
                                        : "give it that size, or name the size: real[n]");
    diag_raise(e->c, GC_ERROR);
  }
  Ref equal = ir_prim2(e->p, P_EQ, size_ref(e, want), size_ref(e, q->actual));
  elab_check(e, equal, q->at, "%s has size %s where %s is wanted", q->what,
             size_name(e, q->actual), buf_text(&b));
}

void match_solve(Elab *e, SizeEnv *env, const Module *home) {
  if (!env->todo.n) return;
  bind_alone(e, env);
  bind_constants(e, env, home);
  bind_solved(e, env);
  for (uint32_t k = 0; k < env->todo.n; k++) compare(e, env, &env->todo.at[k]);
  env->todo.n = 0;
}

Size env_size(Elab *e, SizeEnv *env, Size symbolic, Span at) {
  Ref open;
  if (open_names(e, env, symbolic, &open))
    fail_at(e->c, at, "let a parameter bind it, or write a number", "the size `%s` has no value",
            size_atom_name(e, open));
  return evaluate(e, env, symbolic, 0, 0);
}

/* ---- conversion --------------------------------------------------------- */

/* After match_solve: sizes have been compared, so an array is only given its type. */
const Val *match_convert(Elab *e, SizeEnv *env, const TypeExpr *t, const Val *v, Span at,
                         const char *what) {
  if (v->kind == VAL_NONE) return v;
  if (t->kind == TYPE_ARRAY) {
    const Type *have = val_type(e, v);
    Size dim[MAX_RANK];
    for (uint32_t k = 0; k < t->rank; k++) dim[k] = env_size(e, env, t->dim[k], at);
    const Type *want = type_array(e->p, t->elem, t->rank, dim);
    if (want == have) return v;
    Ref r = t->elem == ELEM_REAL ? node_to_real(e, v->ref) : v->ref;
    return val_node(e, ir_type(e->p, r) == want ? r : ir_reshape(e->p, r, want));
  }
  const Val **kid = NEWN(e->c, const Val *, t->n);
  for (uint32_t k = 0; k < t->n; k++) {
    const Val *part = t->kind == TYPE_RECORD ? field_of(v, t->field[k]) : v->kid[k];
    kid[k] = match_convert(e, env, t->kid[k], part, at, what);
  }
  return t->kind == TYPE_TUPLE ? val_tuple(e, t->n, kid) : val_record(e, t->n, t->field, kid);
}
