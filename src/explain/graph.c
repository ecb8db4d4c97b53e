/* graph.c - the program as a graph of values.
 *
 * One walk over the regions gives each value the edges from what it reads; a structured
 * operator's results are values of their own, reached from its regions' results, so that
 * nothing is connected that is not.  Requires: barriers are still nodes. */
#include "explain/explain.h"

#include <string.h>

typedef struct Add { uint32_t handle, from; Ref node; } Add;

typedef struct Walk {
  FlowGraph *g;
  Prog *p;
  Ctx *c;
  bool *factor;           /* STOPs that a grad_reverse or grad_scale puts on its factor */
  uint32_t *control_of;   /* by node: the control that it is; each number of operands once */
  VEC(Add) adds;          /* updates of accumulators, met so far */
  Span loop;              /* the innermost fold or loop around */
} Walk;

/* ---- controls ----------------------------------------------------------- */

static bool in_prelude(const Node *n) {
  for (const CallSite *s = n->call; s; s = s->up)
    if (s->prelude) return true;
  return false;
}

static uint32_t add_control(Walk *w, Ref r, Control k) {
  k.at = ir_node(w->p, r)->pos;
  k.loop = w->loop;
  VEC_PUSH(w->c, &w->g->controls, k);
  return w->g->controls.n - 1;
}

/* A place where no gradient passes. */
static uint32_t cut(Walk *w, Ref r, const char *what) {
  const Node *n = ir_node(w->p, r);
  return add_control(w, r, (Control){.kind = EDGE_CUT, .what = what, .hidden = in_prelude(n)});
}

static bool is_simple(const char *s) {
  bool digits = (*s >= '0' && *s <= '9') || *s == '.';
  for (; *s; s++) {
    bool word = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_' || *s == '.' ||
                (*s >= '0' && *s <= '9');
    if (!word && !(digits && (*s == '+' || *s == '-'))) return false;
  }
  return true;
}

static const char *minus(Ctx *c, const char *s) {
  return is_simple(s) ? str_printf(c, "(-%s)", s) : str_printf(c, "(-(%s))", s);
}

/* The factor of a SCALE as text. */
static const char *factor_text(Walk *w, const Node *scale) {
  bool reversal = scale->flags & NODE_REVERSAL;
  const Node *s = ir_node(w->p, scale->arg[1]);
  Ref r = s->op == IR_STOP ? s->arg[0] : scale->arg[1];
  const Node *n = ir_node(w->p, r);
  if (n->op == IR_PRIM && n->aux.i == P_NEG && reversal)
    return minus(w->c, label_operand(w->p, n->arg[0]));
  double x;
  const char *text = label_operand(w->p, r);
  if (ir_is_const(w->p, r, &x)) return x < 0 ? str_printf(w->c, "(%s)", text) : text;
  if (reversal && !n->name) return "(-alpha)";
  return is_simple(text) ? text : str_printf(w->c, "(%s)", text);
}

static uint32_t scale_control(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  bool reversal = n->flags & NODE_REVERSAL;
  return add_control(w, r, (Control){
    .kind = reversal ? EDGE_REVERSE : EDGE_SCALE,
    .what = reversal ? "grad_reverse" : "grad_scale",
    .factor = factor_text(w, n),
  });
}

/* A derivative's nodes do not know their call: one that the source does not stop there is
 * of a built-in function. */
static uint32_t stop_control(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  const char *text = label_source(w->c, n->pos, 40);
  bool detach = text && strncmp(text, "detach", 6) == 0;
  bool written = detach || (text && strncmp(text, "stop_gradient", 13) == 0);
  return add_control(w, r, (Control){
    .kind = EDGE_STOP,
    .what = detach ? "detach" : "stop_gradient",
    .hidden = in_prelude(n) || (n->flags & NODE_DERIVATIVE && !written),
  });
}

static bool is_clip(const Node *n) {
  return strcmp(n->aux.custom->name, "grad_clip") == 0 && n->nargs == 3 && in_prelude(n);
}

static uint32_t custom_control(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  if (is_clip(n))
    return add_control(w, r, (Control){
      .kind = EDGE_CLIP, .what = "grad_clip",
      .detail = str_printf(w->c, "to %s .. %s", label_operand(w->p, n->arg[1]),
                           label_operand(w->p, n->arg[2]))});
  if (in_prelude(n)) return 0;
  return add_control(w, r, (Control){.kind = EDGE_RULE,
    .what = str_printf(w->c, "the rule of %s", n->aux.custom->name),
    .detail = n->aux.custom->name, .rule = n->aux.custom->rule});
}

