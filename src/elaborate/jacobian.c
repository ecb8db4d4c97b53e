/* jacobian.c - jacobian, hessian and hvp of values.
 *
 * A Jacobian is one loop over the seeds of one side: over the elements of x in forward
 * mode, over those of y in reverse mode, whichever are fewer; each trip runs one
 * seed, an array that is 1 at one place.  The loop's outputs are the rows. */
#include "elaborate/derivatives.h"

/* The blocks d y[j] / d x[k], at j*nx + k; 0: none. */
typedef struct Blocks {
  Deriv *d;
  Ref *at;
} Blocks;

/* ---- seeds ---- */

/* An array of type t that is 1 at `place` and 0 elsewhere. */
static Ref one_hot(Elab *e, const Type *t, const Ref *place) {
  Prog *p = e->p;
  if (t->rank == 0) return ir_real(p, 1);
  Space sp = {0};
  for (uint32_t k = 0; k < t->rank; k++) space_axis(e, &sp, t->dim[k]);
  space_open(e, &sp);
  Ref here = 0;
  for (uint32_t k = 0; k < t->rank; k++) {
    Ref equal = ir_prim2(p, P_EQ, sp.index[k], place[k]);
    here = here ? ir_prim2(p, P_AND, here, equal) : equal;
  }
  Ref arg[3] = {here, ir_real(p, 1), ir_real(p, 0)};
  return space_close(e, &sp, ir_prim(p, P_SELECT, arg), BUILD);
}

/* Closes the seeds' loop with an output for every part that is there; in place. */
static void close_outputs(Elab *e, Space *sp, uint32_t n, Ref *part) {
  if (sp->n == 0) return;
  Combiner *comb = NEWN(e->c, Combiner, n);
  uint32_t nout = 0;
  for (uint32_t k = 0; k < n; k++) {
    if (!part[k]) continue;
    comb[nout++] = BUILD;
    ir_result(e->p, part[k]);
  }
  ir_end(e->p);
  if (nout == 0) return;
  Ref loop = ir_loop(e->p, sp->n, sp->extent, sp->body, comb);
  for (uint32_t k = 0, out = 0; k < n; k++)
    if (part[k]) part[k] = ir_out(e->p, loop, out++);
}

static void open_seeds(Elab *e, Space *sp, const Type *t) {
  for (uint32_t k = 0; k < t->rank; k++) space_axis(e, sp, t->dim[k]);
  space_open(e, sp);
}

/* ---- both modes ---- */

/* [x axes, y axes] as [y axes, x axes]. */
static Ref y_axes_first(Elab *e, Ref r, uint32_t rank_x) {
  uint32_t rank = ir_type(e->p, r)->rank, from[MAX_RANK];
  for (uint32_t k = 0; k < rank; k++) from[k] = (k + rank_x) % rank;
  return rank ? permute(e, r, from) : r;
}

/* All blocks of one leaf of x. */
static void forward_column(Blocks *b, uint32_t k) {
  Deriv *d = b->d;
  Elab *e = d->e;
  const Type *t = ir_type(e->p, d->x.ref[k]);
  Ref *dx = NEWN(e->c, Ref, d->x.n), *out = NEWN(e->c, Ref, d->y.n);
  Space sp = {0};
  open_seeds(e, &sp, t);
  dx[k] = one_hot(e, t, sp.index);
  deriv_forward(d, dx, out);
  close_outputs(e, &sp, d->y.n, out);
  for (uint32_t j = 0; j < d->y.n; j++)
    if (out[j]) b->at[j * d->x.n + k] = y_axes_first(e, out[j], t->rank);
}

/* All blocks of one leaf of y. */
static void reverse_row(Blocks *b, uint32_t j) {
  Deriv *d = b->d;
  Elab *e = d->e;
  const Type *t = ir_type(e->p, d->y.ref[j]);
  Ref *seed = NEWN(e->c, Ref, d->y.n), *out = &b->at[j * d->x.n];
  Deriv one = *d;
  one.y.ref = NEWN(e->c, Ref, d->y.n);
  one.y.ref[j] = d->y.ref[j];
  Space sp = {0};
  open_seeds(e, &sp, t);
  seed[j] = one_hot(e, t, sp.index);
  deriv_reverse(&one, seed, out);
  close_outputs(e, &sp, d->x.n, out);
}

