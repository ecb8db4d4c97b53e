/* gather_plan.c - updates whose place follows from the index, and the index from the place.
 *
 * h[i + c] += v and h[(i + c) % n] += v over i: each place gets at most one addition from each
 * such update.  So does h[min(n - 1, i + c)], but for the last place, to which the few rounds
 * beyond it add, too.  A branch taken in a few rounds alone, `if i == 0`, may add anywhere.  All
 * updates of an array in a loop are moved, or none.  What their values are computed from is
 * computed again at each place, or kept in an array where that costs less. */
#include "optimize/gather.h"
#include "optimize/optimize.h"

enum {
  FRAME = 32,           /* elements that a loop does not reach, at most */
  MAX_CONE = 40,
  LIGHT = 4,            /* operations and reads that are not worth an array */
  MAX_WALK = 400,
};

static const Node *loop_of(const Moves *s) { return ir_node(s->p, s->loop); }

static const Region *outside(const Moves *s) { return s->p->regions.at[loop_of(s)->region]; }

/* ---- subscripts ----------------------------------------------------------------------- */

/* d = i + rest or rest - i for one index i of the loop? */
static bool is_line(const Moves *s, Size d, Along *a) {
  Size moving = NULL;
  const Region *body = loop_of(s)->regions[0];
  for (uint32_t k = 0; k < d->n; k++) {
    const Mono *m = &d->mono[k];
    if (m->den != 1) return false;
    for (uint32_t j = 0; j < m->n; j++) {
      const Node *atom = ir_node(s->p, m->atom[j]);
      if (ir_in_scope(s->p, m->atom[j], outside(s))) continue;
      bool single = m->n == 1 && m->exp[0] == 1 && (m->num == 1 || m->num == -1);
      if (moving || !single || atom->op != IR_PARAM || atom->region != body->id) return false;
      a->axis = (uint32_t)atom->aux.i;
      a->back = m->num < 0;
      moving = size_scale(s->p, size_atom(s->p, m->atom[j]), m->num, 1);
    }
  }
  if (moving) a->rest = size_sub(s->p, d, moving);
  return moving != NULL;
}

static Size extent_of(const Moves *s, uint32_t axis) {
  return size_atom(s->p, loop_of(s)->arg[axis]);
}

/* x of max(0, x) and min(dim - 1, x): what is held within the axis. */
static Ref held(const Moves *s, Ref subscript, Size dim, bool *low, bool *high) {
  Prog *p = s->p;
  for (;;) {
    const Node *n = ir_node(p, subscript);
    if (n->op != IR_PRIM || (n->aux.i != P_MAX && n->aux.i != P_MIN)) return subscript;
    Size end = n->aux.i == P_MAX ? size_const(p, 0) : size_sub(p, dim, size_const(p, 1));
    uint32_t k = size_atom(p, n->arg[0]) == end ? 1 : 0;
    if (!k && size_atom(p, n->arg[1]) != end) return subscript;
    *(n->aux.i == P_MAX ? low : high) = true;
    subscript = n->arg[k];
  }
}

/* How many rounds a count comes to, if it is few. */
static bool find_few(Size count, uint32_t *few) {
  int64_t n;
  if (!size_is_const(count, &n) || n > MAX_BEYOND) return false;
  *few = n > 0 ? (uint32_t)n : 0;
  return true;
}

static bool find_beyond(const Moves *s, Size dim, bool low, bool high, Along *a) {
  Prog *p = s->p;
  Size last = size_sub(p, extent_of(s, a->axis), size_const(p, 1));
  Size least = a->back ? size_sub(p, a->rest, last) : a->rest;
  Size most = a->back ? a->rest : size_add(p, a->rest, last);
  Size end = size_sub(p, dim, size_const(p, 1));
  return (!low || find_few(size_scale(p, least, -1, 1), &a->below)) &&
         (!high || find_few(size_sub(p, most, end), &a->above));
}

