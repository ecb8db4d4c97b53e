/* ir.h - the program as data.  One small language, closed under differentiation.
 *
 * A Prog is a list of nodes and a tree of regions.  A *node* has an operator,
 * operands, a type, a place in the source and, for some operators, regions of its
 * own.  A *region* is a list of nodes in order, with parameters and results.
 *
 * Numbering.  Nodes are named by Ref, in order of creation.  Always: an operand's
 * Ref is smaller than its user's; the nodes of a region are numbered before the node
 * that owns it; the nodes of one region stand in increasing order.  So increasing
 * Ref is a topological order of the whole program, and a pass is a walk over
 * an array.  An operand belongs to the user's region or to one around it.
 *
 * Values.  A value is a scalar or a dense row-major array of real, int or bool.
 * Tuples and records exist only at the edges (see Shape).  A structured operator
 * (IF LOOP FOLD WHILE ACCUM CUSTOM) has a list of results, each read by a PROJ
 * node; its own type is NULL.
 *
 * Purity.  A node is pure, but for: UPD (adds into an accumulator), TRACE, PRINT,
 * ASSERT, CHECK, and structured nodes that hold one of these for outside.  Effects
 * happen in order of their region.  Pure nodes are hash-consed: building one twice in
 * a region, or in a region inside, gives the first one.
 *
 * Two stages.  Before ir_erase() (optimize/erase.c) the barriers VAR TIE STOP SCALE
 * STRAIGHT CUSTOM are nodes of their own, and no rewriting may lose a dependence that
 * the program as written has (so `0*x` stays); after it they are gone. */
#ifndef GRADC_IR_H
#define GRADC_IR_H

#include "base/base.h"

typedef uint32_t Ref;              /* 0: no node */
typedef struct Prog Prog;
typedef struct Region Region;
typedef struct Node Node;

/* ---- types and sizes (types.c, sizes.c) -------------------------------- */

typedef enum Elem { ELEM_REAL, ELEM_INT, ELEM_BOOL } Elem;

/* A polynomial with rational coefficients over int nodes ("atoms"), in normal
 * form and interned in its program: equal sizes are equal pointers. */
typedef struct Poly Poly;
typedef const Poly *Size;

enum { MAX_RANK = 16 };

/* Interned in its program: equal types are equal pointers. */
typedef struct Type {
  Elem elem;
  bool acc;       /* handle of an accumulator of this array type */
  uint8_t rank;   /* 0: scalar */
  Size dim[];
} Type;

/* Monomials sorted by (degree descending, then atoms); exponents > 0. */
typedef struct Mono { int64_t num, den; uint32_t n; Ref *atom; uint32_t *exp; } Mono;
struct Poly { uint32_t n; Mono *mono; uint32_t hash; };

const Type *type_scalar(Prog *p, Elem e);
const Type *type_array(Prog *p, Elem e, uint32_t rank, const Size *dim);
const Type *type_acc(Prog *p, const Type *array);
/* The type of a[i0, …] with n subscripts. */
const Type *type_drop(Prog *p, const Type *t, uint32_t n);
void type_text(const Prog *p, const Type *t, Buf *out);
/* Do the sizes come from the root's parameters by arithmetic of ints alone, so that they are
 * known before the program runs? */
bool type_is_early(const Prog *p, const Type *t);
/* By Ref: is it an int that follows from sizes and int parameters (and from indices)?  Marked in
 * order, operands first. */
bool *type_early_ints(const Prog *p, bool indices);

Size size_const(Prog *p, int64_t n);
Size size_atom(Prog *p, Ref int_node);      /* ADD SUB MUL CONST of ints are seen through */
Size size_add(Prog *p, Size a, Size b);
Size size_sub(Prog *p, Size a, Size b);
Size size_mul(Prog *p, Size a, Size b);
Size size_scale(Prog *p, Size a, int64_t num, int64_t den);
bool size_is_const(Size s, int64_t *value); /* also of a rational that is whole */
/* Proved for all values of the atoms that keep every loop around running (index
 * atoms lie in 0 .. extent-1, others are >= 0; in a loop its extent is >= 1). */
