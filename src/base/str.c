/* str.c - interned strings and texts under construction, all in the arena. */
#include "base/private.h"

#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A slot has all that tells texts apart: in a table of millions another place to look at is far
 * away.  Collisions go to the next slot. */
typedef struct Slot { uint32_t hash, n; const char *text; } Slot;

struct InternTable {
  Slot *slot;
  uint32_t room;         /* a power of two */
  uint32_t n;
};

static uint32_t text_hash(const char *s, size_t n) {
  uint32_t h = 0x811c9dc5u;
  for (size_t k = 0; k < n; k++) h = (h ^ (unsigned char)s[k]) * 0x01000193u;
  h = (h ^ h >> 16) * 0x7feb352du;
  return h ^ h >> 15;
}

/* The slot of this text, or the free one where it belongs. */
static Slot *find_slot(const struct InternTable *t, uint32_t hash, const char *s, size_t n) {
  uint32_t at = hash & (t->room - 1);
  for (; t->slot[at].text; at = (at + 1) & (t->room - 1)) {
    const Slot *x = &t->slot[at];
    if (x->hash == hash && x->n == n && memcmp(x->text, s, n) == 0) break;
  }
  return &t->slot[at];
}

/* Where there is no memory for a wider table, the old one stays whole. */
static void widen(Ctx *c, struct InternTable *t) {
  enum { FIRST_ROOM = 512 };
  struct InternTable old = *t, wide = {.room = old.room ? 2 * old.room : FIRST_ROOM, .n = old.n};
  wide.slot = NEWN(c, Slot, wide.room);
  *t = wide;
  for (uint32_t k = 0; k < old.room; k++) {
    const Slot *x = &old.slot[k];
    if (x->text) *find_slot(t, x->hash, x->text, x->n) = *x;
  }
  arena_release(c, old.slot, sizeof(Slot) * old.room);
}

static const char *add_text(Ctx *c, uint32_t hash, const char *s, size_t n) {
  struct InternTable *t = c->strings;
  if (t->n >= t->room / 2) widen(c, t);
  char *text = arena_alloc(c, n + 1);
  if (n) memcpy(text, s, n);
  *find_slot(t, hash, s, n) = (Slot){hash, (uint32_t)n, text};
  t->n++;
  return text;
}

const char *intern(Ctx *c, const char *s, size_t n) {
  if (n > UINT32_MAX / 2) internal_error(c, "a name of %zu bytes", n);
  uint32_t hash = text_hash(s, n);
  const struct InternTable *t = c->strings;
  const Slot *x = t ? find_slot(t, hash, s, n) : NULL;
  if (x && x->text) return x->text;
  Zone *zone = zone_enter(c, NULL);
  if (!t) {
    struct InternTable *first = NEW(c, struct InternTable);
    widen(c, first);
    c->strings = first;
  }
  const char *text = add_text(c, hash, s, n);
  zone_enter(c, zone);
  return text;
}

const char *intern_z(Ctx *c, const char *s) {
  return intern(c, s, strlen(s));
}

/* ---- formats --------------------------------------------------------------- */

/* What is written by hand: %s %c %d %u %lld %llu.  Gives what follows, or NULL. */
static const char *plain_format(const char *at, char *kind) {
  bool wide = at[0] == 'l' && at[1] == 'l';
  if (wide) at += 2;
  switch (*at) {
  case 'd': *kind = wide ? 'D' : 'd'; return at + 1;
  case 'u': *kind = wide ? 'U' : 'u'; return at + 1;
  case 's': case 'c': case '%': *kind = *at; return wide ? NULL : at + 1;
  default: *kind = '\0'; return NULL;
  }
}

static bool all_plain(const char *fmt) {
  char kind;
  while ((fmt = strchr(fmt, '%')))
    if (!(fmt = plain_format(fmt + 1, &kind))) return false;
  return true;
}

/* A text that is cut where the room ends, and its whole length. */
typedef struct Cut { char *at; size_t n, room; } Cut;

static void cut_add(Cut *t, const char *s, size_t n) {
  size_t left = t->n < t->room ? t->room - t->n : 0;
  memcpy(t->at + (left ? t->n : 0), s, n < left ? n : left);
  t->n += n;
}

static void cut_number(Cut *t, uint64_t x, bool minus) {
  char digits[24], *at = digits + sizeof digits;
  do *--at = (char)('0' + x % 10);
  while (x /= 10);
  if (minus) *--at = '-';
  cut_add(t, at, (size_t)(digits + sizeof digits - at));
}

static void cut_signed(Cut *t, int64_t x) {
  cut_number(t, x < 0 ? 0 - (uint64_t)x : (uint64_t)x, x < 0);
}

