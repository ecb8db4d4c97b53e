/* gather.c - what a loop scatters by its index is collected by place.
 *
 *   loop(n) (i) { … h[(i + 1) % n] += v(i) … }
 *
 * becomes a loop over the places, behind it:
 *
 *   loop(n) (m) { h[m] += v((m - 1) % n) }
 *
 * and h[i + 1] += v(i) over fewer rounds than places h[m] += if m >= 1 then v(m - 1) else 0.  So
 * no two rounds add to one element, the accumulator becomes a plain array (accumulate.c), and
 * the questions of m have one answer nearly everywhere (ranges.c).  Of h[min(n - 1, i + 1)] += v(i)
 * the last place gets what the last round adds, besides: if m == n - 1 then v(n - 1) else 0.
 * Reverse mode scatters so for every x[i + 1] of a stencil.
 *
 * Requires: barriers gone; subscripts in range where they are not checked.  Additions to one
 * element come in the order of the updates in the body instead of that of the rounds. */
#include "optimize/gather.h"
#include "optimize/optimize.h"

typedef struct State { const Moves *moves; bool collecting; } State;

/* ---- indices -------------------------------------------------------------------------- */

static Size map_size(Rewrite *w, Size s) { return size_map(w->k.to, s, pass_image, &w->k); }

/* x of x mod ring, or NULL. */
static Size turned_by(Prog *p, const Mono *m, Ref ring) {
  const Node *n = m->n == 1 && m->exp[0] == 1 && m->den == 1 ? ir_node(p, m->atom[0]) : NULL;
  bool turned = n && n->op == IR_PRIM && n->aux.i == P_MOD && n->arg[1] == ring;
  return turned ? size_atom(p, n->arg[0]) : NULL;
}

/* s mod ring, whole turns left out of s: ((m - 1) % n + 1) % n is m % n. */
static Ref on_ring(Prog *p, Size s, Ref ring) {
  Size left = size_const(p, 0);
  for (uint32_t k = 0; k < s->n; k++) {
    const Mono *m = &s->mono[k];
    Size turned = turned_by(p, m, ring);
    bool whole = m->n == 1 && m->exp[0] == 1 && m->den == 1 && m->atom[0] == ring;
    if (turned) {
      left = size_add(p, left, size_scale(p, turned, m->num, 1));
    } else if (!whole) {
      Size term = size_scale(p, size_const(p, m->num), 1, m->den);
      for (uint32_t a = 0; a < m->n; a++)
        for (uint32_t e = 0; e < m->exp[a]; e++) term = size_mul(p, term, size_atom(p, m->atom[a]));
      left = size_add(p, left, term);
    }
  }
  return ir_prim2(p, P_MOD, size_node(p, left), ring);
}

/* The round that adds to place m. */
static Ref round_of(Rewrite *w, const Along *a, Ref m, Size dim) {
  Prog *to = w->k.to;
  if (a->round) return size_node(to, map_size(w, a->round));
  Size rest = map_size(w, a->rest), at = size_atom(to, m);
  Size round = a->back ? size_sub(to, rest, at) : size_sub(to, at, rest);
  return a->ring ? on_ring(to, round, size_node(to, dim)) : size_node(to, round);
}

/* ---- values ----------------------------------------------------------------------------- */

static Ref zero(Prog *to) { return ir_real(to, 0); }

/* The value in the branches from number k on. */
static Ref chosen(Rewrite *w, const Move *m, uint32_t k) {
  Prog *to = w->k.to;
  const Node *upd = ir_node(w->k.from, m->upd);
  Region cone = {.nodes = {m->cone.at, m->cone.n, m->cone.cap}};
  if (k == m->nbranch) {
    rewrite_nodes(w, &cone);
    return copy_ref(&w->k, upd->arg[1]);
  }
  Ref condition = copy_ref(&w->k, ir_node(w->k.from, m->branch[k])->arg[0]);
  Region *branch[2];
  for (int j = 0; j < 2; j++) {
    branch[j] = ir_begin(to);
    ir_result(to, (j == 0) == m->taken[k] ? chosen(w, m, k + 1) : zero(to));
    ir_end(to);
  }
  pass_as(w, upd);
  return ir_out(to, ir_if(to, condition, branch[0], branch[1]), 0);
}

