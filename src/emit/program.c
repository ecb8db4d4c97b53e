#include "emit/private.h"
void program_case(Emit *e) { (void)e; }
void program_text(File *f, Prog *const *p, uint32_t n, Buf *out) { (void)f; (void)p; (void)n; (void)out; }
