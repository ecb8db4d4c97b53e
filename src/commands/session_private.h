/* session_private.h - what the files of the session share.
 *
 * session.c           lines, one entry's way through the compiler, messages
 * session_entries.c   the list of entries: what depends on what, what a new one replaces
 * session_values.c    the values of bindings, kept so that they are not computed again
 * session_commands.c  the one table of commands, and the short ones
 * session_formula.c   commands that show a function: its derivative, C, IR, paths
 * session_plot.c      :plot, by gnuplot
 * session_tour.c      :tour
 * session_complete.c  completion */
#ifndef GRADC_SESSION_PRIVATE_H
#define GRADC_SESSION_PRIVATE_H

#include "commands/session.h"
#include "jit/jit.h"

typedef struct Known Known;

/* An item that was accepted. */
typedef struct Entry {
  char *text;
  char *key;               /* "f f" a function, "v x" a binding, "r f" a rule, … */
  char **name;             /* what it defines */
  char **use;              /* every name in it: it depends on no more than these */
  char **wrt;              /* what it differentiates with respect to */
  uint32_t nname, nuse, nwrt;
  Known *known;            /* the values of its names, or NULL */
  bool mark;               /* entries_need: to be loaded; else of walks */
  bool replayed;           /* entries_need: as text, not by its value */
} Entry;

struct Session {
  SessionOutput out;
  Entry *entry;
  size_t n, cap;
  char *pending;           /* an item that wants more lines */
  size_t npending, nparsed; /* its length, and when it was last parsed */
  long depth;              /* brackets open in it */
  bool failed, quit;
  int digits;              /* :set */
  bool latex, real_float;
  uint32_t tour;           /* its next step, 0 when it is not under way */
};

/* One line, or item of several lines, at work in a context of its own. */
typedef struct Turn {
  Session *s;
  Ctx *c;
  const char *text;
  size_t size;
  bool at_end;             /* no more lines will come */
  bool incomplete;
  const struct SessionCommand *command; /* else an entry */
  uint32_t file;           /* the source that warnings may be about */
  Module *m;
  const Ast *items;        /* what turn_module put into it */
  VEC(InputValue) inputs;  /* values for inputs among the items of turn_compile */
  VEC(struct Fresh) fresh; /* values that came out for bindings (session_values.c) */
} Turn;

/* A value that came out for a name. */
typedef struct Fresh { const char *name; Known *known; } Fresh;

/* ---- session.c ---- */

void session_say(Session *s, const char *text);              /* a message */
void turn_write(Turn *t, const char *text);                  /* a result */
void turn_printf(Turn *t, const char *fmt, ...) GC_PRINTF(2, 3);
/* Evaluates an entry: prints, and keeps what it defines. */
void turn_evaluate(Turn *t, Ast *items);
/* Items after what they need, as code and its arguments. */
typedef struct TurnCode { Jit *jit; const JitArg *in; } TurnCode;
TurnCode turn_compile(Turn *t, Ast *items);
/* Runs items without keeping them; the values of their bindings are in t->fresh. */
void turn_run(Turn *t, Ast *items);
/* A module with all entries, for questions about functions. */
Module *turn_module(Turn *t);
/* The text as an expression. */
Ast *turn_expression(Turn *t, const char *text);

/* ---- session_entries.c ---- */

void entries_free(Session *s);
/* Adds an item: it replaces what it defines anew.  False: out of memory. */
bool entries_add(Session *s, Ctx *c, const Ast *item, const char *text, const char *key);
/* What an item defines, as a key; NULL for statements, which are not kept. */
const char *entry_key(Ctx *c, const Ast *item);
/* Marks the entries that items need; those with a usable value stand for what they need. */
void entries_need(Session *s, Ctx *c, const Ast *items);
/* The entry that defines a name last, or NULL. */
Entry *entry_find(const Session *s, const char *name, char kind);

/* ---- session_values.c ---- */

void known_free(Known *k);
/* What came out for the names that turn_run's items bind is in t->fresh until it is given
 * to entries or dropped.  The host's callback: */
void turn_bound(void *turn, const TextAttr *t, const Value *leaf, uint32_t n);
/* The text of an item that stands for an entry whose value is known; the value itself is
 * added to `in` where the item is an input. */
const char *known_text(Ctx *c, const Known *k);
uint32_t known_inputs(const Known *k, const InputValue **in);
const Known *known_next(const Known *k);                     /* of the entry's other names */
bool known_all_real(const Known *k);
bool known_array(const Known *k, Value *v);                  /* false: it is several leaves */
const Known *turn_value(Turn *t, const char *name);          /* NULL: none came out */
void turn_drop_values(Turn *t);
/* Gives the values to the entries that they belong to. */
void turn_keep_values(Turn *t);

/* ---- commands ---- */

typedef enum Completion {
  COMPLETE_NOTHING, COMPLETE_NAME, COMPLETE_FILE, COMPLETE_SETTING, COMPLETE_HELP
} Completion;

/* A row of the table; `run` may raise. */
typedef struct SessionCommand {
  const char *name, *synopsis, *help;
  Completion completion;
  void (*run)(Turn *t, const char *arg);
} SessionCommand;
const SessionCommand *session_command(size_t k);             /* NULL past the last */
const SessionCommand *session_command_find(const char *name, size_t n);
extern const SessionCommand session_unknown;                 /* says so */
extern const char *const session_settings[];                 /* NULL-terminated */

void command_diff(Turn *t, const char *arg);
void command_grad(Turn *t, const char *arg);
void command_explain(Turn *t, const char *arg);
void command_flow(Turn *t, const char *arg);
void command_check(Turn *t, const char *arg);
void command_c(Turn *t, const char *arg);
void command_ir(Turn *t, const char *arg);
void command_time(Turn *t, const char *arg);
void command_plot(Turn *t, const char *arg);
void command_tour(Turn *t, const char *arg);
/* An entry that is only the name of a function, with primes or without, is shown. */
bool show_function(Turn *t);
void show_definition(Turn *t, const char *name);
/* Goes on with the tour if it is under way and the line is empty. */
bool tour_goes_on(const Session *s, const char *line, size_t n);
extern const SessionCommand tour_step;

#endif
