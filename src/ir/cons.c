/* cons.c - hash-consing: pure nodes that are known, so that none is made twice.
 *
 * The table holds the pure nodes of the regions that are open.  When a region closes its
 * nodes leave the table: nothing outside may mention them.  So a lookup is one probe, and
 * a match counts if it lies in p->cur or around it.
 *
 * A slot is a node and its key; collisions go to the next slot, and a slot that falls free
 * is filled from those behind it.  The table goes from program to program along the passes,
 * with the room that the last one needed. */
#include "ir/private.h"

typedef struct Slot { uint32_t key; Ref ref; } Slot; /* ref 0: free */

struct ConsTable {
  Slot *slot;
  uint32_t room;        /* a power of two, or 0 */
  uint32_t n;
};

/* ---- equal nodes ----------------------------------------------------------- */

static uint64_t data_bytes(const Type *t) {
  uint64_t count = 0;
  return type_count(t, &count) ? count * 8 : 0;
}

static bool same_custom(const CustomAttr *a, const CustomAttr *b, uint32_t nargs) {
  return a == b || (a->name == b->name && a->rule.file == b->rule.file &&
                    a->rule.start == b->rule.start && a->tangent == b->tangent &&
                    a->has_value == b->has_value && a->nresults == b->nresults &&
                    memcmp(a->gives, b->gives, nargs * sizeof *a->gives) == 0);
}

bool ir_alike(const Node *a, const Node *b) {
  if (a->op != b->op || a->nargs != b->nargs || a->nregions != b->nregions) return false;
  switch ((Op)a->op) {
  case IR_PARAM: case IR_CONST: case IR_PRIM: case IR_PROJ: return a->aux.i == b->aux.i;
  case IR_DATA: return memcmp(a->aux.data, b->aux.data, data_bytes(a->type)) == 0;
  case IR_LOOP: case IR_FOLD:
    return a->aux.loop->nout == b->aux.loop->nout &&
           memcmp(a->aux.loop->comb, b->aux.loop->comb, a->aux.loop->nout * sizeof(Combiner)) == 0;
  case IR_CUSTOM: return same_custom(a->aux.custom, b->aux.custom, a->nargs);
  case IR_SCALE: return (a->flags & NODE_REVERSAL) == (b->flags & NODE_REVERSAL);
  default: return true;
  }
}

static bool same_operands(const Node *a, const Node *b) {
  if (a->nargs != b->nargs) return false;
  for (uint32_t k = 0; k < a->nargs; k++)
    if (a->arg[k] != b->arg[k]) return false;
  return true;
}

static bool swapped_operands(const Node *a, const Node *b) {
  return a->nargs == 2 && b->nargs == 2 && a->arg[0] == b->arg[1] && a->arg[1] == b->arg[0];
}

/* May the draft be taken for the known node, operands aside? */
static bool interchangeable(Prog *p, const Node *known, const Node *draft) {
  if (known->type != draft->type || (known->type == NULL && known->hash != draft->hash))
    return false;
  if (known->op == IR_DATA && draft->op != IR_DATA) return false;
  if (!ir_alike(known, draft) || !node_visible(p, known)) return false;
  for (uint32_t k = 0; k < known->nregions; k++)
    if (!region_same(p, known->regions[k], draft->regions[k])) return false;
  return true;
}

static uint32_t data_hash(const Node *n) {
  const unsigned char *bytes = n->aux.data;
  uint64_t words = data_bytes(n->type) / 8;
  uint32_t h = (uint32_t)words;
  for (uint64_t k = 0; k < words; k++) {
    uint64_t word;
    memcpy(&word, bytes + 8 * k, sizeof word);
    h = hash_mix64(h, word);
  }
  return h;
}

