/* table_rows.h - what test_table.c knows of the functions that it crosses with shapes,
 * contexts and modes.
 *
 * The scalar primitives need nothing here: the table writes their calls from
 * src/ir/primitives.def.  Every other built-in has a row (a name without one fails), and
 * so have the controls, and the forms of the language that move values about. */
#ifndef GRADC_TABLE_ROWS_H
#define GRADC_TABLE_ROWS_H

/* A built-in of arrays: an expression in the vector v (of 3 elements, or as many as its
 * size name says) with the number of axes of its value, and one in the 2 by 3 matrix A. */
typedef struct ArrayRow {
  const char *name;
  const char *vector;
  int vector_rank;
  const char *matrix;
  int matrix_rank;
  const char *defs;      /* functions and rules that it needs, or NULL */
} ArrayRow;

static const ArrayRow array_rows[] = {
  /* reductions */
  {"sum", "sum(v^2)", 0, "sum(A^2, axis = 0)", 1, 0},
  {"prod", "prod(v)", 0, "prod(A, axis = 1)", 1, 0},
  {"max", "max(v)*v", 1, "max(A, axis = 1)", 1, 0},
  {"min", "min(v)*v", 1, "min(A^2, axis = 0)", 1, 0},
  {"mean", "mean(v^3)", 0, "mean(A*A, axis = 0)", 1, 0},
  {"any", "if any(v > 0.9) then v^2 else 3*v", 1, "select(any(A > 0.7, axis = 1), A[:, 0]^2, A[:, 1])",
   1, 0},
  {"all", "if all(v > 0.9) then v^2 else v^3", 1, "select(all(A > 0.0, axis = 0), A[0]^2, A[1]^3)",
   1, 0},
  {"argmax", "v[argmax(v)]^2", 0, "{ k = argmax(A, axis = 1); [A[i, k[i]]^2 for i < 2] }", 1, 0},
  {"argmin", "v[argmin(v)]*v", 1, "{ k = argmin(A, axis = 0); [A[k[j], j]^2 for j < 3] }", 1, 0},
  {"logsumexp", "logsumexp(v)", 0, "logsumexp(A, axis = 0)", 1, 0},
  /* vectors and matrices */
  {"softmax", "softmax(v)", 1, "softmax(A, axis = 0)", 2, 0},
  {"log_softmax", "log_softmax(v)", 1, "log_softmax(A)", 2, 0},
  {"cumsum", "cumsum(v^2)", 1, "cumsum(A^2, axis = 0)", 2, 0},
  {"norm", "norm(v)", 0, "norm(A, axis = 1)", 1, 0},
  {"dot", "dot(v, sin(v))", 0, "dot(A, sin(A).T)", 2, 0},
  {"cross", "cross(v[0:3], cos(v[0:3]))", 1, "cross(A, cos(A))", 2, 0},
  {"outer", "outer(v, sin(v))", 2, "outer(A[0], sin(A[1]))", 2, 0},
  {"transpose", "transpose(outer(v, v^2))", 2, "transpose(A^2)", 2, 0},
  {"diag", "diag(v^2)", 2, "diag(A @ sin(A).T)", 1, 0},
  {"trace_of", "trace_of(outer(v, sin(v)))", 0, "trace_of(A @ sin(A).T)", 0, 0},
  /* making and rearranging arrays */
  {"zeros", "v^2 + zeros(3)", 1, "A^2 + zeros(2, 3)", 2, 0},
  {"ones", "v^2*ones(3)", 1, "A^2/ones(2, 3)", 2, 0},
  {"eye", "eye(3) @ v^2", 1, "A^2 @ eye(3)", 2, 0},
  {"reshape", "reshape(v[0:3]^2, 3, 1)", 2, "reshape(A^2, 3, 2)", 2, 0},
  {"concat", "concat(v, v^2)", 1, "concat(A, A^2, axis = 1)", 2, 0},
  {"stack", "stack(v, v^2)", 2, "stack(A, A^2, axis = 1)", 3, 0},
  {"shape", "v^2*shape(v)[0]", 1, "A^2*shape(A)[1]", 2, 0},
  /* comparing and converting */
  {"close", "if close(v, v + 1.0) then v else v^2", 1, "if close(A, A) then A^2 else A", 2, 0},
  {"int", "int(3*v)*v^2", 1, "int(3*A)*A^2", 2, 0},
  {"real", "real(2)*v^2 + real(v > 0.1)*v", 1, "real(int(3*A))*A^2", 2, 0},
  /* derivatives */
  {"grad", "{ u = 0.5*v; grad(sum(sin(u)*u), u) }", 1, "{ u = 0.5*A; grad(sum(sin(u)*u), u) }", 2, 0},
  {"jvp", "{ u = 0.5*v; jvp(sin(u)*sum(u), u, v) }", 1, "{ u = A[0]; jvp(sin(u)*sum(u), u, A[1]) }", 1, 0},
  {"vjp", "{ u = 0.5*v; vjp(sin(u)*sum(u), u, v) }", 1, "{ u = A[0]; vjp(A @ u^2, u, A[:, 1]) }", 1, 0},
  {"jacobian", "{ u = 0.5*v; jacobian(sin(u)*sum(u), u) }", 2, "{ u = A[0]; jacobian(A @ u^2, u) }", 2, 0},
  {"hessian", "{ u = 0.5*v; hessian(sum(u)*sum(u^3), u) }", 2, "{ u = A[0]; hessian(sum(A @ u^3), u) }", 2, 0},
  {"hvp", "{ u = 0.5*v; hvp(sum(u)*sum(u^3), u, v) }", 1, "{ u = A[0]; hvp(sum(A @ u^3), u, A[1]) }", 1, 0},
  {"grad, stop =", "{ b = v^2; grad(sum(v*b), v, stop = b)*v }", 1,
   "{ b = sin(A); (p, q) = grad(sum(A*b), (A, b), stop = b); p*A + q }", 2, 0},
  /* controls that take arrays apart */
  {"grad_scale by an array", "grad_scale(sin(v), 0.5 + v^2)", 1, "grad_scale(sin(A), 0.5 + A^2)", 2, 0},
  {"straight_through of one-hot", "straight_through([if i == argmax(v) then 1.0 else 0.0 for i < 3], softmax(v))",
   1, "[straight_through(round(3*sum(A[i])), sum(A[i]^2)) for i < 2]", 1, 0},
  {"a rule that sums", "unit(v)", 1, "unit(A)", 2,
   "unit(x) = x/sum(x^2)\ncustom_gradient unit(x; up) = up*sum(x) - x*sum(up*x)\n"},
  {"a rule with a fold", "soften(v)", 1, "[soften(A[i]) for i < 2]", 2,
   "soften(x) = 2*x\ncustom_gradient soften(x; up) = fold s = up for t < 3 { 0.5*s + x*sum(s) }\n"},
  {"a tangent that sums", "unit(v)", 1, "unit(A)", 2,
   "unit(x) = x*sum(x^2)\ncustom_tangent unit(x; dx) = dx*sum(x) - x*sum(dx*x)\n"},
  {"a rule by element", "[bend(u) for u in v]", 1, "[[bend(u) for u in a] for a in A]", 2,
   "bend(x) = if x > 0 then x^2 else x\n"
   "custom_gradient bend(x; up) = if x > 0 then 2.5*x*up else up*x^2\n"},
  /* forms */
  {"@", "v @ [[1.0, 2.0], [0.5, -1.0], [0.3, 0.1]]", 1, "sin(A) @ A.T", 2, 0},
  {"with", "v with [1] = v[0]*v[2]", 1, "A with [1] = A[0]^2 with [0, 2] = A[1, 1]*A[0, 0]", 2, 0},
  {"with a slice", "v with [1:3] = v[0]*v[0:2]", 1, "A with [0] = sin(A[1])", 2, 0},
  {"a slice", "v[1:3]*v[0:2]", 1, "A[:, 1]*A[:, 0]", 1, 0},
  {"a gather", "v[[2, 0, 0]]*v[[1, 1, 2]]", 1, "A[[1, 0, 1]]^2", 2, 0},
  {"a triangle", "[sum(v[j]*v[i] for j < i + 1) for i < 3]", 1, "[sum(A[i, j]*A[j, i] for j < i + 1) for i < 2]", 1, 0},
  {"a fold in place", "fold B = v for i in 1..3 { B with [i] = B[i - 1]*B[i] }", 1,
   "fold B = A for i < 3 { B with [0, i] = sin(B[1, i])*B[0, 0] }", 2, 0},
  {"a scan", "scan s = 0.5 for u in v { sin(s)*u + s }", 1, "scan s = A[0] for a in A { s*a + sin(s) }", 2, 0},
  {"a loop", "loop u = v while sum(u^2) > 0.5 at most 9 { 0.7*u + 0.01*u^2 }", 1,
   "loop B = A while sum(B^2) > 0.5 at most 9 { 0.6*B }", 2, 0},
  {"a product of sums", "prod(sum(v[j]^2 for j < 3) + v[i] for i < 3)", 0,
   "[max(A[i, j]*A[i, 0] for j < 3) for i < 2]", 1, 0},
};

