#include "column/checks.h"
#include "column/fields.h"

namespace weft {

IndicatorColumn::IndicatorColumn(Column categorical_column)
    : categorical_column_(std::move(categorical_column)) {
  require_categorical(categorical_column_, "indicator_column");
}

const CategoricalColumn& IndicatorColumn::categorical() const {
  return dynamic_cast<const CategoricalColumn&>(*categorical_column_);
}

Shape IndicatorColumn::variable_shape() const { return {1, categorical().num_buckets()}; }

std::string IndicatorColumn::name() const { return categorical_column_->name() + "_indicator"; }

ParseSpec IndicatorColumn::parse_example_spec() const {
  return categorical_column_->parse_example_spec();
}

Fields IndicatorColumn::config() const { return {{"categorical_column", categorical_column_}}; }

Column IndicatorColumn::from_config(FieldReader& read) {
  return std::make_shared<IndicatorColumn>(read.get<Column>("categorical_column"));
}

Column indicator_column(Column categorical_column) {
  return std::make_shared<IndicatorColumn>(std::move(categorical_column));
}

}  // namespace weft
