/* check.c - the functions of a file, one after another, and the report. */
#include "explain/check_private.h"

#include <stdio.h>
#include <string.h>

/* ---- tools ---- */

void check_line(Check *k, const char *fmt, ...) {
  char text[2048];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text - 1, fmt, ap);
  va_end(ap);
  Buf b;
  buf_init(&b, k->c);
  if (k->o->json) {
    buf_puts(&b, "{\"text\": \"");
    for (const char *s = text; *s; s++)
      if (*s == '"' || *s == '\\')
        buf_printf(&b, "\\%c", *s);
      else if (*s == '\n')
        buf_puts(&b, "\\n");
      else
        buf_add(&b, s, 1);
    buf_puts(&b, "\"}\n");
  } else {
    buf_printf(&b, "%s\n", text);
  }
  if (k->host->write) k->host->write(k->host->user, b.at, b.n);
}

Status check_quietly(Check *k, void (*fn)(void *), void *arg) {
  uint32_t before = diag_count(k->c);
  Status s = ctx_try(k->c, fn, arg);
  k->error = NULL;
  for (uint32_t j = diag_count(k->c); j-- > before;)
    if (diag_get(k->c, j)->severity == SEV_ERROR)
      k->error = diag_get(k->c, j)->text, k->error_at = diag_get(k->c, j)->span;
  k->c->diags.n = before;
  if (s == GC_NOMEM || s == GC_STOPPED) diag_raise(k->c, s);
  return s;
}

const char *check_number(Ctx *c, double x) {
  return x == 0 ? "0" : str_printf(c, "%.0e", x);
}

/* ---- one argument ---- */

static const char *kinks_text(Ctx *c, const Finding *f) {
  if (!f->kinks || !f->compared) return "";
  return str_printf(c, " (%u point%s at a kink left out)", f->kinks, f->kinks == 1 ? "" : "s");
}

static void json_finding(Target *t, const CheckArg *a, const Finding *f, const char *deviation) {
  Ctx *c = t->k->c;
  Buf b;
  buf_init(&b, c);
  buf_printf(&b,
             "{\"function\": \"%s\", \"argument\": \"%s\", \"derivatives\": %u, \"failed\": %u, ",
             t->name, a->name, f->derivatives, f->failed);
  buf_printf(&b, "\"largest\": %.3g, \"kinks\": %u, \"nonlinear\": %s, \"deviation\": ", f->largest,
             f->kinks, f->nonlinear ? "true" : "false");
  if (*deviation)
    buf_printf(&b, "\"%s\"", deviation + 2);
  else
    buf_puts(&b, "null");
  buf_puts(&b, "}\n");
  if (t->k->host->write) t->k->host->write(t->k->host->user, b.at, b.n);
}

static void say_finding(Target *t, const CheckArg *a, const Finding *f, const char *deviation) {
  Ctx *c = t->k->c;
  const char *who = t->arg.n == 1 ? str_printf(c, "%s%s", t->name, t->how)
                                  : str_printf(c, "%s, %s%s", t->name, a->name, t->how);
  if (f->failed) {
    check_line(t->k, "%s: WRONG%s", who, deviation);
    for (uint32_t j = 0; j < f->wrong.n; j++) check_line(t->k, "    %s", f->wrong.at[j]);
    return;
  }
  if (f->why_not) {
    check_line(t->k, "%s: not compared: %s%s", who, f->why_not, deviation);
    return;
  }
  check_line(t->k, "%s: agrees with its surrogate to %s%s%s%s", who, check_number(c, f->largest),
             kinks_text(c, f),
             f->nonlinear ? "; a rule is not linear, so in reverse mode alone" : "", deviation);
}

static void report_argument(Target *t, const CheckArg *a, const Finding *f,
                            const char *deviation) {
  CheckTotals *totals = t->k->totals;
  if (t->k->o->json)
    json_finding(t, a, f, deviation);
  else
    say_finding(t, a, f, deviation);
  totals->derivatives += f->derivatives;
  totals->failed += f->failed > 0;
  if (f->largest > totals->largest) totals->largest = f->largest;
}

static void check_argument(Target *t, const CheckArg *a) {
  Finding f = {0};
  check_orders(t, a, &f, NULL);
  report_argument(t, a, &f, check_deviation(t, a));
}

/* ---- many arguments ---- */

enum { MANY = 12 };

