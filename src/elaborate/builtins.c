/* builtins.c - finding a built-in function by name: those of builtins.def, and the scalar
 * primitives of src/ir/primitives.def, which work element by element. */
#include "elaborate/builtins.h"

#include <string.h>

#define ANY_NUMBER -1

static const Builtin table[] = {
#define BUILTIN(name, least, most, apply, lazy, named, doc, example) \
  {name, least, most, apply, lazy, named, doc, example},
#include "elaborate/builtins.def"
#undef BUILTIN
};

enum { TABLE_ROWS = sizeof table / sizeof *table };

/* ---- scalar primitives: applied element by element ---- */

#define PRIM(id, name, arity, type, c, mp, d0, d1, d2, lo, hi, doc)          \
  static const Val *apply_prim_##id(APPLY_ARGS) {                            \
    (void)s;                                                                 \
    return elab_prim(e, P_##id, arg, n, call ? call->span : e->p->pos);      \
  }
#include "ir/primitives.def"
#undef PRIM

static const Builtin primitive[PRIM_COUNT] = {
#define PRIM(id, name, arity, type, c, mp, d0, d1, d2, lo, hi, doc)          \
  {name, arity, arity, apply_prim_##id, false, NULL, doc, NULL},
#include "ir/primitives.def"
#undef PRIM
};

const Builtin *builtin_find(const char *name) {
  for (uint32_t k = 0; k < TABLE_ROWS; k++)
    if (strcmp(table[k].name, name) == 0) return &table[k];
  int prim = prim_find(name);
  return prim < 0 || prim == P_NEG ? NULL : &primitive[prim];
}

/* ---- lists ---- */

/* An operator has no name to suggest: another one stands in its place. */
#define IS_OPERATOR(p) ((p) <= P_POW || ((p) >= P_EQ && (p) <= P_NOT))

uint32_t builtin_names(const char *const **names) {
  static const char *const list[] = {
#define BUILTIN(name, least, most, apply, lazy, named, doc, example) name,
#include "elaborate/builtins.def"
#undef BUILTIN
#define PRIM(id, name, arity, type, c, mp, d0, d1, d2, lo, hi, doc) \
  IS_OPERATOR(P_##id) ? "sum" : name,
#include "ir/primitives.def"
#undef PRIM
  };
  *names = list;
  return sizeof list / sizeof *list;
}

/* The k-th function that is not an operator, or NULL past the last. */
static const Builtin *nth(uint32_t k) {
  if (k < TABLE_ROWS) return &table[k];
  k -= TABLE_ROWS;
  for (uint32_t p = 0; p < PRIM_COUNT; p++) {
    if (builtin_find(primitive[p].name) == &primitive[p] && k-- == 0) return &primitive[p];
  }
  return NULL;
}

bool builtin_doc(uint32_t k, const char **name, const char **doc, const char **example) {
  const Builtin *b = nth(k);
  if (!b) return false;
  *name = b->name;
  *doc = b->doc;
  *example = b->example;
  return true;
}
