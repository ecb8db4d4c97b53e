/* run.c - gradc run: a script, compiled in memory and run. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "commands/command.h"
#include "interpret/interpret.h"
#include "jit/jit.h"
#include "optimize/optimize.h"

typedef struct Run {
  Job job;
  const char *file;
  VEC(const char *) statements;   /* -e */
  VEC(const char *) settings;     /* --set */
  const char *dump;
  bool json, nan;
  enum { JIT_TCC, JIT_CC, JIT_AUTO } jit;
  Status result;
} Run;

enum { OPT_SET = 256, OPT_JSON, OPT_REAL, OPT_JIT, OPT_NAN, OPT_DUMP, OPT_IEEE, OPT_FAST,
       OPT_UNCHECKED, OPT_CHECKPOINT,
       OPT_NO_WARN, OPT_LIMIT, OPT_HELP };

static const struct option options[] = {
  {"set", required_argument, NULL, OPT_SET}, {"json", no_argument, NULL, OPT_JSON},
  {"real", required_argument, NULL, OPT_REAL}, {"jit", required_argument, NULL, OPT_JIT},
  {"nan", no_argument, NULL, OPT_NAN}, {"dump", required_argument, NULL, OPT_DUMP}, {"ieee", no_argument, NULL, OPT_IEEE},
  {"fast-math-functions", no_argument, NULL, OPT_FAST},
  {"unchecked", no_argument, NULL, OPT_UNCHECKED},
  {"checkpoint", no_argument, NULL, OPT_CHECKPOINT},
  {"limit", required_argument, NULL, OPT_LIMIT},
  {"no-warn", required_argument, NULL, OPT_NO_WARN}, {"help", no_argument, NULL, OPT_HELP},
  {NULL, 0, NULL, 0},
};

/* ---- inputs ---- */

static InputValue read_setting(Ctx *c, const char *text) {
  const char *eq = strchr(text, '=');
  if (!eq) {
    diag(c, SEV_ERROR, (Span){0}, "--set takes NAME=VALUE, not '%s'", text);
    diag_raise(c, GC_USAGE);
  }
  const char *value = eq + 1, *end = strrchr(value, '.');
  Value v = *value != '@' ? literal_read(c, value)
            : end && !strcmp(end, ".csv") ? csv_read(c, value + 1)
            : npy_read(c, value + 1);
  InputValue in = {.name = intern(c, text, (size_t)(eq - text)), .elem = v.elem, .rank = v.rank, .data = v.data};
  memcpy(in.dim, v.dim, sizeof in.dim);
  return in;
}

static const void *array_data(Ctx *c, const InputValue *in) {
  if (in->elem != ELEM_REAL || !c->opt.real_float) return in->data;
  size_t n = 1;
  for (uint32_t k = 0; k < in->rank; k++) n *= (size_t)in->dim[k];
  float *f = NEWN(c, float, n + 1);
  for (size_t i = 0; i < n; i++) f[i] = (float)((const double *)in->data)[i];
  return f;
}

static JitArg argument(Ctx *c, const Node *param, const InputValue *in) {
  if (in->rank) return (JitArg){.p = array_data(c, in)};
  bool whole = in->elem != ELEM_REAL;
  if (param->type->elem != ELEM_REAL) return (JitArg){.i = *(const int64_t *)in->data};
  return (JitArg){.r = whole ? (double)*(const int64_t *)in->data : *(const double *)in->data};
}

/* The values of the root's parameters: the inputs that were set. */
static JitArg *arguments(Prog *p, const InputValue *in, uint32_t n) {
  JitArg *arg = NEWN(p->ctx, JitArg, p->sig.params.n + 1);
  for (uint32_t k = 0; k < p->sig.params.n; k++)
    for (uint32_t i = 0; i < n; i++)
      if (!strcmp(in[i].name, p->sig.params.at[k].name))
        arg[k] = argument(p->ctx, ir_node(p, p->sig.params.at[k].ref), &in[i]);
  return arg;
}

