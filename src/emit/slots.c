/* slots.c - where each buffer lies.
 *
 * Small arrays of fixed size are C locals.  The others share the workspace: buffers
 * take slices ("slots") in the order in which their lives begin, a slot that is free
 * again first.  A slot's size is a polynomial over the program's parameters; where a
 * size depends on the index of a loop, the slot has room for the largest.  An array
 * whose size has no bound known beforehand is an error in `compile` and is allocated
 * when it is met (gc_temp) by the JIT. */
#include "emit/private.h"

#include <stdlib.h>

bool root_param(const Emit *e, Ref r) {
  return node(e, r)->op == IR_PARAM && region_of(e, r) == e->p->root;
}

/* Can the workspace function compute this int from parameters? */
static bool work_int(const Emit *e, Ref r, int depth) {
  const Node *n = node(e, r);
  if (root_param(e, r)) return n->type->rank == 0 && n->type->elem == ELEM_INT;
  if (n->op == IR_CONST) return n->type->elem == ELEM_INT;
  if (n->op != IR_PRIM || n->type->elem != ELEM_INT || depth > 8) return false;
  switch (n->aux.i) {
    case P_ADD: case P_SUB: case P_MUL: case P_NEG: case P_MAX: case P_MIN: break;
    case P_FLOORDIV: case P_MOD:
      if (divides_by_zero(e, n)) return false;
      break;
    default: return false;
  }
  for (uint32_t k = 0; k < n->nargs; k++)
    if (!work_int(e, n->arg[k], depth + 1)) return false;
  return true;
}

/* ---- bounds -------------------------------------------------------------- */

static Size bound(Emit *e, Size s, int depth);

/* The largest value of an int node, plus at most 1. */
static Size node_bound(Emit *e, Ref r, int depth) {
  const Node *n = node(e, r);
  double d;
  if (depth > 12) return NULL;
  if (work_int(e, r, 0) || n->op == IR_CONST) return size_atom(e->p, r);
  if (n->op == IR_PARAM) {
    const Region *in = region_of(e, r);
    const Node *o = node(e, in->owner);
    uint32_t k = (uint32_t)n->aux.i;
    if (o->op == IR_LOOP) return bound(e, size_atom(e->p, o->arg[k]), depth + 1);
    if (o->op == IR_FOLD && k == 0) return bound(e, size_atom(e->p, o->arg[0]), depth + 1);
    return NULL;
  }
  if (n->op != IR_PRIM) return NULL;
  switch (n->aux.i) {
    case P_FLOORDIV:
      if (!ir_is_const(e->p, n->arg[1], &d) || d < 1) return NULL;
      return bound(e, size_atom(e->p, n->arg[0]), depth + 1);
    case P_MOD: return bound(e, size_atom(e->p, n->arg[1]), depth + 1);
    case P_MIN: {
      Size a = bound(e, size_atom(e->p, n->arg[0]), depth + 1);
      return a ? a : bound(e, size_atom(e->p, n->arg[1]), depth + 1);
    }
    case P_MAX: {
      Size a = bound(e, size_atom(e->p, n->arg[0]), depth + 1);
      Size b = bound(e, size_atom(e->p, n->arg[1]), depth + 1);
      return a && b ? size_add(e->p, a, b) : NULL;
    }
    case P_ADD: case P_SUB: case P_MUL: {
      Size s = size_atom(e->p, r);
      if (s->n == 1 && s->mono[0].n == 1 && s->mono[0].atom[0] == r) return NULL;
      return bound(e, s, depth + 1);
    }
    default: return NULL;
  }
}

/* Sum over monomials: positive ones at the top of what runs, negative ones at 0. */
static Size bound(Emit *e, Size s, int depth) {
  Size sum = size_const(e->p, 0);
  for (uint32_t m = 0; m < s->n; m++) {
    const Mono *t = &s->mono[m];
    Size product = size_const(e->p, 1);
    bool runs = false;
    for (uint32_t k = 0; k < t->n; k++) {
      bool fixed = work_int(e, t->atom[k], 0);
      runs |= !fixed;
      Size b = t->num < 0 && !fixed ? product : node_bound(e, t->atom[k], depth);
      if (!b) return NULL;
      for (uint32_t x = 0; x < t->exp[k] && (fixed || t->num > 0); x++)
        product = size_mul(e->p, product, b);
    }
    if (!runs || t->num > 0) sum = size_add(e->p, sum, size_scale(e->p, product, t->num, t->den));
  }
  return sum;
}

Size size_bound(Emit *e, Size s) {
  return bound(e, s, 0);
}

/* ---- kinds ----------------------------------------------------------------- */

static void list_before(Emit *e, uint32_t b) {
  Info *x = info(e, e->buffers.at[b].first);
  e->buffers.at[b].next_made = x->made_before;
  x->made_before = b;
}

/* What a round of a loop allocates is given back at its end. */
static void mark_scratch(Emit *e, const Region *r) {
  for (; r->owner; r = region_of(e, r->owner)) {
    uint16_t op = node(e, r->owner)->op;
    if (op == IR_LOOP || op == IR_FOLD || op == IR_WHILE) {
      e->scratch[r->id] = true;
      return;
    }
  }
}

