/* build.c - nodes: their storage, and the constructors of all operators without regions. */
#include "ir/private.h"

#include <stdio.h>

/* ---- programs and storage -------------------------------------------------- */

/* Room for more nodes, each of which node_put fills. */
static void add_chunk(Prog *p) {
  PROG_PUSH(p, &p->chunks, (Node *)zone_room(p->ctx, p->zone, sizeof(Node) * CHUNK));
}

Prog *prog_new(Ctx *c) {
  Zone *zone = zone_new(c);
  Prog *p = zone_alloc(c, zone, sizeof *p);
  p->ctx = c;
  p->zone = zone;
  p->nnodes = 1; /* Ref 0 is no node */
  add_chunk(p);
  *ir_node(p, 0) = (Node){0};
  cons_init(p);
  sizes_init(p);
  types_init(p);
  p->root = PROG_NEW(p, Region);
  p->cur = p->root;
  PROG_PUSH(p, &p->regions, p->root);
  return p;
}

Prog *prog_replace(Prog *old, Prog *next) {
  if (old == next) return next;
  cons_free(old);
  zone_free(old->ctx, old->zone);
  return next;
}

uint32_t ir_count(const Prog *p) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < p->regions.n; k++)
    n += p->regions.at[k]->params.n + p->regions.at[k]->nodes.n;
  return n;
}

void prog_param(Prog *p, SigParam s) {
  PROG_PUSH(p, &p->sig.params, s);
}

void prog_result(Prog *p, SigResult s) {
  PROG_PUSH(p, &p->sig.results, s);
}

void limit_reached(Prog *p, const char *what, uint64_t limit) {
  diag(p->ctx, SEV_ERROR, p->pos, "the program needs more than %llu %s",
       (unsigned long long)limit, what);
  diag(p->ctx, SEV_HELP, p->pos, "unroll less, or raise the limit");
  diag_raise(p->ctx, GC_LIMIT);
}

Ref node_put(Prog *p, const Node *draft) {
  Ctx *c = p->ctx;
  Ref r = p->nnodes;
  if (c->limits.nodes && r > c->limits.nodes) limit_reached(p, "nodes", c->limits.nodes);
  if (r == UINT32_MAX) limit_reached(p, "nodes", UINT32_MAX);
  if (r / CHUNK == p->chunks.n) {
    ctx_poll(c);
    add_chunk(p);
  }
  Node *n = ir_node(p, r);
  *n = *draft;
  n->arg = n->nregions || n->nargs > FEW_ARGS ? PROG_NEWN(p, Ref, n->nargs) : n->few;
  for (uint32_t k = 0; k < n->nargs; k++) n->arg[k] = draft->arg[k];
  n->region = p->cur->id;
  if (n->op != IR_PARAM) {
    n->ordinal = p->cur->nodes.n;
    PROG_PUSH(p, &p->cur->nodes, r);
  }
  p->nnodes++;
  return r;
}

Ref node_append(Prog *p, Node *draft) {
  if (node_may_fail(p, draft)) draft->flags |= NODE_STAYS;
  return node_put(p, draft);
}

/* ---- making nodes ---------------------------------------------------------- */

static const char *const op_name[] = {
#define X(op, text) text,
  IR_OPS(X)
#undef X
};

Node node_draft(const Prog *p, Op op, const Type *type, uint32_t nargs, const Ref *arg) {
  for (uint32_t k = 0; k < nargs; k++) {
    if (arg[k] == 0 || arg[k] >= p->nnodes)
      internal_error(p->ctx, "operand %u of a new %s does not exist", k, op_name[op]);
    if (!node_visible(p, ir_node(p, arg[k])))
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
