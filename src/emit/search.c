/* search.c - the place of an extreme, once it is known: argmax and argmin whose max and min
 * are found in lanes.
 *
 * Blocks in which no value reaches the extreme are passed over, a comparison a value; the
 * first value that does is looked for one by one.  If the extreme is a NaN no block is passed
 * over, and the first NaN is found.  The extreme is set to the value at its place: of 0 and -0,
 * which are equal, the first one stays, as in a loop that does it all.
 *
 * The values are computed twice: they must be cheap, and the same in vectors and out of them,
 * whatever a compiler fuses or keeps in wider registers.  libtcc, which has no vectors, does it
 * all in one loop, with the same results. */
#include "emit/private.h"

enum { SEARCH_OPS = 12 };

static bool is_search(const Emit *e, Ref r, uint32_t k) {
  Combiner comb = node(e, r)->aux.loop->comb[k];
  return (comb == ARGMAX || comb == ARGMIN) && needed_proj(e, r, k);
}

bool has_search(const Emit *e, Ref r) {
  for (uint32_t k = 0; k < node(e, r)->nresults; k++)
    if (is_search(e, r, k)) return true;
  return false;
}

/* Elements as they are, their signs and sizes, and arithmetic on ints. */
static bool is_exact(const Node *n) {
  if (n->op != IR_PRIM) return n->op == IR_CONST || n->op == IR_READ;
  switch (n->aux.i) {
    case P_NEG: case P_ABS: case P_FABS: case P_MAX: case P_MIN: return true;
    case P_ADD: case P_SUB: case P_MUL: return n->type->elem == ELEM_INT;
    default: return false;
  }
}

static bool cheap_body(const Emit *e, const Region *body) {
  uint32_t ops = 0;
  for (uint32_t k = 0; k < body->nodes.n; k++)
    if (info(e, body->nodes.at[k])->need &&
        (++ops > SEARCH_OPS || !is_exact(node(e, body->nodes.at[k]))))
      return false;
  return true;
}

/* A place, or an extreme whose place is wanted? */
static bool is_searched(const Emit *e, Ref r, uint32_t k) {
  const Combiner *comb = node(e, r)->aux.loop->comb;
  for (uint32_t j = 0; j < node(e, r)->nresults; j++)
    if (is_search(e, r, j) && extreme_for(comb[j]) == extreme_for(comb[k])) return true;
  return false;
}

/* One axis, and nothing but the extremes of the same values and their places. */
bool plan_search(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  Ref value = 0;
  if (for_tcc(e) || n->nargs != 1) return false;
  const Node *extent = node(e, n->arg[0]);
  if (extent->op == IR_CONST && extent->aux.i < SEARCH_BLOCK) return false;
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!needed_proj(e, r, k)) continue;
    Ref of = body->results.at[k];
    if (value && value != of) return false;
    if (!is_searched(e, r, k) || node(e, of)->type->elem != ELEM_REAL) return false;
    value = of;
  }
  return cheap_body(e, body);
}

/* for (; n - start >= 32; start += 32) { … reached |= !(v < top); … if (reached) break; }
 * Leaves `start` at the block in which the first value is. */
static void skip_blocks(Emit *e, Ref r, Ref value, const char *best, Combiner comb,
                        const char *start) {
  const Node *n = node(e, r);
  Ref index = n->regions[0]->params.at[0];
  uint32_t scope = scope_open(e);
  const char *count = expr_text(e, n->arg[0], PREC_ADD);
  const char *reached = c_fresh(e, "reached"), *l = c_fresh(e, "l");
  line(e, "int64_t %s = 0;", start);
  line_start(e);
  putf(e, "for (; %s - %s >= %d; %s += %d)", count, start, SEARCH_BLOCK, start, SEARCH_BLOCK);
  block_open(e, "");
  stop_in_loop(e, n->arg[0]);
  line(e, "int %s = 0;", reached);
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < %d; %s++)", l, l, SEARCH_BLOCK, l);
  block_open(e, "");
  declare_index(e, r, index, start, l);
  emit_region(e, n->regions[0]);
  line_start(e);
  putf(e, "%s |= !(", reached);
  put_expr(e, value, PREC_REL);
  putf(e, " %s %s)", comb == MAX ? "<" : ">", best);
  line_end(e, ";");
  block_close(e);
  line(e, "if (%s) break;", reached);
  block_close(e);
  scope_close(e, scope);
}

/* if (v == top || v != v) { top = v; argmax = i; break; } */
static void find_first(Emit *e, Ref r, Ref value, const char *best, const char *place) {
  const Node *n = node(e, r);
  Ref index = n->regions[0]->params.at[0];
  emit_region(e, n->regions[0]);
  make_simple(e, value, "v");
  const char *v = expr_text(e, value, PREC_EQ);
  line_start(e);
  putf(e, "if (%s == %s || %s != %s)", v, best, v, v);
  block_open(e, "");
  line(e, "%s = %s;", best, v);
  line(e, "%s = %s;", place, info(e, index)->cname);
  line(e, "break;");
  block_close(e);
}

static void search(Emit *e, Ref r, uint32_t k, const char *best) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  const char *start = c_fresh(e, "start");
  skip_blocks(e, r, body->results.at[k], best, extreme_for(n->aux.loop->comb[k]), start);
  uint32_t scope = scope_open(e);
  open_for(e, r, body->params.at[0], n->arg[0], NULL, start);
  find_first(e, r, body->results.at[k], best, info(e, needed_proj(e, r, k))->cname);
  close_for(e);
  scope_close(e, scope);
}

void emit_search(Emit *e, Ref r, const Outputs *o) {
  for (uint32_t k = 0; k < node(e, r)->nresults; k++)
    if (is_search(e, r, k)) search(e, r, k, o->best[k]);
}
