/* strips_plan.c - the body of a loop as operations, each on many rounds at once.
 *
 * For libtcc, whose code is slow on numbers one by one.  A body fits if it is straight-line
 * arithmetic of reals on elements whose places move by a fixed step with the innermost index, if
 * what it builds and adds into lies side by side, and if no round touches what another one
 * writes.  Each operation becomes a call of a kernel (ir/each.def), a product that is added at once
 * a part of the sum.  Branches that only compute are both computed.  Operations keep the order
 * of the source at each place, so the bits are those of the plain loop. */
#include "emit/strips.h"

#include <math.h>

enum { MOST_NODES = 1000, MOST_OPS = 160, MOST_ROOMS = 12, FEW_ROUNDS = 16 };

/* ---- kernels ------------------------------------------------------------------------------- */

static const struct { int64_t prim; Kernel kernel; } kernels[] = {
#define EACH1(id, name, value) {P_##id, {#name, "r", 'r', false}},
#define EACH2(id, name, value) {P_##id, {#name, "RR", 'r', false}},
#define EACH3(id, name, value) {P_##id, {#name, "RRR", 'r', false}},
#define TEST1(id, name, value) {P_##id, {#name, "r", 'b', false}},
#define TEST2(id, name, value) {P_##id, {#name, "RR", 'b', false}},
#define FUSED(name, value)
#define PLAIN1(name, value)
#define PLAIN2(name, value)
#define INTO(name, next)
#define INTO2(name, next)
#include "ir/each.def"
#undef EACH1
#undef EACH2
#undef EACH3
#undef TEST1
#undef TEST2
};

static const Kernel fast_kernels[] = {
#define FAST(id, name, most, mostf) {"fast_" #name, "r", 'r', false},
#include "ir/fast_math.def"
#undef FAST
};

static const Kernel muladd = {"muladd", "RRR", 'r', false}, mulsub = {"mulsub", "RRR", 'r', false},
                    submul = {"submul", "RRR", 'r', false}, choose = {"select", "bRR", 'r', false},
                    both = {"and", "bb", 'b', false}, either = {"or", "bb", 'b', false},
                    higher = {"higher", "RR", 'r', false}, lower = {"lower", "RR", 'r', false},
                    inverse = {"inverse", "r", 'r', false}, not_that = {"not", "b", 'b', false}, fill = {"fill", "s", 'b', false},
                    copy = {"copy", "D", 'r', false}, count = {"count", "c", 'r', false},
                    real = {"real", "I", 'r', false}, sum = {"sum", "r", 'r', true},
                    prod = {"prod", "r", 'r', true}, top = {"top", "r", 'r', true},
                    bottom = {"bottom", "r", 'r', true}, dot = {"dot", "rr", 'r', true};
static const Kernel calls[] = {{"call1", "fr", 'r', false}, {"call2", "fRR", 'r', false},
                               {"call3", "fRRR", 'r', false}};

static const Kernel *kernel_of(const Emit *e, int64_t prim) {
  if (fast_version(e, prim)) {
    const Kernel *k = fast_kernels;
#define FAST(id, name, most, mostf) if (prim == P_##id) return k; k++;
#include "ir/fast_math.def"
#undef FAST
  }
  for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
    if (kernels[k].prim == prim) return &kernels[k].kernel;
  return NULL;
}

/* ---- operands -------------------------------------------------------------------------------- */

static bool in_body(const Strip *s, Ref r) {
  return r >= s->from && region_inside(s->e, node(s->e, r)->region, s->body);
}

static bool is_lane(const Strip *s, Ref r) {
  return in_body(s, r) && s->lane[r - s->from];
}

static bool any_lane(const Strip *s, const Node *n) {
  for (uint32_t k = 0; k < n->nargs; k++)
    if (is_lane(s, n->arg[k])) return true;
  return false;
}

static Operand operand(const Strip *s, Ref r) {
  if (is_lane(s, r)) return s->value[r - s->from];
  return (Operand){.kind = SCALAR, .r = r};
}

/* Can it be written where the strip begins? */
static bool is_known(const Strip *s, Size size) {
  for (uint32_t k = 0; k < size->n; k++)
    for (uint32_t j = 0; j < size->mono[k].n; j++) {
      Ref atom = size->mono[k].atom[j];
      if (atom != s->index && (info(s->e, atom)->inlined || is_lane(s, atom))) return false;
    }
  return true;
}

