/* forward.c - forward mode: one walk onwards over the nodes between the variables and the
 * results, from the operands' tangents to the node's.
 *
 * A structured node is followed by one that computes its tangents: the same structure,
 * its body run again with the tangents beside it.  Levels are as in reverse mode (see
 * reverse.h), with a tangent in each slot. */
#include "differentiate/reverse.h"

typedef struct Line Line;
typedef struct Forward {
  Prog *p;
  Copy *replay;
  HandleValue *handles;   /* of accumulators: those of their tangents */
  Span at;
} Forward;

/* A level: nodes lo .. hi and their tangents; others are found in the parent. */
struct Line {
  Line *parent;
  Activity act;
  Ref *tangent;
};

static bool line_active(const void *self, Ref r) {
  const Line *l = self;
  return l && (r >= l->act.lo && r <= l->act.hi ? l->act.active[r - l->act.lo] != 0
                                               : line_active(l->parent, r));
}

/* The tangent of r, or 0. */
static Ref tangent_of(const Line *l, Ref r) {
  for (; l; l = l->parent)
    if (r >= l->act.lo && r <= l->act.hi) return l->tangent[r - l->act.lo];
  return 0;
}

static Ref dense_tangent(Forward *f, const Line *l, Ref r) {
  Ref d = tangent_of(l, r);
  return d ? d : ir_zero(f->p, ir_type(f->p, r));
}

static void set_tangent(Line *l, Ref r, Ref d) { l->tangent[r - l->act.lo] = d; }

static Ref add_tangents(Prog *p, Ref a, Ref b) { return !a ? b : !b ? a : add_values(p, a, b); }

static void follow_region(Forward *f, Line *l, const Region *r);

/* ---- plain nodes ---- */

static Ref prim_tangent(Forward *f, Line *l, Ref r) {
  const Node *n = ir_node(f->p, r);
  Ref sum = 0;
  for (uint32_t k = 0; k < n->nargs; k++) {
    Ref d = tangent_of(l, n->arg[k]);
    if (d) sum = add_tangents(f->p, sum, rule_times_partial(f->p, r, k, d));
  }
  return sum;
}

static Ref with_tangent(Forward *f, Line *l, const Node *n) {
  Ref a = dense_tangent(f, l, n->arg[0]), v = dense_tangent(f, l, n->arg[1]);
  return ir_with(f->p, a, v, n->nargs - 2, n->arg + 2, n->flags & NODE_CHECKED);
}

static Ref stack_tangent(Forward *f, Line *l, const Node *n) {
  Ref *d = NEWN(f->p->ctx, Ref, n->nargs);
  for (uint32_t k = 0; k < n->nargs; k++) d[k] = dense_tangent(f, l, n->arg[k]);
  return ir_stack(f->p, n->nargs, d);
}

static Ref value_tangent(Forward *f, Line *l, Ref r) {
  Prog *p = f->p;
  const Node *n = ir_node(p, r);
  if (n->op == IR_PRIM) return prim_tangent(f, l, r);
  if (n->op == IR_WITH) return with_tangent(f, l, n);
  if (n->op == IR_STACK) return stack_tangent(f, l, n);
  Ref d = n->nargs ? tangent_of(l, n->arg[n->op == IR_STRAIGHT]) : 0;
  if (!d) return 0;
  switch (n->op) {
  case IR_READ: return ir_read(p, d, n->nargs - 1, n->arg + 1, n->flags & NODE_CHECKED);
  case IR_RESHAPE: return ir_reshape(p, d, n->type);
  case IR_FILL: return ir_fill(p, d, n->type);
  case IR_VAR: case IR_TIE: case IR_STRAIGHT: return d;
  case IR_SCALE: return scale_value(p, d, n->arg[1]);
  default: return 0;
  }
}

/* ---- bodies ---- */

static void line_begin(Forward *f, Line *l, Line *parent) {
  *l = (Line){.parent = parent};
  l->act.p = f->p;
  l->act.lo = f->p->nnodes;
}

/* Makes a level of the nodes built since line_begin; no variables of its own. */
static void line_ready(Forward *f, Line *l) {
  l->act.hi = f->p->nnodes - 1;
  size_t span = (size_t)l->act.hi + 2 - l->act.lo;
  l->act.outer = line_active;
  l->act.self = l->parent;
  l->act.active = NEWN(f->p->ctx, uint8_t, span);
  l->tangent = NEWN(f->p->ctx, Ref, span);
}

