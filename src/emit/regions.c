/* regions.c - a region as statements, in order; cut ones piece by piece. */
#include "emit/private.h"

const char *want_name(Emit *e, Ref r, const char *otherwise) {
  const char *name = node(e, r)->name;
  if (name) return name;
  return otherwise ? otherwise : str_printf(e->c, "t%u", ++e->ntemps);
}

/* Names of buffers: that of a node stored in it, or what makes it. */
static const char *buffer_name(Emit *e, const Buffer *b, const char *otherwise) {
  const Node *n = node(e, b->root);
  return n->name ? n->name : otherwise;
}

void declare_locals(Emit *e, Region *r) {
  for (uint32_t k = e->locals[r->id]; k; k = e->buffers.at[k].next_made) {
    Buffer *b = &e->buffers.at[k];
    int64_t n = 1;
    size_is_const(b->size, &n);
    b->cname = c_fresh(e, buffer_name(e, b, "a"));
    b->home = e->fn->id;
    e->fn->bytes += (uint64_t)n * 8;
    line(e, "%s %s[%lld];", c_type(e->f, b->type->elem, true), b->cname, (long long)n);
  }
}

static void make_row(Emit *e, Buffer *b) {
  b->cname = c_fresh(e, buffer_name(e, b, "row"));
  b->home = e->fn->id;
  line_start(e);
  putf(e, "%s *const %s = %s", c_type(e->f, b->type->elem, true), b->cname,
       ref_buffer(e, b->parent));
  if (b->part) {
    putf(e, " + %u*", b->part);
    put_size(e, b->size, PREC_UNARY);
  }
  line_end(e, ";");
}

static void make_temp(Emit *e, uint32_t k) {
  Buffer *b = &e->buffers.at[k];
  const char *type = c_type(e->f, b->type->elem, true);
  if (!b->kept) {
    b->cname = c_fresh(e, buffer_name(e, b, "a"));
    b->home = e->fn->id;
  }
  const char *host = ref_host(e);
  use_function(e->f, "gc_temp", "void *gc_temp(void *, double);");
  line_start(e);
  if (b->kept) putf(e, "%s[%u] = (int64_t)", ref_buffer(e, e->keep[1][b->region->id]), b->kept - 1);
  else putf(e, "%s *const %s = ", type, b->cname);
  putf(e, "gc_temp(%s, (double)(", host);
  put_size(e, b->size, PREC_ANY);
  putf(e, ") * (double)sizeof(%s))", type);
  line_end(e, ";");
  line(e, "if (!%s) return 1;", ref_buffer(e, k));
  e->fn->fails = true;
}

static void make_buffers(Emit *e, Ref r) {
  uint32_t list = info(e, r)->made_before;
  for (uint32_t k = list; k; k = e->buffers.at[k].next_made)
    if (e->buffers.at[k].kind == BUF_TEMP) make_temp(e, k);
  for (uint32_t k = list; k; k = e->buffers.at[k].next_made)
    if (e->buffers.at[k].kind == BUF_ROW && !e->cut[e->buffers.at[k].region->id])
      make_row(e, &e->buffers.at[k]);
}

void define_scalar(Emit *e, Ref r) {
  Info *x = info(e, r);
  line_start(e);
  x->cname = c_fresh(e, want_name(e, r, NULL));
  x->home = e->fn->id;
  putf(e, "const %s %s = ", c_type(e->f, node(e, r)->type->elem, false), x->cname);
  x->inlined = true;
  put_expr(e, r, PREC_ANY);
  x->inlined = false;
  line_end(e, ";");
  if (x->keep) line(e, "%s = %s;", ref_keep(e, r), x->cname);
  else if (x->uses == 0) line(e, "(void)%s;", x->cname);
}

/* Does the node need no text where it stands? */
static bool is_silent(const Emit *e, Ref r) {
  const Info *x = info(e, r);
  uint16_t op = node(e, r)->op;
  return !x->need || x->inlined || x->lazy || is_mute(e, r) || op == IR_CONST || op == IR_DATA || op == IR_PROJ;
}

void emit_node(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const Info *x = info(e, r);
  if (is_silent(e, r)) return;
  comment_for(e, n);
  make_buffers(e, r);
  if (n->nregions) {
    emit_structured(e, r);
    return;
  }
  emit_checks(e, r);
  switch (n->op) {
    case IR_PRIM: case IR_TOREAL: case IR_TOINT: define_scalar(e, r); break;
    case IR_READ:
      if (is_array(n)) emit_view(e, r);
      else define_scalar(e, r);
      break;
    case IR_RESHAPE: emit_view(e, r); break;
    case IR_STACK: emit_stack(e, r); break;
    case IR_WITH: emit_with(e, r); break;
    case IR_FILL: fill_array(e, ref_buffer(e, x->buffer), n->type, n->arg[0]); break;
    case IR_UPD: emit_upd(e, r); break;
    case IR_CHECK: emit_check(e, r); break;
    case IR_TRACE: case IR_PRINT: case IR_ASSERT:
      if (!x->effect) break;
      if (e->f->jit) emit_effect(e, r);
      else emit_trace(e, r);
      break;
    default: internal_error(e->c, "emission of operator %d", n->op);
  }
}

/* Is the node written without a loop? */
static bool is_scalar_code(const Emit *e, Ref r) {
  const Node *n = node(e, r);
  if (n->nregions) return false;
  if (n->op == IR_STACK || n->op == IR_UPD)
    return is_scalar(node(e, n->arg[n->op == IR_STACK ? 0 : 1]));
  return n->op == IR_CHECK || is_scalar(n) || (is_view(n) && !info(e, r)->buffer);
}

static void emit_pieces(Emit *e, Region *r) {
  uint32_t open = 0;
  uint32_t scope = scope_open(e);
  Parts *parts = parts_open(e);
  for (uint32_t k = 0; k < order_of(e, r)->n; k++) {
    const Info *x = info(e, order_of(e, r)->at[k]);
    if (is_silent(e, order_of(e, r)->at[k])) continue;
    if (x->chunk && x->chunk != open) {
      if (open) {
        fn_close(e);
        scope_close(e, scope);
      }
      open = x->chunk;
      part_open(e, parts, str_printf(e->c, "%s_part%u", e->cname, open));
    }
    if (open) e->fn->mixed |= !is_scalar_code(e, order_of(e, r)->at[k]);
    emit_node(e, order_of(e, r)->at[k]);
  }
  if (open) fn_close(e);
  parts_close(e, parts);
  scope_close(e, scope);
}

void emit_region(Emit *e, Region *r) {
  declare_locals(e, r);
  if (e->cut[r->id]) {
    emit_pieces(e, r);
    return;
  }
  open_addresses_in(e, r);
  for (uint32_t k = 0; k < order_of(e, r)->n; k++) emit_node(e, order_of(e, r)->at[k]);
}
