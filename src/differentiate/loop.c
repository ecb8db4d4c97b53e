/* loop.c - the reverse of a parallel loop: a loop over the same indices whose body runs
 * the forward body again and then its own reverse. */
#include "differentiate/reverse.h"


static bool summed(Combiner c) { return c == BUILD || c == SUM || c == PROD; }

/* The seed of element [index…] of output k. */
static Ref element_seed(Prog *p, Combiner c, Ref g, uint32_t n, const Ref *index) {
  return c == SUM ? g : ir_read(p, g, n, index, false);
}

static void loop_body_reverse(Reverse *v, Level *l, const Node *n, const Frees *f,
                              const Keeper *keep, const Ref *index, uint32_t nout, const Ref *g,
                              Ref *sums) {
  Prog *p = v->p;
  const Region *source = n->regions[0];
  Level child;
  level_begin(v, &child, l, false);
  frees_sinks(v, f, &child);
  map_params(v, source, n->nargs, index);
  replay(v, &child, source, keep);
  const LoopAttr *a = n->aux.loop;
  seed_updates(v, &child, source);
  for (uint32_t k = 0; k < nout; k++)   /* outputs that were added since have no seed */
    if (g[k] && summed(a->comb[k]))
      add_adjoint(v, &child, copy_ref(v->replay, source->results.at[k]),
                  element_seed(p, a->comb[k], g[k], n->nargs, index));
  sweep(v, &child);
  frees_scalar_sums(v, f, &child, sums);
}

static void reverse_loop_sums(Reverse *v, Level *l, Ref node, const Node *n, uint32_t nout,
                              const Ref *g) {
  Prog *p = v->p;
  Frees f;
  if (!frees_open(v, l, n, &f)) return;
  Ref *extent = NEWN(p->ctx, Ref, n->nargs), *index = NEWN(p->ctx, Ref, n->nargs);
  for (uint32_t k = 0; k < n->nargs; k++) extent[k] = copy_ref(v->replay, n->arg[k]);
  Region *body = ir_begin_loop(p, n->nargs, extent, index);
  Ref *sums = NEWN(p->ctx, Ref, f.nscalars + 1);
  const Node *run = node ? ir_node(p, node) : NULL;
  Keeper keep = {node, run ? run->regions[0] : NULL, run == n, n->nargs, index};
  loop_body_reverse(v, l, n, &f, run ? &keep : NULL, index, nout, g, sums);
  Combiner *comb = NEWN(p->ctx, Combiner, f.nscalars + 1);
  for (uint32_t k = 0; k < f.nscalars; k++) { ir_result(p, sums[k]); comb[k] = SUM; }
  ir_end(p);
  Ref loop = ir_loop(p, n->nargs, extent, body, comb);
  frees_hand_out(v, l, &f, loop);
}

/* The subscripts of row-major position `at` in an index space. */
void unrank(Prog *p, Ref at, uint32_t n, const Ref *extent, Ref *index) {
  for (uint32_t k = n; k-- > 0;) {
    index[k] = k ? ir_prim2(p, P_MOD, at, extent[k]) : at;
    if (k) at = ir_prim2(p, P_FLOORDIV, at, extent[k]);
  }
}

/* Where output k (a max or min) was won: an argmax of the same loop. */
Ref winner(Prog *p, Ref loop, uint32_t k) {
  const Node *n = ir_node(p, loop);
  Combiner c = n->aux.loop->comb[k] == MAX ? ARGMAX : ARGMIN;
  return ir_out(p, loop, ir_add_output(p, loop, n->regions[0]->results.at[k], c));
}

