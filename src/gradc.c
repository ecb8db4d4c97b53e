/* gradc.c - the public library: contexts, and the passes in their order.
 *
 * A context holds texts.  Each step of it (enter) reads them into a Ctx of its own, does
 * its work there, takes over what lasts (messages, texts, a compiled function) and frees
 * the rest. */
#include "gradc.h"

#include <stdlib.h>
#include <string.h>

#include "api/private.h"
#include "emit/emit.h"
#include "optimize/optimize.h"
#include "version.h"

const char *gradc_version(void) { return GRADC_VERSION; }

const char *gradc_code_text(int code) {
  switch (code) {
  case GRADC_OK: return "no error";
  case GRADC_ERROR: return "the program is wrong";
  case GRADC_USAGE: return "an argument is wrong";
  case GRADC_NOMEM: return "out of memory";
  case GRADC_LIMIT: return "a limit was reached";
  case GRADC_STOPPED: return "stopped";
  default: return "unknown code";
  }
}

/* ---- contexts ----------------------------------------------------------------- */

static void *plain_alloc(void *user, void *old, size_t old_size, size_t new_size) {
  (void)user;
  (void)old_size;
  if (new_size) return realloc(old, new_size);
  free(old);
  return NULL;
}

gradc_context *gradc_new(void) { return gradc_new_with(NULL, NULL); }

gradc_context *gradc_new_with(gradc_alloc alloc, void *user) {
  if (!alloc) alloc = plain_alloc;
  gradc_context *g = alloc(user, NULL, 0, sizeof *g);
  if (!g) return NULL;
  Pool pool = {.alloc = alloc, .user = user};
  *g = (gradc_context){.alloc = alloc, .user = user, .names = pool, .texts_out = pool};
  g->notes.pool = pool;
  g->notes.first = no_note;
  g->limits = (Limits){.nodes = 1000 * 1000, .depth = 400, .memory = (uint64_t)256 << 20};
  g->opt.guarded = true;
  return g;
}

static Text *text_free(gradc_context *g, Text *t) {
  Text *next = t->next;
  if (t->name) g->alloc(g->user, t->name, strlen(t->name) + 1, 0);
  if (t->text) g->alloc(g->user, t->text, t->size + 1, 0);
  g->alloc(g->user, t, sizeof *t, 0);
  return next;
}

void gradc_free(gradc_context *g) {
  if (!g) return;
  while (g->texts) g->texts = text_free(g, g->texts);
  pool_free(&g->names);
  pool_free(&g->notes.pool);
  pool_free(&g->texts_out);
  g->alloc(g->user, g, sizeof *g, 0);
}

static int usage(gradc_context *g, const char *message) {
  notes_say(&g->notes, GRADC_USAGE, message);
  return GRADC_USAGE;
}

int gradc_set_limit(gradc_context *g, int limit, uint64_t value) {
  notes_clear(&g->notes);
  switch (limit) {
  case GRADC_LIMIT_NODES: g->limits.nodes = value; break;
  case GRADC_LIMIT_DEPTH:
    if (value == 0 || value > 1000) return usage(g, "the limit on depth is 1 to 1000");
    g->limits.depth = (uint32_t)value;
    break;
  case GRADC_LIMIT_MEMORY: g->limits.memory = value; break;
  case GRADC_LIMIT_TRIPS: g->trips = value; break;
  case GRADC_LIMIT_CALLS: g->limits.calls = value; break;
  default: return usage(g, "there is no such limit");
  }
  return GRADC_OK;
}

int gradc_set_option(gradc_context *g, int option, int value) {
  notes_clear(&g->notes);
  if (value != 0 && value != 1) return usage(g, "an option is 0 or 1");
  switch (option) {
  case GRADC_FLOAT: g->opt.real_float = value; break;
  case GRADC_IEEE: g->opt.ieee = value; break;
  case GRADC_CHECKPOINT: g->opt.checkpoint = value; break;
  case GRADC_IMPORTS: g->opt.allow_import = value; break;
  case GRADC_UNCHECKED: g->opt.unchecked = value; break;
  case GRADC_TIERS: g->tiers = value; break;
  case GRADC_FAST_MATH: g->opt.fast_math = value; break;
  default: return usage(g, "there is no such option");
  }
  return GRADC_OK;
}

