#include "column/checks.h"
#include "column/fields.h"

namespace weft {

WeightedCategoricalColumn::WeightedCategoricalColumn(Column categorical_column,
                                                     std::string weight_feature_key, DType dtype)
    : categorical_column_(std::move(categorical_column)),
      weight_feature_key_(std::move(weight_feature_key)),
      dtype_(dtype) {
  require_categorical(categorical_column_, "weighted_categorical_column");
  if (is_weighted(*categorical_column_)) {
    throw InvalidArgument("weighted_categorical_column: the column has weights already: " +
                          categorical_column_->to_string());
  }
  if (!is_integer(dtype_) && !is_floating(dtype_)) {
    throw InvalidArgument(std::string("dtype ") + dtype_name(dtype_) +
                          " is not convertible to float.");
  }
}

const CategoricalColumn& WeightedCategoricalColumn::categorical() const {
  return dynamic_cast<const CategoricalColumn&>(*categorical_column_);
}

std::string WeightedCategoricalColumn::name() const {
  return categorical_column_->name() + "_weighted_by_" + weight_feature_key_;
}

ParseSpec WeightedCategoricalColumn::parse_example_spec() const {
  ParseSpec spec = categorical_column_->parse_example_spec();
  if (!spec.try_emplace(weight_feature_key_, VarLenFeature{dtype_}).second) {
    throw InvalidArgument("Parse config already exists for " + escape_bytes(weight_feature_key_) +
                          ": column '" + escape_bytes(categorical_column_->name()) + "' reads it");
  }
  return spec;
}

Fields WeightedCategoricalColumn::config() const {
  return {{"categorical_column", categorical_column_},
          {"weight_feature_key", weight_feature_key_},
          {"dtype", dtype_}};
}

Column WeightedCategoricalColumn::from_config(FieldReader& read) {
  return std::make_shared<WeightedCategoricalColumn>(read.get<Column>("categorical_column"),
                                                     read.get<std::string>("weight_feature_key"),
                                                     read.get<DType>("dtype"));
}

Column weighted_categorical_column(Column categorical_column, std::string weight_feature_key,
                                   DType dtype) {
  return std::make_shared<WeightedCategoricalColumn>(std::move(categorical_column),
                                                     std::move(weight_feature_key), dtype);
}

Column sequence_weighted_categorical_column(const Column& categorical_column,
                                            std::string weight_feature_key, DType dtype) {
  const auto* sequence = dynamic_cast<const SequenceCategoricalColumn*>(categorical_column.get());
  return std::make_shared<SequenceCategoricalColumn>(weighted_categorical_column(
      sequence == nullptr ? categorical_column : sequence->categorical_column(),
      std::move(weight_feature_key), dtype));
}

}  // namespace weft
