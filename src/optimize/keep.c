/* keep.c - a step of opt_fuse: what one loop has computed is kept for a later one that would
 * compute it again.
 *
 * Requires: barriers gone.  Where two loops over the same indices share work but cannot be
 * joined, since the later one needs a result of the earlier (the sum of log-sum-exp, before
 * the softmax), it is a matter of cost: arithmetic is done again; a call such as exp or a
 * long sum is kept, as one more array that the first loop builds and the second reads.  So
 * also for loops inside that correspond.  No array is made that is larger than those
 * that are there anyway.
 *
 * A fold that walks back over the rounds of an earlier one (the reverse of a fold, which
 * reads its states) finds there what its steps computed: round t of the first is the round
 * of the second that reads the arrays of the first at T - 1 - its own index.
 *
 * Such a fold may hold a whole fold that the step before it made, too (the layers of a network,
 * run once more before they are gone through backwards).  Once it is known which of its values
 * the way back reads, all these are kept by the first one, if it makes calls or long sums, and
 * the second is not run.
 *
 * All of it is planned before anything is rewritten: the nodes of the later body are
 * numbered by those of the earlier, one by one in order, where operator and operands agree.
 * Maintains every value to the bit.  Linear: few loops are looked back at, and bodies are
 * not longer than a fixed number of nodes.
 *
 * The same numbering finds reductions that an earlier loop has made already.  Once hoisting
 * has taken the constant factors out of sums there are more of them, and opt_twins asks for
 * these alone: where the gradient of log-sum-exp adds up the exponentials once more. */
#include "optimize/optimize.h"
#include "optimize/share.h"

enum {
  MAX_BACK = 32, MAX_KEPT = 4, MAX_DEPTH = 3, MAX_INNER = 64, MAX_WALK = 64, MAX_NODES = 600,
  MAX_TAPES = 16                /* of a loop in a fold that is walked back */
};

/* A node of a first loop, or of one inside it, and the array of its values: in the loop
 * around as far as that is written, in the end in the program. */
typedef struct Kept { Ref value, array; } Kept;
typedef VEC(Kept *) KeptVec;

/* Output `k` of an earlier loop; loop 0: there is none. */
typedef struct Twin { Ref loop; uint32_t k; } Twin;

typedef struct Keep {
  Prog *p;
  uint32_t *inside;             /* nodes in the regions of a node */
  KeptVec *outputs;             /* by Ref of a LOOP: what it gives besides */
  Kept **kept;                  /* by Ref of a node that is read instead */
  Twin **twins;                 /* by Ref of a LOOP: for each output, the same of another */
  Ref *image;                   /* by Ref in a later loop: the same in the earlier, or 0 */
  Ref *within;                  /* by Ref of an output of a later loop or fold: if none of the
                                   earlier is the same, the value in its body that it would be
                                   made of, or 0 */
  Costly **costly;              /* by Ref of a LOOP, once it has been asked for */
  Ref *back;                    /* by Ref of a LOOP: the one before over the same first extent */
  Ref *latest;                  /* by Ref of a first extent */
  Ref *latest_fold;             /* by Ref of a number of trips: the latest fold */
  Ref *round;                   /* by Ref of a fold that walks back: the round it looks at */
  Ref fold;                     /* the one whose rounds are looked at, or 0 */
  Ref known_from;               /* nodes from here on come after the round is known */
  Present present;
  bool *busy;                   /* by number of a region: does something in it change? */
  bool nested;                  /* folds inside of folds are looked at */
  bool twins_only;              /* nothing is kept */
  bool any;
} Keep;

/* ---- cost ----------------------------------------------------------------------------- */

static bool worth_keeping(const Keep *s, Ref r);

/* Of a loop that builds, an element counts, of others what they put together. */
static bool costly_result(const Keep *s, const Node *proj) {
  const Node *n = ir_node(s->p, proj->arg[0]);
  bool build = n->op == IR_LOOP && n->aux.loop->comb[proj->aux.i] == BUILD;
  return build ? worth_keeping(s, n->regions[0]->results.at[proj->aux.i]) : long_loop(s->p, n);
}

