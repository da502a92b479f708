#include "column/checks.h"
#include "column/fields.h"

namespace weft {

HashedCategoricalColumn::HashedCategoricalColumn(std::string key, int64_t hash_bucket_size,
                                                 DType dtype)
    : key_(std::move(key)), hash_bucket_size_(hash_bucket_size), dtype_(dtype) {
  if (hash_bucket_size_ < 1) {
    throw InvalidArgument("hash_bucket_size must be at least 1. hash_bucket_size: " +
                          std::to_string(hash_bucket_size_) + ", key: " + escape_bytes(key_));
  }
  check_string_or_integer(dtype_, key_);
}

ParseSpec HashedCategoricalColumn::parse_example_spec() const {
  return {{key_, VarLenFeature{dtype_}}};
}

Fields HashedCategoricalColumn::config() const {
  return {{"key", key_}, {"hash_bucket_size", hash_bucket_size_}, {"dtype", dtype_}};
}

Column HashedCategoricalColumn::from_config(FieldReader& read) {
  return std::make_shared<HashedCategoricalColumn>(read.get<std::string>("key"),
                                                   read.get<int64_t>("hash_bucket_size"),
                                                   read.get<DType>("dtype"));
}

Column categorical_column_with_hash_bucket(std::string key, int64_t hash_bucket_size, DType dtype) {
  return std::make_shared<HashedCategoricalColumn>(std::move(key), hash_bucket_size, dtype);
}

Column sequence_categorical_column_with_hash_bucket(std::string key, int64_t hash_bucket_size,
                                                    DType dtype) {
  return std::make_shared<SequenceCategoricalColumn>(
      categorical_column_with_hash_bucket(std::move(key), hash_bucket_size, dtype));
}

}  // namespace weft
