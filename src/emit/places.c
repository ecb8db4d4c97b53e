/* places.c - where arrays are stored.
 *
 * The walk goes from the last node to the first, so that a consumer can say where it
 * wants its operand: a result of the program straight in the caller's array, an
 * element of a comprehension straight in its row, what starts a fold straight in the
 * array that the fold carries.  A wish is only a hint: where an operand turns out to be
 * stored elsewhere, its consumer copies it.
 *
 * A carried array is changed in place where its step comes from it by a chain of
 * changes in place, and nothing reads the old one after the first of them; otherwise
 * the step is computed in a second buffer.  Views (rows, reshapes) own no buffer.
 *
 * A loop that builds element i from element i of an array that nothing reads afterwards
 * wants that array where its result goes, too: one array less, and one trip through memory. */
#include "emit/private.h"

uint32_t buffer_new(Emit *e, BufferKind k, const Type *t, Region *r, Ref first) {
  Buffer b = {.kind = k, .type = t, .region = r, .first = first, .root = first,
              .size = t ? array_size(e, t) : NULL};
  b.from = UINT32_MAX;
  VEC_PUSH(e->c, &e->buffers, b);
  return e->buffers.n - 1;
}

void buffer_live(Emit *e, uint32_t b, uint32_t from, uint32_t to) {
  Buffer *x = &e->buffers.at[b];
  if (from < x->from) x->from = from;
  if (to > x->to) x->to = to;
}

/* When the array starts to be written, and before which node. */
static Ref producer(const Emit *e, Ref r) {
  return node(e, r)->op == IR_PROJ ? node(e, r)->arg[0] : r;
}

static void put_in(Emit *e, Ref r, uint32_t b) {
  info(e, r)->buffer = b;
  Buffer *x = &e->buffers.at[b];
  Ref first = producer(e, r);
  if (node(e, r)->name && !node(e, x->root)->name) x->root = r;
  if (info(e, first)->begin < x->from && region_of(e, r) == x->region) x->first = first;
  buffer_live(e, b, info(e, first)->begin, info(e, r)->last);
}

static bool makes_array(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  if (info(e, r)->lazy) return false;
  switch (n->op) {
    case IR_STACK: case IR_WITH: case IR_FILL: case IR_PROJ: return true;
    default: return false;
  }
}

/* The region of r, as seen from `here`: the same, or around it where `here` is the scope of
 * accumulators, which runs once, and nothing behind it reads r.  NULL: neither. */
static Region *made_for(Emit *e, Ref r, Region *here) {
  while (region_of(e, r) != here) {
    Ref owner = here->owner;
    if (!owner || node(e, owner)->op != IR_ACCUM) return NULL;
    here = region_of(e, owner);
    if (last_use_in(e, r, here) > info(e, owner)->end) return NULL;
  }
  return here;
}

/* Asks that array r, computed in region `here`, be stored in buffer b. */
static void want(Emit *e, Ref r, uint32_t b, const Region *here) {
  while (node(e, r)->op == IR_RESHAPE && region_of(e, r) == here && info(e, r)->uses == 1)
    r = node(e, r)->arg[0];
  if (region_of(e, r) != here || info(e, r)->buffer || !makes_array(e, r)) return;
  put_in(e, r, b);
}

/* The same of what the structured node `by` starts with, and reads last. */
static void want_start(Emit *e, Ref r, uint32_t b, Ref by) {
  Region *here = region_of(e, by);
  if (region_of(e, r) == here ? info(e, r)->last > info(e, by)->begin
                              : last_use_in(e, r, here) > info(e, by)->begin)
    return;
  Region *from = made_for(e, r, here);
  if (from && region_inside(e, from->id, e->buffers.at[b].region)) want(e, r, b, from);
}

uint32_t storage_of(const Emit *e, Ref r) {
  while (node(e, r)->op == IR_RESHAPE && !info(e, r)->buffer) r = node(e, r)->arg[0];
  return info(e, r)->buffer;
}

Ref base_of(const Emit *e, Ref r) {
  while (is_view(node(e, r)) && !info(e, r)->buffer) r = node(e, r)->arg[0];
  return r;
}

static uint32_t own_buffer(Emit *e, Ref r) {
  if (!info(e, r)->buffer) {
    uint32_t b = buffer_new(e, BUF_SLOT, node(e, r)->type, region_of(e, r), producer(e, r));
    e->buffers.at[b].root = r;
    put_in(e, r, b);
  }
  return info(e, r)->buffer;
}

