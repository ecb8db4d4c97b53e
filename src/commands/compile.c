/* compile.c - gradc compile: model.gc to model.c and model.h. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"
#include "emit/emit.h"
#include "optimize/optimize.h"

typedef struct Compile {
  Job job;
  const char *file, *output;
  const char *functions;           /* -f f,g */
  VEC(Request) requests;
  EmitOptions emit;
} Compile;

enum { OPT_PREFIX = 256, OPT_REAL, OPT_IEEE, OPT_UNCHECKED, OPT_CHECKPOINT, OPT_TRACE, OPT_MAX, OPT_NO_WARN,
       OPT_HELP, OPT_DERIVATIVE };

static const struct { const char *name; DerivKind kind; } derivatives[] = {
  {"grad", DERIV_GRAD}, {"vjp", DERIV_VJP}, {"jvp", DERIV_JVP},
  {"jacobian", DERIV_JACOBIAN}, {"hessian", DERIV_HESSIAN}, {"hvp", DERIV_HVP},
};

static const struct option options[] = {
  {"prefix", required_argument, NULL, OPT_PREFIX}, {"real", required_argument, NULL, OPT_REAL},
  {"ieee", no_argument, NULL, OPT_IEEE}, {"unchecked", no_argument, NULL, OPT_UNCHECKED},
  {"trace", no_argument, NULL, OPT_TRACE}, {"max-stmts", required_argument, NULL, OPT_MAX},
  {"checkpoint", no_argument, NULL, OPT_CHECKPOINT},
  {"no-warn", required_argument, NULL, OPT_NO_WARN}, {"help", no_argument, NULL, OPT_HELP},
  {"grad", required_argument, NULL, OPT_DERIVATIVE + 0}, {"vjp", required_argument, NULL, OPT_DERIVATIVE + 1},
  {"jvp", required_argument, NULL, OPT_DERIVATIVE + 2}, {"jacobian", required_argument, NULL, OPT_DERIVATIVE + 3},
  {"hessian", required_argument, NULL, OPT_DERIVATIVE + 4}, {"hvp", required_argument, NULL, OPT_DERIVATIVE + 5},
  {NULL, 0, NULL, 0},
};

/* "loss:x,W" */
static bool add_request(Compile *k, DerivKind kind, const char *text) {
  Ctx *c = k->job.c;
  const char *colon = strchr(text, ':');
  if (!colon || colon == text || !colon[1]) return false;
  Request q = {.function = intern(c, text, (size_t)(colon - text)), .kind = kind};
  q.nwrt = split_names(c, colon + 1, &q.wrt);
  VEC_PUSH(c, &k->requests, q);
  return q.nwrt > 0;
}

/* The file's name without folder and ending, made an identifier. */
static const char *prefix_of(Ctx *c, const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  size_t n = strcspn(name, ".");
  char *s = NEWN(c, char, n + 2);
  memcpy(s, name, n);
  for (size_t i = 0; i < n; i++)
    if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", s[i])) s[i] = '_';
  return *s >= '0' && *s <= '9' ? str_printf(c, "_%s", s) : s;
}

static void add_values(Compile *k, Module *m) {
  Ctx *c = k->job.c;
  const char **names = NULL;
  bool all = !k->functions;
  uint32_t n = all ? module_functions(m, &names) : split_names(c, k->functions, &names);
  VEC(Request) derived = {0};
  for (uint32_t i = 0; i < k->requests.n; i++) VEC_PUSH(c, &derived, k->requests.at[i]);
  k->requests.n = 0;
  for (uint32_t i = 0; i < n; i++)
    if (!all || module_function_typed(m, names[i]))
      VEC_PUSH(c, &k->requests, ((Request){.function = names[i], .kind = DERIV_VALUE}));
  for (uint32_t i = 0; i < derived.n; i++) VEC_PUSH(c, &k->requests, derived.at[i]);
}

static const char *header_of(Ctx *c, const char *path) {
  size_t n = strlen(path);
  if (n > 2 && !strcmp(path + n - 2, ".c")) n -= 2;
  return str_printf(c, "%.*s.h", (int)n, path);
}

