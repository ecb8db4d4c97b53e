/* each.h - the kernels of each.c for one kind of real: `real` is its name, EACH(name) that of a
 * kernel.  Included once for each. */
#define ONE_ARRAY(name, type) void EACH(name)(int64_t n, type *to, const real *xs);
#define TWO_ARRAYS(name, type)                                                                   \
  void EACH(name)(int64_t n, type *to, const real *xs, int64_t dx, const real *ys, int64_t dy);
#define THREE_ARRAYS(name)                                                                       \
  void EACH(name)(int64_t n, real *to, const real *xs, int64_t dx, const real *ys, int64_t dy,   \
                  const real *zs, int64_t dz);
#define EACH1(id, name, value) ONE_ARRAY(name, real)
#define TEST1(id, name, value) ONE_ARRAY(name, int64_t)
#define PLAIN1(name, value) ONE_ARRAY(name, real)
#define FAST(id, name, most, mostf) ONE_ARRAY(fast_##name, real)
#define EACH2(id, name, value) TWO_ARRAYS(name, real)
#define TEST2(id, name, value) TWO_ARRAYS(name, int64_t)
#define PLAIN2(name, value) TWO_ARRAYS(name, real)
#define EACH3(id, name, value) THREE_ARRAYS(name)
#define FUSED(name, value) THREE_ARRAYS(name)
#define INTO(name, next)                                                                         \
  void EACH(name)(int64_t n, real *total, const real *xs);                                       \
  void EACH(lanes_##name)(int64_t n, real *total, const real *xs);
#define INTO2(name, next)                                                                        \
  void EACH(name)(int64_t n, real *total, const real *xs, const real *ys);                       \
  void EACH(lanes_##name)(int64_t n, real *total, const real *xs, const real *ys);
#include "ir/each.def"
#include "ir/fast_math.def"
#undef ONE_ARRAY
#undef TWO_ARRAYS
#undef THREE_ARRAYS
#undef EACH1
#undef TEST1
#undef PLAIN1
#undef PLAIN2
#undef FAST
#undef EACH2
#undef TEST2
#undef EACH3
#undef FUSED
#undef INTO
#undef INTO2

/* Elements at any distance, 0 too; x where a bool holds, else y; the numbers first, first + step,
 * …; ints; a function's values. */
void EACH(copy)(int64_t n, real *to, const real *xs, int64_t dx);
void EACH(select)(int64_t n, real *to, const int64_t *is, const real *xs, int64_t dx,
                  const real *ys, int64_t dy);
void EACH(count)(int64_t n, real *to, int64_t first, int64_t step);
void EACH(real)(int64_t n, real *to, const int64_t *xs, int64_t dx);
void EACH(call1)(int64_t n, real *to, real (*f)(real), const real *xs);
void EACH(call2)(int64_t n, real *to, real (*f)(real, real), const real *xs, int64_t dx,
                 const real *ys, int64_t dy);
void EACH(call3)(int64_t n, real *to, real (*f)(real, real, real), const real *xs, int64_t dx,
                 const real *ys, int64_t dy, const real *zs, int64_t dz);
