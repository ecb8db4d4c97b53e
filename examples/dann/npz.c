#define _POSIX_C_SOURCE 200809L
#include "npz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50, /* signatures of a zip's parts */
  LOCAL_SIZE = 30, CENTRAL_SIZE = 46, END_SIZE = 22,
  NPY_ALIGN = 64, NPY_START = 10
};

static int fail(Npz *z, const char *format, ...) {
  if (z->error[0]) return 1;
  int n = snprintf(z->error, sizeof z->error, "%s: ", z->path);
  if (n < 0 || (size_t)n >= sizeof z->error) return 1;
  va_list args;
  va_start(args, format);
  vsnprintf(z->error + n, sizeof z->error - (size_t)n, format, args);
  va_end(args);
  return 1;
}

/* The CRC of a zip, with `crc` over what went before. */
static uint32_t crc32_of(uint32_t crc, const void *data, size_t n) {
  const unsigned char *at = data;
  crc = ~crc;
  for (; n > 0; n--) {
    crc ^= *at++;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & (0 - (crc & 1)));
  }
  return ~crc;
}

static size_t elements(int rank, const size_t *dim) {
  size_t n = 1;
  for (int i = 0; i < rank; i++) n *= dim[i];
  return n;
}

static size_t type_size(const char *type) { return (size_t)strtoul(type + 1, NULL, 10); }

/* How NumPy names the type on this machine: "<f8", "|S5". */
static void full_type(char full[12], const char *type) {
  const uint16_t one = 1;
  char order = *(const unsigned char *)&one ? '<' : '>';
  snprintf(full, 12, "%c%s", type[0] == 'S' ? '|' : order, type);
}

static void shape_text(char *text, size_t room, int rank, const size_t *dim) {
  if (rank == 0) snprintf(text, room, "()");
  if (rank == 1) snprintf(text, room, "(%zu,)", dim[0]);
  if (rank == 2) snprintf(text, room, "(%zu, %zu)", dim[0], dim[1]);
}

/* ---- writing ------------------------------------------------------------------------- */

static void put(unsigned char **at, int bytes, uint32_t value) {
  for (int i = 0; i < bytes; i++) *(*at)++ = (unsigned char)(value >> 8 * i);
}

static void write_out(Npz *z, const void *data, size_t n) {
  if (!z->error[0] && n > 0 && fwrite(data, 1, n, z->out) != n)
    fail(z, "cannot write: %s", strerror(errno));
}

/* What a local header and a central one have in common. */
static void put_common(unsigned char **at, const NpzEntry *e) {
  put(at, 2, 20); /* the version that a reader needs; no flags, stored, 1980-01-01 */
  put(at, 2, 0), put(at, 2, 0), put(at, 2, 0), put(at, 2, 1 << 5 | 1);
  put(at, 4, e->crc), put(at, 4, e->size), put(at, 4, e->size);
  put(at, 2, (uint32_t)strlen(e->name) + 4);
  put(at, 2, 0);
}

static void write_name(Npz *z, const NpzEntry *e) {
  write_out(z, e->name, strlen(e->name));
  write_out(z, ".npy", 4);
}

void npz_create(Npz *z, const char *path) {
  memset(z, 0, sizeof *z);
  z->path = path;
  z->beside = malloc(strlen(path) + 5);
  if (!z->beside) {
    fail(z, "out of memory");
    return;
  }
  sprintf(z->beside, "%s.new", path);
  z->out = fopen(z->beside, "wb");
  if (!z->out) fail(z, "cannot write: %s", strerror(errno));
}

void npz_put(Npz *z, const char *name, const char *type, int rank, const size_t *dim,
             const void *data) {
  char full[12], shape[50], header[4 * NPY_ALIGN];
  unsigned char head[LOCAL_SIZE], *at = head;
  if (z->error[0]) return;
  if (z->entries == NPZ_ARRAYS || strlen(name) >= NPZ_NAME) {
    fail(z, "too many arrays, or too long a name: %s", name);
    return;
  }
  /* The .npy file's header is filled up with blanks, so that the elements are aligned. */
  full_type(full, type);
  shape_text(shape, sizeof shape, rank, dim);
  int used = snprintf(header, sizeof header, "\x93NUMPY%c%c%c%c{'descr': '%s', 'fortran_order': "
                      "False, 'shape': %s, }", 1, 0, 0, 0, full, shape);
  size_t filled = ((size_t)used + NPY_ALIGN) / NPY_ALIGN * NPY_ALIGN;
  memset(header + used, ' ', filled - (size_t)used);
  header[filled - 1] = '\n';
  header[8] = (char)(filled - NPY_START); /* a byte is enough */

  size_t n = elements(rank, dim) * type_size(type);
  long start = ftell(z->out);
  NpzEntry *e = &z->entry[z->entries++];
  strcpy(e->name, name);
  e->at = (uint32_t)start;
  e->size = (uint32_t)(filled + n);
  e->crc = crc32_of(crc32_of(0, header, filled), data, n);
  put(&at, 4, LOCAL);
  put_common(&at, e);
  write_out(z, head, sizeof head);
  write_name(z, e);
  write_out(z, header, filled);
  write_out(z, data, n);
}