const gradc_note *gradc_message(const gradc_context *g) { return &g->notes.first; }
size_t gradc_notes(const gradc_context *g) { return g->notes.n; }

const gradc_note *gradc_note_at(const gradc_context *g, size_t k) {
  return k < g->notes.n ? &g->notes.note[k] : NULL;
}

/* ---- one step ------------------------------------------------------------------- */

typedef struct Step {
  gradc_context *g;
  Ctx *c;
  Module *m;
  const Text *text, *without; /* gradc_load: the new text; the one that it replaces */
  Pool names;
  const char **name;
  size_t nnames;
  const char *function, *wrt; /* a function, or an expression */
  int what, form;
  unsigned order;
  const int64_t *sizes;
  size_t nsizes;
  bool code;
  gradc_function *made;
  const char *prefix;
  const gradc_request *request;
  size_t nrequests;
  const char *out[2];
} Step;

static int enter(Step *s, void (*work)(void *)) {
  gradc_context *g = s->g;
  notes_clear(&g->notes);
  Ctx *c = ctx_new(g->alloc, g->user);
  if (!c) {
    notes_say(&g->notes, GRADC_NOMEM, gradc_code_text(GRADC_NOMEM));
    return GRADC_NOMEM;
  }
  c->limits = g->limits;
  c->opt = g->opt;
  s->c = c;
  Status status = ctx_try(c, work, s);
  notes_take(&g->notes, c, (int)status);
  ctx_free(c);
  return (int)status;
}

static void add_text(Step *s, const Text *t) {
  uint32_t file = source_add(s->c, t->name, t->text, t->size);
  module_add(s->m, parse(s->c, file, PARSE_FILE, NULL), false);
}

/* What the texts say when they are read was said when they were loaded. */
static void read_texts(Step *s) {
  s->m = module_new(s->c);
  for (const Text *t = s->g->texts; t; t = t->next)
    if (t != s->without) add_text(s, t);
  diag_clear(s->c);
}

/* ---- loading ---------------------------------------------------------------------- */

static void keep_names(Step *s) {
  const char **name;
  uint32_t n = module_functions(s->m, &name);
  s->name = POOL_NEED(s->c, &s->names, const char *, n);
  for (uint32_t k = 0; k < n; k++) s->name[k] = pool_text(s->c, &s->names, name[k], strlen(name[k]));
  s->nnames = n;
}

static void load(void *arg) {
  Step *s = arg;
  read_texts(s);
  if (s->text) add_text(s, s->text);
  keep_names(s);
}

static Text *find_text(const gradc_context *g, const char *name) {
  Text *t = g->texts;
  while (t && strcmp(t->name, name)) t = t->next;
  return t;
}

static Text *text_new(gradc_context *g, const char *name, const char *text, size_t size) {
  Text *t = g->alloc(g->user, NULL, 0, sizeof *t);
  if (!t) return NULL;
  *t = (Text){.size = size};
  t->name = g->alloc(g->user, NULL, 0, strlen(name) + 1);
  t->text = g->alloc(g->user, NULL, 0, size + 1);
  if (t->name) memcpy(t->name, name, strlen(name) + 1); /* its length is asked by text_free */
  if (!t->name || !t->text) {
    text_free(g, t);
    return NULL;
  }
  if (size) memcpy(t->text, text, size);
  t->text[size] = 0;
  return t;
}

/* Takes `old` out and puts `now` at the end; either may be NULL. */
static void exchange(gradc_context *g, const Text *old, Text *now) {
  Text **at = &g->texts;
  while (*at) {
    if (*at == old) *at = text_free(g, *at);
    else at = &(*at)->next;
  }
  *at = now;
}

static int reload(gradc_context *g, const Text *old, Text *now) {
  Step s = {.g = g, .text = now, .without = old, .names = {.alloc = g->alloc, .user = g->user}};
  int status = enter(&s, load);
  if (status) {
    pool_free(&s.names);
    if (now) text_free(g, now);
    return status;
  }
  exchange(g, old, now);
  pool_free(&g->names);
  g->names = s.names;
  g->name = s.name;
  g->nnames = s.nnames;
  return GRADC_OK;
}

int gradc_load(gradc_context *g, const char *name, const char *text, size_t size) {
  if (!name || (!text && size)) return usage(g, "gradc_load needs a name and a text");
  Text *now = text_new(g, name, text, size);
  if (!now) {
    notes_say(&g->notes, GRADC_NOMEM, gradc_code_text(GRADC_NOMEM));
    return GRADC_NOMEM;
  }
  return reload(g, find_text(g, name), now);
}