static bool known_step(Strip *s, Operand *o) {
  Size rest;
  return take_linear(s->e->p, o->at, s->index, &o->step, &rest) && is_known(s, o->step) &&
         is_known(s, rest);
}

/* The place in an array that each round has for itself. */
static bool take_own(Strip *s, uint32_t b, Size at, Operand *o) {
  const Buffer *x = &s->e->buffers.at[b];
  if (!b || x->kind != BUF_SLOT || !region_inside(s->e, x->region->id, s->body)) return false;
  if (!s->early && x->lanes != OWN_ROUNDS) return false;
  *o = (Operand){.kind = PLACE, .buffer = b, .at = at, .own = true, .born = s->ops.n,
                 .step = size_const(s->e->p, 1)};
  s->own = true;
  return is_known(s, at) && !size_mentions(at, s->index);
}

static bool take_place(Strip *s, Ref array, uint32_t n, const Ref *index, Operand *o) {
  Emit *e = s->e;
  const Type *t = node(e, array)->type;
  if (n != t->rank) return false;
  if (in_body(s, array))
    return !is_view(node(e, array)) && t->elem == ELEM_REAL &&
           take_own(s, info(e, array)->buffer, flat_of(e, t, index), o);
  *o = (Operand){.kind = PLACE, .r = array, .buffer = info(e, base_of(e, array))->buffer,
                 .at = flat_of(e, t, index)};
  return known_step(s, o);
}

static bool is_fixed(const Operand *o) { return o->step->n == 0; }  /* no array of its own has that */
static bool is_along(const Operand *o) {
  return o->kind == VALUE || (o->kind == PLACE && size_is_one(o->step));
}

/* ---- operations ------------------------------------------------------------------------------ */

static Operand add_op(Strip *s, const Kernel *kernel, const Operand *arg, uint32_t n) {
  Sweep op = {.kernel = kernel, .around = s->around};
  for (uint32_t k = 0; k < n; k++) op.arg[k] = arg[k];
  VEC_PUSH(s->e->c, &s->ops, op);
  return (Operand){.kind = VALUE, .op = s->ops.n - 1};
}

/* As the kernel wants it, by way of a copy where it lies otherwise. */
static Operand fitted(Strip *s, Operand o, char want) {
  bool fixed = o.kind == SCALAR || o.kind == NUMBER || (o.kind == PLACE && is_fixed(&o));
  if (want == 'b' && o.kind == SCALAR) return add_op(s, &fill, &o, 1);
  if (o.kind == NO_OPERAND || (want == 'b' && !is_along(&o))) s->bad = true;
  else if ((want == 'r' && !is_along(&o)) || (want == 'R' && !is_along(&o) && !fixed))
    return add_op(s, &copy, &o, 1);
  return o;
}

static Operand apply(Strip *s, const Kernel *kernel, const Operand *arg) {
  Operand fit[3] = {{0}};
  uint32_t n = 0;
  for (const char *want = kernel->args; *want; want++)
    if (*want != 'f') {
      fit[n] = fitted(s, arg[n], *want);
      n++;
    }
  return add_op(s, kernel, fit, n);
}

static Operand apply2(Strip *s, const Kernel *kernel, Operand a, Operand b) {
  return apply(s, kernel, (Operand[]){a, b});
}

/* Is it a product (or what `kernel` is) that nothing else needs?  Then it is done with its user. */
static Sweep *take_over(Strip *s, Ref r, const Kernel *kernel) {
  if (!is_lane(s, r) || info(s->e, r)->uses != 1) return NULL;
  Operand o = operand(s, r);
  if (o.kind != VALUE || s->ops.at[o.op].kernel != kernel || s->ops.at[o.op].dead) return NULL;
  s->ops.at[o.op].dead = true;
  return &s->ops.at[o.op];
}

/* x*y + z, the number first that is the same for all. */
static Operand apply_fused(Strip *s, const Kernel *kernel, const Sweep *product, Operand z) {
  bool turn = !is_along(&product->arg[1]);
  return apply(s, kernel, (Operand[]){product->arg[turn], product->arg[!turn], z});
}

