/* version.h - what this compiler calls itself. */
#ifndef GRADC_VERSION_H
#define GRADC_VERSION_H
#ifdef PACKAGE_VERSION
#define GRADC_VERSION PACKAGE_VERSION
#else
#define GRADC_VERSION "0"
#endif
#endif
