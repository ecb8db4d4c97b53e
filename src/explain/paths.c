/* paths.c - the paths from a variable to a result, counted and never listed one by one.
 *
 * Dynamic programming over the graph: each value has, for each sequence of controls that
 * some path to it has met, the number of such paths.  Sequences are nodes of a trie, so a
 * step is constant work.  The gradient comes from the result, so of a path that is cut only
 * the last cut is told.  Controls in a fold that hands on what passed them are a set: how
 * often and in which order they are met depends on the trips.  Above MANY sequences at one
 * value the rest are counted together. */
#include "explain/explain.h"

#include <string.h>

#define uthash_malloc(size) arena_alloc(c, (size))
#define uthash_free(p, size) ((void)(p))
#define uthash_fatal(message) internal_error(c, "%s", message)
#include <uthash.h>

enum { MANY = 12, ROUNDS = 8 };

typedef struct Seq {
  struct Seq *up, *child, *sibling;
  uint32_t control;       /* 0: the start */
  uint32_t depth;
  bool dead, various;
  uint32_t vertex, slot;  /* where it stands in the list of that vertex */
} Seq;

typedef struct Item { Seq *seq; double paths; } Item;
typedef struct Items { VEC(Item) at; uint32_t live, dead; } Items;

typedef struct Same {
  const char *key;
  uint32_t control;
  UT_hash_handle hh;
} Same;

typedef struct Search {
  FlowGraph *g;
  Ctx *c;
  Seq start, various, lost;  /* various: still alive; lost: dead */
  Items *items, *extra;      /* by vertex; extra: from an earlier trip of a fold */
  uint32_t *same;            /* by control: the first one that reads alike */
  bool *again;               /* by control: a fold repeats it */
  uint32_t *stamp;           /* by vertex: the last one it gave an edge to */
} Search;

/* ---- sequences ---------------------------------------------------------- */

static bool has_control(const Seq *s, uint32_t control) {
  for (; s; s = s->up)
    if (s->control == control) return true;
  return false;
}

static Seq *child(Search *w, Seq *s, uint32_t control, bool dead) {
  for (Seq *k = s->child; k; k = k->sibling)
    if (k->control == control) return k;
  Seq *k = NEW(w->c, Seq);
  *k = (Seq){.up = s, .sibling = s->child, .control = control, .depth = s->depth + 1, .dead = dead};
  s->child = k;
  return k;
}

static bool same_loop(const Control *a, const Control *b) {
  return a->loop.file && a->loop.file == b->loop.file && a->loop.start == b->loop.start;
}

/* One more control: one of a fold takes its place among the others of that fold. */
static Seq *one_more(Search *w, Seq *s, uint32_t k) {
  uint32_t after[MANY], n = 0;
  const Control *x = &w->g->controls.at[k];
  if (x->loop.file && has_control(s, k)) {
    w->again[k] = true;
    return s;
  }
  for (; n < MANY && s->control > k && same_loop(x, &w->g->controls.at[s->control]); s = s->up)
    after[n++] = s->control;
  s = child(w, s, k, false);
  while (n) s = child(w, s, after[--n], false);
  return s;
}

/* The sequence past an edge; NULL where the path is not worth telling. */
static Seq *past(Search *w, Seq *s, const FlowEdge *e) {
  if (!edge_tells(e->kind)) return s;
  if (w->g->controls.at[e->control].hidden || !e->control) return NULL;
  if (s->dead) return s;
  uint32_t k = w->same[e->control];
  if (!edge_passes(e->kind)) return child(w, &w->start, k, true);
  return s->various ? s : one_more(w, s, k);
}

/* ---- lists ---------------------------------------------------------------- */

static bool in_list(const Items *list, uint32_t v, const Seq *s) {
  return s->vertex == v && s->slot < list->at.n && list->at.at[s->slot].seq == s;
}

static void add_item(Search *w, uint32_t v, Seq *s, double paths) {
  Items *list = &w->items[v];
  uint32_t *count = s->dead ? &list->dead : &list->live;
  if (!in_list(list, v, s) && *count >= MANY && s->up) s = s->dead ? &w->lost : &w->various;
  if (in_list(list, v, s)) {
    double *sum = &list->at.at[s->slot].paths;
    *sum = *sum + paths < PATHS_MOST ? *sum + paths : PATHS_MOST;
    return;
  }
  s->vertex = v;
  s->slot = list->at.n;
  Item item = {s, paths};
  VEC_PUSH(w->c, &list->at, item);
  ++*count;
}

static void take_edge(Search *w, uint32_t v, const FlowEdge *e) {
  if (e->back || w->stamp[e->from] == v) return;
  w->stamp[e->from] = v;
  const Items *from = &w->items[e->from];
  for (uint32_t i = 0; i < from->at.n; i++) {
    Seq *s = past(w, from->at.at[i].seq, e);
    if (s) add_item(w, v, s, from->at.at[i].paths);
  }
}

static void one_round(Search *w, uint32_t variable) {
  FlowGraph *g = w->g;
  memset(w->stamp, 0, g->nvertices * sizeof *w->stamp);
  for (uint32_t i = 0; i < g->order.n; i++) {
    uint32_t v = g->order.at[i];
    const Vertex *x = &g->vertex[v];
    Items *list = &w->items[v];
    list->at.n = list->live = list->dead = 0;
    if (v == variable) add_item(w, v, &w->start, 1);
    if (!x->depends || !x->used || v == variable) continue;
    for (uint32_t k = 0; k < w->extra[v].at.n; k++)
      add_item(w, v, w->extra[v].at.at[k].seq, w->extra[v].at.at[k].paths);
    for (uint32_t k = x->first; k < x->first + x->n; k++) take_edge(w, v, &g->edges.at[k]);
  }
}

