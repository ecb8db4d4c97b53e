/* rows_plan.c - which parallel loops run several of their rounds ("rows") side by side.
 *
 * A loop whose body holds work that goes in sequence (a fold, sums over what is not next to
 * each other in memory) cannot be vectorised inside.  Its rounds are independent, so a fixed
 * number of them can go through that work together, one in each lane.  Sums that are short, many
 * times over, gain as well: in lanes of their own most of the work is to add these up.  Here is
 * decided where that can be done and pays; rows.c writes it.
 *
 * What rows add to a common place goes into partial sums (rows_sums.c), with --ieee row by row; a
 * place that rounds of inner loops share takes part only once in a row; and sums inside a row
 * have no lanes of their own (lanes.c) wherever the row is written.  So without partial sums the
 * text with rows has the bits of the text without, and libtcc, which makes no vectors, gets the
 * latter; with them it has the rows, too.
 *
 * Requires places; scales the buffers that each row needs for itself, so it comes before
 * slots.  Sets Info.rows, and in the bodies Info.lane, run and crosses.  A body that does not
 * fit costs its length once for each loop around it. */
#include "emit/private.h"

#include <math.h>

enum { SPECULATED = 24, SHORT = 8, USUAL_TRIPS = 16, ADD_LANES = 10, DEEPER = 7, ALWAYS = UINT32_MAX };

/* An update of an accumulator from around: `common` if rows add into the same elements. */
typedef struct Common { Ref handle; bool common; } Common;

/* A read from a copy of the rows. */
typedef struct PackedRead { Ref read; Pack pack; } PackedRead;

/* What a round costs, about, in operations of one number: as it is, and side by side. */
typedef struct Cost { double plain, rows; } Cost;

typedef struct Fit {
  Emit *e;
  Ref loop, index;
  const Region *body;
  VEC(uint32_t) own;       /* buffers that each row needs for itself */
  VEC(Common) updates;
  VEC(PackedRead) packed;
  Cost cost;
  uint32_t run;
  bool parts;              /* may there be partial sums? */
  bool inside;             /* is there something to run in lanes: a fold, an inner loop? */
  bool contracts;          /* and one that would be a call? */
} Fit;

/* How the code around a node runs. */
typedef struct Around {
  double trips;            /* of all loops inside the row */
  bool serial;             /* in a fold */
  bool vector;             /* the C compiler makes vectors of it as it is */
  Ref index;               /* of the innermost loop, or 0 */
} Around;

/* ---- costs -------------------------------------------------------------------------------- */

static void pay(Fit *f, const Around *w, double plain, double rows) {
  double as_it_is = w->vector ? 0.25 : w->serial ? 1.5 : 1;
  f->cost.plain += w->trips * plain * as_it_is;
  f->cost.rows += w->trips * rows;
}

/* What all rows share is computed once for them. */
static void pay_shared(Fit *f, const Around *w, double plain) {
  pay(f, w, plain, plain/lanes_of(f->e->f));
}

static void pay_prim(Fit *f, const Node *n, const Around *w) {
  const char *c = prim_get((uint32_t)n->aux.i)->c;
  bool sign = !((*c >= 'a' && *c <= 'z'));
  if (n->aux.i == P_POW && node(f->e, n->arg[1])->op == IR_CONST) sign = true;
  if (n->aux.i == P_DIV || n->aux.i == P_SQRT) {
    pay(f, w, 3, 0.8);
  } else if (sign || n->aux.i == P_SELECT || n->aux.i == P_ABS || n->aux.i == P_FABS) {
    pay(f, w, 1, 0.2);
  } else if (fast_version(f->e, n->aux.i)) {
    pay(f, w, 20, 5);
  } else if (prim_in_vectors(f->e, n)) {
    pay(f, w, 1, 0.4);
  } else {
    f->cost.plain += w->trips * 20;   /* a call: the same either way */
    f->cost.rows += w->trips * 20;
  }
}

static void pay_access(Fit *f, const Node *n, uint32_t first, bool own, const Around *w) {
  int s = own ? 1 : memory_step(f->e, n, first, f->index);
  pay(f, w, 0.5, s == 0 ? 0.1 : s == 1 ? 0.2 : 1.2);
}

double usual_trips(const Emit *e, Ref extent) {
  double trips;
  return ir_is_const(e->p, extent, &trips) && trips < USUAL_TRIPS ? trips : USUAL_TRIPS;
}

