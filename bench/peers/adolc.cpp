// adolc.cpp - the rows by ADOL-C.  A function is taped at its first call (not timed), and the
// tape is used again by all others; where it would pass a gigabyte the row is left out.
//
// Each function stands here once, as a template over the type of numbers: with double it is
// the value, with adouble what is taped.
#include <adolc/adolc.h>

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <vector>

namespace {

constexpr double TAPE_LIMIT = 5e7;   // operations

struct Part {
  const double *from;
  double *gradient;
  size_t n;
};

// One function of parts of its arguments, taped under a number of its own.
class Tape {
public:
  explicit Tape(short number) : number(number) {}

  // f: (const adouble *of part 0, …) -> adouble, given as a vector of pointers.
  template <class F> int gradient(std::initializer_list<Part> parts, double *out, double work, F f) {
    if (work > TAPE_LIMIT) return -1;
    size_t n = 0;
    for (const Part &p : parts) n += p.n;
    x.resize(n);
    g.resize(n);
    size_t at = 0;
    for (const Part &p : parts) {
      std::memcpy(&x[at], p.from, p.n * sizeof(double));
      at += p.n;
    }
    if (key != work) record(parts, work, f);
    key = work;
    double one = 1;
    if (zos_forward(number, 1, static_cast<int>(n), 1, x.data(), out) < 0) return -1;
    fos_reverse(number, 1, static_cast<int>(n), &one, g.data());
    at = 0;
    for (const Part &p : parts) {
      std::memcpy(p.gradient, &g[at], p.n * sizeof(double));
      at += p.n;
    }
    return 0;
  }

private:
  template <class F> void record(std::initializer_list<Part> parts, double work, F f) {
    // Buffers are cleared for every run: as large as need be, and no larger.
    const unsigned int room = static_cast<unsigned int>(8 * work) + (1u << 12);
    trace_on(number, 0, room, room, room, room, 1);
    std::vector<adouble> a(x.size());
    for (size_t i = 0; i < x.size(); i++) a[i] <<= x[i];
    std::vector<const adouble *> start;
    size_t at = 0;
    for (const Part &p : parts) {
      start.push_back(&a[at]);
      at += p.n;
    }
    double y;
    f(start) >>= y;
    trace_off();
  }

  short number;
  double key = -1;               // of the sizes that were taped
  std::vector<double> x, g;
};

using Starts = std::vector<const adouble *>;

double larger(double a, double b) { return a > b ? a : b; }
double smaller(double a, double b) { return a < b ? a : b; }
adouble larger(const adouble &a, const adouble &b) { return fmax(a, b); }
adouble smaller(const adouble &a, const adouble &b) { return fmin(a, b); }

template <class T> T logsumexp(size_t n, const T *x) {
  T m = x[0], sum = 0;
  for (size_t i = 1; i < n; i++) m = larger(m, x[i]);
  for (size_t i = 0; i < n; i++) sum += exp(x[i] - m);
  return m + log(sum);
}

} // namespace

#ifdef ROW_add_gradient
#include "add_gradient.h"
extern "C" int add_gradient_values(size_t n, const double *x, double *out, double *) {
  for (size_t i = 0; i < n; i++) out[i] = x[i] * x[i];
  return 0;
}
extern "C" int add_gradient_both(size_t n, const double *x, double *out_y, double *out_slope,
                                 double *) {
  static std::vector<double> ones;
  static size_t taped = 0;
  const int m = static_cast<int>(n);
  if (taped != n) {
    trace_on(1);
    std::vector<adouble> a(n);
    for (size_t i = 0; i < n; i++) a[i] <<= x[i];
    for (size_t i = 0; i < n; i++) {
      adouble cube = a[i] * a[i] * a[i];
      adouble y = a[i] * a[i] + cube - cube.value();   // a number is what stops
      y >>= out_y[i];
    }
    trace_off();
    taped = n;
    ones.assign(n, 1.0);
  }
  if (zos_forward(1, m, m, 1, x, out_y) < 0) return -1;
  return fos_reverse(1, m, m, ones.data(), out_slope) < 0 ? -1 : 0;
}
#endif

