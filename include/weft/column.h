// What a user declares: how features are parsed (ParseSpec) and what becomes of them (columns).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "weft/export.h"
#include "weft/initializer.h"
#include "weft/tensor.h"

namespace weft {

// --- The parse spec, as tf.io's classes of the same names -------------------------------------
// dtype is kInt64, kFloat32 or kString: the three kinds that a tf.Example holds.

// Exactly num_elements(shape) values in every record -> Tensor [B, shape...]. A record without the
// feature takes default_value (num_elements(shape) elements), or fails when there is none.
struct FixedLenFeature {
  Shape shape;
  DType dtype = DType::kFloat32;
  std::optional<Tensor> default_value;
};

// Any number of values -> SparseTensor [B, longest].
struct VarLenFeature {
  DType dtype = DType::kFloat32;
};

// A multiple of num_elements(shape) values -> Tensor [B, longest, shape...], padded with
// default_value (one element; 0 or "" when unset). Without allow_missing the feature must be there.
struct FixedLenSequenceFeature {
  Shape shape;
  DType dtype = DType::kFloat32;
  bool allow_missing = false;
  std::optional<Tensor> default_value;
};

// How the values of a RaggedFeature fall into rows: the int64 feature `key` holds it, or, for
// kUniformRowLength, `length` does.
struct RowPartition {
  enum class Kind {
    kRowSplits,
    kRowLengths,
    kRowStarts,
    kRowLimits,
    kValueRowIds,
    kUniformRowLength
  };
  Kind kind = Kind::kRowSplits;
  std::string key;
  int64_t length = 0;
  bool operator==(const RowPartition&) const = default;
};

// Any number of values -> Ragged of 1 + partitions.size() levels, outermost partition first.
// `value_key`: the feature that holds the values; the spec's own name when empty.
// `row_splits_dtype` and `validate` are kept for TensorFlow's sake: splits are int64 and always
// validated here.
struct RaggedFeature {
  DType dtype = DType::kFloat32;
  std::string value_key;
  std::vector<RowPartition> partitions;
  DType row_splits_dtype = DType::kInt32;
  bool validate = false;
};

// Values of the feature `value_key` at the positions given by the int64 features `index_key` ->
// SparseTensor [B, size...].
struct SparseFeature {
  std::vector<std::string> index_key;
  std::string value_key;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> size;
  bool already_sorted = false;
};

using FeatureSpec = std::variant<FixedLenFeature, VarLenFeature, FixedLenSequenceFeature,
                                 RaggedFeature, SparseFeature>;
using ParseSpec = std::map<std::string, FeatureSpec, std::less<>>;

// Same class and same fields, default values element by element.
WEFT_API bool operator==(const FeatureSpec& a, const FeatureSpec& b);

// --- Columns, as tf.feature_column's classes of the same names --------------------------------
// Immutable values, shared by pointer: compare and hash them through the pointee.

class FeatureColumn;
class CategoricalColumn;
class FieldReader;    // src/column/fields.h
struct IdWeightPair;  // ids.h
struct IdsCall;       // src/ids/call.h
class SequencePart;   // src/sequence/parts.h
class DensePart;
struct PartSource;
using Column = std::shared_ptr<const FeatureColumn>;

// A function over the 1-D tensor of the values that are present, in their own dtype; it returns as
// many numbers. It runs on the calling thread, once a batch. Functions cannot be compared: two
// normalizers are equal when they share a `tag`, and never without one. Whoever makes a normalizer
// of functions that can be compared gives equal ones the same tag.
struct Normalizer {
  std::function<Tensor(const Tensor&)> function;
  std::shared_ptr<const void> tag;
  std::string name;  // what a config writes
  bool operator==(const Normalizer& other) const { return tag && tag == other.tag; }
};

// The fields of a column under TensorFlow's names, in TensorFlow's order: what get_config() holds,
// what makes two columns equal, and what from_config takes. monostate is None.
using FieldValue = std::variant<std::monostate, bool, int64_t, double, std::string, Shape, DType,
                                Tensor, Column, Initializer, Normalizer>;
using Fields = std::vector<std::pair<std::string, FieldValue>>;

// A kind of column is a class below, which answers for itself whatever is asked of it, and one line
// in src/column/column.cc. Each room has one file per kind: src/column has its fields and checks,
// src/ids how a categorical column makes ids, src/sequence what a dense column writes into a layer.
class WEFT_API FeatureColumn {
 public:
  virtual ~FeatureColumn();
  FeatureColumn(const FeatureColumn&) = delete;
  FeatureColumn& operator=(const FeatureColumn&) = delete;

