/* casadi_driver.c - uses a shared library through CasADi's external-function interface, as
 * its external() does: everything is asked for by name, nothing is known of the functions.
 *
 *   casadi_driver LIBRARY.so FUNCTION [reversed|apart]
 *
 * Checks names, sparsity, work, null arguments and results; fwd1 and jac against central
 * differences (their negative if `reversed`), adj1 against jac. */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long long Int;
typedef int (*Eval)(const double **, double **, Int *, double *, int);
typedef Int (*Count)(void);
typedef const char *(*Name)(Int);
typedef const Int *(*Sparsity)(Int);
typedef int (*Work)(Int *, Int *, Int *, Int *);
typedef void (*Plain)(void);
typedef int (*Checkout)(void);
typedef void (*Release)(int);

enum { MOST = 16 };

typedef struct Function {
  Eval eval;
  Int n_in, n_out, size_in[MOST], size_out[MOST];
  double *in[MOST], *out[MOST];
  Int sz_arg, sz_res, sz_iw, sz_w;
  int mem;
} Function;

static void *library;
static int wrong;

static void complain(const char *what, const char *name) {
  printf("not ok: %s: %s\n", name, what);
  wrong++;
}

static void find(void *to, const char *name, const char *ending) {
  char text[256];
  snprintf(text, sizeof text, "%s%s", name, ending);
  void *p = dlsym(library, text);
  if (!p) {
    printf("not ok: no %s\n", text);
    exit(1);
  }
  memcpy(to, &p, sizeof p);
}

/* Elements of a dense matrix in either form that CasADi reads. */
static Int dense(const Int *s, const char *name) {
  if (!s) {
    complain("no sparsity", name);
    return 0;
  }
  Int rows = s[0], columns = s[1];
  if (s[2] == 1) return rows * columns;
  for (Int j = 0; j <= columns; j++)
    if (s[2 + j] != j * rows) complain("a column starts elsewhere", name);
  for (Int k = 0; k < rows * columns; k++)
    if (s[3 + columns + k] != k % rows) complain("a row is missing", name);
  return rows * columns;
}

static Function load(const char *name) {
  Function f;
  Count n_in, n_out;
  Name name_in, name_out;
  Sparsity in, out;
  Work work;
  Plain incref;
  Checkout checkout;
  memset(&f, 0, sizeof f);
  find(&f.eval, name, "");
  find(&n_in, name, "_n_in");
  find(&n_out, name, "_n_out");
  find(&name_in, name, "_name_in");
  find(&name_out, name, "_name_out");
  find(&in, name, "_sparsity_in");
  find(&out, name, "_sparsity_out");
  find(&work, name, "_work");
  find(&incref, name, "_incref");
  find(&checkout, name, "_checkout");
  incref();
  f.n_in = n_in();
  f.n_out = n_out();
  for (Int k = 0; k < f.n_in; k++) {
    if (!name_in(k)) complain("an input without a name", name);
    f.size_in[k] = dense(in(k), name);
    f.in[k] = calloc((size_t)f.size_in[k] + 1, sizeof(double));
  }
  for (Int k = 0; k < f.n_out; k++) {
    if (!name_out(k)) complain("a result without a name", name);
    f.size_out[k] = dense(out(k), name);
    f.out[k] = calloc((size_t)f.size_out[k] + 1, sizeof(double));
  }
  if (name_in(f.n_in) || name_out(f.n_out)) complain("a name too many", name);
  if (work(&f.sz_arg, &f.sz_res, &f.sz_iw, &f.sz_w)) complain("_work failed", name);
  if (f.sz_arg < f.n_in || f.sz_res < f.n_out) complain("_work asks for too little", name);
  f.mem = checkout();
  return f;
}

static void unload(Function *f, const char *name) {
  Plain decref;
  Release release;
  find(&decref, name, "_decref");
  find(&release, name, "_release");
  release(f->mem);
  decref();
  for (int k = 0; k < MOST; k++) {
    free(f->in[k]);
    free(f->out[k]);
  }
}

