/* plugin.c - a host whose user types a formula: it finds where f(x, y) is smallest, by
 * Newton's method on the gradient and the Hessian that gradc derives.
 *
 *   cc plugin.c $(pkg-config --cflags --libs gradc) -lm -o plugin
 *   ./plugin "(x - 1)^2 + exp(y) - 2*y"
 *
 * The formula is untrusted: limits bound what it may take, and everything that is wrong with
 * it comes back as text. */
#include <gradc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int complain(const gradc_note *note) {
  fprintf(stderr, "%s\n", note->full);
  return 1;
}

/* One step of Newton's method for two unknowns; the length of the step. */
static double step(double p[2], const double g[2], const double h[4]) {
  double det = h[0] * h[3] - h[1] * h[2];
  double dx = (g[0] * h[3] - g[1] * h[1]) / det, dy = (g[1] * h[0] - g[0] * h[2]) / det;
  p[0] -= dx;
  p[1] -= dy;
  return hypot(dx, dy);
}

static int minimize(gradc_call *gradient, gradc_call *hessian) {
  double p[2] = {0.5, 0.5}, g[3], h[5], length = 1;
  for (int k = 0; k < 100 && length > 1e-12; k++) {
    if (gradc_eval(gradient, p, g) != GRADC_OK) return complain(gradc_call_message(gradient));
    if (gradc_eval(hessian, p, h) != GRADC_OK) return complain(gradc_call_message(hessian));
    length = step(p, g + 1, h + 1);
  }
  printf("x = %.9g, y = %.9g, f = %.9g\n", p[0], p[1], g[0]);
  return 0;
}

int main(int argc, char **argv) {
  const char *formula = argc > 1 ? argv[1] : "(x - 1)^2 + exp(y) - 2*y";
  char text[4000];
  if (snprintf(text, sizeof text, "f(x: real, y: real) =\n  %s\n", formula) >= (int)sizeof text)
    return 2;
  gradc_context *g = gradc_new();
  if (!g) return 2;
  gradc_set_limit(g, GRADC_LIMIT_NODES, 100000);
  gradc_set_limit(g, GRADC_LIMIT_MEMORY, 64 << 20);
  gradc_set_limit(g, GRADC_LIMIT_TRIPS, 1000000);
  int status = 1;
  gradc_function *first = NULL, *second = NULL;
  if (gradc_load(g, "formula", text, strlen(text)) == GRADC_OK)
    first = gradc_compile(g, "f", GRADC_GRAD, "x,y");
  if (first) second = gradc_compile(g, "f", GRADC_HESSIAN, "x,y");
  gradc_call *gradient = gradc_call_new(first), *hessian = gradc_call_new(second);
  if (gradient && hessian) status = minimize(gradient, hessian);
  else complain(gradc_message(g));
  gradc_call_free(gradient);
  gradc_call_free(hessian);
  gradc_release(first);
  gradc_release(second);
  gradc_free(g);
  return status;
}
