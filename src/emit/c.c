/* c.c - whole files of C. */
#include "emit/private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"

static void init(Emit *e, File *f, Prog *p, const char *cname) {
  e->f = f;
  e->c = p->ctx;
  e->p = p;
  e->cname = cname;
  names_init(e);
  plan_uses(e);
  plan_ahead(e);
  plan_places(e);
  plan_chunks(e);
  plan_copies(e);
  plan_rows(e);
  plan_rooms(e);
  plan_narrow(e);
  plan_calls(e);
  plan_slots(e);
  mark_shared(e);
  plan_addresses(e);
}

static void emit_result(Emit *e, Ref owner, uint32_t k) {
  (void)owner;
  Ref r = e->p->root->results.at[k];
  if (e->out_buffer[k]) {
    copy_into(e, e->out_buffer[k], r);
    return;
  }
  line_start(e);
  putf(e, "*%s = ", ref_out(e, k));
  put_expr(e, r, PREC_ANY);
  line_end(e, ";");
}

static void emit_results(Emit *e) {
  const Region *root = e->p->root;
  put_wide(e, root, root->results.at, root->results.n, emit_result, 0);
}

/* The sources that a program was made of. */
static void note_sources(File *f, const Prog *p) {
  for (Ref r = 1; r < p->nnodes; r++) {
    uint32_t file = ir_node(p, r)->pos.file;
    if (file <= f->nsources) f->source_used[file] = true;
  }
  if (f->o->function) f->source_used[f->o->function[f->at].definition.file] = true;
}

static Emit *emit_function(File *f, Prog *p, const char *cname, const Emit *whole) {
  Emit *e = NEW(p->ctx, Emit);
  e->whole = whole;
  init(e, f, p, cname);
  sig_names(e);
  Fn *fn = fn_open(e, cname);
  emit_region(e, p->root);
  emit_results(e);
  sig_function(e, fn);
  end_ahead(e);
  return e;
}

Emit *emit_part(Emit *whole, uint32_t k, const char *cname) {
  Prog *p = whole->p;
  Region *root = p->root;
  const Region all = *root;
  const Sig sig = p->sig;
  root->results.at += k;
  p->sig.results.at = NEW(p->ctx, SigResult);
  p->sig.results.at[0] = (SigResult){whole->out_name[k], root->results.at[0]};
  p->sig.results.n = root->results.n = 1;
  p->sig.doc = str_printf(p->ctx, "the same for %s alone", whole->out_name[k]);
  Emit *e = emit_function(whole->f, p, cname, whole);
  p->sig = sig;
  *root = all;
  return e;
}

/* What was known of each node serves the next function. */
static void release(Emit *e) {
  arena_release(e->c, e->info, sizeof *e->info * e->ninfo);
  arena_release(e->c, e->uses.at, sizeof *e->uses.at * e->uses.cap);
  arena_release(e->c, e->buffers.at, sizeof *e->buffers.at * e->buffers.cap);
}

void emit_program(File *f, Prog *p, const char *cname) {
  Emit *e = emit_function(f, p, cname, NULL);
  if (f->jit) return;
  note_sources(f, p);
  sig_header(e);
  if (f->o->wrapper) wrapper_functions(e);
  if (f->o->selftest) selftest_case(e);
  if (f->o->program) program_case(e);
  if (f->o->casadi) casadi_functions(e);
  if (f->o->report) report_program(e, &f->o->report[f->at]);
  release(e);
}

static void file_init(File *f, Ctx *c, const EmitOptions *o, bool jit) {
  *f = (File){.c = c, .o = o, .jit = jit, .real_float = c->opt.real_float};
  f->real = f->real_float ? "float" : "double";
  f->nsources = c->sources.n;
  f->source_used = NEWN(c, bool, f->nsources + 1);
  buf_init(&f->data, c);
  buf_init(&f->header, c);
  buf_init(&f->prototypes, c);
  buf_init(&f->tests, c);
  buf_init(&f->casadi, c);
  buf_init(&f->programs, c);
  buf_init(&f->program_table, c);
}

/* ---- compile ---------------------------------------------------------------------- */

static const char restrict_macro[] =
  "#ifndef GC_RESTRICT\n"
  "#ifdef __cplusplus\n"
  "#define GC_RESTRICT __restrict\n"
  "#else\n"
  "#define GC_RESTRICT restrict\n"
  "#endif\n"
  "#endif\n\n";
static const char open_c[] = "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
static const char close_c[] = "#ifdef __cplusplus\n}\n#endif\n";

static const char *guard(Ctx *c, const char *prefix) {
  Buf b;
  buf_init(&b, c);
  for (const char *s = prefix; *s; s++) {
    char x = (char)(isalnum((unsigned char)*s) ? toupper((unsigned char)*s) : '_');
    buf_add(&b, &x, 1);
  }
  buf_puts(&b, "_H");
  return buf_text(&b);
}

