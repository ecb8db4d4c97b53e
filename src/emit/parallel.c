/* parallel.c - --openmp: what is written around a loop that runs in parallel
 * (parallel_plan.c tells which one does, and how). */
#include "emit/private.h"

static bool has_loops(const Region *r, const Emit *e) {
  for (uint32_t k = 0; k < r->nodes.n; k++)
    if (node(e, r->nodes.at[k])->op == IR_LOOP || node(e, r->nodes.at[k])->op == IR_FOLD)
      return true;
  return false;
}

/* Threads are asked for only where there is enough to do; the bits are the same. */
void put_pragma(Emit *e, Ref r) {
  const Node *n = node(e, r);
  put(e, "#ifdef _OPENMP\n#pragma omp parallel for schedule(static) if (");
  for (uint32_t a = 0; a < n->nargs; a++) {
    put(e, a ? "*(double)" : "(double)");
    put_expr(e, n->arg[a], PREC_UNARY);
  }
  putf(e, " >= %d.0)\n#endif\n", has_loops(n->regions[0], e) ? 16 : PARALLEL_SMALL);
}

static const char *part_name(Emit *e, const char *name) {
  return str_printf(e->c, "gc_%s_part", name);
}

int blocks_of(const Emit *e, Ref r) {
  return info(e, r)->copies ? PARALLEL_COPIES : PARALLEL_BLOCKS_MOST;
}

typedef struct CopyText { const char *part, *whole, *size; } CopyText;

static CopyText copy_text(Emit *e, const AccCopy *c) {
  Buf size;
  buf_init(&size, e->c);
  size_c(e, &size, e->buffers.at[c->of].size, PREC_PRIMARY, named_atom);
  return (CopyText){ref_buffer(e, c->buffer), ref_buffer(e, c->of), buf_text(&size)};
}

/* Until the block ends updates go to its copy. */
static void open_copies(Emit *e, Ref r, const char *block) {
  uint32_t first = info(e, r)->copies;
  if (!first) return;
  for (uint32_t k = first - 1; k < e->copies.n && e->copies.at[k].loop == r; k++) {
    AccCopy *c = &e->copies.at[k];
    Buffer *of = &e->buffers.at[c->of];
    CopyText t = copy_text(e, c);
    const char *name = c_fresh(e, "part"), *index = c_fresh(e, "k");
    line(e, "%s *const %s = %s + %s*%s;", c_type(e->f, of->type->elem, true), name, t.part, block,
         t.size);
    line(e, "for (int64_t %s = 0; %s < %s; %s++) %s[%s] = 0;", index, index, t.size, index, name,
         index);
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
    line(e, "%s *const %s = %s + %s*%s;", c_type(e->f, b->type->elem, true), name,
         ref_buffer(e, k), block, buf_text(&size));
    b->alias = name;
    b->alias_home = e->fn->id;
  }
}

static void restore_aliases(Emit *e, Ref r) {
  uint32_t first = info(e, r)->copies;
  for (uint32_t k = info(e, r)->rooms; k; k = e->buffers.at[k].next_room)
    e->buffers.at[k].alias = NULL;
  for (uint32_t k = first ? first - 1 : e->copies.n; k < e->copies.n && e->copies.at[k].loop == r;
       k++) {
    Buffer *of = &e->buffers.at[e->copies.at[k].of];
    of->alias = e->copies.at[k].alias;
    of->alias_home = e->copies.at[k].alias_home;
  }
}

static void add_copies(Emit *e, Ref r) {
  uint32_t first = info(e, r)->copies;
  for (uint32_t k = first ? first - 1 : e->copies.n; k < e->copies.n && e->copies.at[k].loop == r;
       k++) {
    CopyText t = copy_text(e, &e->copies.at[k]);
    const char *block = c_fresh(e, "block"), *index = c_fresh(e, "k");
    line(e, "for (int64_t %s = 0; %s < %d; %s++)", block, block, PARALLEL_COPIES, block);
    line(e, "  for (int64_t %s = 0; %s < %s; %s++)", index, index, t.size, index);
    line(e, "    %s[%s] += %s[%s*%s + %s];", t.whole, index, t.part, block, t.size, index);
  }
}

/* Blocks of rows side by side begin where these do; the last has those that are left over. */
static void name_range(Emit *e, Ref r, InBlocks *b) {
  const char *extent = expr_text(e, node(e, r)->arg[0], PREC_MUL);
  int blocks = blocks_of(e, r);
  uint32_t lanes = lanes_of(e->f);
  b->first = c_fresh(e, "first");
  b->end = c_fresh(e, "end");
  line(e, "const int64_t %s = %s/%u*%s/%d*%u;", b->first, extent, lanes, b->block, blocks, lanes);
  line(e, "const int64_t %s = %s < %d ? %s/%u*(%s + 1)/%d*%u : %s;", b->end, b->block, blocks - 1,
       extent, lanes, b->block, blocks, lanes, extent);
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
  put_pragma(e, r);
  b.block = c_fresh(e, "block");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < %d; %s++)", b.block, b.block, blocks, b.block);
  block_open(e, "");
  if (b.failed) line(e, "%s[%s] = 0;", b.failed, b.block);
  open_copies(e, r, b.block);
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
  const char *block = b->block;
  int blocks = blocks_of(e, r);
  if (b->first) {
    putf(e, "for (int64_t %s = %s; %s < %s; %s++)", index, b->first, index, b->end, index);
    return;
  }
  putf(e, "for (int64_t %s = ", index);
  put_expr(e, extent, PREC_MUL);
  putf(e, "*%s/%d; %s < ", block, blocks, index);
  put_expr(e, extent, PREC_MUL);
  putf(e, "*(%s + 1)/%d; %s++)", block, blocks, index);
}

static void combine(Emit *e, const char *name, Combiner comb, bool real, int blocks) {
  const char *part = part_name(e, name);
  const char *block = c_fresh(e, "block");
  line(e, "for (int64_t %s = 0; %s < %d; %s++)", block, block, blocks, block);
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
static void return_failed(Emit *e, const InBlocks *b, int blocks) {
  if (!b->failed) return;
  const char *block = c_fresh(e, "block");
  e->fn->fails = true;
  line(e, "for (int64_t %s = 0; %s < %d; %s++)", block, block, blocks, block);
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
        combine(e, name, comb, n->result_type[k]->elem == ELEM_REAL, blocks_of(e, r));
      }
    }
    if (pass) continue;
    block_close(e);
    restore_aliases(e, r);
    return_failed(e, b, blocks_of(e, r));
    add_copies(e, r);
  }
}