/* The control that node r is, made when first asked for. */
static uint32_t control_of(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  uint32_t *k = &w->control_of[r];
  if (*k) return *k;
  switch (n->op) {
  case IR_SCALE: return *k = scale_control(w, r);
  case IR_CUSTOM: return *k = custom_control(w, r);
  case IR_STRAIGHT:
    return *k = add_control(w, r, (Control){.kind = EDGE_STRAIGHT, .what = "straight_through"});
  case IR_STOP: return *k = stop_control(w, r);
  default: return 0;
  }
}

/* ---- edges -------------------------------------------------------------- */

static void open_vertex(Walk *w, uint32_t v, Ref node, uint32_t result) {
  Vertex *x = &w->g->vertex[v];
  x->node = node;
  x->result = result;
  x->first = w->g->edges.n;
  VEC_PUSH(w->c, &w->g->order, v);
}

static void add_edge(Walk *w, FlowEdge e) {
  VEC_PUSH(w->c, &w->g->edges, e);
  w->g->vertex[e.to].n++;
}

static void edge(Walk *w, uint32_t from, uint32_t to, Ref node, uint32_t operand) {
  add_edge(w, (FlowEdge){.from = from, .to = to, .node = node, .operand = operand});
}

static void cut_edge(Walk *w, uint32_t from, uint32_t to, Ref node, uint32_t operand,
                     uint32_t control) {
  add_edge(w, (FlowEdge){.from = from, .to = to, .kind = EDGE_CUT, .control = control,
                         .node = node, .operand = operand});
}

static void control_edge(Walk *w, uint32_t from, uint32_t to, Ref node, uint32_t operand) {
  uint32_t k = control_of(w, node);
  add_edge(w, (FlowEdge){.from = from, .to = to, .control = k, .node = node, .operand = operand,
                         .kind = k ? w->g->controls.at[k].kind : EDGE_FLOW});
}

/* ---- plain nodes -------------------------------------------------------- */

static const char *cut_word(Walk *w, const Node *n) {
  const Prim *prim = prim_get((uint32_t)n->aux.i);
  const char *text = label_source(w->c, n->pos, 30);
  if (prim->type != PT_CMP) return str_printf(w->c, "%s has no derivative there", prim->name);
  return text ? str_printf(w->c, "the comparison %s", text)
              : str_printf(w->c, "the comparison %s", prim->name);
}

static void prim_edges(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  const Prim *prim = prim_get((uint32_t)n->aux.i);
  bool whole = n->type->elem != ELEM_REAL;
  uint32_t told = 0, flat = 0;
  for (uint32_t k = 0; k < n->nargs; k++) {
    if (whole || !prim->d[k] || ir_type(w->p, n->arg[k])->elem != ELEM_REAL) {
      if (!told) told = cut(w, r, cut_word(w, n));
      cut_edge(w, n->arg[k], r, r, k, told);
    } else if (!strcmp(prim->d[k], "0")) {
      if (!flat)
        flat = add_control(w, r, (Control){.kind = EDGE_FLAT, .factor = "0",
          .what = str_printf(w->c, "%s, which is flat", prim->name), .hidden = in_prelude(n)});
      add_edge(w, (FlowEdge){.from = n->arg[k], .to = r, .kind = EDGE_FLAT, .control = flat,
                             .node = r, .operand = k});
    } else {
      edge(w, n->arg[k], r, r, k);
    }
  }
}

/* The first `flow` operands pass the gradient on, the others are subscripts. */
static void access_edges(Walk *w, Ref r, uint32_t flow) {
  const Node *n = ir_node(w->p, r);
  uint32_t told = 0;
  for (uint32_t k = 0; k < n->nargs; k++) {
    if (k < flow) {
      edge(w, n->arg[k], r, r, k);
      continue;
    }
    if (!told) told = cut(w, r, "an index");
    cut_edge(w, n->arg[k], r, r, k, told);
  }
}

static void scale_edges(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  control_edge(w, n->arg[0], r, r, 0);
  bool reversal = n->flags & NODE_REVERSAL;
  const char *what = reversal ? "alpha of grad_reverse" : "the factor of grad_scale";
  cut_edge(w, n->arg[1], r, r, 1, cut(w, r, what));
}

static void straight_edges(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  cut_edge(w, n->arg[0], r, r, 0, cut(w, r, "the hard side of straight_through"));
  control_edge(w, n->arg[1], r, r, 1);
}

