/* contract.c - sums of products over a grid as calls of gc_matmul (runtime/matmul.h).
 *
 * A contraction is a loop that builds, or adds into an accumulator, sums of A[…]*B[…], where
 * each subscript is linear in the indices.  How far each index moves in A, B and the result C
 * tells its part: the column lies side by side in C and moves B, the row moves A and C, the depth
 * moves A and B.  Other indices are loops around the call.  With --openmp gc_parallel_matmul is
 * called (runtime/parallel.h), with --blas gc_blas_matmul (runtime/blas.h). */
#include "emit/private.h"
#include "optimize/optimize.h"

enum { MAX_AXES = 8 };

typedef enum Place { IN_A, IN_B, IN_C, PLACES } Place;

/* An index, and how far a step of it moves. */
typedef struct Axis { Ref index, extent; Size count, step[PLACES]; } Axis;

typedef struct Contraction {
  Ref array[PLACES];        /* of C: the accumulator's handle, or 0 */
  Size at[PLACES];          /* where indices of the call are 0 */
  Axis axis[MAX_AXES];
  uint32_t n;
  int row, column, depth;   /* numbers of axes; -1: there is none */
  bool add;
} Contraction;

/* ---- subscripts ------------------------------------------------------------------ */

static bool is_zero(Size s) { return s->n == 0; }

/* Can it be written in front of the loop, but for the loop's indices? */
static bool is_known(const Emit *e, const Contraction *x, Size s, const Region *body) {
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t j = 0; j < s->mono[k].n; j++) {
      Ref atom = s->mono[k].atom[j];
      bool index = false;
      for (uint32_t a = 0; a < x->n; a++) index |= x->axis[a].index == atom;
      if (index) continue;
      if (info(e, atom)->inlined || region_inside(e, node(e, atom)->region, body)) return false;
    }
  return true;
}

/* ---- what the loop does ---------------------------------------------------------- */

static bool add_axes(Emit *e, Contraction *x, Ref loop) {
  const Node *n = node(e, loop);
  if (x->n + n->nargs > MAX_AXES) return false;
  for (uint32_t k = 0; k < n->nargs; k++)
    x->axis[x->n++] = (Axis){.index = n->regions[0]->params.at[k], .extent = n->arg[k],
                             .count = size_atom(e->p, n->arg[k])};
  return true;
}

static bool is_read(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  return n->op == IR_READ && n->type->rank == 0 &&
         !((n->flags & NODE_CHECKED) && !e->c->opt.unchecked);
}

/* Has the node a text that a call would leave out?  Elements are read by the call, sums and
 * products of ints are written anew. */
static bool is_statement(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  if (!info(e, r)->need || info(e, r)->inlined || n->op == IR_PROJ || n->op == IR_CONST)
    return false;
  if (is_read(e, r)) return false;
  bool sum = n->op == IR_PRIM && (n->aux.i == P_ADD || n->aux.i == P_SUB || n->aux.i == P_MUL);
  return !(sum && n->type->elem == ELEM_INT);
}

/* How many statements a region has beside `except`, and one of them. */
static uint32_t statements(const Emit *e, const Region *r, Ref except, Ref *one) {
  uint32_t count = 0;
  *one = 0;
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref x = r->nodes.at[k];
    if (x == except || !is_statement(e, x)) continue;
    *one = x;
    count++;
  }
  return count;
}

static uint32_t needed_outs(const Emit *e, Ref r, uint32_t *which) {
  uint32_t count = 0;
  for (uint32_t k = 0; k < node(e, r)->nresults; k++) {
    Ref proj = info(e, r)->out[k].proj;
    if (!proj || !info(e, proj)->need) continue;
    *which = k;
    count++;
  }
  return count;
}

/* The factors, in either order. */
static bool take_factors(Emit *e, Contraction *x, Ref product, const Region *body) {
  const Node *n = node(e, product);
  if (n->op != IR_PRIM || n->aux.i != P_MUL || n->type->elem != ELEM_REAL) return false;
  for (int k = 0; k < 2; k++) {
    const Node *read = node(e, n->arg[k]);
    if (!is_read(e, n->arg[k]) || region_inside(e, node(e, read->arg[0])->region, body))
      return false;
    x->array[k] = read->arg[0];
    x->at[k] = flat_of(e, node(e, read->arg[0])->type, read->arg + 1);
  }
  return true;
}

/* One in front of which nothing is checked. */
static bool is_plain_loop(const Emit *e, Ref r) {
  return node(e, r)->op == IR_LOOP && !(node(e, r)->flags & NODE_CHECKED);
}

