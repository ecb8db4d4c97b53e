/* comprehension.c - [e for …] and sum(e for …): `for` clauses become the index space of
 * one loop.  In a reduction a bound may use an earlier index: a new loop begins there. */
#include "elaborate/private.h"

/* ---- clauses ------------------------------------------------------------ */

static Ref bound(Elab *e, Scope *s, const Ast *a) {
  const Val *v = elab_expr(e, s, a);
  if (v->kind == VAL_NODE && val_type(e, v)->rank)
    fail_at(e->c, a->span, "write for v in xs to go through an array",
            "the bound of a `for` is one int, not %s", val_type_text(e, v));
  if (v->kind != VAL_NODE || val_type(e, v)->elem != ELEM_INT)
    fail_at(e->c, a->span, "int(e) makes an int of a real",
            "the bound of a `for` is an int, not %s", val_type_text(e, v));
  return v->ref;
}

/* The size of the first axis of what `for v in xs` goes through. */
static Size first_axis(Elab *e, const Val *v, const Ast *a) {
  const Val **leaf;
  uint32_t n = val_leaves(e, v, &leaf);
  Size size = NULL;
  for (uint32_t k = 0; k < n; k++) {
    if (leaf[k]->kind != VAL_NODE || val_type(e, leaf[k])->rank == 0)
      fail_at(e->c, a->span, "write for i < n to count", "`for … in` goes through an array, not %s",
              val_type_text(e, v));
    Size other = val_type(e, leaf[k])->dim[0];
    size = size ? sizes_agree(e, size, other, a->span, "what is gone through together") : other;
  }
  if (!size) fail_at(e->c, a->span, NULL, "there is nothing to go through");
  return size;
}

/* ---- names -------------------------------------------------------------- */

static bool pattern_binds(const Ast *pattern, const char *name) {
  if (pattern->kind == AST_NAME) return pattern->name == name;
  for (uint32_t k = 0; k < pattern->nkids; k++)
    if (pattern_binds(pattern->kid[k], name)) return true;
  return false;
}

static bool clause_binds(const Ast *clause, const char *name) {
  return clause->kind == AST_FOR_EACH ? pattern_binds(clause->kid[0], name)
                                      : clause->name == name;
}

/* ---- bare indices ------------------------------------------------------- */

typedef struct Bare {
  Elab *e;
  Scope *s;
  const Ast *clause, *whole;
  Size size;
  const Ast *first;         /* the array that gave it */
  bool foreign;             /* the array at hand names something not in scope */
} Bare;

static void see_name(void *self, const Ast *name) {
  Bare *b = self;
  for (uint32_t k = 1; k < b->whole->nkids; k++)
    b->foreign |= clause_binds(b->whole->kid[k], name->name);
  if (!scope_find(b->e, b->s, name->name)) b->foreign = true;
}

/* An array that the clause's index indexes at axis `axis`. */
static void see_array(Bare *b, const Ast *array, uint32_t axis) {
  b->foreign = false;
  resolve_free(b->e->c, array, see_name, b);
  if (b->foreign) return;
  const Val *v = elab_expr(b->e, b->s, array);
  while (v->kind == VAL_TUPLE || v->kind == VAL_RECORD) v = v->kid[0];
  if (v->kind != VAL_NODE || val_type(b->e, v)->rank <= axis) return;
  Size size = val_type(b->e, v)->dim[axis];
  int64_t gap;
  if (!b->size) {
    b->size = size;
    b->first = array;
  } else if (size_is_const(size_sub(b->e->p, size, b->size), &gap) && gap) {
    fail_note(b->e, array->span, "write for i < n with the range that is meant", b->first->span,
              str_printf(b->e->c, "here it has %s", size_name(b->e, b->size)),
              "the range of `%s` is not clear: it has %s here", b->clause->name,
              size_name(b->e, size));
  } else {
    b->size = sizes_agree(b->e, b->size, size, array->span,
                          str_printf(b->e->c, "the arrays that `%s` indexes", b->clause->name));
  }
}

static void see_index(Bare *b, const Ast *a) {
  for (uint32_t k = 1; k < a->nkids; k++) {
    if (a->kid[k]->kind != AST_NAME || a->kid[k]->name != b->clause->name) continue;
    const Ast *array = a->kid[0];
    uint32_t axis = k - 1;
    while (array->kind == AST_INDEX) {
      for (uint32_t j = 1; j < array->nkids; j++)
        if (array->kid[j]->kind == AST_SLICE) return;
      axis += array->nkids - 1;
      array = array->kid[0];
    }
    see_array(b, array, axis);
  }
}

