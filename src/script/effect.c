/* effect.c - what a running program does to the outside: print, trace, assert, check.
 *
 * A line is handed to the host whole.  With --json each expression printed is an object
 * of its own, {"expr": …, "value": …}; a text printed is its own value, and a trace is
 * {"trace": …}.  An assert that fails is queued with both values and counted, and the
 * program goes on; a check that fails stops it. */
#include "script/private.h"

#include <math.h>
#include <string.h>

static void write_line(Host *h, Buf *line) {
  buf_puts(line, "\n");
  if (h->write) h->write(h->user, line->at, line->n);
}

/* ---- print, trace -------------------------------------------------------------- */

static void plain_line(Host *h, const TextAttr *t, const Value *leaf) {
  Line line;
  Buf *b = line_init(&line, h->ctx);
  text_print(t, leaf, h, b);
  write_line(h, b);
}

/* Where the first expression of a list ends: at a comma outside brackets and texts. */
static const char *expression_end(const char *s) {
  int depth = 0;
  bool text = false;
  for (; *s; s++) {
    if (text) {
      if (*s == '\\' && s[1]) s++;
      else if (*s == '"') text = false;
    } else if (*s == '"') {
      text = true;
    } else if (strchr("([{", *s)) {
      depth++;
    } else if (strchr(")]}", *s)) {
      depth--;
    } else if (*s == ',' && depth == 0) {
      break;
    }
  }
  return s;
}

/* The source of expression k of the n that `source` lists; the whole where it does not. */
static const char *expression_source(const char *source, uint32_t k, uint32_t n, size_t *size) {
  const char *from = source, *end = NULL;
  uint32_t count = 0;
  for (const char *s = source; n > 1; s++) {
    const char *stop = expression_end(s);
    if (count == k) from = s, end = stop;
    count++;
    s = stop;
    if (!*s) break;
  }
  if (count != n || !end) from = source, end = source + strlen(source);
  while (from < end && strchr(" \t\n", *from)) from++;
  while (end > from && strchr(" \t\n", end[-1])) end--;
  *size = (size_t)(end - from);
  return from;
}

static void begin_object(const TextAttr *t, uint32_t k, uint32_t n, Buf *b) {
  size_t size;
  const char *source = expression_source(t->source ? t->source : "", k, n, &size);
  buf_puts(b, "{\"expr\": ");
  json_quote(source, size, b);
  buf_puts(b, ", \"value\": ");
}

static void end_object(Host *h, Buf *b) {
  buf_puts(b, "}");
  write_line(h, b);
}

/* One value, or one text, of a printed list. */
static void json_piece(Host *h, const TextAttr *t, uint32_t k, uint32_t n, const Value **leaf) {
  const Piece *piece = &t->piece[k];
  Line line;
  Buf *b = line_init(&line, h->ctx);
  begin_object(t, k, n, b);
  if (piece->text) json_quote(piece->text, strlen(piece->text), b);
  else json_shape(piece->shape, leaf, b);
  end_object(h, b);
}

/* A text with values in it is a string. */
static void json_text(Host *h, const TextAttr *t, const Value *leaf) {
  Line line, whole;
  Buf *b = line_init(&line, h->ctx), *text = line_init(&whole, h->ctx);
  text_print(t, leaf, h, text);
  begin_object(t, 0, 1, b);
  json_quote(text->at, text->n, b);
  end_object(h, b);
}

static void json_trace(Host *h, const TextAttr *t, const Value *leaf) {
  Line line, whole;
  Buf *b = line_init(&line, h->ctx), *text = line_init(&whole, h->ctx);
  text_print(t, leaf, h, text);
  buf_puts(b, "{\"trace\": ");
  json_quote(text->at, text->n, b);
  end_object(h, b);
}

static void effect_print(Host *h, const TextAttr *t, const Value *leaf) {
  bool one = t->n == 1 && !t->piece[0].format;
  if (!h->json) plain_line(h, t, leaf);
  else if (!t->newline_pieces && !one) json_text(h, t, leaf);
  else
    for (uint32_t k = 0; k < t->n; k++) json_piece(h, t, k, t->n, &leaf);
}

