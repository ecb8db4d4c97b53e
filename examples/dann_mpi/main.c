/* main.c - one training of ../dann, shared out over the processes of MPI.  README.md says
 * more; --help lists the options. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../dann/options.h"
#include "parallel.h"

static const char help[] =
  "dann_mpi - domain-adversarial training on the processes of MPI\n"
  "\n"
  "  mpirun -n 4 ./dann_mpi [options]      (8 must be a multiple of the number of ranks)\n"
  "\n"
  "  --data NAME        blobs (as it starts) or moons\n"
  "  --seed N           of data, weights and batches (1)\n"
  "  --steps N          of the training (blobs 10000, moons 5000)\n"
  "  --alpha A          what alpha, the strength of the reversal, grows to (1)\n"
  "  --checkpoint FILE  keeps the state in FILE, an .npz archive\n"
  "  --every N          steps between two checkpoints (1000)\n"
  "  --resume FILE      goes on from a checkpoint, and keeps the state there\n"
  "  --stop N           ends after N steps\n"
  "  --agree N          steps between two looks at whether all ranks are alike (100)\n"
  "  --log FILE         the losses of every step, in columns\n"
  "  --help             this text\n"
  "\n"
  "Status: 0 done, 1 something failed, 2 the command line is wrong, 3 the checkpoint is\n"
  "refused.\n";

enum { FAILED = 1, USAGE = 2, REFUSED = 3 };

typedef struct Job {
  const char *data, *from, *checkpoint, *log_path;
  int64_t seed, steps, every, stop, agree;
  double strength;
  Run run;
  Parallel parallel;
  FILE *log;        /* rank 0's */
  int terminal;
} Job;

/* Ends all ranks. */
static void give_up(const Job *j, const char *what) {
  fprintf(stderr, "dann_mpi: rank %d: step %lld: %s\n", j->parallel.rank, (long long)j->run.step,
          what);
  MPI_Abort(MPI_COMM_WORLD, FAILED);
}

/* ---- checkpoints: rank 0 writes and reads them ------------------------------------------- */

static void save(const Job *j) {
  const int64_t ranks = j->parallel.ranks;
  Npz z;
  if (!j->checkpoint || j->parallel.rank != 0) return;
  npz_create(&z, j->checkpoint);
  run_save(&j->run, &z);
  npz_put(&z, "ranks", "i8", 0, NULL, &ranks);
  if (npz_finish(&z)) give_up(j, z.error);
}

static int load(Job *j, int ranks) {
  int64_t before = 0;
  Npz z;
  int status = npz_open(&z, j->from) || run_load(&j->run, &z) ? REFUSED : 0;
  if (!status && !npz_has(&z, "ranks")) {
    fprintf(stderr, "dann_mpi: %s: it is a checkpoint of dann\n", j->from);
    status = REFUSED;
  } else if (status || npz_get(&z, "ranks", "i8", 0, NULL, &before)) {
    fprintf(stderr, "dann_mpi: %s\n", z.error);
    status = REFUSED;
  } else if (before != ranks) {
    fprintf(stderr, "dann_mpi: %s: it was written by %lld ranks: with %d the last bits differ\n",
            j->from, (long long)before, ranks);
  }
  npz_close(&z);
  return status;
}

