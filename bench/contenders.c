/* contenders.c - what computes a case: C from a file (gradc's, or a peer's under the same
 * header), the JIT of the library, the JIT that calls cc, and a server at a pipe. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "program.h"
#include "jit/jit.h"

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What this thread used: other programs on the machine do not count. */
double cpu_seconds(void) { return seconds(CLOCK_THREAD_CPUTIME_ID); }
double wall_seconds(void) { return seconds(CLOCK_MONOTONIC); }

static void *room(size_t bytes) {
  void *p = aligned_alloc(64, (bytes / 64 + 1) * 64);
  if (!p) die("out of memory");
  memset(p, 0, bytes);
  return p;
}

static void make_results(Contender *k, const Case *c) {
  for (int j = 0; j < c->nout; j++) k->out[j] = room(c->out[j].bytes);
}

static void free_results(Contender *k) {
  for (int j = 0; j < MANY; j++) free(k->out[j]);
}

/* ---- C from a file ------------------------------------------------------------------ */

static double run_file(Contender *k, long calls) {
  double start = cpu_seconds();
  for (long j = 0; j < calls; j++)
    if (k->call(k->size, k->in, k->out, k->work)) return -1;
  return cpu_seconds() - start;
}

static void close_file(Contender *k) {
  free_results(k);
  free(k->work);
  dlclose(k->library);
}

static void *symbol(const Contender *k, const Case *c, int function, const char *suffix) {
  char name[128];
  snprintf(name, sizeof name, "%s_bench_%d%s", c->row->name, function, suffix);
  return dlsym(k->library, name);
}

