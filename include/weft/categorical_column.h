// The categorical columns of tf.feature_column: from a feature's values to ids.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "weft/export.h"
#include "weft/feature_column.h"
#include "weft/vocabulary.h"

namespace weft {

// Integers that are ids already. An id outside [0, num_buckets) becomes default_value; without one
// it is an error when a batch is read. Throws InvalidArgument if num_buckets < 1 or the default is
// outside the range.
class WEFT_API IdentityCategoricalColumn final : public CategoricalColumn {
 public:
  static constexpr const char* kClassName = "IdentityCategoricalColumn";
  static Column from_config(FieldReader& read);
  IdentityCategoricalColumn(std::string key, int64_t number_buckets,
                            std::optional<int64_t> default_value = {});
  const std::string& key() const { return key_; }
  int64_t num_buckets() const override { return number_buckets_; }
  std::optional<int64_t> default_value() const { return default_value_; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override { return key_; }
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  IdWeightPair ids(const IdsCall& call) const override;

 private:
  std::string key_;
  int64_t number_buckets_;
  std::optional<int64_t> default_value_;
};

// fingerprint64 of a string, or of an integer's decimal text, modulo hash_bucket_size, unsigned.
// `dtype`: kString, or any integer for integers of every width. Throws InvalidArgument if
// hash_bucket_size < 1 or dtype is another.
class WEFT_API HashedCategoricalColumn final : public CategoricalColumn {
 public:
  static constexpr const char* kClassName = "HashedCategoricalColumn";
  static Column from_config(FieldReader& read);
  HashedCategoricalColumn(std::string key, int64_t hash_bucket_size, DType dtype = DType::kString);
  const std::string& key() const { return key_; }
  DType dtype() const { return dtype_; }
  int64_t num_buckets() const override { return hash_bucket_size_; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override { return key_; }
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  IdWeightPair ids(const IdsCall& call) const override;

 private:
  std::string key_;
  int64_t hash_bucket_size_;
  DType dtype_;
};

// What becomes of a value that a vocabulary of `size` entries does not hold: with num_oov_buckets
// it is size + its fingerprint (fingerprint64, of an integer's decimal text) modulo them; otherwise
// default_value, of which -1 is no id: it embeds to zeros and counts in the length.
struct OutOfVocabulary {
  int64_t num_oov_buckets = 0;
  int64_t default_value = -1;
};

// The place of a value in a list of strings or integers. `dtype`: the feature's; the list's own
// when unset. Throws InvalidArgument for an empty list, a repeated entry, num_oov_buckets < 0 or
// together with a default_value, a default_value outside [-1, entries), or a dtype that does not go
// with the list.
class WEFT_API VocabularyListCategoricalColumn final : public CategoricalColumn {
 public:
  static constexpr const char* kClassName = "VocabularyListCategoricalColumn";
  static Column from_config(FieldReader& read);
  VocabularyListCategoricalColumn(std::string key, const Tensor& vocabulary_list,
                                  std::optional<DType> dtype = {}, OutOfVocabulary out = {});
  const std::string& key() const { return key_; }
  DType dtype() const { return dtype_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }
  const OutOfVocabulary& out_of_vocabulary() const { return out_; }
  int64_t num_buckets() const override { return vocabulary_.size() + out_.num_oov_buckets; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override { return key_; }
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  IdWeightPair ids(const IdsCall& call) const override;

 private:
  std::string key_;
  Tensor vocabulary_list_;  // [V], strings or int64
  DType dtype_;
  OutOfVocabulary out_;
  Vocabulary vocabulary_;
};

// The place of a value in a file: one entry a line or a record, or a table file; see
// Vocabulary::open. `vocabulary_size`: how many of its entries count, all when unset: then the file
// is counted here. It is read by prepare(), or by the first batch.
// Throws InvalidArgument for an empty path, vocabulary_size < 1, and as the list does for the rest;
// what Vocabulary::count_entries throws, a file that is not there being InvalidArgument as well.
class WEFT_API VocabularyFileCategoricalColumn final : public CategoricalColumn {
 public:
  static constexpr const char* kClassName = "VocabularyFileCategoricalColumn";
  static Column from_config(FieldReader& read);
  // `file_format`: kept for TensorFlow's sake ("tfrecord_gzip"): formats are told by content.
  VocabularyFileCategoricalColumn(std::string key, std::string vocabulary_file,
                                  std::optional<int64_t> vocabulary_size = {},
                                  DType dtype = DType::kString, OutOfVocabulary out = {},
                                  std::optional<std::string> file_format = {});
  const std::string& key() const { return key_; }
  const std::string& vocabulary_file() const { return vocabulary_file_; }
  int64_t vocabulary_size() const { return vocabulary_size_; }
  DType dtype() const { return dtype_; }
  const OutOfVocabulary& out_of_vocabulary() const { return out_; }
  // Throws what Vocabulary::open throws.
  Vocabulary vocabulary() const;
  int64_t num_buckets() const override { return vocabulary_size_ + out_.num_oov_buckets; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override { return key_; }
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  void prepare() const override;
  IdWeightPair ids(const IdsCall& call) const override;

 private:
  std::string key_;
  std::string vocabulary_file_;
  int64_t vocabulary_size_;
  DType dtype_;
  OutOfVocabulary out_;
  std::optional<std::string> file_format_;
  mutable std::once_flag opened_;
  mutable std::optional<Vocabulary> vocabulary_;
};

// The ids of another categorical column with a weight each, from the feature `weight_feature_key`
// of `dtype`, whose rows (and steps) hold as many weights as there are ids. In a dense array a
// weight of 0 counts as absent, as -1 and "" do among the values.
// Throws InvalidArgument unless the column is categorical and without weights, and `dtype` an
// integer or floating.
class WEFT_API WeightedCategoricalColumn final : public CategoricalColumn {
 public:
  static constexpr const char* kClassName = "WeightedCategoricalColumn";
  static Column from_config(FieldReader& read);
  WeightedCategoricalColumn(Column categorical_column, std::string weight_feature_key,
                            DType dtype = DType::kFloat32);
  const Column& categorical_column() const { return categorical_column_; }
  const CategoricalColumn& categorical() const;
  const std::string& weight_feature_key() const { return weight_feature_key_; }
  DType dtype() const { return dtype_; }
  bool is_sequence() const override { return categorical_column_->is_sequence(); }
  int64_t num_buckets() const override { return categorical().num_buckets(); }
  const char* class_name() const override { return kClassName; }
  std::string name() const override;  // "<categorical>_weighted_by_<key>"
  // Throws InvalidArgument if the column reads weight_feature_key too.
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  void prepare() const override { categorical_column_->prepare(); }
  IdWeightPair ids(const IdsCall& call) const override;

