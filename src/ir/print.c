/* print.c - a program as text: the dump that docs/ir.md describes and read.c reads back.
 *
 * Every node is one line, every region a block in braces.  Values are numbered in the
 * order in which they are printed, so equal programs have equal dumps whatever their
 * history.  Scalar constants have no line: they stand as literals where they are used.
 * Linear in the program; recursion over the nesting of regions only. */
#include "ir/ir.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct Printer {
  const Prog *p;
  Buf *out;
  uint32_t *number;   /* of each Ref, 0 while it has none */
  uint32_t last;      /* the number given last */
  uint32_t indent;
} Printer;

static const char *const op_text[] = {
#define X(op, text) text,
  IR_OPS(X)
#undef X
};

static const char *const combiner_text[] = {
  "build", "sum", "prod", "max", "min", "any", "all", "argmax", "argmin",
};

static const char *const elem_text[] = {"real", "int", "bool"};

/* ---- words and numbers -------------------------------------------------- */

static void print_string(Buf *out, const char *s) {
  buf_puts(out, "\"");
  for (; *s; s++) {
    switch (*s) {
      case '"': buf_puts(out, "\\\""); break;
      case '\\': buf_puts(out, "\\\\"); break;
      case '\n': buf_puts(out, "\\n"); break;
      case '\t': buf_puts(out, "\\t"); break;
      default: buf_add(out, s, 1);
    }
  }
  buf_puts(out, "\"");
}

static bool is_identifier(const char *s) {
  if (!isalpha((unsigned char)*s) && *s != '_') return false;
  while (isalnum((unsigned char)*s) || *s == '_') s++;
  return *s == '\0';
}

static void print_name(Buf *out, const char *name) {
  if (is_identifier(name)) buf_puts(out, name);
  else print_string(out, name);
}

/* A real literal always shows that it is one: 2.0, 1e+30, inf, nan. */
static void print_real(Buf *out, double x) {
  size_t from = out->n;
  buf_real(out, x);
  if (isfinite(x) && !strpbrk(buf_text(out) + from, ".e")) buf_puts(out, ".0");
}

static void print_element(Buf *out, Elem e, double r, int64_t i) {
  if (e == ELEM_REAL) print_real(out, r);
  else if (e == ELEM_BOOL) buf_puts(out, i ? "true" : "false");
  else buf_printf(out, "%" PRId64, i);
}

static void new_line(Printer *w) {
  buf_puts(w->out, "\n");
  for (uint32_t k = 0; k < w->indent; k++) buf_puts(w->out, "  ");
}

/* ---- operands, sizes, types ---------------------------------------------- */

static void print_operand(Printer *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  if (n->op == IR_CONST) print_element(w->out, n->type->elem, n->aux.r, n->aux.i);
  else if (w->number[r]) buf_printf(w->out, "%%%" PRIu32, w->number[r]);
  else buf_printf(w->out, "%%unknown%" PRIu32, r);
}

static void print_operands(Printer *w, const Ref *r, uint32_t n) {
  for (uint32_t k = 0; k < n; k++) {
    if (k) buf_puts(w->out, ", ");
    print_operand(w, r[k]);
  }
}

/* One monomial; its sign has been written. */
static void print_mono(Printer *w, const Mono *m) {
  uint64_t num = m->num < 0 ? 0 - (uint64_t)m->num : (uint64_t)m->num;
  bool unit = num == 1 && m->den == 1;
  if (!unit || m->n == 0) buf_printf(w->out, "%" PRIu64, num);
  if (m->den != 1) buf_printf(w->out, "/%" PRId64, m->den);
  for (uint32_t k = 0; k < m->n; k++) {
    if (k || !unit) buf_puts(w->out, "*");
    print_operand(w, m->atom[k]);
    if (m->exp[k] != 1) buf_printf(w->out, "^%" PRIu32, m->exp[k]);
  }
}

static void print_size(Printer *w, Size s) {
  if (s->n == 0) buf_puts(w->out, "0");
  for (uint32_t k = 0; k < s->n; k++) {
    bool minus = s->mono[k].num < 0;
    if (k) buf_puts(w->out, minus ? " - " : " + ");
    else if (minus) buf_puts(w->out, "-");
    print_mono(w, &s->mono[k]);
  }
}

static void print_type(Printer *w, const Type *t) {
  if (t->acc) buf_puts(w->out, "acc ");
  buf_puts(w->out, elem_text[t->elem]);
  if (t->rank == 0) return;
  buf_puts(w->out, "[");
  for (uint32_t k = 0; k < t->rank; k++) {
    if (k) buf_puts(w->out, ", ");
    print_size(w, t->dim[k]);
  }
  buf_puts(w->out, "]");
}

/* ---- definitions ---------------------------------------------------------- */

