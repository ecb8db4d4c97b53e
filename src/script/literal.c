/* literal.c - the text of a value, as --set takes it: numbers, true and false, pi, and
 * brackets nested as deep as an array has axes.  Elements are separated by commas, or
 * by blanks as print writes them. */
#include "script/private.h"

#include <string.h>

typedef struct Literal {
  Ctx *c;
  const char *text, *at;
  Numbers all;
  bool bools, numbers;
  int rank;               /* -1: not known yet */
  int64_t dim[MAX_RANK];  /* -1: not known yet */
} Literal;

_Noreturn static void refuse(Literal *l, const char *what) {
  diag(l->c, SEV_ERROR, (Span){0}, "'%.60s%s': %s", l->text, strlen(l->text) > 60 ? "…" : "", what);
  diag(l->c, SEV_HELP, (Span){0}, "a value is written as 1.5, true, [1, 2, 3] or [[1, 2], [3, 4]]");
  diag_raise(l->c, GC_USAGE);
}

static void skip_blanks(Literal *l) {
  while (*l->at && strchr(" \t\r\n", *l->at)) l->at++;
}

static bool is_word(const char *s, size_t n, const char *word) {
  return strlen(word) == n && memcmp(s, word, n) == 0;
}

static void read_scalar(Literal *l) {
  const double pi = 3.14159265358979323846;
  const char *s = l->at;
  size_t n = strcspn(s, " \t\r\n,[]");
  double real = 0;
  int64_t whole = 0;
  bool is_int = true, truth = is_word(s, n, "true");
  if (truth || is_word(s, n, "false")) {
    l->bools = true;
    real = (double)(whole = truth);
  } else if (is_word(s, n, "pi") || is_word(s, n, "-pi")) {
    l->numbers = true;
    is_int = false;
    real = *s == '-' ? -pi : pi;
  } else if (number_read(s, n, &real, &whole, &is_int)) {
    l->numbers = true;
  } else {
    refuse(l, n ? "this is not a number" : "a number is missing");
  }
  if (l->bools && l->numbers) refuse(l, "numbers and bools are mixed");
  l->at += n;
  numbers_add(l->c, &l->all, real, whole, is_int);
}

/* Something that is no array stands `depth` brackets deep. */
static void note_rank(Literal *l, int depth) {
  if (l->rank < 0) l->rank = depth;
  if (l->rank != depth) refuse(l, "rows and numbers are mixed");
}

static void read_value(Literal *l, int depth);

static void read_list(Literal *l, int depth) {
  int64_t n = 0;
  if (depth == MAX_RANK) refuse(l, "more brackets than an array has axes");
  l->at++;
  skip_blanks(l);
  while (*l->at != ']') {
    if (!*l->at) refuse(l, "a ']' is missing");
    read_value(l, depth + 1);
    n++;
    skip_blanks(l);
    if (*l->at != ',') continue;
    l->at++;
    skip_blanks(l);
    if (*l->at == ']') refuse(l, "a number is missing after the ','");
  }
  l->at++;
  if (n == 0) note_rank(l, depth + 1);
  if (l->dim[depth] < 0) l->dim[depth] = n;
  if (l->dim[depth] != n) refuse(l, "rows differ in length");
}

static void read_value(Literal *l, int depth) {
  skip_blanks(l);
  if (*l->at == '[') {
    read_list(l, depth);
    return;
  }
  note_rank(l, depth);
  read_scalar(l);
}

Value literal_read(Ctx *c, const char *text) {
  Literal l = {.c = c, .text = text, .at = text, .rank = -1};
  for (uint32_t k = 0; k < MAX_RANK; k++) l.dim[k] = -1;
  read_value(&l, 0);
  skip_blanks(&l);
  if (*l.at) refuse(&l, "there is more after the value");
  Value v = value_of_numbers(&l.all, (uint32_t)l.rank, l.dim);
  if (l.bools) v.elem = ELEM_BOOL;
  return v;
}
