// Weights in the order in which the product kernels read them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "rnn/rnn_kernel.h"
#include "weft/tensor.h"

namespace weft {

// The most vectors per panel, up to 4, that leave no panel half empty.
inline int panel_vectors(int64_t vectors) {
  for (int n : {4, 3, 2}) {
    if (vectors % n == 0) return n;
  }
  return 1;
}

// Packs w [depth][ld] into panels of [depth][vectors * lanes]; vector v of panel p holds the
// columns from source(p, v).column on, as many as source(p, v).count, then zeros.
struct PackSource {
  int64_t column, count;
};
template <class Source>
Buffer pack_panels(const float* w, int64_t depth, int64_t ld, int64_t panels, int vectors,
                   int lanes, const Source& source) {
  const int64_t width = int64_t{vectors} * lanes;
  Buffer packed =
      Buffer::zeros(std::max<int64_t>(1, panels * depth * width) * int64_t{sizeof(float)});
  float* to = reinterpret_cast<float*>(packed.mutable_data());
  for (int64_t p = 0; p < panels; ++p) {
    for (int v = 0; v < vectors; ++v) {
      const PackSource from = source(p, v);
      const size_t bytes =
          static_cast<size_t>(std::clamp<int64_t>(from.count, 0, lanes)) * sizeof(float);
      if (bytes == 0) continue;
      float* at = to + p * depth * width + int64_t{v} * lanes;
      for (int64_t k = 0; k < depth; ++k)
        std::memcpy(at + k * width, w + k * ld + from.column, bytes);
    }
  }
  return packed;
}

inline const float* floats(const Buffer& buffer) {
  return reinterpret_cast<const float*>(buffer.data());
}

// Matrix [depth][gates * units] as a right operand. Each gate's columns are padded with zeros to a
// multiple of the vector width, so that the result has rows of gates * ld elements.
template <class T>
class Matrix;

template <>
class Matrix<float> {
 public:
  Matrix() = default;
  Matrix(const float* w, int64_t depth, int64_t ld_w, int64_t gates, int64_t units);
  // out[r] = start[r] + a[r] * this, for rows of `a` and `out` of these strides; ld_start 0: one
  // row for all.
  void multiply(int64_t rows, const float* a, int64_t lda, const float* start, int64_t ld_start,
                float* out, int64_t ld_out) const;

 private:
  const RnnKernel* kernel_ = nullptr;
  Buffer packed_;
  int64_t depth_ = 0, panels_ = 0;
  int vectors_ = 1;
};

template <>
class Matrix<double> {
 public:
  Matrix() = default;
  Matrix(const double* w, int64_t depth, int64_t ld_w, int64_t gates, int64_t units)
      : w_(w), depth_(depth), ld_w_(ld_w), width_(gates * units) {}
  void multiply(int64_t rows, const double* a, int64_t lda, const double* start, int64_t ld_start,
                double* out, int64_t ld_out) const;

 private:
  const double* w_ = nullptr;  // the cell's own weights
  int64_t depth_ = 0, ld_w_ = 0, width_ = 0;
};

// Units rounded up to whole vectors.
template <class T>
int64_t padded_units(int64_t units);

}  // namespace weft