/* A read across the rows: from a copy, where that is made for enough rounds. */
static bool pay_packed(Fit *f, Ref read, const Around *w) {
  PackedRead x = {.read = read};
  if (!find_pack(f->e, read, f->index, &x.pack)) return false;
  double once = 1.7;
  for (uint32_t d = 0; d < x.pack.row->rank; d++) {
    int64_t n;
    bool small = size_is_const(x.pack.row->dim[d], &n) && n < USUAL_TRIPS;
    once *= small ? (double)n : USUAL_TRIPS;
  }
  if (once > w->trips) {
    double rounds;
    x.pack.place = find_place(f->e, &x.pack, &rounds);
    if (!x.pack.place || (once /= rounds) > w->trips) return false;
  }
  pay(f, w, 0.5, 0.2);
  f->cost.rows += once;
  VEC_PUSH(f->e->c, &f->packed, x);
  return true;
}

/* ---- what fits ------------------------------------------------------------------------------ */

static bool fit_region(Fit *f, const Region *r, const Around *w);

static bool is_lane(const Fit *f, Ref r) { return info(f->e, r)->lane; }

static bool any_lane(const Fit *f, const Node *n) {
  for (uint32_t k = 0; k < n->nargs; k++)
    if (is_lane(f, n->arg[k])) return true;
  return false;
}

static bool size_in_lanes(const Fit *f, const Type *t) {
  for (uint32_t d = 0; t && d < t->rank; d++)
    for (uint32_t m = 0; m < t->dim[d]->n; m++)
      for (uint32_t k = 0; k < t->dim[d]->mono[m].n; k++)
        if (is_lane(f, t->dim[d]->mono[m].atom[k])) return true;
  return false;
}

static bool is_checked(const Fit *f, const Node *n) {
  return (n->flags & NODE_CHECKED) && !f->e->c->opt.unchecked;
}

bool is_own_lane(const Emit *e, Ref array) {
  const Info *base = info(e, base_of(e, array));
  return base->lane && base->buffer;
}

/* An array made inside: each row has its own. */
static bool is_own(const Fit *f, Ref array) { return is_own_lane(f->e, array); }

static bool fit_read(Fit *f, Ref r, const Around *w) {
  const Node *n = node(f->e, r);
  bool own = is_own(f, n->arg[0]), lane = any_lane(f, n);
  if (lane && (is_checked(f, n) || (is_array(n) && info(f->e, r)->buffer))) return false;
  if (own && (is_array(n) || is_view(node(f->e, n->arg[0])))) return false;
  info(f->e, r)->lane = lane;
  if (is_array(n)) return true;
  bool across = lane && !own && memory_step(f->e, n, 1, f->index) == 2;
  if (across && pay_packed(f, r, w)) return true;
  if (lane) pay_access(f, n, 1, own, w);
  else pay_shared(f, w, 0.5);
  return true;
}

/* Does a branch stand between the row and region r?  What it adds, it adds in some rows only. */
static bool in_branch(const Fit *f, const Region *r) {
  for (; r != f->body; r = r->parent)
    if (node(f->e, r->owner)->op == IR_IF) return true;
  return false;
}

/* A row of a few elements that a loop builds: nothing reads it but what becomes of the whole. */
static bool fit_stack(Fit *f, Ref r, const Around *w) {
  Emit *e = f->e;
  const Node *n = node(e, r);
  const Buffer *b = &e->buffers.at[info(e, r)->buffer];
  if (n->type->rank != 1 || b->kind != BUF_ROW || b->parent) return false;
  for (uint32_t k = info(e, r)->use_head; k; k = e->uses.at[k].next)
    if (e->uses.at[k].user) return false;
  info(e, r)->lane = true;
  pay(f, w, 0.5 * n->nargs, 0.2 * n->nargs);
  return true;
}

/* Updates of two statements would be done for all rows of the one first. */
static bool note_update(Fit *f, Common made) {
  for (uint32_t k = 0; k < f->updates.n; k++)
    if (f->updates.at[k].handle == made.handle && (f->updates.at[k].common || made.common))
      return false;
  VEC_PUSH(f->e->c, &f->updates, made);
  return true;
}

static bool has_lane_subscript(const Fit *f, const Node *n) {
  for (uint32_t k = 2; k < n->nargs; k++)
    if (is_lane(f, n->arg[k])) return true;
  return false;
}

