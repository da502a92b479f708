// Dropping absent values: what is left of rows of steps.
#include <algorithm>

#include "ids/rows.h"

namespace weft {
namespace {

// Which of n weights are `wanted`.
int64_t mark_weights(std::span<const float> values, std::optional<int64_t> wanted,
                     std::vector<uint8_t>& absent) {
  if (!wanted) return 0;
  absent.resize(values.size());
  std::ranges::transform(values, absent.begin(), [&](float value) {
    return value == static_cast<float>(*wanted) ? uint8_t{1} : uint8_t{0};
  });
  return std::ranges::count(absent, uint8_t{1});
}

// Which of n integers equal `wanted`, as TensorFlow casts it to their type: -1 is the largest value
// of an unsigned one. Any other number that does not fit the type equals none.
template <class T>
int64_t mark_integers(const Tensor& values, std::optional<int64_t> absent_value,
                      std::vector<uint8_t>& absent) {
  if (!absent_value) return 0;
  const int64_t wanted = *absent_value;
  const T as_type = static_cast<T>(wanted);
  if (wanted != -1 && (static_cast<int64_t>(as_type) != wanted || (wanted < 0) != (as_type < 0)))
    return 0;
  const auto from = values.values<T>();
  int64_t count = 0;
  for (T value : from) count += value == as_type ? 1 : 0;
  if (count == 0) return 0;
  absent.resize(from.size());
  for (size_t i = 0; i < from.size(); ++i) absent[i] = from[i] == as_type ? 1 : 0;
  // Counted again: borrowed values may have changed.
  return std::ranges::count(absent, uint8_t{1});
}

int64_t mark_strings(const Bytes& values, const std::optional<std::string>& wanted,
                     std::vector<uint8_t>& absent) {
  if (!wanted) return 0;
  absent.resize(static_cast<size_t>(values.size()));
  int64_t count = 0;
  for (int64_t i = 0; i < values.size(); ++i) {
    const bool equal = values[i] == *wanted;
    absent[static_cast<size_t>(i)] = equal ? 1 : 0;
    count += equal ? 1 : 0;
  }
  return count;
}

int64_t mark_absent(const Tensor& values, const Missing& missing, std::vector<uint8_t>& absent) {
  switch (values.dtype()) {
    case DType::kInt8:
      return mark_integers<int8_t>(values, missing.integer, absent);
    case DType::kInt16:
      return mark_integers<int16_t>(values, missing.integer, absent);
    case DType::kInt32:
      return mark_integers<int32_t>(values, missing.integer, absent);
    case DType::kInt64:
      return mark_integers<int64_t>(values, missing.integer, absent);
    case DType::kUInt8:
      return mark_integers<uint8_t>(values, missing.integer, absent);
    case DType::kUInt16:
      return mark_integers<uint16_t>(values, missing.integer, absent);
    case DType::kUInt32:
      return mark_integers<uint32_t>(values, missing.integer, absent);
    case DType::kUInt64:
      return mark_integers<uint64_t>(values, missing.integer, absent);
    case DType::kFloat32:
      return mark_weights(values.values<float>(), missing.integer, absent);
    case DType::kString:
      return mark_strings(values.bytes(), missing.text, absent);
    default:
      return 0;
  }
}

// Word: as wide as an element, whatever that is.
template <class Word>
Tensor kept_numbers(const Tensor& values, const std::vector<uint8_t>& absent, int64_t kept) {
  Buffer buffer = Buffer::allocate(kept * static_cast<int64_t>(sizeof(Word)));
  const auto* from = reinterpret_cast<const Word*>(values.buffer().data());
  auto* to = reinterpret_cast<Word*>(buffer.mutable_data());
  for (size_t i = 0; i < absent.size(); ++i) {
    if (absent[i] == 0) *to++ = from[i];
  }
  return Tensor::from_buffer(values.dtype(), {kept}, std::move(buffer));
}

Tensor kept_values(const Tensor& values, const std::vector<uint8_t>& absent, int64_t kept) {
  switch (dtype_size(values.dtype())) {
    case 1:
      return kept_numbers<uint8_t>(values, absent, kept);
    case 2:
      return kept_numbers<uint16_t>(values, absent, kept);
    case 4:
      return kept_numbers<uint32_t>(values, absent, kept);
    case 8:
      return kept_numbers<uint64_t>(values, absent, kept);
    default:
      break;
  }
  std::vector<std::string_view> strings;
  strings.reserve(static_cast<size_t>(kept));
  for (int64_t i = 0; i < values.size(); ++i) {
    if (absent[static_cast<size_t>(i)] == 0) strings.push_back(values.bytes()[i]);
  }
  return Tensor::strings({kept}, Bytes::from(strings));
}

// Builds the splits of what is left. A row of a one-level feature ends with its last value, and so
// does one of two levels if `trim`.
class Rest {
 public:
  Rest(const FeatureRows& rows, const std::vector<uint8_t>& absent, bool trim)
      : rows_(rows),
        absent_(absent),
        two_levels_(rows.splits.size() == 2),
        trim_(trim || !two_levels_) {
    const auto outer = rows.splits[0].values<int64_t>();
    outer_ = Tensor(DType::kInt64, {static_cast<int64_t>(outer.size())});
    inner_.reserve(static_cast<size_t>(outer.back()) + 1);
    inner_.push_back(0);
    auto to = outer_.mutable_values<int64_t>();
    to[0] = 0;
    for (size_t row = 0; row + 1 < outer.size(); ++row) {
      add_row(outer[row], outer[row + 1]);
      to[row + 1] = static_cast<int64_t>(inner_.size()) - 1;
    }
  }

