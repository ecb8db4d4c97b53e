/* parallel.c - --openmp: which loops run in parallel, and what is around them.
 *
 * The outermost loop whose rounds share nothing that they write is parallel: it only builds
 * arrays, reduces to scalars or adds into accumulators, fails no check, and has no scratch in
 * the workspace.  Reductions go in blocks, whose number does not depend on the threads, each
 * with a scalar of its own, and with a copy of each accumulator in the workspace; these are
 * combined in order.  So every number of threads, and a compiler without OpenMP, gives the
 * same bits. */
#include "emit/private.h"

enum { BLOCKS = 32, COPIES = 8, SMALL = 1024 };

/* ---- copies of accumulators ---------------------------------------------------------- */

static void add_handle(Emit *e, Ref loop, uint32_t buffer) {
  uint32_t first = info(e, loop)->copies;
  for (uint32_t k = first ? first - 1 : e->copies.n; k < e->copies.n; k++)
    if (e->copies.at[k].of == buffer) return;
  AccCopy c = {.loop = loop, .of = buffer};
  VEC_PUSH(e->c, &e->copies, c);
  if (!first) info(e, loop)->copies = e->copies.n;
}

static void find_handles(Emit *e, Ref loop, const Region *r, const Region *body) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref x = r->nodes.at[k];
    const Node *n = node(e, x);
    if (!info(e, x)->need) continue;
    if (n->op == IR_UPD && !region_inside(e, node(e, n->arg[0])->region, body))
      add_handle(e, loop, storage_of(e, n->arg[0]));
    for (uint32_t j = 0; j < n->nregions; j++) find_handles(e, loop, n->regions[j], body);
  }
}

/* Is it inside a loop that has copies already? */
static bool inside_one(const Emit *e, Ref r) {
  for (Ref o = region_of(e, r)->owner; o; o = region_of(e, o)->owner)
    if (info(e, o)->copies) return true;
  return false;
}

/* Room for them; what the text does not use then is left out of the workspace. */
void plan_copies(Emit *e) {
  if (e->f->jit || !e->f->o->openmp) return;
  for (Ref r = e->ninfo; r-- > 1;) {
    if (!info(e, r)->need || node(e, r)->op != IR_LOOP || inside_one(e, r)) continue;
    uint32_t first = e->copies.n;
    find_handles(e, r, node(e, r)->regions[0], node(e, r)->regions[0]);
    for (uint32_t k = first; k < e->copies.n; k++) {
      const Buffer *of = &e->buffers.at[e->copies.at[k].of];
      Size size = size_bound(e, of->size);
      if (!size) continue;
      const Type *type = of->type;
      uint32_t b = buffer_new(e, BUF_SLOT, type, region_of(e, r), r);
      e->buffers.at[b].size = size_scale(e->p, size, COPIES, 1);
      e->buffers.at[b].no_local = true;
      buffer_live(e, b, info(e, r)->begin, info(e, r)->end);
      e->copies.at[k].buffer = b;
    }
  }
}

static bool has_copy(const Emit *e, Ref loop, uint32_t buffer) {
  uint32_t first = info(e, loop)->copies;
  if (!first) return false;
  for (uint32_t k = first - 1; k < e->copies.n && e->copies.at[k].loop == loop; k++)
    if (e->copies.at[k].of == buffer) return e->copies.at[k].buffer != 0;
  return false;
}

/* ---- which ------------------------------------------------------------------------ */

static bool writes_inside(const Emit *e, const Region *body) {
  for (uint32_t k = 1; k < e->buffers.n; k++) {
    const Buffer *b = &e->buffers.at[k];
    bool shared = b->kind == BUF_SLOT || b->kind == BUF_TEMP;
    if (shared && b->region && b->from != UINT32_MAX && region_inside(e, b->region->id, body))
      return true;
  }
  return false;
}

/* Checks, traces, updates of what has no copy, pieces: what may not happen in parallel. */
static bool is_bound(const Emit *e, Ref loop, const Region *r) {
  const Region *body = node(e, loop)->regions[0];
  if (e->cut[r->id]) return true;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref x = r->nodes.at[k];
    const Node *n = node(e, x);
    if (!info(e, x)->need) continue;
    bool checked = (n->flags & NODE_CHECKED) && !e->c->opt.unchecked;
    if (checked || divides_by_zero(e, n) || info(e, x)->keep) return true;
    if (n->op == IR_CHECK || n->op == IR_TRACE) return true;
    if (n->op == IR_UPD && !region_inside(e, node(e, n->arg[0])->region, body) &&
        !has_copy(e, loop, storage_of(e, n->arg[0])))
      return true;
    for (uint32_t j = 0; j < n->nregions; j++)
      if (is_bound(e, loop, n->regions[j])) return true;
  }
  return false;
}

