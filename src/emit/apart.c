/* apart.c - loops whose rounds have no memory in common.
 *
 * Arrays of the workspace come from one pointer, so a C compiler has to ask, each time a loop
 * over them starts, whether they overlap: for loops over many short arrays that costs more
 * than the loop, and gcc rather leaves them to scalar code.  Here it is proved that no round
 * of the innermost loop touches an element that another one writes, and GC_APART says so.
 * What a round writes stands at its own index in the last axis, and what is read of an array
 * that is written does, too.  The bits are the same either way. */
#include "emit/private.h"

enum { MOST = 32 };            /* arrays of one loop */

/* An array that a round touches; the inputs, which nobody writes, are left out. */
typedef struct Touched {
  uint32_t buffer;
  const Type *type;            /* of all that touches it, or NULL: of several types */
  bool written, own;           /* always at the own index of the round in the last axis? */
} Touched;

typedef struct Round {
  const Emit *e;
  const Region *body;
  Ref index;                   /* of the innermost axis */
  Touched at[MOST];
  uint32_t n, updates;
} Round;

static bool touch(Round *x, uint32_t buffer, const Type *t, bool written, bool own) {
  uint32_t k = 0;
  while (k < x->n && x->at[k].buffer != buffer) k++;
  if (k == MOST) return false;
  if (k == x->n) x->at[x->n++] = (Touched){buffer, t, written, own};
  Touched *a = &x->at[k];
  if (a->type != t) a->type = NULL;
  a->written |= written;
  a->own &= own;
  return true;
}

static bool touch_element(Round *x, Ref of, const Node *n, uint32_t first, bool written) {
  const Type *t = node(x->e, of)->type;
  uint32_t buffer = info(x->e, base_of(x->e, of))->buffer;
  if (n->nargs - first != t->rank) return false;
  if (!buffer) return !written;
  const Type *array = type_array(x->e->p, t->elem, t->rank, t->dim);
  return touch(x, buffer, array, written, n->arg[n->nargs - 1] == x->index);
}

static bool plain_region(Round *x, const Region *r);

static bool plain_node(Round *x, const Node *n) {
  const Emit *e = x->e;
  if ((n->flags & NODE_CHECKED && !e->c->opt.unchecked) || divides_by_zero(e, n)) return false;
  switch (n->op) {
    case IR_CONST: case IR_PRIM: case IR_TOREAL: case IR_TOINT: return true;
    case IR_PROJ: return is_scalar(n);
    case IR_READ: return is_scalar(n) && touch_element(x, n->arg[0], n, 1, false);
    case IR_UPD:
      x->updates++;
      return is_scalar(node(e, n->arg[1])) && touch_element(x, n->arg[0], n, 2, true);
    case IR_IF: return plain_region(x, n->regions[0]) && plain_region(x, n->regions[1]);
    default: return false;
  }
}

/* Is all of it scalar code in one piece?  Updates stand in no branch. */
static bool plain_region(Round *x, const Region *r) {
  const Emit *e = x->e;
  if (e->cut[r->id] || e->locals[r->id] || e->scratch[r->id]) return false;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    const Info *i = info(e, r->nodes.at[k]);
    const Node *n = node(e, r->nodes.at[k]);
    if (!i->need) continue;
    if (i->keep || (i->effect && (n->op != IR_UPD || r != x->body))) return false;
    if (!plain_node(x, n)) return false;
  }
  return true;
}

/* What it builds; reductions are scalars. */
static bool plain_outputs(Round *x, Ref r) {
  const Node *n = node(x->e, r);
  for (uint32_t k = 0; k < n->nresults; k++) {
    const Type *t = n->result_type[k];
    if (n->aux.loop->comb[k] != BUILD || !needed_proj(x->e, r, k)) continue;
    if (t->rank != n->nargs) return false;
    if (!touch(x, info(x->e, r)->out[k].buffer, t, true, true)) return false;
  }
  return true;
}

/* Is there something to ask: two places that one pointer could reach, one of them written?
 * A result of the program is a pointer of its own, unless it takes turns with another. */
static bool may_overlap(const Round *x) {
  uint32_t writes = 0, places = 0;
  for (uint32_t k = 0; k < x->n; k++) {
    const Buffer *b = &x->e->buffers.at[x->at[k].buffer];
    if (b->kind == BUF_OUTPUT && !b->alias) continue;
    places++;
    writes += x->at[k].written;
  }
  return (writes && places > 1) || x->updates > 1;
}

/* Does no round of the innermost axis touch what another one writes, and is that worth saying? */
static bool rounds_apart(const Emit *e, Ref r, const Region *inside) {
  const Node *n = node(e, r);
  if (for_tcc(e) || !n->nargs) return false;
  Round x = {.e = e, .body = inside, .index = n->regions[0]->params.at[n->nargs - 1]};
  if (!plain_outputs(&x, r) || !plain_region(&x, x.body)) return false;
  for (uint32_t k = 0; k < x.n; k++)
    if (x.at[k].written && !(x.at[k].own && x.at[k].type)) return false;
  return may_overlap(&x);
}

bool say_apart(Emit *e, Ref r, const Region *inside) {
  bool apart = rounds_apart(e, r, inside);
  use_macro(e->f, MACRO_APART, apart);
  return apart;
}

void put_apart(Emit *e, Ref r, const Region *inside) {
  if (say_apart(e, r, inside)) put(e, "GC_APART ");
}
