/* test_passes_random.c - random programs mean the same after each pass.
 *
 *   test_passes_random [COUNT [SEED]]
 *
 * A program is built from scalars, arrays, loops, folds, branches and accumulators, run by
 * the reference interpreter, then sent through the optimizer's passes, one at a time and
 * all together, and run again.  It is also printed and read back. */
#include "interpret/interpret.h"
#include "optimize/optimize.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64, N = 5, M = 3 };

typedef struct Pool { Ref at[MOST]; uint32_t n; } Pool;

typedef struct Gen {
  Ctx *c;
  Prog *p;
  uint64_t state;
  Ref n, m;
  Pool scalars, vectors_n, vectors_m, matrices;
  Pool index_n, index_m;       /* ints known to be in 0 .. n-1, 0 .. m-1 */
  Pool handles_n, handles_nm;
  int depth;
} Gen;

static uint32_t pick(Gen *g, uint32_t below) {
  g->state = g->state * 6364136223846793005u + 1442695040888963407u;
  return below ? (uint32_t)(g->state >> 33) % below : 0;
}

static void put(Gen *g, Pool *pool, Ref r) {
  if (pool->n < MOST) pool->at[pool->n++] = r;
  else pool->at[pick(g, MOST)] = r;
}

/* Later ones more often. */
static Ref take(Gen *g, const Pool *pool) {
  uint32_t a = pick(g, pool->n), b = pick(g, pool->n);
  return pool->at[a > b ? a : b];
}

/* Restores what is in scope after a region. */
static void leave(Gen *g, const Gen *before) {
  uint64_t state = g->state;
  *g = *before;
  g->state = state;
}

/* ---- scalars ---------------------------------------------------------------------- */

static Ref some_scalar(Gen *g) {
  Prog *p = g->p;
  Ref index[2];
  switch (pick(g, 8)) {
    case 0: return ir_real(p, pick(g, 5) / 2.0 - 1);
    case 1:
      if (!g->index_n.n) break;
      index[0] = take(g, &g->index_n);
      return ir_read(p, take(g, &g->vectors_n), 1, index, pick(g, 4) == 0);
    case 2:
      if (!g->index_m.n) break;
      index[0] = take(g, &g->index_m);
      return ir_read(p, take(g, &g->vectors_m), 1, index, false);
    case 3:
      if (!g->index_n.n || !g->index_m.n) break;
      index[0] = take(g, &g->index_n);
      index[1] = take(g, &g->index_m);
      return ir_read(p, take(g, &g->matrices), 2, index, false);
    case 4:
      if (!g->index_n.n) break;
      return ir_toreal(p, take(g, &g->index_n));
    default: break;
  }
  return take(g, &g->scalars);
}

static Ref new_scalar(Gen *g) {
  static const uint32_t one[] = {P_SIN, P_COS, P_TANH, P_NEG, P_RELU};
  static const uint32_t two[] = {P_ADD, P_SUB, P_MUL, P_MAX, P_ADD, P_MUL};
  g->p->derivative = pick(g, 2);
  Ref a = some_scalar(g);
  if (pick(g, 2)) return ir_prim1(g->p, one[pick(g, 5)], a);
  Ref b = some_scalar(g);
  Ref r = ir_prim2(g->p, two[pick(g, 6)], a, b);
  return pick(g, 3) ? r : ir_prim1(g->p, P_SIN, r);
}

/* ---- regions ------------------------------------------------------------------------ */

static void statements(Gen *g, uint32_t count);

static void add_index(Gen *g, bool n) {
  Ref i = ir_param(g->p, type_scalar(g->p, ELEM_INT));
  put(g, n ? &g->index_n : &g->index_m, i);
}

