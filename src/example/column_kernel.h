// Reads the numbers of one feature of many records: the lists that the scan found, row after row.
//
// A canonical list is empty, or 0a length payload: varints, or little-endian floats. Every function
// goes through rows [from, rows) and returns the first row that it could not read, or `rows`.
#pragma once

#include <cstdint>

#include "base/kernel.h"
#include "example/scan_kernel.h"

namespace weft {

struct ColumnView {
  const RecordBytes* records;
  const ListSpan* spans;  // of row 0; the next row's is `stride` further
  int64_t stride;
  int64_t rows;
};

struct ColumnKernel {
  // out[row] = the row's one value. Stops at a row without exactly one, a missing one included.
  int64_t (*int64_scalars)(const ColumnView& view, int64_t from, int64_t* out) noexcept;
  int64_t (*float_scalars)(const ColumnView& view, int64_t from, float* out) noexcept;

  // lengths[row] = number of values, 0 for a missing row. Stops at a list that is not canonical.
  // Whether varints are well-formed inside is only known when they are decoded.
  int64_t (*int64_lengths)(const ColumnView& view, int64_t from, int64_t* lengths) noexcept;
  int64_t (*float_lengths)(const ColumnView& view, int64_t from, int64_t* lengths) noexcept;

  // The row's values to out[starts[row]...], for rows whose lengths were read. Stops at a varint of
  // over ten bytes.
  int64_t (*int64_values)(const ColumnView& view, int64_t from, const int64_t* starts,
                          bool (*decode)(const uint8_t*, int64_t, uint64_t*) noexcept,
                          int64_t* out) noexcept;
  int64_t (*float_values)(const ColumnView& view, int64_t from, const int64_t* starts,
                          float* out) noexcept;
};

WEFT_DECLARE_KERNEL(ColumnKernel, column_kernel)

}  // namespace weft
