/* session_entries.c - the list of entries: what depends on what, what a new one replaces.
 *
 * Dependence is by name and errs on the side of more: a name that a block binds for itself
 * counts too.  A binding means the nearest definition before it; functions mean the last.
 * A new definition takes the place of the old one, and bindings that depend on it move
 * behind it, to be computed again; only where it is made from the old one (x = x + 1)
 * both stay, in order. */
#include <stdlib.h>
#include <string.h>

#include "commands/session_private.h"

typedef VEC(const char *) Names;

/* ---- names in a tree ---- */

typedef struct Reading { Names defined, used, wrt; } Reading;

static void add_name(Ctx *c, Names *n, const char *name) {
  for (uint32_t k = 0; k < n->n && n->n < 64; k++)
    if (!strcmp(n->at[k], name)) return;
  VEC_PUSH(c, n, name);
}

static void names_below(Ctx *c, const Ast *root, Names *out) {
  VEC(const Ast *) todo = {0};
  VEC_PUSH(c, &todo, root);
  while (todo.n) {
    const Ast *a = todo.at[--todo.n];
    if (!a) continue;
    if (a->name && a->kind != AST_PIECE) add_name(c, out, a->name);
    for (uint32_t k = 0; k < a->nkids; k++) VEC_PUSH(c, &todo, a->kid[k]);
  }
}

static bool is_derivative_call(const Ast *a) {
  static const char *const operators[] = {"grad", "jvp", "vjp", "jacobian", "hessian", "hvp"};
  if (a->kind != AST_CALL || a->kid[0]->kind != AST_NAME) return false;
  for (size_t k = 0; k < sizeof operators / sizeof *operators; k++)
    if (!strcmp(a->kid[0]->name, operators[k])) return true;
  return false;
}

static void wrt_below(Ctx *c, const Ast *root, Names *out) {
  VEC(const Ast *) todo = {0};
  VEC_PUSH(c, &todo, root);
  while (todo.n) {
    const Ast *a = todo.at[--todo.n];
    if (!a) continue;
    for (uint32_t k = 2; is_derivative_call(a) && k < a->nkids; k++) names_below(c, a->kid[k], out);
    for (uint32_t k = 0; k < a->nkids; k++) VEC_PUSH(c, &todo, a->kid[k]);
  }
}

static Reading read_item(Ctx *c, const Ast *item) {
  Reading r = {0};
  if (item->kind == AST_BIND) names_below(c, item->kid[0], &r.defined);
  else if (item->name && item->kind != AST_IMPORT) add_name(c, &r.defined, item->name);
  for (uint32_t k = item->kind == AST_BIND ? 1 : 0; k < item->nkids; k++)
    if (item->kid[k]) names_below(c, item->kid[k], &r.used);
  wrt_below(c, item, &r.wrt);
  return r;
}

const char *entry_key(Ctx *c, const Ast *item) {
  switch (item->kind) {
  case AST_FUNCTION: return str_printf(c, "f %s", item->name);
  case AST_GRADIENT: case AST_TANGENT: return str_printf(c, "r %s", item->name);
  case AST_TYPEDEF: return str_printf(c, "t %s", item->name);
  case AST_INPUT: return str_printf(c, "v %s", item->name);
  case AST_IMPORT: return str_printf(c, "i %s", item->name);
  case AST_BIND:
    return item->kid[0]->kind == AST_NAME ? str_printf(c, "v %s", item->kid[0]->name) : "v ()";
  default: return NULL;
  }
}

/* ---- one entry ---- */

static void free_names(char **name, uint32_t n) {
  for (uint32_t k = 0; k < n; k++) free(name[k]);
  free(name);
}

static void entry_free(Entry *e) {
  free(e->text);
  free(e->key);
  free_names(e->name, e->nname);
  free_names(e->use, e->nuse);
  free_names(e->wrt, e->nwrt);
  known_free(e->known);
}

void entries_free(Session *s) {
  for (size_t k = 0; k < s->n; k++) entry_free(&s->entry[k]);
  free(s->entry);
  s->entry = NULL;
  s->n = s->cap = 0;
}

static bool copy_names(const Names *from, char ***to, uint32_t *n) {
  *to = calloc((size_t)from->n + 1, sizeof **to);
  if (!*to) return false;
  for (*n = 0; *n < from->n; ++*n)
    if (!((*to)[*n] = strdup(from->at[*n]))) return false;
  return true;
}