/* What the conditions of the branches need comes in front of them. */
static void copy_conditions(Rewrite *w, const Move *m) {
  Refs todo = {0}, needed = {0};
  const Prog *p = w->k.from;
  for (uint32_t k = 0; k < m->nbranch; k++)
    VEC_PUSH(p->ctx, &todo, ir_node(p, m->branch[k])->arg[0]);
  while (todo.n) {
    Ref r = todo.at[--todo.n];
    if (!refs_have(&m->cone, r) || refs_have(&needed, r)) continue;
    refs_insert(p->ctx, &needed, r);
    for (uint32_t k = 0; k < ir_node(p, r)->nargs; k++)
      VEC_PUSH(p->ctx, &todo, ir_node(p, r)->arg[k]);
  }
  Region nodes = {.nodes = {needed.at, needed.n, needed.cap}};
  rewrite_nodes(w, &nodes);
}

/* Of a round that exists. */
static Ref value_at(Rewrite *w, const Move *m, const Ref *kept, const Ref *index) {
  const Moves *s = ((State *)w->self)->moves;
  Prog *to = w->k.to;
  const Node *loop = ir_node(w->k.from, s->loop);
  const Region *body = loop->regions[0];
  for (uint32_t k = 0; k < loop->nargs; k++) copy_set(&w->k, body->params.at[k], index[k]);
  for (uint32_t k = 0; k < s->stored.n; k++)
    copy_set(&w->k, s->stored.at[k], ir_read(to, kept[k], loop->nargs, index, false));
  copy_conditions(w, m);
  return chosen(w, m, 0);
}

static Ref both(Prog *p, Ref a, Ref b) { return a ? ir_prim2(p, P_AND, a, b) : b; }

/* Are the indices those of a round that adds to this place?  0: always. */
static Ref exists(Rewrite *w, const Move *m, const Ref *index, const Ref *extent,
                  const Ref *place) {
  Prog *to = w->k.to;
  const Node *upd = ir_node(w->k.from, m->upd);
  Ref all = 0;
  for (uint32_t k = 0; k + 2 < upd->nargs; k++) {
    const Along *a = &m->along[k];
    if (!a->moves || a->ring) continue;
    if (a->round)
      all = both(to, all, ir_prim2(to, P_EQ, place[k], size_node(to, map_size(w, a->place))));
    Size i = size_atom(to, index[a->axis]), n = size_atom(to, extent[a->axis]);
    Size left = size_sub(to, size_sub(to, n, i), size_const(to, 1));
    if (!size_nonneg(to, i)) all = both(to, all, ir_prim2(to, P_GE, index[a->axis], ir_int(to, 0)));
    if (!size_nonneg(to, left))
      all = both(to, all, ir_prim2(to, P_LT, index[a->axis], extent[a->axis]));
  }
  return all;
}

/* ---- loops ---------------------------------------------------------------------------------- */

/* A loop over all places of an array that the updates reach. */
typedef struct Places {
  Ref extent[MAX_RANK], at[MAX_RANK];
  Size dim[MAX_RANK];
  uint32_t n;
} Places;

static void collect_one(Rewrite *w, const Move *m, const Places *x, const Ref *kept) {
  const Moves *s = ((State *)w->self)->moves;
  Prog *to = w->k.to;
  const Node *upd = ir_node(w->k.from, m->upd), *loop = ir_node(w->k.from, s->loop);
  Ref index[MAX_RANK], extent[MAX_RANK], place[MAX_RANK];
  for (uint32_t k = 0; k < loop->nargs; k++) extent[k] = pass_extent(w, loop->arg[k]);
  pass_as(w, upd);
  for (uint32_t k = 0, next = 0; k + 2 < upd->nargs; k++) {
    const Along *a = &m->along[k];
    place[k] = a->moves ? x->at[next] : size_node(to, map_size(w, a->place));
    if (a->moves) index[a->axis] = round_of(w, a, x->at[next], x->dim[next]);
    next += a->moves;
  }
  Ref there = exists(w, m, index, extent, place), v;
  if (there) {
    Region *in = ir_begin(to);
    ir_result(to, value_at(w, m, kept, index));
    ir_end(to);
    Region *out = ir_begin(to);
    ir_result(to, zero(to));
    ir_end(to);
    pass_as(w, upd);
    v = ir_out(to, ir_if(to, there, in, out), 0);
  } else {
    v = value_at(w, m, kept, index);
  }
  pass_as(w, upd);
  ir_upd(to, copy_ref(&w->k, upd->arg[0]), v, upd->nargs - 2, place, false);
}

/* Do two updates add to the same part of one array? */
static bool same_part(const Prog *p, const Move *a, const Move *b) {
  const Node *x = ir_node(p, a->upd), *y = ir_node(p, b->upd);
  if (x->arg[0] != y->arg[0]) return false;
  for (uint32_t k = 0; k + 2 < x->nargs; k++) {
    if (a->along[k].moves != b->along[k].moves) return false;
    if (!a->along[k].moves && a->along[k].place != b->along[k].place) return false;
  }
  return true;
}

