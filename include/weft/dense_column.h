// The dense columns of tf.feature_column: from numbers or ids to what a model takes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/categorical_column.h"
#include "weft/export.h"
#include "weft/feature_column.h"

namespace weft {

// num_elements(shape) numbers in every row. `default_value`: one number, or a tensor of `shape`,
// for records without the feature; int64, or float64 if `dtype` is floating, which is what it is
// then kept as: 0 and 0.0 are one default.
// Throws InvalidArgument for a dimension < 1, a dtype that is neither integer nor floating, or a
// default of another shape; WrongType for a default that does not fit dtype.
class WEFT_API NumericColumn final : public NumberColumn {
 public:
  static constexpr const char* kClassName = "NumericColumn";
  static Column from_config(FieldReader& read);
  explicit NumericColumn(std::string key, Shape shape = {1},
                         std::optional<Tensor> default_value = {}, DType dtype = DType::kFloat32,
                         std::optional<Normalizer> normalizer_fn = {});
  const std::string& key() const override { return key_; }
  const Shape& shape() const override { return shape_; }
  // Of `shape`; float64 if dtype() is floating, otherwise int64.
  const std::optional<Tensor>& default_value() const { return default_value_; }
  DType dtype() const { return dtype_; }
  const std::optional<Normalizer>& normalizer_fn() const { return normalizer_fn_; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override { return key_; }
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  Feature numbers(const Features& features, DType dtype) const override;
  std::optional<Tensor> slopes(const Tensor& values) const override;
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
class WEFT_API SequenceNumericColumn final : public NumberColumn {
 public:
  static constexpr const char* kClassName = "SequenceNumericColumn";
  static Column from_config(FieldReader& read);
  explicit SequenceNumericColumn(std::string key, Shape shape = {1}, double default_value = 0,
                                 DType dtype = DType::kFloat32,
                                 std::optional<Normalizer> normalizer_fn = {});
  const std::string& key() const override { return key_; }
  const Shape& shape() const override { return shape_; }
  double default_value() const { return default_value_; }
  DType dtype() const { return dtype_; }
  const std::optional<Normalizer>& normalizer_fn() const { return normalizer_fn_; }
  bool is_sequence() const override { return true; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override { return key_; }
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  Feature numbers(const Features& features, DType dtype) const override;
  std::optional<Tensor> slopes(const Tensor& values) const override;
  std::unique_ptr<const SequencePart> sequence_part(const PartSource& source) const override;

 private:
  std::string key_;
  Shape shape_;
  double default_value_;
  DType dtype_;
  std::optional<Normalizer> normalizer_fn_;
};

// The time between events: `key` holds the time of each step. Without a reference it is the time
// since the step before, 0 at the first one; with one, the time from the step to the reference, a
// feature that holds one time a row (of a request, say). Divided by `unit`; exact for integers,
// computed in double precision. Padding and holes are default_value. TensorFlow has no such column.
// A batch with a uint64 time beyond int64 is OutOfRange, naming key, row and step.
// Throws InvalidArgument unless `unit` is a number > 0 and dtype an integer or floating.
class WEFT_API SequenceTimeDeltaColumn final : public NumberColumn {
 public:
  static constexpr const char* kClassName = "SequenceTimeDeltaColumn";
  static Column from_config(FieldReader& read);
  explicit SequenceTimeDeltaColumn(std::string key, std::optional<std::string> reference_key = {},
                                   double unit = 1, double default_value = 0,
                                   DType dtype = DType::kInt64,
                                   std::optional<Normalizer> normalizer_fn = {});
  const std::string& key() const override { return key_; }
  const Shape& shape() const override { return shape_; }
  const std::optional<std::string>& reference_key() const { return reference_key_; }
  double unit() const { return unit_; }
  double default_value() const { return default_value_; }
  DType dtype() const { return dtype_; }
  const std::optional<Normalizer>& normalizer_fn() const { return normalizer_fn_; }
  bool is_sequence() const override { return true; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override;  // "<key>_delta", "<key>_delta_to_<reference_key>"
  // `reference_key` is a FixedLenFeature of shape [].
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  Feature numbers(const Features& features, DType dtype) const override;
  std::unique_ptr<const SequencePart> sequence_part(const PartSource& source) const override;

 private:
  std::string key_;
  std::optional<std::string> reference_key_;
  double unit_;
  double default_value_;
  DType dtype_;
  std::optional<Normalizer> normalizer_fn_;
  Shape shape_{1};
};

// Which of the buckets (-inf, b0), [b0, b1), ..., [bn, inf) each number of `source_column` falls
// into, compared as float32; NaN falls into the last. As ids, number i of a row's or step's k
// numbers is bucket + i * (n + 1); as a dense column, one-hot [k, n + 1]. Holes and padding of a
// sequence have no bucket: zeros. Throws InvalidArgument unless the source is a NumberColumn of
// rank 1 and the boundaries (float64 or int64 [n], n >= 1) ascend.
class WEFT_API BucketizedColumn final : public DenseColumn, public CategoricalColumn {
 public:
  static constexpr const char* kClassName = "BucketizedColumn";
  static Column from_config(FieldReader& read);
  BucketizedColumn(Column source_column, const Tensor& boundaries);
  const Column& source_column() const { return source_column_; }
  const NumberColumn& source() const;
  const Tensor& boundaries() const { return boundaries_; }  // float64 [n]
  bool is_sequence() const override { return source_column_->is_sequence(); }
  int64_t num_buckets() const override;
  Shape variable_shape() const override;
  const char* class_name() const override { return kClassName; }
  std::string name() const override;  // "<source>_bucketized"
  ParseSpec parse_example_spec() const override;
  Fields config() const override;
  IdWeightPair ids(const IdsCall& call) const override;
  const CategoricalColumn* ids_column() const override { return this; }
  std::unique_ptr<const SequencePart> sequence_part(const PartSource& source) const override;
  std::unique_ptr<const DensePart> dense_part(const PartSource& source) const override;

 private:
  class Tree;  // src/ids/bucketized.cc
  const Tree& tree() const;

  Column source_column_;
  Tensor boundaries_;
  mutable std::once_flag built_;
  mutable std::shared_ptr<const Tree> tree_;
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
class WEFT_API EmbeddingColumn : public DenseColumn {
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
  void prepare() const override { categorical_column_->prepare(); }
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

// An embedding whose table is that of its collection: the same for all columns that one call of
// shared_embeddings() made, in whatever layers they are.
class WEFT_API SharedEmbeddingColumn final : public EmbeddingColumn {
 public:
  static constexpr const char* kClassName = "SharedEmbeddingColumn";
  static Column from_config(FieldReader& read);
  // `table`: a new one when null.
  SharedEmbeddingColumn(Column categorical_column, int64_t dimension, std::string collection_name,
                        EmbeddingOptions options = {},
                        std::shared_ptr<SharedTable> table = nullptr);
  const std::string& shared_embedding_collection_name() const { return collection_name_; }
  const std::shared_ptr<SharedTable>& shared_table() const { return table_; }
  const char* class_name() const override { return kClassName; }
  std::string name() const override;  // "<categorical>_shared_embedding"
  Fields config() const override;
  // Named as the collection.
  std::optional<TableSpec> table() const override;

 private:
  std::string collection_name_;
  std::shared_ptr<SharedTable> table_;
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
  void prepare() const override { categorical_column_->prepare(); }
  Fields config() const override;
  const CategoricalColumn* ids_column() const override { return &categorical(); }
  std::unique_ptr<const SequencePart> sequence_part(const PartSource& source) const override;
  std::unique_ptr<const DensePart> dense_part(const PartSource& source) const override;

 private:
  Column categorical_column_;
};

// --- The functions of tf.feature_column --------------------------------------------------------
// They make the classes above and throw what their constructors throw. sequence_time_delta_column
// and sequence_bucketized_column are weft's.

WEFT_API Column numeric_column(std::string key, Shape shape = {1},
                               std::optional<Tensor> default_value = {},
                               DType dtype = DType::kFloat32,
                               std::optional<Normalizer> normalizer_fn = {});
WEFT_API Column sequence_numeric_column(std::string key, Shape shape = {1},
                                        double default_value = 0, DType dtype = DType::kFloat32,
                                        std::optional<Normalizer> normalizer_fn = {});
WEFT_API Column sequence_time_delta_column(std::string key,
                                           std::optional<std::string> reference_key = {},
                                           double unit = 1, double default_value = 0,
                                           DType dtype = DType::kInt64,
                                           std::optional<Normalizer> normalizer_fn = {});
WEFT_API Column bucketized_column(Column source_column, const Tensor& boundaries);
// Throws InvalidArgument unless the source is a sequence.
WEFT_API Column sequence_bucketized_column(Column source_column, const Tensor& boundaries);
// `count` boundaries from `first` to `last`, each larger than the one before by the same factor:
// float64 [count]. Throws InvalidArgument unless 0 < first < last and count >= 2.
WEFT_API Tensor log_boundaries(double first, double last, int64_t count);
WEFT_API Column embedding_column(Column categorical_column, int64_t dimension,
                                 EmbeddingOptions options = {});
// One column for each of `categorical_columns`, in their order, with one table. The collection's
// name is that of the columns, sorted, "a_b_shared_embedding", if it is empty.
// Throws InvalidArgument as EmbeddingColumn does, for no columns, and unless all are of one class
// (under their weights and sequences) and of one number of buckets.
WEFT_API std::vector<Column> shared_embeddings(const std::vector<Column>& categorical_columns,
                                               int64_t dimension,
                                               const EmbeddingOptions& options = {},
                                               std::string shared_embedding_collection_name = {});
WEFT_API Column indicator_column(Column categorical_column);

}  // namespace weft
