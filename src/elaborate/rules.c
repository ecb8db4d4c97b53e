/* rules.c - calls of functions with a rule of their own: a CUSTOM node with the function
 * in its first region and the rule in its second.
 *
 * The real leaves of the arguments are the node's operands.  Ints stay what they are
 * outside, so that sizes remain known; functions and bools too.  Inside the rule, a
 * call of the function itself on the rule's own parameters is the value at hand. */
#include "elaborate/private.h"

typedef struct RuleCall {
  Elab *e;
  const Function *f;
  uint32_t n;
  const Val **arg;          /* matched */
  SizeEnv *env;
  VEC(Ref) real;            /* the operands */
  const Val *result;        /* of region 0, in its structure; refs are region 0's */
  VEC(const Type *) out;    /* types of the results */
  CustomAttr *attr;
} RuleCall;

static bool is_real(Elab *e, const Val *leaf) {
  return leaf->kind == VAL_NODE && val_type(e, leaf)->elem == ELEM_REAL;
}

/* The arguments with their real leaves replaced by new parameters of the region. */
static const Val **args_as_params(RuleCall *r) {
  Elab *e = r->e;
  const Val **out = NEWN(e->c, const Val *, r->n);
  for (uint32_t k = 0; k < r->n; k++) {
    const Val **leaf;
    uint32_t n = val_leaves(e, r->arg[k], &leaf);
    for (uint32_t j = 0; j < n; j++)
      if (is_real(e, leaf[j])) leaf[j] = val_node(e, ir_param(e->p, val_type(e, leaf[j])));
    out[k] = val_rebuild(e, r->arg[k], leaf);
  }
  return out;
}

/* Tangents beside the arguments: parameters where they are real, none elsewhere. */
static const Val **tangents_as_params(RuleCall *r) {
  Elab *e = r->e;
  const Val **out = NEWN(e->c, const Val *, r->n);
  for (uint32_t k = 0; k < r->n; k++) {
    const Val **leaf;
    uint32_t n = val_leaves(e, r->arg[k], &leaf);
    for (uint32_t j = 0; j < n; j++)
      leaf[j] = is_real(e, leaf[j]) ? val_node(e, ir_param(e->p, val_type(e, leaf[j])))
                                    : val_none(e, "the argument is not real");
    out[k] = val_rebuild(e, r->arg[k], leaf);
  }
  return out;
}

/* ---- the function itself ------------------------------------------------ */

/* A result without a declared type is real where it is a number: a rule is there to
 * give it a derivative. */
static const Val *result_leaf(RuleCall *r, const Val *leaf) {
  Elab *e = r->e;
  if (leaf->kind == VAL_FUNC)
    fail_at(e->c, r->f->def->name_span, NULL,
            "a function with a rule gives numbers, not functions");
  if (leaf->kind == VAL_NONE || r->f->def->kid[1] || val_type(e, leaf)->elem != ELEM_INT)
    return leaf;
  return val_node(e, node_to_real(e, leaf->ref));
}

static Region *primal_region(RuleCall *r) {
  Elab *e = r->e;
  Region *body = ir_begin(e->p);
  const Val **arg = args_as_params(r);
  const Val *v = call_inside(e, r->f, arg, r->n, r->env), **leaf;
  uint32_t n = val_leaves(e, v, &leaf);
  for (uint32_t k = 0; k < n; k++) {
    leaf[k] = result_leaf(r, leaf[k]);
    if (leaf[k]->kind != VAL_NODE) continue;
    ir_result(e->p, leaf[k]->ref);
    VEC_PUSH(e->c, &r->out, val_type(e, leaf[k]));
  }
  r->result = val_rebuild(e, v, leaf);
  ir_end(e->p);
  for (uint32_t k = 0; k < r->out.n; k++)
    need_visible_sizes(e, r->out.at[k], r->f->def->name_span, "the result");
  return body;
}

/* The result's structure on new nodes, one for each of its nodes in order. */
static const Val *result_on(RuleCall *r, const Ref *node) {
  const Val **leaf;
  uint32_t n = val_leaves(r->e, r->result, &leaf);
  for (uint32_t k = 0; k < n; k++)
    if (leaf[k]->kind == VAL_NODE) leaf[k] = val_node(r->e, *node++);
  return val_rebuild(r->e, r->result, leaf);
}

