/* base.h - what every room stands on: one context per compilation, its arena,
 * interned strings, growable arrays, and diagnostics.
 *
 * Memory: everything a compilation makes lives in its context's arena and goes
 * with it; no pass frees.  Failure: an error that the user must see is queued
 * with diag() and raised with diag_raise(); running out of memory or over a
 * limit raises by itself.  Raising unwinds to the ctx_try() of the public entry
 * point, so no caller in between checks for it.  Code that holds something the
 * arena does not own (a FILE, a TCCState, an mpfr_t) registers it with
 * ctx_defer() before anything that can raise. */
#ifndef GRADC_BASE_H
#define GRADC_BASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define GC_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define GC_PRINTF(f, a)
#endif

typedef struct Ctx Ctx;
typedef struct Arena Arena;

/* ---- arena (arena.c) -------------------------------------------------- */

/* The host's allocator: like realloc; size 0 frees and gives NULL. */
typedef void *(*AllocFn)(void *user, void *old, size_t old_size, size_t new_size);

/* Zeroed, aligned for any type, never NULL: it raises GC_NOMEM instead. */
void *arena_alloc(Ctx *c, size_t size);
/* Grows a block to a larger size, copying; the old block stays valid memory. */
void *arena_grow(Ctx *c, void *old, size_t old_size, size_t new_size);
/* The same, and the old block is given back if the new one is not it. */
void *arena_move(Ctx *c, void *old, size_t old_size, size_t new_size);
/* Gives a block back, of the size it was asked for: later blocks may take its place.
 * For large blocks that a pass is done with; small ones are not worth the call. */
void arena_release(Ctx *c, void *block, size_t size);
/* Bytes given out and not given back so far; the most there were at any time. */
size_t arena_used(const Ctx *c);
size_t arena_peak(const Ctx *c);

/* A part of the arena that goes before its context does: a program that has been replaced, what
 * a pass made for itself.  Blocks come from the zone that was entered last; NULL is the
 * context's own.  Where something is raised, ctx_try() enters the zone of its caller again.
 * What outlives a zone is made in another: names (intern), messages and sources are
 * the context's whatever the zone. */
typedef struct Zone Zone;
Zone *zone_new(Ctx *c);
Zone *zone_enter(Ctx *c, Zone *z);    /* gives the one before */
void zone_free(Ctx *c, Zone *z);      /* and all blocks in it; it must not be the one entered */
void *zone_alloc(Ctx *c, Zone *z, size_t size);
void *zone_room(Ctx *c, Zone *z, size_t size); /* the same, but not zero */
void zone_release(Ctx *c, Zone *z, void *block, size_t size);
void *zone_move(Ctx *c, Zone *z, void *old, size_t old_size, size_t new_size);

#define NEW(c, T) ((T *)arena_alloc((c), sizeof(T)))
#define NEWN(c, T, n) ((T *)arena_alloc((c), sizeof(T) * (size_t)(n)))

/* A growable array in the arena.  VEC(int) v = {0}; VEC_PUSH(c, &v, 3);
 * v.at[i], v.n.  Pushing may move the elements: hold no pointer across it. */
#define VEC(T) struct { T *at; uint32_t n, cap; }
#define VEC_PUSH_BY(v, x, MOVE, ...)                                            \
  do {                                                                          \
    if ((v)->n == (v)->cap) {                                                   \
      uint32_t new_cap_ = (v)->cap ? 2 * (v)->cap : 4;                          \
      (v)->at = MOVE(__VA_ARGS__, (v)->at, sizeof *(v)->at * (v)->cap,          \
                     sizeof *(v)->at * new_cap_);                               \
      (v)->cap = new_cap_;                                                      \
    }                                                                           \
    (v)->at[(v)->n++] = (x);                                                    \
  } while (0)
#define VEC_PUSH(c, v, x) VEC_PUSH_BY(v, x, arena_move, c)
#define ZONE_PUSH(c, z, v, x) VEC_PUSH_BY(v, x, zone_move, c, z)  /* of a zone */

/* ---- strings (str.c) -------------------------------------------------- */

/* The one copy of these bytes in this context: equal strings are equal pointers. */
const char *intern(Ctx *c, const char *s, size_t n);
const char *intern_z(Ctx *c, const char *s);
/* Arena-allocated printf. */
const char *str_vprintf(Ctx *c, const char *fmt, va_list args);
const char *str_printf(Ctx *c, const char *fmt, ...) GC_PRINTF(2, 3);

/* As vsnprintf; formats of plain %s %c %d %u %lld %llu in a fraction of the time. */
int text_format(char *to, size_t room, const char *fmt, va_list args);

/* A text under construction, in the arena. */
typedef struct Buf {
  Ctx *c;
  char *at;
  size_t n, cap;
  bool lent;                  /* its room is not the arena's: left alone once it is too small */
} Buf;
void buf_init(Buf *b, Ctx *c);
void buf_add(Buf *b, const char *s, size_t n);
void buf_puts(Buf *b, const char *s);
void buf_printf(Buf *b, const char *fmt, ...) GC_PRINTF(2, 3);
void buf_release(Buf *b);     /* gives its room back; empty from now on */
const char *buf_text(Buf *b); /* NUL-terminated; valid until the next addition */
/* Shortest decimal text that reads back as the same double ("nan", "inf" else). */
void buf_real(Buf *b, double x);

/* ---- sources and diagnostics (diag.c) ---------------------------------- */

/* Bytes [start, end) of file number `file`; file 0 means nowhere. */
typedef struct Span { uint32_t file, start, end; } Span;

