/* session_values.c - the values of bindings, kept so that they are not computed again.
 *
 * An entry whose value is known is loaded as an input of that value, or, where functions
 * may use it as a constant, as a literal.  What cannot be said so (a function, none, an
 * empty array) is computed again at each use. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands/session_private.h"

enum { LITERAL_MOST = 4096 };                 /* numbers in a literal */
static const size_t value_most = (size_t)1 << 28; /* bytes of one value */

struct Known {
  Known *next;             /* of the other names of the entry */
  char *name, *text;       /* the item that stands for it */
  bool constant;           /* the item is a literal */
  bool usable;             /* it can be said */
  uint32_t n;
  InputValue *leaf;
};

void known_free(Known *k) {
  while (k) {
    Known *next = k->next;
    for (uint32_t i = 0; i < k->n; i++) {
      free((void *)(uintptr_t)k->leaf[i].name);
      free((void *)(uintptr_t)k->leaf[i].data);
    }
    free(k->leaf);
    free(k->name);
    free(k->text);
    free(k);
    k = next;
  }
}

bool known_all_real(const Known *k) {
  for (; k; k = k->next)
    for (uint32_t i = 0; i < k->n; i++)
      if (k->leaf[i].elem != ELEM_REAL) return false;
  return true;
}

const char *known_text(Ctx *c, const Known *k) {
  const char *text = "";
  for (; k; k = k->next) text = str_printf(c, "%s%s\n", text, k->text);
  return text;
}

uint32_t known_inputs(const Known *k, const InputValue **in) {
  *in = k->leaf;
  return k->constant ? 0 : k->n;
}

const Known *known_next(const Known *k) { return k->next; }

bool known_array(const Known *k, Value *v) {
  if (k->n != 1) return false;
  *v = (Value){.elem = k->leaf->elem, .rank = k->leaf->rank, .data = k->leaf->data};
  memcpy(v->dim, k->leaf->dim, sizeof v->dim);
  return true;
}

/* ---- as text ---- */

static uint64_t count(const Value *v) {
  uint64_t n = 1;
  for (uint32_t k = 0; k < v->rank; k++) n *= (uint64_t)v->dim[k];
  return n;
}

static void put_type(Buf *b, const Shape *s, const Value **leaf) {
  static const char *const elem[] = {
      [ELEM_REAL] = "real", [ELEM_INT] = "int", [ELEM_BOOL] = "bool"};
  if (s && s->kind != SHAPE_LEAF) {
    buf_puts(b, "(");
    for (uint32_t k = 0; k < s->n; k++) {
      if (k) buf_puts(b, ", ");
      if (s->kind == SHAPE_RECORD) buf_printf(b, "%s: ", s->field[k]);
      put_type(b, s->kid[k], leaf);
    }
    buf_puts(b, ")");
    return;
  }
  const Value *v = (*leaf)++;
  buf_puts(b, elem[v->elem]);
  for (uint32_t k = 0; k < v->rank; k++)
    buf_printf(b, "%s%lld", k ? ", " : "[", (long long)v->dim[k]);
  if (v->rank) buf_puts(b, "]");
}

static void put_number(Buf *b, const Value *v, uint64_t k) {
  if (v->elem == ELEM_REAL) {
    size_t from = b->n;
    buf_real(b, ((const double *)v->data)[k]);
    if (!strpbrk(buf_text(b) + from, ".e")) buf_puts(b, ".0");
  } else if (v->elem == ELEM_INT) {
    buf_printf(b, "%lld", (long long)((const int64_t *)v->data)[k]);
  } else {
    buf_puts(b, ((const int64_t *)v->data)[k] ? "true" : "false");
  }
}

static void put_array(Buf *b, const Value *v, uint32_t axis, uint64_t *at) {
  if (axis == v->rank) {
    put_number(b, v, (*at)++);
    return;
  }
  for (int64_t k = 0; k < v->dim[axis]; k++) {
    buf_puts(b, k ? ", " : "[");
    put_array(b, v, axis + 1, at);
  }
  buf_puts(b, "]");
}

static void put_literal(Buf *b, const Shape *s, const Value **leaf) {
  uint64_t at = 0;
  if (!s || s->kind == SHAPE_LEAF) {
    put_array(b, (*leaf)++, 0, &at);
    return;
  }
  for (uint32_t k = 0; k < s->n; k++) {
    buf_puts(b, k ? ", " : "(");
    if (s->kind == SHAPE_RECORD) buf_printf(b, "%s = ", s->field[k]);
    put_literal(b, s->kid[k], leaf);
  }
  buf_puts(b, ")");
}

/* ---- what can be kept ---- */

static bool has_none(const Shape *s) {
  if (!s) return false;
  bool found = s->kind == SHAPE_NONE || (s->kind != SHAPE_LEAF && s->n < 1);
  for (uint32_t k = 0; s->kind != SHAPE_LEAF && k < s->n; k++) found |= has_none(s->kid[k]);
  return found;
}

