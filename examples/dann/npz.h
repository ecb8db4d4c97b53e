/* npz.h - NumPy's archives of arrays: an uncompressed zip of .npy files.  numpy.load reads
 * what is written here, and what numpy.savez writes is read here. */
#ifndef NPZ_H
#define NPZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { NPZ_RANK = 2, NPZ_NAME = 60, NPZ_ARRAYS = 64 };

typedef struct NpzEntry {
  char name[NPZ_NAME];   /* without .npy */
  uint32_t crc, size;    /* of the whole .npy file */
  uint32_t at;           /* of its local header (writer), of the .npy file (reader) */
} NpzEntry;

typedef struct Npz {
  const char *path;
  char error[400];       /* what went wrong first, with the path; empty: nothing did */
  size_t entries;
  NpzEntry entry[NPZ_ARRAYS];
  FILE *out;             /* the writer's file, beside the path until it is whole */
  char *beside;
  unsigned char *file;   /* the reader's */
  size_t length;
} Npz;

/* A type is a NumPy one without its byte order: "f8", "i8", "u4", "S5". */

/* Writing: any step may fail, the last one tells.  Nothing is at the path, or what was
 * there, until npz_finish puts the whole file in its place, flushed to the disk. */
void npz_create(Npz *z, const char *path);
void npz_put(Npz *z, const char *name, const char *type, int rank, const size_t *dim,
             const void *data);
int npz_finish(Npz *z); /* 0: done; else see z->error */

/* Reading: the whole file is looked through by npz_open, so that a damaged one is refused
 * at once.  0: done; else see z->error.  npz_close in either case. */
int npz_open(Npz *z, const char *path);
int npz_has(const Npz *z, const char *name);
int npz_get(Npz *z, const char *name, const char *type, int rank, const size_t *dim, void *data);
void npz_close(Npz *z);

#endif
