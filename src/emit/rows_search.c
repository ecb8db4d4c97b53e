/* rows_search.c - the least and the greatest in each of several rows side by side, and its place.
 *
 * A lane keeps the best value so far and where it was; each round chooses between what is kept and
 * what has come, without a branch.  The first winner stays, and a NaN wins, as in the plain loop.
 * So that one comparison is enough, a place is 0 from the start where there is a round, and the
 * best value what it is over nothing: infinity, if it is the first, keeps place 0. */
#include "emit/private.h"

static bool is_search(Combiner comb) { return comb == ARGMAX || comb == ARGMIN; }

const char **name_bests(Emit *e, Ref r, uint32_t first) {
  const Node *n = node(e, r);
  const char **best = NEWN(e->c, const char *, n->nresults + 1);
  for (uint32_t k = first; k < n->nresults; k++) {
    if (!is_search(n->aux.loop->comb[k - first]) || !scalar_out(e, r, k)) continue;
    uint32_t j = extreme_of(e, r, first, k);
    if (j < n->nresults) best[k] = best[j] = info(e, needed_proj(e, r, j))->cname;
    else best[k] = lane_array(e, c_fresh(e, "best"), node(e, n->regions[0]->results.at[k])->type->elem);
  }
  return best;
}

/* at[l] = n > 0 ? 0 : -1; */
static void start_place(Emit *e, Ref r, const char *at) {
  const Node *n = node(e, r);
  uint32_t naxes = n->op == IR_FOLD ? 1 : n->nargs;
  bool any = false;
  line_start(e);
  putf(e, "%s = ", at);
  for (uint32_t a = 0; a < naxes; a++) {
    double extent;
    if (ir_is_const(e->p, n->arg[a], &extent) && extent > 0) continue;
    if (any) put(e, " && ");
    put_expr(e, n->arg[a], PREC_REL);
    put(e, " > 0");
    any = true;
  }
  line_end(e, any ? " ? 0 : -1;" : "0;");
}

void start_search(Emit *e, Ref r, uint32_t first, uint32_t k, const char *const *best) {
  const Node *n = node(e, r);
  start_place(e, r, info(e, needed_proj(e, r, k))->cname);
  if (extreme_of(e, r, first, k) < n->nresults) return;   /* that is started, too */
  line_start(e);
  putf(e, "%s = ", best[k]);
  put_over_nothing(e, node(e, n->regions[0]->results.at[k])->type->elem,
                   n->aux.loop->comb[k - first] == ARGMAX ? MAX : MIN);
  line_end(e, ";");
}

/* const int wins = !(v >= best[l]) && best[l] == best[l]; */
static void emit_lane_search(Emit *e, Ref r, uint32_t k, Combiner comb, Ref value,
                             const char *best) {
  const char *at = info(e, needed_proj(e, r, k))->cname, *wins = c_fresh(e, "wins");
  const char *v = expr_text(e, value, PREC_REL);
  line_start(e);
  putf(e, "const int %s = ", wins);
  if (node(e, value)->type->elem == ELEM_REAL)
    putf(e, "!(%s %s %s) && %s == %s", v, comb == ARGMAX ? "<=" : ">=", best, best, best);
  else
    putf(e, "%s %s %s", v, comb == ARGMAX ? ">" : "<", best);
  line_end(e, ";");
  line(e, "%s = %s ? %s : %s;", best, wins, v, best);
  line_start(e);
  putf(e, "%s = %s ? ", at, wins);
  put_position(e, r);
  putf(e, " : %s", at);
  line_end(e, ";");
}

void emit_lane_extreme(Emit *e, Ref r, uint32_t first, uint32_t k, const char *const *best) {
  const Node *n = node(e, r);
  Combiner comb = n->aux.loop->comb[k - first];
  Ref value = n->regions[0]->results.at[k];
  if (!is_search(comb) && best[k]) return;   /* the search for its place does it */
  make_simple(e, value, "v");
  if (is_search(comb))
    emit_lane_search(e, r, k, comb, value, best[k]);
  else
    put_winner(e, info(e, needed_proj(e, r, k))->cname, expr_text(e, value, PREC_REL), comb,
               node(e, value)->type->elem == ELEM_REAL);
}
