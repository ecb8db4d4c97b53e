#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const char *program, const char *format, ...) {
  if (!program) return 1;
  va_list args;
  fprintf(stderr, "%s: ", program);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  return 1;
}

static int set_value(const char *program, const Option *o, const char *text) {
  char *end = NULL;
  errno = 0;
  switch (o->kind) {
  case OPTION_TEXT:
    *(const char **)o->value = text;
    return 0;
  case OPTION_COUNT: {
    long long n = strtoll(text, &end, 10);
    if (!errno && end != text && !*end && n >= o->least && n <= INT32_MAX) {
      *(int64_t *)o->value = n;
      return 0;
    }
    return complain(program, "--%s takes a whole number from %d on, not '%s'", o->name,
                    (int)o->least, text);
  }
  case OPTION_REAL: {
    double x = strtod(text, &end);
    if (end != text && !*end && isfinite(x) && x >= 0) {
      *(double *)o->value = x;
      return 0;
    }
    return complain(program, "--%s takes a number from 0 on, not '%s'", o->name, text);
  }
  case OPTION_HELP: break;
  }
  return 0;
}

static Option *option_find(Option *table, int n, const char *name, size_t length) {
  for (int i = 0; i < n; i++)
    if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0)
      return &table[i];
  return NULL;
}

int options_read(int argc, char **argv, const char *program, Option *table, int n) {
  for (int i = 1; i < argc; i++) {
    const char *name = strncmp(argv[i], "--", 2) == 0 ? argv[i] + 2 : "";
    size_t length = strcspn(name, "=");
    Option *o = option_find(table, n, name, length);
    if (!o || (o->kind == OPTION_HELP && name[length]))
      return complain(program, "what is '%s'? (see --help)", argv[i]);
    o->given = 1;
    if (o->kind == OPTION_HELP) {
      *(int *)o->value = 1;
      continue;
    }
    if (!name[length] && i + 1 == argc)
      return complain(program, "--%s takes a value", o->name);
    if (set_value(program, o, name[length] ? name + length + 1 : argv[++i])) return 1;
  }
  return 0;
}

int option_given(const Option *table, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].given;
  return 0;
}
