/* repl.c - gradc repl: the session in a terminal, or on a pipe without prompt. */
#include <errno.h>
#include <getopt.h>
#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/session.h"

/* A signal handler can reach nothing else. */
static volatile int interrupted;

static void on_interrupt(int signal) {
  (void)signal;
  interrupted = 1;
}

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
    if (n > 0 && line[n - 1] == '\n') line[--n] = '\0';
    state = session_line(s, line, (size_t)n);
  }
  free(line);
  if (state != SESSION_QUIT) session_end(s);
}

/* ---- in a terminal ---- */

typedef struct Terminal {
  Session *session;
  EditLine *el;
  History *history;
  bool more;
} Terminal;

static Terminal *terminal_of(EditLine *el) {
  void *t = NULL;
  el_get(el, EL_CLIENTDATA, &t);
  return t;
}

static char *prompt(EditLine *el) {
  static char first[] = "> ", next[] = ". ";
  return terminal_of(el)->more ? next : first;
}

/* ---- completion ---- */

enum { SHOWN_MOST = 200 };

/* The candidates: what they have in common, and the first of them to be shown. */
typedef struct Candidates {
  char *common;
  size_t n, kept;
  char *word[SHOWN_MOST];
} Candidates;

static void take_candidate(void *user, const char *word) {
  Candidates *k = user;
  for (size_t i = 0; i < k->kept; i++)
    if (!strcmp(k->word[i], word)) return;
  if (k->kept < SHOWN_MOST && (k->word[k->kept] = strdup(word))) k->kept++;
  size_t same = 0;
  while (k->common && k->common[same] && k->common[same] == word[same]) same++;
  if (k->common) k->common[same] = '\0';
  else k->common = strdup(word);
  k->n++;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show_candidates(Candidates *k) {
  size_t widest = 0, column = 0;
  qsort(k->word, k->kept, sizeof *k->word, by_name);
  for (size_t i = 0; i < k->kept; i++)
    if (strlen(k->word[i]) > widest) widest = strlen(k->word[i]);
  puts("");
  for (size_t i = 0; i < k->kept; i++) {
    printf("%-*s", (int)widest + 2, k->word[i]);
    column += widest + 2;
    if (column + widest + 2 > 78 || i + 1 == k->kept) column = 0, puts("");
  }
  fflush(stdout);
}

static unsigned char complete(EditLine *el, int key) {
  (void)key;
  const LineInfo *info = el_line(el);
  size_t at = (size_t)(info->cursor - info->buffer);
  Candidates k = {0};
  unsigned char result = CC_ERROR;
  char *line = strndup(info->buffer, (size_t)(info->lastchar - info->buffer));
  if (!line) return CC_ERROR;
  size_t start = session_complete(terminal_of(el)->session, line, at, take_candidate, &k);
  size_t typed = at - start;
  if (k.common && strlen(k.common) > typed) {
    el_insertstr(el, k.common + typed);
    result = CC_REFRESH;
  } else if (k.n > 1) {
    show_candidates(&k);
    result = CC_REDISPLAY;
  }
  for (size_t i = 0; i < k.kept; i++) free(k.word[i]);
  free(k.common);
  free(line);
  return result;
}

/* ---- history ---- */

/* Makes the folder of a path, and those around it. */
static void make_folders(char *path) {
  for (char *s = path + 1; *s; s++)
    if (*s == '/') {
      *s = '\0';
      mkdir(path, 0700);
      *s = '/';
    }
}

/* $XDG_STATE_HOME/gradc/history, or the same under ~/.local/state. */
static bool history_path(char *path, size_t room) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  int n = state && *state ? snprintf(path, room, "%s/gradc/history", state)
          : home && *home ? snprintf(path, room, "%s/.local/state/gradc/history", home)
                          : -1;
  if (n < 0 || (size_t)n >= room) return false;
  make_folders(path);
  return true;
}

/* ---- the terminal's loop ---- */