  // One level suffices where every step that is left holds one value.
  std::vector<Tensor> splits() const {
    if (one_each_) return {outer_};
    return {outer_, Tensor::of<int64_t>({static_cast<int64_t>(inner_.size())},
                                        std::span<const int64_t>(inner_))};
  }

 private:
  void add_row(int64_t begin, int64_t end) {
    const size_t first = inner_.size();
    size_t last = first;
    for (int64_t step = begin; step < end; ++step) {
      const int64_t kept = kept_in(step);
      inner_.push_back(inner_.back() + kept);
      if (kept > 0) last = inner_.size();
    }
    if (trim_) inner_.resize(last);
    for (size_t i = first; one_each_ && i < inner_.size(); ++i)
      one_each_ = inner_[i] == inner_[i - 1] + 1;
  }

  int64_t kept_in(int64_t step) const {
    if (!two_levels_) return absent_[static_cast<size_t>(step)] == 0 ? 1 : 0;
    const auto inner = rows_.splits[1].values<int64_t>();
    int64_t kept = 0;
    for (int64_t i = inner[static_cast<size_t>(step)]; i < inner[static_cast<size_t>(step) + 1];
         ++i) {
      kept += absent_[static_cast<size_t>(i)] == 0 ? 1 : 0;
    }
    return kept;
  }

  const FeatureRows& rows_;
  const std::vector<uint8_t>& absent_;
  const bool two_levels_;
  const bool trim_;
  bool one_each_ = true;
  Tensor outer_;
  std::vector<int64_t> inner_;
};

}  // namespace

void drop_absent(FeatureRows& rows, const std::string& key, const IdsOptions& options, bool dense) {
  std::vector<uint8_t> absent;
  const int64_t dropped = mark_absent(rows.values, options.missing, absent);
  if (dropped == 0) return;
  if (options.strict && !options.missing.everywhere) {
    const int64_t first = std::ranges::find(absent, uint8_t{1}) - absent.begin();
    throw InvalidArgument("strict: a value of column '" + escape_bytes(key) +
                              "' counts as absent, as -1 and \"\" do in a dense array, and would "
                              "be dropped silently; "
                              "where it is padding, say so: missing=" +
                              (rows.values.dtype() == DType::kString ? "\"\"" : "-1"),
                          place_of(rows, first, key));
  }
  const Rest rest(rows, absent, dense);
  rows.values = kept_values(rows.values, absent, rows.values.size() - dropped);
  rows.splits = rest.splits();
  rows.dropped = dropped;
}

}  // namespace weft
