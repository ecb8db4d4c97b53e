/* copy.c - copies of nodes and regions, into the same program or another.
 *
 * Everything goes through the constructors, so copies are hash-consed and folded anew.
 * Into an erased program barriers copy to what they guard, a CUSTOM to the function
 * itself, and an IF on a constant to the branch that is taken. */
#include "ir/private.h"

/* In the map: the node's copy stands in place of it, its results by themselves. */
#define INLINED UINT32_MAX

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

Ref *copy_args(Copy *k, const Node *n, Few *few) {
  Ref *arg = n->nargs <= MAX_RANK + 2 ? few->at : NEWN(k->to->ctx, Ref, n->nargs);
  for (uint32_t j = 0; j < n->nargs; j++)
    arg[j] = !k->keep || k->keep->live[n->arg[j]] ? copy_ref(k, n->arg[j]) : 0;
  return arg;
}

/* ---- what ir_sweep leaves out ---------------------------------------------- */

bool keeps_result(const Keep *keep, Ref structured, uint32_t j) {
  return !keep || !structured || keep->result[keep->first[structured] + j];
}

bool keeps_param(const Keep *keep, const Prog *p, const Region *r, uint32_t j) {
  if (!keep || !r->owner) return true;
  switch ((Op)ir_node(p, r->owner)->op) {
  case IR_FOLD: return j == 0 || keeps_result(keep, r->owner, j - 1);
  case IR_WHILE: case IR_ACCUM: return keeps_result(keep, r->owner, j);
  default: return true;
  }
}

uint32_t keep_args(const Keep *keep, const Prog *p, Ref old, Ref *arg, uint32_t first) {
  uint32_t n = ir_node(p, old)->nargs, kept = first;
  for (uint32_t j = first; j < n; j++)
    if (keeps_result(keep, old, j - first)) arg[kept++] = arg[j];
  return kept;
}

/* ---- regions --------------------------------------------------------------- */

static Ref copy_param(Copy *k, Ref old) {
  const Node *n = ir_node(k->from, old);
  Span pos = k->to->pos;
  k->to->pos = n->pos;
  Ref r = ir_param(k->to, copy_type(k, n->type));
  k->to->pos = pos;
  ir_node(k->to, r)->name = n->name;
  copy_set(k, old, r);
  return r;
}

Region *copy_over(Copy *k, const Region *r, uint32_t n, const Ref *extent, Ref of,
                         uint32_t from) {
  Region *copy = ir_begin_like(k->to, r);
  ir_set_extents(k->to, n, extent);
  for (uint32_t j = 0; j < r->params.n; j++)
    if (keeps_param(k->keep, k->from, r, j)) copy_param(k, r->params.at[j]);
  copy_nodes(k, r);
  for (uint32_t j = 0; j < r->results.n; j++)
    if (keeps_result(k->keep, of, from + j)) ir_result(k->to, copy_ref(k, r->results.at[j]));
  ir_end(k->to);
  return copy;
}

Region *copy_region(Copy *k, const Region *r) {
  uint32_t n = r->extents.n;
  Ref *extent = NEWN(k->to->ctx, Ref, n);
  for (uint32_t j = 0; j < n; j++) {
    Ref old = r->extents.at[j];
    extent[j] = old < k->nmap && k->map[old] ? k->map[old] : k->same ? old : 0;
    if (!extent[j]) n = j; /* they only help proofs */
  }
  return copy_over(k, r, n, extent, 0, 0);
}

void copy_nodes(Copy *k, const Region *r) {
  for (uint32_t j = 0; j < r->nodes.n; j++)
    if (!k->keep || k->keep->live[r->nodes.at[j]]) copy_node(k, r->nodes.at[j]);
}

/* ---- structured nodes ------------------------------------------------------ */

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

static Ref copy_inline(Copy *k, Ref old, const Region *r) {
  const Node *n = ir_node(k->from, old);
  copy_set(k, old, INLINED);
  for (uint32_t j = 0; j < r->params.n; j++) copy_set(k, r->params.at[j], copy_ref(k, n->arg[j]));
  copy_nodes(k, r);
  return 0;
}