/* Is there a call or a long loop in what makes r, in its region, up to what is kept? */
static bool worth_keeping(const Keep *s, Ref r) {
  const uint32_t region = ir_node(s->p, r)->region;
  Refs todo = {0};
  VEC_PUSH(s->p->ctx, &todo, r);
  for (uint32_t seen = 0; todo.n; seen++) {
    Ref o = todo.at[--todo.n];
    const Node *n = ir_node(s->p, o);
    if (n->region != region || n->op == IR_PARAM || s->kept[o]) continue;
    if (costly_call(s->p, n)) return true;
    if (seen == MAX_WALK) return !s->fold;   /* arithmetic, however much, is done again */
    if (n->op == IR_PROJ && costly_result(s, n)) return true;
    for (uint32_t k = 0; k < n->nargs; k++) VEC_PUSH(s->p->ctx, &todo, n->arg[k]);
  }
  return false;
}

/* ---- room ------------------------------------------------------------------------------- */

/* What a fold keeps is there anyway. */
static bool as_large_as_a_state(Keep *s, Size all) {
  const Node *n = ir_node(s->p, s->fold);
  for (uint32_t k = n->nargs - 1; k < n->nresults; k++)
    if (n->aux.loop->comb[k + 1 - n->nargs] == BUILD &&
        no_more_elements(all, type_elements(s->p, n->result_type[k])))
      return true;
  return false;
}

/* So large is what the loop itself reads or makes, in the step of a fold for example. */
static bool as_large_as_at_hand(Prog *p, const Node *loop, Size all) {
  for (uint32_t k = 0; k < loop->nfree; k++) {
    const Type *t = ir_type(p, loop->free[k]);
    if (t && t->rank && !t->acc && no_more_elements(all, type_elements(p, t))) return true;
  }
  for (uint32_t k = 0; k < loop->nresults; k++)
    if (no_more_elements(all, type_elements(p, loop->result_type[k]))) return true;
  return false;
}

/* Is there room for the values of r in `depth` loops, outside of which all sizes are known? */
static bool has_room(Keep *s, Ref r, uint32_t depth) {
  Prog *p = s->p;
  Size all = type_elements(p, ir_type(p, r));
  const Region *at = p->regions.at[ir_node(p, r)->region];
  const Node *loop = NULL;
  for (; depth--; at = at->parent) {
    loop = ir_node(p, at->owner);
    uint32_t axes = loop->op == IR_FOLD ? 1 : loop->nargs;
    for (uint32_t k = 0; k < axes; k++) all = size_mul(p, all, size_atom(p, loop->arg[k]));
  }
  for (uint32_t k = 0; k < all->n; k++)
    for (uint32_t a = 0; a < all->mono[k].n; a++)
      if (!ir_in_scope(p, all->mono[k].atom[a], at)) return false;
  if (present_has_room(p, &s->present, all)) return true;
  return s->fold ? as_large_as_a_state(s, all) : loop && as_large_as_at_hand(p, loop, all);
}

/* ---- what is the same --------------------------------------------------------------------- */

static Ref image_of(const Keep *s, Ref r) {
  return s->image[r] ? s->image[r] : r;
}

static bool same_extents(const Keep *s, const Node *x, const Node *y) {
  if (x->op != IR_LOOP || y->op != IR_LOOP || x->nargs != y->nargs) return false;
  for (uint32_t k = 0; k < x->nargs; k++) {
    const Node *a = ir_node(s->p, x->arg[k]), *b = ir_node(s->p, y->arg[k]);
    bool same = a->op == IR_CONST && b->op == IR_CONST && a->aux.i == b->aux.i;
    if (x->arg[k] != image_of(s, y->arg[k]) && !same) return false;
  }
  return true;
}

static bool same_constant(const Prog *p, Ref a, Ref b) {
  const Node *x = ir_node(p, a), *y = ir_node(p, b);
  return x->op == IR_CONST && y->op == IR_CONST && x->type == y->type && ir_alike(x, y);
}

/* Are the subscripts of y from operand `j` on those of x from operand `k` on? */
static bool same_subscripts(const Keep *s, const Node *x, const Node *y, uint32_t k, uint32_t j) {
  if (x->nargs - k != y->nargs - j) return false;
  for (; k < x->nargs; k++, j++) {
    Ref a = y->arg[j];
    if (x->arg[k] != image_of(s, a) && !same_constant(s->p, x->arg[k], a)) return false;
  }
  return true;
}

/* Does x read the state, or what that itself was read from, where y reads its tape? */
static bool reads_state(const Keep *s, const Node *x, Ref state, const Node *y) {
  const Node *row = ir_node(s->p, state);
  if (x->op != IR_READ) return false;
  if (x->arg[0] == state) return same_subscripts(s, x, y, 1, 2);
  if (row->op != IR_READ || x->nargs < row->nargs) return false;
  for (uint32_t k = 0; k < row->nargs; k++)
    if (x->arg[k] != row->arg[k]) return false;
  return same_subscripts(s, x, y, row->nargs, 2);
}

