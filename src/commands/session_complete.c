/* session_complete.c - what could stand where the cursor is: commands, settings, files, and
 * the names of the session and of the language. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands/session_private.h"

/* A word that is being typed. */
typedef struct Partial {
  const char *word;
  size_t n;
  void (*take)(void *user, const char *word);
  void *user;
} Partial;

static void offer(const Partial *p, const char *word) {
  if (!strncmp(word, p->word, p->n)) p->take(p->user, word);
}

static void offer_commands(const Partial *p) {
  const SessionCommand *command;
  for (size_t k = 0; (command = session_command(k)) != NULL; k++) offer(p, command->name);
}

static void offer_names(const Session *s, const Partial *p) {
  static const char *const words[] = {
    "if", "then", "else", "and", "or", "not", "for", "in", "while", "with", "print", "assert",
    "fold", "scan", "loop", "at most", "true", "false", "none", "trace", "input", "type",
    "import", "custom_gradient", "custom_tangent", "real", "int", "bool", "pi", "inf", "nan",
  };
  const char *name, *doc, *example;
  for (size_t k = 0; k < s->n; k++)
    for (uint32_t j = 0; j < s->entry[k].nname; j++)
      if (s->entry[k].key[0] != 'r') offer(p, s->entry[k].name[j]);
  for (uint32_t k = 0; builtin_doc(k, &name, &doc, &example); k++) offer(p, name);
  for (size_t k = 0; k < sizeof words / sizeof *words; k++) offer(p, words[k]);
}

static void offer_file(const Partial *p, const char *folder, size_t nfolder, const char *name) {
  char path[4096];
  struct stat st;
  int n = snprintf(path, sizeof path, "%.*s%s", (int)nfolder, folder, name);
  if (n < 0 || (size_t)n + 1 >= sizeof path || (size_t)n < p->n) return;
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) strcat(path, "/");
  offer(p, path);
}

static void offer_files(const Partial *p) {
  char folder[4096] = ".";
  size_t n = p->n;
  while (n && p->word[n - 1] != '/') n--;
  if (n >= sizeof folder) return;
  if (n) snprintf(folder, sizeof folder, "%.*s", (int)n, p->word);
  DIR *dir = opendir(folder);
  if (!dir) return;
  for (struct dirent *e; (e = readdir(dir)) != NULL;)
    if (e->d_name[0] != '.' || p->word[n] == '.')
      if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
        offer_file(p, p->word, n, e->d_name);
  closedir(dir);
}

static bool in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t start_of_name(const char *line, size_t at) {
  while (at && in_name(line[at - 1])) at--;
  return at;
}

static size_t start_of_word(const char *line, size_t at) {
  while (at && !strchr(" \t", line[at - 1])) at--;
  return at;
}

/* import "…": a file; anything else: a name. */
static size_t complete_entry(const Session *s, Partial p, const char *line, size_t at) {
  size_t quote = at;
  while (quote && line[quote - 1] != '"') quote--;
  bool import = !strncmp(line, "import", 6) && quote;
  size_t start = import ? quote : start_of_name(line, at);
  p.word = line + start;
  p.n = at - start;
  if (import) offer_files(&p);
  else if (p.n) offer_names(s, &p);
  return start;
}

size_t session_complete(Session *s, const char *line, size_t at,
                        void (*take)(void *user, const char *word), void *user) {
  size_t head = strspn(line, " \t");
  size_t end = head + strcspn(line + head, " \t");
  Partial p = {.take = take, .user = user};
  if (line[head] != ':' || s->pending) return complete_entry(s, p, line, at);
  size_t start = start_of_word(line, at);
  const SessionCommand *command = at > end ? session_command_find(line + head, end - head) : NULL;
  Completion kind = command ? command->completion : COMPLETE_NOTHING;
  if (kind == COMPLETE_NAME) start = start_of_name(line, at);
  p.word = line + start;
  p.n = at - start;
  if (at <= end || (kind == COMPLETE_HELP && *p.word == ':')) offer_commands(&p);
  else if (kind == COMPLETE_NAME || kind == COMPLETE_HELP) offer_names(s, &p);
  else if (kind == COMPLETE_FILE) offer_files(&p);
  for (const char *const *w = session_settings; kind == COMPLETE_SETTING && *w; w++) offer(&p, *w);
  return start;
}