static uint32_t out_vertex(const Walk *w, Ref structured, uint32_t k) {
  return w->g->out[structured] + k;
}

static void plain_node(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  open_vertex(w, r, r, 0);
  switch (n->op) {
  case IR_PRIM: prim_edges(w, r); break;
  case IR_TOREAL: case IR_TOINT: cut_edge(w, n->arg[0], r, r, 0, cut(w, r, "int")); break;
  case IR_READ: access_edges(w, r, 1); break;
  case IR_WITH: access_edges(w, r, 2); break;
  case IR_STACK: access_edges(w, r, n->nargs); break;
  case IR_RESHAPE: case IR_FILL: case IR_VAR: case IR_TIE: edge(w, n->arg[0], r, r, 0); break;
  case IR_PROJ: edge(w, out_vertex(w, n->arg[0], (uint32_t)n->aux.i), r, r, 0); break;
  case IR_STOP:
    if (w->factor[r]) edge(w, n->arg[0], r, r, 0); /* its SCALE cuts */
    else control_edge(w, n->arg[0], r, r, 0);
    break;
  case IR_SCALE: scale_edges(w, r); break;
  case IR_STRAIGHT: straight_edges(w, r); break;
  default: break;
  }
}

/* ---- structured nodes ----------------------------------------------------- */

static void region_nodes(Walk *w, const Region *r);

static void plain_params(Walk *w, const Region *r) {
  for (uint32_t k = 0; k < r->params.n; k++) open_vertex(w, r->params.at[k], r->params.at[k], 0);
}

static void if_node(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  region_nodes(w, n->regions[0]);
  region_nodes(w, n->regions[1]);
  uint32_t told = cut(w, r, "the condition of an if");
  for (uint32_t k = 0; k < n->nresults; k++) {
    uint32_t v = out_vertex(w, r, k);
    open_vertex(w, v, r, k);
    cut_edge(w, n->arg[0], v, r, 0, told);
    edge(w, n->regions[0]->results.at[k], v, r, 1);
    edge(w, n->regions[1]->results.at[k], v, r, 2);
  }
}

static void combined(Walk *w, Ref r, uint32_t k, Ref value, Combiner comb) {
  static const char *const words[] = {[ANY] = "any", [ALL] = "all", [ARGMAX] = "argmax",
                                      [ARGMIN] = "argmin"};
  uint32_t v = out_vertex(w, r, k);
  open_vertex(w, v, r, k);
  if (comb <= MIN) edge(w, value, v, r, 0);
  else cut_edge(w, value, v, r, 0, cut(w, r, words[comb]));
}

static void loop_node(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  plain_params(w, n->regions[0]);
  region_nodes(w, n->regions[0]);
  for (uint32_t k = 0; k < n->nresults; k++)
    combined(w, r, k, n->regions[0]->results.at[k], n->aux.loop->comb[k]);
}

/* Parameters of `body` from `first` on carry what the operands after the first bring and
 * what the body hands on. */
static void carried_params(Walk *w, Ref r, const Region *body, uint32_t first, bool hands_on) {
  const Node *n = ir_node(w->p, r);
  for (uint32_t k = 0; k < first; k++) open_vertex(w, body->params.at[k], body->params.at[k], 0);
  for (uint32_t k = 0; k + 1 < n->nargs; k++) {
    Ref param = body->params.at[first + k];
    open_vertex(w, param, param, 0);
    edge(w, n->arg[k + 1], param, r, k + 1);
    if (hands_on)
      add_edge(w, (FlowEdge){.from = body->results.at[k], .to = param, .node = r, .operand = k + 1,
                             .back = true});
  }
}

static void fold_node(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  const Region *body = n->regions[0];
  Span outer = w->loop;
  w->loop = n->pos;
  carried_params(w, r, body, 1, true);
  region_nodes(w, body);
  w->loop = outer;
  for (uint32_t k = 0; k < n->nresults; k++) {
    uint32_t output = k - (n->nargs - 1);
    combined(w, r, k, body->results.at[k], k + 1 < n->nargs ? BUILD : n->aux.loop->comb[output]);
  }
}