/* Updates keep their order at each place: rows add to places of their own, or all to one
 * that a row adds to only once. */
static bool fit_update(Fit *f, Ref r, const Around *w) {
  const Node *n = node(f->e, r);
  if (is_checked(f, n) || is_array(node(f->e, n->arg[1]))) return false;
  if (in_branch(f, region_of(f->e, r))) return false;
  if (is_own(f, n->arg[0])) {
    info(f->e, r)->lane = true;
    pay(f, w, 1.5, 0.3);
    return true;
  }
  if (region_inside(f->e, node(f->e, n->arg[0])->region, f->body)) return false;
  Common made = {n->arg[0], true};
  bool once = region_of(f->e, r) == f->body;
  for (uint32_t k = 2; k < n->nargs; k++) {
    if (n->arg[k] == f->index) made.common = false;
    else if (is_lane(f, n->arg[k]) && !once) return false;
  }
  if (made.common && !once && !tells_rounds_apart(f->e, n, f->body)) return false;
  if (!note_update(f, made)) return false;
  info(f->e, r)->lane = true;
  info(f->e, r)->behind = made.common && !once && goes_behind(f->e, r);
  info(f->e, r)->parts = made.common && f->parts && !has_lane_subscript(f, n);
  pay(f, w, 1.5, info(f->e, r)->behind ? 0.4 : made.common ? 1.2
                 : memory_step(f->e, n, 2, f->index) == 1 ? 0.5 : 1.5);
  return true;
}

bool can_speculate(const Emit *e, const Region *r) {
  uint32_t count = 0;
  for (uint32_t k = 0; k < order_of(e, r)->n; k++) {
    Ref x = order_of(e, r)->at[k];
    const Node *n = node(e, x);
    if (!info(e, x)->need || n->op == IR_CONST) continue;
    if (n->op != IR_PRIM || n->type->elem == ELEM_INT || ++count > SPECULATED) return false;
    const char *c = prim_get((uint32_t)n->aux.i)->c;
    if (*c >= 'a' && *c <= 'z' && n->aux.i != P_POW && n->aux.i != P_SELECT && n->aux.i != P_SQRT)
      return false;
  }
  return true;
}

static bool fit_if(Fit *f, Ref r, const Around *w) {
  Emit *e = f->e;
  const Node *n = node(e, r);
  bool lane = is_lane(f, n->arg[0]);
  for (uint32_t k = 0; k < n->nresults; k++)
    if (array_out(e, r, k)) return false;
  for (int j = 0; j < 2; j++) {
    const Region *b = n->regions[j];
    if (!fit_region(f, b, w)) return false;
    for (uint32_t k = 0; k < b->nodes.n; k++) lane |= is_lane(f, b->nodes.at[k]);
    for (uint32_t k = 0; k < b->results.n; k++) lane |= is_lane(f, b->results.at[k]);
  }
  info(e, r)->lane = lane;
  return !lane || simple_if(e, r) ||
         (can_speculate(e, n->regions[0]) && can_speculate(e, n->regions[1]));
}

/* ---- loops inside -------------------------------------------------------------------------- */

/* Is the buffer the row of an array that the loop over rows builds? */
static bool is_row_of(const Fit *f, uint32_t b) {
  const Node *n = node(f->e, f->loop);
  for (uint32_t k = 0; k < n->nresults; k++)
    if (info(f->e, f->loop)->out[k].next == b) return true;
  return false;
}

/* A row of a row is written where it belongs, in lanes. */
static bool fit_inner_row(Fit *f, Ref r, uint32_t k, Ref value) {
  uint32_t row = info(f->e, r)->out[k].next;
  if (!row || storage_of(f->e, value) != row || is_row_of(f, info(f->e, r)->out[k].buffer))
    return false;
  VEC_PUSH(f->e->c, &f->own, row);
  return true;
}

/* The rows of an array that a loop inside makes wait for what becomes of the whole. */
static bool fit_buffer(Fit *f, uint32_t b) {
  const Buffer *x = &f->e->buffers.at[b];
  if (!region_inside(f->e, x->region->id, f->body)) return false;
  if (x->kind == BUF_ROW) return !x->parent;
  if (x->kind != BUF_SLOT) return false;
  VEC_PUSH(f->e->c, &f->own, b);
  return true;
}

