/* test_compiled.c - generated C, compiled by the system's compiler, and the library give the
 * very bits that the JIT gives: every typed function of the examples, of tests/compiled and of the
 * test programs, and a derivative of each, in double and in float; of tests/compiled also with
 * the functions of runtime/fast_math.h.  The compiler may neither fuse multiply and add
 * nor put functions of its own in place of libm's (-ffp-contract=off -fno-builtin), and has
 * nothing to warn of. */
#include "elaborate/elaborate.h"
#include "emit/emit.h"
#include "gradc.h"
#include "interpret/interpret.h"
#include "jit/jit.h"
#include "optimize/optimize.h"

#include "checks.h"
#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORK = 1 << 18, MOST_RESULTS = 64 };

typedef int (*Call)(const JitArg *in, void *const *out, void *work);

typedef struct Model {
  const char *path;
  Ctx *c;
  VEC(Prog *) programs;   /* as elaborated */
  VEC(Prog *) optimized;
  VEC(Request) requests;
  gradc_context *library_context;
  Host host;
  void *library;
  bool fast;              /* does the C call functions of runtime/fast_math.h? */
  uint32_t compared;
} Model;

static char folder[] = "/tmp/gradc-compiled.XXXXXX";
static uint64_t work[WORK];

/* ---- programs ------------------------------------------------------------------ */

static uint32_t read_model(Model *m) {
  Ctx *c = m->c;
  FILE *f = fopen(m->path, "rb");
  ck_assert_ptr_nonnull(f);
  Buf text;
  buf_init(&text, c);
  char block[4096];
  for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) buf_add(&text, block, n);
  fclose(f);
  int status = gradc_load(m->library_context, m->path, buf_text(&text), text.n);
  ck_assert_msg(status == GRADC_OK, "%s", gradc_message(m->library_context)->full);
  return source_add(c, m->path, buf_text(&text), text.n);
}

typedef struct Attempt { Module *m; Request q; Prog *p; } Attempt;

static void attempt(void *arg) {
  Attempt *a = arg;
  a->p = elaborate_function(a->m, &a->q);
}

/* Parameters that hold reals. */
static void all_reals(Ctx *c, Module *m, const Prog *p, Request *q) {
  const Ast *params = module_function(m, q->function)->kid[0];
  VEC(const char *) names = {0};
  for (uint32_t k = 0; k < params->nkids; k++) {
    Span at = params->kid[k]->span;
    bool real = false;
    for (uint32_t i = 0; i < p->sig.params.n; i++) {
      Span s = p->sig.params.at[i].pos;
      real |= s.start >= at.start && s.end <= at.end &&
              ir_type(p, p->root->params.at[i])->elem == ELEM_REAL;
    }
    if (real) VEC_PUSH(c, &names, params->kid[k]->name);
  }
  q->wrt = names.at;
  q->nwrt = names.n;
}

static bool one_real(const Prog *p) {
  if (p->root->results.n != 1) return false;
  const Type *t = ir_type(p, p->root->results.at[0]);
  return t->rank == 0 && t->elem == ELEM_REAL;
}

static void add_program(Model *m, Prog *p, const Request *q) {
  VEC_PUSH(m->c, &m->requests, *q);
  VEC_PUSH(m->c, &m->programs, p);
  VEC_PUSH(m->c, &m->optimized, optimize(p, NULL));
}

static int64_t sizes_at_hand[] = {4, 4, 4, 4};

static void make_programs(void *arg) {
  Model *m = arg;
  const char **names;
  Module *module = module_new(m->c);
  module_add(module, parse(m->c, read_model(m), PARSE_FILE, NULL), false);
  uint32_t n = module_functions(module, &names);
  for (uint32_t k = 0; k < n; k++) {
    if (!module_function_typed(module, names[k])) continue;
    Attempt a = {.m = module, .q = {.function = names[k], .kind = DERIV_VALUE}};
    if (ctx_try(m->c, attempt, &a) != GC_OK) {        /* a recursion may want sizes */
      a.q.sizes = sizes_at_hand;
      a.q.nsizes = sizeof sizes_at_hand / sizeof *sizes_at_hand;
      if (ctx_try(m->c, attempt, &a) != GC_OK) continue; /* it takes functions */
    }
    add_program(m, a.p, &a.q);
    all_reals(m->c, module, a.p, &a.q);
    a.q.kind = one_real(a.p) ? DERIV_GRAD : DERIV_JVP;
    if (a.q.nwrt && ctx_try(m->c, attempt, &a) == GC_OK) add_program(m, a.p, &a.q);
  }
}

/* ---- the C ---------------------------------------------------------------------- */