/* A read of what the fold that is walked back has built: of its own round. */
static Ref find_tape_read(const Keep *s, const Region *in, const Node *y) {
  if (!s->fold || y->op != IR_READ) return 0;
  const Node *tape = ir_node(s->p, y->arg[0]), *fold = ir_node(s->p, s->fold);
  const Region *body = fold->regions[0];
  if (tape->op != IR_PROJ || tape->arg[0] != s->fold || tape->aux.i + 1 < fold->nargs) return 0;
  if (image_of(s, y->arg[1]) != body->params.at[0]) return 0;
  Ref state = body->results.at[tape->aux.i];
  if (y->nargs == 2) return state;
  for (uint32_t k = 0; k < in->nodes.n; k++)
    if (reads_state(s, ir_node(s->p, in->nodes.at[k]), state, y)) return in->nodes.at[k];
  return 0;
}

/* A read of what the first loop itself has built: in its own round the value. */
static Ref find_own_read(const Keep *s, const Node *first, const Node *y) {
  if (y->op != IR_READ || first->op != IR_LOOP || y->nargs != first->nargs + 1) return 0;
  Ref a = image_of(s, y->arg[0]);
  const Node *proj = ir_node(s->p, a);
  if (proj->op != IR_PROJ || ir_node(s->p, proj->arg[0]) != first) return 0;
  for (uint32_t k = 0; k < first->nargs; k++)
    if (image_of(s, y->arg[k + 1]) != first->regions[0]->params.at[k]) return 0;
  Ref value = first->regions[0]->results.at[proj->aux.i];
  return ir_type(s->p, value)->rank ? 0 : value;
}

/* A node without regions in the body `in` that y is the same as, or 0. */
static Ref find_plain(const Keep *s, const Region *in, const Node *y) {
  for (uint32_t k = 0; k < in->nodes.n; k++) {
    const Node *x = ir_node(s->p, in->nodes.at[k]);
    if (x->op != y->op || x->type != y->type || x->nregions || !ir_alike(x, y)) continue;
    uint32_t same = 0;
    while (same < y->nargs && (x->arg[same] == image_of(s, y->arg[same]) ||
                               same_constant(s->p, x->arg[same], y->arg[same])))
      same++;
    if (same == y->nargs) return in->nodes.at[k];
  }
  return 0;
}

static void number(Keep *s, const Node *first, const Node *again);

/* The result of a loop in `in` that result k of the pure loop y is the same as, or 0. */
static Ref find_result(Keep *s, const Region *in, const Node *y, uint32_t k) {
  Ref value = y->regions[0]->results.at[k];
  for (uint32_t j = 0; j < in->nodes.n; j++) {
    const Node *proj = ir_node(s->p, in->nodes.at[j]);
    if (proj->op != IR_PROJ) continue;
    const Node *x = ir_node(s->p, proj->arg[0]);
    if (!same_extents(s, x, y) || x->aux.loop->comb[proj->aux.i] != y->aux.loop->comb[k]) continue;
    Ref made = x->regions[0]->results.at[proj->aux.i];
    if (ir_node(s->p, made)->op != ir_node(s->p, value)->op) continue;
    number(s, x, y);
    if (image_of(s, value) == made) return in->nodes.at[j];
  }
  return 0;
}

/* The value in the body of a loop in `in` that result k of the pure loop y is built of, or 0. */
static Ref find_within(Keep *s, const Region *in, const Node *y, uint32_t k) {
  Ref value = y->regions[0]->results.at[k];
  if (y->aux.loop->comb[k] != BUILD) return 0;
  for (uint32_t j = 0; j < in->nodes.n; j++) {
    const Node *x = ir_node(s->p, in->nodes.at[j]);
    if (!same_extents(s, x, y) || ir_has_effect(s->p, in->nodes.at[j])) continue;
    number(s, x, y);
    Ref found = s->image[value];
    if (found && ir_node(s->p, found)->region == x->regions[0]->id) return found;
  }
  return 0;
}

/* Is it T - 1 - u, in the body of a fold of T trips, u its index? */
static bool is_way_back(Prog *p, Ref r, const Node *fold) {
  const Node *n = ir_node(p, r);
  if (n->op != IR_PRIM || n->aux.i != P_SUB || n->type->elem != ELEM_INT) return false;
  Size trips = size_atom(p, fold->arg[0]), u = size_atom(p, fold->regions[0]->params.at[0]);
  return size_atom(p, r) == size_sub(p, size_sub(p, trips, size_const(p, 1)), u);
}

