/* controls.c - the built-in functions that change a derivative and no value.  Each works
 * leaf by leaf on tuples and records; ints and bools carry no derivative and pass. */
#include "elaborate/builtins.h"
#include "elaborate/private.h"

static bool is_real(Elab *e, const Val *v) {
  return v->kind == VAL_NODE && ir_type(e->p, v->ref)->elem == ELEM_REAL;
}

const Val *apply_stop_gradient(APPLY_ARGS) {
  (void)s, (void)call, (void)n;
  const Val **leaf;
  uint32_t count = val_leaves(e, arg[0], &leaf);
  const Val **out = NEWN(e->c, const Val *, count);
  for (uint32_t k = 0; k < count; k++)
    out[k] = is_real(e, leaf[k]) ? val_node(e, ir_stop(e->p, leaf[k]->ref)) : leaf[k];
  return val_rebuild(e, arg[0], out);
}

/* ---- scaling ---- */

typedef struct Factor {
  const char *what;
  const Val *value;      /* one for each leaf of e, or one for all */
  Span at, whole;        /* of the factor; of the control */
  bool reversal;
} Factor;

static const Val *scaled(Elab *e, const Val *v, const Factor *f) {
  const Val *like = v, *value = f->value, **leaf, **factors;
  bool one = value->kind == VAL_NODE, alike = one || val_align(e, &like, &value);
  uint32_t n = val_leaves(e, v, &leaf);
  if (val_leaves(e, value, &factors) != (one ? 1 : n) || !alike)
    fail_at(e->c, f->at, "give one number, or one for each part", "%s: %s does not fit %s", f->what,
            val_type_text(e, f->value), val_type_text(e, v));
  const Val **out = NEWN(e->c, const Val *, n);
  for (uint32_t k = 0; k < n; k++) {
    out[k] = leaf[k];
    if (!is_real(e, leaf[k])) continue;
    const Val *s = factors[one ? 0 : k];
    arg_node(e, s, f->what, f->at);
    Ref factor = val_real(e, s, f->at);
    if (f->reversal) factor = val_real(e, elab_unary(e, OP_NEG, val_node(e, factor), f->at), f->at);
    if (ir_type(e->p, factor)->rank > 0)
      factor = spread(e, factor, ir_type(e->p, leaf[k]->ref), f->what, f->at);
    factor = ir_stop(e->p, factor);
    elab_place(e, f->whole);
    out[k] = val_node(e, ir_scale(e->p, leaf[k]->ref, factor, f->reversal));
  }
  return val_rebuild(e, v, out);
}

const Val *apply_grad_reverse(APPLY_ARGS) {
  const Ast *named = call && call->kind == AST_CALL ? call_named(call, "alpha") : NULL;
  Factor f = {.what = "grad_reverse", .at = arg_span(e, call, 1), .whole = e->p->pos,
              .reversal = true};
  f.value = n > 1 ? arg[1] : named ? elab_expr(e, s, named) : val_node(e, ir_real(e->p, 1));
  return scaled(e, arg[0], &f);
}

const Val *apply_grad_scale(APPLY_ARGS) {
  (void)s, (void)n;
  Factor f = {.what = "grad_scale", .value = arg[1], .at = arg_span(e, call, 1),
              .whole = e->p->pos};
  return scaled(e, arg[0], &f);
}

/* ---- clipping: a rule of the prelude ---- */

const Val *apply_grad_clip(APPLY_ARGS) {
  (void)s, (void)n;
  const Val **leaf;
  Span whole = e->p->pos;
  uint32_t count = val_leaves(e, arg[0], &leaf);
  const Val **out = NEWN(e->c, const Val *, count);
  for (uint32_t k = 0; k < count; k++) {
    out[k] = leaf[k];
    if (!is_real(e, leaf[k])) continue;
    const Val *three[3] = {leaf[k]};
    for (uint32_t b = 1; b < 3; b++) {
      Span at = arg_span(e, call, b);
      arg_node(e, arg[b], "grad_clip", at);
      Ref bound = val_real(e, arg[b], at);
      if (ir_type(e->p, bound)->rank > 0)
        bound = spread(e, bound, ir_type(e->p, leaf[k]->ref), "grad_clip", at);
      three[b] = val_node(e, bound);
    }
    out[k] = elab_prelude(e, "grad_clip", three, 3, whole);
  }
  return val_rebuild(e, arg[0], out);
}

/* ---- straight-through estimators ---- */

/* One leaf: a scalar on either side is repeated to the other's shape. */
static const Val *straight(Elab *e, const Val *hard, const Val *soft, const Ast *call) {
  Span hard_at = arg_span(e, call, 0), soft_at = arg_span(e, call, 1);
  const char *what = "straight_through";
  Ref h = bools_to_ints(e, arg_node(e, hard, what, hard_at));
  h = val_real(e, val_node(e, h), hard_at);
  if (soft->kind == VAL_NONE) return val_node(e, ir_stop(e->p, h));
  arg_node(e, soft, what, soft_at);
  Ref v = val_real(e, soft, soft_at);
  if (ir_type(e->p, h)->rank == 0) h = spread(e, h, ir_type(e->p, v), what, hard_at);
  v = spread(e, v, ir_type(e->p, h), what, soft_at);
  return val_node(e, ir_straight(e->p, h, v));
}

const Val *apply_straight_through(APPLY_ARGS) {
  (void)s, (void)n;
  const Val *like = arg[0], *other = arg[1], **hard, **soft;
  bool alike = val_align(e, &like, &other);
  uint32_t nh = val_leaves(e, like, &hard), ns = val_leaves(e, other, &soft);
  if (!alike || nh != ns)
    fail_at(e->c, arg_span(e, call, 1), "both must have the same parts",
            "straight_through: %s does not fit %s", val_type_text(e, arg[1]),
            val_type_text(e, arg[0]));
  const Val **out = NEWN(e->c, const Val *, nh);
  for (uint32_t k = 0; k < nh; k++) out[k] = straight(e, hard[k], soft[k], call);
  return val_rebuild(e, like, out);
}
