/* private.h - what the files of emit/ share.
 *
 *   plan.c       what is needed, how often used, what is written inside its user, times
 *   order.c      the order of statements
 *   places.c     which buffer each array is stored in; results straight in their place
 *   slots.c      where each buffer lies: a local array, a slice of the workspace
 *   chunks.c     very long regions cut in pieces; values that cross from one to another
 *   names.c      names that are valid C, used once in a scope
 *   text.c       lines, braces, C functions and what they take from the one around
 *   sizes.c      sizes as C
 *   expr.c       scalar expressions
 *   arrays.c     statements on whole arrays
 *   regions.c    regions as statements
 *   loops.c      if, loop, fold, while, accumulators
 *   carried.c    what folds and whiles carry
 *   lanes.c      reductions in partial results, for vector units
 *   search.c     the places of extremes
 *   strips_plan.c  for libtcc: which loops are operations on many rounds at once
 *   strips.c     their calls
 *   apart.c      loops whose rounds have no memory in common
 *   ranges.c     loops in ranges of their index
 *   stream.c     long loops that write element after element
 *   addresses.c  for libtcc: subscripts computed in the loop in which they change
 *   narrow.c     functions of scalar code, without wide vectors
 *   macros.c     what is asked of compilers that C99 has no words for
 *   rows_plan.c  which loops run several of their rounds side by side
 *   rows_updates.c  what they add into arrays that they share
 *   rows.c       these, in lanes
 *   rows_sums.c  and what they add up, in partial sums
 *   rows_totals.c  these sums from the first of many rows to the last
 *   rows_pack.c  arrays that they read across their rows, turned
 *   rows_search.c  the least and the greatest in each of them, and its place
 *   checks.c     run-time checks, effects
 *   ahead.c      checks in front of loops
 *   trace.c      traces as printf
 *   signature.c  parameters, prototypes, prologues
 *   document.c   what the header says of a function
 *   workspace.c  the workspace: its slices, its length
 *   helpers.c    the parts of runtime/scalar.h and fast_math.h that a file needs
 *   parallel.c   OpenMP: loops in blocks whose number the sizes alone tell
 *   linear.c     how far a step of an index moves in an array
 *   contract.c   sums of products over a grid as calls of gc_matmul, or of BLAS
 *   wrapper.c    a struct a function that owns its workspace
 *   selftest.c   a function that tries the others
 *   program.c    a main function that reads arguments from files
 *   casadi.c     CasADi's external functions
 *   report.c     what a function costs
 *   sha256.c     the hash of a source
 *   c.c          whole files
 *
 * The plan is made for one program (Emit); text then is written in one walk over its
 * regions.  A File gathers several programs. */
#ifndef GRADC_EMIT_PRIVATE_H
#define GRADC_EMIT_PRIVATE_H

#include "emit/emit.h"

enum {
  RESULT_USE = 0,        /* Info.user: the result of a region */
  LOCAL_MAX = 64,        /* elements of an array that is a C local */
  LOCAL_BUDGET = 1024,   /* elements of all C locals of a program */
  SCALAR_BUDGET = 8192,  /* the same where there is no workspace */
  BRACE_MAX = 24,        /* braces in one C function before a region moves out */
  INLINE_DEPTH = 10,     /* nesting of one expression */
  INLINE_SIZE = 16,      /* operations in one expression */
  DEFAULT_STMTS = 200, BODY_STMTS = 2000, /* of a piece (make bench-chunks); in a loop */
  LANES = 16, FLOAT_LANES = 32, /* rounds of a loop side by side */
  TCC_STMTS = 1000,
};

/* A place for an array's elements. */
typedef enum BufferKind { BUF_SLOT, BUF_OUTPUT, BUF_LOCAL, BUF_ROW, BUF_TEMP } BufferKind;
typedef struct Buffer {
  BufferKind kind;
  const Type *type;
  Size size;             /* elements */
  Region *region;        /* where it begins to be used */
  uint32_t next_made;    /* in the list of `first` */
  Ref first;             /* the node of that region before which it must exist */
  Ref root;              /* a node stored in it, for its name and messages */
  uint32_t from, to;     /* times of its life */
  uint32_t index;        /* OUTPUT: number of the result; SLOT: number of the slot */
  uint32_t parent, part; /* ROW of a stack: its buffer and the row's number */
  uint32_t lanes;        /* one array for each of so many rounds, interleaved; or 0 */
  bool along;            /* not interleaved but one after the other */
  uint32_t kept;         /* TEMP that crosses chunks: its element of the int keep, plus 1 */
  bool ints;
  bool no_local;
  const char *cname;
  uint32_t home;         /* the C function that declares it */
  const char *alias;     /* a pointer that takes turns with another, while its fold runs; or
                            to a block's part of it (--openmp) */
  uint32_t alias_home;
  bool copies;           /* SLOT: of an accumulator, for the blocks of a loop (--openmp) */
  Size room;             /* SLOT: elements of each block's room, or NULL: there is one place */
  uint32_t most;         /* SLOT: there is none for more elements than that; 0: for any number */
  uint32_t nrooms;       /* so many of them */
  uint32_t next_room;    /* in the list of its loop */
} Buffer;