/* A control that acts element by element: an expression in x, of any shape. */
typedef struct ControlRow { const char *name, *expression, *defs; } ControlRow;

static const ControlRow control_rows[] = {
  {"stop_gradient", "x*stop_gradient(sin(x)) + x^2 - stop_gradient(x^3)", 0},
  {"detach", "sin(detach(x)*x) + detach(x)", 0},
  {"grad_reverse", "sin(grad_reverse(x))*x", 0},
  {"grad_reverse, alpha", "exp(grad_reverse(0.3*x, alpha = 0.7))", 0},
  {"grad_reverse of a result", "grad_reverse(sin(x), 0.3)*x", 0},
  {"grad_scale", "exp(grad_scale(0.3*x, 1.7))*x", 0},
  {"straight_through", "straight_through(round(3*x), sin(x))*x", 0},
  {"the magic box", "exp(x - stop_gradient(x))*cos(x)", 0},
  {"twice controlled", "grad_scale(grad_reverse(sin(x), 0.5), 3.0)*detach(x)", 0},
  {"custom_gradient", "known(x)",
   "known(x) = sin(x)\ncustom_gradient known(x; up) = up*(cos(2*x) + 0.1)\n"},
  {"custom_gradient with the value", "known(x)*x",
   "known(x) = exp(0.4*x)\ncustom_gradient known(x; up, value) = 0.5*up*value\n"},
  {"custom_gradient of two", "known(x, 0.5*x + 1)",
   "known(x, y) = x*y + sin(y)\ncustom_gradient known(x, y; up) = (up*y*y, up*sin(x))\n"},
  {"custom_gradient with a none", "known(x, 0.5*x + 1)",
   "known(x, y) = x*y + sin(y)\ncustom_gradient known(x, y; up) = (up*y*y, none)\n"},
  {"custom_gradient with a stop", "known(x)",
   "known(x) = x^3\ncustom_gradient known(x; up) = up*stop_gradient(x)^2 + up*x\n"},
  {"a rule in a rule", "known(x)",
   "inner(x) = sin(x)\ncustom_gradient inner(x; up) = 0.9*up*x\n"
   "known(x) = inner(x)^2\ncustom_gradient known(x; up) = up*inner(x)*grad_reverse(x, 0.2)\n"},
  {"custom_tangent", "known(x)",
   "known(x) = exp(0.3*x)\ncustom_tangent known(x; dx) = 0.31*exp(0.3*x)*dx\n"},
  {"custom_tangent of two", "known(x, 0.5*x + 1)",
   "known(x, y) = x*sin(y)\ncustom_tangent known(x, y; dx, dy) = 2*sin(y)*dx + x*dy\n"},
};

/* A rule that is not linear in what arrives, on an identity: an expression in e, and by
 * hand the factor that it puts on what arrives, as an expression in that, u. */
typedef struct ClipRow { const char *name, *expression, *factor, *defs; } ClipRow;

static const ClipRow clip_rows[] = {
  {"grad_clip", "grad_clip(e, -0.2, 0.45)", "clamp(u, -0.2, 0.45)/u", 0},
  {"a square rule", "bound(e)", "abs(u)",
   "bound(e) = e\ncustom_gradient bound(e; up) = up*abs(up)\n"},
};

#endif
