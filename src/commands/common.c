/* common.c - what the commands share: diagnostics on the terminal, files in and out. */
#include "commands/command.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "version.h"

static bool coloured(FILE *f) {
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  return isatty(fileno(f)) && !(no && *no) && term && strcmp(term, "dumb");
}

bool colour_on_stderr(void) { return coloured(stderr); }

/* ---- progress ---- */

enum { PROGRESS_WIDTH = 60 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void show_progress(void *arg) {
  Job *j = arg;
  double t = now();
  if (t - j->start < 2 || t - j->told < 0.25) return;
  j->told = t;
  const char *stage = j->c->stage ? j->c->stage : "reading";
  int n = fprintf(stderr, "\rgradc: %.30s … %.0f s", stage, t - j->start);
  fprintf(stderr, "%*s", n < PROGRESS_WIDTH ? PROGRESS_WIDTH - n : 0, "");
  fflush(stderr);
}

void job_hush(Job *j) {
  if (j->told > 0) fprintf(stderr, "\r%*s\r", PROGRESS_WIDTH, "");
  j->told = 0;
}

bool job_open(Job *j, const Command *command) {
  *j = (Job){.c = ctx_new(NULL, NULL), .command = command, .start = now()};
  if (!j->c) {
    fputs("gradc: out of memory\n", stderr);
    return false;
  }
  j->c->opt.allow_import = true;
  if (isatty(fileno(stderr))) j->c->tick = show_progress;
  j->c->tick_user = j;
  return true;
}

/* ---- messages ---- */

typedef struct Report { Job *job; Buf text; } Report;

static void render_new(void *arg) {
  Report *r = arg;
  Job *j = r->job;
  buf_init(&r->text, j->c);
  for (; j->shown < diag_count(j->c); j->shown++)
    diag_render(j->c, j->shown, &r->text, coloured(stderr));
}

void job_report(Job *j) {
  Report r = {.job = j};
  job_hush(j);
  fflush(stdout);
  if (ctx_try(j->c, render_new, &r) == GC_OK) fputs(buf_text(&r.text), stderr);
}

int job_close(Job *j, Status s) {
  job_report(j);
  if (s == GC_NOMEM) fputs("gradc: out of memory\n", stderr);
  ctx_free(j->c);
  bool written = fflush(stdout) == 0 && !ferror(stdout);
  if (!written) perror("gradc: standard output");
  if (s == GC_OK) return written ? 0 : 1;
  return s == GC_USAGE ? 2 : s == GC_FAILED ? 3 : 1;
}

int usage_error(const Command *command, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fprintf(stderr, "gradc %s: ", command->name);
  vfprintf(stderr, fmt, ap);
  fprintf(stderr, "\nusage: gradc %s %s\n(gradc %s --help tells more)\n", command->name,
          command->synopsis, command->name);
  va_end(ap);
  return 2;
}

int option_error(const Command *command, int opt, char **argv) {
  const char *word = argv[optind - 1];
  if (opt == ':') return usage_error(command, "option '%s' needs an argument", word);
  if (optopt && strncmp(word, "--", 2) != 0) return usage_error(command, "unknown option '-%c'", optopt);
  return usage_error(command, "unknown option '%s'", word);
}

void command_help(const Command *command) {
  printf("gradc %s %s\n\n%s.\n\n%s", command->name, command->synopsis, command->summary, command->help);
}

/* ---- files in ---- */

static void close_file(void *f) { fclose(f); }

_Noreturn static void cannot_read(Ctx *c, const char *path, const char *why) {
  fail_at(c, (Span){0}, NULL, "cannot read '%s': %s", path, why);
}

uint32_t read_source(Ctx *c, const char *path) {
  bool in = strcmp(path, "-") == 0;
  struct stat st;
  if (!in && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) cannot_read(c, path, "it is a directory");
  FILE *f = in ? stdin : fopen(path, "rb");
  if (!f) cannot_read(c, path, errno == ENOENT ? "there is no such file" : strerror(errno));
  if (!in) ctx_defer(c, close_file, f);
  Buf text;
  buf_init(&text, c);
  char block[1 << 15];
  for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) buf_add(&text, block, n);
  if (ferror(f)) cannot_read(c, path, strerror(errno));
  return source_add(c, in ? "standard input" : path, buf_text(&text), text.n);
}

Ast *parse_expression(Ctx *c, const char *text) {
  uint32_t file = source_add(c, "-e", text, strlen(text));
  Ast *entry = parse(c, file, PARSE_ENTRY, NULL);
  if (entry->nkids != 1 || entry->kid[0]->kind != AST_EXPR)
    fail_at(c, (Span){file, 0, (uint32_t)strlen(text)}, "give definitions in a file, and -f NAME",
            "-e takes one expression");
  return entry->kid[0]->kid[0];
}

