/* rows.c - one table: each program's gradient by gradc and by its peers, checked against
 * each other first, then timed in turn.
 *
 *   rows [--check] [--runs N] [--tsv FILE] [--torch COMMAND] FOLDER PROGRAM.gc…
 *
 * FOLDER has what run.sh built: FOLDER/NAME.REAL/gradc.so, hand.so and those of further
 * peers, FOLDER/adolc.so, FOLDER/peak.so.  With --check the sizes are tiny and nothing is
 * timed.  Times are medians of the CPU time of one thread. */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "clock.h"

typedef struct Options {
  bool check;
  int runs;
  FILE *tsv;
  const char *folder;
  struct Server *torch;
  int wrong;                     /* contenders that disagree */
  int missed;                    /* bars */
} Options;

/* ---- agreement ------------------------------------------------------------------------ */

static double element(const Case *c, void *const *out, int j, size_t i) {
  return c->single ? (double)((float *)out[j])[i] : ((double *)out[j])[i];
}

/* The largest difference from the reference, relative to the largest element. */
static double difference(const Case *c, void *const *want, void *const *have) {
  double worst = 0;
  for (int j = 0; j < c->nout; j++) {
    double top = 1e-300, off = 0;
    for (size_t i = 0; i < c->out[j].n; i++) {
      double a = element(c, want, j, i), b = element(c, have, j, i);
      if (!isfinite(a) || !isfinite(b)) return INFINITY;
      top = fmax(top, fabs(a));
      off = fmax(off, fabs(a - b));
    }
    worst = fmax(worst, off / top);
  }
  return worst;
}

static void label(const Case *c, char *to, size_t room) {
  const char *kind = strncmp(c->row->gradient[c->gradient], "hvp ", 4) ? "" : ", Hessian times v";
  snprintf(to, room, "%s%s", c->row->title, kind);
}

/* Each contender runs once and is compared with the first; those that disagree are told,
 * those that refuse are dropped. */
static int agree(Options *o, const Case *c, Contender *k, int n) {
  int left = 0;
  char title[128];
  label(c, title, sizeof title);
  for (int j = 0; j < n; j++) {
    if (k[j].run(&k[j], 1) < 0) {
      k[j].close(&k[j]);
      continue;
    }
    fetch(&k[j], c);
    double off = j && k[j].checked ? difference(c, k[0].out, k[j].out) : 0;
    bool bad = !(off <= (c->single ? 1e-3 : 1e-8));
    if (bad) {
      printf("FAIL %s (%s): %s is off by %.1e\n", title, c->values, k[j].name, off);
      o->wrong++;
    } else if (o->check) {
      printf("ok   %-42s %-7s %s\n", title, c->single ? "float" : "double", k[j].name);
    }
    k[left++] = k[j];
  }
  return left;
}

/* ---- times ------------------------------------------------------------------------------ */

/* So many calls take some milliseconds. */
static long enough(Contender *k) {
  const double least = 5e-3;
  for (long calls = 1;; calls *= 4) {
    double t = k->run(k, calls);
    if (t >= least) return calls;
    if (t >= least / 8) return (long)((double)calls * least / t) + 1;
  }
}

/* Medians of `runs` rounds, in each of which every contender has its turn. */
static void measure(const Options *o, Contender *k, int n, double *time) {
  double t[MANY][64];
  long calls[MANY];
  for (int j = 0; j < n; j++) calls[j] = enough(&k[j]);
  for (int round = 0; round < o->runs; round++)
    for (int j = 0; j < n; j++) t[j][round] = k[j].run(&k[j], calls[j]) / (double)calls[j];
  for (int j = 0; j < n; j++) time[j] = median(t[j], o->runs);
}

/* ---- the table --------------------------------------------------------------------------- */

