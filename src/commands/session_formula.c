/* session_formula.c - commands that show a function: its derivative as a formula, its
 * gradient at values, its paths and pictures, its C, its IR, and how fast it is. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands/session_private.h"
#include "emit/emit.h"
#include "explain/check.h"
#include "explain/explain.h"
#include "jit/jit.h"
#include "optimize/optimize.h"

/* ---- "f x,y 2": what is asked about ---- */

typedef struct Subject {
  Module *m;
  const char *function;    /* or an expression */
  Ast *expression;
  const char *title;
  const char **wrt;
  uint32_t nwrt, order;    /* order 0: not said */
  bool primed;             /* asked for as f' */
} Subject;

static bool is_name_list(const char *s, size_t n) {
  if (!n || !(isalpha((unsigned char)*s) || *s == '_')) return false;
  for (size_t k = 0; k < n; k++)
    if (!isalnum((unsigned char)s[k]) && !strchr("_,.", s[k])) return false;
  return true;
}

static bool is_number(const char *s, size_t n) {
  for (size_t k = 0; k < n; k++)
    if (!isdigit((unsigned char)s[k])) return false;
  return n > 0 && n < 3;
}

/* The last word that stands alone after what it belongs to, or NULL.  An operator before
 * it makes it a part of the expression. */
static const char *last_word(const char *text) {
  const char *space = strrchr(text, ' '), *before = space;
  if (!space || !space[1]) return NULL;
  while (before > text && before[-1] == ' ') before--;
  if (before == text || strchr("+-*/%@^=<>,([{", before[-1])) return NULL;
  return space + 1;
}

static const char *without(Ctx *c, const char *text, const char *word) {
  size_t n = (size_t)(word - text);
  while (n && text[n - 1] == ' ') n--;
  return str_printf(c, "%.*s", (int)n, text);
}

static void set_subject(Turn *t, Subject *q, const char *text) {
  size_t n = strcspn(text, "'"), primes = strspn(text + n, "'");
  const char *name = intern(t->c, text, n);
  q->title = text;
  if (!text[n + primes] && module_function(q->m, name)) {
    q->function = name;
    q->order += (uint32_t)primes;
  } else {
    q->expression = turn_expression(t, text);
  }
}

/* "f x,y 2", "f' x", "x^2*y x": names and the order may be left out. */
static Subject read_subject(Turn *t, const char *arg, const char *usage) {
  Ctx *c = t->c;
  Subject q = {.m = turn_module(t)};
  if (!*arg) fail_at(c, (Span){0}, NULL, "of what? (%s)", usage);
  const char *word = last_word(arg);
  if (word && is_number(word, strlen(word))) {
    q.order = (uint32_t)strtoul(word, NULL, 10);
    arg = without(c, arg, word);
    word = last_word(arg);
  }
  if (word && is_name_list(word, strlen(word))) {
    q.nwrt = split_names(c, word, &q.wrt);
    arg = without(c, arg, word);
  }
  set_subject(t, &q, arg);
  return q;
}

/* ---- :diff, and f' alone ---- */

/* The name of a definition as LaTeX has it. */
static const char *latex_name(Ctx *c, const char *name) {
  Buf b;
  buf_init(&b, c);
  buf_puts(&b, "\\mathrm{");
  for (; *name; name++) buf_printf(&b, *name == '_' ? "\\_" : "%c", *name);
  buf_puts(&b, "}");
  return buf_text(&b);
}

