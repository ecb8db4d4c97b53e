/* call.c - calls: functions of files and lambdas are inlined; a call without effects is
 * remembered by its function and arguments, so that a recursion that meets the same
 * arguments again (a determinant by minors) shares its results. */
#include "elaborate/private.h"

/* ---- depth -------------------------------------------------------------- */

static uint32_t times_active(const Frame *frame, const Func *f) {
  uint32_t n = 0;
  for (; frame; frame = frame->up) n += frame->func == f;
  return n;
}

/* The function that calls itself without end, if there is one. */
static const Frame *endless(const ElabState *st) {
  enum { MANY = 20, LOOK = 8 };
  const Frame *frame = st->frame;
  for (int k = 0; frame && k < LOOK; k++, frame = frame->up)
    if (frame->func->name && times_active(st->frame, frame->func) > MANY) return frame;
  return NULL;
}

void elab_enter(Elab *e, Span at) {
  if (++e->depth <= e->c->limits.depth) return;
  const Frame *f = endless(e->st);
  if (f) {
    diag(e->c, SEV_ERROR, f->at, "the recursion of `%s` does not settle", f->func->name);
    if (f->func->def)
      diag(e->c, SEV_NOTE, f->func->def->name_span, "`%s` is defined here", f->func->name);
    diag(e->c, SEV_HELP, (Span){0},
         "an `if` on sizes or other known ints must choose the branch without the call; "
         "to repeat something, use fold or loop");
    diag_raise(e->c, GC_ERROR);
  }
  fail_at(e->c, at, "give a part of it a name of its own: { a = …; … }",
          "nested too deeply (more than %u calls, blocks and loops in one another)",
          e->c->limits.depth);
}

void elab_leave(Elab *e) {
  e->depth--;
}

void elab_place(Elab *e, Span at) {
  e->p->pos = e->st->in_prelude ? e->st->prelude_at : at;
}

/* ---- memory ------------------------------------------------------------- */

uint32_t effects_so_far(Elab *e) {
  ElabState *st = e->st;
  for (; st->scanned < e->p->nnodes; st->scanned++) {
    uint16_t op = st->scanned ? ir_node(e->p, st->scanned)->op : IR_CONST;
    st->effects += op == IR_TRACE || op == IR_PRINT || op == IR_ASSERT;
  }
  return st->effects;
}

static void key_word(Buf *key, uintptr_t word) {
  buf_add(key, (const char *)&word, sizeof word);
}

static void key_value(Buf *key, const Val *v) {
  key_word(key, v->kind);
  switch (v->kind) {
  case VAL_NODE: key_word(key, v->ref); break;
  case VAL_NONE: break;
  case VAL_FUNC:
    key_word(key, (uintptr_t)(v->func->builtin ? (const void *)v->func->builtin : v->func));
    break;
  default:
    key_word(key, v->n);
    for (uint32_t k = 0; k < v->n; k++) {
      key_word(key, v->kind == VAL_RECORD ? (uintptr_t)v->field[k] : 0);
      key_value(key, v->kid[k]);
    }
  }
}

static Buf call_key(Elab *e, const Func *f, const Val *const *arg, uint32_t n) {
  Buf key;
  buf_init(&key, e->c);
  key_word(&key, (uintptr_t)(f->base ? f->base : f));
  key_word(&key, f->primes);
  for (uint32_t k = 0; k < n; k++) key_value(&key, arg[k]);
  return key;
}

static bool is_around(const Region *r, const Region *here) {
  while (here && here->depth > r->depth) here = here->parent;
  return here == r;
}

static const Val *memo_get(Elab *e, const Buf *key) {
  MemoEntry *m = NULL;
  HASH_FIND(hh, e->st->memo, key->at, key->n, m);
  for (; m; m = m->next)
    if (is_around(m->region, e->p->cur)) return m->result;
  return NULL;
}