static bool entry_make(Entry *e, const Reading *r, const char *text, const char *key) {
  *e = (Entry){.text = strdup(text), .key = strdup(key)};
  bool made = e->text && e->key && copy_names(&r->defined, &e->name, &e->nname) &&
              copy_names(&r->used, &e->use, &e->nuse) && copy_names(&r->wrt, &e->wrt, &e->nwrt);
  if (!made) entry_free(e);
  return made;
}

static bool has(char *const *name, uint32_t n, const char *word) {
  for (uint32_t k = 0; k < n; k++)
    if (!strcmp(name[k], word)) return true;
  return false;
}

static bool listed(const Names *list, const char *word) {
  for (uint32_t k = 0; k < list->n; k++)
    if (!strcmp(list->at[k], word)) return true;
  return false;
}

static bool uses_one(const Entry *e, const Names *list) {
  for (uint32_t k = 0; k < list->n; k++)
    if (has(e->use, e->nuse, list->at[k])) return true;
  return false;
}

static bool is_binding(const Entry *e) { return e->key[0] == 'v'; }

Entry *entry_find(const Session *s, const char *name, char kind) {
  for (size_t k = s->n; k-- > 0;)
    if (s->entry[k].key[0] == kind && has(s->entry[k].name, s->entry[k].nname, name))
      return &s->entry[k];
  return NULL;
}

/* ---- what depends on these names ---- */

/* Marks every entry that does, directly or through others; `names` grows by what they
 * define. */
static void mark_dependents(Session *s, Ctx *c, Names *names) {
  for (size_t k = 0; k < s->n; k++) s->entry[k].mark = false;
  for (bool more = true; more;) {
    more = false;
    for (size_t k = 0; k < s->n; k++) {
      Entry *e = &s->entry[k];
      if (e->mark || !uses_one(e, names)) continue;
      e->mark = more = true;
      for (uint32_t j = 0; j < e->nname; j++) add_name(c, names, e->name[j]);
    }
  }
}

/* ---- a new entry ---- */

/* Does a new entry with this key take the place of an old one? */
static bool replaces(const Entry *fresh, const Entry *old) {
  char was = old->key[0], is = fresh->key[0];
  if (was == 'i' || is == 'i' || was == 't' || is == 't' || is == 'r')
    return !strcmp(old->key, fresh->key);
  for (uint32_t k = 0; k < old->nname; k++)
    if (!has(fresh->name, fresh->nname, old->name[k])) return false;
  return true;
}

static bool make_room(Session *s) {
  if (s->n < s->cap) return true;
  size_t cap = s->cap ? 2 * s->cap : 16;
  Entry *e = realloc(s->entry, cap * sizeof *e);
  if (!e) return false;
  s->entry = e;
  s->cap = cap;
  return true;
}

/* Drops what it replaces; puts it last, and the marked bindings behind it. */
static void put(Session *s, Ctx *c, Entry fresh, bool in_place) {
  size_t kept = 0, nmoved = 0;
  Entry *moved = NEWN(c, Entry, s->n + 1);
  for (size_t k = 0; k < s->n; k++) {
    Entry *e = &s->entry[k];
    if (in_place && replaces(&fresh, e)) {
      entry_free(e);
    } else if (in_place && e->mark && is_binding(e) && is_binding(&fresh)) {
      moved[nmoved++] = *e;
    } else {
      s->entry[kept++] = *e;
    }
  }
  s->entry[kept++] = fresh;
  if (nmoved) memcpy(s->entry + kept, moved, nmoved * sizeof *moved);
  s->n = kept + nmoved;
}

/* What imported functions use is not known here: what is defined anew may reach them. */
static bool reaches_all(const Session *s, const Names *defined, const char *key) {
  bool imports = key[0] == 'i', again = key[0] != 'v';
  for (size_t k = 0; k < s->n; k++) imports |= s->entry[k].key[0] == 'i';
  for (uint32_t k = 0; k < defined->n; k++) again |= entry_find(s, defined->at[k], 'v') != NULL;
  return imports && again;
}

bool entries_add(Session *s, Ctx *c, const Ast *item, const char *text, const char *key) {
  Reading r = read_item(c, item);
  Names changed = {0};
  for (uint32_t k = 0; k < r.defined.n; k++) add_name(c, &changed, r.defined.at[k]);
  mark_dependents(s, c, &changed);
  bool from_itself = false;
  for (uint32_t k = 0; k < r.used.n; k++) from_itself |= listed(&changed, r.used.at[k]);
  bool all = reaches_all(s, &r.defined, key);
  Entry fresh;
  if (!make_room(s) || !entry_make(&fresh, &r, text, key)) return false;
  for (size_t k = 0; k < s->n; k++) {
    Entry *e = &s->entry[k];
    if (!e->mark && !all) continue;
    known_free(e->known);
    e->known = NULL;
  }
  put(s, c, fresh, !(from_itself && is_binding(&fresh)));
  return true;
}