static bool fit_array_out(Fit *f, Ref r, uint32_t k, Ref value) {
  Emit *e = f->e;
  uint32_t b = info(e, r)->out[k].buffer;
  if (size_in_lanes(f, node(e, r)->result_type[k])) return false;
  if (is_array(node(e, value)) && !fit_inner_row(f, r, k, value)) return false;
  if (is_row_of(f, b)) return e->buffers.at[b].kind == BUF_ROW && !e->buffers.at[b].parent;
  return fit_buffer(f, b);
}

static bool fit_outs(Fit *f, Ref r, uint32_t first, const Around *w) {
  const Node *n = node(f->e, r);
  for (uint32_t k = first; k < n->nresults; k++) {
    if (!needed_proj(f->e, r, k)) continue;
    Combiner comb = n->aux.loop->comb[k - first];
    if (comb == BUILD && !fit_array_out(f, r, k, n->regions[0]->results.at[k])) return false;
    pay(f, w, comb == BUILD ? 0.5 : 1, 0.2);
  }
  return true;
}

/* Does the C compiler make vectors of a loop as it is: nothing inside, no call, all next to
 * each other in memory? */
static bool is_vector_loop(const Emit *e, const Node *n) {
  double trips;
  const Region *body = n->regions[0];
  Ref extent = n->arg[n->nargs - 1], index = body->params.at[n->nargs - 1];
  if (ir_is_const(e->p, extent, &trips) && trips <= SHORT) return false;
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    const Node *m = node(e, body->nodes.at[k]);
    if (!info(e, body->nodes.at[k])->need) continue;
    if (m->nregions) return false;
    if (m->op == IR_READ && is_scalar(m) && memory_step(e, m, 1, index) == 2) return false;
    if (m->op == IR_UPD && memory_step(e, m, 2, index) == 2) return false;
  }
  return true;
}

static Around enter(const Emit *e, const Node *n, const Around *w) {
  uint32_t axes = n->op == IR_LOOP ? n->nargs : 1;
  Around in = *w;
  for (uint32_t a = 0; a < axes; a++) in.trips *= usual_trips(e, n->arg[a]);
  in.serial |= n->op == IR_FOLD;
  in.vector = n->op == IR_LOOP && is_vector_loop(e, n);
  in.index = n->regions[0]->params.at[axes - 1];
  return in;
}

/* Is a real number made of all rounds? */
static bool reduces(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  for (uint32_t k = 0; k < n->nresults; k++)
    if (scalar_out(e, r, k) && n->result_type[k]->elem == ELEM_REAL) return true;
  return false;
}

static bool fit_loop(Fit *f, Ref r, const Around *w) {
  Emit *e = f->e;
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  if (info(e, r)->rows) return false;
  bool fold = n->op == IR_FOLD;
  for (uint32_t k = 0; k < (fold ? 1 : n->nargs); k++)
    if (is_lane(f, n->arg[k])) return false;
  for (uint32_t k = 1; fold && k < n->nargs; k++) {
    if (is_array(node(e, body->params.at[k]))) return false;
    info(e, body->params.at[k])->lane = true;
  }
  Around in = enter(e, n, w);
  if (!fit_region(f, body, &in)) return false;
  info(e, r)->lane = f->inside = true;
  f->contracts |= is_contraction(e, r);
  if (in.vector && reduces(e, r)) f->cost.plain += w->trips * ADD_LANES;
  return fit_outs(f, r, fold ? n->nargs - 1 : 0, &in);
}

/* A scope of accumulators that start alike in each row. */
static bool fit_accum(Fit *f, Ref r, const Around *w) {
  Emit *e = f->e;
  const Node *n = node(e, r);
  for (uint32_t k = 0; k < n->nargs; k++) {
    const Node *init = node(e, n->arg[k]);
    uint32_t b = info(e, r)->out[k].buffer;
    if (!info(e, n->arg[k])->lazy || is_lane(f, n->arg[k]) || is_lane(f, init->arg[0])) return false;
    if (e->buffers.at[b].kind != BUF_SLOT || size_in_lanes(f, init->type) || !fit_buffer(f, b))
      return false;
    info(e, n->regions[0]->params.at[k])->lane = true;
  }
  for (uint32_t k = n->nargs; k < n->nresults; k++)
    if (array_out(e, r, k)) return false;
  info(e, r)->lane = true;
  return fit_region(f, n->regions[0], w);
}

/* ---- one row after the other ---------------------------------------------------------------- */