static void memo_add(Elab *e, const Buf *key, Region *region, const Val *result) {
  Ctx *c = e->c;
  MemoEntry *m = NEW(c, MemoEntry), *first = NULL;
  m->region = region;
  m->result = result;
  HASH_FIND(hh, e->st->memo, key->at, key->n, first);
  if (first) {
    m->next = first->next;
    first->next = m;
  } else {
    HASH_ADD_KEYPTR(hh, e->st->memo, key->at, key->n, m);
  }
}

void memo_put(Elab *e, const Func *f, const Val *const *arg, uint32_t n, const Val *result) {
  Buf key = call_key(e, f, arg, n);
  memo_add(e, &key, e->p->cur, result);
}

/* ---- functions of files ------------------------------------------------- */

Span call_arg_span(const Ast *call, uint32_t k, Span at) {
  return call && k + 1 < call->nkids ? call->kid[k + 1]->span : at;
}

static void check_count(Elab *e, const Function *f, uint32_t n, Span at) {
  const Ast *params = f->def->kid[0];
  if (n == params->nkids) return;
  Buf b;
  buf_init(&b, e->c);
  for (uint32_t k = 0; k < params->nkids; k++)
    buf_printf(&b, "%s%s", k ? ", " : "", params->kid[k]->name);
  fail_note(e, at, "give one argument for each parameter", f->def->name_span,
            str_printf(e->c, "it is defined here: %s(%s)", f->name, b.n ? buf_text(&b) : ""),
            "`%s` takes %u argument%s, not %u", f->name, params->nkids,
            params->nkids == 1 ? "" : "s", n);
}

static const Ast *param_type(const Ast *param) {
  return param->nkids ? param->kid[0] : NULL;
}

/* An int argument gives its parameter's name to sizes. */
static void bind_int_params(Elab *e, const Function *f, const Val *const *arg, uint32_t n,
                            CallPlace place, SizeEnv *env) {
  for (uint32_t k = 0; k < n; k++) {
    const Ast *param = f->def->kid[0]->kid[k], *type = param_type(param);
    if (arg[k]->kind != VAL_NODE || val_type(e, arg[k])->elem != ELEM_INT ||
        val_type(e, arg[k])->rank)
      continue;
    if (type && (type->kind != AST_T_NAME || strcmp(type->name, "int"))) continue;
    env_bind(e, env, param->name, size_of(e, arg[k]->ref), call_arg_span(place.call, k, place.at),
             str_printf(e->c, "parameter `%s` of `%s`", param->name, f->name));
  }
}

const Val **call_match(Elab *e, const Function *f, const Val *const *arg, uint32_t n,
                       CallPlace place, SizeEnv *env) {
  const Ast *params = f->def->kid[0];
  check_count(e, f, n, place.at);
  const Val **out = NEWN(e->c, const Val *, n);
  TypeExpr **type = NEWN(e->c, TypeExpr *, n);
  const char **what = NEWN(e->c, const char *, n);
  bind_int_params(e, f, arg, n, place, env);
  for (uint32_t k = 0; k < n; k++) {
    out[k] = arg[k];
    const Ast *t = param_type(params->kid[k]);
    if (!t) continue;
    what[k] = str_printf(e->c, "parameter `%s` of `%s`", params->kid[k]->name, f->name);
    type[k] = type_resolve(e, f->func.home, t);
    match_value(e, env, type[k], arg[k], call_arg_span(place.call, k, place.at), what[k]);
  }
  match_solve(e, env, f->func.home);
  for (uint32_t k = 0; k < n; k++)
    if (type[k])
      out[k] = match_convert(e, env, type[k], arg[k], call_arg_span(place.call, k, place.at),
                             what[k]);
  return out;
}

Scope *scope_with_sizes(Elab *e, const Module *home, const SizeEnv *env) {
  Scope *s = scope_root(e, home, false);
  for (uint32_t k = 0; k < env->bound.n; k++)
    scope_bind(e, s, env->bound.at[k].name, env->bound.at[k].at,
               val_node(e, size_ref(e, env->bound.at[k].value)));
  return s;
}

