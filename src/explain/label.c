/* label.c - how values, operators and partial derivatives are called. */
#include "explain/explain.h"
#include "syntax/syntax.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *label_place(Ctx *c, Span at) {
  const Source *s = source_get(c, at.file);
  if (!s) return "nowhere";
  uint32_t line, column;
  source_where(c, at, &line, &column);
  return str_printf(c, "%s:%u:%u", s->name, line, column);
}

/* Bytes of the character that begins at s. */
static size_t character(const char *s) {
  size_t n = 1;
  while (((unsigned char)s[n] & 0xC0) == 0x80) n++;
  return n;
}

const char *label_source(Ctx *c, Span at, uint32_t most) {
  const Source *s = at.file ? source_get(c, at.file) : NULL;
  if (!s || at.end > s->size || at.start >= at.end) return NULL;
  Buf b;
  buf_init(&b, c);
  uint32_t n = 0;
  bool comment = false, blank = false;
  for (const char *p = s->text + at.start, *end = s->text + at.end; p < end;) {
    size_t len = character(p);
    if (*p == '#') comment = true;
    if (*p == '\n') comment = false;
    if (comment || strchr(" \t\r\n", *p)) {
      blank = true;
      p += len;
      continue;
    }
    if (n + 1 + blank > most) {
      buf_puts(&b, "…");
      break;
    }
    if (blank && n) { buf_puts(&b, " "); n++; }
    blank = false;
    buf_add(&b, p, len);
    n++;
    p += len;
  }
  return intern_z(c, buf_text(&b));
}

static const char *number_text(Ctx *c, const Node *n) {
  if (n->type->elem == ELEM_BOOL) return n->aux.i ? "true" : "false";
  if (n->type->elem == ELEM_INT) return str_printf(c, "%lld", (long long)n->aux.i);
  Buf b;
  buf_init(&b, c);
  buf_real(&b, n->aux.r);
  return intern_z(c, buf_text(&b));
}

static bool word_character(char ch) {
  return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
         ch == '_';
}

/* What the source calls a value that a fold or loop carries: the names stand after its
 * keyword, `fold s = …` or `fold (y, v) = …`. */
static const char *carried_name(const Prog *p, Ref param) {
  const Region *region = p->regions.at[ir_node(p, param)->region];
  const Node *n = ir_node(p, region->owner);
  uint32_t first = n->op == IR_FOLD ? 1 : 0;
  int64_t k = ir_node(p, param)->aux.i - first;
  if (!region->owner || (n->op != IR_FOLD && n->op != IR_WHILE) || k < 0) return NULL;
  const char *s = label_source(p->ctx, n->pos, 200), *end = s ? strchr(s, '=') : NULL;
  if (!end || (strncmp(s, "fold", 4) && strncmp(s, "scan", 4) && strncmp(s, "loop", 4)))
    return NULL;
  for (s += 4; s < end;) {
    size_t len = 0;
    while (word_character(s[len])) len++;
    if (len && k-- == 0) return intern(p->ctx, s, len);
    s += len ? len : 1;
  }
  return NULL;
}

/* x[0] of literal subscripts; NULL of others. */
static const char *element_text(const Prog *p, const Node *n) {
  Buf b;
  buf_init(&b, p->ctx);
  buf_printf(&b, "%s[", label_operand(p, n->arg[0]));
  for (uint32_t k = 1; k < n->nargs; k++) {
    if (ir_node(p, n->arg[k])->op != IR_CONST) return NULL;
    buf_printf(&b, "%s%s", k > 1 ? ", " : "", number_text(p->ctx, ir_node(p, n->arg[k])));
  }
  buf_puts(&b, "]");
  return intern_z(p->ctx, buf_text(&b));
}

