/* flow.c - the picture in the language of Graphviz.
 *
 * Thin grey arrows carry values forward; coloured ones carry the gradient back.  Colours
 * are those of Okabe and Ito, and each kind has a line style or an arrow of its own too. */
#include "explain/explain.h"

#include <string.h>

#define GREY "#8C8C8C"

Look flow_look(EdgeKind k) {
  static const Look looks[EDGE_KINDS] = {
    [EDGE_FLOW] = {"#0072B2", "#FFFFFF", "solid", "normal", "◀━━━", "the gradient flows"},
    [EDGE_FLAT] = {GREY, "#FFFFFF", "dotted", "odot", "○┄┄┄", "times 0: flat"},
    [EDGE_STRAIGHT] = {"#B8528F", "#F8E9F2", "solid", "onormal", "◁━━━", "passed straight through"},
    [EDGE_REVERSE] = {"#D55E00", "#FCEBE0", "bold", "normal", "◀━━━", "reversed"},
    [EDGE_SCALE] = {"#B87A00", "#FDF3DC", "solid", "diamond", "◆━━━", "scaled"},
    [EDGE_CLIP] = {"#2A8FC7", "#E6F4FB", "dashed", "box", "■╍╍╍", "clipped"},
    [EDGE_RULE] = {"#007A5A", "#E2F4EE", "dashed", "normal", "◀╍╍╍", "replaced by a rule"},
    [EDGE_STOP] = {GREY, "#EDEDED", "dashed", "tee", "┃╍╍╍", "stopped"},
    [EDGE_CUT] = {GREY, "#FFFFFF", "dotted", "none", "┄┄┄┄", "no gradient"},
  };
  return looks[k];
}

/* ---- texts -------------------------------------------------------------- */

static void put_escaped(Buf *out, const char *s) {
  for (; *s; s++) {
    switch (*s) {
    case '&': buf_puts(out, "&amp;"); break;
    case '<': buf_puts(out, "&lt;"); break;
    case '>': buf_puts(out, "&gt;"); break;
    case '"': buf_puts(out, "&quot;"); break;
    default: buf_add(out, s, 1);
    }
  }
}

/* With the minus of mathematics. */
static void put_factor(Buf *out, const char *s) {
  bool minus = s[0] == '(' && s[1] == '-';
  buf_puts(out, minus ? "×(−" : "×");
  put_escaped(out, minus ? s + 2 : s);
}

/* What is written beside the edge of a control. */
static bool put_edge_label(const FlowGraph *g, const BoxEdge *e, Buf *out) {
  const Control *k = &g->controls.at[e->control];
  switch (e->kind) {
  case EDGE_REVERSE: case EDGE_SCALE: put_factor(out, k->factor); return true;
  case EDGE_CLIP: buf_puts(out, "clipped"); return true;
  case EDGE_RULE: put_escaped(out, k->what); return true;
  case EDGE_STRAIGHT: buf_puts(out, "straight through"); return true;
  case EDGE_FLAT: buf_puts(out, "×0"); return true;
  default: return false;
  }
}

/* ---- boxes ---------------------------------------------------------------- */

typedef struct Drawing {
  const FlowGraph *g;
  const Boxes *b;
  FlowPart part;
  Buf *out;
  bool used[EDGE_KINDS];
} Drawing;

static void put_box_style(const Box *x, Buf *out) {
  if (x->variable)
    buf_puts(out, "shape=ellipse, style=filled, color=\"#0072B2\", fillcolor=\"#DCEBF6\", "
             "penwidth=2");
  else if (x->parameter)
    buf_puts(out, "shape=ellipse, style=filled, color=\"#9A9A9A\", fillcolor=\"#FFFFFF\"");
  else if (x->result)
    buf_puts(out, "shape=ellipse, style=filled, color=\"#000000\", fillcolor=\"#FFFFFF\", "
             "penwidth=2");
  else if (x->control == EDGE_STOP)
    buf_printf(out, "shape=octagon, style=filled, color=\"#5A5A5A\", fillcolor=\"%s\", penwidth=2",
               flow_look(EDGE_STOP).fill);
  else if (x->control != EDGE_FLOW)
    buf_printf(out, "shape=box, style=\"filled,rounded\", color=\"%s\", fillcolor=\"%s\", "
               "penwidth=2", flow_look(x->control).colour, flow_look(x->control).fill);
  else
    buf_puts(out, "shape=box, style=\"filled,rounded\", color=\"#5A5A5A\", fillcolor=\"#FFFFFF\"");
}