static Size bare_range(Elab *e, Scope *s, const Ast *clause, const Ast *whole) {
  Bare b = {.e = e, .s = s, .clause = clause, .whole = whole};
  VEC(const Ast *) todo = {0};
  VEC_PUSH(e->c, &todo, whole);
  while (todo.n) {
    const Ast *a = todo.at[--todo.n];
    if (a->kind == AST_INDEX) see_index(&b, a);
    for (uint32_t k = a->nkids; k-- > 0;)
      if (a->kid[k]) VEC_PUSH(e->c, &todo, a->kid[k]);
  }
  if (!b.size)
    fail_at(e->c, clause->span, str_printf(e->c, "write for %s < n", clause->name),
            "the range of `%s` cannot be told: no array is indexed by `%s` alone", clause->name,
            clause->name);
  return b.size;
}

Clause clause_open(Elab *e, Scope *s, const Ast *a, const Ast *whole) {
  Clause k = {.a = a};
  switch (a->kind) {
  case AST_FOR_COUNT: k.extent = bound(e, s, a->kid[0]); break;
  case AST_FOR_RANGE:
    k.from = bound(e, s, a->kid[0]);
    k.extent = ir_sub(e->p, bound(e, s, a->kid[1]), k.from);
    break;
  case AST_FOR_EACH:
    k.each = elab_expr(e, s, a->kid[1]);
    k.extent = size_ref(e, first_axis(e, k.each, a->kid[1]));
    break;
  default: k.extent = size_ref(e, bare_range(e, s, a, whole));
  }
  return k;
}

static const Val *element_of(Elab *e, const Val *v, Ref index) {
  const Val **leaf;
  uint32_t n = val_leaves(e, v, &leaf);
  for (uint32_t k = 0; k < n; k++)
    leaf[k] = val_node(e, ir_read(e->p, leaf[k]->ref, 1, &index, false));
  return val_rebuild(e, v, leaf);
}

void clause_bind(Elab *e, Scope *s, const Clause *k, Ref index) {
  index_extent(e, index, size_of(e, k->extent));
  elab_place(e, k->a->span);
  if (k->each) {
    bind_pattern(e, s, k->a->kid[0], element_of(e, k->each, index), false);
    return;
  }
  Ref at = k->from ? ir_add(e->p, k->from, index) : index;
  bind_name(e, s, k->a, k->a->name, k->a->span, val_node(e, at));
}

/* ---- which clauses depend on which -------------------------------------- */

typedef struct Uses { const Ast *whole; uint32_t from, to; bool found; } Uses;

static void see_use(void *self, const Ast *name) {
  Uses *u = self;
  for (uint32_t k = u->from; k < u->to; k++)
    u->found |= clause_binds(u->whole->kid[k], name->name);
}

/* Does the bound of clause `to` use an index of the clauses from `from` on? */
static bool depends(Elab *e, const Ast *a, uint32_t from, uint32_t to) {
  const Ast *c = a->kid[to];
  Uses u = {a, from, to, false};
  for (uint32_t k = c->kind == AST_FOR_EACH ? 1 : 0; k < c->nkids; k++)
    resolve_free(e->c, c->kid[k], see_use, &u);
  return u.found;
}

/* The clauses from `first` that make one index space: up to the one not included. */
static uint32_t group_end(Elab *e, const Ast *a, uint32_t first) {
  uint32_t k = first + 1;
  while (k < a->nkids && !depends(e, a, first, k)) k++;
  return k;
}

static void check_names(Elab *e, const Ast *a) {
  for (uint32_t k = 1; k < a->nkids; k++)
    for (uint32_t j = 1; j < k; j++)
      if (a->kid[k]->name && a->kid[j]->name == a->kid[k]->name && strcmp(a->kid[k]->name, "_"))
        fail_at(e->c, a->kid[k]->span, NULL, "two indices are called `%s`", a->kid[k]->name);
}

/* ---- an index space ----------------------------------------------------- */

typedef struct Space {
  uint32_t n;
  Clause clause[MAX_RANK];
  Ref extent[MAX_RANK];
  Scope *scope;             /* inside */
  Region *body;
} Space;

