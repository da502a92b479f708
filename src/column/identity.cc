#include "column/fields.h"

namespace weft {

IdentityCategoricalColumn::IdentityCategoricalColumn(std::string key, int64_t number_buckets,
                                                     std::optional<int64_t> default_value)
    : key_(std::move(key)), number_buckets_(number_buckets), default_value_(default_value) {
  if (number_buckets_ < 1) {
    throw InvalidArgument("num_buckets " + std::to_string(number_buckets_) + " < 1, column_name " +
                          escape_bytes(key_));
  }
  if (default_value_ && (*default_value_ < 0 || *default_value_ >= number_buckets_)) {
    throw InvalidArgument("default_value " + std::to_string(*default_value_) +
                          " not in range [0, " + std::to_string(number_buckets_) +
                          "), column_name " + escape_bytes(key_));
  }
}

ParseSpec IdentityCategoricalColumn::parse_example_spec() const {
  return {{key_, VarLenFeature{DType::kInt64}}};
}

Fields IdentityCategoricalColumn::config() const {
  return {{"key", key_},
          {"number_buckets", number_buckets_},
          {"default_value", optional_field(default_value_)}};
}

Column IdentityCategoricalColumn::from_config(FieldReader& read) {
  return std::make_shared<IdentityCategoricalColumn>(read.get<std::string>("key"),
                                                     read.get<int64_t>("number_buckets"),
                                                     read.get_optional<int64_t>("default_value"));
}

Column categorical_column_with_identity(std::string key, int64_t num_buckets,
                                        std::optional<int64_t> default_value) {
  return std::make_shared<IdentityCategoricalColumn>(std::move(key), num_buckets, default_value);
}

Column sequence_categorical_column_with_identity(std::string key, int64_t num_buckets,
                                                 std::optional<int64_t> default_value) {
  return std::make_shared<SequenceCategoricalColumn>(
      categorical_column_with_identity(std::move(key), num_buckets, default_value));
}

}  // namespace weft