/* Is it made of what is known outside of the loop alone? */
static bool stands_still(const Moves *s, Size place) {
  for (uint32_t k = 0; k < place->n; k++)
    for (uint32_t j = 0; j < place->mono[k].n; j++)
      if (!ir_in_scope(s->p, place->mono[k].atom[j], outside(s))) return false;
  return true;
}

/* A place of a ring for each round, or of an axis that is hardly longer than the loop. */
static bool find_along(const Moves *s, Ref subscript, Size dim, Along *a) {
  Prog *p = s->p;
  bool low = false, high = false;
  *a = (Along){.place = size_atom(p, subscript)};
  if (stands_still(s, a->place)) return true;
  subscript = held(s, subscript, dim, &low, &high);
  const Node *n = ir_node(p, subscript);
  a->moves = true;
  a->ring = n->op == IR_PRIM && n->aux.i == P_MOD;
  if (a->ring && (size_atom(p, n->arg[1]) != dim || !ir_in_scope(p, n->arg[1], outside(s))))
    return false;
  if (!is_line(s, size_atom(p, a->ring ? n->arg[0] : subscript), a)) return false;
  Size extent = extent_of(s, a->axis), beyond = size_sub(p, extent, dim);
  if (a->ring) return extent == dim && !low && !high;
  return find_beyond(s, dim, low, high, a) &&
         size_nonneg(p, size_add(p, beyond, size_const(p, FRAME)));
}

/* Does x < y hold in the rounds i < *t of an axis, or, where `*from`, in the rounds i >= *t? */
static bool find_threshold(const Moves *s, Size x, Size y, Along *a, Size *t, bool *from) {
  Prog *p = s->p;
  if (!is_line(s, size_sub(p, x, y), a)) return false;
  *from = a->back;
  *t = a->back ? size_add(p, a->rest, size_const(p, 1)) : size_scale(p, a->rest, -1, 1);
  return true;
}

/* The few rounds of an axis in which a branch is taken: one, or those at an end. */
static bool find_rounds(const Moves *s, Ref condition, bool taken, Along *a) {
  Prog *p = s->p;
  const Node *n = ir_node(p, condition);
  Size t;
  bool from;
  if (n->op != IR_PRIM || n->nargs != 2 || ir_type(p, n->arg[0])->elem != ELEM_INT) return false;
  Size x = size_atom(p, n->arg[0]), y = size_atom(p, n->arg[1]);
  switch (n->aux.i) {
    case P_EQ: case P_NE:
      if (taken != (n->aux.i == P_EQ) || !is_line(s, size_sub(p, x, y), a)) return false;
      a->round = a->back ? a->rest : size_scale(p, a->rest, -1, 1);
      a->only = 1;
      return true;
    case P_LT: case P_GE:
      if (!find_threshold(s, x, y, a, &t, &from)) return false;
      break;
    case P_GT: case P_LE:
      if (!find_threshold(s, y, x, a, &t, &from)) return false;
      break;
    default: return false;
  }
  from ^= taken != (n->aux.i == P_LT || n->aux.i == P_GT);
  a->round = from ? t : size_const(p, 0);
  return find_few(from ? size_sub(p, extent_of(s, a->axis), t) : t, &a->only) && a->only;
}

/* An axis that no subscript moves with, if a branch leaves few of its rounds. */
static bool find_held(const Moves *s, const Move *m, const bool *used, Along *a) {
  for (uint32_t k = 0; k < m->nbranch; k++) {
    Along x = {.moves = true, .place = a->place};
    if (!find_rounds(s, ir_node(s->p, m->branch[k])->arg[0], m->taken[k], &x) || used[x.axis])
      continue;
    *a = x;
    return true;
  }
  return false;
}

