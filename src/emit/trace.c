/* trace.c - traces as printf, for compiled C with --trace. */
#include "emit/private.h"

const char trace_helpers[] = "";

void emit_trace(Emit *e, Ref r) {
  (void)e; (void)r;
}
