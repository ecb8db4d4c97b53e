/* compile.c - gradc compile: model.gc to model.c and model.h. */
#include <float.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"
#include "commands/report.h"
#include "emit/emit.h"
#include "interpret/interpret.h"
#include "optimize/optimize.h"


typedef struct Compile {
  Job job;
  const char *file, *output;
  const char *functions;           /* -f f,g */
  bool main, report;
  VEC(Request) requests;
  VEC(SizeValue) sizes;            /* --size n=3 */
  VEC(Prog *) programs;
  VEC(EmitFunction) known;
  EmitFunction value;              /* whose derivatives are being added */
  EmitOptions emit;
} Compile;

enum { OPT_PREFIX = 256, OPT_REAL, OPT_IEEE, OPT_FAST, OPT_UNCHECKED, OPT_CHECKPOINT,
       OPT_TRACE, OPT_MAX, OPT_NO_WARN, OPT_LIMIT, OPT_STATIC, OPT_WRAPPER, OPT_SELFTEST,
       OPT_MAIN, OPT_ABI, OPT_OPENMP, OPT_BLAS, OPT_SIZE, OPT_REPORT, OPT_HELP, OPT_DERIVATIVE };

static const struct { const char *name; DerivKind kind; } derivatives[] = {
  {"grad", DERIV_GRAD}, {"vjp", DERIV_VJP}, {"jvp", DERIV_JVP},
  {"jacobian", DERIV_JACOBIAN}, {"hessian", DERIV_HESSIAN}, {"hvp", DERIV_HVP},
};

