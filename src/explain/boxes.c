/* boxes.c - which values one box of a picture stands for.
 *
 * A picture of few values has a box for each.  One of many is drawn by function and source
 * line: calls deeper than a level are one box each, and what one line of a function gives
 * in a row is one box; the level is the deepest that leaves the picture legible, and below
 * level 0 several lines share a box.  Controls always have boxes of their own; a loop,
 * fold or if has one unless a control stands in it.  Each box stands for values made one
 * after the other, so that boxes make no cycle but around a control. */
#include "explain/explain.h"

#include <limits.h>
#include <string.h>

#define uthash_malloc(size) arena_alloc(c, (size))
#define uthash_free(p, size) ((void)(p))
#define uthash_fatal(message) internal_error(c, "%s", message)
#include <uthash.h>

enum {
  EACH = INT_MAX, /* the level at which each value has a box */
  TITLE = 28,     /* characters of source in a title */
  WIDE = 40,      /* in a cluster's */
};

typedef struct ClusterKey { const void *call; uint32_t region; } ClusterKey;
typedef struct ClusterEntry { ClusterKey key; uint32_t cluster; UT_hash_handle hh; } ClusterEntry;
typedef struct EdgeKey { uint32_t from, to; } EdgeKey;
typedef struct EdgeEntry { EdgeKey key; uint32_t edge; UT_hash_handle hh; } EdgeEntry;
typedef struct PrefixEntry { const char *name; uint32_t box; UT_hash_handle hh; } PrefixEntry;

/* What values drawn in one box have in common. */
typedef struct Key { const void *what; uint32_t file, line, region; } Key;

typedef struct Draw {
  FlowGraph *g;
  Prog *p;
  Ctx *c;
  Boxes *b;
  int level;
  bool *alive;            /* by vertex: a parameter that is no size reaches it */
  bool *open;             /* by node: a structured one that holds a control */
  uint32_t *box;          /* by vertex */
  VEC(uint32_t) members;  /* by box: values in it */
  Key last;
  ClusterEntry *clusters;
  EdgeEntry *edges;
  PrefixEntry *prefixes;
} Draw;

/* ---- what is drawn ---------------------------------------------------------- */

static void find_alive(Draw *w) {
  const Sig *s = &w->p->sig;
  w->alive = NEWN(w->c, bool, w->g->nvertices);
  for (uint32_t k = 0; k < s->params.n; k++)
    w->alive[s->params.at[k].ref] = !s->params.at[k].is_size;
  for (uint32_t i = 0; i < w->g->order.n; i++) {
    uint32_t v = w->g->order.at[i];
    const Vertex *x = &w->g->vertex[v];
    for (uint32_t k = x->first; k < x->first + x->n; k++)
      w->alive[v] |= w->alive[w->g->edges.at[k].from];
    w->alive[v] &= x->used;
  }
}

static bool is_control(const Draw *w, const FlowEdge *e) {
  return e->kind != EDGE_FLOW && e->kind != EDGE_FLAT && e->kind != EDGE_CUT &&
         !w->g->controls.at[e->control].hidden;
}

static void find_open(Draw *w) {
  w->open = NEWN(w->c, bool, w->p->nnodes);
  for (uint32_t k = 0; k < w->g->edges.n; k++) {
    const FlowEdge *e = &w->g->edges.at[k];
    if (!is_control(w, e) || !w->alive[e->from] || !w->g->vertex[e->to].used) continue;
    const Region *r = w->p->regions.at[ir_node(w->p, e->node)->region];
    for (; r->owner && !w->open[r->owner]; r = r->parent) w->open[r->owner] = true;
  }
}

/* The outermost structured node around that is drawn as one, or 0; *region: the region
 * in which it, or the node itself, is drawn. */
static Ref closed_around(const Draw *w, Ref node, uint32_t *region) {
  const Region *r = w->p->regions.at[ir_node(w->p, node)->region];
  Ref closed = 0;
  *region = r->id;
  for (; r->owner; r = r->parent)
    if (!w->open[r->owner]) {
      closed = r->owner;
      *region = r->parent->id;
    }
  return closed;
}