static Operand apply_sum(Strip *s, const Node *n) {
  const Kernel *times = kernel_of(s->e, P_MUL);
  bool add = n->aux.i == P_ADD;
  Sweep *product = take_over(s, n->arg[0], times);
  if (product) return apply_fused(s, add ? &muladd : &mulsub, product, operand(s, n->arg[1]));
  product = take_over(s, n->arg[1], times);
  if (product) return apply_fused(s, add ? &muladd : &submul, product, operand(s, n->arg[0]));
  return apply2(s, kernel_of(s->e, n->aux.i), operand(s, n->arg[0]), operand(s, n->arg[1]));
}

/* The products of expr.c: x^4 is (x*x)*(x*x). */
static Operand power(Strip *s, Operand x, int n) {
  if (n == 1) return x;
  const Kernel *times = kernel_of(s->e, P_MUL);
  if (n % 2) return apply2(s, times, power(s, x, n - 1), x);
  Operand half = power(s, x, n / 2);
  return apply2(s, times, half, half);
}

static Operand apply_call(Strip *s, Ref r) {
  const Node *n = node(s->e, r);
  Operand arg[3];
  for (uint32_t k = 0; k < n->nargs; k++) arg[k] = operand(s, n->arg[k]);
  Operand o = apply(s, &calls[n->nargs - 1], arg);
  s->ops.at[o.op].function = r;
  return o;
}

static bool all_real(const Emit *e, const Node *n) {
  for (uint32_t k = 0; k < n->nargs; k++)
    if (node(e, n->arg[k])->type->elem != ELEM_REAL) return false;
  return true;
}

static bool take_power(Strip *s, Ref r, Operand *o) {
  const Node *n = node(s->e, r);
  int k;
  if (!whole_power(s->e, n, &k) || is_lane(s, n->arg[1])) {
    *o = apply_call(s, r);
    return true;
  }
  if (k == 0) return false;
  *o = power(s, operand(s, n->arg[0]), k < 0 ? -k : k);
  if (k < 0) *o = apply(s, &inverse, o);
  return true;
}

static bool take_prim(Strip *s, Ref r, Operand *o) {
  const Node *n = node(s->e, r);
  if (n->type->elem == ELEM_INT) return true;     /* a part of places */
  Operand arg[3];
  for (uint32_t k = 0; k < n->nargs; k++) arg[k] = operand(s, n->arg[k]);
  switch (n->aux.i) {
    case P_AND: *o = apply(s, &both, arg); return true;
    case P_OR: *o = apply(s, &either, arg); return true;
    case P_NOT: *o = apply(s, &not_that, arg); return true;
    case P_SELECT: *o = apply(s, &choose, arg); return n->type->elem == ELEM_REAL;
    default: break;
  }
  if (!all_real(s->e, n)) return false;
  if (n->aux.i == P_ADD || n->aux.i == P_SUB) {
    *o = apply_sum(s, n);
    return true;
  }
  if (n->aux.i == P_POW) return take_power(s, r, o);
  const Kernel *kernel = kernel_of(s->e, n->aux.i);
  if (!kernel && n->type->elem != ELEM_REAL) return false;
  *o = kernel ? apply(s, kernel, arg) : apply_call(s, r);
  return true;
}

/* ---- nodes --------------------------------------------------------------------------------- */

static bool take_read(Strip *s, Ref r, Operand *o) {
  const Node *n = node(s->e, r);
  return is_scalar(n) && take_place(s, n->arg[0], n->nargs - 1, n->arg + 1, o);
}

static bool take_toreal(Strip *s, const Node *n, Operand *o) {
  Operand x = operand(s, n->arg[0]);
  if (x.kind == NO_OPERAND) {
    x = (Operand){.kind = COUNT, .at = size_atom(s->e->p, n->arg[0])};
    if (!known_step(s, &x)) return false;
  }
  *o = add_op(s, x.kind == COUNT ? &count : &real, &x, 1);
  return true;
}

/* h[i] += x, or -= x; h[c] += x for all rounds. */
static bool take_update(Strip *s, const Node *n) {
  Emit *e = s->e;
  Operand to, value = operand(s, n->arg[1]);
  if (!is_scalar(node(e, n->arg[1])) || node(e, n->arg[1])->type->elem != ELEM_REAL) return false;
  if (!take_place(s, n->arg[0], n->nargs - 2, n->arg + 2, &to)) return false;
  if (!is_along(&to) && !is_fixed(&to)) return false;
  if (is_fixed(&to) && s->around && !tells_rounds_apart(e, n, s->body)) return false;
  if (!to.own) VEC_PUSH(e->c, &s->written, to);
  if (is_fixed(&to)) {
    value = apply(s, &sum, &value);
  } else {
    const Sweep *less = take_over(s, n->arg[1], kernel_of(e, P_NEG));
    Ref term = less ? node(e, n->arg[1])->arg[0] : n->arg[1];
    const Sweep *product = take_over(s, term, kernel_of(e, P_MUL));
    if (product) value = apply_fused(s, less ? &submul : &muladd, product, to);
    else value = apply2(s, kernel_of(e, less ? P_SUB : P_ADD), to, operand(s, term));
  }
  s->ops.at[value.op].to = to;
  return true;
}

