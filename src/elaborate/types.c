/* types.c - types as written: names of types expanded, sizes as polynomials over names.
 *
 * Sizes live in a program of their own (st->names) whose int parameters are the size
 * names, so that they have the normal form of all sizes. */
#include "elaborate/private.h"

/* What the parameters of a `type` stand for while its right side is read. */
typedef struct Actuals {
  const Ast *params;
  Size *value;
} Actuals;

typedef struct Resolve {
  Elab *e;
  const Module *home;
  uint32_t depth;
} Resolve;

enum { DEEPEST = 200 };

Ref size_name_atom(Elab *e, const char *name) {
  Ctx *c = e->c;
  ElabState *st = e->st;
  SizeName *found = NULL;
  HASH_FIND_PTR(st->size_names, &name, found);
  if (found) return found->atom;
  found = NEW(c, SizeName);
  found->name = name;
  found->atom = ir_param(st->names, type_scalar(st->names, ELEM_INT));
  ir_node(st->names, found->atom)->name = name;
  while (st->size_name_of.n <= found->atom) VEC_PUSH(c, &st->size_name_of, NULL);
  st->size_name_of.at[found->atom] = name;
  HASH_ADD_PTR(st->size_names, name, found);
  return found->atom;
}

const char *size_atom_name(Elab *e, Ref atom) {
  return e->st->size_name_of.at[atom];
}

/* ---- sizes -------------------------------------------------------------- */

static Size size_expr(Resolve *r, const Actuals *actual, const Ast *a);

static _Noreturn void fail_size(Resolve *r, const Ast *a) {
  fail_at(r->e->c, a->span, "for example real[n], real[2*n + 1], real[d*(d - 1)/2]",
          "a size is made of names and whole numbers by + - * / and ^");
}

static Size size_of_name(Resolve *r, const Actuals *actual, const Ast *a) {
  for (uint32_t k = 0; actual && k < actual->params->nkids; k++)
    if (actual->params->kid[k]->name == a->name) return actual->value[k];
  return size_atom(r->e->st->names, size_name_atom(r->e, a->name));
}

static Size size_power(Resolve *r, Size base, Size power, const Ast *a) {
  int64_t n;
  enum { MOST = 16 };
  if (!size_is_const(power, &n) || n < 0 || n > MOST)
    fail_at(r->e->c, a->kid[1]->span, NULL, "a power in a size is a number from 0 to %d", MOST);
  Size s = size_const(r->e->st->names, 1);
  while (n-- > 0) s = size_mul(r->e->st->names, s, base);
  return s;
}

static Size size_binary(Resolve *r, const Actuals *actual, const Ast *a) {
  Prog *p = r->e->st->names;
  Size x = size_expr(r, actual, a->kid[0]), y = size_expr(r, actual, a->kid[1]);
  int64_t n;
  switch (a->op) {
  case OP_ADD: return size_add(p, x, y);
  case OP_SUB: return size_sub(p, x, y);
  case OP_MUL: return size_mul(p, x, y);
  case OP_POW: return size_power(r, x, y, a);
  case OP_DIV:
  case OP_FLOORDIV:
    if (!size_is_const(y, &n) || n == 0)
      fail_at(r->e->c, a->kid[1]->span, NULL, "a size is divided by a number alone");
    return size_scale(p, x, 1, n);
  default: fail_size(r, a);
  }
}

static Size size_expr(Resolve *r, const Actuals *actual, const Ast *a) {
  if (++r->depth > DEEPEST) fail_at(r->e->c, a->span, NULL, "this size is nested too deeply");
  Prog *p = r->e->st->names;
  Size s;
  p->pos = a->span;
  switch (a->kind) {
  case AST_INT: s = size_const(p, a->i); break;
  case AST_NAME: s = size_of_name(r, actual, a); break;
  case AST_BINARY: s = size_binary(r, actual, a); break;
  case AST_UNARY:
    if (a->op != OP_NEG) fail_size(r, a);
    s = size_scale(p, size_expr(r, actual, a->kid[0]), -1, 1);
    break;
  default: fail_size(r, a);
  }
  r->depth--;
  return s;
}

/* ---- types -------------------------------------------------------------- */

static TypeExpr *resolve(Resolve *r, const Actuals *actual, const Ast *a);

static TypeExpr *scalar(Resolve *r, Elem elem, Span at) {
  TypeExpr *t = NEW(r->e->c, TypeExpr);
  t->kind = TYPE_ARRAY;
  t->elem = elem;
  t->at = at;
  return t;
}

static _Noreturn void fail_type(Resolve *r, const Ast *a) {
  VEC(const char *) words = {0};
  static const char *const basic[] = {"real", "int", "bool"};
  for (int k = 0; k < 3; k++) VEC_PUSH(r->e->c, &words, basic[k]);
  for (const Named *d = r->home->types; d; d = d->hh.next) VEC_PUSH(r->e->c, &words, d->name);
  const char *near = nearest_word(a->name, words.at, words.n);
  fail_at(r->e->c, a->name_span,
          near ? str_printf(r->e->c, "did you mean `%s`?", near)
               : "types are real, int, bool and those that `type` names",
          "unknown type `%s`", a->name);
}

