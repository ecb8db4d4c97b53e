/* cancel.c - within one tree of + and -, a term inside a control that is being erased
 * cancels against an equal term outside it.
 *
 * A tree is made of + - and minus on real scalars, products with a literal, and the
 * barriers; it goes on through reads of arrays that are themselves built element by
 * element as such a sum: [A[i] + B[i] for i < n].  Terms are equal when their images in
 * the new program are one node, so f in `2*f` and in `stop_gradient(f)` is one term.
 *
 * A tree is laid out as a list of items in order of the text, each knowing where its
 * subtree ends.  Whole subtrees are matched before their parts, the nearest one first;
 * then the tree is built again without what cancelled.  A subtree in which nothing
 * cancelled is taken as it was, so the code for f in f + g - stop_gradient(g) is that
 * for f alone, to the bit.  Where nothing cancels the tree stays as written.
 *
 * Work: a shared subtree is laid out once for each tree that it is in; a budget, a
 * multiple of the program's size, bounds the sum, and trees beyond it stay as written. */
#include "optimize/cancel.h"

#include <math.h>
#include <stdlib.h>

enum { IN_TREE = 1, HAS_CONTROL = 2, USED_ELSEWHERE = 4, LIFTS = 8, TRIES = 64 };

struct Cancel {
  Prog *from;
  uint8_t *is;       /* flags of each node */
  uint64_t budget;   /* items that may still be laid out */
};

typedef struct Item {
  Ref src, ref;         /* the node, and its image (0: it has none here) */
  const Ref *index;     /* images of the subscripts at which an element of another loop is
                           seen; NULL: the node stands in this region */
  double coef, keep;    /* its factor in the whole tree; what is left of it */
  uint32_t parent, end; /* its subtree is [self, end) */
  uint32_t kid[2], nkids;
  bool inside;          /* under a control */
  bool settled;         /* matched as a whole */
  bool dead;            /* in the subtree of a settled item */
  bool broken;          /* something below it was matched */
} Item;

typedef struct Tree {
  Cancel *c;
  Rewrite *w;
  VEC(Item) items;
} Tree;

/* ---- which nodes make trees ------------------------------------------------ */

static bool real_scalar(const Node *n) {
  return n->type && !n->type->rank && !n->type->acc && n->type->elem == ELEM_REAL;
}

static bool literal(const Prog *p, Ref r, double *v) {
  return ir_node(p, r)->op == IR_CONST && ir_is_const(p, r, v) && isfinite(*v) && *v != 0;
}

/* A result of a call with a rule that only hands an argument on, as in grad_clip. */
static Ref custom_identity(const Prog *p, const Node *proj, bool *inside) {
  const Node *n = ir_node(p, proj->arg[0]);
  if (n->op != IR_CUSTOM) return 0;
  const Region *f = n->regions[0];
  for (uint32_t i = 0; i < f->params.n; i++) {
    if (f->params.at[i] != f->results.at[proj->aux.i]) continue;
    *inside = true;
    return n->arg[i];
  }
  return 0;
}

Ref cancel_under(const Prog *p, Ref r, bool *inside) {
  const Node *n = ir_node(p, r);
  switch (n->op) {
  case IR_STOP: case IR_SCALE: case IR_STRAIGHT:
    *inside = true;
    return n->arg[0];
  case IR_VAR: case IR_TIE:
    return n->arg[0];
  case IR_PROJ:
    return custom_identity(p, n, inside);
  default:
    return 0;
  }
}

/* The operands that continue a tree at this node and their factors; their number. */
static uint32_t tree_kids(const Prog *p, Ref r, Ref kid[2], double factor[2], bool *inside) {
  const Node *n = ir_node(p, r);
  if (!real_scalar(n)) return 0;
  factor[0] = factor[1] = 1;
  if ((kid[0] = cancel_under(p, r, inside))) return 1;
  if (n->op != IR_PRIM) return 0;
  kid[0] = n->arg[0];
  if (n->nargs == 2) kid[1] = n->arg[1];
  switch (n->aux.i) {
  case P_ADD: return 2;
  case P_SUB: factor[1] = -1; return 2;
  case P_NEG: factor[0] = -1; return 1;
  case P_MUL:
    if (literal(p, n->arg[1], &factor[0])) return 1;
    if (!literal(p, n->arg[0], &factor[0])) return 0;
    kid[0] = n->arg[1];
    return 1;
  default: return 0;
  }
}

/* Is this a read of one real element? */
static bool element_read(const Prog *p, const Node *n) {
  return n->op == IR_READ && real_scalar(n) && ir_type(p, n->arg[0])->rank == n->nargs - 1;
}

