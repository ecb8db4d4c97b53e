/* subject.h - the function or expression that `explain` and `flow` are asked about. */
#ifndef GRADC_SUBJECT_H
#define GRADC_SUBJECT_H

#include "commands/command.h"
#include "explain/explain.h"

typedef struct Subject { const char *file, *function, *expression, *wrt; } Subject;

/* The rest of the command line, the file, and whether all that is needed was given:
 * -1, or the exit status with the complaint made. */
int subject_complete(Subject *s, const Command *command, int argc, char **argv);
/* Reads, elaborates and gives the graph; *name is the function's. */
FlowGraph *subject_graph(Ctx *c, const Subject *s, const char **name);

#endif
