/* reverse.c - reverse mode: one walk backwards over a level, from each node's adjoint to
 * its operands'.  See reverse.h for the terms.
 *
 * Source: redundant execution as in Schenck, Rønning, Henriksen, Oancea, "AD for an Array
 * Language with Nested Parallelism", SC 2022. */
#include "differentiate/reverse.h"

static void reverse_prim(Reverse *v, Level *l, Ref r, Ref g) {
  const Node *n = ir_node(v->p, r);
  for (uint32_t k = 0; k < n->nargs; k++)
    if (level_active(l, n->arg[k])) add_adjoint(v, l, n->arg[k], rule_times_partial(v->p, r, k, g));
}

static void reverse_with(Reverse *v, Level *l, const Node *n, Ref g) {
  Prog *p = v->p;
  uint32_t nidx = n->nargs - 2;
  bool checked = n->flags & NODE_CHECKED;
  if (level_active(l, n->arg[1]))
    add_adjoint(v, l, n->arg[1], ir_read(p, g, nidx, n->arg + 2, checked));
  if (level_active(l, n->arg[0])) {
    Ref zero = ir_zero(p, ir_type(p, n->arg[1]));
    add_adjoint(v, l, n->arg[0], ir_with(p, g, zero, nidx, n->arg + 2, checked));
  }
}

static void reverse_stack(Reverse *v, Level *l, const Node *n, Ref g) {
  for (uint32_t k = 0; k < n->nargs; k++) {
    Ref at = ir_int(v->p, k);
    if (level_active(l, n->arg[k])) add_adjoint(v, l, n->arg[k], ir_read(v->p, g, 1, &at, false));
  }
}

/* The sum of all elements of an array. */
static Ref sum_of(Prog *p, Ref a) {
  const Type *t = ir_type(p, a);
  if (!t->rank) return a;
  Ref extent[MAX_RANK], index[MAX_RANK];
  for (uint32_t k = 0; k < t->rank; k++) extent[k] = ir_extent(p, a, k);
  Region *r = ir_begin_loop(p, t->rank, extent, index);
  ir_result(p, ir_read(p, a, t->rank, index, false));
  ir_end(p);
  return ir_out(p, ir_loop(p, t->rank, extent, r, (Combiner[]){SUM}), 0);
}

Ref scale_value(Prog *p, Ref g, Ref s) {
  const Type *t = ir_type(p, g);
  if (!t->rank) return rule_times(p, g, s);
  Ref factor = ir_type(p, s)->rank ? s : ir_fill(p, s, t);
  return ir_map2(p, P_MUL, g, factor);
}

static void add_result_adjoint(Reverse *v, Level *l, const Node *proj, Ref g) {
  Ref s = proj->arg[0];
  if (s < l->act.lo || s > l->act.hi) return;
  Slot *slot = &l->slot[s - l->act.lo];
  if (!slot->result) slot->result = NEWN(v->p->ctx, Ref, ir_node(v->p, s)->nresults);
  Ref *sum = &slot->result[proj->aux.i];
  *sum = *sum ? add_values(v->p, g, *sum) : g;
}

/* A variable that stands in for a result of a kept loop, which is reversed when the
 * first of its stand-ins is reached. */
static bool reverse_standin(Reverse *v, Level *l, Ref r) {
  StandIn *s;
  HASH_FIND(hh, l->standins, &r, sizeof r, s);
  if (!s) return false;
  s->kept->result[s->result] = take_adjoint(v, l, r);
  if (s->kept->first == r) reverse_structured(v, l, 0, s->kept->source, s->kept->result);
  return true;
}

static void reverse_value(Reverse *v, Level *l, Ref r, Ref g) {
  const Node *n = ir_node(v->p, r);
  switch (n->op) {
  case IR_PRIM: reverse_prim(v, l, r, g); break;
  case IR_READ:
    add_adjoint_at(v, l, n->arg[0], g, n->nargs - 1, n->arg + 1, n->flags & NODE_CHECKED);
    break;
  case IR_WITH: reverse_with(v, l, n, g); break;
  case IR_STACK: reverse_stack(v, l, n, g); break;
  case IR_RESHAPE: add_adjoint(v, l, n->arg[0], ir_reshape(v->p, g, ir_type(v->p, n->arg[0]))); break;
  case IR_FILL: add_adjoint(v, l, n->arg[0], sum_of(v->p, g)); break;
  case IR_VAR: case IR_TIE: add_adjoint(v, l, n->arg[0], g); break;
  case IR_SCALE: add_adjoint(v, l, n->arg[0], scale_value(v->p, g, n->arg[1])); break;
  case IR_STRAIGHT: add_adjoint(v, l, n->arg[1], g); break;
  case IR_PROJ: add_result_adjoint(v, l, n, g); break;
  default: break;
  }
}

