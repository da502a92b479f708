#include <algorithm>

#include "ids/numbers.h"
#include "ids/rows.h"

namespace weft {
namespace {

const IdsOptions kNothingAbsent{.missing = {.integer = {}, .text = {}}};

[[noreturn]] void refuse(const std::string& key, const std::string& text, int64_t row = -1) {
  throw InvalidArgument(text, {.key = key, .row = row});
}

// Times as they are compared: int64 or double.
Tensor times_of(const FeatureRows& rows, const std::string& key) {
  const Tensor& values = rows.values;
  if (is_floating(values.dtype())) return as_floating(values, DType::kFloat64, "times");
  if (!is_integer(values.dtype())) {
    throw WrongType("Invalid input, not numbers. key: " + escape_bytes(key) +
                        " dtype: " + dtype_name(values.dtype()),
                    {.key = key});
  }
  if (values.dtype() == DType::kUInt64) {
    const auto all = values.values<uint64_t>();
    const auto late = std::ranges::find_if(all, [](uint64_t time) { return time > INT64_MAX; });
    if (late != all.end()) {
      throw OutOfRange("the time " + std::to_string(*late) + " is beyond int64",
                       place_of(rows, late - all.begin(), key));
    }
  }
  return as_int64(values, "times");
}

double between(double from, double to) { return to - from; }
double between(int64_t from, int64_t to) {
  int64_t delta = 0;
  if (!__builtin_sub_overflow(to, from, &delta)) return static_cast<double>(delta);
  return static_cast<double>(to) - static_cast<double>(from);
}

// The one value of each row of the feature `key`, in `dtype`.
Tensor one_a_row(const Feature& feature, const std::string& key, DType dtype) {
  const FeatureRows rows = rows_of(feature, key, kNothingAbsent);
  const auto splits = rows.splits[0].values<int64_t>();
  for (size_t row = 0; row + 1 < splits.size(); ++row) {
    const auto begin = static_cast<size_t>(splits[row]), end = static_cast<size_t>(splits[row + 1]);
    const int64_t count = rows.splits.size() == 1 ? splits[row + 1] - splits[row]
                                                  : rows.splits[1].values<int64_t>()[end] -
                                                        rows.splits[1].values<int64_t>()[begin];
    if (count != 1) {
      refuse(key, "the feature must hold one time in each row, got " + std::to_string(count),
             static_cast<int64_t>(row));
    }
  }
  Tensor times = times_of(rows, key);
  if (times.dtype() == dtype) return times;
  if (dtype == DType::kFloat64) return as_floating(times, dtype, "times");
  throw WrongType("the times of '" + escape_bytes(key) + "' are floating, the steps' are integers",
                  {.key = key});
}

// The first and last value of each row. Times stand one in a step.
Tensor row_splits_of(const FeatureRows& rows, const std::string& key) {
  if (rows.splits.size() == 1) return rows.splits[0];
  const auto inner = rows.splits[1].values<int64_t>();
  for (size_t step = 0; step + 1 < inner.size(); ++step) {
    if (inner[step + 1] - inner[step] > 1) {
      const Where where = place_of(rows, inner[step], key);
      throw InvalidArgument("a step holds several times", where);
    }
  }
  Tensor splits(DType::kInt64, rows.splits[0].shape());
  std::ranges::transform(rows.splits[0].values<int64_t>(), splits.mutable_values<int64_t>().begin(),
                         [&](int64_t step) { return inner[static_cast<size_t>(step)]; });
  return splits;
}

template <class T>
Tensor deltas(const Tensor& times, const Tensor& splits, const Tensor* reference, double unit) {
  Tensor result(DType::kFloat64, {times.size()});
  const auto at = times.values<T>();
  const auto to = result.mutable_values<double>();
  const auto rows = splits.values<int64_t>();
  const auto references = reference != nullptr ? reference->values<T>() : std::span<const T>();
  for (size_t row = 0; row + 1 < rows.size(); ++row) {
    const auto begin = static_cast<size_t>(rows[row]), end = static_cast<size_t>(rows[row + 1]);
    for (size_t i = begin; i < end; ++i) {
      const double delta = reference != nullptr ? between(at[i], references[row])
                           : i == begin         ? 0
                                                : between(at[i - 1], at[i]);
      to[i] = delta / unit;
    }
  }
  return result;
}

// Times and their rows: [N], [B + 1], and, with a reference, [B].
struct Times {
  Tensor at;
  Tensor splits;
  std::optional<Tensor> reference;
};

Times read_times(const Features& features, const FeatureRows& rows, const std::string& key,
                 const std::optional<std::string>& reference_key) {
  Times times{times_of(rows, key), row_splits_of(rows, key), {}};
  if (!reference_key) return times;
  times.reference =
      one_a_row(find_feature(features, *reference_key), *reference_key, times.at.dtype());
  if (times.reference->size() + 1 == times.splits.size()) return times;
  refuse(*reference_key, "the feature has " + std::to_string(times.reference->size()) + " rows, '" +
                             escape_bytes(key) + "' has " +
                             std::to_string(times.splits.size() - 1));
}

template <class T>
void mark_until(const Times& times, std::span<bool> kept) {
  const auto splits = times.splits.values<int64_t>();
  const auto at = times.at.values<T>(), until = times.reference->values<T>();
  for (size_t row = 0; row + 1 < splits.size(); ++row) {
    for (auto i = static_cast<size_t>(splits[row]); i < static_cast<size_t>(splits[row + 1]); ++i)
      kept[i] = at[i] <= until[row];
  }
}

// A step without a time could be neither kept nor left out.
void check_one_each(const FeatureRows& rows, const std::string& key) {
  const auto inner = rows.splits[1].values<int64_t>();
  for (size_t step = 0; step + 1 < inner.size(); ++step) {
    if (inner[step + 1] - inner[step] == 1) continue;
    throw InvalidArgument("every step must hold one time, so that it is known which ones are kept",
                          at_key(key));
  }
}

}  // namespace

Ragged steps_until(const Features& features, const std::string& key,
                   const std::string& reference_key) {
  const FeatureRows rows = rows_of(find_feature(features, key), key, kNothingAbsent);
  const Times times = read_times(features, rows, key, reference_key);
  if (rows.splits.size() == 2) check_one_each(rows, key);
  Tensor kept(DType::kBool, {times.at.size()});
  if (times.at.dtype() == DType::kInt64) {
    mark_until<int64_t>(times, kept.mutable_values<bool>());
  } else {
    mark_until<double>(times, kept.mutable_values<bool>());
  }
  return Ragged::trusted(std::move(kept), {times.splits});
}

Feature SequenceTimeDeltaColumn::numbers(const Features& features, DType dtype) const {
  const Feature& feature = find_feature(features, key_);
  return sequence_numbers(feature, "sequence_time_delta_column", key_, [&](const Tensor&) {
    const Times times =
        read_times(features, rows_of(feature, key_, kNothingAbsent), key_, reference_key_);
    const Tensor* reference = times.reference ? &*times.reference : nullptr;
    const Tensor found = times.at.dtype() == DType::kInt64
                             ? deltas<int64_t>(times.at, times.splits, reference, unit_)
                             : deltas<double>(times.at, times.splits, reference, unit_);
    return numbers_of(found, normalizer_fn_, dtype, key_);
  });
}

}  // namespace weft
