/* function.c - a compiled function: what it asks and gives, where its checks stand.  It
 * never changes after it was made, but for the count of its owners. */
#include <stdlib.h>
#include <string.h>

#include "api/private.h"

/* ---- from the program --------------------------------------------------------- */

static const char *keep(Ctx *c, Pool *p, const char *s) {
  return s ? pool_text(c, p, s, strlen(s)) : "";
}

static const char *shape_text(Ctx *c, Pool *pool, const Prog *p, const Type *t) {
  Buf b;
  buf_init(&b, c);
  for (uint32_t k = 0; k < t->rank; k++) {
    buf_puts(&b, k ? ", " : "[");
    size_text(p, t->dim[k], &b);
  }
  if (t->rank) buf_puts(&b, "]");
  return t->rank ? keep(c, pool, buf_text(&b)) : "";
}

static Leaf leaf_of(Ctx *c, Pool *pool, const Prog *p, const Type *t, const char *name) {
  int kind = t->elem == ELEM_REAL ? GRADC_REAL : t->elem == ELEM_INT ? GRADC_INT : GRADC_BOOL;
  Leaf leaf = {.pub = {keep(c, pool, name), kind, t->rank, shape_text(c, pool, p, t)}};
  return leaf;
}

static void take_inputs(Ctx *c, struct gradc_function *f, const Prog *p) {
  f->nparams = p->root->params.n;
  f->input = POOL_NEED(c, &f->pool, Leaf, f->nparams);
  for (uint32_t k = 0; k < f->nparams; k++) {
    const SigParam *s = &p->sig.params.at[k];
    if (s->is_size) continue;
    Leaf *leaf = &f->input[f->ninputs++];
    *leaf = leaf_of(c, &f->pool, p, ir_type(p, p->root->params.at[k]), s->name);
    leaf->param = k;
  }
}

static uint32_t count_outputs(const Prog *p) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < p->sig.results.n; k++) n += p->sig.results.at[k].ref != 0;
  return n;
}

static void take_outputs(Ctx *c, struct gradc_function *f, const Prog *p) {
  uint32_t n = 0, places = 0;
  f->noutputs = count_outputs(p);
  f->output = POOL_NEED(c, &f->pool, Leaf, f->noutputs);
  Ref *late = NEWN(c, Ref, f->noutputs + 1);
  late_effects(p, late);
  for (uint32_t k = 0; k < p->sig.results.n; k++) {
    const SigResult *s = &p->sig.results.at[k];
    if (!s->ref) continue;
    Leaf *leaf = &f->output[n];
    *leaf = leaf_of(c, &f->pool, p, ir_type(p, s->ref), s->name);
    leaf->late = late[n++];
    if (!leaf->late) leaf->place = places++;
  }
}

static bool can_fail(const Node *n) {
  switch ((Op)n->op) {
  case IR_CHECK: return true;
  case IR_PRIM: return n->aux.i == P_MOD || n->aux.i == P_FLOORDIV;
  case IR_READ: case IR_WITH: case IR_UPD: return n->flags & NODE_CHECKED;
  default: return false;
  }
}

static void take_sites(Ctx *c, struct gradc_function *f, const Prog *p) {
  uint32_t n = 0;
  for (Ref r = 1; r < p->nnodes; r++) n += can_fail(ir_node(p, r));
  f->site = POOL_NEED(c, &f->pool, Site, n);
  const char *file = "", *kept = "";
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *node = ir_node(p, r);
    if (!can_fail(node)) continue;
    Site *s = &f->site[f->nsites++];
    *s = (Site){.ref = r, .site = jit_site(p, node), .file = ""};
    s->site.text = keep(c, &f->pool, s->site.text);
    const Source *source = source_get(c, node->pos.file);
    if (source && source->name != file) kept = keep(c, &f->pool, file = source->name);
    if (source) s->file = kept;
    source_where(c, node->pos, &s->line, &s->column);
  }
}

static bool is_flat(const struct gradc_function *f) {
  if (f->ninputs != f->nparams) return false;
  for (uint32_t k = 0; k < f->ninputs; k++)
    if (f->input[k].pub.kind != GRADC_REAL || f->input[k].pub.rank) return false;
  for (uint32_t k = 0; k < f->noutputs; k++)
    if (f->output[k].pub.kind != GRADC_REAL || f->output[k].late) return false;
  return f->sizes.nvars == 0;
}

static void fill(Ctx *c, struct gradc_function *f, Prog *p) {
  take_inputs(c, f, p);
  take_outputs(c, f, p);
  take_sites(c, f, p);
  shape_build(c, f, p);
  f->signature = keep(c, &f->pool, p->sig.source);
  f->doc = keep(c, &f->pool, p->sig.doc);
  f->flat = is_flat(f);
}