int gradc_unload(gradc_context *g, const char *name) {
  const Text *old = name ? find_text(g, name) : NULL;
  return old ? reload(g, old, NULL) : usage(g, "there is no text of this name");
}

const char *gradc_name(const gradc_context *g, size_t k) {
  return k < g->nnames ? g->name[k] : NULL;
}

/* ---- functions ----------------------------------------------------------------------- */

/* Cuts "a, b.c" into names. */
static uint32_t split(Ctx *c, const char *list, const char ***names) {
  VEC(const char *) v = {0};
  while (list && *list) {
    list += strspn(list, " ,");
    size_t n = strcspn(list, " ,");
    if (n) VEC_PUSH(c, &v, intern(c, list, n));
    list += n;
  }
  *names = v.at;
  return v.n;
}

/* The parameters that hold reals. */
static uint32_t all_real(Step *s, const Request *q, const char ***names) {
  VEC(const char *) v = {0};
  Request value = *q;
  value.kind = DERIV_VALUE;
  const Prog *p = elaborate_function(s->m, &value);
  for (uint32_t k = 0; k < p->sig.params.n; k++) {
    const SigParam *x = &p->sig.params.at[k];
    if (x->is_size || ir_type(p, x->ref)->elem != ELEM_REAL) continue;
    const char *name = intern(s->c, x->name, strcspn(x->name, "."));
    if (!v.n || v.at[v.n - 1] != name) VEC_PUSH(s->c, &v, name);
  }
  diag_clear(s->c);
  *names = v.at;
  return v.n;
}

static Prog *make_program(Step *s, const char *function, int what, const char *wrt) {
  Request q = {.function = intern_z(s->c, function), .kind = (DerivKind)what};
  if (s->nsizes) {
    q.nsizes = (uint32_t)s->nsizes;
    q.sizes = NEWN(s->c, int64_t, s->nsizes);
    memcpy(q.sizes, s->sizes, sizeof *q.sizes * s->nsizes);
  }
  if (what != GRADC_VALUE) q.nwrt = wrt ? split(s->c, wrt, &q.wrt) : all_real(s, &q, &q.wrt);
  if (what != GRADC_VALUE && !q.nwrt)
    fail_at(s->c, (Span){0}, NULL, "`%s` has nothing to be differentiated with respect to", function);
  return elaborate_function(s->m, &q);
}

static void compile(void *arg) {
  Step *s = arg;
  read_texts(s);
  Prog *p = make_program(s, s->function, s->what, s->wrt);
  late_results(p);
  p = optimize_in_place(p, NULL);
  s->made = function_new(s->g, s->c, p);
  if (!s->code) return;
  JitCode code;
  s->made->machine = jit_take(jit_tcc_to_keep(p), &code);
  if (s->g->tiers) s->made->tier = jit_tier_new(p);
  s->made->entry = code.entry;
  s->made->work = code.work;
}

static gradc_function *compiled(Step *s) {
  if (!s->function || s->what < GRADC_VALUE || s->what > GRADC_HVP || (s->nsizes && !s->sizes)) {
    usage(s->g, s->function ? "there is no such derivative" : "which function?");
    return NULL;
  }
  for (size_t k = 0; k < s->nsizes; k++)
    if (s->sizes[k] < 0 || s->nsizes > 10000) {
      usage(s->g, "a size is negative");
      return NULL;
    }
  if (enter(s, compile) == GRADC_OK) return s->made;
  gradc_release(s->made);
  return NULL;
}

gradc_function *gradc_compile_for(gradc_context *g, const char *function, int what,
                                  const char *wrt, const int64_t *sizes, size_t nsizes) {
  return compiled(&(Step){.g = g, .function = function, .what = what, .wrt = wrt, .sizes = sizes,
                          .nsizes = nsizes, .code = true});
}

gradc_function *gradc_compile(gradc_context *g, const char *function, int what, const char *wrt) {
  return gradc_compile_for(g, function, what, wrt, NULL, 0);
}

gradc_function *gradc_describe(gradc_context *g, const char *function, int what,
                               const char *wrt) {
  return compiled(&(Step){.g = g, .function = function, .what = what, .wrt = wrt});
}

