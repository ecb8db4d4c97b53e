/* session_commands.c - the one table of commands, and those that need no file of their
 * own: help, the list of entries, files, settings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/session_private.h"

static void command_help_text(Turn *t, const char *arg);
static void command_list(Turn *t, const char *arg);
static void command_clear(Turn *t, const char *arg);
static void command_load(Turn *t, const char *arg);
static void command_save(Turn *t, const char *arg);
static void command_set(Turn *t, const char *arg);
static void command_quit(Turn *t, const char *arg);

static const SessionCommand commands[] = {
    {":help", "[NAME]", "this list; or a command, or a built-in function with an example",
     COMPLETE_HELP, command_help_text},
    {":tour", "", "the two tricks in five minutes", COMPLETE_NOTHING, command_tour},
    {":diff", "f [x,y] [N]", "the derivative as a formula (also: :diff x^2*y x); N: of order N",
     COMPLETE_NAME, command_diff},
    {":grad", "EXPRESSION [x,y]", "its gradient at the values that the session has", COMPLETE_NAME,
     command_grad},
    {":explain", "f [x,y]", "what happens to the gradient on each path", COMPLETE_NAME,
     command_explain},
    {":flow", "f [x,y] FILE.svg", "a picture of it (.svg .pdf .png .dot .html)", COMPLETE_NAME,
     command_flow},
    {":check", "f", "its derivatives against differences, controls included", COMPLETE_NAME,
     command_check},
    {":plot", "f, f' x=-3..3 [FILE]",
     "curves: in a window, in the terminal, or in a file (.svg .png .pdf .txt)", COMPLETE_NAME,
     command_plot},
    {":c", "f [x,y]", "the C of f, or of its gradient with respect to x, y", COMPLETE_NAME,
     command_c},
    {":ir", "f [x,y]", "the program of f after all passes", COMPLETE_NAME, command_ir},
    {":time", "f, or EXPRESSION", "how long it takes to compile, and to run", COMPLETE_NAME,
     command_time},
    {":list", "", "the definitions and bindings of the session", COMPLETE_NOTHING, command_list},
    {":clear", "", "forget them", COMPLETE_NOTHING, command_clear},
    {":load", "FILE.gc", "take the items of a file, as if they were typed", COMPLETE_FILE,
     command_load},
    {":save", "FILE.gc", "write the definitions and bindings to a file", COMPLETE_FILE,
     command_save},
    {":set", "[NAME VALUE]", "digits N, latex on, float on; without a name: how they are set",
     COMPLETE_SETTING, command_set},
    {":quit", "", "leave (so does the end of input)", COMPLETE_NOTHING, command_quit},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

const SessionCommand *session_command(size_t k) { return k < COMMANDS ? &commands[k] : NULL; }

const SessionCommand *session_command_find(const char *name, size_t n) {
  for (size_t k = 0; k < COMMANDS; k++)
    if (strlen(commands[k].name) == n && !strncmp(commands[k].name, name, n)) return &commands[k];
  return NULL;
}

static void complain(Turn *t, const char *line) {
  const char *names[COMMANDS], *word = intern(t->c, line, strcspn(line, " \t"));
  for (size_t k = 0; k < COMMANDS; k++) names[k] = commands[k].name;
  const char *near = nearest_word(word, names, COMMANDS);
  fail_at(t->c, (Span){0}, near ? str_printf(t->c, "did you mean %s?", near) : ":help lists them",
          "there is no command %s", word);
}

const SessionCommand session_unknown = {"", "", "", COMPLETE_NOTHING, complain};

/* ---- :help ---- */

static void help_list(Turn *t) {
  turn_write(t, "An expression prints its value; a definition or a binding is kept;\n"
                "the name of a function shows it, f' the formula of its derivative.\n\n");
  for (size_t k = 0; k < COMMANDS; k++) {
    char head[80];
    snprintf(head, sizeof head, "%s %s", commands[k].name, commands[k].synopsis);
    turn_printf(t, "  %-28s %s\n", head, commands[k].help);
  }
  turn_write(t, "\nBuilt-in functions (:help NAME tells more):\n ");
  const char *name, *doc, *example;
  size_t column = 1;
  for (uint32_t k = 0; builtin_doc(k, &name, &doc, &example); k++) {
    if (column + strlen(name) > 76) {
      turn_write(t, "\n ");
      column = 1;
    }
    turn_printf(t, " %s", name);
    column += strlen(name) + 1;
  }
  turn_write(t, "\n");
}

/* The example and what it gives. */
static void show_example(Turn *t, const char *text) {
  turn_printf(t, "> %s\n", text);
  uint32_t file = source_add(t->c, "example", text, strlen(text));
  turn_run(t, parse(t->c, file, PARSE_ENTRY, NULL));
}