/* A sum inside, or the product itself: its factors.  No statement stands beside `update`. */
static bool take_value(Emit *e, Contraction *x, Ref value, const Region *in, Ref update,
                       const Region *body) {
  const Node *n = node(e, value);
  Ref sum, other;
  uint32_t out, count = statements(e, in, update, &sum);
  if (n->op != IR_PROJ) return count == 0 && take_factors(e, x, value, body);
  if (count != 1 || n->arg[0] != sum || !is_plain_loop(e, sum) || n->type->rank) return false;
  if (needed_outs(e, sum, &out) != 1 || node(e, sum)->aux.loop->comb[out] != SUM) return false;
  const Region *inner = node(e, sum)->regions[0];
  return statements(e, inner, 0, &other) == 0 && add_axes(e, x, sum) &&
         take_factors(e, x, inner->results.at[out], body);
}

static bool take_build(Emit *e, Contraction *x, Ref r, uint32_t out) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  const Type *t = n->result_type[out];
  if (n->aux.loop->comb[out] != BUILD || t->rank != n->nargs || t->elem != ELEM_REAL) return false;
  if (!add_axes(e, x, r)) return false;
  x->at[IN_C] = flat_of(e, t, body->params.at);
  return take_value(e, x, body->results.at[out], body, 0, body);
}

/* acc[…] += …, in loops one inside the other. */
static bool take_update(Emit *e, Contraction *x, Ref r, const Region *outermost) {
  uint32_t out;
  Ref next = r;
  const Region *body = NULL;
  while (node(e, next)->op == IR_LOOP) {
    r = next;
    body = node(e, r)->regions[0];
    if (needed_outs(e, r, &out) || !add_axes(e, x, r)) return false;
    next = 0;
    for (uint32_t k = 0; k < body->nodes.n; k++)
      if (info(e, body->nodes.at[k])->effect) next = body->nodes.at[k];
    if (!next) return false;
    Ref other;
    if (node(e, next)->op != IR_LOOP) continue;
    if (!is_plain_loop(e, next) || statements(e, body, next, &other)) return false;
  }
  const Node *n = node(e, next);
  if (n->op != IR_UPD || node(e, n->arg[1])->type->rank || (n->flags & NODE_CHECKED) ||
      node(e, n->arg[0])->type->elem != ELEM_REAL ||
      region_inside(e, node(e, n->arg[0])->region, outermost))
    return false;
  x->add = true;
  x->array[IN_C] = n->arg[0];
  x->at[IN_C] = flat_of(e, node(e, n->arg[0])->type, n->arg + 2);
  return take_value(e, x, n->arg[1], body, next, outermost);
}

/* ---- which index is what ------------------------------------------------------------ */

static bool take_steps(Emit *e, Contraction *x, const Region *body) {
  for (uint32_t k = 0; k < x->n; k++)
    if (!is_known(e, x, x->axis[k].count, body)) return false;
  for (int place = 0; place < PLACES; place++)
    for (uint32_t k = 0; k < x->n; k++) {
      Size *step = &x->axis[k].step[place], rest;
      if (!take_linear(e->p, x->at[place], x->axis[k].index, step, &rest)) return false;
      if (!is_known(e, x, *step, body) || !is_known(e, x, rest, body)) return false;
    }
  return true;
}

static void exchange(Contraction *x) {
  Ref array = x->array[IN_A];
  Size at = x->at[IN_A];
  x->array[IN_A] = x->array[IN_B];
  x->array[IN_B] = array;
  x->at[IN_A] = x->at[IN_B];
  x->at[IN_B] = at;
  for (uint32_t k = 0; k < x->n; k++) {
    Size step = x->axis[k].step[IN_A];
    x->axis[k].step[IN_A] = x->axis[k].step[IN_B];
    x->axis[k].step[IN_B] = step;
  }
}

static bool moves(const Axis *a, Place in) { return !is_zero(a->step[in]); }

/* Are its steps the same everywhere, and no extent a matter of it? */
static bool is_free(const Contraction *x, int k) {
  const Axis *a = &x->axis[k];
  for (uint32_t j = 0; j < x->n; j++) {
    if (size_mentions(x->axis[j].count, a->index)) return false;
    for (int place = 0; place < PLACES; place++)
      if (size_mentions(a->step[place], x->axis[j].index)) return false;
  }
  return true;
}

static int find_column(const Contraction *x) {
  for (int k = (int)x->n; k-- > 0;) {
    const Axis *a = &x->axis[k];
    if (size_is_one(a->step[IN_C]) && moves(a, IN_A) != moves(a, IN_B) && is_free(x, k)) return k;
  }
  return -1;
}