/* What operator, attributes, type and regions give, operands aside. */
static uint32_t own_hash(const Node *n) {
  uint32_t kind = n->type ? n->type->elem * 64u + n->type->rank * 2u + n->type->acc + 1u : 0;
  uint32_t h = hash_mix(n->op * 256u + kind, n->nargs * 0x85ebca6bu);
  switch ((Op)n->op) {
  case IR_PARAM: case IR_CONST: case IR_PRIM: case IR_PROJ:
    h = hash_mix64(h, (uint64_t)n->aux.i);
    break;
  case IR_DATA: h = hash_mix(h, data_hash(n)); break;
  case IR_LOOP: case IR_FOLD:
    for (uint32_t k = 0; k < n->aux.loop->nout; k++) h = hash_mix(h, n->aux.loop->comb[k]);
    break;
  default: break;
  }
  for (uint32_t k = 0; k < n->nregions; k++) h = hash_mix(h, n->regions[k]->hash);
  return h;
}

/* A result of a parallel loop is the same whatever the loop gives besides. */
static uint32_t result_hash(const Prog *p, const Node *proj, uint32_t plain) {
  const Node *loop = ir_node(p, proj->arg[0]);
  if (loop->op != IR_LOOP) return plain;
  Ref value = loop->regions[0]->results.at[proj->aux.i];
  uint32_t h = hash_mix(hash_mix(IR_PROJ, loop->aux.loop->comb[proj->aux.i]),
                        ir_node(p, value)->hash);
  for (uint32_t k = 0; k < loop->nargs; k++) h = hash_mix(h, ir_node(p, loop->arg[k])->hash);
  return h;
}

static bool commutes(const Node *n) {
  if (n->op != IR_PRIM) return false;
  switch (n->aux.i) {
  case P_ADD: case P_MUL: case P_EQ: case P_NE: case P_AND: case P_OR: return true;
  default: return false;
  }
}

/* Operands that commute count in either order. */
static uint32_t operands_key(uint32_t key, const Node *n) {
  if (commutes(n)) {
    Ref a = n->arg[0], b = n->arg[1];
    return hash_mix(hash_mix(key, a < b ? a : b), a < b ? b : a);
  }
  for (uint32_t k = 0; k < n->nargs; k++) key = hash_mix(key, n->arg[k]);
  for (uint32_t k = 0; k < n->nfree; k++) key = hash_mix(key, n->free[k]);
  return key;
}

static uint32_t key_of(const Node *n, uint32_t own) {
  if (n->type && n->type->rank) own = hash_mix(own, type_hash(n->type));
  return operands_key(own, n);
}

/* n->hash is equal for nodes of equal structure; n->key has the operands themselves in it
 * (and what regions mention from outside: equal nodes mention the same). */
void hash_node(const Prog *p, Node *n) {
  uint32_t own = own_hash(n), deep = own;
  for (uint32_t k = 0; k < n->nargs; k++) deep = hash_mix(deep, ir_node(p, n->arg[k])->hash);
  n->hash = n->op == IR_PROJ ? result_hash(p, n, deep) : deep;
  n->key = key_of(n, own);
}

/* ---- the table ------------------------------------------------------------- */

enum { FIRST_ROOM = 64 };

void cons_init(Prog *p) {
  p->cons = PROG_NEW(p, struct ConsTable);
}

static void put(struct ConsTable *t, Slot s) {
  uint32_t mask = t->room - 1, at = s.key & mask;
  while (t->slot[at].ref) at = (at + 1) & mask;
  t->slot[at] = s;
}

static void widen(Ctx *c, struct ConsTable *t) {
  struct ConsTable old = *t;
  t->room = old.room ? 2 * old.room : FIRST_ROOM;
  t->slot = zone_alloc(c, NULL, sizeof(Slot) * t->room); /* it goes from program to program */
  for (uint32_t k = 0; k < old.room; k++)
    if (old.slot[k].ref) put(t, old.slot[k]);
  zone_release(c, NULL, old.slot, sizeof(Slot) * old.room);
}

void cons_free(Prog *p) {
  zone_release(p->ctx, NULL, p->cons->slot, sizeof(Slot) * p->cons->room);
}