static void collect_all(Rewrite *w, uint32_t first, const Ref *kept) {
  const Moves *s = ((State *)w->self)->moves;
  Prog *to = w->k.to;
  const Move *m = &s->all.at[first];
  const Node *upd = ir_node(w->k.from, m->upd);
  const Type *array = ir_type(w->k.from, upd->arg[0]);
  Places x = {.n = 0};
  pass_as(w, upd);
  for (uint32_t k = 0; k < array->rank; k++) {
    if (!m->along[k].moves) continue;
    x.dim[x.n] = map_size(w, array->dim[k]);
    x.extent[x.n] = size_node(to, x.dim[x.n]);
    x.n++;
  }
  Region *body = ir_begin_loop(to, x.n, x.extent, x.at);
  for (uint32_t k = first; k < s->all.n; k++)
    if (same_part(w->k.from, m, &s->all.at[k])) collect_one(w, &s->all.at[k], &x, kept);
  ir_end(to);
  pass_as(w, upd);
  ir_loop(to, x.n, x.extent, body, NULL);
}

static bool is_first(const Prog *p, const Moves *s, uint32_t k) {
  for (uint32_t j = 0; j < k; j++)
    if (same_part(p, &s->all.at[j], &s->all.at[k])) return false;
  return true;
}

/* The loop without the updates, and with what is stored for them. */
static Ref rest_of(Rewrite *w, const Moves *s, Ref *kept) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, s->loop);
  const Region *old = n->regions[0];
  uint32_t nout = n->aux.loop->nout;
  Ref extent[MAX_RANK];
  Combiner *comb = NEWN(to->ctx, Combiner, nout + s->stored.n + 1);
  for (uint32_t k = 0; k < n->nargs; k++) extent[k] = pass_extent(w, n->arg[k]);
  Region *body = ir_begin(to);
  ir_set_extents(to, n->nargs, extent);
  for (uint32_t k = 0; k < n->nargs; k++) pass_param(w, old->params.at[k]);
  rewrite_nodes(w, old);
  for (uint32_t k = 0; k < nout; k++) {
    comb[k] = n->aux.loop->comb[k];
    ir_result(to, copy_ref(&w->k, old->results.at[k]));
  }
  for (uint32_t k = 0; k < s->stored.n; k++) {
    comb[nout + k] = BUILD;
    ir_result(to, copy_ref(&w->k, s->stored.at[k]));
  }
  ir_end(to);
  Ref loop = pass_structured(w, n, n->nargs, extent, &body, comb);
  for (uint32_t k = 0; k < s->stored.n; k++) kept[k] = ir_out(to, loop, nout + k);
  return loop;
}

static Ref gather(Rewrite *w, const Moves *s) {
  State *state = w->self, outer = *state;
  Ref kept[MAX_STORED];
  state->moves = s;
  state->collecting = false;
  Ref loop = rest_of(w, s, kept);
  state->collecting = true;
  for (uint32_t k = 0; k < s->all.n; k++)
    if (is_first(w->k.from, s, k)) collect_all(w, k, kept);
  *state = outer;
  return loop;
}

static bool is_moved(const Moves *s, Ref upd) {
  for (uint32_t k = 0; k < s->all.n; k++)
    if (s->all.at[k].upd == upd) return true;
  return false;
}

static Ref visit(Rewrite *w, Ref old) {
  const State *state = w->self;
  const Node *n = ir_node(w->k.from, old);
  if (n->op == IR_UPD) return state->moves && is_moved(state->moves, old) ? REWRITE_GONE : 0;
  if (state->collecting) {
    if (n->op != IR_PRIM || n->aux.i != P_MOD || n->type->elem != ELEM_INT) return 0;
    Size s = size_atom(w->k.to, copy_ref(&w->k, n->arg[0]));
    return on_ring(w->k.to, s, copy_ref(&w->k, n->arg[1]));
  }
  const Moves *s = find_moves(w->k.from, old);
  return s ? gather(w, s) : 0;
}

Prog *opt_gather(Prog *p) {
  bool any = false;
  for (Ref r = 1; r < p->nnodes && !any; r++) any = find_moves(p, r) != NULL;
  if (!any) return p;
  State state = {0};
  Rewrite w = {.node = visit, .self = &state};
  Prog *to = rewrite_program(&w, p);
  return to;
}
