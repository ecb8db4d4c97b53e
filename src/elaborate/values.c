/* values.c - values of the language: their leaves, their types in words, and making two
 * of them alike.
 *
 * Scalars and arrays are nodes; tuples, records, functions and `none` exist only here.
 * Walks over a value recurse: a value nests no deeper than its type is written. */
#include "elaborate/private.h"

#include <stdlib.h>

/* ---- making ------------------------------------------------------------- */

const Val *val_node(Elab *e, Ref r) {
  Val *v = NEW(e->c, Val);
  v->kind = VAL_NODE;
  v->ref = r;
  return v;
}

const Val *val_none(Elab *e, const char *why) {
  Val *v = NEW(e->c, Val);
  v->kind = VAL_NONE;
  v->why = why;
  return v;
}

static Val *val_parts(Elab *e, ValKind kind, uint32_t n, const Val *const *kid) {
  Val *v = NEW(e->c, Val);
  v->kind = kind;
  v->n = n;
  v->kid = NEWN(e->c, const Val *, n);
  if (n) memcpy(v->kid, kid, n * sizeof *kid);
  for (uint32_t k = 0; k < n; k++)
    if (v->depth <= kid[k]->depth) v->depth = kid[k]->depth + 1;
  uint32_t most = e->c->limits.depth;
  if (most && v->depth > most)
    fail_at(e->c, e->p->pos, "take parts out of it by pattern, or use an array",
            "tuples are nested too deeply (more than %u in one another)", most);
  return v;
}

const Val *val_tuple(Elab *e, uint32_t n, const Val *const *kid) {
  return val_parts(e, VAL_TUPLE, n, kid);
}

const Val *val_record(Elab *e, uint32_t n, const char *const *field, const Val *const *kid) {
  Val *v = val_parts(e, VAL_RECORD, n, kid);
  v->field = NEWN(e->c, const char *, n);
  if (n) memcpy(v->field, field, n * sizeof *field);
  return v;
}

/* ---- leaves ------------------------------------------------------------- */

typedef VEC(const Val *) Leaves;

static void add_leaves(Elab *e, const Val *v, Leaves *out) {
  if (v->kind == VAL_TUPLE || v->kind == VAL_RECORD)
    for (uint32_t k = 0; k < v->n; k++) add_leaves(e, v->kid[k], out);
  else
    VEC_PUSH(e->c, out, v);
}

uint32_t val_leaves(Elab *e, const Val *v, const Val ***leaves) {
  Leaves out = {0};
  add_leaves(e, v, &out);
  *leaves = out.at;
  return out.n;
}

static const Val *rebuild(Elab *e, const Val *like, const Val *const **leaves) {
  if (like->kind != VAL_TUPLE && like->kind != VAL_RECORD) return *(*leaves)++;
  const Val **kid = NEWN(e->c, const Val *, like->n);
  for (uint32_t k = 0; k < like->n; k++) kid[k] = rebuild(e, like->kid[k], leaves);
  return like->kind == VAL_TUPLE ? val_tuple(e, like->n, kid)
                                 : val_record(e, like->n, like->field, kid);
}

const Val *val_rebuild(Elab *e, const Val *like, const Val *const *leaves) {
  return rebuild(e, like, &leaves);
}

const Shape *val_shape(Elab *e, const Val *v) {
  Shape *s = NEW(e->c, Shape);
  s->kind = v->kind == VAL_TUPLE ? SHAPE_TUPLE : v->kind == VAL_RECORD ? SHAPE_RECORD
            : v->kind == VAL_NONE ? SHAPE_NONE : SHAPE_LEAF;
  s->why = v->why;
  if (s->kind != SHAPE_TUPLE && s->kind != SHAPE_RECORD) return s;
  s->n = v->n;
  s->field = v->field;
  s->kid = NEWN(e->c, Shape *, v->n);
  for (uint32_t k = 0; k < v->n; k++) s->kid[k] = (Shape *)(uintptr_t)val_shape(e, v->kid[k]);
  return s;
}

