# sources.mk - written by build-aux/list-sources; do not edit.

BASE = \
  src/base/arena.c \
  src/base/base.h \
  src/base/ctx.c \
  src/base/diag.c \
  src/base/nearest.c \
  src/base/private.h \
  src/base/render.c \
  src/base/str.c \
  src/base/utf8.c

DIFFERENTIATE = \
  src/differentiate/activity.c \
  src/differentiate/activity.h \
  src/differentiate/adjoint.c \
  src/differentiate/differentiate.h \
  src/differentiate/fold.c \
  src/differentiate/forward.c \
  src/differentiate/loop.c \
  src/differentiate/replay.c \
  src/differentiate/reverse.c \
  src/differentiate/reverse.h \
  src/differentiate/rules.c \
  src/differentiate/rules.h \
  src/differentiate/structured.c \
  src/differentiate/transpose.c \
  src/differentiate/while.c

ELABORATE = \
  src/elaborate/builtins.c \
  src/elaborate/builtins.h \
  src/elaborate/builtins_args.c \
  src/elaborate/builtins_array.c \
  src/elaborate/builtins_axis.c \
  src/elaborate/builtins_join.c \
  src/elaborate/controls.c \
  src/elaborate/derivative_calls.c \
  src/elaborate/derivatives.c \
  src/elaborate/derivatives.h \
  src/elaborate/elab.h \
  src/elaborate/elaborate.h \
  src/elaborate/jacobian.c \
  src/elaborate/module.c \
  src/elaborate/prelude.c \
  src/elaborate/private.h \
  src/elaborate/resolve.c \
  src/elaborate/scope.c \
  src/elaborate/values.c

EMIT = \
  src/emit/emit.h \
  src/emit/places.c \
  src/emit/plan.c \
  src/emit/private.h

INTERPRET = \
  src/interpret/interpret.h

IR = \
  src/ir/build.c \
  src/ir/equal.c \
  src/ir/infer.c \
  src/ir/ir.h \
  src/ir/nonneg.c \
  src/ir/print.c \
  src/ir/private.h \
  src/ir/read.c \
  src/ir/region.c \
  src/ir/sizes.c \
  src/ir/types.c \
  src/ir/primitives.def

JIT = \
  src/jit/jit.h

OPTIMIZE = \
  src/optimize/bounds.c \
  src/optimize/cancel.c \
  src/optimize/cancel.h \
  src/optimize/erase.c \
  src/optimize/normal.c \
  src/optimize/normal.h \
  src/optimize/optimize.h \
  src/optimize/passes.h \
  src/optimize/pipeline.c \
  src/optimize/rewrite.c \
  src/optimize/rewrite.h \
  src/optimize/simplify.c

SCRIPT = \
  src/script/value.h

SYNTAX = \
  src/syntax/build.c \
  src/syntax/literal.c \
  src/syntax/parse.c \
  src/syntax/print.c \
  src/syntax/reader.h \
  src/syntax/slips.c \
  src/syntax/syntax.c \
  src/syntax/syntax.h \
  src/syntax/tokens.c \
  src/syntax/unexpected.c

ROOMS = \
  $(BASE) \
  $(DIFFERENTIATE) \
  $(ELABORATE) \
  $(EMIT) \
  $(INTERPRET) \
  $(IR) \
  $(JIT) \
  $(OPTIMIZE) \
  $(SCRIPT) \
  $(SYNTAX)

LIBRARY =

PROGRAM =

GRAMMAR = \
  grammar/parser.y \
  grammar/lexer.l

PARSER_HEADER = \
  grammar/parser.h

RUNTIME = \
  runtime/prelude.gc

RUNTIME_TEXTS = \
  runtime/prelude.inc

UNIT_TEST_NAMES = \
  tests/unit/test_base \
  tests/unit/test_parser

API_TEST_NAMES =

TEST_HELPERS =

PROGRAM_TESTS =

SHELL_TESTS = \
  tests/exports.sh \
  tests/harness.sh \
  tests/lists.sh \
  tests/texts.sh

EXAMPLES = \
  examples/tricks.gc

EXAMPLE_FILES =

DOCUMENTS = \
  README.md \
  docs/ir.md

TEST_FILES = \
  tests/count.awk \
  tests/coverage.awk \
  tests/lib.bash \
  tests/run-document \
  tests/run-example \
  tests/run-programs

BENCH_FILES =