static void choose_kind(Emit *e, uint32_t k, int64_t *budget) {
  Buffer *b = &e->buffers.at[k];
  int64_t n;
  if (b->kind == BUF_ROW && b->parent) list_before(e, k);
  if (b->kind != BUF_SLOT || b->from == UINT32_MAX) return;
  if (!b->no_local && !e->cut[b->region->id] && size_is_const(b->size, &n) &&
      n <= LOCAL_MAX && n > 0 && n <= *budget) {
    *budget -= n;
    b->kind = BUF_LOCAL;
    b->next_made = e->locals[b->region->id];
    e->locals[b->region->id] = k;
    return;
  }
  Size bounded = b->room ? b->room : size_bound(e, b->size);
  if (b->room) bounded = size_scale(e->p, bounded, b->nrooms, 1);
  if (bounded) {
    b->size = bounded;
  } else if (!e->f->jit) {
    fail_unknown_size(e->p, node(e, b->root));
  } else {
    b->kind = BUF_TEMP;
    list_before(e, k);
    mark_scratch(e, b->region);
  }
}

/* ---- slots ------------------------------------------------------------------- */

typedef struct Life { uint32_t time, buffer; } Life;

static int by_time(const void *a, const void *b) {
  const Life *x = a, *y = b;
  if (x->time != y->time) return x->time < y->time ? -1 : 1;
  return x->buffer < y->buffer ? -1 : x->buffer > y->buffer;
}

/* Is there room for `need` in a slot of size `have`, perhaps by making it larger? */
static bool fits(Emit *e, Slot *s, Size need) {
  if (s->size == need) return true;
  if (size_nonneg(e->p, size_sub(e->p, s->size, need))) return true;
  if (!size_nonneg(e->p, size_sub(e->p, need, s->size))) return false;
  s->size = need;
  return true;
}

enum { TRIES = 8 };

typedef struct Free { VEC(uint32_t) at; } Free;

static uint32_t take_slot(Emit *e, Free *list, Buffer *b, uint32_t k) {
  uint32_t n = b->most ? 0 : list->at.n;
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t j = 0; j < n && j < TRIES; j++) {
      uint32_t i = n - 1 - j, s = list->at.at[i];
      if (pass ? !fits(e, &e->slots.at[s], b->size) : e->slots.at[s].size != b->size) continue;
      list->at.at[i] = list->at.at[--list->at.n];
      return s;
    }
  Slot s = {.ints = b->ints, .size = b->size, .buffer = k,
            .most = (uint64_t)b->most * (b->room ? b->nrooms : 1)};
  VEC_PUSH(e->c, &e->slots, s);
  return e->slots.n - 1;
}

static void share_slots(Emit *e) {
  uint32_t n = 0, nb = e->buffers.n, done = 0;
  Life *starts = NEWN(e->c, Life, nb), *ends = NEWN(e->c, Life, nb);
  for (uint32_t k = 1; k < nb; k++) {
    Buffer *b = &e->buffers.at[k];
    if (b->kind != BUF_SLOT || b->from == UINT32_MAX) continue;
    b->ints = b->ints || (b->type && b->type->elem != ELEM_REAL);
    starts[n] = (Life){b->from, k};
    ends[n++] = (Life){b->to, k};
  }
  qsort(starts, n, sizeof *starts, by_time);
  qsort(ends, n, sizeof *ends, by_time);
  Free free_slots[2] = {{{0}}, {{0}}};
  for (uint32_t j = 0; j < n; j++) {
    Buffer *b = &e->buffers.at[starts[j].buffer];
    for (; done < n && ends[done].time < b->from; done++) {
      Buffer *old = &e->buffers.at[ends[done].buffer];
      if (!old->most) VEC_PUSH(e->c, &free_slots[old->ints].at, old->index);
    }
    b->index = take_slot(e, &free_slots[b->ints], b, starts[j].buffer);
    e->slots.at[b->index].buffers++;
  }
}

/* ---- the interface -------------------------------------------------------------- */

/* Does the int parameter r bound an array or a loop of the program? */
static bool bounds_something(const Emit *e, Ref r) {
  for (Ref k = 1; k < e->ninfo; k++) {
    if (!info(e, k)->need) continue;
    const Node *n = node(e, k);
    for (uint32_t d = 0; n->type && d < n->type->rank; d++)
      if (size_mentions(n->type->dim[d], r)) return true;
    uint32_t trips = n->op == IR_LOOP ? n->nargs : n->op == IR_FOLD || n->op == IR_WHILE;
    for (uint32_t j = 0; j < trips; j++)
      if (size_mentions(size_atom(e->p, n->arg[j]), r)) return true;
  }
  return false;
}

bool work_param(const Emit *e, const Node *param) {
  const Sig *s = &e->p->sig;
  uint32_t k = (uint32_t)param->aux.i;
  if (param->type->rank || param->type->elem != ELEM_INT) return false;
  return (k < s->params.n && s->params.at[k].is_size) ||
         bounds_something(e, e->p->root->params.at[k]);
}

/* A function of scalars alone has no workspace. */
static bool needs_work(Emit *e) {
  const Region *root = e->p->root;
  if (e->f->jit) return true;
  for (uint32_t k = 0; k < root->params.n; k++) {
    const Node *n = node(e, root->params.at[k]);
    if (n->type->rank || work_param(e, n)) return true;
  }
  for (uint32_t k = 0; k < root->results.n; k++)
    if (root->results.at[k] && is_array(node(e, root->results.at[k]))) return true;
  int64_t total = 0, n;
  for (uint32_t k = 0; k < e->slots.n; k++) {
    if (!size_is_const(e->slots.at[k].size, &n) || n > SCALAR_BUDGET) return true;
    if ((total += n) > SCALAR_BUDGET) return true;
  }
  return false;
}

void plan_slots(Emit *e) {
  int64_t budget = LOCAL_BUDGET;
  e->locals = NEWN(e->c, uint32_t, e->p->regions.n);
  e->scratch = NEWN(e->c, bool, e->p->regions.n);
  for (uint32_t k = e->buffers.n; k-- > 1;) choose_kind(e, k, &budget);
  share_slots(e);
  e->has_work = needs_work(e);
}
