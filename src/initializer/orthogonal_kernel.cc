#include "initializer/orthogonal_kernel.h"

#include "base/simd.h"

namespace weft::WEFT_ISA {
namespace {

constexpr int kWidth = kLanes / 2;  // doubles in a vector
constexpr int kVectors = static_cast<int>(kPanel) / kWidth;
constexpr int64_t kChunk = 64;  // rows of two panels that stay in the L1 cache
#if WEFT_ISA_LEVEL >= 4
constexpr int kRows = 8;  // of a tile of two vectors, whose sums stay in registers
#else
constexpr int kRows = 4;
#endif

typedef double Wide __attribute__((vector_size(kWidth * 8)));
typedef double LooseWide __attribute__((vector_size(kWidth * 8), aligned(8), may_alias));

WEFT_INLINE Wide load(const double* p) { return *reinterpret_cast<const LooseWide*>(p); }
WEFT_INLINE void store(double* p, Wide v) { *reinterpret_cast<LooseWide*>(p) = v; }

// to [kRows][two vectors] += or -= the sum over k < depth of a(r, k) * b(k, .), rows of `b` and
// `to` being kPanel apart.
template <int kTileRows, bool kMinus>
WEFT_INLINE void tile(const double* a, int64_t row_step, int64_t k_step, const double* b,
                      int64_t depth, double* to) {
  Wide sums[kTileRows][2];
#pragma GCC unroll 8
  for (int r = 0; r < kTileRows; ++r) {
    sums[r][0] = load(to + r * kPanel);
    sums[r][1] = load(to + r * kPanel + kWidth);
  }
  for (int64_t k = 0; k < depth; ++k, a += k_step, b += kPanel) {
    const Wide b0 = load(b), b1 = load(b + kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
      const double x = a[r * row_step];
      sums[r][0] = kMinus ? sums[r][0] - x * b0 : sums[r][0] + x * b0;
      sums[r][1] = kMinus ? sums[r][1] - x * b1 : sums[r][1] + x * b1;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kTileRows; ++r) {
    store(to + r * kPanel, sums[r][0]);
    store(to + r * kPanel + kWidth, sums[r][1]);
  }
}

void products(const double* v, const double* c, int64_t rows, double* w) noexcept {
  for (int64_t i = 0; i < kPanel * kPanel; ++i) w[i] = 0;
  for (int64_t at = 0; at < rows; at += kChunk) {
    const int64_t depth = rows - at < kChunk ? rows - at : kChunk;
    for (int64_t k = 0; k < kPanel; k += kRows) {
      for (int64_t j = 0; j < kPanel; j += 2 * kWidth) {
        tile<kRows, false>(v + at * kPanel + k, 1, kPanel, c + at * kPanel + j, depth,
                           w + k * kPanel + j);
      }
    }
  }
}

template <int kTileRows>
WEFT_INLINE void subtract_rows(const double* v, const double* w, double* c) {
  for (int64_t j = 0; j < kPanel; j += 2 * kWidth) {
    tile<kTileRows, true>(v, kPanel, 1, w + j, kPanel, c + j);
  }
}

void subtract(const double* v, const double* w, int64_t rows, double* c) noexcept {
  int64_t i = 0;
  for (; i + kRows <= rows; i += kRows) subtract_rows<kRows>(v + i * kPanel, w, c + i * kPanel);
  for (; i < rows; ++i) subtract_rows<1>(v + i * kPanel, w, c + i * kPanel);
}

// Column `i` of a panel becomes a unit vector; returns the sign.
double unit_vector(double* a, int64_t rows, int64_t i) {
  double* column = a + i;
  double rest = 0;
  for (int64_t r = i + 1; r < rows; ++r) rest += column[r * kPanel] * column[r * kPanel];
  const double x = column[i * kPanel], norm = __builtin_sqrt(rest + x * x);
  const double head = x > 0 ? x + norm : x - norm;
  const double length = __builtin_sqrt(rest + head * head);
  column[i * kPanel] = head;
  for (int64_t r = 0; r < i; ++r) column[r * kPanel] = 0;
  for (int64_t r = i; r < rows; ++r) {
    column[r * kPanel] = length > 0 ? column[r * kPanel] / length : 0;
  }
  return x > 0 ? -1 : 1;
}

// Reflects the columns behind column `i` of a panel at it.
void reflect_rest(double* a, int64_t rows, int64_t i) {
  Wide sums[kVectors] = {};
  for (int64_t r = i; r < rows; ++r) {
    const double x = a[r * kPanel + i];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sums[v] += x * load(a + r * kPanel + v * kWidth);
  }
  double w[kPanel];
  for (int v = 0; v < kVectors; ++v) store(w + v * kWidth, sums[v]);
  for (int64_t j = 0; j < kPanel; ++j) w[j] = j <= i ? 0 : 2 * w[j];
  for (int64_t r = i; r < rows; ++r) {
    const double x = a[r * kPanel + i];
    for (int64_t j = 0; j < kPanel; j += kWidth) {
      store(a + r * kPanel + j, load(a + r * kPanel + j) - x * load(w + j));
    }
  }
}

void reflections(double* a, int64_t rows, int64_t columns, double* signs) noexcept {
  for (int64_t i = 0; i < columns; ++i) {
    signs[i] = unit_vector(a, rows, i);
    reflect_rest(a, rows, i);
  }
}

}  // namespace

extern const OrthogonalKernel orthogonal_kernel = {reflections, products, subtract};

}  // namespace weft::WEFT_ISA
