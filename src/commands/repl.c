/* repl.c - gradc repl: the session in a terminal, or on a pipe without prompt. */
#include <getopt.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/session.h"

static void write_out(void *user, const char *text, size_t n) {
  (void)user;
  fwrite(text, 1, n, stdout);
}

static void write_message(void *user, const char *text, size_t n) {
  (void)user;
  fflush(stdout);
  fwrite(text, 1, n, stderr);
}

/* ---- from a pipe ---- */

static void piped(Session *s) {
  char *line = NULL;
  size_t room = 0;
  SessionState state = SESSION_READY;
  for (ssize_t n; state != SESSION_QUIT && (n = getline(&line, &room, stdin)) >= 0;) {
    if (n > 0 && line[n - 1] == '\n') line[n - 1] = '\0';
    state = session_line(s, line);
  }
  free(line);
  if (state != SESSION_QUIT) session_end(s);
}

/* ---- in a terminal ---- */

typedef struct Terminal { bool more; } Terminal;

static char *prompt(EditLine *el) {
  static char first[] = "> ", next[] = ". ";
  void *t = NULL;
  el_get(el, EL_CLIENTDATA, &t);
  return ((Terminal *)t)->more ? next : first;
}

/* $XDG_STATE_HOME/gradc/history, or the same under ~/.local/state. */
static bool history_path(char *path, size_t room) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  char dir[2048];
  if (state && *state) snprintf(dir, sizeof dir, "%s", state);
  else if (home && *home) snprintf(dir, sizeof dir, "%s/.local/state", home);
  else return false;
  for (char *s = dir + 1; *s; s++)
    if (*s == '/') {
      *s = '\0';
      mkdir(dir, 0700);
      *s = '/';
    }
  mkdir(dir, 0700);
  size_t n = strlen(dir);
  snprintf(dir + n, sizeof dir - n, "/gradc");
  mkdir(dir, 0700);
  return (size_t)snprintf(path, room, "%s/history", dir) < room;
}

static void interactive(Session *s) {
  Terminal t = {false};
  HistEvent event;
  History *h = history_init();
  EditLine *el = el_init("gradc", stdin, stdout, stderr);
  char path[4096];
  bool saved = history_path(path, sizeof path);
  if (!el || !h) {
    piped(s);
    return;
  }
  history(h, &event, H_SETSIZE, 1000);
  if (saved) history(h, &event, H_LOAD, path);
  el_set(el, EL_CLIENTDATA, &t);
  el_set(el, EL_PROMPT, prompt);
  el_set(el, EL_EDITOR, "emacs");
  el_set(el, EL_SIGNAL, 1);
  el_set(el, EL_HIST, history, h);
  el_source(el, NULL);
  puts("gradc: an expression prints its value; :help tells more, :quit leaves.");
  int n;
  for (const char *line; (line = el_gets(el, &n)) != NULL && n > 0;) {
    history(h, &event, H_ENTER, line);
    char *text = strdup(line);
    if (!text) break;
    text[strcspn(text, "\n")] = '\0';
    SessionState state = session_line(s, text);
    free(text);
    fflush(stdout);
    if (state == SESSION_QUIT) break;
    t.more = state == SESSION_MORE;
  }
  if (saved) history(h, &event, H_SAVE, path);
  el_end(el);
  history_end(h);
}

static int run(int argc, char **argv) {
  static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  optind = 0;
  for (int o; (o = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
    if (o != 'h') return option_error(&repl_command, o, argv);
    command_help(&repl_command);
    return 0;
  }
  if (optind < argc) return usage_error(&repl_command, "a session takes no file; what is '%s'?", argv[optind]);
  SessionOutput out = {.write = write_out, .message = write_message, .colour = colour_on_stderr()};
  Session *s = session_new(&out);
  if (!s) {
    fputs("gradc: out of memory\n", stderr);
    return 1;
  }
  bool terminal = isatty(0) && isatty(1);
  if (terminal) interactive(s);
  else piped(s);
  int status = !terminal && session_failed(s) ? 1 : 0;
  session_free(s);
  return status;
}

const Command repl_command = {
  "repl", "",
  "Starts the interactive session (from a pipe: without a prompt)",
  "An expression prints its value; definitions and bindings are kept.\n"
  ":help in the session lists its commands.\n",
  run,
};
