#include "initializer/orthogonal.h"

#include <algorithm>
#include <cstring>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "initializer/distribution.h"

namespace weft {
namespace {

constexpr int64_t kSquare = kPanel * kPanel;
constexpr int64_t kDrawGrain = 256;       // rows of a panel
constexpr int64_t kUpdateRows = 1 << 12;  // fewer, of all panels, are not worth a thread

Buffer doubles(int64_t rows, int64_t width) {
  return Buffer::zeros(num_elements({rows, width, int64_t{sizeof(double)}}));
}

double* of(Buffer& buffer) { return reinterpret_cast<double*>(buffer.mutable_data()); }

// T of the panel's reflections, column by column: T[:i, i] = -2 T[:i, :i] (V^T v_i)[:i].
void combine(const double* v, int64_t rows, double* t) {
  double gram[kSquare];
  WEFT_KERNEL(orthogonal_kernel).products(v, v, rows, gram);
  for (int64_t i = 0; i < kPanel; ++i) {
    t[i * kPanel + i] = 2;
    for (int64_t r = 0; r < i; ++r) {
      double sum = 0;
      for (int64_t k = r; k < i; ++k) sum += t[r * kPanel + k] * gram[k * kPanel + i];
      t[r * kPanel + i] = -2 * sum;
    }
  }
}

// c -= V T V^T c, or V T^T V^T c.
void reflect(const double* v, const double* t, bool transposed, int64_t rows, double* c) {
  const OrthogonalKernel& kernel = WEFT_KERNEL(orthogonal_kernel);
  double w[kSquare], tw[kSquare] = {};
  kernel.products(v, c, rows, w);
  for (int64_t i = 0; i < kPanel; ++i) {
    for (int64_t k = 0; k < kPanel; ++k) {
      const double x = transposed ? t[k * kPanel + i] : t[i * kPanel + k];
      for (int64_t j = 0; j < kPanel; ++j) tw[i * kPanel + j] += x * w[k * kPanel + j];
    }
  }
  kernel.subtract(v, tw, rows, c);
}

}  // namespace

OrthonormalColumns::OrthonormalColumns(const base::Philox& stream, int64_t m, int64_t n)
    : m_(m),
      n_(n),
      count_((n + kPanel - 1) / kPanel),
      panels_(doubles(m, count_ * kPanel)),
      factors_(doubles(count_, kSquare)),
      signs_(doubles(count_, kPanel)) {
  draw(stream);
  factor();
  form();
}

void OrthonormalColumns::draw(const base::Philox& stream) {
  for (int64_t p = 0; p < count_; ++p) {
    double* a = panel(p);
    const int64_t first = p * kPanel, columns = std::min(kPanel, n_ - first);
    base::parallel_for(m_, kDrawGrain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        for (int64_t j = 0; j < columns; ++j) {
          a[row * kPanel + j] = normal_at(stream, row * n_ + first + j);
        }
      }
    });
  }
}

// Panel by panel: its reflections, then those of all panels behind it.
void OrthonormalColumns::factor() {
  for (int64_t p = 0; p < count_; ++p) {
    const int64_t first = p * kPanel, rows = m_ - first, columns = std::min(kPanel, n_ - first);
    double *v = panel(p) + first * kPanel, *t = of(factors_) + p * kSquare;
    WEFT_KERNEL(orthogonal_kernel).reflections(v, rows, columns, of(signs_) + first);
    combine(v, rows, t);
    base::parallel_for(count_ - p - 1, 1 + kUpdateRows / rows, [&](int64_t begin, int64_t end) {
      for (int64_t q = p + 1 + begin; q < p + 1 + end; ++q) {
        reflect(v, t, true, rows, panel(q) + first * kPanel);
      }
    });
  }
}

// The last panel's reflections of the last unit vectors, then the ones before.
void OrthonormalColumns::form() {
  Buffer copy = doubles(m_, kPanel);
  for (int64_t p = count_ - 1; p >= 0; --p) {
    const int64_t first = p * kPanel, rows = m_ - first, columns = std::min(kPanel, n_ - first);
    double *v = of(copy), *own = panel(p), *signs = of(signs_) + first;
    std::memcpy(v, own + first * kPanel, static_cast<size_t>(rows * kPanel) * sizeof(double));
    std::memset(own, 0, static_cast<size_t>(m_ * kPanel) * sizeof(double));
    for (int64_t j = 0; j < columns; ++j) own[(first + j) * kPanel + j] = signs[j];
    base::parallel_for(count_ - p, 1 + kUpdateRows / rows, [&](int64_t begin, int64_t end) {
      for (int64_t q = p + begin; q < p + end; ++q) {
        reflect(v, of(factors_) + p * kSquare, false, rows, panel(q) + first * kPanel);
      }
    });
  }
}

}  // namespace weft
