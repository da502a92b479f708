// Householder's QR in panels of kPanel columns: what is done with one panel or two.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// A panel: rows of kPanel doubles, one after the other.
constexpr int64_t kPanel = 32;

// Sums go over rows, and over the columns of a panel, in their order: all instruction sets agree on
// every bit.
struct OrthogonalKernel {
  // Turns column i of `a` into the unit vector v of its reflection I - 2 v v^T (zeros in the rows
  // before i), for the first `columns` columns; signs[i] makes the diagonal of R positive.
  void (*reflections)(double* a, int64_t rows, int64_t columns, double* signs) noexcept;
  // w [kPanel][kPanel] = v^T c
  void (*products)(const double* v, const double* c, int64_t rows, double* w) noexcept;
  // c -= v w
  void (*subtract)(const double* v, const double* w, int64_t rows, double* c) noexcept;
};

WEFT_DECLARE_KERNEL(OrthogonalKernel, orthogonal_kernel)

}  // namespace weft
