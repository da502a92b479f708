// Reads one feature of many records: the lists that the scan found, row after row.
//
// A canonical list is empty, or 0a length payload for numbers (varints, little-endian floats), or
// (0a length bytes)* for strings. Every function goes through rows [from, rows) and returns the first
// row that it could not read, or `rows`.
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

// Where strings go: bytes to [data, end), and after each the place where it ends, counted from
// `text`, to *offsets.
struct StringSink {
  uint8_t* data;
  const uint8_t* end;
  const uint8_t* text;
  int64_t* offsets;
};

// A string's place is known when the one before it is read. Lists of strings are therefore walked in
// several places at once: each lane goes through rows of its own.
inline constexpr int kStringLanes = 4;
struct StringLane {
  int64_t row;         // the next one
  int64_t end;
  int64_t bytes;       // of the strings measured
  int64_t list_bytes;  // of the list being measured
  StringSink sink;     // of those to be read
};

struct ColumnKernel {
  // out[row] = the row's one value. Stops at a row without exactly one, a missing one included.
  int64_t (*int64_scalars)(const ColumnView& view, int64_t from, int64_t* out) noexcept;
  int64_t (*float_scalars)(const ColumnView& view, int64_t from, float* out) noexcept;
  // *bytes += the size of the row's one string.
  int64_t (*string_scalars)(const ColumnView& view, int64_t from, int64_t* bytes) noexcept;

  // lengths[row] = number of values, 0 for a missing row. Stops at a list that is not canonical.
  // Whether varints are well-formed inside is only known when they are decoded.
  int64_t (*int64_lengths)(const ColumnView& view, int64_t from, int64_t* lengths) noexcept;
  int64_t (*float_lengths)(const ColumnView& view, int64_t from, int64_t* lengths) noexcept;
  // Of the rows of all lanes; returns the lane that stopped, at its `row`, or null.
  StringLane* (*string_lengths)(const ColumnView& view, StringLane* lanes, int64_t* lengths) noexcept;

  // The row's values to out[starts[row]...], for rows whose lengths were read. Stops at a varint of
  // over ten bytes.
  int64_t (*int64_values)(const ColumnView& view, int64_t from, const int64_t* starts,
                          bool (*decode)(const uint8_t*, int64_t, uint64_t*) noexcept,
                          int64_t* out) noexcept;
  int64_t (*float_values)(const ColumnView& view, int64_t from, const int64_t* starts,
                          float* out) noexcept;
  // The strings of the rows of all lanes, each to its sink.
  void (*string_values)(const ColumnView& view, StringLane* lanes) noexcept;
  // The strings of rows that have some number of them. Stops at a missing row.
  int64_t (*fixed_strings)(const ColumnView& view, int64_t from, StringSink& sink) noexcept;
};

WEFT_DECLARE_KERNEL(ColumnKernel, column_kernel)

}  // namespace weft
