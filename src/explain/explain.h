/* explain.h - what happens to the gradient on its way from a result back to a variable,
 * as text and as pictures.
 *
 * graph.c     the program as a graph of values: an edge from each value to each that reads
 *             it, and what the edge does to the gradient
 * label.c     how values, operators and partial derivatives are called in pictures
 * paths.c     the paths from a variable to a result, grouped by the controls they meet
 * explain.c   paths as text and as JSON
 * boxes.c     which values one box of a picture stands for
 * flow.c      a picture in the language of Graphviz;  flow_html.c  a page with two
 * graphviz.c  runs Graphviz
 *
 * The program is as elaborated, its barriers still nodes, and nothing here changes it. */
#ifndef GRADC_EXPLAIN_H
#define GRADC_EXPLAIN_H

#include "elaborate/elaborate.h"
#include "ir/ir.h"

/* What an edge does to the gradient that arrives at its end. */
typedef enum EdgeKind {
  EDGE_FLOW,        /* multiplies it by a partial derivative */
  EDGE_FLAT,        /* the partial derivative is 0 everywhere: floor, sign */
  EDGE_STRAIGHT,    /* the soft side of straight_through */
  EDGE_REVERSE, EDGE_SCALE, EDGE_CLIP,
  EDGE_RULE,        /* a rule takes the place of the derivative */
  EDGE_STOP,
  EDGE_CUT,         /* no gradient: a comparison, an index, int, … */
  EDGE_KINDS
} EdgeKind;

/* Does any gradient pass? */
static inline bool edge_passes(EdgeKind k) { return k < EDGE_STOP; }
/* Is it worth telling? */
static inline bool edge_tells(EdgeKind k) { return k != EDGE_FLOW; }

/* Something that the gradient meets: a control, or a place that it does not pass. */
typedef struct Control {
  EdgeKind kind;
  const char *what;     /* "grad_reverse", "the rule of foo", "the comparison <" */
  const char *factor;   /* "(-alpha)", "s"; NULL where there is none */
  const char *detail;   /* "to -1 .. 1"; NULL */
  Span at, rule;        /* the control; the rule that it follows */
  Span loop;            /* the fold or loop around it that hands values on, or nowhere */
  bool hidden;          /* inside a built-in function: not worth telling */
} Control;

/* A value: a node of the program, or a result of a structured one. */
typedef struct Vertex {
  Ref node;
  uint32_t result;      /* of a structured node: which */
  uint32_t first, n;    /* its edges in, from the values that it reads */
  bool forward;         /* a variable's gradient could come from here: x reaches it */
  bool backward;        /* a gradient arrives */
  bool depends;         /* x reaches it, along any edge */
  bool used;            /* it reaches a result, along any edge */
} Vertex;

typedef struct FlowEdge {
  uint32_t from, to;    /* vertices */
  EdgeKind kind;
  uint32_t control;     /* number in the list of controls, 0: none */
  Ref node;             /* whose operand the edge is */
  uint32_t operand;
  bool back;            /* from one trip of a fold to the next */
} FlowEdge;

/* A variable: the parameter as the caller knows it, and its vertex. */
typedef struct Variable { const char *name; uint32_t vertex; Span at; } Variable;
typedef struct Target { const char *name; uint32_t vertex; } Target; /* a result; 0: none */

typedef struct FlowGraph {
  Prog *p;
  uint32_t nvertices;       /* vertex 0 is none; vertex v < nnodes is node v */
  Vertex *vertex;
  uint32_t *out;            /* by node: the vertex of a structured node's first result */
  VEC(uint32_t) order;      /* values before what reads them, but for `back` edges */
  VEC(FlowEdge) edges;
  VEC(Control) controls;    /* the first stands for none */
  VEC(Variable) variables;
  VEC(Target) targets;
  struct Search *search;    /* of paths.c */
} FlowGraph;

/* The graph of a function, or of an expression over free real names (function NULL);
 * parameters without a type are real numbers.  `wrt`: the variables (0: all real ones). */
FlowGraph *flow_of(Module *m, const char *function, Ast *expression, const char **wrt,
                   uint32_t nwrt);
