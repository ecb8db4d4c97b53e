/* main.c - trains a network for a domain whose classes it never sees, on many seeds, without
 * and with the reversed gradient that makes the two domains look alike to it.  README.md
 * says more; --help lists the options. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "report.h"

static const char help[] =
  "dann - domain-adversarial training, without and with a reversed gradient\n"
  "\n"
  "  --data NAME        blobs (as it starts) or moons\n"
  "  --seed N           the first seed (1)\n"
  "  --seeds N          how many seeds, one after the other (20)\n"
  "  --steps N          of each training (blobs 10000, moons 5000)\n"
  "  --alpha A          what alpha, the strength of the reversal, grows to (1)\n"
  "  --checkpoint FILE  keeps the state in FILE, an .npz archive\n"
  "  --every N          steps between two checkpoints (1000)\n"
  "  --resume FILE      goes on from a checkpoint, and keeps the state there\n"
  "  --stop N           ends after N steps of training, as an interrupt would\n"
  "  --log FILE         the losses of every step, in columns\n"
  "  --plot NAME        the first seed's NAME.curves and NAME.features, for plot.gp\n"
  "  --help             this text\n"
  "\n"
  "Status: 0 done, 1 something failed, 2 the command line is wrong, 3 the checkpoint is\n"
  "refused, 130 or 143 interrupted.\n";

enum { FAILED = 1, USAGE = 2, REFUSED = 3 };
enum { CURVE_POINTS = 100 };

typedef struct Job {
  const char *checkpoint, *log_path, *plot;
  int64_t first_seed, seeds, every, stop;
  int64_t finished;      /* trainings: seed by seed, without and then with reversal */
  int64_t taken;         /* steps of this sitting */
  double strength;
  int64_t steps;
  Accuracies *accuracy;  /* of each seed */
  Run run;
  double loss_sum[2];    /* since the last point of the curves */
  FILE *log, *curves, *features;
  int terminal;
} Job;

static volatile sig_atomic_t interrupted;

static void interrupt(int number) { interrupted = number; }

static int complain(const char *what, const char *path) {
  fprintf(stderr, "dann: %s: %s\n", path, what);
  return FAILED;
}

/* ---- checkpoints ----------------------------------------------------------------------- */

static int save(const Job *j) {
  const size_t shape[2] = {(size_t)j->seeds, KINDS * MEASURES};
  Npz z;
  if (!j->checkpoint) return 0;
  npz_create(&z, j->checkpoint);
  run_save(&j->run, &z);
  npz_put(&z, "first_seed", "i8", 0, NULL, &j->first_seed);
  npz_put(&z, "seeds", "i8", 0, NULL, &j->seeds);
  npz_put(&z, "finished", "i8", 0, NULL, &j->finished);
  npz_put(&z, "full_strength", "f8", 0, NULL, &j->strength);
  npz_put(&z, "accuracy", "f8", 2, shape, j->accuracy);
  if (!npz_finish(&z)) return 0;
  fprintf(stderr, "dann: %s\n", z.error);
  return FAILED;
}

static int load_job(Job *j, Npz *z) {
  if (run_load(&j->run, z)) return 1;
  if (!npz_has(z, "seeds")) {
    snprintf(z->error, sizeof z->error, "%s: it is a checkpoint of dann_mpi", z->path);
    return 1;
  }
  if (npz_get(z, "first_seed", "i8", 0, NULL, &j->first_seed) ||
      npz_get(z, "seeds", "i8", 0, NULL, &j->seeds) ||
      npz_get(z, "finished", "i8", 0, NULL, &j->finished) ||
      npz_get(z, "full_strength", "f8", 0, NULL, &j->strength))
    return 1;
  if (j->seeds < 1 || j->seeds > INT32_MAX || j->finished < 0 || j->finished > 2 * j->seeds) {
    snprintf(z->error, sizeof z->error, "%s: its number of seeds makes no sense", z->path);
    return 1;
  }
  const size_t shape[2] = {(size_t)j->seeds, KINDS * MEASURES};
  j->accuracy = calloc((size_t)j->seeds, sizeof *j->accuracy);
  j->steps = j->run.steps;
  return !j->accuracy || npz_get(z, "accuracy", "f8", 2, shape, j->accuracy);
}

