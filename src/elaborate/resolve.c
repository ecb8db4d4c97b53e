/* resolve.c - lexical scopes, before anything is elaborated.
 *
 * One walk over a tree, with a stack of its own and linear in the tree, keeps for
 * every name the node that binds it at that place.  Two questions are answered with it:
 * which names nothing binds (resolve_free), and which binders some derivative operator
 * differentiates with respect to (resolve_marks): those get variables of their own. */
#include "elaborate/private.h"

typedef enum StepKind { VISIT, BIND, OPEN, CLOSE } StepKind;
typedef struct Step { StepKind kind; const Ast *a; } Step;

typedef struct Entry {
  const char *name;
  const Ast *binder;        /* NULL: not bound here */
  UT_hash_handle hh;
} Entry;

typedef struct Undo { Entry *entry; const Ast *before; } Undo;

typedef struct Resolver {
  Ctx *c;
  Module *marks;            /* where marks go, or NULL */
  FreeName free_name;
  void *self;
  Entry *names;
  VEC(Step) steps;
  VEC(Undo) trail;
  VEC(uint32_t) scopes;     /* the trail's length where each began */
} Resolver;

static void push(Resolver *r, StepKind kind, const Ast *a) {
  if (!a && kind <= BIND) return;
  Step s = {kind, a};
  VEC_PUSH(r->c, &r->steps, s);
}

static Entry *entry_of(Resolver *r, const char *name) {
  Ctx *c = r->c;
  Entry *found = NULL;
  HASH_FIND_PTR(r->names, &name, found);
  if (found) return found;
  found = NEW(c, Entry);
  found->name = name;
  HASH_ADD_PTR(r->names, name, found);
  return found;
}

static const Ast *binder_of(Resolver *r, const char *name) {
  Entry *found = NULL;
  HASH_FIND_PTR(r->names, &name, found);
  return found ? found->binder : NULL;
}

static void bind_one(Resolver *r, const Ast *binder) {
  Entry *entry = entry_of(r, binder->name);
  Undo u = {entry, entry->binder};
  VEC_PUSH(r->c, &r->trail, u);
  entry->binder = binder;
}

/* A pattern, a parameter list, or a node that binds its own name. */
static void bind(Resolver *r, const Ast *a) {
  switch (a->kind) {
  case AST_P_TUPLE:
  case AST_PARAMS:
    for (uint32_t k = a->nkids; k-- > 0;) push(r, BIND, a->kid[k]);
    break;
  case AST_FOR_EACH:
    push(r, BIND, a->kid[0]);
    break;
  default:
    bind_one(r, a);
  }
}

static void close_scope(Resolver *r) {
  uint32_t from = r->scopes.at[--r->scopes.n];
  while (r->trail.n > from) {
    Undo u = r->trail.at[--r->trail.n];
    u.entry->binder = u.before;
  }
}

/* ---- marks -------------------------------------------------------------- */

bool is_derivative_operator(const char *name) {
  static const char *const names[] = {"grad", "jvp", "vjp", "jacobian", "hessian", "hvp"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++)
    if (strcmp(names[k], name) == 0) return true;
  return false;
}

static void mark_target(Resolver *r, const Ast *a) {
  if (a->kind == AST_TUPLE) {
    for (uint32_t k = 0; k < a->nkids; k++)
      if (a->kid[k]->kind != AST_TUPLE) mark_target(r, a->kid[k]);
    return;
  }
  while (a->kind == AST_GET) a = a->kid[0];
  if (a->kind != AST_NAME) return;
  const Ast *binder = binder_of(r, a->name);
  if (binder) mark_add(r->c, &r->marks->differentiated, binder);
  else mark_add(r->c, &r->marks->differentiated_names, a->name);
}

static void mark_call(Resolver *r, const Ast *a) {
  const Ast *callee = a->kid[0];
  if (callee->kind != AST_NAME || !is_derivative_operator(callee->name)) return;
  if (binder_of(r, callee->name) || module_find(r->marks, callee->name)) return;
  if (a->nkids > 2) mark_target(r, a->kid[2]);
  for (uint32_t k = 1; k < a->nkids; k++)
    if (a->kid[k]->kind == AST_NAMED && strcmp(a->kid[k]->name, "stop") == 0)
      mark_target(r, a->kid[k]->kid[0]);
}

