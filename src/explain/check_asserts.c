/* check_asserts.c - asserts: proved, or tested at random points.
 *
 * The script's names that are bound to literal reals, and its inputs, are what can be
 * varied: `assert a == b` becomes a function of them whose body is the bindings that a and
 * b need.  It is proved when a - b simplifies to 0; that says nothing about values that are
 * not finite, so it is also evaluated where the script does. */
#include "explain/check_private.h"
#include "jit/jit.h"
#include "optimize/optimize.h"

#include <math.h>
#include <string.h>

enum { ASSERT_POINTS = 100, MOST_NODES = 20000 };

/* One assert. */
typedef struct Claim {
  Check *k;
  const Ast *item;
  const Ast *left, *right;     /* what it says is equal */
  const char *text, *call;
  VEC(const Ast *) need; /* bindings and inputs it needs, in order */
  VEC(Value) given;      /* values of its parameters in the script */
  bool known;            /* are they all known? */
  Target t;
  Compiled *code;
  bool proved;
} Claim;

/* ---- what it needs ---- */

static bool mentions(const Ast *a, const char *name) {
  if (a->kind == AST_NAME && a->name == name) return true;
  for (uint32_t k = 0; k < a->nkids; k++)
    if (a->kid[k] && mentions(a->kid[k], name)) return true;
  return false;
}

static bool pattern_mentioned(const Ast *pattern, const Ast *in) {
  if (pattern->kind == AST_NAME) return mentions(in, pattern->name);
  for (uint32_t k = 0; k < pattern->nkids; k++)
    if (pattern_mentioned(pattern->kid[k], in)) return true;
  return false;
}

/* From the assert upwards: what it or something needed mentions. */
static void find_needs(Claim *q, uint32_t at) {
  Ctx *c = q->k->c;
  const Ast *file = q->k->o->file;
  VEC(const Ast *) found = {0};
  for (uint32_t k = at; k-- > 0;) {
    const Ast *a = file->kid[k];
    if (a->kind != AST_BIND && a->kind != AST_INPUT) continue;
    bool needed = false;
    for (uint32_t j = 0; j <= found.n && !needed; j++) {
      const Ast *user = j ? found.at[j - 1] : q->item->kid[0];
      const Ast *in = j && user->kind == AST_BIND ? user->kid[1] : user;
      needed = a->kind == AST_INPUT ? mentions(in, a->name) : pattern_mentioned(a->kid[0], in);
    }
    if (needed) VEC_PUSH(c, &found, a);
  }
  for (uint32_t k = found.n; k-- > 0;) VEC_PUSH(c, &q->need, found.at[k]);
}

/* ---- what is equal ---- */

static bool calls(const Ast *e, const char *name, uint32_t arguments) {
  return e->kind == AST_CALL && e->nkids == arguments + 1 && e->kid[0]->kind == AST_NAME &&
         !strcmp(e->kid[0]->name, name);
}

/* a == b, all(a == b), or close(a, b); with a tolerance of its own it is no identity. */
static bool find_sides(Claim *q) {
  const Ast *e = q->item->kid[0];
  if (calls(e, "all", 1)) e = e->kid[1];
  bool near = calls(e, "close", 2), equal = e->kind == AST_BINARY && e->op == OP_EQ;
  if (near || equal) q->left = e->kid[near], q->right = e->kid[1 + near];
  return near || equal;
}

/* ---- as a function ---- */

static const char *text_at(Ctx *c, Span at) {
  return str_printf(c, "%.*s", (int)(at.end - at.start), source_get(c, at.file)->text + at.start);
}

/* Is it made of numbers, a real among them? */
static bool is_numbers(const Ast *a, bool *real) {
  if (a->kind == AST_UNARY && a->op == OP_NEG) return is_numbers(a->kid[0], real);
  if (a->kind == AST_REAL) *real = true;
  if (a->kind == AST_REAL || a->kind == AST_INT) return true;
  if (a->kind != AST_ARRAY || !a->nkids) return false;
  for (uint32_t k = 0; k < a->nkids; k++)
    if (!is_numbers(a->kid[k], real)) return false;
  return true;
}

static const char *literal_type(Ctx *c, const Ast *a) {
  Buf b;
  buf_init(&b, c);
  buf_puts(&b, "real");
  for (const Ast *x = a; x->kind == AST_ARRAY; x = x->kid[0])
    buf_printf(&b, "%s%u", x == a ? "[" : ", ", x->nkids);
  if (a->kind == AST_ARRAY) buf_puts(&b, "]");
  return buf_text(&b);
}

typedef struct Reading {
  Claim *q;
  const char *text;
} Reading;

static void read_given(void *self) {
  Reading *r = self;
  VEC_PUSH(r->q->k->c, &r->q->given, literal_read(r->q->k->c, r->text));
}