/* The array below all barriers, and the scalar that each of its elements is, seen from
 * inside its loop, or 0. */
static Ref element_of(const Cancel *c, Ref array, bool *inside) {
  const Prog *p = c->from;
  for (Ref under; (under = cancel_under(p, array, inside));) array = under;
  const Node *n = ir_node(p, array);
  if (n->op != IR_PROJ) return 0;
  const Node *loop = ir_node(p, n->arg[0]);
  if (loop->op != IR_LOOP || loop->aux.loop->comb[n->aux.i] != BUILD) return 0;
  const Region *r = loop->regions[0];
  Ref e = r->results.at[n->aux.i];
  if (ir_type(p, e)->rank || ir_node(p, e)->region != r->id) return 0;
  return c->is[e] & LIFTS && c->is[e] & IN_TREE ? e : 0;
}

/* Reads an outside array at exactly the loop's own indices? */
static bool reads_at_own_index(const Prog *p, const Node *n) {
  const Region *r = p->regions.at[n->region];
  if (!element_read(p, n) || r->params.n != n->nargs - 1) return false;
  if (ir_node(p, n->arg[0])->region == r->id) return false;
  for (uint32_t i = 0; i < r->params.n; i++)
    if (n->arg[i + 1] != r->params.at[i]) return false;
  return true;
}

/* Can the node, of a loop's body, be said at an index of another loop without
 * computing anything again? */
static bool lifts(const Cancel *c, Ref r, uint32_t nkids, const Ref *kid) {
  const Node *n = ir_node(c->from, r);
  const Region *body = c->from->regions.at[n->region];
  if (!body->owner || ir_node(c->from, body->owner)->op != IR_LOOP) return false;
  if (n->op == IR_CONST || reads_at_own_index(c->from, n)) return true;
  for (uint32_t i = 0; i < nkids; i++)
    if (ir_node(c->from, kid[i])->region == n->region && !(c->is[kid[i]] & LIFTS)) return false;
  return nkids > 0;
}

static void plan_node(Cancel *c, Ref r) {
  const Node *n = ir_node(c->from, r);
  Ref kid[2];
  double factor[2];
  bool control = false;
  uint32_t nkids = tree_kids(c->from, r, kid, factor, &control);
  for (uint32_t i = 0; i < nkids; i++) control |= (c->is[kid[i]] & HAS_CONTROL) != 0;
  if (nkids) c->is[r] |= IN_TREE;
  if (element_read(c->from, n)) {
    Ref e = element_of(c, n->arg[0], &control);
    if (e) c->is[r] |= IN_TREE;
    if (e && c->is[e] & HAS_CONTROL) control = true;
  }
  if (control) c->is[r] |= HAS_CONTROL;
  if (real_scalar(n) && lifts(c, r, nkids, kid)) c->is[r] |= LIFTS;
}

static void used_elsewhere(Cancel *c, const Node *n) {
  for (uint32_t i = 0; i < n->nargs; i++) c->is[n->arg[i]] |= USED_ELSEWHERE;
}

/* Marks the operands that a tree which is laid out from above does not cover.  Users
 * come after what they use, so this goes backwards. */
static void plan_uses(Cancel *c, Ref r) {
  const Prog *p = c->from;
  const Node *n = ir_node(p, r);
  Ref kid[2];
  double factor[2];
  bool inside = false;
  if (tree_kids(p, r, kid, factor, &inside)) {
    for (uint32_t i = 1; cancel_under(p, r, &inside) && i < n->nargs; i++)
      c->is[n->arg[i]] |= USED_ELSEWHERE;
    return;
  }
  bool array_step = cancel_under(p, r, &inside) || element_read(p, n);
  if (array_step) {
    if (c->is[r] & USED_ELSEWHERE) c->is[n->arg[0]] |= USED_ELSEWHERE;
    for (uint32_t i = 1; i < n->nargs; i++) c->is[n->arg[i]] |= USED_ELSEWHERE;
    return;
  }
  if (n->op == IR_PROJ) {
    Ref e = element_of(c, r, &inside);
    if (e && c->is[r] & USED_ELSEWHERE) c->is[e] |= USED_ELSEWHERE;
    return;
  }
  used_elsewhere(c, n);
}

