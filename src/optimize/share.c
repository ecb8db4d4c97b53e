/* share.c - see share.h. */
#include "optimize/share.h"

enum {
  SHORT_TRIPS = 8,   /* a sum this short is computed again */
  SMALL = 1024,      /* elements that always have room */
  MAX_PRESENT = 64
};

/* ---- cost ------------------------------------------------------------------------------ */

bool costly_call(const Prog *p, const Node *n) {
  if (n->op != IR_PRIM || n->type->elem != ELEM_REAL || pass_cheap(p, n)) return false;
  switch (n->aux.i) {
    case P_DIV: case P_SQRT: case P_FLOOR: case P_CEIL: case P_FMOD: return false;
    case P_POW: return ir_node(p, n->arg[1])->op != IR_CONST;
    default: return true;
  }
}

bool long_loop(const Prog *p, const Node *n) {
  double trips = 1, extent;
  if (n->op == IR_FOLD || n->op == IR_WHILE) return true;
  if (n->op != IR_LOOP) return false;
  for (uint32_t k = 0; k < n->nargs; k++) {
    if (!ir_is_const(p, n->arg[k], &extent)) return true;
    trips *= extent;
  }
  return trips > SHORT_TRIPS;
}

/* ---- room ------------------------------------------------------------------------------ */

Size type_elements(Prog *p, const Type *t) {
  Size all = size_const(p, 1);
  for (uint32_t k = 0; k < t->rank; k++) all = size_mul(p, all, t->dim[k]);
  return all;
}

static void note_present(const Prog *p, Present *list, Ref r) {
  const Type *t = ir_type(p, r);
  if (!t || !t->rank || t->acc || list->n == MAX_PRESENT) return;
  for (uint32_t k = 0; k < list->n; k++)
    if (list->at[k] == t) return;
  VEC_PUSH(p->ctx, list, t);
}

Present find_present(Prog *p) {
  Present list = {0};
  const Region *root = p->root;
  for (uint32_t k = 0; k < root->params.n; k++) note_present(p, &list, root->params.at[k]);
  for (uint32_t k = 0; k < root->nodes.n; k++) note_present(p, &list, root->nodes.at[k]);
  return list;
}

static bool divides(const Mono *a, const Mono *b) {
  for (uint32_t k = 0, j = 0; k < a->n; k++) {
    while (j < b->n && b->atom[j] != a->atom[k]) j++;
    if (j == b->n || b->exp[j] < a->exp[k]) return false;
  }
  return true;
}

bool no_more_elements(Size a, Size b) {
  int64_t x, y;
  if (size_is_const(a, &x)) return !size_is_const(b, &y) || x <= y;
  for (uint32_t k = 0; k < a->n; k++) {
    bool found = false;
    for (uint32_t j = 0; j < b->n && !found; j++) found = divides(&a->mono[k], &b->mono[j]);
    if (!found) return false;
  }
  return true;
}

bool present_has_room(Prog *p, const Present *present, Size elements) {
  int64_t n;
  if (size_is_const(elements, &n) && n <= SMALL) return true;
  for (uint32_t k = 0; k < present->n; k++)
    if (no_more_elements(elements, type_elements(p, present->at[k]))) return true;
  return false;
}

/* ---- work in common -------------------------------------------------------------------- */

static void add(Costly *c, uint32_t hash) {
  if (c->n == MAX_COSTLY) return;
  c->bits |= UINT64_C(1) << hash % 64;
  c->hash[c->n++] = hash;
}

static bool is_costly(const Prog *p, const Node *n) {
  if (n->op == IR_PRIM) {
    bool square = n->aux.i == P_POW && ir_node(p, n->arg[1])->op == IR_CONST;
    return n->type->elem == ELEM_REAL && !pass_cheap(p, n) && !square;
  }
  if (n->op != IR_PROJ) return false;
  uint16_t op = ir_node(p, n->arg[0])->op;
  return op == IR_LOOP || op == IR_FOLD || op == IR_WHILE;
}

/* What a fold carries, each by its start and its step: another copy of it may keep more. */
static void add_carried(const Prog *p, const Node *fold, Costly *c) {
  const Region *body = fold->regions[0];
  uint32_t trips = ir_node(p, fold->arg[0])->hash;
  for (uint32_t k = 1; k < fold->nargs; k++) {
    uint32_t step = ir_node(p, body->results.at[k - 1])->hash;
    add(c, ((trips * 31 + ir_node(p, fold->arg[k])->hash) * 31 + step) * 31 + k);
  }
}

/* What is further in comes first: it is more often the same. */
static void gather(const Prog *p, const Node *owner, Costly *c) {
  for (uint32_t k = 0; k < owner->nregions; k++) {
    const Region *r = owner->regions[k];
    for (uint32_t j = 0; j < r->nodes.n && c->n < MAX_COSTLY; j++) {
      const Node *n = ir_node(p, r->nodes.at[j]);
      gather(p, n, c);
      if (n->op == IR_FOLD) add_carried(p, n, c);
      if (is_costly(p, n)) add(c, n->hash);
    }
  }
}

void costly_of(const Prog *p, Ref structured, Costly *c) {
  c->bits = 0;
  c->n = 0;
  gather(p, ir_node(p, structured), c);
}

bool costly_in_common(const Costly *a, const Costly *b) {
  if (!(a->bits & b->bits)) return false;
  for (uint32_t k = 0; k < a->n; k++)
    for (uint32_t j = 0; j < b->n; j++)
      if (a->hash[k] == b->hash[j]) return true;
  return false;
}

void costly_join(Costly *a, const Costly *b) {
  for (uint32_t k = 0; k < b->n; k++) add(a, b->hash[k]);
}