const char *label_operand(const Prog *p, Ref r) {
  enum { SHORT = 24 };
  for (int k = 0; k < 16; k++) {
    const Node *n = ir_node(p, r);
    if (n->op == IR_CONST) return number_text(p->ctx, n);
    if (n->name) return n->name;
    if (n->op == IR_PARAM) return label_operator(p, r);
    const char *element = n->op == IR_READ && ir_node(p, n->arg[0])->op != IR_READ
                              ? element_text(p, n) : NULL;
    if (element) return element;
    bool through = n->op == IR_VAR || n->op == IR_READ || n->op == IR_TIE || n->op == IR_TOREAL ||
                   n->op == IR_FILL || n->op == IR_RESHAPE;
    if (n->op == IR_PROJ) {
      const char *text = label_source(p->ctx, ir_node(p, n->arg[0])->pos, SHORT);
      return text ? text : "it";
    }
    if (!through) {
      const char *text = label_source(p->ctx, n->pos, SHORT);
      return text ? text : "it";
    }
    r = n->arg[0];
  }
  return "it";
}

static const char *loop_operator(const Node *n) {
  static const char *const words[] = {"array", "sum", "prod", "max", "min", "any", "all",
                                      "argmax", "argmin"};
  return n->nresults ? words[n->aux.loop->comb[0]] : "array";
}

const char *label_operator(const Prog *p, Ref r) {
  const Node *n = ir_node(p, r);
  switch (n->op) {
  case IR_PRIM: {
    const char *name = prim_get((uint32_t)n->aux.i)->name;
    return !strcmp(name, "neg") || !strcmp(name, "-") ? "−" : !strcmp(name, "*") ? "×" : name;
  }
  case IR_PARAM: {
    const char *name = n->name ? n->name : carried_name(p, r);
    return name ? name : "it";
  }
  case IR_CONST: return number_text(p->ctx, n);
  case IR_LOOP: return loop_operator(n);
  case IR_WHILE: return "loop";
  case IR_STOP: return "stop_gradient";
  case IR_SCALE: return n->flags & NODE_REVERSAL ? "grad_reverse" : "grad_scale";
  case IR_STRAIGHT: return "straight_through";
  case IR_CUSTOM: return n->aux.custom->name;
  case IR_FOLD: return "fold";
  case IR_IF: return "if";
  case IR_READ: return "element";
  case IR_STACK: return "array";
  case IR_DATA: return "numbers";
  case IR_TOINT: return "int";
  case IR_TOREAL: return "real";
  case IR_FILL: return "fill";
  case IR_RESHAPE: return "reshape";
  case IR_WITH: return "with";
  default: return "value";
  }
}

/* ---- partial derivatives -------------------------------------------------- */

typedef struct Formula { const FlowGraph *g; Ctx *c; const Node *n; Ref result; } Formula;

static bool is_number(const Ast *a, double *x) {
  if (a->kind == AST_INT) *x = (double)a->i;
  else if (a->kind == AST_REAL) *x = a->r;
  else return false;
  return true;
}

static Ast *number_ast(Formula *f, double x) {
  bool whole = x == floor(x) && fabs(x) < 1e9;
  Ast *a = ast_new(f->c, whole ? AST_INT : AST_REAL, (Span){0}, 0);
  a->i = whole ? (int64_t)x : 0;
  a->r = x;
  return a;
}

/* A name, an element, a field or a call: no parentheses are needed around it. */
static bool is_plain(const char *s) {
  if (!word_character(*s)) return false;
  while (word_character(*s) || *s == '.') s++;
  if (*s != '(' && *s != '[') return *s == 0;
  int depth = 0;
  for (; *s; s++) {
    depth += (*s == '(' || *s == '[') - (*s == ')' || *s == ']');
    if (depth == 0) return s[1] == 0;
  }
  return false;
}

/* An operand as a number or as a name, whatever its text is. */
static Ast *operand_ast(Formula *f, Ref r) {
  double x;
  if (ir_is_const(f->g->p, r, &x) && x >= 0 && isfinite(x)) return number_ast(f, x);
  const char *text = label_operand(f->g->p, r);
  Ast *a = ast_new(f->c, AST_NAME, (Span){0}, 0);
  a->name = is_plain(text) ? text : str_printf(f->c, "(%s)", text);
  return a;
}

static bool true_condition(const Ast *a, bool *known) {
  double x, y;
  *known = a->kind == AST_BINARY && is_number(a->kid[0], &x) && is_number(a->kid[1], &y);
  if (!*known) return false;
  switch (a->op) {
  case OP_EQ: return x == y;
  case OP_LT: return x < y;
  case OP_GT: return x > y;
  default: *known = false; return false;
  }
}

