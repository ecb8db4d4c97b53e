/* transpose.c - a linear rule read the other way round.
 *
 * A rule that is linear in some of its parameters is a matrix times them.  Its transpose
 * times a seed is the reverse derivative of the rule with respect to these parameters, at any
 * point; so they are left unknown (zeros that count as variables). */
#include "differentiate/reverse.h"

static Ref copy_of(void *copy, Ref r) { return copy_ref(copy, r); }

void transpose_rule(Prog *p, const Region *rule, uint32_t first, uint32_t n, const Ref *other,
                    const Ref *seed, Ref *out) {
  Copy *k = replay_of(p);
  Ref *x = NEWN(p->ctx, Ref, n + 1), *y = NEWN(p->ctx, Ref, rule->results.n + 1);
  for (uint32_t i = 0, o = 0; i < rule->params.n; i++) {
    Ref param = rule->params.at[i];
    bool unknown = i >= first && i < first + n;
    if (!unknown) { copy_set(k, param, other[o++]); continue; }
    const Type *t = type_map(p, ir_type(p, param), copy_of, k);
    x[i - first] = ir_var(p, ir_zero(p, t));
    copy_set(k, param, x[i - first]);
  }
  bool fresh = p->fresh;
  p->fresh = true;
  copy_nodes(k, rule);
  p->fresh = fresh;
  for (uint32_t i = 0; i < rule->results.n; i++) y[i] = copy_ref(k, rule->results.at[i]);
  diff_reverse(p, rule->results.n, y, seed, n, x, 0, NULL, out);
}