static bool take_nodes(Strip *s, const Region *r, bool branch);

/* ---- where results go ------------------------------------------------------------------------ */

static bool reads_buffer(const Sweep *op, uint32_t buffer) {
  for (int k = 0; k < 3; k++)
    if (op->arg[k].kind == PLACE && op->arg[k].buffer == buffer) return true;
  return false;
}

/* Can the operation write straight into the buffer: is it in the loop that is being taken, and does
 * nothing behind it read that? */
static bool writes_there(const Strip *s, const Operand *value, const Operand *to, bool bools) {
  if (value->kind != VALUE) return false;
  const Sweep *op = &s->ops.at[value->op];
  if (op->to.kind || op->kernel->into || op->around != s->around) return false;
  if ((op->variable && s->around) || (op->kernel->to == 'b') != bools) return false;
  for (uint32_t k = value->op + 1; k < s->ops.n; k++)
    if (!s->ops.at[k].dead && reads_buffer(&s->ops.at[k], to->buffer)) return false;
  return true;
}

/* ---- loops inside ---------------------------------------------------------------------------- */

static uint32_t add_mark(Strip *s, SweepKind kind, Ref r) {
  Sweep op = {.kind = kind, .node = r, .around = s->around};
  VEC_PUSH(s->e->c, &s->ops, op);
  return s->ops.n - 1;
}

/* A room with the value, which later operations change. */
static Operand start(Strip *s, Operand from) {
  Operand room = add_op(s, &copy, &from, 1);
  s->ops.at[room.op].variable = true;
  return room;
}

static void change(Strip *s, Operand room, Operand value) {
  s->ops.at[value.op].to = room;
}

/* What is reduced in each round for itself, in the order of the loop. */
static bool reduce_inside(Strip *s, Operand room, Combiner comb, Ref value) {
  Operand o = operand(s, value);
  const Sweep *product = comb == SUM ? take_over(s, value, kernel_of(s->e, P_MUL)) : NULL;
  switch (comb) {
    case SUM:
      if (product) change(s, room, apply_fused(s, &muladd, product, room));
      else change(s, room, apply2(s, kernel_of(s->e, P_ADD), room, o));
      return true;
    case PROD: change(s, room, apply2(s, kernel_of(s->e, P_MUL), room, o)); return true;
    case MAX: change(s, room, apply2(s, &higher, room, o)); return true;
    case MIN: change(s, room, apply2(s, &lower, room, o)); return true;
    default: return false;
  }
}

/* An element of an array that the round makes for itself. */
static bool build_inside(Strip *s, Ref r, uint32_t k, Ref value) {
  Emit *e = s->e;
  const Node *n = node(e, r);
  const Type *t = n->result_type[k];
  Operand to, v = operand(s, value);
  if (t->elem != ELEM_REAL || t->rank != (n->op == IR_FOLD ? 1 : n->nargs)) return false;
  if (!take_own(s, info(e, r)->out[k].buffer, flat_of(e, t, n->regions[0]->params.at), &to))
    return false;
  if (!writes_there(s, &v, &to, false)) v = add_op(s, &copy, &v, 1);
  s->ops.at[v.op].to = to;
  return true;
}

static bool is_real(const Type *t) { return t && t->rank == 0 && t->elem == ELEM_REAL; }

/* What a fold carries and what is reduced, as it is before the first round. */
static bool start_loop(Strip *s, Ref r, uint32_t carried, Operand *out) {
  const Node *n = node(s->e, r);
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (k >= carried && (!needed_proj(s->e, r, k) || array_out(s->e, r, k))) continue;
    if (!is_real(n->result_type[k])) return false;
    out[k] = start(s, k < carried ? operand(s, n->arg[k + 1])
                                  : (Operand){.kind = NUMBER, .comb = n->aux.loop->comb[k - carried]});
    if (k >= carried) continue;
    Ref state = n->regions[0]->params.at[k + 1];
    s->lane[state - s->from] = true;
    s->value[state - s->from] = out[k];
  }
  return true;
}

