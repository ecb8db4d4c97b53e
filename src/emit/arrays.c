/* arrays.c - statements on whole arrays: copies, fills, literals, replaced elements. */
#include "emit/private.h"

#include <inttypes.h>
#include <string.h>

/* Is the size at least 0 whatever the caller passes?  gcc follows the case of a divisor -1
 * into the length of a memcpy and warns: functions that divide by sizes copy by loops. */
static bool surely_counts(Emit *e, Size s) {
  if (e->copy_by_loops && s->n && s->mono[0].n) return false;
  for (uint32_t m = 0; m < s->n; m++)
    for (uint32_t k = 0; k < s->mono[m].n; k++) {
      Ref a = s->mono[m].atom[k];
      const Sig *sig = &e->p->sig;
      if (!root_param(e, a) || node(e, a)->aux.i >= sig->params.n ||
          !sig->params.at[node(e, a)->aux.i].is_size)
        return false;
    }
  return size_nonneg(e->p, s);
}

static void put_bytes(Emit *e, const Type *t) {
  Size s = array_size(e, t);
  int64_t n;
  if (size_is_const(s, &n)) {
    putf(e, "%" PRId64 " * sizeof(%s)", n, c_type(e->f, t->elem, true));
  } else {
    put(e, "(size_t)(");
    put_size(e, s, PREC_ANY);
    putf(e, ") * sizeof(%s)", c_type(e->f, t->elem, true));
  }
}

/* for (int64_t i = 0; i < size; i++), without a brace; gives the name of i. */
static const char *each(Emit *e, const Type *t) {
  const char *i = c_fresh(e, "i");
  line_start(e);
  putf(e, "for (int64_t %s = 0; %s < ", i, i);
  put_size(e, array_size(e, t), PREC_ADD);
  putf(e, "; %s++) ", i);
  return i;
}

static void move_array(Emit *e, const char *how, const char *to, const char *from, const Type *t) {
  if (!surely_counts(e, array_size(e, t))) {
    uint32_t scope = scope_open(e);
    const char *i = each(e, t);
    putf(e, "(%s)[%s] = (%s)[%s]", to, i, from, i);
    line_end(e, ";");
    scope_close(e, scope);
    return;
  }
  e->f->uses_string = true;
  line_start(e);
  putf(e, "%s(%s, %s, ", how, to, from);
  put_bytes(e, t);
  line_end(e, ");");
}

void copy_array(Emit *e, const char *to, const char *from, const Type *t) {
  move_array(e, "memcpy", to, from, t);
}

void copy_into(Emit *e, uint32_t buffer, Ref from) {
  if (storage_of(e, from) == buffer && buffer) return;
  store_array(e, ref_buffer(e, buffer), from);
}

void store_array(Emit *e, const char *to, Ref from) {
  const Node *n = node(e, from);
  if (info(e, from)->lazy) fill_array(e, to, n->type, n->arg[0]);
  else copy_array(e, to, array_text(e, from), n->type);
}

static bool plain_zero(const Node *n) {
  if (n->op != IR_CONST) return false;
  if (n->type->elem != ELEM_REAL) return n->aux.i == 0;
  union { double r; uint64_t bits; } u = {.r = n->aux.r};
  return u.bits == 0;
}

void fill_array(Emit *e, const char *to, const Type *t, Ref scalar) {
  if (plain_zero(node(e, scalar)) && surely_counts(e, array_size(e, t))) {
    e->f->uses_string = true;
    line_start(e);
    putf(e, "memset(%s, 0, ", to);
    put_bytes(e, t);
    line_end(e, ");");
    return;
  }
  make_simple(e, scalar, "fill");
  uint32_t scope = scope_open(e);
  const char *i = each(e, t);
  putf(e, strchr(to, ' ') ? "(%s)[%s] = " : "%s[%s] = ", to, i);
  put_expr(e, scalar, PREC_ANY);
  line_end(e, ";");
  scope_close(e, scope);
}

static void put_element_of(Emit *e, Ref r, uint32_t k) {
  line_start(e);
  putf(e, "%s[%u] = ", ref_buffer(e, info(e, r)->buffer), k);
  put_expr(e, node(e, r)->arg[k], PREC_ANY);
  line_end(e, ";");
}

void emit_stack(Emit *e, Ref r) {
  const Node *n = node(e, r);
  uint32_t b = info(e, r)->buffer;
  if (n->type->rank == 1) {
    put_wide(e, region_of(e, r), n->arg, n->nargs, put_element_of, r);
    return;
  }
  for (uint32_t k = 0; k < n->nargs; k++) {
    Ref v = n->arg[k];
    const Buffer *row = &e->buffers.at[storage_of(e, v)];
    if (row->kind == BUF_ROW && row->parent == b && row->part == k) continue;
    Buf at;
    buf_init(&at, e->c);
    buf_printf(&at, "%s + %u*", ref_buffer(e, b), k);
    const char *base = buf_text(&at);
    Fn *fn = e->fn;
    Buf saved = fn->body;
    buf_init(&fn->body, e->c);
    put(e, base);
    put_size(e, row_size(e, n->type, 1), PREC_UNARY);
    const char *to = buf_text(&fn->body);
    fn->body = saved;
    store_array(e, to, v);
  }
}

/* The text "a + i*m" of a row. */
static const char *row_text(Emit *e, const char *array, const Type *t, uint32_t n,
                            const Ref *index) {
  Fn *fn = e->fn;
  Buf saved = fn->body;
  buf_init(&fn->body, e->c);
  put_row(e, array, t, n, index);
  const char *text = buf_text(&fn->body);
  fn->body = saved;
  return text;
}

