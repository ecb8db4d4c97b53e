/* replay.c - copies of region bodies, as levels to sweep.
 *
 * Replays are fresh: no node of theirs is shared with an older one, so that whatever
 * their reverse contributes to stands in the level or is free in it.  Long sums straight
 * in a loop's body are not computed again: the forward loop is made to keep them. */
#include "differentiate/restore.h"

Copy *replay_of(Prog *p) {
  if (!p->replay) {
    p->replay = NEW(p->ctx, Copy);
    *p->replay = (Copy){.from = p, .to = p, .same = true, .drop_io = true, .drop_upd = true};
  }
  return p->replay;
}

enum { CHEAP_TRIPS = 8 };   /* a sum this short is computed again, not kept */

static bool short_loop(const Prog *p, const Node *n) {
  double trips = 1, e;
  for (uint32_t i = 0; i < n->nargs; i++) {
    if (!ir_is_const(p, n->arg[i], &e)) return false;
    trips *= e;
  }
  return trips <= CHEAP_TRIPS;
}

/* Is it a pure loop of sums, too long to be worth computing again? */
static bool worth_keeping(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  if (n->op != IR_LOOP || ir_has_effect(p, r) || short_loop(p, n)) return false;
  for (uint32_t k = 0; k < n->nresults; k++)
    if (n->aux.loop->comb[k] != SUM) return false;
  return n->nresults > 0;
}

/* The node of the forward run that `old` of the source stands for there, or 0. */
static Ref forward_twin(Reverse *v, const Keeper *k, Ref old) {
  Ref twin = k->is_source ? old : copy_ref(v->replay, old);
  return ir_node(v->p, twin)->region == k->body->id ? twin : 0;
}

/* Reads a value of the forward run back: the loop keeps it as one more output. */
static Ref read_kept(Reverse *v, const Keeper *k, Ref twin) {
  Prog *p = v->p;
  Ref tape = ir_out(p, k->loop, ir_add_output(p, k->loop, twin, BUILD));
  return ir_var(p, ir_read(p, tape, k->n, k->index, false));
}

static Kept *keep_sums(Reverse *v, Kept **kept, Ref old) {
  Ctx *hash_ctx = v->p->ctx;
  Kept *k = NEW(hash_ctx, Kept);
  k->source = old;
  k->result = NEWN(hash_ctx, Ref, ir_node(v->p, old)->nresults);
  HASH_ADD(hh, *kept, source, sizeof k->source, k);
  return k;
}

/* The result of a kept loop: a variable that stands in for it when it is swept. */
static void stand_in(Reverse *v, Level *l, const Keeper *keep, Kept *k, Ref old) {
  Ctx *hash_ctx = v->p->ctx;
  StandIn *s = NEW(hash_ctx, StandIn);
  s->var = read_kept(v, keep, forward_twin(v, keep, old));
  s->kept = k;
  s->result = (uint32_t)ir_node(v->p, old)->aux.i;
  if (!k->first) k->first = s->var;
  HASH_ADD(hh, l->standins, var, sizeof s->var, s);
  copy_set(v->replay, old, s->var);
  VEC_PUSH(hash_ctx, &l->variables, s->var);
}

typedef struct SourceOf { Ref copy, old; } SourceOf;

static void note_sources(Reverse *v, Level *l, const SourceOf *s, uint32_t n) {
  l->source = NEWN(v->p->ctx, Ref, (size_t)l->act.hi + 2 - l->act.lo);
  for (uint32_t i = 0; i < n; i++) l->source[s[i].copy - l->act.lo] = s[i].old;
}

void replay(Reverse *v, Level *l, const Region *r, const Keeper *keep) {
  Prog *p = v->p;
  VEC(SourceOf) sources = {0};
  Kept *kept = NULL;
  bool derivative = p->derivative, fresh = p->fresh;
  p->derivative = false;
  p->fresh = true;
  for (uint32_t i = 0; i < r->nodes.n; i++) {
    Ref old = r->nodes.at[i];
    const Node *n = ir_node(p, old);
    Kept *k = NULL;
    if (n->nregions && !n->nresults) continue;   /* effects alone: see seed_updates */
    if (n->op == IR_PROJ) HASH_FIND(hh, kept, &n->arg[0], sizeof(Ref), k);
    if (k) {
      stand_in(v, l, keep, k, old);
    } else if (keep && worth_keeping(p, old) && forward_twin(v, keep, old)) {
      keep_sums(v, &kept, old);
    } else {
      Ref copy = copy_node(v->replay, old);
      if (copy && n->nregions && copy >= l->act.lo)
        VEC_PUSH(p->ctx, &sources, ((SourceOf){copy, old}));
      restored_stand_in(v, old);
    }
  }
  p->derivative = derivative;
  p->fresh = fresh;
  level_ready(v, l, p->cur);
  note_sources(v, l, sources.at, sources.n);
}