/* Copies r's nodes here as a level and follows them.  The parameters have been mapped, and
 * those with tangents are among with_d (their copies), d their tangents. */
static void follow_copy(Forward *f, Line *l, const Region *r, uint32_t n, const Ref *with_d,
                        const Ref *d) {
  Prog *p = f->p;
  bool derivative = p->derivative, fresh = p->fresh;
  p->derivative = false;
  p->fresh = true;
  copy_nodes(f->replay, r);
  p->derivative = derivative;
  p->fresh = fresh;
  line_ready(f, l);
  for (uint32_t k = 0; k < n; k++)
    if (d[k]) {
      l->act.active[with_d[k] - l->act.lo] = 1;
      set_tangent(l, with_d[k], d[k]);
    }
  follow_region(f, l, r);
}

/* The copy of a node, or 0 where it has none (an effect). */
static Ref copied(const Copy *k, Ref old) { return old < k->nmap ? k->map[old] : 0; }

static Ref copied_tangent(Forward *f, Line *l, Ref old) {
  Ref r = copy_ref(f->replay, old);
  return dense_tangent(f, l, r);
}

/* ---- loop ---- */

static Ref extremum_tangent(Forward *f, Line *l, Ref node, const Node *n, uint32_t k) {
  Prog *p = f->p;
  const Region *body = n->regions[0];
  Ref at = winner(p, node, k);
  Ref some = ir_prim2(p, P_GE, at, ir_int(p, 0));
  Region *then = ir_begin(p);
  Ref *extent = NEWN(p->ctx, Ref, n->nargs), *index = NEWN(p->ctx, Ref, n->nargs);
  for (uint32_t i = 0; i < n->nargs; i++) extent[i] = copy_ref(f->replay, n->arg[i]);
  unrank(p, at, n->nargs, extent, index);
  Line inner;
  line_begin(f, &inner, l);
  for (uint32_t i = 0; i < n->nargs; i++) copy_set(f->replay, body->params.at[i], index[i]);
  follow_copy(f, &inner, body, 0, NULL, NULL);
  ir_result(p, copied_tangent(f, &inner, body->results.at[k]));
  ir_end(p);
  Region *otherwise = ir_begin(p);
  ir_result(p, ir_real(p, 0));
  ir_end(p);
  return ir_out(p, ir_if(p, some, then, otherwise), 0);
}

/* prod: a fold carries the product so far and its tangent, right where factors are 0. */
static Ref product_tangent(Forward *f, Line *l, const Node *n, uint32_t k) {
  Prog *p = f->p;
  const Region *body = n->regions[0];
  Ref *extent = NEWN(p->ctx, Ref, n->nargs), *index = NEWN(p->ctx, Ref, n->nargs);
  Ref count = ir_int(p, 1);
  for (uint32_t i = 0; i < n->nargs; i++) {
    extent[i] = copy_ref(f->replay, n->arg[i]);
    count = ir_mul(p, count, extent[i]);
  }
  Ref init[2] = {ir_real(p, 1), ir_real(p, 0)};
  Ref t;
  Region *step = ir_begin_loop(p, 1, &count, &t);
  Ref sofar = ir_param(p, ir_type(p, init[0])), d = ir_param(p, ir_type(p, init[1]));
  unrank(p, t, n->nargs, extent, index);
  Line inner;
  line_begin(f, &inner, l);
  for (uint32_t i = 0; i < n->nargs; i++) copy_set(f->replay, body->params.at[i], index[i]);
  follow_copy(f, &inner, body, 0, NULL, NULL);
  Ref e = copy_ref(f->replay, body->results.at[k]);
  Ref de = copied_tangent(f, &inner, body->results.at[k]);
  ir_result(p, ir_mul(p, sofar, e));
  ir_result(p, ir_add(p, ir_mul(p, d, e), ir_mul(p, sofar, de)));
  ir_end(p);
  return ir_out(p, ir_fold(p, count, 2, init, step, NULL), 1);
}

static bool plain_output(Combiner c) { return c == BUILD || c == SUM; }

