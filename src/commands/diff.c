/* diff.c - gradc diff: a derivative as a program. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"
#include "emit/emit.h"
#include "optimize/optimize.h"

typedef struct Diff {
  Job job;
  const char *file, *function, *expression, *wrt;
  uint32_t order;
  bool latex;
} Diff;

enum { OPT_WRT = 256, OPT_ORDER, OPT_LATEX, OPT_IEEE, OPT_NO_WARN, OPT_LIMIT, OPT_HELP };

static const struct option options[] = {
  {"wrt", required_argument, NULL, OPT_WRT}, {"order", required_argument, NULL, OPT_ORDER},
  {"latex", no_argument, NULL, OPT_LATEX}, {"ieee", no_argument, NULL, OPT_IEEE},
  {"limit", required_argument, NULL, OPT_LIMIT},
  {"no-warn", required_argument, NULL, OPT_NO_WARN}, {"help", no_argument, NULL, OPT_HELP},
  {NULL, 0, NULL, 0},
};

static void print_derivative(void *arg) {
  Diff *d = arg;
  Ctx *c = d->job.c;
  Module *m = module_new(c);
  if (d->file) module_add(m, parse(c, read_source(c, d->file), PARSE_FILE, NULL), false);
  Ast *e = d->expression ? parse_expression(c, d->expression) : NULL;
  const char **wrt = NULL;
  uint32_t nwrt = d->wrt ? split_names(c, d->wrt, &wrt) : 0;
  const char *f = d->function ? intern_z(c, d->function) : NULL;
  Prog *p = elaborate_diff(m, f, e, wrt, nwrt, d->order);
  if (e) p->sig.name = NULL;   /* an expression's derivative is an expression */
  p = optimize_for_reading(p);
  Buf out;
  buf_init(&out, c);
  emit_language(p, &out, d->latex);
  fputs(buf_text(&out), stdout);
}

static int take_options(Diff *d, int argc, char **argv) {
  optind = 0;
  for (int o; (o = getopt_long(argc, argv, ":e:f:h", options, NULL)) != -1;) {
    switch (o) {
    case 'e': d->expression = optarg; break;
    case 'f': d->function = optarg; break;
    case OPT_WRT: d->wrt = optarg; break;
    case OPT_LATEX: d->latex = true; break;
    case OPT_IEEE: d->job.c->opt.ieee = true; break;
    case OPT_NO_WARN:
      if (no_warn_option(&d->job, optarg)) return 2;
      break;
    case OPT_LIMIT:
      if (limit_option(&d->job, optarg)) return 2;
      break;
    case OPT_ORDER: {
      char *end;
      unsigned long n = strtoul(optarg, &end, 10);
      if (*end || n < 1 || n > 20)
        return usage_error(&diff_command, "--order is a whole number from 1 to 20, not '%s'", optarg);
      d->order = (uint32_t)n;
      break;
    }
    case 'h': case OPT_HELP: command_help(&diff_command); return 0;
    default: return option_error(&diff_command, o, argv);
    }
  }
  if (optind < argc) d->file = argv[optind++];
  if (optind < argc) return usage_error(&diff_command, "one file at a time; what is '%s'?", argv[optind]);
  if (!d->expression && !d->file) return usage_error(&diff_command, "give a file and -f NAME, or -e 'EXPRESSION'");
  if (d->expression && d->function) return usage_error(&diff_command, "-e and -f exclude each other");
  if (!d->expression && !d->function) return usage_error(&diff_command, "which function? (-f NAME)");
  return -1;
}

static int run(int argc, char **argv) {
  Diff d = {.order = 1};
  if (!job_open(&d.job, &diff_command)) return 1;
  int status = take_options(&d, argc, argv);
  if (status >= 0) {
    ctx_free(d.job.c);
    return status;
  }
  return job_close(&d.job, ctx_try(d.job.c, print_derivative, &d));
}

const Command diff_command = {
  "diff", "FILE.gc -f NAME [--wrt x,y] [--order N] [--latex], or -e 'EXPRESSION' --wrt x",
  "Prints the derivative as a program of the language",
  "  -f NAME          the function to differentiate\n"
  "  -e 'EXPRESSION'  or an expression over real names\n"
  "  --wrt x,y        with respect to these names (all real parameters if left out)\n"
  "  --order N        the N-th derivative\n"
  "  --latex          as LaTeX\n"
  "  --ieee           keep additions as written where a control was erased\n"
  "  --limit WHAT=N   calls, depth, memory (bytes) or nodes of one program\n"
  "  --no-warn=NAME   leave out warnings of this name, or all\n",
  run,
};
