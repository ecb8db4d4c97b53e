/* startup.c - what a Cortex-M4F does before main: vectors, memory, the floating-point unit.
 * Output goes to the debugger or emulator by semihosting (newlib's rdimon). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern uint32_t data_from[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern void initialise_monitor_handles(void);
extern void __libc_init_array(void);
int main(void);
void reset(void);
void hang(void);
void _init(void);
void _fini(void);

void _init(void) {}
void _fini(void) {}

void hang(void) {
  for (;;) {
  }
}

void reset(void) {
  volatile uint32_t *const coprocessors = (volatile uint32_t *)0xE000ED88;
  *coprocessors |= 0xFu << 20; /* full access to the floating-point unit */
  __asm volatile("dsb\n isb");
  memcpy(data_start, data_from, (size_t)((char *)data_end - (char *)data_start));
  memset(bss_start, 0, (size_t)((char *)bss_end - (char *)bss_start));
  initialise_monitor_handles();
  __libc_init_array();
  exit(main());
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
  (void *)stack_top, (void *)reset, (void *)hang, (void *)hang, (void *)hang, (void *)hang,
  (void *)hang, 0, 0, 0, 0, (void *)hang, (void *)hang, 0, (void *)hang, (void *)hang,
};
