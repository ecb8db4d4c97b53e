/* pool.c - memory from the host's allocator in a few blocks that go together. */
#include <stdalign.h>
#include <string.h>

#include "api/private.h"

typedef struct PoolBlock {
  struct PoolBlock *next;
  size_t size, used;
  alignas(max_align_t) unsigned char bytes[];
} PoolBlock;

enum { ALIGN = alignof(max_align_t), BLOCK = 1000 };

void *pool_take(Pool *p, size_t size) {
  if (size > PTRDIFF_MAX / 2) return NULL;
  size = (size + ALIGN - 1) / ALIGN * ALIGN;
  PoolBlock *b = p->blocks;
  if (!b || size > b->size - b->used) {
    size_t room = size > BLOCK ? size : BLOCK;
    b = p->alloc(p->user, NULL, 0, sizeof *b + room);
    if (!b) return NULL;
    *b = (PoolBlock){.next = p->blocks, .size = room};
    p->blocks = b;
  }
  void *at = b->bytes + b->used;
  b->used += size;
  return memset(at, 0, size);
}

/* The pool itself may lie in its blocks. */
void pool_free(Pool *p) {
  PoolBlock *b = p->blocks;
  AllocFn alloc = p->alloc;
  void *user = p->user;
  p->blocks = NULL;
  while (b) {
    PoolBlock *next = b->next;
    alloc(user, b, sizeof *b + b->size, 0);
    b = next;
  }
}

void *pool_need(Ctx *c, Pool *p, size_t size) {
  void *at = pool_take(p, size);
  if (!at) diag_raise(c, GC_NOMEM);
  return at;
}

const char *pool_text(Ctx *c, Pool *p, const char *s, size_t n) {
  char *to = pool_need(c, p, n + 1);
  if (n) memcpy(to, s, n);
  return to;
}
