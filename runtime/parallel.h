/* parallel.h - gc_matmul, gc_matvec and gc_vecmat in parallel: blocks of rows or columns, whose
 * elements are the same to the bit for any number of threads.  The blocks are as in matmul.h. */

/* gc_parallel_matmul: gc_matmul in parallel */
/* needs: gc_matmul */
static inline void gc_parallel_matmul(int64_t m, int64_t n, int64_t depth, const real *a,
    int64_t a_row, int64_t a_column, const real *b, int64_t b_row, int64_t b_column, real *c,
    int64_t c_row, int add) {
  const int64_t longer = m > n ? m : n, blocks = longer < 64 ? 1 : longer/32;
#ifdef _OPENMP
#pragma omp parallel for schedule(static) if ((double)m*(double)n*(double)depth >= 65536.0)
#endif
  for (int64_t block = 0; block < blocks; block++) {
    const int64_t from = longer*block/blocks, size = longer*(block + 1)/blocks - from;
    if (m > n)
      gc_matmul(size, n, depth, a + from*a_row, a_row, a_column, b, b_row, b_column,
                c + from*c_row, c_row, add);
    else
      gc_matmul(m, size, depth, a, a_row, a_column, b + from*b_column, b_row, b_column, c + from,
                c_row, add);
  }
}

/* gc_parallel_matvec: gc_matvec in parallel */
/* needs: gc_matvec */
static inline void gc_parallel_matvec(int64_t m, int64_t depth, const real *a, int64_t a_row,
    const real *b, real *c, int add) {
#ifdef _OPENMP
#pragma omp parallel for schedule(static) if ((double)m*(double)depth >= 65536.0)
#endif
  for (int64_t i = 0; i < m; i += 32)
    gc_matvec(m - i < 32 ? m - i : 32, depth, a + i*a_row, a_row, b, c + i, add);
}

/* gc_parallel_vecmat: gc_vecmat in parallel */
/* needs: gc_vecmat */
static inline void gc_parallel_vecmat(int64_t n, int64_t depth, const real *a, int64_t a_column,
    const real *b, int64_t b_row, real *c, int add) {
#ifdef _OPENMP
#pragma omp parallel for schedule(static) if ((double)n*(double)depth >= 65536.0)
#endif
  for (int64_t j = 0; j < n; j += 64)
    gc_vecmat(n - j < 64 ? n - j : 64, depth, a, a_column, b + j, b_row, c + j, add);
}