int text_format(char *to, size_t room, const char *fmt, va_list args) {
  if (!room || !all_plain(fmt)) return vsnprintf(to, room, fmt, args);
  Cut t = {to, 0, room - 1};
  for (const char *next; *fmt; fmt = next) {
    const char *s;
    char kind, x;
    if (*fmt != '%') {
      next = strchr(fmt, '%');
      if (!next) next = fmt + strlen(fmt);
      cut_add(&t, fmt, (size_t)(next - fmt));
      continue;
    }
    next = plain_format(fmt + 1, &kind);
    switch (kind) {
    case 's':
      s = va_arg(args, const char *);
      cut_add(&t, s ? s : "(null)", s ? strlen(s) : 6);
      break;
    case 'c': x = (char)va_arg(args, int); cut_add(&t, &x, 1); break;
    case 'd': cut_signed(&t, va_arg(args, int)); break;
    case 'u': cut_number(&t, va_arg(args, unsigned), false); break;
    case 'D': cut_signed(&t, va_arg(args, long long)); break;
    case 'U': cut_number(&t, va_arg(args, unsigned long long), false); break;
    default: cut_add(&t, "%", 1); break;
    }
  }
  to[t.n < t.room ? t.n : t.room] = '\0';
  return t.n > INT_MAX ? -1 : (int)t.n;
}

const char *str_vprintf(Ctx *c, const char *fmt, va_list args) {
  char few[256];
  va_list again;
  va_copy(again, args);
  int n = text_format(few, sizeof few, fmt, args);
  size_t size = n < 0 ? 0 : (size_t)n;   /* a format that is wrong gives nothing */
  char *text = arena_alloc(c, size + 1);
  if (size < sizeof few) memcpy(text, few, size);
  else text_format(text, size + 1, fmt, again);
  text[size] = '\0';
  va_end(again);
  return text;
}

const char *str_printf(Ctx *c, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  const char *text = str_vprintf(c, fmt, args);
  va_end(args);
  return text;
}

void buf_init(Buf *b, Ctx *c) {
  *b = (Buf){.c = c};
}

/* Makes room for n more bytes and a NUL. */
static void reserve(Buf *b, size_t n) {
  if (n < b->cap - b->n) return;
  size_t cap = b->cap ? b->cap : 64;
  while (n >= cap - b->n) {
    if (cap > SIZE_MAX / 2) arena_raise(b->c, GC_NOMEM);
    cap *= 2;
  }
  b->at = (b->lent ? arena_grow : arena_move)(b->c, b->at, b->cap, cap);
  b->cap = cap;
  b->lent = false;
}

void buf_add(Buf *b, const char *s, size_t n) {
  reserve(b, n);
  if (n) memcpy(b->at + b->n, s, n);
  b->n += n;
  b->at[b->n] = '\0';
}

void buf_puts(Buf *b, const char *s) {
  buf_add(b, s, strlen(s));
}

void buf_printf(Buf *b, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  reserve(b, 64);
  int n = text_format(b->at + b->n, b->cap - b->n, fmt, args);
  va_end(args);
  if (n < 0) internal_error(b->c, "a text that cannot be formatted: %s", fmt);
  if ((size_t)n >= b->cap - b->n) { /* did not fit: once more with room */
    reserve(b, (size_t)n);
    va_start(args, fmt);
    text_format(b->at + b->n, b->cap - b->n, fmt, args);
    va_end(args);
  }
  b->n += (size_t)n;
}

void buf_release(Buf *b) {
  if (!b->lent) arena_release(b->c, b->at, b->cap);
  buf_init(b, b->c);
}

const char *buf_text(Buf *b) {
  if (!b->at) reserve(b, 0);
  b->at[b->n] = '\0';
  return b->at;
}

/* The host program may have set a locale whose numbers have another point. */
static void plain_point(char *text) {
  const char *point = localeconv()->decimal_point;
  size_t n = strlen(point);
  if (n == 0 || strcmp(point, ".") == 0) return;
  char *p = strstr(text, point);
  if (!p) return;
  *p = '.';
  memmove(p + 1, p + n, strlen(p + n) + 1);
}

void buf_real(Buf *b, double x) {
  if (isnan(x)) {
    buf_puts(b, "nan");
    return;
  }
  if (isinf(x)) {
    buf_puts(b, x < 0 ? "-inf" : "inf");
    return;
  }
  if (fabs(x) < 1e6 && x == (int)x && !signbit(x)) { /* most are */
    buf_printf(b, "%d", (int)x);
    return;
  }
  /* 15 digits survive a round trip in every normal number, so a shorter text
   * that reads back is found with 15; only subnormals can need fewer. */
  char text[40];
  int digits = x != 0 && fabs(x) < DBL_MIN ? 1 : 15;
  do
    snprintf(text, sizeof text, "%.*g", digits, x);
  while (strtod(text, NULL) != x && digits++ < 17);
  plain_point(text);
  buf_puts(b, text);
}