static const struct option options[] = {
  {"prefix", required_argument, NULL, OPT_PREFIX}, {"real", required_argument, NULL, OPT_REAL},
  {"ieee", no_argument, NULL, OPT_IEEE},
  {"fast-math-functions", no_argument, NULL, OPT_FAST}, {"unchecked", no_argument, NULL, OPT_UNCHECKED},
  {"trace", no_argument, NULL, OPT_TRACE}, {"max-stmts", required_argument, NULL, OPT_MAX},
  {"checkpoint", no_argument, NULL, OPT_CHECKPOINT},
  {"static", no_argument, NULL, OPT_STATIC}, {"wrapper", no_argument, NULL, OPT_WRAPPER},
  {"selftest", no_argument, NULL, OPT_SELFTEST}, {"main", no_argument, NULL, OPT_MAIN},
  {"abi", required_argument, NULL, OPT_ABI}, {"openmp", no_argument, NULL, OPT_OPENMP},
  {"blas", no_argument, NULL, OPT_BLAS}, {"size", required_argument, NULL, OPT_SIZE},
  {"limit", required_argument, NULL, OPT_LIMIT}, {"report", no_argument, NULL, OPT_REPORT},
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

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static const char *base_of_path(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* The file's name without folder and ending, made an identifier. */
static const char *prefix_of(Ctx *c, const char *path) {
  const char *name = base_of_path(path);
  size_t n = strcspn(name, ".");
  char *s = NEWN(c, char, n + 2);
  memcpy(s, name, n);
  for (size_t i = 0; i < n; i++)
    if (!strchr(LETTERS, s[i])) s[i] = '_';
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

/* ---- programs -------------------------------------------------------------------- */

/* The function, for the sizes of --size if there are any: then it has no other size. */
static Prog *elaborate_sized(Compile *k, Module *m, Request *q) {
  q->named = k->sizes.at;
  q->nnamed = k->sizes.n;
  Prog *p = elaborate_function(m, q);
  if (!k->sizes.n && !k->emit.casadi) return p;
  for (uint32_t i = 0; i < p->sig.params.n; i++) {
    const char *name = p->sig.params.at[i].name;
    if (p->sig.params.at[i].is_size)
      fail_at(k->job.c, (Span){0}, str_printf(k->job.c, "give it with --size %s=N", name),
              "the size '%s' of '%s' has no value", name, q->function);
  }
  return p;
}

/* ---- points for self-tests ---------------------------------------------------------- */

static uint64_t count(const Value *v) {
  uint64_t n = 1;
  for (uint32_t d = 0; d < v->rank; d++) n *= (uint64_t)v->dim[d];
  return n;
}

/* Rounding of a result whose largest element is `top`, and 16 times what the interpreter's
 * own roundings come to. */
static double tolerance(const Ctx *c, const Value *exact, const Value *near) {
  const double *want = exact->data, *got = near->data;
  double top = 0, off = 0, eps = c->opt.real_float ? FLT_EPSILON : DBL_EPSILON;
  uint64_t n = count(exact);
  if (exact->elem != ELEM_REAL) return 0;
  for (uint64_t j = 0; j < n; j++) {
    if (isfinite(want[j])) top = fmax(top, fabs(want[j]));
    if (isfinite(want[j] - got[j])) off = fmax(off, fabs(want[j] - got[j]));
  }
  return 128 * eps * fmax(top, 1.0 / 64) + 16 * off;
}

static EmitValue *values(Ctx *c, const Value *v, uint32_t n) {
  EmitValue *out = NEWN(c, EmitValue, n + 1);
  for (uint32_t k = 0; k < n; k++) {
    out[k].n = count(&v[k]);
    if (v[k].elem == ELEM_REAL) out[k].r = v[k].data;
    else out[k].i = v[k].data;
  }
  return out;
}

static const EmitCase *test_point(Prog *p) {
  Ctx *c = p->ctx;
  Sample s;
  uint32_t nout = p->root->results.n;
  if (!interpret_sample(p, &s)) return NULL;
  EmitCase *t = NEW(c, EmitCase);
  double *off = NEWN(c, double, nout + 1);
  for (uint32_t k = 0; k < nout; k++) off[k] = tolerance(c, &s.exact[k], &s.near[k]);
  t->in = values(c, s.in, p->root->params.n);
  t->out = values(c, s.exact, nout);
  t->tolerance = off;
  return t;
}

static void add_program(Compile *k, Module *m, Prog *p, const Request *q) {
  Ctx *c = k->job.c;
  const Ast *definition = module_function(m, q->function);
  EmitFunction f = {.base = p->sig.name, .nin = p->root->params.n, .nout = p->root->results.n};
  if (definition) f.definition = definition->span;
  if (k->emit.selftest) f.test = test_point(p);
  VEC_PUSH(c, &k->known, f);
  c->stage = str_printf(c, "compiling %s", p->sig.name);
  VEC_PUSH(c, &k->programs, optimize_in_place(p, NULL));
}

/* ---- CasADi asks for derivatives by itself --------------------------------------------- */

typedef struct Attempt { Compile *k; Module *m; Request q; Prog *p; } Attempt;

static void attempt(void *arg) {
  Attempt *a = arg;
  a->p = elaborate_function(a->m, &a->q);
}

static bool inside(Span a, Span b) {
  return a.file == b.file && a.start >= b.start && a.end <= b.end;
}

/* The parameters that hold reals, by their places in the source. */
static void all_reals(Ctx *c, Module *m, const Prog *p, Request *q) {
  const Ast *params = module_function(m, q->function)->kid[0];
  VEC(const char *) names = {0};
  for (uint32_t k = 0; k < params->nkids; k++) {
    bool real = false;
    for (uint32_t i = 0; i < p->sig.params.n; i++)
      real |= ir_type(p, p->root->params.at[i])->elem == ELEM_REAL &&
              inside(p->sig.params.at[i].pos, params->kid[k]->span);
    if (real) VEC_PUSH(c, &names, params->kid[k]->name);
  }
  q->wrt = names.at;
  q->nwrt = names.n;
}

/* The derivative with respect to all reals; without one CasADi takes differences. */
static void add_casadi(Compile *k, Module *m, const Request *q, DerivKind kind, CasadiRole role) {
  Ctx *c = k->job.c;
  const EmitFunction value = k->value;
  Attempt a = {.k = k, .m = m, .q = *q};
  uint32_t said = c->diags.n;
  a.q.kind = kind;
  Status s = ctx_try(c, attempt, &a);
  if (s != GC_OK && s != GC_ERROR) diag_raise(c, s);
  const char *why = c->diags.n > said ? c->diags.at[said].text : "";
  c->diags.n = said;
  if (s == GC_ERROR) {
    warn(c, "casadi", (Span){0}, "'%s' is without one of its derivatives: %s", q->function, why);
    return;
  }
  add_program(k, m, a.p, q);
  EmitFunction *f = &k->known.at[k->known.n - 1];
  f->role = role;
  f->base = value.base;
  f->nin = value.nin;
  f->nout = value.nout;
}

static bool has_reals(const Prog *p) {
  bool in = false, out = false;
  for (uint32_t i = 0; i < p->root->params.n; i++)
    in |= ir_type(p, p->root->params.at[i])->elem == ELEM_REAL;
  for (uint32_t i = 0; i < p->root->results.n; i++)
    out |= ir_type(p, p->root->results.at[i])->elem == ELEM_REAL;
  return in && out;
}

static bool int_parameter(const Prog *p, uint32_t k) {
  const SigParam *s = &p->sig.params.at[k];
  const Type *t = ir_type(p, s->ref);
  return !s->is_size && t->elem == ELEM_INT && !t->rank;
}

/* Whether a program has an int parameter of this name: it stays one, and its value is the
 * report's alone. */
static bool has_int(const Compile *k, const char *name) {
  for (uint32_t i = 0; i < k->programs.n; i++) {
    const Prog *p = k->programs.at[i];
    for (uint32_t j = 0; j < p->sig.params.n; j++)
      if (int_parameter(p, j) && p->sig.params.at[j].name == name) return true;
  }
  return false;
}

static void sizes_are_used(Compile *k) {
  for (uint32_t i = 0; i < k->sizes.n; i++) {
    const char *name = k->sizes.at[i].name;
    if (k->sizes.at[i].used) continue;
    bool is_int = has_int(k, name);
    if (is_int && k->report) continue;
    fail_at(k->job.c, (Span){0}, is_int ? "its value matters to --report alone" : NULL,
            is_int ? "'%s' is an int, which stays a parameter" : "no function has a size '%s'", name);
  }
}

static void make_programs(Compile *k, Module *m) {
  for (uint32_t i = 0; i < k->requests.n; i++) {
    Request *q = &k->requests.at[i];
    Prog *p = elaborate_sized(k, m, q);
    bool derive = k->emit.casadi && q->kind == DERIV_VALUE && has_reals(p);
    Request of = *q;
    if (derive) all_reals(k->job.c, m, p, &of);
    add_program(k, m, p, q); /* p is gone */
    if (!derive) continue;
    k->value = k->known.at[k->known.n - 1];
    add_casadi(k, m, &of, DERIV_JVP, CASADI_FORWARD);
    add_casadi(k, m, &of, DERIV_VJP, CASADI_ADJOINT);
    add_casadi(k, m, &of, DERIV_JACOBIAN, CASADI_JACOBIAN);
  }
}

/* ---- files -------------------------------------------------------------------------------- */

/* The output's name with its ending replaced. */
static const char *beside(Ctx *c, const char *path, const char *ending) {
  size_t n = strlen(path);
  if (n > 2 && (!strcmp(path + n - 2, ".c") || !strcmp(path + n - 2, ".h"))) n -= 2;
  return str_printf(c, "%.*s%s", (int)n, path, ending);
}

static void write_all(Compile *k, const Buf *body, const Buf *header, const Buf *program) {
  Ctx *c = k->job.c;
  const char *path[3];
  const Buf *text[3];
  uint32_t n = 0;
  if (!k->emit.single) {
    path[n] = k->output;
    text[n++] = body;
  }
  path[n] = k->emit.single ? k->output : beside(c, k->output, ".h");
  text[n++] = header;
  if (k->main) {
    path[n] = beside(c, k->output, "_main.c");
    text[n++] = program;
  }
  write_files(c, n, path, text);
}

/* ---- the report --------------------------------------------------------------------------- */

typedef struct Formulas { Compile *k; Module *m; EmitReport *report; } Formulas;

/* The same functions with no size given, emitted for their costs alone. */
static void emit_formulas(void *arg) {
  Formulas *f = arg;
  Compile *k = f->k;
  Ctx *c = k->job.c;
  uint32_t n = k->requests.n;
  Prog **programs = NEWN(c, Prog *, n + 1);
  EmitOptions o = k->emit;
  Buf body, header;
  for (uint32_t i = 0; i < n; i++) {
    Request q = k->requests.at[i];
    q.nnamed = 0;
    programs[i] = optimize(elaborate_function(f->m, &q), NULL);
  }
  o.function = NULL;
  o.program = NULL;
  o.selftest = false;
  o.report = f->report;
  buf_init(&body, c);
  buf_init(&header, c);
  emit_c(c, programs, n, &o, &body, &header);
}

/* Some functions are compiled for known sizes alone: their numbers are their formulas. */
static bool formulas(Compile *k, Module *m, EmitReport *report) {
  Formulas f = {k, m, report};
  uint32_t said = k->job.c->diags.n;
  Status s = ctx_try(k->job.c, emit_formulas, &f);
  if (s != GC_OK && s != GC_ERROR) diag_raise(k->job.c, s);
  k->job.c->diags.n = said;
  return s == GC_OK;
}

/* Sets the values that --size gives to ints. A count that overflows with them is left out. */
static void put_ints(const Compile *k, EmitReport *r) {
  Prog *p = (Prog *)(uintptr_t)r->p;
  for (uint32_t j = 0; j < p->sig.params.n; j++)
    for (uint32_t i = 0; int_parameter(p, j) && i < k->sizes.n; i++) {
      if (k->sizes.at[i].name != p->sig.params.at[j].name) continue;
      Ref atom = p->sig.params.at[j].ref;
      Size by = size_const(p, k->sizes.at[i].n);
      r->moved = size_replaced(p, r->moved, atom, by);
      r->workspace = size_replaced(p, r->workspace, atom, by);
      for (unsigned c = 0; c < EMIT_COUNTS; c++)
        r->count[c] = size_replaced(p, r->count[c], atom, by);
    }
}

static void print_report(Compile *k, Module *m) {
  Ctx *c = k->job.c;
  uint32_t n = k->requests.n;
  EmitReport *general = NEWN(c, EmitReport, n + 1), *own = k->emit.report;
  bool both = k->sizes.n && formulas(k, m, general);
  ReportEntry *x = NEWN(c, ReportEntry, n + 1);
  Buf text;
  for (uint32_t i = 0; i < n; i++) {
    x[i].function = k->requests.at[i].function;
    x[i].derivative = k->requests.at[i].kind != DERIV_VALUE;
    x[i].formula = both ? general[i] : own[i];
    x[i].number = both ? &own[i] : NULL;
    if (both) put_ints(k, &own[i]);
  }
  buf_init(&text, c);
  report_text(c, x, n, &text);
  fputs(buf_text(&text), stdout);
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
  make_programs(k, m);
  sizes_are_used(k);
  Buf body, header, program;
  buf_init(&body, c);
  buf_init(&header, c);
  buf_init(&program, c);
  k->emit.source_name = k->file;
  k->emit.function = k->known.at;
  if (k->main) k->emit.program = &program;
  const char *output = k->output ? k->output : str_printf(c, "%s.c", prefix_of(c, k->file));
  k->emit.header_name = base_of_path(k->emit.single ? output : beside(c, output, ".h"));
  if (!k->emit.prefix) k->emit.prefix = prefix_of(c, output);
  if (k->report) k->emit.report = NEWN(c, EmitReport, k->programs.n + 1);
  c->stage = "writing C";
  emit_c(c, k->programs.at, k->programs.n, &k->emit, &body, &header);
  if (k->output) write_all(k, &body, &header, &program);
  if (k->report) print_report(k, m);
}

/* ---- the command line -------------------------------------------------------------------- */

/* "n=3" */
static bool add_size(Compile *k, const char *text) {
  const char *equals = strchr(text, '=');
  char *end;
  if (!equals || equals == text) return false;
  SizeValue f = {intern(k->job.c, text, (size_t)(equals - text)), strtoll(equals + 1, &end, 10), false};
  if (end == equals + 1 || *end || f.n < 0 || f.n > INT32_MAX) return false;
  VEC_PUSH(k->job.c, &k->sizes, f);
  return true;
}

/* Options that do not go together; 0 if all is well. */
static int check_options(Compile *k) {
  const EmitOptions *o = &k->emit;
  if (o->casadi && (o->single || o->wrapper || k->main))
    return usage_error(&compile_command, "--abi=casadi has no --%s",
                       o->single ? "static" : o->wrapper ? "wrapper" : "main");
  if (o->casadi && k->report)
    return usage_error(&compile_command, "--abi=casadi has no --report");
  if (o->casadi && k->job.c->opt.real_float)
    return usage_error(&compile_command,
                       "CasADi's numbers are double: no --real=float with --abi=casadi");
  if (o->prefix && (strspn(o->prefix, LETTERS) != strlen(o->prefix) || !*o->prefix ||
                    (*o->prefix >= '0' && *o->prefix <= '9')))
    return usage_error(&compile_command, "--prefix is a C identifier, not '%s'", o->prefix);
  return 0;
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
    case OPT_FAST: c->opt.fast_math = true; break;
    case OPT_CHECKPOINT: c->opt.checkpoint = true; break;
    case OPT_UNCHECKED: c->opt.unchecked = true; break;
    case OPT_TRACE: c->opt.trace_in_c = k->emit.trace = true; break;
    case OPT_STATIC: k->emit.single = true; break;
    case OPT_WRAPPER: k->emit.wrapper = true; break;
    case OPT_SELFTEST: k->emit.selftest = true; break;
    case OPT_MAIN: k->main = true; break;
    case OPT_OPENMP: k->emit.openmp = true; break;
    case OPT_BLAS: k->emit.blas = true; break;
    case OPT_ABI:
      if (strcmp(optarg, "casadi") && strcmp(optarg, "c"))
        return usage_error(&compile_command, "--abi is c or casadi, not '%s'", optarg);
      k->emit.casadi = !strcmp(optarg, "casadi");
      break;
    case OPT_SIZE:
      if (!add_size(k, optarg))
        return usage_error(&compile_command, "--size takes NAME=N, not '%s'", optarg);
      break;
    case OPT_REPORT: k->report = true; break;
    case OPT_NO_WARN:
      if (no_warn_option(&k->job, optarg)) return 2;
      break;
    case OPT_LIMIT:
      if (limit_option(&k->job, optarg)) return 2;
      break;
    case OPT_MAX: {
      char *end;
      unsigned long n = strtoul(optarg, &end, 10);
      if (*end || n < 10 || n > 1000000)
        return usage_error(&compile_command, "--max-stmts is a number from 10 to 1000000, not '%s'",
                           optarg);
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
  if (optind < argc)
    return usage_error(&compile_command, "one file at a time; what is '%s'?", argv[optind]);
  if (!k->file) return usage_error(&compile_command, "which file?");
  if (!k->output && !k->report) return usage_error(&compile_command, "where to? (-o model.c)");
  int wrong = check_options(k);
  return wrong ? wrong : -1;
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
  "  --size n=3         a size name with a value: the code is for it alone\n"
  "  --static           one header of static inline functions (-o model.h)\n"
  "  --wrapper          a struct a function that owns its workspace: _new, _call, _free\n"
  "  --selftest         int PREFIX_selftest(void): compares with the compiler's numbers\n"
  "  --main             a program, FILE_main.c: arrays from files in, results out\n"
  "  --abi=casadi       CasADi's external functions, with their derivatives\n"
  "  --openmp           parallel loops, the same bits for any number of threads\n"
  "  --blas             large matrix products by cblas (link with -lcblas or -lopenblas)\n"
  "  --report           workspace, operations and bytes moved, as formulas and, with\n"
  "                     --size (of ints too), as numbers; without -o nothing else\n"
  "  --checkpoint       folds keep few states for their backward pass\n"
  "  --unchecked        no run-time checks of subscripts\n"
  "  --trace            keep traces, as printf\n"
  "  --ieee             keep additions as written, and sums in the order of the source\n"
  "  --fast-math-functions\n"
  "                     exp, log, tanh, sigmoid and their kin as code that a C compiler\n"
  "                     turns into vector instructions\n"
  "  --limit WHAT=N     calls, depth, memory (bytes) or nodes of one program\n"
  "  --max-stmts N      statements in one C function before it is cut\n"
  "  --no-warn=NAME     leave out warnings of this name, or all\n",
  run,
};
