// Reads the strings of one feature of many records. A canonical list is (0a length bytes)*.
#pragma once

#include <cstdint>

#include "base/kernel.h"
#include "example/step_kernel.h"

namespace weft {

// Where strings go: bytes to [data, end), and after each the place where it ends, counted from
// `text`, to *offsets.
struct StringSink {
  uint8_t* data;
  const uint8_t* end;
  const uint8_t* text;
  int64_t* offsets;
};

// A string's place is known when the one before it is read. Lists of strings are therefore walked
// in several places at once: each lane goes through rows of its own.
inline constexpr int kStringLanes = 4;
struct StringLane {
  int64_t row;  // the next one
  int64_t end;
  int64_t bytes;       // of the strings measured
  int64_t list_bytes;  // of the list being measured
  StringSink sink;     // of those to be read
};

struct StringKernel {
  // *bytes += the size of the one string of each row from `from` on. Returns the first row without
  // exactly one (a missing one, one that is not canonical), or view.rows.
  int64_t (*scalar_sizes)(const ColumnView& view, int64_t from, int64_t* bytes) noexcept;
  // lengths[row] = number of strings, 0 for a missing row, and the lanes' `bytes`. Returns a lane
  // that stopped at its `row`, at a list that is not canonical, or null.
  StringLane* (*lengths)(const ColumnView& view, StringLane* lanes, int64_t* lengths) noexcept;

  // The strings of the rows of all lanes, each to its sink, for rows whose lengths were read.
  void (*values)(const ColumnView& view, StringLane* lanes) noexcept;
  // The strings of the rows from `from` on. Returns the first missing row, or view.rows.
  int64_t (*fixed_values)(const ColumnView& view, int64_t from, StringSink& sink) noexcept;

  // As StepKernel's, and *bytes += the size of the strings of the rows that were counted.
  int64_t (*step_counts)(const ColumnView& view, int64_t from, const StepCounts& counts,
                         int64_t* bytes) noexcept;
  // The strings of all rows. Where each step ends, among the strings whose offsets begin at
  // `first`, from ends[steps[i]] on for row i, unless `ends` is null.
  void (*step_values)(const ColumnView& view, StringSink& sink, const int64_t* first,
                      const int64_t* steps, int64_t* ends) noexcept;
};

WEFT_DECLARE_KERNEL(StringKernel, string_kernel)

}  // namespace weft