static int find_depth(const Contraction *x) {
  for (int k = (int)x->n; k-- > 0;) {
    const Axis *a = &x->axis[k];
    if (!moves(a, IN_C) && moves(a, IN_A) && moves(a, IN_B) && is_free(x, k)) return k;
  }
  return -1;
}

static int find_row(const Contraction *x) {
  for (int k = (int)x->n; k-- > 0;) {
    const Axis *a = &x->axis[k];
    if (moves(a, IN_C) && moves(a, IN_A) && !moves(a, IN_B) && is_free(x, k)) return k;
  }
  return -1;
}

/* May gc_matvec do it, whose sums go in lanes? */
static bool along_memory(const Contraction *x) {
  return size_is_one(x->axis[x->depth].step[IN_A]) && size_is_one(x->axis[x->depth].step[IN_B]);
}

/* A literal extent, 1 where there is no such axis, or -1. */
static int64_t literal(const Emit *e, const Contraction *x, int axis) {
  if (axis < 0) return 1;
  const Node *n = node(e, x->axis[axis].extent);
  return n->op == IR_CONST ? n->aux.i : -1;
}

static bool is_small(const Emit *e, const Contraction *x) {
  return product_is_small(literal(e, x, x->row), literal(e, x, x->column), literal(e, x, x->depth));
}

/* x[i]*y[j] added to an array: libtcc's code gains by a call, compiled loops do not. */
static bool adds_products(const Emit *e, const Contraction *x) {
  return for_tcc(e) && x->add && x->depth < 0 && x->row >= 0 && x->n == 2;
}

static bool assign(Emit *e, Contraction *x, const Region *body) {
  x->column = find_column(x);
  if (x->column < 0) return false;
  if (moves(&x->axis[x->column], IN_A)) exchange(x);
  x->depth = find_depth(x);
  x->row = find_row(x);
  bool gains = x->depth < 0 ? adds_products(e, x)
                            : !is_small(e, x) && !(e->c->opt.ieee && along_memory(x));
  if (!gains) return false;
  for (uint32_t k = 0; k < x->n; k++) {
    if ((int)k == x->row || (int)k == x->column || (int)k == x->depth) continue;
    if (region_inside(e, node(e, x->axis[k].extent)->region, body)) return false;
    /* a sum over more indices starts from 0 once: only updates go on */
    if (!x->add && !moves(&x->axis[k], IN_C)) return false;
  }
  for (int place = 0; place < PLACES; place++) {
    const int call[3] = {x->row, x->column, x->depth};
    for (int k = 0; k < 3; k++) {
      Size step;
      if (call[k] >= 0)
        take_linear(e->p, x->at[place], x->axis[call[k]].index, &step, &x->at[place]);
    }
  }
  return true;
}

static bool find_contraction(Emit *e, Ref r, Contraction *x, uint32_t *out) {
  *x = (Contraction){.row = -1, .column = -1, .depth = -1};
  const Node *n = node(e, r);
  if (n->op != IR_LOOP || inside_rows(e, r)) return false;
  uint32_t outs = needed_outs(e, r, out);
  bool found = outs == 1 ? take_build(e, x, r, *out)
               : outs == 0 && info(e, r)->effect && take_update(e, x, r, n->regions[0]);
  return found && take_steps(e, x, n->regions[0]) && assign(e, x, n->regions[0]);
}

/* ---- the call --------------------------------------------------------------------------- */

/* Most bytes of stack below the call, without optimization. */
enum { STACK_MATRIX = 11 << 10, STACK_VECTOR = 1 << 10 };

typedef enum Form { MATRIX, MATRIX_VECTOR, VECTOR_MATRIX } Form;

static Form form_of(const Contraction *x) {
  if (x->row >= 0) return MATRIX;
  if (size_is_one(x->axis[x->column].step[IN_B])) return VECTOR_MATRIX;
  return along_memory(x) ? MATRIX_VECTOR : MATRIX;
}

/* The function, in one of its kinds; inside a parallel loop the plain one. */
static const char *name_of(Emit *e, Form form) {
  static const char *const names[] = {"matmul", "matvec", "vecmat"};
  const EmitOptions *o = e->f->o;
  bool plain = e->f->jit || e->in_parallel;
  const char *kind = plain ? "" : o->blas ? "blas_" : o->openmp ? "parallel_" : "";
  if (*kind && o->blas) e->f->uses_blas = true;
  return str_printf(e->c, "gc_%s%s%s", kind, names[form], e->f->real_float ? "f" : "");
}

