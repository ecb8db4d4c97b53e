/* graphviz.c - runs Graphviz as a process of its own, without a shell: its input and its
 * output are unnamed files, so neither side waits for the other. */
#include "explain/explain.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void close_file(void *f) { fclose(f); }

static FILE *unnamed_file(Ctx *c) {
  FILE *f = tmpfile();
  if (!f) fail_at(c, (Span){0}, NULL, "cannot make a temporary file: %s", strerror(errno));
  ctx_defer(c, close_file, f);
  return f;
}

_Noreturn static void cannot_run(Ctx *c, int error) {
  if (error == ENOENT)
    fail_at(c, (Span){0},
            "install the package graphviz (Debian: apt install graphviz), or write a .dot file",
            "pictures are drawn by Graphviz, and its program `dot` is not here");
  fail_at(c, (Span){0}, NULL, "cannot run `dot`: %s", strerror(error));
}

static int spawn_dot(Ctx *c, const char *format, FILE *in, FILE *out, FILE *err) {
  char *option = (char *)(uintptr_t)str_printf(c, "-T%s", format);
  char name[] = "dot";
  char *argv[] = {name, option, NULL};
  posix_spawn_file_actions_t files;
  pid_t pid;
  int error = posix_spawn_file_actions_init(&files);
  if (error) cannot_run(c, error);
  error = posix_spawn_file_actions_adddup2(&files, fileno(in), 0);
  if (!error) error = posix_spawn_file_actions_adddup2(&files, fileno(out), 1);
  if (!error) error = posix_spawn_file_actions_adddup2(&files, fileno(err), 2);
  if (!error) error = posix_spawnp(&pid, "dot", &files, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  if (error) cannot_run(c, error);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return status;
}

static void read_back(FILE *f, Buf *out) {
  char block[1 << 14];
  rewind(f);
  for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) buf_add(out, block, n);
}

void graphviz_run(Ctx *c, const char *format, const Buf *text, Buf *out) {
  FILE *in = unnamed_file(c), *got = unnamed_file(c), *err = unnamed_file(c);
  if (fwrite(text->at, 1, text->n, in) != text->n || fflush(in) != 0)
    fail_at(c, (Span){0}, NULL, "cannot write a temporary file: %s", strerror(errno));
  rewind(in);
  int status = spawn_dot(c, format, in, got, err);
  read_back(got, out);
  if (status == 0 && out->n) return;
  Buf message;
  buf_init(&message, c);
  read_back(err, &message);
  fail_at(c, (Span){0}, NULL, "`dot -T%s` failed: %s", format,
          message.n ? buf_text(&message) : "it said nothing");
}