static void effect_trace(Host *h, const TextAttr *t, const Value *leaf) {
  if (h->json) json_trace(h, t, leaf);
  else plain_line(h, t, leaf);
}

/* ---- assert -------------------------------------------------------------------- */

/* How far two values are apart. */
typedef struct Apart {
  bool failed;
  bool shapes;        /* the sizes differ */
  double difference;  /* the largest, NaN if a NaN is there */
  uint64_t at;        /* its element */
} Apart;

static bool same_sizes(const Value *a, const Value *b) {
  if (a->rank != b->rank) return false;
  for (uint32_t k = 0; k < a->rank; k++)
    if (a->dim[k] != b->dim[k]) return false;
  return true;
}

/* Element k; a scalar stands for an array of it. */
static double number_at(const Value *v, uint64_t k) {
  if (v->rank == 0) k = 0;
  return v->elem == ELEM_REAL ? ((const double *)v->data)[k]
                              : (double)((const int64_t *)v->data)[k];
}

static int64_t int_at(const Value *v, uint64_t k) {
  return ((const int64_t *)v->data)[v->rank ? k : 0];
}

static double largest(const Value *v) {
  double most = 0;
  uint64_t n = value_count(v);
  for (uint64_t k = 0; k < n; k++) {
    double size = fabs(number_at(v, k));
    if (size > most && isfinite(size)) most = size;
  }
  return most;
}

/* Within the tolerance relative to the two, or to noise beside the largest element. */
static bool near(double a, double b, double tol, double scale) {
  const double noise = 0.01;
  if (a == b) return true;
  if (!isfinite(a) || !isfinite(b)) return false;
  double gap = fabs(a / 2 - b / 2); /* halves: the difference may overflow */
  double size = fmax(1e-300, fmax(fabs(a), fabs(b)));
  return gap <= tol * (size / 2) || gap <= noise * tol * (scale / 2);
}

/* Notes element k, which is out of tolerance. */
static void note_apart(Apart *apart, uint64_t k, double difference) {
  if (apart->failed && (isnan(apart->difference) || difference <= apart->difference)) return;
  apart->failed = true;
  apart->difference = difference;
  apart->at = k;
}

static Apart compare(const Value *a, const Value *b) {
  Apart apart = {0};
  if (a->rank && b->rank && !same_sizes(a, b)) return (Apart){.failed = true, .shapes = true};
  bool real = a->elem == ELEM_REAL || b->elem == ELEM_REAL;
  double tol = a->is_float || b->is_float ? 1e-5 : 1e-10;
  double scale = real ? fmax(largest(a), largest(b)) : 0;
  uint64_t n = value_count(a->rank ? a : b);
  for (uint64_t k = 0; k < n; k++) {
    double x = number_at(a, k), y = number_at(b, k);
    if (real ? !near(x, y, tol, scale) : int_at(a, k) != int_at(b, k))
      note_apart(&apart, k, fabs(x - y));
  }
  return apart;
}

static void place_print(const Value *v, uint64_t at, Buf *out) {
  int64_t index[MAX_RANK];
  if (v->rank == 0) return;
  for (uint32_t k = v->rank; k-- > 0; at /= (uint64_t)v->dim[k])
    index[k] = (int64_t)(at % (uint64_t)v->dim[k]);
  buf_puts(out, " at [");
  for (uint32_t k = 0; k < v->rank; k++)
    buf_printf(out, "%s%lld", k ? ", " : "", (long long)index[k]);
  buf_puts(out, "]");
}

static void sizes_print(const Value *v, Buf *out) {
  buf_puts(out, "[");
  for (uint32_t k = 0; k < v->rank; k++)
    buf_printf(out, "%s%lld", k ? ", " : "", (long long)v->dim[k]);
  buf_puts(out, "]");
}

static void assert_error(Host *h, const Node *n) {
  const char *source = n->aux.assertion->source;
  h->asserts_failed++;
  if (source) diag(h->ctx, SEV_ERROR, n->pos, "assert failed: %s", source);
  else diag(h->ctx, SEV_ERROR, n->pos, "assert failed");
}

