// One call of parse(): every list is measured first, then read straight into the final buffers.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "example/canonical.h"
#include "example/column_kernel.h"
#include "example/plan.h"
#include "example/scan_states.h"
#include "example/string_kernel.h"

namespace weft {

// What a slot became; each tensor is made once its size is known.
struct SlotColumn {
  // kFixed: [B, shape...]. kPadded: [B, longest, shape...]. kSparse, kRagged: [N].
  Tensor values;
  Tensor row_splits;   // int64 [B + 1]; not of kFixed. Of values, or of steps
  Tensor step_splits;  // int64 [steps + 1], of values; of feature lists that are kSparse or kRagged
  std::span<const int64_t> splits() const { return row_splits.values<int64_t>(); }
};

class Batch {
 public:
  // `seen[slot]` is set when a record has the slot's feature. `single`: one record, shapes without
  // the batch dimension.
  Batch(const Plan& plan, const ParseOptions& options, ScanStates& states, std::atomic<bool>* seen,
        std::span<const std::string_view> serialized, bool single);

  // By slot. Throws as ExampleParser::parse.
  std::vector<SlotColumn> run();

  // With options.strict off: another message type that a record seems to be, and its row.
  ForeignName foreign() const { return foreign_; }
  int64_t foreign_row() const { return foreign_row_; }

 private:
  // Rows that one thread reads at a time.
  struct Range {
    int64_t begin;
    int64_t end;
    std::deque<std::string> rewritten{};  // canonical forms of records, with padding after them
    ForeignName foreign = nullptr;
    int64_t foreign_row = -1;
    std::exception_ptr error{};
    int64_t rows() const { return end - begin; }
    // The first row, from `begin` on, of a lane.
    int64_t lane(int k) const { return rows() * k / kStringLanes; }
  };

  void place_records();
  Shape batch_shape(const Slot& slot, std::optional<int64_t> steps) const;
  void read_ranges();
  template <class F>
  void attempt(Range& range, const F& body);

  // Measuring (batch.cc). The scalars are read at once.
  void measure(Range& range) noexcept;
  Scanner* scanner() const;
  void scan(Range& range);
  void measure_slot(Range& range, size_t slot);
  template <class T>
  void read_scalars(Range& range, size_t slot,
                    int64_t (*kernel)(const ColumnView&, int64_t, T*) noexcept);
  void measure_strings(Range& range, size_t slot);
  void measure_lists(Range& range, size_t slot, int64_t* lengths);
  void measure_string_lists(Range& range, size_t slot, int64_t* lengths);
  void check_lengths(const Range& range, size_t slot, const int64_t* lengths);
  void note_seen(const Range& range) noexcept;

  // A record that stopped a kernel is rewritten into the canonical form, or is an error.
  void rewrite(Range& range, int64_t row);
  void rewrite_once(Range& range, int64_t row, size_t slot);
  [[noreturn]] void fail_missing(int64_t row, size_t slot) const;
  [[noreturn]] void fail_count(int64_t row, size_t slot) const;

  // Reading (batch_read.cc), once all sizes are known.
  bool lay_out_all(std::exception_ptr& error) noexcept;
  void lay_out(size_t slot);
  static int64_t add_up(Tensor& lengths);
  int64_t place_strings(size_t slot);
  void check_size(size_t slot, int64_t rows, int64_t values) const;
  void read(Range& range, size_t slot);
  template <class T>
  void read_numbers(Range& range, size_t slot);
  void read_strings(Range& range, size_t slot);
  void read_string_lists(Range& range, size_t slot);
  void read_padded_strings(Range& range, size_t slot, StringSink& sink);
  StringSink sink_of(Range& range, size_t slot, int64_t first);

  // Feature lists (batch_steps.cc).
  void measure_steps(Range& range, size_t slot);
  int64_t lay_out_steps(size_t slot);
  void read_steps(Range& range, size_t slot);
  template <class T>
  void read_number_steps(Range& range, size_t slot);
  void read_string_steps(Range& range, size_t slot);
  [[noreturn]] void fail_steps(const RecordMeaning& meaning, int64_t row, size_t slot) const;

  ColumnView view(const Range& range, size_t slot) const;
  bool missing(int64_t row, size_t slot) const;
  // kStringLanes of them.
  int64_t* string_bytes(const Range& range, size_t slot);

  const Plan& plan_;
  const ParseOptions& options_;
  ScanStates& states_;
  std::atomic<bool>* seen_;
  std::span<const std::string_view> serialized_;
  bool single_;
  int64_t rows_;
  Buffer records_buffer_, spans_buffer_;
  RecordBytes* records_ = nullptr;
  ListSpan* spans_ = nullptr;
  std::vector<Range> ranges_;
  // By range, slot and lane: the bytes of its strings; from lay_out() on, where they begin.
  std::vector<int64_t> string_bytes_;
  std::vector<SlotColumn> columns_;
  // By slot.
  struct Layout {
    Shape shape;                // of the values
    int64_t width = 0;          // values of each row, of kFixed and kPadded
    Tensor starts;              // of a feature list's rows among its values: int64 [B + 1]
    std::vector<uint8_t> ones;  // of its rows, as StepCounts has it
    Buffer text;                // the bytes of all strings
    Buffer offsets;             // where they end
  };
  std::vector<Layout> layouts_;
  ForeignName foreign_ = nullptr;
  int64_t foreign_row_ = -1;
};

}  // namespace weft
