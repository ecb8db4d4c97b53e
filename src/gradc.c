/* gradc.c - the public library: the passes in their order. */
#include "gradc.h"

#include <string.h>

#include "elaborate/elaborate.h"
#include "emit/emit.h"
#include "optimize/optimize.h"
#include "version.h"

struct gradc_context {
  Ctx *c;
  Module *m;
  const char *message;
};

const char *gradc_version(void) { return GRADC_VERSION; }

/* ---- entering ---- */

typedef struct Call {
  gradc_context *g;
  const char *name, *text, *wrt;
  size_t size;
  unsigned order;
  const char **out;
} Call;

static void render(void *arg) {
  gradc_context *g = arg;
  Buf b;
  buf_init(&b, g->c);
  for (uint32_t k = 0; k < diag_count(g->c); k++) diag_render(g->c, k, &b, false);
  g->message = buf_text(&b);
}

static int enter(gradc_context *g, void (*work)(void *), Call *call) {
  diag_clear(g->c);
  Status s = ctx_try(g->c, work, call);
  g->message = s == GC_NOMEM ? "out of memory" : "";
  if (diag_count(g->c) && ctx_try(g->c, render, g) != GC_OK) g->message = "out of memory";
  return (int)s;
}

const char *gradc_message(gradc_context *g) { return g->message; }

/* ---- contexts ---- */

static void start(void *arg) {
  gradc_context *g = ((Call *)arg)->g;
  g->m = module_new(g->c);
}

gradc_context *gradc_new(void) {
  Ctx *c = ctx_new(NULL, NULL);
  if (!c) return NULL;
  gradc_context *g = c->alloc(c->alloc_user, NULL, 0, sizeof *g);
  if (!g) {
    ctx_free(c);
    return NULL;
  }
  *g = (gradc_context){.c = c, .message = ""};
  Call call = {.g = g};
  if (enter(g, start, &call) == GRADC_OK) return g;
  gradc_free(g);
  return NULL;
}

void gradc_free(gradc_context *g) {
  if (!g) return;
  Ctx *c = g->c;
  c->alloc(c->alloc_user, g, sizeof *g, 0);
  ctx_free(c);
}

/* ---- what it does ---- */

static void load(void *arg) {
  Call *k = arg;
  Ctx *c = k->g->c;
  uint32_t file = source_add(c, k->name, k->text, k->size);
  module_add(k->g->m, parse(c, file, PARSE_FILE, NULL), true);
}

int gradc_load(gradc_context *g, const char *name, const char *text, size_t size) {
  return enter(g, load, &(Call){.g = g, .name = name, .text = text, .size = size});
}

static uint32_t names_in(Ctx *c, const char *list, const char ***names) {
  VEC(const char *) v = {0};
  while (list && *list) {
    size_t n = strcspn(list, ",");
    VEC_PUSH(c, &v, intern(c, list, n));
    list += n + (list[n] == ',');
  }
  *names = v.at;
  return v.n;
}

static void derivative(void *arg) {
  Call *k = arg;
  Ctx *c = k->g->c;
  const char **wrt;
  uint32_t n = names_in(c, k->wrt, &wrt);
  Prog *p = elaborate_diff(k->g->m, intern_z(c, k->name), NULL, wrt, n, k->order);
  Buf b;
  buf_init(&b, c);
  emit_language(optimize_for_reading(p), &b, false);
  *k->out = buf_text(&b);
}

int gradc_derivative(gradc_context *g, const char *function, const char *wrt, unsigned order,
                     const char **text) {
  if (!order) return GRADC_USAGE;
  return enter(g, derivative, &(Call){.g = g, .name = function, .wrt = wrt, .order = order, .out = text});
}
