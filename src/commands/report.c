/* report.c - gradc compile --report: what each function costs, as formulas over its sizes and,
 * with --size, as numbers. */
#include "commands/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL = 18, FORMULA = 46 };

/* ---- polynomials --------------------------------------------------------------------- */

/* NAN where sizes are unknown, or a count was too large for a polynomial. */
static double number_of(Size s) {
  int64_t n;
  if (!s) return NAN;
  if (size_is_const(s, &n)) return (double)n;
  return s->n == 1 && !s->mono[0].n ? (double)s->mono[0].num / (double)s->mono[0].den : NAN;
}

static uint32_t degree(Size s) {
  uint32_t d = 0;
  for (uint32_t k = 0; s->n && k < s->mono[0].n; k++) d += s->mono[0].exp[k];
  return d;
}

/* The sum of the coefficients of the highest degree. */
static double leading(Size s) {
  double sum = 0;
  uint32_t top = degree(s);
  for (uint32_t k = 0; k < s->n; k++) {
    uint32_t d = 0;
    for (uint32_t j = 0; j < s->mono[k].n; j++) d += s->mono[k].exp[j];
    if (d == top) sum += (double)s->mono[k].num / (double)s->mono[k].den;
  }
  return sum;
}

/* a/b when all sizes grow alike; NAN where one outgrows the other. */
static double limit(Size a, Size b) {
  return degree(a) == degree(b) && leading(b) > 0 ? leading(a) / leading(b) : NAN;
}

static Size operations(const EmitReport *r) {
  Prog *p = (Prog *)(uintptr_t)r->p;
  Size sum = r->count[EMIT_ADDITIONS];
  for (unsigned k = EMIT_MULTIPLICATIONS; sum && k <= EMIT_FUNCTIONS; k++)
    sum = r->count[k] ? size_add(p, sum, r->count[k]) : NULL;
  return sum;
}

/* ---- lines ------------------------------------------------------------------------------- */

static void put_line(Buf *b, const char *label, const char *formula, const char *number) {
  if (*number) buf_printf(b, "  %-*s%-*s  %s\n", LABEL, label, FORMULA, formula, number);
  else buf_printf(b, "  %-*s%s\n", LABEL, label, formula);
}

static const char *number_text(Ctx *c, double x, const char *unit) {
  if (isnan(x)) return "";
  return fabs(x) < 1e15 ? str_printf(c, "%.0f%s", x, unit) : str_printf(c, "%.3g%s", x, unit);
}

/* Is it a formula over what the caller gives, and not over numbers of the function's own? */
static bool is_formula(const Prog *p, Size s) {
  bool known = s != NULL;
  for (uint32_t k = 0; known && k < s->n; k++)
    for (uint32_t j = 0; j < s->mono[k].n; j++)
      known &= ir_node(p, s->mono[k].atom[j])->op == IR_PARAM;
  return known;
}

/* `with`: of the same function for the sizes at hand, or NULL. */
static void put_size(Ctx *c, Buf *b, const char *label, const Prog *p, Size s, Size with,
                     const char *unit) {
  Buf text;
  buf_init(&text, c);
  if (is_formula(p, s)) size_text(p, s, &text);
  else buf_puts(&text, "?");
  buf_puts(&text, unit);
  put_line(b, label, buf_text(&text), with ? number_text(c, number_of(with), unit) : "");
}

static const char *ratio_text(Ctx *c, double x) {
  return isnan(x) ? "?" : str_printf(c, x < 100 ? "%.3g" : "%.0f", x);
}

/* ---- functions ------------------------------------------------------------------------------ */

static void put_counts(Ctx *c, Buf *b, const EmitReport *r, const EmitReport *with) {
  static const char *const label[EMIT_COUNTS] = {
    "additions", "multiplications", "divisions, roots", "functions", "comparisons"};
  put_size(c, b, "workspace", r->p, r->workspace, with ? with->workspace : NULL, " bytes");
  if (r->sums) put_line(b, "and sums", str_printf(c, "at most %" PRIu64 " bytes", r->sums), "");
  put_line(b, "stack", str_printf(c, "at most %" PRIu64 " bytes", r->stack), "");
  for (unsigned k = 0; k < EMIT_COUNTS; k++)
    put_size(c, b, label[k], r->p, r->count[k], with ? with->count[k] : NULL, "");
  put_size(c, b, "arrays moved", r->p, r->moved, with ? with->moved : NULL, " bytes");
}

/* a/b when all sizes grow alike, and for the sizes at hand. */
typedef struct Ratio { double large, here; } Ratio;

static Ratio ratio(Size a, Size b, Size a_here, Size b_here) {
  return (Ratio){limit(a, b), a_here ? number_of(a_here) / number_of(b_here) : NAN};
}

static void put_per_byte(Ctx *c, Buf *b, const EmitReport *r, const EmitReport *w) {
  Ratio x = ratio(operations(r), r->moved, w ? operations(w) : NULL, w ? w->moved : NULL);
  bool known = is_formula(r->p, operations(r)) && is_formula(r->p, r->moved);
  const char *large = !known ? "?"
                      : isnan(x.large) ? "it grows with the sizes"
                      : str_printf(c, "%s for large sizes", ratio_text(c, x.large));
  put_line(b, "operations a byte", large, w ? ratio_text(c, x.here) : "");
}

static const char *times(Ctx *c, double operations, double bytes) {
  return str_printf(c, "%s times the operations, %s times the bytes", ratio_text(c, operations),
                    ratio_text(c, bytes));
}

static void put_against(Ctx *c, Buf *b, const ReportEntry *x, const ReportEntry *value) {
  const EmitReport *r = &x->formula, *w = x->number, *v = &value->formula, *vw = value->number;
  Ratio n = ratio(operations(r), operations(v), w ? operations(w) : NULL, w ? operations(vw) : NULL);
  Ratio m = ratio(r->moved, v->moved, w ? w->moved : NULL, w ? vw->moved : NULL);
  put_line(b, "of the value", times(c, n.large, m.large), w ? times(c, n.here, m.here) : "");
}

static const ReportEntry *value_of(const ReportEntry *all, uint32_t n, const ReportEntry *x) {
  for (uint32_t k = 0; k < n && x->derivative; k++)
    if (!all[k].derivative && strcmp(all[k].function, x->function) == 0) return &all[k];
  return NULL;
}

void report_text(Ctx *c, const ReportEntry *all, uint32_t n, Buf *out) {
  for (uint32_t k = 0; k < n; k++) {
    const ReportEntry *x = &all[k];
    const Sig *s = &x->formula.p->sig;
    buf_printf(out, "%s%s: %s\n", k ? "\n" : "", x->formula.name, s->source ? s->source : s->name);
    put_counts(c, out, &x->formula, x->number);
    put_per_byte(c, out, &x->formula, x->number);
    const ReportEntry *value = value_of(all, n, x);
    if (value) put_against(c, out, x, value);
  }
}
