/* naming.c - which nodes get a name in printed text, and which name.
 *
 * A node is printed in place where it is used once, or where it is short; equal texts
 * become one node again when they are read, so repeating a short one costs nothing.  What
 * is longer and used twice, what a loop inside uses, and what would nest too deep
 * gets a name: that of the source where it is free, else t1, t2, … */
#include "emit/language.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define uthash_malloc(size) arena_alloc(c, (size))
#define uthash_free(p, size) ((void)(p))
#define uthash_fatal(message) internal_error(c, "%s", message)
#include <uthash.h>

enum { SHORT = 3, SHORT_FOR_FEW = 8, FEW = 3, SHORT_INSIDE = 8, DEEP = 48, HEAVY = 1000 };

struct Taken {
  const char *name;
  bool taken;
  UT_hash_handle hh;
};

/* ---- names ------------------------------------------------------------------- */

static const char *const words[] = {
  "if", "then", "else", "and", "or", "not", "for", "in", "while", "with", "print", "assert",
  "fold", "scan", "loop", "at", "most", "true", "false", "none", "type", "input", "import",
  "trace", "custom_gradient", "custom_tangent", "real", "int", "bool", "pi", "inf", "nan",
  "sum", "prod", "max", "min", "mean", "any", "all", "argmax", "argmin", "logsumexp",
  "softmax", "log_softmax", "cumsum", "norm", "dot", "cross", "outer", "transpose", "diag",
  "trace_of", "zeros", "ones", "eye", "reshape", "concat", "stack", "shape", "grad", "jvp",
  "vjp", "jacobian", "hessian", "hvp", "stop_gradient", "detach", "grad_reverse",
  "grad_scale", "grad_clip", "straight_through", "close", "floor", "int", "_", "T",
};

static bool take(Printer *w, const char *name) {
  Ctx *c = w->c;
  Taken *t = NULL;
  HASH_FIND_STR(w->taken, name, t);
  if (t && t->taken) return false;
  if (!t) {
    t = NEW(c, Taken);
    t->name = name;
    HASH_ADD_KEYPTR(hh, w->taken, t->name, strlen(name), t);
  }
  t->taken = true;
  return true;
}

void naming_init(Printer *w) {
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) take(w, words[i]);
  for (uint32_t i = 0; i < PRIM_COUNT; i++)
    if (isalpha((unsigned char)*prim_get(i)->name)) take(w, prim_get(i)->name);
}

/* Letters, digits and _ alone: p.W becomes p_W. */
static const char *plain(Printer *w, const char *s) {
  size_t n = strlen(s);
  char *t = arena_alloc(w->c, n + 2), *at = t;
  if (isdigit((unsigned char)*s)) *at++ = '_';
  for (; *s; s++) *at++ = isalnum((unsigned char)*s) && (unsigned char)*s < 128 ? *s : '_';
  return t;
}

static bool try_name(Printer *w, const char *name) {
  if (!name || !*name || !take(w, name)) return false;
  VEC_PUSH(w->c, &w->scope, name);
  return true;
}

static const char *const greek[] = {
  "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
  "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
};

/* alpha is \alpha, x1 and x_1 are x_{1}, longer words are set upright. */
static const char *name_text(const Printer *w, const char *name) {
  if (!w->latex) return name;
  size_t n = strlen(name), stem = n;
  while (stem > 1 && isdigit((unsigned char)name[stem - 1])) stem--;
  const char *digits = name + stem;
  while (stem > 1 && name[stem - 1] == '_') stem--;
  Buf b;
  buf_init(&b, w->c);
  const char *letter = NULL;
  for (size_t i = 0; i < sizeof greek / sizeof *greek; i++)
    if (strlen(greek[i]) == stem && !memcmp(greek[i], name, stem)) letter = greek[i];
  if (letter) buf_printf(&b, "\\%s", letter);
  else if (stem > 1) buf_puts(&b, "\\mathrm{");
  for (size_t i = 0; i < stem && !letter; i++)
    buf_printf(&b, name[i] == '_' ? "\\_" : "%c", name[i]);
  if (!letter && stem > 1) buf_puts(&b, "}");
  if (*digits) buf_printf(&b, "_{%s}", digits);
  return buf_text(&b);
}