/* A slice of the workspace. */
typedef struct Slot {
  bool ints;
  Size size;             /* over parameters of the root */
  uint32_t buffers;      /* how many buffers take turns in it */
  uint32_t buffer;       /* the first */
  const char *cname;
  uint64_t most;         /* of length 0 where the size is greater; 0: it never is */
  bool used;             /* mentioned by the text */
} Slot;

/* Result number k of a structured node. */
typedef struct Out {
  Ref proj;              /* the node that reads it, or 0 */
  uint32_t buffer;       /* arrays: where it is stored */
  uint32_t next;         /* FOLD, WHILE: the second buffer of a carried array, or 0 */
  uint32_t track;        /* FOLD: of one whose states are kept, the result that keeps them, or 0 */
  const char *was;       /* that one's alias before the fold */
  uint32_t was_home;
} Out;

/* What is known of a node. */
typedef struct Info {
  uint32_t uses;
  Ref user;              /* the last one counted */
  uint32_t use_region;   /* where that stands */
  uint32_t begin, end;   /* when it is computed; 0: not part of the program */
  uint32_t at;           /* when its text is written: at its user, if written inside it */
  uint32_t last;         /* arrays: time of the last use, in its own region */
  uint32_t use_head;     /* arrays: list of uses */
  uint32_t buffer;       /* arrays: where it is stored, or 0 */
  uint32_t made_before;  /* list of TEMP buffers and rows to make before it */
  uint32_t chunk;        /* in a region that is cut: number of the piece, from 1 */
  uint32_t keep, keep_at;/* crosses chunks: buffer and element */
  uint32_t home;         /* the C function that declares it */
  const char *cname;
  Out *out;              /* structured */
  uint32_t ahead;        /* LOOP: list of accesses that are checked in front */
  uint32_t copies;       /* LOOP: the first of its AccCopy, plus 1 */
  uint32_t rooms;        /* LOOP: list of buffers of which each block has its own */
  uint32_t run;          /* in rows side by side: the run of statements it stands in */
  uint32_t pack;         /* READ: in rows side by side, the number of its Pack, or 0 */
  uint32_t totals;       /* LOOP over rows: the number of its Totals, or 0 */
  uint8_t depth, size;   /* of its expression */
  bool need, inlined, effect, atom, mutable_base;
  uint8_t step;          /* lanes.c: how it moves with the innermost index */
  bool shares;           /* LOOP: its rounds write into one place of the workspace */
  bool rows;             /* LOOP: its rounds go side by side; */
  bool again;            /* the last of them once more, if that fills a block */
  bool lane, crosses;    /* inside: differs from row to row; used in another run */
  bool serial;           /* inside: done for one row after the other */
  bool partial;          /* LOOP over rows: what they share is added up in partial sums */
  bool parts;            /* an update that all rows share: in partial sums; */
  bool behind;           /* in a loop of its own; */
  bool keeps;            /* in its loop, the terms kept for a strip of it */
  bool abreast;          /* LOOP inside: those behind it go row beside row, not along the walk */
  bool now, later;       /* in a body with such: needed by others; by such */
  bool turned;           /* LOOP inside: goes along its arrays, row by row */
  bool guarded;          /* READ: checked in front of a loop, so not to be read before */
  bool lazy;             /* FILL: written again wherever it is copied to, stored nowhere */
} Info;

/* early: a state that a fold records, at the start of its body. */
typedef struct Use { Ref user; uint32_t region, next; bool early; } Use;

/* An access that is checked in front of a loop, and the loop in which it stands. */
typedef struct Ahead { Ref node, inner; uint32_t next; } Ahead;

/* The nodes of a region in the order of their text. */
typedef struct Order { Ref *at; uint32_t n; } Order;

/* A value that a C function takes from the one around it. */
typedef struct Field Field;

/* A C function being written. */
typedef struct Fn {
  struct Fn *parent;
  uint32_t id;
  Buf body;
  uint32_t indent, base; /* braces open; `base` of them are the function's own */
  bool fails;            /* some path returns a number */
  bool mixed;            /* there is more in it than scalar code without loops */
  bool branches;         /* a condition, or a helper, which may have some */
  uint32_t names;        /* scalars, for the bound of its stack frame */
  uint64_t bytes, below; /* arrays; the deepest of the functions that it calls */
  const char *cname;
  uint32_t rooms[2];     /* of strips, of reals and of bools */
  VEC(Field *) fields;
  Field *field_table;
  struct Parts *parts;   /* of a piece: what it has in common with the others */
} Fn;

/* The pieces of a region that is cut: one struct for all, filled once. */
typedef struct Parts {
  const char *cname;
  Buf data, body;        /* what stands in front of the first */
  VEC(Field *) fields;
  Field *field_table;
  const char *env;
} Parts;

/* --openmp: a copy of an accumulator's buffer for each block of a loop, unless each round adds to
 * elements of its own. */
typedef struct AccCopy {
  Ref loop;
  uint32_t own;          /* bits: axes of which the loop's first index is the subscript */
  uint32_t of, buffer;   /* 0: there is no room for it, or no need */
  const char *alias;     /* of the buffer, as it was */
  uint32_t alias_home;
} AccCopy;

/* Rows of an array, copied so that those of rows side by side are (rows_pack.c). */
typedef struct Pack {
  Ref loop, array;
  Ref place;             /* the loop in front of which all rows are copied; 0: each block does it */
  Ref sub[MAX_RANK];     /* all subscripts; */
  uint32_t naxes;        /* so many tell the row */
  const Type *row;
  uint32_t buffer;
  bool first;            /* of those with this buffer */
} Pack;

