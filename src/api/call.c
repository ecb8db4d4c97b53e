/* call.c - one call of a function: its arguments, its results, its working memory.
 *
 * What was set is compared with the signature once, by the first run after it (`ready`);
 * a run after that only calls the code. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/private.h"

enum { HOT_NS = 50000000 };

/* An array that the host bound, or a result that the call keeps. */
typedef struct Bound {
  bool set;
  void *data;
  int64_t *shape;         /* of the leaf's rank */
  uint32_t rank;
  void *own;              /* memory of the call, `room` bytes */
  size_t room;
  double cell;            /* a scalar result (float, double, int64_t) */
} Bound;

struct gradc_call {
  JitRun run;             /* what the code gets as its host */
  gradc_function *f;
  Pool pool;
  JitArg *in;             /* of each parameter of the root */
  void **out;             /* of each result */
  void **place;           /* of those that the code is given a place for */
  void **eval_out;        /* the same for gradc_eval */
  void *work;
  size_t work_room;
  Bound *input, *output;
  JitEntry entry;         /* the code that runs, and its workspace */
  JitWork work_of;
  bool second;            /* it is the faster one */
  bool ready;             /* what was set fits the signature */
  bool placed;            /* the workspace is large enough */
  bool eval_ready, ran;
  int64_t trips;
  int64_t *size_set;      /* by gradc_set_size; -1: not */
  int64_t *value;         /* of each slot of the sizes */
  bool *known;
  const char **told_by;   /* which input told a slot */
  double *eval_room;      /* float results of gradc_eval, and their offsets */
  size_t *eval_at, eval_count;
  gradc_note note;
  char text[640];
};

/* ---- messages ------------------------------------------------------------------ */

static int say(gradc_call *c, int code, const char *fmt, ...) GC_PRINTF(3, 4);

static int say(gradc_call *c, int code, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(c->text, sizeof c->text, fmt, args);
  va_end(args);
  c->note = no_note;
  c->note.code = code;
  c->note.message = c->note.full = c->text;
  return code;
}

/* A text "x" as "x", cut where it is very long. */
#define NAME "`%.80s`"

static int out_of_memory(gradc_call *c) {
  return say(c, GRADC_NOMEM, "%s", gradc_code_text(GRADC_NOMEM));
}

static int by_ref(const Site *s, Ref r) {
  return s->ref < r ? -1 : s->ref > r;
}

static const Site *site_of(const gradc_function *f, Ref r) {
  uint32_t low = 0, high = f->nsites;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = by_ref(&f->site[middle], r);
    if (order == 0) return &f->site[middle];
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return NULL;
}

static void on_fail(JitRun *run, unsigned node, int axis, long long index, long long size) {
  gradc_call *c = (gradc_call *)run;
  const Site *s = site_of(c->f, node);
  char what[400], place[120] = "";
  if (!s) {
    say(c, GRADC_ERROR, "a check failed");
    return;
  }
  jit_site_text(&s->site, axis, index, size, what, sizeof what);
  if (s->line) snprintf(place, sizeof place, "%.80s:%u:%u: ", s->file, s->line, s->column);
  say(c, GRADC_ERROR, "%s%s", place, what);
  c->note.message = c->text + strlen(place);
  c->note.file = s->file;
  c->note.line = s->line;
  c->note.column = s->column;
}

static void on_no_memory(JitRun *run, double bytes) {
  gradc_call *c = (gradc_call *)run;
  if (run->status == GC_LIMIT)
    say(c, GRADC_LIMIT, "an array of %.0f bytes is over the limit of memory", bytes);
  else
    out_of_memory(c);
}

const gradc_note *gradc_call_message(const gradc_call *c) { return &c->note; }

/* A call's results that come late; the texts' other effects are not heard. */
static int on_effect(JitRun *run, unsigned node, const JitLeaf *leaf, unsigned n);

/* ---- a new call ------------------------------------------------------------------ */

