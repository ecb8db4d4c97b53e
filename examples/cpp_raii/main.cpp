// main.cpp - C++ around generated code: an object owns the struct that --wrapper writes, and
// with it the workspace; the arrays are vectors, and a failed check is an exception.
//
//   $ gradc compile spline.gc -o spline.c --grad roughness:y --wrapper
//   $ cc -std=c99 -O2 -ffp-contract=off -fno-builtin -c spline.c
//   $ c++ -std=c++11 -O2 main.cpp spline.o -lm -o smooth
//   $ ./smooth
//
// Smooths a noisy line by gradient descent and prints what is left at both ends.
#include <cmath>
#include <cstdio>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "spline.h"

// The gradient of the roughness of a line of n points.  It can be moved; each thread has
// its own.
class Gradient {
public:
  explicit Gradient(std::size_t n) : n_(n), fn_(spline_roughness_grad_y_new(n)), slope_(n) {
    if (!fn_) throw std::bad_alloc();
  }

  // The roughness; slope() is its gradient afterwards.
  double operator()(const std::vector<double> &y, const std::vector<double> &target, double stiffness) {
    if (y.size() != n_ || target.size() != n_) throw std::invalid_argument("another length");
    double value = 0;
    int check = spline_roughness_grad_y_call(fn_.get(), y.data(), target.data(), stiffness,
                                             &value, slope_.data());
    if (check) throw std::runtime_error("check " + std::to_string(check) + " failed");
    return value;
  }

  const std::vector<double> &slope() const { return slope_; }

private:
  struct Free {
    void operator()(spline_roughness_grad_y_fn *fn) const { spline_roughness_grad_y_free(fn); }
  };
  std::size_t n_;
  std::unique_ptr<spline_roughness_grad_y_fn, Free> fn_;
  std::vector<double> slope_;
};

int main() {
  const std::size_t n = 50;
  std::vector<double> target(n);
  for (std::size_t i = 0; i < n; i++)
    target[i] = 0.1 * static_cast<double>(i) + (i % 2 ? 0.3 : -0.3);
  std::vector<double> y = target;

  Gradient made(n);
  Gradient gradient = std::move(made);
  const double before = gradient(y, target, 10);
  double now = before;
  for (int k = 0; k < 2000; k++) {
    for (std::size_t i = 0; i < n; i++) y[i] -= 0.002 * gradient.slope()[i];
    now = gradient(y, target, 10);
  }
  std::printf("%.1f to %.3f; from %.2f to %.2f\n", before, now, y.front(), y.back());

  try {
    gradient(std::vector<double>(3), target, 10);
  } catch (const std::invalid_argument &e) {
    std::printf("a line of 3 points: %s\n", e.what());
    return now < before ? 0 : 1;
  }
  return 1;
}