static const Val *result_typed(Elab *e, const Function *f, const Val *v, SizeEnv *env) {
  const Ast *type = f->def->kid[1];
  if (!type) return v;
  const char *what = str_printf(e->c, "the result of `%s`", f->name);
  TypeExpr *t = type_resolve(e, f->func.home, type);
  match_value(e, env, t, v, f->def->kid[2]->span, what);
  match_solve(e, env, f->func.home);
  return match_convert(e, env, t, v, f->def->kid[2]->span, what);
}

const Val *call_inside(Elab *e, const Function *f, const Val *const *arg, uint32_t n,
                       SizeEnv *env) {
  const Ast *params = f->def->kid[0];
  Module *home = (Module *)(uintptr_t)f->func.home;
  if (home->unmarked.n) resolve_marks(home, home->unmarked.at, home->unmarked.n);
  home->unmarked.n = 0;
  Scope *s = scope_with_sizes(e, home, env);
  for (uint32_t k = 0; k < n; k++) {
    const Ast *param = params->kid[k];
    const Val *v = arg[k];
    elab_place(e, param->span);
    if (is_differentiated(e, param, param->name))
      v = param_type(param) ? val_vars_typed(e, v) : val_vars(e, v);
    if (strcmp(param->name, "_")) scope_bind(e, s, param->name, param->name_span, v);
  }
  return result_typed(e, f, elab_expr(e, s, f->def->kid[2]), env);
}

const Val *call_file_function(Elab *e, const Function *f, const Val *const *arg, uint32_t n,
                              CallPlace place, SizeEnv *env) {
  if (f->rule) return call_with_rule(e, f, arg, n, place, env);
  const Val **matched = call_match(e, f, arg, n, place, env);
  return call_inside(e, f, matched, n, env);
}

static const Function *file_function(const Func *f) {
  return (const Function *)(const void *)((const char *)f - offsetof(Function, func));
}

/* ---- lambdas ------------------------------------------------------------ */

static const Val *call_lambda(Elab *e, const Func *f, const Val *const *arg, uint32_t n, Span at) {
  uint32_t want = f->def->nkids - 1;
  if (n == 1 && want > 1 && arg[0]->kind == VAL_TUPLE && arg[0]->n == want) {
    n = want; /* a tuple taken apart */
    arg = arg[0]->kid;
  }
  if (n != want)
    fail_note(e, at, "give one argument for each parameter", f->def->span, "it is written here",
              "this function takes %u argument%s, not %u", want, want == 1 ? "" : "s", n);
  Scope *s = scope_new(e, f->scope);
  for (uint32_t k = 0; k < n; k++) bind_pattern(e, s, f->def->kid[k], arg[k], false);
  return elab_expr(e, s, f->def->kid[want]);
}

/* ---- all kinds ---------------------------------------------------------- */

static const Val *call_builtin(Elab *e, Scope *s, const Builtin *b, const Ast *call,
                               const Val *const *arg, uint32_t n, Span at) {
  if (b->lazy)
    fail_at(e->c, at, "call it by its name, or write x -> …",
            "`%s` works on names and is not passed around", b->name);
  if ((int)n < b->min_args || (b->max_args >= 0 && (int)n > b->max_args))
    fail_at(e->c, at, b->example ? str_printf(e->c, "for example %s", b->example) : NULL,
            "`%s` does not take %u argument%s", b->name, n, n == 1 ? "" : "s");
  elab_place(e, at);
  return b->apply(e, s, call, arg, n);
}

static const Val *call_primes(Elab *e, const Func *f, const Val *const *arg, uint32_t n, Span at) {
  if (n != 1)
    fail_at(e->c, at, "of several arguments: grad(f(x, y), x)",
            "a prime differentiates functions of one argument, not of %u", n);
  Val base = {.kind = VAL_FUNC, .func = f->base};
  const Val *v = deriv_prime(e, &base, f->primes, arg[0], at);
  val_warn_none(e, f->base->name ? str_printf(e->c, "%s'", f->base->name) : "the derivative", v,
                at);
  return v;
}

