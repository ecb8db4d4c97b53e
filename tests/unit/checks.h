/* checks.h - check.h, whose checks cost nothing where they hold.  As it comes, each writes its place
 * to a file that the runner reads afterwards: seconds for a test that makes a million of them.
 * Where a test dies by a signal, the sanitizer says the place. */
#ifndef GRADC_CHECKS_H
#define GRADC_CHECKS_H

#include <check.h>

#define _mark_point(file, line) ((void)0)

#endif
