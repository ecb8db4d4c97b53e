# sources.mk - written by build-aux/list-sources; do not edit.

API = \
  src/api/call.c \
  src/api/function.c \
  src/api/late.c \
  src/api/notes.c \
  src/api/pool.c \
  src/api/private.h \
  src/api/shape.c

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
  src/differentiate/elementwise.c \
  src/differentiate/fold.c \
  src/differentiate/forward.c \
  src/differentiate/linear.c \
  src/differentiate/loop.c \
  src/differentiate/replay.c \
  src/differentiate/restore.c \
  src/differentiate/restore.h \
  src/differentiate/reverse.c \
  src/differentiate/reverse.h \
  src/differentiate/rules.c \
  src/differentiate/rules.h \
  src/differentiate/stretch.c \
  src/differentiate/stretch.h \
  src/differentiate/structured.c \
  src/differentiate/transpose.c

ELABORATE = \
  src/elaborate/builtins.c \
  src/elaborate/builtins.h \
  src/elaborate/builtins_args.c \
  src/elaborate/builtins_array.c \
  src/elaborate/builtins_axis.c \
  src/elaborate/builtins_join.c \
  src/elaborate/call.c \
  src/elaborate/comprehension.c \
  src/elaborate/control.c \
  src/elaborate/controls.c \
  src/elaborate/derivative_calls.c \
  src/elaborate/derivatives.c \
  src/elaborate/derivatives.h \
  src/elaborate/elab.h \
  src/elaborate/elaborate.h \
  src/elaborate/expr.c \
  src/elaborate/fold.c \
  src/elaborate/function.c \
  src/elaborate/index.c \
  src/elaborate/jacobian.c \
  src/elaborate/literal.c \
  src/elaborate/match.c \
  src/elaborate/matmul.c \
  src/elaborate/module.c \
  src/elaborate/operators.c \
  src/elaborate/prelude.c \
  src/elaborate/private.h \
  src/elaborate/resolve.c \
  src/elaborate/rules.c \
  src/elaborate/scope.c \
  src/elaborate/script.c \
  src/elaborate/text.c \
  src/elaborate/types.c \
  src/elaborate/update.c \
  src/elaborate/values.c \
  src/elaborate/builtins.def

EMIT = \
  src/emit/addresses.c \
  src/emit/ahead.c \
  src/emit/apart.c \
  src/emit/arrays.c \
  src/emit/c.c \
  src/emit/carried.c \
  src/emit/casadi.c \
  src/emit/checks.c \
  src/emit/chunks.c \
  src/emit/contract.c \
  src/emit/document.c \
  src/emit/emit.h \
  src/emit/expr.c \
  src/emit/extents.c \
  src/emit/helpers.c \
  src/emit/lanes.c \
  src/emit/language.c \
  src/emit/language.h \
  src/emit/language_custom.c \
  src/emit/language_expression.c \
  src/emit/language_names.c \
  src/emit/language_structured.c \
  src/emit/linear.c \
  src/emit/loops.c \
  src/emit/macros.c \
  src/emit/names.c \
  src/emit/narrow.c \
  src/emit/order.c \
  src/emit/parallel.c \
  src/emit/parallel_plan.c \
  src/emit/places.c \
  src/emit/plan.c \
  src/emit/private.h \
  src/emit/program.c \
  src/emit/ranges.c \
  src/emit/regions.c \
  src/emit/report.c \
  src/emit/rows.c \
  src/emit/rows_pack.c \
  src/emit/rows_plan.c \
  src/emit/rows_search.c \
  src/emit/rows_sums.c \
  src/emit/rows_totals.c \
  src/emit/rows_updates.c \
  src/emit/search.c \
  src/emit/selftest.c \
  src/emit/sha256.c \
  src/emit/signature.c \
  src/emit/sizes.c \
  src/emit/slots.c \
  src/emit/stream.c \
  src/emit/strips.c \
  src/emit/strips.h \
  src/emit/strips_plan.c \
  src/emit/text.c \
  src/emit/trace.c \
  src/emit/workspace.c \
  src/emit/wrapper.c