/* A call of a scalar function somewhere in its domain. */
static const char *scalar_example(Ctx *c, const Prim *p) {
  const char *x = p->lo <= 0.5 && p->hi >= 0.5   ? "0.5"
                  : p->lo <= 1.5 && p->hi >= 1.5 ? "1.5"
                                                 : "2.0";
  if (p->type == PT_INT_REAL) return str_printf(c, "%s(2, %s)", p->name, x);
  if (p->type == PT_REAL_INT) return str_printf(c, "%s(%s, 2)", p->name, x);
  if (p->type == PT_SELECT) return str_printf(c, "%s(1 < 2, 3.0, 4.0)", p->name);
  if (p->type == PT_INT) x = "2";
  return str_printf(c, "%s(%s%s%s)", p->name, x,
                    p->arity > 1 ? (p->type == PT_INT ? ", 3" : ", 2.0") : "",
                    p->arity > 2 ? ", 3.0" : "");
}

static bool help_builtin(Turn *t, const char *word) {
  const char *name, *doc, *example;
  for (uint32_t k = 0; builtin_doc(k, &name, &doc, &example); k++) {
    if (strcmp(name, word) != 0) continue;
    turn_printf(t, "%s: %s\n", name, doc ? doc : "");
    int prim = prim_find(name);
    if (!example && prim >= 0) example = scalar_example(t->c, prim_get((uint32_t)prim));
    if (example) show_example(t, example);
    return true;
  }
  return false;
}

static void command_help_text(Turn *t, const char *arg) {
  const char *word = *arg == ':' ? arg : str_printf(t->c, ":%s", arg);
  const SessionCommand *command = session_command_find(word, strlen(word));
  if (!*arg) help_list(t);
  else if (help_builtin(t, arg)) return;
  else if (command)
    turn_printf(t, "%s %s\n  %s\n", command->name, command->synopsis, command->help);
  else if (entry_find(t->s, arg, 'f')) show_definition(t, arg);
  else fail_at(t->c, (Span){0}, ":help alone lists what there is", "there is no help on '%s'", arg);
}

/* ---- entries ---- */

static void command_list(Turn *t, const char *arg) {
  (void)arg;
  for (size_t k = 0; k < t->s->n; k++) {
    turn_write(t, t->s->entry[k].text);
    turn_write(t, "\n");
  }
}

static void command_clear(Turn *t, const char *arg) {
  (void)arg;
  entries_free(t->s);
}

static void command_quit(Turn *t, const char *arg) {
  (void)arg;
  t->s->quit = true;
}

/* ---- files ---- */

static void need_argument(Turn *t, const char *arg, const char *what) {
  if (!*arg) fail_at(t->c, (Span){0}, NULL, "%s", what);
}

static void command_load(Turn *t, const char *arg) {
  need_argument(t, arg, "which file? (:load FILE.gc)");
  t->file = read_source(t->c, arg);
  turn_evaluate(t, parse(t->c, t->file, PARSE_FILE, NULL));
}

static void command_save(Turn *t, const char *arg) {
  need_argument(t, arg, "to which file? (:save FILE.gc)");
  Buf b;
  buf_init(&b, t->c);
  for (size_t k = 0; k < t->s->n; k++) buf_printf(&b, "%s\n", t->s->entry[k].text);
  buf_text(&b);
  write_files(t->c, 1, &arg, (const Buf *[]){&b});
}

/* ---- :set ---- */

const char *const session_settings[] = {"digits", "latex", "float", NULL};

static void show_settings(Turn *t) {
  const Session *s = t->s;
  if (s->digits) turn_printf(t, "digits %d\n", s->digits);
  else turn_write(t, "digits default\n");
  turn_printf(t, "latex %s\nfloat %s\n", s->latex ? "on" : "off", s->real_float ? "on" : "off");
}

static void set_digits(Turn *t, const char *value) {
  char *end;
  unsigned long n = strtoul(value, &end, 10);
  if (!strcmp(value, "default")) n = 0;
  else if (!*value || *end || n < 1 || n > 17)
    fail_at(t->c, (Span){0}, NULL, "digits is a number from 1 to 17, or default, not '%s'", value);
  t->s->digits = (int)n;
}

static bool on_or_off(Turn *t, const char *name, const char *value) {
  bool on = !strcmp(value, "on");
  if (!on && strcmp(value, "off") != 0)
    fail_at(t->c, (Span){0}, NULL, "%s is on or off, not '%s'", name, value);
  return on;
}

/* Values in double precision are not those of single precision. */
static void set_float(Turn *t, bool on) {
  Session *s = t->s;
  for (size_t k = 0; on != s->real_float && k < s->n; k++) {
    known_free(s->entry[k].known);
    s->entry[k].known = NULL;
  }
  s->real_float = on;
}

static void command_set(Turn *t, const char *arg) {
  size_t n = strcspn(arg, " \t");
  const char *name = intern(t->c, arg, n), *value = arg + n + strspn(arg + n, " \t");
  if (!*name) show_settings(t);
  else if (!strcmp(name, "digits")) set_digits(t, value);
  else if (!strcmp(name, "latex")) t->s->latex = on_or_off(t, name, value);
  else if (!strcmp(name, "float")) set_float(t, on_or_off(t, name, value));
  else
    fail_at(t->c, (Span){0}, "there are digits, latex and float", "there is no setting '%s'", name);
}
