/* text.c - what PRINT and TRACE write: literal text and values of the language, put
 * together from their leaves. */
#include "script/private.h"

Buf *line_init(Line *l, Ctx *c) {
  l->buf = (Buf){.c = c, .at = l->room, .cap = sizeof l->room, .lent = true};
  l->room[0] = '\0';
  return &l->buf;
}

void shape_print(const Shape *s, const Value **leaf, const Host *h, const char *format, Buf *out) {
  if (!s || s->kind == SHAPE_LEAF) {
    value_format((*leaf)++, h, format, out);
    return;
  }
  if (s->kind == SHAPE_NONE) {
    buf_puts(out, "none");
    return;
  }
  buf_puts(out, "(");
  for (uint32_t k = 0; k < s->n; k++) {
    if (k) buf_puts(out, ", ");
    if (s->kind == SHAPE_RECORD) buf_printf(out, "%s = ", s->field[k]);
    shape_print(s->kid[k], leaf, h, format, out);
  }
  buf_puts(out, ")");
}

void text_print(const TextAttr *t, const Value *leaf, const Host *h, Buf *out) {
  for (uint32_t k = 0; k < t->n; k++) {
    const Piece *piece = &t->piece[k];
    if (k && t->newline_pieces) buf_puts(out, " ");
    if (piece->text) buf_puts(out, piece->text);
    else shape_print(piece->shape, &leaf, h, piece->format, out);
  }
}
