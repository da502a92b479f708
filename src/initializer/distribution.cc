#include "initializer/distribution.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace weft {
namespace {

template <size_t N>
double polynomial(double x, const double (&c)[N]) {  // c[0] is the highest power's
  double sum = c[0];
  for (size_t i = 1; i < N; ++i) sum = sum * x + c[i];
  return sum;
}

// Eight independent sums: the order is fixed, and the compiler may keep them in vectors.
double dot(const double* a, const double* b, int64_t n) {
  double sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int lane = 0; lane < 8; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (int lane = 0; i < n; ++i, ++lane) sums[lane] += a[i] * b[i];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

// x -= 2 v (v . x) for a unit vector v.
void reflect(const double* v, double* x, int64_t n) {
  const double scale = 2 * dot(v, x, n);
  for (int64_t i = 0; i < n; ++i) x[i] -= scale * v[i];
}

}  // namespace

// Wichura, algorithm AS 241 (PPND16).
double normal_quantile(double p) {
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q *
           polynomial(r,
                      {2.5090809287301226727e+3, 3.3430575583588128105e+4, 6.7265770927008700853e+4,
                       4.5921953931549871457e+4, 1.3731693765509461125e+4, 1.9715909503065514427e+3,
                       1.3314166789178437745e+2, 3.3871328727963666080e0}) /
           polynomial(r,
                      {5.2264952788528545610e+3, 2.8729085735721942674e+4, 3.9307895800092710610e+4,
                       2.1213794301586595867e+4, 5.3941960214247511077e+3, 6.8718700749205790830e+2,
                       4.2313330701600911252e+1, 1.0});
  }
  double r = std::sqrt(-std::log(q < 0 ? p : 1 - p));
  double x;
  if (r <= 5) {
    r -= 1.6;
    x = polynomial(r,
                   {7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
                    1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
                    4.63033784615654529590e0, 1.42343711074968357734e0}) /
        polynomial(r,
                   {1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
                    1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
                    2.05319162663775882187e0, 1.0});
  } else {
    r -= 5;
    x = polynomial(r,
                   {2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
                    2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
                    5.46378491116411436990e0, 6.65790464350110377720e0}) /
        polynomial(
            r, {2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
                7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
                5.99832206555887937690e-1, 1.0});
  }
  return q < 0 ? -x : x;
}

double normal_at(const base::Philox& stream, int64_t i) {
  return normal_quantile(uniform_at(stream, i) + 0x1p-54);  // the middle of the interval: never 0
}

double truncated_normal_at(const base::Philox& stream, int64_t i) {
  constexpr double kBelow = 0.022750131948179207;  // the share below -2 standard deviations
  return normal_quantile(kBelow + (1 - 2 * kBelow) * (uniform_at(stream, i) + 0x1p-54));
}

// Householder's QR of a normal matrix; R's diagonal made positive, without which Q is not uniform.
void orthonormal_columns(const base::Philox& stream, int64_t m, int64_t n,
                         std::span<double> columns) {
  double* a = columns.data();
  // Element (row, column) is number row * n + column of the stream.
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = 0; i < m; ++i) a[j * m + i] = normal_at(stream, i * n + j);
  }
  std::vector<double> signs(static_cast<size_t>(n), 1);
  for (int64_t j = 0; j < n; ++j) {  // column j becomes the unit vector of its reflection
    double* v = a + j * m;
    for (int64_t k = 0; k < j; ++k) reflect(a + k * m + k, v + k, m - k);
    const double norm = std::sqrt(dot(v + j, v + j, m - j));
    signs[static_cast<size_t>(j)] = v[j] > 0 ? -1 : 1;  // R[j][j] = -sign(v[j]) * norm
    v[j] += v[j] > 0 ? norm : -norm;
    const double length = std::sqrt(dot(v + j, v + j, m - j));
    for (int64_t i = 0; i < j; ++i) v[i] = 0;
    for (int64_t i = j; i < m; ++i) v[i] = length > 0 ? v[i] / length : 0;
  }
  std::vector<double> unit(static_cast<size_t>(m));
  for (int64_t j = n - 1; j >= 0; --j) {  // column j of Q: the reflections j, j-1, ..., 0 of e_j
    unit.assign(static_cast<size_t>(m), 0);
    unit[static_cast<size_t>(j)] = signs[static_cast<size_t>(j)];
    for (int64_t k = j; k >= 0; --k) reflect(a + k * m + k, unit.data() + k, m - k);
    std::copy(unit.begin(), unit.end(), a + j * m);
  }
}

}  // namespace weft
