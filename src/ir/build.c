/* build.c - nodes: their storage, hash-consing, and the constructors of all operators
 * without regions.
 *
 * The table of known nodes holds the pure nodes of the regions that are open.  When
 * a region closes its entries leave the table: nothing outside may mention its nodes.
 * So a lookup is one probe, and a match counts if it lies in p->cur or around it. */
#include "ir/private.h"

#include <stdio.h>

#undef HASH_KEYCMP
#define HASH_KEYCMP(a, b, n) (!interchangeable(p, (const Node *)(a), (const Node *)(b)))

static bool interchangeable(Prog *p, const Node *known, const Node *draft);

#include <uthash.h>

typedef struct Cons {
  Ref ref;               /* 0: taken out of the table */
  struct Cons *next;     /* of its region, or of the free ones */
  UT_hash_handle hh;
} Cons;

struct ConsTable {
  Cons *all;
  Cons *unused;
};

/* ---- programs and storage -------------------------------------------------- */

Prog *prog_new(Ctx *c) {
  Prog *p = NEW(c, Prog);
  p->ctx = c;
  p->nnodes = 1; /* Ref 0 is no node */
  VEC_PUSH(c, &p->chunks, NEWN(c, Node, CHUNK));
  p->cons = NEW(c, struct ConsTable);
  sizes_init(p);
  types_init(p);
  p->root = NEW(c, Region);
  p->cur = p->root;
  VEC_PUSH(c, &p->regions, p->root);
  return p;
}

Prog *prog_replace(Prog *old, Prog *next) {
  Ctx *c = old->ctx;
  if (old == next) return next;
  for (uint32_t k = 0; k < old->chunks.n; k++)
    arena_release(c, old->chunks.at[k], sizeof(Node) * CHUNK);
  for (uint32_t k = 0; k < old->regions.n; k++) {
    Region *r = old->regions.at[k];
    arena_release(c, r->nodes.at, sizeof *r->nodes.at * r->nodes.cap);
  }
  old->chunks.n = old->regions.n = old->nnodes = 0;
  return next;
}

void limit_reached(Prog *p, const char *what, uint64_t limit) {
  diag(p->ctx, SEV_ERROR, p->pos, "the program needs more than %llu %s",
       (unsigned long long)limit, what);
  diag(p->ctx, SEV_HELP, p->pos, "unroll less, or raise the limit");
  diag_raise(p->ctx, GC_LIMIT);
}

Ref node_append(Prog *p, Node *draft) {
  Ctx *c = p->ctx;
  Ref r = p->nnodes;
  if (c->limits.nodes && r > c->limits.nodes) limit_reached(p, "nodes", c->limits.nodes);
  if (r == UINT32_MAX) limit_reached(p, "nodes", UINT32_MAX);
  if (r / CHUNK == p->chunks.n) VEC_PUSH(c, &p->chunks, NEWN(c, Node, CHUNK));
  Node *n = ir_node(p, r);
  *n = *draft;
  if (node_may_fail(p, n)) n->flags |= NODE_STAYS;
  n->arg = NULL;
  if (n->nargs) {
    n->arg = NEWN(c, Ref, n->nargs);
    memcpy(n->arg, draft->arg, n->nargs * sizeof(Ref));
  }
  n->region = p->cur->id;
  if (n->op != IR_PARAM) {
    n->ordinal = p->cur->nodes.n;
    VEC_PUSH(c, &p->cur->nodes, r);
  }
  p->nnodes++;
  return r;
}

/* ---- known nodes ----------------------------------------------------------- */

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

