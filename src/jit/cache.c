/* cache.c - see cache.h.
 *
 * Objects are kept in $XDG_CACHE_HOME/gradc (or ~/.cache/gradc, or /tmp/gradc-UID) under the
 * hash of the text, the flags, the compiler's file and the processor.  Behind the object, in
 * the same file, stands its checksum, which loaders do not look at.  The file is written under
 * a name of its own and renamed, so readers and writers may meet: whichever object a reader
 * finds has its own sum, and one that does not agree with it is compiled again.  A folder that
 * is not this user's alone is not used: what lies there would be run. */
#include "jit/cache.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jit/symbols.h"

extern char **environ;

enum { PATH_ROOM = 1100, PATIENCE_MS = 100 };

/* No contraction and no builtins: the same bits as libtcc's code.  That nobody looks at errno or
 * traps changes no bit, and lets loops with a choice in them become vector instructions. */
static const char *const flags[] = {
  "-std=c99", "-O3", "-march=native", "-ffp-contract=off", "-fno-builtin", "-fno-math-errno",
  "-fno-trapping-math", "-fPIC", "-shared", "-w",
};
/* For the second attempt, where the assembler met what cc.c forbids: a processor without it. */
static const char *const unfused[] = {
#ifdef __x86_64__
  "-mno-fma", "-mno-fma4", "-mno-avx512f",
#endif
  NULL
};
enum { FLAGS = sizeof flags / sizeof *flags, UNFUSED = sizeof unfused / sizeof *unfused };

/* ---- the key ---------------------------------------------------------------- */

/* Two words of FNV-1a, from different beginnings. */
typedef struct Hash { uint64_t a, b; } Hash;

static void hash_bytes(Hash *h, const void *bytes, size_t n) {
  const unsigned char *s = bytes;
  for (size_t i = 0; i < n; i++) {
    h->a = (h->a ^ s[i]) * 0x100000001b3u;
    h->b = (h->b ^ s[i]) * 0x100000001b3u + 0x9e3779b97f4a7c15u;
  }
}

/* Which file the compiler is, without asking it: a new version is a new file. */
static void hash_compiler(Hash *h, const char *name) {
  const char *path = getenv("PATH");
  char file[PATH_ROOM];
  struct stat st = {0};
  hash_bytes(h, name, strlen(name));
  if (strchr(name, '/')) path = "";
  for (const char *s = path ? path : "/usr/bin"; s; s = *s ? s + 1 : NULL) {
    size_t n = strcspn(s, ":");
    int length = *path ? snprintf(file, sizeof file, "%.*s/%s", (int)n, s, name)
                       : snprintf(file, sizeof file, "%s", name);
    if (length < (int)sizeof file && stat(file, &st) == 0 && S_ISREG(st.st_mode)) break;
    s += n;
    if (!*s) break;
  }
  int64_t which[] = {(int64_t)st.st_size, (int64_t)st.st_mtime, (int64_t)st.st_ino};
  hash_bytes(h, which, sizeof which);
}

/* -march=native means another code on another processor. */
static void hash_processor(Hash *h) {
  static const char *const lines[] = {"model name", "flags", "Features", "CPU part", "isa"};
  FILE *f = fopen("/proc/cpuinfo", "r");
  char line[4096];
  for (int n = 0; f && n < 40 && fgets(line, sizeof line, f) && *line != '\n'; n++)
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++)
      if (!strncmp(line, lines[k], strlen(lines[k]))) hash_bytes(h, line, strlen(line));
  if (f) fclose(f);
}

static void find_key(CcUnit *u) {
  Hash h = {0xcbf29ce484222325u, 0x84222325cbf29ce4u};
  for (int i = 0; i < FLAGS; i++) hash_bytes(&h, flags[i], strlen(flags[i]) + 1);
  for (int i = 0; unfused[i]; i++) hash_bytes(&h, unfused[i], strlen(unfused[i]) + 1);
  hash_compiler(&h, u->compiler);
  hash_processor(&h);
  hash_bytes(&h, u->text, strlen(u->text));
  snprintf(u->key, sizeof u->key, "%016llx%016llx", (unsigned long long)h.a,
           (unsigned long long)h.b);
}

/* ---- the folder ------------------------------------------------------------- */