static int resume(Job *j, const char *path) {
  Npz z;
  int status = npz_open(&z, path) || load_job(j, &z) ? REFUSED : 0;
  if (status) fprintf(stderr, "dann: %s\n", z.error[0] ? z.error : "out of memory");
  npz_close(&z);
  return status;
}

/* ---- training -------------------------------------------------------------------------- */

static int64_t seed_of(const Job *j) { return j->first_seed + j->finished / KINDS; }
static int kind_of(const Job *j) { return (int)(j->finished % KINDS); }

static void start_run(Job *j) {
  run_start(&j->run, (uint64_t)seed_of(j), j->steps, kind_of(j) == WITH ? j->strength : 0);
}

static void show_progress(const Job *j) {
  if (!j->terminal || j->run.step % 100) return;
  fprintf(stderr, "\r\033[K%s  seed %lld (%lld of %lld) %s reversal  step %lld of %lld  "
          "class %.3f  domain %.3f", j->run.task->name, (long long)seed_of(j),
          (long long)(j->finished / KINDS + 1), (long long)j->seeds,
          kind_of(j) == WITH ? "with" : "without", (long long)j->run.step, (long long)j->steps,
          j->run.loss[0], j->run.loss[1]);
}

static void clear_progress(const Job *j) {
  if (j->terminal) fputs("\r\033[K", stderr);
}

static int plot_step(Job *j) {
  int64_t between = j->steps > CURVE_POINTS ? j->steps / CURVE_POINTS : 1;
  double accuracy[MEASURES];
  if (!j->curves || j->finished >= KINDS) return 0;
  for (int i = 0; i < 2; i++) j->loss_sum[i] += j->run.loss[i] / (double)between;
  if (j->run.step % between) return 0;
  int check = run_measure(&j->run, accuracy, NULL);
  report_curve(j->curves, &j->run, j->loss_sum, accuracy);
  j->loss_sum[0] = j->loss_sum[1] = 0;
  return check;
}

static int one_step(Job *j) {
  if (run_step(&j->run)) return 1;
  j->taken++;
  if (j->log)
    fprintf(j->log, "%lld %d %lld %.17g %.17g\n", (long long)seed_of(j), kind_of(j),
            (long long)(j->run.step - 1), j->run.loss[0], j->run.loss[1]);
  show_progress(j);
  return plot_step(j);
}

static int end_run(Job *j) {
  if (run_measure(&j->run, j->accuracy[j->finished / KINDS][kind_of(j)], NULL)) return 1;
  if (j->features && j->finished < KINDS) {
    if (report_features(j->features, &j->run)) return 1;
    fputs("\n\n", j->features);
    fputs("\n\n", j->curves);
  }
  j->finished++;
  return 0;
}

/* Whether this sitting is over before the job is. */
static int stopped(const Job *j) {
  return interrupted || (j->stop > 0 && j->taken == j->stop);
}

static int train(Job *j) {
  while (j->finished < KINDS * j->seeds) {
    while (j->run.step < j->steps) {
      if (stopped(j)) return save(j);
      if (one_step(j)) return complain("a check failed, or memory ran out", "model.gc");
      if (j->run.step % j->every == 0 && j->run.step < j->steps && save(j)) return FAILED;
    }
    if (end_run(j)) return complain("a check failed, or memory ran out", "model.gc");
    if (j->finished < KINDS * j->seeds) start_run(j);
    if (save(j)) return FAILED;
  }
  return 0;
}

/* ---- the command ------------------------------------------------------------------------- */

static FILE *create(const char *path, const char *suffix, int *failed) {
  char full[4096];
  if (!path) return NULL;
  snprintf(full, sizeof full, "%s%s", path, suffix);
  FILE *f = fopen(full, "w");
  if (!f) *failed = complain(strerror(errno), full);
  return f;
}

static int close_file(FILE *f, const char *path) {
  if (!f) return 0;
  int bad = ferror(f);
  return fclose(f) || bad ? complain("cannot write it", path) : 0;
}

