/* restore.h - arrays that a fold changes element by element, and how they are put back.
 *
 * The step makes such an array from itself by a chain of updates alone: `A with [i] = v`, and
 * folds inside that carry it and do the same.  The forward run keeps what each update replaced,
 * and where, unless that follows from the numbers of the steps; an array of the fold's steps for
 * an update of the step itself, a matrix for one of a fold inside. */
#ifndef GRADC_RESTORE_H
#define GRADC_RESTORE_H

#include "differentiate/reverse.h"

enum { MAX_UPDATES = 16 };   /* of one array in one step, or in a step inside */

typedef struct Restored Restored;

typedef struct Update {
  Ref node;                /* a WITH, or the FOLD inside */
  Ref old;                 /* WITH: the tape of what it replaced */
  Ref *index;              /* WITH: tapes of its subscripts, 0 where one can be said again */
  uint32_t carried;        /* FOLD: which of its values the array is */
  Restored *inner;         /* FOLD: what its steps do */
  Size most;               /* FOLD: its trips at most, known around the outermost fold */
} Update;

struct Restored {
  uint32_t n;
  Update update[MAX_UPDATES];
  bool early, late;        /* does the step look at the array, but in its updates, before the
                              last of them, and behind it, if that is a fold? */
  Ref last;                /* the array after the forward run, then as the fold carries it */
};

/* A step that is gone through backwards: its number, and its arrays as they are after it. */
typedef struct StepBack {
  const Region *region;    /* where its reverse stands */
  const Region *body;      /* of the source */
  Restored **restored;     /* for each carried value, or NULL */
  Ref *after;
  uint32_t carried;
  Ref t;
  struct StepBack *around;
} StepBack;

/* What happens to carried value k of the source, or NULL: it is no such array. */
Restored *find_updates(Prog *p, const Node *fold, uint32_t k);
/* The body of such a fold copied here; all: for each carried value, or NULL. */
void copy_keeping(Reverse *v, const Region *body, Restored **all, uint32_t carried);
/* Behind that copy, as one more output each: what the array's updates replaced, and where.  The
 * tapes are numbers of outputs then; restored_take makes them the fold's. */
void restored_keep(Reverse *v, const Region *body, Restored *a);
void restored_take(Prog *p, Ref fold, Restored *a);
/* The array before step t, from the array after it: the old elements put back.  v->replay has
 * t for the number of the step. */
Ref restored_before(Reverse *v, const Region *body, Restored *a, Ref t);
/* The same behind the reverse of the step, which has put back what the folds inside replaced. */
Ref restored_behind(Reverse *v, const Region *body, Restored *a, Ref t, Ref before);
/* The source is a fold within the step whose reverse is being built here, which does nothing but
 * update arrays of the step: they are as they were after it, and the tapes of the step are its
 * own.  False if it is not. */
bool restored_within(Reverse *v, Ref source, Restored **all);
/* The source has been replayed in a step that is gone through backwards.  If it is an array of the
 * fold after the step, then it is at hand, and the replay is there for its derivative alone. */
void restored_stand_in(Reverse *v, Ref source);
/* The reverse of `source` has put back its carried value k: this is what was there at first. */
void restored_note(Reverse *v, Ref source, uint32_t k, Ref array);

/* Adds a value of the region being built as one more output; gives its number. */
uint32_t keep_output(Prog *p, Ref value);

#endif