/* ---- changes in place ------------------------------------------------------ */

/* Does every use of s inside loop l read the element at the loop's own position? */
static bool read_elementwise(const Emit *e, Ref s, Ref l) {
  const Node *n = node(e, l);
  const Region *body = n->regions[0];
  const Type *t = node(e, s)->type;
  if (n->nargs != t->rank) return false;
  for (uint32_t k = info(e, s)->use_head; k; k = e->uses.at[k].next) {
    const Use *u = &e->uses.at[k];
    if (!region_inside(e, u->region, body)) continue;
    const Node *read = u->user ? node(e, u->user) : NULL;
    if (!read || read->op != IR_READ || read->nargs != t->rank + 1u) return false;
    for (uint32_t d = 0; d < t->rank; d++)
      if (read->arg[d + 1] != body->params.at[d]) return false;
  }
  return true;
}

static bool in_place(Emit *e, Ref r, Ref s, Region *here);

static bool proj_in_place(Emit *e, Ref r, Ref s, Region *here) {
  Ref owner = node(e, r)->arg[0];
  uint32_t k = (uint32_t)node(e, r)->aux.i;
  const Node *n = node(e, owner);
  uint32_t first = n->op == IR_FOLD || n->op == IR_WHILE;
  switch (n->op) {
    case IR_ACCUM: case IR_FOLD: case IR_WHILE:
      if (n->op == IR_ACCUM && k >= n->nargs)   /* made inside, beside what is added */
        return last_use_in(e, s, here) <= info(e, owner)->end &&
               in_place(e, n->regions[0]->results.at[k - n->nargs], s, n->regions[0]);
      if (k + first >= n->nargs) return false;
      return last_use_in(e, n->arg[k + first], here) <= info(e, owner)->begin &&
             in_place(e, n->arg[k + first], s, here);
    case IR_IF:
      if (last_use_in(e, s, here) > info(e, owner)->end) return false;
      return in_place(e, n->regions[0]->results.at[k], s, n->regions[0]) &&
             in_place(e, n->regions[1]->results.at[k], s, n->regions[1]);
    case IR_LOOP:
      return n->aux.loop->comb[k] == BUILD && node(e, r)->type == node(e, s)->type &&
             last_use_in(e, s, here) <= info(e, owner)->end &&
             n->regions[0]->results.at[k] && n->nargs == node(e, s)->type->rank &&
             read_elementwise(e, s, owner);
    default: return false;
  }
}

/* Can r, computed in `here`, be stored where s is, by changes in place all the way? */
static bool in_place(Emit *e, Ref r, Ref s, Region *here) {
  while (r != s) {
    const Node *n = node(e, r);
    if (!(here = made_for(e, r, here)) || info(e, r)->buffer) return false;
    if (n->op == IR_PROJ) return proj_in_place(e, r, s, here);
    if (n->op != IR_WITH || last_use_in(e, n->arg[0], here) > info(e, r)->begin) return false;
    r = n->arg[0];
  }
  return true;
}

/* Is the value, where it is written inside its user, written before result k is stored? */
static bool read_before(const Emit *e, Ref r, const Node *loop, uint32_t k) {
  const Region *body = loop->regions[0];
  while (info(e, r)->inlined && info(e, r)->user != RESULT_USE) r = info(e, r)->user;
  return !info(e, r)->inlined || body->results.at[k] == r;
}

/* Are all reads of s in the body itself, each before result k of its round is stored? */
static bool reads_come_first(const Emit *e, Ref s, const Node *loop, uint32_t k) {
  const Region *body = loop->regions[0];
  for (uint32_t u = info(e, s)->use_head; u; u = e->uses.at[u].next) {
    const Use *use = &e->uses.at[u];
    if (!region_inside(e, use->region, body)) continue;
    if (use->region != body->id || !read_before(e, use->user, loop, k)) return false;
  }
  return true;
}

/* An array that the loop reads for the last time, element by element, goes where result k does;
 * not into a row, which may be one of those that are written side by side. */
static void want_source(Emit *e, Ref r, uint32_t k) {
  const Node *n = node(e, r);
  const Buffer *b = &e->buffers.at[info(e, r)->out[k].buffer];
  const Region *here = region_of(e, r);
  if (is_array(node(e, n->regions[0]->results.at[k]))) return;
  if (b->region != here || b->kind == BUF_ROW || b->from < info(e, r)->begin) return;
  for (uint32_t j = 0; j < n->nfree; j++) {
    Ref s = n->free[j];
    if (node(e, s)->type != n->result_type[k] || info(e, s)->last > info(e, r)->end) continue;
    if (region_of(e, s) != here || info(e, s)->buffer || !makes_array(e, s)) continue;
    if (!read_elementwise(e, s, r) || !reads_come_first(e, s, n, k)) continue;
    want(e, s, info(e, r)->out[k].buffer, here);
    return;
  }
}