static void while_node(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  const Region *body = n->regions[1];
  Span outer = w->loop;
  w->loop = n->pos;
  carried_params(w, r, body, 0, true);
  region_nodes(w, body);
  carried_params(w, r, n->regions[0], 0, false);
  region_nodes(w, n->regions[0]);
  w->loop = outer;
  uint32_t told = cut(w, r, "the condition of a loop");
  for (uint32_t k = 0; k < n->nresults; k++) {
    uint32_t v = out_vertex(w, r, k);
    open_vertex(w, v, r, k);
    if (k < body->results.n) edge(w, body->results.at[k], v, r, 0);
    cut_edge(w, n->regions[0]->results.at[0], v, r, 0, told);
  }
}

static void accum_node(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  const Region *body = n->regions[0];
  uint32_t before = w->adds.n;
  plain_params(w, body);
  region_nodes(w, body);
  for (uint32_t k = 0; k < n->nresults; k++) {
    uint32_t v = out_vertex(w, r, k);
    open_vertex(w, v, r, k);
    edge(w, k < n->nargs ? n->arg[k] : body->results.at[k - n->nargs], v, r, k);
    for (uint32_t i = before; k < n->nargs && i < w->adds.n; i++)
      if (w->adds.at[i].handle == body->params.at[k])
        edge(w, w->adds.at[i].from, v, w->adds.at[i].node, 1);
  }
}

/* A call with a rule is one step: its function has no derivative of its own. */
static void custom_node(Walk *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  uint32_t told = 0;
  const char *name = n->aux.custom->name;
  for (uint32_t k = 0; k < n->nresults; k++) {
    uint32_t v = out_vertex(w, r, k);
    open_vertex(w, v, r, k);
    for (uint32_t i = 0; i < n->nargs; i++) {
      if (n->aux.custom->gives[i]) {
        control_edge(w, n->arg[i], v, r, i);
        continue;
      }
      if (!told) told = cut(w, r, str_printf(w->c, "%s has no gradient for it", name));
      cut_edge(w, n->arg[i], v, r, i, told);
    }
    uint32_t free = 0;
    for (uint32_t i = 0; i < n->nfree; i++) {
      if (!free) free = cut(w, r, str_printf(w->c, "%s reads it past its rule", name));
      cut_edge(w, n->free[i], v, r, 0, free);
    }
  }
}

static void region_nodes(Walk *w, const Region *r) {
  for (uint32_t i = 0; i < r->nodes.n; i++) {
    Ref ref = r->nodes.at[i];
    const Node *n = ir_node(w->p, ref);
    switch (n->op) {
    case IR_IF: if_node(w, ref); break;
    case IR_LOOP: loop_node(w, ref); break;
    case IR_FOLD: fold_node(w, ref); break;
    case IR_WHILE: while_node(w, ref); break;
    case IR_ACCUM: accum_node(w, ref); break;
    case IR_CUSTOM: custom_node(w, ref); break;
    case IR_UPD: {
      Add add = {n->arg[0], n->arg[1], ref};
      VEC_PUSH(w->c, &w->adds, add);
      break;
    }
    case IR_TRACE: case IR_PRINT: case IR_ASSERT: case IR_CHECK: break;
    default: plain_node(w, ref); break;
    }
  }
}

/* ---- ends ----------------------------------------------------------------- */

/* Is `name` the parameter `path`, or a field of it? */
static bool named(const char *name, const char *path) {
  size_t n = strlen(path);
  return strncmp(name, path, n) == 0 && (name[n] == 0 || name[n] == '.');
}

static bool wanted(const char *name, const char *const *wrt, uint32_t nwrt) {
  for (uint32_t k = 0; k < nwrt; k++)
    if (named(name, wrt[k])) return true;
  return nwrt == 0;
}

static void find_variables(Walk *w, const char *const *wrt, uint32_t nwrt) {
  Prog *p = w->p;
  bool *seen = NEWN(w->c, bool, p->nnodes);
  for (uint32_t i = 0; i < p->root->nodes.n; i++) {
    Ref r = p->root->nodes.at[i];
    const Node *n = ir_node(p, r);
    if (n->op != IR_VAR || n->type->elem != ELEM_REAL || seen[n->arg[0]]) continue;
    const Node *param = ir_node(p, n->arg[0]);
    if (param->op != IR_PARAM || !param->name || !wanted(param->name, wrt, nwrt)) continue;
    seen[n->arg[0]] = true;
    Variable x = {param->name, r, n->pos};
    for (uint32_t k = 0; k < p->sig.params.n; k++)
      if (p->sig.params.at[k].ref == n->arg[0]) x.at = p->sig.params.at[k].pos;
    VEC_PUSH(w->c, &w->g->variables, x);
  }
}

