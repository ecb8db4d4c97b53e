/* session_tour.c - :tour, the two tricks in five minutes: explanations, and lines that are
 * taken as if they were typed.  In a terminal each step waits for Enter, so that one can
 * try things in between; from a pipe they follow each other. */
#include <string.h>

#include "commands/session_private.h"

/* What is told, and the lines that are then typed. */
typedef struct Step { const char *text, *lines; } Step;

static const Step steps[] = {
  {"Sometimes the gradient should not be that of the value.  Two old tricks do it with\n"
   "nothing but a function that hides its argument from the derivative.\n\n"
   "Here are two functions.  The name of a function with a prime is its derivative.",
   "f(x) = x^2\ng(x) = x^3\nf'\ng'(2.0)"},
  {"The first trick: take away what is added, but hide it from the derivative.  The value\n"
   "is that of f; the gradient is that of f + g.",
   "add_gradient(x) = f(x) + g(x) - stop_gradient(g(x))\nadd_gradient(2.0)\nf(2.0)\n"
   "add_gradient'(2.0)\nf'(2.0) + g'(2.0)\nadd_gradient'"},
  {"Nothing of it is left at run time: g cancels, and so does its rounding error.\n"
   "On an array the derivative goes element by element.",
   "X = [-2.55617105, 0.13785352, 0.20610955]\nadd_gradient(X)\nadd_gradient'(X)\n"
   "assert add_gradient'(X) == 2*X + 3*X^2"},
  {"The second trick: the value once with and once without its gradient.  The value is\n"
   "that of f; the gradient is that of -f.",
   "reverse(x) = 2*stop_gradient(f(x)) - f(x)\nreverse(2.0)\nreverse'(2.0)\nreverse'"},
  {"The language has a word for it.  grad_reverse(e, alpha) is e, and multiplies the gradient\n"
   "by -alpha: the layer between a feature extractor and a domain classifier that it shall\n"
   "fool.  It acts on the edge where it stands: the second use of x is not reversed.",
   "h(x) = f(grad_reverse(x, 0.5)) + g(x)\nh'(1.0)\nh'"},
  {"A rule of your own takes the place of any derivative.  The step has none that is worth\n"
   "having, so one trains through the derivative of a sigmoid.",
   "hard_sign(x) = if x > 0 then 1 else -1\n"
   "custom_gradient hard_sign(x; up) = up * sigmoid(x) * (1 - sigmoid(x))\n"
   "[hard_sign(v) for v in [-2.0, 0.5, 3.0]]\nw = 0.5\ngrad(hard_sign(w), w)"},
  {"Which path carries what?", ":explain add_gradient x"},
  {"That is all.  :c add_gradient shows its C, :plot f, f' x=-3..3 draws, :help NAME\n"
   "shows a built-in function, :save FILE keeps what you have defined.", ""},
};

enum { STEPS = sizeof steps / sizeof *steps };

static void type_line(Turn *t, const char *line, size_t n) {
  const char *text = str_printf(t->c, "%.*s", (int)n, line);
  turn_printf(t, "> %s\n", text);
  session_line(t->s, text, n);
}

static void show_step(Turn *t) {
  Session *s = t->s;
  const Step *step = &steps[s->tour - 1];
  turn_printf(t, "%s%s\n", s->tour > 1 ? "\n" : "", step->text);
  s->tour = s->tour < STEPS ? s->tour + 1 : 0;
  uint32_t next = s->tour;
  s->tour = 0;             /* the lines are typed outside of it */
  for (const char *line = step->lines; *line; line += strspn(line, "\n")) {
    size_t n = strcspn(line, "\n");
    type_line(t, line, n);
    line += n;
  }
  s->tour = next;
  if (s->out.terminal && next) turn_write(t, "(Enter goes on; type what you like in between)\n");
}

static void run_step(Turn *t, const char *arg) {
  (void)arg;
  show_step(t);
}

const SessionCommand tour_step = {"", "", "", COMPLETE_NOTHING, run_step};

bool tour_goes_on(const Session *s, const char *line, size_t n) {
  return s->tour && strspn(line, " \t") == n;
}

void command_tour(Turn *t, const char *arg) {
  (void)arg;
  if (t->s->n && !t->s->tour)
    fail_at(t->c, (Span){0}, ":save FILE.gc what you have, then :clear and :tour",
            "the tour makes definitions of its own, and the session has some");
  if (!t->s->tour) t->s->tour = 1;
  do show_step(t);
  while (t->s->tour && !t->s->out.terminal);
}
