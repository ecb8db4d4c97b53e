/* infer.c - the typing rules of the IR, one for each operator.
 *
 * Constructors ask it for the type of a new node, verify asks it again for every node
 * of a finished program. */
#include "ir/private.h"

/* What a rule works on. */
typedef struct Rule {
  Prog *p;
  const Node *n;
  const char *why;      /* set when the operands do not fit */
} Rule;

static const Type *wrong(Rule *r, const char *why) {
  r->why = why;
  return NULL;
}

static const Type *arg_type(const Rule *r, uint32_t k) {
  return ir_type(r->p, r->n->arg[k]);
}

static bool is_scalar(const Type *t, Elem e) {
  return t && t->rank == 0 && !t->acc && t->elem == e;
}

static bool is_number(const Type *t) {
  return is_scalar(t, ELEM_REAL) || is_scalar(t, ELEM_INT);
}

static bool is_array(const Type *t) {
  return t && t->rank > 0 && !t->acc;
}

/* ---- primitives ------------------------------------------------------------ */

Elem prim_elem(uint32_t id, Elem first_arg, Elem last_arg) {
  (void)first_arg;
  switch (prim_get(id)->type) {
  case PT_REAL: case PT_INT_REAL: case PT_REAL_INT: return ELEM_REAL;
  case PT_INT: return ELEM_INT;
  case PT_CMP: case PT_BOOL: case PT_TEST: return ELEM_BOOL;
  case PT_NUM: case PT_SELECT: return last_arg;
  }
  return ELEM_REAL;
}

/* What operand k of a primitive has to be, given the last operand's element. */
static bool prim_takes(PrimType type, uint32_t k, const Type *t, Elem last) {
  switch (type) {
  case PT_REAL: case PT_TEST: return is_scalar(t, ELEM_REAL);
  case PT_INT: return is_scalar(t, ELEM_INT);
  case PT_NUM: return is_number(t) && t->elem == last;
  case PT_CMP: return t && !t->acc && t->rank == 0 && t->elem == last;
  case PT_BOOL: return is_scalar(t, ELEM_BOOL);
  case PT_SELECT: return is_scalar(t, k == 0 ? ELEM_BOOL : last);
  case PT_INT_REAL: return is_scalar(t, k == 0 ? ELEM_INT : ELEM_REAL);
  case PT_REAL_INT: return is_scalar(t, k == 0 ? ELEM_REAL : ELEM_INT);
  }
  return false;
}

static const Type *infer_prim(Rule *r) {
  const Node *n = r->n;
  if ((uint64_t)n->aux.i >= PRIM_COUNT) return wrong(r, "no such primitive");
  const Prim *prim = prim_get((uint32_t)n->aux.i);
  if (n->nargs != prim->arity) return wrong(r, "the wrong number of operands");
  const Type *last = arg_type(r, n->nargs - 1);
  if (!last) return wrong(r, "an operand has no value");
  for (uint32_t k = 0; k < n->nargs; k++)
    if (!prim_takes(prim->type, k, arg_type(r, k), last->elem))
      return wrong(r, "an operand is of the wrong type");
  return type_scalar(r->p, prim_elem((uint32_t)n->aux.i, arg_type(r, 0)->elem, last->elem));
}

/* ---- arrays ---------------------------------------------------------------- */

static const Type *infer_stack(Rule *r) {
  const Type *e = r->n->nargs ? arg_type(r, 0) : NULL;
  if (!e || e->acc) return wrong(r, "elements are missing");
  if (e->rank == MAX_RANK) return wrong(r, "too many axes");
  for (uint32_t k = 1; k < r->n->nargs; k++)
    if (arg_type(r, k) != e) return wrong(r, "elements differ in type");
  Size dim[MAX_RANK + 1];
  dim[0] = size_const(r->p, r->n->nargs);
  for (uint32_t k = 0; k < e->rank; k++) dim[k + 1] = e->dim[k];
  return type_array(r->p, e->elem, e->rank + 1u, dim);
}

/* The type of a[i…] where the subscripts are the operands from `first` on. */
static const Type *slab(Rule *r, const Type *a, uint32_t first) {
  uint32_t n = r->n->nargs - first;
  if (n > a->rank) return wrong(r, "more subscripts than axes");
  for (uint32_t k = first; k < r->n->nargs; k++)
    if (!is_scalar(arg_type(r, k), ELEM_INT)) return wrong(r, "a subscript is not an int");
  return type_drop(r->p, a, n);
}

static const Type *infer_read(Rule *r) {
  if (r->n->nargs < 2 || !is_array(arg_type(r, 0))) return wrong(r, "there is no array to read");
  return slab(r, arg_type(r, 0), 1);
}

