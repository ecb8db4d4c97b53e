#!/usr/bin/env bash
# ecosystem.sh - what is installed serves others: `make install` into a scratch prefix, then
# projects outside of the tree, by Autoconf and Automake and by CMake, and the examples
# that are folders, built and run against that copy.  A part whose tools are missing is
# skipped with the reason.
source "$(dirname "$0")/lib.bash"
: "${top_srcdir:?}" "${top_builddir:?}"
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LIBS GRADC
CC=${CC:-cc} CXX=${CXX:-c++}
skipped=0

skip() { skipped=$((skipped + 1)); echo "skipped: $1"; }
have() { local tool; for tool; do command -v "$tool" >/dev/null || return 1; done; }
# says TEXT COMMAND...: whether what it prints holds the text.
says() {
  local want=$1 got
  shift
  got=$("$@" 2>&1) || { printf '%s\n' "$got"; return 1; }
  [[ $got == *"$want"* ]] || { printf 'wanted: %s\ngot: %s\n' "$want" "$got"; return 1; }
}

# ---- the installed copy -------------------------------------------------------------

check "make install" make -C "$top_builddir" -s install DESTDIR="$work/root"
((failed == 0)) || finish ecosystem
variable() { sed -n "s/^$1 = //p" "$top_builddir/Makefile"; }
prefix=$work/root$(variable prefix)
export PATH=$prefix/bin:$PATH PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export LD_LIBRARY_PATH=$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# A library with the sanitizers in it needs a host with them.
sanitize=()
if nm -D "$prefix/lib/libgradc.so" 2>/dev/null | grep ' [TU] __asan_init' >/dev/null; then
  sanitize=(-fsanitize=address,undefined)
fi
for file in bin/gradc include/gradc.h lib/pkgconfig/gradc.pc lib/cmake/gradc/gradcConfig.cmake \
  lib/cmake/gradc/gradcConfigVersion.cmake share/aclocal/gradc.m4 share/man/man1/gradc.1 \
  share/man/man3/gradc.3 share/man/man7/gradc-language.7 \
  share/vim/vimfiles/syntax/gradc.vim share/gradc/gradc.tmLanguage.json; do
  check "$file is installed" test -s "$prefix/$file"
done

# ---- an outside project ----------------------------------------------------------------

# The same sources for both build systems: two models, one in a folder and float.
outside() {
  mkdir -p "$1/parts"
  cat >"$1/model.gc" <<'END'
loss(w: real[2], x: real[n], y: real[n]): real = sum((w[0] + w[1]*x[i] - y[i])^2 for i < n)
END
  cat >"$1/parts/small.gc" <<'END'
cube(x: real): real = x^3
END
  cat >"$1/main.c" <<'END'
#include <stdio.h>
#include "model.h"
#include "small.h"
int main(void) {
  const double w[2] = {0, 1}, x[3] = {1, 2, 3}, y[3] = {2, 4, 6};
  double loss, grad[2];
  float value, slope;
  if (model_selftest()) return 1;
  if (model_loss_grad_w(3, w, x, y, &loss, grad, NULL)) return 2;
  if (small_cube_grad_x(2.0f, &value, &slope)) return 3;
  printf("%g %g %g %g\n", loss, grad[0], grad[1], (double)slope);
  return 0;
}
END
}
result='14 -12 -28 12'

automake_project() {
  local at=$work/automake
  outside "$at"
  cat >"$at/configure.ac" <<'END'
AC_INIT([outside], [1])
AM_INIT_AUTOMAKE([foreign subdir-objects -Wall -Werror])
AC_PROG_CC
GRADC_PROG([0.1])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
END
  cat >"$at/Makefile.am" <<'END'
bin_PROGRAMS = fit
fit_SOURCES = main.c model.gc parts/small.gc
fit_LDADD = -lm
AM_CPPFLAGS = -Iparts
GRADCFLAGS_model = --grad loss:w --selftest
GRADCFLAGS_small = --grad cube:x --real=float
main.$(OBJEXT): model.$(OBJEXT) parts/small.$(OBJEXT)
CLEANFILES = model.c model.h parts/small.c parts/small.h
SUFFIXES = .gc
.gc.o:
	$(GRADC_COMPILE)
END
  mkdir "$at/build"
  check "Automake: aclocal" in_folder "$at" aclocal -I "$prefix/share/aclocal"
  check "Automake: autoconf" in_folder "$at" autoconf
  check "Automake: automake" in_folder "$at" automake --add-missing
  check "Automake: configure" in_folder "$at/build" ../configure -q CC="$CC"
  check "Automake: make" says '-ffp-contract=off -fno-builtin' make -C "$at/build"
  check "Automake: the program" says "$result" "$at/build/fit"
  touch -d '-1 hour' "$at/build/model.o"
  check "Automake: a newer model is compiled again" says 'gradc" compile' make -C "$at/build"
  check "Automake: distclean leaves nothing" in_folder "$at/build" distcleaned
  check "Automake: told not to be exact" in_folder "$at/build" not_exact "$at"
  check "Automake: a later version is asked for" refused "$at"
}
in_folder() { (cd "$1" && shift && "$@"); }
distcleaned() { make -s distclean && find . -type f && [[ -z $(find . -type f) ]]; }
not_exact() {
  "$1/configure" -q CC="$CC" --disable-gradc-exact && make >log || return 1
  cat log
  ! grep -q -e -fno-builtin log && says "$result" ./fit
}
refused() {
  sed -i 's/GRADC_PROG(\[0.1\])/GRADC_PROG([999.0])/' "$1/configure.ac"
  cd "$1" && aclocal -I "$prefix/share/aclocal" && autoconf -f && mkdir later && cd later || return 1
  ! ../configure -q CC="$CC" >log 2>&1 || return 1
  cat log
  grep -q 'gradc 999.0 or later is needed' log
}