static void number_nodes(Keep *s, const Node *first, const Node *again);
static Ref find_fold(Keep *s, const Region *in, Ref again);
static void set_result(Keep *s, const Region *in, Ref proj);

/* Sets the images of what is straight in the body of `again`. */
static void number(Keep *s, const Node *first, const Node *again) {
  const Region *x = first->regions[0], *y = again->regions[0];
  for (uint32_t k = 0; k < again->nargs; k++) s->image[y->params.at[k]] = x->params.at[k];
  number_nodes(s, first, again);
}

static void number_nodes(Keep *s, const Node *first, const Node *again) {
  const Region *x = first->regions[0], *y = again->regions[0];
  for (uint32_t k = 0; k < y->nodes.n; k++) {
    Ref r = y->nodes.at[k];
    const Node *n = ir_node(s->p, r);
    s->image[r] = s->within[r] = 0;
    if (first->op == IR_FOLD && r == s->round[y->owner]) {
      s->image[r] = x->params.at[0];
    } else if (n->op == IR_FOLD) {
      if (s->nested && y->owner && s->round[y->owner]) s->image[r] = find_fold(s, x, r);
    } else if (n->op == IR_PROJ && ir_node(s->p, n->arg[0])->op == IR_FOLD) {
      if (s->image[n->arg[0]]) set_result(s, x, r);
    } else if (n->op == IR_PROJ) {
      const Node *loop = ir_node(s->p, n->arg[0]);
      if (loop->op != IR_LOOP || loop->region != y->id || ir_has_effect(s->p, n->arg[0])) continue;
      s->image[r] = find_result(s, x, loop, (uint32_t)n->aux.i);
      if (s->nested && !s->image[r]) s->within[r] = find_within(s, x, loop, (uint32_t)n->aux.i);
    } else if (n->type && !n->nregions && n->op != IR_UPD) {
      s->image[r] = find_tape_read(s, x, n);
      if (!s->image[r]) s->image[r] = find_own_read(s, first, n);
      if (!s->image[r]) s->image[r] = find_plain(s, x, n);
    }
  }
}

/* ---- folds inside ------------------------------------------------------------------------- */

/* The result of `structured` that is its number k, in `in`, or 0. */
static Ref result_in(const Prog *p, const Region *in, Ref structured, uint32_t k) {
  for (uint32_t j = 0; j < in->nodes.n; j++) {
    const Node *n = ir_node(p, in->nodes.at[j]);
    if (n->op == IR_PROJ && n->arg[0] == structured && n->aux.i == k) return in->nodes.at[j];
  }
  return 0;
}

/* The image of a result of a fold that has one itself; or, of an output that this does not give,
 * the value in its body. */
static void set_result(Keep *s, const Region *in, Ref proj) {
  const Node *n = ir_node(s->p, proj), *again = ir_node(s->p, n->arg[0]);
  Ref fold = s->image[n->arg[0]];
  const Node *first = ir_node(s->p, fold);
  uint32_t k = (uint32_t)n->aux.i, carried = first->nargs - 1;
  if (k < carried) {
    s->image[proj] = result_in(s->p, in, fold, k);
    return;
  }
  Ref made = again->regions[0]->results.at[k], value = image_of(s, made);
  if (again->aux.loop->comb[k - carried] != BUILD) return;
  s->within[proj] = s->within[made];
  for (uint32_t j = carried; j < first->nresults && !s->image[proj]; j++)
    if (first->regions[0]->results.at[j] == value && first->aux.loop->comb[j - carried] == BUILD)
      s->image[proj] = result_in(s->p, in, fold, j);
  if (!s->image[proj] && ir_node(s->p, value)->region == first->regions[0]->id)
    s->within[proj] = value;
}

/* So many loops, and the fold that is walked back, stand around the value. */
static uint32_t loops_around(const Keep *s, Ref value) {
  uint32_t n = 1;
  const Region *at = s->p->regions.at[ir_node(s->p, value)->region];
  for (; at->owner != s->fold; at = at->parent) n++;
  return n;
}