bool size_nonneg(Prog *p, Size s);
/* The same polynomial with an atom replaced; NULL if one is NULL, or on overflow. */
Size size_replaced(Prog *p, Size s, Ref atom, Size by);
/* An int node in the current region with this value (exact division last). */
Ref size_node(Prog *p, Size s);
/* The same polynomial with atoms replaced by map(atom); into program `to`. */
typedef Ref (*RefMap)(void *self, Ref r);
Size size_map(Prog *to, Size s, RefMap map, void *self);
const Type *type_map(Prog *to, const Type *t, RefMap map, void *self);
void size_text(const Prog *p, Size s, Buf *out);

/* ---- operators ---------------------------------------------------------- */

/* X(op, printed name).  Operands in brackets; regions in braces. */
#define IR_OPS(X)                                                                 \
  X(PARAM, "param")       /* aux.i: its number in its region */                   \
  X(CONST, "const")       /* scalar; aux.r or aux.i by the type */                \
  X(DATA, "data")         /* array constant; aux.data: double[] or int64_t[] (bool too) */ \
  X(PRIM, "prim")         /* aux.i: PrimId; scalars in, scalar out */             \
  X(TOREAL, "real")       /* [int] */                                             \
  X(TOINT, "int")         /* [real], toward zero */                               \
  X(STACK, "stack")       /* [e…] of one type: an array with one more axis in front */ \
  X(READ, "read")         /* [A, i…]: fewer subscripts than axes give a slab */   \
  X(WITH, "with")         /* [A, v, i…]: A with that element or slab replaced */  \
  X(RESHAPE, "reshape")   /* [A]: same elements, row-major, new sizes in the type */ \
  X(FILL, "fill")         /* [scalar]: every element of the type's array is it */ \
  X(IF, "if")             /* [c] {then, else}: results of both agree in type */   \
  X(LOOP, "loop")         /* [extent…] {(i…) -> e…}: parallel; outputs by aux.loop */ \
  X(FOLD, "fold")         /* [T, init…] {(t, s…) -> s'…, e…}: final s…, then outputs */ \
  X(WHILE, "while")       /* [N, init…] {(s…) -> c} {(s…) -> s'…}: final s…, trips taken */ \
  X(ACCUM, "accum")       /* [init array…] {(handle…) -> e…}: final arrays…, then e… */ \
  X(CUSTOM, "custom")     /* [arg…] {(arg…) -> r…} {rule}: see CustomAttr */      \
  X(PROJ, "proj")         /* [structured node]: its result number aux.i */        \
  X(UPD, "upd")           /* [handle, v, i…]: handle[i…] += v; element or slab */ \
  X(TRACE, "trace")       /* [leaf…] by aux.text */                               \
  X(PRINT, "print")       /* [leaf…] by aux.text */                               \
  X(ASSERT, "assert")     /* [leaf…] by aux.assertion */                          \
  X(CHECK, "check")       /* [bool]: must hold; aux.str says what failed if not */ \
  X(VAR, "var")           /* [x]: x as a variable of its own; never merged */     \
  X(TIE, "tie")           /* [x, e…]: x, counted as depending on e… too */        \
  X(STOP, "stop")         /* [x]: x, constant to every derivative */              \
  X(SCALE, "scale")       /* [x, s]: x, its derivative times s (scalar, or x's shape) */ \
  X(STRAIGHT, "straight") /* [hard, soft]: hard, its derivative soft's */

typedef enum Op {
#define X(op, text) IR_##op,
  IR_OPS(X)
#undef X
  IR_OP_COUNT
} Op;

/* How a loop's outputs are put together.  BUILD: element [i…] is e (an e that is an
 * array makes the inner axes).  The others combine scalars: SUM PROD MAX MIN of real
 * or int, ANY ALL of bool; ARGMAX ARGMIN give the int position (row-major over the
 * index space) of the first winner, -1 over nothing.  MAX and MIN over nothing are
 * -inf and inf; a NaN wins. */
typedef enum Combiner { BUILD, SUM, PROD, MAX, MIN, ANY, ALL, ARGMAX, ARGMIN } Combiner;

typedef struct LoopAttr { uint32_t nout; Combiner *comb; } LoopAttr; /* LOOP and FOLD */

