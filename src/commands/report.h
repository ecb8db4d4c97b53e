/* report.h - what gradc compile --report prints. */
#ifndef GRADC_COMMAND_REPORT_H
#define GRADC_COMMAND_REPORT_H

#include "emit/emit.h"

typedef struct ReportEntry {
  const char *function;        /* of the source */
  bool derivative;
  EmitReport formula;
  const EmitReport *number;    /* of the same function for sizes at hand, or NULL */
} ReportEntry;

void report_text(Ctx *c, const ReportEntry *all, uint32_t n, Buf *out);

#endif