/* Texts that nobody sees as files: the compiler's own. */
static bool own_source(const Source *s) {
  return s->name[0] == '<' || strcmp(s->name, "primitives.def") == 0;
}

/* The compiler, the sources and their hashes, without a path or a time: the same input gives
 * the same bytes. */
static void head_line(Buf *b, const File *f) {
  bool first = true;
  buf_puts(b, "/* Made by gradc " GRADC_VERSION);
  for (uint32_t k = 1; k <= f->nsources; k++) {
    const Source *s = source_get(f->c, k);
    char hash[65];
    if (!f->source_used[k] || own_source(s)) continue;
    sha256_text(s->text, s->size, hash);
    buf_puts(b, first ? " from " : "\n * and ");
    put_clean(b, base_name(s->name));
    buf_printf(b, "\n * sha256 %s", hash);
    first = false;
  }
  if (first) buf_puts(b, " from a program");
}

static void put_casadi_contract(Buf *out) {
  buf_puts(
      out,
      "\n *"
      "\n * CasADi's external functions: external('NAME', './LIBRARY.so').  Arrays are dense double; a"
      "\n * vector of n is n by 1, an array of more axes its first axis by all others, column-major."
      "\n * Ints and bools come and go as doubles.  A null argument stands for zeros, a null result is"
      "\n * not computed.  fwd1_, adj1_ and jac_ take the inputs, the results (which they do not read),"
      "\n * then the seeds.  Inputs, results and workspace are as CasADi gives them: w is as long as"
      "\n * _work tells, no result overlaps an input.  A NaN makes NaN what depends on it and nothing"
      "\n * else.  Functions return 0, or the number of a check that failed.  They can be called from"
      "\n * any thread, allocate nothing, keep no state and do not recurse; stack is a bound without"
      "\n * optimization, the C library's own apart. */\n");
}

static void put_contract(const File *f, Buf *out) {
  if (f->o->casadi) {
    put_casadi_contract(out);
    return;
  }
  buf_printf(out,
    "\n *"
    "\n * Of every function:"
    "\n * - It can be called from any thread, allocates nothing, keeps no state, does not recurse."
    "\n * - Arguments: sizes, inputs, results, workspace.  Arrays are dense and row-major, elements"
    "\n *   of %s, or int64_t for ints and bools.  Inputs may overlap one another; each result and"
    "\n *   the workspace overlap nothing else.  Nothing is read from results and workspace."
    "\n * - The workspace's length is in elements of %s, as NAME_work tells; it is aligned as"
    "\n *   malloc's memory is, and may be null where the length is 0."
    "\n * - A NaN among the inputs makes NaN what depends on it and nothing else: a comparison with"
    "\n *   it is false, it wins max and min, and an int made of it is INT64_MIN (as of what no int"
    "\n *   holds), which no subscript is; it fails no other check.  Outside a function's domain the"
    "\n *   value is NaN, too."
    "\n * - It returns 0, or the number of a check that failed; results are then half-written."
    "\n * - Stack is a bound for this code without optimization, the C library's own apart. */\n",
    f->real, f->real);
}

static const char contract_off[] =
  "#ifdef __clang__\n#pragma STDC FP_CONTRACT OFF\n#endif\n\n";
static const char contract_push[] =
  "#ifdef __clang__\n#pragma float_control(push)\n#pragma STDC FP_CONTRACT OFF\n#endif\n\n";
static const char contract_pop[] =
  "#ifdef __clang__\n#pragma float_control(pop)\n#endif\n\n";

static void put_includes(const File *f, Buf *out) {
  buf_puts(out, "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n");
  if (f->uses_stdio) buf_puts(out, "#include <stdio.h>\n");
  if (f->uses_stdio || f->o->wrapper) buf_puts(out, "#include <stdlib.h>\n");
  if (f->uses_string) buf_puts(out, "#include <string.h>\n");
  if (f->uses_blas) buf_puts(out, "#include <cblas.h>\n");
  buf_puts(out, "\n");
}

/* Functions and what they need, after the includes. */
static void put_code(File *f, Buf *out) {
  put_macros(f, out);
  helpers_text(f, out);
  trace_helpers(f, out);
  buf_add(out, buf_text(&f->data), f->data.n);
}

static void write_header(File *f, Buf *out) {
  const char *name = guard(f->c, f->o->prefix);
  head_line(out, f);
  put_contract(f, out);
  buf_printf(out, "#ifndef %s\n#define %s\n\n", name, name);
  if (f->o->single) put_includes(f, out);
  else buf_puts(out, "#include <stddef.h>\n#include <stdint.h>\n\n");
  buf_puts(out, restrict_macro);
  if (f->o->casadi) casadi_types(out);
  if (f->o->single) buf_puts(out, contract_push);
  buf_puts(out, open_c);
  if (f->o->single) put_code(f, out);
  buf_add(out, buf_text(&f->header), f->header.n);
  buf_puts(out, close_c);
  if (f->o->single) buf_puts(out, contract_pop);
  buf_puts(out, "\n#endif\n");
}