static void write_directory(Npz *z) {
  long start = ftell(z->out);
  for (size_t i = 0; i < z->entries; i++) {
    unsigned char head[CENTRAL_SIZE] = {0}, *at = head;
    put(&at, 4, CENTRAL);
    put(&at, 2, 20);
    put_common(&at, &z->entry[i]);
    at = head + CENTRAL_SIZE - 4;
    put(&at, 4, z->entry[i].at);
    write_out(z, head, sizeof head);
    write_name(z, &z->entry[i]);
  }
  unsigned char end[END_SIZE] = {0}, *at = end;
  put(&at, 4, END);
  at += 4;
  put(&at, 2, (uint32_t)z->entries), put(&at, 2, (uint32_t)z->entries);
  put(&at, 4, (uint32_t)(ftell(z->out) - start)), put(&at, 4, (uint32_t)start);
  write_out(z, end, sizeof end);
}

/* A new name is safe once the folder that holds it has been flushed, too. */
static int flush_folder(const char *path) {
  const char *slash = strrchr(path, '/');
  size_t n = slash ? (size_t)(slash - path) + 1 : 1;
  char *folder = malloc(n + 1);
  if (!folder) return -1;
  memcpy(folder, slash ? path : ".", n);
  folder[n] = 0;
  int at = open(folder, O_RDONLY), status = at < 0 ? -1 : fsync(at);
  if (at >= 0) close(at);
  free(folder);
  return status;
}

int npz_finish(Npz *z) {
  if (!z->error[0]) write_directory(z);
  if (z->out) {
    if ((fflush(z->out) || fsync(fileno(z->out))) && !z->error[0])
      fail(z, "cannot write: %s", strerror(errno));
    if (fclose(z->out) && !z->error[0]) fail(z, "cannot write: %s", strerror(errno));
    if (!z->error[0] && (rename(z->beside, z->path) || flush_folder(z->path)))
      fail(z, "cannot put it in its place: %s", strerror(errno));
    if (z->error[0]) remove(z->beside);
  }
  free(z->beside);
  z->beside = NULL;
  z->out = NULL;
  return z->error[0] != 0;
}

/* ---- reading ------------------------------------------------------------------------- */

static uint32_t get(const unsigned char *at, int bytes) {
  uint32_t value = 0;
  while (bytes-- > 0) value = value << 8 | at[bytes];
  return value;
}

static int read_file(Npz *z) {
  FILE *f = fopen(z->path, "rb");
  if (!f) return fail(z, "cannot open it: %s", strerror(errno));
  for (size_t room = 1 << 16;; room *= 2) {
    unsigned char *larger = realloc(z->file, room);
    if (!larger) {
      fail(z, "out of memory");
      break;
    }
    z->file = larger;
    z->length += fread(z->file + z->length, 1, room - z->length, f);
    if (z->length < room) break;
  }
  if (ferror(f)) fail(z, "cannot read it: %s", strerror(errno));
  fclose(f);
  return z->error[0] != 0;
}

/* The record that ends a zip, which a comment may follow; null: there is none. */
static const unsigned char *end_record(const Npz *z) {
  if (z->length < END_SIZE) return NULL;
  for (size_t back = 0; back <= 0xffff && back <= z->length - END_SIZE; back++) {
    const unsigned char *at = z->file + z->length - END_SIZE - back;
    if (get(at, 4) == END && get(at + 20, 2) == back) return at;
  }
  return NULL;
}