static void put_box(Drawing *w, uint32_t k, const char *indent) {
  const Box *x = &w->b->boxes.at[k];
  Buf *out = w->out;
  buf_printf(out, "%sn%u [id=\"%c-n%u\", class=\"box\", ", indent, k,
             w->part == FLOW_GRADIENT ? 'g' : 'f', k);
  put_box_style(x, out);
  buf_puts(out, ", label=<");
  if (x->variable || x->result) buf_puts(out, "<b>");
  put_escaped(out, x->title ? x->title : "");
  if (x->variable || x->result) buf_puts(out, "</b>");
  if (x->subtitle && strcmp(x->subtitle, x->title ? x->title : "")) {
    buf_puts(out, "<br/><font point-size=\"9\" color=\"#444444\">");
    put_escaped(out, x->subtitle);
    buf_puts(out, "</font>");
  }
  buf_puts(out, ">];\n");
}

/* The boxes of a cluster, and the clusters in it; nested as deep as calls and regions are. */
static void put_cluster(Drawing *w, uint32_t cluster, const char *indent) {
  Ctx *c = w->g->p->ctx;
  for (uint32_t k = 1; k < w->b->boxes.n; k++)
    if (w->b->boxes.at[k].cluster == cluster) put_box(w, k, indent);
  for (uint32_t i = 1; i < w->b->clusters.n; i++) {
    const Cluster *k = &w->b->clusters.at[i];
    if (k->up != cluster || !k->drawn) continue;
    buf_printf(w->out, "%ssubgraph cluster_%u {\n%s  id=\"%c-c%u\"; "
               "label=<<font point-size=\"10\">", indent, i, indent, w->part == FLOW_GRADIENT ? 'g' : 'f', i);
    put_escaped(w->out, k->title ? k->title : "");
    buf_printf(w->out, "</font>>;\n");
    put_cluster(w, i, str_printf(c, "%s  ", indent));
    buf_printf(w->out, "%s}\n", indent);
  }
}

/* ---- edges ------------------------------------------------------------------ */

static void put_line(Drawing *w, const BoxEdge *e, uint32_t k, const char *attributes) {
  buf_printf(w->out, "  n%u -> n%u [id=\"%c-e%u\", class=\"edge\", %s];\n", e->from, e->to,
             w->part == FLOW_GRADIENT ? 'g' : 'f', k, attributes);
}

static void put_forward(Drawing *w, const BoxEdge *e, uint32_t k) {
  put_line(w, e, k, w->part == FLOW_FORWARD
                        ? "color=\"#333333\", arrowhead=vee, arrowsize=0.7"
                        : "color=\"#A9A9A9\", arrowhead=vee, arrowsize=0.6, weight=2");
}

/* Where a gradient flows: an arrow back. */
static void put_gradient(Drawing *w, const BoxEdge *e, uint32_t k) {
  Look look = flow_look(e->kind);
  Buf b;
  buf_init(&b, w->g->p->ctx);
  buf_printf(&b, "dir=back, color=\"%s\", fontcolor=\"%s\", style=\"%s\", arrowtail=%s, "
             "arrowsize=0.8, penwidth=%s", look.colour, look.colour, look.style, look.arrow,
             e->kind == EDGE_REVERSE ? "3" : "2");
  Buf label;
  buf_init(&label, w->g->p->ctx);
  if (put_edge_label(w->g, e, &label)) buf_printf(&b, ", label=<  <b>%s</b>>", buf_text(&label));
  w->used[e->kind] = true;
  put_line(w, e, k, buf_text(&b));
}

/* Where none does, though values that depend on the variables do. */
static void put_blocked(Drawing *w, const BoxEdge *e, uint32_t k) {
  EdgeKind from = w->b->boxes.at[e->from].control;
  bool bar = from == EDGE_STOP && w->b->boxes.at[e->to].backward && e->kind == EDGE_FLOW;
  bool cut = e->kind != EDGE_STOP && !bar;
  w->used[cut ? EDGE_CUT : EDGE_STOP] = true;
  const char *head = w->part == FLOW_GRADIENT ? "none" : "vee";
  put_line(w, e, k, str_printf(w->g->p->ctx,
           "color=\"" GREY "\", style=%s, dir=both, arrowhead=%s, arrowtail=%s, arrowsize=%s%s",
           cut ? "dotted" : "dashed", head, bar ? "tee" : "none", bar ? "1.1" : "0.6",
           bar ? ", penwidth=2" : ""));
}