/* An update inside a statement: its statement may have others of the same array. */
static bool fit_serial_update(Fit *f, const Node *n, uint32_t before) {
  Region *made = f->e->p->regions.at[node(f->e, n->arg[0])->region];
  if (region_inside(f->e, made->id, f->body)) return made != f->body;
  for (uint32_t k = before; k < f->updates.n; k++)
    if (f->updates.at[k].handle == n->arg[0]) return true;
  return note_update(f, (Common){n->arg[0], true});
}

static bool fit_serial_region(Fit *f, const Region *r, const Around *w, uint32_t before);

/* What the C compiler can do with it is the same in any row: it pays nothing. */
static bool fit_serial_node(Fit *f, Ref r, const Around *w, uint32_t before) {
  Emit *e = f->e;
  const Node *n = node(e, r);
  if (info(e, r)->rows || is_checked(f, n) || divides_by_zero(e, n)) return false;
  if ((n->flags & NODE_IO) || n->op == IR_CHECK || size_in_lanes(f, n->type)) return false;
  for (uint32_t k = 0; k < n->nresults; k++)
    if (size_in_lanes(f, n->result_type[k])) return false;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (is_array(node(e, n->arg[k])) && is_own(f, n->arg[k]) &&
        (n->op != IR_READ || is_array(n) || is_view(node(e, n->arg[k]))))
      return false;
  if (n->op == IR_UPD) return fit_serial_update(f, n, before);
  bool loop = n->op == IR_LOOP || n->op == IR_FOLD;
  Around in = loop ? enter(e, n, w) : *w;
  double paid = in.trips * (in.vector ? 0.25 : 1);
  if (n->op == IR_PRIM || n->op == IR_READ) {
    f->cost.plain += paid;
    f->cost.rows += paid;
  }
  for (uint32_t k = 0; k < n->nregions; k++)
    if (!fit_serial_region(f, n->regions[k], &in, before)) return false;
  return true;
}

static bool fit_serial_region(Fit *f, const Region *r, const Around *w, uint32_t before) {
  const Order *o = order_of(f->e, r);
  for (uint32_t k = 0; k < o->n; k++)
    if (info(f->e, o->at[k])->need && !fit_serial_node(f, o->at[k], w, before)) return false;
  return true;
}

static void forget(Emit *e, const Region *r);

/* A statement that no vector unit takes, done for its effects: behind the run before it. */
static bool fit_serial(Fit *f, Ref r, const Around *w) {
  Emit *e = f->e;
  const Node *n = node(e, r);
  if (region_of(e, r) != f->body || !info(e, r)->effect || info(e, r)->rows) return false;
  for (uint32_t k = 0; k < n->nresults; k++)
    if (needed_proj(e, r, k)) return false;
  for (uint32_t k = 0; k < n->nregions; k++) forget(e, n->regions[k]);
  if (!fit_serial_node(f, r, w, f->updates.n)) return false;
  info(e, r)->lane = info(e, r)->serial = true;
  return true;
}

