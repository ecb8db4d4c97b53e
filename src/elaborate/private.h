/* private.h - what the files of this room share and the built-ins do not see.
 *
 * Files that use uthash have a `Ctx *c` in scope where they add to a table. */
#ifndef GRADC_ELABORATE_PRIVATE_H
#define GRADC_ELABORATE_PRIVATE_H

#include "elaborate/elab.h"

#include <stdio.h>
#include <string.h>

#define uthash_malloc(size) arena_alloc(c, (size))
#define uthash_free(p, size) ((void)(p))
#define uthash_fatal(message) internal_error(c, "%s", message)
#include <uthash.h>

/* ---- modules (module.c) ------------------------------------------------- */

/* A function of a file, with its rule if it has one. */
typedef struct Function {
  const char *name;
  const Ast *def;
  const Ast *rule;          /* AST_GRADIENT or AST_TANGENT, or NULL */
  Func func;
  Val value;
  UT_hash_handle hh;
} Function;

/* Anything else that a file gives a name: a type, a constant, a script binding. */
typedef struct Named {
  const char *name;
  const Ast *def;           /* TYPEDEF; BIND or INPUT */
  const Ast *binder;        /* the NAME in the pattern of a BIND */
  bool constant, imported;
  UT_hash_handle hh;
} Named;

/* A set of syntax nodes or of interned names. */
typedef struct Mark {
  const void *key;
  UT_hash_handle hh;
} Mark;

struct Module {
  Ctx *c;
  Function *functions;
  Named *types, *bindings;
  Mark *imported;           /* names of files, interned */
  VEC(const char *) importing; /* the chain of imports at work */
  VEC(const char *) order;  /* functions by their first definition */
  VEC(const Ast *) script;  /* statements and bindings, in order */
  uint32_t muted;           /* so many of them run without traces */
  Mark *captured;           /* items whose values the host gets */
  VEC(const Ast *) unmarked; /* functions and rules not yet looked at by resolve.c */
  Mark *differentiated;     /* binders that a derivative operator names */
  Mark *differentiated_names; /* the same for names that are not bound where they are seen */
};

Function *module_find(const Module *m, const char *name);
Named *module_type(const Module *m, const char *name);
Named *module_binding(const Module *m, const char *name);
bool mark_has(const Mark *set, const void *key);
void mark_add(Ctx *c, Mark **set, const void *key);

/* ---- lexical scopes (resolve.c) ------------------------------------------ */

/* Called for each NAME that nothing in the tree binds. */
typedef void (*FreeName)(void *self, const Ast *name);
void resolve_free(Ctx *c, const Ast *root, FreeName visit, void *self);
/* Marks the binders in one function or rule, or in a whole script. */
void resolve_marks(Module *m, const Ast *const *roots, uint32_t n);
bool is_derivative_operator(const char *name);

/* ---- scopes (scope.c) ----------------------------------------------------- */

typedef struct Binding {
  const char *name;
  const Val *v;
  Span at;
} Binding;

struct Scope {
  Scope *outer;
  const Module *home;       /* of the outermost: where names are looked up at last */
  bool script;              /* the outermost of a script */
  VEC(Binding *) list;
  Binding **slot;           /* a table of them once the list is long: a power of two */
  uint32_t room;
};

Scope *scope_root(Elab *e, const Module *home, bool script);
const Module *scope_home(const Scope *s);
Binding *scope_own(Scope *s, const char *name); /* bound in s itself, or NULL */
bool is_builtin_constant(const char *name, double *value);
bool name_is_builtin(const char *name);
void warn_hidden_builtin(Ctx *c, const char *name, Span at);
/* Binds a pattern to a value: names that are differentiated get variables of their own. */
void bind_pattern(Elab *e, Scope *s, const Ast *pattern, const Val *v, bool once);
/* The same for a name whose binder is another node (PARAM, FOR_COUNT, INPUT). */
void bind_name(Elab *e, Scope *s, const Ast *binder, const char *name, Span at, const Val *v);
bool is_differentiated(Elab *e, const Ast *binder, const char *name);

/* ---- state ------------------------------------------------------------------ */

typedef struct Frame {
  struct Frame *up;
  const Func *func;
  Span at;
} Frame;

typedef struct Task {
  const Ast *a;
  uint32_t n;               /* values to apply to */
  bool apply;
} Task;

typedef struct MemoEntry {
  Region *region;
  const Val *result;
  struct MemoEntry *next;   /* the same call in another region */
  UT_hash_handle hh;
} MemoEntry;

