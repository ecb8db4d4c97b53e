/* scope.c - what names stand for: scopes, the names around all of them, and what is said
 * of a name that nothing stands behind.
 *
 * A scope is a short list at first and gets a table when it grows, so that a call costs
 * little and a block of a million names is still linear. */
#include "elaborate/private.h"

#include <math.h>

enum { SHORT = 8 };

Scope *scope_new(Elab *e, Scope *outer) {
  Scope *s = NEW(e->c, Scope);
  s->outer = outer;
  return s;
}

Scope *scope_root(Elab *e, const Module *home, bool script) {
  Scope *s = scope_new(e, NULL);
  s->home = home;
  s->script = script;
  return s;
}

const Module *scope_home(const Scope *s) {
  while (s->outer) s = s->outer;
  return s->home;
}

/* The slot of this name, or the free one where it belongs.  Names are interned. */
static Binding **find_slot(const Scope *s, const char *name) {
  uint64_t h = (uint64_t)(uintptr_t)name * 0x9e3779b97f4a7c15u;
  uint32_t at = (uint32_t)(h >> 32) & (s->room - 1);
  while (s->slot[at] && s->slot[at]->name != name) at = (at + 1) & (s->room - 1);
  return &s->slot[at];
}

Binding *scope_own(Scope *s, const char *name) {
  if (s->room) return *find_slot(s, name);
  for (uint32_t k = s->list.n; k-- > 0;)
    if (s->list.at[k]->name == name) return s->list.at[k];
  return NULL;
}

/* The last binding of a list that is long goes into the table, or all into a wider one. */
static void table_add(Ctx *c, Scope *s) {
  uint32_t first = s->list.n - 1;
  if (2 * s->list.n > s->room) {
    uint32_t room = s->room ? 2 * s->room : 4 * SHORT;
    arena_release(c, s->slot, sizeof(Binding *) * s->room);
    s->slot = NEWN(c, Binding *, room);
    s->room = room;
    first = 0;
  }
  for (uint32_t k = first; k < s->list.n; k++)
    *find_slot(s, s->list.at[k]->name) = s->list.at[k];
}

void scope_bind(Elab *e, Scope *s, const char *name, Span at, const Val *v) {
  Binding *b = scope_own(s, name);
  if (!b) {
    b = NEW(e->c, Binding);
    b->name = name;
    VEC_PUSH(e->c, &s->list, b);
    if (s->list.n > SHORT) table_add(e->c, s);
  }
  b->v = v;
  b->at = at;
}

void scope_rebind(Elab *e, Scope *s, const char *name, const Val *v) {
  for (; s; s = s->outer) {
    Binding *b = scope_own(s, name);
    if (!b) continue;
    b->v = v;
    return;
  }
  internal_error(e->c, "no binding of `%s` to replace", name);
}

/* ---- names around all scopes -------------------------------------------- */

bool is_builtin_constant(const char *name, double *value) {
  if (strcmp(name, "pi") == 0) *value = 3.141592653589793238462643;
  else if (strcmp(name, "inf") == 0) *value = INFINITY;
  else if (strcmp(name, "nan") == 0) *value = NAN;
  else return false;
  return true;
}

bool name_is_builtin(const char *name) {
  double unused;
  return builtin_find(name) || is_builtin_constant(name, &unused);
}

void warn_hidden_builtin(Ctx *c, const char *name, Span at) {
  if (name_is_builtin(name))
    warn(c, "shadow", at, "`%s` hides the built-in of this name", name);
}

/* The part of a bound pattern that `binder` is. */
static const Val *pattern_part(Elab *e, const Ast *pattern, const Val *v, const Ast *binder) {
  Scope *s = scope_new(e, NULL);
  bind_pattern(e, s, pattern, v, false);
  const Binding *b = scope_own(s, binder->name);
  return b ? b->v : NULL;
}

static const Val *constant_value(Elab *e, const Module *home, const Named *d) {
  ElabState *st = e->st;
  const Val *v = elab_expr(e, scope_root(e, home, false), d->def->kid[1]);
  v = pattern_part(e, d->def->kid[0], v, d->binder);
  /* In the script a constant is one variable wherever it is seen. */
  if (st->script && st->script->home == home && e->p->cur == e->p->root)
    scope_bind(e, st->script, d->name, d->binder->span, v);
  return v;
}

