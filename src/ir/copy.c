/* copy.c - copies of nodes and regions, into the same program or another.
 *
 * Everything goes through the constructors, so copies are hash-consed and folded anew.
 * Into an erased program barriers copy to what they guard, a CUSTOM to the function
 * itself, and an IF on a constant to the branch that is taken. */
#include "ir/private.h"

void copy_init(Copy *k, Prog *from, Prog *to) {
  *k = (Copy){.from = from, .to = to, .same = from == to, .nmap = from->nnodes};
  k->map = NEWN(to->ctx, Ref, k->nmap);
}

void copy_set(Copy *k, Ref old, Ref new_ref) {
  if (old >= k->nmap) {
    uint32_t room = k->nmap * 2 > old + 1 ? k->nmap * 2 : old + 1;
    k->map = arena_grow(k->to->ctx, k->map, k->nmap * sizeof(Ref), room * sizeof(Ref));
    k->nmap = room;
  }
  k->map[old] = new_ref;
}

Ref copy_ref(Copy *k, Ref old) {
  Ref r = old < k->nmap ? k->map[old] : 0;
  if (r || k->same) return r ? r : old;
  internal_error(k->to->ctx, "node %u is mentioned but was not copied", old);
}

static Ref map_atom(void *self, Ref r) {
  return copy_ref(self, r);
}

/* Types that mention no node are the same in one program. */
static const Type *copy_type(Copy *k, const Type *t) {
  return t->rank == 0 && !t->acc ? type_scalar(k->to, t->elem) : type_map(k->to, t, map_atom, k);
}

static Ref *copy_args(Copy *k, const Node *n) {
  Ref *arg = NEWN(k->to->ctx, Ref, n->nargs);
  for (uint32_t j = 0; j < n->nargs; j++) arg[j] = copy_ref(k, n->arg[j]);
  return arg;
}

/* ---- regions -------------------------------------------------------------------- */

/* Begins a copy: parameters (the first ones running over `extent`) and nodes. */
static Region *begin_copy(Copy *k, const Region *r, uint32_t nextents, const Ref *extent) {
  Region *copy = ir_begin(k->to);
  ir_set_extents(k->to, nextents, extent);
  for (uint32_t j = 0; j < r->params.n; j++) {
    const Node *n = ir_node(k->from, r->params.at[j]);
    Ref param = ir_param(k->to, copy_type(k, n->type));
    ir_node(k->to, param)->name = n->name;
    ir_node(k->to, param)->pos = n->pos;
    copy_set(k, r->params.at[j], param);
  }
  copy_nodes(k, r);
  return copy;
}

static Region *copy_with_extents(Copy *k, const Region *r, uint32_t n, const Ref *extent) {
  Region *copy = begin_copy(k, r, n, extent);
  for (uint32_t j = 0; j < r->results.n; j++) ir_result(k->to, copy_ref(k, r->results.at[j]));
  ir_end(k->to);
  return copy;
}

Region *copy_region(Copy *k, const Region *r) {
  uint32_t n = r->extents.n;
  Ref *extent = NEWN(k->to->ctx, Ref, n);
  for (uint32_t j = 0; j < n; j++) {
    Ref old = r->extents.at[j];
    extent[j] = old < k->nmap && k->map[old] ? k->map[old] : k->same ? old : 0;
    if (!extent[j]) n = j; /* it is only for proofs */
  }
  return copy_with_extents(k, r, n, extent);
}

void copy_nodes(Copy *k, const Region *r) {
  for (uint32_t j = 0; j < r->nodes.n; j++) copy_node(k, r->nodes.at[j]);
}

/* ---- structured nodes --------------------------------------------------------------- */

/* The branch that an IF with this condition takes in an erased program, or NULL. */
static const Region *taken(Copy *k, const Node *n) {
  if (n->op != IR_IF || !k->to->erased) return NULL;
  const Node *c = ir_node(k->to, copy_ref(k, n->arg[0]));
  return c->op == IR_CONST ? n->regions[c->aux.i ? 0 : 1] : NULL;
}