static const char *fresh(Printer *w, const char *hint, const char *other) {
  const char *name = hint ? plain(w, hint) : NULL;
  if (try_name(w, name)) return name;
  for (int k = 1; name && k < 10; k++) {
    const char *numbered = str_printf(w->c, "%s%d", name, k);
    if (try_name(w, numbered)) return numbered;
  }
  for (; other && *other; other++) {   /* one letter each: "ijkl" */
    const char *letter = str_printf(w->c, "%c", *other);
    if (try_name(w, letter)) return letter;
  }
  for (;;) {
    name = str_printf(w->c, "t%u", ++w->temp);
    if (try_name(w, name)) return name;
  }
}

const char *name_fresh(Printer *w, const char *hint, const char *other) {
  return name_text(w, fresh(w, hint, other));
}

uint32_t names_mark(const Printer *w) {
  return w->scope.n;
}

void names_release(Printer *w, uint32_t mark) {
  while (w->scope.n > mark) {
    Taken *t = NULL;
    const char *name = w->scope.at[--w->scope.n];
    HASH_FIND_STR(w->taken, name, t);
    if (t) t->taken = false;
  }
}

/* ---- which nodes get one --------------------------------------------------------- */

typedef struct Plan {
  Printer *w;
  uint32_t *uses, *weight, *depth;
  bool *inside;   /* used by a region inside */
  bool *must;     /* only a name will do: A in A[i], an atom of a size */
} Plan;

/* A name's own node is printed as its value. */
static Ref value_of(const Plan *k, Ref r) {
  for (const Node *n; n = ir_node(k->w->p, r), n->op == IR_VAR || n->op == IR_TIE;) r = n->arg[0];
  return r;
}

static void use(Plan *k, Ref r, uint32_t region) {
  r = value_of(k, r);
  k->uses[r]++;
  if (ir_node(k->w->p, r)->region != region) k->inside[r] = true;
}

static void use_sizes(Plan *k, const Type *t, uint32_t region) {
  for (uint32_t i = 0; i < t->rank; i++)
    for (uint32_t m = 0; m < t->dim[i]->n; m++)
      for (uint32_t a = 0; a < t->dim[i]->mono[m].n; a++) {
        use(k, t->dim[i]->mono[m].atom[a], region);
        k->must[value_of(k, t->dim[i]->mono[m].atom[a])] = true;
      }
}

static void count_uses(Plan *k) {
  Prog *p = k->w->p;
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    uint32_t shown = n->op == IR_TIE || n->op == IR_VAR ? 0 : n->nargs;
    for (uint32_t i = 0; i < shown; i++) use(k, n->arg[i], n->region);
    if (n->op == IR_READ) k->must[value_of(k, n->arg[0])] = true;
    if (n->op == IR_FILL || n->op == IR_RESHAPE) use_sizes(k, n->type, n->region);
    if (n->op != IR_PROJ) continue;
    Ref s = n->arg[0];
    if (!k->w->results[s]) k->w->results[s] = NEWN(p->ctx, Ref, ir_node(p, s)->nresults);
    k->w->results[s][n->aux.i] = r;
  }
  for (uint32_t i = 0; i < p->regions.n; i++) {
    const Region *g = p->regions.at[i];
    for (uint32_t j = 0; j < g->results.n; j++)
      if (g->results.at[j]) use(k, g->results.at[j], g->id);
  }
}

static bool updates_outside(const Printer *w, const Node *s) {
  for (uint32_t i = 0; i < s->nfree; i++) {
    const Type *t = ir_type(w->p, s->free[i]);
    if (t && t->acc) return true;
  }
  return false;
}

static bool is_all_built(const Printer *w, Ref s) {
  const Node *n = ir_node(w->p, s);
  uint32_t used = 0;
  for (uint32_t k = 0; k < n->aux.loop->nout; k++) {
    if (n->aux.loop->comb[k] != BUILD) return false;
    used += w->results[s] && w->results[s][k];
  }
  return used > 1;
}