/* function 0 is the value, 1 + g the gradient number g. */
bool from_file(Contender *k, const char *name, const char *object, const Case *c, int function) {
  *k = (Contender){.name = name, .checked = true, .run = run_file, .close = close_file, .of = c};
  if (access(object, R_OK) || !(k->library = dlopen(object, RTLD_NOW | RTLD_LOCAL))) return false;
  void *call = symbol(k, c, function, ""), *work = symbol(k, c, function, "_work");
  const char *const *names = symbol(k, c, function, "_sizes");
  size_t (*length)(const int64_t *, const void *const *);
  if (!call || !work || !names) {
    dlclose(k->library);
    return false;
  }
  memcpy(&k->call, &call, sizeof call);
  memcpy(&length, &work, sizeof work);
  char *list = strdup(*names), *rest;
  int n = 0;
  for (char *word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
    k->size[n++] = size_value(c->values, word);
  free(list);
  for (int j = 0; j < c->nin; j++) k->in[j] = c->in[j].data;
  make_results(k, c);
  k->work_bytes = length(k->size, k->in) * (c->single ? sizeof(float) : sizeof(double));
  k->work = room(k->work_bytes);
  return true;
}

/* ---- C from a file, in a process of its own ------------------------------------------- */

/* The child runs the contender as often as it is told through one pipe, and tells the seconds
 * through the other; results are in memory that both share. */
static void serve(Contender *k, int from, int to) {
  for (long calls; read(from, &calls, sizeof calls) == sizeof calls;) {
    double t = run_file(k, calls);
    if (write(to, &t, sizeof t) != sizeof t) break;
  }
  _exit(0);
}

static double run_child(Contender *k, long calls) {
  double t;
  if (write(k->to, &calls, sizeof calls) != sizeof calls) return -1;
  return read(k->from, &t, sizeof t) == sizeof t ? t : -1;
}

static void close_child(Contender *k) {
  close(k->to);
  close(k->from);
  waitpid(k->child, NULL, 0);
  for (int j = 0; j < k->of->nout; j++) munmap(k->out[j], k->of->out[j].bytes + 1);
  free(k->work);
  dlclose(k->library);
}

static void share_results(Contender *k, const Case *c) {
  free_results(k);
  for (int j = 0; j < c->nout; j++) {
    k->out[j] = mmap(NULL, c->out[j].bytes + 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                     -1, 0);
    if (k->out[j] == MAP_FAILED) die("out of memory");
  }
}

bool from_child(Contender *k, const char *name, const char *object, const Case *c, int function) {
  int to[2], from[2];
  if (!from_file(k, name, object, c, function)) return false;
  share_results(k, c);
  fflush(stdout);                /* or the child would write it, too */
  if (pipe(to) || pipe(from) || (k->child = fork()) < 0) die("no process");
  if (k->child == 0) {
    close(to[1]);
    close(from[0]);
    serve(k, to[0], from[1]);
  }
  close(to[0]);
  close(from[1]);
  k->to = to[1];
  k->from = from[0];
  k->run = run_child;
  k->close = close_child;
  return true;
}

/* ---- the library -------------------------------------------------------------------- */

static double run_library(Contender *k, long calls) {
  double start = cpu_seconds();
  for (long j = 0; j < calls; j++)
    if (gradc_run(k->run_call)) return -1;
  return cpu_seconds() - start;
}

static void close_library(Contender *k) {
  gradc_call_free(k->run_call);
  free_results(k);
}

bool from_library(Contender *k, const Case *c) {
  *k = (Contender){.name = "tcc", .checked = true, .run = run_library, .close = close_library,
                   .of = c, .latency = c->latency};
  k->run_call = gradc_call_new(c->f);
  if (!k->run_call) return false;
  make_results(k, c);
  for (int j = 0; j < c->nin; j++) {
    const Array *a = &c->in[j];
    if (a->rank) gradc_set_array(k->run_call, (size_t)j, a->data, a->rank, a->shape);
    else if (a->kind == GRADC_REAL) gradc_set_real(k->run_call, (size_t)j, *(const double *)a->data);
    else gradc_set_int(k->run_call, (size_t)j, *(const int64_t *)a->data);
  }
  for (int j = 0; j < c->nout; j++)
    gradc_set_output(k->run_call, (size_t)j, k->out[j], c->out[j].rank, c->out[j].shape);
  return true;
}

/* ---- the JIT that calls cc ------------------------------------------------------------ */

typedef struct Compiled {
  Ctx *c;
  const Case *of;
  Jit *jit;
  JitArg in[MANY * 2];
  void *out[MANY];
} Compiled;

static double run_cc(Contender *k, long calls) {
  double start = cpu_seconds();
  for (long j = 0; j < calls; j++)
    if (jit_call(k->compiled->jit, k->compiled->in, k->compiled->out, NULL)) return -1;
  return cpu_seconds() - start;
}

static void close_cc(Contender *k) {
  jit_free(k->compiled->jit);
  ctx_free(k->compiled->c);
  free(k->compiled);
  free_results(k);
}

/* Parameters of the program: sizes by their names, then inputs in order. */
static void bind(Compiled *x, const Prog *p) {
  int at = 0;
  for (uint32_t k = 0; k < p->sig.params.n; k++) {
    const SigParam *s = &p->sig.params.at[k];
    if (s->is_size) {
      x->in[k].i = size_value(x->of->values, s->name);
      continue;
    }
    const Array *a = &x->of->in[at++];
    if (a->rank) x->in[k].p = a->data;
    else if (a->kind == GRADC_REAL) x->in[k].r = *(const double *)a->data;
    else x->in[k].i = *(const int64_t *)a->data;
  }
}

static void compile_cc(void *arg) {
  Compiled *x = arg;
  Prog *p = program_of(x->of, x->c, x->of->gradient, false);
  bind(x, p);
  x->jit = jit_cc(p, false);
}

/* A cache of its own for each case, so that the compiler has everything to do. */
static void empty_cache(void) {
  static int number;
  char here[1000], path[1100];
  if (!getcwd(here, sizeof here)) die("no folder");
  snprintf(path, sizeof path, "%s/cache/%d", here, number++);
  setenv("XDG_CACHE_HOME", path, 1);
}

bool from_cc(Contender *k, const Case *c) {
  *k = (Contender){.name = "cc", .checked = true, .run = run_cc, .close = close_cc, .of = c};
  Compiled *x = calloc(1, sizeof *x);
  empty_cache();
  double start = wall_seconds();
  if (!x || !(x->c = ctx_new(NULL, NULL))) die("out of memory");
  x->of = c;
  k->compiled = x;
  if (ctx_try(x->c, compile_cc, x) != GC_OK) {
    ctx_free(x->c);
    free(x);
    return false;
  }
  k->latency = wall_seconds() - start;
  make_results(k, c);
  memcpy(x->out, k->out, sizeof k->out);
  return true;
}

/* ---- a server --------------------------------------------------------------------------- */

struct Server { FILE *to, *from; pid_t child; char path[512]; };

struct Server *server_start(const char *command) {
  int to[2], from[2];
  struct Server *s = calloc(1, sizeof *s);
  if (!s || pipe(to) || pipe(from)) die("no pipe");
  s->child = fork();
  if (s->child == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    close(to[1]);
    close(from[0]);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  s->to = fdopen(to[1], "w");
  s->from = fdopen(from[0], "r");
  char line[256] = "";
  if (s->child > 0 && fgets(line, sizeof line, s->from) && !strncmp(line, "ready", 5)) return s;
  server_end(s);
  return NULL;
}

void server_end(struct Server *s) {
  if (!s) return;
  fclose(s->to);
  fclose(s->from);
  waitpid(s->child, NULL, 0);
  free(s);
}

/* What it answers to what was written, or "". */
static const char *answer(struct Server *s) {
  static char line[512];
  fflush(s->to);
  if (!fgets(line, sizeof line, s->from)) *line = '\0';
  line[strcspn(line, "\n")] = '\0';
  return line;
}

static double run_server(Contender *k, long calls) {
  fprintf(k->server->to, "run %ld\n", calls);
  const char *line = answer(k->server);
  return *line >= '0' && *line <= '9' ? atof(line) : -1;
}

static void close_server(Contender *k) { free_results(k); }

static void save(const char *path, const Array *a) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(a->data, 1, a->bytes, f) != a->bytes || fclose(f)) die("cannot write %s", path);
}