static Bound *bounds_new(Pool *p, const Leaf *leaf, uint32_t n) {
  Bound *b = pool_take(p, sizeof *b * (n + 1));
  for (uint32_t k = 0; b && k < n; k++) {
    b[k].rank = leaf[k].pub.rank;
    b[k].shape = pool_take(p, sizeof(int64_t) * (b[k].rank + 1));
    if (!b[k].shape) return NULL;
  }
  return b;
}

static bool make_parts(gradc_call *c, const gradc_function *f) {
  Pool *p = &c->pool;
  uint32_t slots = f->sizes.nslots;
  c->in = pool_take(p, sizeof *c->in * (f->nparams + 1));
  c->out = pool_take(p, sizeof *c->out * (f->noutputs + 1));
  c->place = pool_take(p, sizeof *c->place * (f->noutputs + 1));
  c->eval_out = pool_take(p, sizeof *c->eval_out * (f->noutputs + 1));
  c->eval_at = pool_take(p, sizeof *c->eval_at * (f->noutputs + 1));
  c->input = bounds_new(p, f->input, f->ninputs);
  c->output = bounds_new(p, f->output, f->noutputs);
  c->size_set = pool_take(p, sizeof *c->size_set * (f->sizes.nvars + 1));
  c->value = pool_take(p, sizeof *c->value * (slots + 1));
  c->known = pool_take(p, slots + 1);
  c->told_by = pool_take(p, sizeof *c->told_by * (slots + 1));
  return c->in && c->out && c->place && c->eval_out && c->eval_at && c->input && c->output && c->size_set &&
         c->value && c->known && c->told_by;
}

gradc_call *gradc_call_new(gradc_function *f) {
  if (!f || !f->entry) return NULL;
  Pool pool = {.alloc = f->pool.alloc, .user = f->pool.user};
  gradc_call *c = pool_take(&pool, sizeof *c);
  if (!c) return NULL;
  c->pool = pool;
  if (!make_parts(c, f)) {
    pool_free(&c->pool);
    return NULL;
  }
  for (uint32_t k = 0; k < f->sizes.nvars; k++) c->size_set[k] = -1;
  c->f = gradc_retain(f);
  c->entry = f->entry;
  c->work_of = f->work;
  c->note = no_note;
  c->run = (JitRun){.alloc = pool.alloc, .alloc_user = pool.user, .effect = on_effect,
                    .fail = on_fail, .no_memory = on_no_memory};
  c->run.stop.flag = &jit_never;
  gradc_set_trips(c, f->trips);
  return c;
}

static void drop(gradc_call *c, void *block, size_t room) {
  if (block) c->pool.alloc(c->pool.user, block, room, 0);
}

void gradc_call_free(gradc_call *c) {
  if (!c) return;
  gradc_function *f = c->f;
  for (uint32_t k = 0; k < f->noutputs; k++) drop(c, c->output[k].own, c->output[k].room);
  drop(c, c->work, c->work_room);
  drop(c, c->eval_room, sizeof(double) * c->eval_count);
  pool_free(&c->pool);
  gradc_release(f);
}

void gradc_set_stop(gradc_call *c, const volatile int *flag) {
  c->run.stop.flag = flag ? flag : &jit_never;
}

void gradc_set_trips(gradc_call *c, uint64_t trips) {
  c->trips = trips && trips < INT64_MAX ? (int64_t)trips : INT64_MAX;
}

/* ---- arguments --------------------------------------------------------------------- */

static const char *const kind_names[] = {"real", "int", "bool"};

/* Is input k a scalar that takes such a number? */
static int check_scalar(gradc_call *c, size_t k, bool is_real) {
  if (k >= c->f->ninputs) return say(c, GRADC_USAGE, "there is no input number %zu", k);
  const gradc_leaf *leaf = &c->f->input[k].pub;
  if (leaf->rank)
    return say(c, GRADC_USAGE, NAME " is an array %.80s, not one number", leaf->name, leaf->shape);
  if (is_real && leaf->kind != GRADC_REAL)
    return say(c, GRADC_USAGE, NAME " is %s and takes no real", leaf->name,
               kind_names[leaf->kind]);
  return GRADC_OK;
}

