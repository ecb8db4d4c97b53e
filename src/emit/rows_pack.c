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
 * and x[i + l, k] is x_2[k*16 + l] from there on.  Where it is the outer axes of the loop that meet
 * the same rows again (all pairs i, j), all blocks are copied in front of it, and it is
 * x_2[i*d + k*16 + l].  Loops around could do that, too: but their own rounds are the better rows,
 * for nothing is then gathered from lanes.
 *
 * The rows must exist whatever the body does: each subscript up to that of the row runs over the
 * whole axis. */
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
  if (info(e, read)->guarded) return false;
  if (!find_access(e, read, &a) || region_inside(e, node(e, a.array)->region, body)) return false;
  uint32_t at = row_axis(e, &a, index);
  const Type *t = node(e, a.array)->type;
  if (at == t->rank) return false;
  *p = (Pack){.loop = body->owner, .array = a.array, .naxes = at + 1, .row = type_drop(e->p, t, at + 1)};
  for (uint32_t k = 0; k < a.n; k++) p->sub[k] = a.sub[k];
  return size_bound(e, array_size(e, p->row)) != NULL;
}

/* Is the index of a loop around, or of `loop` itself, one of the row's subscripts? */
static bool indexes(const Emit *e, const Pack *p, Ref loop) {
  const Region *body = node(e, loop)->regions[0];
  for (uint32_t k = 0; k + 1 < p->naxes; k++)
    if (region_of(e, p->sub[k]) == body) return true;
  return false;
}

/* The number of rows. */
static Ref row_count(const Emit *e, const Pack *p) {
  return node(e, p->loop)->arg[node(e, p->loop)->nargs - 1];
}

Ref find_place(Emit *e, const Pack *p, double *rounds) {
  Ref place = 0, count = row_count(e, p);
  *rounds = 1;
  if (node(e, p->loop)->nargs < 2 || info(e, count)->inlined) return 0;
  for (Ref r = p->loop; r && node(e, r)->op == IR_LOOP; r = region_of(e, r)->owner) {
    const Node *n = node(e, r);
    if (region_inside(e, node(e, p->array)->region, n->regions[0]) ||
        region_inside(e, node(e, count)->region, n->regions[0]) || indexes(e, p, r))
      break;
    double trips = 1;
    for (uint32_t k = 0; k + (r == p->loop) < n->nargs; k++) trips *= usual_trips(e, n->arg[k]);
    if (trips > 1) place = r;
    *rounds *= trips;
  }
  return place;
}

static bool same_rows(const Pack *a, const Pack *b) {
  if (a->loop != b->loop || a->place != b->place || a->array != b->array || a->naxes != b->naxes) return false;
  for (uint32_t k = 0; k < a->naxes; k++)
    if (a->sub[k] != b->sub[k]) return false;
  return true;
}

/* The read gets its element from a packed array.  Where blocks of rows run in parallel, each needs
 * one of its own (--openmp): it is the body's. */
void take_pack(Emit *e, Ref read, Pack p) {
  for (uint32_t k = 1; k < e->packs.n && !p.buffer; k++)
    if (same_rows(&e->packs.at[k], &p)) p.buffer = e->packs.at[k].buffer;
  p.first = !p.buffer;
  if (p.first) {
    Ref place = p.place ? p.place : p.loop;
    const Type *t = node(e, p.array)->type;
    bool blocks = for_openmp(e) && !p.place;
    p.buffer = buffer_new(e, BUF_SLOT, p.place ? type_drop(e->p, t, p.naxes - 1) : p.row,
                          blocks ? node(e, p.loop)->regions[0] : region_of(e, place), place);
    buffer_live(e, p.buffer, info(e, place)->begin, info(e, place)->end);
    Buffer *b = &e->buffers.at[p.buffer];
    b->root = p.array;
    b->no_local = blocks;
    if (!p.place) b->size = size_scale(e->p, b->size, lanes_of(e->f), 1);
  }
  if (!e->packs.n) VEC_PUSH(e->c, &e->packs, (Pack){0});
  info(e, read)->pack = e->packs.n;
  VEC_PUSH(e->c, &e->packs, p);
}

/* Copies a row; `lane`: its own, in the block that starts at element `start`, or NULL. */
static void copy_row(Emit *e, const Pack *p, const char *start, const char *lane) {
  const char *row = c_fresh(e, "row"), *k = c_fresh(e, "k");
  line_start(e);
  putf(e, "const %s *const %s = ", c_type(e->f, ELEM_REAL, true), row);
  put_row(e, array_text(e, p->array), node(e, p->array)->type, p->naxes, p->sub);
  line_end(e, ";");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < ", k, k);
  put_size(e, array_size(e, p->row), PREC_ADD);
  putf(e, "; %s++) %s[%s%s*%u + %s] = %s[%s]", k, ref_buffer(e, p->buffer), start, k,
       lanes_of(e->f), lane, row, k);
  line_end(e, ";");
}

void emit_packs(Emit *e, Ref loop) {
  for (uint32_t k = 1; k < e->packs.n; k++) {
    const Pack *p = &e->packs.at[k];
    if (p->loop != loop || !p->first || p->place) continue;
    uint32_t scope = scope_open(e);
    open_lane_loop(e);
    copy_row(e, p, "", lane_name(e));
    block_close(e);
    scope_close(e, scope);
  }
}

/* for (int64_t i = 0; i < n - n%16; i++) { … w[(i - i%16)*d + k*16 + i%16] = row[k]; } */
static void emit_whole_pack(Emit *e, const Pack *p) {
  Ref index = p->sub[p->naxes - 1];
  uint32_t scope = scope_open(e), lanes = lanes_of(e->f);
  name_index(e, index);
  const char *i = info(e, index)->cname;
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < %s; %s++)", i, i, whole_blocks(e, row_count(e, p)), i);
  block_open(e, "");
  Buf saved = e->fn->body;
  buf_init(&e->fn->body, e->c);
  putf(e, "(%s - %s%%%u)*", i, i, lanes);
  put_size(e, array_size(e, p->row), PREC_UNARY);
  put(e, " + ");
  const char *start = buf_text(&e->fn->body);
  e->fn->body = saved;
  copy_row(e, p, start, str_printf(e->c, "%s%%%u", i, lanes));
  block_close(e);
  scope_close(e, scope);
}

void emit_whole_packs(Emit *e, Ref place) {
  for (uint32_t k = 1; k < e->packs.n; k++)
    if (e->packs.at[k].place == place && e->packs.at[k].first) emit_whole_pack(e, &e->packs.at[k]);
}

/* The element, if rows side by side are being written and have a copy of it. */
bool put_packed(Emit *e, Ref read) {
  if (!info(e, read)->pack || !lane_name(e)) return false;
  const Pack *p = &e->packs.at[info(e, read)->pack];
  putf(e, "%s[", ref_buffer(e, p->buffer));
  if (p->place) {
    putf(e, "%s*", ref_node(e, p->sub[p->naxes - 1]));
    put_size(e, array_size(e, p->row), PREC_UNARY);
    put(e, " + ");
  }
  put_flat(e, p->row, p->row->rank, p->sub + p->naxes, PREC_MUL);
  putf(e, "*%u + %s]", lanes_of(e->f), lane_name(e));
  return true;
}
