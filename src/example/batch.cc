#include "example/batch.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "weft/error.h"

namespace weft {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they stand");

constexpr int64_t kLeastRangeBytes = 16 << 10;  // 5 us of work or more
constexpr int64_t kMostRangeBytes = 128 << 10;  // a part of the second level cache
constexpr int64_t kRangesPerThread = 4;
constexpr int kSpins = 1000;       // before a thread that waits for another one sleeps
constexpr uint32_t kPadding = 64;  // after a rewritten record; none else has any
constexpr int64_t kLargestRecord = 0x7fffffff;

std::string plural(int64_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

}  // namespace

Batch::Batch(const Plan& plan, const ParseOptions& options, ScanStates& states,
             std::atomic<bool>* seen, std::span<const std::string_view> serialized, bool single)
    : plan_(plan),
      options_(options),
      states_(states),
      seen_(seen),
      serialized_(serialized),
      single_(single),
      rows_(static_cast<int64_t>(serialized.size())),
      columns_(plan.slots().size()),
      layouts_(plan.slots().size()) {}

std::vector<SlotColumn> Batch::run() {
  place_records();
  for (size_t slot = 0; slot < columns_.size(); ++slot) {
    const Slot& what = plan_.slots()[slot];
    if (what.variable()) {
      columns_[slot].row_splits = Tensor(DType::kInt64, {rows_ + 1});
      columns_[slot].row_splits.mutable_values<int64_t>()[0] = 0;
      if (what.steps) {
        layouts_[slot].starts = Tensor(DType::kInt64, {rows_ + 1});
        layouts_[slot].ones.resize(static_cast<size_t>(rows_));
      }
      continue;
    }
    check_size(slot, rows_, what.elements);
    // The others are made by lay_out().
    if (what.read_at_once()) columns_[slot].values = Tensor(what.dtype, batch_shape(what, {}));
  }
  read_ranges();
  for (size_t slot = 0; slot < columns_.size(); ++slot) {
    if (plan_.slots()[slot].dtype != DType::kString) continue;
    Layout& layout = layouts_[slot];
    columns_[slot].values = Tensor::strings(
        std::move(layout.shape), Bytes::trusted(std::move(layout.text), std::move(layout.offsets)));
  }
  return std::move(columns_);
}

// [B, steps, shape...], where B and steps are there.
Shape Batch::batch_shape(const Slot& slot, std::optional<int64_t> steps) const {
  Shape shape;
  shape.reserve(slot.shape.size() + 2);
  if (!single_) shape.push_back(rows_);
  if (steps) shape.push_back(*steps);
  shape.insert(shape.end(), slot.shape.begin(), slot.shape.end());
  return shape;
}

// Takes the records' places and cuts them into ranges: large ones, because each costs a little for
// each slot, but several for each thread.
void Batch::place_records() {
  const auto slots = static_cast<int64_t>(plan_.slots().size());
  records_buffer_ = Buffer::allocate(rows_ * static_cast<int64_t>(sizeof(RecordBytes)));
  spans_buffer_ = Buffer::allocate(rows_ * slots * static_cast<int64_t>(sizeof(ListSpan)));
  records_ = reinterpret_cast<RecordBytes*>(records_buffer_.mutable_data());
  spans_ = reinterpret_cast<ListSpan*>(spans_buffer_.mutable_data());
  const int64_t largest = std::min(options_.limits.max_record_bytes, kLargestRecord);
  int64_t total = 0;
  for (std::string_view record : serialized_) total += static_cast<int64_t>(record.size()) + slots;
  const int64_t threads = base::num_threads();
  const int64_t range_bytes = threads == 1 ? kMostRangeBytes
                                           : std::clamp(total / (kRangesPerThread * threads),
                                                        kLeastRangeBytes, kMostRangeBytes);
  int64_t bytes = 0, begin = 0;
  for (int64_t row = 0; row < rows_; ++row) {
    const std::string_view record = serialized_[static_cast<size_t>(row)];
    const auto size = static_cast<int64_t>(record.size());
    if (size > largest) {
      throw LimitExceeded("a record of " + std::to_string(size) +
                              " bytes, above max_record_bytes = " + std::to_string(largest),
                          {.row = row});
    }
    records_[row] = {reinterpret_cast<const uint8_t*>(record.data()), static_cast<uint32_t>(size),
                     0};
    bytes += size + slots;
    if (bytes >= range_bytes || row + 1 == rows_) {
      ranges_.push_back({.begin = begin, .end = row + 1});
      begin = row + 1;
      bytes = 0;
    }
  }
  string_bytes_.assign(ranges_.size() * plan_.slots().size() * kStringLanes + 1, 0);
}

// Measures all ranges, then lays out, then reads all ranges, in one parallel call: waking a thread
// takes as long as reading a range. Whoever measures the last range lays out. A thread waits only
// for ranges that another one is measuring at that moment.
void Batch::read_ranges() {
  enum : int { kMeasuring, kReading, kFailed };
  const auto n = static_cast<int64_t>(ranges_.size());
  std::atomic<int64_t> next_measured{0}, measured{0}, next_read{0};
  std::atomic<int> stage{kMeasuring};
  std::exception_ptr layout_error;
  const auto work = [&] {
    for (int64_t i; (i = next_measured.fetch_add(1, std::memory_order_relaxed)) < n;) {
      measure(ranges_[static_cast<size_t>(i)]);
      if (measured.fetch_add(1, std::memory_order_acq_rel) + 1 < n) continue;
      stage.store(lay_out_all(layout_error) ? kReading : kFailed, std::memory_order_release);
      stage.notify_all();
    }
    for (int spins = 0; spins < kSpins && stage.load(std::memory_order_relaxed) == kMeasuring;)
      ++spins;
    stage.wait(kMeasuring, std::memory_order_acquire);
    if (stage.load(std::memory_order_relaxed) == kFailed) return;
    for (int64_t i; (i = next_read.fetch_add(1, std::memory_order_relaxed)) < n;) {
      Range& range = ranges_[static_cast<size_t>(i)];
      attempt(range, [&] {
        for (size_t slot = 0; slot < columns_.size(); ++slot) read(range, slot);
      });
    }
  };
  if (n == 0) {
    lay_out_all(layout_error);
  } else {
    base::parallel_for(std::min<int64_t>(n, base::num_threads()), 1,
                       [&](int64_t, int64_t) { work(); });
  }
  for (Range& range : ranges_) {
    if (range.error) std::rethrow_exception(range.error);
    if (range.foreign != nullptr && foreign_ == nullptr) {
      foreign_ = range.foreign;
      foreign_row_ = range.foreign_row;
    }
  }
  if (layout_error) std::rethrow_exception(layout_error);
}

// Calls `body` for the rows of the range. An error is kept, and only the rows before its own are
// left to whoever comes after: so the error that remains is that of the first row that cannot be
// measured, or else read.
template <class F>
void Batch::attempt(Range& range, const F& body) {
  if (range.begin == range.end && range.error) return;
  try {
    body();
  } catch (const Error& error) {
    range.error = std::current_exception();
    range.end = std::clamp(error.where().row, range.begin, range.end);
  } catch (...) {
    range.error = std::current_exception();
    range.end = range.begin;
  }
}

bool Batch::lay_out_all(std::exception_ptr& error) noexcept {
  for (const Range& range : ranges_) {
    if (range.error) return false;
  }
  try {
    for (size_t slot = 0; slot < columns_.size(); ++slot) lay_out(slot);
  } catch (...) {
    error = std::current_exception();
    return false;
  }
  return true;
}

ColumnView Batch::view(const Range& range, size_t slot) const {
  const auto stride = static_cast<int64_t>(columns_.size());
  return {records_ + range.begin, spans_ + range.begin * stride + static_cast<int64_t>(slot),
          stride, range.rows()};
}

bool Batch::missing(int64_t row, size_t slot) const {
  return spans_[static_cast<size_t>(row) * columns_.size() + slot].offset == kMissing;
}

int64_t* Batch::string_bytes(const Range& range, size_t slot) {
  const auto at = static_cast<size_t>(&range - ranges_.data());
  return string_bytes_.data() + (at * columns_.size() + slot) * kStringLanes;
}

void Batch::measure(Range& range) noexcept {
  attempt(range, [&] { scan(range); });
  note_seen(range);
  for (size_t slot = 0; slot < columns_.size(); ++slot) {
    attempt(range, [&] { measure_slot(range, slot); });
  }
}

Scanner* Batch::scanner() const {
  const ScanKernel& kernel = WEFT_KERNEL(scan_kernel);
  return plan_.sequence() ? kernel.sequence_examples : kernel.examples;
}

void Batch::scan(Range& range) {
  const auto stride = static_cast<int64_t>(columns_.size());
  Scanner* const kernel = scanner();
  std::unique_ptr<OwnedScanState> state = states_.take();
  for (int64_t row = range.begin; row < range.end; ++row) {
    row += kernel(state->state(), records_ + row, range.end - row, spans_ + row * stride);
    if (row < range.end) rewrite(range, row);
  }
  states_.give(std::move(state));
}

void Batch::note_seen(const Range& range) noexcept {
  for (size_t slot = 0; slot < columns_.size(); ++slot) {
    if (seen_[slot].load(std::memory_order_relaxed)) continue;
    for (int64_t row = range.begin; row < range.end; ++row) {
      if (missing(row, slot)) continue;
      seen_[slot].store(true, std::memory_order_relaxed);
      break;
    }
  }
}

void Batch::measure_slot(Range& range, size_t slot) {
  const Slot& what = plan_.slots()[slot];
  const ColumnKernel& kernel = WEFT_KERNEL(column_kernel);
  if (what.steps) {
    measure_steps(range, slot);
  } else if (what.variable()) {
    int64_t* lengths = columns_[slot].row_splits.mutable_values<int64_t>().data() + 1 + range.begin;
    measure_lists(range, slot, lengths);
    if (what.kind == Slot::Kind::kPadded && what.elements != 1) check_lengths(range, slot, lengths);
  } else if (what.elements != 1) {
    std::vector<int64_t> lengths(static_cast<size_t>(range.rows()));
    measure_lists(range, slot, lengths.data());
    check_lengths(range, slot, lengths.data());
  } else if (what.dtype == DType::kInt64) {
    read_scalars<int64_t>(range, slot, kernel.int64_scalars);
  } else if (what.dtype == DType::kFloat32) {
    read_scalars<float>(range, slot, kernel.float_scalars);
  } else {
    measure_strings(range, slot);
  }
}

template <class T>
void Batch::read_scalars(Range& range, size_t slot,
                         int64_t (*kernel)(const ColumnView&, int64_t, T*) noexcept) {
  const ColumnView rows = view(range, slot);
  const std::optional<Tensor>& otherwise = plan_.slots()[slot].default_value;
  T* out = columns_[slot].values.mutable_values<T>().data() + range.begin;
  for (int64_t row = kernel(rows, 0, out); row < rows.rows; row = kernel(rows, row, out)) {
    if (!missing(range.begin + row, slot)) {
      rewrite_once(range, range.begin + row, slot);
    } else if (otherwise) {
      out[row++] = otherwise->values<T>()[0];
    } else {
      fail_missing(range.begin + row, slot);
    }
  }
}

void Batch::measure_strings(Range& range, size_t slot) {
  const auto kernel = WEFT_KERNEL(string_kernel).scalar_sizes;
  const ColumnView rows = view(range, slot);
  const std::optional<Tensor>& otherwise = plan_.slots()[slot].default_value;
  int64_t bytes = 0;
  for (int64_t row = kernel(rows, 0, &bytes); row < rows.rows; row = kernel(rows, row, &bytes)) {
    if (!missing(range.begin + row, slot)) {
      rewrite_once(range, range.begin + row, slot);
    } else if (otherwise) {
      bytes += static_cast<int64_t>(otherwise->bytes()[0].size());
      ++row;
    } else {
      fail_missing(range.begin + row, slot);
    }
  }
  string_bytes(range, slot)[0] = bytes;
}

void Batch::measure_lists(Range& range, size_t slot, int64_t* lengths) {
  const DType dtype = plan_.slots()[slot].dtype;
  if (dtype == DType::kString) return measure_string_lists(range, slot, lengths);
  const ColumnKernel& kernel = WEFT_KERNEL(column_kernel);
  const auto measure = dtype == DType::kInt64 ? kernel.int64_lengths : kernel.float_lengths;
  const ColumnView rows = view(range, slot);
  for (int64_t row = 0; (row = measure(rows, row, lengths)) < rows.rows;) {
    rewrite_once(range, range.begin + row, slot);
  }
}

void Batch::measure_string_lists(Range& range, size_t slot, int64_t* lengths) {
  const auto measure = WEFT_KERNEL(string_kernel).lengths;
  StringLane lanes[kStringLanes];
  for (int k = 0; k < kStringLanes; ++k) {
    lanes[k] = {
        .row = range.lane(k), .end = range.lane(k + 1), .bytes = 0, .list_bytes = 0, .sink = {}};
  }
  while (const StringLane* stopped = measure(view(range, slot), lanes, lengths)) {
    rewrite_once(range, range.begin + stopped->row, slot);
  }
  for (int k = 0; k < kStringLanes; ++k) string_bytes(range, slot)[k] = lanes[k].bytes;
}

// Of kFixed (one number of values, or missing) and of kPadded (a multiple).
void Batch::check_lengths(const Range& range, size_t slot, const int64_t* lengths) {
  const Slot& what = plan_.slots()[slot];
  for (int64_t i = 0; i < range.rows(); ++i) {
    const int64_t row = range.begin + i;
    if (what.variable()) {
      if (lengths[i] % what.elements != 0) fail_count(row, slot);
    } else if (missing(row, slot)) {
      if (!what.default_value) fail_missing(row, slot);
      if (what.dtype != DType::kString) continue;
      string_bytes(range, slot)[0] += what.default_value->bytes().offsets().back();
    } else if (lengths[i] != what.elements) {
      fail_count(row, slot);
    }
  }
}

void Batch::rewrite(Range& range, int64_t row) {
  RecordMeaning meaning(plan_);
  try {
    meaning.read(serialized_[static_cast<size_t>(row)], options_);
    if (meaning.foreign() != nullptr) {
      if (options_.strict) throw_foreign(meaning.foreign(), plan_.record_type());
      if (range.foreign == nullptr) range.foreign_row = row;
      if (range.foreign == nullptr) range.foreign = meaning.foreign();
    }
    range.rewritten.push_back(meaning.canonical());
  } catch (Error& error) {
    error.locate({.row = row});
    throw;
  }
  std::string& record = range.rewritten.back();
  const auto size = static_cast<uint32_t>(record.size());
  record.resize(record.size() + kPadding);
  records_[row] = {reinterpret_cast<const uint8_t*>(record.data()), size, kPadding};
  std::unique_ptr<OwnedScanState> state = states_.take();
  const auto slots = static_cast<int64_t>(columns_.size());
  if (scanner()(state->state(), records_ + row, 1, spans_ + row * slots) != 1) {
    throw CorruptData("the record cannot be rewritten in canonical form", {.row = row});
  }
  states_.give(std::move(state));
}

// A list that is not canonical, in a record otherwise canonical; once rewritten, it must have the
// wrong number of values.
void Batch::rewrite_once(Range& range, int64_t row, size_t slot) {
  if (records_[row].padding != 0) fail_count(row, slot);
  rewrite(range, row);
}

void Batch::fail_missing(int64_t row, size_t slot) const {
  const Slot& what = plan_.slots()[slot];
  throw InvalidArgument(
      std::string(what.steps ? "the feature list '" : "the feature '") + escape_bytes(what.key) +
          "' (" + dtype_name(what.dtype) +
          ") is required but the record does not have it, and it " +
          (what.steps ? "is not declared with allow_missing=True" : "has no default_value"),
      {.key = what.key, .row = row});
}

void Batch::fail_count(int64_t row, size_t slot) const {
  const Slot& what = plan_.slots()[slot];
  RecordMeaning meaning(plan_);
  try {
    meaning.read(serialized_[static_cast<size_t>(row)], options_);
  } catch (Error& error) {
    error.locate({.row = row});
    throw;
  }
  if (what.steps) fail_steps(meaning, row, slot);
  const FeatureValue& value = meaning.features()[slot];
  std::string text = plural(value.count(), "value") + " where shape " + shape_string(what.shape);
  text += what.variable() ? " takes a multiple of " : " takes ";
  throw InvalidArgument(text + std::to_string(what.elements),
                        {.key = what.key, .row = row, .offset = value.offset});
}

}  // namespace weft