/* Builds and sums: the same loop over tangents; out[k] for those outputs. */
static void plain_loop_tangents(Forward *f, Line *l, const Node *n, uint32_t count,
                                const bool *wanted, Ref *out) {
  Prog *p = f->p;
  const Region *body = n->regions[0];
  const LoopAttr *a = n->aux.loop;
  Ref *extent = NEWN(p->ctx, Ref, n->nargs), *index = NEWN(p->ctx, Ref, n->nargs);
  Combiner *comb = NEWN(p->ctx, Combiner, count + 1);
  for (uint32_t i = 0; i < n->nargs; i++) extent[i] = copy_ref(f->replay, n->arg[i]);
  Region *r = ir_begin_loop(p, n->nargs, extent, index);
  for (uint32_t i = 0; i < n->nargs; i++) copy_set(f->replay, body->params.at[i], index[i]);
  Line inner;
  line_begin(f, &inner, l);
  follow_copy(f, &inner, body, 0, NULL, NULL);
  uint32_t nout = 0;
  for (uint32_t k = 0; k < count; k++)
    if (wanted[k]) {
      ir_result(p, copied_tangent(f, &inner, body->results.at[k]));
      comb[nout++] = a->comb[k];
    }
  ir_end(p);
  Ref loop = ir_loop(p, n->nargs, extent, r, comb);
  for (uint32_t k = 0, j = 0; k < count; k++)
    if (wanted[k]) out[k] = ir_out(p, loop, j++);
}

static void loop_tangents(Forward *f, Line *l, Ref node, Ref source, const bool *active, Ref *out) {
  const Node *n = ir_node(f->p, source);
  uint32_t nout = n->aux.loop->nout;
  bool *wanted = NEWN(f->p->ctx, bool, nout + 1);
  bool any = ir_has_effect(f->p, source);
  for (uint32_t k = 0; k < nout; k++) {
    Combiner c = n->aux.loop->comb[k];
    if (!active[k]) continue;
    if (c == MAX || c == MIN) out[k] = extremum_tangent(f, l, node, n, k);
    else if (c == PROD) out[k] = product_tangent(f, l, n, k);
    else any |= wanted[k] = plain_output(c);
  }
  if (any) plain_loop_tangents(f, l, n, nout, wanted, out);
}

/* ---- fold and while: the state and its tangent, carried together ---- */

typedef struct Carry {
  uint32_t n, nactive;
  uint32_t *active;
  Ref *init, *param, *d;     /* states then tangents; param: inside; d: by state, or 0 */
} Carry;

static void carry_init(Forward *f, Line *l, Ref node, const Node *n, uint32_t first, Carry *c) {
  Prog *p = f->p;
  const Node *run = ir_node(p, node);
  const Region *body = run->regions[run->nregions - 1];
  c->n = n->nargs - 1;
  c->active = NEWN(p->ctx, uint32_t, c->n + 1);
  c->init = NEWN(p->ctx, Ref, 2 * c->n + 1);
  c->param = NEWN(p->ctx, Ref, 2 * c->n + 1);
  c->d = NEWN(p->ctx, Ref, c->n + 1);
  for (uint32_t k = 0; k < c->n; k++) {
    c->init[k] = copy_ref(f->replay, n->arg[k + 1]);
    if (line_active(l, body->params.at[first + k])) c->active[c->nactive++] = k;
  }
  for (uint32_t j = 0; j < c->nactive; j++)
    c->init[c->n + j] = dense_tangent(f, l, c->init[c->active[j]]);
}

/* Parameters of the new body for states and tangents, mapped from `old`'s. */
static void carry_params(Forward *f, const Region *old, uint32_t first, Carry *c) {
  Prog *p = f->p;
  for (uint32_t k = 0; k < c->n + c->nactive; k++) c->param[k] = ir_param(p, ir_type(p, c->init[k]));
  for (uint32_t k = 0; k < c->n; k++) copy_set(f->replay, old->params.at[first + k], c->param[k]);
  for (uint32_t j = 0; j < c->nactive; j++) c->d[c->active[j]] = c->param[c->n + j];
}

static void carry_results(Forward *f, Line *inner, const Region *body, const Carry *c) {
  Prog *p = f->p;
  for (uint32_t k = 0; k < c->n; k++) ir_result(p, copy_ref(f->replay, body->results.at[k]));
  for (uint32_t j = 0; j < c->nactive; j++)
    ir_result(p, copied_tangent(f, inner, body->results.at[c->active[j]]));
}

static void carry_out(Forward *f, Ref made, const Carry *c, Ref *out) {
  for (uint32_t j = 0; j < c->nactive; j++) out[c->active[j]] = ir_out(f->p, made, c->n + j);
}