cmake_project() {
  local at=$work/cmake
  outside "$at"
  cat >"$at/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.13)
project(outside C)
find_package(gradc 0.1 REQUIRED)
add_executable(fit main.c)
gradc_add(fit model.gc GRAD loss:w OPTIONS --selftest)
gradc_add(fit parts/small.gc GRAD cube:x OPTIONS --real=float NOT_EXACT)
END
  if ((${#sanitize[@]} == 0)); then
    cp "$top_srcdir/examples/embed/plugin.c" "$at"
    cat >>"$at/CMakeLists.txt" <<'END'
if(TARGET gradc::libgradc)
  add_executable(plugin plugin.c)
  target_link_libraries(plugin gradc::libgradc m)
endif()
END
  fi
  check "CMake: configure" cmake -S "$at" -B "$at/build" -DCMAKE_C_COMPILER="$CC" \
    -DCMAKE_PREFIX_PATH="$prefix"
  check "CMake: build, exact but where NOT_EXACT is said" built "$at/build"
  check "CMake: the program" says "$result" "$at/build/fit"
  [[ ! -e $at/build/plugin ]] ||
    check "CMake: the library" says 'x = 1, y = 0.693147181' "$at/build/plugin"
  touch -d '-1 hour' "$at/build/gradc/fit/model.c"
  check "CMake: a newer model is compiled again" says 'gradc model.gc' cmake --build "$at/build"
  sed -i 's/gradc 0.1/gradc 999/' "$at/CMakeLists.txt"
  check "CMake: a later version is refused" refused_by_cmake "$at"
}
built() {
  cmake --build "$1" --verbose >"$1/log" 2>&1 || { cat "$1/log"; return 1; }
  grep -e ' -c ' "$1/log"
  grep -q -e '-ffp-contract=off -fno-builtin .*-c .*/model\.c$' "$1/log" &&
    grep -q -e '-c .*/small\.c$' "$1/log" && ! grep -q -e '-fno-builtin.*/small\.c$' "$1/log"
}
refused_by_cmake() {
  ! cmake -S "$1" -B "$1/later" -DCMAKE_PREFIX_PATH="$prefix" >"$1/log" 2>&1 || return 1
  cat "$1/log"
  tr -s ' \n' ' ' <"$1/log" | grep 'compatible with requested version "999"' >/dev/null
}

if have autoconf automake aclocal make; then
  automake_project
else
  skip "the Automake project: autoconf or automake is not installed"
fi
if have cmake; then cmake_project; else skip "the CMake project: cmake is not installed"; fi

# ---- examples ------------------------------------------------------------------------------

# The commands in the head of an example, which begin with `$ `, in a copy of its folder.
example() {
  local name=$1 want=$2 at=$work/$1 main
  cp -R "$top_srcdir/examples/$name" "$at"
  chmod -R u+w "$at"
  main=$(find "$at" -name 'main.c*')
  sed -n -E 's,^( \*|//) *\$ ,,p' "$main" >"$at/commands"
  check "examples/$name has commands" test -s "$at/commands"
  check "examples/$name" says "$want" in_folder "$at" \
    bash -e -c "cc() { command $CC \"\$@\"; }; c++() { command $CXX \"\$@\"; }; . ./commands"
}
example c_curve_fit '2.00*exp(-0.70*t) + 0.50'
if have "${CXX%% *}"; then
  example cpp_raii 'a line of 3 points: another length'
else
  skip "examples/cpp_raii: there is no C++ compiler"
fi
if echo 'int main(void) { return 0; }' | $CC -fopenmp -x c - -o "$work/probe" 2>/dev/null; then
  example openmp_batch 'the same to the last bit'
else
  skip "examples/openmp_batch: $CC knows no OpenMP"
fi

# A host of the library, by its pkg-config file.
host() {
  local flags
  flags=$(pkg-config --define-prefix --cflags --libs gradc) || return 1
  # shellcheck disable=SC2086
  $CC -std=c99 -Wall -Wextra -Werror "${sanitize[@]}" "$top_srcdir/examples/embed/plugin.c" \
    $flags -lm -o "$work/plugin" && "$work/plugin" "$1"
}
if [[ ! -e $prefix/lib/libgradc.so ]]; then
  skip "examples/embed: no shared library was built"
elif have pkg-config; then
  check "examples/embed" says 'x = 1, y = 0.693147181, f = 0.613705639' host '(x - 1)^2 + exp(y) - 2*y'
else
  skip "examples/embed: pkg-config is not installed"
fi

# ---- texts -----------------------------------------------------------------------------------

manual() { ! man --warnings -E UTF-8 -l "$1" 2>&1 >/dev/null | grep .; }
rendered() { ! groff -man -Tutf8 -wall -z "$1" 2>&1 | grep .; }
for page in man1/gradc.1 man3/gradc.3 man7/gradc-language.7; do
  if have man groff; then
    check "$page renders" manual "$prefix/share/man/$page"
  elif have groff; then
    check "$page renders" rendered "$prefix/share/man/$page"
  else
    skip "$page: neither man nor groff is installed"
  fi
done

((skipped == 0)) || echo "ecosystem: $skipped parts skipped"
finish ecosystem