/* ---- structured nodes ------------------------------------------------------- */

/* The buffer of result k: its reader's, or a new one. */
static uint32_t out_buffer(Emit *e, Ref r, uint32_t k) {
  Out *o = &info(e, r)->out[k];
  if (o->proj && info(e, o->proj)->need) return o->buffer = own_buffer(e, o->proj);
  o->buffer = buffer_new(e, BUF_SLOT, node(e, r)->result_type[k], region_of(e, r), r);
  buffer_live(e, o->buffer, info(e, r)->begin, info(e, r)->end);
  return o->buffer;
}

/* A row of result k, to be written by the body. */
static void want_row(Emit *e, Ref r, uint32_t k, Ref value, Region *body) {
  if (!is_array(node(e, value))) return;
  uint32_t row = buffer_new(e, BUF_ROW, node(e, value)->type, body, value);
  want(e, value, row, body);
  buffer_live(e, row, info(e, r)->begin, info(e, r)->end);
  info(e, r)->out[k].next = row;
}

static void place_builds(Emit *e, Ref r, uint32_t from) {
  Node *n = node(e, r);
  for (uint32_t k = from; k < n->nresults; k++) {
    if (!array_out(e, r, k)) continue;
    out_buffer(e, r, k);
    want_row(e, r, k, n->regions[0]->results.at[k], n->regions[0]);
    if (n->op == IR_LOOP) want_source(e, r, k);
  }
}

/* Is array r, seen from the end of `body`, a state of the fold (or a view of one)? */
static bool is_state(const Emit *e, Ref r, const Region *body) {
  Ref base = base_of(e, r);
  return node(e, base)->op == IR_PARAM && region_of(e, base) == body;
}

/* The result of fold r that keeps the states of carried array k, or 0: small arrays are moved. */
static uint32_t states_kept(Emit *e, Ref r, uint32_t k) {
  const Node *n = node(e, r);
  int64_t size;
  if (n->op != IR_FOLD || size_is_const(array_size(e, n->result_type[k]), &size)) return 0;
  for (uint32_t j = n->nargs - 1; j < n->nresults; j++)
    if (records_state(e, r, j) && array_out(e, r, j) &&
        n->regions[0]->results.at[j] == n->regions[0]->params.at[k + 1])
      return j;
  return 0;
}

/* Each state goes from its row of what is kept to the next. */
static bool place_along(Emit *e, Ref r, uint32_t k, Ref step) {
  Region *body = node(e, r)->regions[0];
  uint32_t track = states_kept(e, r, k);
  if (!track || region_of(e, step) != body || info(e, step)->buffer) return false;
  uint32_t next = buffer_new(e, BUF_ROW, node(e, r)->result_type[k], body, step);
  want(e, step, next, body);
  if (storage_of(e, step) != next) return false;
  info(e, r)->out[k].next = next;
  info(e, r)->out[k].track = track;
  return true;
}

/* Arrays that a fold or a while carries: their buffer, the start, the step. */
static void place_carried(Emit *e, Ref r) {
  Node *n = node(e, r);
  bool fold = n->op == IR_FOLD;
  Region *body = n->regions[fold ? 0 : 1];
  uint32_t ncarry = n->nargs - 1;
  for (uint32_t k = 0; k < ncarry; k++) {
    if (!n->result_type[k] || n->result_type[k]->rank == 0) continue;
    uint32_t b = out_buffer(e, r, k);
    buffer_live(e, b, info(e, r)->begin, info(e, r)->end);
    for (uint32_t j = 0; j < n->nregions; j++)
      info(e, n->regions[j]->params.at[k + fold])->buffer = b;
  }
  for (uint32_t k = 0; k < ncarry; k++) {
    if (!n->result_type[k] || n->result_type[k]->rank == 0) continue;
    uint32_t b = info(e, r)->out[k].buffer;
    Ref s = body->params.at[k + fold], step = body->results.at[k];
    if (place_along(e, r, k, step)) continue;
    if (in_place(e, step, s, body)) {
      want(e, step, b, body);
    } else if (is_state(e, step, body) || (region_of(e, step) == body && !info(e, step)->buffer &&
                                           makes_array(e, step))) {
      uint32_t next = buffer_new(e, BUF_SLOT, n->result_type[k], region_of(e, r), r);
      e->buffers.at[next].root = s;
      want(e, step, next, body);
      buffer_live(e, next, info(e, r)->begin, info(e, r)->end);
      info(e, r)->out[k].next = next;
    }
    want_start(e, n->arg[k + 1], b, r);
  }
}

