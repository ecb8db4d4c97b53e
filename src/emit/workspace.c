/* workspace.c - the workspace of a function: its slices, and the function that tells its length.
 * Both leave out slices that the text never mentions.  First come those of whole vectors, the
 * arrays of rows side by side and their sums: they start where vectors do if the workspace does.
 * Then ints, then reals. */
#include "emit/private.h"

#include <string.h>

/* Sizes that an int parameter could make negative count as 0. */
static bool may_be_negative(Emit *e, Size s) {
  if (!size_nonneg(e->p, s)) return true;
  for (uint32_t m = 0; m < s->n; m++)
    for (uint32_t k = 0; k < s->mono[m].n; k++) {
      Ref a = s->mono[m].atom[k];
      uint32_t at = (uint32_t)node(e, a)->aux.i;
      if (!root_param(e, a) || at >= e->p->sig.params.n || !e->p->sig.params.at[at].is_size)
        return true;
    }
  return false;
}

/* An int over parameters. */
static void put_atom(Emit *e, Buf *b, Ref r) {
  const Node *n = node(e, r);
  if (root_param(e, r)) {
    uint32_t k = (uint32_t)n->aux.i;
    e->param_used[k] = true;
    buf_puts(b, e->param_name[k]);
  } else if (n->op == IR_CONST) {
    buf_printf(b, "%lld", (long long)n->aux.i);
  } else {
    const char *name = prim_get((uint32_t)n->aux.i)->c;
    bool call = strncmp(name, "gc_", 3) == 0;
    if (call) {
      const char *full = str_printf(e->c, "%s_i", name);
      Buf text;
      buf_init(&text, e->c);
      buf_printf(&text, "int64_t %s(int64_t%s);", full, n->nargs == 2 ? ", int64_t" : "");
      use_function(e->f, full, e->f->jit ? buf_text(&text) : NULL);
      buf_printf(b, "%s(", full);
    } else {
      buf_puts(b, n->nargs == 1 ? "(-" : "(");
    }
    for (uint32_t k = 0; k < n->nargs; k++) {
      if (k) buf_printf(b, "%s ", call ? "," : name);
      put_atom(e, b, n->arg[k]);
    }
    buf_puts(b, ")");
  }
}

static void put_count(Emit *e, Buf *b, Size s, int prec) {
  if (!may_be_negative(e, s)) {
    size_c(e, b, s, prec, put_atom);
    return;
  }
  buf_puts(b, "(");
  size_c(e, b, s, PREC_ADD, put_atom);
  buf_puts(b, " > 0 ? ");
  size_c(e, b, s, PREC_ADD, put_atom);
  buf_puts(b, " : 0)");
}

/* (8*n <= 65536 ? 8*n : 0) where the slice is there for small sizes alone. */
static void put_length(Emit *e, Buf *b, const Slot *s, int prec) {
  if (!s->most) {
    put_count(e, b, s->size, prec);
    return;
  }
  buf_puts(b, "(");
  put_count(e, b, s->size, PREC_ADD);
  buf_printf(b, " <= %llu ? ", (unsigned long long)s->most);
  put_count(e, b, s->size, PREC_ADD);
  buf_puts(b, " : 0)");
}

static const char *slot_type(const Emit *e, const Slot *s) {
  return s->ints ? "int64_t" : e->f->real;
}

/* Without a workspace (scalars alone) the slots are C locals. */
static void declare_array(Emit *e, Buf *b, const Slot *s) {
  int64_t n = 0;
  size_is_const(s->size, &n);
  buf_printf(b, "  %s %s[%lld];\n", slot_type(e, s), s->cname, (long long)(n > 0 ? n : 1));
  e->fn->bytes += (uint64_t)(n > 0 ? n : 1) * 8;
}

/* Its place in the order. */
enum { WHOLE_VECTORS, SLOT_SUMS, SLOT_INTS, SLOT_REALS, SLOT_KINDS };

static int kind_of(const Slot *s) {
  bool whole = s->size->n > 0;
  if (s->most) return SLOT_SUMS;
  for (uint32_t k = 0; k < s->size->n; k++)
    whole &= s->size->mono[k].den == 1 && s->size->mono[k].num % LANES == 0;
  return whole ? WHOLE_VECTORS : s->ints ? SLOT_INTS : SLOT_REALS;
}

void work_declare(Emit *e, Buf *b) {
  const Slot *before = NULL;
  for (int kind = 0; kind < SLOT_KINDS; kind++)
    for (uint32_t k = 0; k < e->slots.n; k++) {
      Slot *s = &e->slots.at[k];
      if (kind_of(s) != kind || !s->used) continue;
      if (!e->has_work) {
        declare_array(e, b, s);
        continue;
      }
      const char *type = slot_type(e, s);
      bool cast = before ? before->ints != s->ints : s->ints;
      buf_printf(b, "  %s *const %s = ", type, s->cname);
      if (cast) buf_printf(b, "(%s *)(void *)", type);
      if (before) {
        buf_printf(b, cast ? "(%s + " : "%s + ", before->cname);
        put_length(e, b, before, PREC_MUL);
        if (cast) buf_puts(b, ")");
      } else {
        buf_puts(b, "work");
        e->uses_work = true;
      }
      buf_puts(b, ";\n");
      before = s;
    }
}

