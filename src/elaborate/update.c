/* update.c - `A with [i] = row` and its kin.
 *
 * One element or slab is one WITH node, which a fold does in place.  A slice outside of
 * folds is a loop that asks of each element whether it is replaced; inside a fold, and
 * for arrays of indices anywhere, a fold of WITH nodes that touches only what changes. */
#include "elaborate/private.h"

typedef struct Update {
  Elab *e;
  Ref base, value;
  uint32_t n;
  Sub sub[MAX_RANK];
  Size length[MAX_RANK];    /* of the selection's axes */
  uint32_t rank;            /* of the selection, slab axes included */
  Span at;
} Update;

/* ---- the new value ------------------------------------------------------ */

static void need_spread(Update *u, const Type *t) {
  bool fits = t->rank <= u->rank;
  for (uint32_t k = 0; fits && k < t->rank; k++) {
    int64_t one;
    Size want = u->length[u->rank - t->rank + k];
    if (size_is_const(t->dim[k], &one) && one == 1) continue;
    sizes_agree(u->e, want, t->dim[k], u->at, "the part replaced and its new value");
  }
  if (!fits)
    fail_at(u->e->c, u->at, NULL, "a part of rank %u is replaced by %s", u->rank,
            type_name(u->e, t));
}

/* The new value's element or slab at the selection's index, `n` axes of it given. */
static Ref value_at(Update *u, uint32_t n, const Ref *index) {
  const Type *t = ir_type(u->e->p, u->value);
  Ref at[MAX_RANK];
  uint32_t skip = u->rank - t->rank, given = n > skip ? n - skip : 0;
  for (uint32_t k = 0; k < given; k++) {
    int64_t one;
    bool single = size_is_const(t->dim[k], &one) && one == 1;
    at[k] = single ? ir_int(u->e->p, 0) : index[skip + k];
  }
  return given ? ir_read(u->e->p, u->value, given, at, false) : u->value;
}

/* `v` as a slab of type t: a scalar fills it. */
static Ref to_slab(Update *u, Ref v, const Type *t) {
  Elab *e = u->e;
  const Type *have = ir_type(e->p, v);
  if (have == t) return v;
  if (have->rank == 0 && t->rank) return ir_fill(e->p, v, t);
  if (have->rank != t->rank)
    fail_at(e->c, u->at, NULL, "a part of type %s is replaced by %s", type_name(e, t),
            type_name(e, have));
  for (uint32_t k = 0; k < t->rank; k++)
    sizes_agree(e, t->dim[k], have->dim[k], u->at, "the part replaced and its new value");
  return ir_reshape(e->p, v, t);
}

/* ---- three ways --------------------------------------------------------- */

static bool checked(const Update *u) {
  if (u->e->c->opt.unchecked) return false;
  const Type *t = ir_type(u->e->p, u->base);
  for (uint32_t k = 0; k < u->n; k++)
    if (u->sub[k].kind == SUB_GATHER ||
        (u->sub[k].kind == SUB_AT && !index_in_range(u->e, u->sub[k].at, t->dim[k])))
      return true;
  return false;
}

static Ref update_slab(Update *u) {
  Prog *p = u->e->p;
  Ref index[MAX_RANK];
  for (uint32_t k = 0; k < u->n; k++) index[k] = u->sub[k].at;
  Ref v = to_slab(u, u->value, type_drop(p, ir_type(p, u->base), u->n));
  return ir_with(p, u->base, v, u->n, index, checked(u));
}

/* Is the element at `index` replaced? */
static Ref inside(Update *u, const Ref *index) {
  Prog *p = u->e->p;
  Ref all = 0;
  for (uint32_t k = 0; k < u->n; k++) {
    const Sub *s = &u->sub[k];
    if (s->kind == SUB_SLICE && s->whole) continue;
    Ref end = s->kind == SUB_SLICE ? ir_add(p, s->at, size_ref(u->e, s->length)) : 0;
    Ref here = s->kind == SUB_AT ? ir_prim2(p, P_EQ, index[k], s->at)
                                 : ir_prim2(p, P_AND, ir_prim2(p, P_GE, index[k], s->at),
                                            ir_prim2(p, P_LT, index[k], end));
    all = all ? ir_prim2(p, P_AND, all, here) : here;
  }
  return all;
}

