/* memory.c - slots and arrays.
 *
 * MPFR's digits are laid by hand: those of a slot in the arena, those of an array behind
 * its elements.  So nothing but arrays needs to be released, and they all are when the
 * machine goes. */
#include "interpret/private.h"

#include <string.h>

/* ---- the machine --------------------------------------------------------------- */

static void machine_release(void *self) {
  Machine *m = self;
  while (m->arrays) {
    m->arrays->refs = 1;
    array_drop(m, m->arrays);
  }
  if (m->bits) mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
}

/* Gives a real its precision; `digits` holds m->limbs bytes. */
static void real_init(const Machine *m, Num *x, void *digits) {
  mpfr_custom_init(digits, m->bits);
  mpfr_custom_init_set(x->m, MPFR_ZERO_KIND, 0, m->bits, digits);
}

void real_new(Machine *m, Num *x) {
  if (m->bits) real_init(m, x, arena_alloc(m->c, m->limbs));
}

Machine *machine_new(Prog *p, unsigned bits) {
  Machine *m = NEW(p->ctx, Machine);
  m->c = p->ctx;
  m->p = p;
  m->bits = (mpfr_prec_t)bits;
  m->limbs = bits ? mpfr_custom_get_size(m->bits) : 0;
  m->kind = bits ? &kind_mpfr : m->c->opt.real_float ? &kind_float : &kind_double;
  m->slot = NEWN(m->c, Slot, p->nnodes);
  real_new(m, &m->sum);
  ctx_defer(m->c, machine_release, m);
  return m;
}

/* ---- slots --------------------------------------------------------------------- */

void slot_set_array(Machine *m, Slot *s, Array *a) {
  Array *old = s->array;
  s->array = a;
  if (old) array_drop(m, old);
}

Num *slot_num(Machine *m, Slot *s, bool real) {
  slot_set_array(m, s, NULL);
  if (real && m->bits && !s->real_ready) {
    real_new(m, &s->num);
    s->real_ready = true;
  }
  return &s->num;
}

void slot_copy(Machine *m, Slot *to, const Slot *from, const Type *t) {
  if (to == from) return;
  if (from->array) {
    from->array->refs++;
    slot_set_array(m, to, from->array);
    return;
  }
  Num *x = slot_num(m, to, t->elem == ELEM_REAL);
  nums_copy(m, t->elem, x, &from->num, 1);
}

Num *slot_elements(Slot *s, uint64_t *n) {
  *n = s->array ? s->array->n : 1;
  return s->array ? s->array->at : &s->num;
}

void nums_copy(Machine *m, Elem e, Num *to, const Num *from, uint64_t n) {
  if (e != ELEM_REAL || !m->bits) {
    if (n) memmove(to, from, n * sizeof *to);
    return;
  }
  for (uint64_t k = 0; k < n; k++) m->kind->set(&to[k], &from[k]);
}

/* ---- arrays -------------------------------------------------------------------- */

_Noreturn static void too_large(Machine *m) {
  diag(m->c, SEV_ERROR, m->p->pos, "an array is too large to be interpreted");
  diag_raise(m->c, GC_LIMIT);
}

/* The bytes of an array of these sizes; *n is the number of its elements. */
static size_t array_bytes(Machine *m, uint32_t rank, const int64_t *dim, size_t limbs,
                          uint64_t *n) {
  size_t bytes;
  *n = 1;
  for (uint32_t k = 0; k < rank; k++)
    if (__builtin_mul_overflow(*n, (uint64_t)dim[k], n)) too_large(m);
  if (__builtin_mul_overflow(*n, sizeof(Num) + limbs, &bytes) ||
      __builtin_add_overflow(bytes, sizeof(Array), &bytes))
    too_large(m);
  uint64_t limit = m->c->limits.memory;
  if (limit && (bytes > limit || m->bytes > limit - bytes)) too_large(m);
  return bytes;
}

Array *array_new(Machine *m, Elem e, uint32_t rank, const int64_t *dim) {
  uint64_t n;
  size_t limbs = e == ELEM_REAL ? m->limbs : 0;
  size_t bytes = array_bytes(m, rank, dim, limbs, &n);
  Array *a = m->c->alloc(m->c->alloc_user, NULL, 0, bytes);
  if (!a) {
    diag(m->c, SEV_ERROR, m->p->pos, "out of memory");
    diag_raise(m->c, GC_NOMEM);
  }
  memset(a, 0, bytes);
  *a = (Array){.next = m->arrays, .bytes = bytes, .refs = 1, .elem = e, .rank = rank, .n = n};
  if (rank) memcpy(a->dim, dim, rank * sizeof *dim);
  a->at = (Num *)(a + 1);
  char *digits = (char *)(a->at + n);
  for (uint64_t k = 0; limbs && k < n; k++) real_init(m, &a->at[k], digits + k * limbs);
  if (m->arrays) m->arrays->prev = a;
  m->arrays = a;
  m->bytes += bytes;
  return a;
}

Array *array_copy(Machine *m, const Array *a) {
  Array *copy = array_new(m, a->elem, a->rank, a->dim);
  nums_copy(m, a->elem, copy->at, a->at, a->n);
  return copy;
}

void array_drop(Machine *m, Array *a) {
  if (--a->refs) return;
  if (a->prev) a->prev->next = a->next;
  else m->arrays = a->next;
  if (a->next) a->next->prev = a->prev;
  m->bytes -= a->bytes;
  m->c->alloc(m->c->alloc_user, a, a->bytes, 0);
}