static const char *duration(double t, char *to) {
  if (isnan(t)) return strcpy(to, "-");
  const char *unit = t < 1e-6 ? "ns" : t < 1e-3 ? "us" : t < 1 ? "ms" : "s";
  double v = t < 1e-6 ? t * 1e9 : t < 1e-3 ? t * 1e6 : t < 1 ? t * 1e3 : t;
  sprintf(to, v < 10 ? "%.2f%s" : v < 100 ? "%.1f%s" : "%.0f%s", v, unit);
  return to;
}

static const char *memory(double bytes, char *to) {
  const char *unit = bytes < 1e4 ? "B" : bytes < 1e7 ? "kB" : "MB";
  sprintf(to, "%.0f%s", bytes < 1e4 ? bytes : bytes < 1e7 ? bytes / 1e3 : bytes / 1e6, unit);
  return to;
}

static const char *ratio(double x, char *to) {
  if (isnan(x)) return strcpy(to, "-");
  sprintf(to, x < 10 ? "%.2f" : "%.1f", x);
  return to;
}

typedef struct Times {
  Contender *k;
  double *t;
  int n;
} Times;

static double of(const Times *x, const char *name) {
  for (int j = 0; j < x->n; j++)
    if (!strcmp(x->k[j].name, name)) return x->t[j];
  return NAN;
}

static double best_peer(const Times *x) {
  double best = NAN;
  const char *const ours[] = {"gradc", "value", "cc", "tcc", "copy", "plain"};
  for (int j = 0; j < x->n; j++) {
    bool own = false;
    for (size_t k = 0; k < sizeof ours / sizeof *ours; k++) own |= !strcmp(x->k[j].name, ours[k]);
    if (!own && !(x->t[j] >= best)) best = x->t[j];
  }
  return best;
}

static double elements(const Case *c) {
  char what[64], size[64];
  if (sscanf(c->row->unit, "%63s %63s", what, size) != 2) return 1;
  return (double)size_value(c->values, size);
}

/* One bar; `have` gets what it is compared with. */
static bool holds(const Case *c, const Times *x, const char *kind, double bar, double *have) {
  double gradient = of(x, "gradc");
  if (!strcmp(kind, "value") || !strcmp(kind, "copy"))
    return (*have = gradient / of(x, kind)) <= bar;
  if (!strcmp(kind, "call")) return (*have = of(x, "tcc") * 1e9) <= bar;
  if (!strcmp(kind, "unit")) return (*have = gradient / elements(c) * 1e9) <= bar;
  return (*have = of(x, kind) / gradient) >= bar;
}

/* "hand 4.0: 5.1 ok, value 3: 3.4 MISSED" */
static void bars(Options *o, const Case *c, const Times *x, char *to, size_t room) {
  char kind[32];
  double bar, have;
  int used;
  *to = '\0';
  for (const char *s = c->bars; sscanf(s, "%31s %lf%n", kind, &bar, &used) == 2; s += used) {
    size_t n = strlen(to);
    bool good = holds(c, x, kind, bar, &have);
    if (isnan(have)) snprintf(to + n, room - n, "%s%s %g: none", n ? ", " : "", kind, bar);
    else snprintf(to + n, room - n, "%s%s %g: %.3g%s", n ? ", " : "", kind, bar, have,
                  good ? "" : " MISSED");
    o->missed += !good && !isnan(have);
  }
}

static const char *const columns[] = {"value", "gradc", "hand", "adolc", "torch", "copy", "plain",
                                      "cc", "tcc"};
enum { COLUMNS = sizeof columns / sizeof *columns };

#define LINE "%-40s %-22s %8s %8s %5s %8s %8s %8s %8s %6s %8s %8s %6s %6s %8s %7s %7s  %-28s %s\n"

enum { FUNCTION = 20 };          /* operations that exp and its kin count as */