/* %7 name: type */
static void print_definition(Printer *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  w->number[r] = ++w->last;
  buf_printf(w->out, "%%%" PRIu32, w->last);
  if (n->name) {
    buf_puts(w->out, " ");
    print_name(w->out, n->name);
  }
  if (n->type) {
    buf_puts(w->out, ": ");
    print_type(w, n->type);
  }
}

static void print_params(Printer *w, const Region *r) {
  buf_puts(w->out, "(");
  for (uint32_t k = 0; k < r->params.n; k++) {
    if (k) buf_puts(w->out, ", ");
    print_definition(w, r->params.at[k]);
  }
  buf_puts(w->out, ") ");
}

/* ---- attributes ------------------------------------------------------------ */

/* _ for a leaf, (a, b), (W = a, b = c), none "why". */
static void print_shape(Printer *w, const Shape *s) {
  if (s->kind == SHAPE_LEAF) {
    buf_puts(w->out, "_");
  } else if (s->kind == SHAPE_NONE) {
    buf_puts(w->out, "none");
    if (s->why) {
      buf_puts(w->out, " ");
      print_string(w->out, s->why);
    }
  } else {
    buf_puts(w->out, "(");
    for (uint32_t k = 0; k < s->n; k++) {
      if (k) buf_puts(w->out, ", ");
      if (s->kind == SHAPE_RECORD) {
        print_name(w->out, s->field[k]);
        buf_puts(w->out, " = ");
      }
      print_shape(w, s->kid[k]);
    }
    buf_puts(w->out, ")");
  }
}

static void print_source(Printer *w, const char *source) {
  if (!source) return;
  buf_puts(w->out, " source ");
  print_string(w->out, source);
}

static void print_text(Printer *w, const TextAttr *t) {
  for (uint32_t k = 0; k < t->n; k++) {
    const Piece *piece = &t->piece[k];
    buf_puts(w->out, " ");
    if (piece->text) {
      print_string(w->out, piece->text);
      continue;
    }
    buf_puts(w->out, "{");
    print_shape(w, piece->shape);
    if (piece->format) {
      buf_puts(w->out, " format ");
      print_string(w->out, piece->format);
    }
    buf_puts(w->out, "}");
  }
  if (t->newline_pieces) buf_puts(w->out, " list");
  print_source(w, t->source);
}

static void print_assertion(Printer *w, const AssertAttr *a) {
  if (a->equality) buf_puts(w->out, " equal");
  if (a->shape) {
    buf_puts(w->out, " {");
    print_shape(w, a->shape);
    buf_puts(w->out, "}");
  }
  print_source(w, a->source);
}

static void print_custom(Printer *w, const Node *n) {
  const CustomAttr *a = n->aux.custom;
  buf_puts(w->out, a->tangent ? " tangent " : " gradient ");
  print_string(w->out, a->name ? a->name : "");
  if (a->has_value) buf_puts(w->out, " value");
  buf_puts(w->out, " for (");
  for (uint32_t k = 0; k < n->nargs; k++)
    buf_printf(w->out, "%s%s", k ? ", " : "", a->gives[k] ? "yes" : "no");
  buf_puts(w->out, ")");
}

/* ---- operations -------------------------------------------------------------- */

static void print_data(Printer *w, const Node *n) {
  int64_t count = 1, dim = 0;
  for (uint32_t k = 0; k < n->type->rank; k++)
    count *= size_is_const(n->type->dim[k], &dim) ? dim : 0;
  buf_puts(w->out, "data(");
  for (int64_t k = 0; k < count; k++) {
    if (k) buf_puts(w->out, ", ");
    if (n->type->elem == ELEM_REAL) print_real(w->out, ((const double *)n->aux.data)[k]);
    else print_element(w->out, n->type->elem, 0, ((const int64_t *)n->aux.data)[k]);
  }
  buf_puts(w->out, ")");
}

static void print_prim(Printer *w, const Node *n) {
  const Prim *prim = prim_get((uint32_t)n->aux.i);
  if (isalpha((unsigned char)prim->name[0])) {
    buf_printf(w->out, "%s(", prim->name);
    print_operands(w, n->arg, n->nargs);
    buf_puts(w->out, ")");
  } else {
    print_operand(w, n->arg[0]);
    buf_printf(w->out, " %s ", prim->name);
    print_operand(w, n->arg[1]);
  }
}

/* A[i, j]   A with [i, j] = v   h[i, j] += v */
static void print_subscripted(Printer *w, const Node *n) {
  uint32_t first = first_subscript(n);
  print_operand(w, n->arg[0]);
  buf_puts(w->out, n->op == IR_WITH ? " with [" : "[");
  print_operands(w, n->arg + first, n->nargs - first);
  buf_puts(w->out, "]");
  if (n->op != IR_READ) {
    buf_puts(w->out, n->op == IR_WITH ? " = " : " += ");
    print_operand(w, n->arg[1]);
  }
  if (n->flags & NODE_CHECKED) buf_puts(w->out, " checked");
}