typedef struct Check { uint32_t number; Ref node; const char *what; } Check;

typedef struct NameTable NameTable;
typedef struct Used Used;
typedef struct Rows Rows;
typedef struct Totals Totals;
typedef struct Addresses Addresses;

/* Updates that go into loops of their own, and what was known before of the nodes in the body. */
typedef struct Behind { VEC(Ref) updates; bool alone; Info *saved; Ref from; } Behind;

/* A loop in strips that keep terms. */
typedef struct Kept { Ref update; const char *name; } Kept;
typedef struct KeptStrip {
  VEC(Kept) kept;
  const Region *body;
  Ref index;
  const char *start, *end;
  Info *saved;
} KeptStrip;

/* The results of a loop or fold from number `first`: the best value of each argmax so far;
 * where a max of the same values is wanted, that is its variable, and stands at both. */
typedef struct Outputs { uint32_t first; const char **best; } Outputs;

/* macros.c; PIECE: GC_PIECE and what is made of it. */
typedef enum Macro {
  MACRO_LANES, MACRO_AROUND, MACRO_APART, MACRO_AHEAD, MACRO_ROOM, MACRO_SCALAR, MACRO_NARROW,
  MACRO_PIECE, MACROS
} Macro;

/* Several programs in one file. */
typedef struct File {
  Ctx *c;
  const EmitOptions *o;
  bool jit, real_float;
  bool standalone;         /* jit: not for libtcc */
  bool data_in_text;       /* jit: constant arrays stand in the text, not at their address */
  const char *real;      /* "double" or "float" */
  Buf data;              /* constant arrays, moved-out functions, functions */
  Buf header;            /* documented prototypes */
  Buf prototypes;        /* the same without documentation */
  Buf tests;             /* calls of the self-test */
  uint32_t nsources;
  bool *source_used;             /* by number */
  VEC(const char *) tested;
  Buf programs, program_table;   /* of --main */
  Buf casadi;            /* CasADi's functions, behind all others */
  uint32_t at;           /* number of the program being written */
  Used *used;            /* helpers of runtime/scalar.h and libm, by name */
  VEC(const char *) used_order;  /* prototypes */
  bool uses_inf, uses_string, uses_stdio, uses_blas;
  bool macros[MACROS];   /* those that are used */
  unsigned uses_trace;   /* helpers of traces */
  uint32_t ndata;
} File;

typedef struct Emit {
  File *f;
  Ctx *c;
  Prog *p;
  const char *cname;     /* of the C function */
  Info *info;
  uint32_t ninfo;
  uint32_t clock;
  uint32_t *region_end;  /* time, by region id */
  bool *cut;             /* by region id: in pieces */
  uint32_t *keep[2];     /* by region id: buffers of scalars that cross pieces; [1]: ints */
  uint32_t nchunks;
  VEC(Use) uses;
  VEC(Ahead) ahead;
  Order *order;          /* by region id */
  VEC(Buffer) buffers;   /* from 1 */
  VEC(Slot) slots;
  bool *scratch;         /* by region id: the body of a loop that calls gc_temp */
  uint32_t *locals;      /* list of LOCAL buffers by region id, linked by next_made */
  bool has_work;
  bool copy_by_loops;    /* see surely_counts */
  Fn *fn;
  uint32_t nfns;
  NameTable *names;
  VEC(const char *) scope_log;
  VEC(Check) checks;
  const struct Emit *whole;  /* a part of it is written (CasADi): its checks' numbers hold */
  uint32_t whole_check;      /* the one after the last that was found there */
  uint32_t again_from, again_to; /* checks of rows, which the rows left over make again */
  uint32_t loop_depth;
  bool in_parallel;
  Rows *rows;            /* the rows being written side by side, or NULL; */
  const Totals *totals;  /* with these sums over all their blocks, or NULL */
  VEC(Totals *) all_totals;
  const char *rounds;    /* the number of those in a strip that is being written, or NULL */
  VEC(AccCopy) copies;
  VEC(Pack) packs;       /* from 1 */
  Addresses *addresses;  /* libtcc, or NULL */
  uint32_t nstrips;      /* libtcc: loops written both as calls of kernels and plainly */
  VEC(const char *) closing;  /* libtcc: the ends of the open loops */
  uint32_t nenv, nparts;
  Span last_comment;
  uint32_t last_line;
  uint32_t ntemps;
  bool uses_stop, uses_host, uses_work;
  bool scalar, narrow;   /* narrow.c */
  const char **param_name, **out_name;
  bool *param_used, *out_used;
  uint32_t *out_buffer;
} Emit;

static inline Info *info(const Emit *e, Ref r) { return &e->info[r]; }
static inline Node *node(const Emit *e, Ref r) { return ir_node(e->p, r); }
static inline Region *region_of(const Emit *e, Ref r) {
  return e->p->regions.at[node(e, r)->region];
}
/* Is the code for libtcc, which does not optimize? */
static inline bool for_tcc(const Emit *e) { return e->f->jit && !e->f->standalone; }
static inline bool for_openmp(const Emit *e) { return !e->f->jit && e->f->o->openmp; }
static inline const Order *order_of(const Emit *e, const Region *r) { return &e->order[r->id]; }
static inline bool is_array(const Node *n) { return n->type && n->type->rank > 0; }
static inline bool is_scalar(const Node *n) {
  return n->type && !n->type->acc && n->type->rank == 0;
}

