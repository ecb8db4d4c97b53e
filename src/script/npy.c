/* npy.c - arrays in NumPy's .npy files: versions 1 to 3 of the format, little-endian
 * reals of 8 and 4 bytes, ints of 8 to 1 bytes and bools, row by row.  Whatever else is
 * there is refused by name. */
#include "script/private.h"

#include <string.h>

typedef struct Npy {
  Ctx *c;
  const char *path;
  Bytes file;
  size_t data;          /* where the elements begin */
  const char *header;   /* a Python dict */
  char type[16];        /* "<f8" */
  Value v;
} Npy;

static const char magic[] = "\x93NUMPY";
static const char resave[] =
  "save it with np.save(path, a.astype(np.float64)), or np.int64 for ints";

_Noreturn static void broken(Npy *f, const char *what) {
  file_fail(f->c, f->path, "save the array again with np.save", "%s", what);
}

/* A little-endian number of n bytes. */
static uint64_t bytes_value(const unsigned char *at, unsigned n) {
  uint64_t x = 0;
  while (n-- > 0) x = x << 8 | at[n];
  return x;
}

/* ---- the header ---------------------------------------------------------------- */

static void find_header(Npy *f) {
  const unsigned char *at = f->file.at;
  if (f->file.n < 10 || memcmp(at, magic, 6) != 0)
    broken(f, "this is not a .npy file (a .npz archive holds several: save one array)");
  if (at[6] < 1 || at[6] > 3) broken(f, "a version of the .npy format that is not known");
  unsigned width = at[6] == 1 ? 2 : 4;
  size_t start = 8 + width;
  if (f->file.n < start) broken(f, "the file is cut off in its header");
  size_t length = (size_t)bytes_value(at + 8, width);
  if (length > f->file.n - start) broken(f, "the file is cut off in its header");
  Buf text;
  buf_init(&text, f->c);
  buf_add(&text, (const char *)at + start, length);
  f->header = buf_text(&text);
  f->data = start + length;
}

static const char *skip_blanks(const char *s) {
  while (*s == ' ' || *s == '\t' || *s == '\n') s++;
  return s;
}

/* What stands after 'key': in the header. */
static const char *header_entry(Npy *f, const char *key) {
  size_t n = strlen(key);
  for (const char *s = f->header; (s = strstr(s, key)); s += n) {
    bool quoted = s > f->header && (s[-1] == '\'' || s[-1] == '"') && s[n] == s[-1];
    const char *value = quoted ? skip_blanks(s + n + 1) : s;
    if (quoted && *value == ':') return skip_blanks(value + 1);
  }
  file_fail(f->c, f->path, "save the array again with np.save", "the header has no '%s'", key);
}

static void read_type(Npy *f) {
  const char *s = header_entry(f, "descr");
  if (*s != '\'' && *s != '"')
    file_fail(f->c, f->path, "save each field as an array of its own",
              "this is an array of records");
  size_t n = strcspn(s + 1, "'\"");
  if (n >= sizeof f->type) n = sizeof f->type - 1;
  memcpy(f->type, s + 1, n);
  if (f->type[0] == '>')
    file_fail(f->c, f->path, "save it with np.save(path, a.astype('<f8'))",
              "the elements are big-endian ('%s')", f->type);
}

static void read_size(Npy *f, const char **at) {
  uint64_t n = 0;
  const char *s = *at;
  for (; *s >= '0' && *s <= '9'; s++)
    if (n > INT64_MAX / 10 - 1) broken(f, "an axis is too long");
    else n = 10 * n + (uint64_t)(*s - '0');
  if (s == *at) broken(f, "the header has a shape that cannot be read");
  if (*s == 'L') s++; /* as Python 2 wrote them */
  if (f->v.rank == MAX_RANK)
    file_fail(f->c, f->path, "reshape it first", "more than %d axes", MAX_RANK);
  f->v.dim[f->v.rank++] = (int64_t)n;
  *at = skip_blanks(s);
}

static void read_shape(Npy *f) {
  const char *s = header_entry(f, "shape");
  if (*s != '(') broken(f, "the header has a shape that cannot be read");
  s = skip_blanks(s + 1);
  while (*s != ')') {
    read_size(f, &s);
    if (*s == ',') s = skip_blanks(s + 1);
    else if (*s != ')') broken(f, "the header has a shape that cannot be read");
  }
}

static void read_order(Npy *f) {
  const char *s = header_entry(f, "fortran_order");
  if (strncmp(s, "True", 4) == 0 && f->v.rank > 1)
    file_fail(f->c, f->path, "save it with np.save(path, np.ascontiguousarray(a))",
              "the elements stand column by column (Fortran order)");
}

/* ---- the elements -------------------------------------------------------------- */