/* "out_task" as "losses.task"; a lone result is the function. */
static const char *target_name(Ctx *c, const char *function, const char *out) {
  const char *part = strchr(out, '_');
  return part ? str_printf(c, "%s.%s", function, part + 1) : function;
}

static void find_targets(Walk *w, const char *function) {
  for (uint32_t k = 0; k < w->p->sig.results.n; k++) {
    const SigResult *s = &w->p->sig.results.at[k];
    Target t = {target_name(w->c, function, s->name), s->ref};
    VEC_PUSH(w->c, &w->g->targets, t);
  }
}

/* ---- reach ---------------------------------------------------------------- */

static void reach_back(FlowGraph *g) {
  for (uint32_t k = 0; k < g->targets.n; k++) {
    Vertex *v = &g->vertex[g->targets.at[k].vertex];
    v->used = v->backward = true;
  }
  for (bool again = true; again;) {
    again = false;
    for (uint32_t i = g->order.n; i-- > 0;) {
      const Vertex *v = &g->vertex[g->order.at[i]];
      for (uint32_t k = v->first; v->used && k < v->first + v->n; k++) {
        const FlowEdge *e = &g->edges.at[k];
        Vertex *u = &g->vertex[e->from];
        bool backward = v->backward && edge_passes(e->kind);
        again |= e->back && (!u->used || backward > u->backward);
        u->used = true;
        u->backward |= backward;
      }
    }
  }
}

static void reach_from(FlowGraph *g, uint32_t v) {
  Vertex *to = &g->vertex[v];
  for (uint32_t k = to->first; k < to->first + to->n; k++) {
    const FlowEdge *e = &g->edges.at[k];
    const Vertex *u = &g->vertex[e->from];
    bool forward = u->forward && edge_passes(e->kind);
    to->depends |= u->depends;
    to->forward |= forward;
  }
}

/* Does one trip of a fold hand to the next what did not reach it before? */
static bool trip_reaches_more(const FlowGraph *g) {
  for (uint32_t k = 0; k < g->edges.n; k++) {
    const FlowEdge *e = &g->edges.at[k];
    const Vertex *from = &g->vertex[e->from], *to = &g->vertex[e->to];
    if (e->back && (from->depends > to->depends || from->forward > to->forward)) return true;
  }
  return false;
}

void flow_reach(FlowGraph *g, const Variable *x) {
  for (uint32_t v = 0; v < g->nvertices; v++) g->vertex[v].depends = g->vertex[v].forward = false;
  for (uint32_t k = 0; k < g->variables.n; k++) {
    if (x && x != &g->variables.at[k]) continue;
    Vertex *v = &g->vertex[g->variables.at[k].vertex];
    v->depends = v->forward = true;
  }
  do {
    for (uint32_t i = 0; i < g->order.n; i++) reach_from(g, g->order.at[i]);
  } while (trip_reaches_more(g));
}

/* ---- the whole -------------------------------------------------------------- */

static void number_vertices(Walk *w) {
  FlowGraph *g = w->g;
  Prog *p = w->p;
  g->out = NEWN(w->c, uint32_t, p->nnodes);
  w->factor = NEWN(w->c, bool, p->nnodes);
  w->control_of = NEWN(w->c, uint32_t, p->nnodes);
  g->nvertices = p->nnodes;
  for (Ref r = 1; r < p->nnodes; r++) {
    const Node *n = ir_node(p, r);
    if (n->op == IR_SCALE) w->factor[n->arg[1]] = true;
    if (!n->nregions) continue;
    g->out[r] = g->nvertices;
    g->nvertices += n->nresults;
  }
  g->vertex = NEWN(w->c, Vertex, g->nvertices);
}

FlowGraph *flow_of(Module *m, const char *function, Ast *expression, const char **wrt,
                   uint32_t nwrt) {
  Prog *p = elaborate_diff(m, function, expression, wrt, nwrt, 0);
  FlowGraph *g = NEW(p->ctx, FlowGraph);
  Walk w = {.g = g, .p = p, .c = p->ctx};
  g->p = p;
  Control none = {0};
  VEC_PUSH(w.c, &g->controls, none);
  number_vertices(&w);
  plain_params(&w, p->root);
  region_nodes(&w, p->root);
  find_variables(&w, wrt, nwrt);
  find_targets(&w, function ? function : label_source(w.c, expression->span, 60));
  reach_back(g);
  flow_reach(g, NULL);
  return g;
}