  virtual const char* class_name() const = 0;  // TensorFlow's
  virtual std::string name() const = 0;
  // Whether the second dimension of what it reads is time.
  virtual bool is_sequence() const { return false; }
  // What parse_example needs in order to give the column its features.
  virtual ParseSpec parse_example_spec() const = 0;
  virtual Fields config() const = 0;

  // Same class and equal fields.
  bool operator==(const FeatureColumn& other) const;
  uint64_t hash() const;
  // "IdentityCategoricalColumn(key='watches', number_buckets=1000, default_value=None)"
  std::string to_string() const;

 protected:
  FeatureColumn() = default;
};

// A column whose values are ids in [0, num_buckets).
class WEFT_API CategoricalColumn : public virtual FeatureColumn {
 public:
  ~CategoricalColumn() override;
  virtual int64_t num_buckets() const = 0;
  virtual IdWeightPair ids(const IdsCall& call) const = 0;  // for id_weight_pair of ids.h
};

// The table [rows, dimension] that a layer makes for a column. Columns of a layer that name the
// same table share it.
struct TableSpec {
  std::string name;
  Shape shape;
  Initializer initializer;
  bool trainable = true;
};

// A column whose values are numbers: what a feature layer takes, SequenceFeatures if is_sequence()
// and DenseFeatures otherwise.
class WEFT_API DenseColumn : public virtual FeatureColumn {
 public:
  ~DenseColumn() override;
  virtual Shape variable_shape() const = 0;  // of one row, or of one step
  // The column whose ids it reads, or null.
  virtual const CategoricalColumn* ids_column() const { return nullptr; }
  // Throws InvalidArgument if the column asks for weights that no layer can make.
  virtual std::optional<TableSpec> table() const { return {}; }
  // What it writes into a batch of a layer. A kind has the one that suits is_sequence(), or both.
  virtual std::unique_ptr<const SequencePart> sequence_part(const PartSource& source) const;
  virtual std::unique_ptr<const DensePart> dense_part(const PartSource& source) const;
};

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
  IdWeightPair ids(const IdsCall& call) const override;

 private:
  Column categorical_column_;
};

// How the embeddings of several ids become one: with weights w, sum is sum(w x), mean is
// sum(w x) / sum(w), sqrtn is sum(w x) / sqrt(sum(w^2)).
enum class Combiner : uint8_t { kMean, kSqrtn, kSum };
WEFT_API const char* combiner_name(Combiner combiner);  // "mean", "sqrtn", "sum"
// Throws InvalidArgument for any other name.
WEFT_API Combiner combiner_from(std::string_view name);

struct EmbeddingOptions {
  Combiner combiner = Combiner::kMean;
  std::optional<Initializer> initializer;  // truncated normal, mean 0, stddev 1 / sqrt(dimension)
  std::optional<std::string> ckpt_to_load_from;
  std::optional<std::string> tensor_name_in_ckpt;
  std::optional<double> max_norm;  // rows with a larger l2 norm are scaled down to it
  bool trainable = true;
  bool use_safe_embedding_lookup = true;  // kept for TensorFlow's sake: lookups are always safe
};

// One row of a table [num_buckets, dimension] for each id. Throws InvalidArgument unless the column
// is categorical, dimension >= 1, max_norm > 0, and both or none of the ckpt fields are set.
class WEFT_API EmbeddingColumn final : public DenseColumn {
 public:
  static constexpr const char* kClassName = "EmbeddingColumn";
  static Column from_config(FieldReader& read);
  EmbeddingColumn(Column categorical_column, int64_t dimension, EmbeddingOptions options = {});
  const Column& categorical_column() const { return categorical_column_; }
  const CategoricalColumn& categorical() const;
  int64_t dimension() const { return dimension_; }
  const EmbeddingOptions& options() const { return options_; }  // `initializer` is always set
  Shape variable_shape() const override { return {dimension_}; }
  bool is_sequence() const override { return categorical_column_->is_sequence(); }
  const char* class_name() const override { return kClassName; }
  std::string name() const override;  // "<categorical>_embedding"
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  const CategoricalColumn* ids_column() const override { return &categorical(); }
  std::optional<TableSpec> table() const override;
  std::unique_ptr<const SequencePart> sequence_part(const PartSource& source) const override;
  std::unique_ptr<const DensePart> dense_part(const PartSource& source) const override;

 private:
  Column categorical_column_;
  int64_t dimension_;
  EmbeddingOptions options_;
};

// How often each id occurs: [num_buckets] numbers. Throws InvalidArgument unless the column is
// categorical.
class WEFT_API IndicatorColumn final : public DenseColumn {
 public:
  static constexpr const char* kClassName = "IndicatorColumn";
  static Column from_config(FieldReader& read);
  explicit IndicatorColumn(Column categorical_column);
  const Column& categorical_column() const { return categorical_column_; }
  const CategoricalColumn& categorical() const;
  Shape variable_shape() const override;  // [1, num_buckets]
  bool is_sequence() const override { return categorical_column_->is_sequence(); }
  const char* class_name() const override { return kClassName; }
  std::string name() const override;  // "<categorical>_indicator"
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  const CategoricalColumn* ids_column() const override { return &categorical(); }
  std::unique_ptr<const SequencePart> sequence_part(const PartSource& source) const override;
  std::unique_ptr<const DensePart> dense_part(const PartSource& source) const override;

