/* structured.c - the reverse of if, accum and custom, and who reverses what.
 *
 * Each copies the region it reverses (the replay), seeds the copy's results and sweeps
 * it.  Arrays from outside receive their contributions through accumulators opened
 * around the new structure, scalars as one more result of it. */
#include "differentiate/stretch.h"

void map_params(Reverse *v, const Region *r, uint32_t n, const Ref *to) {
  for (uint32_t k = 0; k < n; k++) copy_set(v->replay, r->params.at[k], to[k]);
}

/* ---- if: an if, with the reverse of the branch that was taken ---- */

static Region *branch_back(Reverse *v, Level *l, const Region *source, const Frees *f,
                           const Ref *g, Ref *sums) {
  Prog *p = v->p;
  Region *r = ir_begin(p);
  Level child;
  level_begin(v, &child, l, false);
  frees_sinks(v, f, &child);
  replay(v, &child, source, NULL);
  seed_updates(v, &child, source);
  for (uint32_t k = 0; g && k < source->results.n; k++)
    add_adjoint(v, &child, copy_ref(v->replay, source->results.at[k]), g[k]);
  sweep(v, &child);
  frees_scalar_sums(v, f, &child, sums);
  for (uint32_t k = 0; k < f->nscalars; k++) ir_result(p, sums[k]);
  ir_end(p);
  return r;
}

static void reverse_if(Reverse *v, Level *l, Ref source, const Ref *g) {
  Prog *p = v->p;
  const Node *n = ir_node(p, source);
  Frees f;
  if (!frees_open(v, l, n, &f)) return;
  Ref *sums = NEWN(p->ctx, Ref, f.nscalars + 1);
  Region *then = branch_back(v, l, n->regions[0], &f, g, sums);
  Region *otherwise = branch_back(v, l, n->regions[1], &f, g, sums);
  Ref branch = ir_if(p, copy_ref(v->replay, n->arg[0]), then, otherwise);
  frees_hand_out(v, l, &f, branch);
}

/* ---- accum: its region once more, in line; the reverse of an update is a read ---- */

Ref handle_value(HandleValue *all, Ref handle) {
  HandleValue *h;
  HASH_FIND(hh, all, &handle, sizeof handle, h);
  return h ? h->value : 0;
}

void handle_set(Ctx *hash_ctx, HandleValue **all, Ref handle, Ref value) {
  HandleValue *h;
  HASH_FIND(hh, *all, &handle, sizeof handle, h);
  if (!h) {
    h = NEW(hash_ctx, HandleValue);
    h->handle = handle;
    HASH_ADD(hh, *all, handle, sizeof h->handle, h);
  }
  h->value = value;
}

static void reverse_accum(Reverse *v, Level *l, Ref source, const Ref *g) {
  Prog *p = v->p;
  const Node *n = ir_node(p, source);
  const Region *r = n->regions[0];
  for (uint32_t k = 0; k < n->nargs; k++) {
    handle_set(p->ctx, &v->handles, r->params.at[k], g[k]);
    copy_set(v->replay, r->params.at[k], 0);
  }
  Level child;
  level_begin(v, &child, l, true);
  replay(v, &child, r, NULL);
  seed_updates(v, &child, r);
  for (uint32_t k = 0; k < r->results.n; k++)
    add_adjoint(v, &child, copy_ref(v->replay, r->results.at[k]), g[n->nargs + k]);
  sweep(v, &child);
  for (uint32_t k = 0; k < n->nargs; k++)
    add_adjoint(v, l, copy_ref(v->replay, n->arg[k]), g[k]);
}

/* ---- custom: the rule, in line ---- */

static Ref arrived(Prog *p, const Node *custom, uint32_t k, const Ref *g) {
  return g[k] ? g[k] : ir_zero(p, custom->result_type[k]);
}

static void reverse_by_gradient(Reverse *v, Level *l, Ref node, const Node *n, const Ref *g) {
  Prog *p = v->p;
  const Region *rule = n->regions[1];
  uint32_t at = 0, nresults = n->aux.custom->nresults;
  for (uint32_t k = 0; k < n->nargs; k++)
    copy_set(v->replay, rule->params.at[at++], copy_ref(v->replay, n->arg[k]));
  for (uint32_t k = 0; k < nresults; k++)
    copy_set(v->replay, rule->params.at[at++], arrived(p, n, k, g));
  for (uint32_t k = 0; n->aux.custom->has_value && k < nresults; k++)
    copy_set(v->replay, rule->params.at[at++], ir_out(p, node, k));
  p->derivative = false;
  v->replay->drop_io = false;
  copy_nodes(v->replay, rule);
  v->replay->drop_io = true;
  p->derivative = true;
  for (uint32_t k = 0, part = 0; k < n->nargs; k++)
    if (n->aux.custom->gives[k])
      add_adjoint(v, l, copy_ref(v->replay, n->arg[k]),
                  copy_ref(v->replay, rule->results.at[part++]));
}

static _Noreturn void not_linear(const Prog *p, const CustomAttr *a) {
  diag(p->ctx, SEV_ERROR, a->rule,
       "reverse mode meets '%s', whose rule is not linear in its tangents", a->name);
  diag(p->ctx, SEV_HELP, (Span){0},
       "each term of the rule needs one tangent as a factor; use jvp, or give it a custom_gradient");
  diag_raise(p->ctx, GC_ERROR);
}

static void reverse_by_tangent(Reverse *v, Level *l, const Node *n, const Ref *g) {
  Prog *p = v->p;
  if (!rule_is_linear(p, n->regions[1], n->nargs, n->nargs)) not_linear(p, n->aux.custom);
  Ref *arg = NEWN(p->ctx, Ref, n->nargs + 1), *out = NEWN(p->ctx, Ref, n->nargs + 1);
  Ref *seed = NEWN(p->ctx, Ref, n->aux.custom->nresults + 1);
  for (uint32_t k = 0; k < n->nargs; k++) arg[k] = copy_ref(v->replay, n->arg[k]);
  for (uint32_t k = 0; k < n->aux.custom->nresults; k++) seed[k] = arrived(p, n, k, g);
  transpose_rule(p, n->regions[1], n->nargs, n->nargs, arg, seed, out);
  for (uint32_t k = 0; k < n->nargs; k++)
    if (n->aux.custom->gives[k]) add_adjoint(v, l, arg[k], out[k]);
}

void reverse_structured(Reverse *v, Level *l, Ref node, Ref source, const Ref *g) {
  const Node *n = ir_node(v->p, source);
  switch (n->op) {
  case IR_IF: reverse_if(v, l, source, g); break;
  case IR_LOOP: reverse_loop(v, l, node, source, g); break;
  case IR_FOLD: reverse_fold(v, l, node, source, g); break;
  case IR_WHILE: reverse_in_stretches(v, l, node, source, g); break;
  case IR_ACCUM: reverse_accum(v, l, source, g); break;
  case IR_CUSTOM:
    if (n->aux.custom->tangent) reverse_by_tangent(v, l, n, g);
    else reverse_by_gradient(v, l, node, n, g);
    break;
  default: internal_error(v->p->ctx, "no reverse of operator %u", n->op);
  }
}