static const Val *builtin_new(Elab *e, const Builtin *b) {
  Func *f = NEW(e->c, Func);
  f->name = b->name;
  f->builtin = b;
  Val *v = NEW(e->c, Val);
  v->kind = VAL_FUNC;
  v->func = f;
  return v;
}

/* Those that the program names, each made once. */
static const Val *builtin_value(Elab *e, const char *name) {
  if (!e->st->builtins) e->st->builtins = scope_new(e, NULL);
  const Binding *known = scope_own(e->st->builtins, name);
  if (known) return known->v;
  const Builtin *b = builtin_find(name);
  if (!b) return NULL;
  const Val *v = builtin_new(e, b);
  scope_bind(e, e->st->builtins, name, (Span){0}, v);
  return v;
}

/* Functions, constants and built-ins.  A script sees a constant from its line on only. */
static const Val *find_around(Elab *e, const Module *home, const char *name, bool script) {
  double value;
  Function *f = module_find(home, name);
  if (f) return &f->value;
  const Named *d = module_binding(home, name);
  if (d && d->constant && (d->imported || !script)) {
    Scope *top = e->st->script;
    const Binding *b = top && top->home == home ? scope_own(top, name) : NULL;
    return b ? b->v : constant_value(e, home, d);
  }
  if (d) return NULL; /* of the script, not seen from here */
  if (is_builtin_constant(name, &value)) return val_node(e, ir_real(e->p, value));
  return builtin_value(e, name);
}

const Val *scope_find(Elab *e, Scope *s, const char *name) {
  for (;; s = s->outer) {
    const Binding *b = scope_own(s, name);
    if (b) return b->v;
    if (!s->outer) return find_around(e, s->home ? s->home : e->m, name, s->script);
  }
}

/* ---- unknown names ------------------------------------------------------ */

static void collect_module_words(Elab *e, const Module *m, Buf *words) {
  for (const Function *f = m->functions; f; f = f->hh.next)
    buf_add(words, (const char *)&f->name, sizeof f->name);
  for (const Named *d = m->bindings; d; d = d->hh.next)
    if (d->constant) buf_add(words, (const char *)&d->name, sizeof d->name);
  const char *const *builtin;
  uint32_t n = builtin_names(&builtin);
  buf_add(words, (const char *)builtin, n * sizeof *builtin);
  (void)e;
}

static const char *nearest_name(Elab *e, Scope *s, const char *name) {
  Buf words;
  buf_init(&words, e->c);
  for (Scope *at = s; at; at = at->outer)
    for (uint32_t k = 0; k < at->list.n; k++)
      buf_add(&words, (const char *)&at->list.at[k]->name, sizeof(char *));
  const Module *home = scope_home(s);
  collect_module_words(e, home ? home : e->m, &words);
  return nearest_word(name, (const char *const *)(const void *)words.at,
                      words.n / sizeof(char *));
}

static const char *meaning_elsewhere(const char *name) {
  static const char *const known[][2] = {
    {"ln", "the natural logarithm is log"},
    {"arctan", "the inverse tangent is atan"},
    {"arcsin", "the inverse sine is asin"},
    {"arccos", "the inverse cosine is acos"},
    {"stopgrad", "write stop_gradient(e)"},
    {"diff", "write grad(e, x), or f'(x)"},
    {"derivative", "write grad(e, x), or f'(x)"},
    {"len", "write shape(x)[0], or give the size a name: x: real[n]"},
    {"range", "write for i < n, or for i in a..b"},
    {"where", "write if c then a else b, or select(c, a, b) element by element"},
    {"pow", "write x^y"},
    {"True", "write true"},
    {"False", "write false"},
    {"None", "write none"},
    {"e", "write exp(1.0)"},
    {"np", "array functions have no prefix: sum(x), exp(x)"},
    {"math", "functions have no prefix: sin(x)"},
    {"let", "write name = expression"},
    {"def", "write name(p, q) = expression"},
    {"return", "the last expression of a block is its value"},
  };
  for (size_t k = 0; k < sizeof known / sizeof *known; k++)
    if (strcmp(known[k][0], name) == 0) return known[k][1];
  return NULL;
}

