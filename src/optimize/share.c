/* share.c - see share.h. */
#include "optimize/share.h"

static void add(Costly *c, uint32_t hash) {
  if (c->n == MAX_COSTLY) return;
  c->bits |= UINT64_C(1) << hash % 64;
  c->hash[c->n++] = hash;
}

static bool is_costly(const Prog *p, const Node *n) {
  if (n->op == IR_PRIM) {
    bool square = n->aux.i == P_POW && ir_node(p, n->arg[1])->op == IR_CONST;
    return n->type->elem == ELEM_REAL && !pass_cheap((uint32_t)n->aux.i) && !square;
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
