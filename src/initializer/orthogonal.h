// Random matrices with orthonormal columns.
#pragma once

#include <cstdint>

#include "base/philox.h"
#include "initializer/orthogonal_kernel.h"
#include "weft/tensor.h"

namespace weft {

// n columns of m >= n elements, uniform over all such matrices: the Q of Householder's QR of an m x
// n matrix of normals, whose element (row, column) is number row * n + column of the stream.
class OrthonormalColumns {
 public:
  OrthonormalColumns(const base::Philox& stream, int64_t m, int64_t n);

  double operator()(int64_t row, int64_t column) const {
    const double* at = reinterpret_cast<const double*>(panels_.data());
    return at[(column / kPanel * m_ + row) * kPanel + column % kPanel];
  }

 private:
  double* panel(int64_t p) {
    return reinterpret_cast<double*>(panels_.mutable_data()) + p * m_ * kPanel;
  }
  void draw(const base::Philox& stream);
  void factor();
  void form();

  int64_t m_, n_, count_;
  Buffer panels_;   // count_ panels [m][kPanel]: the normals, then the reflections, then Q
  Buffer factors_;  // count_ times T [kPanel][kPanel]: a panel's reflections are I - V T V^T
  Buffer signs_;    // of R's diagonal
};

}  // namespace weft