/* Results of regions are roots of trees, but for elements that another tree covers. */
static void plan_results(Cancel *c) {
  const Prog *p = c->from;
  for (uint32_t i = 0; i < p->regions.n; i++) {
    const Region *r = p->regions.at[i];
    const Node *owner = r->owner ? ir_node(p, r->owner) : NULL;
    for (uint32_t k = 0; k < r->results.n; k++) {
      Ref e = r->results.at[k];
      bool element = owner && owner->op == IR_LOOP && owner->aux.loop->comb[k] == BUILD &&
                     ir_node(p, e)->region == r->id && c->is[e] & LIFTS && c->is[e] & IN_TREE;
      if (e && !element) c->is[e] |= USED_ELSEWHERE;
    }
  }
}

Cancel *cancel_plan(Prog *from) {
  Cancel *c = NEW(from->ctx, Cancel);
  c->from = from;
  c->is = NEWN(from->ctx, uint8_t, from->nnodes);
  c->budget = 16 * (uint64_t)from->nnodes + 4096;
  for (Ref r = 1; r < from->nnodes; r++) plan_node(c, r);
  plan_results(c);
  for (Ref r = from->nnodes; r-- > 1;) plan_uses(c, r);
  return c;
}

/* ---- laying a tree out ------------------------------------------------------- */

static Ref read_at(Tree *t, const Node *read, const Ref *index) {
  Rewrite *w = t->w;
  return ir_read(w->k.to, copy_ref(&w->k, read->arg[0]), read->nargs - 1, index,
                 (read->flags & NODE_CHECKED) != 0);
}

/* The image of an item's node at its index; 0 where it would have to be built. */
static Ref item_ref(Tree *t, const Item *it, bool root) {
  const Node *n = ir_node(t->c->from, it->src);
  if (!it->index) return root ? 0 : copy_ref(&t->w->k, it->src);
  if (n->op == IR_CONST) return ir_real(t->w->k.to, n->aux.r);
  return n->op == IR_READ ? read_at(t, n, it->index) : 0;
}

/* The subscripts of a read as they are seen from the tree's own region. */
static const Ref *images(Tree *t, const Node *read) {
  Ref *index = NEWN(t->c->from->ctx, Ref, read->nargs);
  for (uint32_t i = 1; i < read->nargs; i++) index[i - 1] = copy_ref(&t->w->k, read->arg[i]);
  return index;
}

/* What an item is made of: its kids, not yet laid out. */
static uint32_t item_kids(Tree *t, Item *it, Item kid[2]) {
  const Prog *p = t->c->from;
  const Node *n = ir_node(p, it->src);
  Ref src[2];
  double factor[2];
  uint32_t nkids = tree_kids(p, it->src, src, factor, &it->inside);
  const Ref *index = it->index;
  if (!nkids && element_read(p, n)) {
    Ref e = element_of(t->c, n->arg[0], &it->inside);
    if (!e) return 0;
    if (!index) index = images(t, n);
    kid[0] = (Item){.src = e, .index = index, .coef = it->coef, .inside = it->inside};
    return 1;
  }
  for (uint32_t i = 0; i < nkids; i++) {
    bool free_scalar = ir_node(p, src[i])->region != n->region;
    kid[i] = (Item){.src = src[i], .index = free_scalar ? NULL : index,
                    .coef = it->coef * factor[i], .inside = it->inside};
  }
  return nkids;
}

static bool lay_out(Tree *t, Ref root) {
  Ctx *ctx = t->c->from->ctx;
  VEC(Item) todo = {0};
  Item first = {.src = root, .coef = 1};
  VEC_PUSH(ctx, &todo, first);
  while (todo.n) {
    Item it = todo.at[--todo.n], kid[2];
    uint32_t self = t->items.n;
    if (!t->c->budget--) { t->c->budget = 0; return false; }
    uint32_t nkids = item_kids(t, &it, kid);
    it.ref = item_ref(t, &it, self == 0);
    it.keep = it.coef, it.end = self + 1;
    if (self) {
      Item *up = &t->items.at[it.parent];
      up->kid[up->nkids++] = self;
    }
    VEC_PUSH(ctx, &t->items, it);
    while (nkids--) {
      kid[nkids].parent = self;
      VEC_PUSH(ctx, &todo, kid[nkids]);
    }
  }
  for (uint32_t i = t->items.n; i-- > 1;) {
    Item *it = &t->items.at[i], *up = &t->items.at[it->parent];
    if (up->end < it->end) up->end = it->end;
  }
  return true;
}

/* ---- matching ------------------------------------------------------------------ */

typedef struct Key { Ref ref; uint32_t item; } Key;

static int by_ref(const void *a, const void *b) {
  const Key *x = a, *y = b;
  if (x->ref != y->ref) return x->ref < y->ref ? -1 : 1;
  return x->item < y->item ? -1 : x->item > y->item;
}