#ifdef ROW_logsumexp
#include "logsumexp.h"
extern "C" int logsumexp_stable(size_t n, const double *x, double *out, double *) {
  *out = logsumexp(n, x);
  return 0;
}
extern "C" int logsumexp_stable_grad_x(size_t n, const double *x, double *out, double *grad_x,
                                       double *) {
  static Tape tape(2);
  return tape.gradient({{x, grad_x, n}}, out, 3.0 * static_cast<double>(n),
                       [=](const Starts &a) { return logsumexp(n, a[0]); });
}
#endif

#ifdef ROW_least_squares
#include "least_squares.h"
template <class T>
static T residual(size_t n, size_t m, const T *c, const double *t, const double *y) {
  T sum = 0;
  for (size_t i = 0; i < m; i++) {
    double power = 1;
    T total = 0;
    for (size_t k = 0; k < n; k++) {
      total += c[k] * power;
      power *= t[i];
    }
    sum += (total - y[i]) * (total - y[i]);
  }
  return 0.5 * sum;
}
extern "C" int least_squares_residual(size_t n, size_t m, const double *c, const double *t,
                                      const double *y, double *out, double *) {
  *out = residual(n, m, c, t, y);
  return 0;
}
extern "C" int least_squares_residual_grad_c(size_t n, size_t m, const double *c, const double *t,
                                             const double *y, double *out, double *grad_c,
                                             double *) {
  static Tape tape(3);
  return tape.gradient({{c, grad_c, n}}, out, 2.0 * static_cast<double>(n * m),
                       [=](const Starts &a) { return residual(n, m, a[0], t, y); });
}
#endif

#ifdef ROW_gmm
#include "gmm.h"
template <class T>
static T likelihood(size_t k, size_t d, size_t n, const T *weights, const T *means, const T *logs,
                    const T *lower, const double *x) {
  const size_t tri = d * (d - 1) / 2;
  std::vector<T> diagonal(k * d), constant(k), v(k), diff(d);
  for (size_t j = 0; j < k; j++) {
    constant[j] = weights[j];
    for (size_t c = 0; c < d; c++) {
      diagonal[j * d + c] = exp(logs[j * d + c]);
      constant[j] += logs[j * d + c];
    }
  }
  T total = 0;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < k; j++) {
      const T *row = lower + j * tri;
      T square = 0;
      for (size_t c = 0; c < d; c++) diff[c] = x[i * d + c] - means[j * d + c];
      for (size_t r = 0; r < d; row += r++) {
        T q = diagonal[j * d + r] * diff[r];
        for (size_t c = 0; c < r; c++) q += row[c] * diff[c];
        square += q * q;
      }
      v[j] = constant[j] - 0.5 * square;
    }
    total += logsumexp(k, v.data());
  }
  return total - static_cast<double>(n) * (logsumexp(k, weights) + 0.5 * static_cast<double>(d) *
                                                                       log(2 * 3.14159265358979323846));
}
extern "C" int gmm_log_likelihood(size_t k, size_t d, size_t n, const double *m_weights,
                                  const double *m_means, const double *m_logs,
                                  const double *m_lower, const double *x, double *out, double *) {
  *out = likelihood(k, d, n, m_weights, m_means, m_logs, m_lower, x);
  return 0;
}
extern "C" int gmm_log_likelihood_grad_m(size_t k, size_t d, size_t n, const double *m_weights,
                                         const double *m_means, const double *m_logs,
                                         const double *m_lower, const double *x, double *out,
                                         double *grad_m_weights, double *grad_m_means,
                                         double *grad_m_logs, double *grad_m_lower, double *) {
  static Tape tape(4);
  const size_t tri = d * (d - 1) / 2;
  return tape.gradient({{m_weights, grad_m_weights, k},
                        {m_means, grad_m_means, k * d},
                        {m_logs, grad_m_logs, k * d},
                        {m_lower, grad_m_lower, k * tri}},
                       out, static_cast<double>(n * k * (tri + 3 * d)), [=](const Starts &a) {
                         return likelihood(k, d, n, a[0], a[1], a[2], a[3], x);
                       });
}
#endif