bool from_server(Contender *k, const char *name, struct Server *s, const char *folder,
                 const Case *c) {
  *k = (Contender){.name = name, .checked = true, .run = run_server, .close = close_server,
                   .server = s, .of = c};
  if (!s) return false;
  fprintf(s->to, "case %s %d %s %s\n", c->row->name, c->gradient, c->single ? "float" : "double",
          c->values);
  for (int j = 0; j < c->nin; j++) {
    char path[512];
    snprintf(path, sizeof path, "%s/in%d.bin", folder, j);
    save(path, &c->in[j]);
    fprintf(s->to, "in %s %s %s", c->in[j].name, c->in[j].kind == GRADC_REAL ? "real" : "int", path);
    for (unsigned d = 0; d < c->in[j].rank; d++)
      fprintf(s->to, " %lld", (long long)c->in[j].shape[d]);
    fprintf(s->to, "\n");
  }
  fprintf(s->to, "end\n");
  snprintf(s->path, sizeof s->path, "%s/out.bin", folder);
  if (strcmp(answer(s), "ok")) return false;
  make_results(k, c);
  return true;
}

/* Results come as one file of doubles. */
void fetch(Contender *k, const Case *c) {
  if (!k->server) return;
  fprintf(k->server->to, "out %s\n", k->server->path);
  if (strcmp(answer(k->server), "ok")) die("%s gives no results", k->name);
  FILE *f = fopen(k->server->path, "rb");
  if (!f) die("cannot read %s", k->server->path);
  for (int j = 0; j < c->nout; j++)
    for (size_t i = 0; i < c->out[j].n; i++) {
      double v;
      if (fread(&v, sizeof v, 1, f) != 1) die("%s gives too few results", k->name);
      if (c->single) ((float *)k->out[j])[i] = (float)v;
      else ((double *)k->out[j])[i] = v;
    }
  fclose(f);
}