/* Each index of the loop moves one subscript, or is that of few rounds. */
static bool find_place(const Moves *s, Move *m) {
  const Node *n = ir_node(s->p, m->upd);
  const Type *array = ir_type(s->p, n->arg[0]);
  bool used[MAX_RANK] = {false};
  uint32_t found = 0;
  if (n->nargs != array->rank + 2u || n->flags & NODE_CHECKED) return false;
  for (uint32_t k = 0; k < array->rank; k++) {
    Along *a = &m->along[k];
    if (!find_along(s, n->arg[k + 2], array->dim[k], a)) return false;
    if (!a->moves) continue;
    if (used[a->axis]) return false;
    used[a->axis] = true;
    found++;
  }
  for (uint32_t k = 0; k < array->rank && found < loop_of(s)->nargs; k++) {
    Along *a = &m->along[k];
    if (a->moves || !find_held(s, m, used, a)) continue;
    used[a->axis] = true;
    found++;
  }
  return found == loop_of(s)->nargs;
}

/* Does the update stand where accumulate.c sees it: at the indices themselves? */
static bool is_plain(const Moves *s, const Move *m) {
  const Type *array = ir_type(s->p, ir_node(s->p, m->upd)->arg[0]);
  if (m->nbranch) return false;
  for (uint32_t k = 0; k < array->rank; k++) {
    const Along *a = &m->along[k];
    int64_t rest;
    if (!a->moves) continue;
    if (a->ring || a->back || a->round || !size_is_const(a->rest, &rest) || rest) return false;
    if (extent_of(s, a->axis) != array->dim[k]) return false;
  }
  return true;
}

/* Does it stand at an index of its own but for the branches around it? */
static bool is_shifted(const Moves *s, const Move *m) {
  Move bare = *m;
  bare.nbranch = 0;
  return !is_plain(s, &bare);
}

/* ---- collecting ---------------------------------------------------------------------------- */

/* Handles that are not for this pass. */
typedef struct Search { Moves *s; Refs refused; uint32_t walked; } Search;

static void refuse(Search *x, Ref handle) {
  if (!refs_have(&x->refused, handle)) VEC_PUSH(x->s->p->ctx, &x->refused, handle);
}

static void refuse_all(Search *x, const Node *n) {
  for (uint32_t k = 0; k < n->nfree; k++) {
    const Type *t = ir_type(x->s->p, n->free[k]);
    if (t && t->acc) refuse(x, n->free[k]);
  }
}

/* As how many moves it counts by one subscript. */
static uint32_t count_rounds(const Along *a) {
  return a->only ? a->only : 1 + a->below + a->above;
}

/* Number `which` of these; of those held within the array the first is for all others. */
static void choose_round(const Moves *s, Along *a, Size dim, uint32_t which) {
  Prog *p = s->p;
  if (a->only) a->round = size_add(p, a->round, size_const(p, which));
  if (a->only || !which--) return;
  bool low = which < a->below;
  int64_t by = low ? -1 - (int64_t)which : 1 + (int64_t)(which - a->below);
  a->place = low ? size_const(p, 0) : size_sub(p, dim, size_const(p, 1));
  Size at = size_add(p, a->place, size_const(p, by));
  a->round = a->back ? size_sub(p, a->rest, at) : size_sub(p, at, a->rest);
}

/* The update as moves, subscripts from k on yet to be chosen. */
static void add_moves(Moves *s, const Move *m, uint32_t k) {
  const Type *array = ir_type(s->p, ir_node(s->p, m->upd)->arg[0]);
  if (k == array->rank) {
    VEC_PUSH(s->p->ctx, &s->all, *m);
    return;
  }
  for (uint32_t j = 0; j < count_rounds(&m->along[k]); j++) {
    Move one = *m;
    choose_round(s, &one.along[k], array->dim[k], j);
    add_moves(s, &one, k + 1);
  }
}

static uint32_t count_moves(const Move *m, uint32_t rank) {
  uint32_t n = 1;
  for (uint32_t k = 0; k < rank && n <= MAX_MOVES; k++)
    n *= count_rounds(&m->along[k]);
  return n;
}