static void fold_tangents(Forward *f, Line *l, Ref node, Ref source, const bool *active, Ref *out) {
  Prog *p = f->p;
  const Node *n = ir_node(p, source);
  const Region *body = n->regions[0];
  Carry c = {0};
  carry_init(f, l, node, n, 1, &c);
  Ref trips = copy_ref(f->replay, n->arg[0]), t;
  Region *r = ir_begin_loop(p, 1, &trips, &t);
  Line inner;
  line_begin(f, &inner, l);
  copy_set(f->replay, body->params.at[0], t);
  carry_params(f, body, 1, &c);
  follow_copy(f, &inner, body, c.n, c.param, c.d);
  carry_results(f, &inner, body, &c);
  Combiner *comb = NEWN(p->ctx, Combiner, n->nresults + 1);
  uint32_t nout = 0;
  for (uint32_t k = c.n; k < n->nresults; k++)
    if (active[k]) {
      ir_result(p, copied_tangent(f, &inner, body->results.at[k]));
      comb[nout++] = n->aux.loop->comb[k - c.n];
    }
  ir_end(p);
  Ref fold = ir_fold(p, trips, c.n + c.nactive, c.init, r, comb);
  carry_out(f, fold, &c, out);
  for (uint32_t k = c.n, j = c.n + c.nactive; k < n->nresults; k++)
    if (active[k]) out[k] = ir_out(p, fold, j++);
}

static void while_tangents(Forward *f, Line *l, Ref node, Ref source, Ref *out) {
  Prog *p = f->p;
  const Node *n = ir_node(p, source);
  Carry c = {0};
  carry_init(f, l, node, n, 0, &c);
  Region *cond = ir_begin(p);
  carry_params(f, n->regions[0], 0, &c);
  copy_nodes(f->replay, n->regions[0]);
  ir_result(p, copy_ref(f->replay, n->regions[0]->results.at[0]));
  ir_end(p);
  Region *r = ir_begin(p);
  Line inner;
  line_begin(f, &inner, l);
  carry_params(f, n->regions[1], 0, &c);
  follow_copy(f, &inner, n->regions[1], c.n, c.param, c.d);
  carry_results(f, &inner, n->regions[1], &c);
  ir_end(p);
  Ref most = copy_ref(f->replay, n->arg[0]);
  carry_out(f, ir_while(p, most, c.n + c.nactive, c.init, cond, r), &c, out);
}

/* ---- if ---- */

static Region *branch_tangents(Forward *f, Line *l, const Region *old, const bool *active) {
  Prog *p = f->p;
  Region *r = ir_begin(p);
  Line inner;
  line_begin(f, &inner, l);
  follow_copy(f, &inner, old, 0, NULL, NULL);
  for (uint32_t k = 0; k < old->results.n; k++)
    if (active[k]) ir_result(p, copied_tangent(f, &inner, old->results.at[k]));
  ir_end(p);
  return r;
}

static void if_tangents(Forward *f, Line *l, Ref source, const bool *active, Ref *out) {
  Prog *p = f->p;
  const Node *n = ir_node(p, source);
  Region *then = branch_tangents(f, l, n->regions[0], active);
  Region *otherwise = branch_tangents(f, l, n->regions[1], active);
  Ref branch = ir_if(p, copy_ref(f->replay, n->arg[0]), then, otherwise);
  for (uint32_t k = 0, j = 0; k < n->nresults; k++)
    if (active[k]) out[k] = ir_out(p, branch, j++);
}

/* ---- accum: tangents are added up in accumulators of their own ---- */

static void update_tangent(Forward *f, Line *l, const Node *n) {
  Ref handle = handle_value(f->handles, n->arg[0]);
  Ref d = tangent_of(l, copy_ref(f->replay, n->arg[1]));
  if (!handle || !d) return;
  uint32_t nidx = n->nargs - 2;
  Ref *index = NEWN(f->p->ctx, Ref, nidx + 1);
  for (uint32_t k = 0; k < nidx; k++) index[k] = copy_ref(f->replay, n->arg[k + 2]);
  ir_upd(f->p, handle, d, nidx, index, n->flags & NODE_CHECKED);
}