/* max and min: only the element that won has an adjoint; it alone is replayed. */
static void reverse_extremum(Reverse *v, Level *l, Ref node, const Node *n, uint32_t k, Ref g) {
  Prog *p = v->p;
  Frees f;
  Ref at = winner(p, node, k);
  if (!frees_open(v, l, n, &f)) return;
  Ref some = ir_prim2(p, P_GE, at, ir_int(p, 0));
  Region *then = ir_begin(p);
  Ref *extent = NEWN(p->ctx, Ref, n->nargs), *index = NEWN(p->ctx, Ref, n->nargs);
  for (uint32_t i = 0; i < n->nargs; i++) extent[i] = copy_ref(v->replay, n->arg[i]);
  unrank(p, at, n->nargs, extent, index);
  Level child;
  level_begin(v, &child, l, false);
  frees_sinks(v, &f, &child);
  map_params(v, n->regions[0], n->nargs, index);
  replay(v, &child, n->regions[0], NULL);
  add_adjoint(v, &child, copy_ref(v->replay, n->regions[0]->results.at[k]), g);
  sweep(v, &child);
  Ref *sums = NEWN(p->ctx, Ref, f.nscalars + 1);
  frees_scalar_sums(v, &f, &child, sums);
  for (uint32_t i = 0; i < f.nscalars; i++) ir_result(p, sums[i]);
  ir_end(p);
  Region *otherwise = ir_begin(p);
  for (uint32_t i = 0; i < f.nscalars; i++) ir_result(p, ir_real(p, 0));
  ir_end(p);
  Ref branch = ir_if(p, some, then, otherwise);
  frees_hand_out(v, l, &f, branch);
}

/* Products of all elements of a vector before (or after) each, by one fold. */
static Ref exclusive_products(Prog *p, Ref e, Ref count, bool after) {
  Ref one = ir_real(p, 1), t;
  Region *r = ir_begin_loop(p, 1, &count, &t);
  Ref sofar = ir_param(p, type_scalar(p, ELEM_REAL));
  Ref last = ir_sub(p, count, ir_int(p, 1));
  Ref at = after ? ir_sub(p, last, t) : t;
  ir_result(p, ir_mul(p, sofar, ir_read(p, e, 1, &at, false)));
  ir_result(p, sofar);
  ir_end(p);
  return ir_out(p, ir_fold(p, count, 1, &one, r, (Combiner[]){BUILD}), 1);
}

/* prod: the seed of each element is the product of all others, from both sides, so that
 * zeros among the factors do no harm.  Gives an array over the index space. */
static Ref product_seeds(Reverse *v, Ref node, const Node *n, uint32_t k, Ref g) {
  Prog *p = v->p;
  Ref factor = ir_node(p, node)->regions[0]->results.at[k];
  Ref e = ir_out(p, node, ir_add_output(p, node, factor, BUILD));
  Size total = size_const(p, 1);
  const Type *t = ir_type(p, e);
  for (uint32_t i = 0; i < n->nargs; i++) total = size_mul(p, total, t->dim[i]);
  const Type *flat_type = type_array(p, ELEM_REAL, 1, &total);
  Ref flat = ir_reshape(p, e, flat_type), count = size_node(p, total);
  Ref before = exclusive_products(p, flat, count, false);
  Ref after = exclusive_products(p, flat, count, true);
  Ref i;
  Region *r = ir_begin_loop(p, 1, &count, &i);
  Ref back = ir_sub(p, ir_sub(p, count, ir_int(p, 1)), i);
  Ref others = ir_mul(p, ir_read(p, before, 1, &i, false), ir_read(p, after, 1, &back, false));
  ir_result(p, rule_times(p, g, others));
  ir_end(p);
  Ref seeds = ir_out(p, ir_loop(p, 1, &count, r, (Combiner[]){BUILD}), 0);
  return ir_reshape(p, seeds, t);
}

void reverse_loop(Reverse *v, Level *l, Ref node, Ref source, const Ref *g) {
  const Node *n = ir_node(v->p, source);
  const LoopAttr *a = n->aux.loop;
  Ref *seed = NEWN(v->p->ctx, Ref, a->nout + 1);
  uint32_t nout = a->nout;
  for (uint32_t k = 0; k < nout; k++) {
    Combiner c = a->comb[k];
    if (!g || !g[k]) continue;
    if (c == MAX || c == MIN) reverse_extremum(v, l, node, n, k, g[k]);
    else seed[k] = c == PROD ? product_seeds(v, node, n, k, g[k]) : g[k];
  }
  bool any = ir_has_effect(v->p, source);
  for (uint32_t k = 0; k < nout; k++) any |= seed[k] != 0;
  if (any) reverse_loop_sums(v, l, node, n, nout, seed);
}

