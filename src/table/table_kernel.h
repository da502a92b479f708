#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

enum class CombineMode : int { kMean, kSqrtn, kSum };

// A table as kernels see it. Row r stands at values + r * dimension.
template <class T>
struct TableView {
  const T* values;
  int64_t rows;
  int64_t dimension;
  double max_norm;  // 0: none
};

struct GatherIds {
  const int64_t* ids;
  int64_t count;
  int64_t ahead;  // ids that may be read, >= count: those behind are prefetched
};

template <class T>
struct CombineBags {
  const int64_t* ids;
  const float* weights;   // one per id, or null
  const int64_t* splits;  // bags + 1 positions in ids
  int64_t bags;
  CombineMode mode;
};

// Element e of output row i is out[i * stride + e]. Id -1 gives zeros (gather) or nothing
// (combine). `stream`: write past the caches, for outputs much larger than they are.
template <class T>
struct TableFunctions {
  // Returns ids.count, or the position of the first id outside [-1, rows).
  int64_t (*gather)(const TableView<T>& table, const GatherIds& ids, T* out, int64_t stride,
                    bool stream) noexcept;
  // Returns -1, or the position of the first id outside [-1, rows).
  int64_t (*combine)(const TableView<T>& table, const CombineBags<T>& bags, T* out,
                     int64_t stride) noexcept;
};

struct TableKernel {
  TableFunctions<float> f32;
  TableFunctions<double> f64;
};

WEFT_DECLARE_KERNEL(TableKernel, table_kernel)

}  // namespace weft
