/* diag.c - source texts, the list of messages, and raising.
 *
 * The list always has one free place, so that "out of memory" itself can be
 * queued.  Notes and help belong to the error or warning before them; those of
 * a warning that was not wanted go with it. */
#include "base/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sources ------------------------------------------------------------ */

static uint32_t count_lines(const char *text, size_t size) {
  uint32_t n = 1;
  for (size_t i = 0; i < size; i++) n += text[i] == '\n';
  return n;
}

static void index_lines(Ctx *c, Source *s) {
  s->nlines = count_lines(s->text, s->size);
  uint32_t *at = NEWN(c, uint32_t, s->nlines);
  uint32_t n = 1;
  for (size_t i = 0; i < s->size; i++)
    if (s->text[i] == '\n') at[n++] = (uint32_t)i + 1;
  s->lines = at;
}

uint32_t source_add(Ctx *c, const char *name, const char *text, size_t size) {
  if (size >= UINT32_MAX) {
    diag(c, SEV_ERROR, (Span){0}, "%s: a source of more than 4 GB", name);
    diag_raise(c, GC_LIMIT);
  }
  Zone *zone = zone_enter(c, NULL);
  char *copy = arena_alloc(c, size + 1);
  if (size) memcpy(copy, text, size);
  Source s = {.name = intern_z(c, name), .text = copy, .size = size};
  index_lines(c, &s);
  VEC_PUSH(c, &c->sources, s);
  zone_enter(c, zone);
  return c->sources.n;
}

const Source *source_get(const Ctx *c, uint32_t file) {
  return file && file <= c->sources.n ? &c->sources.at[file - 1] : NULL;
}

/* The number (from 0) of the line that holds byte `at`. */
static uint32_t line_of(const Source *s, uint32_t at) {
  uint32_t low = 0, high = s->nlines;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (s->lines[middle] <= at) low = middle;
    else high = middle;
  }
  return low;
}

void source_line(const Source *s, uint32_t at, uint32_t *start, uint32_t *end) {
  uint32_t line = line_of(s, at);
  *start = s->lines[line];
  *end = line + 1 < s->nlines ? s->lines[line + 1] - 1 : (uint32_t)s->size;
  if (*end > *start && s->text[*end - 1] == '\r') --*end;
}

uint32_t source_row(const Ctx *c, Span at) {
  const Source *s = source_get(c, at.file);
  return s ? line_of(s, at.start < s->size ? at.start : (uint32_t)s->size) + 1 : 0;
}

void source_where(const Ctx *c, Span at, uint32_t *line, uint32_t *column) {
  *line = *column = 0;
  const Source *s = source_get(c, at.file);
  if (!s) return;
  uint32_t start = at.start < s->size ? at.start : (uint32_t)s->size;
  uint32_t number = line_of(s, start), n = 1, code;
  const char *p = s->text + s->lines[number], *end = s->text + start;
  while (p < end) {
    p += utf8_decode(p, s->text + s->size, &code);
    n++;
  }
  *line = number + 1;
  *column = n;
}

Span span_join(Span a, Span b) {
  if (!a.file) return b;
  if (a.file != b.file) return a;
  if (b.start < a.start) a.start = b.start;
  if (b.end > a.end) a.end = b.end;
  return a;
}

/* ---- the list ----------------------------------------------------------- */

void diag_init(Ctx *c) {
  enum { FIRST = 8 };
  c->diags.at = NEWN(c, Diag, FIRST);
  c->diags.cap = FIRST;
}

void diag_static(Ctx *c, const char *text) {
  if (c->diags.n == c->diags.cap) c->diags.n--; /* the free place is taken already */
  c->diags.at[c->diags.n++] = (Diag){.severity = SEV_ERROR, .text = text};
}

static void append(Ctx *c, Diag d) {
  uint32_t cap = c->diags.cap;
  if (c->diags.n + 2 > cap) {
    Zone *zone = zone_enter(c, NULL);
    c->diags.at = arena_grow(c, c->diags.at, sizeof d * cap, sizeof d * 2 * cap);
    zone_enter(c, zone);
    c->diags.cap = 2 * cap;
  }
  c->diags.at[c->diags.n++] = d;
}

/* Of the context for good, and the same text at the same address. */
static const char *lasting(Ctx *c, const char *fmt, va_list args) {
  return intern_z(c, str_vprintf(c, fmt, args));
}

