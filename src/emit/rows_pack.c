/* rows_pack.c - arrays that rows side by side read across their rows, turned once a block.
 *
 * Rows i, i + 1, … of x lie one behind the other: x[i + l, k] for the lanes l is a step of a
 * whole row apart.  Where loops inside read the same rows again and again, the block copies them
 * first into the workspace, with an element for each lane:
 *
 *   for (int64_t l = 0; l < 16; l++) {
 *     const double *const row = x + (i + l)*d;
 *     for (int64_t k = 0; k < d; k++) x_2[k*16 + l] = row[k];
 *   }
 *
 * and x[i + l, k] is x_2[k*16 + l] from there on.  The rows must exist whatever the body does: each
 * subscript up to that of the row runs over the whole axis. */
#include "emit/private.h"

/* The subscripts of a read through rows of rows: sub[0 .. n-1] of `array`. */
typedef struct Access { Ref array, sub[MAX_RANK]; uint32_t n; } Access;

static bool find_access(const Emit *e, Ref read, Access *a) {
  uint32_t at = MAX_RANK;
  Ref sub[MAX_RANK];
  Ref r = read;
  for (; node(e, r)->op == IR_READ && !(r != read && info(e, r)->buffer); r = node(e, r)->arg[0]) {
    const Node *n = node(e, r);
    for (uint32_t k = n->nargs; k-- > 1;) {
      if (at == 0) return false;
      sub[--at] = n->arg[k];
    }
  }
  a->array = r;
  a->n = MAX_RANK - at;
  for (uint32_t k = 0; k < a->n; k++) a->sub[k] = sub[at + k];
  return node(e, r)->op != IR_RESHAPE;
}

/* Does the subscript run over the whole of an axis, in a loop around? */
static bool runs_over(const Emit *e, Ref sub, Size axis) {
  const Node *n = node(e, sub);
  if (n->op != IR_PARAM || !region_of(e, sub)->owner) return false;
  const Node *o = node(e, region_of(e, sub)->owner);
  bool index = o->op == IR_LOOP || (o->op == IR_FOLD && n->aux.i == 0);
  return index && size_atom(e->p, o->arg[n->aux.i]) == axis;
}

/* The number of the subscript that is the row's; the array's rank: the read cannot be packed. */
static uint32_t row_axis(Emit *e, const Access *a, Ref index) {
  const Type *t = node(e, a->array)->type;
  uint32_t at = 0;
  while (at < a->n && a->sub[at] != index) at++;
  if (t->elem != ELEM_REAL || at + 1 >= a->n || a->n != t->rank) return t->rank;
  for (uint32_t k = 0; k < a->n; k++)
    if (!runs_over(e, a->sub[k], t->dim[k]) || (k != at && a->sub[k] == index)) return t->rank;
  const Region *body = region_of(e, index);
  for (uint32_t k = 0; k < at; k++)
    if (region_of(e, a->sub[k]) != body && region_inside(e, region_of(e, a->sub[k])->id, body))
      return t->rank;
  return at;
}

bool find_pack(Emit *e, Ref read, Ref index, Pack *p) {
  Access a;
  const Region *body = region_of(e, index);
  if (!find_access(e, read, &a) || region_inside(e, node(e, a.array)->region, body)) return false;
  uint32_t at = row_axis(e, &a, index);
  const Type *t = node(e, a.array)->type;
  if (at == t->rank) return false;
  *p = (Pack){.loop = body->owner, .array = a.array, .naxes = at + 1, .row = type_drop(e->p, t, at + 1)};
  for (uint32_t k = 0; k < a.n; k++) p->sub[k] = a.sub[k];
  return size_bound(e, array_size(e, p->row)) != NULL;
}

static bool same_rows(const Pack *a, const Pack *b) {
  if (a->loop != b->loop || a->array != b->array || a->naxes != b->naxes) return false;
  for (uint32_t k = 0; k < a->naxes; k++)
    if (a->sub[k] != b->sub[k]) return false;
  return true;
}

/* The read gets its element from a packed array. */
void take_pack(Emit *e, Ref read, Pack p) {
  for (uint32_t k = 1; k < e->packs.n && !p.buffer; k++)
    if (same_rows(&e->packs.at[k], &p)) p.buffer = e->packs.at[k].buffer;
  p.first = !p.buffer;
  if (p.first) {
    p.buffer = buffer_new(e, BUF_SLOT, p.row, region_of(e, p.loop), p.loop);
    buffer_live(e, p.buffer, info(e, p.loop)->begin, info(e, p.loop)->end);
    Buffer *b = &e->buffers.at[p.buffer];
    b->root = p.array;
    b->size = size_scale(e->p, b->size, lanes_of(e->f), 1);
  }
  if (!e->packs.n) VEC_PUSH(e->c, &e->packs, (Pack){0});
  info(e, read)->pack = e->packs.n;
  VEC_PUSH(e->c, &e->packs, p);
}

static void emit_pack(Emit *e, const Pack *p) {
  const Type *t = node(e, p->array)->type;
  uint32_t scope = scope_open(e);
  open_lane_loop(e);
  const char *row = c_fresh(e, "row"), *k = c_fresh(e, "k");
  line_start(e);
  putf(e, "const %s *const %s = ", c_type(e->f, ELEM_REAL, true), row);
  put_row(e, array_text(e, p->array), t, p->naxes, p->sub);
  line_end(e, ";");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < ", k, k);
  put_size(e, array_size(e, p->row), PREC_ADD);
  putf(e, "; %s++) %s[%s*%u + %s] = %s[%s]", k, ref_buffer(e, p->buffer), k, lanes_of(e->f),
       lane_name(e), row, k);
  line_end(e, ";");
  block_close(e);
  scope_close(e, scope);
}

/* First in a block of rows. */
void emit_packs(Emit *e, Ref loop) {
  for (uint32_t k = 1; k < e->packs.n; k++)
    if (e->packs.at[k].loop == loop && e->packs.at[k].first) emit_pack(e, &e->packs.at[k]);
}

/* The element, if rows side by side are being written and have a copy of it. */
bool put_packed(Emit *e, Ref read) {
  if (!info(e, read)->pack || !lane_name(e)) return false;
  const Pack *p = &e->packs.at[info(e, read)->pack];
  putf(e, "%s[", ref_buffer(e, p->buffer));
  put_flat(e, p->row, p->row->rank, p->sub + p->naxes, PREC_MUL);
  putf(e, "*%u + %s]", lanes_of(e->f), lane_name(e));
  return true;
}