/* plan.c */
void plan_uses(Emit *e);
/* Is output k of fold r a carried array as it is when the body starts? */
bool records_state(const Emit *e, Ref r, uint32_t k);

/* order.c */
void plan_order(Emit *e);
/* The time of the last use of array a inside region r, lifted to r; 0: none. */
uint32_t last_use_in(Emit *e, Ref a, const Region *r);
uint32_t lift_time(const Emit *e, uint32_t region, uint32_t time, const Region *to);
bool region_inside(const Emit *e, uint32_t region, const Region *in);
bool is_view(const Node *n);
/* May the divisor of an int division be 0? */
bool divides_by_zero(const Emit *e, const Node *n);

/* places.c */
void plan_places(Emit *e);
uint32_t buffer_new(Emit *e, BufferKind k, const Type *t, Region *r, Ref first);
void buffer_live(Emit *e, uint32_t b, uint32_t from, uint32_t to);
/* The buffer that an array fills from its start, or 0 (inputs, constants, rows). */
uint32_t storage_of(const Emit *e, Ref r);
/* The input, constant or buffer-owning node under views. */
Ref base_of(const Emit *e, Ref r);

/* chunks.c */
void plan_chunks(Emit *e);
/* Statements of region r, one for each value, which `put_one` writes: in pieces if there are many.
 * The first stands in the function that is open. */
typedef void PutOne(Emit *e, Ref owner, uint32_t k);
void put_wide(Emit *e, const Region *r, const Ref *values, uint32_t n, PutOne *put_one, Ref owner);

/* slots.c */
void plan_slots(Emit *e);
/* An upper bound over parameters of the root alone, or NULL. */
Size size_bound(Emit *e, Size s);
bool work_param(const Emit *e, const Node *param);
bool root_param(const Emit *e, Ref r);

/* names.c */
void names_init(Emit *e);                        /* takes keywords and names of ours */
const char *c_fresh(Emit *e, const char *want);
uint32_t scope_open(Emit *e);
void scope_close(Emit *e, uint32_t mark);
/* Notes a call, once each, in order; prototype for the JIT or NULL. */
void use_function(File *f, const char *name, const char *prototype);
bool function_used(const File *f, const char *name);

/* text.c */
void put(Emit *e, const char *s);
void putf(Emit *e, const char *fmt, ...) GC_PRINTF(2, 3);
void line_start(Emit *e);
void line_end(Emit *e, const char *s);
void line(Emit *e, const char *fmt, ...) GC_PRINTF(2, 3);
void block_open(Emit *e, const char *head);      /* "for (…)" is on the line already */
void block_close(Emit *e);
void comment_for(Emit *e, const Node *n);
Fn *fn_open(Emit *e, const char *cname);
/* Ends a moved-out function and writes its call. */
void fn_close(Emit *e);
void fn_close_or(Emit *e, const char *failed);   /* what to do with a `code` that is not 0 */
/* Pieces of one region, each opened and closed as a function is. */
Parts *parts_open(Emit *e);
void part_open(Emit *e, Parts *parts, const char *cname);
void parts_close(Emit *e, Parts *parts);
/* For results of a moved-out node: the name they have in the caller afterwards. */
void fn_result(Emit *e, Ref r);
const char *ref_node(Emit *e, Ref r);
bool is_kept(const Emit *e, Ref r);              /* is it read from where pieces keep it? */
const char *ref_buffer(Emit *e, uint32_t b);
const char *ref_out(Emit *e, uint32_t k);        /* the pointer to a scalar result */
const char *ref_host(Emit *e);
const char *ref_stop(Emit *e);
const char *ref_keep(Emit *e, Ref r);            /* of a scalar that crosses chunks */
const char *c_type(const File *f, Elem el, bool in_array);

/* sizes.c */
enum { PREC_ANY = 0, PREC_COND = 3, PREC_OR = 4, PREC_AND = 5, PREC_EQ = 9, PREC_REL = 10,
       PREC_ADD = 12, PREC_MUL = 13, PREC_UNARY = 14, PREC_PRIMARY = 15 };
void put_int(Emit *e, int64_t i, int prec);
/* How an atom of a size is written. */
typedef void (*PutAtom)(Emit *e, Buf *b, Ref atom);
void size_c(Emit *e, Buf *b, Size s, int prec, PutAtom atom);
void named_atom(Emit *e, Buf *b, Ref atom);      /* by the name of its node */
void put_size(Emit *e, Size s, int prec);
Size array_size(Emit *e, const Type *t);          /* number of elements */
Size row_size(Emit *e, const Type *t, uint32_t nsub);

