// One record -> its features, without a spec.
#include <cstring>
#include <utility>

#include "base/varint.h"
#include "example/record_reader.h"
#include "example/scan_kernel.h"
#include "example/wire.h"
#include "weft/error.h"
#include "weft/example.h"

namespace weft {
namespace {

Tensor int64_values(const FeatureValue& value) {
  Tensor values(DType::kInt64, {value.count()});
  base::decode_varints(reinterpret_cast<const uint8_t*>(value.values.data()),
                       static_cast<int64_t>(value.values.size()),
                       reinterpret_cast<uint64_t*>(values.mutable_values<int64_t>().data()));
  return values;
}

Tensor float_values(const FeatureValue& value) {
  Tensor values(DType::kFloat32, {value.count()});
  if (!value.values.empty()) {
    std::memcpy(values.mutable_values<float>().data(), value.values.data(), value.values.size());
  }
  return values;
}

Tensor string_values(const FeatureValue& value) {
  std::vector<std::string_view> strings;
  for (WireReader list(value.values); !list.at_end();) {
    list.next();
    strings.push_back(list.bytes());
  }
  return Tensor::strings({static_cast<int64_t>(strings.size())}, Bytes::from(strings));
}

Tensor values_of(const FeatureValue& value) {
  if (value.tag == kInt64Tag) return int64_values(value);
  return value.tag == kFloatTag ? float_values(value) : string_values(value);
}

void check_size(std::string_view serialized, const Limits& limits) {
  const auto size = static_cast<int64_t>(serialized.size());
  if (size <= limits.max_record_bytes) return;
  throw LimitExceeded("a record of " + std::to_string(size) + " bytes, above max_record_bytes = " +
                      std::to_string(limits.max_record_bytes));
}

// All steps, of which those with a kind must have the same one; int64 if none has.
Ragged steps_of(const std::string& key, const FeatureListValue& list) {
  FeatureValue all;
  Tensor lengths(DType::kInt64, {static_cast<int64_t>(list.steps.size())});
  int64_t* length = lengths.mutable_values<int64_t>().data();
  for (size_t i = 0; i < list.steps.size(); ++i) {
    const FeatureValue& step = list.steps[i];
    if (all.tag != 0 && step.tag != 0 && step.tag != all.tag) {
      throw InvalidArgument(std::string("a step of ") + tag_name(step.tag) +
                                " in a feature list of " + tag_name(all.tag),
                            {.key = key, .step = static_cast<int64_t>(i), .offset = step.offset});
    }
    if (step.tag != 0) all.tag = step.tag;
    all.values += step.values;
    *length++ = step.count();
  }
  if (all.tag == 0) all.tag = kInt64Tag;
  return Ragged::from_row_lengths(values_of(all), lengths);
}

using FoundFeatures = std::map<std::string, FeatureValue, std::less<>>;

FeatureFound keep_in(FoundFeatures& found) {
  return [&found](const std::string& key, FeatureValue& value) { std::swap(found[key], value); };
}

std::map<std::string, Tensor, std::less<>> tensors_of(const FoundFeatures& found) {
  std::map<std::string, Tensor, std::less<>> features;
  for (const auto& [key, value] : found) {
    if (value.tag != 0) features.emplace(key, values_of(value));
  }
  return features;
}

}  // namespace

std::map<std::string, Tensor, std::less<>> decode_example(std::string_view serialized,
                                                          const ParseOptions& options) {
  check_size(serialized, options.limits);
  FoundFeatures found;
  const ForeignName foreign = read_example(serialized, options.limits.max_keys, keep_in(found));
  if (foreign != nullptr && options.strict) throw_foreign(foreign, "tf.Example");
  return tensors_of(found);
}

DecodedSequenceExample decode_sequence_example(std::string_view serialized,
                                               const ParseOptions& options) {
  check_size(serialized, options.limits);
  FoundFeatures found;
  std::map<std::string, FeatureListValue, std::less<>> lists;
  bool has_lists = false;
  const ForeignName foreign = read_sequence_example(
      serialized, options.limits.max_keys, keep_in(found),
      [&](const std::string& key, FeatureListValue& list) { std::swap(lists[key], list); },
      &has_lists);
  if (foreign != nullptr && options.strict) throw_foreign(foreign, "tf.SequenceExample");
  DecodedSequenceExample decoded{.context = tensors_of(found), .feature_lists = {}};
  for (const auto& [key, list] : lists) decoded.feature_lists.emplace(key, steps_of(key, list));
  return decoded;
}

}  // namespace weft