static void make_loop(Gen *g) {
  static const Combiner combiners[] = {BUILD, BUILD, SUM, SUM, MAX, PROD};
  Gen before = *g;
  Prog *p = g->p;
  uint32_t kind = pick(g, 4), nout = 1 + pick(g, 2);
  Ref extent[2] = {kind == 1 || kind == 3 ? g->m : g->n, kind == 3 ? g->n : g->m};
  Combiner comb[2];
  Region *r = ir_begin(p);
  ir_set_extents(p, kind >= 2 ? 2 : 1, extent);
  add_index(g, kind == 0 || kind == 2);
  if (kind >= 2) add_index(g, kind == 3);
  statements(g, 2 + pick(g, 4));
  for (uint32_t k = 0; k < nout; k++) {
    comb[k] = combiners[(kind == 3 ? 2 : 0) + pick(g, kind == 3 ? 4 : 6)];
    Ref e = new_scalar(g);
    ir_result(p, comb[k] == PROD ? ir_prim1(p, P_TANH, e) : e);
  }
  ir_end(p);
  leave(g, &before);
  p->derivative = pick(g, 2);
  Ref loop = ir_loop(p, kind >= 2 ? 2 : 1, extent, r, comb);
  for (uint32_t k = 0; k < nout; k++) {
    Pool *pool = kind == 0 ? &g->vectors_n : kind == 1 ? &g->vectors_m : &g->matrices;
    Ref out = ir_out(p, loop, k);
    if (comb[k] == BUILD) put(g, pool, out);
    else put(g, &g->scalars, ir_prim1(p, P_SIN, out)); /* small: rounding stays small */
  }
}

/* `tape`: keeps a value of every trip, whatever the choice. */
static void make_fold(Gen *g, bool tape) {
  Gen before = *g;
  Prog *p = g->p;
  uint32_t ncarry = 1 + pick(g, 3), nout = pick(g, 2);
  if (tape) nout = 1;
  Ref init[3];
  Combiner comb = BUILD;
  for (uint32_t k = 0; k < ncarry; k++) init[k] = take(g, &g->scalars);
  Region *r = ir_begin(p);
  ir_set_extents(p, 1, &g->n);
  add_index(g, true);
  for (uint32_t k = 0; k < ncarry; k++) put(g, &g->scalars, ir_param(p, ir_type(p, init[k])));
  statements(g, 2 + pick(g, 3));
  for (uint32_t k = 0; k < ncarry; k++) ir_result(p, ir_prim1(p, P_SIN, new_scalar(g)));
  if (nout) ir_result(p, new_scalar(g));
  ir_end(p);
  leave(g, &before);
  p->derivative = pick(g, 2);
  Ref fold = ir_fold(p, g->n, ncarry, init, r, &comb);
  for (uint32_t k = 0; k < ncarry; k++) put(g, &g->scalars, ir_out(p, fold, k));
  if (nout) put(g, &g->vectors_n, ir_out(p, fold, ncarry));
}

/* A fold and nearly the same once more. */
static void make_twins(Gen *g) {
  Gen before = *g;
  make_fold(g, false);
  Gen made = *g;
  *g = before;
  make_fold(g, true);
  put(g, &g->scalars, made.scalars.at[made.scalars.n - 1]);
}

static void make_while(Gen *g) {
  Gen before = *g;
  Prog *p = g->p;
  Ref init = take(g, &g->scalars), limit = some_scalar(g);
  Region *cond = ir_begin(p);
  ir_result(p, ir_prim2(p, P_LT, ir_param(p, ir_type(p, init)), limit));
  ir_end(p);
  Region *body = ir_begin(p);
  Ref s = ir_param(p, ir_type(p, init));
  put(g, &g->scalars, s);
  statements(g, 1 + pick(g, 3));
  ir_result(p, ir_prim2(p, P_ADD, ir_prim1(p, P_RELU, new_scalar(g)), ir_real(p, 0.25)));
  ir_end(p);
  leave(g, &before);
  Ref loop = ir_while(p, ir_int(p, 7), 1, &init, cond, body);
  put(g, &g->scalars, ir_out(p, loop, 0));
  put(g, &g->scalars, ir_toreal(p, ir_out(p, loop, 1)));
}