/* Arrays are aligned, and long ones shortened. */
static void note_side(Host *h, const Node *n, const char *side, const Value *leaf) {
  Host shown = {.ctx = h->ctx, .session = true, .digits = h->digits};
  Buf b;
  buf_init(&b, h->ctx);
  buf_puts(&b, side);
  shape_print(n->aux.assertion->shape, &leaf, &shown, NULL, &b);
  diag(h->ctx, SEV_NOTE, (Span){0}, "%s", buf_text(&b));
}

static void note_difference(Host *h, const Apart *apart, const Value *a, const Value *b) {
  Buf text;
  buf_init(&text, h->ctx);
  if (apart->shapes) {
    buf_puts(&text, "the sizes differ: ");
    sizes_print(a, &text);
    buf_puts(&text, " and ");
    sizes_print(b, &text);
  } else {
    double gap = apart->difference;
    if (isnan(gap)) buf_puts(&text, "a nan equals nothing");
    else buf_printf(&text, "the largest difference is %.3g", gap);
    place_print(a->rank ? a : b, apart->at, &text);
  }
  diag(h->ctx, SEV_NOTE, (Span){0}, "%s", buf_text(&text));
}

/* Is p the worse of two? */
static bool worse(const Apart *p, const Apart *than) {
  if (!p->failed || !than->failed) return p->failed;
  if (p->shapes || than->shapes) return p->shapes && !than->shapes;
  return !isnan(than->difference) && !(p->difference <= than->difference);
}

static void assert_equal(Host *h, const Node *n, const Value *leaf, uint32_t nleaf) {
  uint32_t half = nleaf / 2, at = 0;
  Apart worst = {0};
  for (uint32_t k = 0; k < half; k++) {
    Apart apart = compare(&leaf[k], &leaf[half + k]);
    if (worse(&apart, &worst)) worst = apart, at = k;
  }
  if (!worst.failed) return;
  assert_error(h, n);
  note_side(h, n, "left:  ", leaf);
  note_side(h, n, "right: ", leaf + half);
  note_difference(h, &worst, &leaf[at], &leaf[half + at]);
}

static void assert_true(Host *h, const Node *n, const Value *v) {
  uint64_t count = value_count(v), wrong = 0, first = 0;
  for (uint64_t k = count; k-- > 0;)
    if (!int_at(v, k)) first = k, wrong++;
  if (!wrong) return;
  assert_error(h, n);
  if (v->rank == 0) return;
  Buf b;
  buf_init(&b, h->ctx);
  buf_printf(&b, "%llu of %llu elements are false, the first", (unsigned long long)wrong,
             (unsigned long long)count);
  place_print(v, first, &b);
  diag(h->ctx, SEV_NOTE, (Span){0}, "%s", buf_text(&b));
}

static void effect_assert(Host *h, const Node *n, const Value *leaf, uint32_t nleaf) {
  if (n->aux.assertion->equality) {
    assert_equal(h, n, leaf, nleaf);
    return;
  }
  for (uint32_t k = 0; k < nleaf; k++) assert_true(h, n, &leaf[k]);
}

/* ---- all ----------------------------------------------------------------------- */

static Status effect_check(Host *h, const Node *n, const Value *v) {
  if (int_at(v, 0)) return GC_OK;
  diag(h->ctx, SEV_ERROR, n->pos, "%s", n->aux.str ? n->aux.str : "a check failed");
  return GC_ERROR;
}

Status host_effect(Host *h, const Node *n, const Value *leaf, uint32_t nleaf) {
  switch ((Op)n->op) {
  case IR_PRINT:
    if (!n->aux.text->binding) effect_print(h, n->aux.text, leaf);
    else if (h->bound) h->bound(h->user, n->aux.text, leaf, nleaf);
    return GC_OK;
  case IR_TRACE:
    if (!n->aux.text->binding) effect_trace(h, n->aux.text, leaf);
    return GC_OK;
  case IR_ASSERT: effect_assert(h, n, leaf, nleaf); return GC_OK;
  case IR_CHECK: return effect_check(h, n, leaf);
  default: internal_error(h->ctx, "operator %u has no effect", n->op);
  }
}
