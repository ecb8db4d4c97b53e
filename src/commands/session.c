/* session.c - what `gradc repl` does with a line: collects lines until an item is complete,
 * takes it through the compiler, and tells what came out.
 *
 * The session is a list of accepted entries (session_entries.c).  Each new entry is compiled
 * after those that it needs, in a context of its own, in which they say nothing again; it
 * joins the list when it went through.  So an error can lose nothing, and a redefinition
 * reaches everything that depends on it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/session_private.h"
#include "optimize/optimize.h"

static const char entry_source[] = "session";

Session *session_new(const SessionOutput *out) {
  Session *s = calloc(1, sizeof *s);
  if (s) s->out = *out;
  return s;
}

void session_free(Session *s) {
  if (!s) return;
  entries_free(s);
  free(s->pending);
  free(s);
}

bool session_failed(const Session *s) { return s->failed; }

/* ---- what it says ---- */

void session_say(Session *s, const char *text) {
  s->out.message(s->out.user, text, strlen(text));
}

static void write_result(void *turn, const char *text, size_t n) {
  Session *s = ((Turn *)turn)->s;
  s->out.write(s->out.user, text, n);
}

void turn_write(Turn *t, const char *text) { write_result(t, text, strlen(text)); }

void turn_printf(Turn *t, const char *fmt, ...) {
  char text[1024];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  turn_write(t, text);
}

/* Of an old entry, warnings were shown when it was new. */
static bool is_old_warning(const Turn *t, const Diag *d) {
  const Source *src = d->severity == SEV_WARNING ? source_get(t->c, d->span.file) : NULL;
  return src && d->span.file != t->file && !strcmp(src->name, entry_source);
}

static void show_messages(void *arg) {
  Turn *t = arg;
  Buf b;
  bool hidden = false;
  buf_init(&b, t->c);
  for (uint32_t k = 0; k < diag_count(t->c); k++) {
    const Diag *d = diag_get(t->c, k);
    if (d->severity == SEV_ERROR || d->severity == SEV_WARNING) hidden = is_old_warning(t, d);
    if (!hidden) diag_render(t->c, k, &b, t->s->out.colour);
  }
  if (b.n) t->s->out.message(t->s->out.user, buf_text(&b), b.n);
}

/* ---- loading what an entry needs ---- */

static Ast *add_text(Turn *t, const char *text) {
  uint32_t file = source_add(t->c, entry_source, text, strlen(text));
  Ast *items = parse(t->c, file, PARSE_FILE, NULL);
  module_add(t->m, items, true);
  return items;
}

static void capture(Turn *t, const Ast *items) {
  for (uint32_t k = 0; k < items->nkids; k++)
    if (items->kid[k]->kind == AST_BIND) module_capture(t->m, items->kid[k]);
}

typedef VEC(InputValue) Inputs;

static void load_known(Turn *t, const Known *k, Inputs *in) {
  add_text(t, known_text(t->c, k));
  for (; k; k = known_next(k)) {
    const InputValue *leaf;
    uint32_t n = known_inputs(k, &leaf);
    for (uint32_t j = 0; j < n; j++) VEC_PUSH(t->c, in, leaf[j]);
  }
}

static void load_needed(Turn *t, const Ast *items, Inputs *in) {
  Session *s = t->s;
  entries_need(s, t->c, items);
  t->m = module_new(t->c);
  for (size_t k = 0; k < s->n; k++) {
    const Entry *e = &s->entry[k];
    if (!e->mark) continue;
    if (!e->replayed) {
      load_known(t, e->known, in);
    } else {
      const Ast *old = add_text(t, e->text);
      if (!e->known) capture(t, old);
    }
  }
  module_mute(t->m);
}

Module *turn_module(Turn *t) {
  Buf b;
  buf_init(&b, t->c);
  for (size_t k = 0; k < t->s->n; k++) buf_printf(&b, "%s\n", t->s->entry[k].text);
  t->m = module_new(t->c);
  t->items = add_text(t, buf_text(&b));
  t->file = t->items->span.file;
  return t->m;
}

/* ---- running ---- */