static bool known(const Items *list, const Seq *s) {
  for (uint32_t i = 0; i < list->at.n; i++)
    if (list->at.at[i].seq == s) return true;
  return false;
}

/* What one trip of a fold hands to the next and no path had before. */
static bool hand_on(Search *w) {
  bool more = false;
  for (uint32_t k = 0; k < w->g->edges.n; k++) {
    const FlowEdge *e = &w->g->edges.at[k];
    if (!e->back) continue;
    const Items *from = &w->items[e->from], *to = &w->items[e->to];
    for (uint32_t i = 0; i < from->at.n; i++) {
      Seq *s = from->at.at[i].seq;
      if (known(to, s) || to->at.n > MANY) continue;
      VEC_PUSH(w->c, &w->extra[e->to].at, from->at.at[i]);
      more = true;
    }
  }
  return more;
}

/* ---- groups ----------------------------------------------------------------- */

static PathGroup group_of(Search *w, const Item *item) {
  const Seq *s = item->seq;
  uint32_t *control = NEWN(w->c, uint32_t, s->depth), n = s->depth;
  bool *again = NEWN(w->c, bool, s->depth);
  for (; s->up; s = s->up) {
    control[--n] = s->control;
    again[n] = w->again[s->control];
  }
  s = item->seq;
  return (PathGroup){item->paths, s->depth, control, again, !s->dead, s->various};
}

/* Controls that read alike, at one place, are one. */
static void find_same(Search *w) {
  Ctx *c = w->c;
  Same *table = NULL;
  w->same = NEWN(c, uint32_t, w->g->controls.n);
  for (uint32_t k = 1; k < w->g->controls.n; k++) {
    const Control *x = &w->g->controls.at[k];
    const char *key = str_printf(c, "%d:%u:%u:%u:%s:%s", (int)x->kind, x->at.file, x->at.start,
                                 x->at.end, x->what ? x->what : "", x->factor ? x->factor : "");
    size_t size = strlen(key);
    Same *s;
    HASH_FIND(hh, table, key, size, s);
    if (!s) {
      s = NEW(c, Same);
      s->key = key;
      s->control = k;
      HASH_ADD_KEYPTR(hh, table, s->key, size, s);
    }
    w->same[k] = s->control;
  }
}

/* The lists are kept from one search to the next. */
static Search *open_search(FlowGraph *g) {
  Ctx *c = g->p->ctx;
  Search *w = g->search;
  if (!w) {
    w = g->search = NEW(c, Search);
    *w = (Search){.g = g, .c = c};
    w->items = NEWN(c, Items, g->nvertices);
    w->extra = NEWN(c, Items, g->nvertices);
    w->again = NEWN(c, bool, g->controls.n);
    w->stamp = NEWN(c, uint32_t, g->nvertices);
    find_same(w);
  }
  memset(w->again, 0, g->controls.n * sizeof *w->again);
  for (uint32_t v = 0; v < g->nvertices; v++) w->extra[v].at.n = 0;
  w->start = (Seq){0};
  w->various = (Seq){.various = true};
  w->lost = (Seq){.various = true, .dead = true};
  return w;
}

Paths paths_find(FlowGraph *g, const Variable *x, const Target *y) {
  Paths found = {0};
  if (!y->vertex) return found;
  Search *w = open_search(g);
  flow_reach(g, x);
  one_round(w, x->vertex);
  for (int k = 0; k < ROUNDS && hand_on(w); k++) one_round(w, x->vertex);
  for (int dead = 0; dead < 2; dead++) /* what passes comes first */
    for (uint32_t i = 0; i < w->items[y->vertex].at.n; i++) {
      const Item *item = &w->items[y->vertex].at.at[i];
      if (item->seq->dead != (dead == 1)) continue;
      PathGroup group = group_of(w, item);
      VEC_PUSH(w->c, &found.groups, group);
    }
  return found;
}

/* ---- effects ------------------------------------------------------------------ */

static void add_step(Buf *b, const char *text) {
  if (b->n) buf_puts(b, ", then ");
  buf_puts(b, text);
}

/* Powers k, l, … of factors that a fold repeats. */
const char *path_effect(const FlowGraph *g, const PathGroup *group) {
  Ctx *c = g->p->ctx;
  if (!group->passes) return "none";
  if (group->various) return "various";
  Buf b;
  buf_init(&b, c);
  bool product = false;
  char times = 'k';
  for (uint32_t i = group->n; i-- > 0;) { /* the gradient comes from the result */
    const Control *k = &g->controls.at[group->control[i]];
    if (k->factor) {
      if (product) buf_puts(&b, "*");
      else add_step(&b, "× ");
      buf_puts(&b, k->factor);
      if (group->again[i]) buf_printf(&b, "^%c", times < 'z' ? times++ : 'z');
      product = true;
      continue;
    }
    if (k->kind == EDGE_STRAIGHT) continue;
    product = false;
    add_step(&b, k->kind == EDGE_CLIP ? str_printf(c, "clipped %s", k->detail) : k->what);
  }
  return b.n ? intern_z(c, buf_text(&b)) : "× 1";
}
