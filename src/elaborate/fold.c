/* fold.c - fold, scan and loop: what is carried, flattened to leaves.
 *
 * The body is elaborated to learn the types of what it gives.  Where an int that is
 * carried turns out to be real (`fold s = 0 for … { s + x[t] }`), or `none` a number,
 * the carry starts as such and the body is elaborated once more; what was learnt is
 * kept for the time of the call, so that nested folds do not repeat it. */
#include "elaborate/private.h"

typedef struct Carry {
  const Ast *a;             /* the FOLD, SCAN or LOOP */
  const Val *init;
  uint32_t n;
  const Val **leaf;
  Ref *start;               /* nodes of the leaves, in the types carried */
  const Type **type;
} Carry;

/* ---- what has been learnt ----------------------------------------------- */

static bool *learned(Elab *e, const Ast *fold, uint32_t n) {
  Ctx *c = e->c;
  Learned key, *found = NULL;
  memset(&key, 0, sizeof key);
  key.key.fold = fold;
  key.key.activation = e->st->activation;
  HASH_FIND(hh, e->st->learned, &key.key, sizeof key.key, found);
  if (found) return found->real;
  found = NEW(c, Learned);
  memcpy(&found->key, &key.key, sizeof key.key);
  found->real = NEWN(c, bool, n);
  HASH_ADD(hh, e->st->learned, key, sizeof found->key, found);
  return found->real;
}

/* ---- the carry ---------------------------------------------------------- */

static Carry carry_open(Elab *e, Scope *s, const Ast *a) {
  Carry c = {.a = a, .init = elab_expr(e, s, a->kid[1])};
  c.n = val_leaves(e, c.init, &c.leaf);
  c.start = NEWN(e->c, Ref, c.n);
  c.type = NEWN(e->c, const Type *, c.n);
  bool *real = learned(e, a, c.n);
  for (uint32_t k = 0; k < c.n; k++) {
    const Val *v = c.leaf[k];
    if (v->kind == VAL_FUNC)
      fail_at(e->c, a->kid[1]->span, "a function is passed as a parameter, or named around it",
              "a fold does not carry a function");
    c.start[k] = v->kind == VAL_NONE ? ir_real(e->p, 0) : v->ref;
    if (real[k] && ir_type(e->p, c.start[k])->elem == ELEM_INT)
      c.start[k] = node_to_real(e, c.start[k]);
    c.type[k] = ir_type(e->p, c.start[k]);
  }
  return c;
}

/* Parameters of the region at hand for the carry, bound to its pattern. */
static void carry_params(Elab *e, Scope *s, const Carry *c) {
  const Val **leaf = NEWN(e->c, const Val *, c->n);
  for (uint32_t k = 0; k < c->n; k++) leaf[k] = val_node(e, ir_param(e->p, c->type[k]));
  bind_pattern(e, s, c->a->kid[0], val_rebuild(e, c->init, leaf), false);
}

static _Noreturn void fail_carry(Elab *e, const Carry *c, const Val *given) {
  const Val **leaf = NEWN(e->c, const Val *, c->n);
  for (uint32_t k = 0; k < c->n; k++) leaf[k] = val_node(e, c->start[k]);
  const Ast *body = c->a->kid[c->a->nkids - 1];
  if (body->kind == AST_BLOCK) body = body->kid[body->nkids - 1];
  const char *carried = val_type_text(e, val_rebuild(e, c->init, leaf));
  fail_note(e, body->span, "what is carried has one type from the first step to the last",
            c->a->kid[1]->span, "it starts here", "what is carried is %s, and the body gives %s",
            carried, val_type_text(e, given));
}

static bool sizes_may_agree(Elab *e, const Type *a, const Type *b) {
  for (uint32_t k = 0; k < a->rank; k++) {
    int64_t gap;
    if (size_is_const(size_sub(e->p, a->dim[k], b->dim[k]), &gap) && gap) return false;
  }
  return true;
}

/* What the body gave, leaf by leaf in the types carried; false: a leaf of the carry has
 * to change first, and *c says how. */
static bool carry_results(Elab *e, Carry *c, const Val *given, Ref *out) {
  const Val *init = c->init;
  if (!val_align(e, &init, &given)) fail_carry(e, c, given);
  const Val **leaf;
  uint32_t n = val_leaves(e, given, &leaf);
  if (n != c->n) fail_carry(e, c, given);
  bool *real = learned(e, c->a, n), again = false;
  for (uint32_t k = 0; k < n; k++) {
    if (leaf[k]->kind == VAL_FUNC) fail_carry(e, c, given);
    if (leaf[k]->kind == VAL_NONE) continue;
    const Type *t = c->type[k], *got = val_type(e, leaf[k]);
    if (c->leaf[k]->kind == VAL_NONE && got->rank && t->rank == 0) {
      Region *inner = e->p->cur;
      e->p->cur = inner->parent;
      need_visible_sizes(e, got, c->a->span, "what is carried");
      c->start[k] = ir_zero(e->p, got);
      e->p->cur = inner;
      again = true;
      continue;
    }
    bool fits = got->rank == t->rank && (got->elem == ELEM_BOOL) == (t->elem == ELEM_BOOL);
    if (!fits || !sizes_may_agree(e, got, t)) fail_carry(e, c, given);
    if (t->elem == ELEM_INT && got->elem == ELEM_REAL) again = real[k] = true;
  }
  if (again) return false;
  for (uint32_t k = 0; k < n; k++)
    out[k] = leaf_to_type(e, leaf[k], c->type[k], c->a->span, "what is carried");
  return true;
}

