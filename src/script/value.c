/* value.c - a scalar or an array as text, laid out as NumPy does it: rows on lines of
 * their own, each under the one before, planes with an empty line between.
 *
 * Outside a session elements stand one blank apart and all are written.  In a session
 * columns are aligned, and of an array of more than SHOW_ALL elements each axis shows
 * its first and last EDGE. */
#include "script/private.h"

#include <string.h>

enum { SHOW_ALL = 1000, EDGE = 3 };

uint64_t value_count(const Value *v) {
  uint64_t n = 1;
  for (uint32_t k = 0; k < v->rank; k++) n *= (uint64_t)v->dim[k];
  return n;
}

Value value_of_numbers(const Numbers *all, uint32_t rank, const int64_t *dim) {
  static const double nothing;
  Value v = {.elem = all->has_real ? ELEM_REAL : ELEM_INT, .rank = rank};
  for (uint32_t k = 0; k < rank; k++) v.dim[k] = dim[k];
  v.data = all->real.n == 0 ? &nothing
           : all->has_real  ? (const void *)all->real.at
                            : (const void *)all->whole.at;
  return v;
}

Value value_to_real(Ctx *c, const Value *v) {
  if (v->elem != ELEM_INT) return *v;
  uint64_t n = value_count(v);
  double *data = NEWN(c, double, n);
  for (uint64_t k = 0; k < n; k++) data[k] = (double)((const int64_t *)v->data)[k];
  Value real = *v;
  real.elem = ELEM_REAL;
  real.data = data;
  return real;
}

/* An array being laid out. */
typedef struct Layout {
  const Value *v;
  Style style;
  Buf *out;
  size_t column;                 /* where the outermost bracket stands */
  size_t width;                  /* of every element, or 0 */
  bool shorten;
  uint64_t stride[MAX_RANK + 1]; /* elements in a part with the axes from k on */
} Layout;

/* Characters since the last newline. */
static size_t current_column(const Buf *out) {
  size_t n = 0;
  for (size_t k = out->n; k-- > 0 && out->at[k] != '\n';)
    n += ((unsigned char)out->at[k] & 0xC0) != 0x80;
  return n;
}

/* The index shown after i along an axis; `gap` where some are left out between. */
static int64_t next_shown(const Layout *l, uint32_t axis, int64_t i, bool *gap) {
  int64_t n = l->v->dim[axis];
  *gap = l->shorten && n > 2 * EDGE && i == EDGE - 1;
  return *gap ? n - EDGE : i + 1;
}

/* Right-aligns the text from `start` on in a field of this width. */
static void align_right(Buf *out, size_t start, size_t width) {
  size_t used = out->n - start;
  if (used >= width) return;
  for (size_t k = used; k < width; k++) buf_add(out, " ", 1);
  memmove(out->at + start + width - used, out->at + start, used);
  memset(out->at + start, ' ', width - used);
}

static void put_element(Layout *l, uint64_t k) {
  size_t start = l->out->n;
  element_print(l->v, k, &l->style, l->out);
  align_right(l->out, start, l->width);
}

static void put_row(Layout *l, uint64_t first) {
  uint32_t axis = l->v->rank - 1;
  bool gap = false;
  buf_puts(l->out, "[");
  for (int64_t i = 0; i < l->v->dim[axis]; i = next_shown(l, axis, i, &gap)) {
    if (i) buf_puts(l->out, gap ? " ... " : " ");
    put_element(l, first + (uint64_t)i);
  }
  buf_puts(l->out, "]");
}

/* A new line, an empty one before it for each axis beyond rows, up to the column of
 * the bracket of this axis. */
static void new_line(Layout *l, uint32_t axis, uint32_t lines) {
  for (uint32_t k = 0; k < lines; k++) buf_puts(l->out, "\n");
  for (size_t k = 0; k < l->column + axis + 1; k++) buf_puts(l->out, " ");
}

static void put_part(Layout *l, uint32_t axis, uint64_t first) {
  uint32_t last = l->v->rank - 1;
  bool gap = false;
  if (axis == last) {
    put_row(l, first);
    return;
  }
  buf_puts(l->out, "[");
  for (int64_t i = 0; i < l->v->dim[axis]; i = next_shown(l, axis, i, &gap)) {
    if (i) new_line(l, axis, last - axis);
    if (gap) {
      buf_puts(l->out, "...");
      new_line(l, axis, last - axis);
    }
    put_part(l, axis + 1, first + (uint64_t)i * l->stride[axis + 1]);
  }
  buf_puts(l->out, "]");
}

/* The widest element that is shown. */
static size_t widest(const Layout *l, uint32_t axis, uint64_t first) {
  size_t most = 0;
  bool gap;
  for (int64_t i = 0; i < l->v->dim[axis]; i = next_shown(l, axis, i, &gap)) {
    uint64_t at = first + (uint64_t)i * l->stride[axis + 1];
    size_t n;
    if (axis + 1 < l->v->rank) {
      n = widest(l, axis + 1, at);
    } else {
      Line line;
      Buf *b = line_init(&line, l->out->c);
      element_print(l->v, at, &l->style, b);
      n = b->n;
    }
    if (n > most) most = n;
  }
  return most;
}

void value_format(const Value *v, const Host *h, const char *format, Buf *out) {
  Layout l = {.v = v, .style = style_of(v, h, format), .out = out};
  if (v->rank == 0) {
    element_print(v, 0, &l.style, out);
    return;
  }
  if (value_count(v) == 0) {
    buf_puts(out, "[]");
    return;
  }
  l.stride[v->rank] = 1;
  for (uint32_t k = v->rank; k-- > 0;) l.stride[k] = l.stride[k + 1] * (uint64_t)v->dim[k];
  if (v->rank > 1) l.column = current_column(out);
  l.shorten = h && h->session && value_count(v) > SHOW_ALL;
  if (h && h->session) l.width = widest(&l, 0, 0);
  put_part(&l, 0, 0);
}

void value_print(const Value *v, const Host *h, Buf *out) {
  value_format(v, h, NULL, out);
}
