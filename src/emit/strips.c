/* strips.c - for libtcc: loops as calls of kernels (src/jit/each.c), each on many rounds at once.
 *
 *   for (int64_t i = 0; i < n; i += 256) {
 *     const int64_t rounds = n - i < 256 ? n - i : 256;
 *     gc_each_sub(rounds, room[0], x + i, 1, &m, 0);
 *     gc_each_fast_exp(rounds, y + i, room[0]);
 *     gc_each_sum(rounds, &sum, y + i);
 *   }
 *
 * What strips_plan.c found.  Few rounds are left to the plain loop, which is quicker then. */
#include "emit/strips.h"

#include <ctype.h>
#include <string.h>

enum { MANY_ROUNDS = 16, MANY_STRIPS = 8, MOST_SCALARS = 64 };

/* A strip being written. */
typedef struct Writing {
  Emit *e;
  const Strip *s;
  const char *count;                     /* of its rounds */
  const char *const *total;              /* where each result is reduced, by its number */
  bool lanes, whole;                     /* whole: all rounds are in one call, from the first */
  struct { Ref r; const char *name; } scalar[MOST_SCALARS];   /* those with a name of their own */
  uint32_t nscalars;
  struct { uint32_t scope, nscalars; } outside[MOST_INSIDE];  /* of the loops that are open */
  uint32_t depth;
} Writing;

/* ---- operands ----------------------------------------------------------------------------------- */

/* The address of a number that all rounds share. */
static const char *scalar_address(Writing *w, Ref r) {
  Emit *e = w->e;
  if (node(e, r)->op != IR_CONST && !info(e, r)->inlined)
    return str_printf(e->c, "&%s", ref_node(e, r));
  for (uint32_t k = 0; k < w->nscalars; k++)
    if (w->scalar[k].r == r) return w->scalar[k].name;
  const char *name = c_fresh(e, "c");
  line(e, "const %s %s = %s;", e->f->real, name, expr_text(e, r, PREC_ANY));
  name = str_printf(e->c, "&%s", name);
  if (w->nscalars < MOST_SCALARS) {
    w->scalar[w->nscalars].r = r;
    w->scalar[w->nscalars++].name = name;
  }
  return name;
}

/* What a reduction is over nothing. */
static const char *number_address(Writing *w, Combiner comb) {
  Emit *e = w->e;
  const char *name = c_fresh(e, "c");
  line_start(e);
  putf(e, "const %s %s = ", e->f->real, name);
  put_over_nothing(e, ELEM_REAL, comb);
  line_end(e, ";");
  return str_printf(e->c, "&%s", name);
}

static const char *amount(Emit *e, Size s, int prec) {
  Buf b;
  buf_init(&b, e->c);
  size_c(e, &b, s, prec, named_atom);
  return buf_text(&b);
}

/* Where the strip begins. */
static Size start_of(Writing *w, const Operand *o) {
  Prog *p = w->e->p;
  Size first = w->whole ? size_replaced(p, o->at, w->s->index, size_const(p, 0)) : NULL;
  return first ? first : o->at;
}

static const char *place_text(Writing *w, const Operand *o) {
  Emit *e = w->e;
  const char *array = o->r ? array_text(e, o->r) : ref_buffer(e, o->buffer);
  Size at = start_of(w, o);
  if (at->n == 0) return array;
  if (o->own) return str_printf(e->c, "%s + %s*%d", array, amount(e, at, PREC_MUL), OWN_ROUNDS);
  return str_printf(e->c, "%s + %s", array, amount(e, at, PREC_ADD));
}

static const char *room_text(Writing *w, const Sweep *op) {
  bool bools = op->kernel->to == 'b';
  Fn *fn = w->e->fn;
  if (fn->rooms[bools] <= op->room) fn->rooms[bools] = op->room + 1;
  return str_printf(w->e->c, bools ? "truth[%u]" : "room[%u]", op->room);
}

/* Where an operation puts its result. */
static const char *result_text(Writing *w, const Sweep *op) {
  if (op->to.kind == VALUE) return result_text(w, &w->s->ops.at[op->to.op]);
  return op->to.kind ? place_text(w, &op->to) : room_text(w, op);
}

static const char *operand_text(Writing *w, const Operand *o, char want) {
  Emit *e = w->e;
  if (o->kind == VALUE) return result_text(w, &w->s->ops.at[o->op]);
  if (o->kind == NUMBER) return number_address(w, o->comb);
  if (o->kind == COUNT)
    return str_printf(e->c, "%s, %s", amount(e, start_of(w, o), PREC_COND),
                      amount(e, o->step, PREC_COND));
  if (o->kind == PLACE) return place_text(w, o);
  return want == 's' ? expr_text(e, o->r, PREC_COND) : scalar_address(w, o->r);
}

