// Feature lists: rows of steps of values.
#include <algorithm>
#include <utility>

#include "base/cpu.h"
#include "base/varint.h"
#include "example/batch.h"
#include "example/step_kernel.h"
#include "weft/error.h"

namespace weft {
namespace {

// StepKernel::int64_counts and int64_values, as this processor runs them best.
auto int64_counts(const StepKernel& kernel) {
  const bool vbmi2 = kernel.int64_counts_vbmi2 != nullptr && base::cpu_extensions().vbmi2;
  return vbmi2 ? kernel.int64_counts_vbmi2 : kernel.int64_counts;
}

auto int64_values(const StepKernel& kernel) {
  const bool vbmi2 = kernel.int64_values_vbmi2 != nullptr && base::cpu_extensions().vbmi2;
  return vbmi2 ? kernel.int64_values_vbmi2 : kernel.int64_values;
}

}  // namespace

void Batch::measure_steps(Range& range, size_t slot) {
  const Slot& what = plan_.slots()[slot];
  const ColumnView rows = view(range, slot);
  const int64_t after = 1 + range.begin;
  const StepCounts counts{
      .elements = what.kind == Slot::Kind::kPadded ? what.elements : -1,
      .steps = columns_[slot].row_splits.mutable_values<int64_t>().data() + after,
      .values = layouts_[slot].starts.mutable_values<int64_t>().data() + after,
      .ones = layouts_[slot].ones.data() + range.begin};
  const StepKernel& kernel = WEFT_KERNEL(step_kernel);
  const auto count = [&](int64_t from) {
    if (what.dtype == DType::kString) {
      return WEFT_KERNEL(string_kernel).step_counts(rows, from, counts, string_bytes(range, slot));
    }
    return (what.dtype == DType::kInt64 ? int64_counts(kernel) : kernel.float_counts)(rows, from,
                                                                                      counts);
  };
  for (int64_t row = 0; (row = count(row)) < rows.rows;) {
    rewrite_once(range, range.begin + row, slot);
  }
  if (!what.required) return;
  for (int64_t row = range.begin; row < range.end; ++row) {
    if (missing(row, slot)) fail_missing(row, slot);
  }
}

// Returns the number of values, padding included.
int64_t Batch::lay_out_steps(size_t slot) {
  const Slot& what = plan_.slots()[slot];
  Layout& layout = layouts_[slot];
  SlotColumn& column = columns_[slot];
  const int64_t longest = add_up(column.row_splits), steps = column.splits().back();
  check_size(slot, 1, steps);
  if (what.kind == Slot::Kind::kPadded) {
    check_size(slot, longest, what.elements);
    layout.width = longest * what.elements;
    check_size(slot, rows_, layout.width);
    layout.shape = batch_shape(what, longest);
    return rows_ * layout.width;
  }
  layout.starts.mutable_values<int64_t>()[0] = 0;
  add_up(layout.starts);
  const int64_t values = layout.starts.values<int64_t>().back();
  check_size(slot, 1, values);
  layout.shape = {values};
  column.step_splits = Tensor(DType::kInt64, {steps + 1});
  column.step_splits.mutable_values<int64_t>()[0] = 0;
  return values;
}

void Batch::read_steps(Range& range, size_t slot) {
  const DType dtype = plan_.slots()[slot].dtype;
  if (dtype == DType::kString) return read_string_steps(range, slot);
  if (dtype == DType::kInt64) return read_number_steps<int64_t>(range, slot);
  read_number_steps<float>(range, slot);
}

template <class T>
void Batch::read_number_steps(Range& range, size_t slot) {
  const Slot& what = plan_.slots()[slot];
  const Layout& layout = layouts_[slot];
  SlotColumn& column = columns_[slot];
  const ColumnView rows = view(range, slot);
  const bool padded = what.kind == Slot::Kind::kPadded;
  const int64_t* steps = column.splits().data() + range.begin;
  std::vector<int64_t> starts;
  StepSink<T> sink{.starts = layout.starts.values<int64_t>().data() + range.begin,
                   .out = column.values.mutable_values<T>().data(),
                   .steps = steps,
                   .ends = nullptr,
                   .ones = layout.ones.data() + range.begin};
  if (padded) {
    for (int64_t row = range.begin; row < range.end; ++row) starts.push_back(row * layout.width);
    sink.starts = starts.data();
  } else {
    sink.ends = column.step_splits.mutable_values<int64_t>().data() + 1;
  }
  const StepKernel& kernel = WEFT_KERNEL(step_kernel);
  if constexpr (std::is_same_v<T, float>) {
    kernel.float_values(rows, 0, sink);
  } else {
    const int64_t stopped = int64_values(kernel)(rows, 0, sink, base::varint_decoder());
    if (stopped < rows.rows) fail_count(range.begin + stopped, slot);
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    T* const row = sink.out + starts[i];
    std::fill(row + (steps[i + 1] - steps[i]) * what.elements, row + layout.width, T{0});
  }
}

void Batch::read_string_steps(Range& range, size_t slot) {
  const Slot& what = plan_.slots()[slot];
  Layout& layout = layouts_[slot];
  SlotColumn& column = columns_[slot];
  const auto read = WEFT_KERNEL(string_kernel).step_values;
  const int64_t* steps = column.splits().data() + range.begin;
  if (what.kind != Slot::Kind::kPadded) {
    const int64_t first = layout.starts.values<int64_t>()[static_cast<size_t>(range.begin)];
    StringSink sink = sink_of(range, slot, first);
    return read(view(range, slot), sink, sink.offsets - first, steps,
                column.step_splits.mutable_values<int64_t>().data() + 1);
  }
  StringSink sink = sink_of(range, slot, range.begin * layout.width);
  ColumnView row = view(range, slot);
  row.rows = 1;
  for (int64_t i = 0; i < range.rows(); ++i, ++row.records, row.spans += row.stride) {
    read(row, sink, nullptr, nullptr, nullptr);
    const int64_t padding = layout.width - (steps[i + 1] - steps[i]) * what.elements;
    sink.offsets = std::fill_n(sink.offsets, padding, sink.data - sink.text);
  }
}

// The first step with another number of values than it must have.
void Batch::fail_steps(const RecordMeaning& meaning, int64_t row, size_t slot) const {
  const Slot& what = plan_.slots()[slot];
  const FeatureListValue& list = meaning.list_of(slot);
  for (size_t step = 0; step < list.steps.size(); ++step) {
    const int64_t count = list.steps[step].count();
    if (count == what.elements) continue;
    throw InvalidArgument("a step of " + std::to_string(count) +
                              (count == 1 ? " value" : " values") + " where shape " +
                              shape_string(what.shape) + " takes " + std::to_string(what.elements),
                          {.key = what.key,
                           .row = row,
                           .step = static_cast<int64_t>(step),
                           .offset = list.steps[step].offset});
  }
  throw CorruptData("the feature list cannot be read", {.key = what.key, .row = row});
}

}  // namespace weft