/* expr.c */
void put_expr(Emit *e, Ref r, int prec);
/* " += r", or " -= x" where r is -x and has no name: the same to the bit. */
void put_increment(Emit *e, Ref r);
void put_real(Emit *e, double x, int prec);
void real_text(File *f, Buf *b, double x);       /* a literal */
/* a[flat index] for subscripts; with `slab`, the address of the row. */
void put_element(Emit *e, Ref array, uint32_t n, const Ref *index);
void put_row(Emit *e, const char *array, const Type *t, uint32_t n, const Ref *index);
void put_flat(Emit *e, const Type *t, uint32_t n, const Ref *index, int prec);
const char *array_text(Emit *e, Ref r);
const char *expr_text(Emit *e, Ref r, int prec);
const char *increment_text(Emit *e, Ref r);      /* " += v", or " -= w" where v is -w */
/* Is the exponent a small whole number, so that the power is written as products? */
bool whole_power(const Emit *e, const Node *n, int *exponent);
/* The name of a primitive's function, which is noted as called. */
const char *function_of(Emit *e, const Node *n);
/* The version of a primitive in runtime/fast_math.h, or NULL. */
const char *fast_version(const Emit *e, int64_t prim);
/* A name or a literal for a scalar: made a local first if it is an expression. */
void make_simple(Emit *e, Ref r, const char *want);
bool expr_mentions(const Emit *e, Ref expr, Ref leaf);

/* arrays.c */
void copy_array(Emit *e, const char *to, const char *from, const Type *t);
void copy_into(Emit *e, uint32_t buffer, Ref from);
void store_array(Emit *e, const char *to, Ref from);
void fill_array(Emit *e, const char *to, const Type *t, Ref scalar);
void emit_stack(Emit *e, Ref r);
void emit_with(Emit *e, Ref r);
void emit_upd(Emit *e, Ref r);
void emit_view(Emit *e, Ref r);
const char *data_text(Emit *e, Ref r);           /* a constant array */

/* regions.c */
enum { GLOBAL = UINT32_MAX };                    /* Info.home of what every function sees */
void emit_region(Emit *e, Region *r);            /* its nodes */
void define_scalar(Emit *e, Ref r);
void declare_locals(Emit *e, Region *r);
void store_kept(Emit *e, Ref r);
void emit_node(Emit *e, Ref r);
const char *want_name(Emit *e, Ref r, const char *otherwise);

/* loops.c */
void emit_structured(Emit *e, Ref r);
bool simple_if(const Emit *e, Ref r);
/* The node that reads result k of a structured node, if it is needed, else 0. */
Ref needed_proj(const Emit *e, Ref r, uint32_t k);
bool scalar_out(const Emit *e, Ref r, uint32_t k);
bool array_out(const Emit *e, Ref r, uint32_t k);
const char *out_type(Emit *e, Ref r, uint32_t k);
void name_outs(Emit *e, Ref r);                  /* scalar results, in the scope around */
/* A loop that runs in parallel (parallel.c). */
typedef struct InBlocks {
  const char *block;     /* the name of the block's number; NULL: no blocks */
  const char *count;     /* of how many there are: one where there is little to do */
  const char *failed;    /* of the array of the checks that failed, if any can */
  bool pragma;           /* parallel without blocks */
  const char *first, *end;   /* names of where the block's rounds begin and end, or NULL */
} InBlocks;
/* One axis of a loop or fold; `blocks`: those of a parallel loop, or NULL; `from`: where it
 * starts, if not at 0. */
void open_for(Emit *e, Ref r, Ref index, Ref extent, const InBlocks *blocks, const char *from);
/* The last axis of a loop in a range of its own; true: two blocks are open, for strips. */
bool open_range(Emit *e, Ref r, const Region *inside, const char *from, const char *to,
                bool apart);
void close_for(Emit *e);
void open_count(Emit *e, const char *i, const char *from, const char *to);   /* i++ */
void close_count(Emit *e);
void name_index(Emit *e, Ref index);             /* by its name, or i j k by depth */
/* That of a round of loop r in a block, if the round mentions it. */
void declare_index(Emit *e, Ref r, Ref index, const char *start, const char *lane);
void stop_in_loop(Emit *e, Ref extent);
/* What the round computes, put with result k; `best`: that of an argmax. */
void emit_output(Emit *e, Ref r, uint32_t k, Combiner comb, Ref value, const char *best,
                 const Region *body, uint32_t naxes);
/* The max (min) of the values whose argmax (argmin) output k is, or nresults. */
uint32_t extreme_of(const Emit *e, Ref r, uint32_t first, uint32_t k);
void put_position(Emit *e, Ref loop);            /* the number of a round: "i*n + j" */
void put_over_nothing(Emit *e, Elem elem, Combiner comb);
void emit_extreme(Emit *e, const char *name, Ref value, Combiner comb);
/* Is the max (min) of the values wanted, too, of which result k is the argmax (argmin)? */
bool has_extreme(const Emit *e, Ref r, uint32_t k);

/* carried.c */
void declare_carried(Emit *e, Ref r);            /* in front of the loop */
void open_step(Emit *e, Ref r);                  /* first in a round of a fold */
/* Is it what the fold around `body` carries as a round starts: a scalar, or a stack of such? */
bool is_state_of(const Emit *e, Ref value, const Region *body);
const char **next_scalars(Emit *e, Ref r, Region *body);
void assign_later(Emit *e, Ref r, const Region *body, const char *const *later);
void assign_carried(Emit *e, Ref r, Region *body);   /* last in it */
void end_carried(Emit *e, Ref r);                /* behind the loop */
/* Does result k keep the states that are carried, each written where it stays? */
bool is_track(const Emit *e, Ref r, uint32_t k);

/* lanes.c */
/* A primitive that is an instruction of vector units, or a few of them? */
bool prim_in_vectors(const Emit *e, const Node *n);
/* Is all of it arithmetic on elements side by side, in few operations?  `inside`: the body, or what
 * it comes to in a range of the last index. */