/* ---- texts ----------------------------------------------------------------------------- */

static void give_text(Step *s, int k, Buf *b) {
  s->out[k] = pool_text(s->c, &s->g->texts_out, buf_text(b), b->n);
}

static Ast *parse_formula(Step *s) {
  uint32_t size = (uint32_t)strlen(s->function);
  uint32_t file = source_add(s->c, "expression", s->function, size);
  Ast *entry = parse(s->c, file, PARSE_ENTRY, NULL);
  if (entry->nkids != 1 || entry->kid[0]->kind != AST_EXPR)
    fail_at(s->c, (Span){file, 0, size}, "load definitions with gradc_load",
            "this is not one expression");
  return entry->kid[0]->kid[0];
}

static void derive(void *arg) {
  Step *s = arg;
  const char **wrt;
  read_texts(s);
  uint32_t n = split(s->c, s->wrt, &wrt);
  Ast *e = s->code ? NULL : parse_formula(s);
  const char *f = e ? NULL : intern_z(s->c, s->function);
  Prog *p = elaborate_diff(s->m, f, e, wrt, n, s->order);
  if (e) p->sig.name = NULL; /* an expression's derivative is an expression */
  Buf b;
  buf_init(&b, s->c);
  emit_language(optimize_for_reading(p), &b, s->form == GRADC_LATEX);
  give_text(s, 0, &b);
}

static const char *derived(Step *s) {
  if (!s->function || s->order == 0 || (s->form != GRADC_PLAIN && s->form != GRADC_LATEX)) {
    usage(s->g, !s->function ? "a derivative of what?" : s->order ? "there is no such form"
                                                                 : "the order is 1 or more");
    return NULL;
  }
  pool_free(&s->g->texts_out);
  return enter(s, derive) == GRADC_OK ? s->out[0] : NULL;
}

const char *gradc_derivative(gradc_context *g, const char *function, const char *wrt,
                             unsigned order, int form) {
  return derived(&(Step){.g = g, .function = function, .wrt = wrt, .order = order, .form = form,
                         .code = true});
}

const char *gradc_formula(gradc_context *g, const char *expression, const char *wrt,
                          unsigned order, int form) {
  return derived(&(Step){.g = g, .function = expression, .wrt = wrt, .order = order,
                         .form = form});
}

static void emit(void *arg) {
  Step *s = arg;
  Ctx *c = s->c;
  read_texts(s);
  Prog **p = NEWN(c, Prog *, s->nrequests);
  EmitFunction *f = NEWN(c, EmitFunction, s->nrequests);
  for (size_t k = 0; k < s->nrequests; k++) {
    const gradc_request *q = &s->request[k];
    p[k] = optimize(make_program(s, q->function, q->what, q->wrt), NULL);
    const Ast *definition = module_function(s->m, q->function);
    if (definition) f[k].definition = definition->span;
  }
  Buf body, header;
  buf_init(&body, c);
  buf_init(&header, c);
  EmitOptions o = {.prefix = s->prefix, .function = f};
  emit_c(c, p, (uint32_t)s->nrequests, &o, &body, &header);
  give_text(s, 0, &body);
  give_text(s, 1, &header);
}

/* A C identifier that is not ours. */
static bool is_prefix(const char *s) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  if (!s || !*s || !strchr(letters, *s) || strspn(s, others) != strlen(s)) return false;
  return strcmp(s, "gc") != 0 && strncmp(s, "gc_", 3) != 0;
}

int gradc_emit_c(gradc_context *g, const char *prefix, const gradc_request *request, size_t n,
                 const char **body, const char **header) {
  if (body) *body = NULL;
  if (header) *header = NULL;
  if (!is_prefix(prefix)) return usage(g, "the prefix is a C identifier that begins with a letter");
  if (!request || !n || n > 100000) return usage(g, "which functions?");
  for (size_t k = 0; k < n; k++)
    if (!request[k].function || request[k].what < GRADC_VALUE || request[k].what > GRADC_HVP)
      return usage(g, "a request names a function and a derivative");
  Step s = {.g = g, .prefix = prefix, .request = request, .nrequests = n};
  pool_free(&g->texts_out);
  int status = enter(&s, emit);
  if (status) return status;
  if (body) *body = s.out[0];
  if (header) *header = s.out[1];
  return GRADC_OK;
}