static const char *step_text(Writing *w, const Operand *o) {
  if (o->kind == VALUE) return "1";
  return o->kind != PLACE ? "0" : amount(w->e, o->step, PREC_COND);
}

/* ---- calls -------------------------------------------------------------------------------------- */

/* The type of a function of n reals, with its name or without. */
static void put_function(Buf *b, const char *type, const char *name, uint32_t n) {
  buf_printf(b, "%s (*%s)(", type, name);
  for (uint32_t k = 0; k < n; k++) buf_printf(b, "%s%s", k ? ", " : "", type);
  buf_puts(b, ")");
}

/* void gc_each_add(int64_t, double *, const double *, int64_t, const double *, int64_t); */
static const char *prototype(Emit *e, const Kernel *k, const char *name) {
  const char *type = e->f->real;
  Buf b;
  buf_init(&b, e->c);
  buf_printf(&b, "void %s(int64_t, %s *", name, k->to == 'b' ? "int64_t" : type);
  for (const char *want = k->args; *want; want++) {
    buf_puts(&b, ", ");
    switch (*want) {
      case 'f': put_function(&b, type, "", (uint32_t)strlen(want + 1)); break;
      case 's': buf_puts(&b, "int64_t"); break;
      case 'c': buf_puts(&b, "int64_t, int64_t"); break;
      default: buf_printf(&b, "const %s *", *want == 'b' || *want == 'I' ? "int64_t" : type);
    }
    if (isupper((unsigned char)*want)) buf_puts(&b, ", int64_t");
  }
  buf_puts(&b, ");");
  return buf_text(&b);
}

/* Bools have one kind of kernel. */
static bool of_bools(const Kernel *k) {
  return k->to == 'b' && !strpbrk(k->args, "rR");
}

static const char *kernel_name(Emit *e, const Kernel *k, bool lanes) {
  const char *suffix = e->f->real_float && !of_bools(k) ? "f" : "";
  const char *name = str_printf(e->c, "gc_each_%s%s%s", lanes && k->into ? "lanes_" : "", k->name,
                                suffix);
  if (!function_used(e->f, name)) use_function(e->f, name, prototype(e, k, name));
  return name;
}

static const char *target_text(Writing *w, const Sweep *op) {
  if (op->result) return str_printf(w->e->c, w->lanes ? "%s" : "&%s", w->total[op->result - 1]);
  return result_text(w, op);
}

static void put_call(Writing *w, const Sweep *op) {
  Emit *e = w->e;
  Buf args;
  buf_init(&args, e->c);
  const Operand *next = op->arg;
  for (const char *want = op->kernel->args; *want; want++) {
    buf_puts(&args, ", ");
    if (*want == 'f') {
      buf_puts(&args, function_of(e, node(e, op->function)));
      continue;
    }
    buf_puts(&args, operand_text(w, next, *want));
    if (isupper((unsigned char)*want)) buf_printf(&args, ", %s", step_text(w, next));
    next++;
  }
  line_start(e);
  putf(e, "%s(%s, %s", kernel_name(e, op->kernel, w->lanes), w->count, target_text(w, op));
  buf_add(&e->fn->body, buf_text(&args), args.n);
  line_end(e, ");");
}

/* ---- loops inside ------------------------------------------------------------------------------ */

static uint32_t axes_of(const Node *loop) { return loop->op == IR_FOLD ? 1 : loop->nargs; }

static void open_inside(Writing *w, Ref r) {
  Emit *e = w->e;
  const Node *n = node(e, r);
  w->outside[w->depth].scope = scope_open(e);
  w->outside[w->depth++].nscalars = w->nscalars;
  for (uint32_t a = 0; a < axes_of(n); a++)
    open_for(e, r, n->regions[0]->params.at[a], n->arg[a], NULL, NULL);
  if (!e->c->opt.guarded) emit_stop(e);   /* a round is many */
}

static void close_inside(Writing *w, Ref r) {
  for (uint32_t a = 0; a < axes_of(node(w->e, r)); a++) close_for(w->e);
  w->nscalars = w->outside[--w->depth].nscalars;
  scope_close(w->e, w->outside[w->depth].scope);
}

static void put_op(Writing *w, const Sweep *op) {
  switch (op->kind) {
    case CALL:
      if (!op->dead) put_call(w, op);
      break;
    case SHARED: emit_node(w->e, op->node); break;
    case OPEN: open_inside(w, op->node); break;
    case CLOSE: close_inside(w, op->node); break;
  }
}

/* ---- strips --------------------------------------------------------------------------------------- */

/* The only operation that is left, if it takes no longer than a trip through memory: it need not
 * be interrupted; or NULL. */
