/* clones.h - kernels compiled for several processors, without contraction: the bits are those of
 * generated code. */
#ifndef GRADC_JIT_CLONES_H
#define GRADC_JIT_CLONES_H

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("O3", "fp-contract=off", "no-trapping-math", "no-math-errno")
#endif

/* One function for each processor, chosen when the program is loaded. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__)
#define CLONES __attribute__((flatten, target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

/* In front of a loop over lanes, which becomes vectors; of a loop whose rounds have no memory in
 * common but for an element that one of them reads and writes. */
#if defined(__GNUC__) && !defined(__clang__)
#define GC_LANES _Pragma("GCC unroll 4")
#define GC_APART _Pragma("GCC ivdep")
#else
#define GC_LANES
#define GC_APART
#endif

#endif
