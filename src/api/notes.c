/* notes.c - messages kept after the compilation that wrote them is gone. */
#include <string.h>

#include "api/private.h"

const gradc_note no_note = {GRADC_OK, "", "", "", 0, 0, ""};

void notes_clear(Notes *n) {
  pool_free(&n->pool);
  n->note = NULL;
  n->n = 0;
  n->first = no_note;
}

void notes_say(Notes *n, int code, const char *message) {
  notes_clear(n);
  n->first = no_note;
  n->first.code = code;
  n->first.message = n->first.full = message;
}

typedef struct Taking { Notes *to; Ctx *c; int status; } Taking;

static const char *keep(const Taking *t, const char *s) {
  return s ? pool_text(t->c, &t->to->pool, s, strlen(s)) : "";
}

/* Message k and the notes and help behind it; gives the number of the next one. */
static uint32_t take_one(const Taking *t, uint32_t k, gradc_note *to) {
  Ctx *c = t->c;
  const Diag *d = diag_get(c, k);
  const Source *s = source_get(c, d->span.file);
  Buf full;
  buf_init(&full, c);
  *to = no_note;
  to->code = d->severity == SEV_ERROR ? t->status ? t->status : GRADC_ERROR : GRADC_OK;
  to->message = keep(t, d->text);
  if (s) to->file = keep(t, s->name);
  source_where(c, d->span, &to->line, &to->column);
  diag_render(c, k, &full, false);
  for (k++; k < diag_count(c); k++) {
    d = diag_get(c, k);
    if (d->severity == SEV_ERROR || d->severity == SEV_WARNING) break;
    if (d->severity == SEV_HELP && !*to->help) to->help = keep(t, d->text);
    diag_render(c, k, &full, false);
  }
  to->full = keep(t, buf_text(&full));
  return k;
}

static void take_all(void *arg) {
  const Taking *t = arg;
  Notes *n = t->to;
  uint32_t count = diag_count(t->c);
  n->note = POOL_NEED(t->c, &n->pool, gradc_note, count);
  for (uint32_t k = 0; k < count;) {
    k = take_one(t, k, &n->note[n->n]);
    n->n++;
  }
}

void notes_take(Notes *n, Ctx *c, int status) {
  Taking t = {n, c, status};
  if (!diag_count(c) && !status) return;
  if (ctx_try(c, take_all, &t) != GC_OK) { /* no room for more than the code itself */
    notes_say(n, status ? status : GRADC_OK, gradc_code_text(status));
    return;
  }
  for (size_t k = 0; k < n->n && n->first.code == GRADC_OK; k++)
    if (k == 0 || n->note[k].code) n->first = n->note[k];
  if (status && !n->first.code) {
    n->first = no_note;
    n->first.code = status;
    n->first.message = n->first.full = gradc_code_text(status);
  }
}