/* All next values are there before the first of them is carried on. */
static void carry(Strip *s, const Region *body, uint32_t carried, const Operand *out) {
  Operand *next = NEWN(s->e->c, Operand, carried + 1);
  for (uint32_t k = 0; k < carried; k++) {
    next[k] = operand(s, body->results.at[k]);
    for (uint32_t j = 0; j < k; j++)
      if (next[k].kind == VALUE && next[k].op == out[j].op) next[k].kind = NO_OPERAND;
    if (next[k].kind == NO_OPERAND) {
      next[k] = operand(s, body->results.at[k]);
      next[k] = add_op(s, &copy, &next[k], 1);
    }
  }
  for (uint32_t k = 0; k < carried; k++)
    if (next[k].kind != VALUE || next[k].op != out[k].op) change(s, out[k], add_op(s, &copy, &next[k], 1));
}

static bool take_loop(Strip *s, Ref r) {
  Emit *e = s->e;
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  bool fold = n->op == IR_FOLD;
  uint32_t carried = fold ? n->nargs - 1 : 0, around = s->around;
  if (!s->rows || !n->nargs || s->depth == MOST_INSIDE) return false;
  for (uint32_t k = 0; k < (fold ? 1 : n->nargs); k++)
    if (is_lane(s, n->arg[k])) return false;
  InnerLoop in = {r, NEWN(e->c, Operand, n->nresults + 1)};
  if (!start_loop(s, r, carried, in.out)) return false;
  uint32_t open = add_mark(s, OPEN, r);
  s->around = open + 1;
  s->depth++;
  if (!take_nodes(s, body, false)) return false;
  for (uint32_t k = carried; k < n->nresults; k++) {
    if (!needed_proj(e, r, k)) continue;
    Ref value = body->results.at[k];
    if (array_out(e, r, k) ? is_array(node(e, value)) || !build_inside(s, r, k, value)
                           : !reduce_inside(s, in.out[k], n->aux.loop->comb[k - carried], value))
      return false;
  }
  carry(s, body, carried, in.out);
  uint32_t end = add_mark(s, CLOSE, r);
  s->ops.at[open].end = end;
  s->around = around;
  s->depth--;
  s->lane[r - s->from] = true;
  VEC_PUSH(e->c, &s->loops, in);
  return true;
}

/* ---- choices --------------------------------------------------------------------------------- */

static bool take_if(Strip *s, const Node *n) {
  return can_speculate(s->e, n->regions[0]) && can_speculate(s->e, n->regions[1]) &&
         take_nodes(s, n->regions[0], true) && take_nodes(s, n->regions[1], true);
}

/* A result of a loop inside, or of a choice. */
static bool take_proj(Strip *s, const Node *n, Operand *o) {
  const Node *choice = node(s->e, n->arg[0]);
  for (uint32_t k = 0; k < s->loops.n; k++)
    if (s->loops.at[k].loop == n->arg[0]) {
      *o = s->loops.at[k].out[n->aux.i];
      return o->kind == VALUE;
    }
  if (choice->op != IR_IF || n->type->rank || n->type->elem != ELEM_REAL) return false;
  Operand arg[3] = {operand(s, choice->arg[0])};
  for (int j = 0; j < 2; j++) arg[j + 1] = operand(s, choice->regions[j]->results.at[n->aux.i]);
  *o = apply(s, &choose, arg);
  return true;
}

/* ---- all of them ------------------------------------------------------------------------------ */

static bool take_lane(Strip *s, Ref r) {
  const Node *n = node(s->e, r);
  Operand *o = &s->value[r - s->from];
  switch (n->op) {
    case IR_PRIM: return take_prim(s, r, o);
    case IR_READ: return take_read(s, r, o);
    case IR_TOREAL: return take_toreal(s, n, o);
    case IR_PROJ: return take_proj(s, n, o);
    default: return false;
  }
}