static void space_open(Elab *e, Scope *s, const Ast *a, uint32_t first, uint32_t end, Space *sp) {
  if (end - first > MAX_RANK)
    fail_at(e->c, a->span, NULL, "a `for` has at most %d clauses", MAX_RANK);
  sp->n = end - first;
  for (uint32_t k = 0; k < sp->n; k++) {
    sp->clause[k] = clause_open(e, s, a->kid[first + k], a);
    sp->extent[k] = sp->clause[k].extent;
  }
  elab_enter(e, a->span);
  Ref index[MAX_RANK];
  sp->body = ir_begin_loop(e->p, sp->n, sp->extent, index);
  sp->scope = scope_new(e, s);
  for (uint32_t k = 0; k < sp->n; k++) clause_bind(e, sp->scope, &sp->clause[k], index[k]);
}

/* Closes the region and gives the loop's results, one for each node of `leaf`. */
static Ref space_close(Elab *e, Space *sp, uint32_t n, const Val *const *leaf,
                       const Combiner *comb, Span at) {
  for (uint32_t k = 0; k < n; k++) ir_result(e->p, leaf[k]->ref);
  ir_end(e->p);
  elab_leave(e);
  elab_place(e, at);
  return ir_loop(e->p, sp->n, sp->extent, sp->body, comb);
}

/* Leaves that a loop can give: nodes alone, none as 0. */
static uint32_t body_leaves(Elab *e, const Val *v, const Val ***leaf, Span at) {
  uint32_t n = val_leaves(e, v, leaf);
  for (uint32_t k = 0; k < n; k++) {
    if ((*leaf)[k]->kind == VAL_NONE) (*leaf)[k] = val_node(e, ir_real(e->p, 0));
    if ((*leaf)[k]->kind != VAL_NODE)
      fail_at(e->c, at, "call it inside", "an array cannot hold functions");
  }
  return n;
}

/* ---- arrays ------------------------------------------------------------- */

/* A size that may be negative when it runs is checked: an array has none such. */
static void check_extents(Elab *e, Space *sp) {
  for (uint32_t k = 0; k < sp->n; k++) {
    Size size = size_of(e, sp->extent[k]);
    if (size_nonneg(e->p, size)) continue;
    elab_check(e, ir_prim2(e->p, P_GE, sp->extent[k], ir_int(e->p, 0)), sp->clause[k].a->span,
               "an array of negative size: the range of the `for` has length %s",
               size_name(e, size));
  }
}

const Val *elab_for(Elab *e, Scope *s, const Ast *a) {
  if (a->i == 1)
    fail_at(e->c, a->span, "write [e for …], or sum(e for …)",
            "a `for` without brackets is the argument of sum and its kin alone");
  check_names(e, a);
  uint32_t end = group_end(e, a, 1);
  if (end < a->nkids)
    fail_at(e->c, a->kid[end]->span, "sum(e for …) and its kin may have such a bound",
            "the bound of this `for` uses an index beside it: the rows would differ in length");
  Space sp;
  space_open(e, s, a, 1, end, &sp);
  const Val *v = elab_expr(e, sp.scope, a->kid[0]);
  const Val **leaf;
  uint32_t n = body_leaves(e, v, &leaf, a->kid[0]->span);
  Combiner *comb = NEWN(e->c, Combiner, n);
  const Type **type = NEWN(e->c, const Type *, n);
  for (uint32_t k = 0; k < n; k++) {
    comb[k] = BUILD;
    type[k] = val_type(e, leaf[k]);
    if (type[k]->rank + sp.n > MAX_RANK)
      fail_at(e->c, a->span, NULL, "an array has at most %d axes", MAX_RANK);
  }
  Region *inner = e->p->cur;
  e->p->cur = inner->parent; /* sizes must be known around the loop */
  for (uint32_t k = 0; k < n; k++)
    need_visible_sizes(e, type[k], a->kid[0]->span, "the element");
  check_extents(e, &sp);
  e->p->cur = inner;
  Ref loop = space_close(e, &sp, n, leaf, comb, a->span);
  for (uint32_t k = 0; k < n; k++) leaf[k] = val_node(e, ir_out(e->p, loop, k));
  return val_rebuild(e, v, leaf);
}

/* ---- reductions --------------------------------------------------------- */

typedef struct Reduction {
  const char *name;
  Combiner comb;
} Reduction;