static const Val *result_as_params(RuleCall *r) {
  Ref *node = NEWN(r->e->c, Ref, r->out.n);
  for (uint32_t k = 0; k < r->out.n; k++) node[k] = ir_param(r->e->p, r->out.at[k]);
  return result_on(r, node);
}

/* ---- the rule ----------------------------------------------------------- */

static void see_itself(void *self, const Ast *name) {
  RuleCall *r = self;
  r->attr->has_value |= name->name == r->f->name;
}

static void bind_params(RuleCall *r, Scope *s, const Ast *params, const Val *const *v) {
  for (uint32_t k = 0; k < params->nkids; k++) {
    const Ast *a = params->kid[k];
    bind_name(r->e, s, a, a->name, a->name_span, v[k]);
  }
}

static _Noreturn void fail_part(RuleCall *r, uint32_t k, const Val *part) {
  const Ast *rule = r->f->rule;
  fail_note(r->e, rule->kid[2]->span,
            "a part is shaped as its parameter, a scalar for all of it, or none",
            rule->kid[0]->kid[k]->span,
            str_printf(r->e->c, "the parameter is %s here", val_type_text(r->e, r->arg[k])),
            "the rule gives %s for `%s`", val_type_text(r->e, part), rule->kid[0]->kid[k]->name);
}

/* One leaf of a part as the parameter's type. */
static Ref part_leaf(RuleCall *r, uint32_t k, const Val *part, const Val *leaf, const Type *t) {
  Elab *e = r->e;
  Span at = r->f->rule->kid[2]->span;
  if (leaf->kind != VAL_NODE || val_type(e, leaf)->elem == ELEM_BOOL) fail_part(r, k, part);
  const Type *have = val_type(e, leaf);
  if (have->rank == 0 && t->rank) return ir_fill(e->p, val_real(e, leaf, at), t);
  if (have->rank != t->rank) fail_part(r, k, part);
  for (uint32_t j = 0; j < t->rank; j++) {
    int64_t gap;
    if (size_is_const(size_sub(e->p, t->dim[j], have->dim[j]), &gap) && gap) fail_part(r, k, part);
  }
  return leaf_to_type(e, leaf, t, at, "a rule's part and its parameter");
}

/* Results of the rule for the real leaves of parameter k; at: the first one's number. */
static void give_part(RuleCall *r, uint32_t k, const Val *part, uint32_t *at) {
  Elab *e = r->e;
  const Val *arg = r->arg[k], *given = part, **as, **ps;
  if (!val_align(e, &arg, &given)) fail_part(r, k, part);
  uint32_t n = val_leaves(e, arg, &as);
  val_leaves(e, given, &ps);
  for (uint32_t j = 0; j < n; j++) {
    if (!is_real(e, as[j])) continue;
    uint32_t number = (*at)++;
    r->attr->gives[number] = ps[j]->kind != VAL_NONE;
    if (ps[j]->kind != VAL_NONE)
      ir_result(e->p, part_leaf(r, k, part, ps[j], val_type(e, as[j])));
  }
}

static const Val *rule_part(RuleCall *r, const Val *v, uint32_t k) {
  if (r->n == 1 || v->kind == VAL_NONE) return v;
  if (v->kind != VAL_TUPLE || v->n != r->n)
    fail_note(r->e, r->f->rule->kid[2]->span,
              "give one for each parameter, none where there is none",
              r->f->def->name_span, "the function is defined here",
              "the rule of `%s` gives %s for %u parameters", r->f->name, val_type_text(r->e, v),
              r->n);
  return v->kid[k];
}