static void note_update(Search *x, Ref r, const Move *around) {
  Moves *s = x->s;
  const Node *n = ir_node(s->p, r);
  Move m = *around;
  m.upd = r;
  if (!ir_in_scope(s->p, n->arg[0], outside(s)) || ir_type(s->p, n->arg[1])->rank ||
      !find_place(s, &m) || s->all.n + count_moves(&m, n->nargs - 2) > MAX_MOVES)
    refuse(x, n->arg[0]);
  else
    add_moves(s, &m, 0);
}

static void collect(Search *x, const Region *r, const Move *around) {
  Prog *p = x->s->p;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref at = r->nodes.at[k];
    const Node *n = ir_node(p, at);
    x->walked++;
    if (n->op == IR_UPD) note_update(x, at, around);
    if (!n->nregions) continue;
    if (n->op != IR_IF || around->nbranch == MAX_BRANCHES) {
      refuse_all(x, n);
      continue;
    }
    for (uint32_t j = 0; j < 2; j++) {
      Move inside = *around;
      inside.branch[inside.nbranch] = at;
      inside.taken[inside.nbranch++] = j == 0;
      collect(x, n->regions[j], &inside);
    }
  }
}

/* ---- values ------------------------------------------------------------------------- */

static bool is_known(const Moves *s, Ref r) {
  const Node *n = ir_node(s->p, r);
  return n->op == IR_PARAM || n->op == IR_CONST || ir_in_scope(s->p, r, outside(s));
}

static bool is_cheap(const Prog *p, const Node *n) {
  switch (n->op) {
    case IR_TOREAL: return true;
    case IR_READ: return !(n->flags & NODE_CHECKED) && n->type->rank == 0;
    case IR_PRIM: return n->type->elem == ELEM_INT || n->aux.i == P_DIV ||
                         pass_cheap(p, n);
    default: return false;
  }
}

/* How many moved updates at different places look at each node of the loop, by Ref from `first`
 * on: found in a walk of the cone from each. */
typedef struct Values {
  Moves *s;
  Ref first;
  uint32_t *users, *mark;
  uint32_t stamp;
  bool fits;
} Values;

static bool same_place(const Moves *s, const Move *a, const Move *b) {
  const Node *x = ir_node(s->p, a->upd), *y = ir_node(s->p, b->upd);
  if (x->nargs != y->nargs) return false;
  for (uint32_t k = 2; k < x->nargs; k++)
    if (x->arg[k] != y->arg[k]) return false;
  return true;
}

static void count(Values *v, Ref r) {
  const Node *n = ir_node(v->s->p, r);
  if (is_known(v->s, r) || v->mark[r - v->first] == v->stamp) return;
  v->mark[r - v->first] = v->stamp;
  v->users[r - v->first]++;
  if (n->nregions || n->op == IR_PROJ) return;
  for (uint32_t k = 0; k < n->nargs; k++) count(v, n->arg[k]);
}

/* Operations on reals, and reads, if it is computed again; more than `most` are not told apart. */
static uint32_t weight(Values *v, Ref r, uint32_t most) {
  const Node *n = ir_node(v->s->p, r);
  uint32_t w = 1;
  if (is_known(v->s, r)) return 0;
  if (!is_cheap(v->s->p, n) || n->op == IR_READ || refs_have(&v->s->stored, r)) return w;
  if (n->type->elem == ELEM_INT) return 0;
  for (uint32_t k = 0; k < n->nargs && w <= most; k++) w += weight(v, n->arg[k], most - w);
  return w;
}

static void store(Values *v, Ref r) {
  Moves *s = v->s;
  const Node *n = ir_node(s->p, r);
  if (n->region != loop_of(s)->regions[0]->id || !n->type || n->type->rank || n->type->acc ||
      s->stored.n == MAX_STORED)
    v->fits = false;
  else
    refs_insert(s->p->ctx, &s->stored, r);
}