static _Noreturn void hidden_script_name(Elab *e, Scope *s, const Named *d, Span at) {
  while (s->outer) s = s->outer;
  diag(e->c, SEV_ERROR, at,
       s->script ? "`%s` is used before it is bound"
                 : "`%s` is a value of the script, which a function does not see",
       d->name);
  diag(e->c, SEV_NOTE, d->binder->kind == AST_NAME ? d->binder->span : d->binder->name_span,
       "it is bound here");
  diag(e->c, SEV_HELP, (Span){0},
       s->script ? "move the binding up: a script runs from top to bottom"
                 : "pass it as a parameter; functions see constants alone, made of numbers");
  diag_raise(e->c, GC_ERROR);
}

_Noreturn void unknown_name(Elab *e, Scope *s, const char *name, Span at) {
  const Module *home = scope_home(s);
  const Named *d = module_binding(home ? home : e->m, name);
  if (d) hidden_script_name(e, s, d, at);
  if (strcmp(name, "_") == 0)
    fail_at(e->c, at, "give the part a name where it is taken apart", "`_` has no value");
  const char *help = meaning_elsewhere(name);
  const char *near = help ? NULL : nearest_name(e, s, name);
  if (near) help = str_printf(e->c, "did you mean `%s`?", near);
  if (!help) help = "bind it above by name = …, make it a parameter, or count it by a for";
  fail_at(e->c, at, help, "unknown name `%s`", name);
}

/* ---- patterns ----------------------------------------------------------- */

/* A function may name a constant of the script as what it differentiates with respect to. */
static bool named_from_afar(const Module *m, const Ast *binder, const char *name) {
  if (!mark_has(m->differentiated_names, name)) return false;
  const Named *d = module_binding(m, name);
  return d && d->binder == binder;
}

bool is_differentiated(Elab *e, const Ast *binder, const char *name) {
  return mark_has(e->m->differentiated, binder) || named_from_afar(e->m, binder, name) ||
         (e->prelude && mark_has(e->prelude->differentiated, binder));
}

/* The name stands in the dump and in generated code for what it was bound to first. */
static void name_node(Elab *e, const char *name, const Val *v) {
  if (v->kind != VAL_NODE) return;
  Node *n = ir_node(e->p, v->ref);
  if (!n->name && n->op != IR_CONST && n->op != IR_PARAM) n->name = name;
}

void bind_name(Elab *e, Scope *s, const Ast *binder, const char *name, Span at, const Val *v) {
  if (strcmp(name, "_") == 0) return;
  if (is_differentiated(e, binder, name)) {
    elab_place(e, at);
    v = val_vars(e, v);
  }
  name_node(e, name, v);
  scope_bind(e, s, name, at, v);
}

static void check_once(Elab *e, Scope *s, const Ast *a) {
  const Binding *b = scope_own(s, a->name);
  if (!b || strcmp(a->name, "_") == 0) return;
  fail_note(e, a->span, "give one of them another name", b->at, "the first time is here",
            "`%s` is bound twice", a->name);
}

static void check_parts(Elab *e, const Ast *pattern, const Val *v) {
  bool parts = v->kind == VAL_TUPLE || v->kind == VAL_RECORD;
  if (parts && v->n == pattern->nkids) return;
  if (parts)
    fail_at(e->c, pattern->span, "use _ for parts that are not wanted",
            "%u names for a tuple of %u parts", pattern->nkids, v->n);
  fail_at(e->c, pattern->span, "an array is taken apart by x[0], x[1], …",
          "%u names for one value, %s", pattern->nkids, val_type_text(e, v));
}

typedef struct Part { const Ast *a; const Val *v; } Part;

void bind_pattern(Elab *e, Scope *s, const Ast *pattern, const Val *value, bool once) {
  VEC(Part) todo = {0};
  Part part = {pattern, value};
  VEC_PUSH(e->c, &todo, part);
  while (todo.n) {
    const Ast *a = todo.at[todo.n - 1].a;
    const Val *v = todo.at[--todo.n].v;
    if (a->kind == AST_NAME) {
      if (once) check_once(e, s, a);
      bind_name(e, s, a, a->name, a->span, v);
      continue;
    }
    bool none = v->kind == VAL_NONE; /* none of a tuple is a tuple of none */
    if (!none) check_parts(e, a, v);
    for (uint32_t k = a->nkids; k-- > 0;) {
      part = (Part){a->kid[k], none ? v : v->kid[k]};
      VEC_PUSH(e->c, &todo, part);
    }
  }
}