/* The arrays are made anew, so that a tool that watches memory sees a step too far. */
static int call(const Function *f, double *const *in, double *const *out) {
  const double **arg = calloc((size_t)f->sz_arg + 1, sizeof *arg);
  double **res = calloc((size_t)f->sz_res + 1, sizeof *res);
  Int *iw = calloc((size_t)f->sz_iw + 1, sizeof *iw);
  double *w = calloc((size_t)f->sz_w + 1, sizeof *w);
  for (Int k = 0; k < f->n_in; k++) arg[k] = in[k];
  for (Int k = 0; k < f->n_out; k++) res[k] = out[k];
  int code = f->eval(arg, res, iw, w, f->mem);
  free(arg);
  free(res);
  free(iw);
  free(w);
  return code;
}

static double number(Int k) { return (double)((k * 29 + 7) % 31 + 1) / 32; }

/* Ints arrive as doubles: 0 is always one; it is what an argument that does not change
 * under a small step keeps. */
static void fill(Function *f, Int n) {
  for (Int k = 0; k < n; k++)
    for (Int j = 0; j < f->size_in[k]; j++) f->in[k][j] = number(k * 5 + j);
}

static int near(double a, double b, double tolerance) {
  return fabs(a - b) <= tolerance * (1 + fabs(a) + fabs(b));
}

static double *copy(const double *x, Int n) {
  double *y = calloc((size_t)n + 1, sizeof *y);
  memcpy(y, x, (size_t)n * sizeof *y);
  return y;
}

/* (f(x + h e_j) - f(x - h e_j))/2h of result o with respect to element j of input i. */
static void difference(Function *f, Int i, Int j, Int o, double *to) {
  const double h = 1e-5, x = f->in[i][j];
  f->in[i][j] = x + h;
  call(f, f->in, f->out);
  double *up = copy(f->out[o], f->size_out[o]);
  f->in[i][j] = x - h;
  call(f, f->in, f->out);
  for (Int k = 0; k < f->size_out[o]; k++) to[k] = (up[k] - f->out[o][k]) / (2 * h);
  f->in[i][j] = x;
  free(up);
}

static void check_nulls(Function *f, const char *name) {
  double *none[MOST] = {0}, *zero[MOST], *got[MOST] = {0};
  for (Int k = 0; k < f->n_in; k++) zero[k] = calloc((size_t)f->size_in[k] + 1, sizeof(double));
  if (call(f, none, f->out)) complain("null arguments are refused", name);
  for (Int k = 0; k < f->n_out; k++) got[k] = copy(f->out[k], f->size_out[k]);
  if (call(f, zero, f->out)) complain("zeros are refused", name);
  for (Int k = 0; k < f->n_out; k++)
    for (Int j = 0; j < f->size_out[k]; j++)
      if (memcmp(&got[k][j], &f->out[k][j], sizeof(double)))
        complain("a null argument is not zeros", name);
  if (call(f, zero, none)) complain("null results are refused", name);
  for (int k = 0; k < MOST; k++) {
    if (k < f->n_in) free(zero[k]);
    free(got[k]);
  }
}

/* Each result alone is what it is among all. */
static void check_parts(Function *f, const char *name) {
  double *whole[MOST] = {0};
  if (call(f, f->in, f->out)) return;
  for (Int k = 0; k < f->n_out; k++) whole[k] = copy(f->out[k], f->size_out[k]);
  for (Int k = 0; k < f->n_out; k++) {
    double *one[MOST] = {0};
    one[k] = f->out[k];
    memset(f->out[k], 0, (size_t)f->size_out[k] * sizeof(double));
    if (call(f, f->in, one)) complain("one result alone fails", name);
    if (memcmp(whole[k], f->out[k], (size_t)f->size_out[k] * sizeof(double)))
      complain("one result alone is another", name);
  }
  for (Int k = 0; k < f->n_out; k++) free(whole[k]);
}