typedef struct IndexEntry {
  Ref index;
  Size extent;
  UT_hash_handle hh;
} IndexEntry;

/* Which leaves of a fold's carry have turned out to be real: the next elaboration of
 * the same fold in the same call starts from there. */
typedef struct Learned {
  struct { const Ast *fold; uint32_t activation; } key;
  bool *real;
  UT_hash_handle hh;
} Learned;

/* A name that stands for a size, while types are matched and in their texts. */
typedef struct SizeName {
  const char *name;
  Ref atom;                 /* in the program `names` */
  UT_hash_handle hh;
} SizeName;

typedef struct ElabState {
  Scope *script;            /* names of the script so far, or NULL */
  Scope *builtins;          /* built-in functions met so far, or NULL */
  Frame *frame;
  VEC(Task) tasks;
  VEC(const Val *) vals;
  MemoEntry *memo;
  IndexEntry *indexes;
  Learned *learned;
  Prog *names;              /* holds symbolic sizes over names */
  SizeName *size_names;
  VEC(const char *) size_name_of; /* by atom */
  uint32_t activation, activations;
  uint32_t scanned, effects; /* nodes looked at for effects; effects found */
  uint32_t real_tests;      /* comparisons of reals that folded */
  uint32_t in_fold;
  bool muted;               /* traces are left out */
  uint32_t in_prelude;
  Span prelude_at;          /* the call that led into the prelude */
} ElabState;

Elab *elab_new(Module *m);
void elab_place(Elab *e, Span at);

/* ---- values (values.c) --------------------------------------------------------- */

_Noreturn void fail_note(Elab *e, Span at, const char *help, Span note_at, const char *note,
                         const char *fmt, ...) GC_PRINTF(6, 7);
const Type *val_type(Elab *e, const Val *v); /* of a NODE */
const char *type_name(Elab *e, const Type *t);
const char *size_name(Elab *e, Size s);
/* A leaf as a node of type t: ints become reals, none zeros, sizes must agree. */
Ref leaf_to_type(Elab *e, const Val *leaf, const Type *t, Span at, const char *what);
/* Brings b into the order and structure of a (records by name, none anywhere); false
 * where they differ. */
bool val_align(Elab *e, const Val **a, const Val **b);
const Type *type_with_elem(Elab *e, const Type *t, Elem elem);
/* The type for both leaves (NONE ones too), or NULL with a message raised. */
const Type *leaf_join(Elab *e, const Val *a, const Val *b, Span at, const char *what);
/* An error where a size of t is known only inside the region that has just closed. */
void need_visible_sizes(Elab *e, const Type *t, Span at, const char *what);
/* VARs as val_vars, but ints stay what they are. */
const Val *val_vars_typed(Elab *e, const Val *v);
bool val_has_function(const Val *v);
const char *span_text(Elab *e, Span at);

/* ---- types (types.c, match.c) ------------------------------------------------------ */

typedef enum TypeKind { TYPE_ARRAY, TYPE_TUPLE, TYPE_RECORD } TypeKind;
/* A type as written, typedefs expanded; a scalar is an array of rank 0. */
typedef struct TypeExpr {
  TypeKind kind;
  Elem elem;
  uint32_t rank;
  Size *dim;                /* over the atoms of st->names */
  uint32_t n;
  const char **field;
  struct TypeExpr **kid;
  Span at;
} TypeExpr;
TypeExpr *type_resolve(Elab *e, const Module *home, const Ast *a);
const char *size_atom_name(Elab *e, Ref atom);
Ref size_name_atom(Elab *e, const char *name);
void type_expr_text(Elab *e, const TypeExpr *t, Buf *out);

typedef struct SizeBound {
  const char *name;
  Size value;
  Span at;                  /* the argument that gave it */
  const char *by;           /* "parameter `x`", for messages */
} SizeBound;
typedef struct Equation { Size symbolic, actual; Span at, type_at; const char *what; } Equation;
typedef struct SizeEnv {
  VEC(SizeBound) bound;
  VEC(Equation) todo;
} SizeEnv;
void env_bind(Elab *e, SizeEnv *env, const char *name, Size value, Span at, const char *by);
const SizeBound *env_find(const SizeEnv *env, const char *name);
/* Collects the equations of a value against its type; structure and elements are
 * checked.  `what` names the value: "parameter `x` of `f`". */
void match_value(Elab *e, SizeEnv *env, const TypeExpr *t, const Val *v, Span at,
                 const char *what);
