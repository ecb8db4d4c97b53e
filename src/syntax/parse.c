/* parse.c - reads one source: the driver of scanner, filter and grammar.
 *
 * Requires: a source of the context.  Gives: its tree, or raises, or for an
 * entry of a session says that the text ends too early. */
#include <limits.h>
#include <string.h>

#include "syntax/reader.h"
/* after it, for syntax_parse */
#include "grammar/parser.h"

Ast *parse(Ctx *c, uint32_t file, ParseStart start, bool *incomplete) {
  const Source *source = source_get(c, file);
  if (incomplete) *incomplete = false;
  if (source->size > INT_MAX / 2)
    fail_at(c, (Span){0}, NULL, "%s is longer than a gigabyte", source->name);
  Reader *r = NEW(c, Reader);
  r->ctx = c;
  r->file = file;
  r->text = source->text;
  r->start = start;
  r->may_go_on = start == PARSE_ENTRY && incomplete;
  if (source->size >= 3 && !memcmp(source->text, "\xEF\xBB\xBF", 3)) r->offset = 3;
  literal_check_bytes(r, source->text, source->size);
  VEC_PUSH(c, &r->frames, ((Frame){0}));
  scanner_open(r, source->size);
  int status = syntax_parse(r);
  if (status && !r->incomplete) internal_error(c, "the parser stopped without a message");
  if (incomplete) *incomplete = r->incomplete;
  return r->incomplete ? NULL : r->result;
}
