/* session_plot.c - :plot f, f' x=-3..3, by gnuplot: in a window where there is a display,
 * else in characters; or into a file.  gnuplot is started without a shell and reads a
 * script with the points in it. */
#include <errno.h>
#include <math.h>
#include <regex.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands/session_private.h"

enum { POINTS = 401 };

extern char **environ;

typedef struct Plot {
  Turn *t;
  VEC(const char *) item;
  const char *variable, *from, *to, *output;
} Plot;

/* ---- what is asked ---- */

static const char *part(Ctx *c, const char *text, const regmatch_t *m) {
  return m->rm_so < 0 ? "" : intern(c, text + m->rm_so, (size_t)(m->rm_eo - m->rm_so));
}

/* Cuts at commas outside brackets. */
static void split_items(Plot *p, const char *text) {
  int depth = 0;
  const char *start = text;
  for (const char *s = text;; s++) {
    if (*s && strchr("([{", *s)) depth++;
    if (*s && strchr(")]}", *s)) depth--;
    if (*s && (*s != ',' || depth)) continue;
    while (*start == ' ') start++;
    if (s > start) VEC_PUSH(p->t->c, &p->item, intern(p->t->c, start, (size_t)(s - start)));
    if (!*s) return;
    start = s + 1;
  }
}

static void free_pattern(void *pattern) { regfree(pattern); }

static void read_request(Plot *p, const char *arg) {
  Ctx *c = p->t->c;
  regex_t *pattern = NEW(c, regex_t);
  regmatch_t m[7];
  int bad =
      regcomp(pattern,
              "^(.*[^ ,]),?[ ]+([A-Za-z_][A-Za-z_0-9]*) *= *([^= ][^ ]*)\\.\\.([^ ]+)( +([^ ]+))?$",
              REG_EXTENDED);
  if (bad) diag_raise(c, GC_NOMEM);
  ctx_defer(c, free_pattern, pattern);
  if (regexec(pattern, arg, 7, m, 0) != 0)
    fail_at(c, (Span){0}, "as in :plot f, f' x=-3..3", "which curves, and where?");
  split_items(p, part(c, arg, &m[1]));
  p->variable = part(c, arg, &m[2]);
  p->from = part(c, arg, &m[3]);
  p->to = part(c, arg, &m[4]);
  p->output = part(c, arg, &m[6]);
}

/* ---- the points ---- */

static bool names_function(Turn *t, const char *item) {
  size_t n = strcspn(item, "'");
  const char *name = intern(t->c, item, n), *other, *doc, *example;
  if (item[n + strspn(item + n, "'")]) return false;
  if (entry_find(t->s, name, 'f')) return true;
  if (entry_find(t->s, name, 'v')) return item[n] == '\'';
  for (uint32_t k = 0; builtin_doc(k, &other, &doc, &example); k++)
    if (!strcmp(name, other)) return true;
  return false;
}

static void compute(Plot *p) {
  Ctx *c = p->t->c;
  Buf b;
  buf_init(&b, c);
  const char *x =
      str_printf(c, "(%s) + ((%s) - (%s))*plot_index/%d", p->from, p->to, p->from, POINTS - 1);
  buf_printf(&b, "plot_x = [%s for plot_index < %d]\n", x, POINTS);
  for (uint32_t k = 0; k < p->item.n; k++) {
    const char *call =
        names_function(p->t, p->item.at[k]) ? str_printf(c, "(%s)", p->variable) : "";
    buf_printf(&b, "plot_%u = [{ %s = %s; %s%s } for plot_index < %d]\n", k, p->variable, x,
               p->item.at[k], call, POINTS);
  }
  p->t->file = source_add(c, ":plot", buf_text(&b), b.n);
  turn_run(p->t, parse(c, p->t->file, PARSE_FILE, NULL));
}

static Value points(Plot *p, const char *name, const char *item) {
  Value v;
  const Known *k = turn_value(p->t, name);
  if (!k || !known_array(k, &v) || v.rank != 1)
    fail_at(p->t->c, (Span){0}, "a curve is one number for each place", "'%s' cannot be drawn",
            item);
  return value_to_real(p->t->c, &v);
}

/* ---- gnuplot ---- */

static void put_quoted(Buf *b, const char *text) {
  buf_puts(b, "'");
  for (; *text; text++) {
    if (*text == '\'') buf_puts(b, "'");
    buf_add(b, text, 1);
  }
  buf_puts(b, "'");
}

static const char *terminal_for(Ctx *c, const char *path) {
  static const char *const known[][2] = {
      {".svg", "svg size 800,500"},
      {".png", "png size 800,500"},
      {".pdf", "pdf"},
      {".txt", "dumb 79,24"},
  };
  const char *dot = strrchr(path, '.');
  for (size_t k = 0; dot && k < sizeof known / sizeof *known; k++)
    if (!strcmp(dot, known[k][0])) return known[k][1];
  fail_at(c, (Span){0}, NULL, "'%s' must end in .svg, .png, .pdf or .txt", path);
}