/* What r is made of, operands first: light values are computed again, others are stored. */
static void settle(Values *v, Ref r, Move *m) {
  Moves *s = v->s;
  const Node *n = ir_node(s->p, r);
  bool literal = n->op == IR_CONST && !ir_in_scope(s->p, r, outside(s));
  if (!v->fits || refs_have(&s->stored, r) || refs_have(&m->cone, r)) return;
  if (!literal && is_known(s, r)) return;
  if (!literal && !is_cheap(s->p, n)) {
    store(v, r);
    return;
  }
  for (uint32_t k = 0; k < n->nargs; k++) settle(v, n->arg[k], m);
  if (v->users[r - v->first] > 1 && n->type->elem == ELEM_REAL && weight(v, r, LIGHT + 1) > LIGHT &&
      n->region == loop_of(s)->regions[0]->id) {
    store(v, r);
    return;
  }
  if (m->cone.n == MAX_CONE) v->fits = false;
  else refs_insert(s->p->ctx, &m->cone, r);
}

static void settle_move(Values *v, Move *m) {
  m->cone = (Refs){0};
  for (uint32_t k = 0; k < m->nbranch; k++) settle(v, ir_node(v->s->p, m->branch[k])->arg[0], m);
  settle(v, ir_node(v->s->p, m->upd)->arg[1], m);
}

static bool find_values(Moves *s) {
  Values v = {.s = s, .first = loop_of(s)->regions[0]->params.at[0], .fits = true};
  const uint32_t inside = s->loop - v.first;
  v.users = NEWN(s->p->ctx, uint32_t, inside);
  v.mark = NEWN(s->p->ctx, uint32_t, inside);
  for (uint32_t k = 0; k < s->all.n; k++) {
    uint32_t first = 0;
    while (!same_place(s, &s->all.at[first], &s->all.at[k])) first++;
    v.stamp = first + 1;
    count(&v, ir_node(s->p, s->all.at[k].upd)->arg[1]);
  }
  for (uint32_t k = 0; k < s->all.n && v.fits; k++) settle_move(&v, &s->all.at[k]);
  for (uint32_t k = 0; k < s->all.n && v.fits; k++) settle_move(&v, &s->all.at[k]);
  arena_release(s->p->ctx, v.users, sizeof *v.users * inside);
  arena_release(s->p->ctx, v.mark, sizeof *v.mark * inside);
  return v.fits;
}

/* ---- all of it ---------------------------------------------------------------------- */

static bool any_shifted(const Moves *s, Ref handle) {
  for (uint32_t k = 0; k < s->all.n; k++)
    if (ir_node(s->p, s->all.at[k].upd)->arg[0] == handle && is_shifted(s, &s->all.at[k]))
      return true;
  return false;
}

/* Leaves what an array is for which all can be moved, and something is gained. */
static void choose(Search *x) {
  Moves *s = x->s;
  uint32_t kept = 0;
  for (uint32_t k = 0; k < s->all.n; k++) {
    Ref handle = ir_node(s->p, s->all.at[k].upd)->arg[0];
    if (!refs_have(&x->refused, handle) && !any_shifted(s, handle)) refuse(x, handle);
  }
  for (uint32_t k = 0; k < s->all.n; k++)
    if (!refs_have(&x->refused, ir_node(s->p, s->all.at[k].upd)->arg[0]))
      s->all.at[kept++] = s->all.at[k];
  s->all.n = kept;
}

/* A literal loop is short, or will be written out. */
static bool is_long(const Moves *s) {
  int64_t n;
  for (uint32_t k = 0; k < loop_of(s)->nargs; k++)
    if (size_is_const(extent_of(s, k), &n) && n < FRAME) return false;
  return true;
}

Moves *find_moves(Prog *p, Ref loop) {
  const Node *n = ir_node(p, loop);
  if (n->op != IR_LOOP || !n->nargs || n->flags & NODE_IO || !ir_has_effect(p, loop)) return NULL;
  Moves *s = NEW(p->ctx, Moves);
  s->p = p;
  s->loop = loop;
  if (!is_long(s)) return NULL;
  Search x = {.s = s};
  collect(&x, n->regions[0], &(Move){0});
  choose(&x);
  return s->all.n && x.walked < MAX_WALK && find_values(s) ? s : NULL;
}
