/* module.c - the items of files: functions and their rules, types, constants, the script.
 *
 * Imports are read as they are met, each file once; what they define joins the names of
 * the module, their statements are left out.  In a session (`replace`) a later
 * definition takes the place of an earlier one. */
#include "elaborate/private.h"

#include <errno.h>
#include <stdio.h>

Module *module_new(Ctx *c) {
  Module *m = NEW(c, Module);
  m->c = c;
  return m;
}

/* ---- sets and tables ---------------------------------------------------- */

bool mark_has(const Mark *set, const void *key) {
  Mark *found = NULL;
  HASH_FIND_PTR(set, &key, found);
  return found != NULL;
}

void mark_add(Ctx *c, Mark **set, const void *key) {
  if (mark_has(*set, key)) return;
  Mark *m = NEW(c, Mark);
  m->key = key;
  HASH_ADD_PTR(*set, key, m);
}

Function *module_find(const Module *m, const char *name) {
  Function *found = NULL;
  HASH_FIND_PTR(m->functions, &name, found);
  return found;
}

static Named *named_find(Named *table, const char *name) {
  Named *found = NULL;
  HASH_FIND_PTR(table, &name, found);
  return found;
}

Named *module_type(const Module *m, const char *name) {
  return named_find(m->types, name);
}

Named *module_binding(const Module *m, const char *name) {
  return named_find(m->bindings, name);
}

static Named *named_add(Ctx *c, Named **table, const char *name) {
  Named *d = named_find(*table, name);
  if (d) return d;
  d = NEW(c, Named);
  d->name = name;
  HASH_ADD_PTR(*table, name, d);
  return d;
}

static _Noreturn void fail_twice(Ctx *c, const char *what, const Ast *first, const Ast *again) {
  diag(c, SEV_ERROR, again->name_span, "%s `%s` is defined twice", what, again->name);
  diag(c, SEV_NOTE, first->name_span, "the first definition is here");
  diag(c, SEV_HELP, (Span){0}, "give one of them another name");
  diag_raise(c, GC_ERROR);
}

/* ---- functions, rules, types -------------------------------------------- */

static void check_parameters(Ctx *c, const Ast *params) {
  for (uint32_t k = 0; k < params->nkids; k++)
    for (uint32_t j = 0; j < k; j++)
      if (params->kid[j]->name == params->kid[k]->name && strcmp(params->kid[k]->name, "_"))
        fail_at(c, params->kid[k]->name_span, "give each parameter a name of its own",
                "two parameters are called `%s`", params->kid[k]->name);
}

/* The library's own functions stand behind the built-ins of their names. */
static bool is_prelude(Ctx *c, Span at) {
  const Source *s = source_get(c, at.file);
  return s && strncmp(s->name, "<prelude", 8) == 0;
}

static void add_function(Module *m, const Ast *a, bool replace) {
  Ctx *c = m->c;
  Function *f = module_find(m, a->name);
  if (f && !replace) fail_twice(c, "function", f->def, a);
  check_parameters(c, a->kid[0]);
  if (!is_prelude(c, a->span)) warn_hidden_builtin(c, a->name, a->name_span);
  if (f) HASH_DEL(m->functions, f);
  else VEC_PUSH(c, &m->order, a->name);
  f = NEW(c, Function);
  f->name = a->name;
  f->def = a;
  f->func = (Func){.name = a->name, .def = a, .home = m};
  f->value = (Val){.kind = VAL_FUNC, .func = &f->func};
  HASH_ADD_PTR(m->functions, name, f);
  VEC_PUSH(c, &m->unmarked, a);
  Named *hidden = replace ? module_binding(m, a->name) : NULL;
  if (hidden) HASH_DEL(m->bindings, hidden);
}

static void check_rule(Module *m, const Function *f, const Ast *a) {
  uint32_t want = f->def->kid[0]->nkids, have = a->kid[0]->nkids;
  check_parameters(m->c, a->kid[0]);
  if (want == have) return;
  diag(m->c, SEV_ERROR, a->kid[0]->span, "the rule of `%s` has %u parameter%s, the function %u",
       a->name, have, have == 1 ? "" : "s", want);
  diag(m->c, SEV_NOTE, f->def->name_span, "the function is defined here");
  diag_raise(m->c, GC_ERROR);
}

static void add_rule(Module *m, const Ast *a, bool replace) {
  Function *f = module_find(m, a->name);
  if (!f)
    fail_at(m->c, a->name_span, "a rule stands after its function, in the same file",
            "there is no function `%s` above this rule", a->name);
  if (f->rule && !replace) {
    diag(m->c, SEV_ERROR, a->name_span, "`%s` has a rule already", a->name);
    diag(m->c, SEV_NOTE, f->rule->name_span, "it is here");
    diag(m->c, SEV_HELP, (Span){0}, "one rule serves both modes: keep the one that is simpler");
    diag_raise(m->c, GC_ERROR);
  }
  check_rule(m, f, a);
  f->rule = a;
  VEC_PUSH(m->c, &m->unmarked, a);
}

