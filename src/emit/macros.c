/* macros.c - what emitted code asks of compilers that C99 has no words for.
 *
 * Each macro is nothing where a compiler does not know it; so the code stays plain C99.  A file
 * has those that it uses, and a user may define them otherwise before it. */
#include "emit/private.h"

static const char *const text[MACROS] = {
  [MACRO_LANES] =
  "/* A loop over lanes becomes vector code: gcc must not unroll it before. */\n"
  "#ifndef GC_LANES\n"
  "#if defined __GNUC__ && __GNUC__ >= 8 && !defined __clang__\n"
  "#define GC_LANES _Pragma(\"GCC unroll 4\")\n"
  "#else\n"
  "#define GC_LANES\n"
  "#endif\n"
  "#endif\n\n",

  [MACRO_AROUND] =
  "/* A loop around one over lanes: clang must not make vectors across its rounds. */\n"
  "#ifndef GC_AROUND\n"
  "#if defined __clang__\n"
  "#define GC_AROUND _Pragma(\"clang loop vectorize(disable)\")\n"
  "#else\n"
  "#define GC_AROUND\n"
  "#endif\n"
  "#endif\n\n",

  [MACRO_APART] =
  "/* The rounds of a loop have no memory in common: gcc need not ask. */\n"
  "#ifndef GC_APART\n"
  "#if defined __GNUC__ && __GNUC__ >= 8 && !defined __clang__\n"
  "#define GC_APART _Pragma(\"GCC ivdep\")\n"
  "#else\n"
  "#define GC_APART\n"
  "#endif\n"
  "#endif\n\n",

  [MACRO_AHEAD] =
  "/* The kilobyte that a loop is about to write, so that it is at hand by then. */\n"
  "#ifndef GC_AHEAD\n"
  "#if defined __GNUC__ && !defined __TINYC__\n"
  "#define GC_AHEAD(at) \\\n"
  "  for (int gc_line = 0; gc_line < 1024; gc_line += 64) \\\n"
  "    __builtin_prefetch((const char *)(at) + gc_line, 1)\n"
  "#else\n"
  "#define GC_AHEAD(at) ((void)0)\n"
  "#endif\n"
  "#endif\n\n",

  [MACRO_ROOM] =
  "/* The room of a block: without OpenMP one after the other uses the same. */\n"
  "#ifndef GC_ROOM\n"
  "#ifdef _OPENMP\n"
  "#define GC_ROOM(block) (block)\n"
  "#else\n"
  "#define GC_ROOM(block) 0\n"
  "#endif\n"
  "#endif\n\n",

  [MACRO_SCALAR] =
  "/* Long scalar code, which gcc is not to put together in vectors. */\n"
  "#ifndef GC_SCALAR\n"
  "#if defined __GNUC__ && __GNUC__ >= 8 && !defined __clang__\n"
  "#define GC_SCALAR __attribute__((optimize(\"no-tree-slp-vectorize\")))\n"
  "#else\n"
  "#define GC_SCALAR\n"
  "#endif\n"
  "#endif\n\n",

  [MACRO_NARROW] =
  "/* Scalar code, which vectors of 512 bits would slow down. */\n"
  "#ifndef GC_NARROW\n"
  "#if defined __GNUC__ && __GNUC__ >= 8 && !defined __clang__ && defined __x86_64__\n"
  "#define GC_NARROW __attribute__((target(\"prefer-vector-width=256\")))\n"
  "#else\n"
  "#define GC_NARROW\n"
  "#endif\n"
  "#endif\n\n",

  [MACRO_PIECE] =
  "/* Pieces of a long function stay apart: as one they take compilers minutes.  In scalar code\n"
  " * there is nothing to find for the passes that are switched off, and they take half of gcc's\n"
  " * time; in plain code, which has no branches, there is nothing that -O2 finds and -O1 does\n"
  " * not.  A function of thousands of results says where they are, and no more. */\n"
  "#ifndef GC_PIECE\n"
  "#ifdef __GNUC__\n"
  "#define GC_PIECE __attribute__((noinline, unused))\n"
  "#else\n"
  "#define GC_PIECE inline\n"
  "#endif\n"
  "#endif\n"
  "#ifndef GC_SCALAR_PIECE\n"
  "#if defined __GNUC__ && __GNUC__ >= 8 && !defined __clang__ && defined __x86_64__\n"
  "#define GC_SCALAR_PIECE GC_PIECE __attribute__((optimize( \\\n"
  "    \"no-tree-slp-vectorize\", \"no-tree-dse\", \"no-dse\", \"no-tree-pre\", \"no-tree-vrp\", \\\n"
  "    \"no-tree-dominator-opts\", \"no-rerun-cse-after-loop\", \"no-schedule-insns2\")))\n"
  "#else\n"
  "#define GC_SCALAR_PIECE GC_PIECE\n"
  "#endif\n"
  "#endif\n"
  "#ifndef GC_PLAIN_PIECE\n"
  "#if defined __GNUC__ && __GNUC__ >= 8 && !defined __clang__ && defined __x86_64__ && \\\n"
  "    defined __OPTIMIZE__ && !defined __OPTIMIZE_SIZE__\n"
  "#define GC_PLAIN_PIECE GC_PIECE __attribute__((optimize( \\\n"
  "    \"O1\", \"no-tree-dse\", \"no-dse\", \"no-tree-dominator-opts\")))\n"
  "#else\n"
  "#define GC_PLAIN_PIECE GC_SCALAR_PIECE\n"
  "#endif\n"
  "#endif\n"
  "#ifndef GC_WIDE\n"
  "#if defined __GNUC__ && __GNUC__ >= 8 && !defined __clang__\n"
  "#define GC_WIDE __attribute__((optimize(\"O0\")))\n"
  "#else\n"
  "#define GC_WIDE\n"
  "#endif\n"
  "#endif\n\n",
};

void use_macro(File *f, Macro m, bool used) {
  f->macros[m] |= used;
}

void put_macros(const File *f, Buf *out) {
  for (int m = 0; m < MACROS; m++)
    if (f->macros[m]) buf_puts(out, text[m]);
}

void emit_macros(Buf *out) {
  for (int m = 0; m < MACROS; m++) buf_puts(out, text[m]);
}