/* What rank 0 has read becomes everybody's. */
static void share_state(Job *j, int rank) {
  Run *r = &j->run;
  int64_t task = rank == 0 ? r->task - tasks : 0;
  int64_t state[] = {task, (int64_t)r->seed, r->steps, r->step, (int64_t)r->data_stream.state,
                     (int64_t)r->weight_stream.state, (int64_t)r->batch_stream.state};
  const int n = sizeof state / sizeof *state;
  MPI_Bcast(state, n, MPI_INT64_T, 0, MPI_COMM_WORLD);
  MPI_Bcast(&r->strength, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  if (rank != 0) {
    double strength = r->strength;
    if (run_new(r, &tasks[state[0]])) give_up(j, "out of memory");
    run_start(r, (uint64_t)state[1], state[2], strength);
    r->step = state[3];
    r->data_stream.state = (uint32_t)state[4];
    r->weight_stream.state = (uint32_t)state[5];
    r->batch_stream.state = (uint32_t)state[6];
  }
  MPI_Bcast(r->weight, (int)r->weights, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  MPI_Bcast(r->momentum, (int)r->weights, MPI_DOUBLE, 0, MPI_COMM_WORLD);
}

static int resume(Job *j, int rank, int ranks) {
  int status = rank == 0 ? load(j, ranks) : 0;
  MPI_Bcast(&status, 1, MPI_INT, 0, MPI_COMM_WORLD);
  if (status) return status;
  j->checkpoint = j->from;
  share_state(j, rank);
  return 0;
}

/* ---- training ----------------------------------------------------------------------------- */

static void tell_step(const Job *j) {
  const Run *r = &j->run;
  if (j->log) fprintf(j->log, "%lld %.17g %.17g\n", (long long)r->step - 1, r->loss[0], r->loss[1]);
  if (j->terminal && r->step % 100 == 0)
    fprintf(stderr, "\r\033[K%s  %d ranks  step %lld of %lld  class %.3f  domain %.3f",
            r->task->name, j->parallel.ranks, (long long)r->step, (long long)r->steps, r->loss[0],
            r->loss[1]);
}

static void train(Job *j) {
  Run *r = &j->run;
  int64_t end = j->stop > 0 && j->stop < r->steps - r->step ? r->step + j->stop : r->steps;
  while (r->step < end) {
    if (parallel_step(&j->parallel, r)) give_up(j, "a check of model.gc failed");
    tell_step(j);
    if ((r->step % j->agree == 0 || r->step == end) && !parallel_agree(parallel_hash(r)))
      give_up(j, "the ranks are not alike any more");
    if (r->step % j->every == 0 || r->step == end) save(j);
  }
}

static int tell_end(Job *j) {
  const Run *r = &j->run;
  double accuracy[MEASURES];
  if (j->terminal) fputs("\r\033[K", stderr);
  if (run_measure(&j->run, accuracy, NULL)) give_up(j, "a check of model.gc failed");
  printf("%s: seed %lld, step %lld of %lld\n", r->task->name, (long long)r->seed,
         (long long)r->step, (long long)r->steps);
  printf("accuracy: source %.3f, target %.3f, domain %.3f\n", accuracy[SOURCE], accuracy[TARGET],
         accuracy[DOMAIN]);
  printf("weights on all ranks: %016llx\n", (unsigned long long)parallel_hash(r));
  return fflush(stdout) || ferror(stdout) ? FAILED : 0;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int start(Job *j, int rank) {
  const Task *task = task_find(j->data);
  if (!task) {
    if (rank == 0) fprintf(stderr, "dann_mpi: --data takes blobs or moons, not '%s'\n", j->data);
    return USAGE;
  }
  if (run_new(&j->run, task)) give_up(j, "out of memory");
  run_start(&j->run, (uint64_t)j->seed, j->steps ? j->steps : task->steps, j->strength);
  return 0;
}

static int open_log(Job *j) {
  if (!j->log_path) return 0;
  j->log = fopen(j->log_path, "w");
  if (j->log) return fputs("# step class domain\n", j->log) < 0;
  fprintf(stderr, "dann_mpi: %s: %s\n", j->log_path, strerror(errno));
  return FAILED;
}

static int close_log(Job *j) {
  if (!j->log) return 0;
  int bad = ferror(j->log);
  if (!(fclose(j->log) || bad)) return 0;
  fprintf(stderr, "dann_mpi: %s: cannot write it\n", j->log_path);
  return FAILED;
}

static int run_job(Job *j, int rank, int ranks) {
  if (BATCH % ranks) {
    if (rank == 0)
      fprintf(stderr, "dann_mpi: %d points cannot be shared by %d ranks\n", BATCH, ranks);
    return USAGE;
  }
  int status = j->from ? resume(j, rank, ranks) : start(j, rank);
  if (!status && rank == 0) status = open_log(j);
  MPI_Bcast(&status, 1, MPI_INT, 0, MPI_COMM_WORLD);
  if (status) return status;
  if (parallel_new(&j->parallel, &j->run, rank, ranks)) give_up(j, "out of memory");
  j->terminal = rank == 0 && isatty(STDERR_FILENO);
  if (rank == 0 && j->checkpoint)
    fprintf(stderr, "dann_mpi: should it end early, --resume %s goes on\n", j->checkpoint);
  train(j);
  if (rank != 0) return 0;
  status = tell_end(j);
  return close_log(j) | status;
}

static int settled(const Option *table, int n, int rank) {
  static const char *const names[] = {"data", "seed", "steps", "alpha", "checkpoint"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (option_given(table, n, names[i])) {
      if (rank == 0)
        fprintf(stderr, "dann_mpi: --%s cannot stand beside --resume\n", names[i]);
      return 1;
    }
  return 0;
}

/* Rank 0 speaks for all where the command line is wrong. */
static int read_options(Job *j, int argc, char **argv, int rank, int *wants_help) {
  Option table[] = {
    {"data", OPTION_TEXT, &j->data, 0, 0},         {"seed", OPTION_COUNT, &j->seed, 0, 0},
    {"steps", OPTION_COUNT, &j->steps, 1, 0},      {"alpha", OPTION_REAL, &j->strength, 0, 0},
    {"checkpoint", OPTION_TEXT, &j->checkpoint, 0, 0}, {"every", OPTION_COUNT, &j->every, 1, 0},
    {"resume", OPTION_TEXT, &j->from, 0, 0},       {"stop", OPTION_COUNT, &j->stop, 1, 0},
    {"agree", OPTION_COUNT, &j->agree, 1, 0},      {"log", OPTION_TEXT, &j->log_path, 0, 0},
    {"help", OPTION_HELP, wants_help, 0, 0},
  };
  const int n = sizeof table / sizeof *table;
  if (options_read(argc, argv, rank == 0 ? "dann_mpi" : NULL, table, n)) return USAGE;
  return j->from && settled(table, n, rank) ? USAGE : 0;
}

int main(int argc, char **argv) {
  Job j = {.data = "blobs", .seed = 1, .every = 1000, .agree = 100, .strength = 1};
  int rank, ranks, wants_help = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  j.parallel.rank = rank;
  int status = read_options(&j, argc, argv, rank, &wants_help);
  if (!status && wants_help && rank == 0) status = fputs(help, stdout) < 0;
  if (!status && !wants_help) status = run_job(&j, rank, ranks);
  parallel_free(&j.parallel);
  run_free(&j.run);
  MPI_Finalize();
  return status;
}