#ifdef ROW_kmeans
#include "kmeans.h"
template <class T> static T cost(size_t k, size_t d, size_t n, const T *c, const double *x) {
  T total = 0;
  for (size_t i = 0; i < n; i++) {
    T best = HUGE_VAL;
    for (size_t j = 0; j < k; j++) {
      T s = 0;
      for (size_t a = 0; a < d; a++) {
        T e = x[i * d + a] - c[j * d + a];
        s += e * e;
      }
      best = smaller(best, s);
    }
    total += best;
  }
  return total;
}
extern "C" int kmeans_cost(size_t k, size_t d, size_t n, const double *c, const double *x,
                           double *out, double *) {
  *out = cost(k, d, n, c, x);
  return 0;
}
extern "C" int kmeans_cost_grad_c(size_t k, size_t d, size_t n, const double *c, const double *x,
                                  double *out, double *grad_c, double *) {
  static Tape tape(5);
  return tape.gradient({{c, grad_c, k * d}}, out, 3.0 * static_cast<double>(n * k * d),
                       [=](const Starts &a) { return cost(k, d, n, a[0], x); });
}
extern "C" int kmeans_cost_hvp_c(size_t, size_t, size_t, const double *, const double *,
                                 const double *, double *, double *, double *) {
  return -1;
}
#endif