static double from_f8(const unsigned char *at) {
  uint64_t bits = bytes_value(at, 8);
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static double from_f4(const unsigned char *at) {
  uint32_t bits = (uint32_t)bytes_value(at, 4);
  float x;
  memcpy(&x, &bits, sizeof x);
  return (double)x;
}

static int64_t from_i8(const unsigned char *at) {
  uint64_t bits = bytes_value(at, 8);
  int64_t x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Two's complement of n < 8 bytes. */
static int64_t signed_value(const unsigned char *at, unsigned n) {
  int64_t x = (int64_t)bytes_value(at, n), half = (int64_t)1 << (8 * n - 1);
  return x >= half ? x - 2 * half : x;
}

static int64_t from_i4(const unsigned char *at) { return signed_value(at, 4); }
static int64_t from_i2(const unsigned char *at) { return signed_value(at, 2); }
static int64_t from_i1(const unsigned char *at) { return signed_value(at, 1); }
static int64_t from_u1(const unsigned char *at) { return *at; }
static int64_t from_b1(const unsigned char *at) { return *at != 0; }

typedef struct Dtype {
  const char *name;
  Elem elem;
  unsigned width;
  double (*real)(const unsigned char *at);
  int64_t (*whole)(const unsigned char *at);
} Dtype;

static const Dtype dtypes[] = {
  {"f8", ELEM_REAL, 8, from_f8, NULL}, {"f4", ELEM_REAL, 4, from_f4, NULL},
  {"i8", ELEM_INT, 8, NULL, from_i8},  {"i4", ELEM_INT, 4, NULL, from_i4},
  {"i2", ELEM_INT, 2, NULL, from_i2},  {"i1", ELEM_INT, 1, NULL, from_i1},
  {"u1", ELEM_INT, 1, NULL, from_u1},  {"b1", ELEM_BOOL, 1, NULL, from_b1},
};

static const Dtype *find_dtype(Npy *f) {
  bool order = f->type[0] && strchr("<|=", f->type[0]);
  for (size_t k = 0; order && k < sizeof dtypes / sizeof *dtypes; k++)
    if (strcmp(dtypes[k].name, f->type + 1) == 0) return &dtypes[k];
  file_fail(f->c, f->path, resave, "elements of type '%s' are not read", f->type);
}

/* The number of elements, after a look whether the file has them all. */
static uint64_t checked_count(Npy *f, unsigned width) {
  uint64_t n = 1, bytes, has = f->file.n - f->data;
  for (uint32_t k = 0; k < f->v.rank; k++)
    if (f->v.dim[k] == 0) return 0;
  for (uint32_t k = 0; k < f->v.rank; k++)
    if (__builtin_mul_overflow(n, (uint64_t)f->v.dim[k], &n)) broken(f, "the shape is too large");
  if (__builtin_mul_overflow(n, (uint64_t)width, &bytes)) broken(f, "the shape is too large");
  if (bytes > has)
    file_fail(f->c, f->path, "save the array again with np.save",
              "the file is cut off: its elements take %llu bytes, and %llu are there",
              (unsigned long long)bytes, (unsigned long long)has);
  return n;
}

static void read_elements(Npy *f) {
  const Dtype *d = find_dtype(f);
  uint64_t n = checked_count(f, d->width);
  const unsigned char *at = f->file.at + f->data;
  f->v.elem = d->elem;
  f->v.is_float = d->real == from_f4;
  if (d->real) {
    double *out = NEWN(f->c, double, n);
    for (uint64_t k = 0; k < n; k++) out[k] = d->real(at + k * d->width);
    f->v.data = out;
  } else {
    int64_t *out = NEWN(f->c, int64_t, n);
    for (uint64_t k = 0; k < n; k++) out[k] = d->whole(at + k * d->width);
    f->v.data = out;
  }
}

Value npy_read(Ctx *c, const char *path) {
  Npy f = {.c = c, .path = path, .file = file_read(c, path)};
  find_header(&f);
  read_type(&f);
  read_shape(&f);
  read_order(&f);
  read_elements(&f);
  return f.v;
}

/* ---- writing ------------------------------------------------------------------- */

static void put_bytes(Buf *out, uint64_t x, unsigned n) {
  char bytes[8];
  for (unsigned k = 0; k < n; k++, x >>= 8) bytes[k] = (char)(unsigned char)x;
  buf_add(out, bytes, n);
}

static const char *type_name(const Value *v) {
  if (v->elem == ELEM_REAL) return v->is_float ? "<f4" : "<f8";
  return v->elem == ELEM_INT ? "<i8" : "|b1";
}

/* Version 1, padded so that the elements begin at a multiple of 64. */
static void put_header(const Value *v, Buf *out) {
  enum { PREFIX = 10, ALIGN = 64 };
  Buf dict;
  buf_init(&dict, out->c);
  buf_printf(&dict, "{'descr': '%s', 'fortran_order': False, 'shape': (", type_name(v));
  for (uint32_t k = 0; k < v->rank; k++)
    buf_printf(&dict, "%s%lld", k ? ", " : "", (long long)v->dim[k]);
  buf_puts(&dict, v->rank == 1 ? ",), }" : "), }");
  while ((PREFIX + dict.n + 1) % ALIGN) buf_puts(&dict, " ");
  buf_puts(&dict, "\n");
  buf_add(out, magic, 6);
  buf_add(out, "\x01\x00", 2);
  put_bytes(out, dict.n, 2);
  buf_add(out, dict.at, dict.n);
}

static void put_element(const Value *v, uint64_t k, Buf *out) {
  if (v->elem != ELEM_REAL) {
    int64_t i = ((const int64_t *)v->data)[k];
    put_bytes(out, (uint64_t)i, v->elem == ELEM_INT ? 8 : 1);
  } else if (v->is_float) {
    float x = (float)((const double *)v->data)[k];
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    put_bytes(out, bits, 4);
  } else {
    uint64_t bits;
    memcpy(&bits, (const double *)v->data + k, sizeof bits);
    put_bytes(out, bits, 8);
  }
}

void npy_write(Ctx *c, const char *path, const Value *v) {
  Buf out;
  uint64_t n = value_count(v);
  buf_init(&out, c);
  put_header(v, &out);
  for (uint64_t k = 0; k < n; k++) put_element(v, k, &out);
  file_write(c, path, out.at, out.n);
}