static int open_files(Job *j) {
  int failed = 0;
  j->log = create(j->log_path, "", &failed);
  j->curves = create(j->plot, ".curves", &failed);
  j->features = create(j->plot, ".features", &failed);
  if (j->log) fputs("# seed reversal step class domain\n", j->log);
  if (j->curves) fputs("# step class_loss domain_loss source target domain\n", j->curves);
  if (j->features) fputs("# x y along_1 along_2 domain class\n", j->features);
  return failed;
}

static int close_files(Job *j) {
  int failed = close_file(j->log, j->log_path);
  failed |= close_file(j->curves, j->plot);
  return close_file(j->features, j->plot) | failed;
}

static int tell_end(Job *j) {
  const Run *r = &j->run;
  clear_progress(j);
  if (j->finished < KINDS * j->seeds) {
    fprintf(stderr, "dann: stopped at seed %lld %s reversal, step %lld%s%s\n",
            (long long)seed_of(j), kind_of(j) == WITH ? "with" : "without", (long long)r->step,
            j->checkpoint ? "; go on with --resume " : "", j->checkpoint ? j->checkpoint : "");
    return interrupted ? 128 + (int)interrupted : 0;
  }
  printf("%s: seeds %lld to %lld, %lld steps\n", r->task->name, (long long)j->first_seed,
         (long long)(j->first_seed + j->seeds - 1), (long long)j->steps);
  if (report_table(stdout, j->accuracy, (size_t)j->seeds))
    return complain("out of memory", "table");
  return fflush(stdout) || ferror(stdout) ? complain("cannot write it", "standard output") : 0;
}

static int start_job(Job *j, const char *data) {
  const Task *task = task_find(data);
  if (!task) {
    fprintf(stderr, "dann: --data takes blobs or moons, not '%s'\n", data);
    return USAGE;
  }
  if (!j->steps) j->steps = task->steps;
  j->accuracy = calloc((size_t)j->seeds, sizeof *j->accuracy);
  if (!j->accuracy || run_new(&j->run, task)) return complain("out of memory", "start");
  start_run(j);
  return 0;
}

/* What is settled by a checkpoint cannot be asked for anew. */
static int settled(const Option *table, int n) {
  static const char *const names[] = {"data",  "seed",       "seeds", "steps",
                                      "alpha", "checkpoint", "plot"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (option_given(table, n, names[i])) {
      fprintf(stderr, "dann: --%s cannot stand beside --resume\n", names[i]);
      return 1;
    }
  return 0;
}

static int run_job(Job *j) {
  const struct sigaction action = {.sa_handler = interrupt};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  j->terminal = isatty(STDERR_FILENO);
  int status = open_files(j);
  if (!status) status = train(j);
  if (!status) status = tell_end(j);
  int closed = close_files(j);
  return status ? status : closed;
}

int main(int argc, char **argv) {
  Job j = {.first_seed = 1, .seeds = 20, .every = 1000, .strength = 1};
  const char *data = "blobs", *from = NULL;
  int wants_help = 0;
  Option table[] = {
    {"data", OPTION_TEXT, &data, 0, 0},          {"seed", OPTION_COUNT, &j.first_seed, 0, 0},
    {"seeds", OPTION_COUNT, &j.seeds, 1, 0},     {"steps", OPTION_COUNT, &j.steps, 1, 0},
    {"alpha", OPTION_REAL, &j.strength, 0, 0},   {"checkpoint", OPTION_TEXT, &j.checkpoint, 0, 0},
    {"every", OPTION_COUNT, &j.every, 1, 0},     {"resume", OPTION_TEXT, &from, 0, 0},
    {"stop", OPTION_COUNT, &j.stop, 1, 0},       {"log", OPTION_TEXT, &j.log_path, 0, 0},
    {"plot", OPTION_TEXT, &j.plot, 0, 0},        {"help", OPTION_HELP, &wants_help, 0, 0},
  };
  const int n = sizeof table / sizeof *table;
  if (options_read(argc, argv, "dann", table, n)) return USAGE;
  if (wants_help) return fputs(help, stdout) < 0;
  if (from && settled(table, n)) return USAGE;
  int status = from ? resume(&j, from) : start_job(&j, data);
  if (from) j.checkpoint = from;
  if (!status) status = run_job(&j);
  run_free(&j.run);
  free(j.accuracy);
  return status;
}
