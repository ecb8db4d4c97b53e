/* private.h - what the files of script/ share. */
#ifndef GRADC_SCRIPT_PRIVATE_H
#define GRADC_SCRIPT_PRIVATE_H

#include "script/value.h"

/* ---- number.c: one number as text ---------------------------------------------- */

/* How the elements of an array are written. */
typedef struct Style {
  const char *format;  /* a printf format of the user's, or NULL */
  bool scalar;         /* fewest digits that read back */
  bool general;        /* %.*g instead of decimals */
  bool is_float;
  int digits;          /* 0: the default */
} Style;
/* The style for all of v. */
Style style_of(const Value *v, const Host *h, const char *format);
/* Element k of v. */
void element_print(const Value *v, uint64_t k, const Style *s, Buf *out);
/* The host program may have set a locale whose numbers have another point. */
void number_point(char *text);

/* The n bytes at text as a number of the language (a sign, inf and nan too); false if
 * they are none.  *whole: it was written as an int, and fits one. */
bool number_read(const char *text, size_t n, double *real, int64_t *whole, bool *is_int);

/* Numbers gathered into an array: ints until one is not. */
typedef struct Numbers { VEC(double) real; VEC(int64_t) whole; bool has_real; } Numbers;
void numbers_add(Ctx *c, Numbers *all, double real, int64_t whole, bool is_int);

/* ---- value.c ------------------------------------------------------------------- */
uint64_t value_count(const Value *v);
/* The array of these sizes with the numbers as elements. */
Value value_of_numbers(const Numbers *all, uint32_t rank, const int64_t *dim);
void value_format(const Value *v, const Host *h, const char *format, Buf *out);

/* ---- text.c -------------------------------------------------------------------- */
/* A text under construction on the stack; long ones move to the arena. */
typedef struct Line { Buf buf; char room[1024]; } Line;
Buf *line_init(Line *l, Ctx *c);
/* The leaves of a shape, taken from *leaf on, which moves on past them. */
void shape_print(const Shape *s, const Value **leaf, const Host *h, const char *format, Buf *out);
/* All pieces in a row, no newline. */
void text_print(const TextAttr *t, const Value *leaf, const Host *h, Buf *out);

/* ---- json.c -------------------------------------------------------------------- */
void json_quote(const char *s, size_t n, Buf *out);
void json_shape(const Shape *s, const Value **leaf, Buf *out);

/* ---- file.c -------------------------------------------------------------------- */
typedef struct Bytes { const unsigned char *at; size_t n; } Bytes;
/* The whole file, with a NUL after it; raises with the file's name. */
Bytes file_read(Ctx *c, const char *path);
/* Writes a file anew, or leaves what was there: raises with the file's name. */
void file_write(Ctx *c, const char *path, const void *bytes, size_t n);
/* Raises "PATH: what"; help may be NULL. */
_Noreturn void file_fail(Ctx *c, const char *path, const char *help, const char *fmt, ...)
  GC_PRINTF(4, 5);

#endif