static bool has_free_handle(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  for (uint32_t i = 0; i < n->nfree; i++)
    if (ir_type(p, n->free[i]) && ir_type(p, n->free[i])->acc) return true;
  return false;
}

static void sweep_structured(Reverse *v, Level *l, Ref r) {
  Ref source = l->source && l->source[r - l->act.lo] ? l->source[r - l->act.lo] : r;
  Ref *g = l->slot[r - l->act.lo].result;
  if (!g && !has_free_handle(v->p, source)) return;
  if (!g) g = NEWN(v->p->ctx, Ref, ir_node(v->p, r)->nresults + 1);
  v->p->pos = ir_node(v->p, r)->pos;
  reverse_structured(v, l, r, source, g);
}

void sweep(Reverse *v, Level *l) {
  for (Ref r = l->act.hi; r >= l->act.lo; r--) {
    Slot *slot = &l->slot[r - l->act.lo];
    if (slot->result || (l->source && l->source[r - l->act.lo])) {
      sweep_structured(v, l, r);
      continue;
    }
    if (l->standins && reverse_standin(v, l, r)) continue;
    const Node *n = ir_node(v->p, r);
    bool alias = (n->op == IR_VAR || n->op == IR_TIE) && !is_held(&l->act, r);
    if (alias && pass_adjoint(v, l, r, n->arg[0])) continue;
    Ref g = take_adjoint(v, l, r);
    if (!g) continue;
    v->p->pos = ir_node(v->p, r)->pos;
    if (!is_held(&l->act, r)) reverse_value(v, l, r, g);
  }
}

static void seed_update(Reverse *v, Level *l, const Node *n) {
  Ref g = handle_value(v->handles, n->arg[0]);
  Ref value = copy_ref(v->replay, n->arg[1]);
  if (!g || !level_active(l, value)) return;
  uint32_t nidx = n->nargs - 2;
  Ref *index = NEWN(v->p->ctx, Ref, nidx + 1);
  for (uint32_t k = 0; k < nidx; k++) index[k] = copy_ref(v->replay, n->arg[k + 2]);
  add_adjoint(v, l, value, nidx ? ir_read(v->p, g, nidx, index, n->flags & NODE_CHECKED) : g);
}

void seed_updates(Reverse *v, Level *l, const Region *region) {
  for (uint32_t i = region->nodes.n; i-- > 0;) {
    Ref r = region->nodes.at[i];
    const Node *n = ir_node(v->p, r);
    if (n->op == IR_UPD) seed_update(v, l, n);
    else if (n->nregions && n->nresults == 0 && has_free_handle(v->p, r))
      reverse_structured(v, l, 0, r, NULL);
  }
}

void diff_reverse(Prog *p, uint32_t ny, const Ref *y, const Ref *seed, uint32_t nx,
                  const Ref *x, uint32_t nheld, const Ref *held, Ref *out) {
  Span pos = p->pos;
  bool was_derivative = p->derivative;
  Reverse v = {.p = p, .replay = replay_of(p)};
  Level top = {0};
  activity_of_results(&top.act, p, ny, y, nx, x, nheld, held);
  size_t span = (size_t)top.act.hi + 1 - top.act.lo;
  top.slot = NEWN(p->ctx, Slot, span + 1);
  p->derivative = true;
  for (uint32_t k = 0; k < ny; k++) add_adjoint(&v, &top, y[k], seed[k]);
  sweep(&v, &top);
  for (uint32_t k = 0; k < nx; k++) {
    bool reached = x[k] >= top.act.lo && x[k] <= top.act.hi;
    Ref g = reached ? take_adjoint(&v, &top, x[k]) : 0;
    bool connected = false;
    for (uint32_t j = 0; j < ny && !g && !connected; j++)
      connected = diff_reaches(p, y[j], x[k], nheld, held, NULL);
    out[k] = g ? g : connected ? ir_zero(p, ir_type(p, x[k])) : 0;
  }
  arena_release(p->ctx, top.slot, sizeof(Slot) * (span + 1));
  p->derivative = was_derivative;
  p->pos = pos;
}