static void heading(const Options *o) {
  printf(LINE, "program", "sizes", "value", "gradient", "g/v", "by hand", "ADOL-C", "PyTorch",
         "other", "x best", "jit=cc", "jit=tcc", "Gop/s", "GB/s", "work", "cc in", "tcc in", "bar",
         "options");
  if (!o->tsv) return;
  fprintf(o->tsv, "program\treal\tsizes");
  for (int k = 0; k < COLUMNS; k++) fprintf(o->tsv, "\t%s_s", columns[k]);
  fprintf(o->tsv, "\toperations\tfunctions\tbytes\twork_bytes\tcc_latency_s\ttcc_latency_s\toptions\tbar\n");
}

static double latency(const Times *x, const char *name) {
  for (int j = 0; j < x->n; j++)
    if (!strcmp(x->k[j].name, name)) return x->k[j].latency;
  return NAN;
}

static void short_sizes(const Case *c, char *to, size_t room) {
  size_t n = 0;
  for (const char *s = c->values; *s && n + 1 < room; s++)
    if (*s != ' ') to[n++] = *s;
    else if (n + 1 < room) to[n++] = ' ';
  to[n] = '\0';
}

static void report(Options *o, const Case *c, const Times *x) {
  char a[15][32], title[128], sizes[128], bar[128];
  double gradient = of(x, "gradc"), other = of(x, "copy");
  if (isnan(other)) other = of(x, "plain");
  label(c, title, sizeof title);
  if (c->single) strncat(title, ", float", sizeof title - strlen(title) - 1);
  short_sizes(c, sizes, sizeof sizes);
  bars(o, c, x, bar, sizeof bar);
  Cost cost = cost_of(c);
  double operations = cost.operations + FUNCTION * cost.functions;
  printf(LINE, title, sizes, duration(of(x, "value"), a[0]), duration(gradient, a[1]),
         ratio(gradient / of(x, "value"), a[2]), duration(of(x, "hand"), a[3]),
         duration(of(x, "adolc"), a[4]), duration(of(x, "torch"), a[5]), duration(other, a[6]),
         ratio(best_peer(x) / gradient, a[7]), duration(of(x, "cc"), a[8]),
         duration(of(x, "tcc"), a[9]), ratio(operations / gradient / 1e9, a[10]),
         ratio(cost.bytes / gradient / 1e9, a[11]), memory((double)x->k[0].work_bytes, a[12]),
         duration(latency(x, "cc"), a[13]), duration(latency(x, "tcc"), a[14]), bar,
         c->row->options);
  fflush(stdout);
  if (!o->tsv) return;
  fprintf(o->tsv, "%s\t%s\t%s", title, c->single ? "float" : "double", c->values);
  for (int k = 0; k < COLUMNS; k++) fprintf(o->tsv, "\t%.9g", of(x, columns[k]));
  fprintf(o->tsv, "\t%.9g\t%.9g\t%.9g\t%zu\t%.4g\t%.4g\t%s\t%s\n", cost.operations,
          cost.functions, cost.bytes, x->k[0].work_bytes, latency(x, "cc"), latency(x, "tcc"),
          c->row->options, bar);
  fflush(o->tsv);
}

/* ---- cases -------------------------------------------------------------------------------- */

typedef struct Path { char text[1200]; } Path;

static const char *object(const char *folder, const char *name, Path *p) {
  snprintf(p->text, sizeof p->text, "%.1000s/%.100s.so", folder, name);
  return p->text;
}

static int gather(const Options *o, const Case *c, const char *folder, Contender *k) {
  Path path;
  int n = 0, function = 1 + c->gradient;
  if (!from_file(&k[n], "gradc", object(folder, "gradc", &path), c, function))
    die("cannot load %s", path.text);
  if (from_file(&k[++n], "value", path.text, c, 0)) k[n++].checked = false;
  n += from_file(&k[n], "hand", object(folder, "hand", &path), c, function);
  if (!c->single) n += from_child(&k[n], "adolc", object(o->folder, "adolc", &path), c, function);
  n += from_server(&k[n], "torch", o->torch, folder, c);
  char *names = strdup(c->row->peers), *rest;
  for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
    const char *column = strcmp(name, "copy") ? "plain" : "copy";
    if (from_file(&k[n], column, object(folder, name, &path), c, function))
      k[n++].checked = strcmp(name, "copy");
  }
  free(names);
  if (!o->check) n += from_cc(&k[n], c);   /* tests/jit.sh has that */
  n += from_library(&k[n], c);
  return n;
}