int gradc_set_real(gradc_call *c, size_t k, double x) {
  if (k < c->f->ninputs && c->input[k].set && c->f->input[k].pub.kind == GRADC_REAL &&
      !c->f->input[k].pub.rank) {
    c->in[c->f->input[k].param].r = x;
    return GRADC_OK;
  }
  int status = check_scalar(c, k, true);
  if (status) return status;
  c->in[c->f->input[k].param].r = x;
  c->input[k].set = true;
  return GRADC_OK;
}

int gradc_set_int(gradc_call *c, size_t k, int64_t x) {
  int status = check_scalar(c, k, false);
  if (status) return status;
  const gradc_leaf *leaf = &c->f->input[k].pub;
  if (leaf->kind == GRADC_REAL) return gradc_set_real(c, k, (double)x);
  JitArg *in = &c->in[c->f->input[k].param];
  int64_t to = leaf->kind == GRADC_BOOL ? x != 0 : x;
  if (c->input[k].set && in->i == to) return GRADC_OK;
  in->i = to;
  c->ready &= c->input[k].set && !c->f->input[k].in_shapes;
  c->input[k].set = true;
  c->placed = false;
  return GRADC_OK;
}

static int check_rank(gradc_call *c, const gradc_leaf *leaf, unsigned rank, const int64_t *shape) {
  if (leaf->rank != rank)
    return say(c, GRADC_USAGE, NAME " has %u ax%s %.80s, not %u", leaf->name, leaf->rank,
               leaf->rank == 1 ? "is" : "es", leaf->shape, rank);
  for (unsigned k = 0; k < rank; k++)
    if (!shape || shape[k] < 0)
      return say(c, GRADC_USAGE, "axis %u of " NAME " has no size", k, leaf->name);
  return GRADC_OK;
}

static bool same_shape(const Bound *b, const int64_t *shape) {
  for (uint32_t d = 0; d < b->rank; d++)
    if (b->shape[d] != shape[d]) return false;
  return true;
}

/* Was it bound to memory of this shape before?  Then nothing but its address is new. */
static bool is_bound(const Bound *b, const void *data, unsigned rank, const int64_t *shape) {
  return data && b->set && b->rank == rank && (!rank || shape) && same_shape(b, shape);
}

int gradc_set_array(gradc_call *c, size_t k, const void *data, unsigned rank,
                    const int64_t *shape) {
  if (k >= c->f->ninputs) return say(c, GRADC_USAGE, "there is no input number %zu", k);
  const gradc_leaf *leaf = &c->f->input[k].pub;
  Bound *b = &c->input[k];
  if (leaf->rank && is_bound(b, data, rank, shape)) {
    c->in[c->f->input[k].param].p = data;
    return GRADC_OK;
  }
  if (leaf->rank == 0)
    return say(c, GRADC_USAGE, NAME " is one number: use gradc_set_real or gradc_set_int",
               leaf->name);
  int status = check_rank(c, leaf, rank, shape);
  if (status) return status;
  bool empty = false;
  for (unsigned d = 0; d < rank; d++) empty |= shape[d] == 0;
  if (!data && !empty) return say(c, GRADC_USAGE, NAME " has no address", leaf->name);
  if (!b->set || !same_shape(b, shape)) c->ready = false;
  memcpy(b->shape, shape, sizeof *shape * rank);
  b->set = true;
  c->in[c->f->input[k].param].p = data;
  return GRADC_OK;
}

int gradc_set_size(gradc_call *c, size_t k, int64_t n) {
  if (k >= c->f->sizes.nvars) return say(c, GRADC_USAGE, "there is no size number %zu", k);
  if (n < 0) return say(c, GRADC_USAGE, "size " NAME " is negative", c->f->sizes.name[k]);
  c->size_set[k] = n;
  c->ready = false;
  return GRADC_OK;
}