static bool is_needed(const Emit *e, Ref r, uint32_t k) {
  Ref proj = info(e, r)->out[k].proj;
  return proj && info(e, proj)->need;
}

static Parallel kind_of(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  Parallel kind = info(e, r)->copies ? PARALLEL_BLOCKS : PARALLEL_BUILD;
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!is_needed(e, r, k)) continue;
    switch (n->aux.loop->comb[k]) {
      case BUILD: break;
      case SUM: case PROD: case MAX: case MIN: kind = PARALLEL_BLOCKS; break;
      default: return PARALLEL_NO;
    }
  }
  return kind;
}

/* Surely over in no time. */
static bool is_small(const Emit *e, const Node *n) {
  int64_t total = 1;
  for (uint32_t a = 0; a < n->nargs; a++) {
    const Node *x = node(e, n->arg[a]);
    if (x->op != IR_CONST) return false;
    total *= x->aux.i < SMALL ? x->aux.i : SMALL;
  }
  return total < SMALL;
}

Parallel plan_parallel(Emit *e, Ref r) {
  const Node *n = node(e, r);
  if (e->f->jit || !e->f->o->openmp || e->in_parallel || n->nargs == 0 || is_small(e, n))
    return PARALLEL_NO;
  const Region *body = n->regions[0];
  if (writes_inside(e, body) || is_bound(e, r, body)) return PARALLEL_NO;
  return kind_of(e, r);
}

/* ---- what is around ------------------------------------------------------------------- */

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
  putf(e, " >= %d.0)\n#endif\n", has_loops(n->regions[0], e) ? 16 : SMALL);
}

static const char *part_name(Emit *e, const char *name) {
  return str_printf(e->c, "gc_%s_part", name);
}

int blocks_of(const Emit *e, Ref r) {
  return info(e, r)->copies ? COPIES : BLOCKS;
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

static void restore_aliases(Emit *e, Ref r) {
  uint32_t first = info(e, r)->copies;
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
    line(e, "for (int64_t %s = 0; %s < %d; %s++)", block, block, COPIES, block);
    line(e, "  for (int64_t %s = 0; %s < %s; %s++)", index, index, t.size, index);
    line(e, "    %s[%s] += %s[%s*%s + %s];", t.whole, index, t.part, block, t.size, index);
  }
}

const char *open_blocks(Emit *e, Ref r) {
  const Node *n = node(e, r);
  int blocks = blocks_of(e, r);
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (n->aux.loop->comb[k] == BUILD || !is_needed(e, r, k)) continue;
    const char *name = info(e, info(e, r)->out[k].proj)->cname;
    line(e, "%s %s[%d];", c_type(e->f, n->result_type[k]->elem, false), part_name(e, name), blocks);
    e->fn->bytes += 8 * (uint64_t)blocks;
  }
  put_pragma(e, r);
  const char *block = c_fresh(e, "block");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < %d; %s++)", block, block, blocks, block);
  block_open(e, "");
  open_copies(e, r, block);
  return block;
}

/* The rounds of a block, first index. */
void put_block_range(Emit *e, Ref r, const char *index, const char *block) {
  Ref extent = node(e, r)->arg[0];
  int blocks = blocks_of(e, r);
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

void close_blocks(Emit *e, Ref r, const char *block,
                  void (*declare)(Emit *, Ref, uint32_t, Combiner)) {
  const Node *n = node(e, r);
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t k = 0; k < n->nresults; k++) {
      Combiner comb = n->aux.loop->comb[k];
      if (comb == BUILD || !is_needed(e, r, k)) continue;
      const char *name = info(e, info(e, r)->out[k].proj)->cname;
      if (pass == 0) {
        line(e, "%s[%s] = %s;", part_name(e, name), block, name);
      } else {
        declare(e, r, k, comb);
        combine(e, name, comb, n->result_type[k]->elem == ELEM_REAL, blocks_of(e, r));
      }
    }
    if (pass) continue;
    block_close(e);
    restore_aliases(e, r);
    add_copies(e, r);
  }
}
