/* session.c - what `gradc repl` keeps between entries.
 *
 * The session is a list of accepted entries, as text: definitions, rules, types, bindings.
 * Each new entry is compiled after them in a context of its own, in which they say
 * nothing again; it joins the list when it went through, in place of what it redefines.
 * So an error can lose nothing, and a redefinition reaches everything that depends on it. */
#include "commands/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit/emit.h"
#include "jit/jit.h"
#include "optimize/optimize.h"

typedef struct Entry { char *text, *name; } Entry;

struct Session {
  SessionOutput out;
  Entry *entry;
  size_t n, cap;
  char *pending;          /* an item that wants more lines */
  bool failed;
};

/* One entry at work. */
typedef struct Turn {
  Session *s;
  Ctx *c;
  const char *text;
  bool at_end;            /* no more lines will come */
  bool incomplete;
  Module *m;
  Ast *entry;
} Turn;

static char *copy_text(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b);
  char *s = malloc(n + m + 1);
  if (!s) return NULL;
  memcpy(s, a, n);
  memcpy(s + n, b, m + 1);
  return s;
}

Session *session_new(const SessionOutput *out) {
  Session *s = calloc(1, sizeof *s);
  if (s) s->out = *out;
  return s;
}

void session_free(Session *s) {
  if (!s) return;
  for (size_t i = 0; i < s->n; i++) {
    free(s->entry[i].text);
    free(s->entry[i].name);
  }
  free(s->entry);
  free(s->pending);
  free(s);
}

bool session_failed(const Session *s) { return s->failed; }

static void say(Session *s, const char *text) { s->out.message(s->out.user, text, strlen(text)); }

/* ---- the list ---- */

static void drop(Session *s, size_t i) {
  free(s->entry[i].text);
  free(s->entry[i].name);
  memmove(s->entry + i, s->entry + i + 1, (s->n - i - 1) * sizeof *s->entry);
  s->n--;
}

static bool keep(Session *s, const char *text, const char *name) {
  if (s->n == s->cap) {
    size_t cap = s->cap ? 2 * s->cap : 16;
    Entry *e = realloc(s->entry, cap * sizeof *e);
    if (!e) return false;
    s->entry = e;
    s->cap = cap;
  }
  Entry e = {copy_text(text, ""), copy_text(name, "")};
  if (!e.text || !e.name) {
    free(e.text);
    free(e.name);
    return false;
  }
  s->entry[s->n++] = e;
  return true;
}

/* What an item defines, as a key: "f f" a function, "v x" a binding, "r f" a rule, …;
 * NULL for statements, which are not kept. */
static const char *key_of(Ctx *c, const Ast *item) {
  switch (item->kind) {
  case AST_FUNCTION: return str_printf(c, "f %s", item->name);
  case AST_GRADIENT: case AST_TANGENT: return str_printf(c, "r %s", item->name);
  case AST_TYPEDEF: return str_printf(c, "t %s", item->name);
  case AST_INPUT: return str_printf(c, "v %s", item->name);
  case AST_IMPORT: return str_printf(c, "i %s", item->name);
  case AST_BIND:
    return item->kid[0]->kind == AST_NAME ? str_printf(c, "v %s", item->kid[0]->name) : "v ()";
  default: return NULL;
  }
}

/* A new definition takes the place of the old one; of a function, its rule goes too. */
static void replace(Session *s, const char *key) {
  for (size_t i = s->n; i-- > 0;) {
    bool same = strcmp(s->entry[i].name, key) == 0 && strcmp(key, "v ()") != 0;
    bool rule_of = key[0] == 'f' && s->entry[i].name[0] == 'r' && !strcmp(s->entry[i].name + 1, key + 1);
    if (same || rule_of) drop(s, i);
  }
}

static void keep_items(Turn *t) {
  const Source *src = source_get(t->c, t->entry->span.file);
  for (uint32_t i = 0; i < t->entry->nkids; i++) {
    const Ast *item = t->entry->kid[i];
    const char *key = key_of(t->c, item);
    if (!key) continue;
    const char *text = str_printf(t->c, "%.*s", (int)(item->span.end - item->span.start),
                                  src->text + item->span.start);
    replace(t->s, key);
    if (!keep(t->s, text, key)) diag_raise(t->c, GC_NOMEM);
  }
}

/* ---- one entry ---- */

static bool redefined(const Turn *t, const char *key) {
  for (uint32_t i = 0; i < t->entry->nkids; i++) {
    const char *k = key_of(t->c, t->entry->kid[i]);
    if (!k) continue;
    if (!strcmp(k, key) && strcmp(key, "v ()")) return true;
    if (k[0] == 'f' && key[0] == 'r' && !strcmp(k + 1, key + 1)) return true;
  }
  return false;
}

static void load_session(Turn *t) {
  t->m = module_new(t->c);
  for (size_t i = 0; i < t->s->n; i++) {
    const Entry *e = &t->s->entry[i];
    if (redefined(t, e->name)) continue;
    uint32_t file = source_add(t->c, "session", e->text, strlen(e->text));
    module_add(t->m, parse(t->c, file, PARSE_FILE, NULL), true);
  }
  module_mute(t->m);
}

