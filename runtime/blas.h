/* blas.h - gc_matmul, gc_matvec and gc_vecmat by BLAS, where they are large enough to gain.
 *
 * The blocks are as in matmul.h; `cblas_xgemm` is written cblas_dgemm, or in float cblas_sgemm.
 * BLAS adds in an order of its own, so the last bits may differ. */

/* gc_large: is a product of these sizes worth a call of BLAS, and within its ints? */
static inline int gc_large(int64_t m, int64_t n, int64_t depth) {
  const int64_t most = 2147483647;
  return m > 0 && n > 0 && depth > 0 && m <= most && n <= most && depth <= most &&
         (double)m*(double)n*(double)depth >= 32768.0;
}

/* gc_leading: what a row is to the next, as BLAS wants it; 0: it does not */
static inline int64_t gc_leading(int64_t columns, int64_t row, int64_t column) {
  return column == 1 && row >= columns && row <= 2147483647 ? row : 0;
}

/* gc_blas_matmul: gc_matmul, by BLAS where large */
/* needs: gc_large gc_leading gc_matmul */
static inline void gc_blas_matmul(int64_t m, int64_t n, int64_t depth, const real *a,
    int64_t a_row, int64_t a_column, const real *b, int64_t b_row, int64_t b_column, real *c,
    int64_t c_row, int add) {
  const int64_t a_rows = gc_leading(depth, a_row, a_column);
  const int64_t a_columns = gc_leading(m, a_column, a_row);
  const int64_t b_rows = gc_leading(n, b_row, b_column);
  const int64_t b_columns = gc_leading(depth, b_column, b_row);
  if (gc_large(m, n, depth) && (a_rows || a_columns) && (b_rows || b_columns) &&
      gc_leading(n, c_row, 1))
    cblas_xgemm(CblasRowMajor, a_rows ? CblasNoTrans : CblasTrans,
                b_rows ? CblasNoTrans : CblasTrans, (int)m, (int)n, (int)depth, 1, a,
                (int)(a_rows ? a_rows : a_columns), b, (int)(b_rows ? b_rows : b_columns),
                add ? 1 : 0, c, (int)c_row);
  else
    gc_matmul(m, n, depth, a, a_row, a_column, b, b_row, b_column, c, c_row, add);
}

/* gc_blas_matvec: gc_matvec, by BLAS where large */
/* needs: gc_large gc_leading gc_matvec */
static inline void gc_blas_matvec(int64_t m, int64_t depth, const real *a, int64_t a_row,
    const real *b, real *c, int add) {
  if (gc_large(m, 1, depth) && gc_leading(depth, a_row, 1))
    cblas_xgemv(CblasRowMajor, CblasNoTrans, (int)m, (int)depth, 1, a, (int)a_row, b, 1,
                add ? 1 : 0, c, 1);
  else
    gc_matvec(m, depth, a, a_row, b, c, add);
}

/* gc_blas_vecmat: gc_vecmat, by BLAS where large */
/* needs: gc_large gc_leading gc_vecmat */
static inline void gc_blas_vecmat(int64_t n, int64_t depth, const real *a, int64_t a_column,
    const real *b, int64_t b_row, real *c, int add) {
  if (gc_large(1, n, depth) && gc_leading(n, b_row, 1) && a_column > 0 && a_column < 65536)
    cblas_xgemv(CblasRowMajor, CblasTrans, (int)depth, (int)n, 1, b, (int)b_row, a, (int)a_column,
                add ? 1 : 0, c, 1);
  else
    gc_vecmat(n, depth, a, a_column, b, b_row, c, add);
}
