/* arena.c - memory that lives as long as its context, or as its zone.
 *
 * Chunks come from the host's allocator and grow with the program, so that the
 * number of host calls stays small.  Each belongs to a zone; those of a zone that ends wait
 * for the next one, and go back to the host with ctx_free(), but for large blocks,
 * which go back when they are released.  Released blocks of middling size are kept for the
 * next block of that size in their zone.
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
  FIRST_CHUNK = 8 << 10,
  SIZES = 10,               /* of chunks: doubling */
  LARGEST_CHUNK = FIRST_CHUNK << (SIZES - 1),
  OWN_CHUNK = 1 << 20,      /* larger blocks get a chunk to themselves */
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

struct Zone {
  Chunk *chunks;  /* the first one is being filled; the last one holds the zone itself */
  Spare spare[SPARES];
  Zone *next, *prev;
  size_t given;
  size_t next_chunk;
};

struct Arena {
  Zone *zones;    /* the last one is the context's own */
  Zone *own, *at; /* blocks come from `at` */
  Chunk *idle[SIZES]; /* of zones that have ended, by size */
  Chunk *reserve; /* used once the host has no memory left */
  size_t given, peak;
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

static void chunks_free(Chunk *k, AllocFn alloc, void *user) {
  while (k) {
    Chunk *next = k->next;
    chunk_free(k, alloc, user);
    k = next;
  }
}

static size_t room_of(size_t size) {
  return (size + !size + ALIGN - 1) / ALIGN * ALIGN + GUARD;
}

/* A zone that lies at the start of its only chunk. */
static Zone *zone_in(Arena *a, Chunk *k) {
  Zone *z = (Zone *)k->bytes;
  k->used = room_of(sizeof *z);
  SHOW(z, sizeof *z);
  *z = (Zone){.chunks = k, .next_chunk = 2 * FIRST_CHUNK, .next = a->zones};
  if (z->next) z->next->prev = z;
  a->zones = z;
  return z;
}

Arena *arena_new(AllocFn alloc, void *user) {
  Arena *a = alloc(user, NULL, 0, sizeof *a);
  if (!a) return NULL;
  *a = (Arena){0};
  Chunk *first = chunk_new(alloc, user, FIRST_CHUNK);
  if (first) a->own = a->at = zone_in(a, first);
  a->reserve = chunk_new(alloc, user, RESERVE);
  if (first && a->reserve) return a;
  arena_free(a, alloc, user);
  return NULL;
}

void arena_free(Arena *a, AllocFn alloc, void *user) {
  while (a->zones) {
    Zone *next = a->zones->next;
    chunks_free(a->zones->chunks, alloc, user);
    a->zones = next;
  }
  for (int k = 0; k < SIZES; k++) chunks_free(a->idle[k], alloc, user);
  chunk_free(a->reserve, alloc, user);
  alloc(user, a, sizeof *a, 0);
}

/* The least size of chunks that has room for `size`: its number. */
static int size_class(size_t size) {
  int k = 0;
  while (((size_t)FIRST_CHUNK << k) < size) k++;
  return k;
}

/* A chunk with room for `size` bytes, which is at most OWN_CHUNK; NULL: the host has none. */
static Chunk *chunk_take(Ctx *c, size_t size) {
  Arena *a = c->arena;
  int k = size_class(size);
  Chunk *idle = a->idle[k];
  if (!idle) return chunk_new(c->alloc, c->alloc_user, (size_t)FIRST_CHUNK << k);
  a->idle[k] = idle->next;
  idle->next = idle->prev = NULL;
  idle->used = 0;
  return idle;
}

/* AddressSanitizer sees better what nobody may touch any more if the host has it. */
static void chunk_give(Ctx *c, Chunk *k) {
  Arena *a = c->arena;
  if (GUARD || k->size > LARGEST_CHUNK || ((size_t)FIRST_CHUNK << size_class(k->size)) != k->size) {
    chunk_free(k, c->alloc, c->alloc_user);
    return;
  }
  int class = size_class(k->size);
  k->next = a->idle[class];
  a->idle[class] = k;
}

/* Links a chunk in for `size` bytes; NULL when the host has none. */
static Chunk *add_chunk(Ctx *c, size_t size) {
  Arena *a = c->arena;
  Zone *z = a->at;
  bool own = size > OWN_CHUNK;
  Chunk *k = own ? chunk_new(c->alloc, c->alloc_user, size)
                 : chunk_take(c, size > z->next_chunk ? size : z->next_chunk);
  if (!k && a->failed && a->reserve && size <= RESERVE) {
    k = a->reserve;
    a->reserve = NULL;
    own = false;
  }
  if (!k) return NULL;
  if (own) { /* behind the chunk being filled, which still has room */
    k->prev = z->chunks;
    k->next = z->chunks->next;
    if (k->next) k->next->prev = k;
    z->chunks->next = k;
    return k;
  }
  k->next = z->chunks;
  k->next->prev = k;
  z->chunks = k;
  if (z->next_chunk < LARGEST_CHUNK) z->next_chunk *= 2;
  return k;
}

static bool over_limit(const Ctx *c, size_t more) {
  const Arena *a = c->arena;
  if (!c->limits.memory || a->given + more <= a->grace) return false;
  return a->given > c->limits.memory || more > c->limits.memory - a->given;
}

static void count(Arena *a, Zone *z, size_t room) {
  a->given += room;
  z->given += room;
  if (a->given > a->peak) a->peak = a->given;
}

/* A small block where the chunk being filled has room for it, as it mostly has; or NULL. */
static inline void *take_quick(const Ctx *c, Zone *z, size_t size) {
  Chunk *k = z->chunks;
  size_t room = room_of(size);
  if (size >= SMALLEST_SPARE - ALIGN - GUARD || room > k->size - k->used || over_limit(c, room))
    return NULL;
  void *p = k->bytes + k->used;
  k->used += room;
  count(c->arena, z, room);
  SHOW(p, size);
  return memset(p, 0, size);
}

static void discount(Arena *a, size_t room) {
  a->given -= room;
  a->at->given -= room; /* may pass 0 where a block is of another zone: the sum is right */
}

/* A released block of this size, or NULL. */
static void *take_spare(Zone *a, size_t room) {
  for (int i = 0; room >= SMALLEST_SPARE && i < SPARES && a->spare[i].room; i++) {
    if (a->spare[i].room != room || !a->spare[i].first) continue;
    void *p = a->spare[i].first;
    SHOW(p, sizeof(void *));
    memcpy(&a->spare[i].first, p, sizeof(void *));
    return p;
  }
  return NULL;
}

static void keep_spare(Arena *arena, void *block, size_t room) {
  Zone *a = arena->at;
  int i = 0;
  while (i < SPARES && a->spare[i].room && a->spare[i].room != room) i++;
  if (i == SPARES) return; /* lost until the end */
  a->spare[i].room = room;
  memcpy(block, &a->spare[i].first, sizeof(void *));
  a->spare[i].first = block;
  discount(arena, room);
  HIDE(block, room);
}

/* The chunk goes back to the host with the one block in it. */
static void drop_chunk(Ctx *c, Chunk *k) {
  k->prev->next = k->next;
  if (k->next) k->next->prev = k->prev;
  discount(c->arena, k->used);
  chunk_free(k, c->alloc, c->alloc_user);
}

void arena_release(Ctx *c, void *block, size_t size) {
  size_t room = room_of(size);
  if (!block) return;
  if (room > OWN_CHUNK) drop_chunk(c, (Chunk *)((char *)block - offsetof(Chunk, bytes)));
  else if (room >= SMALLEST_SPARE) keep_spare(c->arena, block, room);
  else HIDE(block, room); /* nobody may look at it, though it is not used again */
}

/* A block that holds anything, or NULL. */
static void *take(Ctx *c, size_t size, Status *why) {
  *why = GC_NOMEM;
  if (size > PTRDIFF_MAX - 2 * ALIGN) return NULL;
  size_t room = room_of(size);
  if (over_limit(c, room)) {
    *why = GC_LIMIT;
    return NULL;
  }
  void *spare = take_spare(c->arena->at, room);
  if (spare) {
    count(c->arena, c->arena->at, room);
    SHOW(spare, size);
    return spare;
  }
  Chunk *k = c->arena->at->chunks;
  if (room > OWN_CHUNK || room > k->size - k->used) k = add_chunk(c, room);
  if (!k) return NULL;
  void *p = k->bytes + k->used;
  k->used += room;
  count(c->arena, c->arena->at, room);
  SHOW(p, size);
  return p;
}

void *arena_take(Ctx *c, size_t size, Status *why) {
  void *p = take(c, size, why);
  return p ? memset(p, 0, size) : NULL;
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
  void *p = take_quick(c, c->arena->at, size);
  if (!p) p = arena_take(c, size, &why);
  if (!p) arena_raise(c, why);
  return p;
}

/* Widens the newest block of the chunk being filled where it stands. */
static bool grow_in_place(Ctx *c, void *old, size_t old_size, size_t new_size) {
  Chunk *k = c->arena->at->chunks;
  size_t had = (old_size + !old_size + ALIGN - 1) / ALIGN * ALIGN;
  if (GUARD || (unsigned char *)old + had != k->bytes + k->used) return false;
  if (new_size > OWN_CHUNK) return false; /* it gets a chunk to itself, see arena_release */
  size_t needs = (new_size + ALIGN - 1) / ALIGN * ALIGN;
  if (needs - had > k->size - k->used || over_limit(c, needs - had)) return false;
  memset((char *)old + old_size, 0, new_size - old_size);
  k->used += needs - had;
  count(c->arena, c->arena->at, needs - had);
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
  if (!old) return arena_alloc(c, new_size);
  void *p = arena_grow(c, old, old_size, new_size);
  if (p != old) arena_release(c, old, old_size);
  return p;
}

size_t arena_used(const Ctx *c) {
  return c->arena->given;
}

size_t arena_peak(const Ctx *c) {
  return c->arena->peak;
}

/* ---- zones ------------------------------------------------------------------ */

Zone *zone_new(Ctx *c) {
  Arena *a = c->arena;
  Chunk *k = chunk_take(c, FIRST_CHUNK);
  if (!k) arena_raise(c, GC_NOMEM);
  return zone_in(a, k);
}

Zone *zone_enter(Ctx *c, Zone *z) {
  Zone *before = c->arena->at;
  c->arena->at = z ? z : c->arena->own;
  return before;
}

void zone_free(Ctx *c, Zone *z) {
  Arena *a = c->arena;
  if (z->prev) z->prev->next = z->next;
  else a->zones = z->next;
  z->next->prev = z->prev; /* behind every zone is the context's own */
  a->given -= z->given;
  for (Chunk *k = z->chunks; k;) {
    Chunk *next = k->next; /* the last one takes the zone with it */
#ifdef GRADC_CHECKING
    SHOW(k->bytes, k->used);
    memset(k->bytes, 0xDB, k->used); /* who still looks at it will stumble */
#endif
    HIDE(k->bytes, k->size);
    chunk_give(c, k);
    k = next;
  }
}

void *zone_alloc(Ctx *c, Zone *z, size_t size) {
  void *quick = z ? take_quick(c, z, size) : NULL;
  if (quick) return quick;
  Zone *before = zone_enter(c, z);
  void *p = arena_alloc(c, size);
  zone_enter(c, before);
  return p;
}

void *zone_room(Ctx *c, Zone *z, size_t size) {
  Status why;
  Zone *before = zone_enter(c, z);
  void *p = take(c, size, &why);
  zone_enter(c, before);
  if (!p) arena_raise(c, why);
  return p;
}

void zone_release(Ctx *c, Zone *z, void *block, size_t size) {
  Zone *before = zone_enter(c, z);
  arena_release(c, block, size);
  zone_enter(c, before);
}

void *zone_move(Ctx *c, Zone *z, void *old, size_t old_size, size_t new_size) {
  if (!old) return zone_alloc(c, z, new_size);
  Zone *before = zone_enter(c, z);
  void *p = arena_move(c, old, old_size, new_size);
  zone_enter(c, before);
  return p;
}
