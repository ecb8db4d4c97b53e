/* index.c - A[i], A[:, j], x[a:b], x[idx]: elements and slabs are one read, everything
 * else a loop of reads over the axes that are left.
 *
 * What is known to be out of range is an error at once; reads that are not plainly in
 * range are marked to be checked when they run. */
#include "elaborate/private.h"

/* ---- one subscript ------------------------------------------------------ */

static bool is_negative_literal(const Ast *a) {
  return a->kind == AST_UNARY && a->op == OP_NEG && a->kid[0]->kind == AST_INT;
}

static _Noreturn void fail_range(Elab *e, Span at, int64_t i, Size size, uint32_t axis) {
  int64_t n;
  const char *help =
      "an index runs from 0 to the size less 1; a negative literal counts from the end";
  if (size_is_const(size, &n) && n == 0) help = "the array is empty";
  fail_at(e->c, at, help, "index %lld is out of range: axis %u has size %s", (long long)i, axis,
          size_name(e, size));
}

/* The index as it counts from the front. */
static Ref count_from_front(Elab *e, const Ast *a, Ref r, Size size, uint32_t axis) {
  double x;
  int64_t n;
  if (!is_negative_literal(a) || !ir_is_const(e->p, r, &x)) return r;
  if (size_is_const(size, &n) && n + (int64_t)x < 0) fail_range(e, a->span, (int64_t)x, size, axis);
  return size_ref(e, size_add(e->p, size, size_const(e->p, (int64_t)x)));
}

static Ref int_subscript(Elab *e, const Val *v, const Ast *a) {
  if (v->kind == VAL_NODE && val_type(e, v)->elem == ELEM_BOOL)
    fail_at(e->c, a->span, "a sum takes a condition: sum(if c[i] then x[i] else 0 for i)",
            "an array is not indexed by bools");
  if (v->kind == VAL_NODE && val_type(e, v)->elem == ELEM_REAL)
    fail_at(e->c, a->span, "int(e) makes an int of a real", "an index is an int, not %s",
            val_type_text(e, v));
  return val_int(e, v, a->span);
}

/* x <= y, now or when it runs. */
static void need_order(Elab *e, Size x, Size y, Span at, const char *text) {
  int64_t gap;
  Size room = size_sub(e->p, y, x);
  if (size_is_const(room, &gap)) {
    if (gap < 0)
      fail_at(e->c, at, "a slice a:b has 0 <= a <= b <= the size of its axis", "%s: %s > %s", text,
              size_name(e, x), size_name(e, y));
  } else if (!size_nonneg(e->p, room)) {
    elab_check(e, ir_prim2(e->p, P_LE, size_ref(e, x), size_ref(e, y)), at, "%s: %s > %s", text,
               size_name(e, x), size_name(e, y));
  }
}

static Size slice_end(Elab *e, const Ast *a, const Val *const **v, Size size, Size otherwise,
                      uint32_t axis) {
  if (!a) return otherwise;
  Ref r = int_subscript(e, *(*v)++, a);
  if (ir_type(e->p, r)->rank)
    fail_at(e->c, a->span, "x[idx] with an array of ints takes several elements",
            "the bound of a slice is one int, not an array");
  return size_of(e, count_from_front(e, a, r, size, axis));
}

static Sub slice_subscript(Elab *e, const Ast *a, const Val *const **v, Size size, uint32_t axis) {
  Size zero = size_const(e->p, 0);
  Sub s = {.kind = SUB_SLICE, .span = a->span, .whole = !a->kid[0] && !a->kid[1]};
  Size from = slice_end(e, a->kid[0], v, size, zero, axis);
  Size to = slice_end(e, a->kid[1], v, size, size, axis);
  if (!s.whole) {
    need_order(e, zero, from, a->span, "the slice starts before its axis");
    need_order(e, from, to, a->span, "the slice ends before it starts");
    need_order(e, to, size, a->span, "the slice goes past the end of its axis");
  }
  s.at = size_ref(e, from);
  s.length = size_sub(e->p, to, from);
  return s;
}

/* Reads subscripts a->kid[first…] against the axes of `base`; gives their number. */
uint32_t subs_read(Elab *e, Ref base, const Ast *a, uint32_t first, const Val *const *v, Sub *sub) {
  const Type *t = ir_type(e->p, base);
  uint32_t n = a->nkids - first;
  if (n > t->rank)
    fail_at(e->c, a->span, "give one subscript for each axis at most; `:` takes all of an axis",
            "%s has %u ax%s and is given %u subscript%s",
            type_name(e, t), t->rank, t->rank == 1 ? "is" : "es", n, n == 1 ? "" : "s");
  for (uint32_t k = 0; k < n; k++) {
    const Ast *s = a->kid[first + k];
    if (s->kind == AST_SLICE) {
      sub[k] = slice_subscript(e, s, &v, t->dim[k], k);
      continue;
    }
    Ref r = int_subscript(e, *v++, s);
    bool one = ir_type(e->p, r)->rank == 0;
    if (one) r = count_from_front(e, s, r, t->dim[k], k);
    sub[k] = (Sub){.kind = one ? SUB_AT : SUB_GATHER, .at = r, .span = s->span};
  }
  while (n && sub[n - 1].kind == SUB_SLICE && sub[n - 1].whole) n--;
  return n;
}