static void add_param(Claim *q, Buf *head, const char *name, const char *type, const Ast *value) {
  Ctx *c = q->k->c;
  buf_printf(head, "%s%s: %s", head->n ? ", " : "", name, type);
  Reading r = {q, value ? text_at(c, value->span) : ""};
  if (!value || check_quietly(q->k, read_given, &r) != GC_OK) q->known = false;
}

static const char *claim_text(Claim *q) {
  Ctx *c = q->k->c;
  Buf head, body;
  buf_init(&head, c), buf_init(&body, c);
  q->known = true;
  for (uint32_t k = 0; k < q->need.n; k++) {
    const Ast *a = q->need.at[k];
    bool real = false;
    if (a->kind == AST_INPUT)
      add_param(q, &head, a->name, text_at(c, a->kid[0]->span), a->kid[1]);
    else if (a->kid[0]->kind == AST_NAME && is_numbers(a->kid[1], &real) && real)
      add_param(q, &head, a->kid[0]->name, literal_type(c, a->kid[1]), a->kid[1]);
    else
      buf_printf(&body, "%s\n", text_at(c, a->span));
  }
  return str_printf(c, "%s(%s) = {\n%s(%s, %s) }\n", q->call, head.n ? buf_text(&head) : "",
                    body.n ? buf_text(&body) : "", text_at(c, q->left->span),
                    text_at(c, q->right->span));
}

static void add_claim(void *self) {
  Claim *q = self;
  const char *text = claim_text(q);
  uint32_t file = source_add(q->k->c, "<check>", text, strlen(text));
  module_add(q->k->m, parse(q->k->c, file, PARSE_FILE, NULL), true);
}

/* ---- proving ---- */

static bool is_zero(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  double v;
  if (n->op == IR_FILL) return is_zero(p, n->arg[0]);
  return ir_is_const(p, r, &v) && v == 0;
}

static void prove(void *self) {
  Claim *q = self;
  Prog *p = target_program(&q->t, DERIV_VALUE, NULL);
  uint32_t half = p ? p->root->results.n / 2 : 0;
  if (!half || p->nnodes > MOST_NODES || p->root->results.n % 2) return;
  for (Ref r = 1; r < p->nnodes; r++) ir_node(p, r)->flags |= NODE_DERIVATIVE; /* over the reals */
  Ref *gap = NEWN(p->ctx, Ref, half);
  p->derivative = true;
  for (uint32_t k = 0; k < half; k++) {
    Ref a = p->root->results.at[k], b = p->root->results.at[half + k];
    if (ir_type(p, a) != ir_type(p, b) || ir_type(p, a)->elem == ELEM_BOOL) return;
    gap[k] = ir_type(p, a)->rank ? ir_map2(p, P_SUB, a, b) : ir_sub(p, a, b);
  }
  p->root->results.n = p->sig.results.n = 0;
  for (uint32_t k = 0; k < half; k++) {
    ir_result(p, gap[k]);
    prog_result(p, ((SigResult){"gap", gap[k]}));
  }
  p = optimize_for_reading(opt_erase(p));
  q->proved = true;
  for (uint32_t k = 0; k < half; k++) q->proved &= is_zero(p, p->root->results.at[k]);
}

/* ---- testing ---- */

typedef enum Holds { HOLDS, DIFFERS, NOT_FINITE, UNKNOWN } Holds;

static double number_at(const Value *v, uint64_t k) {
  if (!v->rank) k = 0;
  return v->elem == ELEM_REAL ? real_at(v, k) : (double)((const int64_t *)v->data)[k];
}

/* As assert compares, but for a little more rounding at points that nobody chose. */
static bool near(double a, double b, double scale) {
  return a == b || fabs(a - b) <= 1e-9 * fmax(fmax(fabs(a), fabs(b)), 0.01 * scale);
}

static Holds compare_sides(const Value *a, const Value *b) {
  uint64_t n = elements_of(a->rank ? a : b);
  double scale = 0;
  bool finite = true;
  for (uint64_t j = 0; j < n; j++) {
    double x = number_at(a, j), y = number_at(b, j);
    finite &= isfinite(x) && isfinite(y);
    if (isfinite(x) && isfinite(y)) scale = fmax(scale, fmax(fabs(x), fabs(y)));
  }
  for (uint64_t j = 0; j < n; j++)
    if (!near(number_at(a, j), number_at(b, j), scale)) return finite ? DIFFERS : NOT_FINITE;
  return finite ? HOLDS : NOT_FINITE;
}

static Holds holds_at(Claim *q, const Value *in) {
  Prog *p = q->t.value;
  uint32_t half = p->root->results.n / 2;
  if (!q->code) q->code = compiled_program(q->k, target_program(&q->t, DERIV_VALUE, NULL));
  const Value *out = run_compiled(q->k, q->code, in);
  Holds all = out && half ? HOLDS : UNKNOWN;
  for (uint32_t k = 0; out && k < half; k++) {
    Holds one = compare_sides(&out[k], &out[half + k]);
    if (one != HOLDS) all = one;
  }
  return all;
}