static void evaluate(Turn *t) {
  Ctx *c = t->c;
  load_session(t);
  module_add(t->m, t->entry, true);
  Prog *p = optimize(elaborate_script(t->m, NULL, 0), NULL);
  Host host = {.ctx = c, .write = t->s->out.write, .user = t->s->out.user, .session = true};
  Status s = jit_call(jit_tcc(p, true), NULL, NULL, &host);
  if (s != GC_OK) diag_raise(c, s);
  keep_items(t);
}

static void turn(void *arg) {
  Turn *t = arg;
  uint32_t file = source_add(t->c, "session", t->text, strlen(t->text));
  t->entry = parse(t->c, file, PARSE_ENTRY, t->at_end ? NULL : &t->incomplete);
  if (t->entry && t->entry->nkids) evaluate(t);
}

static void show_messages(void *arg) {
  Turn *t = arg;
  Buf b;
  buf_init(&b, t->c);
  for (uint32_t k = 0; k < diag_count(t->c); k++) diag_render(t->c, k, &b, t->s->out.colour);
  const char *text = buf_text(&b);
  if (*text) t->s->out.message(t->s->out.user, text, strlen(text));
}

/* Runs the text as one entry; true if it wants more lines. */
static bool run_entry(Session *s, const char *text, bool at_end) {
  Turn t = {.s = s, .text = text, .at_end = at_end};
  t.c = ctx_new(NULL, NULL);
  if (!t.c) {
    say(s, "out of memory\n");
    return false;
  }
  t.c->opt.allow_import = true;
  Status status = ctx_try(t.c, turn, &t);
  if (!t.incomplete) {
    if (status != GC_OK) s->failed = true;
    if (status == GC_NOMEM) say(s, "out of memory\n");
    ctx_try(t.c, show_messages, &t);
  }
  ctx_free(t.c);
  return t.incomplete;
}

/* ---- commands ---- */

static SessionState show_help(Session *s, const char *arg);
static SessionState quit(Session *s, const char *arg) {
  (void)s;
  (void)arg;
  return SESSION_QUIT;
}

static SessionState list(Session *s, const char *arg) {
  (void)arg;
  for (size_t i = 0; i < s->n; i++) {
    s->out.write(s->out.user, s->entry[i].text, strlen(s->entry[i].text));
    s->out.write(s->out.user, "\n", 1);
  }
  return SESSION_READY;
}

static SessionState forget(Session *s, const char *arg) {
  (void)arg;
  while (s->n) drop(s, s->n - 1);
  return SESSION_READY;
}

static const struct SessionCommand {
  const char *name, *help;
  SessionState (*run)(Session *s, const char *arg);
} session_commands[] = {
  {":help", "this list", show_help},
  {":list", "the definitions and bindings of the session", list},
  {":clear", "forget them", forget},
  {":quit", "leave (so does the end of input)", quit},
};

enum { COMMANDS = sizeof session_commands / sizeof *session_commands };

static SessionState show_help(Session *s, const char *arg) {
  (void)arg;
  const char *intro = "An expression prints its value; a definition or a binding is kept.\n";
  s->out.write(s->out.user, intro, strlen(intro));
  for (size_t i = 0; i < COMMANDS; i++) {
    char line[128];
    int n = snprintf(line, sizeof line, "  %-8s %s\n", session_commands[i].name, session_commands[i].help);
    s->out.write(s->out.user, line, (size_t)n);
  }
  return SESSION_READY;
}

static SessionState run_command_line(Session *s, const char *line) {
  size_t n = strcspn(line, " \t");
  for (size_t i = 0; i < COMMANDS; i++)
    if (strlen(session_commands[i].name) == n && !strncmp(session_commands[i].name, line, n))
      return session_commands[i].run(s, line + n + strspn(line + n, " \t"));
  say(s, "error: unknown command; :help lists them\n");
  s->failed = true;
  return SESSION_READY;
}

/* ---- lines ---- */

void session_abandon(Session *s) {
  free(s->pending);
  s->pending = NULL;
}

static SessionState take(Session *s, char *text, bool at_end) {
  bool more = run_entry(s, text, at_end);
  free(s->pending);
  s->pending = more ? text : NULL;
  if (!more) free(text);
  return more ? SESSION_MORE : SESSION_READY;
}

SessionState session_line(Session *s, const char *line) {
  const char *word = line + strspn(line, " \t");
  if (!s->pending && *word == ':') return run_command_line(s, word);
  char *grown = s->pending ? copy_text(s->pending, "\n") : NULL;
  char *text = copy_text(grown ? grown : "", line);
  free(grown);
  if (!text) {
    say(s, "out of memory\n");
    return SESSION_READY;
  }
  return take(s, text, false);
}

SessionState session_end(Session *s) {
  if (s->pending) {
    char *text = copy_text(s->pending, "");
    if (text) take(s, text, true);
  }
  return SESSION_QUIT;
}
