#include "column/checks.h"
#include "column/fields.h"

namespace weft {

SequenceCategoricalColumn::SequenceCategoricalColumn(Column categorical_column)
    : categorical_column_(std::move(categorical_column)) {
  if (require_categorical(categorical_column_, kClassName).is_sequence()) {
    throw InvalidArgument("categorical_column is a sequence already: " +
                          categorical_column_->to_string());
  }
}

const CategoricalColumn& SequenceCategoricalColumn::categorical() const {
  return dynamic_cast<const CategoricalColumn&>(*categorical_column_);
}

std::string SequenceCategoricalColumn::name() const { return categorical_column_->name(); }

ParseSpec SequenceCategoricalColumn::parse_example_spec() const {
  return categorical_column_->parse_example_spec();
}

Fields SequenceCategoricalColumn::config() const {
  return {{"categorical_column", categorical_column_}};
}

Column SequenceCategoricalColumn::from_config(FieldReader& read) {
  return std::make_shared<SequenceCategoricalColumn>(read.get<Column>("categorical_column"));
}

}  // namespace weft