const char *const lint_names[LINTS] = {
    "all-stopped",      /* every path to an argument is stopped */
    "idle-stop",        /* a stop on something that depends on no argument */
    "double-reversal",  /* two reversals on one path */
    "negative-alpha",   /* grad_reverse by a negative number */
    "branch-not-taken", /* a derivative that can be infinite where select does not take it */
    "rule-ignores-up",  /* a rule that ignores the gradient that arrives */
    "rule-nonlinear",   /* a rule that is not linear in it */
    "rule-true",        /* a rule that gives the true derivative */
    "rule-sign",        /* a rule that gives the true derivative but for the sign */
    "none",             /* a derivative of what no argument reaches */
    "shadow",           /* a name that hides a built-in */
    "trips",            /* a while loop stopped after as many rounds as it may take */
    "casadi",           /* a CasADi function without one of its derivatives */
    "all",
};

static bool unwanted(const Ctx *c, const char *lint) {
  for (uint32_t i = 0; lint && i < c->no_warn.n; i++)
    if (!strcmp(c->no_warn.at[i], lint) || !strcmp(c->no_warn.at[i], "all")) return true;
  return false;
}

/* A generic function is checked at each use and would repeat its warnings. */
static bool said_lately(const Ctx *c, const Diag *d) {
  enum { LOOK_BACK = 64 };
  uint32_t n = c->diags.n, first = n > LOOK_BACK ? n - LOOK_BACK : 0;
  for (uint32_t i = first; i < n; i++) {
    const Diag *e = &c->diags.at[i];
    if (e->severity == SEV_WARNING && e->text == d->text && e->span.file == d->span.file &&
        e->span.start == d->span.start && e->span.end == d->span.end)
      return true;
  }
  return false;
}

void diag(Ctx *c, Severity s, Span at, const char *fmt, ...) {
  bool belongs = s == SEV_NOTE || s == SEV_HELP;
  if (belongs && c->muted) return;
  if (!belongs) c->muted = false;
  va_list args;
  va_start(args, fmt);
  const char *text = lasting(c, fmt, args);
  va_end(args);
  append(c, (Diag){.severity = s, .span = at, .text = text});
}

void warn(Ctx *c, const char *lint, Span at, const char *fmt, ...) {
  c->muted = unwanted(c, lint);
  if (c->muted) return;
  va_list args;
  va_start(args, fmt);
  Diag d = {.severity = SEV_WARNING, .span = at, .text = lasting(c, fmt, args), .lint = lint};
  va_end(args);
  c->muted = said_lately(c, &d);
  if (!c->muted) append(c, d);
}

uint32_t diag_count(const Ctx *c) {
  return c->diags.n;
}

const Diag *diag_get(const Ctx *c, uint32_t k) {
  return k < c->diags.n ? &c->diags.at[k] : NULL;
}

void diag_clear(Ctx *c) {
  c->diags.n = 0;
  c->muted = false;
}

/* ---- raising ------------------------------------------------------------ */

void diag_explain(Ctx *c, Span at) {
  void (*explain)(void *user, Span at) = c->explain;
  c->explain = NULL; /* it may fail itself */
  if (explain) explain(c->explain_user, at);
}

_Noreturn void diag_raise(Ctx *c, Status status) {
  c->status = status;
  c->explain = NULL;
  /* Every public entry point runs in ctx_try(); without one there is no caller
   * that could be told. */
  if (!c->unwind) abort();
  longjmp(*c->unwind, 1);
}

_Noreturn void fail_at(Ctx *c, Span at, const char *help, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  const char *text = str_vprintf(c, fmt, args);
  va_end(args);
  diag(c, SEV_ERROR, at, "%s", text);
  diag_explain(c, at);
  if (help) diag(c, SEV_HELP, (Span){0}, "%s", help);
  diag_raise(c, GC_ERROR);
}

_Noreturn void internal_error(Ctx *c, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  const char *text = str_vprintf(c, fmt, args);
  va_end(args);
  diag(c, SEV_ERROR, (Span){0}, "internal error: %s", text);
  diag(c, SEV_HELP, (Span){0}, "this is a mistake in gradc, not in the program; please report it");
  diag_raise(c, GC_ERROR);
}
