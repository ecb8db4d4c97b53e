/* gradc.h - the gradc library: functions written in the gradc language, and their
 * derivatives, compiled while the program runs.
 *
 *   gradc_context *g = gradc_new();
 *   const char *text = "f(x: real, y: real) = x^2*sin(y)";
 *   gradc_load(g, "formula", text, strlen(text));
 *   gradc_function *f = gradc_compile(g, "f", GRADC_GRAD, "x,y");
 *   gradc_call *c = f ? gradc_call_new(f) : NULL;
 *   double in[] = {3, 0.5}, out[3];              // value, df/dx, df/dy
 *   if (!c || gradc_eval(c, in, out) != GRADC_OK) puts(gradc_message(g)->message);
 *   gradc_call_free(c); gradc_release(f); gradc_free(g);
 *
 * Objects and threads.  A *context* holds definitions; contexts are independent, and each
 * is used by one thread at a time.  A *function* is compiled code with its signature: it
 * never changes, may be shared by any number of threads, and keeps what it needs, so that
 * it outlives later loads and the context itself (but not the host's allocator).  A *call*
 * holds one set of arguments, results and working memory for a function: each thread makes
 * its own.  Different calls of one function run at the same time.
 *
 * Errors.  Functions that give an int give GRADC_OK or another of the codes below; those
 * that give a pointer give NULL.  gradc_message (of a context) and gradc_call_message (of a
 * call) then tell what went wrong and where.  Nothing here exits, aborts or prints; what
 * `print`, `assert` and `trace` write in a text is left out.
 *
 * Memory.  All memory comes from the host's allocator, and running out of it is
 * GRADC_NOMEM from every function, after which all objects are as before.  One exception:
 * the machine code is made by libtcc, whose own memory comes from malloc, and which ends
 * the process if malloc fails at that moment.  It compiles one function at a time, under a
 * lock of the library.
 *
 * Untrusted texts are safe to load, compile and call: subscripts are checked, nothing is
 * read or written but what the host binds, `import` is refused unless GRADC_IMPORTS is set,
 * and gradc_set_limit bounds size, nesting, memory and rounds of loops. */
#ifndef GRADC_H
#define GRADC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GRADC_API __attribute__((visibility("default")))
#else
#define GRADC_API
#endif

/* ---- codes ------------------------------------------------------------------ */

enum {
  GRADC_OK = 0,
  GRADC_ERROR = 1,    /* the text is wrong, or a check failed while it ran */
  GRADC_USAGE = 2,    /* an argument of a call is wrong */
  GRADC_NOMEM = 4,    /* out of memory */
  GRADC_LIMIT = 5,    /* a limit on nodes, depth, memory or trips was reached */
  GRADC_STOPPED = 6   /* stopped by its flag */
};

/* What a code means, in English: "out of memory".  Never NULL; lives for ever. */
GRADC_API const char *gradc_code_text(int code);

/* The version of the library, "1.2.3". */
GRADC_API const char *gradc_version(void);

/* One thing that was said about a text or a call.  Texts are UTF-8 and never NULL. */
typedef struct gradc_note {
  int code;             /* GRADC_OK: a warning; else why it failed */
  const char *message;  /* "unknown name `sinn`" */
  const char *help;     /* what to do about it: "did you mean `sin`?", or "" */
  const char *file;     /* the name given to gradc_load, or "" */
  unsigned line;        /* from 1; 0: no place */
  unsigned column;      /* from 1, in characters */
  const char *full;     /* all of it over several lines, with the line and a caret */
} gradc_note;

/* ---- contexts --------------------------------------------------------------- */

typedef struct gradc_context gradc_context;
typedef struct gradc_function gradc_function;
typedef struct gradc_call gradc_call;

/* The host's allocator, like realloc: old NULL (old_size 0) makes a block, new_size 0
 * frees it and gives NULL; else it grows.  NULL: no memory.  Blocks are aligned as
 * malloc's.  It is called by whatever thread uses the object, so one that serves several
 * threads must be safe for them. */
typedef void *(*gradc_alloc)(void *user, void *old, size_t old_size, size_t new_size);

/* A new context without definitions, or NULL when out of memory; with malloc, or with
 * the host's allocator, which is also used for the functions and calls made of it. */
GRADC_API gradc_context *gradc_new(void);
GRADC_API gradc_context *gradc_new_with(gradc_alloc alloc, void *user);
/* Frees it; its functions and calls live on.  NULL is allowed. */
GRADC_API void gradc_free(gradc_context *g);