static const CallSite *outermost_prelude(const Node *n) {
  const CallSite *found = NULL;
  for (const CallSite *s = n->call; s; s = s->up)
    if (s->prelude) found = s;
  return found;
}

/* The control that vertex v is, or 0. */
static uint32_t vertex_control(const Draw *w, uint32_t v) {
  const Vertex *x = &w->g->vertex[v];
  for (uint32_t k = x->first; k < x->first + x->n; k++)
    if (is_control(w, &w->g->edges.at[k]) && w->g->edges.at[k].node == x->node)
      return w->g->edges.at[k].control;
  return 0;
}

/* A value that is drawn as the one that it stands for: 0, or that one. */
static uint32_t stands_for(const Draw *w, uint32_t v) {
  const Vertex *x = &w->g->vertex[v];
  if (v >= w->p->nnodes) return 0;
  const Node *n = ir_node(w->p, x->node);
  bool plain = n->op == IR_VAR || n->op == IR_TIE || n->op == IR_PROJ;
  bool factor = n->op == IR_STOP && x->n && w->g->edges.at[x->first].kind == EDGE_FLOW;
  if ((!plain && !factor) || !x->n) return 0;
  uint32_t from = w->g->edges.at[x->first].from;
  if (!factor || from >= w->p->nnodes) return from;
  const Node *f = ir_node(w->p, from);
  return f->op == IR_PRIM && f->aux.i == P_NEG ? f->arg[0] : from;
}

/* ---- clusters --------------------------------------------------------------- */

static uint32_t calls_deep(const CallSite *s) {
  uint32_t n = 0;
  for (; s; s = s->up) n++;
  return n;
}

static uint32_t cluster_of(Draw *w, uint32_t region, const CallSite *call);

static uint32_t new_cluster(Draw *w, const char *title, Span at, uint32_t up) {
  Cluster k = {.title = title, .up = up, .at = at};
  VEC_PUSH(w->c, &w->b->clusters, k);
  return w->b->clusters.n - 1;
}

static uint32_t make_cluster(Draw *w, uint32_t region, const CallSite *call, bool of_region) {
  const Region *r = w->p->regions.at[region];
  if (of_region) {
    const Node *n = ir_node(w->p, r->owner);
    const char *text = label_source(w->c, n->pos, WIDE);
    const char *title = n->op == IR_IF ? (r == n->regions[0] ? "then" : "else")
                                       : text ? text : label_operator(w->p, r->owner);
    return new_cluster(w, title, n->pos, cluster_of(w, r->parent->id, n->call));
  }
  const char *text = label_source(w->c, call->at, WIDE);
  uint32_t up = cluster_of(w, region, call->up);
  uint32_t k = new_cluster(w, text ? text : call->function, call->at, up);
  w->b->clusters.at[k].call = true;
  return k;
}

static uint32_t cluster_of(Draw *w, uint32_t region, const CallSite *call) {
  Ctx *c = w->c;
  const Region *r = w->p->regions.at[region];
  const CallSite *outer = r->owner ? ir_node(w->p, r->owner)->call : NULL;
  uint32_t most = w->level < 0 ? 0 : (uint32_t)w->level;
  while (call && w->level != EACH && calls_deep(call) > most) call = call->up;
  bool of_region = !call || call == outer;
  if (of_region && !r->owner) return 0;
  ClusterEntry *e = NULL, key;
  memset(&key, 0, sizeof key);
  key.key.call = of_region ? NULL : call;
  key.key.region = region;
  HASH_FIND(hh, w->clusters, &key.key, sizeof key.key, e);
  if (e) return e->cluster;
  e = NEW(c, ClusterEntry);
  memcpy(&e->key, &key.key, sizeof key.key);
  e->cluster = make_cluster(w, region, call, of_region);
  HASH_ADD(hh, w->clusters, key, sizeof e->key, e);
  return e->cluster;
}

/* A box that is all of a call has the call's text beside its own; first that of the
 * innermost call. */
static void take_call_name(Box *x, const char *call) {
  if (x->called || !call) return;
  x->called = true;
  if (x->many) {
    x->subtitle = x->title;
    x->title = call;
  } else {
    x->subtitle = call;
  }
}

