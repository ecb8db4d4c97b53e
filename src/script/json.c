/* json.c - values as JSON: arrays and tuples nested, records as objects, none as null,
 * reals with 17 significant digits, "nan", "inf" and "-inf" as strings.
 *
 * A real always shows that it is one: 2 is written 2.0. */
#include "script/private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void json_quote(const char *s, size_t n, Buf *out) {
  buf_puts(out, "\"");
  for (size_t k = 0; k < n; k++) {
    unsigned char ch = (unsigned char)s[k];
    if (ch == '"' || ch == '\\') buf_puts(out, "\\");
    if (ch == '\n') buf_puts(out, "\\n");
    else if (ch == '\t') buf_puts(out, "\\t");
    else if (ch < 0x20) buf_printf(out, "\\u%04x", ch);
    else buf_add(out, &s[k], 1);
  }
  buf_puts(out, "\"");
}

static void json_real(double x, Buf *out) {
  if (!isfinite(x)) {
    buf_puts(out, isnan(x) ? "\"nan\"" : x < 0 ? "\"-inf\"" : "\"inf\"");
    return;
  }
  char text[40];
  snprintf(text, sizeof text, "%.17g", x);
  number_point(text);
  buf_puts(out, text);
  if (!strpbrk(text, ".e")) buf_puts(out, ".0");
}

static void json_element(const Value *v, uint64_t k, Buf *out) {
  switch (v->elem) {
  case ELEM_REAL: json_real(((const double *)v->data)[k], out); break;
  case ELEM_INT: buf_printf(out, "%lld", (long long)((const int64_t *)v->data)[k]); break;
  case ELEM_BOOL: buf_puts(out, ((const int64_t *)v->data)[k] ? "true" : "false"); break;
  }
}

/* The part with the axes from `axis` on whose first element is *k. */
static void json_part(const Value *v, uint32_t axis, uint64_t *k, Buf *out) {
  if (axis == v->rank) {
    json_element(v, (*k)++, out);
    return;
  }
  buf_puts(out, "[");
  for (int64_t i = 0; i < v->dim[axis]; i++) {
    if (i) buf_puts(out, ", ");
    json_part(v, axis + 1, k, out);
  }
  buf_puts(out, "]");
}

void value_json(const Value *v, Buf *out) {
  uint64_t k = 0;
  json_part(v, 0, &k, out);
}

void json_shape(const Shape *s, const Value **leaf, Buf *out) {
  if (!s || s->kind == SHAPE_LEAF) {
    value_json((*leaf)++, out);
    return;
  }
  if (s->kind == SHAPE_NONE) {
    buf_puts(out, "null");
    return;
  }
  bool record = s->kind == SHAPE_RECORD;
  buf_puts(out, record ? "{" : "[");
  for (uint32_t k = 0; k < s->n; k++) {
    if (k) buf_puts(out, ", ");
    if (record) {
      json_quote(s->field[k], strlen(s->field[k]), out);
      buf_puts(out, ": ");
    }
    json_shape(s->kid[k], leaf, out);
  }
  buf_puts(out, record ? "}" : "]");
}
