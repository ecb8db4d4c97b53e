/* matmul.h - products of matrices and vectors, for any strides.
 *
 * Generated C calls gc_matmul, gc_matvec and gc_vecmat, and carries these blocks (see scalar.h
 * for their form) with `real` written out; in float the names end in f.  src/jit/kernels.c
 * compiles the same text for libtcc's code.  Each element's terms are added in order, in
 * gc_matvec in lanes of 64 bytes as in any sum along memory; so the result does not depend on
 * how the work is cut up.  GC_LANES is that of src/emit/lanes.c.  Strict C99, and C++. */

/* gc_matmul_tile: c (+)= a*b for at most 4 rows, and at most 128 bytes of each row of b and c */
static inline void gc_matmul_tile(int64_t rows, int64_t width, int64_t depth, const real *a,
    int64_t a_row, int64_t a_column, const real *b, int64_t b_row, real *GC_RESTRICT c,
    int64_t c_row, int add) {
  enum { WIDTH = 128/sizeof(real) };
  const real *const a1 = rows > 1 ? a + a_row : a;
  const real *const a2 = rows > 2 ? a1 + a_row : a;
  const real *const a3 = rows > 3 ? a2 + a_row : a;
  real sum[4][WIDTH];
  for (int64_t i = 0; i < 4; i++)
    for (int64_t j = 0; j < WIDTH; j++)
      sum[i][j] = add && i < rows && j < width ? c[i*c_row + j] : 0;
  for (int64_t k = 0; k < depth; k++) {
    const real x0 = a[k*a_column], x1 = a1[k*a_column];
    const real x2 = a2[k*a_column], x3 = a3[k*a_column];
    for (int64_t j = 0; j < WIDTH; j++) {
      const real y = b[k*b_row + j];
      sum[0][j] += x0*y;
      sum[1][j] += x1*y;
      sum[2][j] += x2*y;
      sum[3][j] += x3*y;
    }
  }
  for (int64_t i = 0; i < rows && i < 4; i++)
    for (int64_t j = 0; j < width; j++) c[i*c_row + j] = sum[i][j];
}

/* gc_matmul_panel: at most 128 bytes of each row of b, in one piece, zeros behind */
static inline void gc_matmul_panel(int64_t depth, int64_t width, const real *b, int64_t b_row,
    int64_t b_column, real *GC_RESTRICT panel) {
  enum { WIDTH = 128/sizeof(real) };
  if (width < WIDTH)
    for (int64_t k = 0; k < depth*WIDTH; k++) panel[k] = 0;
  if (b_column == 1)
    for (int64_t k = 0; k < depth; k++)
      for (int64_t j = 0; j < width; j++) panel[k*WIDTH + j] = b[k*b_row + j];
  else
    for (int64_t j = 0; j < width; j++)
      for (int64_t k = 0; k < depth; k++) panel[k*WIDTH + j] = b[k*b_row + j*b_column];
}

/* gc_vecmat: c = a*b, or c += a*b, for a row a, four rows of b at a time */
static inline void gc_vecmat(int64_t n, int64_t depth, const real *a, int64_t a_column,
    const real *b, int64_t b_row, real *GC_RESTRICT c, int add) {
  const int64_t whole = depth - depth%4;
  if (!add)
    for (int64_t j = 0; j < n; j++) c[j] = 0;
  for (int64_t k = 0; k < whole; k += 4) {
    const real x0 = a[k*a_column], x1 = a[(k + 1)*a_column];
    const real x2 = a[(k + 2)*a_column], x3 = a[(k + 3)*a_column];
    const real *const b0 = b + k*b_row, *const b1 = b0 + b_row;
    const real *const b2 = b1 + b_row, *const b3 = b2 + b_row;
    for (int64_t j = 0; j < n; j++) c[j] = c[j] + x0*b0[j] + x1*b1[j] + x2*b2[j] + x3*b3[j];
  }
  for (int64_t k = whole; k < depth; k++) {
    const real x = a[k*a_column], *const y = b + k*b_row;
    for (int64_t j = 0; j < n; j++) c[j] += x*y[j];
  }
}