bool is_group(const Printer *w, Ref s) {
  const Node *n = ir_node(w->p, s);
  switch (n->op) {
  case IR_ACCUM: return true;
  case IR_LOOP: return updates_outside(w, n) || is_all_built(w, s);
  case IR_WHILE:
    return n->nresults > 2 || updates_outside(w, n) || (w->results[s] && w->results[s][1]);
  default: return n->nresults > 1 || updates_outside(w, n);
  }
}

static bool leaf(const Node *n) {
  return n->op == IR_PARAM || n->op == IR_CONST;
}

static void weigh(Plan *k, Ref r) {
  Printer *w = k->w;
  const Node *n = ir_node(w->p, r);
  uint32_t weight = leaf(n) || n->op == IR_VAR || n->op == IR_TIE ? 0 : 1, depth = 0;
  weight += leaf(n);
  for (uint32_t i = 0; i < n->nargs && weight < HEAVY; i++) {
    bool named = w->bound[n->arg[i]];
    weight += named ? 1 : k->weight[n->arg[i]];
    if (!named && depth < k->depth[n->arg[i]]) depth = k->depth[n->arg[i]];
  }
  k->weight[r] = n->op == IR_PROJ || n->op == IR_DATA ? HEAVY : weight;
  k->depth[r] = depth + (n->op != IR_VAR && n->op != IR_TIE);
}

static bool wants_name(const Plan *k, Ref r) {
  const Node *n = ir_node(k->w->p, r);
  if (leaf(n) || !n->type || n->type->acc || !k->uses[r]) return false;
  if (n->op == IR_VAR || n->op == IR_TIE) return false;
  if (n->op == IR_PROJ && is_group(k->w, n->arg[0])) {
    const Node *s = ir_node(k->w->p, n->arg[0]);
    return s->op != IR_LOOP || is_all_built(k->w, n->arg[0]) || k->must[r] || k->uses[r] > 1 ||
           k->inside[r];
  }
  bool scalar = !n->type->rank && n->op != IR_PROJ;
  if (k->must[r]) return true;
  if (k->uses[r] > 1 && k->weight[r] > (k->uses[r] > FEW ? SHORT : SHORT_FOR_FEW)) return true;
  if (k->inside[r] && (!scalar || k->weight[r] > SHORT_INSIDE)) return true;
  return k->depth[r] >= DEEP;
}

static bool arithmetic(int64_t prim) {
  switch (prim) {
  case P_ADD: case P_SUB: case P_MUL: case P_NEG: case P_POW: case P_MAX: case P_MIN:
  case P_SELECT: case P_ABS: case P_SIGN: case P_RELU: case P_CLAMP: case P_FLOORDIV:
  case P_MOD: return true;
  default: return false;
  }
}

bool is_real_text(const Printer *w, Ref r) {
  return w->bound[r] || w->evident[r];
}

/* Would the text of the node itself be read as a real with nothing around it? */
static bool is_evident(const Printer *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  if (!n->type || n->type->elem != ELEM_REAL) return true;
  switch (n->op) {
  case IR_CONST: return n->aux.r != trunc(n->aux.r) || fabs(n->aux.r) >= 1e15;
  case IR_TOREAL: return false;
  case IR_PRIM: break;
  case IR_VAR: case IR_TIE: case IR_STOP: case IR_SCALE: case IR_STRAIGHT:
    return is_real_text(w, n->arg[0]);
  default: return true;
  }
  if (!arithmetic(n->aux.i)) return true;
  for (uint32_t i = n->aux.i == P_SELECT; i < n->nargs; i++)
    if (is_real_text(w, n->arg[i])) return true;
  return n->aux.i == P_POW || n->aux.i == P_FLOORDIV || n->aux.i == P_MOD;  /* made so */
}

void naming_plan(Printer *w) {
  uint32_t n = w->p->nnodes;
  Plan k = {.w = w};
  k.uses = NEWN(w->c, uint32_t, n), k.weight = NEWN(w->c, uint32_t, n);
  k.depth = NEWN(w->c, uint32_t, n);
  k.inside = NEWN(w->c, bool, n), k.must = NEWN(w->c, bool, n);
  count_uses(&k);
  for (Ref r = 1; r < n; r++) {
    weigh(&k, r);
    w->bound[r] = wants_name(&k, r);
    w->evident[r] = is_evident(w, r);
  }
}
