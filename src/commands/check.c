/* check.c - gradc check: are the derivatives right? */
#include "explain/check.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"

typedef struct CheckJob {
  Job job;
  const char *file;
  CheckOptions o;
  CheckTotals totals;
} CheckJob;

enum { OPT_SEED = 256, OPT_POINTS, OPT_JSON, OPT_FAST, OPT_NO_WARN, OPT_LIMIT, OPT_HELP };

static const struct option options[] = {
    {"seed", required_argument, NULL, OPT_SEED}, {"points", required_argument, NULL, OPT_POINTS},
    {"fast-math-functions", no_argument, NULL, OPT_FAST},
    {"json", no_argument, NULL, OPT_JSON},       {"limit", required_argument, NULL, OPT_LIMIT},
  {"no-warn", required_argument, NULL, OPT_NO_WARN},
    {"help", no_argument, NULL, OPT_HELP},       {NULL, 0, NULL, 0},
};

static void sum_up(const CheckJob *j) {
  const CheckTotals *t = &j->totals;
  if (j->o.json) {
    printf("{\"functions\": %u, \"skipped\": %u, \"derivatives\": %u, \"asserts\": %u, \"failed\": "
           "%u, "
           "\"largest\": %.3g, \"points\": %u, \"seed\": %llu}\n",
           t->functions, t->skipped, t->derivatives, t->asserts, t->failed, t->largest, j->o.points,
           (unsigned long long)j->o.seed);
    return;
  }
  char largest[32] = "0";
  if (t->largest > 0) snprintf(largest, sizeof largest, "%.0e", t->largest);
  printf(
      "%u derivatives of %u function%s checked, largest difference %s (%u points each, seed %llu)",
      t->derivatives, t->functions, t->functions == 1 ? "" : "s", largest, j->o.points,
      (unsigned long long)j->o.seed);
  if (t->skipped) printf("; %u function%s not checked", t->skipped, t->skipped == 1 ? "" : "s");
  if (t->failed) printf("; %u mistake%s", t->failed, t->failed == 1 ? "" : "s");
  putchar('\n');
}

static void write_line(void *job, const char *text, size_t n) {
  job_hush(job);
  fwrite(text, 1, n, stdout);
}

static void check_file(void *arg) {
  CheckJob *j = arg;
  Ctx *c = j->job.c;
  Module *m = module_new(c);
  Ast *file = parse(c, read_source(c, j->file), PARSE_FILE, NULL);
  module_add(m, file, false);
  j->o.file = file;
  Host host;
  host_stdout(&host, c);
  host.write = write_line;
  host.user = &j->job;
  check_module(m, &j->o, &host, &j->totals);
  sum_up(j);
}

static int whole_number(const char *option, const char *text, uint64_t most, uint64_t *out) {
  char *end;
  unsigned long long n = strtoull(text, &end, 10);
  if (!*text || *end || *text == '-' || n > most)
    return usage_error(&check_command, "--%s is a whole number up to %llu, not '%s'", option,
                       (unsigned long long)most, text);
  *out = n;
  return -1;
}

static int take_options(CheckJob *j, int argc, char **argv) {
  uint64_t n = 0;
  int bad;
  optind = 0;
  for (int o; (o = getopt_long(argc, argv, ":f:h", options, NULL)) != -1;) {
    switch (o) {
    case 'f': j->o.function = optarg; break;
    case OPT_JSON: j->o.json = true; break;
    case OPT_FAST: j->job.c->opt.fast_math = true; break;
    case OPT_NO_WARN:
      if (no_warn_option(&j->job, optarg)) return 2;
      break;
    case OPT_LIMIT:
      if (limit_option(&j->job, optarg)) return 2;
      break;
    case OPT_SEED:
      if ((bad = whole_number("seed", optarg, INT64_MAX, &n)) >= 0) return bad;
      j->o.seed = n;
      break;
    case OPT_POINTS:
      if ((bad = whole_number("points", optarg, 1000, &n)) >= 0) return bad;
      if (!n) return usage_error(&check_command, "--points is at least 1");
      j->o.points = (uint32_t)n;
      break;
    case 'h':
    case OPT_HELP: command_help(&check_command); return 0;
    default: return option_error(&check_command, o, argv);
    }
  }
  if (optind < argc) j->file = argv[optind++];
  if (optind < argc)
    return usage_error(&check_command, "one file at a time; what is '%s'?", argv[optind]);
  if (!j->file) return usage_error(&check_command, "which file?");
  return -1;
}

static int run(int argc, char **argv) {
  CheckJob j = {.o = {.seed = 1, .points = 5}};
  if (!job_open(&j.job, &check_command)) return 1;
  int status = take_options(&j, argc, argv);
  if (status >= 0) {
    ctx_free(j.job.c);
    return status;
  }
  Status s = ctx_try(j.job.c, check_file, &j);
  return job_close(&j.job, s == GC_OK && j.totals.failed ? GC_FAILED : s);
}

const Command check_command = {
    "check",
    "FILE.gc [-f NAME] [--seed N] [--points N] [--json]",
    "Checks derivatives numerically, the controlled ones too",
    "Each derivative is compared with differences of its surrogate: the function in which every\n"
    "control is held to what it does at the point.  Beside it stands how far the controlled\n"
    "gradient is from the true one, and because of which control.\n\n"
    "  -f NAME          this function alone\n"
    "  --seed N         of the random points (1)\n"
    "  --points N       how many (5)\n"
    "  --json           one JSON object a line\n"
    "  --fast-math-functions\n"
    "                   compiled code has gradc's own exp, log, tanh, sigmoid and their kin\n"
    "  --limit WHAT=N   calls, depth, memory (bytes) or nodes of one program\n"
    "  --no-warn=NAME   leave out warnings of this name, or all:\n"
    "                     all-stopped       every path to an argument is stopped\n"
    "                     idle-stop         a stop on something that depends on no argument\n"
    "                     double-reversal   two reversals on one path\n"
    "                     negative-alpha    grad_reverse by a negative number\n"
    "                     branch-not-taken  a derivative that can be infinite where select does "
    "not take it\n"
    "                     rule-ignores-up   a rule that ignores the gradient that arrives\n"
    "                     rule-nonlinear    a rule that is not linear in it\n"
    "                     rule-true         a rule that gives the true derivative\n"
    "                     rule-sign         a rule that gives the true derivative but for the "
    "sign\n"
    "Exit status: 0 all agree; 1 the program is wrong; 2 the command line is; 3 one does not.\n",
    run,
};