static bool all_finite(const Value *v) {
  if (v->elem != ELEM_REAL) return true;
  for (uint64_t k = count(v); k-- > 0;)
    if (!isfinite(((const double *)v->data)[k])) return false;
  return true;
}

/* Is there a value, of a size to keep? */
static bool can_keep(const TextAttr *t, const Value *leaf, uint32_t n) {
  uint64_t total = 0;
  if (!n || has_none(t->piece[0].shape)) return false;
  for (uint32_t k = 0; k < n; k++) {
    if (count(&leaf[k]) == 0) return false;
    total += count(&leaf[k]);
  }
  return total * sizeof(double) <= value_most;
}

/* Can an item of the language stand for it? */
static bool can_say(const TextAttr *t, const Value *leaf, uint32_t n) {
  uint64_t total = 0;
  for (uint32_t k = 0; k < n; k++) {
    if (leaf[k].elem == ELEM_BOOL && leaf[k].rank) return false;
    total += count(&leaf[k]);
    if (t->constant && (total > LITERAL_MOST || !all_finite(&leaf[k]))) return false;
  }
  return true;
}

/* ---- keeping ---- */

/* "p.W", "t.0": the paths of the leaves, as inputs are set. */
static void put_paths(Ctx *c, const Shape *s, const char *path, const char ***to) {
  if (!s || s->kind == SHAPE_LEAF) {
    *(*to)++ = path;
    return;
  }
  for (uint32_t k = 0; k < s->n; k++)
    put_paths(c, s->kid[k], s->kind == SHAPE_RECORD ? str_printf(c, "%s.%s", path, s->field[k])
                                                    : str_printf(c, "%s.%u", path, k), to);
}

static bool copy_leaf(InputValue *to, const Value *from, const char *path) {
  size_t bytes = (size_t)count(from) * 8;
  void *data = malloc(bytes);
  *to = (InputValue){.name = strdup(path), .elem = from->elem, .rank = from->rank, .data = data};
  memcpy(to->dim, from->dim, sizeof to->dim);
  if (data) memcpy(data, from->data, bytes);
  return data && to->name;
}

static const char *item_text(Ctx *c, const TextAttr *t, const Value *leaf) {
  Buf b;
  buf_init(&b, c);
  buf_printf(&b, t->constant ? "%s = " : "input %s: ", t->binding);
  if (t->constant) put_literal(&b, t->piece[0].shape, &leaf);
  else put_type(&b, t->piece[0].shape, &leaf);
  return buf_text(&b);
}

static Known *known_make(Ctx *c, const TextAttr *t, const Value *leaf, uint32_t n) {
  const char **path = NEWN(c, const char *, n), **end = path;
  bool usable = can_say(t, leaf, n);
  const char *text = usable ? item_text(c, t, leaf) : "";
  put_paths(c, t->piece[0].shape, t->binding, &end);
  Known *k = calloc(1, sizeof *k);
  if (!k) return NULL;
  k->constant = t->constant;
  k->usable = usable;
  k->name = strdup(t->binding);
  k->text = strdup(text);
  k->leaf = calloc(n, sizeof *k->leaf);
  bool made = k->name && k->text && k->leaf;
  for (; made && k->n < n; k->n++) made = copy_leaf(&k->leaf[k->n], &leaf[k->n], path[k->n]);
  if (made) return k;
  known_free(k);
  return NULL;
}

void turn_bound(void *turn, const TextAttr *t, const Value *leaf, uint32_t n) {
  Turn *r = turn;
  if (r->s->real_float || !can_keep(t, leaf, n)) return;
  Known *k = known_make(r->c, t, leaf, n);
  if (!k) return;                      /* it is computed again, then */
  VEC_PUSH(r->c, &r->fresh, ((Fresh){t->binding, k}));
}

void turn_drop_values(Turn *t) {
  for (uint32_t k = 0; k < t->fresh.n; k++) known_free(t->fresh.at[k].known);
  t->fresh.n = 0;
}

static Known **fresh_find(Turn *t, const char *name) {
  for (uint32_t k = t->fresh.n; k-- > 0;)
    if (t->fresh.at[k].known && !strcmp(t->fresh.at[k].name, name)) return &t->fresh.at[k].known;
  return NULL;
}

/* An entry has its values when all of its names have one. */
static void take_values(Turn *t, Entry *e) {
  for (uint32_t k = 0; k < e->nname; k++) {
    Known **found = fresh_find(t, e->name[k]);
    if (!found || !(*found)->usable) return;
  }
  for (uint32_t k = 0; k < e->nname; k++) {
    Known **found = fresh_find(t, e->name[k]);
    (*found)->next = e->known;
    e->known = *found;
    *found = NULL;
  }
}

void turn_keep_values(Turn *t) {
  for (size_t k = t->s->n; k-- > 0 && t->fresh.n;) {
    Entry *e = &t->s->entry[k];
    if (e->key[0] == 'v' && !e->known) take_values(t, e);
  }
  turn_drop_values(t);
}

const Known *turn_value(Turn *t, const char *name) {
  Known **found = fresh_find(t, name);
  return found ? *found : NULL;
}