/* Does it hold at random points?  *n: how many were tried. */
static Holds holds_around(Claim *q, uint32_t *n) {
  check_points(&q->t, ASSERT_POINTS);
  *n = q->t.point.n;
  for (uint32_t k = 0; k < *n; k++) {
    Holds here = holds_at(q, q->t.point.at[k]);
    if (here != HOLDS) return here;
  }
  return *n ? HOLDS : UNKNOWN;
}

/* ---- the verdict ---- */

static void say(Claim *q, const char *what) {
  uint32_t line, column;
  source_where(q->k->c, q->item->span, &line, &column);
  check_line(q->k, "%s (line %u): %s", q->text, line, what);
}

static void settle(Claim *q) {
  Check *k = q->k;
  uint32_t n = 0;
  Holds given =
      q->known && q->given.n == q->t.value->root->params.n ? holds_at(q, q->given.at) : UNKNOWN;
  const char *finite =
      given == NOT_FINITE ? ", but it is not finite where the script evaluates it" : "";
  check_quietly(k, prove, q);
  if (q->proved) {
    say(q, str_printf(k->c, "proved over the reals%s", finite));
    return;
  }
  if (!q->t.value->root->params.n) {
    say(q, "holds; there is nothing to vary");
    return;
  }
  Holds around = holds_around(q, &n);
  if (around == HOLDS)
    say(q, str_printf(k->c, "tested at %u points%s", n, finite));
  else if (around == UNKNOWN)
    say(q, "holds where the script evaluates it");
  else
    say(q, str_printf(k->c, "holds where the script evaluates it, not at other points%s", finite));
}

static void check_claim(void *self) {
  Claim *q = self;
  if (check_quietly(q->k, add_claim, q) == GC_OK) check_target(&q->t, q->k, q->call);
  if (q->t.value)
    settle(q);
  else
    say(q, "holds where the script evaluates it");
}

/* ---- the script as it stands ---- */

typedef struct Script {
  Check *k;
  uint32_t failed;
  bool ran;
} Script;

static void keep_silent(void *user, const char *text, size_t n) {
  (void)user, (void)text, (void)n;
}

static void run_script(void *self) {
  Script *s = self;
  Ctx *c = s->k->c;
  Host host = {.ctx = c, .write = keep_silent, .stop = s->k->host->stop};
  Prog *p = optimize_in_place(elaborate_script(s->k->m, NULL, 0), NULL);
  Status status = jit_call(jit_tcc(p, true), NULL, NULL, &host);
  if (status != GC_OK) diag_raise(c, status);
  s->failed = host.asserts_failed;
  s->ran = true;
}

/* Did this assert fail when the script ran? */
static bool failed_at(Ctx *c, Span at) {
  for (uint32_t k = 0; k < diag_count(c); k++) {
    const Diag *d = diag_get(c, k);
    bool here = d->span.file == at.file && d->span.start >= at.start && d->span.start < at.end;
    if (d->severity == SEV_ERROR && here && !strncmp(d->text, "assert failed", 13)) return true;
  }
  return false;
}

static bool without_value(const Ast *file) {
  for (uint32_t k = 0; k < file->nkids; k++)
    if (file->kid[k]->kind == AST_INPUT && !file->kid[k]->kid[1]) return true;
  return false;
}

static uint32_t count_asserts(const Ast *file) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < file->nkids; k++) n += file->kid[k]->kind == AST_ASSERT;
  return n;
}

void check_asserts(Check *k) {
  Ctx *c = k->c;
  const Ast *file = k->o->file;
  Script s = {.k = k};
  if (!count_asserts(file)) return;
  if (without_value(file))
    check_line(k, "asserts: an input has no value, so they were not evaluated as they stand");
  else if (ctx_try(c, run_script, &s) != GC_OK)
    s.failed++;
  k->totals->failed += s.failed;
  for (uint32_t j = 0; j < file->nkids; j++) {
    const Ast *a = file->kid[j];
    if (a->kind != AST_ASSERT) continue;
    Claim q = {.k = k, .item = a, .text = text_at(c, a->span)};
    k->totals->asserts++;
    q.call = intern_z(c, str_printf(c, "checked_assert_%u", j));
    q.text = str_printf(c, "%.*s", (int)strcspn(q.text, "\n"), q.text);
    if (failed_at(c, a->span))
      say(&q, "FAILS");
    else if (!find_sides(&q))
      say(&q, s.ran ? "holds where the script evaluates it" : "not evaluated");
    else {
      find_needs(&q, j);
      check_quietly(k, check_claim, &q);
    }
  }
}
