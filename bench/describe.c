/* describe.c - a program's description: the lines of its text that begin with "#:".
 *
 *   title     what the table calls it
 *   value     the function itself
 *   gradient  "grad f:x", "hvp f:x", …, or a function that computes what is timed; one a line
 *   real      double, float or both; double if left out
 *   size      values of the sizes, then bars: "hand 4" is 4 times faster than by hand,
 *             "value 3" at most 3 times its own value, "copy 1.2" the same against a copy,
 *             "call 50" nanoseconds through the library, "unit 300" nanoseconds an element
 *   tiny      sizes for the test of agreement
 *   input     name and range of an input, or "NAME mod SIZE" of indices
 *   options   of gradc compile;  libs: of the linker
 *   peer      a further C file, peers/ROW.NAME.c
 *   unit      what one element of the work is called, and the size that counts them */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

void die(const char *format, ...) {
  va_list a;
  va_start(a, format);
  fputs("bench: ", stderr);
  vfprintf(stderr, format, a);
  fputs("\n", stderr);
  va_end(a);
  exit(2);
}

static char *read_text(const char *path) {
  FILE *f = fopen(path, "r");
  if (!f) die("cannot read %s", path);
  size_t room = 1 << 16, n;
  char *s = malloc(room);
  if (!s) die("out of memory");
  n = fread(s, 1, room - 1, f);
  s[n] = '\0';
  fclose(f);
  return s;
}

static char *trimmed(const char *from, const char *to) {
  while (from < to && strchr(" \t", *from)) from++;
  while (to > from && strchr(" \t", to[-1])) to--;
  char *s = strndup(from, (size_t)(to - from));
  if (!s) die("out of memory");
  return s;
}

/* "n=10 m=3  hand 4": words with an equals sign, then the rest. */
static Sizes sizes(const char *s) {
  const char *at = s;
  for (;;) {
    size_t n = strcspn(at, " ");
    if (!memchr(at, '=', n)) break;
    at += n;
    at += strspn(at, " ");
  }
  return (Sizes){trimmed(s, at), trimmed(at, at + strlen(at))};
}

static Input input(const char *s) {
  Input x = {.lo = -1, .hi = 1};
  if (sscanf(s, "%63s mod %31s", x.name, x.modulo) == 2) return x;
  *x.modulo = '\0';
  if (sscanf(s, "%63s %lf %lf", x.name, &x.lo, &x.hi) != 3) die("not an input: %s", s);
  return x;
}

static void reals(Row *r, char *s) {
  char *rest;
  for (char *word = strtok_r(s, " ", &rest); word && r->nreals < 2; word = strtok_r(NULL, " ", &rest))
    r->real[r->nreals++] = word;
}

static void entry(Row *r, const char *key, char *s) {
  const struct { const char *key; char **to; } plain[] = {
    {"title", &r->title}, {"value", &r->value}, {"options", &r->options}, {"libs", &r->libs},
    {"peer", &r->peers}, {"unit", &r->unit},
  };
  for (size_t k = 0; k < sizeof plain / sizeof *plain; k++)
    if (!strcmp(key, plain[k].key)) {
      *plain[k].to = s;
      return;
    }
  if (!strcmp(key, "gradient") && r->ngradients < FEW) r->gradient[r->ngradients++] = s;
  else if (!strcmp(key, "size") && r->nsizes < FEW) r->size[r->nsizes++] = sizes(s);
  else if (!strcmp(key, "tiny")) r->tiny = sizes(s);
  else if (!strcmp(key, "input") && r->ninputs < MANY) r->input[r->ninputs++] = input(s);
  else if (!strcmp(key, "real")) reals(r, s);
  else die("%s: what is '%s'?", r->name, key);
}

Row *row_read(const char *path) {
  static char standard[] = "double";
  Row *r = calloc(1, sizeof *r);
  const char *slash = strrchr(path, '/');
  if (!r) die("out of memory");
  snprintf(r->name, sizeof r->name, "%s", slash ? slash + 1 : path);
  r->name[strcspn(r->name, ".")] = '\0';
  r->text = read_text(path);
  r->options = r->libs = r->peers = r->unit = trimmed("", "");
  r->tiny = sizes("");
  for (const char *line = r->text, *end; *line; line = end + (*end == '\n')) {
    end = line + strcspn(line, "\n");
    if (strncmp(line, "#:", 2)) continue;
    const char *key = line + 2 + strspn(line + 2, " ");
    const char *rest = key + strcspn(key, " \n");
    entry(r, trimmed(key, rest), trimmed(rest, end));
  }
  if (!r->nreals) r->real[r->nreals++] = standard;
  if (!r->title || !r->value || !r->ngradients || !r->nsizes) die("%s: half a description", path);
  return r;
}

int64_t size_value(const char *values, const char *name) {
  size_t n = strlen(name);
  for (const char *at = values; (at = strstr(at, name)); at++)
    if ((at == values || at[-1] == ' ') && at[n] == '=') return atoll(at + n + 1);
  return -1;
}