/* Writes f_grad_x(x: real) = … as f'(x) = …, where it stands so. */
static void write_primed(Turn *t, const Subject *q, const char *name, const char *text) {
  if (t->s->latex) name = latex_name(t->c, name);
  size_t n = strlen(name);
  const char *at = text;
  while (at && strncmp(at, name, n) != 0) at = (at = strchr(at, '\n')) ? at + 1 : NULL;
  if (!at) {
    turn_write(t, text);
    return;
  }
  const char *rest = at + n, *type = strstr(rest, ": real)"), *bracket = strchr(rest, ')');
  bool plain = type && type == strchr(rest, ':') && bracket == type + strlen(": real");
  turn_write(t, str_printf(t->c, "%.*s%s", (int)(at - text), text, q->function));
  for (uint32_t k = 0; k < q->order; k++) turn_write(t, "'");
  if (plain) turn_write(t, str_printf(t->c, "%.*s%s", (int)(type - rest), rest, bracket));
  else turn_write(t, rest);
}

static void write_formula(Turn *t, const Subject *q) {
  Prog *p = elaborate_diff(q->m, q->function, q->expression, q->wrt, q->nwrt, q->order);
  const char *name = p->sig.name;
  if (q->expression) p->sig.name = NULL; /* an expression's derivative is an expression */
  Buf out;
  buf_init(&out, t->c);
  emit_language(optimize_for_reading(p), &out, t->s->latex);
  if (q->primed && name) write_primed(t, q, name, buf_text(&out));
  else turn_write(t, buf_text(&out));
}

void command_diff(Turn *t, const char *arg) {
  Subject q = read_subject(t, arg, ":diff f x");
  if (!q.order || (q.title && strchr(q.title, '\''))) q.order++;
  if (q.order > 20) fail_at(t->c, (Span){0}, NULL, "an order is a number from 1 to 20");
  write_formula(t, &q);
}

void show_definition(Turn *t, const char *name) {
  for (size_t k = 0; k < t->s->n; k++) {
    const Entry *e = &t->s->entry[k];
    if (strchr("fr", e->key[0]) && !strcmp(e->key + 2, name)) turn_printf(t, "%s\n", e->text);
  }
}

bool show_function(Turn *t) {
  const char *start = t->text + strspn(t->text, " \t\r");
  size_t n = strcspn(start, "' \t\r\n"), primes = strspn(start + n, "'");
  size_t rest = strspn(start + n + primes, " \t\r\n");
  if (!n || (size_t)(start - t->text) + n + primes + rest != t->size) return false;
  const char *name = intern(t->c, start, n);
  if (!entry_find(t->s, name, 'f')) return false;
  Subject q = {.function = name, .order = (uint32_t)primes, .primed = true};
  if (!primes) show_definition(t, name);
  else q.m = turn_module(t);
  if (!primes) return true;
  write_formula(t, &q);
  return true;
}

/* ---- :grad ---- */

typedef VEC(const char *) Names;

static void add_once(Ctx *c, Names *list, const char *name) {
  for (uint32_t k = 0; k < list->n; k++)
    if (!strcmp(list->at[k], name)) return;
  VEC_PUSH(c, list, name);
}

/* The session's real variables in an expression; of a name, those that it is made from. */
static void add_variable(const Turn *t, Names *found, const char *name) {
  const Entry *e = entry_find(t->s, name, 'v');
  if (e && (!e->known || known_all_real(e->known))) add_once(t->c, found, name);
}

static uint32_t variables_in(Turn *t, const Ast *root, const char ***names) {
  VEC(const Ast *) todo = {0};
  Names found = {0};
  const Entry *whole = root->kind == AST_NAME ? entry_find(t->s, root->name, 'v') : NULL;
  for (uint32_t k = 0; whole && k < whole->nuse; k++) add_variable(t, &found, whole->use[k]);
  if (!whole) VEC_PUSH(t->c, &todo, root);
  while (todo.n) {
    const Ast *a = todo.at[--todo.n];
    if (!a) continue;
    if (a->kind == AST_NAME) add_variable(t, &found, a->name);
    for (uint32_t k = a->nkids; k-- > 0;) VEC_PUSH(t->c, &todo, a->kid[k]);
  }
  *names = found.at;
  return found.n;
}