bool val_is_scalar(Elab *e, const Val *v) {
  return v->kind == VAL_NONE || (v->kind == VAL_NODE && ir_type(e->p, v->ref)->rank == 0);
}

bool val_has_function(const Val *v) {
  if (v->kind == VAL_FUNC) return true;
  if (v->kind != VAL_TUPLE && v->kind != VAL_RECORD) return false;
  for (uint32_t k = 0; k < v->n; k++)
    if (val_has_function(v->kid[k])) return true;
  return false;
}

const Type *val_type(Elab *e, const Val *v) {
  return ir_type(e->p, v->ref);
}

/* ---- in words ----------------------------------------------------------- */

/* A node without a name as the program writes it.  What is read by one subscript has the
 * subscript's place. */
static const char *node_words(Elab *e, const Node *n) {
  enum { LONG = 40 };
  const char *source = span_text(e, n->pos);
  if (!*source || strlen(source) > LONG || strchr(source, '\n')) return "?";
  if (n->op != IR_READ || n->nargs != 2) return source;
  const char *array = ir_node(e->p, n->arg[0])->name;
  return array ? str_printf(e->c, "%s[%s]", array, source) : "?";
}

/* The text of a size or type, for people. */
static const char *in_words(Elab *e, const char *text) {
  Buf out;
  buf_init(&out, e->c);
  while (*text) {
    char *end = NULL;
    unsigned long r = *text == '%' ? strtoul(text + 1, &end, 10) : 0;
    bool unnamed = r && r < e->p->nnodes;
    if (unnamed) buf_puts(&out, node_words(e, ir_node(e->p, (Ref)r)));
    else buf_add(&out, text, 1);
    text = unnamed ? end : text + 1;
  }
  return buf_text(&out);
}

const char *type_name(Elab *e, const Type *t) {
  Buf b;
  buf_init(&b, e->c);
  type_text(e->p, t, &b);
  return in_words(e, buf_text(&b));
}

const char *size_name(Elab *e, Size s) {
  Buf b;
  buf_init(&b, e->c);
  size_text(e->p, s, &b);
  return in_words(e, buf_text(&b));
}

static void type_words(Elab *e, const Val *v, Buf *out) {
  switch (v->kind) {
  case VAL_NODE: buf_puts(out, type_name(e, val_type(e, v))); return;
  case VAL_NONE: buf_puts(out, "none"); return;
  case VAL_FUNC: buf_puts(out, "a function"); return;
  default: break;
  }
  for (uint32_t k = 0; k < v->n; k++) {
    buf_puts(out, k ? ", " : "(");
    if (v->kind == VAL_RECORD) buf_printf(out, "%s: ", v->field[k]);
    type_words(e, v->kid[k], out);
  }
  buf_puts(out, ")");
}

const char *val_type_text(Elab *e, const Val *v) {
  Buf b;
  buf_init(&b, e->c);
  type_words(e, v, &b);
  return buf_text(&b);
}

const char *span_text(Elab *e, Span at) {
  const Source *s = source_get(e->c, at.file);
  if (!s || at.start > at.end || at.end > s->size) return "";
  return intern(e->c, s->text + at.start, at.end - at.start);
}

_Noreturn void fail_note(Elab *e, Span at, const char *help, Span note_at, const char *note,
                         const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  const char *text = str_vprintf(e->c, fmt, args);
  va_end(args);
  diag(e->c, SEV_ERROR, at, "%s", text);
  if (note) diag(e->c, SEV_NOTE, note_at, "%s", note);
  diag_explain(e->c, at);
  if (help) diag(e->c, SEV_HELP, (Span){0}, "%s", help);
  diag_raise(e->c, GC_ERROR);
}

/* ---- element types ------------------------------------------------------ */

const Type *type_with_elem(Elab *e, const Type *t, Elem elem) {
  return t->elem == elem ? t : type_array(e->p, elem, t->rank, t->dim);
}