static bool take_node(Strip *s, Ref r, bool branch) {
  Emit *e = s->e;
  const Node *n = node(e, r);
  if (info(e, r)->keep || divides_by_zero(e, n) || s->ops.n > MOST_OPS) return false;
  if ((n->flags & NODE_CHECKED) && !e->c->opt.unchecked) return false;
  if (n->op == IR_UPD) return !branch && take_update(s, n);
  if (!branch && (n->op == IR_LOOP || n->op == IR_FOLD)) return take_loop(s, r);
  if (info(e, r)->effect) return false;
  if (n->op == IR_CONST) return true;
  if (n->op == IR_IF) {
    s->lane[r - s->from] = true;
    return take_if(s, n);
  }
  if (n->op == IR_PROJ && is_array(n)) return s->lane[r - s->from] = any_lane(s, n);
  if (n->nregions || is_array(n)) return false;
  s->lane[r - s->from] = any_lane(s, n);
  if (is_lane(s, r)) return take_lane(s, r);
  add_mark(s, SHARED, r);
  return true;
}

static bool take_nodes(Strip *s, const Region *r, bool branch) {
  Emit *e = s->e;
  if (e->cut[r->id] || (!s->early && (e->locals[r->id] || e->scratch[r->id]))) return false;
  const Order *o = order_of(e, r);
  for (uint32_t k = 0; k < o->n; k++)
    if ((info(e, o->at[k])->need || info(e, o->at[k])->effect) && !take_node(s, o->at[k], branch))
      return false;
  return true;
}

/* ---- results --------------------------------------------------------------------------------- */

static bool build(Strip *s, uint32_t k, Ref value) {
  Emit *e = s->e;
  const Node *loop = node(e, s->loop);
  const Type *t = loop->result_type[k];
  Operand v = operand(s, value), to = {.kind = PLACE, .buffer = info(e, s->loop)->out[k].buffer};
  if (t->rank != loop->nargs || t->elem == ELEM_INT) return false;
  to.at = flat_of(e, t, s->body->params.at);
  if (!known_step(s, &to) || !is_along(&to)) return false;
  VEC_PUSH(e->c, &s->written, to);
  if (!writes_there(s, &v, &to, t->elem == ELEM_BOOL)) {
    if (t->elem != ELEM_REAL) return false;
    v = add_op(s, &copy, &v, 1);
  }
  s->ops.at[v.op].to = to;
  return true;
}

static bool reduce(Strip *s, uint32_t k, Combiner comb, Ref value) {
  const Kernel *kernel = comb == SUM ? &sum : comb == PROD ? &prod : comb == MAX ? &top : &bottom;
  if (comb != SUM && comb != PROD && comb != MAX && comb != MIN) return false;
  if (node(s->e, value)->type->elem != ELEM_REAL) return false;
  Sweep *product = comb == SUM ? take_over(s, value, kernel_of(s->e, P_MUL)) : NULL;
  Operand o = operand(s, value);
  if (product && is_along(&product->arg[0]) && is_along(&product->arg[1])) {
    o = apply2(s, &dot, product->arg[0], product->arg[1]);
  } else {
    if (product) product->dead = false;
    o = apply(s, kernel, &o);
  }
  s->ops.at[o.op].result = k + 1;
  return true;
}

static bool take_results(Strip *s, const Ref *results) {
  const Node *n = node(s->e, s->loop);
  for (uint32_t k = 0; k < n->nresults; k++) {
    if (!needed_proj(s->e, s->loop, k)) continue;
    Combiner comb = n->aux.loop->comb[k];
    if (is_array(node(s->e, results[k]))) return false;
    if (comb == BUILD ? !build(s, k, results[k]) : !reduce(s, k, comb, results[k])) return false;
  }
  return true;
}

/* ---- what is written and read ------------------------------------------------------------------- */

static bool same_place(const Emit *e, const Operand *a, const Operand *b) {
  bool views = (a->r && base_of(e, a->r) != a->r) || (b->r && base_of(e, b->r) != b->r);
  return a->at == b->at && (!views || a->r == b->r);
}

/* Does each round keep to its own elements of what is written, and is none read too late? */
static bool is_apart(const Strip *s) {
  for (uint32_t w = 0; w < s->written.n; w++) {
    const Operand *to = &s->written.at[w];
    for (uint32_t v = 0; v < w; v++) {
      const Operand *other = &s->written.at[v];
      if (other->buffer == to->buffer && (!same_place(s->e, to, other) || is_fixed(to))) return false;
    }
    bool done = false;
    for (uint32_t k = 0; k < s->ops.n; k++) {
      const Sweep *op = &s->ops.at[k];
      bool here = op->to.kind == PLACE && op->to.buffer == to->buffer;
      for (int j = 0; j < 3 && !op->dead; j++) {
        const Operand *x = &op->arg[j];
        if (x->kind != PLACE || x->buffer != to->buffer) continue;
        if (!same_place(s->e, to, x) || is_fixed(to) || (done && !here)) return false;
      }
      done |= here;
    }
  }
  return true;
}

