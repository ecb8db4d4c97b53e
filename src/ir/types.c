/* types.c - types of values, interned: equal types are equal pointers. */
#include "ir/private.h"

#include <uthash.h>

typedef struct TypeEntry {
  const Type *type;
  UT_hash_handle hh;
} TypeEntry;

struct TypeTable {
  TypeEntry *all;
  const Type *scalar[3];
};

static size_t type_bytes(uint32_t rank) {
  return sizeof(Type) + rank * sizeof(Size);
}

/* `draft` was filled in zeroed memory, so that equal types are equal bytes. */
static const Type *type_intern(Prog *p, const Type *draft) {
  Ctx *c = p->ctx;
  size_t bytes = type_bytes(draft->rank);
  uint32_t hash = type_hash(draft);
  TypeEntry *e = NULL;
  HASH_FIND_BYHASHVALUE(hh, p->types->all, draft, bytes, hash, e);
  if (e) return e->type;
  Type *t = zone_alloc(c, p->zone, bytes);
  memcpy(t, draft, bytes);
  e = PROG_NEW(p, TypeEntry);
  e->type = t;
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, p->types->all, t, bytes, hash, e);
  return t;
}

/* Room for a draft of any rank. */
typedef union Draft {
  unsigned char bytes[sizeof(Type) + MAX_RANK * sizeof(Size)];
  Type type;
} Draft;

static const Type *intern_parts(Prog *p, Elem e, bool acc, uint32_t rank, const Size *dim) {
  Draft d;
  memset(&d, 0, type_bytes(rank));
  d.type.elem = e;
  d.type.acc = acc;
  d.type.rank = (uint8_t)rank;
  if (rank) memcpy(d.bytes + offsetof(Type, dim), dim, rank * sizeof *dim);
  return type_intern(p, &d.type);
}

void types_init(Prog *p) {
  p->types = PROG_NEW(p, struct TypeTable);
  for (Elem e = ELEM_REAL; e <= ELEM_BOOL; e++)
    p->types->scalar[e] = intern_parts(p, e, false, 0, NULL);
}

const Type *type_scalar(Prog *p, Elem e) {
  return p->types->scalar[e];
}

const Type *type_array(Prog *p, Elem e, uint32_t rank, const Size *dim) {
  if (rank == 0) return type_scalar(p, e);
  if (rank > MAX_RANK)
    fail_at(p->ctx, p->pos, "use fewer axes, or reshape", "an array of %u axes; the most is %d",
            rank, MAX_RANK);
  for (uint32_t k = 0; k < rank; k++) size_seen(p, dim[k]);
  return intern_parts(p, e, false, rank, dim);
}

const Type *type_acc(Prog *p, const Type *array) {
  return intern_parts(p, array->elem, true, array->rank, array->dim);
}

const Type *type_drop(Prog *p, const Type *t, uint32_t n) {
  if (n > t->rank) internal_error(p->ctx, "%u subscripts for an array of %u axes", n, t->rank);
  if (n == t->rank) return type_scalar(p, t->elem);
  return intern_parts(p, t->elem, false, t->rank - n, t->dim + n);
}

const Type *type_map(Prog *to, const Type *t, RefMap map, void *self) {
  Size dim[MAX_RANK];
  if (t->rank == 0 && !t->acc) return type_scalar(to, t->elem);
  for (uint32_t k = 0; k < t->rank; k++) dim[k] = size_map(to, t->dim[k], map, self);
  if (t->acc) return intern_parts(to, t->elem, true, t->rank, dim);
  return type_array(to, t->elem, t->rank, dim);
}

uint32_t type_hash(const Type *t) {
  uint32_t h = hash_mix(t->elem, t->rank * 2u + t->acc);
  for (uint32_t k = 0; k < t->rank; k++) h = hash_mix(h, t->dim[k]->hash);
  return h;
}

void type_atoms(const Type *t, void (*visit)(void *self, Ref atom), void *self) {
  if (!t) return;
  for (uint32_t k = 0; k < t->rank; k++)
    for (uint32_t m = 0; m < t->dim[k]->n; m++) {
      const Mono *mono = &t->dim[k]->mono[m];
      for (uint32_t a = 0; a < mono->n; a++) visit(self, mono->atom[a]);
    }
}

bool type_count(const Type *t, uint64_t *count) {
  uint64_t product = 1;
  for (uint32_t k = 0; k < t->rank; k++) {
    int64_t n;
    if (!size_is_const(t->dim[k], &n)) return false;
    if (n <= 0) product = 0;
    else if (__builtin_mul_overflow(product, (uint64_t)n, &product)) return false;
  }
  *count = product;
  return true;
}

Size type_volume(Prog *p, const Type *t) {
  Size s = size_const(p, 1);
  for (uint32_t k = 0; k < t->rank; k++) s = size_mul(p, s, t->dim[k]);
  return s;
}

void type_text(const Prog *p, const Type *t, Buf *out) {
  static const char *const names[] = {"real", "int", "bool"};
  if (t->acc) buf_puts(out, "acc ");
  buf_puts(out, names[t->elem]);
  for (uint32_t k = 0; k < t->rank; k++) {
    buf_puts(out, k ? ", " : "[");
    size_text(p, t->dim[k], out);
  }
  if (t->rank) buf_puts(out, "]");
}

/* ---- sizes known before the run --------------------------------------------------- */

bool *type_early_ints(const Prog *p, bool indices) {
  bool *early = NEWN(p->ctx, bool, p->nnodes);
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    if (!n->type || n->type->rank || n->type->elem != ELEM_INT) continue;
    early[r] = n->op == IR_CONST || n->op == IR_PRIM ||
               (n->op == IR_PARAM && (indices || n->region == p->root->id));
    for (uint32_t k = 0; k < n->nargs; k++) early[r] &= early[n->arg[k]];
  }
  return early;
}

bool type_is_early(const Prog *p, const Type *t) {
  const bool *early = NULL;
  for (uint32_t d = 0; d < t->rank; d++)
    for (uint32_t i = 0; i < t->dim[d]->n; i++)
      for (uint32_t j = 0; j < t->dim[d]->mono[i].n; j++) {
        Ref r = t->dim[d]->mono[i].atom[j];
        const Node *n = ir_node(p, r);
        if (n->op == IR_PARAM && n->region == p->root->id) continue;
        if (!early) early = type_early_ints(p, false);
        if (!early[r]) return false;
      }
  return true;
}