/* Do the steps of y, on what x starts with, go where those of x go?  Sets images in y. */
static bool same_steps(Keep *s, const Node *x, const Node *y) {
  if (x->op != IR_FOLD || x->nargs != y->nargs) return false;
  for (uint32_t k = 0; k < x->nargs; k++)
    if (x->arg[k] != image_of(s, y->arg[k]) && !same_constant(s->p, x->arg[k], y->arg[k]))
      return false;
  number(s, x, y);
  for (uint32_t k = 0; k + 1 < x->nargs; k++)
    if (image_of(s, y->regions[0]->results.at[k]) != x->regions[0]->results.at[k]) return false;
  return true;
}

/* Is there a call or a long sum in a step? */
static bool costly_step(const Prog *p, const Node *structured) {
  for (uint32_t j = 0; j < structured->nregions; j++) {
    const Region *r = structured->regions[j];
    for (uint32_t k = 0; k < r->nodes.n; k++) {
      const Node *n = ir_node(p, r->nodes.at[k]);
      bool sum = n->op == IR_LOOP && n->nresults && n->aux.loop->comb[0] != BUILD;
      if (costly_call(p, n) || (sum && long_loop(p, n)) || costly_step(p, n)) return true;
    }
  }
  return false;
}

/* Are all results of the fold, which has an image, found there, and is there room for those that
 * are to be kept? */
static bool all_results(Keep *s, const Region *in, Ref again) {
  const Region *here = s->p->regions.at[ir_node(s->p, again)->region];
  uint32_t kept = 0;
  for (uint32_t k = 0; k < here->nodes.n; k++) {
    Ref r = here->nodes.at[k];
    const Node *n = ir_node(s->p, r);
    if (n->op != IR_PROJ || n->arg[0] != again) continue;
    s->image[r] = s->within[r] = 0;
    set_result(s, in, r);
    Ref value = s->image[r] ? s->image[r] : s->within[r];
    bool found = value && has_room(s, value, loops_around(s, value));
    if (!found || ++kept > MAX_TAPES) return false;
  }
  return true;
}

/* The fold straight in `in` that takes the same steps as the pure fold `again`, if that costs so
 * much that its results are rather kept, all of them; or 0. */
static Ref find_fold(Keep *s, const Region *in, Ref again) {
  const Node *y = ir_node(s->p, again);
  if (ir_has_effect(s->p, again) || !costly_step(s->p, y)) return 0;
  for (uint32_t k = 0; k < in->nodes.n; k++) {
    Ref r = in->nodes.at[k];
    if (ir_has_effect(s->p, r) || !same_steps(s, ir_node(s->p, r), y)) continue;
    s->image[again] = r;
    return all_results(s, in, again) ? r : 0;
  }
  return 0;
}

/* ---- planning ------------------------------------------------------------------------------- */

static void need(const Keep *s, const Region *y, bool *needed, const Ref *r, uint32_t n) {
  for (uint32_t k = 0; k < n; k++) {
    const Node *o = ir_node(s->p, r[k]);
    if (o->region == y->id && o->op != IR_PARAM) needed[o->ordinal] = true;
  }
}

/* By ordinal: is a node of the body read by one that is not common, or a result? */
static bool *needed_again(const Keep *s, const Region *y) {
  bool *needed = NEWN(s->p->ctx, bool, y->nodes.n + 1);
  for (uint32_t k = 0; k < y->nodes.n; k++) {
    const Node *n = ir_node(s->p, y->nodes.at[k]);
    if (s->image[y->nodes.at[k]] || s->within[y->nodes.at[k]]) continue;
    need(s, y, needed, n->arg, n->nargs);
    need(s, y, needed, n->free, n->nfree);
  }
  need(s, y, needed, y->results.at, y->results.n);
  return needed;
}

static Kept *find_kept(const KeptVec *list, Ref value) {
  for (uint32_t k = 0; k < list->n; k++)
    if (list->at[k]->value == value) return list->at[k];
  return NULL;
}

/* The values of `value` are kept by so many loops around it. */
static Kept *keep_value(Keep *s, Ref value, uint32_t depth) {
  const Region *at = s->p->regions.at[ir_node(s->p, value)->region];
  Kept *kept = find_kept(&s->outputs[at->owner], value);
  if (!kept) {
    kept = NEW(s->p->ctx, Kept);
    kept->value = value;
  }
  for (; depth--; at = at->parent)
    if (!find_kept(&s->outputs[at->owner], value))
      VEC_PUSH(s->p->ctx, &s->outputs[at->owner], kept);
  rewrite_busy(s->busy, s->p, value);
  s->any = true;
  return kept;
}