/* A matrix made row by row. */
static void make_rows(Gen *g) {
  const Combiner build = BUILD;
  Gen before = *g;
  Prog *p = g->p;
  Region *outer = ir_begin(p);
  ir_set_extents(p, 1, &g->n);
  add_index(g, true);
  if (pick(g, 2)) put(g, &g->scalars, new_scalar(g));
  if (pick(g, 2)) {
    Ref i = g->index_n.at[g->index_n.n - 1];
    put(g, &g->vectors_m, ir_read(p, take(g, &g->matrices), 1, &i, false));
  }
  Region *inner = ir_begin(p);
  ir_set_extents(p, 1, &g->m);
  add_index(g, false);
  ir_result(p, new_scalar(g));
  ir_end(p);
  ir_result(p, ir_out(p, ir_loop(p, 1, &g->m, inner, &build), 0));
  ir_end(p);
  leave(g, &before);
  put(g, &g->matrices, ir_out(p, ir_loop(p, 1, &g->n, outer, &build), 0));
}

static Region *branch(Gen *g) {
  Gen before = *g;
  Region *r = ir_begin(g->p);
  statements(g, 1 + pick(g, 3));
  ir_result(g->p, new_scalar(g));
  ir_end(g->p);
  leave(g, &before);
  return r;
}

static void make_if(Gen *g) {
  Ref c = ir_prim2(g->p, P_LT, some_scalar(g), some_scalar(g));
  Region *a = branch(g), *b = branch(g);
  put(g, &g->scalars, ir_out(g->p, ir_if(g->p, c, a, b), 0));
}

static Ref slot(Gen *g, const Pool *index, uint32_t below) {
  return index->n && pick(g, 4) ? take(g, index) : ir_int(g->p, pick(g, below));
}

static void make_update(Gen *g) {
  bool matrix = g->handles_nm.n && pick(g, 2);
  const Pool *handles = matrix ? &g->handles_nm : &g->handles_n;
  if (!handles->n) return;
  Ref v = new_scalar(g);
  Ref index[2] = {slot(g, &g->index_n, N), slot(g, &g->index_m, M)};
  Ref whole = matrix ? take(g, &g->matrices) : take(g, &g->vectors_n);
  g->p->derivative = true;
  if (pick(g, 8) == 0) ir_upd(g->p, take(g, handles), whole, 0, NULL, false);
  else if (matrix && pick(g, 3) == 0)
    ir_upd(g->p, take(g, handles), take(g, &g->vectors_m), 1, index, false);
  else ir_upd(g->p, take(g, handles), v, matrix ? 2 : 1, index, pick(g, 3) == 0);
}

static void make_accum(Gen *g) {
  Gen before = *g;
  Prog *p = g->p;
  const Type *tn = ir_type(p, g->vectors_n.at[0]), *tnm = ir_type(p, g->matrices.at[0]);
  Ref init[2] = {pick(g, 2) ? ir_zero(p, tn) : take(g, &g->vectors_n),
                 pick(g, 2) ? ir_zero(p, tnm) : take(g, &g->matrices)};
  Region *r = ir_begin(p);
  put(g, &g->handles_n, ir_param(p, type_acc(p, tn)));
  put(g, &g->handles_nm, ir_param(p, type_acc(p, tnm)));
  statements(g, 3 + pick(g, 4));
  ir_result(p, new_scalar(g));
  ir_end(p);
  leave(g, &before);
  p->derivative = true;
  Ref accum = ir_accum(p, 2, init, r);
  put(g, &g->vectors_n, ir_out(p, accum, 0));
  put(g, &g->matrices, ir_out(p, accum, 1));
  put(g, &g->scalars, ir_out(p, accum, 2));
}

static void make_transpose(Gen *g) {
  const Combiner build = BUILD;
  Prog *p = g->p;
  Ref extent[2] = {g->m, g->n}, back[2] = {g->n, g->m}, index[2];
  Ref a = take(g, &g->matrices);
  for (int k = 0; k < 2; k++) {
    Region *r = ir_begin(p);
    index[1] = ir_param(p, type_scalar(p, ELEM_INT));
    index[0] = ir_param(p, type_scalar(p, ELEM_INT));
    ir_result(p, ir_read(p, a, 2, index, false));
    ir_end(p);
    a = ir_out(p, ir_loop(p, 2, k ? back : extent, r, &build), 0);
  }
  put(g, &g->matrices, a);
}