/* The items outside every control that have an image, by image. */
static Key *outside_items(Tree *t, uint32_t *n) {
  Key *keys = NEWN(t->c->from->ctx, Key, t->items.n);
  *n = 0;
  for (uint32_t i = 0; i < t->items.n; i++) {
    const Item *it = &t->items.at[i];
    if (!it->inside && it->ref) keys[(*n)++] = (Key){it->ref, i};
  }
  qsort(keys, *n, sizeof *keys, by_ref);
  return keys;
}

/* The end of the keys of one image. */
static uint32_t last_of(const Key *keys, uint32_t n, Ref ref) {
  uint32_t low = 0, high = n;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (keys[mid].ref <= ref) low = mid + 1; else high = mid;
  }
  return low;
}

static bool open_to_match(const Item *it) {
  return !it->dead && !it->broken && it->keep != 0;
}

/* The item is matched as a whole: neither its parts nor what it is part of can be. */
static void settle(Tree *t, uint32_t i) {
  Item *it = &t->items.at[i];
  if (it->settled) return;
  it->settled = true;
  for (uint32_t k = i + 1; k < it->end; k++) t->items.at[k].dead = true;
  while (i) {
    i = t->items.at[i].parent;
    if (t->items.at[i].broken) break;
    t->items.at[i].broken = true;
  }
}

static void match_pair(Tree *t, uint32_t i, uint32_t j) {
  Item *a = &t->items.at[i], *b = &t->items.at[j];
  if ((a->keep < 0) == (b->keep < 0)) return;
  double sum = a->keep + b->keep;
  bool a_stays = fabs(a->keep) > fabs(b->keep);
  a->keep = a_stays ? sum : 0;
  b->keep = a_stays ? 0 : sum;
  settle(t, i);
  settle(t, j);
}

static bool match(Tree *t) {
  uint32_t n;
  const Key *keys = outside_items(t, &n);
  for (uint32_t i = 0; i < t->items.n; i++) {
    const Item *it = &t->items.at[i];
    if (!it->inside || !it->ref) continue;
    uint32_t k = last_of(keys, n, it->ref);
    for (int tries = TRIES; tries && k && keys[k - 1].ref == it->ref; tries--) {
      k--;
      if (!open_to_match(it)) break;
      if (open_to_match(&t->items.at[keys[k].item])) match_pair(t, i, keys[k].item);
    }
  }
  return t->items.at[0].broken || t->items.at[0].settled;
}

/* ---- building what is left -------------------------------------------------------- */

typedef struct Part { double factor; Ref ref; } Part;   /* ref 0: nothing is left */

static Ref times(Prog *p, double factor, Ref r) {
  if (factor == 1) return r;
  return factor == -1 ? ir_neg(p, r) : ir_mul(p, ir_real(p, factor), r);
}

static Part join(Prog *p, Part a, Part b) {
  if (!a.ref || !b.ref) return a.ref ? a : b;
  if (a.factor == b.factor) return (Part){a.factor, ir_add(p, a.ref, b.ref)};
  if (a.factor == -b.factor) {
    if (a.factor > 0) return (Part){a.factor, ir_sub(p, a.ref, b.ref)};
    return (Part){b.factor, ir_sub(p, b.ref, a.ref)};
  }
  Ref left = times(p, a.factor, a.ref);
  Ref right = times(p, fabs(b.factor), b.ref);
  return (Part){1, b.factor > 0 ? ir_add(p, left, right) : ir_sub(p, left, right)};
}

static Ref rebuild(Tree *t) {
  Prog *p = t->w->k.to;
  Part *part = NEWN(p->ctx, Part, t->items.n);
  for (uint32_t i = t->items.n; i-- > 0;) {
    const Item *it = &t->items.at[i];
    if (it->dead) continue;
    if (it->settled && it->keep == 0) continue;
    if (it->ref && !it->broken) part[i] = (Part){it->settled ? it->keep : it->coef, it->ref};
    else if (it->nkids == 2) part[i] = join(p, part[it->kid[0]], part[it->kid[1]]);
    else part[i] = part[it->kid[0]];
  }
  return part[0].ref ? times(p, part[0].factor, part[0].ref) : ir_real(p, 0);
}

Ref cancel_tree(Cancel *c, Rewrite *w, Ref old) {
  const uint8_t root = IN_TREE | HAS_CONTROL | USED_ELSEWHERE;
  if ((c->is[old] & root) != root) return 0;
  Tree t = {.c = c, .w = w};
  if (!lay_out(&t, old) || !match(&t)) return 0;
  return rebuild(&t);
}