/* The nodes of the body remember the call. */
static const CallSite *call_site(Elab *e, const Func *f, Span at) {
  CallSite *s = NEW(e->c, CallSite);
  *s = (CallSite){.up = e->p->call, .function = f->name, .at = at,
                  .prelude = e->st->in_prelude > 0};
  return s;
}

/* Calls that call twice what calls twice … double with each step. */
static void count_call(Elab *e, const Frame *frame) {
  uint64_t most = e->c->limits.calls;
  if (++e->st->activations <= most || !most) return;
  while (frame->up) frame = frame->up;
  diag(e->c, SEV_ERROR, frame->at, "`%s` expands to more than %llu calls",
       frame->func->name ? frame->func->name : "the function", (unsigned long long)most);
  diag(e->c, SEV_HELP, (Span){0},
       "every call is written out where it stands: call once, name the result and use it twice, "
       "or use fold; --limit calls=N allows more");
  diag_raise(e->c, GC_LIMIT);
}

/* Runs the call in a frame of its own. */
static const Val *call_framed(Elab *e, const Func *f, const Ast *call, const Val *const *arg,
                              uint32_t n, Span at) {
  ElabState *st = e->st;
  Frame frame = {st->frame, f, at};
  const CallSite *site = e->p->call;
  uint32_t activation = st->activation;
  e->p->call = call_site(e, f, at);
  st->frame = &frame;
  count_call(e, &frame);
  st->activation = st->activations;
  elab_enter(e, at);
  CallPlace place = {call, at};
  SizeEnv env = {0};
  const Val *v;
  if (f->base) v = call_primes(e, f, arg, n, at);
  else if (f->def->kind == AST_LAMBDA) v = call_lambda(e, f, arg, n, at);
  else v = call_file_function(e, file_function(f), arg, n, place, &env);
  elab_leave(e);
  st->activation = activation;
  st->frame = frame.up;
  e->p->call = site;
  return v;
}

const Val *call_value(Elab *e, Scope *s, const Val *f, const Ast *call, const Val *const *arg,
                      uint32_t n, Span at) {
  const Func *func = f->func;
  if (func->builtin) return call_builtin(e, s, func->builtin, call, arg, n, at);
  Buf key = call_key(e, func, arg, n);
  const Val *known = memo_get(e, &key);
  if (known) return known;
  uint32_t effects = effects_so_far(e);
  Region *region = e->p->cur;
  const Val *v = call_framed(e, func, call, arg, n, at);
  if (effects == effects_so_far(e)) memo_add(e, &key, region, v);
  return v;
}

const Val *elab_apply(Elab *e, const Val *f, const Val *const *arg, uint32_t n, Span at) {
  if (f->kind != VAL_FUNC)
    fail_at(e->c, at, NULL, "a function is wanted here, not %s", val_type_text(e, f));
  return call_value(e, NULL, f, NULL, arg, n, at);
}

/* ---- how an error came about ---------------------------------------------------------- */

static bool is_inside(Span a, Span b) {
  return a.file == b.file && a.start >= b.start && a.end <= b.end;
}

/* The calls that led to an error in the body of a function, the innermost first.  A call
 * that the error stands in is seen without a note. */
static void tell_calls(void *user, Span at) {
  enum { MOST = 3 };
  const Elab *e = user;
  uint32_t told = 0;
  for (const CallSite *s = e->p->call; s && told < MOST; s = s->up) {
    if (s->prelude || !s->function || !at.file || is_inside(at, s->at)) continue;
    diag(e->c, SEV_NOTE, s->at, "`%s` is called here", s->function);
    at = s->at;
    told++;
  }
}

/* ---- birth -------------------------------------------------------------- */

Elab *elab_new(Module *m) {
  Elab *e = NEW(m->c, Elab);
  e->c = m->c;
  e->m = m;
  e->p = prog_new(m->c);
  e->st = NEW(m->c, ElabState);
  e->st->names = prog_new(m->c);
  m->c->explain = tell_calls;
  m->c->explain_user = e;
  if (m->unmarked.n) resolve_marks(m, m->unmarked.at, m->unmarked.n);
  m->unmarked.n = 0;
  return e;
}
