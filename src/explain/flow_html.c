/* flow_html.c - a page that opens without a network: the forward graph and the gradient
 * graph side by side, with the source below.
 *
 * Pointing at an edge tells its local derivative and marks the edge in both pictures;
 * clicking a box, a control above all, shows where it stands in the source.  What the
 * script needs to know is one JSON object in the page. */
#include "explain/explain.h"

#include <jansson.h>
#include <string.h>

static const char style[] =
  ":root{color-scheme:light}\n"
  "body{margin:0;font:15px/1.45 system-ui,Helvetica,Arial,sans-serif;color:#1a1a1a;"
  "background:#f6f6f4}\n"
  "header{padding:.8rem 1.2rem .2rem}h1{font-size:1.15rem;margin:0}\n"
  "header p{margin:.2rem 0 0;color:#555}\n"
  "main{display:flex;gap:1rem;padding:.8rem 1.2rem;align-items:stretch}\n"
  "figure{flex:1 1 0;min-width:0;margin:0;background:#fff;border:1px solid #ddd;"
  "border-radius:8px;padding:.6rem;overflow:auto}\n"
  "figcaption{font-weight:600;margin-bottom:.3rem}\n"
  "figure svg{display:block;margin:auto;max-width:100%;height:auto}\n"
  "#legend{margin:.4rem 0 0;font-size:.85rem}#legend span{margin-right:1.2em;white-space:nowrap}\n"
  "#tell{position:sticky;bottom:0;margin:0 1.2rem;padding:.6rem .9rem;background:#fff;"
  "border:1px solid #0072B2;border-radius:8px;min-height:1.5em;"
  "font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:.9rem;white-space:pre-wrap}\n"
  "#source{margin:.8rem 1.2rem 2rem;background:#fff;border:1px solid #ddd;border-radius:8px;"
  "padding:.6rem 0;overflow:auto;max-height:24rem}\n"
  "#source h2{font-size:.9rem;margin:.2rem .9rem}\n"
  "#source ol{margin:0;padding-left:3.6rem;"
  "font:.85rem/1.5 ui-monospace,'DejaVu Sans Mono',monospace;color:#888}\n"
  "#source li{white-space:pre}#source li span{color:#1a1a1a}\n"
  "#source li.here{background:#fff3c4}#source mark{background:#ffd24d}\n"
  ".box{cursor:pointer}.box:focus,.edge:focus{outline:none}\n"
  ".edge.on path:not(.hit),.edge.on polygon{stroke-width:4}\n"
  ".box.on path,.box.on polygon,.box.on ellipse{stroke-width:4}\n"
  ".hit{stroke:#000;stroke-opacity:0;stroke-width:14;fill:none;pointer-events:stroke}\n"
  "@media(max-width:700px){main{flex-direction:column}}\n";

static const char script[] =
  "'use strict';\n"
  "const data = JSON.parse(document.getElementById('data').textContent);\n"
  "const tell = document.getElementById('tell');\n"
  "const hint = tell.textContent;\n"
  "const both = (kind, k) => ['f', 'g'].map(p => document.getElementById(p + '-' + kind + k))\n"
  "  .filter(x => x);\n"
  "function clear() { document.querySelectorAll('.on').forEach(x => x.classList.remove('on')); }\n"
  "function showEdge(k) {\n"
  "  clear();\n"
  "  both('e', k).forEach(x => x.classList.add('on'));\n"
  "  tell.textContent = data.edges[k].text;\n"
  "}\n"
  "function showBox(k) {\n"
  "  const box = data.boxes[k];\n"
  "  clear();\n"
  "  both('n', k).forEach(x => x.classList.add('on'));\n"
  "  tell.textContent = box.text;\n"
  "  document.querySelectorAll('#source li.here').forEach(li => {\n"
  "    li.classList.remove('here');\n"
  "    li.firstChild.textContent = li.firstChild.textContent;\n"
  "  });\n"
  "  const li = document.getElementById('s' + box.file + '-' + box.line);\n"
  "  if (!li) return;\n"
  "  li.classList.add('here');\n"
  "  const chars = Array.from(li.firstChild.textContent), mark = document.createElement('mark');\n"
  "  const from = box.column - 1, to = Math.min(chars.length, from + box.length);\n"
  "  mark.textContent = chars.slice(from, to).join('');\n"
  "  const part = (a, b) => chars.slice(a, b).join('');\n"
  "  li.firstChild.replaceChildren(part(0, from), mark, part(to));\n"
  "  li.scrollIntoView({block: 'nearest'});\n"
  "}\n"
  "function listen(x, show, k, hover) {\n"
  "  x.setAttribute('tabindex', '0');\n"
  "  x.addEventListener('click', () => show(k));\n"
  "  x.addEventListener('focus', () => show(k));\n"
  "  if (!hover) return;\n"
  "  x.addEventListener('mouseenter', () => show(k));\n"
  "  x.addEventListener('mouseleave', () => { clear(); tell.textContent = hint; });\n"
  "}\n"
  "data.edges.forEach((e, k) => both('e', k).forEach(x => {\n"
  "  x.querySelectorAll('path').forEach(p => {\n"
  "    const hit = p.cloneNode();\n"
  "    hit.setAttribute('class', 'hit');\n"
  "    x.appendChild(hit);\n"
  "  });\n"
  "  listen(x, showEdge, k, true);\n"
  "}));\n"
  "data.boxes.forEach((b, k) => {\n"
  "  if (b) both('n', k).forEach(x => listen(x, showBox, k, false));\n"
  "});\n";