 private:
  Column categorical_column_;
  std::string weight_feature_key_;
  DType dtype_;
};

// Every combination of one value of each key, within a row or, for a sequence, within a step,
// hashed to hash_bucket_size buckets as TensorFlow's SparseCross does: strings enter by their
// fingerprint, integers as they are. A feature named by string that comes as a dense array is
// crossed cell by cell, -1 and "" included, and after the other keys.
// A sequence if a column among the keys is one; then all columns must be, and keys that are names
// are sequences too.
// Throws InvalidArgument for fewer than two keys, more than 64 leaves, hash_bucket_size < 1, and a
// key that is null, not categorical, weighted, or a hashed column (as TensorFlow: cross the feature
// by its name).
class WEFT_API CrossedColumn final : public CategoricalColumn {
 public:
  static constexpr const char* kClassName = "CrossedColumn";
  static Column from_config(FieldReader& read);
  CrossedColumn(CrossKeys keys, int64_t hash_bucket_size, std::optional<int64_t> hash_key = {});
  const CrossKeys& keys() const { return keys_; }
  // The keys with the keys of crosses among them in their place: what is crossed.
  CrossKeys leaves() const;
  std::optional<int64_t> hash_key() const { return hash_key_; }
  bool is_sequence() const override;
  int64_t num_buckets() const override { return hash_bucket_size_; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override;  // the leaves' names, sorted, "a_X_b"
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  void prepare() const override;
  IdWeightPair ids(const IdsCall& call) const override;

 private:
  CrossKeys keys_;
  int64_t hash_bucket_size_;
  std::optional<int64_t> hash_key_;
};

// The ids of another categorical column, as a sequence: the second dimension of its input is time.
// Throws InvalidArgument unless that column is categorical and not a sequence already.
class WEFT_API SequenceCategoricalColumn final : public CategoricalColumn {
 public:
  static constexpr const char* kClassName = "SequenceCategoricalColumn";
  static Column from_config(FieldReader& read);
  explicit SequenceCategoricalColumn(Column categorical_column);
  const Column& categorical_column() const { return categorical_column_; }
  const CategoricalColumn& categorical() const;
  bool is_sequence() const override { return true; }
  int64_t num_buckets() const override { return categorical().num_buckets(); }
  const char* class_name() const override { return kClassName; }
  std::string name() const override;
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  void prepare() const override { categorical_column_->prepare(); }
  IdWeightPair ids(const IdsCall& call) const override;

