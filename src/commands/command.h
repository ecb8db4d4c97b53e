/* command.h - what the commands share.
 *
 * A command is a row of the table in main.c.  It gets its own arguments, argv[0] being
 * its name, and gives the exit status: 0 done, 1 the program is wrong, 2 the command
 * line is wrong, 3 an assert or a check failed. */
#ifndef GRADC_COMMAND_H
#define GRADC_COMMAND_H

#include "base/base.h"
#include "elaborate/elaborate.h"
#include "script/value.h"

typedef struct Command {
  const char *name;
  const char *synopsis;   /* "FILE.gc [--set NAME=VALUE]…" */
  const char *summary;    /* one line */
  const char *help;       /* the options, a line each */
  int (*run)(int argc, char **argv);
} Command;

extern const Command run_command, diff_command, compile_command, check_command, explain_command, flow_command,
  repl_command;
const Command *const *command_table(void);   /* NULL-terminated */

/* ---- one compilation at the command line (common.c) ---- */

typedef struct Job {
  Ctx *c;
  const Command *command;
  uint32_t shown;          /* diagnostics already on standard error */
  double start, told;      /* when it began; when progress was last shown, 0: it is not there */
} Job;

bool job_open(Job *j, const Command *command);   /* false: out of memory, said so */
/* Shows what is still to be shown, frees, and gives the exit status. */
int job_close(Job *j, Status s);
/* What takes longer than two seconds shows what it is at, on a terminal; this takes that
 * line away, before anything else is written. */
void job_hush(Job *j);
/* Shows new diagnostics on standard error. */
void job_report(Job *j);
/* "gradc run: …" and a hint at --help; gives 2. */
int usage_error(const Command *command, const char *fmt, ...) GC_PRINTF(2, 3);
/* getopt_long's complaint in our words: unknown option, or its argument missing. */
int option_error(const Command *command, int opt, char **argv);
void command_help(const Command *command);
bool colour_on_stderr(void);              /* a terminal, and NO_COLOR not set */

/* Reads a file (or standard input for "-") as a source; raises with what is wrong. */
uint32_t read_source(Ctx *c, const char *path);
/* The expression of -e; raises where it is anything else. */
Ast *parse_expression(Ctx *c, const char *text);
/* Writes the files, all or none: each to a temporary name first. */
void write_files(Ctx *c, uint32_t n, const char *const *path, const Buf *const *text);
/* Cuts "a,b,c" into interned names. */
uint32_t split_names(Ctx *c, const char *list, const char ***names);
/* Sets a limit from "calls=5000000"; 0, or the exit status. */
int limit_option(Job *j, const char *text);
/* Leaves out the warnings of this name, or all; 0, or the exit status. */
int no_warn_option(Job *j, const char *name);
void host_stdout(Host *h, Ctx *c);   /* a host that writes to standard output */

#endif