static void release_unfinished(void *arg) {
  struct gradc_function **f = arg;
  gradc_release(*f);
}

struct gradc_function *function_new(const gradc_context *g, Ctx *c, Prog *p) {
  struct gradc_function **guard = NEW(c, struct gradc_function *);
  Pool pool = {.alloc = g->alloc, .user = g->user};
  struct gradc_function *f = pool_need(c, &pool, sizeof *f);
  f->pool = pool;
  atomic_init(&f->owners, 1);
  f->memory = g->limits.memory;
  f->trips = g->trips;
  f->is_float = g->opt.real_float;
  *guard = f;
  ctx_defer(c, release_unfinished, guard);
  fill(c, f, p);
  gradc_retain(f); /* the one that the guard gives back */
  return f;
}

/* ---- owners --------------------------------------------------------------------- */

gradc_function *gradc_retain(gradc_function *f) {
  if (f) atomic_fetch_add_explicit(&f->owners, 1, memory_order_relaxed);
  return f;
}

void gradc_release(gradc_function *f) {
  if (!f || atomic_fetch_sub_explicit(&f->owners, 1, memory_order_acq_rel) != 1) return;
  jit_tier_free(f->tier);
  jit_drop(f->machine);
  pool_free(&f->pool);
}

/* ---- questions -------------------------------------------------------------------- */

const char *gradc_signature(const gradc_function *f) { return f->signature; }
const char *gradc_doc(const gradc_function *f) { return f->doc; }
size_t gradc_inputs(const gradc_function *f) { return f->ninputs; }
size_t gradc_outputs(const gradc_function *f) { return f->noutputs; }
size_t gradc_sizes(const gradc_function *f) { return f->sizes.nvars; }

const gradc_leaf *gradc_input(const gradc_function *f, size_t k) {
  return k < f->ninputs ? &f->input[k].pub : NULL;
}

const gradc_leaf *gradc_output(const gradc_function *f, size_t k) {
  return k < f->noutputs ? &f->output[k].pub : NULL;
}

const char *gradc_size_name(const gradc_function *f, size_t k) {
  return k < f->sizes.nvars ? f->sizes.name[k] : NULL;
}

static int find(const Leaf *leaf, uint32_t n, const char *name) {
  for (uint32_t k = 0; name && k < n; k++)
    if (strcmp(leaf[k].pub.name, name) == 0) return (int)k;
  return -1;
}

int gradc_input_find(const gradc_function *f, const char *name) {
  return find(f->input, f->ninputs, name);
}

int gradc_output_find(const gradc_function *f, const char *name) {
  return find(f->output, f->noutputs, name);
}

/* ---- shapes for given sizes --------------------------------------------------------- */

static bool eval_dims(const Leaf *leaf, const int64_t *value, const bool *known, int64_t *shape) {
  for (uint32_t k = 0; k < leaf->pub.rank; k++) {
    const Formula *d = &leaf->dim[k];
    for (uint32_t i = 0; i < d->n; i++)
      for (uint32_t j = 0; j < d->term[i].n; j++)
        if (!known[d->term[i].slot[j]]) return false;
    if (!shape_eval(d, value, &shape[k]) || shape[k] < 0) return false;
  }
  return true;
}

static int leaf_shape(const gradc_function *f, const Leaf *leaf, const int64_t *sizes,
                      int64_t *shape) {
  const Sizes *s = &f->sizes;
  Pool pool = {.alloc = f->pool.alloc, .user = f->pool.user};
  if (s->nvars && !sizes) return GRADC_USAGE;
  int64_t *value = pool_take(&pool, sizeof *value * (s->nslots + 1));
  bool *known = pool_take(&pool, s->nslots + 1);
  int status = GRADC_NOMEM;
  if (value && known) {
    bool good = true;
    for (uint32_t k = 0; k < s->nslots; k++)
      if (s->slot[k].is_var) {
        value[k] = sizes[s->slot[k].var];
        known[k] = true;
        good &= value[k] >= 0;
      }
    shape_values(s, value, known);
    status = good && eval_dims(leaf, value, known, shape) ? GRADC_OK : GRADC_USAGE;
  }
  pool_free(&pool);
  return status;
}

int gradc_input_shape(const gradc_function *f, size_t k, const int64_t *sizes, int64_t *shape) {
  return k < f->ninputs ? leaf_shape(f, &f->input[k], sizes, shape) : GRADC_USAGE;
}

int gradc_output_shape(const gradc_function *f, size_t k, const int64_t *sizes, int64_t *shape) {
  return k < f->noutputs && !f->output[k].late ? leaf_shape(f, &f->output[k], sizes, shape) : GRADC_USAGE;
}