static TypeExpr *resolve_typedef(Resolve *r, const Actuals *outer, const Ast *a, const Ast *def) {
  const Ast *params = def->kid[0];
  if (params->nkids != a->nkids)
    fail_note(r->e, a->span, NULL, def->name_span, "it is defined here",
              "type `%s` takes %u size%s, not %u", a->name, params->nkids,
              params->nkids == 1 ? "" : "s", a->nkids);
  Actuals actual = {params, NEWN(r->e->c, Size, params->nkids)};
  for (uint32_t k = 0; k < a->nkids; k++) actual.value[k] = size_expr(r, outer, a->kid[k]);
  TypeExpr *t = resolve(r, &actual, def->kid[1]);
  t->at = a->span;
  return t;
}

static TypeExpr *resolve_name(Resolve *r, const Actuals *actual, const Ast *a) {
  const Named *d = module_type(r->home, a->name);
  if (d) return resolve_typedef(r, actual, a, d->def);
  if (strcmp(a->name, "real") == 0) return scalar(r, ELEM_REAL, a->span);
  if (strcmp(a->name, "int") == 0) return scalar(r, ELEM_INT, a->span);
  if (strcmp(a->name, "bool") == 0) return scalar(r, ELEM_BOOL, a->span);
  fail_type(r, a);
}

/* One more axis in front of every array in t, from the last size to the first. */
static void add_axis(Resolve *r, TypeExpr *t, Size size) {
  if (t->kind != TYPE_ARRAY) {
    for (uint32_t k = 0; k < t->n; k++) add_axis(r, t->kid[k], size);
    return;
  }
  if (t->rank == MAX_RANK)
    fail_at(r->e->c, t->at, NULL, "an array has at most %d axes", MAX_RANK);
  Size *dim = NEWN(r->e->c, Size, t->rank + 1);
  dim[0] = size;
  for (uint32_t k = 0; k < t->rank; k++) dim[k + 1] = t->dim[k];
  t->dim = dim;
  t->rank++;
}

static TypeExpr *resolve_parts(Resolve *r, const Actuals *actual, const Ast *a) {
  TypeExpr *t = NEW(r->e->c, TypeExpr);
  t->kind = a->kind == AST_T_TUPLE ? TYPE_TUPLE : TYPE_RECORD;
  t->at = a->span;
  t->n = a->nkids;
  t->kid = NEWN(r->e->c, TypeExpr *, t->n);
  t->field = NEWN(r->e->c, const char *, t->n);
  for (uint32_t k = 0; k < t->n; k++) {
    const Ast *part = a->kid[k];
    t->field[k] = part->name;
    t->kid[k] = resolve(r, actual, part->kind == AST_FIELD ? part->kid[0] : part);
    for (uint32_t j = 0; t->kind == TYPE_RECORD && j < k; j++)
      if (t->field[j] == t->field[k])
        fail_at(r->e->c, part->name_span, NULL, "two fields are called `%s`", part->name);
  }
  return t;
}

static TypeExpr *resolve(Resolve *r, const Actuals *actual, const Ast *a) {
  if (++r->depth > DEEPEST)
    fail_at(r->e->c, a->span, "a type cannot contain itself", "this type is nested too deeply");
  TypeExpr *t;
  switch (a->kind) {
  case AST_T_NAME: t = resolve_name(r, actual, a); break;
  case AST_T_ARRAY:
    t = resolve(r, actual, a->kid[0]);
    for (uint32_t k = a->nkids; k-- > 1;) add_axis(r, t, size_expr(r, actual, a->kid[k]));
    t->at = a->span;
    break;
  default: t = resolve_parts(r, actual, a);
  }
  r->depth--;
  return t;
}

TypeExpr *type_resolve(Elab *e, const Module *home, const Ast *a) {
  Resolve r = {e, home, 0};
  return resolve(&r, NULL, a);
}

void type_expr_text(Elab *e, const TypeExpr *t, Buf *out) {
  static const char *const elem[] = {"real", "int", "bool"};
  if (t->kind != TYPE_ARRAY) {
    for (uint32_t k = 0; k < t->n; k++) {
      buf_puts(out, k ? ", " : "(");
      if (t->kind == TYPE_RECORD) buf_printf(out, "%s: ", t->field[k]);
      type_expr_text(e, t->kid[k], out);
    }
    buf_puts(out, ")");
    return;
  }
  buf_puts(out, elem[t->elem]);
  for (uint32_t k = 0; k < t->rank; k++) {
    buf_puts(out, k ? ", " : "[");
    size_text(e->st->names, t->dim[k], out);
  }
  if (t->rank) buf_puts(out, "]");
}