static void open_call(Emit *e, Form form) {
  static const char *const prototypes[] = {
    "void %s(int64_t, int64_t, int64_t, const %s *, int64_t, int64_t, const %s *, int64_t, "
      "int64_t, %s *, int64_t, int);",
    "void %s(int64_t, int64_t, const %s *, int64_t, const %s *, %s *, int);",
    "void %s(int64_t, int64_t, const %s *, int64_t, const %s *, int64_t, %s *, int);",
  };
  const char *name = name_of(e, form), *real = e->f->real;
  if (!function_used(e->f, name))
    use_function(e->f, name, str_printf(e->c, prototypes[form], name, real, real, real));
  use_macro(e->f, MACRO_LANES, true);
  uint64_t below = form == MATRIX ? STACK_MATRIX : STACK_VECTOR;
  if (e->fn->below < below) e->fn->below = below;
  line_start(e);
  putf(e, "%s(", name);
}

static void put_extent(Emit *e, const Contraction *x, int axis) {
  if (axis < 0) put(e, "1");
  else put_size(e, x->axis[axis].count, PREC_COND);
  put(e, ", ");
}

static void put_step(Emit *e, const Contraction *x, int axis, Place in) {
  if (axis < 0) put(e, "0");
  else put_size(e, x->axis[axis].step[in], PREC_COND);
  put(e, ", ");
}

static void put_start(Emit *e, const Contraction *x, const char *array, Place in) {
  put(e, array);
  if (!is_zero(x->at[in])) {
    put(e, " + ");
    put_size(e, x->at[in], PREC_ADD);
  }
  put(e, ", ");
}

static void put_matrix(Emit *e, const Contraction *x, const char *c) {
  put_extent(e, x, x->row);
  put_extent(e, x, x->column);
  put_extent(e, x, x->depth);
  put_start(e, x, array_text(e, x->array[IN_A]), IN_A);
  put_step(e, x, x->row, IN_A);
  put_step(e, x, x->depth, IN_A);
  put_start(e, x, array_text(e, x->array[IN_B]), IN_B);
  put_step(e, x, x->depth, IN_B);
  put_step(e, x, x->column, IN_B);
  put_start(e, x, c, IN_C);
  put_step(e, x, x->row, IN_C);
}

/* The columns of the call are the rows of the matrix. */
static void put_matrix_vector(Emit *e, const Contraction *x, const char *c) {
  put_extent(e, x, x->column);
  put_extent(e, x, x->depth);
  put_start(e, x, array_text(e, x->array[IN_B]), IN_B);
  put_step(e, x, x->column, IN_B);
  put_start(e, x, array_text(e, x->array[IN_A]), IN_A);
  put_start(e, x, c, IN_C);
}

static void put_vector_matrix(Emit *e, const Contraction *x, const char *c) {
  put_extent(e, x, x->column);
  put_extent(e, x, x->depth);
  put_start(e, x, array_text(e, x->array[IN_A]), IN_A);
  put_step(e, x, x->depth, IN_A);
  put_start(e, x, array_text(e, x->array[IN_B]), IN_B);
  put_step(e, x, x->depth, IN_B);
  put_start(e, x, c, IN_C);
}

/* A stop waits for the end of a product, whose rounds are taken all at once. */
static void put_stop(Emit *e, const Contraction *x) {
  const int call[3] = {x->row, x->column, x->depth};
  Size extent[3];
  uint32_t n = 0;
  for (int k = 0; k < 3; k++)
    if (call[k] >= 0) extent[n++] = x->axis[call[k]].count;
  emit_trips_over(e, extent, n);
  if (e->loop_depth == 0) emit_stop(e);
}

static void put_call(Emit *e, const Contraction *x, const char *c) {
  Form form = form_of(x);
  put_stop(e, x);
  open_call(e, form);
  switch (form) {
    case MATRIX: put_matrix(e, x, c); break;
    case MATRIX_VECTOR: put_matrix_vector(e, x, c); break;
    default: put_vector_matrix(e, x, c); break;
  }
  line_end(e, x->add ? "1);" : "0);");
}

/* Loops around the call; with --openmp the first is parallel if its rounds write apart. */
static uint32_t open_loops(Emit *e, Ref r, const Contraction *x) {
  uint32_t opened = 0;
  for (uint32_t k = 0; k < x->n; k++) {
    if ((int)k == x->row || (int)k == x->column || (int)k == x->depth) continue;
    bool parallel = !opened && for_openmp(e) && !e->in_parallel;
    if (parallel && moves(&x->axis[k], IN_C)) {
      put_pragma(e, r, NULL);
      e->in_parallel = true;
    }
    open_for(e, r, x->axis[k].index, x->axis[k].extent, NULL, NULL);
    opened++;
  }
  return opened;
}