enum {                       /* limits; 0 means none */
  GRADC_LIMIT_NODES = 1,     /* operations in one compiled function; 1 million */
  GRADC_LIMIT_DEPTH = 2,     /* nested calls and blocks, at most 1000; 400 */
  GRADC_LIMIT_MEMORY = 3,    /* bytes of one compilation, and of one call's arrays that the
                                host did not bind; 256 MB */
  GRADC_LIMIT_TRIPS = 4,     /* rounds of all loops of one run together; none */
  GRADC_LIMIT_CALLS = 5      /* calls written out in one function; 1 million */
};
enum {                       /* options; 0 or 1, all 0 at first */
  GRADC_FLOAT = 1,           /* real is float: arrays of reals are float[] */
  GRADC_IEEE = 2,            /* additions as written, sums in the order of the source */
  GRADC_CHECKPOINT = 3,      /* folds keep few states for their backward pass */
  GRADC_IMPORTS = 4,         /* `import` may read files, by the process's rights */
  GRADC_UNCHECKED = 5,       /* leave out checks of subscripts: for trusted texts alone */
  GRADC_FAST_MATH = 6,       /* exp and its kin as --fast-math-functions has them */
  GRADC_TIERS = 7            /* a function whose calls took 50 ms together is compiled again in
                                the background, by the C compiler ($CC, or cc), and goes on
                                with that code: the same bits.  A thread, which takes no
                                signal, starts the compiler as a child; objects are kept in
                                $XDG_CACHE_HOME/gradc.  Where that cannot be, the function
                                stays as it is.  gradc_release of the last owner ends it. */
};

/* Sets a limit or an option for what is loaded and compiled from now on.  GRADC_USAGE:
 * there is no such limit or option, or the value is out of its range. */
GRADC_API int gradc_set_limit(gradc_context *g, int limit, uint64_t value);
GRADC_API int gradc_set_option(gradc_context *g, int option, int value);

/* ---- texts ------------------------------------------------------------------ */

/* Adds the definitions of a text of `size` bytes, UTF-8; both arguments are copied.
 * `name` stands in messages and is the text's identity: loading another text under a name
 * that is known replaces the earlier one.  Two texts may not define the same name.  What
 * the text prints, asserts or traces is not run.
 *
 * GRADC_ERROR: the text is wrong; what was loaded before is as it was.  Functions are
 * checked further when they are compiled, for their types and sizes are known then. */
GRADC_API int gradc_load(gradc_context *g, const char *name, const char *text, size_t size);
/* Forgets the text of this name; GRADC_USAGE if there is none, GRADC_ERROR if another text
 * needs it to be read. */
GRADC_API int gradc_unload(gradc_context *g, const char *name);

/* The name of function number k in order of the texts, NULL past the last; lives until the
 * next gradc_load or gradc_unload. */
GRADC_API const char *gradc_name(const gradc_context *g, size_t k);

/* What the last call with this context had to say: its error, else its first warning, else
 * a note with code GRADC_OK and empty texts.  gradc_notes tells how many there are, and
 * gradc_note_at gives number k (NULL past the last).  They live until the next call with
 * the context that can fail. */
GRADC_API const gradc_note *gradc_message(const gradc_context *g);
GRADC_API size_t gradc_notes(const gradc_context *g);
GRADC_API const gradc_note *gradc_note_at(const gradc_context *g, size_t k);

/* ---- functions -------------------------------------------------------------- */

enum {                  /* which derivative; the language manual says what each is */
  GRADC_VALUE = 0,      /* results: the function's own */
  GRADC_GRAD = 1,       /* the value (one number), then a gradient for each of `wrt` */
  GRADC_VJP = 2,        /* takes a cotangent beside each real result after the inputs; the
                           results, then u against the Jacobian for each of `wrt` */
  GRADC_JVP = 3,        /* takes a tangent for each of `wrt`; the results, then their
                           derivatives along the tangents */
  GRADC_JACOBIAN = 4,   /* the results, then the Jacobian, shaped as result then x */
  GRADC_HESSIAN = 5,    /* the value, then the Hessian, shaped as x then x */
  GRADC_HVP = 6         /* takes a tangent for each of `wrt`; the value, then H times it */
};