EXPLAIN = \
  src/explain/boxes.c \
  src/explain/check.c \
  src/explain/check.h \
  src/explain/check_asserts.c \
  src/explain/check_clip.c \
  src/explain/check_deviation.c \
  src/explain/check_lints.c \
  src/explain/check_orders.c \
  src/explain/check_points.c \
  src/explain/check_private.h \
  src/explain/check_rules.c \
  src/explain/check_run.c \
  src/explain/check_target.c \
  src/explain/explain.c \
  src/explain/explain.h \
  src/explain/flow.c \
  src/explain/flow_html.c \
  src/explain/graph.c \
  src/explain/graphviz.c \
  src/explain/label.c \
  src/explain/paths.c

INTERPRET = \
  src/interpret/difference.c \
  src/interpret/effects.c \
  src/interpret/extents.c \
  src/interpret/interpret.c \
  src/interpret/interpret.h \
  src/interpret/memory.c \
  src/interpret/multiple.c \
  src/interpret/native.c \
  src/interpret/native_kind.h \
  src/interpret/nodes.c \
  src/interpret/number.h \
  src/interpret/private.h \
  src/interpret/sample.c \
  src/interpret/special.c \
  src/interpret/special.h \
  src/interpret/structured.c \
  src/interpret/surrogate.c \
  src/interpret/whole.c

IR = \
  src/ir/build.c \
  src/ir/cons.c \
  src/ir/copy.c \
  src/ir/drop.c \
  src/ir/equal.c \
  src/ir/fold.c \
  src/ir/infer.c \
  src/ir/ir.h \
  src/ir/lift.c \
  src/ir/nest.c \
  src/ir/nonneg.c \
  src/ir/primitives.c \
  src/ir/print.c \
  src/ir/private.h \
  src/ir/read.c \
  src/ir/region.c \
  src/ir/sizes.c \
  src/ir/sweep.c \
  src/ir/types.c \
  src/ir/verbatim.c \
  src/ir/verify.c \
  src/ir/each.def \
  src/ir/fast_math.def \
  src/ir/primitives.def

JIT = \
  src/jit/cache.c \
  src/jit/cache.h \
  src/jit/call.c \
  src/jit/cc.c \
  src/jit/clones.h \
  src/jit/each.c \
  src/jit/each.h \
  src/jit/jit.h \
  src/jit/kernels.c \
  src/jit/run.c \
  src/jit/run.h \
  src/jit/symbols.c \
  src/jit/symbols.h \
  src/jit/tcc.c \
  src/jit/tier.c

OPTIMIZE = \
  src/optimize/accumulate.c \
  src/optimize/accumulate.h \
  src/optimize/accumulate_plan.c \
  src/optimize/bounds.c \
  src/optimize/branches.c \
  src/optimize/built.c \
  src/optimize/cancel.c \
  src/optimize/cancel.h \
  src/optimize/carries.c \
  src/optimize/checks.c \
  src/optimize/defer.c \
  src/optimize/defer.h \
  src/optimize/defer_plan.c \
  src/optimize/erase.c \
  src/optimize/final.c \
  src/optimize/flatten.c \
  src/optimize/fuse.c \
  src/optimize/gather.c \
  src/optimize/gather.h \
  src/optimize/gather_plan.c \
  src/optimize/groups.c \
  src/optimize/groups.h \
  src/optimize/hoist.c \
  src/optimize/inline.c \
  src/optimize/join.c \
  src/optimize/keep.c \
  src/optimize/nests.c \
  src/optimize/normal.c \
  src/optimize/normal.h \
  src/optimize/optimize.h \
  src/optimize/passes.c \
  src/optimize/passes.h \
  src/optimize/pipeline.c \
  src/optimize/ranges.c \
  src/optimize/ranges.h \
  src/optimize/ranges_plan.c \
  src/optimize/reciprocals.c \
  src/optimize/rewrite.c \
  src/optimize/rewrite.h \
  src/optimize/saved.c \
  src/optimize/scalars.c \
  src/optimize/scopes.c \
  src/optimize/share.c \
  src/optimize/share.h \
  src/optimize/simplify.c \
  src/optimize/split.c \
  src/optimize/support.c \
  src/optimize/support.h \
  src/optimize/support_plan.c \
  src/optimize/tabulate.c \
  src/optimize/totals.c \
  src/optimize/unroll.c \
  src/optimize/unroll.h \
  src/optimize/updates.c