int gradc_set_output(gradc_call *c, size_t k, void *data, unsigned rank, const int64_t *shape) {
  if (k >= c->f->noutputs) return say(c, GRADC_USAGE, "there is no result number %zu", k);
  Bound *b = &c->output[k];
  c->ran = false;
  if (is_bound(b, data, rank, shape) && !c->f->output[k].late) {
    b->data = c->out[k] = c->place[c->f->output[k].place] = data;
    return GRADC_OK;
  }
  if (data) {
    int status = check_rank(c, &c->f->output[k].pub, rank, shape);
    if (status) return status;
    if (rank) memcpy(b->shape, shape, sizeof *shape * rank);
  }
  b->data = data;
  b->set = data != NULL;
  c->ready = false;
  return GRADC_OK;
}

/* ---- sizes and shapes ----------------------------------------------------------------- */

static int need_inputs(gradc_call *c) {
  for (uint32_t k = 0; k < c->f->ninputs; k++)
    if (!c->input[k].set)
      return say(c, GRADC_USAGE, "input " NAME " is not set", c->f->input[k].pub.name);
  return GRADC_OK;
}

static void start_sizes(gradc_call *c) {
  const gradc_function *f = c->f;
  for (uint32_t k = 0; k < f->sizes.nslots; k++) {
    const Slot *s = &f->sizes.slot[k];
    c->known[k] = false;
    c->told_by[k] = NULL;
    if (!s->is_var) continue;
    uint32_t param = f->sizes.param[s->var];
    bool set = c->size_set[s->var] >= 0;
    for (uint32_t j = 0; j < f->ninputs; j++)
      if (f->input[j].param == param) {
        c->value[k] = c->in[param].i;
        c->known[k] = true;
        c->told_by[k] = "";
        set = false;
      }
    if (!set) continue;
    c->value[k] = c->size_set[s->var];
    c->known[k] = true;
    c->told_by[k] = "";
  }
}

static int bad_axis(gradc_call *c, const gradc_leaf *leaf, uint32_t axis, int64_t n) {
  return say(c, GRADC_USAGE, "axis %u of " NAME " is %lld long, which does not fit its shape %.80s",
             axis, leaf->name, (long long)n, leaf->shape);
}

/* Finds sizes from the shapes of arguments until nothing new is found. */
static int find_sizes(gradc_call *c) {
  const gradc_function *f = c->f;
  bool again = true;
  while (again) {
    again = false;
    shape_values(&f->sizes, c->value, c->known);
    for (uint32_t k = 0; k < f->ninputs; k++)
      for (uint32_t d = 0; d < c->input[k].rank; d++) {
        const Formula *dim = &f->input[k].dim[d];
        int found = shape_solve(&f->sizes, dim, c->input[k].shape[d], c->value, c->known);
        if (found < 0) return bad_axis(c, &f->input[k].pub, d, c->input[k].shape[d]);
        if (found == 0) continue;
        again = true;
        for (uint32_t s = 0; s < f->sizes.nslots; s++)
          if (c->known[s] && f->sizes.slot[s].is_var && !c->told_by[s])
            c->told_by[s] = f->input[k].pub.name;
      }
  }
  return GRADC_OK;
}

static int need_sizes(gradc_call *c) {
  const Sizes *s = &c->f->sizes;
  for (uint32_t k = 0; k < s->nslots; k++) {
    const char *name = s->slot[k].is_var ? s->name[s->slot[k].var] : "";
    if (!c->known[k] && s->slot[k].is_var)
      return say(c, GRADC_USAGE, "no shape tells the size " NAME ": use gradc_set_size", name);
    if (!c->known[k]) return say(c, GRADC_USAGE, "a size is divided by zero");
    if (s->slot[k].is_var && c->value[k] < 0)
      return say(c, GRADC_USAGE, "the size " NAME " is negative: %lld", name,
                 (long long)c->value[k]);
  }
  return GRADC_OK;
}