static void print_attributes(Printer *w, const Node *n) {
  switch (n->op) {
    case IR_TRACE:
    case IR_PRINT: print_text(w, n->aux.text); break;
    case IR_ASSERT: print_assertion(w, n->aux.assertion); break;
    case IR_CHECK:
      buf_puts(w->out, " ");
      print_string(w->out, n->aux.str ? n->aux.str : "");
      break;
    case IR_SCALE:
      if (n->flags & NODE_REVERSAL) buf_puts(w->out, " reversal");
      break;
    case IR_CUSTOM: print_custom(w, n); break;
    default: break;
  }
  if (n->nregions && n->flags & NODE_IO) buf_puts(w->out, " io");
}

static void print_operation(Printer *w, const Node *n) {
  switch (n->op) {
    case IR_PRIM: print_prim(w, n); return;
    case IR_DATA: print_data(w, n); return;
    case IR_READ:
    case IR_WITH:
    case IR_UPD: print_subscripted(w, n); return;
    case IR_PROJ:
      print_operand(w, n->arg[0]);
      buf_printf(w->out, ".%" PRId64, n->aux.i);
      return;
    default: break;
  }
  buf_printf(w->out, "%s(", op_text[n->op]);
  print_operands(w, n->arg, n->nargs);
  buf_puts(w->out, ")");
  print_attributes(w, n);
}

/* ---- regions ------------------------------------------------------------------ */

/* => %1, build %2: outputs of LOOP and FOLD carry their combiner. */
static void print_results(Printer *w, const Region *r, const Node *owner) {
  uint32_t carried = r->results.n;
  if (owner && (owner->op == IR_LOOP || owner->op == IR_FOLD))
    carried = r->results.n - owner->aux.loop->nout;
  if (r->results.n == 0) return;
  new_line(w);
  buf_puts(w->out, "=> ");
  for (uint32_t k = 0; k < r->results.n; k++) {
    if (k) buf_puts(w->out, ", ");
    if (k >= carried)
      buf_printf(w->out, "%s ", combiner_text[owner->aux.loop->comb[k - carried]]);
    print_operand(w, r->results.at[k]);
  }
}

static void print_region(Printer *w, const Region *r, const Node *owner);

static void print_node(Printer *w, Ref r) {
  const Node *n = ir_node(w->p, r);
  if (n->op == IR_CONST) return;
  new_line(w);
  if (n->flags & NODE_DERIVATIVE) buf_puts(w->out, "'");
  if (n->type || n->nregions) {
    print_definition(w, r);
    buf_puts(w->out, " = ");
  }
  print_operation(w, n);
  for (uint32_t k = 0; k < n->nregions; k++) {
    buf_puts(w->out, k && n->op == IR_IF ? " else " : " ");
    print_region(w, n->regions[k], n);
  }
}

static void print_region(Printer *w, const Region *r, const Node *owner) {
  if (!owner || owner->op != IR_IF) print_params(w, r);
  buf_puts(w->out, "{");
  w->indent++;
  for (uint32_t k = 0; k < r->nodes.n; k++) print_node(w, r->nodes.at[k]);
  print_results(w, r, owner);
  w->indent--;
  new_line(w);
  buf_puts(w->out, "}");
}

/* ---- the program ---------------------------------------------------------------- */

static void print_head(Printer *w) {
  const Sig *s = &w->p->sig;
  buf_puts(w->out, "program");
  if (s->name) {
    buf_puts(w->out, " ");
    print_string(w->out, s->name);
  }
  if (w->p->erased) buf_puts(w->out, " erased");
  if (s->doc) {
    buf_puts(w->out, "\ndoc ");
    print_string(w->out, s->doc);
  }
  if (s->source) {
    buf_puts(w->out, "\nsource ");
    print_string(w->out, s->source);
  }
  buf_puts(w->out, "\n");
}

static void print_binding(Printer *w, const char *name, Ref r) {
  print_name(w->out, name ? name : "");
  buf_puts(w->out, " = ");
  if (r) print_operand(w, r);
  else buf_puts(w->out, "none");
}

static void print_signature(Printer *w) {
  const Sig *s = &w->p->sig;
  for (uint32_t k = 0; k < s->params.n; k++) {
    buf_puts(w->out, k ? ", " : "takes ");
    if (s->params.at[k].is_size) buf_puts(w->out, "size ");
    print_binding(w, s->params.at[k].name, s->params.at[k].ref);
  }
  if (s->params.n) buf_puts(w->out, "\n");
  for (uint32_t k = 0; k < s->results.n; k++) {
    buf_puts(w->out, k ? ", " : "gives ");
    print_binding(w, s->results.at[k].name, s->results.at[k].ref);
  }
  if (s->results.n) buf_puts(w->out, "\n");
}

void ir_print(const Prog *p, Buf *out) {
  Printer w = {.p = p, .out = out};
  w.number = NEWN(p->ctx, uint32_t, p->nnodes);
  print_head(&w);
  print_region(&w, p->root, NULL);
  buf_puts(out, "\n");
  print_signature(&w);
}