/* An int array element by element as reals. */
Ref node_to_real(Elab *e, Ref r) {
  Prog *p = e->p;
  const Type *t = ir_type(p, r);
  if (t->elem == ELEM_REAL) return r;
  if (t->elem == ELEM_BOOL) internal_error(e->c, "a bool is not made real");
  if (t->rank == 0) return ir_toreal(p, r);
  Ref extent[MAX_RANK], index[MAX_RANK];
  for (uint32_t k = 0; k < t->rank; k++) extent[k] = size_ref(e, t->dim[k]);
  Region *body = ir_begin_loop(p, t->rank, extent, index);
  ir_result(p, ir_toreal(p, ir_read(p, r, t->rank, index, false)));
  ir_end(p);
  Combiner comb = BUILD;
  return ir_out(p, ir_loop(p, t->rank, extent, body, &comb), 0);
}

static _Noreturn void fail_kind(Elab *e, const Val *v, const char *want, Span at) {
  const char *help = NULL;
  if (v->kind == VAL_FUNC) help = "call it, as in f(x)";
  if (v->kind == VAL_TUPLE) help = "take it apart first: (a, b) = e";
  if (v->kind == VAL_RECORD) help = "name one of its fields, as in p.W";
  fail_at(e->c, at, help, "%s is wanted here, not %s", want, val_type_text(e, v));
}

Ref val_real(Elab *e, const Val *v, Span at) {
  if (v->kind == VAL_NONE) return ir_real(e->p, 0);
  if (v->kind != VAL_NODE) fail_kind(e, v, "a real", at);
  if (val_type(e, v)->elem == ELEM_BOOL)
    fail_at(e->c, at, "write if c then 1 else 0", "a number is wanted here, not %s",
            val_type_text(e, v));
  return node_to_real(e, v->ref);
}

Ref val_int(Elab *e, const Val *v, Span at) {
  if (v->kind == VAL_NONE) return ir_int(e->p, 0);
  if (v->kind != VAL_NODE) fail_kind(e, v, "an int", at);
  if (val_type(e, v)->elem != ELEM_INT)
    fail_at(e->c, at, val_type(e, v)->elem == ELEM_REAL
                          ? "int(e) makes an int of a real (floor and round give reals)"
                          : "write if c then 1 else 0",
            "an int is wanted here, not %s", val_type_text(e, v));
  return v->ref;
}

Ref val_bool(Elab *e, const Val *v, Span at) {
  if (v->kind != VAL_NODE) fail_kind(e, v, "a bool", at);
  if (val_type(e, v)->elem != ELEM_BOOL)
    fail_at(e->c, at, "compare it, as in x != 0", "a bool is wanted here, not %s",
            val_type_text(e, v));
  return v->ref;
}

/* ---- variables of their own --------------------------------------------- */

static const Val *map_leaves(Elab *e, const Val *v, const Val *(*leaf)(Elab *, const Val *)) {
  if (v->kind != VAL_TUPLE && v->kind != VAL_RECORD) return leaf(e, v);
  const Val **kid = NEWN(e->c, const Val *, v->n);
  for (uint32_t k = 0; k < v->n; k++) kid[k] = map_leaves(e, v->kid[k], leaf);
  return v->kind == VAL_TUPLE ? val_tuple(e, v->n, kid) : val_record(e, v->n, v->field, kid);
}

static const Val *leaf_var(Elab *e, const Val *v) {
  if (v->kind != VAL_NODE || val_type(e, v)->elem == ELEM_BOOL) return v;
  return val_node(e, ir_var(e->p, node_to_real(e, v->ref)));
}

static const Val *leaf_var_typed(Elab *e, const Val *v) {
  if (v->kind != VAL_NODE || val_type(e, v)->elem != ELEM_REAL) return v;
  return val_node(e, ir_var(e->p, v->ref));
}

const Val *val_vars(Elab *e, const Val *v) {
  return map_leaves(e, v, leaf_var);
}

const Val *val_vars_typed(Elab *e, const Val *v) {
  return map_leaves(e, v, leaf_var_typed);
}

