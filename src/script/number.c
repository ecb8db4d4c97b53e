/* number.c - one number as text: by the default of its array, or by a printf format;
 * and text as a number.
 *
 * A format is applied safely whatever the type: an int under %f is converted, a real
 * under %d is cut toward zero, widths are bounded. */
#include "script/private.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  DECIMALS = 8,       /* of array elements */
  GENERAL_DIGITS = 9, /* of very large and of tiny ones */
  MAX_FIELD = 400,    /* the largest width or precision of a format */
  NUMBER_ROOM = 1200, /* 309 digits before the point, MAX_FIELD after it, and more */
};

/* ---- the style of an array ----------------------------------------------------- */

/* Decimals fit unless an element is huge, or all that are not 0 are tiny. */
static bool needs_general(const double *x, uint64_t n) {
  const double huge = 1e16, tiny = 1e-4;
  bool any = false, all_tiny = true;
  for (uint64_t k = 0; k < n; k++) {
    double size = fabs(x[k]);
    if (!(size < INFINITY) || size == 0) continue;
    if (size >= huge) return true;
    any = true;
    if (size >= tiny) all_tiny = false;
  }
  return any && all_tiny;
}

Style style_of(const Value *v, const Host *h, const char *format) {
  Style s = {.format = format, .scalar = v->rank == 0, .is_float = v->is_float,
             .digits = h ? h->digits : 0};
  if (v->rank && v->elem == ELEM_REAL && !format)
    s.general = needs_general(v->data, value_count(v));
  return s;
}

/* ---- plain numbers ------------------------------------------------------------- */

void number_point(char *text) {
  const char *point = localeconv()->decimal_point;
  char *p = strcmp(point, ".") ? strstr(text, point) : NULL;
  if (!p) return;
  *p = '.';
  memmove(p + 1, p + strlen(point), strlen(p + strlen(point)) + 1);
}

/* 1.50000000 is 1.5, 2.00000000 is 2, -0.00000000 is 0. */
static void trim(char *text) {
  size_t n = strlen(text);
  if (!strchr(text, '.')) return;
  while (text[n - 1] == '0') n--;
  if (text[n - 1] == '.') n--;
  text[n] = '\0';
  if (strcmp(text, "-0") == 0) memcpy(text, "0", 2);
}

