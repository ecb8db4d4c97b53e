/* built.c - a step of opt_fuse: an array that a fold writes row by row is built.
 *
 * Requires: barriers gone.  A carried array of as many rows as there are steps, where step t
 * replaces row t and looks at no other row, is never read after it was written: what a step
 * reads is what the fold started with, and the rows together are an output.  So it is for the
 * states of layers on top of each other, `h with [k] = …`.  Steps that look at other rows,
 * the one before for example, keep it.  An output that only repeats an array from outside,
 * row by row, is that array.
 * Maintains every value to the bit.  Linear. */
#include "optimize/passes.h"

typedef struct Built {
  Prog *p;
  Ref *written;              /* by Ref of a carried array: the WITH at the step's number, or 0 */
  Ref *array;                /* by Ref of such a WITH: the carried array */
} Built;

/* ---- which ------------------------------------------------------------------------- */

static void find_written(Built *s, const Node *fold) {
  const Region *body = fold->regions[0];
  Size trips = size_atom(s->p, fold->arg[0]);
  for (uint32_t k = 0; k + 1 < fold->nargs; k++) {
    Ref r = body->results.at[k], param = body->params.at[k + 1];
    const Node *w = ir_node(s->p, r);
    if (w->op != IR_WITH || w->region != body->id || w->flags & NODE_CHECKED) continue;
    if (w->nargs != 3 || w->arg[0] != param || w->arg[2] != body->params.at[0]) continue;
    if (w->type->dim[0] != trips) continue;
    s->written[param] = r;
    s->array[r] = param;
  }
}

/* Operand k of n is a carried array or what replaces it. */
static void check_use(Built *s, Ref user, const Node *n, uint32_t k) {
  Ref r = n->arg[k], param = s->array[r] ? s->array[r] : r;
  Ref with = s->written[param];
  if (!with || (user == with && !k)) return;
  const Region *body = s->p->regions.at[ir_node(s->p, param)->region];
  bool own_row = r == param && !k && n->op == IR_READ && n->arg[1] == body->params.at[0] &&
                 !(n->flags & NODE_CHECKED);
  if (!own_row) s->written[param] = 0;
}

static void check_results(Built *s, const Region *r) {
  for (uint32_t k = 0; k < r->results.n; k++) {
    Ref e = r->results.at[k], param = e && s->array[e] ? s->array[e] : e;
    if (!e || !s->written[param]) continue;
    bool own = e != param && ir_node(s->p, e)->region == r->id && k + 1 < r->params.n &&
               r->params.at[k + 1] == param;
    if (!own) s->written[param] = 0;
  }
}

static bool find_all(Built *s) {
  bool any = false;
  for (Ref r = 1; r < s->p->nnodes; r++)
    if (ir_node(s->p, r)->op == IR_FOLD) find_written(s, ir_node(s->p, r));
  for (Ref r = 1; r < s->p->nnodes; r++) {
    const Node *n = ir_node(s->p, r);
    for (uint32_t k = 0; k < n->nargs; k++) check_use(s, r, n, k);
  }
  for (uint32_t k = 0; k < s->p->regions.n; k++) check_results(s, s->p->regions.at[k]);
  for (Ref r = 1; r < s->p->nnodes && !any; r++) any = s->written[r];
  return any;
}

/* ---- rewriting --------------------------------------------------------------------------- */

/* Where each result of the fold is among those of the new one. */
typedef struct Places { uint32_t carried, outputs; uint32_t *of; } Places;

static bool is_built(const Built *s, const Node *fold, uint32_t k) {
  return k + 1 < fold->nargs && s->written[fold->regions[0]->params.at[k + 1]];
}

static Places find_places(const Built *s, const Node *fold) {
  Places x = {.of = NEWN(s->p->ctx, uint32_t, fold->nresults + 1)};
  for (uint32_t k = 0; k + 1 < fold->nargs; k++)
    if (!is_built(s, fold, k)) x.of[k] = x.carried++;
  for (uint32_t k = fold->nargs - 1; k < fold->nresults; k++) x.of[k] = x.carried + x.outputs++;
  for (uint32_t k = 0; k + 1 < fold->nargs; k++)
    if (is_built(s, fold, k)) x.of[k] = x.carried + x.outputs++;
  return x;
}