/* ---- reading ------------------------------------------------------------ */

Ref elab_read(Elab *e, Ref a, uint32_t n, const Ref *index, Span at) {
  const Type *t = ir_type(e->p, a);
  bool sure = true;
  for (uint32_t k = 0; k < n; k++) {
    double x;
    int64_t size;
    bool known = ir_is_const(e->p, index[k], &x);
    if (known && (x < 0 || (size_is_const(t->dim[k], &size) && x >= (double)size)))
      fail_range(e, at, (int64_t)x, t->dim[k], k);
    sure &= index_in_range(e, index[k], t->dim[k]);
  }
  elab_place(e, at);
  return ir_read(e->p, a, n, index, !sure && !e->c->opt.unchecked);
}

/* Axes of the result: those of slices, of the gathering arrays (together, where the
 * first of them stands), and what no subscript touches. */
typedef struct Plan {
  uint32_t rank, gathered;  /* axes; the first of the gathers' own */
  Size dim[2 * MAX_RANK];
  uint32_t axis[MAX_RANK];  /* of each subscript's first result axis */
  const Type *gather;       /* the gathering arrays' shape, or NULL */
} Plan;

static void plan_gather(Elab *e, Plan *p, const Sub *s) {
  const Type *t = ir_type(e->p, s->at);
  if (!p->gather) {
    p->gather = t;
    p->gathered = p->rank;
    for (uint32_t k = 0; k < t->rank; k++) p->dim[p->rank++] = t->dim[k];
    return;
  }
  if (t->rank != p->gather->rank)
    fail_at(e->c, s->span, "give all of them one shape",
            "arrays of indices go together and have one shape: %s and %s",
            type_name(e, p->gather), type_name(e, t));
  for (uint32_t k = 0; k < t->rank; k++)
    sizes_agree(e, p->gather->dim[k], t->dim[k], s->span, "arrays of indices");
}

static void plan_axes(Elab *e, Plan *p, Ref base, uint32_t n, const Sub *sub) {
  const Type *t = ir_type(e->p, base);
  for (uint32_t k = 0; k < t->rank; k++) {
    if (k < MAX_RANK) p->axis[k] = p->rank;
    if (k >= n) p->dim[p->rank++] = t->dim[k];
    else if (sub[k].kind == SUB_SLICE) p->dim[p->rank++] = sub[k].length;
    else if (sub[k].kind == SUB_GATHER) plan_gather(e, p, &sub[k]);
    if (p->rank > MAX_RANK)
      fail_at(e->c, e->p->pos, NULL, "an array has at most %d axes", MAX_RANK);
  }
}

/* The subscript of axis k at the result's `index`. */
static Ref axis_index(Elab *e, const Plan *p, const Sub *s, uint32_t k, const Ref *index) {
  switch (s->kind) {
  case SUB_AT: return s->at;
  case SUB_SLICE: return ir_add(e->p, s->at, index[p->axis[k]]);
  default:
    return ir_read(e->p, s->at, p->gather->rank, index + p->gathered, false);
  }
}

static Ref read_plan(Elab *e, Ref base, uint32_t n, const Sub *sub, Span at) {
  Prog *p = e->p;
  const Type *t = ir_type(p, base);
  Plan plan = {0};
  bool sure = true;
  Ref extent[MAX_RANK], index[MAX_RANK], from[MAX_RANK];
  plan_axes(e, &plan, base, n, sub);
  for (uint32_t k = 0; k < n; k++) {
    double x;
    int64_t size;
    if (sub[k].kind == SUB_AT && ir_is_const(p, sub[k].at, &x) &&
        (x < 0 || (size_is_const(t->dim[k], &size) && x >= (double)size)))
      fail_range(e, sub[k].span, (int64_t)x, t->dim[k], k);
    sure &= sub[k].kind == SUB_SLICE ||
            (sub[k].kind == SUB_AT && index_in_range(e, sub[k].at, t->dim[k]));
  }
  elab_place(e, at);
  for (uint32_t k = 0; k < plan.rank; k++) extent[k] = size_ref(e, plan.dim[k]);
  Region *body = ir_begin_loop(p, plan.rank, extent, index);
  for (uint32_t k = 0; k < t->rank; k++)
    from[k] = k < n ? axis_index(e, &plan, &sub[k], k, index) : index[plan.axis[k]];
  ir_result(p, ir_read(p, base, t->rank, from, !sure && !e->c->opt.unchecked));
  ir_end(p);
  Combiner comb = BUILD;
  return ir_out(p, ir_loop(p, plan.rank, extent, body, &comb), 0);
}

