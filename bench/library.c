/* library.c - what a host of libgradc pays: text to callable gradient, and a call.
 * Medians of RUNS runs, in time of the processor; only gradc.h is used. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "gradc.h"

enum { RUNS = 31, CALLS = 1000000 };

static gradc_function *gradient(gradc_context *g, const char *text) {
  gradc_function *f = NULL;
  if (gradc_load(g, "formula", text, strlen(text)) == GRADC_OK)
    f = gradc_compile(g, "f", GRADC_GRAD, "x,y");
  if (!f) {
    fprintf(stderr, "library: %s\n", gradc_message(g)->message);
    exit(1);
  }
  return f;
}

int main(void) {
  const char *text = "f(x: real, y: real) = x^2*sin(y) + exp(-x)*stop_gradient(y)\n";
  double t[RUNS];
  for (int i = 0; i < RUNS; i++) {
    double start = now();
    gradc_context *g = gradc_new();
    gradc_release(gradient(g, text));
    gradc_free(g);
    t[i] = now() - start;
  }
  printf("\nlibgradc: a formula and its gradient, text to callable  %8.3f ms\n",
         1e3 * median(t, RUNS));

  gradc_context *g = gradc_new();
  const char *cheap = "f(x: real, y: real) = x*y\n";
  gradc_function *f = gradient(g, cheap);
  gradc_call *call = gradc_call_new(f);
  double in[] = {3, 0.5}, out[3], sum = 0;
  for (int i = 0; i < RUNS; i++) {
    double start = now();
    for (int k = 0; k < CALLS; k++) {
      in[0] += 1e-9;
      gradc_eval(call, in, out);
      sum += out[1];
    }
    t[i] = (now() - start) / CALLS;
  }
  printf("libgradc: a call of x*y with its gradient               %8.1f ns  (%g)\n",
         1e9 * median(t, RUNS), sum);
  gradc_call_free(call);
  gradc_release(f);
  gradc_free(g);
  return 0;
}