static void cons_add(Prog *p, Ref r) {
  struct ConsTable *t = p->cons;
  if (t->n >= t->room - t->room / 4) widen(p->ctx, t);
  put(t, (Slot){ir_node(p, r)->key, r});
  t->n++;
}

/* Slots behind a free one move up, unless they stand where their key sends them. */
static void close_gap(struct ConsTable *t, uint32_t gap) {
  uint32_t mask = t->room - 1;
  for (uint32_t at = (gap + 1) & mask; t->slot[at].ref; at = (at + 1) & mask) {
    uint32_t home = t->slot[at].key & mask;
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    t->slot[gap] = t->slot[at];
    gap = at;
  }
  t->slot[gap] = (Slot){0};
}

void cons_forget(Prog *p, Ref r) {
  struct ConsTable *t = p->cons;
  if (!t->n) return;
  uint32_t mask = t->room - 1, at = ir_node(p, r)->key & mask;
  while (t->slot[at].ref && t->slot[at].ref != r) at = (at + 1) & mask;
  if (!t->slot[at].ref) return;
  close_gap(t, at);
  t->n--;
}

void cons_close(Prog *p, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n && p->cons->n; k++) cons_forget(p, r->nodes.at[k]);
}

void cons_forget_all(Prog *p) {
  struct ConsTable *t = p->cons;
  if (t->n) memset(t->slot, 0, sizeof(Slot) * t->room);
  t->n = 0;
}

void cons_move(Prog *from, Prog *to) {
  cons_forget_all(from);
  *to->cons = *from->cons;
  *from->cons = (struct ConsTable){0};
}

void cons_know(Prog *p, Ref r) {
  hash_node(p, ir_node(p, r));
  cons_add(p, r);
}

/* ---- one node for equal ones ------------------------------------------------- */

/* The known node that the draft can be taken for, or 0; b*a where a*b is asked for, if there
 * is no a*b: the same to the bit.  Before erasure a name's derivative, and what people read,
 * keep what was written. */
static Ref find(Prog *p, const Node *draft) {
  const struct ConsTable *t = p->cons;
  Ref swapped = 0;
  if (!t->n) return 0;
  uint32_t mask = t->room - 1;
  bool either = p->erased && commutes(draft);
  for (uint32_t at = draft->key & mask; t->slot[at].ref; at = (at + 1) & mask) {
    Ref r = t->slot[at].ref;
    if (t->slot[at].key != draft->key) continue;
    const Node *known = ir_node(p, r);
    bool same = same_operands(known, draft);
    bool other = !same && either && !swapped && swapped_operands(known, draft);
    if ((!same && !other) || !interchangeable(p, known, draft)) continue;
    if (same) return r;
    swapped = r;
  }
  return swapped;
}

/* One node stands for two: it keeps what is stricter. */
static void merge_into(Prog *p, Node *known, const Node *draft) {
  if (!(draft->flags & NODE_DERIVATIVE)) known->flags &= (uint16_t)~NODE_DERIVATIVE;
  known->flags |= draft->flags & NODE_CHECKED;
  for (uint32_t k = 0; k < known->nregions; k++)
    region_merge_flags(p, known->regions[k], draft->regions[k]);
}

/* Is it a node of its own, whatever is known? */
static bool stands_alone(const Prog *p, const Node *draft) {
  if (p->fresh && draft->op != IR_CONST && draft->op != IR_PROJ) return true;
  return draft->op == IR_VAR || !node_is_pure(p, draft);
}

static Ref intern_hashed(Prog *p, Node *draft) {
  if (stands_alone(p, draft)) return node_append(p, draft);
  Ref r = find(p, draft);
  if (r) {
    merge_into(p, ir_node(p, r), draft);
    return r;
  }
  r = node_append(p, draft);
  cons_add(p, r);
  return r;
}

Ref node_intern(Prog *p, Node *draft) {
  hash_node(p, draft);
  return intern_hashed(p, draft);
}

Ref node_intern_like(Prog *p, Node *draft) {
  draft->key = key_of(draft, own_hash(draft));
  return intern_hashed(p, draft);
}