/* "[n, d] with n = 3 from `x`" */
static void explain(const gradc_call *c, const Formula *d, char *to, size_t room) {
  *to = 0;
  const Sizes *s = &c->f->sizes;
  for (uint32_t i = 0; i < d->n; i++)
    for (uint32_t j = 0; j < d->term[i].n; j++) {
      uint32_t k = d->term[i].slot[j];
      size_t n = strlen(to);
      if (!s->slot[k].is_var || n + 1 >= room) continue;
      snprintf(to + n, room - n, "%s%.40s = %lld", n ? ", " : " for ", s->name[s->slot[k].var],
               (long long)c->value[k]);
      n = strlen(to);
      if (c->told_by[k] && *c->told_by[k] && n + 1 < room)
        snprintf(to + n, room - n, " (from `%.40s`)", c->told_by[k]);
    }
}

static int check_shape(gradc_call *c, const Leaf *leaf, const Bound *b) {
  for (uint32_t d = 0; d < b->rank; d++) {
    int64_t n;
    if (!shape_eval(&leaf->dim[d], c->value, &n) || n < 0)
      return bad_axis(c, &leaf->pub, d, b->shape[d]);
    if (n == b->shape[d]) continue;
    char why[200];
    explain(c, &leaf->dim[d], why, sizeof why);
    return say(c, GRADC_USAGE, "axis %u of " NAME " is %lld long; its shape %.80s asks for %lld%s",
               d, leaf->pub.name, (long long)b->shape[d], leaf->pub.shape, (long long)n, why);
  }
  return GRADC_OK;
}

/* ---- memory ------------------------------------------------------------------------------ */

static size_t element(const gradc_function *f, const Leaf *leaf) {
  return leaf->pub.kind == GRADC_REAL && f->is_float ? sizeof(float) : 8;
}

static double room_left(const gradc_call *c) {
  double used = (double)c->work_room;
  for (uint32_t k = 0; k < c->f->noutputs; k++) used += (double)c->output[k].room;
  double limit = c->f->memory ? (double)c->f->memory : 1e15;
  return limit - used;
}

/* At least so many bytes at *block, whose content is lost, and to align an array in them. */
static int make_room(gradc_call *c, void **block, size_t *room, double bytes) {
  if (bytes > 0) bytes += JIT_ALIGN;
  if (bytes <= (double)*room) return GRADC_OK;
  drop(c, *block, *room);
  *block = NULL;
  *room = 0;
  if (bytes > room_left(c)) {
    c->run.status = GC_LIMIT;
    on_no_memory(&c->run, bytes);
    return GRADC_LIMIT;
  }
  *block = c->pool.alloc(c->pool.user, NULL, 0, (size_t)bytes);
  if (!*block) return out_of_memory(c);
  *room = (size_t)bytes;
  return GRADC_OK;
}

/* The shape of a result that the call keeps, and memory for it. */
static int place_output(gradc_call *c, uint32_t k) {
  const Leaf *leaf = &c->f->output[k];
  Bound *b = &c->output[k];
  double bytes = (double)element(c->f, leaf);
  if (b->rank == 0) {
    c->out[k] = &b->cell;
    return GRADC_OK;
  }
  for (uint32_t d = 0; d < b->rank; d++) {
    if (!shape_eval(&leaf->dim[d], c->value, &b->shape[d]) || b->shape[d] < 0)
      return say(c, GRADC_USAGE, "result " NAME " has no shape %.80s for these sizes",
                 leaf->pub.name, leaf->pub.shape);
    bytes *= (double)b->shape[d];
  }
  int status = make_room(c, &b->own, &b->room, bytes > 0 ? bytes : 1);
  c->out[k] = jit_aligned(b->own);
  return status;
}

static int place_outputs(gradc_call *c) {
  for (uint32_t k = 0; k < c->f->noutputs; k++) {
    Bound *b = &c->output[k];
    if (c->f->output[k].late) continue;
    int status = b->set ? check_shape(c, &c->f->output[k], b) : place_output(c, k);
    if (status) return status;
    if (b->set) c->out[k] = b->data;
    c->place[c->f->output[k].place] = c->out[k];
  }
  return GRADC_OK;
}

static int place_work(gradc_call *c) {
  int status = make_room(c, &c->work, &c->work_room, c->work_of(c->in));
  c->run.memory = room_left(c);
  c->placed = !status;
  return status;
}