/* The CLOSE of the outermost loop around operation k that does not hold `outside`, or k. */
static uint32_t end_of(const Strip *s, uint32_t k, uint32_t outside) {
  uint32_t end = k;
  for (uint32_t in = s->ops.at[k].around; in && in - 1 >= outside; in = s->ops.at[in - 1].around)
    end = s->ops.at[in - 1].end;
  return end;
}

/* Is what a round reads of its own arrays still there when an operation takes it? */
static bool is_in_time(const Strip *s) {
  for (uint32_t k = 0; k < s->ops.n; k++)
    for (int j = 0; j < 3 && !s->ops.at[k].dead; j++) {
      const Operand *x = &s->ops.at[k].arg[j];
      if (x->kind != PLACE || !x->own) continue;
      for (uint32_t w = x->born; w < end_of(s, k, x->born); w++) {
        const Operand *to = &s->ops.at[w].to;
        if (w != k && to->kind == PLACE && to->buffer == x->buffer) return false;
      }
    }
  return true;
}

/* ---- rooms -------------------------------------------------------------------------------------- */

/* The value is needed at operation k: as long as a loop runs that it is older than. */
static void need(Strip *s, const Operand *o, uint32_t k) {
  if (o->kind != VALUE) return;
  uint32_t last = end_of(s, k, o->op + 1);
  if (s->ops.at[o->op].last < last) s->ops.at[o->op].last = last;
}

static void find_last(Strip *s) {
  for (uint32_t k = 0; k < s->ops.n; k++) {
    if (s->ops.at[k].dead) continue;
    for (int j = 0; j < 3; j++) need(s, &s->ops.at[k].arg[j], k);
    need(s, &s->ops.at[k].to, k);
  }
}

/* A room is free for the operation that needs it last. */
static bool take_rooms(Strip *s) {
  uint32_t until[2][MOST_ROOMS] = {{0}};
  find_last(s);
  for (uint32_t k = 0; k < s->ops.n; k++) {
    Sweep *op = &s->ops.at[k];
    if (op->kind != CALL || op->dead || op->to.kind || op->kernel->into) continue;
    int bools = op->kernel->to == 'b';
    while (op->room < MOST_ROOMS && until[bools][op->room] > k) op->room++;
    if (op->room == MOST_ROOMS) return false;
    until[bools][op->room] = op->last;
    if (s->rooms[bools] <= op->room) s->rooms[bools] = op->room + 1;
  }
  return true;
}

/* Is there an operation? */
static bool any_call(const Strip *s) {
  for (uint32_t k = 0; k < s->ops.n; k++)
    if (s->ops.at[k].kind == CALL) return true;
  return false;
}

static Strip *try_strip(Emit *e, Ref r, const Region *inside, const Ref *results, bool early) {
  const Node *n = node(e, r);
  if (!for_tcc(e) || n->op != IR_LOOP || !n->nargs) return NULL;
  const Node *extent = node(e, n->arg[n->nargs - 1]);
  if (extent->op == IR_CONST && extent->aux.i < FEW_ROUNDS) return NULL;
  const Region *body = n->regions[0];
  if (r - body->params.at[0] > MOST_NODES) return NULL;
  Strip *s = NEW(e->c, Strip);
  *s = (Strip){.e = e, .loop = r, .index = body->params.at[n->nargs - 1],
               .from = body->params.at[0], .body = body, .rows = info(e, r)->rows,
               .early = early};
  s->lane = NEWN(e->c, bool, r - s->from);
  s->value = NEWN(e->c, Operand, r - s->from);
  s->lane[s->index - s->from] = true;
  bool fits = take_nodes(s, inside, false) && take_results(s, results) && any_call(s) && !s->bad &&
              is_apart(s) && is_in_time(s) && take_rooms(s);
  return fits ? s : NULL;
}

Strip *plan_strip(Emit *e, Ref r, const Region *inside, const Ref *results) {
  return try_strip(e, r, inside, results, false);
}

uint32_t own_rounds(Emit *e, Ref r) {
  const Region *body = node(e, r)->regions[0];
  return try_strip(e, r, body, body->results.at, true) ? OWN_ROUNDS : 0;
}
