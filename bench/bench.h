/* bench.h - what the files of bench/rows share.
 *
 *   describe.c    a program's description, the lines of it that begin with "#:"
 *   arguments.c   the inputs and results of one case: a program, its sizes, float or double
 *   program.c     a case as the compiler has it: for the JIT that calls cc, and its cost
 *   contenders.c  what computes them: C from a file, the JITs, a server at a pipe
 *   rows.c        checks that they agree, times them in turn, prints the table */
#ifndef GRADC_BENCH_H
#define GRADC_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "gradc.h"

enum { FEW = 16, MANY = 32 };

/* ---- describe.c -------------------------------------------------------------------- */

/* One line "#: size n=10 m=3  hand 4 value 3". */
typedef struct Sizes { char *values, *bars; } Sizes;
typedef struct Input { char name[64], modulo[32]; double lo, hi; } Input;

typedef struct Row {
  char name[64];                 /* of its file */
  char *text;                    /* the program */
  char *title, *value, *options, *libs, *peers, *unit;
  char *gradient[FEW];           /* "grad f:x", or the name of a function */
  char *real[2];
  Sizes size[FEW], tiny;
  Input input[MANY];
  int ngradients, nreals, nsizes, ninputs;
} Row;

/* Ends the program with a message where the file is not as it should be. */
Row *row_read(const char *path);
_Noreturn void die(const char *format, ...);
/* The value of NAME in "a=1 NAME=3", or -1. */
int64_t size_value(const char *values, const char *name);

/* ---- arguments.c -------------------------------------------------------------------- */

typedef struct Array {
  const char *name;
  int kind;                      /* GRADC_REAL, GRADC_INT */
  unsigned rank;
  int64_t shape[16];
  size_t n, bytes;
  void *data;
} Array;

typedef struct Case {
  const Row *row;
  const char *values;            /* of its sizes */
  const char *bars;
  int gradient;                  /* number in row->gradient */
  bool single;                   /* float */
  gradc_context *g;
  gradc_function *f;             /* the gradient, compiled by the library */
  double latency;                /* of that, in seconds */
  Array in[MANY], out[MANY];
  int nin, nout;
  int nvalue_in;                 /* so many of the inputs are the function's own */
} Case;

void case_open(Case *c);
void case_close(Case *c);
/* What to ask the library for: the function, the kind of derivative, the names. */
void request(const Row *r, int gradient, char function[64], int *what, const char **wrt);
bool fast_math(const Row *r);
gradc_context *new_context(const Row *r, bool single);

/* ---- program.c ----------------------------------------------------------------------- */

/* Of the gradient, as gradc compile --report counts: operations without functions (exp and
 * its kin), functions, bytes of arrays that move. */
typedef struct Cost { double operations, functions, bytes; } Cost;
Cost cost_of(const Case *c);

/* ---- contenders.c ------------------------------------------------------------------- */

typedef struct Contender Contender;
struct Contender {
  const char *name;              /* "gradc", "hand", … */
  bool checked;                  /* must agree with the others */
  /* Seconds of CPU for so many calls, or -1: it will not. */
  double (*run)(Contender *, long calls);
  void (*close)(Contender *);
  void *out[MANY];
  /* C from a file */
  void *library;
  int (*call)(const int64_t *, const void *const *, void *const *, void *);
  const void *in[MANY];
  int64_t size[MANY];
  void *work;
  size_t work_bytes;
  int child, to, from;           /* of its own process */
  /* the library */
  gradc_call *run_call;
  /* the JIT that calls cc */
  struct Compiled *compiled;
  double latency;
  /* a server */
  struct Server *server;
  const Case *of;
};

double cpu_seconds(void);
double wall_seconds(void);
/* false: there is none (no such file, no such compiler, not for this case). */
bool from_file(Contender *k, const char *name, const char *object, const Case *c, int function);
/* The same in a process of its own, for code whose memory would weigh on the others. */
bool from_child(Contender *k, const char *name, const char *object, const Case *c, int function);
bool from_library(Contender *k, const Case *c);
bool from_cc(Contender *k, const Case *c);
bool from_server(Contender *k, const char *name, struct Server *s, const char *folder,
                 const Case *c);
struct Server *server_start(const char *command);
void server_end(struct Server *s);
/* Brings a server's results into k->out. */
void fetch(Contender *k, const Case *c);

#endif