static bool has_display(const Session *s) {
  const char *x = getenv("DISPLAY"), *w = getenv("WAYLAND_DISPLAY");
  return s->out.terminal && ((x && *x) || (w && *w));
}

static void put_terminal(Plot *p, Buf *b) {
  if (*p->output) {
    buf_printf(b, "set terminal %s\nset output ", terminal_for(p->t->c, p->output));
    put_quoted(b, p->output);
    buf_puts(b, "\n");
  } else if (has_display(p->t->s)) {
    buf_puts(b, "set terminal dumb 79,24\n"
                "if (strstrt(GPVAL_TERMINALS, ' x11 ')) set terminal x11 persist\n"
                "if (strstrt(GPVAL_TERMINALS, ' qt ')) set terminal qt persist\n");
  } else {
    buf_puts(b, "set terminal dumb 79,24\n");
  }
}

static void put_points(Buf *b, uint32_t k, const Value *x, const Value *y) {
  const double *xs = x->data, *ys = y->data;
  buf_printf(b, "$data%u << end_of_data\n", k);
  for (int64_t i = 0; i < x->dim[0]; i++)
    if (isfinite(ys[i])) buf_printf(b, "%.17g %.17g\n", xs[i], ys[i]);
    else buf_puts(b, "\n"); /* a gap in the line */
  buf_puts(b, "end_of_data\n");
}

static void put_script(Plot *p, Buf *b) {
  put_terminal(p, b);
  Value x = points(p, "plot_x", p->variable);
  for (uint32_t k = 0; k < p->item.n; k++) {
    Value y = points(p, str_printf(p->t->c, "plot_%u", k), p->item.at[k]);
    put_points(b, k, &x, &y);
  }
  buf_puts(b, "set grid\nset xlabel ");
  put_quoted(b, p->variable);
  buf_puts(b, "\nplot ");
  for (uint32_t k = 0; k < p->item.n; k++) {
    buf_printf(b, "%s$data%u using 1:2 with lines title ", k ? ", " : "", k);
    put_quoted(b, p->item.at[k]);
    buf_puts(b, " noenhanced");
  }
  buf_puts(b, "\n");
}

static void close_file(void *f) { fclose(f); }

static FILE *temporary(Ctx *c) {
  FILE *f = tmpfile();
  if (!f) fail_at(c, (Span){0}, NULL, "cannot make a temporary file: %s", strerror(errno));
  ctx_defer(c, close_file, f);
  return f;
}

/* Starts gnuplot on the script; its exit status, or -1 with errno. */
static int run_gnuplot(FILE *script, FILE *out) {
  posix_spawn_file_actions_t files;
  char *const argv[] = {"gnuplot", NULL};
  pid_t child;
  int status = 0;
  if (posix_spawn_file_actions_init(&files) != 0) return -1;
  posix_spawn_file_actions_adddup2(&files, fileno(script), 0);
  posix_spawn_file_actions_adddup2(&files, fileno(out), 1);
  posix_spawn_file_actions_adddup2(&files, fileno(out), 2);
  errno = posix_spawnp(&child, "gnuplot", &files, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  if (errno) return -1;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* What it drew in characters, but for the form feed before it. */
static const char *read_back(Ctx *c, FILE *out) {
  Buf b;
  char block[4096];
  buf_init(&b, c);
  rewind(out);
  for (size_t n; (n = fread(block, 1, sizeof block, out)) > 0;) buf_add(&b, block, n);
  const char *text = buf_text(&b);
  return text + strspn(text, "\f\n");
}

void command_plot(Turn *t, const char *arg) {
  Ctx *c = t->c;
  Plot p = {.t = t};
  Buf b;
  read_request(&p, arg);
  compute(&p);
  buf_init(&b, c);
  put_script(&p, &b);
  FILE *script = temporary(c), *out = temporary(c);
  fwrite(b.at, 1, b.n, script);
  rewind(script);
  int status = run_gnuplot(script, out);
  if (status == 127 || (status < 0 && errno == ENOENT))
    fail_at(c, (Span){0}, "Debian: apt-get install gnuplot-nox (gnuplot-qt for windows)",
            "gnuplot is not installed");
  if (status < 0) fail_at(c, (Span){0}, NULL, "gnuplot cannot be started: %s", strerror(errno));
  const char *text = read_back(c, out);
  if (status) fail_at(c, (Span){0}, NULL, "gnuplot failed:\n%s", text);
  turn_write(t, text);
}
