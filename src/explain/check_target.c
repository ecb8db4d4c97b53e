/* check_target.c - a function as a program whose arguments are all typed.
 *
 * Where the file leaves types out, kinds of arguments are tried in turn, scalars first,
 * through a function that only calls the one in question: reals, functions, ints, and the
 * types that the file names, all sizes 3.  A recursion over sizes needs sizes at hand. */
#include "explain/check_private.h"

#include <string.h>

/* Functions are passed as they stand here; everything else is a type. */
static const char *const kinds[] = {
    "real", "real[3]", "v -> sin(v) + 2*v - 1", "int", "real[3, 3]", "(v, w) -> sin(v) - 0.5*w",
};
enum { KINDS = 6, MOST_TRIES = 400, MOST_SIZES = 16 };

/* ---- requests ---- */

typedef struct Ask {
  Target *t;
  Request q;
  Prog *p;
} Ask;

static void ask(void *self) {
  Ask *a = self;
  a->p = elaborate_function(a->t->k->m, &a->q);
}

Prog *target_program(Target *t, DerivKind kind, const CheckArg *arg) {
  Ask a = {.t = t};
  uint32_t n = !arg ? 0 : arg->name ? 1 : t->arg.n;
  const char **wrt = NEWN(t->k->c, const char *, n + 1);
  for (uint32_t k = 0; k < n; k++) wrt[k] = arg->name ? arg->name : t->arg.at[k].name;
  a.q = (Request){.function = t->call,
                  .kind = kind,
                  .wrt = wrt,
                  .nwrt = n,
                  .sizes = t->sizes,
                  .nsizes = t->sizes ? MOST_SIZES : 0};
  if (check_quietly(t->k, ask, &a) == GC_OK) return a.p;
  if (!t->error) t->error = t->k->error, t->error_at = t->k->error_at;
  return NULL;
}

/* ---- types for what has none ---- */

typedef struct Wrapper {
  Target *t;
  const char *text;
} Wrapper;

static void add_wrapper(void *self) {
  Wrapper *w = self;
  Ctx *c = w->t->k->c;
  uint32_t file = source_add(c, "<check>", w->text, strlen(w->text));
  module_add(w->t->k->m, parse(c, file, PARSE_FILE, NULL), true);
}

/* How many kinds of arguments there are, and kind k as text. */
static uint32_t kinds_known(const Target *t) {
  uint32_t n = KINDS;
  const Ast *file = t->k->o->file;
  for (uint32_t k = 0; k < file->nkids; k++) n += file->kid[k]->kind == AST_TYPEDEF;
  return n;
}

static const char *kind_text(const Target *t, uint32_t k) {
  const Ast *file = t->k->o->file, *type = NULL;
  if (k < KINDS) return kinds[k];
  for (uint32_t j = 0, n = KINDS; j < file->nkids; j++)
    if (file->kid[j]->kind == AST_TYPEDEF && n++ == k) type = file->kid[j];
  Buf b;
  buf_init(&b, t->k->c);
  buf_puts(&b, type->name);
  for (uint32_t j = 0; j < type->kid[0]->nkids; j++) buf_printf(&b, "%s3", j ? ", " : "[");
  if (type->kid[0]->nkids) buf_puts(&b, "]");
  return buf_text(&b);
}

static const char *type_of(Ctx *c, const Ast *param) {
  Span at = param->kid[0]->span;
  return str_printf(c, "%.*s", (int)(at.end - at.start), source_get(c, at.file)->text + at.start);
}

