/* options.h - the command line: --name VALUE or --name=VALUE. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdint.h>

typedef enum { OPTION_TEXT, OPTION_COUNT, OPTION_REAL, OPTION_HELP } OptionKind;

typedef struct Option {
  const char *name;    /* without the dashes */
  OptionKind kind;
  void *value;         /* const char *, int64_t (from `least` on), double (0 or more), int */
  int64_t least;
  int given;
} Option;

/* Reads them into the values of a table of n.  0: done; else it has said on stderr, after
 * the program's name, what is wrong; without a name (null) it says nothing. */
int options_read(int argc, char **argv, const char *program, Option *table, int n);
int option_given(const Option *table, int n, const char *name);

#endif
