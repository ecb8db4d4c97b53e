/* narrow.c - functions of scalar code, in which gcc's vectors do more harm than good.
 *
 * Where innermost loops are all long straight-line code, gcc looks for numbers side by side that
 * it could compute as vectors, and gathers and scatters more than it saves: small matrices written
 * out take twice the time.  GC_SCALAR tells it to leave that.  Loops over lanes (rows.c) are
 * another matter: functions that have any are not marked.
 *
 * Where eight numbers are stored side by side gcc puts them together in one vector of 512 bits,
 * if the machine has them.  While such a vector is on its way an x86 has one unit less for all
 * other arithmetic: in scalar code, where there is nothing else to gain, that costs a third of
 * the time.  GC_NARROW says so for a function of that kind
 * that stores so many numbers.  The bits are the same either way. */
#include "emit/private.h"

enum { WIDE = 64, LONG = 64 };   /* bytes; nodes */

/* The numbers that a stack of stacks of scalars stores. */
static uint64_t stored(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  int64_t size = 0;
  uint64_t all = n->op == IR_STACK && n->type->elem == ELEM_REAL;
  for (uint32_t d = 0; all && d < n->type->rank; d++)
    all = size_is_const(n->type->dim[d], &size) ? all * (uint64_t)size : 0;
  return all;
}

static bool stores_many(const Emit *e) {
  uint64_t most = WIDE / (e->f->real_float ? sizeof(float) : sizeof(double));
  for (Ref r = 1; r < e->ninfo; r++)
    if (stored(e, r) >= most && stored(e, r) < LONG && info(e, r)->buffer) return true;
  return false;
}

/* Is there no loop without a loop in it that is short or goes in lanes?  any: is code long? */
static bool all_long(const Emit *e, bool *any) {
  uint32_t *inside = NEWN(e->c, uint32_t, e->p->regions.n);
  bool *around = NEWN(e->c, bool, e->p->regions.n), ok = true;
  for (Ref r = 1; r < e->ninfo && ok; r++) {
    const Node *n = node(e, r);
    bool loop = n->op == IR_LOOP || n->op == IR_FOLD || n->op == IR_WHILE;
    *any |= ++inside[n->region] >= LONG;
    ok &= !info(e, r)->rows;
    for (uint32_t k = 0; k < n->nregions; k++) {
      uint32_t in = n->regions[k]->id;
      inside[n->region] += inside[in];
      around[n->region] |= loop || around[in];
      if (loop && !around[in] && inside[in] < LONG) ok = false;
    }
  }
  arena_release(e->c, inside, sizeof *inside * e->p->regions.n);
  arena_release(e->c, around, sizeof *around * e->p->regions.n);
  return ok;
}

void plan_narrow(Emit *e) {
  bool any = false, scalar = !for_tcc(e) && all_long(e, &any);
  e->scalar = scalar && any;
  e->narrow = scalar && stores_many(e);
}

/* More results than this: the function puts together what their pieces take. */
enum { MANY_RESULTS = 1000 };

void put_narrow(Emit *e, Buf *out, bool piece) {
  if (!e->fn->parent && e->nparts && e->p->root->results.n > MANY_RESULTS && !for_tcc(e)) {
    buf_puts(out, "GC_WIDE\n");
    return;
  }
  bool scalar = e->scalar && !piece;
  use_macro(e->f, MACRO_SCALAR, scalar);
  use_macro(e->f, MACRO_NARROW, e->narrow);
  if (scalar || e->narrow)
    buf_puts(out, !e->narrow ? "GC_SCALAR\n" : scalar ? "GC_SCALAR GC_NARROW\n" : "GC_NARROW\n");
}