static void make_other(Gen *g) {
  switch (pick(g, 5)) {
    case 0: make_transpose(g); break;
    case 1: make_twins(g); break;
    case 2: make_while(g); break;
    case 3: make_rows(g); break;
    default: make_if(g);
  }
}

static void statements(Gen *g, uint32_t count) {
  uint32_t kinds = g->depth < 3 ? 12 : 5;
  g->depth++;
  while (count--) {
    switch (pick(g, kinds)) {
      case 4: case 5: make_update(g); break;
      case 6: case 7: case 8: make_loop(g); break;
      case 9: make_fold(g, false); break;
      case 10: make_other(g); break;
      case 11: make_accum(g); break;
      default: put(g, &g->scalars, new_scalar(g));
    }
  }
  g->depth--;
}

/* ---- whole programs -------------------------------------------------------------------- */

static Ref parameter(Gen *g, const char *name, const Type *t, bool is_size) {
  Ref r = ir_param(g->p, t);
  ir_node(g->p, r)->name = name;
  VEC_PUSH(g->c, &g->p->sig.params, ((SigParam){.name = name, .ref = r, .is_size = is_size}));
  return r;
}

static void give(Gen *g, const char *name, Ref r) {
  VEC_PUSH(g->c, &g->p->sig.results, ((SigResult){name, r}));
  ir_result(g->p, r);
}

static Prog *random_program(Ctx *c, uint64_t seed) {
  Gen g = {.c = c, .p = prog_new(c), .state = seed * 7919 + 12345};
  Prog *p = g.p;
  p->erased = true;
  g.n = parameter(&g, "n", type_scalar(p, ELEM_INT), true);
  g.m = parameter(&g, "m", type_scalar(p, ELEM_INT), true);
  if (seed % 3 == 0) { /* sizes known */
    g.n = ir_int(p, N);
    g.m = ir_int(p, M);
  }
  Size size[2] = {size_atom(p, g.n), size_atom(p, g.m)};
  put(&g, &g.vectors_n, parameter(&g, "x", type_array(p, ELEM_REAL, 1, size), false));
  put(&g, &g.vectors_m, parameter(&g, "y", type_array(p, ELEM_REAL, 1, size + 1), false));
  put(&g, &g.matrices, parameter(&g, "A", type_array(p, ELEM_REAL, 2, size), false));
  put(&g, &g.scalars, parameter(&g, "s", type_scalar(p, ELEM_REAL), false));
  for (int k = 0; k < 4; k++) pick(&g, 1);
  statements(&g, 6 + pick(&g, 10));
  p->derivative = false;
  give(&g, "scalar", g.scalars.at[g.scalars.n - 1]);
  give(&g, "vector", g.vectors_n.at[g.vectors_n.n - 1]);
  give(&g, "matrix", g.matrices.at[g.matrices.n - 1]);
  ir_verify(p, "a random program");
  return p;
}

/* ---- comparing --------------------------------------------------------------------------- */

static const double numbers[N * M] = {0.5, -1.25, 2, 0.125, -0.75, 1.5, -0.3, 0.9,
                                      -2.1, 0.4, 1.1, -0.6, 0.05, 0.7, -1.9};

static void run(Ctx *c, Prog *p, Value out[3]) {
  static const int64_t n = N, m = M;
  Host host = {.ctx = c};
  Value in[6] = {
    {.elem = ELEM_INT, .data = &n},
    {.elem = ELEM_INT, .data = &m},
    {.elem = ELEM_REAL, .rank = 1, .dim = {N}, .data = numbers},
    {.elem = ELEM_REAL, .rank = 1, .dim = {M}, .data = numbers + 4},
    {.elem = ELEM_REAL, .rank = 2, .dim = {N, M}, .data = numbers},
    {.elem = ELEM_REAL, .data = numbers + 7},
  };
  if (interpret(p, in, 6, 0, &host, out) != GC_OK) internal_error(c, "the program does not run");
}