static Region *copy_body(Rewrite *w, const Node *fold, Ref trips, const Ref *init) {
  const Built *s = w->self;
  const Region *body = fold->regions[0];
  Region *r = ir_begin(w->k.to);
  ir_set_extents(w->k.to, 1, &trips);
  pass_param(w, body->params.at[0]);
  for (uint32_t k = 0; k + 1 < fold->nargs; k++) {
    if (is_built(s, fold, k)) copy_set(&w->k, body->params.at[k + 1], init[k]);
    else pass_param(w, body->params.at[k + 1]);
  }
  rewrite_nodes(w, body);
  return r;
}

/* The results in their new order. */
static void give_body(Rewrite *w, const Node *fold, const Places *x, Combiner *comb) {
  const Region *body = fold->regions[0];
  Ref *result = NEWN(w->k.to->ctx, Ref, fold->nresults + 1);
  for (uint32_t k = 0; k < fold->nresults; k++) {
    Ref value = body->results.at[k];
    if (is_built(w->self, fold, k)) value = ir_node(w->k.from, value)->arg[1];
    result[x->of[k]] = copy_ref(&w->k, value);
    if (x->of[k] < x->carried) continue;
    comb[x->of[k] - x->carried] =
        k + 1 < fold->nargs ? BUILD : fold->aux.loop->comb[k + 1 - fold->nargs];
  }
  for (uint32_t k = 0; k < fold->nresults; k++) ir_result(w->k.to, result[k]);
}

/* The array that output k of the new fold repeats row by row, or 0. */
static Ref repeated(Prog *to, Ref made, uint32_t k) {
  const Node *n = ir_node(to, made);
  const Region *body = n->regions[0];
  const Node *e = ir_node(to, body->results.at[k]);
  if (n->op != IR_FOLD || k + 1 < n->nargs || n->aux.loop->comb[k + 1 - n->nargs] != BUILD) return 0;
  if (e->op != IR_READ || e->flags & NODE_CHECKED) return 0;
  if (e->arg[e->nargs - 1] != body->params.at[0]) return 0;
  for (uint32_t j = 0; j + 1 < e->nargs; j++)
    if (!ir_in_scope(to, e->arg[j], to->cur)) return 0;
  if (type_drop(to, ir_type(to, e->arg[0]), e->nargs - 2) != n->result_type[k]) return 0;
  return ir_read(to, e->arg[0], e->nargs - 2, e->arg + 1, false);
}

static void build(Rewrite *w, Ref old) {
  Prog *to = w->k.to;
  const Node *fold = ir_node(w->k.from, old);
  Places x = find_places(w->self, fold);
  Ref *init = NEWN(to->ctx, Ref, fold->nargs + 1), *arg = NEWN(to->ctx, Ref, fold->nargs + 1);
  Ref *outs = NEWN(to->ctx, Ref, fold->nresults + 1);
  Combiner *comb = NEWN(to->ctx, Combiner, x.outputs + 1);
  arg[0] = copy_ref(&w->k, fold->arg[0]);
  for (uint32_t k = 0; k + 1 < fold->nargs; k++) {
    init[k] = copy_ref(&w->k, fold->arg[k + 1]);
    if (!is_built(w->self, fold, k)) arg[1 + x.of[k]] = init[k];
  }
  Region *r = copy_body(w, fold, arg[0], init);
  give_body(w, fold, &x, comb);
  ir_end(to);
  Ref made = pass_structured(w, fold, x.carried + 1, arg, &r, comb);
  for (uint32_t k = 0; k < fold->nresults; k++) {
    Ref same = repeated(to, made, x.of[k]);
    outs[k] = same ? same : ir_out(to, made, x.of[k]);
  }
  w->outs[old] = outs;
}

static Ref visit(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  if (n->op != IR_FOLD) return 0;
  for (uint32_t k = 0; k + 1 < n->nargs; k++) {
    if (!is_built(w->self, n, k)) continue;
    build(w, old);
    return REWRITE_GONE;
  }
  return 0;
}

Prog *fuse_built(Prog *p) {
  Built s = {.p = p, .written = NEWN(p->ctx, Ref, p->nnodes), .array = NEWN(p->ctx, Ref, p->nnodes)};
  Prog *to = p;
  if (find_all(&s)) to = rewrite_program(&(Rewrite){.node = visit, .self = &s}, p);
  arena_release(p->ctx, s.written, sizeof *s.written * p->nnodes);
  arena_release(p->ctx, s.array, sizeof *s.array * p->nnodes);
  return to;
}