SCRIPT = \
  src/script/csv.c \
  src/script/effect.c \
  src/script/file.c \
  src/script/json.c \
  src/script/literal.c \
  src/script/npy.c \
  src/script/number.c \
  src/script/private.h \
  src/script/text.c \
  src/script/value.c \
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
  $(API) \
  $(BASE) \
  $(DIFFERENTIATE) \
  $(ELABORATE) \
  $(EMIT) \
  $(EXPLAIN) \
  $(INTERPRET) \
  $(IR) \
  $(JIT) \
  $(OPTIMIZE) \
  $(SCRIPT) \
  $(SYNTAX)

LIBRARY = \
  src/gradc.c \
  src/gradc.h \
  src/version.h

PROGRAM = \
  src/main.c \
  src/commands/check.c \
  src/commands/command.h \
  src/commands/common.c \
  src/commands/compile.c \
  src/commands/diff.c \
  src/commands/explain.c \
  src/commands/flow.c \
  src/commands/repl.c \
  src/commands/report.c \
  src/commands/report.h \
  src/commands/run.c \
  src/commands/session.c \
  src/commands/session.h \
  src/commands/session_commands.c \
  src/commands/session_complete.c \
  src/commands/session_entries.c \
  src/commands/session_formula.c \
  src/commands/session_plot.c \
  src/commands/session_private.h \
  src/commands/session_tour.c \
  src/commands/session_values.c \
  src/commands/subject.c \
  src/commands/subject.h

GRAMMAR = \
  grammar/parser.y \
  grammar/lexer.l

PARSER_HEADER = \
  grammar/parser.h

RUNTIME = \
  runtime/prelude.gc \
  runtime/blas.h \
  runtime/fast_math.h \
  runtime/matmul.h \
  runtime/parallel.h \
  runtime/program.h \
  runtime/scalar.h

RUNTIME_TEXTS = \
  runtime/prelude.inc \
  runtime/blas.inc \
  runtime/fast_math.inc \
  runtime/matmul.inc \
  runtime/parallel.inc \
  runtime/program.inc \
  runtime/scalar.inc

UNIT_TEST_NAMES = \
  tests/unit/test_base \
  tests/unit/test_compiled \
  tests/unit/test_cost \
  tests/unit/test_elaborate \
  tests/unit/test_emit \
  tests/unit/test_fast_math \
  tests/unit/test_interpret \
  tests/unit/test_ir \
  tests/unit/test_matmul \
  tests/unit/test_optimize \
  tests/unit/test_parser \
  tests/unit/test_passes_random \
  tests/unit/test_reference \
  tests/unit/test_script \
  tests/unit/test_simplify \
  tests/unit/test_sizes \
  tests/unit/test_table \
  tests/unit/test_text_random

API_TEST_NAMES = \
  tests/api/test_calls \
  tests/api/test_errors \
  tests/api/test_hostile \
  tests/api/test_memory \
  tests/api/test_threads

TEST_HELPERS = \
  tests/unit/checks.h \
  tests/unit/table_rows.h \
  tests/api/host.h

PROGRAM_TESTS = \
  tests/programs/apart.test \
  tests/programs/builtins.test \
  tests/programs/check.test \
  tests/programs/check_builtins.test \
  tests/programs/controls.test \
  tests/programs/derivative_errors.test \
  tests/programs/derivatives.test \
  tests/programs/edges.test \
  tests/programs/errors.test \
  tests/programs/explain.test \
  tests/programs/fast_math.test \
  tests/programs/figures.test \
  tests/programs/imports.test \
  tests/programs/joined.test \
  tests/programs/lanes.test \
  tests/programs/language.test \
  tests/programs/models.test \
  tests/programs/nan.test \
  tests/programs/places.test \
  tests/programs/ranges.test \
  tests/programs/report.test \
  tests/programs/rows.test \
  tests/programs/session.test \
  tests/programs/stream.test \
  tests/programs/vectors.test