/* Compiles a function, or a derivative of it with respect to `wrt`: names of parameters
 * with commas between, "x,p.W" (NULL: all that hold reals; not looked at for GRADC_VALUE).
 * Every parameter must have a type.  NULL: gradc_message tells why.  The result is the
 * caller's, to be given back with gradc_release. */
GRADC_API gradc_function *gradc_compile(gradc_context *g, const char *function, int what,
                                        const char *wrt);
/* The same for sizes at hand: `nsizes` values for the size names in order of their first
 * use (those of gradc_size_name); the code is made for them, and they are no longer asked
 * for.  Recursion over sizes needs them. */
GRADC_API gradc_function *gradc_compile_for(gradc_context *g, const char *function, int what,
                                            const char *wrt, const int64_t *sizes,
                                            size_t nsizes);
/* The signature alone, without code: for all below but gradc_call_new. */
GRADC_API gradc_function *gradc_describe(gradc_context *g, const char *function, int what,
                                         const char *wrt);

/* One more owner, or one less; the last one frees it.  Calls own their function, too.  Any
 * thread may do this.  NULL is allowed. */
GRADC_API gradc_function *gradc_retain(gradc_function *f);
GRADC_API void gradc_release(gradc_function *f);

enum { GRADC_REAL = 0, GRADC_INT = 1, GRADC_BOOL = 2 };  /* kinds */

/* An input or a result: a scalar or an array; tuples and records are taken apart ("p.W").
 * Arrays are dense and row-major: double[] (float[] with GRADC_FLOAT), int64_t[], and for
 * bool int64_t[] of 0 and 1. */
typedef struct gradc_leaf {
  const char *name;     /* inputs "x", "p.W", "d_x", "up"; results "out", "grad_x", … */
  int kind;             /* GRADC_REAL, GRADC_INT, GRADC_BOOL */
  unsigned rank;        /* 0: a scalar; at most 16 */
  const char *shape;    /* "[n, d*(d-1)/2]", "" for a scalar */
} gradc_leaf;

/* "f(x: real[n]) -> real", and "gradient of f with respect to x, and its value".  These
 * and the leaves live as long as the function. */
GRADC_API const char *gradc_signature(const gradc_function *f);
GRADC_API const char *gradc_doc(const gradc_function *f);
GRADC_API size_t gradc_inputs(const gradc_function *f);
GRADC_API const gradc_leaf *gradc_input(const gradc_function *f, size_t k); /* NULL: no such */
GRADC_API size_t gradc_outputs(const gradc_function *f);
GRADC_API const gradc_leaf *gradc_output(const gradc_function *f, size_t k);
/* Its number by its name, or -1. */
GRADC_API int gradc_input_find(const gradc_function *f, const char *name);
GRADC_API int gradc_output_find(const gradc_function *f, const char *name);

/* What shapes are made of: the size names of the signature, then the int parameters that
 * stand in shapes. */
GRADC_API size_t gradc_sizes(const gradc_function *f);
GRADC_API const char *gradc_size_name(const gradc_function *f, size_t k); /* NULL: no such */
/* The shape of an input or a result for the values of all gradc_sizes(f) sizes; room for
 * `rank` numbers in `shape`.  GRADC_USAGE: there is no such input or result, a size comes out
 * negative, broken or too large, or the shape is known only when the function has run
 * (`[x[i] for i < k[0]]`): gradc_array tells it then. */
GRADC_API int gradc_input_shape(const gradc_function *f, size_t k, const int64_t *sizes,
                                int64_t *shape);
GRADC_API int gradc_output_shape(const gradc_function *f, size_t k, const int64_t *sizes,
                                 int64_t *shape);

/* ---- calls ------------------------------------------------------------------ */

/* A call of f with nothing set, or NULL when out of memory (or of a gradc_describe).  It
 * owns f until it is freed.  It is used by one thread at a time. */
GRADC_API gradc_call *gradc_call_new(gradc_function *f);
GRADC_API void gradc_call_free(gradc_call *c);   /* NULL is allowed */

/* Sets input k: a scalar by value (an int also where a real is asked for, and for a bool),
 * an array by its address and shape.  The array stays the caller's and is read by each
 * gradc_run until another is set.  Shapes are compared with the signature by the next
 * gradc_run; here only the rank is.  GRADC_USAGE: no such input, or another kind. */