static void one_case(Options *o, const Row *r, int gradient, bool single, const Sizes *s) {
  static Contender k[MANY];
  double time[MANY];
  char folder[1024];
  Case c = {.row = r, .values = s->values, .bars = s->bars, .gradient = gradient, .single = single};
  snprintf(folder, sizeof folder, "%s/%s.%s", o->folder, r->name, single ? "float" : "double");
  case_open(&c);
  int n = gather(o, &c, folder, k);
  n = agree(o, &c, k, n);
  if (!o->check) {
    measure(o, k, n, time);
    report(o, &c, &(Times){k, time, n});
  }
  for (int j = 0; j < n; j++) k[j].close(&k[j]);
  case_close(&c);
}

static void row(Options *o, const Row *r) {
  for (int real = 0; real < r->nreals; real++)
    for (int g = 0; g < r->ngradients; g++) {
      bool single = !strcmp(r->real[real], "float");
      if (o->check) one_case(o, r, g, single, &r->tiny);
      for (int k = 0; !o->check && k < r->nsizes; k++) one_case(o, r, g, single, &r->size[k]);
    }
}

/* What the machine can do at best, in the same run. */
static void peak(const Options *o) {
  Path path;
  void *library = dlopen(object(o->folder, "peak", &path), RTLD_NOW);
  if (!library) return;
  double (*f[2])(double (*)(void));
  const char *const name[] = {"peak_copy", "peak_multiply_add"};
  double best[2];
  for (int k = 0; k < 2; k++) {
    void *at = dlsym(library, name[k]);
    memcpy(&f[k], &at, sizeof at);
    if (!at) die("%s has no %s", path.text, name[k]);
    double t[9];
    for (int run = 0; run < 9; run++) t[run] = f[k](cpu_seconds);
    best[k] = median(t, 9);
  }
  printf("peak: a copy moves %.1f GB/s, multiply-adds do %.1f Gop/s in double\n", best[0] / 1e9,
         best[1] / 1e9);
  printf("Gop/s, GB/s: what gradc compile --report counts, over the gradient's time; "
         "exp and its kin as %d operations\n", FUNCTION);
}

int main(int argc, char **argv) {
  Options o = {.runs = 9};
  const char *torch = NULL;
  int k = 1;
  for (; k < argc && !strncmp(argv[k], "--", 2); k++) {
    if (!strcmp(argv[k], "--check")) o.check = true;
    else if (k + 1 == argc) die("%s what?", argv[k]);
    else if (!strcmp(argv[k], "--runs")) o.runs = atoi(argv[++k]);
    else if (!strcmp(argv[k], "--torch")) torch = argv[++k];
    else if (strcmp(argv[k], "--tsv")) die("what is %s?", argv[k]);
    else if (!(o.tsv = fopen(argv[++k], "w"))) die("cannot write %s", argv[k]);
  }
  if (k + 1 >= argc) die("usage: rows [--check] [--runs N] [--tsv FILE] FOLDER PROGRAM.gc…");
  if (o.runs < 1 || o.runs > 64) die("--runs is a number from 1 to 64");
  o.folder = argv[k++];
  if (torch && *torch && !(o.torch = server_start(torch))) puts("PyTorch: none here");
  if (!o.check) {
    peak(&o);
    heading(&o);
  }
  for (; k < argc; k++) row(&o, row_read(argv[k]));
  server_end(o.torch);
  if (!o.check) printf("%d bars missed\n", o.missed);
  if (o.tsv) fclose(o.tsv);
  return o.wrong ? 1 : 0;
}
