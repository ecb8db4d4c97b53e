/* whole.c - primitives of ints and bools, the same for every kind of real. */
#include "interpret/number.h"

/* Arithmetic wraps around. */
static int64_t wrap(uint64_t x) {
  return (int64_t)x;
}

static int64_t floordiv(int64_t x, int64_t y) {
  if (y == 0) return 0;
  if (y == -1) return wrap(0 - (uint64_t)x);
  int64_t q = x / y;
  return q * y != x && (x < 0) != (y < 0) ? q - 1 : q;
}

static int64_t modulo(int64_t x, int64_t y) {
  if (y == 0 || y == -1) return 0;
  return x - floordiv(x, y) * y;
}

static int64_t power(int64_t x, int64_t n) {
  uint64_t result = 1, base = (uint64_t)x;
  if (n < 0) return x == 1 ? 1 : x == -1 ? (n & 1 ? -1 : 1) : 0;
  for (uint64_t left = (uint64_t)n; left; left >>= 1, base *= base)
    if (left & 1) result *= base;
  return wrap(result);
}

static int64_t clamp(int64_t x, int64_t lo, int64_t hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

int64_t whole_prim(uint32_t prim, const Num *a) {
  int64_t x = a[0].i, y = prim_get(prim)->arity > 1 ? a[1].i : 0;
  switch (prim) {
  case P_ADD: return wrap((uint64_t)x + (uint64_t)y);
  case P_SUB: return wrap((uint64_t)x - (uint64_t)y);
  case P_MUL: return wrap((uint64_t)x * (uint64_t)y);
  case P_NEG: return wrap(0 - (uint64_t)x);
  case P_FLOORDIV: return floordiv(x, y);
  case P_MOD: return modulo(x, y);
  case P_POW: return power(x, y);
  case P_MAX: return x > y ? x : y;
  case P_MIN: return x < y ? x : y;
  case P_ABS: return x < 0 ? wrap(0 - (uint64_t)x) : x;
  case P_SIGN: return (x > 0) - (x < 0);
  case P_RELU: return x > 0 ? x : 0;
  case P_CLAMP: return clamp(x, y, a[2].i);
  case P_SELECT: return x ? y : a[2].i;
  case P_EQ: return x == y;
  case P_NE: return x != y;
  case P_LT: return x < y;
  case P_LE: return x <= y;
  case P_GT: return x > y;
  case P_GE: return x >= y;
  case P_AND: return x && y;
  case P_OR: return x || y;
  case P_NOT: return !x;
  default: return 0;
  }
}