 private:
  Column categorical_column_;
};

// num_elements(shape) numbers in every row. `default_value`: one number, or a tensor of `shape`,
// for records without the feature; int64, or float64 if `dtype` is floating, which is what it is
// then kept as: 0 and 0.0 are one default.
// Throws InvalidArgument for a dimension < 1, a dtype that is neither integer nor floating, or a
// default of another shape; WrongType for a default that does not fit dtype.
class WEFT_API NumericColumn final : public DenseColumn {
 public:
  static constexpr const char* kClassName = "NumericColumn";
  static Column from_config(FieldReader& read);
  explicit NumericColumn(std::string key, Shape shape = {1},
                         std::optional<Tensor> default_value = {}, DType dtype = DType::kFloat32,
                         std::optional<Normalizer> normalizer_fn = {});
  const std::string& key() const { return key_; }
  const Shape& shape() const { return shape_; }
  // Of `shape`; float64 if dtype() is floating, otherwise int64.
  const std::optional<Tensor>& default_value() const { return default_value_; }
  DType dtype() const { return dtype_; }
  const std::optional<Normalizer>& normalizer_fn() const { return normalizer_fn_; }
  Shape variable_shape() const override { return shape_; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override { return key_; }
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  std::unique_ptr<const DensePart> dense_part(const PartSource& source) const override;

 private:
  std::string key_;
  Shape shape_;
  std::optional<Tensor> default_value_;
  DType dtype_;
  std::optional<Normalizer> normalizer_fn_;
};

// num_elements(shape) numbers in every step; padding and holes are default_value, which the
// normalizer does not see. Throws as NumericColumn does.
class WEFT_API SequenceNumericColumn final : public DenseColumn {
 public:
  static constexpr const char* kClassName = "SequenceNumericColumn";
  static Column from_config(FieldReader& read);
  explicit SequenceNumericColumn(std::string key, Shape shape = {1}, double default_value = 0,
                                 DType dtype = DType::kFloat32,
                                 std::optional<Normalizer> normalizer_fn = {});
  const std::string& key() const { return key_; }
  const Shape& shape() const { return shape_; }
  double default_value() const { return default_value_; }
  DType dtype() const { return dtype_; }
  const std::optional<Normalizer>& normalizer_fn() const { return normalizer_fn_; }
  Shape variable_shape() const override { return shape_; }
  bool is_sequence() const override { return true; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override { return key_; }
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  std::unique_ptr<const SequencePart> sequence_part(const PartSource& source) const override;

 private:
  std::string key_;
  Shape shape_;
  double default_value_;
  DType dtype_;
  std::optional<Normalizer> normalizer_fn_;
};

// --- The functions of tf.feature_column --------------------------------------------------------
// They make the classes above and throw what their constructors throw.

WEFT_API Column categorical_column_with_identity(std::string key, int64_t num_buckets,
                                                 std::optional<int64_t> default_value = {});
WEFT_API Column sequence_categorical_column_with_identity(
    std::string key, int64_t num_buckets, std::optional<int64_t> default_value = {});
WEFT_API Column embedding_column(Column categorical_column, int64_t dimension,
                                 EmbeddingOptions options = {});
WEFT_API Column indicator_column(Column categorical_column);
WEFT_API Column numeric_column(std::string key, Shape shape = {1},
                               std::optional<Tensor> default_value = {},
                               DType dtype = DType::kFloat32,
                               std::optional<Normalizer> normalizer_fn = {});
WEFT_API Column sequence_numeric_column(std::string key, Shape shape = {1},
                                        double default_value = 0, DType dtype = DType::kFloat32,
                                        std::optional<Normalizer> normalizer_fn = {});

// The specs of all columns in one. Throws InvalidArgument naming the column if two columns want
// different specs for one key, or if a column is null.
WEFT_API ParseSpec make_parse_example_spec(std::span<const Column> columns);
inline ParseSpec make_parse_example_spec(const std::vector<Column>& columns) {
  return make_parse_example_spec(std::span<const Column>(columns));
}

// The column of class `class_name` (TensorFlow's) with these fields: the inverse of config().
// Throws InvalidArgument for an unknown class or unless `fields` are exactly that class's, in any
// order; WrongType for a field of another type.
WEFT_API Column column_from_config(std::string_view class_name, const Fields& fields);

}  // namespace weft