GRADC_API int gradc_set_real(gradc_call *c, size_t k, double x);
GRADC_API int gradc_set_int(gradc_call *c, size_t k, int64_t x);
GRADC_API int gradc_set_array(gradc_call *c, size_t k, const void *data, unsigned rank,
                              const int64_t *shape);
/* Sets size k of gradc_sizes where no shape tells it (a size that stands nowhere alone). */
GRADC_API int gradc_set_size(gradc_call *c, size_t k, int64_t n);

/* Where result k goes: the caller's memory of this shape, which overlaps no other argument
 * and is written by each gradc_run; of a scalar the rank is 0 and `shape` may be NULL.
 * Without it, or with data NULL, the call keeps the result itself. */
GRADC_API int gradc_set_output(gradc_call *c, size_t k, void *data, unsigned rank,
                               const int64_t *shape);

/* Computes the results from the inputs.  When an argument was set since the last run, all
 * shapes are checked and memory is found first; else it only calls the code.
 *   GRADC_USAGE    an input is not set or has another shape than the signature says
 *   GRADC_ERROR    a check failed: index out of range, division of ints by zero, …
 *   GRADC_LIMIT    the loops used up their trips, or arrays the memory
 *   GRADC_STOPPED  the flag of gradc_set_stop was set
 *   GRADC_NOMEM
 * After a failure the results are whatever was written so far, and the call can be used
 * again. */
GRADC_API int gradc_run(gradc_call *c);

/* The short way for functions whose inputs are real scalars and whose results are real:
 * x holds the inputs in order, y gets the results one behind the other, always double.
 * It neither looks at nor changes what gradc_set_output said.  GRADC_USAGE: it is not such
 * a function.  No memory is asked for after the first time. */
GRADC_API int gradc_eval(gradc_call *c, const double *x, double *y);

/* Result k after gradc_run: of a scalar its value (a bool as 0 or 1; the wrong kind gives
 * the number all the same); of an array its address, and its shape of `rank` numbers if
 * `shape` is not NULL.  They live until the next run or set.  NULL: no such result, or not
 * run yet. */
GRADC_API double gradc_real(const gradc_call *c, size_t k);
GRADC_API int64_t gradc_int(const gradc_call *c, size_t k);
GRADC_API const void *gradc_array(const gradc_call *c, size_t k, int64_t *shape);

/* Stops this call as soon as *flag is not 0; any thread may set it, and it stays the
 * caller's.  NULL: no flag.  Loops look at it in every round. */
GRADC_API void gradc_set_stop(gradc_call *c, const volatile int *flag);
/* The trips of each run from now on instead of GRADC_LIMIT_TRIPS; 0: no limit.  One round
 * of any loop of the compiled function is a trip; that of an array expression is an
 * element. */
GRADC_API void gradc_set_trips(gradc_call *c, uint64_t trips);

/* What the last failing call with c said, or GRADC_OK and empty texts if the last one went
 * well.  `file`, `line` and `column` tell which expression failed. */
GRADC_API const gradc_note *gradc_call_message(const gradc_call *c);

/* ---- texts from functions --------------------------------------------------- */

enum { GRADC_PLAIN = 0, GRADC_LATEX = 1 };

/* The derivative of order `order` (from 1) of a function with respect to `wrt` as text:
 * a program of the language that can be loaded again, or LaTeX.  Parameters without a
 * type count as real scalars.  NULL: gradc_message tells why.  The text lives until the
 * next gradc_derivative, gradc_formula or gradc_emit_c with this context. */
GRADC_API const char *gradc_derivative(gradc_context *g, const char *function, const char *wrt,
                                       unsigned order, int form);
/* The same of an expression over any names ("a*x^2"), with respect to `wrt` (NULL: all
 * names in it). */
GRADC_API const char *gradc_formula(gradc_context *g, const char *expression, const char *wrt,
                                    unsigned order, int form);

/* A function for gradc_emit_c: as in gradc_compile. */
typedef struct gradc_request {
  const char *function;
  int what;
  const char *wrt;
} gradc_request;

/* C99 for n functions, as `gradc compile` writes it: *body and *header (each may be NULL)
 * are the texts of PREFIX.c and PREFIX.h, and live as gradc_derivative's.  Names begin with
 * `prefix`, a C identifier, and "_".  The body needs no library but the C library's. */
GRADC_API int gradc_emit_c(gradc_context *g, const char *prefix, const gradc_request *request,
                           size_t n, const char **body, const char **header);

#ifdef __cplusplus
}
#endif
#endif
