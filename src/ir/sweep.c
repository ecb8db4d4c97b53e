/* sweep.c - only what is needed is left.
 *
 * Takes any program; gives one with the same parameters and results in which every
 * pure node is used, every result of an IF, LOOP, FOLD, WHILE and ACCUM is read, and a
 * carried value serves more than itself.  Effects stay, with what they need; an
 * update stays if its accumulator's final value does.  A FOLD that carries nothing and
 * prints nothing becomes a LOOP.  A program without anything to drop is given back as it is.
 * Linear: one mark for each node and each result. */
#include "ir/private.h"

typedef struct Sweep {
  Prog *p;
  bool *live;            /* by Ref */
  uint32_t *first;       /* by Ref: of structured nodes, where its results start below */
  bool *result;          /* is this result needed? */
  uint32_t *number;      /* its number among those that are */
  Ref *next_upd;         /* by Ref of an UPD: the handle's next one */
  Ref *upds;             /* by Ref of a handle: its first UPD */
  VEC(Ref) todo;
} Sweep;

/* ---- marking --------------------------------------------------------------- */

static void mark(Sweep *s, Ref r) {
  if (!r || s->live[r]) return;
  s->live[r] = true;
  VEC_PUSH(s->p->ctx, &s->todo, r);
}

static void mark_atom(void *self, Ref r) {
  mark(self, r);
}

static bool *result_of(Sweep *s, Ref structured, uint32_t k) {
  return &s->result[s->first[structured] + k];
}

static void mark_updates(Sweep *s, Ref handle) {
  mark(s, handle);
  for (Ref u = s->upds[handle]; u; u = s->next_upd[u]) mark(s, u);
}

/* Result k of a node with carried values: its body's, its start, and its parameter. */
static void mark_carried(Sweep *s, const Node *n, const Region *body, uint32_t k, uint32_t skip) {
  mark(s, body->results.at[k]);
  mark(s, n->arg[k + 1]);
  mark(s, body->params.at[k + skip]);
}

static void mark_result(Sweep *s, Ref structured, uint32_t k) {
  const Node *n = ir_node(s->p, structured);
  bool *needed = result_of(s, structured, k);
  if (*needed) return;
  *needed = true;
  mark(s, structured);
  type_atoms(n->result_type[k], mark_atom, s);
  const Region *body = n->regions[n->nregions - 1];
  switch ((Op)n->op) {
  case IR_IF:
    mark(s, n->regions[0]->results.at[k]);
    mark(s, body->results.at[k]);
    break;
  case IR_LOOP: mark(s, body->results.at[k]); break;
  case IR_FOLD:
    if (k + 1 < n->nargs) mark_carried(s, n, body, k, 1);
    else mark(s, body->results.at[k]);
    break;
  case IR_WHILE:
    if (k + 1 < n->nargs) mark_carried(s, n, body, k, 0);
    break;
  case IR_ACCUM:
    if (k < n->nargs) {
      mark(s, n->arg[k]);
      mark_updates(s, body->params.at[k]);
    } else {
      mark(s, body->results.at[k - n->nargs]);
    }
    break;
  default: break; /* CUSTOM: all of it is marked with the node */
  }
}

/* A carried value that the body or the condition reads is needed. */
static void mark_param(Sweep *s, const Node *n) {
  const Region *r = s->p->regions.at[n->region];
  if (!r->owner) return;
  const Node *owner = ir_node(s->p, r->owner);
  uint32_t k = n->ordinal;
  if (owner->op == IR_WHILE) mark_result(s, r->owner, k);
  if (owner->op == IR_FOLD && k > 0) mark_result(s, r->owner, k - 1);
  if (owner->op == IR_ACCUM) mark_result(s, r->owner, k);
}

static void mark_all_of(Sweep *s, const Region *r) {
  for (uint32_t k = 0; k < r->results.n; k++) mark(s, r->results.at[k]);
  for (uint32_t k = 0; k < r->params.n; k++) mark(s, r->params.at[k]);
}

/* What a structured node needs whichever results are read. */
static void mark_structured(Sweep *s, Ref r, const Node *n) {
  switch ((Op)n->op) {
  case IR_IF: case IR_FOLD: mark(s, n->arg[0]); break;
  case IR_WHILE:
    mark(s, n->arg[0]);
    mark(s, n->regions[0]->results.at[0]);
    break;
  case IR_LOOP:
    for (uint32_t k = 0; k < n->nargs; k++) mark(s, n->arg[k]);
    break;
  case IR_CUSTOM:
    for (uint32_t k = 0; k < n->nargs; k++) mark(s, n->arg[k]);
    for (uint32_t k = 0; k < n->nregions; k++) mark_all_of(s, n->regions[k]);
    for (uint32_t k = 0; k < n->nresults; k++) mark_result(s, r, k);
    break;
  default: break;
  }
}

/* A live node needs its operands, its sizes, and the node around it. */
static void follow(Sweep *s, Ref r) {
  const Node *n = ir_node(s->p, r);
  mark(s, s->p->regions.at[n->region]->owner);
  type_atoms(n->type, mark_atom, s);
  if (n->op == IR_PARAM) mark_param(s, n);
  else if (n->op == IR_PROJ) mark_result(s, n->arg[0], (uint32_t)n->aux.i);
  else if (n->nregions) mark_structured(s, r, n);
  else
    for (uint32_t k = 0; k < n->nargs; k++) mark(s, n->arg[k]);
}

