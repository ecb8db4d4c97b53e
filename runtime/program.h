/* program.h - what a program written by `gradc compile --main` needs to read its arguments:
 * numbers, and arrays from .npy, .csv and text files.  The compiler copies it whole into
 * that program.  C99. */
#ifndef GRADC_PROGRAM_H
#define GRADC_PROGRAM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was read: numbers as double; rank and sizes as the file has them. */
typedef struct gc_input {
  const char *name;
  double *at;
  size_t n;
  int rank;
  int64_t dim[16];
} gc_input;

static void gc_die(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void *gc_room(size_t n, size_t size) {
  void *p = n <= (size_t)-1 / size - 1 ? malloc((n + 1) * size) : NULL;
  if (!p) gc_die("memory", "there is not enough");
  return p;
}

/* ---- .npy --------------------------------------------------------------------- */

/* The text after 'KEY': in the head of an .npy file. */
static const char *gc_npy_key(const char *head, const char *key, const char *path) {
  const char *p = strstr(head, key);
  if (!p) gc_die(path, "its head is not that of an .npy file");
  p += strlen(key);
  while (*p == ' ' || *p == ':' || *p == '\'') p++;
  return p;
}

static double gc_npy_number(const unsigned char *p, char kind, int size) {
  uint64_t bits = 0;
  double d;
  float f;
  int k;
  for (k = 0; k < size; k++) bits |= (uint64_t)p[k] << 8 * k;
  if (kind == 'f' && size == 8) {
    memcpy(&d, &bits, sizeof d);
    return d;
  }
  if (kind == 'f') {
    uint32_t low = (uint32_t)bits;
    memcpy(&f, &low, sizeof f);
    return (double)f;
  }
  if (kind == 'i' && size < 8 && bits >> (8 * size - 1)) bits |= ~(uint64_t)0 << 8 * size;
  return kind == 'i' ? (double)(int64_t)bits : (double)bits;
}

static void gc_read_npy(gc_input *x, const char *path, const unsigned char *bytes, size_t n) {
  size_t start, length = n > 12 ? (size_t)bytes[8] | (size_t)bytes[9] << 8 : 0, k;
  const char *head, *p;
  char *end;
  int size;
  start = 10;
  if (n > 12 && bytes[6] > 1) {
    length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    start = 12;
  }
  if (n < start || length > n - start) gc_die(path, "it ends too early");
  char *copy = (char *)gc_room(length + 1, 1);
  memcpy(copy, bytes + start, length);
  copy[length] = 0;
  head = copy;
  p = gc_npy_key(head, "'descr'", path);
  if ((*p != '<' && *p != '|') || !strchr("fiub", p[1]))
    gc_die(path, "its elements are of a kind that is not read");
  const char kind = p[1] == 'b' ? 'u' : p[1];
  size = atoi(p + 2);
  if (size != 1 && size != 2 && size != 4 && size != 8)
    gc_die(path, "its elements are of a size that is not read");
  if (kind == 'f' && size < 4) gc_die(path, "its elements are of a size that is not read");
  if (strncmp(gc_npy_key(head, "'fortran_order'", path), "False", 5) != 0)
    gc_die(path, "it is in Fortran's order: save numpy.ascontiguousarray of it");
  p = gc_npy_key(head, "'shape'", path);
  x->n = 1;
  x->rank = 0;
  for (p++; *p && *p != ')'; p++) {
    if (*p == ' ' || *p == ',') continue;
    if (x->rank == 16) gc_die(path, "it has too many axes");
    x->dim[x->rank] = strtoll(p, &end, 10);
    if (end == p || x->dim[x->rank] < 0) gc_die(path, "its shape is not to be read");
    x->n *= (size_t)x->dim[x->rank++];
    p = end - 1;
  }
  if (x->n > (n - start - length) / (size_t)size) gc_die(path, "it ends too early");
  x->at = (double *)gc_room(x->n, sizeof(double));
  for (k = 0; k < x->n; k++)
    x->at[k] = gc_npy_number(bytes + start + length + k * (size_t)size, kind, size);
  free(copy);
}

/* ---- text ----------------------------------------------------------------------- */

/* Rows of numbers with commas, semicolons or blanks between; # starts a comment, and a first row
 * that does not begin with a number is a heading. */
static void gc_read_text(gc_input *x, const char *path, char *text) {
  size_t room = 64, rows = 0, width = 0;
  int first = 1;
  char *line = text;
  x->n = 0;
  x->at = (double *)gc_room(room, sizeof(double));
  while (*line) {
    char *next = line + strcspn(line, "\n"), *p = line, *end;
    size_t in_row = 0;
    if (*next) *next++ = 0;
    p[strcspn(p, "#\r")] = 0;
    for (;;) {
      p += strspn(p, " \t,;");
      if (!*p) break;
      const double v = strtod(p, &end);
      if (end == p && first && in_row == 0) break;
      if (end == p) gc_die(path, "there is something in it that is not a number");
      if (x->n == room) {
        room *= 2;
        x->at = (double *)realloc(x->at, (room + 1) * sizeof(double));
        if (!x->at) gc_die("memory", "there is not enough");
      }
      x->at[x->n++] = v;
      in_row++;
      p = end;
    }
    if (*line) first = 0;
    if (in_row) {
      if (rows && in_row != width) gc_die(path, "its rows differ in length");
      width = in_row;
      rows++;
    }
    line = next;
  }
  x->rank = rows == 1 || width <= 1 ? 1 : 2;
  x->dim[0] = (int64_t)(x->rank == 1 ? x->n : rows);
  x->dim[1] = (int64_t)width;
}

/* ---- an argument ------------------------------------------------------------------ */

/* A number, or the path of a file. */
static void gc_read(gc_input *x, const char *name, const char *text) {
  char *end;
  size_t n = 0, room = 1 << 16, got;
  FILE *f;
  unsigned char *bytes;
  memset(x, 0, sizeof *x);
  x->name = name;
  const double one = strtod(text, &end);
  if (end != text && !*end) {
    x->at = (double *)gc_room(1, sizeof(double));
    x->at[0] = one;
    x->n = 1;
    return;
  }
  f = fopen(text, "rb");
  if (!f) gc_die(text, "it is neither a number nor a file that can be read");
  bytes = (unsigned char *)gc_room(room, 1);
  while ((got = fread(bytes + n, 1, room - n, f)) > 0) {
    n += got;
    if (n < room) continue;
    room *= 2;
    bytes = (unsigned char *)realloc(bytes, room + 1);
    if (!bytes) gc_die("memory", "there is not enough");
  }
  if (ferror(f)) gc_die(text, "it cannot be read");
  fclose(f);
  bytes[n] = 0;
  if (n >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0) gc_read_npy(x, text, bytes, n);
  else gc_read_text(x, text, (char *)bytes);
  free(bytes);
}

/* Fits the rank that is asked for: a column is a vector, a vector a column or a row of it. */
static void gc_rank(gc_input *x, int rank) {
  if (x->rank == rank) return;
  if (rank == 1 && x->rank == 2 && (x->dim[0] == 1 || x->dim[1] == 1)) {
    x->dim[0] = (int64_t)x->n;
  } else if (rank == 1 && x->rank == 0) {
    x->dim[0] = 1;
  } else if (rank == 2 && x->rank < 2) {
    x->dim[1] = (int64_t)x->n;
    x->dim[0] = 1;
  } else if (!(rank == 0 && x->n == 1)) {
    fprintf(stderr, "%s: %d axes are asked for, not %d\n", x->name, rank, x->rank);
    exit(1);
  }
  x->rank = rank;
}

/* Axis k has n elements. */
static void gc_axis(const gc_input *x, int k, int64_t n) {
  if (x->dim[k] == n) return;
  fprintf(stderr, "%s: axis %d has %lld elements where %lld are asked for\n", x->name, k,
          (long long)x->dim[k], (long long)n);
  exit(1);
}

/* ---- results ------------------------------------------------------------------------ */

/* A row of numbers a line, under the name of the result. */
static void gc_print(const char *name, const double *x, int rank, const int64_t *dim, int digits) {
  int64_t n = 1, width = rank ? dim[rank - 1] : 1, k;
  int d;
  for (d = 0; d < rank; d++) n *= dim[d];
  printf("%s", name);
  for (d = 0; d < rank; d++) printf("%s%lld", d ? ", " : "[", (long long)dim[d]);
  printf(rank ? "]\n" : "\n");
  for (k = 0; k < n; k++)
    printf("%.*g%s", digits, x[k], (k + 1) % width == 0 ? "\n" : ",");
}

#endif
