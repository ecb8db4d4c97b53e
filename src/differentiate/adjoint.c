/* adjoint.c - where adjoints are kept while a level is swept. */
#include "differentiate/reverse.h"

static Sink *sink_of(const Level *l, Ref r) {
  Sink *s;
  HASH_FIND(hh, l->sinks, &r, sizeof r, s);
  return s;
}

static bool outer_active(const void *self, Ref r) {
  const Level *l = self;
  return l->in_line ? level_active(l->parent, r) : sink_of(l, r) != NULL;
}

bool level_active(const Level *l, Ref r) { return is_active(&l->act, r); }

void level_begin(Reverse *v, Level *l, Level *parent, bool in_line) {
  *l = (Level){.parent = parent, .in_line = in_line};
  l->act.p = v->p;
  l->act.lo = v->p->nnodes;
  l->act.hi = l->act.lo - 1;
}

/* Room for the adjoints and marks of the nodes built since. */
static void level_slots(Reverse *v, Level *l) {
  l->act.hi = v->p->nnodes - 1;
  size_t span = (size_t)l->act.hi + 1 - l->act.lo;
  l->act.outer = outer_active;
  l->act.self = l;
  l->act.active = NEWN(v->p->ctx, uint8_t, span + 1);
  l->slot = NEWN(v->p->ctx, Slot, span + 1);
}

void level_ready(Reverse *v, Level *l, const Region *region) {
  level_slots(v, l);
  l->act.nx = l->variables.n;
  l->act.x = l->variables.at;
  uint32_t first = region->nodes.n;
  while (first > 0 && region->nodes.at[first - 1] >= l->act.lo) first--;
  for (uint32_t i = first; i < region->nodes.n; i++) activity_of_node(&l->act, region->nodes.at[i]);
}

Ref add_values(Prog *p, Ref a, Ref b) {
  return ir_type(p, a)->rank ? ir_map2(p, P_ADD, a, b) : ir_add(p, a, b);
}

/* The level that keeps the adjoint of `node`; NULL when nothing flows there. */
static Level *home_of(Level *l, Ref node) {
  for (; l; l = l->parent) {
    if (node >= l->act.lo && node <= l->act.hi)
      return l->act.active[node - l->act.lo] ? l : NULL;
    if (!l->in_line) return sink_of(l, node) ? l : NULL;
  }
  return NULL;
}

static Slot *local_slot(Level *home, Ref node) {
  bool local = node >= home->act.lo && node <= home->act.hi;
  return local ? &home->slot[node - home->act.lo] : NULL;
}

void add_adjoint(Reverse *v, Level *l, Ref node, Ref g) {
  Level *home = g ? home_of(l, node) : NULL;
  if (!home) return;
  Slot *slot = local_slot(home, node);
  if (slot) {
    slot->dense = slot->dense ? add_values(v->p, g, slot->dense) : g;
    return;
  }
  Sink *s = sink_of(home, node);
  if (s->handle) ir_upd(v->p, s->handle, g, 0, NULL, false);
  else s->sum = s->sum ? ir_add(v->p, g, s->sum) : g;
}

void add_adjoint_at(Reverse *v, Level *l, Ref node, Ref g, uint32_t n, const Ref *index,
                    bool checked) {
  Level *home = g ? home_of(l, node) : NULL;
  if (!home) return;
  Slot *slot = local_slot(home, node);
  if (!slot) {
    ir_upd(v->p, sink_of(home, node)->handle, g, n, index, checked);
    return;
  }
  Ref *copy = NEWN(v->p->ctx, Ref, n);
  for (uint32_t i = 0; i < n; i++) copy[i] = index[i];
  VEC_PUSH(v->p->ctx, &v->pending, ((Pending){g, n, copy, slot->pending, checked}));
  slot->pending = v->pending.n;
}

Ref take_adjoint(Reverse *v, Level *l, Ref node) {
  Prog *p = v->p;
  Slot *slot = &l->slot[node - l->act.lo];
  if (!slot->pending) return slot->dense;
  const Type *t = ir_type(p, node);
  Ref init = slot->dense ? slot->dense : ir_zero(p, t);
  Region *r = ir_begin(p);
  Ref handle = ir_param(p, type_acc(p, t));
  for (uint32_t k = slot->pending; k; k = v->pending.at[k - 1].next) {
    Pending u = v->pending.at[k - 1];
    ir_upd(p, handle, u.v, u.n, u.index, u.checked);
  }
  ir_end(p);
  slot->pending = 0;
  slot->dense = ir_out(p, ir_accum(p, 1, &init, r), 0);
  return slot->dense;
}

/* Is every pending update one of an element, and are they few? */
static bool few_elements(const Reverse *v, const Slot *slot, uint32_t rank) {
  enum { FEW = 8 };
  uint32_t n = 0;
  for (uint32_t k = slot->pending; k; k = v->pending.at[k - 1].next)
    if (++n > FEW || v->pending.at[k - 1].n != rank) return false;
  return true;
}

/* Its own derivative can then restore the array element by element. */
Ref take_carried(Reverse *v, Level *l, Ref node) {
  Prog *p = v->p;
  Slot *slot = &l->slot[node - l->act.lo];
  bool brought = slot->dense && ir_node(p, slot->dense)->op == IR_WITH;
  if (!brought || !few_elements(v, slot, ir_type(p, node)->rank)) return take_adjoint(v, l, node);
  Ref a = slot->dense;
  for (uint32_t k = slot->pending; k; k = v->pending.at[k - 1].next) {
    Pending u = v->pending.at[k - 1];
    Ref sum = ir_add(p, u.v, ir_read(p, a, u.n, u.index, u.checked));
    a = ir_with(p, a, sum, u.n, u.index, u.checked);
  }
  slot->pending = 0;
  return slot->dense = a;
}