static void keep_common(Keep *s, const Node *again, uint32_t depth, uint32_t most) {
  const Region *y = again->regions[0];
  bool *needed = needed_again(s, y);
  for (uint32_t k = 0, n = 0; k < y->nodes.n && n < most; k++) {
    Ref r = y->nodes.at[k];
    if (s->fold && r < s->known_from) continue;
    Ref value = s->within[r] ? s->within[r] : s->image[r];
    uint32_t loops = s->within[r] ? loops_around(s, s->within[r]) : depth;
    if (!needed[k] || !value || s->kept[r] || ir_node(s->p, r)->op == IR_CONST) continue;
    if (!worth_keeping(s, r) || !has_room(s, value, loops)) continue;
    s->kept[r] = keep_value(s, value, loops);
    rewrite_busy(s->busy, s->p, r);
    n++;
  }
}

/* Is everything that the loop gives found elsewhere? */
static bool all_common(const Keep *s, Ref loop) {
  const Region *in = s->p->regions.at[ir_node(s->p, loop)->region];
  if (ir_has_effect(s->p, loop)) return false;
  for (uint32_t k = 0; k < in->nodes.n; k++) {
    const Node *n = ir_node(s->p, in->nodes.at[k]);
    if (n->op == IR_PROJ && n->arg[0] == loop && !s->image[in->nodes.at[k]]) return false;
  }
  return true;
}

static const Costly *costly_in(Keep *s, Ref loop) {
  if (!s->costly[loop]) {
    s->costly[loop] = NEW(s->p->ctx, Costly);
    costly_of(s->p, loop, s->costly[loop]);
  }
  return s->costly[loop];
}

static bool share_work(Keep *s, Ref a, Ref b) {
  return costly_in_common(costly_in(s, a), costly_in(s, b));
}

/* The first loops straight in a body; in scopes of accumulators, too, if `through`. */
static void loops_inside(const Prog *p, const Region *body, bool through, Refs *list) {
  for (uint32_t k = 0; k < body->nodes.n && list->n < MAX_INNER; k++) {
    const Node *m = ir_node(p, body->nodes.at[k]);
    if (m->op == IR_LOOP && m->nargs) VEC_PUSH(p->ctx, list, body->nodes.at[k]);
    if (m->op == IR_ACCUM && through) loops_inside(p, m->regions[0], true, list);
  }
}

/* Reductions that the earlier loop gives, too. */
static void find_twins(Keep *s, Ref first, Ref again) {
  const Node *a = ir_node(s->p, first), *b = ir_node(s->p, again);
  for (uint32_t k = 0; k < b->nresults; k++)
    for (uint32_t j = 0; j < a->nresults; j++) {
      if (a->aux.loop->comb[j] != b->aux.loop->comb[k] || b->aux.loop->comb[k] == BUILD) continue;
      if (image_of(s, b->regions[0]->results.at[k]) != a->regions[0]->results.at[j]) continue;
      if (!s->twins[again]) s->twins[again] = NEWN(s->p->ctx, Twin, b->nresults);
      s->twins[again][k] = (Twin){first, j};
      rewrite_busy(s->busy, s->p, again);
      s->any = true;
    }
}

static void plan(Keep *s, Ref first, Ref again, uint32_t depth);

static void plan_inside(Keep *s, const Node *a, const Node *b, uint32_t depth) {
  Refs x = {0}, y = {0};
  loops_inside(s->p, a->regions[0], false, &x);
  loops_inside(s->p, b->regions[0], true, &y);
  for (uint32_t j = 0; j < y.n; j++)
    for (uint32_t k = 0; k < x.n && !all_common(s, y.at[j]); k++)
      plan(s, x.at[k], y.at[j], depth);
}

/* Does b read what the loop `first` has built? */
static bool reads_results(const Prog *p, Ref first, const Node *b) {
  for (uint32_t k = 0; k < b->nfree; k++) {
    const Node *n = ir_node(p, b->free[k]);
    if (n->op == IR_PROJ && n->arg[0] == first) return true;
  }
  return false;
}

/* Loop `again` may compute again what `first` has computed.  Hashes tell whether they share
 * work, but for a loop or a fold walked back that reads what the first has built. */
static void plan(Keep *s, Ref first, Ref again, uint32_t depth) {
  const Node *a = ir_node(s->p, first), *b = ir_node(s->p, again);
  if (!same_extents(s, a, b)) return;
  if (!s->fold && !reads_results(s->p, first, b) && !share_work(s, first, again)) return;
  number(s, a, b);
  if (!s->twins_only) keep_common(s, b, depth, s->fold ? MAX_TAPES : MAX_KEPT);
  if (depth == 1) find_twins(s, first, again);
  if (depth < MAX_DEPTH && !s->twins_only) plan_inside(s, a, b, depth + 1);
}