/* --nan: the program as elaborated, run by the interpreter, which knows every place. */
static void find_not_finite(Prog *p, const InputValue *in, uint32_t n) {
  Ctx *c = p->ctx;
  p = ir_sweep(p);
  Value *v = NEWN(c, Value, p->sig.params.n + 1);
  for (uint32_t k = 0; k < p->sig.params.n; k++)
    for (uint32_t i = 0; i < n; i++)
      if (!strcmp(in[i].name, p->sig.params.at[k].name)) {
        v[k] = (Value){.elem = in[i].elem, .rank = in[i].rank, .data = in[i].data};
        memcpy(v[k].dim, in[i].dim, sizeof v[k].dim);
      }
  Host watcher = {.ctx = c, .watch = true};
  interpret(p, v, p->sig.params.n, 0, &watcher, NULL);
  if (watcher.watch) diag(c, SEV_NOTE, (Span){0}, "every value and adjoint is finite");
}

/* ---- compiling and running ---- */

static void show_dump(void *user, const char *pass, Prog *p) {
  (void)user;
  Buf b;
  buf_init(&b, p->ctx);
  ir_print(p, &b);
  printf("# after %s\n%s", pass, buf_text(&b));
}

static Module *read_program(Run *r) {
  Ctx *c = r->job.c;
  Module *m = module_new(c);
  if (r->file) module_add(m, parse(c, read_source(c, r->file), PARSE_FILE, NULL), false);
  for (uint32_t i = 0; i < r->statements.n; i++) {
    const char *text = r->statements.at[i];
    uint32_t file = source_add(c, "-e", text, strlen(text));
    module_add(m, parse(c, file, PARSE_FILE, NULL), false);
  }
  return m;
}

static _Noreturn void set_twice(Ctx *c, const char *name) {
  diag(c, SEV_ERROR, (Span){0}, "`%s` is set twice", name);
  diag(c, SEV_HELP, (Span){0}, "leave one --set %s=… out", name);
  diag_raise(c, GC_USAGE);
}

static Status run_code(Run *r, Prog *p, const JitArg *in, Host *host) {
  if (r->jit == JIT_AUTO) return jit_auto(p, in, NULL, host);
  Jit *jit = r->jit == JIT_CC ? jit_cc(p, true) : jit_tcc(p, true);
  job_hush(&r->job);
  return jit_call(jit, in, NULL, host);
}

static void run_script(void *arg) {
  Run *r = arg;
  Ctx *c = r->job.c;
  Module *m = read_program(r);
  InputValue *in = NEWN(c, InputValue, r->settings.n + 1);
  for (uint32_t i = 0; i < r->settings.n; i++) {
    in[i] = read_setting(c, r->settings.at[i]);
    for (uint32_t k = 0; k < i; k++)
      if (in[k].name == in[i].name) set_twice(c, in[i].name);
  }
  c->stage = "elaborating";
  Prog *p = elaborate_script(m, in, r->settings.n);
  if (r->nan) find_not_finite(p, in, r->settings.n);
  c->stage = "optimizing";
  Dump dump = {r->dump, show_dump, r};
  p = optimize_in_place(p, r->dump ? &dump : NULL);
  job_report(&r->job);
  Host host;
  host_stdout(&host, c);
  host.json = r->json;
  const JitArg *given = arguments(p, in, r->settings.n);
  r->result = run_code(r, p, given, &host);
  if (r->result == GC_OK && host.asserts_failed) r->result = GC_FAILED;
}

static bool known_pass(const char *name) {
  for (const char *const *p = optimize_pass_names(); *p; p++)
    if (!strcmp(*p, name)) return true;
  return false;
}

static int bad_dump(const char *name) {
  char list[512] = "";
  for (const char *const *p = optimize_pass_names(); *p; p++) {
    size_t n = strlen(list);
    snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", *p);
  }
  return usage_error(&run_command, "there is no pass '%s'; the passes are %s", name, list);
}

