/* arena.c - memory that lives as long as its context.
 *
 * Chunks come from the host's allocator and grow with the program, so that the
 * number of host calls stays small; nothing goes back to the host before
 * ctx_free(), but for large blocks that are released.  Released blocks of middling
 * size are kept for the next block of that size.
 * After a failure some room is opened beyond the limit (or from a chunk held
 * back), so that the message about it can still be rendered. */
#include "base/private.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

/* Under AddressSanitizer every block is followed by bytes nobody may touch. */
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define HIDE(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define SHOW(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
enum { GUARD = 16 };
#else
#define HIDE(p, n) ((void)(p), (void)(n))
#define SHOW(p, n) ((void)(p), (void)(n))
enum { GUARD = 0 };
#endif

enum {
  ALIGN = alignof(max_align_t),
  FIRST_CHUNK = 16 << 10,
  LARGEST_CHUNK = 4 << 20,
  OWN_CHUNK = 1 << 20,     /* larger blocks get a chunk to themselves */
  RESERVE = 32 << 10,
  SMALLEST_SPARE = 1 << 10, /* smaller blocks are not kept for reuse */
  SPARES = 32,              /* sizes that are kept */
};

typedef struct Chunk {
  struct Chunk *next, *prev;
  size_t size, used; /* of the bytes below */
  alignas(max_align_t) unsigned char bytes[];
} Chunk;

/* Released blocks of one size, each with a pointer to the next in its first bytes. */
typedef struct Spare {
  size_t room;
  void *first;
} Spare;

struct Arena {
  Chunk *chunks;  /* the first one is being filled */
  Spare spare[SPARES];
  Chunk *reserve; /* used once the host has no memory left */
  size_t given;
  size_t next_chunk;
  size_t grace;   /* the limit does not hold below this many bytes given */
  bool failed;
  char message[80];
};

static Chunk *chunk_new(AllocFn alloc, void *user, size_t size) {
  if (size > SIZE_MAX - sizeof(Chunk)) return NULL;
  Chunk *k = alloc(user, NULL, 0, sizeof(Chunk) + size);
  if (!k) return NULL;
  *k = (Chunk){.size = size};
  HIDE(k->bytes, size);
  return k;
}

static void chunk_free(Chunk *k, AllocFn alloc, void *user) {
  if (!k) return;
  SHOW(k->bytes, k->size);
  alloc(user, k, sizeof(Chunk) + k->size, 0);
}

Arena *arena_new(AllocFn alloc, void *user) {
  Arena *a = alloc(user, NULL, 0, sizeof *a);
  if (!a) return NULL;
  *a = (Arena){.next_chunk = 2 * FIRST_CHUNK};
  a->chunks = chunk_new(alloc, user, FIRST_CHUNK);
  a->reserve = chunk_new(alloc, user, RESERVE);
  if (a->chunks && a->reserve) return a;
  arena_free(a, alloc, user);
  return NULL;
}

void arena_free(Arena *a, AllocFn alloc, void *user) {
  while (a->chunks) {
    Chunk *next = a->chunks->next;
    chunk_free(a->chunks, alloc, user);
    a->chunks = next;
  }
  chunk_free(a->reserve, alloc, user);
  alloc(user, a, sizeof *a, 0);
}

/* A chunk with room for `size` bytes, linked in; NULL when the host has none. */
static Chunk *add_chunk(Ctx *c, size_t size) {
  Arena *a = c->arena;
  bool own = size > OWN_CHUNK;
  Chunk *k = chunk_new(c->alloc, c->alloc_user,
                       own || size > a->next_chunk ? size : a->next_chunk);
  if (!k && a->failed && a->reserve && size <= RESERVE) {
    k = a->reserve;
    a->reserve = NULL;
    own = false;
  }
  if (!k) return NULL;
  if (own) { /* behind the chunk being filled, which still has room */
    k->prev = a->chunks;
    k->next = a->chunks->next;
    if (k->next) k->next->prev = k;
    a->chunks->next = k;
    return k;
  }
  k->next = a->chunks;
  k->next->prev = k;
  a->chunks = k;
  if (a->next_chunk < LARGEST_CHUNK) a->next_chunk *= 2;
  return k;
}

static bool over_limit(const Ctx *c, size_t more) {
  const Arena *a = c->arena;
  if (!c->limits.memory || a->given + more <= a->grace) return false;
  return a->given > c->limits.memory || more > c->limits.memory - a->given;
}

static size_t room_of(size_t size) {
  return (size + !size + ALIGN - 1) / ALIGN * ALIGN + GUARD;
}

/* A released block of this size, or NULL. */
static void *take_spare(Arena *a, size_t room) {
  for (int i = 0; room >= SMALLEST_SPARE && i < SPARES && a->spare[i].room; i++) {
    if (a->spare[i].room != room || !a->spare[i].first) continue;
    void *p = a->spare[i].first;
    SHOW(p, sizeof(void *));
    memcpy(&a->spare[i].first, p, sizeof(void *));
    return p;
  }
  return NULL;
}

static void keep_spare(Arena *a, void *block, size_t room) {
  int i = 0;
  while (i < SPARES && a->spare[i].room && a->spare[i].room != room) i++;
  if (i == SPARES) return; /* lost until the end */
  a->spare[i].room = room;
  memcpy(block, &a->spare[i].first, sizeof(void *));
  a->spare[i].first = block;
  a->given -= room;
  HIDE(block, room);
}

/* The chunk goes back to the host with the one block in it. */
static void drop_chunk(Ctx *c, Chunk *k) {
  k->prev->next = k->next;
  if (k->next) k->next->prev = k->prev;
  c->arena->given -= k->used;
  chunk_free(k, c->alloc, c->alloc_user);
}

void arena_release(Ctx *c, void *block, size_t size) {
  size_t room = room_of(size);
  if (!block) return;
  if (room > OWN_CHUNK) drop_chunk(c, (Chunk *)((char *)block - offsetof(Chunk, bytes)));
  else if (room >= SMALLEST_SPARE) keep_spare(c->arena, block, room);
  else HIDE(block, room); /* nobody may look at it, though it is not used again */
}

void *arena_take(Ctx *c, size_t size, Status *why) {
  *why = GC_NOMEM;
  if (size > PTRDIFF_MAX - 2 * ALIGN) return NULL;
  size_t room = room_of(size);
  if (over_limit(c, room)) {
    *why = GC_LIMIT;
    return NULL;
  }
  void *spare = take_spare(c->arena, room);
  if (spare) {
    c->arena->given += room;
    SHOW(spare, size);
    return memset(spare, 0, size);
  }
  Chunk *k = c->arena->chunks;
  if (room > OWN_CHUNK || room > k->size - k->used) k = add_chunk(c, room);
  if (!k) return NULL;
  void *p = k->bytes + k->used;
  k->used += room;
  c->arena->given += room;
  SHOW(p, size);
  return memset(p, 0, size);
}

_Noreturn void arena_raise(Ctx *c, Status why) {
  Arena *a = c->arena;
  a->failed = true;
  a->grace = a->given + RESERVE;
  snprintf(a->message, sizeof a->message,
           why == GC_LIMIT ? "this needs more than the limit of %llu bytes of memory"
                           : "out of memory after %llu bytes",
           (unsigned long long)(why == GC_LIMIT ? c->limits.memory : a->given));
  diag_static(c, a->message);
  diag_raise(c, why);
}

void *arena_alloc(Ctx *c, size_t size) {
  Status why;
  void *p = arena_take(c, size, &why);
  if (!p) arena_raise(c, why);
  return p;
}

/* Widens the newest block of the chunk being filled where it stands. */
static bool grow_in_place(Ctx *c, void *old, size_t old_size, size_t new_size) {
  Chunk *k = c->arena->chunks;
  size_t had = (old_size + !old_size + ALIGN - 1) / ALIGN * ALIGN;
  if (GUARD || (unsigned char *)old + had != k->bytes + k->used) return false;
  if (new_size > OWN_CHUNK) return false; /* it gets a chunk to itself, see arena_release */
  size_t needs = (new_size + ALIGN - 1) / ALIGN * ALIGN;
  if (needs - had > k->size - k->used || over_limit(c, needs - had)) return false;
  memset((char *)old + old_size, 0, new_size - old_size);
  k->used += needs - had;
  c->arena->given += needs - had;
  return true;
}

void *arena_grow(Ctx *c, void *old, size_t old_size, size_t new_size) {
  if (old && new_size > old_size && grow_in_place(c, old, old_size, new_size)) return old;
  void *p = arena_alloc(c, new_size);
  size_t keep = old_size < new_size ? old_size : new_size;
  if (old && keep) memcpy(p, old, keep);
  return p;
}

void *arena_move(Ctx *c, void *old, size_t old_size, size_t new_size) {
  void *p = arena_grow(c, old, old_size, new_size);
  if (p != old) arena_release(c, old, old_size);
  return p;
}

size_t arena_used(const Ctx *c) {
  return c->arena->given;
}