static uint64_t volume(const Value *v) {
  uint64_t n = 1;
  for (uint32_t k = 0; k < v->rank; k++) n *= (uint64_t)v->dim[k];
  return n;
}

static bool same_number(double x, double y) {
  if (isnan(x) || isnan(y)) return isnan(x) == isnan(y);
  return x == y || fabs(x - y) <= 1e-7 * (1 + fabs(x) + fabs(y));
}

static bool same_values(const Value *a, const Value *b) {
  for (uint32_t r = 0; r < 3; r++)
    for (uint64_t k = 0; k < volume(&a[r]); k++)
      if (!same_number(((const double *)a[r].data)[k], ((const double *)b[r].data)[k]))
        return false;
  return true;
}

static void complain(const Prog *before, const Prog *after, const char *pass) {
  Buf b;
  buf_init(&b, before->ctx);
  ir_print(before, &b);
  buf_printf(&b, "---- after %s ----\n", pass);
  ir_print(after, &b);
  puts(buf_text(&b));
  internal_error(before->ctx, "the program means something else after %s", pass);
}

static Prog *all_passes(Prog *p) {
  return optimize(p, NULL);
}

/* The program as constructors make it, without what passes left side by side. */
static Prog *made_anew(Prog *p) {
  Copy k;
  Prog *to = prog_start(&k, p);
  copy_nodes(&k, p->root);
  prog_finish(&k);
  return to;
}

static Prog *through_text(Prog *given) {
  Prog *p = made_anew(given);
  Buf b;
  buf_init(&b, p->ctx);
  ir_print(p, &b);
  Prog *again = ir_read_text(p->ctx, source_add(p->ctx, "dump", buf_text(&b), b.n));
  if (!ir_equal(p, again)) complain(p, again, "reading back");
  return again;
}

static const struct { const char *name; Prog *(*run)(Prog *p); } passes[] = {
  {"text", through_text},   {"sweep", ir_sweep},   {"simplify", opt_simplify},
  {"checks", opt_checks}, {"support", opt_support}, {"defer", opt_defer},
  {"gather", opt_gather}, {"accumulate", opt_accumulate}, {"text", through_text}, {"fuse", opt_fuse},
  {"branches", opt_branches}, {"reciprocals", opt_reciprocals}, {"hoist", opt_hoist},
  {"twins", opt_twins}, {"split", opt_split}, {"bounds", opt_bounds}, {"ranges", opt_ranges},
  {"flatten", opt_flatten}, {"saved", opt_saved},
  {"sweep", ir_sweep},
  {"text", through_text},
};

typedef struct Trial { Ctx *c; uint64_t seed; } Trial;

static void trial(void *arg) {
  Trial *t = arg;
  Value wanted[3], got[3];
  Prog *p = random_program(t->c, t->seed), *start = p;
  run(t->c, p, wanted);
  for (size_t k = 0; k < sizeof passes / sizeof *passes; k++) {
    Prog *before = p;
    p = passes[k].run(p);
    ir_verify(p, passes[k].name);
    run(t->c, p, got);
    if (!same_values(wanted, got)) complain(before, p, passes[k].name);
  }
  p = all_passes(random_program(t->c, t->seed));
  run(t->c, p, got);
  if (!same_values(wanted, got)) complain(start, p, "all passes");
}

int main(int argc, char **argv) {
  uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 300;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, bad = 0;
  for (uint64_t k = 0; k < count; k++) {
    Trial t = {ctx_new(NULL, NULL), seed + k};
    if (!t.c) return 1;
    if (ctx_try(t.c, trial, &t) != GC_OK) {
      printf("seed %llu: %s\n", (unsigned long long)t.seed,
             diag_count(t.c) ? diag_get(t.c, 0)->text : "no message");
      bad++;
    }
    ctx_free(t.c);
  }
  printf("random programs: %llu passed, %llu failed\n", (unsigned long long)(count - bad),
         (unsigned long long)bad);
  return bad != 0;
}