/* For libtcc: a sum in lanes of products of two rows. */
static bool emit_dot(Emit *e, Ref r) {
  const Node *n = node(e, r);
  Contraction x = {.row = -1, .column = -1, .depth = 0};
  uint32_t out = 0;
  Ref other;
  if (!for_tcc(e) || n->op != IR_LOOP || n->nargs != 1 || needed_outs(e, r, &out) != 1) return false;
  const Region *body = n->regions[0];
  if (n->aux.loop->comb[out] != SUM || statements(e, body, 0, &other) || !add_axes(e, &x, r) ||
      !take_factors(e, &x, body->results.at[out], body))
    return false;
  x.at[IN_C] = size_const(e->p, 0);
  if (!take_steps(e, &x, body) || !along_memory(&x) || !plan_lanes(e, r)) return false;
  for (int place = 0; place < PLACES; place++) {
    Size step;
    take_linear(e->p, x.at[place], x.axis[0].index, &step, &x.at[place]);
  }
  const char *sum = info(e, info(e, r)->out[out].proj)->cname;
  line(e, "%s %s;", e->f->real, sum);
  put_stop(e, &x);
  open_call(e, MATRIX_VECTOR);
  put(e, "1, ");
  put_extent(e, &x, 0);
  put_start(e, &x, array_text(e, x.array[IN_A]), IN_A);
  put(e, "0, ");
  put_start(e, &x, array_text(e, x.array[IN_B]), IN_B);
  putf(e, "&%s, 0", sum);
  line_end(e, ");");
  return true;
}

bool is_contraction(Emit *e, Ref r) {
  Contraction x;
  uint32_t out = 0;
  return find_contraction(e, r, &x, &out);
}

bool emit_contraction(Emit *e, Ref r) {
  Contraction x;
  uint32_t out = 0;
  bool inside = e->in_parallel;
  if (!find_contraction(e, r, &x, &out)) return emit_dot(e, r);
  const char *c = x.add ? array_text(e, x.array[IN_C])
                        : ref_buffer(e, info(e, r)->out[out].buffer);
  uint32_t scope = scope_open(e);
  uint32_t opened = open_loops(e, r, &x);
  put_call(e, &x, c);
  while (opened--) close_for(e);
  e->in_parallel = inside;
  scope_close(e, scope);
  return true;
}

/* ---- ints that calls say anew ---------------------------------------------------------- */

/* A sum or product of ints, which sizes see through, and which nobody else asks for. */
static bool may_go(const Emit *e, Ref r) {
  const Info *x = info(e, r);
  const Node *n = node(e, r);
  return x->need && !x->uses && !x->atom && !x->keep && n->op == IR_PRIM &&
         n->type->elem == ELEM_INT &&
         (n->aux.i == P_ADD || n->aux.i == P_SUB || n->aux.i == P_MUL);
}

/* One use less of what stands in front of the calls. */
static void unsay(Emit *e, Ref r, const bool *in_call) {
  if (!in_call[node(e, r)->region]) info(e, r)->uses--;
}

/* The extents that the call takes; those of loops around it are read. */
static void unsay_extents(Emit *e, const Contraction *x, const bool *in_call) {
  const int call[3] = {x->row, x->column, x->depth};
  for (int k = 0; k < 3; k++)
    if (call[k] >= 0) unsay(e, x->axis[call[k]].extent, in_call);
}

static void unsay_operands(Emit *e, const Node *n, const bool *in_call) {
  for (uint32_t k = 0; n->op != IR_LOOP && k < n->nargs; k++) unsay(e, n->arg[k], in_call);
}

void plan_calls(Emit *e) {
  if (for_tcc(e)) return;
  bool *in_call = NEWN(e->c, bool, e->p->regions.n);
  for (Ref r = e->ninfo; r-- > 1;) {
    Info *x = info(e, r);
    const Node *n = node(e, r);
    Contraction call;
    uint32_t out = 0;
    bool inside = in_call[n->region], found = false, goes = !inside && may_go(e, r);
    if (goes) x->need = false;
    else if (!inside && x->need) found = find_contraction(e, r, &call, &out);
    for (uint32_t k = 0; (inside || found) && k < n->nregions; k++)
      in_call[n->regions[k]->id] = true;
    if (found) unsay_extents(e, &call, in_call);
    if (goes || (inside && x->need)) unsay_operands(e, n, in_call);
  }
}