/* ---- files out ---- */

typedef struct Unlink { const char *path; bool done; } Unlink;

static void remove_unfinished(void *arg) {
  Unlink *u = arg;
  if (!u->done) unlink(u->path);
}

static Unlink *write_temporary(Ctx *c, const char *path, const Buf *text) {
  Unlink *u = NEW(c, Unlink);
  u->path = str_printf(c, "%s.%ld.tmp", path, (long)getpid());
  FILE *f = fopen(u->path, "wb");
  if (!f) fail_at(c, (Span){0}, NULL, "cannot write '%s': %s", path, strerror(errno));
  ctx_defer(c, remove_unfinished, u);
  bool ok = fwrite(text->at, 1, text->n, f) == text->n;
  ok &= fclose(f) == 0;
  if (!ok) fail_at(c, (Span){0}, NULL, "cannot write '%s': %s", path, strerror(errno));
  return u;
}

static void write_special(Ctx *c, const char *path, uint32_t n, const Buf *const *text) {
  FILE *f = fopen(path, "wb");
  if (!f) fail_at(c, (Span){0}, NULL, "cannot write '%s': %s", path, strerror(errno));
  bool ok = true;
  for (uint32_t i = 0; i < n; i++) ok &= fwrite(text[i]->at, 1, text[i]->n, f) == text[i]->n;
  ok &= fclose(f) == 0;
  if (!ok) fail_at(c, (Span){0}, NULL, "cannot write '%s': %s", path, strerror(errno));
}

void write_files(Ctx *c, uint32_t n, const char *const *path, const Buf *const *text) {
  Unlink **u = NEWN(c, Unlink *, n);
  if (n && file_is_special(path[0])) {
    write_special(c, path[0], n, text);
    return;
  }
  for (uint32_t i = 0; i < n; i++) {
    struct stat st;
    if (stat(path[i], &st) == 0 && S_ISDIR(st.st_mode))
      fail_at(c, (Span){0}, NULL, "cannot write '%s': it is a directory", path[i]);
    u[i] = write_temporary(c, path[i], text[i]);
  }
  for (uint32_t i = 0; i < n; i++) {
    if (rename(u[i]->path, path[i]) != 0)
      fail_at(c, (Span){0}, NULL, "cannot write '%s': %s", path[i], strerror(errno));
    u[i]->done = true;
  }
}

/* ---- small things ---- */

uint32_t split_names(Ctx *c, const char *list, const char ***names) {
  VEC(const char *) v = {0};
  for (const char *s = list; ; s++) {
    size_t n = strcspn(s, ",");
    while (n && *s == ' ') { s++; n--; }
    size_t m = n;
    while (m && s[m - 1] == ' ') m--;
    if (m) VEC_PUSH(c, &v, intern(c, s, m));
    s += n;
    if (!*s) break;
  }
  *names = v.at;
  return v.n;
}

int no_warn_option(Job *j, const char *name) {
  for (size_t k = 0; k < LINTS; k++)
    if (!strcmp(lint_names[k], name)) {
      VEC_PUSH(j->c, &j->c->no_warn, lint_names[k]);
      return 0;
    }
  const char *near = nearest_word(name, lint_names, LINTS);
  return near ? usage_error(j->command, "no warning is named '%s'; perhaps '%s'?", name, near)
              : usage_error(j->command, "no warning is named '%s': a warning ends with its name in "
                                        "brackets", name);
}

int limit_option(Job *j, const char *text) {
  static const char *const names[] = {"calls", "depth", "memory", "nodes"};
  Limits *l = &j->c->limits;
  const char *number = strchr(text, '=');
  size_t n = number ? (size_t)(number - text) : 0;
  char *end = "";
  unsigned which = 0;
  while (which < 4 && !(n == strlen(names[which]) && !strncmp(text, names[which], n))) which++;
  unsigned long long value = which < 4 ? strtoull(number + 1, &end, 10) : 0;
  bool depth = which == 1;
  if (which == 4 || !isdigit((unsigned char)number[1]) || *end || (depth && (!value || value > 1000)))
    return usage_error(j->command, "--limit takes calls=N, depth=N (1 to 1000), memory=BYTES or "
                                   "nodes=N, not '%s'", text);
  if (depth) l->depth = (uint32_t)value;
  else *(which == 0 ? &l->calls : which == 2 ? &l->memory : &l->nodes) = value;
  return 0;
}

static void to_stdout(void *user, const char *text, size_t n) {
  (void)user;
  fwrite(text, 1, n, stdout);
}

void host_stdout(Host *h, Ctx *c) {
  *h = (Host){.ctx = c, .write = to_stdout};
}