 private:
  Column categorical_column_;
};

// --- The functions of tf.feature_column --------------------------------------------------------
// They make the classes above and throw what their constructors throw. The sequence_ form of each
// makes a SequenceCategoricalColumn of it. sequence_weighted_... and sequence_crossed_... are
// weft's: TensorFlow has no sequences of these.

WEFT_API Column categorical_column_with_identity(std::string key, int64_t num_buckets,
                                                 std::optional<int64_t> default_value = {});
WEFT_API Column sequence_categorical_column_with_identity(
    std::string key, int64_t num_buckets, std::optional<int64_t> default_value = {});
WEFT_API Column categorical_column_with_hash_bucket(std::string key, int64_t hash_bucket_size,
                                                    DType dtype = DType::kString);
WEFT_API Column sequence_categorical_column_with_hash_bucket(std::string key,
                                                             int64_t hash_bucket_size,
                                                             DType dtype = DType::kString);
WEFT_API Column categorical_column_with_vocabulary_list(std::string key,
                                                        const Tensor& vocabulary_list,
                                                        std::optional<DType> dtype = {},
                                                        int64_t default_value = -1,
                                                        int64_t num_oov_buckets = 0);
WEFT_API Column sequence_categorical_column_with_vocabulary_list(std::string key,
                                                                 const Tensor& vocabulary_list,
                                                                 std::optional<DType> dtype = {},
                                                                 int64_t default_value = -1,
                                                                 int64_t num_oov_buckets = 0);
WEFT_API Column categorical_column_with_vocabulary_file(
    std::string key, std::string vocabulary_file, std::optional<int64_t> vocabulary_size = {},
    DType dtype = DType::kString, std::optional<int64_t> default_value = {},
    int64_t num_oov_buckets = 0, std::optional<std::string> file_format = {});
WEFT_API Column sequence_categorical_column_with_vocabulary_file(
    std::string key, std::string vocabulary_file, std::optional<int64_t> vocabulary_size = {},
    int64_t num_oov_buckets = 0, std::optional<int64_t> default_value = {},
    DType dtype = DType::kString);
WEFT_API Column weighted_categorical_column(Column categorical_column,
                                            std::string weight_feature_key,
                                            DType dtype = DType::kFloat32);
// `categorical_column` may be a sequence or not.
WEFT_API Column sequence_weighted_categorical_column(const Column& categorical_column,
                                                     std::string weight_feature_key,
                                                     DType dtype = DType::kFloat32);
WEFT_API Column crossed_column(CrossKeys keys, int64_t hash_bucket_size,
                               std::optional<int64_t> hash_key = {});
// Columns among the keys may be sequences or not.
WEFT_API Column sequence_crossed_column(const CrossKeys& keys, int64_t hash_bucket_size,
                                        std::optional<int64_t> hash_key = {});

}  // namespace weft
