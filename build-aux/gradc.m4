# gradc.m4 - for projects that keep .gc files and build with Autoconf and Automake.
#
# GRADC_PROG([LEAST VERSION], [exact (the default) | plain],
#            [ACTION IF FOUND], [ACTION IF NOT FOUND: an error])
#
# Finds gradc (or takes the variable GRADC) and substitutes
#   GRADC             the program
#   GRADC_CFLAGS      -ffp-contract=off -fno-builtin -fno-math-errno -fno-trapping-math, as far
#                     as $CC knows them: with the first two the numbers are those of `gradc
#                     run`, to the last bit, and the others help to vectorize.  Empty with
#                     `plain`, and where the builder says --disable-gradc-exact.
#   GRADC_COMPILE     the command of the suffix rule .gc.o
#   GRADC_LTCOMPILE   the command of the suffix rule .gc.lo, with libtool
#
# configure.ac, after AC_PROG_CC:
#   GRADC_PROG([0.1])
# Makefile.am:
#   bin_PROGRAMS = fit
#   fit_SOURCES = main.c model.gc
#   fit_LDADD = -lm
#   GRADCFLAGS_model = --grad loss:w       # for model.gc; AM_GRADCFLAGS is for all files
#   main.$(OBJEXT): model.$(OBJEXT)        # main.c includes model.h
#   CLEANFILES = model.c model.h
#   SUFFIXES = .gc
#   .gc.o:
#   	$(GRADC_COMPILE)
#
# The builder's own options for all files are GRADCFLAGS, as in make GRADCFLAGS=--unchecked.

# serial 1
AC_DEFUN([GRADC_PROG], [
AC_REQUIRE([AC_PROG_CC])dnl
AC_REQUIRE([AC_PROG_MKDIR_P])dnl
AC_ARG_VAR([GRADC], [the gradc compiler])dnl
AC_ARG_VAR([GRADCFLAGS], [options for gradc compile])dnl
AC_ARG_ENABLE([gradc-exact], [AS_HELP_STRING([--disable-gradc-exact],
  [let the C compiler contract and replace operations of generated code])])
AC_PATH_PROG([GRADC], [gradc])
gradc_found=$GRADC
m4_ifval([$1], [AS_IF([test -n "$gradc_found"], [
  AC_MSG_CHECKING([whether gradc is of version $1 or later])
  gradc_version=`"$GRADC" --version 2>/dev/null | sed -n '1s/^gradc //p'`
  AS_VERSION_COMPARE([${gradc_version:-0}], [$1], [gradc_found=])
  AS_IF([test -n "$gradc_found"], [AC_MSG_RESULT([yes, $gradc_version])],
    [AC_MSG_RESULT([no, ${gradc_version:-none}])])])])
GRADC_CFLAGS=
AS_IF([test "[]m4_default([$2], [exact])" = exact && test "$enable_gradc_exact" != no], [
  for gradc_flag in -ffp-contract=off -fno-builtin -fno-math-errno -fno-trapping-math; do
    AC_MSG_CHECKING([whether $CC takes $gradc_flag])
    gradc_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $gradc_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
      [AC_MSG_RESULT([yes])
       AS_VAR_APPEND([GRADC_CFLAGS], [" $gradc_flag"])],
      [AC_MSG_RESULT([no])])
    CFLAGS=$gradc_saved_cflags
  done])
AC_SUBST([GRADC_CFLAGS])
gradc_make='$(MKDIR_P) $(@D) && "$(GRADC)" compile $(AM_GRADCFLAGS) $(GRADCFLAGS_$(*F)) $(GRADCFLAGS) -o $[]*.c $<'
GRADC_COMPILE="$gradc_make"' && $(COMPILE) $(GRADC_CFLAGS) -c -o $[]@ $[]*.c'
GRADC_LTCOMPILE="$gradc_make"' && $(LTCOMPILE) $(GRADC_CFLAGS) -c -o $[]@ $[]*.c'
AC_SUBST([GRADC_COMPILE])
AC_SUBST([GRADC_LTCOMPILE])
AS_IF([test -n "$gradc_found"], [m4_default([$3], [:])],
  [m4_default([$4], [AC_MSG_ERROR([gradc[]m4_ifval([$1], [ $1 or later]) is needed])])])
])