/* A call with a rule.  Region 0: the function itself, (arg…) -> r….
 * Region 1, gradient: (arg…, up…, value…) -> one gradient for each true of `gives`;
 * tangent: (arg…, tangent of each arg…) -> tangent of each r.  `value…` are
 * parameters only where has_value; `up…` one for each r.  Args and ups are leaves.
 * gives[k]: the rule has a part for arg k (int args and `none` have none). */
typedef struct CustomAttr {
  const char *name;
  Span rule;            /* where the rule stands */
  bool tangent, has_value;
  uint32_t nresults;
  bool *gives;
} CustomAttr;

/* How leaves make up a value of the language. */
typedef enum ShapeKind { SHAPE_LEAF, SHAPE_TUPLE, SHAPE_RECORD, SHAPE_NONE } ShapeKind;
typedef struct Shape {
  ShapeKind kind;
  uint32_t n;
  const char **field;    /* RECORD */
  struct Shape **kid;    /* TUPLE, RECORD */
  const char *why;       /* NONE: the reason, for the warning */
} Shape;

/* What a PRINT or TRACE writes: literal text and values; leaves are taken from the
 * node's operands in order. */
typedef struct Piece {
  const char *text;      /* literal, or NULL for a value */
  const Shape *shape;
  const char *format;    /* printf format ("%.3f") or NULL */
} Piece;
typedef struct TextAttr {
  const char *source;    /* the expression as written, for --json */
  uint32_t n;
  Piece *piece;
  bool newline_pieces;   /* print a, b: several values on one line, a blank between */
  const char *binding;   /* PRINT: the value of this name goes to Host.bound instead;
                            TRACE, "": silent, as it was heard before */
  bool constant;         /* of a binding: functions may use it */
} TextAttr;

/* assert c: operands [c] (scalar or array of bool).  assert a == b: the leaves of a,
 * then as many of b. */
typedef struct AssertAttr { const char *source; bool equality; const Shape *shape; } AssertAttr;

enum {
  NODE_CHECKED = 1,   /* READ WITH UPD: subscripts are to be checked at run time */
  NODE_DERIVATIVE = 2,/* nobody wrote it: the algebra of reals may rewrite it */
  NODE_REVERSAL = 4,  /* SCALE: written as grad_reverse */
  NODE_IO = 8,        /* TRACE PRINT ASSERT CHECK, or holds one */
  NODE_STAYS = 16,    /* may fail, or holds such a node: stays in a loop that may not run */
};

/* The call in whose body a node was made, and the calls around that one. */
typedef struct CallSite {
  const struct CallSite *up;
  const char *function;   /* NULL: of a function without a name */
  Span at;                /* the call */
  bool prelude;           /* the function is a built-in, written in the language */
} CallSite;

enum { FEW_ARGS = 6 };
struct Node {
  uint16_t op;
  uint16_t flags;
  uint32_t region;        /* number of its region */
  uint32_t nargs, nregions;
  Ref *arg;
  const Type *type;       /* NULL: structured, or no value */
  union {
    int64_t i;
    double r;
    const void *data;
    const char *str;
    LoopAttr *loop;
    CustomAttr *custom;
    TextAttr *text;
    AssertAttr *assertion;
  } aux;
  Span pos;
  uint32_t ordinal;       /* its place in its region's nodes (PARAM: its number) */
  const char *name;       /* the source's name for it, or NULL; only for reading */
  const CallSite *call;   /* as elaborated (copies have none), or NULL; only for reading */
  uint32_t hash;          /* of its structure down to parameters, whatever the Refs */
  uint32_t key;           /* cons.c: by which it is known */
  uint32_t nfree, nresults; /* 0 unless structured */
  union {
    struct {              /* structured: */
      Region **regions;
      Ref *free;          /* nodes outside that the regions mention, each once, increasing
                             (accumulator handles too) */
      const Type **result_type;
    };
    Ref few[FEW_ARGS];    /* all others: the operands, if they fit */
  };
};

struct Region {
  uint32_t id;
  uint32_t depth;
  Region *parent;         /* the region of the node that owns it */
  Region *jump;           /* one further out, for long ways; see region_around */
  Ref owner;              /* 0 for the root, and while it is being built */
  VEC(Ref) params;
  VEC(Ref) nodes;         /* not the parameters */
  VEC(Ref) results;
  VEC(Ref) extents;       /* parameter k runs over 0 .. extents[k]-1, as far as known */
  uint32_t hash;          /* of its structure, from ir_end on */
};