/* What stands in a formula once its constants are known. */
static Ast *tidy(Formula *f, Ast *a) {
  double x, y;
  bool known;
  if (a->kind == AST_CALL && !strcmp(a->kid[0]->name, "select")) {
    bool holds = true_condition(a->kid[1], &known);
    return known ? a->kid[holds ? 2 : 3] : a;
  }
  if (a->kind == AST_BINARY && a->op == OP_SUB && is_number(a->kid[0], &x) &&
      is_number(a->kid[1], &y) && x >= y)
    return number_ast(f, x - y);
  if (a->kind == AST_BINARY && a->op == OP_POW && is_number(a->kid[1], &x) && x == 1)
    return a->kid[0];
  if (a->kind == AST_BINARY && a->op == OP_POW && is_number(a->kid[1], &x) && x == 0)
    return number_ast(f, 1);
  if (a->kind == AST_BINARY && a->op == OP_MUL && is_number(a->kid[1], &x) && x == 1)
    return a->kid[0];
  return a;
}

/* The table's formulas are a few levels deep, so this may recurse. */
static Ast *substitute(Formula *f, const Ast *a) {
  if (a->kind == AST_NAME && a->name[1] == 0 && strchr("xyzr", a->name[0])) {
    if (a->name[0] == 'r') return operand_ast(f, f->result);
    return operand_ast(f, f->n->arg[a->name[0] - 'x']);
  }
  Ast *b = NEW(f->c, Ast);
  *b = *a;
  b->kid = NEWN(f->c, Ast *, a->nkids);
  for (uint32_t k = 0; k < a->nkids; k++)
    b->kid[k] = k == 0 && a->kind == AST_CALL ? a->kid[0] : substitute(f, a->kid[k]);
  for (uint32_t k = 1; a->kind == AST_CALL && k < a->nkids; k++)
    if (b->kid[k]->kind == AST_NAME && b->kid[k]->name[0] == '(')
      b->kid[k]->name = intern(f->c, b->kid[k]->name + 1, strlen(b->kid[k]->name) - 2);
  return tidy(f, b);
}

static const char *prim_partial(const FlowGraph *g, const FlowEdge *e) {
  const Node *n = ir_node(g->p, e->node);
  const char *text = prim_get((uint32_t)n->aux.i)->d[e->operand];
  Ctx *c = g->p->ctx;
  if (!text) return "none";
  uint32_t file = source_add(c, "primitives.def", text, strlen(text));
  Formula f = {g, c, n, e->node};
  Ast *a = substitute(&f, parse(c, file, PARSE_ENTRY, NULL)->kid[0]->kid[0]);
  Buf b;
  buf_init(&b, c);
  ast_print(a, &b);
  return intern_z(c, buf_text(&b));
}

static const char *combiner_partial(const FlowGraph *g, const FlowEdge *e) {
  const Node *n = ir_node(g->p, e->node);
  if (n->op != IR_LOOP) return "1";
  switch (n->aux.loop->comb[g->vertex[e->to].result]) {
  case PROD: return "the product of the other factors";
  case MAX: return "1 at the largest, 0 elsewhere";
  case MIN: return "1 at the smallest, 0 elsewhere";
  default: return "1";
  }
}

const char *label_partial(const FlowGraph *g, const FlowEdge *e) {
  const Control *k = &g->controls.at[e->control];
  Ctx *c = g->p->ctx;
  switch (e->kind) {
  case EDGE_REVERSE: case EDGE_SCALE: return k->factor;
  case EDGE_FLAT: return "0";
  case EDGE_STRAIGHT: return "1";
  case EDGE_CLIP: return str_printf(c, "what arrives, clipped %s", k->detail);
  case EDGE_RULE: return k->what;
  case EDGE_STOP: return str_printf(c, "none: %s", k->what);
  case EDGE_CUT: return k->what ? str_printf(c, "none: %s", k->what) : "none";
  default: break;
  }
  return ir_node(g->p, e->node)->op == IR_PRIM ? prim_partial(g, e) : combiner_partial(g, e);
}
