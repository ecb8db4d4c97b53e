/* flow.c - gradc flow: a picture of how the gradient flows. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "commands/subject.h"

typedef struct Flow {
  Job job;
  Subject subject;
  const char *output;
} Flow;

enum { OPT_WRT = 256, OPT_NO_WARN, OPT_HELP };

static const struct option options[] = {
  {"wrt", required_argument, NULL, OPT_WRT}, {"no-warn", required_argument, NULL, OPT_NO_WARN},
  {"help", no_argument, NULL, OPT_HELP}, {NULL, 0, NULL, 0},
};

/* The format that a file's name asks for, or NULL. */
static const char *format_of(const char *path) {
  static const char *const known[] = {"svg", "dot", "png", "pdf", "html"};
  const char *dot = strrchr(path, '.');
  for (size_t k = 0; dot && k < sizeof known / sizeof *known; k++)
    if (!strcmp(dot + 1, known[k])) return known[k];
  return NULL;
}

static void draw(void *arg) {
  Flow *x = arg;
  Ctx *c = x->job.c;
  const char *name;
  FlowGraph *g = subject_graph(c, &x->subject, &name);
  Buf out;
  buf_init(&out, c);
  flow_picture(g, name, format_of(x->output), &out);
  const Buf *text = &out;
  write_files(c, 1, &x->output, &text);
}

static int take_options(Flow *x, int argc, char **argv) {
  optind = 0;
  for (int o; (o = getopt_long(argc, argv, ":e:f:o:h", options, NULL)) != -1;) {
    switch (o) {
    case 'e': x->subject.expression = optarg; break;
    case 'f': x->subject.function = optarg; break;
    case 'o': x->output = optarg; break;
    case OPT_WRT: x->subject.wrt = optarg; break;
    case OPT_NO_WARN:
      if (no_warn_option(&x->job, optarg)) return 2;
      break;
    case 'h': case OPT_HELP: command_help(&flow_command); return 0;
    default: return option_error(&flow_command, o, argv);
    }
  }
  int status = subject_complete(&x->subject, &flow_command, argc, argv);
  if (status >= 0) return status;
  if (!x->output) return usage_error(&flow_command, "where to? (-o out.svg)");
  if (!format_of(x->output))
    return usage_error(&flow_command, "'%s' must end in .svg, .dot, .png, .pdf or .html",
                       x->output);
  return -1;
}

static int run(int argc, char **argv) {
  Flow x = {0};
  if (!job_open(&x.job, &flow_command)) return 1;
  int status = take_options(&x, argc, argv);
  if (status >= 0) {
    ctx_free(x.job.c);
    return status;
  }
  return job_close(&x.job, ctx_try(x.job.c, draw, &x));
}

const Command flow_command = {
  "flow", "FILE.gc -f NAME [--wrt x,y] -o out.svg, or -e 'EXPRESSION' -o out.svg",
  "Draws how the gradient flows and where it is stopped, reversed or replaced",
  "  -f NAME          the function\n"
  "  -e 'EXPRESSION'  or an expression over real names\n"
  "  --wrt x,y        with respect to these names (all real parameters if left out)\n"
  "  -o FILE          .svg, .png or .pdf, drawn by Graphviz; .dot, its input;\n"
  "                   .html, a page with the forward and the gradient graph side by side\n"
  "  --no-warn=NAME   leave out warnings of this name, or all\n",
  run,
};