static const Reduction reductions[] = {
  {"sum", SUM}, {"prod", PROD}, {"max", MAX}, {"min", MIN}, {"any", ANY}, {"all", ALL},
  {"argmax", ARGMAX}, {"argmin", ARGMIN}, {"mean", SUM}, {"logsumexp", BUILD},
};

static const Reduction *find_reduction(const char *name) {
  for (size_t k = 0; k < sizeof reductions / sizeof *reductions; k++)
    if (strcmp(reductions[k].name, name) == 0) return &reductions[k];
  return NULL;
}

bool is_reduction(const char *name) {
  return find_reduction(name) != NULL;
}

typedef struct Reduce {
  Elab *e;
  const Ast *a;             /* the FOR */
  const char *name;
  Combiner comb;
  bool mean, count;         /* count: the body is (e, 1), for a mean with dependent bounds */
} Reduce;

static void check_element(Reduce *r, const Val *leaf) {
  Elab *e = r->e;
  const Type *t = val_type(e, leaf);
  bool logic = r->comb == ANY || r->comb == ALL;
  Span at = r->a->kid[0]->span;
  if (logic != (t->elem == ELEM_BOOL))
    fail_at(e->c, at, logic ? "compare it, as in x != 0" : "write if c then 1 else 0",
            "%s takes %s, not %s", r->name, logic ? "bools" : "numbers", val_type_text(e, leaf));
  if (t->rank && r->comb != SUM)
    fail_at(e->c, at, str_printf(e->c, "index it to its elements, or write %s([…])", r->name),
            "%s(… for …) takes scalars, not %s", r->name, val_type_text(e, leaf));
}

/* The sum over its first `lead` axes of an array that was built to be summed. */
static Ref sum_leading(Elab *e, Ref array, uint32_t lead) {
  Prog *p = e->p;
  const Type *t = ir_type(p, array);
  Ref extent[MAX_RANK], index[MAX_RANK];
  for (uint32_t k = 0; k < t->rank; k++) extent[k] = size_ref(e, t->dim[k]);
  Region *outer = ir_begin(p);
  for (uint32_t k = lead; k < t->rank; k++) index[k] = ir_param(p, type_scalar(p, ELEM_INT));
  Region *inner = ir_begin_loop(p, lead, extent, index);
  ir_result(p, ir_read(p, array, t->rank, index, false));
  ir_end(p);
  Combiner comb = SUM;
  ir_result(p, ir_out(p, ir_loop(p, lead, extent, inner, &comb), 0));
  ir_end(p);
  comb = BUILD;
  return ir_out(p, ir_loop(p, t->rank - lead, extent + lead, outer, &comb), 0);
}

/* The first winner of nothing does not exist. */
static void need_some(Reduce *r, const Space *sp) {
  Elab *e = r->e;
  for (uint32_t k = 0; k < sp->n; k++) {
    Size size = size_of(e, sp->extent[k]);
    int64_t n;
    if (size_is_const(size, &n) && n <= 0)
      fail_at(e->c, r->a->span, "it needs one element at least", "%s over nothing", r->name);
    if (size_nonneg(e->p, size_sub(e->p, size, size_const(e->p, 1)))) continue;
    elab_check(e, ir_prim2(e->p, P_GT, sp->extent[k], ir_int(e->p, 0)), r->a->span,
               "%s over nothing", r->name);
  }
}

static const Val *reduce_from(Reduce *r, Scope *s, uint32_t first);

static const Val *reduce_body(Reduce *r, Scope *s, uint32_t next) {
  if (next < r->a->nkids) return reduce_from(r, s, next);
  const Val *v = elab_expr(r->e, s, r->a->kid[0]);
  if (!r->count) return v;
  const Val *both[2] = {v, val_node(r->e, ir_int(r->e->p, 1))};
  return val_tuple(r->e, 2, both);
}