/* ---- texts ---------------------------------------------------------------- */

static void put_escaped(Buf *out, const char *s, size_t n) {
  for (size_t k = 0; k < n; k++) {
    switch (s[k]) {
    case '&': buf_puts(out, "&amp;"); break;
    case '<': buf_puts(out, "&lt;"); break;
    case '>': buf_puts(out, "&gt;"); break;
    case '"': buf_puts(out, "&quot;"); break;
    default: buf_add(out, &s[k], 1);
    }
  }
}

/* From <svg on, without the titles, which would name our numbers. */
static void put_svg(Buf *out, const Buf *svg) {
  const char *s = strstr(svg->at, "<svg"), *t;
  for (; s && (t = strstr(s, "<title>")); s = strstr(t, "</title>") + strlen("</title>"))
    buf_add(out, s, (size_t)(t - s));
  if (s) buf_puts(out, s);
}

static const char *title_text(const Box *x) { return x->title ? x->title : "value"; }

/* What an edge does to the gradient, in words. */
static const char *edge_text(const FlowGraph *g, const Boxes *b, const BoxEdge *e) {
  Ctx *c = g->p->ctx;
  const Box *from = &b->boxes.at[e->from], *to = &b->boxes.at[e->to];
  const Control *k = &g->controls.at[e->control];
  const char *at = k->at.file ? str_printf(c, " (%s)", label_place(c, k->at)) : "";
  const char *ends = str_printf(c, "%s → %s", title_text(from), title_text(to));
  if (!e->depends) return str_printf(c, "%s: a constant for the gradient", ends);
  if (e->kind == EDGE_CUT)
    return str_printf(c, "%s: no gradient: %s%s", ends, k->what ? k->what : "cut", at);
  if (e->kind == EDGE_STOP) return str_printf(c, "%s: stopped by %s%s", ends, k->what, at);
  if (!e->gradient && from->control == EDGE_STOP)
    return str_printf(c, "%s: stopped here (%s)", ends, label_place(c, from->at));
  if (!e->gradient)
    return str_printf(c, "%s: no gradient comes through, whatever the local derivative", ends);
  switch (e->kind) {
  case EDGE_REVERSE: return str_printf(c, "%s: reversed: the gradient × %s%s", ends, k->factor, at);
  case EDGE_SCALE: return str_printf(c, "%s: scaled: the gradient × %s%s", ends, k->factor, at);
  case EDGE_CLIP: return str_printf(c, "%s: the gradient is clipped %s%s", ends, k->detail, at);
  case EDGE_RULE:
    return str_printf(c, "%s: %s at %s takes the place of the derivative", ends, k->what,
                      label_place(c, k->rule));
  case EDGE_STRAIGHT: return str_printf(c, "%s: passed straight through: × 1%s", ends, at);
  default:
    return str_printf(c, "∂(%s)/∂(%s) = %s", title_text(to), title_text(from), e->partial);
  }
}

static const char *box_text(const FlowGraph *g, const Box *x) {
  Ctx *c = g->p->ctx;
  if (!x->at.file) return title_text(x);
  return str_printf(c, "%s: %s", label_place(c, x->at),
                    x->variable ? "a variable" : x->result ? "the result" : title_text(x));
}

/* ---- data for the script ---------------------------------------------------- */

static void release(void *json) { json_decref(json); }

static void put(Ctx *c, json_t *object, const char *key, json_t *value) {
  if (json_object_set_new(object, key, value)) diag_raise(c, GC_NOMEM);
}

static void append(Ctx *c, json_t *array, json_t *value) {
  if (json_array_append_new(array, value)) diag_raise(c, GC_NOMEM);
}

static uint32_t characters(const char *s, size_t n) {
  uint32_t count = 0;
  for (size_t k = 0; k < n; k++) count += ((unsigned char)s[k] & 0xC0) != 0x80;
  return count;
}