static int check_inputs(gradc_call *c) {
  for (uint32_t k = 0; k < c->f->ninputs; k++) {
    int status = check_shape(c, &c->f->input[k], &c->input[k]);
    if (status) return status;
  }
  return GRADC_OK;
}

static void pass_sizes(gradc_call *c) {
  const Sizes *s = &c->f->sizes;
  for (uint32_t k = 0; k < s->nslots; k++)
    if (s->slot[k].is_var) c->in[s->param[s->slot[k].var]].i = c->value[k];
}

/* ---- results that come late ---------------------------------------------------------------- */

static int check_late(gradc_call *c, const Leaf *leaf, const Bound *b, const int64_t *dim) {
  for (uint32_t d = 0; d < b->rank; d++)
    if (b->shape[d] != dim[d])
      return say(c, GRADC_USAGE, "axis %u of " NAME " came out %lld long; its memory has %lld", d,
                 leaf->pub.name, (long long)dim[d], (long long)b->shape[d]);
  return GRADC_OK;
}

/* Copies an array that the code is about to give up. */
static int take_late(gradc_call *c, uint32_t k, const JitLeaf *from) {
  const Leaf *leaf = &c->f->output[k];
  Bound *b = &c->output[k];
  double bytes = (double)element(c->f, leaf);
  for (uint32_t d = 0; d < b->rank; d++) bytes *= (double)from->dim[d];
  int status = b->set ? check_late(c, leaf, b, from->dim)
                      : make_room(c, &b->own, &b->room, bytes > 0 ? bytes : 1);
  c->out[k] = b->set ? b->data : jit_aligned(b->own);
  if (status) return status;
  memcpy(b->shape, from->dim, sizeof *b->shape * b->rank);
  if (bytes > 0) memcpy(c->out[k], from->v.p, (size_t)bytes);
  return GRADC_OK;
}

static int on_effect(JitRun *run, unsigned node, const JitLeaf *leaf, unsigned n) {
  gradc_call *c = (gradc_call *)run;
  for (uint32_t k = 0; n == 1 && k < c->f->noutputs; k++)
    if (c->f->output[k].late == node) return take_late(c, k, leaf);
  return 0;
}

/* Everything that has to be found out when an argument has changed. */
static int prepare(gradc_call *c) {
  int status = need_inputs(c);
  start_sizes(c);
  if (!status) status = find_sizes(c);
  if (!status) status = need_sizes(c);
  if (!status) status = check_inputs(c);
  if (!status) pass_sizes(c);
  if (!status) status = place_outputs(c);
  if (!status) status = place_work(c);
  c->ready = !status;
  return status;
}

/* ---- running --------------------------------------------------------------------------------- */

static int failed(gradc_call *c) {
  int status = c->run.status;
  if (status == GC_STOPPED) say(c, status, "the call was stopped");
  else if (status == GC_LIMIT && c->run.stop.trips < 0)
    say(c, status, "the loops have used up the %lld trips they may take", (long long)c->trips);
  else if (!c->note.code) say(c, GRADC_ERROR, "a check failed");
  return c->note.code;
}

/* The faster code, from when it is there on; its workspace may be another. */
static void renew(gradc_call *c) {
  const JitTier *t = c->f->tier;
  const JitCode *code = t && !c->second ? jit_tier_code(t) : NULL;
  if (!code) return;
  c->entry = code->entry;
  c->work_of = code->work;
  c->second = true;
  c->ready = c->eval_ready = false;
}

static uint64_t nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Calls of any threads count together: a function that is hot gets its second code. */
static void spent(gradc_function *f, uint64_t time) {
  if (atomic_fetch_add_explicit(&f->spent, time, memory_order_relaxed) + time > HOT_NS)
    jit_tier_start(f->tier, 0, NULL);
}

static int call_code(gradc_call *c, void *const *out) {
  bool watched = c->f->tier && !jit_tier_started(c->f->tier);
  uint64_t start = watched ? nanoseconds() : 0;
  c->run.stop.trips = c->trips;
  c->run.status = GC_OK;
  if (c->note.code) c->note = no_note;
  int bad = c->entry(c->in, out, jit_aligned(c->work), &c->run);
  if (watched) spent(c->f, nanoseconds() - start);
  if (c->run.temps) jit_release(&c->run);
  return bad ? failed(c) : GRADC_OK;
}

