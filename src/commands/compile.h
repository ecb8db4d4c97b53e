/* compile.h - what the files of the command compile share. */
#ifndef GRADC_COMMANDS_COMPILE_H
#define GRADC_COMMANDS_COMPILE_H

#include "commands/command.h"
#include "emit/emit.h"

/* points.c: a point at which the program, as elaborated, has results, and those; NULL if
 * none of the points tried is one. */
const EmitCase *test_point(Prog *p);

#endif