static void put_edge(Drawing *w, uint32_t k) {
  const BoxEdge *e = &w->b->edges.at[k];
  if (w->part == FLOW_FORWARD) {
    put_forward(w, e, k);
    return;
  }
  if (!e->depends) {
    if (w->part == FLOW_BOTH) put_forward(w, e, k);
    else put_line(w, e, k, "color=\"#D5D5D5\", arrowhead=none");
  } else if (e->gradient) {
    if (w->part == FLOW_BOTH) put_forward(w, e, k);
    put_gradient(w, e, k);
  } else {
    put_blocked(w, e, k);
  }
}

/* ---- legend ------------------------------------------------------------------- */

static void put_legend(Drawing *w) {
  if (w->part != FLOW_BOTH) return; /* a page has its own */
  Buf *out = w->out;
  buf_puts(out, "  legend [shape=plain, "
           "label=<<table border=\"0\" cellborder=\"0\" cellspacing=\"1\">");
  buf_puts(out, "<tr><td align=\"left\"><font color=\"#A9A9A9\">───▷</font></td>"
           "<td align=\"left\"><font point-size=\"10\">values, forward</font></td></tr>");
  for (uint32_t k = 0; k < EDGE_KINDS; k++) {
    if (!w->used[k]) continue;
    Look look = flow_look((EdgeKind)k);
    buf_printf(out, "<tr><td align=\"left\"><font color=\"%s\">%s</font></td><td align=\"left\">"
               "<font point-size=\"10\">%s</font></td></tr>", look.colour, look.stroke, look.name);
  }
  buf_puts(out, "</table>>];\n");
}

void flow_dot(const FlowGraph *g, const Boxes *b, const char *title, FlowPart part, Buf *out) {
  Drawing w = {.g = g, .b = b, .part = part, .out = out};
  char prefix = part == FLOW_GRADIENT ? 'g' : 'f';
  buf_printf(out, "digraph flow {\n  graph [id=\"%c-graph\"", prefix);
  buf_puts(out, ", rankdir=TB, fontname=\"Helvetica,Arial,sans-serif\", "
           "fontsize=12, labelloc=t, nodesep=0.3, ranksep=0.35, pad=0.2, bgcolor=\"#FFFFFF\", "
           "label=<");
  put_escaped(out, title);
  buf_puts(out, ">];\n"
    "  node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=12, margin=\"0.12,0.06\", "
    "height=0.3];\n"
    "  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=10];\n");
  buf_printf(out, "  subgraph { graph [style=\"rounded\", color=\"#BDBDBD\", fontcolor=\"#444444\", "
             "labeljust=l];\n");
  put_cluster(&w, 0, "    ");
  buf_puts(out, "  }\n");
  for (uint32_t k = 0; k < b->edges.n; k++) put_edge(&w, k);
  put_legend(&w);
  buf_puts(out, "}\n");
}

/* ---- formats -------------------------------------------------------------------- */

static const char *title_of(const FlowGraph *g, const char *function) {
  Ctx *c = g->p->ctx;
  Buf b;
  buf_init(&b, c);
  enum { FEW = 4 };
  const char *last = NULL;
  for (uint32_t k = 0; k < g->variables.n; k++) {
    const char *name = g->variables.at[k].name;
    if (g->variables.n > FEW) name = intern(c, name, strcspn(name, ".")); /* of a whole record */
    if (name == last) continue;
    buf_printf(&b, "%s%s", b.n ? ", " : "", name);
    last = name;
  }
  return str_printf(c, "%s: the gradient with respect to %s", function,
                    b.n ? buf_text(&b) : "nothing");
}

static void to_page(const FlowGraph *g, const Boxes *b, const char *title, Buf *out) {
  Ctx *c = g->p->ctx;
  Buf text, forward, gradient;
  buf_init(&text, c);
  buf_init(&forward, c);
  buf_init(&gradient, c);
  flow_dot(g, b, "", FLOW_FORWARD, &text);
  graphviz_run(c, "svg", &text, &forward);
  text.n = 0;
  flow_dot(g, b, "", FLOW_GRADIENT, &text);
  graphviz_run(c, "svg", &text, &gradient);
  flow_html(g, b, title, &forward, &gradient, out);
}

void flow_picture(FlowGraph *g, const char *function, const char *format, Buf *out) {
  Boxes *b = boxes_find(g);
  const char *title = title_of(g, function);
  if (!strcmp(format, "html")) {
    to_page(g, b, title, out);
    return;
  }
  Buf text;
  buf_init(&text, g->p->ctx);
  flow_dot(g, b, title, FLOW_BOTH, &text);
  if (!strcmp(format, "dot")) buf_add(out, text.at, text.n);
  else graphviz_run(g->p->ctx, format, &text, out);
}