#ifdef ROW_runge_kutta
#include "runge_kutta.h"
template <class T> static std::vector<T> change(const std::vector<T> &y) {
  const size_t n = y.size();
  std::vector<T> dy(n);
  for (size_t i = 0; i < n; i++)
    dy[i] = (y[(i + 1) % n] - y[(i + n - 2) % n]) * y[(i + n - 1) % n] - y[i] + 8;
  return dy;
}
template <class T> static T miss(size_t n, const T *start, const double *target, int64_t s) {
  const double h = 0.005;
  std::vector<T> y(start, start + n), u(n);
  for (int64_t t = 0; t < s; t++) {
    std::vector<T> k1 = change(y);
    for (size_t i = 0; i < n; i++) u[i] = y[i] + h / 2 * k1[i];
    std::vector<T> k2 = change(u);
    for (size_t i = 0; i < n; i++) u[i] = y[i] + h / 2 * k2[i];
    std::vector<T> k3 = change(u);
    for (size_t i = 0; i < n; i++) u[i] = y[i] + h * k3[i];
    std::vector<T> k4 = change(u);
    for (size_t i = 0; i < n; i++) y[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
  }
  T sum = 0;
  for (size_t i = 0; i < n; i++) sum += (y[i] - target[i]) * (y[i] - target[i]);
  return sum / static_cast<double>(n);
}
extern "C" int runge_kutta_miss(size_t n, const double *start, const double *target, int64_t s,
                                double *out, double *) {
  *out = miss(n, start, target, s);
  return 0;
}
extern "C" int runge_kutta_miss_grad_start(size_t n, const double *start, const double *target,
                                           int64_t s, double *out, double *grad_start, double *) {
  static Tape tape(6);
  return tape.gradient({{start, grad_start, n}}, out, 30.0 * static_cast<double>(n) * static_cast<double>(s),
                       [=](const Starts &a) { return miss(n, a[0], target, s); });
}
#endif

#ifdef ROW_lstm
#include "lstm.h"
template <class T> static T sigmoid(const T &x) { return 1 / (1 + exp(-x)); }
template <class T>
static T loss(size_t l, size_t d, size_t s, const T *weight, const T *bias, const T *inward,
              const T *outward, const T *shift, const double *hidden0, const double *cell0,
              const double *x) {
  std::vector<T> hidden(l * d), cell(l * d), u(d), y(d);
  for (size_t i = 0; i < l * d; i++) hidden[i] = hidden0[i], cell[i] = cell0[i];
  T total = 0;
  for (size_t t = 0; t + 1 < s; t++) {
    for (size_t i = 0; i < d; i++) u[i] = x[t * d + i] * inward[i];
    for (size_t k = 0; k < l; k++)
      for (size_t i = 0; i < d; i++) {
        const T *w = weight + 4 * k * d + i, *b = bias + 4 * k * d + i;
        T &h = hidden[k * d + i], &c = cell[k * d + i];
        T forget = sigmoid<T>(u[i] * w[0] + b[0]), enter = sigmoid<T>(h * w[d] + b[d]);
        T leave = sigmoid<T>(u[i] * w[2 * d] + b[2 * d]), change = tanh(h * w[3 * d] + b[3 * d]);
        c = c * forget + enter * change;
        h = leave * tanh(c);
        u[i] = h;
      }
    T sum = 2;
    for (size_t i = 0; i < d; i++) {
      y[i] = u[i] * outward[i] + shift[i];
      sum += exp(y[i]);
    }
    T out = log(sum);
    for (size_t i = 0; i < d; i++) total += x[(t + 1) * d + i] * (y[i] - out);
  }
  return -total / static_cast<double>(d * (s - 1));
}
extern "C" int lstm_loss(size_t l, size_t d, size_t s, const double *p_weight, const double *p_bias,
                         const double *p_inward, const double *p_outward, const double *p_shift,
                         const double *hidden, const double *cell, const double *x, double *out,
                         double *) {
  *out = loss(l, d, s, p_weight, p_bias, p_inward, p_outward, p_shift, hidden, cell, x);
  return 0;
}
extern "C" int lstm_loss_grad_p(size_t l, size_t d, size_t s, const double *p_weight,
                                const double *p_bias, const double *p_inward,
                                const double *p_outward, const double *p_shift,
                                const double *hidden, const double *cell, const double *x,
                                double *out, double *grad_p_weight, double *grad_p_bias,
                                double *grad_p_inward, double *grad_p_outward,
                                double *grad_p_shift, double *) {
  static Tape tape(7);
  return tape.gradient({{p_weight, grad_p_weight, 4 * l * d},
                        {p_bias, grad_p_bias, 4 * l * d},
                        {p_inward, grad_p_inward, d},
                        {p_outward, grad_p_outward, d},
                        {p_shift, grad_p_shift, d}},
                       out, 30.0 * static_cast<double>(s * d * l), [=](const Starts &a) {
                         return loss(l, d, s, a[0], a[1], a[2], a[3], a[4], hidden, cell, x);
                       });
}
#endif

#ifdef ROW_determinant
#include "determinant.h"
template <class T> static T det(const T *A) {
  std::vector<T> minor(1 << 10);
  minor[0] = 1;
  for (unsigned set = 1; set < minor.size(); set++) {
    const int row = 10 - __builtin_popcount(set);
    T sum = 0;
    double sign = 1;
    for (unsigned left = set; left; left &= left - 1, sign = -sign) {
      const int j = __builtin_ctz(left);
      sum += sign * A[row * 10 + j] * minor[set ^ (1u << j)];
    }
    minor[set] = sum;
  }
  return minor.back();
}
extern "C" int determinant_det10(const double *A, double *out, double *) {
  *out = det(A);
  return 0;
}
extern "C" int determinant_det10_grad_A(const double *A, double *out, double *grad_A, double *) {
  static Tape tape(8);
  return tape.gradient({{A, grad_A, 100}}, out, 5120.0, [](const Starts &a) { return det(a[0]); });
}
#endif

#ifdef ROW_geometry
#include "geometry.h"
// One observation: 11 numbers of the camera, 3 of the point, the weight, where it was seen.
template <class T> static void observe(const T *x, T *r) {
  const T *rotation = x, *centre = x + 3, *focal = x + 6, *origin = x + 7, *radial = x + 9;
  const T *point = x + 11, *weight = x + 14, *seen = x + 15;
  T v[3], y[3], axis[3];
  for (int i = 0; i < 3; i++) v[i] = point[i] - centre[i];
  T square = rotation[0] * rotation[0] + rotation[1] * rotation[1] + rotation[2] * rotation[2];
  T angle = sqrt(square), c = cos(angle), s = sin(angle);
  for (int i = 0; i < 3; i++) axis[i] = rotation[i] / angle;
  T along = (axis[0] * v[0] + axis[1] * v[1] + axis[2] * v[2]) * (1 - c);
  for (int i = 0; i < 3; i++) {
    const int j = (i + 1) % 3, k = (i + 2) % 3;
    y[i] = v[i] * c + (axis[j] * v[k] - axis[k] * v[j]) * s + axis[i] * along;
  }
  T u[2] = {y[0] / y[2], y[1] / y[2]};
  T far = u[0] * u[0] + u[1] * u[1], bend = 1 + radial[0] * far + radial[1] * far * far;
  for (int a = 0; a < 2; a++) r[a] = *weight * (u[a] * bend * *focal + origin[a] - seen[a]);
}
static void gather(double *x, int64_t cam, int64_t point, const double *rotation,
                   const double *centre, const double *focal, const double *origin,
                   const double *radial, const double *points, double weight, const double *seen) {
  std::memcpy(x, rotation + 3 * cam, 3 * sizeof *x);
  std::memcpy(x + 3, centre + 3 * cam, 3 * sizeof *x);
  x[6] = focal[cam];
  std::memcpy(x + 7, origin + 2 * cam, 2 * sizeof *x);
  std::memcpy(x + 9, radial + 2 * cam, 2 * sizeof *x);
  std::memcpy(x + 11, points + 3 * point, 3 * sizeof *x);
  x[14] = weight;
  std::memcpy(x + 15, seen, 2 * sizeof *x);
}
extern "C" int geometry_residuals(size_t, size_t, size_t p, const double *cams_rotation,
                                  const double *cams_centre, const double *cams_focal,
                                  const double *cams_origin, const double *cams_radial,
                                  const double *points, const double *weights, const double *seen,
                                  const int64_t *cam, const int64_t *point, double *out, double *) {
  double x[17];
  for (size_t i = 0; i < p; i++) {
    gather(x, cam[i], point[i], cams_rotation, cams_centre, cams_focal, cams_origin, cams_radial,
           points, weights[i], seen + 2 * i);
    observe(x, out + 2 * i);
  }
  return 0;
}
static void tape_observation(const double *x) {
  adouble a[17], r[2];
  double out;
  trace_on(9);
  for (int i = 0; i < 17; i++) a[i] <<= x[i];
  observe(a, r);
  for (int i = 0; i < 2; i++) r[i] >>= out;
  trace_off();
}
extern "C" int geometry_jacobians(size_t, size_t, size_t p, const double *cams_rotation,
                                  const double *cams_centre, const double *cams_focal,
                                  const double *cams_origin, const double *cams_radial,
                                  const double *points, const double *weights, const double *seen,
                                  const int64_t *cam, const int64_t *point, double *out_r,
                                  double *out_J, double *) {
  static bool taped = false;
  static double unit[2][2] = {{1, 0}, {0, 1}}, rows[2][17];
  static double *u[2] = {unit[0], unit[1]}, *J[2] = {rows[0], rows[1]};
  double x[17];
  for (size_t i = 0; i < p; i++) {
    gather(x, cam[i], point[i], cams_rotation, cams_centre, cams_focal, cams_origin, cams_radial,
           points, weights[i], seen + 2 * i);
    if (!taped) tape_observation(x);
    taped = true;
    if (zos_forward(9, 2, 17, 1, x, out_r + 2 * i) < 0) return -1;
    fov_reverse(9, 2, 17, 2, u, J);
    for (int a = 0; a < 2; a++) std::memcpy(out_J + 30 * i + 15 * a, rows[a], 15 * sizeof(double));
  }
  return 0;
}
#endif