static void accum_tangents(Forward *f, Line *l, Ref source, const bool *active, Ref *out) {
  Prog *p = f->p;
  const Node *n = ir_node(p, source);
  const Region *body = n->regions[0];
  Ref *init = NEWN(p->ctx, Ref, n->nargs);
  uint32_t na = 0;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (active[k]) init[na++] = dense_tangent(f, l, copy_ref(f->replay, n->arg[k]));
  Region *r = ir_begin(p);
  for (uint32_t k = 0; k < n->nargs; k++) {
    Ref array = copy_ref(f->replay, n->arg[k]);
    Ref handle = active[k] ? ir_param(p, type_acc(p, ir_type(p, array))) : 0;
    handle_set(p->ctx, &f->handles, body->params.at[k], handle);
    copy_set(f->replay, body->params.at[k], 0);
  }
  Line inner;
  line_begin(f, &inner, l);
  follow_copy(f, &inner, body, 0, NULL, NULL);
  for (uint32_t k = 0; k < body->results.n; k++)
    if (active[n->nargs + k]) ir_result(p, copied_tangent(f, &inner, body->results.at[k]));
  ir_end(p);
  Ref accum = ir_accum(p, na, init, r);
  for (uint32_t k = 0, j = 0; k < n->nresults; k++)
    if (active[k]) out[k] = ir_out(p, accum, j++);
}

/* ---- rules ---- */

static void tangents_by_rule(Forward *f, Line *l, const Node *n, Ref *out) {
  Prog *p = f->p;
  const Region *rule = n->regions[1];
  for (uint32_t k = 0; k < n->nargs; k++) {
    Ref arg = copy_ref(f->replay, n->arg[k]);
    copy_set(f->replay, rule->params.at[k], arg);
    copy_set(f->replay, rule->params.at[n->nargs + k], dense_tangent(f, l, arg));
  }
  p->derivative = false;
  f->replay->drop_io = false;
  copy_nodes(f->replay, rule);
  f->replay->drop_io = true;
  p->derivative = true;
  for (uint32_t k = 0; k < n->aux.custom->nresults; k++)
    out[k] = copy_ref(f->replay, rule->results.at[k]);
}

static void tangents_by_transpose(Forward *f, Line *l, Ref node, const Node *n, Ref *out) {
  Prog *p = f->p;
  const CustomAttr *a = n->aux.custom;
  if (!rule_is_linear(p, n->regions[1], n->nargs, a->nresults)) {
    diag(p->ctx, SEV_ERROR, f->at, "forward mode meets '%s', whose rule is not linear in what arrives",
         a->name);
    diag(p->ctx, SEV_NOTE, a->rule, "the rule stands here");
    diag(p->ctx, SEV_HELP, (Span){0}, "use grad or vjp, or give it a custom_tangent");
    diag_raise(p->ctx, GC_ERROR);
  }
  Ref *other = NEWN(p->ctx, Ref, n->nargs + a->nresults + 1), *seed = NEWN(p->ctx, Ref, n->nargs + 1);
  uint32_t no = 0, ns = 0;
  for (uint32_t k = 0; k < n->nargs; k++) {
    other[no++] = copy_ref(f->replay, n->arg[k]);
    if (a->gives[k]) seed[ns++] = dense_tangent(f, l, copy_ref(f->replay, n->arg[k]));
  }
  for (uint32_t k = 0; a->has_value && k < a->nresults; k++) other[no++] = ir_out(p, node, k);
  transpose_rule(p, n->regions[1], n->nargs, a->nresults, other, seed, out);
}

/* ---- the walk ---- */

static void structured_tangents(Forward *f, Line *l, Ref node, Ref source, const bool *active, Ref *out) {
  const Node *n = ir_node(f->p, source);
  switch (n->op) {
  case IR_IF: if_tangents(f, l, source, active, out); break;
  case IR_LOOP: loop_tangents(f, l, node, source, active, out); break;
  case IR_FOLD: fold_tangents(f, l, node, source, active, out); break;
  case IR_WHILE: while_tangents(f, l, node, source, out); break;
  case IR_ACCUM: accum_tangents(f, l, source, active, out); break;
  case IR_CUSTOM:
    if (n->aux.custom->tangent) tangents_by_rule(f, l, n, out);
    else tangents_by_transpose(f, l, node, n, out);
    break;
  default: internal_error(f->p->ctx, "no tangent of operator %u", n->op);
  }
}

static bool updates_tangents(Forward *f, const Node *n) {
  for (uint32_t i = 0; i < n->nfree; i++)
    if (handle_value(f->handles, n->free[i])) return true;
  return false;
}

/* Which results of a structured node carry tangents: asked of the copy in the level. */
static bool *active_results(Forward *f, Line *l, Ref node, const Node *source) {
  bool *active = NEWN(f->p->ctx, bool, source->nresults + 1);
  for (uint32_t k = 0; node && k < source->nresults; k++)
    active[k] = activity_of_result(&l->act, ir_node(f->p, node), k);
  return active;
}