bool straight_body(Emit *e, const Region *body, const Region *inside, uint32_t naxes);
bool plan_lanes(Emit *e, Ref r);                 /* is loop r a reduction in lanes? */
void emit_lanes(Emit *e, Ref r, const Outputs *o, const InBlocks *blocks);
/* The same for a range of the last index, in which the body comes to `inside`. */
bool plan_lanes_in(Emit *e, Ref r, const Region *inside);
/* `lane`: what open_lanes gave, for the ranges of all rows; NULL: the range has its own. */
void emit_lanes_in(Emit *e, Ref r, Region *inside, const Ref *results, const Outputs *o,
                   const char *from, const char *to, const char *const *lane);
const char **open_lanes(Emit *e, Ref r);
void close_lanes(Emit *e, Ref r, const Outputs *o, const char *const *lane);

/* (lane[0] + lane[4]) + (lane[2] + lane[6]) …, of so many lanes. */
void put_tree(Emit *e, const char *lane, const char *sign, uint32_t width);
/* to = from > to || from != from ? from : to; a NaN wins. */
void put_winner(Emit *e, const char *to, const char *from, Combiner comb, bool real);

/* search.c */
enum { SEARCH_BLOCK = 32 };                      /* fewer values are not searched in blocks */
static inline Combiner extreme_for(Combiner comb) {
  return comb == ARGMAX ? MAX : comb == ARGMIN ? MIN : comb;
}
bool has_search(const Emit *e, Ref r);           /* is an argmax or argmin wanted of loop r? */
bool plan_search(const Emit *e, Ref r);          /* can it follow its max or min in lanes? */
void emit_search(Emit *e, Ref r, const Outputs *o);

/* apart.c */
/* In front of the `for` of the last axis, or of a range of it in which the body comes to this. */
bool say_apart(Emit *e, Ref r, const Region *inside);    /* shall it? */
void put_apart(Emit *e, Ref r, const Region *inside);

/* stream.c */
/* A long loop that builds arrays, in strips; gives the text of the index where the plain loop begins,
 * or NULL: it is another kind of loop. */
const char *emit_stream(Emit *e, Ref r, Region *inside, const Ref *results, const Outputs *o,
                        const char *from, const char *to);

/* narrow.c */
void plan_narrow(Emit *e);                       /* behind plan_rows */
/* In front of a function; of a piece of scalar code only what its own macro does not say (gcc heeds but one
 * attribute of that kind). */
void put_narrow(Emit *e, Buf *out, bool piece);

/* linear.c */
/* s = step*atom + rest; false: not linear. */
bool take_linear(Prog *p, Size s, Ref atom, Size *step, Size *rest);
bool size_is_one(Size s);
bool size_mentions(Size s, Ref atom);
Size flat_of(Emit *e, const Type *t, const Ref *index);  /* the place of an element */

/* contract.c */
bool is_contraction(Emit *e, Ref r);
/* Ints that nobody but such calls asks for have no text, for sizes are written anew. */
void plan_calls(Emit *e);
/* Writes the whole loop as a call; false: it is none of that form. */
bool emit_contraction(Emit *e, Ref r);

/* strips.c */
/* For libtcc: a range of the last axis as calls of kernels, each for many rounds; gives the text of
 * the index where rounds are left for the plain loop, or NULL: there are no such calls. */
const char *emit_strips(Emit *e, Ref r, const Region *inside, const Ref *results,
                        const char *from, const char *to);
/* The same for the whole axis, whose rounds are not counted yet; `all`: no rounds are left. */
const char *emit_axis_in_strips(Emit *e, Ref r, bool *all);
/* The same for all rounds, in lanes; false: there are no such calls. */
bool emit_strips_in_lanes(Emit *e, Ref r, const Region *inside, const Ref *results,
                          const char *from, const char *to, const char *const *lane);
/* Before buffers have their places: so many rounds of rows go together, each with arrays of its
 * own; 0: none do. */
uint32_t own_rounds(Emit *e, Ref r);
void put_rooms(Emit *e, Buf *b, const Fn *fn);   /* at the top of a C function */

/* rows_plan.c */
/* Can both branches be computed, whichever is taken: nothing that reads, calls, may fail or
 * overflow? */
bool can_speculate(const Emit *e, const Region *r);
void plan_rows(Emit *e);
bool inside_rows(const Emit *e, Ref r);          /* keeps the order of its sums */
bool has_rows(const Emit *e, Ref r);             /* is loop r written with rows side by side? */
double usual_trips(const Emit *e, Ref extent);   /* the rounds of a loop, about */
/* An array made inside rows: each row has its own. */
bool is_own_lane(const Emit *e, Ref array);

/* rows_updates.c */
/* The step in memory of a read or update as p steps: -1, 0, 1, or 2 for another. */
int memory_step(const Emit *e, const Node *n, uint32_t first, Ref p);
/* Do the subscripts of an update tell apart the rounds of all loops between it and its row? */
bool tells_rounds_apart(Emit *e, const Node *n, const Region *row);
/* May the update, shared by all rows, go into a loop of its own? */
bool goes_behind(const Emit *e, Ref r);
/* Can a strip of its loop keep the terms of the update, which all rows share? */
bool can_keep(const Emit *e, Ref r);
/* Once it is known which do, and which arrays are in lanes. */
void plan_updates(Emit *e, const Region *body);
void plan_layout(Emit *e, const Region *body);
/* Is a node of a body needed by such updates alone? */
bool only_later(const Emit *e, Ref r);
/* Is an element read by a loop that goes along its array? */
bool reads_along(const Emit *e, Ref read);