/* ---- making two alike --------------------------------------------------- */

static bool same_fields(const Val *a, const Val *b, uint32_t *place) {
  for (uint32_t k = 0; k < a->n; k++) {
    place[k] = UINT32_MAX;
    for (uint32_t j = 0; j < b->n; j++)
      if (b->field[j] == a->field[k]) place[k] = j;
    if (place[k] == UINT32_MAX) return false;
  }
  return true;
}

/* none in the structure of `like`. */
static const Val *spread_none(Elab *e, const Val *none, const Val *like) {
  if (like->kind != VAL_TUPLE && like->kind != VAL_RECORD) return none;
  const Val **kid = NEWN(e->c, const Val *, like->n);
  for (uint32_t k = 0; k < like->n; k++) kid[k] = spread_none(e, none, like->kid[k]);
  return like->kind == VAL_TUPLE ? val_tuple(e, like->n, kid)
                                 : val_record(e, like->n, like->field, kid);
}

bool val_align(Elab *e, const Val **a, const Val **b) {
  const Val *x = *a, *y = *b;
  if (x->kind == VAL_NONE) *a = x = spread_none(e, x, y);
  if (y->kind == VAL_NONE) *b = y = spread_none(e, y, x);
  bool parts = x->kind == VAL_TUPLE || x->kind == VAL_RECORD;
  if (!parts) return y->kind != VAL_TUPLE && y->kind != VAL_RECORD;
  if (x->kind != y->kind || x->n != y->n) return false;
  uint32_t *place = NEWN(e->c, uint32_t, x->n);
  for (uint32_t k = 0; k < x->n; k++) place[k] = k;
  if (x->kind == VAL_RECORD && !same_fields(x, y, place)) return false;
  const Val **xs = NEWN(e->c, const Val *, x->n), **ys = NEWN(e->c, const Val *, x->n);
  for (uint32_t k = 0; k < x->n; k++) {
    xs[k] = x->kid[k];
    ys[k] = y->kid[place[k]];
    if (!val_align(e, &xs[k], &ys[k])) return false;
  }
  bool tuple = x->kind == VAL_TUPLE;
  *a = tuple ? val_tuple(e, x->n, xs) : val_record(e, x->n, x->field, xs);
  *b = tuple ? val_tuple(e, x->n, ys) : val_record(e, x->n, x->field, ys);
  return true;
}

static _Noreturn void fail_differ(Elab *e, const Val *a, const Val *b, Span at,
                                  const char *what) {
  fail_at(e->c, at, "both need one type and one size", "%s differ: %s and %s", what,
          val_type_text(e, a),
          val_type_text(e, b));
}

const Type *leaf_join(Elab *e, const Val *a, const Val *b, Span at, const char *what) {
  if (a->kind == VAL_FUNC || b->kind == VAL_FUNC)
    fail_at(e->c, at, "a function is chosen at compile time: call it inside instead",
            "%s cannot be functions", what);
  if (a->kind == VAL_NONE && b->kind == VAL_NONE) return NULL;
  if (a->kind == VAL_NONE) return val_type(e, b);
  if (b->kind == VAL_NONE) return val_type(e, a);
  const Type *x = val_type(e, a), *y = val_type(e, b);
  if (x == y) return x;
  if (x->rank != y->rank || (x->elem == ELEM_BOOL) != (y->elem == ELEM_BOOL))
    fail_differ(e, a, b, at, what);
  Size dim[MAX_RANK];
  for (uint32_t k = 0; k < x->rank; k++) {
    int64_t gap;
    if (size_is_const(size_sub(e->p, x->dim[k], y->dim[k]), &gap) && gap)
      fail_differ(e, a, b, at, what);
    dim[k] = x->dim[k];
  }
  return type_array(e->p, x->elem == y->elem ? x->elem : ELEM_REAL, x->rank, dim);
}