void command_grad(Turn *t, const char *arg) {
  Subject q = read_subject(t, arg, ":grad f(x) x");
  if (q.function) {
    q.order++;
    write_formula(t, &q);
    return;
  }
  if (!q.nwrt) q.nwrt = variables_in(t, q.expression, &q.wrt);
  if (!q.nwrt)
    fail_at(t->c, q.expression->span, "bind them first, as in x = 2.0",
            "no variable of the session stands in this expression");
  Buf b;
  buf_init(&b, t->c);
  for (uint32_t k = 0; k < q.nwrt; k++)
    buf_printf(&b, "print \"d/d%s = {grad(%s, %s)}\"\n", q.wrt[k], q.title, q.wrt[k]);
  t->file = source_add(t->c, ":grad", buf_text(&b), b.n);
  turn_run(t, parse(t->c, t->file, PARSE_FILE, NULL));
}

/* ---- :explain, :flow, :check ---- */

static FlowGraph *graph(const Subject *q) {
  return flow_of(q->m, q->function, q->expression, q->wrt, q->nwrt);
}

void command_explain(Turn *t, const char *arg) {
  Subject q = read_subject(t, arg, ":explain f x");
  Buf out;
  buf_init(&out, t->c);
  explain_text(graph(&q), q.title, &out);
  turn_write(t, buf_text(&out));
}

void command_flow(Turn *t, const char *arg) {
  static const char *const formats[] = {"svg", "pdf", "png", "dot", "html"};
  const char *path = last_word(arg), *dot = path ? strrchr(path, '.') : NULL, *format = NULL;
  for (size_t k = 0; dot && k < sizeof formats / sizeof *formats; k++)
    if (!strcmp(dot + 1, formats[k])) format = formats[k];
  if (!format)
    fail_at(t->c, (Span){0}, "as in :flow f out.svg",
            "into which file? (.svg .pdf .png .dot .html)");
  Subject q = read_subject(t, without(t->c, arg, path), ":flow f x out.svg");
  Buf out;
  buf_init(&out, t->c);
  flow_picture(graph(&q), q.title, format, &out);
  write_files(t->c, 1, &path, (const Buf *[]){&out});
}

static void write_to_turn(void *turn, const char *text, size_t n) {
  Session *s = ((Turn *)turn)->s;
  s->out.write(s->out.user, text, n);
}

void command_check(Turn *t, const char *arg) {
  t->c->opt.real_float = false;
  Module *m = turn_module(t);
  if (*arg && !module_function(m, intern_z(t->c, arg)))
    fail_at(t->c, (Span){0}, NULL, "there is no function '%s'", arg);
  CheckOptions options = {.function = *arg ? intern_z(t->c, arg) : NULL, .seed = 1, .points = 5,
                          .file = t->items};
  CheckTotals totals = {0};
  Host host = {.ctx = t->c, .write = write_to_turn, .user = t, .stop = t->s->out.stop};
  check_module(m, &options, &host, &totals);
  turn_printf(t, "%u derivative%s checked, %u wrong; the largest difference is %.2g\n",
              totals.derivatives, totals.derivatives == 1 ? "" : "s", totals.failed,
              totals.largest);
  if (totals.failed) t->s->failed = true;
}

/* ---- :c, :ir ---- */

/* The function as a program; one whose parameters have no types is taken on real numbers. */
static Prog *function_program(const Subject *q) {
  bool typed = q->function && !q->order && module_function_typed(q->m, q->function);
  Request r = {.function = q->function, .wrt = q->wrt, .nwrt = q->nwrt};
  r.kind = q->nwrt ? DERIV_GRAD : DERIV_VALUE;
  if (typed) return optimize(elaborate_function(q->m, &r), NULL);
  uint32_t order = q->order ? q->order : q->nwrt > 0;
  return optimize(elaborate_diff(q->m, q->function, q->expression, q->wrt, q->nwrt, order), NULL);
}