/* Clusters of one box are not drawn. */
static void drop_small_clusters(Draw *w) {
  Boxes *b = w->b;
  uint32_t *n = NEWN(w->c, uint32_t, b->clusters.n);
  for (uint32_t k = 1; k < b->boxes.n; k++)
    for (uint32_t i = b->boxes.at[k].cluster; i; i = b->clusters.at[i].up) n[i]++;
  for (uint32_t k = 1; k < b->boxes.n; k++) {
    Box *x = &b->boxes.at[k];
    while (x->cluster && n[x->cluster] < 2) {
      if (x->control == EDGE_FLOW && b->clusters.at[x->cluster].call)
        take_call_name(x, b->clusters.at[x->cluster].title);
      x->cluster = b->clusters.at[x->cluster].up;
    }
  }
  for (uint32_t i = 1; i < b->clusters.n; i++) {
    b->clusters.at[i].drawn = n[i] >= 2;
    while (b->clusters.at[i].up && n[b->clusters.at[i].up] == n[i])
      b->clusters.at[i].up = b->clusters.at[b->clusters.at[i].up].up;
  }
}

/* ---- titles ------------------------------------------------------------------- */

static void control_title(Draw *w, Box *x, uint32_t control) {
  const Control *k = &w->g->controls.at[control];
  x->control = k->kind;
  x->control_number = control;
  const char *text = label_source(w->c, k->at, 30), *more = label_source(w->c, k->at, 31);
  bool call = text && text == more && strchr(text, '(');
  if (k->kind == EDGE_STOP) x->title = k->what;
  else x->title = call ? text : k->kind == EDGE_RULE ? k->detail : k->what;
  if (k->kind == EDGE_STOP && call) {
    const char *inside = strchr(text, '(') + 1;
    x->subtitle = intern(w->c, inside, strlen(inside) - (inside[strlen(inside) - 1] == ')'));
  } else if (k->kind == EDGE_CLIP) x->subtitle = k->detail;
  else if (k->kind == EDGE_RULE) x->subtitle = "a rule of its own";
  else if (!call) x->subtitle = text;
}

/* The only real primitive in a closed loop, or 0: the loop is that, element by element. */
static Ref lone_prim(const Draw *w, Ref loop) {
  const Node *n = ir_node(w->p, loop);
  if (n->op != IR_LOOP || n->nresults != 1 || n->aux.loop->comb[0] != BUILD) return 0;
  const Region *r = n->regions[0];
  Ref found = 0;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    const Node *m = ir_node(w->p, r->nodes.at[k]);
    if (m->nregions || (m->op == IR_PRIM && found)) return 0;
    if (m->op == IR_PRIM && m->type->elem == ELEM_REAL) found = r->nodes.at[k];
  }
  return found;
}