/* Solves what was collected; a name that stays open is an error. */
void match_solve(Elab *e, SizeEnv *env, const Module *home);
/* The value as the type wants it (int -> real, fields in order). */
const Val *match_convert(Elab *e, SizeEnv *env, const TypeExpr *t, const Val *v, Span at,
                         const char *what);
/* A symbolic size at the values of its names; an error for an unbound one. */
Size env_size(Elab *e, SizeEnv *env, Size symbolic, Span at);

/* ---- expressions --------------------------------------------------------------------- */

const Val *apply_index(Elab *e, const Ast *a, const Val *const *v, uint32_t n);
const Val *apply_with(Elab *e, const Ast *a, const Val *const *v, uint32_t n);
const Val *apply_with_field(Elab *e, const Ast *a, const Val *const *v, uint32_t n);
const Val *apply_get(Elab *e, const Ast *a, const Val *v);
const Val *apply_array(Elab *e, const Ast *a, const Val *const *v, uint32_t n);
const Val *constant_array(Elab *e, const Ast *a); /* NULL: not numbers alone */
bool literal_number(const Ast *a, bool *is_int, int64_t *i, double *r);

const Val *elab_for(Elab *e, Scope *s, const Ast *a);
bool is_reduction(const char *name);
const Val *elab_reduction(Elab *e, Scope *s, const Ast *call, const char *name);
const Val *elab_if(Elab *e, Scope *s, const Ast *a, const Ast **chosen);
const Val *elab_logic(Elab *e, Scope *s, const Ast *a);
bool may_fail(const Ast *a); /* its evaluation may fail, or costs something */
const Val *elab_block(Elab *e, Scope *s, const Ast *a);
const Val *elab_fold(Elab *e, Scope *s, const Ast *a);
const Val *elab_loop(Elab *e, Scope *s, const Ast *a);

/* One subscript, its values taken from the walk's. */
typedef enum SubKind { SUB_AT, SUB_SLICE, SUB_GATHER } SubKind;
typedef struct Sub {
  SubKind kind;
  Ref at;                   /* AT: the index; SLICE: where it starts; GATHER: the array */
  Size length;              /* SLICE */
  bool whole;               /* SLICE: all of the axis */
  Span span;
} Sub;
uint32_t subs_read(Elab *e, Ref base, const Ast *a, uint32_t first, const Val *const *v, Sub *sub);

/* One `for` clause, its bound elaborated. */
typedef struct Clause {
  const Ast *a;
  Ref extent, from;         /* from 0: 0 */
  const Val *each;          /* FOR_EACH: what is gone through */
} Clause;
/* `whole` is the tree in which a bare `for i` looks for arrays that i indexes. */
Clause clause_open(Elab *e, Scope *s, const Ast *a, const Ast *whole);
void clause_bind(Elab *e, Scope *s, const Clause *k, Ref index);

/* ---- calls (call.c, rules.c) ------------------------------------------------------------ */

/* `call` gives the places of the arguments, or is NULL. */
const Val *call_value(Elab *e, Scope *s, const Val *f, const Ast *call, const Val *const *arg,
                      uint32_t n, Span at);
uint32_t effects_so_far(Elab *e);
/* Where a call and its arguments stand. */
typedef struct CallPlace { const Ast *call; Span at; } CallPlace;
/* The arguments as the parameters' types want them; sizes go to env. */
const Val **call_match(Elab *e, const Function *f, const Val *const *arg, uint32_t n,
                       CallPlace place, SizeEnv *env);
/* The body on arguments that have been matched. */
const Val *call_inside(Elab *e, const Function *f, const Val *const *arg, uint32_t n,
                       SizeEnv *env);
/* A scope in which the size names of env are ints. */
Scope *scope_with_sizes(Elab *e, const Module *home, const SizeEnv *env);
/* A function of a file, rule and all; env may know sizes already. */
const Val *call_file_function(Elab *e, const Function *f, const Val *const *arg, uint32_t n,
                              CallPlace place, SizeEnv *env);
const Val *call_with_rule(Elab *e, const Function *f, const Val *const *arg, uint32_t n,
                          CallPlace place, SizeEnv *env);
void memo_put(Elab *e, const Func *f, const Val *const *arg, uint32_t n, const Val *result);
Span call_arg_span(const Ast *call, uint32_t k, Span at);

/* ---- statements (text.c) ------------------------------------------------------------------ */

void elab_trace(Elab *e, Scope *s, const Ast *a);
void elab_print(Elab *e, Scope *s, const Ast *a);
void elab_bound(Elab *e, const char *name, const Val *v, bool constant, Span at);
void elab_assert(Elab *e, Scope *s, const Ast *a);

#endif