void emit_with(Emit *e, Ref r) {
  const Node *n = node(e, r);
  uint32_t b = info(e, r)->buffer;
  copy_into(e, b, n->arg[0]);
  const char *array = ref_buffer(e, b);
  if (is_array(node(e, n->arg[1]))) {
    const char *to = row_text(e, array, n->type, n->nargs - 2, n->arg + 2);
    move_array(e, "memmove", to, array_text(e, n->arg[1]), node(e, n->arg[1])->type);
    return;
  }
  line_start(e);
  if (!put_at_pointer(e, r)) {
    putf(e, "%s[", array);
    put_flat(e, n->type, n->nargs - 2, n->arg + 2, PREC_ANY);
    put(e, "]");
  }
  put(e, " = ");
  put_expr(e, n->arg[1], PREC_ANY);
  line_end(e, ";");
}

void emit_upd(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Type *t = node(e, n->arg[0])->type, *vt = node(e, n->arg[1])->type;
  if (vt->rank == 0) {
    line_start(e);
    if (!put_at_pointer(e, r)) put_element(e, n->arg[0], n->nargs - 2, n->arg + 2);
    put_increment(e, n->arg[1]);
    line_end(e, ";");
    return;
  }
  const char *to = array_text(e, n->arg[0]);
  uint32_t scope = scope_open(e);
  if (n->nargs > 2) {
    to = row_text(e, to, t, n->nargs - 2, n->arg + 2);
    const char *row = c_fresh(e, "row");
    line_start(e);
    putf(e, "{ %s *const %s = %s;\n", c_type(e->f, t->elem, true), row, to);
    e->fn->indent++;
    to = row;
  }
  const char *i = each(e, vt);
  putf(e, "%s[%s] += %s[%s]", to, i, array_text(e, n->arg[1]), i);
  line_end(e, ";");
  if (n->nargs > 2) block_close(e);
  scope_close(e, scope);
}

void emit_view(Emit *e, Ref r) {
  const Node *n = node(e, r);
  Info *x = info(e, r);
  if (n->op == IR_RESHAPE) {
    if (x->buffer) copy_into(e, x->buffer, n->arg[0]);
    return;
  }
  const Type *t = node(e, n->arg[0])->type;
  if (x->buffer) {
    const char *from = row_text(e, array_text(e, n->arg[0]), t, n->nargs - 1, n->arg + 1);
    copy_array(e, ref_buffer(e, x->buffer), from, n->type);
    return;
  }
  bool fixed = true;
  for (uint32_t k = 1; k < n->nargs; k++) fixed &= node(e, n->arg[k])->op == IR_CONST;
  if (fixed && e->cut[n->region]) return;
  const char *name = c_fresh(e, n->name ? n->name : "row");
  line_start(e);
  putf(e, "const %s *const %s = ", c_type(e->f, n->type->elem, true), name);
  if (!put_row_at_pointer(e, r))
    put_row(e, array_text(e, n->arg[0]), t, n->nargs - 1, n->arg + 1);
  line_end(e, ";");
  x->cname = name;
  x->home = e->fn->id;
}

/* ---- constant arrays ------------------------------------------------------------- */

/* A name with the address: libtcc cuts one that stands in an expression with literal subscripts
 * down to 32 bits. */
static const char *data_address(Emit *e, const Node *n, int64_t size) {
  const void *at = n->aux.data;
  if (e->f->real_float && n->type->elem == ELEM_REAL) {
    float *copy = NEWN(e->c, float, size ? size : 1);
    for (int64_t k = 0; k < size; k++) copy[k] = (float)((const double *)at)[k];
    at = copy;
  }
  const char *name = str_printf(e->c, "%s_data%u", e->cname, ++e->f->ndata);
  const char *type = c_type(e->f, n->type->elem, true);
  buf_printf(&e->f->data, "static const %s *const %s = (const %s *)0x%" PRIxPTR "LL;\n", type, name,
             type, (uintptr_t)at);
  return name;
}

static const char *data_array(Emit *e, const Node *n, int64_t size) {
  const char *name = str_printf(e->c, "%s_data%u", e->cname, ++e->f->ndata);
  Fn plain = {0}, *saved = e->fn;
  buf_init(&plain.body, e->c);
  e->fn = &plain;
  putf(e, "static const %s %s[%" PRId64 "] = {", c_type(e->f, n->type->elem, true), name,
       size ? size : 1);
  for (int64_t k = 0; k < size; k++) {
    put(e, k % 8 ? ", " : k ? ",\n  " : "\n  ");
    if (n->type->elem == ELEM_REAL) put_real(e, ((const double *)n->aux.data)[k], PREC_ANY);
    else put_int(e, ((const int64_t *)n->aux.data)[k], PREC_ANY);
  }
  put(e, size ? "\n};\n\n" : "0};\n\n");
  e->fn = saved;
  buf_add(&e->f->data, buf_text(&plain.body), plain.body.n);
  return name;
}

const char *data_text(Emit *e, Ref r) {
  const Node *n = node(e, r);
  int64_t size = 0;
  size_is_const(array_size(e, n->type), &size);
  info(e, r)->home = GLOBAL;
  bool address = e->f->jit && !e->f->data_in_text;
  return info(e, r)->cname = address ? data_address(e, n, size) : data_array(e, n, size);
}