static const Type *infer_with(Rule *r) {
  if (r->n->nargs < 3 || !is_array(arg_type(r, 0))) return wrong(r, "there is no array");
  const Type *part = slab(r, arg_type(r, 0), 2);
  if (part && part != arg_type(r, 1)) return wrong(r, "the new part is of another type");
  return part ? arg_type(r, 0) : NULL;
}

/* Sizes that are compared at run time may differ as formulas.  Once erased, a copy may
 * have literal sizes that cannot be equal, in code that is never reached. */
static const Type *infer_reshape(Rule *r) {
  const Type *a = arg_type(r, 0), *t = r->n->type;
  int64_t gap;
  if (!a || !t || a->acc || t->acc || a->elem != t->elem) return wrong(r, "not an array");
  if (r->p->erased || type_volume(r->p, a) == type_volume(r->p, t)) return t;
  if (size_is_const(size_sub(r->p, type_volume(r->p, a), type_volume(r->p, t)), &gap))
    return wrong(r, "the numbers of elements differ");
  return t;
}

static const Type *infer_fill(Rule *r) {
  const Type *t = r->n->type;
  if (!is_array(t) || !is_scalar(arg_type(r, 0), t->elem))
    return wrong(r, "not a scalar of its type");
  return t;
}

static const Type *infer_data(Rule *r) {
  uint64_t count;
  if (!is_array(r->n->type) || !type_count(r->n->type, &count) || !r->n->aux.data)
    return wrong(r, "an array constant has known sizes and elements");
  return r->n->type;
}

static bool infer_upd(Rule *r) {
  const Type *h = r->n->nargs >= 2 ? arg_type(r, 0) : NULL;
  if (!h || !h->acc) return wrong(r, "there is no accumulator");
  if (h->elem == ELEM_BOOL) return wrong(r, "bools are not added");
  if (r->n->nargs - 2 > h->rank) return wrong(r, "more subscripts than axes");
  const Type *part = slab(r, h, 2);
  if (part && part != arg_type(r, 1)) return wrong(r, "the part added is of another type");
  return part;
}

/* ---- the rest -------------------------------------------------------------- */

static const Type *infer_scale(Rule *r) {
  const Type *x = arg_type(r, 0), *s = arg_type(r, 1);
  if (!x || x->acc || x->elem != ELEM_REAL) return wrong(r, "not a real");
  if (s != x && !is_scalar(s, ELEM_REAL))
    return wrong(r, "the factor is neither a scalar nor of x's shape");
  return x;
}

static const Type *infer_same(Rule *r) {
  const Type *x = r->n->nargs ? arg_type(r, 0) : NULL;
  return x && !x->acc ? x : wrong(r, "not a value");
}

static const Type *infer_proj(Rule *r) {
  const Node *s = ir_node(r->p, r->n->arg[0]);
  if (!s->nregions) return wrong(r, "not a structured node");
  if ((uint64_t)r->n->aux.i >= s->nresults) return wrong(r, "no such result");
  return s->result_type[r->n->aux.i];
}

static const Type *infer_const(Rule *r) {
  const Type *t = r->n->type;
  return t && t->rank == 0 && !t->acc ? t : wrong(r, "not a scalar");
}

static bool leaves_are_values(Rule *r) {
  for (uint32_t k = 0; k < r->n->nargs; k++)
    if (!arg_type(r, k) || arg_type(r, k)->acc) return wrong(r, "a leaf is no value");
  return true;
}

static const Type *infer_value(Rule *r) {
  const Node *n = r->n;
  switch ((Op)n->op) {
  case IR_PARAM: return n->type ? n->type : wrong(r, "no type");
  case IR_CONST: return infer_const(r);
  case IR_DATA: return infer_data(r);
  case IR_PRIM: return infer_prim(r);
  case IR_TOREAL:
    if (!is_scalar(arg_type(r, 0), ELEM_INT)) return wrong(r, "not an int");
    return type_scalar(r->p, ELEM_REAL);
  case IR_TOINT:
    if (!is_scalar(arg_type(r, 0), ELEM_REAL)) return wrong(r, "not a real");
    return type_scalar(r->p, ELEM_INT);
  case IR_STACK: return infer_stack(r);
  case IR_READ: return infer_read(r);
  case IR_WITH: return infer_with(r);
  case IR_RESHAPE: return infer_reshape(r);
  case IR_FILL: return infer_fill(r);
  case IR_PROJ: return infer_proj(r);
  case IR_VAR: case IR_TIE: case IR_STOP: return infer_same(r);
  case IR_SCALE: return infer_scale(r);
  case IR_STRAIGHT:
    return arg_type(r, 0) == arg_type(r, 1) ? infer_same(r) : wrong(r, "the two differ in type");
  default: return wrong(r, "no value");
  }
}