static void compile_file(void *arg) {
  Compile *k = arg;
  Ctx *c = k->job.c;
  Module *m = module_new(c);
  module_add(m, parse(c, read_source(c, k->file), PARSE_FILE, NULL), false);
  add_values(k, m);
  if (!k->requests.n)
    fail_at(c, (Span){0}, "give its parameters types: f(x: real[n]) = …",
            "'%s' has no function whose parameters are all typed", k->file);
  Prog **p = NEWN(c, Prog *, k->requests.n);
  for (uint32_t i = 0; i < k->requests.n; i++)
    p[i] = optimize(elaborate_function(m, &k->requests.at[i]), NULL);
  Buf body, header;
  buf_init(&body, c);
  buf_init(&header, c);
  k->emit.source_name = k->file;
  if (!k->emit.prefix) k->emit.prefix = prefix_of(c, k->output);
  emit_c(c, p, k->requests.n, &k->emit, &body, &header);
  write_files(c, 2, (const char *[]){k->output, header_of(c, k->output)}, (const Buf *[]){&body, &header});
}

static int take_options(Compile *k, int argc, char **argv) {
  Ctx *c = k->job.c;
  optind = 0;
  for (int o; (o = getopt_long(argc, argv, ":o:f:h", options, NULL)) != -1;) {
    if (o >= OPT_DERIVATIVE) {
      if (!add_request(k, derivatives[o - OPT_DERIVATIVE].kind, optarg))
        return usage_error(&compile_command, "--%s takes FUNCTION:NAME,…, not '%s'",
                           derivatives[o - OPT_DERIVATIVE].name, optarg);
      continue;
    }
    switch (o) {
    case 'o': k->output = optarg; break;
    case 'f': k->functions = optarg; break;
    case OPT_PREFIX: k->emit.prefix = optarg; break;
    case OPT_IEEE: c->opt.ieee = true; break;
    case OPT_CHECKPOINT: c->opt.checkpoint = true; break;
    case OPT_UNCHECKED: c->opt.unchecked = true; break;
    case OPT_TRACE: c->opt.trace_in_c = k->emit.trace = true; break;
    case OPT_NO_WARN: no_warn_option(c, optarg); break;
    case OPT_MAX: {
      char *end;
      unsigned long n = strtoul(optarg, &end, 10);
      if (*end || n < 10 || n > 1000000)
        return usage_error(&compile_command, "--max-stmts is a number from 10 to 1000000, not '%s'", optarg);
      k->emit.max_stmts = (uint32_t)n;
      break;
    }
    case OPT_REAL:
      if (strcmp(optarg, "float") && strcmp(optarg, "double"))
        return usage_error(&compile_command, "--real is float or double, not '%s'", optarg);
      c->opt.real_float = !strcmp(optarg, "float");
      break;
    case 'h': case OPT_HELP: command_help(&compile_command); return 0;
    default: return option_error(&compile_command, o, argv);
    }
  }
  if (optind < argc) k->file = argv[optind++];
  if (optind < argc) return usage_error(&compile_command, "one file at a time; what is '%s'?", argv[optind]);
  if (!k->file) return usage_error(&compile_command, "which file?");
  if (!k->output) return usage_error(&compile_command, "where to? (-o model.c)");
  return -1;
}

static int run(int argc, char **argv) {
  Compile k = {0};
  if (!job_open(&k.job, &compile_command)) return 1;
  int status = take_options(&k, argc, argv);
  if (status >= 0) {
    ctx_free(k.job.c);
    return status;
  }
  return job_close(&k.job, ctx_try(k.job.c, compile_file, &k));
}

const Command compile_command = {
  "compile", "FILE.gc -o model.c [-f f,g] [--grad f:x,W]…",
  "Writes C99 that other projects include: model.c and model.h",
  "  -o FILE.c          where to; the header goes beside it\n"
  "  -f f,g             these functions (every typed one if left out)\n"
  "  --grad f:x,W       the gradient of f with respect to x and W, and its value\n"
  "  --vjp f:x  --jvp f:x  --jacobian f:x  --hessian f:x  --hvp f:x\n"
  "                     the other derivatives; each may be repeated\n"
  "  --prefix NAME      of all names (the output's base name if left out)\n"
  "  --real=float       single precision (double is the default)\n"
  "  --checkpoint       folds keep few states for their backward pass\n"
  "  --unchecked        no run-time checks of subscripts\n"
  "  --trace            keep traces, as printf\n"
  "  --ieee             keep additions as written where a control was erased\n"
  "  --max-stmts N      statements in one C function before it is cut\n"
  "  --no-warn=NAME     leave out warnings of this name\n",
  run,
};