/* One function to the outside. */
typedef struct SigParam { const char *name; Ref ref; bool is_size; Span pos; } SigParam;
typedef struct SigResult { const char *name; Ref ref; } SigResult; /* leaves; ref 0: none */
typedef struct Sig {
  const char *name;       /* "loss_grad_w" */
  const char *doc;        /* "gradient of loss with respect to w, and its value" */
  const char *source;     /* "loss(x: real[n, d], w: real[d]) -> real" */
  VEC(SigParam) params;   /* sizes first; in order of the root region's parameters */
  VEC(SigResult) results;
} Sig;

enum { CHUNK = 64 };
struct Prog {
  Ctx *ctx;
  Zone *zone;             /* the program, its nodes, regions, types and sizes */
  VEC(Node *) chunks;     /* nodes do not move */
  uint32_t nnodes;        /* Refs are 1 .. nnodes-1 */
  VEC(Region *) regions;
  Region *root;
  Region *cur;            /* where constructors append */
  bool derivative;        /* constructors set NODE_DERIVATIVE */
  bool fresh;             /* constructors make a new node even where an equal one is
                             visible (replays, which reverse mode walks on their own) */
  Span pos;               /* and this place */
  const CallSite *call;   /* and this call */
  bool erased;            /* barriers are gone */
  Sig sig;
  struct PolyTable *polys;
  struct TypeTable *types;
  struct ConsTable *cons;
  struct Partials *partials; /* differentiate/rules.c: formulas of the table, parsed */
  struct Copy *replay;       /* differentiate/replay.c: the one it copies bodies with */
};

/* ---- building (build.c, region.c) ---------------------------------------- */

Prog *prog_new(Ctx *c);
/* `next`, made from `old`, which is gone with its zone (unless they are one): nothing may look
 * at `old` again. */
Prog *prog_replace(Prog *old, Prog *next);
/* One more parameter or result to the outside. */
void prog_param(Prog *p, SigParam s);
void prog_result(Prog *p, SigResult s);
static inline Node *ir_node(const Prog *p, Ref r) { return &p->chunks.at[r / CHUNK][r % CHUNK]; }
/* A node that ir_trim_here has taken out: a constant in no region's list. */
static inline bool node_is_gone(const Node *n) { return n->ordinal == UINT32_MAX; }
/* The first operand of a READ, WITH or UPD that is a subscript. */
static inline uint32_t first_subscript(const Node *n) { return n->op == IR_READ ? 1 : 2; }
/* How many nodes are there, parameters among them? */
uint32_t ir_count(const Prog *p);
static inline const Type *ir_type(const Prog *p, Ref r) { return ir_node(p, r)->type; }

/* Constructors append to p->cur and give the node, or an equal one that is visible,
 * or what the exact rules of fold.c make of it (constants folded, x*1, x+0 of ints,
 * -(-x), reads of literals with literal subscripts only once erased, …).  They check
 * types: a mismatch is an internal_error. */
Ref ir_real(Prog *p, double x);
Ref ir_int(Prog *p, int64_t x);
Ref ir_bool(Prog *p, bool x);
/* The elements are not copied, by passes neither: they stay in the context's own zone. */
Ref ir_data(Prog *p, const Type *t, const void *elements);
Ref ir_prim(Prog *p, uint32_t prim, const Ref *args);   /* arity from the table */
Ref ir_prim1(Prog *p, uint32_t prim, Ref a);
Ref ir_prim2(Prog *p, uint32_t prim, Ref a, Ref b);
Ref ir_toreal(Prog *p, Ref a);                          /* of a real: itself */
Ref ir_toint(Prog *p, Ref a);
Ref ir_stack(Prog *p, uint32_t n, const Ref *e);
Ref ir_read(Prog *p, Ref a, uint32_t n, const Ref *index, bool checked);
Ref ir_with(Prog *p, Ref a, Ref v, uint32_t n, const Ref *index, bool checked);
Ref ir_reshape(Prog *p, Ref a, const Type *t);
Ref ir_fill(Prog *p, Ref scalar, const Type *t);        /* of rank 0: the scalar */
Ref ir_zero(Prog *p, const Type *t);                    /* scalar 0 or an array of them */
Ref ir_var(Prog *p, Ref x);
Ref ir_tie(Prog *p, Ref x, uint32_t n, const Ref *e);
Ref ir_stop(Prog *p, Ref x);
Ref ir_scale(Prog *p, Ref x, Ref s, bool reversal);
Ref ir_straight(Prog *p, Ref hard, Ref soft);
void ir_upd(Prog *p, Ref handle, Ref v, uint32_t n, const Ref *index, bool checked);
void ir_text(Prog *p, Op trace_or_print, TextAttr *t, uint32_t n, const Ref *leaf);
void ir_assert(Prog *p, AssertAttr *a, uint32_t n, const Ref *leaf);
void ir_check(Prog *p, Ref cond, const char *what);