static Region *gradient_region(RuleCall *r) {
  Elab *e = r->e;
  const Ast *rule = r->f->rule;
  resolve_free(e->c, rule, see_itself, r);
  r->attr->has_value |= rule->kid[1]->nkids > 1;
  Region *body = ir_begin(e->p);
  const Val **arg = args_as_params(r);
  const Val *seed[2] = {result_as_params(r), NULL};
  if (r->attr->has_value) {
    seed[1] = result_as_params(r);
    memo_put(e, &r->f->func, arg, r->n, seed[1]);
  }
  Scope *s = scope_with_sizes(e, r->f->func.home, r->env);
  bind_params(r, s, rule->kid[0], arg);
  bind_params(r, s, rule->kid[1], seed);
  const Val *v = elab_expr(e, s, rule->kid[2]);
  uint32_t at = 0;
  for (uint32_t k = 0; k < r->n; k++) give_part(r, k, rule_part(r, v, k), &at);
  ir_end(e->p);
  return body;
}

static Region *tangent_region(RuleCall *r) {
  Elab *e = r->e;
  const Ast *rule = r->f->rule;
  Region *body = ir_begin(e->p);
  const Val **arg = args_as_params(r), **tangent = tangents_as_params(r);
  Scope *s = scope_with_sizes(e, r->f->func.home, r->env);
  bind_params(r, s, rule->kid[0], arg);
  bind_params(r, s, rule->kid[1], tangent);
  const Val *v = elab_expr(e, s, rule->kid[2]), *want = r->result, **leaf;
  if (!val_align(e, &want, &v))
    fail_note(e, rule->kid[2]->span, NULL, r->f->def->name_span, "the function is defined here",
              "the rule of `%s` gives %s for a result of type %s", r->f->name, val_type_text(e, v),
              val_type_text(e, r->result));
  uint32_t n = val_leaves(e, v, &leaf), at = 0;
  const Val **results;
  val_leaves(e, want, &results);
  for (uint32_t k = 0; k < n; k++) {
    if (results[k]->kind != VAL_NODE) continue;
    const Type *t = r->out.at[at++];
    if (leaf[k]->kind == VAL_NODE && val_type(e, leaf[k])->rank == 0 && t->rank)
      leaf[k] = val_node(e, ir_fill(e->p, val_real(e, leaf[k], rule->kid[2]->span), t));
    if (leaf[k]->kind == VAL_NODE && val_type(e, leaf[k])->rank != t->rank)
      fail_at(e->c, rule->kid[2]->span, "a tangent is shaped as the result",
              "the rule of `%s` gives %s for a result of type %s", r->f->name,
              val_type_text(e, leaf[k]), type_name(e, t));
    ir_result(e->p, leaf_to_type(e, leaf[k], t, rule->kid[2]->span, "the rule and the result"));
  }
  ir_end(e->p);
  return body;
}

/* ---- the call ----------------------------------------------------------- */

static void collect_operands(RuleCall *r) {
  for (uint32_t k = 0; k < r->n; k++) {
    const Val **leaf;
    uint32_t n = val_leaves(r->e, r->arg[k], &leaf);
    for (uint32_t j = 0; j < n; j++)
      if (is_real(r->e, leaf[j])) VEC_PUSH(r->e->c, &r->real, leaf[j]->ref);
  }
}

const Val *call_with_rule(Elab *e, const Function *f, const Val *const *arg, uint32_t n,
                          CallPlace place, SizeEnv *env) {
  RuleCall r = {.e = e, .f = f, .n = n, .env = env};
  r.arg = call_match(e, f, arg, n, place, env);
  r.attr = NEW(e->c, CustomAttr);
  collect_operands(&r);
  r.attr->name = f->name;
  r.attr->rule = f->rule->span;
  r.attr->tangent = f->rule->kind == AST_TANGENT;
  r.attr->gives = NEWN(e->c, bool, r.real.n);
  for (uint32_t k = 0; k < r.real.n; k++) r.attr->gives[k] = true;
  Region *primal = primal_region(&r);
  r.attr->nresults = r.out.n;
  /* A rule runs when somebody differentiates, however old the call is. */
  bool muted = e->st->muted;
  e->st->muted = false;
  Region *rule = r.attr->tangent ? tangent_region(&r) : gradient_region(&r);
  e->st->muted = muted;
  elab_place(e, place.at);
  Ref node = ir_custom(e->p, r.real.n, r.real.at, primal, rule, r.attr);
  Ref *out = NEWN(e->c, Ref, r.out.n);
  for (uint32_t k = 0; k < r.out.n; k++) out[k] = ir_out(e->p, node, k);
  return result_on(&r, out);
}