static JitArg argument(const Prog *p, Ref param, const InputValue *in) {
  if (in->rank) return (JitArg){.p = in->data};
  if (ir_type(p, param)->elem != ELEM_REAL) return (JitArg){.i = *(const int64_t *)in->data};
  if (in->elem != ELEM_REAL) return (JitArg){.r = (double)*(const int64_t *)in->data};
  return (JitArg){.r = *(const double *)in->data};
}

static JitArg *arguments(Prog *p, const Inputs *in) {
  JitArg *arg = NEWN(p->ctx, JitArg, p->sig.params.n + 1);
  for (uint32_t k = 0; k < p->sig.params.n; k++)
    for (uint32_t i = 0; i < in->n; i++)
      if (!strcmp(in->at[i].name, p->sig.params.at[k].name))
        arg[k] = argument(p, p->sig.params.at[k].ref, &in->at[i]);
  return arg;
}

TurnCode turn_compile(Turn *t, Ast *items) {
  Inputs in = {0};
  load_needed(t, items, &in);
  for (uint32_t k = 0; k < t->inputs.n; k++) VEC_PUSH(t->c, &in, t->inputs.at[k]);
  capture(t, items);
  module_add(t->m, items, true);
  Prog *p = optimize_in_place(elaborate_script(t->m, in.at, in.n), NULL);
  return (TurnCode){jit_tcc(p, true), arguments(p, &in)};
}

void turn_run(Turn *t, Ast *items) {
  Ctx *c = t->c;
  TurnCode code = turn_compile(t, items);
  Host host = {.ctx = c, .write = write_result, .user = t, .session = true,
               .digits = t->s->digits, .bound = turn_bound, .stop = t->s->out.stop};
  Status s = jit_call(code.jit, code.in, NULL, &host);
  if (host.asserts_failed) t->s->failed = true;
  if (s != GC_OK) diag_raise(c, s);
}

/* ---- keeping ---- */

/* A path in an import is relative to the file that says so. */
static const char *import_text(Ctx *c, const Source *src, const Ast *item) {
  const char *slash = strrchr(src->name, '/');
  if (item->name[0] == '/' || !slash) return str_printf(c, "import \"%s\"", item->name);
  return str_printf(c, "import \"%.*s/%s\"", (int)(slash - src->name), src->name, item->name);
}

static const char *item_text(Ctx *c, const Ast *item) {
  const Source *src = source_get(c, item->span.file);
  if (item->kind == AST_IMPORT) return import_text(c, src, item);
  uint32_t n = item->span.end - item->span.start;
  char *text = NEWN(c, char, n + 1);
  memcpy(text, src->text + item->span.start, n);
  return text;
}

void turn_evaluate(Turn *t, Ast *items) {
  turn_run(t, items);
  bool mixed = items->nkids > 1 && t->s->n;
  for (uint32_t k = 0; k < items->nkids; k++) {
    const char *key = entry_key(t->c, items->kid[k]);
    if (key && !entries_add(t->s, t->c, items->kid[k], item_text(t->c, items->kid[k]), key))
      diag_raise(t->c, GC_NOMEM);
  }
  /* Several items may replace what others of them were computed from. */
  if (mixed) turn_drop_values(t);
  else turn_keep_values(t);
}

/* ---- one turn ---- */

Ast *turn_expression(Turn *t, const char *text) {
  Ctx *c = t->c;
  t->file = source_add(c, entry_source, text, strlen(text));
  Ast *entry = parse(c, t->file, PARSE_ENTRY, NULL);
  if (entry->nkids != 1 || entry->kid[0]->kind != AST_EXPR)
    fail_at(c, (Span){t->file, 0, (uint32_t)strlen(text)}, NULL, "an expression is needed here");
  return entry->kid[0]->kid[0];
}

static void run_entry(Turn *t) {
  if (show_function(t)) return;
  t->file = source_add(t->c, entry_source, t->text, t->size);
  Ast *items = parse(t->c, t->file, PARSE_ENTRY, t->at_end ? NULL : &t->incomplete);
  if (items && items->nkids) turn_evaluate(t, items);
}