bool node_alike(const Node *a, const Node *b) {
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

static bool visible(const Prog *p, uint32_t region) {
  const Region *here = p->cur, *r = p->regions.at[region];
  while (here->depth > r->depth) here = here->parent;
  return here == r;
}

/* May the draft be taken for the known node? */
static bool interchangeable(Prog *p, const Node *known, const Node *draft) {
  if (known == draft) return true;
  if (known->type != draft->type || (known->type == NULL && known->hash != draft->hash))
    return false;
  if (known->op == IR_DATA && draft->op != IR_DATA) return false;
  if (!node_alike(known, draft) || !visible(p, known->region)) return false;
  if (known->nargs && memcmp(known->arg, draft->arg, known->nargs * sizeof(Ref)) != 0)
    return false;
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
  uint32_t h = hash_mix(n->op, n->nargs);
  if (n->type) h = hash_mix(h, n->type->elem * 64u + n->type->rank * 2u + n->type->acc);
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

/* Sets n->hash, equal for nodes of equal structure, and gives the hash by which the
 * node is known, which has the operands themselves in it (and what regions mention
 * from outside: equal nodes mention the same). */
static uint32_t hash_node(const Prog *p, Node *n) {
  uint32_t own = own_hash(n), deep = own;
  if (n->type && n->type->rank) own = hash_mix(own, type_hash(n->type));
  for (uint32_t k = 0; k < n->nargs; k++) {
    deep = hash_mix(deep, ir_node(p, n->arg[k])->hash);
    own = hash_mix(own, n->arg[k]);
  }
  for (uint32_t k = 0; k < n->nfree; k++) own = hash_mix(own, n->free[k]);
  n->hash = deep;
  return own;
}

static Cons *cons_new(Prog *p) {
  Cons *e = p->cons->unused;
  if (!e) return NEW(p->ctx, Cons);
  p->cons->unused = e->next;
  return e;
}

static void cons_add(Prog *p, Ref r, uint32_t hash) {
  Ctx *c = p->ctx;
  Cons *e = cons_new(p);
  Node *n = ir_node(p, r);
  *e = (Cons){.ref = r, .next = p->cur->consed};
  p->cur->consed = e;
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, p->cons->all, n, sizeof *n, hash, e);
}

void cons_know(Prog *p, Ref r) {
  cons_add(p, r, hash_node(p, ir_node(p, r)));
}

static void cons_free(Prog *p, Cons *e) {
  Ctx *c = p->ctx;
  if (e->ref) HASH_DEL(p->cons->all, e);
  e->next = p->cons->unused;
  p->cons->unused = e;
}

void cons_close(Prog *p, Region *r) {
  while (r->consed) {
    Cons *e = r->consed;
    r->consed = e->next;
    cons_free(p, e);
  }
}

void cons_move(Prog *from, Prog *to) {
  for (uint32_t k = 0; k < from->regions.n; k++) cons_close(from, from->regions.at[k]);
  Cons **end = &to->cons->unused;
  while (*end) end = &(*end)->next;
  *end = from->cons->unused;
  from->cons->unused = NULL;
}

void cons_forget(Prog *p, Ref r) {
  Ctx *c = p->ctx;
  Node *n = ir_node(p, r);
  Cons *e = NULL;
  uint32_t hash = hash_node(p, n);
  HASH_FIND_BYHASHVALUE(hh, p->cons->all, n, sizeof *n, hash, e);
  if (e && e->ref != r) /* an equal one in a region around: look through our own */
    for (e = p->regions.at[n->region]->consed; e && e->ref != r;) e = e->next;
  if (!e) return;
  HASH_DEL(p->cons->all, e);
  e->ref = 0;
}

static const char *const op_name[] = {
#define X(op, text) text,
  IR_OPS(X)
#undef X
};

/* ---- making nodes ---------------------------------------------------------- */

Node node_draft(const Prog *p, Op op, const Type *type, uint32_t nargs, const Ref *arg) {
  for (uint32_t k = 0; k < nargs; k++) {
    if (arg[k] == 0 || arg[k] >= p->nnodes)
      internal_error(p->ctx, "operand %u of a new %s does not exist", k, op_name[op]);
    if (!visible(p, ir_node(p, arg[k])->region))
      internal_error(p->ctx, "operand %u of a new %s is out of scope", k, op_name[op]);
  }
  return (Node){
    .op = (uint16_t)op,
    .flags = p->derivative ? NODE_DERIVATIVE : 0,
    .nargs = nargs,
    .arg = (Ref *)(uintptr_t)arg, /* only read, and copied by node_append */
    .type = type,
    .pos = p->pos,
    .call = p->call,
  };
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

Ref node_intern(Prog *p, Node *draft) {
  uint32_t hash = hash_node(p, draft);
  if (stands_alone(p, draft)) return node_append(p, draft);
  Cons *e = NULL;
  HASH_FIND_BYHASHVALUE(hh, p->cons->all, draft, sizeof *draft, hash, e);
  if (e) {
    merge_into(p, ir_node(p, e->ref), draft);
    return e->ref;
  }
  Ref r = node_append(p, draft);
  cons_add(p, r, hash);
  return r;
}

void ill_typed(Prog *p, const Node *n, const char *why) {
  Buf b;
  buf_init(&b, p->ctx);
  buf_puts(&b, op_name[n->op]);
  if (n->op == IR_PRIM) buf_printf(&b, " %s", prim_get((uint32_t)n->aux.i)->name);
  buf_puts(&b, " (");
  for (uint32_t k = 0; k < n->nargs && k < 8; k++) {
    if (k) buf_puts(&b, ", ");
    const Type *t = ir_type(p, n->arg[k]);
    if (t) type_text(p, t, &b);
    else buf_puts(&b, "no value");
  }
  internal_error(p->ctx, "an ill-typed node: %s): %s", buf_text(&b), why);
}

Ref node_make(Prog *p, Node *draft) {
  const char *why;
  if (!infer_type(p, draft, &draft->type, &why)) ill_typed(p, draft, why);
  return node_intern(p, draft);
}

/* ---- constants ------------------------------------------------------------- */

static Ref make_const(Prog *p, Elem e, int64_t bits) {
  Node n = node_draft(p, IR_CONST, type_scalar(p, e), 0, NULL);
  n.aux.i = bits;
  return node_intern(p, &n);
}

Ref ir_real(Prog *p, double x) {
  if (p->ctx->opt.real_float) x = (double)(float)x;
  Node n = node_draft(p, IR_CONST, type_scalar(p, ELEM_REAL), 0, NULL);
  n.aux.r = x;
  return node_intern(p, &n);
}

Ref ir_int(Prog *p, int64_t x) {
  return make_const(p, ELEM_INT, x);
}

Ref ir_bool(Prog *p, bool x) {
  return make_const(p, ELEM_BOOL, x);
}

Ref ir_data(Prog *p, const Type *t, const void *elements) {
  static const double nothing;
  Node n = node_draft(p, IR_DATA, t, 0, NULL);
  n.aux.data = elements ? elements : &nothing;
  return node_make(p, &n);
}

Ref ir_zero(Prog *p, const Type *t) {
  Ref zero = t->elem == ELEM_REAL ? ir_real(p, 0) : make_const(p, t->elem, 0);
  return ir_fill(p, zero, t);
}

/* ---- scalars --------------------------------------------------------------- */

Ref ir_prim(Prog *p, uint32_t prim, const Ref *args) {
  Node n = node_draft(p, IR_PRIM, NULL, prim_get(prim)->arity, args);
  const char *why;
  n.aux.i = prim;
  if (!infer_type(p, &n, &n.type, &why)) ill_typed(p, &n, why);
  Ref folded = fold_prim(p, prim, args);
  return folded ? folded : node_intern(p, &n);
}

Ref ir_prim1(Prog *p, uint32_t prim, Ref a) {
  if (prim_get(prim)->arity != 1)
    internal_error(p->ctx, "%s does not take one operand", prim_get(prim)->name);
  return ir_prim(p, prim, &a);
}

Ref ir_prim2(Prog *p, uint32_t prim, Ref a, Ref b) {
  Ref arg[] = {a, b};
  if (prim_get(prim)->arity != 2)
    internal_error(p->ctx, "%s does not take two operands", prim_get(prim)->name);
  return ir_prim(p, prim, arg);
}

Ref ir_add(Prog *p, Ref a, Ref b) {
  return ir_prim2(p, P_ADD, a, b);
}

Ref ir_sub(Prog *p, Ref a, Ref b) {
  return ir_prim2(p, P_SUB, a, b);
}

Ref ir_mul(Prog *p, Ref a, Ref b) {
  return ir_prim2(p, P_MUL, a, b);
}

Ref ir_neg(Prog *p, Ref a) {
  return ir_prim1(p, P_NEG, a);
}

/* A node of one operand whose type follows from it. */
static Ref make1(Prog *p, Op op, Ref a) {
  Node n = node_draft(p, op, NULL, 1, &a);
  return node_make(p, &n);
}

Ref ir_toreal(Prog *p, Ref a) {
  if (ir_type(p, a) == type_scalar(p, ELEM_REAL)) return a;
  Ref folded = fold_toreal(p, a);
  return folded ? folded : make1(p, IR_TOREAL, a);
}

Ref ir_toint(Prog *p, Ref a) {
  if (ir_type(p, a) == type_scalar(p, ELEM_INT)) return a;
  Ref folded = fold_toint(p, a);
  return folded ? folded : make1(p, IR_TOINT, a);
}

/* ---- arrays ---------------------------------------------------------------- */

Ref ir_stack(Prog *p, uint32_t n, const Ref *e) {
  Node draft = node_draft(p, IR_STACK, NULL, n, e);
  const char *why;
  if (!infer_type(p, &draft, &draft.type, &why)) ill_typed(p, &draft, why);
  Ref folded = fold_stack(p, n, e);
  return folded ? folded : node_intern(p, &draft);
}

/* Room for an array's operands in front of its subscripts. */
typedef struct Operands { Ref at[MAX_RANK + 2]; } Operands;

static Operands operands(Prog *p, Ref a, Ref v, uint32_t n, const Ref *index) {
  Operands o;
  uint32_t k = 0;
  if (n > MAX_RANK) internal_error(p->ctx, "%u subscripts", n);
  o.at[k++] = a;
  if (v) o.at[k++] = v;
  if (n) memcpy(o.at + k, index, n * sizeof *index);
  return o;
}

Ref ir_read(Prog *p, Ref a, uint32_t n, const Ref *index, bool checked) {
  if (n == 0) return a;
  Operands o = operands(p, a, 0, n, index);
  Node draft = node_draft(p, IR_READ, NULL, n + 1, o.at);
  const char *why;
  if (checked) draft.flags |= NODE_CHECKED;
  if (!infer_type(p, &draft, &draft.type, &why)) ill_typed(p, &draft, why);
  Ref folded = fold_read(p, a, n, index, checked);
  return folded ? folded : node_intern(p, &draft);
}

Ref ir_with(Prog *p, Ref a, Ref v, uint32_t n, const Ref *index, bool checked) {
  if (n == 0) return v;
  Operands o = operands(p, a, v, n, index);
  Node draft = node_draft(p, IR_WITH, NULL, n + 2, o.at);
  if (checked) draft.flags |= NODE_CHECKED;
  return node_make(p, &draft);
}

Ref ir_reshape(Prog *p, Ref a, const Type *t) {
  if (ir_type(p, a) == t) return a;
  Node n = node_draft(p, IR_RESHAPE, t, 1, &a);
  const char *why;
  if (!infer_type(p, &n, &n.type, &why)) ill_typed(p, &n, why);
  Ref folded = fold_reshape(p, a, t);
  return folded ? folded : node_intern(p, &n);
}

Ref ir_fill(Prog *p, Ref scalar, const Type *t) {
  if (t->rank == 0) return scalar;
  Node n = node_draft(p, IR_FILL, t, 1, &scalar);
  return node_make(p, &n);
}

/* A LOOP over the axes of a and b, both of one array type. */
static Ref map2_arrays(Prog *p, uint32_t prim, Ref a, Ref b) {
  const Type *t = ir_type(p, a);
  Ref extent[MAX_RANK], index[MAX_RANK];
  Combiner comb = BUILD;
  for (uint32_t k = 0; k < t->rank; k++) extent[k] = size_node(p, t->dim[k]);
  Region *body = ir_begin_loop(p, t->rank, extent, index);
  Ref x = ir_read(p, a, t->rank, index, false), y = ir_read(p, b, t->rank, index, false);
  ir_result(p, ir_prim2(p, prim, x, y));
  ir_end(p);
  return ir_out(p, ir_loop(p, t->rank, extent, body, &comb), 0);
}

Ref ir_map2(Prog *p, uint32_t prim, Ref a, Ref b) {
  if (ir_type(p, a) != ir_type(p, b)) internal_error(p->ctx, "a map over arrays of two types");
  return ir_type(p, a)->rank ? map2_arrays(p, prim, a, b) : ir_prim2(p, prim, a, b);
}

Ref ir_extent(Prog *p, Ref array, uint32_t axis) {
  const Type *t = ir_type(p, array);
  if (axis >= t->rank) internal_error(p->ctx, "axis %u of an array of %u", axis, t->rank);
  return size_node(p, t->dim[axis]);
}

/* ---- barriers -------------------------------------------------------------- */

Ref ir_var(Prog *p, Ref x) {
  return p->erased ? x : make1(p, IR_VAR, x);
}

Ref ir_tie(Prog *p, Ref x, uint32_t n, const Ref *e) {
  if (p->erased || n == 0) return x;
  Ref *arg = NEWN(p->ctx, Ref, n + 1);
  arg[0] = x;
  memcpy(arg + 1, e, n * sizeof *e);
  Node draft = node_draft(p, IR_TIE, NULL, n + 1, arg);
  return node_make(p, &draft);
}

Ref ir_stop(Prog *p, Ref x) {
  Ref folded = fold_barrier(p, IR_STOP, x);
  return folded ? folded : make1(p, IR_STOP, x);
}

Ref ir_scale(Prog *p, Ref x, Ref s, bool reversal) {
  Ref arg[] = {x, s}, folded = fold_barrier(p, IR_SCALE, x);
  if (folded) return folded;
  Node n = node_draft(p, IR_SCALE, NULL, 2, arg);
  if (reversal) n.flags |= NODE_REVERSAL;
  return node_make(p, &n);
}

Ref ir_straight(Prog *p, Ref hard, Ref soft) {
  Ref arg[] = {hard, soft};
  if (p->erased) return hard;
  Node n = node_draft(p, IR_STRAIGHT, NULL, 2, arg);
  return node_make(p, &n);
}

/* ---- effects --------------------------------------------------------------- */

void ir_upd(Prog *p, Ref handle, Ref v, uint32_t n, const Ref *index, bool checked) {
  Operands o = operands(p, handle, v, n, index);
  Node draft = node_draft(p, IR_UPD, NULL, n + 2, o.at);
  if (checked) draft.flags |= NODE_CHECKED;
  node_make(p, &draft);
}

static void make_io(Prog *p, Node *n) {
  n->flags |= NODE_IO;
  node_make(p, n);
}

void ir_text(Prog *p, Op trace_or_print, TextAttr *t, uint32_t n, const Ref *leaf) {
  Node draft = node_draft(p, trace_or_print, NULL, n, leaf);
  draft.aux.text = t;
  make_io(p, &draft);
}

void ir_assert(Prog *p, AssertAttr *a, uint32_t n, const Ref *leaf) {
  Node draft = node_draft(p, IR_ASSERT, NULL, n, leaf);
  draft.aux.assertion = a;
  make_io(p, &draft);
}

void ir_check(Prog *p, Ref cond, const char *what) {
  Node draft = node_draft(p, IR_CHECK, NULL, 1, &cond);
  draft.aux.str = what;
  make_io(p, &draft);
}