SHELL_TESTS = \
  tests/add-primitive.sh \
  tests/bench.sh \
  tests/casadi.sh \
  tests/check-examples.sh \
  tests/compiled.sh \
  tests/cortex.sh \
  tests/dann.sh \
  tests/dann_mpi.sh \
  tests/dist.sh \
  tests/ecosystem.sh \
  tests/embed.sh \
  tests/exports.sh \
  tests/flow.sh \
  tests/harness.sh \
  tests/jit.sh \
  tests/lists.sh \
  tests/parallel.sh \
  tests/reference.sh \
  tests/robust.sh \
  tests/static.sh \
  tests/terminal.sh \
  tests/texts.sh \
  tests/vectorize.sh

EXAMPLES = \
  examples/adam.gc \
  examples/add_gradient.gc \
  examples/c_curve_fit/decay.gc \
  examples/cortex_m4f/pendulum.gc \
  examples/cpp_raii/spline.gc \
  examples/custom_gradient.gc \
  examples/dann.gc \
  examples/dann/model.gc \
  examples/dann_flow.gc \
  examples/dann_train.gc \
  examples/determinant.gc \
  examples/gmm.gc \
  examples/hard_sign.gc \
  examples/kmeans.gc \
  examples/least_squares.gc \
  examples/logsumexp.gc \
  examples/matmul_reversal.gc \
  examples/newton.gc \
  examples/openmp_batch/network.gc \
  examples/practice.gc \
  examples/reversal_layer.gc \
  examples/reverse_gradient.gc \
  examples/runge_kutta.gc \
  examples/sequential.gc \
  examples/tricks.gc \
  examples/two_arguments.gc

EXAMPLE_FILES = \
  examples/adam.out \
  examples/add_gradient.out \
  examples/c_curve_fit/main.c \
  examples/cortex_m4f/board.ld \
  examples/cortex_m4f/control.c \
  examples/cortex_m4f/run.sh \
  examples/cortex_m4f/startup.c \
  examples/cpp_raii/main.cpp \
  examples/custom_gradient.out \
  examples/dann.out \
  examples/dann/Makefile \
  examples/dann/README.md \
  examples/dann/data.c \
  examples/dann/data.h \
  examples/dann/main.c \
  examples/dann/network.c \
  examples/dann/network.h \
  examples/dann/npz.c \
  examples/dann/npz.h \
  examples/dann/options.c \
  examples/dann/options.h \
  examples/dann/plot.gp \
  examples/dann/report.c \
  examples/dann/report.h \
  examples/dann/run.c \
  examples/dann/run.h \
  examples/dann_flow.out \
  examples/dann_mpi/Makefile \
  examples/dann_mpi/README.md \
  examples/dann_mpi/main.c \
  examples/dann_mpi/parallel.c \
  examples/dann_mpi/parallel.h \
  examples/determinant.out \
  examples/embed/plugin.c \
  examples/gmm.out \
  examples/hard_sign.out \
  examples/kmeans.out \
  examples/least_squares.out \
  examples/logsumexp.out \
  examples/matmul_reversal.out \
  examples/newton.out \
  examples/openmp_batch/main.c \
  examples/practice.out \
  examples/reversal_layer.out \
  examples/reverse_gradient.out \
  examples/runge_kutta.out \
  examples/sequential.out \
  examples/tricks.out \
  examples/two_arguments.out

DOCUMENTS = \
  README.md \
  docs/add-a-primitive.md \
  docs/build-systems.md \
  docs/compiled.md \
  docs/ir.md \
  docs/manual.md \
  docs/performance.md \
  docs/session.md \
  docs/stages.md

PICTURES = \
  docs/pictures/add_gradient.svg \
  docs/pictures/dann_flow.svg \
  docs/pictures/hard_sign.svg

