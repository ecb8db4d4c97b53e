/* stream.c - long loops that write element after element.
 *
 * A store into memory that is not in the first cache waits until its line is there, and the
 * processor does not see soon enough which lines come next.  Such a loop goes in strips of a
 * kilobyte, and in front of each GC_AHEAD asks for what the next one writes: a tenth of the time
 * where arrays come from far away, up to half where they are in the second cache.  The number of
 * rounds in a strip is a literal, so that gcc makes vectors of them at -O2, too.  Rounds that
 * are left, and loops of fewer than two strips, are a plain loop.  An array that is changed in
 * place is there as soon as it is read.  The bits are the same. */
#include "emit/private.h"

enum { STREAM_BYTES = 1024, STREAM_LEAST = 4096 /* rounds of a loop of so many */ };

static uint32_t strip_rounds(const Emit *e) {
  return STREAM_BYTES / (e->f->real_float ? sizeof(float) : sizeof(double));
}

/* Is result k an array of reals in memory, and not one that few rounds fill? */
static bool is_written_along(const Emit *e, Ref r, uint32_t k) {
  const Type *t = node(e, r)->result_type[k];
  const Buffer *b = &e->buffers.at[info(e, r)->out[k].buffer];
  return t->elem == ELEM_REAL && t->rank == node(e, r)->nargs && !b->lanes &&
         (b->kind == BUF_OUTPUT || b->kind == BUF_SLOT);
}

/* What is read in its place is at hand when it is written. */
static bool reads_result(const Emit *e, Ref r, uint32_t k, const Region *inside) {
  for (uint32_t j = 0; j < inside->nodes.n; j++) {
    const Node *n = node(e, inside->nodes.at[j]);
    if (info(e, inside->nodes.at[j])->need && n->op == IR_READ &&
        info(e, base_of(e, n->arg[0]))->buffer == info(e, r)->out[k].buffer)
      return true;
    for (uint32_t i = 0; i < n->nregions; i++)
      if (reads_result(e, r, k, n->regions[i])) return true;
  }
  return false;
}

static bool writes_along(const Emit *e, Ref r, const Region *inside) {
  const Node *n = node(e, r);
  bool any = false;
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!needed_proj(e, r, k)) continue;
    if (n->aux.loop->comb[k] != BUILD || !is_written_along(e, r, k) ||
        reads_result(e, r, k, inside))
      return false;
    any = true;
  }
  return any;
}

/* Loops within another one are short for the most part. */
static bool is_outermost(const Emit *e, Ref r) {
  for (Ref o = region_of(e, r)->owner; o; o = region_of(e, o)->owner)
    if (node(e, o)->op == IR_LOOP) return false;
  return true;
}

static bool may_be_long(const Emit *e, Ref extent) {
  const Node *n = node(e, extent);
  return n->op != IR_CONST || n->aux.i >= STREAM_LEAST;
}

static bool is_stream(Emit *e, Ref r, const Region *inside) {
  const Node *n = node(e, r);
  return !e->in_parallel && n->nargs && may_be_long(e, n->arg[n->nargs - 1]) && is_outermost(e, r) &&
         e->fn->indent + n->nargs + 2 < BRACE_MAX && writes_along(e, r, inside) &&
         straight_body(e, n->regions[0], inside, n->nargs);
}

/* Asks for what the rounds from `next` on write. */
static void put_ahead(Emit *e, Ref r, const char *next) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  Info *index = info(e, body->params.at[n->nargs - 1]);
  index->cname = next;
  index->home = e->fn->id;
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!needed_proj(e, r, k)) continue;
    uint32_t buffer = info(e, r)->out[k].buffer;
    line_start(e);
    putf(e, "GC_AHEAD(&%s[", ref_buffer(e, buffer));
    put_lane_flat(e, buffer, n->result_type[k], n->nargs, body->params.at);
    line_end(e, "]);");
  }
}

const char *emit_stream(Emit *e, Ref r, Region *inside, const Ref *results, const Outputs *o,
                        const char *from, const char *to) {
  const Node *n = node(e, r);
  if (!is_stream(e, r, inside)) return NULL;
  const Region *body = n->regions[0];
  uint32_t axis = n->nargs - 1, rounds = strip_rounds(e);
  Info *saved = save_infos(e, body->params.at[0], r);
  const char *rest = c_fresh(e, "rest");
  line(e, "int64_t %s = %s;", rest, from);
  uint32_t scope = scope_open(e);
  line_start(e);
  putf(e, "for (; %s - %s >= %u; %s += %u)", to, rest, 2*rounds, rest, rounds);
  block_open(e, "");
  stop_in_loop(e, n->arg[axis]);
  const char *next = c_fresh(e, "next");
  line(e, "const int64_t %s = %s + %u;", next, rest, rounds);
  put_ahead(e, r, next);
  name_index(e, body->params.at[axis]);
  line_start(e);
  put_apart(e, r, inside);
  open_count(e, info(e, body->params.at[axis])->cname, rest, next);
  e->loop_depth++;
  emit_region(e, inside);
  for (uint32_t k = 0; k < n->nresults; k++)
    emit_output(e, r, k, BUILD, results[k], o->best[k], body, n->nargs);
  close_for(e);
  block_close(e);
  scope_close(e, scope);
  restore_infos(e, saved, body->params.at[0], r);
  use_macro(e->f, MACRO_AHEAD, true);
  return rest;
}
