/* utf8.c - decodes one character; anything malformed is one bad byte. */
#include "base/private.h"

static bool tail(const unsigned char *p, unsigned n) {
  for (unsigned i = 1; i < n; i++)
    if ((p[i] & 0xC0) != 0x80) return false;
  return true;
}

unsigned utf8_decode(const char *text, const char *end, uint32_t *code) {
  const unsigned char *p = (const unsigned char *)text;
  size_t room = (size_t)(end - text);
  *code = p[0];
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xC2 && p[0] < 0xE0 && room >= 2 && tail(p, 2)) {
    *code = (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    return 2;
  }
  if (p[0] >= 0xE0 && p[0] < 0xF0 && room >= 3 && tail(p, 3)) {
    *code = (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    if (*code >= 0x800 && (*code < 0xD800 || *code > 0xDFFF)) return 3;
  }
  if (p[0] >= 0xF0 && p[0] < 0xF5 && room >= 4 && tail(p, 4)) {
    *code = (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    if (*code >= 0x10000 && *code <= 0x10FFFF) return 4;
  }
  *code = UTF8_BAD;
  return 1;
}
