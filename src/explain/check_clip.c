/* check_clip.c - the backward pass of a rule that is not linear, by its definition.
 *
 * The surrogate of a call c = f(a) with such a rule depends on the gradient that arrives:
 * it is c0 + rule(up)*(a - a0), `up` being the derivative of what is differentiated with
 * respect to c.  So the program is cut at every such call: c becomes a parameter, a and
 * the rule's answer become results.  From the last call to the first, `up` is a difference
 * of the cut program, and its rule's answer is found by running it. */
#include "explain/check_private.h"
#include "optimize/rewrite.h"

/* A call that has been cut; numbers of parameters and results of the cut program. */
typedef struct Cut {
  uint32_t value, up, nresults, arg, answer, body, nargs;
} Cut;

typedef struct Clip {
  Check *k;
  Prog *whole, *p;   /* as it is, and cut */
  uint32_t first, n; /* the results that are differentiated */
  uint32_t nv;       /* results of the whole */
  VEC(Cut) cut;
  VEC(Ref) param, result; /* new ones */
  Value *in;
} Clip;

/* ---- cutting ---- */

static bool can_cut(const Prog *p, const Node *n) {
  if (n->op != IR_CUSTOM || n->region != p->root->id || n->aux.custom->tangent) return false;
  for (uint32_t k = 0; k < n->nresults; k++)
    if (n->result_type[k]->elem != ELEM_REAL) return false;
  return true;
}

static Ref image(void *copy, Ref old) {
  return copy_ref(copy, old);
}

static Ref cut_param(Rewrite *w, Clip *c, const Type *old) {
  Prog *to = w->k.to;
  Ref r = ir_param(to, type_map(to, old, image, &w->k));
  prog_param(to, ((SigParam){.name = "cut", .ref = r}));
  VEC_PUSH(to->ctx, &c->param, r);
  return r;
}

/* A region's nodes here, on the call's arguments and then `more`; its results are added. */
static void inline_region(Rewrite *w, Clip *c, const Node *n, const Region *r, const Ref *more) {
  for (uint32_t k = 0; k < r->params.n; k++)
    copy_set(&w->k, r->params.at[k],
             k < n->nargs ? copy_ref(&w->k, n->arg[k]) : more[k - n->nargs]);
  rewrite_nodes(w, r);
  for (uint32_t k = 0; k < r->results.n; k++)
    VEC_PUSH(w->k.to->ctx, &c->result, copy_ref(&w->k, r->results.at[k]));
}

static Ref cut_call(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  Clip *c = w->self;
  if (!can_cut(w->k.from, n)) return 0;
  Ctx *ctx = w->k.to->ctx;
  Ref *outs = NEWN(ctx, Ref, n->nresults + 1), *more = NEWN(ctx, Ref, 2 * n->nresults + 1);
  Cut cut = {.nresults = n->nresults,
             .value = c->param.n,
             .up = c->param.n + n->nresults,
             .arg = c->result.n};
  for (uint32_t k = 0; k < n->nresults; k++)
    outs[k] = more[n->nresults + k] = cut_param(w, c, n->result_type[k]);
  for (uint32_t k = 0; k < n->nresults; k++) more[k] = cut_param(w, c, n->result_type[k]);
  for (uint32_t k = 0; k < n->nargs; k++)
    if (n->aux.custom->gives[k]) VEC_PUSH(ctx, &c->result, copy_ref(&w->k, n->arg[k]));
  cut.nargs = c->result.n - cut.arg;
  cut.answer = c->result.n;
  inline_region(w, c, n, n->regions[1], more);
  cut.body = c->result.n;
  inline_region(w, c, n, n->regions[0], NULL);
  w->outs[old] = outs;
  VEC_PUSH(ctx, &c->cut, cut);
  return REWRITE_GONE;
}

static void cut_program(void *self) {
  Clip *c = self;
  Rewrite w = {.node = cut_call, .self = c};
  c->nv = c->whole->root->results.n;
  c->p = rewrite_program(&w, c->whole);
  for (uint32_t k = 0; k < c->result.n; k++) {
    ir_result(c->p, c->result.at[k]);
    prog_result(c->p, ((SigResult){"cut", c->result.at[k]}));
  }
}