/* Length in reals. */
void work_length(Emit *e, Buf *b) {
  bool any = false;
  for (uint32_t k = 0; k < e->slots.n; k++) {
    const Slot *s = &e->slots.at[k];
    if (!s->used) continue;
    if (any) buf_puts(b, " + ");
    any = true;
    int per = s->ints && e->f->real_float ? 2 : 1;
    if (per == 2) buf_puts(b, "2*");
    put_length(e, b, s, per == 2 ? PREC_UNARY : PREC_ADD);
  }
  if (!any) buf_puts(b, "0");
}

bool in_work(Emit *e, uint32_t k) {
  return work_param(e, node(e, e->p->root->params.at[k]));
}

static void put_params(Emit *e, Buf *b, bool plain) {
  bool any = false;
  for (uint32_t k = 0; k < e->p->root->params.n; k++) {
    if (!in_work(e, k)) continue;
    bool size = e->p->sig.params.at[k].is_size;
    buf_printf(b, "%s%s %s%s", any ? ", " : "", size ? "size_t" : "int64_t",
               size && !plain ? "gc_size_" : "", e->param_name[k]);
    any = true;
  }
  if (!any) buf_puts(b, "void");
}

void work_args(Emit *e, Buf *b, bool declare) {
  if (declare) {
    put_params(e, b, true);
    return;
  }
  bool any = false;
  for (uint32_t k = 0; k < e->p->root->params.n; k++) {
    if (!in_work(e, k)) continue;
    buf_printf(b, "%s%s", any ? ", " : "", e->param_name[k]);
    any = true;
  }
}

void work_prototype(Emit *e, Buf *b) {
  bool literal = true;
  for (uint32_t k = 0; k < e->p->root->params.n; k++) literal &= !in_work(e, k);
  buf_printf(b, "%ssize_t %s_work(", linkage(e->f), e->cname);
  put_params(e, b, true);
  buf_puts(b, ");\n");
  if (!literal) return;
  buf_printf(b, "#define %s_WORK (", e->cname);
  work_length(e, b);
  buf_puts(b, ")\n");
}

/* ---- its length at hand -------------------------------------------------------------- */

static bool int_at(Emit *e, Ref r, const int64_t *value, int64_t *out) {
  const Node *n = node(e, r);
  int64_t x[2] = {0, 0};
  if (root_param(e, r)) {
    *out = value[n->aux.i];
    return true;
  }
  if (n->op == IR_CONST) {
    *out = n->aux.i;
    return true;
  }
  if (n->op != IR_PRIM || n->nargs > 2) return false;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (!int_at(e, n->arg[k], value, &x[k])) return false;
  return prim_fold((uint32_t)n->aux.i, false, ELEM_INT, NULL, x, NULL, out);
}

static bool size_at(Emit *e, Size s, const int64_t *value, int64_t *out) {
  double sum = 0;
  for (uint32_t m = 0; m < s->n; m++) {
    double product = (double)s->mono[m].num / (double)s->mono[m].den;
    for (uint32_t k = 0; k < s->mono[m].n; k++) {
      int64_t x;
      if (!int_at(e, s->mono[m].atom[k], value, &x)) return false;
      for (uint32_t j = 0; j < s->mono[m].exp[k]; j++) product *= (double)x;
    }
    sum += product;
  }
  if (sum > 1e9) return false;
  *out = sum > 0 ? (int64_t)(sum + 0.5) : 0;
  return true;
}

int64_t work_at(Emit *e, const int64_t *value) {
  int64_t sum = 0, n;
  for (uint32_t k = 0; k < e->slots.n; k++) {
    const Slot *s = &e->slots.at[k];
    if (!s->used) continue;
    if (!size_at(e, s->size, value, &n)) return -1;
    if (s->most && n > (int64_t)s->most) n = 0;
    sum += s->ints && e->f->real_float ? 2 * n : n;
  }
  return sum;
}

/* For the JIT, in bytes, in double so that a silly size cannot wrap round. */
static void jit_function(Emit *e, Buf *b, const Buf *length) {
  buf_printf(b, "double %s_work(const union gc_arg *in) {\n", e->cname);
  for (uint32_t k = 0; k < e->p->root->params.n; k++)
    if (e->param_used[k])
      buf_printf(b, "  const double %s = (double)in[%u].i;\n", e->param_name[k], k);
  buf_printf(b, "  return (%s) * (double)sizeof(%s);\n}\n", length->at, e->f->real);
}

void work_function(Emit *e, Buf *b) {
  bool *used = e->param_used;
  Buf length;
  e->param_used = NEWN(e->c, bool, e->p->root->params.n + 1);
  buf_init(&length, e->c);
  work_length(e, &length);
  if (e->f->jit) {
    jit_function(e, b, &length);
    e->param_used = used;
    return;
  }
  buf_printf(b, "%ssize_t %s_work(", linkage(e->f), e->cname);
  put_params(e, b, false);
  buf_puts(b, ") {\n");
  for (uint32_t k = 0; k < e->p->root->params.n; k++) {
    if (!in_work(e, k)) continue;
    bool size = e->p->sig.params.at[k].is_size;
    const char *name = e->param_name[k];
    if (!e->param_used[k]) buf_printf(b, "  (void)%s%s;\n", size ? "gc_size_" : "", name);
    else if (size) buf_printf(b, "  const int64_t %s = (int64_t)gc_size_%s;\n", name, name);
  }
  buf_printf(b, "  return (size_t)(%s);\n}\n\n", buf_text(&length));
  e->param_used = used;
}