/* Sets forward and depends for one variable, or for all (NULL). */
void flow_reach(FlowGraph *g, const Variable *x);

/* ---- label.c ---- */

/* The source at a place on one line, at most `most` characters of it; NULL: nowhere. */
const char *label_source(Ctx *c, Span at, uint32_t most);
/* A node in a formula: a name, a number or a short piece of source. */
const char *label_operand(const Prog *p, Ref r);
/* Its operator: "+", "sin", "sum", "grad_reverse". */
const char *label_operator(const Prog *p, Ref r);
/* The derivative of a node with respect to an operand, as a formula. */
const char *label_partial(const FlowGraph *g, const FlowEdge *e);
/* "tricks.gc:5:24". */
const char *label_place(Ctx *c, Span at);

/* ---- paths.c ---- */

#define PATHS_MOST 1e300 /* counted no further */

/* Paths that meet the same controls in the same order. */
typedef struct PathGroup {
  double paths;
  uint32_t n;
  const uint32_t *control;  /* from the variable to the result */
  const bool *again;        /* the fold around it repeats it */
  bool passes;              /* some gradient comes through */
  bool various;             /* stands for many groups; the controls are not listed */
} PathGroup;
typedef struct Paths { VEC(PathGroup) groups; } Paths;
Paths paths_find(FlowGraph *g, const Variable *x, const Target *y);
/* What becomes of the gradient from the result on: "× (-alpha)*s", "× 1", "none", "× 2,
 * then clipped to -1 .. 1, then the rule of f". */
const char *path_effect(const FlowGraph *g, const PathGroup *group);

/* ---- explain.c ---- */
void explain_text(FlowGraph *g, const char *function, Buf *out);
void explain_json(FlowGraph *g, const char *function, Buf *out);

/* ---- pictures ---- */

enum { BOXES_MOST = 40 };

typedef struct Box {
  const char *title, *subtitle;
  const char *builtin;      /* the built-in function that it is all of */
  uint32_t cluster;         /* 0: none */
  EdgeKind control;         /* what it does; EDGE_FLOW: an ordinary box */
  uint32_t control_number;
  bool variable, parameter, result;
  bool many;                /* several values */
  uint32_t first_line;      /* of several lines in one box */
  bool called;              /* it has a call's text */
  bool forward, backward;   /* a gradient could go on from here; one arrives */
  Span at;
} Box;
/* A call, or a loop or branch that holds a control. */
typedef struct Cluster { const char *title; uint32_t up; bool call, drawn; Span at; } Cluster;
/* Between boxes; what happens to the gradient from `to` back to `from`. */
typedef struct BoxEdge {
  uint32_t from, to;
  EdgeKind kind;
  bool gradient;            /* one flows (kind tells what becomes of it) */
  bool depends;             /* the variables reach it */
  uint32_t control;
  const char *partial;      /* its local derivative */
} BoxEdge;
typedef struct Boxes {
  VEC(Box) boxes;           /* the first stands for none */
  VEC(Cluster) clusters;
  VEC(BoxEdge) edges;
} Boxes;
Boxes *boxes_find(FlowGraph *g);

typedef enum FlowPart { FLOW_BOTH, FLOW_FORWARD, FLOW_GRADIENT } FlowPart;
void flow_dot(const FlowGraph *g, const Boxes *b, const char *title, FlowPart part, Buf *out);
/* The page; `forward` and `gradient` are the two pictures as SVG. */
void flow_html(const FlowGraph *g, const Boxes *b, const char *title, const Buf *forward,
               const Buf *gradient, Buf *out);
/* The picture as a file of a format: svg, png, pdf, dot or html. */
void flow_picture(FlowGraph *g, const char *function, const char *format, Buf *out);
/* Runs `dot -Tformat` on a text. */
void graphviz_run(Ctx *c, const char *format, const Buf *text, Buf *out);

/* How an edge of this kind looks. */
typedef struct Look { const char *colour, *fill, *style, *arrow, *stroke, *name; } Look;
Look flow_look(EdgeKind k);

#endif