/* In lanes, or one row after the other. */
static bool fit_either(Fit *f, Ref r, const Around *w) {
  uint32_t own = f->own.n, updates = f->updates.n, packed = f->packed.n;
  Cost cost = f->cost;
  bool inside = f->inside, contracts = f->contracts;
  if (node(f->e, r)->op == IR_IF ? fit_if(f, r, w) : fit_loop(f, r, w)) return true;
  f->own.n = own;
  f->updates.n = updates;
  f->packed.n = packed;
  f->cost = cost;
  f->inside = inside;
  f->contracts = contracts;
  return fit_serial(f, r, w);
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static bool fit_node(Fit *f, Ref r, const Around *w) {
  Emit *e = f->e;
  const Node *n = node(e, r);
  Info *x = info(e, r);
  if (size_in_lanes(f, n->type) || (n->nregions && is_checked(f, n))) return false;
  switch (n->op) {
    case IR_CONST: case IR_DATA: return true;
    case IR_PROJ:
      x->lane = is_lane(f, n->arg[0]);
      return true;
    case IR_PRIM: case IR_TOREAL: case IR_TOINT:
      x->lane = any_lane(f, n);
      if (x->lane && divides_by_zero(e, n)) return false;
      if (!x->lane) pay_shared(f, w, 1);
      else if (n->op == IR_PRIM) pay_prim(f, n, w);
      else pay(f, w, 1, 0.5);
      return true;
    case IR_READ: return fit_read(f, r, w);
    case IR_RESHAPE:
      x->lane = is_lane(f, n->arg[0]);
      return !x->buffer && !is_own(f, n->arg[0]);
    case IR_STACK: return fit_stack(f, r, w);
    case IR_UPD: return fit_update(f, r, w);
    case IR_CHECK: return !is_lane(f, n->arg[0]);   /* fails in the first row or in none */
    case IR_IF: case IR_LOOP: case IR_FOLD: return fit_either(f, r, w);
    case IR_ACCUM: return fit_accum(f, r, w);
    default: return false;
  }
}

static bool fit_region(Fit *f, const Region *r, const Around *w) {
  const Order *o = order_of(f->e, r);
  for (uint32_t k = 0; k < o->n; k++)
    if (info(f->e, o->at[k])->need && !fit_node(f, o->at[k], w)) return false;
  return true;
}

/* The results of the rows themselves. */
static bool fit_results(const Fit *f) {
  Emit *e = f->e;
  const Node *n = node(e, f->loop);
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!array_out(e, f->loop, k)) continue;
    Ref value = f->body->results.at[k];
    if (is_array(node(e, value)) && storage_of(e, value) != info(e, f->loop)->out[k].next)
      return false;
  }
  return true;
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* What is read in another run than it is computed in has a place for each lane. */
static void cross(Emit *e, Ref a, uint32_t run) {
  const Node *n = node(e, a);
  Info *x = info(e, a);
  if (!x->lane) return;
  if (x->inlined || is_view(n)) {
    for (uint32_t k = 0; k < n->nargs; k++) cross(e, n->arg[k], run);
  } else if (is_scalar(n) && x->run && x->run != run) {
    x->crosses = true;
  }
}

static void cross_args(Emit *e, const Node *n, uint32_t run) {
  for (uint32_t k = 0; k < n->nargs; k++) cross(e, n->arg[k], run);
}

/* What the term of an update behind its loop takes from outside the loop. */
static void cross_behind(Emit *e, Ref a, const Region *body) {
  const Node *n = node(e, a);
  if (n->region != body->id) {
    cross(e, a, ALWAYS);
    return;
  }
  for (uint32_t k = 0; n->op != IR_PARAM && k < n->nargs; k++) cross_behind(e, n->arg[k], body);
}

static void find_runs(Fit *f, const Region *r);

static void cross_serial(Emit *e, const Node *n) {
  cross_args(e, n, ALWAYS);
  for (uint32_t j = 0; j < n->nregions; j++) {
    const Region *b = n->regions[j];
    for (uint32_t k = 0; k < b->nodes.n; k++)
      if (info(e, b->nodes.at[k])->need) cross_serial(e, node(e, b->nodes.at[k]));
    for (uint32_t k = 0; k < b->results.n; k++) cross(e, b->results.at[k], ALWAYS);
  }
}

static void run_node(Fit *f, Ref r) {
  Emit *e = f->e;
  const Node *n = node(e, r);
  Info *x = info(e, r);
  if (!x->need || !x->lane || x->inlined || n->op == IR_PROJ || is_view(n)) return;
  if (x->serial) {
    cross_serial(e, n);
    f->run++;
    return;
  }
  if (only_later(e, r) && !x->behind) return;
  x->run = f->run;
  if (x->behind) {
    for (uint32_t k = 1; k < n->nargs; k++) cross_behind(e, n->arg[k], region_of(e, r));
    return;
  }
  cross_args(e, n, f->run);
  if (n->op == IR_UPD && !is_own_lane(e, n->arg[0])) {
    if (!info(e, n->arg[1])->inlined) cross(e, n->arg[1], ALWAYS);
    for (uint32_t k = 2; k < n->nargs; k++) cross(e, n->arg[k], ALWAYS);
  }
  if (n->op == IR_IF) {
    for (uint32_t k = 0; k < n->nresults; k++)
      if (scalar_out(e, r, k)) info(e, needed_proj(e, r, k))->run = f->run;
    for (int j = 0; j < 2; j++) {
      const Region *b = n->regions[j];
      for (uint32_t k = 0; k < b->nodes.n; k++) run_node(f, b->nodes.at[k]);
      for (uint32_t k = 0; k < b->results.n; k++) cross(e, b->results.at[k], f->run);
    }
  }
  if (n->op == IR_LOOP || n->op == IR_FOLD || n->op == IR_ACCUM) find_runs(f, n->regions[0]);
}