static void add_type(Module *m, const Ast *a, bool replace) {
  const Named *old = module_type(m, a->name);
  if (old && !replace) fail_twice(m->c, "type", old->def, a);
  if (!strcmp(a->name, "real") || !strcmp(a->name, "int") || !strcmp(a->name, "bool"))
    fail_at(m->c, a->name_span, "choose another name", "`%s` is a type of the language", a->name);
  named_add(m->c, &m->types, a->name)->def = a;
}

/* ---- script bindings and constants -------------------------------------- */

typedef struct ConstantTest {
  const Module *m;
  bool lambda, constant;
} ConstantTest;

static void test_constant(void *self, const Ast *name) {
  ConstantTest *t = self;
  double unused;
  const Named *d = module_binding(t->m, name->name);
  if (d) t->constant &= d->constant;
  else if (module_find(t->m, name->name)) t->constant &= t->lambda;
  else if (!is_builtin_constant(name->name, &unused))
    t->constant &= builtin_find(name->name) && !is_derivative_operator(name->name);
}

/* Made of numbers and constants alone, or a function of the like. */
static bool is_constant(const Module *m, const Ast *value) {
  ConstantTest t = {.m = m, .lambda = value->kind == AST_LAMBDA, .constant = true};
  resolve_free(m->c, value, test_constant, &t);
  return t.constant;
}

static void bind_script_name(Module *m, const Ast *def, const Ast *binder, const char *name,
                             Span at, bool constant, bool replace) {
  if (strcmp(name, "_") == 0) return;
  const Named *old = module_binding(m, name);
  const Function *f = module_find(m, name);
  if ((old || f) && !replace) {
    Span first = old ? old->binder->name_span : f->def->name_span;
    diag(m->c, SEV_ERROR, at, "`%s` is bound twice in this file", name);
    diag(m->c, SEV_NOTE, first, "the first time is here");
    diag(m->c, SEV_HELP, (Span){0}, "give one of them another name");
    diag_raise(m->c, GC_ERROR);
  }
  if (f) HASH_DEL(m->functions, (Function *)(uintptr_t)f);
  warn_hidden_builtin(m->c, name, at);
  Named *d = named_add(m->c, &m->bindings, name);
  d->def = def;
  d->binder = binder;
  d->constant = constant;
  d->imported = m->importing.n > 1;
}

static void bind_script_pattern(Module *m, const Ast *def, const Ast *pattern, bool constant,
                                bool replace) {
  VEC(const Ast *) todo = {0};
  VEC_PUSH(m->c, &todo, pattern);
  while (todo.n) {
    const Ast *a = todo.at[--todo.n];
    if (a->kind == AST_NAME)
      bind_script_name(m, def, a, a->name, a->span, constant, replace);
    for (uint32_t k = a->nkids; k-- > 0;) VEC_PUSH(m->c, &todo, a->kid[k]);
  }
}

static void add_binding(Module *m, const Ast *a, bool replace, bool imported) {
  bool constant = is_constant(m, a->kid[1]);
  if (imported && !constant) return; /* a script of its own, which is not run */
  bind_script_pattern(m, a, a->kid[0], constant, replace);
  if (!imported) VEC_PUSH(m->c, &m->script, a);
}

/* ---- imports ------------------------------------------------------------ */

static void release_file(void *file) {
  fclose(file);
}

static const char *read_whole(Ctx *c, Span at, const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file)
    fail_at(c, at, "the path is relative to the file that imports it", "cannot read \"%s\": %s",
            path, strerror(errno));
  ctx_defer(c, release_file, file);
  Buf b;
  buf_init(&b, c);
  char part[4096];
  size_t n;
  while ((n = fread(part, 1, sizeof part, file)) > 0) buf_add(&b, part, n);
  if (ferror(file)) fail_at(c, at, NULL, "cannot read \"%s\": %s", path, strerror(errno));
  *size = b.n;
  return buf_text(&b);
}

/* Beside the importing file; "a/./b" and "a/x/../b" are the file "a/b". */
static const char *import_path(Module *m, const Ast *a) {
  Ctx *c = m->c;
  const Source *from = source_get(c, a->span.file);
  const char *slash = a->name[0] != '/' && from ? strrchr(from->name, '/') : NULL;
  int folder = slash ? (int)(slash - from->name + 1) : 0;
  const char *path = str_printf(c, "%.*s%s", folder, folder ? from->name : "", a->name);
  VEC(const char *) part = {0};
  for (const char *p = path; *p;) {
    size_t n = strcspn(p, "/");
    const char *word = intern(c, p, n);
    p += n + (p[n] == '/');
    if (n == 0 || strcmp(word, ".") == 0) continue;
    bool up = strcmp(word, "..") == 0 && part.n && strcmp(part.at[part.n - 1], "..");
    if (up) part.n--;
    else VEC_PUSH(c, &part, word);
  }
  Buf b;
  buf_init(&b, c);
  for (uint32_t k = 0; k < part.n; k++)
    buf_printf(&b, "%s%s", k || path[0] == '/' ? "/" : "", part.at[k]);
  return intern(c, b.n ? b.at : "", b.n);
}

