#include "column/checks.h"
#include "column/fields.h"

namespace weft {
namespace {

int64_t checked_size(const std::string& path, std::optional<int64_t> size, const std::string& key) {
  if (path.empty()) throw InvalidArgument("Missing vocabulary_file in " + escape_bytes(key) + ".");
  try {
    if (!size) size = Vocabulary::count_entries(path);
  } catch (const NotFound&) {
    throw InvalidArgument("vocabulary_file in " + escape_bytes(key) + " does not exist: '" +
                          escape_bytes(path) + "'");
  }
  if (*size >= 1) return *size;
  throw InvalidArgument("Invalid vocabulary_size " + std::to_string(*size) + " in " +
                        escape_bytes(key) + ".");
}

}  // namespace

VocabularyFileCategoricalColumn::VocabularyFileCategoricalColumn(
    std::string key, std::string vocabulary_file, std::optional<int64_t> vocabulary_size,
    DType dtype, OutOfVocabulary out, std::optional<std::string> file_format)
    : key_(std::move(key)),
      vocabulary_file_(std::move(vocabulary_file)),
      vocabulary_size_(checked_size(vocabulary_file_, vocabulary_size, key_)),
      dtype_(dtype),
      out_(out),
      file_format_(std::move(file_format)) {
  check_string_or_integer(dtype_, key_);
  check_out_of_vocabulary(out_, vocabulary_size_, key_);
  if (file_format_ && *file_format_ != "tfrecord_gzip") {
    throw InvalidArgument("file_format of " + escape_bytes(key_) +
                          " is None or 'tfrecord_gzip', got '" + escape_bytes(*file_format_) + "'");
  }
}

Vocabulary VocabularyFileCategoricalColumn::vocabulary() const {
  std::call_once(opened_, [&] {
    const DType entries = dtype_ == DType::kString ? DType::kString : DType::kInt64;
    vocabulary_ = Vocabulary::open(vocabulary_file_, {.size = vocabulary_size_, .dtype = entries});
  });
  return *vocabulary_;
}

void VocabularyFileCategoricalColumn::prepare() const { (void)vocabulary(); }

ParseSpec VocabularyFileCategoricalColumn::parse_example_spec() const {
  return {{key_, VarLenFeature{dtype_}}};
}

Fields VocabularyFileCategoricalColumn::config() const {
  return {{"key", key_},
          {"vocabulary_file", vocabulary_file_},
          {"vocabulary_size", vocabulary_size_},
          {"num_oov_buckets", out_.num_oov_buckets},
          {"dtype", dtype_},
          {"default_value", out_.default_value},
          {"file_format", optional_field(file_format_)}};
}

Column VocabularyFileCategoricalColumn::from_config(FieldReader& read) {
  return std::make_shared<VocabularyFileCategoricalColumn>(
      read.get<std::string>("key"), read.get<std::string>("vocabulary_file"),
      read.get_optional<int64_t>("vocabulary_size"), read.get<DType>("dtype"),
      OutOfVocabulary{read.get<int64_t>("num_oov_buckets"), read.get<int64_t>("default_value")},
      read.get_optional<std::string>("file_format"));
}

Column categorical_column_with_vocabulary_file(std::string key, std::string vocabulary_file,
                                               std::optional<int64_t> vocabulary_size, DType dtype,
                                               std::optional<int64_t> default_value,
                                               int64_t num_oov_buckets,
                                               std::optional<std::string> file_format) {
  return std::make_shared<VocabularyFileCategoricalColumn>(
      std::move(key), std::move(vocabulary_file), vocabulary_size, dtype,
      OutOfVocabulary{num_oov_buckets, default_value.value_or(-1)}, std::move(file_format));
}

Column sequence_categorical_column_with_vocabulary_file(
    std::string key, std::string vocabulary_file, std::optional<int64_t> vocabulary_size,
    int64_t num_oov_buckets, std::optional<int64_t> default_value, DType dtype) {
  return std::make_shared<SequenceCategoricalColumn>(categorical_column_with_vocabulary_file(
      std::move(key), std::move(vocabulary_file), vocabulary_size, dtype, default_value,
      num_oov_buckets));
}

}  // namespace weft
