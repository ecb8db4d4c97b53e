/* rewrite.c - see rewrite.h.  Recursion goes over the nesting of regions alone. */
#include "optimize/rewrite.h"

enum { MAX_EXTENTS = 64 };

static Ref image(void *copy, Ref old) {
  return copy_ref(copy, old);
}

static void enter(Rewrite *w, const Node *n) {
  w->k.to->pos = n->pos;
  w->k.to->derivative = (n->flags & NODE_DERIVATIVE) != 0;
}

static void rewrite_one(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  enter(w, n);
  Ref r = w->node(w, old);
  if (r == REWRITE_GONE) return;
  if (!r) r = rewrite_copy(w, old);
  if (!r) return;
  Node *m = ir_node(w->k.to, r);
  if (!m->name) m->name = n->name;
  copy_set(&w->k, old, r);
}

void rewrite_nodes(Rewrite *w, const Region *r) {
  for (uint32_t i = 0; i < r->nodes.n; i++) rewrite_one(w, r->nodes.at[i]);
}

/* What the region's indices run over, as far as that is known: it helps proofs. */
static uint32_t known_extents(Rewrite *w, const Region *r, Ref *extent) {
  uint32_t n = 0;
  while (n < r->extents.n && n < MAX_EXTENTS) {
    Ref old = r->extents.at[n];
    if (old >= w->k.nmap || !w->k.map[old]) break;
    extent[n++] = w->k.map[old];
  }
  return n;
}

static Region *rewrite_region(Rewrite *w, const Region *r) {
  Prog *to = w->k.to;
  Region *mine = ir_begin_like(to, r);
  Ref extent[MAX_EXTENTS];
  ir_set_extents(to, known_extents(w, r, extent), extent);
  for (uint32_t i = 0; i < r->params.n; i++) {
    const Node *n = ir_node(w->k.from, r->params.at[i]);
    Ref p = ir_param(to, type_map(to, n->type, image, &w->k));
    ir_node(to, p)->name = n->name;
    ir_node(to, p)->pos = n->pos;
    copy_set(&w->k, r->params.at[i], p);
  }
  rewrite_nodes(w, r);
  for (uint32_t i = 0; i < r->results.n; i++) ir_result(to, copy_ref(&w->k, r->results.at[i]));
  ir_end(to);
  return mine;
}

static Ref build(Rewrite *w, const Node *n, const Ref *arg, Region **r) {
  Prog *to = w->k.to;
  switch (n->op) {
  case IR_IF: return ir_if(to, arg[0], r[0], r[1]);
  case IR_LOOP: return ir_loop(to, n->nargs, arg, r[0], n->aux.loop->comb);
  case IR_FOLD: return ir_fold(to, arg[0], n->nargs - 1, arg + 1, r[0], n->aux.loop->comb);
  case IR_WHILE: return ir_while(to, arg[0], n->nargs - 1, arg + 1, r[0], r[1]);
  case IR_ACCUM: return ir_accum(to, n->nargs, arg, r[0]);
  case IR_CUSTOM: return ir_custom(to, n->nargs, arg, r[0], r[1], n->aux.custom);
  default: internal_error(to->ctx, "rewrite: operator %d with regions", n->op);
  }
}

void rewrite_busy(bool *busy, const Prog *p, Ref r) {
  const Region *at = p->regions.at[ir_node(p, r)->region];
  for (; at && !busy[at->id]; at = at->parent) busy[at->id] = true;
}

static bool is_quiet(const Rewrite *w, const Node *n) {
  for (uint32_t k = 0; k < n->nregions; k++)
    if (w->busy[n->regions[k]->id]) return false;
  return true;
}

static Ref copy_structured(Rewrite *w, const Node *n) {
  Ctx *c = w->k.to->ctx;
  Ref *arg = NEWN(c, Ref, n->nargs + 1);
  Region **r = NEWN(c, Region *, n->nregions + 1);
  for (uint32_t i = 0; i < n->nargs; i++) arg[i] = copy_ref(&w->k, n->arg[i]);
  for (uint32_t i = 0; i < n->nregions; i++) r[i] = rewrite_region(w, n->regions[i]);
  enter(w, n);
  return build(w, n, arg, r);
}

Ref rewrite_copy(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old);
  if (n->op == IR_PROJ && w->outs[n->arg[0]]) return w->outs[n->arg[0]][n->aux.i];
  if (!n->nregions) return copy_node(&w->k, old);
  Ref r = w->busy && is_quiet(w, n) ? copy_as_it_is(&w->k, old) : 0;
  if (!r) r = copy_structured(w, n);
  w->outs[old] = NULL;   /* of an earlier copy, in a round that was written out */
  return r;
}

Ref rewrite_decided(Rewrite *w, Ref old) {
  const Node *n = ir_node(w->k.from, old), *c = ir_node(w->k.to, copy_ref(&w->k, n->arg[0]));
  w->outs[old] = NULL;   /* set if another version has been written */
  if (c->op != IR_CONST) return 0;
  const Region *taken = n->regions[c->aux.i ? 0 : 1];
  rewrite_nodes(w, taken);
  w->outs[old] = NEWN(w->k.to->ctx, Ref, n->nresults + 1);
  for (uint32_t k = 0; k < n->nresults; k++)
    w->outs[old][k] = copy_ref(&w->k, taken->results.at[k]);
  return REWRITE_GONE;
}

Prog *rewrite_program(Rewrite *w, Prog *from) {
  Prog *to = prog_start(&w->k, from);
  to->erased |= w->erases;
  if (from->regions.n > 1) w->outs = NEWN(from->ctx, Ref *, from->nnodes);
  rewrite_nodes(w, from->root);
  prog_finish(&w->k);
  arena_release(from->ctx, w->outs, sizeof(Ref *) * from->nnodes);
  w->outs = NULL;
  return to;
}

Ref rewrite_eta(Prog *p, Ref loop, uint32_t k) {
  const Node *l = ir_node(p, loop);
  if (l->op != IR_LOOP || k >= l->aux.loop->nout || l->aux.loop->comb[k] != BUILD) return 0;
  const Region *r = l->regions[0];
  const Node *e = ir_node(p, r->results.at[k]);
  if (e->op != IR_READ || e->nargs != r->params.n + 1) return 0;
  for (uint32_t i = 0; i < r->params.n; i++)
    if (e->arg[i + 1] != r->params.at[i]) return 0;
  if (ir_type(p, e->arg[0]) != l->result_type[k]) return 0;
  return ir_in_scope(p, e->arg[0], p->cur) ? e->arg[0] : 0;
}