/* Regions: begin makes a child of p->cur and enters it; end leaves it.  A region is
 * then given to exactly one structured constructor, called with the parent current. */
Region *ir_begin(Prog *p);
/* The same for a copy of a region, to which room is given at once for what that has. */
Region *ir_begin_like(Prog *p, const Region *like);
/* The same for the body of a loop: n int parameters that run over the extents. */
Region *ir_begin_loop(Prog *p, uint32_t n, const Ref *extent, Ref *index);
Ref ir_param(Prog *p, const Type *t);   /* of p->cur */
void ir_result(Prog *p, Ref r);         /* adds a result to p->cur */
void ir_end(Prog *p);
/* One more result of a region that has ended and has no node yet. */
void ir_more_result(Prog *p, Region *r, Ref x);
/* Tells what the first parameters of p->cur run over, right after ir_begin, so that
 * size_nonneg can use it while the body is built (ir_loop and ir_fold tell it, too). */
void ir_set_extents(Prog *p, uint32_t n, const Ref *extent);

/* Structured constructors give the node (or an equal earlier one: the region is then
 * dropped); take its results with ir_out. */
Ref ir_if(Prog *p, Ref c, Region *a, Region *b);
Ref ir_loop(Prog *p, uint32_t n, const Ref *extent, Region *body, const Combiner *comb);
Ref ir_fold(Prog *p, Ref trips, uint32_t ncarry, const Ref *init, Region *body,
            const Combiner *comb);
Ref ir_while(Prog *p, Ref most, uint32_t n, const Ref *init, Region *cond, Region *body);
Ref ir_accum(Prog *p, uint32_t n, const Ref *init, Region *body);
Ref ir_custom(Prog *p, uint32_t n, const Ref *arg, Region *primal, Region *rule, CustomAttr *a);
/* The PROJ is put in the structured node's own region, also from a region inside. */
Ref ir_out(Prog *p, Ref structured, uint32_t k);
/* Adds an output to a LOOP or FOLD that is already built (unless it has it): `value`, by
 * `comb`; gives the number of the new result.  For tapes. */
uint32_t ir_add_output(Prog *p, Ref structured, Ref value, Combiner comb);

/* Short hands for scalar arithmetic of one element type. */
Ref ir_add(Prog *p, Ref a, Ref b);
Ref ir_sub(Prog *p, Ref a, Ref b);
Ref ir_mul(Prog *p, Ref a, Ref b);
Ref ir_neg(Prog *p, Ref a);
/* Element by element on arrays of one type (a LOOP of reads), or plainly on scalars. */
Ref ir_map2(Prog *p, uint32_t prim, Ref a, Ref b);
/* An int node for axis k of an array's type. */
Ref ir_extent(Prog *p, Ref array, uint32_t axis);

/* The region around `here`, or itself, at a depth; in logarithmic time. */
static inline const Region *region_at_depth(const Region *here, uint32_t depth) {
  while (here->depth > depth) here = here->jump->depth >= depth ? here->jump : here->parent;
  return here;
}
/* Is r `here`, or around it? */
static inline bool region_around(const Region *here, const Region *r) {
  return region_at_depth(here, r->depth) == r;
}
/* Operator, operands' number and attributes agree (operands and regions aside). */
bool ir_alike(const Node *a, const Node *b);
bool ir_is_structured(const Prog *p, Ref r);
bool ir_has_effect(const Prog *p, Ref r);       /* not pure: IO, UPD, or a free handle */
bool ir_is_const(const Prog *p, Ref r, double *value); /* scalar number, int or real */
bool ir_in_scope(const Prog *p, Ref r, const Region *here); /* visible from `here`? */

