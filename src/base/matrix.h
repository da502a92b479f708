// Matrices of weights as right operands of products, in the order in which the kernels read them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "base/product_kernel.h"

namespace weft::base {

int64_t padded_to_vectors(int64_t n);
// `n` rounded up to whole vectors; float64 has none.
template <class T>
int64_t padded(int64_t n) {
  return std::is_same_v<T, float> ? padded_to_vectors(n) : n;
}

// Where the columns of a matrix stand in a row of a result, vector by vector; the kernels take
// `vectors` of them, 1 to 4, at a time: a panel.
struct PanelLayout {
  int vectors = 1;
  std::vector<VectorSource> sources;
  int64_t panels() const { return static_cast<int64_t>(sources.size()) / vectors; }
};

// The most vectors per panel that leave no panel half empty.
int panel_vectors(int64_t vectors);
// `groups` groups of `width` columns, each padded with zeros to whole vectors: a row of a result
// has groups * padded(width) elements.
template <class T>
PanelLayout grouped_layout(int64_t groups, int64_t width);

// w [depth][ld] in panels of [depth][vectors * lanes].
std::shared_ptr<const float> pack_panels(const float* w, int64_t depth, int64_t ld,
                                         const PanelLayout& layout);

// The transposed matrix [width][depth] of w [depth][ld], its rows in the order of the layout's
// vectors, with rows of zeros for what pads them.
template <class T>
std::shared_ptr<const T> transposed(const T* w, int64_t depth, int64_t ld,
                                    const PanelLayout& layout);
// How wide a row of this layout is.
template <class T>
int64_t width_of(const PanelLayout& layout);

// out[i][j] += a[k][i] * b[k][j], k < depth, i < rows, for rows of b and out in this layout.
template <class T>
void add_transposed(int64_t rows, int64_t depth, const T* a, int64_t lda, const T* b, int64_t ldb,
                    const PanelLayout& layout, T* out, int64_t ld_out);
// Rows in this layout, back to where its sources say: the other way of packing.
template <class T>
void unpack(const T* from, int64_t rows, const PanelLayout& layout, T* to, int64_t ld_to);

// Rows of a product whose results stay in the L1 or L2 cache.
inline constexpr int64_t kTileRows = 96;
// How many rows, each of so many multiplications and additions, are worth a thread.
int64_t grain_of_flops(double flops_each);

template <class T>
class Matrix;

template <>
class Matrix<float> {
 public:
  Matrix() = default;
  Matrix(const float* w, int64_t depth, int64_t ld_w, const PanelLayout& layout);
  // out[r] = start[r] + a[r] * this, for rows of these strides; ld_start 0: one row for all.
  void multiply(int64_t rows, const float* a, int64_t lda, const float* start, int64_t ld_start,
                float* out, int64_t ld_out) const;

 private:
  const ProductKernel* kernel_ = nullptr;
  std::shared_ptr<const float> packed_;
  int64_t depth_ = 0, panels_ = 0;
  int vectors_ = 1;
};

template <>
class Matrix<double> {
 public:
  Matrix() = default;
  // `w` itself is read: it must outlive the matrix.
  Matrix(const double* w, int64_t depth, int64_t ld_w, const PanelLayout& layout);
  void multiply(int64_t rows, const double* a, int64_t lda, const double* start, int64_t ld_start,
                double* out, int64_t ld_out) const;

 private:
  const double* w_ = nullptr;
  int64_t depth_ = 0, ld_w_ = 0, width_ = 0;
};

// Some columns of a left operand: dense rows, or, where there are `splits`, sparse ones.
template <class T>
struct Operand {
  int64_t depth = 0;         // how many columns
  const T* dense = nullptr;  // rows `ld` elements apart
  int64_t ld = 0;
  // Row r: values[i] at columns[i], in rising order, for splits[s] <= i < splits[s + 1], s being
  // row_of[r] or, where that is null, r.
  const int64_t *splits = nullptr, *columns = nullptr;
  const T* values = nullptr;
  const int64_t* row_of = nullptr;
  int64_t entries = 0;  // readable in `columns`

  bool sparse() const { return splits != nullptr; }
};

// The rows of `w`, `ld` elements apart, that stand below dense operands: one below the other.
template <class T>
std::vector<T> rows_below_dense(std::span<const Operand<T>> left, const T* w, int64_t ld);

// A matrix whose left operands come in parts side by side. Of its rows below sparse columns only
// those that occur are ever touched: they are read where they stand, so `w` must outlive this.
template <class T>
class SplitMatrix {
 public:
  SplitMatrix() = default;
  // For left operands of these depths and kinds.
  SplitMatrix(const T* w, int64_t ld_w, PanelLayout layout, std::span<const Operand<T>> left);
  // As Matrix::multiply, with the same bits whether a part is dense or sparse; but that where all
  // terms of an element are zeros, the sign of its zero may differ.
  void multiply(int64_t rows, std::span<const Operand<T>> left, const T* start, int64_t ld_start,
                T* out, int64_t ld_out) const;

 private:
  void add_sparse(int64_t rows, const Operand<T>& left, const T* w, T* out, int64_t ld_out) const;

  const T* w_ = nullptr;
  int64_t ld_w_ = 0;
  PanelLayout layout_;
  std::vector<Matrix<T>> dense_;  // one for each part, empty for sparse ones
};

}  // namespace weft::base