/* The wrapper's text, `choice` giving the kinds of untyped arguments in base `base`. */
static const char *wrapper_text(Target *t, uint32_t choice, uint32_t base, const char **how) {
  Ctx *c = t->k->c;
  const Ast *params = t->def->kid[0];
  Buf head, call, said;
  buf_init(&head, c), buf_init(&call, c), buf_init(&said, c);
  for (uint32_t k = 0; k < params->nkids; k++) {
    const Ast *p = params->kid[k];
    bool typed = p->nkids && p->kid[0], blank = !strcmp(p->name, "_");
    const char *name = blank ? str_printf(c, "unused%u", k) : p->name;
    const char *type = typed ? type_of(c, p) : kind_text(t, choice % base);
    bool function = strstr(type, "->") != NULL;
    if (!function) buf_printf(&head, "%s%s: %s", head.n ? ", " : "", name, type);
    buf_printf(&call, "%s%s", k ? ", " : "", function ? type : name);
    if (!typed && choice % base)
      buf_printf(&said, "%s%s: %s", said.n ? ", " : " with ", name, type);
    if (!typed) choice /= base;
  }
  *how = str_printf(c, "%s", said.n ? buf_text(&said) : "");
  return str_printf(c, "%s(%s) = %s(%s)\n", t->call, head.n ? buf_text(&head) : "", t->name,
                    call.n ? buf_text(&call) : "");
}

static uint32_t untyped(const Ast *params) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < params->nkids; k++)
    n += !params->kid[k]->nkids || !params->kid[k]->kid[0];
  return n;
}

/* Choices with all arguments of one kind come first. */
static void try_kinds(Target *t) {
  uint32_t n = untyped(t->def->kid[0]), all = 1, base = kinds_known(t);
  for (uint32_t k = 0; k < n && all < MOST_TRIES; k++) all *= base;
  if (all > MOST_TRIES) all = MOST_TRIES;
  t->call = intern_z(t->k->c, str_printf(t->k->c, "checked_%s", t->name));
  for (uint32_t k = 0; k < 2 + all && !t->value; k++) {
    uint32_t choice = k < 2 ? 0 : k - 2;
    for (uint32_t j = 0; k < 2 && j < n; j++) choice = choice * base + k;
    Wrapper w = {t, wrapper_text(t, choice, base, &t->how)};
    if (check_quietly(t->k, add_wrapper, &w) == GC_OK)
      t->value = target_program(t, DERIV_VALUE, NULL);
  }
}

/* ---- arguments ---- */

static CheckArg *arg_of(Target *t, const SigParam *s) {
  Ctx *c = t->k->c;
  const char *name = intern(c, s->name, strcspn(s->name, "."));
  for (uint32_t k = 0; k < t->arg.n; k++)
    if (t->arg.at[k].name == name) return &t->arg.at[k];
  VEC_PUSH(c, &t->arg, ((CheckArg){.name = name, .at = s->pos}));
  return &t->arg.at[t->arg.n - 1];
}

static void find_args(Target *t) {
  const Sig *s = &t->value->sig;
  for (uint32_t k = 0; k < s->params.n; k++) {
    if (ir_type(t->value, s->params.at[k].ref)->elem != ELEM_REAL) continue;
    CheckArg *a = arg_of(t, &s->params.at[k]);
    VEC_PUSH(t->k->c, &a->leaf, ((CheckLeaf){s->params.at[k].name, k}));
  }
}

/* Sizes at hand, where the function needs them: distinct, then all the same. */
static void try_sizes(Target *t) {
  for (uint32_t round = 0; round < 2 && !t->value; round++) {
    t->sizes = NEWN(t->k->c, int64_t, MOST_SIZES);
    for (uint32_t k = 0; k < MOST_SIZES; k++) t->sizes[k] = round || k % 2 == 0 ? 3 : 2;
    t->value = target_program(t, DERIV_VALUE, NULL);
  }
}

void check_target(Target *t, Check *k, const char *name) {
  *t = (Target){.k = k, .name = name, .call = name, .how = "", .def = module_function(k->m, name)};
  if (untyped(t->def->kid[0]))
    try_kinds(t);
  else
    t->value = target_program(t, DERIV_VALUE, NULL);
  if (!t->value && !untyped(t->def->kid[0])) try_sizes(t);
  if (t->value) t->error = NULL;
  if (t->value)
    find_args(t);
  else
    t->why_not =
        untyped(t->def->kid[0]) ? "its parameters need types" : "it does not stand by itself";
}
