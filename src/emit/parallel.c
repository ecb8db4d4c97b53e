/* parallel.c - --openmp: what is written around a loop that runs in parallel
 * (parallel_plan.c tells which one does, and how). */
#include "emit/private.h"

/* Is there enough to do for threads?  (double)n*(double)k >= 16384.0 */
static void put_is_much(Emit *e, Ref r) {
  const Node *n = node(e, r);
  Extents inside = extents_inside(e, n->regions[0]);
  for (uint32_t k = 0; k < n->nargs; k++) {
    put(e, k ? "*(double)" : "(double)");
    put_expr(e, n->arg[k], PREC_UNARY);
  }
  for (uint32_t k = 0; k < inside.n; k++) {
    put(e, "*(double)");
    put_size(e, inside.extent[k], PREC_UNARY);
  }
  putf(e, " >= %d.0", PARALLEL_SMALL);
}

void put_pragma(Emit *e, Ref r, const Region *rounds) {
  put(e, "#ifdef _OPENMP\n#pragma omp parallel for schedule(static) if (");
  put_is_much(e, r);
  put(e, ")\n");
  if (rounds && say_apart(e, r, rounds)) put(e, "#else\nGC_APART\n");
  put(e, "#endif\n");
}

static const char *part_name(Emit *e, const char *name) {
  return str_printf(e->c, "gc_%s_part", name);
}

typedef struct CopyText { const char *part, *whole, *size; } CopyText;

static CopyText copy_text(Emit *e, const AccCopy *c) {
  Buf size;
  buf_init(&size, e->c);
  size_c(e, &size, e->buffers.at[c->of].size, PREC_PRIMARY, named_atom);
  return (CopyText){ref_buffer(e, c->buffer), ref_buffer(e, c->of), buf_text(&size)};
}

/* Until the block ends updates go to its copy, if there are more blocks than one. */
static void open_copies(Emit *e, Ref r, const InBlocks *b) {
  for (AccCopy *c = first_copy(e, r); c; c = next_copy(e, c)) {
    Buffer *of = &e->buffers.at[c->of];
    CopyText t = copy_text(e, c);
    const char *name = c_fresh(e, "part"), *index = c_fresh(e, "k");
    line(e, "%s *const %s = %s > 1 ? %s + %s*%s : %s;", c_type(e->f, of->type->elem, true), name,
         b->count, t.part, b->block, t.size, t.whole);
    line(e, "for (int64_t %s = 0; %s > 1 && %s < %s; %s++) %s[%s] = 0;", index, b->count, index,
         t.size, index, name, index);
    c->alias = of->alias;
    c->alias_home = of->alias_home;
    of->alias = name;
    of->alias_home = e->fn->id;
  }
}

/* Arrays of the rounds lie in the block's room. */
static void open_rooms(Emit *e, Ref r, const char *block) {
  for (uint32_t k = info(e, r)->rooms; k; k = e->buffers.at[k].next_room) {
    Buffer *b = &e->buffers.at[k];
    const char *name = c_fresh(e, "room");
    Buf size;
    buf_init(&size, e->c);
    size_c(e, &size, b->room, PREC_PRIMARY, named_atom);
    line(e, "%s *const %s = %s + GC_ROOM(%s)*%s;", c_type(e->f, b->type->elem, true), name,
         ref_buffer(e, k), block, buf_text(&size));
    use_macro(e->f, MACRO_ROOM, true);
    b->alias = name;
    b->alias_home = e->fn->id;
  }
}

static void restore_aliases(Emit *e, Ref r) {
  for (uint32_t k = info(e, r)->rooms; k; k = e->buffers.at[k].next_room)
    e->buffers.at[k].alias = NULL;
  for (const AccCopy *c = first_copy(e, r); c; c = next_copy(e, c)) {
    Buffer *of = &e->buffers.at[c->of];
    of->alias = c->alias;
    of->alias_home = c->alias_home;
  }
}

static void add_copies(Emit *e, Ref r, const InBlocks *b) {
  for (const AccCopy *c = first_copy(e, r); c; c = next_copy(e, c)) {
    CopyText t = copy_text(e, c);
    const char *block = c_fresh(e, "block"), *index = c_fresh(e, "k");
    line(e, "for (int64_t %s = 0; %s > 1 && %s < %s; %s++)", block, b->count, block, b->count,
         block);
    line(e, "  for (int64_t %s = 0; %s < %s; %s++)", index, index, t.size, index);
    line(e, "    %s[%s] += %s[%s*%s + %s];", t.whole, index, t.part, block, t.size, index);
  }
}

/* Blocks of rows side by side begin where these do; the last has those that are left over. */
static void name_range(Emit *e, Ref r, InBlocks *b) {
  const char *extent = expr_text(e, node(e, r)->arg[0], PREC_MUL);
  uint32_t lanes = lanes_of(e->f);
  b->first = c_fresh(e, "first");
  b->end = c_fresh(e, "end");
  line(e, "const int64_t %s = %s/%u*%s/%s*%u;", b->first, extent, lanes, b->block, b->count, lanes);
  line(e, "const int64_t %s = %s < %s - 1 ? %s/%u*(%s + 1)/%s*%u : %s;", b->end, b->block, b->count,
       extent, lanes, b->block, b->count, lanes, extent);
}

/* How many there are is told by sizes alone, so that the bits are the same with any threads. */
static void name_count(Emit *e, Ref r, InBlocks *b) {
  b->count = c_fresh(e, "blocks");
  line_start(e);
  putf(e, "const int64_t %s = ", b->count);
  put_is_much(e, r);
  putf(e, " ? %d : 1", blocks_of(e, r));
  line_end(e, ";");
  putf(e, "#ifdef _OPENMP\n#pragma omp parallel for schedule(static) if (%s > 1)\n#endif\n",
       b->count);
}