/* Takes the options; gives -1 to go on, or the exit status. */
static int take_options(Run *r, int argc, char **argv) {
  Ctx *c = r->job.c;
  optind = 0;
  for (int o; (o = getopt_long(argc, argv, ":e:h", options, NULL)) != -1;) {
    switch (o) {
    case 'e': VEC_PUSH(c, &r->statements, optarg); break;
    case OPT_SET: VEC_PUSH(c, &r->settings, optarg); break;
    case OPT_JSON: r->json = true; break;
    case OPT_DUMP: r->dump = optarg; break;
    case OPT_IEEE: c->opt.ieee = true; break;
    case OPT_FAST: c->opt.fast_math = true; break;
    case OPT_CHECKPOINT: c->opt.checkpoint = true; break;
    case OPT_UNCHECKED: c->opt.unchecked = true; break;
    case OPT_NO_WARN:
      if (no_warn_option(&r->job, optarg)) return 2;
      break;
    case OPT_LIMIT:
      if (limit_option(&r->job, optarg)) return 2;
      break;
    case OPT_REAL:
      if (strcmp(optarg, "float") && strcmp(optarg, "double"))
        return usage_error(&run_command, "--real is float or double, not '%s'", optarg);
      c->opt.real_float = !strcmp(optarg, "float");
      break;
    case OPT_JIT:
      if (strcmp(optarg, "tcc") && strcmp(optarg, "cc") && strcmp(optarg, "auto"))
        return usage_error(&run_command, "--jit is tcc, cc or auto, not '%s'", optarg);
      r->jit = *optarg == 't' ? JIT_TCC : *optarg == 'c' ? JIT_CC : JIT_AUTO;
      break;
    case OPT_NAN: r->nan = true; break;
    case 'h': case OPT_HELP: command_help(&run_command); return 0;
    default: return option_error(&run_command, o, argv);
    }
  }
  if (optind < argc) r->file = argv[optind++];
  if (optind < argc) return usage_error(&run_command, "one file at a time; what is '%s'?", argv[optind]);
  if (!r->file && !r->statements.n) return usage_error(&run_command, "which file?");
  if (r->dump && !known_pass(r->dump)) return bad_dump(r->dump);
  return -1;
}

static int run(int argc, char **argv) {
  Run r = {0};
  if (!job_open(&r.job, &run_command)) return 1;
  int status = take_options(&r, argc, argv);
  if (status >= 0) {
    ctx_free(r.job.c);
    return status;
  }
  Status s = ctx_try(r.job.c, run_script, &r);
  return job_close(&r.job, s == GC_OK ? r.result : s);
}

const Command run_command = {
  "run", "FILE.gc [--set NAME=VALUE]… [-e 'STATEMENT']… [--json]",
  "Runs a script, compiled in memory",
  "  --set NAME=VALUE   set an input: a number, true, false, or [[1, 2], [3, 4]]\n"
  "  --set NAME=@FILE   set it from a .npy or .csv file\n"
  "  -e 'STATEMENT'     a statement to run after the file (which may be left out)\n"
  "  --json             print one JSON object a line: {\"expr\": …, \"value\": …}\n"
  "  --real=float       single precision (double is the default)\n"
  "  --ieee             keep additions as written, and sums in the order of the source\n"
  "  --fast-math-functions\n"
  "                     exp, log, tanh, sigmoid and their kin as code that a C compiler\n"
  "                     turns into vector instructions\n"
  "  --checkpoint       folds keep few states for their backward pass\n"
  "  --unchecked        no run-time checks of subscripts\n"
  "  --jit=tcc          compile at once with libtcc (the default)\n"
  "  --jit=cc           compile with the C compiler at -O3, cached\n"
  "  --jit=auto         begin with libtcc; what runs for long goes on with the C compiler's\n"
  "                     code, made in the background: the same output, to the bit\n"
  "  --nan              find the first value or adjoint that is not finite\n"
  "  --dump=PASS        print the program after a pass (docs/ir.md)\n"
  "  --limit WHAT=N     calls, depth, memory (bytes) or nodes of one program\n"
  "  --no-warn=NAME     leave out warnings of this name, or all\n"
  "Exit status: 0; 1 the program is wrong; 2 the command line is; 3 an assert failed.\n",
  run,
};