/* One array: its line in the directory stands at `at`, which is moved on. */
static int read_entry(Npz *z, size_t *at) {
  const unsigned char *c = z->file + *at;
  if (z->length - *at < CENTRAL_SIZE || get(c, 4) != CENTRAL)
    return fail(z, "its directory is damaged");
  size_t name = get(c + 28, 2), size = get(c + 20, 4), start = get(c + 42, 4);
  size_t next = *at + CENTRAL_SIZE + name + get(c + 30, 2) + get(c + 32, 2);
  if (next > z->length) return fail(z, "its directory is damaged");
  const char *text = (const char *)c + CENTRAL_SIZE;
  if (name < 5 || name - 4 >= NPZ_NAME || memcmp(text + name - 4, ".npy", 4) != 0)
    return fail(z, "it holds '%.*s', which is not an array of a checkpoint", (int)name, text);
  if (z->entries == NPZ_ARRAYS) return fail(z, "it holds more arrays than a checkpoint");
  NpzEntry *e = &z->entry[z->entries++];
  memcpy(e->name, text, name - 4);
  e->name[name - 4] = 0;
  e->crc = get(c + 16, 4);
  e->size = (uint32_t)size;
  if (get(c + 10, 2) != 0)
    return fail(z, "array '%s' is compressed: save it by numpy.savez", e->name);
  if (start > z->length || z->length - start < LOCAL_SIZE || get(z->file + start, 4) != LOCAL)
    return fail(z, "array '%s' is not where the directory says", e->name);
  start += LOCAL_SIZE + get(z->file + start + 26, 2) + get(z->file + start + 28, 2);
  if (start > z->length || z->length - start < size)
    return fail(z, "array '%s' is cut off", e->name);
  e->at = (uint32_t)start;
  if (crc32_of(0, z->file + start, size) != e->crc)
    return fail(z, "array '%s' is damaged: its checksum is wrong", e->name);
  *at = next;
  return 0;
}

int npz_open(Npz *z, const char *path) {
  memset(z, 0, sizeof *z);
  z->path = path;
  if (read_file(z)) return 1;
  if (z->length < 4 || get(z->file, 4) != LOCAL)
    return fail(z, z->length == 0 ? "it is empty" : "it is not an .npz archive");
  const unsigned char *end = end_record(z);
  if (!end) return fail(z, "it is cut off: the archive's directory is missing");
  size_t at = get(end + 16, 4), count = get(end + 10, 2);
  if (at > z->length) return fail(z, "its directory is damaged");
  for (size_t i = 0; i < count; i++)
    if (read_entry(z, &at)) return 1;
  return 0;
}

static const NpzEntry *find(const Npz *z, const char *name) {
  for (size_t i = 0; i < z->entries; i++)
    if (strcmp(z->entry[i].name, name) == 0) return &z->entry[i];
  return NULL;
}

int npz_has(const Npz *z, const char *name) { return find(z, name) != NULL; }

/* Copies what stands after 'key': in a .npy header up to a character of `stop`. */
static int header_field(const char *header, const char *key, const char *stop, char *value,
                        size_t room) {
  const char *at = strstr(header, key);
  if (!at) return 1;
  at += strlen(key);
  at += strspn(at, "': ");
  size_t n = strcspn(at, stop);
  if (n >= room) return 1;
  memcpy(value, at, n);
  value[n] = 0;
  return 0;
}

/* Whether "(2, 3" is the shape. */
static int shape_fits(const char *shape, int rank, const size_t *dim) {
  const char *at = shape + (*shape == '(');
  for (int i = 0; i < rank; i++) {
    char *end;
    if (strtoull(at, &end, 10) != dim[i] || end == at) return 0;
    at = end + strspn(end, ", L");
  }
  return *at == 0;
}

int npz_get(Npz *z, const char *name, const char *type, int rank, const size_t *dim, void *data) {
  char want[12], shape[60], header[512] = "", descr[20], order[10], dims[60];
  const NpzEntry *e = find(z, name);
  if (!e) return fail(z, "it has no array '%s'", name);
  const unsigned char *npy = z->file + e->at;
  if (e->size < NPY_START || memcmp(npy, "\x93NUMPY\1", 7) != 0)
    return fail(z, "array '%s' is not a .npy file of version 1", name);
  size_t length = get(npy + 8, 2), n = elements(rank, dim) * type_size(type);
  if (length >= sizeof header || length > e->size - NPY_START)
    return fail(z, "array '%s' has a header that cannot be read", name);
  memcpy(header, npy + NPY_START, length);
  if (header_field(header, "'descr'", "'", descr, sizeof descr) ||
      header_field(header, "'fortran_order'", ",", order, sizeof order) ||
      header_field(header, "'shape'", ")", dims, sizeof dims))
    return fail(z, "array '%s' has a header that cannot be read", name);
  full_type(want, type);
  if (strcmp(descr, want) != 0)
    return fail(z, "array '%s' is of type %s, not %s", name, descr, want);
  shape_text(shape, sizeof shape, rank, dim);
  if (!shape_fits(dims, rank, dim))
    return fail(z, "array '%s' has the shape %s), not %s", name, dims, shape);
  if (rank > 1 && strcmp(order, "False") != 0)
    return fail(z, "array '%s' stands column by column (Fortran order)", name);
  if (e->size - NPY_START - length != n)
    return fail(z, "array '%s' has %zu bytes of elements, not %zu", name,
                (size_t)e->size - NPY_START - length, n);
  memcpy(data, npy + NPY_START + length, n);
  return 0;
}

void npz_close(Npz *z) {
  free(z->file);
  z->file = NULL;
}