int gradc_run(gradc_call *c) {
  renew(c);
  if (!c->ready || !c->placed) {
    c->ran = false;
    int status = c->ready ? place_work(c) : prepare(c);
    if (status) return status;
  }
  c->ran = true;
  return call_code(c, c->place);
}

/* The places of the results behind each other, once. */
static int prepare_eval(gradc_call *c) {
  const gradc_function *f = c->f;
  if (!f->flat)
    return say(c, GRADC_USAGE, "gradc_eval takes functions from real scalars to reals");
  double total = 0;
  for (uint32_t k = 0; k < f->noutputs; k++) {
    double n = 1;
    int64_t dim;
    c->eval_at[k] = (size_t)total;
    for (uint32_t d = 0; d < f->output[k].pub.rank; d++) {
      if (!shape_eval(&f->output[k].dim[d], c->value, &dim) || dim < 0)
        return say(c, GRADC_USAGE, "result " NAME " has no shape", f->output[k].pub.name);
      n *= (double)dim;
    }
    total += n;
    if (total > 1e15) return say(c, GRADC_LIMIT, "the results are too large");
  }
  c->eval_at[f->noutputs] = (size_t)total;
  size_t room = sizeof(double) * c->eval_count;
  if (f->is_float) {
    void *block = c->eval_room;
    int status = make_room(c, &block, &room, 8 * (total + 1));
    c->eval_room = block;
    c->eval_count = room / sizeof(double);
    if (status) return status;
    for (uint32_t k = 0; k < f->noutputs; k++)
      c->eval_out[k] = (float *)(void *)c->eval_room + c->eval_at[k];
  }
  int status = place_work(c);
  c->eval_ready = !status;
  return status;
}

static int eval_float(gradc_call *c, double *y) {
  int status = call_code(c, c->eval_out);
  const float *from = (const float *)(const void *)c->eval_room;
  for (size_t k = 0; !status && k < c->eval_at[c->f->noutputs]; k++) y[k] = (double)from[k];
  return status;
}

int gradc_eval(gradc_call *c, const double *x, double *y) {
  renew(c);
  if (!c->eval_ready) {
    int status = prepare_eval(c);
    if (status) return status;
  }
  const gradc_function *f = c->f;
  for (uint32_t k = 0; k < f->ninputs; k++) {
    c->in[k].r = x[k];
    c->input[k].set = true;
  }
  if (f->is_float) return eval_float(c, y);
  for (uint32_t k = 0; k < f->noutputs; k++) c->eval_out[k] = y + c->eval_at[k];
  return call_code(c, c->eval_out);
}

/* ---- results ----------------------------------------------------------------------------------- */

static bool has_scalar(const gradc_call *c, size_t k) {
  return c->ran && k < c->f->noutputs && c->output[k].rank == 0;
}

double gradc_real(const gradc_call *c, size_t k) {
  if (!has_scalar(c, k)) return 0;
  const void *at = c->out[k];
  if (c->f->output[k].pub.kind != GRADC_REAL) return (double)*(const int64_t *)at;
  return c->f->is_float ? (double)*(const float *)at : *(const double *)at;
}

int64_t gradc_int(const gradc_call *c, size_t k) {
  if (!has_scalar(c, k)) return 0;
  if (c->f->output[k].pub.kind != GRADC_REAL) return *(const int64_t *)c->out[k];
  double x = gradc_real(c, k);
  return x >= -9.2e18 && x <= 9.2e18 ? (int64_t)x : 0;
}

const void *gradc_array(const gradc_call *c, size_t k, int64_t *shape) {
  if (!c->ran || k >= c->f->noutputs) return NULL;
  const Bound *b = &c->output[k];
  if (shape && b->rank) memcpy(shape, b->shape, sizeof *shape * b->rank);
  return c->out[k];
}