static bool make_folders(char *path) {
  for (char *s = path + 1; *s; s++) {
    if (*s != '/') continue;
    *s = '\0';
    mkdir(path, 0700);
    *s = '/';
  }
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* This user's, and nobody else writes there. */
static bool is_ours(const char *folder) {
  struct stat link, st;
  if (lstat(folder, &link) != 0 || stat(folder, &st) != 0) return false;
  return link.st_uid == geteuid() && st.st_uid == geteuid() && S_ISDIR(st.st_mode) &&
         !(st.st_mode & (S_IWGRP | S_IWOTH));
}

CcResult cc_unit(CcUnit *u, const char *text) {
  const char *cc = getenv("CC"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  bool named = cc && *cc && !strchr(cc, ' ') && strlen(cc) < sizeof u->compiler;
  *u = (CcUnit){.text = text};
  snprintf(u->compiler, sizeof u->compiler, "%s", named ? cc : "cc");
  int n = xdg && *xdg == '/'     ? snprintf(u->folder, sizeof u->folder, "%s/gradc", xdg)
          : home && *home == '/' ? snprintf(u->folder, sizeof u->folder, "%s/.cache/gradc", home)
                                 : snprintf(u->folder, sizeof u->folder, "/tmp/gradc-%lu",
                                            (unsigned long)geteuid());
  find_key(u);
  if (n >= (int)sizeof u->folder) u->error = ENAMETOOLONG;
  else if (!make_folders(u->folder)) u->error = errno;
  if (u->error) return CC_NO_FOLDER;
  return is_ours(u->folder) ? CC_GOOD : CC_NOT_OURS;
}

static void path_of(const CcUnit *u, const char *end, char path[PATH_ROOM]) {
  snprintf(path, PATH_ROOM, "%s/%s%s", u->folder, u->key, end);
}

/* ---- sums ------------------------------------------------------------------- */

enum { SUM_BYTES = 33 };   /* two words in hexadecimal, a newline */

static void write_sum(const Hash *h, char sum[SUM_BYTES + 1]) {
  snprintf(sum, SUM_BYTES + 1, "%016llx%016llx\n", (unsigned long long)h->a,
           (unsigned long long)h->b);
}

/* Of the first n bytes; false where there are fewer. */
static bool sum_of_bytes(FILE *f, long n, Hash *h) {
  unsigned char block[1 << 14];
  *h = (Hash){0xcbf29ce484222325u, 1};
  while (n > 0) {
    size_t want = n < (long)sizeof block ? (size_t)n : sizeof block;
    if (fread(block, 1, want, f) != want) return false;
    hash_bytes(h, block, want);
    n -= (long)want;
  }
  return true;
}

/* The length of an open file, which is left at its beginning. */
static long length_of(FILE *f) {
  long n = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
  return fseek(f, 0, SEEK_SET) == 0 ? n : -1;
}

static bool append_sum(const char *object) {
  char sum[SUM_BYTES + 1];
  Hash h;
  FILE *f = fopen(object, "r+b");
  if (!f) return false;
  long n = length_of(f);
  bool good = n > 0 && sum_of_bytes(f, n, &h) && fseek(f, n, SEEK_SET) == 0;
  if (good) {
    write_sum(&h, sum);
    good = fputs(sum, f) >= 0;
  }
  return fclose(f) == 0 && good;
}

static bool is_whole(const char *object) {
  char want[SUM_BYTES + 1], have[SUM_BYTES + 1] = "";
  Hash h;
  FILE *f = fopen(object, "rb");
  if (!f) return false;
  long n = length_of(f);
  bool good = n > SUM_BYTES && sum_of_bytes(f, n - SUM_BYTES, &h) &&
              fread(have, 1, SUM_BYTES, f) == SUM_BYTES;
  fclose(f);
  if (!good) return false;
  write_sum(&h, want);
  return !strcmp(have, want);
}

/* ---- compiling -------------------------------------------------------------- */

/* The compiler takes signals, whatever the thread that starts it does.  In the background it is a
 * group of its own, with what it starts. */
static bool spawn_attributes(posix_spawnattr_t *a, bool background) {
  sigset_t none;
  sigemptyset(&none);
  if (posix_spawnattr_init(a) != 0) return false;
  posix_spawnattr_setsigmask(a, &none);
  posix_spawnattr_setpgroup(a, 0);
  posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | (background ? POSIX_SPAWN_SETPGROUP : 0));
  return true;
}

/* Only what the second attempt says is shown. */
static pid_t start_compiler(const CcUnit *u, const char *source, const char *object, bool again) {
  const char *argv[FLAGS + UNFUSED + 6] = {u->compiler};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int n = 1;
  pid_t child;
  for (int i = 0; i < FLAGS; i++) argv[n++] = flags[i];
  for (int i = 0; again && unfused[i]; i++) argv[n++] = unfused[i];
  argv[n++] = "-o";
  argv[n++] = object;
  argv[n++] = source;
  argv[n++] = "-lm";
  if (!spawn_attributes(&attributes, u->quiet)) return -1;
  if (posix_spawn_file_actions_init(&actions) != 0) return -1;
  for (int fd = 0; (u->quiet || !again) && fd < 3; fd++)
    posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", fd ? O_WRONLY : O_RDONLY, 0);
  int failed = posix_spawnp(&child, argv[0], &actions, &attributes, (char **)(uintptr_t)argv,
                             environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return failed ? -1 : child;
}

static void sleep_ms(long ms) {
  nanosleep(&(struct timespec){0, ms*1000000}, NULL);
}

/* Nobody waits for one that does not want to go. */
static void end_compiler(const CcUnit *u, pid_t child) {
  pid_t all = u->quiet ? -child : child;
  kill(all, SIGTERM);
  for (int ms = 0; ms < PATIENCE_MS; ms++) {
    if (waitpid(child, NULL, WNOHANG) == child) return;
    sleep_ms(1);
  }
  kill(all, SIGKILL);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
}

static CcResult run_compiler(const CcUnit *u, const char *source, const char *object, bool again,
                             bool (*stopped)(void *user), void *user) {
  pid_t child = start_compiler(u, source, object, again), done;
  int status = -1;
  if (child < 0) return CC_NO_COMPILER;
  while ((done = waitpid(child, &status, stopped ? WNOHANG : 0)) != child) {
    if (done < 0 && errno != EINTR) return CC_REFUSED;   /* someone else waited for it */
    if (done == 0 && stopped(user)) {
      end_compiler(u, child);
      return CC_STOPPED;
    }
    if (done == 0) sleep_ms(5);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return CC_NO_COMPILER;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CC_GOOD : CC_REFUSED;
}

static bool write_text(FILE *f, const char *text) {
  bool good = fputs(text, f) >= 0;
  return fclose(f) == 0 && good;
}

static bool publish(const CcUnit *u, const char *object) {
  char to[PATH_ROOM];
  path_of(u, ".so", to);
  return append_sum(object) && rename(object, to) == 0;
}

CcResult cc_build(CcUnit *u, bool (*stopped)(void *user), void *user) {
  char source[PATH_ROOM], object[PATH_ROOM + 4];
  path_of(u, ".XXXXXX.c", source);
  int fd = mkstemps(source, 2);
  FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
  snprintf(object, sizeof object, "%s.tmp", source);
  CcResult r = CC_NOT_WRITTEN;
  if (f && write_text(f, u->text)) {
    r = run_compiler(u, source, object, false, stopped, user);
    if (r == CC_REFUSED) r = run_compiler(u, source, object, true, stopped, user);
    if (r == CC_GOOD && !publish(u, object)) r = CC_NOT_WRITTEN;
  }
  if (r == CC_NOT_WRITTEN) u->error = errno;
  if (fd >= 0) unlink(source);
  unlink(object);
  return r;
}

/* ---- loading ---------------------------------------------------------------- */

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;

static void set_pointer(void *library, const char *name, const void *address) {
  void *at = dlsym(library, name);
  if (at && !strncmp(name, "gc_", 3)) memcpy(at, &address, sizeof address);
}

void *cc_open(const CcUnit *u, JitCode *code) {
  char object[PATH_ROOM];
  path_of(u, ".so", object);
  if (!is_whole(object)) return NULL;
  pthread_mutex_lock(&load_lock);   /* the same object may be open already */
  void *library = dlopen(object, RTLD_NOW | RTLD_LOCAL);
  if (library) jit_symbols(set_pointer, library);
  pthread_mutex_unlock(&load_lock);
  if (!library) return NULL;
  void *entry = dlsym(library, "gc_main"), *work = dlsym(library, "gc_main_work");
  memcpy(&code->entry, &entry, sizeof entry);
  memcpy(&code->work, &work, sizeof work);
  if (entry && work) return library;
  dlclose(library);
  return NULL;
}

void cc_close(void *library) {
  if (library) dlclose(library);
}