/* ---- the walk ----------------------------------------------------------- */

/* Steps are pushed last first. */
static void visit_scope(Resolver *r, const Ast *a) {
  push(r, CLOSE, NULL);
  switch (a->kind) {
  case AST_FUNCTION:
    push(r, VISIT, a->kid[2]);
    push(r, BIND, a->kid[0]);
    break;
  case AST_GRADIENT:
  case AST_TANGENT:
    push(r, VISIT, a->kid[2]);
    push(r, BIND, a->kid[1]);
    push(r, BIND, a->kid[0]);
    break;
  case AST_LAMBDA:
    push(r, VISIT, a->kid[a->nkids - 1]);
    for (uint32_t k = a->nkids - 1; k-- > 0;) push(r, BIND, a->kid[k]);
    break;
  default: /* BLOCK */
    for (uint32_t k = a->nkids; k-- > 0;) push(r, VISIT, a->kid[k]);
  }
  push(r, OPEN, NULL);
}

static void push_bounds(Resolver *r, const Ast *clause) {
  for (uint32_t k = clause->nkids; k-- > 0;)
    if (clause->kind != AST_FOR_EACH || k == 1) push(r, VISIT, clause->kid[k]);
}

static void visit_for(Resolver *r, const Ast *a) {
  push(r, CLOSE, NULL);
  push(r, VISIT, a->kid[0]);
  for (uint32_t k = a->nkids; k-- > 1;) {
    push(r, BIND, a->kid[k]);
    push_bounds(r, a->kid[k]);
  }
  push(r, OPEN, NULL);
}

static void visit_fold(Resolver *r, const Ast *a) {
  push(r, CLOSE, NULL);
  if (a->kind == AST_LOOP) {
    push(r, VISIT, a->kid[4]);
    push(r, VISIT, a->kid[2]);
    push(r, BIND, a->kid[0]);
    push(r, OPEN, NULL);
    push(r, VISIT, a->kid[3]);
  } else {
    push(r, VISIT, a->kid[3]);
    push(r, BIND, a->kid[2]);
    push(r, BIND, a->kid[0]);
    push(r, OPEN, NULL);
    push_bounds(r, a->kid[2]);
  }
  push(r, VISIT, a->kid[1]);
}

static void visit(Resolver *r, const Ast *a) {
  switch (a->kind) {
  case AST_NAME:
    if (r->free_name && !binder_of(r, a->name)) r->free_name(r->self, a);
    return;
  case AST_FUNCTION: case AST_GRADIENT: case AST_TANGENT: case AST_LAMBDA: case AST_BLOCK:
    visit_scope(r, a);
    return;
  case AST_FOR:
    visit_for(r, a);
    return;
  case AST_FOLD: case AST_SCAN: case AST_LOOP:
    visit_fold(r, a);
    return;
  case AST_BIND:
    push(r, BIND, a->kid[0]);
    push(r, VISIT, a->kid[1]);
    return;
  case AST_INPUT:
    push(r, BIND, a);
    push(r, VISIT, a->kid[1]);
    return;
  case AST_CALL:
    if (r->marks) mark_call(r, a);
    break;
  default:
    break;
  }
  for (uint32_t k = a->nkids; k-- > 0;) push(r, VISIT, a->kid[k]);
}

static void walk(Resolver *r, const Ast *root) {
  push(r, VISIT, root);
  while (r->steps.n) {
    Step s = r->steps.at[--r->steps.n];
    switch (s.kind) {
    case VISIT: visit(r, s.a); break;
    case BIND: bind(r, s.a); break;
    case OPEN: VEC_PUSH(r->c, &r->scopes, r->trail.n); break;
    case CLOSE: close_scope(r); break;
    }
  }
}

void resolve_free(Ctx *c, const Ast *root, FreeName free_name, void *self) {
  Resolver r = {.c = c, .free_name = free_name, .self = self};
  walk(&r, root);
}

void resolve_marks(Module *m, const Ast *const *roots, uint32_t n) {
  Resolver r = {.c = m->c, .marks = m};
  for (uint32_t k = 0; k < n; k++) walk(&r, roots[k]);
}