/* rows.c */
/* Writes the rows that go side by side, all or those of a block; gives the text of the index where
 * the others begin, or NULL: none go. */
const char *emit_rows(Emit *e, Ref r, const Outputs *o, const InBlocks *blocks);
uint32_t lanes_of(const File *f);                /* how many */
const char *whole_blocks(Emit *e, Ref extent);   /* "n - n%16": the rows that make full blocks */
bool is_lane_index(const Emit *e, Ref r);
void put_lane_index(Emit *e, int prec);          /* "i + l" */
void put_lane_flat(Emit *e, uint32_t buffer, const Type *t, uint32_t n, const Ref *index);
const char *lane_name(const Emit *e);            /* or NULL: no rows are being written */
void open_lane_loop(Emit *e);                    /* over all rows, one after the other */
const char *lane_array(Emit *e, const char *name, Elem el);
void open_row_axes(Emit *e, Ref r, uint32_t naxes, bool counts, bool around);
bool is_around(const Emit *e);                   /* is a loop around lanes being opened? */
uint32_t row_braces(const Emit *e, const Region *r);

/* rows_sums.c */
Info *save_infos(Emit *e, Ref from, Ref to);
void restore_infos(Emit *e, const Info *saved, Ref from, Ref to);
/* Of an update, at once; `kept`: the element that keeps its term, or NULL. */
void emit_row_sum(Emit *e, Ref r, const char *kept);
Behind find_behind(Emit *e, Ref r);
void emit_behind(Emit *e, Ref loop, const Behind *b);
KeptStrip find_strip(Emit *e, Ref loop);
void open_kept(Emit *e, Ref loop, KeptStrip *s);     /* all axes of the loop */
void close_kept(Emit *e, Ref loop, const KeptStrip *s);
const char *kept_place(Emit *e, const KeptStrip *s, Ref r); /* or NULL: the strip does not keep it */

/* rows_totals.c */
enum { TOTAL_PARTS = 8 };  /* partial sums of an element */
void plan_totals(Emit *e, Ref loop);             /* when all is known of its updates */
/* Clears the sums of a loop over rows; until close_totals its updates go into them.  false: it has
 * none.  `sure`: or else a brace is open, and the rows go without them where it is not entered. */
bool open_totals(Emit *e, Ref loop, const InBlocks *blocks, bool *sure);
void close_totals(Emit *e);                      /* adds them up */
bool in_totals(const Emit *e, Ref r);            /* does the update go into them now? */
const char *declare_total(Emit *e, Ref r);       /* a pointer to those of its element */

/* rows_pack.c */
/* Can the read in rows with that index be from a copy? */
bool find_pack(Emit *e, Ref read, Ref index, Pack *p);
/* The outermost loop in front of which the rows can be copied, once for so many rounds; or 0. */
Ref find_place(Emit *e, const Pack *p, double *rounds);
void take_pack(Emit *e, Ref read, Pack p);
void emit_packs(Emit *e, Ref loop);              /* first in a block */
void emit_whole_packs(Emit *e, Ref place);
bool put_packed(Emit *e, Ref read);

/* rows_search.c */
/* Where each argmax of a loop inside keeps the best value so far, by the number of the result. */
const char **name_bests(Emit *e, Ref r, uint32_t first);
void start_search(Emit *e, Ref r, uint32_t first, uint32_t k, const char *const *best);
void emit_lane_extreme(Emit *e, Ref r, uint32_t first, uint32_t k, const char *const *best);

/* ahead.c */
void plan_ahead(Emit *e);                        /* behind plan_uses */
void emit_ahead(Emit *e, Ref loop);              /* in front of it */
void end_ahead(Emit *e);                         /* the program is as it was */

/* checks.c */
void emit_checks(Emit *e, Ref r);
void emit_subscript_checks(Emit *e, Ref r);      /* of a READ, WITH or UPD */
void emit_check(Emit *e, Ref r);
void emit_effect(Emit *e, Ref r);
void emit_used_up(Emit *e, Ref r);
void emit_stop(Emit *e);
/* Guarded code: takes so many rounds (0: one) from the trips that are left. */
void emit_trips(Emit *e, Ref rounds);
void emit_trips_over(Emit *e, const Size *extent, uint32_t n); /* their product */

/* trace.c */
void emit_trace(Emit *e, Ref r);
void trace_helpers(const File *f, Buf *out);

/* signature.c */
void sig_names(Emit *e);                         /* of parameters, results and slots */
void sig_function(Emit *e, const Fn *fn);        /* the finished C function and its _work */
void sig_header(Emit *e);                        /* its prototypes */
bool sig_is_size(const Emit *e, uint32_t param);
const Node *sig_param(const Emit *e, uint32_t k);
void put_param(Emit *e, Buf *b, uint32_t k, bool plain);
void put_comma(Buf *b, size_t *column);          /* a new line where the last one is full */
/* "static inline " and the like, of functions for the outside; of those inside. */
const char *linkage(const File *f);
const char *inner_linkage(const File *f);