/* `apart`: its result 1 reads outside, the others do not look there. */
static void check_null_is_not_computed(Function *f, const char *name) {
  double *some[MOST] = {0};
  f->in[1][0] = 1000;
  if (!call(f, f->in, f->out)) complain("a subscript outside is not found", name);
  some[1] = f->out[1];
  int alone = call(f, f->in, some);
  if (!alone || alone != call(f, f->in, f->out)) complain("a check has another number", name);
  some[1] = NULL;
  some[0] = f->out[0];
  some[2] = f->out[2];
  if (call(f, f->in, some)) complain("a null result is computed", name);
}

static void take_inputs(Function *to, const Function *f) {
  for (Int k = 0; k < f->n_in; k++)
    memcpy(to->in[k], f->in[k], (size_t)f->size_in[k] * sizeof(double));
}

static void check_derivatives(Function *f, const char *name, double sign) {
  char text[3][256];
  static const char *const before[] = {"jac_", "fwd1_", "adj1_"};
  Function d[3];
  for (int k = 0; k < 3; k++) {
    snprintf(text[k], sizeof text[k], "%s%s", before[k], name);
    d[k] = load(text[k]);
    take_inputs(&d[k], f);
    check_nulls(&d[k], text[k]);
    check_parts(&d[k], text[k]);
  }
  Function *jac = &d[0], *fwd = &d[1], *adj = &d[2];
  if (jac->n_in != f->n_in + f->n_out || jac->n_out != f->n_in * f->n_out)
    complain("it has another number of arguments", text[0]);
  if (fwd->n_in != 2 * f->n_in + f->n_out || fwd->n_out != f->n_out)
    complain("it has another number of arguments", text[1]);
  if (adj->n_in != f->n_in + 2 * f->n_out || adj->n_out != f->n_in)
    complain("it has another number of arguments", text[2]);
  if (call(jac, jac->in, jac->out)) complain("it fails", text[0]);
  for (Int i = 0; i < f->n_in; i++)
    for (Int j = 0; j < f->size_in[i]; j++) {
      Int seed = f->n_in + f->n_out + i;
      fwd->in[seed][j] = 1;
      if (call(fwd, fwd->in, fwd->out)) complain("it fails", text[1]);
      fwd->in[seed][j] = 0;
      for (Int o = 0; o < f->n_out; o++) {
        double *want = calloc((size_t)f->size_out[o] + 1, sizeof(double));
        difference(f, i, j, o, want);
        for (Int k = 0; k < f->size_out[o]; k++) {
          double exact = jac->out[o * f->n_in + i][j * f->size_out[o] + k];
          if (!near(exact, sign * want[k], 1e-6)) complain("it differs from differences", text[0]);
          if (!near(fwd->out[o][k], exact, 1e-12)) complain("it differs from jac", text[1]);
          adj->in[f->n_in + f->n_out + o][k] = 1;
          if (call(adj, adj->in, adj->out)) complain("it fails", text[2]);
          adj->in[f->n_in + f->n_out + o][k] = 0;
          if (!near(adj->out[i][j], exact, 1e-12)) complain("it differs from jac", text[2]);
        }
        free(want);
      }
    }
  for (int k = 0; k < 3; k++) unload(&d[k], text[k]);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  library = dlopen(argv[1], RTLD_NOW);
  if (!library) {
    printf("not ok: %s\n", dlerror());
    return 1;
  }
  Function f = load(argv[2]);
  check_nulls(&f, argv[2]);
  fill(&f, f.n_in);
  if (call(&f, f.in, f.out)) complain("it fails", argv[2]);
  check_parts(&f, argv[2]);
  check_derivatives(&f, argv[2], argc > 3 && strcmp(argv[3], "reversed") == 0 ? -1 : 1);
  if (argc > 3 && strcmp(argv[3], "apart") == 0) check_null_is_not_computed(&f, argv[2]);
  unload(&f, argv[2]);
  dlclose(library);
  if (!wrong) printf("ok: %s\n", argv[2]);
  return wrong != 0;
}
