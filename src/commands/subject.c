/* subject.c - the function or expression that `explain` and `flow` are asked about. */
#include "commands/subject.h"

#include <getopt.h>
#include <string.h>

int subject_complete(Subject *s, const Command *command, int argc, char **argv) {
  if (optind < argc) s->file = argv[optind++];
  if (optind < argc)
    return usage_error(command, "one file at a time; what is '%s'?", argv[optind]);
  if (!s->expression && !s->file)
    return usage_error(command, "give a file and -f NAME, or -e 'EXPRESSION'");
  if (s->expression && s->function) return usage_error(command, "-e and -f exclude each other");
  if (!s->expression && !s->function) return usage_error(command, "which function? (-f NAME)");
  return -1;
}

FlowGraph *subject_graph(Ctx *c, const Subject *s, const char **name) {
  Module *m = module_new(c);
  if (s->file) module_add(m, parse(c, read_source(c, s->file), PARSE_FILE, NULL), false);
  Ast *e = s->expression ? parse_expression(c, s->expression) : NULL;
  const char **wrt = NULL;
  uint32_t nwrt = s->wrt ? split_names(c, s->wrt, &wrt) : 0;
  const char *f = s->function ? intern_z(c, s->function) : NULL;
  *name = f ? f : label_source(c, e->span, 60);
  return flow_of(m, f, e, wrt, nwrt);
}