/* ---- values at the cuts ---- */

static Value *cut_value(Clip *c, uint32_t k) {
  return &c->in[c->whole->root->params.n + k];
}

/* Values flow from one cut to the next: as many rounds as there are cuts. */
static bool settle(Clip *c) {
  for (uint32_t round = 0; round < c->cut.n; round++) {
    const Value *out = run_interpreted(c->k, c->p, c->in, CHECK_BITS);
    if (!out) return false;
    for (uint32_t m = 0; m < c->cut.n; m++)
      for (uint32_t k = 0; k < c->cut.at[m].nresults; k++)
        *cut_value(c, c->cut.at[m].value + k) = out[c->nv + c->cut.at[m].body + k];
  }
  return true;
}

/* ---- adjoints ---- */

/* A rule is not asked where nothing arrives. */
static bool reached(Clip *c, const Cut *cut) {
  for (uint32_t k = 0; k < cut->nresults; k++) {
    const Value *up = cut_value(c, cut->up + k);
    for (uint64_t j = 0; j < elements_of(up); j++)
      if (real_at(up, j) != 0) return true;
  }
  return false;
}

/* Element `at` of the adjoint of parameter `param`: of the results by `up`, and of the
 * arguments of cuts after `from` by their rules' answers. */
static bool adjoint(Clip *c, const Value *up, const Value *answer, uint32_t from, uint32_t param,
                    uint64_t at, double *sum) {
  Check *k = c->k;
  Value *col = NEWN(k->c, Value, c->p->root->results.n + 1);
  if (run_difference(k, c->p, c->in, param, at, col) != GC_OK) return false;
  *sum = 0;
  for (uint32_t r = c->first, s = 0; r < c->first + c->n; r++) {
    if (ir_type(c->p, c->p->root->results.at[r])->elem != ELEM_REAL) continue;
    for (uint64_t j = 0; j < elements_of(&col[r]); j++)
      *sum += real_at(&up[s], j) * real_at(&col[r], j);
    s++;
  }
  for (uint32_t m = from; m < c->cut.n; m++)
    for (uint32_t a = 0; a < c->cut.at[m].nargs && reached(c, &c->cut.at[m]); a++) {
      const Value *v = &col[c->nv + c->cut.at[m].arg + a],
                  *g = &answer[c->nv + c->cut.at[m].answer + a];
      for (uint64_t j = 0; j < elements_of(v); j++) *sum += real_at(g, j) * real_at(v, j);
    }
  return true;
}

static bool adjoint_of(Clip *c, const Value *up, const Value *answer, uint32_t from, uint32_t param,
                       Value *out) {
  *out = c->in[param];
  double *x = NEWN(c->k->c, double, elements_of(out) + 1);
  out->data = x;
  for (uint64_t j = 0; j < elements_of(out); j++)
    if (!adjoint(c, up, answer, from, param, j, &x[j])) return false;
  return true;
}

/* From the last cut to the first. */
static bool arriving(Clip *c, const Value *up, const Value **answer) {
  uint32_t first = c->whole->root->params.n;
  for (uint32_t m = c->cut.n; m-- > 0;) {
    const Cut *cut = &c->cut.at[m];
    for (uint32_t k = 0; k < cut->nresults; k++) {
      Value u;
      if (!adjoint_of(c, up, *answer, m + 1, first + cut->value + k, &u)) return false;
      *cut_value(c, cut->up + k) = u;
    }
    *answer = run_interpreted(c->k, c->p, c->in, CHECK_BITS);
    if (!*answer) return false;
  }
  return true;
}

bool clip_gradient(Check *k, const ClipAsk *q, const Value *in, const Value *up, Value *out) {
  Clip c = {.k = k, .whole = q->p, .first = q->first, .n = q->n};
  const Value *answer = NULL;
  if (check_quietly(k, cut_program, &c) != GC_OK || !c.cut.n) return false;
  c.in = point_extended(k, in, q->p->root->params.n, c.p);
  if (!settle(&c) || !arriving(&c, up, &answer)) return false;
  for (uint32_t l = 0; l < q->nleaves; l++)
    if (!adjoint_of(&c, up, answer, 0, q->leaf[l].param, &out[l])) return false;
  return true;
}
