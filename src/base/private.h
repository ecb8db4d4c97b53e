/* private.h - what the files of base/ share and nobody else includes. */
#ifndef GRADC_BASE_PRIVATE_H
#define GRADC_BASE_PRIVATE_H

#include "base/base.h"

/* An arena with its first chunk, or NULL. */
Arena *arena_new(AllocFn alloc, void *user);
void arena_free(Arena *a, AllocFn alloc, void *user);
/* As arena_alloc, but gives NULL and the reason instead of raising. */
void *arena_take(Ctx *c, size_t size, Status *why);
/* Queues the message that goes with `why` (GC_NOMEM, GC_LIMIT) and raises. */
_Noreturn void arena_raise(Ctx *c, Status why);

/* Makes room for the first message, so that one can always be queued. */
void diag_init(Ctx *c);
/* Queues an error whose text needs no memory: text must outlive the context. */
void diag_static(Ctx *c, const char *text);

/* The bytes of the line that holds byte `at`, its newline left out. */
void source_line(const Source *s, uint32_t at, uint32_t *start, uint32_t *end);

#define UTF8_BAD UINT32_MAX
/* Decodes one character of [p, end): its length, and its code or UTF8_BAD
 * (length 1).  p < end. */
unsigned utf8_decode(const char *p, const char *end, uint32_t *code);

#endif