static bool open_terminal(Terminal *t) {
  HistEvent event;
  t->history = history_init();
  t->el = el_init("gradc", stdin, stdout, stderr);
  if (!t->el || !t->history) return false;
  history(t->history, &event, H_SETSIZE, 1000);
  history(t->history, &event, H_SETUNIQUE, 1);
  el_set(t->el, EL_CLIENTDATA, t);
  el_set(t->el, EL_PROMPT, prompt);
  el_set(t->el, EL_EDITOR, "emacs");
  el_set(t->el, EL_HIST, history, t->history);
  el_set(t->el, EL_ADDFN, "gradc-complete", "completes names, commands and files", complete);
  el_set(t->el, EL_BIND, "^I", "gradc-complete", NULL);
  el_set(t->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
  el_set(t->el, EL_SIGNAL, 1);
  el_source(t->el, NULL);
  return true;
}

/* Ctrl-C at the prompt gives up what has been typed. */
static void give_up_line(Terminal *t) {
  puts("^C");
  interrupted = 0;
  el_reset(t->el);
  session_abandon(t->session);
  t->more = false;
}

static bool take_line(Terminal *t, const char *line, int n) {
  HistEvent event;
  bool blank = strspn(line, " \t\r\n") == (size_t)n;
  if (!blank) history(t->history, &event, H_ENTER, line);
  char *text = strndup(line, (size_t)n);
  if (!text) return false;
  size_t size = strlen(text);
  if (size && text[size - 1] == '\n') text[--size] = '\0';
  interrupted = 0;
  SessionState state = session_line(t->session, text, size);
  interrupted = 0;
  free(text);
  fflush(stdout);
  t->more = state == SESSION_MORE;
  return state != SESSION_QUIT;
}

static void interactive(Session *s) {
  Terminal t = {.session = s};
  HistEvent event;
  char path[4096];
  bool saved = history_path(path, sizeof path);
  struct sigaction act = {.sa_handler = on_interrupt};
  sigemptyset(&act.sa_mask);
  sigaction(SIGINT, &act, NULL);
  if (!open_terminal(&t)) {
    fputs("gradc: this terminal cannot be used for editing\n", stderr);
    piped(s);
  } else {
    if (saved) history(t.history, &event, H_LOAD, path);
    puts("gradc: an expression prints its value; :help, :tour (five minutes), :quit");
    for (bool on = true; on;) {
      int n = 0;
      const char *line = el_gets(t.el, &n);
      if (line && n > 0) on = take_line(&t, line, n);
      else if (interrupted) give_up_line(&t);
      else on = false;
    }
    if (saved) history(t.history, &event, H_SAVE, path);
  }
  if (t.el) el_end(t.el);
  if (t.history) history_end(t.history);
}

static int run(int argc, char **argv) {
  static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  optind = 0;
  for (int o; (o = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
    if (o != 'h') return option_error(&repl_command, o, argv);
    command_help(&repl_command);
    return 0;
  }
  if (optind < argc)
    return usage_error(&repl_command, "a session takes no file (:load FILE does); what is '%s'?",
                       argv[optind]);
  bool terminal = isatty(0) && isatty(1);
  SessionOutput out = {.write = write_out, .message = write_message, .colour = colour_on_stderr(),
                       .terminal = terminal, .stop = terminal ? &interrupted : NULL};
  Session *s = session_new(&out);
  if (!s) {
    fputs("gradc: out of memory\n", stderr);
    return 1;
  }
  if (terminal) interactive(s);
  else piped(s);
  int status = !terminal && session_failed(s) ? 1 : 0;
  session_free(s);
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  perror("gradc: standard output");
  return 1;
}

const Command repl_command = {
  "repl", "",
  "Starts the interactive session (from a pipe: without a prompt)",
  "An expression prints its value; definitions and bindings are kept.\n"
  ":help in the session lists its commands.\n"
  "From a pipe the exit status is 1 if an entry failed.\n",
  run,
};