/* ---- what items need ---- */

/* A walk from names to the entries behind them. */
typedef struct Walk {
  Session *s;
  Ctx *c;
  const bool *blocked;     /* by entry: its value must not stand for it */
  VEC(size_t) todo;
} Walk;

static bool usable(const Walk *w, size_t k) { return w->s->entry[k].known && !w->blocked[k]; }

static void need_entry(Walk *w, size_t k) {
  if (w->s->entry[k].mark) return;
  w->s->entry[k].mark = true;
  if (!usable(w, k)) VEC_PUSH(w->c, &w->todo, k);
}

/* `before`: where the one stands that means the name. */
static void need_name(Walk *w, const char *name, size_t before) {
  bool found = false;
  for (size_t k = before; k-- > 0 && !found;)
    if (is_binding(&w->s->entry[k]) && has(w->s->entry[k].name, w->s->entry[k].nname, name)) {
      need_entry(w, k);
      found = true;
    }
  for (size_t k = 0; k < w->s->n; k++) {
    const Entry *e = &w->s->entry[k];
    if ((!is_binding(e) || !found) && has(e->name, e->nname, name)) need_entry(w, k);
  }
}

/* What a function means by a name may be any definition of it. */
static void need_everywhere(Walk *w, const char *name) {
  for (size_t k = 0; k < w->s->n; k++)
    if (has(w->s->entry[k].name, w->s->entry[k].nname, name)) need_entry(w, k);
}

static void walk(Walk *w, const Names *from) {
  for (size_t k = 0; k < w->s->n; k++) w->s->entry[k].mark = false;
  for (uint32_t k = 0; k < from->n; k++) need_name(w, from->at[k], w->s->n);
  while (w->todo.n) {
    size_t k = w->todo.at[--w->todo.n];
    const Entry *e = &w->s->entry[k];
    for (uint32_t j = 0; j < e->nuse; j++)
      if (is_binding(e)) need_name(w, e->use[j], k);
      else need_everywhere(w, e->use[j]);
  }
}

/* What is differentiated with respect to x must lead back to x, so values of what depends
 * on x do not stand for it; x's own does if it is real, as such a name is. */
static void block(Session *s, Ctx *c, const Names *wrt, bool *blocked) {
  Names reached = {0};
  for (uint32_t k = 0; k < wrt->n; k++) add_name(c, &reached, wrt->at[k]);
  mark_dependents(s, c, &reached);
  for (size_t k = 0; k < s->n; k++) {
    const Entry *e = &s->entry[k];
    bool variable = false;
    for (uint32_t j = 0; j < e->nname; j++) variable |= listed(wrt, e->name[j]);
    blocked[k] = e->mark || (variable && e->known && !known_all_real(e->known));
  }
}

void entries_need(Session *s, Ctx *c, const Ast *items) {
  Names from = {0}, wrt = {0};
  bool *blocked = NEWN(c, bool, s->n + 1);
  for (uint32_t k = 0; k < items->nkids; k++) {
    Reading r = read_item(c, items->kid[k]);
    for (uint32_t j = 0; j < r.used.n; j++) add_name(c, &from, r.used.at[j]);
    for (uint32_t j = 0; j < r.wrt.n; j++) add_name(c, &wrt, r.wrt.at[j]);
    if (entry_key(c, items->kid[k]) && *entry_key(c, items->kid[k]) == 'r')
      add_name(c, &from, items->kid[k]->name);
  }
  Walk w = {.s = s, .c = c, .blocked = blocked};
  for (uint32_t known = UINT32_MAX; known != wrt.n;) {
    known = wrt.n;
    block(s, c, &wrt, blocked);
    walk(&w, &from);
    for (size_t k = 0; k < s->n; k++)
      for (uint32_t j = 0; s->entry[k].mark && !usable(&w, k) && j < s->entry[k].nwrt; j++)
        if (!listed(&wrt, s->entry[k].wrt[j])) VEC_PUSH(c, &wrt, s->entry[k].wrt[j]);
  }
  for (size_t k = 0; k < s->n; k++) {
    s->entry[k].replayed = !usable(&w, k);
    if (!is_binding(&s->entry[k])) s->entry[k].mark = true; /* a definition costs nothing */
  }
}
