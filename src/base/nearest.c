/* nearest.c - "did you mean": the word with the smallest number of slips
 * (a letter missing, added, wrong, or two changed round). */
#include "base/base.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 64 }; /* longer words get no suggestion */

static unsigned least(unsigned a, unsigned b) {
  return a < b ? a : b;
}

static int lower(char ch) {
  return tolower((unsigned char)ch);
}

/* Damerau-Levenshtein distance (restricted), case aside; lengths <= LONGEST. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb) {
  unsigned rows[3][LONGEST + 1];
  unsigned *before = rows[0], *last = rows[1], *now = rows[2];
  for (size_t j = 0; j <= nb; j++) last[j] = before[j] = (unsigned)j;
  for (size_t i = 1; i <= na; i++) {
    now[0] = (unsigned)i;
    for (size_t j = 1; j <= nb; j++) {
      unsigned wrong = last[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
      now[j] = least(wrong, 1 + least(last[j], now[j - 1]));
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1]))
        now[j] = least(now[j], before[j - 2] + 1);
    }
    unsigned *oldest = before;
    before = last;
    last = now;
    now = oldest;
  }
  return last[nb];
}

const char *nearest_word(const char *word, const char *const *words, size_t n) {
  size_t length = strlen(word);
  if (length > LONGEST) return NULL;
  /* One slip in a word of three letters, two in six, three in nine. */
  size_t best = length / 3 + 1;
  const char *found = NULL;
  for (size_t i = 0; i < n; i++) {
    size_t other = strlen(words[i]);
    if (other > LONGEST || other >= length + best || length >= other + best) continue;
    unsigned d = distance(word, length, words[i], other);
    if (d >= best || strcmp(word, words[i]) == 0) continue;
    best = d;
    found = words[i];
  }
  return found;
}