static Ref choose(Update *u, const Ref *index) {
  Prog *p = u->e->p;
  const Type *t = ir_type(p, u->base);
  Ref own[MAX_RANK], c = inside(u, index);
  uint32_t n = 0;
  Region *yes = ir_begin(p);
  for (uint32_t k = 0; k < t->rank; k++) {
    if (k < u->n && u->sub[k].kind == SUB_AT) continue;
    own[n++] = k < u->n ? ir_sub(p, index[k], u->sub[k].at) : index[k];
  }
  ir_result(p, value_at(u, n, own));
  ir_end(p);
  Region *no = ir_begin(p);
  ir_result(p, ir_read(p, u->base, t->rank, index, false));
  ir_end(p);
  return ir_out(p, ir_if(p, c, yes, no), 0);
}

/* An AT beside a slice has to be in range by itself: nothing reads with it. */
static void check_at(Update *u) {
  const Type *t = ir_type(u->e->p, u->base);
  Prog *p = u->e->p;
  for (uint32_t k = 0; k < u->n; k++) {
    const Sub *s = &u->sub[k];
    if (s->kind != SUB_AT || index_in_range(u->e, s->at, t->dim[k])) continue;
    Ref low = ir_prim2(p, P_GE, s->at, ir_int(p, 0));
    Ref high = ir_prim2(p, P_LT, s->at, size_ref(u->e, t->dim[k]));
    if (!u->e->c->opt.unchecked)
      elab_check(u->e, ir_prim2(p, P_AND, low, high), s->span,
                 "the index is out of range: axis %u has size %s", k, size_name(u->e, t->dim[k]));
  }
}

static Ref update_by_loop(Update *u) {
  Prog *p = u->e->p;
  const Type *t = ir_type(p, u->base);
  Ref extent[MAX_RANK], index[MAX_RANK];
  check_at(u);
  for (uint32_t k = 0; k < t->rank; k++) extent[k] = size_ref(u->e, t->dim[k]);
  Region *body = ir_begin_loop(p, t->rank, extent, index);
  ir_result(p, choose(u, index));
  ir_end(p);
  Combiner comb = BUILD;
  return ir_out(p, ir_loop(p, t->rank, extent, body, &comb), 0);
}

/* Folds over the selection's axes from subscript k on; `index` are those found so far. */
static Ref update_axis(Update *u, uint32_t k, Ref array, Ref *index, Ref *own, uint32_t nown,
                       Ref gather_at) {
  Prog *p = u->e->p;
  while (k < u->n && u->sub[k].kind == SUB_AT) {
    index[k] = u->sub[k].at;
    k++;
  }
  if (k == u->n) {
    Ref v = to_slab(u, value_at(u, nown, own), type_drop(p, ir_type(p, array), u->n));
    return ir_with(p, array, v, u->n, index, checked(u));
  }
  const Sub *s = &u->sub[k];
  if (s->kind == SUB_GATHER && gather_at) {
    index[k] = ir_read(p, s->at, 1, &gather_at, false);
    return update_axis(u, k + 1, array, index, own, nown, gather_at);
  }
  bool gather = s->kind == SUB_GATHER;
  Size length = gather ? ir_type(p, s->at)->dim[0] : s->length;
  Ref trips = size_ref(u->e, length);
  Ref t;
  Region *body = ir_begin_loop(p, 1, &trips, &t);
  Ref state = ir_param(p, ir_type(p, array));
  own[nown] = t;
  index[k] = gather ? ir_read(p, s->at, 1, &t, false) : ir_add(p, s->at, t);
  ir_result(p, update_axis(u, k + 1, state, index, own, nown + 1, gather ? t : gather_at));
  ir_end(p);
  return ir_out(p, ir_fold(p, trips, 1, &array, body, NULL), 0);
}

/* ---- putting it together ------------------------------------------------ */

