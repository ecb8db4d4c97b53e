/* syntax.c - the tree's nodes: making them, appending to them, naming them.
 *
 * Requires: a context.  Maintains: the array of children has room for the next
 * power of two of their number, so that ast_push needs no capacity field. */
#include "syntax/syntax.h"

static uint32_t room_for(uint32_t n) {
  uint32_t room = n ? 1 : 0;
  while (room < n) room *= 2;
  return room;
}

Ast *ast_new(Ctx *c, AstKind k, Span at, uint32_t nkids, ...) {
  Ast *a = NEW(c, Ast);
  a->kind = k;
  a->span = at;
  a->name_span = at;
  a->nkids = nkids;
  if (nkids) a->kid = NEWN(c, Ast *, room_for(nkids));
  va_list list;
  va_start(list, nkids);
  for (uint32_t i = 0; i < nkids; i++) a->kid[i] = va_arg(list, Ast *);
  va_end(list);
  return a;
}

Ast *ast_push(Ctx *c, Ast *list, Ast *kid) {
  uint32_t n = list->nkids, room = room_for(n);
  if (n == room) {
    uint32_t more = room ? 2 * room : 1;
    list->kid = arena_grow(c, list->kid, sizeof(Ast *) * room, sizeof(Ast *) * more);
  }
  list->kid[list->nkids++] = kid;
  if (kid) list->span = span_join(list->span, kid->span);
  return list;
}

const char *ast_kind_name(AstKind k) {
  static const char *const names[] = {
#define X(k) #k,
      AST_KINDS(X)
#undef X
  };
  return (unsigned)k < AST_COUNT ? names[k] : "?";
}

const char *ast_op_text(AstOp op) {
  static const char *const texts[] = {
      [OP_OR] = "or",      [OP_AND] = "and", [OP_NOT] = "not",     [OP_EQ] = "==",
      [OP_NE] = "!=",      [OP_LT] = "<",    [OP_LE] = "<=",       [OP_GT] = ">",
      [OP_GE] = ">=",      [OP_ADD] = "+",   [OP_SUB] = "-",       [OP_MUL] = "*",
      [OP_DIV] = "/",      [OP_MOD] = "%",   [OP_FLOORDIV] = "//", [OP_MATMUL] = "@",
      [OP_NEG] = "-",      [OP_POW] = "^",
  };
  return (unsigned)op < sizeof texts / sizeof *texts ? texts[op] : "?";
}
