// One Example -> its features, without a spec.
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

}  // namespace

std::map<std::string, Tensor, std::less<>> decode_example(std::string_view serialized,
                                                          const ParseOptions& options) {
  const Limits& limits = options.limits;
  const auto size = static_cast<int64_t>(serialized.size());
  if (size > limits.max_record_bytes) {
    throw LimitExceeded(
        "a record of " + std::to_string(size) +
        " bytes, above max_record_bytes = " + std::to_string(limits.max_record_bytes));
  }
  std::map<std::string, FeatureValue, std::less<>> found;
  const ForeignName foreign = read_example(
      serialized, limits.max_keys,
      [&](const std::string& key, FeatureValue& value) { std::swap(found[key], value); });
  if (foreign != nullptr && options.strict) throw_foreign(foreign, "tf.Example");
  std::map<std::string, Tensor, std::less<>> features;
  for (const auto& [key, value] : found) {
    if (value.tag != 0) features.emplace(key, values_of(value));
  }
  return features;
}

}  // namespace weft
