/* session.h - an interactive session: text in, text out, no terminal needed. */
#ifndef GRADC_SESSION_H
#define GRADC_SESSION_H

#include "commands/command.h"

typedef struct Session Session;

typedef struct SessionOutput {
  void (*write)(void *user, const char *text, size_t n);   /* results */
  void (*message)(void *user, const char *text, size_t n); /* diagnostics */
  void *user;
  bool colour;
  bool terminal;           /* somebody sits there: the tour waits, plots may open windows */
  volatile int *stop;      /* set from outside, it ends an evaluation; NULL: nothing does */
} SessionOutput;

typedef enum SessionState { SESSION_READY, SESSION_MORE, SESSION_QUIT } SessionState;

Session *session_new(const SessionOutput *out);  /* NULL: out of memory */
void session_free(Session *s);
/* Takes one line (without its end).  SESSION_MORE: the item is not complete yet. */
SessionState session_line(Session *s, const char *line, size_t n);
/* The input ends: what is unfinished is evaluated as it stands. */
void session_end(Session *s);
void session_abandon(Session *s);                /* drops an unfinished item */
bool session_failed(const Session *s);           /* was there any error? */

/* What can stand where the first `at` characters of a line end, for completion: calls take
 * with each candidate; gives where in the line the word begins. */
size_t session_complete(Session *s, const char *line, size_t at,
                        void (*take)(void *user, const char *word), void *user);

#endif