/* Made whole here, elements would be added to the other's array as a whole array.  They stay
 * with `from`, too: its adjoint may be asked for. */
bool pass_adjoint(Reverse *v, Level *l, Ref from, Ref to) {
  Slot *slot = &l->slot[from - l->act.lo];
  Level *home = slot->pending ? home_of(l, to) : NULL;
  Slot *target = home ? local_slot(home, to) : NULL;
  if (!target) return false;
  uint32_t next = 0;
  for (uint32_t k = slot->pending; k; k = next) {
    Pending u = v->pending.at[k - 1];
    next = u.next;
    VEC_PUSH(v->p->ctx, &v->pending, ((Pending){u.v, u.n, u.index, target->pending, u.checked}));
    target->pending = v->pending.n;
  }
  if (slot->dense) add_adjoint(v, l, to, slot->dense);
  return true;
}

/* ---- what a structure takes from outside ---- */

static void frees_collect(Reverse *v, Level *l, const Node *n, Frees *f) {
  Ctx *c = v->p->ctx;
  *f = (Frees){0};
  f->array = NEWN(c, Ref, n->nfree + 1);
  f->home = NEWN(c, Level *, n->nfree + 1);
  f->handle = NEWN(c, Ref, n->nfree + 1);
  f->scalar = NEWN(c, Ref, n->nfree + 1);
  for (uint32_t i = 0; i < n->nfree; i++) {
    Ref r = copy_ref(v->replay, n->free[i]);
    const Type *t = ir_type(v->p, r);
    if (!t || t->acc || t->elem != ELEM_REAL) continue;
    Level *home = home_of(l, r);
    if (!home) continue;
    if (!t->rank) { f->scalar[f->nscalars++] = r; continue; }
    f->array[f->narrays] = r;
    f->home[f->narrays++] = home;
  }
}

bool frees_open(Reverse *v, Level *l, const Node *n, Frees *f) {
  Prog *p = v->p;
  frees_collect(v, l, n, f);
  Ref *init = NEWN(p->ctx, Ref, f->narrays + 1);
  for (uint32_t k = 0; k < f->narrays; k++) {
    Slot *slot = local_slot(f->home[k], f->array[k]);
    if (!slot) { f->handle[k] = sink_of(f->home[k], f->array[k])->handle; continue; }
    Ref sofar = take_adjoint(v, f->home[k], f->array[k]);
    init[f->nopened++] = sofar ? sofar : ir_zero(p, ir_type(p, f->array[k]));
  }
  if (!f->nopened) return f->narrays + f->nscalars > 0;
  f->scope = ir_begin(p);
  for (uint32_t k = 0, j = 0; k < f->narrays; k++)
    if (!f->handle[k]) {
      f->handle[k] = ir_param(p, type_acc(p, ir_type(p, f->array[k])));
      f->home[k]->slot[f->array[k] - f->home[k]->act.lo].dense = init[j++];
    }
  return true;
}

void frees_sinks(Reverse *v, const Frees *f, Level *child) {
  Ctx *hash_ctx = v->p->ctx;
  for (uint32_t k = 0; k < f->narrays + f->nscalars; k++) {
    Sink *s = NEW(hash_ctx, Sink);
    s->node = k < f->narrays ? f->array[k] : f->scalar[k - f->narrays];
    s->handle = k < f->narrays ? f->handle[k] : 0;
    HASH_ADD(hh, child->sinks, node, sizeof s->node, s);
  }
}

void frees_scalar_sums(Reverse *v, const Frees *f, Level *child, Ref *sum) {
  for (uint32_t k = 0; k < f->nscalars; k++) {
    Ref s = sink_of(child, f->scalar[k])->sum;
    sum[k] = s ? s : ir_real(v->p, 0);
  }
}

void frees_close(Reverse *v, Frees *f, uint32_t nextra, Ref *extra) {
  Prog *p = v->p;
  if (!f->scope) return;
  for (uint32_t k = 0; k < nextra; k++) ir_result(p, extra[k]);
  ir_end(p);
  Ref *init = NEWN(p->ctx, Ref, f->nopened), *where = NEWN(p->ctx, Ref, f->nopened);
  uint32_t j = 0;
  for (uint32_t k = 0; k < f->narrays; k++) {
    Slot *slot = local_slot(f->home[k], f->array[k]);
    if (!slot) continue;
    where[j] = k;
    init[j++] = slot->dense;
  }
  Ref accum = ir_accum(p, f->nopened, init, f->scope);
  for (j = 0; j < f->nopened; j++)
    local_slot(f->home[where[j]], f->array[where[j]])->dense = ir_out(p, accum, j);
  for (uint32_t k = 0; k < nextra; k++) extra[k] = ir_out(p, accum, f->nopened + k);
}

void frees_hand_out(Reverse *v, Level *l, Frees *f, Ref made) {
  Ref *sum = NEWN(v->p->ctx, Ref, f->nscalars + 1);
  for (uint32_t k = 0; k < f->nscalars; k++) sum[k] = ir_out(v->p, made, k);
  frees_close(v, f, f->nscalars, sum);
  for (uint32_t k = 0; k < f->nscalars; k++) add_adjoint(v, l, f->scalar[k], sum[k]);
}