/* The combiners of the outputs kept; the first output is result `from`. */
static const Combiner *copy_combiners(Copy *k, Ref old, uint32_t from) {
  const LoopAttr *a = ir_node(k->from, old)->aux.loop;
  if (!k->keep) return a->comb;
  Combiner *comb = NEWN(k->to->ctx, Combiner, a->nout);
  uint32_t n = 0;
  for (uint32_t j = 0; j < a->nout; j++)
    if (keeps_result(k->keep, old, from + j)) comb[n++] = a->comb[j];
  return comb;
}

static Ref copy_fold(Copy *k, Ref old, Ref *arg) {
  const Node *n = ir_node(k->from, old);
  Region *body = copy_over(k, n->regions[0], 1, arg, old, 0);
  const Combiner *comb = copy_combiners(k, old, n->nargs - 1);
  uint32_t kept = keep_args(k->keep, k->from, old, arg, 1);
  if (k->keep && kept == 1 && !(n->flags & NODE_IO)) return ir_loop(k->to, 1, arg, body, comb);
  return ir_fold(k->to, arg[0], kept - 1, arg + 1, body, comb);
}

static Ref copy_structured(Copy *k, Ref old) {
  Prog *to = k->to;
  const Node *n = ir_node(k->from, old);
  Few few;
  Ref *arg = copy_args(k, n, &few);
  Region *first, *second;
  switch ((Op)n->op) {
  case IR_IF:
    first = copy_over(k, n->regions[0], 0, NULL, old, 0);
    second = copy_over(k, n->regions[1], 0, NULL, old, 0);
    return ir_if(to, arg[0], first, second);
  case IR_LOOP:
    first = copy_over(k, n->regions[0], n->nargs, arg, old, 0);
    return ir_loop(to, n->nargs, arg, first, copy_combiners(k, old, 0));
  case IR_FOLD: return copy_fold(k, old, arg);
  case IR_WHILE:
    first = copy_over(k, n->regions[0], 0, NULL, 0, 0);
    second = copy_over(k, n->regions[1], 0, NULL, old, 0);
    return ir_while(to, arg[0], keep_args(k->keep, k->from, old, arg, 1) - 1, arg + 1, first, second);
  case IR_ACCUM:
    first = copy_over(k, n->regions[0], 0, NULL, old, n->nargs);
    return ir_accum(to, keep_args(k->keep, k->from, old, arg, 0), arg, first);
  case IR_CUSTOM:
    first = copy_over(k, n->regions[0], 0, NULL, 0, 0);
    second = copy_over(k, n->regions[1], 0, NULL, 0, 0);
    return ir_custom(to, n->nargs, arg, first, second, n->aux.custom);
  default: internal_error(to->ctx, "operator %d has regions", n->op);
  }
}

/* ---- plain nodes ----------------------------------------------------------- */

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
  if (copy_ref(k, n->arg[0]) == INLINED)
    return copy_ref(k, inlined(k, s)->results.at[n->aux.i]);
  uint32_t j = (uint32_t)n->aux.i;
  if (k->keep) j = k->keep->number[k->keep->first[n->arg[0]] + j];
  return ir_out(k->to, copy_ref(k, n->arg[0]), j);
}

/* In an erased program a scalar keeps its type, and with operands of the same structure its
 * hash.  What is left to ask is whether something simpler has become known. */
static bool stays_scalar(const Copy *k, const Node *n) {
  if (!k->to->erased || !n->type || n->type->rank) return false;
  return n->op == IR_PRIM || n->op == IR_READ;
}

/* Are the operands, which have to be visible, of the same structure as in the old program? */
static bool same_structure(const Copy *k, const Node *n, const Ref *arg) {
  bool same = true;
  for (uint32_t j = 0; j < n->nargs; j++) {
    const Node *a = ir_node(k->to, arg[j]);
    if (!node_visible(k->to, a)) internal_error(k->to->ctx, "a copy's operand is out of scope");
    same &= a->hash == ir_node(k->from, n->arg[j])->hash;
    same &= !j || (arg[j] == arg[j - 1]) == (n->arg[j] == n->arg[j - 1]);
  }
  return same;
}