/* A run ends at each loop inside; the results of a region belong to its last one. */
static void find_runs(Fit *f, const Region *r) {
  f->run++;
  for (uint32_t k = 0; k < order_of(f->e, r)->n; k++) run_node(f, order_of(f->e, r)->at[k]);
  for (uint32_t k = 0; k < r->results.n; k++) cross(f->e, r->results.at[k], f->run);
  f->run++;
}

/* What rows reduce is gathered one after the other. */
static void find_row_results(const Fit *f) {
  const Node *n = node(f->e, f->loop);
  for (uint32_t k = 0; k < n->nresults; k++) {
    Ref value = f->body->results.at[k];
    if (n->aux.loop->comb[k] != BUILD && !info(f->e, value)->inlined) cross(f->e, value, ALWAYS);
  }
}

/* ---- choice --------------------------------------------------------------------------------- */

static void forget(Emit *e, const Region *r) {
  for (uint32_t k = 0; k < r->params.n; k++) info(e, r->params.at[k])->lane = false;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Info *x = info(e, r->nodes.at[k]);
    x->lane = x->serial = x->behind = x->parts = x->keeps = x->abreast = false;
    if (info(e, r->nodes.at[k])->rows) continue;
    for (uint32_t j = 0; j < node(e, r->nodes.at[k])->nregions; j++)
      forget(e, node(e, r->nodes.at[k])->regions[j]);
  }
}

static bool long_enough(const Emit *e, Ref extent) {
  double trips;
  return !ir_is_const(e->p, extent, &trips) || trips >= lanes_of(e->f);
}

/* Does the body read an array from where the loop puts its own results, or add up its rows in
 * another order than theirs? */
static bool tells_twice(const Fit *f, const Region *r) {
  const Emit *e = f->e;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    const Node *n = node(e, r->nodes.at[k]);
    if (!info(e, r->nodes.at[k])->need) continue;
    if (info(e, r->nodes.at[k])->behind || info(e, r->nodes.at[k])->parts) return true;
    for (uint32_t j = 0; n->op == IR_READ && j < node(e, f->loop)->nresults; j++)
      if (array_out(e, f->loop, j) &&
          storage_of(e, base_of(e, n->arg[0])) == info(e, f->loop)->out[j].buffer)
        return true;
    for (uint32_t j = 0; j < n->nregions; j++)
      if (tells_twice(f, n->regions[j])) return true;
  }
  return false;
}

/* Rows that fill no block cost most where sums are short and many; a copy of all blocks has them
 * where blocks start. */
static bool may_go_again(const Fit *f) {
  double rows;
  const Node *n = node(f->e, f->loop);
  if (!f->packed.n || ir_is_const(f->e->p, n->arg[n->nargs - 1], &rows)) return false;
  for (uint32_t k = 0; k < f->packed.n; k++)
    if (f->packed.at[k].pack.place) return false;
  return !tells_twice(f, f->body);
}

/* ---- partial sums ---------------------------------------------------------------------------- */

static uint32_t count_nodes(const Emit *e, const Region *r) {
  uint32_t count = r->nodes.n;
  for (uint32_t k = 0; k < r->nodes.n; k++)
    for (uint32_t j = 0; j < node(e, r->nodes.at[k])->nregions; j++)
      count += count_nodes(e, node(e, r->nodes.at[k])->regions[j]);
  return count;
}

/* Are rows of the loop surely written as such, in any text: neither too deep nor cut in pieces? */
static bool is_surely_written(const Emit *e, Ref loop) {
  uint32_t braces = row_braces(e, node(e, loop)->regions[0]) + DEEPER;
  for (Ref r = loop; r; r = region_of(e, r)->owner)
    braces += node(e, r)->op == IR_LOOP ? node(e, r)->nargs + 1 : 2;
  return braces <= BRACE_MAX && count_nodes(e, node(e, loop)->regions[0]) <= TCC_STMTS;
}

static bool has_parts(const Emit *e, const Region *r) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    const Node *n = node(e, r->nodes.at[k]);
    if (info(e, r->nodes.at[k])->parts) return true;
    for (uint32_t j = 0; j < n->nregions; j++)
      if (has_parts(e, n->regions[j])) return true;
  }
  return false;
}