void declare_block_bounds(Emit *e, const InBlocks *b, const char *count, const char *first,
                          const char *end) {
  line(e, "const int64_t %s = %s*%s/%s;", first, count, b->block, b->count);
  line(e, "const int64_t %s = %s*(%s + 1)/%s;", end, count, b->block, b->count);
}

InBlocks open_blocks(Emit *e, Ref r) {
  const Node *n = node(e, r);
  int blocks = blocks_of(e, r);
  InBlocks b = {0};
  if (round_may_fail(e, n->regions[0])) {
    b.failed = c_fresh(e, "failed");
    line(e, "int %s[%d];", b.failed, blocks);
    e->fn->bytes += 4 * (uint64_t)blocks;
  }
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (n->aux.loop->comb[k] == BUILD || !needed_proj(e, r, k)) continue;
    const char *name = info(e, info(e, r)->out[k].proj)->cname;
    line(e, "%s %s[%d];", c_type(e->f, n->result_type[k]->elem, false), part_name(e, name), blocks);
    e->fn->bytes += 8 * (uint64_t)blocks;
  }
  name_count(e, r, &b);
  b.block = c_fresh(e, "block");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < %s; %s++)", b.block, b.block, b.count, b.block);
  block_open(e, "");
  if (b.failed) line(e, "%s[%s] = 0;", b.failed, b.block);
  open_copies(e, r, &b);
  open_rooms(e, r, b.block);
  if (has_row_blocks(e, r) && !b.failed) name_range(e, r, &b);
  return b;
}

/* The results of the body that the round's function hands to what is around it. */
static void hand_out(Emit *e, const Region *body) {
  for (uint32_t k = 0; k < body->results.n; k++) {
    Ref v = body->results.at[k];
    bool again = false;
    for (uint32_t j = 0; j < k; j++) again |= body->results.at[j] == v;
    if (again || !is_scalar(node(e, v)) || !info(e, v)->need) continue;
    make_simple(e, v, "v");
    if (info(e, v)->cname && info(e, v)->home == e->fn->id) fn_result(e, v);
  }
}

void emit_round(Emit *e, const InBlocks *b, Region *body) {
  if (!b->failed) {
    emit_region(e, body);
    return;
  }
  fn_open(e, str_printf(e->c, "%s_round%u", e->cname, e->nfns));
  emit_region(e, body);
  hand_out(e, body);
  fn_close_or(e, str_printf(e->c, "{ %s[%s] = code; break; }", b->failed, b->block));
}

void leave_axis(Emit *e, const InBlocks *b) {
  if (b->failed) line(e, "if (%s[%s]) break;", b->failed, b->block);
}

/* The rounds of a block, first index. */
void put_block_range(Emit *e, Ref r, const char *index, const InBlocks *b) {
  Ref extent = node(e, r)->arg[0];
  if (b->first) {
    putf(e, "for (int64_t %s = %s; %s < %s; %s++)", index, b->first, index, b->end, index);
    return;
  }
  putf(e, "for (int64_t %s = ", index);
  put_expr(e, extent, PREC_MUL);
  putf(e, "*%s/%s; %s < ", b->block, b->count, index);
  put_expr(e, extent, PREC_MUL);
  putf(e, "*(%s + 1)/%s; %s++)", b->block, b->count, index);
}

static void combine(Emit *e, const char *name, Combiner comb, bool real, const char *count) {
  const char *part = part_name(e, name);
  const char *block = c_fresh(e, "block");
  line(e, "for (int64_t %s = 0; %s < %s; %s++)", block, block, count, block);
  if (comb == SUM) line(e, "  %s += %s[%s];", name, part, block);
  else if (comb == PROD) line(e, "  %s *= %s[%s];", name, part, block);
  else if (!real)
    line(e, "  if (%s[%s] %s %s) %s = %s[%s];", part, block, comb == MAX ? ">" : "<", name, name,
         part, block);
  else
    line(e, "  if (%s[%s] %s %s || %s[%s] != %s[%s]) %s = %s[%s];", part, block,
         comb == MAX ? ">" : "<", name, part, block, part, block, name, part, block);
}

/* The first check that failed in the order of the rounds. */
static void return_failed(Emit *e, const InBlocks *b) {
  if (!b->failed) return;
  const char *block = c_fresh(e, "block");
  e->fn->fails = true;
  line(e, "for (int64_t %s = 0; %s < %s; %s++)", block, block, b->count, block);
  line(e, "  if (%s[%s]) return %s[%s];", b->failed, block, b->failed, block);
}

void close_blocks(Emit *e, Ref r, const InBlocks *b,
                  void (*declare)(Emit *, Ref, uint32_t, Combiner)) {
  const Node *n = node(e, r);
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t k = 0; k < n->nresults; k++) {
      Combiner comb = n->aux.loop->comb[k];
      if (comb == BUILD || !needed_proj(e, r, k)) continue;
      const char *name = info(e, info(e, r)->out[k].proj)->cname;
      if (pass == 0) {
        line(e, "%s[%s] = %s;", part_name(e, name), b->block, name);
      } else {
        declare(e, r, k, comb);
        combine(e, name, comb, n->result_type[k]->elem == ELEM_REAL, b->count);
      }
    }
    if (pass) continue;
    block_close(e);
    restore_aliases(e, r);
    return_failed(e, b);
    add_copies(e, r, b);
  }
}