static json_t *box_data(const FlowGraph *g, const Box *x) {
  Ctx *c = g->p->ctx;
  json_t *o = json_object();
  if (!o) diag_raise(c, GC_NOMEM);
  uint32_t line = 0, column = 0, length = 0;
  const Source *s = source_get(c, x->at.file);
  if (s) {
    source_where(c, x->at, &line, &column);
    length = characters(s->text + x->at.start, x->at.end - x->at.start);
  }
  put(c, o, "text", json_string(box_text(g, x)));
  put(c, o, "file", json_integer(x->at.file));
  put(c, o, "line", json_integer(line));
  put(c, o, "column", json_integer(column));
  put(c, o, "length", json_integer(length));
  return o;
}

static int to_buf(const char *text, size_t n, void *out) {
  buf_add(out, text, n);
  return 0;
}

static void put_data(const FlowGraph *g, const Boxes *b, Buf *out) {
  Ctx *c = g->p->ctx;
  json_t *o = json_object(), *boxes = json_array(), *edges = json_array();
  if (!o || json_object_set_new(o, "boxes", boxes) || json_object_set_new(o, "edges", edges))
    diag_raise(c, GC_NOMEM);
  ctx_defer(c, release, o);
  append(c, boxes, json_null());
  for (uint32_t k = 1; k < b->boxes.n; k++) append(c, boxes, box_data(g, &b->boxes.at[k]));
  for (uint32_t k = 0; k < b->edges.n; k++)
    append(c, edges, json_pack("{s:s}", "text", edge_text(g, b, &b->edges.at[k])));
  /* Slashes escaped: no text of a program ends the script element. */
  if (json_dump_callback(o, to_buf, out, JSON_COMPACT | JSON_ESCAPE_SLASH)) diag_raise(c, GC_NOMEM);
}

/* ---- source ------------------------------------------------------------------- */

static bool is_shown(const Boxes *b, uint32_t file) {
  for (uint32_t k = 1; k < b->boxes.n; k++)
    if (b->boxes.at[k].at.file == file) return true;
  return false;
}

static void put_source(const FlowGraph *g, const Boxes *b, Buf *out) {
  Ctx *c = g->p->ctx;
  for (uint32_t file = 1; file <= c->sources.n; file++) {
    const Source *s = source_get(c, file);
    if (!s || !is_shown(b, file)) continue;
    buf_puts(out, "<h2>");
    put_escaped(out, s->name, strlen(s->name));
    buf_puts(out, "</h2><ol>\n");
    for (uint32_t k = 0; k < s->nlines; k++) {
      const char *line = s->text + s->lines[k];
      size_t n = strcspn(line, "\r\n");
      if (k + 1 == s->nlines && n == 0) break;
      buf_printf(out, "<li id=\"s%u-%u\"><span>", file, k + 1);
      put_escaped(out, line, n);
      buf_puts(out, "</span></li>\n");
    }
    buf_puts(out, "</ol>\n");
  }
}

/* The kinds of edges that occur. */
static void put_legend(const Boxes *b, Buf *out) {
  bool used[EDGE_KINDS] = {false};
  for (uint32_t k = 0; k < b->edges.n; k++) {
    const BoxEdge *e = &b->edges.at[k];
    bool stop = e->kind == EDGE_STOP || b->boxes.at[e->from].control == EDGE_STOP;
    if (e->depends) used[e->gradient ? e->kind : stop ? EDGE_STOP : EDGE_CUT] = true;
  }
  buf_puts(out, "<p id=\"legend\">");
  for (uint32_t k = 0; k < EDGE_KINDS; k++) {
    if (!used[k]) continue;
    Look look = flow_look((EdgeKind)k);
    buf_printf(out, "<span><b style=\"color:%s\">%s</b> %s</span> ", look.colour, look.stroke,
               look.name);
  }
  buf_puts(out, "</p>\n");
}

/* ---- the page ------------------------------------------------------------------- */

void flow_html(const FlowGraph *g, const Boxes *b, const char *title, const Buf *forward,
               const Buf *gradient, Buf *out) {
  buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n<title>");
  put_escaped(out, title, strlen(title));
  buf_printf(out, "</title>\n<style>\n%s</style></head>\n<body>\n<header><h1>", style);
  put_escaped(out, title, strlen(title));
  buf_puts(out, "</h1><p>Point at an edge for its local derivative; click a box for its line.</p>"
    "</header>\n<main>\n<figure id=\"forward\"><figcaption>Values, forward</figcaption>\n");
  put_svg(out, forward);
  buf_puts(out, "</figure>\n<figure id=\"gradient\"><figcaption>The gradient, back</figcaption>\n");
  put_svg(out, gradient);
  put_legend(b, out);
  buf_puts(out, "</figure>\n</main>\n<div id=\"tell\" role=\"status\">no edge chosen</div>\n"
    "<section id=\"source\">\n");
  put_source(g, b, out);
  buf_puts(out, "</section>\n<script type=\"application/json\" id=\"data\">");
  put_data(g, b, out);
  buf_printf(out, "</script>\n<script>\n%s</script>\n</body></html>\n", script);
}