typedef struct Source {
  const char *name; /* as shown to the user */
  const char *text; /* NUL-terminated; `size` does not count the NUL */
  size_t size;
  const uint32_t *lines; /* where each line starts */
  uint32_t nlines;
} Source;

/* Adds a source; gives its file number (from 1).  Copies name and text. */
uint32_t source_add(Ctx *c, const char *name, const char *text, size_t size);
const Source *source_get(const Ctx *c, uint32_t file);
/* Line and column (from 1, column in characters) of a span's start. */
void source_where(const Ctx *c, Span s, uint32_t *line, uint32_t *column);
/* The line alone: the column takes a walk over the line. */
uint32_t source_row(const Ctx *c, Span s);
Span span_join(Span a, Span b);

typedef enum Severity { SEV_ERROR, SEV_WARNING, SEV_NOTE, SEV_HELP } Severity;

/* One message; notes and help that belong to it follow it in the list. */
typedef struct Diag {
  Severity severity;
  Span span;
  const char *text;   /* "unknown name 'stop_gradent'" */
  const char *lint;   /* name for --no-warn=NAME, or NULL */
} Diag;

/* Status codes; the public header's are the same numbers. */
typedef enum Status {
  GC_OK = 0,
  GC_ERROR = 1,   /* the program is wrong: diagnostics tell */
  GC_USAGE = 2,   /* the command line, or an argument of the API, is wrong */
  GC_FAILED = 3,  /* an assert or a check failed */
  GC_NOMEM = 4,
  GC_LIMIT = 5,   /* a limit on nodes, depth, memory or trips was reached */
  GC_STOPPED = 6, /* stopped from outside */
} Status;

void diag(Ctx *c, Severity s, Span at, const char *fmt, ...) GC_PRINTF(4, 5);
/* A warning of one of lint_names, unless --no-warn= said its name or "all". */
enum { LINTS = 14 };
extern const char *const lint_names[LINTS];
void warn(Ctx *c, const char *lint, Span at, const char *fmt, ...) GC_PRINTF(4, 5);
_Noreturn void diag_raise(Ctx *c, Status status);
/* An error with its cure (may be NULL), queued and raised. */
_Noreturn void fail_at(Ctx *c, Span at, const char *help, const char *fmt, ...) GC_PRINTF(4, 5);
/* Queues what c->explain has to add to an error at this place; once. */
void diag_explain(Ctx *c, Span at);
/* A mistake in gradc itself: reported as such with the place, and raised. */
_Noreturn void internal_error(Ctx *c, const char *fmt, ...) GC_PRINTF(2, 3);
/* Renders message k as text: "file:line:col: error: …", the line, a caret. */
void diag_render(const Ctx *c, uint32_t k, Buf *out, bool colour);
uint32_t diag_count(const Ctx *c);
const Diag *diag_get(const Ctx *c, uint32_t k);
void diag_clear(Ctx *c);
/* The nearest of n words to `word` by edit distance, or NULL if none is near. */
const char *nearest_word(const char *word, const char *const *words, size_t n);

/* ---- context (ctx.c) --------------------------------------------------- */

typedef struct Limits {
  uint64_t nodes;    /* IR nodes in one program */
  uint64_t calls;    /* calls expanded in one program */
  uint32_t depth;    /* nesting of calls and regions during elaboration */
  uint64_t memory;   /* bytes of arena */
} Limits;

typedef struct Options {
  bool real_float;   /* --real=float */
  bool ieee;         /* --ieee */
  bool fast_math;    /* --fast-math-functions: exp and its kin by runtime/fast_math.h */
  bool unchecked;    /* --unchecked */
  bool trace_in_c;   /* --trace */
  bool checkpoint;   /* --checkpoint: folds keep few states for their backward pass */
  bool allow_import; /* may `import` read files? */
  bool guarded;      /* the JIT's code counts trips, and every loop looks at the stop flag */
} Options;

typedef struct Defer { struct Defer *next; void (*fn)(void *); void *arg; } Defer;

struct Ctx {
  AllocFn alloc; void *alloc_user;
  Arena *arena;
  struct InternTable *strings;
  VEC(Source) sources;
  VEC(Diag) diags;
  Limits limits;
  Options opt;
  VEC(const char *) no_warn;
  jmp_buf *unwind;
  Defer *defers;
  const volatile int *stop; /* not 0: ctx_poll raises GC_STOPPED; or NULL */
  void (*tick)(void *user); /* what ctx_poll calls, too, or NULL; see ctx_stage */
  void *tick_user;
  const char *stage;     /* what goes on, for people who wait: "optimizing" */
  Status status;         /* of the last raise */
  bool muted;            /* the last warning was not wanted, nor are its notes */
  void (*explain)(void *user, Span at); /* adds notes to an error: how the program got there */
  void *explain_user;
};

/* NULL when out of memory; alloc NULL means malloc's. */
Ctx *ctx_new(AllocFn alloc, void *user);
void ctx_free(Ctx *c);
/* Runs fn(arg); GC_OK, or what was raised in it (deferred releases registered
 * inside have then run, latest first).  Nests. */
Status ctx_try(Ctx *c, void (*fn)(void *arg), void *arg);
/* Long work calls it every now and then. */
static inline void ctx_poll(Ctx *c) {
  if (c->stop && *c->stop) diag_raise(c, GC_STOPPED);
  if (c->tick) c->tick(c->tick_user);
}
/* Has release(arg) run when the innermost ctx_try ends, well or badly. */
void ctx_defer(Ctx *c, void (*release)(void *), void *arg);

#endif
