#include <algorithm>
#include <mutex>

#include "sequence/categorical.h"
#include "weft/sequence.h"

namespace weft {
namespace {

const DenseColumn& require_role(const Column& column, bool sequence) {
  const auto* dense = dynamic_cast<const DenseColumn*>(column.get());
  const std::string given = column ? column->to_string() : "None";
  if (dense == nullptr) {
    throw InvalidArgument(
        "Items of feature_columns must be a DenseColumn. You can wrap a categorical column with an "
        "embedding_column or indicator_column. Given: " +
        given);
  }
  if (dense->is_sequence() == sequence) return *dense;
  if (sequence) {
    throw InvalidArgument(
        "In column '" + escape_bytes(dense->name()) +
        "': categorical_column must be of type SequenceCategoricalColumn to use "
        "SequenceFeatures. Suggested fix: use one of sequence_categorical_column_with_* (or "
        "sequence_numeric_column). Given: " +
        given);
  }
  throw InvalidArgument(
      "In column '" + escape_bytes(dense->name()) +
      "': categorical_column must not be of type SequenceCategoricalColumn to use "
      "DenseFeatures. Suggested fix: use SequenceFeatures, or a non-sequence "
      "categorical_column_with_* (or numeric_column). Given: " +
      given);
}

void sort_by_name(std::vector<Column>& columns) {
  if (columns.empty()) throw InvalidArgument("feature_columns must not be empty.");
  for (const Column& column : columns) {
    if (!column)
      throw InvalidArgument("Items of feature_columns must be a FeatureColumn. Given: None");
  }
  std::ranges::stable_sort(columns, {}, [](const Column& column) { return column->name(); });
  for (size_t i = 1; i < columns.size(); ++i) {
    if (columns[i]->name() != columns[i - 1]->name()) continue;
    throw InvalidArgument("Duplicate feature column name found for columns: " +
                          columns[i - 1]->to_string() + " and " + columns[i]->to_string());
  }
}

Parameter table_of(const EmbeddingColumn& column, const FeatureLayer::Options& options) {
  if (column.options().ckpt_to_load_from) {
    throw InvalidArgument("ckpt_to_load_from of column '" + escape_bytes(column.name()) +
                          "': reading a checkpoint here is not supported; load the tensor and set "
                          "the layer's weights");
  }
  Parameter parameter;
  parameter.name = column.name() + "/embedding_weights";
  parameter.initializer = column.options().initializer.value();
  parameter.trainable = options.trainable && column.options().trainable;
  parameter.value = parameter.initializer({column.categorical().num_buckets(), column.dimension()},
                                          options.dtype, parameter.name, options.seed);
  return parameter;
}

}  // namespace

struct FeatureLayer::Counters {
  mutable std::mutex mutex;
  std::map<std::string, IdsCounters> by_name;
};

FeatureLayer::FeatureLayer(std::vector<Column> columns, Options options, Role role)
    : columns_(std::move(columns)),
      options_(std::move(options)),
      counters_(std::make_unique<Counters>()) {
  const bool sequence = role == Role::kSequence;
  if (options_.name.empty()) options_.name = sequence ? "sequence_features" : "dense_features";
  if (options_.dtype != DType::kFloat32 && options_.dtype != DType::kFloat64) {
    throw InvalidArgument(std::string("the dtype of a feature layer is float32 or float64, got ") +
                          dtype_name(options_.dtype));
  }
  sort_by_name(columns_);
  for (const Column& column : columns_) {
    const DenseColumn& dense = require_role(column, sequence);
    if (__builtin_add_overflow(width_, num_elements(dense.variable_shape()), &width_)) {
      throw InvalidArgument("the columns are more than 2^63 numbers wide");
    }
    if (const CategoricalColumn* categorical = categorical_of(dense))
      counters_->by_name[categorical->name()];
    parameter_of_.push_back(-1);
    if (column->kind() != FeatureColumn::Kind::kEmbedding) continue;
    parameter_of_.back() = static_cast<int>(parameters_.size());
    parameters_.push_back(table_of(static_cast<const EmbeddingColumn&>(*column), options_));
  }
}

FeatureLayer::~FeatureLayer() = default;
FeatureLayer::FeatureLayer(FeatureLayer&&) noexcept = default;
FeatureLayer& FeatureLayer::operator=(FeatureLayer&&) noexcept = default;

std::map<std::string, IdsCounters> FeatureLayer::counters() const {
  std::lock_guard lock(counters_->mutex);
  return counters_->by_name;
}

void FeatureLayer::reset_counters() {
  std::lock_guard lock(counters_->mutex);
  for (auto& [name, counters] : counters_->by_name) counters = {};
}

void FeatureLayer::count(const std::string& categorical, const IdsCounters& met) const {
  std::lock_guard lock(counters_->mutex);
  counters_->by_name[categorical] += met;
}

const Parameter* FeatureLayer::parameter(size_t column) const {
  const int at = parameter_of_[column];
  return at < 0 ? nullptr : &parameters_[static_cast<size_t>(at)];
}

}  // namespace weft