static void special_print(double x, Buf *out) {
  buf_puts(out, isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
}

static void real_print(double x, const Style *s, Buf *out) {
  char text[NUMBER_ROOM];
  if (!isfinite(x)) {
    special_print(x, out);
    return;
  }
  if (s->scalar && !s->is_float && !s->digits) {
    buf_real(out, x);
    return;
  }
  int digits = s->digits > 0 && s->digits < MAX_FIELD ? s->digits : 0;
  if (s->scalar || s->general)
    snprintf(text, sizeof text, "%.*g", digits ? digits : GENERAL_DIGITS, x);
  else
    snprintf(text, sizeof text, "%.*f", digits ? digits : DECIMALS, x);
  number_point(text);
  if (!s->scalar && !s->general) trim(text);
  buf_puts(out, text);
}

/* ---- formats ------------------------------------------------------------------- */

/* A printf format taken apart; the literal text around the conversion is kept. */
typedef struct Format {
  const char *before, *after;
  size_t nbefore;
  char flags[8];
  int width, precision;  /* -1: none */
  char conversion;
} Format;

static int read_number(const char **at) {
  int n = 0;
  for (; **at >= '0' && **at <= '9'; ++*at)
    if (n < MAX_FIELD) n = 10 * n + (**at - '0');
  return n < MAX_FIELD ? n : MAX_FIELD;
}

static Format format_read(const char *text) {
  Format f = {.before = text, .width = -1, .precision = -1, .conversion = 'g'};
  const char *p = strchr(text, '%');
  if (!p) p = text;
  f.nbefore = (size_t)(p - text);
  if (*p == '%') p++;
  for (size_t n = 0; *p && strchr("-+ #0", *p); p++)
    if (n + 1 < sizeof f.flags && !strchr(f.flags, *p)) f.flags[n++] = *p;
  if (*p >= '1' && *p <= '9') f.width = read_number(&p);
  if (*p == '.') {
    p++;
    f.precision = read_number(&p);
  }
  while (*p && strchr("hlLqjzt", *p)) p++;
  if (*p) f.conversion = *p++;
  f.after = p;
  return f;
}

/* "%", flags, and "*" for width and precision, then the length and conversion. */
static void format_spec(const Format *f, const char *conversion, char *spec, size_t size) {
  snprintf(spec, size, "%%%s*.*%s", f->flags, conversion);
}

static void format_int(const Format *f, int64_t i, Buf *out) {
  char spec[32], text[NUMBER_ROOM];
  char conversion[] = {'l', 'l', strchr("diuxXo", f->conversion) ? f->conversion : 'd', '\0'};
  if (f->conversion == 'u' && i < 0) conversion[2] = 'd';
  format_spec(f, conversion, spec, sizeof spec);
  snprintf(text, sizeof text, spec, f->width < 0 ? 0 : f->width, f->precision, (long long)i);
  buf_puts(out, text);
}

static void format_real(const Format *f, double x, char conversion, int precision, Buf *out) {
  char spec[32], text[NUMBER_ROOM], which[] = {conversion, '\0'};
  format_spec(f, which, spec, sizeof spec);
  snprintf(text, sizeof text, spec, f->width < 0 ? 0 : f->width, precision, x);
  number_point(text);
  buf_puts(out, text);
}

/* The number as it is printed without a format, in a field. */
static void format_word(const Format *f, const char *word, Buf *out) {
  int width = f->width < 0 ? 0 : f->width;
  buf_printf(out, strchr(f->flags, '-') ? "%-*s" : "%*s", width, word);
}

static void format_element(const Value *v, uint64_t k, const Style *s, const Format *f, Buf *out) {
  bool real = v->elem == ELEM_REAL;
  double x = real ? ((const double *)v->data)[k] : (double)((const int64_t *)v->data)[k];
  if (strchr("eEfFgGaA", f->conversion)) {
    format_real(f, x, f->conversion, f->precision, out);
  } else if (f->conversion == 's') {
    char room[64];
    Style plain = {.scalar = true, .is_float = s->is_float};
    Buf word = {.c = out->c, .at = room, .cap = sizeof room, .lent = true};
    element_print(v, k, &plain, &word);
    format_word(f, buf_text(&word), out);
  } else if (!real) {
    format_int(f, ((const int64_t *)v->data)[k], out);
  } else if (fabs(x) < 0x1p63) {
    format_int(f, (int64_t)x, out);
  } else { /* no int: its digits all the same, or nan, inf */
    format_real(f, x, 'f', 0, out);
  }
}

/* ---- elements ------------------------------------------------------------------ */

void element_print(const Value *v, uint64_t k, const Style *s, Buf *out) {
  if (s->format) {
    Format f = format_read(s->format);
    buf_add(out, f.before, f.nbefore);
    format_element(v, k, s, &f, out);
    buf_puts(out, f.after);
    return;
  }
  switch (v->elem) {
  case ELEM_REAL: real_print(((const double *)v->data)[k], s, out); break;
  case ELEM_INT: buf_printf(out, "%lld", (long long)((const int64_t *)v->data)[k]); break;
  case ELEM_BOOL: buf_puts(out, ((const int64_t *)v->data)[k] ? "true" : "false"); break;
  }
}

/* ---- reading ------------------------------------------------------------------- */

static size_t digits_at(const char *s) {
  size_t n = 0;
  while (s[n] >= '0' && s[n] <= '9') n++;
  return n;
}

/* Is s, after its sign, a decimal number and nothing else?  *is_int: only digits. */
static bool is_decimal(const char *s, bool *is_int) {
  size_t before = digits_at(s), after = 0;
  s += before;
  *is_int = *s == '\0';
  if (*s == '.') {
    after = digits_at(++s);
    s += after;
  }
  if (before + after == 0) return false;
  if (*s == 'e' || *s == 'E') {
    s++;
    if (*s == '+' || *s == '-') s++;
    size_t n = digits_at(s);
    if (!n) return false;
    s += n;
  }
  return *s == '\0';
}

static bool read_word(const char *s, double *real) {
  static const struct { const char *word; double value; } words[] = {
    {"inf", INFINITY}, {"nan", NAN}, {"Inf", INFINITY}, {"NaN", NAN}, {"infinity", INFINITY},
  };
  for (size_t k = 0; k < sizeof words / sizeof *words; k++)
    if (strcmp(s, words[k].word) == 0) return *real = words[k].value, true;
  return false;
}

/* strtod, whatever point the locale has. */
static double decimal_value(const char *s) {
  char text[NUMBER_ROOM + 8];
  const char *point = localeconv()->decimal_point, *dot = strchr(s, '.');
  if (!dot || strcmp(point, ".") == 0) return strtod(s, NULL);
  snprintf(text, sizeof text, "%.*s%s%s", (int)(dot - s), s, point, dot + 1);
  return strtod(text, NULL);
}

bool number_read(const char *text, size_t n, double *real, int64_t *whole, bool *is_int) {
  char copy[NUMBER_ROOM];
  if (n == 0 || n >= sizeof copy) return false;
  memcpy(copy, text, n);
  copy[n] = '\0';
  if (strlen(copy) != n) return false;
  bool minus = *copy == '-';
  const char *s = copy + (minus || *copy == '+');
  *whole = 0;
  if (is_decimal(s, is_int)) {
    *real = decimal_value(s);
  } else {
    *is_int = false;
    if (!read_word(s, real)) return false;
  }
  if (minus) *real = -*real;
  if (*is_int) {
    errno = 0;
    *whole = strtoll(copy, NULL, 10);
    if (errno) *is_int = false, *whole = 0;
  }
  return true;
}

void numbers_add(Ctx *c, Numbers *all, double real, int64_t whole, bool is_int) {
  VEC_PUSH(c, &all->real, real);
  if (!is_int) all->has_real = true;
  if (!all->has_real) VEC_PUSH(c, &all->whole, whole);
}