static const Val *index_node(Elab *e, const Ast *a, Ref base, const Val *const *v) {
  Sub sub[MAX_RANK];
  Ref index[MAX_RANK];
  if (ir_type(e->p, base)->rank == 0)
    fail_at(e->c, a->span, "only arrays are indexed; write the name without [ ]",
            "a scalar has no parts: it is %s",
            type_name(e, ir_type(e->p, base)));
  uint32_t n = subs_read(e, base, a, 1, v, sub);
  bool elements = true;
  for (uint32_t k = 0; k < n; k++) {
    elements &= sub[k].kind == SUB_AT;
    index[k] = sub[k].at;
  }
  if (n == 0) return val_node(e, base);
  Span at = n == 1 ? sub[0].span : a->span;
  return val_node(e, elements ? elab_read(e, base, n, index, at)
                              : read_plan(e, base, n, sub, a->span));
}

static bool all_arrays(Elab *e, const Val *v) {
  if (v->kind == VAL_NODE) return val_type(e, v)->rank > 0;
  if (v->kind != VAL_TUPLE && v->kind != VAL_RECORD) return v->kind == VAL_NONE;
  for (uint32_t k = 0; k < v->n; k++)
    if (!all_arrays(e, v->kid[k])) return false;
  return true;
}

/* A tuple of arrays is indexed part by part: it is an array of tuples as well. */
static const Val *index_value(Elab *e, const Ast *a, const Val *base, const Val *const *v) {
  if (base->kind == VAL_NONE) return base;
  if (base->kind == VAL_NODE) return index_node(e, a, base->ref, v);
  const Val **kid = NEWN(e->c, const Val *, base->n);
  for (uint32_t k = 0; k < base->n; k++) kid[k] = index_value(e, a, base->kid[k], v);
  return base->kind == VAL_TUPLE ? val_tuple(e, base->n, kid)
                                 : val_record(e, base->n, base->field, kid);
}

const Val *apply_index(Elab *e, const Ast *a, const Val *const *v, uint32_t n) {
  (void)n;
  if (v[0]->kind == VAL_FUNC)
    fail_at(e->c, a->span, "a function is called with ( )", "a function has no parts");
  if (!all_arrays(e, v[0]))
    fail_at(e->c, a->span,
            v[0]->kind == VAL_RECORD ? "a field is read as p.W"
            : v[0]->kind == VAL_TUPLE ? "take it apart: (a, b) = e" : NULL,
            "%s is not indexed", val_type_text(e, v[0]));
  return index_value(e, a, v[0], v + 1);
}

/* ---- fields ------------------------------------------------------------- */

_Noreturn static void fail_field(Elab *e, const Ast *a, const Val *v) {
  if (v->kind != VAL_RECORD)
    fail_at(e->c, a->name_span.file ? a->name_span : a->span,
            "only records have fields: p = (a = 1, b = 2), then p.a",
            "%s has no field `%s`", val_type_text(e, v), a->name);
  Buf b;
  buf_init(&b, e->c);
  for (uint32_t k = 0; k < v->n; k++) buf_printf(&b, "%s%s", k ? ", " : "", v->field[k]);
  const char *near = nearest_word(a->name, v->field, v->n);
  fail_at(e->c, a->name_span,
          near ? str_printf(e->c, "did you mean `%s`? The fields are: %s", near, buf_text(&b))
               : str_printf(e->c, "the fields are: %s", buf_text(&b)),
          "there is no field `%s`", a->name);
}

const Val *apply_get(Elab *e, const Ast *a, const Val *v) {
  if (v->kind == VAL_RECORD) {
    for (uint32_t k = 0; k < v->n; k++)
      if (v->field[k] == a->name) return v->kid[k];
  } else if (v->kind == VAL_NONE) {
    return v;
  } else if (strcmp(a->name, "T") == 0) {
    return elab_transpose(e, v, a->span);
  }
  fail_field(e, a, v);
}

const Val *apply_with_field(Elab *e, const Ast *a, const Val *const *v, uint32_t n) {
  (void)n;
  const Val *base = v[0];
  uint32_t at = 0;
  while (base->kind == VAL_RECORD && at < base->n && base->field[at] != a->name) at++;
  if (base->kind != VAL_RECORD || at == base->n) fail_field(e, a, base);
  const Val **kid = NEWN(e->c, const Val *, base->n);
  memcpy(kid, base->kid, base->n * sizeof *kid);
  kid[at] = v[1];
  return val_record(e, base->n, base->field, kid);
}