static void place_accumulators(Emit *e, Ref r) {
  Node *n = node(e, r);
  for (uint32_t k = 0; k < n->nargs; k++) {
    uint32_t b = out_buffer(e, r, k);
    buffer_live(e, b, info(e, r)->begin, info(e, r)->end);
    info(e, n->regions[0]->params.at[k])->buffer = b;
    want_start(e, n->arg[k], b, r);
  }
  for (uint32_t k = n->nargs; k < n->nresults; k++)
    if (array_out(e, r, k)) {
      uint32_t b = out_buffer(e, r, k);
      want(e, n->regions[0]->results.at[k - n->nargs], b, n->regions[0]);
    }
}

static void place_structured(Emit *e, Ref r) {
  Node *n = node(e, r);
  switch (n->op) {
    case IR_IF:
      for (uint32_t k = 0; k < n->nresults; k++)
        if (array_out(e, r, k)) {
          uint32_t b = out_buffer(e, r, k);
          for (int j = 0; j < 2; j++) want(e, n->regions[j]->results.at[k], b, n->regions[j]);
        }
      break;
    case IR_LOOP: place_builds(e, r, 0); break;
    case IR_FOLD:
      place_builds(e, r, n->nargs - 1);
      place_carried(e, r);
      break;
    case IR_WHILE: place_carried(e, r); break;
    case IR_ACCUM: place_accumulators(e, r); break;
    default: internal_error(e->c, "emission of %d", n->op);
  }
}

/* ---- the walk ---------------------------------------------------------------- */

/* Rows are written before their stack is complete, and before the stack that it is a row of. */
static void whole_exists_from(Emit *e, uint32_t b, Ref first) {
  for (; b; b = e->buffers.at[b].parent) {
    Buffer *x = &e->buffers.at[b];
    if (info(e, first)->begin < x->from && node(e, first)->region == x->region->id)
      x->first = first;
    buffer_live(e, b, info(e, first)->begin, 0);
  }
}

static void place_stack(Emit *e, Ref r) {
  Node *n = node(e, r);
  uint32_t whole = own_buffer(e, r);
  for (uint32_t k = 0; k < n->nargs && n->type->rank > 1; k++) {
    Ref v = n->arg[k];
    if (region_of(e, v) != region_of(e, r) || info(e, v)->buffer || !makes_array(e, v) ||
        info(e, v)->last > info(e, r)->begin)
      continue;
    uint32_t row = buffer_new(e, BUF_ROW, node(e, v)->type, region_of(e, r), producer(e, v));
    e->buffers.at[row].parent = whole;
    e->buffers.at[row].part = k;
    want(e, v, row, region_of(e, r));
    whole_exists_from(e, whole, producer(e, v));
  }
}

static void place_with(Emit *e, Ref r) {
  uint32_t b = own_buffer(e, r);
  Ref a = node(e, r)->arg[0];
  if (info(e, a)->last <= info(e, r)->begin) want(e, a, b, region_of(e, r));
}

void plan_places(Emit *e) {
  VEC_PUSH(e->c, &e->buffers, (Buffer){0});
  Region *root = e->p->root;
  e->out_buffer = NEWN(e->c, uint32_t, root->results.n + 1);
  for (uint32_t k = 0; k < root->results.n; k++) {
    Ref r = root->results.at[k];
    if (!r || !is_array(node(e, r))) continue;
    uint32_t b = buffer_new(e, BUF_OUTPUT, node(e, r)->type, root, r);
    e->buffers.at[b].index = k;
    e->out_buffer[k] = b;
    want(e, r, b, root);
  }
  for (Ref r = e->ninfo; r-- > 1;) {
    Node *n = node(e, r);
    if (!info(e, r)->need) continue;
    if (n->nregions) place_structured(e, r);
    else if (n->op == IR_STACK) place_stack(e, r);
    else if (n->op == IR_WITH) place_with(e, r);
    else if ((n->op == IR_FILL && !info(e, r)->lazy) || (n->op == IR_PROJ && is_array(n)))
      own_buffer(e, r);
  }
}