/* Does fold `again` walk the rounds of `first` back?  Then it reads what that built. */
static bool walks_back(Keep *s, Ref first, const Node *again) {
  const Region *body = again->regions[0];
  if (!reads_results(s->p, first, again)) return false;
  for (uint32_t k = 0; k < body->nodes.n; k++)
    if (is_way_back(s->p, body->nodes.at[k], again)) {
      s->round[body->owner] = s->known_from = body->nodes.at[k];
      return true;
    }
  return false;
}

static void plan_folds(Keep *s, Ref first, Ref again) {
  const Node *a = ir_node(s->p, first), *b = ir_node(s->p, again);
  if (ir_has_effect(s->p, first) || !walks_back(s, first, b)) return;
  s->fold = first;
  number_nodes(s, a, b);
  keep_common(s, b, 1, MAX_TAPES);
  plan_inside(s, a, b, 2);
  for (Ref r = b->regions[0]->params.at[0]; r < again; r++) s->image[r] = s->within[r] = 0;
  s->fold = 0;
}

/* Is loop b in the region of a, or in scopes of accumulators straight in it? */
static bool behind(const Prog *p, const Node *a, const Node *b) {
  const Region *r = p->regions.at[b->region];
  while (r->id != a->region && r->owner && ir_node(p, r->owner)->op == IR_ACCUM) r = r->parent;
  return r->id == a->region;
}

static bool holds_fold(const Prog *p, Ref fold) {
  const Region *body = ir_node(p, fold)->regions[0];
  for (uint32_t k = 0; k < body->nodes.n; k++)
    if (ir_node(p, body->nodes.at[k])->op == IR_FOLD) return true;
  return false;
}

/* What each fold computes and a later one of as many trips walks back. */
static void plan_all_folds(Keep *s) {
  for (Ref r = 1; r < s->p->nnodes; r++) {
    const Node *n = ir_node(s->p, r);
    if (n->op != IR_FOLD || n->flags & NODE_IO || s->inside[r] > MAX_NODES) continue;
    Ref *latest = &s->latest_fold[n->arg[0]];
    bool wanted = *latest && (!s->nested || holds_fold(s->p, *latest));
    if (wanted && behind(s->p, ir_node(s->p, *latest), n)) plan_folds(s, *latest, r);
    if (!ir_has_effect(s->p, r)) *latest = r;
  }
}

static void plan_all(Keep *s) {
  for (Ref r = 1; r < s->p->nnodes; r++) {
    const Node *n = ir_node(s->p, r);
    if (n->op != IR_LOOP || !n->nargs || n->flags & NODE_IO || s->inside[r] > MAX_NODES) continue;
    Ref *latest = &s->latest[n->arg[0]], before = *latest;
    for (uint32_t k = 0; k < MAX_BACK && before; k++, before = s->back[before])
      if (behind(s->p, ir_node(s->p, before), n)) plan(s, before, r, 1);
    s->back[r] = *latest;
    *latest = r;
  }
}

/* ---- rewriting ----------------------------------------------------------------------------- */

/* The number of the result that builds arrays of x: one that is there, or one more. */
static uint32_t built_of(Prog *to, Region *r, uint32_t carried, Combiner *comb, Ref x) {
  for (uint32_t k = carried; k < r->results.n; k++)
    if (r->results.at[k] == x && comb[k - carried] == BUILD) return k;
  comb[r->results.n - carried] = BUILD;
  ir_result(to, x);
  return r->results.n - 1;
}