static bool is_word(const char *s) {
  return (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
}

static void node_title(Draw *w, Box *x, Ref node) {
  const Node *n = ir_node(w->p, node);
  Ref lone = lone_prim(w, node);
  const char *op = label_operator(w->p, lone ? lone : node);
  const char *text = label_source(w->c, n->pos, TITLE), *brief = label_source(w->c, n->pos, 18);
  bool fits = text && text == brief;
  bool sign = !is_word(op) && strcmp(op, "^") != 0;
  if (n->op == IR_READ) {
    x->title = label_operand(w->p, node);
    x->subtitle = n->name;
    return;
  }
  x->title = n->op == IR_PARAM ? op : fits && !sign ? text : op;
  x->subtitle = n->op == IR_PARAM || (fits && !sign) ? n->name : n->name ? n->name : text;
  if (x->subtitle && !strcmp(x->subtitle, x->title)) x->subtitle = NULL;
}

/* ---- boxes ---------------------------------------------------------------------- */

static uint32_t new_box(Draw *w, Box x) {
  VEC_PUSH(w->c, &w->b->boxes, x);
  VEC_PUSH(w->c, &w->members, 0);
  return w->b->boxes.n - 1;
}

static Span param_place(const Draw *w, Ref param) {
  const Sig *s = &w->p->sig;
  for (uint32_t k = 0; k < s->params.n; k++)
    if (s->params.at[k].ref == param) return s->params.at[k].pos;
  return (Span){0};
}

/* A parameter's fields share a box where the picture is large. */
static uint32_t param_box(Draw *w, uint32_t v) {
  Ctx *c = w->c;
  const Node *n = ir_node(w->p, w->g->vertex[v].node);
  const char *dot = w->level == EACH ? NULL : strrchr(n->name, '.');
  const char *name = dot ? intern(c, n->name, (size_t)(dot - n->name)) : n->name;
  PrefixEntry *e = NULL;
  HASH_FIND(hh, w->prefixes, name, strlen(name), e);
  if (e) {
    const char *old = w->b->boxes.at[e->box].subtitle;
    if (old && dot)
      w->b->boxes.at[e->box].subtitle = str_printf(c, "%s, %s", old, dot + 1);
    return e->box;
  }
  e = NEW(c, PrefixEntry);
  e->name = name;
  e->box = new_box(w, (Box){.title = name, .subtitle = dot ? dot + 1 : NULL, .parameter = true,
                            .at = param_place(w, w->g->vertex[v].node)});
  HASH_ADD_KEYPTR(hh, w->prefixes, e->name, strlen(name), e);
  return e->box;
}

/* The line of the function drawn in which a node was made, calls seen from outside. */
static uint32_t outer_line(const Draw *w, const Node *n) {
  Span at = n->pos;
  for (const CallSite *s = n->call; s; s = s->up) at = s->at;
  uint32_t line = 0, column;
  if (at.file) source_where(w->c, at, &line, &column);
  return line;
}

static Key key_of(const Draw *w, const Node *n, Ref drawn, uint32_t region) {
  const CallSite *prelude = outermost_prelude(n);
  if (prelude && w->level >= 0) return (Key){.what = prelude, .region = region};
  if (w->level == EACH) return (Key){.what = ir_node(w->p, drawn), .region = region};
  const CallSite *call = n->call;
  uint32_t deep = calls_deep(call);
  if (w->level < 0) return (Key){.file = n->pos.file, .line = outer_line(w, n) >> -w->level,
                                 .region = region};
  if (deep > (uint32_t)w->level) {
    for (; deep > (uint32_t)w->level + 1; deep--) call = call->up;
    return (Key){.what = call, .region = region};
  }
  uint32_t line = 0, column;
  if (n->pos.file) source_where(w->c, n->pos, &line, &column);
  return (Key){.what = call, .file = n->pos.file, .line = line, .region = region};
}

static bool same_key(const Key *a, const Key *b) {
  return a->what == b->what && a->file == b->file && a->line == b->line && a->region == b->region;
}

/* The title of a box to which values are added one by one: of its call, or its last value. */
static void run_title(Draw *w, uint32_t box, const Node *n, Ref drawn) {
  Box *x = &w->b->boxes.at[box];
  const CallSite *call = outermost_prelude(n);
  if (w->level < 0) {
    uint32_t line = outer_line(w, n);
    x->at = n->pos;
    x->many = true;
    if (!x->first_line) x->first_line = line;
    x->title = x->first_line == line ? str_printf(w->c, "line %u", line)
                                     : str_printf(w->c, "lines %u … %u", x->first_line, line);
    return;
  }
  if (!call && w->level != EACH && calls_deep(n->call) > (uint32_t)w->level)
    for (call = n->call; calls_deep(call) > (uint32_t)w->level + 1;) call = call->up;
  if (call && call->prelude) {
    x->title = x->builtin = call->function;
    x->subtitle = label_source(w->c, call->at, TITLE);
    x->at = call->at;
    return;
  }
  if (call) {
    x->many = true;
    x->title = label_source(w->c, call->at, TITLE);
    x->at = call->at;
    if (!x->title) x->title = call->function ? call->function : "call";
    return;
  }
  x->at = n->pos;
  if (w->members.at[box] == 1) node_title(w, x, drawn);
  else {
    x->many = true;
    const char *text = label_source(w->c, n->pos, TITLE);
    x->title = n->name ? n->name : text ? text : label_operator(w->p, drawn);
    x->subtitle = n->name ? text : NULL;
  }
}

static uint32_t run_box(Draw *w, uint32_t v, Ref drawn, uint32_t region) {
  const Node *n = ir_node(w->p, drawn);
  Key key = key_of(w, n, drawn, region);
  uint32_t box = w->b->boxes.n - 1;
  if (!same_key(&key, &w->last) || box == 0) {
    const CallSite *prelude = outermost_prelude(n);
    box = new_box(w, (Box){.cluster = cluster_of(w, region, prelude ? prelude->up : n->call)});
  }
  w->last = key;
  w->members.at[box] += v >= w->p->nnodes || drawn == w->g->vertex[v].node;
  run_title(w, box, n, drawn);
  return box;
}

static void place_vertex(Draw *w, uint32_t v) {
  const Vertex *x = &w->g->vertex[v];
  const Node *n = ir_node(w->p, x->node);
  uint32_t region, other = stands_for(w, v);
  Ref closed = closed_around(w, x->node, &region);
  if (n->op == IR_PARAM && n->region == w->p->root->id) {
    w->box[v] = param_box(w, v);
    w->last = (Key){0};
    return;
  }
  if (other) {
    w->box[v] = w->box[other];
    return;
  }
  uint32_t control = closed ? 0 : vertex_control(w, v);
  if (control) {
    Box box = {.cluster = cluster_of(w, region, n->call), .at = n->pos};
    if (w->g->controls.at[control].kind == EDGE_CLIP)
      box.cluster = cluster_of(w, region, outermost_prelude(n)->up);
    control_title(w, &box, control);
    w->box[v] = new_box(w, box);
    w->last = (Key){0};
    return;
  }
  w->box[v] = run_box(w, v, closed ? closed : x->node, region);
}

static void mark_box(Draw *w, uint32_t v) {
  const Vertex *x = &w->g->vertex[v];
  Box *b = &w->b->boxes.at[w->box[v]];
  b->forward |= x->forward;
  b->backward |= x->backward;
}

static void place_vertices(Draw *w) {
  Box none = {0};
  Cluster nowhere = {0};
  VEC_PUSH(w->c, &w->b->boxes, none);
  VEC_PUSH(w->c, &w->members, 0);
  VEC_PUSH(w->c, &w->b->clusters, nowhere);
  w->box = NEWN(w->c, uint32_t, w->g->nvertices);
  for (uint32_t i = 0; i < w->g->order.n; i++) {
    uint32_t v = w->g->order.at[i];
    if (!w->alive[v]) continue;
    place_vertex(w, v);
    mark_box(w, v);
  }
  for (uint32_t k = 0; k < w->g->variables.n; k++) {
    uint32_t v = w->box[w->g->variables.at[k].vertex];
    w->b->boxes.at[v].variable = true;
  }
}

/* ---- edges ------------------------------------------------------------------------ */

static BoxEdge *box_edge(Draw *w, uint32_t from, uint32_t to) {
  Ctx *c = w->c;
  EdgeEntry *e = NULL;
  EdgeKey key = {from, to};
  HASH_FIND(hh, w->edges, &key, sizeof key, e);
  if (!e) {
    e = NEW(c, EdgeEntry);
    e->key = key;
    e->edge = w->b->edges.n;
    BoxEdge fresh = {.from = from, .to = to, .kind = EDGE_KINDS};
    VEC_PUSH(c, &w->b->edges, fresh);
    HASH_ADD(hh, w->edges, key, sizeof e->key, e);
  }
  return &w->b->edges.at[e->edge];
}

/* Of several edges between two boxes the one drawn is one that passes a gradient, by
 * choice one with a control; else a stopped one. */
static uint32_t rank(bool gradient, EdgeKind kind) {
  if (kind == EDGE_KINDS) return 0;
  if (gradient) return kind == EDGE_FLAT ? 4 : kind == EDGE_FLOW ? 5 : 6;
  return kind == EDGE_STOP ? 3 : kind == EDGE_CUT ? 1 : 2;
}

static void add_edge(Draw *w, const FlowEdge *e) {
  const Vertex *u = &w->g->vertex[e->from], *v = &w->g->vertex[e->to];
  uint32_t from = w->box[e->from], to = w->box[e->to], over = stands_for(w, e->from);
  if (over) from = w->box[over];
  if (!from || !to || from == to || !v->used) return;
  if (w->g->controls.at[e->control].hidden && e->kind != EDGE_FLOW) return;
  if (stands_for(w, e->to)) return;
  BoxEdge *x = box_edge(w, from, to);
  bool gradient = edge_passes(e->kind) && u->forward && v->backward;
  x->depends |= u->depends;
  if (rank(gradient, e->kind) <= rank(x->gradient, x->kind)) return;
  x->gradient = gradient;
  x->kind = e->kind;
  x->control = e->control;
  x->partial = label_partial(w->g, e);
}

/* The partial derivatives that an edge begins with. */
typedef struct Firsts { const char *text[3]; uint32_t n; } Firsts;

static void add_first(Firsts *f, const char *text) {
  for (uint32_t k = 0; k < f->n && k < 3; k++)
    if (f->text[k] == text) return;
  if (f->n < 3) f->text[f->n] = text;
  f->n++;
}

/* Does the value take part in the chain rule, rather than only pass an element on? */
static bool computes(const Draw *w, uint32_t v) {
  const Node *n = ir_node(w->p, w->g->vertex[v].node);
  if (n->op == IR_PRIM)
    return n->type->elem == ELEM_REAL && prim_get((uint32_t)n->aux.i)->d[0] &&
           strcmp(prim_get((uint32_t)n->aux.i)->d[0], "0") != 0;
  if (n->op == IR_LOOP) {
    Combiner comb = n->aux.loop->comb[w->g->vertex[v].result];
    return comb == PROD || comb == MAX || comb == MIN;
  }
  return n->op == IR_CUSTOM;
}

static void set_partial(Draw *w, BoxEdge *e, Firsts *f, uint32_t computing) {
  const Box *to = &w->b->boxes.at[e->to];
  if (e->kind != EDGE_FLOW) return;
  if (to->builtin) e->partial = str_printf(w->c, "the derivative of %s", to->builtin);
  else if (f->n == 0) e->partial = computing ? "the product of all steps" : "1";
  else
    e->partial = str_printf(w->c, "%s%s%s%s%s%s%s",
                            computing < 2 ? "" : "a product of steps, the first ", f->text[0],
                            f->n > 1 ? " or " : "", f->n > 1 ? f->text[1] : "",
                            f->n > 2 ? " or " : "", f->n > 2 ? f->text[2] : "",
                            f->n > 3 ? " or others" : "");
}

/* The first step from the box that a value was read from: by an element of an array, too. */
static void first_steps(Draw *w, uint32_t v, uint32_t *origin, Firsts *firsts) {
  const Vertex *x = &w->g->vertex[v];
  for (uint32_t k = x->first; k < x->first + x->n; k++) {
    const FlowEdge *e = &w->g->edges.at[k];
    uint32_t over = stands_for(w, e->from), at = w->box[over ? over : e->from];
    if (e->kind != EDGE_FLOW || !at || stands_for(w, v)) continue;
    uint32_t from = at != w->box[v] ? at : origin[over ? over : e->from];
    if (!from) continue;
    const Node *n = ir_node(w->p, e->node);
    if (!computes(w, v)) origin[v] = from;
    else if (n->op == IR_PRIM)
      add_first(&firsts[box_edge(w, from, w->box[v]) - w->b->edges.at], label_partial(w->g, e));
  }
}

static void name_partials(Draw *w) {
  uint32_t *origin = NEWN(w->c, uint32_t, w->g->nvertices);
  uint32_t *computing = NEWN(w->c, uint32_t, w->b->boxes.n);
  Firsts *firsts = NEWN(w->c, Firsts, w->g->edges.n + 1);
  for (uint32_t i = 0; i < w->g->order.n; i++) {
    uint32_t v = w->g->order.at[i];
    if (!w->box[v] || !w->g->vertex[v].forward) continue;
    const Node *n = ir_node(w->p, w->g->vertex[v].node);
    computing[w->box[v]] += computes(w, v) && !(n->op == IR_PRIM && n->aux.i == P_ADD);
    first_steps(w, v, origin, firsts);
  }
  for (uint32_t k = 0; k < w->b->edges.n; k++)
    set_partial(w, &w->b->edges.at[k], &firsts[k], computing[w->b->edges.at[k].to]);
}

/* Results share a box, as parameters do, where there are many. */
static uint32_t result_box(Draw *w, const Target *t) {
  enum { FEW = 4 };
  bool many = w->level != EACH && w->g->targets.n > FEW;
  const char *last = many ? strrchr(t->name, '_') : NULL;
  const char *name = last ? intern(w->c, t->name, (size_t)(last - t->name)) : t->name;
  Box *before = &w->b->boxes.at[w->b->boxes.n - 1];
  if (last && before->result && before->title == name) {
    before->subtitle = str_printf(w->c, "%s, %s", before->subtitle, last + 1);
    return w->b->boxes.n - 1;
  }
  return new_box(w, (Box){.title = name, .subtitle = last ? last + 1 : NULL, .result = true,
                          .at = ir_node(w->p, w->g->vertex[t->vertex].node)->pos});
}

static void add_results(Draw *w) {
  for (uint32_t k = 0; k < w->g->targets.n; k++) {
    const Target *t = &w->g->targets.at[k];
    if (!t->vertex || !w->alive[t->vertex]) continue;
    const Vertex *v = &w->g->vertex[t->vertex];
    uint32_t box = result_box(w, t);
    w->b->boxes.at[box].forward |= v->forward;
    w->b->boxes.at[box].backward = true;
    BoxEdge *e = box_edge(w, w->box[t->vertex], box);
    e->kind = EDGE_FLOW;
    e->gradient |= v->forward;
    e->depends |= v->depends;
    e->partial = "1";
  }
}

/* Boxes from which no edge leads to a result are not drawn. */
static void drop_unused(Draw *w) {
  Boxes *b = w->b;
  bool *keep = NEWN(w->c, bool, b->boxes.n);
  uint32_t *number = NEWN(w->c, uint32_t, b->boxes.n), n = 1;
  for (uint32_t k = 1; k < b->boxes.n; k++)
    keep[k] = b->boxes.at[k].result || b->boxes.at[k].variable;
  for (bool again = true; again;) {
    again = false;
    for (uint32_t k = b->edges.n; k-- > 0;) {
      const BoxEdge *e = &b->edges.at[k];
      if (!keep[e->to] || keep[e->from]) continue;
      keep[e->from] = again = true;
    }
  }
  for (uint32_t k = 1; k < b->boxes.n; k++)
    if (keep[k]) {
      number[k] = n;
      b->boxes.at[n++] = b->boxes.at[k];
    }
  b->boxes.n = n;
  uint32_t m = 0;
  for (uint32_t k = 0; k < b->edges.n; k++) {
    BoxEdge e = b->edges.at[k];
    if (!keep[e.from] || !keep[e.to] || e.kind == EDGE_KINDS) continue;
    e.from = number[e.from];
    e.to = number[e.to];
    b->edges.at[m++] = e;
  }
  b->edges.n = m;
}

/* ---- the whole ---------------------------------------------------------------------- */

static Boxes *at_level(const Draw *start, int level) {
  Draw w = *start;
  w.level = level;
  w.b = NEW(w.c, Boxes);
  place_vertices(&w);
  for (uint32_t k = 0; k < w.g->edges.n; k++) add_edge(&w, &w.g->edges.at[k]);
  name_partials(&w);
  add_results(&w);
  drop_unused(&w);
  drop_small_clusters(&w);
  return w.b;
}

Boxes *boxes_find(FlowGraph *g) {
  Draw w = {.g = g, .p = g->p, .c = g->p->ctx};
  flow_reach(g, NULL);
  find_alive(&w);
  find_open(&w);
  uint32_t deepest = 0, drawn = 0;
  for (uint32_t i = 0; i < g->order.n; i++) {
    uint32_t v = g->order.at[i], deep = calls_deep(ir_node(g->p, g->vertex[v].node)->call);
    if (!w.alive[v]) continue;
    drawn++;
    if (deep > deepest) deepest = deep;
  }
  Boxes *b = drawn <= 20 * BOXES_MOST ? at_level(&w, EACH) : NULL;
  for (int level = (int)deepest; (!b || b->boxes.n > BOXES_MOST + 1) && level > -20; level--)
    b = at_level(&w, level);
  return b;
}