static void put_call(Model *m, uint32_t k, const char *header, Buf *b) {
  Prog *p = m->optimized.at[k];
  const char *name = str_printf(m->c, "model_%s", p->sig.name);
  const char *real = m->c->opt.real_float ? "float" : "double";
  buf_printf(b, "int call_%u(const union gc_arg *in, void *const *out, void *work) {\n"
             "  (void)in; (void)out; (void)work;\n  return %s(", k, name);
  for (uint32_t j = 0; j < p->root->params.n; j++) {
    const Type *t = ir_type(p, p->root->params.at[j]);
    bool truth = t->elem == ELEM_BOOL && !t->rank;
    const char *type = t->elem == ELEM_REAL ? real : truth ? "int" : "int64_t";
    if (j) buf_puts(b, ", ");
    if (t->rank) buf_printf(b, "(const %s *)in[%u].p", type, j);
    else if (t->elem == ELEM_REAL) buf_printf(b, "(%s)in[%u].r", real, j);
    else buf_printf(b, "(%s)in[%u].i", p->sig.params.at[j].is_size ? "size_t" : type, j);
  }
  for (uint32_t j = 0; j < p->root->results.n; j++) {
    const Type *t = ir_type(p, p->root->results.at[j]);
    buf_printf(b, "%s(%s *)out[%u]", j || p->root->params.n ? ", " : "",
               t->elem == ELEM_REAL ? real : "int64_t", j);
  }
  const char *length = str_printf(m->c, "size_t %s_work(", name);
  buf_puts(b, strstr(header, length) ? ", work);\n}\n" : ");\n}\n");
}

static void write_text(const char *name, const char *text) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "wb");
  ck_assert_ptr_nonnull(f);
  fputs(text, f);
  ck_assert_int_eq(fclose(f), 0);
}

static const char before_calls[] =
    "#include \"model.c\"\n"
    "union gc_arg { double r; int64_t i; const void *p; };\n";

static void write_c(void *arg) {
  Model *m = arg;
  Buf body, header, calls;
  EmitOptions o = {.prefix = "model", .source_name = m->path, .wrapper = true};
  buf_init(&body, m->c);
  buf_init(&header, m->c);
  buf_init(&calls, m->c);
  emit_c(m->c, m->optimized.at, m->optimized.n, &o, &body, &header);
  m->fast = strstr(buf_text(&body), "gc_fast_") != NULL;
  buf_puts(&calls, before_calls);
  for (uint32_t k = 0; k < m->optimized.n; k++) put_call(m, k, buf_text(&header), &calls);
  write_text("model.c", buf_text(&body));
  write_text("model.h", buf_text(&header));
  write_text("calls.c", buf_text(&calls));
}

static void build(Model *m) {
  static int number;
  char command[1200], path[300];
  const char *cc = getenv("CC");
  snprintf(path, sizeof path, "%s/model%d.so", folder, ++number);
  snprintf(command, sizeof command,
           "cd %s && %s -std=c99 -O2 -ffp-contract=off -fno-builtin -Wall -Wextra -Wpedantic "
           "-Wconversion -Wshadow -Wdouble-promotion -Werror -fPIC -shared -o %s calls.c -lm",
           folder, cc && *cc ? cc : "cc", path);
  ck_assert_msg(system(command) == 0, "%s: %s", m->path, command);
  m->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  ck_assert_msg(m->library != NULL, "%s", dlerror());
}

/* ---- values ------------------------------------------------------------------------ */

static uint64_t count(const Value *v) {
  uint64_t n = 1;
  for (uint32_t d = 0; d < v->rank; d++) n *= (uint64_t)v->dim[d];
  return n;
}

static JitArg argument(Ctx *c, const Value *v) {
  JitArg a = {0};
  if (v->rank == 0 && v->elem == ELEM_REAL) {
    a.r = *(const double *)v->data;
  } else if (v->rank == 0) {
    a.i = *(const int64_t *)v->data;
  } else if (v->elem == ELEM_REAL && c->opt.real_float) {
    float *x = NEWN(c, float, count(v) + 1);
    for (uint64_t k = 0; k < count(v); k++) x[k] = (float)((const double *)v->data)[k];
    a.p = x;
  } else {
    a.p = v->data;
  }
  return a;
}

static bool same_element(const Value *v, bool is_float, const void *a, const void *b, uint64_t k) {
  if (v->elem != ELEM_REAL) return ((const int64_t *)a)[k] == ((const int64_t *)b)[k];
  double x = is_float ? (double)((const float *)a)[k] : ((const double *)a)[k];
  double y = is_float ? (double)((const float *)b)[k] : ((const double *)b)[k];
  return (x != x && y != y) || memcmp(&x, &y, sizeof x) == 0;
}