/* macros.c */
void use_macro(File *f, Macro m, bool used);     /* false: no more than before */
void put_macros(const File *f, Buf *out);        /* those that are used */

/* document.c */
void document(Emit *e, Buf *b);
void put_clean(Buf *b, const char *s);           /* without what would end a comment */
const char *base_name(const char *path);
uint64_t frame_size(const Fn *fn);               /* most bytes of stack */

/* wrapper.c */
void wrapper_functions(Emit *e);

/* selftest.c */
void selftest_case(Emit *e);
void selftest_function(File *f);

/* program.c */
void program_case(Emit *e);
void program_text(File *f, Buf *out);

/* casadi.c */
void casadi_functions(Emit *e);
void casadi_types(Buf *out);
void casadi_head(File *f, Buf *out);             /* what its functions call */

/* parallel_plan.c */
typedef enum Parallel { PARALLEL_NO, PARALLEL_BUILD, PARALLEL_BLOCKS } Parallel;
enum {
  PARALLEL_BLOCKS_MOST = 32,  /* blocks of a loop; */
  EXTENTS_MOST = 8,
  PARALLEL_COPIES = 8,        /* of one that adds into accumulators */
  PARALLEL_SMALL = 16384      /* rounds that are over before threads are there */
};
void plan_copies(Emit *e);
/* The copies that a loop's blocks have, one after the other; then NULL. */
AccCopy *first_copy(const Emit *e, Ref loop);
AccCopy *next_copy(const Emit *e, const AccCopy *c);
int blocks_of(const Emit *e, Ref loop);          /* how many, at most */
void plan_rooms(Emit *e);
void mark_shared(Emit *e);                       /* once plan_slots is done */
/* Extents of the most loops, one in the other, in a region: as far as they are known in front. */
typedef struct Extents { Size extent[EXTENTS_MOST]; uint32_t n; } Extents;
Parallel plan_parallel(Emit *e, Ref r);
bool round_may_fail(const Emit *e, const Region *r);

/* parallel.c */
/* In front of a loop; `rounds`: what a round of it does, where no other axis comes between. */
void put_pragma(Emit *e, Ref r, const Region *rounds);
InBlocks open_blocks(Emit *e, Ref r);
Extents extents_inside(Emit *e, const Region *r);
void put_block_range(Emit *e, Ref r, const char *index, const InBlocks *b);
/* Declares where the block's part of so many rounds begins and ends. */
void declare_block_bounds(Emit *e, const InBlocks *b, const char *count, const char *first,
                          const char *end);
/* Are the rounds of the loop's only axis side by side, and cut in blocks? */
bool has_row_blocks(const Emit *e, Ref r);
/* One round: a C function of its own if it may fail, for it cannot return from here. */
void emit_round(Emit *e, const InBlocks *b, Region *body);
/* Behind the inner axes of a round that failed. */
void leave_axis(Emit *e, const InBlocks *b);
void close_blocks(Emit *e, Ref r, const InBlocks *b,
                  void (*declare)(Emit *, Ref, uint32_t, Combiner));

/* ranges.c */
bool in_ranges(const Emit *e, Ref r);            /* is its body a choice by ranges of the index? */
void emit_ranges(Emit *e, Ref r, const Outputs *o, const InBlocks *b);

/* addresses.c */
void plan_addresses(Emit *e);                    /* when all else is planned */
bool is_mute(const Emit *e, Ref r);              /* an int that has no text of its own */
/* Around a loop, and behind the head of an axis of it: the pointers of the accesses inside. */
void open_addresses(Emit *e, Ref loop);
void open_addresses_after(Emit *e, Ref loop, Ref index);
void open_addresses_in(Emit *e, const Region *r);   /* first in a region */
void close_addresses(Emit *e, Ref loop);
/* An element that is read, added to or built, "at[j]"; a row, "at + j".  false: as it stands. */
bool put_at_pointer(Emit *e, Ref r);
bool put_row_at_pointer(Emit *e, Ref r);

/* report.c */
void report_program(Emit *e, EmitReport *out);   /* after its C function is written */

/* sha256.c */
void sha256_text(const char *bytes, size_t n, char text[65]);

/* workspace.c */
void work_declare(Emit *e, Buf *b);              /* the slots, at the top of the function */
void work_function(Emit *e, Buf *b);             /* NAME_work */
void work_prototype(Emit *e, Buf *b);
void work_length(Emit *e, Buf *b);               /* over the names of parameters */
void work_args(Emit *e, Buf *b, bool declare);   /* "size_t n, int64_t k", or "n, k" */
bool in_work(Emit *e, uint32_t param);
/* The length for these values of the parameters, or -1. */
int64_t work_at(Emit *e, const int64_t *value);

/* helpers.c */
void helpers_text(File *f, Buf *out);            /* the blocks of runtime/ in use */

/* c.c */
void emit_program(File *f, Prog *p, const char *cname);
/* A function of the same inputs for result k alone, which computes nothing else; a check
 * that fails returns the number that it has in the whole. */
Emit *emit_part(Emit *whole, uint32_t k, const char *cname);
/* extents.c: an error that names the first array whose size the arguments do not tell. */
void refuse_run_time_sizes(const Prog *p);
_Noreturn void fail_unknown_size(const Prog *p, const Node *n);

#endif
