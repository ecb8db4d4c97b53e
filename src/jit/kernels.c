/* kernels.c - runtime/matmul.h compiled for libtcc's code, and for several processors: the
 * same text without contraction, so the same bits as everywhere else. */
#include "jit/symbols.h"

#include "jit/clones.h"

#define GC_RESTRICT restrict

#define real double
#include "../../runtime/matmul.h"
#undef real

#define real float
#define gc_matmul_tile gc_matmul_tilef
#define gc_matmul_panel gc_matmul_panelf
#define gc_matmul_panels gc_matmul_panelsf
#define gc_matvec_rows gc_matvec_rowsf
#define gc_matvec gc_matvecf
#define gc_vecmat gc_vecmatf
#define gc_matmul gc_matmulf
#include "../../runtime/matmul.h"
#undef gc_matvec
#undef gc_vecmat
#undef gc_matmul

#define KERNELS(real, f)                                                                         \
  CLONES void jit_matmul##f(int64_t m, int64_t n, int64_t depth, const real *a, int64_t a_row,  \
                            int64_t a_column, const real *b, int64_t b_row, int64_t b_column,   \
                            real *c, int64_t c_row, int add) {                                  \
    gc_matmul##f(m, n, depth, a, a_row, a_column, b, b_row, b_column, c, c_row, add);           \
  }                                                                                             \
  CLONES void jit_matvec##f(int64_t m, int64_t depth, const real *a, int64_t a_row,             \
                            const real *b, real *c, int add) {                                  \
    gc_matvec##f(m, depth, a, a_row, b, c, add);                                                \
  }                                                                                             \
  CLONES void jit_vecmat##f(int64_t n, int64_t depth, const real *a, int64_t a_column,          \
                            const real *b, int64_t b_row, real *c, int add) {                   \
    gc_vecmat##f(n, depth, a, a_column, b, b_row, c, add);                                      \
  }

KERNELS(double, )
#undef real
KERNELS(float, f)