/* ---- copying (copy.c) ------------------------------------------------------ */

/* A substitution from nodes of `from` to nodes of `to` (the same program, or not). */
typedef struct Copy {
  Prog *from, *to;
  Ref *map; uint32_t nmap;  /* map[old] is the new one, 0 while there is none */
  bool same;                /* from == to: unmapped nodes stand for themselves */
  bool drop_io;             /* leave out TRACE PRINT ASSERT (replays) */
  bool drop_upd;            /* leave out each UPD whose handle has no copy (replays) */
  const struct Keep *keep;  /* ir_sweep's choice of what to copy; NULL: everything */
} Copy;
void copy_init(Copy *k, Prog *from, Prog *to);
void copy_set(Copy *k, Ref old, Ref new_ref);
Ref copy_ref(Copy *k, Ref old);              /* the copy of an operand */
/* Copies one node into to->cur, its regions with it; gives its copy, or 0 (effects). */
Ref copy_node(Copy *k, Ref old);
/* The same for a structured node in whose regions nothing changes, with all that is in it; 0: it
 * has to be made anew, since something that it mentions has changed. */
Ref copy_as_it_is(Copy *k, Ref old);
/* Copies the nodes of a region, in order, into to->cur (its parameters must have been
 * mapped); results are then copy_ref of region->results. */
void copy_nodes(Copy *k, const Region *r);
/* A new child region of to->cur with the same parameters, nodes and results. */
Region *copy_region(Copy *k, const Region *r);
/* The skeleton of a pass: a new program with the same parameters; the pass then
 * walks from->root, and finishes with prog_finish, which copies results and Sig and ends
 * the copy: its map is gone. */
Prog *prog_start(Copy *k, Prog *from);
void prog_finish(Copy *k);

/* ---- whole programs ---------------------------------------------------------- */

void ir_verify(Prog *p, const char *after);     /* verify.c: internal_error if wrong */
void ir_print(const Prog *p, Buf *out);         /* print.c: the dump */
/* read.c: reads a dump back (source `file` of the context). */
Prog *ir_read_text(Ctx *c, uint32_t file);
bool ir_equal(const Prog *a, const Prog *b);    /* same structure, names and places aside */
Prog *ir_sweep(Prog *p);                        /* sweep.c: only what is needed is left */
/* The same where nobody else looks at p: what is not needed mostly leaves p itself.  What is left
 * stays as it is; nothing is folded or found to be equal because of what went. */
Prog *ir_trim_here(Prog *p);

/* ---- primitives (primitives.def, primitives.c) ------------------------------- */

typedef enum PrimType {
  PT_REAL,   /* reals -> real */
  PT_NUM,    /* all int or all real -> the same */
  PT_INT,    /* ints -> int */
  PT_CMP,    /* two of one type -> bool */
  PT_BOOL,   /* bools -> bool */
  PT_SELECT, /* bool, T, T -> T */
  PT_TEST,   /* real -> bool */
  PT_INT_REAL, /* int, real -> real */
  PT_REAL_INT, /* real, int -> real */
} PrimType;

typedef enum PrimId {
#define PRIM(id, name, arity, type, c, mp, d0, d1, d2, lo, hi, doc) P_##id,
#include "ir/primitives.def"
#undef PRIM
  PRIM_COUNT
} PrimId;

typedef struct Prim {
  const char *name;       /* in the language; an operator's is its sign ("+") */
  uint32_t arity;
  PrimType type;
  const char *c;          /* C: a function's name (float: with f), or an infix sign */
  const char *d[3];       /* partial derivatives as text over x y z (operands) and r
                             (result), or NULL: none goes there, "0" where it is flat */
  double lo, hi;          /* where it is defined, for random tests */
  const char *doc;        /* one line, for :help and the manual */
} Prim;
const Prim *prim_get(uint32_t id);
/* The function of this name, or -1; operators are not found by it. */
int prim_find(const char *name);
/* The value on constants; false where it cannot be folded (integer division by 0). */
bool prim_fold(uint32_t id, bool is_float, Elem elem, const double *r, const int64_t *i,
               double *real_out, int64_t *int_out);
/* The result's element type. */
Elem prim_elem(uint32_t id, Elem first_arg, Elem last_arg);

#endif