/* The region that stands for the node itself, copied in its place, or NULL. */
static const Region *inlined(Copy *k, const Node *n) {
  return n->op == IR_CUSTOM && k->to->erased ? n->regions[0] : taken(k, n);
}

static Ref copy_inline(Copy *k, const Node *n, const Region *r) {
  for (uint32_t j = 0; j < r->params.n; j++) copy_set(k, r->params.at[j], copy_ref(k, n->arg[j]));
  copy_nodes(k, r);
  return 0;
}

static Ref copy_if(Copy *k, const Node *n) {
  Ref c = copy_ref(k, n->arg[0]);
  Region *a = copy_region(k, n->regions[0]);
  Region *b = copy_region(k, n->regions[1]);
  return ir_if(k->to, c, a, b);
}

static Ref copy_structured(Copy *k, const Node *n) {
  Prog *to = k->to;
  Ref *arg = copy_args(k, n);
  Region *first, *second;
  switch ((Op)n->op) {
  case IR_IF: return copy_if(k, n);
  case IR_LOOP:
    first = copy_with_extents(k, n->regions[0], n->nargs, arg);
    return ir_loop(to, n->nargs, arg, first, n->aux.loop->comb);
  case IR_FOLD:
    first = copy_with_extents(k, n->regions[0], 1, arg);
    return ir_fold(to, arg[0], n->nargs - 1, arg + 1, first, n->aux.loop->comb);
  case IR_WHILE:
    first = copy_region(k, n->regions[0]);
    second = copy_region(k, n->regions[1]);
    return ir_while(to, arg[0], n->nargs - 1, arg + 1, first, second);
  case IR_ACCUM: return ir_accum(to, n->nargs, arg, copy_region(k, n->regions[0]));
  case IR_CUSTOM:
    first = copy_region(k, n->regions[0]);
    second = copy_region(k, n->regions[1]);
    return ir_custom(to, n->nargs, arg, first, second, n->aux.custom);
  default: internal_error(to->ctx, "operator %d has regions", n->op);
  }
}

/* ---- plain nodes ------------------------------------------------------------------------ */

static Ref copy_const(Prog *to, const Node *n) {
  switch (n->type->elem) {
  case ELEM_REAL: return ir_real(to, n->aux.r);
  case ELEM_INT: return ir_int(to, n->aux.i);
  case ELEM_BOOL: return ir_bool(to, n->aux.i != 0);
  }
  return 0;
}

static Ref copy_out(Copy *k, const Node *n) {
  const Node *s = ir_node(k->from, n->arg[0]);
  const Region *r = inlined(k, s);
  if (r) return copy_ref(k, r->results.at[n->aux.i]);
  return ir_out(k->to, copy_ref(k, n->arg[0]), (uint32_t)n->aux.i);
}

static Ref copy_value(Copy *k, const Node *n) {
  Prog *to = k->to;
  if (n->op == IR_CONST) return copy_const(to, n);
  if (n->op == IR_PROJ) return copy_out(k, n);
  bool checked = n->flags & NODE_CHECKED;
  Ref *a = copy_args(k, n);
  switch ((Op)n->op) {
  case IR_DATA: return ir_data(to, copy_type(k, n->type), n->aux.data);
  case IR_PRIM: return ir_prim(to, (uint32_t)n->aux.i, a);
  case IR_TOREAL: return ir_toreal(to, a[0]);
  case IR_TOINT: return ir_toint(to, a[0]);
  case IR_STACK: return ir_stack(to, n->nargs, a);
  case IR_READ: return ir_read(to, a[0], n->nargs - 1, a + 1, checked);
  case IR_WITH: return ir_with(to, a[0], a[1], n->nargs - 2, a + 2, checked);
  case IR_RESHAPE: return ir_reshape(to, a[0], copy_type(k, n->type));
  case IR_FILL: return ir_fill(to, a[0], copy_type(k, n->type));
  case IR_VAR: return ir_var(to, a[0]);
  case IR_TIE: return ir_tie(to, a[0], n->nargs - 1, a + 1);
  case IR_STOP: return ir_stop(to, a[0]);
  case IR_SCALE: return ir_scale(to, a[0], a[1], n->flags & NODE_REVERSAL);
  case IR_STRAIGHT: return ir_straight(to, a[0], a[1]);
  default: internal_error(to->ctx, "operator %d cannot be copied", n->op);
  }
}