/* After a body that was elaborated in vain. */
static void carry_retype(Elab *e, Carry *c) {
  bool *real = learned(e, c->a, c->n);
  for (uint32_t k = 0; k < c->n; k++) {
    if (real[k] && ir_type(e->p, c->start[k])->elem == ELEM_INT)
      c->start[k] = node_to_real(e, c->start[k]);
    c->type[k] = ir_type(e->p, c->start[k]);
  }
}

static const Val *carry_value(Elab *e, const Carry *c, Ref node, uint32_t first) {
  const Val **leaf = NEWN(e->c, const Val *, c->n);
  for (uint32_t k = 0; k < c->n; k++) leaf[k] = val_node(e, ir_out(e->p, node, first + k));
  return val_rebuild(e, c->init, leaf);
}

/* ---- fold, scan --------------------------------------------------------- */

static bool fold_body(Elab *e, Scope *outer, Carry *c, const Clause *clause, Region **body) {
  const Ast *a = c->a;
  uint32_t messages = diag_count(e->c);
  Ref t;
  *body = ir_begin_loop(e->p, 1, &clause->extent, &t);
  Scope *s = scope_new(e, outer);
  carry_params(e, s, c);
  clause_bind(e, s, clause, t);
  Ref *out = NEWN(e->c, Ref, c->n);
  bool fits = carry_results(e, c, elab_expr(e, s, a->kid[3]), out);
  if (fits)
    for (uint32_t round = 0; round < (a->kind == AST_SCAN ? 2 : 1); round++)
      for (uint32_t k = 0; k < c->n; k++) ir_result(e->p, out[k]);
  ir_end(e->p);
  if (!fits) e->c->diags.n = messages; /* the next elaboration says it again */
  return fits;
}

const Val *elab_fold(Elab *e, Scope *s, const Ast *a) {
  Carry c = carry_open(e, s, a);
  Clause clause = clause_open(e, s, a->kid[2], a);
  bool scan = a->kind == AST_SCAN;
  Region *body;
  elab_enter(e, a->span);
  e->st->in_fold++;
  while (!fold_body(e, s, &c, &clause, &body)) carry_retype(e, &c);
  e->st->in_fold--;
  elab_leave(e);
  Size trips = size_of(e, clause.extent);
  if (scan && !size_nonneg(e->p, trips))
    elab_check(e, ir_prim2(e->p, P_GE, clause.extent, ir_int(e->p, 0)), a->kid[2]->span,
               "an array of negative size: the scan has length %s", size_name(e, trips));
  Combiner *comb = NEWN(e->c, Combiner, c.n); /* all BUILD */
  elab_place(e, a->span);
  Ref r = ir_fold(e->p, clause.extent, c.n, c.start, body, scan ? comb : NULL);
  return carry_value(e, &c, r, scan ? c.n : 0);
}

/* ---- loop --------------------------------------------------------------- */

static Region *loop_condition(Elab *e, Scope *outer, const Carry *c) {
  const Ast *a = c->a->kid[2];
  Region *cond = ir_begin(e->p);
  Scope *s = scope_new(e, outer);
  carry_params(e, s, c);
  const Val *v = elab_expr(e, s, a);
  if (v->kind != VAL_NODE || val_type(e, v)->elem != ELEM_BOOL || val_type(e, v)->rank)
    fail_at(e->c, a->span, "compare it, as in x != 0; any(…) and all(…) make one bool of many",
            "the condition of a `loop` is one bool, not %s", val_type_text(e, v));
  ir_result(e->p, v->ref);
  ir_end(e->p);
  return cond;
}

static bool loop_body(Elab *e, Scope *outer, Carry *c, Region **body) {
  uint32_t messages = diag_count(e->c);
  *body = ir_begin(e->p);
  Scope *s = scope_new(e, outer);
  carry_params(e, s, c);
  Ref *out = NEWN(e->c, Ref, c->n);
  bool fits = carry_results(e, c, elab_expr(e, s, c->a->kid[4]), out);
  for (uint32_t k = 0; fits && k < c->n; k++) ir_result(e->p, out[k]);
  ir_end(e->p);
  if (!fits) e->c->diags.n = messages;
  return fits;
}

const Val *elab_loop(Elab *e, Scope *s, const Ast *a) {
  Carry c = carry_open(e, s, a);
  Ref most = elab_scalar_int(e, s, a->kid[3]);
  Region *cond, *body;
  bool fits;
  elab_enter(e, a->span);
  e->st->in_fold++;
  do {
    cond = loop_condition(e, s, &c);
    fits = loop_body(e, s, &c, &body);
    if (!fits) carry_retype(e, &c);
  } while (!fits);
  e->st->in_fold--;
  elab_leave(e);
  elab_place(e, a->span);
  Ref r = ir_while(e->p, most, c.n, c.start, cond, body);
  return carry_value(e, &c, r, 0);
}