static void add_items(Module *m, const Ast *file, bool replace, bool imported);

static void check_cycle(Module *m, const Ast *a, const char *path) {
  Ctx *c = m->c;
  for (uint32_t k = 0; k < m->importing.n; k++) {
    if (m->importing.at[k] != path) continue;
    Buf b;
    buf_init(&b, c);
    for (; k < m->importing.n; k++) buf_printf(&b, "%s -> ", m->importing.at[k]);
    fail_at(c, a->name_span, "move what both need into a file of its own",
            "these imports go in a circle: %s%s", buf_text(&b), path);
  }
}

static void add_import(Module *m, const Ast *a) {
  Ctx *c = m->c;
  if (!c->opt.allow_import)
    fail_at(c, a->span, "put the definitions into this text", "import is not allowed here");
  const char *path = import_path(m, a);
  check_cycle(m, a, path);
  if (mark_has(m->imported, path)) return;
  mark_add(c, &m->imported, path);
  size_t size;
  const char *text = read_whole(c, a->name_span, path, &size);
  uint32_t file = source_add(c, path, text, size);
  VEC_PUSH(c, &m->importing, path);
  add_items(m, parse(c, file, PARSE_FILE, NULL), false, true);
  m->importing.n--;
}

/* ---- files -------------------------------------------------------------- */

static void add_item(Module *m, const Ast *a, bool replace, bool imported) {
  switch (a->kind) {
  case AST_FUNCTION: add_function(m, a, replace); break;
  case AST_GRADIENT:
  case AST_TANGENT: add_rule(m, a, replace); break;
  case AST_TYPEDEF: add_type(m, a, replace); break;
  case AST_IMPORT: add_import(m, a); break;
  case AST_BIND: add_binding(m, a, replace, imported); break;
  case AST_INPUT:
    if (imported) break;
    bind_script_name(m, a, a, a->name, a->name_span, false, replace);
    VEC_PUSH(m->c, &m->script, a);
    break;
  default:
    if (!imported) VEC_PUSH(m->c, &m->script, a);
  }
}

/* Functions first: their order does not matter, and whether a binding is a constant is
 * asked with all of them known.  Rules come after their functions. */
static void add_items(Module *m, const Ast *file, bool replace, bool imported) {
  for (uint32_t k = 0; k < file->nkids; k++)
    if (file->kid[k]->kind == AST_FUNCTION) add_item(m, file->kid[k], replace, imported);
  for (uint32_t k = 0; k < file->nkids; k++) {
    const Ast *a = file->kid[k];
    if (a->kind == AST_GRADIENT || a->kind == AST_TANGENT) {
      const Function *f = module_find(m, a->name);
      if (f && f->def->span.file == a->span.file && f->def->span.start > a->span.start)
        fail_at(m->c, a->name_span, "move the rule below its function",
                "the rule of `%s` stands before the function", a->name);
    }
    if (a->kind != AST_FUNCTION) add_item(m, a, replace, imported);
  }
}

void module_add(Module *m, Ast *file, bool replace) {
  const Source *source = source_get(m->c, file->span.file);
  const char *name = source ? source->name : NULL;
  if (name) {
    VEC_PUSH(m->c, &m->importing, name);
    mark_add(m->c, &m->imported, name);
  }
  add_items(m, file, replace, false);
  if (name) m->importing.n--;
}

void module_mute(Module *m) {
  uint32_t kept = 0;
  for (uint32_t k = 0; k < m->script.n; k++) {
    AstKind kind = m->script.at[k]->kind;
    if (kind == AST_BIND || kind == AST_INPUT) m->script.at[kept++] = m->script.at[k];
  }
  m->script.n = m->muted = kept;
}

void module_capture(Module *m, const Ast *item) {
  mark_add(m->c, &m->captured, item);
}

/* ---- questions ---------------------------------------------------------- */

uint32_t module_functions(const Module *m, const char ***names) {
  uint32_t n = 0;
  *names = NEWN(m->c, const char *, m->order.n);
  for (uint32_t k = 0; k < m->order.n; k++)
    if (module_find(m, m->order.at[k])) (*names)[n++] = m->order.at[k];
  return n;
}

const Ast *module_function(const Module *m, const char *name) {
  const Function *f = module_find(m, intern_z(m->c, name));
  return f ? f->def : NULL;
}

bool module_function_typed(const Module *m, const char *name) {
  const Ast *f = module_function(m, name);
  if (!f) return false;
  for (uint32_t k = 0; k < f->kid[0]->nkids; k++)
    if (!f->kid[0]->kid[k]->nkids || !f->kid[0]->kid[k]->kid[0]) return false;
  return true;
}