/* gc_matvec_rows: gc_matvec for at most 4 rows */
static inline void gc_matvec_rows(int64_t rows, int64_t depth, const real *a, int64_t a_row,
    const real *b, real *GC_RESTRICT c, int add) {
  enum { LANES = 64/sizeof(real) };
  const real *const a1 = rows > 1 ? a + a_row : a;
  const real *const a2 = rows > 2 ? a1 + a_row : a;
  const real *const a3 = rows > 3 ? a2 + a_row : a;
  const int64_t whole = depth - depth%LANES;
  real lane[4][LANES];
  for (int64_t i = 0; i < 4; i++)
    for (int64_t l = 0; l < LANES; l++) lane[i][l] = 0;
  for (int64_t k = 0; k < whole; k += LANES)
    GC_LANES for (int64_t l = 0; l < LANES; l++) {
      const real x = b[k + l];
      lane[0][l] += a[k + l]*x;
      lane[1][l] += a1[k + l]*x;
      lane[2][l] += a2[k + l]*x;
      lane[3][l] += a3[k + l]*x;
    }
  for (int64_t i = 0; i < rows && i < 4; i++) {
    real sum = 0;
    for (int64_t k = whole; k < depth; k++) sum += a[i*a_row + k]*b[k];
    for (int64_t half = LANES/2; half > 0; half /= 2)
      for (int64_t l = 0; l < half; l++) lane[i][l] += lane[i][l + half];
    sum += lane[i][0];
    c[i] = add ? c[i] + sum : sum;
  }
}

/* gc_matvec: c = a*b, or c += a*b, for a column b, four rows of a at a time */
/* needs: gc_matvec_rows */
static inline void gc_matvec(int64_t m, int64_t depth, const real *a, int64_t a_row,
    const real *b, real *GC_RESTRICT c, int add) {
  enum { LANES = 64/sizeof(real) };
  if (depth >= LANES) {
    for (int64_t i = 0; i < m; i += 4)
      gc_matvec_rows(m - i, depth, a + i*a_row, a_row, b, c + i, add);
    return;
  }
  for (int64_t i = 0; i < m; i++) {
    real sum = 0;
    for (int64_t k = 0; k < depth; k++) sum += a[i*a_row + k]*b[k];
    c[i] = add ? c[i] + sum : sum;
  }
}

/* gc_matmul_panels: gc_matmul by panels of b */
/* needs: gc_matmul_tile gc_matmul_panel */
static inline void gc_matmul_panels(int64_t m, int64_t n, int64_t depth, const real *a,
    int64_t a_row, int64_t a_column, const real *b, int64_t b_row, int64_t b_column,
    real *GC_RESTRICT c, int64_t c_row, int add) {
  enum { WIDTH = 128/sizeof(real), DEPTH = 64 };
  real panel[DEPTH*WIDTH];
  for (int64_t k = 0; k == 0 || k < depth; k += DEPTH) {
    int64_t layers = depth - k;
    if (layers > DEPTH) layers = DEPTH;
    for (int64_t j = 0; j < n; j += WIDTH) {
      int64_t width = n - j;
      if (width > WIDTH) width = WIDTH;
      gc_matmul_panel(layers, width, b + k*b_row + j*b_column, b_row, b_column, panel);
      for (int64_t i = 0; i < m; i += 4)
        gc_matmul_tile(m - i, width, layers, a + i*a_row + k*a_column, a_row, a_column, panel,
                       WIDTH, c + i*c_row + j, c_row, add || k > 0);
    }
  }
}

/* gc_matmul: c = a*b, or c += a*b, for m rows, n columns and sums of `depth` products */
/* needs: gc_matvec gc_vecmat gc_matmul_panels */
static inline void gc_matmul(int64_t m, int64_t n, int64_t depth, const real *a, int64_t a_row,
    int64_t a_column, const real *b, int64_t b_row, int64_t b_column, real *GC_RESTRICT c,
    int64_t c_row, int add) {
  if (m < 4 && a_column == 1 && b_row == 1 && depth > 1) {
    for (int64_t i = 0; i < m; i++)
      gc_matvec(n, depth, b, b_column, a + i*a_row, c + i*c_row, add);
  } else if ((m < 4 || depth < 4) && b_column == 1) {
    for (int64_t i = 0; i < m; i++)
      gc_vecmat(n, depth, a + i*a_row, a_column, b, b_row, c + i*c_row, add);
  } else {
    gc_matmul_panels(m, n, depth, a, a_row, a_column, b, b_row, b_column, c, c_row, add);
  }
}
