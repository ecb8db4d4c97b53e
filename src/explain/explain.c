/* explain.c - what happens to the gradient on each path, as text in 80 columns and as
 * one JSON object. */
#include "explain/explain.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* ---- words ---------------------------------------------------------------- */

static const char *count_text(Ctx *c, double n) {
  if (n == 1) return "1 path";
  if (n < 1e6) return str_printf(c, "%.0f paths", n);
  if (n >= PATHS_MOST) return str_printf(c, "more than %g paths", PATHS_MOST);
  return str_printf(c, "about %.3g paths", n);
}

static const char *kind_word(EdgeKind k) {
  static const char *const words[EDGE_KINDS] = {
    "flow", "flat", "straight_through", "reverse", "scale", "clip", "rule", "stop", "disconnect"};
  return words[k];
}

/* What a control does, without its place. */
static const char *control_text(Ctx *c, const Control *k) {
  switch (k->kind) {
  case EDGE_REVERSE: {
    size_t n = strlen(k->factor);
    if (n > 3 && k->factor[0] == '(' && k->factor[1] == '-')
      return str_printf(c, "reversed by %.*s", (int)n - 3, k->factor + 2);
    return str_printf(c, "reversed: multiplied by %s", k->factor);
  }
  case EDGE_SCALE: return str_printf(c, "scaled by %s", k->factor);
  case EDGE_CLIP: return str_printf(c, "clipped %s", k->detail);
  case EDGE_STRAIGHT: return "passed straight through";
  case EDGE_STOP: return str_printf(c, "stopped by %s", k->what);
  case EDGE_RULE:
    return str_printf(c, "replaced by %s at %s", k->what, label_place(c, k->rule));
  case EDGE_FLAT: return str_printf(c, "multiplied by 0: %s", k->what);
  default: return str_printf(c, "disconnected: %s", k->what);
  }
}

static bool is_cut(const FlowGraph *g, const PathGroup *group) {
  return group->n && g->controls.at[group->control[group->n - 1]].kind == EDGE_CUT;
}

/* ---- text ------------------------------------------------------------------- */