/* The tangents of a structured node's results, kept by its slot's number in `made`. */
static void follow_structured(Forward *f, Line *l, Ref node, Ref source, Ref **made) {
  const Node *n = ir_node(f->p, source);
  bool *active = active_results(f, l, node, n);
  bool any = updates_tangents(f, n);
  for (uint32_t k = 0; k < n->nresults; k++) any |= active[k];
  if (!any) return;
  f->p->pos = n->pos;
  Ref *out = NEWN(f->p->ctx, Ref, n->nresults + 1);
  structured_tangents(f, l, node, source, active, out);
  if (node >= l->act.lo) made[node - l->act.lo] = out;
}

static void follow_node(Forward *f, Line *l, Ref r, Ref source, Ref **made) {
  Prog *p = f->p;
  const Node *n = ir_node(p, r);
  if (n->op == IR_UPD) return;
  if (n->nregions) { follow_structured(f, l, r, source, made); return; }
  if (!is_active(&l->act, r) || tangent_of(l, r)) return;
  p->pos = n->pos;
  if (n->op != IR_PROJ) { set_tangent(l, r, value_tangent(f, l, r)); return; }
  Ref s = n->arg[0];
  Ref *out = s >= l->act.lo && s <= l->act.hi ? made[s - l->act.lo] : NULL;
  if (out) set_tangent(l, r, out[n->aux.i]);
}

/* Follows the copies of r's nodes, in order; updates and effects come from r itself. */
static void follow_region(Forward *f, Line *l, const Region *r) {
  Ref **made = NEWN(f->p->ctx, Ref *, (size_t)l->act.hi + 2 - l->act.lo);
  for (uint32_t i = 0; i < r->nodes.n; i++) {
    Ref old = r->nodes.at[i];
    const Node *n = ir_node(f->p, old);
    if (n->op == IR_UPD) { update_tangent(f, l, n); continue; }
    if (n->flags & NODE_IO && !n->nregions) continue;
    Ref copy = copied(f->replay, old);
    if (!copy && n->nregions) { follow_structured(f, l, 0, old, made); continue; }
    if (!copy || copy < l->act.lo || copy > l->act.hi) continue;
    activity_of_node(&l->act, copy);
    follow_node(f, l, copy, old, made);
  }
}

void diff_forward(Prog *p, uint32_t ny, const Ref *y, uint32_t nx, const Ref *x, const Ref *dx,
                  uint32_t nheld, const Ref *held, Span at, Ref *out) {
  Span pos = p->pos;
  bool was_derivative = p->derivative;
  Forward f = {.p = p, .replay = replay_of(p), .at = at};
  Line top = {0};
  activity_of_results(&top.act, p, ny, y, nx, x, nheld, held);
  size_t span = (size_t)top.act.hi + 2 - top.act.lo;
  top.tangent = NEWN(p->ctx, Ref, span);
  Ref **made = NEWN(p->ctx, Ref *, span);
  p->derivative = true;
  for (Ref r = top.act.lo; r <= top.act.hi; r++) {
    if (!top.act.need[r - top.act.lo]) continue;
    bool variable = is_variable(&top.act, r);
    if (is_held(&top.act, r) && !variable) continue;
    if (!variable || !is_held(&top.act, r)) follow_node(&f, &top, r, r, made);
    for (uint32_t k = 0; variable && k < nx; k++)
      if (x[k] == r) set_tangent(&top, r, add_tangents(p, dx[k], tangent_of(&top, r)));
  }
  for (uint32_t k = 0; k < ny; k++) {
    Ref d = tangent_of(&top, y[k]);
    bool connected = false;
    for (uint32_t j = 0; j < nx && !d && !connected; j++)
      connected = diff_reaches(p, y[k], x[j], nheld, held, NULL);
    out[k] = d ? d : connected ? ir_zero(p, ir_type(p, y[k])) : 0;
  }
  p->derivative = was_derivative;
  p->pos = pos;
}

bool diff_forward_possible(Prog *p, uint32_t ny, const Ref *y, uint32_t nx, const Ref *x) {
  Activity a = {0};
  activity_of_results(&a, p, ny, y, nx, x, 0, NULL);
  for (Ref r = a.lo; r <= a.hi; r++) {
    const Node *n = ir_node(p, r);
    if (n->op != IR_CUSTOM || n->aux.custom->tangent) continue;
    if (!rule_is_linear(p, n->regions[1], n->nargs, n->aux.custom->nresults)) return false;
  }
  return true;
}