/* Finds the results of structured nodes, the updates of each handle, and the effects. */
static void survey(Sweep *s, const Region *r, uint32_t *nresults) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref at = r->nodes.at[k];
    const Node *n = ir_node(s->p, at);
    if (n->op == IR_UPD) {
      s->next_upd[at] = s->upds[n->arg[0]];
      s->upds[n->arg[0]] = at;
    }
    if (n->flags & NODE_IO && !n->nregions) mark(s, at);
    if (n->nregions) s->first[at] = *nresults;
    *nresults += n->nresults;
    for (uint32_t j = 0; j < n->nregions; j++) survey(s, n->regions[j], nresults);
  }
}

/* Gives the number of all results. */
static uint32_t mark_everything(Sweep *s) {
  Prog *p = s->p;
  uint32_t nresults = 0;
  s->live = NEWN(p->ctx, bool, p->nnodes);
  if (p->regions.n > 1) { /* else nothing has results, and there are no updates */
    s->first = NEWN(p->ctx, uint32_t, p->nnodes);
    s->next_upd = NEWN(p->ctx, Ref, p->nnodes);
    s->upds = NEWN(p->ctx, Ref, p->nnodes);
  }
  survey(s, p->root, &nresults);
  s->result = NEWN(p->ctx, bool, nresults);
  s->number = NEWN(p->ctx, uint32_t, nresults);
  mark_all_of(s, p->root);
  for (uint32_t k = 0; k < p->sig.results.n; k++) mark(s, p->sig.results.at[k].ref);
  while (s->todo.n) follow(s, s->todo.at[--s->todo.n]);
  return nresults;
}

/* ---- the program that is left ---------------------------------------------- */

static void number_results(Sweep *s, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref at = r->nodes.at[k];
    const Node *n = ir_node(s->p, at);
    uint32_t count = 0;
    for (uint32_t j = 0; j < n->nresults; j++) {
      s->number[s->first[at] + j] = count;
      count += *result_of(s, at, j);
    }
    for (uint32_t j = 0; j < n->nregions; j++) number_results(s, n->regions[j]);
  }
}

static void release(Sweep *s, uint32_t nresults) {
  Ctx *c = s->p->ctx;
  arena_release(c, s->live, sizeof *s->live * s->p->nnodes);
  arena_release(c, s->first, sizeof *s->first * s->p->nnodes);
  arena_release(c, s->next_upd, sizeof *s->next_upd * s->p->nnodes);
  arena_release(c, s->upds, sizeof *s->upds * s->p->nnodes);
  arena_release(c, s->result, sizeof *s->result * nresults);
  arena_release(c, s->number, sizeof *s->number * nresults);
  arena_release(c, s->todo.at, sizeof *s->todo.at * s->todo.cap);
}

/* Was this a checked read of equal elements, which bounds.c has proved since? */
static bool reads_fill(const Prog *p, const Node *n) {
  return n->op == IR_READ && !(n->flags & NODE_CHECKED) && ir_node(p, n->arg[0])->op == IR_FILL;
}

/* Is there nothing to drop, nor to write in another way? */
static bool all_needed(const Sweep *s, uint32_t nresults) {
  for (Ref r = 1; r < s->p->nnodes; r++) {
    const Node *n = ir_node(s->p, r);
    if (!s->live[r] && n->op != IR_PARAM && !node_is_gone(n)) return false;
    if (n->op == IR_FOLD && n->nargs == 1 && !(n->flags & NODE_IO)) return false;
    if (reads_fill(s->p, n)) return false;
  }
  for (uint32_t k = 0; k < nresults; k++)
    if (!s->result[k]) return false;
  return true;
}

/* Is it a fold that carries nothing any more? */
static bool loses_state(const Sweep *s, Ref r, const Node *n) {
  if (n->op != IR_FOLD || n->flags & NODE_IO) return false;
  for (uint32_t k = 0; k + 1 < n->nargs; k++)
    if (s->result[s->first[r] + k]) return false;
  return true;
}

/* Do the constructors have something to say about what is left: a choice that is made, a fold
 * that becomes a loop, an element of a fill? */
static bool can_stay(const Sweep *s) {
  if (!s->p->erased) return false;
  for (Ref r = 1; r < s->p->nnodes; r++) {
    const Node *n = ir_node(s->p, r);
    if (!s->live[r]) continue;
    if (n->op == IR_IF && ir_node(s->p, n->arg[0])->op == IR_CONST) return false;
    if (loses_state(s, r, n) || reads_fill(s->p, n)) return false;
  }
  return true;
}

/* What is needed stays where it is, or goes into a new program. */
static Prog *keep_needed(Sweep *s, bool here) {
  Copy k;
  number_results(s, s->p->root);
  Keep keep = {s->live, s->first, s->result, s->number};
  if (here) {
    drop_rest(s->p, &keep);
    return s->p;
  }
  Prog *to = prog_start(&k, s->p);
  k.keep = &keep;
  copy_nodes(&k, s->p->root);
  prog_finish(&k);
  return to;
}

static Prog *sweep(Prog *p, bool here) {
  Sweep s = {.p = p};
  uint32_t nresults = mark_everything(&s);
  Prog *to = p;
  if (!all_needed(&s, nresults)) to = keep_needed(&s, here && can_stay(&s));
  release(&s, nresults);
  return to;
}

Prog *ir_sweep(Prog *p) { return sweep(p, false); }

Prog *ir_trim_here(Prog *p) { return sweep(p, true); }