static void write_body(File *f, Buf *out) {
  head_line(out, f);
  buf_puts(out, " */\n");
  put_includes(f, out);
  buf_puts(out, contract_off);
  buf_puts(out, restrict_macro);
  if (f->o->casadi) casadi_types(out);
  buf_puts(out, open_c);
  buf_add(out, buf_text(&f->prototypes), f->prototypes.n);
  buf_puts(out, "\n");
  if (f->o->casadi) casadi_head(f, out);
  put_code(f, out);
  buf_add(out, buf_text(&f->casadi), f->casadi.n);
  buf_puts(out, close_c);
}

static int by_name(const void *a, const void *b) {
  const Prog *const *x = a, *const *y = b;
  return strcmp((*x)->sig.name, (*y)->sig.name);
}

/* `sorted`: the functions by their names. */
static void check_name(Ctx *c, Prog *const *sorted, uint32_t n, uint32_t k, const char *suffix) {
  const char *also = str_printf(c, "%s%s", sorted[k]->sig.name, suffix);
  for (uint32_t low = 0, high = n; low < high;) {
    uint32_t middle = low + (high - low) / 2;
    int order = strcmp(sorted[middle]->sig.name, also);
    if (order == 0)
      fail_at(c, sorted[middle]->pos, "give one of them another name",
              "two functions would be called `%s` in C", also);
    if (order < 0) low = middle + 1;
    else high = middle;
  }
}

/* A function may have a name that another one needs for its workspace, wrapper, test or parts. */
static void check_names(Ctx *c, Prog *const *functions, uint32_t n, const EmitOptions *o) {
  static const char *const suffix[] = {"_work", "_WORK",   "_new", "_call", "_free",
                                       "_fn",   "_agrees", "_c"};
  Prog **sorted = NEWN(c, Prog *, n + 1);
  for (uint32_t k = 0; k < n; k++) sorted[k] = functions[k];
  qsort(sorted, n, sizeof *sorted, by_name);
  for (uint32_t k = 0; k < n; k++) {
    if (k && by_name(&sorted[k - 1], &sorted[k]) == 0)
      check_name(c, sorted, n, k, "");
    for (size_t s = 0; s < sizeof suffix / sizeof *suffix; s++)
      check_name(c, sorted, n, k, suffix[s]);
    for (uint32_t j = 0; o->casadi && j < sorted[k]->root->results.n; j++)
      check_name(c, sorted, n, k, str_printf(c, "_c%u", j));
  }
}

void emit_c(Ctx *c, Prog *const *functions, uint32_t n, const EmitOptions *o, Buf *body,
            Buf *header) {
  File f;
  check_names(c, functions, n, o);
  file_init(&f, c, o, false);
  for (f.at = 0; f.at < n; f.at++) {
    const char *name = functions[f.at]->sig.name;
    refuse_run_time_sizes(functions[f.at]);
    emit_program(&f, functions[f.at],
                 str_printf(c, o->casadi ? "%s_%s_c" : "%s_%s", o->prefix, name));
    if (o->selftest && strcmp(name, "selftest") == 0)
      fail_at(c, (Span){0}, "rename it", "'selftest' is the name that --selftest needs");
  }
  if (o->selftest) selftest_function(&f);
  if (!o->single) write_body(&f, body);
  write_header(&f, header);
  if (o->program) program_text(&f, o->program);
}

/* ---- the JIT ------------------------------------------------------------------------- */

static const char jit_preamble[] =
  "typedef long long int64_t;\n"
  "typedef unsigned long size_t;\n"
  "union gc_arg { double r; int64_t i; const void *p; };\n"
  "struct gc_leaf { union gc_arg v; const int64_t *dim; };\n"
  "struct gc_stop { const volatile int *flag; int64_t trips; };\n"
  "void *memcpy(void *, const void *, size_t);\n"
  "void *memmove(void *, const void *, size_t);\n"
  "void *memset(void *, int, size_t);\n";

void emit_jit(Prog *p, const char *name, JitText kind, Buf *text) {
  File f;
  file_init(&f, p->ctx, NULL, true);
  f.standalone = kind == JIT_TEXT_STANDALONE;
  f.data_in_text = kind != JIT_TEXT_HERE;
  emit_program(&f, p, name);
  buf_puts(text, jit_preamble);
  for (uint32_t k = 0; k < f.used_order.n; k++) {
    buf_puts(text, f.used_order.at[k]);
    buf_puts(text, "\n");
  }
  buf_puts(text, "\n");
  buf_add(text, buf_text(&f.data), f.data.n);
}
