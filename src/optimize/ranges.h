/* ranges.h - what a loop asks of its index, and the ranges in which each question has one
 * answer: ranges_plan.c finds out, ranges.c writes a version of the body for each. */
#ifndef GRADC_RANGES_H
#define GRADC_RANGES_H

#include "optimize/passes.h"

typedef struct Ranges Ranges;

/* What a node of the body is: [0] below the middle, [1] from it on. */
typedef struct Answer {
  const Ranges *of;
  enum { ANSWER_TRUTH, ANSWER_NUMBER, ANSWER_OPERAND } kind;
  Ref node;
  bool truth[2];
  Size number[2];       /* plus the roll, if `rolled` */
  bool rolled;
  Ref operand[2];
} Answer;

/* The rounds of each axis k from low[k] on, but for the last high[k], know all answers.  Those
 * of the last axis fall in two parts where there is a middle: a threshold, or what the index
 * is compared with to see a ring's seam. */
struct Ranges {
  Prog *p;
  Ref loop;
  int64_t low[MAX_RANK], high[MAX_RANK];
  Size middle;          /* the second part's first round, or NULL */
  Size roll, ring;      /* of (roll + i) mod ring, or (roll - i): the seam is the middle */
  bool back;            /* the latter */
  VEC(Answer) answers;
  int part;             /* which one is being written */
  Ref rolled;           /* roll mod ring, in the new program */
};

/* NULL: nothing is asked whose answer is worth two versions. */
Ranges *find_ranges(Prog *p, Ref loop, const bool *answered);
bool ranges_have_edges(const Ranges *s);

#endif
