/* narrow.c - functions of scalar code in which no vectors of 512 bits should stand.
 *
 * Where eight numbers are stored side by side gcc puts them together in one vector of 512 bits,
 * if the machine has them.  While such a vector is on its way an x86 has one unit less for all
 * other arithmetic: in scalar code, where there is nothing else to gain, that costs a third of
 * the time.  GC_NARROW says so for a function that stores so many numbers and whose
 * innermost loops are all long straight-line code.  The bits are the same either way. */
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

/* Is there no loop without a loop in it that is short? */
static bool all_long(const Emit *e) {
  uint32_t *inside = NEWN(e->c, uint32_t, e->p->regions.n);
  bool *around = NEWN(e->c, bool, e->p->regions.n), ok = true;
  for (Ref r = 1; r < e->ninfo && ok; r++) {
    const Node *n = node(e, r);
    bool loop = n->op == IR_LOOP || n->op == IR_FOLD || n->op == IR_WHILE;
    inside[n->region]++;
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

void put_narrow(Emit *e, Buf *out) {
  if (for_tcc(e) || !stores_many(e) || !all_long(e)) return;
  e->f->uses_narrow = true;
  buf_puts(out, "GC_NARROW\n");
}

/* ---- the head of a file -------------------------------------------------------------------- */

const char emit_narrow_head[] =
  "/* Scalar code, which vectors of 512 bits would slow down. */\n"
  "#ifndef GC_NARROW\n"
  "#if defined __GNUC__ && __GNUC__ >= 8 && !defined __clang__ && defined __x86_64__\n"
  "#define GC_NARROW __attribute__((target(\"prefer-vector-width=256\")))\n"
  "#else\n"
  "#define GC_NARROW\n"
  "#endif\n"
  "#endif\n\n";

void narrow_head(const File *f, Buf *out) {
  if (f->uses_narrow) buf_puts(out, emit_narrow_head);
}