/* What was found for one of them, and for all. */
static Finding joined(Target *t, const Finding *own, const Finding *all) {
  Finding f = *all;
  f.wrong.at = NULL;
  f.wrong.n = f.wrong.cap = 0;
  f.failed = own->failed + all->failed;
  if (own->largest > f.largest) f.largest = own->largest;
  for (uint32_t j = 0; j < own->wrong.n; j++) VEC_PUSH(t->k->c, &f.wrong, own->wrong.at[j]);
  for (uint32_t j = 0; j < all->wrong.n; j++) VEC_PUSH(t->k->c, &f.wrong, all->wrong.at[j]);
  return f;
}

static void check_together(Target *t) {
  Ctx *c = t->k->c;
  CheckArg every = {0};
  VEC(uint32_t) arg = {0};
  Finding f = {0};
  for (uint32_t j = 0; j < t->arg.n; j++)
    for (uint32_t l = 0; l < t->arg.at[j].leaf.n; l++) {
      VEC_PUSH(c, &every.leaf, t->arg.at[j].leaf.at[l]);
      VEC_PUSH(c, &arg, j);
    }
  Together all = {NEWN(c, Finding, t->arg.n), arg.at};
  check_orders(t, &every, &f, &all);
  const char **deviation = check_deviations(t, &every, &all);
  for (uint32_t j = 0; j < t->arg.n; j++) {
    Finding one = joined(t, &all.own[j], &f);
    report_argument(t, &t->arg.at[j], &one, deviation[j]);
  }
}

/* ---- one function ---- */

typedef struct Job {
  Check *k;
  const char *name;
} Job;

/* Is a place in the rule of this function? */
static bool in_rule(const Check *k, const char *name, Span at) {
  for (uint32_t j = 0; j < k->o->file->nkids; j++) {
    const Ast *a = k->o->file->kid[j];
    bool rule = a->kind == AST_GRADIENT || a->kind == AST_TANGENT;
    if (rule && !strcmp(a->name, name) && a->span.file == at.file && a->span.start <= at.start &&
        at.start < a->span.end)
      return true;
  }
  return false;
}

static void say_why_not(Target *t) {
  Check *k = t->k;
  bool rule = t->error && in_rule(k, t->name, t->error_at);
  if (rule) {
    diag(k->c, SEV_ERROR, t->error_at, "%s", t->error);
    check_line(k, "%s: WRONG: %s", t->name, t->error);
    k->totals->failed++;
    return;
  }
  check_line(k, "%s: not checked: %s%s%s", t->name, t->why_not, t->error ? ": " : "",
             t->error ? t->error : "");
  k->totals->skipped++;
}

static void check_function(void *self) {
  Job *job = self;
  Check *k = job->k;
  Target t;
  k->random = k->o->seed;
  for (const char *s = job->name; *s; s++) k->random = k->random * 31 + (unsigned char)*s;
  check_target(&t, k, job->name);
  if (t.value && t.arg.n) {
    check_points(&t, k->o->points);
    check_lints(&t);
  }
  if (t.why_not) {
    say_why_not(&t);
    return;
  }
  k->totals->functions++;
  if (!t.arg.n)
    check_line(k, "%s: has no real argument", t.name);
  else
    check_rules(&t);
  if (t.arg.n > MANY) check_together(&t);
  for (uint32_t j = 0; j < t.arg.n && t.arg.n <= MANY; j++) check_argument(&t, &t.arg.at[j]);
}

static void check_one(Check *k, const char *name) {
  Job job = {k, name};
  k->c->stage = str_printf(k->c, "checking %s", name);
  Status s = ctx_try(k->c, check_function, &job);
  if (s == GC_NOMEM || s == GC_STOPPED) diag_raise(k->c, s);
  if (s == GC_OK) return;
  check_line(k, "%s: the check itself failed", name);
  k->totals->failed++;
}

void check_module(Module *m, const CheckOptions *o, Host *host, CheckTotals *totals) {
  Check k = {.c = host->ctx, .m = m, .o = o, .host = host, .totals = totals};
  bool found = false;
  for (uint32_t j = 0; j < o->file->nkids; j++) {
    const Ast *a = o->file->kid[j];
    if (a->kind != AST_FUNCTION || (o->function && strcmp(a->name, o->function))) continue;
    found = true;
    check_one(&k, a->name);
  }
  if (o->function && !found && module_function(m, o->function))
    found = true, check_one(&k, o->function);
  if (o->function && !found) {
    const char **names;
    uint32_t n = module_functions(m, &names);
    const char *near = nearest_word(o->function, names, n);
    fail_at(k.c, (Span){0}, near ? str_printf(k.c, "did you mean `%s`?", near) : NULL,
            "there is no function `%s`", o->function);
  }
  if (!o->function) check_asserts(&k);
}