/* The text, broken at blanks; every line after the first begins with `indent` blanks. */
static void wrapped(Buf *out, const char *text, size_t column, size_t indent) {
  enum { WIDTH = 80 };
  while (*text) {
    size_t n = 0, seen = 0, fit = 0, i;
    for (i = 0; text[i] && column + seen <= WIDTH; i++) {
      if (text[i] == ' ') fit = i;
      seen += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    n = !text[i] && column + seen <= WIDTH ? i : fit ? fit : strcspn(text, " ");
    buf_add(out, text, n);
    text += n;
    while (*text == ' ') text++;
    buf_puts(out, "\n");
    if (*text) buf_printf(out, "%*s", (int)indent, "");
    column = indent;
  }
}

static void put_control(FlowGraph *g, const PathGroup *group, uint32_t i, Buf *out) {
  Ctx *c = g->p->ctx;
  const Control *k = &g->controls.at[group->control[i]];
  const char *place = label_place(c, k->at), *text = control_text(c, k);
  const char *source = label_source(c, k->at, 64);
  if (k->kind == EDGE_RULE) text = str_printf(c, "%s, called at %s", text, place);
  else text = str_printf(c, "%s at %s", text, place);
  if (group->again[i])
    text = str_printf(c, "%s, again and again: in the loop at %s", text, label_place(c, k->loop));
  buf_puts(out, "     - ");
  wrapped(out, text, 7, 7);
  if (source) buf_printf(out, "         %s\n", source);
}

static const char *verdict(FlowGraph *g, const PathGroup *group) {
  if (group->various && group->passes) return "through other controls, in many orders";
  if (group->various) return "stopped or disconnected in other ways";
  if (!group->passes) return is_cut(g, group) ? "disconnected" : "stopped";
  if (!group->n) return "the gradient flows unchanged";
  return path_effect(g, group);
}

static void put_group(FlowGraph *g, const PathGroup *group, uint32_t number, Buf *out) {
  Ctx *c = g->p->ctx;
  buf_printf(out, "%3u. ", number);
  const char *head = str_printf(c, "%s: %s", count_text(c, group->paths), verdict(g, group));
  wrapped(out, head, 5, 5);
  for (uint32_t i = 0; i < group->n; i++) put_control(g, group, i, out);
}

static const char *summary(const Paths *paths, bool none) {
  if (none) return "  The result is none: there is nothing to differentiate.\n";
  if (!paths->groups.n) return "  Nothing connects them: the derivative is none.\n";
  for (uint32_t i = 0; i < paths->groups.n; i++)
    if (paths->groups.at[i].passes) return "";
  return "  No path lets the gradient pass: the derivative is none.\n";
}

static const char *paths_text(FlowGraph *g, const Variable *x, const Target *y) {
  Paths paths = paths_find(g, x, y);
  Buf b;
  buf_init(&b, g->p->ctx);
  for (uint32_t i = 0; i < paths.groups.n; i++) put_group(g, &paths.groups.at[i], i + 1, &b);
  buf_puts(&b, summary(&paths, y->vertex == 0));
  return intern_z(g->p->ctx, buf_text(&b));
}

/* One result: variables of which the same is to be said are named together. */
static void explain_target(FlowGraph *g, const Target *y, Buf *out) {
  Ctx *c = g->p->ctx;
  uint32_t n = g->variables.n;
  const char **text = NEWN(c, const char *, n);
  for (uint32_t k = 0; k < n; k++) text[k] = paths_text(g, &g->variables.at[k], y);
  for (uint32_t k = 0; k < n; k++) {
    if (!text[k]) continue;
    Buf names;
    buf_init(&names, c);
    for (uint32_t j = k; j < n; j++) {
      if (text[j] != text[k]) continue;
      buf_printf(&names, "%s%s", names.n ? ", " : "", g->variables.at[j].name);
    }
    const char *said = text[k];
    for (uint32_t j = k; j < n; j++)
      if (text[j] == said) text[j] = NULL;
    if (out->n) buf_puts(out, "\n");
    wrapped(out, str_printf(c, "%s with respect to %s", y->name, buf_text(&names)), 0, 4);
    buf_puts(out, said);
  }
}

void explain_text(FlowGraph *g, const char *function, Buf *out) {
  if (!g->variables.n) buf_printf(out, "%s has no real parameter.\n", function);
  for (uint32_t k = 0; k < g->targets.n; k++) explain_target(g, &g->targets.at[k], out);
}

/* ---- JSON ---------------------------------------------------------------------- */

static void release(void *json) { json_decref(json); }

static json_t *checked(Ctx *c, json_t *j) {
  if (!j) diag_raise(c, GC_NOMEM);
  return j;
}

static void put(Ctx *c, json_t *object, const char *key, json_t *value) {
  if (json_object_set_new(object, key, value)) diag_raise(c, GC_NOMEM);
}

static json_t *append(Ctx *c, json_t *array, json_t *value) {
  if (json_array_append_new(array, value)) diag_raise(c, GC_NOMEM);
  return json_array_get(array, json_array_size(array) - 1);
}

static void put_place(Ctx *c, json_t *object, Span at) {
  const Source *s = source_get(c, at.file);
  if (!s) return;
  uint32_t line, column;
  source_where(c, at, &line, &column);
  put(c, object, "file", json_string(s->name));
  put(c, object, "line", json_integer(line));
  put(c, object, "column", json_integer(column));
}

static void json_control(FlowGraph *g, const PathGroup *group, uint32_t i, json_t *list) {
  Ctx *c = g->p->ctx;
  const Control *k = &g->controls.at[group->control[i]];
  json_t *o = append(c, list, json_object());
  put(c, o, "kind", json_string(kind_word(k->kind)));
  put(c, o, "what", json_string(k->what));
  if (k->factor) put(c, o, "factor", json_string(k->factor));
  if (k->kind == EDGE_CLIP) put(c, o, "bounds", json_string(k->detail));
  put_place(c, o, k->at);
  const char *source = label_source(c, k->at, 1000);
  if (source) put(c, o, "source", json_string(source));
  if (k->rule.file) {
    json_t *rule = checked(c, json_object());
    put(c, o, "rule", rule);
    put_place(c, rule, k->rule);
  }
  put(c, o, "repeated", json_boolean(group->again[i]));
}

static void json_group(FlowGraph *g, const PathGroup *group, json_t *list) {
  Ctx *c = g->p->ctx;
  json_t *o = append(c, list, json_object());
  bool whole = group->paths < 1e15;
  put(c, o, "paths", whole ? json_integer((json_int_t)group->paths) : json_real(group->paths));
  put(c, o, "passes", json_boolean(group->passes));
  put(c, o, "effect", json_string(path_effect(g, group)));
  json_t *controls = checked(c, json_array());
  put(c, o, "controls", controls);
  for (uint32_t i = 0; i < group->n; i++) json_control(g, group, i, controls);
}

static void json_pair(FlowGraph *g, const Variable *x, const Target *y, json_t *list) {
  Ctx *c = g->p->ctx;
  Paths paths = paths_find(g, x, y);
  json_t *o = append(c, list, json_object());
  put(c, o, "result", json_string(y->name));
  put(c, o, "wrt", json_string(x->name));
  bool passes = false;
  for (uint32_t i = 0; i < paths.groups.n; i++) passes |= paths.groups.at[i].passes;
  put(c, o, "connected", json_boolean(paths.groups.n > 0));
  put(c, o, "passes", json_boolean(passes));
  json_t *groups = checked(c, json_array());
  put(c, o, "groups", groups);
  for (uint32_t i = 0; i < paths.groups.n; i++) json_group(g, &paths.groups.at[i], groups);
}

static int to_buf(const char *text, size_t n, void *out) {
  buf_add(out, text, n);
  return 0;
}

void explain_json(FlowGraph *g, const char *function, Buf *out) {
  Ctx *c = g->p->ctx;
  json_t *o = checked(c, json_object());
  ctx_defer(c, release, o);
  put(c, o, "function", json_string(function));
  json_t *list = checked(c, json_array());
  put(c, o, "derivatives", list);
  for (uint32_t k = 0; k < g->targets.n; k++)
    for (uint32_t j = 0; j < g->variables.n; j++)
      json_pair(g, &g->variables.at[j], &g->targets.at[k], list);
  if (json_dump_callback(o, to_buf, out, JSON_COMPACT | JSON_REAL_PRECISION(17)))
    diag_raise(c, GC_NOMEM);
  buf_puts(out, "\n");
}
