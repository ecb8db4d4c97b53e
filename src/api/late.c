/* late.c - results whose shape is known only while the function runs.  The code cannot be
 * given a place for them: it hands them over by an effect at its end, and the call copies
 * them (call.c). */
#include <stdlib.h>

#include "api/private.h"

/* The effect is told by the number of the result, as a name that no program can bind. */
static void hand_over(Prog *p, Ref r, uint32_t k) {
  TextAttr *t = NEW(p->ctx, TextAttr);
  *t = (TextAttr){.source = "", .binding = str_printf(p->ctx, "%u", k)};
  ir_text(p, IR_PRINT, t, 1, &r);
}

void late_results(Prog *p) {
  Region *root = p->root;
  uint32_t kept = 0;
  for (uint32_t k = 0; k < root->results.n; k++) {
    Ref r = root->results.at[k];
    if (type_is_early(p, ir_type(p, r))) root->results.at[kept++] = r;
    else hand_over(p, r, k);
  }
  root->results.n = kept;
}

static bool hands_over(const Node *n) {
  const char *name = n->op == IR_PRINT ? n->aux.text->binding : NULL;
  return name && name[0] >= '0' && name[0] <= '9';
}

void late_effects(const Prog *p, Ref *effect) {
  for (uint32_t k = 0; k < p->root->nodes.n; k++) {
    const Node *n = ir_node(p, p->root->nodes.at[k]);
    if (hands_over(n)) effect[strtoul(n->aux.text->binding, NULL, 10)] = p->root->nodes.at[k];
  }
}
