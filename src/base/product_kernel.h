// Products with a matrix of weights: of dense rows with packed weights, and of sparse rows with the
// weights as they are.
//
// An element of a result begins as `start` and gets one term after the other in the order of k: one
// sum per element, so that a row's result does not depend on the rows beside it, and a sparse row
// gives what the same row with its zeros gives.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// Packed weights: `panels` panels of [depth][vectors * lanes] floats, one after the other.
struct Product {
  int64_t rows, depth;
  const float* a;  // [rows][lda]
  int64_t lda;
  const float* b;  // packed
  int64_t panels;
  int vectors;         // 1 to 4
  const float* start;  // [rows][ld_start], or one row for all with ld_start = 0
  int64_t ld_start;
  float* out;  // [rows][ld_out], may be `start`
  int64_t ld_out;
};

// out[i][j] += a[k][i] * b[k][j] over k < depth, in the order of k: what the rows of a batch add to
// the gradient of a matrix. `b` and `out` have panels * vectors whole vectors to a row.
struct TransposedProduct {
  int64_t rows, depth;
  const float* a;  // [depth][lda], rows <= lda
  int64_t lda;
  const float* b;  // [depth][ldb]
  int64_t ldb;
  int64_t panels;
  int vectors;  // 1 to 4
  float* out;   // [rows][ld_out]
  int64_t ld_out;
};

// What one vector of a result row holds: columns [column, column + count) of the weights as far as
// they fit, then zeros.
struct VectorSource {
  int64_t column, count;
};

// out[r] += values[i] * w[columns[i]] for i from splits[s] to splits[s + 1] - 1, s = row_of[r].
struct SparseProduct {
  int64_t rows;
  const int64_t* row_of;  // [rows], or null: s = r
  const int64_t* splits;
  const int64_t* columns;
  const float* values;
  int64_t entries;  // readable in `columns`
  const float* w;   // [depth][ld_w]
  int64_t ld_w;
  const VectorSource* sources;  // [vectors]
  int64_t vectors;
  float* out;  // [rows][ld_out]
  int64_t ld_out;
};

struct ProductKernel {
  int lanes;
  void (*product)(const Product&) noexcept;
  void (*add_transposed)(const TransposedProduct&) noexcept;
  void (*add_sparse)(const SparseProduct&) noexcept;
};

WEFT_DECLARE_KERNEL(ProductKernel, product_kernel)

}  // namespace weft
