/* main.c - the command line: finds the command and hands over. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands/command.h"
#include "version.h"

static const Command *const commands[] = {
  &run_command, &diff_command, &compile_command, &check_command, &explain_command, &flow_command, &repl_command,
  NULL,
};

const Command *const *command_table(void) { return commands; }

static int help(void) {
  puts("gradc - a compiler for a small differentiable expression language\n");
  for (const Command *const *c = commands; *c; c++)
    printf("  gradc %s %s\n        %s\n", (*c)->name, (*c)->synopsis, (*c)->summary);
  puts("  gradc --version, gradc --help, gradc COMMAND --help\n\n"
       "Without arguments, in a terminal, gradc starts a session.\n"
       "Exit status: 0 done; 1 the program is wrong; 2 the command line is wrong;\n"
       "3 an assert or a check failed.");
  return 0;
}

static int version(void) {
  puts("gradc " GRADC_VERSION "\nMIT licence; links libtcc (LGPL-2.1), MPFR and GMP (LGPL-3).");
  return 0;
}

static const Command *find(const char *name) {
  for (const Command *const *c = commands; *c; c++)
    if (!strcmp((*c)->name, name)) return *c;
  return NULL;
}

static int unknown(const char *name) {
  const char *names[sizeof commands / sizeof *commands];
  size_t n = 0;
  for (; commands[n]; n++) names[n] = commands[n]->name;
  const char *near = nearest_word(name, names, n);
  fprintf(stderr, "gradc: unknown command '%s'%s%s%s\n(gradc --help lists the commands)\n", name,
          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  return 2;
}

/* A result that could not be written is none. */
static int finished(int status) {
  if (status || (fflush(stdout) == 0 && !ferror(stdout))) return status;
  perror("gradc: standard output");
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    char *repl[] = {"repl", NULL};
    if (isatty(0)) return repl_command.run(1, repl);
    help();
    return 2;
  }
  const char *word = argv[1];
  if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"))
    return finished(help());
  if (!strcmp(word, "--version") || !strcmp(word, "-V")) return finished(version());
  const Command *c = find(word);
  return c ? finished(c->run(argc - 1, argv + 1)) : unknown(word);
}