/* ---- the library ------------------------------------------------------------------ */

static gradc_function *by_library(Model *m, const Request *q) {
  Buf wrt;
  buf_init(&wrt, m->c);
  for (uint32_t k = 0; k < q->nwrt; k++) buf_printf(&wrt, "%s%s", k ? "," : "", q->wrt[k]);
  gradc_function *f = gradc_compile_for(m->library_context, q->function, (int)q->kind,
                                        buf_text(&wrt), q->sizes, q->nsizes);
  ck_assert_msg(f != NULL, "%s: %s", m->path, gradc_message(m->library_context)->full);
  return f;
}

/* Sizes by their names, the other parameters in order. */
static void bind_inputs(gradc_call *call, gradc_function *f, const Prog *p, const Value *in,
                        const JitArg *arg) {
  size_t at = 0;
  for (uint32_t k = 0; k < p->root->params.n; k++) {
    const SigParam *s = &p->sig.params.at[k];
    if (s->is_size) {
      for (size_t j = 0; j < gradc_sizes(f); j++)
        if (strcmp(gradc_size_name(f, j), s->name) == 0) gradc_set_size(call, j, arg[k].i);
      continue;
    }
    int64_t shape[MAX_RANK];
    for (uint32_t d = 0; d < in[k].rank; d++) shape[d] = (int64_t)in[k].dim[d];
    int status = in[k].rank ? gradc_set_array(call, at, arg[k].p, in[k].rank, shape)
                 : in[k].elem == ELEM_REAL ? gradc_set_real(call, at, arg[k].r)
                                           : gradc_set_int(call, at, arg[k].i);
    ck_assert_msg(status == GRADC_OK, "%s", gradc_call_message(call)->full);
    at++;
  }
}

/* One result as the memory that compiled code would have filled. */
static const void *library_result(const gradc_call *call, const Value *v, size_t k, double *cell) {
  if (v->rank || v->elem == ELEM_REAL) return gradc_array(call, k, NULL);
  *(int64_t *)(void *)cell = gradc_int(call, k);
  return cell;
}

static void compare_library(Model *m, uint32_t k, const Sample *s, const JitArg *in,
                            void *const *out, bool well) {
  Prog *p = m->optimized.at[k];
  gradc_function *f = by_library(m, &m->requests.at[k]);
  gradc_call *call = gradc_call_new(f);
  double cell;
  bind_inputs(call, f, p, s->in, in);
  ck_assert_msg((gradc_run(call) == GRADC_OK) == well, "%s: %s: the library: %s", m->path,
                p->sig.name, gradc_call_message(call)->full);
  for (uint32_t r = 0; r < p->root->results.n && well; r++)
    for (uint64_t e = 0; e < count(&s->exact[r]); e++)
      ck_assert_msg(same_element(&s->exact[r], m->c->opt.real_float, out[r],
                                 library_result(call, &s->exact[r], r, &cell), e),
                    "%s: %s: result %u, element %u differs in the library", m->path, p->sig.name, r,
                    (unsigned)e);
  gradc_call_free(call);
  gradc_release(f);
}

/* ---- all ways ---------------------------------------------------------------------- */

typedef struct Pair { Model *m; uint32_t k; } Pair;

static void compare(void *arg) {
  Pair *pair = arg;
  Model *m = pair->m;
  Ctx *c = m->c;
  Prog *p = m->optimized.at[pair->k];
  Sample s;
  char name[40];
  void *out[2][MOST_RESULTS];
  if (!interpret_sample(m->programs.at[pair->k], &s)) return;
  JitArg *in = NEWN(c, JitArg, p->root->params.n + 1);
  for (uint32_t k = 0; k < p->root->params.n; k++) in[k] = argument(c, &s.in[k]);
  ck_assert_uint_le(p->root->results.n, MOST_RESULTS);
  for (uint32_t k = 0; k < p->root->results.n; k++)
    for (int way = 0; way < 2; way++) out[way][k] = arena_alloc(c, 8 * (count(&s.exact[k]) + 1));
  Jit *j = jit_tcc(p, true);
  Status by_jit = jit_call(j, in, out[0], &m->host);
  snprintf(name, sizeof name, "call_%u", pair->k);
  void *found = dlsym(m->library, name);
  Call call;
  memcpy(&call, &found, sizeof call);
  int by_cc = call(in, out[1], work);
  ck_assert_msg((by_jit == GC_OK) == (by_cc == 0), "%s: %s: JIT %d, C %d", m->path, p->sig.name,
                by_jit, by_cc);
  for (uint32_t k = 0; k < p->root->results.n && by_cc == 0; k++)
    for (uint64_t e = 0; e < count(&s.exact[k]); e++)
      ck_assert_msg(same_element(&s.exact[k], c->opt.real_float, out[0][k], out[1][k], e),
                    "%s: %s: result %u, element %u differs%s", m->path, p->sig.name, k, (unsigned)e,
                    c->opt.real_float ? " in float" : "");
  compare_library(m, pair->k, &s, in, out[0], by_cc == 0);
  m->compared++;
}