/* The axes of the selection; true if arrays of indices are among the subscripts. */
static bool plan_selection(Update *u) {
  Elab *e = u->e;
  const Type *t = ir_type(e->p, u->base), *gather = NULL;
  for (uint32_t k = 0; k < t->rank; k++) {
    if (k >= u->n) u->length[u->rank++] = t->dim[k];
    else if (u->sub[k].kind == SUB_SLICE) u->length[u->rank++] = u->sub[k].length;
    if (k >= u->n || u->sub[k].kind != SUB_GATHER) continue;
    const Type *g = ir_type(e->p, u->sub[k].at);
    if (g->rank != 1)
      fail_at(e->c, u->sub[k].span, NULL, "`with` takes indices in an array of one axis, not %s",
              type_name(e, g));
    if (gather) sizes_agree(e, gather->dim[0], g->dim[0], u->sub[k].span, "arrays of indices");
    else u->length[u->rank++] = g->dim[0];
    gather = g;
  }
  return gather != NULL;
}

static Ref update_node(Update *u) {
  Ref index[MAX_RANK], own[MAX_RANK];
  bool slab = true;
  for (uint32_t k = 0; k < u->n; k++) slab &= u->sub[k].kind == SUB_AT;
  bool gather = plan_selection(u);
  if (slab) return update_slab(u);
  need_spread(u, ir_type(u->e->p, u->value));
  if (!gather && !u->e->st->in_fold) return update_by_loop(u);
  return update_axis(u, 0, u->base, index, own, 0, 0);
}

static void check_constant_subscripts(Update *u) {
  const Type *t = ir_type(u->e->p, u->base);
  for (uint32_t k = 0; k < u->n; k++) {
    double x;
    int64_t size;
    if (u->sub[k].kind != SUB_AT || !ir_is_const(u->e->p, u->sub[k].at, &x)) continue;
    if (x < 0 || (size_is_const(t->dim[k], &size) && x >= (double)size))
      fail_at(u->e->c, u->sub[k].span,
              "an index runs from 0 to the size less 1; a negative literal counts from the end",
              "index %lld is out of range: axis %u has size %s", (long long)x, k,
              size_name(u->e, t->dim[k]));
  }
}

static const Val *update_leaf(Elab *e, const Ast *a, const Val *base, const Val *value,
                              const Val *const *v) {
  Update u = {.e = e, .at = a->span};
  if (base->kind != VAL_NODE || val_type(e, base)->rank == 0)
    fail_at(e->c, a->kid[0]->span, NULL, "`with` replaces a part of an array, not of %s",
            val_type_text(e, base));
  if (value->kind == VAL_NONE)
    value = val_node(e, ir_zero(e->p, type_scalar(e->p, val_type(e, base)->elem)));
  if (value->kind != VAL_NODE || (val_type(e, value)->elem == ELEM_BOOL) !=
                                     (val_type(e, base)->elem == ELEM_BOOL))
    fail_at(e->c, a->kid[1]->span, NULL, "a part of %s is replaced by %s", val_type_text(e, base),
            val_type_text(e, value));
  u.base = base->ref;
  u.value = value->ref;
  if (val_type(e, base)->elem != val_type(e, value)->elem) {
    u.base = node_to_real(e, u.base);
    u.value = node_to_real(e, u.value);
  }
  u.n = subs_read(e, u.base, a, 2, v, u.sub);
  check_constant_subscripts(&u);
  elab_place(e, a->span);
  return u.n ? val_node(e, update_node(&u))
             : val_node(e, to_slab(&u, u.value, ir_type(e->p, u.base)));
}

static const Val *update_value(Elab *e, const Ast *a, const Val *base, const Val *value,
                               const Val *const *v) {
  if (base->kind != VAL_TUPLE && base->kind != VAL_RECORD) return update_leaf(e, a, base, value, v);
  if (!val_align(e, &base, &value))
    fail_at(e->c, a->kid[1]->span, NULL, "a part of %s is replaced by %s", val_type_text(e, base),
            val_type_text(e, value));
  const Val **kid = NEWN(e->c, const Val *, base->n);
  for (uint32_t k = 0; k < base->n; k++)
    kid[k] = update_value(e, a, base->kid[k], value->kid[k], v);
  return base->kind == VAL_TUPLE ? val_tuple(e, base->n, kid)
                                 : val_record(e, base->n, base->field, kid);
}

const Val *apply_with(Elab *e, const Ast *a, const Val *const *v, uint32_t n) {
  (void)n;
  return update_value(e, a, v[0], v[1], v + 2);
}