static void run_turn(void *arg) {
  Turn *t = arg;
  t->c->opt.allow_import = true;
  t->c->opt.real_float = t->s->real_float;
  t->c->opt.guarded = t->s->out.stop != NULL;
  t->c->stop = t->s->out.stop;
  if (t->command) t->command->run(t, t->text);
  else run_entry(t);
}

static void tell(Turn *t, Status status) {
  Session *s = t->s;
  if (status != GC_OK) s->failed = true;
  if (status == GC_NOMEM) session_say(s, "out of memory\n");
  if (status == GC_STOPPED) session_say(s, "interrupted\n");
  if (ctx_try(t->c, show_messages, t) != GC_OK) session_say(s, "out of memory\n");
}

/* True if it wants more lines. */
static bool take_turn(Turn *t) {
  t->c = ctx_new(NULL, NULL);
  if (!t->c) {
    session_say(t->s, "out of memory\n");
    return false;
  }
  Status status = ctx_try(t->c, run_turn, t);
  turn_drop_values(t);
  if (!t->incomplete) tell(t, status);
  ctx_free(t->c);
  return t->incomplete;
}

/* ---- lines ---- */

static void run_command_line(Session *s, const char *line) {
  size_t n = strcspn(line, " \t\r");
  const SessionCommand *command = session_command_find(line, n);
  if (!command) command = &session_unknown;
  const char *arg = command == &session_unknown ? line : line + n + strspn(line + n, " \t\r");
  size_t size = strlen(arg);
  while (size && strchr(" \t\r", arg[size - 1])) size--;
  char *text = strndup(arg, size);
  if (!text) session_say(s, "out of memory\n");
  else take_turn(&(Turn){.s = s, .command = command, .text = text, .size = size});
  free(text);
}

void session_abandon(Session *s) {
  free(s->pending);
  s->pending = NULL;
  s->npending = s->nparsed = 0;
  s->depth = 0;
}

/* Adds a line to what is pending; NULL: out of memory. */
static char *add_line(Session *s, const char *line, size_t n) {
  size_t size = s->npending + (s->pending != NULL);
  char *text = realloc(s->pending, size + n + 1);
  if (!text) return NULL;
  if (size) text[size - 1] = '\n';
  memcpy(text + size, line, n);
  text[size + n] = '\0';
  s->pending = text;
  s->npending = size + n;
  return text;
}

/* How many more brackets a line opens than it closes, texts and comments aside. */
static long opened(const char *line) {
  long depth = 0;
  bool text = false;
  for (const char *s = line; *s && (text || *s != '#'); s++) {
    if (text && *s == '\\' && s[1]) s++;
    else if (*s == '"') text = !text;
    else if (!text) depth += (strchr("([{", *s) != NULL) - (strchr(")]}", *s) != NULL);
  }
  return depth;
}

/* A long item with brackets open is not parsed anew for each of its lines: that would be
 * quadratic. */
static bool can_wait(Session *s, const char *line) {
  const size_t always = 4096;
  s->depth += opened(line);
  bool grown = s->npending < always || s->npending > s->nparsed + s->nparsed / 8;
  if (grown) s->nparsed = s->npending;
  return !grown && s->depth > 0;
}

static bool take_pending(Session *s, bool at_end) {
  bool more = take_turn(&(Turn){.s = s, .text = s->pending, .size = s->npending, .at_end = at_end});
  if (!more) session_abandon(s);
  return more;
}

SessionState session_line(Session *s, const char *line, size_t n) {
  const char *word = line + strspn(line, " \t");
  bool plain = !s->pending && strlen(line) == n;
  bool more = false;
  if (plain && tour_goes_on(s, line, n))
    take_turn(&(Turn){.s = s, .command = &tour_step, .text = ""});
  else if (plain && *word == ':') run_command_line(s, word);
  else if (add_line(s, line, n)) more = can_wait(s, line) || take_pending(s, false);
  else session_say(s, "out of memory\n");
  return s->quit ? SESSION_QUIT : more ? SESSION_MORE : SESSION_READY;
}

void session_end(Session *s) {
  if (s->pending) take_pending(s, true);
}
