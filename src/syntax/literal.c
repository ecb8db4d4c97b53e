/* literal.c - what stands inside one token: numbers, texts, formats, bytes.
 * Nothing here depends on the locale. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "syntax/reader.h"

/* ---- numbers ------------------------------------------------------------ */

Ast *literal_int(Reader *r, Span at, const char *digits, size_t n) {
  int64_t value = 0;
  for (size_t k = 0; k < n; k++) {
    int digit = digits[k] - '0';
    if (value > (INT64_MAX - digit) / 10)
      fail_at(r->ctx, at, "an int goes up to 9223372036854775807; as a real, write it with a '.'",
              "%s does not fit into an int", slip_quote(r, at));
    value = 10 * value + digit;
  }
  Ast *a = ast_new(r->ctx, AST_INT, at, 0);
  a->i = value;
  return a;
}

/* The exponent that follows an 'e', kept within what an int64_t can add up. */
static int64_t read_exponent(const char *p) {
  const int64_t most = INT64_C(1) << 40;
  bool negative = *p == '-';
  if (*p == '-' || *p == '+') p++;
  int64_t value = 0;
  for (; *p >= '0' && *p <= '9'; p++)
    if (value < most) value = 10 * value + (*p - '0');
  return negative ? -value : value;
}

/* strtod reads the point by the locale, so the digits go to it without one:
 * 1.25e3 as 125e1. */
Ast *literal_real(Reader *r, Span at, const char *text, size_t n) {
  char *digits = NEWN(r->ctx, char, n + 32);
  size_t count = 0;
  int64_t exponent = 0;
  bool point = false, nonzero = false;
  for (size_t k = 0; k < n; k++) {
    if (text[k] == 'e' || text[k] == 'E') {
      exponent += read_exponent(text + k + 1);
      break;
    }
    if (text[k] == '.') {
      point = true;
      continue;
    }
    digits[count++] = text[k];
    nonzero |= text[k] != '0';
    exponent -= point;
  }
  const char *tail = str_printf(r->ctx, "e%lld", (long long)exponent);
  memcpy(digits + count, tail, strlen(tail) + 1);
  Ast *a = ast_new(r->ctx, AST_REAL, at, 0);
  a->r = nonzero ? strtod(digits, NULL) : 0.0;
  if (isinf(a->r))
    fail_at(r->ctx, at, "the largest is about 1.8e308; infinity is written inf",
            "%s is too large for a real", slip_quote(r, at));
  return a;
}

/* ---- texts -------------------------------------------------------------- */

/* The scanner has checked the escapes. */
const char *literal_text(Reader *r, const char *raw, size_t n) {
  char *text = NEWN(r->ctx, char, n + 1);
  size_t count = 0;
  for (size_t k = 0; k < n; k++) {
    char ch = raw[k];
    if (ch == '\\') ch = raw[++k] == 't' ? '\t' : raw[k] == 'n' ? '\n' : raw[k];
    else if (ch == '{' || ch == '}') k++;
    text[count++] = ch;
  }
  return intern(r->ctx, text, count);
}

static size_t skip_digits(const char *text, size_t k, size_t n, size_t *digits) {
  size_t from = k;
  while (k < n && text[k] >= '0' && text[k] <= '9') k++;
  *digits = k - from;
  return k;
}

/* A format goes to printf as "%" and this, so nothing else may pass. */
const char *literal_format(Reader *r, Span at, const char *text, size_t n) {
  size_t k = 0, width = 0, precision = 0;
  while (k < n && strchr("-+ #0", text[k])) k++;
  k = skip_digits(text, k, n, &width);
  if (k < n && text[k] == '.') k = skip_digits(text, k + 1, n, &precision);
  if (k + 1 != n || !strchr("dieEfFgGaAx", text[k]))
    fail_at(r->ctx, at,
            "a format is one of printf's for numbers: flags, width, precision and one of "
            "d i e E f F g G a A x, as in {x:8.3f}",
            n ? "%s is not a format" : "a format is missing after ':'", slip_quote(r, at));
  if (width > 3 || precision > 3)
    fail_at(r->ctx, at, "width and precision are at most 999", "the format %s is too wide",
            slip_quote(r, at));
  return intern(r->ctx, text, n);
}

/* ---- bytes -------------------------------------------------------------- */

/* Length of the character at p, 0 if it is not UTF-8; p < end. */
static size_t utf8_length(const unsigned char *p, const unsigned char *end) {
  size_t n = *p < 0x80 ? 1 : *p < 0xC2 ? 0 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : *p < 0xF5 ? 4 : 0;
  if (n == 0 || (size_t)(end - p) < n) return 0;
  for (size_t k = 1; k < n; k++)
    if ((p[k] & 0xC0) != 0x80) return 0;
  if (*p == 0xE0 && p[1] < 0xA0) return 0; /* longer than need be */
  if (*p == 0xED && p[1] > 0x9F) return 0; /* half of a pair of UTF-16 */
  if (*p == 0xF0 && p[1] < 0x90) return 0;
  if (*p == 0xF4 && p[1] > 0x8F) return 0;
  return n;
}

void literal_check_bytes(Reader *r, const char *text, size_t n) {
  const unsigned char *start = (const unsigned char *)text, *p = start, *end = start + n;
  while (p < end) {
    size_t length = *p ? utf8_length(p, end) : 0;
    if (!length) {
      uint32_t at = (uint32_t)(p - start);
      fail_at(r->ctx, (Span){r->file, at, at + 1}, "a program is a UTF-8 text",
              *p ? "byte %u of the file (0x%02X) is not UTF-8" : "byte %u of the file is NUL", at,
              *p);
    }
    p += length;
  }
}
