/* csv.c - numbers, or true and false, in lines of text: a line is a row, its numbers
 * separated by commas, semicolons, tabs or blanks.
 *
 * A first line that holds none of them is a header and skipped; so are empty lines, and
 * lines that begin with #.  One column gives an array of rank 1, anything else (one row
 * too) one of rank 2. */
#include "script/private.h"

#include <string.h>

typedef struct Csv {
  Ctx *c;
  const char *path;
  const char *at, *end;
  uint32_t line;        /* of the row being read, from 1 */
  uint32_t first_line;  /* where the first row stands */
  int64_t rows, columns;
  Numbers all;
  bool bools;           /* the fields are true and false */
} Csv;

/* The next line, without its end; false after the last. */
static bool next_line(Csv *f, const char **line, size_t *n) {
  if (f->at >= f->end) return false;
  const char *stop = memchr(f->at, '\n', (size_t)(f->end - f->at));
  *line = f->at;
  *n = (size_t)((stop ? stop : f->end) - f->at);
  f->at = stop ? stop + 1 : f->end;
  f->line++;
  while (*n && strchr(" \t\r", (*line)[*n - 1])) --*n;
  while (*n && strchr(" \t", **line)) ++*line, --*n;
  return true;
}

/* What separates the fields of this line; ' ' stands for any blanks. */
static char separator(const char *line, size_t n) {
  static const char signs[] = ",;\t";
  for (const char *s = signs; *s; s++)
    if (memchr(line, *s, n)) return *s;
  return ' ';
}

/* The next field of the rest of a line, blanks around it left out. */
static bool next_field(const char **at, const char *end, char sign, const char **field, size_t *n) {
  const char *s = *at;
  if (!s) return false;
  const char *stop = s;
  while (stop < end && (sign == ' ' ? *stop != ' ' && *stop != '\t' : *stop != sign)) stop++;
  *at = stop < end ? stop + 1 : NULL;
  if (sign == ' ')
    while (*at && *at < end && (**at == ' ' || **at == '\t')) ++*at;
  while (s < stop && strchr(" \t", *s)) s++;
  while (stop > s && strchr(" \t", stop[-1])) stop--;
  *field = s;
  *n = (size_t)(stop - s);
  return true;
}

static bool is_word(const char *s, size_t n, const char *word) {
  return strlen(word) == n && memcmp(s, word, n) == 0;
}

static bool bool_read(const char *field, size_t n, bool *truth) {
  *truth = is_word(field, n, "true") || is_word(field, n, "True");
  return *truth || is_word(field, n, "false") || is_word(field, n, "False");
}

/* Does the line hold a number, or a bool, anywhere? */
static bool has_data(const char *line, size_t n) {
  const char *at = line, *field;
  char sign = separator(line, n);
  size_t size;
  double real;
  int64_t whole;
  bool is_int, truth;
  while (next_field(&at, line + n, sign, &field, &size))
    if (number_read(field, size, &real, &whole, &is_int) || bool_read(field, size, &truth))
      return true;
  return false;
}

_Noreturn static void not_a_number(Csv *f, int64_t column, const char *field, size_t n) {
  if (n == 0)
    file_fail(f->c, f->path, "write nan for a number that is missing",
              "line %u, column %lld is empty", f->line, (long long)column);
  file_fail(f->c, f->path,
            f->bools ? "all fields are true or false, or none is"
                     : "fields are numbers, nan or inf; text may stand in a first line only",
            "line %u, column %lld: '%.*s' is not a %s", f->line, (long long)column,
            (int)(n < 60 ? n : 60), field, f->bools ? "bool" : "number");
}

/* The first field decides whether all are bools. */
static void read_field(Csv *f, int64_t column, const char *field, size_t n) {
  double real;
  int64_t whole;
  bool is_int, truth;
  if (f->all.real.n == 0) f->bools = bool_read(field, n, &truth);
  if (f->bools && bool_read(field, n, &truth))
    numbers_add(f->c, &f->all, truth, truth, true);
  else if (!f->bools && number_read(field, n, &real, &whole, &is_int))
    numbers_add(f->c, &f->all, real, whole, is_int);
  else
    not_a_number(f, column, field, n);
}

static void read_row(Csv *f, const char *line, size_t n) {
  const char *at = line, *field;
  char sign = separator(line, n);
  size_t size;
  int64_t columns = 0;
  while (next_field(&at, line + n, sign, &field, &size)) read_field(f, ++columns, field, size);
  if (f->rows == 0) f->columns = columns, f->first_line = f->line;
  if (columns != f->columns)
    file_fail(f->c, f->path, "each line needs as many numbers as the first",
              "line %u has %lld numbers, line %u has %lld", f->line, (long long)columns,
              f->first_line, (long long)f->columns);
  f->rows++;
}

Value csv_read(Ctx *c, const char *path) {
  Bytes file = file_read(c, path);
  Csv f = {.c = c, .path = path, .at = (const char *)file.at};
  f.end = f.at + file.n;
  if (file.n >= 3 && memcmp(f.at, "\xEF\xBB\xBF", 3) == 0) f.at += 3; /* a byte order mark */
  const char *line;
  size_t n;
  bool first = true;
  while (next_line(&f, &line, &n)) {
    if (n == 0 || *line == '#') continue;
    if (!first || has_data(line, n)) read_row(&f, line, n);
    first = false;
  }
  if (f.rows == 0) file_fail(c, path, NULL, "there are no numbers in this file");
  int64_t dim[] = {f.rows, f.columns};
  Value v = value_of_numbers(&f.all, f.columns == 1 ? 1 : 2, dim);
  if (f.bools) v.elem = ELEM_BOOL;
  return v;
}