/* An update of an accumulator that was copied too belongs to the copy's own value. */
static bool dropped(const Copy *k, const Node *n) {
  switch ((Op)n->op) {
  case IR_TRACE: case IR_PRINT: case IR_ASSERT: return k->drop_io;
  case IR_UPD: return k->drop_upd && !(n->arg[0] < k->nmap && k->map[n->arg[0]]);
  default: return false;
  }
}

static void copy_effect(Copy *k, const Node *n) {
  Ref *a = copy_args(k, n);
  switch ((Op)n->op) {
  case IR_UPD:
    ir_upd(k->to, a[0], a[1], n->nargs - 2, a + 2, n->flags & NODE_CHECKED);
    break;
  case IR_ASSERT: ir_assert(k->to, n->aux.assertion, n->nargs, a); break;
  case IR_CHECK: ir_check(k->to, a[0], n->aux.str); break;
  default: ir_text(k->to, (Op)n->op, n->aux.text, n->nargs, a); break;
  }
}

static bool is_effect(const Node *n) {
  switch ((Op)n->op) {
  case IR_UPD: case IR_TRACE: case IR_PRINT: case IR_ASSERT: case IR_CHECK: return true;
  default: return false;
  }
}

static Ref copy_any(Copy *k, const Node *n) {
  if (dropped(k, n)) return 0;
  if (is_effect(n)) {
    copy_effect(k, n);
    return 0;
  }
  if (!n->nregions) return copy_value(k, n);
  const Region *r = inlined(k, n);
  return r ? copy_inline(k, n, r) : copy_structured(k, n);
}

Ref copy_node(Copy *k, Ref old) {
  Prog *to = k->to;
  const Node *n = ir_node(k->from, old);
  bool derivative = to->derivative;
  Span pos = to->pos;
  to->derivative = n->flags & NODE_DERIVATIVE;
  to->pos = n->pos;
  Ref r = copy_any(k, n);
  to->derivative = derivative;
  to->pos = pos;
  if (!r) return 0;
  Node *copy = ir_node(to, r);
  if (n->name && !copy->name && copy->op != IR_CONST) copy->name = n->name;
  copy_set(k, old, r);
  return r;
}

/* ---- whole programs ------------------------------------------------------------------------ */

Prog *prog_start(Copy *k, Prog *from) {
  Prog *to = prog_new(from->ctx);
  cons_move(from, to);
  copy_init(k, from, to);
  to->erased = from->erased;
  to->sig = from->sig;
  to->sig.params.at = NULL;
  to->sig.params.n = to->sig.params.cap = 0;
  to->sig.results.at = NULL;
  to->sig.results.n = to->sig.results.cap = 0;
  const Region *root = from->root;
  for (uint32_t j = 0; j < root->params.n; j++) {
    const Node *n = ir_node(from, root->params.at[j]);
    to->pos = n->pos;
    Ref param = ir_param(to, copy_type(k, n->type));
    ir_node(to, param)->name = n->name;
    copy_set(k, root->params.at[j], param);
  }
  for (uint32_t j = 0; j < from->sig.params.n; j++) {
    SigParam s = from->sig.params.at[j];
    if (s.ref) s.ref = copy_ref(k, s.ref);
    VEC_PUSH(to->ctx, &to->sig.params, s);
  }
  to->pos = from->pos;
  return to;
}

void prog_finish(Copy *k) {
  Prog *to = k->to;
  const Region *root = k->from->root;
  for (uint32_t j = 0; j < root->results.n; j++) ir_result(to, copy_ref(k, root->results.at[j]));
  for (uint32_t j = 0; j < k->from->sig.results.n; j++) {
    SigResult s = k->from->sig.results.at[j];
    if (s.ref) s.ref = copy_ref(k, s.ref);
    VEC_PUSH(to->ctx, &to->sig.results, s);
  }
}