static void no_text(void *user, const char *text, size_t n) {
  (void)user;
  (void)text;
  (void)n;
}

static uint32_t try_model(const char *path, bool real_float, bool fast_math) {
  Model m = {.path = path, .c = ctx_new(NULL, NULL)};
  ck_assert_ptr_nonnull(m.c);
  m.c->opt.real_float = real_float;
  m.c->opt.fast_math = fast_math;
  m.c->opt.allow_import = true;
  m.host = (Host){.ctx = m.c, .write = no_text};
  m.library_context = gradc_new();
  ck_assert_ptr_nonnull(m.library_context);
  gradc_set_option(m.library_context, GRADC_FLOAT, real_float);
  gradc_set_option(m.library_context, GRADC_FAST_MATH, fast_math);
  gradc_set_option(m.library_context, GRADC_IMPORTS, 1);
  Status s = ctx_try(m.c, make_programs, &m);
  ck_assert_msg(s == GC_OK, "%s: %s", path, diag_count(m.c) ? diag_get(m.c, 0)->text : "");
  if (m.optimized.n) {
    s = ctx_try(m.c, write_c, &m);
    ck_assert_msg(s == GC_OK, "%s: %s", path, diag_count(m.c) ? diag_get(m.c, 0)->text : "");
    bool known = fast_math && !m.fast;   /* the same C as without the option */
    if (!known) build(&m);
    for (uint32_t k = 0; k < m.optimized.n && !known; k++) {
      Pair pair = {&m, k};
      s = ctx_try(m.c, compare, &pair);
      ck_assert_msg(s == GC_OK, "%s: %s: %s", path, m.optimized.at[k]->sig.name,
                    diag_count(m.c) ? diag_get(m.c, diag_count(m.c) - 1)->text : "");
    }
    if (!known) dlclose(m.library);
  }
  gradc_free(m.library_context);
  ctx_free(m.c);
  return m.compared;
}

static uint32_t try_folder(const char *pattern, bool fast_math) {
  const char *top = getenv("top_srcdir");
  char path[1000];
  uint32_t compared = 0;
  glob_t found;
  snprintf(path, sizeof path, "%s/%s", *pattern == '/' ? "" : top ? top : ".", pattern);
  ck_assert_int_eq(glob(path, 0, NULL, &found), 0);
  for (size_t k = 0; k < found.gl_pathc; k++)
    for (int real_float = 0; real_float < 2; real_float++)
      compared += try_model(found.gl_pathv[k], real_float, fast_math);
  globfree(&found);
  printf("%s: %u calls gave the same bits%s\n", pattern, compared,
         fast_math ? " with fast functions" : "");
  fflush(stdout);
  return compared;
}

START_TEST(test_models) {
  ck_assert_uint_gt(try_folder("tests/compiled/*.gc", false), 100);
}
END_TEST

START_TEST(fast_math_functions) {
  ck_assert_uint_gt(try_folder("tests/compiled/*.gc", true), 100);
}
END_TEST

/* Those that define functions with types, taken out of their files. */
START_TEST(test_programs) {
  const char *top = getenv("top_srcdir"), *awk = getenv("AWK");
  char command[4000], pattern[100];
  if (!top) top = ".";
  snprintf(command, sizeof command,
           "mkdir %s/programs && '%s' -v dir=%s/programs -f '%s/tests/compiled/programs.awk' "
           "'%s'/tests/programs/*.test", folder, awk ? awk : "awk", folder, top, top);
  ck_assert_int_eq(system(command), 0);
  snprintf(pattern, sizeof pattern, "%s/programs/*.gc", folder);
  ck_assert_uint_gt(try_folder(pattern, false), 40);
}
END_TEST

START_TEST(examples) {
  ck_assert_uint_gt(try_folder("examples/*.gc", false), 40);
}
END_TEST

int main(void) {
  char command[80];
  if (!mkdtemp(folder)) return 99;
  Suite *s = suite_create("compiled");
  TCase *t = tcase_create("same bits as the JIT");
  tcase_set_timeout(t, 300);
  tcase_add_test(t, test_models);
  tcase_add_test(t, fast_math_functions);
  tcase_add_test(t, examples);
  tcase_add_test(t, test_programs);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_NORMAL);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (system(command) != 0) failed++;
  return failed != 0;
}
