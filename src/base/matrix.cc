#include "base/matrix.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/buffer_pool.h"
#include "base/cpu.h"

namespace weft::base {

int64_t padded_to_vectors(int64_t n) {
  const int64_t lanes = WEFT_KERNEL(product_kernel).lanes;
  return (n + lanes - 1) / lanes * lanes;
}

int panel_vectors(int64_t vectors) {
  for (int n : {4, 3, 2}) {
    if (vectors % n == 0) return n;
  }
  return 1;
}

template <>
PanelLayout grouped_layout<float>(int64_t groups, int64_t width) {
  const int64_t lanes = WEFT_KERNEL(product_kernel).lanes;
  PanelLayout layout;
  layout.sources.reserve(static_cast<size_t>(groups * (padded<float>(width) / lanes)));
  for (int64_t group = 0; group < groups; ++group) {
    for (int64_t at = 0; at < width; at += lanes)
      layout.sources.push_back({group * width + at, width - at});
  }
  layout.vectors = panel_vectors(static_cast<int64_t>(layout.sources.size()));
  return layout;
}

template <>
PanelLayout grouped_layout<double>(int64_t groups, int64_t width) {
  return {.vectors = 1, .sources = {{0, groups * width}}};
}

std::shared_ptr<const float> pack_panels(const float* w, int64_t depth, int64_t ld,
                                         const PanelLayout& layout) {
  const int64_t lanes = WEFT_KERNEL(product_kernel).lanes, width = layout.vectors * lanes;
  const int64_t bytes = layout.panels() * depth * width * static_cast<int64_t>(sizeof(float));
  std::shared_ptr<uint8_t> block = allocate_block(bytes);
  std::memset(block.get(), 0, static_cast<size_t>(bytes));
  float* to = reinterpret_cast<float*>(block.get());
  for (size_t i = 0; i < layout.sources.size(); ++i) {
    const auto [column, count] = layout.sources[i];
    const size_t each = static_cast<size_t>(std::clamp<int64_t>(count, 0, lanes)) * sizeof(float);
    const auto vector = static_cast<int64_t>(i);
    float* at = to + vector / layout.vectors * depth * width + vector % layout.vectors * lanes;
    if (each == 0) continue;
    for (int64_t k = 0; k < depth; ++k) std::memcpy(at + k * width, w + k * ld + column, each);
  }
  return {std::move(block), to};
}

namespace {

// What one vector, or for float64 one run of columns, of a layout takes from a row.
struct Run {
  int64_t column, count;  // of the matrix
  int64_t at;             // in a row of this layout
};

template <class T>
std::vector<Run> runs_of(const PanelLayout& layout) {
  std::vector<Run> runs;
  int64_t at = 0;
  for (const auto& [column, count] : layout.sources) {
    const int64_t width = std::is_same_v<T, float> ? padded_to_vectors(1) : count;
    runs.push_back({column, std::clamp<int64_t>(count, 0, width), at});
    at += width;
  }
  return runs;
}

}  // namespace

template <class T>
int64_t width_of(const PanelLayout& layout) {
  if constexpr (std::is_same_v<T, float>) {
    return static_cast<int64_t>(layout.sources.size()) * padded_to_vectors(1);
  }
  return layout.sources[0].count;
}

template <class T>
std::shared_ptr<const T> transposed(const T* w, int64_t depth, int64_t ld,
                                    const PanelLayout& layout) {
  const int64_t bytes = width_of<T>(layout) * depth * static_cast<int64_t>(sizeof(T));
  std::shared_ptr<uint8_t> block = allocate_block(bytes);
  std::memset(block.get(), 0, static_cast<size_t>(bytes));
  T* const to = reinterpret_cast<T*>(block.get());
  for (const Run& run : runs_of<T>(layout)) {
    for (int64_t j = 0; j < run.count; ++j) {
      for (int64_t k = 0; k < depth; ++k) to[(run.at + j) * depth + k] = w[k * ld + run.column + j];
    }
  }
  return {std::move(block), to};
}

template <>
void add_transposed(int64_t rows, int64_t depth, const float* a, int64_t lda, const float* b,
                    int64_t ldb, const PanelLayout& layout, float* out, int64_t ld_out) {
  WEFT_KERNEL(product_kernel)
      .add_transposed({.rows = rows,
                       .depth = depth,
                       .a = a,
                       .lda = lda,
                       .b = b,
                       .ldb = ldb,
                       .panels = layout.panels(),
                       .vectors = layout.vectors,
                       .out = out,
                       .ld_out = ld_out});
}

template <>
void add_transposed(int64_t rows, int64_t depth, const double* a, int64_t lda, const double* b,
                    int64_t ldb, const PanelLayout& layout, double* out, int64_t ld_out) {
  for (int64_t k = 0; k < depth; ++k) {
    for (int64_t i = 0; i < rows; ++i) {
      const double x = a[k * lda + i];
      for (int64_t j = 0; j < layout.sources[0].count; ++j)
        out[i * ld_out + j] += x * b[k * ldb + j];
    }
  }
}

template <class T>
void unpack(const T* from, int64_t rows, const PanelLayout& layout, T* to, int64_t ld_to) {
  const int64_t ld = width_of<T>(layout);
  for (const Run& run : runs_of<T>(layout)) {
    for (int64_t r = 0; r < rows; ++r)
      std::copy_n(from + r * ld + run.at, run.count, to + r * ld_to + run.column);
  }
}

Matrix<float>::Matrix(const float* w, int64_t depth, int64_t ld_w, const PanelLayout& layout)
    : kernel_(&WEFT_KERNEL(product_kernel)),
      packed_(pack_panels(w, depth, ld_w, layout)),
      depth_(depth),
      panels_(layout.panels()),
      vectors_(layout.vectors) {}

void Matrix<float>::multiply(int64_t rows, const float* a, int64_t lda, const float* start,
                             int64_t ld_start, float* out, int64_t ld_out) const {
  kernel_->product({.rows = rows,
                    .depth = depth_,
                    .a = a,
                    .lda = lda,
                    .b = packed_.get(),
                    .panels = panels_,
                    .vectors = vectors_,
                    .start = start,
                    .ld_start = ld_start,
                    .out = out,
                    .ld_out = ld_out});
}

Matrix<double>::Matrix(const double* w, int64_t depth, int64_t ld_w, const PanelLayout& layout)
    : w_(w), depth_(depth), ld_w_(ld_w), width_(layout.sources[0].count) {}

void Matrix<double>::multiply(int64_t rows, const double* a, int64_t lda, const double* start,
                              int64_t ld_start, double* out, int64_t ld_out) const {
  for (int64_t r = 0; r < rows; ++r) {
    double* to = out + r * ld_out;
    if (to != start + r * ld_start) std::copy_n(start + r * ld_start, width_, to);
    for (int64_t k = 0; k < depth_; ++k) {
      const double x = a[r * lda + k];
      const double* w = w_ + k * ld_w_;
      for (int64_t j = 0; j < width_; ++j) to[j] += x * w[j];
    }
  }
}

template <class T>
SplitMatrix<T>::SplitMatrix(const T* w, int64_t ld_w, PanelLayout layout,
                            std::span<const Operand<T>> left)
    : w_(w), ld_w_(ld_w), layout_(std::move(layout)) {
  dense_.reserve(left.size());
  for (const Operand<T>& part : left) {
    dense_.push_back(part.sparse() ? Matrix<T>() : Matrix<T>(w, part.depth, ld_w, layout_));
    w += part.depth * ld_w;
  }
}

template <class T>
void SplitMatrix<T>::multiply(int64_t rows, std::span<const Operand<T>> left, const T* start,
                              int64_t ld_start, T* out, int64_t ld_out) const {
  const int64_t width = width_of<T>(layout_);
  const T* w = w_;
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i].sparse()) {
      for (int64_t r = 0; r < rows && start != out; ++r)
        std::copy_n(start + r * ld_start, width, out + r * ld_out);
      add_sparse(rows, left[i], w, out, ld_out);
    } else {
      dense_[i].multiply(rows, left[i].dense, left[i].ld, start, ld_start, out, ld_out);
    }
    w += left[i].depth * ld_w_;
    start = out;
    ld_start = ld_out;
  }
}