TEST_FILES = \
  tests/compiled/addresses.gc \
  tests/compiled/casadi.gc \
  tests/compiled/casadi_driver.c \
  tests/compiled/derivatives.awk \
  tests/compiled/edges.gc \
  tests/compiled/elementary.gc \
  tests/compiled/elementary_driver.c \
  tests/compiled/factors.gc \
  tests/compiled/kinds.gc \
  tests/compiled/lanes.gc \
  tests/compiled/nearest.gc \
  tests/compiled/nests.gc \
  tests/compiled/options \
  tests/compiled/parallel_driver.c \
  tests/compiled/pieces.gc \
  tests/compiled/products.gc \
  tests/compiled/programs.awk \
  tests/compiled/ranges.gc \
  tests/compiled/rows.gc \
  tests/compiled/sequences.gc \
  tests/compiled/strips.gc \
  tests/compiled/support.gc \
  tests/compiled/systems.gc \
  tests/compiled/table.awk \
  tests/compiled/updates.gc \
  tests/compiled/vectors.gc \
  tests/count.awk \
  tests/coverage.awk \
  tests/elaborate/errors.txt \
  tests/elaborate/output.txt \
  tests/emit-warnings \
  tests/lib.bash \
  tests/passes/accumulate.txt \
  tests/passes/bounds.txt \
  tests/passes/branches.txt \
  tests/passes/checks.txt \
  tests/passes/defer.txt \
  tests/passes/erase.txt \
  tests/passes/final.txt \
  tests/passes/flatten.txt \
  tests/passes/fuse.txt \
  tests/passes/gather.txt \
  tests/passes/hoist.txt \
  tests/passes/ranges.txt \
  tests/passes/read.txt \
  tests/passes/reciprocals.txt \
  tests/passes/saved.txt \
  tests/passes/simplify.txt \
  tests/passes/split.txt \
  tests/passes/support.txt \
  tests/passes/twins.txt \
  tests/passes/unroll.txt \
  tests/run-document \
  tests/run-example \
  tests/run-programs \
  tests/syntax/errors.txt \
  tests/syntax/trees.txt

BENCH_FILES = \
  bench/adapter.awk \
  bench/arguments.c \
  bench/bench.h \
  bench/chunks.sh \
  bench/clock.h \
  bench/compile_time.c \
  bench/contenders.c \
  bench/dann.sh \
  bench/dann/main.c \
  bench/dann/model.gc \
  bench/dann/train.py \
  bench/describe.c \
  bench/fast_math.c \
  bench/library.c \
  bench/openblas.bash \
  bench/peers/add_gradient.c \
  bench/peers/add_gradient.copy.c \
  bench/peers/adolc.cpp \
  bench/peers/determinant.c \
  bench/peers/determinant.plain.c \
  bench/peers/geometry.c \
  bench/peers/gmm.c \
  bench/peers/kmeans.c \
  bench/peers/least_squares.c \
  bench/peers/logsumexp.c \
  bench/peers/lstm.c \
  bench/peers/network.c \
  bench/peers/peak.c \
  bench/peers/runge_kutta.c \
  bench/peers/torch_peer.py \
  bench/program.c \
  bench/program.h \
  bench/programs/add_gradient.gc \
  bench/programs/determinant.gc \
  bench/programs/geometry.gc \
  bench/programs/gmm.gc \
  bench/programs/kmeans.gc \
  bench/programs/least_squares.gc \
  bench/programs/logsumexp.gc \
  bench/programs/lstm.gc \
  bench/programs/network.gc \
  bench/programs/runge_kutta.gc \
  bench/rows.c \
  bench/run.sh

tests_api_test_calls_LDADD = libgradc.la $(CHECK_LIBS)
tests_api_test_errors_LDADD = libgradc.la $(CHECK_LIBS)
tests_api_test_hostile_LDADD = libgradc.la $(CHECK_LIBS)
tests_api_test_memory_LDADD = libgradc.la $(CHECK_LIBS)
tests_api_test_threads_LDADD = libgradc.la $(CHECK_LIBS)
