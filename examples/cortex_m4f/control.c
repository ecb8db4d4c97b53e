/* control.c - the control loop: in each tick a few steps down the gradient of the cost, then
 * the first torque is applied.  The same program runs on the host and on the board; it
 * asks for no memory. */
#include <stdio.h>

#include "pendulum.h"

enum { TICKS = 60, DESCENTS = 8, AHEAD = 10 };

int main(void) {
  static float work[pendulum_cost_grad_u_WORK + 1];
  float u[AHEAD] = {0}, down[AHEAD], angle = 0.5f, rate = 0.0f, cost = 0.0f;
  const int failed = pendulum_selftest();
  printf("selftest %d\n", failed);
  for (int tick = 0; tick < TICKS && !failed; tick++) {
    for (int k = 0; k < DESCENTS; k++) {
      if (pendulum_cost_grad_u(angle, rate, u, &cost, down, work)) return 1;
      for (int j = 0; j < AHEAD; j++) u[j] -= 0.2f * down[j];
    }
    if (pendulum_tick(angle, rate, u[0], &angle, &rate)) return 1;
    for (int j = 0; j + 1 < AHEAD; j++) u[j] = u[j + 1];
    if (tick % 6 == 5)
      printf("tick %d angle %.8e rate %.8e torque %.8e cost %.8e\n", tick + 1, (double)angle,
             (double)rate, (double)u[0], (double)cost);
  }
  return failed;
}
