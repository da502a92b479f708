#include <algorithm>
#include <cstring>
#include <utility>

#include "base/cpu.h"
#include "base/varint.h"
#include "example/batch.h"
#include "weft/error.h"

namespace weft {
namespace {

void append(StringSink& sink, std::string_view text, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if (!text.empty()) std::memcpy(sink.data, text.data(), text.size());
    sink.data += text.size();
    *sink.offsets++ = sink.data - sink.text;
  }
}

std::string_view padding_text(const Slot& slot) {
  return slot.default_value ? slot.default_value->bytes()[0] : std::string_view();
}

}  // namespace

// rows x values within the limit.
void Batch::check_size(size_t slot, int64_t rows, int64_t values) const {
  int64_t total = 0;
  if (!__builtin_mul_overflow(rows, values, &total) && total <= options_.limits.max_batch_values)
    return;
  throw LimitExceeded("a batch of " + std::to_string(rows) + " rows of " + std::to_string(values) +
                          " values each, above max_batch_values = " +
                          std::to_string(options_.limits.max_batch_values),
                      {.key = plan_.slots()[slot].key});
}

// Turns lengths, from the second element on, into splits; returns the longest length.
int64_t Batch::add_up(Tensor& lengths) {
  auto splits = lengths.mutable_values<int64_t>();
  int64_t longest = 0;
  for (size_t i = 1; i < splits.size(); ++i) {
    longest = std::max(longest, splits[i]);
    splits[i] += splits[i - 1];
  }
  return longest;
}

// Makes the buffers of a slot; its string_bytes become places in the text.
void Batch::lay_out(size_t slot) {
  const Slot& what = plan_.slots()[slot];
  if (what.read_at_once()) return;
  Layout& layout = layouts_[slot];
  int64_t elements = 0;
  if (what.steps) {
    elements = lay_out_steps(slot);
  } else if (what.kind == Slot::Kind::kSparse || what.kind == Slot::Kind::kRagged) {
    add_up(columns_[slot].row_splits);
    elements = columns_[slot].splits().back();
    check_size(slot, 1, elements);
    layout.shape = {elements};
  } else {
    const bool padded = what.kind == Slot::Kind::kPadded;
    layout.width = padded ? add_up(columns_[slot].row_splits) : what.elements;
    check_size(slot, rows_, layout.width);
    elements = rows_ * layout.width;
    layout.shape =
        batch_shape(what, padded ? std::optional(layout.width / what.elements) : std::nullopt);
  }
  if (what.dtype != DType::kString) {
    columns_[slot].values = Tensor(what.dtype, std::move(layout.shape));
    return;
  }
  layout.text = Buffer::allocate(place_strings(slot));
  layout.offsets = Buffer::allocate((elements + 1) * 8);
  reinterpret_cast<int64_t*>(layout.offsets.mutable_data())[0] = 0;
}

// Adds up the strings' bytes, padding included: where each range's begin, and all of them.
int64_t Batch::place_strings(size_t slot) {
  const Slot& what = plan_.slots()[slot];
  const auto pad = static_cast<int64_t>(padding_text(what).size());
  int64_t bytes = 0;
  for (const Range& range : ranges_) {
    int64_t* lanes = string_bytes(range, slot);
    int64_t padding = 0;
    if (what.kind == Slot::Kind::kPadded) {
      const int64_t* splits = columns_[slot].splits().data();
      const int64_t values = splits[range.end] - splits[range.begin];
      padding =
          range.rows() * layouts_[slot].width - (what.steps ? values * what.elements : values);
    }
    bool over = __builtin_mul_overflow(padding, pad, &padding);
    for (int k = 0; k < kStringLanes; ++k) {
      over |= __builtin_add_overflow(std::exchange(lanes[k], bytes), bytes, &bytes);
    }
    if (__builtin_add_overflow(bytes, padding, &bytes) || over) {
      throw LimitExceeded("strings of more than 2^63 bytes", {.key = what.key});
    }
  }
  return bytes;
}

void Batch::read(Range& range, size_t slot) {
  const Slot& what = plan_.slots()[slot];
  if (what.steps) return read_steps(range, slot);
  if (what.dtype == DType::kString) return read_strings(range, slot);
  if (what.read_at_once()) return;  // while measuring
  if (what.dtype == DType::kInt64) return read_numbers<int64_t>(range, slot);
  read_numbers<float>(range, slot);
}

