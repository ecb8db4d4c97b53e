/* file.c - whole files in and out.  A file is never seen half-written: it is written
 * under another name beside its place, and then takes it. */
#include "script/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void file_fail(Ctx *c, const char *path, const char *help, const char *fmt, ...) {
  char text[512];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  fail_at(c, (Span){0}, help, "%s: %s", path, text);
}

/* ---- reading ------------------------------------------------------------------- */

static void close_file(void *fd) {
  if (*(int *)fd >= 0) close(*(int *)fd);
  *(int *)fd = -1;
}

static void read_all(Ctx *c, const char *path, int fd, Buf *out) {
  char block[16384];
  for (;;) {
    ssize_t n = read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) file_fail(c, path, NULL, "cannot be read: %s", strerror(errno));
    if (n == 0) return;
    buf_add(out, block, (size_t)n);
  }
}

Bytes file_read(Ctx *c, const char *path) {
  Buf all;
  int *fd = NEW(c, int);
  *fd = -1;
  ctx_defer(c, close_file, fd);
  *fd = open(path, O_RDONLY);
  if (*fd < 0) file_fail(c, path, NULL, "cannot be opened: %s", strerror(errno));
  buf_init(&all, c);
  read_all(c, path, *fd, &all);
  close_file(fd);
  buf_text(&all);
  return (Bytes){(const unsigned char *)all.at, all.n};
}

/* ---- writing ------------------------------------------------------------------- */

static bool write_all(int fd, const char *bytes, size_t n) {
  while (n) {
    ssize_t done = write(fd, bytes, n);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    bytes += done;
    n -= (size_t)done;
  }
  return true;
}

bool file_is_special(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

void file_write(Ctx *c, const char *path, const void *bytes, size_t n) {
  const bool special = file_is_special(path);
  const char *beside = special ? path : str_printf(c, "%s.new%ld", path, (long)getpid());
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (fd < 0) file_fail(c, path, NULL, "cannot be written: %s", strerror(errno));
  bool ok = write_all(fd, bytes, n);
  int why = errno;
  if (close(fd) != 0 && ok) ok = false, why = errno;
  if (ok && !special && rename(beside, path) != 0) ok = false, why = errno;
  if (ok) return;
  if (!special) unlink(beside);
  file_fail(c, path, NULL, "cannot be written: %s", strerror(why));
}
