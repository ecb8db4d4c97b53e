/* blas.c - --blas: matrix products as calls of cblas where they are large enough to gain.
 *
 * A product is a loop over (i, j) that builds sums over k of A[i, k]*B[k, j], each of the two
 * also transposed.  Both ways are written, and the sizes choose at run time; BLAS adds in an
 * order of its own, so the last bits may differ. */
#include "emit/private.h"

static const char large_text[] =
  "/* Is a product of these sizes worth a call of BLAS, and within its ints? */\n"
  "%sint gc_large(int64_t n, int64_t m, int64_t k, int64_t a, int64_t b) {\n"
  "  const int64_t most = 2147483647;\n"
  "  return n > 0 && m > 0 && k > 0 && a > 0 && b > 0 && n <= most && m <= most && k <= most &&\n"
  "         a <= most && b <= most && (double)n*(double)m*(double)k >= 32768.0;\n"
  "}\n";

void blas_head(const File *f, Buf *out) {
  if (!f->uses_blas) return;
  if (f->o->single) buf_puts(out, "#ifndef GC_HAVE_gc_large\n#define GC_HAVE_gc_large\n");
  buf_printf(out, large_text, inner_linkage(f));
  buf_puts(out, f->o->single ? "#endif\n\n" : "\n");
}

/* A matrix read at [row, column]: either index and k. */
typedef struct Factor { Ref array; bool transposed; bool by_i; } Factor;

typedef struct Product { Ref i, j, k; Factor a, b; } Product;

static bool is_factor(const Emit *e, Ref r, Product *x, const Region *outer, Factor *f) {
  const Node *n = node(e, r);
  if (n->op != IR_READ || n->nargs != 3 || n->type->rank || n->type->elem != ELEM_REAL)
    return false;
  if (n->flags & NODE_CHECKED || region_inside(e, node(e, n->arg[0])->region, outer)) return false;
  Ref row = n->arg[1], column = n->arg[2], other = row == x->k ? column : row;
  if ((row == x->k) == (column == x->k) || (other != x->i && other != x->j)) return false;
  *f = (Factor){.array = n->arg[0], .by_i = other == x->i};
  /* A is [i, k] and B is [k, j] unless transposed */
  f->transposed = f->by_i ? row == x->k : column == x->k;
  return true;
}

/* The only thing that a region does is its result. */
static bool only(const Emit *e, const Region *r, Ref structured, Ref result) {
  for (uint32_t k = 0; k < r->nodes.n; k++) {
    Ref x = r->nodes.at[k];
    if (!info(e, x)->need || info(e, x)->inlined || x == structured || x == result) continue;
    return false;
  }
  return true;
}

static bool is_product(const Emit *e, Ref r, Product *x) {
  const Node *n = node(e, r);
  if (n->op != IR_LOOP || n->nargs != 2 || n->nresults != 1 || n->aux.loop->comb[0] != BUILD)
    return false;
  const Region *body = n->regions[0];
  Ref out = body->results.at[0];
  if (node(e, out)->op != IR_PROJ || region_of(e, out) != body) return false;
  Ref inner = node(e, out)->arg[0];
  const Node *sum = node(e, inner);
  if (sum->op != IR_LOOP || sum->nargs != 1 || sum->nresults != 1 || sum->aux.loop->comb[0] != SUM)
    return false;
  if (region_inside(e, node(e, sum->arg[0])->region, body) || !only(e, body, inner, out))
    return false;
  const Region *in = sum->regions[0];
  const Node *times = node(e, in->results.at[0]);
  *x = (Product){.i = body->params.at[0], .j = body->params.at[1], .k = in->params.at[0]};
  if (times->op != IR_PRIM || times->aux.i != P_MUL || times->type->elem != ELEM_REAL) return false;
  Factor f[2];
  for (int k = 0; k < 2; k++)
    if (!is_factor(e, times->arg[k], x, body, &f[k])) return false;
  if (f[0].by_i == f[1].by_i) return false;
  x->a = f[!f[0].by_i];
  x->b = f[f[0].by_i];
  return true;
}

static void put_extent(Emit *e, Ref extent) {
  put(e, "(int)");
  put_expr(e, extent, PREC_UNARY);
}

static void put_factor(Emit *e, const Factor *f) {
  putf(e, ", %s, (int)", array_text(e, f->array));
  put_size(e, node(e, f->array)->type->dim[1], PREC_UNARY);
}

static void put_call(Emit *e, Ref r, const Product *x, Ref length) {
  const Node *n = node(e, r);
  bool single = e->f->real_float;
  line_start(e);
  putf(e, "cblas_%cgemm(CblasRowMajor, %s, %s, ", single ? 's' : 'd',
       x->a.transposed ? "CblasTrans" : "CblasNoTrans",
       x->b.transposed ? "CblasTrans" : "CblasNoTrans");
  put_extent(e, n->arg[0]);
  put(e, ", ");
  put_extent(e, n->arg[1]);
  put(e, ", ");
  put_extent(e, length);
  put(e, single ? ", 1.0f" : ", 1.0");
  put_factor(e, &x->a);
  put_factor(e, &x->b);
  putf(e, ", %s, %s, ", single ? "0.0f" : "0.0", ref_buffer(e, info(e, r)->out[0].buffer));
  put_extent(e, n->arg[1]);
  line_end(e, ");");
}

bool open_blas(Emit *e, Ref r) {
  Product x;
  const Node *n = node(e, r);
  if (e->f->jit || !e->f->o->blas || !is_product(e, r, &x)) return false;
  Ref proj = info(e, r)->out[0].proj;
  if (!proj || !info(e, proj)->need) return false;
  Ref sum = node(e, n->regions[0]->results.at[0])->arg[0], length = node(e, sum)->arg[0];
  e->f->uses_blas = true;
  line_start(e);
  put(e, "if (gc_large(");
  put_expr(e, n->arg[0], PREC_COND);
  put(e, ", ");
  put_expr(e, n->arg[1], PREC_COND);
  put(e, ", ");
  put_expr(e, length, PREC_COND);
  put(e, ", ");
  put_size(e, node(e, x.a.array)->type->dim[1], PREC_COND);
  put(e, ", ");
  put_size(e, node(e, x.b.array)->type->dim[1], PREC_COND);
  block_open(e, "))");
  put_call(e, r, &x, length);
  e->fn->indent--;
  line_start(e);
  block_open(e, "} else");
  return true;
}
