/* render.c - a message as the user sees it:
 *
 *     f.gc:5:9: error: unknown name 'stop_gradent'
 *       5 | y = x + stop_gradent(x)
 *         |         ^~~~~~~~~~~~
 *       help: did you mean 'stop_gradient'?
 *
 * Whatever bytes the source holds, the output is valid UTF-8 without control
 * characters, and the caret stands under its character. */
#include "base/private.h"

#include <string.h>

enum {
  SHOWN = 100, /* characters of a source line that are shown */
  BEFORE = 50, /* of them, before the caret */
  TAB = 4,
};

/* ---- characters --------------------------------------------------------- */

typedef struct Range { uint32_t from, to; } Range;

static bool within(const Range *r, size_t n, uint32_t code) {
  for (size_t i = 0; i < n; i++)
    if (code >= r[i].from && code <= r[i].to) return true;
  return false;
}
#define WITHIN(table, code) within((table), sizeof(table) / sizeof *(table), (code))

/* Controls, and characters that are invisible or turn the text around. */
static const Range hidden[] = {
  {0x00, 0x1F}, {0x7F, 0x9F}, {0xAD, 0xAD}, {0x61C, 0x61C}, {0x180E, 0x180E},
  {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
  {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF},
};

static const Range combining[] = {
  {0x300, 0x36F}, {0x483, 0x489}, {0x591, 0x5BD}, {0x610, 0x61A}, {0x64B, 0x65F},
  {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};

static const Range wide[] = {
  {0x1100, 0x115F}, {0x2E80, 0x303E}, {0x3041, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
  {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F},
  {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD},
};

/* Adds one character, made safe; gives the columns it takes. */
static unsigned put_char(Buf *out, const char *p, unsigned n, uint32_t code) {
  size_t before = out->n;
  if (code == '\t') buf_printf(out, "%*s", TAB, "");
  else if (code == UTF8_BAD || code < 0x20 || code == 0x7F)
    buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*p);
  else if (WITHIN(hidden, code)) buf_printf(out, "\\u{%x}", (unsigned)code);
  else {
    buf_add(out, p, n);
    return WITHIN(combining, code) ? 0 : WITHIN(wide, code) ? 2 : 1;
  }
  return (unsigned)(out->n - before);
}

/* Adds a message's text or a file's name; newlines stay. */
static void put_text(Buf *out, const char *text) {
  const char *end = text + strlen(text);
  while (text < end) {
    uint32_t code;
    unsigned n = utf8_decode(text, end, &code);
    if (code == '\n') buf_add(out, "\n", 1);
    else put_char(out, text, n, code);
    text += n;
  }
}

/* ---- the source line ---------------------------------------------------- */

static bool is_tail(char ch) {
  return ((unsigned char)ch & 0xC0) == 0x80;
}

static const char *back(const char *p, const char *start, unsigned n) {
  for (; n && p > start; n--) {
    const char *q = p - 1;
    while (q > start && p - q < 4 && is_tail(*q)) q--;
    p = q;
  }
  return p;
}

static const char *forward(const char *p, const char *end, unsigned n) {
  uint32_t code;
  for (; n && p < end; n--) p += utf8_decode(p, end, &code);
  return p;
}

/* What is shown of a line: bytes [from, to), with [at, stop) underlined. */
typedef struct Window {
  const char *from, *to, *at, *stop;
  bool cut_left, cut_right;
} Window;

static Window window_of(const Source *s, Span span) {
  uint32_t size = (uint32_t)s->size, start, end;
  uint32_t at = span.start < size ? span.start : size;
  source_line(s, at, &start, &end);
  if (at > end) at = end;
  uint32_t stop = span.end < end ? span.end : end;
  Window w = {s->text + start, s->text + end, s->text + at, s->text + stop, false, false};
  if (end - start <= SHOWN) return w;
  const char *from = back(w.at, w.from, BEFORE), *to = forward(from, w.to, SHOWN);
  if (to == w.to) from = back(to, w.from, SHOWN); /* use the room on the left */
  if (from > w.at) from = w.at;
  w.cut_left = from > w.from;
  w.cut_right = to < w.to;
  w.from = from;
  w.to = to;
  if (w.stop > to) w.stop = to;
  return w;
}

static void put_spaces(Buf *out, unsigned n) {
  buf_printf(out, "%*s", (int)n, "");
}

/* Adds the characters of [p, to); gives their columns. */
static unsigned put_run(Buf *out, const char *p, const char *to, const char *end) {
  unsigned columns = 0;
  while (p < to) {
    uint32_t code;
    unsigned n = utf8_decode(p, end, &code);
    columns += put_char(out, p, n, code);
    p += n;
  }
  return columns;
}

static void trim(Buf *out) {
  while (out->n && out->at[out->n - 1] == ' ') out->n--;
}

static const char *paint(bool colour, const char *code) {
  return colour ? code : "";
}

static void put_excerpt(const Ctx *c, Span at, Buf *out, const char *hue, bool colour) {
  const Source *s = source_get(c, at.file);
  const char *end = s->text + s->size;
  uint32_t line, column;
  source_where(c, at, &line, &column);
  Window w = window_of(s, at);
  size_t start = out->n;
  buf_printf(out, "%3u | ", (unsigned)line);
  unsigned margin = (unsigned)(out->n - start) - 2;
  if (w.cut_left) buf_puts(out, "…");
  unsigned left = w.cut_left + put_run(out, w.from, w.at, end);
  unsigned under = put_run(out, w.at, w.stop, end);
  put_run(out, w.stop > w.at ? w.stop : w.at, w.to, end);
  if (w.cut_right) buf_puts(out, "…");
  trim(out);
  buf_add(out, "\n", 1);
  put_spaces(out, margin);
  buf_puts(out, "| ");
  put_spaces(out, left);
  buf_puts(out, paint(colour, hue));
  buf_add(out, "^", 1);
  for (unsigned i = 1; i < under; i++) buf_add(out, "~", 1);
  buf_puts(out, paint(colour, "\033[0m"));
  buf_add(out, "\n", 1);
}

/* ---- the message -------------------------------------------------------- */

static const struct { const char *name, *hue; } severities[] = {
  [SEV_ERROR] = {"error", "\033[1;31m"},
  [SEV_WARNING] = {"warning", "\033[1;35m"},
  [SEV_NOTE] = {"note", "\033[1;36m"},
  [SEV_HELP] = {"help", "\033[1;32m"},
};

static bool belongs(const Diag *d) {
  return d->severity == SEV_NOTE || d->severity == SEV_HELP;
}

static void put_place(const Ctx *c, Span at, Buf *out, bool colour) {
  uint32_t line, column;
  source_where(c, at, &line, &column);
  buf_puts(out, paint(colour, "\033[1m"));
  put_text(out, source_get(c, at.file)->name);
  buf_printf(out, ":%u:%u:%s ", (unsigned)line, (unsigned)column, paint(colour, "\033[0m"));
}

static void render_one(const Ctx *c, const Diag *d, Buf *out, bool colour) {
  const char *hue = severities[d->severity].hue;
  bool placed = source_get(c, d->span.file) != NULL;
  if (placed) put_place(c, d->span, out, colour);
  else buf_puts(out, belongs(d) ? "  " : "gradc: ");
  buf_printf(out, "%s%s:%s ", paint(colour, hue), severities[d->severity].name,
             paint(colour, "\033[0m"));
  put_text(out, d->text);
  if (d->lint) {
    buf_puts(out, " [");
    put_text(out, d->lint);
    buf_puts(out, "]");
  }
  buf_puts(out, "\n");
  if (placed) put_excerpt(c, d->span, out, hue, colour);
}

/* Renders an error or warning with the notes and help that follow it.  For such
 * a note nothing is added, so that a loop over all messages shows each once. */
void diag_render(const Ctx *c, uint32_t k, Buf *out, bool colour) {
  const Diag *d = diag_get(c, k);
  if (!d || (k > 0 && belongs(d))) return;
  do {
    render_one(c, d, out, colour);
    d = diag_get(c, ++k);
  } while (d && belongs(d));
}
