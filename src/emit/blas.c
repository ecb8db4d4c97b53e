#include "emit/private.h"
void blas_head(const File *f, Buf *out) { (void)f; (void)out; }
