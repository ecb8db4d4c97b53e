/* late.c - results whose shape is known only while the function runs.  The code cannot be
 * given a place for them: it hands them over by an effect at its end, and the call copies
 * them (call.c). */
#include <stdlib.h>

#include "api/private.h"

enum { DEEPEST = 64 };

/* Does an int come from sizes and parameters by arithmetic alone? */
static bool int_is_known(const Prog *p, Ref r, int depth) {
  const Node *n = ir_node(p, r);
  if (n->op == IR_PARAM) return n->region == p->root->id;
  if (n->op == IR_CONST) return true;
  if (n->op != IR_PRIM || n->nargs > 3 || depth > DEEPEST || n->type->elem != ELEM_INT)
    return false;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (ir_type(p, n->arg[k])->elem != ELEM_INT || !int_is_known(p, n->arg[k], depth + 1))
      return false;
  return true;
}

static bool shape_is_known(const Prog *p, const Type *t) {
  for (uint32_t d = 0; d < t->rank; d++)
    for (uint32_t i = 0; i < t->dim[d]->n; i++)
      for (uint32_t j = 0; j < t->dim[d]->mono[i].n; j++)
        if (!int_is_known(p, t->dim[d]->mono[i].atom[j], 0)) return false;
  return true;
}

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
    if (shape_is_known(p, ir_type(p, r))) root->results.at[kept++] = r;
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
