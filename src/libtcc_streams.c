/* libtcc_streams.c - lets a shared libgradc hold a libtcc that is not
 * position-independent.
 *
 * Debian's libtcc.a reaches three variables of the C library directly, which a
 * shared object cannot.  The linker is told (--wrap) to take the variables here
 * in their place.  They are set once, when the library is loaded, and are part
 * of the shared library alone. */
#include <stdio.h>

extern FILE *__real_stdout, *__real_stderr;
extern char **__real_environ;

FILE *__wrap_stdout, *__wrap_stderr;
char **__wrap_environ;

__attribute__((constructor)) static void take_streams(void) {
  __wrap_stdout = __real_stdout;
  __wrap_stderr = __real_stderr;
  __wrap_environ = __real_environ;
}