/* The loop or fold with what it gives besides. */
static Ref copy_loop(Rewrite *w, Ref old, const KeptVec *more) {
  Prog *to = w->k.to;
  const Node *n = ir_node(w->k.from, old);
  const Region *body = n->regions[0];
  uint32_t carried = n->op == IR_FOLD ? n->nargs - 1 : 0;
  Ref *arg = NEWN(to->ctx, Ref, n->nargs);
  for (uint32_t k = 0; k < n->nargs; k++) arg[k] = copy_ref(&w->k, n->arg[k]);
  Region *r = ir_begin(to);
  ir_set_extents(to, n->nargs - carried, arg);
  for (uint32_t k = 0; k < body->params.n; k++) pass_param(w, body->params.at[k]);
  rewrite_nodes(w, body);
  Combiner *comb = NEWN(to->ctx, Combiner, body->results.n + more->n);
  for (uint32_t k = 0; k < body->results.n; k++) {
    if (k >= carried) comb[k - carried] = n->aux.loop->comb[k - carried];
    ir_result(to, copy_ref(&w->k, body->results.at[k]));
  }
  uint32_t *at = NEWN(to->ctx, uint32_t, more->n);
  for (uint32_t k = 0; k < more->n; k++) {
    const Kept *kept = more->at[k];
    at[k] = built_of(to, r, carried, comb, kept->array ? kept->array : copy_ref(&w->k, kept->value));
  }
  ir_end(to);
  Ref loop = pass_structured(w, n, n->nargs, arg, &r, comb);
  for (uint32_t k = 0; k < more->n; k++) more->at[k]->array = ir_out(to, loop, at[k]);
  return loop;
}

/* The value of this round, and of the rounds around as far as it was kept. */
static Ref read_kept(Rewrite *w, Ref old) {
  const Keep *s = w->self;
  Prog *to = w->k.to;
  Ref index[MAX_RANK];
  const Kept *kept = s->kept[old];
  uint32_t n = ir_type(to, kept->array)->rank - ir_type(s->p, old)->rank, left = n;
  const Region *at = s->p->regions.at[ir_node(s->p, old)->region];
  for (; left; at = at->parent) {
    uint16_t op = ir_node(s->p, at->owner)->op;
    uint32_t axes = op == IR_LOOP ? at->params.n : 0;
    if (op == IR_FOLD) index[--left] = copy_ref(&w->k, s->round[at->owner]);
    for (uint32_t k = axes; k-- > 0;) index[--left] = copy_ref(&w->k, at->params.at[k]);
  }
  return ir_read(to, kept->array, n, index, false);
}

static Ref visit(Rewrite *w, Ref old) {
  const Keep *s = w->self;
  const Node *n = ir_node(s->p, old);
  if (s->kept[old]) return read_kept(w, old);
  if (n->op == IR_PROJ && s->twins[n->arg[0]]) {
    Twin twin = s->twins[n->arg[0]][n->aux.i];
    if (twin.loop) return ir_out(w->k.to, copy_ref(&w->k, twin.loop), twin.k);
  }
  return s->outputs[old].n ? copy_loop(w, old, &s->outputs[old]) : 0;
}

static Keep start(Prog *p) {
  Keep s = {.p = p, .inside = pass_inside(p)};
  s.outputs = arena_alloc(p->ctx, sizeof *s.outputs * p->nnodes);
  s.kept = NEWN(p->ctx, Kept *, p->nnodes);
  s.twins = NEWN(p->ctx, Twin *, p->nnodes);
  s.image = NEWN(p->ctx, Ref, p->nnodes);
  s.within = NEWN(p->ctx, Ref, p->nnodes);
  s.costly = NEWN(p->ctx, Costly *, p->nnodes);
  s.back = NEWN(p->ctx, Ref, p->nnodes);
  s.latest = NEWN(p->ctx, Ref, p->nnodes);
  s.latest_fold = NEWN(p->ctx, Ref, p->nnodes);
  s.round = NEWN(p->ctx, Ref, p->nnodes);
  s.busy = NEWN(p->ctx, bool, p->regions.n);
  s.present = find_present(p);
  return s;
}

static Prog *finish(Keep *s) {
  if (!s->any) return s->p;
  Rewrite w = {.node = visit, .self = s, .busy = s->busy};
  Prog *to = rewrite_program(&w, s->p);
  return to;
}

Prog *fuse_keep(Prog *p) {
  if (p->regions.n == 1) return p;   /* no loop */
  Keep s = start(p);
  plan_all_folds(&s);
  plan_all(&s);
  return finish(&s);
}

static bool folds_in_folds(const Prog *p) {
  for (Ref r = 1; r < p->nnodes; r++)
    if (ir_node(p, r)->op == IR_FOLD && holds_fold(p, r)) return true;
  return false;
}

Prog *fuse_keep_nested(Prog *p) {
  if (!folds_in_folds(p)) return p;
  Keep s = start(p);
  s.nested = true;
  plan_all_folds(&s);
  return finish(&s);
}

/* What twins are equal to then cancels: the algebra is done once more. */
Prog *opt_twins(Prog *p) {
  Keep s = start(p);
  s.twins_only = true;
  plan_all(&s);
  Prog *to = finish(&s);
  return to == p ? p : prog_replace(to, opt_simplify(to));
}