static bool is_packed(const Fit *f, Ref read) {
  for (uint32_t k = 0; k < f->packed.n; k++)
    if (f->packed.at[k].read == read) return true;
  return false;
}

/* Are the elements that rows read in a body next to each other? */
static bool reads_abreast(const Fit *f, const Region *body);

/* An array that each row has for itself can lie either way, if it is made either way. */
static bool lies_abreast(const Fit *f, Ref array) {
  const Emit *e = f->e;
  Ref made = base_of(e, array);
  if (node(e, made)->op != IR_PROJ) return true;
  made = node(e, made)->arg[0];
  return node(e, made)->op != IR_LOOP || reads_abreast(f, node(e, made)->regions[0]);
}

static bool reads_abreast(const Fit *f, const Region *body) {
  const Emit *e = f->e;
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    Ref r = body->nodes.at[k];
    const Node *n = node(e, r);
    if (!info(e, r)->need || !info(e, r)->lane || n->op != IR_READ || is_array(n)) continue;
    if (is_own(f, n->arg[0])) {
      if (region_of(e, base_of(e, n->arg[0])) != body && !lies_abreast(f, n->arg[0])) return false;
    } else if (memory_step(e, n, 1, f->index) == 2 && !is_packed(f, r)) {
      return false;
    }
  }
  return true;
}

/* How the updates in a body go that have partial sums. */
static void choose_sums(const Fit *f, const Region *body) {
  Emit *e = f->e;
  for (uint32_t k = 0; k < body->nodes.n; k++) {
    Ref r = body->nodes.at[k];
    const Node *n = node(e, r);
    Info *x = info(e, r);
    if (x->parts && x->behind) info(e, body->owner)->abreast = reads_abreast(f, body);
    x->keeps = x->parts && !x->behind && body != f->body && can_keep(e, r);
    for (uint32_t j = 0; x->need && j < n->nregions; j++) choose_sums(f, n->regions[j]);
  }
}

bool has_rows(const Emit *e, Ref r) {
  return info(e, r)->rows && (info(e, r)->partial || !for_tcc(e));
}

static void take_rows(Fit *f) {
  Emit *e = f->e;
  info(e, f->loop)->rows = true;
  info(e, f->loop)->partial = has_parts(e, f->body);
  plan_updates(e, f->body);
  choose_sums(f, f->body);
  info(e, f->loop)->again = may_go_again(f);
  find_runs(f, f->body);
  find_row_results(f);
  uint32_t lanes = !f->own.n ? 0 : has_rows(e, f->loop) ? lanes_of(e->f) : own_rounds(e, f->loop);
  for (uint32_t k = 0; k < f->own.n && lanes; k++) {
    Buffer *b = &e->buffers.at[f->own.at[k]];
    if (b->lanes) continue;
    b->lanes = lanes;
    b->size = size_scale(e->p, b->size, b->lanes, 1);
  }
  plan_layout(e, f->body);
  plan_totals(e, f->loop);
  for (uint32_t k = 0; k < f->packed.n && has_rows(e, f->loop); k++)
    if (!reads_along(e, f->packed.at[k].read))
      take_pack(e, f->packed.at[k].read, f->packed.at[k].pack);
}

/* A product of matrices is better off as a call than in rows that are copied. */
static bool calls_instead(const Fit *f) {
  return f->packed.n && (f->contracts || is_contraction(f->e, f->loop));
}

static void try_rows(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  if (!n->nargs || !long_enough(e, n->arg[n->nargs - 1])) return;
  Fit f = {.e = e, .loop = r, .index = body->params.at[n->nargs - 1], .body = body};
  f.parts = !e->c->opt.ieee && is_surely_written(e, r);
  info(e, f.index)->lane = true;
  Around w = {.trips = 1};
  if (fit_region(&f, body, &w) && fit_results(&f) && f.inside && !calls_instead(&f) &&
      f.cost.plain > 1.3 * f.cost.rows)
    take_rows(&f);
  else
    forget(e, body);
}

bool inside_rows(const Emit *e, Ref r) {
  for (Ref o = region_of(e, r)->owner; o; o = region_of(e, o)->owner)
    if (info(e, o)->rows) return true;
  return false;
}

/* Inner loops come first: their own rows are nearer. */
void plan_rows(Emit *e) {
  for (Ref r = 1; r < e->ninfo; r++)
    if (info(e, r)->need && node(e, r)->op == IR_LOOP) try_rows(e, r);
}