template <>
void SplitMatrix<float>::add_sparse(int64_t rows, const Operand<float>& left, const float* w,
                                    float* out, int64_t ld_out) const {
  WEFT_KERNEL(product_kernel)
      .add_sparse({.rows = rows,
                   .row_of = left.row_of,
                   .splits = left.splits,
                   .columns = left.columns,
                   .values = left.values,
                   .entries = left.entries,
                   .w = w,
                   .ld_w = ld_w_,
                   .sources = layout_.sources.data(),
                   .vectors = static_cast<int64_t>(layout_.sources.size()),
                   .out = out,
                   .ld_out = ld_out});
}

template <>
void SplitMatrix<double>::add_sparse(int64_t rows, const Operand<double>& left, const double* w,
                                     double* out, int64_t ld_out) const {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t s = left.row_of == nullptr ? r : left.row_of[r];
    double* to = out + r * ld_out;
    for (int64_t i = left.splits[s]; i < left.splits[s + 1]; ++i) {
      const double x = left.values[i];
      const double* from = w + left.columns[i] * ld_w_;
      for (int64_t j = 0; j < layout_.sources[0].count; ++j) to[j] += x * from[j];
    }
  }
}

int64_t grain_of_flops(double flops_each) {
  constexpr double kFlops = 1e6;
  return static_cast<int64_t>(kFlops / std::max(1.0, flops_each)) + 1;
}

template <class T>
std::vector<T> rows_below_dense(std::span<const Operand<T>> left, const T* w, int64_t ld) {
  std::vector<T> rows;
  for (const Operand<T>& part : left) {
    if (!part.sparse()) rows.insert(rows.end(), w, w + part.depth * ld);
    w += part.depth * ld;
  }
  return rows;
}

template std::vector<float> rows_below_dense(std::span<const Operand<float>>, const float*,
                                             int64_t);
template std::vector<double> rows_below_dense(std::span<const Operand<double>>, const double*,
                                              int64_t);
template int64_t width_of<float>(const PanelLayout&);
template int64_t width_of<double>(const PanelLayout&);
template std::shared_ptr<const float> transposed(const float*, int64_t, int64_t,
                                                 const PanelLayout&);
template std::shared_ptr<const double> transposed(const double*, int64_t, int64_t,
                                                  const PanelLayout&);
template void unpack(const float*, int64_t, const PanelLayout&, float*, int64_t);
template void unpack(const double*, int64_t, const PanelLayout&, double*, int64_t);

template class SplitMatrix<float>;
template class SplitMatrix<double>;

}  // namespace weft::base