bool infer_type(Prog *p, const Node *n, const Type **type, const char **why) {
  Rule r = {p, n, NULL};
  const Type *found = NULL; /* *type may be n->type, which the rules read */
  switch ((Op)n->op) {
  case IR_UPD: infer_upd(&r); break;
  case IR_TRACE: case IR_PRINT: case IR_ASSERT: leaves_are_values(&r); break;
  case IR_CHECK:
    if (!is_scalar(arg_type(&r, 0), ELEM_BOOL)) wrong(&r, "not a bool");
    break;
  default: found = infer_value(&r); break;
  }
  *type = found;
  *why = r.why;
  return r.why == NULL;
}

/* ---- results of structured nodes ------------------------------------------- */

static const Type *built_type(Prog *p, uint32_t n, const Ref *extent, const Type *value,
                              const char **why) {
  Size dim[2 * MAX_RANK];
  if (n + value->rank > MAX_RANK) {
    *why = "too many axes";
    return NULL;
  }
  for (uint32_t k = 0; k < n; k++) dim[k] = size_atom(p, extent[k]);
  for (uint32_t k = 0; k < value->rank; k++) dim[n + k] = value->dim[k];
  return type_array(p, value->elem, n + value->rank, dim);
}

bool infer_output(Prog *p, uint32_t n, const Ref *extent, const Type *value, Combiner comb,
                  const Type **type, const char **why) {
  *why = NULL;
  *type = value;
  if (!value || value->acc) *why = "an output is no value";
  else if (comb == BUILD) *type = built_type(p, n, extent, value, why);
  else if (comb == ANY || comb == ALL) {
    if (!is_scalar(value, ELEM_BOOL)) *why = "any and all take a bool";
  } else {
    if (!is_number(value)) *why = "a reduction takes a scalar number";
    if (comb == ARGMAX || comb == ARGMIN) *type = type_scalar(p, ELEM_INT);
  }
  return *why == NULL;
}

/* What the rules for results work on. */
typedef struct Results {
  Prog *p;
  const Node *n;
  const Type **type;
  uint32_t count;
  const char *why;
} Results;

static void add(Results *r, const Type *t) {
  r->type[r->count++] = t;
}

static void refuse(Results *r, bool unless, const char *why) {
  if (!unless && !r->why) r->why = why;
}

static const Type *operand(const Results *r, uint32_t k) {
  return ir_type(r->p, r->n->arg[k]);
}

static const Type *yield(const Results *r, uint32_t region, uint32_t k) {
  return ir_type(r->p, r->n->regions[region]->results.at[k]);
}

static const Type *param(const Results *r, uint32_t region, uint32_t k) {
  return ir_type(r->p, r->n->regions[region]->params.at[k]);
}

static void infer_if(Results *r) {
  const Region *a = r->n->regions[0], *b = r->n->regions[1];
  refuse(r, is_scalar(operand(r, 0), ELEM_BOOL), "the condition is not a bool");
  refuse(r, !a->params.n && !b->params.n, "branches have no parameters");
  refuse(r, a->results.n == b->results.n, "branches differ in number of results");
  for (uint32_t k = 0; !r->why && k < a->results.n; k++) {
    refuse(r, yield(r, 0, k) && yield(r, 0, k) == yield(r, 1, k), "branches differ in type");
    add(r, yield(r, 0, k));
  }
}

static void infer_outputs(Results *r, uint32_t nextents, uint32_t first) {
  const Region *body = r->n->regions[0];
  refuse(r, body->results.n == first + r->n->aux.loop->nout, "the wrong number of outputs");
  for (uint32_t k = first; !r->why && k < body->results.n; k++) {
    const Type *t;
    infer_output(r->p, nextents, r->n->arg, yield(r, 0, k), r->n->aux.loop->comb[k - first], &t,
                 &r->why);
    add(r, t);
  }
}

static void infer_loop(Results *r) {
  const Region *body = r->n->regions[0];
  refuse(r, body->params.n == r->n->nargs && r->n->nargs > 0, "one index for each extent");
  for (uint32_t k = 0; !r->why && k < r->n->nargs; k++)
    refuse(r, is_scalar(operand(r, k), ELEM_INT) && is_scalar(param(r, 0, k), ELEM_INT),
           "extents and indices are ints");
  infer_outputs(r, r->n->nargs, 0);
}

