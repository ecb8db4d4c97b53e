#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    fprintf(stderr, "%s: --%s takes a whole number from %d on, not '%s'\n", program, o->name,
            (int)o->least, text);
    return 1;
  }
  case OPTION_REAL: {
    double x = strtod(text, &end);
    if (end != text && !*end && isfinite(x) && x >= 0) {
      *(double *)o->value = x;
      return 0;
    }
    fprintf(stderr, "%s: --%s takes a number from 0 on, not '%s'\n", program, o->name, text);
    return 1;
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
    if (!o || (o->kind == OPTION_HELP && name[length])) {
      fprintf(stderr, "%s: what is '%s'? (see --help)\n", program, argv[i]);
      return 1;
    }
    o->given = 1;
    if (o->kind == OPTION_HELP) {
      *(int *)o->value = 1;
      continue;
    }
    if (!name[length] && i + 1 == argc) {
      fprintf(stderr, "%s: --%s takes a value\n", program, o->name);
      return 1;
    }
    if (set_value(program, o, name[length] ? name + length + 1 : argv[++i])) return 1;
  }
  return 0;
}

int option_given(const Option *table, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].given;
  return 0;
}
