#include "column/checks.h"
#include "column/fields.h"

namespace weft {
namespace {

Tensor checked_list(const Tensor& list, const std::string& key) {
  if (list.rank() == 1 && list.size() > 0)
    return list.dtype() == DType::kString ? list : as_int64(list, "the entries of vocabulary_list");
  throw InvalidArgument("vocabulary_list must be a list of entries and not empty, column_name: " +
                        escape_bytes(key));
}

Vocabulary vocabulary_of(const Tensor& list, const std::string& key) {
  try {
    return Vocabulary::from_entries(list);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument("Duplicate keys in vocabulary_list, column_name: " + escape_bytes(key) +
                          ": " + error.what());
  }
}

}  // namespace

VocabularyListCategoricalColumn::VocabularyListCategoricalColumn(std::string key,
                                                                 const Tensor& vocabulary_list,
                                                                 std::optional<DType> dtype,
                                                                 OutOfVocabulary out)
    : key_(std::move(key)),
      vocabulary_list_(checked_list(vocabulary_list, key_)),
      dtype_(dtype.value_or(vocabulary_list_.dtype())),
      out_(out),
      vocabulary_(vocabulary_of(vocabulary_list_, key_)) {
  check_string_or_integer(dtype_, key_);
  check_out_of_vocabulary(out_, vocabulary_.size(), key_);
  if ((dtype_ == DType::kString) == (vocabulary_list_.dtype() == DType::kString)) return;
  throw InvalidArgument(std::string("dtype ") + dtype_name(dtype_) + " and vocabulary dtype " +
                        dtype_name(vocabulary_list_.dtype()) +
                        " do not match, column_name: " + escape_bytes(key_));
}

ParseSpec VocabularyListCategoricalColumn::parse_example_spec() const {
  return {{key_, VarLenFeature{dtype_}}};
}

Fields VocabularyListCategoricalColumn::config() const {
  return {{"key", key_},
          {"vocabulary_list", vocabulary_list_},
          {"dtype", dtype_},
          {"default_value", out_.default_value},
          {"num_oov_buckets", out_.num_oov_buckets}};
}

Column VocabularyListCategoricalColumn::from_config(FieldReader& read) {
  return std::make_shared<VocabularyListCategoricalColumn>(
      read.get<std::string>("key"), read.get<Tensor>("vocabulary_list"),
      read.get_optional<DType>("dtype"),
      OutOfVocabulary{read.get<int64_t>("num_oov_buckets"), read.get<int64_t>("default_value")});
}

Column categorical_column_with_vocabulary_list(std::string key, const Tensor& vocabulary_list,
                                               std::optional<DType> dtype, int64_t default_value,
                                               int64_t num_oov_buckets) {
  return std::make_shared<VocabularyListCategoricalColumn>(
      std::move(key), vocabulary_list, dtype, OutOfVocabulary{num_oov_buckets, default_value});
}

Column sequence_categorical_column_with_vocabulary_list(std::string key,
                                                        const Tensor& vocabulary_list,
                                                        std::optional<DType> dtype,
                                                        int64_t default_value,
                                                        int64_t num_oov_buckets) {
  return std::make_shared<SequenceCategoricalColumn>(categorical_column_with_vocabulary_list(
      std::move(key), vocabulary_list, dtype, default_value, num_oov_buckets));
}

}  // namespace weft
