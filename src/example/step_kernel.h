// Reads the numbers of one feature list of many records: the steps that the scan found, row after
// row. Steps of one varint or of one float are what most lists hold, and are read by their frame,
// six bytes that only the size of the value decides.
#pragma once

#include <cstdint>

#include "base/varint_kernel.h"
#include "example/column_kernel.h"

namespace weft {

// How many steps and values the rows of a feature list have, in steps[row] and values[row].
struct StepCounts {
  int64_t elements;  // that each step must have; -1: any number
  int64_t* steps;
  int64_t* values;
  uint8_t* ones;  // set to 1 for a row that int64_values_vbmi2 reads by the block
};

// Where they go: those of row i from out[starts[i]] on. Where each step ends among all values is
// written from ends[steps[i]] on, unless `ends` is null.
template <class T>
struct StepSink {
  const int64_t* starts;
  T* out;
  const int64_t* steps;
  int64_t* ends;
  const uint8_t* ones;  // as StepCounts has it
};

// Every function goes through rows [from, rows) and returns the first row that it could not read,
// or `rows`.
struct StepKernel {
  // Stops at steps that are not canonical, of another kind, or of another number of values than
  // `elements`.
  int64_t (*int64_counts)(const ColumnView& view, int64_t from, const StepCounts& counts) noexcept;
  int64_t (*float_counts)(const ColumnView& view, int64_t from, const StepCounts& counts) noexcept;
  // Needs AVX512-VBMI and VBMI2; null below v4. So below.
  int64_t (*int64_counts_vbmi2)(const ColumnView& view, int64_t from,
                                const StepCounts& counts) noexcept;

  // Of rows that were counted. Stops at a varint of over ten bytes.
  int64_t (*int64_values)(const ColumnView& view, int64_t from, const StepSink<int64_t>& sink,
                          VarintDecode* decode) noexcept;
  int64_t (*float_values)(const ColumnView& view, int64_t from,
                          const StepSink<float>& sink) noexcept;
  int64_t (*int64_values_vbmi2)(const ColumnView& view, int64_t from, const StepSink<int64_t>& sink,
                                VarintDecode* decode) noexcept;
};

WEFT_DECLARE_KERNEL(StepKernel, step_kernel)

}  // namespace weft
