#include "rnn/packed.h"

#include "base/cpu.h"

namespace weft {

template <>
int64_t padded_units<float>(int64_t units) {
  const int64_t lanes = WEFT_KERNEL(rnn_kernel).lanes;
  return (units + lanes - 1) / lanes * lanes;
}

template <>
int64_t padded_units<double>(int64_t units) {
  return units;
}

Matrix<float>::Matrix(const float* w, int64_t depth, int64_t ld_w, int64_t gates, int64_t units)
    : kernel_(&WEFT_KERNEL(rnn_kernel)), depth_(depth) {
  const int lanes = kernel_->lanes;
  const int64_t per_gate = padded_units<float>(units) / lanes;
  vectors_ = panel_vectors(gates * per_gate);
  panels_ = gates * per_gate / vectors_;
  packed_ = pack_panels(w, depth, ld_w, panels_, vectors_, lanes, [&](int64_t p, int v) {
    const int64_t vector = p * vectors_ + v, unit = vector % per_gate * lanes;
    return PackSource{vector / per_gate * units + unit, units - unit};
  });
}

void Matrix<float>::multiply(int64_t rows, const float* a, int64_t lda, const float* start,
                             int64_t ld_start, float* out, int64_t ld_out) const {
  kernel_->product({.rows = rows,
                    .depth = depth_,
                    .a = a,
                    .lda = lda,
                    .b = floats(packed_),
                    .panels = panels_,
                    .vectors = vectors_,
                    .start = start,
                    .ld_start = ld_start,
                    .out = out,
                    .ld_out = ld_out});
}

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

}  // namespace weft
