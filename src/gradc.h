/* gradc.h - the gradc library: read functions written in the gradc language and get
 * their derivatives.
 *
 * A context holds definitions.  Contexts are independent of each other; use each from one
 * thread at a time.  Functions that give an int give GRADC_OK or what went wrong; then
 * gradc_message() tells it as text.  Nothing here exits, prints or reads files. */
#ifndef GRADC_H
#define GRADC_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GRADC_API __attribute__((visibility("default")))
#else
#define GRADC_API
#endif

enum {
  GRADC_OK = 0,
  GRADC_ERROR = 1,    /* the program is wrong */
  GRADC_USAGE = 2,    /* an argument of a call is wrong */
  GRADC_NOMEM = 4,    /* out of memory */
  GRADC_LIMIT = 5     /* a limit on size or nesting was reached */
};

typedef struct gradc_context gradc_context;

/* The version of the library, "1.2.3". */
GRADC_API const char *gradc_version(void);

/* A new context, or NULL when out of memory.  Free it with gradc_free. */
GRADC_API gradc_context *gradc_new(void);
GRADC_API void gradc_free(gradc_context *g);

/* Adds the definitions of a text of `size` bytes; `name` stands in messages.  Both are
 * copied.  A text that is wrong adds nothing that is called afterwards. */
GRADC_API int gradc_load(gradc_context *g, const char *name, const char *text, size_t size);

/* The derivative of a function as text of the language: of order `order` (from 1) with
 * respect to `wrt`, names with commas between, or NULL for all real parameters.  *text
 * belongs to the context and lives as long. */
GRADC_API int gradc_derivative(gradc_context *g, const char *function, const char *wrt,
                               unsigned order, const char **text);

/* What the last call had to say, errors and warnings, "" if nothing; lives until the
 * next call. */
GRADC_API const char *gradc_message(gradc_context *g);

#ifdef __cplusplus
}
#endif
#endif