/* Reduces over the clauses from `first` on, in the scope of those before. */
static const Val *reduce_from(Reduce *r, Scope *s, uint32_t first) {
  Elab *e = r->e;
  uint32_t end = group_end(e, r->a, first);
  Space sp;
  space_open(e, s, r->a, first, end, &sp);
  const Val *v = reduce_body(r, sp.scope, end);
  const Val **leaf;
  uint32_t n = body_leaves(e, v, &leaf, r->a->kid[0]->span);
  Combiner *comb = NEWN(e->c, Combiner, n);
  const Type **type = NEWN(e->c, const Type *, n);
  bool *built = NEWN(e->c, bool, n);
  for (uint32_t k = 0; k < n; k++) {
    if (r->comb != BUILD) check_element(r, leaf[k]);
    type[k] = val_type(e, leaf[k]);
    built[k] = type[k]->rank > 0 && r->comb == SUM;
    comb[k] = built[k] ? BUILD : r->comb;
  }
  Region *inner = e->p->cur;
  e->p->cur = inner->parent;
  for (uint32_t k = 0; k < n; k++)
    need_visible_sizes(e, type[k], r->a->kid[0]->span, "the element");
  if (r->comb == ARGMAX || r->comb == ARGMIN) need_some(r, &sp);
  e->p->cur = inner;
  Ref loop = space_close(e, &sp, n, leaf, comb, r->a->span);
  for (uint32_t k = 0; k < n; k++) {
    Ref out = ir_out(e->p, loop, k);
    leaf[k] = val_node(e, built[k] ? sum_leading(e, out, sp.n) : out);
  }
  return val_rebuild(e, v, leaf);
}

static const Val *divide(Elab *e, const Val *sum, const Val *count, Span at) {
  return elab_binary(e, OP_DIV, sum, count, at);
}

/* How many elements there are, with bounds that do not depend on one another. */
static const Val *count_elements(Elab *e, Scope *s, const Ast *a) {
  Ref n = ir_int(e->p, 1);
  for (uint32_t k = 1; k < a->nkids; k++)
    n = ir_mul(e->p, n, clause_open(e, s, a->kid[k], a).extent);
  return val_node(e, n);
}

static const Val *reduce_mean(Reduce *r, Scope *s, Span at) {
  r->count = group_end(r->e, r->a, 1) < r->a->nkids;
  const Val *v = reduce_from(r, s, 1);
  if (r->count) return divide(r->e, v->kid[0], v->kid[1], at);
  return divide(r->e, v, count_elements(r->e, s, r->a), at);
}

/* Of a flat array of the terms; with dependent bounds, row by row. */
static const Val *reduce_logsumexp(Reduce *r, Scope *s, const Ast *call, uint32_t first) {
  Elab *e = r->e;
  uint32_t end = group_end(e, r->a, first);
  Space sp;
  space_open(e, s, r->a, first, end, &sp);
  const Val *v = end < r->a->nkids ? reduce_logsumexp(r, sp.scope, call, end)
                                   : elab_expr(e, sp.scope, r->a->kid[0]);
  if (!val_is_scalar(e, v))
    fail_at(e->c, r->a->kid[0]->span, "index it to its elements",
            "logsumexp(… for …) takes scalars, not %s", val_type_text(e, v));
  const Val *leaf = val_node(e, val_real(e, v, r->a->kid[0]->span));
  Combiner comb = BUILD;
  Ref all = ir_out(e->p, space_close(e, &sp, 1, &leaf, &comb, r->a->span), 0);
  const Type *t = ir_type(e->p, all);
  Size count = size_const(e->p, 1);
  for (uint32_t k = 0; k < t->rank; k++) count = size_mul(e->p, count, t->dim[k]);
  const Val *flat = val_node(e, ir_reshape(e->p, all, type_array(e->p, ELEM_REAL, 1, &count)));
  return builtin_find("logsumexp")->apply(e, s, call, &flat, 1);
}

const Val *elab_reduction(Elab *e, Scope *s, const Ast *call, const char *name) {
  const Ast *a = call->kid[1];
  const Reduction *kind = find_reduction(name);
  Reduce r = {.e = e, .a = a, .name = kind->name, .comb = kind->comb,
              .mean = strcmp(kind->name, "mean") == 0};
  if (call->nkids > 2)
    fail_at(e->c, call->kid[2]->span, "write it over an array, as in sum([… for …], axis = 0)",
            "%s(e for …) takes no other arguments", r.name);
  check_names(e, a);
  if (r.comb == BUILD) return reduce_logsumexp(&r, s, call, 1);
  if (r.mean) return reduce_mean(&r, s, call->span);
  if ((r.comb == ARGMAX || r.comb == ARGMIN) && group_end(e, a, 1) < a->nkids)
    fail_at(e->c, a->kid[group_end(e, a, 1)]->span, NULL,
            "the position that %s gives needs bounds that do not depend on an index", r.name);
  return reduce_from(&r, s, 1);
}