/* ---- which mode ---- */

static Size elements(Elab *e, const Leaves *l) {
  Size n = size_const(e->p, 0);
  for (uint32_t k = 0; k < l->n; k++)
    if (l->ref[k]) n = size_add(e->p, n, element_count(e->p, ir_type(e->p, l->ref[k])));
  return n;
}

/* Forward, unless y is known to be the smaller side or a rule forbids it. */
static bool goes_forward(Deriv *d) {
  Prog *p = d->e->p;
  Size x = elements(d->e, &d->x), y = elements(d->e, &d->y);
  Size excess = size_sub(p, size_sub(p, x, y), size_const(p, 1));
  return !size_nonneg(p, excess) && deriv_forward_possible(d);
}

static bool reached(Deriv *d, uint32_t j, uint32_t k) {
  Cut cut = {0};
  return d->y.ref[j] && d->x.ref[k] &&
         diff_reaches(d->e->p, d->y.ref[j], d->x.ref[k], d->nheld, d->held, &cut);
}

static void check_ranks(Deriv *d) {
  for (uint32_t j = 0; j < d->y.n; j++)
    for (uint32_t k = 0; k < d->x.n; k++)
      if (d->y.ref[j] && d->x.ref[k] &&
          ir_type(d->e->p, d->y.ref[j])->rank + ir_type(d->e->p, d->x.ref[k])->rank > MAX_RANK)
        fail_at(d->e->c, d->at, "reshape to fewer axes first", "a derivative has more than %d axes",
                MAX_RANK);
}

static void fill_blocks(Blocks *b) {
  Deriv *d = b->d;
  bool forward = goes_forward(d);
  uint32_t rows = d->y.n, columns = d->x.n;
  for (uint32_t i = 0; i < (forward ? columns : rows); i++) {
    bool any = false;
    for (uint32_t o = 0; !any && o < (forward ? rows : columns); o++)
      any = forward ? reached(d, o, i) : reached(d, i, o);
    if (!any) continue;
    if (forward) forward_column(b, i);
    else reverse_row(b, i);
  }
}

/* ---- operators ---- */

const Val *deriv_jacobian(Elab *e, const Val *y, const Val *x, uint32_t nheld,
                          const Val *const *held, Span at) {
  Deriv d;
  deriv_ask(&d, e, y, x, nheld, held, at);
  check_ranks(&d);
  Blocks b = {&d, NEWN(e->c, Ref, d.y.n * d.x.n)};
  bool before = e->p->derivative;
  e->p->derivative = true;
  fill_blocks(&b);
  e->p->derivative = before;
  const Val **row = NEWN(e->c, const Val *, d.y.n), **cell = NEWN(e->c, const Val *, d.x.n);
  for (uint32_t j = 0; j < d.y.n; j++) {
    for (uint32_t k = 0; k < d.x.n; k++)
      cell[k] = deriv_part(&d, b.at[j * d.x.n + k], (Part){j, j + 1, k, k + 1}, 0, NULL);
    row[j] = val_rebuild(e, x, cell);
  }
  return val_rebuild(e, y, row);
}

const Val *deriv_hessian(Elab *e, const Val *y, const Val *x, uint32_t nheld,
                         const Val *const *held, Span at) {
  deriv_need_scalar(e, y, "hessian", at);
  return deriv_jacobian(e, deriv_grad(e, y, x, nheld, held, at), x, nheld, held, at);
}

/* Forward over reverse; where a rule has no forward mode, the gradient's own vjp. */
const Val *deriv_hvp(Elab *e, const Val *y, const Val *x, const Val *v, uint32_t nheld,
                     const Val *const *held, Span at) {
  Deriv d;
  deriv_need_scalar(e, y, "hvp", at);
  const Val *g = deriv_grad(e, y, x, nheld, held, at);
  deriv_ask(&d, e, g, x, nheld, held, at);
  if (deriv_forward_possible(&d)) return deriv_jvp(e, g, x, v, nheld, held, at);
  return deriv_vjp(e, g, x, v, nheld, held, at);
}