Ref leaf_to_type(Elab *e, const Val *leaf, const Type *t, Span at, const char *what) {
  if (leaf->kind == VAL_NONE) return ir_zero(e->p, t);
  Ref r = leaf->ref;
  if (t->elem == ELEM_REAL) r = node_to_real(e, r);
  const Type *have = ir_type(e->p, r);
  if (have == t) return r;
  for (uint32_t k = 0; k < t->rank; k++) sizes_agree(e, t->dim[k], have->dim[k], at, what);
  return ir_reshape(e->p, r, t);
}

void vals_unify(Elab *e, const Val **a, const Val **b, Span at, const char *what) {
  if (!val_align(e, a, b)) fail_differ(e, *a, *b, at, what);
  const Val **xs, **ys;
  uint32_t n = val_leaves(e, *a, &xs);
  val_leaves(e, *b, &ys);
  for (uint32_t k = 0; k < n; k++) {
    const Type *t = leaf_join(e, xs[k], ys[k], at, what);
    if (!t) continue;
    xs[k] = val_node(e, leaf_to_type(e, xs[k], t, at, what));
    ys[k] = val_node(e, leaf_to_type(e, ys[k], t, at, what));
  }
  *a = val_rebuild(e, *a, xs);
  *b = val_rebuild(e, *b, ys);
}

/* ---- sizes -------------------------------------------------------------- */

Size size_of(Elab *e, Ref int_node) {
  return size_atom(e->p, int_node);
}

Ref size_ref(Elab *e, Size s) {
  return size_node(e->p, s);
}

void elab_check(Elab *e, Ref cond, Span at, const char *fmt, ...) {
  double value;
  bool known = ir_node(e->p, cond)->op == IR_CONST;
  value = known ? (double)ir_node(e->p, cond)->aux.i : 0;
  if (known && value != 0) return;
  va_list args;
  va_start(args, fmt);
  const char *text = str_vprintf(e->c, fmt, args);
  va_end(args);
  if (known) fail_at(e->c, at, NULL, "%s", text);
  elab_place(e, at);
  ir_check(e->p, cond, text);
}

Size sizes_agree(Elab *e, Size a, Size b, Span at, const char *what) {
  if (a == b) return a;
  int64_t gap;
  if (size_is_const(size_sub(e->p, a, b), &gap))
    fail_at(e->c, at, "both sizes must be the same", "the sizes of %s differ: %s and %s", what, size_name(e, a),
            size_name(e, b));
  Ref equal = ir_prim2(e->p, P_EQ, size_ref(e, a), size_ref(e, b));
  elab_check(e, equal, at, "the sizes of %s differ: %s and %s", what, size_name(e, a),
             size_name(e, b));
  return size_is_const(b, &gap) ? b : a;
}

static void check_visible(Elab *e, Size s, Span at, const char *what) {
  for (uint32_t k = 0; k < s->n; k++)
    for (uint32_t j = 0; j < s->mono[k].n; j++)
      if (!ir_in_scope(e->p, s->mono[k].atom[j], e->p->cur))
        fail_at(e->c, at, "compute the size first, outside, and give it a name",
                "the size of %s is known only inside: it is another one each time", what);
}

void need_visible_sizes(Elab *e, const Type *t, Span at, const char *what) {
  for (uint32_t k = 0; k < t->rank; k++) check_visible(e, t->dim[k], at, what);
}

void index_extent(Elab *e, Ref index, Size extent) {
  Ctx *c = e->c;
  IndexEntry *x = NEW(c, IndexEntry);
  x->index = index;
  x->extent = extent;
  HASH_ADD(hh, e->st->indexes, index, sizeof x->index, x);
}

bool index_in_range(Elab *e, Ref index, Size size) {
  int64_t n;
  const Node *node = ir_node(e->p, index);
  if (node->op == IR_CONST)
    return node->aux.i >= 0 && size_is_const(size, &n) && node->aux.i < n;
  IndexEntry *x = NULL;
  HASH_FIND(hh, e->st->indexes, &index, sizeof index, x);
  return x && x->extent == size;
}