static const Sweep *only_call(const Strip *s) {
  const Sweep *only = NULL;
  for (uint32_t k = 0; k < s->ops.n; k++) {
    const Sweep *op = &s->ops.at[k];
    if (op->dead) continue;
    if (only || op->kind != CALL || op->function) return NULL;
    only = op;
  }
  return only && !s->own && !s->e->c->opt.guarded ? only : NULL;
}

/* All rounds at once. */
static void put_only(Writing *w, const Sweep *op, const char *to) {
  Emit *e = w->e;
  const Node *n = node(e, w->s->loop);
  w->whole = true;
  w->count = to;
  info(e, w->s->index)->cname = "0";
  stop_in_loop(e, n->arg[n->nargs - 1]);
  put_call(w, op);
}

static void put_strips(Emit *e, const Strip *s, const char *from, const char *to,
                       const char *const *total, bool lanes) {
  Writing w = {.e = e, .s = s, .total = total, .lanes = lanes};
  const Sweep *only = strcmp(from, "0") == 0 ? only_call(s) : NULL;
  if (only) {
    put_only(&w, only, to);
    return;
  }
  const Node *n = node(e, s->loop);
  int most = strip_rounds(s);
  uint32_t scope = scope_open(e);
  name_index(e, s->index);
  const char *i = info(e, s->index)->cname;
  w.count = c_fresh(e, "rounds");
  line_start(e);
  putf(e, "for (int64_t %s = %s; %s < %s; %s += %d)", i, from, i, to, i, most);
  block_open(e, "");
  stop_in_loop(e, n->arg[n->nargs - 1]);
  e->loop_depth++;
  line(e, "const int64_t %s = %s - %s < %d ? %s - %s : %d;", w.count, to, i, most, to, i, most);
  e->rounds = w.count;
  for (uint32_t k = 0; k < s->ops.n; k++) put_op(&w, &s->ops.at[k]);
  e->rounds = NULL;
  e->loop_depth--;
  block_close(e);
  scope_close(e, scope);
}

/* The variables that scalar results are reduced to. */
static const char **totals(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const char **total = NEWN(e->c, const char *, n->nresults + 1);
  for (uint32_t k = 0; k < n->nresults; k++)
    if (scalar_out(e, r, k)) total[k] = info(e, needed_proj(e, r, k))->cname;
  return total;
}

/* The end of the strips: few rounds make none. */
static const char *put_end(Emit *e, const char *from, const char *to) {
  const char *rest = c_fresh(e, "rest");
  bool whole = strcmp(from, "0") == 0;
  line(e, "const int64_t %s = %s%s%s < %d ? %s : %s;", rest, to, whole ? "" : " - ",
       whole ? "" : from, MANY_ROUNDS, from, to);
  return rest;
}

const char *emit_strips(Emit *e, Ref r, const Region *inside, const Ref *results,
                        const char *from, const char *to) {
  const Strip *s = plan_strip(e, r, inside, results);
  if (!s) return NULL;
  const char *end = put_end(e, from, to);
  put_strips(e, s, from, end, totals(e, r), false);
  return end;
}

/* Is the plain loop left out: is it not needed, or is there one call alone, or have so many been
 * written that to compile one more takes longer than it saves? */
static bool strips_alone(Emit *e, const Strip *s, Ref extent) {
  return node(e, extent)->op == IR_CONST || only_call(s) || e->nstrips >= MANY_STRIPS;
}

const char *emit_axis_in_strips(Emit *e, Ref r, bool *all) {
  const Region *body = node(e, r)->regions[0];
  const Strip *s = plan_strip(e, r, body, body->results.at);
  if (!s) return NULL;
  Ref extent = node(e, r)->arg[node(e, r)->nargs - 1];
  *all = strips_alone(e, s, extent);
  e->nstrips += !*all;
  emit_trips(e, extent);
  const char *to = expr_text(e, extent, PREC_ADD), *end = *all ? to : put_end(e, "0", to);
  put_strips(e, s, "0", end, totals(e, r), false);
  return end;
}

bool emit_strips_in_lanes(Emit *e, Ref r, const Region *inside, const Ref *results,
                          const char *from, const char *to, const char *const *lane) {
  const Strip *s = plan_strip(e, r, inside, results);
  if (s) put_strips(e, s, from, to, lane, true);
  return s;
}

void put_rooms(Emit *e, Buf *b, const Fn *fn) {
  if (fn->rooms[0]) buf_printf(b, "  %s room[%u][%d];\n", e->f->real, fn->rooms[0], STRIP_ROUNDS);
  if (fn->rooms[1]) buf_printf(b, "  int64_t truth[%u][%d];\n", fn->rooms[1], STRIP_ROUNDS);
}
