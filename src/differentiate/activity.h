/* activity.h - which nodes carry a derivative from the variables to the results. */
#ifndef GRADC_ACTIVITY_H
#define GRADC_ACTIVITY_H

#include "differentiate/differentiate.h"

/* Marks for the nodes lo .. hi.  Nodes below lo are older than every variable and so
 * inactive, unless `outer` says otherwise. */
typedef struct Activity {
  Prog *p;
  Ref lo, hi;
  uint8_t *active;
  uint8_t *need;       /* of activity_of_results: does y depend on it? */
  bool (*outer)(const void *self, Ref r);
  const void *self;
  uint32_t nx, nheld;
  const Ref *x, *held;
  bool through_ties;   /* count what TIE remembers (is there a path?), or only what flows */
  bool through_stops;  /* count stopped paths too (why is there none?) */
} Activity;

bool is_active(const Activity *a, Ref r);
bool is_variable(const Activity *a, Ref r);
bool is_held(const Activity *a, Ref r);
/* Result k of a structured node whose regions are marked. */
bool activity_of_result(const Activity *a, const Node *n, uint32_t k);

/* Marks of all nodes that y needs and that x reaches; seen from p->cur. */
void activity_of_results(Activity *a, Prog *p, uint32_t ny, const Ref *y, uint32_t nx,
                         const Ref *x, uint32_t nheld, const Ref *held);
/* Marks of one more node, or of a region's nodes, whose operands are marked. */
void activity_of_node(Activity *a, Ref r);
void activity_of_region(Activity *a, const Region *r);

#endif