template <class T>
void Batch::read_numbers(Range& range, size_t slot) {
  const Slot& what = plan_.slots()[slot];
  SlotColumn& column = columns_[slot];
  T* out = column.values.mutable_values<T>().data();
  const ColumnView rows = view(range, slot);
  std::vector<int64_t> own;
  const int64_t* starts = nullptr;
  const int64_t width = layouts_[slot].width;
  if (what.kind == Slot::Kind::kFixed || what.kind == Slot::Kind::kPadded) {
    own.resize(static_cast<size_t>(rows.rows));
    for (int64_t i = 0; i < rows.rows; ++i) own[static_cast<size_t>(i)] = (range.begin + i) * width;
    starts = own.data();
  } else {
    starts = column.splits().data() + range.begin;
  }
  if constexpr (std::is_same_v<T, float>) {
    WEFT_KERNEL(column_kernel).float_values(rows, 0, starts, out);
  } else {
    const int64_t stopped =
        WEFT_KERNEL(column_kernel).int64_values(rows, 0, starts, base::varint_decoder(), out);
    if (stopped < rows.rows) fail_count(range.begin + stopped, slot);
  }
  if (what.kind == Slot::Kind::kFixed && what.default_value) {
    const auto otherwise = what.default_value->values<T>();
    for (int64_t i = 0; i < rows.rows; ++i) {
      if (missing(range.begin + i, slot)) std::ranges::copy(otherwise, out + starts[i]);
    }
  } else if (what.kind == Slot::Kind::kPadded) {
    const T pad = what.default_value ? what.default_value->values<T>()[0] : T{0};
    const int64_t* splits = column.splits().data() + range.begin;
    for (int64_t i = 0; i < rows.rows; ++i) {
      const int64_t length = splits[i + 1] - splits[i];
      std::fill(out + starts[i] + length, out + starts[i] + width, pad);
    }
  }
}

// Where the strings of a range go, string `first` before all others.
StringSink Batch::sink_of(Range& range, size_t slot, int64_t first) {
  Layout& layout = layouts_[slot];
  uint8_t* text = layout.text.mutable_data();
  const bool last = range.end == rows_;
  return {.data = text + string_bytes(range, slot)[0],
          .end = text + (last ? layout.text.size() : string_bytes((&range)[1], slot)[0]),
          .text = text,
          .offsets = reinterpret_cast<int64_t*>(layout.offsets.mutable_data()) + 1 + first};
}

void Batch::read_strings(Range& range, size_t slot) {
  const Slot& what = plan_.slots()[slot];
  if (what.kind == Slot::Kind::kSparse || what.kind == Slot::Kind::kRagged)
    return read_string_lists(range, slot);
  StringSink sink = sink_of(range, slot, range.begin * layouts_[slot].width);
  if (what.kind == Slot::Kind::kPadded) return read_padded_strings(range, slot, sink);
  const auto read_rows = WEFT_KERNEL(string_kernel).fixed_values;
  const ColumnView rows = view(range, slot);
  for (int64_t row = 0; (row = read_rows(rows, row, sink)) < rows.rows; ++row) {
    const Bytes& otherwise = what.default_value->bytes();
    for (int64_t i = 0; i < otherwise.size(); ++i) append(sink, otherwise[i], 1);
  }
}

void Batch::read_string_lists(Range& range, size_t slot) {
  Layout& layout = layouts_[slot];
  uint8_t* text = layout.text.mutable_data();
  auto* offsets = reinterpret_cast<int64_t*>(layout.offsets.mutable_data()) + 1;
  const int64_t* splits = columns_[slot].splits().data() + range.begin;
  const int64_t* begins = string_bytes(range, slot);
  StringLane lanes[kStringLanes];
  for (int k = 0; k < kStringLanes; ++k) {
    const bool last = k + 1 == kStringLanes;
    const int64_t end = !last                ? begins[k + 1]
                        : range.end == rows_ ? layout.text.size()
                                             : string_bytes((&range)[1], slot)[0];
    lanes[k] = {.row = range.lane(k),
                .end = range.lane(k + 1),
                .bytes = 0,
                .list_bytes = 0,
                .sink = {.data = text + begins[k],
                         .end = text + end,
                         .text = text,
                         .offsets = offsets + splits[range.lane(k)]}};
  }
  WEFT_KERNEL(string_kernel).values(view(range, slot), lanes);
}

void Batch::read_padded_strings(Range& range, size_t slot, StringSink& sink) {
  const Slot& what = plan_.slots()[slot];
  const auto read_rows = WEFT_KERNEL(string_kernel).fixed_values;
  const int64_t* splits = columns_[slot].splits().data() + range.begin;
  ColumnView row = view(range, slot);
  row.rows = 1;
  for (int64_t i = 0; i < range.rows(); ++i, ++row.records, row.spans += row.stride) {
    read_rows(row, 0, sink);
    append(sink, padding_text(what), layouts_[slot].width - (splits[i + 1] - splits[i]));
  }
}

}  // namespace weft
