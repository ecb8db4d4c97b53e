/* explain.c - gradc explain: what happens to the gradient on each path. */
#include <getopt.h>
#include <stdio.h>

#include "commands/subject.h"

typedef struct Explain {
  Job job;
  Subject subject;
  bool json;
} Explain;

enum { OPT_WRT = 256, OPT_JSON, OPT_NO_WARN, OPT_HELP };

static const struct option options[] = {
  {"wrt", required_argument, NULL, OPT_WRT}, {"json", no_argument, NULL, OPT_JSON},
  {"no-warn", required_argument, NULL, OPT_NO_WARN}, {"help", no_argument, NULL, OPT_HELP},
  {NULL, 0, NULL, 0},
};

static void explain(void *arg) {
  Explain *x = arg;
  Ctx *c = x->job.c;
  const char *name;
  FlowGraph *g = subject_graph(c, &x->subject, &name);
  Buf out;
  buf_init(&out, c);
  if (x->json) explain_json(g, name, &out);
  else explain_text(g, name, &out);
  fputs(buf_text(&out), stdout);
}

static int take_options(Explain *x, int argc, char **argv) {
  optind = 0;
  for (int o; (o = getopt_long(argc, argv, ":e:f:h", options, NULL)) != -1;) {
    switch (o) {
    case 'e': x->subject.expression = optarg; break;
    case 'f': x->subject.function = optarg; break;
    case OPT_WRT: x->subject.wrt = optarg; break;
    case OPT_JSON: x->json = true; break;
    case OPT_NO_WARN:
      if (no_warn_option(&x->job, optarg)) return 2;
      break;
    case 'h': case OPT_HELP: command_help(&explain_command); return 0;
    default: return option_error(&explain_command, o, argv);
    }
  }
  return subject_complete(&x->subject, &explain_command, argc, argv);
}

static int run(int argc, char **argv) {
  Explain x = {0};
  if (!job_open(&x.job, &explain_command)) return 1;
  int status = take_options(&x, argc, argv);
  if (status >= 0) {
    ctx_free(x.job.c);
    return status;
  }
  return job_close(&x.job, ctx_try(x.job.c, explain, &x));
}

const Command explain_command = {
  "explain", "FILE.gc -f NAME [--wrt x,y] [--json], or -e 'EXPRESSION' --wrt x",
  "Lists what happens to the gradient on each path",
  "  -f NAME          the function\n"
  "  -e 'EXPRESSION'  or an expression over real names\n"
  "  --wrt x,y        with respect to these names (all real parameters if left out)\n"
  "  --json           as one JSON object\n"
  "  --no-warn=NAME   leave out warnings of this name, or all\n",
  run,
};