void command_c(Turn *t, const char *arg) {
  Subject q = read_subject(t, arg, ":c f");
  Prog *p = function_program(&q);
  Buf body, header;
  buf_init(&body, t->c);
  buf_init(&header, t->c);
  emit_c(t->c, &p, 1, &(EmitOptions){.prefix = "session", .source_name = "session"}, &body,
         &header);
  turn_write(t, buf_text(&body));
}

void command_ir(Turn *t, const char *arg) {
  Subject q = read_subject(t, arg, ":ir f");
  Buf out;
  buf_init(&out, t->c);
  ir_print(function_program(&q), &out);
  turn_write(t, buf_text(&out));
}

/* ---- :time ---- */

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

static void write_seconds(Turn *t, const char *what, double s) {
  if (s < 1e-6) turn_printf(t, "%s %.3g ns\n", what, s * 1e9);
  else if (s < 1e-3) turn_printf(t, "%s %.3g us\n", what, s * 1e6);
  else if (s < 1) turn_printf(t, "%s %.3g ms\n", what, s * 1e3);
  else turn_printf(t, "%s %.3g s\n", what, s);
}

/* Runs it until a fifth of a second has gone by. */
static Status run_often(Jit *jit, const JitArg *in, Host *host, double *each) {
  double start = now(), spent = 0;
  uint64_t runs = 0, most = 1;
  do {
    for (; runs < most; runs++) {
      Status s = jit_call(jit, in, NULL, host);
      if (s != GC_OK) return s;
    }
    spent = now() - start;
    most *= 2;
  } while (spent < 0.2);
  *each = spent / (double)runs;
  return GC_OK;
}

static void take_nothing(void *turn, const TextAttr *a, const Value *leaf, uint32_t n) {
  (void)turn;
  (void)a;
  (void)leaf;
  (void)n;
}

/* A call of a function of numbers, with inputs for arguments: nothing is known beforehand. */
static const char *timed_call(Turn *t, const Ast *at, const Ast *function) {
  static const double half = 0.5;
  const Ast *params = function->kid[0];
  const char *inputs = "", *list = "";
  for (uint32_t k = 0; k < params->nkids; k++) {
    if (params->kid[k]->nkids && params->kid[k]->kid[0])
      fail_at(t->c, at->span, "as in :time f(2.0)",
              "give it arguments, as its parameters have types");
    const char *name = str_printf(t->c, "timed_%u", k);
    InputValue in = {.name = name, .elem = ELEM_REAL, .data = &half};
    VEC_PUSH(t->c, &t->inputs, in);
    inputs = str_printf(t->c, "%sinput %s: real\n", inputs, name);
    list = str_printf(t->c, "%s%s%s", list, k ? ", " : "", name);
  }
  return str_printf(t->c, "%stimed_value = %s(%s)", inputs, function->name, list);
}

static const char *timed_text(Turn *t, const char *arg) {
  Ast *e = turn_expression(t, arg);
  bool function = e->kind == AST_NAME && entry_find(t->s, e->name, 'f');
  if (function) return timed_call(t, e, module_function(turn_module(t), e->name));
  return str_printf(t->c, "timed_value = %s", arg);
}

void command_time(Turn *t, const char *arg) {
  if (!*arg) fail_at(t->c, (Span){0}, NULL, "of what? (:time f, or :time f(2.0))");
  const char *text = timed_text(t, arg);
  t->file = source_add(t->c, ":time", text, strlen(text));
  double start = now(), each = 0;
  TurnCode code = turn_compile(t, parse(t->c, t->file, PARSE_ENTRY, NULL));
  double compiled = now();
  Host host = {.ctx = t->c, .bound = take_nothing, .stop = t->s->out.stop};
  Status s = run_often(code.jit, code.in, &host, &each);
  if (s != GC_OK) diag_raise(t->c, s);
  write_seconds(t, "compile", compiled - start);
  write_seconds(t, "run    ", each);
}