static Ref copy_scalar(Copy *k, const Node *n) {
  Prog *to = k->to;
  Few few;
  Node d = *n;
  d.arg = copy_args(k, n, &few);
  d.flags &= NODE_DERIVATIVE | NODE_CHECKED;
  d.type = type_scalar(to, n->type->elem);
  d.call = to->call;
  bool same = same_structure(k, n, d.arg);
  Ref simpler = n->op == IR_READ
                  ? fold_read(to, d.arg[0], d.nargs - 1, d.arg + 1, d.flags & NODE_CHECKED)
                  : same && k->from->erased ? 0 : fold_prim(to, (uint32_t)d.aux.i, d.arg);
  if (simpler) return simpler;
  return same ? node_intern_like(to, &d) : node_intern(to, &d);
}

static Ref copy_value(Copy *k, const Node *n) {
  Prog *to = k->to;
  if (n->op == IR_CONST) return copy_const(to, n);
  if (n->op == IR_PROJ) return copy_out(k, n);
  if (stays_scalar(k, n)) return copy_scalar(k, n);
  bool checked = n->flags & NODE_CHECKED;
  Few few;
  Ref *a = copy_args(k, n, &few);
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
  Few few;
  Ref *a = copy_args(k, n, &few);
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

static Ref copy_any(Copy *k, Ref old) {
  const Node *n = ir_node(k->from, old);
  if (dropped(k, n)) return 0;
  if (is_effect(n)) {
    copy_effect(k, n);
    return 0;
  }
  if (!n->nregions) return copy_value(k, n);
  const Region *r = inlined(k, n);
  return r ? copy_inline(k, old, r) : copy_structured(k, old);
}

Ref copy_node(Copy *k, Ref old) {
  Prog *to = k->to;
  const Node *n = ir_node(k->from, old);
  bool derivative = to->derivative;
  Span pos = to->pos;
  to->derivative = n->flags & NODE_DERIVATIVE;
  to->pos = n->pos;
  Ref r = copy_any(k, old);
  to->derivative = derivative;
  to->pos = pos;
  if (!r) return 0;
  Node *copy = ir_node(to, r);
  if (n->name && !copy->name && copy->op != IR_CONST) copy->name = n->name;
  copy_set(k, old, r);
  return r;
}

/* ---- whole programs -------------------------------------------------------- */

Prog *prog_start(Copy *k, Prog *from) {
  Prog *to = prog_new(from->ctx);
  cons_move(from, to);
  region_expect(to, to->root, from->root);
  copy_init(k, from, to);
  to->erased = from->erased;
  to->sig = from->sig;
  to->sig.params.at = NULL;
  to->sig.params.n = to->sig.params.cap = 0;
  to->sig.results.at = NULL;
  to->sig.results.n = to->sig.results.cap = 0;
  for (uint32_t j = 0; j < from->root->params.n; j++) copy_param(k, from->root->params.at[j]);
  for (uint32_t j = 0; j < from->sig.params.n; j++) {
    SigParam s = from->sig.params.at[j];
    if (s.ref) s.ref = copy_ref(k, s.ref);
    prog_param(to, s);
  }
  return to;
}

void prog_finish(Copy *k) {
  Prog *to = k->to;
  const Region *root = k->from->root;
  for (uint32_t j = 0; j < root->results.n; j++) ir_result(to, copy_ref(k, root->results.at[j]));
  for (uint32_t j = 0; j < k->from->sig.results.n; j++) {
    SigResult s = k->from->sig.results.at[j];
    if (s.ref) s.ref = copy_ref(k, s.ref);
    prog_result(to, s);
  }
  arena_release(to->ctx, k->map, sizeof(Ref) * k->nmap);
  k->map = NULL;
  k->nmap = 0;
}
