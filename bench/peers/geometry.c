/* geometry.c - by hand: the Jacobian of a projection by the chain rule on paper, everything
 * that its rows share computed once. */
#include <math.h>

#include "geometry.h"

typedef struct Camera { const double *rotation, *centre, *origin, *radial; double focal; } Camera;

/* R v = turned; R; and the derivative of R v by the rotation vector, column k in by[k]. */
typedef struct Turn { double turned[3], R[3][3], by[3][3]; } Turn;

static double dot(const double *a, const double *b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double *a, const double *b, double *c) {
  c[0] = a[1] * b[2] - a[2] * b[1];
  c[1] = a[2] * b[0] - a[0] * b[2];
  c[2] = a[0] * b[1] - a[1] * b[0];
}

static void rotate(const double *rotation, const double *v, double *to) {
  double square = dot(rotation, rotation), axis[3], side[3];
  if (!(square > 0)) {
    cross(rotation, v, side);
    for (int i = 0; i < 3; i++) to[i] = v[i] + side[i];
    return;
  }
  double angle = sqrt(square), c = cos(angle), s = sin(angle);
  for (int i = 0; i < 3; i++) axis[i] = rotation[i] / angle;
  cross(axis, v, side);
  double along = dot(axis, v) * (1 - c);
  for (int i = 0; i < 3; i++) to[i] = v[i] * c + side[i] * s + axis[i] * along;
}

static void hat(const double *n, double s, double R[3][3]) {
  R[0][1] -= s * n[2];
  R[0][2] += s * n[1];
  R[1][0] += s * n[2];
  R[1][2] -= s * n[0];
  R[2][0] -= s * n[1];
  R[2][1] += s * n[0];
}

static void turn_little(const double *rotation, const double *v, Turn *t) {
  rotate(rotation, v, t->turned);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) t->R[i][j] = i == j;
  hat(rotation, 1, t->R);
  for (int k = 0; k < 3; k++) {
    double e[3] = {k == 0, k == 1, k == 2};
    cross(e, v, t->by[k]);
  }
}

static void turn(const double *rotation, const double *v, Turn *t) {
  double square = dot(rotation, rotation), n[3], side[3];
  if (!(square > 0)) {
    turn_little(rotation, v, t);
    return;
  }
  double angle = sqrt(square), inverse = 1 / angle, c = cos(angle), s = sin(angle);
  for (int i = 0; i < 3; i++) n[i] = rotation[i] * inverse;
  cross(n, v, side);
  double along = dot(n, v), by_angle[3];
  for (int i = 0; i < 3; i++) {
    t->turned[i] = v[i] * c + side[i] * s + n[i] * along * (1 - c);
    by_angle[i] = side[i] * c - v[i] * s + n[i] * along * s;
    for (int j = 0; j < 3; j++) t->R[i][j] = (i == j ? c : 0) + (1 - c) * n[i] * n[j];
  }
  hat(n, s, t->R);
  for (int k = 0; k < 3; k++) {
    double dn[3], dside[3];
    for (int i = 0; i < 3; i++) dn[i] = ((i == k) - n[i] * n[k]) * inverse;
    cross(dn, v, dside);
    double dalong = dot(dn, v);
    for (int i = 0; i < 3; i++)
      t->by[k][i] = by_angle[i] * n[k] + s * dside[i] + (1 - c) * (dn[i] * along + n[i] * dalong);
  }
}

static Camera camera(int64_t i, const double *rotation, const double *centre, const double *focal,
                     const double *origin, const double *radial) {
  return (Camera){rotation + 3 * i, centre + 3 * i, origin + 2 * i, radial + 2 * i, focal[i]};
}

static void residual(const Camera *k, const double *x, double w, const double *seen, double *r) {
  double v[3] = {x[0] - k->centre[0], x[1] - k->centre[1], x[2] - k->centre[2]}, y[3];
  rotate(k->rotation, v, y);
  double u[2] = {y[0] / y[2], y[1] / y[2]}, square = u[0] * u[0] + u[1] * u[1];
  double bend = 1 + k->radial[0] * square + k->radial[1] * square * square;
  for (int a = 0; a < 2; a++) r[a] = w * (u[a] * bend * k->focal + k->origin[a] - seen[a]);
}

int geometry_residuals(size_t n, size_t m, size_t p, const double *cams_rotation,
                       const double *cams_centre, const double *cams_focal,
                       const double *cams_origin, const double *cams_radial, const double *points,
                       const double *weights, const double *seen, const int64_t *cam,
                       const int64_t *point, double *restrict out, double *restrict work) {
  (void)n, (void)m, (void)work;
  for (size_t i = 0; i < p; i++) {
    Camera k = camera(cam[i], cams_rotation, cams_centre, cams_focal, cams_origin, cams_radial);
    residual(&k, points + 3 * point[i], weights[i], seen + 2 * i, out + 2 * i);
  }
  return 0;
}

/* J: a row of 15 for each of the two residuals. */
static void jacobian(const Camera *k, const double *x, double w, const double *seen, double *r,
                     double *J) {
  double v[3] = {x[0] - k->centre[0], x[1] - k->centre[1], x[2] - k->centre[2]};
  Turn t;
  turn(k->rotation, v, &t);
  double z = 1 / t.turned[2], u[2] = {t.turned[0] * z, t.turned[1] * z};
  double square = u[0] * u[0] + u[1] * u[1];
  double bend = 1 + k->radial[0] * square + k->radial[1] * square * square;
  double slope = 2 * (k->radial[0] + 2 * k->radial[1] * square), wf = w * k->focal;
  for (int a = 0; a < 2; a++, J += 15) {
    double by_u[2] = {wf * u[a] * slope * u[0], wf * u[a] * slope * u[1]};
    by_u[a] += wf * bend;
    double by_y[3] = {by_u[0] * z, by_u[1] * z, -(by_u[0] * u[0] + by_u[1] * u[1]) * z};
    double miss = u[a] * bend * k->focal + k->origin[a] - seen[a];
    r[a] = w * miss;
    for (int i = 0; i < 3; i++) {
      J[i] = dot(by_y, t.by[i]);
      J[11 + i] = by_y[0] * t.R[0][i] + by_y[1] * t.R[1][i] + by_y[2] * t.R[2][i];
      J[3 + i] = -J[11 + i];
    }
    J[6] = w * u[a] * bend;
    J[7] = a == 0 ? w : 0;
    J[8] = a == 1 ? w : 0;
    J[9] = wf * u[a] * square;
    J[10] = wf * u[a] * square * square;
    J[14] = miss;
  }
}

int geometry_jacobians(size_t n, size_t m, size_t p, const double *cams_rotation,
                       const double *cams_centre, const double *cams_focal,
                       const double *cams_origin, const double *cams_radial, const double *points,
                       const double *weights, const double *seen, const int64_t *cam,
                       const int64_t *point, double *restrict out_r, double *restrict out_J,
                       double *restrict work) {
  (void)n, (void)m, (void)work;
  for (size_t i = 0; i < p; i++) {
    Camera k = camera(cam[i], cams_rotation, cams_centre, cams_focal, cams_origin, cams_radial);
    jacobian(&k, points + 3 * point[i], weights[i], seen + 2 * i, out_r + 2 * i, out_J + 30 * i);
  }
  return 0;
}
