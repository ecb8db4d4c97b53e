/* prelude.c - functions of the library that are written in the language itself.
 *
 * runtime/prelude.gc stands here as a string.  A paragraph of it is parsed when its
 * function is first needed, and joins the module e->prelude; from then on it is a
 * function like any other. */
#include "elaborate/private.h"

static const char *const prelude =
#include "runtime/prelude.inc"
    ;

/* Does a line starting at `line` define `name`? */
static bool defines(const char *line, const char *name) {
  size_t n = strlen(name);
  return strncmp(line, name, n) == 0 && line[n] == '(';
}

/* The paragraph with the definition of `name`, from its definition on; its length in n. */
static const char *find_paragraph(Elab *e, const char *name, size_t *n) {
  for (const char *line = prelude; line; line = strchr(line, '\n')) {
    while (*line == '\n') line++;
    if (!defines(line, name)) continue;
    const char *end = strstr(line, "\n\n");
    *n = end ? (size_t)(end - line) + 1 : strlen(line);
    return line;
  }
  internal_error(e->c, "the prelude has no function '%s'", name);
}

static const Function *prelude_function(Elab *e, const char *name) {
  size_t n;
  if (!e->prelude) e->prelude = module_new(e->c);
  const Function *f = module_find(e->prelude, name);
  if (f) return f;
  const char *text = find_paragraph(e, name, &n);
  uint32_t file = source_add(e->c, str_printf(e->c, "<prelude:%s>", name), text, n);
  module_add(e->prelude, parse(e->c, file, PARSE_FILE, NULL), false);
  return module_find(e->prelude, name);
}

const Val *elab_prelude(Elab *e, const char *name, const Val *const *arg, uint32_t n, Span at) {
  const Function *f = prelude_function(e, intern_z(e->c, name));
  ElabState *st = e->st;
  if (st->in_prelude++ == 0) st->prelude_at = at;
  const Val *v = elab_apply(e, &f->value, arg, n, at);
  st->in_prelude--;
  return v;
}