/* Carried values: operands 1…, parameters from `skip` on, results 0…. */
static void infer_carried(Results *r, uint32_t region, uint32_t skip) {
  const Region *body = r->n->regions[region];
  uint32_t n = r->n->nargs - 1;
  refuse(r, is_scalar(operand(r, 0), ELEM_INT), "the number of trips is not an int");
  refuse(r, body->params.n == n + skip && body->results.n >= n, "carried values differ in number");
  for (uint32_t k = 0; !r->why && k < n; k++) {
    const Type *t = operand(r, k + 1);
    refuse(r, t && !t->acc, "what is carried is no value");
    refuse(r, param(r, region, k + skip) == t && yield(r, region, k) == t,
           "a carried value changes its type");
    add(r, t);
  }
}

static void infer_fold(Results *r) {
  infer_carried(r, 0, 1);
  if (!r->why) refuse(r, is_scalar(param(r, 0, 0), ELEM_INT), "the step is not an int");
  if (!r->why) infer_outputs(r, 1, r->n->nargs - 1);
}

static void infer_while(Results *r) {
  const Region *cond = r->n->regions[0];
  infer_carried(r, 1, 0);
  refuse(r, cond->params.n == r->n->nargs - 1 && cond->results.n == 1, "the wrong condition");
  refuse(r, r->n->regions[1]->results.n == r->n->nargs - 1, "more results than carried");
  for (uint32_t k = 0; !r->why && k < cond->params.n; k++)
    refuse(r, param(r, 0, k) == operand(r, k + 1), "the condition's parameters differ in type");
  if (!r->why) refuse(r, is_scalar(yield(r, 0, 0), ELEM_BOOL), "the condition is not a bool");
  add(r, type_scalar(r->p, ELEM_INT));
}

static void infer_accum(Results *r) {
  const Region *body = r->n->regions[0];
  refuse(r, body->params.n == r->n->nargs, "one handle for each array");
  for (uint32_t k = 0; !r->why && k < r->n->nargs; k++) {
    const Type *t = operand(r, k);
    refuse(r, t && !t->acc && t->elem != ELEM_BOOL, "nothing can be added into this");
    if (!r->why) refuse(r, param(r, 0, k) == type_acc(r->p, t), "a handle of another type");
    add(r, t);
  }
  for (uint32_t k = 0; !r->why && k < body->results.n; k++) {
    refuse(r, yield(r, 0, k) && !yield(r, 0, k)->acc, "a result is no value");
    add(r, yield(r, 0, k));
  }
}

static void infer_custom(Results *r) {
  const Region *primal = r->n->regions[0], *rule = r->n->regions[1];
  const CustomAttr *a = r->n->aux.custom;
  uint32_t expected = a->tangent ? 2 * r->n->nargs
                                 : r->n->nargs + a->nresults * (a->has_value ? 2u : 1u);
  refuse(r, primal->params.n == r->n->nargs, "the function's parameters differ in number");
  refuse(r, primal->results.n == a->nresults, "the function's results differ in number");
  refuse(r, rule->params.n == expected, "the rule's parameters differ in number");
  for (uint32_t k = 0; !r->why && k < r->n->nargs; k++)
    refuse(r, operand(r, k) && param(r, 0, k) == operand(r, k), "an argument of another type");
  for (uint32_t k = 0; !r->why && k < a->nresults; k++) {
    refuse(r, yield(r, 0, k) && !yield(r, 0, k)->acc, "a result is no value");
    add(r, yield(r, 0, k));
  }
}

/* Upper bound on the number of results. */
static uint32_t most_results(const Node *n) {
  uint32_t most = n->nargs + 1;
  for (uint32_t k = 0; k < n->nregions; k++) most += n->regions[k]->results.n;
  return most;
}

bool infer_results(Prog *p, const Node *n, uint32_t *nresults, const Type ***types,
                   const char **why) {
  Results r = {.p = p, .n = n, .type = PROG_NEWN(p, const Type *, room_for(most_results(n)))};
  switch ((Op)n->op) {
  case IR_IF: infer_if(&r); break;
  case IR_LOOP: infer_loop(&r); break;
  case IR_FOLD: infer_fold(&r); break;
  case IR_WHILE: infer_while(&r); break;
  case IR_ACCUM: infer_accum(&r); break;
  case IR_CUSTOM: infer_custom(&r); break;
  default: r.why = "not a structured node"; break;
  }
  *nresults = r.count;
  *types = r.type;
  *why = r.why;
  return r.why == NULL;
}
